// SPDX-License-Identifier: GPL-2.0
/*
 * ust-app NAME N: an application that traces itself with LTTng-UST: it tells N times
 * that it works, under this name.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "ust_app_tp.h"

int main(int argc, char **argv)
{
	unsigned long i, n;
	char *end;

	errno = 0;
	n = argc == 3 ? strtoul(argv[2], &end, 10) : 0;
	if (!n || errno || *end) {
		fprintf(stderr, "usage: ust-app NAME N\n");
		return 2;
	}
	for (i = 0; i < n; i++)
		lttng_ust_tracepoint(ust_app, work, argv[1], i);
	return 0;
}
