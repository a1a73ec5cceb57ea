// SPDX-License-Identifier: GPL-2.0
/* Making a cgroup for a container, and leaving nothing of it behind */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "util.h"

#define MAX_NAMES 100		/* leftovers of that name before giving up */
#define REMOVE_TRIES 200
#define REMOVE_PAUSE_MS 10

/* Lists of controllers are masks of cgroup_controllers. */
static unsigned int ctrl_bit(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(cgroup_controllers); i++)
		if (!strcmp(name, cgroup_controllers[i]))
			return 1U << i;
	return 0;
}

static unsigned int ctrl_present(const char *list)
{
	unsigned int mask = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cgroup_controllers); i++)
		if (has_word(list, cgroup_controllers[i]))
			mask |= 1U << i;
	return mask;
}

static const char *ctrl_first(unsigned int mask)
{
	return cgroup_controllers[__builtin_ctz(mask)];
}

static unsigned int ctrl_needed(const struct cgroup_limits *limits)
{
	unsigned int mask = 0;

	if (limits->memory)
		mask |= ctrl_bit("memory");
	if (limits->cpu_max[0])
		mask |= ctrl_bit("cpu");
	if (limits->cpuset)
		mask |= ctrl_bit("cpuset");
	return mask;
}

static int read_ctrls(int fd, const char *file, unsigned int *mask)
{
	cleanup_free char *list = read_all_at(fd, file);

	if (!list)
		return -1;
	*mask = ctrl_present(list);
	return 0;
}

/*
 * Have the children of a cgroup get controllers. EBUSY: the cgroup holds
 * processes and isn't the root. ENOTSUP: it has no such controller itself.
 */
static int enable_ctrls(int fd, unsigned int mask)
{
	unsigned int there, enabled;
	char text[128] = "";
	size_t len = 0;

	if (read_ctrls(fd, "cgroup.controllers", &there) ||
	    read_ctrls(fd, "cgroup.subtree_control", &enabled))
		return -1;
	if (mask & ~there) {
		errno = ENOTSUP;
		return -1;
	}
	mask &= ~enabled;
	if (!mask)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(cgroup_controllers); i++)
		if (mask & 1U << i)
			len += snprintf(text + len, sizeof(text) - len, "+%s ",
					cgroup_controllers[i]);
	return write_file_at(fd, "cgroup.subtree_control", text);
}

/* The label goes into the name, for those who look at the cgroups. */
static char *new_name(const char *label, int try)
{
	char *name = xasprintf("cid-%d%s%s", getpid(), label ? "-" : "",
			       label ? label : "");
	char *again;

	for (char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.", *p))
			*p = '-';
	if (!try)
		return name;
	again = xasprintf("%s-%d", name, try);
	free(name);
	return again;
}

static int make_dir(int fd, const char *label, char **name)
{
	for (int try = 0; try < MAX_NAMES; try++) {
		*name = new_name(label, try);
		if (!mkdirat(fd, *name, 0755))
			return 0;
		free(*name);
		*name = NULL;
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

static int try_place(const struct cgroup_fs *fs, const char *place,
		     const char *label, unsigned int mask,
		     struct cgroup_own *own)
{
	cleanup_close int fd = cgroup_open(fs, place);

	if (fd < 0 || enable_ctrls(fd, mask) ||
	    make_dir(fd, label, &own->name))
		return -1;
	own->parent_fd = fd;
	fd = -1;
	own->path = xasprintf("%s/%s", strcmp(place, "/") ? place : "",
			      own->name);
	return 0;
}

/* From the caller's own cgroup upwards: the first place where it can be done */
static int find_place(const struct cgroup_fs *fs, const char *start,
		      const char *label, unsigned int mask,
		      struct cgroup_own *own)
{
	cleanup_free char *place = xstrdup(start);
	char *slash;

	for (;;) {
		if (!try_place(fs, place, label, mask, own))
			return 0;
		slash = strrchr(place, '/');
		if (!slash[1])
			return -1;
		/* "/a" is below "/", whose slash has to stay */
		slash[slash == place] = '\0';
	}
}

static void say_no_place(const char *start, unsigned int mask)
{
	if (errno == EBUSY)
		msg("cannot make a cgroup with limits: '%s' and all above it "
		    "hold processes, and such a cgroup may not pass on "
		    "controllers (no internal processes); start cid in a cgroup "
		    "below one without processes, or give --scope", start);
	else if (errno == ENOTSUP)
		msg("cannot make a cgroup: neither '%s' nor a cgroup above it "
		    "has the controller '%s'", start, ctrl_first(mask));
	else
		msg("cannot make a cgroup in '%s' or above it: %m", start);
}

static int set_limit(int fd, const char *file, const char *value)
{
	if (!write_file_at(fd, file, value))
		return 0;
	msg("cannot set %s to '%s': %m", file, value);
	return -1;
}

static int set_limits(int fd, const struct cgroup_limits *limits)
{
	char memory[24];

	snprintf(memory, sizeof(memory), "%llu",
		 (unsigned long long)limits->memory);
	if (limits->memory && set_limit(fd, "memory.max", memory))
		return -1;
	if (limits->cpu_max[0] && set_limit(fd, "cpu.max", limits->cpu_max))
		return -1;
	if (limits->cpuset && set_limit(fd, "cpuset.cpus", limits->cpuset))
		return -1;
	return 0;
}

static int own_cgroup_path(char **path)
{
	*path = cgroup_of_pid(0);
	if (*path)
		return 0;
	msg("cannot tell the own cgroup: %m");
	return -1;
}

static int check_available(const struct cgroup_fs *fs, unsigned int needed)
{
	unsigned int missing = needed & ~ctrl_present(fs->controllers);

	if (!missing)
		return 0;
	msg("the limit cannot be set: the cgroup v2 hierarchy at %s has no "
	    "controller '%s'", fs->path, ctrl_first(missing));
	return -1;
}

/**
 * cgroup_create - make a cgroup for a container and limit it
 * @fs: from cgroup_find(), with a cgroup2 mount
 * @label: the container's, or NULL
 * @limits: what to limit
 * @own: gets the cgroup; hand it to cgroup_remove() in any case
 *
 * It says itself what goes wrong. Controllers that it has enabled stay enabled:
 * whether somebody else has come to depend on them can't be told.
 *
 * Return: 0; -1.
 */
int cgroup_create(const struct cgroup_fs *fs, const char *label,
		  const struct cgroup_limits *limits, struct cgroup_own *own)
{
	unsigned int needed = ctrl_needed(limits);
	unsigned int wanted = needed | ctrl_present(fs->controllers);
	cleanup_free char *start = NULL;

	*own = (struct cgroup_own){ .parent_fd = -1, .fd = -1 };
	if (check_available(fs, needed) || own_cgroup_path(&start))
		return -1;
	/*
	 * All that the view can use is better than the nearest place, but
	 * nothing that the caller has asked for.
	 */
	if (find_place(fs, start, label, wanted, own) &&
	    find_place(fs, start, label, needed, own)) {
		say_no_place(start, needed);
		return -1;
	}
	own->fd = openat(own->parent_fd, own->name,
			 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (own->fd < 0) {
		msg("cannot open the new cgroup '%s': %m", own->path);
		return -1;
	}
	return set_limits(own->fd, limits);
}

static int remove_tree(int parent_fd, const char *name)
{
	struct dirent *de;
	int fd;

	if (!unlinkat(parent_fd, name, AT_REMOVEDIR) || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -1;

	/* Busy with processes, or with cgroups made inside the container */
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return -1;
	while ((de = readdir(dir)))
		if (de->d_type == DT_DIR && de->d_name[0] != '.')
			remove_tree(fd, de->d_name);
	return unlinkat(parent_fd, name, AT_REMOVEDIR);
}

/**
 * cgroup_remove - remove a cgroup that cgroup_create() made
 * @own: the cgroup, whatever cgroup_create() returned
 *
 * The container's processes are gone by now; any that came from elsewhere is
 * killed, as is what a container left in cgroups of its own making.
 *
 * Return: 0; -1 after saying why.
 */
int cgroup_remove(struct cgroup_own *own)
{
	const struct timespec pause = {
		.tv_nsec = REMOVE_PAUSE_MS * 1000 * 1000,
	};
	int ret = 0;

	if (own->parent_fd < 0)
		return 0;
	for (int i = 0; i < REMOVE_TRIES; i++) {
		ret = remove_tree(own->parent_fd, own->name);
		if (!ret || errno != EBUSY)
			break;
		write_file_at(own->fd, "cgroup.kill", "1");
		nanosleep(&pause, NULL);
	}
	if (ret)
		msg("cannot remove the cgroup '%s': %m", own->path);
	if (own->fd >= 0)
		close(own->fd);
	close(own->parent_fd);
	free(own->name);
	free(own->path);
	own->parent_fd = -1;
	return ret;
}
