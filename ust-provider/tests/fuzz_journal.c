// SPDX-License-Identifier: GPL-2.0
/*
 * A journal may be cut off or of another version. Whatever is in it, what is made of it is
 * in bounds, and written and read again it is the same.
 */

#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../registry.h"
#include "fuzz.h"

static const char *text_of_journal;

/* Of the two files in its folder, that which is read has this text. */
static int open_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);
	size_t len = strlen(text_of_journal);

	check(fd >= 0);
	if (!strcmp(name, "journal"))
		check(pwrite(fd, text_of_journal, len, 0) == (ssize_t)len);
	return fd;
}

#define openat(dirfd, name, ...)	open_file(name)
#define renameat(...)			0
#include "../journal.c"
#undef openat
#undef renameat
#include "../gone.c"
#include "../life.c"
#include "../registry.c"
#include "../report.c"
#include "../restore.c"

sd_event *loop;

static const struct machine fuzz_machine = { .boot_id = "boot", .hostname = "host" };
const struct machine *machine = &fuzz_machine;

/* It isn't to be expected back: others take its place, or there is no room for its name. */
static bool may_differ;

/* --- processes: odd ones have gone, others may have ended --- */

int identity_open_pid(pid_t pid)
{
	return pid <= 0 || pid % 2 ? -1 : eventfd(pid % 4 ? 1 : 0, EFD_CLOEXEC);
}

int identity_read(pid_t pid, int pidfd, struct identity *ident)
{
	(void)pidfd;
	*ident = (struct identity){
		.pid = pid,
		.vpid = 1,
		.container_id = pid % 8 ? 0 : pid,
		.cgroup_path = xasprintf("/c/%d", pid),
		.cgroup_text = xasprintf("/c/%d", pid),
		.ns_id[NS_PID] = 1000 + pid % 3,
		.ns_inum[NS_PID] = 1000 + pid % 3,
	};
	return 0;
}

void identity_free(struct identity *ident)
{
	free(ident->cgroup_path);
	free(ident->cgroup_text);
	memset(ident, 0, sizeof(*ident));
}

bool identity_belongs_to(pid_t pid, uid_t uid)
{
	return pid % 3 || !uid;
}

int identity_exit_status(int pidfd, pid_t pid)
{
	(void)pidfd;
	return (pid & 0xff) << 8;
}

void identity_set_cgroup(struct identity *ident, const char *path)
{
	free(ident->cgroup_path);
	free(ident->cgroup_text);
	ident->cgroup_path = xstrdup(path);
	ident->cgroup_text = escape_bounded(path, PATH_MAX_BYTES);
}

bool identity_label(const struct container *c)
{
	return c->ident.container_id;
}

bool kernel_tells_victims(void)
{
	return false;
}

bool kernel_tells_pauses(void)
{
	return false;
}

/* --- what is told --- */

static void check_container(const struct container *c, void *data)
{
	(void)data;
	check(c->state > STATE_NONE && c->state <= STATE_REMOVED);
	check(c->rank <= RANK_ENGINE);
	check(c->family && c->runtime && *c->id && c->name && c->image && c->pod && c->labels);
	check_text(c->id, FUZZ_TEXT_MAX);
	check_text(c->name, FUZZ_TEXT_MAX);
	check_text(c->image, FUZZ_TEXT_MAX);
	check_text(c->pod, FUZZ_TEXT_MAX);
	check_text(c->labels, FUZZ_TEXT_MAX);
	check_text(c->folder, FUZZ_TEXT_MAX);
	check_text(c->ident.cgroup_text, PATH_MAX_BYTES);
	if (!*c->family || !strcmp(c->family, FAMILY_KERNEL))
		may_differ = true;
}

#define EMIT(event)					\
	void emit_##event(const struct container *c)	\
	{						\
		check_container(c, NULL);		\
	}

EMIT(create)
EMIT(start)
EMIT(restart)
EMIT(exit)
EMIT(pause)
EMIT(unpause)
EMIT(oom)
EMIT(remove)

void emit_rename(const struct container *c, const char *old_name, const char *old_id)
{
	check_container(c, NULL);
	check_text(old_name, FUZZ_TEXT_MAX);
	check_text(old_id, FUZZ_TEXT_MAX);
}

static void add(struct json_object *obj, const char *key, const char *text, uint64_t number)
{
	json_object_object_add(obj, key, text ? json_object_new_string(text) :
						json_object_new_uint64(number));
}

struct json_object *container_json(const struct container *c)
{
	struct json_object *obj = json_object_new_object();

	add(obj, "runtime", c->runtime, 0);
	add(obj, "id", c->id, 0);
	add(obj, "name", c->name, 0);
	add(obj, "image", c->image, 0);
	add(obj, "pod", c->pod, 0);
	add(obj, "labels", c->labels, 0);
	add(obj, "uid", NULL, c->uid);
	add(obj, "pid", NULL, c->ident.pid);
	add(obj, "container_id", NULL, c->ident.container_id);
	add(obj, "cgroup_id", NULL, c->ident.cgroup_id);
	add(obj, "cgroup_path", c->ident.cgroup_text ?: "", 0);
	add(obj, "pid_ns_id", NULL, c->ident.ns_id[NS_PID]);
	add(obj, "pid_ns", NULL, c->ident.ns_inum[NS_PID]);
	add(obj, "restart_count", NULL, c->restarts);
	add(obj, "boot_id", machine->boot_id, 0);
	return obj;
}

/* --- agents that come one after the other --- */

static void forget_all(void)
{
	registry_stop();
	memset(of_root, 0, sizeof(of_root));
	memset(of_users, 0, sizeof(of_users));
	rings[0].next = rings[1].next = 0;
	settled = false;
	journal_stop();
	file = -1;
}

/* One that the journal may have lives on, and ends. */
static void a_source_tells(void)
{
	static const enum report_what whats[] = {
		REPORT_SEEN, REPORT_EXIT, REPORT_START, REPORT_RENAME, REPORT_REMOVE
	};
	struct report r = {
		REPORT_INIT,
		.state = STATE_RUNNING,
		.rank = RANK_ENGINE,
		.family = FAMILY_OCI,
		.runtime = "docker",
		.id = "a",
		.pid = 1204,
	};

	for (size_t i = 0; i < ARRAY_SIZE(whats); i++) {
		r.what = whats[i];
		r.name = r.what == REPORT_RENAME ? "m" : NULL;
		registry_report(&r);
	}
}

/* Return: what the agent has written, for free(). */
static char *agent_with(const char *text, bool settles)
{
	char *written;
	off_t size;

	text_of_journal = text;
	check(sd_event_new(&loop) >= 0);
	life_start(true);
	journal_start(-1);
	registry_each(check_container, NULL);
	check(file >= 0);
	size = lseek(file, 0, SEEK_END);
	written = xcalloc(size + 1, 1);
	check(pread(file, written, size, 0) == size);
	if (settles) {
		a_source_tells();
		registry_settled();
		for (int i = 0; i < 4; i++)
			check(sd_event_run(loop, 0) >= 0);
		registry_for_each(end_restored, loop);
	}
	forget_all();
	loop = sd_event_unref(loop);
	return written;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = text_of(data, size);
	cleanup_free char *first = NULL;
	cleanup_free char *second = NULL;
	cleanup_free char *third = NULL;

	may_differ = false;
	first = agent_with(text, false);
	second = agent_with(first, false);
	/* Each turns the order of those that share a bucket around. */
	third = agent_with(second, true);
	check(may_differ || !strcmp(first, third));
	return 0;
}
