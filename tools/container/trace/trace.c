// SPDX-License-Identifier: GPL-2.0
/* What the commands that watch by BPF share */

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cid.h"
#include "container.h"
#include "trace.h"
#include "util.h"

#define MIN_SECONDS	0.1
#define MAX_SECONDS	86400.0
#define ROUND		1000	/* events that are told in a row */
#define TICK		1.0	/* seconds from a look into the kernel's maps to the next */

#define MIN_ROWS	16
#define MAX_ROWS	(1U << 18)

enum { OPT_TOP = 256, OPT_LABEL, OPT_HOST, OPT_ROWS };

static const struct argp_option options[] = {
	{ "container", 'c', "CONTAINER", 0, "only this container, and again for others",
	  0 },
	{ "top", OPT_TOP, NULL, 0, "count nested containers as the outermost one",
	  0 },
	{ "host", OPT_HOST, NULL, 0, "who is in no container, too", 0 },
	{ "duration", 'd', "SEC", 0, "end after SEC seconds", 0 },
	{ "json", 'j', NULL, 0, "print an object, in one line, each time", 0 },
	{ 0 }
};

/* For those that count, and don't print what happens as it does */
static const struct argp_option counting_options[] = {
	{ "by-label", OPT_LABEL, NULL, 0, "show containers of the same label as one",
	  0 },
	{ "interval", 'i', "SEC", 0, "show, and begin anew, every SEC seconds", 0 },
	{ 0 }
};

/* For those whose counters are in the map "entries" */
static const struct argp_option row_options[] = {
	{ "rows", OPT_ROWS, "N", 0, "keep up to N rows in the kernel (16384)", 0 },
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

static bool has_rows(const struct trace_tool *tool)
{
	return !tool->event && !tool->show;
}

static int parse_rows(const char *s, unsigned int *rows)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (!*s || strspn(s, "0123456789") != strlen(s) || n < MIN_ROWS || n > MAX_ROWS)
		return -1;
	*rows = n;
	return 0;
}

static error_t parse_shared(int key, char *arg, struct argp_state *state)
{
	struct trace *t = state->input;
	struct trace_options *opt = &t->opt;

	switch (key) {
	case 'c':
		opt->names = xreallocarray(opt->names, opt->nr_names + 1,
					   sizeof(*opt->names));
		opt->names[opt->nr_names++] = arg;
		return 0;
	case OPT_TOP:
		opt->by_top = true;
		return 0;
	case OPT_LABEL:
		opt->by_label = true;
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
	case OPT_ROWS:
		if (parse_rows(arg, &opt->rows))
			argp_error(state, "--rows: '%s' is not a number from %d to %d", arg,
				   MIN_ROWS, MAX_ROWS);
		return 0;
	case 'j':
		opt->json = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp shared_argp = {
	.options = options,
	.parser = parse_shared,
};

static const struct argp counting_argp = {
	.options = counting_options,
	.parser = parse_shared,
};

static const struct argp row_argp = {
	.options = row_options,
	.parser = parse_shared,
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct trace *t = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = t;
		if (!t->tool->event)
			state->child_inputs[1] = t;
		if (has_rows(t->tool))
			state->child_inputs[2] = t;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': no argument is expected", arg);
	}
	return t->tool->parse ? t->tool->parse(key, arg, state, t) : ARGP_ERR_UNKNOWN;
}

/* Whoever notices says in a line what went wrong. */
static int print_if_debugging(enum libbpf_print_level level, const char *fmt,
			      va_list ap)
{
	(void)level;
	return getenv("CID_DEBUG") ? vfprintf(stderr, fmt, ap) : 0;
}

/* What this kernel has; -1 if nothing can be traced here. */
static int look_at_kernel(struct trace_kernel *kernel)
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

static int require_ids(const struct trace *t)
{
	if (t->kernel.ids)
		return 0;
	if (!t->tool->falls_back) {
		msg("this kernel has no container IDs: boot one with CONFIG_METRICS_NS "
		    "('cid check' tells what there is)");
		return -1;
	}
	if (t->opt.nr_names || t->opt.by_top || t->opt.by_label) {
		msg("this kernel has no container IDs, so -c, --top and --by-label "
		    "can't be used: boot one with CONFIG_METRICS_NS");
		return -1;
	}
	msg("this kernel has no container IDs: by the PID namespace of a task's "
	    "children instead, as its pointers lead to it, which is another one "
	    "after unshare(2), and none for who exits");
	return 0;
}

/* An ID means this one, and what isn't one means whoever has its label. */
static void follow(struct trace *t, const char *name, const struct container *c)
{
	struct trace_followed *f = &t->followed[t->nr_followed];
	char id[24];

	snprintf(id, sizeof(id), "%llu", (unsigned long long)c->info.id);
	if (!c->label[0] || c->foreign || !strcmp(name, id))
		return;
	snprintf(f->label.text, sizeof(f->label.text), "%s", c->label);
	f->parent_id = c->info.parent_id;
	t->nr_followed++;
}

/* The IDs of the containers that the user names, and the labels of those to come */
static int resolve(struct trace *t)
{
	const struct trace_options *opt = &t->opt;
	struct inventory inv;
	int ret = -1;

	if (!opt->nr_names)
		return 0;
	if (opt->nr_names > TRACE_NAMES) {
		msg("%zu containers: -c can be given %d times", opt->nr_names,
		    TRACE_NAMES);
		return -1;
	}
	if (inventory_load(&inv))
		goto out;
	for (size_t i = 0; i < opt->nr_names; i++) {
		long index = inventory_find(&inv, opt->names[i]);

		if (index < 0)
			goto out;
		if (opt->by_top && inv.containers[index].info.level > 1) {
			msg("'%s' is nested in container %llu, as which --top counts it: "
			    "name that one, or leave out --top", opt->names[i],
			    (unsigned long long)inv.containers[index].info.top_id);
			goto out;
		}
		t->filter[i] = inv.containers[index].info.id;
		follow(t, opt->names[i], &inv.containers[index]);
	}
	t->config.user_ns = inv.own_userns;
	ret = 0;
out:
	inventory_free(&inv);
	return ret;
}

/**
 * trace_begin - parse the arguments, and see whether this kernel will do
 * @t: with the tool
 * @argc: of the command
 * @argv: likewise
 *
 * It says itself what goes wrong. @t->config is for the skeleton's read-only data.
 *
 * Return: CID_OK, or what to exit with; trace_end() is due in any case.
 */
int trace_begin(struct trace *t, int argc, char **argv)
{
	const struct argp_child children[] = {
		{ .argp = &shared_argp },
		/* what is NULL ends the list */
		{ .argp = t->tool->event ? NULL : &counting_argp },
		{ .argp = has_rows(t->tool) ? &row_argp : NULL },
		{ 0 }
	};
	const struct argp argp = {
		.options = t->tool->options,
		.parser = parse,
		.children = children,
		.doc = t->tool->doc,
	};

	t->opt.rows = TRACE_ENTRIES;
	if (argp_parse(&argp, argc, argv, 0, NULL, t))
		return CID_USAGE;
	if (look_at_kernel(&t->kernel) || require_ids(t) || resolve(t))
		return CID_FAIL;
	t->config.ids = t->kernel.ids;
	t->config.by_top = t->opt.by_top;
	t->config.all = !t->opt.nr_names;
	t->config.host = t->opt.host;
	return CID_OK;
}

/** trace_end - free what a tool has used */
void trace_end(struct trace *t)
{
	trace_rows_free(t);
	free(t->opt.names);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int signal_fd(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	return signalfd(-1, &ends, SFD_CLOEXEC);
}

/* Before they are loaded: what isn't asked for isn't there. Return: 0; -1 and errno. */
static int configure(const struct trace *t)
{
	struct bpf_map *entries = bpf_object__find_map_by_name(t->obj, "entries");

	return bpf_map__set_max_entries(entries, t->opt.rows) ||
		bpf_program__set_autoload(bpf_object__find_program_by_name(t->obj, "follow"),
					  t->nr_followed) ? -1 : 0;
}

static int set_filter(const struct trace *t)
{
	int labels = bpf_object__find_map_fd_by_name(t->obj, "followed");
	int fd = bpf_object__find_map_fd_by_name(t->obj, "filter");
	uint8_t one = 1;

	for (size_t i = 0; i < t->nr_followed; i++)
		if (bpf_map_update_elem(labels, &t->followed[i].label,
					&t->followed[i].parent_id, BPF_ANY))
			return -1;

	for (size_t i = 0; i < t->opt.nr_names; i++)
		if (bpf_map_update_elem(fd, &t->filter[i], &one, BPF_ANY))
			return -1;
	return 0;
}

static bool is_followed(const struct trace *t, const struct container *c)
{
	for (size_t i = 0; i < t->nr_followed; i++) {
		const struct trace_followed *f = &t->followed[i];

		if (!strcmp(f->label.text, c->label) &&
		    (!f->parent_id || f->parent_id == c->info.parent_id))
			return c->has_id && !c->foreign;
	}
	return false;
}

/* Who has got a label that is followed before that was seen. It says what goes wrong. */
static int catch_up(struct trace *t)
{
	int fd = bpf_object__find_map_fd_by_name(t->obj, "filter");
	struct inventory inv;
	uint8_t one = 1;
	int ret;

	if (!t->nr_followed)
		return 0;
	ret = inventory_load(&inv);
	for (size_t i = 0; !ret && i < inv.nr; i++)
		if (is_followed(t, &inv.containers[i]))
			bpf_map_update_elem(fd, &inv.containers[i].info.id, &one, BPF_ANY);
	inventory_free(&inv);
	return ret;
}

/**
 * trace_wants - whether a container is among those that are asked for
 * @t: that runs
 * @id: the container, 0 for the host
 */
bool trace_wants(const struct trace *t, uint64_t id)
{
	int fd = bpf_object__find_map_fd_by_name(t->obj, "filter");
	uint8_t one;

	if (!id)
		return t->opt.host;
	return !t->opt.nr_names || !bpf_map_lookup_elem(fd, &id, &one);
}

static int handle_event(void *arg, void *data, size_t size)
{
	struct trace *t = arg;
	int ret = t->tool->event(t, data, size);

	/* There is more to do, however fast they come. */
	return ret || ++t->nr_events < ROUND ? ret : -EAGAIN;
}

static int open_ring(struct trace *t, struct ring_buffer **ring)
{
	int fd;

	*ring = NULL;
	if (!t->tool->event)
		return 0;
	fd = bpf_object__find_map_fd_by_name(t->obj, "events");
	*ring = ring_buffer__new(fd, handle_event, t, NULL);
	return *ring ? 0 : -1;
}

/* Return: false if a signal has come. */
static bool wait_until(double when, int signals, struct ring_buffer *ring)
{
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = ring ? ring_buffer__epoll_fd(ring) : -1, .events = POLLIN },
	};
	double left = fmax(when - now(), 0);

	/* Rounded up, or the last millisecond would be spent in asking. */
	poll(fds, ARRAY_SIZE(fds), (int)(left * 1000) + 1);
	return !fds[0].revents;
}

static void say_lost(struct trace *t)
{
	uint64_t lost = trace_lost(t), missed = trace_missed(t);

	if (lost != t->lost)
		msg("%llu %s were not counted, for want of memory",
		    (unsigned long long)(lost - t->lost), t->tool->what);
	if (missed != t->missed)
		msg("up to %llu %s were missed: they came while a task was preempted "
		    "in the midst of being counted", (unsigned long long)(missed - t->missed),
		    t->tool->what);
	t->lost = lost;
	t->missed = missed;
}

static int show(struct trace *t)
{
	int ret = 0;

	if (t->tool->show)
		ret = t->tool->show(t);
	else if (!t->tool->event)
		ret = trace_show(t);
	fflush(stdout);
	say_lost(t);
	return ret;
}

static int settle(struct trace *t)
{
	return t->tool->settle ? t->tool->settle(t) : 0;
}

static int look(struct trace *t, struct ring_buffer *ring, bool tick, bool last)
{
	int ret;

	if (tick)
		trace_trim_filter(t);
	do {
		t->nr_events = 0;
		ret = ring ? ring_buffer__consume(ring) : 0;
	} while (ret == -EAGAIN && last);
	if (ret < 0 && ret != -EAGAIN)
		return ret;
	if (t->tool->tick || t->tool->event) {
		ret = tick && t->tool->tick ? t->tool->tick(t) : 0;
		if (tick)
			trace_trim_labels(t);
		return ret;
	}
	return t->tool->show ? 0 : trace_harvest(t);
}

/*
 * Until a signal, an error or the end of the time. The last look is after the
 * programs have been detached, so that all that they have counted is in it.
 */
static int loop(struct trace *t, struct bpf_object_skeleton *skel, int signals,
		struct ring_buffer *ring)
{
	double end = t->opt.duration ? now() + t->opt.duration : INFINITY;
	double next = t->opt.interval ? now() + t->opt.interval : INFINITY;
	double tick = now() + TICK;
	int ret = settle(t);

	while (ret >= 0 && !ferror(stdout) && now() < end &&
	       wait_until(fmin(fmin(end, next), tick), signals, ring)) {
		double at = now();

		if (at < end && (at >= tick || at >= next || ring)) {
			ret = settle(t);
			if (ret >= 0)
				ret = look(t, ring, at >= tick || at >= next, false);
		}
		if (at >= tick) {
			tick = at + TICK;
			say_lost(t);
		}
		if (ret >= 0 && at < end && at >= next) {
			ret = show(t);
			next = fmax(next + t->opt.interval, at);
		}
	}
	if (ret >= 0)
		ret = settle(t);
	bpf_object__detach_skeleton(skel);
	if (t->tool->detach)
		t->tool->detach(t);
	if (ret >= 0)
		ret = look(t, ring, true, true);
	return ret < 0 ? ret : show(t);
}

/**
 * trace_run - load the programs and show what they count, until it ends
 * @t: that has begun
 * @skel: the opened skeleton; NULL if that has failed
 *
 * SIGINT and SIGTERM end it; then what there is is shown as well. It says itself
 * what goes wrong.
 *
 * Return: what to exit with.
 */
int trace_run(struct trace *t, struct bpf_object_skeleton *skel)
{
	cleanup_close int signals = signal_fd();
	struct ring_buffer *ring = NULL;
	int ret = -1;

	if (skel)
		t->obj = *skel->obj;
	if (!skel || signals < 0 || configure(t) || bpf_object__load_skeleton(skel) ||
	    set_filter(t) ||
	    open_ring(t, &ring) || bpf_object__attach_skeleton(skel) ||
	    (t->tool->attach && t->tool->attach(t)))
		msg("cannot load the BPF programs: %s (CID_DEBUG=1 tells more)",
		    strerror(errno));
	else if (!catch_up(t) && !trace_fill_cgroups(t) && (!t->tool->list || !t->tool->list(t)))
		ret = loop(t, skel, signals, ring);
	if (t->tool->detach)
		t->tool->detach(t);
	ring_buffer__free(ring);
	return ret < 0 ? CID_FAIL : CID_OK;
}
