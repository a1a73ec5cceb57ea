// SPDX-License-Identifier: GPL-2.0
/* cid runqlat */

#include "cid.h"
#include "trace.h"
#include "util.h"

#include "bpf/runqlat.h"
#include "runqlat.skel.h"

static struct trace_kind kinds[RUNQLAT_KINDS] = {
	[RUNQLAT_WAITING] = { .key = "waiting", .text = "waiting for a CPU" },
	[RUNQLAT_THROTTLED] = { .key = "throttled", .text = "throttled" },
};

static const struct trace_tool tool = {
	.doc = "Tell how long the tasks of each container wait for a CPU, until "
	       "interrupted.\v"
	       "Waiting is from when a task could run until it does, and then of that "
	       "the time in which its CPU limit held it back is counted apart, as "
	       "throttled.",
	.what = "waits",
	.falls_back = true,
	.kinds = kinds,
	.nr_kinds = ARRAY_SIZE(kinds),
};

static void prepare(const struct trace *t, struct runqlat_bpf *skel)
{
	bool throttling = t->kernel.throttling;

	skel->rodata->config = t->config;
	bpf_program__set_autoload(skel->progs.throttle_task, throttling);
	bpf_program__set_autoload(skel->progs.unthrottle, throttling);
	kinds[RUNQLAT_THROTTLED].unknown = !throttling;
	if (!throttling)
		msg("this kernel doesn't tell who is throttled: that is counted as "
		    "waiting for a CPU");
}

/** cmd_runqlat - cid runqlat */
int cmd_runqlat(int argc, char **argv)
{
	struct trace t = { .tool = &tool };
	int ret = trace_begin(&t, argc, argv);
	struct runqlat_bpf *skel;

	if (!ret) {
		skel = runqlat_bpf__open();
		if (skel)
			prepare(&t, skel);
		ret = trace_run(&t, skel ? skel->skeleton : NULL);
		runqlat_bpf__destroy(skel);
	}
	trace_end(&t);
	return ret;
}
