// SPDX-License-Identifier: GPL-2.0
/* A time namespace for the container, asked for through its config.json. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "../clocks.h"
#include "cid-runtime.h"

/* Marks an entry of the wrapper, which a later run may renew. */
#define MARK	"org.cid.time-set-by"

static bool features_say_time(const char *text)
{
	struct json_object *root = json_tokener_parse(text), *list;
	bool found = false;
	size_t n;

	list = cid_json_get(root, "linux", json_type_object);
	list = cid_json_get(list, "namespaces", json_type_array);
	n = list ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *ns = json_object_array_get_idx(list, i);

		if (json_object_is_type(ns, json_type_string) &&
		    !strcmp(json_object_get_string(ns), "time"))
			found = true;
	}
	json_object_put(root);
	return found;
}

/*
 * crun's features leave out the time namespace. 1.8 fails to start a container
 * that asks for one; 1.21, the next one tried, makes it.
 */
static bool version_has_time(const char *text)
{
	unsigned int major, minor;

	return sscanf(text, "crun version %u.%u", &major, &minor) == 2 &&
	       (major > 1 || (major == 1 && minor >= 21));
}

static bool ask(const char *runtime, const char *arg,
		bool (*judge)(const char *text))
{
	char *argv[] = { (char *)runtime, (char *)arg, NULL };
	char *text = cid_capture(argv);
	bool yes = text && judge(text);

	free(text);
	return yes;
}

static struct json_object *member(struct json_object *obj, const char *key)
{
	struct json_object *value;

	value = cid_json_get(obj, key, json_type_object);
	if (!value) {
		value = json_object_new_object();
		json_object_object_add(obj, key, value);
	}
	return value;
}

/*
 * The boot clock starts with the container. The monotonic clock stays the
 * machine's: tracers in containers compare its values with the kernel's.
 */
static struct json_object *offsets(void)
{
	struct json_object *boot, *all;
	struct timespec offset;

	if (clocks_restart(CLOCK_BOOTTIME, &offset))
		return NULL;
	boot = json_object_new_object();
	all = json_object_new_object();
	json_object_object_add(boot, "secs",
			       json_object_new_int64(offset.tv_sec));
	json_object_object_add(boot, "nanosecs",
			       json_object_new_int64(offset.tv_nsec));
	json_object_object_add(all, "boottime", boot);
	return all;
}

/*
 * Returns 1 if config.json is to be written, 0 where the bundle has a time
 * namespace of its own, -1 without offsets.
 */
static int edit(struct json_object *root)
{
	struct json_object *linux_, *list, *entry, *notes, *times;

	linux_ = cid_json_get(root, "linux", json_type_object);
	list = cid_json_get(linux_, "namespaces", json_type_array);
	if (!list)
		return 0;
	notes = member(root, "annotations");
	entry = cid_json_find_ns(root, "time");
	if (entry && !cid_json_get(notes, MARK, json_type_string))
		return 0;
	times = offsets();
	if (!times)
		return -1;
	if (!entry) {
		entry = json_object_new_object();
		json_object_object_add(entry, "type",
				       json_object_new_string("time"));
		json_object_array_add(list, entry);
	}
	json_object_object_add(linux_, "timeOffsets", times);
	json_object_object_add(notes, MARK,
			       json_object_new_string("cid-runtime"));
	return 1;
}

static bool write_like(int fd, struct json_object *root, const struct stat *st)
{
	return !fchown(fd, st->st_uid, st->st_gid) &&
	       !fchmod(fd, st->st_mode & 07777) &&
	       !json_object_to_fd(fd, root, JSON_C_TO_STRING_PLAIN |
				  JSON_C_TO_STRING_NOSLASHESCAPE) &&
	       !fsync(fd);
}

/* Whoever reads config.json meanwhile sees the old file or the new one. */
static bool replace(const char *path, struct json_object *root)
{
	struct stat st;
	bool ok = false;
	char *tmp;
	int fd;

	if (stat(path, &st) || asprintf(&tmp, "%s.cid-XXXXXX", path) < 0)
		return false;
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd >= 0) {
		ok = write_like(fd, root, &st) && !rename(tmp, path);
		if (!ok)
			unlink(tmp);
		close(fd);
	}
	free(tmp);
	return ok;
}

static bool rewrite(const char *config)
{
	char *path = realpath(config, NULL);
	struct json_object *root;
	int changed;
	bool ok;

	root = path ? cid_json_read(path) : NULL;
	changed = root ? edit(root) : -1;
	ok = !changed || (changed > 0 && replace(path, root));
	json_object_put(root);
	free(path);
	return ok;
}

/**
 * cid_time_request() - add a time namespace to a bundle's config.json
 * @runtime: the runtime's path
 * @b: the bundle
 *
 * Return: false if the kernel or the runtime cannot make one, the clocks' offsets
 * not be read, or config.json not be written; it is then unchanged.
 */
bool cid_time_request(const char *runtime, const struct cid_bundle *b)
{
	return clocks_supported() &&
	       (ask(runtime, "--version", version_has_time) ||
		ask(runtime, "features", features_say_time)) &&
	       rewrite(b->path);
}
