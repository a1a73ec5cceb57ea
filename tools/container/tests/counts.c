// SPDX-License-Identifier: GPL-2.0
/*
 * What the C library says of the machine: online and configured CPUs, those that may be
 * used, memory in KiB, and the load of the last minute. It is built with musl as well,
 * which counts what may be used where glibc reads /sys.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <unistd.h>

int main(void)
{
	double load = -1;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) || getloadavg(&load, 1) != 1)
		return 1;
	printf("%ld %ld %d %d %ld %.2f\n", sysconf(_SC_NPROCESSORS_ONLN),
	       sysconf(_SC_NPROCESSORS_CONF), get_nprocs(), CPU_COUNT(&set),
	       sysconf(_SC_PHYS_PAGES) * (sysconf(_SC_PAGESIZE) / 1024), load);
	return 0;
}
