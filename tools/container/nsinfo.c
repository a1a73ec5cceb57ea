// SPDX-License-Identifier: GPL-2.0
/*
 * Namespaces by their ns_id. The inode number that /proc/PID/ns shows is given
 * to another namespace when the first is gone; the ns_id never is.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "metricsns_abi.h"
#include "nsinfo.h"
#include "util.h"

const struct ns_kind_desc ns_kinds[NS_KINDS] = {
	[NS_PID]	= { "pid", CLONE_NEWPID },
	[NS_MNT]	= { "mnt", CLONE_NEWNS },
	[NS_NET]	= { "net", CLONE_NEWNET },
	[NS_UTS]	= { "uts", CLONE_NEWUTS },
	[NS_IPC]	= { "ipc", CLONE_NEWIPC },
	[NS_USER]	= { "user", CLONE_NEWUSER },
	[NS_CGROUP]	= { "cgroup", CLONE_NEWCGROUP },
	[NS_TIME]	= { "time", CLONE_NEWTIME },
};

/**
 * proc_open - open the directory of a process in /proc
 * @pid: the process, 0 for the caller
 *
 * What is opened below it is that process, or fails once it is gone, whoever
 * gets its number then.
 *
 * Return: a file descriptor; -1 and errno.
 */
int proc_open(pid_t pid)
{
	char path[32];

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d", pid);
	return open(pid ? path : "/proc/self",
		    O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/**
 * nsinfo_id_of_fd - the ns_id of an open namespace
 * @fd: the namespace
 * @id: gets the ns_id
 *
 * Return: 0; -1 and errno.
 */
int nsinfo_id_of_fd(int fd, uint64_t *id)
{
	__u64 val;

	if (ioctl(fd, NS_GET_ID, &val))
		return -1;
	*id = val;
	return 0;
}

/**
 * nsinfo_id - the ns_id of one of a process's namespaces
 * @procfd: from proc_open()
 * @name: as in /proc/PID/ns
 * @id: gets the ns_id
 *
 * Return: 0; -1 and errno.
 */
int nsinfo_id(int procfd, const char *name, uint64_t *id)
{
	char path[32];

	snprintf(path, sizeof(path), "ns/%s", name);
	cleanup_close int fd = openat(procfd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return nsinfo_id_of_fd(fd, id);
}

/**
 * nsinfo_read - the ns_ids of a process's namespaces
 * @pid: the process, 0 for the caller
 * @info: gets them; 0 stands for one that can't be had, as the process is
 *	gone, or the caller may not, or the kernel has no such namespaces
 */
void nsinfo_read(pid_t pid, struct nsinfo *info)
{
	cleanup_close int procfd = proc_open(pid);

	memset(info, 0, sizeof(*info));
	if (procfd < 0)
		return;
	for (int i = 0; i < NS_KINDS; i++)
		if (nsinfo_id(procfd, ns_kinds[i].name, &info->id[i]))
			info->id[i] = 0;
}
