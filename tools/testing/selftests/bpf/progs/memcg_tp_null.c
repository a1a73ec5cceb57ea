// SPDX-License-Identifier: GPL-2.0

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include "bpf_misc.h"

char _license[] SEC("license") = "GPL";

/* The machine reclaims for no cgroup. */
SEC("tp_btf/memcg_reclaim")
__failure __msg("R1 invalid mem access 'trusted_ptr_or_null_'")
int reclaim_target(void *ctx)
{
	asm volatile("r1 = *(u64 *)(r1 +0); r1 = *(u64 *)(r1 +0);"
		     ::: __clobber_all);
	return 0;
}

SEC("tp_btf/memcg_reclaim")
__success
int reclaim_target_checked(void *ctx)
{
	asm volatile("r1 = *(u64 *)(r1 +0); if r1 == 0 goto +1;"
		     "r1 = *(u64 *)(r1 +0);" ::: __clobber_all);
	return 0;
}

/* Whose pages they are is known. */
SEC("tp_btf/memcg_reclaim")
__success
int reclaim_lruvec(void *ctx)
{
	asm volatile("r1 = *(u64 *)(r1 +8); r1 = *(u64 *)(r1 +0);"
		     ::: __clobber_all);
	return 0;
}

/* Without a memory controller no page is a cgroup's. */
SEC("tp_btf/memcg_refault")
__failure __msg("R1 invalid mem access 'trusted_ptr_or_null_'")
int refault_memcg(void *ctx)
{
	asm volatile("r1 = *(u64 *)(r1 +0); r1 = *(u64 *)(r1 +0);"
		     ::: __clobber_all);
	return 0;
}

/* The evictor may be gone. */
SEC("tp_btf/memcg_refault")
__failure __msg("R1 invalid mem access 'trusted_ptr_or_null_'")
int refault_evictor(void *ctx)
{
	asm volatile("r1 = *(u64 *)(r1 +8); r1 = *(u64 *)(r1 +0);"
		     ::: __clobber_all);
	return 0;
}

SEC("tp_btf/memcg_refault")
__success
int refault_evictor_checked(void *ctx)
{
	asm volatile("r1 = *(u64 *)(r1 +8); if r1 == 0 goto +1;"
		     "r1 = *(u64 *)(r1 +0);" ::: __clobber_all);
	return 0;
}
