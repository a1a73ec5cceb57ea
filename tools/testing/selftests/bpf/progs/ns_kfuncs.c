// SPDX-License-Identifier: GPL-2.0
/*
 * What the kfuncs say of the namespaces of one task, where it appears in events,
 * beside the walk of pointers that tools have to do without them.
 */

#include <vmlinux.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "ns_kfuncs.h"

char _license[] SEC("license") = "GPL";

u64 bpf_get_current_pidns(void) __ksym __weak;
u64 bpf_get_current_ns_id(u32 type) __ksym __weak;
u64 bpf_task_ns_id(struct task_struct *task, u32 type) __ksym __weak;
struct task_struct *bpf_task_from_pid(s32 pid) __ksym __weak;
void bpf_task_release(struct task_struct *task) __ksym __weak;

#define TASK_DEAD	0x80

int watched;
long trigger_nr;
u64 current_ids[NR_NS_INDEX];
struct ns_answer at_syscall, at_wakeup, at_switch_to, at_last_switch, at_free;
struct ns_answer at_sample, of_pid;

static __always_inline u32 walk(struct task_struct *task)
{
	return BPF_CORE_READ(task, nsproxy, pid_ns_for_children, ns.inum);
}

static __always_inline void answer_of_task(struct ns_answer *a,
					   struct task_struct *task)
{
	a->pid_ns = bpf_task_ns_id(task, CLONE_NEWPID);
	a->user_ns = bpf_task_ns_id(task, CLONE_NEWUSER);
	a->other = bpf_task_ns_id(task, CLONE_NEWNET);
	a->walk = walk(task);
	a->seen++;
}

static __always_inline void answer_of_current(struct ns_answer *a)
{
	a->pid_ns = bpf_get_current_pidns();
	a->user_ns = bpf_get_current_ns_id(CLONE_NEWUSER);
	a->other = bpf_get_current_ns_id(CLONE_NEWNET);
	a->walk = walk(bpf_get_current_task_btf());
	a->seen++;
}

static __always_inline bool is_watched_current(void)
{
	return watched && (u32)bpf_get_current_pid_tgid() == watched;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(enter, struct pt_regs *regs, long id)
{
	if (!is_watched_current() || id != trigger_nr)
		return 0;
	answer_of_current(&at_syscall);
	current_ids[NS_MNT] = bpf_get_current_ns_id(CLONE_NEWNS);
	current_ids[NS_UTS] = bpf_get_current_ns_id(CLONE_NEWUTS);
	current_ids[NS_IPC] = bpf_get_current_ns_id(CLONE_NEWIPC);
	current_ids[NS_USER] = bpf_get_current_ns_id(CLONE_NEWUSER);
	current_ids[NS_PID] = bpf_get_current_ns_id(CLONE_NEWPID);
	current_ids[NS_NET] = bpf_get_current_ns_id(CLONE_NEWNET);
	current_ids[NS_CGROUP] = bpf_get_current_ns_id(CLONE_NEWCGROUP);
	current_ids[NS_TIME] = bpf_get_current_ns_id(CLONE_NEWTIME);
	current_ids[NS_NONE] = bpf_get_current_ns_id(0) |
			       bpf_get_current_ns_id(CLONE_NEWNET | CLONE_NEWPID);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(wakeup, struct task_struct *p)
{
	if (watched && p->pid == watched)
		answer_of_task(&at_wakeup, p);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev,
	     struct task_struct *next, unsigned int prev_state)
{
	if (!watched)
		return 0;
	if (next->pid == watched)
		answer_of_task(&at_switch_to, next);
	if (prev->pid == watched && prev_state & TASK_DEAD)
		answer_of_task(&at_last_switch, prev);
	return 0;
}

SEC("tp_btf/sched_process_free")
int BPF_PROG(process_free, struct task_struct *p)
{
	if (watched && p->pid == watched)
		answer_of_task(&at_free, p);
	return 0;
}

SEC("perf_event")
int sample(void *ctx)
{
	if (is_watched_current())
		answer_of_current(&at_sample);
	return 0;
}

SEC("syscall")
int by_pid(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(watched);

	if (!task)
		return 0;
	answer_of_task(&of_pid, task);
	bpf_task_release(task);
	return 0;
}
