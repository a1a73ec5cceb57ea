/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_AGENT_REGISTRY_H
#define CID_AGENT_REGISTRY_H

#include "sources.h"

/*
 * What the kernel calls a container: by the namespaces and the cgroup of its init. 0 or
 * "" where the kernel has no such thing, or it couldn't be read. Namespaces that are the
 * agent's own are told as any other.
 */
struct identity {
	pid_t pid;
	pid_t vpid;		/* the init's number in its own pid namespace */
	uint64_t container_id;	/* ID of its metrics namespace; 0: it has none of its own */
	uint64_t cgroup_id;
	char *cgroup_path;	/* as it is, to compare with */
	char *cgroup_text;	/* as it is told */
	uint64_t ns_id[NS_KINDS];
	uint32_t ns_inum[NS_KINDS];	/* what LTTng's own contexts have */
};

/* A listing that has a container, and the last round in which it had it */
struct seen_by {
	struct seen_by *next;
	const void *source;
	unsigned int round;
};

/**
 * struct container - one container, as it has been told of
 * @next: in the table
 * @family: see struct report
 * @runtime: see struct report; may change to that of a higher rank
 * @rank: of who has said so
 * @id: the runtime's ID, escaped; another one once it is renamed, where it is a name
 * @uid: whose it is
 * @name: "" if it isn't known; so are the other strings. Never NULL.
 * @state: what its events have told
 * @ident: of the init that is running, or was the last one
 * @ident_rank: of who has said which one that is
 * @restarts: how often it was started again, under this ID
 * @previous: container ID and PID it had before it was started again, or that one of
 *	this ID or name had, whose place it has taken
 * @started: its start has been told, or was before anyone could tell
 * @reborn: it had ended, and has a new init that hasn't been told to run yet
 * @restored: from the journal, and no source has told of it since
 * @unlisted: it is said to be removed, or nobody lists it any more, and its init lives
 * @changed: there is more to tell than the journal has
 * @unconfirmed: ends that the kernel has told, and the engine hasn't yet
 * @status: how its init ended, as of waitpid(2); -1: not known
 * @folder: that is there until the container is removed, or NULL
 * @folder_gone: event source of @folder
 * @pidfd: of the init; -1: it isn't watched
 * @exited: event source of @pidfd
 * @held: the init has ended, and the start may still be told
 * @sources: listings that have it: see registry_list_seen()
 *
 * The thread that runs the loop is the only one that uses it. life_forget() and
 * life_end_and_forget() free it, and so may whatever takes a report or runs a callback of
 * one of its event sources: nobody else keeps a pointer.
 */
struct container {
	struct container *next;
	const char *family;
	const char *runtime;
	enum report_rank rank;
	char *id;
	uid_t uid;
	char *name;
	char *image;
	char *pod;
	char *labels;
	enum container_state state;
	struct identity ident;
	enum report_rank ident_rank;
	uint32_t restarts;
	struct {
		uint64_t container_id;
		pid_t pid;
	} previous;
	bool started;
	bool reborn;
	bool restored;
	bool unlisted;
	bool changed;
	unsigned int unconfirmed;
	int status;
	char *folder;
	sd_event_source *folder_gone;
	int pidfd;
	sd_event_source *exited;
	sd_event_source *held;
	struct seen_by *sources;
};

/* What the machine is called, in each event */
struct machine {
	char boot_id[37];
	char hostname[65];
};

extern const struct machine *machine;

#define ID_TEXT_SIZE	21

/* identity.c */
int identity_init(void);
int identity_read(pid_t pid, int pidfd, struct identity *ident);
void identity_set_cgroup(struct identity *ident, const char *path);
void identity_free(struct identity *ident);
int identity_open_pid(pid_t pid);
int identity_exit_status(int pidfd, pid_t pid);
pid_t identity_init_of_cgroup(const char *path);
bool identity_has_program(pid_t pid);
uint64_t identity_of_cgroup(const char *path);
bool identity_label(const struct container *c);
const char *identity_cgroup_root(void);
void identity_exit(void);

/* registry.c: those that there are, and how they are found */
struct container *registry_find(const char *family, const char *id, uid_t uid);
struct container *registry_add(const char *family, const char *runtime,
			    enum report_rank rank, const char *id, uid_t uid);
void registry_remove(struct container *c);
void registry_change_id(struct container *c, const char *id);
void registry_free_sources(struct container *c);
bool registry_has_id(const char *id);
void registry_for_each(void (*fn)(struct container *c, void *data), void *data);
void registry_clear(void);

struct container *registry_by_key(const char *family, const char *id, uid_t uid);
struct container *registry_by_container_id(uint64_t id);
struct container *registry_by_cgroup_id(uint64_t id);
struct container *registry_by_cgroup_path(const char *path);
void registry_each(void (*fn)(const struct container *c, void *data), void *data);

/* gone.c: those that there were, for what is still told of them */
struct gone {
	const char *family;
	const char *runtime;
	char *id;
	char *name;
	uid_t uid;
	uint64_t container_id;
	pid_t pid;
	uint32_t restarts;
	uint64_t usec;
};

void gone_add(const struct container *c);
const struct gone *gone_by_id(const char *family, const char *id, uid_t uid);
const struct gone *gone_before(const struct container *c);
uint64_t gone_usec(const struct gone *g);
bool gone_has(const char *id);
void gone_clear(void);

/* life.c: its state, its init and its folder */
void life_start(bool label);
void life_go_on(struct container *c, enum container_state to, bool quiet);
void life_end(struct container *c, int status);
void life_end_and_forget(struct container *c);
void life_forget(struct container *c);
void life_free(struct container *c);
int life_status(const struct container *c);
bool life_is_up(const struct container *c);
bool life_is_alive(const struct container *c);
void life_take_init(struct container *c, const struct report *r);
bool life_restore_init(struct container *c, pid_t pid, uint64_t pid_ns_id, uint32_t pid_ns);
bool life_has_folder(const struct container *c);
void life_take_folder(struct container *c, const char *folder);

/* report.c: what sources say, one by one and as listings */
void registry_settled(void);
bool registry_has_had(const char *id);
void registry_happens(struct container *c, enum report_what what);
void registry_stop(void);

/* restore.c: what an agent before this one has told */

/* A container of the journal. Strings are escaped, and "" where they aren't known. */
struct saved {
	const char *family, *runtime, *id, *name, *image, *pod, *labels, *cgroup_path,
		   *folder;
	enum report_rank rank;
	enum container_state state;
	uid_t uid;
	bool started;
	uint32_t restarts, pid_ns;
	pid_t pid;
	uint64_t pid_ns_id, container_id, cgroup_id;
};

void registry_restore(const struct saved *saved);
void restore_settled(void);

/* journal.c */
void journal_start(int dirfd);
void journal_put(struct container *c);
void journal_stop(void);

/* emit.c: the events. Nothing is made of an event that nobody records. */
void emit_json_to(int fd);
void emit_ust_load(const char *provider, void (*notify)(void));
void emit_create(const struct container *c);
void emit_start(const struct container *c);
void emit_restart(const struct container *c);
void emit_exit(const struct container *c);
void emit_pause(const struct container *c);
void emit_unpause(const struct container *c);
void emit_rename(const struct container *c, const char *old_name, const char *old_id);
void emit_oom(const struct container *c);
void emit_remove(const struct container *c);
void emit_statedump(void);

const char *state_name(enum container_state state);
struct json_object;
struct json_object *container_json(const struct container *c);

#endif
