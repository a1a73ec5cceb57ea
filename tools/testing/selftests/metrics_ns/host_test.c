// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/host: the machine's values, for who is shown a view and may see more.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "view.h"

#define HOST	"/proc/host/"

/* Constants, as they are told to children */
static const char * const files[] = {
	HOST "cpuinfo", HOST "diskstats", HOST "loadavg", HOST "meminfo",
	HOST "stat", HOST "swaps", HOST "uptime", HOST "vmstat",
	HOST "pressure/cpu", HOST "pressure/io", HOST "pressure/irq",
	HOST "pressure/memory",
};

#define NR_FILES	(sizeof(files) / sizeof(*files))

/* Is its like in /proc? In a kernel without PSI or swap some aren't. */
static bool exists(const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s", file + strlen(HOST));
	return !access(path, F_OK);
}

/* Opens and closes. */
static long do_open(long path, long flags)
{
	int fd = open((const char *)path, flags | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* For how many does opening by a child give that? */
static int opens(struct child *c, long ret)
{
	int n = 0;
	size_t i;

	for (i = 0; i < NR_FILES; i++)
		n += exists(files[i]) &&
		     child_call(c, do_open, (long)files[i], O_RDONLY) == ret;
	return n;
}

static int present(void)
{
	int n = 0;
	size_t i;

	for (i = 0; i < NR_FILES; i++)
		n += exists(files[i]);
	return n;
}

static long set_host_view(int ns, int cgroup)
{
	long ret = ns_set_flags(ns, METRICS_NS_HOST_VIEW);

	return ret ? ret : ns_set_scope(ns, cgroup);
}

/* Each file of /proc that shows a view has its like. */
TEST_F(view, host_is_complete)
{
	size_t i;

	EXPECT_LT(0, present());
	for (i = 0; i < NR_FILES; i++) {
		EXPECT_EQ(exists(files[i]), !access(files[i], F_OK)) {
			TH_LOG("%s", files[i]);
		}
	}
}

/* Who is in the initial namespace reads the machine in /proc, whoever has a view. */
TEST_F(view, host_of_initial)
{
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	EXPECT_EQ(0, shows_machine(NULL, "/proc/meminfo", HOST "meminfo"));
	ASSERT_EQ(0, do_read((long)"/proc/cpuinfo", 0));
	EXPECT_TRUE(same_cpuinfo(machine(HOST "cpuinfo"), shared->text));
}

/* Without the flag a scoped namespace has no access. */
TEST_F(view, host_without_flag)
{
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	EXPECT_EQ(present(), opens(&self->c, -EACCES));
}

/* With it the machine is shown there, and the view in /proc. */
TEST_F(view, host_with_flag)
{
	long total = number(machine("/proc/meminfo"), "MemTotal");
	int n = sysconf(_SC_NPROCESSORS_ONLN);
	bool cpus[CPUS_MAX];

	NEEDS_TWO_CPUS();
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	ASSERT_EQ(0, write_file_at(self->scope, "cpuset.cpus", "0"));
	ASSERT_EQ(0, set_host_view(self->ns, self->scope));
	EXPECT_EQ(present(), opens(&self->c, 0));

	EXPECT_EQ(65536, kib(&self->c, "MemTotal"));
	EXPECT_EQ(total, number(view(&self->c, HOST "meminfo"), "MemTotal"));
	EXPECT_EQ(1, parse_lines(view(&self->c, "/proc/stat"), "cpu%d ", cpus));
	EXPECT_EQ(n, parse_lines(view(&self->c, HOST "stat"), "cpu%d ", cpus));
	EXPECT_EQ(1, parse_lines(view(&self->c, "/proc/cpuinfo"),
				 "processor : %d", cpus));
	EXPECT_EQ(n, parse_lines(view(&self->c, HOST "cpuinfo"),
				 "processor : %d", cpus));
}

/* Forks are counted by PID namespace in the view, and all of them there. */
TEST_F(view, host_forks)
{
	struct child init;
	long forks;

	ASSERT_EQ(0, child_clone(&init, CLONE_NEWPID | CLONE_NEWMETRICS, 0));
	ASSERT_EQ(0, set_host_view(open_ns(init.pid), self->scope));
	EXPECT_EQ(1, number(view(&init, "/proc/stat"), "processes"));
	forks = number(machine("/proc/stat"), "processes");
	EXPECT_LE(forks, number(view(&init, HOST "stat"), "processes"));
}

/* The idle time that a file of uptime has, in s; -1 if it doesn't */
static double idle_of(const char *from)
{
	char *end;

	return from && strtod(from, &end) >= 0 ? strtod(end, NULL) : -1;
}

/* The scope is new; the machine has been idle for longer, and had faults. */
TEST_F(view, host_counters)
{
	double idle = idle_of(machine("/proc/uptime"));
	long faults;

	ASSERT_EQ(0, set_host_view(self->ns, self->scope));
	EXPECT_GT(idle, idle_of(view(&self->c, "/proc/uptime")));
	EXPECT_LE(idle, idle_of(view(&self->c, HOST "uptime")));

	faults = number(machine("/proc/vmstat"), "pgfault");
	EXPECT_EQ(0, number(view(&self->c, "/proc/vmstat"), "pgfault"));
	EXPECT_LE(faults, number(view(&self->c, HOST "vmstat"), "pgfault"));
}

/* Tasks and pressure that aren't in the scope count there. */
TEST_F(view, host_load)
{
	if (!has_pressure(self))
		SKIP(return, NO_PRESSURE);
	ASSERT_EQ(0, set_host_view(self->ns, self->scope));
	ASSERT_NE(NULL, view(&self->c, "/proc/loadavg"));
	EXPECT_EQ(0, strncmp(shared->text, "0.00 0.00 0.00 0/0 ", 19));
	ASSERT_NE(NULL, view(&self->c, HOST "loadavg"));
	EXPECT_NE(0, strncmp(shared->text, "0.00 0.00 0.00 0/0 ", 19));

	ASSERT_NE(NULL, view(&self->c, "/proc/pressure/cpu"));
	EXPECT_NE(NULL, strstr(shared->text, "avg300=0.00 total=0\n"));
	ASSERT_NE(NULL, view(&self->c, HOST "pressure/cpu"));
	EXPECT_STRNE("total=0\n", strstr(shared->text, "total="));
}

/* A nested scope without it has none, and none can be had below that. */
TEST_F(view, host_nested)
{
	struct child inner, innermost;
	int below;

	below = cgroup_make(self->scope, "below");
	ASSERT_LE(0, below);
	ASSERT_EQ(0, child_start_nested(&inner, &self->c));
	ASSERT_EQ(0, child_start_nested(&innermost, &inner));
	ASSERT_EQ(0, set_host_view(open_ns(innermost.pid), below));
	ASSERT_EQ(0, set_host_view(self->ns, self->scope));
	EXPECT_EQ(present(), opens(&self->c, 0));
	EXPECT_EQ(present(), opens(&inner, 0));
	EXPECT_EQ(present(), opens(&innermost, 0));
	ASSERT_EQ(0, ns_set_scope(open_ns(inner.pid), self->scope));
	EXPECT_EQ(present(), opens(&self->c, 0));
	EXPECT_EQ(present(), opens(&inner, -EACCES));
	EXPECT_EQ(present(), opens(&innermost, -EACCES));
}

/* A mount of /proc of the child's own PID namespace */
static long do_mount_proc(long unused, long unused2)
{
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL))
		return -errno;
	return 0;
}

/*
 * Without a view it takes a capability on the machine: files of /proc may be masked,
 * which is no matter to who could mount another.
 */
TEST_F(view, host_unscoped)
{
	struct child rootless;

	EXPECT_EQ(present(), opens(&self->c, 0));
	ASSERT_EQ(0, child_start(&rootless));
	ASSERT_EQ(0, child_call(&rootless, do_enter_user_ns, 0, 0));
	EXPECT_EQ(present(), opens(&rootless, -EACCES));
	ASSERT_EQ(0, child_call(&self->c, do_drop_admin, 0, 0));
	EXPECT_EQ(present(), opens(&self->c, -EACCES));
}

/* Root of a user namespace can't let itself see more. */
TEST_F(view, host_rootless)
{
	struct child rootless;
	int ns;

	ASSERT_EQ(0, child_start(&rootless));
	ASSERT_EQ(0, child_call(&rootless, do_enter_user_ns, CLONE_NEWMETRICS, 0));
	ns = open_ns(rootless.pid);
	ASSERT_LE(0, ns);
	ASSERT_EQ(0, ns_set_scope(ns, self->scope));
	EXPECT_EQ(present(), opens(&rootless, -EACCES));
	EXPECT_NE(0, child_call(&rootless, do_set_flags, rootless.pid,
				METRICS_NS_HOST_VIEW));
	ASSERT_EQ(0, child_call(&rootless, do_unshare, CLONE_NEWMETRICS, 0));
	EXPECT_EQ(present(), opens(&rootless, -EACCES));
}

/* A view with the flag can be had in any. */
TEST_F(view, host_in_container)
{
	struct child init;

	ASSERT_EQ(0, child_clone(&init, CLONE_NEWPID | CLONE_NEWMETRICS, 0));
	ASSERT_EQ(0, child_call(&init, do_mount_proc, 0, 0));
	ASSERT_EQ(0, set_host_view(open_ns(init.pid), self->scope));
	EXPECT_EQ(present(), opens(&init, 0));
}

static long do_write_trigger(long unused, long unused2)
{
	static const char trigger[] = "some 500000 2000000";
	int fd = open(HOST "pressure/cpu", O_RDWR | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return -errno;
	ret = or_errno(write(fd, trigger, sizeof(trigger)));
	close(fd);
	return ret;
}

/* It is for reading: there are no triggers on the machine's pressure. */
TEST_F(view, host_read_only)
{
	if (access(HOST "pressure/cpu", F_OK))
		SKIP(return, "no pressure stall information");
	ASSERT_EQ(0, set_host_view(self->ns, self->scope));
	EXPECT_EQ(-EIO, child_call(&self->c, do_write_trigger, 0, 0));
}

static long do_reopen(long fd, long flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%ld", fd);
	return do_open((long)path, flags);
}

/* What is open stays readable, and the machine's; opening it anew isn't that. */
TEST_F(view, host_passed_on)
{
	long total = number(machine("/proc/meminfo"), "MemTotal");
	struct child c;
	int fd;

	fd = open(HOST "meminfo", O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_start_inside(&c, self->ns));
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_call(&c, do_pread, fd, 0));
	EXPECT_EQ(total, number(shared->text, "MemTotal"));
	EXPECT_EQ(-EACCES, child_call(&c, do_reopen, fd, O_RDONLY));
	close(fd);
}

TEST_HARNESS_MAIN
