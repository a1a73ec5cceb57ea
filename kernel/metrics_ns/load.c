// SPDX-License-Identifier: GPL-2.0
/*
 * Load of a view: /proc/loadavg, sysinfo(2), and the tasks at work in /proc/stat.
 *
 * The load averages are computed as the machine's are, from the scope's tasks
 * that run, that want to, or that wait for I/O. These numbers are kept for
 * pressure stall information anyway. They differ from the machine's in three
 * ways: a task that a CPU quota stops counts, as it wants to run; one that sleeps
 * uninterruptibly for something else than I/O doesn't; and one that waits for I/O
 * counts even if it can be interrupted, such as in io_uring_enter(2).
 *
 * They start at 0 when the cgroup becomes the scope, and go back to that when it
 * has been removed. Where nobody keeps those numbers, with psi=0 or
 * cgroup_disable=pressure, all is the machine's.
 */

#include <kunit/visibility.h>
#include <linux/cgroup.h>
#include <linux/jiffies.h>
#include <linux/metrics_ns_view.h>
#include <linux/pid_namespace.h>
#include <linux/psi.h>
#include <linux/sched/loadavg.h>
#include <linux/sched/stat.h>
#include <linux/seq_file.h>
#include <linux/sysinfo.h>

#include "internal.h"

#ifdef CONFIG_PSI

static bool psi_counts(struct cgroup *cgrp)
{
	return cgrp->psi;
}

static unsigned int psi_tasks(struct cgroup *cgrp, enum psi_task_count which)
{
	unsigned int nr = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct psi_group_cpu *pcpu = per_cpu_ptr(cgrp->psi->pcpu, cpu);

		/*
		 * The sum is of no one moment: who moves to another CPU
		 * meanwhile may count twice, or not at all.
		 */
		nr += data_race(READ_ONCE(pcpu->tasks[which]));
	}
	return nr;
}

static void count_tasks(struct cgroup *cgrp, unsigned int *running,
			unsigned int *iowait)
{
	*running = psi_tasks(cgrp, NR_RUNNING);
	*iowait = psi_tasks(cgrp, NR_IOWAIT);
}

#else

static bool psi_counts(struct cgroup *cgrp)
{
	return false;
}

static void count_tasks(struct cgroup *cgrp, unsigned int *running,
			unsigned int *iowait)
{
	*running = 0;
	*iowait = 0;
}

#endif

/**
 * metrics_view_tasks - how many tasks of a view are at work
 * @view: with a scope
 * @running: tasks that run or want to
 * @iowait: tasks that wait for I/O
 */
void metrics_view_tasks(const struct metrics_view *view, unsigned int *running,
			unsigned int *iowait)
{
	if (psi_counts(view->scope->cgrp)) {
		count_tasks(view->scope->cgrp, running, iowait);
		return;
	}
	*running = nr_running();
	*iowait = nr_iowait();
}

/*
 * Where the pids controller isn't enabled: of the next view further out. In an RCU
 * read section.
 */
static unsigned int all_tasks(struct metrics_view view)
{
	s64 nr;

	while (view.scope) {
		nr = cgroup_pids_current(view.scope->cgrp);
		if (nr >= 0)
			return nr;
		/* As it is dead before a controller of it is. */
		smp_rmb();
		if (cgroup_is_dead(view.scope->cgrp))
			return 0;
		metrics_ns_resolve(view.ns->parent, &view);
	}
	return nr_threads;
}

/**
 * metrics_load_periods - how many periods of the load averages have passed
 * @due: when the next one ends, in jiffies; moved on
 * @now: in jiffies
 *
 * Return: their number: 1, or more for a sampler that comes late.
 */
unsigned int metrics_load_periods(unsigned long *due, unsigned long now)
{
	unsigned int n;

	if (time_before(now, *due))
		return 0;
	n = (now - *due) / LOAD_FREQ + 1;
	*due += n * LOAD_FREQ;
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(metrics_load_periods);

/**
 * metrics_scope_sample_load - bring the load averages up to date
 * @scope: a scope that has its cgroup
 * @periods: how many have passed; 0 is none
 *
 * Context: Called by the sampler alone.
 */
void metrics_scope_sample_load(struct metrics_scope *scope,
			       unsigned int periods)
{
	static const unsigned long exp[] = { EXP_1, EXP_5, EXP_15 };
	unsigned int running, iowait;
	unsigned long active;

	if (!periods || !psi_counts(scope->cgrp))
		return;
	count_tasks(scope->cgrp, &running, &iowait);
	active = ((unsigned long)running + iowait) * FIXED_1;
	for (int i = 0; i < ARRAY_SIZE(exp); i++)
		WRITE_ONCE(scope->load[i],
			   calc_load_n(scope->load[i], exp[i], active,
				       periods));
}

/* As get_avenrun() */
static void get_loads(const struct metrics_scope *scope, unsigned long *loads,
		      unsigned long offset, int shift)
{
	for (int i = 0; i < ARRAY_SIZE(scope->load); i++)
		loads[i] = (READ_ONCE(scope->load[i]) + offset) << shift;
}

bool __metrics_ns_show_loadavg(struct seq_file *m)
{
	unsigned int running, iowait;
	struct metrics_view view;
	unsigned long loads[3];

	if (!metrics_view_of(m, &view) || !psi_counts(view.scope->cgrp))
		return false;

	guard(rcu)();
	get_loads(view.scope, loads, FIXED_1 / 200, 0);
	count_tasks(view.scope->cgrp, &running, &iowait);
	seq_printf(m, "%lu.%02lu %lu.%02lu %lu.%02lu %u/%u %d\n",
		   LOAD_INT(loads[0]), LOAD_FRAC(loads[0]),
		   LOAD_INT(loads[1]), LOAD_FRAC(loads[1]),
		   LOAD_INT(loads[2]), LOAD_FRAC(loads[2]),
		   running, all_tasks(view),
		   idr_get_cursor(&task_active_pid_ns(current)->idr) - 1);
	return true;
}

/**
 * metrics_view_sysinfo_load - put the load that a view shows into a sysinfo
 * @view: with a scope
 * @info: holds the machine's values
 *
 * Context: RCU read section.
 */
void metrics_view_sysinfo_load(const struct metrics_view *view,
			       struct sysinfo *info)
{
	if (!psi_counts(view->scope->cgrp))
		return;
	get_loads(view->scope, info->loads, 0, SI_LOAD_SHIFT - FSHIFT);
	info->procs = all_tasks(*view);
}
