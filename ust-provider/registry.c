// SPDX-License-Identifier: GPL-2.0
/*
 * The containers that there are. A source names one by its runtime's ID; the kernel, by its
 * metrics namespace or its cgroup.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry.h"

#define BUCKETS		1024
/* So a user who makes up containers takes no place from others. */
#define ALL_MAX		20000
#define USER_MAX	2000

static struct container *buckets[BUCKETS];
static size_t nr_all, nr_users;		/* containers, and those that aren't root's */

static struct container **bucket_of(const char *id)
{
	unsigned int hash = 5381;

	while (*id)
		hash = hash * 33 + (unsigned char)*id++;
	return &buckets[hash % BUCKETS];
}

/** registry_find - find a container by its key; @id is escaped */
struct container *registry_find(const char *family, const char *id, uid_t uid)
{
	struct container *c;

	for (c = *bucket_of(id); c; c = c->next)
		if (c->uid == uid && !strcmp(c->family, family) && !strcmp(c->id, id))
			return c;
	return NULL;
}

/** registry_has_id - has any container this ID, escaped, whose ever it is? */
bool registry_has_id(const char *id)
{
	struct container *c;

	for (c = *bucket_of(id); c && strcmp(c->id, id); c = c->next)
		;
	return c;
}

/**
 * registry_by_key - find a container by what its runtime calls it
 * @family: see struct report
 * @id: as the runtime has it
 * @uid: whose it is
 *
 * Return: the container; NULL.
 */
struct container *registry_by_key(const char *family, const char *id, uid_t uid)
{
	cleanup_free char *escaped = escape(id);

	return registry_find(family, escaped, uid);
}

static size_t path_len(const struct container *c)
{
	return c->ident.cgroup_path ? strlen(c->ident.cgroup_path) : 0;
}

/* Root's word before a user's, an engine's before a guess; the innermost cgroup */
static bool is_better(const struct container *c, const struct container *than)
{
	if (!than || !c->uid != !than->uid)
		return !than || !c->uid;
	if (c->rank != than->rank)
		return c->rank > than->rank;
	return path_len(c) > path_len(than);
}

static struct container *best_that(bool (*test)(const struct container *c,
						const void *data),
				   const void *data)
{
	struct container *best = NULL, *c;

	for (size_t i = 0; i < BUCKETS; i++)
		for (c = buckets[i]; c; c = c->next)
			if (test(c, data) && is_better(c, best))
				best = c;
	return best;
}

static bool has_container_id(const struct container *c, const void *data)
{
	return c->ident.container_id == *(const uint64_t *)data;
}

static bool has_cgroup_id(const struct container *c, const void *data)
{
	return c->ident.cgroup_id == *(const uint64_t *)data;
}

/* In its cgroup, or below it */
static bool has_cgroup_path(const struct container *c, const void *data)
{
	const char *path = data;
	size_t len = path_len(c);

	return len > 1 && !strncmp(path, c->ident.cgroup_path, len) &&
	       (!path[len] || path[len] == '/');
}

/** registry_by_container_id - the container that has a metrics namespace */
struct container *registry_by_container_id(uint64_t id)
{
	return id ? best_that(has_container_id, &id) : NULL;
}

/** registry_by_cgroup_id - the container that has a cgroup */
struct container *registry_by_cgroup_id(uint64_t id)
{
	return id ? best_that(has_cgroup_id, &id) : NULL;
}

/** registry_by_cgroup_path - the container whose cgroup that is, or is above it */
struct container *registry_by_cgroup_path(const char *path)
{
	return best_that(has_cgroup_path, path);
}

/** registry_for_each - call a function for each container; it may free that one, and no other */
void registry_for_each(void (*fn)(struct container *c, void *data), void *data)
{
	struct container *c, *next;

	for (size_t i = 0; i < BUCKETS; i++)
		for (c = buckets[i]; c; c = next) {
			next = c->next;
			fn(c, data);
		}
}

/** registry_each - call a function for each container that has been told of */
void registry_each(void (*fn)(const struct container *c, void *data), void *data)
{
	const struct container *c;

	for (size_t i = 0; i < BUCKETS; i++)
		for (c = buckets[i]; c; c = c->next)
			if (c->state != STATE_NONE)
				fn(c, data);
}

struct tally {
	uid_t uid;
	size_t own;
	struct container *ended;	/* one that may go for another one */
};

static void count(struct container *c, void *data)
{
	struct tally *tally = data;

	if (c->uid != tally->uid)
		return;
	tally->own++;
	if (c->state == STATE_EXITED && !c->folder)
		tally->ended = c;
}

/* Return: whether there is room for one of @uid's, maybe by forgetting another one. */
static bool make_room(uid_t uid)
{
	struct tally tally = { .uid = uid };
	static bool said;

	if (nr_all < ALL_MAX && !uid)
		return true;
	registry_for_each(count, &tally);
	if (nr_all < ALL_MAX && tally.own < USER_MAX && nr_users < ALL_MAX / 2)
		return true;
	if (tally.ended) {
		life_forget(tally.ended);
		return true;
	}
	if (!said)
		msg("there are too many containers: more than %d of one user, or %d; the others are left out",
		    USER_MAX, ALL_MAX);
	said = true;
	return false;
}

static void put_in(struct container *c)
{
	struct container **bucket = bucket_of(c->id);

	c->next = *bucket;
	*bucket = c;
}

/**
 * registry_add - a container that hasn't been told of
 * @family: literal
 * @runtime: literal, or NULL: called by its family, as long as nobody says more
 * @rank: of who says so
 * @id: escaped
 * @uid: whose it is
 *
 * Return: the container; NULL: there are too many.
 */
struct container *registry_add(const char *family, const char *runtime,
			    enum report_rank rank, const char *id, uid_t uid)
{
	struct container *c;

	if (!make_room(uid))
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->family = family;
	c->runtime = runtime ? runtime : family;
	c->rank = rank;
	c->id = xstrdup(id);
	c->uid = uid;
	c->name = xstrdup("");
	c->image = xstrdup("");
	c->pod = xstrdup("");
	c->labels = xstrdup("");
	c->status = -1;
	c->pidfd = -1;
	if (!strcmp(family, FAMILY_KERNEL))
		c->ident.container_id = strtoull(id, NULL, 10);
	put_in(c);
	nr_all++;
	nr_users += uid != 0;
	return c;
}

/** registry_free_sources - no listing has it any more */
void registry_free_sources(struct container *c)
{
	struct seen_by *seen;

	while ((seen = c->sources)) {
		c->sources = seen->next;
		free(seen);
	}
}

static void free_container(struct container *c)
{
	registry_free_sources(c);
	life_free(c);
	free(c->id);
	free(c->name);
	free(c->image);
	free(c->pod);
	free(c->labels);
	free(c);
}

static void take_out(struct container *c)
{
	struct container **p;

	for (p = bucket_of(c->id); *p != c; p = &(*p)->next)
		;
	*p = c->next;
}

/** registry_remove - take a container out of the table, and free it */
void registry_remove(struct container *c)
{
	take_out(c);
	nr_all--;
	nr_users -= c->uid != 0;
	free_container(c);
}

/**
 * registry_change_id - it is called by another ID, as the ID is a name
 * @c: the container
 * @id: escaped; nobody else's
 */
void registry_change_id(struct container *c, const char *id)
{
	take_out(c);
	free(c->id);
	c->id = xstrdup(id);
	put_in(c);
}

static void remove_one(struct container *c, void *data)
{
	(void)data;
	registry_remove(c);
}

void registry_clear(void)
{
	registry_for_each(remove_one, NULL);
}
