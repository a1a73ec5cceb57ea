/* SPDX-License-Identifier: GPL-2.0 */
/* Helpers of the cgroup event tests. */
#ifndef __SELFTESTS_CGROUP_EVENTS_H
#define __SELFTESTS_CGROUP_EVENTS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../namespaces/child.h"
#include "../namespaces/trace.h"
#include "cgroup_util.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP	0x200000000ULL
#endif

#ifndef NS_GET_ID
#define NS_GET_ID		_IOR(NSIO, 13, __u64)
#endif

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC		0x58465342
#endif

/* ID of the hierarchy of cgroup v2. */
#define CGROUP2_ROOT		0

#define MAX_GROUPS		16
#define MAX_CONTROLLERS		32
#define TMP_DIR			"/var/tmp"
#define READ_SIZE		65536

/* --- cgroups --- */

struct group {
	char path[PATH_LEN];
	__u64 id;
};

static struct group cg_root;
static bool cg_delegates;

/* What the test's cgroups have. */
static const char *cg_controllers[MAX_CONTROLLERS];

/* What is to be removed, in the order of its making. */
static char cg_made[MAX_GROUPS][PATH_LEN];
static int cg_made_count;

/* Why there can't be cgroups, or NULL. */
static inline const char *cg_obstacle(void)
{
	struct stat st;

	memset(&cg_root, 0, sizeof(cg_root));
	if (cg_find_unified_root(cg_root.path, sizeof(cg_root.path) - 1,
				 &cg_delegates) || stat(cg_root.path, &st))
		return "no cgroup v2 hierarchy is mounted";
	cg_root.id = st.st_ino;
	return NULL;
}

/* Let the test's cgroups have every controller that there is. */
static inline long cg_want_all(void)
{
	static char names[512];
	long ret = cg_read(cg_root.path, "cgroup.controllers", names,
			   sizeof(names));
	char *name;
	int i = 0;

	if (ret)
		return ret;
	memset(cg_controllers, 0, sizeof(cg_controllers));
	for (name = strtok(names, "\n "); name && i < MAX_CONTROLLERS - 1;
	     name = strtok(NULL, "\n "))
		cg_controllers[i++] = name;
	return 0;
}

/* Let them have one; or why they can't have it. */
static inline const char *cg_want(const char *controller)
{
	static char reason[64];
	int i;

	if (cg_want_all())
		return "no cgroup.controllers in the hierarchy's root";
	for (i = 0; cg_controllers[i]; i++) {
		if (strcmp(cg_controllers[i], controller))
			continue;
		cg_controllers[0] = controller;
		cg_controllers[1] = NULL;
		return NULL;
	}
	cg_controllers[0] = NULL;
	snprintf(reason, sizeof(reason), "no %s controller", controller);
	return reason;
}

static inline long cg_put(const struct group *g, const char *file,
			  const char *value)
{
	char path[2 * PATH_LEN];

	snprintf(path, sizeof(path), "%s/%s", g->path, file);
	return write_text(path, (char *)value, strlen(value));
}

/* Each by itself, so that an event tells which one it was. */
static inline long cg_enable(const struct group *g)
{
	const char **name;
	char value[64];
	long ret = 0;

	for (name = cg_controllers; *name && ret >= 0; name++) {
		snprintf(value, sizeof(value), "+%s", *name);
		ret = cg_put(g, "cgroup.subtree_control", value);
		if (ret < 0)
			fprintf(stderr, "# %s: %s: %s\n", g->path, value,
				strerror(-ret));
	}
	return ret < 0 ? ret : 0;
}

static inline long cg_make(struct group *g, const struct group *parent,
			   const char *name)
{
	struct stat st;
	long ret;
	int len;

	len = snprintf(g->path, sizeof(g->path), "%s/%s", parent->path, name);
	if (len >= (int)sizeof(g->path) || cg_made_count == MAX_GROUPS)
		return -ENAMETOOLONG;
	ret = cg_enable(parent);
	if (ret)
		return ret;
	if (cg_create(g->path) || stat(g->path, &st))
		return -errno;
	g->id = st.st_ino;
	memcpy(cg_made[cg_made_count++], g->path, sizeof(g->path));
	return 0;
}

/* The one that holds all of a test's. */
static inline long cg_make_top(struct group *g)
{
	char name[32];

	snprintf(name, sizeof(name), "cgroup_events_%d", getpid());
	return cg_make(g, &cg_root, name);
}

/*
 *	top
 *	  a
 *	    x
 *	  b
 */
struct tree {
	struct group top, a, x, b;
};

static inline long cg_make_tree(struct tree *t)
{
	long ret = cg_make_top(&t->top);

	if (!ret)
		ret = cg_make(&t->a, &t->top, "a");
	if (!ret)
		ret = cg_make(&t->x, &t->a, "x");
	if (!ret)
		ret = cg_make(&t->b, &t->top, "b");
	return ret;
}

static inline void cg_remove_all(void)
{
	const char *path;

	while (cg_made_count) {
		path = cg_made[--cg_made_count];
		if (!remove_dir(path))
			fprintf(stderr, "# %s is left over\n", path);
	}
}

static inline int cg_open_dir(const struct group *g)
{
	return open(g->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Its path from the hierarchy's root. */
static inline const char *cg_path(const struct group *g)
{
	return g->path + strlen(cg_root.path);
}

static inline int cg_level(const struct group *g)
{
	const char *c = cg_path(g);
	int level = 0;

	while (*c)
		level += *c++ == '/';
	return level;
}

/* A child in a cgroup. What it is made of is charged to where the test is. */
static inline long cg_child_start(struct child *c, const struct group *g)
{
	long ret = child_start(c);

	return ret ? ret : cg_enter(g->path, c->pid);
}

/* --- regular expressions --- */

/* Of a cgroup or, as NULL, of any. */
static inline const char *re_id(const struct group *g)
{
	return re_num(g ? (long long)g->id : ANY);
}

/* Text as it is. */
static inline const char *re_literal(const char *text)
{
	static char bufs[2][640];
	static unsigned int next;
	char *buf = bufs[next++ % 2], *c = buf;

	while (*text && c < buf + sizeof(bufs[0]) - 2) {
		if (strchr(".[]{}()*+?^$|\\", *text))
			*c++ = '\\';
		*c++ = *text++;
	}
	*c = 0;
	return buf;
}

/* cgroup_fork_into, cgroup_attach_task */
static inline const char *re_enter(const char *event, const struct group *g,
				   long long pid)
{
	snprintf(re_buf, sizeof(re_buf),
		 " cgroup_%s: dst_root=%d dst_id=%s dst_level=%s dst_path=%s pid=%s comm=",
		 event, CGROUP2_ROOT, re_id(g), re_num(g ? cg_level(g) : ANY),
		 g ? re_literal(cg_path(g)) : ".*", re_num(pid));
	return re_buf;
}

static inline const char *re_fork_into(const struct group *g, long long pid)
{
	return re_enter("fork_into", g, pid);
}

static inline const char *re_file_write(const struct group *g,
					const char *file, const char *value,
					long long ret)
{
	snprintf(re_buf, sizeof(re_buf),
		 " cgroup_file_write: root=%d id=%s file=%s ret=%s value=%s$",
		 CGROUP2_ROOT, re_id(g), file ? re_literal(file) : "[^ ]+",
		 re_num(ret), value ? re_literal(value) : ".*");
	return re_buf;
}

static inline const char *re_any_write(const struct group *g, const char *file)
{
	return re_file_write(g, file, NULL, ANY);
}

static inline const char *re_pids_max(const struct group *g,
				      const struct group *limit)
{
	snprintf(re_buf, sizeof(re_buf),
		 " pids_max: root=%d id=%s limit_id=%s$", CGROUP2_ROOT,
		 re_id(g), re_id(limit));
	return re_buf;
}

static inline const char *re_memcg_event(const struct group *g,
					 const char *event)
{
	snprintf(re_buf, sizeof(re_buf), " memcg_event: memcg_id=%s event=%s$",
		 re_id(g), re_word(event));
	return re_buf;
}

static inline const char *re_high_throttle(const struct group *g)
{
	snprintf(re_buf, sizeof(re_buf),
		 " memcg_high_throttle: memcg_id=%s penalty_us=[1-9][0-9]*$",
		 re_id(g));
	return re_buf;
}

static inline const char *re_victim(long long pid, const struct group *g)
{
	snprintf(re_buf, sizeof(re_buf),
		 " mark_victim: pid=%s comm=.* oom_score_adj=-?[0-9]+ memcg_id=%s$",
		 re_num(pid), re_id(g));
	return re_buf;
}

static inline const char *re_reclaim(const struct group *target,
				     const struct group *victim)
{
	snprintf(re_buf, sizeof(re_buf),
		 " memcg_reclaim: target_id=%s victim_id=%s nid=%s nr_scanned=%s nr_reclaimed=%s priority=[0-9]+ type=(anon|file)$",
		 re_id(target), re_id(victim), re_num(ANY), re_num(ANY),
		 re_num(ANY));
	return re_buf;
}

static inline const char *re_refault(const struct group *g,
				     const struct group *evictor)
{
	snprintf(re_buf, sizeof(re_buf),
		 " memcg_refault: memcg_id=%s evictor_id=%s nid=%s nr_pages=%s type=(anon|file) workingset=[01]$",
		 re_id(g), re_id(evictor), re_num(ANY), re_num(ANY));
	return re_buf;
}

static inline const char *re_capable(long long cap, long long ret,
				     long long target, long long capable)
{
	snprintf(re_buf, sizeof(re_buf),
		 " cap_capable: .*, cap %s, ret %s, target_ns_id %s, capable_ns_id %s$",
		 re_num(cap), re_num(ret), re_num(target), re_num(capable));
	return re_buf;
}

static inline const char *re_throttle(const struct group *g, long long quota,
				      long long period)
{
	snprintf(re_buf, sizeof(re_buf),
		 " throttle: .* cgroup_id=%s cpu=%s runtime_remaining=(0|-[0-9]+) quota=%s period=%s$",
		 re_id(g), re_num(ANY), re_num(quota), re_num(period));
	return re_buf;
}

static inline const char *re_unthrottle(const struct group *g)
{
	snprintf(re_buf, sizeof(re_buf),
		 " unthrottle: .* cgroup_id=%s cpu=%s throttled=[0-9]+$",
		 re_id(g), re_num(ANY));
	return re_buf;
}

/* Either of them. */
static inline const char *re_throttle_or_not(const struct group *g)
{
	snprintf(re_buf, sizeof(re_buf),
		 " (un)?throttle: .* cgroup_id=%s cpu=%s ", re_id(g),
		 re_num(ANY));
	return re_buf;
}

static inline const char *re_throttle_task(const struct group *g, long long pid)
{
	snprintf(re_buf, sizeof(re_buf),
		 " throttle_task: .* cgroup_id=%s cpu=%s pid=%s$", re_id(g),
		 re_num(ANY), re_num(pid));
	return re_buf;
}

/* --- namespaces --- */

/* ID of the user namespace that a process is in; 0 if it can't be had. */
static inline __u64 user_ns_id(pid_t pid)
{
	char path[PATH_LEN];
	__u64 id = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (ioctl(fd, NS_GET_ID, &id))
		id = 0;
	close(fd);
	return id;
}

/* --- memory --- */

/* Is this a file system whose pages can be evicted without swap? */
static inline bool on_disk(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return false;
	switch (fs.f_type) {
	case EXT4_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case F2FS_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
		return true;
	}
	return false;
}

/*
 * A file without a name, or -errno. It has no blocks, which saves the disk and
 * makes no difference to its pages; each is read by itself.
 */
static inline int open_disk_file(off_t size)
{
	int fd = open(TMP_DIR, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	if (!on_disk(fd)) {
		close(fd);
		return -EMEDIUMTYPE;
	}
	if (ftruncate(fd, size) ||
	    posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM)) {
		close(fd);
		return -EIO;
	}
	return fd;
}

/* --- functions for child_call() --- */

/* Returns the pid of a process that is born in a cgroup, and exits. */
static inline long do_fork_into(long fd, long unused)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = fd,
	};
	pid_t pid = syscall(__NR_clone3, &args, sizeof(args));

	if (!pid)
		_exit(0);
	if (pid > 0 && waitpid(pid, NULL, 0) != pid)
		return -ECHILD;
	return or_errno(pid);
}

static inline long do_put(long group, long file_and_value)
{
	const char *const *words = (const char *const *)file_and_value;

	return cg_put((const struct group *)group, words[0], words[1]);
}

/* Have so much memory that is no file's. */
static inline long do_touch(long size, long unused)
{
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long i;

	if (mem == MAP_FAILED)
		return -errno;
	for (i = 0; i < size; i += getpagesize())
		mem[i] = 1;
	return 0;
}

/* Go on reading a file. */
static inline long do_read(long fd, long size)
{
	static char buf[READ_SIZE];
	ssize_t n;

	for (; size > 0; size -= n) {
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			return n ? -errno : -ENODATA;
	}
	return 0;
}

static inline long do_reread(long fd, long size)
{
	return lseek(fd, 0, SEEK_SET) ? -errno : do_read(fd, size);
}

/* Have pages of a file that can't be evicted before they are on the disk. */
static inline long do_overwrite(long fd, long size)
{
	static const char buf[READ_SIZE];
	off_t at;

	for (at = 0; at < size; at += sizeof(buf))
		if (pwrite(fd, buf, sizeof(buf), at) != sizeof(buf))
			return -EIO;
	return 0;
}

/* Two ends of a connection on the loopback device; the listener is closed. */
static inline long tcp_pair(int fds[2])
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	long ret = 0;

	fds[1] = -1;
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&addr, len) ||
	    listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&addr, &len) ||
	    connect(fds[0], (struct sockaddr *)&addr, len))
		ret = -errno;
	else
		fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	return ret;
}

/* Send so much to itself by TCP. */
static inline long do_talk(long size, long unused)
{
	static char buf[READ_SIZE];
	long ret, left;
	int fds[2];

	ret = tcp_pair(fds);
	for (left = size; !ret && left > 0; left -= sizeof(buf))
		if (send(fds[0], buf, sizeof(buf), MSG_NOSIGNAL) !=
		    sizeof(buf) ||
		    recv(fds[1], buf, sizeof(buf), MSG_WAITALL) != sizeof(buf))
			ret = -EIO;
	close(fds[0]);
	close(fds[1]);
	return ret;
}

static inline long do_spin(long stop, long unused)
{
	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED))
		;
	return 0;
}

static inline long do_chroot(long path, long unused)
{
	return or_errno(chroot((const char *)path));
}

static inline long do_setns(long fd, long type)
{
	return or_errno(setns(fd, type));
}

static inline long do_unshare_cgroup(long unused, long unused2)
{
	return or_errno(unshare(CLONE_NEWCGROUP));
}

#endif /* __SELFTESTS_CGROUP_EVENTS_H */
