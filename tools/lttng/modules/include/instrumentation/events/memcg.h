// SPDX-License-Identifier: GPL-2.0-only

#undef TRACE_SYSTEM
#define TRACE_SYSTEM memcg

#if !defined(LTTNG_TRACE_MEMCG_H) || defined(TRACE_HEADER_MULTI_READ)
#define LTTNG_TRACE_MEMCG_H

#include <lttng/tracepoint-event.h>
#include <linux/cgroup.h>
#include <linux/jiffies.h>
#include <linux/memcontrol.h>
#include <linux/mmzone.h>

LTTNG_TRACEPOINT_EVENT_CLASS(memcg_rstat_stats,

	TP_PROTO(struct mem_cgroup *memcg, int item, long val),

	TP_ARGS(memcg, item, val),

	TP_FIELDS(
		ctf_integer(u64, id, cgroup_id(memcg->css.cgroup))
		ctf_integer(int, item, item)
		ctf_integer(long, val, val)
	)
)

/**
 * mod_memcg_state - called when a counter of a memory cgroup moves
 * @memcg: the cgroup
 * @item: which, of the kernel's enum memcg_stat_item
 * @val: by how much: in pages, also what is counted in bytes or KiB, rounded but
 *	not to 0
 *
 * The numbers of @item depend on the kernel's version and configuration.
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE_MAP(memcg_rstat_stats, mod_memcg_state,

	memcg_mod_state,

	TP_PROTO(struct mem_cgroup *memcg, int item, long val),

	TP_ARGS(memcg, item, val)
)

/**
 * mod_memcg_lruvec_state - called when a counter of a memory cgroup's node moves
 * @memcg: the cgroup
 * @item: which, of the kernel's enum node_stat_item
 * @val: by how much, as with mod_memcg_state
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE_MAP(memcg_rstat_stats, mod_memcg_lruvec_state,

	memcg_mod_lruvec_state,

	TP_PROTO(struct mem_cgroup *memcg, int item, long val),

	TP_ARGS(memcg, item, val)
)

LTTNG_TRACEPOINT_EVENT_CLASS(memcg_rstat_events,

	TP_PROTO(struct mem_cgroup *memcg, int item, unsigned long val),

	TP_ARGS(memcg, item, val),

	TP_FIELDS(
		ctf_integer(u64, id, cgroup_id(memcg->css.cgroup))
		ctf_integer(int, item, item)
		ctf_integer(unsigned long, val, val)
	)
)

/**
 * count_memcg_events - called when events of a memory cgroup are counted
 * @memcg: the cgroup
 * @item: which, of the kernel's enum vm_event_item
 * @val: how many
 */
LTTNG_TRACEPOINT_EVENT_INSTANCE_MAP(memcg_rstat_events, count_memcg_events,

	memcg_count_events,

	TP_PROTO(struct mem_cgroup *memcg, int item, unsigned long val),

	TP_ARGS(memcg, item, val)
)

/**
 * memcg_flush_stats - called when somebody wants the statistics of a cgroup
 * @memcg: the cgroup
 * @stats_updates: about how much has changed since they were collected
 * @force: collect them anyway
 * @needs_flush: enough has changed to collect them
 *
 * If neither, they are taken as they are.
 */
LTTNG_TRACEPOINT_EVENT(memcg_flush_stats,

	TP_PROTO(struct mem_cgroup *memcg, s64 stats_updates,
		bool force, bool needs_flush),

	TP_ARGS(memcg, stats_updates, force, needs_flush),

	TP_FIELDS(
		ctf_integer(u64, id, cgroup_id(memcg->css.cgroup))
		ctf_integer(s64, stats_updates, stats_updates)
		ctf_integer(bool, force, force)
		ctf_integer(bool, needs_flush, needs_flush)
	)
)

#ifdef LTTNG_HAVE_MEMCG_EVENT
/* As memory.events and memory.swap.events have them. */
LTTNG_TRACEPOINT_ENUM(memcg_memory_event,

	TP_ENUM_VALUES(
		ctf_enum_value("low", MEMCG_LOW)
		ctf_enum_value("high", MEMCG_HIGH)
		ctf_enum_value("max", MEMCG_MAX)
		ctf_enum_value("oom", MEMCG_OOM)
		ctf_enum_value("oom_kill", MEMCG_OOM_KILL)
		ctf_enum_value("oom_group_kill", MEMCG_OOM_GROUP_KILL)
		ctf_enum_value("swap_high", MEMCG_SWAP_HIGH)
		ctf_enum_value("swap_max", MEMCG_SWAP_MAX)
		ctf_enum_value("swap_fail", MEMCG_SWAP_FAIL)
		ctf_enum_value("sock_throttled", MEMCG_SOCK_THROTTLED)
	)
)

/**
 * memcg_event - called when a limit or a protection of memory comes to bear
 * @memcg: the cgroup on which memory.events.local counts it
 * @event: what
 *
 * Of high, max and oom, @memcg is the one whose limit it is; of the others the one
 * that it happens to, and the limit may be an ancestor's.
 */
LTTNG_TRACEPOINT_EVENT(memcg_event,

	TP_PROTO(struct mem_cgroup *memcg, enum memcg_memory_event event),

	TP_ARGS(memcg, event),

	TP_FIELDS(
		ctf_integer(u64, memcg_id, mem_cgroup_id(memcg))
		ctf_enum(memcg_memory_event, int, event, event)
	)
)
#endif /* LTTNG_HAVE_MEMCG_EVENT */

#ifdef LTTNG_HAVE_MEMCG_HIGH_THROTTLE
/**
 * memcg_high_throttle - called when a task is to sleep because of memory.high
 * @memcg: the memory cgroup of the task. The limit may be an ancestor's, and may be
 *	memory.swap.high.
 * @penalty: for how long, in jiffies; in microseconds in the record
 *
 * A signal that kills it ends the sleep.
 */
LTTNG_TRACEPOINT_EVENT(memcg_high_throttle,

	TP_PROTO(struct mem_cgroup *memcg, unsigned long penalty),

	TP_ARGS(memcg, penalty),

	TP_FIELDS(
		ctf_integer(u64, memcg_id, mem_cgroup_id(memcg))
		ctf_integer(unsigned int, penalty_us, jiffies_to_usecs(penalty))
	)
)
#endif /* LTTNG_HAVE_MEMCG_HIGH_THROTTLE */

#ifdef LTTNG_HAVE_MEMCG_RECLAIM
/**
 * memcg_reclaim - called when pages of a cgroup were looked at, to evict them
 * @target: the cgroup that has to shrink, or NULL: the machine needs memory
 * @lruvec: whose pages they are, and on which node
 * @nr_scanned: how many were looked at
 * @nr_reclaimed: how many were evicted, or demoted to a slower node
 * @priority: how hard the reclaimer tries, from 12 down to 0
 * @file: of files, and not anonymous
 *
 * Called for each batch of some dozen pages. The victim is @target or below it. In
 * the record, the target of the machine is the root.
 */
LTTNG_TRACEPOINT_EVENT(memcg_reclaim,

	TP_PROTO(struct mem_cgroup *target, struct lruvec *lruvec,
		 unsigned long nr_scanned, unsigned long nr_reclaimed,
		 int priority, bool file),

	TP_ARGS(target, lruvec, nr_scanned, nr_reclaimed, priority, file),

	TP_FIELDS(
		ctf_integer(u64, target_id, mem_cgroup_id(target ?: root_mem_cgroup))
		ctf_integer(u64, victim_id, mem_cgroup_id(lruvec_memcg(lruvec)))
		ctf_integer(unsigned long, nr_scanned, nr_scanned)
		ctf_integer(unsigned long, nr_reclaimed, nr_reclaimed)
		ctf_integer(int, nid, lruvec_pgdat(lruvec)->node_id)
		ctf_integer(int, priority, priority)
		ctf_integer(bool, file, file)
	)
)
#endif /* LTTNG_HAVE_MEMCG_RECLAIM */

#ifdef LTTNG_HAVE_MEMCG_REFAULT
/**
 * memcg_refault - called when pages that were evicted come back
 * @memcg: the cgroup that has them now, or NULL
 * @evictor: the target of the reclaim that evicted them, the root for the machine;
 *	NULL if it is gone, and with the multi-gen LRU, which doesn't keep it
 * @nid: the node that they were evicted from
 * @nr_pages: how many
 * @file: of a file, and not anonymous
 * @workingset: they were in use at the time
 *
 * In the record, the ID of NULL is 0.
 */
LTTNG_TRACEPOINT_EVENT(memcg_refault,

	TP_PROTO(struct mem_cgroup *memcg, struct mem_cgroup *evictor, int nid,
		 long nr_pages, bool file, bool workingset),

	TP_ARGS(memcg, evictor, nid, nr_pages, file, workingset),

	TP_FIELDS(
		ctf_integer(u64, memcg_id, mem_cgroup_id(memcg))
		ctf_integer(u64, evictor_id, mem_cgroup_id(evictor))
		ctf_integer(long, nr_pages, nr_pages)
		ctf_integer(int, nid, nid)
		ctf_integer(bool, file, file)
		ctf_integer(bool, workingset, workingset)
	)
)
#endif /* LTTNG_HAVE_MEMCG_REFAULT */

#endif /* LTTNG_TRACE_MEMCG_H */

/* This part must be outside protection */
#include <lttng/define_trace.h>
