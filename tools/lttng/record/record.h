/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_RECORD_H
#define CID_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANNEL	"kernel"

/* What is recorded for a profile: by whom does an event have to be caused? */
enum event_of {
	OF_CONTAINER,	/* the task that is current there is the container's */
	OF_ALL,		/* current says nothing, or another task matters as well */
};

struct profile_event {
	const char *name;	/* may end in '*' */
	enum event_of of;
	const char *filter;	/* of its fields, or NULL */
	bool syscall;
};

struct profile {
	const char *name;
	const char *summary;
	const struct profile_event *events;
	size_t nr;
};

extern const struct profile profiles[];
extern const size_t nr_profiles;

const struct profile *profile_find(const char *name);
const struct profile *profile_always(void);

/* What lttng-modules has */
struct event_list {
	char (*names)[256];
	size_t nr;
};

bool event_list_has(const struct event_list *list, const char *name);

/**
 * struct recording - what the user wants, and what came of it
 * @session: name of the session, unique on this machine
 * @profiles: what to record
 * @names: containers that the user has named; none: all that there is
 * @labels: those of them that one that starts later may have
 * @ids: those that were found, and what is nested in them
 * @following: what starts later is recorded as well
 * @output: absolute path of the trace, NULL with @relay
 * @relay: URL of a relay daemon
 * @live: its readers may read while it is recorded
 * @old_format: it has CTF 1.8, for a relay daemon that doesn't take CTF 2
 * @rotate_usec: a new chunk begins after that time, or
 * @rotate_bytes: when there is so much of it; 0: neither
 * @nr_rotations: how often one has
 * @duration: in seconds; 0: until a signal comes
 */
struct recording {
	char *session;
	const struct profile **profiles;
	size_t nr_profiles;
	const char **names;
	size_t nr_names;
	char **labels;
	size_t nr_labels;
	struct followed *ids;
	size_t nr_ids;
	bool following;
	char *output;
	const char *relay;
	bool live;
	bool old_format;
	uint64_t rotate_usec;
	uint64_t rotate_bytes;
	unsigned int nr_rotations;
	bool json;
	double duration;
	struct event_list known;
	const char **missing;
	size_t nr_missing;
};

/* A container whose events are recorded */
struct followed {
	uint64_t id;
	bool top;	/* it is in no other one: what is nested in it has its ID as well */
};

int containers_find(struct recording *rec);
bool containers_has(const struct recording *rec, uint64_t id);
void containers_take_in(struct recording *rec, uint64_t id);

bool session_is_alive(void);
int session_check(struct recording *rec);
int session_start(struct recording *rec);
int session_enable(struct recording *rec, const struct followed *ids, size_t nr);
int session_stop(const struct recording *rec, uint64_t *discarded, uint64_t *lost);
int session_discarded(const struct recording *rec, uint64_t *discarded, uint64_t *lost);
void session_destroy(const struct recording *rec);

struct lttng_notification;
struct lttng_notification_channel;

/**
 * struct listener - who is told of something by lttng-sessiond
 * @channel: by which
 * @told: called with ctl_lock() held, and with NULL if some was dropped
 * @lost: what is said if it doesn't tell any longer
 */
struct listener {
	struct lttng_notification_channel *channel;
	void (*told)(struct lttng_notification *notification);
	const char *lost;
};

int listen_start(struct listener *l);
void listen_stop(void);

/* liblttng-ctl isn't made for threads: whoever calls it holds this, once they listen. */
void ctl_lock(void);
void ctl_unlock(void);
int follow_start(struct recording *rec);
void follow_stop(void);
int rotate_start(struct recording *rec);
void rotate_forget(void);

#endif
