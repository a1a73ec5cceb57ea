/* SPDX-License-Identifier: (GPL-2.0-only or LGPL-2.1-only)
 *
 * lttng-statedump-cgroup.c
 *
 * State dump of control groups, namespaces and what processes are in.
 *
 * Whatever there is is walked under rcu_read_lock(), and no more than BATCH of it at a
 * stretch where others want the CPU, so that 10,000 containers are no stall. Each walk
 * goes on after what it told last: namespaces and threads by a number, which takes no
 * reference; cgroups from one that is held.
 */

#include <linux/cgroup.h>
#include <linux/idr.h>
#include <linux/inetdevice.h>
#include <linux/interrupt.h>
#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_ns.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>
#include <lttng/events.h>
#include <lttng/tracer.h>
#include <lttng/events-internal.h>
#include <wrapper/tracepoint.h>

#define LTTNG_INSTRUMENTATION
#include <instrumentation/events/lttng-statedump.h>

#include "lttng-statedump-cgroup.h"

#define BATCH	128

#ifdef LTTNG_HAVE_STATEDUMP_CGROUP

LTTNG_DEFINE_TRACE(lttng_statedump_cgroup,
	TP_PROTO(struct lttng_kernel_session *session, struct cgroup *cgrp,
		const char *path, const struct lttng_cgroup_limits *limits),
	TP_ARGS(session, cgrp, path, limits));

LTTNG_DEFINE_TRACE(lttng_statedump_process_cgroup,
	TP_PROTO(struct lttng_kernel_session *session, struct task_struct *p),
	TP_ARGS(session, p));

#ifdef CONFIG_MEMCG
static
uint64_t counter_bytes(unsigned long pages)
{
	return pages == PAGE_COUNTER_MAX ? U64_MAX : (uint64_t) pages * PAGE_SIZE;
}

static
void get_memory_limits(struct cgroup *cgrp, struct lttng_cgroup_limits *limits)
{
	struct cgroup_subsys_state *css;
	struct mem_cgroup *memcg;

	css = rcu_dereference(cgrp->subsys[memory_cgrp_id]);
	if (!css)
		return;
	memcg = container_of(css, struct mem_cgroup, css);
	limits->memory_high = counter_bytes(READ_ONCE(memcg->memory.high));
	limits->memory_max = counter_bytes(READ_ONCE(memcg->memory.max));
	limits->swap_max = counter_bytes(READ_ONCE(memcg->swap.max));
}
#else
static inline
void get_memory_limits(struct cgroup *cgrp, struct lttng_cgroup_limits *limits)
{
}
#endif /* CONFIG_MEMCG */

static
void dump_cgroup(struct lttng_kernel_session *session, struct cgroup *cgrp, char *path)
{
	struct lttng_cgroup_limits limits = {
		.memory_high = U64_MAX,
		.memory_max = U64_MAX,
		.swap_max = U64_MAX,
	};

	/* One that is too long is cut. */
	path[0] = '\0';
	cgroup_path(cgrp, path, PATH_MAX);
	get_memory_limits(cgrp, &limits);
	trace_lttng_statedump_cgroup(session, cgrp, path, &limits);
}

/*
 * The iterator goes on from where it was, even if that is removed meanwhile, as long as
 * a reference keeps it from being freed.
 */
static
int enumerate_cgroups(struct lttng_kernel_session *session)
{
	struct cgroup_subsys_state *root = &cgrp_dfl_root.cgrp.self, *pos = NULL, *held = NULL;
	unsigned int done = 0;
	char *path;

	path = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!path)
		return -ENOMEM;
	rcu_read_lock();
	while ((pos = css_next_descendant_pre(pos, root))) {
		dump_cgroup(session, pos->cgroup, path);
		if (++done % BATCH || !css_tryget(pos))
			continue;
		rcu_read_unlock();
		if (held)
			css_put(held);
		held = pos;
		cond_resched();
		rcu_read_lock();
	}
	rcu_read_unlock();
	if (held)
		css_put(held);
	kfree(path);
	return 0;
}

static
void dump_task_cgroup(struct lttng_kernel_session *session, struct task_struct *p)
{
	trace_lttng_statedump_process_cgroup(session, p);
}
#else
static inline
int enumerate_cgroups(struct lttng_kernel_session *session)
{
	return 0;
}

static inline
void dump_task_cgroup(struct lttng_kernel_session *session, struct task_struct *p)
{
}
#endif /* LTTNG_HAVE_STATEDUMP_CGROUP */

#ifdef LTTNG_HAVE_METRICS_NS

LTTNG_DEFINE_TRACE(lttng_statedump_container,
	TP_PROTO(struct lttng_kernel_session *session,
		const struct metrics_namespace *ns, u32 set),
	TP_ARGS(session, ns, set));

LTTNG_DEFINE_TRACE(lttng_statedump_process_container,
	TP_PROTO(struct lttng_kernel_session *session, struct task_struct *p),
	TP_ARGS(session, p));

static
void dump_container(struct lttng_kernel_session *session, const struct ns_common *nsc)
{
	const struct metrics_namespace *ns;

	if (nsc->ns_type != CLONE_NEWMETRICS)
		return;
	ns = container_of(nsc, const struct metrics_namespace, ns);
	if (ns->level)
		trace_lttng_statedump_container(session, ns,
			smp_load_acquire(&ns->set));	/* before what it stands for */
}

static
void dump_task_container(struct lttng_kernel_session *session, struct task_struct *p)
{
	trace_lttng_statedump_process_container(session, p);
}
#else
static inline
void dump_container(struct lttng_kernel_session *session, const struct ns_common *nsc)
{
}

static inline
void dump_task_container(struct lttng_kernel_session *session, struct task_struct *p)
{
}
#endif /* LTTNG_HAVE_METRICS_NS */

#ifdef LTTNG_HAVE_NS_LIST

LTTNG_DEFINE_TRACE(lttng_statedump_namespace,
	TP_PROTO(struct lttng_kernel_session *session, const struct ns_common *ns),
	TP_ARGS(session, ns));

static
void dump_namespace(struct lttng_kernel_session *session, const struct ns_common *ns)
{
	trace_lttng_statedump_namespace(session, ns);
	dump_container(session, ns);
}

/*
 * The list of all namespaces, in the order of their IDs. Its head isn't exported, but
 * stands before the oldest one, which is one of the initial ones: they have the lowest
 * IDs, and are always there. Those of types that aren't built in aren't in the list.
 */
static
const struct list_head *list_of_namespaces(void)
{
	const struct nsproxy *init = init_task.nsproxy;
	const struct ns_common *some[] = {
#ifdef CONFIG_USER_NS
		&init_user_ns.ns,
#endif
#ifdef CONFIG_PID_NS
		&init_pid_ns.ns,
#endif
#ifdef CONFIG_CGROUPS
		&init->cgroup_ns->ns,
#endif
#ifdef CONFIG_IPC_NS
		&init->ipc_ns->ns,
#endif
#ifdef CONFIG_NET_NS
		&init->net_ns->ns,
#endif
#ifdef CONFIG_TIME_NS
		&init->time_ns->ns,
#endif
#ifdef CONFIG_UTS_NS
		&init->uts_ns->ns,
#endif
		NULL,
	};
	const struct ns_common *first = some[0];
	int i;

	for (i = 0; some[i]; i++)
		if (some[i]->ns_id < first->ns_id)
			first = some[i];
	return first ? first->ns_unified_node.ns_list_entry.prev : NULL;
}

static
int enumerate_namespaces(struct lttng_kernel_session *session)
{
	const struct list_head *head = list_of_namespaces(), *entry;
	struct ns_common *ns;
	unsigned int done;
	uint64_t last = 0;

	if (!head)
		return 0;
	/* It is found again from the beginning: not without need. */
	do {
		done = 0;
		rcu_read_lock();
		for (entry = rcu_dereference(list_next_rcu(head));
		     entry != head && !(done >= BATCH && need_resched());
		     entry = rcu_dereference(list_next_rcu(entry))) {
			ns = list_entry(entry, struct ns_common,
				ns_unified_node.ns_list_entry);
			if (ns->ns_id <= last)
				continue;
			last = ns->ns_id;
			dump_namespace(session, ns);
			done++;
		}
		rcu_read_unlock();
		cond_resched();
	} while (entry != head);
	return 0;
}
#else
static inline
int enumerate_namespaces(struct lttng_kernel_session *session)
{
	return 0;
}
#endif /* LTTNG_HAVE_NS_LIST */

/* By their number, which is theirs until they are reaped. */
static
void enumerate_tasks(struct lttng_kernel_session *session)
{
	struct task_struct *p;
	unsigned int done;
	struct pid *pid;
	int nr = 0;

	do {
		done = 0;
		rcu_read_lock();
		while (done < BATCH && (pid = idr_get_next(&init_pid_ns.idr, &nr))) {
			nr++;
			p = pid_task(pid, PIDTYPE_PID);
			if (p) {
				dump_task_cgroup(session, p);
				dump_task_container(session, p);
			}
			done++;
		}
		rcu_read_unlock();
		cond_resched();
	} while (done == BATCH);
}

/**
 * lttng_statedump_cgroups - tell a session of cgroups, namespaces and containers
 * @session: the session
 *
 * What processes are in comes last, when all that they can be in has been told.
 *
 * Context: Process context, may sleep.
 * Return: 0 or a negative errno.
 */
int lttng_statedump_cgroups(struct lttng_kernel_session *session)
{
	int ret;

	ret = enumerate_cgroups(session);
	if (ret)
		return ret;
	ret = enumerate_namespaces(session);
	if (ret)
		return ret;
	enumerate_tasks(session);
	return 0;
}
