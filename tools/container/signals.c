// SPDX-License-Identifier: GPL-2.0
/* Signals to a process that stands for another one and cleans up after it */

#include <stdbool.h>
#include <unistd.h>

#include "signals.h"

/**
 * signals_that_end - the signals to be blocked and waited for
 * @set: gets them
 *
 * All but those of job control, which stop and continue each process of a job
 * by itself. A fault ends the process even where its signal is blocked.
 */
void signals_that_end(sigset_t *set)
{
	sigfillset(set);
	sigdelset(set, SIGTSTP);
	sigdelset(set, SIGTTIN);
	sigdelset(set, SIGTTOU);
	sigdelset(set, SIGCONT);
}

/* What a terminal sends, it sends to all processes in its foreground. */
static bool is_from_terminal(const siginfo_t *info)
{
	switch (info->si_signo) {
	case SIGHUP:
	case SIGINT:
	case SIGQUIT:
	case SIGWINCH:
		return info->si_code == SI_KERNEL;
	}
	return false;
}

/* Such as SIGPIPE for a message that nobody reads */
static bool is_own_doing(const siginfo_t *info)
{
	return info->si_code == SI_USER && info->si_pid == getpid();
}

/**
 * signals_forward - send on what is meant for the other process
 * @pid: the other process
 * @info: from sigwaitinfo(2)
 */
void signals_forward(pid_t pid, const siginfo_t *info)
{
	if (info->si_signo != SIGCHLD && !is_from_terminal(info) &&
	    !is_own_doing(info))
		kill(pid, info->si_signo);
}
