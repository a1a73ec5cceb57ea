// SPDX-License-Identifier: GPL-2.0
/*
 * The load of a scoped metrics namespace: /proc/loadavg, loads and processes of
 * sysinfo(2), and the tasks at work in /proc/stat.
 *
 * The reader isn't in the scope: the tasks that are counted are others.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "view.h"

/* The load averages are brought up to date every 5 seconds; so long it may take. */
#define PERIODS_S	60
#define PATIENCE	120

#define LOADAVG		"/proc/loadavg"

/* As kernel/sched/loadavg.c computes them */
#define FIXED_1		(1UL << 11)
#define EXP_1		1884
#define SI_LOAD_SHIFT	16

struct load {
	char averages[64];
	unsigned int running;
	unsigned int all;
	int last_pid;
};

static bool parse_load(const char *from, struct load *l)
{
	char a[16], b[16], c[16];

	if (!from || sscanf(from, "%15s %15s %15s %u/%u %d", a, b, c, &l->running,
			    &l->all, &l->last_pid) != 6)
		return false;
	snprintf(l->averages, sizeof(l->averages), "%s %s %s", a, b, c);
	return true;
}

static bool load_of(struct child *c, struct load *l)
{
	return parse_load(view(c, LOADAVG), l);
}

static bool load_of_machine(struct load *l)
{
	return parse_load(machine(LOADAVG), l);
}

static int disk;

static void read_disk(void)
{
	static char page[4096] __attribute__((aligned(4096)));

	if (pread(disk, page, sizeof(page), 0) < 0)
		_exit(1);
}

/* One that does nothing but wait for the disk of the root file system */
static long do_read_disk(long device, long unused)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/load_test-%d", getpid());
	if (mknod(path, S_IFBLK | 0600, device))
		return -errno;
	disk = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	unlink(path);
	return disk < 0 ? -errno : in_background(read_disk);
}

/* The worker has gone back to sleep, and is none of those that run. */
static bool sleeps(struct child *c)
{
	char path[64], buf[1024], *end;
	int tries = TRIES;

	snprintf(path, sizeof(path), "/proc/%d/stat", c->pid);
	while (tries--) {
		if (!read_file_at(AT_FDCWD, path, buf, sizeof(buf)))
			return false;
		end = strrchr(buf, ')');
		if (end && end[2] == 'S')
			return true;
		usleep(TICK_US);
	}
	return false;
}

/* A task that moves to another CPU at that moment may count twice or not at all. */
static bool sees_running(struct child *c, unsigned int running, struct load *l)
{
	int tries = 10;

	while (tries--) {
		if (!load_of(c, l))
			return false;
		if (l->running == running)
			return true;
	}
	return false;
}

FIXTURE(load) {
	FIXTURE_DATA(view) view;
	struct child worker;	/* in the cgroup "scope" */
};

FIXTURE_SETUP(load)
{
	FIXTURE_DATA(view) *v = &self->view;

	view_set_up_with_pressure(_metadata, v);
	if (_metadata->exit_code)
		return;
	EXPECT_EQ(0, child_start(&self->worker));
	EXPECT_EQ(0, child_call(&self->worker, do_join_cgroup, v->scope, 0));
}

FIXTURE_TEARDOWN(load)
{
	view_teardown(_metadata, &self->view, NULL);
}

/* Without a scope the load is the machine's. */
TEST_F(load, unscoped_is_the_machine)
{
	struct load before, seen, after;

	/* Unless it changes in between, once in 5 s. */
	do {
		ASSERT_TRUE(load_of_machine(&before));
		ASSERT_TRUE(load_of(&self->view.c, &seen));
		ASSERT_TRUE(load_of_machine(&after));
	} while (strcmp(before.averages, after.averages) ||
		 before.all != after.all);
	EXPECT_STREQ(before.averages, seen.averages);
	EXPECT_EQ(before.all, seen.all);
}

/* Is that what N tasks that always run come to, one minute's average? */
static bool is_load_of(const char *averages, unsigned long n)
{
	unsigned long load = 0;
	char want[64];
	int i;

	for (i = 0; i < PERIODS_S / 5 + 1; i++) {
		load = (load * EXP_1 + n * FIXED_1 * (FIXED_1 - EXP_1) +
			FIXED_1 - 1) / FIXED_1;
		snprintf(want, sizeof(want), "%lu.%02lu ",
			 (load + FIXED_1 / 200) / FIXED_1,
			 (load + FIXED_1 / 200) % FIXED_1 * 100 / FIXED_1);
		if (!strncmp(averages, want, strlen(want)))
			return true;
	}
	return false;
}

/* The average is that of the scope's tasks, and of nobody else's. */
TEST_F_TIMEOUT(load, of_the_scopes_tasks, PATIENCE)
{
	FIXTURE_DATA(view) *v = &self->view;
	struct child idle, outside;
	struct load l;
	int cgroup, i;

	cgroup = cgroup_make(v->outer, "idle");
	ASSERT_LE(0, cgroup);
	ASSERT_EQ(0, child_start_ns(&idle));
	ASSERT_EQ(0, ns_set_scope(open_ns(idle.pid), cgroup));
	ASSERT_EQ(0, child_start(&outside));
	ASSERT_LT(0, child_call(&outside, do_spin, 0, 0));
	for (i = 0; i < 2; i++)
		ASSERT_LT(0, child_call(&self->worker, do_spin, 0, 0));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));

	for (i = 0; i < PERIODS_S; i++) {
		ASSERT_TRUE(load_of(&v->c, &l));
		if (strncmp(l.averages, "0.00", 4))
			break;
		sleep(1);
	}
	EXPECT_TRUE(is_load_of(l.averages, 2)) {
		TH_LOG("%s", l.averages);
	}
	ASSERT_TRUE(load_of(&idle, &l));
	EXPECT_STREQ("0.00 0.00 0.00", l.averages);
}

/* Tasks that want to run, and all that there are */
TEST_F(load, tasks)
{
	FIXTURE_DATA(view) *v = &self->view;
	struct load l;
	int i;

	for (i = 0; i < 2; i++)
		ASSERT_LT(0, child_call(&self->worker, do_spin, 0, 0));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_TRUE(sleeps(&self->worker));
	EXPECT_TRUE(sees_running(&v->c, 2, &l));
	ASSERT_TRUE(read_file_at(v->scope, "pids.current", text, TEXT_MAX));
	EXPECT_EQ(strtoul(text, NULL, 10), l.all);
	EXPECT_EQ(3, l.all);
	for (i = 0; i < 10; i++)
		if (number(view(&v->c, "/proc/stat"), "procs_running") == 2)
			break;
	EXPECT_LT(i, 10);
	EXPECT_EQ(0, number(shared->text, "procs_blocked"));
}

/* One that a quota stops wants to run. */
TEST_F_TIMEOUT(load, throttled_tasks, 120)
{
	FIXTURE_DATA(view) *v = &self->view;
	int i, seen = 0;

	for (i = 0; i < 2; i++)
		ASSERT_LT(0, child_call(&self->worker, do_spin, 0, 0));
	/* Not before, or the worker would be stopped on its way, too. */
	ASSERT_TRUE(sleeps(&self->worker));
	ASSERT_EQ(0, write_file_at(v->scope, "cpu.max", "1000 1000000"));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	for (i = 0; i < 20; i++) {
		seen += number(view(&v->c, "/proc/stat"),
			       "procs_running") == 2;
		usleep(TICK_US);
	}
	/* They end by themselves when what they have run too long is paid. */
	EXPECT_EQ(0, write_file_at(v->scope, "cpu.max", "max"));
	EXPECT_GE(seen, 15);
}

/* One that waits for a disk */
TEST_F(load, blocked_tasks)
{
	FIXTURE_DATA(view) *v = &self->view;
	int i, seen = 0;
	struct stat root;
	long blocked;

	ASSERT_EQ(0, stat("/", &root));
	if (!major(root.st_dev))
		SKIP(return, "the root file system is on no disk");
	ASSERT_LT(0, child_call(&self->worker, do_read_disk, root.st_dev, 0));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	for (i = 0; i < TRIES && !seen; i++) {
		blocked = number(view(&v->c, "/proc/stat"), "procs_blocked");
		ASSERT_GE(blocked, 0);
		ASSERT_LE(blocked, 1);
		seen += blocked;
	}
	EXPECT_EQ(1, seen);
}

/* sysinfo(2) agrees with /proc/loadavg. */
TEST_F_TIMEOUT(load, sysinfo, PATIENCE)
{
	FIXTURE_DATA(view) *v = &self->view;
	struct load before, after;
	unsigned long load;
	char one[32];
	int i;

	ASSERT_LT(0, child_call(&self->worker, do_spin, 0, 0));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	for (i = 0; i < PERIODS_S; i++) {
		ASSERT_TRUE(load_of(&v->c, &before));
		ASSERT_EQ(0, child_call(&v->c, do_sysinfo, 0, 0));
		ASSERT_TRUE(load_of(&v->c, &after));
		if (strncmp(before.averages, "0.00", 4) &&
		    !strcmp(before.averages, after.averages))
			break;
		sleep(1);
	}
	ASSERT_LT(i, PERIODS_S);
	/* /proc rounds, and sysinfo(2) doesn't. */
	load = shared->info.loads[0] + (1UL << SI_LOAD_SHIFT) / 200;
	snprintf(one, sizeof(one), "%lu.%02lu", load >> SI_LOAD_SHIFT,
		 ((load & ((1UL << SI_LOAD_SHIFT) - 1)) * 100) >> SI_LOAD_SHIFT);
	EXPECT_EQ(0, strncmp(before.averages, one, strlen(one))) {
		TH_LOG("%s and %s", before.averages, one);
	}
	EXPECT_EQ(after.all, shared->info.procs);
}

/* Without a pids controller of its own, all tasks are the machine's. */
TEST_F(load, no_pids_controller)
{
	FIXTURE_DATA(view) *v = &self->view;
	struct load before, seen, after;

	ASSERT_EQ(0, write_file_at(v->outer, CONTROLLERS, "-pids"));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	do {
		ASSERT_TRUE(load_of_machine(&before));
		ASSERT_TRUE(load_of(&v->c, &seen));
		ASSERT_TRUE(load_of_machine(&after));
	} while (before.all != after.all);
	EXPECT_EQ(before.all, seen.all);
	EXPECT_EQ(0, seen.running);
}

/* One that comes after the scope counts the tasks that are there. */
TEST_F(load, pids_enabled_later)
{
	FIXTURE_DATA(view) *v = &self->view;
	struct load l;

	ASSERT_EQ(0, write_file_at(v->outer, CONTROLLERS, "-pids"));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_TRUE(load_of(&v->c, &l));
	EXPECT_LT(1, l.all);
	ASSERT_EQ(0, write_file_at(v->outer, CONTROLLERS, "+pids"));
	ASSERT_TRUE(load_of(&v->c, &l));
	EXPECT_EQ(1, l.all);
}

/* A removed cgroup has no tasks. */
TEST_F(load, removed_cgroup)
{
	FIXTURE_DATA(view) *v = &self->view;
	struct load l;
	int gone;

	gone = cgroup_make(v->outer, "gone");
	ASSERT_LE(0, gone);
	ASSERT_EQ(0, ns_set_scope(v->ns, gone));
	ASSERT_EQ(0, unlinkat(v->outer, "gone", AT_REMOVEDIR));
	ASSERT_TRUE(load_of(&v->c, &l));
	EXPECT_STREQ("0.00 0.00 0.00", l.averages);
	EXPECT_EQ(0, l.running);
	EXPECT_EQ(0, l.all);
	EXPECT_EQ(0, number(view(&v->c, "/proc/stat"), "procs_running"));
}

/* The last PID is one of the reader's PID namespace, as without a scope. */
TEST_F(load, last_pid)
{
	FIXTURE_DATA(view) *v = &self->view;
	struct load l;

	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_EQ(0, child_unshare(&v->c, CLONE_NEWPID));
	/* It is the children's, not the reader's. */
	ASSERT_TRUE(load_of(&v->c, &l));
	EXPECT_GE(l.last_pid, v->c.pid);
}

/* What is nested and has no scope shows the one around it. */
TEST_F(load, nested_unscoped)
{
	FIXTURE_DATA(view) *v = &self->view;
	struct child nested;
	struct load l;

	ASSERT_LT(0, child_call(&self->worker, do_spin, 0, 0));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_EQ(0, child_start_nested(&nested, &v->c));
	ASSERT_TRUE(sleeps(&self->worker));
	EXPECT_TRUE(sees_running(&nested, 1, &l));
	EXPECT_EQ(2, l.all);
}

TEST_HARNESS_MAIN
