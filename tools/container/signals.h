/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_SIGNALS_H
#define CID_SIGNALS_H

#include <signal.h>
#include <sys/types.h>

void signals_that_end(sigset_t *set);
void signals_forward(pid_t pid, const siginfo_t *info);

#endif
