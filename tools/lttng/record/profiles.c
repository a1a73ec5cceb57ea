// SPDX-License-Identifier: GPL-2.0
/* Which events belong to what a user asks for */

#include <fnmatch.h>
#include <string.h>

#include "record.h"
#include "util.h"

#define CONTAINERS(_name)	{ .name = _name, .of = OF_CONTAINER }
#define ALL(_name)		{ .name = _name, .of = OF_ALL }

/*
 * What each trace has, so that whoever reads it knows to which container each task
 * belongs, from the state at the beginning and each change: nothing of it is frequent.
 */
static const struct profile_event always[] = {
	ALL("lttng_statedump_*"),
	ALL("metrics_ns_create"),
	ALL("metrics_ns_set"),
	ALL("namespace_switch"),
	ALL("sched_process_fork"),
	ALL("sched_process_exec"),
	ALL("sched_process_exit"),
};

/* Most of it is done by the container's manager, outside. */
static const struct profile_event lifecycle[] = {
	ALL("namespace_create"),
	ALL("namespace_free"),
	ALL("namespace_active"),
	ALL("namespace_inactive"),
	ALL("namespace_install"),
	ALL("cgroup_mkdir"),
	ALL("cgroup_rmdir"),
	ALL("cgroup_release"),
	ALL("cgroup_rename"),
	ALL("cgroup_freeze"),
	ALL("cgroup_unfreeze"),
	ALL("cgroup_notify_populated"),
	ALL("cgroup_notify_frozen"),
	ALL("cgroup_attach_task"),
	ALL("cgroup_fork_into"),
	ALL("cgroup_file_write"),
	ALL("oom_mark_victim"),
	ALL("task_rename"),
	ALL("sched_process_free"),
	ALL("sched_process_wait"),
};

/* A switch to a task, and who is woken, is told while another one is current. */
static const struct profile_event cpu[] = {
	ALL("sched_switch"),
	ALL("sched_waking"),
	ALL("sched_wakeup"),
	ALL("sched_wakeup_new"),
	ALL("sched_migrate_task"),
	ALL("sched_cfs_throttle"),
	ALL("sched_cfs_unthrottle"),
	ALL("sched_cfs_throttle_task"),
};

static const struct profile_event memory[] = {
	CONTAINERS("kmem_mm_page_alloc"),
	CONTAINERS("kmem_mm_page_free"),
	CONTAINERS("kmem_mm_page_free_batched"),
	ALL("memcg_event"),
	ALL("memcg_high_throttle"),
	ALL("memcg_reclaim"),
	ALL("memcg_refault"),
	ALL("oom_mark_victim"),
	ALL("oom_wake_reaper"),
	CONTAINERS("mm_vmscan_direct_reclaim_begin"),
	CONTAINERS("mm_vmscan_direct_reclaim_end"),
	CONTAINERS("mm_vmscan_memcg_reclaim_begin"),
	CONTAINERS("mm_vmscan_memcg_reclaim_end"),
};

/* A request ends in an interrupt, and may be sent by a kernel thread. */
static const struct profile_event io[] = {
	CONTAINERS("block_bio_queue"),
	CONTAINERS("block_getrq"),
	ALL("block_rq_insert"),
	ALL("block_rq_issue"),
	ALL("block_rq_complete"),
	ALL("block_rq_requeue"),
	CONTAINERS("block_split"),
};

/* What is received comes in a softirq of any task's. */
static const struct profile_event net[] = {
	CONTAINERS("net_dev_queue"),
	CONTAINERS("net_dev_xmit"),
	ALL("net_if_receive_skb"),
	ALL("net_if_rx"),
	CONTAINERS("skb_copy_datagram_iovec"),
	CONTAINERS("sock_exceed_buf_limit"),
	ALL("sock_rcvqueue_full"),
	ALL("skb_kfree"),
};

static const struct profile_event syscalls[] = {
	{ .name = "*", .of = OF_CONTAINER, .syscall = true },
};

static const struct profile_event denials[] = {
	{ .name = "capability_cap_capable", .of = OF_CONTAINER, .filter = "ret < 0" },
	CONTAINERS("landlock_deny_*"),
	CONTAINERS("namespace_denied"),
	{ .name = "namespace_install", .of = OF_CONTAINER, .filter = "ret < 0" },
	{ .name = "cgroup_file_write", .of = OF_CONTAINER, .filter = "ret < 0" },
	CONTAINERS("cgroup_pids_max"),
};

#define PROFILE(_name, _summary) \
	{ #_name, _summary, _name, ARRAY_SIZE(_name) }

const struct profile profiles[] = {
	PROFILE(lifecycle, "namespaces, cgroups and processes that come and go"),
	PROFILE(cpu, "who runs, who waits to, and who is throttled"),
	PROFILE(memory, "pages allocated and freed, limits, reclaim"),
	PROFILE(io, "requests to disks"),
	PROFILE(net, "packets"),
	PROFILE(syscalls, "system calls"),
	PROFILE(denials, "what is refused: capabilities, Landlock, limits"),
};

const size_t nr_profiles = ARRAY_SIZE(profiles);

static const struct profile always_profile = PROFILE(always, "");

const struct profile *profile_always(void)
{
	return &always_profile;
}

const struct profile *profile_find(const char *name)
{
	for (size_t i = 0; i < nr_profiles; i++)
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	return NULL;
}

/**
 * event_list_has - does lttng-modules have an event?
 * @list: what it has
 * @name: the event, or a pattern
 *
 * Return: true if one of them is meant.
 */
bool event_list_has(const struct event_list *list, const char *name)
{
	for (size_t i = 0; i < list->nr; i++)
		if (!fnmatch(name, list->names[i], 0))
			return true;
	return false;
}
