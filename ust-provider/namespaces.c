// SPDX-License-Identifier: GPL-2.0
/*
 * Metrics namespaces that are no runtime's containers: what 'cid run' starts, or any other
 * program. The kernel says who they are; who is in them, /proc does.
 */

#include <stdio.h>

#include "container.h"
#include "sources.h"

static void report_namespace(const struct inventory *inv, const struct container *c)
{
	const struct process *first = container_first(inv, c);
	char id[24];
	const struct report r = {
		.what = REPORT_SEEN,
		.state = STATE_RUNNING,
		.rank = RANK_CGROUP,
		.family = FAMILY_KERNEL,
		.runtime = "metrics_ns",
		.id = id,
		.name = c->label,
		.cgroup = c->cgroup,
		.pid = first ? first->pid : 0,
		REPORT_INIT,
	};

	snprintf(id, sizeof(id), "%llu", (unsigned long long)c->info.id);
	registry_report(&r);
}

/**
 * namespaces_report - report metrics namespaces that have processes
 * @wanted: those that are meant
 */
void namespaces_report(bool (*wanted)(uint64_t id))
{
	struct inventory inv;

	if (!inventory_load(&inv))
		for (size_t i = 0; i < inv.nr; i++) {
			const struct container *c = &inv.containers[i];

			if (c->has_id && c->nr_procs && wanted(c->info.id))
				report_namespace(&inv, c);
		}
	inventory_free(&inv);
}
