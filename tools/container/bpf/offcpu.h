/* SPDX-License-Identifier: GPL-2.0 */
/* What cid offcpu counts apart: why a task doesn't have a CPU */
#ifndef CID_OFFCPU_H
#define CID_OFFCPU_H

enum offcpu_kind {
	/* It could run. */
	OFFCPU_THROTTLED,	/* but for its cgroup's limit */
	OFFCPU_PREEMPTED,	/* another one has its CPU */
	OFFCPU_RUNQUEUE,	/* it was woken, and no CPU is free yet */
	/* It couldn't. */
	OFFCPU_IO,
	OFFCPU_LOCK,		/* of the kernel's, or a futex */
	OFFCPU_SLEEP,		/* for a time */
	OFFCPU_STOPPED,		/* or frozen, or traced */
	OFFCPU_WAIT,		/* for anything else: data, a child, a signal */
	OFFCPU_KINDS,
};

/* Numbers of system calls, -1 for what there isn't */
struct offcpu_syscalls {
	int futex[4];
	int sleep[2];
};

#endif
