// SPDX-License-Identifier: GPL-2.0
/*
 * LXC has no daemon: each container has a monitor, with an abstract socket that is named
 * after the container, and what isn't running is a folder with a file "config".
 *
 * liblxc knows more of both, but waits without end: lxc_container_new() for the lock of
 * the configuration, state() and init_pid() for a monitor's answer. Reading a
 * configuration as root is no less risky where a user wrote it, as it may name files to
 * be opened. So a child process asks liblxc, as the containers' owner, and is killed if
 * it takes too long. It says what it is about to ask: what made it hang comes last from
 * then on. list_active_containers() isn't used: it waits for the answer of whoever has
 * taken a name that looks like a monitor's, which any user can.
 *
 * Changes need no liblxc: a monitor tells who asks for it of the next change of state.
 * That protocol is LXC's own, but monitors outlive updates of liblxc, so it has been the
 * same since LXC 3.0. Where it fails, exits are seen by the agent's pidfds and starts by
 * look().
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <lxc/lxccontainer.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"
#include "place.h"

#define FAMILY		"lxc"
#define LIBRARY		"liblxc.so.1"
#define ANSWER_USEC	(10 * 1000000ULL)
/* A folder is there a little before what is in it. */
#define SETTLE_USEC	100000
/* A user can make as many changes as he likes, which mustn't keep the agent busy. */
#define ROOT_PAUSE_USEC	100000
#define USER_PAUSE_USEC	1000000
#define NO_LIBRARY_USEC	(60 * 1000000ULL)
#define CHANGES_MAX	16	/* that a monitor may tell of between two listings */
#define CONTAINERS_MAX	1024
#define HUNG_MAX	64
#define FRESH_MAX	64
#define TEXT_MAX	4096
#define ANSWER_MAX	(4U << 20)
#define CHILD_FD	3
#define CHILD_DATA_MAX	(256U << 20)
#define CHILD_FILE_MAX	(1U << 20)
#define NOBODY		65534

#define PARENT_EVENTS	(IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | \
			 IN_ONLYDIR)
#define PLACE_EVENTS	(PARENT_EVENTS | IN_DELETE | IN_MOVED_FROM)

/* What the child says: one of these, a text and a zero byte */
enum say {
	SAY_NO_LIBRARY = 'N',
	SAY_ERROR = 'E',
	SAY_DEFINED = 'D',	/* a name; image, state and PID that come next are its own */
	SAY_UNDEFINED = 'U',	/* a name, and so on: it runs, and has no configuration */
	SAY_ASK = '?',		/* a name, and so on: liblxc is asked */
	SAY_IMAGE = 'I',
	SAY_STATE = 'S',
	SAY_PID = 'P',
	SAY_ALL = 'A',		/* and details, but of those that liblxc may wait for */
	SAY_DONE = 'Z',
};

/* LXC's numbers */
enum lxc_state {
	LXC_STOPPED,
	LXC_STARTING,
	LXC_RUNNING,
	LXC_STOPPING,
	LXC_ABORTING,
	LXC_FREEZING,
	LXC_FROZEN,
	LXC_THAWED,
	LXC_STATES,
};

static const char *const state_names[LXC_STATES] = {
	"STOPPED", "STARTING", "RUNNING", "STOPPING",
	"ABORTING", "FREEZING", "FROZEN", "THAWED",
};

/* --- a monitor's socket --- */

#define CMD_ADD_STATE_CLIENT	10
#define MESSAGE_STATE		0

struct monitor_request {
	int cmd;
	int len;
	void *unused;
	int states[LXC_STATES];
};

struct monitor_answer {
	int ret;	/* the state that it is in, if asked for, or LXC_STATES: wait */
	int len;
	void *unused;
};

struct monitor_message {
	int type;
	char name[NAME_MAX + 1];
	int value;
};

union monitor_input {
	char bytes[1];
	struct monitor_answer answer;
	struct monitor_message message;
};

struct container {
	struct container *next;
	struct watch *w;
	char *name;
	char *image;
	bool defined;		/* it has a configuration, and stays when it ends */
	bool gone;		/* kept, as the listing under way may have seen it before */
	bool ran;
	bool changed;		/* since the listing began, so this is newer than that */
	unsigned int generation;	/* of the listing that had it last */
	enum lxc_state state;
	pid_t pid;
	sd_event_source *monitor;
	unsigned int changes;
	bool answered;
	size_t have;
	union monitor_input input;
};

/* A folder whose container is being created */
struct fresh {
	struct fresh *next;
	struct watch *w;
	sd_event_source *inotify;
	char name[];
};

struct watch {
	char *place;
	char *who;
	struct health health;
	uid_t uid;
	bool open;			/* the place itself is watched, not one above it */
	sd_event_source *inotify;
	struct awaited awaited;
	sd_event_source *timer;
	struct container *containers;
	size_t nr_containers;
	struct fresh *fresh;
	size_t nr_fresh;
	char *hung[HUNG_MAX];
	size_t nr_hung;
	uint64_t hung_until;		/* when they are worth another try */

	/* the listing */
	pid_t child;			/* 0: none, or its end has been seen */
	sd_event_source *child_end;
	sd_event_source *pipe;		/* NULL: there is no listing under way */
	sd_event_source *deadline;
	uint64_t not_before;		/* the next one */
	bool again;
	unsigned int generation;
	char record[TEXT_MAX + 2];
	size_t record_len;
	size_t total;
	char asked[ID_MAX + 1];
	struct container *current;
	bool all;
	bool done;
	bool without_hung;
	bool no_library;
	bool too_many;
	char *error;
};

static void list_containers(struct watch *w);
static void open_place(struct watch *w);
static void watch_monitor(struct container *c);

/* LXC takes a hash (FNV-1a) of names that don't fit. */
static socklen_t monitor_address(struct sockaddr_un *addr, const char *place,
				 const char *name)
{
	const size_t max = sizeof(addr->sun_path) - 2;
	uint64_t hash = 0xcbf29ce484222325;
	char *path = addr->sun_path + 1;
	char both[PATH_MAX];

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(both, sizeof(both), "%s/%s", place, name);
	if ((size_t)snprintf(path, max, "%s/command", both) >= max) {
		for (const char *s = both; *s; s++)
			hash = (hash ^ (unsigned char)*s) * 0x100000001b3;
		snprintf(path, max, "lxc/%016llx/command", (unsigned long long)hash);
	}
	return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(path);
}

/*
 * Abstract names are for anybody to take: a monitor is the owner's only if the peer is.
 * Such a connect(2) doesn't wait. Returns -1 and errno.
 */
static int connect_monitor(const struct watch *w, const char *name)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un addr;
	struct ucred peer;
	socklen_t len = monitor_address(&addr, w->place, name);
	int res;

	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, len))
		return -1;
	len = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return -1;
	if (peer.uid != w->uid) {
		errno = EPERM;
		return -1;
	}
	res = fd;
	fd = -1;
	return res;
}

static struct container *find_container(const struct watch *w, const char *name)
{
	struct container *c = w->containers;

	while (c && strcmp(c->name, name))
		c = c->next;
	return c;
}

/*
 * --- the child ---
 *
 * It must not come to exit(3), as util's functions do without memory: what the agent does
 * at its end is not for a child to do.
 */

struct api {
	__typeof__(&list_defined_containers) list_defined;
	__typeof__(&lxc_container_new) new;
	__typeof__(&lxc_container_put) put;
};

/* One more than are taken, so that this is seen */
struct names {
	size_t nr;
	char *name[CONTAINERS_MAX + 1];
};

static void say(enum say what, const char *text)
{
	char type = what;
	size_t len = strnlen(text, TEXT_MAX - 1);
	struct iovec iov[] = {
		{ &type, 1 }, { (char *)text, len }, { "", 1 },
	};

	/* More than this is no atomic write, which one writer doesn't need. */
	if (writev(CHILD_FD, iov, ARRAY_SIZE(iov)) != (ssize_t)len + 2)
		_exit(1);
}

static void *find_symbol(void *lib, const char *name)
{
	void *sym = dlsym(lib, name);

	if (!sym) {
		say(SAY_ERROR, LIBRARY " lacks a function");
		_exit(1);
	}
	return sym;
}

/* It isn't installed, or one that it needs isn't, which is another thing. */
static void load_failed(const char *why)
{
	if (why && !strncmp(why, LIBRARY ": ", strlen(LIBRARY ": ")) &&
	    strstr(why, strerror(ENOENT)))
		say(SAY_NO_LIBRARY, "");
	else
		say(SAY_ERROR, why ? why : LIBRARY " can't be loaded");
	_exit(1);
}

static void load_api(struct api *api)
{
	void *lib = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!lib)
		load_failed(dlerror());
	api->list_defined = find_symbol(lib, "list_defined_containers");
	api->new = find_symbol(lib, "lxc_container_new");
	api->put = find_symbol(lib, "lxc_container_put");
}

static bool name_ok(const char *name)
{
	size_t len = strlen(name);

	return len && len <= ID_MAX && *name != '.' && !strchr(name, '/');
}

static void say_image(struct lxc_container *c)
{
	char image[TEXT_MAX];
	int len = c->get_config_item(c, "lxc.rootfs.path", image, sizeof(image));

	if (len > 0 && (size_t)len < sizeof(image))
		say(SAY_IMAGE, image);
}

static void say_running(struct lxc_container *c)
{
	const char *state = c->state(c);
	char pid[16];

	if (state)
		say(SAY_STATE, state);
	snprintf(pid, sizeof(pid), "%d", (int)c->init_pid(c));
	say(SAY_PID, pid);
}

/* Nobody listens, everything is fine, or nobody has called accept(2) for a long time */
enum monitor { MONITOR_NONE, MONITOR_THERE, MONITOR_FULL };

static enum monitor find_monitor(const struct watch *w, const char *name)
{
	int fd = connect_monitor(w, name);

	if (fd < 0)
		return errno == EAGAIN ? MONITOR_FULL : MONITOR_NONE;
	close(fd);
	return MONITOR_THERE;
}

/*
 * Whose socket it is that takes no connections can't be seen, so what was known of that
 * one is still true.
 */
static void say_name(const struct watch *w, enum say what, const char *name)
{
	const struct container *known = find_container(w, name);
	enum monitor monitor = find_monitor(w, name);

	say(what, name);
	if (monitor == MONITOR_THERE)
		say(SAY_STATE, state_names[LXC_RUNNING]);
	else if (monitor == MONITOR_FULL && known)
		say(SAY_STATE, state_names[known->state]);
}

/*
 * lxc_container_new() destroys a container whose creation was given up, of which
 * "partial" tells: not the business of one who looks.
 */
static void ask(const struct watch *w, const struct api *api, const char *name)
{
	struct lxc_container *c;
	char partial[PATH_MAX];

	if (snprintf(partial, sizeof(partial), "%s/%s/partial", w->place, name) >= PATH_MAX ||
	    !access(partial, F_OK))
		return;
	say(SAY_ASK, name);
	c = api->new(name, w->place);
	if (!c)
		return;
	say_image(c);
	if (find_monitor(w, name) == MONITOR_THERE)
		say_running(c);
	api->put(c);
}

static bool is_hung(const struct watch *w, const char *name)
{
	for (size_t i = 0; i < w->nr_hung; i++)
		if (!strcmp(w->hung[i], name))
			return true;
	return false;
}

static void ask_all(const struct watch *w, const struct api *api,
		    const struct names *names, bool hung)
{
	for (size_t i = 0; i < names->nr; i++)
		if (is_hung(w, names->name[i]) == hung)
			ask(w, api, names->name[i]);
}

static void add_name(struct names *names, const char *name)
{
	if (!name_ok(name) || names->nr == ARRAY_SIZE(names->name))
		return;
	for (size_t i = 0; i < names->nr; i++)
		if (!strcmp(names->name[i], name))
			return;
	names->name[names->nr] = strdup(name);
	if (!names->name[names->nr++])
		_exit(1);
}

static void find_defined(const struct watch *w, const struct api *api,
			 struct names *names)
{
	char **found = NULL;
	int n = api->list_defined(w->place, &found, NULL);

	if (n < 0) {
		say(SAY_ERROR, "the folder can't be read");
		_exit(1);
	}
	for (int i = 0; i < n; i++) {
		add_name(names, found[i]);
		free(found[i]);
	}
	free(found);
	for (size_t i = 0; i < names->nr; i++)
		say_name(w, SAY_DEFINED, names->name[i]);
}

/* In a line of /proc/net/unix, which it changes; NULL: it's no monitor's of this place */
static const char *monitor_in_line(const struct watch *w, char *line)
{
	size_t len = strlen(w->place);
	char *name = strstr(line, " @"), *end;

	if (!name || strncmp(name + 2, w->place, len) || name[2 + len] != '/')
		return NULL;
	name += 2 + len + 1;
	end = strchr(name, '/');
	if (!end || strcmp(end, "/command\n"))
		return NULL;
	*end = '\0';
	return name;
}

static bool is_active(const struct watch *w, const char *name)
{
	const struct container *known = find_container(w, name);
	enum monitor monitor = find_monitor(w, name);

	return monitor == MONITOR_THERE ||
	       (monitor == MONITOR_FULL && known && known->state != LXC_STOPPED);
}

/* Those without a configuration, of which only the monitor tells */
static void find_undefined(const struct watch *w, struct names *names)
{
	size_t i = names->nr, size = 0;
	FILE *f = fopen("/proc/net/unix", "re");
	char *line = NULL;

	while (f && getline(&line, &size, f) >= 0) {
		const char *name = monitor_in_line(w, line);

		if (name && is_active(w, name))
			add_name(names, name);
	}
	if (!f || ferror(f)) {
		say(SAY_ERROR, "/proc/net/unix can't be read");
		_exit(1);
	}
	for (; i < names->nr; i++)
		say_name(w, SAY_UNDEFINED, names->name[i]);
}

static void ask_liblxc(const struct watch *w)
{
	static struct names names;
	struct api api;

	load_api(&api);
	find_defined(w, &api, &names);
	find_undefined(w, &names);
	ask_all(w, &api, &names, false);
	say(SAY_ALL, "");
	if (!w->without_hung)
		ask_all(w, &api, &names, true);
	say(SAY_DONE, "");
}

/* An agent that isn't root can be itself only, and does without others' secrets. */
static bool become_owner(uid_t uid)
{
	struct passwd *pw = uid ? getpwuid(uid) : NULL;
	gid_t gid = pw ? pw->pw_gid : NOBODY;
	char run[64];

	snprintf(run, sizeof(run), "/run/user/%u", (unsigned int)uid);
	if (uid && pw)
		setenv("HOME", pw->pw_dir, 1);
	if (uid && !access(run, F_OK))
		setenv("XDG_RUNTIME_DIR", run, 1);
	else if (uid)
		unsetenv("XDG_RUNTIME_DIR");
	if (geteuid())
		return !uid || uid == geteuid();
	return !uid || (!setgroups(0, NULL) && !setresgid(gid, gid, gid) &&
			!setresuid(uid, uid, uid));
}

/* liblxc writes no more than a copy of each configuration, to memory. */
static void limit(void)
{
	const struct rlimit none = { 0, 0 };
	const struct rlimit file = { CHILD_FILE_MAX, CHILD_FILE_MAX };
	const struct rlimit data = { CHILD_DATA_MAX, CHILD_DATA_MAX };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &file);
	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
	setrlimit(RLIMIT_DATA, &data);
#else
	(void)data;
#endif
}

/* The agent's files are none of the child's, which reads what a user wrote. */
static void run_child(const struct watch *w, int out, pid_t agent)
{
	int null;

	if (out != CHILD_FD && dup2(out, CHILD_FD) < 0)
		_exit(1);
	close_range(CHILD_FD + 1, UINT_MAX, 0);
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(1);
	close(null);
	if (!become_owner(w->uid)) {
		say(SAY_ERROR, "no rights to ask as its owner");
		_exit(1);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != agent)
		_exit(1);
	limit();
	ask_liblxc(w);
	_exit(0);
}

/* --- what is known --- */

static struct container *get_container(struct watch *w, const char *name)
{
	struct container *c = find_container(w, name);

	if (c)
		return c;
	if (w->nr_containers == CONTAINERS_MAX) {
		w->too_many = true;
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	c->w = w;
	c->name = xstrdup(name);
	c->generation = w->generation;
	c->next = w->containers;
	w->containers = c;
	w->nr_containers++;
	return c;
}

static void drop_container(struct container *c)
{
	struct watch *w = c->w;
	struct container **p = &w->containers;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	w->nr_containers--;
	if (w->current == c)
		w->current = NULL;
	sd_event_source_disable_unref(c->monitor);
	free(c->image);
	free(c->name);
	free(c);
}

static enum container_state state_of(const struct container *c)
{
	switch (c->state) {
	case LXC_STOPPED:
		return c->ran ? STATE_EXITED : STATE_CREATED;
	case LXC_STARTING:
		return STATE_CREATED;
	case LXC_FROZEN:
		return STATE_PAUSED;
	default:
		return STATE_RUNNING;
	}
}

static struct report report_of(const struct container *c, enum report_what what)
{
	return (struct report){
		REPORT_INIT,
		.what = what,
		.state = what == REPORT_SEEN ? state_of(c) : STATE_NONE,
		.rank = RANK_ENGINE,
		.family = FAMILY,
		.runtime = "lxc",
		.id = c->name,
		.uid = c->w->uid,
		.name = c->name,
		.image = c->image,
		.pid = what == REPORT_SEEN && c->state != LXC_STOPPED ? c->pid : 0,
	};
}

static void report(const struct container *c, enum report_what what)
{
	struct report r = report_of(c, what);

	registry_report(&r);
}

/* --- changes of state --- */

static void remove_container(struct container *c)
{
	report(c, REPORT_REMOVE);
	if (c->w->pipe)
		c->gone = true;
	else
		drop_container(c);
}

static void ended(struct container *c)
{
	c->changed = true;
	if (c->state != LXC_STOPPED && c->ran)
		report(c, REPORT_EXIT);
	c->state = LXC_STOPPED;
	c->pid = 0;
	list_containers(c->w);
	if (!c->defined)
		remove_container(c);
}

/* Its first process is liblxc's to tell. */
static void changed(struct container *c, enum lxc_state state)
{
	enum lxc_state old = c->state;

	if (state == LXC_STOPPED) {
		ended(c);
		return;
	}
	c->changed = true;
	c->state = state == LXC_THAWED ? LXC_RUNNING : state;
	if (state == LXC_FROZEN && old != LXC_FROZEN)
		report(c, REPORT_PAUSE);
	else if (old == LXC_FROZEN && c->state == LXC_RUNNING)
		report(c, REPORT_UNPAUSE);
	else if (c->state == LXC_RUNNING && old < LXC_RUNNING)
		list_containers(c->w);
}

/* A monitor tells of one change, and closes. */
static void next_change(struct container *c, int state)
{
	struct watch *w = c->w;
	cleanup_free char *name = xstrdup(c->name);

	c->monitor = sd_event_source_disable_unref(c->monitor);
	if (state < 0 || state >= LXC_STATES)
		return;
	changed(c, state);
	c = find_container(w, name);
	if (c && c->state != LXC_STOPPED)
		watch_monitor(c);
}

/* It has ended, and the container before it; or only the connection has. */
static void monitor_closed(struct container *c)
{
	c->monitor = sd_event_source_disable_unref(c->monitor);
	watch_monitor(c);
}

static void take_input(struct container *c)
{
	const union monitor_input *in = &c->input;

	c->have = 0;
	if (c->answered) {
		next_change(c, in->message.type == MESSAGE_STATE ? in->message.value : -1);
		return;
	}
	c->answered = in->answer.ret == LXC_STATES && !in->answer.len;
	if (!c->answered)
		next_change(c, in->answer.ret);
}

static int on_monitor(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
	struct container *c = userdata;
	size_t need = c->answered ? sizeof(c->input.message) : sizeof(c->input.answer);
	ssize_t n = recv(fd, c->input.bytes + c->have, need - c->have, MSG_DONTWAIT);

	(void)s;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		monitor_closed(c);
		return 0;
	}
	c->have += n;
	if (c->have == need)
		take_input(c);
	return 0;
}

/* A monitor keeps a client for good that asks for the state that it is in. */
static bool ask_for_change(int fd, enum lxc_state now)
{
	struct monitor_request req = {
		.cmd = CMD_ADD_STATE_CLIENT,
		.len = sizeof(req.states),
		.states = {
			[LXC_STOPPED] = 1,
			[LXC_RUNNING] = now != LXC_RUNNING,
			[LXC_FROZEN] = now != LXC_FROZEN,
			[LXC_THAWED] = now != LXC_RUNNING,
		},
	};
	int on = 1;

	return !setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) &&
	       send(fd, &req, sizeof(req), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(req);
}

static void watch_monitor(struct container *c)
{
	int fd;

	if (c->monitor || c->changes++ >= CHANGES_MAX)
		return;
	fd = connect_monitor(c->w, c->name);
	if (fd < 0) {
		if (errno == ECONNREFUSED)
			ended(c);
		return;
	}
	c->answered = false;
	c->have = 0;
	if (!ask_for_change(fd, c->state) ||
	    sd_event_add_io(loop, &c->monitor, fd, EPOLLIN, on_monitor, c) < 0) {
		close(fd);
		return;
	}
	sd_event_source_set_io_fd_own(c->monitor, true);
}

/* --- the listing --- */

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct watch *w = userdata;

	(void)s;
	(void)usec;
	w->timer = sd_event_source_unref(w->timer);
	if (w->open)
		list_containers(w);
	else
		open_place(w);
	return 0;
}

static void arm(struct watch *w, uint64_t usec)
{
	w->timer = sd_event_source_unref(w->timer);
	if (sd_event_add_time_relative(loop, &w->timer, CLOCK_MONOTONIC, usec, 0, on_timer,
				       w) < 0)
		msg("%s: no timer, so it isn't tried again", w->who);
}

static void failed(struct watch *w, const char *what, int err)
{
	health_bad(&w->health, "%s: %s", what, strerror(err));
	arm(w, health_retry_usec(&w->health));
}

static void forget_hung(struct watch *w)
{
	while (w->nr_hung)
		free(w->hung[--w->nr_hung]);
}

static void add_hung(struct watch *w, const char *name)
{
	if (w->nr_hung < HUNG_MAX && !is_hung(w, name))
		w->hung[w->nr_hung++] = xstrdup(name);
}

static void listed(struct container *c)
{
	struct report r;

	if (c->state != LXC_STOPPED && c->state != LXC_STARTING)
		c->ran = true;
	r = report_of(c, REPORT_SEEN);
	registry_list_seen(c->w, &r);
}

/* As of @c: it was told of, it is told of now, or it is no more */
static void report_one(struct container *c, bool complete)
{
	bool gone = c->gone;

	c->gone = false;
	if (gone && c->state == LXC_STOPPED)
		drop_container(c);
	else if (gone || c->generation == c->w->generation)
		listed(c);
	else if (complete)
		drop_container(c);
}

/* Monitors are asked when all is told: one that has ended takes its container along. */
static void report_listing(struct watch *w)
{
	bool complete = w->all && !w->too_many;
	struct container *c, *next;

	registry_list_begin(w);
	for (c = w->containers; c; c = next) {
		next = c->next;
		report_one(c, complete);
	}
	registry_list_end(w, complete);
	for (c = w->containers; c; c = next) {
		next = c->next;
		c->changes = 0;
		if (c->state == LXC_STOPPED)
			c->monitor = sd_event_source_disable_unref(c->monitor);
		else
			watch_monitor(c);
	}
}

static void say_health(struct watch *w, const char *why)
{
	uint64_t now = now_usec();

	if (!why && !w->too_many && w->without_hung) {
		arm(w, w->hung_until > now ? w->hung_until - now : 0);
		return;
	}
	if (!why && !w->too_many) {
		forget_hung(w);
		health_good(&w->health);
		return;
	}
	if (w->error) {
		health_bad(&w->health, "%s", w->error);
	} else if (why) {
		add_hung(w, w->asked);
		health_bad(&w->health, "%s%s%s", why, *w->asked ? ": " : "", w->asked);
	} else {
		health_bad(&w->health, "more than %d containers", CONTAINERS_MAX);
	}
	w->hung_until = now + health_retry_usec(&w->health);
	arm(w, w->hung_until - now);
}

static void list_again(struct watch *w)
{
	if (w->again && !w->child && !w->pipe) {
		w->again = false;
		list_containers(w);
	}
}

static void kill_child(struct watch *w)
{
	if (w->child)
		pidfd_send_signal(sd_event_source_get_io_fd(w->child_end), SIGKILL, NULL, 0);
}

/* @why: it has come to nothing, or not to its end; NULL: it has */
static void end_listing(struct watch *w, const char *why)
{
	w->pipe = sd_event_source_disable_unref(w->pipe);
	w->deadline = sd_event_source_disable_unref(w->deadline);
	kill_child(w);
	if (w->no_library) {
		w->not_before = now_usec() + NO_LIBRARY_USEC;
	} else {
		report_listing(w);
		say_health(w, why);
	}
	w->current = NULL;
	free(w->error);
	w->error = NULL;
	list_again(w);
}

static void take_name(struct watch *w, char what, const char *name)
{
	struct container *c;

	if (what == SAY_ASK)
		snprintf(w->asked, sizeof(w->asked), "%s", name);
	w->current = NULL;
	if (!name_ok(name))
		return;
	c = what == SAY_ASK ? find_container(w, name) : get_container(w, name);
	if (!c || c->gone)
		return;
	w->current = c;
	if (what == SAY_ASK)
		return;
	c->generation = w->generation;
	c->defined = what == SAY_DEFINED;
	if (!c->changed) {
		c->state = LXC_STOPPED;
		c->pid = 0;
	}
}

static void take_state(struct container *c, const char *state)
{
	for (int i = 0; i < LXC_STATES; i++)
		if (!strcmp(state, state_names[i]))
			c->state = i;
}

static void take_detail(struct container *c, char what, const char *text)
{
	if (what == SAY_IMAGE) {
		free(c->image);
		c->image = xstrdup(text);
	} else if (what == SAY_STATE && !c->changed) {
		take_state(c, text);
	} else if (what == SAY_PID && parse_pid(text, &c->pid)) {
		c->pid = 0;
	}
}

/* The others needn't wait for one that hangs. */
static void take_all(struct watch *w)
{
	w->all = true;
	w->current = NULL;
	if (w->nr_hung && !w->without_hung)
		report_listing(w);
}

static void take_record(struct watch *w, char what, const char *text)
{
	if (what == SAY_NO_LIBRARY)
		w->no_library = true;
	else if (what == SAY_ERROR && !w->error)
		w->error = xstrdup(text);
	else if (what == SAY_DEFINED || what == SAY_UNDEFINED || what == SAY_ASK)
		take_name(w, what, text);
	else if (what == SAY_ALL)
		take_all(w);
	else if (what == SAY_DONE)
		w->done = true;
	else if (w->current)
		take_detail(w->current, what, text);
}

/* False: it isn't what a child of this file says. */
static bool take_bytes(struct watch *w, const char *buf, size_t len)
{
	w->total += len;
	if (w->total > ANSWER_MAX)
		return false;
	for (; len; len--, buf++) {
		if (w->record_len == sizeof(w->record))
			return false;
		w->record[w->record_len++] = *buf;
		if (*buf)
			continue;
		if (w->record_len > 1)
			take_record(w, w->record[0], w->record + 1);
		w->record_len = 0;
	}
	return true;
}

static int on_pipe(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
	struct watch *w = userdata;
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));

	(void)s;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		end_listing(w, w->done ? NULL : "liblxc has failed");
	else if (!take_bytes(w, buf, n))
		end_listing(w, "liblxc says too much");
	return 0;
}

static int on_deadline(sd_event_source *s, uint64_t usec, void *userdata)
{
	(void)s;
	(void)usec;
	end_listing(userdata, "no answer");
	return 0;
}

static int on_child_end(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
	struct watch *w = userdata;
	siginfo_t info;

	(void)s;
	(void)events;
	waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG);
	w->child_end = sd_event_source_disable_unref(w->child_end);
	w->child = 0;
	list_again(w);
	return 0;
}

/* Without a pidfd the child can't be waited for in the loop; killed, it ends at once. */
static int watch_child(struct watch *w, pid_t pid)
{
	int fd = pidfd_open(pid, 0);
	int r = fd < 0 ? -errno : 0;

	if (r >= 0)
		r = sd_event_add_io(loop, &w->child_end, fd, EPOLLIN, on_child_end, w);
	if (r < 0) {
		util_cleanup_close(&fd);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return r;
	}
	sd_event_source_set_io_fd_own(w->child_end, true);
	w->child = pid;
	return 0;
}

static int watch_pipe(struct watch *w, int fd)
{
	int r = sd_event_add_io(loop, &w->pipe, fd, EPOLLIN, on_pipe, w);

	if (r < 0) {
		close(fd);
		return r;
	}
	sd_event_source_set_io_fd_own(w->pipe, true);
	return sd_event_add_time_relative(loop, &w->deadline, CLOCK_MONOTONIC, ANSWER_USEC,
					  0, on_deadline, w);
}

static int start_child(struct watch *w)
{
	pid_t pid, agent = getpid();
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		run_child(w, fds[1], agent);
	r = pid < 0 ? -errno : watch_child(w, pid);
	close(fds[1]);
	if (r < 0)
		close(fds[0]);
	else
		r = watch_pipe(w, fds[0]);
	return r;
}

/*
 * Who owns a folder on the way can put another one in the place of the next, so the place
 * is his, whoever owns what is there just now.
 */
static int owner_of(const char *place, uid_t *uid)
{
	cleanup_free char *path = xstrdup(place);
	char *p = path;
	struct stat st;

	*uid = 0;
	do {
		p = strchr(p + 1, '/');
		if (p)
			*p = '\0';
		if (stat(path, &st))
			return -errno;
		if (st.st_uid && *uid && st.st_uid != *uid)
			return -EPERM;
		if (st.st_uid)
			*uid = st.st_uid;
		if (p)
			*p = '/';
	} while (p);
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static void begin_listing(struct watch *w)
{
	int r = owner_of(w->place, &w->uid);

	if (r == -ENOENT || r == -ENOTDIR) {
		open_place(w);
		return;
	}
	w->generation++;
	w->record_len = 0;
	w->total = 0;
	*w->asked = '\0';
	w->all = false;
	w->done = false;
	w->without_hung = w->nr_hung && now_usec() < w->hung_until;
	w->no_library = false;
	w->too_many = false;
	for (struct container *c = w->containers; c; c = c->next)
		c->changed = false;
	if (r >= 0)
		r = start_child(w);
	if (r < 0) {
		w->pipe = sd_event_source_disable_unref(w->pipe);
		kill_child(w);
		failed(w, "asking liblxc", -r);
	}
}

static void list_containers(struct watch *w)
{
	uint64_t now = now_usec();

	if (!w->open)
		return;
	if (w->child || w->pipe) {
		w->again = true;
		if (w->pipe && w->all && w->nr_hung && !w->without_hung)
			sd_event_source_set_time_relative(w->deadline, ROOT_PAUSE_USEC);
		return;
	}
	if (now < w->not_before) {
		if (!w->no_library)
			arm(w, w->not_before - now);
		return;
	}
	w->timer = sd_event_source_disable_unref(w->timer);
	w->not_before = now + (w->uid ? USER_PAUSE_USEC : ROOT_PAUSE_USEC);
	begin_listing(w);
}

/* --- folders that come and go --- */

static bool is_lost(const struct inotify_event *e)
{
	return e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT);
}

static void created(struct watch *w, const char *name)
{
	struct container *c = get_container(w, name);

	if (c && (c->gone || !c->defined)) {
		c->ran = c->ran && !c->gone;
		c->gone = false;
		c->defined = true;
		c->generation = w->generation;
		report(c, REPORT_CREATE);
	}
	list_containers(w);
}

/* One that runs on has lost its configuration only. */
static void vanished(struct container *c)
{
	c->defined = false;
	if (c->w->pipe) {
		c->gone = true;
		c->w->again = true;
	}
	if (c->state == LXC_STOPPED)
		remove_container(c);
}

static void drop_fresh(struct fresh *f)
{
	struct fresh **p = &f->w->fresh;

	while (*p != f)
		p = &(*p)->next;
	*p = f->next;
	f->w->nr_fresh--;
	sd_event_source_disable_unref(f->inotify);
	free(f);
}

/* lxc-create makes folder, "config" and "partial", and removes that one at the end. */
static int on_fresh(sd_event_source *s, const struct inotify_event *e, void *userdata)
{
	struct fresh *f = userdata;
	struct watch *w = f->w;

	(void)s;
	if (is_lost(e)) {
		drop_fresh(f);
	} else if (e->len && !strcmp(e->name, "config") && !(e->mask & IN_DELETE)) {
		created(w, f->name);
	} else if (e->len && !strcmp(e->name, "partial") && e->mask & IN_DELETE) {
		drop_fresh(f);
		list_containers(w);
	}
	return 0;
}

static struct fresh *last_fresh(struct watch *w)
{
	struct fresh *f = w->fresh;

	while (f && f->next)
		f = f->next;
	return f;
}

/* What comes before the watch is seen by the listing. */
static void appeared(struct watch *w, const char *name)
{
	size_t size = strlen(name) + 1;
	cleanup_free char *path = xasprintf("%s/%s", w->place, name);
	struct fresh *f = xcalloc(1, sizeof(*f) + size);

	if (w->nr_fresh == FRESH_MAX)
		drop_fresh(last_fresh(w));
	f->w = w;
	memcpy(f->name, name, size);
	f->next = w->fresh;
	w->fresh = f;
	w->nr_fresh++;
	if (sd_event_add_inotify(loop, &f->inotify, path,
				 PARENT_EVENTS | IN_DELETE | IN_DONT_FOLLOW, on_fresh, f) < 0)
		drop_fresh(f);
	list_containers(w);
}

static void close_place(struct watch *w)
{
	struct container *c, *next;

	w->open = false;
	for (c = w->containers; c; c = next) {
		next = c->next;
		if (!c->gone)
			vanished(c);
	}
	arm(w, SETTLE_USEC);
}

static int on_place(sd_event_source *s, const struct inotify_event *e, void *userdata)
{
	struct watch *w = userdata;
	struct container *c;

	(void)s;
	if (!w->open)
		return 0;
	if (is_lost(e)) {
		close_place(w);
	} else if (e->mask & IN_Q_OVERFLOW) {
		list_containers(w);
	} else if (e->mask & IN_ISDIR && e->len && name_ok(e->name)) {
		c = find_container(w, e->name);
		if (e->mask & (IN_CREATE | IN_MOVED_TO))
			appeared(w, e->name);
		else if (c && !c->gone)
			vanished(c);
	}
	return 0;
}

static void may_have_come(void *data)
{
	arm(data, SETTLE_USEC);
}

static void wait_for_place(struct watch *w)
{
	int r = place_await(&w->awaited, w->place, may_have_come, w);

	if (r < 0)
		failed(w, "waiting for it to appear", -r);
	else if (r)
		arm(w, SETTLE_USEC);
}

static void open_place(struct watch *w)
{
	int r = owner_of(w->place, &w->uid);

	w->open = false;
	place_forget(&w->awaited);
	w->inotify = sd_event_source_disable_unref(w->inotify);
	if (r == -ENOENT || r == -ENOTDIR) {
		wait_for_place(w);
		return;
	}
	if (r >= 0)
		r = sd_event_add_inotify(loop, &w->inotify, w->place, PLACE_EVENTS,
					 on_place, w);
	if (r < 0) {
		failed(w, "watching the folder", -r);
		return;
	}
	w->open = true;
	list_containers(w);
}

static void *lxc_start(const char *place)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->place = xstrdup(place);
	w->who = xasprintf("lxc (%s)", place);
	w->health.who = w->who;
	open_place(w);
	return w;
}

static void lxc_look(void *watch)
{
	list_containers(watch);
}

/* The child is dying, and the agent needn't wait for that. */
static void lxc_stop(void *watch)
{
	struct watch *w = watch;

	kill_child(w);
	sd_event_source_disable_unref(w->child_end);
	sd_event_source_disable_unref(w->pipe);
	sd_event_source_disable_unref(w->deadline);
	sd_event_source_disable_unref(w->timer);
	sd_event_source_disable_unref(w->inotify);
	place_forget(&w->awaited);
	registry_forget_source(w);
	while (w->containers)
		drop_container(w->containers);
	while (w->fresh)
		drop_fresh(w->fresh);
	forget_hung(w);
	free(w->error);
	free(w->who);
	free(w->place);
	free(w);
}

static const char *const lxc_places[] = {
	"/var/lib/lxc", "/home/*/.local/share/lxc", NULL
};

const struct runtime runtime_lxc = {
	.name = "lxc",
	.places = lxc_places,
	.start = lxc_start,
	.look = lxc_look,
	.stop = lxc_stop,
};
