/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_REST_H
#define CID_REST_H

#include <json.h>

#include "../agent.h"

#define TEXT_MAX	1024	/* bytes of a string that is kept */

/* What an answer says of itself */
enum verdict {
	NONSENSE,
	OTHERS,		/* it is of something else than a container of this machine */
	OURS,
};

/**
 * struct details - what JSON says of a container; the strings are the JSON's, or these
 * @r: family, runtime and owner are set before
 * @time: of an event, in nanoseconds since 1970; 0: not known
 * @again: with REPORT_START: it has ended before, which nobody tells
 * @sure: an event is of a container, for all that is mixed
 * @id: for @r.id, or NULL
 * @old_id: for @r.old_id, or NULL
 * @pod: for @r.pod, or NULL
 * @labels: for @r.labels, or ""
 */
struct details {
	struct report r;
	int64_t time;
	bool again;
	bool sure;
	char *id;
	char *old_id;
	char *pod;
	char labels[LABELS_MAX + 1];
};

/**
 * struct flavour - one kind of server
 * @name: of the runtime; a literal
 * @family: of its containers; a literal
 * @root: the server is root's, whoever owns the socket
 * @lazy: asking it starts it, and without work it ends
 * @mixed: its events are of other things as well, and only inspecting tells them apart
 * @late: it tells of a start before it says what has been started
 * @upgrade: its events come by WebSocket
 * @runs: does it run at @place, if a socket alone doesn't say so? Or NULL
 * @hello: NULL, or the target of what is asked for before all else
 * @greet: read what that has given. Return: @self of the others, for free(); NULL: nonsense
 * @list: the target of a listing
 * @list_max: bytes that it may have
 * @wrap: the member that has it, or NULL
 * @inspect_max: bytes of one container's answer
 * @stream: the target of the events since a second since 1970; for free()
 * @inspect: the target of one container's details; for free()
 * @read_event: read a line of the stream
 * @read_listed: read an item of a listing: ID, name and state
 * @read_details: read what @inspect has given. STATE_NONE: there is no use in it
 *
 * An ID that they give goes to @inspect, and so is to be one that a URL can have.
 */
struct flavour {
	const char *name;
	const char *family;
	bool root;
	bool lazy;
	bool mixed;
	bool late;
	bool upgrade;
	bool (*runs)(const char *place);
	const char *hello;
	char *(*greet)(struct json_object *obj);
	const char *list;
	size_t list_max;
	const char *wrap;
	size_t inspect_max;
	char *(*stream)(long long since);
	char *(*inspect)(const char *id);
	enum verdict (*read_event)(struct json_object *obj, const char *self,
				   struct details *d);
	enum verdict (*read_listed)(struct json_object *obj, const char *self,
				    struct details *d);
	enum verdict (*read_details)(struct json_object *obj, const char *self,
				     struct details *d);
};

void *rest_start(const struct flavour *flavour, const char *place);
void rest_look(void *watch);
void rest_stop(void *watch);

#endif
