// SPDX-License-Identifier: GPL-2.0
/*
 * Where setns(2) and NS_GET_PARENT lead: only down. Whatever the capabilities
 * of a process, it doesn't get out of its metrics namespace.
 */
#include "metrics_ns.h"

/*
 *	where the test is
 *	  outer
 *	    inner
 *	  sibling
 */
FIXTURE(setns) {
	struct child outer, inner, sibling, walker;
	int top_fd, outer_fd, inner_fd, sibling_fd;
};

FIXTURE_SETUP(setns)
{
	METRICS_NS_SETUP();
	ASSERT_EQ(0, children_start_nested(&self->outer, &self->inner,
					   &self->outer_fd, &self->inner_fd));
	ASSERT_EQ(0, child_start_ns(&self->sibling));

	self->top_fd = open_ns(0);
	ASSERT_LE(0, self->top_fd);
	self->sibling_fd = open_ns(self->sibling.pid);
	ASSERT_LE(0, self->sibling_fd);

	/* Has all these files, and stands where the test does. */
	ASSERT_EQ(0, child_start(&self->walker));
}

FIXTURE_TEARDOWN(setns)
{
	children_stop();
}

static long walk(struct child *c, int fd)
{
	return child_call(c, do_setns, fd, CLONE_NEWMETRICS);
}

static ino_t uts_of(pid_t pid)
{
	struct stat st;
	int fd = open_proc(pid, "ns/uts");

	if (fd < 0 || fstat(fd, &st))
		return 0;
	close(fd);
	return st.st_ino;
}

/* By a file of nsfs one level down. */
TEST_F(setns, down)
{
	ASSERT_EQ(0, walk(&self->walker, self->outer_fd));
	EXPECT_EQ(ns_id(self->outer_fd), ns_id_of(self->walker.pid));
}

/* The status file follows. */
TEST_F(setns, status_follows)
{
	ASSERT_EQ(0, walk(&self->walker, self->outer_fd));
	EXPECT_EQ(ns_id(self->outer_fd), status_id(self->walker.pid));
}

/* Two levels at once. */
TEST_F(setns, down_two_levels)
{
	ASSERT_EQ(0, walk(&self->walker, self->inner_fd));
	EXPECT_EQ(ns_id(self->inner_fd), ns_id_of(self->walker.pid));
}

/* From inside further down. */
TEST_F(setns, down_from_inside)
{
	ASSERT_EQ(0, walk(&self->walker, self->outer_fd));
	ASSERT_EQ(0, walk(&self->walker, self->inner_fd));
	EXPECT_EQ(ns_id(self->inner_fd), ns_id_of(self->walker.pid));
}

/* Without a type, as the file has one. */
TEST_F(setns, without_type)
{
	ASSERT_EQ(0, child_call(&self->walker, do_setns, self->outer_fd, 0));
	EXPECT_EQ(ns_id(self->outer_fd), ns_id_of(self->walker.pid));
}

/* Into the own namespace, which changes nothing. */
TEST_F(setns, own)
{
	__u64 id = ns_id_of(self->walker.pid);

	NEEDS_ROOT();
	ASSERT_EQ(0, walk(&self->walker, self->top_fd));
	EXPECT_EQ(id, ns_id_of(self->walker.pid));
}

/* A namespace whose processes are gone can be entered as long as it is open. */
TEST_F(setns, without_processes)
{
	child_stop(&self->sibling);
	ASSERT_EQ(0, walk(&self->walker, self->sibling_fd));
	EXPECT_EQ(ns_id(self->sibling_fd), ns_id_of(self->walker.pid));
}

/* By a pidfd. */
TEST_F(setns, by_pidfd)
{
	int pidfd = sys_pidfd_open(self->outer.pid);

	ASSERT_LE(0, pidfd);
	ASSERT_EQ(0, do_setns(pidfd, CLONE_NEWMETRICS));
	EXPECT_EQ(ns_id(self->outer_fd), ns_id_of(0));
}

/* By a file descriptor that a pidfd gave. */
TEST_F(setns, by_pidfd_ioctl)
{
	int pidfd = sys_pidfd_open(self->outer.pid);
	int fd;

	ASSERT_LE(0, pidfd);
	fd = ioctl(pidfd, PIDFD_GET_METRICS_NAMESPACE, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, do_setns(fd, CLONE_NEWMETRICS));
	EXPECT_EQ(ns_id(self->outer_fd), ns_id_of(0));
}

/* By a file descriptor that a file handle gave. */
TEST_F(setns, by_file_handle)
{
	union handle handle;
	long fd;

	NEEDS_ROOT();
	ASSERT_EQ(0, handle_of(self->outer_fd, &handle));
	fd = open_handle(&handle);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, do_setns(fd, CLONE_NEWMETRICS));
	EXPECT_EQ(ns_id(self->outer_fd), ns_id_of(0));
}

/* By a pidfd with other types at once. */
TEST_F(setns, by_pidfd_with_other_types)
{
	int pidfd;

	ASSERT_EQ(0, child_unshare(&self->outer, CLONE_NEWUTS));
	pidfd = sys_pidfd_open(self->outer.pid);
	ASSERT_LE(0, pidfd);
	ASSERT_EQ(0, do_setns(pidfd, CLONE_NEWMETRICS | CLONE_NEWUTS));
	EXPECT_EQ(ns_id(self->outer_fd), ns_id_of(0));
	EXPECT_EQ(uts_of(self->outer.pid), uts_of(0));
}

/* By a pidfd with other types: if this one is refused, none is entered. */
TEST_F(setns, by_pidfd_all_or_nothing)
{
	ino_t uts = uts_of(self->inner.pid);
	int pidfd;

	ASSERT_EQ(0, child_unshare(&self->sibling, CLONE_NEWUTS));
	pidfd = sys_pidfd_open(self->sibling.pid);
	ASSERT_LE(0, pidfd);
	ASSERT_EQ(0, child_start_nested(&self->walker, &self->outer));
	ASSERT_EQ(-EINVAL, child_call(&self->walker, do_setns, pidfd,
				      CLONE_NEWMETRICS | CLONE_NEWUTS));
	EXPECT_EQ(uts, uts_of(self->walker.pid));
}

/* Not up, though privileged. */
TEST_F(setns, up_is_refused)
{
	NEEDS_ROOT();
	ASSERT_EQ(0, walk(&self->walker, self->outer_fd));
	EXPECT_EQ(-EINVAL, walk(&self->walker, self->top_fd));
}

/* Not back up from two levels down to one. */
TEST_F(setns, up_inside_is_refused)
{
	ASSERT_EQ(0, walk(&self->walker, self->inner_fd));
	EXPECT_EQ(-EINVAL, walk(&self->walker, self->outer_fd));
}

/* Not to a sibling, though privileged. */
TEST_F(setns, sideways_is_refused)
{
	ASSERT_EQ(0, walk(&self->walker, self->outer_fd));
	EXPECT_EQ(-EINVAL, walk(&self->walker, self->sibling_fd));
}

/* Not to a sibling by a pidfd. */
TEST_F(setns, sideways_by_pidfd_is_refused)
{
	int pidfd = sys_pidfd_open(self->sibling.pid);

	ASSERT_LE(0, pidfd);
	ASSERT_EQ(0, do_setns(self->outer_fd, CLONE_NEWMETRICS));
	EXPECT_EQ(-EINVAL, do_setns(pidfd, CLONE_NEWMETRICS));
}

/* A refused setns(2) leaves the process where it is. */
TEST_F(setns, refused_changes_nothing)
{
	ASSERT_EQ(0, walk(&self->walker, self->outer_fd));
	ASSERT_EQ(-EINVAL, walk(&self->walker, self->sibling_fd));
	EXPECT_EQ(ns_id(self->outer_fd), ns_id_of(self->walker.pid));
}

/* A thread can't leave its process. */
TEST_F(setns, with_threads_is_refused)
{
	ASSERT_LT(0, child_call(&self->walker, do_start_thread, 0, 0));
	EXPECT_EQ(-EUSERS, walk(&self->walker, self->outer_fd));
}

/* Only with CAP_SYS_ADMIN. */
TEST_F(setns, needs_capability)
{
	ASSERT_EQ(0, child_call(&self->walker, do_drop_admin, 0, 0));
	EXPECT_EQ(-EPERM, walk(&self->walker, self->outer_fd));
}

/* Only with CAP_SYS_ADMIN in the owner's user namespace too. */
TEST_F(setns, needs_capability_over_owner)
{
	ASSERT_EQ(0, child_call(&self->walker, do_enter_user_ns, 0, 0));
	EXPECT_EQ(-EPERM, walk(&self->walker, self->outer_fd));
}

/* Only with CAP_SYS_ADMIN in the own user namespace too. */
TEST_F(setns, needs_own_capability)
{
	struct child rootless, nobody;
	int fd;

	NEEDS_ROOT();
	ASSERT_EQ(0, child_start_rootless(&rootless));
	fd = open_ns(rootless.pid);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_start_nobody(&nobody));
	EXPECT_EQ(-EPERM, walk(&nobody, fd));
}

/* The type has to be that of the file. */
TEST_F(setns, wrong_type_is_refused)
{
	EXPECT_EQ(-EINVAL, child_call(&self->walker, do_setns, self->outer_fd,
				      CLONE_NEWUTS));
}

/* NS_GET_PARENT gives the parent of what is below. */
TEST_F(setns, parent)
{
	int fd = ioctl(self->inner_fd, NS_GET_PARENT);

	ASSERT_LE(0, fd);
	EXPECT_EQ(ns_id(self->outer_fd), ns_id(fd));
}

/* NS_GET_PARENT gives the own namespace as the parent of a child's. */
TEST_F(setns, parent_is_own)
{
	int fd = ioctl(self->outer_fd, NS_GET_PARENT);

	ASSERT_LE(0, fd);
	EXPECT_EQ(ns_id_of(0), ns_id(fd));
}

/* NS_GET_PARENT doesn't lead out of the own namespace. */
TEST_F(setns, parent_of_own_is_refused)
{
	EXPECT_EQ(-EPERM, child_call(&self->outer, do_ns_ioctl, 0,
				     NS_GET_PARENT));
}

/* NS_GET_PARENT doesn't give a common parent by way of a sibling. */
TEST_F(setns, parent_of_sibling_is_refused)
{
	EXPECT_EQ(-EPERM, child_call(&self->outer, do_ns_ioctl,
				     self->sibling.pid, NS_GET_PARENT));
}

/* NS_GET_PARENT doesn't give the parent of an ancestor. */
TEST_F(setns, parent_of_ancestor_is_refused)
{
	EXPECT_EQ(-EPERM, child_call(&self->inner, do_ns_ioctl,
				     self->outer.pid, NS_GET_PARENT));
}

/* NS_GET_PARENT of the topmost namespace in sight fails for everybody there. */
TEST_F(setns, parent_of_topmost_is_refused)
{
	EXPECT_EQ(-1, ioctl(self->top_fd, NS_GET_PARENT));
	EXPECT_EQ(EPERM, errno);
}

TEST_HARNESS_MAIN
