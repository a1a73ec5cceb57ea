// SPDX-License-Identifier: GPL-2.0
/* What the kfuncs say of the metrics namespace of one task, where it appears. */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "metrics_ns_kfuncs.h"

char _license[] SEC("license") = "GPL";

u64 bpf_get_current_container_id(void) __ksym __weak;
u64 bpf_task_container_id(struct task_struct *task) __ksym __weak;
u64 bpf_task_container_top_id(struct task_struct *task) __ksym __weak;
u64 bpf_container_ancestor_id(u64 id, u32 level) __ksym __weak;
int bpf_container_label(u64 id, char *buf, u32 buf__sz) __ksym __weak;
u64 bpf_get_current_ns_id(u32 type) __ksym __weak;
u64 bpf_task_ns_id(struct task_struct *task, u32 type) __ksym __weak;
struct task_struct *bpf_task_from_pid(s32 pid) __ksym __weak;
void bpf_task_release(struct task_struct *task) __ksym __weak;

#define TASK_DEAD	0x80

int watched;
long trigger_nr;
u64 current_id, current_ns_id, task_ns_id;
struct task_answer at_syscall, at_wakeup, at_switch_to, at_last_switch, at_free;
struct task_answer of_pid;
struct lookup lookup, lookup_in_sample;

static __always_inline void answer(struct task_answer *a, struct task_struct *task)
{
	a->id = bpf_task_container_id(task);
	a->top_id = bpf_task_container_top_id(task);
	a->seen++;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(enter, struct pt_regs *regs, long id)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!watched || task->pid != watched || id != trigger_nr)
		return 0;
	current_id = bpf_get_current_container_id();
	current_ns_id = bpf_get_current_ns_id(CLONE_NEWMETRICS);
	task_ns_id = bpf_task_ns_id(task, CLONE_NEWMETRICS);
	answer(&at_syscall, task);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(wakeup, struct task_struct *p)
{
	if (watched && p->pid == watched)
		answer(&at_wakeup, p);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev,
	     struct task_struct *next, unsigned int prev_state)
{
	if (!watched)
		return 0;
	if (next->pid == watched)
		answer(&at_switch_to, next);
	if (prev->pid == watched && prev_state & TASK_DEAD)
		answer(&at_last_switch, prev);
	return 0;
}

SEC("tp_btf/sched_process_free")
int BPF_PROG(process_free, struct task_struct *p)
{
	if (watched && p->pid == watched)
		answer(&at_free, p);
	return 0;
}

SEC("syscall")
int by_pid(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(watched);

	if (!task)
		return 0;
	answer(&of_pid, task);
	bpf_task_release(task);
	return 0;
}

/* Sizes of buffers are known to the verifier. */
static __always_inline void look_up(struct lookup *l)
{
	l->ancestor_id = bpf_container_ancestor_id(l->id, l->level);
	if (l->size == 4)
		l->ret = bpf_container_label(l->id, l->label, 4);
	else if (l->size == 8)
		l->ret = bpf_container_label(l->id, l->label, 8);
	else
		l->ret = bpf_container_label(l->id, l->label, LABEL_SIZE);
	l->seen++;
}

SEC("syscall")
int by_id(void *ctx)
{
	look_up(&lookup);
	return 0;
}

SEC("perf_event")
int sample(void *ctx)
{
	if (watched && (u32)bpf_get_current_pid_tgid() == watched) {
		lookup_in_sample.id = bpf_get_current_container_id();
		look_up(&lookup_in_sample);
	}
	return 0;
}
