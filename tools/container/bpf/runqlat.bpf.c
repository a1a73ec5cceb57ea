// SPDX-License-Identifier: GPL-2.0
/*
 * How long tasks that could run don't: from when one is woken, or loses its CPU, until
 * it has one. A part of that is throttling: the task stops at its cgroup's limit, or
 * that of a cgroup above it, until quota is there again on that CPU; what follows is
 * waiting like any other.
 */

#include "kernel.h"

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "runqlat.h"

#define TASK_RUNNING	0
#define PID_NS_INIT_INO	0xeffffffcU
#define MAX_DEPTH	16	/* of cgroups, as far as a throttled one is looked for */
#define MAX_CPU_GROUPS	16384

char _license[] SEC("license") = "GPL";

__u64 bpf_task_container_id(struct task_struct *task) __ksym __weak;
__u64 bpf_task_container_top_id(struct task_struct *task) __ksym __weak;
int bpf_container_label(__u64 id, char *buf, __u32 buf__sz) __ksym __weak;

const volatile bool have_ids = true;	/* else by PID namespace, as it is walked to */
const volatile bool by_top = false;
const volatile bool all = true;		/* no filter */
const volatile bool hosts_too = false;	/* who is in no container as well */

__u64 lost;	/* for want of memory */

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

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, RUNQLAT_CONTAINERS);
	__type(key, __u64);
	__type(value, struct runqlat_entry);
} entries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RUNQLAT_FILTERS);
	__type(key, __u64);
	__type(value, __u8);
} filter SEC(".maps");

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

static struct runqlat_entry empty;

static __always_inline __u64 group_of(struct task_struct *p)
{
	if (!have_ids) {
		__u32 inum = BPF_CORE_READ(p, nsproxy, pid_ns_for_children, ns.inum);

		return inum == PID_NS_INIT_INO ? 0 : inum;
	}
	return by_top ? bpf_task_container_top_id(p) : bpf_task_container_id(p);
}

static __always_inline bool is_wanted(__u64 id)
{
	if (!id)
		return hosts_too;
	return all || bpf_map_lookup_elem(&filter, &id);
}

static __always_inline struct runqlat_entry *entry_of(__u64 id)
{
	struct runqlat_entry *e = bpf_map_lookup_elem(&entries, &id);

	if (!e) {
		bpf_map_update_elem(&entries, &id, &empty, BPF_NOEXIST);
		e = bpf_map_lookup_elem(&entries, &id);
	}
	/*
	 * While the container is there: whoever shows it may come too late. It gets
	 * its label when its first process has run for a while.
	 */
	if (e && id && have_ids && !e->label[0])
		bpf_container_label(id, e->label, sizeof(e->label));
	return e;
}

static __always_inline __u32 slot_of(__u64 ns)
{
	__u64 us = ns / 1000;
	__u32 slot = 0;

	for (int i = 0; i < RUNQLAT_SLOTS - 1; i++) {
		if (us < 2)
			break;
		us >>= 1;
		slot++;
	}
	return slot;
}

static __always_inline void add(struct runqlat_hist *h, __u64 ns)
{
	__u32 slot = slot_of(ns);

	if (slot < RUNQLAT_SLOTS)
		__sync_fetch_and_add(&h->slots[slot], 1);
	__sync_fetch_and_add(&h->count, 1);
	__sync_fetch_and_add(&h->sum, ns);
}

static __always_inline void could_run(struct task_struct *p)
{
	struct waiting *w = bpf_task_storage_get(&tasks, p, NULL,
						 BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!w) {
		__sync_fetch_and_add(&lost, 1);
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
	struct runqlat_entry *e;
	__u64 id;

	if (!w || !w->since)
		return;
	wait = now - w->since;
	throttled = throttled_part(p, w, now);
	w->since = 0;
	w->throttled = 0;
	id = group_of(p);
	if (!is_wanted(id))
		return;
	e = entry_of(id);
	if (!e) {
		__sync_fetch_and_add(&lost, 1);
		return;
	}
	if (throttled)
		add(&e->hists[RUNQLAT_THROTTLED], throttled);
	add(&e->hists[RUNQLAT_WAITING], wait > throttled ? wait - throttled : 0);
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
		__sync_fetch_and_add(&lost, 1);
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
