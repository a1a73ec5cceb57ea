// SPDX-License-Identifier: GPL-2.0
/*
 * Namespace events: what is computed only while somebody listens.
 */

#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/ipc_namespace.h>
#include <linux/metrics_ns.h>
#include <linux/mnt_namespace.h>
#include <linux/ns_common.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/proc_ns.h>
#include <linux/sched.h>
#include <linux/time_namespace.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>
#include <net/net_namespace.h>

#define CREATE_TRACE_POINTS
#include <trace/events/namespace.h>

/* The initial namespaces of types that aren't built in have no operations. */
u64 ns_trace_owner_id(const struct ns_common *ns)
{
	struct user_namespace *owner;

	if (!ns->ops)
		return init_user_ns.ns.ns_id;
	owner = ns->ops->owner((struct ns_common *)ns);
	return owner ? owner->ns.ns_id : 0;
}

/* Not by ns->ops->get_parent(), which answers by what current may know. */
static const struct ns_common *parent_of(const struct ns_common *ns)
{
	const struct metrics_namespace *metrics;
	const struct user_namespace *user;
	const struct pid_namespace *pid;

	switch (ns->ns_type) {
	case CLONE_NEWUSER:
		user = container_of_const(ns, struct user_namespace, ns);
		return user->parent ? &user->parent->ns : NULL;
	case CLONE_NEWPID:
		pid = container_of_const(ns, struct pid_namespace, ns);
		return pid->parent ? &pid->parent->ns : NULL;
	case CLONE_NEWMETRICS:
		metrics = container_of_const(ns, struct metrics_namespace, ns);
		return metrics->parent ? &metrics->parent->ns : NULL;
	}
	return NULL;
}

u64 ns_trace_parent_id(const struct ns_common *ns)
{
	const struct ns_common *parent = parent_of(ns);

	return parent ? parent->ns_id : 0;
}

u32 ns_trace_level(const struct ns_common *ns)
{
	switch (ns->ns_type) {
	case CLONE_NEWUSER:
		return container_of_const(ns, struct user_namespace, ns)->level;
	case CLONE_NEWPID:
		return container_of_const(ns, struct pid_namespace, ns)->level;
	case CLONE_NEWMETRICS:
		return container_of_const(ns, struct metrics_namespace, ns)->level;
	}
	return 0;
}

static void trace_change(const struct task_struct *tsk,
			 const struct ns_common *old,
			 const struct ns_common *new)
{
	trace_namespace_switch(tsk, new->ns_type, old->ns_id, new->ns_id);
}

/* Types that aren't built in are NULL in both. */
#define TRACE_CHANGE(tsk, old, new, member) do {			\
	if ((old)->member != (new)->member)				\
		trace_change(tsk, &(old)->member->ns, &(new)->member->ns); \
} while (0)

static void trace_changes(const struct task_struct *tsk,
			  const struct nsproxy *old, const struct nsproxy *new)
{
	if (old == new)
		return;
	if (old->mnt_ns != new->mnt_ns)
		trace_change(tsk, from_mnt_ns(old->mnt_ns),
			     from_mnt_ns(new->mnt_ns));
	TRACE_CHANGE(tsk, old, new, uts_ns);
	TRACE_CHANGE(tsk, old, new, ipc_ns);
	TRACE_CHANGE(tsk, old, new, pid_ns_for_children);
	TRACE_CHANGE(tsk, old, new, net_ns);
	TRACE_CHANGE(tsk, old, new, cgroup_ns);
	TRACE_CHANGE(tsk, old, new, time_ns);
	TRACE_CHANGE(tsk, old, new, metrics_ns);
}

/* Only what current does itself: nobody else changes a task's namespaces. */
void __ns_trace_switch(const struct task_struct *tsk, const struct nsproxy *old,
		       const struct nsproxy *new)
{
	if (new && tsk == current)
		trace_changes(tsk, old, new);
}

void __ns_trace_switch_user(const struct cred *old, const struct cred *new)
{
	trace_change(current, &old->user_ns->ns, &new->user_ns->ns);
}

void __ns_trace_clone(const struct task_struct *child)
{
	const struct user_namespace *old = task_cred_xxx(current, user_ns);
	const struct user_namespace *new = task_cred_xxx(child, user_ns);

	if (old != new)
		trace_change(child, &old->ns, &new->ns);
	trace_changes(child, current->nsproxy, child->nsproxy);
}

void __ns_trace_install(const struct ns_common *ns, int ret)
{
	trace_namespace_install(ns, ret);
	if (ret)
		trace_namespace_denied(ns->ns_type, ns->ns_id,
				       NS_DENIED_INSTALL, ret);
}

static u32 type_of_ucount(enum ucount_type type)
{
	switch (type) {
	case UCOUNT_USER_NAMESPACES:
		return CLONE_NEWUSER;
	case UCOUNT_PID_NAMESPACES:
		return CLONE_NEWPID;
	case UCOUNT_UTS_NAMESPACES:
		return CLONE_NEWUTS;
	case UCOUNT_IPC_NAMESPACES:
		return CLONE_NEWIPC;
	case UCOUNT_NET_NAMESPACES:
		return CLONE_NEWNET;
	case UCOUNT_MNT_NAMESPACES:
		return CLONE_NEWNS;
	case UCOUNT_CGROUP_NAMESPACES:
		return CLONE_NEWCGROUP;
	case UCOUNT_TIME_NAMESPACES:
		return CLONE_NEWTIME;
	case UCOUNT_METRICS_NAMESPACES:
		return CLONE_NEWMETRICS;
	default:
		return 0;
	}
}

void __ns_trace_limit(const struct user_namespace *ns, enum ucount_type type)
{
	u32 ns_type = type_of_ucount(type);

	if (ns_type)
		trace_namespace_denied(ns_type, ns->ns.ns_id, NS_DENIED_LIMIT,
				       -ENOSPC);
}
