/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the view share: a reader in a metrics namespace, cgroups to
 * scope that to, and the parsing of what it reads.
 */
#ifndef __SELFTESTS_METRICS_NS_VIEW_H
#define __SELFTESTS_METRICS_NS_VIEW_H

#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "metrics_ns.h"

#define MIB		(1024L * 1024)
#define TEXT_MAX	(256 * 1024)
#define CPUS_MAX	1024

#define ONLINE		"/sys/devices/system/cpu/online"

static char text[TEXT_MAX];

/* Shared with the children: what they have read. */
static struct shared {
	char text[TEXT_MAX];
	struct sysinfo info;
} *shared;

static inline long do_read(long path, long unused)
{
	return read_file_at(AT_FDCWD, (const char *)path, shared->text,
			    TEXT_MAX) ? 0 : -EIO;
}

/* Use CPU time, as the tick sees it. */
static inline long do_burn(long ms, long unused)
{
	struct timespec now;
	long end;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	end = now.tv_sec * 1000 + now.tv_nsec / 1000000 + ms;
	do {
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	} while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < end);
	return 0;
}

/* What a child reads; NULL if it can't. */
static inline const char *view(struct child *c, const char *path)
{
	return child_call(c, do_read, (long)path, 0) ? NULL : shared->text;
}

static inline const char *machine(const char *path)
{
	return read_file_at(AT_FDCWD, path, text, TEXT_MAX) ? text : NULL;
}

/* The number after KEY at the start of a line, -1 if there is none. */
static inline long number(const char *from, const char *key)
{
	size_t len = strlen(key);

	while (from && *from) {
		if (!strncmp(from, key, len) &&
		    (from[len] == ':' || from[len] == ' '))
			return strtol(from + len + 1, NULL, 10);
		from = strchr(from, '\n');
		from = from ? from + 1 : NULL;
	}
	return -1;
}

/* Column COL (from 1) of the line that begins with KEY, -1 without. */
static inline long column(const char *from, const char *key, int col)
{
	size_t len = strlen(key);
	char *end;
	long value = -1;

	while (from && (strncmp(from, key, len) || from[len] != ' ')) {
		from = strchr(from, '\n');
		from = from ? from + 1 : NULL;
	}
	if (!from)
		return -1;
	for (from += len; col--; from = end) {
		value = strtol(from, &end, 10);
		if (end == from)
			return -1;
	}
	return value;
}

static inline const char *next_line(const char *line)
{
	line = strchr(line, '\n');
	return line ? line + 1 : "";
}

static inline long kib(struct child *c, const char *key)
{
	return number(view(c, "/proc/meminfo"), key);
}

/* A list such as "0-1,3" as a set; the number of members. */
static inline int parse_list(const char *list, bool *set)
{
	int n = 0;

	memset(set, 0, CPUS_MAX);
	while (*list >= '0' && *list <= '9') {
		long first = strtol(list, (char **)&list, 10), last = first;

		if (*list == '-')
			last = strtol(list + 1, (char **)&list, 10);
		for (; first <= last && first < CPUS_MAX; first++) {
			set[first] = true;
			n++;
		}
		if (*list == ',')
			list++;
	}
	return n;
}

/* CPUs in /proc/stat or /proc/cpuinfo. */
static inline int parse_lines(const char *from, const char *format, bool *set)
{
	int cpu, n = 0;

	memset(set, 0, CPUS_MAX);
	for (; from && *from; from = next_line(from)) {
		/* The sum of all, whose first number isn't a CPU's. */
		if (!strncmp(from, "cpu ", 4))
			continue;
		if (sscanf(from, format, &cpu) == 1 && cpu < CPUS_MAX) {
			set[cpu] = true;
			n++;
		}
	}
	return n;
}

/* Do two texts have the same lines, up to the first of some characters? */
static inline bool same_lines(const char *a, const char *b, const char *end)
{
	while (*a && *b) {
		size_t len = strcspn(a, end);

		if (len != strcspn(b, end) || strncmp(a, b, len))
			return false;
		a = next_line(a);
		b = next_line(b);
	}
	return !*a && !*b;
}

FIXTURE(view) {
	struct child c;
	int ns;
	int root;
	int outer;
	int scope;
	char name[64];
};

static inline void view_set_up(struct __test_metadata *_metadata,
			       FIXTURE_DATA(view) *self)
{
	char path[CGROUP_PATH_MAX];

	METRICS_NS_SETUP();
	NEEDS_ROOT();
	if (!cgroup_mount(path))
		SKIP(return, "no cgroup v2 hierarchy is mounted");

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, shared);

	self->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_GE(self->root, 0);
	ASSERT_EQ(0, write_file_at(self->root, "cgroup.subtree_control",
				   "+cpu +cpuset +memory"));
	snprintf(self->name, sizeof(self->name), "view_test-%d", getpid());
	self->outer = cgroup_make(self->root, self->name);
	ASSERT_GE(self->outer, 0);
	ASSERT_EQ(0, write_file_at(self->outer, "cgroup.subtree_control",
				   "+cpu +cpuset +memory"));
	self->scope = cgroup_make(self->outer, "scope");
	ASSERT_GE(self->scope, 0);

	ASSERT_EQ(0, child_start_ns(&self->c));
	self->ns = open_ns(self->c.pid);
	ASSERT_GE(self->ns, 0);
}

static inline void view_clean_up(FIXTURE_DATA(view) *self)
{
	children_stop();
	cgroup_remove(self->root, self->name);
	munmap(shared, sizeof(*shared));
}

FIXTURE_SETUP(view)
{
	view_set_up(_metadata, self);
}

FIXTURE_TEARDOWN(view)
{
	view_clean_up(self);
}

#endif /* __SELFTESTS_METRICS_NS_VIEW_H */
