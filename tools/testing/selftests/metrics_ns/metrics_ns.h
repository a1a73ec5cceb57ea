/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers of the metrics namespace tests.
 *
 * Most claims are about who stands where, so most tests have several processes.
 * A struct child is a process that does nothing but call, one after the other,
 * the functions that the test names, and hand back what they return. It is
 * forked from the test, so it has the test's files as they were at that time.
 */
#ifndef __SELFTESTS_METRICS_NS_H
#define __SELFTESTS_METRICS_NS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "../namespaces/child.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME		0x00000080
#endif

#ifndef CLONE_NEWMETRICS
#define CLONE_NEWMETRICS	0x00000040
#endif

#ifndef NS_GET_ID
#define NS_GET_ID		_IOR(NSIO, 13, __u64)
#endif

#ifndef NS_METRICS_SET
#define NS_METRICS_LABEL_MAX	64

#define NS_METRICS_SET_LABEL	(1U << 0)
#define NS_METRICS_SET_SCOPE	(1U << 1)
#define NS_METRICS_SET_FLAGS	(1U << 2)

#define METRICS_NS_AUTO_SCOPE	(1U << 0)
#define METRICS_NS_HOST_VIEW	(1U << 1)
#define METRICS_NS_QUOTA_CPUS	(1U << 2)

struct metrics_ns_set {
	__u32 mask;
	__u32 flags;
	__s32 scope_fd;
	__u32 label_len;
	char label[NS_METRICS_LABEL_MAX];
};

struct metrics_ns_info {
	__u32 size;
	__u32 level;
	__u64 id;
	__u64 parent_id;
	__u64 top_id;
	__u64 scope_id;
	__u32 flags;
	__u32 effective_flags;
	__u32 label_len;
	__u32 spare;
	char label[NS_METRICS_LABEL_MAX];
};

#define NS_METRICS_SET		_IOW(NSIO, 14, struct metrics_ns_set)
#define NS_METRICS_GET		_IOR(NSIO, 15, struct metrics_ns_info)

#define METRICS_NS_INIT_INO	0xEFFFFFF6U
#define METRICS_NS_INIT_ID	9ULL
#define METRICS_NS		(1ULL << 6)
#endif

/* In <linux/fcntl.h>, which can't be included together with <fcntl.h>. */
#ifndef FD_NSFS_ROOT
#define FD_NSFS_ROOT	-10003
#endif

/* In <linux/pidfd.h>, likewise. */
#ifndef PIDFD_GET_METRICS_NAMESPACE
#define PIDFD_GET_METRICS_NAMESPACE _IO(0xFF, 12)
#endif

/* Level of the deepest namespace. */
#define METRICS_NS_LEVELS	32

#define PROC_PATH_MAX		64

/* A state is waited for that often, TICK_US each; it comes at once. */
#define TRIES		2000
#define TICK_US		10000

static inline long now_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- system calls --- */

static inline pid_t sys_clone3(struct clone_args *args)
{
	return syscall(__NR_clone3, args, sizeof(*args));
}

static inline int sys_pidfd_open(pid_t pid)
{
	return syscall(__NR_pidfd_open, pid, 0);
}

static inline int open_proc(pid_t pid, const char *name)
{
	char path[PROC_PATH_MAX];

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	else
		snprintf(path, sizeof(path), "/proc/self/%s", name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Metrics namespace of a process, 0 for the caller. */
static inline int open_ns(pid_t pid)
{
	return open_proc(pid, "ns/metrics");
}

/* ID of a namespace, 0 if it can't be had. */
static inline __u64 ns_id(int fd)
{
	__u64 id;

	return ioctl(fd, NS_GET_ID, &id) ? 0 : id;
}

/* ID of a process's metrics namespace by its link in /proc, 0 on failure. */
static inline __u64 ns_id_of(pid_t pid)
{
	int fd = open_ns(pid);
	__u64 id;

	if (fd < 0)
		return 0;
	id = ns_id(fd);
	close(fd);
	return id;
}

/* All of a file of /proc or of a cgroup; false if it can't be, or is larger. */
static inline bool read_file_at(int dirfd, const char *name, char *buf,
				size_t size)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	while ((n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	buf[len] = 0;
	close(fd);
	/* There may be more where the buffer ends. */
	if (len == size - 1) {
		errno = EOVERFLOW;
		return false;
	}
	return n == 0;
}

static inline long write_file_flags_at(int dirfd, const char *name, int flags,
				       const char *value)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC | flags);
	long ret;

	if (fd < 0)
		return -errno;
	ret = or_errno(write(fd, value, strlen(value)));
	close(fd);
	return ret < 0 ? ret : 0;
}

static inline long write_file_at(int dirfd, const char *name, const char *value)
{
	return write_file_flags_at(dirfd, name, 0, value);
}

/* What follows "NAME:\t" in a status file, or NULL. */
static inline const char *status_field_at(const char *path, const char *name,
					  char *buf, size_t size)
{
	char key[32];
	const char *line;

	if (!read_file_at(AT_FDCWD, path, buf, size))
		return NULL;
	snprintf(key, sizeof(key), "\n%s:\t", name);
	line = strstr(buf, key);
	return line ? line + strlen(key) : NULL;
}

static inline const char *status_field(pid_t pid, const char *name, char *buf,
				       size_t size)
{
	char path[PROC_PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/status", pid ? pid : getpid());
	return status_field_at(path, name, buf, size);
}

/* NSmetrics of a process, -1 if there is no such line. */
static inline long status_id(pid_t pid)
{
	char buf[8192];
	const char *value = status_field(pid, "NSmetrics", buf, sizeof(buf));

	return value ? strtol(value, NULL, 10) : -1;
}

/* The same of a thread, -1 also if there is none. */
static inline long thread_status_id(pid_t pid, long tid)
{
	char path[PROC_PATH_MAX], buf[8192];
	const char *value;

	snprintf(path, sizeof(path), "/proc/%d/task/%ld/status", pid, tid);
	value = status_field_at(path, "NSmetrics", buf, sizeof(buf));
	return value ? strtol(value, NULL, 10) : -1;
}

/* A file handle, with the room that struct file_handle leaves to its user. */
union handle {
	struct file_handle head;
	char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static inline long handle_of(int fd, union handle *handle)
{
	int mount_id;

	memset(handle, 0, sizeof(*handle));
	handle->head.handle_bytes = MAX_HANDLE_SZ;
	return or_errno(name_to_handle_at(fd, "", &handle->head, &mount_id,
					  AT_EMPTY_PATH));
}

static inline long open_handle(union handle *handle)
{
	return or_errno(open_by_handle_at(FD_NSFS_ROOT, &handle->head,
					  O_RDONLY | O_CLOEXEC));
}

/* --- setting and getting --- */

static inline long ns_set(int fd, const struct metrics_ns_set *arg)
{
	return or_errno(ioctl(fd, NS_METRICS_SET, arg));
}

static inline long ns_set_flags(int fd, __u32 flags)
{
	struct metrics_ns_set arg = {
		.mask = NS_METRICS_SET_FLAGS,
		.flags = flags,
	};

	return ns_set(fd, &arg);
}

static inline long ns_set_scope(int fd, int cgroup_fd)
{
	struct metrics_ns_set arg = {
		.mask = NS_METRICS_SET_SCOPE,
		.scope_fd = cgroup_fd,
	};

	return ns_set(fd, &arg);
}

static inline void fill_label(struct metrics_ns_set *arg, const char *label)
{
	arg->mask |= NS_METRICS_SET_LABEL;
	arg->label_len = strlen(label);
	memcpy(arg->label, label, arg->label_len);
}

static inline long ns_set_label(int fd, const char *label)
{
	struct metrics_ns_set arg = {};

	fill_label(&arg, label);
	return ns_set(fd, &arg);
}

static inline long ns_get(int fd, struct metrics_ns_info *info)
{
	return or_errno(ioctl(fd, NS_METRICS_GET, info));
}

/* --- functions for child_call() --- */

static inline long do_unshare(long flags, long unused)
{
	return or_errno(unshare(flags));
}

static inline long do_setns(long fd, long flags)
{
	return or_errno(setns(fd, flags));
}

/* Returns the child's file descriptor. */
static inline long do_open_ns(long pid, long unused)
{
	return or_errno(open_ns(pid));
}

static inline long do_get_id(long pid, long unused)
{
	return ns_id_of(pid);
}

static inline long do_status_id(long pid, long unused)
{
	return status_id(pid);
}

static inline long do_limit(long limit, long unused)
{
	char value[16];

	snprintf(value, sizeof(value), "%ld", limit);
	return write_file_at(AT_FDCWD,
			     "/proc/sys/user/max_metrics_namespaces", value);
}

/* NS_GET_PARENT and the like on a process's metrics namespace. */
static inline long do_ns_ioctl(long pid, long cmd)
{
	int fd = open_ns(pid);
	long ret;

	if (fd < 0)
		return -errno;
	ret = or_errno(ioctl(fd, cmd));
	close(fd);
	return ret;
}

static inline long do_set_flags(long pid, long flags)
{
	int fd = open_ns(pid);
	long ret;

	if (fd < 0)
		return -errno;
	ret = ns_set_flags(fd, flags);
	close(fd);
	return ret;
}

/* By files that are open: these needn't be seen in /proc. */
static inline long do_set_flags_fd(long fd, long flags)
{
	return ns_set_flags(fd, flags);
}

static inline long do_set_scope_fd(long fd, long cgroup_fd)
{
	return ns_set_scope(fd, cgroup_fd);
}

static inline long do_drop_capability(long cap, long unused)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(__NR_capget, &hdr, data))
		return -errno;
	data[CAP_TO_INDEX(cap)].effective &= ~CAP_TO_MASK(cap);
	return or_errno(syscall(__NR_capset, &hdr, data));
}

static inline long do_drop_admin(long unused, long unused2)
{
	return do_drop_capability(CAP_SYS_ADMIN, 0);
}

/* Enter an own user namespace, as its root. */
static inline long do_enter_user_ns(long flags, long unused)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[32];
	long ret;

	if (unshare(CLONE_NEWUSER | flags))
		return -errno;
	ret = write_file_at(AT_FDCWD, "/proc/self/setgroups", "deny");
	if (ret)
		return ret;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	ret = write_file_at(AT_FDCWD, "/proc/self/uid_map", map);
	if (ret)
		return ret;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	ret = write_file_at(AT_FDCWD, "/proc/self/gid_map", map);
	if (ret)
		return ret;
	return after_new_creds();
}

static inline void *sleeper(void *unused)
{
	pause();
	return NULL;
}

/* Returns the thread ID. */
static inline long do_start_thread(long unused, long unused2)
{
	pthread_t thread;
	struct dirent *entry;
	long tid = 0;
	DIR *dir;

	if (pthread_create(&thread, NULL, sleeper, NULL))
		return -EAGAIN;
	dir = opendir("/proc/self/task");
	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (atol(entry->d_name) > 0 && atol(entry->d_name) != getpid())
			tid = atol(entry->d_name);
	closedir(dir);
	return tid;
}

/* --- children --- */

static inline long child_unshare(struct child *c, long flags)
{
	return child_call(c, do_unshare, flags, 0);
}

/* Start a child that unshares and waits, the way a container is set up. */
static inline long child_start_ns(struct child *c)
{
	long ret = child_start(c);

	return ret ? ret : child_unshare(c, CLONE_NEWMETRICS);
}

/* Start a child that has the test's files, and enters a namespace. */
static inline long child_start_inside(struct child *c, int ns_fd)
{
	long ret = child_start(c);

	return ret ? ret : child_call(c, do_setns, ns_fd, CLONE_NEWMETRICS);
}

/* Start one that makes a namespace below that of @parent. */
static inline long child_start_nested(struct child *c,
				      const struct child *parent)
{
	int fd = open_ns(parent->pid);
	long ret;

	if (fd < 0)
		return -errno;
	ret = child_start_inside(c, fd);
	if (!ret)
		ret = child_unshare(c, CLONE_NEWMETRICS);
	close(fd);
	return ret;
}

/* Two children, the second one below the first, and their namespaces opened. */
static inline long children_start_nested(struct child *outer,
					 struct child *inner, int *outer_fd,
					 int *inner_fd)
{
	long ret = child_start_ns(outer);

	if (!ret)
		ret = child_start_nested(inner, outer);
	if (ret)
		return ret;
	*outer_fd = open_ns(outer->pid);
	*inner_fd = open_ns(inner->pid);
	return *outer_fd < 0 || *inner_fd < 0 ? -errno : 0;
}

/* Start a process of an unprivileged user. */
static inline long child_start_nobody(struct child *c)
{
	long ret = child_start(c);

	return ret ? ret : child_call(c, do_become_nobody, 0, 0);
}

/*
 * The same, in a metrics namespace and the user namespace that owns it. That
 * belongs to the user, so that other processes of his have the capabilities
 * over it without being there.
 */
static inline long child_start_rootless(struct child *c)
{
	long ret = child_start_nobody(c);

	return ret ? ret : child_call(c, do_enter_user_ns, CLONE_NEWMETRICS, 0);
}

/* --- set-up --- */

/* Was the test started by root? Else it is in a user namespace of its own. */
static bool as_root;

/*
 * Make the test a process that may make namespaces. Returns NULL, or why the
 * test can't run.
 */
static inline const char *metrics_ns_setup(void)
{
	/* A child that dies must make its test fail, and not disappear. */
	signal(SIGPIPE, SIG_IGN);
	if (access("/proc/self/ns/metrics", F_OK))
		return "kernel without CONFIG_METRICS_NS";
	as_root = !geteuid();
	if (!as_root && do_enter_user_ns(0, 0))
		return "neither root nor allowed to make a user namespace";
	return NULL;
}

#define METRICS_NS_SETUP() do { \
	const char *why = metrics_ns_setup(); \
	if (why) \
		SKIP(return, "%s", why); \
} while (0)

#define NEEDS_ROOT() do { \
	if (!as_root) \
		SKIP(return, "needs root of the initial user namespace"); \
} while (0)

/* --- cgroup v2 --- */

#define CGROUP_PATH_MAX	256

/* Mount point of the cgroup v2 hierarchy; false if there is none. */
static inline bool cgroup_mount(char *path)
{
	char line[1024], type[64];
	bool found = false;
	FILE *mounts = fopen("/proc/self/mounts", "re");

	if (!mounts)
		return false;
	while (!found && fgets(line, sizeof(line), mounts))
		found = sscanf(line, "%*s %255s %63s", path, type) == 2 &&
			!strcmp(type, "cgroup2");
	fclose(mounts);
	return found;
}

/* The same, as an open directory; or -errno. */
static inline int cgroup_open_mount(void)
{
	char path[CGROUP_PATH_MAX];

	if (!cgroup_mount(path))
		return -ENOENT;
	return or_errno(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/* Make a cgroup below another one; an open directory or -errno. */
static inline int cgroup_make(int dirfd, const char *name)
{
	if (mkdirat(dirfd, name, 0755))
		return -errno;
	return or_errno(openat(dirfd, name,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/*
 * Move a process, 0 for the caller. The test moves its children, as they may
 * be in a cgroup namespace where the cgroup isn't to be seen.
 */
static inline long cgroup_move(int dirfd, pid_t pid)
{
	char value[16];

	snprintf(value, sizeof(value), "%d", pid);
	return write_file_at(dirfd, "cgroup.procs", value);
}

static inline long do_join_cgroup(long dirfd, long unused)
{
	return cgroup_move(dirfd, 0);
}

/* ID of a cgroup, as NS_METRICS_GET tells it. */
static inline __u64 cgroup_id(int dirfd)
{
	struct stat st;

	return fstat(dirfd, &st) ? 0 : st.st_ino;
}

/*
 * Remove a cgroup of the test's and all below, with the processes there. Those
 * are killed and not reaped here, so it takes a moment until they are gone.
 */
static inline void cgroup_remove(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	int tries = 100;
	DIR *dir;

	if (fd < 0)
		return;
	write_file_at(fd, "cgroup.kill", "1");
	dir = fdopendir(fd);
	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			cgroup_remove(fd, entry->d_name);
	if (dir)
		closedir(dir);
	while (unlinkat(dirfd, name, AT_REMOVEDIR) && errno == EBUSY && tries--)
		usleep(10000);
}

#endif /* __SELFTESTS_METRICS_NS_H */
