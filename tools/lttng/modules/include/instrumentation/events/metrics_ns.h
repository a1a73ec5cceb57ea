// SPDX-License-Identifier: GPL-2.0-only

#undef TRACE_SYSTEM
#define TRACE_SYSTEM metrics_ns

#if !defined(LTTNG_TRACE_METRICS_NS_H) || defined(TRACE_HEADER_MULTI_READ)
#define LTTNG_TRACE_METRICS_NS_H

#include <lttng/tracepoint-event.h>
#include <linux/cred.h>
#include <linux/metrics_ns.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#ifdef CONFIG_LTTNG_EXPERIMENTAL_BITWISE_ENUM
/* Only bit flags are enumerated here, not composition of flags. */
LTTNG_TRACEPOINT_ENUM(metrics_ns_set_mask,

	TP_ENUM_VALUES(
		ctf_enum_value("label", NS_METRICS_SET_LABEL)
		ctf_enum_value("scope", NS_METRICS_SET_SCOPE)
		ctf_enum_value("flags", NS_METRICS_SET_FLAGS)
	)
)

LTTNG_TRACEPOINT_ENUM(metrics_ns_flags,

	TP_ENUM_VALUES(
		ctf_enum_value("auto_scope", METRICS_NS_AUTO_SCOPE)
		ctf_enum_value("host_view", METRICS_NS_HOST_VIEW)
		ctf_enum_value("quota_cpus", METRICS_NS_QUOTA_CPUS)
	)
)
#endif /* CONFIG_LTTNG_EXPERIMENTAL_BITWISE_ENUM */

/**
 * metrics_ns_create - called when a metrics namespace exists
 * @ns: the namespace, complete
 *
 * Right after its namespace_create. The IDs are those of namespaces, which aren't
 * reused in a boot: its own, its parent's, and that of its outermost ancestor
 * below the initial one. The cgroup is the one in which it was made. The level is
 * the number of ancestors; the pid is that of the thread that made it, in the
 * initial pid namespace.
 */
LTTNG_TRACEPOINT_EVENT(metrics_ns_create,

	TP_PROTO(const struct metrics_namespace *ns),

	TP_ARGS(ns),

	TP_FIELDS(
		ctf_integer(u64, id, ns->ns.ns_id)
		ctf_integer(u64, parent_id, ns->parent->ns.ns_id)
		ctf_integer(u64, top_id, ns->top_id)
		ctf_integer(u64, cgroup_id, ns->origin_cgroup_id)
		ctf_integer(u32, level, ns->level)
		ctf_integer(pid_t, pid, current->pid)
	)
)

/**
 * metrics_ns_set - called when a metrics namespace is told about itself
 * @ns: the namespace, with what it has been told
 * @mask: NS_METRICS_SET_* of what is new
 * @cgroup_id: ID of the new scope's cgroup, 0 without NS_METRICS_SET_SCOPE
 *
 * Once for each NS_METRICS_SET that succeeds, and for an automatic scope. Flags
 * and label are 0 and empty unless this call has set them: a label has at least
 * one character. The owner is a user namespace, the setter the metrics namespace
 * of current; the user ID is that of the initial user namespace.
 */
LTTNG_TRACEPOINT_EVENT(metrics_ns_set,

	TP_PROTO(const struct metrics_namespace *ns, u32 mask, u64 cgroup_id),

	TP_ARGS(ns, mask, cgroup_id),

	TP_FIELDS(
		ctf_integer(u64, id, ns->ns.ns_id)
		ctf_integer(u64, owner_id, ns->user_ns->ns.ns_id)
		ctf_integer(u64, setter_id, current->nsproxy->metrics_ns->ns.ns_id)
		ctf_integer(u64, cgroup_id, cgroup_id)
#ifdef CONFIG_LTTNG_EXPERIMENTAL_BITWISE_ENUM
		ctf_enum(metrics_ns_set_mask, u32, mask, mask)
		ctf_enum(metrics_ns_flags, u32, flags,
			mask & NS_METRICS_SET_FLAGS ? ns->flags : 0)
#else
		ctf_integer_hex(u32, mask, mask)
		ctf_integer_hex(u32, flags,
			mask & NS_METRICS_SET_FLAGS ? ns->flags : 0)
#endif
		ctf_integer(uid_t, uid, from_kuid(&init_user_ns, current_uid()))
		/* In the namespace, it isn't terminated. */
		ctf_sequence_text(char, label, ns->label, u8,
			mask & NS_METRICS_SET_LABEL ? ns->label_len : 0)
	)
)

#endif /* LTTNG_TRACE_METRICS_NS_H */

/* This part must be outside protection */
#include <lttng/define_trace.h>
