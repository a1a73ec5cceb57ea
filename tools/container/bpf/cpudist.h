/* SPDX-License-Identifier: GPL-2.0 */
/* What cid cpudist counts apart */
#ifndef CID_CPUDIST_H
#define CID_CPUDIST_H

enum cpudist_kind {
	CPUDIST_ON_CPU,
	CPUDIST_KINDS,
};

#endif
