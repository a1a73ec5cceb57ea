// SPDX-License-Identifier: GPL-2.0
/*
 * The table of containers, and how to start late without missing one.
 *
 * A tracer subscribes to the events first, then lists what there is, and then
 * reads the events that have come meanwhile. The kernel sees to it that a
 * namespace can be listed only after its namespace_create and only before its
 * namespace_free. So for each container:
 *
 * - It was there before the subscription, and still when the list was made: it
 *   is in the list.
 * - It was there before, and was freed before the list was made: all that is
 *   ever seen of it is its end, which is no news.
 * - It began after the subscription: there is an event for it, and maybe it is
 *   in the list as well. Its ID tells, as none is ever given to another one.
 * - It ended after the subscription: there is an event.
 *
 * None is missed, and none is told twice, as what has been seen of each ID is
 * remembered. That holds in whatever order the events are read, as those of
 * several CPUs may be read in another order than they happened: the end of a
 * container before its beginning. One is forgotten when both have been read.
 * What remains are those that began before the subscription, whose beginning
 * can't come; there are no more of them than there were then.
 */

#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../metricsns.h"
#include "../util.h"
#include "containers.h"

#define LISTED	1
#define CREATED	2
#define FREED	4

struct container {
	uint64_t id;
	unsigned int seen;
	char label[NS_METRICS_LABEL_MAX + 1];	/* "": none */
};

static void *table;
volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/** stop_on_signals - let SIGINT and SIGTERM end the program in good order */
void stop_on_signals(void)
{
	struct sigaction sa = { .sa_handler = stop };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/** die - say in one line what is wrong, and exit */
void die(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(EXIT_FAILURE);
}

static int by_id(const void *a, const void *b)
{
	const struct container *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static struct container *lookup(uint64_t id)
{
	struct container *c = calloc(1, sizeof(*c));
	struct container **found;

	if (c)
		c->id = id;
	found = c ? tsearch(c, &table, by_id) : NULL;
	if (!found)
		die("out of memory");
	if (*found != c)
		free(c);
	return *found;
}

static void forget(struct container *c)
{
	tdelete(c, &table, by_id);
	free(c);
}

static void tell(const char *what, const struct container *c)
{
	printf("%-5s id=%llu label=%s\n", what, (unsigned long long)c->id,
	       *c->label ? c->label : "-");
}

/*
 * If it has no label yet, it is given one later, and the event for that is read
 * later as well. One whose event was read before is found here.
 */
static void read_label(struct container *c)
{
	cleanup_close int fd = metricsns_open_id(c->id);
	struct metrics_ns_info info;

	if (fd >= 0 && !metricsns_get(fd, &info))
		metricsns_label(&info, c->label);
}

/** containers_list - tell which containers there are; first subscribe */
void containers_list(void)
{
	cleanup_free uint64_t *ids = NULL;
	size_t nr;

	if (metricsns_list(&ids, &nr))
		die("listns: %s", strerror(errno));
	for (size_t i = 0; i < nr; i++) {
		struct container *c;

		if (ids[i] == CID_METRICS_NS_INIT_ID)
			continue;
		c = lookup(ids[i]);
		c->seen |= LISTED;
		read_label(c);
		tell("there", c);
	}
}

/** container_created - to be called for each namespace_create of the type */
void container_created(uint64_t id)
{
	struct container *c = lookup(id);

	c->seen |= CREATED;
	if (!(c->seen & LISTED)) {
		read_label(c);
		tell("new", c);
		if (c->seen & FREED)
			tell("gone", c);
	}
	if (c->seen & FREED)
		forget(c);
}

/** container_labelled - to be called for each metrics_ns_set with a label */
void container_labelled(uint64_t id, const char *label)
{
	struct container *c = lookup(id);

	if (!c->seen) {
		forget(c);
	} else if (!*c->label) {
		snprintf(c->label, sizeof(c->label), "%s", label);
		if (!(c->seen & FREED))
			tell("label", c);
	}
}

/** container_freed - to be called for each namespace_free of the type */
void container_freed(uint64_t id)
{
	struct container *c = lookup(id);

	c->seen |= FREED;
	if (c->seen & (LISTED | CREATED))
		tell("gone", c);
	if (c->seen & CREATED)
		forget(c);
}
