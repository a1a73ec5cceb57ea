// SPDX-License-Identifier: GPL-2.0
/*
 * The view: what a process reads about the machine in a scoped namespace.
 *
 * The same files of /proc and /sys show every process its own machine: to a
 * process whose namespace is scoped, or is below a scoped one, the resources of
 * the scope's cgroup. The key is current at each read, so that a file that was
 * opened before a setns(2) shows the new view, and a file descriptor that is
 * passed on shows its new reader's.
 *
 * Nothing is counted for a view on any hot path. What it shows is what cgroups
 * keep anyway, and what is sampled every LOAD_FREQ by one work item that exists
 * only while a scope does: the load, and the time that its CPUs were there, which
 * each reader samples too. While there is none, each hook is a static branch that
 * isn't taken. The branch is switched off with a delay, so that containers that
 * come and go one by one don't patch the kernel each time.
 *
 * Lock order: metrics_namespace::lock, then cgroup_mutex or scopes_lock, then
 * metrics_scope::update_lock or io_lock, then metrics_scope::lock. The rstat locks
 * are taken under either of the two, the cpuset locks under update_lock.
 */

#include <linux/cgroup.h>
#include <linux/jiffies.h>
#include <linux/metrics_ns.h>
#include <linux/metrics_ns_view.h>
#include <linux/sched/loadavg.h>
#include <linux/workqueue.h>

#include "internal.h"

DEFINE_STATIC_KEY_DEFERRED_FALSE(metrics_view_key, HZ);

/*
 * A scope is on one of the lists from when it is in use until its namespace is
 * freed or, if it is an automatic one, gets an explicit one.
 */
static DEFINE_MUTEX(scopes_lock);
static LIST_HEAD(scopes);	/* protected by scopes_lock */
static LIST_HEAD(sampled);	/* those done in this pass, likewise */
static unsigned long sample_due; /* in jiffies, likewise */

static void sample_scopes(struct work_struct *work);
static DECLARE_DELAYED_WORK(sample_work, sample_scopes);

/* Not from now on: how late the work is doesn't add up. */
static void queue_sampling(void)
{
	unsigned long now = jiffies;

	lockdep_assert_held(&scopes_lock);
	queue_delayed_work(system_dfl_wq, &sample_work,
			   time_after(sample_due, now) ? sample_due - now : 0);
}

static unsigned int sample_periods(void)
{
	guard(mutex)(&scopes_lock);
	return metrics_load_periods(&sample_due, jiffies);
}

static bool sample_one(unsigned int periods)
{
	struct metrics_scope *scope;

	guard(mutex)(&scopes_lock);

	scope = list_first_entry_or_null(&scopes, struct metrics_scope, entry);
	if (!scope)
		return false;
	list_move_tail(&scope->entry, &sampled);
	metrics_scope_sample(scope);
	metrics_scope_sample_load(scope, periods);
	return true;
}

/* Lets go of the lock after each: containers start and end meanwhile. */
static void sample_scopes(struct work_struct *work)
{
	unsigned int periods = sample_periods();

	while (sample_one(periods))
		cond_resched();

	guard(mutex)(&scopes_lock);
	list_splice_init(&sampled, &scopes);
	if (!list_empty(&scopes))
		queue_sampling();
}

/**
 * metrics_scope_sample_start - start to sample a scope that got its cgroup
 * @scope: the scope
 *
 * Context: Process context, may sleep.
 */
void metrics_scope_sample_start(struct metrics_scope *scope)
{
	mutex_lock(&scopes_lock);
	if (list_empty(&scopes) && list_empty(&sampled))
		sample_due = jiffies + LOAD_FREQ;
	list_add_tail(&scope->entry, &scopes);
	queue_sampling();
	mutex_unlock(&scopes_lock);
	static_branch_deferred_inc(&metrics_view_key);
}

/**
 * metrics_scope_sample_stop - the counterpart, before a scope is freed
 * @scope: the scope, or NULL; nothing is done if it isn't sampled
 *
 * Context: Process context, may sleep.
 */
void metrics_scope_sample_stop(struct metrics_scope *scope)
{
	bool sampled_so_far;

	if (!scope)
		return;
	mutex_lock(&scopes_lock);
	sampled_so_far = !list_empty(&scope->entry);
	list_del_init(&scope->entry);
	mutex_unlock(&scopes_lock);
	if (sampled_so_far)
		static_branch_slow_dec_deferred(&metrics_view_key);
}

/**
 * metrics_view_current - what is in force for current
 * @view: where to store it; valid until current changes its namespace
 *
 * A task that has given up its namespaces on exit counts as one in the initial
 * namespace.
 *
 * Return: true if a scope is in force, false if the machine is to be shown.
 */
bool metrics_view_current(struct metrics_view *view)
{
	const struct nsproxy *nsproxy = current->nsproxy;

	if (!nsproxy || !nsproxy->metrics_ns->level)
		return false;
	metrics_ns_resolve(nsproxy->metrics_ns, view);
	return view->scope;
}

/**
 * metrics_own_css - the state of a controller that is enabled for a cgroup
 * @cgrp: the cgroup
 * @id: the controller
 *
 * Context: RCU read section. A state that isn't dying keeps a reference until the
 * end of the section at least, as it is put two grace periods later, so that
 * css_get() works, too.
 * Return: The state, or NULL.
 */
struct cgroup_subsys_state *metrics_own_css(struct cgroup *cgrp, int id)
{
	struct cgroup_subsys_state *css;

	css = rcu_dereference(cgrp->subsys[id]);
	return css && !css_is_dying(css) ? css : NULL;
}

/**
 * metrics_view_css - whose amounts a view shows
 * @view: what is in force; becomes the next one further out whose cgroup has the
 *	controller, or is removed, or else the machine's
 * @id: the controller
 *
 * A limit of an ancestor limits a scope that the controller isn't enabled for; but
 * an amount of an ancestor isn't the scope's.
 *
 * Context: RCU read section, as for metrics_own_css().
 * Return: The controller's state of @view's cgroup. NULL: the cgroup is removed and
 * has no amounts or, if @view has no scope, the machine's are to be shown.
 */
struct cgroup_subsys_state *metrics_view_css(struct metrics_view *view, int id)
{
	struct cgroup_subsys_state *css;

	while (view->scope && !cgroup_is_dead(view->scope->cgrp)) {
		css = metrics_own_css(view->scope->cgrp, id);
		if (css)
			return css;
		/* It may just be on its way out: dead before a controller of it is. */
		smp_rmb();
		if (cgroup_is_dead(view->scope->cgrp))
			return NULL;
		metrics_ns_resolve(view->ns->parent, view);
	}
	return NULL;
}

/* Often called where a file is read once, so it takes no reference. */
void __metrics_ns_sysinfo(struct sysinfo *info)
{
	struct metrics_view view;

	if (!metrics_view_current(&view))
		return;
	guard(rcu)();
	metrics_view_sysinfo_load(&view, info);
	metrics_view_sysinfo_memory(&view, info);
}
