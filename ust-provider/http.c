// SPDX-License-Identifier: GPL-2.0
/*
 * Docker, podman and Incus speak HTTP on unix sockets. libcurl knows HTTP, in all the ways that
 * servers frame an answer; what is here makes it an event source of the loop, and bounds
 * what a server can have the agent keep.
 *
 * It is loaded when the first server is there: it comes with five megabytes of libraries,
 * which an agent that has none to ask shall not carry.
 *
 * libcurl's callbacks must not end a transfer, and whoever gets an answer may want just
 * that. So its callbacks only collect, and the answers are handed over after it has
 * returned.
 */

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "agent.h"
#include "http.h"
#include "websocket.h"

#define CONNECT_MS	5000L
#define ANSWER_MS	10000L
#define HEADER_MAX	(64U << 10)	/* bytes of all headers */
#define STREAM_KEPT	(64U << 10)	/* bytes of buffer for a stream that is silent */
#define CONNECTIONS_MAX	6L		/* that are kept for the next request */

struct http {
	CURLM *multi;
	sd_event_source *timer;
	struct http_request *requests;
	char *path;
	uid_t peer;
	unsigned int busy;	/* handing over answers: nothing may be freed */
	bool dying;		/* http_free() came meanwhile */
};

struct http_request {
	struct http_request *next;
	struct http *http;
	CURL *easy;		/* NULL: it is over, and waits to be freed */
	const struct http_stream_ops *stream;
	struct websocket *websocket;	/* NULL: @stream is lines as they are */
	struct curl_slist *headers;
	http_done_fn *done;
	void *arg;
	char *buf;
	size_t len, size, max;
	size_t line;		/* length of the line at the end of @buf that goes on */
	size_t header;		/* bytes so far */
	const char *refused;	/* why the answer isn't wanted */
	bool too_long;		/* that is why */
	int fd;			/* the socket, if it was opened for this request, or -1 */
	int opened;		/* socket whose peer is to be checked, or -1 */
	bool header_done;
	bool told_open;
};

#define LIBRARY		"libcurl.so.4"
#define FUNCTIONS(f) \
	f(easy_cleanup) f(easy_getinfo) f(easy_init) f(easy_setopt) f(easy_strerror) \
	f(global_init) f(multi_add_handle) f(multi_assign) f(multi_cleanup) \
	f(multi_info_read) f(multi_init) f(multi_remove_handle) f(multi_setopt) \
	f(multi_socket_action) f(slist_append) f(slist_free_all)
#define AS_MEMBER(name)	typeof(curl_##name) *name;
#define AS_NAME(name)	"curl_" #name,

static struct {
	FUNCTIONS(AS_MEMBER)
} curl;

static void no_memory(const char *what)
{
	msg("libcurl: no memory for a %s", what);
	exit(EXIT_FAILURE);
}

static int status_of(const struct http_request *req)
{
	long status = 0;

	curl.easy_getinfo(req->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static bool is_good(const struct http_request *req)
{
	return status_of(req) == (req->websocket ? 101 : 200);
}

/* --- what libcurl calls --- */

static bool make_room(struct http_request *req, size_t add)
{
	size_t need = req->len + add + 1;
	size_t size = req->size ? req->size : 4096;
	char *buf;

	if (need <= req->size)
		return true;
	while (size < need)
		size *= 2;
	/* Megabytes may be more than there is, which is no reason to end. */
	buf = realloc(req->buf, size);
	if (!buf)
		return false;
	req->buf = buf;
	req->size = size;
	return true;
}

static void count_line(struct http_request *req, const char *data, size_t len)
{
	const char *nl = memrchr(data, '\n', len);

	req->line = nl ? (size_t)(data + len - nl - 1) : req->line + len;
	/* Lines that are whole have their length checked when they are handed over. */
	if (req->line > HTTP_LINE_MAX)
		req->refused = "a line is too long";
}

/* Return: NULL; or why no more is wanted. */
static const char *keep(struct http_request *req, const char *data, size_t len)
{
	req->too_long = len > req->max - req->len;
	if (req->too_long)
		req->refused = "the answer is too long";
	else if (!make_room(req, len))
		req->refused = "no memory for the answer";
	else if (req->stream)
		count_line(req, data, len);
	if (req->refused)
		return req->refused;
	memcpy(req->buf + req->len, data, len);
	req->len += len;
	req->buf[req->len] = '\0';
	return NULL;
}

/* A message is to be a line; JSON, of which it is, takes spaces as well. */
static const char *on_message_data(void *arg, const char *data, size_t len)
{
	struct http_request *req = arg;
	const char *wrong = NULL;
	const char *newline;

	while (!wrong && (newline = memchr(data, '\n', len))) {
		size_t n = newline - data;

		wrong = keep(req, data, n) ?: keep(req, " ", 1);
		data += n + 1;
		len -= n + 1;
	}
	return wrong ?: keep(req, data, len);
}

static const char *on_message_end(void *arg)
{
	return keep(arg, "\n", 1);
}

/* libcurl has sent all that it is going to send. */
static const char *on_ping(void *arg, const char *data, size_t len)
{
	const struct http_request *req = arg;
	char frame[WEBSOCKET_PONG_MAX];
	size_t size = websocket_pong(frame, data, len);

	if (send(req->fd, frame, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size)
		return NULL;
	return "a ping can't be answered";
}

static const struct websocket_ops message_ops = {
	.data = on_message_data,
	.end = on_message_end,
	.ping = on_ping,
};

static size_t on_data(char *data, size_t one, size_t len, void *userdata)
{
	struct http_request *req = userdata;

	if (one != 1 || req->refused)
		return 0;
	if (req->stream && !is_good(req))
		return len;
	if (req->websocket)
		req->refused = websocket_read(req->websocket, &message_ops, req, data, len);
	else
		keep(req, data, len);
	return req->refused ? 0 : len;
}

/*
 * Whoever may write to a socket's folder can exchange it after its owner has been looked
 * at. The one who listens cannot be forged. Later requests on a connection need not ask.
 */
static bool check_peer(struct http_request *req)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);
	int fd = req->opened;

	req->opened = -1;
	return fd < 0 || (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) &&
			  cred.uid == req->http->peer);
}

static size_t on_header(char *data, size_t one, size_t len, void *userdata)
{
	struct http_request *req = userdata;

	/* Nothing of an answer comes before its header */
	if (!check_peer(req)) {
		req->refused = "someone else than its owner listens";
		return 0;
	}
	req->header += len;
	if (one != 1 || req->header > HEADER_MAX) {
		req->refused = "the header is too long";
		return 0;
	}
	if (len && len <= 2 && (data[0] == '\r' || data[0] == '\n') &&
	    (status_of(req) >= 200 || (req->websocket && is_good(req))))
		req->header_done = true;
	return len;
}

static curl_socket_t on_open_socket(void *userdata, curlsocktype purpose,
				    struct curl_sockaddr *addr)
{
	struct http_request *req = userdata;

	if (purpose != CURLSOCKTYPE_IPCXN || addr->family != AF_UNIX)
		return CURL_SOCKET_BAD;
	req->opened = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	req->fd = req->opened;
	return req->opened < 0 ? CURL_SOCKET_BAD : req->opened;
}

static void run(struct http *h, curl_socket_t fd, int what);

static int on_io(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
	int what = 0;

	(void)s;
	if (events & (EPOLLIN | EPOLLHUP))
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	run(userdata, fd, what);
	return 0;
}

static int on_time(sd_event_source *s, uint64_t usec, void *userdata)
{
	(void)s;
	(void)usec;
	run(userdata, CURL_SOCKET_TIMEOUT, 0);
	return 0;
}

static int on_watch_socket(CURL *easy, curl_socket_t fd, int what, void *userdata,
			   void *socket_data)
{
	sd_event_source *s = socket_data;
	struct http *h = userdata;
	uint32_t events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		sd_event_source_disable_unref(s);
		curl.multi_assign(h->multi, fd, NULL);
		return 0;
	}
	if (what != CURL_POLL_OUT)
		events |= EPOLLIN;
	if (what != CURL_POLL_IN)
		events |= EPOLLOUT;
	if (s)
		return sd_event_source_set_io_events(s, events) < 0 ? -1 : 0;
	if (sd_event_add_io(loop, &s, fd, events, on_io, h) < 0)
		return -1;
	curl.multi_assign(h->multi, fd, s);
	return 0;
}

static int on_set_timer(CURLM *multi, long ms, void *userdata)
{
	struct http *h = userdata;
	uint64_t now;

	(void)multi;
	if (ms < 0)
		return sd_event_source_set_enabled(h->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
	if (sd_event_now(loop, CLOCK_MONOTONIC, &now) < 0 ||
	    sd_event_source_set_time(h->timer, now + ms * 1000ULL) < 0 ||
	    sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT) < 0)
		return -1;
	return 0;
}

/* --- handing over --- */

static void end_request(struct http_request *req)
{
	if (!req->easy)
		return;
	curl.multi_remove_handle(req->http->multi, req->easy);
	curl.easy_cleanup(req->easy);
	curl.slist_free_all(req->headers);
	req->headers = NULL;
	req->easy = NULL;
}

static void free_http(struct http *h)
{
	curl.multi_cleanup(h->multi);
	sd_event_source_disable_unref(h->timer);
	free(h->path);
	free(h);
}

static void sweep(struct http *h)
{
	struct http_request **p = &h->requests;

	if (h->busy)
		return;
	while (*p) {
		struct http_request *req = *p;

		if (req->easy) {
			p = &req->next;
			continue;
		}
		*p = req->next;
		free(req->websocket);
		free(req->buf);
		free(req);
	}
	if (h->dying)
		free_http(h);
}

static void hand_over_lines(struct http_request *req)
{
	size_t from = 0;
	char *nl;

	if (!req->len)
		return;
	while (req->easy && !req->refused &&
	       (nl = memchr(req->buf + from, '\n', req->len - from))) {
		size_t len = nl - (req->buf + from);

		*nl = '\0';
		if (len > HTTP_LINE_MAX)
			req->refused = "a line is too long";
		else
			req->stream->line(req->arg, req->buf + from, len);
		from += len + 1;
	}
	req->len -= from;
	memmove(req->buf, req->buf + from, req->len);
	if (!req->len && req->size > STREAM_KEPT) {
		free(req->buf);
		req->buf = NULL;
		req->size = 0;
	}
}

static void hand_over_stream(struct http_request *req)
{
	if (!req->told_open && req->header_done && is_good(req)) {
		req->told_open = true;
		req->stream->open(req->arg);
	}
	hand_over_lines(req);
}

static const char *error_of(const struct http_request *req, CURLcode code, int err,
			    char text[64])
{
	int status = status_of(req);

	if (req->refused)
		return req->refused;
	if (err)
		return strerror(err);
	if (code != CURLE_OK)
		return curl.easy_strerror(code);
	if (req->stream && !is_good(req)) {
		snprintf(text, 64, "the answer is HTTP status %d", status);
		return text;
	}
	if (req->stream && req->len)
		return "it ended within a line";
	return NULL;
}

static void hand_over_end(struct http_request *req, CURLcode code)
{
	struct http_answer answer = {};
	char text[64];
	long err = 0;

	if (code == CURLE_COULDNT_CONNECT)
		curl.easy_getinfo(req->easy, CURLINFO_OS_ERRNO, &err);
	answer.err = err;
	answer.only_this = req->too_long || code == CURLE_OPERATION_TIMEDOUT;
	answer.error = error_of(req, code, err, text);
	answer.status = status_of(req);
	if (!req->stream && !answer.error) {
		answer.body = req->buf ? req->buf : "";
		answer.len = req->len;
	}
	end_request(req);
	if (req->stream)
		req->stream->end(req->arg, &answer);
	else
		req->done(req->arg, &answer);
}

static void hand_over_ends(struct http *h)
{
	struct http_request *req;
	CURLMsg *m;
	int left;

	while ((m = curl.multi_info_read(h->multi, &left))) {
		CURLcode code = m->data.result;

		if (m->msg != CURLMSG_DONE ||
		    curl.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &req))
			continue;
		hand_over_end(req, code);
	}
}

static void run(struct http *h, curl_socket_t fd, int what)
{
	struct http_request *req;
	int running;

	curl.multi_socket_action(h->multi, fd, what, &running);
	h->busy++;
	for (req = h->requests; req; req = req->next)
		if (req->easy && req->stream)
			hand_over_stream(req);
	hand_over_ends(h);
	/* A line was too long, after libcurl had taken it */
	for (req = h->requests; req; req = req->next)
		if (req->easy && req->stream && req->refused)
			hand_over_end(req, CURLE_WRITE_ERROR);
	h->busy--;
	sweep(h);
}

/* --- the interface --- */

static bool find_functions(void *library)
{
	static const char *const names[] = { FUNCTIONS(AS_NAME) };
	void *symbols[ARRAY_SIZE(names)] = {};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		symbols[i] = dlsym(library, names[i]);
		if (!symbols[i])
			return false;
	}
	memcpy(&curl, symbols, sizeof(curl));
	return true;
}

static bool load_library(void)
{
	static bool loaded;
	void *library;

	if (loaded)
		return true;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library || !find_functions(library))
		return false;
	if (curl.global_init(CURL_GLOBAL_NOTHING))
		no_memory("start");
	loaded = true;
	return true;
}

/**
 * http_new - a client of one server
 * @path: its unix socket
 * @peer: who must be listening there
 *
 * Nothing is done before the first request. Connections are kept until http_free().
 *
 * Return: NULL if there is no libcurl, or one that lacks a function.
 */
struct http *http_new(const char *path, uid_t peer)
{
	struct http *h;

	if (!load_library())
		return NULL;
	h = xcalloc(1, sizeof(*h));
	h->path = xstrdup(path);
	h->peer = peer;
	h->multi = curl.multi_init();
	if (!h->multi || sd_event_add_time(loop, &h->timer, CLOCK_MONOTONIC, UINT64_MAX,
					   1000, on_time, h) < 0)
		no_memory("client");
	sd_event_source_set_enabled(h->timer, SD_EVENT_OFF);
	curl.multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_watch_socket);
	curl.multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl.multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_set_timer);
	curl.multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl.multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
	return h;
}

/**
 * http_free - cancel all its requests and close its connections
 * @h: may be NULL; may be called from what a request calls
 */
void http_free(struct http *h)
{
	struct http_request *req;

	if (!h)
		return;
	for (req = h->requests; req; req = req->next)
		end_request(req);
	h->dying = true;
	sweep(h);
}

static void set_protocol(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
#else
	curl.easy_setopt(easy, CURLOPT_PROTOCOLS, (long)CURLPROTO_HTTP);
#endif
	curl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	/* The environment's proxies are for others */
	curl.easy_setopt(easy, CURLOPT_PROXY, "");
	curl.easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl.easy_setopt(easy, CURLOPT_BUFFERSIZE, 16384L);
}

static void set_callbacks(CURL *easy, struct http_request *req)
{
	curl.easy_setopt(easy, CURLOPT_PRIVATE, req);
	curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
	curl.easy_setopt(easy, CURLOPT_WRITEDATA, req);
	curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl.easy_setopt(easy, CURLOPT_HEADERDATA, req);
	curl.easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl.easy_setopt(easy, CURLOPT_OPENSOCKETDATA, req);
}

static struct http_request *new_request(struct http *h, const char *target, void *arg)
{
	struct http_request *req = xcalloc(1, sizeof(*req));
	cleanup_free char *url = xasprintf("http://localhost%s", target);

	req->http = h;
	req->arg = arg;
	req->max = HTTP_ANSWER_MAX;
	req->fd = -1;
	req->opened = -1;
	req->easy = curl.easy_init();
	if (!req->easy)
		no_memory("request");
	set_protocol(req->easy);
	set_callbacks(req->easy, req);
	if (curl.easy_setopt(req->easy, CURLOPT_UNIX_SOCKET_PATH, h->path) ||
	    curl.easy_setopt(req->easy, CURLOPT_URL, url))
		no_memory("URL");
	req->next = h->requests;
	h->requests = req;
	return req;
}

/**
 * http_get - ask for something that has an end
 * @h: the client
 * @target: path and query, encoded
 * @max: bytes that the answer may have
 * @done: called once, later, unless the request is cancelled; it is gone by then
 * @arg: for @done
 */
struct http_request *http_get(struct http *h, const char *target, size_t max,
			      http_done_fn *done, void *arg)
{
	struct http_request *req = new_request(h, target, arg);

	req->done = done;
	req->max = max;
	curl.easy_setopt(req->easy, CURLOPT_TIMEOUT_MS, ANSWER_MS);
	if (curl.multi_add_handle(h->multi, req->easy))
		no_memory("request");
	return req;
}

/* The key is for whoever is no WebSocket to show it, which a header without "101" does. */
static void ask_for_upgrade(struct http_request *req)
{
	static const char *const headers[] = {
		"Connection: Upgrade",
		"Upgrade: websocket",
		"Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
	};

	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		struct curl_slist *all = curl.slist_append(req->headers, headers[i]);

		if (!all)
			no_memory("header");
		req->headers = all;
	}
	curl.easy_setopt(req->easy, CURLOPT_HTTPHEADER, req->headers);
	/* So that @fd is known */
	curl.easy_setopt(req->easy, CURLOPT_FRESH_CONNECT, 1L);
}

static struct http_request *begin_stream(struct http *h, const char *target,
					 const struct http_stream_ops *ops, void *arg,
					 bool upgrade)
{
	struct http_request *req = new_request(h, target, arg);

	req->stream = ops;
	if (upgrade) {
		req->websocket = xcalloc(1, sizeof(*req->websocket));
		ask_for_upgrade(req);
	}
	if (curl.multi_add_handle(h->multi, req->easy))
		no_memory("request");
	return req;
}

/**
 * http_stream - ask for something that has no end
 * @h: the client
 * @target: path and query, encoded
 * @ops: called later, unless the request is cancelled; it is gone when @ops->end() is
 * @arg: for @ops
 */
struct http_request *http_stream(struct http *h, const char *target,
				 const struct http_stream_ops *ops, void *arg)
{
	return begin_stream(h, target, ops, arg, false);
}

/**
 * http_websocket - the same by WebSocket, each message of text as a line
 * @h: the client
 * @target: path and query, encoded
 * @ops: called later, unless the request is cancelled; it is gone when @ops->end() is
 * @arg: for @ops
 */
struct http_request *http_websocket(struct http *h, const char *target,
				    const struct http_stream_ops *ops, void *arg)
{
	return begin_stream(h, target, ops, arg, true);
}

/**
 * http_cancel - forget a request
 * @req: one that hasn't ended; nothing of it is called any more
 */
void http_cancel(struct http_request *req)
{
	struct http *h = req->http;

	end_request(req);
	sweep(h);
}
