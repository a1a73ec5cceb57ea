/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whose a cgroup is, for what happens on behalf of no task that would tell: the container
 * that is scoped to it or to one above it. User space fills in what is there already.
 */
#ifndef CID_CGROUPS_BPF_H
#define CID_CGROUPS_BPF_H

#include "trace.bpf.h"

#define NS_METRICS_SET_SCOPE	2

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, TRACE_CGROUPS);
	__type(key, __u64);
	__type(value, __u64);
} cgroups SEC(".maps");

/* 0 if it is one of version 1: each of its hierarchies has IDs of its own. */
static __always_inline __u64 cgroup_id_of(struct cgroup *cgrp)
{
	return BPF_CORE_READ(cgrp, root, hierarchy_id) ? 0 : BPF_CORE_READ(cgrp, kn, id);
}

/* 0 if it is nobody's */
static __always_inline __u64 container_of_cgroup(__u64 cgroup_id)
{
	__u64 *id = bpf_map_lookup_elem(&cgroups, &cgroup_id);

	return id ? *id : 0;
}

static __always_inline void note_cgroup(__u64 cgroup_id, __u64 id)
{
	if (bpf_map_update_elem(&cgroups, &cgroup_id, &id, BPF_ANY))
		trace_lose();
}

SEC("tp_btf/metrics_ns_set")
int BPF_PROG(scoped, const struct metrics_namespace *ns, __u32 mask, __u64 cgroup_id)
{
	if (mask & NS_METRICS_SET_SCOPE)
		note_cgroup(cgroup_id, config.by_top ? ns->top_id : ns->ns.ns_id);
	return 0;
}

/* Where none is scoped to it itself, it is the parent's. */
SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_made, struct cgroup *cgrp)
{
	__u64 cgroup_id = cgroup_id_of(cgrp);
	__u64 id = container_of_cgroup(BPF_CORE_READ(cgrp, self.parent, cgroup, kn, id));

	if (cgroup_id && id)
		note_cgroup(cgroup_id, id);
	return 0;
}

/* Not when it is removed: pages that its tasks have written may be written back later. */
SEC("tp_btf/cgroup_release")
int BPF_PROG(cgroup_gone, struct cgroup *cgrp)
{
	__u64 cgroup_id = cgroup_id_of(cgrp);

	if (cgroup_id)
		bpf_map_delete_elem(&cgroups, &cgroup_id);
	return 0;
}

#endif
