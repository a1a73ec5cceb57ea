/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A struct child is a process that does nothing but call, one after the other,
 * the functions that a test names, and hand back what they return. It is forked
 * from the test, so it has the test's files as they were at that time.
 */
#ifndef __SELFTESTS_NS_CHILD_H
#define __SELFTESTS_NS_CHILD_H

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY		65534
#define MAX_CHILDREN	16

/* Return value of a function that a child calls: its errno is the child's. */
static inline long or_errno(long ret)
{
	return ret < 0 ? -errno : ret;
}

typedef long (*child_fn)(long a, long b);

struct child {
	pid_t pid;
	int request;
	int reply;
};

struct child_request {
	child_fn fn;
	long a;
	long b;
};

static pid_t children[MAX_CHILDREN];

static inline void child_serve(int request, int reply)
{
	struct child_request req;
	long ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(request, &req, sizeof(req)) == sizeof(req)) {
		ret = req.fn(req.a, req.b);
		if (write(reply, &ret, sizeof(ret)) != sizeof(ret))
			break;
	}
	_exit(0);
}

static inline bool child_register(pid_t pid)
{
	int i;

	for (i = 0; i < MAX_CHILDREN; i++) {
		if (!children[i]) {
			children[i] = pid;
			return true;
		}
	}
	return false;
}

/*
 * Start a child with clone3(2). Returns 0 or -errno. children_stop(), in the
 * fixture's teardown, ends it.
 */
static inline long child_clone(struct child *c, __u64 flags, int cgroup_fd)
{
	struct clone_args args = {
		.flags = flags,
		.exit_signal = SIGCHLD,
		.cgroup = cgroup_fd,
	};
	int request[2], reply[2];

	if (pipe2(request, O_CLOEXEC) || pipe2(reply, O_CLOEXEC))
		return -errno;

	c->pid = syscall(__NR_clone3, &args, sizeof(args));
	if (c->pid < 0)
		return -errno;
	if (!c->pid) {
		/* Its copies of the test's ends would hide the test's death. */
		close(request[1]);
		close(reply[0]);
		child_serve(request[0], reply[1]);
	}
	close(request[0]);
	close(reply[1]);
	c->request = request[1];
	c->reply = reply[0];
	return child_register(c->pid) ? 0 : -ENOSPC;
}

static inline long child_start(struct child *c)
{
	return child_clone(c, 0, 0);
}

/* Let a child begin to call a function. */
static inline bool child_begin(struct child *c, child_fn fn, long a, long b)
{
	struct child_request req = { .fn = fn, .a = a, .b = b };

	return write(c->request, &req, sizeof(req)) == sizeof(req);
}

/* Wait for what it returns; -EPIPE if the child didn't survive that. */
static inline long child_end(struct child *c)
{
	long ret;

	return read(c->reply, &ret, sizeof(ret)) == sizeof(ret) ? ret : -EPIPE;
}

static inline long child_call(struct child *c, child_fn fn, long a, long b)
{
	return child_begin(c, fn, a, b) ? child_end(c) : -EPIPE;
}

static inline void reap(pid_t pid)
{
	/* These would be whole groups. */
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
}

static inline void child_stop(struct child *c)
{
	int i;

	for (i = 0; i < MAX_CHILDREN; i++)
		if (children[i] == c->pid)
			children[i] = 0;
	close(c->request);
	close(c->reply);
	reap(c->pid);
}

static inline void children_stop(void)
{
	int i;

	for (i = 0; i < MAX_CHILDREN; i++)
		if (children[i])
			reap(children[i]);
	memset(children, 0, sizeof(children));
}

/* A change of credentials clears both; the tests go on needing them. */
static inline long after_new_creds(void)
{
	if (prctl(PR_SET_DUMPABLE, 1) || prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -errno;
	return 0;
}

static inline long do_become_nobody(long unused, long unused2)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return -errno;
	return after_new_creds();
}

/*
 * Fork a process that ends with its parent. By the time its pid is returned that
 * is sure: one that the parent's death came too early for would stay for ever.
 */
static inline long fork_bound(void)
{
	int bound[2];
	long pid;
	char c;

	if (pipe2(bound, O_CLOEXEC))
		return -errno;
	pid = or_errno(fork());
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(bound[0]);
		/* Fails if the parent was dead before. */
		if (write(bound[1], "", 1) != 1)
			_exit(1);
		close(bound[1]);
		return 0;
	}
	close(bound[1]);
	if (pid > 0 && read(bound[0], &c, 1) != 1)
		pid = -ECHILD;
	close(bound[0]);
	return pid;
}

/* Returns the pid of a process that waits for its end. */
static inline long do_fork(long unused, long unused2)
{
	long pid = fork_bound();

	if (pid)
		return pid;
	for (;;)
		pause();
}

static inline long do_reap(long pid, long unused)
{
	reap(pid);
	return 0;
}

#endif /* __SELFTESTS_NS_CHILD_H */
