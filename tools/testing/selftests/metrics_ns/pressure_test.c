// SPDX-License-Identifier: GPL-2.0
/*
 * Pressure in a scoped metrics namespace: what /proc/pressure shows is the
 * scope's, and so is what its triggers wait for.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>

#include "view.h"

#define PATIENCE	120
/* Windows of which the first needs no privilege */
#define TRIGGER		"some 1 2000000"
#define SHORT_TRIGGER	"some 1 500000"
/* More than that of stall in a window would be no surprise to it. */
#define HIGH_TRIGGER	"some 1900000 2000000"
#define WINDOW_MS	2000

#define CPU_PRESSURE	"/proc/pressure/cpu"

static long do_pin_to_cpu(long cpu, long unused)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return or_errno(sched_setaffinity(0, sizeof(set), &set));
}

/* Returns the file descriptor. */
static long do_open_trigger(long path, long trigger)
{
	int fd = open((const char *)path, O_RDWR | O_CLOEXEC);
	const char *text = (const char *)trigger;
	long ret;

	if (fd < 0)
		return -errno;
	ret = or_errno(write(fd, text, strlen(text) + 1));
	if (ret < 0) {
		close(fd);
		return ret;
	}
	return fd;
}

static long do_write(long fd, long what)
{
	const char *text = (const char *)what;

	return or_errno(write(fd, text, strlen(text) + 1));
}

/* Returns the events; 0 if there is none in that time. */
static long do_wait(long fd, long ms)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	int ret = poll(&p, 1, ms);

	return ret < 0 ? -errno : p.revents;
}

/* A copy of a child's file descriptor */
static int fd_of(pid_t pid, int fd)
{
	int pidfd = syscall(__NR_pidfd_open, pid, 0), copy;

	if (pidfd < 0)
		return -errno;
	copy = or_errno(syscall(__NR_pidfd_getfd, pidfd, fd, 0));
	close(pidfd);
	return copy;
}

FIXTURE(pressure) {
	FIXTURE_DATA(view) view;
};

FIXTURE_SETUP(pressure)
{
	view_set_up_with_pressure(_metadata, &self->view);
}

FIXTURE_TEARDOWN(pressure)
{
	view_teardown(_metadata, &self->view, NULL);
}

/*
 * Triggers are of two kinds: with CAP_SYS_RESOURCE a real-time thread looks after
 * them, and else the work item of the averages.
 */
FIXTURE(trigger) {
	FIXTURE_DATA(view) view;
};

FIXTURE_VARIANT(trigger) {
	bool privileged;
};

FIXTURE_VARIANT_ADD(trigger, privileged) {
	.privileged = true,
};

FIXTURE_VARIANT_ADD(trigger, unprivileged) {
	.privileged = false,
};

FIXTURE_SETUP(trigger)
{
	view_set_up_with_pressure(_metadata, &self->view);
}

FIXTURE_TEARDOWN(trigger)
{
	view_teardown(_metadata, &self->view, NULL);
}

/* Two processes in a cgroup that want the same CPU */
static long stall(int cgroup)
{
	struct child c;
	long ret;

	ret = child_start(&c);
	if (!ret)
		ret = child_call(&c, do_join_cgroup, cgroup, 0);
	if (!ret)
		ret = child_call(&c, do_pin_to_cpu, 0, 0);
	if (!ret)
		ret = child_call(&c, do_spin, 0, 0);
	if (ret > 0)
		ret = child_call(&c, do_spin, 0, 0);
	return ret < 0 ? ret : 0;
}

/* For how long some were stalled, in us; -1 if it doesn't say */
static long long some_total(const char *from)
{
	long long total;

	return from && sscanf(from, "some avg10=%*s avg60=%*s avg300=%*s total=%lld",
			      &total) == 1 ? total : -1;
}

/* Wait until a child reads that some were stalled for that long. */
static bool wait_for_stall(struct child *c, long long us)
{
	int tries = TRIES;

	while (some_total(view(c, CPU_PRESSURE)) < us && tries--)
		usleep(TICK_US);
	return some_total(shared->text) >= us;
}

/* By freezing them, none of whom is stalled then. */
static long stop_all_in(int cgroup)
{
	int tries = TRIES;
	long ret;

	ret = write_file_at(cgroup, "cgroup.freeze", "1");
	while (!ret && tries--) {
		if (!read_file_at(cgroup, "cgroup.events", text, TEXT_MAX))
			return -errno;
		if (number(text, "frozen") == 1)
			return 0;
		usleep(TICK_US);
	}
	return ret ? ret : -ETIMEDOUT;
}

/* Does a child read what is in that file, of a machine or cgroup, or in between? */
static bool same_text(struct child *c, const char *path, int dirfd, const char *file)
{
	static char before[4096], after[4096];
	int tries = TRIES;

	while (tries--) {
		if (!read_file_at(dirfd, file, before, sizeof(before)) ||
		    !view(c, path) ||
		    !read_file_at(dirfd, file, after, sizeof(after)))
			return false;
		if (!strcmp(before, after))
			return !strcmp(before, shared->text);
	}
	return false;
}

static const struct {
	const char *path;
	const char *file;
} resources[] = {
	{ "/proc/pressure/cpu", "cpu.pressure" },
	{ "/proc/pressure/memory", "memory.pressure" },
	{ "/proc/pressure/io", "io.pressure" },
	{ "/proc/pressure/irq", "irq.pressure" },
};

/* Without a scope it is the machine's; that of CPUs never stands still. */
TEST_F(pressure, unscoped_is_the_machine)
{
	size_t i;

	for (i = 1; i < sizeof(resources) / sizeof(*resources); i++)
		if (machine(resources[i].path))
			EXPECT_TRUE(same_text(&self->view.c, resources[i].path,
					      AT_FDCWD, resources[i].path));
}

/* With a scope it is the cgroup's, of every resource. */
TEST_F_TIMEOUT(pressure, of_the_scope, PATIENCE)
{
	FIXTURE_DATA(view) *v = &self->view;
	size_t i;

	ASSERT_EQ(0, stall(v->scope));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_TRUE(wait_for_stall(&v->c, 1));

	/* It moves on while somebody is stalled. */
	ASSERT_EQ(0, stop_all_in(v->scope));
	for (i = 0; i < sizeof(resources) / sizeof(*resources); i++)
		if (machine(resources[i].path))
			EXPECT_TRUE(same_text(&v->c, resources[i].path, v->scope,
					      resources[i].file));
}

/* What a trigger's writer is, and its file, polled by somebody else */
static int open_trigger(struct child *c, bool privileged, const char *trigger)
{
	long fd = 0;

	if (!privileged)
		fd = child_call(c, do_drop_capability, CAP_SYS_RESOURCE, 0);
	if (!fd)
		fd = child_call(c, do_open_trigger, (long)CPU_PRESSURE,
				(long)trigger);
	return fd < 0 ? fd : fd_of(c->pid, fd);
}

/*
 * It waits for what happens in the scope of who has written it, whoever polls, and
 * not for what happens beside it.
 */
TEST_F_TIMEOUT(trigger, is_bound, PATIENCE)
{
	FIXTURE_DATA(view) *v = &self->view;
	int cgroup, busy, quiet;
	struct child idle;

	cgroup = cgroup_make(v->outer, "idle");
	ASSERT_LE(0, cgroup);
	ASSERT_EQ(0, child_start_ns(&idle));
	ASSERT_EQ(0, ns_set_scope(open_ns(idle.pid), cgroup));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));

	busy = open_trigger(&v->c, variant->privileged, TRIGGER);
	ASSERT_LE(0, busy);
	quiet = open_trigger(&idle, variant->privileged, TRIGGER);
	ASSERT_LE(0, quiet);
	ASSERT_EQ(0, stall(v->scope));
	EXPECT_EQ(POLLPRI, do_wait(busy, PATIENCE * 1000 / 2));
	EXPECT_EQ(0, do_wait(quiet, 2 * WINDOW_MS));
	close(busy);
	close(quiet);
}

/* It outlives its writer and its cgroup. */
TEST_F(trigger, outlives_all)
{
	FIXTURE_DATA(view) *v = &self->view;
	int fd, cgroup, ns;
	struct child c;

	cgroup = cgroup_make(v->outer, "gone");
	ASSERT_LE(0, cgroup);
	ASSERT_EQ(0, child_start_ns(&c));
	ns = open_ns(c.pid);
	ASSERT_EQ(0, ns_set_scope(ns, cgroup));
	fd = open_trigger(&c, variant->privileged, TRIGGER);
	ASSERT_LE(0, fd);
	child_stop(&c);
	close(ns);
	close(cgroup);
	ASSERT_EQ(0, unlinkat(v->outer, "gone", AT_REMOVEDIR));
	/* Time for what is freed by RCU and by work items */
	usleep(200000);
	EXPECT_EQ(0, do_wait(fd, 100));
	EXPECT_EQ(0, close(fd));
}

/* What was before it doesn't count. */
TEST_F_TIMEOUT(trigger, begins_when_written, PATIENCE)
{
	FIXTURE_DATA(view) *v = &self->view;
	long long before;
	int fd;

	ASSERT_EQ(0, stall(v->scope));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_TRUE(wait_for_stall(&v->c, 2 * WINDOW_MS * 1000));
	ASSERT_EQ(0, stop_all_in(v->scope));
	before = some_total(view(&v->c, CPU_PRESSURE));

	fd = open_trigger(&v->c, variant->privileged, HIGH_TRIGGER);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, write_file_at(v->scope, "cgroup.freeze", "0"));
	ASSERT_TRUE(wait_for_stall(&v->c, before + 1));
	ASSERT_EQ(0, stop_all_in(v->scope));
	if (some_total(view(&v->c, CPU_PRESSURE)) - before > WINDOW_MS * 900)
		SKIP(return, "could not stop it in time");
	EXPECT_EQ(0, do_wait(fd, 2 * WINDOW_MS));
	close(fd);
}

/* What makes a real-time thread needs a privilege on the machine. */
TEST_F(pressure, short_windows)
{
	FIXTURE_DATA(view) *v = &self->view;
	struct child rootless;
	int ns;

	ASSERT_EQ(0, child_start(&rootless));
	ASSERT_EQ(0, child_call(&rootless, do_enter_user_ns, CLONE_NEWMETRICS, 0));
	ns = open_ns(rootless.pid);
	ASSERT_EQ(0, ns_set_scope(ns, v->scope));
	EXPECT_EQ(-EINVAL, child_call(&rootless, do_open_trigger,
				      (long)CPU_PRESSURE, (long)SHORT_TRIGGER));
	EXPECT_LE(0, child_call(&rootless, do_open_trigger,
				(long)CPU_PRESSURE, (long)TRIGGER));

	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	EXPECT_LE(0, child_call(&v->c, do_open_trigger,
				(long)CPU_PRESSURE, (long)SHORT_TRIGGER));
}

/* A trigger that can't be is refused, and a file has one. */
TEST_F(pressure, bad_triggers)
{
	static const char * const bad[] = {
		"", "some", "some 1 0", "some 0 2000000", "some 3000000 2000000",
		"some 1 20000000", "none 1 2000000",
	};
	FIXTURE_DATA(view) *v = &self->view;
	size_t i;
	long fd;

	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		EXPECT_EQ(-EINVAL, child_call(&v->c, do_open_trigger,
					      (long)CPU_PRESSURE, (long)bad[i]));
	fd = child_call(&v->c, do_open_trigger, (long)CPU_PRESSURE, (long)TRIGGER);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, child_call(&v->c, do_write, fd, (long)TRIGGER));
}

/* The pressure of a removed cgroup stays. */
TEST_F_TIMEOUT(pressure, removed_cgroup, PATIENCE)
{
	FIXTURE_DATA(view) *v = &self->view;
	int cgroup, tries = TRIES;
	long long before;

	cgroup = cgroup_make(v->outer, "gone");
	ASSERT_LE(0, cgroup);
	ASSERT_EQ(0, ns_set_scope(v->ns, cgroup));
	ASSERT_EQ(0, stall(cgroup));
	ASSERT_TRUE(wait_for_stall(&v->c, 1));
	before = some_total(shared->text);
	ASSERT_EQ(0, write_file_at(cgroup, "cgroup.kill", "1"));
	while (unlinkat(v->outer, "gone", AT_REMOVEDIR) && errno == EBUSY && tries--)
		usleep(TICK_US);
	ASSERT_NE(0, faccessat(v->outer, "gone", F_OK, 0));
	EXPECT_GE(some_total(view(&v->c, CPU_PRESSURE)), before);
}

/* Where it is switched off for the cgroup, it stands still. */
TEST_F(pressure, switched_off)
{
	FIXTURE_DATA(view) *v = &self->view;

	ASSERT_EQ(0, write_file_at(v->scope, "cgroup.pressure", "0"));
	ASSERT_EQ(0, stall(v->scope));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	EXPECT_EQ(0, some_total(view(&v->c, CPU_PRESSURE)));
	usleep(300000);
	EXPECT_EQ(0, some_total(view(&v->c, CPU_PRESSURE)));
}

TEST_HARNESS_MAIN
