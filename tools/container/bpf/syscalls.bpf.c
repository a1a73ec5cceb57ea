// SPDX-License-Identifier: GPL-2.0
/* How long system calls take, and which fail. */

#include "trace.bpf.h"

#include "syscalls.h"

#define MAX_ERRNO	4095
/* They don't reach the program, whose call begins anew or has a signal handled. */
#define ERESTARTSYS	512
#define ERESTART_RESTARTBLOCK	516
#define TS_COMPAT	2

const volatile int sigreturn = -1;	/* returns what the program had before a signal */

struct call {
	__u64 since;
	__u32 nr;
	__u32 abi;
};

TRACE_TASKS_OF(struct call) calls SEC(".maps");

static const struct call no_call;

/* Other architectures' 32-bit programs are taken for native ones. */
static __always_inline __u32 abi_of(struct task_struct *p)
{
	if (bpf_core_field_exists(p->thread_info.status) &&
	    BPF_CORE_READ(p, thread_info.status) & TS_COMPAT)
		return SYSCALLS_COMPAT;
	return SYSCALLS_NATIVE;
}

static __always_inline bool is_error(const struct call *c, long ret)
{
	if (c->abi == SYSCALLS_NATIVE && (int)c->nr == sigreturn)
		return false;
	return ret < 0 && ret >= -MAX_ERRNO &&
	       (ret > -ERESTARTSYS || ret < -ERESTART_RESTARTBLOCK);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long ret)
{
	struct call *c = trace_task(&calls, bpf_get_current_task_btf());
	struct trace_key key = {};
	struct trace_entry *e;
	__u64 since;

	if (!c || !c->since)
		return 0;
	since = c->since;
	c->since = 0;
	key.id = trace_current();
	if (!trace_wanted(key.id))
		return 0;
	key.kind = c->nr;
	key.sub = c->abi;
	e = trace_entry(&key);
	if (!e)
		return 0;
	trace_add(e, bpf_ktime_get_ns() - since);
	if (is_error(c, ret))
		__sync_fetch_and_add(&e->errors, 1);
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(sys_enter, struct pt_regs *regs, long nr)
{
	struct task_struct *p = bpf_get_current_task_btf();
	struct call *c;

	if (!trace_wanted(trace_current()))
		return 0;
	c = trace_task_begin(&calls, p, &no_call);
	if (!c)
		return 0;
	c->nr = nr;
	c->abi = abi_of(p);
	c->since = bpf_ktime_get_ns();
	return 0;
}

/* A thread that executes a program takes the PID of the first one. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(execs, struct task_struct *p, int old_pid)
{
	__u32 pid = p->pid, old = old_pid;
	struct call *c, call;

	if (pid == old)
		return 0;
	c = bpf_map_lookup_elem(&calls, &old);
	if (!c)
		return 0;
	call = *c;
	bpf_map_delete_elem(&calls, &old);
	if (bpf_map_update_elem(&calls, &pid, &call, BPF_ANY))
		trace_lose();
	return 0;
}

/* That call doesn't return, and is the last. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(exits, struct task_struct *p)
{
	trace_task_gone(&calls, p);
	return 0;
}
