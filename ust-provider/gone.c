// SPDX-License-Identifier: GPL-2.0
/*
 * The containers that there were: streams lag, and what is late must not bring them back.
 * And who has the name of one that was removed a moment ago has taken its place.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "registry.h"

#define KEEP_USEC	(300 * 1000000ULL)

/* Users have a ring of their own, as they can make up containers. */
struct ring {
	struct gone *of;
	size_t size, next;
};

static struct gone of_root[1024], of_users[256];
static struct ring rings[] = {
	{ of_root, ARRAY_SIZE(of_root), 0 },
	{ of_users, ARRAY_SIZE(of_users), 0 },
};

static struct ring *ring_of(uid_t uid)
{
	return &rings[uid != 0];
}

/** gone_add - a container has been removed */
void gone_add(const struct container *c)
{
	struct ring *ring = ring_of(c->uid);
	struct gone *g = &ring->of[ring->next++ % ring->size];

	free(g->id);
	free(g->name);
	*g = (struct gone){
		.family = c->family,
		.runtime = c->runtime,
		.id = xstrdup(c->id),
		.name = xstrdup(c->name),
		.uid = c->uid,
		.container_id = c->ident.container_id,
		.pid = c->ident.pid,
		.restarts = c->restarts,
		.usec = loop_usec(),
	};
}

static bool is_recent(const struct gone *g)
{
	return g->id && loop_usec() - g->usec < KEEP_USEC;
}

/* The @i-th last one */
static const struct gone *last(const struct ring *ring, size_t i)
{
	return &ring->of[(ring->next - i) % ring->size];
}

/** gone_by_id - who was it that had this ID, escaped, in the last minutes? Or NULL */
const struct gone *gone_by_id(const char *family, const char *id, uid_t uid)
{
	const struct ring *ring = ring_of(uid);

	for (size_t i = 1; i <= ring->size; i++) {
		const struct gone *g = last(ring, i);

		if (is_recent(g) && g->uid == uid && !strcmp(g->family, family) &&
		    !strcmp(g->id, id))
			return g;
	}
	return NULL;
}

/* Its ID was given again, or its name; what another engine calls so is another container. */
static bool has_place_of(const struct container *c, const struct gone *g)
{
	return g->uid == c->uid && !strcmp(g->runtime, c->runtime) &&
	       (!strcmp(g->id, c->id) || (*c->name && !strcmp(g->name, c->name)));
}

/** gone_before - whose place has @c, that was removed in the last minutes? Or NULL */
const struct gone *gone_before(const struct container *c)
{
	const struct ring *ring = ring_of(c->uid);

	for (size_t i = 1; i <= ring->size; i++)
		if (is_recent(last(ring, i)) && has_place_of(c, last(ring, i)))
			return last(ring, i);
	return NULL;
}

/** gone_usec - how long is it gone? */
uint64_t gone_usec(const struct gone *g)
{
	return loop_usec() - g->usec;
}

/** gone_has - was there one of this ID, whose ever it was? */
bool gone_has(const char *id)
{
	for (size_t r = 0; r < ARRAY_SIZE(rings); r++)
		for (size_t i = 0; i < rings[r].size; i++)
			if (rings[r].of[i].id && !strcmp(rings[r].of[i].id, id))
				return true;
	return false;
}

void gone_clear(void)
{
	for (size_t r = 0; r < ARRAY_SIZE(rings); r++)
		for (size_t i = 0; i < rings[r].size; i++) {
			free(rings[r].of[i].id);
			free(rings[r].of[i].name);
		}
}
