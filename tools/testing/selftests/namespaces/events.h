/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Helpers of the namespace event tests.
 *
 * The events are read from an own instance of tracefs, so that nobody else's
 * settings matter, and told from those of other processes by IDs and pids. Each
 * event has one function re_*() that makes a regular expression of what a test
 * expects of its line.
 */
#ifndef __SELFTESTS_NS_EVENTS_H
#define __SELFTESTS_NS_EVENTS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <regex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "child.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME	0x00000080
#endif

#ifndef NS_GET_ID
#define NS_GET_ID	_IOR(NSIO, 13, __u64)
#endif

/* Inode number of the initial pid namespace: enum init_ns_ino. */
#define INIT_PID_INO	0xEFFFFFFCU

#define TRACEFS		"/sys/kernel/tracing"
#define TRACE_EVENTS	"events/namespace"
#define PATH_LEN	256

/* A state is waited for that often, TICK_US each. */
#define TRIES		1000
#define TICK_US		10000

/* --- files --- */

static inline long write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return -errno;
	ret = or_errno(write(fd, value, strlen(value)));
	close(fd);
	return ret < 0 ? ret : 0;
}

/* A directory stays busy until the last one who uses it is gone. */
static inline bool remove_dir(const char *path)
{
	int tries = TRIES;

	while (rmdir(path) && errno == EBUSY && tries--)
		usleep(TICK_US);
	return access(path, F_OK);
}

/* --- namespaces --- */

/* A link of /proc/PID/ns, of the caller with 0; or -errno. */
static inline int open_ns(pid_t pid, const char *link)
{
	char path[PATH_LEN];

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, link);
	else
		snprintf(path, sizeof(path), "/proc/self/ns/%s", link);
	return or_errno(open(path, O_RDONLY | O_CLOEXEC));
}

/* ID of a namespace, 0 if it can't be had. */
static inline __u64 ns_id(int fd)
{
	__u64 id;

	return ioctl(fd, NS_GET_ID, &id) ? 0 : id;
}

static inline __u32 ns_inum(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

/* The same by a link. An open file would keep the namespace active. */
static inline __u64 ns_id_of(pid_t pid, const char *link)
{
	int fd = open_ns(pid, link);
	__u64 id;

	if (fd < 0)
		return 0;
	id = ns_id(fd);
	close(fd);
	return id;
}

/* --- regular expressions --- */

/* For a number or, as NULL, a type that doesn't matter. */
#define ANY		LLONG_MIN

static inline const char *re_num(long long value)
{
	static char bufs[8][24];
	static unsigned int next;
	char *buf = bufs[next++ % 8];

	if (value == ANY)
		return "-?[0-9]+";
	snprintf(buf, sizeof(bufs[0]), "%lld", value);
	return buf;
}

static inline const char *re_word(const char *word)
{
	return word ? word : "[a-z]+";
}

/* Each expression is good until the next one is made. */
static char re_buf[512];

/* namespace_create, namespace_free */
static inline const char *re_life(const char *event, long long id,
				  const char *type, long long inum,
				  long long owner, long long parent,
				  long long level)
{
	snprintf(re_buf, sizeof(re_buf),
		 " namespace_%s: ns_id=%s type=%s inum=%s owner_id=%s parent_id=%s level=%s$",
		 event, re_num(id), re_word(type), re_num(inum), re_num(owner),
		 re_num(parent), re_num(level));
	return re_buf;
}

/* The same, of which only the namespace matters. */
static inline const char *re_life_of(const char *event, long long id)
{
	return re_life(event, id, NULL, ANY, ANY, ANY, ANY);
}

/* namespace_active, namespace_inactive */
static inline const char *re_activity(const char *event, long long id,
				      const char *type)
{
	snprintf(re_buf, sizeof(re_buf), " namespace_%s: ns_id=%s type=%s$",
		 event, re_num(id), re_word(type));
	return re_buf;
}

static inline const char *re_thread_switch(long long pid, long long tgid,
					   const char *type, long long old,
					   long long new)
{
	snprintf(re_buf, sizeof(re_buf),
		 " namespace_switch: pid=%s tgid=%s type=%s old_id=%s new_id=%s$",
		 re_num(pid), re_num(tgid), re_word(type), re_num(old),
		 re_num(new));
	return re_buf;
}

/* Of a process with one thread. */
static inline const char *re_switch(pid_t pid, const char *type, long long old,
				    long long new)
{
	return re_thread_switch(pid, pid, type, old, new);
}

static inline const char *re_any_switch(pid_t pid)
{
	return re_thread_switch(pid, ANY, NULL, ANY, ANY);
}

static inline const char *re_install(pid_t pid, long long id, const char *type,
				     long long ret)
{
	snprintf(re_buf, sizeof(re_buf),
		 " namespace_install: pid=%s ns_id=%s type=%s ret=%s$",
		 re_num(pid), re_num(id), re_word(type), re_num(ret));
	return re_buf;
}

static inline const char *re_denied(long long pid, const char *type,
				    long long id, const char *reason,
				    long long ret)
{
	snprintf(re_buf, sizeof(re_buf),
		 " namespace_denied: pid=%s type=%s ns_id=%s reason=%s ret=%s$",
		 re_num(pid), re_word(type), re_num(id), re_word(reason),
		 re_num(ret));
	return re_buf;
}

static inline const char *re_any_denied(pid_t pid)
{
	return re_denied(pid, NULL, ANY, NULL, ANY);
}

/* An event by who caused it: that is in what precedes its name. */
static inline const char *re_by(pid_t pid, const char *event)
{
	snprintf(re_buf, sizeof(re_buf),
		 "-%d +\\[[0-9]+\\] .*: namespace_%s: ", pid, event);
	return re_buf;
}

/* --- tracing --- */

/* Directory of the test's instance. */
static char trace_dir[PATH_LEN / 2];

/* Its trace_pipe, for who reads that. */
static int trace_pipe = -1;

static inline const char *trace_path(const char *name)
{
	static char path[PATH_LEN];

	snprintf(path, sizeof(path), "%s/%s", trace_dir, name);
	return path;
}

/* Why the test can't trace, or NULL. */
static inline const char *trace_obstacle(void)
{
	int fd = open_ns(0, "pid");
	__u32 inum = ns_inum(fd);

	if (fd >= 0)
		close(fd);
	if (geteuid())
		return "needs root";
	if (access(TRACEFS "/instances", F_OK))
		return "no tracefs on " TRACEFS;
	if (access(TRACEFS "/" TRACE_EVENTS, F_OK))
		return "kernel without namespace events";
	/* The events have global pids, and the tests compare levels. */
	if (inum != INIT_PID_INO)
		return "needs to be in the initial pid namespace";
	return NULL;
}

static inline long trace_enable(bool enable)
{
	return write_file(trace_path(TRACE_EVENTS "/enable"),
			  enable ? "1" : "0");
}

static inline void trace_teardown(void)
{
	trace_enable(false);
	/* An open file keeps the instance. */
	close(trace_pipe);
	if (!remove_dir(trace_dir))
		fprintf(stderr, "# %s is left over\n", trace_dir);
}

/* A failed setup has no teardown. The counter orders the events of all CPUs. */
static inline long trace_setup(void)
{
	long ret;

	snprintf(trace_dir, sizeof(trace_dir),
		 TRACEFS "/instances/ns_events_%d", getpid());
	if (mkdir(trace_dir, 0700))
		return -errno;
	/* A child that dies must make its test fail, and not disappear. */
	signal(SIGPIPE, SIG_IGN);
	ret = write_file(trace_path("trace_clock"), "counter");
	if (!ret)
		ret = trace_enable(true);
	if (ret)
		trace_teardown();
	return ret;
}

/* What became of looking for lines. */
struct trace_match {
	int count;
	int line;	/* number of the first one, from 1 */
	__u64 id;	/* its ns_id */
};

static inline void trace_match_line(struct trace_match *match, int number,
				    const char *line)
{
	const char *id = strstr(line, " ns_id=");

	if (match->count++)
		return;
	match->line = number;
	match->id = id ? strtoull(id + strlen(" ns_id="), NULL, 10) : 0;
}

static inline struct trace_match trace_find(const char *re)
{
	FILE *file = fopen(trace_path("trace"), "re");
	struct trace_match match = {};
	char *line = NULL;
	size_t size = 0;
	regex_t regex;
	int number = 0;

	if (!file || regcomp(&regex, re, REG_EXTENDED | REG_NOSUB)) {
		match.count = -1;
		return match;
	}
	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = 0;
		number++;
		if (!regexec(&regex, line, 0, NULL, 0))
			trace_match_line(&match, number, line);
	}
	free(line);
	regfree(&regex);
	fclose(file);
	return match;
}

static inline int trace_count(const char *re)
{
	return trace_find(re).count;
}

/* The same, when there are as many as expected, or 10 seconds later. */
static inline int trace_wait(int count, const char *re)
{
	int tries = TRIES;

	while (trace_count(re) < count && tries--)
		usleep(TICK_US);
	return trace_count(re);
}

static inline void trace_dump(const char *re)
{
	FILE *file = fopen(trace_path("trace"), "re");
	char line[512];

	fprintf(stderr, "# not as expected: %s\n", re);
	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, " namespace_"))
			fprintf(stderr, "#   %s", line);
	if (file)
		fclose(file);
}

/* So many events there are, and if not, show what there is. */
#define EXPECT_EVENTS(expected, re) do { \
	const char *re_ = (re); \
\
	EXPECT_EQ(expected, trace_count(re_)) \
		trace_dump(re_); \
} while (0)

#define EXPECT_EVENTS_AT_LEAST(expected, re) do { \
	const char *re_ = (re); \
\
	EXPECT_LE(expected, trace_count(re_)) \
		trace_dump(re_); \
} while (0)

/* They needn't be there yet. */
#define EXPECT_EVENTS_SOON(expected, re) do { \
	const char *re_ = (re); \
	int expected_ = (expected); \
\
	EXPECT_EQ(expected_, trace_wait(expected_, re_)) \
		trace_dump(re_); \
} while (0)

/* --- functions for child_call() --- */

static inline long do_unshare(long flags, long unused)
{
	return unshare(flags) ? -errno : after_new_creds();
}

static inline long do_setns(long fd, long flags)
{
	return setns(fd, flags) ? -errno : after_new_creds();
}

/* Enter an own user namespace, as its root. */
static inline long do_enter_user_ns(long unused, long unused2)
{
	char uid_map[32], gid_map[32];
	long ret;

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", geteuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", getegid());
	if (unshare(CLONE_NEWUSER))
		return -errno;
	ret = write_file("/proc/self/setgroups", "deny");
	if (!ret)
		ret = write_file("/proc/self/uid_map", uid_map);
	if (!ret)
		ret = write_file("/proc/self/gid_map", gid_map);
	return ret ? ret : after_new_creds();
}

/* Set user.max_TYPE_namespaces of the user namespace that the caller is in. */
static inline long do_limit(long type, long limit)
{
	char path[PATH_LEN], value[16];

	snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces",
		 (const char *)type);
	snprintf(value, sizeof(value), "%ld", limit);
	return write_file(path, value);
}

static inline long do_write(long path, long value)
{
	return write_file((const char *)path, (const char *)value);
}

/* Returns the pid of a process that waits for its end. */
static inline long do_fork(long unused, long unused2)
{
	pid_t pid = fork();

	if (pid)
		return or_errno(pid);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static inline long do_reap(long pid, long unused)
{
	reap(pid);
	return 0;
}

static inline long child_unshare(struct child *c, long flags)
{
	return child_call(c, do_unshare, flags, 0);
}

static inline long child_enter_user_ns(struct child *c)
{
	return child_call(c, do_enter_user_ns, 0, 0);
}

#endif /* __SELFTESTS_NS_EVENTS_H */
