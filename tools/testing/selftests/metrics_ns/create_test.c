// SPDX-License-Identifier: GPL-2.0
/* How a metrics namespace comes about, and who gets into it thereby. */
#include "clone3.h"

/* clone3(2) as a fork whose child does nothing but exit. */
static pid_t clone3_exit(struct clone_args *args)
{
	pid_t pid = sys_clone3(args);

	if (!pid)
		_exit(0);
	return pid < 0 ? -errno : pid;
}

static long do_clone3_exit(long flags, long unused)
{
	struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };

	return clone3_exit(&args);
}

static long do_clone3_thread(long flags, long unused)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | flags,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
	};

	return clone3_exit_vm(&args);
}

/* The bit is that of exit signal 64, which would kill the child otherwise. */
static long do_legacy_clone(long unused, long unused2)
{
	long pid;

	signal(CLONE_NEWMETRICS, SIG_IGN);
	/* Whichever of its arguments is which, they are all 0. */
	pid = syscall(__NR_clone, CLONE_NEWMETRICS, 0, 0, 0, 0);
	if (!pid)
		_exit(0);
	return or_errno(pid);
}

/* Fork a process in a new namespace and see the end of it. */
static long do_short_lived(long unused, long unused2)
{
	struct clone_args args = {
		.flags = CLONE_NEWMETRICS,
		.exit_signal = SIGCHLD,
	};
	pid_t pid = clone3_exit(&args);

	if (pid > 0 && waitpid(pid, NULL, 0) != pid)
		return -errno;
	return pid;
}

static long do_level(long unused, long unused2)
{
	struct metrics_ns_info info = {};
	int fd = open_ns(0);
	long ret = fd < 0 ? -errno : ns_get(fd, &info);

	close(fd);
	return ret ? ret : info.level;
}

/* Nest until that fails; the error, or 0 if it goes on too long. */
static long do_nest(long unused, long unused2)
{
	int i;

	for (i = 0; i <= METRICS_NS_LEVELS; i++)
		if (unshare(CLONE_NEWMETRICS))
			return -errno;
	return 0;
}

static long do_exec_pause(long unused, long unused2)
{
	execl("/proc/self/exe", "create_test", "--pause", NULL);
	return -errno;
}

FIXTURE(create) {
	struct child a, b;
};

FIXTURE_SETUP(create)
{
	METRICS_NS_SETUP();
	ASSERT_EQ(0, child_start(&self->a));
}

FIXTURE_TEARDOWN(create)
{
	children_stop();
}

/* unshare(2) puts the caller itself into the new namespace, at once. */
TEST_F(create, unshare_takes_effect_at_once)
{
	__u64 before = child_call(&self->a, do_get_id, 0, 0);

	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	EXPECT_LT(before, child_call(&self->a, do_get_id, 0, 0));
}

/* unshare(2) changes the ID in the status file too. */
TEST_F(create, unshare_changes_status)
{
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	EXPECT_EQ(ns_id_of(self->a.pid), status_id(self->a.pid));
}

/* unshare(2) of a child leaves its parent where it is. */
TEST_F(create, unshare_leaves_parent)
{
	__u64 before = ns_id_of(0);

	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	EXPECT_EQ(before, ns_id_of(0));
}

/* unshare(2) makes it together with namespaces of other types. */
TEST_F(create, unshare_with_other_types)
{
	__u64 before = ns_id_of(0);

	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS | CLONE_NEWUTS |
					     CLONE_NEWTIME));
	EXPECT_LT(before, ns_id_of(self->a.pid));
}

/* clone3(2) puts the child into the new namespace. */
TEST_F(create, clone3_child_is_inside)
{
	ASSERT_EQ(0, child_clone(&self->b, CLONE_NEWMETRICS, 0));
	EXPECT_LT(ns_id_of(0), child_call(&self->b, do_get_id, 0, 0));
}

/* clone3(2) leaves the caller outside. */
TEST_F(create, clone3_leaves_caller)
{
	__u64 before = ns_id_of(0);

	ASSERT_EQ(0, child_clone(&self->b, CLONE_NEWMETRICS, 0));
	EXPECT_EQ(before, ns_id_of(0));
}

/* Sharing memory isn't being a thread: vfork(2)'s flags go with it. */
TEST_F(create, clone3_with_vfork_flags)
{
	struct clone_args args = {
		.flags = CLONE_NEWMETRICS | CLONE_VM | CLONE_VFORK,
		.exit_signal = SIGCHLD,
	};
	long pid;

	NEEDS_CLONE3_EXIT_VM();
	pid = clone3_exit_vm(&args);
	ASSERT_LT(0, pid);
	ASSERT_TRUE(child_register(pid));
	/* The child is a zombie now, but still has its ID. */
	EXPECT_LT(status_id(0), status_id(pid));
}

/* A new thread can't be put into another namespace than its process. */
TEST_F(create, clone3_thread_is_refused)
{
	NEEDS_CLONE3_EXIT_VM();
	ASSERT_LT(0, child_call(&self->a, do_clone3_thread, 0, 0));
	EXPECT_EQ(-EINVAL, child_call(&self->a, do_clone3_thread,
				      CLONE_NEWMETRICS, 0));
}

/* A process with threads can't unshare: they would stay behind. */
TEST_F(create, unshare_with_threads_is_refused)
{
	ASSERT_LT(0, child_call(&self->a, do_start_thread, 0, 0));
	EXPECT_EQ(-EINVAL, child_unshare(&self->a, CLONE_NEWMETRICS));
}

/* unshare(2) needs CAP_SYS_ADMIN. */
TEST_F(create, unshare_needs_capability)
{
	ASSERT_EQ(0, child_call(&self->a, do_drop_admin, 0, 0));
	EXPECT_EQ(-EPERM, child_unshare(&self->a, CLONE_NEWMETRICS));
}

/* clone3(2) needs CAP_SYS_ADMIN. */
TEST_F(create, clone3_needs_capability)
{
	ASSERT_EQ(0, child_call(&self->a, do_drop_admin, 0, 0));
	EXPECT_EQ(-EPERM, child_call(&self->a, do_clone3_exit,
				     CLONE_NEWMETRICS, 0));
}

/* A refused unshare(2) changes nothing. */
TEST_F(create, refused_unshare_changes_nothing)
{
	long before = child_call(&self->a, do_get_id, 0, 0);

	ASSERT_EQ(0, child_call(&self->a, do_drop_admin, 0, 0));
	ASSERT_EQ(-EPERM, child_unshare(&self->a, CLONE_NEWMETRICS));
	EXPECT_EQ(before, child_call(&self->a, do_get_id, 0, 0));
}

/* Anybody can make one in a user namespace made by the same call. */
TEST_F(create, unprivileged_with_own_user_ns)
{
	NEEDS_ROOT();
	ASSERT_EQ(0, child_call(&self->a, do_become_nobody, 0, 0));
	ASSERT_EQ(-EPERM, child_unshare(&self->a, CLONE_NEWMETRICS));
	EXPECT_EQ(0, child_unshare(&self->a, CLONE_NEWUSER | CLONE_NEWMETRICS));
}

/* In clone(2) the bit is one of the exit signal, as ever. */
TEST_F(create, legacy_clone_makes_none)
{
	long pid = child_call(&self->a, do_legacy_clone, 0, 0);

	ASSERT_LT(0, pid);
	EXPECT_EQ(status_id(self->a.pid), status_id(pid));
}

/* user.max_metrics_namespaces limits how many there may be. */
TEST_F(create, limit_of_user_ns)
{
	long id;

	ASSERT_EQ(0, child_call(&self->a, do_enter_user_ns, 0, 0));
	ASSERT_EQ(0, child_call(&self->a, do_limit, 1, 0));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	id = status_id(self->a.pid);
	EXPECT_EQ(-ENOSPC, child_unshare(&self->a, CLONE_NEWMETRICS));
	EXPECT_EQ(id, status_id(self->a.pid));
	EXPECT_EQ(id, ns_id_of(self->a.pid));
}

/* A namespace that is gone doesn't count. */
TEST_F(create, limit_counts_the_living)
{
	ASSERT_EQ(0, child_call(&self->a, do_enter_user_ns, 0, 0));
	ASSERT_EQ(0, child_call(&self->a, do_limit, 1, 0));
	ASSERT_LT(0, child_call(&self->a, do_short_lived, 0, 0));
	EXPECT_LT(0, child_call(&self->a, do_short_lived, 0, 0));
}

/* The deepest level is 32. */
TEST_F(create, nesting_ends_at_the_limit)
{
	ASSERT_EQ(-ENOSPC, child_call(&self->a, do_nest, 0, 0));
	EXPECT_EQ(METRICS_NS_LEVELS, child_call(&self->a, do_level, 0, 0));
}

/* What a process inside forks is inside. */
TEST_F(create, fork_inherits)
{
	long pid;

	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	pid = child_call(&self->a, do_fork, 0, 0);
	ASSERT_LT(0, pid);
	EXPECT_EQ(ns_id_of(self->a.pid), ns_id_of(pid));
}

/* What it forks has the ID in its status file too. */
TEST_F(create, fork_inherits_status)
{
	long pid;

	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	pid = child_call(&self->a, do_fork, 0, 0);
	ASSERT_LT(0, pid);
	ASSERT_LT(0, status_id(self->a.pid));
	EXPECT_EQ(status_id(self->a.pid), status_id(pid));
}

/* Threads started inside have their process's ID. */
TEST_F(create, threads_inherit)
{
	long tid;

	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	tid = child_call(&self->a, do_start_thread, 0, 0);
	ASSERT_LT(0, tid);
	ASSERT_LT(0, status_id(self->a.pid));
	EXPECT_EQ(status_id(self->a.pid), thread_status_id(self->a.pid, tid));
}

/* execve(2) changes nothing. */
TEST_F(create, exec_keeps)
{
	__u64 id;

	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	id = ns_id_of(self->a.pid);
	/* The pipes are closed by a successful execve(2). */
	ASSERT_EQ(-EPIPE, child_call(&self->a, do_exec_pause, 0, 0));
	EXPECT_EQ(id, ns_id_of(self->a.pid));
}

/* A zombie has no namespaces any more, but its ID. */
TEST_F(create, zombie_keeps_id)
{
	siginfo_t info;
	long id;

	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	id = status_id(self->a.pid);
	ASSERT_LT(0, id);
	kill(self->a.pid, SIGKILL);
	ASSERT_EQ(0, waitid(P_PID, self->a.pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(id, status_id(self->a.pid));
}

/* IDs increase and so are never used again, be the former ones gone or not. */
TEST_F(create, ids_increase)
{
	__u64 id, last = 0;
	int i;

	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, child_start_ns(&self->b));
		id = ns_id_of(self->b.pid);
		EXPECT_LT(last, id);
		last = id;
		child_stop(&self->b);
	}
}

/* exec_keeps executes this program with --pause. */
int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--pause")) {
		pause();
		return 0;
	}
	return test_harness_run(argc, argv);
}
