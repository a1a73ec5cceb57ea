// SPDX-License-Identifier: GPL-2.0-only

#undef TRACE_SYSTEM
#define TRACE_SYSTEM cgroup

#if !defined(LTTNG_TRACE_CGROUP_H) || defined(TRACE_HEADER_MULTI_READ)
#define LTTNG_TRACE_CGROUP_H

#include <lttng/tracepoint-event.h>
#include <linux/cgroup.h>
#include <linux/sched.h>

#ifndef _TRACE_CGROUP_DEF_
#define _TRACE_CGROUP_DEF_

/* A cgroup keeps its parent until it is freed, after its last event. */
static inline u64 lttng_cgroup_parent_id(struct cgroup *cgrp)
{
	struct cgroup *parent = cgroup_parent(cgrp);

	return parent ? cgroup_id(parent) : 0;
}

#endif /* _TRACE_CGROUP_DEF_ */

LTTNG_TRACEPOINT_EVENT_CLASS(cgroup_root,

	TP_PROTO(struct cgroup_root *root),

	TP_ARGS(root),

	TP_FIELDS(
		ctf_integer(int, root, root->hierarchy_id)
		ctf_integer_hex(u32, ss_mask, root->subsys_mask)
		ctf_string(name, root->name)
	)
)

/**
 * cgroup_setup_root - called when a hierarchy has been made
 * @root: the hierarchy
 *
 * root is its ID, 0 for the default hierarchy; ss_mask has a bit for each of its
 * controllers, by the kernel's number; name is that of a hierarchy without any.
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup_root, cgroup_setup_root,

	TP_PROTO(struct cgroup_root *root),

	TP_ARGS(root)
)

/**
 * cgroup_destroy_root - called when a hierarchy is about to go
 * @root: the hierarchy
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup_root, cgroup_destroy_root,

	TP_PROTO(struct cgroup_root *root),

	TP_ARGS(root)
)

/**
 * cgroup_remount - called when a version 1 hierarchy was mounted anew
 * @root: the hierarchy
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup_root, cgroup_remount,

	TP_PROTO(struct cgroup_root *root),

	TP_ARGS(root)
)

/*
 * id is what name_to_handle_at(2) has for the cgroup's directory; level is 0 for a
 * root. parent_id, 0 for a root, is not in the kernel's own record: with it, the
 * tree can be followed by IDs, which are not used again as paths are.
 */
LTTNG_TRACEPOINT_EVENT_CLASS(cgroup,

	TP_PROTO(struct cgroup *cgrp, const char *path),

	TP_ARGS(cgrp, path),

	TP_FIELDS(
		ctf_integer(int, root, cgrp->root->hierarchy_id)
		ctf_integer(int, level, cgrp->level)
		ctf_integer(u64, id, cgroup_id(cgrp))
		ctf_integer(u64, parent_id, lttng_cgroup_parent_id(cgrp))
		ctf_string(path, path)
	)
)

/**
 * cgroup_mkdir - called when a cgroup has been made
 * @cgrp: the cgroup
 * @path: its path in the hierarchy
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup, cgroup_mkdir,

	TP_PROTO(struct cgroup *cgrp, const char *path),

	TP_ARGS(cgrp, path)
)

/**
 * cgroup_rmdir - called when a cgroup has been removed
 * @cgrp: the cgroup
 * @path: its path in the hierarchy
 *
 * What it is still charged for keeps it, see cgroup_release.
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup, cgroup_rmdir,

	TP_PROTO(struct cgroup *cgrp, const char *path),

	TP_ARGS(cgrp, path)
)

/**
 * cgroup_release - called when nothing refers to a removed cgroup any longer
 * @cgrp: the cgroup
 * @path: its path in the hierarchy
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup, cgroup_release,

	TP_PROTO(struct cgroup *cgrp, const char *path),

	TP_ARGS(cgrp, path)
)

/**
 * cgroup_rename - called when a cgroup of version 1 has another name
 * @cgrp: the cgroup
 * @path: its new path
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup, cgroup_rename,

	TP_PROTO(struct cgroup *cgrp, const char *path),

	TP_ARGS(cgrp, path)
)

/**
 * cgroup_freeze - called when the tasks of a cgroup are told to freeze
 * @cgrp: the cgroup
 * @path: its path in the hierarchy
 *
 * They have when cgroup_notify_frozen says so.
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup, cgroup_freeze,

	TP_PROTO(struct cgroup *cgrp, const char *path),

	TP_ARGS(cgrp, path)
)

/**
 * cgroup_unfreeze - called when the tasks of a cgroup are told to go on
 * @cgrp: the cgroup
 * @path: its path in the hierarchy
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup, cgroup_unfreeze,

	TP_PROTO(struct cgroup *cgrp, const char *path),

	TP_ARGS(cgrp, path)
)

LTTNG_TRACEPOINT_EVENT_CLASS(cgroup_migrate,

	TP_PROTO(struct cgroup *dst_cgrp, const char *path,
		 struct task_struct *task, bool threadgroup),

	TP_ARGS(dst_cgrp, path, task, threadgroup),

	TP_FIELDS(
		ctf_integer(int, dst_root, dst_cgrp->root->hierarchy_id)
		ctf_integer(int, dst_level, dst_cgrp->level)
		ctf_integer(u64, dst_id, cgroup_id(dst_cgrp))
		ctf_string(dst_path, path)
		ctf_integer(int, pid, task->pid)
		ctf_array_text(char, comm, task->comm, TASK_COMM_LEN)
	)
)

/**
 * cgroup_attach_task - called when somebody has moved a task to a cgroup
 * @dst_cgrp: the cgroup
 * @path: its path in the hierarchy
 * @task: the task, or the leader of the process
 * @threadgroup: the whole process was moved
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup_migrate, cgroup_attach_task,

	TP_PROTO(struct cgroup *dst_cgrp, const char *path,
		 struct task_struct *task, bool threadgroup),

	TP_ARGS(dst_cgrp, path, task, threadgroup)
)

#ifdef LTTNG_HAVE_CGROUP_FORK_INTO
/**
 * cgroup_fork_into - called when a new task begins in the cgroup named for it
 * @dst_cgrp: the cgroup, of the default hierarchy
 * @path: its path in the hierarchy
 * @task: the new task, which has not run yet
 * @threadgroup: false
 *
 * This is clone3(2) with CLONE_INTO_CGROUP; there is no cgroup_attach_task then.
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup_migrate, cgroup_fork_into,

	TP_PROTO(struct cgroup *dst_cgrp, const char *path,
		 struct task_struct *task, bool threadgroup),

	TP_ARGS(dst_cgrp, path, task, threadgroup)
)
#endif /* LTTNG_HAVE_CGROUP_FORK_INTO */

/**
 * cgroup_transfer_tasks - called when a task has to leave a cpuset without CPUs
 * @dst_cgrp: the cgroup that it is moved to, of version 1
 * @path: its path in the hierarchy
 * @task: the task
 * @threadgroup: false
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup_migrate, cgroup_transfer_tasks,

	TP_PROTO(struct cgroup *dst_cgrp, const char *path,
		 struct task_struct *task, bool threadgroup),

	TP_ARGS(dst_cgrp, path, task, threadgroup)
)

LTTNG_TRACEPOINT_EVENT_CLASS(cgroup_event,

	TP_PROTO(struct cgroup *cgrp, const char *path, int val),

	TP_ARGS(cgrp, path, val),

	TP_FIELDS(
		ctf_integer(int, root, cgrp->root->hierarchy_id)
		ctf_integer(int, level, cgrp->level)
		ctf_integer(u64, id, cgroup_id(cgrp))
		ctf_string(path, path)
		ctf_integer(int, val, val)
	)
)

/**
 * cgroup_notify_populated - called when "populated" in cgroup.events changes
 * @cgrp: the cgroup
 * @path: its path in the hierarchy
 * @val: 1 if there are tasks in it or below it, 0 if not
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup_event, cgroup_notify_populated,

	TP_PROTO(struct cgroup *cgrp, const char *path, int val),

	TP_ARGS(cgrp, path, val)
)

/**
 * cgroup_notify_frozen - called when "frozen" in cgroup.events may have changed
 * @cgrp: the cgroup
 * @path: its path in the hierarchy
 * @val: 1 if all tasks in it and below it are frozen, 0 if not
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup_event, cgroup_notify_frozen,

	TP_PROTO(struct cgroup *cgrp, const char *path, int val),

	TP_ARGS(cgrp, path, val)
)

LTTNG_TRACEPOINT_EVENT_CLASS(cgroup_rstat,

	TP_PROTO(struct cgroup *cgrp, int cpu, bool contended),

	TP_ARGS(cgrp, cpu, contended),

	TP_FIELDS(
		ctf_integer(int, root, cgrp->root->hierarchy_id)
		ctf_integer(int, level, cgrp->level)
		ctf_integer(u64, id, cgroup_id(cgrp))
		ctf_integer(int, cpu, cpu)
		ctf_integer(bool, contended, contended)
	)
)

/**
 * cgroup_rstat_lock_contended - called before waiting for the statistics' lock
 * @cgrp: the cgroup whose statistics are to be collected
 * @cpu: the CPU whose part is to be collected, or -1 for all
 * @contended: true
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup_rstat, cgroup_rstat_lock_contended,

	TP_PROTO(struct cgroup *cgrp, int cpu, bool contended),

	TP_ARGS(cgrp, cpu, contended)
)

/**
 * cgroup_rstat_locked - called with the statistics' lock taken
 * @cgrp: the cgroup whose statistics are to be collected
 * @cpu: the CPU whose part is to be collected, or -1 for all
 * @contended: it had to be waited for
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup_rstat, cgroup_rstat_locked,

	TP_PROTO(struct cgroup *cgrp, int cpu, bool contended),

	TP_ARGS(cgrp, cpu, contended)
)

/**
 * cgroup_rstat_unlock - called before the statistics' lock is released
 * @cgrp: the cgroup whose statistics were collected
 * @cpu: the CPU whose part was collected, or -1 for all
 * @contended: false
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE(cgroup_rstat, cgroup_rstat_unlock,

	TP_PROTO(struct cgroup *cgrp, int cpu, bool contended),

	TP_ARGS(cgrp, cpu, contended)
)

#ifdef LTTNG_HAVE_CGROUP_FILE_WRITE
/**
 * cgroup_file_write - called when somebody has written to a file of a cgroup
 * @root: ID of the hierarchy
 * @id: ID of the cgroup, which may be gone already
 * @file: name of the file
 * @value: what was written, without white space around it, cut after 127 bytes
 * @ret: what the writer gets: the number of bytes, or a negative errno
 *
 * @value is a user's text as it is; the kernel's own record escapes it, for who
 * reads that as lines of text. Here nothing has to be: a string of CTF holds
 * whatever bytes there are before the NUL, which is there. It needs not be UTF-8,
 * and to show it safely is up to who reads the trace.
 */
LTTNG_TRACEPOINT_EVENT(cgroup_file_write,

	TP_PROTO(int root, u64 id, const char *file, const char *value,
		 ssize_t ret),

	TP_ARGS(root, id, file, value, ret),

	TP_FIELDS(
		ctf_integer(u64, id, id)
		ctf_integer(ssize_t, ret, ret)
		ctf_integer(int, root, root)
		ctf_string(file, file)
		ctf_string(value, value)
	)
)
#endif /* LTTNG_HAVE_CGROUP_FILE_WRITE */

#ifdef LTTNG_HAVE_PIDS_MAX
/**
 * pids_max - called when a fork fails with EAGAIN because of pids.max
 * @cgrp: the cgroup in which the new task would have been or, where that has no
 *	pids controller, the nearest ancestor that has one
 * @limit_cgrp: the cgroup whose limit it is, the same or an ancestor
 */
LTTNG_TRACEPOINT_EVENT_MAP(pids_max,

	cgroup_pids_max,

	TP_PROTO(struct cgroup *cgrp, struct cgroup *limit_cgrp),

	TP_ARGS(cgrp, limit_cgrp),

	TP_FIELDS(
		ctf_integer(u64, id, cgroup_id(cgrp))
		ctf_integer(u64, limit_id, cgroup_id(limit_cgrp))
		ctf_integer(int, root, cgrp->root->hierarchy_id)
	)
)
#endif /* LTTNG_HAVE_PIDS_MAX */

#endif /* LTTNG_TRACE_CGROUP_H */

/* This part must be outside protection */
#include <lttng/define_trace.h>
