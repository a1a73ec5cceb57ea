/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs tell the test */
#ifndef EVENTS_H
#define EVENTS_H

#include <linux/types.h>

#define EVENT_ARGS	7
#define EVENT_TEXT	128

/* One for each program */
enum event_kind {
	NAMESPACE_CREATE,
	NAMESPACE_CREATE_RAW,
	NAMESPACE_FREE,
	NAMESPACE_ACTIVE,
	NAMESPACE_INACTIVE,
	NAMESPACE_SWITCH,
	NAMESPACE_INSTALL,
	NAMESPACE_DENIED,
	METRICS_NS_CREATE,
	METRICS_NS_SET,
	CGROUP_FORK_INTO,
	CGROUP_FILE_WRITE,
	PIDS_MAX,
	MEMCG_EVENT,
	MEMCG_HIGH_THROTTLE,
	MEMCG_RECLAIM,
	MEMCG_REFAULT,
	MARK_VICTIM,
	CAP_CAPABLE,
	SCHED_CFS_THROTTLE,
	SCHED_CFS_UNTHROTTLE,
	SCHED_CFS_THROTTLE_TASK,
};

struct event {
	__u32 kind;
	__u32 pid;			/* the process that traces it */
	__u64 arg[EVENT_ARGS];		/* pointers are told by an ID */
	char text[EVENT_TEXT];		/* if an argument is one */
	char name[EVENT_TEXT];		/* if there are two */
};

#endif
