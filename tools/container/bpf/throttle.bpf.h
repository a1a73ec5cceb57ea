/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What of the time off a CPU a task was throttled: it stops at its cgroup's limit, or that
 * of a cgroup above it, until quota is there again on that CPU; what follows is waiting
 * like any other.
 */
#ifndef CID_THROTTLE_BPF_H
#define CID_THROTTLE_BPF_H

#include "trace.bpf.h"

#define MAX_DEPTH	16	/* of cgroups, as far as a throttled one is looked for */
#define MAX_CPU_GROUPS	16384

struct throttling {
	__u64 since;	/* 0: it isn't */
	__u32 cpu;
};

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

/* When it leaves its CPU: it may have quota again by now, and then isn't stopped by that. */
static __always_inline void still_throttled(struct task_struct *p, struct throttling *t)
{
	if (t->since && end_of_throttling(p, t->cpu) >= t->since)
		t->since = 0;
}

/*
 * How long it was of the time from @from until @now; the next time it isn't.
 */
static __always_inline __u64 throttled_part(struct task_struct *p, struct throttling *t,
					    __u64 from, __u64 now)
{
	__u64 since = t->since, end;

	if (!since)
		return 0;
	t->since = 0;
	end = end_of_throttling(p, t->cpu);
	if (end < since || end > now)
		end = now;
	if (since < from)
		since = from;
	return end > since ? end - since : 0;
}

SEC("tp_btf/sched_cfs_unthrottle_tp")
int BPF_PROG(unthrottle, __u64 cgroup_id, int cpu, __u64 throttled)
{
	struct group_on_cpu key = { .cgroup_id = cgroup_id, .cpu = cpu };
	__u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&unthrottled, &key, &now, BPF_ANY);
	return 0;
}

#endif
