// SPDX-License-Identifier: GPL-2.0
/* What cgroups are told and what their limits do */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "children.h"
#include "harness.h"
#include "util.h"

#define MIB		(1UL << 20)
#define FILE_DIR	"/var/tmp"
#define FILE_SIZE	(8 * MIB)

/* A cgroup for the test, within one that has the controllers; false: SKIP. */
static bool groups_make(struct group *top, struct group *g)
{
	const char *why = group_top(top);

	if (why) {
		skip("%s", why);
		return false;
	}
	return !group_make(g, top, "c");
}

static long do_nothing(void *unused)
{
	(void)unused;
	return 0;
}

/* A process that begins in a cgroup: ID and path of that, and the process. */
static void fork_into(void)
{
	struct group top, g;
	const struct event *e;
	struct child c;

	if (!groups_make(&top, &g) || child_do(&c, &g, do_nothing, NULL))
		return;
	e = expect(CGROUP_FORK_INTO, getpid(), g.id, c.pid, false);
	check(!e || strstr(g.path, e->text), "the path is %s",
	      e ? e->text : "");
}

static void check_texts(const struct event *e, const char *file,
			const char *value)
{
	if (!e)
		return;
	check(!strcmp(e->name, file), "the file is %s", e->name);
	check(!strcmp(e->text, value), "the value is %s", e->text);
}

/* What is written: cgroup, file, value, and what the writer gets. */
static void file_write(void)
{
	struct group top, g;

	if (!groups_make(&top, &g) || group_write(&g, "pids.max", "77\n"))
		return;
	check_texts(expect(CGROUP_FILE_WRITE, getpid(), 0, g.id, 3),
		    "pids.max", "77");
}

/* What is refused, as well. */
static void file_write_refused(void)
{
	struct group top, g;

	if (!groups_make(&top, &g))
		return;
	check(write_file_at(g.fd, "memory.max", "\"much\"") && errno == EINVAL,
	      "it isn't refused");
	check_texts(expect(CGROUP_FILE_WRITE, getpid(), 0, g.id, -EINVAL),
		    "memory.max", "\"much\"");
}

static long do_fork_refused(void *unused)
{
	pid_t pid = fork();

	(void)unused;
	if (!pid)
		_exit(0);
	return pid < 0 && errno == EAGAIN ? 0 : -EPROTO;
}

/* A fork that a limit further up refuses: both cgroups. */
static void pids(void)
{
	struct group top, g, sub;
	struct child c;

	if (!groups_make(&top, &g) || group_make(&sub, &g, "sub") ||
	    group_write(&g, "cgroup.subtree_control", "+pids") ||
	    group_write(&g, "pids.max", "1") ||
	    child_do(&c, &sub, do_fork_refused, NULL))
		return;
	expect(PIDS_MAX, c.pid, sub.id, g.id);
}

/* Where the controller isn't enabled, it knows only who is further up. */
static void pids_not_enabled(void)
{
	struct group top, g, sub;
	struct child c;

	if (!groups_make(&top, &g) || group_make(&sub, &g, "sub") ||
	    group_write(&g, "pids.max", "1") ||
	    child_do(&c, &sub, do_fork_refused, NULL))
		return;
	expect(PIDS_MAX, c.pid, g.id, g.id);
}

static long do_touch(void *size)
{
	char *p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	memset(p, 1, (size_t)size);
	return 0;
}

/* Limit memory in this file of a cgroup, without a way out into swap space. */
static int limit_memory(const struct group *g, const char *file,
			const char *value)
{
	if (!faccessat(g->fd, "memory.swap.max", W_OK, 0) &&
	    group_write(g, "memory.swap.max", "0"))
		return -1;
	return group_write(g, file, value);
}

/* A task beyond memory.high sleeps: its cgroup, and how long. */
static void high_throttle(void)
{
	struct group top, g;
	const struct event *e;
	struct child c;

	if (!groups_make(&top, &g) || limit_memory(&g, "memory.high", "2M"))
		return;
	if (!check(!child_start(&c, &g, do_touch, (void *)(32 * MIB)),
		   "clone3: %s", strerror(errno)))
		return;
	e = expect(MEMCG_HIGH_THROTTLE, c.pid, g.id);
	check(!e || e->arg[1], "the penalty is 0");
}

/* memory.max leaves a process no room: who is killed, and in which cgroup. */
static void victim(void)
{
	struct group top, g;
	struct child c;

	if (!groups_make(&top, &g) || limit_memory(&g, "memory.max", "4M"))
		return;
	if (!check(!child_start(&c, &g, do_touch, (void *)(64 * MIB)),
		   "clone3: %s", strerror(errno)))
		return;
	check(child_result(&c) == -ECHILD, "the child lives");
	expect(MARK_VICTIM, ANY_PID, c.pid, geteuid(), g.id);
}

/* A file whose pages are clean and not in memory; -1: there is none. */
static int cold_file(void)
{
	char buf[4096] = {};
	struct statfs sfs;
	int fd = open(FILE_DIR, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 || fstatfs(fd, &sfs) || sfs.f_type == TMPFS_MAGIC) {
		skip("there is no file system with a disk at " FILE_DIR);
		return -1;
	}
	for (size_t len = 0; len < FILE_SIZE; len += sizeof(buf))
		if (!check(write(fd, buf, sizeof(buf)) == sizeof(buf),
			   "write: %s", strerror(errno)))
			return -1;
	if (!check(!fsync(fd) &&
		   !posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), "fsync: %s",
		   strerror(errno)))
		return -1;
	return fd;
}

static long do_read_file(void *fdp)
{
	char buf[4096];
	ssize_t n;

	if (lseek(*(int *)fdp, 0, SEEK_SET))
		return -errno;
	do {
		n = read(*(int *)fdp, buf, sizeof(buf));
	} while (n > 0);
	return n ? -errno : 0;
}

/* What exceeds a limit has to be evicted: the event is that of the limit. */
static void max_event(void)
{
	cleanup_close int fd = cold_file();
	struct group top, g;
	struct child c;

	if (fd < 0 || !groups_make(&top, &g) ||
	    limit_memory(&g, "memory.max", "4M") ||
	    child_do(&c, &g, do_read_file, &fd))
		return;
	expect(MEMCG_EVENT, c.pid, g.id, true);
}

/* Have a child read the file, and then its cgroup give all of it up. */
static int read_and_reclaim(const struct group *g, int *fd)
{
	struct child c;

	if (child_do(&c, g, do_read_file, fd))
		return -1;
	return group_write(g, "memory.reclaim", "6M");
}

/* Pages are evicted: for whom, whose, how many, and that they are a file's. */
static void reclaim(void)
{
	cleanup_close int fd = cold_file();
	const struct event *e;
	struct group top, g;

	if (fd < 0 || !groups_make(&top, &g) || read_and_reclaim(&g, &fd))
		return;
	e = expect(MEMCG_RECLAIM, getpid(), g.id, g.id, ANY, ANY, ANY, true);
	check(!e || (e->arg[2] && e->arg[3] <= e->arg[2]),
	      "more are evicted than looked at");
}

/* A child's pages are evicted for its parent: both, and not mixed up. */
static void reclaim_below(void)
{
	cleanup_close int fd = cold_file();
	struct group top, g;
	struct child c;

	if (fd < 0 || !groups_make(&top, &g) ||
	    child_do(&c, &g, do_read_file, &fd) ||
	    group_write(&top, "memory.reclaim", "6M"))
		return;
	expect(MEMCG_RECLAIM, getpid(), top.id, g.id, ANY, ANY, ANY, true);
}

static bool lru_gen_enabled(void)
{
	char buf[32];

	return read_file_at(AT_FDCWD, "/sys/kernel/mm/lru_gen/enabled", buf,
			    sizeof(buf)) > 0 && strtoul(buf, NULL, 0) & 1;
}

/* They come back: whose they are, and, of the classic LRU, who evicted them. */
static void refault(void)
{
	cleanup_close int fd = cold_file();
	struct group top, g;
	struct child c;

	if (fd < 0 || !groups_make(&top, &g) || read_and_reclaim(&g, &fd) ||
	    child_do(&c, &g, do_read_file, &fd))
		return;
	expect(MEMCG_REFAULT, c.pid, g.id, lru_gen_enabled() ? 0 : g.id, ANY,
	       ANY, true);
}

static long do_spin(void *unused)
{
	(void)unused;
	for (;;)
		;
	return 0;
}

/* A quota is far too small for a child. */
static bool spin_with_quota(struct child *c, struct group *g)
{
	struct group top;

	return groups_make(&top, g) &&
	       !group_write(g, "cpu.max", "2000 20000") &&
	       check(!child_start(c, g, do_spin, NULL), "clone3: %s",
		     strerror(errno));
}

/* The quota is used up: whose, and what it is, in nanoseconds. */
static void throttle(void)
{
	struct child c;
	struct group g;

	if (spin_with_quota(&c, &g))
		expect(SCHED_CFS_THROTTLE, ANY_PID, g.id, ANY, ANY, 2000000,
		       20000000);
}

/* It is there again: whose, and how long it wasn't. */
static void unthrottle(void)
{
	const struct event *e = NULL;
	struct child c;
	struct group g;

	if (!spin_with_quota(&c, &g))
		return;
	e = expect(SCHED_CFS_UNTHROTTLE, ANY_PID, g.id);
	check(!e || e->arg[2], "it took no time");
}

/* The task stops: which one, and where it is. */
static void throttle_task(void)
{
	struct child c;
	struct group g;

	if (spin_with_quota(&c, &g))
		expect(SCHED_CFS_THROTTLE_TASK, ANY_PID, c.pid, g.id);
}

const struct test resource_tests[] = {
	{ "cgroup_fork_into", "cgroup ID, path and task", fork_into },
	{ "cgroup_file_write", "cgroup ID, file, value, bytes", file_write },
	{ "cgroup_file_write", "the same and errno", file_write_refused },
	{ "pids_max", "cgroup IDs of the task and of the limit", pids },
	{ "pids_max", "the closest cgroup with the controller",
	  pids_not_enabled },
	{ "memcg_event", "cgroup ID and event", max_event },
	{ "memcg_high_throttle", "cgroup ID and penalty", high_throttle },
	{ "memcg_reclaim", "cgroup ID as target and as victim", reclaim },
	{ "memcg_reclaim", "cgroup IDs of target and victim", reclaim_below },
	{ "memcg_refault", "cgroup IDs, whose and by whom", refault },
	{ "mark_victim", "task, user and cgroup ID", victim },
	{ "sched_cfs_throttle_tp", "cgroup ID, quota, period", throttle },
	{ "sched_cfs_unthrottle_tp", "cgroup ID and time", unthrottle },
	{ "sched_cfs_throttle_task_tp", "task and cgroup ID", throttle_task },
	{ 0 }
};
