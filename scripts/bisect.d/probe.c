// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel that comes this far boots: every type of namespace is made, used by a
 * child and freed, and what the series touches is read. What may be missing at a
 * commit is no failure; the verdict is the kernel's own, on its console. With "off"
 * as argument nothing of a metrics namespace may be there.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
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

/* A small configuration, or an early commit, may lack them, and not all may read them. */
static const char *const optional[] = {
	"/proc/diskstats", "/proc/pressure/cpu", "/proc/pressure/memory",
	"/proc/pressure/io", "/proc/pressure/irq", "/proc/host/stat",
	"/proc/host/meminfo", "/proc/host/loadavg",
};

static void read_file(const char *path, int may_lack)
{
	int fd = open(path, O_RDONLY);
	char buf[4096];
	ssize_t n;

	if (fd < 0 && may_lack && (errno == ENOENT || errno == EACCES))
		return;
	if (fd < 0)
		err(1, "%s", path);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		;
	if (n < 0)
		err(1, "%s", path);
	close(fd);
}

static void read_files(void)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		read_file(files[i], 0);
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		read_file(optional[i], 1);
}

static void require_absent(const char *path)
{
	if (!access(path, F_OK) || errno != ENOENT)
		errx(1, "%s is there, with the option off", path);
}

static void require_off(void)
{
	char status[4096] = "";
	int fd = open("/proc/self/status", O_RDONLY);

	if (!unshare(CLONE_NEWMETRICS) || errno != EINVAL)
		errx(1, "CLONE_NEWMETRICS isn't refused, with the option off");
	require_absent("/proc/self/ns/metrics");
	require_absent("/proc/host");
	if (fd < 0 || read(fd, status, sizeof(status) - 1) < 0)
		err(1, "/proc/self/status");
	if (strstr(status, "NSmetrics"))
		errx(1, "NSmetrics is there, with the option off");
	close(fd);
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

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "off"))
		require_off();
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
			use(flags[i]);
	puts("booted");
	return 0;
}
