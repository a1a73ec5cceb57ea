// SPDX-License-Identifier: GPL-2.0
/*
 * What an agent before this one has told, from its journal: so that nothing is told twice, and
 * the end is told of what has ended meanwhile.
 */

#include <stdlib.h>
#include <string.h>

#include "registry.h"

/* An engine keeps what has ended, and may be slow to say so. */
#define ENGINES_USEC	60000000

/* Runtimes and families are literals elsewhere; these are few, and stay. */
static const char *literal(const char *text)
{
	static char *known[64];

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!known[i])
			known[i] = xstrdup(text);
		if (!strcmp(known[i], text))
			return known[i];
	}
	return "";
}

static void restore_string(char **field, const char *text)
{
	free(*field);
	*field = xstrdup(text);
}

static void restore_identity(struct container *c, const struct saved *saved)
{
	if (life_restore_init(c, saved->pid, saved->pid_ns_id, saved->pid_ns))
		return;
	c->ident.pid = saved->pid;
	c->ident.ns_id[NS_PID] = saved->pid_ns_id;
	c->ident.ns_inum[NS_PID] = saved->pid_ns;
	c->ident.container_id = saved->container_id;
	if (*saved->cgroup_path)
		identity_set_cgroup(&c->ident, saved->cgroup_path);
	c->ident.cgroup_id = saved->cgroup_id;
}

/**
 * registry_restore - a line of the journal, of which the last one of a container counts
 * @saved: the container as it was told of
 */
void registry_restore(const struct saved *saved)
{
	struct container *c = registry_find(saved->family, saved->id, saved->uid);

	if (c)
		registry_remove(c);
	if (saved->state == STATE_NONE || saved->state == STATE_REMOVED)
		return;
	c = registry_add(literal(saved->family), literal(saved->runtime), saved->rank, saved->id,
		      saved->uid);
	if (!c)
		return;
	c->state = saved->state;
	c->started = saved->started;
	c->restarts = saved->restarts;
	c->restored = true;
	restore_string(&c->name, saved->name);
	restore_string(&c->image, saved->image);
	restore_string(&c->pod, saved->pod);
	restore_string(&c->labels, saved->labels);
	restore_identity(c, saved);
	if (*saved->folder)
		life_take_folder(c, saved->folder);
	if (c->state != STATE_EXITED)
		return;
	c->previous.container_id = c->ident.container_id;
	c->previous.pid = c->ident.pid;
}

/* Nobody has told of it, and it doesn't live. @data: engines have had their time, too. */
static void end_restored(struct container *c, void *data)
{
	if (!c->restored || life_is_alive(c))
		return;
	if (life_is_up(c))
		life_end(c, -1);
	if ((data || c->rank < RANK_ENGINE) && !life_has_folder(c))
		life_forget(c);
}

static int engines_had_time(sd_event_source *source, uint64_t usec, void *data)
{
	(void)usec;
	(void)data;
	registry_for_each(end_restored, source);
	return 0;
}

/** restore_settled - what there is has been told, but for what engines have that has ended */
void restore_settled(void)
{
	registry_for_each(end_restored, NULL);
	sd_event_add_time_relative(loop, NULL, CLOCK_MONOTONIC, ENGINES_USEC, 0,
				   engines_had_time, NULL);
}
