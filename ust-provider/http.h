/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_HTTP_H
#define CID_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define HTTP_ANSWER_MAX	(8U << 20)	/* bytes of most answers, and of what a stream has at once */
#define HTTP_LINE_MAX	(1U << 20)	/* bytes of a stream's line */

struct http;
struct http_request;

/**
 * struct http_answer - how a request has ended
 * @status: HTTP's, 0: none has come
 * @error: NULL, or why there is no whole answer; a status of any kind is an answer to
 *	http_get(), and to http_stream() if it is 200, http_websocket() if it is 101
 * @err: connect()'s errno, or 0
 * @only_this: it took too long or was too much, which others needn't
 * @body: the answer to http_get(), and a zero byte behind it
 * @len: of @body
 */
struct http_answer {
	int status;
	const char *error;
	int err;
	bool only_this;
	const char *body;
	size_t len;
};

typedef void http_done_fn(void *arg, const struct http_answer *answer);

/**
 * struct http_stream_ops - what becomes of a stream
 * @open: its header has come, and says that all is well
 * @line: a line, with a zero byte in place of its newline; others may be in it
 * @end: it has ended; without an error if the server has ended it between two lines
 */
struct http_stream_ops {
	void (*open)(void *arg);
	void (*line)(void *arg, const char *line, size_t len);
	http_done_fn *end;
};

struct http *http_new(const char *path, uid_t peer);
void http_free(struct http *h);
struct http_request *http_get(struct http *h, const char *target, size_t max,
			      http_done_fn *done, void *arg);
struct http_request *http_stream(struct http *h, const char *target,
				 const struct http_stream_ops *ops, void *arg);
struct http_request *http_websocket(struct http *h, const char *target,
				    const struct http_stream_ops *ops, void *arg);
void http_cancel(struct http_request *req);

#endif
