/* SPDX-License-Identifier: GPL-2.0 */
/* What the scheduler tells about cgroups. */
#ifndef _LINUX_SCHED_CGROUP_H
#define _LINUX_SCHED_CGROUP_H

#include <linux/bits.h>
#include <linux/types.h>

struct cgroup;
struct cgroup_subsys_state;

/* The unit of sched_cgroup_quota(): what keeps one CPU busy */
#define CGROUP_QUOTA_UNIT	BIT(20)

#ifdef CONFIG_CFS_BANDWIDTH
s64 sched_cgroup_quota(struct cgroup *cgrp);
u64 sched_css_throttled(struct cgroup_subsys_state *css, int cpu);
#else
static inline s64 sched_cgroup_quota(struct cgroup *cgrp)
{
	return -1;
}

static inline u64 sched_css_throttled(struct cgroup_subsys_state *css, int cpu)
{
	return 0;
}
#endif

#endif /* _LINUX_SCHED_CGROUP_H */
