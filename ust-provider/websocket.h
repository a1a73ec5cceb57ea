/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_WEBSOCKET_H
#define CID_WEBSOCKET_H

#include <stddef.h>
#include <stdint.h>

#define WEBSOCKET_HEADER_MAX	10
#define WEBSOCKET_CONTROL_MAX	125	/* bytes of a message that isn't data */
#define WEBSOCKET_PONG_MAX	(6 + WEBSOCKET_CONTROL_MAX)

/* How far a server's frames have been read; all 0: nothing has come */
struct websocket {
	unsigned char header[WEBSOCKET_HEADER_MAX];
	size_t have;		/* bytes of @header */
	uint64_t left;		/* bytes of the frame that are to come */
	char control[WEBSOCKET_CONTROL_MAX];
	size_t control_len;
};

/**
 * struct websocket_ops - what becomes of them. Each returns NULL, or why no more is wanted.
 * @data: a part of a message
 * @end: the message ends with that
 * @ping: what is in it is to be sent back: see websocket_pong()
 */
struct websocket_ops {
	const char *(*data)(void *arg, const char *data, size_t len);
	const char *(*end)(void *arg);
	const char *(*ping)(void *arg, const char *data, size_t len);
};

const char *websocket_read(struct websocket *ws, const struct websocket_ops *ops, void *arg,
			   const char *data, size_t len);
size_t websocket_pong(char frame[WEBSOCKET_PONG_MAX], const char *data, size_t len);

#endif
