// SPDX-License-Identifier: GPL-2.0
/*
 * The probes of cid-agent's tracepoints, as a shared object that the agent loads where
 * LTTng-UST is installed. The agent itself needs nothing of it.
 */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES

#include "container_agent_tp.h"
#include "ust_container_statedump_tp.h"

static void (*notify)(void);

/* In the thread of LTTng's that has just been told to dump its own state */
static void statedump_starts(void *data, void *session)
{
	(void)data;
	(void)session;
	notify();
}

/**
 * container_agent_on_statedump - be told when the state is wanted
 * @fn: called for each session that starts or that is told to regenerate its state, once it
 *	records; on a thread of LTTng's, which waits for it
 *
 * LTTng-UST has no function for it, but its own state dump is an event as any other, to which
 * a probe can be connected. So it works for each session daemon, of root and of users, with no
 * right to speak to it, and for sessions that don't record the kernel.
 *
 * Return: 0; a negative errno.
 */
int container_agent_on_statedump(void (*fn)(void))
{
	notify = fn;
	return lttng_ust_tracepoint_provider_register("lttng_ust_statedump", "start",
						      (void (*)(void))statedump_starts, NULL,
						      "struct lttng_ust_session *, session");
}
