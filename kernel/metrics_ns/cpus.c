// SPDX-License-Identifier: GPL-2.0
/*
 * The CPUs of a view: those of the effective cpuset that are online, under
 * their real numbers, so that they agree with sched_getaffinity(2) and
 * getcpu(2). There is always at least one.
 *
 * A CPU quota limits time and not CPUs: a container with a quota of two may run
 * on all its CPUs at once, for a while. So a quota doesn't change the list,
 * unless METRICS_NS_QUOTA_CPUS asks for it. Then the list is cut to as many
 * CPUs as the quota can keep busy, rounded up. The tightest quota of all
 * ancestors counts.
 */

#include <kunit/visibility.h>
#include <linux/cgroup.h>
#include <linux/cpumask.h>
#include <linux/metrics_ns_view.h>
#include <linux/sysfs.h>

#include "../cgroup/cpuset-internal.h"
#include "../sched/sched.h"
#include "internal.h"

#ifdef CONFIG_CPUSETS
static void cpuset_cpus(struct cgroup *cgrp, struct cpumask *mask)
{
	struct cgroup_subsys_state *css;

	css = cgroup_get_e_css(cgrp, &cpuset_cgrp_subsys);
	cpuset_callback_lock_irq();
	cpumask_and(mask, css_cs(css)->effective_cpus, cpu_online_mask);
	cpuset_callback_unlock_irq();
	css_put(css);
}
#else
static void cpuset_cpus(struct cgroup *cgrp, struct cpumask *mask)
{
	cpumask_copy(mask, cpu_online_mask);
}
#endif

#ifdef CONFIG_CFS_BANDWIDTH
/* CPU time per time that the cgroup may use, times BW_UNIT; < 0: no limit. */
static s64 quota_ratio(struct cgroup *cgrp)
{
	struct cgroup_subsys_state *css;
	s64 ratio;

	css = cgroup_get_e_css(cgrp, &cpu_cgrp_subsys);
	ratio = READ_ONCE(css_tg(css)->cfs_bandwidth.hierarchical_quota);
	css_put(css);
	return ratio;
}
#else
static s64 quota_ratio(struct cgroup *cgrp)
{
	return -1;
}
#endif

/**
 * metrics_quota_cpus - how many CPUs a quota can keep busy
 * @ratio: CPU time per time, times BW_UNIT; negative without a quota
 *
 * Return: The number, rounded up, at least 1; UINT_MAX without a quota.
 */
unsigned int metrics_quota_cpus(s64 ratio)
{
	if (ratio < 0)
		return UINT_MAX;
	if (!ratio)
		return 1;
	return min_t(u64, ((u64)ratio + BW_UNIT - 1) >> BW_SHIFT, UINT_MAX);
}
EXPORT_SYMBOL_IF_KUNIT(metrics_quota_cpus);

static void keep_first(struct cpumask *mask, unsigned int n)
{
	int cpu;

	for_each_cpu(cpu, mask) {
		if (n)
			n--;
		else
			cpumask_clear_cpu(cpu, mask);
	}
}

/**
 * metrics_scope_cpus - the CPUs that a scope shows
 * @cgrp: the scope's cgroup
 * @flags: METRICS_NS_QUOTA_CPUS, if it is in force
 * @mask: where to store them
 *
 * Context: Process context.
 */
void metrics_scope_cpus(struct cgroup *cgrp, u32 flags, struct cpumask *mask)
{
	cpuset_cpus(cgrp, mask);
	/* The cpuset's last CPU is gone and it hasn't got another one yet. */
	if (cpumask_empty(mask))
		cpumask_set_cpu(cpumask_first(cpu_online_mask), mask);
	if (flags & METRICS_NS_QUOTA_CPUS)
		keep_first(mask, metrics_quota_cpus(quota_ratio(cgrp)));
}

ssize_t __metrics_ns_show_cpus(const struct cpumask *map, char *buf)
{
	struct metrics_view view;
	cpumask_var_t mask;
	ssize_t len;

	if (map != cpu_online_mask || !metrics_view_current(&view))
		return 0;
	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return -ENOMEM;
	metrics_scope_cpus(view.scope->cgrp, view.flags, mask);
	len = sysfs_emit(buf, "%*pbl\n", cpumask_pr_args(mask));
	free_cpumask_var(mask);
	return len;
}
