/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_JOB_H
#define CID_JOB_H

#include <signal.h>
#include <sys/types.h>

void job_block_signals(sigset_t *old);
int job_wait(pid_t pid);
void job_reap_helper(pid_t pid);
pid_t job_fork_sibling(void);
void job_exec(char **argv, const sigset_t *mask)
	__attribute__((noreturn));

int job_send(int fd, int val);
int job_recv(int fd, int *val);

#endif
