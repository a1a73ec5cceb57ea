// SPDX-License-Identifier: GPL-2.0
/*
 * containerd's API is gRPC, but each of its tasks has a folder with the container's
 * configuration, and there Kubernetes' names are annotations. A task that is no OCI
 * runtime's, as of Kata Containers, is seen here only; of the others crun or runc tells
 * when they are started, see oci.c.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "agent.h"
#include "folders.h"
#include "oci_state.h"

#define CONFIG_MAX	(4U << 20)
#define PID_MAX_BYTES	32
#define STRING_MAX	1024

/* The shim's own, whatever the place of the tasks; docker has another. */
static const char *const state_roots[] = {
	"/run/containerd/runc", "/run/docker/runtime-runc"
};

/* What is known of a task; @told: the registry knows it, in @state */
struct task {
	struct oci_state file;
	enum container_state state;
	pid_t pid;		/* of init.pid, 0: it isn't alive */
	char *name;
	char *image;
	char *pod;
	bool configured;
	bool told;
};

/* The container is docker's, which knows better what it is. */
static bool is_docker(const struct folder *f)
{
	return !strcmp(folder_root_name(f), "moby");
}

static struct report fill(const struct folder *f, const struct task *t,
			  enum report_what what)
{
	return (struct report){
		REPORT_INIT,
		.what = what,
		.state = t->state,
		.rank = is_docker(f) ? RANK_OCI : RANK_ENGINE,
		.family = FAMILY_OCI,
		.runtime = is_docker(f) ? "docker" : "containerd",
		.id = folder_name(f),
		.uid = folder_uid(f),
		.name = t->name,
		.image = t->image,
		.pod = t->pod,
		.cgroup = t->file.cgroup,
		.pid = t->pid,
	};
}

static void tell(const struct folder *f, const struct task *t, enum report_what what)
{
	struct report r = fill(f, t, what);

	registry_report(&r);
}

static char *note(struct json_object *notes, const char *key, const char *other)
{
	const char *s = json_string(notes, key);

	if (!s && other)
		s = json_string(notes, other);
	return s ? xasprintf("%.*s", STRING_MAX, s) : NULL;
}

static char *pod_of(struct json_object *notes)
{
	const char *space = json_string(notes, "io.kubernetes.cri.sandbox-namespace");
	char *name = note(notes, "io.kubernetes.cri.sandbox-name", NULL);
	char *pod;

	if (!space || !name)
		return name;
	pod = xasprintf("%.*s/%s", STRING_MAX, space, name);
	free(name);
	return pod;
}

/* It is written once, before there is a process. */
static void read_config(struct task *t, int dirfd, uid_t uid)
{
	struct json_object *config, *notes;

	if (t->configured)
		return;
	config = json_of_file(dirfd, "config.json", CONFIG_MAX, uid);
	if (!config)
		return;
	t->configured = true;
	notes = json_member(config, "annotations", json_type_object);
	t->name = note(notes, "io.kubernetes.cri.container-name", "nerdctl/name");
	t->image = note(notes, "io.kubernetes.cri.image-name",
			"io.kubernetes.cri.podsandbox.image-name");
	t->pod = pod_of(notes);
	json_object_put(config);
}

static pid_t read_pid(int dirfd, uid_t uid)
{
	cleanup_free char *text = file_text(dirfd, "init.pid", PID_MAX_BYTES, uid);
	pid_t pid;

	if (!text)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return parse_pid(text, &pid) ? 0 : pid;
}

static int open_state(const struct folder *f, const char *root)
{
	cleanup_free char *path = xasprintf("%s/%s/%s", root, folder_root_name(f),
					    folder_name(f));
	uid_t owner;
	int fd = folder_walk(path, &owner);

	if (fd >= 0 && owner != folder_uid(f)) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * The OCI runtime has noted when the process has started; with init.pid alone another
 * that got its ID would be taken for it.
 *
 * Return: STATE_NONE: no OCI runtime has it.
 */
static enum container_state state_of_runtime(const struct folder *f, struct task *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(state_roots); i++) {
		cleanup_close int dirfd = open_state(f, state_roots[i]);

		if (dirfd >= 0 && oci_state_read(&t->file, dirfd, folder_uid(f)))
			return oci_state_now(&t->file, dirfd, folder_uid(f));
	}
	return STATE_NONE;
}

static void tell_first(const struct folder *f, struct task *t, bool sure)
{
	t->told = true;
	if (!folder_is_new(f)) {
		tell(f, t, REPORT_SEEN);
		return;
	}
	tell(f, t, REPORT_CREATE);
	if (sure && t->state == STATE_RUNNING)
		tell(f, t, REPORT_START);
}

static struct task *task_of(struct folder *f)
{
	struct task *t = folder_data(f);

	if (!t) {
		t = xcalloc(1, sizeof(*t));
		folder_set_data(f, t);
	}
	return t;
}

static void task_found(struct folder *f)
{
	struct task *t = task_of(f);
	enum container_state before = t->state, sure;
	cleanup_close int dirfd = folder_open(f);
	uid_t uid = folder_uid(f);
	pid_t pid = dirfd < 0 ? 0 : read_pid(dirfd, uid);

	if (!pid)
		return;
	read_config(t, dirfd, uid);
	sure = state_of_runtime(f, t);
	t->state = sure;
	if (!sure)
		t->state = oci_pid_alive(pid, 0, uid) ? STATE_RUNNING : STATE_EXITED;
	t->pid = t->state == STATE_EXITED ? 0 : pid;
	if (!t->told)
		tell_first(f, t, sure);
	else if (t->state != before)
		tell(f, t, REPORT_SEEN);
}

static void task_event(struct folder *f, const char *name, uint32_t mask)
{
	(void)mask;
	if (!strcmp(name, "init.pid"))
		task_found(f);
}

static void task_list(struct folder *f)
{
	const struct task *t = folder_data(f);
	struct report r;

	if (!t || !t->told)
		return;
	r = fill(f, t, REPORT_SEEN);
	registry_list_seen(folder_source(f), &r);
}

static void task_gone(struct folder *f, bool removed)
{
	struct task *t = folder_data(f);

	if (!t)
		return;
	t->pid = 0;
	t->state = STATE_EXITED;
	/* docker tells when its own are removed. */
	if (t->told && removed)
		tell(f, t, is_docker(f) ? REPORT_SEEN : REPORT_REMOVE);
	oci_state_clear(&t->file);
	free(t->name);
	free(t->image);
	free(t->pod);
	free(t);
}

static const struct folders_ops task_ops = {
	.mask = IN_CLOSE_WRITE | IN_MOVED_TO,
	.found = task_found,
	.event = task_event,
	.list = task_list,
	.gone = task_gone,
};

static void *containerd_start(const char *place)
{
	return folders_watch("containerd", place, &task_ops);
}

static void containerd_look(void *watch)
{
	folders_look(watch);
}

static void containerd_stop(void *watch)
{
	folders_free(watch);
}

static const char *const containerd_places[] = {
	"/run/containerd/io.containerd.runtime.v2.task/*",
	"/run/k3s/containerd/io.containerd.runtime.v2.task/*",
	NULL
};

const struct runtime runtime_containerd = {
	.name = "containerd",
	.places = containerd_places,
	.patterns = true,
	.start = containerd_start,
	.look = containerd_look,
	.stop = containerd_stop,
};
