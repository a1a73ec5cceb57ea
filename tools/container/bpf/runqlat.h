/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the program of cid runqlat and what shows its results. */
#ifndef CID_RUNQLAT_H
#define CID_RUNQLAT_H

#define RUNQLAT_SLOTS		32	/* powers of two of microseconds */
#define RUNQLAT_CONTAINERS	4096
#define RUNQLAT_FILTERS		64
#define RUNQLAT_LABEL		72

enum runqlat_kind {
	RUNQLAT_WAITING,	/* for a CPU that is busy */
	RUNQLAT_THROTTLED,	/* for the next period of cpu.max */
	RUNQLAT_KINDS,
};

struct runqlat_hist {
	__u64 slots[RUNQLAT_SLOTS];
	__u64 count;
	__u64 sum;		/* ns */
};

/* What is kept of a container, and of whom is in none, with the ID 0 */
struct runqlat_entry {
	struct runqlat_hist hists[RUNQLAT_KINDS];
	char label[RUNQLAT_LABEL];
};

#endif
