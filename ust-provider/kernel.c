// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel itself tells: cgroups that come and go, containers' IDs and labels, who is
 * killed for want of memory. It needs no runtime's word, and what is lost of its events is
 * looked for; but it has no names, and a cgroup is there before its container. So what it
 * tells of waits for a moment: if a runtime has told of that container by then, or does when
 * it is asked, there is nothing to add. Else it is told by what the kernel knows.
 */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <event-parse.h>
#include <kbuffer.h>
#include <tracefs.h>

#include "cgroup.h"
#include "metricsns.h"
#include "registry.h"
#include "sources.h"

#define INSTANCE	"cid-agent"
#define BUFFER_KB	256
/* When the runtimes are asked, and when it is told without them */
#define ASK_USEC	500000ULL
#define TELL_USEC	3000000ULL
#define RATE_USEC	100000ULL
#define RATE_MAX	50
#define RESCAN_USEC	1000000ULL
/* A cgroup in which nobody has been seen is looked at again, each time twice as late. */
#define TRIES		4
#define PENDING_MAX	4096
#define CGROUP_DEPTH	32

struct cpu {
	int fd;
	struct kbuffer *kbuf;
	sd_event_source *readable;
};

/**
 * struct pending - what the kernel has told of and no runtime yet
 * @path: of its cgroup, NULL: it is known by its metrics namespace
 * @guess: what the path says
 * @id: of the metrics namespace
 * @label: of that
 * @usec: when it is looked at again
 * @asked: the runtimes have been asked
 * @entered: somebody was in there
 * @gone: it is there no more
 * @tries: how often it was looked at
 */
struct pending {
	struct pending *next;
	char *path;
	struct cgroup_guess guess;
	uint64_t id;
	char label[NS_METRICS_LABEL_MAX + 1];
	uint64_t usec;
	bool asked, entered, gone;
	unsigned int tries;
};

static struct tracefs_instance *instance;
static struct tep_handle *tep;
static struct cpu *cpus;
static int nr_cpus;
static size_t page_size;
static char *page;
static struct pending *pending;
static size_t nr_pending;
static sd_event_source *timer, *rescan;
static bool tells_victims, tells_pauses;
static const char cgroups_listing;

static void arm(void);
static void look_at_all(void);

/* --- what waits --- */

static void add_pending(struct pending *p)
{
	p->usec = loop_usec() + ASK_USEC;
	p->next = pending;
	pending = p;
	nr_pending++;
	arm();
}

static struct pending *pending_path(const char *path, size_t len)
{
	struct pending *p;

	for (p = pending; p; p = p->next)
		if (p->path && strlen(p->path) == len && !strncmp(p->path, path, len))
			return p;
	return NULL;
}

static void free_pending(struct pending *p)
{
	free(p->path);
	free(p);
	nr_pending--;
}

static struct container *known(const struct pending *p)
{
	return p->path ? registry_by_key(p->guess.family, p->guess.id, p->guess.uid) :
	       registry_by_container_id(p->id);
}

static struct report report_of(const struct pending *p, enum report_what what)
{
	return (struct report){
		.what = what,
		.rank = RANK_CGROUP,
		.family = p->guess.family,
		.runtime = p->guess.runtime,
		.id = p->guess.id,
		.uid = p->guess.uid,
		.pod = p->guess.pod,
		.cgroup = p->path,
		REPORT_INIT,
	};
}

static void tell(const struct pending *p, pid_t pid)
{
	static const enum report_what life[] = {
		REPORT_CREATE, REPORT_START, REPORT_EXIT, REPORT_REMOVE,
	};

	for (size_t i = 0; i < (p->gone ? 4 : 2); i++) {
		struct report r = report_of(p, life[i]);

		r.pid = p->gone ? 0 : pid;
		registry_report(&r);
	}
}

/* Return: whether it has been dealt with. */
static bool tell_cgroup(struct pending *p)
{
	const struct container *c = known(p);
	bool there;
	pid_t pid;

	if (c && (c->rank > RANK_CGROUP || c->pidfd >= 0))
		return true;
	/* Whatever the order was in which it was made and removed: is it there? */
	there = identity_of_cgroup(p->path);
	if (p->gone && there && p->entered)
		tell(p, 0);
	p->gone = !there;
	pid = p->gone ? 0 : identity_init_of_cgroup(p->path);
	/* What crun has made of itself, so far: on a slow machine it hasn't told anyone yet. */
	if (pid && !identity_has_program(pid) && p->tries + 1 < TRIES) {
		p->tries++;
		return false;
	}
	if (pid || (p->gone && p->entered)) {
		tell(p, pid);
		return true;
	}
	return p->gone || ++p->tries == TRIES;
}

/* --- metrics namespaces --- */

static bool is_due(const struct pending *p)
{
	return p->usec <= loop_usec();
}

static bool namespace_is_due(uint64_t id)
{
	struct pending *p;

	for (p = pending; p; p = p->next)
		if (!p->path && p->id == id)
			return p->asked && is_due(p) && !known(p);
	return false;
}

static bool namespace_is_known(uint64_t id)
{
	return registry_by_container_id(id);
}

static bool namespace_is_new(uint64_t id)
{
	return !namespace_is_known(id);
}

/* A runtime's has its ID as the label, and may have been too short to be looked at. */
static void tell_short(struct pending *p)
{
	char id[ID_TEXT_SIZE];
	struct report r = {
		.what = REPORT_CREATE,
		.rank = RANK_CGROUP,
		.family = FAMILY_KERNEL,
		.runtime = "metrics_ns",
		.id = id,
		.name = p->label,
		REPORT_INIT,
	};

	if (known(p) || registry_has_had(p->label))
		return;
	snprintf(id, sizeof(id), "%llu", (unsigned long long)p->id);
	registry_report(&r);
	r.what = REPORT_START;
	registry_report(&r);
	r.what = REPORT_REMOVE;
	registry_report(&r);
}

static struct pending *pending_namespace(uint64_t id)
{
	struct pending *p;

	for (p = pending; p && (p->path || p->id != id); p = p->next)
		;
	return p;
}

static void add_namespace(uint64_t id, const char *label)
{
	struct pending *p = pending_namespace(id);

	/* Users make them, too. */
	if (!p && !namespace_is_known(id) && nr_pending < PENDING_MAX / 2) {
		p = xcalloc(1, sizeof(*p));
		p->id = id;
		add_pending(p);
	}
	/* Events of several CPUs aren't in order: it may have its label before it is made. */
	if (p && *label)
		snprintf(p->label, sizeof(p->label), "%s", label);
}

static void namespace_freed(uint64_t id)
{
	struct pending *p = pending_namespace(id);
	char text[ID_TEXT_SIZE];
	const struct report r = {
		.what = REPORT_REMOVE,
		.rank = RANK_CGROUP,
		.family = FAMILY_KERNEL,
		.runtime = "metrics_ns",
		.id = text,
		REPORT_INIT,
	};

	snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	if (p)
		p->gone = true;
	registry_report(&r);
}

static bool namespace_is_there(uint64_t id)
{
	cleanup_close int fd = metricsns_open_id(id);

	return fd >= 0;
}

/* --- time --- */

/* Return: whether it is done with. */
static bool look_at(struct pending *p)
{
	if (!p->path) {
		if (p->gone || !namespace_is_there(p->id))
			tell_short(p);
		return true;
	}
	if (tell_cgroup(p))
		return true;
	p->usec = loop_usec() + (TELL_USEC << p->tries);
	return false;
}

static bool any_namespace_is_due(void)
{
	struct pending *p;

	for (p = pending; p; p = p->next)
		if (!p->path && !p->gone && p->asked && is_due(p) && !known(p))
			return true;
	return false;
}

static int look(sd_event_source *source, uint64_t usec, void *data)
{
	struct pending **next = &pending, *p;
	bool ask = false;

	(void)source;
	(void)usec;
	(void)data;
	if (any_namespace_is_due())
		namespaces_report(namespace_is_due);
	while ((p = *next)) {
		if (!is_due(p)) {
			next = &p->next;
		} else if (!p->asked) {
			p->asked = true;
			p->usec = loop_usec() + TELL_USEC - ASK_USEC;
			ask |= !known(p);
		} else if (look_at(p)) {
			*next = p->next;
			free_pending(p);
		}
	}
	if (ask)
		runtimes_look();
	arm();
	return 0;
}

/* For the next one that is due */
static void arm(void)
{
	uint64_t first = UINT64_MAX;
	struct pending *p;

	for (p = pending; p; p = p->next)
		if (p->usec < first)
			first = p->usec;
	if (!pending)
		return;
	if (!timer && sd_event_add_time(loop, &timer, CLOCK_MONOTONIC, first, 0, look,
					NULL) < 0)
		return;
	sd_event_source_set_time(timer, first);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

/* --- events --- */

/* What had the name before is told of first. */
static void made_again(struct pending *p)
{
	if (p->entered && !known(p))
		tell(p, 0);
	p->gone = false;
	p->entered = false;
}

static void somebody_entered(const char *path)
{
	struct cgroup_guess guess;
	const struct container *c;
	struct pending *p;

	if (!name_of_cgroup(path, &guess))
		return;
	c = registry_by_key(guess.family, guess.id, guess.uid);
	if (c && (c->pidfd >= 0 || c->rank > RANK_CGROUP)) {
		/* It begins anew, or its runtime will tell. */
		if (c->pidfd < 0)
			runtimes_look_soon();
		return;
	}
	p = pending_path(path, guess.len);
	if (p && p->gone)
		made_again(p);
	/* Users make cgroups of any names in their own. */
	if (!p && nr_pending < (guess.uid ? PENDING_MAX / 2 : PENDING_MAX)) {
		p = xcalloc(1, sizeof(*p));
		p->guess = guess;
		p->path = xstrdup(path);
		p->path[guess.len] = '\0';
		add_pending(p);
	}
	if (p)
		p->entered = true;
}

static void cgroup_made(const char *path)
{
	struct cgroup_guess guess;
	struct pending *p;

	if (!name_of_cgroup(path, &guess) || path[guess.len] ||
	    registry_by_key(guess.family, guess.id, guess.uid))
		return;
	/* Events of several CPUs aren't in order. */
	p = pending_path(path, guess.len);
	if (p && !p->gone)
		return;
	somebody_entered(path);
	p = pending_path(path, guess.len);
	if (p)
		p->entered = false;
}

static void cgroup_removed(const char *path)
{
	struct cgroup_guess guess;
	struct pending *p;
	struct report r;

	if (!name_of_cgroup(path, &guess) || path[guess.len])
		return;
	p = pending_path(path, guess.len);
	if (p) {
		p->gone = true;
		/* What has been told of is told of below. */
		p->entered &= !known(p);
	}
	r = (struct report){
		.what = REPORT_REMOVE,
		.rank = RANK_CGROUP,
		.family = guess.family,
		.runtime = guess.runtime,
		.id = guess.id,
		.uid = guess.uid,
		REPORT_INIT,
	};
	registry_report(&r);
}

static uint64_t number(struct tep_event *event, struct tep_record *record, const char *field)
{
	unsigned long long val = 0;

	return tep_get_field_val(NULL, event, field, record, &val, 0) ? 0 : val;
}

static const char *text(struct tep_event *event, struct tep_record *record, const char *field)
{
	int len;
	const char *val = tep_get_field_raw(NULL, event, field, record, &len, 0);

	return val && len > 0 && !val[len - 1] ? val : "";
}

static void on_frozen(struct tep_event *event, struct tep_record *record)
{
	struct container *c = registry_by_cgroup_id(number(event, record, "id"));

	if (c)
		registry_happens(c, number(event, record, "val") ? REPORT_PAUSE :
				 REPORT_UNPAUSE);
}

/* Linux tells of the victim; with the events of this project, of its cgroup as well. */
static void on_victim(struct tep_event *event, struct tep_record *record)
{
	struct container *c = registry_by_cgroup_id(number(event, record, "memcg_id"));
	cleanup_free char *path = c ? NULL : cgroup_of_pid(number(event, record, "pid"));

	if (path)
		c = registry_by_cgroup_path(path);
	if (c)
		registry_happens(c, REPORT_OOM);
}

static void on_set(struct tep_event *event, struct tep_record *record)
{
	if (number(event, record, "mask") & NS_METRICS_SET_LABEL)
		add_namespace(number(event, record, "id"), text(event, record, "label"));
}

static void on_create(struct tep_event *event, struct tep_record *record)
{
	add_namespace(number(event, record, "id"), "");
}

static void on_free(struct tep_event *event, struct tep_record *record)
{
	namespace_freed(number(event, record, "ns_id"));
}

static void on_mkdir(struct tep_event *event, struct tep_record *record)
{
	cgroup_made(text(event, record, "path"));
}

static void on_rmdir(struct tep_event *event, struct tep_record *record)
{
	cgroup_removed(text(event, record, "path"));
}

static void on_attach(struct tep_event *event, struct tep_record *record)
{
	somebody_entered(text(event, record, "dst_path"));
}

struct handler {
	const char *system, *name;
	void (*fn)(struct tep_event *event, struct tep_record *record);
	const char *filter;
	bool ours;	/* of this project's kernel series */
};

static const struct handler handlers[] = {
	{ "cgroup", "cgroup_mkdir", on_mkdir, NULL, false },
	{ "cgroup", "cgroup_rmdir", on_rmdir, NULL, false },
	{ "cgroup", "cgroup_attach_task", on_attach, NULL, false },
	{ "cgroup", "cgroup_fork_into", on_attach, NULL, true },
	{ "cgroup", "cgroup_notify_frozen", on_frozen, NULL, false },
	{ "oom", "mark_victim", on_victim, NULL, false },
	{ "metrics_ns", "metrics_ns_create", on_create, NULL, true },
	{ "metrics_ns", "metrics_ns_set", on_set, NULL, true },
	{ "namespace", "namespace_free", on_free, "type == 64" /* CLONE_NEWMETRICS */, true },
};

static void handle(struct tep_record *record)
{
	struct tep_event *event = tep_find_event_by_record(tep, record);

	for (size_t i = 0; event && i < ARRAY_SIZE(handlers); i++)
		if (!strcmp(event->name, handlers[i].name))
			handlers[i].fn(event, record);
}

static int look_again(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	(void)data;
	rescan = sd_event_source_disable_unref(rescan);
	look_at_all();
	runtimes_look();
	return 0;
}

/* Events have been lost: what they would have told of is looked for. */
static void look_again_soon(void)
{
	if (!rescan)
		sd_event_add_time_relative(loop, &rescan, CLOCK_MONOTONIC, RESCAN_USEC, 0,
					   look_again, NULL);
}

static void events_in_page(struct cpu *cpu)
{
	struct tep_record record = {};
	unsigned long long ts;

	if (kbuffer_missed_events(cpu->kbuf))
		look_again_soon();
	while ((record.data = kbuffer_read_event(cpu->kbuf, &ts))) {
		record.ts = ts;
		record.size = kbuffer_event_size(cpu->kbuf);
		handle(&record);
		kbuffer_next_event(cpu->kbuf, NULL);
	}
}

static int on_page(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct cpu *cpu = data;
	ssize_t n = read(fd, page, page_size);

	(void)source;
	(void)events;
	if (n <= 0)
		return 0;
	if (!kbuffer_load_subbuffer(cpu->kbuf, page))
		events_in_page(cpu);
	return 0;
}

/* --- tracefs --- */

/* tracefs_local_events() would have the names of all functions in memory as well. */
static bool parse_format(const struct handler *h)
{
	int size = 0;
	cleanup_free char *format = tracefs_event_file_read(instance, h->system, h->name,
							    "format", &size);

	return format && !tep_parse_event(tep, format, size, h->system);
}

static bool enable(const struct handler *h)
{
	char path[128];

	if (!parse_format(h))
		return false;
	snprintf(path, sizeof(path), "events/%s/%s/filter", h->system, h->name);
	if (h->filter && tracefs_instance_file_write(instance, path, h->filter) < 0)
		return false;
	return !tracefs_event_enable(instance, h->system, h->name);
}

static void enable_all(void)
{
	cleanup_free char *missing = xstrdup("");

	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
		bool enabled = enable(&handlers[i]);
		char *longer;

		tells_victims |= enabled && handlers[i].fn == on_victim;
		tells_pauses |= enabled && handlers[i].fn == on_frozen;
		if (enabled || handlers[i].ours)
			continue;
		longer = xasprintf("%s%s%s", missing, *missing ? ", " : "",
				   handlers[i].name);
		free(missing);
		missing = longer;
	}
	if (*missing)
		msg("this kernel doesn't tell of %s: what runtimes don't tell is missed",
		    missing);
}

static bool open_cpu(struct cpu *cpu, int nr)
{
	char path[64];

	snprintf(path, sizeof(path), "per_cpu/cpu%d/trace_pipe_raw", nr);
	cpu->fd = tracefs_instance_file_open(instance, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (cpu->fd < 0)
		return false;
	cpu->kbuf = kbuffer_alloc(sizeof(long) == 8 ? KBUFFER_LSIZE_8 : KBUFFER_LSIZE_4,
				  tep_is_bigendian() ? KBUFFER_ENDIAN_BIG :
				  KBUFFER_ENDIAN_LITTLE);
	if (!cpu->kbuf ||
	    sd_event_add_io(loop, &cpu->readable, cpu->fd, POLLIN, on_page, cpu) < 0)
		return false;
	/* A user who makes cgroups all the time doesn't keep the loop from the rest. */
	sd_event_source_set_ratelimit(cpu->readable, RATE_USEC, RATE_MAX);
	return true;
}

static bool open_buffers(void)
{
	nr_cpus = sysconf(_SC_NPROCESSORS_CONF);
	cpus = xcalloc(nr_cpus, sizeof(*cpus));
	page_size = sysconf(_SC_PAGESIZE);
	page = xcalloc(1, page_size);
	for (int i = 0; i < nr_cpus; i++)
		cpus[i].fd = -1;
	for (int i = 0; i < nr_cpus; i++)
		if (!open_cpu(&cpus[i], i) && errno != ENOENT && errno != ENODEV &&
		    errno != ENXIO)
			return false;
	return true;
}

static bool open_instance(void)
{
	char size[16];

	instance = tracefs_instance_create(INSTANCE);
	if (!instance)
		return false;
	snprintf(size, sizeof(size), "%d", BUFFER_KB);
	/* One that has been left behind may be set in any way. */
	tracefs_event_disable(instance, NULL, NULL);
	tracefs_instance_file_write(instance, "buffer_size_kb", size);
	/* A reader wakes up for a single event. */
	tracefs_instance_file_write(instance, "buffer_percent", "0");
	tracefs_instance_file_write(instance, "trace", "");
	tracefs_instance_file_write(instance, "tracing_on", "1");
	tep = tep_alloc();
	if (!tep)
		return false;
	tep_set_long_size(tep, sizeof(long));
	return open_buffers();
}

/* --- what there is --- */

static int look_at_folder(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *below = path + strlen(identity_cgroup_root());
	struct pending p = {};
	pid_t pid;

	(void)st;
	if (type != FTW_D || ftw->level > CGROUP_DEPTH)
		return FTW_CONTINUE;
	if (!name_of_cgroup(below, &p.guess) || below[p.guess.len])
		return FTW_CONTINUE;
	pid = identity_init_of_cgroup(below);
	if (pid) {
		struct report r;

		p.path = (char *)below;
		r = report_of(&p, REPORT_SEEN);
		r.state = STATE_RUNNING;
		r.pid = pid;
		registry_list_seen(&cgroups_listing, &r);
	}
	return FTW_SKIP_SUBTREE;
}

static void look_at_all(void)
{
	if (identity_cgroup_root()) {
		registry_list_begin(&cgroups_listing);
		registry_list_end(&cgroups_listing,
				  !nftw(identity_cgroup_root(), look_at_folder, 16,
					FTW_PHYS | FTW_ACTIONRETVAL | FTW_MOUNT));
	}
	if (metricsns_supported())
		namespaces_report(namespace_is_new);
}

/**
 * kernel_start - listen to the kernel, and see what there is already
 *
 * Without tracefs, or the right to use it, it says so: what the runtimes tell remains.
 */
void kernel_start(void)
{
	if (open_instance())
		enable_all();
	else
		msg("cannot trace the kernel's events: %m; only what runtimes tell is known");
	look_at_all();
}

/** kernel_tells_victims - does it tell of each victim of want of memory? */
bool kernel_tells_victims(void)
{
	return tells_victims;
}

/** kernel_tells_pauses - does it tell when a cgroup is frozen? */
bool kernel_tells_pauses(void)
{
	return tells_pauses;
}

void kernel_stop(void)
{
	struct pending *p;

	timer = sd_event_source_disable_unref(timer);
	rescan = sd_event_source_disable_unref(rescan);
	for (int i = 0; i < nr_cpus; i++) {
		sd_event_source_disable_unref(cpus[i].readable);
		if (cpus[i].fd >= 0)
			close(cpus[i].fd);
		kbuffer_free(cpus[i].kbuf);
	}
	free(cpus);
	free(page);
	while ((p = pending)) {
		pending = p->next;
		free_pending(p);
	}
	if (instance) {
		tracefs_instance_destroy(instance);
		tracefs_instance_free(instance);
	}
	if (tep)
		tep_free(tep);
}
