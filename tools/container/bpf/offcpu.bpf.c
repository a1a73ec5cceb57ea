// SPDX-License-Identifier: GPL-2.0
/* Why tasks don't have a CPU: from a switch away from one to the next switch to it. */

#include "throttle.bpf.h"

#include "offcpu.h"

#define TASK_RUNNING		0
#define TASK_STOPPED		0x04
#define TASK_TRACED		0x08
#define TASK_DEAD		0x80
#define TASK_FROZEN		0x8000
#define PF_KTHREAD		0x00200000
#define JOBCTL_TRAP_FREEZE	(1UL << 23)
#define LCB_F_SPIN		0x01

const volatile struct offcpu_syscalls syscalls;

struct off {
	__u64 since;		/* 0: it has a CPU, or isn't known yet */
	__u64 woken;		/* 0: it can't run */
	__u64 taker;		/* the container of whoever has got its CPU */
	__u64 lock;		/* of the kernel's, that it waits for */
	__u32 kind;
	__u32 unused;		/* for the alignment */
	struct throttling throttling;
};

TRACE_TASKS_OF(struct off) tasks SEC(".maps");

static const struct off nothing;

static __always_inline struct off *off_of(struct task_struct *p)
{
	return trace_task_begin(&tasks, p, &nothing);
}

/* The system call that it is in; -1 if it is in none */
static __always_inline int syscall_of(struct task_struct *p)
{
	struct pt_regs *regs;

	if (p->flags & PF_KTHREAD)
		return -1;
	regs = (struct pt_regs *)bpf_task_pt_regs(p);
	if (bpf_core_field_exists(regs->orig_ax))
		return BPF_CORE_READ(regs, orig_ax);
	if (bpf_core_field_exists(((struct pt_regs___arm64 *)regs)->syscallno))
		return BPF_CORE_READ((struct pt_regs___arm64 *)regs, syscallno);
	return -1;
}

/* A parent that waits for its vfork() counts as frozen to its cgroup as well. */
static __always_inline bool is_frozen(struct task_struct *p)
{
	return BPF_CORE_READ_BITFIELD_PROBED(p, frozen) && p->jobctl & JOBCTL_TRAP_FREEZE;
}

static __always_inline __u32 kind_of_wait(struct task_struct *p, const struct off *o,
					  unsigned int state)
{
	int nr;

	if (state & (TASK_STOPPED | TASK_TRACED | TASK_FROZEN) || is_frozen(p))
		return OFFCPU_STOPPED;
	if (BPF_CORE_READ_BITFIELD_PROBED(p, in_iowait))
		return OFFCPU_IO;
	if (o->lock)
		return OFFCPU_LOCK;
	nr = syscall_of(p);
	if (nr < 0)
		return OFFCPU_WAIT;
	for (int i = 0; i < 4; i++)
		if (nr == syscalls.futex[i])
			return OFFCPU_LOCK;
	for (int i = 0; i < 2; i++)
		if (nr == syscalls.sleep[i])
			return OFFCPU_SLEEP;
	return OFFCPU_WAIT;
}

static __always_inline void goes(struct task_struct *p, bool could_run, unsigned int state,
				 struct task_struct *next)
{
	struct off *o;

	if (state & TASK_DEAD) {
		trace_task_gone(&tasks, p);
		return;
	}
	o = off_of(p);
	if (!o)
		return;
	o->since = bpf_ktime_get_ns();
	o->woken = could_run ? o->since : 0;
	o->taker = 0;
	still_throttled(p, &o->throttling);
	if (!could_run) {
		o->kind = kind_of_wait(p, o, state);
		/* Who sleeps isn't throttled, though it was to be. */
		o->throttling.since = 0;
	} else if (o->throttling.since || !next->pid) {
		/* Nobody has taken its CPU from it. */
		o->kind = OFFCPU_RUNQUEUE;
	} else {
		o->kind = OFFCPU_PREEMPTED;
		o->taker = trace_container(next);
	}
}

static __always_inline void count(__u64 id, __u32 kind, __u64 other, __u64 ns)
{
	struct trace_key key = { .id = id, .kind = kind, .other = other };
	struct trace_entry *e = trace_entry(&key);

	if (e)
		trace_add(e, ns);
	if (e && other)
		trace_note_label(other);
}

static __always_inline void comes(struct task_struct *p)
{
	struct off *o = trace_task(&tasks, p);
	__u64 now = bpf_ktime_get_ns(), since, woken, throttled, wait, id;

	if (!o || !o->since)
		return;
	since = o->since;
	o->since = 0;
	/* Who is woken without being seen to be comes from its wait straight away. */
	woken = o->woken ? o->woken : now;
	wait = now - woken;
	throttled = throttled_part(p, &o->throttling, woken, now);
	id = trace_container(p);
	if (!trace_wanted(id))
		return;
	if (throttled)
		count(id, OFFCPU_THROTTLED, 0, throttled);
	if (o->kind == OFFCPU_PREEMPTED) {
		count(id, OFFCPU_PREEMPTED, o->taker, wait - throttled);
		return;
	}
	if (o->kind != OFFCPU_RUNQUEUE)
		count(id, o->kind, 0, woken - since);
	/* It may have its CPU as soon as it has quota. */
	if (!throttled || wait > throttled)
		count(id, OFFCPU_RUNQUEUE, 0, wait - throttled);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev,
	     struct task_struct *next, unsigned int prev_state)
{
	if (prev->pid)
		goes(prev, preempt || prev_state == TASK_RUNNING, prev_state, next);
	if (next->pid)
		comes(next);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(wakeup, struct task_struct *p)
{
	struct off *o = trace_task(&tasks, p);

	if (o && o->since && !o->woken)
		o->woken = bpf_ktime_get_ns();
	return 0;
}

/* A new one waits for its first CPU. */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(wakeup_new, struct task_struct *p)
{
	struct off *o = off_of(p);

	if (!o)
		return 0;
	o->since = bpf_ktime_get_ns();
	o->woken = o->since;
	o->kind = OFFCPU_RUNQUEUE;
	return 0;
}

/* Attached before what begins, so that no end is missed. */
SEC("tp_btf/contention_end")
int BPF_PROG(contention_end, void *lock, int ret)
{
	struct off *o = trace_task(&tasks, bpf_get_current_task_btf());

	/* On its way to sleep it may get others, for which it spins. */
	if (o && o->lock == (__u64)lock)
		o->lock = 0;
	return 0;
}

/* Locks for which tasks sleep; for the others they spin. */
SEC("tp_btf/contention_begin")
int BPF_PROG(contention_begin, void *lock, unsigned int flags)
{
	struct off *o;

	if (!flags || flags & LCB_F_SPIN)
		return 0;
	o = off_of(bpf_get_current_task_btf());
	if (o)
		o->lock = (__u64)lock;
	return 0;
}

TRACE_FORGET_OLD_PIDS(tasks)

SEC("tp_btf/sched_cfs_throttle_task_tp")
int BPF_PROG(throttle_task, struct task_struct *p, __u64 cgroup_id, int cpu)
{
	struct off *o = off_of(p);

	if (o) {
		o->throttling.since = bpf_ktime_get_ns();
		o->throttling.cpu = cpu;
	}
	return 0;
}
