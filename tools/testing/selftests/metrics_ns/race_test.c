// SPDX-License-Identifier: GPL-2.0
/*
 * The view while what it shows changes: controllers, limits, CPUs and cgroups
 * come and go under readers, many of them, who read in pieces of any size.
 */
#include "view.h"

/* Set the scope, and see that it is in force: no view counts switches. */
static long set_scope(FIXTURE_DATA(view) *self)
{
	long ret = ns_set_scope(self->ns, self->scope);

	if (ret)
		return ret;
	return number(view(&self->c, "/proc/stat"), "ctxt") ? -EINVAL : 0;
}

/* --- controllers --- */

/* The memory controller comes after the scope: so does the limit. */
TEST_F(view, memory_enabled_later)
{
	ASSERT_EQ(0, write_file_at(self->outer, CONTROLLERS, "-memory"));
	ASSERT_EQ(0, set_scope(self));
	ASSERT_EQ(number(machine("/proc/meminfo"), "MemTotal"),
		  kib(&self->c, "MemTotal"));
	ASSERT_EQ(0, write_file_at(self->outer, CONTROLLERS, "+memory"));
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	EXPECT_EQ(64 * 1024, kib(&self->c, "MemTotal"));
}

/* So do the amounts, which are the machine's before. */
TEST_F(view, memory_amounts_enabled_later)
{
	ASSERT_EQ(0, write_file_at(self->outer, CONTROLLERS, "-memory"));
	ASSERT_EQ(0, set_scope(self));
	ASSERT_EQ(0, child_call(&self->c, do_join_cgroup, self->scope, 0));
	/* Those of a disabled controller go a moment after it. */
	ASSERT_TRUE(wait_for_kib(&self->c, "Cached", 1024));
	ASSERT_EQ(0, write_file_at(self->outer, CONTROLLERS, "+memory"));
	ASSERT_EQ(0, child_call(&self->c, do_allocate, 32 * MIB, 0));
	EXPECT_TRUE(wait_for_kib(&self->c, "AnonPages", 31 * 1024));
	EXPECT_GT(1024, kib(&self->c, "Cached"));
}

/* The memory controller goes, and the limit with it. */
TEST_F(view, memory_disabled_later)
{
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	ASSERT_EQ(0, set_scope(self));
	ASSERT_EQ(64 * 1024, kib(&self->c, "MemTotal"));
	ASSERT_EQ(0, write_file_at(self->outer, CONTROLLERS, "-memory"));
	EXPECT_EQ(number(machine("/proc/meminfo"), "MemTotal"),
		  kib(&self->c, "MemTotal"));
}

/* A controller comes after the scope, limits that to a CPU, and goes. */
static void narrow_for_a_while(struct __test_metadata *_metadata,
			       FIXTURE_DATA(view) *self, const char *controller,
			       const char *file, const char *one_cpu)
{
	ASSERT_EQ(0, switch_controller(self->outer, '-', controller));
	ASSERT_EQ(0, set_scope(self));
	ASSERT_STREQ(machine(ONLINE), view(&self->c, ONLINE));
	ASSERT_EQ(0, switch_controller(self->outer, '+', controller));
	ASSERT_EQ(0, write_file_at(self->scope, file, one_cpu));
	EXPECT_STREQ("0\n", view(&self->c, ONLINE));
	ASSERT_EQ(0, switch_controller(self->outer, '-', controller));
	EXPECT_STREQ(machine(ONLINE), view(&self->c, ONLINE));
}

/* CPUs by the cpuset controller. */
TEST_F(view, cpuset_enabled_later)
{
	NEEDS_TWO_CPUS();
	narrow_for_a_while(_metadata, self, "cpuset", "cpuset.cpus", "0");
}

/* CPUs by a quota. */
TEST_F(view, cpu_enabled_later)
{
	NEEDS_TWO_CPUS();
	ASSERT_EQ(0, ns_set_flags(self->ns, METRICS_NS_QUOTA_CPUS));
	narrow_for_a_while(_metadata, self, "cpu", "cpu.max", "50000 100000");
}

/* Used time goes on over all that: no controller is needed for it. */
TEST_F(view, times_without_controllers)
{
	long used, before;

	ASSERT_EQ(0, child_call(&self->c, do_join_cgroup, self->scope, 0));
	ASSERT_EQ(0, set_scope(self));
	ASSERT_EQ(0, child_call(&self->c, do_burn, 200, 0));
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	before = column(shared->text, "cpu", 1) +
		 column(shared->text, "cpu", 3);
	ASSERT_EQ(0, write_file_at(self->outer, CONTROLLERS,
				   "-cpu -cpuset -memory"));
	ASSERT_EQ(0, child_call(&self->c, do_burn, 200, 0));
	usleep(20000);
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	used = column(shared->text, "cpu", 1) +
	       column(shared->text, "cpu", 3);
	EXPECT_LE(before + 15, used);
}

/* --- tasks and cgroups that move --- */

static int make_sibling(FIXTURE_DATA(view) *self)
{
	int sibling = cgroup_make(self->outer, "sibling");

	if (sibling >= 0 && write_file_at(sibling, "memory.max", "32M"))
		return -EINVAL;
	return sibling;
}

/* A task that is moved out of the scope still sees that. */
TEST_F(view, moved_task)
{
	int sibling = make_sibling(self);

	ASSERT_LE(0, sibling);
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	ASSERT_EQ(0, write_file_at(self->scope, "cpuset.cpus", "0"));
	ASSERT_EQ(0, set_scope(self));
	ASSERT_EQ(0, cgroup_move(self->scope, self->c.pid));
	ASSERT_EQ(64 * 1024, kib(&self->c, "MemTotal"));
	ASSERT_EQ(0, cgroup_move(sibling, self->c.pid));
	EXPECT_EQ(64 * 1024, kib(&self->c, "MemTotal"));
	EXPECT_STREQ("0\n", view(&self->c, ONLINE));
}

/* Time that it uses elsewhere isn't the scope's. */
TEST_F(view, moved_task_time)
{
	int sibling = make_sibling(self);

	ASSERT_LE(0, sibling);
	ASSERT_EQ(0, set_scope(self));
	ASSERT_EQ(0, cgroup_move(sibling, self->c.pid));
	ASSERT_EQ(0, child_call(&self->c, do_burn, 300, 0));
	usleep(20000);
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	EXPECT_EQ(0, column(shared->text, "cpu", 1));
	EXPECT_EQ(0, column(shared->text, "cpu", 3));
}

/* A cgroup with the name of a removed scope isn't that scope. */
TEST_F(view, recreated_cgroup)
{
	int again;

	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	ASSERT_EQ(0, set_scope(self));
	ASSERT_EQ(64 * 1024, kib(&self->c, "MemTotal"));
	ASSERT_EQ(0, unlinkat(self->outer, "scope", AT_REMOVEDIR));
	again = cgroup_make(self->outer, "scope");
	ASSERT_LE(0, again);
	ASSERT_EQ(0, write_file_at(again, "memory.max", "32M"));
	ASSERT_EQ(0, cgroup_move(again, self->c.pid));
	EXPECT_EQ(number(machine("/proc/meminfo"), "MemTotal"),
		  kib(&self->c, "MemTotal"));
}

/* The scope's ID isn't that of the new one. */
TEST_F(view, recreated_cgroup_id)
{
	__u64 id = cgroup_id(self->scope);
	struct metrics_ns_info info = {};
	int again;

	ASSERT_EQ(0, set_scope(self));
	ASSERT_EQ(0, unlinkat(self->outer, "scope", AT_REMOVEDIR));
	again = cgroup_make(self->outer, "scope");
	ASSERT_LE(0, again);
	ASSERT_EQ(0, ns_get(self->ns, &info));
	EXPECT_EQ(id, info.scope_id);
	EXPECT_NE(cgroup_id(again), info.scope_id);
}

/* --- changes under a reader --- */

/* While memory.max changes, a reader sees the one or the other, and all fit. */
TEST_F_TIMEOUT(view, memory_max_changes, 120)
{
	bool seen[2] = {};
	long total;
	int i;

	ASSERT_EQ(0, set_scope(self));
	ASSERT_TRUE(start_flipping(self->scope, "memory.max", "32M", "64M"));
	for (i = 0; go_on(i, seen); i++) {
		ASSERT_NE(NULL, view(&self->c, "/proc/meminfo"));
		total = number(shared->text, "MemTotal");
		ASSERT_TRUE(total == 32 * 1024 || total == 64 * 1024) {
			TH_LOG("MemTotal %ld", total);
		}
		ASSERT_LE(number(shared->text, "MemFree"), total);
		ASSERT_LE(number(shared->text, "MemAvailable"), total);
		ASSERT_TRUE(same_lines(machine("/proc/meminfo"), shared->text,
				       ":"));
		seen[total == 64 * 1024] = true;
	}
	EXPECT_TRUE(seen[0] && seen[1]);
	expect_flipping(_metadata);
}

/* sysinfo(2) likewise. */
TEST_F_TIMEOUT(view, memory_max_changes_sysinfo, 120)
{
	bool seen[2] = {};
	long total;
	int i;

	ASSERT_EQ(0, set_scope(self));
	ASSERT_TRUE(start_flipping(self->scope, "memory.max", "32M", "64M"));
	for (i = 0; go_on(i, seen); i++) {
		ASSERT_EQ(0, child_call(&self->c, do_sysinfo, 0, 0));
		total = shared->info.totalram * shared->info.mem_unit;
		ASSERT_TRUE(total == 32 * MIB || total == 64 * MIB) {
			TH_LOG("totalram %ld", total);
		}
		ASSERT_LE(shared->info.freeram, shared->info.totalram);
		seen[total == 64 * MIB] = true;
	}
	EXPECT_TRUE(seen[0] && seen[1]);
	expect_flipping(_metadata);
}

/* A reader of the list sees one CPU or two while a file says so. */
static void read_online_while(struct __test_metadata *_metadata,
			      FIXTURE_DATA(view) *self, const char *file,
			      const char *one, const char *two)
{
	bool seen[2] = {};
	const char *list;
	int i;

	ASSERT_EQ(0, set_scope(self));
	ASSERT_TRUE(start_flipping(self->scope, file, one, two));
	for (i = 0; go_on(i, seen); i++) {
		list = view(&self->c, ONLINE);
		ASSERT_NE(NULL, list);
		ASSERT_TRUE(!strcmp(list, "0\n") || !strcmp(list, "0-1\n")) {
			TH_LOG("CPUs %s", list);
		}
		seen[!strcmp(list, "0-1\n")] = true;
	}
	EXPECT_TRUE(seen[0] && seen[1]);
	expect_flipping(_metadata);
}

/* While CPUs are added and taken, a reader of the list sees all or less. */
TEST_F_TIMEOUT(view, cpuset_changes_online, 120)
{
	NEEDS_TWO_CPUS();
	read_online_while(_metadata, self, "cpuset.cpus", "0", "0-1");
}

/* While the quota changes likewise. */
TEST_F_TIMEOUT(view, quota_changes_online, 120)
{
	NEEDS_TWO_CPUS();
	ASSERT_EQ(0, ns_set_flags(self->ns, METRICS_NS_QUOTA_CPUS));
	read_online_while(_metadata, self, "cpu.max", "100000 100000",
			  "200000 100000");
}

/*
 * A reader of a file with a line or a paragraph for each CPU finds one at
 * least, while the only CPU is now this one and now that one.
 */
static void read_while_cpus_swap(struct __test_metadata *_metadata,
				 FIXTURE_DATA(view) *self, const char *path,
				 const char *format)
{
	bool cpus[CPUS_MAX], seen[2] = {};
	int i;

	NEEDS_TWO_CPUS();
	ASSERT_EQ(0, set_scope(self));
	ASSERT_TRUE(start_flipping(self->scope, "cpuset.cpus", "0", "1"));
	for (i = 0; go_on(i, seen); i++) {
		ASSERT_NE(NULL, view(&self->c, path));
		ASSERT_LT(0, parse_lines(shared->text, format, cpus)) {
			TH_LOG("no CPU in read %d", i);
		}
		seen[0] |= cpus[0];
		seen[1] |= cpus[1];
	}
	EXPECT_TRUE(seen[0] && seen[1]);
	expect_flipping(_metadata);
}

/* There always is a CPU in /proc/stat. */
TEST_F_TIMEOUT(view, cpuset_swaps_stat, 120)
{
	read_while_cpus_swap(_metadata, self, "/proc/stat", "cpu%d");
}

/* There always is one in /proc/cpuinfo. */
TEST_F_TIMEOUT(view, cpuset_swaps_cpuinfo, 120)
{
	read_while_cpus_swap(_metadata, self, "/proc/cpuinfo",
			     "processor : %d");
}

/* --- many readers --- */

#define READERS		100
/*
 * Each reads for so long, as times come on once a tick; then until it has seen
 * them come on, but no longer than that.
 */
#define READ_MS		3000
#define READ_MAX_MS	60000
#define READERS_TIMEOUT	300
/* "cpu", then "cpu0" and so on, and the times in each of these lines */
#define STAT_LINES	(CPUS_MAX + 1)
#define STAT_COLUMNS	10

/* The times of a line in place of those before it; a fault if one is less. */
static int check_times(const char *line, long *last)
{
	int i, fault = 0;
	char *end;
	long now;

	line += strcspn(line, " ");
	for (i = 0; i < STAT_COLUMNS; i++, line = end) {
		now = strtol(line, &end, 10);
		if (end == line)
			return fault | MALFORMED;
		if (now < last[i])
			fault |= WENT_BACK;
		last[i] = now;
	}
	return *end == '\n' ? fault : fault | MALFORMED;
}

static int check_stat(const char *from, long (*last)[STAT_COLUMNS],
		      bool each_cpu)
{
	int fault = MALFORMED, lines = 0, cpu;

	if (!strncmp(from, "cpu ", 4))
		fault = check_times(from, last[0]);
	for (from = next_line(from); sscanf(from, "cpu%d", &cpu) == 1;
	     from = next_line(from)) {
		lines++;
		if (each_cpu && cpu < CPUS_MAX)
			fault |= check_times(from, last[cpu + 1]);
	}
	return lines ? fault : fault | NO_CPU;
}

static int read_stat(long (*last)[STAT_COLUMNS], bool each_cpu)
{
	if (!machine("/proc/stat"))
		return UNREADABLE;
	return check_stat(text, last, each_cpu);
}

static int read_stat_often(long each_cpu)
{
	static long last[STAT_LINES][STAT_COLUMNS];
	long first[STAT_COLUMNS], start = now_ms(CLOCK_MONOTONIC), ms = 0;
	int fault = read_stat(last, each_cpu);

	memcpy(first, last[0], sizeof(first));
	while (!fault && (ms < READ_MS ||
			  !memcmp(first, last[0], sizeof(first)))) {
		if (ms > READ_MAX_MS)
			return STOOD_STILL;
		fault = read_stat(last, each_cpu);
		ms = now_ms(CLOCK_MONOTONIC) - start;
	}
	return fault;
}

/* Numbers that grow by tasks that begin, fault and wait, as many readers do */
static const struct {
	const char *path;
	const char *key;
} counters[] = {
	{ "/proc/stat", "\nprocesses " },
	{ "/proc/vmstat", "\npgfault " },
	{ "/proc/pressure/cpu", " total=" },
};

#define COUNTERS	ARRAY_SIZE(counters)

static int read_counters(long long *last)
{
	int fault = 0;
	const char *at;
	long long now;
	size_t i;

	for (i = 0; i < COUNTERS; i++) {
		at = machine(counters[i].path);
		if (!at)
			return UNREADABLE;
		at = strstr(at, counters[i].key);
		if (!at)
			return MALFORMED;
		now = atoll(at + strlen(counters[i].key));
		if (now < last[i])
			fault |= WENT_BACK;
		last[i] = now;
	}
	return fault;
}

static bool all_have_grown(const long long *first, const long long *last)
{
	size_t i;

	for (i = 0; i < COUNTERS; i++)
		if (last[i] == first[i])
			return false;
	return true;
}

static int read_counters_often(void)
{
	long long first[COUNTERS], last[COUNTERS] = {};
	long start = now_ms(CLOCK_MONOTONIC), ms = 0;
	int fault = read_counters(last);

	memcpy(first, last, sizeof(first));
	while (!fault && (ms < READ_MS || !all_have_grown(first, last))) {
		if (ms > READ_MAX_MS)
			return STOOD_STILL;
		if (!fork())
			_exit(0);
		wait(NULL);
		fault = read_counters(last);
		ms = now_ms(CLOCK_MONOTONIC) - start;
	}
	return fault;
}

/* What readers read often: times, those of each CPU as well, or counters */
enum what { SUMS, EACH_CPU, OTHERS };

static int read_often(long what)
{
	return what == OTHERS ? read_counters_often() :
				read_stat_often(what == EACH_CPU);
}

static long do_readers(long what, long unused)
{
	return read_by_many(READERS, read_often, what);
}

/* Let them read in the scope, so that they use its time, while a file changes. */
static void read_while(struct __test_metadata *_metadata,
		       FIXTURE_DATA(view) *self, int dirfd, const char *file,
		       const char *one, const char *other)
{
	ASSERT_EQ(0, set_scope(self));
	ASSERT_EQ(0, cgroup_move(self->scope, self->c.pid));
	ASSERT_TRUE(start_flipping(dirfd, file, one, other));
	EXPECT_EQ(0, child_call(&self->c, do_readers, SUMS, 0));
	expect_flipping(_metadata);
}

/* A hundred readers at once: for none of them a time goes back. */
TEST_F_TIMEOUT(view, many_readers, READERS_TIMEOUT)
{
	ASSERT_EQ(0, set_scope(self));
	ASSERT_EQ(0, cgroup_move(self->scope, self->c.pid));
	EXPECT_EQ(0, child_call(&self->c, do_readers, EACH_CPU, 0));
}

/* Nor does a number of forks, of page faults, or a time of waiting. */
TEST_F_TIMEOUT(view, many_readers_counters, READERS_TIMEOUT)
{
	if (!has_pressure(self))
		SKIP(return, NO_PRESSURE);
	ASSERT_EQ(0, set_scope(self));
	ASSERT_EQ(0, cgroup_move(self->scope, self->c.pid));
	EXPECT_EQ(0, child_call(&self->c, do_readers, OTHERS, 0));
}

/* If CPUs come and go meanwhile, the sum doesn't. */
TEST_F_TIMEOUT(view, many_readers_cpuset_changes, READERS_TIMEOUT)
{
	NEEDS_TWO_CPUS();
	read_while(_metadata, self, self->scope, "cpuset.cpus", "0", "1");
}

/* Nor if the quota changes and CPUs are shown by it. */
TEST_F_TIMEOUT(view, many_readers_quota_changes, READERS_TIMEOUT)
{
	ASSERT_EQ(0, ns_set_flags(self->ns, METRICS_NS_QUOTA_CPUS));
	read_while(_metadata, self, self->scope, "cpu.max", "50000 100000",
		   "max 100000");
}

/* Nor if the controllers that tell of CPUs and quotas come and go, below a quota. */
TEST_F_TIMEOUT(view, many_readers_controllers_change, READERS_TIMEOUT)
{
	ASSERT_EQ(0, write_file_at(self->outer, "cpu.max", "100000 100000"));
	read_while(_metadata, self, self->outer, CONTROLLERS, "-cpu -cpuset",
		   "+cpu +cpuset");
}

/* --- reading in pieces --- */

/*
 * The files of the view, what ends the part of a line that never changes, and
 * whether the lines keep their lengths.
 */
static const struct {
	const char *path;
	const char *end;
	bool fixed;
} files[] = {
	{ "/proc/stat", " " },
	{ "/proc/meminfo", ":", true },
	{ "/proc/cpuinfo", ":" },
	{ "/proc/uptime", "0123456789" },
	{ "/proc/loadavg", "0123456789" },
	{ "/proc/pressure/cpu", "0123456789" },
	{ "/proc/pressure/io", "0123456789" },
	{ "/proc/pressure/memory", "0123456789" },
	{ "/proc/diskstats", "0123456789" },
	{ "/proc/swaps", "\n", true },
	{ "/proc/vmstat", " " },
	{ ONLINE, "\n", true },
};

#define FILES		(sizeof(files) / sizeof(*files))

static const size_t sizes[] = { 1, 7, 64, 1021, 4096, 65536 };

#define SIZES		(sizeof(sizes) / sizeof(*sizes))

enum how { READ, PREAD, REWIND, LSEEK };

static ssize_t read_piece(int fd, size_t size, size_t len, enum how how)
{
	switch (how) {
	case PREAD:
		return pread(fd, shared->text + len, size, len);
	case LSEEK:
		/* Away, and back to where the next piece is. */
		if (lseek(fd, 0, SEEK_SET) || lseek(fd, len, SEEK_SET) < 0)
			return -1;
		break;
	default:
		break;
	}
	return read(fd, shared->text + len, size);
}

static long read_pieces(int fd, size_t size, enum how how)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read_piece(fd, size, len, how)) > 0) {
		len += n;
		if ((size_t)n > size || len + size >= TEXT_MAX)
			return -EOVERFLOW;
	}
	shared->text[len] = 0;
	/* The end stays the end. */
	return n ? -errno : or_errno(read_piece(fd, size, len, how));
}

/* Read file i of the list in pieces; how | piece's size << 8. */
static long do_read_pieces(long i, long how)
{
	int fd = open(files[i].path, O_RDONLY | O_CLOEXEC);
	size_t size = how >> 8;
	long ret;

	how &= 0xff;
	if (fd < 0)
		return -errno;
	/* From the start again after a part, or all, has been read. */
	if (how == REWIND && (read(fd, shared->text, size) < 0 ||
			      lseek(fd, 0, SEEK_SET)))
		return -errno;
	ret = read_pieces(fd, size, how);
	close(fd);
	return ret;
}

static void read_all_in_pieces(struct __test_metadata *_metadata,
			       FIXTURE_DATA(view) *self, enum how how)
{
	size_t i, s;

	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	ASSERT_EQ(0, set_scope(self));
	for (i = 0; i < FILES; i++) {
		if (how == LSEEK && !files[i].fixed)
			continue;
		ASSERT_NE(NULL, view(&self->c, files[i].path));
		memcpy(text, shared->text, TEXT_MAX);
		for (s = 0; s < SIZES; s++) {
			EXPECT_EQ(0, child_call(&self->c, do_read_pieces, i,
						how | sizes[s] << 8));
			EXPECT_TRUE(same_lines(text, shared->text,
					       files[i].end)) {
				TH_LOG("%s in pieces of %zu:\n%s",
				       files[i].path, sizes[s], shared->text);
			}
		}
	}
}

/* Each file has the same lines, whatever the size of the pieces. */
TEST_F_TIMEOUT(view, pieces_read, 120)
{
	read_all_in_pieces(_metadata, self, READ);
}

/* So it has for pread(2). */
TEST_F_TIMEOUT(view, pieces_pread, 120)
{
	read_all_in_pieces(_metadata, self, PREAD);
}

/* So it has from the start, after a part has been read. */
TEST_F_TIMEOUT(view, pieces_rewind, 120)
{
	read_all_in_pieces(_metadata, self, REWIND);
}

/*
 * So it has if it is made anew for each piece; where a line would change its
 * length meanwhile, the pieces of the machine's file don't fit either.
 */
TEST_F_TIMEOUT(view, pieces_lseek, 120)
{
	read_all_in_pieces(_metadata, self, LSEEK);
}

static long do_pread_backwards(long unused, long unused2)
{
	int fd = open(ONLINE, O_RDONLY | O_CLOEXEC);
	long off = strlen(shared->text);

	if (fd < 0)
		return -errno;
	while (off--)
		if (pread(fd, shared->text + off, 1, off) != 1)
			return -EIO;
	close(fd);
	return 0;
}

/* The list of CPUs, which doesn't change by itself, reads backwards too. */
TEST_F(view, pieces_backwards)
{
	ASSERT_EQ(0, write_file_at(self->scope, "cpuset.cpus", "0"));
	ASSERT_EQ(0, set_scope(self));
	memcpy(shared->text, "??", sizeof("??"));
	ASSERT_EQ(0, child_call(&self->c, do_pread_backwards, 0, 0));
	EXPECT_STREQ("0\n", shared->text);
}

static long do_pread_far(long i, long unused)
{
	int fd = open(files[i].path, O_RDONLY | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return -errno;
	ret = or_errno(pread(fd, shared->text, TEXT_MAX, 1L << 30));
	close(fd);
	return ret;
}

/* Far behind the end there is nothing. */
TEST_F(view, pieces_behind_the_end)
{
	size_t i;

	ASSERT_EQ(0, set_scope(self));
	for (i = 0; i < FILES; i++)
		EXPECT_EQ(0, child_call(&self->c, do_pread_far, i, 0));
}

/* --- CPUs that are unplugged --- */

FIXTURE(hotplug) {
	FIXTURE_DATA(view) view;
};

FIXTURE_SETUP(hotplug)
{
	if (access(CPU1, W_OK))
		SKIP(return, "CPU 1 can't be unplugged");
	view_set_up(_metadata, &self->view);
}

FIXTURE_TEARDOWN(hotplug)
{
	/* First who unplugs it. */
	children_stop();
	plug(true);
	view_clean_up(&self->view);
}

/* cpusets take notice of a CPU later, by a work item. */
static bool wait_for_cpus(struct child *c, const char *list)
{
	int tries = TRIES;
	const char *now;

	while ((now = view(c, ONLINE)) && strcmp(now, list) && tries--)
		usleep(TICK_US);
	return now && !strcmp(now, list);
}

/* A CPU that is unplugged isn't in any file of the view, and comes back. */
TEST_F(hotplug, cpu_of_scope)
{
	FIXTURE_DATA(view) *v = &self->view;
	bool cpus[CPUS_MAX];

	ASSERT_EQ(0, write_file_at(v->scope, "cpuset.cpus", "0-1"));
	ASSERT_EQ(0, set_scope(v));
	ASSERT_STREQ("0-1\n", view(&v->c, ONLINE));
	ASSERT_EQ(0, plug(false));
	EXPECT_STREQ("0\n", view(&v->c, ONLINE));
	EXPECT_EQ(1, parse_lines(view(&v->c, "/proc/cpuinfo"),
				 "processor : %d", cpus));
	/* Times are brought up to date once a tick. */
	usleep(20000);
	EXPECT_EQ(1, parse_lines(view(&v->c, "/proc/stat"), "cpu%d", cpus));
	EXPECT_TRUE(cpus[0]);
	ASSERT_EQ(0, plug(true));
	EXPECT_TRUE(wait_for_cpus(&v->c, "0-1\n"));
}

/* The only CPU of a scope is unplugged: it shows another one, and not none. */
TEST_F(hotplug, only_cpu_of_scope)
{
	FIXTURE_DATA(view) *v = &self->view;
	bool cpus[CPUS_MAX];

	ASSERT_EQ(0, write_file_at(v->scope, "cpuset.cpus", "1"));
	ASSERT_EQ(0, set_scope(v));
	ASSERT_STREQ("1\n", view(&v->c, ONLINE));
	ASSERT_EQ(0, plug(false));
	EXPECT_LE(1, parse_list(view(&v->c, ONLINE), cpus));
	EXPECT_FALSE(cpus[1]);
	EXPECT_LE(1, parse_lines(view(&v->c, "/proc/cpuinfo"),
				 "processor : %d", cpus));
	EXPECT_LE(1, parse_lines(view(&v->c, "/proc/stat"), "cpu%d", cpus));
	ASSERT_EQ(0, plug(true));
	EXPECT_TRUE(wait_for_cpus(&v->c, "1\n"));
}

/* No sum goes back when a CPU goes and comes. */
TEST_F_TIMEOUT(hotplug, sums, 120)
{
	FIXTURE_DATA(view) *v = &self->view;
	static long last[STAT_LINES][STAT_COLUMNS];
	int i;

	ASSERT_EQ(0, set_scope(v));
	ASSERT_EQ(0, cgroup_move(v->scope, v->c.pid));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, plug(i & 1));
		ASSERT_EQ(0, child_call(&v->c, do_burn, 10, 0));
		ASSERT_NE(NULL, view(&v->c, "/proc/stat"));
		EXPECT_EQ(0, check_stat(shared->text, last, false));
	}
}

/* Nor for any of many readers who read meanwhile. */
TEST_F_TIMEOUT(hotplug, many_readers, READERS_TIMEOUT)
{
	read_while(_metadata, &self->view, AT_FDCWD, CPU1, "0", "1");
}

TEST_HARNESS_MAIN
