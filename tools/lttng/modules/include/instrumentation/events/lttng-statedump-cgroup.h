// SPDX-License-Identifier: GPL-2.0-only

/*
 * The part of lttng-statedump.h that tells of control groups and namespaces. It is
 * included by that one alone, as often as that is read.
 */

#ifndef _TRACE_LTTNG_STATEDUMP_CGROUP_DEF_
#define _TRACE_LTTNG_STATEDUMP_CGROUP_DEF_

#include <linux/cgroup.h>
#include <linux/sched.h>
#include <lttng/kernel-version.h>

#ifdef LTTNG_HAVE_NS_LIST
#include <wrapper/namespace.h>
#endif

/* The ID of a cgroup is one number since. */
#if defined(CONFIG_CGROUPS) && \
	(LTTNG_LINUX_VERSION_CODE >= LTTNG_KERNEL_VERSION(5,5,0))
#define LTTNG_HAVE_STATEDUMP_CGROUP
#endif

/* The limits of a cgroup itself: what its ancestors allow may be less. */
struct lttng_cgroup_limits {
	uint64_t memory_high;
	uint64_t memory_max;
	uint64_t swap_max;
};

#endif

#ifdef LTTNG_HAVE_STATEDUMP_CGROUP

/**
 * lttng_statedump_cgroup - a control group of the default (v2) hierarchy
 * @session: the session that is told
 * @cgrp: the cgroup; ancestors come before descendants
 * @path: its path from the root
 * @limits: in bytes; UINT64_MAX is "max", or that the cgroup has no such controller
 *
 * Fires once for each that was there during all of the state dump. One that was removed
 * and is still charged for something isn't online, and its path may be another one's. One
 * that comes or goes meanwhile may be told or not, and has its cgroup_mkdir or
 * cgroup_rmdir.
 */
LTTNG_TRACEPOINT_EVENT(lttng_statedump_cgroup,
	TP_PROTO(struct lttng_kernel_session *session, struct cgroup *cgrp,
		const char *path, const struct lttng_cgroup_limits *limits),
	TP_ARGS(session, cgrp, path, limits),
	TP_FIELDS(
		ctf_integer(uint64_t, id, cgroup_id(cgrp))
		ctf_integer(uint64_t, parent_id,
			cgroup_parent(cgrp) ? cgroup_id(cgroup_parent(cgrp)) : 0)
		ctf_integer(int, level, cgrp->level)
		ctf_integer(unsigned int, online, !!(cgrp->self.flags & CSS_ONLINE))
		ctf_integer(uint64_t, memory_high, limits->memory_high)
		ctf_integer(uint64_t, memory_max, limits->memory_max)
		ctf_integer(uint64_t, swap_max, limits->swap_max)
		ctf_string(path, path)
	)
)

/**
 * lttng_statedump_process_cgroup - in which control group a thread is
 * @session: the session that is told
 * @p: the thread, maybe one that is dead and not yet reaped
 *
 * @cgroup_id is that of the default hierarchy.
 */
LTTNG_TRACEPOINT_EVENT(lttng_statedump_process_cgroup,
	TP_PROTO(struct lttng_kernel_session *session, struct task_struct *p),
	TP_ARGS(session, p),
	TP_FIELDS(
		ctf_integer(pid_t, tid, p->pid)
		ctf_integer(uint64_t, cgroup_id, cgroup_id(task_dfl_cgroup(p)))
	)
)

#endif /* LTTNG_HAVE_STATEDUMP_CGROUP */

#ifdef LTTNG_HAVE_NS_LIST

LTTNG_TRACEPOINT_ENUM(lttng_statedump_ns_type,
	TP_ENUM_VALUES(
		ctf_enum_value("time", CLONE_NEWTIME)
#ifdef CLONE_NEWMETRICS
		ctf_enum_value("metrics", CLONE_NEWMETRICS)
#endif
		ctf_enum_value("mnt", CLONE_NEWNS)
		ctf_enum_value("cgroup", CLONE_NEWCGROUP)
		ctf_enum_value("uts", CLONE_NEWUTS)
		ctf_enum_value("ipc", CLONE_NEWIPC)
		ctf_enum_value("user", CLONE_NEWUSER)
		ctf_enum_value("pid", CLONE_NEWPID)
		ctf_enum_value("net", CLONE_NEWNET)
	)
)

/**
 * lttng_statedump_namespace - a namespace
 * @session: the session that is told
 * @ns: the namespace
 *
 * ns_id isn't reused in a boot; inum, which the contexts and the state dump of processes
 * have, is. The owner is the user namespace that rules over it, for a user namespace its
 * parent. Parent and level are those of the types that nest, else 0. It is active while
 * a task, a file descriptor or a mount uses it.
 */
LTTNG_TRACEPOINT_EVENT(lttng_statedump_namespace,
	TP_PROTO(struct lttng_kernel_session *session, const struct ns_common *ns),
	TP_ARGS(session, ns),
	TP_FIELDS(
		ctf_integer(uint64_t, ns_id, ns->ns_id)
		ctf_integer(uint64_t, owner_id, wrapper_namespace_owner_id(ns))
		ctf_integer(uint64_t, parent_id, wrapper_namespace_parent_id(ns))
		ctf_enum(lttng_statedump_ns_type, unsigned int, type, ns->ns_type)
		ctf_integer(unsigned int, inum, ns->inum)
		ctf_integer(unsigned int, level, wrapper_namespace_level(ns))
		ctf_integer(unsigned int, active, __ns_ref_active_read(ns) > 0)
	)
)

#endif /* LTTNG_HAVE_NS_LIST */
