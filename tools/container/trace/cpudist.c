// SPDX-License-Identifier: GPL-2.0
/* cid cpudist */

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "cid.h"
#include "trace.h"
#include "util.h"

#include "bpf/cpudist.h"
#include "cpudist.skel.h"

static struct trace_kind kinds[CPUDIST_KINDS] = {
	[CPUDIST_ON_CPU] = { .key = "on_cpu", .text = "on a CPU" },
};

/* The program runs on each CPU, in the middle of the task that has it. */
static int settle(struct trace *t)
{
	const struct cpudist_bpf *skel = t->own;
	int nr = libbpf_num_possible_cpus();

	for (int cpu = 0; cpu < nr; cpu++) {
		struct bpf_test_run_opts opts = {
			.sz = sizeof(opts),
			.flags = BPF_F_TEST_RUN_ON_CPU,
			.cpu = cpu,
		};
		int ret = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.settle), &opts);

		/* Nothing runs on one that is offline. */
		if (ret && ret != -ENXIO) {
			msg("cannot look at CPU %d: %s", cpu, strerror(-ret));
			return ret;
		}
	}
	return 0;
}

static const struct trace_tool tool = {
	.doc = "Tell how long the tasks of each container have a CPU, each time, until "
	       "interrupted.\v"
	       "The sum is the CPU time that they have used. A task that still has a CPU at "
	       "the end is in the sum, and not in the histogram.",
	.what = "times",
	.kinds = kinds,
	.nr_kinds = ARRAY_SIZE(kinds),
	.settle = settle,
};

/** cmd_cpudist - cid cpudist */
int cmd_cpudist(int argc, char **argv)
{
	struct trace t = { .tool = &tool };
	int ret = trace_begin(&t, argc, argv);
	struct cpudist_bpf *skel;

	if (!ret) {
		skel = cpudist_bpf__open();
		if (skel)
			skel->rodata->config = t.config;
		t.own = skel;
		ret = trace_run(&t, skel ? skel->skeleton : NULL);
		cpudist_bpf__destroy(skel);
	}
	trace_end(&t);
	return ret;
}
