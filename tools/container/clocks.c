// SPDX-License-Identifier: GPL-2.0
/* Offsets of the clocks of a time namespace */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clocks.h"
#include "util.h"

#define NSEC_PER_SEC	1000000000L

/** clocks_supported - does the running kernel have time namespaces? */
bool clocks_supported(void)
{
	return !access("/proc/self/ns/time", F_OK);
}

/*
 * What the caller's clocks already differ by from the machine's: offsets count
 * from these, and a nested namespace starts with those of the one around it.
 */
static int inherited(const char *name, struct timespec *offset)
{
	cleanup_free char *text = NULL;
	long long sec;
	const char *p;
	long nsec;

	text = read_all_at(AT_FDCWD, "/proc/self/timens_offsets");
	if (!text)
		return -1;
	p = strstr(text, name);
	if (!p || sscanf(p + strlen(name), "%lld %ld", &sec, &nsec) != 2) {
		errno = EPROTO;
		return -1;
	}
	*offset = (struct timespec){ .tv_sec = sec, .tv_nsec = nsec };
	return 0;
}

/**
 * clocks_restart - with which offset does a clock stand at 0 now?
 * @clock: CLOCK_MONOTONIC or CLOCK_BOOTTIME
 * @offset: gets it, as /proc/PID/timens_offsets wants it: the nanoseconds are
 *	not negative
 *
 * Return: 0; -1 and errno.
 */
int clocks_restart(clockid_t clock, struct timespec *offset)
{
	const char *name = clock == CLOCK_BOOTTIME ? "boottime" : "monotonic";
	struct timespec now;

	if (inherited(name, offset) || clock_gettime(clock, &now))
		return -1;
	offset->tv_sec -= now.tv_sec;
	offset->tv_nsec -= now.tv_nsec;
	if (offset->tv_nsec < 0) {
		offset->tv_nsec += NSEC_PER_SEC;
		offset->tv_sec--;
	}
	return 0;
}
