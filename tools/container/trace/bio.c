// SPDX-License-Identifier: GPL-2.0
/* cid bio */

#include "cid.h"
#include "trace.h"
#include "util.h"

#include "bpf/bio.h"
#include "bio.skel.h"

static struct trace_kind kinds[BIO_KINDS] = {
	[BIO_READ] = { .key = "read", .text = "reads" },
	[BIO_WRITE] = { .key = "write", .text = "writes" },
	[BIO_OTHER] = { .key = "other", .text = "flushes and others" },
};

static const struct argp_option options[] = {
	{ "queued", 'Q', NULL, 0, "with the time before it is given to the device", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state, struct trace *t)
{
	bool *queued = t->own;

	(void)arg;
	(void)state;
	if (key != 'Q')
		return ARGP_ERR_UNKNOWN;
	*queued = true;
	return 0;
}

static const struct trace_tool tool = {
	.doc = "Tell how long disks take with the requests of each container, until "
	       "interrupted.\v"
	       "What is written back later is the container's as well, if its cgroup has "
	       "the io and the memory controller.",
	.what = "requests",
	.options = options,
	.parse = parse,
	.bytes = true,
	.errors = true,
	.kinds = kinds,
	.nr_kinds = ARRAY_SIZE(kinds),
};

/** cmd_bio - cid bio */
int cmd_bio(int argc, char **argv)
{
	bool queued = false;
	struct trace t = { .tool = &tool, .own = &queued };
	int ret = trace_begin(&t, argc, argv);
	struct bio_bpf *skel;

	if (!ret) {
		skel = bio_bpf__open();
		if (skel) {
			skel->rodata->config = t.config;
			skel->rodata->queued = queued;
		}
		ret = trace_run(&t, skel ? skel->skeleton : NULL);
		bio_bpf__destroy(skel);
	}
	trace_end(&t);
	return ret;
}
