/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_FUZZ_REST_H
#define CID_FUZZ_REST_H

/*
 * What the fuzzers of servers have: each includes the flavour that it is for before, and says
 * by good_id() what its IDs are.
 *
 * An input is lines; the first byte of each chooses what the rest is: see step().
 */

#include "../place.c"
#include "../runtimes/statefile.c"
#include "../runtimes/rest.c"
#include "fuzz.h"

static bool good_id(const char *id);

#define REQUESTS_MAX	8

struct http {
	struct http_request *requests[REQUESTS_MAX];	/* the oldest first */
};

struct http_request {
	struct http *http;
	http_done_fn *done;
	void *arg;
};

sd_event *loop;

static bool listing, opened;

/* --- what is called --- */

struct http *http_new(const char *path, uid_t peer)
{
	(void)path;
	(void)peer;
	return xcalloc(1, sizeof(struct http));
}

static void take_out(struct http_request *req)
{
	struct http_request **at = req->http->requests;
	size_t i = 0;

	while (i < REQUESTS_MAX && at[i] != req)
		i++;
	check(i < REQUESTS_MAX);
	memmove(at + i, at + i + 1, (REQUESTS_MAX - i - 1) * sizeof(*at));
	at[REQUESTS_MAX - 1] = NULL;
}

void http_cancel(struct http_request *req)
{
	take_out(req);
	free(req);
}

void http_free(struct http *h)
{
	while (h && h->requests[0])
		http_cancel(h->requests[0]);
	free(h);
}

static struct http_request *new_request(struct http *h, const char *target,
					http_done_fn *done, void *arg)
{
	struct http_request *req = xcalloc(1, sizeof(*req));
	size_t i;

	check(*target == '/' && !strstr(target, "/.") && !strpbrk(target, " \r\n#\\"));
	check(!h->requests[REQUESTS_MAX - 1]);
	for (i = 0; i < REQUESTS_MAX - 1 && h->requests[i]; i++)
		;
	*req = (struct http_request){ .http = h, .done = done, .arg = arg };
	h->requests[i] = req;
	return req;
}

struct http_request *http_get(struct http *h, const char *target, size_t max,
			      http_done_fn *done, void *arg)
{
	check(max && max <= 4 * HTTP_ANSWER_MAX);
	return new_request(h, target, done, arg);
}

struct http_request *http_stream(struct http *h, const char *target,
				 const struct http_stream_ops *ops, void *arg)
{
	opened = false;
	return new_request(h, target, ops->end, arg);
}

struct http_request *http_websocket(struct http *h, const char *target,
				    const struct http_stream_ops *ops, void *arg)
{
	return http_stream(h, target, ops, arg);
}

void registry_report(const struct report *r)
{
	check_report(r);
	check(r->runtime);
	check(r->rank == RANK_ENGINE && good_id(r->id));
}

void registry_list_begin(const void *source)
{
	(void)source;
	check(!listing);
	listing = true;
}

void registry_list_seen(const void *source, const struct report *r)
{
	(void)source;
	check(listing && r->what == REPORT_SEEN);
	registry_report(r);
}

void registry_list_end(const void *source, bool complete)
{
	(void)source;
	(void)complete;
	check(listing);
	listing = false;
}

void registry_forget_source(const void *source)
{
	(void)source;
	check(!listing);
}

/* --- the server --- */

/* The oldest of a kind, or with NULL, of any but the stream */
static struct http_request *request_for(struct watch *w, http_done_fn *done)
{
	for (size_t i = 0; i < REQUESTS_MAX; i++) {
		struct http_request *req = w->http->requests[i];

		if (req && (done ? req->done == done : req->done != on_end))
			return req;
	}
	return NULL;
}

static void answer(struct http_request *req, const struct http_answer *a)
{
	struct http_request gone;

	if (!req)
		return;
	gone = *req;
	http_cancel(req);
	gone.done(gone.arg, a);
}

static bool open_stream(struct watch *w)
{
	if (w->stream && !opened) {
		opened = true;
		on_open(w);
	}
	return w->stream;
}

static void step(struct watch *w, char choice, const char *text, size_t len)
{
	struct http_answer good = { .status = 200, .body = text, .len = len };
	struct http_answer bad = { .error = "it is said to be bad" };

	switch (choice) {
	case 'L':
		open_stream(w);
		answer(request_for(w, on_listed), &good);
		break;
	case 'I':
		answer(request_for(w, on_inspected), &good);
		break;
	case 'E':
		if (open_stream(w))
			on_line(w, text, len);
		break;
	case 'H':
		answer(request_for(w, on_hello), &good);
		break;
	case 'W':
		if (w->late)
			is_time(NULL, 0, w);
		break;
	case '3':
		good.status = 503;
		answer(request_for(w, NULL), &good);
		break;
	case '4':
		good.status = 404;
		answer(request_for(w, NULL), &good);
		break;
	case '5':
		good.status = 500;
		answer(request_for(w, NULL), &good);
		break;
	case 'B':
		answer(request_for(w, NULL), &bad);
		break;
	case 'O':
		bad.only_this = true;
		answer(request_for(w, NULL), &bad);
		break;
	case 'G':
		bad.err = ENOENT;
		answer(request_for(w, on_end), &bad);
		break;
	case 'S':
		answer(request_for(w, on_end), &good);
		break;
	case 'T':
		/* It is off. */
		if (!w->hello)
			on_timer(NULL, 0, w);
		break;
	default:
		rest_look(w);
	}
}

/* --- the books --- */

static size_t check_container(const struct container *c)
{
	const struct event *ev;
	size_t n = 0;

	STAILQ_FOREACH(ev, &c->events, next)
		n++;
	check(n == c->nr_events && n <= QUEUE_MAX);
	check(good_id(c->id) && c->state <= STATE_REMOVED && c->pid >= 0);
	/* Nothing else makes it go on. */
	check(is_busy(c) || (!c->pending && !c->start && !n));
	check(!c->inspect || c->waiting == WAITS_NOT);
	return n;
}

static void check_watch(const struct watch *w)
{
	unsigned int nr = 0, events = 0, pending = 0, in_flight = 0, waiting = 0,
		     later = 0;
	const struct container *c;

	for (size_t i = 0; i < NR_BUCKETS; i++)
		for (c = LIST_FIRST(&w->buckets[i]); c; c = LIST_NEXT(c, bucket)) {
			events += check_container(c);
			nr++;
			pending += c->pending;
			in_flight += c->inspect != NULL;
			waiting += c->waiting == WAITS_FOR_LIST ||
				   c->waiting == WAITS_FOR_START;
			later += c->waiting == WAITS_FOR_TIME;
		}
	check(nr == w->nr && events == w->nr_events);
	check(pending == w->pending && in_flight == w->in_flight);
	check(in_flight <= IN_FLIGHT_MAX && (!waiting || in_flight == IN_FLIGHT_MAX));
	check((!later || w->late) && w->listing == listing && (!listing || pending));
}

static int fuzz(const struct flavour *flavour, const uint8_t *data, size_t size)
{
	struct watch *w;
	size_t len;
	char choice, *text;

	check(sd_event_new(&loop) >= 0);
	/* This is there, and no socket. */
	w = rest_start(flavour, "/");
	check(w);
	while ((text = next_line(&data, &size, &choice, &len))) {
		if (!w->stream && !w->hello)
			ask(w);
		health_good(&w->health);
		step(w, choice, text, len);
		free(text);
		check_watch(w);
	}
	rest_stop(w);
	check(!listing);
	loop = sd_event_unref(loop);
	return 0;
}

#endif
