/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What namespace_create doesn't say of a metrics namespace: where it comes from
 * and what it is told about itself. See Documentation/trace/events-namespace.rst.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM metrics_ns

#if !defined(_TRACE_METRICS_NS_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_METRICS_NS_H

#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/metrics_ns.h>
#include <linux/tracepoint.h>

#define show_metrics_set(mask)						\
	__print_flags(mask, "|",					\
		      { NS_METRICS_SET_LABEL,	"label" },		\
		      { NS_METRICS_SET_SCOPE,	"scope" },		\
		      { NS_METRICS_SET_FLAGS,	"flags" })

#define show_metrics_flags(flags)					\
	__print_flags(flags, "|",					\
		      { METRICS_NS_AUTO_SCOPE,	"auto_scope" },		\
		      { METRICS_NS_HOST_VIEW,	"host_view" },		\
		      { METRICS_NS_QUOTA_CPUS,	"quota_cpus" })

/* A label that isn't set by this call isn't told again. */
#define metrics_label_len(ns, mask)					\
	((mask) & NS_METRICS_SET_LABEL ? (ns)->label_len : 0)

/**
 * metrics_ns_create - a metrics namespace exists
 * @ns: the namespace, complete; never NULL
 *
 * Fires right after its namespace_create, with what only this type has: the
 * outermost ancestor, which is the container that it is nested in, and the
 * cgroup in which it was made, which isn't the container's yet. The parent is the
 * namespace of the task that makes it. IDs of the initial namespace are its fixed
 * one here, and not 0 as in a task.
 *
 * Context: Process context, of the task that makes it. No lock is held.
 * Pair: namespace_free with type metrics.
 */
TRACE_EVENT(metrics_ns_create,

	TP_PROTO(const struct metrics_namespace *ns),

	TP_ARGS(ns),

	TP_STRUCT__entry(
		__field(u64,	id)
		__field(u64,	parent_id)
		__field(u64,	top_id)
		__field(u64,	cgroup_id)
		__field(u32,	level)
		__field(pid_t,	pid)
	),

	TP_fast_assign(
		__entry->id		= ns->ns.ns_id;
		__entry->parent_id	= ns->parent->ns.ns_id;
		__entry->top_id		= ns->top_id;
		__entry->cgroup_id	= ns->origin_cgroup_id;
		__entry->level		= ns->level;
		__entry->pid		= current->pid;
	),

	TP_printk("id=%llu parent_id=%llu top_id=%llu level=%u cgroup_id=%llu pid=%d",
		  __entry->id, __entry->parent_id, __entry->top_id,
		  __entry->level, __entry->cgroup_id, __entry->pid)
);

/**
 * metrics_ns_set - a metrics namespace has been told something about itself
 * @ns: the namespace, with what it has been told; never NULL
 * @mask: NS_METRICS_SET_* of what is new
 * @cgroup_id: ID of the new scope's cgroup, 0 without NS_METRICS_SET_SCOPE
 *
 * Fires once for each NS_METRICS_SET that succeeds, and for an automatic scope
 * when it is found. The label is the word of whoever set it, in the namespace
 * setter_id: one that is nested in a container is the container's word. It is
 * printable ASCII, and last in the text, as it may have blanks.
 *
 * Context: Process context, of the setter or, for an automatic scope, of the
 * task whose cgroup namespace gave it. metrics_namespace::lock is held.
 */
TRACE_EVENT(metrics_ns_set,

	TP_PROTO(const struct metrics_namespace *ns, u32 mask, u64 cgroup_id),

	TP_ARGS(ns, mask, cgroup_id),

	TP_STRUCT__entry(
		__field(u64,	id)
		__field(u64,	owner_id)
		__field(u64,	setter_id)
		__field(u64,	cgroup_id)
		__field(u32,	mask)
		__field(u32,	flags)
		__field(u32,	uid)
		__dynamic_array(char, label, metrics_label_len(ns, mask) + 1)
	),

	TP_fast_assign(
		char *label = __get_dynamic_array(label);
		u32 len = metrics_label_len(ns, mask);

		lockdep_assert_held(&ns->lock);
		__entry->id		= ns->ns.ns_id;
		__entry->owner_id	= ns->user_ns->ns.ns_id;
		__entry->setter_id	= current->nsproxy->metrics_ns->ns.ns_id;
		__entry->cgroup_id	= cgroup_id;
		__entry->mask		= mask;
		__entry->flags		= mask & NS_METRICS_SET_FLAGS ?
					  ns->flags : 0;
		__entry->uid		= from_kuid(&init_user_ns,
						    current_uid());
		memcpy(label, ns->label, len);
		label[len] = '\0';
	),

	TP_printk("id=%llu set=%s cgroup_id=%llu flags=%s owner_id=%llu setter_id=%llu uid=%u label=%s",
		  __entry->id, show_metrics_set(__entry->mask),
		  __entry->cgroup_id, show_metrics_flags(__entry->flags),
		  __entry->owner_id, __entry->setter_id, __entry->uid,
		  __get_str(label))
);

#endif /* _TRACE_METRICS_NS_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
