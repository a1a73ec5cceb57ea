// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel that comes this far boots: every type of namespace is made, used by a
 * child and freed, and what the series touches is read. What may be missing at a
 * commit is no failure; the verdict is the kernel's own, on its console.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../tools/container/metricsns_abi.h"

static const int flags[] = {
	CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET,
	CLONE_NEWUSER, CLONE_NEWCGROUP, CLONE_NEWTIME, CLONE_NEWMETRICS,
};

static const char *const files[] = {
	"/proc/stat", "/proc/meminfo", "/proc/uptime", "/proc/cpuinfo",
	"/proc/loadavg", "/proc/swaps", "/proc/vmstat", "/proc/self/status",
	"/sys/devices/system/cpu/online",
};

static void read_files(void)
{
	char buf[4096];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		int fd = open(files[i], O_RDONLY);
		ssize_t n;

		if (fd < 0)
			err(1, "%s", files[i]);
		while ((n = read(fd, buf, sizeof(buf))) > 0)
			;
		if (n < 0)
			err(1, "%s", files[i]);
		close(fd);
	}
}

static void use(int flag)
{
	struct sysinfo info;
	int status;

	if (fork()) {
		if (wait(&status) < 0 || status)
			errx(1, "a child failed with flag %#x", flag);
		return;
	}
	if (unshare(flag) && errno != EINVAL)
		err(1, "unshare(%#x)", flag);
	if (!fork()) {
		read_files();
		_exit(sysinfo(&info) ? 1 : 0);
	}
	_exit(wait(&status) < 0 || status ? 1 : 0);
}

int main(void)
{
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			use(flags[i]);
	puts("booted");
	return 0;
}
