// SPDX-License-Identifier: GPL-2.0
/* What cid-agent knows, where one runs: the runtimes' names of containers */

#include <errno.h>
#include <json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent_names.h"
#include "util.h"

#define SOCKET		"/run/cid-agent/containers"
#define ANSWER_SEC	5
#define ANSWER_MAX	(64U << 20)

static int connect_agent(void)
{
	const struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = SOCKET };
	const struct timeval limit = { .tv_sec = ANSWER_SEC };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) &&
	    !connect(fd, (const struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	close(fd);
	return -1;
}

/* Return: all that it says, to be freed; NULL if it doesn't come to an end. */
static char *read_all(int fd)
{
	size_t size = 65536, len = 0;
	char *buf = xcalloc(1, size);
	ssize_t n;

	while ((n = read(fd, buf + len, size - 1 - len)) > 0 && size < ANSWER_MAX) {
		len += n;
		if (len < size - 1)
			continue;
		size *= 2;
		buf = xreallocarray(buf, size, 1);
	}
	if (n) {
		free(buf);
		return NULL;
	}
	buf[len] = '\0';
	return buf;
}

/**
 * agent_containers - the containers that cid-agent knows
 *
 * Return: a new array of objects, whose members are the fields of the agent's events; NULL if
 * there is no agent, or the caller may not ask it.
 */
struct json_object *agent_containers(void)
{
	cleanup_close int fd = connect_agent();
	cleanup_free char *text = fd < 0 ? NULL : read_all(fd);
	struct json_object *list;
	char *line, *save;

	if (!text)
		return NULL;
	list = json_object_new_array();
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct json_object *obj = json_tokener_parse(line);

		if (json_object_is_type(obj, json_type_object))
			json_object_array_add(list, obj);
		else
			json_object_put(obj);
	}
	return list;
}

static const char *string_of(struct json_object *obj, const char *key)
{
	struct json_object *val;

	return json_object_object_get_ex(obj, key, &val) ? json_object_get_string(val) : "";
}

static uint64_t number_of(struct json_object *obj, const char *key)
{
	struct json_object *val;

	return json_object_object_get_ex(obj, key, &val) ? json_object_get_uint64(val) : 0;
}

/**
 * agent_id_of_name - the runtime's ID of a container that has a name
 * @list: from agent_containers(); NULL has none
 * @name: the name
 *
 * Return: the ID, for as long as @list is there; NULL.
 */
const char *agent_id_of_name(struct json_object *list, const char *name)
{
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *obj = json_object_array_get_idx(list, i);

		if (!strcmp(string_of(obj, "name"), name))
			return string_of(obj, "id");
	}
	return NULL;
}

/* What it has from the label is there already. */
static bool is_of_runtime(struct json_object *obj)
{
	return strcmp(string_of(obj, "runtime"), "metrics_ns") != 0;
}

/**
 * agent_find - what the agent knows of a container
 * @list: from agent_containers(); NULL has none
 * @container_id: the container's ID, 0 if it has none
 * @pid: its first process, 0 if it has none
 * @names: gets what a runtime calls it, for as long as @list is there
 *
 * Return: whether it knows more than its label.
 */
bool agent_find(struct json_object *list, uint64_t container_id, pid_t pid,
		struct agent_names *names)
{
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *obj = json_object_array_get_idx(list, i);

		if (container_id ? number_of(obj, "container_id") != container_id :
		    !pid || number_of(obj, "pid") != (uint64_t)pid)
			continue;
		names->runtime = string_of(obj, "runtime");
		names->name = string_of(obj, "name");
		if (!*names->name)
			names->name = string_of(obj, "id");
		return is_of_runtime(obj);
	}
	return false;
}
