// SPDX-License-Identifier: GPL-2.0
/* From the names that a user gives to the IDs of containers */

#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "record.h"
#include "runtime_names.h"
#include "util.h"

bool containers_has(const struct recording *rec, uint64_t id)
{
	for (size_t i = 0; i < rec->nr_ids; i++)
		if (rec->ids[i].id == id)
			return true;
	return false;
}

static void add(struct recording *rec, const struct container *c)
{
	if (containers_has(rec, c->info.id))
		return;
	rec->ids = xreallocarray(rec->ids, rec->nr_ids + 1, sizeof(*rec->ids));
	rec->ids[rec->nr_ids++] = (struct followed) {
		.id = c->info.id,
		.top = c->info.level == 1,
	};
}

/* Those that an inner one may have: what is nested in an outermost one has its ID. */
static void add_nested(struct recording *rec, const struct inventory *inv, uint64_t id)
{
	for (size_t i = 0; i < inv->nr; i++) {
		const struct container *c = &inv->containers[i];

		if (!c->has_id || c->info.parent_id != id)
			continue;
		add(rec, c);
		add_nested(rec, inv, c->info.id);
	}
}

static void add_all_of(struct recording *rec, const struct inventory *inv,
		       const struct container *c)
{
	add(rec, c);
	if (c->info.level != 1)
		add_nested(rec, inv, c->info.id);
}

/* All that have the label: what was started anew has the same one. */
static size_t add_labelled(struct recording *rec, const struct inventory *inv,
			   const char *label)
{
	size_t nr = 0;

	for (size_t i = 0; i < inv->nr; i++) {
		const struct container *c = &inv->containers[i];

		if (!c->has_id || c->foreign || strcmp(c->label, label))
			continue;
		add_all_of(rec, inv, c);
		nr++;
	}
	return nr;
}

static bool has_label(const struct recording *rec, const char *label)
{
	for (size_t i = 0; i < rec->nr_labels; i++)
		if (!strcmp(rec->labels[i], label))
			return true;
	return false;
}

static void add_label(struct recording *rec, const char *label)
{
	if (has_label(rec, label))
		return;
	rec->labels = xreallocarray(rec->labels, rec->nr_labels + 1, sizeof(*rec->labels));
	rec->labels[rec->nr_labels++] = xstrdup(label);
}

/* What the runtime calls by that name has its own ID as its label. */
static size_t add_named(struct recording *rec, const struct inventory *inv,
			const char *name)
{
	cleanup_free char *runtime_id = runtime_id_of_name(name);
	size_t nr;

	add_label(rec, name);
	nr = add_labelled(rec, inv, name);
	if (nr || !runtime_id)
		return nr;
	add_label(rec, runtime_id);
	return add_labelled(rec, inv, runtime_id);
}

static int find(struct recording *rec, const struct inventory *inv, const char *name)
{
	bool number = !name[strspn(name, "0123456789")];
	long index;
	int nr;

	if (!*name) {
		msg("a container has no empty name");
		return -1;
	}
	if (!number && add_named(rec, inv, name))
		return 0;
	nr = inventory_look_up(inv, name, &index);
	if (nr < 0)
		return rec->following ? 0 : -1;
	if (nr) {
		add_all_of(rec, inv, &inv->containers[index]);
		return 0;
	}
	/* It may have ended meanwhile. */
	if (rec->following)
		return 0;
	if (number)
		return inventory_find(inv, name);	/* which says that there is none */
	msg("there is no container '%s' yet: it is recorded once it starts", name);
	return 0;
}

/* Is it to be recorded: by its label, or as what it is nested in is? */
static bool is_meant(const struct recording *rec, const struct container *c)
{
	return (!c->foreign && has_label(rec, c->label)) ||
	       containers_has(rec, c->info.parent_id);
}

/**
 * containers_take_in - record one more container, if it is meant, and what is in it
 * @rec: the recording
 * @id: its ID; it may have ended already
 */
void containers_take_in(struct recording *rec, uint64_t id)
{
	struct inventory inv;

	if (inventory_load(&inv))
		return;
	for (size_t i = 0; i < inv.nr; i++) {
		const struct container *c = &inv.containers[i];

		if (c->has_id && c->info.id == id && is_meant(rec, c))
			add_all_of(rec, &inv, c);
	}
	inventory_free(&inv);
}

/**
 * containers_find - find the containers that the user names
 * @rec: the recording; gets their IDs
 *
 * A label that no container has yet may be had by one that starts later. So that none
 * is missed in between, it is looked again once they are followed.
 *
 * Return: 0; -1, and says why.
 */
int containers_find(struct recording *rec)
{
	struct inventory inv;
	int ret = 0;

	if (!rec->nr_names)
		return 0;
	if (inventory_load(&inv))
		return -1;
	for (size_t i = 0; i < rec->nr_names && !ret; i++)
		ret = find(rec, &inv, rec->names[i]);
	inventory_free(&inv);
	return ret;
}
