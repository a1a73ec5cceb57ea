// SPDX-License-Identifier: GPL-2.0-only

#undef TRACE_SYSTEM
#define TRACE_SYSTEM oom

#if !defined(LTTNG_TRACE_OOM_H) || defined(TRACE_HEADER_MULTI_READ)
#define LTTNG_TRACE_OOM_H

#include <lttng/tracepoint-event.h>
#include <linux/compaction.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#ifndef _TRACE_OOM_DEF_
#define _TRACE_OOM_DEF_

/* Who is killed for memory has some: task->mm is there, and sizes are in KiB. */
#define LTTNG_FIELDS_OOM_VICTIM						\
		ctf_integer(int, pid, task->pid)			\
		ctf_array_text(char, comm, task->comm, TASK_COMM_LEN)	\
		ctf_integer(unsigned long, total_vm,			\
			task->mm->total_vm << (PAGE_SHIFT - 10))	\
		ctf_integer(unsigned long, anon_rss,			\
			get_mm_counter(task->mm, MM_ANONPAGES) << (PAGE_SHIFT - 10)) \
		ctf_integer(unsigned long, file_rss,			\
			get_mm_counter(task->mm, MM_FILEPAGES) << (PAGE_SHIFT - 10)) \
		ctf_integer(unsigned long, shmem_rss,			\
			get_mm_counter(task->mm, MM_SHMEMPAGES) << (PAGE_SHIFT - 10)) \
		ctf_integer(uid_t, uid, uid)				\
		ctf_integer(unsigned long, pgtables,			\
			mm_pgtables_bytes(task->mm) >> 10)		\
		ctf_integer(short, oom_score_adj, task->signal->oom_score_adj)

#endif /* _TRACE_OOM_DEF_ */

/* What has which number depends on the kernel's configuration. */
LTTNG_TRACEPOINT_ENUM(oom_zone_type,

	TP_ENUM_VALUES(
#ifdef CONFIG_ZONE_DMA
		ctf_enum_value("DMA", ZONE_DMA)
#endif
#ifdef CONFIG_ZONE_DMA32
		ctf_enum_value("DMA32", ZONE_DMA32)
#endif
		ctf_enum_value("Normal", ZONE_NORMAL)
#ifdef CONFIG_HIGHMEM
		ctf_enum_value("HighMem", ZONE_HIGHMEM)
#endif
		ctf_enum_value("Movable", ZONE_MOVABLE)
	)
)

/**
 * oom_score_adj_update - called when a process gets another oom_score_adj
 * @task: the process
 */
LTTNG_TRACEPOINT_EVENT(oom_score_adj_update,

	TP_PROTO(struct task_struct *task),

	TP_ARGS(task),

	TP_FIELDS(
		ctf_integer(pid_t, pid, task->pid)
		ctf_array_text(char, comm, task->comm, TASK_COMM_LEN)
		ctf_integer(short, oom_score_adj, task->signal->oom_score_adj)
	)
)

/**
 * reclaim_retry_zone - called when an allocation may try to reclaim once more
 * @zoneref: the zone that is asked whether that may help
 * @order: the allocation's: 2^order pages
 * @reclaimable: how many pages could be reclaimed there
 * @available: these, and those that are free
 * @min_wmark: how many pages have to stay free
 * @no_progress_loops: how many attempts have yielded nothing
 * @wmark_check: it may help
 */
LTTNG_TRACEPOINT_EVENT_MAP(reclaim_retry_zone,

	oom_reclaim_retry_zone,

	TP_PROTO(struct zoneref *zoneref,
		int order,
		unsigned long reclaimable,
		unsigned long available,
		unsigned long min_wmark,
		int no_progress_loops,
		bool wmark_check),

	TP_ARGS(zoneref, order, reclaimable, available, min_wmark, no_progress_loops, wmark_check),

	TP_FIELDS(
		ctf_integer(int, node, zonelist_node_idx(zoneref))
		ctf_enum(oom_zone_type, int, zone_idx, zonelist_zone_idx(zoneref))
		ctf_integer(int, order, order)
		ctf_integer(unsigned long, reclaimable, reclaimable)
		ctf_integer(unsigned long, available, available)
		ctf_integer(unsigned long, min_wmark, min_wmark)
		ctf_integer(int, no_progress_loops, no_progress_loops)
		ctf_integer(bool, wmark_check, wmark_check)
	)
)

#ifdef LTTNG_HAVE_MARK_VICTIM_MEMCG_ID
/**
 * mark_victim - called when a task is to die so that there is memory
 * @task: the task
 * @uid: its user, as the initial user namespace has it
 * @memcg_id: ID of the cgroup that its memory is charged to
 */
LTTNG_TRACEPOINT_EVENT_MAP(mark_victim,

	oom_mark_victim,

	TP_PROTO(struct task_struct *task, uid_t uid, u64 memcg_id),

	TP_ARGS(task, uid, memcg_id),

	TP_FIELDS(
		LTTNG_FIELDS_OOM_VICTIM
		ctf_integer(u64, memcg_id, memcg_id)
	)
)
#else /* LTTNG_HAVE_MARK_VICTIM_MEMCG_ID */
/**
 * mark_victim - called when a task is to die so that there is memory
 * @task: the task
 * @uid: its user, as the initial user namespace has it
 */
LTTNG_TRACEPOINT_EVENT_MAP(mark_victim,

	oom_mark_victim,

	TP_PROTO(struct task_struct *task, uid_t uid),

	TP_ARGS(task, uid),

	TP_FIELDS(
		LTTNG_FIELDS_OOM_VICTIM
	)
)
#endif /* LTTNG_HAVE_MARK_VICTIM_MEMCG_ID */

LTTNG_TRACEPOINT_EVENT_CLASS(oom_reaper,

	TP_PROTO(int pid),

	TP_ARGS(pid),

	TP_FIELDS(
		ctf_integer(int, pid, pid)
	)
)

/**
 * wake_reaper - called when the OOM reaper is to take the memory of a victim
 * @pid: the victim, which has not died in the two seconds that it had
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE_MAP(oom_reaper, wake_reaper,

	oom_wake_reaper,

	TP_PROTO(int pid),

	TP_ARGS(pid)
)

/**
 * start_task_reaping - called when the OOM reaper begins with a victim
 * @pid: the victim
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE_MAP(oom_reaper, start_task_reaping,

	oom_start_task_reaping,

	TP_PROTO(int pid),

	TP_ARGS(pid)
)

/**
 * finish_task_reaping - called when the OOM reaper is done with a victim
 * @pid: the victim
 *
 * It may have got only a part of the memory, and try again.
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE_MAP(oom_reaper, finish_task_reaping,

	oom_finish_task_reaping,

	TP_PROTO(int pid),

	TP_ARGS(pid)
)

/**
 * skip_task_reaping - called when the OOM reaper can't have a victim's memory
 * @pid: the victim, which frees it by itself, or whose mmap lock is taken
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE_MAP(oom_reaper, skip_task_reaping,

	oom_skip_task_reaping,

	TP_PROTO(int pid),

	TP_ARGS(pid)
)

#ifdef CONFIG_COMPACTION
LTTNG_TRACEPOINT_ENUM(oom_compact_priority,

	TP_ENUM_VALUES(
		ctf_enum_value("COMPACT_PRIO_SYNC_FULL", COMPACT_PRIO_SYNC_FULL)
		ctf_enum_value("COMPACT_PRIO_SYNC_LIGHT", COMPACT_PRIO_SYNC_LIGHT)
		ctf_enum_value("COMPACT_PRIO_ASYNC", COMPACT_PRIO_ASYNC)
	)
)

LTTNG_TRACEPOINT_ENUM(oom_compact_feedback,

	TP_ENUM_VALUES(
		ctf_enum_value("failed", COMPACTION_FAILED)
		ctf_enum_value("withdrawn", COMPACTION_WITHDRAWN)
		ctf_enum_value("progress", COMPACTION_PROGRESS)
	)
)

/**
 * compact_retry - called when an allocation may try to compact once more
 * @order: the allocation's: 2^order pages
 * @priority: how hard the last attempt was; fewer is harder
 * @result: what it came to; in the record, summed up as failed, withdrawn (it has
 *	not looked at all memory) or progress
 * @retries: how many there were with this priority
 * @max_retries: how many there may be after progress
 * @ret: another is made
 */
LTTNG_TRACEPOINT_EVENT_MAP(compact_retry,

	oom_compact_retry,

	TP_PROTO(int order,
		enum compact_priority priority,
		enum compact_result result,
		int retries,
		int max_retries,
		bool ret),

	TP_ARGS(order, priority, result, retries, max_retries, ret),

	TP_FIELDS(
		ctf_integer(int, order, order)
		ctf_enum(oom_compact_priority, int, priority, priority)
		ctf_enum(oom_compact_feedback, int, result, compact_result_to_feedback(result))
		ctf_integer(int, retries, retries)
		ctf_integer(int, max_retries, max_retries)
		ctf_integer(bool, ret, ret)
	)
)
#endif /* CONFIG_COMPACTION */

#endif /* LTTNG_TRACE_OOM_H */

/* This part must be outside protection */
#include <lttng/define_trace.h>
