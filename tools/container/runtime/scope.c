// SPDX-License-Identifier: GPL-2.0
/*
 * Containers that share the host's cgroup namespace: the wrapper stays
 * outside as the runtime's parent and sets the scope when the runtime has
 * put the container into its cgroup.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../cgroup.h"
#include "../metricsns.h"
#include "../signals.h"
#include "cid-runtime.h"

#define POLL_FIRST_MS	20
#define POLL_MAX_MS	500
#define POLL_TOTAL_S	10

/**
 * struct watch - a runtime that runs as the wrapper's child
 * @pid: its process
 * @status: its wait status once it has ended
 * @runtime: its path
 * @args: the container
 * @ns_fd: the container's metrics namespace
 */
struct watch {
	pid_t pid;
	int status;
	const char *runtime;
	const struct cid_args *args;
	int ns_fd;
};

/**
 * cid_scope_possible() - whether there are cgroups that can be a scope
 */
bool cid_scope_possible(void)
{
	struct cgroup_fs fs;
	bool possible;

	if (cgroup_find(&fs))
		return false;
	possible = cgroup_has_view(&fs);
	cgroup_fs_free(&fs);
	return possible;
}

static int open_cgroup(const char *cgroup)
{
	struct cgroup_fs fs;
	int fd;

	if (cgroup_find(&fs))
		return -1;
	fd = cgroup_open(&fs, cgroup);
	cgroup_fs_free(&fs);
	return fd;
}

static void set_scope(const struct watch *w, const char *cgroup)
{
	int fd = open_cgroup(cgroup);

	if (fd < 0 || metricsns_set(w->ns_fd, NULL, fd, 0))
		cid_note("no view of its own for %s: cgroup %s: %s",
			 w->args->id, cgroup, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/*
 * Returns true when there is nothing left to try. Before the runtime has
 * moved it, the container's process is in the wrapper's cgroup.
 */
static bool try_scope(const struct watch *w)
{
	pid_t pid = cid_container_pid(w->runtime, w->args);
	char *own, *cgroup;
	bool placed;

	if (!pid)
		return false;
	own = cgroup_of_pid(0);
	cgroup = cgroup_of_pid(pid);
	placed = own && cgroup && strcmp(own, cgroup);
	if (placed)
		set_scope(w, cgroup);
	free(own);
	free(cgroup);
	return placed;
}

/* Socket activation names the process that the descriptors are for. */
static void move_listen_pid(pid_t parent)
{
	const char *listen = getenv("LISTEN_PID");
	char number[16];

	snprintf(number, sizeof(number), "%d", parent);
	if (!listen || strcmp(listen, number))
		return;
	snprintf(number, sizeof(number), "%d", getpid());
	setenv("LISTEN_PID", number, 1);
}

static void run_child(const char *runtime, char **argv, int ns_fd,
		      pid_t parent)
{
	int err = cid_ns_join(ns_fd);

	if (err)
		cid_die(CID_EXIT_FAILED, "metrics namespace: %s",
			strerror(-err));
	/* whoever kills the wrapper means the runtime */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CID_EXIT_FAILED);
	move_listen_pid(parent);
	cid_exec(runtime, argv);
}

/* Returns true when the runtime has ended. */
static bool wait_for(struct watch *w, const sigset_t *set, long ms)
{
	struct timespec timeout = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000,
	};
	siginfo_t info;

	if (sigtimedwait(set, &info, ms < 0 ? NULL : &timeout) > 0)
		signals_forward(w->pid, &info);
	return waitpid(w->pid, &w->status, WNOHANG) == w->pid;
}

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/*
 * create: the container is complete, and not started, when the runtime has
 * ended. run and restore: the runtime may stay, so its state is looked at
 * for a while, and when it has ended.
 */
static void watch_runtime(struct watch *w, const sigset_t *set)
{
	bool create = w->args->cmd == CID_CMD_CREATE;
	bool ended = false, done = false;
	long ms = POLL_FIRST_MS;
	time_t end = seconds() + POLL_TOTAL_S;

	while (!create && !ended && !done && seconds() < end) {
		ended = wait_for(w, set, ms);
		done = try_scope(w);
		ms = ms * 2 < POLL_MAX_MS ? ms * 2 : POLL_MAX_MS;
	}
	while (!ended)
		ended = wait_for(w, set, -1);
	/* Of run, one that is detached may have taken longer. */
	if (!done && WIFEXITED(w->status) && !WEXITSTATUS(w->status))
		done = try_scope(w);
	if (!done)
		cid_note("no view of its own for %s: no cgroup of it seen",
			 w->args->id);
}

static int end_as(int status)
{
	struct sigaction act = { .sa_handler = SIG_DFL };
	sigset_t set;
	int sig;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	sig = WTERMSIG(status);
	prctl(PR_SET_DUMPABLE, 0);	/* the core is the runtime's */
	sigaction(sig, &act, NULL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 128 + sig;
}

/**
 * cid_scope_run() - run the runtime inside a namespace and set its scope
 * @runtime: its path
 * @argv: the wrapper's own argv
 * @args: the same, understood
 * @ns_fd: the container's metrics namespace
 *
 * Return: the runtime's exit code; if a signal ended it, the same signal
 * ends the wrapper.
 */
int cid_scope_run(const char *runtime, char **argv,
		  const struct cid_args *args, int ns_fd)
{
	struct watch w = { .runtime = runtime, .args = args, .ns_fd = ns_fd };
	pid_t parent = getpid();
	sigset_t set;

	signals_that_end(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	w.pid = fork();
	if (w.pid < 0)
		cid_die(CID_EXIT_FAILED, "fork: %s", strerror(errno));
	if (!w.pid)
		run_child(runtime, argv, ns_fd, parent);
	watch_runtime(&w, &set);
	return end_as(w.status);
}
