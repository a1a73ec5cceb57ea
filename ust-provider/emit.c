// SPDX-License-Identifier: GPL-2.0
/*
 * The events, for LTTng-UST and as lines of JSON. The tracepoints are here and their probes
 * in a shared object of their own, so the agent runs where there is no LTTng.
 */

#include <dlfcn.h>
#include <errno.h>
#include <json.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LTTNG_UST_TRACEPOINT_DEFINE
#define LTTNG_UST_TRACEPOINT_PROBE_DYNAMIC_LINKAGE
#include "container_agent_tp.h"
#include "ust_container_statedump_tp.h"

#define READER_MS	1000

static int json_fd = -1;
static const char *const state_names[] = {
	[STATE_NONE]	= "none",
	[STATE_CREATED]	= "created",
	[STATE_RUNNING]	= "running",
	[STATE_PAUSED]	= "paused",
	[STATE_EXITED]	= "exited",
	[STATE_REMOVED]	= "removed",
};

const char *state_name(enum container_state state)
{
	return state_names[state];
}

static void add_string(struct json_object *obj, const char *key, const char *val)
{
	json_object_object_add(obj, key, json_object_new_string(val ?: ""));
}

static void add_number(struct json_object *obj, const char *key, uint64_t val)
{
	json_object_object_add(obj, key, json_object_new_uint64(val));
}

static void add_identity(struct json_object *obj, const struct identity *ident)
{
	static const enum ns_kind kinds[] = { NS_PID, NS_MNT, NS_NET, NS_USER };
	char key[16];

	add_number(obj, "pid", ident->pid);
	add_number(obj, "tid", ident->pid);
	add_number(obj, "vpid", ident->vpid);
	add_number(obj, "container_id", ident->container_id);
	add_number(obj, "cgroup_id", ident->cgroup_id);
	add_string(obj, "cgroup_path", ident->cgroup_text);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(key, sizeof(key), "%s_ns_id", ns_kinds[kinds[i]].name);
		add_number(obj, key, ident->ns_id[kinds[i]]);
		snprintf(key, sizeof(key), "%s_ns", ns_kinds[kinds[i]].name);
		add_number(obj, key, ident->ns_inum[kinds[i]]);
	}
}

/**
 * container_json - a container, with the names and the values of the events' fields
 *
 * Return: a new object.
 */
struct json_object *container_json(const struct container *c)
{
	struct json_object *obj = json_object_new_object();

	add_string(obj, "runtime", c->runtime);
	add_string(obj, "id", c->id);
	add_string(obj, "name", c->name);
	add_string(obj, "image", c->image);
	add_string(obj, "pod", c->pod);
	add_string(obj, "labels", c->labels);
	add_string(obj, "state", state_name(c->state));
	add_number(obj, "uid", c->uid);
	add_identity(obj, &c->ident);
	add_number(obj, "restart_count", c->restarts);
	add_string(obj, "boot_id", machine->boot_id);
	add_string(obj, "hostname", machine->hostname);
	return obj;
}

/**
 * emit_json_to - write each event as a line of JSON, too
 * @fd: where to
 */
void emit_json_to(int fd)
{
	json_fd = fd;
}

static struct json_object *json_event(const char *event, const struct container *c)
{
	struct json_object *obj;
	struct timespec ts;

	if (json_fd < 0)
		return NULL;
	obj = c ? container_json(c) : json_object_new_object();
	clock_gettime(CLOCK_REALTIME, &ts);
	add_string(obj, "event", event);
	add_number(obj, "time_ns", ts.tv_sec * 1000000000ULL + ts.tv_nsec);
	return obj;
}

/* In parts that a pipe takes at once if it takes any; who doesn't read stops nobody. */
static bool put_text(const char *text, size_t size)
{
	struct pollfd pfd = { .fd = json_fd, .events = POLLOUT };
	size_t len = 0;

	while (len < size) {
		size_t part = size - len < PIPE_BUF ? size - len : PIPE_BUF;
		ssize_t n;

		if (poll(&pfd, 1, READER_MS) == 0) {
			errno = ETIMEDOUT;
			return false;
		}
		n = write(json_fd, text + len, part);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		len += n > 0 ? n : 0;
	}
	return true;
}

/* Who doesn't read them any more gets none; the tracepoints remain. */
static void put_json(struct json_object *obj)
{
	const char *text;
	size_t size;

	if (!obj || json_fd < 0) {
		json_object_put(obj);
		return;
	}
	text = json_object_to_json_string_length(obj, JSON_C_TO_STRING_PLAIN |
						 JSON_C_TO_STRING_NOSLASHESCAPE, &size);
	if (!put_text(text, size) || !put_text("\n", 1)) {
		msg("cannot write events: %m; no more are written");
		json_fd = -1;
	}
	json_object_put(obj);
}

#define emit(event, c)								\
	do {									\
		if (lttng_ust_tracepoint_enabled(container_agent, event))	\
			lttng_ust_do_tracepoint(container_agent, event, c, machine); \
		put_json(json_event(#event, c));				\
	} while (0)

void emit_create(const struct container *c)
{
	emit(create, c);
}

void emit_start(const struct container *c)
{
	emit(start, c);
}

void emit_pause(const struct container *c)
{
	emit(pause, c);
}

void emit_unpause(const struct container *c)
{
	emit(unpause, c);
}

void emit_oom(const struct container *c)
{
	emit(oom, c);
}

void emit_remove(const struct container *c)
{
	emit(remove, c);
}

void emit_restart(const struct container *c)
{
	struct json_object *obj;

	lttng_ust_tracepoint(container_agent, restart, c, machine);
	obj = json_event("restart", c);
	if (!obj)
		return;
	add_number(obj, "previous_container_id", c->previous.container_id);
	add_number(obj, "previous_pid", c->previous.pid);
	put_json(obj);
}

static void add_or_null(struct json_object *obj, const char *key, bool known, int val)
{
	json_object_object_add(obj, key, known ? json_object_new_int(val) : NULL);
}

void emit_exit(const struct container *c)
{
	bool known = c->status != -1;
	struct json_object *obj;

	lttng_ust_tracepoint(container_agent, exit, c, machine);
	obj = json_event("exit", c);
	if (!obj)
		return;
	add_or_null(obj, "status", known && WIFEXITED(c->status), WEXITSTATUS(c->status));
	add_or_null(obj, "signal", known && WIFSIGNALED(c->status), WTERMSIG(c->status));
	put_json(obj);
}

void emit_rename(const struct container *c, const char *old_name, const char *old_id)
{
	struct json_object *obj;

	lttng_ust_tracepoint(container_agent, rename, c, machine, old_name, old_id);
	obj = json_event("rename", c);
	if (!obj)
		return;
	add_string(obj, "old_name", old_name);
	add_string(obj, "old_id", old_id);
	put_json(obj);
}

/* --- the state --- */

static void count(const struct container *c, void *data)
{
	(void)c;
	(*(uint32_t *)data)++;
}

static void dump(const struct container *c, void *data)
{
	(void)data;
	emit(statedump_container, c);
	if (c->state == STATE_RUNNING || c->state == STATE_PAUSED)
		lttng_ust_tracepoint(ust_container_statedump, lttng_statedump_container, c);
}

static void put_json_statedump(const char *event, uint32_t containers)
{
	struct json_object *obj = json_event(event, NULL);

	if (!obj)
		return;
	add_number(obj, "containers", containers);
	add_string(obj, "boot_id", machine->boot_id);
	add_string(obj, "hostname", machine->hostname);
	put_json(obj);
}

/** emit_statedump - tell of all containers, from start to end */
void emit_statedump(void)
{
	uint32_t containers = 0;

	registry_each(count, &containers);
	lttng_ust_tracepoint(container_agent, statedump_start, machine, containers);
	put_json_statedump("statedump_start", containers);
	registry_each(dump, NULL);
	lttng_ust_tracepoint(container_agent, statedump_end, machine, containers);
	put_json_statedump("statedump_end", containers);
}

/* --- LTTng-UST --- */

/**
 * emit_ust_load - load the probes, which registers the agent with LTTng's session daemons
 * @provider: the shared object
 * @notify: called when a session wants the state, on a thread of LTTng's
 *
 * If there is no LTTng-UST it says why.
 */
void emit_ust_load(const char *provider, void (*notify)(void))
{
	int (*on_statedump)(void (*)(void));
	void *handle = dlopen(provider, RTLD_NOW | RTLD_LOCAL);

	if (!handle) {
		msg("no tracepoints for LTTng: %s", dlerror());
		return;
	}
	*(void **)&on_statedump = dlsym(handle, "container_agent_on_statedump");
	if (!on_statedump || on_statedump(notify))
		msg("LTTng-UST doesn't tell when a session starts: the state is dumped on SIGHUP and every so often only");
}
