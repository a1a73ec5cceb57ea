/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_CGROUP_H
#define CID_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The cgroup2 hierarchy as this mount namespace has it */
struct cgroup_fs {
	char *path;		/* mount point, NULL without cgroup2 */
	char *controllers;	/* of its top, "" without */
	bool legacy;		/* there are cgroup v1 mounts */
};

struct cgroup_limits {
	uint64_t memory;	/* bytes, 0: not limited */
	char cpu_max[48];	/* "": not limited */
	const char *cpuset;	/* NULL: not limited */
};

/* A cgroup that cid made and has to remove */
struct cgroup_own {
	int parent_fd;		/* -1: none was made */
	int fd;
	char *name;
	char *path;		/* below the mount point, for messages */
};

/* What the view and 'cid top' get their numbers from, if there is no limit */
extern const char *const cgroup_controllers[5];

int cgroup_find(struct cgroup_fs *fs);
void cgroup_fs_free(struct cgroup_fs *fs);
bool cgroup_has_view(const struct cgroup_fs *fs);

char *cgroup_of_proc(int procfd);
char *cgroup_of_pid(pid_t pid);
int cgroup_open(const struct cgroup_fs *fs, const char *path);
char *cgroup_path_by_id(const struct cgroup_fs *fs, uint64_t id);
int cgroup_enter(int fd, pid_t pid);

int cgroup_read_u64(int fd, const char *file, uint64_t *val);
int cgroup_read_key(int fd, const char *file, const char *key, uint64_t *val);
int cgroup_memory_limit(const struct cgroup_fs *fs, const char *path,
			uint64_t *limit);

int cgroup_create(const struct cgroup_fs *fs, const char *label,
		  const struct cgroup_limits *limits, struct cgroup_own *own);
int cgroup_remove(struct cgroup_own *own);

#endif
