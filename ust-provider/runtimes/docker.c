// SPDX-License-Identifier: GPL-2.0
/*
 * Docker, and podman by the same API. Only GET /containers/ID/json tells the pid of a
 * container's init, how often it was restarted, and its labels.
 */

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../http.h"
#include "rest.h"
#include "statefile.h"

#define INSPECT_MAX	(1U << 20)	/* bytes of one container's answer */

/* It goes into URLs. */
static bool is_id(const char *id)
{
	size_t len;

	if (*id == '.')
		return false;
	len = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
	return len && len <= ID_MAX && !id[len];
}

static const char *without_slash(const char *name)
{
	if (name && *name == '/')
		name++;
	return name && *name ? name : NULL;
}

static enum container_state state_of(const char *word)
{
	static const struct {
		const char *word;
		enum container_state state;
	} words[] = {
		{ "created", STATE_CREATED },
		{ "configured", STATE_CREATED },
		{ "initialized", STATE_CREATED },
		{ "running", STATE_RUNNING },
		{ "stopping", STATE_RUNNING },
		{ "paused", STATE_PAUSED },
		/* This one has no process: it waits for its turn */
		{ "restarting", STATE_EXITED },
		{ "exited", STATE_EXITED },
		{ "stopped", STATE_EXITED },
		{ "dead", STATE_EXITED },
		{ "removing", STATE_EXITED },
	};

	for (size_t i = 0; word && i < ARRAY_SIZE(words); i++)
		if (!strcmp(word, words[i].word))
			return words[i].state;
	return STATE_NONE;
}

/*
 * A signal's death comes as 128 + its number, which is what a shell makes of it, or what
 * the program has chosen itself: there is no telling, so it stays what it says.
 */
static int wait_status(int code)
{
	return (code & 0xff) << 8;
}

static void add_labels(struct details *d, struct json_object *labels)
{
	if (!labels)
		return;
	json_object_object_foreach(labels, key, val) {
		if (json_object_is_type(val, json_type_string))
			labels_add(d->labels, key, json_object_get_string(val));
	}
	d->r.labels = d->labels;
}

static void find_pod(struct details *d, struct json_object *obj,
		     struct json_object *labels)
{
	const char *ns = json_string(labels, "io.kubernetes.pod.namespace");
	const char *name = json_string(labels, "io.kubernetes.pod.name");

	if (ns && name) {
		d->pod = xasprintf("%.*s/%.*s", TEXT_MAX, ns, TEXT_MAX, name);
		d->r.pod = d->pod;
		return;
	}
	d->r.pod = json_string(obj, "PodName");
	if (!d->r.pod)
		d->r.pod = json_string(obj, "Pod");
}

/* --- one container's details --- */

static void read_state(struct details *d, struct json_object *state)
{
	int code, pid;

	d->r.state = state_of(json_string(state, "Status"));
	if ((d->r.state == STATE_RUNNING || d->r.state == STATE_PAUSED) &&
	    json_int(state, "Pid", 1, &pid))
		d->r.pid = pid;
	if (d->r.state == STATE_EXITED && json_int(state, "ExitCode", 0, &code))
		d->r.status = wait_status(code);
}

static enum verdict read_details(struct json_object *obj, const char *self,
				 struct details *d)
{
	struct json_object *config = json_member(obj, "Config", json_type_object);
	struct json_object *labels = json_member(config, "Labels", json_type_object);
	int restarts;

	(void)self;
	if (!json_object_is_type(obj, json_type_object))
		return NONSENSE;
	read_state(d, json_member(obj, "State", json_type_object));
	d->r.name = without_slash(json_string(obj, "Name"));
	d->r.image = json_string(config, "Image");
	if (json_int(obj, "RestartCount", 0, &restarts))
		d->r.restarts = restarts;
	add_labels(d, labels);
	find_pod(d, obj, labels);
	return OURS;
}

/* --- events --- */

static const struct event_name {
	const char *action;
	enum report_what what;
} event_names[] = {
	{ "create", REPORT_CREATE },
	{ "start", REPORT_START },
	{ "die", REPORT_EXIT },
	{ "died", REPORT_EXIT },
	{ "pause", REPORT_PAUSE },
	{ "unpause", REPORT_UNPAUSE },
	{ "rename", REPORT_RENAME },
	{ "oom", REPORT_OOM },
	{ "destroy", REPORT_REMOVE },
	{ "remove", REPORT_REMOVE },
	/* "restart" comes with a "die" and a "start" */
};

static const struct event_name *event_name(struct json_object *obj)
{
	const char *type = json_string(obj, "Type");
	const char *action = json_string(obj, "Action");

	if (!action)
		action = json_string(obj, "status");
	if (!action || (type && strcmp(type, "container")))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(event_names); i++)
		if (!strcmp(action, event_names[i].action))
			return &event_names[i];
	return NULL;
}

/* Attributes are strings, whatever they mean. */
static int exit_status(struct json_object *attrs)
{
	const char *s = json_string(attrs, "exitCode");
	uint64_t code;

	if (!s)
		s = json_string(attrs, "containerExitCode");
	if (!s || parse_u64(s, &code) || code > INT_MAX)
		return -1;
	return wait_status(code);
}

static enum verdict read_event(struct json_object *obj, const char *self, struct details *d)
{
	struct json_object *actor = json_member(obj, "Actor", json_type_object);
	struct json_object *attrs = json_member(actor, "Attributes", json_type_object);
	struct json_object *time = json_member(obj, "timeNano", json_type_int);
	const struct event_name *name = event_name(obj);

	(void)self;
	d->r.id = json_string(actor, "ID");
	if (!d->r.id)
		d->r.id = json_string(obj, "id");
	if (!name || !d->r.id || !is_id(d->r.id))
		return OTHERS;
	d->time = time ? json_object_get_int64(time) : 0;
	d->r.what = name->what;
	if (d->r.what == REPORT_EXIT)
		d->r.status = exit_status(attrs);
	d->r.name = without_slash(json_string(attrs, "name"));
	d->r.image = json_string(attrs, "image");
	d->r.pod = json_string(attrs, "podId");
	return OURS;
}

/* --- the list --- */

/* docker's names begin with a slash, and links add names to the first. */
static const char *name_of_listed(struct json_object *obj)
{
	struct json_object *names = json_member(obj, "Names", json_type_array);
	struct json_object *name = NULL;

	if (names && json_object_array_length(names))
		name = json_object_array_get_idx(names, 0);
	if (!json_object_is_type(name, json_type_string))
		return NULL;
	return without_slash(json_object_get_string(name));
}

static enum verdict read_listed(struct json_object *obj, const char *self,
				struct details *d)
{
	(void)self;
	d->r.id = json_string(obj, "Id");
	if (!d->r.id || !is_id(d->r.id))
		return NONSENSE;
	d->r.state = state_of(json_string(obj, "State"));
	d->r.name = name_of_listed(obj);
	return OURS;
}

/* --- the interface --- */

static char *stream(long long since)
{
	return xasprintf("/events?since=%lld&filters=%%7B%%22type%%22%%3A%%5B"
			 "%%22container%%22%%5D%%7D", since);
}

static char *inspect(const char *id)
{
	return xasprintf("/containers/%s/json", id);
}

#define DOCKER_API						\
	.family = FAMILY_OCI,					\
	.list = "/containers/json?all=1",			\
	.list_max = HTTP_ANSWER_MAX,			\
	.inspect_max = INSPECT_MAX,				\
	.stream = stream,					\
	.inspect = inspect,					\
	.read_event = read_event,				\
	.read_listed = read_listed,				\
	.read_details = read_details

static const struct flavour docker = { DOCKER_API, .name = "docker", .root = true };
static const struct flavour podman = { DOCKER_API, .name = "podman", .lazy = true };

static void *start_docker(const char *place)
{
	return rest_start(&docker, place);
}

static void *start_podman(const char *place)
{
	return rest_start(&podman, place);
}

static const char *const docker_places[] = { "/run/docker.sock", NULL };

static const char *const podman_places[] = {
	"/run/podman/podman.sock",
	"/run/user/*/podman/podman.sock",
	NULL
};

const struct runtime runtime_docker = {
	.name = "docker",
	.places = docker_places,
	.start = start_docker,
	.look = rest_look,
	.stop = rest_stop,
};

const struct runtime runtime_podman = {
	.name = "podman",
	.places = podman_places,
	/* What it knows, its folders tell, too: see storage.c. */
	.unasked = true,
	.start = start_podman,
	.look = rest_look,
	.stop = rest_stop,
};
