// SPDX-License-Identifier: GPL-2.0
/*
 * podman and CRI-O have an OCI runtime start their containers, which knows them by ID
 * only. Their names and images are in the files of the library containers/storage, that
 * both keep containers in. So they are known without asking podman's service, which
 * mostly doesn't run.
 *
 * One file has all containers of a user; it is kept in memory until it changes.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "statefile.h"
#include "storage.h"

#define LIST_MAX_ROOT	(16U << 20)
#define LIST_MAX_USER	(4U << 20)
#define CONFIG_MAX	(4U << 20)
#define META_MAX	65536	/* of one container */
#define META_BUDGET	(1U << 20)
#define STRING_MAX	1024
#define SLOTS		16
#define RUN_ROOT	"/run/containers/storage/"
#define GRAPH_ROOT	"/var/lib/containers/storage/"

static const char *const list_files[] = { "containers.json", "volatile-containers.json" };

struct entry {
	char *id;
	char *name;
	char *image;
	char *meta;
};

/* One file as it was at @stamp, which is also kept if there was nothing of use in it */
struct list {
	char *path;		/* of its folder */
	const char *file;
	uid_t uid;
	struct file_stamp stamp;
	struct entry *entries;	/* by ID */
	size_t nr;
	uint64_t used;
};

static struct list lists[SLOTS];
static uint64_t nr_used;

static char *copy(const char *s, size_t max)
{
	return s ? xasprintf("%.*s", (int)max, s) : NULL;
}

static void list_clear(struct list *l)
{
	for (size_t i = 0; i < l->nr; i++) {
		free(l->entries[i].id);
		free(l->entries[i].name);
		free(l->entries[i].image);
		free(l->entries[i].meta);
	}
	free(l->entries);
	free(l->path);
	*l = (struct list){ 0 };
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->id, ((const struct entry *)b)->id);
}

static const char *first_name(struct json_object *obj)
{
	struct json_object *names = json_member(obj, "names", json_type_array);
	struct json_object *val;

	if (!names || !json_object_array_length(names))
		return NULL;
	val = json_object_array_get_idx(names, 0);
	return json_object_is_type(val, json_type_string) ? json_object_get_string(val) :
							    NULL;
}

static void list_parse(struct list *l, struct json_object *array)
{
	size_t n = json_object_array_length(array);

	l->entries = xcalloc(n + 1, sizeof(*l->entries));
	for (size_t i = 0; i < n; i++) {
		struct json_object *obj = json_object_array_get_idx(array, i);
		const char *id = json_string(obj, "id");
		const char *meta = json_string(obj, "metadata");
		struct entry *e = &l->entries[l->nr];

		if (!id || strlen(id) > ID_MAX)
			continue;
		if (meta && strlen(meta) > META_MAX)
			meta = NULL;
		e->id = xstrdup(id);
		e->name = copy(first_name(obj), STRING_MAX);
		e->image = copy(json_string(obj, "image"), STRING_MAX);
		e->meta = copy(meta, META_MAX);
		l->nr++;
	}
	qsort(l->entries, l->nr, sizeof(*l->entries), compare_ids);
}

static struct list *list_slot(const char *path, const char *file, uid_t uid)
{
	struct list *oldest = &lists[0];

	for (size_t i = 0; i < SLOTS; i++) {
		struct list *l = &lists[i];

		if (l->path && l->uid == uid && l->file == file && !strcmp(l->path, path))
			return l;
		if (l->used < oldest->used)
			oldest = l;
	}
	list_clear(oldest);
	oldest->path = xstrdup(path);
	oldest->file = file;
	oldest->uid = uid;
	return oldest;
}

/* Return: NULL: there is no such file */
static const struct list *list_load(int dirfd, const char *path, const char *file,
				    uid_t uid)
{
	struct json_object *array;
	struct file_stamp stamp;
	struct list *l;

	if (!file_stamp_at(dirfd, file, &stamp))
		return NULL;
	l = list_slot(path, file, uid);
	l->used = ++nr_used;
	if (file_stamp_same(&stamp, &l->stamp))
		return l;
	list_clear(l);
	l = list_slot(path, file, uid);
	l->used = nr_used;
	l->stamp = stamp;
	array = json_of_file(dirfd, file, uid ? LIST_MAX_USER : LIST_MAX_ROOT, uid);
	if (json_object_is_type(array, json_type_array))
		list_parse(l, array);
	json_object_put(array);
	return l;
}

static const struct entry *find_below(const char *path, const char *id, uid_t uid)
{
	const struct entry key = { .id = (char *)id };
	uid_t owner;
	cleanup_close int dirfd = folder_walk(path, &owner);

	/* Nobody gets the names of another's containers shown as its own. */
	if (dirfd < 0 || owner != uid)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(list_files); i++) {
		const struct list *l = list_load(dirfd, path, list_files[i], uid);
		const struct entry *e = NULL;

		if (l && l->nr)
			e = bsearch(&key, l->entries, l->nr, sizeof(key), compare_ids);
		if (e)
			return e;
	}
	return NULL;
}

/* CRI-O has its bundles on a tmpfs, and the list beside podman's. */
static const struct entry *find_entry(const char *path, const char *id, uid_t uid)
{
	const struct entry *e = find_below(path, id, uid);
	cleanup_free char *graph = NULL;

	if (e || uid || strncmp(path, RUN_ROOT, strlen(RUN_ROOT)))
		return e;
	graph = xasprintf(GRAPH_ROOT "%s", path + strlen(RUN_ROOT));
	return find_below(graph, id, uid);
}

/* Return: the part of STORAGE/DRIVER-containers/ID/userdata before the ID, or NULL */
static char *containers_folder(const char *bundle, const char *id)
{
	static const char kind[] = "-containers";
	cleanup_free char *tail = xasprintf("/%s/userdata", id);
	size_t len = strlen(bundle), tail_len = strlen(tail);

	if (len <= tail_len || strcmp(bundle + len - tail_len, tail))
		return NULL;
	len -= tail_len;
	if (len <= strlen(kind) ||
	    strncmp(bundle + len - strlen(kind), kind, strlen(kind)))
		return NULL;
	return xasprintf("%.*s", (int)len, bundle);
}

static struct json_object *read_config(const char *bundle, uid_t uid)
{
	uid_t owner;
	cleanup_close int dirfd = folder_walk(bundle, &owner);

	if (dirfd < 0 || owner != uid)
		return NULL;
	return json_of_file(dirfd, "config.json", CONFIG_MAX, uid);
}

static const char *which_engine(struct json_object *notes, struct json_object *meta,
				const struct entry *e)
{
	const char *manager = json_string(notes, "io.container.manager");

	if (manager && !strcmp(manager, "cri-o"))
		return "cri-o";
	if (manager && !strcmp(manager, "libpod"))
		return "podman";
	/* Of the two, CRI-O alone writes this, always. */
	if (json_string(meta, "pod-name"))
		return "cri-o";
	return e ? "podman" : NULL;
}

static const char *either(const char *a, const char *b)
{
	return a ? a : b;
}

static char *pod_name(struct json_object *notes, struct json_object *meta)
{
	const char *space = json_string(notes, "io.kubernetes.pod.namespace");
	const char *name = json_string(notes, "io.kubernetes.pod.name");

	if (space && name)
		return xasprintf("%.*s/%.*s", STRING_MAX, space, STRING_MAX, name);
	name = either(name, json_string(notes, "io.kubernetes.cri-o.SandboxName"));
	return copy(either(name, json_string(meta, "pod-name")), STRING_MAX);
}

static void fill_info(struct storage_info *info, struct json_object *notes,
		      struct json_object *meta, const struct entry *e)
{
	const char *name = e ? e->name : NULL, *image = e ? e->image : NULL;

	if (!strcmp(info->runtime, "cri-o")) {
		name = either(json_string(meta, "metadata-name"), name);
		name = either(json_string(notes, "io.kubernetes.container.name"), name);
		info->pod = pod_name(notes, meta);
	} else {
		name = either(name, json_string(meta, "name"));
	}
	image = either(json_string(notes, "io.kubernetes.cri-o.ImageName"), image);
	image = either(json_string(meta, "image-name"), image);
	info->name = copy(name, STRING_MAX);
	info->image = copy(image, STRING_MAX);
}

/**
 * storage_lookup - what does the engine know of an OCI runtime's container?
 * @bundle: the path that it has from the OCI runtime
 * @id: of the container
 * @uid: whose it is: only this user's files are believed
 * @info: gets the answer, for storage_info_clear()
 *
 * Return: false: it is no container of podman's or CRI-O's, as far as can be seen.
 */
bool storage_lookup(const char *bundle, const char *id, uid_t uid,
		    struct storage_info *info)
{
	cleanup_free char *path = containers_folder(bundle, id);
	struct json_object *config, *notes, *meta = NULL;
	const struct entry *e;

	*info = (struct storage_info){ 0 };
	if (!path)
		return false;
	e = find_entry(path, id, uid);
	config = read_config(bundle, uid);
	notes = json_member(config, "annotations", json_type_object);
	if (e && e->meta)
		meta = json_of_text(e->meta, strlen(e->meta), META_BUDGET);
	info->runtime = which_engine(notes, meta, e);
	if (info->runtime) {
		fill_info(info, notes, meta, e);
		info->folder = xasprintf("%s/%s", path, id);
	}
	json_object_put(meta);
	json_object_put(config);
	return info->runtime;
}

void storage_info_clear(struct storage_info *info)
{
	free(info->name);
	free(info->image);
	free(info->pod);
	free(info->folder);
	*info = (struct storage_info){ 0 };
}
