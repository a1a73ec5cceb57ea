/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tracepoints of cid-agent. What an event's fields are, and in which order a
 * container's events come, is in cid-agent(8).
 */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER container_agent

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "container_agent_tp.h"

#if !defined(CONTAINER_AGENT_TP_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define CONTAINER_AGENT_TP_H

#include <lttng/tracepoint.h>
#include <sys/wait.h>

#include "registry.h"

LTTNG_UST_TRACEPOINT_ENUM(container_agent, state,
	LTTNG_UST_TP_ENUM_VALUES(
		lttng_ust_field_enum_value("none", STATE_NONE)
		lttng_ust_field_enum_value("created", STATE_CREATED)
		lttng_ust_field_enum_value("running", STATE_RUNNING)
		lttng_ust_field_enum_value("paused", STATE_PAUSED)
		lttng_ust_field_enum_value("exited", STATE_EXITED)
		lttng_ust_field_enum_value("removed", STATE_REMOVED)
	)
)

/* All that tell of a container have these. */
#ifndef CONTAINER_FIELDS
#define CONTAINER_FIELDS(c)							\
	lttng_ust_field_string(runtime, (c)->runtime)				\
	lttng_ust_field_string(id, (c)->id)					\
	lttng_ust_field_string(name, (c)->name)					\
	lttng_ust_field_string(image, (c)->image)				\
	lttng_ust_field_string(pod, (c)->pod)					\
	lttng_ust_field_string(labels, (c)->labels)				\
	lttng_ust_field_enum(container_agent, state, uint8_t, state, (c)->state) \
	lttng_ust_field_integer(uint32_t, uid, (c)->uid)			\
	lttng_ust_field_integer(int32_t, pid, (c)->ident.pid)			\
	lttng_ust_field_integer(int32_t, tid, (c)->ident.pid)			\
	lttng_ust_field_integer(int32_t, vpid, (c)->ident.vpid)			\
	lttng_ust_field_integer(uint64_t, container_id, (c)->ident.container_id) \
	lttng_ust_field_integer(uint64_t, cgroup_id, (c)->ident.cgroup_id)	\
	lttng_ust_field_string(cgroup_path,					\
			       (c)->ident.cgroup_text ?: "")			\
	lttng_ust_field_integer(uint64_t, pid_ns_id, (c)->ident.ns_id[NS_PID])	\
	lttng_ust_field_integer(uint64_t, mnt_ns_id, (c)->ident.ns_id[NS_MNT])	\
	lttng_ust_field_integer(uint64_t, net_ns_id, (c)->ident.ns_id[NS_NET])	\
	lttng_ust_field_integer(uint64_t, user_ns_id, (c)->ident.ns_id[NS_USER]) \
	lttng_ust_field_integer(uint32_t, pid_ns, (c)->ident.ns_inum[NS_PID])	\
	lttng_ust_field_integer(uint32_t, mnt_ns, (c)->ident.ns_inum[NS_MNT])	\
	lttng_ust_field_integer(uint32_t, net_ns, (c)->ident.ns_inum[NS_NET])	\
	lttng_ust_field_integer(uint32_t, user_ns, (c)->ident.ns_inum[NS_USER])	\
	lttng_ust_field_integer(uint32_t, restart_count, (c)->restarts)		\
	lttng_ust_field_string(boot_id, machine->boot_id)			\
	lttng_ust_field_string(hostname, machine->hostname)
#endif

LTTNG_UST_TRACEPOINT_EVENT_CLASS(container_agent, container,
	LTTNG_UST_TP_ARGS(
		const struct container *, c,
		const struct machine *, machine
	),
	LTTNG_UST_TP_FIELDS(
		CONTAINER_FIELDS(c)
	)
)

#ifndef CONTAINER_EVENT
#define CONTAINER_EVENT(event, level)						\
LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(container_agent, container,			\
	container_agent, event,							\
	LTTNG_UST_TP_ARGS(							\
		const struct container *, c,					\
		const struct machine *, machine					\
	)									\
)										\
LTTNG_UST_TRACEPOINT_LOGLEVEL(container_agent, event, level)
#endif

CONTAINER_EVENT(create, LTTNG_UST_TRACEPOINT_LOGLEVEL_INFO)
CONTAINER_EVENT(start, LTTNG_UST_TRACEPOINT_LOGLEVEL_INFO)
CONTAINER_EVENT(pause, LTTNG_UST_TRACEPOINT_LOGLEVEL_INFO)
CONTAINER_EVENT(unpause, LTTNG_UST_TRACEPOINT_LOGLEVEL_INFO)
CONTAINER_EVENT(oom, LTTNG_UST_TRACEPOINT_LOGLEVEL_WARNING)
CONTAINER_EVENT(remove, LTTNG_UST_TRACEPOINT_LOGLEVEL_INFO)
CONTAINER_EVENT(statedump_container, LTTNG_UST_TRACEPOINT_LOGLEVEL_DEBUG_SYSTEM)

LTTNG_UST_TRACEPOINT_EVENT(container_agent, restart,
	LTTNG_UST_TP_ARGS(
		const struct container *, c,
		const struct machine *, machine
	),
	LTTNG_UST_TP_FIELDS(
		CONTAINER_FIELDS(c)
		lttng_ust_field_integer(uint64_t, previous_container_id,
					c->previous.container_id)
		lttng_ust_field_integer(int32_t, previous_pid, c->previous.pid)
	)
)
LTTNG_UST_TRACEPOINT_LOGLEVEL(container_agent, restart,
			      LTTNG_UST_TRACEPOINT_LOGLEVEL_INFO)

/* -1: not known, or it was the other one of the two */
LTTNG_UST_TRACEPOINT_EVENT(container_agent, exit,
	LTTNG_UST_TP_ARGS(
		const struct container *, c,
		const struct machine *, machine
	),
	LTTNG_UST_TP_FIELDS(
		CONTAINER_FIELDS(c)
		lttng_ust_field_integer(int32_t, status,
			c->status != -1 && WIFEXITED(c->status) ?
			WEXITSTATUS(c->status) : -1)
		lttng_ust_field_integer(int32_t, signal,
			c->status != -1 && WIFSIGNALED(c->status) ?
			WTERMSIG(c->status) : -1)
	)
)
LTTNG_UST_TRACEPOINT_LOGLEVEL(container_agent, exit,
			      LTTNG_UST_TRACEPOINT_LOGLEVEL_INFO)

LTTNG_UST_TRACEPOINT_EVENT(container_agent, rename,
	LTTNG_UST_TP_ARGS(
		const struct container *, c,
		const struct machine *, machine,
		const char *, old_name,
		const char *, old_id
	),
	LTTNG_UST_TP_FIELDS(
		CONTAINER_FIELDS(c)
		lttng_ust_field_string(old_name, old_name)
		lttng_ust_field_string(old_id, old_id)
	)
)
LTTNG_UST_TRACEPOINT_LOGLEVEL(container_agent, rename,
			      LTTNG_UST_TRACEPOINT_LOGLEVEL_INFO)

LTTNG_UST_TRACEPOINT_EVENT_CLASS(container_agent, statedump,
	LTTNG_UST_TP_ARGS(
		const struct machine *, machine,
		uint32_t, containers
	),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint32_t, containers, containers)
		lttng_ust_field_string(boot_id, machine->boot_id)
		lttng_ust_field_string(hostname, machine->hostname)
	)
)

#ifndef STATEDUMP_EVENT
#define STATEDUMP_EVENT(event)							\
LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(container_agent, statedump,			\
	container_agent, event,							\
	LTTNG_UST_TP_ARGS(							\
		const struct machine *, machine,				\
		uint32_t, containers						\
	)									\
)										\
LTTNG_UST_TRACEPOINT_LOGLEVEL(container_agent, event,				\
			      LTTNG_UST_TRACEPOINT_LOGLEVEL_DEBUG_SYSTEM)
#endif

STATEDUMP_EVENT(statedump_start)
STATEDUMP_EVENT(statedump_end)

#endif

#include <lttng/tracepoint-event.h>
