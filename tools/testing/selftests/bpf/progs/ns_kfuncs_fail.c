// SPDX-License-Identifier: GPL-2.0
/* What the verifier refuses to pass to the kfuncs that name namespaces. */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf_misc.h"
#include "ns_kfuncs.h"

char _license[] SEC("license") = "GPL";

u64 bpf_task_ns_id(struct task_struct *task, u32 type) __ksym __weak;
struct task_struct *bpf_task_acquire(struct task_struct *task) __ksym __weak;
struct task_struct *bpf_task_from_pid(s32 pid) __ksym __weak;
void bpf_task_release(struct task_struct *task) __ksym __weak;

u64 result;

SEC("tp_btf/sched_wakeup")
__success
int BPF_PROG(task_trusted, struct task_struct *p)
{
	result = bpf_task_ns_id(p, CLONE_NEWPID);
	return 0;
}

/* A task that is gone keeps that pointer, and its parent may be gone before it. */
SEC("tp_btf/sched_wakeup")
__failure __msg("R1 must be referenced or trusted")
int BPF_PROG(task_under_rcu, struct task_struct *p)
{
	struct task_struct *parent = p->real_parent;

	result = bpf_task_ns_id(parent, CLONE_NEWPID);
	return 0;
}

SEC("tp_btf/sched_wakeup")
__success
int BPF_PROG(task_acquired, struct task_struct *p)
{
	struct task_struct *parent;

	parent = bpf_task_acquire(p->real_parent);
	if (!parent)
		return 0;
	result = bpf_task_ns_id(parent, CLONE_NEWPID);
	bpf_task_release(parent);
	return 0;
}

SEC("tp_btf/sched_wakeup")
__failure __msg("Possibly NULL pointer passed to trusted")
int BPF_PROG(task_null, struct task_struct *p)
{
	result = bpf_task_ns_id(NULL, CLONE_NEWPID);
	return 0;
}

SEC("tp_btf/sched_wakeup")
__failure __msg("Possibly NULL pointer passed to trusted")
int BPF_PROG(task_maybe_null, struct task_struct *p)
{
	struct task_struct *task = bpf_task_from_pid(1);

	result = bpf_task_ns_id(task, CLONE_NEWPID);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("tp_btf/sched_wakeup")
__failure __msg("R1 is scalar expected STRUCT task_struct")
int BPF_PROG(task_released, struct task_struct *p)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (!task)
		return 0;
	bpf_task_release(task);
	result = bpf_task_ns_id(task, CLONE_NEWPID);
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
__failure __msg("expected pointer to STRUCT task_struct but R1 has a pointer to STRUCT cgroup")
int BPF_PROG(task_of_wrong_type, struct cgroup *cgrp)
{
	result = bpf_task_ns_id((void *)cgrp, CLONE_NEWPID);
	return 0;
}

SEC("tp_btf/sched_wakeup")
__failure __msg("R1 must be referenced or trusted")
int BPF_PROG(task_untrusted, struct task_struct *p)
{
	result = bpf_task_ns_id(p->last_wakee, CLONE_NEWPID);
	return 0;
}

SEC("tp_btf/sched_wakeup")
__failure __msg("R1 is scalar expected STRUCT task_struct")
int BPF_PROG(task_number, struct task_struct *p)
{
	result = bpf_task_ns_id((void *)bpf_get_current_task(), CLONE_NEWPID);
	return 0;
}

SEC("tp_btf/sched_wakeup")
__failure __msg("R1 is fp expected STRUCT task_struct")
int BPF_PROG(task_stack, struct task_struct *p)
{
	u64 on_stack[2] = {};

	result = bpf_task_ns_id((void *)on_stack, CLONE_NEWPID);
	return 0;
}

SEC("fentry/free_task")
__failure __msg("R1 must be referenced or trusted")
int BPF_PROG(task_argument, struct task_struct *tsk)
{
	result = bpf_task_ns_id(tsk, CLONE_NEWPID);
	return 0;
}
