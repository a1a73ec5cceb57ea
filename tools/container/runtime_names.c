// SPDX-License-Identifier: GPL-2.0
/*
 * The names that people gave their containers are known to the runtimes only.
 * Labels are the runtimes' own IDs, so asking is a matter of one listing.
 */

#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent_names.h"
#include "runtime_names.h"
#include "util.h"

#define ANSWER_MS	5000
#define ANSWER_MAX	(4U << 20)

struct runtime {
	const char *const argv[8];
	const char *id_key;
	const char *names_key;
};

static const struct runtime runtimes[] = {
	{ { "podman", "ps", "-a", "--no-trunc", "--format", "json", NULL },
	  "Id", "Names" },
	{ { "docker", "ps", "-a", "--no-trunc", "--format", "{{json .}}",
	    NULL },
	  "ID", "Names" },
};

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void exec_quietly(const struct runtime *rt, int out)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 2) < 0 ||
	    dup2(out, 1) < 0)
		_exit(1);
	execvp(rt->argv[0], (char *const *)rt->argv);
	_exit(127);
}

/* Until end of file, or -1 if that doesn't come in time or there is too much */
static int read_answer(int fd, char *buf, size_t size)
{
	long long end = now_ms() + ANSWER_MS;
	size_t len = 0;

	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		long long left = end - now_ms();
		ssize_t n;

		if (left <= 0 || poll(&pfd, 1, left) <= 0 || len == size - 1)
			return -1;
		n = read(fd, buf + len, size - 1 - len);
		if (n < 0)
			return -1;
		if (!n)
			break;
		len += n;
	}
	buf[len] = '\0';
	return 0;
}

/* A runtime that isn't installed is no error: there may be another, or none. */
static char *ask(const struct runtime *rt)
{
	char *buf = NULL;
	int fds[2], status, ret;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return NULL;
	pid = fork();
	if (!pid)
		exec_quietly(rt, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return NULL;
	}
	buf = xcalloc(1, ANSWER_MAX);
	ret = read_answer(fds[0], buf, ANSWER_MAX);
	close(fds[0]);
	if (ret) {
		msg("%s doesn't answer: its names are not known", rt->argv[0]);
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) != pid || ret || status) {
		free(buf);
		return NULL;
	}
	return buf;
}

static int in_comma_list(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (*list) {
		size_t n = strcspn(list, ",");

		if (n == len && !strncmp(list, name, len))
			return 1;
		list += n;
		list += *list == ',';
	}
	return 0;
}

/* podman gives an array of names, docker a string with commas. */
static int has_name(struct json_object *names, const char *name)
{
	if (json_object_is_type(names, json_type_string))
		return in_comma_list(json_object_get_string(names), name);
	if (!json_object_is_type(names, json_type_array))
		return 0;
	for (size_t i = 0; i < json_object_array_length(names); i++) {
		const char *s = json_object_get_string(
				json_object_array_get_idx(names, i));

		if (s && !strcmp(s, name))
			return 1;
	}
	return 0;
}

static char *id_in_object(const struct runtime *rt, struct json_object *obj,
			  const char *name)
{
	struct json_object *id, *names;

	if (!json_object_is_type(obj, json_type_object) ||
	    !json_object_object_get_ex(obj, rt->id_key, &id) ||
	    !json_object_object_get_ex(obj, rt->names_key, &names) ||
	    !json_object_is_type(id, json_type_string) ||
	    !has_name(names, name))
		return NULL;
	return xstrdup(json_object_get_string(id));
}

static char *id_in_value(const struct runtime *rt, struct json_object *val,
			 const char *name)
{
	char *id = NULL;

	if (!json_object_is_type(val, json_type_array))
		return id_in_object(rt, val, name);
	for (size_t i = 0; !id && i < json_object_array_length(val); i++)
		id = id_in_object(rt, json_object_array_get_idx(val, i), name);
	return id;
}

/* podman answers with one array, docker with an object a line. */
static char *id_in_answer(const struct runtime *rt, const char *text,
			  const char *name)
{
	struct json_tokener *tok = json_tokener_new();
	char *id = NULL;

	while (tok && *text && !id) {
		struct json_object *val;

		val = json_tokener_parse_ex(tok, text, strlen(text) + 1);
		if (json_tokener_get_error(tok) != json_tokener_success)
			break;
		text += json_tokener_get_parse_end(tok);
		text += strspn(text, " \t\r\n");
		id = id_in_value(rt, val, name);
		json_object_put(val);
	}
	if (tok)
		json_tokener_free(tok);
	return id;
}

/**
 * runtime_id_of_name - ask the container runtimes for a container
 * @name: the name that it has there
 *
 * cid-agent knows it without asking them, where one runs.
 *
 * Return: a new string, the runtime's ID of it; NULL if none has it.
 */
char *runtime_id_of_name(const char *name)
{
	struct json_object *list = agent_containers();
	const char *known = agent_id_of_name(list, name);
	char *found = known ? xstrdup(known) : NULL;

	json_object_put(list);
	if (found)
		return found;
	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++) {
		cleanup_free char *text = ask(&runtimes[i]);
		char *id = text ? id_in_answer(&runtimes[i], text, name) : NULL;

		if (id)
			return id;
	}
	return NULL;
}
