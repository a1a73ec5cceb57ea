// SPDX-License-Identifier: GPL-2.0
/*
 * How long tasks that could run don't: from when one is woken, or loses its CPU, until
 * it has one. A part of that is throttling.
 */

#include "throttle.bpf.h"

#include "runqlat.h"

#define TASK_RUNNING	0
#define TASK_DEAD	0x80

struct waiting {
	__u64 since;		/* it could run; 0: not waiting */
	struct throttling throttling;
};

TRACE_TASKS_OF(struct waiting) tasks SEC(".maps");

static const struct waiting nothing;

static __always_inline void loses_cpu(struct task_struct *p)
{
	struct waiting *w = trace_task_begin(&tasks, p, &nothing);

	if (!w)
		return;
	w->since = bpf_ktime_get_ns();
	still_throttled(p, &w->throttling);
}

static __always_inline void runs(struct task_struct *p)
{
	struct waiting *w = trace_task(&tasks, p);
	__u64 now = bpf_ktime_get_ns(), id, wait, throttled;

	if (!w || !w->since)
		return;
	wait = now - w->since;
	throttled = throttled_part(p, &w->throttling, w->since, now);
	w->since = 0;
	id = trace_container(p);
	if (!trace_wanted(id))
		return;
	if (throttled)
		trace_time(id, RUNQLAT_THROTTLED, throttled);
	/* It may have its CPU as soon as it has quota. */
	if (!throttled || wait > throttled)
		trace_time(id, RUNQLAT_WAITING, wait - throttled);
}

/* Who sleeps isn't throttled: a task is when it returns to user space. */
static __always_inline void woken(struct task_struct *p)
{
	struct waiting *w = trace_task_begin(&tasks, p, &nothing);

	if (w) {
		w->since = bpf_ktime_get_ns();
		w->throttling.since = 0;
	}
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(wakeup, struct task_struct *p)
{
	woken(p);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(wakeup_new, struct task_struct *p)
{
	woken(p);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev,
	     struct task_struct *next, unsigned int prev_state)
{
	/* Who is preempted could run, though it was about to sleep. */
	if (prev->pid && (preempt || prev_state == TASK_RUNNING))
		loses_cpu(prev);
	else if (prev_state & TASK_DEAD)
		trace_task_gone(&tasks, prev);
	if (next->pid)
		runs(next);
	return 0;
}

TRACE_FORGET_OLD_PIDS(tasks)

SEC("tp_btf/sched_cfs_throttle_task_tp")
int BPF_PROG(throttle_task, struct task_struct *p, __u64 cgroup_id, int cpu)
{
	struct waiting *w = trace_task_begin(&tasks, p, &nothing);

	if (w) {
		w->throttling.since = bpf_ktime_get_ns();
		w->throttling.cpu = cpu;
	}
	return 0;
}
