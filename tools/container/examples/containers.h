/* SPDX-License-Identifier: GPL-2.0 */
/* What the three examples have in common: the table of containers */
#ifndef CONTAINERS_H
#define CONTAINERS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Set by SIGINT and SIGTERM */
extern volatile sig_atomic_t stopped;

void stop_on_signals(void);
void die(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

void containers_list(void);
void container_created(uint64_t id);
void container_labelled(uint64_t id, const char *label);
void container_freed(uint64_t id);

#endif
