/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_AGENT_H
#define CID_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "nsinfo.h"
#include "util.h"

/*
 * cid-agent has one thread, and one loop. What waits is an event source of it, and
 * nothing else does: a runtime that hangs must not hold up the others.
 */
extern sd_event *loop;

/* --- what a container is --- */

/* Of what ends in an OCI runtime, and of what the kernel alone tells of */
#define FAMILY_OCI	"oci"
#define FAMILY_KERNEL	"kernel"

#define ID_MAX		255	/* bytes of a runtime's ID, as it is in a path */
#define NAME_MAX_BYTES	255	/* of names, images and pods, escaped and with their end cut off */
#define LABELS_MAX	1023	/* of all labels; one that doesn't fit is left out */
#define PATH_MAX_BYTES	1023	/* of a cgroup's path */

enum container_state {
	STATE_NONE,		/* not told of yet */
	STATE_CREATED,
	STATE_RUNNING,
	STATE_PAUSED,
	STATE_EXITED,
	STATE_REMOVED,
};

/*
 * Who calls it what. An engine starts containers by an OCI runtime, which calls them by the
 * engine's IDs, and either is seen by the names of cgroups: what the three say of one ID and
 * one owner is one container, and the highest of them names its runtime.
 */
enum report_rank {
	RANK_CGROUP,		/* guessed from a cgroup's path */
	RANK_OCI,		/* crun, runc */
	RANK_ENGINE,		/* podman, docker, containerd, Incus */
};

enum report_what {
	REPORT_SEEN,		/* it is in @state, since who knows when */
	REPORT_CREATE,
	REPORT_START,
	REPORT_EXIT,
	REPORT_PAUSE,
	REPORT_UNPAUSE,
	REPORT_RENAME,		/* to @name */
	REPORT_OOM,
	REPORT_REMOVE,
};

/**
 * struct report - what a source says of a container
 * @what: what has happened
 * @state: with REPORT_SEEN, not STATE_NONE
 * @rank: how much the source's word for the runtime counts
 * @family: containers of different families are never the same one: "oci" for all that
 *	ends in an OCI runtime, else the runtime's name. A literal.
 * @runtime: its name, as "docker"; a literal, or NULL
 * @id: the runtime's ID of it; what has none is called by its name here
 * @old_id: with REPORT_RENAME: what @id was before, if it is a name; else NULL
 * @uid: whose it is: 0, or the user's of a rootless runtime
 * @name: what its owner calls it, or NULL
 * @image: or NULL
 * @pod: or NULL
 * @labels: from labels_add(), or NULL
 * @folder: that is there for as long as the container is, though it may have ended; or
 *	NULL: its source tells when it is removed
 * @cgroup: its cgroup's path below the mount point, or NULL: the one of @pid
 * @pid: its init, 0: not known, or there is none
 * @status: with REPORT_EXIT and STATE_EXITED, as of waitpid(2); -1: not known
 * @restarts: how often the runtime has restarted it; -1: not known
 *
 * Strings are as the source gave them, whatever is in them, but for @labels; the registry
 * bounds and escapes them. What a source doesn't know, it leaves out: another may.
 */
struct report {
	enum report_what what;
	enum container_state state;
	enum report_rank rank;
	const char *family;
	const char *runtime;
	const char *id;
	const char *old_id;
	uid_t uid;
	const char *name;
	const char *image;
	const char *pod;
	const char *labels;
	const char *folder;
	const char *cgroup;
	pid_t pid;
	int status;
	int restarts;
};

/* All that isn't set otherwise is not known. */
#define REPORT_INIT .status = -1, .restarts = -1

/**
 * registry_report - a source says something
 * @r: what
 *
 * Sources need not agree, nor be in time: each container's events come out once and in
 * the order create, start, exit, remove. What is late or known already is dropped.
 */
void registry_report(const struct report *r);

/*
 * A listing of all that a source has: what it had at the last one and doesn't tell of
 * between the two is removed. registry_list_end(.., false): the listing is incomplete and
 * removes nothing. @source is any address, one for each place that is listed; the caller
 * keeps it. Listings of different sources may overlap.
 */
void registry_list_begin(const void *source);
void registry_list_seen(const void *source, const struct report *r);
void registry_list_end(const void *source, bool complete);

/* The source is gone for good: it won't be asked about what it has told of. */
void registry_forget_source(const void *source);

/* --- runtimes: one file each, and a line in runtimes.c --- */

/**
 * struct runtime - how one kind of container runtime is asked
 * @name: for --runtime
 * @places: where it is looked for, as sockets or folders, with shell patterns; ends with NULL
 * @patterns: start() gets patterns as they are, and finds what comes to match them
 * @unasked: asking it starts it, so it is asked only if the user wants it
 * @start: watch @place, which may not be there yet; NULL if there is no memory or the
 *	library that it needs isn't installed, and says so. Must not block.
 * @look: something has happened of which the runtime may know more (a hook, a new
 *	cgroup): list what there is, now. Must not block; may be called at any time and
 *	often, so if it is under way it runs once more after that.
 * @stop: the end of what start() gave
 */
struct runtime {
	const char *name;
	const char *const *places;
	bool patterns;
	bool unasked;
	void *(*start)(const char *place);
	void (*look)(void *watch);
	void (*stop)(void *watch);
};

extern const struct runtime runtime_docker;	/* runtimes/docker.c */
extern const struct runtime runtime_podman;	/* the same API: runtimes/docker.c */
extern const struct runtime runtime_oci;	/* crun, runc: runtimes/oci.c */
extern const struct runtime runtime_containerd;	/* runtimes/containerd.c */
extern const struct runtime runtime_lxc;	/* runtimes/lxc.c */
extern const struct runtime runtime_incus;	/* runtimes/incus.c */
extern const struct runtime runtime_lxd;	/* the same API: runtimes/incus.c */
extern const struct runtime runtime_machined;	/* systemd-nspawn: runtimes/machined.c */

/* --- what they share --- */

char *escape_bounded(const char *text, size_t max);

/* CLOCK_MONOTONIC in microseconds: when the loop has woken up last, and now */
uint64_t loop_usec(void);
uint64_t now_usec(void);

/**
 * labels_add - add a label to a list of them
 * @labels: a buffer of LABELS_MAX + 1 bytes, "" at first
 * @key: of the label
 * @value: of the label
 *
 * The list reads key=value,key=value; keys and values are escaped as all strings are, and
 * their commas and equals signs have a backslash before them.
 *
 * Return: false if it doesn't fit, and the list is as it was.
 */
bool labels_add(char labels[LABELS_MAX + 1], const char *key, const char *value);

/**
 * struct health - whether a source works, said once when that changes
 * @who: for messages, as "docker (/run/docker.sock)"; the owner's
 * @bad: what was said last
 * @fails: in a row, for the time until the next try
 */
struct health {
	const char *who;
	bool bad;
	unsigned int fails;
};

void health_good(struct health *h);
void health_bad(struct health *h, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* In microseconds, from a second to a minute, the longer the more often it has failed */
uint64_t health_retry_usec(const struct health *h);

/*
 * name_of_cgroup() - which container, by the name of its cgroup?
 * @path: below the mount point, with its leading slash
 * @guess: gets the answer
 *
 * Only the path is looked at. Where containers are nested the outermost one is meant, as
 * the names further down are the container's own word.
 *
 * Return: whether it is a container's cgroup, or below one.
 */
struct cgroup_guess {
	const char *runtime;	/* a literal */
	const char *family;	/* a literal */
	char id[ID_MAX + 1];
	uid_t uid;		/* user-UID.slice above it, or 0 */
	size_t len;		/* of the part of the path that is the container's own cgroup */
	char pod[ID_MAX + 1];	/* a pod's UID, or "" */
};

bool name_of_cgroup(const char *path, struct cgroup_guess *guess);

#endif
