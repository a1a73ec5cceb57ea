// SPDX-License-Identifier: GPL-2.0
/*
 * A place of a runtime needn't be there, nor the folder that it is in: the closest one that
 * is there is watched for the next on the way.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "place.h"

#define EVENTS	(IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

static int on_event(sd_event_source *source, const struct inotify_event *event, void *data)
{
	struct awaited *a = data;

	(void)source;
	/* Without a name it is the folder itself that has gone, or too much has happened. */
	if (!event->len || !*a->name || !strcmp(event->name, a->name))
		a->fn(a->data);
	return 0;
}

/** place_forget - wait for it no longer */
void place_forget(struct awaited *a)
{
	a->source = sd_event_source_disable_unref(a->source);
}

/**
 * place_await - wait for a place
 * @a: the caller's, until place_forget()
 * @place: absolute path
 * @fn: called when something may have brought it closer: look for it, and wait again if
 *	it isn't there
 * @data: for @fn
 *
 * Return: 0; 1 if what is awaited has come meanwhile, so that @fn may not be called; a
 * negative errno.
 */
int place_await(struct awaited *a, const char *place, void (*fn)(void *data), void *data)
{
	cleanup_free char *dir = xstrdup(place);
	int ret = -ENOENT;
	char *slash;

	place_forget(a);
	a->fn = fn;
	a->data = data;
	while (ret < 0 && (slash = strrchr(dir, '/'))) {
		*slash = '\0';
		snprintf(a->name, sizeof(a->name), "%s", slash + 1);
		ret = sd_event_add_inotify(loop, &a->source, *dir ? dir : "/", EVENTS,
					   on_event, a);
	}
	if (ret < 0)
		return ret;
	*slash = '/';
	slash[1 + strlen(a->name)] = '\0';
	return !access(dir, F_OK);
}

/**
 * place_await_change - wait until something comes into the folder of a place
 * @a: the caller's, until place_forget()
 * @place: absolute path
 * @fn: called each time
 * @data: for @fn
 *
 * Return: 0; a negative errno.
 */
int place_await_change(struct awaited *a, const char *place, void (*fn)(void *data), void *data)
{
	cleanup_free char *dir = xstrdup(place);

	place_forget(a);
	a->fn = fn;
	a->data = data;
	*a->name = '\0';
	*strrchr(dir, '/') = '\0';
	return sd_event_add_inotify(loop, &a->source, *dir ? dir : "/", EVENTS, on_event, a);
}
