// SPDX-License-Identifier: GPL-2.0
/*
 * What a process reads in a scoped metrics namespace, against the files of the
 * cgroup that it comes from, and what it reads without a scope, against the
 * machine.
 *
 * The reader is a child in a metrics namespace. Its scope is a cgroup of the
 * test's that the child isn't in unless it says so: the view is the scope's,
 * wherever the reader runs.
 */
#include "view.h"

/* Statistics of a memory cgroup are up to this much behind. */
#define MEM_SLACK	(8 * MIB)

/* Column of a CPU line of /proc/stat */
#define STEAL		8

static long do_read_bytewise(long path, long unused)
{
	int fd = open((const char *)path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return -errno;
	while (len < TEXT_MAX - 1 && read(fd, shared->text + len, 1) == 1)
		len++;
	shared->text[len] = 0;
	close(fd);
	return 0;
}

static long do_nproc(long unused, long unused2)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

static int columns(const char *line)
{
	int n = 0;

	for (; *line && *line != '\n'; line++)
		n += *line != ' ' && (line[1] == ' ' || line[1] == '\n');
	return n;
}

/* Without a scope the sizes are the machine's. */
TEST_F(view, unscoped_is_the_machine)
{
	bool cpus[CPUS_MAX], shown[CPUS_MAX];
	int n = parse_list(machine(ONLINE), cpus);

	EXPECT_EQ(n, parse_list(view(&self->c, ONLINE), shown));
	EXPECT_EQ(0, memcmp(cpus, shown, sizeof(cpus)));
	EXPECT_EQ(number(machine("/proc/meminfo"), "MemTotal"),
		  kib(&self->c, "MemTotal"));
	EXPECT_EQ(n, parse_lines(view(&self->c, "/proc/cpuinfo"),
				 "processor : %d", shown));
}

/* Without a scope the counters are the machine's, between before and after. */
TEST_F(view, unscoped_counters)
{
	static const char * const keys[] = { "ctxt", "processes", "intr" };
	long before[3], seen[3];
	int i;

	machine("/proc/stat");
	for (i = 0; i < 3; i++)
		before[i] = number(text, keys[i]);
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	for (i = 0; i < 3; i++)
		seen[i] = number(shared->text, keys[i]);
	machine("/proc/stat");
	for (i = 0; i < 3; i++) {
		EXPECT_GE(seen[i], before[i]);
		EXPECT_LE(seen[i], number(text, keys[i]));
	}
}

/* A scoped /proc/meminfo has the machine's lines, in its order. */
TEST_F(view, meminfo_lines)
{
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_NE(NULL, view(&self->c, "/proc/meminfo"));
	EXPECT_TRUE(same_lines(machine("/proc/meminfo"), shared->text, ":"));
}

/* A scoped /proc/stat has the machine's lines and columns. */
TEST_F(view, stat_lines)
{
	const char *a, *b;

	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	a = machine("/proc/stat");
	b = view(&self->c, "/proc/stat");
	ASSERT_NE(NULL, b);
	EXPECT_TRUE(same_lines(a, b, " "));
	for (; *a && *b; a = next_line(a), b = next_line(b))
		EXPECT_EQ(columns(a), columns(b));
}

/* MemTotal is the scope's memory.max. */
TEST_F(view, memory_max)
{
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	EXPECT_EQ(64 * 1024, kib(&self->c, "MemTotal"));
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "32M"));
	EXPECT_EQ(32 * 1024, kib(&self->c, "MemTotal"));
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "max"));
	EXPECT_EQ(number(machine("/proc/meminfo"), "MemTotal"),
		  kib(&self->c, "MemTotal"));
}

/* A limit above the scope counts if it is the tighter one. */
TEST_F(view, memory_max_of_ancestor)
{
	ASSERT_EQ(0, write_file_at(self->outer, "memory.max", "48M"));
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	EXPECT_EQ(48 * 1024, kib(&self->c, "MemTotal"));
}

/* A limit below the scope doesn't count. */
TEST_F(view, memory_max_below)
{
	ASSERT_EQ(0, write_file_at(self->outer, "memory.max", "64M"));
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "32M"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->outer));
	EXPECT_EQ(64 * 1024, kib(&self->c, "MemTotal"));
}

/* MemTotal is never 0: programs divide by it. */
TEST_F(view, memory_max_zero)
{
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "0"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	EXPECT_EQ(getpagesize() / 1024, kib(&self->c, "MemTotal"));
	EXPECT_LE(kib(&self->c, "MemAvailable"), getpagesize() / 1024);
}

/* MemFree is MemTotal less memory.current, while that grows. */
TEST_F(view, memory_free)
{
	long free, used;

	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "256M"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_call(&self->c, do_join_cgroup, self->scope, 0));
	free = kib(&self->c, "MemFree");
	ASSERT_EQ(0, child_call(&self->c, do_allocate, 32 * MIB, 0));

	EXPECT_GE(free - kib(&self->c, "MemFree"), 31 * 1024);
	ASSERT_TRUE(read_file_at(self->scope, "memory.current", text,
				 TEXT_MAX));
	used = atol(text);
	EXPECT_LE(labs(256 * MIB - used - kib(&self->c, "MemFree") * 1024),
		  MEM_SLACK);
}

/* The amounts are those of the scope's memory.stat. */
TEST_F(view, memory_stat)
{
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_call(&self->c, do_join_cgroup, self->scope, 0));
	ASSERT_EQ(0, child_call(&self->c, do_allocate, 32 * MIB, 0));
	ASSERT_TRUE(wait_for_kib(&self->c, "AnonPages", 31 * 1024));

	/* Its readers may miss what a CPU hasn't handed on: some pages each. */
	ASSERT_TRUE(read_file_at(self->scope, "memory.stat", text, TEXT_MAX));
	EXPECT_GE(number(text, "anon"), 31 * MIB);
	EXPECT_LE(labs(number(text, "anon") -
		       kib(&self->c, "AnonPages") * 1024), MEM_SLACK);
	EXPECT_LE(labs(number(text, "file") -
		       kib(&self->c, "Cached") * 1024), MEM_SLACK);
}

/* Processes in a cgroup below the scope count. */
TEST_F(view, memory_of_children)
{
	ASSERT_EQ(0, ns_set_scope(self->ns, self->outer));
	ASSERT_EQ(0, child_call(&self->c, do_join_cgroup, self->scope, 0));
	ASSERT_EQ(0, child_call(&self->c, do_allocate, 32 * MIB, 0));
	EXPECT_TRUE(wait_for_kib(&self->c, "AnonPages", 31 * 1024));
}

/* MemAvailable is within MemTotal, and falls with an ancestor's usage. */
TEST_F(view, memory_available)
{
	struct child other;
	int sibling = cgroup_make(self->outer, "sibling");
	long before;

	ASSERT_GE(sibling, 0);
	ASSERT_EQ(0, write_file_at(self->outer, "memory.max", "256M"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	before = kib(&self->c, "MemAvailable");
	EXPECT_LE(before, kib(&self->c, "MemTotal"));

	ASSERT_EQ(0, child_start(&other));
	ASSERT_EQ(0, child_call(&other, do_join_cgroup, sibling, 0));
	ASSERT_EQ(0, child_call(&other, do_allocate, 64 * MIB, 0));
	EXPECT_GE(before - kib(&self->c, "MemAvailable"), 56 * 1024);
}

/* An ancestor's usage counts against its own limit, not against the scope's. */
TEST_F(view, memory_available_two_limits)
{
	struct child other;
	int sibling = cgroup_make(self->outer, "sibling");

	ASSERT_GE(sibling, 0);
	ASSERT_EQ(0, write_file_at(self->outer, "memory.max", "512M"));
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_start(&other));
	ASSERT_EQ(0, child_call(&other, do_join_cgroup, sibling, 0));
	ASSERT_EQ(0, child_call(&other, do_allocate, 96 * MIB, 0));
	EXPECT_GE(kib(&self->c, "MemAvailable"), 56 * 1024);
}

/* SwapTotal is no more than memory.swap.max of the scope and its ancestors. */
TEST_F(view, swap_max)
{
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	EXPECT_EQ(number(machine("/proc/meminfo"), "SwapTotal"),
		  kib(&self->c, "SwapTotal"));
	ASSERT_EQ(0, write_file_at(self->outer, "memory.swap.max", "0"));
	EXPECT_EQ(0, kib(&self->c, "SwapTotal"));
	EXPECT_EQ(0, kib(&self->c, "SwapFree"));
}

/* sysinfo(2) agrees with /proc/meminfo. */
TEST_F(view, sysinfo_memory)
{
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_call(&self->c, do_sysinfo, 0, 0));
	EXPECT_EQ(64 * MIB, shared->info.totalram * shared->info.mem_unit);
	EXPECT_LE(shared->info.freeram, shared->info.totalram);
	EXPECT_EQ(0, shared->info.bufferram);
}

/* Without a memory controller of its own, amounts are the machine's. */
TEST_F(view, no_memory_controller)
{
	long used, total = number(machine("/proc/meminfo"), "MemTotal");

	ASSERT_EQ(0, write_file_at(self->outer, CONTROLLERS, "-memory"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	EXPECT_EQ(total, kib(&self->c, "MemTotal"));
	used = total - number(machine("/proc/meminfo"), "MemFree");
	EXPECT_LE(labs(total - kib(&self->c, "MemFree") - used),
		  MEM_SLACK / 1024);
}

/* A removed cgroup has no amounts; limits above it go on. */
TEST_F(view, removed_cgroup)
{
	ASSERT_EQ(0, write_file_at(self->outer, "memory.max", "64M"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, unlinkat(self->outer, "scope", AT_REMOVEDIR));
	EXPECT_EQ(0, kib(&self->c, "AnonPages"));
	EXPECT_EQ(64 * 1024, kib(&self->c, "MemTotal"));
	EXPECT_GE(child_call(&self->c, do_nproc, 0, 0), 1);
	EXPECT_NE(NULL, view(&self->c, "/proc/stat"));
}

/* The CPUs shown are those of cpuset.cpus.effective, in every file. */
TEST_F(view, cpuset)
{
	static const char * const lists[] = { "0", "1", "0-1" };
	bool want[CPUS_MAX], shown[CPUS_MAX];
	size_t i;
	int n;

	NEEDS_TWO_CPUS();
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		ASSERT_EQ(0, write_file_at(self->scope, "cpuset.cpus",
					   lists[i]));
		n = parse_list(lists[i], want);

		EXPECT_EQ(n, parse_list(view(&self->c, ONLINE), shown));
		EXPECT_EQ(0, memcmp(want, shown, sizeof(want)));
		EXPECT_EQ(n, parse_lines(view(&self->c, "/proc/cpuinfo"),
					 "processor : %d", shown));
		EXPECT_EQ(0, memcmp(want, shown, sizeof(want)));
		/* Times are brought up to date once a tick. */
		usleep(20000);
		EXPECT_EQ(n, parse_lines(view(&self->c, "/proc/stat"),
					 "cpu%d", shown));
		EXPECT_EQ(0, memcmp(want, shown, sizeof(want)));
		EXPECT_EQ(n, child_call(&self->c, do_nproc, 0, 0));
	}
}

/*
 * A cpuset partition takes its CPUs out of the set of what is above it; its tasks
 * run on them, and they are the scope's as before.
 */
TEST_F(view, cpuset_partition_below)
{
	char effective[64];
	int part;

	NEEDS_TWO_CPUS();
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, write_file_at(self->outer, "cpuset.cpus.exclusive", "1"));
	ASSERT_EQ(0, write_file_at(self->scope, "cpuset.cpus.exclusive", "1"));
	ASSERT_EQ(0, write_file_at(self->scope, CONTROLLERS, "+cpuset"));
	part = cgroup_make(self->scope, "part");
	ASSERT_GE(part, 0);
	ASSERT_EQ(0, write_file_at(part, "cpuset.cpus.exclusive", "1"));
	ASSERT_EQ(0, write_file_at(part, "cpuset.cpus.partition", "root"));

	ASSERT_TRUE(read_file_at(self->scope, "cpuset.cpus.effective",
				 effective, sizeof(effective)));
	ASSERT_STRNE(machine(ONLINE), effective);
	EXPECT_STREQ(machine(ONLINE), view(&self->c, ONLINE));
}

/* The possible CPUs stay the machine's: programs size buffers by them. */
TEST_F(view, possible_cpus)
{
	char want[256];

	ASSERT_EQ(0, write_file_at(self->scope, "cpuset.cpus", "0"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	snprintf(want, sizeof(want), "%.255s",
		 machine("/sys/devices/system/cpu/possible"));
	EXPECT_STREQ(want, view(&self->c, "/sys/devices/system/cpu/possible"));
}

/* A CPU quota is no number of CPUs, unless that was asked for. */
TEST_F(view, quota_without_flag)
{
	ASSERT_EQ(0, write_file_at(self->scope, "cpu.max", "50000 100000"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	EXPECT_EQ(sysconf(_SC_NPROCESSORS_ONLN),
		  child_call(&self->c, do_nproc, 0, 0));
}

/* With METRICS_NS_QUOTA_CPUS it is, rounded up. */
TEST_F(view, quota_cpus)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	NEEDS_TWO_CPUS();
	ASSERT_EQ(0, ns_set_flags(self->ns, METRICS_NS_QUOTA_CPUS));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	EXPECT_EQ(online, child_call(&self->c, do_nproc, 0, 0));
	ASSERT_EQ(0, write_file_at(self->scope, "cpu.max", "50000 100000"));
	EXPECT_EQ(1, child_call(&self->c, do_nproc, 0, 0));
	ASSERT_EQ(0, write_file_at(self->scope, "cpu.max", "110000 100000"));
	EXPECT_EQ(2, child_call(&self->c, do_nproc, 0, 0));
}

/* The quota of an ancestor counts as well. */
TEST_F(view, quota_cpus_of_ancestor)
{
	ASSERT_EQ(0, ns_set_flags(self->ns, METRICS_NS_QUOTA_CPUS));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, write_file_at(self->outer, "cpu.max", "100000 100000"));
	EXPECT_EQ(1, child_call(&self->c, do_nproc, 0, 0));
}

/* Used CPU time is that of the scope's cpu.stat, from the scoping on. */
TEST_F(view, cpu_usage)
{
	long before, used, shown;

	ASSERT_EQ(0, child_call(&self->c, do_join_cgroup, self->scope, 0));
	ASSERT_EQ(0, child_call(&self->c, do_burn, 200, 0));
	ASSERT_TRUE(read_file_at(self->scope, "cpu.stat", text, TEXT_MAX));
	before = number(text, "usage_usec");

	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_call(&self->c, do_burn, 600, 0));
	usleep(20000);
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	shown = column(shared->text, "cpu", 1) +
		column(shared->text, "cpu", 2) +
		column(shared->text, "cpu", 3);
	ASSERT_TRUE(read_file_at(self->scope, "cpu.stat", text, TEXT_MAX));
	used = (number(text, "usage_usec") - before) / 10000;
	EXPECT_LE(labs(used - shown), TICKS_SLACK) {
		TH_LOG("%ld ticks used, %ld shown", used, shown);
	}
}

/* Idle time is what is left of the time of the CPUs shown. */
TEST_F(view, cpu_idle)
{
	struct timespec from, to;
	long idle, elapsed, cpus = sysconf(_SC_NPROCESSORS_ONLN);

	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	clock_gettime(CLOCK_MONOTONIC, &from);
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	idle = column(shared->text, "cpu", 4);
	usleep(500000);
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	clock_gettime(CLOCK_MONOTONIC, &to);
	idle = column(shared->text, "cpu", 4) - idle;
	elapsed = (to.tv_sec - from.tv_sec) * 100 +
		  (to.tv_nsec - from.tv_nsec) / 10000000;
	EXPECT_GE(idle, 45 * cpus);
	EXPECT_LE(idle, (elapsed + 2) * cpus);
}

static long throttled_ms(int cgroup)
{
	return read_file_at(cgroup, "cpu.stat.local", text, TEXT_MAX) ?
	       number(text, "throttled_usec") / 1000 : -EIO;
}

/*
 * A process in a cgroup, until a quota has stopped it for a while, by what that or
 * another cgroup says; then it is no more.
 */
static long be_throttled(int in, int says)
{
	long enough = throttled_ms(says) + 300;
	int tries = TRIES;
	struct child c;
	long ret;

	ret = child_start(&c);
	if (!ret)
		ret = child_call(&c, do_join_cgroup, in, 0);
	if (!ret)
		ret = child_call(&c, do_spin, 0, 0);
	while (ret > 0 && throttled_ms(says) < enough && tries--)
		usleep(TICK_US);
	if (ret > 0)
		ret = write_file_at(in, "cgroup.kill", "1");
	while (!ret && read_file_at(in, "cgroup.events", text, TEXT_MAX) &&
	       number(text, "populated") && tries--)
		usleep(TICK_US);
	/* It counts until the period ends. */
	usleep(150000);
	return ret ? ret : tries < 0 ? -ETIMEDOUT : 0;
}

#define QUOTA	"10000 100000"

/* Time that the quota takes away is stolen, as cpu.stat.local has it, not idle. */
TEST_F(view, steal)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), sum = 0, elapsed, before;
	int col;

	ASSERT_EQ(0, write_file_at(self->scope, "cpu.max", QUOTA));
	ASSERT_EQ(0, be_throttled(self->scope, self->scope));
	before = throttled_ms(self->scope);

	elapsed = now_ms(CLOCK_MONOTONIC);
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	EXPECT_EQ(0, column(shared->text, "cpu", STEAL));

	ASSERT_EQ(0, be_throttled(self->scope, self->scope));
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	elapsed = now_ms(CLOCK_MONOTONIC) - elapsed;
	EXPECT_LE(labs((throttled_ms(self->scope) - before) / 10 -
		       column(shared->text, "cpu", STEAL)), TICKS_SLACK);
	for (col = 1; col <= STEAL; col++)
		sum += column(shared->text, "cpu", col);
	EXPECT_LE(sum, (elapsed / 10 + TICKS_SLACK) * cpus);
	EXPECT_GE(sum, (elapsed / 10 - TICKS_SLACK) * cpus);
}

/* So is what an ancestor's quota takes away. */
TEST_F(view, steal_by_ancestor)
{
	ASSERT_EQ(0, write_file_at(self->outer, "cpu.max", QUOTA));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, be_throttled(self->scope, self->scope));
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	EXPECT_LE(labs(throttled_ms(self->scope) / 10 -
		       column(shared->text, "cpu", STEAL)), TICKS_SLACK);
}

/* A quota that the container gives itself steals nothing from it. */
TEST_F(view, steal_below)
{
	int below;

	ASSERT_EQ(0, switch_controller(self->scope, '+', "cpu"));
	below = cgroup_make(self->scope, "below");
	ASSERT_LE(0, below);
	ASSERT_EQ(0, write_file_at(below, "cpu.max", QUOTA));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, be_throttled(below, below));
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	EXPECT_EQ(0, column(shared->text, "cpu", STEAL));
}

/* With METRICS_NS_QUOTA_CPUS, who uses the quota up has busy CPUs. */
TEST_F(view, steal_with_quota_cpus)
{
	ASSERT_EQ(0, write_file_at(self->scope, "cpu.max", QUOTA));
	ASSERT_EQ(0, ns_set_flags(self->ns, METRICS_NS_QUOTA_CPUS));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, be_throttled(self->scope, self->scope));
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	EXPECT_EQ(0, column(shared->text, "cpu", STEAL));
}

/* When the controller has been away it goes on from what it was. */
TEST_F(view, steal_controller_again)
{
	long before;

	ASSERT_EQ(0, write_file_at(self->scope, "cpu.max", QUOTA));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, be_throttled(self->scope, self->scope));
	before = column(view(&self->c, "/proc/stat"), "cpu", STEAL);
	EXPECT_LE(25, before);
	ASSERT_EQ(0, switch_controller(self->outer, '-', "cpu"));
	EXPECT_EQ(before, column(view(&self->c, "/proc/stat"), "cpu", STEAL));
	ASSERT_EQ(0, switch_controller(self->outer, '+', "cpu"));
	ASSERT_EQ(0, write_file_at(self->scope, "cpu.max", QUOTA));
	ASSERT_EQ(0, be_throttled(self->scope, self->scope));
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	EXPECT_LE(labs(before + throttled_ms(self->scope) / 10 -
		       column(shared->text, "cpu", STEAL)), TICKS_SLACK);
}

/* Without the CPU controller there is nothing to tell it by. */
TEST_F(view, steal_without_controller)
{
	ASSERT_EQ(0, write_file_at(self->outer, "cpu.max", QUOTA));
	ASSERT_EQ(0, switch_controller(self->outer, '-', "cpu"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, be_throttled(self->scope, self->outer));
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	EXPECT_EQ(0, column(shared->text, "cpu", STEAL));
}

/* Tasks are counted in the PID namespace that they are made in, and around it. */
TEST_F(view, processes)
{
	struct child init;
	int i, fd;

	ASSERT_EQ(0, child_clone(&init, CLONE_NEWPID | CLONE_NEWMETRICS, 0));
	fd = open_ns(init.pid);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ns_set_scope(fd, self->scope));
	EXPECT_EQ(1, number(view(&init, "/proc/stat"), "processes"));
	for (i = 0; i < 3; i++)
		ASSERT_LT(0, child_call(&init, do_fork, 0, 0));
	EXPECT_EQ(4, number(view(&init, "/proc/stat"), "processes"));
	ASSERT_LT(0, child_call(&init, do_start_thread, 0, 0));
	EXPECT_EQ(5, number(view(&init, "/proc/stat"), "processes"));
	close(fd);
}

TEST_F(view, processes_below)
{
	struct child init;
	int fd;

	ASSERT_EQ(0, child_clone(&init, CLONE_NEWPID | CLONE_NEWMETRICS, 0));
	fd = open_ns(init.pid);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ns_set_scope(fd, self->scope));
	ASSERT_EQ(0, child_call(&init, do_unshare, CLONE_NEWPID, 0));
	ASSERT_LT(0, child_call(&init, do_fork, 0, 0));
	EXPECT_EQ(2, number(view(&init, "/proc/stat"), "processes"));
	close(fd);
}

/* Who is in the machine's sees the machine's. */
TEST_F(view, processes_of_the_machine)
{
	long before;

	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	before = number(machine("/proc/stat"), "processes");
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	EXPECT_LE(before, number(shared->text, "processes"));
	EXPECT_GE(number(machine("/proc/stat"), "processes"),
		  number(shared->text, "processes"));
}

/* The idle time in /proc/uptime is that of /proc/stat. */
TEST_F(view, uptime_idle)
{
	double uptime, idle;
	int fields;
	long ticks;

	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	usleep(200000);
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	ticks = column(shared->text, "cpu", 4);
	ASSERT_NE(NULL, view(&self->c, "/proc/uptime"));
	fields = sscanf(shared->text, "%lf %lf", &uptime, &idle);
	ASSERT_EQ(2, fields);
	EXPECT_GE(idle * 100 + 1, ticks);
	EXPECT_LE(idle * 100, ticks + TICKS_SLACK * sysconf(_SC_NPROCESSORS_ONLN));
	EXPECT_LT(idle, uptime);
}

/* In ticks, from /proc/uptime; -1 if it can't be read. */
static long uptime_idle(struct child *c)
{
	double idle;
	int n = 0;

	if (view(c, "/proc/uptime"))
		n = sscanf(shared->text, "%*f %lf", &idle);
	return n == 1 ? idle * 100 : -1;
}

/* No sum goes back while the CPUs and the quota change under the reader. */
TEST_F(view, monotonic)
{
	/* A newline is none of its own: the parent's. */
	static const char * const cpus[] = { "0", "0-1", "1", "\n" };
	static const char * const quotas[] = { "20000", "150000", "max" };
	long last[STEAL] = {}, now;
	long last_idle = 0;
	int i, col;

	NEEDS_TWO_CPUS();
	ASSERT_EQ(0, ns_set_flags(self->ns, METRICS_NS_QUOTA_CPUS));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_call(&self->c, do_join_cgroup, self->scope, 0));
	for (i = 0; i < 60; i++) {
		ASSERT_EQ(0, write_file_at(self->scope, "cpuset.cpus",
					   cpus[i % 4]));
		ASSERT_EQ(0, write_file_at(self->scope, "cpu.max",
					   quotas[i % 3]));
		ASSERT_EQ(0, child_call(&self->c, do_burn, 5, 0));
		ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
		for (col = 0; col < STEAL; col++) {
			now = column(shared->text, "cpu", col + 1);
			EXPECT_GE(now, last[col]);
			last[col] = now;
		}
		now = uptime_idle(&self->c);
		EXPECT_GE(now, last_idle);
		last_idle = now;
	}
}

/* The time of a removed cgroup stays. */
TEST_F(view, removed_cgroup_time)
{
	long used;

	ASSERT_EQ(0, child_call(&self->c, do_join_cgroup, self->scope, 0));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_call(&self->c, do_burn, 300, 0));
	usleep(20000);
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	used = column(shared->text, "cpu", 1) +
	       column(shared->text, "cpu", 3);
	EXPECT_GT(used, 0);
	ASSERT_EQ(0, child_call(&self->c, do_join_cgroup, self->root, 0));
	ASSERT_EQ(0, unlinkat(self->outer, "scope", AT_REMOVEDIR));
	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	EXPECT_GE(column(shared->text, "cpu", 1) +
		  column(shared->text, "cpu", 3), used);
}

/* A namespace without a scope shows its parent's view. */
TEST_F(view, nested_unscoped)
{
	struct child inner;

	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_start_nested(&inner, &self->c));
	EXPECT_EQ(64 * 1024, kib(&inner, "MemTotal"));
}

/* A nested scope narrows its parent's. */
TEST_F(view, nested_scope)
{
	struct child inner;
	int ns;

	ASSERT_EQ(0, write_file_at(self->outer, "memory.max", "64M"));
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "32M"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->outer));
	ASSERT_EQ(0, child_start_nested(&inner, &self->c));
	ns = open_ns(inner.pid);
	ASSERT_GE(ns, 0);
	ASSERT_EQ(0, ns_set_scope(ns, self->scope));
	EXPECT_EQ(32 * 1024, kib(&inner, "MemTotal"));
	EXPECT_EQ(64 * 1024, kib(&self->c, "MemTotal"));
}

/* A parent that is scoped later narrows what is nested in it already. */
TEST_F(view, parent_scoped_later)
{
	struct child inner;
	int ns;

	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "32M"));
	ASSERT_EQ(0, child_start_nested(&inner, &self->c));
	ns = open_ns(inner.pid);
	ASSERT_GE(ns, 0);
	ASSERT_EQ(0, ns_set_scope(ns, self->outer));
	EXPECT_NE(32 * 1024, kib(&inner, "MemTotal"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	EXPECT_EQ(32 * 1024, kib(&inner, "MemTotal"));
}

/* The reader decides about the view, and not who opened the file. */
TEST_F(view, reader_decides)
{
	long total;
	int fd;

	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	ASSERT_GT(pread(fd, text, TEXT_MAX - 1, 0), 0);
	total = number(text, "MemTotal");

	/* A child has the files that were open when it was started. */
	struct child late;

	ASSERT_EQ(0, child_start(&late));
	ASSERT_EQ(0, child_call(&late, do_pread, fd, 0));
	EXPECT_EQ(total, number(shared->text, "MemTotal"));
	ASSERT_EQ(0, child_call(&late, do_setns, self->ns, CLONE_NEWMETRICS));
	ASSERT_EQ(0, child_call(&late, do_pread, fd, 0));
	EXPECT_EQ(64 * 1024, number(shared->text, "MemTotal"));
}

/* Read byte by byte, a file has the same lines. */
TEST_F(view, bytewise)
{
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_call(&self->c, do_read_bytewise,
				(long)"/proc/stat", 0));
	EXPECT_TRUE(same_lines(machine("/proc/stat"), shared->text, " "));
	ASSERT_EQ(0, child_call(&self->c, do_read_bytewise,
				(long)"/proc/cpuinfo", 0));
	EXPECT_TRUE(same_lines(machine("/proc/cpuinfo"), shared->text,
			       ":"));
}

TEST_HARNESS_MAIN
