/* SPDX-License-Identifier: GPL-2.0 */
/* Tests of what BPF reads of events, as TAP */
#ifndef HARNESS_H
#define HARNESS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "events.h"

/* A state is waited for that often, TICK_US each; it comes at once. */
#define TRIES	3000
#define TICK_US	10000

/* Any process, in expect(); any value, which is none of an errno's. */
#define ANY_PID	0
#define ANY	(1ULL << 63)

struct test {
	const char *program;	/* attached meanwhile, or NULL */
	const char *claim;
	void (*run)(void);
};

/* Each ends with one that has no claim. */
extern const struct test namespace_tests[];
extern const struct test resource_tests[];
extern const struct test verifier_tests[];

/* What a test ends with if something can't be done; the rest is left out. */
bool check(bool ok, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

const char *harness_start(void);
void harness_run(const struct test *tests);
int harness_end(void);

void events_detach(void);
const struct event *event_find(__u32 kind, pid_t pid, const __u64 *args,
			       size_t nr);
const struct event *event_expect(__u32 kind, pid_t pid, const __u64 *args,
				 size_t nr);

/* The event of that kind, by that process, with these first arguments */
#define ARGS(...)							\
	(const __u64[]){ __VA_ARGS__ },					\
	sizeof((const __u64[]){ __VA_ARGS__ }) / sizeof(__u64)
#define expect(kind, pid, ...)	event_expect(kind, pid, ARGS(__VA_ARGS__))
#define find(kind, pid, ...)	event_find(kind, pid, ARGS(__VA_ARGS__))

#endif
