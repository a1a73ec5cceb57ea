/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The life of namespaces, and who is in which. See
 * Documentation/trace/events-namespace.rst.
 *
 * A namespace is named by its ns_id, which isn't reused in a boot and is the
 * same for listns(2), NS_GET_ID and file handles of nsfs. Inode numbers are
 * reused at once and only good for comparison with /proc/PID/ns. The types are
 * those of clone(2).
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM namespace

#if !defined(_TRACE_NAMESPACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_NAMESPACE_H

#include <linux/ns_trace.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>

#define show_ns_type(type)						\
	__print_symbolic(type,						\
			 { CLONE_NEWTIME,	"time" },		\
			 { CLONE_NEWMETRICS,	"metrics" },		\
			 { CLONE_NEWNS,		"mnt" },		\
			 { CLONE_NEWCGROUP,	"cgroup" },		\
			 { CLONE_NEWUTS,	"uts" },		\
			 { CLONE_NEWIPC,	"ipc" },		\
			 { CLONE_NEWUSER,	"user" },		\
			 { CLONE_NEWPID,	"pid" },		\
			 { CLONE_NEWNET,	"net" })

TRACE_DEFINE_ENUM(NS_DENIED_LIMIT);
TRACE_DEFINE_ENUM(NS_DENIED_LEVEL);
TRACE_DEFINE_ENUM(NS_DENIED_CHROOT);
TRACE_DEFINE_ENUM(NS_DENIED_UNMAPPED);
TRACE_DEFINE_ENUM(NS_DENIED_OWNER);
TRACE_DEFINE_ENUM(NS_DENIED_INSTALL);
TRACE_DEFINE_ENUM(NS_DENIED_DELEGATION);
TRACE_DEFINE_ENUM(NS_DENIED_SET);

#define show_ns_denial(reason)						\
	__print_symbolic(reason,					\
			 { NS_DENIED_LIMIT,	"limit" },		\
			 { NS_DENIED_LEVEL,	"level" },		\
			 { NS_DENIED_CHROOT,	"chroot" },		\
			 { NS_DENIED_UNMAPPED,	"unmapped" },		\
			 { NS_DENIED_OWNER,	"owner" },		\
			 { NS_DENIED_INSTALL,	"install" },		\
			 { NS_DENIED_DELEGATION, "delegation" },	\
			 { NS_DENIED_SET,	"set" })

DECLARE_EVENT_CLASS(namespace_life,

	TP_PROTO(const struct ns_common *ns),

	TP_ARGS(ns),

	TP_STRUCT__entry(
		__field(u64,	ns_id)
		__field(u64,	owner_id)
		__field(u64,	parent_id)
		__field(u32,	type)
		__field(u32,	inum)
		__field(u32,	level)
	),

	TP_fast_assign(
		__entry->ns_id		= ns->ns_id;
		__entry->owner_id	= ns_trace_owner_id(ns);
		__entry->parent_id	= ns_trace_parent_id(ns);
		__entry->type		= ns->ns_type;
		__entry->inum		= ns->inum;
		__entry->level		= ns_trace_level(ns);
	),

	TP_printk("ns_id=%llu type=%s inum=%u owner_id=%llu parent_id=%llu level=%u",
		  __entry->ns_id, show_ns_type(__entry->type), __entry->inum,
		  __entry->owner_id, __entry->parent_id, __entry->level)
);

/**
 * namespace_create - a namespace exists
 * @ns: the namespace, complete and about to be visible to others; never NULL
 *
 * Fires once for every namespace that is made, of any type, by any means, but for
 * the mount namespaces that mounts are in which are in none: these can't be listed
 * either. One that was refused or could not be made has none. What makes it may
 * still fail afterwards, and then namespace_free follows at once.
 *
 * The owner is the user namespace that rules over it, for a user namespace its
 * parent. Parent and level are those of the types that nest (pid, user, metrics)
 * and 0 for others.
 *
 * Context: Process context, of the task that makes it, but for those of the boot.
 * ns_tree_lock isn't held, others of the caller may be; whoever lists namespaces
 * finds it only after the event.
 * Pair: namespace_free.
 */
DEFINE_EVENT(namespace_life, namespace_create,
	TP_PROTO(const struct ns_common *ns),
	TP_ARGS(ns)
);

/**
 * namespace_free - a namespace is no more
 * @ns: the namespace, which nobody can find any longer; never NULL
 *
 * Fires once for every namespace that had a namespace_create. Its inode number
 * may be in use again by then, for another one.
 *
 * Context: Process context, of any task: the namespaces of a dead process are
 * mostly freed by a kworker. ns_tree_lock isn't held, others of the caller may be;
 * whoever lists namespaces finds it only before the event.
 * Pair: namespace_create.
 */
DEFINE_EVENT(namespace_life, namespace_free,
	TP_PROTO(const struct ns_common *ns),
	TP_ARGS(ns)
);

DECLARE_EVENT_CLASS(namespace_activity,

	TP_PROTO(const struct ns_common *ns),

	TP_ARGS(ns),

	TP_STRUCT__entry(
		__field(u64,	ns_id)
		__field(u32,	type)
	),

	TP_fast_assign(
		__entry->ns_id	= ns->ns_id;
		__entry->type	= ns->ns_type;
	),

	TP_printk("ns_id=%llu type=%s",
		  __entry->ns_id, show_ns_type(__entry->type))
);

/**
 * namespace_active - a namespace has come into use
 * @ns: the namespace; never NULL
 *
 * The first task, file descriptor or bind mount uses it, directly or through a
 * namespace that it owns. A hint: events of several CPUs may come in another
 * order than what they tell of.
 *
 * Context: Process context. Locks of the caller may be held.
 * Pair: namespace_inactive, any number of times in a namespace's life.
 */
DEFINE_EVENT(namespace_activity, namespace_active,
	TP_PROTO(const struct ns_common *ns),
	TP_ARGS(ns)
);

/**
 * namespace_inactive - a namespace has lost its last user
 * @ns: the namespace; never NULL
 *
 * It is freed soon, unless something else still refers to it: then it may become
 * active again, such as a network namespace by SIOCGSKNS on a socket in it. A
 * hint, as namespace_active.
 *
 * Context: As namespace_active.
 * Pair: namespace_active.
 */
DEFINE_EVENT(namespace_activity, namespace_inactive,
	TP_PROTO(const struct ns_common *ns),
	TP_ARGS(ns)
);

/**
 * namespace_switch - a task is in another namespace than before
 * @tsk: the task; never NULL
 * @type: CLONE_NEW* of the namespace
 * @old_id: ns_id of the one it leaves; for a new task, of its creator's
 * @new_id: ns_id of the one it is in now
 *
 * Fires once for each type that changes: by unshare(2), setns(2), an exec that
 * enters a time namespace, credentials of another user namespace, and for a new
 * task that isn't in its creator's namespaces. Not on exit.
 *
 * A pid namespace is the one for children: the task itself stays where it is, and
 * its next child is born there. A new task is in its own from the beginning. A
 * time namespace is the task's own; unshare(2) makes one for children, which has
 * no event until one of them, or an exec, enters it.
 *
 * Context: Process context. @tsk is current or, not yet running, its new child.
 * On exec, exec_update_lock is held.
 */
TRACE_EVENT(namespace_switch,

	TP_PROTO(const struct task_struct *tsk, u32 type, u64 old_id,
		 u64 new_id),

	TP_ARGS(tsk, type, old_id, new_id),

	TP_STRUCT__entry(
		__field(u64,	old_id)
		__field(u64,	new_id)
		__field(pid_t,	pid)
		__field(pid_t,	tgid)
		__field(u32,	type)
	),

	TP_fast_assign(
		__entry->old_id	= old_id;
		__entry->new_id	= new_id;
		__entry->pid	= tsk->pid;
		__entry->tgid	= tsk->tgid;
		__entry->type	= type;
	),

	TP_printk("pid=%d tgid=%d type=%s old_id=%llu new_id=%llu",
		  __entry->pid, __entry->tgid, show_ns_type(__entry->type),
		  __entry->old_id, __entry->new_id)
);

/**
 * namespace_install - what setns(2) was told about one namespace
 * @ns: the namespace that is to be entered; never NULL
 * @ret: 0, or why not
 *
 * Fires once for each namespace that a call asks for, until one refuses. 0
 * doesn't mean that the call succeeds: it enters all of them or none, and that it
 * did is told by namespace_switch.
 *
 * Context: Process context. No lock is held.
 */
TRACE_EVENT(namespace_install,

	TP_PROTO(const struct ns_common *ns, int ret),

	TP_ARGS(ns, ret),

	TP_STRUCT__entry(
		__field(u64,	ns_id)
		__field(pid_t,	pid)
		__field(u32,	type)
		__field(int,	ret)
	),

	TP_fast_assign(
		__entry->ns_id	= ns->ns_id;
		__entry->pid	= current->pid;
		__entry->type	= ns->ns_type;
		__entry->ret	= ret;
	),

	TP_printk("pid=%d ns_id=%llu type=%s ret=%d",
		  __entry->pid, __entry->ns_id, show_ns_type(__entry->type),
		  __entry->ret)
);

/**
 * namespace_denied - a rule of namespaces has refused something
 * @type: CLONE_NEW* of the namespace that was asked for or, with
 *	NS_DENIED_DELEGATION, written from
 * @ns_id: which namespace refuses, by reason
 * @reason: why: enum ns_denial, which says whose ID @ns_id is
 * @ret: what the caller gets, negative
 *
 * What a missing capability refuses is told here of setns(2) and NS_METRICS_SET
 * only; cap_capable tells it of all. Not for ptrace access or a security module.
 * Who is to get an ipc namespace beyond a limit may try several times, and
 * succeed in the end: each attempt that fails has its event.
 *
 * Context: Process context. Locks of the caller may be held.
 */
TRACE_EVENT(namespace_denied,

	TP_PROTO(u32 type, u64 ns_id, enum ns_denial reason, int ret),

	TP_ARGS(type, ns_id, reason, ret),

	TP_STRUCT__entry(
		__field(u64,	ns_id)
		__field(pid_t,	pid)
		__field(u32,	type)
		__field(u32,	reason)
		__field(int,	ret)
	),

	TP_fast_assign(
		__entry->ns_id	= ns_id;
		__entry->pid	= current->pid;
		__entry->type	= type;
		__entry->reason	= reason;
		__entry->ret	= ret;
	),

	TP_printk("pid=%d type=%s ns_id=%llu reason=%s ret=%d",
		  __entry->pid, show_ns_type(__entry->type), __entry->ns_id,
		  show_ns_denial(__entry->reason), __entry->ret)
);

#endif /* _TRACE_NAMESPACE_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
