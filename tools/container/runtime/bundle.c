// SPDX-License-Identifier: GPL-2.0
/* What a bundle's config.json says to the wrapper. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "../metricsns.h"
#include "cid-runtime.h"

#define JSON_MAX	(16 << 20)

/**
 * cid_json_get() - a member of a JSON object, if it has the type wanted
 * @obj: object, or NULL
 * @key: member's name
 * @type: enum json_type
 *
 * Return: the member, not referenced, or NULL.
 */
struct json_object *cid_json_get(struct json_object *obj, const char *key,
				 int type)
{
	struct json_object *member;

	if (!json_object_is_type(obj, json_type_object) ||
	    !json_object_object_get_ex(obj, key, &member) ||
	    !json_object_is_type(member, (enum json_type)type))
		return NULL;
	return member;
}

/**
 * cid_json_read() - read a JSON file of a bearable size
 * @path: the file
 *
 * Return: its root, to be put, or NULL: it is the runtime that complains.
 */
struct json_object *cid_json_read(const char *path)
{
	struct json_object *root = NULL;
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= JSON_MAX)
		root = json_object_from_fd(fd);
	close(fd);
	return root;
}

/**
 * cid_json_find_ns() - look for a namespace in config.json
 * @root: of config.json, or NULL
 * @type: "pid", "cgroup", ...
 *
 * Return: its entry in linux.namespaces, not referenced, or NULL.
 */
struct json_object *cid_json_find_ns(struct json_object *root, const char *type)
{
	struct json_object *list, *entry, *name;
	size_t n;

	list = cid_json_get(root, "linux", json_type_object);
	list = cid_json_get(list, "namespaces", json_type_array);
	n = list ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < n; i++) {
		entry = json_object_array_get_idx(list, i);
		name = cid_json_get(entry, "type", json_type_string);
		if (name && !strcmp(json_object_get_string(name), type))
			return entry;
	}
	return NULL;
}

static bool annotated(struct json_object *notes, const char *key, bool fallback)
{
	struct json_object *note = cid_json_get(notes, key, json_type_string);
	const char *value;

	if (!note)
		return fallback;
	value = json_object_get_string(note);
	if (!strcmp(value, "true") || !strcmp(value, "1"))
		return true;
	if (strcmp(value, "false") && strcmp(value, "0"))
		cid_die(CID_EXIT_FAILED,
			"annotation %s=%s: not a truth value; use true or false",
			key, value);
	return false;
}

static char *annotated_label(struct json_object *notes)
{
	struct json_object *note;
	const char *text;
	size_t len;

	note = cid_json_get(notes, "org.cid.label", json_type_string);
	if (!note)
		return NULL;
	text = json_object_get_string(note);
	len = json_object_get_string_len(note);
	if (len < 1 || len > NS_METRICS_LABEL_MAX)
		cid_die(CID_EXIT_FAILED,
			"annotation org.cid.label has %zu bytes; use 1 to %d",
			len, NS_METRICS_LABEL_MAX);
	if (strlen(text) != len || !metricsns_label_valid(text))
		cid_die(CID_EXIT_FAILED,
			"annotation org.cid.label has a byte that is not printable ASCII");
	return strndup(text, len);
}

/* One with a path is joined, not made: it arms no automatic scope. */
static bool makes_cgroupns(struct json_object *root)
{
	struct json_object *entry = cid_json_find_ns(root, "cgroup");
	struct json_object *path = cid_json_get(entry, "path", json_type_string);

	return entry && (!path || !json_object_get_string_len(path));
}

/**
 * cid_bundle_load() - read the bundle's configuration
 * @b: filled in; exits with a message if an annotation is wrong
 * @args: where the bundle is
 * @conf: defaults
 */
void cid_bundle_load(struct cid_bundle *b, const struct cid_args *args,
		     const struct cid_conf *conf)
{
	struct json_object *root, *notes = NULL;

	*b = (struct cid_bundle){ 0 };
	/* crun looks up an absolute --config as it stands */
	if ((args->config[0] == '/' ? asprintf(&b->path, "%s", args->config) :
	     asprintf(&b->path, "%s/%s", args->bundle, args->config)) < 0)
		cid_die(CID_EXIT_FAILED, "out of memory");
	root = cid_json_read(b->path);
	b->found = root;
	if (conf->annotations)
		notes = cid_json_get(root, "annotations", json_type_object);
	b->label = annotated_label(notes);
	b->new_cgroupns = makes_cgroupns(root);
	b->quota_cpus = annotated(notes, "org.cid.quota-cpus",
				  conf->quota_cpus);
	b->host_view = annotated(notes, "org.cid.host-view", conf->host_view);
	b->time = annotated(notes, "org.cid.time", conf->time);
	json_object_put(root);
}
