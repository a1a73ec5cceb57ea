// SPDX-License-Identifier: GPL-2.0
/* cid offcpu */

#include <sys/syscall.h>

#include "cid.h"
#include "trace.h"
#include "util.h"

#include "bpf/offcpu.h"
#include "offcpu.skel.h"

/* Linux 6.7; the same on all architectures */
#ifndef SYS_futex_wait
#define SYS_futex_wait 455
#endif

static struct trace_kind kinds[OFFCPU_KINDS] = {
	[OFFCPU_THROTTLED] = { .key = "throttled", .text = "throttled" },
	[OFFCPU_PREEMPTED] = { .key = "preempted", .text = "preempted", .by_other = true },
	[OFFCPU_RUNQUEUE] = { .key = "runqueue", .text = "woken, waiting for a CPU" },
	[OFFCPU_IO] = { .key = "io", .text = "waiting for I/O" },
	[OFFCPU_LOCK] = { .key = "lock", .text = "waiting for a lock" },
	[OFFCPU_SLEEP] = { .key = "sleep", .text = "sleeping" },
	[OFFCPU_STOPPED] = { .key = "stopped", .text = "stopped or frozen" },
	[OFFCPU_WAIT] = { .key = "wait", .text = "waiting for something else" },
};

static const struct offcpu_syscalls syscalls = {
	.futex = {
		SYS_futex, SYS_futex_waitv, SYS_futex_wait,
#ifdef SYS_futex_time64
		SYS_futex_time64,
#else
		-1,
#endif
	},
	.sleep = {
#ifdef SYS_nanosleep
		SYS_nanosleep,
#else
		-1,
#endif
		SYS_clock_nanosleep,
	},
};

static const struct trace_tool tool = {
	.doc = "Tell why the tasks of each container don't have a CPU, and for how long, "
	       "until interrupted.\v"
	       "A time off the CPU is counted when it ends. Of one in which the task could "
	       "run, the part in which a CPU limit held it back is \"throttled\"; "
	       "\"preempted\" tells by whom.",
	.what = "times",
	.kinds = kinds,
	.nr_kinds = ARRAY_SIZE(kinds),
};

static void prepare(const struct trace *t, struct offcpu_bpf *skel)
{
	bool throttling = t->kernel.throttling;

	skel->rodata->config = t->config;
	skel->rodata->syscalls = syscalls;
	bpf_program__set_autoload(skel->progs.throttle_task, throttling);
	bpf_program__set_autoload(skel->progs.unthrottle, throttling);
	kinds[OFFCPU_THROTTLED].unknown = !throttling;
	if (!throttling)
		msg("this kernel doesn't tell who is throttled: that is counted as "
		    "preempted, or as waiting for a CPU");
}

/** cmd_offcpu - cid offcpu */
int cmd_offcpu(int argc, char **argv)
{
	struct trace t = { .tool = &tool };
	int ret = trace_begin(&t, argc, argv);
	struct offcpu_bpf *skel;

	if (!ret) {
		skel = offcpu_bpf__open();
		if (skel)
			prepare(&t, skel);
		ret = trace_run(&t, skel ? skel->skeleton : NULL);
		offcpu_bpf__destroy(skel);
	}
	trace_end(&t);
	return ret;
}
