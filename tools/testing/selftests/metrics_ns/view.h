/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the view share: a reader in a metrics namespace, cgroups to
 * scope that to, and the parsing of what it reads.
 */
#ifndef __SELFTESTS_METRICS_NS_VIEW_H
#define __SELFTESTS_METRICS_NS_VIEW_H

#include <sys/mman.h>
#include <sys/param.h>
#include <sys/sysinfo.h>

#include "metrics_ns.h"

#define MIB		(1024L * 1024)
#define TEXT_MAX	(256 * 1024)
#define CPUS_MAX	1024

#define ONLINE		"/sys/devices/system/cpu/online"

#define CONTROLLERS	"cgroup.subtree_control"

/* A clock tick of /proc, and then some for tasks between ticks. */
#define TICKS_SLACK	20

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

static inline long do_pread(long fd, long unused)
{
	ssize_t len = pread(fd, shared->text, TEXT_MAX - 1, 0);

	if (len < 0)
		return -errno;
	shared->text[len] = 0;
	return 0;
}

static inline long do_sysinfo(long unused, long unused2)
{
	return or_errno(sysinfo(&shared->info));
}

static inline long do_allocate(long bytes, long unused)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return p == MAP_FAILED ? -errno : 0;
}

/* Use CPU time, as the tick sees it. */
static inline long do_burn(long ms, long unused)
{
	long end = now_ms(CLOCK_PROCESS_CPUTIME_ID) + ms;

	while (now_ms(CLOCK_PROCESS_CPUTIME_ID) < end)
		;
	return 0;
}

static inline long in_background(void (*forever)(void))
{
	long pid = fork_bound();

	if (pid)
		return pid;
	for (;;)
		forever();
}

static inline void spin(void)
{
}

/* A process of the caller's that always wants to run */
static inline long do_spin(long unused, long unused2)
{
	return in_background(spin);
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

#define NEEDS_TWO_CPUS() do { \
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) \
		SKIP(return, "needs two CPUs"); \
} while (0)

#define CPU1		"/sys/devices/system/cpu/cpu1/online"

static inline long plug(bool on)
{
	return write_file_at(AT_FDCWD, CPU1, on ? "1" : "0");
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

/*
 * Wait until a child reads MIN KiB or more. The statistics of a memory cgroup
 * are flushed for a reader if enough are pending, and else every two seconds: a
 * flush that meets memcg_rstat_updated() may leave a cgroup's count of what is
 * pending high and its parent's at 0, where it then stays until the next.
 */
static inline bool wait_for_kib(struct child *c, const char *key, long min)
{
	int tries = TRIES;

	while (kib(c, key) < min && tries--)
		usleep(TICK_US);
	return kib(c, key) >= min;
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

/* Are two texts of /proc/cpuinfo the same, but for frequencies, which change? */
static inline bool same_cpuinfo(const char *a, const char *b)
{
	while (*a && *b) {
		size_t len = strcspn(a, "\n");

		if (strncmp(a, "cpu MHz", 7) &&
		    (len != strcspn(b, "\n") || strncmp(a, b, len)))
			return false;
		a = next_line(a);
		b = next_line(b);
	}
	return !*a && !*b;
}

#define LINES_MAX	256

/*
 * Does a child, or the caller if that is NULL, read lines "KEY: NUMBER" in one file as
 * the caller does in another? Numbers go up and down, so each line has to be between
 * what the caller reads before and after for once. Returns 0, the number of the last
 * line that never is, or -1 for files that can't be compared.
 */
static inline int shows_machine(struct child *c, const char *shown,
				const char *machines)
{
	static char before[TEXT_MAX];
	bool met[LINES_MAX] = {};
	const char *a, *b, *s;
	int i = 0, tries;

	for (tries = 0; tries < TRIES; tries++) {
		if (!read_file_at(AT_FDCWD, machines, before, TEXT_MAX) ||
		    (c ? !view(c, shown) : do_read((long)shown, 0)) ||
		    !machine(machines) ||
		    !same_lines(before, shared->text, ":"))
			return -1;
		a = before;
		s = shared->text;
		b = text;
		for (i = 0; *a && i < LINES_MAX; i++) {
			size_t key = strcspn(a, ":") + 1;
			long from = atol(a + key), to = atol(b + key);
			long value = atol(s + key);

			met[i] |= value >= MIN(from, to) &&
				  value <= MAX(from, to);
			a = next_line(a);
			b = next_line(b);
			s = next_line(s);
		}
		if (*a)
			return -1;
		while (i && met[i - 1])
			i--;
		if (!i)
			return 0;
	}
	return i;
}

/* --- cgroups with the controllers that the view needs --- */

static const char * const controllers[] = {
	"cpu", "cpuset", "memory", "pids",
};

#define NR_CONTROLLERS	(sizeof(controllers) / sizeof(*controllers))

/* Is a word among those in a file of a cgroup? */
static inline bool cgroup_lists(int dirfd, const char *name, const char *word)
{
	char buf[512], *w;

	if (!read_file_at(dirfd, name, buf, sizeof(buf)))
		return false;
	w = strtok(buf, "\n ");
	while (w && strcmp(w, word))
		w = strtok(NULL, "\n ");
	return w;
}

/* One that the kernel lacks, or that a hierarchy of cgroup v1 has; or NULL. */
static inline const char *missing_controller(int dirfd)
{
	size_t i;

	for (i = 0; i < NR_CONTROLLERS; i++)
		if (!cgroup_lists(dirfd, "cgroup.controllers", controllers[i]))
			return controllers[i];
	return NULL;
}

static inline long switch_controller(int dirfd, char sign, const char *name)
{
	char value[16];

	snprintf(value, sizeof(value), "%c%s", sign, name);
	return write_file_at(dirfd, CONTROLLERS, value);
}

/* Enable those that aren't yet, and note them for disable_controllers(). */
static inline long enable_controllers(int dirfd, unsigned int *enabled)
{
	long ret = 0;
	size_t i;

	for (i = 0; !ret && i < NR_CONTROLLERS; i++) {
		if (cgroup_lists(dirfd, CONTROLLERS, controllers[i]))
			continue;
		ret = switch_controller(dirfd, '+', controllers[i]);
		if (!ret)
			*enabled |= 1U << i;
	}
	return ret;
}

/* If somebody else needs one by now, the kernel refuses, and it stays. */
static inline void disable_controllers(int dirfd, unsigned int enabled)
{
	size_t i;

	for (i = 0; i < NR_CONTROLLERS; i++)
		if (enabled & 1U << i)
			switch_controller(dirfd, '-', controllers[i]);
}

/* --- a writer beside readers --- */

/* Reads of a file that a writer changes, until all values have been seen */
#define READS		200
#define READS_MAX	20000

/* So often a value changes at the least, or readers meet no change. */
#define FLIPS_MIN	4

static struct flipper {
	pid_t pid;
	long flips;	/* so far; shared with the process */
	long error;	/* the one that has ended it */
} *flipper;

static inline void flip(int dirfd, const char *file, const char *one,
			const char *other)
{
	long ret;

	do {
		ret = write_file_at(dirfd, file, other);
		if (!ret)
			ret = write_file_at(dirfd, file, one);
		if (!ret)
			__atomic_add_fetch(&flipper->flips, 2,
					   __ATOMIC_RELAXED);
	} while (!ret);
	flipper->error = ret;
}

/* Start a process that writes one and the other for ever. */
static inline bool start_flipping(int dirfd, const char *file, const char *one,
				  const char *other)
{
	if (write_file_at(dirfd, file, one))
		return false;
	flipper = mmap(NULL, sizeof(*flipper), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (flipper == MAP_FAILED)
		return false;
	flipper->pid = fork();
	if (!flipper->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		flip(dirfd, file, one, other);
		_exit(1);
	}
	return flipper->pid > 0 && child_register(flipper->pid);
}

/* It has changed the value meanwhile, and still does. */
static inline void expect_flipping(struct __test_metadata *_metadata)
{
	EXPECT_LE(FLIPS_MIN, __atomic_load_n(&flipper->flips,
					     __ATOMIC_RELAXED));
	EXPECT_EQ(0, waitpid(flipper->pid, NULL, WNOHANG)) {
		TH_LOG("the writer's error: %ld", flipper->error);
	}
}

static inline bool go_on(int i, const bool *seen)
{
	return i < READS || (i < READS_MAX && !(seen[0] && seen[1]));
}

/* --- many readers --- */

/* What is wrong with what one has read, as its exit status */
enum reader_fault {
	UNREADABLE	= 1,
	MALFORMED	= 2,
	WENT_BACK	= 4,
	NO_CPU		= 8,
	NO_PROCESS	= 16,
	STOOD_STILL	= 32,
};

/* Let so many processes read, all at once, and tell all faults; or -errno */
static inline long read_by_many(int readers, int (*read_often)(long arg),
				long arg)
{
	int i, status, go[2];
	long faults = 0;
	pid_t pid;
	char c;

	if (pipe(go))
		return -errno;
	for (i = 0; i < readers; i++) {
		pid = fork();
		if (pid < 0)
			faults |= NO_PROCESS;
		if (pid)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(go[1]);
		/* Returns when the last end for writing is closed. */
		if (read(go[0], &c, 1))
			_exit(UNREADABLE);
		_exit(read_often(arg));
	}
	close(go[1]);
	while (wait(&status) > 0)
		faults |= WIFEXITED(status) ? WEXITSTATUS(status) : NO_PROCESS;
	close(go[0]);
	return faults;
}

/* --- the fixture --- */

/*
 * Cgroups of the test: outer, outer/scope. A child in a metrics namespace is in
 * neither.
 */
FIXTURE(view) {
	struct child c;
	int ns;
	int root;
	int outer;
	int scope;
	char name[64];
	unsigned int enabled;	/* controllers that weren't, in the root */
};

static inline long view_make(FIXTURE_DATA(view) *self)
{
	unsigned int unused = 0;
	long ret;

	ret = enable_controllers(self->root, &self->enabled);
	if (ret)
		return ret;
	self->outer = cgroup_make(self->root, self->name);
	if (self->outer < 0)
		return self->outer;
	ret = enable_controllers(self->outer, &unused);
	if (ret)
		return ret;
	self->scope = cgroup_make(self->outer, "scope");
	if (self->scope < 0)
		return self->scope;
	ret = child_start_ns(&self->c);
	if (ret)
		return ret;
	self->ns = open_ns(self->c.pid);
	return self->ns < 0 ? -errno : 0;
}

static inline void view_clean_up(FIXTURE_DATA(view) *self)
{
	children_stop();
	cgroup_remove(self->root, self->name);
	disable_controllers(self->root, self->enabled);
	munmap(shared, sizeof(*shared));
}

static inline void view_set_up(struct __test_metadata *_metadata,
			       FIXTURE_DATA(view) *self)
{
	const char *missing;

	METRICS_NS_SETUP();
	NEEDS_ROOT();
	self->root = cgroup_open_mount();
	if (self->root == -ENOENT)
		SKIP(return, "no cgroup v2 hierarchy is mounted");
	ASSERT_LE(0, self->root);
	missing = missing_controller(self->root);
	if (missing)
		SKIP(return, "no %s controller in cgroup v2", missing);

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	snprintf(self->name, sizeof(self->name), "view_test-%d", getpid());

	/* There is no teardown after a setup that fails. */
	EXPECT_EQ(0, view_make(self))
		view_clean_up(self);
}

FIXTURE_SETUP(view)
{
	view_set_up(_metadata, self);
}

FIXTURE_TEARDOWN(view)
{
	view_clean_up(self);
}

/* Cgroups have it; not with psi=0 or cgroup_disable=pressure. */
static inline bool has_pressure(FIXTURE_DATA(view) *self)
{
	return !faccessat(self->scope, "cpu.pressure", F_OK, 0);
}

#define NO_PRESSURE	"cgroups have no pressure stall information"

static inline void view_set_up_with_pressure(struct __test_metadata *_metadata,
					     FIXTURE_DATA(view) *self)
{
	view_setup(_metadata, self, NULL);
	if (_metadata->exit_code || has_pressure(self))
		return;
	view_teardown(_metadata, self, NULL);
	SKIP(return, NO_PRESSURE);
}

#endif /* __SELFTESTS_METRICS_NS_VIEW_H */
