// SPDX-License-Identifier: GPL-2.0
/* What the commands that watch by BPF share */

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "container.h"
#include "out.h"
#include "trace.h"
#include "util.h"

#define MIN_SECONDS	0.1
#define MAX_SECONDS	86400.0
#define STARS		40	/* of the most frequent */

enum { OPT_TOP = 256, OPT_HOST };

static const struct argp_option options[] = {
	{ "container", 'c', "CONTAINER", 0, "only this container, and again for others",
	  0 },
	{ "top", OPT_TOP, NULL, 0, "count nested containers as the outermost one",
	  0 },
	{ "host", OPT_HOST, NULL, 0, "who is in no container, too", 0 },
	{ "interval", 'i', "SEC", 0, "show, and begin anew, every SEC seconds", 0 },
	{ "duration", 'd', "SEC", 0, "end after SEC seconds", 0 },
	{ "json", 'j', NULL, 0, "print an object, in one line, each time", 0 },
	{ 0 }
};

static int parse_seconds(const char *s, double *seconds)
{
	char *end;

	if (!*s || strspn(s, "0123456789.") != strlen(s))
		return -1;
	*seconds = strtod(s, &end);
	return *end || *seconds < MIN_SECONDS || *seconds > MAX_SECONDS ? -1 : 0;
}

static error_t parse_trace(int key, char *arg, struct argp_state *state)
{
	struct trace_options *opt = state->input;

	switch (key) {
	case 'c':
		opt->names = xreallocarray(opt->names, opt->nr_names + 1,
					   sizeof(*opt->names));
		opt->names[opt->nr_names++] = arg;
		return 0;
	case OPT_TOP:
		opt->by_top = true;
		return 0;
	case OPT_HOST:
		opt->host = true;
		return 0;
	case 'i':
		if (parse_seconds(arg, &opt->interval))
			argp_error(state, "-i: '%s' is not a number of seconds "
				   "from 0.1 to 86400", arg);
		return 0;
	case 'd':
		if (parse_seconds(arg, &opt->duration))
			argp_error(state, "-d: '%s' is not a number of seconds "
				   "from 0.1 to 86400", arg);
		return 0;
	case 'j':
		opt->json = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp trace_argp = {
	.options = options,
	.parser = parse_trace,
};

const struct argp_child trace_argp_child[2] = { { .argp = &trace_argp } };

void trace_options_free(struct trace_options *opt)
{
	free(opt->names);
}

/* Whoever notices says in a line what went wrong. */
static int print_if_debugging(enum libbpf_print_level level, const char *fmt,
			      va_list ap)
{
	(void)level;
	return getenv("CID_DEBUG") ? vfprintf(stderr, fmt, ap) : 0;
}

/**
 * trace_open - find out what this kernel has
 * @kernel: gets it
 *
 * It says itself what goes wrong.
 *
 * Return: 0; -1 if nothing can be traced here.
 */
int trace_open(struct trace_kernel *kernel)
{
	struct btf *btf;

	libbpf_set_print(print_if_debugging);
	if (geteuid()) {
		msg("BPF programs are loaded by root only: run it as root");
		return -1;
	}
	btf = btf__load_vmlinux_btf();
	if (!btf) {
		msg("this kernel doesn't describe its types (%s): boot one with "
		    "CONFIG_DEBUG_INFO_BTF", strerror(errno));
		return -1;
	}
	kernel->ids = btf__find_by_name_kind(btf, "bpf_task_container_id",
					     BTF_KIND_FUNC) > 0;
	kernel->throttling =
		btf__find_by_name_kind(btf, "btf_trace_sched_cfs_throttle_task_tp",
				       BTF_KIND_TYPEDEF) > 0;
	btf__free(btf);
	return 0;
}

/**
 * trace_resolve - the IDs of the containers that the user names
 * @opt: with the names
 * @ids: gets them
 * @max: how many @ids has room for
 *
 * It says itself what goes wrong.
 *
 * Return: 0; -1 if a name isn't that of one container with an ID.
 */
int trace_resolve(const struct trace_options *opt, uint64_t *ids, size_t max)
{
	struct inventory inv;
	int ret = -1;

	if (!opt->nr_names)
		return 0;
	if (opt->nr_names > max) {
		msg("%zu containers: -c can be given %zu times", opt->nr_names, max);
		return -1;
	}
	if (inventory_load(&inv))
		goto out;
	for (size_t i = 0; i < opt->nr_names; i++) {
		long index = inventory_find(&inv, opt->names[i]);

		if (index < 0)
			goto out;
		ids[i] = inv.containers[index].info.id;
	}
	ret = 0;
out:
	inventory_free(&inv);
	return ret;
}

static void to_timespec(double seconds, struct timespec *ts)
{
	ts->tv_sec = seconds;
	ts->tv_nsec = (seconds - ts->tv_sec) * 1e9;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Return: false if a signal has ended it. */
static bool wait_until(double when, const sigset_t *ends)
{
	struct timespec ts;
	double left;

	while ((left = when - now()) > 0) {
		to_timespec(left, &ts);
		if (sigtimedwait(ends, NULL, &ts) >= 0)
			return false;
		if (errno == EAGAIN)
			break;
	}
	return true;
}

/**
 * trace_loop - show results as often as is wished
 * @opt: how often, and how long
 * @show: shows what there is and begins anew; negative to end
 * @arg: for @show
 *
 * SIGINT and SIGTERM, which the caller has blocked, end it; then what there is
 * is shown as well.
 *
 * Return: 0, or what @show returned.
 */
int trace_loop(const struct trace_options *opt, int (*show)(void *arg), void *arg)
{
	double end = opt->duration ? now() + opt->duration : INFINITY;
	double next = opt->interval ? now() + opt->interval : INFINITY;
	sigset_t ends;
	bool goes_on;
	int ret;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	do {
		double until = fmin(end, next);

		goes_on = isinf(until) ? sigwaitinfo(&ends, NULL) < 0 :
			  wait_until(until, &ends);
		next += opt->interval;
		ret = show(arg);
	} while (goes_on && ret >= 0 && now() < end && !ferror(stdout));
	return ret;
}

static void print_stars(FILE *f, uint64_t count, uint64_t most)
{
	int stars = most ? STARS * count / most : 0;

	fprintf(f, "|%.*s%*s|\n", stars, "****************************************",
		STARS - stars, "");
}

/**
 * trace_histogram - print a histogram of times
 * @f: where to
 * @slots: how often at least 2^i microseconds and less than 2^(i + 1), but
 *	the first is from 0
 * @nr: how many
 */
void trace_histogram(FILE *f, const uint64_t *slots, size_t nr)
{
	size_t first = nr, last = 0;
	uint64_t most = 0;

	for (size_t i = 0; i < nr; i++) {
		if (slots[i] && first == nr)
			first = i;
		if (slots[i])
			last = i;
		if (slots[i] > most)
			most = slots[i];
	}
	fprintf(f, "  %21s    %-10s distribution\n", "microseconds", "count");
	for (size_t i = first; i <= last; i++) {
		fprintf(f, "  %10llu -> %-10llu %-10llu ",
			i ? 1ULL << i : 0, (2ULL << i) - 1,
			(unsigned long long)slots[i]);
		print_stars(f, slots[i], most);
	}
}

/**
 * trace_histogram_json - the same as an array, without what has none
 * @slots: as for trace_histogram()
 * @nr: likewise
 *
 * Return: a new array.
 */
struct json_object *trace_histogram_json(const uint64_t *slots, size_t nr)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < nr; i++) {
		struct json_object *obj;

		if (!slots[i])
			continue;
		obj = json_object_new_object();
		json_object_object_add(obj, "from_usec",
				       json_object_new_int64(i ? 1LL << i : 0));
		json_object_object_add(obj, "to_usec",
				       json_object_new_int64((2LL << i) - 1));
		json_object_object_add(obj, "count",
				       json_object_new_int64(slots[i]));
		json_object_array_add(list, obj);
	}
	return list;
}
