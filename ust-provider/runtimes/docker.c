// SPDX-License-Identifier: GPL-2.0
/*
 * Docker, and podman by the same API. The stream of events tells what happens, and listing
 * tells what there has been before; either needs GET /containers/ID/json for what only
 * that has: the pid of a container's init, how often it was restarted, its labels.
 *
 * To miss nothing the stream is there before the list is asked for. So an event may be
 * older or younger than the list that comes after it; where the two contradict each other
 * the event is believed, as either it is the younger one, or the one that made the
 * difference is still to come.
 */

#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../agent.h"
#include "../http.h"
#include "../place.h"
#include "statefile.h"

#define SECOND		1000000ULL
#define HEADER_USEC	(2 * SECOND)	/* old podmans send none before the first event */
#define APPEAR_USEC	(SECOND / 5)	/* between bind(2) and listen(2) of a server */
#define LOOK_USEC	(SECOND / 2)	/* between a list and the next */

#define IN_FLIGHT_MAX	4
#define INSPECT_MAX	(1U << 20)	/* bytes of one container's answer */
#define CONTAINERS_MAX	10000		/* of one server */
#define QUEUE_MAX	64		/* events that wait, of a container */
#define QUEUES_MAX	4096		/* and of a server */
#define TEXT_MAX	1024		/* bytes of a string that is kept */
#define JSON_COST_MAX	(128U << 20)
#define NR_BUCKETS	1024

struct flavour {
	const char *name;
	bool root;		/* the server is root's, whoever owns the socket */
	bool lazy;		/* asking it starts it, and without work it ends */
};

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
};

struct container {
	LIST_ENTRY(container) bucket;
	TAILQ_ENTRY(container) wait;
	struct watch *watch;
	struct http_request *inspect;
	struct event_queue events;
	struct event *start;	/* is told of after @inspect */
	unsigned int nr_events;
	enum waiting waiting;	/* for a free request */
	enum container_state state;
	unsigned int touched;	/* number of the list during which an event came */
	unsigned int listed;	/* number of the list that has it */
	bool pending;		/* the list waits for @inspect */
	bool lost;		/* events have found no room in @events */
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
	struct http *http;
	struct http_request *stream;
	struct http_request *list;
	sd_event_source *timer;
	struct awaited awaited;
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
	struct bucket buckets[NR_BUCKETS];
};

/* What an answer to GET /containers/ID/json says; the strings are the answer's */
struct details {
	struct report r;
	char *name;
	char *pod;
	char labels[LABELS_MAX + 1];
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

/* --- JSON of a stranger --- */

static bool get_int(struct json_object *obj, const char *key, int min, int *res)
{
	struct json_object *val = json_member(obj, key, json_type_int);
	int64_t n;

	if (!val)
		return false;
	n = json_object_get_int64(val);
	if (n < min || n > INT_MAX)
		return false;
	*res = n;
	return true;
}

static struct json_object *parse(const char *text, size_t len)
{
	return len > INT_MAX ? NULL : json_of_text(text, len, JSON_COST_MAX);
}

/* It goes into URLs. */
static bool is_id(const char *id)
{
	size_t len;

	if (*id == '.')
		return false;
	len = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
	return len && len <= ID_MAX && !id[len];
}

static const char *without_slash(const char *name)
{
	if (name && *name == '/')
		name++;
	return name && *name ? name : NULL;
}

static enum container_state state_of(const char *word)
{
	static const struct {
		const char *word;
		enum container_state state;
	} words[] = {
		{ "created", STATE_CREATED },
		{ "configured", STATE_CREATED },
		{ "initialized", STATE_CREATED },
		{ "running", STATE_RUNNING },
		{ "stopping", STATE_RUNNING },
		{ "paused", STATE_PAUSED },
		/* This one has no process: it waits for its turn */
		{ "restarting", STATE_EXITED },
		{ "exited", STATE_EXITED },
		{ "stopped", STATE_EXITED },
		{ "dead", STATE_EXITED },
		{ "removing", STATE_EXITED },
	};

	for (size_t i = 0; word && i < ARRAY_SIZE(words); i++)
		if (!strcmp(word, words[i].word))
			return words[i].state;
	return STATE_NONE;
}

/*
 * A signal's death comes as 128 + its number, which is what a shell makes of it, or what
 * the program has chosen itself: there is no telling, so it stays what it says.
 */
static int wait_status(int code)
{
	return (code & 0xff) << 8;
}

static void add_labels(struct details *d, struct json_object *labels)
{
	if (!labels)
		return;
	json_object_object_foreach(labels, key, val) {
		if (json_object_is_type(val, json_type_string))
			labels_add(d->labels, key, json_object_get_string(val));
	}
	d->r.labels = d->labels;
}

static void find_pod(struct details *d, struct json_object *obj,
		     struct json_object *labels)
{
	const char *ns = json_string(labels, "io.kubernetes.pod.namespace");
	const char *name = json_string(labels, "io.kubernetes.pod.name");

	if (ns && name) {
		d->pod = xasprintf("%.*s/%.*s", TEXT_MAX, ns, TEXT_MAX, name);
		d->r.pod = d->pod;
		return;
	}
	d->r.pod = json_string(obj, "PodName");
	if (!d->r.pod)
		d->r.pod = json_string(obj, "Pod");
}

/* --- containers that are known --- */

static void init_report(struct report *r, const struct watch *w, const char *id,
			enum report_what what)
{
	*r = (struct report){
		REPORT_INIT,
		.what = what,
		.rank = RANK_ENGINE,
		.family = FAMILY_OCI,
		.runtime = w->flavour->name,
		.id = id,
		.uid = w->uid,
	};
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

static void stop_waiting(struct container *c)
{
	struct watch *w = c->watch;

	if (c->waiting == WAITS_FOR_START)
		TAILQ_REMOVE(&w->starts, c, wait);
	else if (c->waiting == WAITS_FOR_LIST)
		TAILQ_REMOVE(&w->lists, c, wait);
	c->waiting = WAITS_NOT;
}

static void free_container(struct container *c)
{
	struct watch *w = c->watch;
	struct event *ev;

	stop_waiting(c);
	if (c->inspect) {
		http_cancel(c->inspect);
		w->in_flight--;
	}
	if (c->pending)
		w->pending--;
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
		c->known = d;
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

static void tell_inspected(struct container *c, struct details *d)
{
	c->state = d->r.state;
	c->pid = d->r.pid;
	c->status = d->r.status;
	c->restarts = d->r.restarts;
	c->known = true;
	registry_list_seen(c->watch, &d->r);
}

/* --- when it goes wrong, or ends --- */

static void flush_container(struct container *c)
{
	struct event *ev;

	if (c->start) {
		tell_event(c, c->start, NULL);
		free_event(c->start);
		c->start = NULL;
	}
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
	http_free(w->http);
	w->http = NULL;
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

/* --- one container's details --- */

static void read_state(struct details *d, struct json_object *state)
{
	int code, pid;

	d->r.state = state_of(json_string(state, "Status"));
	if ((d->r.state == STATE_RUNNING || d->r.state == STATE_PAUSED) &&
	    get_int(state, "Pid", 1, &pid))
		d->r.pid = pid;
	if (d->r.state == STATE_EXITED && get_int(state, "ExitCode", 0, &code))
		d->r.status = wait_status(code);
}

/* @obj must live as long as @d. */
static void read_details(struct details *d, const struct container *c,
			 struct json_object *obj)
{
	struct json_object *config = json_member(obj, "Config", json_type_object);
	struct json_object *labels = json_member(config, "Labels", json_type_object);
	int restarts;

	d->pod = NULL;
	d->labels[0] = '\0';
	init_report(&d->r, c->watch, c->id, REPORT_SEEN);
	read_state(d, json_member(obj, "State", json_type_object));
	d->r.name = without_slash(json_string(obj, "Name"));
	d->r.image = json_string(config, "Image");
	if (get_int(obj, "RestartCount", 0, &restarts))
		d->r.restarts = restarts;
	add_labels(d, labels);
	find_pod(d, obj, labels);
}

/* One failure a list, however many containers it is of: they count for the retries. */
static void list_lacks(struct watch *w, const char *id, const char *why)
{
	if (w->list_ok)
		health_bad(&w->health, "container %.64s: %s", id, why);
	w->list_ok = false;
}

/* 404: it is gone, and the list is good without it. */
static void answer_list(struct container *c, struct details *d, int status)
{
	struct watch *w = c->watch;

	if (!c->pending)
		return;
	c->pending = false;
	w->pending--;
	if (d && d->r.state != STATE_NONE)
		tell_inspected(c, d);
	else if (status != 404)
		list_lacks(w, c->id, "there is no use in its details");
}

static void pump(struct container *c);

static void on_inspected(void *arg, const struct http_answer *a)
{
	struct container *c = arg;
	struct watch *w = c->watch;
	struct json_object *obj = NULL;
	struct details details, *d = NULL;

	c->inspect = NULL;
	w->in_flight--;
	if (a->error) {
		fail_answer(w, "container", a);
		return;
	}
	if (a->status == 200)
		obj = parse(a->body, a->len);
	if (json_object_is_type(obj, json_type_object)) {
		d = &details;
		read_details(d, c, obj);
	}
	if (c->start) {
		tell_event(c, c->start, d);
		free_event(c->start);
		c->start = NULL;
	}
	answer_list(c, d, a->status);
	if (d)
		free(d->pod);
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
		target = xasprintf("/containers/%s/json", c->id);
		c->inspect = http_get(w->http, target, INSPECT_MAX, on_inspected, c);
		w->in_flight++;
	}
}

/* Starts go first: their pid is there for as long as they run only. */
static void want_details(struct container *c, enum waiting why)
{
	struct watch *w = c->watch;

	if (c->inspect || c->waiting == WAITS_FOR_START)
		return;
	stop_waiting(c);
	c->waiting = why;
	if (why == WAITS_FOR_START)
		TAILQ_INSERT_TAIL(&w->starts, c, wait);
	else
		TAILQ_INSERT_TAIL(&w->lists, c, wait);
}

/* --- events --- */

/* After the events that are left, as they would make what it says old again */
static void make_up_for_lost(struct container *c)
{
	struct watch *w = c->watch;

	c->lost = false;
	c->known = false;
	if (is_list_under_way(w))
		w->again = true;
	else
		arm(w, LOOK_USEC);
}

/* May free it */
static void pump(struct container *c)
{
	struct watch *w = c->watch;
	struct event *ev;

	while (!is_busy(c) && (ev = next_event(c))) {
		if (ev->what == REPORT_START) {
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

static const struct event_name {
	const char *action;
	enum report_what what;
} event_names[] = {
	{ "create", REPORT_CREATE },
	{ "start", REPORT_START },
	{ "die", REPORT_EXIT },
	{ "died", REPORT_EXIT },
	{ "pause", REPORT_PAUSE },
	{ "unpause", REPORT_UNPAUSE },
	{ "rename", REPORT_RENAME },
	{ "oom", REPORT_OOM },
	{ "destroy", REPORT_REMOVE },
	{ "remove", REPORT_REMOVE },
	/* "restart" comes with a "die" and a "start" */
};

static const struct event_name *event_name(struct json_object *obj)
{
	const char *type = json_string(obj, "Type");
	const char *action = json_string(obj, "Action");

	if (!action)
		action = json_string(obj, "status");
	if (!action || (type && strcmp(type, "container")))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(event_names); i++)
		if (!strcmp(action, event_names[i].action))
			return &event_names[i];
	return NULL;
}

/* Attributes are strings, whatever they mean. */
static int exit_status(struct json_object *attrs)
{
	const char *s = json_string(attrs, "exitCode");
	uint64_t code;

	if (!s)
		s = json_string(attrs, "containerExitCode");
	if (!s || parse_u64(s, &code) || code > INT_MAX)
		return -1;
	return wait_status(code);
}

static char *copy(const char *s)
{
	return s ? xasprintf("%.*s", TEXT_MAX, s) : NULL;
}

static struct event *new_event(enum report_what what, struct json_object *attrs)
{
	struct event *ev = xcalloc(1, sizeof(*ev));

	ev->what = what;
	ev->status = what == REPORT_EXIT ? exit_status(attrs) : -1;
	ev->name = copy(without_slash(json_string(attrs, "name")));
	ev->image = copy(json_string(attrs, "image"));
	ev->pod = copy(json_string(attrs, "podId"));
	return ev;
}

/*
 * To have what came while the server was about to begin the stream, it is asked for
 * that since the second in which it was. Of this, what was before isn't wanted. Only at
 * first: the clock may be set back later.
 */
static bool is_old(const struct watch *w, struct json_object *obj)
{
	struct json_object *val = json_member(obj, "timeNano", json_type_int);
	int64_t time = val ? json_object_get_int64(val) : 0;

	return time > 0 && (uint64_t)time < w->from &&
	       loop_usec() - w->from_mono < 2 * SECOND;
}

static void handle_event(struct watch *w, struct json_object *obj)
{
	const struct event_name *name = event_name(obj);
	struct json_object *actor, *attrs;
	struct container *c;
	const char *id;

	if (!name || is_old(w, obj))
		return;
	actor = json_member(obj, "Actor", json_type_object);
	attrs = json_member(actor, "Attributes", json_type_object);
	id = json_string(actor, "ID");
	if (!id)
		id = json_string(obj, "id");
	if (!id || !is_id(id))
		return;
	c = find_or_add(w, id);
	if (c)
		queue_event(c, new_event(name->what, attrs));
	run_queue(w);
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

static void on_open(void *arg)
{
	struct watch *w = arg;

	if (!w->gen)
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

/* docker's names begin with a slash, and links add names to the first. */
static const char *name_of_listed(struct json_object *obj)
{
	struct json_object *names = json_member(obj, "Names", json_type_array);
	struct json_object *name = NULL;

	if (names && json_object_array_length(names))
		name = json_object_array_get_idx(names, 0);
	if (!json_object_is_type(name, json_type_string))
		return NULL;
	return without_slash(json_object_get_string(name));
}

static struct container *container_of_listed(struct watch *w, struct json_object *obj)
{
	const char *id = json_string(obj, "Id");
	struct container *c;

	if (!id || !is_id(id)) {
		list_lacks(w, "?", "this is no ID");
		return NULL;
	}
	c = find_or_add(w, id);
	if (!c)
		list_lacks(w, id, "there are too many");
	return c;
}

static void handle_listed(struct watch *w, struct json_object *obj)
{
	enum container_state state = state_of(json_string(obj, "State"));
	struct container *c = container_of_listed(w, obj);

	if (!c || c->listed == w->gen)
		return;
	c->listed = w->gen;
	if (c->state == STATE_REMOVED)
		return;
	if (!is_busy(c) && c->known && (c->touched == w->gen || c->state == state)) {
		tell_listed(c, name_of_listed(obj));
		return;
	}
	c->pending = true;
	w->pending++;
	want_details(c, WAITS_FOR_LIST);
}

static void on_listed(void *arg, const struct http_answer *a)
{
	struct watch *w = arg;
	struct json_object *all = NULL;

	w->list = NULL;
	if (a->error || a->status != 200) {
		fail_answer(w, "list", a);
		return;
	}
	all = parse(a->body, a->len);
	if (!json_object_is_type(all, json_type_array)) {
		json_object_put(all);
		fail(w, "list: the answer is not a list");
		return;
	}
	w->listing = true;
	w->list_ok = true;
	registry_list_begin(w);
	for (size_t i = 0; i < json_object_array_length(all); i++)
		handle_listed(w, json_object_array_get_idx(all, i));
	json_object_put(all);
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
	w->list = http_get(w->http, "/containers/json?all=1", HTTP_ANSWER_MAX, on_listed, w);
}

/* --- a place, and whether it is there --- */

static void may_have_come(void *data)
{
	arm(data, APPEAR_USEC);
}

/* The timer is for what inotify doesn't tell of. */
static void wait_for_place(struct watch *w)
{
	arm(w, longest_usec());
	if (place_await(&w->awaited, w->place, may_have_come, w) == 1)
		arm(w, SECOND);
}

static void begin_stream(struct watch *w)
{
	cleanup_free char *target = NULL;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	w->from = now.tv_sec * 1000000000ULL + now.tv_nsec;
	w->from_mono = loop_usec();
	target = xasprintf("/events?since=%lld&filters=%%7B%%22type%%22%%3A%%5B"
			   "%%22container%%22%%5D%%7D", (long long)now.tv_sec);
	w->http = http_new(w->place, w->uid);
	if (!w->http) {
		fail(w, "libcurl is needed to ask it, and isn't installed");
		return;
	}
	w->gen = 0;
	w->stream = http_stream(w->http, target, &stream_ops, w);
	arm(w, HEADER_USEC);
}

static void begin(struct watch *w)
{
	struct stat st;

	place_forget(&w->awaited);
	if (stat(w->place, &st)) {
		wait_for_place(w);
		return;
	}
	if (!S_ISSOCK(st.st_mode)) {
		fail(w, "this is not a socket");
		return;
	}
	w->uid = w->flavour->root ? 0 : st.st_uid;
	begin_stream(w);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct watch *w = userdata;

	(void)s;
	(void)usec;
	if (w->stream)
		list(w);
	else
		begin(w);
	return 0;
}

/* --- the interface --- */

static struct watch *start(const struct flavour *flavour, const char *place)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->flavour = flavour;
	w->place = xstrdup(place);
	w->who = xasprintf("%s (%s)", flavour->name, place);
	w->health.who = w->who;
	TAILQ_INIT(&w->starts);
	TAILQ_INIT(&w->lists);
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

/* One that doesn't work has its time to be tried again, however often this comes. */
static void look(void *watch)
{
	struct watch *w = watch;
	uint64_t next = w->last_list + LOOK_USEC;

	if (w->health.bad)
		return;
	if (!w->stream)
		begin(w);
	else if (is_list_under_way(w))
		w->again = true;
	else if (w->gen)
		arm(w, next > loop_usec() ? next - loop_usec() : 0);
}

static void stop(void *watch)
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

static void *start_docker(const char *place)
{
	static const struct flavour docker = { .name = "docker", .root = true };

	return start(&docker, place);
}

static void *start_podman(const char *place)
{
	static const struct flavour podman = { .name = "podman", .lazy = true };

	return start(&podman, place);
}

static const char *const docker_places[] = { "/run/docker.sock", NULL };

static const char *const podman_places[] = {
	"/run/podman/podman.sock",
	"/run/user/*/podman/podman.sock",
	NULL
};

const struct runtime runtime_docker = {
	.name = "docker",
	.places = docker_places,
	.start = start_docker,
	.look = look,
	.stop = stop,
};

const struct runtime runtime_podman = {
	.name = "podman",
	.places = podman_places,
	/* What it knows, its folders tell, too: see storage.c. */
	.unasked = true,
	.start = start_podman,
	.look = look,
	.stop = stop,
};
