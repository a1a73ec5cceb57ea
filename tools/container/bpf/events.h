/* SPDX-License-Identifier: GPL-2.0 */
/* What cid events tells of the life of containers */
#ifndef CID_EVENTS_H
#define CID_EVENTS_H

#define EVENT_NAME	64
#define EVENT_VALUE	128

/* Each is a line, when it happens. */
enum event_kind {
	EVENT_CREATED,		/* other: of the parent */
	EVENT_SET,		/* other: of the scope; ns: of the setter */
	EVENT_JOINED,		/* pid, comm: who */
	EVENT_INACTIVE,
	EVENT_GONE,
	EVENT_FROZEN,		/* other: of the cgroup */
	EVENT_THAWED,
	EVENT_WRITTEN,		/* likewise; id is 0 if the cgroup is nobody's */
	EVENT_OOM_KILL,		/* likewise, pid, comm: the victim */
	EVENT_KINDS,
};

/* These may come often: they are counted, and a line each second. */
enum event_sum {
	SUM_THROTTLED,		/* key.other: the cgroup whose limit it is; ns of its own */
	SUM_SLOWED,		/* ns */
	SUM_MEMORY,		/* the cgroup; key.sub: enum memcg_memory_event */
	SUM_TAKEN,		/* the cgroup that needed it; bytes: pages */
	SUM_PIDS,		/* the cgroup whose limit it is */
	SUM_DENIED,		/* key.sub: enum ns_denial; other: see below */
	SUM_CAPABILITY,		/* key.sub: which */
	EVENT_SUMS,
};

/* In key.other of SUM_DENIED */
#define DENIED_OTHER(_type, _ret)	((__u64)(__u32)(_type) << 32 | (__u32)(_ret))
#define DENIED_TYPE(_other)		((__u32)((_other) >> 32))
#define DENIED_RET(_other)		((__s32)(_other))

struct life_event {
	__u64 at;		/* CLOCK_MONOTONIC, ns */
	__u64 id;		/* of the container, 0: nobody's */
	__u64 ns;		/* ns_id of the metrics namespace itself, of the setter */
	__u64 other;
	__s64 ret;		/* EVENT_WRITTEN: bytes, or a negative errno */
	__u32 kind;
	__u32 mask;		/* EVENT_SET: NS_METRICS_SET_* */
	__u32 flags;		/* EVENT_SET: METRICS_NS_* */
	__u32 pid;		/* of who does it */
	__u32 uid;
	char comm[16];
	char file[EVENT_NAME];	/* EVENT_WRITTEN, of the cgroup */
	char value[EVENT_VALUE];
};

#endif
