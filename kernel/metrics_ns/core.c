// SPDX-License-Identifier: GPL-2.0
/*
 * Metrics namespaces: the namespace type and the ID.
 *
 * The kernel knows no containers, but whoever traces or accounts for them needs
 * a name for "these processes" that is made by the kernel, is the same for
 * every observer, can't be given away or taken over, and isn't reused while a
 * record can still mention it. The namespace ID (ns_common::ns_id) is all that;
 * what is missing is a namespace that means nothing but that name. The existing
 * types don't do: a pod's containers share some of them, a service unshares
 * others, and reading any of them from another task takes task_lock().
 *
 * Model
 *
 * A process is in one metrics namespace, in effect from the moment of clone,
 * unshare or setns and for all its threads: changing it needs a process with
 * one thread, and it can't be given to a new thread alone. So a process has one
 * ID. Namespaces nest, and a process only goes deeper: setns(2) leads into the
 * own namespace or one below it, and NS_GET_PARENT answers only below it. So an
 * ID stays true for what a container starts, whatever its capabilities.
 *
 * The ID, and that of the ancestor at level 1, are copied to the task_struct
 * when the nsproxy is set. They are read with one READ_ONCE() in any context,
 * for any task, and stay after exit: a tracer names the container of a wakee,
 * and of a dying task until its last context switch. Both are 0 in the initial
 * namespace and nowhere else.
 *
 * Kernel threads are in the initial namespace, kworkers and usermode helpers
 * included, whoever asked for their work. Threads that the kernel makes for a
 * process (io_uring, and vhost unless it is told to use kthreads) are in that
 * process's.
 *
 * set.c holds what a namespace is told about itself (label, flags), scope.c
 * the cgroup that its processes see as the machine.
 */

#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/metrics_ns.h>
#include <linux/nstree.h>
#include <linux/proc_ns.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <trace/events/namespace.h>

#include "internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/metrics_ns.h>

static struct ucounts *inc_metrics_namespaces(struct user_namespace *ns)
{
	return inc_ucount(ns, current_euid(), UCOUNT_METRICS_NAMESPACES);
}

static void dec_metrics_namespaces(struct ucounts *ucounts)
{
	dec_ucount(ucounts, UCOUNT_METRICS_NAMESPACES);
}

static u64 current_cgroup_id(void)
{
	guard(rcu)();
	return cgroup_id(task_dfl_cgroup(current));
}

static struct metrics_namespace *alloc_metrics_ns(void)
{
	struct metrics_namespace *ns __free(kfree) = NULL;
	int ret;

	ns = kzalloc_obj(*ns, GFP_KERNEL_ACCOUNT);
	if (!ns)
		return ERR_PTR(-ENOMEM);
	ret = ns_common_init(ns);
	if (ret)
		return ERR_PTR(ret);
	mutex_init(&ns->lock);
	return no_free_ptr(ns);
}

static struct metrics_namespace *
create_metrics_ns(struct user_namespace *user_ns,
		  struct metrics_namespace *parent)
{
	struct metrics_namespace *ns;
	struct ucounts *ucounts;

	if (parent->level >= METRICS_NS_MAX_LEVEL) {
		trace_namespace_denied(CLONE_NEWMETRICS, parent->ns.ns_id,
				       NS_DENIED_LEVEL, -ENOSPC);
		return ERR_PTR(-ENOSPC);
	}

	ucounts = inc_metrics_namespaces(user_ns);
	if (!ucounts)
		return ERR_PTR(-ENOSPC);

	ns = alloc_metrics_ns();
	if (IS_ERR(ns)) {
		dec_metrics_namespaces(ucounts);
		return ns;
	}

	ns->ucounts = ucounts;
	ns->user_ns = get_user_ns(user_ns);
	ns->parent = get_metrics_ns(parent);
	ns->level = parent->level + 1;
	ns->origin_cgroup_id = current_cgroup_id();

	ns_tree_gen_id(ns);
	ns->top_id = parent->level ? parent->top_id : ns->ns.ns_id;
	ns_tree_add_raw(ns);
	metrics_ns_hash(ns);
	trace_metrics_ns_create(ns);
	return ns;
}

/**
 * copy_metrics_ns - the metrics namespace of a new nsproxy
 * @flags: CLONE_* flags of the caller
 * @user_ns: user namespace that owns a new namespace
 * @old_ns: the current namespace
 *
 * Context: Process context, may sleep. The caller has checked that current has
 * CAP_SYS_ADMIN in @user_ns if @flags has CLONE_NEWMETRICS.
 * Return: @old_ns or a child of it, referenced; -ENOSPC at the limit of levels
 * or of user.max_metrics_namespaces, or -ENOMEM.
 */
struct metrics_namespace *copy_metrics_ns(u64 flags,
					  struct user_namespace *user_ns,
					  struct metrics_namespace *old_ns)
{
	if (!(flags & CLONE_NEWMETRICS))
		return get_metrics_ns(old_ns);

	return create_metrics_ns(user_ns, old_ns);
}

static struct metrics_namespace *free_one_metrics_ns(struct metrics_namespace *ns)
{
	struct metrics_namespace *parent = ns->parent;

	ns_tree_remove(ns);
	metrics_ns_unhash(ns);
	/* The sampler reaches each scope of @ns through the other one. */
	metrics_scope_sample_stop(ns->scope);
	metrics_scope_sample_stop(ns->auto_scope);
	metrics_scope_free(ns->scope);
	metrics_scope_free(ns->auto_scope);
	dec_metrics_namespaces(ns->ucounts);
	put_user_ns(ns->user_ns);
	ns_common_free(ns);
	mutex_destroy(&ns->lock);
	/* Whoever walks the tree or looks up an ID relies on a grace period. */
	kfree_rcu(ns, ns.ns_rcu);
	return parent;
}

/**
 * free_metrics_ns - free a namespace that lost its last reference
 * @ns: the namespace, never the initial one
 *
 * Its parent may go with it, and so on: that is a loop and no recursion.
 *
 * Context: Process context.
 */
void free_metrics_ns(struct metrics_namespace *ns)
{
	do {
		ns = free_one_metrics_ns(ns);
	} while (ns_ref_put(ns));
}

/**
 * metrics_ns_descends - is a namespace another one or below it?
 * @ns: a referenced namespace
 * @ancestor: the other one
 *
 * Return: true if @ns is @ancestor or a descendant of it.
 */
bool metrics_ns_descends(const struct metrics_namespace *ns,
			 const struct metrics_namespace *ancestor)
{
	while (ns->level > ancestor->level)
		ns = ns->parent;
	return ns == ancestor;
}

/**
 * proc_metrics_ns_status - the NSmetrics line of /proc/PID/status
 * @m: where to print
 * @tsk: the task
 *
 * Shows 0 to whoever may not read the links in /proc/PID/ns, without an audit
 * record: tools read the file of every process.
 */
void proc_metrics_ns_status(struct seq_file *m, struct task_struct *tsk)
{
	u64 id = task_metrics_ns_id(tsk);

	if (id && !ptrace_may_access(tsk, PTRACE_MODE_READ_FSCREDS |
					  PTRACE_MODE_NOAUDIT))
		id = 0;
	seq_put_decimal_ull(m, "NSmetrics:\t", id);
	seq_putc(m, '\n');
}

static struct ns_common *metricsns_get(struct task_struct *task)
{
	struct nsproxy *nsproxy;

	guard(task_lock)(task);
	nsproxy = task->nsproxy;
	if (!nsproxy)
		return NULL;
	return &get_metrics_ns(nsproxy->metrics_ns)->ns;
}

static void metricsns_put(struct ns_common *ns)
{
	put_metrics_ns(to_metrics_ns(ns));
}

static int metricsns_install(struct nsset *nsset, struct ns_common *new)
{
	struct metrics_namespace *ns = to_metrics_ns(new);
	struct nsproxy *nsproxy = nsset->nsproxy;

	/* A process has one ID, so its threads can't leave one by one. */
	if (!thread_group_empty(current))
		return -EUSERS;

	if (!ns_capable(ns->user_ns, CAP_SYS_ADMIN) ||
	    !ns_capable(nsset->cred->user_ns, CAP_SYS_ADMIN))
		return -EPERM;

	/* Only deeper, or a privileged container would shed its ID. */
	if (!metrics_ns_descends(ns, current->nsproxy->metrics_ns))
		return -EINVAL;

	get_metrics_ns(ns);
	put_metrics_ns(nsproxy->metrics_ns);
	nsproxy->metrics_ns = ns;
	return 0;
}

static struct user_namespace *metricsns_owner(struct ns_common *ns)
{
	return to_metrics_ns(ns)->user_ns;
}

static struct ns_common *metricsns_get_parent(struct ns_common *ns)
{
	struct metrics_namespace *parent = to_metrics_ns(ns)->parent;

	if (!parent ||
	    !metrics_ns_descends(parent, current->nsproxy->metrics_ns))
		return ERR_PTR(-EPERM);
	return &get_metrics_ns(parent)->ns;
}

const struct proc_ns_operations metricsns_operations = {
	.name		= "metrics",
	.get		= metricsns_get,
	.put		= metricsns_put,
	.install	= metricsns_install,
	.owner		= metricsns_owner,
	.get_parent	= metricsns_get_parent,
};

struct metrics_namespace init_metrics_ns = {
	.ns		= NS_COMMON_INIT(init_metrics_ns),
	.user_ns	= &init_user_ns,
	.lock		= __MUTEX_INITIALIZER(init_metrics_ns.lock),
};

static int __init metrics_ns_init(void)
{
	ns_tree_add(&init_metrics_ns);
	return 0;
}
subsys_initcall(metrics_ns_init);
