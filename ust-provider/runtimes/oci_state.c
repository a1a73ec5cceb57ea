// SPDX-License-Identifier: GPL-2.0
/*
 * crun and runc have no daemon that could be asked: a container is a folder, with a file
 * of its state in JSON. Whether it runs isn't in there: there is a FIFO until it is
 * started, and its process may have gone unseen, and its ID be another's by now.
 *
 * A user's runtime may name any process as a container's, so that one has to be the
 * user's too.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci_state.h"

#define STATE_MAX_ROOT	(4U << 20)
#define STATE_MAX_USER	(1U << 20)
#define CGROUP_MOUNT	"/sys/fs/cgroup"
#define STAT_STARTTIME	22

/* Either may be told by --root to keep it anywhere, so the files tell which it is. */
static const struct {
	const char *file;
	const char *runtime;
} kinds[] = {
	{ "status", "crun" },
	{ "state.json", "runc" },
};

/**
 * oci_state_name - is a file in a container's folder the one of its state?
 * @name: of the file
 */
bool oci_state_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(name, kinds[i].file))
			return true;
	}
	return false;
}

void oci_state_clear(struct oci_state *st)
{
	free(st->cgroup);
	free(st->bundle);
	*st = (struct oci_state){ 0 };
}

static char *copy_path(const char *s)
{
	return s && *s == '/' && strlen(s) < PATH_MAX ? xstrdup(s) : NULL;
}

/* The path of a user's is not believed: it might be another container's. */
static char *copy_cgroup(const char *s, uid_t uid)
{
	if (!s || uid || strstr(s, "..") || strlen(s) >= PATH_MAX || !strcmp(s, "/"))
		return NULL;
	return xasprintf("%s%s", *s == '/' ? "" : "/", s);
}

static pid_t get_pid(struct json_object *obj, const char *key)
{
	struct json_object *val = json_member(obj, key, json_type_int);
	int64_t pid = val ? json_object_get_int64(val) : 0;

	return pid > 0 && pid <= INT_MAX ? pid : 0;
}

static uint64_t get_start(struct json_object *obj, const char *key)
{
	struct json_object *val = json_member(obj, key, json_type_int);

	return val ? json_object_get_uint64(val) : 0;
}

static void parse_crun(struct oci_state *st, struct json_object *obj, uid_t uid)
{
	st->pid = get_pid(obj, "pid");
	st->start = get_start(obj, "process-start-time");
	st->cgroup = copy_cgroup(json_string(obj, "cgroup-path"), uid);
	st->bundle = copy_path(json_string(obj, "bundle"));
}

static char *runc_bundle(struct json_object *obj)
{
	static const char key[] = "bundle=";
	struct json_object *labels;

	labels = json_member(json_member(obj, "config", json_type_object), "labels",
			     json_type_array);
	for (size_t i = 0; labels && i < json_object_array_length(labels); i++) {
		struct json_object *val = json_object_array_get_idx(labels, i);
		const char *s = json_object_is_type(val, json_type_string) ?
				json_object_get_string(val) : "";

		if (!strncmp(s, key, strlen(key)))
			return copy_path(s + strlen(key));
	}
	return NULL;
}

static void parse_runc(struct oci_state *st, struct json_object *obj, uid_t uid)
{
	const char *path;

	st->pid = get_pid(obj, "init_process_pid");
	st->start = get_start(obj, "init_process_start");
	path = json_string(json_member(obj, "cgroup_paths", json_type_object), "");
	if (path && !strncmp(path, CGROUP_MOUNT "/", strlen(CGROUP_MOUNT "/")))
		st->cgroup = copy_cgroup(path + strlen(CGROUP_MOUNT), uid);
	st->bundle = runc_bundle(obj);
}

static bool read_kind(struct oci_state *st, int dirfd, uid_t uid, size_t kind,
		      const struct file_stamp *stamp)
{
	struct json_object *obj;

	obj = json_of_file(dirfd, kinds[kind].file,
			   uid ? STATE_MAX_USER : STATE_MAX_ROOT, uid);
	if (!json_object_is_type(obj, json_type_object)) {
		json_object_put(obj);
		return false;
	}
	oci_state_clear(st);
	st->runtime = kinds[kind].runtime;
	if (kind == 0)
		parse_crun(st, obj, uid);
	else
		parse_runc(st, obj, uid);
	st->stamp = *stamp;
	json_object_put(obj);
	return true;
}

/**
 * oci_state_read - read what is in a container's folder
 * @st: all 0 at first; what it has is read again only if it has changed
 * @dirfd: the folder
 * @uid: whose the container is
 *
 * Return: whether @st has something. What can't be read leaves it as it was: it may be
 * on its way.
 */
bool oci_state_read(struct oci_state *st, int dirfd, uid_t uid)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct file_stamp stamp;

		if (!file_stamp_at(dirfd, kinds[i].file, &stamp))
			continue;
		if (st->runtime && file_stamp_same(&stamp, &st->stamp))
			return true;
		if (read_kind(st, dirfd, uid, i, &stamp))
			return true;
	}
	return st->runtime;
}

/**
 * oci_waits - is it created and not started?
 * @dirfd: the folder
 */
bool oci_waits(int dirfd)
{
	struct stat st;

	return !fstatat(dirfd, "exec.fifo", &st, AT_SYMLINK_NOFOLLOW);
}

static bool parse_stat(const char *text, char *state, uint64_t *start)
{
	/* Its name may have parentheses and spaces; what follows doesn't. */
	const char *s = strrchr(text, ')');

	if (!s || s[1] != ' ' || !s[2])
		return false;
	*state = s[2];
	for (int field = 2; s && field < STAT_STARTTIME; field++)
		s = strchr(s + 1, ' ');
	if (!s)
		return false;
	*start = strtoull(s + 1, NULL, 10);
	return true;
}

/**
 * oci_pid_alive - is a process still the one that a runtime has written down?
 * @pid: of it, or 0
 * @start: when it has started; 0: not known
 * @uid: whose the container is
 */
bool oci_pid_alive(pid_t pid, uint64_t start, uid_t uid)
{
	char path[32], text[1024], state;
	cleanup_close int procfd = -1;
	uint64_t val;

	if (!pid)
		return false;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	procfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (procfd < 0 || !identity_belongs_to(pid, uid))
		return false;
	if (read_file_at(procfd, "stat", text, sizeof(text)) < 0 ||
	    !parse_stat(text, &state, &val))
		return false;
	return state != 'Z' && state != 'X' && (!start || start == val);
}

/**
 * oci_state_now - what a container does, which its file doesn't tell
 * @st: the file's content
 * @dirfd: its folder
 * @uid: whose it is
 */
enum container_state oci_state_now(const struct oci_state *st, int dirfd, uid_t uid)
{
	if (!oci_pid_alive(st->pid, st->start, uid))
		return STATE_EXITED;
	return oci_waits(dirfd) ? STATE_CREATED : STATE_RUNNING;
}
