// SPDX-License-Identifier: GPL-2.0
/*
 * Each value of a view against the file of the cgroup that it comes from, and each
 * value of who has none against the machine's.
 */
#include <sys/eventfd.h>

#include "view.h"

#define MEMINFO		"/proc/meminfo"
#define MEMORY_STAT	"memory.stat"

/* Column of a CPU line of /proc/stat */
enum { USER = 1, NICE, SYSTEM, IDLE, IOWAIT };

#define NR_TIMES	10

/* How long a test uses a CPU; TICKS_SLACK is a third of it. */
#define BURN_MS		600

/* --- memory --- */

/* A line of /proc/meminfo, and lines of memory.stat of which it is the sum */
static const struct amount {
	const char *key, *stat, *second;
} amounts[] = {
	{ "SwapCached", "swapcached" },
	{ "Active", "active_anon", "active_file" },
	{ "Inactive", "inactive_anon", "inactive_file" },
	{ "Active(anon)", "active_anon" },
	{ "Inactive(anon)", "inactive_anon" },
	{ "Active(file)", "active_file" },
	{ "Inactive(file)", "inactive_file" },
	{ "Unevictable", "unevictable" },
	{ "Zswap", "zswap" },
	{ "Zswapped", "zswapped" },
	{ "Dirty", "file_dirty" },
	{ "Writeback", "file_writeback" },
	{ "AnonPages", "anon" },
	{ "Mapped", "file_mapped" },
	{ "Shmem", "shmem" },
	{ "KReclaimable", "slab_reclaimable" },
	{ "Slab", "slab_reclaimable", "slab_unreclaimable" },
	{ "SReclaimable", "slab_reclaimable" },
	{ "SUnreclaim", "slab_unreclaimable" },
	{ "KernelStack", "kernel_stack" },
	{ "PageTables", "pagetables" },
	{ "SecPageTables", "sec_pagetables" },
	{ "VmallocUsed", "vmalloc" },
	{ "Percpu", "percpu" },
	{ "AnonHugePages", "anon_thp" },
	{ "ShmemHugePages", "shmem_thp" },
	{ "FileHugePages", "file_thp" },
};

#define NR_AMOUNTS	(sizeof(amounts) / sizeof(*amounts))

/* Those that do_use_memory() makes be more than nothing */
static const char * const used[] = {
	"Inactive", "Inactive(anon)", "Unevictable", "AnonPages", "Mapped", "Shmem",
	"Slab", "SUnreclaim", "KernelStack", "PageTables",
};

static void wait_forever(void)
{
	pause();
}

/* Memory of as many kinds as a process can have */
static long do_use_memory(long unused, long unused2)
{
	long ret = do_allocate(16 * MIB, 0);
	char *p;
	int i;

	if (ret)
		return ret;
	p = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (p == MAP_FAILED || mlock(p, 2 * MIB))
		return -errno;
	for (i = 0; i < 500; i++)
		if (eventfd(0, EFD_CLOEXEC) < 0)
			return -errno;
	return in_background(wait_forever);
}

/* In KiB; -1 if memory.stat lacks a line of it, as without zswap. */
static long kib_of(const struct amount *amount)
{
	long first = number(text, amount->stat), second = 0;

	if (amount->second)
		second = number(text, amount->second);
	return first < 0 || second < 0 ? -1 : (first + second) / 1024;
}

/*
 * Is a line what memory.stat says before and after? Where pages are counted,
 * parts of some are lost.
 */
static bool is_amount(FIXTURE_DATA(view) *self, const struct amount *amount)
{
	long before, after, shown, slack = 2 * getpagesize() / 1024;

	if (!read_file_at(self->scope, MEMORY_STAT, text, TEXT_MAX))
		return false;
	before = kib_of(amount);
	shown = kib(&self->c, amount->key);
	if (!read_file_at(self->scope, MEMORY_STAT, text, TEXT_MAX))
		return false;
	after = kib_of(amount);
	/* Without zswap or swap either has no line of it. */
	if (before < 0 || shown < 0)
		return before < 0 && shown <= 0;
	return shown >= MIN(before, after) - slack &&
	       shown <= MAX(before, after) + slack;
}

/* Each amount is that of the scope's memory.stat. */
TEST_F(view, amounts_of_memory_stat)
{
	struct child user;
	size_t i;
	int tries;

	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_start(&user));
	ASSERT_EQ(0, child_call(&user, do_join_cgroup, self->scope, 0));
	ASSERT_LT(0, child_call(&user, do_use_memory, 0, 0));
	ASSERT_TRUE(wait_for_kib(&self->c, "Shmem", 8 * 1024));

	for (i = 0; i < NR_AMOUNTS; i++) {
		tries = TRIES;
		while (!is_amount(self, &amounts[i]) && tries--)
			usleep(TICK_US);
		EXPECT_LE(0, tries) {
			TH_LOG("%s is %ld KiB, and %s %ld", amounts[i].key,
			       kib(&self->c, amounts[i].key), amounts[i].stat,
			       kib_of(&amounts[i]));
		}
	}
	for (i = 0; i < sizeof(used) / sizeof(*used); i++) {
		/* What came after the last flush is too little for another. */
		EXPECT_TRUE(wait_for_kib(&self->c, used[i], 1)) {
			TH_LOG("%s is 0", used[i]);
		}
	}
}

/* sysinfo(2) has the amounts that /proc/meminfo has before and after. */
TEST_F(view, amounts_of_sysinfo)
{
	static const char *const keys[] = {
		"MemTotal", "MemFree", "Shmem", "SwapTotal", "SwapFree",
	};
	struct sysinfo *info = &shared->info;
	long before[ARRAY_SIZE(keys)], shown[ARRAY_SIZE(keys)], after;
	struct child user;
	size_t i;

	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_start(&user));
	ASSERT_EQ(0, child_call(&user, do_join_cgroup, self->scope, 0));
	ASSERT_LT(0, child_call(&user, do_use_memory, 0, 0));
	ASSERT_TRUE(wait_for_kib(&self->c, "Shmem", 8 * 1024));

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		before[i] = kib(&self->c, keys[i]);
	ASSERT_EQ(0, child_call(&self->c, do_sysinfo, 0, 0));
	ASSERT_EQ(1, info->mem_unit);
	shown[0] = info->totalram / 1024;
	shown[1] = info->freeram / 1024;
	shown[2] = info->sharedram / 1024;
	shown[3] = info->totalswap / 1024;
	shown[4] = info->freeswap / 1024;
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		after = kib(&self->c, keys[i]);
		EXPECT_LE(MIN(before[i], after), shown[i]) {
			TH_LOG("%s", keys[i]);
		}
		EXPECT_GE(MAX(before[i], after), shown[i]) {
			TH_LOG("%s", keys[i]);
		}
	}
	EXPECT_EQ(0, info->bufferram);
}

/* --- CPU time --- */

/* User time: whoever asks for the time each time has system time. */
static long do_burn_user(long ms, long unused)
{
	long end = now_ms(CLOCK_PROCESS_CPUTIME_ID) + ms;
	int i;

	while (now_ms(CLOCK_PROCESS_CPUTIME_ID) < end)
		for (i = 0; i < 100000; i++)
			asm volatile("" ::: "memory");
	return 0;
}

/* System time, as reading zeroes is */
static long do_burn_system(long ms, long unused)
{
	long end = now_ms(CLOCK_PROCESS_CPUTIME_ID) + ms;
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	static char zeroes[MIB];
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (n >= 0 && now_ms(CLOCK_PROCESS_CPUTIME_ID) < end)
		n = read(fd, zeroes, sizeof(zeroes));
	close(fd);
	return n < 0 ? -errno : 0;
}

static long do_nice(long by, long unused)
{
	errno = 0;
	return nice(by) == -1 && errno ? -errno : 0;
}

static long do_pin(long cpu, long unused)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return or_errno(sched_setaffinity(0, sizeof(set), &set));
}

/* User, nice and system time are those of the scope's cpu.stat, each. */
TEST_F(view, times_of_cpu_stat)
{
	long want[SYSTEM + 1], shown;
	int col;

	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_call(&self->c, do_join_cgroup, self->scope, 0));
	ASSERT_EQ(0, child_call(&self->c, do_burn_user, BURN_MS, 0));
	ASSERT_EQ(0, child_call(&self->c, do_burn_system, BURN_MS, 0));
	ASSERT_EQ(0, child_call(&self->c, do_nice, 5, 0));
	ASSERT_EQ(0, child_call(&self->c, do_burn_user, BURN_MS, 0));
	usleep(20000);

	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	ASSERT_TRUE(read_file_at(self->scope, "cpu.stat", text, TEXT_MAX));
	want[NICE] = number(text, "nice_usec") / 10000;
	want[USER] = number(text, "user_usec") / 10000 - want[NICE];
	want[SYSTEM] = number(text, "system_usec") / 10000;
	for (col = USER; col <= SYSTEM; col++) {
		shown = column(shared->text, "cpu", col);
		EXPECT_LT(TICKS_SLACK, want[col]);
		EXPECT_GE(TICKS_SLACK, labs(want[col] - shown)) {
			TH_LOG("column %d: %ld ticks used, %ld shown", col,
			       want[col], shown);
		}
	}
}

/* The time used on a CPU is in that CPU's line, and isn't idle there. */
TEST_F(view, times_of_each_cpu)
{
	long idle;

	NEEDS_TWO_CPUS();
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_call(&self->c, do_join_cgroup, self->scope, 0));
	ASSERT_EQ(0, child_call(&self->c, do_pin, 1, 0));
	ASSERT_EQ(0, child_call(&self->c, do_burn_user, BURN_MS, 0));
	usleep(20000);

	ASSERT_NE(NULL, view(&self->c, "/proc/stat"));
	EXPECT_GE(TICKS_SLACK, column(shared->text, "cpu0", USER));
	EXPECT_LT(TICKS_SLACK, column(shared->text, "cpu1", USER));
	idle = column(shared->text, "cpu0", IDLE);
	EXPECT_LE(column(shared->text, "cpu1", IDLE) + TICKS_SLACK, idle);
}

/* --- who has no scope, while somebody else has --- */

FIXTURE(unscoped) {
	FIXTURE_DATA(view) view;
	struct child scoped;
};

static long start_scoped(FIXTURE_DATA(unscoped) *self)
{
	long ret = child_start_ns(&self->scoped);
	int fd;

	if (ret)
		return ret;
	fd = open_ns(self->scoped.pid);
	if (fd < 0)
		return -errno;
	ret = ns_set_scope(fd, self->view.scope);
	close(fd);
	return ret;
}

FIXTURE_SETUP(unscoped)
{
	view_setup(_metadata, &self->view, NULL);
	if (_metadata->exit_code)
		return;
	/* There is no teardown after a setup that fails. */
	EXPECT_EQ(0, start_scoped(self))
		view_teardown(_metadata, &self->view, NULL);
}

FIXTURE_TEARDOWN(unscoped)
{
	view_teardown(_metadata, &self->view, NULL);
}

/* Each line of /proc/meminfo is the machine's. */
TEST_F(unscoped, meminfo)
{
	int differs = shows_machine(&self->view.c, MEMINFO, MEMINFO);

	EXPECT_EQ(0, differs) {
		TH_LOG("line %d", differs);
	}
}

/* So is each of /proc/cpuinfo. */
TEST_F(unscoped, cpuinfo)
{
	ASSERT_NE(NULL, view(&self->view.c, "/proc/cpuinfo"));
	EXPECT_TRUE(same_cpuinfo(machine("/proc/cpuinfo"), shared->text));
}

/*
 * Each time of each CPU is the machine's, between before and after; but for iowait,
 * which may go back.
 */
TEST_F(unscoped, cpu_times)
{
	static char before[TEXT_MAX];
	const char *line;
	char cpu[16];
	int col, cpus = 0;

	ASSERT_TRUE(read_file_at(AT_FDCWD, "/proc/stat", before, TEXT_MAX));
	ASSERT_NE(NULL, view(&self->view.c, "/proc/stat"));
	ASSERT_NE(NULL, machine("/proc/stat"));
	EXPECT_EQ(number(text, "btime"), number(shared->text, "btime"));
	for (line = before; !strncmp(line, "cpu", 3); line = next_line(line)) {
		cpus++;
		snprintf(cpu, sizeof(cpu), "%.*s", (int)strcspn(line, " "), line);
		for (col = 1; col <= NR_TIMES; col++) {
			if (col == IOWAIT)
				continue;
			EXPECT_LE(column(before, cpu, col),
				  column(shared->text, cpu, col));
			EXPECT_GE(column(text, cpu, col),
				  column(shared->text, cpu, col));
		}
	}
	EXPECT_EQ(1 + sysconf(_SC_NPROCESSORS_ONLN), cpus);
}

/* Both fields of /proc/uptime are the machine's. */
TEST_F(unscoped, uptime)
{
	double before[2], shown[2], after[2];
	int i, n;

	ASSERT_NE(NULL, machine("/proc/uptime"));
	n = sscanf(text, "%lf %lf", &before[0], &before[1]);
	ASSERT_EQ(2, n);
	ASSERT_NE(NULL, view(&self->view.c, "/proc/uptime"));
	n = sscanf(shared->text, "%lf %lf", &shown[0], &shown[1]);
	ASSERT_EQ(2, n);
	ASSERT_NE(NULL, machine("/proc/uptime"));
	n = sscanf(text, "%lf %lf", &after[0], &after[1]);
	ASSERT_EQ(2, n);
	for (i = 0; i < 2; i++) {
		EXPECT_LE(before[i], shown[i]);
		EXPECT_GE(after[i], shown[i]);
	}
}

/* sysinfo(2) has the machine's sizes. */
TEST_F(unscoped, sysinfo)
{
	struct sysinfo mine;

	ASSERT_EQ(0, child_call(&self->view.c, do_sysinfo, 0, 0));
	ASSERT_EQ(0, sysinfo(&mine));
	EXPECT_EQ(mine.totalram, shared->info.totalram);
	EXPECT_EQ(mine.totalswap, shared->info.totalswap);
	EXPECT_EQ(mine.mem_unit, shared->info.mem_unit);
}

TEST_HARNESS_MAIN
