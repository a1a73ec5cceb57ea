// SPDX-License-Identifier: GPL-2.0
/*
 * The scope of a metrics namespace: the cgroup whose resources its processes
 * see as the machine's.
 *
 * A namespace may have two, each set once. The explicit one is given with
 * NS_METRICS_SET by somebody outside. The automatic one must be asked for there
 * too, and is then the root of the first cgroup namespace that is made inside
 * and doesn't start where the metrics namespace did: what a container runtime
 * does once the container is in its cgroup. An explicit scope overrides it.
 *
 * A view can narrow and never widen. Scopes come in any order and cgroups move
 * under no one's control, so this isn't decided when a scope is set but each
 * time that the view is resolved: from the initial namespace down, a scope
 * counts only if its cgroup is the one taken so far or below it.
 *
 *	namespace	its scope	in force
 *	initial		-		the machine
 *	  outer		/a		/a
 *	    inner	/b		/a	(not below /a: not taken)
 *	      third	/a/c		/a/c
 *
 * METRICS_NS_HOST_VIEW is in force only if each namespace that has a scope has
 * it; METRICS_NS_QUOTA_CPUS, which narrows, if any whose scope is taken has it.
 */

#include <kunit/visibility.h>
#include <linux/cgroup.h>
#include <linux/file.h>
#include <linux/metrics_ns.h>
#include <linux/slab.h>
#include <trace/events/metrics_ns.h>

#include "../cgroup/cgroup-internal.h"
#include "internal.h"

/**
 * metrics_scope_alloc - a scope that has no cgroup yet
 *
 * Return: The scope, for metrics_scope_free(), or NULL.
 */
struct metrics_scope *metrics_scope_alloc(void)
{
	struct metrics_scope *scope;

	scope = kzalloc_obj(*scope, GFP_KERNEL_ACCOUNT);
	if (!scope)
		return NULL;

	INIT_LIST_HEAD(&scope->entry);
	mutex_init(&scope->update_lock);
	mutex_init(&scope->io_lock);
	spin_lock_init(&scope->lock);

	if (!zalloc_cpumask_var(&scope->next, GFP_KERNEL_ACCOUNT))
		goto out_scope;
	if (!zalloc_cpumask_var(&scope->shown, GFP_KERNEL_ACCOUNT))
		goto out_next;
	scope->cpus = kvcalloc(nr_cpu_ids, sizeof(*scope->cpus),
			       GFP_KERNEL_ACCOUNT);
	if (!scope->cpus)
		goto out_shown;
	return scope;

out_shown:
	free_cpumask_var(scope->shown);
out_next:
	free_cpumask_var(scope->next);
out_scope:
	kfree(scope);
	return NULL;
}

/**
 * metrics_scope_free - free a scope and let go of its cgroup
 * @scope: the scope that nobody can find any more and that isn't sampled, or
 *	NULL
 *
 * Context: Process context, may sleep.
 */
void metrics_scope_free(struct metrics_scope *scope)
{
	if (!scope)
		return;
	WARN_ON_ONCE(!list_empty(&scope->entry));
	if (scope->cgrp)
		cgroup_put(scope->cgrp);
	kvfree(scope->cpus);
	free_cpumask_var(scope->shown);
	free_cpumask_var(scope->next);
	mutex_destroy(&scope->update_lock);
	mutex_destroy(&scope->io_lock);
	kfree(scope);
}

/**
 * metrics_scope_attach - give a scope its cgroup
 * @scope: a scope without one
 * @ns: the namespace that owns @scope or is about to
 * @cgrp: the cgroup, whose reference passes to @scope
 * @flags: METRICS_NS_* flags that @ns is about to get
 *
 * From here on the times of @cgrp count for @scope.
 *
 * Context: Process context, may sleep.
 */
void metrics_scope_attach(struct metrics_scope *scope,
			  const struct metrics_namespace *ns,
			  struct cgroup *cgrp, u32 flags)
{
	struct metrics_view view;

	scope->ns = ns;
	metrics_ns_resolve(ns->parent, &view);
	metrics_scope_baseline(scope, cgrp,
			       view.flags | READ_ONCE(ns->flags) | flags);
	/* Pairs with own_scope(): readers find the base values. */
	smp_store_release(&scope->cgrp, cgrp);
}

/* The root's view is the machine's; a threaded cgroup has no memory. */
static bool scope_usable(struct cgroup *cgrp)
{
	return cgroup_parent(cgrp) && cgrp->dom_cgrp == cgrp;
}

/* As cgroup_css_set_fork() does it for CLONE_INTO_CGROUP. */
static int scope_permission(struct cgroup *cgrp, struct super_block *sb)
{
	int ret = cgroup_may_write(cgrp, sb);

	if (ret)
		return ret;
	return cgroup_procs_write_permission(task_dfl_cgroup(current), cgrp, sb,
					     current->nsproxy->cgroup_ns);
}

static int scope_check(struct cgroup *cgrp, struct super_block *sb)
{
	int ret;

	if (!cgroup_on_dfl(cgrp))
		return -EINVAL;

	cgroup_lock();
	/* The files of a removed cgroup are gone. */
	if (cgroup_is_dead(cgrp))
		ret = -ENOENT;
	else if (!scope_usable(cgrp))
		ret = -EINVAL;
	else
		ret = scope_permission(cgrp, sb);
	cgroup_unlock();
	return ret == -EACCES ? -EPERM : ret;
}

/**
 * metrics_scope_cgroup_from_fd - the cgroup that current may use as a scope
 * @fd: file descriptor of a cgroup v2 directory
 *
 * The caller must be allowed to put a process there, as CLONE_INTO_CGROUP
 * wants it: without that, naming a scope would show a foreign cgroup's usage.
 *
 * Context: Process context, takes cgroup_mutex.
 * Return: The referenced cgroup; -EBADF if @fd isn't open, -EINVAL if it is
 * no cgroup v2 directory or the hierarchy's root or a threaded cgroup, -ENOENT
 * if the cgroup is removed or, where namespaces delegate, outside current's
 * cgroup namespace, -EPERM if current may not write to it or to the ancestor
 * that it shares with current's own.
 */
struct cgroup *metrics_scope_cgroup_from_fd(int fd)
{
	struct cgroup_subsys_state *css;
	struct dentry *dentry;
	int ret;

	CLASS(fd_raw, f)(fd);
	if (fd_empty(f))
		return ERR_PTR(-EBADF);

	dentry = fd_file(f)->f_path.dentry;
	css = css_tryget_online_from_dir(dentry, NULL);
	if (IS_ERR(css)) {
		ret = PTR_ERR(css);
		return ERR_PTR(ret == -EBADF ? -EINVAL : ret);
	}

	ret = scope_check(css->cgroup, dentry->d_sb);
	if (ret) {
		cgroup_put(css->cgroup);
		return ERR_PTR(ret);
	}
	return css->cgroup;
}

/* The scope that a namespace itself was given: the explicit, else the automatic one */
static struct metrics_scope *own_scope(const struct metrics_namespace *ns)
{
	struct metrics_scope *scope;

	/* Pairs with set_commit(). */
	scope = smp_load_acquire(&ns->scope);
	if (scope)
		return scope;
	/* Pairs with set_commit(). */
	scope = smp_load_acquire(&ns->auto_scope);
	if (!scope)
		return NULL;
	/* Pairs with metrics_scope_attach(). */
	return smp_load_acquire(&scope->cgrp) ? scope : NULL;
}

/**
 * metrics_view_fold_flags - flags in force once a further scope is taken
 * @outer: what is in force so far
 * @flags: flags of the namespace whose scope is taken
 *
 * Return: METRICS_NS_HOST_VIEW if all have it, METRICS_NS_QUOTA_CPUS if any.
 */
u32 metrics_view_fold_flags(const struct metrics_view *outer, u32 flags)
{
	u32 all = outer->scope ? outer->flags & flags : flags;
	u32 any = outer->flags | flags;

	return (all & METRICS_NS_HOST_VIEW) | (any & METRICS_NS_QUOTA_CPUS);
}
EXPORT_SYMBOL_IF_KUNIT(metrics_view_fold_flags);

static void view_narrow(struct metrics_view *view,
			const struct metrics_namespace *ns)
{
	struct metrics_scope *scope = own_scope(ns);

	if (!scope)
		return;
	if (view->scope &&
	    !cgroup_is_descendant(scope->cgrp, view->scope->cgrp)) {
		view->flags &= READ_ONCE(ns->flags) | ~METRICS_NS_HOST_VIEW;
		return;
	}

	view->flags = metrics_view_fold_flags(view, READ_ONCE(ns->flags));
	view->scope = scope;
	view->ns = ns;
}

/**
 * metrics_ns_resolve - which scope and flags are in force in a namespace
 * @ns: a referenced namespace
 * @view: where to store it
 *
 * Context: Any. Bounded by METRICS_NS_MAX_LEVEL.
 */
void metrics_ns_resolve(const struct metrics_namespace *ns,
			struct metrics_view *view)
{
	const struct metrics_namespace *chain[METRICS_NS_MAX_LEVEL] __uninitialized;
	u32 level = ns->level;
	u32 i;

	for (i = level; i--; ns = ns->parent)
		chain[i] = ns;

	memset(view, 0, sizeof(*view));
	for (i = 0; i < level; i++)
		view_narrow(view, chain[i]);
}

/**
 * metrics_scope_allowed - would a scope narrow what is in force?
 * @ns: the namespace that is to get the scope
 * @cgrp: the cgroup
 *
 * Return: true if @cgrp is within the view of @ns's parent.
 */
bool metrics_scope_allowed(const struct metrics_namespace *ns,
			   struct cgroup *cgrp)
{
	struct metrics_view view;

	metrics_ns_resolve(ns->parent, &view);
	return !view.scope || cgroup_is_descendant(cgrp, view.scope->cgrp);
}

static void auto_scope_fire(struct metrics_namespace *ns, struct cgroup *cgrp)
{
	guard(mutex)(&ns->lock);

	if (ns->scope || ns->auto_scope->cgrp)
		return;
	cgroup_get(cgrp);
	metrics_scope_attach(ns->auto_scope, ns, cgrp, 0);
	WRITE_ONCE(ns->scope_id, cgroup_id(cgrp));
	metrics_scope_sample_start(ns->auto_scope);
	trace_metrics_ns_set(ns, NS_METRICS_SET_SCOPE, cgroup_id(cgrp));
}

/**
 * metrics_ns_auto_scope - scope a namespace to the new cgroup namespace's root
 * @tsk: the task that got a new cgroup namespace, current or not yet running
 *
 * Does nothing unless METRICS_NS_AUTO_SCOPE was set from outside, the namespace
 * has no scope, and the root isn't the cgroup where the metrics namespace was
 * made: that one is where the runtime stands, and not the container.
 *
 * Context: Process context, may sleep. Only @tsk changes its own nsproxy, so
 * that of a task that doesn't run yet is stable.
 */
void metrics_ns_auto_scope(struct task_struct *tsk)
{
	struct metrics_namespace *ns = tsk->nsproxy->metrics_ns;
	struct cgroup *cgrp = tsk->nsproxy->cgroup_ns->root_cset->dfl_cgrp;

	/* Pairs with set_commit(). */
	if (!smp_load_acquire(&ns->auto_scope))
		return;
	if (!scope_usable(cgrp) || cgroup_id(cgrp) == ns->origin_cgroup_id)
		return;
	auto_scope_fire(ns, cgrp);
}
