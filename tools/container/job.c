// SPDX-License-Identifier: GPL-2.0
/* Processes in the foreground of a terminal: start, signals, exit code */

#include <errno.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cid.h"
#include "job.h"
#include "signals.h"
#include "util.h"

/**
 * job_block_signals - from here on signals wait for job_wait()
 * @old: gets the mask for job_exec()
 *
 * Nothing that is to be cleaned up can then be left behind by a signal. Being
 * blocked also lets the init of a pid namespace get signals at all.
 */
void job_block_signals(sigset_t *old)
{
	sigset_t set;

	/* An inherited SIG_IGN would have the kernel reap the children. */
	signal(SIGCHLD, SIG_DFL);
	signals_that_end(&set);
	sigprocmask(SIG_BLOCK, &set, old);
}

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

/**
 * job_wait - wait for a process, reap all others and forward signals to it
 * @pid: the process, a child
 *
 * Return: the process's exit code, or 128 and the signal that killed it.
 */
int job_wait(pid_t pid)
{
	siginfo_t info;
	sigset_t set;
	int status;
	pid_t ret;

	signals_that_end(&set);
	for (;;) {
		while ((ret = waitpid(-1, &status, WNOHANG)) > 0)
			if (ret == pid)
				return exit_code(status);
		if (ret < 0 && errno == ECHILD)
			return CID_OWN_ERROR;
		if (sigwaitinfo(&set, &info) > 0)
			signals_forward(pid, &info);
	}
}

/**
 * job_reap_helper - wait for a child that only prepares, and is about to exit
 * @pid: the child
 *
 * What fails in it, it says itself, unless it is killed.
 */
void job_reap_helper(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return;
	if (WIFSIGNALED(status))
		msg("killed while preparing: %s", strsignal(WTERMSIG(status)));
}

/**
 * job_fork_sibling - fork a process whose parent is the caller's parent
 *
 * What has gone into a pid namespace isn't in it, only its children are; so the
 * process that prepares everything isn't needed any more once it has one.
 *
 * Return: as fork(2).
 */
pid_t job_fork_sibling(void)
{
	struct clone_args args = { .flags = CLONE_PARENT };

	return syscall(SYS_clone3, &args, sizeof(args));
}

/**
 * job_exec - become the user's command
 * @argv: the command
 * @mask: from job_block_signals()
 */
void job_exec(char **argv, const sigset_t *mask)
{
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	if (errno == ENOENT) {
		msg("cannot run '%s': no such command", argv[0]);
		_exit(CID_NO_COMMAND);
	}
	msg("cannot run '%s': %m", argv[0]);
	_exit(CID_CANNOT_EXEC);
}

/**
 * job_send - tell the other process to go on
 * @fd: end of a socket pair
 * @val: a number for it
 *
 * Return: 0; -1 if it is gone.
 */
int job_send(int fd, int val)
{
	return send(fd, &val, sizeof(val), MSG_NOSIGNAL) == sizeof(val) ? 0 :
									  -1;
}

/**
 * job_recv - wait for the other process's word
 * @fd: end of a socket pair
 * @val: gets the number
 *
 * Return: 0; -1 if it is gone.
 */
int job_recv(int fd, int *val)
{
	ssize_t n;

	do
		n = recv(fd, val, sizeof(*val), 0);
	while (n < 0 && errno == EINTR);
	return n == sizeof(*val) ? 0 : -1;
}
