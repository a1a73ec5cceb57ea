/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs that count per container share with what shows their results. */
#ifndef CID_BPF_TRACE_H
#define CID_BPF_TRACE_H

#define TRACE_SLOTS		32	/* powers of two of microseconds */
#define TRACE_CONTAINERS	4096
#define TRACE_ENTRIES		16384	/* unless --rows says otherwise */
#define TRACE_TASKS		32768
#define TRACE_CGROUPS		16384
#define TRACE_NAMES		64	/* that -c can give */
#define TRACE_FILTERS		4096	/* with those that have come since */
#define TRACE_LABEL		72

/* What the user has asked for, and what the kernel has */
struct trace_config {
	__u8 ids;	/* else by PID namespace, as it is walked to */
	__u8 by_top;
	__u8 all;	/* no filter */
	__u8 host;	/* who is in no container as well */
	__u64 user_ns;	/* whose labels are names; 0: there is but one */
};

/* What is counted apart */
struct trace_key {
	__u64 id;	/* the container's, 0 for the host */
	__u64 other;	/* that of another one that has to do with it, if the kind says so */
	__u32 kind;
	__u32 sub;
};

/* Only grows: who reads it shows what has come since the last time. */
struct trace_entry {
	__u64 slots[TRACE_SLOTS];
	__u64 sum;	/* ns */
	__u64 bytes;
	__u64 errors;
	__u64 labelled;	/* the label of the container is known */
};

struct trace_label {
	char text[TRACE_LABEL];
};

/* Whoever gets the label in the same place is meant as well. */
struct trace_followed {
	struct trace_label label;
	__u64 parent_id;	/* 0: out of sight, wherever it is */
};

#endif
