/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_NSINFO_H
#define CID_NSINFO_H

#include <stdint.h>
#include <sys/types.h>

enum ns_kind {
	NS_PID,
	NS_MNT,
	NS_NET,
	NS_UTS,
	NS_IPC,
	NS_USER,
	NS_CGROUP,
	NS_TIME,
	NS_KINDS
};

struct ns_kind_desc {
	const char *name;	/* as in /proc/PID/ns */
	int clone_flag;
};

extern const struct ns_kind_desc ns_kinds[NS_KINDS];

/* Namespace IDs, 0 where they can't be had */
struct nsinfo {
	uint64_t id[NS_KINDS];
};

int nsinfo_id_of_fd(int fd, uint64_t *id);
int nsinfo_id(int procfd, const char *name, uint64_t *id);
void nsinfo_read(pid_t pid, struct nsinfo *info);
int proc_open(pid_t pid);

#endif
