// SPDX-License-Identifier: GPL-2.0
/* cid fsslower, and what cid fsdist shares with it */

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cid.h"
#include "fs.h"
#include "out.h"
#include "trace.h"
#include "util.h"

#include "fsslower.skel.h"

#define MIN_MS	10.0
#define MAX_MS	1e6

enum { OPT_ALL = 512 };

const char *const fs_kinds[FS_KINDS] = {
	[FS_READ] = "read",
	[FS_WRITE] = "write",
	[FS_OPEN] = "open",
	[FS_FSYNC] = "fsync",
};

const struct argp_option fs_options[] = {
	{ "all", OPT_ALL, NULL, 0, "of proc, sysfs, pipes and their like as well", 0 },
	{ 0 }
};

static const struct argp_option options[] = {
	{ "all", OPT_ALL, NULL, 0, "of proc, sysfs, pipes and their like as well", 0 },
	{ "min", 'm', "MS", 0, "what takes MS milliseconds or more (10)", 0 },
	{ 0 }
};

static int parse_ms(const char *s, double *ms)
{
	char *end;

	if (!*s || strspn(s, "0123456789.") != strlen(s))
		return -1;
	*ms = strtod(s, &end);
	return *end || *ms > MAX_MS ? -1 : 0;
}

error_t fs_parse(int key, char *arg, struct argp_state *state, struct trace *t)
{
	struct fs_args *args = t->own;

	switch (key) {
	case OPT_ALL:
		args->every_type = true;
		return 0;
	case 'm':
		if (parse_ms(arg, &args->min_ms))
			argp_error(state, "-m: '%s' is not a number of milliseconds from 0 "
				   "to 1000000", arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/**
 * fs_sees_fsync - is there a function to watch for fsync(2)?
 *
 * It is static, so that a compiler may do without it; then it says so.
 */
bool fs_sees_fsync(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool seen = btf__find_by_name_kind(btf, "do_fsync", BTF_KIND_FUNC) > 0;

	btf__free(btf);
	if (!seen)
		msg("this kernel has no do_fsync(): fsync(2) is not among the operations");
	return seen;
}

static void print_line(struct trace *t, const struct fs_event *e)
{
	cleanup_free char *title = trace_title(t, e->id);
	cleanup_free char *comm = escape(e->comm);
	cleanup_free char *file = escape(e->file);
	const char *type = *e->type ? e->type : "-";

	if (!t->shown)
		printf("%-12s %-24s %-16s %-7s %-5s %-8s %12s %10s %12s %s\n", "TIME",
		       "CONTAINER", "COMM", "PID", "OP", "FS", "OFFSET", "BYTES",
		       "LATENCY_MS", "FILE");
	t->shown = true;
	printf("%-12.3f %-24s %-16s %-7u %-5s %-8s %12llu ", e->since / 1e9, title, comm,
	       e->pid, fs_kinds[e->kind], type, (unsigned long long)e->offset);
	if (e->ret < 0)
		printf("%10s", strerrorname_np(-e->ret) ? strerrorname_np(-e->ret) : "?");
	else
		printf("%10lld", (long long)e->ret);
	printf(" %12.3f %s\n", e->ns / 1e6, file);
}

static void print_json(struct trace *t, const struct fs_event *e)
{
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "since_usec", json_object_new_uint64(e->since / 1000));
	trace_title_json(t, e->id, obj);
	json_object_object_add(obj, "comm", out_string(e->comm));
	json_object_object_add(obj, "pid", json_object_new_int64(e->pid));
	json_object_object_add(obj, "operation", json_object_new_string(fs_kinds[e->kind]));
	json_object_object_add(obj, "filesystem", *e->type ? out_string(e->type) : NULL);
	json_object_object_add(obj, "offset", json_object_new_uint64(e->offset));
	json_object_object_add(obj, "bytes", json_object_new_int64(e->ret < 0 ? 0 : e->ret));
	json_object_object_add(obj, "error", json_object_new_int64(e->ret < 0 ? -e->ret : 0));
	json_object_object_add(obj, "usec", json_object_new_uint64(e->ns / 1000));
	json_object_object_add(obj, "file", out_string(e->file));
	out_json_line(obj);
}

static int event(struct trace *t, const void *data, size_t size)
{
	const struct fs_event *e = data;

	if (size < sizeof(*e) || e->kind >= FS_KINDS)
		return 0;
	if (t->opt.json)
		print_json(t, e);
	else
		print_line(t, e);
	fflush(stdout);
	return 0;
}

static void prepare(const struct trace *t, struct fsslower_bpf *skel)
{
	const struct fs_args *args = t->own;
	bool fsync = fs_sees_fsync();

	skel->rodata->config = t->config;
	skel->rodata->every_type = args->every_type;
	skel->rodata->min_ns = args->min_ms * 1e6;
	bpf_program__set_autoload(skel->progs.fsync_call, fsync);
	bpf_program__set_autoload(skel->progs.fsync_call_end, fsync);
}

static const struct trace_tool tool = {
	.doc = "Tell which operations on files take long, and whose they are, a line each, "
	       "until interrupted.\v"
	       "TIME is when it began, in seconds of CLOCK_MONOTONIC; BYTES is the name of "
	       "an error if it failed.",
	.what = "operations",
	.options = options,
	.parse = fs_parse,
	.event = event,
};

/** cmd_fsslower - cid fsslower */
int cmd_fsslower(int argc, char **argv)
{
	struct fs_args args = { .min_ms = MIN_MS };
	struct trace t = { .tool = &tool, .own = &args };
	int ret = trace_begin(&t, argc, argv);
	struct fsslower_bpf *skel;

	if (!ret) {
		skel = fsslower_bpf__open();
		if (skel)
			prepare(&t, skel);
		ret = trace_run(&t, skel ? skel->skeleton : NULL);
		fsslower_bpf__destroy(skel);
	}
	trace_end(&t);
	return ret;
}
