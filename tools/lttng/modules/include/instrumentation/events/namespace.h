// SPDX-License-Identifier: GPL-2.0-only

#undef TRACE_SYSTEM
#define TRACE_SYSTEM namespace

#if !defined(LTTNG_TRACE_NAMESPACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define LTTNG_TRACE_NAMESPACE_H

#include <lttng/tracepoint-event.h>
#include <linux/ns_trace.h>
#include <linux/sched.h>
#include <wrapper/namespace.h>

LTTNG_TRACEPOINT_ENUM(namespace_type,

	TP_ENUM_VALUES(
		ctf_enum_value("time", CLONE_NEWTIME)
		ctf_enum_value("metrics", CLONE_NEWMETRICS)
		ctf_enum_value("mnt", CLONE_NEWNS)
		ctf_enum_value("cgroup", CLONE_NEWCGROUP)
		ctf_enum_value("uts", CLONE_NEWUTS)
		ctf_enum_value("ipc", CLONE_NEWIPC)
		ctf_enum_value("user", CLONE_NEWUSER)
		ctf_enum_value("pid", CLONE_NEWPID)
		ctf_enum_value("net", CLONE_NEWNET)
	)
)

LTTNG_TRACEPOINT_ENUM(namespace_denial,

	TP_ENUM_VALUES(
		ctf_enum_value("limit", NS_DENIED_LIMIT)
		ctf_enum_value("level", NS_DENIED_LEVEL)
		ctf_enum_value("chroot", NS_DENIED_CHROOT)
		ctf_enum_value("unmapped", NS_DENIED_UNMAPPED)
		ctf_enum_value("owner", NS_DENIED_OWNER)
		ctf_enum_value("install", NS_DENIED_INSTALL)
		ctf_enum_value("delegation", NS_DENIED_DELEGATION)
		ctf_enum_value("set", NS_DENIED_SET)
	)
)

LTTNG_TRACEPOINT_EVENT_CLASS(namespace_life,

	TP_PROTO(const struct ns_common *ns),

	TP_ARGS(ns),

	TP_FIELDS(
		ctf_integer(u64, ns_id, ns->ns_id)
		ctf_integer(u64, owner_id, wrapper_namespace_owner_id(ns))
		ctf_integer(u64, parent_id, wrapper_namespace_parent_id(ns))
		ctf_enum(namespace_type, u32, type, ns->ns_type)
		ctf_integer(u32, inum, ns->inum)
		ctf_integer(u32, level, wrapper_namespace_level(ns))
	)
)

/**
 * namespace_create - called when a namespace is complete and about to be visible
 * @ns: the namespace
 *
 * The ID isn't reused in a boot, the inode number is. The owner is the user
 * namespace that rules over it. Parent and level are 0 for the types that don't
 * nest, which are those other than pid, user and metrics.
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(namespace_life, namespace_create,

	TP_PROTO(const struct ns_common *ns),

	TP_ARGS(ns)
)

/**
 * namespace_free - called when nobody can find a namespace any longer
 * @ns: the namespace
 *
 * Once for each that had a namespace_create, often by a kworker. The inode number
 * may be in use again.
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(namespace_life, namespace_free,

	TP_PROTO(const struct ns_common *ns),

	TP_ARGS(ns)
)

LTTNG_TRACEPOINT_EVENT_CLASS(namespace_activity,

	TP_PROTO(const struct ns_common *ns),

	TP_ARGS(ns),

	TP_FIELDS(
		ctf_integer(u64, ns_id, ns->ns_id)
		ctf_enum(namespace_type, u32, type, ns->ns_type)
	)
)

/**
 * namespace_active - called when a namespace gets its first user
 * @ns: the namespace
 *
 * A task, a file descriptor, a bind mount, or a namespace that it owns. Events of
 * several CPUs may come in another order than what they tell of.
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(namespace_activity, namespace_active,

	TP_PROTO(const struct ns_common *ns),

	TP_ARGS(ns)
)

/**
 * namespace_inactive - called when a namespace loses its last user
 * @ns: the namespace
 *
 * It may become active again, if something else still refers to it.
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(namespace_activity, namespace_inactive,

	TP_PROTO(const struct ns_common *ns),

	TP_ARGS(ns)
)

/**
 * namespace_switch - called when a task is in another namespace than before
 * @tsk: the task, which is current or, not running yet, its child
 * @type: CLONE_NEW* of the namespace
 * @old_id: ID of the namespace that it leaves; for a child, of its creator's
 * @new_id: ID of the one that it is in
 *
 * Once for each type that changes, and not on exit. A pid namespace is the one
 * for children. The pids are those of the initial pid namespace.
 */
LTTNG_TRACEPOINT_EVENT(namespace_switch,

	TP_PROTO(const struct task_struct *tsk, u32 type, u64 old_id,
		 u64 new_id),

	TP_ARGS(tsk, type, old_id, new_id),

	TP_FIELDS(
		ctf_integer(u64, old_id, old_id)
		ctf_integer(u64, new_id, new_id)
		ctf_integer(pid_t, pid, tsk->pid)
		ctf_integer(pid_t, tgid, tsk->tgid)
		ctf_enum(namespace_type, u32, type, type)
	)
)

/**
 * namespace_install - called when setns() has asked one namespace
 * @ns: the namespace that is to be entered
 * @ret: 0, or a negative errno
 *
 * Once for each namespace of a call, until one refuses. That the call has
 * succeeded is told by namespace_switch.
 */
LTTNG_TRACEPOINT_EVENT(namespace_install,

	TP_PROTO(const struct ns_common *ns, int ret),

	TP_ARGS(ns, ret),

	TP_FIELDS(
		ctf_integer(u64, ns_id, ns->ns_id)
		ctf_integer(pid_t, pid, current->pid)
		ctf_enum(namespace_type, u32, type, ns->ns_type)
		ctf_integer(int, ret, ret)
	)
)

/**
 * namespace_denied - called when a rule of namespaces has refused something
 * @type: CLONE_NEW* of the namespace that was asked for or, if delegation is the
 *        reason, written from
 * @ns_id: ID of the namespace that refuses; which one depends on the reason
 * @reason: which rule
 * @ret: what the caller gets, a negative errno
 */
LTTNG_TRACEPOINT_EVENT(namespace_denied,

	TP_PROTO(u32 type, u64 ns_id, enum ns_denial reason, int ret),

	TP_ARGS(type, ns_id, reason, ret),

	TP_FIELDS(
		ctf_integer(u64, ns_id, ns_id)
		ctf_integer(pid_t, pid, current->pid)
		ctf_enum(namespace_type, u32, type, type)
		ctf_enum(namespace_denial, u32, reason, reason)
		ctf_integer(int, ret, ret)
	)
)

#endif /* LTTNG_TRACE_NAMESPACE_H */

/* This part must be outside protection */
#include <lttng/define_trace.h>
