// SPDX-License-Identifier: GPL-2.0
/* What comes in pieces is read as what comes at once, and nothing is longer than it may be. */

#include "../websocket.c"
#include "fuzz.h"

sd_event *loop;

/* All that is said of an input, and a hash of it */
struct heard {
	uint64_t bytes, ends, pings, hash;
};

static void hear(struct heard *h, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h->hash = h->hash * 31 + (unsigned char)data[i];
	h->bytes += len;
}

static const char *hear_data(void *arg, const char *data, size_t len)
{
	hear(arg, data, len);
	return NULL;
}

static const char *hear_end(void *arg)
{
	struct heard *h = arg;

	h->ends++;
	hear(h, "\n", 1);
	return NULL;
}

static const char *hear_ping(void *arg, const char *data, size_t len)
{
	char frame[WEBSOCKET_PONG_MAX];
	struct heard *h = arg;

	check(len <= WEBSOCKET_CONTROL_MAX);
	check(websocket_pong(frame, data, len) == len + 6);
	h->pings++;
	hear(h, data, len);
	return NULL;
}

static const struct websocket_ops ops = {
	.data = hear_data,
	.end = hear_end,
	.ping = hear_ping,
};

/* Each piece in a place of its size */
static const char *read_in_pieces(const uint8_t *data, size_t size, size_t piece,
				  struct heard *h)
{
	struct websocket ws = {};
	const char *wrong = NULL;

	while (size && !wrong) {
		size_t len = size < piece ? size : piece;
		char *text = text_of(data, len);

		wrong = websocket_read(&ws, &ops, h, text, len);
		check(ws.have <= sizeof(ws.header) && ws.control_len <= sizeof(ws.control));
		free(text);
		data += len;
		size -= len;
	}
	return wrong;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole = {}, pieces = {};
	size_t piece = size ? data[size - 1] % 16 + 1 : 1;
	const char *wrong = read_in_pieces(data, size, size + 1, &whole);

	check(wrong == read_in_pieces(data, size, piece, &pieces));
	check(!memcmp(&whole, &pieces, sizeof(whole)));
	return 0;
}
