// SPDX-License-Identifier: GPL-2.0-only

/*
 * The part of lttng-statedump.h that tells of containers, which are metrics namespaces.
 * It is included by that one alone, as often as that is read.
 */

#ifdef LTTNG_HAVE_METRICS_NS

#include <linux/metrics_ns.h>

/**
 * lttng_statedump_container - a metrics namespace but for the initial one
 * @session: the session that is told
 * @ns: the namespace
 * @set: NS_METRICS_SET_* of what it has been told about itself
 *
 * parent_id and top_id are those of the container around it and of the outermost one, 0
 * (as container_id is on the host) and its own where there is none. scope_id is the ID of
 * the cgroup whose resources it shows, 0 if it shows its parent's view. The label is the
 * word of whoever started it, printable ASCII, and empty without one.
 */
LTTNG_TRACEPOINT_EVENT(lttng_statedump_container,
	TP_PROTO(struct lttng_kernel_session *session,
		const struct metrics_namespace *ns, u32 set),
	TP_ARGS(session, ns, set),
	TP_FIELDS(
		ctf_integer(uint64_t, container_id, ns->ns.ns_id)
		ctf_integer(uint64_t, parent_id,
			ns->parent->level ? ns->parent->ns.ns_id : 0)
		ctf_integer(uint64_t, top_id, ns->top_id)
		ctf_integer(uint64_t, scope_id, READ_ONCE(ns->scope_id))
		ctf_integer(uint32_t, level, ns->level)
		ctf_integer_hex(uint32_t, set, set)
		ctf_integer_hex(uint32_t, flags,
			set & NS_METRICS_SET_FLAGS ? ns->flags : 0)
		ctf_sequence_text(char, label, ns->label, uint8_t,
			set & NS_METRICS_SET_LABEL ? ns->label_len : 0)
	)
)

/**
 * lttng_statedump_process_container - in which container a thread is
 * @session: the session that is told
 * @p: the thread, maybe one that is dead and not yet reaped
 *
 * As the contexts container_id and container_top_id have it: 0 outside of containers.
 */
LTTNG_TRACEPOINT_EVENT(lttng_statedump_process_container,
	TP_PROTO(struct lttng_kernel_session *session, struct task_struct *p),
	TP_ARGS(session, p),
	TP_FIELDS(
		ctf_integer(pid_t, tid, p->pid)
		ctf_integer(uint64_t, container_id, task_metrics_ns_id(p))
		ctf_integer(uint64_t, container_top_id, task_metrics_ns_top_id(p))
	)
)

#endif /* LTTNG_HAVE_METRICS_NS */
