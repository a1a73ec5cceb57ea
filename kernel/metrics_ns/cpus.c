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
#include <linux/cpuset.h>
#include <linux/math64.h>
#include <linux/metrics_ns_view.h>
#include <linux/sched/cgroup.h>
#include <linux/sysfs.h>

#include "internal.h"

/**
 * metrics_quota_cpus - how many CPUs a quota can keep busy
 * @ratio: CPU time per time, times CGROUP_QUOTA_UNIT; negative without a quota
 *
 * Return: The number, rounded up, at least 1; UINT_MAX without a quota.
 */
unsigned int metrics_quota_cpus(s64 ratio)
{
	if (ratio < 0)
		return UINT_MAX;
	if (!ratio)
		return 1;
	return min_t(u64, DIV_ROUND_UP_ULL(ratio, CGROUP_QUOTA_UNIT), UINT_MAX);
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
	cpuset_cgroup_cpus(cgrp, mask);
	/* The cpuset's last CPU is gone and it hasn't got another one yet. */
	if (cpumask_empty(mask))
		cpumask_set_cpu(cpumask_first(cpu_online_mask), mask);
	if (flags & METRICS_NS_QUOTA_CPUS)
		keep_first(mask, metrics_quota_cpus(sched_cgroup_quota(cgrp)));
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
