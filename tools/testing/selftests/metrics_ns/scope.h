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

static long scope_make(FIXTURE_DATA(scope) *self)
{
	self->root = cgroup_make(self->mount, self->root_name);
	if (self->root < 0)
		return self->root;
	self->a = cgroup_make(self->root, "a");
	if (self->a < 0)
		return self->a;
	self->ax = cgroup_make(self->a, "x");
	if (self->ax < 0)
		return self->ax;
	self->b = cgroup_make(self->root, "b");
	if (self->b < 0)
		return self->b;
	return children_start_nested(&self->outer, &self->inner,
				     &self->outer_fd, &self->inner_fd);
}

static void clean_up(FIXTURE_DATA(scope) *self)
{
	children_stop();
	cgroup_remove(self->mount, self->root_name);
}

FIXTURE_SETUP(scope)
{
	METRICS_NS_SETUP();
	NEEDS_ROOT();
	self->mount = cgroup_open_mount();
	if (self->mount == -ENOENT)
		SKIP(return, "no cgroup v2 hierarchy is mounted");
	ASSERT_LE(0, self->mount);
	snprintf(self->root_name, sizeof(self->root_name),
		 "metrics_ns_test.%d", getpid());

	/* There is no teardown after a setup that fails. */
	EXPECT_EQ(0, scope_make(self))
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

/* Move a child to a cgroup and let it make a cgroup namespace there. */
static inline long new_cgroup_ns(struct child *c, int cgroup_fd)
{
	long ret = cgroup_move(cgroup_fd, c->pid);

	return ret ? ret : child_unshare(c, CLONE_NEWCGROUP);
}

/* Let a user put processes into a cgroup. */
static inline long delegate(int cgroup_fd, uid_t uid)
{
	return or_errno(fchownat(cgroup_fd, "cgroup.procs", uid, uid, 0));
}

static inline struct metrics_ns_info get(int fd)
{
	struct metrics_ns_info info = {};

	/* A failure shows as values that no test expects. */
	if (ns_get(fd, &info))
		memset(&info, 0xff, sizeof(info));
	return info;
}

/* Has nothing of it been set? */
static inline bool is_unset(int fd)
{
	struct metrics_ns_info info = get(fd);

	return !info.scope_id && !info.flags && !info.label_len;
}

/* A scope together with all else that can be set: where one is refused, all are. */
static inline long ns_set_all(int fd, int cgroup_fd)
{
	struct metrics_ns_set arg = {
		.mask = NS_METRICS_SET_SCOPE | NS_METRICS_SET_FLAGS,
		.scope_fd = cgroup_fd,
		.flags = METRICS_NS_QUOTA_CPUS,
	};

	fill_label(&arg, "web-1");
	return ns_set(fd, &arg);
}

static inline long do_set_all_fd(long fd, long cgroup_fd)
{
	return ns_set_all(fd, cgroup_fd);
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
