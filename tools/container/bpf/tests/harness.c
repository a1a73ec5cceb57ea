// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the tests, each with its program attached and no other, and keeps what
 * that tells until the test is over.
 */

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "children.h"
#include "events.skel.h"
#include "harness.h"
#include "util.h"

static struct events_bpf *skel;
static struct ring_buffer *ring;
static struct bpf_link *attached;

static struct event *events;
static size_t nr_events;

static unsigned int count, failures;
static bool failed, skipped;
static char reason[256];

/**
 * check - a test fails unless this is so
 * @ok: what should be true
 * @fmt: what is said otherwise, as for printf(3)
 *
 * Return: @ok.
 */
bool check(bool ok, const char *fmt, ...)
{
	va_list args;

	if (ok)
		return true;
	failed = true;
	printf("# ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	return false;
}

/**
 * skip - the test can't be run here
 * @fmt: why, as for printf(3)
 */
void skip(const char *fmt, ...)
{
	va_list args;

	skipped = true;
	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
}

static int keep(void *unused, void *data, size_t size)
{
	(void)unused;
	if (size < sizeof(*events))
		return 0;
	if (nr_events % 256 == 0)
		events = xreallocarray(events, nr_events + 256,
				       sizeof(*events));
	memcpy(&events[nr_events++], data, sizeof(*events));
	return 0;
}

/**
 * harness_start - load the programs
 *
 * Return: NULL, or why that can't be.
 */
const char *harness_start(void)
{
	int err;

	setvbuf(stdout, NULL, _IOLBF, 0);
	skel = events_bpf__open();
	if (!skel)
		return "the programs can't be opened";
	err = events_bpf__load(skel);
	if (err)
		return strerror(-err);
	ring = ring_buffer__new(bpf_map__fd(skel->maps.ring), keep, NULL,
				NULL);
	return ring ? NULL : "the ring buffer can't be mapped";
}

static bool attach(const char *name)
{
	struct bpf_program *program;

	program = bpf_object__find_program_by_name(skel->obj, name);
	if (!check(program, "there is no program %s", name))
		return false;
	attached = bpf_program__attach(program);
	return check(attached, "%s can't be attached: %s", name,
		     strerror(errno));
}

/** events_detach - let the test's program see nothing from here on */
void events_detach(void)
{
	bpf_link__destroy(attached);
	attached = NULL;
}

static void forget(void)
{
	ring_buffer__consume(ring);
	nr_events = 0;
	skel->bss->lost = 0;
}

static void report(const struct test *test)
{
	const char *name = test->program ? test->program : "verifier";

	count++;
	if (failed) {
		failures++;
		printf("not ok %u - bpf: %s: %s\n", count, name, test->claim);
	} else if (skipped) {
		printf("ok %u - bpf: %s: %s # SKIP %s\n", count, name,
		       test->claim, reason);
	} else {
		printf("ok %u - bpf: %s: %s\n", count, name, test->claim);
	}
}

/**
 * harness_run - run tests, one after the other
 * @tests: the tests
 */
void harness_run(const struct test *tests)
{
	for (const struct test *test = tests; test->claim; test++) {
		failed = false;
		skipped = false;
		if (!test->program || attach(test->program))
			test->run();
		events_detach();
		children_stop();
		groups_remove();
		forget();
		report(test);
	}
}

/**
 * harness_end - unload the programs and print the plan
 *
 * Return: exit status.
 */
int harness_end(void)
{
	ring_buffer__free(ring);
	events_bpf__destroy(skel);
	free(events);
	printf("1..%u\n", count);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool matches(const struct event *e, __u32 kind, pid_t pid,
		    const __u64 *args, size_t nr)
{
	if (e->kind != kind || (pid != ANY_PID && e->pid != (__u32)pid))
		return false;
	for (size_t i = 0; i < nr; i++)
		if (args[i] != ANY && args[i] != e->arg[i])
			return false;
	return true;
}

/**
 * event_find - has the program told of such an event?
 * @kind: which program
 * @pid: the process that traced it, or ANY_PID
 * @args: what the first arguments are; ANY is any
 * @nr: how many
 *
 * Return: the first such event, until the next call; NULL.
 */
const struct event *event_find(__u32 kind, pid_t pid, const __u64 *args,
			       size_t nr)
{
	ring_buffer__consume(ring);
	for (size_t i = 0; i < nr_events; i++)
		if (matches(&events[i], kind, pid, args, nr))
			return &events[i];
	return NULL;
}

static void say_values(const char *what, pid_t pid, const __u64 *args,
		       size_t nr)
{
	printf("# %s: pid=%d args:", what, pid);
	for (size_t i = 0; i < nr; i++)
		if (args[i] == ANY)
			printf(" *");
		else
			printf(" %lld", (long long)args[i]);
	printf("\n");
}

static void say_missing(__u32 kind, pid_t pid, const __u64 *args, size_t nr)
{
	size_t said = 0;

	say_values("expected", pid, args, nr);
	for (size_t i = 0; i < nr_events && said < 10; i++)
		if (events[i].kind == kind && ++said)
			say_values("got", events[i].pid, events[i].arg, nr);
	printf("# %zu events in all, %llu lost\n", nr_events,
	       (unsigned long long)skel->bss->lost);
}

/**
 * event_expect - there must be such an event, sooner or later
 *
 * Its arguments are those of event_find().
 *
 * Return: the event, until the next call; NULL, and the test has failed.
 */
const struct event *event_expect(__u32 kind, pid_t pid, const __u64 *args,
				 size_t nr)
{
	const struct event *e = event_find(kind, pid, args, nr);

	for (int i = 0; !e && i < TRIES; i++) {
		usleep(TICK_US);
		e = event_find(kind, pid, args, nr);
	}
	if (!e) {
		failed = true;
		say_missing(kind, pid, args, nr);
	}
	return e;
}
