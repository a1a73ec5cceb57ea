// SPDX-License-Identifier: GPL-2.0
/*
 * Pressure of a view: /proc/pressure.
 *
 * What is shown is the pressure of the scope's cgroup, as its own files show it.
 * A trigger is bound to the group that is in force when it is written, whatever
 * happens to the file or its writer later. So it holds a reference on the
 * writer's namespace, as the file itself would if it were one of nsfs: that keeps
 * the scope, which may be an ancestor's, and so the group. How many there may be
 * of namespaces is limited.
 *
 * Where cgroups have no pressure, with cgroup_disable=pressure, it is the
 * machine's.
 */

#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/metrics_ns.h>
#include <linux/metrics_ns_view.h>
#include <linux/psi.h>

#include "internal.h"

struct psi_group *__metrics_ns_psi(struct seq_file *m)
{
	struct metrics_view view;

	if (!metrics_view_of(m, &view) || !view.scope->cgrp->psi)
		return &psi_system;
	return view.scope->cgrp->psi;
}

struct metrics_namespace *__metrics_ns_psi_pin(void)
{
	struct metrics_view view;

	if (!metrics_view_current(&view))
		return NULL;
	return get_metrics_ns(current->nsproxy->metrics_ns);
}

bool __metrics_ns_psi_privileged(const struct cred *cred)
{
	struct metrics_view view;

	return !metrics_view_current(&view) || cred->user_ns == &init_user_ns;
}
