// SPDX-License-Identifier: GPL-2.0
/*
 * Incus, and LXD by the same API. Its containers are LXC's, which calls them by their names,
 * with their project's before it: so their IDs are what LXC has, as in the names of their
 * cgroups, and another one once they are renamed.
 *
 * systemd listens at its socket, and starts it for whoever connects. Where nobody uses it,
 * that shall not be the agent. While it runs it has another socket, which containers get,
 * and which nobody else listens at.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../http.h"
#include "../listening.h"
#include "rest.h"
#include "statefile.h"

#define NAME_LEN_MAX	63	/* of an instance: that of a host */
#define DEFAULT_PROJECT	"default"
#define PLAIN		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"

/* --- names --- */

/* It goes into URLs, and has no "_". */
static bool is_name(const char *name)
{
	size_t len = strspn(name, PLAIN);

	return len && len <= NAME_LEN_MAX && !name[len];
}

/* Return: what LXC calls it; NULL: it can't be. */
static char *id_of(const char *name, const char *project)
{
	if (!name || !is_name(name))
		return NULL;
	if (!project || !strcmp(project, DEFAULT_PROJECT))
		return xstrdup(name);
	if (strlen(project) + 1 + strlen(name) > ID_MAX)
		return NULL;
	return xasprintf("%s_%s", project, name);
}

static const char *name_in(const char *id)
{
	const char *end = strrchr(id, '_');

	return end ? end + 1 : id;
}

/* A project's name may be of any characters. */
static char *encode(const char *text, size_t len)
{
	char *res = xcalloc(3 * len + 1, 1), *end = res;

	for (size_t i = 0; i < len; i++) {
		if (strchr(PLAIN, text[i]))
			*end++ = text[i];
		else
			end += sprintf(end, "%%%02X", (unsigned char)text[i]);
	}
	return res;
}

static bool take_id(struct details *d, const char *name, const char *project)
{
	d->id = id_of(name, project);
	if (!d->id)
		return false;
	d->r.id = d->id;
	d->r.name = name_in(d->id);
	return true;
}

/* In a cluster each server tells of those of all. */
static bool is_here(struct json_object *obj, const char *self)
{
	const char *location = json_string(obj, "location");

	return !location || !strcmp(location, "none") || !strcmp(location, self);
}

static bool is_container(struct json_object *obj)
{
	const char *type = json_string(obj, "type");

	return !type || !strcmp(type, "container");
}

static char *greet(struct json_object *obj)
{
	struct json_object *data = json_member(obj, "metadata", json_type_object);
	struct json_object *env = json_member(data, "environment", json_type_object);
	const char *name = json_string(env, "server_name");

	return env ? xstrdup(name ?: "none") : NULL;
}

/* --- one container's details --- */

/*
 * What has an error is one that LXC's monitor doesn't say the state of, and so has a monitor.
 * Another name than these is a newer server's.
 */
static enum container_state state_of(const char *word, struct json_object *obj)
{
	const char *used = json_string(obj, "last_used_at");

	if (!word)
		return STATE_NONE;
	if (!strcmp(word, "Frozen") || !strcmp(word, "Freezing"))
		return STATE_PAUSED;
	if (!strcmp(word, "Starting"))
		return STATE_CREATED;
	if (strcmp(word, "Stopped"))
		return STATE_RUNNING;
	/* Never is when time began. */
	return used && strncmp(used, "1970-", 5) && strncmp(used, "0001-", 5) ?
	       STATE_EXITED : STATE_CREATED;
}

/* cloud-init's are documents, and may have passwords in them. */
static bool is_label(const char *key)
{
	static const char *const others[] = {
		"user.meta-data", "user.network-config", "user.user-data", "user.vendor-data",
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(key, others[i]))
			return false;
	return !strncmp(key, "user.", strlen("user."));
}

static void add_label(struct details *d, const char *key, const char *value)
{
	if (strlen(key) + strlen(value) <= LABELS_MAX)
		labels_add(d->labels, key, value);
}

static void read_labels(struct details *d, struct json_object *config, const char *project)
{
	if (project && strcmp(project, DEFAULT_PROJECT))
		add_label(d, "project", project);
	d->r.labels = d->labels;
	if (!config)
		return;
	json_object_object_foreach(config, key, val) {
		if (is_label(key) && json_object_is_type(val, json_type_string))
			add_label(d, key, json_object_get_string(val));
	}
}

static void read_state(struct details *d, struct json_object *data)
{
	struct json_object *state = json_member(data, "state", json_type_object);
	const char *word = json_string(state, "status");
	int pid;

	d->r.state = state_of(word ?: json_string(data, "status"), data);
	if ((d->r.state == STATE_RUNNING || d->r.state == STATE_PAUSED) &&
	    json_int(state, "pid", 1, &pid))
		d->r.pid = pid;
}

static enum verdict read_details(struct json_object *obj, const char *self,
				 struct details *d)
{
	struct json_object *data = json_member(obj, "metadata", json_type_object);
	struct json_object *config = json_member(data, "config", json_type_object);

	if (!data || !json_string(data, "name"))
		return NONSENSE;
	if (!is_container(data) || !is_here(data, self))
		return OTHERS;
	read_state(d, data);
	d->r.name = json_string(data, "name");
	d->r.image = json_string(config, "image.description");
	if (!d->r.image)
		d->r.image = json_string(config, "volatile.base_image");
	read_labels(d, config, json_string(data, "project"));
	return OURS;
}

/* --- events --- */

/* It doesn't tell how one has ended. */
static const struct event_name {
	const char *action;
	enum report_what what;
	bool again;
} event_names[] = {
	{ "instance-created", REPORT_CREATE, false },
	{ "instance-started", REPORT_START, false },
	/* The end and the start that it is of aren't told. */
	{ "instance-restarted", REPORT_START, true },
	{ "instance-stopped", REPORT_EXIT, false },
	{ "instance-shutdown", REPORT_EXIT, false },
	{ "instance-paused", REPORT_PAUSE, false },
	{ "instance-resumed", REPORT_UNPAUSE, false },
	{ "instance-renamed", REPORT_RENAME, false },
	{ "instance-deleted", REPORT_REMOVE, false },
};

static bool read_action(struct json_object *data, struct details *d)
{
	const char *action = json_string(data, "action");

	for (size_t i = 0; action && i < ARRAY_SIZE(event_names); i++) {
		if (strcmp(action, event_names[i].action))
			continue;
		d->r.what = event_names[i].what;
		d->again = event_names[i].again;
		return true;
	}
	return false;
}

/* The older LXDs have the name as the end of a path only: /1.0/instances/NAME?project=.. */
static bool take_source(struct details *d, struct json_object *data, const char *project)
{
	const char *source = json_string(data, "source");
	cleanup_free char *path = NULL;
	const char *name;

	if (!source)
		return false;
	path = xasprintf("%.*s", (int)strnlen(source, TEXT_MAX), source);
	path[strcspn(path, "?")] = '\0';
	name = strrchr(path, '/');
	return name && take_id(d, name + 1, project);
}

static enum verdict read_event(struct json_object *obj, const char *self, struct details *d)
{
	struct json_object *data = json_member(obj, "metadata", json_type_object);
	struct json_object *context = json_member(data, "context", json_type_object);
	const char *project = json_string(obj, "project");
	const char *name = json_string(data, "name");

	if (!read_action(data, d) || !is_here(obj, self) || !is_container(context))
		return OTHERS;
	d->sure = json_string(context, "type");
	if (!(name ? take_id(d, name, project) : take_source(d, data, project)))
		return NONSENSE;
	if (d->r.what != REPORT_RENAME)
		return OURS;
	d->old_id = id_of(json_string(context, "old_name"), project);
	d->r.old_id = d->old_id;
	return d->old_id ? OURS : NONSENSE;
}

/* --- the list --- */

static enum verdict read_listed(struct json_object *obj, const char *self,
				struct details *d)
{
	if (!is_container(obj) || !is_here(obj, self))
		return OTHERS;
	if (!take_id(d, json_string(obj, "name"), json_string(obj, "project")))
		return NONSENSE;
	d->r.state = state_of(json_string(obj, "status"), obj);
	return OURS;
}

/* --- whether it runs --- */

/* Incus' and LXD's sockets for containers, in the same folder as the one that is asked */
static bool is_used(const char *dir, size_t len)
{
	cleanup_free char *incus = xasprintf("%.*s/guestapi/sock", (int)len, dir);
	cleanup_free char *lxd = xasprintf("%.*s/devlxd/sock", (int)len, dir);

	return is_listened_at(incus) || is_listened_at(lxd);
}

/* INCUS_SOCKET may have put the one that is asked elsewhere. */
static bool runs(const char *place)
{
	static const char elsewhere[] = "/run/incus/", usual[] = "/var/lib/incus";

	if (!strncmp(place, elsewhere, strlen(elsewhere)) && is_used(usual, strlen(usual)))
		return true;
	return is_used(place, strrchr(place, '/') - place);
}

/* --- the interface --- */

static char *stream(long long since)
{
	(void)since;
	return xstrdup("/1.0/events?type=lifecycle&all-projects=true");
}

static char *inspect(const char *id)
{
	const char *name = name_in(id);
	cleanup_free char *project = NULL;

	if (name == id)
		return xasprintf("/1.0/instances/%s?recursion=1", name);
	project = encode(id, name - id - 1);
	return xasprintf("/1.0/instances/%s?recursion=1&project=%s", name, project);
}

/* Asked for more than this, a list costs a look at the network and the disk of each. */
#define INCUS_API								\
	.family = "lxc",							\
	.root = true,								\
	.mixed = true,								\
	.late = true,								\
	.upgrade = true,							\
	.runs = runs,								\
	.hello = "/1.0",							\
	.greet = greet,								\
	.list = "/1.0/instances?recursion=1&all-projects=true&instance-type=container", \
	/* All that each has been configured with is in it. */			\
	.list_max = 4 * HTTP_ANSWER_MAX,					\
	.wrap = "metadata",							\
	/* All its snapshots are in it. */					\
	.inspect_max = HTTP_ANSWER_MAX,						\
	.stream = stream,							\
	.inspect = inspect,							\
	.read_event = read_event,						\
	.read_listed = read_listed,						\
	.read_details = read_details

static const struct flavour incus = { INCUS_API, .name = "incus" };
static const struct flavour lxd = { INCUS_API, .name = "lxd" };

static void *start_incus(const char *place)
{
	return rest_start(&incus, place);
}

static void *start_lxd(const char *place)
{
	return rest_start(&lxd, place);
}

static const char *const incus_places[] = {
	"/var/lib/incus/unix.socket",
	"/run/incus/unix.socket",
	NULL
};

static const char *const lxd_places[] = {
	"/var/lib/lxd/unix.socket",
	"/var/snap/lxd/common/lxd/unix.socket",
	NULL
};

const struct runtime runtime_incus = {
	.name = "incus",
	.places = incus_places,
	.start = start_incus,
	.look = rest_look,
	.stop = rest_stop,
};

const struct runtime runtime_lxd = {
	.name = "lxd",
	.places = lxd_places,
	.start = start_lxd,
	.look = rest_look,
	.stop = rest_stop,
};
