/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The event by which LTTng's tools have been told the names of containers since their
 * namespace contexts came (J. Jeanson et al., FOSDEM 2018): it maps the inode number of a
 * pid namespace, which is given to another one later, to a name. Analyses that know it
 * need no change; new ones read container_agent:statedump_container.
 */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER ust_container_statedump

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "ust_container_statedump_tp.h"

#if !defined(UST_CONTAINER_STATEDUMP_TP_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define UST_CONTAINER_STATEDUMP_TP_H

#include <lttng/tracepoint.h>

#include "registry.h"

LTTNG_UST_TRACEPOINT_EVENT(ust_container_statedump, lttng_statedump_container,
	LTTNG_UST_TP_ARGS(
		const struct container *, c
	),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_string(container_name, *c->name ? c->name : c->id)
		lttng_ust_field_string(container_type, c->runtime)
		lttng_ust_field_integer(uint32_t, pid_ns, c->ident.ns_inum[NS_PID])
	)
)
LTTNG_UST_TRACEPOINT_LOGLEVEL(ust_container_statedump, lttng_statedump_container,
			      LTTNG_UST_TRACEPOINT_LOGLEVEL_DEBUG_SYSTEM)

#endif

#include <lttng/tracepoint-event.h>
