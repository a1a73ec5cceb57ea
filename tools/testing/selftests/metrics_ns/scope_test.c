// SPDX-License-Identifier: GPL-2.0
/*
 * The scope of a metrics namespace, that is the cgroup whose resources it
 * shows: what can be one, who may set it, and that a view only narrows.
 */
#include "scope.h"

static long do_read(long which, long unused)
{
	static const char * const paths[] = {
		"/proc/stat", "/proc/meminfo", "/proc/cpuinfo", "/proc/uptime",
	};
	static char buf[262144];

	return read_file_at(AT_FDCWD, paths[which], buf, sizeof(buf)) ?
	       (long)strlen(buf) : -errno;
}

/* --- set from outside --- */

/* NS_METRICS_GET tells which cgroup it is. */
TEST_F(scope, set)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	EXPECT_EQ(cgroup_id(self->a), get(self->outer_fd).scope_id);
}

/* Label, scope and flags can be set by one call. */
TEST_F(scope, set_with_all)
{
	struct metrics_ns_set arg = {
		.mask = NS_METRICS_SET_SCOPE | NS_METRICS_SET_FLAGS,
		.scope_fd = self->a,
		.flags = METRICS_NS_HOST_VIEW,
	};
	struct metrics_ns_info info;

	fill_label(&arg, "web-1");
	ASSERT_EQ(0, ns_set(self->outer_fd, &arg));
	info = get(self->outer_fd);
	EXPECT_EQ(cgroup_id(self->a), info.scope_id);
	EXPECT_EQ(METRICS_NS_HOST_VIEW, info.flags);
	EXPECT_EQ(5, info.label_len);
}

/* A scope stays. */
TEST_F(scope, set_only_once)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	EXPECT_EQ(-EBUSY, ns_set_scope(self->outer_fd, self->b));
}

/* If the flags are taken, the scope isn't set. */
TEST_F(scope, all_or_nothing)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, 0));
	ASSERT_EQ(-EBUSY, set_scope_and_flags(self->outer_fd, self->a, 0));
	EXPECT_EQ(0, get(self->outer_fd).scope_id);
}

/* If the scope is taken, the flags aren't set. */
TEST_F(scope, all_or_nothing_flags)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	ASSERT_EQ(-EBUSY, set_scope_and_flags(self->outer_fd, self->b,
					      METRICS_NS_HOST_VIEW));
	EXPECT_EQ(0, get(self->outer_fd).flags);
}

/* The caller needn't stand in the cgroup nor the namespace's processes. */
TEST_F(scope, set_moves_nobody)
{
	char buf[64] = "?";

	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	ASSERT_TRUE(read_file_at(self->a, "cgroup.procs", buf, sizeof(buf)));
	EXPECT_STREQ("", buf);
}

/* A descriptor that isn't open. */
TEST_F(scope, closed_fd)
{
	int fd = dup(self->a);

	close(fd);
	EXPECT_EQ(-EBADF, ns_set_all(self->outer_fd, fd));
	EXPECT_TRUE(is_unset(self->outer_fd));
}

/* A directory that is no cgroup. */
TEST_F(scope, other_directory)
{
	int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EINVAL, ns_set_all(self->outer_fd, fd));
	EXPECT_TRUE(is_unset(self->outer_fd));
}

/* A pipe, which is nothing like a directory. */
TEST_F(scope, pipe)
{
	int fd[2];

	ASSERT_EQ(0, pipe(fd));
	EXPECT_EQ(-EINVAL, ns_set_all(self->outer_fd, fd[0]));
	EXPECT_TRUE(is_unset(self->outer_fd));
}

/* A file in a cgroup. */
TEST_F(scope, cgroup_file)
{
	int fd = openat(self->a, "cgroup.procs", O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EINVAL, ns_set_all(self->outer_fd, fd));
	EXPECT_TRUE(is_unset(self->outer_fd));
}

/* The root of the hierarchy: its view is the machine's anyway. */
TEST_F(scope, hierarchy_root)
{
	/* Only the real root has no such file. */
	if (!faccessat(self->mount, "cgroup.type", F_OK, 0))
		SKIP(return, "the mount doesn't show the hierarchy's root");
	EXPECT_EQ(-EINVAL, ns_set_all(self->outer_fd, self->mount));
	EXPECT_TRUE(is_unset(self->outer_fd));
}

/* A threaded cgroup: it has no memory. */
TEST_F(scope, threaded)
{
	ASSERT_EQ(0, write_file_at(self->ax, "cgroup.type", "threaded"));
	EXPECT_EQ(-EINVAL, ns_set_all(self->outer_fd, self->ax));
	EXPECT_TRUE(is_unset(self->outer_fd));
}

/* The domain of threaded cgroups is a cgroup as good as any. */
TEST_F(scope, domain_of_threaded)
{
	ASSERT_EQ(0, write_file_at(self->ax, "cgroup.type", "threaded"));
	EXPECT_EQ(0, ns_set_scope(self->outer_fd, self->a));
}

/* A cgroup that is removed. */
TEST_F(scope, removed)
{
	ASSERT_EQ(0, unlinkat(self->root, "b", AT_REMOVEDIR));
	EXPECT_EQ(-ENOENT, ns_set_all(self->outer_fd, self->b));
	EXPECT_TRUE(is_unset(self->outer_fd));
}

/* A user's namespace, opened, and in @extra who may set it: the same user. */
static int start_user(struct __test_metadata *_metadata,
		      FIXTURE_DATA(scope) *self)
{
	int fd;

	ASSERT_EQ(0, child_start_rootless(&self->rootless));
	fd = open_ns(self->rootless.pid);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_start_nobody(&self->extra));
	return fd;
}

/* A cgroup that the caller may not write to. */
TEST_F(scope, not_writable)
{
	int fd = start_user(_metadata, self);

	EXPECT_EQ(-EPERM, child_call(&self->extra, do_set_all_fd, fd,
				     self->a));
	EXPECT_TRUE(is_unset(fd));
}

/* A cgroup below the one that is delegated to the caller, who is there. */
TEST_F(scope, delegated)
{
	int fd = start_user(_metadata, self);

	ASSERT_EQ(0, delegate(self->root, NOBODY));
	ASSERT_EQ(0, delegate(self->a, NOBODY));
	ASSERT_EQ(0, cgroup_move(self->root, self->extra.pid));
	EXPECT_EQ(0, child_call(&self->extra, do_set_scope_fd, fd, self->a));
}

/*
 * A cgroup that is delegated to the caller, who is in another one: between the two
 * he may move nobody.
 */
TEST_F(scope, delegated_apart)
{
	int fd = start_user(_metadata, self);
	long ret;

	ASSERT_EQ(0, delegate(self->a, NOBODY));
	ASSERT_EQ(0, delegate(self->b, NOBODY));
	ASSERT_EQ(0, cgroup_move(self->a, self->extra.pid));
	ASSERT_EQ(-EACCES, child_call(&self->extra, do_clone3_into, self->b,
				      0));
	ret = child_call(&self->extra, do_set_scope_fd, fd, self->b);
	EXPECT_TRUE(ret == -EPERM || ret == -EACCES) {
		TH_LOG("%ld", ret);
	}
}

/* A cgroup within the caller's cgroup namespace. */
TEST_F(scope, within_cgroup_ns)
{
	ASSERT_EQ(0, child_start(&self->extra));
	ASSERT_EQ(0, new_cgroup_ns(&self->extra, self->a));
	EXPECT_EQ(0, child_call(&self->extra, do_set_scope_fd, self->outer_fd,
				self->ax));
}

/* One outside is refused to root, too, and by the error that clone3(2) has. */
TEST_F(scope, outside_cgroup_ns)
{
	long ret;

	ASSERT_EQ(0, child_start(&self->extra));
	ASSERT_EQ(0, new_cgroup_ns(&self->extra, self->a));
	ret = child_call(&self->extra, do_clone3_into, self->b, 0);
	if (ret > 0)
		SKIP(return, "cgroup2 isn't mounted with nsdelegate");
	EXPECT_EQ(ret, child_call(&self->extra, do_set_scope_fd,
				  self->outer_fd, self->b));
}

/*
 * Root, an unprivileged user, and one with all capabilities in a user namespace
 * of its own ask, one after the other.
 */
static void refused_to_all(struct __test_metadata *_metadata, struct child *c,
			   int fd, int cgroup)
{
	EXPECT_EQ(-EPERM, child_call(c, do_set_all_fd, fd, cgroup));
	ASSERT_EQ(0, child_call(c, do_become_nobody, 0, 0));
	EXPECT_EQ(-EPERM, child_call(c, do_set_all_fd, fd, cgroup));
	ASSERT_EQ(0, child_call(c, do_enter_user_ns, 0, 0));
	EXPECT_EQ(-EPERM, child_call(c, do_set_all_fd, fd, cgroup));
}

/* Who is inside can't scope. */
TEST_F(scope, from_inside)
{
	ASSERT_EQ(0, child_start_inside(&self->extra, self->outer_fd));
	refused_to_all(_metadata, &self->extra, self->outer_fd, self->a);
	EXPECT_TRUE(is_unset(self->outer_fd));
}

/* Nor narrow what is scoped. */
TEST_F(scope, narrow_from_inside)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	ASSERT_EQ(0, child_start_inside(&self->extra, self->outer_fd));
	refused_to_all(_metadata, &self->extra, self->outer_fd, self->ax);
}

/* Who is inside can scope what is below to what is in sight. */
TEST_F(scope, nested_from_inside)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	ASSERT_EQ(0, child_start_inside(&self->extra, self->outer_fd));
	EXPECT_EQ(0, child_call(&self->extra, do_set_scope_fd, self->inner_fd,
				self->ax));
}

/* And to nothing else, even with a cgroup that is open by chance. */
TEST_F(scope, nested_from_inside_outside_parents)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	ASSERT_EQ(0, child_start_inside(&self->extra, self->outer_fd));
	EXPECT_EQ(-EPERM, child_call(&self->extra, do_set_all_fd,
				     self->inner_fd, self->b));
	EXPECT_TRUE(is_unset(self->inner_fd));
}

/* A scope within the parent's is fine. */
TEST_F(scope, within_parents)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	EXPECT_EQ(0, ns_set_scope(self->inner_fd, self->ax));
}

/* One that equals the parent's, too. */
TEST_F(scope, equal_to_parents)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	EXPECT_EQ(0, ns_set_scope(self->inner_fd, self->a));
}

/* One beside the parent's is refused. */
TEST_F(scope, outside_parents)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	EXPECT_EQ(-EPERM, ns_set_all(self->inner_fd, self->b));
	EXPECT_TRUE(is_unset(self->inner_fd));
}

/* One above the parent's is refused. */
TEST_F(scope, above_parents)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->ax));
	EXPECT_EQ(-EPERM, ns_set_all(self->inner_fd, self->a));
	EXPECT_TRUE(is_unset(self->inner_fd));
}

/* A scope isn't handed down as an own one. */
TEST_F(scope, own_scope_only)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	EXPECT_EQ(0, get(self->inner_fd).scope_id);
}

/* --- flags in force --- */

/* HOST_VIEW with a scope is in force. */
TEST_F(scope, host_view)
{
	ASSERT_EQ(0, set_scope_and_flags(self->outer_fd, self->a,
					 METRICS_NS_HOST_VIEW));
	EXPECT_EQ(METRICS_NS_HOST_VIEW, get(self->outer_fd).effective_flags);
}

/* So it is if it is set after the scope. */
TEST_F(scope, host_view_later)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_HOST_VIEW));
	EXPECT_EQ(METRICS_NS_HOST_VIEW, get(self->outer_fd).effective_flags);
}

/* AUTO_SCOPE is a request and never in force. */
TEST_F(scope, auto_scope_is_no_effect)
{
	ASSERT_EQ(0, set_scope_and_flags(self->outer_fd, self->a,
					 METRICS_NS_AUTO_SCOPE));
	EXPECT_EQ(0, get(self->outer_fd).effective_flags);
}

/* A namespace without a scope has its parent's flags in force. */
TEST_F(scope, flags_of_parents_view)
{
	ASSERT_EQ(0, set_scope_and_flags(self->outer_fd, self->a,
					 METRICS_NS_HOST_VIEW));
	EXPECT_EQ(METRICS_NS_HOST_VIEW, get(self->inner_fd).effective_flags);
}

/* HOST_VIEW is lost with a scope that lacks it. */
TEST_F(scope, host_view_not_inherited)
{
	ASSERT_EQ(0, set_scope_and_flags(self->outer_fd, self->a,
					 METRICS_NS_HOST_VIEW));
	ASSERT_EQ(0, ns_set_scope(self->inner_fd, self->ax));
	EXPECT_EQ(0, get(self->inner_fd).effective_flags);
}

/* HOST_VIEW can't be had again below a scope that lacks it. */
TEST_F(scope, host_view_not_regained)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	ASSERT_EQ(0, set_scope_and_flags(self->inner_fd, self->ax,
					 METRICS_NS_HOST_VIEW));
	EXPECT_EQ(0, get(self->inner_fd).effective_flags);
}

/* HOST_VIEW that all have is in force. */
TEST_F(scope, host_view_of_all)
{
	ASSERT_EQ(0, set_scope_and_flags(self->outer_fd, self->a,
					 METRICS_NS_HOST_VIEW));
	ASSERT_EQ(0, set_scope_and_flags(self->inner_fd, self->ax,
					 METRICS_NS_HOST_VIEW));
	EXPECT_EQ(METRICS_NS_HOST_VIEW, get(self->inner_fd).effective_flags);
}

/* An ancestor without a scope has no say. */
TEST_F(scope, host_view_below_unscoped)
{
	ASSERT_EQ(0, set_scope_and_flags(self->inner_fd, self->ax,
					 METRICS_NS_HOST_VIEW));
	EXPECT_EQ(METRICS_NS_HOST_VIEW, get(self->inner_fd).effective_flags);
}

/* QUOTA_CPUS narrows, so it is inherited. */
TEST_F(scope, quota_cpus_inherited)
{
	ASSERT_EQ(0, set_scope_and_flags(self->outer_fd, self->a,
					 METRICS_NS_QUOTA_CPUS));
	ASSERT_EQ(0, ns_set_scope(self->inner_fd, self->ax));
	EXPECT_EQ(METRICS_NS_QUOTA_CPUS, get(self->inner_fd).effective_flags);
}

/* QUOTA_CPUS below doesn't go up. */
TEST_F(scope, quota_cpus_not_upwards)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	ASSERT_EQ(0, set_scope_and_flags(self->inner_fd, self->ax,
					 METRICS_NS_QUOTA_CPUS));
	EXPECT_EQ(0, get(self->outer_fd).effective_flags);
}

/* A parent scoped later: the child's scope beside it isn't taken any more. */
TEST_F(scope, parent_scoped_later)
{
	ASSERT_EQ(0, set_scope_and_flags(self->inner_fd, self->b,
					 METRICS_NS_QUOTA_CPUS));
	ASSERT_EQ(METRICS_NS_QUOTA_CPUS, get(self->inner_fd).effective_flags);
	ASSERT_EQ(0, set_scope_and_flags(self->outer_fd, self->a,
					 METRICS_NS_HOST_VIEW));
	EXPECT_EQ(0, get(self->inner_fd).effective_flags);
}

/* A parent scoped later: the child's scope within it still is. */
TEST_F(scope, parent_scoped_later_around)
{
	ASSERT_EQ(0, set_scope_and_flags(self->inner_fd, self->ax,
					 METRICS_NS_QUOTA_CPUS));
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	EXPECT_EQ(METRICS_NS_QUOTA_CPUS, get(self->inner_fd).effective_flags);
}

/* --- the end of a cgroup --- */

/* A scope doesn't keep a cgroup from being removed. */
TEST_F(scope, rmdir)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->b));
	EXPECT_EQ(0, unlinkat(self->root, "b", AT_REMOVEDIR));
}

/* The namespace still has the ID of a scope that is removed. */
TEST_F(scope, rmdir_keeps_scope_id)
{
	__u64 id = cgroup_id(self->b);

	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->b));
	ASSERT_EQ(0, unlinkat(self->root, "b", AT_REMOVEDIR));
	EXPECT_EQ(id, get(self->outer_fd).scope_id);
}

/* Processes go on reading /proc in a namespace whose scope is removed. */
TEST_F(scope, rmdir_still_shows)
{
	int i;

	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->b));
	ASSERT_EQ(0, unlinkat(self->root, "b", AT_REMOVEDIR));
	for (i = 0; i < 4; i++)
		EXPECT_LT(0, child_call(&self->outer, do_read, i, 0));
}

/* Processes can be started in it. */
TEST_F(scope, rmdir_still_enters)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->b));
	ASSERT_EQ(0, unlinkat(self->root, "b", AT_REMOVEDIR));
	ASSERT_EQ(0, child_start(&self->extra));
	EXPECT_EQ(0, child_call(&self->extra, do_setns, self->outer_fd,
				CLONE_NEWMETRICS));
}

/* A removed scope still is a scope: nothing else is in sight below it. */
TEST_F(scope, rmdir_allows_nothing)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->b));
	ASSERT_EQ(0, unlinkat(self->root, "b", AT_REMOVEDIR));
	EXPECT_EQ(-EPERM, ns_set_all(self->inner_fd, self->a));
	EXPECT_TRUE(is_unset(self->inner_fd));
}

TEST_HARNESS_MAIN
