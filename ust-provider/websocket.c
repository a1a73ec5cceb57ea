// SPDX-License-Identifier: GPL-2.0
/*
 * WebSocket (RFC 6455) as much as it takes to listen to a server: its frames, in whatever
 * pieces they come, and the answer to its pings, without which it hangs up. libcurl may
 * have this, too, but Debian 12's has not.
 */

#include <stdbool.h>
#include <string.h>

#include "websocket.h"

#define FINAL		0x80
#define RESERVED	0x70	/* for extensions, and none is asked for */
#define OPCODE		0x0f
#define CONTROL		0x08	/* a bit of the opcode */
#define MASKED		0x80
#define LENGTH		0x7f
#define LENGTH_16	126
#define LENGTH_64	127

enum opcode {
	CONTINUED,
	TEXT,
	BINARY,
	CLOSE = CONTROL,
	PING,
	PONG,
};

static size_t header_size(const struct websocket *ws)
{
	if (ws->have < 2)
		return 2;
	switch (ws->header[1] & LENGTH) {
	case LENGTH_16:
		return 4;
	case LENGTH_64:
		return 10;
	default:
		return 2;
	}
}

static bool is_control(const struct websocket *ws)
{
	return ws->header[0] & CONTROL;
}

static const char *check_header(const struct websocket *ws)
{
	unsigned int opcode = ws->header[0] & OPCODE;

	if (ws->header[0] & RESERVED || ws->header[1] & MASKED || opcode > PONG ||
	    (opcode > BINARY && opcode < CLOSE))
		return "this is no WebSocket";
	if (is_control(ws) && (ws->left > WEBSOCKET_CONTROL_MAX || !(ws->header[0] & FINAL)))
		return "a control frame is too long";
	return NULL;
}

static const char *header_is_whole(struct websocket *ws)
{
	size_t size = header_size(ws);

	ws->left = size == 2 ? ws->header[1] & LENGTH : 0;
	for (size_t i = 2; i < size; i++)
		ws->left = ws->left << 8 | ws->header[i];
	ws->control_len = 0;
	return check_header(ws);
}

static const char *end_frame(struct websocket *ws, const struct websocket_ops *ops, void *arg)
{
	unsigned int opcode = ws->header[0] & OPCODE;

	ws->have = 0;
	if (opcode == CLOSE)
		return "the server has closed it";
	if (opcode == PING)
		return ops->ping(arg, ws->control, ws->control_len);
	return !is_control(ws) && ws->header[0] & FINAL ? ops->end(arg) : NULL;
}

static const char *take_payload(struct websocket *ws, const struct websocket_ops *ops,
				void *arg, const char *data, size_t len)
{
	ws->left -= len;
	if (!is_control(ws))
		return ops->data(arg, data, len);
	memcpy(ws->control + ws->control_len, data, len);
	ws->control_len += len;
	return NULL;
}

/**
 * websocket_read - take what has come
 * @ws: how far it was read before
 * @ops: called for what is whole now, and for parts of data
 * @arg: for @ops
 * @data: what follows on that
 * @len: of @data
 *
 * Return: NULL; or why no more can be read.
 */
const char *websocket_read(struct websocket *ws, const struct websocket_ops *ops, void *arg,
			   const char *data, size_t len)
{
	const char *wrong = NULL;

	while (len && !wrong) {
		size_t n = 1;

		if (ws->have < header_size(ws)) {
			ws->header[ws->have++] = *data;
			if (ws->have == header_size(ws))
				wrong = header_is_whole(ws);
		} else {
			n = len < ws->left ? len : ws->left;
			wrong = take_payload(ws, ops, arg, data, n);
		}
		data += n;
		len -= n;
		if (!wrong && ws->have == header_size(ws) && !ws->left)
			wrong = end_frame(ws, ops, arg);
	}
	return wrong;
}

/**
 * websocket_pong - make the answer to a ping
 * @frame: gets it
 * @data: what was in the ping
 * @len: of @data, at most WEBSOCKET_CONTROL_MAX
 *
 * Clients have to mask what they send, for the sake of proxies; here is none, and 0 will do.
 *
 * Return: bytes of @frame.
 */
size_t websocket_pong(char frame[WEBSOCKET_PONG_MAX], const char *data, size_t len)
{
	memset(frame, 0, 6);
	frame[0] = (char)(FINAL | PONG);
	frame[1] = (char)(MASKED | len);
	memcpy(frame + 6, data, len);
	return 6 + len;
}
