// SPDX-License-Identifier: GPL-2.0
/*
 * What the sources say. Several tell of the same container, at different times and of
 * different things: a hook, the engine's stream, the folder of an OCI runtime, the kernel. Each
 * container has one state, which only goes on, and an event is told when the state goes
 * on; so it doesn't matter who is first, and who says it again is not heard.
 */

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry.h"

struct listing {
	struct listing *next;
	const void *source;
	unsigned int round;
};

/* Of one whose ID may be given again: so long what is told may be of the one before. */
#define LATE_USEC	2000000

static struct listing *listings;
static bool settled;

/* --- what is said of it --- */

static void set_string(struct container *c, char **field, const char *text, size_t max)
{
	char *next;

	if (!text || !*text)
		return;
	next = escape_bounded(text, max);
	c->changed |= strcmp(*field, next) != 0;
	free(*field);
	*field = next;
}

/* They are escaped, one by one. */
static void set_labels(struct container *c, const char *labels)
{
	if (!labels || !strcmp(c->labels, labels))
		return;
	free(c->labels);
	c->labels = xstrdup(labels);
	c->changed = true;
}

/* @old_id: what it was called by, if that has changed with the name */
static void set_name(struct container *c, const struct report *r, const char *old_id)
{
	cleanup_free char *old = NULL;

	/* A create that is late has the name from before. */
	if (*c->name && (r->rank < c->rank ||
			 (r->what == REPORT_CREATE && c->state != STATE_NONE)))
		return;
	old = xstrdup(c->name);
	set_string(c, &c->name, r->name, NAME_MAX_BYTES);
	if (c->state != STATE_NONE && (old_id || (*old && strcmp(old, c->name))))
		emit_rename(c, old, old_id ?: c->id);
}

static void take_words(struct container *c, const struct report *r, const char *old_id)
{
	set_name(c, r, old_id);
	if (r->rank < c->rank)
		return;
	if (r->rank != c->rank) {
		registry_free_sources(c);
		c->changed = true;
	}
	c->rank = r->rank;
	if (r->runtime)
		c->runtime = r->runtime;
	set_string(c, &c->image, r->image, NAME_MAX_BYTES);
	set_string(c, &c->pod, r->pod, NAME_MAX_BYTES);
	set_labels(c, r->labels);
	/* Those that it doesn't see itself */
	if (c->state == STATE_NONE && r->restarts > 0)
		c->restarts = r->restarts;
}

static void take_cgroup(struct container *c, const char *path)
{
	if (path && !c->ident.cgroup_path)
		identity_set_cgroup(&c->ident, path);
}

/*
 * Where the ID is a name. For the journal, who had it before is no more. Where it ran isn't
 * its own any more either: that is called by the ID, which may be given again.
 *
 * Return: the old ID, for free(); NULL: there is none such, or it stays.
 */
static char *change_id(const struct report *r, const char *id)
{
	cleanup_free char *old_id = escape(r->old_id);
	struct container *c = registry_find(r->family, old_id, r->uid);
	struct container *other = registry_find(r->family, id, r->uid);
	enum container_state state;

	if (!c || c == other || r->rank < c->rank || (other && r->rank < other->rank))
		return NULL;
	/* It still has to end, and its runtime says that it is no more. */
	if (other)
		life_end_and_forget(other);
	if (!life_is_alive(c))
		identity_free(&c->ident);
	/* A listing that is under way may not have it. */
	registry_free_sources(c);
	state = c->state;
	c->state = STATE_REMOVED;
	journal_put(c);
	c->state = state;
	registry_change_id(c, id);
	c->changed = true;
	return xstrdup(old_id);
}

/* --- how it goes on --- */

/*
 * It has ended before, and is said to run: is that news? @new_pid: its init is another one
 * than before, alive or not.
 */
static bool begins_anew(const struct container *c, const struct report *r, bool new_pid)
{
	if (c->reborn || r->what != REPORT_START)
		return c->reborn;
	return r->pid ? new_pid : !c->unconfirmed;
}

static void is_running(struct container *c, const struct report *r, bool new_pid, bool quiet)
{
	if (c->state == STATE_EXITED && !begins_anew(c, r, new_pid))
		return;
	if (c->state == STATE_PAUSED && r->what != REPORT_SEEN)
		return;
	/* Nothing is known of the init that it has now. */
	if (c->state == STATE_EXITED && !c->reborn && !r->pid)
		identity_free(&c->ident);
	life_go_on(c, STATE_RUNNING, quiet);
	/* It had ended before this was told. */
	if (c->held)
		life_end(c, c->status);
}

static void has_ended(struct container *c, const struct report *r)
{
	bool confirms = r->rank >= c->rank && c->unconfirmed;
	int status = life_status(c);

	if (confirms)
		c->unconfirmed -= r->what == REPORT_EXIT ? 1 : c->unconfirmed;
	/* This is of a life before. */
	if (life_is_alive(c))
		return;
	/* What had ended before it was seen, the state dump tells. */
	if (c->state == STATE_NONE) {
		c->status = r->status;
		life_go_on(c, STATE_EXITED, true);
		return;
	}
	if (c->state == STATE_CREATED && !c->held && r->rank < c->rank)
		return;
	if (c->state == STATE_EXITED || (confirms && !c->held && r->what == REPORT_EXIT))
		return;
	/* The engine has still to say so. */
	if (!c->held && r->rank < RANK_ENGINE)
		c->unconfirmed++;
	life_end(c, status != -1 ? status : r->status);
}

/* A cgroup or an OCI runtime's state goes when an engine's container exits. */
static void is_removed(struct container *c, const struct report *r)
{
	/* This is of a life before, or its end is to come. */
	if (r->rank >= c->rank && life_is_alive(c))
		c->unlisted = true;
	else if (r->rank >= c->rank)
		life_end_and_forget(c);
	else if (c->state != STATE_CREATED)
		has_ended(c, r);
}

static void is_seen(struct container *c, const struct report *r, bool new_pid)
{
	/* Of one that the journal has, the beginning has been told. */
	bool quiet = !settled && c->state == STATE_NONE;

	switch (r->state) {
	case STATE_NONE:
		break;
	case STATE_CREATED:
		if (c->state == STATE_NONE)
			life_go_on(c, STATE_CREATED, quiet);
		break;
	case STATE_RUNNING:
		/* Not all that list a container look whether it is paused; the kernel does. */
		if (c->state == STATE_PAUSED && !kernel_tells_pauses() && c->rank == r->rank)
			life_go_on(c, STATE_RUNNING, quiet);
		else
			is_running(c, r, new_pid, quiet);
		break;
	case STATE_PAUSED:
		is_running(c, r, new_pid, quiet);
		if (c->state == STATE_RUNNING)
			life_go_on(c, STATE_PAUSED, quiet);
		break;
	case STATE_EXITED:
		has_ended(c, r);
		break;
	case STATE_REMOVED:
		is_removed(c, r);
		break;
	}
}

/**
 * registry_happens - something has happened to a container that is known
 * @c: the container
 * @what: REPORT_PAUSE, REPORT_UNPAUSE or REPORT_OOM
 */
void registry_happens(struct container *c, enum report_what what)
{
	if (what == REPORT_OOM)
		emit_oom(c);
	else if (what == REPORT_PAUSE && c->state == STATE_RUNNING)
		life_go_on(c, STATE_PAUSED, false);
	else if (what == REPORT_UNPAUSE && c->state == STATE_PAUSED)
		life_go_on(c, STATE_RUNNING, false);
}

static void apply(struct container *c, const struct report *r, bool new_pid)
{
	switch (r->what) {
	case REPORT_SEEN:
		is_seen(c, r, new_pid);
		break;
	case REPORT_CREATE:
		if (c->state == STATE_NONE)
			life_go_on(c, STATE_CREATED, false);
		break;
	case REPORT_START:
		is_running(c, r, new_pid, false);
		break;
	case REPORT_EXIT:
		has_ended(c, r);
		break;
	case REPORT_PAUSE:
	case REPORT_UNPAUSE:
		registry_happens(c, r->what);
		break;
	case REPORT_RENAME:
		break;
	case REPORT_OOM:
		/* The kernel tells of each victim; runtimes, of some, and later. */
		if (!kernel_tells_victims())
			registry_happens(c, REPORT_OOM);
		break;
	case REPORT_REMOVE:
		is_removed(c, r);
		break;
	}
}

/* --- of whom --- */

/* Of one that isn't known, the end alone is nothing to tell. */
static bool is_worth_it(const struct report *r)
{
	switch (r->what) {
	case REPORT_SEEN:
		return r->state != STATE_NONE && r->state != STATE_REMOVED;
	case REPORT_CREATE:
	case REPORT_START:
		return true;
	default:
		return false;
	}
}

/* Those of docker, podman and others, which are used once */
static bool is_random(const char *id)
{
	return strspn(id, "0123456789abcdef") == 64 && !id[64];
}

static bool is_dead(pid_t pid)
{
	int fd = identity_open_pid(pid);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	bool dead = fd < 0 || poll(&pfd, 1, 0) != 0;

	if (fd >= 0)
		close(fd);
	return dead;
}

/*
 * Is it told of one that has been removed? Other IDs are names, which are given again: who
 * has another init that lives is another one, and so, after a moment, is whoever is said
 * to be there.
 */
static bool is_late(const struct report *r, const char *id)
{
	const struct gone *g = gone_by_id(r->family, id, r->uid);

	if (!g)
		return false;
	if (r->pid && r->pid == g->pid)
		return true;
	if (r->pid && !is_dead(r->pid))
		return false;
	if (is_random(id))
		return true;
	return gone_usec(g) < LATE_USEC;
}

static struct container *find_or_add(const struct report *r, const char *id)
{
	struct container *c = registry_find(r->family, id, r->uid);

	if (c || !is_worth_it(r) || is_late(r, id))
		return c;
	return registry_add(r->family, r->runtime, r->rank, id, r->uid);
}

/* Return: the container, if it is there after that. */
static struct container *report(const struct report *r)
{
	cleanup_free char *id = NULL;
	cleanup_free char *old_id = NULL;
	struct container *c;
	bool new_pid;

	if (!r->id || !*r->id || strlen(r->id) > ID_MAX)
		return NULL;
	id = escape(r->id);
	if (r->what == REPORT_RENAME && r->old_id)
		old_id = change_id(r, id);
	c = find_or_add(r, id);
	if (!c)
		return NULL;
	c->restored = false;
	if (r->what == REPORT_CREATE || r->what == REPORT_START)
		c->unlisted = false;
	take_words(c, r, old_id);
	new_pid = r->pid && r->pid != c->ident.pid;
	life_take_init(c, r);
	take_cgroup(c, r->cgroup);
	life_take_folder(c, r->folder);
	apply(c, r, new_pid);
	c = registry_find(r->family, id, r->uid);
	/* The folder may have gone before it was watched. */
	if (c && c->state == STATE_EXITED && c->folder && !life_has_folder(c)) {
		life_forget(c);
		return NULL;
	}
	if (c && c->changed)
		journal_put(c);
	return c;
}

void registry_report(const struct report *r)
{
	report(r);
}

/** registry_has_had - is or was there a container of that ID, whose ever it is? */
bool registry_has_had(const char *id)
{
	cleanup_free char *escaped = escape(id);

	return registry_has_id(escaped) || gone_has(escaped);
}

/* --- listings --- */

static struct listing *listing_of(const void *source)
{
	struct listing *l;

	for (l = listings; l; l = l->next)
		if (l->source == source)
			return l;
	l = xcalloc(1, sizeof(*l));
	l->source = source;
	l->next = listings;
	listings = l;
	return l;
}

void registry_list_begin(const void *source)
{
	listing_of(source)->round++;
}

void registry_list_seen(const void *source, const struct report *r)
{
	struct container *c = report(r);
	struct seen_by *seen;

	if (!c)
		return;
	c->unlisted = false;
	/* Who knows less than others doesn't say whether it is there. */
	if (r->rank < c->rank)
		return;
	for (seen = c->sources; seen && seen->source != source; seen = seen->next)
		;
	if (!seen) {
		seen = xcalloc(1, sizeof(*seen));
		seen->source = source;
		seen->next = c->sources;
		c->sources = seen;
	}
	seen->round = listing_of(source)->round;
}

/* Whom @source had, and hasn't any more */
static void drop_source(struct container *c, void *data)
{
	const struct listing *l = data;
	struct seen_by **p, *seen;

	for (p = &c->sources; (seen = *p); p = &seen->next)
		if (seen->source == l->source)
			break;
	if (!seen || seen->round == l->round)
		return;
	*p = seen->next;
	free(seen);
	if (c->sources)
		return;
	c->unlisted = life_is_alive(c);
	if (!c->unlisted && !life_has_folder(c))
		life_end_and_forget(c);
}

void registry_list_end(const void *source, bool complete)
{
	if (complete)
		registry_for_each(drop_source, listing_of(source));
}

static void forget_source_of(struct container *c, void *data)
{
	struct seen_by **p, *seen;

	for (p = &c->sources; (seen = *p); p = &seen->next)
		if (seen->source == data) {
			*p = seen->next;
			free(seen);
			return;
		}
}

void registry_forget_source(const void *source)
{
	struct listing **p, *l;

	registry_for_each(forget_source_of, (void *)source);
	for (p = &listings; (l = *p); p = &l->next)
		if (l->source == source) {
			*p = l->next;
			free(l);
			return;
		}
}

/* --- beginning and end --- */

/**
 * registry_settled - what there was when the agent started is known
 *
 * What has been seen before that is told by the statedump only, as nobody knows when it
 * began; from now on, what is seen and wasn't known is told as if it had just begun.
 */
void registry_settled(void)
{
	settled = true;
	restore_settled();
}

/** registry_stop - the end; nothing is told of it */
void registry_stop(void)
{
	struct listing *l;

	registry_clear();
	gone_clear();
	while ((l = listings)) {
		listings = l->next;
		free(l);
	}
}
