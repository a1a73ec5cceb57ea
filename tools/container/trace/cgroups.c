// SPDX-License-Identifier: GPL-2.0
/* Whose the cgroups are that there are before anything is watched */

#include <bpf/bpf.h>
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "container.h"
#include "trace.h"
#include "util.h"

static int by_id_down(const void *a, const void *b)
{
	const struct container *x = *(struct container *const *)a;
	const struct container *y = *(struct container *const *)b;

	return x->info.id < y->info.id ? 1 : -(x->info.id > y->info.id);
}

/*
 * All of a directory's before any directory in it is read, so that one that is made
 * meanwhile is either read or made below one that is known to be somebody's.
 */
static int fill_below(int map, const char *path, uint64_t id)
{
	char *const paths[] = { (char *)path, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	FTSENT *entry;
	int ret = 0;

	/* It may be gone by now. */
	if (!fts)
		return 0;
	while (!ret && (entry = fts_read(fts))) {
		__u64 cgroup_id = entry->fts_statp->st_ino;

		if (entry->fts_info == FTS_D)
			ret = bpf_map_update_elem(map, &cgroup_id, &id, BPF_NOEXIST);
		if (ret == -EEXIST)
			ret = 0;
	}
	fts_close(fts);
	return ret;
}

/**
 * trace_claim_cgroups - tell the programs that the cgroups below one are a container's
 * @t: with a map "cgroups"
 * @path: of the cgroup
 * @id: of the container
 *
 * But for those of a container with a higher ID, which may be nested in it.
 */
void trace_claim_cgroups(struct trace *t, const char *path, uint64_t id)
{
	int map = bpf_object__find_map_fd_by_name(t->obj, "cgroups");
	char *const paths[] = { (char *)path, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	FTSENT *entry;

	while (fts && (entry = fts_read(fts))) {
		__u64 cgroup_id = entry->fts_statp->st_ino, has;

		if (entry->fts_info == FTS_D && (bpf_map_lookup_elem(map, &cgroup_id, &has) ||
						 has < id))
			bpf_map_update_elem(map, &cgroup_id, &id, BPF_ANY);
	}
	if (fts)
		fts_close(fts);
}

/**
 * trace_fill_cgroups - tell the programs whose the cgroups are
 * @t: with a map "cgroups", or without
 *
 * Its programs are attached, and follow what changes.
 *
 * Return: 0; -1 if it can't, which it says.
 */
int trace_fill_cgroups(struct trace *t)
{
	int map = bpf_object__find_map_fd_by_name(t->obj, "cgroups");
	struct container **list;
	struct inventory inv;
	size_t nr = 0;
	int ret = 0;

	if (map < 0)
		return 0;
	if (inventory_load(&inv)) {
		inventory_free(&inv);
		return -1;
	}
	list = xcalloc(inv.nr + 1, sizeof(*list));
	for (size_t i = 0; i < inv.nr; i++)
		if (inv.containers[i].has_id && inv.containers[i].scope)
			list[nr++] = &inv.containers[i];
	/*
	 * Who is nested has the higher ID, and the first word; and what the programs
	 * have noted meanwhile is newer.
	 */
	qsort(list, nr, sizeof(*list), by_id_down);
	for (size_t i = 0; i < nr && !ret; i++) {
		const struct container *c = list[i];
		cleanup_free char *path = xasprintf("%s%s", inv.fs.path, c->scope);

		if (fill_below(map, path, t->opt.by_top ? c->info.top_id : c->info.id)) {
			msg("%zu cgroups are more than can be watched", (size_t)TRACE_CGROUPS);
			ret = -1;
		}
	}
	free(list);
	inventory_free(&inv);
	return ret;
}
