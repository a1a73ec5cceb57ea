// SPDX-License-Identifier: GPL-2.0
/*
 * Pressure of a view: /proc/pressure.
 *
 * What is shown is the pressure of the scope's cgroup, as its own files show it.
 * A trigger is bound to the group that is in force when it is written, whatever
 * happens to the file or its writer later. So it holds a reference on the cgroup
 * until it is gone: a namespace, and with it the scope, may end before that.
 *
 * Where cgroups have no pressure, with cgroup_disable=pressure, it is the
 * machine's.
 */

#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/metrics_ns_view.h>
#include <linux/psi.h>

#include "internal.h"

/* Valid as long as current doesn't change its namespace. */
struct psi_group *__metrics_ns_psi(void)
{
	struct metrics_view view;

	if (!metrics_view_current(&view) || !view.scope->cgrp->psi)
		return &psi_system;
	return view.scope->cgrp->psi;
}

struct psi_group *__metrics_ns_psi_get(void)
{
	struct psi_group *group = __metrics_ns_psi();

	if (group->cgroup)
		cgroup_get(group->cgroup);
	return group;
}

void metrics_ns_psi_put(struct psi_group *group)
{
	if (group->cgroup)
		cgroup_put(group->cgroup);
}
