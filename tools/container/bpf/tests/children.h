/* SPDX-License-Identifier: GPL-2.0 */
/* Processes and cgroups of a test; both are gone when it is over. */
#ifndef CHILDREN_H
#define CHILDREN_H

#include <limits.h>
#include <linux/types.h>
#include <stdint.h>
#include <sys/types.h>

struct group {
	int fd;
	__u64 id;		/* the inode number of its directory */
	char path[PATH_MAX];
};

struct child {
	pid_t pid;
	int result;		/* a pipe */
};

/* What a child does; what it returns is handed to the test. */
typedef long child_fn(void *arg);

int child_start(struct child *c, const struct group *g, child_fn *fn,
		void *arg);
long child_result(struct child *c);
long child_do(struct child *c, const struct group *g, child_fn *fn, void *arg);
void child_stop(struct child *c);
void children_stop(void);

uint64_t ns_id_of(pid_t pid, const char *name);

const char *group_top(struct group *top);
int group_make(struct group *g, const struct group *parent, const char *name);
int group_write(const struct group *g, const char *file, const char *value);
void groups_remove(void);

#endif
