// SPDX-License-Identifier: GPL-2.0
/*
 * crun and runc: whatever engine starts a container, most often one of them does it in
 * the end, and its folder of state is the earliest sign of a container, and the only one
 * if there is no engine. inotify sees it in time for the first events of a container to
 * be understood: the state is written while the container waits to be started.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "agent.h"
#include "folders.h"
#include "oci_state.h"
#include "storage.h"

/* What is known of a container; @told: the registry knows it, in @state */
struct container {
	struct oci_state file;
	struct storage_info engine;
	enum container_state state;
	pid_t pid;		/* 0: it isn't alive, or isn't its */
	bool told;
	bool opened;		/* its FIFO, since it has been told of */
	bool started;
};

static struct report fill(const struct folder *f, const struct container *c,
			  enum report_what what)
{
	const char *engine = c->engine.runtime;

	return (struct report){
		REPORT_INIT,
		.what = what,
		.state = c->state,
		.rank = engine ? RANK_ENGINE : RANK_OCI,
		.family = FAMILY_OCI,
		.runtime = engine ? engine : c->file.runtime,
		.id = folder_name(f),
		.uid = folder_uid(f),
		.name = c->engine.name,
		.image = c->engine.image,
		.pod = c->engine.pod,
		.folder = c->engine.folder,
		.cgroup = c->file.cgroup,
		.pid = c->pid,
	};
}

static void tell(const struct folder *f, const struct container *c, enum report_what what)
{
	struct report r = fill(f, c, what);

	registry_report(&r);
}

static void tell_start(const struct folder *f, struct container *c)
{
	c->started = true;
	tell(f, c, REPORT_START);
}

/* "crun run" has no FIFO, and others may have been faster than the events. */
static void tell_first(const struct folder *f, struct container *c, bool waits)
{
	c->told = true;
	if (!folder_is_new(f)) {
		c->started = !waits;
		tell(f, c, REPORT_SEEN);
		return;
	}
	tell(f, c, REPORT_CREATE);
	if (!waits)
		tell_start(f, c);
	if (c->state == STATE_EXITED)
		tell(f, c, REPORT_SEEN);
}

static void find_engine(const struct folder *f, struct container *c)
{
	if (!c->engine.runtime && c->file.bundle)
		storage_lookup(c->file.bundle, folder_name(f), folder_uid(f), &c->engine);
}

static struct container *container_of(struct folder *f)
{
	struct container *c = folder_data(f);

	if (!c) {
		c = xcalloc(1, sizeof(*c));
		folder_set_data(f, c);
	}
	return c;
}

static void oci_found(struct folder *f)
{
	struct container *c = container_of(f);
	enum container_state before = c->state;
	cleanup_close int dirfd = folder_open(f);
	uid_t uid = folder_uid(f);
	pid_t pid = c->pid;

	if (dirfd < 0 || !oci_state_read(&c->file, dirfd, uid))
		return;
	find_engine(f, c);
	c->state = oci_state_now(&c->file, dirfd, uid);
	c->pid = c->state == STATE_EXITED ? 0 : c->file.pid;
	if (!c->told)
		tell_first(f, c, oci_waits(dirfd));
	else if (c->state != before || (c->pid && c->pid != pid))
		tell(f, c, REPORT_SEEN);
	if (c->state == STATE_RUNNING)
		c->started = true;
}

/*
 * To start it the FIFO is opened and then deleted. One that is deleted only has gone with
 * a container that never was started.
 */
static void fifo_event(struct folder *f, uint32_t mask)
{
	struct container *c = folder_data(f);

	if (!c || !c->told)
		return;
	if (mask & IN_OPEN)
		c->opened = true;
	if (!(mask & IN_DELETE) || !c->opened || c->started)
		return;
	c->state = STATE_RUNNING;
	tell_start(f, c);
}

static void oci_event(struct folder *f, const char *name, uint32_t mask)
{
	if (!strcmp(name, "exec.fifo"))
		fifo_event(f, mask);
	else if ((mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) && oci_state_name(name))
		oci_found(f);
}

static void oci_list(struct folder *f)
{
	const struct container *c = folder_data(f);
	struct report r;

	if (!c || !c->told)
		return;
	r = fill(f, c, REPORT_SEEN);
	registry_list_seen(folder_source(f), &r);
}

/*
 * An engine keeps its containers when they have ended, and has the runtime forget them.
 * docker's are in a folder "moby", and docker tells when they are removed.
 */
static void tell_end(const struct folder *f, struct container *c)
{
	bool is_kept = c->engine.folder || !strcmp(folder_root_name(f), "moby");

	c->state = STATE_EXITED;
	tell(f, c, is_kept ? REPORT_SEEN : REPORT_REMOVE);
}

/* It was over before its state could be read: that is all there is to tell. */
static void tell_short(const struct folder *f)
{
	const struct container unread = {
		.file.runtime = strcmp(folder_root_name(f), "crun") ? "runc" : "crun",
	};

	tell(f, &unread, REPORT_CREATE);
	tell(f, &unread, REPORT_REMOVE);
}

static void oci_gone(struct folder *f, bool removed)
{
	struct container *c = folder_data(f);

	if ((!c || !c->told) && removed && folder_is_new(f))
		tell_short(f);
	if (!c)
		return;
	c->pid = 0;
	if (c->told && removed)
		tell_end(f, c);
	oci_state_clear(&c->file);
	storage_info_clear(&c->engine);
	free(c);
}

static const struct folders_ops oci_ops = {
	.mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_OPEN | IN_DELETE,
	.found = oci_found,
	.event = oci_event,
	.list = oci_list,
	.gone = oci_gone,
};

static void *oci_start(const char *place)
{
	return folders_watch("oci", place, &oci_ops);
}

static void oci_look(void *watch)
{
	folders_look(watch);
}

static void oci_stop(void *watch)
{
	folders_free(watch);
}

static const char *const oci_places[] = {
	"/run/crun",
	"/run/runc",
	"/run/docker/runtime-runc/moby",
	"/run/containerd/runc/*",
	"/run/user/*/crun",
	"/run/user/*/runc",
	NULL
};

const struct runtime runtime_oci = {
	.name = "oci",
	.places = oci_places,
	.patterns = true,
	.start = oci_start,
	.look = oci_look,
	.stop = oci_stop,
};
