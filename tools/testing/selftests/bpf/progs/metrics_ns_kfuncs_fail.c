// SPDX-License-Identifier: GPL-2.0
/* What the verifier refuses to pass to the kfuncs of metrics namespaces. */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf_misc.h"

char _license[] SEC("license") = "GPL";

u64 bpf_get_current_container_id(void) __ksym __weak;
u64 bpf_task_container_id(struct task_struct *task) __ksym __weak;
u64 bpf_task_container_top_id(struct task_struct *task) __ksym __weak;
u64 bpf_container_ancestor_id(u64 id, u32 level) __ksym __weak;
int bpf_container_label(u64 id, char *buf, u32 buf__sz) __ksym __weak;

u64 bpf_task_ns_id(struct task_struct *task, u32 type) __ksym __weak;
struct task_struct *bpf_task_from_pid(s32 pid) __ksym __weak;
void bpf_task_release(struct task_struct *task) __ksym __weak;

u64 result;
const char constant[8];

SEC("tp_btf/sched_wakeup")
__success
int BPF_PROG(container_id_trusted, struct task_struct *p)
{
	result = bpf_task_container_id(p);
	return 0;
}

SEC("tp_btf/sched_wakeup")
__failure __msg("Possibly NULL pointer passed to trusted")
int BPF_PROG(container_id_null, struct task_struct *p)
{
	result = bpf_task_container_id(NULL);
	return 0;
}

SEC("tp_btf/sched_wakeup")
__failure __msg("R1 must be a rcu pointer")
int BPF_PROG(container_id_untrusted, struct task_struct *p)
{
	result = bpf_task_container_id(p->last_wakee);
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
__failure __msg("expected pointer to STRUCT task_struct but R1 has a pointer to STRUCT cgroup")
int BPF_PROG(container_id_of_wrong_type, struct cgroup *cgrp)
{
	result = bpf_task_container_id((void *)cgrp);
	return 0;
}

SEC("tp_btf/sched_wakeup")
__failure __msg("R1 is scalar expected STRUCT task_struct")
int BPF_PROG(container_id_released, struct task_struct *p)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 0;
	bpf_task_release(task);
	result = bpf_task_container_id(task);
	return 0;
}

SEC("tp_btf/sched_wakeup")
__failure __msg("Possibly NULL pointer passed to trusted")
int BPF_PROG(container_top_id_null, struct task_struct *p)
{
	result = bpf_task_container_top_id(NULL);
	return 0;
}

SEC("tp_btf/sched_wakeup")
__failure __msg("R1 must be a rcu pointer")
int BPF_PROG(container_top_id_untrusted, struct task_struct *p)
{
	result = bpf_task_container_top_id(p->last_wakee);
	return 0;
}

SEC("tp_btf/sched_wakeup")
__failure __msg("R2 and R3 memory, len pair leads to invalid memory access")
int BPF_PROG(container_label_beyond_buffer, struct task_struct *p)
{
	char buf[8] = {};

	result = bpf_container_label(1, buf, 16);
	return 0;
}

SEC("tp_btf/sched_wakeup")
__failure __msg("write into map forbidden")
int BPF_PROG(container_label_into_constant, struct task_struct *p)
{
	result = bpf_container_label(1, (char *)constant, sizeof(constant));
	return 0;
}

SEC("tp_btf/sched_wakeup")
__failure __msg("R2 and R3 memory, len pair leads to invalid memory access")
int BPF_PROG(container_label_of_unknown_size, struct task_struct *p)
{
	char buf[8] = {};

	result = bpf_container_label(1, buf, p->pid);
	return 0;
}

/*
 * These are loaded without CAP_PERFMON as well: what isn't the current task's
 * own is refused then.
 */
SEC("socket")
__success
int current_id_unprivileged(void *ctx)
{
	result = bpf_get_current_container_id();
	return 0;
}

SEC("socket")
__success
int container_label_unprivileged(void *ctx)
{
	char buf[8] = {};

	result = bpf_container_label(1, buf, sizeof(buf));
	return 0;
}

SEC("socket")
__success
int container_ancestor_id_unprivileged(void *ctx)
{
	result = bpf_container_ancestor_id(1, 1);
	return 0;
}

SEC("syscall")
__success
int task_container_id_unprivileged(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 0;
	result = bpf_task_container_id(task);
	bpf_task_release(task);
	return 0;
}

SEC("syscall")
__success
int task_ns_id_unprivileged(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 0;
	result = bpf_task_ns_id(task, 0x20000000);	/* CLONE_NEWPID */
	bpf_task_release(task);
	return 0;
}
