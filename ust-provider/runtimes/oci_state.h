/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_OCI_STATE_H
#define CID_OCI_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sources.h"
#include "statefile.h"

/**
 * struct oci_state - what crun or runc has written down of one container
 * @stamp: of the file that it was read from
 * @runtime: a literal, NULL: nothing has been read
 * @pid: of its init, or 0
 * @start: when that has started, as in /proc/PID/stat; 0: not known
 * @cgroup: below the mount point, or NULL
 * @bundle: path of its folder with config.json, or NULL
 */
struct oci_state {
	struct file_stamp stamp;
	const char *runtime;
	pid_t pid;
	uint64_t start;
	char *cgroup;
	char *bundle;
};

bool oci_state_name(const char *name);
bool oci_state_read(struct oci_state *st, int dirfd, uid_t uid);
void oci_state_clear(struct oci_state *st);
bool oci_waits(int dirfd);
bool oci_pid_alive(pid_t pid, uint64_t start, uid_t uid);
enum container_state oci_state_now(const struct oci_state *st, int dirfd, uid_t uid);

#endif
