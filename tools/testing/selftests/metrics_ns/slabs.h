/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How many objects there are in the caches of what is charged to its user, as all is
 * that belongs to a namespace.
 */
#ifndef __SELFTESTS_METRICS_NS_SLABS_H
#define __SELFTESTS_METRICS_NS_SLABS_H

#include "metrics_ns.h"

#define SLABS		"/sys/kernel/slab"
#define CHARGED		"kmalloc-cg-"
#define SLABS_MAX	32
#define SLAB_NAME_MAX	32
/*
 * Objects are freed by work that may be put off, by grace periods and more: a network
 * is the last to go, and that by and by. When nothing has changed for so long, all is
 * freed.
 */
#define SETTLED_S	10
#define SLABS_WAIT_S	120

struct slabs {
	int nr;
	struct {
		char name[SLAB_NAME_MAX];
		long objects;
	} of[SLABS_MAX];
};

#define NEEDS_SLABS() do { \
	if (access(SLABS "/" CHARGED "256/objects", R_OK)) \
		SKIP(return, "kernel without CONFIG_SLUB_DEBUG or CONFIG_MEMCG"); \
} while (0)

/* What has been freed and is kept, by a CPU or in KASAN's quarantine, doesn't count. */
static inline long slab_objects(int dirfd, const char *cache)
{
	char path[SLAB_NAME_MAX + 16], value[4096];

	snprintf(path, sizeof(path), "%s/shrink", cache);
	if (write_file_at(dirfd, path, "1"))
		return -1;
	snprintf(path, sizeof(path), "%s/objects", cache);
	return read_file_at(dirfd, path, value, sizeof(value)) ? atol(value) : -1;
}

static inline bool is_slab(const struct dirent *entry)
{
	return !strncmp(entry->d_name, CHARGED, strlen(CHARGED)) &&
	       strlen(entry->d_name) < SLAB_NAME_MAX;
}

static inline bool slabs_count_once(struct slabs *slabs)
{
	DIR *dir = opendir(SLABS);
	struct dirent *entry;
	long objects = 0;

	memset(slabs, 0, sizeof(*slabs));
	while (dir && objects >= 0 && slabs->nr < SLABS_MAX &&
	       (entry = readdir(dir))) {
		if (!is_slab(entry))
			continue;
		objects = slab_objects(dirfd(dir), entry->d_name);
		strcpy(slabs->of[slabs->nr].name, entry->d_name);
		slabs->of[slabs->nr++].objects = objects;
	}
	if (dir)
		closedir(dir);
	return slabs->nr && objects >= 0;
}

/* Count them when no more is freed; false if that doesn't come in time. */
static inline bool slabs_settle(struct slabs *slabs)
{
	struct slabs last = {};
	int settled = 0, i;

	for (i = 0; i < SLABS_WAIT_S && settled < SETTLED_S; i++) {
		if (!slabs_count_once(slabs))
			return false;
		settled = memcmp(slabs, &last, sizeof(last)) ? 0 : settled + 1;
		last = *slabs;
		sleep(1);
	}
	return settled == SETTLED_S;
}

/* How many more objects a cache has than before; those are the same caches. */
static inline long slab_grown(const struct slabs *before,
			      const struct slabs *after, int i)
{
	return after->of[i].objects - before->of[i].objects;
}

/* Does a cache have @limit objects more than before? */
static inline bool slabs_have_grown(const struct slabs *before,
				    const struct slabs *after, long limit)
{
	int i;

	for (i = 0; i < after->nr; i++)
		if (slab_grown(before, after, i) >= limit)
			return true;
	return false;
}

/* Count them until none has so many more; false if that doesn't come in time. */
static inline bool slabs_return(const struct slabs *before,
				struct slabs *after, long limit)
{
	int i;

	for (i = 0; i < SLABS_WAIT_S; i++) {
		if (!slabs_count_once(after))
			return false;
		if (!slabs_have_grown(before, after, limit))
			return true;
		sleep(1);
	}
	return false;
}

static inline void log_grown(struct __test_metadata *_metadata,
			     const struct slabs *before,
			     const struct slabs *after)
{
	int i;

	for (i = 0; i < after->nr; i++)
		if (slab_grown(before, after, i))
			TH_LOG("%s: %+ld objects", after->of[i].name,
			       slab_grown(before, after, i));
}

#endif /* __SELFTESTS_METRICS_NS_SLABS_H */
