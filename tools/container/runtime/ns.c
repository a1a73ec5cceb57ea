// SPDX-License-Identifier: GPL-2.0
/* The metrics namespace: made by a child, named from outside, then joined. */
#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../metricsns.h"
#include "cid-runtime.h"

/* Only an ancestor may name a namespace, so a child makes it and waits. */
static void child(int sock)
{
	int err = unshare(CLONE_NEWMETRICS) ? errno : 0;
	char c;

	if (write(sock, &err, sizeof(err)) == sizeof(err))
		while (read(sock, &c, 1) < 0 && errno == EINTR)
			;
	_exit(0);
}

static int read_error(int sock)
{
	ssize_t n;
	int err;

	do {
		n = read(sock, &err, sizeof(err));
	} while (n < 0 && errno == EINTR);
	return n == sizeof(err) ? err : EPIPE;
}

/**
 * cid_ns_create() - make a metrics namespace below the caller's own
 *
 * It lives as long as the returned file descriptor or a process in it.
 *
 * Return: file descriptor, or a negative errno; -EINVAL: the kernel has none.
 */
int cid_ns_create(void)
{
	int sock[2], err, fd = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock))
		return -errno;
	pid = fork();
	if (!pid) {
		close(sock[0]);
		child(sock[1]);
	}
	err = pid < 0 ? errno : 0;
	close(sock[1]);
	if (pid > 0) {
		err = read_error(sock[0]);
		if (!err) {
			fd = metricsns_open_pid(pid);
			err = fd < 0 ? errno : 0;
		}
	}
	close(sock[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return err ? -err : fd;
}

/**
 * cid_ns_is_own() - whether the caller is in a metrics namespace
 * @fd: the namespace
 */
bool cid_ns_is_own(int fd)
{
	struct stat own, st;

	return !stat("/proc/self/ns/metrics", &own) && !fstat(fd, &st) &&
	       own.st_dev == st.st_dev && own.st_ino == st.st_ino;
}

/**
 * cid_ns_join() - enter a metrics namespace
 * @fd: the namespace
 *
 * Return: 0 or a negative errno.
 */
int cid_ns_join(int fd)
{
	return setns(fd, CLONE_NEWMETRICS) ? -errno : 0;
}
