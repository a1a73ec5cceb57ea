/* SPDX-License-Identifier: GPL-2.0 */
/* What the scheduler tells about cgroups. */
#ifndef _LINUX_SCHED_CGROUP_H
#define _LINUX_SCHED_CGROUP_H

#include <linux/bits.h>
#include <linux/types.h>

struct cgroup;

/* The unit of sched_cgroup_quota(): what keeps one CPU busy */
#define CGROUP_QUOTA_UNIT	BIT(20)

#ifdef CONFIG_CFS_BANDWIDTH
s64 sched_cgroup_quota(struct cgroup *cgrp);
#else
static inline s64 sched_cgroup_quota(struct cgroup *cgrp)
{
	return -1;
}
#endif

#endif /* _LINUX_SCHED_CGROUP_H */
