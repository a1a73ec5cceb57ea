// SPDX-License-Identifier: GPL-2.0
/*
 * The runtimes that are asked, each at all the places where it may be. To add one: write
 * its file, name it in agent.h, and add a line here.
 */

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sources.h"

#define LOOK_SOON_USEC	200000
/* Of one kind: sockets and folders of users, who can make any number of them */
#define PLACES_MAX	64

static const struct runtime *const runtimes[] = {
	&runtime_docker,
	&runtime_podman,
	&runtime_oci,
	&runtime_containerd,
	&runtime_lxc,
	&runtime_incus,
	&runtime_lxd,
	&runtime_machined,
};

/* A place of a runtime that is watched */
struct watch {
	struct watch *next;
	const struct runtime *runtime;
	char *place;
	void *data;
};

/* What the user wants, if not all */
struct choice {
	struct choice *next;
	const struct runtime *runtime;
	char *place;
};

static struct watch *watches;
static struct choice *choices;
static bool only_choices;
static sd_event_source *soon;

static const struct runtime *find_runtime(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++)
		if (strlen(runtimes[i]->name) == len &&
		    !strncmp(runtimes[i]->name, name, len))
			return runtimes[i];
	return NULL;
}

/**
 * runtimes_choose - ask this runtime; those that aren't chosen are left out
 * @spec: NAME, NAME=PLACE, or "none"
 *
 * Return: 0; -1 if there is no such runtime, or the place isn't an absolute path.
 */
int runtimes_choose(const char *spec)
{
	const char *place = strchr(spec, '=');
	size_t len = place ? (size_t)(place - spec) : strlen(spec);
	const struct runtime *runtime = find_runtime(spec, len);
	struct choice *choice;

	only_choices = true;
	if (!strcmp(spec, "none"))
		return 0;
	if (!runtime || (place && place[1] != '/'))
		return -1;
	choice = xcalloc(1, sizeof(*choice));
	choice->runtime = runtime;
	choice->place = place ? xstrdup(place + 1) : NULL;
	choice->next = choices;
	choices = choice;
	return 0;
}

static void watch_place(const struct runtime *runtime, const char *place)
{
	struct watch *w;
	size_t nr = 0;

	for (w = watches; w; w = w->next) {
		nr += w->runtime == runtime;
		if (w->runtime == runtime && !strcmp(w->place, place))
			return;
	}
	if (nr >= PLACES_MAX)
		return;
	w = xcalloc(1, sizeof(*w));
	w->runtime = runtime;
	w->place = xstrdup(place);
	w->next = watches;
	watches = w;
	w->data = runtime->start(w->place);
}

/* A place without a pattern may come to be; one with a pattern is looked for again. */
static void watch_pattern(const struct runtime *runtime, const char *pattern)
{
	glob_t found;

	if (runtime->patterns || !strpbrk(pattern, "*?[")) {
		watch_place(runtime, pattern);
		return;
	}
	if (glob(pattern, 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		watch_place(runtime, found.gl_pathv[i]);
	globfree(&found);
}

static void watch_all_places(const struct runtime *runtime)
{
	for (const char *const *place = runtime->places; *place; place++)
		watch_pattern(runtime, *place);
}

/** runtimes_start - watch all places of the runtimes that are wanted, and of new ones */
void runtimes_start(void)
{
	struct choice *choice;

	for (choice = choices; choice; choice = choice->next)
		if (choice->place)
			watch_place(choice->runtime, choice->place);
		else
			watch_all_places(choice->runtime);
	for (size_t i = 0; !only_choices && i < ARRAY_SIZE(runtimes); i++)
		if (!runtimes[i]->unasked)
			watch_all_places(runtimes[i]);
}

/** runtimes_look - have all of them list what there is */
void runtimes_look(void)
{
	struct watch *w;

	runtimes_start();
	for (w = watches; w; w = w->next)
		if (w->data && w->runtime->look)
			w->runtime->look(w->data);
}

static int look_now(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	(void)data;
	soon = sd_event_source_disable_unref(soon);
	runtimes_look();
	return 0;
}

/** runtimes_look_soon - the same for many reasons at once */
void runtimes_look_soon(void)
{
	if (!soon)
		sd_event_add_time_relative(loop, &soon, CLOCK_MONOTONIC, LOOK_SOON_USEC, 0,
					   look_now, NULL);
}

void runtimes_stop(void)
{
	struct choice *choice;
	struct watch *w;

	soon = sd_event_source_disable_unref(soon);
	while ((w = watches)) {
		watches = w->next;
		if (w->data)
			w->runtime->stop(w->data);
		free(w->place);
		free(w);
	}
	while ((choice = choices)) {
		choices = choice->next;
		free(choice->place);
		free(choice);
	}
}
