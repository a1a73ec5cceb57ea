/* SPDX-License-Identifier: GPL-2.0 */
/* What cid runqlat counts apart */
#ifndef CID_RUNQLAT_H
#define CID_RUNQLAT_H

enum runqlat_kind {
	RUNQLAT_WAITING,	/* for a CPU that is busy */
	RUNQLAT_THROTTLED,	/* for the next period of cpu.max */
	RUNQLAT_KINDS,
};

#endif
