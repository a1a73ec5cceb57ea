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
/* A window that needs no privilege */
#define TRIGGER		"some 1 2000000"
#define SHORT_TRIGGER	"some 1 500000"
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
	view_setup(_metadata, &self->view, NULL);
	if (_metadata->exit_code || !access(CPU_PRESSURE, F_OK))
		return;
	view_teardown(_metadata, &self->view, NULL);
	SKIP(return, "no pressure stall information");
}

FIXTURE_TEARDOWN(pressure)
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

/* Without a scope it is the machine's. */
TEST_F(pressure, unscoped_is_the_machine)
{
	size_t i;

	for (i = 1; i < sizeof(resources) / sizeof(*resources); i++)
		if (!access(resources[i].path, F_OK))
			EXPECT_TRUE(same_text(&self->view.c, resources[i].path,
					      AT_FDCWD, resources[i].path));
}

/* With a scope it is the cgroup's, of every resource. */
TEST_F_TIMEOUT(pressure, of_the_scope, PATIENCE)
{
	FIXTURE_DATA(view) *v = &self->view;
	static char text[4096];
	int tries = TRIES;
	size_t i;

	ASSERT_EQ(0, stall(v->scope));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	do {
		usleep(TICK_US);
		ASSERT_NE(NULL, view(&v->c, CPU_PRESSURE));
	} while (strstr(shared->text, "total=0\n") == strstr(shared->text, "total=") &&
		 tries--);
	EXPECT_NE(NULL, strstr(shared->text, "full avg10="));

	/* It moves on while somebody is stalled; who is frozen is not. */
	ASSERT_EQ(0, write_file_at(v->scope, "cgroup.freeze", "1"));
	for (i = 0; i < sizeof(resources) / sizeof(*resources); i++)
		if (!access(resources[i].path, F_OK))
			EXPECT_TRUE(same_text(&v->c, resources[i].path, v->scope,
					      resources[i].file));
	ASSERT_TRUE(read_file_at(v->scope, "cpu.pressure", text, sizeof(text)));
	EXPECT_EQ(NULL, strstr(text, "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"));
}

/* A trigger waits for the scope's, and not for that beside it. */
TEST_F_TIMEOUT(pressure, trigger, PATIENCE)
{
	FIXTURE_DATA(view) *v = &self->view;
	struct child idle;
	int cgroup;
	long fd;

	cgroup = cgroup_make(v->outer, "idle");
	ASSERT_LE(0, cgroup);
	ASSERT_EQ(0, child_start_ns(&idle));
	ASSERT_EQ(0, ns_set_scope(open_ns(idle.pid), cgroup));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));

	fd = child_call(&v->c, do_open_trigger, (long)CPU_PRESSURE, (long)TRIGGER);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, stall(v->scope));
	EXPECT_EQ(POLLPRI, child_call(&v->c, do_wait, fd, PATIENCE * 1000 / 2));

	fd = child_call(&idle, do_open_trigger, (long)CPU_PRESSURE, (long)TRIGGER);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, child_call(&idle, do_wait, fd, 2 * WINDOW_MS));
}

/* It stays with the scope of who has written it. */
TEST_F_TIMEOUT(pressure, trigger_is_bound, PATIENCE)
{
	FIXTURE_DATA(view) *v = &self->view;
	long fd;
	int own;

	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	fd = child_call(&v->c, do_open_trigger, (long)CPU_PRESSURE, (long)TRIGGER);
	ASSERT_LE(0, fd);
	own = fd_of(v->c.pid, fd);
	ASSERT_LE(0, own);
	ASSERT_EQ(0, stall(v->scope));
	EXPECT_EQ(POLLPRI, do_wait(own, PATIENCE * 1000 / 2));
	EXPECT_EQ(0, close(own));
}

/* It outlives its namespace and its cgroup. */
TEST_F(pressure, trigger_outlives_all)
{
	FIXTURE_DATA(view) *v = &self->view;
	static const char * const triggers[] = { TRIGGER, SHORT_TRIGGER };
	int fds[2], cgroup, ns;
	struct child c;
	size_t i;
	long fd;

	cgroup = cgroup_make(v->outer, "gone");
	ASSERT_LE(0, cgroup);
	ASSERT_EQ(0, child_start_ns(&c));
	ns = open_ns(c.pid);
	ASSERT_EQ(0, ns_set_scope(ns, cgroup));
	for (i = 0; i < 2; i++) {
		fd = child_call(&c, do_open_trigger, (long)CPU_PRESSURE,
				(long)triggers[i]);
		ASSERT_LE(0, fd);
		fds[i] = fd_of(c.pid, fd);
		ASSERT_LE(0, fds[i]);
	}
	child_stop(&c);
	close(ns);
	close(cgroup);
	ASSERT_EQ(0, unlinkat(v->outer, "gone", AT_REMOVEDIR));
	/* Time for what is freed by RCU and by work items */
	usleep(200000);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, do_wait(fds[i], 100));
		EXPECT_EQ(0, close(fds[i]));
	}
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
TEST_F(pressure, removed_cgroup)
{
	FIXTURE_DATA(view) *v = &self->view;
	int cgroup;

	cgroup = cgroup_make(v->outer, "gone");
	ASSERT_LE(0, cgroup);
	ASSERT_EQ(0, ns_set_scope(v->ns, cgroup));
	ASSERT_EQ(0, unlinkat(v->outer, "gone", AT_REMOVEDIR));
	ASSERT_NE(NULL, view(&v->c, CPU_PRESSURE));
	EXPECT_STREQ("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
		     "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		     shared->text);
}

/* Where it is switched off for the cgroup, it stands still. */
TEST_F(pressure, switched_off)
{
	FIXTURE_DATA(view) *v = &self->view;
	static char before[4096];

	ASSERT_EQ(0, write_file_at(v->scope, "cgroup.pressure", "0"));
	ASSERT_EQ(0, stall(v->scope));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	strcpy(before, view(&v->c, CPU_PRESSURE));
	usleep(300000);
	EXPECT_STREQ(before, view(&v->c, CPU_PRESSURE));
}

TEST_HARNESS_MAIN
