/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_CONTAINER_H
#define CID_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroup.h"
#include "metricsns.h"
#include "nsinfo.h"

#define MAX_PID_LEVELS	33	/* MAX_PID_NS_LEVEL and the host */
#define NO_CONTAINER	(-1)
#define NS_LINK_SIZE	32	/* of /proc/PID/ns/NAME, with its end */

struct process {
	pid_t pid;
	char comm[64];		/* kernel threads' names are the longest */
	char state;
	uint64_t metrics_id;	/* 0: the initial namespace, or unreadable */
	uint64_t ns_id;		/* where there is no ID; 0: the caller's */
	bool by_cgroupns;	/* what ns_id is of, if not of a pid namespace */
	int nspid[MAX_PID_LEVELS];
	int nr_nspid;
	bool unreadable;	/* in another pid namespace, but which? */
	long container;		/* index, or NO_CONTAINER */
};

/*
 * A metrics namespace other than the initial one; or, without an ID, the
 * processes of a foreign pid namespace for which nobody made one, or, in the
 * caller's, of a foreign cgroup namespace.
 */
struct container {
	bool has_id;
	struct metrics_ns_info info;		/* only with an ID */
	bool foreign;				/* another user namespace's */
	char label[NS_METRICS_LABEL_MAX + 1];	/* "": none */
	uint64_t ns_id;				/* only without an ID */
	bool by_cgroupns;
	char *scope;				/* path, or NULL */
	char *cgroup;				/* path, or NULL */
	long first;				/* index of a process, or -1 */
	size_t nr_procs;
};

struct inventory {
	struct container *containers;
	size_t nr;
	struct process *procs;			/* ascending pid */
	size_t nr_procs;
	struct cgroup_fs fs;
	uint64_t own_pidns;
	char own_cgroupns[NS_LINK_SIZE];	/* "": can't be read */
	uint64_t own_cgroupns_id;
	uint64_t own_userns;			/* 0: a kernel without */
	size_t nr_unreadable;
};

int inventory_load(struct inventory *inv);
void inventory_free(struct inventory *inv);
void inventory_say_partial(const struct inventory *inv);

int inventory_look_up(const struct inventory *inv, const char *name, long *index);
long inventory_find(const struct inventory *inv, const char *name);
const struct process *inventory_process(const struct inventory *inv, pid_t pid);
const struct process *container_first(const struct inventory *inv,
				      const struct container *c);
int process_inner_pid(const struct inventory *inv, const struct process *p);

struct table;
struct json_object;
void container_id_cells(struct table *t, const struct container *c);
void container_id_json(struct json_object *obj, const struct container *c);

#define NO_ID_NOTE "no container ID"

#endif
