// SPDX-License-Identifier: GPL-2.0
/* What the kernel says of metrics namespaces, as lines for shell tests. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../metricsns.h"

static int list(void)
{
	uint64_t *ids;
	size_t nr;

	if (metricsns_list(&ids, &nr)) {
		fprintf(stderr, "ns_info: listns: %s\n", strerror(errno));
		return 1;
	}
	for (size_t i = 0; i < nr; i++)
		printf("%" PRIu64 "\n", ids[i]);
	free(ids);
	return 0;
}

static int show(pid_t pid)
{
	char label[NS_METRICS_LABEL_MAX + 1];
	struct metrics_ns_info info;
	int fd = metricsns_open_pid(pid);

	if (fd < 0 || metricsns_get(fd, &info)) {
		fprintf(stderr, "ns_info: %d: %s\n", pid, strerror(errno));
		return 1;
	}
	metricsns_label(&info, label);
	printf("id=%llu\nlevel=%u\nscope_id=%llu\nflags=%u\nlabel=%s\n",
	       info.id, info.level, info.scope_id, info.flags, label);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--list"))
		return list();
	if (argc == 2 && atoi(argv[1]) > 0)
		return show(atoi(argv[1]));
	fputs("Usage: ns_info PID | ns_info --list\n"
	      "Print a process's metrics namespace, or the ids of all.\n",
	      stderr);
	return 2;
}
