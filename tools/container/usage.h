/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_USAGE_H
#define CID_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "container.h"

/* What a container has used since it is there. A number that isn't known: -1 */
struct usage {
	bool has_id;
	uint64_t key;		/* ID, or the pid namespace's without one */
	double cpu_usec;
	double throttled_usec;
	double memory;
	double memory_limit;
	double io_read;
	double io_write;
	double net_rx;
	double net_tx;
	bool net_host;		/* its network is the host's */
	double pids;
};

struct snapshot {
	struct usage *usage;	/* in the order of the inventory's containers */
	size_t nr;
	double when;		/* seconds */
};

void snapshot_take(struct snapshot *snap, const struct inventory *inv);
void snapshot_free(struct snapshot *snap);
const struct usage *snapshot_find(const struct snapshot *snap,
				  const struct usage *like);

#endif
