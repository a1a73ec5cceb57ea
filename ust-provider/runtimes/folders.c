// SPDX-License-Identifier: GPL-2.0
/*
 * Runtimes that have no daemon keep a folder for each container, below a root folder of
 * theirs. Such roots come when a runtime is first used, or when a user logs in, and some
 * are never there. So that nothing has to be polled, each folder on the way from / to
 * the containers' is a node of a tree, and what may appear below it is watched.
 *
 * A mount doesn't tell inotify: /run/user/UID is made, and then a tmpfs put over it.
 * Where other places than the last of a pattern are shell patterns, mountinfo is
 * watched too.
 */

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "folders.h"
#include "statefile.h"

#define DEPTH_MAX	16
#define WATCHES_MAX	10000	/* of folders of containers, of all places together */
#define CHILDREN_MAX	65536
#define CHILDREN_USER	1000	/* a user can't use up what is there for all */
#define BUCKETS		2048
#define READS_MAX	64	/* at once, and then it is the others' turn */
#define LOOK_USEC	200000	/* from one listing to the next */
#define MOUNT_USEC	100000	/* mounts come in groups */
#define RATE_USEC	100000
#define RATE_MAX	50
#define ACCURACY_USEC	1000

#define MASK_ENDS	(IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define MASK_CHILDREN	(IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | MASK_ENDS)
#define EVENTS_ENDS	(IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)

struct identity {
	uint32_t major;
	uint32_t minor;
	uint64_t ino;
};

/* The top is /, of depth 0; a container's folder is one deeper than the pattern. */
struct folder {
	struct folders *in;
	struct folder *parent;
	struct folder *children;
	struct folder *next, **prev;	/* among the parent's children */
	struct folder *by_wd;
	struct folder *by_name;
	unsigned int nr_children;
	unsigned int depth;
	struct identity identity;
	uid_t uid;
	int wd;
	bool seen;
	bool is_new;
	bool truncated;
	void *data;
	char name[];
};

struct folders {
	const struct folders_ops *ops;
	char *who;
	struct health health;
	char *pattern;
	char *parts[DEPTH_MAX];
	unsigned int nr_parts;
	int inotify;
	int mountinfo;
	sd_event_source *inotify_source;
	sd_event_source *mountinfo_source;
	sd_event_source *timer;
	struct folder *top;
	struct folder *at;	/* the root being scanned, opened as @at_fd */
	int at_fd;
	struct folder *by_wd[BUCKETS];
	struct folder *by_name[BUCKETS];
	uint64_t next_look;
	bool overflow;
	bool failed;		/* to watch a folder, since the last listing began */
	bool want_look;
	bool want_mounts;
	bool stopping;
};

static unsigned int nr_watches;

static bool node_scan(struct folder *f, bool is_new);
static void node_drop(struct folder *f);

/* --- nodes --- */

static bool is_leaf(const struct folder *f)
{
	return f->depth > f->in->nr_parts;
}

static bool is_root(const struct folder *f)
{
	return f->depth == f->in->nr_parts;
}

static bool is_pattern(const char *part)
{
	return strpbrk(part, "*?[\\");
}

/* The only name that a child can have, or NULL */
static const char *only_child(const struct folder *f)
{
	if (is_root(f) || is_pattern(f->in->parts[f->depth]))
		return NULL;
	return f->in->parts[f->depth];
}

static bool may_be_child(const struct folder *f, const char *name)
{
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	/* Those with a dot are the runtimes' own, or just being deleted. */
	if (is_root(f))
		return *name != '.' && strlen(name) <= ID_MAX;
	return !fnmatch(f->in->parts[f->depth], name, FNM_PERIOD);
}

static unsigned int hash_name(const struct folder *parent, const char *name)
{
	uint64_t h = (uintptr_t)parent;

	while (*name)
		h = (h ^ (unsigned char)*name++) * 0x100000001b3ULL;
	return (h ^ h >> 32) % BUCKETS;
}

static struct folder *find_name(const struct folder *parent, const char *name)
{
	struct folder *f = parent->in->by_name[hash_name(parent, name)];

	while (f && (f->parent != parent || strcmp(f->name, name)))
		f = f->by_name;
	return f;
}

static struct folder *find_wd(const struct folders *in, int wd)
{
	struct folder *f = wd < 0 ? NULL : in->by_wd[wd % BUCKETS];

	while (f && f->wd != wd)
		f = f->by_wd;
	return f;
}

static struct folder *node_new(struct folders *in, struct folder *parent,
			       const char *name)
{
	struct folder *f = xcalloc(1, sizeof(*f) + strlen(name) + 1);

	f->in = in;
	f->parent = parent;
	f->depth = parent ? parent->depth + 1 : 0;
	f->wd = -1;
	strcpy(f->name, name);
	return f;
}

static void node_link(struct folder *f)
{
	struct folder **bucket = &f->in->by_name[hash_name(f->parent, f->name)];

	f->by_name = *bucket;
	*bucket = f;
	f->next = f->parent->children;
	f->prev = &f->parent->children;
	if (f->next)
		f->next->prev = &f->next;
	f->parent->children = f;
	f->parent->nr_children++;
}

static void node_unlink(struct folder *f)
{
	struct folder **p = &f->in->by_name[hash_name(f->parent, f->name)];

	while (*p != f)
		p = &(*p)->by_name;
	*p = f->by_name;
	*f->prev = f->next;
	if (f->next)
		f->next->prev = f->prev;
	f->parent->nr_children--;
}

/*
 * From / each time, but for the root that is being scanned: no file descriptor is kept
 * for what may be thousands of folders.
 * Folders of roots that are root's have to be root's.
 */
static int node_open(const struct folder *f, uid_t *uid)
{
	cleanup_close int above = -1;
	uid_t owner;
	int fd;

	if (!f->parent)
		return folder_walk("/", uid);
	if (f == f->in->at) {
		*uid = f->uid;
		return fcntl(f->in->at_fd, F_DUPFD_CLOEXEC, 0);
	}
	above = node_open(f->parent, uid);
	if (above < 0)
		return -1;
	owner = *uid;
	fd = folder_below(above, f->name, &owner);
	if (fd >= 0 && is_leaf(f) && owner != *uid) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	*uid = owner;
	return fd;
}

static bool identify(int fd, struct identity *id)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &st))
		return false;
	id->major = st.stx_dev_major;
	id->minor = st.stx_dev_minor;
	id->ino = st.stx_ino;
	return true;
}

/* Of cid-agent's own, which says nothing of the folder */
static bool is_shortage(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM;
}

/* Is the folder of this name still the same one, and the same user's? */
static bool node_same(const struct folder *f)
{
	struct identity id;
	uid_t uid;
	cleanup_close int fd = node_open(f, &uid);

	if (fd < 0)
		return is_shortage(errno);
	return identify(fd, &id) && uid == f->uid && id.ino == f->identity.ino &&
	       id.major == f->identity.major && id.minor == f->identity.minor;
}

/* --- watches --- */

static void unwatch(struct folder *f)
{
	struct folder **p;

	if (f->wd < 0)
		return;
	for (p = &f->in->by_wd[f->wd % BUCKETS]; *p != f; p = &(*p)->by_wd)
		;
	*p = f->by_wd;
	inotify_rm_watch(f->in->inotify, f->wd);
	f->wd = -1;
	if (is_leaf(f))
		nr_watches--;
}

static void watch(struct folder *f, int fd, uint32_t mask)
{
	struct folders *in = f->in;
	char path[32];
	int wd;

	if (is_leaf(f) && f->wd < 0 && nr_watches >= WATCHES_MAX)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	wd = inotify_add_watch(in->inotify, path, mask);
	if (wd < 0) {
		health_bad(&in->health, "cannot watch %s: %s", f->name, strerror(errno));
		in->failed = true;
	}
	/* Another wd that is in use: the same folder is mounted at two places. */
	if (wd < 0 || wd == f->wd || find_wd(in, wd))
		return;
	unwatch(f);
	f->wd = wd;
	f->by_wd = in->by_wd[wd % BUCKETS];
	in->by_wd[wd % BUCKETS] = f;
	if (is_leaf(f))
		nr_watches++;
}

/* --- the tree --- */

static void drop_children(struct folder *f)
{
	while (f->children)
		node_drop(f->children);
}

/* What has been in a root is gone with it. */
static void forget_root(struct folder *f)
{
	if (!f->in->stopping) {
		registry_list_begin(f);
		registry_list_end(f, true);
	}
	registry_forget_source(f);
}

static void node_drop(struct folder *f)
{
	drop_children(f);
	if (is_leaf(f))
		f->in->ops->gone(f, !f->in->stopping);
	else if (is_root(f) && f->identity.ino)
		forget_root(f);
	unwatch(f);
	if (f->parent)
		node_unlink(f);
	free(f);
}

static bool is_full(struct folder *parent)
{
	unsigned int max = parent->uid ? CHILDREN_USER : CHILDREN_MAX;

	if (parent->nr_children < max)
		return false;
	parent->truncated = true;
	return true;
}

static bool leaf_start(struct folder *f)
{
	uid_t uid;
	cleanup_close int fd = node_open(f, &uid);

	if (fd < 0 || !identify(fd, &f->identity))
		return false;
	f->uid = uid;
	watch(f, fd, f->in->ops->mask | IN_ONLYDIR);
	return true;
}

static bool node_known(struct folder *f)
{
	if (!node_same(f))
		return false;
	f->seen = true;
	if (!is_leaf(f))
		return node_scan(f, false);
	if (f->wd < 0 && nr_watches < WATCHES_MAX)
		leaf_start(f);
	f->in->ops->found(f);
	return true;
}

/* There seems to be a child of this name. Return: whether there is; errno if it can't be opened. */
static bool child_found(struct folder *parent, const char *name, bool is_new)
{
	struct folder *f = find_name(parent, name);

	if (f) {
		if (node_known(f))
			return true;
		/* What can't be scanned is dropped by node_scan(). */
		f = find_name(parent, name);
		if (f)
			node_drop(f);
	}
	if (is_full(parent))
		return false;
	f = node_new(parent->in, parent, name);
	f->seen = true;
	f->is_new = is_new;
	if (is_leaf(f) && !leaf_start(f)) {
		free(f);
		return false;
	}
	node_link(f);
	if (!is_leaf(f))
		return node_scan(f, is_new);
	f->in->ops->found(f);
	return true;
}

static void scan_entries(struct folder *f, DIR *dir, bool is_new)
{
	struct dirent *e;
	unsigned int n = 0;

	while ((e = readdir(dir))) {
		if (++n > CHILDREN_MAX) {
			f->truncated = true;
			return;
		}
		if ((e->d_type == DT_DIR || e->d_type == DT_UNKNOWN) &&
		    may_be_child(f, e->d_name))
			child_found(f, e->d_name, is_new);
	}
}

static void scan_children(struct folder *f, int fd, bool is_new)
{
	cleanup_dir DIR *dir = NULL;
	struct folder *child, *next;
	int readable;

	for (child = f->children; child; child = child->next)
		child->seen = false;
	readable = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
	if (readable >= 0)
		dir = fdopendir(readable);
	if (!dir) {
		f->truncated = true;
		util_cleanup_close(&readable);
		return;
	}
	f->in->at = is_root(f) ? f : NULL;
	f->in->at_fd = fd;
	scan_entries(f, dir, is_new);
	f->in->at = NULL;
	for (child = f->children; child; child = next) {
		next = child->next;
		if (!child->seen && (!f->truncated || !node_same(child)))
			node_drop(child);
	}
}

/*
 * Watch a folder that isn't a container's, and find what is below. While the only child
 * that matters is there, others may come and go without waking anybody.
 *
 * Return: false: it isn't there, and @f is no more.
 */
static bool node_scan(struct folder *f, bool is_new)
{
	const char *only = only_child(f);
	uid_t uid;
	cleanup_close int fd = node_open(f, &uid);

	if (fd < 0 && is_shortage(errno)) {
		f->truncated = true;
		return true;
	}
	if (fd < 0 || !identify(fd, &f->identity)) {
		if (f->parent)
			node_drop(f);
		return false;
	}
	f->uid = uid;
	f->truncated = false;
	watch(f, fd, MASK_CHILDREN);
	if (!only)
		scan_children(f, fd, is_new);
	else if (child_found(f, only, is_new))
		watch(f, fd, MASK_ENDS);
	return true;
}

/* --- what happens --- */

/* It came and went before it could be looked into: its name is all that is known. */
static void leaf_was_there(struct folder *root, const char *name)
{
	struct folder *f = node_new(root->in, root, name);

	f->is_new = true;
	f->uid = root->uid;
	f->in->ops->gone(f, true);
	free(f);
}

static void child_made(struct folder *f, const char *name)
{
	/* One that a listing has found has been told of. */
	bool known = find_name(f, name);

	errno = 0;
	if (!child_found(f, name, true) && errno == ENOENT && is_root(f) && !known)
		leaf_was_there(f, name);
}

static void node_event(struct folder *f, const struct inotify_event *ev)
{
	struct folder *parent = f->parent, *child;

	if (ev->mask & EVENTS_ENDS) {
		if (!parent)
			return;
		node_drop(f);
		node_scan(parent, true);
		return;
	}
	if (!ev->len || !(ev->mask & IN_ISDIR) || !may_be_child(f, ev->name))
		return;
	if (ev->mask & (IN_DELETE | IN_MOVED_FROM)) {
		child = find_name(f, ev->name);
		if (child)
			node_drop(child);
	} else if (only_child(f)) {
		node_scan(f, true);
	} else {
		child_made(f, ev->name);
	}
}

static void one_event(struct folders *in, const struct inotify_event *ev)
{
	struct folder *f = find_wd(in, ev->wd);

	if (ev->mask & IN_Q_OVERFLOW)
		in->overflow = true;
	if (!f)
		return;
	if (!is_leaf(f))
		node_event(f, ev);
	else if (ev->mask & IN_IGNORED)
		unwatch(f);
	else if (ev->len && (ev->mask & in->ops->mask) && !(ev->mask & IN_ISDIR))
		in->ops->event(f, ev->name, ev->mask);
}

/* Return: whether there was something */
static bool read_events(struct folders *in)
{
	char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t len = read(in->inotify, buf, sizeof(buf));

	for (char *p = buf; p < buf + len;) {
		const struct inotify_event *ev = (void *)p;

		p += sizeof(*ev) + ev->len;
		one_event(in, ev);
	}
	return len > 0;
}

static void drain(struct folders *in)
{
	for (int i = 0; i < READS_MAX && read_events(in); i++)
		;
	if (in->overflow) {
		in->overflow = false;
		node_scan(in->top, false);
	}
}

static int on_inotify(sd_event_source *s, int fd, uint32_t revents, void *data)
{
	(void)s, (void)fd, (void)revents;
	drain(data);
	return 0;
}

static void list_root(struct folder *f)
{
	struct folder *child;

	registry_list_begin(f);
	for (child = f->children; child; child = child->next)
		f->in->ops->list(child);
	registry_list_end(f, !f->truncated);
}

static void list_roots(struct folder *f)
{
	struct folder *child;

	if (is_root(f)) {
		list_root(f);
		return;
	}
	for (child = f->children; child; child = child->next)
		list_roots(child);
}

/* What has been mounted over, or isn't any more, is another folder. */
static void check_mounts(struct folder *f)
{
	struct folder *child, *next;

	for (child = f->children; child && !is_leaf(child); child = next) {
		next = child->next;
		if (node_same(child)) {
			check_mounts(child);
		} else {
			cleanup_free char *name = xstrdup(child->name);

			node_drop(child);
			child_found(f, name, true);
		}
	}
}

/* Not sd_event_now(), which stands still while there is work */
static void set_timer(struct folders *in, uint64_t usec)
{
	uint64_t set;
	int on;

	if (sd_event_source_get_enabled(in->timer, &on) >= 0 && on != SD_EVENT_OFF &&
	    sd_event_source_get_time(in->timer, &set) >= 0 && set <= usec)
		return;
	sd_event_source_set_time(in->timer, usec);
	sd_event_source_set_enabled(in->timer, SD_EVENT_ONESHOT);
}

/* The longer a listing takes the fewer there are: the loop has others to serve. */
static void list_all(struct folders *in)
{
	uint64_t begin = now_usec(), end;

	in->want_look = false;
	in->failed = false;
	node_scan(in->top, false);
	list_roots(in->top);
	end = now_usec();
	in->next_look = end + LOOK_USEC + 10 * (end - begin);
	if (in->failed) {
		in->want_look = true;
		in->next_look = end + health_retry_usec(&in->health);
		set_timer(in, in->next_look);
	} else {
		health_good(&in->health);
	}
}

/* Events first: what has just been made is told as made, not as found. */
static int on_timer(sd_event_source *s, uint64_t usec, void *data)
{
	struct folders *in = data;

	(void)s, (void)usec;
	drain(in);
	if (in->want_mounts)
		check_mounts(in->top);
	in->want_mounts = false;
	if (in->want_look && now_usec() < in->next_look)
		set_timer(in, in->next_look);
	else if (in->want_look)
		list_all(in);
	return 0;
}

static int on_mounts(sd_event_source *s, int fd, uint32_t revents, void *data)
{
	struct folders *in = data;

	(void)s, (void)fd, (void)revents;
	in->want_mounts = true;
	set_timer(in, now_usec() + MOUNT_USEC);
	return 0;
}

/**
 * folders_look - list all containers soon
 * @in: from folders_watch()
 */
void folders_look(struct folders *in)
{
	in->want_look = true;
	set_timer(in, in->next_look);
}

/* --- begin and end --- */

static bool split_pattern(struct folders *in, const char *pattern)
{
	char *save = NULL, *part;

	in->pattern = xstrdup(pattern);
	if (*pattern != '/')
		return false;
	for (part = strtok_r(in->pattern, "/", &save); part;
	     part = strtok_r(NULL, "/", &save)) {
		if (in->nr_parts == DEPTH_MAX || !strcmp(part, ".."))
			return false;
		if (strcmp(part, "."))
			in->parts[in->nr_parts++] = part;
	}
	return in->nr_parts;
}

static int watch_mounts(struct folders *in)
{
	bool inner = false;

	for (unsigned int i = 0; i + 1 < in->nr_parts; i++)
		inner = inner || is_pattern(in->parts[i]);
	if (!inner)
		return 0;
	in->mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (in->mountinfo < 0)
		return -errno;
	return sd_event_add_io(loop, &in->mountinfo_source, in->mountinfo,
			       EPOLLPRI | EPOLLERR, on_mounts, in);
}

static int add_sources(struct folders *in)
{
	int ret;

	in->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (in->inotify < 0)
		return -errno;
	ret = sd_event_add_io(loop, &in->inotify_source, in->inotify, EPOLLIN,
			      on_inotify, in);
	if (ret < 0)
		return ret;
	/* A user who touches files all the time doesn't keep the loop from the rest. */
	sd_event_source_set_ratelimit(in->inotify_source, RATE_USEC, RATE_MAX);
	ret = sd_event_add_time(loop, &in->timer, CLOCK_MONOTONIC, 0, ACCURACY_USEC,
				on_timer, in);
	if (ret < 0)
		return ret;
	return watch_mounts(in);
}

/**
 * folders_watch - watch for folders of containers
 * @runtime: for messages
 * @pattern: absolute path of the roots that have them, which need not be there yet;
 *	its components are shell patterns
 * @ops: what is done with them
 *
 * All that is there already is listed as soon as the loop runs.
 *
 * Return: for folders_free(); NULL, and says why.
 */
struct folders *folders_watch(const char *runtime, const char *pattern,
			      const struct folders_ops *ops)
{
	struct folders *in = xcalloc(1, sizeof(*in));
	int ret = -EINVAL;

	in->ops = ops;
	in->inotify = -1;
	in->mountinfo = -1;
	in->who = xasprintf("%s (%s)", runtime, pattern);
	in->health.who = in->who;
	if (split_pattern(in, pattern))
		ret = add_sources(in);
	if (ret < 0) {
		msg("cannot watch %s: %s", in->who, strerror(-ret));
		folders_free(in);
		return NULL;
	}
	in->top = node_new(in, NULL, "");
	in->want_look = true;
	return in;
}

/**
 * folders_free - the end of folders_watch()
 * @in: from there, or NULL
 */
void folders_free(struct folders *in)
{
	if (!in)
		return;
	in->stopping = true;
	if (in->top)
		node_drop(in->top);
	sd_event_source_disable_unref(in->timer);
	sd_event_source_disable_unref(in->mountinfo_source);
	sd_event_source_disable_unref(in->inotify_source);
	util_cleanup_close(&in->mountinfo);
	util_cleanup_close(&in->inotify);
	free(in->pattern);
	free(in->who);
	free(in);
}

/* --- what is told of a container's folder --- */

/**
 * folder_open - open it, to look below it with openat2(2)
 * @f: the folder
 *
 * Return: a file descriptor; -1 and errno.
 */
int folder_open(const struct folder *f)
{
	uid_t uid;
	int fd = node_open(f, &uid);

	if (fd >= 0 && uid != f->uid) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

const char *folder_name(const struct folder *f)
{
	return f->name;
}

const char *folder_root_name(const struct folder *f)
{
	return f->parent->name;
}

/* For registry_list_seen() */
const void *folder_source(const struct folder *f)
{
	return f->parent;
}

/* Whose the container is */
uid_t folder_uid(const struct folder *f)
{
	return f->uid;
}

/* Was it made after the watch had begun? */
bool folder_is_new(const struct folder *f)
{
	return f->is_new;
}

void *folder_data(const struct folder *f)
{
	return f->data;
}

void folder_set_data(struct folder *f, void *data)
{
	f->data = data;
}
