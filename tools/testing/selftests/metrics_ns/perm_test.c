// SPDX-License-Identifier: GPL-2.0
/*
 * Who may create, label, scope, read and join a metrics namespace where user
 * namespaces nest, and what is read across its border: by ptrace(2) rights and
 * by the program that the kernel starts for a core dump.
 */
#include <limits.h>
#include <poll.h>
#include <sys/ptrace.h>

#include "listns.h"
#include "scope.h"

/* A second user, who has nothing to do with the first, NOBODY. */
#define OTHER		65533

/* --- what children do --- */

static long do_become_other(long unused, long unused2)
{
	if (setresgid(OTHER, OTHER, OTHER) || setresuid(OTHER, OTHER, OTHER))
		return -errno;
	return after_new_creds();
}

static long do_join(long pid, long flags)
{
	int pidfd = sys_pidfd_open(pid);
	long ret;

	if (pidfd < 0)
		return -errno;
	ret = or_errno(setns(pidfd, flags));
	close(pidfd);
	return ret ? ret : after_new_creds();
}

static long do_label_fd(long fd, long unused)
{
	return ns_set_label(fd, "web-1");
}

static long do_get_fd(long fd, long unused)
{
	struct metrics_ns_info info;

	return ns_get(fd, &info);
}

static long do_read_link(long pid, long unused)
{
	char path[PROC_PATH_MAX], link[64];

	snprintf(path, sizeof(path), "/proc/%ld/ns/metrics", pid);
	return or_errno(readlink(path, link, sizeof(link)));
}

static long do_listed(long id, long user_ns_id)
{
	return listed_of(id, user_ns_id);
}

/* Make a user and a metrics namespace by one clone3(2). */
static long do_clone3_with_user_ns(long unused, long unused2)
{
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWMETRICS,
		.exit_signal = SIGCHLD,
	};
	pid_t pid = sys_clone3(&args);

	if (!pid)
		_exit(0);
	return or_errno(pid);
}

/* Let a function look at a process while that is stopped by tracing it. */
static long while_traced(long pid, child_fn fn, long arg)
{
	int status = 0;
	long ret;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0) ||
	    waitpid(pid, &status, __WALL) != pid)
		return -errno;
	ret = WIFSTOPPED(status) ? fn(arg, 0) : -ESRCH;
	/* Nobody else could reap it. */
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return ret;
}

static long do_traced_status_id(long pid, long unused)
{
	return while_traced(pid, do_status_id, pid);
}

static long do_traced_get_id(long pid, long of)
{
	return while_traced(pid, do_get_id, of);
}

static long do_join_metrics(long pid, long unused)
{
	return do_join(pid, CLONE_NEWMETRICS);
}

static long do_traced_join(long pid, long unused)
{
	return while_traced(pid, do_join_metrics, pid);
}

/* --- who stands where --- */

/* Root of a child's user namespace, in its metrics namespace. */
static long start_in(struct child *c, const struct child *where)
{
	long ret = child_start_nobody(c);

	return ret ? ret : child_call(c, do_join, where->pid,
				      CLONE_NEWUSER | CLONE_NEWMETRICS);
}

/* Root of a user namespace below that, which owns what it unshares. */
static long start_below(struct child *c, const struct child *where, long flags)
{
	long ret = start_in(c, where);

	return ret ? ret : child_call(c, do_enter_user_ns, flags, 0);
}

/*
 *	where the test is, the machine's root; user, other
 *	  outer, root of a user namespace of user's
 *	    inner, root of a user namespace in that one
 *
 * user and other are in the initial user namespace without any capability.
 */
FIXTURE(perm) {
	struct child outer, inner, user, other, extra, target;
	int outer_fd, inner_fd;
};

FIXTURE_SETUP(perm)
{
	METRICS_NS_SETUP();
	NEEDS_ROOT();
	ASSERT_EQ(0, child_start_rootless(&self->outer));
	self->outer_fd = open_ns(self->outer.pid);
	ASSERT_LE(0, self->outer_fd);
	ASSERT_EQ(0, start_below(&self->inner, &self->outer, CLONE_NEWMETRICS));
	self->inner_fd = open_ns(self->inner.pid);
	ASSERT_LE(0, self->inner_fd);

	/* These have both files. */
	ASSERT_EQ(0, child_start_nobody(&self->user));
	ASSERT_EQ(0, child_start(&self->other));
	ASSERT_EQ(0, child_call(&self->other, do_become_other, 0, 0));
}

FIXTURE_TEARDOWN(perm)
{
	children_stop();
}

/* --- create --- */

/* Root of a nested user namespace may make one. */
TEST_F(perm, create_nested)
{
	__u64 before = ns_id_of(self->inner.pid);

	ASSERT_EQ(0, child_unshare(&self->inner, CLONE_NEWMETRICS));
	EXPECT_LT(before, ns_id_of(self->inner.pid));
}

/* The nested user namespace owns it then, and not the one around. */
TEST_F(perm, create_nested_owner)
{
	int owner = ioctl(self->inner_fd, NS_GET_USERNS);

	ASSERT_LE(0, owner);
	EXPECT_EQ(ns_id(open_proc(self->inner.pid, "ns/user")), ns_id(owner));
}

/* A user may make one by clone3(2), with a user namespace for it. */
TEST_F(perm, create_clone3_with_user_ns)
{
	EXPECT_LT(0, child_call(&self->user, do_clone3_with_user_ns, 0, 0));
}

/* The limit of a user namespace holds for those nested in it. */
TEST_F(perm, create_limit_of_outer)
{
	/* outer's own and inner's. */
	ASSERT_EQ(0, child_call(&self->outer, do_limit, 2, 0));
	EXPECT_EQ(-ENOSPC, child_unshare(&self->inner, CLONE_NEWMETRICS));
}

/* A nested user namespace can't raise the limit for itself. */
TEST_F(perm, create_limit_not_raised)
{
	ASSERT_EQ(0, child_call(&self->outer, do_limit, 2, 0));
	ASSERT_EQ(0, child_call(&self->inner, do_limit, 1000, 0));
	EXPECT_EQ(-ENOSPC, child_unshare(&self->inner, CLONE_NEWMETRICS));
}

/* --- label --- */

/* The machine's root may label what a nested user namespace owns. */
TEST_F(perm, label_by_machine_root)
{
	EXPECT_EQ(0, ns_set_label(self->inner_fd, "web-1"));
}

/* Root of a user namespace may label what one nested in it owns. */
TEST_F(perm, label_by_outer_root)
{
	ASSERT_EQ(0, start_in(&self->extra, &self->outer));
	EXPECT_EQ(0, child_call(&self->extra, do_label_fd, self->inner_fd, 0));
}

/* The user who made the outermost user namespace may label both. */
TEST_F(perm, label_by_creator)
{
	EXPECT_EQ(0, child_call(&self->user, do_label_fd, self->outer_fd, 0));
	EXPECT_EQ(0, child_call(&self->user, do_label_fd, self->inner_fd, 0));
}

/*
 * A namespace that the outer user namespace owns, opened, and in @extra the root
 * of a user namespace nested in that one.
 */
static int start_nested_root(struct __test_metadata *_metadata,
			     FIXTURE_DATA(perm) *self)
{
	int fd;

	ASSERT_EQ(0, start_in(&self->target, &self->outer));
	ASSERT_EQ(0, child_unshare(&self->target, CLONE_NEWMETRICS));
	fd = open_ns(self->target.pid);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, start_below(&self->extra, &self->outer, 0));
	return fd;
}

/* A nested user namespace's root may not label what the one around owns. */
TEST_F(perm, label_by_nested_root_is_refused)
{
	int fd = start_nested_root(_metadata, self);

	EXPECT_EQ(-EPERM, child_call(&self->extra, do_label_fd, fd, 0));
}

/* Nor may another user namespace of the same user. */
TEST_F(perm, label_by_sibling_user_ns_is_refused)
{
	ASSERT_EQ(0, child_call(&self->user, do_enter_user_ns, 0, 0));
	EXPECT_EQ(-EPERM, child_call(&self->user, do_label_fd, self->outer_fd,
				     0));
}

/* Nor another user, though the file is open. */
TEST_F(perm, label_by_other_user_is_refused)
{
	EXPECT_EQ(-EPERM, child_call(&self->other, do_label_fd, self->outer_fd,
				     0));
}

/* A user may set flags that show no more than before. */
TEST_F(perm, flags_by_creator)
{
	EXPECT_EQ(0, child_call(&self->user, do_set_flags_fd, self->outer_fd,
				METRICS_NS_AUTO_SCOPE | METRICS_NS_QUOTA_CPUS));
}

/* The machine's values are the machine's root's to show, not a user's. */
TEST_F(perm, host_view_by_creator_is_refused)
{
	EXPECT_EQ(-EPERM, child_call(&self->user, do_set_flags_fd,
				     self->outer_fd, METRICS_NS_HOST_VIEW));
}

/* Nor are they a user namespace's root's, where nothing is scoped. */
TEST_F(perm, host_view_by_outer_root_is_refused)
{
	ASSERT_EQ(0, start_in(&self->extra, &self->outer));
	EXPECT_EQ(-EPERM, child_call(&self->extra, do_set_flags_fd,
				     self->inner_fd, METRICS_NS_HOST_VIEW));
}

/* --- read --- */

/* Another user is told by NS_METRICS_GET what is open for him. */
TEST_F(perm, get_by_other_user_with_fd)
{
	EXPECT_EQ(0, child_call(&self->other, do_get_fd, self->outer_fd, 0));
}

/* He can't open it himself. */
TEST_F(perm, link_of_other_users_process)
{
	EXPECT_EQ(-EACCES, child_call(&self->other, do_open_ns,
				      self->outer.pid, 0));
	EXPECT_EQ(-EACCES, child_call(&self->other, do_read_link,
				      self->outer.pid, 0));
}

/* The user who made the user namespaces can, and reads the IDs. */
TEST_F(perm, read_by_creator)
{
	EXPECT_LE(0, child_call(&self->user, do_open_ns, self->outer.pid, 0));
	EXPECT_EQ(ns_id(self->outer_fd),
		  child_call(&self->user, do_status_id, self->outer.pid, 0));
	EXPECT_LE(0, child_call(&self->user, do_open_ns, self->inner.pid, 0));
	EXPECT_EQ(ns_id(self->inner_fd),
		  child_call(&self->user, do_status_id, self->inner.pid, 0));
}

/* Root of a user namespace can where a nested one is concerned. */
TEST_F(perm, read_by_outer_root)
{
	EXPECT_LE(0, child_call(&self->outer, do_open_ns, self->inner.pid, 0));
	EXPECT_EQ(ns_id(self->inner_fd),
		  child_call(&self->outer, do_status_id, self->inner.pid, 0));
}

/* Root of a nested one can't where the one around is, and reads 0. */
TEST_F(perm, read_by_nested_root_is_refused)
{
	EXPECT_EQ(-EACCES, child_call(&self->inner, do_open_ns,
				      self->outer.pid, 0));
	EXPECT_EQ(0, child_call(&self->inner, do_status_id, self->outer.pid,
				0));
}

/* Nor can root of another user namespace of the same user. */
TEST_F(perm, read_by_sibling_user_ns_is_refused)
{
	ASSERT_EQ(0, child_call(&self->user, do_enter_user_ns, 0, 0));
	EXPECT_EQ(-EACCES, child_call(&self->user, do_open_ns,
				      self->outer.pid, 0));
	EXPECT_EQ(0, child_call(&self->user, do_status_id, self->outer.pid, 0));
}

/*
 * It is the rights over the process that count and not where the reader
 * stands: the machine's root is told by /proc also from inside.
 */
TEST_F(perm, status_by_machine_root_inside)
{
	ASSERT_EQ(0, child_start_inside(&self->extra, self->inner_fd));
	EXPECT_EQ(ns_id(self->outer_fd),
		  child_call(&self->extra, do_status_id, self->outer.pid, 0));
}

/* listns(2) lists it for the machine's root with what its owner owns. */
TEST_F(perm, listns_of_owner)
{
	__u64 owner = ns_id(open_proc(self->inner.pid, "ns/user"));

	EXPECT_EQ(1, listed_of(ns_id(self->inner_fd), owner));
}

/* And not with what the user namespace around owns. */
TEST_F(perm, listns_not_of_outer)
{
	__u64 outer = ns_id(open_proc(self->outer.pid, "ns/user"));

	EXPECT_EQ(0, listed_of(ns_id(self->inner_fd), outer));
}

/* It lists the own one for root of a user namespace, */
TEST_F(perm, listns_own_by_nested_root)
{
	EXPECT_EQ(1, child_call(&self->inner, do_listed, ns_id(self->inner_fd),
				0));
}

/* and neither the one around */
TEST_F(perm, listns_of_outer_by_nested_root)
{
	EXPECT_EQ(0, child_call(&self->inner, do_listed, ns_id(self->outer_fd),
				0));
}

/* nor, as only the machine's root may list what is foreign, one below. */
TEST_F(perm, listns_of_nested_by_outer_root)
{
	EXPECT_EQ(0, child_call(&self->outer, do_listed, ns_id(self->inner_fd),
				0));
}

/* --- join --- */

/* The user who made the user namespace may join both at once. */
TEST_F(perm, join_by_creator)
{
	ASSERT_EQ(0, child_call(&self->user, do_join, self->outer.pid,
				CLONE_NEWUSER | CLONE_NEWMETRICS));
	EXPECT_EQ(ns_id(self->outer_fd), ns_id_of(self->user.pid));
}

/* Or one after the other. */
TEST_F(perm, join_by_creator_in_turn)
{
	ASSERT_EQ(0, child_call(&self->user, do_join, self->outer.pid,
				CLONE_NEWUSER));
	ASSERT_EQ(0, child_call(&self->user, do_join, self->outer.pid,
				CLONE_NEWMETRICS));
	EXPECT_EQ(ns_id(self->outer_fd), ns_id_of(self->user.pid));
}

/* Or those nested in them. */
TEST_F(perm, join_nested_by_creator)
{
	ASSERT_EQ(0, child_call(&self->user, do_join, self->inner.pid,
				CLONE_NEWUSER | CLONE_NEWMETRICS));
	EXPECT_EQ(ns_id(self->inner_fd), ns_id_of(self->user.pid));
}

/* Root of a user namespace may join what a nested one owns. */
TEST_F(perm, join_nested_by_outer_root)
{
	ASSERT_EQ(0, start_in(&self->extra, &self->outer));
	ASSERT_EQ(0, child_call(&self->extra, do_setns, self->inner_fd,
				CLONE_NEWMETRICS));
	EXPECT_EQ(ns_id(self->inner_fd), ns_id_of(self->extra.pid));
}

/* A nested one's root may not join what the one around owns. */
TEST_F(perm, join_by_nested_root_is_refused)
{
	int fd = start_nested_root(_metadata, self);

	EXPECT_EQ(-EPERM, child_call(&self->extra, do_setns, fd,
				     CLONE_NEWMETRICS));
}

/* Nor may root of another user namespace of the same user. */
TEST_F(perm, join_by_sibling_user_ns_is_refused)
{
	ASSERT_EQ(0, child_call(&self->user, do_enter_user_ns, 0, 0));
	EXPECT_EQ(-EPERM, child_call(&self->user, do_setns, self->outer_fd,
				     CLONE_NEWMETRICS));
}

/* Nor another user, not even with a user namespace of his own. */
TEST_F(perm, join_by_other_user_is_refused)
{
	EXPECT_EQ(-EPERM, child_call(&self->other, do_setns, self->outer_fd,
				     CLONE_NEWMETRICS));
	ASSERT_EQ(0, child_call(&self->other, do_enter_user_ns, 0, 0));
	EXPECT_EQ(-EPERM, child_call(&self->other, do_setns, self->outer_fd,
				     CLONE_NEWMETRICS));
}

/* --- ptrace(2) --- */

/* A tracer outside reads the ID of its tracee inside while that is stopped. */
TEST_F(perm, tracer_reads_id)
{
	EXPECT_EQ(ns_id(self->inner_fd),
		  child_call(&self->user, do_traced_status_id, self->inner.pid,
			     0));
	EXPECT_EQ(ns_id(self->inner_fd),
		  child_call(&self->user, do_traced_get_id, self->inner.pid,
			     self->inner.pid));
}

/* Tracing brings the tracer no nearer to the tracee's namespace. */
TEST_F(perm, tracer_stays_outside)
{
	EXPECT_EQ(ns_id_of(0), child_call(&self->user, do_traced_get_id,
					  self->inner.pid, 0));
}

/* Nor does it lead a tracer inside out to its tracee. */
TEST_F(perm, tracer_stays_inside)
{
	struct child tracer, tracee;

	ASSERT_EQ(0, child_start(&tracee));
	ASSERT_EQ(0, child_start_inside(&tracer, self->outer_fd));
	EXPECT_EQ(0, child_call(&tracer, do_traced_status_id, tracee.pid, 0));
	EXPECT_EQ(-EINVAL, child_call(&tracer, do_traced_join, tracee.pid, 0));
	EXPECT_EQ(ns_id(self->outer_fd), ns_id_of(tracer.pid));
}

/* --- scopes and the host's view, by roots of user namespaces --- */

/*
 * fixture's rootless	root of a user namespace, in the metrics namespace
 *			that this owns
 * fixture's extra	another process there
 * nested		root of a user namespace in that one, in the metrics
 *			namespace that this one owns
 */
static long start_users(FIXTURE_DATA(scope) *self, struct child *nested,
			int *rootless_fd, int *nested_fd)
{
	long ret = child_start_rootless(&self->rootless);

	if (!ret)
		ret = start_below(nested, &self->rootless, CLONE_NEWMETRICS);
	if (ret)
		return ret;
	*rootless_fd = open_ns(self->rootless.pid);
	*nested_fd = open_ns(nested->pid);
	if (*rootless_fd < 0 || *nested_fd < 0)
		return -errno;
	return start_in(&self->extra, &self->rootless);
}

/* Root of a user namespace may scope to a cgroup that is delegated to it. */
TEST_F(scope, by_outer_root)
{
	struct child nested;
	int fd, nested_fd;

	ASSERT_EQ(0, delegate(self->root, NOBODY));
	ASSERT_EQ(0, delegate(self->a, NOBODY));
	ASSERT_EQ(0, start_users(self, &nested, &fd, &nested_fd));
	ASSERT_EQ(0, cgroup_move(self->root, self->extra.pid));
	EXPECT_EQ(0, child_call(&self->extra, do_set_scope_fd, nested_fd,
				self->a));
}

/* To no other: it is root for no cgroup of the machine's root. */
TEST_F(scope, by_outer_root_not_delegated)
{
	struct child nested;
	int fd, nested_fd;

	ASSERT_EQ(0, start_users(self, &nested, &fd, &nested_fd));
	EXPECT_EQ(-EPERM, child_call(&self->extra, do_set_scope_fd, nested_fd,
				     self->a));
}

/*
 * A second process in place of "extra", outside of all namespaces and in a cgroup where
 * it is allowed to name "a": what it lacks is a capability, if anything.
 */
static long restart_extra(FIXTURE_DATA(scope) *self, child_fn become, long arg,
			  uid_t uid)
{
	long ret = delegate(self->root, uid);

	if (!ret)
		ret = delegate(self->a, uid);
	child_stop(&self->extra);
	if (!ret)
		ret = child_start(&self->extra);
	if (!ret)
		ret = cgroup_move(self->root, self->extra.pid);
	return ret ? ret : child_call(&self->extra, become, arg, 0);
}

/* A delegated cgroup gives no right to a namespace. */
TEST_F(scope, by_other_user_delegated)
{
	struct child nested;
	int fd, nested_fd;

	ASSERT_EQ(0, start_users(self, &nested, &fd, &nested_fd));
	ASSERT_EQ(0, restart_extra(self, do_become_other, 0, OTHER));
	EXPECT_EQ(-EPERM, child_call(&self->extra, do_set_scope_fd, fd,
				     self->a));
	EXPECT_TRUE(is_unset(fd));
}

static long do_join_user_ns(long pid, long unused)
{
	long ret = do_become_nobody(0, 0);

	return ret ? ret : do_join(pid, CLONE_NEWUSER);
}

/* Nor does it to the root of a user namespace below the owner's, who has another. */
TEST_F(scope, by_nested_root_delegated)
{
	struct child nested;
	int fd, nested_fd;

	ASSERT_EQ(0, start_users(self, &nested, &fd, &nested_fd));
	ASSERT_EQ(0, restart_extra(self, do_join_user_ns, nested.pid, NOBODY));
	EXPECT_EQ(-EPERM, child_call(&self->extra, do_set_scope_fd, fd,
				     self->a));
	EXPECT_TRUE(is_unset(fd));
	EXPECT_EQ(0, child_call(&self->extra, do_set_scope_fd, nested_fd,
				self->a));
}

static long do_become_root_of_user_ns(long unused, long unused2)
{
	long ret = do_become_nobody(0, 0);

	return ret ? ret : do_enter_user_ns(0, 0);
}

/* Nor to that of a user namespace beside it. */
TEST_F(scope, by_sibling_root_delegated)
{
	struct child nested;
	int fd, nested_fd;

	ASSERT_EQ(0, start_users(self, &nested, &fd, &nested_fd));
	ASSERT_EQ(0, restart_extra(self, do_become_root_of_user_ns, 0, NOBODY));
	EXPECT_EQ(-EPERM, child_call(&self->extra, do_set_scope_fd, fd,
				     self->a));
	EXPECT_TRUE(is_unset(fd));
}

/* Who has a host view may pass it on, root of a user namespace or not. */
TEST_F(scope, host_view_passed_on)
{
	struct child nested;
	int fd, nested_fd;

	ASSERT_EQ(0, start_users(self, &nested, &fd, &nested_fd));
	ASSERT_EQ(0, set_scope_and_flags(fd, self->a, METRICS_NS_HOST_VIEW));
	EXPECT_EQ(0, child_call(&self->extra, do_set_flags_fd, nested_fd,
				METRICS_NS_HOST_VIEW));
}

/* Who has none can't grant one, not even the machine's root inside. */
TEST_F(scope, host_view_not_granted_from_inside)
{
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	ASSERT_EQ(0, child_start_inside(&self->extra, self->outer_fd));
	EXPECT_EQ(-EPERM, child_call(&self->extra, do_set_flags_fd,
				     self->inner_fd, METRICS_NS_HOST_VIEW));
}

/* --- core dumps --- */

#define CORE_PATTERN	"/proc/sys/kernel/core_pattern"
/* What the kernel takes of a pattern. */
#define CORE_PATTERN_MAX 127
/* Starting a program takes that long nowhere. */
#define HELPER_MS	20000

/* Where the program for core dumps says who it is. */
FIXTURE(core) {
	struct child c;
	/* With a newline and a zero, and not full then. */
	char pattern[CORE_PATTERN_MAX + 3];
	char fifo[32];
	int fd;
};

/* A pattern that starts this program; false if it is too long for one. */
static bool core_helper_pattern(const char *fifo, char *pattern)
{
	char exe[PATH_MAX] = "";

	return readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0 &&
	       !strchr(exe, ' ') &&
	       snprintf(pattern, CORE_PATTERN_MAX + 1, "|%s --core-helper %s %%P",
			exe, fifo) <= CORE_PATTERN_MAX;
}

FIXTURE_SETUP(core)
{
	char pattern[CORE_PATTERN_MAX + 1];

	METRICS_NS_SETUP();
	NEEDS_ROOT();
	if (!read_file_at(AT_FDCWD, CORE_PATTERN, self->pattern,
			  sizeof(self->pattern)))
		SKIP(return, "kernel without CONFIG_COREDUMP");
	snprintf(self->fifo, sizeof(self->fifo), "/tmp/metrics_ns.%d",
		 getpid());
	if (!core_helper_pattern(self->fifo, pattern))
		SKIP(return, "this program's path doesn't fit a core pattern");

	ASSERT_EQ(0, child_start_ns(&self->c));
	ASSERT_EQ(0, mkfifo(self->fifo, 0600));
	self->fd = open(self->fifo, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, write_file_at(AT_FDCWD, CORE_PATTERN, pattern));
}

FIXTURE_TEARDOWN(core)
{
	write_file_at(AT_FDCWD, CORE_PATTERN, self->pattern);
	children_stop();
	unlink(self->fifo);
}

/* What the program for core dumps says of itself and of who dumps */
struct dump {
	long id;
	unsigned long inum;
	long id_of_task;
};

/* main() of the program for core dumps. */
static int core_helper(const char *fifo, pid_t pid)
{
	char who[64];
	struct stat st;
	int fd = open(fifo, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || stat("/proc/self/ns/metrics", &st))
		return 1;
	snprintf(who, sizeof(who), "%ld %lu %ld", status_id(0), st.st_ino,
		 status_id(pid));
	return write(fd, who, strlen(who)) < 0;
}

/* Let a child dump, and read what the helper says. */
static long dump(FIXTURE_DATA(core) *self, struct dump *dump)
{
	struct pollfd pfd = { .fd = self->fd, .events = POLLIN };
	char who[64];
	ssize_t len;

	kill(self->c.pid, SIGABRT);
	if (poll(&pfd, 1, HELPER_MS) != 1)
		return -ETIMEDOUT;
	len = read(self->fd, who, sizeof(who) - 1);
	if (len <= 0)
		return -EIO;
	who[len] = 0;
	return sscanf(who, "%ld %lu %ld", &dump->id, &dump->inum,
		      &dump->id_of_task) == 3 ? 0 : -EIO;
}

/* It is in the initial namespace, whose process dumps being in another. */
TEST_F(core, helper_of_inside)
{
	struct dump d;

	ASSERT_LT(0, status_id(self->c.pid));
	ASSERT_EQ(0, dump(self, &d));
	EXPECT_EQ(0, d.id);
	EXPECT_EQ(METRICS_NS_INIT_INO, d.inum);
}

/* From there it reads the ID of who dumps. */
TEST_F(core, helper_reads_id)
{
	long id = status_id(self->c.pid);
	struct dump d;

	ASSERT_LT(0, id);
	ASSERT_EQ(0, dump(self, &d));
	EXPECT_EQ(id, d.id_of_task);
}

/* So it is if that has a user namespace of its own as well. */
TEST_F(core, helper_of_user_ns)
{
	struct dump d;

	child_stop(&self->c);
	ASSERT_EQ(0, child_start_rootless(&self->c));
	ASSERT_LT(0, status_id(self->c.pid));
	ASSERT_EQ(0, dump(self, &d));
	EXPECT_EQ(0, d.id);
	EXPECT_EQ(METRICS_NS_INIT_INO, d.inum);
}

/* For core dumps, the kernel executes this program with --core-helper. */
int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--core-helper"))
		return core_helper(argv[2], atoi(argv[3]));
	return test_harness_run(argc, argv);
}
