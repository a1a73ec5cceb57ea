// SPDX-License-Identifier: GPL-2.0
/* The real runtime: finding it, becoming it, and asking it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <json-c/json.h>

#include "cid-runtime.h"

#define DEFAULT_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ANSWER_MAX	(1 << 20)

static struct sigaction caller_sigchld;
static sigset_t caller_mask;

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

static char *search_path(const char *name)
{
	const char *dir = getenv("PATH");

	if (!dir || !*dir)
		dir = DEFAULT_PATH;
	while (*dir) {
		int len = strcspn(dir, ":");
		char *path;

		if (asprintf(&path, "%.*s/%s", len, dir, name) < 0)
			cid_die(CID_EXIT_FAILED, "out of memory");
		/* an engine's root must not run what lies in "." */
		if (*dir == '/' && is_program(path))
			return path;
		free(path);
		dir += len;
		dir += *dir == ':';
	}
	return NULL;
}

static void refuse_self(const char *path)
{
	struct stat self, st;

	if (!stat("/proc/self/exe", &self) && !stat(path, &st) &&
	    self.st_dev == st.st_dev && self.st_ino == st.st_ino)
		cid_die(CID_EXIT_NOTFOUND,
			"%s is cid-runtime itself; set runtime= to crun or runc",
			path);
}

static char *find_named(const char *name)
{
	char *path = strchr(name, '/') ? strdup(name) : search_path(name);

	if (!path || access(path, F_OK))
		cid_die(CID_EXIT_NOTFOUND,
			"runtime %s not found; install it or set runtime= in cid-runtime.conf",
			name);
	if (!is_program(path))
		cid_die(CID_EXIT_NOEXEC, "runtime %s is not a program", path);
	return path;
}

static const char *name_invoked(const char *argv0)
{
	const char *base = strrchr(argv0, '/');

	base = base ? base + 1 : argv0;
	if (!strcmp(base, "cid-runtime-crun"))
		return "crun";
	if (!strcmp(base, "cid-runtime-runc"))
		return "runc";
	return NULL;
}

/**
 * cid_runtime_find() - which runtime the wrapper stands for
 * @argv0: the name the wrapper was called by: cid-runtime-crun and
 *         cid-runtime-runc say which, before any configuration
 * @conf: the runtime configured, if any
 *
 * Return: its path; exits with a message if there is none.
 */
char *cid_runtime_find(const char *argv0, const struct cid_conf *conf)
{
	const char *name = name_invoked(argv0);
	char *path;

	if (!name)
		name = conf->runtime;
	if (name) {
		path = find_named(name);
	} else {
		path = search_path("crun");
		if (!path)
			path = search_path("runc");
		if (!path)
			cid_die(CID_EXIT_NOTFOUND,
				"neither crun nor runc found in PATH; install one or set runtime= in cid-runtime.conf");
	}
	refuse_self(path);
	return path;
}

/**
 * cid_process_init() - remember the caller's signal setup
 *
 * An ignored SIGCHLD would hide the exit status of the wrapper's children;
 * the runtime gets it back as it was.
 */
void cid_process_init(void)
{
	struct sigaction act = { .sa_handler = SIG_DFL };

	sigaction(SIGCHLD, &act, &caller_sigchld);
	sigprocmask(SIG_SETMASK, NULL, &caller_mask);
}

/**
 * cid_exec() - become the runtime
 * @runtime: its path
 * @argv: the wrapper's own argv
 */
void cid_exec(const char *runtime, char **argv)
{
	argv[0] = (char *)runtime;
	sigaction(SIGCHLD, &caller_sigchld, NULL);
	sigprocmask(SIG_SETMASK, &caller_mask, NULL);
	execv(runtime, argv);
	cid_die(CID_EXIT_NOEXEC, "%s: %s", runtime, strerror(errno));
}

static void exec_captured(char *const argv[], int out)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(null, 2) < 0)
		_exit(CID_EXIT_FAILED);
	sigaction(SIGCHLD, &caller_sigchld, NULL);
	sigprocmask(SIG_SETMASK, &caller_mask, NULL);
	execv(argv[0], argv);
	_exit(CID_EXIT_NOEXEC);
}

static bool read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, buf + len, size - 1 - len);
		if (n > 0)
			len += n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	buf[len] = '\0';
	return n == 0 && len < size - 1;
}

/**
 * cid_capture() - run a program and return what it prints
 * @argv: program by path, and arguments
 *
 * Its stderr is dropped.
 *
 * Return: its output, to be freed, or NULL if it failed or printed too much.
 */
char *cid_capture(char *const argv[])
{
	char *buf = cid_alloc(ANSWER_MAX, 1);
	int status = -1, pipefd[2];
	bool ok = false;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC))
		goto out;
	pid = fork();
	if (!pid)
		exec_captured(argv, pipefd[1]);
	close(pipefd[1]);
	if (pid > 0)
		ok = read_all(pipefd[0], buf, ANSWER_MAX);
	close(pipefd[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	ok = ok && WIFEXITED(status) && !WEXITSTATUS(status);
out:
	if (ok)
		return buf;
	free(buf);
	return NULL;
}

static pid_t parse_state(const char *text)
{
	struct json_object *root = json_tokener_parse(text), *member;
	int64_t pid = 0;

	member = cid_json_get(root, "status", json_type_string);
	if (member && strcmp(json_object_get_string(member), "stopped")) {
		member = cid_json_get(root, "pid", json_type_int);
		pid = json_object_get_int64(member);
	}
	json_object_put(root);
	return pid > 0 && pid <= INT_MAX ? pid : 0;
}

/**
 * cid_container_pid() - ask the runtime for a container's first process
 * @runtime: its path
 * @args: the container's id and the global options that lead to it
 *
 * Should that process die and its pid be used again before the caller looks
 * at it, then the runtime itself refuses what it was asked for.
 *
 * Return: the pid, or 0 where there is no such container or process.
 */
pid_t cid_container_pid(const char *runtime, const struct cid_args *args)
{
	char **argv = cid_alloc(args->nr_globals + 5, sizeof(char *));
	pid_t pid = 0;
	char *state;
	int n = 0;

	argv[n++] = (char *)runtime;
	for (int i = 0; i < args->nr_globals; i++)
		argv[n++] = args->globals[i];
	argv[n++] = "state";
	argv[n++] = "--";
	argv[n++] = (char *)args->id;
	state = cid_capture(argv);
	if (state)
		pid = parse_state(state);
	free(state);
	free(argv);
	return pid;
}
