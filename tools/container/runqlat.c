// SPDX-License-Identifier: GPL-2.0
/* cid runqlat */

#include <argp.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bpf/runqlat.h"
#include "cid.h"
#include "out.h"
#include "runqlat.skel.h"
#include "trace.h"
#include "util.h"

struct runqlat {
	struct trace_options opt;
	struct trace_kernel kernel;
	struct runqlat_bpf *skel;
	uint64_t lost;		/* as was said last */
	bool shown;
};

struct row {
	uint64_t id;
	struct runqlat_entry entry;
};

static const char *const kinds[RUNQLAT_KINDS] = {
	[RUNQLAT_WAITING] = "waiting for a CPU",
	[RUNQLAT_THROTTLED] = "throttled",
};

static const char *const json_kinds[RUNQLAT_KINDS] = {
	[RUNQLAT_WAITING] = "waiting",
	[RUNQLAT_THROTTLED] = "throttled",
};

static error_t parse_runqlat(int key, char *arg, struct argp_state *state)
{
	struct runqlat *r = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &r->opt;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': no argument is expected", arg);
	}
	return ARGP_ERR_UNKNOWN;
}

static int by_id(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* What there is, which is deleted: the next look is at what comes from now on. */
static struct row *take_rows(struct runqlat *r, size_t *nr)
{
	int fd = bpf_map__fd(r->skel->maps.entries);
	struct row *rows = NULL;
	uint64_t id, *prev = NULL;

	*nr = 0;
	while (*nr < RUNQLAT_CONTAINERS && !bpf_map_get_next_key(fd, prev, &id)) {
		rows = xreallocarray(rows, *nr + 1, sizeof(*rows));
		rows[*nr].id = id;
		if (!bpf_map_lookup_elem(fd, &id, &rows[*nr].entry))
			(*nr)++;
		prev = &id;
	}
	for (size_t i = 0; i < *nr; i++)
		bpf_map_delete_elem(fd, &rows[i].id);
	if (*nr)
		qsort(rows, *nr, sizeof(*rows), by_id);
	return rows;
}

static void print_head(const struct runqlat *r, const struct row *row)
{
	cleanup_free char *label = escape(row->entry.label);

	if (!row->id)
		printf("host: ");
	else if (!r->kernel.ids)
		printf("pid namespace %llu: ", (unsigned long long)row->id);
	else if (*label)
		printf("%s (%llu): ", label, (unsigned long long)row->id);
	else
		printf("%llu: ", (unsigned long long)row->id);
}

static void print_row(const struct runqlat *r, const struct row *row)
{
	for (int kind = 0; kind < RUNQLAT_KINDS; kind++) {
		const struct runqlat_hist *h = &row->entry.hists[kind];

		if (!h->count)
			continue;
		print_head(r, row);
		printf("%s, %llu times, %.3f ms in all\n", kinds[kind],
		       (unsigned long long)h->count, h->sum / 1e6);
		trace_histogram(stdout, (const uint64_t *)h->slots, RUNQLAT_SLOTS);
		putchar('\n');
	}
}

static struct json_object *row_json(const struct runqlat *r, const struct row *row)
{
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, r->kernel.ids ? "id" : "pidns_inum",
			       json_object_new_int64(row->id));
	json_object_object_add(obj, "label", *row->entry.label ?
			       out_string(row->entry.label) : NULL);
	for (int kind = 0; kind < RUNQLAT_KINDS; kind++) {
		const struct runqlat_hist *h = &row->entry.hists[kind];
		struct json_object *hist = NULL;

		if (kind != RUNQLAT_THROTTLED || r->kernel.throttling) {
			hist = json_object_new_object();
			json_object_object_add(hist, "count",
					       json_object_new_int64(h->count));
			json_object_object_add(hist, "sum_usec",
					       json_object_new_int64(h->sum / 1000));
			json_object_object_add(hist, "histogram",
				trace_histogram_json((const uint64_t *)h->slots,
						     RUNQLAT_SLOTS));
		}
		json_object_object_add(obj, json_kinds[kind], hist);
	}
	return obj;
}

static void print_json(const struct runqlat *r, const struct row *rows, size_t nr)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < nr; i++)
		json_object_array_add(list, row_json(r, &rows[i]));
	json_object_object_add(obj, "time", json_object_new_int64(time(NULL)));
	json_object_object_add(obj, "lost",
			       json_object_new_int64(r->skel->bss->lost));
	json_object_object_add(obj, "containers", list);
	out_json_line(obj);
}

static void say_lost(struct runqlat *r)
{
	uint64_t lost = r->skel->bss->lost;

	if (lost == r->lost)
		return;
	msg("%llu waits were not counted, for want of memory",
	    (unsigned long long)(lost - r->lost));
	r->lost = lost;
}

static int show(void *arg)
{
	struct runqlat *r = arg;
	size_t nr;
	cleanup_free struct row *rows = take_rows(r, &nr);

	if (r->opt.json) {
		print_json(r, rows, nr);
	} else {
		if (r->shown && nr)
			printf("--\n");
		for (size_t i = 0; i < nr; i++)
			print_row(r, &rows[i]);
		r->shown |= nr;
	}
	fflush(stdout);
	say_lost(r);
	return 0;
}

static void say_what_is_missing(const struct trace_kernel *kernel)
{
	if (!kernel->ids)
		msg("this kernel has no container IDs: by the PID namespace of a "
		    "task's children instead, as its pointers lead to it, which is "
		    "another one after unshare(2), and none for who exits");
	if (!kernel->throttling)
		msg("this kernel doesn't tell who is throttled: that is counted as "
		    "waiting for a CPU");
}

static int set_filter(const struct runqlat *r, const uint64_t *ids)
{
	uint8_t one = 1;

	for (size_t i = 0; i < r->opt.nr_names; i++)
		if (bpf_map_update_elem(bpf_map__fd(r->skel->maps.filter), &ids[i],
					&one, BPF_ANY))
			return -1;
	return 0;
}

static int load(struct runqlat *r, const uint64_t *ids)
{
	struct runqlat_bpf *skel = runqlat_bpf__open();

	r->skel = skel;
	if (!skel)
		return -1;
	skel->rodata->have_ids = r->kernel.ids;
	skel->rodata->by_top = r->opt.by_top;
	skel->rodata->all = !r->opt.nr_names;
	skel->rodata->hosts_too = r->opt.host;
	bpf_program__set_autoload(skel->progs.throttle_task, r->kernel.throttling);
	bpf_program__set_autoload(skel->progs.unthrottle, r->kernel.throttling);
	return runqlat_bpf__load(skel) || set_filter(r, ids) ||
	       runqlat_bpf__attach(skel) ? -1 : 0;
}

static void block_ends(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
}

static int run(struct runqlat *r)
{
	uint64_t ids[RUNQLAT_FILTERS];
	int ret;

	if (trace_open(&r->kernel))
		return CID_FAIL;
	if (!r->kernel.ids && (r->opt.nr_names || r->opt.by_top)) {
		msg("this kernel has no container IDs, so -c and --top can't be "
		    "used: boot one with CONFIG_METRICS_NS");
		return CID_FAIL;
	}
	say_what_is_missing(&r->kernel);
	if (trace_resolve(&r->opt, ids, ARRAY_SIZE(ids)))
		return CID_FAIL;
	block_ends();
	if (load(r, ids)) {
		msg("cannot load the BPF programs: %s (CID_DEBUG=1 tells more)",
		    strerror(errno));
		ret = -1;
	} else {
		ret = trace_loop(&r->opt, show, r);
	}
	runqlat_bpf__destroy(r->skel);
	return ret ? CID_FAIL : CID_OK;
}

/** cmd_runqlat - cid runqlat */
int cmd_runqlat(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse_runqlat,
		.children = trace_argp_child,
		.doc = "Tell how long the tasks of each container wait for a CPU, "
		       "until interrupted.\v"
		       "Waiting is from when a task could run until it does, and "
		       "then of that the time in which its CPU limit held it back "
		       "is counted apart, as throttled.",
	};
	struct runqlat r = {};
	int ret = CID_USAGE;

	if (!argp_parse(&argp, argc, argv, 0, NULL, &r))
		ret = run(&r);
	trace_options_free(&r.opt);
	return ret;
}
