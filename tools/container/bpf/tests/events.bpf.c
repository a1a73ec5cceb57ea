// SPDX-License-Identifier: GPL-2.0
/*
 * A program for each event, which reads its arguments: typed ones (tp_btf), so
 * that the verifier lets a program follow them, as BTF says what they point to.
 */
#include "../kernel.h"

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "events.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} ring SEC(".maps");

/* Events that found the ring full */
__u64 lost;

static __always_inline struct event *begin(enum event_kind kind)
{
	struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (!e) {
		__sync_fetch_and_add(&lost, 1);
		return NULL;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	return e;
}

/* An event whose arguments, or their IDs, are all that there is to tell */
#define TELL(kind, ...)							\
({									\
	__u64 args[] = { __VA_ARGS__ };					\
	struct event *e = begin(kind);					\
									\
	if (e) {							\
		__builtin_memcpy(e->arg, args, sizeof(args));		\
		bpf_ringbuf_submit(e, 0);				\
	}								\
	0;								\
})

static __always_inline __u64 cgrp_id(const struct cgroup *cgrp)
{
	return cgrp->kn->id;
}

static __always_inline __u64 memcg_id(const struct mem_cgroup *memcg)
{
	return cgrp_id(memcg->css.cgroup);
}

SEC("tp_btf/namespace_create")
int BPF_PROG(namespace_create, const struct ns_common *ns)
{
	return TELL(NAMESPACE_CREATE, ns->ns_id, ns->ns_type, ns->inum);
}

/* Without types: what an argument points to has to be read by a helper. */
SEC("raw_tp/namespace_create")
int namespace_create_raw(struct bpf_raw_tracepoint_args *ctx)
{
	const struct ns_common *ns = (void *)ctx->args[0];

	return TELL(NAMESPACE_CREATE_RAW, BPF_CORE_READ(ns, ns_id),
		    BPF_CORE_READ(ns, ns_type), BPF_CORE_READ(ns, inum));
}

SEC("tp_btf/namespace_free")
int BPF_PROG(namespace_free, const struct ns_common *ns)
{
	return TELL(NAMESPACE_FREE, ns->ns_id, ns->ns_type);
}

SEC("tp_btf/namespace_active")
int BPF_PROG(namespace_active, const struct ns_common *ns)
{
	return TELL(NAMESPACE_ACTIVE, ns->ns_id, ns->ns_type);
}

SEC("tp_btf/namespace_inactive")
int BPF_PROG(namespace_inactive, const struct ns_common *ns)
{
	return TELL(NAMESPACE_INACTIVE, ns->ns_id, ns->ns_type);
}

SEC("tp_btf/namespace_switch")
int BPF_PROG(namespace_switch, const struct task_struct *tsk, __u32 type,
	     __u64 old_id, __u64 new_id)
{
	return TELL(NAMESPACE_SWITCH, tsk->pid, tsk->tgid, type, old_id,
		    new_id);
}

SEC("tp_btf/namespace_install")
int BPF_PROG(namespace_install, const struct ns_common *ns, int ret)
{
	return TELL(NAMESPACE_INSTALL, ns->ns_id, ns->ns_type, ret);
}

SEC("tp_btf/namespace_denied")
int BPF_PROG(namespace_denied, __u32 type, __u64 ns_id, enum ns_denial reason,
	     int ret)
{
	bool install = reason == bpf_core_enum_value(enum ns_denial,
						     NS_DENIED_INSTALL);

	return TELL(NAMESPACE_DENIED, type, ns_id, install, ret);
}

SEC("tp_btf/metrics_ns_create")
int BPF_PROG(metrics_ns_create, const struct metrics_namespace *ns)
{
	return TELL(METRICS_NS_CREATE, ns->ns.ns_id, ns->parent->ns.ns_id,
		    ns->top_id, ns->level, ns->origin_cgroup_id);
}

SEC("tp_btf/metrics_ns_set")
int BPF_PROG(metrics_ns_set, const struct metrics_namespace *ns, __u32 mask,
	     __u64 cgroup_id)
{
	struct event *e = begin(METRICS_NS_SET);

	if (!e)
		return 0;
	e->arg[0] = ns->ns.ns_id;
	e->arg[1] = mask;
	e->arg[2] = cgroup_id;
	e->arg[3] = ns->label_len;
	bpf_probe_read_kernel(e->text, sizeof(ns->label), ns->label);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp_btf/cgroup_fork_into")
int BPF_PROG(cgroup_fork_into, struct cgroup *dst_cgrp, const char *path,
	     struct task_struct *task, bool threadgroup)
{
	struct event *e = begin(CGROUP_FORK_INTO);

	if (!e)
		return 0;
	e->arg[0] = cgrp_id(dst_cgrp);
	e->arg[1] = task->pid;
	e->arg[2] = threadgroup;
	bpf_probe_read_kernel_str(e->text, sizeof(e->text), path);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp_btf/cgroup_file_write")
int BPF_PROG(cgroup_file_write, int root, __u64 id, const char *file,
	     const char *value, __s64 ret)
{
	struct event *e = begin(CGROUP_FILE_WRITE);

	if (!e)
		return 0;
	e->arg[0] = root;
	e->arg[1] = id;
	e->arg[2] = ret;
	bpf_probe_read_kernel_str(e->text, sizeof(e->text), value);
	bpf_probe_read_kernel_str(e->name, sizeof(e->name), file);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp_btf/pids_max")
int BPF_PROG(pids_max, struct cgroup *cgrp, struct cgroup *limit_cgrp)
{
	return TELL(PIDS_MAX, cgrp_id(cgrp), cgrp_id(limit_cgrp));
}

SEC("tp_btf/memcg_event")
int BPF_PROG(memcg_event, struct mem_cgroup *memcg,
	     enum memcg_memory_event event)
{
	bool max = event == bpf_core_enum_value(enum memcg_memory_event,
						MEMCG_MAX);

	return TELL(MEMCG_EVENT, memcg_id(memcg), max);
}

SEC("tp_btf/memcg_high_throttle")
int BPF_PROG(memcg_high_throttle, struct mem_cgroup *memcg,
	     unsigned long penalty)
{
	return TELL(MEMCG_HIGH_THROTTLE, memcg_id(memcg), penalty);
}

/*
 * An LRU list doesn't point to its cgroup. What container_of() does is allowed,
 * but to the verifier the result is a number, and a helper has to follow it.
 */
static __always_inline __u64 victim_id(struct lruvec *lruvec)
{
	struct mem_cgroup_per_node *pn = (void *)lruvec -
		bpf_core_field_offset(struct mem_cgroup_per_node, lruvec);

	return BPF_CORE_READ(pn, memcg, css.cgroup, kn, id);
}

SEC("tp_btf/memcg_reclaim")
int BPF_PROG(memcg_reclaim, struct mem_cgroup *target, struct lruvec *lruvec,
	     unsigned long nr_scanned, unsigned long nr_reclaimed, int priority,
	     bool file)
{
	return TELL(MEMCG_RECLAIM, target ? memcg_id(target) : 0,
		    victim_id(lruvec), nr_scanned, nr_reclaimed, priority,
		    file);
}

SEC("tp_btf/memcg_refault")
int BPF_PROG(memcg_refault, struct mem_cgroup *memcg,
	     struct mem_cgroup *evictor, int nid, long nr_pages, bool file,
	     bool workingset)
{
	return TELL(MEMCG_REFAULT, memcg ? memcg_id(memcg) : 0,
		    evictor ? memcg_id(evictor) : 0, nid, nr_pages, file,
		    workingset);
}

SEC("tp_btf/mark_victim")
int BPF_PROG(mark_victim, struct task_struct *task, __u32 uid, __u64 memcg_id)
{
	return TELL(MARK_VICTIM, task->pid, uid, memcg_id);
}

SEC("tp_btf/cap_capable")
int BPF_PROG(cap_capable, const struct cred *cred,
	     struct user_namespace *target_ns,
	     const struct user_namespace *capable_ns, int cap, int ret)
{
	return TELL(CAP_CAPABLE, target_ns->ns.ns_id,
		    ret ? 0 : capable_ns->ns.ns_id, cap, ret);
}

SEC("tp_btf/sched_cfs_throttle_tp")
int BPF_PROG(sched_cfs_throttle_tp, __u64 cgroup_id, int cpu,
	     __s64 runtime_remaining, __u64 quota, __u64 period)
{
	return TELL(SCHED_CFS_THROTTLE, cgroup_id, cpu, runtime_remaining,
		    quota, period);
}

SEC("tp_btf/sched_cfs_unthrottle_tp")
int BPF_PROG(sched_cfs_unthrottle_tp, __u64 cgroup_id, int cpu, __u64 throttled)
{
	return TELL(SCHED_CFS_UNTHROTTLE, cgroup_id, cpu, throttled);
}

SEC("tp_btf/sched_cfs_throttle_task_tp")
int BPF_PROG(sched_cfs_throttle_task_tp, struct task_struct *p,
	     __u64 cgroup_id, int cpu)
{
	return TELL(SCHED_CFS_THROTTLE_TASK, p->pid, cgroup_id, cpu);
}
