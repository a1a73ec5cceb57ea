/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of events share.
 *
 * The events are read from an own instance of tracefs, so that nobody else's
 * settings matter, and told from those of other processes by IDs and pids. Each
 * test has, for each event, one function re_*() that makes a regular expression
 * of what it expects of the event's line.
 */
#ifndef __SELFTESTS_NS_TRACE_H
#define __SELFTESTS_NS_TRACE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/types.h>
#include <regex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "child.h"

/* Inode number of the initial pid namespace: enum init_ns_ino. */
#define INIT_PID_INO	0xEFFFFFFCU

#define TRACEFS		"/sys/kernel/tracing"
#define PATH_LEN	256
#define DUMP_LINES	200

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

/* --- regular expressions --- */

/* For a number or, as NULL, a word that doesn't matter. */
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
	return word ? word : "[a-z_]+";
}

/* Each expression is good until the next one is made. */
static char re_buf[1024];

/* An event by who caused it: that is in what precedes its name. */
static inline const char *re_task(pid_t pid, const char *re)
{
	static char buf[sizeof(re_buf) + 64];

	snprintf(buf, sizeof(buf), "-%d +\\[[0-9]+\\] .*:%s", pid, re);
	return buf;
}

/* --- tracing --- */

/* What a test listens to. */
struct trace_spec {
	const char *instance;		/* its name, before the pid */
	const char * const *events;	/* their directories, up to a NULL */
	const char *shown;		/* what the lines of a dump contain */
};

static const struct trace_spec *trace_spec;

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

/* Why the test can't trace anything, or NULL. */
static inline const char *tracefs_obstacle(void)
{
	struct stat st;

	if (geteuid())
		return "needs root";
	if (access(TRACEFS "/instances", F_OK))
		return "no tracefs on " TRACEFS;
	/* The events have global pids. */
	if (stat("/proc/self/ns/pid", &st) || st.st_ino != INIT_PID_INO)
		return "needs to be in the initial pid namespace";
	return NULL;
}

/* Why it can't trace this, or NULL. */
static inline const char *trace_spec_obstacle(const struct trace_spec *spec)
{
	const char *obstacle = tracefs_obstacle();
	static char missing[PATH_LEN];
	const char * const *event;

	for (event = spec->events; *event && !obstacle; event++) {
		snprintf(missing, sizeof(missing), TRACEFS "/%s", *event);
		if (access(missing, F_OK)) {
			snprintf(missing, sizeof(missing),
				 "kernel without %s", *event);
			obstacle = missing;
		}
	}
	return obstacle;
}

static inline long trace_enable(bool enable)
{
	const char * const *event;
	char name[PATH_LEN / 2];
	long ret = 0;

	for (event = trace_spec->events; *event && !ret; event++) {
		snprintf(name, sizeof(name), "%s/enable", *event);
		ret = write_file(trace_path(name), enable ? "1" : "0");
	}
	return ret;
}

static inline void trace_teardown(void)
{
	trace_enable(false);
	/* An open file keeps the instance. */
	close(trace_pipe);
	if (!remove_dir(trace_dir))
		fprintf(stderr, "# %s is left over\n", trace_dir);
}

/* A failed start has no teardown. The counter orders the events of all CPUs. */
static inline long trace_start(const struct trace_spec *spec)
{
	long ret;

	trace_spec = spec;
	snprintf(trace_dir, sizeof(trace_dir), TRACEFS "/instances/%s_%d",
		 spec->instance, getpid());
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

/* A number in a line; 0 if it isn't there. The name is " NAME=". */
static inline long long trace_field(const char *line, const char *name)
{
	const char *field = strstr(line, name);

	return field ? strtoll(field + strlen(name), NULL, 10) : 0;
}

/* Who caused it: the "-PID [CPU]" that ends what precedes its flags. */
static inline pid_t trace_pid(const char *line)
{
	const char *cpu = strstr(line, " [");

	while (cpu && cpu > line && *cpu == ' ')
		cpu--;
	while (cpu && cpu > line && *cpu != '-')
		cpu--;
	return cpu ? strtol(cpu + 1, NULL, 10) : 0;
}

typedef void (*trace_fn)(const char *line, int number, void *arg);

/* What to do with each line that matches, numbered from 1; false on failure. */
static inline bool trace_each(const char *re, trace_fn fn, void *arg)
{
	char *line = NULL;
	size_t size = 0;
	regex_t regex;
	int number = 0;
	FILE *file;

	if (regcomp(&regex, re, REG_EXTENDED | REG_NOSUB))
		return false;
	file = fopen(trace_path("trace"), "re");
	while (file && getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = 0;
		number++;
		if (!regexec(&regex, line, 0, NULL, 0))
			fn(line, number, arg);
	}
	free(line);
	regfree(&regex);
	return file && !fclose(file);
}

/* What became of looking for lines. */
struct trace_match {
	int count;
	int line;	/* number of the first one, from 1 */
	__u64 id;	/* its ns_id */
};

static inline void trace_match_line(const char *line, int number, void *arg)
{
	struct trace_match *match = arg;

	if (match->count++)
		return;
	match->line = number;
	match->id = trace_field(line, " ns_id=");
}

static inline struct trace_match trace_find(const char *re)
{
	struct trace_match match = {};

	if (!trace_each(re, trace_match_line, &match))
		match.count = -1;
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
	int lines = DUMP_LINES;
	char line[512];

	fprintf(stderr, "# not as expected: %s\n", re);
	while (file && lines && fgets(line, sizeof(line), file)) {
		if (!strstr(line, trace_spec->shown))
			continue;
		fprintf(stderr, "#   %s", line);
		lines--;
	}
	if (!lines)
		fprintf(stderr, "#   and so on\n");
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

/* Events that were lost, by the files stats of all CPUs; -1 without these. */
static inline long lost_events(void)
{
	static const char * const keys[] = {
		"overrun: %ld", "commit overrun: %ld", "dropped events: %ld",
	};
	long lost = 0, n;
	char line[128];
	glob_t files;
	size_t i, k;
	FILE *file;

	if (glob(trace_path("per_cpu/cpu*/stats"), 0, NULL, &files))
		return -1;
	for (i = 0; i < files.gl_pathc; i++) {
		file = fopen(files.gl_pathv[i], "re");
		while (file && fgets(line, sizeof(line), file))
			for (k = 0; k < ARRAY_SIZE(keys); k++)
				if (sscanf(line, keys[k], &n) == 1)
					lost += n;
		if (file)
			fclose(file);
	}
	globfree(&files);
	return lost;
}

/* --- functions for child_call() --- */

static inline long do_write(long path, long value)
{
	return write_file((const char *)path, (const char *)value);
}

#endif /* __SELFTESTS_NS_TRACE_H */
