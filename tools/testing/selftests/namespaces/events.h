/* SPDX-License-Identifier: GPL-2.0 */
/* Helpers of the namespace event tests. */
#ifndef __SELFTESTS_NS_EVENTS_H
#define __SELFTESTS_NS_EVENTS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "trace.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME	0x00000080
#endif

#ifndef NS_GET_ID
#define NS_GET_ID	_IOR(NSIO, 13, __u64)
#endif

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

/* An event by who caused it. */
static inline const char *re_by(pid_t pid, const char *event)
{
	char name[64];

	snprintf(name, sizeof(name), " namespace_%s: ", event);
	return re_task(pid, name);
}

/* --- tracing --- */

#define TRACE_EVENTS	"events/namespace"

static const char * const ns_events[] = { TRACE_EVENTS, NULL };

static const struct trace_spec ns_trace = {
	.instance = "ns_events",
	.events = ns_events,
	.shown = " namespace_",
};

/* Why the test can't trace, or NULL. */
static inline const char *trace_obstacle(void)
{
	return trace_spec_obstacle(&ns_trace);
}

static inline long trace_setup(void)
{
	return trace_start(&ns_trace);
}

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

static inline long child_unshare(struct child *c, long flags)
{
	return child_call(c, do_unshare, flags, 0);
}

static inline long child_enter_user_ns(struct child *c)
{
	return child_call(c, do_enter_user_ns, 0, 0);
}

#endif /* __SELFTESTS_NS_EVENTS_H */
