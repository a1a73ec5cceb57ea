// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a container: a state, which goes on as sources tell, and of which each step is
 * an event; and what shows that it goes on without anybody telling, a pidfd of its init and
 * a folder that it has.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "registry.h"

/* For a start that is told after the init's end */
#define EXIT_HOLD_USEC	1000000

static bool labelling;

/**
 * life_start - before anyone reports
 * @label: give metrics namespaces without a label the ID of their container
 */
void life_start(bool label)
{
	labelling = label;
}

bool life_is_up(const struct container *c)
{
	return c->state == STATE_RUNNING || c->state == STATE_PAUSED;
}

/* --- the state --- */

static void label(const struct container *c)
{
	if (labelling && c->ident.container_id)
		identity_label(c);
}

/* It has been started before, or has the ID or the name of another one. */
static void tell_start(struct container *c)
{
	bool again = c->started || c->previous.pid;

	if (again) {
		c->restarts++;
	} else {
		const struct gone *g = gone_before(c);

		if (g) {
			c->previous.container_id = g->container_id;
			c->previous.pid = g->pid;
			c->restarts += g->restarts + 1;
			again = true;
		}
	}
	c->reborn = false;
	label(c);
	emit_start(c);
	if (again)
		emit_restart(c);
	c->started = true;
}

static void tell(struct container *c, enum container_state from)
{
	switch (c->state) {
	case STATE_RUNNING:
		if (from == STATE_PAUSED)
			emit_unpause(c);
		else
			tell_start(c);
		break;
	case STATE_PAUSED:
		emit_pause(c);
		break;
	case STATE_EXITED:
		emit_exit(c);
		break;
	case STATE_REMOVED:
		emit_remove(c);
		break;
	default:
		break;
	}
}

/**
 * life_go_on - the state is another one
 * @c: the container
 * @to: the state; what has to lie between is told first
 * @quiet: it has been so since before anyone could see it: nothing is told
 */
void life_go_on(struct container *c, enum container_state to, bool quiet)
{
	enum container_state from = c->state;

	if (from == to)
		return;
	if (from == STATE_NONE && !quiet) {
		c->state = STATE_CREATED;
		emit_create(c);
	}
	if (to == STATE_PAUSED && c->state != STATE_RUNNING)
		life_go_on(c, STATE_RUNNING, quiet);
	if (to == STATE_REMOVED && life_is_up(c))
		life_go_on(c, STATE_EXITED, quiet);
	c->state = to;
	if (!quiet) {
		tell(c, from);
	} else {
		c->started = to != STATE_CREATED;
		if (to == STATE_RUNNING)
			label(c);
	}
	journal_put(c);
}

/** life_forget - it is removed; @c is freed */
void life_forget(struct container *c)
{
	life_go_on(c, STATE_REMOVED, false);
	gone_add(c);
	registry_remove(c);
}

/* --- the init --- */

static void unwatch(struct container *c)
{
	c->exited = sd_event_source_disable_unref(c->exited);
	if (c->pidfd >= 0)
		close(c->pidfd);
	c->pidfd = -1;
}

/**
 * life_end - its init has ended: what is said of this life from now on is late
 * @c: the container
 * @status: as of waitpid(2); -1: not known
 */
void life_end(struct container *c, int status)
{
	c->held = sd_event_source_disable_unref(c->held);
	c->reborn = false;
	c->status = status;
	unwatch(c);
	if (c->state == STATE_EXITED)
		return;
	life_go_on(c, STATE_EXITED, false);
	c->previous.container_id = c->ident.container_id;
	c->previous.pid = c->ident.pid;
}

static int hold_is_over(sd_event_source *source, uint64_t usec, void *data)
{
	struct container *c = data;

	(void)source;
	(void)usec;
	life_end(c, c->status);
	return 0;
}

/*
 * One that is created and ends may never have been started, or nobody has said so yet,
 * as streams lag behind the kernel.
 */
static void hold_end(struct container *c, int status)
{
	c->status = status;
	unwatch(c);
	if (!c->held && sd_event_add_time_relative(loop, &c->held, CLOCK_MONOTONIC,
						   EXIT_HOLD_USEC, 0, hold_is_over, c) < 0)
		life_end(c, status);
}

static int init_has_ended(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct container *c = data;
	int status = identity_exit_status(fd, c->ident.pid);

	(void)source;
	(void)events;
	c->unconfirmed++;
	if (c->state == STATE_CREATED || c->reborn)
		hold_end(c, status);
	else
		life_end(c, status);
	if (c->unlisted && !life_has_folder(c))
		life_end_and_forget(c);
	return 0;
}

/* Return: whether @pid is there, and is watched. */
static bool watch(struct container *c, pid_t pid)
{
	static bool said;

	unwatch(c);
	c->pidfd = identity_open_pid(pid);
	if (c->pidfd < 0) {
		if (errno != ESRCH && errno != EINVAL && !said)
			msg("cannot watch processes: %m; ends are known by the runtimes only");
		said |= errno != ESRCH && errno != EINVAL;
		return false;
	}
	if (sd_event_add_io(loop, &c->exited, c->pidfd, POLLIN, init_has_ended, c) < 0) {
		unwatch(c);
		return false;
	}
	/* What else is to be heard of it comes first. */
	sd_event_source_set_priority(c->exited, SD_EVENT_PRIORITY_IDLE);
	return true;
}

/** life_is_alive - its init is watched, and hasn't ended */
bool life_is_alive(const struct container *c)
{
	struct pollfd pfd = { .fd = c->pidfd, .events = POLLIN };

	return c->pidfd >= 0 && poll(&pfd, 1, 0) == 0;
}

/**
 * life_status - how its init has ended, by the kernel
 *
 * Return: as of waitpid(2); -1: it isn't known, or it hasn't ended.
 */
int life_status(const struct container *c)
{
	if (c->held)
		return c->status;
	return c->pidfd >= 0 && !life_is_alive(c) ?
	       identity_exit_status(c->pidfd, c->ident.pid) : -1;
}

/** life_end_and_forget - it is removed, and so has ended before; @c is freed */
void life_end_and_forget(struct container *c)
{
	bool has_ended = c->state == STATE_CREATED && c->pidfd >= 0 && !life_is_alive(c);

	if (life_is_up(c) || c->held || has_ended)
		life_end(c, life_status(c));
	life_forget(c);
}

/* The kernel alone has told of it so far, by its metrics namespace: this is its name. */
static void adopt(struct container *c)
{
	cleanup_free char *old_name = NULL;
	cleanup_free char *old_id = NULL;
	struct container *other;
	char id[ID_TEXT_SIZE];

	if (!c->ident.container_id || !strcmp(c->family, FAMILY_KERNEL))
		return;
	snprintf(id, sizeof(id), "%llu", (unsigned long long)c->ident.container_id);
	other = registry_find(FAMILY_KERNEL, id, 0);
	if (!other)
		return;
	if (c->state != STATE_NONE) {
		life_end_and_forget(other);
		return;
	}
	old_name = xstrdup(other->name);
	old_id = xstrdup(other->id);
	c->state = other->state;
	c->started = other->started;
	/* For the journal, the other one is no more. */
	other->state = STATE_REMOVED;
	journal_put(other);
	gone_add(other);
	registry_remove(other);
	if (c->state != STATE_NONE) {
		emit_rename(c, old_name, old_id);
		journal_put(c);
	}
}

static bool read_identity(struct container *c, pid_t pid)
{
	struct identity ident = {};

	if (identity_read(pid, c->pidfd, &ident)) {
		identity_free(&ident);
		return false;
	}
	identity_free(&c->ident);
	c->ident = ident;
	c->changed = true;
	return true;
}

/* It had still to get where it is now, or somebody knows better who is the init. */
static void correct_init(struct container *c, const struct report *r)
{
	bool same = r->pid == c->ident.pid;
	sd_event_source *exited = c->exited;
	int pidfd = c->pidfd;

	if (same && (c->state == STATE_CREATED || c->reborn) && read_identity(c, r->pid))
		adopt(c);
	if (same || r->rank <= c->ident_rank || r->what == REPORT_EXIT)
		return;
	/* It is watched on until the other one is known to serve: it may end now. */
	c->exited = NULL;
	c->pidfd = -1;
	if (watch(c, r->pid) && identity_belongs_to(r->pid, r->uid) &&
	    read_identity(c, r->pid)) {
		sd_event_source_disable_unref(exited);
		close(pidfd);
		c->ident_rank = r->rank;
		adopt(c);
	} else {
		unwatch(c);
		c->exited = exited;
		c->pidfd = pidfd;
	}
}

/**
 * life_take_init - take the process of a report as the init
 * @c: the container
 * @r: the report
 *
 * A user's runtime may say that any process is its container's: it is to belong to the user.
 */
void life_take_init(struct container *c, const struct report *r)
{
	/* Once, as it may end at any time: its pidfd has still to tell how. */
	bool alive = life_is_alive(c);
	pid_t pid = r->pid;

	if (!pid || (pid == c->ident.pid && c->pidfd >= 0 && !alive))
		return;
	if (alive) {
		correct_init(c, r);
		return;
	}
	if (c->ident.pid && c->ident.pid != pid && (life_is_up(c) || c->held)) {
		/* Nobody has told of its end, and now the pidfd won't. */
		if (c->pidfd >= 0)
			c->unconfirmed++;
		life_end(c, life_status(c));
	}
	c->ident_rank = r->rank;
	if (watch(c, pid) && identity_belongs_to(pid, r->uid) && read_identity(c, pid)) {
		c->reborn = c->state == STATE_EXITED;
		adopt(c);
		return;
	}
	unwatch(c);
	if (pid != c->ident.pid) {
		identity_free(&c->ident);
		c->ident.pid = pid;
	}
}

/**
 * life_restore_init - take the process that the journal has as the init, if it is that still
 * @c: the container
 * @pid: its number, which another one may have by now
 * @pid_ns_id: of its pid namespace; these aren't used again. 0: the kernel has none
 * @pid_ns: inode number of that
 *
 * Return: whether it is.
 */
bool life_restore_init(struct container *c, pid_t pid, uint64_t pid_ns_id, uint32_t pid_ns)
{
	if (pid && watch(c, pid) && read_identity(c, pid) &&
	    (pid_ns_id ? c->ident.ns_id[NS_PID] == pid_ns_id :
			 c->ident.ns_inum[NS_PID] == pid_ns))
		return true;
	unwatch(c);
	identity_free(&c->ident);
	return false;
}

/* --- the folder --- */

bool life_has_folder(const struct container *c)
{
	return c->folder && !access(c->folder, F_OK);
}

static int folder_is_gone(sd_event_source *source, const struct inotify_event *event,
			  void *data)
{
	struct container *c = data;

	(void)source;
	(void)event;
	if (!life_has_folder(c))
		life_end_and_forget(c);
	return 0;
}

/**
 * life_take_folder - watch the folder that is there until it is removed
 *
 * An engine keeps it when the container has ended, and its OCI runtime's state is gone.
 */
void life_take_folder(struct container *c, const char *folder)
{
	static bool said;
	int ret;

	if (!folder || (c->folder && !strcmp(c->folder, folder)))
		return;
	c->folder_gone = sd_event_source_disable_unref(c->folder_gone);
	free(c->folder);
	c->folder = xstrdup(folder);
	c->changed = true;
	ret = sd_event_add_inotify(loop, &c->folder_gone, folder,
				   IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
				   IN_DONT_FOLLOW, folder_is_gone, c);
	if (ret >= 0 || ret == -ENOENT || said)
		return;
	said = true;
	errno = -ret;
	msg("cannot watch folders: %m; it may not be seen when containers are removed");
}

/** life_free - free what a life has */
void life_free(struct container *c)
{
	unwatch(c);
	sd_event_source_disable_unref(c->held);
	sd_event_source_disable_unref(c->folder_gone);
	identity_free(&c->ident);
	free(c->folder);
}
