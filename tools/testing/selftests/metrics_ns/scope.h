/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of scopes share: namespaces, and cgroups to scope them to. */
#ifndef __SELFTESTS_METRICS_NS_SCOPE_H
#define __SELFTESTS_METRICS_NS_SCOPE_H

#include "metrics_ns.h"

/*
 *	where the test is
 *	  outer
 *	    inner
 *
 * Cgroups of the test: root, root/a, root/a/x, root/b
 */
FIXTURE(scope) {
	struct child outer, inner, extra, rootless;
	int outer_fd, inner_fd;
	int mount, root, a, ax, b;
	char root_name[32];
};

static long start_outer_and_inner(FIXTURE_DATA(scope) *self)
{
	long ret = child_start_ns(&self->outer);

	if (!ret)
		ret = child_start_nested(&self->inner, &self->outer);
	if (ret)
		return ret;
	self->outer_fd = open_ns(self->outer.pid);
	self->inner_fd = open_ns(self->inner.pid);
	return self->outer_fd < 0 || self->inner_fd < 0 ? -errno : 0;
}

static long make_cgroups(FIXTURE_DATA(scope) *self)
{
	self->a = cgroup_make(self->root, "a");
	if (self->a < 0)
		return self->a;
	self->ax = cgroup_make(self->a, "x");
	if (self->ax < 0)
		return self->ax;
	self->b = cgroup_make(self->root, "b");
	return self->b < 0 ? self->b : 0;
}

static void clean_up(FIXTURE_DATA(scope) *self)
{
	children_stop();
	cgroup_remove(self->mount, self->root_name);
}

FIXTURE_SETUP(scope)
{
	char path[CGROUP_PATH_MAX];

	METRICS_NS_SETUP();
	NEEDS_ROOT();
	if (!cgroup_mount(path))
		SKIP(return, "no cgroup2 mount");
	self->mount = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, self->mount);
	snprintf(self->root_name, sizeof(self->root_name),
		 "metrics_ns_test.%d", getpid());
	self->root = cgroup_make(self->mount, self->root_name);
	ASSERT_LE(0, self->root);

	/* There is no teardown after a setup that fails. */
	EXPECT_EQ(0, make_cgroups(self))
		clean_up(self);
	EXPECT_EQ(0, start_outer_and_inner(self))
		clean_up(self);
}

FIXTURE_TEARDOWN(scope)
{
	clean_up(self);
}

/* A child that is put into a cgroup by clone3(2), and exits. */
static inline long do_clone3_into(long cgroup_fd, long flags)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | flags,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup_fd,
	};
	pid_t pid = sys_clone3(&args);

	if (!pid)
		_exit(0);
	return or_errno(pid);
}

static inline struct metrics_ns_info get(int fd)
{
	struct metrics_ns_info info = {};

	/* A failure shows as values that no test expects. */
	if (ns_get(fd, &info))
		memset(&info, 0xff, sizeof(info));
	return info;
}

static inline long set_scope_and_flags(int fd, int cgroup_fd, __u32 flags)
{
	struct metrics_ns_set arg = {
		.mask = NS_METRICS_SET_SCOPE | NS_METRICS_SET_FLAGS,
		.scope_fd = cgroup_fd,
		.flags = flags,
	};

	return ns_set(fd, &arg);
}

#endif /* __SELFTESTS_METRICS_NS_SCOPE_H */
