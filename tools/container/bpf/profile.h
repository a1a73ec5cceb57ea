/* SPDX-License-Identifier: GPL-2.0 */
/* What cid profile counts: how often a CPU was found in a stack */
#ifndef CID_PROFILE_H
#define CID_PROFILE_H

#define PROFILE_STACKS	8192	/* in a second or so */
#define PROFILE_DEPTH	127	/* the kernel's, if sysctl doesn't say else */
#define PROFILE_COMM	16

struct profile_key {
	__u64 id;	/* the container's, 0 for the host */
	__u32 pid;	/* of the process */
	__s32 user;	/* stacks; negative: none */
	__s32 kernel;
	__u32 unused;
	char comm[PROFILE_COMM];
};

#endif
