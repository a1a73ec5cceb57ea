// SPDX-License-Identifier: GPL-2.0
/*
 * Servers that speak HTTP and JSON on a unix socket, with what is told apart by their
 * flavours. The stream of events tells what happens, and listing tells what there has been
 * before; either needs an answer on one container for what only that has.
 *
 * To miss nothing the stream is there before the list is asked for. So an event may be
 * older or younger than the list that comes after it; where the two contradict each other
 * the event is believed, as either it is the younger one, or the one that made the
 * difference is still to come.
 */

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>

#include "../http.h"
#include "../place.h"
#include "rest.h"
#include "statefile.h"

#define SECOND		1000000ULL
#define HEADER_USEC	(2 * SECOND)	/* old podmans send none before the first event */
#define UPGRADE_USEC	(10 * SECOND)
#define STARTING_USEC	(2 * SECOND)
#define STARTING_TRIES	60
#define IDLE_TRIES	6		/* a minute in all */
#define APPEAR_USEC	(SECOND / 5)	/* between bind(2) and listen(2) of a server */
#define LOOK_USEC	(SECOND / 2)	/* between a list and the next */
#define LATE_USEC	(SECOND / 4)	/* between a start and another look for its init */
#define LATE_TRIES	60

#define IN_FLIGHT_MAX	4
#define CONTAINERS_MAX	10000		/* of one server */
#define QUEUE_MAX	64		/* events that wait, of a container */
#define QUEUES_MAX	4096		/* and of a server */
#define JSON_COST_MAX	(128U << 20)
#define NR_BUCKETS	1024

struct event {
	STAILQ_ENTRY(event) next;
	enum report_what what;
	int status;
	char *name;
	char *image;
	char *pod;
};

STAILQ_HEAD(event_queue, event);
TAILQ_HEAD(container_queue, container);

enum waiting {
	WAITS_NOT,
	WAITS_FOR_LIST,
	WAITS_FOR_START,
	WAITS_FOR_TIME,
};

struct container {
	LIST_ENTRY(container) bucket;
	TAILQ_ENTRY(container) wait;
	struct watch *watch;
	struct http_request *inspect;
	struct event_queue events;
	struct event *start;	/* is told of after @inspect */
	unsigned int nr_events;
	unsigned int tries;	/* of finding the init of @start */
	enum waiting waiting;	/* for a free request, or some time */
	enum container_state state;
	unsigned int touched;	/* number of the list during which an event came */
	unsigned int listed;	/* number of the list that has it */
	bool pending;		/* the list waits for @inspect */
	bool lost;		/* events have found no room in @events */
	bool ours;		/* it is known to be a container */
	bool known;		/* what is below and @state are the server's word */
	pid_t pid;
	int status;
	int restarts;
	char id[];
};

LIST_HEAD(bucket, container);

struct watch {
	const struct flavour *flavour;
	char *place;
	char *who;
	uid_t uid;
	struct health health;
	char *self;		/* what the server calls itself, or NULL */
	struct http *http;
	struct http_request *hello;
	struct http_request *stream;
	struct http_request *list;
	sd_event_source *timer;
	sd_event_source *late;	/* for @later */
	struct awaited awaited;
	unsigned int misses;	/* how often the server hasn't run, in a row */
	bool idle;		/* it doesn't, which is no fault */
	uint64_t from;		/* the stream's beginning, in nanoseconds since 1970 */
	uint64_t from_mono;	/* the same in microseconds of CLOCK_MONOTONIC */
	uint64_t last_list;
	unsigned int gen;	/* number of the last list that was asked for */
	unsigned int pending;	/* containers that the list waits for */
	unsigned int in_flight;
	unsigned int nr;
	unsigned int nr_events;
	bool listing;		/* between registry_list_begin() and .._end() */
	bool list_ok;
	bool again;		/* look() has come while it was */
	struct container_queue starts;
	struct container_queue lists;
	struct container_queue later;
	struct bucket buckets[NR_BUCKETS];
};

static void begin(struct watch *w);
static void list(struct watch *w);
static void end_list_if_done(struct watch *w);
static void run_queue(struct watch *w);

static void arm(struct watch *w, uint64_t usec)
{
	sd_event_source_set_time(w->timer, loop_usec() + usec);
	sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

static void disarm(struct watch *w)
{
	sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
}

static uint64_t longest_usec(void)
{
	struct health h = { .bad = true, .fails = 16 };

	return health_retry_usec(&h);
}

static struct json_object *parse(const char *text, size_t len)
{
	return len > INT_MAX ? NULL : json_of_text(text, len, JSON_COST_MAX);
}

/* --- containers that are known --- */

static void init_report(struct report *r, const struct watch *w, const char *id,
			enum report_what what)
{
	*r = (struct report){
		REPORT_INIT,
		.what = what,
		.rank = RANK_ENGINE,
		.family = w->flavour->family,
		.runtime = w->flavour->name,
		.id = id,
		.uid = w->uid,
	};
}

static void init_details(struct details *d, const struct watch *w)
{
	init_report(&d->r, w, NULL, REPORT_SEEN);
	d->time = 0;
	d->again = false;
	d->sure = false;
	d->id = NULL;
	d->old_id = NULL;
	d->pod = NULL;
	d->labels[0] = '\0';
}

static void free_details(struct details *d)
{
	free(d->id);
	free(d->old_id);
	free(d->pod);
}

static struct bucket *bucket_of(struct watch *w, const char *id)
{
	unsigned int hash = 5381;

	for (; *id; id++)
		hash = hash * 33 + (unsigned char)*id;
	return &w->buckets[hash % NR_BUCKETS];
}

static struct container *find(struct watch *w, const char *id)
{
	struct container *c;

	LIST_FOREACH(c, bucket_of(w, id), bucket)
		if (!strcmp(c->id, id))
			return c;
	return NULL;
}

static struct container *find_or_add(struct watch *w, const char *id)
{
	struct container *c = find(w, id);

	if (c)
		return c;
	if (w->nr >= CONTAINERS_MAX)
		return NULL;
	c = xcalloc(1, sizeof(*c) + strlen(id) + 1);
	strcpy(c->id, id);
	c->watch = w;
	c->status = -1;
	c->restarts = -1;
	c->ours = !w->flavour->mixed;
	STAILQ_INIT(&c->events);
	LIST_INSERT_HEAD(bucket_of(w, id), c, bucket);
	w->nr++;
	return c;
}

static void free_event(struct event *ev)
{
	if (!ev)
		return;
	free(ev->name);
	free(ev->image);
	free(ev->pod);
	free(ev);
}

static struct event *next_event(struct container *c)
{
	struct event *ev = STAILQ_FIRST(&c->events);

	if (!ev)
		return NULL;
	STAILQ_REMOVE_HEAD(&c->events, next);
	c->nr_events--;
	c->watch->nr_events--;
	return ev;
}

static struct container_queue *queue_of(struct watch *w, enum waiting waiting)
{
	if (waiting == WAITS_FOR_TIME)
		return &w->later;
	return waiting == WAITS_FOR_START ? &w->starts : &w->lists;
}

static void stop_waiting(struct container *c)
{
	if (c->waiting != WAITS_NOT)
		TAILQ_REMOVE(queue_of(c->watch, c->waiting), c, wait);
	c->waiting = WAITS_NOT;
}

static void start_waiting(struct container *c, enum waiting why)
{
	stop_waiting(c);
	c->waiting = why;
	TAILQ_INSERT_TAIL(queue_of(c->watch, why), c, wait);
}

/* Nobody waits for its details any more. */
static void give_up_details(struct container *c)
{
	struct watch *w = c->watch;

	stop_waiting(c);
	if (c->inspect) {
		http_cancel(c->inspect);
		w->in_flight--;
	}
	if (c->pending)
		w->pending--;
	c->inspect = NULL;
	c->pending = false;
}

static void free_container(struct container *c)
{
	struct watch *w = c->watch;
	struct event *ev;

	give_up_details(c);
	free_event(c->start);
	while ((ev = next_event(c)))
		free_event(ev);
	LIST_REMOVE(c, bucket);
	w->nr--;
	free(c);
}

static bool is_busy(const struct container *c)
{
	return c->inspect || c->waiting != WAITS_NOT;
}

/* A list that was asked for earlier may still have what was removed meanwhile. */
static bool is_list_under_way(const struct watch *w)
{
	return w->list || w->listing;
}

/* --- telling --- */

static void apply_event(struct container *c, const struct event *ev)
{
	c->touched = c->watch->gen;
	switch (ev->what) {
	case REPORT_CREATE:
		c->state = STATE_CREATED;
		c->known = false;
		break;
	case REPORT_START:
		c->state = STATE_RUNNING;
		c->pid = 0;
		c->status = -1;
		break;
	case REPORT_EXIT:
		c->state = STATE_EXITED;
		c->pid = 0;
		c->status = ev->status;
		break;
	case REPORT_PAUSE:
		c->state = STATE_PAUSED;
		break;
	case REPORT_UNPAUSE:
		c->state = STATE_RUNNING;
		break;
	case REPORT_REMOVE:
		c->state = STATE_REMOVED;
		break;
	default:
		break;
	}
}

static void tell_event(struct container *c, const struct event *ev,
		       const struct details *d)
{
	struct report r;

	init_report(&r, c->watch, c->id, ev->what);
	if (d) {
		r.labels = d->r.labels;
		r.restarts = d->r.restarts;
		if (d->r.state == STATE_RUNNING || d->r.state == STATE_PAUSED)
			r.pid = d->r.pid;
	}
	r.name = ev->name || !d ? ev->name : d->r.name;
	r.image = d && d->r.image ? d->r.image : ev->image;
	r.pod = d && d->r.pod ? d->r.pod : ev->pod;
	r.status = ev->status;
	apply_event(c, ev);
	if (ev->what == REPORT_START) {
		/* Else the next list is to look for its init. */
		c->known = d && (r.pid || !c->watch->flavour->late);
		c->lost |= c->watch->flavour->late && !r.pid;
		c->pid = r.pid;
		c->restarts = r.restarts;
	}
	registry_report(&r);
}

/*
 * Of a container that needs no inspecting. Its image is left as it was, as the list has
 * a number for it once its name has gone to another.
 */
static void tell_listed(struct container *c, const char *name)
{
	struct report r;

	init_report(&r, c->watch, c->id, REPORT_SEEN);
	r.name = name;
	r.state = c->state;
	r.pid = c->pid;
	r.status = c->status;
	r.restarts = c->restarts;
	registry_list_seen(c->watch, &r);
}

/* It is being started, and neither word for it has come. */
static bool is_about_to_start(const struct container *c, const struct details *d)
{
	return c->watch->flavour->late && c->state == STATE_CREATED &&
	       d->r.state == STATE_EXITED;
}

static void tell_inspected(struct container *c, struct details *d)
{
	if (is_about_to_start(c, d))
		d->r.state = STATE_CREATED;
	c->state = d->r.state;
	c->pid = d->r.pid;
	c->status = d->r.status;
	c->restarts = d->r.restarts;
	c->known = true;
	registry_list_seen(c->watch, &d->r);
}

/* Without details it may be something else than a container. */
static void tell_start(struct container *c, const struct details *d, enum verdict verdict)
{
	struct event *ev = c->start;

	c->start = NULL;
	c->tries = 0;
	if (ev && (verdict == OURS || (verdict == NONSENSE && c->ours)))
		tell_event(c, ev, d);
	free_event(ev);
}

/* --- when it goes wrong, or ends --- */

static void flush_container(struct container *c)
{
	struct event *ev;

	tell_start(c, NULL, NONSENSE);
	while ((ev = next_event(c))) {
		tell_event(c, ev, NULL);
		free_event(ev);
	}
}

/* What waited for details is told without. */
static void drop(struct watch *w, bool tell)
{
	struct container *c, *next;

	for (size_t i = 0; i < NR_BUCKETS; i++) {
		for (c = LIST_FIRST(&w->buckets[i]); c; c = next) {
			next = LIST_NEXT(c, bucket);
			if (tell)
				flush_container(c);
			free_container(c);
		}
	}
	if (w->listing)
		registry_list_end(w, false);
	w->listing = false;
	w->again = false;
	w->late = sd_event_source_disable_unref(w->late);
	free(w->self);
	w->self = NULL;
	http_free(w->http);
	w->http = NULL;
	w->hello = NULL;
	w->stream = NULL;
	w->list = NULL;
}

static void fail(struct watch *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void fail(struct watch *w, const char *fmt, ...)
{
	cleanup_free char *why = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&why, fmt, ap) < 0)
		why = NULL;
	va_end(ap);
	health_bad(&w->health, "%s", why ? why : "no memory");
	drop(w, true);
	arm(w, health_retry_usec(&w->health));
}

/* A request has failed as a whole: so will others. */
static void fail_answer(struct watch *w, const char *what, const struct http_answer *a)
{
	if (a->err == ENOENT) {
		/* It is gone, and that is no fault of its. */
		drop(w, true);
		begin(w);
	} else if (a->error) {
		fail(w, "%s: %s", what, a->error);
	} else {
		fail(w, "%s: the answer is HTTP status %d", what, a->status);
	}
}

/* One failure a list, however many containers it is of: they count for the retries. */
static void list_lacks(struct watch *w, const char *id, const char *why)
{
	if (w->list_ok)
		health_bad(&w->health, "container %.64s: %s", id, why);
	w->list_ok = false;
}

/* 404: it is gone, and the list is good without it; so it is without what isn't ours. */
static void answer_list(struct container *c, struct details *d, enum verdict verdict,
			int status)
{
	struct watch *w = c->watch;

	if (!c->pending)
		return;
	c->pending = false;
	w->pending--;
	if (verdict == OURS && d->r.state != STATE_NONE)
		tell_inspected(c, d);
	else if (verdict != OTHERS && status != 404)
		list_lacks(w, c->id, "there is no use in its details");
}

static void pump(struct container *c);
static void want_details(struct container *c, enum waiting why);

static int is_time(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct watch *w = userdata;
	struct container *c;

	(void)s;
	(void)usec;
	w->late = sd_event_source_disable_unref(w->late);
	while ((c = TAILQ_FIRST(&w->later)))
		start_waiting(c, WAITS_FOR_START);
	run_queue(w);
	return 0;
}

/* Return: whether it is looked at again, as the server may be about to know of the start. */
static bool try_later(struct container *c, const struct details *d)
{
	struct watch *w = c->watch;

	if (!w->flavour->late || !c->start || c->start->what != REPORT_START ||
	    d->r.state == STATE_RUNNING || d->r.state == STATE_PAUSED ||
	    c->nr_events)
		return false;
	if (c->tries++ >= LATE_TRIES) {
		/* It is in the next list, or has ended. */
		c->lost = true;
		return false;
	}
	if (!w->late && sd_event_add_time_relative(loop, &w->late, CLOCK_MONOTONIC,
						   LATE_USEC, 0, is_time, w) < 0)
		return false;
	/* No list waits for that: it is incomplete without it. */
	if (c->pending) {
		c->pending = false;
		w->pending--;
		w->list_ok = false;
	}
	start_waiting(c, WAITS_FOR_TIME);
	return true;
}

/* @status: HTTP's */
static void take_details(struct container *c, struct json_object *obj, int status)
{
	struct watch *w = c->watch;
	enum verdict verdict = NONSENSE;
	struct details d;

	init_details(&d, w);
	if (obj)
		verdict = w->flavour->read_details(obj, w->self, &d);
	d.r.id = c->id;
	if (verdict == OURS || verdict == OTHERS)
		c->ours = verdict == OURS;
	if (verdict != OURS || !try_later(c, &d)) {
		tell_start(c, verdict == OURS ? &d : NULL, verdict);
		answer_list(c, &d, verdict, status);
	}
	free_details(&d);
}

static void on_inspected(void *arg, const struct http_answer *a)
{
	struct container *c = arg;
	struct watch *w = c->watch;
	struct json_object *obj;

	c->inspect = NULL;
	w->in_flight--;
	if (a->error && !a->only_this) {
		fail_answer(w, "container", a);
		return;
	}
	obj = !a->error && a->status == 200 ? parse(a->body, a->len) : NULL;
	take_details(c, obj, a->status);
	json_object_put(obj);
	pump(c);
	run_queue(w);
	end_list_if_done(w);
}

static void run_queue(struct watch *w)
{
	while (w->in_flight < IN_FLIGHT_MAX) {
		struct container *c = TAILQ_FIRST(&w->starts);
		cleanup_free char *target = NULL;

		if (!c)
			c = TAILQ_FIRST(&w->lists);
		if (!c)
			return;
		stop_waiting(c);
		target = w->flavour->inspect(c->id);
		c->inspect = http_get(w->http, target, w->flavour->inspect_max, on_inspected,
				      c);
		w->in_flight++;
	}
}

/* Starts go first: their pid is there for as long as they run only. */
static void want_details(struct container *c, enum waiting why)
{
	if (!c->inspect && c->waiting != WAITS_FOR_START && c->waiting != WAITS_FOR_TIME)
		start_waiting(c, why);
}

/* --- events --- */

static void list_again(struct watch *w)
{
	if (is_list_under_way(w))
		w->again = true;
	else
		arm(w, LOOK_USEC);
}

/* After the events that are left, as they would make what it says old again */
static void make_up_for_lost(struct container *c)
{
	struct watch *w = c->watch;

	c->lost = false;
	c->known = false;
	list_again(w);
}

static bool needs_details(const struct watch *w, const struct event *ev)
{
	return ev->what == REPORT_START || (w->flavour->mixed && ev->what == REPORT_CREATE);
}

/* May free it */
static void pump(struct container *c)
{
	struct watch *w = c->watch;
	struct event *ev;

	while (!is_busy(c) && (ev = next_event(c))) {
		if (needs_details(w, ev)) {
			c->start = ev;
			want_details(c, WAITS_FOR_START);
			return;
		}
		tell_event(c, ev, NULL);
		free_event(ev);
	}
	if (c->lost && !is_busy(c))
		make_up_for_lost(c);
	if (c->state == STATE_REMOVED && !is_busy(c) && !is_list_under_way(w))
		free_container(c);
}

static void queue_event(struct container *c, struct event *ev)
{
	struct watch *w = c->watch;

	if (c->nr_events >= QUEUE_MAX || w->nr_events >= QUEUES_MAX) {
		free_event(ev);
		c->lost = true;
		return;
	}
	STAILQ_INSERT_TAIL(&c->events, ev, next);
	c->nr_events++;
	w->nr_events++;
	if (c->waiting == WAITS_FOR_LIST)
		want_details(c, WAITS_FOR_START);
	pump(c);
}

static char *copy(const char *s)
{
	return s ? xasprintf("%.*s", TEXT_MAX, s) : NULL;
}

static struct event *new_event(const struct report *r)
{
	struct event *ev = xcalloc(1, sizeof(*ev));

	ev->what = r->what;
	ev->status = r->status;
	ev->name = copy(r->name);
	ev->image = copy(r->image);
	ev->pod = copy(r->pod);
	return ev;
}

/*
 * To have what came while the server was about to begin the stream, it is asked for
 * that since the second in which it was. Of this, what was before isn't wanted. Only at
 * first: the clock may be set back later.
 */
static bool is_old(const struct watch *w, int64_t time)
{
	return time > 0 && (uint64_t)time < w->from &&
	       loop_usec() - w->from_mono < 2 * SECOND;
}

/* What has been said of it so far is of the name that it has so far. */
static void settle(struct container *c)
{
	give_up_details(c);
	flush_container(c);
	c->lost = false;
}

/*
 * Where the name is the ID: it is another one in the books from here on. No list has it by
 * that yet, and one that is under way may have it by neither.
 */
static void change_id(struct watch *w, const struct details *d)
{
	const struct report *r = &d->r;
	struct container *old = find(w, r->old_id), *c = find(w, r->id);

	if (old)
		settle(old);
	if (c)
		settle(c);
	registry_report(r);
	c = find_or_add(w, r->id);
	if (c) {
		c->ours |= d->sure || (old && old->ours);
		/* They don't do it while it runs. */
		c->state = STATE_EXITED;
		c->known = false;
		c->touched = w->gen;
	}
	if (old && old != c) {
		old->state = STATE_REMOVED;
		if (!is_list_under_way(w))
			free_container(old);
	}
	list_again(w);
}

static void take_event(struct watch *w, const struct details *d)
{
	struct report ended = d->r;
	struct container *c;

	if (d->r.what == REPORT_RENAME && d->r.old_id) {
		change_id(w, d);
		return;
	}
	c = find_or_add(w, d->r.id);
	if (!c)
		return;
	c->ours |= d->sure;
	ended.what = REPORT_EXIT;
	/* An end frees nothing that the start needs. */
	if (d->again)
		queue_event(c, new_event(&ended));
	queue_event(c, new_event(&d->r));
}

static void handle_event(struct watch *w, struct json_object *obj)
{
	struct details d;

	init_details(&d, w);
	if (w->flavour->read_event(obj, w->self, &d) == OURS && !is_old(w, d.time))
		take_event(w, &d);
	free_details(&d);
	run_queue(w);
	end_list_if_done(w);
}

static void on_line(void *arg, const char *line, size_t len)
{
	struct watch *w = arg;
	struct json_object *obj;

	if (strspn(line, " \t\r") == len)
		return;
	obj = parse(line, len);
	if (obj)
		handle_event(w, obj);
	json_object_put(obj);
	if (!obj)
		fail(w, "events: a line is not JSON");
}

/* Late it may be, and nothing that was before is told: so there may be another list. */
static void on_open(void *arg)
{
	struct watch *w = arg;

	if (!w->gen || w->flavour->upgrade)
		list(w);
}

/*
 * podman's service ends when it has nothing to do, and asking starts it again. A new
 * container is a reason for that, which look() tells of; time alone is not.
 */
static void on_end(void *arg, const struct http_answer *a)
{
	struct watch *w = arg;

	if (a->error) {
		fail_answer(w, "events", a);
	} else if (w->flavour->lazy) {
		drop(w, true);
		arm(w, longest_usec());
	} else {
		fail(w, "events: the server has ended the stream");
	}
}

static const struct http_stream_ops stream_ops = {
	.open = on_open,
	.line = on_line,
	.end = on_end,
};

/* --- the list --- */

static void sweep_containers(struct watch *w)
{
	struct container *c, *next;

	for (size_t i = 0; i < NR_BUCKETS; i++) {
		for (c = LIST_FIRST(&w->buckets[i]); c; c = next) {
			next = LIST_NEXT(c, bucket);
			if (is_busy(c) || c->nr_events)
				continue;
			if (c->state == STATE_REMOVED ||
			    (w->list_ok && c->listed != w->gen && c->touched != w->gen))
				free_container(c);
		}
	}
}

static void end_list_if_done(struct watch *w)
{
	if (!w->listing || w->pending)
		return;
	w->listing = false;
	w->last_list = loop_usec();
	registry_list_end(w, w->list_ok);
	sweep_containers(w);
	if (w->list_ok)
		health_good(&w->health);
	if (!w->list_ok)
		arm(w, health_retry_usec(&w->health));
	else if (w->again)
		arm(w, LOOK_USEC);
	w->again = false;
}

static void take_listed(struct watch *w, const struct details *d)
{
	struct container *c = find_or_add(w, d->r.id);

	if (!c)
		list_lacks(w, d->r.id, "there are too many");
	if (!c || c->listed == w->gen)
		return;
	c->listed = w->gen;
	c->ours = true;
	if (c->state == STATE_REMOVED)
		return;
	if (!is_busy(c) && c->known && (c->touched == w->gen || c->state == d->r.state)) {
		tell_listed(c, d->r.name);
		return;
	}
	c->pending = true;
	w->pending++;
	want_details(c, WAITS_FOR_LIST);
}

static void handle_listed(struct watch *w, struct json_object *obj)
{
	enum verdict verdict;
	struct details d;

	init_details(&d, w);
	verdict = w->flavour->read_listed(obj, w->self, &d);
	if (verdict == OURS)
		take_listed(w, &d);
	else if (verdict == NONSENSE)
		list_lacks(w, "?", "this is no ID");
	free_details(&d);
}

static struct json_object *array_of(const struct watch *w, struct json_object *obj)
{
	if (w->flavour->wrap)
		return json_member(obj, w->flavour->wrap, json_type_array);
	return json_object_is_type(obj, json_type_array) ? obj : NULL;
}

static void on_listed(void *arg, const struct http_answer *a)
{
	struct watch *w = arg;
	struct json_object *obj, *all;

	w->list = NULL;
	if (a->error || a->status != 200) {
		fail_answer(w, "list", a);
		return;
	}
	obj = parse(a->body, a->len);
	all = array_of(w, obj);
	if (!all) {
		json_object_put(obj);
		fail(w, "list: the answer is not a list");
		return;
	}
	w->listing = true;
	w->list_ok = true;
	registry_list_begin(w);
	for (size_t i = 0; i < json_object_array_length(all); i++)
		handle_listed(w, json_object_array_get_idx(all, i));
	json_object_put(obj);
	run_queue(w);
	end_list_if_done(w);
}

static void list(struct watch *w)
{
	if (is_list_under_way(w)) {
		w->again = true;
		return;
	}
	disarm(w);
	w->gen++;
	w->again = false;
	w->list = http_get(w->http, w->flavour->list, w->flavour->list_max, on_listed, w);
}

/* --- a place, and whether it is there --- */

static void may_have_come(void *data)
{
	struct watch *w = data;

	w->misses = 0;
	arm(w, APPEAR_USEC);
}

/* The timer is for what inotify doesn't tell of. */
static void wait_for_place(struct watch *w)
{
	arm(w, longest_usec());
	if (place_await(&w->awaited, w->place, may_have_come, w) == 1)
		arm(w, SECOND);
}

/*
 * Its socket is there, and somebody else's, who would start it. When it starts it changes
 * something in its folder, or a container begins.
 */
static void wait_for_server(struct watch *w)
{
	const struct health h = { .fails = w->misses + 1 };

	w->idle = true;
	place_await_change(&w->awaited, w->place, may_have_come, w);
	if (w->misses++ < IDLE_TRIES)
		arm(w, health_retry_usec(&h));
	else
		disarm(w);
}

static void begin_stream(struct watch *w)
{
	cleanup_free char *target = NULL;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	w->from = now.tv_sec * 1000000000ULL + now.tv_nsec;
	w->from_mono = loop_usec();
	target = w->flavour->stream(now.tv_sec);
	w->misses = 0;
	w->gen = 0;
	if (w->flavour->upgrade)
		w->stream = http_websocket(w->http, target, &stream_ops, w);
	else
		w->stream = http_stream(w->http, target, &stream_ops, w);
	arm(w, w->flavour->upgrade ? UPGRADE_USEC : HEADER_USEC);
}

/* 503: it is about to start, or to end. */
static void wait_for_start(struct watch *w)
{
	if (w->misses++ >= STARTING_TRIES) {
		fail(w, "hello: the answer is HTTP status 503");
		return;
	}
	drop(w, true);
	w->idle = true;
	arm(w, STARTING_USEC);
}

static void on_hello(void *arg, const struct http_answer *a)
{
	struct json_object *obj;
	struct watch *w = arg;

	w->hello = NULL;
	if (!a->error && a->status == 503) {
		wait_for_start(w);
		return;
	}
	if (a->error || a->status != 200) {
		fail_answer(w, "hello", a);
		return;
	}
	obj = parse(a->body, a->len);
	w->self = obj ? w->flavour->greet(obj) : NULL;
	json_object_put(obj);
	if (w->self)
		begin_stream(w);
	else
		fail(w, "hello: the answer makes no sense");
}

static void ask(struct watch *w)
{
	w->http = http_new(w->place, w->uid);
	if (!w->http) {
		fail(w, "libcurl is needed to ask it, and isn't installed");
	} else if (!w->flavour->hello) {
		begin_stream(w);
	} else {
		disarm(w);
		w->hello = http_get(w->http, w->flavour->hello, HTTP_ANSWER_MAX, on_hello,
				    w);
	}
}

static void begin(struct watch *w)
{
	struct stat st;

	place_forget(&w->awaited);
	w->idle = false;
	if (stat(w->place, &st)) {
		wait_for_place(w);
		return;
	}
	if (!S_ISSOCK(st.st_mode)) {
		fail(w, "this is not a socket");
		return;
	}
	if (w->flavour->runs && !w->flavour->runs(w->place)) {
		wait_for_server(w);
		return;
	}
	w->uid = w->flavour->root ? 0 : st.st_uid;
	ask(w);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct watch *w = userdata;

	(void)s;
	(void)usec;
	if (!w->stream)
		begin(w);
	else if (!w->gen && w->flavour->upgrade)
		fail(w, "events: there is no answer");
	else
		list(w);
	return 0;
}

/* --- the interface --- */

/** rest_start - as of struct runtime */
void *rest_start(const struct flavour *flavour, const char *place)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->flavour = flavour;
	w->place = xstrdup(place);
	w->who = xasprintf("%s (%s)", flavour->name, place);
	w->health.who = w->who;
	TAILQ_INIT(&w->starts);
	TAILQ_INIT(&w->lists);
	TAILQ_INIT(&w->later);
	if (sd_event_add_time(loop, &w->timer, CLOCK_MONOTONIC, UINT64_MAX, 1000, on_timer,
			      w) < 0) {
		msg("%s: no memory", w->who);
		free(w->who);
		free(w->place);
		free(w);
		return NULL;
	}
	begin(w);
	return w;
}

/* However many containers begin that aren't its */
static void look_soon(struct watch *w)
{
	int enabled;

	if (sd_event_source_get_enabled(w->timer, &enabled) >= 0 && enabled == SD_EVENT_OFF)
		arm(w, SECOND);
}

/**
 * rest_look - as of struct runtime
 *
 * One that doesn't work has its time to be tried again, however often this comes.
 */
void rest_look(void *watch)
{
	struct watch *w = watch;
	uint64_t next = w->last_list + LOOK_USEC;

	if ((w->health.bad && !w->idle) || w->hello)
		return;
	if (w->idle)
		look_soon(w);
	else if (!w->stream)
		begin(w);
	else if (is_list_under_way(w))
		w->again = true;
	else if (w->gen)
		arm(w, next > loop_usec() ? next - loop_usec() : 0);
}

/** rest_stop - as of struct runtime */
void rest_stop(void *watch)
{
	struct watch *w = watch;

	drop(w, false);
	place_forget(&w->awaited);
	sd_event_source_disable_unref(w->timer);
	registry_forget_source(w);
	free(w->who);
	free(w->place);
	free(w);
}
