// SPDX-License-Identifier: GPL-2.0
/* Which container does a user mean? */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "runtime_names.h"
#include "util.h"

typedef int (*match_fn)(const struct container *c, const char *name);

static void id_string(const struct container *c, char buf[24])
{
	snprintf(buf, 24, "%llu", (unsigned long long)c->info.id);
}

static int match_exact(const struct container *c, const char *name)
{
	char id[24];

	id_string(c, id);
	return !strcmp(id, name) || !strcmp(c->label, name);
}

static int match_prefix(const struct container *c, const char *name)
{
	size_t len = strlen(name);
	char id[24];

	id_string(c, id);
	return !strncmp(id, name, len) || !strncmp(c->label, name, len);
}

static int match_label(const struct container *c, const char *name)
{
	return !strcmp(c->label, name);
}

static size_t count(const struct inventory *inv, const char *name,
		    match_fn match, long *index)
{
	size_t nr = 0;

	for (size_t i = 0; i < inv->nr; i++) {
		const struct container *c = &inv->containers[i];

		if (!c->has_id || !match(c, name))
			continue;
		*index = i;
		nr++;
	}
	return nr;
}

static void say_ambiguous(const struct inventory *inv, const char *name,
			  match_fn match)
{
	cleanup_free char *list = xstrdup("");

	for (size_t i = 0; i < inv->nr; i++) {
		const struct container *c = &inv->containers[i];
		char *longer;

		if (!c->has_id || !match(c, name))
			continue;
		longer = xasprintf("%s%s%llu (%s)", list, *list ? ", " : "",
				   (unsigned long long)c->info.id,
				   *c->label ? c->label : "no label");
		free(list);
		list = longer;
	}
	msg("'%s' can mean several containers: %s; give an ID", name, list);
}

/* 1: @index is it, 0: none, -1: several, and said so */
static int find_one(const struct inventory *inv, const char *name,
		    match_fn match, long *index)
{
	size_t nr = count(inv, name, match, index);

	if (nr > 1) {
		say_ambiguous(inv, name, match);
		return -1;
	}
	return nr;
}

static int find_runtime(const struct inventory *inv, const char *name,
			long *index)
{
	cleanup_free char *id = runtime_id_of_name(name);

	return id ? find_one(inv, id, match_label, index) : 0;
}

/**
 * inventory_find - find the container that a user names
 * @inv: from inventory_load()
 * @name: an ID, a label, the beginning of either, or a runtime's name
 *
 * It says itself what goes wrong.
 *
 * Return: index of the container; -1.
 */
long inventory_find(const struct inventory *inv, const char *name)
{
	long index = -1;
	int nr = 0;

	if (*name)
		nr = find_one(inv, name, match_exact, &index);
	if (*name && !nr)
		nr = find_one(inv, name, match_prefix, &index);
	if (*name && !nr)
		nr = find_runtime(inv, name, &index);
	if (!nr)
		msg("there is no container '%s' ('cid ls' lists them)", name);
	return nr == 1 ? index : -1;
}
