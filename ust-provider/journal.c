// SPDX-License-Identifier: GPL-2.0
/*
 * What has been told, in a file that outlives the agent, but not the boot. So an agent that
 * was killed tells nothing twice when it is back, but for what it was just telling, and tells
 * the end of what has ended meanwhile. A line is a container as it was told of last; later
 * lines count.
 */

#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry.h"

#define FILE_NAME	"journal"
#define NEW_NAME	"journal.new"
/* It is written anew when it gets longer than this, and twice what it has to be. */
#define SHORT		(1U << 20)

static int dir = -1, file = -1;
static size_t length, least;
static bool broken;

static char *line_of(const struct container *c, size_t *len)
{
	struct json_object *obj = container_json(c);
	char *line;

	json_object_object_add(obj, "family", json_object_new_string(c->family));
	/* What the event has is escaped. */
	json_object_object_add(obj, "cgroup_path",
			       json_object_new_string(c->ident.cgroup_path ?: ""));
	json_object_object_add(obj, "rank", json_object_new_int(c->rank));
	json_object_object_add(obj, "state", json_object_new_int(c->state));
	json_object_object_add(obj, "started", json_object_new_boolean(c->started));
	if (c->folder)
		json_object_object_add(obj, "folder", json_object_new_string(c->folder));
	line = xasprintf("%s\n", json_object_to_json_string_ext(obj,
							       JSON_C_TO_STRING_PLAIN));
	json_object_put(obj);
	*len = strlen(line);
	return line;
}

/*
 * In one write, so that who is killed leaves a whole line or none. After one that was
 * short there is an end of line, and what it was of is told by the next one.
 */
static bool append(int fd, const struct container *c)
{
	size_t len;
	cleanup_free char *line = line_of(c, &len);
	ssize_t n;

	if (broken && write(fd, "\n", 1) != 1)
		return false;
	n = write(fd, line, len);
	broken = n != (ssize_t)len;
	length += n > 0 ? n : 0;
	return !broken;
}

struct all {
	int fd;
	bool ok;
};

static void append_one(const struct container *c, void *data)
{
	struct all *all = data;

	all->ok = all->ok && append(all->fd, c);
}

/* What there is stays until the new one is whole. */
static bool rewrite(void)
{
	struct all all = { .ok = true };
	size_t old_length = length;
	bool old_broken = broken;

	all.fd = openat(dir, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC |
			O_NOFOLLOW, 0600);
	if (all.fd < 0)
		return false;
	length = 0;
	broken = false;
	registry_each(append_one, &all);
	if (!all.ok || renameat(dir, NEW_NAME, dir, FILE_NAME)) {
		close(all.fd);
		unlinkat(dir, NEW_NAME, 0);
		length = old_length;
		broken = old_broken;
		return false;
	}
	least = length;
	if (file >= 0)
		close(file);
	file = all.fd;
	return true;
}

static void say_failed(void)
{
	static bool said;

	if (!said)
		msg("cannot write the journal: %m; an agent that comes after this one may tell things again");
	said = true;
}

/** journal_put - it has been told of, or there is more to tell */
void journal_put(struct container *c)
{
	c->changed = false;
	if (file < 0)
		return;
	if (!append(file, c))
		say_failed();
	if (length > SHORT && length > 2 * least && !rewrite()) {
		say_failed();
		/* Not with the next line again */
		least = length;
	}
}

static const char *string_of(struct json_object *obj, const char *key)
{
	struct json_object *val;

	return json_object_object_get_ex(obj, key, &val) &&
	       json_object_is_type(val, json_type_string) ? json_object_get_string(val) : "";
}

static uint64_t number_of(struct json_object *obj, const char *key)
{
	struct json_object *val;

	return json_object_object_get_ex(obj, key, &val) ? json_object_get_uint64(val) : 0;
}

static void restore(struct json_object *obj)
{
	const struct saved saved = {
		.family = string_of(obj, "family"),
		.runtime = string_of(obj, "runtime"),
		.rank = number_of(obj, "rank"),
		.id = string_of(obj, "id"),
		.uid = number_of(obj, "uid"),
		.name = string_of(obj, "name"),
		.image = string_of(obj, "image"),
		.pod = string_of(obj, "pod"),
		.labels = string_of(obj, "labels"),
		.state = number_of(obj, "state"),
		.started = number_of(obj, "started"),
		.restarts = number_of(obj, "restart_count"),
		.pid = number_of(obj, "pid"),
		.pid_ns_id = number_of(obj, "pid_ns_id"),
		.pid_ns = number_of(obj, "pid_ns"),
		.container_id = number_of(obj, "container_id"),
		.cgroup_id = number_of(obj, "cgroup_id"),
		.cgroup_path = string_of(obj, "cgroup_path"),
		.folder = string_of(obj, "folder"),
	};

	if (!strcmp(string_of(obj, "boot_id"), machine->boot_id) && *saved.family &&
	    *saved.id && saved.state <= STATE_REMOVED && saved.rank <= RANK_ENGINE)
		registry_restore(&saved);
}

static void restore_lines(FILE *f)
{
	cleanup_free char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, f) > 0) {
		struct json_object *obj = json_tokener_parse(line);

		if (json_object_is_type(obj, json_type_object))
			restore(obj);
		json_object_put(obj);
	}
}

/**
 * journal_start - take over what the agent before has told
 * @dirfd: the folder of the journal
 */
void journal_start(int dirfd)
{
	int fd = openat(dirfd, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	FILE *f = NULL;

	dir = dirfd;
	/* Only one's own: the folder may have been somebody else's before. */
	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid())
		f = fdopen(fd, "r");
	if (f) {
		restore_lines(f);
		fclose(f);
	} else if (fd >= 0) {
		close(fd);
	}
	if (!rewrite())
		say_failed();
}

void journal_stop(void)
{
	if (file >= 0)
		close(file);
}
