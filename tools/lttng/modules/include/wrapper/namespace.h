/* SPDX-License-Identifier: (GPL-2.0-only or LGPL-2.1-only)
 *
 * wrapper/namespace.h
 *
 * What namespaces of all types have. The kernel's own functions for it aren't exported.
 */

#ifndef _LTTNG_WRAPPER_NAMESPACE_H
#define _LTTNG_WRAPPER_NAMESPACE_H

#include <linux/ns_common.h>
#include <linux/pid_namespace.h>
#include <linux/proc_ns.h>
#include <linux/sched.h>
#include <linux/user_namespace.h>

#ifdef LTTNG_HAVE_METRICS_NS
#include <linux/metrics_ns.h>
#endif

/**
 * wrapper_namespace_owner_id - by which user namespace a namespace is ruled
 * @ns: the namespace; it can't be freed meanwhile
 *
 * Return: its ns_id, for a user namespace that of its parent; 0 for the initial one. The
 * initial namespaces of types that aren't built in have no operations.
 */
static inline uint64_t wrapper_namespace_owner_id(const struct ns_common *ns)
{
	const struct user_namespace *owner;

	if (!ns->ops)
		return init_user_ns.ns.ns_id;
	owner = ns->ops->owner((struct ns_common *) ns);
	return owner ? owner->ns.ns_id : 0;
}

/**
 * wrapper_namespace_parent_id - in which namespace of its type a namespace was made
 * @ns: the namespace; it can't be freed meanwhile
 *
 * Return: its ns_id; 0 for an initial one, and for types that don't nest.
 */
static inline uint64_t wrapper_namespace_parent_id(const struct ns_common *ns)
{
	const struct user_namespace *user;
	const struct pid_namespace *pid;
#ifdef LTTNG_HAVE_METRICS_NS
	const struct metrics_namespace *metrics;
#endif

	switch (ns->ns_type) {
	case CLONE_NEWUSER:
		user = container_of(ns, const struct user_namespace, ns);
		return user->parent ? user->parent->ns.ns_id : 0;
	case CLONE_NEWPID:
		pid = container_of(ns, const struct pid_namespace, ns);
		return pid->parent ? pid->parent->ns.ns_id : 0;
#ifdef LTTNG_HAVE_METRICS_NS
	case CLONE_NEWMETRICS:
		metrics = container_of(ns, const struct metrics_namespace, ns);
		return metrics->parent ? metrics->parent->ns.ns_id : 0;
#endif
	}
	return 0;
}

/**
 * wrapper_namespace_level - how deep a namespace is nested
 * @ns: the namespace
 *
 * Return: the number of its ancestors; 0 for types that don't nest.
 */
static inline uint32_t wrapper_namespace_level(const struct ns_common *ns)
{
	switch (ns->ns_type) {
	case CLONE_NEWUSER:
		return container_of(ns, const struct user_namespace, ns)->level;
	case CLONE_NEWPID:
		return container_of(ns, const struct pid_namespace, ns)->level;
#ifdef LTTNG_HAVE_METRICS_NS
	case CLONE_NEWMETRICS:
		return container_of(ns, const struct metrics_namespace, ns)->level;
#endif
	}
	return 0;
}

#endif /* _LTTNG_WRAPPER_NAMESPACE_H */
