// SPDX-License-Identifier: GPL-2.0
/*
 * How long tasks that could run don't: from when one is woken, or loses its CPU, until
 * it has one. A part of that is throttling: the task stops at its cgroup's limit, or
 * that of a cgroup above it, until quota is there again on that CPU; what follows is
 * waiting like any other.
 */

#include "trace.bpf.h"

#include "runqlat.h"

#define TASK_RUNNING	0
#define MAX_DEPTH	16	/* of cgroups, as far as a throttled one is looked for */
#define MAX_CPU_GROUPS	16384

struct waiting {
	__u64 since;		/* it could run; 0: not waiting */
	__u64 throttled;	/* since when, if it is, and where */
	__u32 cpu;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct waiting);
} tasks SEC(".maps");

struct group_on_cpu {
	__u64 cgroup_id;
	__u64 cpu;
};

/* When a cgroup had quota again on a CPU, the last time */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_CPU_GROUPS);
	__type(key, struct group_on_cpu);
	__type(value, __u64);
} unthrottled SEC(".maps");

static __always_inline void could_run(struct task_struct *p)
{
	struct waiting *w = bpf_task_storage_get(&tasks, p, NULL,
						 BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!w) {
		trace_lose();
		return;
	}
	w->since = bpf_ktime_get_ns();
}

/* When the task had quota again: the last of the cgroups it is in; 0: not known */
static __always_inline __u64 end_of_throttling(struct task_struct *p, __u32 cpu)
{
	struct task_group *tg = BPF_CORE_READ(p, sched_task_group);
	__u64 end = 0;

	for (int i = 0; i < MAX_DEPTH && tg; i++) {
		struct group_on_cpu key = {
			.cgroup_id = BPF_CORE_READ(tg, css.cgroup, kn, id),
			.cpu = cpu,
		};
		__u64 *at = bpf_map_lookup_elem(&unthrottled, &key);

		if (at && *at > end)
			end = *at;
		tg = BPF_CORE_READ(tg, parent);
	}
	return end;
}

static __always_inline __u64 throttled_part(struct task_struct *p,
					    const struct waiting *w, __u64 now)
{
	__u64 end;

	if (!w->throttled)
		return 0;
	end = end_of_throttling(p, w->cpu);
	if (end < w->throttled || end > now)
		end = now;
	return end - w->throttled;
}

static __always_inline void runs(struct task_struct *p)
{
	struct waiting *w = bpf_task_storage_get(&tasks, p, NULL, 0);
	__u64 now = bpf_ktime_get_ns(), wait, throttled;
	__u64 id;

	if (!w || !w->since)
		return;
	wait = now - w->since;
	throttled = throttled_part(p, w, now);
	w->since = 0;
	w->throttled = 0;
	id = trace_container(p);
	if (!trace_wanted(id))
		return;
	if (throttled)
		trace_time(id, RUNQLAT_THROTTLED, throttled);
	trace_time(id, RUNQLAT_WAITING, wait > throttled ? wait - throttled : 0);
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(wakeup, struct task_struct *p)
{
	could_run(p);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(wakeup_new, struct task_struct *p)
{
	could_run(p);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev,
	     struct task_struct *next, unsigned int prev_state)
{
	/* Who is preempted could run, though it was about to sleep. */
	if (prev->pid && (preempt || prev_state == TASK_RUNNING))
		could_run(prev);
	if (next->pid)
		runs(next);
	return 0;
}

SEC("tp_btf/sched_cfs_throttle_task_tp")
int BPF_PROG(throttle_task, struct task_struct *p, __u64 cgroup_id, int cpu)
{
	struct waiting *w = bpf_task_storage_get(&tasks, p, NULL,
						 BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!w) {
		trace_lose();
		return 0;
	}
	w->throttled = bpf_ktime_get_ns();
	w->cpu = cpu;
	return 0;
}

SEC("tp_btf/sched_cfs_unthrottle_tp")
int BPF_PROG(unthrottle, __u64 cgroup_id, int cpu, __u64 throttled)
{
	struct group_on_cpu key = { .cgroup_id = cgroup_id, .cpu = cpu };
	__u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&unthrottled, &key, &now, BPF_ANY);
	return 0;
}
