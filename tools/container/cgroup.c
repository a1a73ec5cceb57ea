// SPDX-License-Identifier: GPL-2.0
/* The cgroup2 hierarchy: where it is, what it says, who is in which cgroup */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "metricsns_abi.h"
#include "nsinfo.h"
#include "util.h"

const char *const cgroup_controllers[5] = {
	"cpu", "cpuset", "memory", "io", "pids",
};

/* mountinfo writes space, tab, newline and backslash as \ooo. */
static char *unescape_octal(const char *s)
{
	char *res = xcalloc(strlen(s) + 1, 1);
	char *p = res;

	while (*s) {
		if (s[0] == '\\' && strspn(s + 1, "01234567") >= 3) {
			*p++ = (s[1] - '0') << 6 | (s[2] - '0') << 3 |
			       (s[3] - '0');
			s += 4;
		} else {
			*p++ = *s++;
		}
	}
	return res;
}

/*
 * A line of mountinfo: ID, parent, device, root, mount point, options, optional
 * fields, "-", type. The first cgroup2 mount that shows the hierarchy from the
 * top of this cgroup namespace is the one; any other is better than none.
 */
static void mountinfo_line(struct cgroup_fs *fs, bool *from_top, char *line)
{
	char *type = strstr(line, " - ");
	char root[PATH_MAX], point[PATH_MAX];

	if (!type)
		return;
	type += 3;
	if (!strncmp(type, "cgroup ", 7))
		fs->legacy = true;
	if (strncmp(type, "cgroup2 ", 8))
		return;
	if (sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) != 2)
		return;
	if (fs->path && (*from_top || strcmp(root, "/")))
		return;
	*from_top = !strcmp(root, "/");
	free(fs->path);
	fs->path = unescape_octal(point);
}

/**
 * cgroup_find - find the cgroup2 hierarchy
 * @fs: gets what was found; free it with cgroup_fs_free()
 *
 * Return: 0, also without a cgroup2 mount; -1 and errno.
 */
int cgroup_find(struct cgroup_fs *fs)
{
	cleanup_free char *info = read_all_at(AT_FDCWD, "/proc/self/mountinfo");
	bool from_top = false;
	char *save, *line;

	memset(fs, 0, sizeof(*fs));
	if (!info)
		return -1;
	for (line = strtok_r(info, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		mountinfo_line(fs, &from_top, line);
	if (fs->path) {
		cleanup_close int fd = cgroup_open(fs, "/");

		if (fd >= 0)
			fs->controllers = read_all_at(fd, "cgroup.controllers");
	}
	if (!fs->controllers)
		fs->controllers = xstrdup("");
	return 0;
}

/** cgroup_fs_free - free what cgroup_find() gave */
void cgroup_fs_free(struct cgroup_fs *fs)
{
	free(fs->path);
	free(fs->controllers);
	memset(fs, 0, sizeof(*fs));
}

/**
 * cgroup_has_view - can a cgroup here be what a container's /proc shows?
 *
 * On a v1 or hybrid host the cgroup2 hierarchy is absent or has none of the
 * controllers that count.
 */
bool cgroup_has_view(const struct cgroup_fs *fs)
{
	return fs->path && (has_word(fs->controllers, "memory") ||
			    has_word(fs->controllers, "cpu"));
}

/**
 * cgroup_of_proc - the cgroup of a process
 * @procfd: from proc_open()
 *
 * Return: a new string, the path below the mount point; NULL and errno.
 */
char *cgroup_of_proc(int procfd)
{
	cleanup_free char *text = read_all_at(procfd, "cgroup");
	char *p, *end;

	if (!text)
		return NULL;
	p = strncmp(text, "0::", 3) ? strstr(text, "\n0::") : text;
	if (!p) {
		errno = ENOENT;
		return NULL;
	}
	p = strchr(p, '/');
	if (!p) {
		errno = EPROTO;
		return NULL;
	}
	/* The kernel escapes newlines in names of cgroups. */
	end = strchrnul(p, '\n');
	*end = '\0';
	return xstrdup(p);
}

/**
 * cgroup_of_pid - the cgroup of a process
 * @pid: the process, 0 for the caller
 *
 * Return: as cgroup_of_proc().
 */
char *cgroup_of_pid(pid_t pid)
{
	cleanup_close int procfd = proc_open(pid);

	return procfd < 0 ? NULL : cgroup_of_proc(procfd);
}

/**
 * cgroup_open - open a cgroup's directory
 * @fs: from cgroup_find()
 * @path: below the mount point
 *
 * Return: a file descriptor; -1 and errno.
 */
int cgroup_open(const struct cgroup_fs *fs, const char *path)
{
	if (!fs->path) {
		errno = ENOENT;
		return -1;
	}
	cleanup_free char *full = xasprintf("%s/%s", fs->path, path);

	return open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/**
 * cgroup_path_by_id - the path of a cgroup whose ID is known
 * @fs: from cgroup_find()
 * @id: the cgroup's ID
 *
 * Takes CAP_DAC_READ_SEARCH, as open_by_handle_at(2) does.
 *
 * Return: a new string, the path below the mount point; NULL and errno.
 */
char *cgroup_path_by_id(const struct cgroup_fs *fs, uint64_t id)
{
	cleanup_close int top = cgroup_open(fs, "/");
	char link[64], full[PATH_MAX];
	union {
		struct file_handle h;
		char space[sizeof(struct file_handle) + sizeof(id)];
	} u = {};
	size_t len;
	ssize_t n;

	if (top < 0)
		return NULL;
	u.h.handle_bytes = sizeof(id);
	u.h.handle_type = CID_FILEID_KERNFS;
	memcpy(u.h.f_handle, &id, sizeof(id));
	cleanup_close int fd = open_by_handle_at(top, &u.h, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, full, sizeof(full) - 1);
	if (n < 0)
		return NULL;
	full[n] = '\0';
	len = strlen(fs->path);
	if (strncmp(full, fs->path, len) || (full[len] && full[len] != '/')) {
		errno = EXDEV;
		return NULL;
	}
	return xstrdup(full[len] ? full + len : "/");
}

/**
 * cgroup_enter - move a process into a cgroup
 * @fd: the cgroup
 * @pid: the process, 0 for the caller
 *
 * Return: 0; -1 and errno.
 */
int cgroup_enter(int fd, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return write_file_at(fd, "cgroup.procs", text);
}

/**
 * cgroup_read_u64 - read a file that holds one number
 * @fd: the cgroup
 * @file: the file's name
 * @val: gets the number, UINT64_MAX for "max"
 *
 * Return: 0; -1 and errno.
 */
int cgroup_read_u64(int fd, const char *file, uint64_t *val)
{
	char buf[64];

	if (read_file_at(fd, file, buf, sizeof(buf)) < 0)
		return -1;
	buf[strcspn(buf, "\n")] = '\0';
	if (!strcmp(buf, "max")) {
		*val = UINT64_MAX;
		return 0;
	}
	return parse_u64(buf, val);
}

/**
 * cgroup_read_key - read one number of a file of keys and numbers
 * @fd: the cgroup
 * @file: the file's name
 * @key: first word of the line
 * @val: gets the number
 *
 * Return: 0; -1 and errno, ENODATA if there is no such key.
 */
int cgroup_read_key(int fd, const char *file, const char *key, uint64_t *val)
{
	cleanup_free char *text = read_all_at(fd, file);
	size_t len = strlen(key);
	const char *p;

	if (!text)
		return -1;
	for (p = text; *p; p += *p == '\n') {
		if (!strncmp(p, key, len) && p[len] == ' ') {
			*val = strtoull(p + len + 1, NULL, 10);
			return 0;
		}
		p = strchrnul(p, '\n');
	}
	errno = ENODATA;
	return -1;
}

/**
 * cgroup_memory_limit - how much memory a cgroup may use
 * @fs: from cgroup_find()
 * @path: of the cgroup, below the mount point
 * @limit: gets the least of its own and its ancestors' limits
 *
 * Return: 0; -1 and errno, ENODATA if there is no limit.
 */
int cgroup_memory_limit(const struct cgroup_fs *fs, const char *path,
			uint64_t *limit)
{
	cleanup_free char *p = xstrdup(path);
	char *slash;

	*limit = UINT64_MAX;
	while ((slash = strrchr(p, '/')) && slash[1]) {
		cleanup_close int fd = cgroup_open(fs, p);
		uint64_t val;

		if (fd < 0)
			return -1;
		/* ENOENT: a cgroup without the memory controller */
		if (!cgroup_read_u64(fd, "memory.max", &val)) {
			if (val < *limit)
				*limit = val;
		} else if (errno != ENOENT) {
			return -1;
		}
		*slash = '\0';
	}
	if (*limit == UINT64_MAX) {
		errno = ENODATA;
		return -1;
	}
	return 0;
}
