/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the namespace events need and the call sites don't want to know. The
 * events are described in include/trace/events/namespace.h.
 */
#ifndef _LINUX_NS_TRACE_H
#define _LINUX_NS_TRACE_H

#include <linux/tracepoint-defs.h>
#include <linux/types.h>
#include <linux/user_namespace.h>

struct cred;
struct ns_common;
struct nsproxy;
struct task_struct;

/**
 * enum ns_denial - why a rule of namespaces refused something
 * @NS_DENIED_LIMIT: user.max_*_namespaces; the ID is that of the user namespace
 *	whose limit is reached
 * @NS_DENIED_LEVEL: nested too deep; that of the namespace that can have no child
 * @NS_DENIED_CHROOT: a user namespace from within a chroot; that of the parent
 * @NS_DENIED_UNMAPPED: a user namespace for a user or a group that has no mapping
 *	in the parent; that of the parent
 * @NS_DENIED_OWNER: a pid namespace whose owner isn't below its parent's; that of
 *	the parent
 * @NS_DENIED_INSTALL: setns(2); that of the namespace that was to be entered
 * @NS_DENIED_DELEGATION: a file of a cgroup namespace's root, or of a cgroup
 *	outside of it, or a task that was to be moved or born outside, where
 *	namespaces delegate; that of the cgroup namespace
 * @NS_DENIED_SET: NS_METRICS_SET without the right to it; that of the namespace
 *	that was to be set
 */
enum ns_denial {
	NS_DENIED_LIMIT,
	NS_DENIED_LEVEL,
	NS_DENIED_CHROOT,
	NS_DENIED_UNMAPPED,
	NS_DENIED_OWNER,
	NS_DENIED_INSTALL,
	NS_DENIED_DELEGATION,
	NS_DENIED_SET,
};

#ifdef CONFIG_TRACEPOINTS

DECLARE_TRACEPOINT(namespace_switch);
DECLARE_TRACEPOINT(namespace_install);
DECLARE_TRACEPOINT(namespace_denied);

u64 ns_trace_owner_id(const struct ns_common *ns);
u64 ns_trace_parent_id(const struct ns_common *ns);
u32 ns_trace_level(const struct ns_common *ns);

void __ns_trace_switch(const struct task_struct *tsk, const struct nsproxy *old,
		       const struct nsproxy *new);
void __ns_trace_switch_user(const struct cred *old, const struct cred *new);
void __ns_trace_clone(const struct task_struct *child);
void __ns_trace_install(const struct ns_common *ns, int ret);
void __ns_trace_limit(const struct user_namespace *ns, enum ucount_type type);

/**
 * ns_trace_switch - tell which namespaces a task has changed
 * @tsk: the task
 * @old: what it had, still referenced
 * @new: what it has, NULL on exit
 */
static inline void ns_trace_switch(const struct task_struct *tsk,
				   const struct nsproxy *old,
				   const struct nsproxy *new)
{
	if (tracepoint_enabled(namespace_switch))
		__ns_trace_switch(tsk, old, new);
}

/**
 * ns_trace_switch_user - tell that current has changed its user namespace
 * @old: its credentials so far, still referenced
 * @new: those it has now
 */
static inline void ns_trace_switch_user(const struct cred *old,
					const struct cred *new)
{
	if (tracepoint_enabled(namespace_switch))
		__ns_trace_switch_user(old, new);
}

/**
 * ns_trace_clone - tell in which namespaces a new task differs from its creator
 * @child: the task, complete but not yet running
 */
static inline void ns_trace_clone(const struct task_struct *child)
{
	if (tracepoint_enabled(namespace_switch))
		__ns_trace_clone(child);
}

/**
 * ns_trace_install - tell what setns(2) was told about one namespace
 * @ns: the namespace that is to be entered
 * @ret: 0, or why it isn't, a negative errno
 */
static inline void ns_trace_install(const struct ns_common *ns, int ret)
{
	if (tracepoint_enabled(namespace_install) ||
	    tracepoint_enabled(namespace_denied))
		__ns_trace_install(ns, ret);
}

/**
 * ns_trace_limit - tell that a limit on namespaces is reached
 * @ns: the user namespace whose limit it is
 * @type: what is counted; nothing is told of what is no namespace
 */
static inline void ns_trace_limit(const struct user_namespace *ns,
				  enum ucount_type type)
{
	if (tracepoint_enabled(namespace_denied))
		__ns_trace_limit(ns, type);
}

#else

static inline void ns_trace_switch(const struct task_struct *tsk,
				   const struct nsproxy *old,
				   const struct nsproxy *new) { }
static inline void ns_trace_switch_user(const struct cred *old,
					const struct cred *new) { }
static inline void ns_trace_clone(const struct task_struct *child) { }
static inline void ns_trace_install(const struct ns_common *ns, int ret) { }
static inline void ns_trace_limit(const struct user_namespace *ns,
				  enum ucount_type type) { }

#endif /* CONFIG_TRACEPOINTS */
#endif /* _LINUX_NS_TRACE_H */
