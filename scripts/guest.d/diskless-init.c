// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of a guest without a disk: one command and nothing beside it, so that
 * its instructions can be counted. The host's side is scripts/guest, which
 * has the kernel give it the command's words behind "run:", and listens at the
 * serial ports 1 (stdout), 2 (stderr) and 3 (exit status).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static const struct {
	const char *type, *path;
} mounts[] = {
	{ "devtmpfs", "/dev" },	/* the ports, to complain at */
	{ "proc", "/proc" },
	{ "sysfs", "/sys" },
	{ "cgroup2", "/sys/fs/cgroup" },
	{ "tracefs", "/sys/kernel/tracing" },
	{ "tmpfs", "/tmp" },
};

static int open_port(const char *path)
{
	struct termios raw;
	int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0 && !tcgetattr(fd, &raw)) {
		cfmakeraw(&raw);
		tcsetattr(fd, TCSANOW, &raw);
	}
	return fd;
}

/* QEMU doesn't reboot, but ends; and every kernel knows how to. */
static void power_off(void)
{
	reboot(RB_AUTOBOOT);
	exit(1);
}

/* Without a status the host takes the run for a failure of the guest. */
static void die(const char *what)
{
	fprintf(stderr, "diskless-init: %s: %s\n", what, strerror(errno));
	power_off();
}

/* A file system that the kernel may be without is the command's affair. */
static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].path, 0755);
		if (mount(mounts[i].type, mounts[i].path, mounts[i].type, 0,
			  NULL) && errno != ENODEV && errno != ENOENT)
			die(mounts[i].path);
	}
}

static void run(char **argv, int out, int err)
{
	int null = open("/dev/null", O_RDONLY);

	if (dup2(null, 0) || dup2(out, 1) != 1 || dup2(err, 2) != 2)
		_exit(125);
	setsid();
	execv(argv[0], argv);
	fprintf(stderr, "diskless-init: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int main(int argc, char **argv)
{
	int out, err, status_port, status;
	pid_t pid;

	(void)argc;
	mount_all();
	out = open_port("/dev/ttyS1");
	err = open_port("/dev/ttyS2");
	status_port = open_port("/dev/ttyS3");
	if (out < 0 || err < 0 || status_port < 0)
		die("serial ports");
	while (*argv && strcmp(*argv, "run:"))
		argv++;
	if (!*argv || !argv[1])
		die("no command");
	setenv("PATH", "/bin", 1);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		run(argv + 1, out, err);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("wait");
	dprintf(status_port, "%d\n", WIFSIGNALED(status) ?
		128 + WTERMSIG(status) : WEXITSTATUS(status));
	/* What the ports have in their buffers has to be out before. */
	tcdrain(out);
	tcdrain(err);
	tcdrain(status_port);
	power_off();
}
