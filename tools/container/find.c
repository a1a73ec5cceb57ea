// SPDX-License-Identifier: GPL-2.0
/* Which container does a user mean? */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "runtime_names.h"
#include "util.h"

typedef bool (*match_fn)(const struct container *c, const char *name);

/*
 * What runtimes print of their IDs; one in 280 is all digits. IDs of the
 * kernel's are counted, and won't get that long.
 */
#define RUNTIME_ID_LEN	12

static bool all_digits(const char *s)
{
	return s[strspn(s, "0123456789")] == '\0';
}

static bool may_begin_label(const char *name)
{
	return !all_digits(name) || strlen(name) >= RUNTIME_ID_LEN;
}

/* Whole only: 25 must never lead into 250. */
static bool match_id(const struct container *c, const char *name)
{
	char id[24];

	snprintf(id, sizeof(id), "%llu", (unsigned long long)c->info.id);
	return !strcmp(id, name);
}

/*
 * A container with a user namespace of its own may put any label on what it
 * starts, so none of these is taken for a name that the caller gave.
 */
static bool match_label(const struct container *c, const char *name)
{
	return !c->foreign && !strcmp(c->label, name);
}

static bool match_prefix(const struct container *c, const char *name)
{
	return !c->foreign && !strncmp(c->label, name, strlen(name));
}

static bool match_foreign(const struct container *c, const char *name)
{
	return c->foreign && !strcmp(c->label, name);
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

/* Return: a new string, the containers that match, with commas */
static char *list_matching(const struct inventory *inv, const char *name,
			   match_fn match)
{
	char *list = xstrdup("");

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
	return list;
}

/* 1: @index is it, 0: none, -1: several, and said so */
static int find_one(const struct inventory *inv, const char *name,
		    match_fn match, long *index)
{
	size_t nr = count(inv, name, match, index);

	if (nr > 1) {
		cleanup_free char *list = list_matching(inv, name, match);

		msg("'%s' can mean several containers: %s; give an ID", name,
		    list);
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
 * inventory_look_up - find the container that a user names, if it is there
 * @inv: from inventory_load()
 * @name: as for inventory_find()
 * @index: gets its index
 *
 * In the order of what others have least influence on. A number that is no
 * container's ID any more must not become the beginning of a label, unless it is
 * as long as those that runtimes print.
 *
 * Return: 1; 0 if there is none; -1 if it can mean several, and says so.
 */
int inventory_look_up(const struct inventory *inv, const char *name, long *index)
{
	int nr = 0;

	if (!*name)
		return 0;
	if (all_digits(name))
		nr = find_one(inv, name, match_id, index);
	if (!nr)
		nr = find_one(inv, name, match_label, index);
	if (!nr)
		nr = find_runtime(inv, name, index);
	if (!nr && may_begin_label(name))
		nr = find_one(inv, name, match_prefix, index);
	return nr;
}

static void say_none(const struct inventory *inv, const char *name)
{
	cleanup_free char *list = list_matching(inv, name, match_foreign);

	if (*name && *list)
		msg("'%s' is a label that another user namespace has given: "
		    "%s; give the ID if you mean it", name, list);
	else
		msg("there is no container '%s' ('cid ls' lists them)", name);
}

/**
 * inventory_find - find the container that a user names
 * @inv: from inventory_load()
 * @name: an ID, a label, a runtime's name, or the beginning of a label that
 *	is no number of less than 12 digits; labels count where the container belongs to the caller's
 *	user namespace
 *
 * It says itself what goes wrong.
 *
 * Return: index of the container; -1.
 */
long inventory_find(const struct inventory *inv, const char *name)
{
	long index = -1;
	int nr = inventory_look_up(inv, name, &index);

	if (!nr)
		say_none(inv, name);
	return nr == 1 ? index : -1;
}
