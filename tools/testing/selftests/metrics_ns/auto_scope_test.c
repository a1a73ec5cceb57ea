// SPDX-License-Identifier: GPL-2.0
/* The scope that a cgroup namespace made inside gives, where that is armed. */
#include "scope.h"

/*
 * do_clone3_into() of a new cgroup namespace, but it fails after the namespaces
 * are made: PID 1 is taken.
 */
static long do_clone3_cgroup_fails(long cgroup_fd, long unused)
{
	pid_t taken = 1;
	struct clone_args args = {
		.flags = CLONE_NEWCGROUP | CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup_fd,
		.set_tid = (uintptr_t)&taken,
		.set_tid_size = 1,
	};
	pid_t pid = sys_clone3(&args);

	if (!pid)
		_exit(0);
	return or_errno(pid);
}

static long do_forbid_time_ns(long unused, long unused2)
{
	return write_file_at(AT_FDCWD, "/proc/sys/user/max_time_namespaces",
			     "0");
}

/* Nobody has asked for it: a cgroup namespace means nothing. */
TEST_F(scope, auto_not_armed)
{
	ASSERT_EQ(0, new_cgroup_ns(&self->outer, self->a));
	EXPECT_EQ(0, get(self->outer_fd).scope_id);
}

/* Other flags don't ask for it. */
TEST_F(scope, auto_not_armed_by_others)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_HOST_VIEW));
	ASSERT_EQ(0, new_cgroup_ns(&self->outer, self->a));
	EXPECT_EQ(0, get(self->outer_fd).scope_id);
}

/* unshare(2) of the cgroup namespace gives its root as the scope. */
TEST_F(scope, auto_unshare)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_AUTO_SCOPE));
	ASSERT_EQ(0, new_cgroup_ns(&self->outer, self->a));
	EXPECT_EQ(cgroup_id(self->a), get(self->outer_fd).scope_id);
}

/* clone3(2) into a cgroup gives that one, and not the caller's. */
TEST_F(scope, auto_clone3)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_AUTO_SCOPE));
	ASSERT_EQ(0, cgroup_move(self->b, self->outer.pid));
	ASSERT_LT(0, child_call(&self->outer, do_clone3_into, self->a,
				CLONE_NEWCGROUP));
	EXPECT_EQ(cgroup_id(self->a), get(self->outer_fd).scope_id);
}

/* Not armed, clone3(2) gives none either. */
TEST_F(scope, auto_clone3_not_armed)
{
	ASSERT_LT(0, child_call(&self->outer, do_clone3_into, self->a,
				CLONE_NEWCGROUP));
	EXPECT_EQ(0, get(self->outer_fd).scope_id);
}

/* Made together with a metrics namespace, it isn't made in the old one. */
TEST_F(scope, auto_with_new_metrics_ns)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_AUTO_SCOPE));
	ASSERT_LT(0, child_call(&self->outer, do_clone3_into, self->a,
				CLONE_NEWCGROUP | CLONE_NEWMETRICS));
	EXPECT_EQ(0, get(self->outer_fd).scope_id);
}

/* The flags in force are those of the namespace. */
TEST_F(scope, auto_flags)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_AUTO_SCOPE |
						  METRICS_NS_QUOTA_CPUS));
	ASSERT_EQ(0, new_cgroup_ns(&self->outer, self->a));
	EXPECT_EQ(METRICS_NS_QUOTA_CPUS, get(self->outer_fd).effective_flags);
}

/* Armed, but nothing has happened yet: there is none. */
TEST_F(scope, auto_waits)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_AUTO_SCOPE));
	EXPECT_EQ(0, get(self->outer_fd).scope_id);
}

/* Moving to a cgroup gives none without a cgroup namespace. */
TEST_F(scope, auto_move_alone)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_AUTO_SCOPE));
	ASSERT_EQ(0, cgroup_move(self->a, self->outer.pid));
	EXPECT_EQ(0, get(self->outer_fd).scope_id);
}

/* Start a child in a cgroup and put it into a new, armed namespace there. */
static long start_armed_in(struct child *c, int cgroup_fd)
{
	long ret = child_start(c);
	int fd;

	if (!ret)
		ret = cgroup_move(cgroup_fd, c->pid);
	if (!ret)
		ret = child_unshare(c, CLONE_NEWMETRICS);
	if (ret)
		return ret;
	fd = open_ns(c->pid);
	if (fd < 0)
		return -errno;
	ret = ns_set_flags(fd, METRICS_NS_AUTO_SCOPE);
	return ret ? ret : fd;
}

/* The cgroup where the namespace was made is the runtime's: no scope. */
TEST_F(scope, auto_not_at_origin)
{
	int fd = start_armed_in(&self->extra, self->b);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_unshare(&self->extra, CLONE_NEWCGROUP));
	EXPECT_EQ(0, get(fd).scope_id);
}

/* A cgroup namespace there leaves it armed for the next one. */
TEST_F(scope, auto_after_origin)
{
	int fd = start_armed_in(&self->extra, self->b);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_unshare(&self->extra, CLONE_NEWCGROUP));
	ASSERT_EQ(0, new_cgroup_ns(&self->extra, self->a));
	EXPECT_EQ(cgroup_id(self->a), get(fd).scope_id);
}

/* A cgroup namespace made before it is armed doesn't count; the next does. */
TEST_F(scope, auto_armed_later)
{
	ASSERT_EQ(0, new_cgroup_ns(&self->outer, self->a));
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_AUTO_SCOPE));
	ASSERT_EQ(0, get(self->outer_fd).scope_id);
	ASSERT_EQ(0, new_cgroup_ns(&self->outer, self->b));
	EXPECT_EQ(cgroup_id(self->b), get(self->outer_fd).scope_id);
}

/* It comes once. */
TEST_F(scope, auto_only_once)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_AUTO_SCOPE));
	ASSERT_EQ(0, new_cgroup_ns(&self->outer, self->a));
	ASSERT_EQ(0, new_cgroup_ns(&self->outer, self->b));
	EXPECT_EQ(cgroup_id(self->a), get(self->outer_fd).scope_id);
}

/* A threaded cgroup gives none. */
TEST_F(scope, auto_not_threaded)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_AUTO_SCOPE));
	ASSERT_EQ(0, write_file_at(self->ax, "cgroup.type", "threaded"));
	ASSERT_EQ(0, cgroup_move(self->a, self->outer.pid));
	ASSERT_EQ(0, new_cgroup_ns(&self->outer, self->ax));
	EXPECT_EQ(0, get(self->outer_fd).scope_id);
}

/* An unshare(2) that fails gives none. */
TEST_F(scope, auto_not_by_failed_unshare)
{
	int fd;

	if (access("/proc/self/ns/time", F_OK))
		SKIP(return, "kernel without CONFIG_TIME_NS");
	ASSERT_EQ(0, child_start(&self->extra));
	ASSERT_EQ(0, child_call(&self->extra, do_enter_user_ns,
				CLONE_NEWMETRICS, 0));
	fd = open_ns(self->extra.pid);
	ASSERT_EQ(0, ns_set_flags(fd, METRICS_NS_AUTO_SCOPE));
	ASSERT_EQ(0, child_call(&self->extra, do_forbid_time_ns, 0, 0));
	ASSERT_EQ(0, cgroup_move(self->a, self->extra.pid));
	ASSERT_EQ(-ENOSPC, child_unshare(&self->extra,
					 CLONE_NEWCGROUP | CLONE_NEWTIME));
	EXPECT_EQ(0, get(fd).scope_id);
}

/* A clone3(2) that fails gives none. */
TEST_F(scope, auto_not_by_failed_clone3)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_AUTO_SCOPE));
	ASSERT_EQ(-EEXIST, child_call(&self->outer, do_clone3_cgroup_fails,
				      self->a, 0));
	EXPECT_EQ(0, get(self->outer_fd).scope_id);
}

/* setns(2) into a cgroup namespace gives none: it isn't new. */
TEST_F(scope, auto_not_by_setns)
{
	int cgroup_ns, fd;

	ASSERT_EQ(0, new_cgroup_ns(&self->outer, self->a));
	cgroup_ns = open_proc(self->outer.pid, "ns/cgroup");
	ASSERT_LE(0, cgroup_ns);
	fd = start_armed_in(&self->extra, self->b);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_call(&self->extra, do_setns, cgroup_ns,
				CLONE_NEWCGROUP));
	EXPECT_EQ(0, get(fd).scope_id);
}

/* A cgroup namespace made in a namespace below scopes only that one. */
TEST_F(scope, auto_not_of_parent)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_AUTO_SCOPE));
	ASSERT_EQ(0, ns_set_flags(self->inner_fd, METRICS_NS_AUTO_SCOPE));
	ASSERT_EQ(0, new_cgroup_ns(&self->inner, self->a));
	ASSERT_EQ(cgroup_id(self->a), get(self->inner_fd).scope_id);
	EXPECT_EQ(0, get(self->outer_fd).scope_id);
}

/* The scope given so can be replaced from outside. */
TEST_F(scope, auto_replaced)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_AUTO_SCOPE));
	ASSERT_EQ(0, new_cgroup_ns(&self->outer, self->a));
	ASSERT_EQ(cgroup_id(self->a), get(self->outer_fd).scope_id);
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->b));
	EXPECT_EQ(cgroup_id(self->b), get(self->outer_fd).scope_id);
}

/* It never replaces one that was set. */
TEST_F(scope, auto_never_replaces)
{
	ASSERT_EQ(0, set_scope_and_flags(self->outer_fd, self->a,
					 METRICS_NS_AUTO_SCOPE));
	ASSERT_EQ(0, new_cgroup_ns(&self->outer, self->b));
	EXPECT_EQ(cgroup_id(self->a), get(self->outer_fd).scope_id);
}

/*
 * One outside the parent's scope isn't taken: its flag isn't in force, and it
 * consents to no host view.
 */
TEST_F(scope, auto_outside_parents)
{
	ASSERT_EQ(0, set_scope_and_flags(self->outer_fd, self->a,
					 METRICS_NS_HOST_VIEW));
	ASSERT_EQ(0, ns_set_flags(self->inner_fd, METRICS_NS_AUTO_SCOPE |
						  METRICS_NS_QUOTA_CPUS));
	ASSERT_EQ(0, new_cgroup_ns(&self->inner, self->b));
	ASSERT_EQ(cgroup_id(self->b), get(self->inner_fd).scope_id);
	EXPECT_EQ(0, get(self->inner_fd).effective_flags);
}

TEST_HARNESS_MAIN
