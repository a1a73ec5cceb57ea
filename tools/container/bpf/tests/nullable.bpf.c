// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that follow an argument which may be NULL, with and without asking
 * first. None is loaded with the others: each is a test.
 */
#include "../kernel.h"

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* So that the compiler can't leave the access out */
__u64 sink;

static __always_inline int follow(const struct mem_cgroup *memcg)
{
	sink = memcg->css.cgroup->kn->id;
	return 0;
}

SEC("?tp_btf/memcg_reclaim")
int BPF_PROG(reclaim_unchecked, struct mem_cgroup *target)
{
	return follow(target);
}

SEC("?tp_btf/memcg_reclaim")
int BPF_PROG(reclaim_checked, struct mem_cgroup *target)
{
	return target ? follow(target) : 0;
}

SEC("?tp_btf/memcg_refault")
int BPF_PROG(refault_unchecked, struct mem_cgroup *memcg)
{
	return follow(memcg);
}

SEC("?tp_btf/memcg_refault")
int BPF_PROG(evictor_unchecked, struct mem_cgroup *memcg,
	     struct mem_cgroup *evictor)
{
	return follow(evictor);
}

SEC("?tp_btf/memcg_refault")
int BPF_PROG(refault_checked, struct mem_cgroup *memcg,
	     struct mem_cgroup *evictor)
{
	if (memcg)
		follow(memcg);
	return evictor ? follow(evictor) : 0;
}

SEC("?tp_btf/mm_vmscan_direct_reclaim_begin")
int BPF_PROG(direct_begin_unchecked, unsigned int gfp_flags, int order,
	     struct mem_cgroup *memcg)
{
	return follow(memcg);
}

SEC("?tp_btf/mm_vmscan_direct_reclaim_begin")
int BPF_PROG(direct_begin_checked, unsigned int gfp_flags, int order,
	     struct mem_cgroup *memcg)
{
	return memcg ? follow(memcg) : 0;
}

SEC("?tp_btf/mm_vmscan_direct_reclaim_end")
int BPF_PROG(direct_end_unchecked, unsigned long nr_reclaimed,
	     struct mem_cgroup *memcg)
{
	return follow(memcg);
}

SEC("?tp_btf/mm_vmscan_node_reclaim_end")
int BPF_PROG(node_end_unchecked, unsigned long nr_reclaimed,
	     struct mem_cgroup *memcg)
{
	return follow(memcg);
}

SEC("?tp_btf/mm_shrink_slab_start")
int BPF_PROG(slab_start_unchecked, struct shrinker *shr,
	     struct shrink_control *sc, long nr, unsigned long cache_items,
	     unsigned long long delta, unsigned long total_scan, int priority,
	     struct mem_cgroup *memcg)
{
	return follow(memcg);
}

SEC("?tp_btf/mm_shrink_slab_end")
int BPF_PROG(slab_end_unchecked, struct shrinker *shr, int nid, int retval,
	     long unused_scan_cnt, long new_scan_cnt, long total_scan,
	     struct mem_cgroup *memcg)
{
	return follow(memcg);
}

SEC("?tp_btf/namespace_no_such_event")
int BPF_PROG(no_such_event)
{
	return 0;
}
