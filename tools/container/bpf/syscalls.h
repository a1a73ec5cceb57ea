/* SPDX-License-Identifier: GPL-2.0 */
/* How cid syscalls tells system calls apart: trace_key.kind is the number, .sub this. */
#ifndef CID_SYSCALLS_H
#define CID_SYSCALLS_H

enum syscalls_abi {
	SYSCALLS_NATIVE,
	SYSCALLS_COMPAT,	/* of a 32-bit program, which has its own numbers */
};

#endif
