// SPDX-License-Identifier: GPL-2.0-only

#undef TRACE_SYSTEM
#define TRACE_SYSTEM task

#if !defined(LTTNG_TRACE_TASK_H) || defined(TRACE_HEADER_MULTI_READ)
#define LTTNG_TRACE_TASK_H

#include <lttng/tracepoint-event.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

/**
 * task_newtask - called when a task has been made, before it runs
 * @task: the new task
 * @clone_flags: those of clone(2), without the signal
 */
LTTNG_TRACEPOINT_EVENT(task_newtask,

	TP_PROTO(struct task_struct *task, u64 clone_flags),

	TP_ARGS(task, clone_flags),

	TP_FIELDS(
		ctf_integer(pid_t, pid, task->pid)
		ctf_array_text(char, comm, task->comm, TASK_COMM_LEN)
		ctf_integer_hex(u64, clone_flags, clone_flags)
		ctf_integer(short, oom_score_adj, task->signal->oom_score_adj)
	)
)

/**
 * task_rename - called when a task is about to have another name
 * @task: the task
 * @comm: the name, which may be longer than what the task keeps of it
 *
 * The record has what the task keeps.
 */
LTTNG_TRACEPOINT_EVENT_CODE(task_rename,

	TP_PROTO(struct task_struct *task, const char *comm),

	TP_ARGS(task, comm),

	TP_locvar(
		char newcomm[TASK_COMM_LEN];
	),

	TP_code_pre(
		strscpy_pad(tp_locvar->newcomm, comm, TASK_COMM_LEN);
	),

	TP_FIELDS(
		ctf_integer(pid_t, pid, task->pid)
		ctf_array_text(char, oldcomm, task->comm, TASK_COMM_LEN)
		ctf_array_text(char, newcomm, tp_locvar->newcomm, TASK_COMM_LEN)
		ctf_integer(short, oom_score_adj, task->signal->oom_score_adj)
	),

	TP_code_post()
)

/**
 * task_prctl_unknown - called when prctl(2) is asked for what it doesn't know
 * @option: the option
 * @arg2: its second argument
 * @arg3: its third
 * @arg4: its fourth
 * @arg5: its fifth
 */
LTTNG_TRACEPOINT_EVENT(task_prctl_unknown,

	TP_PROTO(int option, unsigned long arg2, unsigned long arg3,
		 unsigned long arg4, unsigned long arg5),

	TP_ARGS(option, arg2, arg3, arg4, arg5),

	TP_FIELDS(
		ctf_integer(int, option, option)
		ctf_integer(unsigned long, arg2, arg2)
		ctf_integer(unsigned long, arg3, arg3)
		ctf_integer(unsigned long, arg4, arg4)
		ctf_integer(unsigned long, arg5, arg5)
	)
)

#endif /* LTTNG_TRACE_TASK_H */

/* This part must be outside protection */
#include <lttng/define_trace.h>
