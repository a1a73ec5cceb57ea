// SPDX-License-Identifier: GPL-2.0
/*
 * CPU times of a view.
 *
 * Used time comes from the cgroup's own per-CPU statistics (subtree_bstat),
 * which keep what removed children have used. Its sum is exact and its division
 * into user and system time is as the tick has sampled it, as in cpu.stat. What
 * a container can't have from anywhere is its idle time, as no cgroup is idle on
 * a CPU: it is what is left of the time that the view's CPUs were there,
 *
 *	idle = capacity - used - steal,	capacity += dt on each CPU shown
 *
 * and what was stolen is the time in which the quota of the scope or of one of
 * its ancestors held a task back on that CPU: it was wanted, and not to be had.
 * It doesn't grow with METRICS_NS_QUOTA_CPUS, where the CPUs shown are as many as
 * the quota can keep busy.
 *
 * Everything counts from the moment when the cgroup became the scope.
 *
 * A task may run a moment on a CPU that its cpuset has lost, so usage can exceed
 * capacity. Idle time is therefore a high-water mark and never goes back,
 * neither a CPU's nor the sum's, whatever happens to cpusets, quotas and CPUs.
 *
 * A change of the CPUs is seen by the next reader, or else within LOAD_FREQ by
 * the sampler. Until then the time counts for the CPUs before the change.
 *
 * Example, four CPUs with one busy task, limited to one CPU after 10 s and back
 * to four after 20 s, under a reader's eyes, in seconds:
 *
 *	time	CPUs	capacity	used	idle	CPU lines shown
 *	10	4	40		10	30	0 1 2 3
 *	20	1	50		20	30	0
 *	30	4	90		30	60	0 1 2 3
 *
 * CPUs 1 to 3 come back with the idle time they had at 10 s: a CPU that isn't
 * shown has no capacity. Time used on it, by tasks that don't run where their
 * cpuset says, is part of the sum and of no line; nothing is stolen there.
 *
 * With METRICS_NS_QUOTA_CPUS the lines stand for no CPU in particular, and the
 * sum is split evenly between them. They jump when their number changes; the
 * sum doesn't.
 */

#include <kunit/visibility.h>
#include <linux/cgroup.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/metrics_ns_view.h>
#include <linux/sched/cgroup.h>
#include <linux/sched/cputime.h>

#include "../cgroup/cgroup-internal.h"
#include "internal.h"

static void bstat_sub(struct cgroup_base_stat *stat,
		      const struct cgroup_base_stat *base)
{
	stat->cputime.utime -= base->cputime.utime;
	stat->cputime.stime -= base->cputime.stime;
	stat->cputime.sum_exec_runtime -= base->cputime.sum_exec_runtime;
	stat->ntime -= base->ntime;
}

static void bstat_add(struct cgroup_base_stat *sum,
		      const struct cgroup_base_stat *stat)
{
	sum->cputime.utime += stat->cputime.utime;
	sum->cputime.stime += stat->cputime.stime;
	sum->ntime += stat->ntime;
}

/**
 * metrics_steal - what has been stolen on a CPU since the last call
 * @last: what the last call was told
 * @capacity: capacity of the CPU
 * @busy: what has been used on it
 * @throttled: sched_css_throttled()
 *
 * While some tasks are stopped others may still run, in the kernel for one: what is
 * used isn't stolen. Nor is what isn't there, on a CPU that isn't shown.
 *
 * Return: Time in ns.
 */
u64 metrics_steal(struct metrics_stolen *last, u64 capacity, u64 busy,
		  u64 throttled)
{
	u64 stolen = throttled - min(throttled, last->throttled);
	u64 used = busy - min(busy, last->busy);
	u64 free = capacity - last->capacity;

	last->throttled = max(throttled, last->throttled);
	last->busy = max(busy, last->busy);
	last->capacity = capacity;
	return min(stolen, free - min(free, used));
}
EXPORT_SYMBOL_IF_KUNIT(metrics_steal);

/**
 * metrics_cputime_fold - bring times up to date
 * @time: the times, whose capacity is up to date
 * @used: what has been used, since the beginning
 * @stolen: what has been stolen, since the last call
 *
 * Nice time is counted before the user time that it is part of, and a flush may
 * come in between; so neither is taken at its word if it went back.
 */
void metrics_cputime_fold(struct metrics_cputime *time,
			  const struct cgroup_base_stat *used, u64 stolen)
{
	u64 gone = used->cputime.utime + used->cputime.stime;
	u64 nice = min(used->ntime, used->cputime.utime);

	time->user = max(time->user, used->cputime.utime - nice);
	time->nice = max(time->nice, nice);
	time->system = max(time->system, used->cputime.stime);
	time->steal += stolen;
	gone += time->steal;
	if (time->capacity > gone)
		time->idle = max(time->idle, time->capacity - gone);
}
EXPORT_SYMBOL_IF_KUNIT(metrics_cputime_fold);

/* Who can say for how long a quota has held the cgroup back, for css_put(), or NULL */
static struct cgroup_subsys_state *cpu_css(struct cgroup *cgrp)
{
	struct cgroup_subsys_state *css = NULL;

#ifdef CONFIG_CFS_BANDWIDTH
	guard(rcu)();
	css = metrics_own_css(cgrp, cpu_cgrp_id);
	if (css)
		css_get(css);
#endif
	return css;
}

/**
 * metrics_scope_baseline - note where the times of a scope begin
 * @scope: a scope that nobody can find yet
 * @cgrp: the cgroup it is about to get
 * @flags: METRICS_NS_QUOTA_CPUS, if it is going to be in force
 *
 * Context: Process context, may sleep.
 */
void metrics_scope_baseline(struct metrics_scope *scope, struct cgroup *cgrp,
			    u32 flags)
{
	struct cgroup_subsys_state *css = cpu_css(cgrp);
	int cpu;

	css_rstat_flush(&cgrp->self);
	for_each_possible_cpu(cpu) {
		cgroup_base_stat_cpu(cgrp, cpu, &scope->cpus[cpu].base);
		prev_cputime_init(&scope->cpus[cpu].prev);
		if (css)
			scope->cpus[cpu].last.throttled =
				sched_css_throttled(css, cpu);
	}
	if (css) {
		scope->cpu_serial = css->serial_nr;
		css_put(css);
	}
	metrics_scope_cpus(cgrp, flags, scope->shown);
	scope->stamp = ktime_get_ns();
	scope->updated = get_jiffies_64();
}

static u32 scope_flags(const struct metrics_scope *scope)
{
	struct metrics_view view;

	metrics_ns_resolve(scope->ns, &view);
	return view.scope == scope ? view.flags : READ_ONCE(scope->ns->flags);
}

/*
 * Count the time since the last call for the CPUs that were shown then, and show
 * those of now.
 */
static void advance_capacity(struct metrics_scope *scope)
{
	u64 now = ktime_get_ns();
	u64 dt = now - scope->stamp;
	int cpu;

	lockdep_assert_held(&scope->update_lock);

	metrics_scope_cpus(scope->cgrp, scope_flags(scope), scope->next);
	scope->stamp = now;

	guard(spinlock)(&scope->lock);
	for_each_cpu(cpu, scope->shown)
		scope->cpus[cpu].time.capacity += dt;
	scope->total.capacity += dt * cpumask_weight(scope->shown);
	cpumask_copy(scope->shown, scope->next);
}

/**
 * metrics_scope_sample - note the CPUs of a scope, now and then
 * @scope: a scope that has its cgroup
 *
 * Without a reader, nobody needs more than the capacity, and so nothing is
 * flushed here.
 *
 * Context: Process context.
 */
void metrics_scope_sample(struct metrics_scope *scope)
{
	if (!mutex_trylock(&scope->update_lock))
		return;
	if (!cgroup_is_dead(scope->cgrp))
		advance_capacity(scope);
	mutex_unlock(&scope->update_lock);
}

/* What has been used on a CPU since the cgroup became the scope. */
static void read_used(struct metrics_scope *scope, int cpu,
		      struct cgroup_base_stat *used)
{
	struct metrics_cpu *mc = &scope->cpus[cpu];
	struct task_cputime raw;

	cgroup_base_stat_cpu(scope->cgrp, cpu, used);
	bstat_sub(used, &mc->base);
	raw = used->cputime;
	cputime_adjust(&raw, &mc->prev, &used->cputime.utime,
		       &used->cputime.stime);
}

/* What has been stolen on a CPU since the last update. */
static u64 read_stolen(struct metrics_scope *scope, u32 flags,
		       struct cgroup_subsys_state *css, int cpu,
		       const struct cgroup_base_stat *used)
{
	struct metrics_cpu *mc = &scope->cpus[cpu];
	u64 stolen;

	stolen = metrics_steal(&mc->last, mc->time.capacity,
			       used->cputime.utime + used->cputime.stime,
			       css ? sched_css_throttled(css, cpu) : 0);
	return flags & METRICS_NS_QUOTA_CPUS ? 0 : stolen;
}

/* A controller that was enabled again has forgotten what was before. */
static void note_controller(struct metrics_scope *scope,
			    const struct cgroup_subsys_state *css)
{
	int cpu;

	if (!css || scope->cpu_serial == css->serial_nr)
		return;
	for_each_possible_cpu(cpu)
		scope->cpus[cpu].last.throttled = 0;
	scope->cpu_serial = css->serial_nr;
}

static void update_times(struct metrics_scope *scope)
{
	struct cgroup_subsys_state *css = cpu_css(scope->cgrp);
	struct cgroup_base_stat used, sum = {};
	u32 flags = scope_flags(scope);
	u64 stolen, all_stolen = 0;
	int cpu;

	note_controller(scope, css);
	for_each_possible_cpu(cpu) {
		read_used(scope, cpu, &used);
		bstat_add(&sum, &used);
		stolen = read_stolen(scope, flags, css, cpu, &used);
		all_stolen += stolen;

		guard(spinlock)(&scope->lock);
		metrics_cputime_fold(&scope->cpus[cpu].time, &used, stolen);
	}
	if (css)
		css_put(css);

	guard(spinlock)(&scope->lock);
	metrics_cputime_fold(&scope->total, &sum, all_stolen);
}

/**
 * metrics_scope_update - bring the times of a scope up to date
 * @scope: a scope that has its cgroup
 *
 * At most once a tick, as it flushes the cgroup's statistics under a lock that
 * all cgroups share. Waits for an update that is under way, and is content with
 * one that has begun in the tick of the call or later: so however many readers
 * there are, none waits for more than two. The times of a removed cgroup stay.
 *
 * Context: Process context, may sleep.
 */
void metrics_scope_update(struct metrics_scope *scope)
{
	u64 called = get_jiffies_64();
	u64 begun;

	if (READ_ONCE(scope->updated) == called)
		return;

	guard(mutex)(&scope->update_lock);
	if (scope->updated >= called || cgroup_is_dead(scope->cgrp))
		return;
	begun = get_jiffies_64();
	css_rstat_flush(&scope->cgrp->self);
	advance_capacity(scope);
	update_times(scope);
	WRITE_ONCE(scope->updated, begun);
}

static void split_evenly(struct metrics_cputime *time, unsigned int n)
{
	time->user = div_u64(time->user, n);
	time->nice = div_u64(time->nice, n);
	time->system = div_u64(time->system, n);
	time->idle = div_u64(time->idle, n);
	time->steal = div_u64(time->steal, n);
}

/**
 * metrics_scope_shown - the CPUs to show times of, as of the last update
 * @scope: the scope
 * @mask: where to store them
 */
void metrics_scope_shown(struct metrics_scope *scope, struct cpumask *mask)
{
	guard(spinlock)(&scope->lock);
	cpumask_copy(mask, scope->shown);
}

/**
 * metrics_scope_cputime - the times of all CPUs, as of the last update
 * @scope: the scope
 * @time: where to store them
 */
void metrics_scope_cputime(struct metrics_scope *scope,
			   struct metrics_cputime *time)
{
	guard(spinlock)(&scope->lock);
	*time = scope->total;
}

/**
 * metrics_scope_cputime_cpu - the times of one CPU, as of the last update
 * @scope: the scope
 * @flags: METRICS_NS_QUOTA_CPUS, if it is in force
 * @cpu: the CPU
 * @shown: the CPUs that are shown, @cpu among them
 * @time: where to store them
 */
void metrics_scope_cputime_cpu(struct metrics_scope *scope, u32 flags, int cpu,
			       const struct cpumask *shown,
			       struct metrics_cputime *time)
{
	if (flags & METRICS_NS_QUOTA_CPUS) {
		metrics_scope_cputime(scope, time);
		split_evenly(time, cpumask_weight(shown));
		return;
	}
	guard(spinlock)(&scope->lock);
	*time = scope->cpus[cpu].time;
}

u64 __metrics_ns_idle(struct seq_file *m, u64 idle)
{
	struct metrics_cputime time;
	struct metrics_view view;

	if (!metrics_view_of(m, &view))
		return idle;
	metrics_scope_update(view.scope);
	metrics_scope_cputime(view.scope, &time);
	return time.idle;
}
