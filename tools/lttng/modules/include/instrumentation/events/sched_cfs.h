// SPDX-License-Identifier: GPL-2.0-only

#undef TRACE_SYSTEM
#define TRACE_SYSTEM sched_cfs

#if !defined(LTTNG_TRACE_SCHED_CFS_H) || defined(TRACE_HEADER_MULTI_READ)
#define LTTNG_TRACE_SCHED_CFS_H

#include <lttng/tracepoint-event.h>
#include <linux/sched.h>

/*
 * The kernel has no trace events of these, only tracepoints: DECLARE_TRACE()
 * appends _tp to their names. All are called with the lock of the CPU's run queue
 * held; cpu is that CPU, and not always the one that records.
 */

/**
 * sched_cfs_throttle - called when a cgroup has used up its quota on a CPU
 * @cgroup_id: ID of the cgroup, which is the one with the limit
 * @cpu: the CPU
 * @runtime_remaining: what it has left there, in nanoseconds: 0, or less by what it
 *	has overrun
 * @quota: its cpu.max per period, in nanoseconds
 * @period: the period, in nanoseconds
 */
LTTNG_TRACEPOINT_EVENT_MAP(sched_cfs_throttle_tp,

	sched_cfs_throttle,

	TP_PROTO(u64 cgroup_id, int cpu, s64 runtime_remaining, u64 quota,
		 u64 period),

	TP_ARGS(cgroup_id, cpu, runtime_remaining, quota, period),

	TP_FIELDS(
		ctf_integer(u64, cgroup_id, cgroup_id)
		ctf_integer(int, cpu, cpu)
		ctf_integer(s64, runtime_remaining, runtime_remaining)
		ctf_integer(u64, quota, quota)
		ctf_integer(u64, period, period)
	)
)

/**
 * sched_cfs_unthrottle - called when a cgroup has quota on a CPU again
 * @cgroup_id: ID of the cgroup
 * @cpu: the CPU
 * @throttled: what its throttled_usec grows by, in nanoseconds: the time since the
 *	first task stopped, 0 if none has
 *
 * A cgroup that is removed while throttled has none.
 */
LTTNG_TRACEPOINT_EVENT_MAP(sched_cfs_unthrottle_tp,

	sched_cfs_unthrottle,

	TP_PROTO(u64 cgroup_id, int cpu, u64 throttled),

	TP_ARGS(cgroup_id, cpu, throttled),

	TP_FIELDS(
		ctf_integer(u64, cgroup_id, cgroup_id)
		ctf_integer(int, cpu, cpu)
		ctf_integer(u64, throttled, throttled)
	)
)

/**
 * sched_cfs_throttle_task - called when a task of a throttled cgroup stops
 * @p: the task, on its way to user space
 * @cgroup_id: ID of the cgroup of its CPU controller, which is the throttled one or
 *	below it
 * @cpu: the CPU
 */
LTTNG_TRACEPOINT_EVENT_MAP(sched_cfs_throttle_task_tp,

	sched_cfs_throttle_task,

	TP_PROTO(struct task_struct *p, u64 cgroup_id, int cpu),

	TP_ARGS(p, cgroup_id, cpu),

	TP_FIELDS(
		ctf_array_text(char, comm, p->comm, TASK_COMM_LEN)
		ctf_integer(pid_t, tid, p->pid)
		ctf_integer(u64, cgroup_id, cgroup_id)
		ctf_integer(int, cpu, cpu)
	)
)

#endif /* LTTNG_TRACE_SCHED_CFS_H */

/* This part must be outside protection */
#include <lttng/define_trace.h>
