// SPDX-License-Identifier: GPL-2.0
/*
 * The life of containers. What is rare goes through a ring buffer, one by one; what a
 * container can make happen as often as it likes is counted.
 */

#include "cgroups.bpf.h"
#include "events.h"

#define CLONE_NEWMETRICS	0x40
#define RING			(1 << 20)

const volatile bool every_write;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING);
} events SEC(".maps");

/* It is cleared: what isn't told must not be what was there before. */
static __always_inline struct life_event *begin(__u64 id, enum event_kind kind)
{
	struct life_event *e;

	trace_note_label(id);
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		trace_lose();
		return NULL;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->at = bpf_ktime_get_ns();
	e->id = id;
	e->kind = kind;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	return e;
}

/* A metrics namespace, which may be counted as the outermost one */
static __always_inline const struct metrics_namespace *metrics_of(const struct ns_common *ns)
{
	return (void *)ns - bpf_core_field_offset(struct metrics_namespace, ns);
}

static __always_inline __u64 id_of(const struct metrics_namespace *ns)
{
	return config.by_top ? BPF_CORE_READ(ns, top_id) : BPF_CORE_READ(ns, ns.ns_id);
}

static __always_inline int tell_of_ns(const struct metrics_namespace *ns, enum event_kind kind)
{
	__u64 id = id_of(ns);
	struct life_event *e;

	if (!trace_wanted(id))
		return 0;
	e = begin(id, kind);
	if (!e)
		return 0;
	e->ns = BPF_CORE_READ(ns, ns.ns_id);
	if (kind == EVENT_CREATED)
		e->other = BPF_CORE_READ(ns, parent, ns.ns_id);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp_btf/metrics_ns_create")
int BPF_PROG(created, const struct metrics_namespace *ns)
{
	return tell_of_ns(ns, EVENT_CREATED);
}

SEC("tp_btf/namespace_inactive")
int BPF_PROG(inactive, const struct ns_common *ns)
{
	return ns->ns_type == CLONE_NEWMETRICS ? tell_of_ns(metrics_of(ns), EVENT_INACTIVE) : 0;
}

SEC("tp_btf/namespace_free")
int BPF_PROG(gone, const struct ns_common *ns)
{
	return ns->ns_type == CLONE_NEWMETRICS ? tell_of_ns(metrics_of(ns), EVENT_GONE) : 0;
}

SEC("tp_btf/metrics_ns_set")
int BPF_PROG(set, const struct metrics_namespace *ns, __u32 mask, __u64 cgroup_id)
{
	__u64 id = id_of(ns);
	struct life_event *e;

	if (!trace_wanted(id))
		return 0;
	e = begin(id, EVENT_SET);
	if (!e)
		return 0;
	e->mask = mask;
	e->flags = ns->flags;
	e->other = cgroup_id;
	e->ns = ns->ns.ns_id;
	bpf_probe_read_kernel(e->value, sizeof(ns->label), ns->label);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* By its ID, as --top may count it as another one, which a task in it tells. */
SEC("tp_btf/namespace_switch")
int BPF_PROG(joined, struct task_struct *tsk, __u32 type, __u64 old_id, __u64 new_id)
{
	struct life_event *e;
	__u64 id;

	if (type != CLONE_NEWMETRICS)
		return 0;
	id = trace_container(tsk);
	if (!trace_wanted(id))
		return 0;
	e = begin(id, EVENT_JOINED);
	if (!e)
		return 0;
	e->ns = new_id;
	e->other = old_id;
	e->pid = tsk->tgid;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp_btf/cgroup_notify_frozen")
int BPF_PROG(frozen, struct cgroup *cgrp, const char *path, int val)
{
	__u64 cgroup_id = cgroup_id_of(cgrp);
	__u64 id = container_of_cgroup(cgroup_id);
	struct life_event *e;

	if (!trace_wanted(id))
		return 0;
	e = begin(id, val ? EVENT_FROZEN : EVENT_THAWED);
	if (!e)
		return 0;
	e->other = cgroup_id;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* Those that a runtime writes all the time, or that aren't limits */
static __always_inline bool is_of_interest(const char *file)
{
	char name[12] = {};

	if (every_write)
		return true;
	bpf_probe_read_kernel_str(name, sizeof(name), file);
	return __builtin_memcmp(name, "cgroup.", 7) ||
	       !__builtin_memcmp(name + 7, "max.", 4) || !__builtin_memcmp(name + 7, "kill", 4);
}

/*
 * Of all cgroups: it may be one above a container's, which is not known here. Those of
 * version 1 have IDs of their own.
 */
SEC("tp_btf/cgroup_file_write")
int BPF_PROG(written, int root, __u64 cgroup_id, const char *file, const char *value, __s64 ret)
{
	struct life_event *e;

	if (root || !is_of_interest(file))
		return 0;
	e = begin(container_of_cgroup(cgroup_id), EVENT_WRITTEN);
	if (!e)
		return 0;
	e->other = cgroup_id;
	e->ret = ret;
	bpf_probe_read_kernel_str(e->file, sizeof(e->file), file);
	bpf_probe_read_kernel_str(e->value, sizeof(e->value), value);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

static __always_inline struct trace_entry *sum_of(__u64 id, enum event_sum kind, __u32 sub,
						  __u64 other)
{
	struct trace_key key = { .id = id, .kind = kind, .sub = sub, .other = other };

	return trace_wanted(id) ? trace_entry(&key) : NULL;
}

static __always_inline void count(__u64 id, enum event_sum kind, __u32 sub, __u64 other)
{
	struct trace_entry *e = sum_of(id, kind, sub, other);

	if (e)
		trace_slot_add(e, 0);
}

/* Whose: that of the cgroup or, where the limit is one of above, of who runs into it */
static __always_inline __u64 container_at_limit(__u64 cgroup_id)
{
	__u64 id = container_of_cgroup(cgroup_id);

	return id ? id : trace_current();
}

static __always_inline bool is_limit_of_current(enum memcg_memory_event event)
{
	return event == bpf_core_enum_value(enum memcg_memory_event, MEMCG_HIGH) ||
	       event == bpf_core_enum_value(enum memcg_memory_event, MEMCG_MAX) ||
	       event == bpf_core_enum_value(enum memcg_memory_event, MEMCG_OOM);
}

/* The others happen to a cgroup, whoever runs. */
SEC("tp_btf/memcg_event")
int BPF_PROG(memory, struct mem_cgroup *memcg, enum memcg_memory_event event)
{
	__u64 cgroup_id = cgroup_id_of(BPF_CORE_READ(memcg, css.cgroup));

	count(is_limit_of_current(event) ? container_at_limit(cgroup_id) :
	      container_of_cgroup(cgroup_id), SUM_MEMORY, event, cgroup_id);
	return 0;
}

SEC("tp_btf/mark_victim")
int BPF_PROG(oom_kill, struct task_struct *task, __u32 uid, __u64 memcg_id)
{
	__u64 id = trace_container(task);
	struct life_event *e;

	if (!trace_wanted(id))
		return 0;
	e = begin(id, EVENT_OOM_KILL);
	if (!e)
		return 0;
	e->other = memcg_id;
	e->pid = task->tgid;
	e->uid = uid;
	bpf_probe_read_kernel_str(e->comm, sizeof(e->comm), task->comm);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* What the trace event makes of the program's argument, which is in jiffies */
struct trace_event_raw_memcg_high_throttle {
	__u64 memcg_id;
	__u64 penalty_us;
} __attribute__((preserve_access_index));

SEC("tp/memcg/memcg_high_throttle")
int slowed(struct trace_event_raw_memcg_high_throttle *args)
{
	__u64 cgroup_id = args->memcg_id;
	struct trace_entry *e = sum_of(container_at_limit(cgroup_id), SUM_SLOWED, 0, cgroup_id);

	if (e)
		trace_add(e, args->penalty_us * 1000);
	return 0;
}

/* An LRU list doesn't point to its cgroup. */
static __always_inline __u64 cgroup_of_lruvec(struct lruvec *lruvec)
{
	struct mem_cgroup_per_node *pn = (void *)lruvec -
		bpf_core_field_offset(struct mem_cgroup_per_node, lruvec);

	return cgroup_id_of(BPF_CORE_READ(pn, memcg, css.cgroup));
}

/* Only what others take: what a container's own limit takes is told by its events. */
SEC("tp_btf/memcg_reclaim")
int BPF_PROG(taken, struct mem_cgroup *target, struct lruvec *lruvec, unsigned long nr_scanned,
	     unsigned long nr_reclaimed, int priority, bool file)
{
	__u64 id = container_of_cgroup(cgroup_of_lruvec(lruvec)), target_id = 0;
	struct trace_entry *e;

	if (!id || !nr_reclaimed)
		return 0;
	if (target)
		target_id = cgroup_id_of(BPF_CORE_READ(target, css.cgroup));
	if (container_of_cgroup(target_id) == id)
		return 0;
	e = sum_of(id, SUM_TAKEN, 0, target_id);
	if (!e)
		return 0;
	trace_slot_add(e, 0);
	__sync_fetch_and_add(&e->bytes, nr_reclaimed);
	return 0;
}

SEC("tp_btf/pids_max")
int BPF_PROG(pids_max, struct cgroup *cgrp, struct cgroup *limit_cgrp)
{
	__u64 limit_id = cgroup_id_of(limit_cgrp), id = trace_current();

	/* A runtime begins processes from outside. */
	count(id ? id : container_of_cgroup(limit_id), SUM_PIDS, 0, limit_id);
	return 0;
}

SEC("tp_btf/namespace_denied")
int BPF_PROG(denied, __u32 type, __u64 ns_id, enum ns_denial reason, int ret)
{
	count(trace_current(), SUM_DENIED, reason, DENIED_OTHER(type, ret));
	return 0;
}

SEC("tp_btf/cap_capable")
int BPF_PROG(incapable, const struct cred *cred, struct user_namespace *target_ns,
	     const struct user_namespace *capable_ns, int cap, int ret)
{
	if (ret)
		count(trace_current(), SUM_CAPABILITY, cap, 0);
	return 0;
}

#define MAX_DEPTH	16	/* of cgroups, as far as a throttled one is looked for */

struct group_on_cpu {
	__u64 cgroup_id;
	__u64 cpu;
};

/* Cgroups that are throttled */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TRACE_CGROUPS);
	__type(key, struct group_on_cpu);
	__type(value, __u8);
} limited SEC(".maps");

SEC("tp_btf/sched_cfs_throttle_tp")
int BPF_PROG(throttle, __u64 cgroup_id, int cpu)
{
	struct group_on_cpu key = { .cgroup_id = cgroup_id, .cpu = cpu };
	__u8 one = 1;

	bpf_map_update_elem(&limited, &key, &one, BPF_ANY);
	return 0;
}

/* Whose limit it is: the nearest one, or the task's own if it began before */
static __always_inline __u64 limiting_cgroup(struct task_struct *p, __u64 own, int cpu)
{
	struct task_group *tg = BPF_CORE_READ(p, sched_task_group);

	for (int i = 0; i < MAX_DEPTH && tg; i++) {
		struct group_on_cpu key = {
			.cgroup_id = BPF_CORE_READ(tg, css.cgroup, kn, id),
			.cpu = cpu,
		};

		if (bpf_map_lookup_elem(&limited, &key))
			return key.cgroup_id;
		tg = BPF_CORE_READ(tg, parent);
	}
	return own;
}

/* Each task that stops */
SEC("tp_btf/sched_cfs_throttle_task_tp")
int BPF_PROG(throttled, struct task_struct *p, __u64 cgroup_id, int cpu)
{
	count(trace_container(p), SUM_THROTTLED, 0, limiting_cgroup(p, cgroup_id, cpu));
	return 0;
}

/* For how long a container's own cgroup was; one above may have tasks of several. */
SEC("tp_btf/sched_cfs_unthrottle_tp")
int BPF_PROG(unthrottled, __u64 cgroup_id, int cpu, __u64 ns)
{
	struct group_on_cpu key = { .cgroup_id = cgroup_id, .cpu = cpu };
	__u64 id = container_of_cgroup(cgroup_id);
	struct trace_entry *e = id ? sum_of(id, SUM_THROTTLED, 0, cgroup_id) : NULL;

	if (e)
		__sync_fetch_and_add(&e->sum, ns);
	bpf_map_delete_elem(&limited, &key);
	return 0;
}
