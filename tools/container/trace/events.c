// SPDX-License-Identifier: GPL-2.0
/* cid events */

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <ctype.h>
#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cgroup.h"
#include "cid.h"
#include "container.h"
#include "nsinfo.h"
#include "out.h"
#include "trace.h"
#include "util.h"

#include "bpf/events.h"
#include "events.skel.h"

#define LATE	10000000000ULL	/* ns, for which more of one that is gone may be told */

enum { OPT_ALL = 512 };

/* A container that is there, by its own ID */
struct known {
	uint64_t ns;
	uint64_t id;		/* which it is shown as: its own, with --top the outermost */
	uint64_t created;	/* CLOCK_MONOTONIC, ns; 0: before this was watched */
	bool awaits;		/* its first task is yet to come */
	int frozen;		/* its scope is; -1: not known */
	uint64_t scope_id;
	char *scope;		/* path, or NULL */
	uint64_t told;		/* the event that was told of it last */
};

/* One that is gone, of which more may be told yet */
struct late {
	uint64_t id;
	uint64_t since;		/* CLOCK_MONOTONIC, ns */
};

struct events {
	bool all;
	struct cgroup_fs fs;
	struct btf *btf;
	void *known;		/* by ns */
	struct late *late;
	size_t nr_late;
	uint64_t nr_written;
};

static const struct argp_option options[] = {
	{ "all", OPT_ALL, NULL, 0, "all that is written to files of cgroups, and missing "
	  "capabilities", 0 },
	{ 0 }
};

/* Made from the header that has the numbers */
static const char *const capabilities[] = {
#include "capability_names.h"
};

static error_t parse(int key, char *arg, struct argp_state *state, struct trace *t)
{
	struct events *ev = t->own;

	(void)arg;
	(void)state;
	if (key != OPT_ALL)
		return ARGP_ERR_UNKNOWN;
	ev->all = true;
	return 0;
}

/* --- which containers there are --- */

static int by_ns(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

static struct known *find(const struct events *ev, uint64_t ns)
{
	const struct known key = { .ns = ns };
	struct known *const *found = tfind(&key, &ev->known, by_ns);

	return found ? *found : NULL;
}

static struct known *find_or_add(struct events *ev, uint64_t ns, uint64_t id)
{
	struct known *k = find(ev, ns);

	if (k)
		return k;
	k = xcalloc(1, sizeof(*k));
	k->ns = ns;
	k->id = id;
	k->frozen = -1;
	if (!tsearch(k, &ev->known, by_ns)) {
		free(k);
		return NULL;
	}
	return k;
}

static void free_known(void *node)
{
	struct known *k = node;

	free(k->scope);
	free(k);
}

/* While the cgroup is there, of which only the path tells what is above it */
static void scope(const struct events *ev, struct known *k, uint64_t cgroup_id)
{
	free(k->scope);
	k->scope_id = cgroup_id;
	k->scope = cgroup_path_by_id(&ev->fs, cgroup_id);
}

static bool is_below(const char *path, const char *above)
{
	size_t len = strcmp(above, "/") ? strlen(above) : 0;

	return !strncmp(path, above, len) && path[len] == '/' && path[len + 1];
}

/* Who was there before; the programs are attached, and tell of the others. */
static int list(struct trace *t)
{
	struct events *ev = t->own;
	struct inventory inv;
	int ret = inventory_load(&inv);

	for (size_t i = 0; !ret && i < inv.nr; i++) {
		const struct container *c = &inv.containers[i];
		struct known *k;

		if (!c->has_id)
			continue;
		k = find_or_add(ev, c->info.id, t->opt.by_top ? c->info.top_id : c->info.id);
		if (k && c->info.scope_id)
			scope(ev, k, c->info.scope_id);
	}
	inventory_free(&inv);
	return ret;
}

/* --- a line --- */

/* What is told of an event, in this order, as an object of JSON */
static void add_number(struct json_object *details, const char *key, uint64_t number)
{
	json_object_object_add(details, key, json_object_new_uint64(number));
}

static void add_string(struct json_object *details, const char *key, const char *s)
{
	json_object_object_add(details, key, out_string(s));
}

static void add_error(struct json_object *details, int64_t ret)
{
	const char *name = ret < 0 ? strerrorname_np(-ret) : NULL;

	if (name)
		add_string(details, "error", name);
	else if (ret < 0)
		add_number(details, "error", -ret);
}

static void add_task(struct json_object *details, const struct life_event *e)
{
	add_number(details, "pid", e->pid);
	add_string(details, "comm", e->comm);
}

static void add_cgroup(struct trace *t, struct json_object *details, uint64_t cgroup_id)
{
	const struct events *ev = t->own;
	cleanup_free char *path = NULL;

	if (!cgroup_id)
		return;
	add_number(details, "cgroup_id", cgroup_id);
	path = cgroup_path_by_id(&ev->fs, cgroup_id);
	if (path)
		add_string(details, "cgroup", path);
}

/* The last part tells the most, and may have blanks; in any other they would begin a part. */
static void print_details(struct json_object *details)
{
	int left = json_object_object_length(details);

	// cppcheck-suppress unknownMacro
	json_object_object_foreach(details, key, value) {
		cleanup_free char *text = escape(json_object_get_string(value));

		printf(" %s=", key);
		left--;
		for (const char *c = text; *c; c++)
			fputs(*c == ' ' && left ? "\\x20" : (char []){ *c, '\0' }, stdout);
	}
	putchar('\n');
}

/* Frees @details. */
static void tell(struct trace *t, uint64_t at, uint64_t id, const char *event,
		 struct json_object *details)
{
	if (t->opt.json) {
		struct json_object *obj = json_object_new_object();

		json_object_object_add(obj, "at_usec", json_object_new_uint64(at / 1000));
		trace_title_json(t, id, obj);
		add_string(obj, "event", event);
		// cppcheck-suppress unknownMacro
		json_object_object_foreach(details, key, value)
			json_object_object_add(obj, key, json_object_get(value));
		out_json_line(obj);
	} else {
		cleanup_free char *title = trace_title(t, id);

		if (!t->shown)
			printf("%-14s %-24s %-10s %s\n", "TIME", "CONTAINER", "EVENT",
			       "DETAILS");
		t->shown = true;
		printf("%-14.6f %-24s %-10s", at / 1e9, title, event);
		print_details(details);
	}
	json_object_put(details);
}

static void tell_of(struct trace *t, const struct life_event *e, const char *event,
		    struct json_object *details)
{
	tell(t, e->at, e->id, event, details);
}

/* --- what is told one by one --- */

static struct json_object *nested(const struct life_event *e)
{
	struct json_object *details = json_object_new_object();

	if (e->ns != e->id)
		add_number(details, "nested_id", e->ns);
	return details;
}

/* As in all of these commands, the initial namespace is the host, with ID 0. */
static void add_container(struct json_object *details, const char *key, uint64_t ns)
{
	add_number(details, key, ns == CID_METRICS_NS_INIT_ID ? 0 : ns);
}

static void created(struct trace *t, const struct life_event *e)
{
	struct json_object *details = nested(e);
	struct known *k = find_or_add(t->own, e->ns, e->id);

	if (k) {
		k->created = e->at;
		k->awaits = true;
		k->frozen = 0;
	}
	add_container(details, "parent_id", e->other);
	add_task(details, e);
	tell_of(t, e, "created", details);
}

/* What there was below a scope already is its container's, but for who is nested in it. */
static void claim_below(struct trace *t, const struct known *k)
{
	const struct events *ev = t->own;
	cleanup_free char *path = k->scope ? xasprintf("%s%s", ev->fs.path, k->scope) : NULL;

	if (path)
		trace_claim_cgroups(t, path, k->id);
}

static struct json_object *flag_names(uint32_t flags)
{
	struct json_object *names = json_object_new_array();

	for (size_t i = 0; i < ARRAY_SIZE(metricsns_flags); i++)
		if (flags & metricsns_flags[i].bit)
			json_object_array_add(names, out_string(metricsns_flags[i].name));
	return names;
}

static void set(struct trace *t, const struct life_event *e)
{
	struct known *k = find_or_add(t->own, e->ns, e->id);
	struct json_object *details;

	if (e->mask & NS_METRICS_SET_SCOPE) {
		details = nested(e);
		if (k) {
			scope(t->own, k, e->other);
			claim_below(t, k);
		}
		add_task(details, e);
		add_number(details, "uid", e->uid);
		add_cgroup(t, details, e->other);
		tell_of(t, e, "scoped", details);
	}
	if (e->mask & NS_METRICS_SET_FLAGS) {
		details = nested(e);
		json_object_object_add(details, "flags", flag_names(e->flags));
		tell_of(t, e, "flagged", details);
	}
	if (e->mask & NS_METRICS_SET_LABEL) {
		details = nested(e);
		add_task(details, e);
		add_number(details, "uid", e->uid);
		/* One that nests is its own word for it. */
		add_string(details, "as", e->value);
		tell_of(t, e, "labelled", details);
	}
}

static void joined(struct trace *t, const struct life_event *e)
{
	struct json_object *details = nested(e);
	struct known *k = find(t->own, e->ns);
	bool first = k && k->awaits;

	if (first)
		k->awaits = false;
	add_container(details, "from_id", e->other);
	add_task(details, e);
	tell_of(t, e, first ? "started" : "joined", details);
}

static void expect_more(struct events *ev, const struct life_event *e)
{
	ev->late = xreallocarray(ev->late, ev->nr_late + 1, sizeof(*ev->late));
	ev->late[ev->nr_late++] = (struct late){ .id = e->id, .since = e->at };
}

struct nearest {
	const char *path;
	const struct known *k;
};

static void nearer(const void *node, VISIT visit, void *arg)
{
	const struct known *k = *(struct known *const *)node;
	struct nearest *n = arg;

	if (visit != postorder && visit != leaf)
		return;
	if (k->scope && (!strcmp(n->path, k->scope) || is_below(n->path, k->scope)) &&
	    (!n->k || strlen(k->scope) >= strlen(n->k->scope)))
		n->k = k;
}

/* A cgroup that outlives its container is that of who has one above it. */
static void hand_on(const struct events *ev, int map, uint64_t cgroup_id)
{
	cleanup_free char *path = cgroup_path_by_id(&ev->fs, cgroup_id);
	struct nearest n = { .path = path };

	if (path)
		twalk_r(ev->known, nearer, &n);
	if (n.k)
		bpf_map_update_elem(map, &cgroup_id, &n.k->id, BPF_EXIST);
	else
		bpf_map_delete_elem(map, &cgroup_id);
}

static void hand_on_cgroups(const struct trace *t, uint64_t id)
{
	int map = bpf_object__find_map_fd_by_name(t->obj, "cgroups");
	size_t max = TRACE_CGROUPS * 2;
	cleanup_free uint64_t *keys = xcalloc(max, sizeof(*keys));
	cleanup_free uint64_t *ids = xcalloc(max, sizeof(*ids));
	long nr = trace_read_map(map, sizeof(*keys), sizeof(*ids), max, keys, ids);

	for (long i = 0; i < nr; i++)
		if (ids[i] == id)
			hand_on(t->own, map, keys[i]);
}

/* What happens to its cgroup may be told later than its end, but not for ever. */
static void forget_gone(struct trace *t, uint64_t now)
{
	int labels = bpf_object__find_map_fd_by_name(t->obj, "labels");
	struct events *ev = t->own;
	size_t nr = 0;

	for (size_t i = 0; i < ev->nr_late; i++) {
		if (ev->late[i].since + LATE > now) {
			ev->late[nr++] = ev->late[i];
			continue;
		}
		bpf_map_delete_elem(labels, &ev->late[i].id);
		hand_on_cgroups(t, ev->late[i].id);
	}
	ev->nr_late = nr;
}

static void gone(struct trace *t, const struct life_event *e)
{
	struct events *ev = t->own;
	struct json_object *details = nested(e);
	struct known *k = find(ev, e->ns);

	if (k && k->created)
		add_number(details, "lifetime_usec", (e->at - k->created) / 1000);
	tell_of(t, e, "gone", details);
	if (e->ns == e->id)
		expect_more(ev, e);
	if (k) {
		tdelete(k, &ev->known, by_ns);
		free_known(k);
	}
}

struct scoped {
	const struct life_event *e;
	bool known;		/* to be so already */
};

static void note_frozen(const void *node, VISIT visit, void *arg)
{
	struct known *k = *(struct known *const *)node;
	int frozen = ((struct scoped *)arg)->e->kind == EVENT_FROZEN;
	struct scoped *s = arg;

	if ((visit != postorder && visit != leaf) || k->scope_id != s->e->other)
		return;
	s->known |= k->frozen == frozen;
	k->frozen = frozen;
}

/* A write that changes nothing has an event as well. */
static void frozen(struct trace *t, const struct life_event *e)
{
	const struct events *ev = t->own;
	struct json_object *details;
	struct scoped s = { .e = e };

	twalk_r(ev->known, note_frozen, &s);
	if (s.known)
		return;
	details = json_object_new_object();
	add_cgroup(t, details, e->other);
	tell_of(t, e, e->kind == EVENT_FROZEN ? "frozen" : "thawed", details);
}

static bool starts_with(const char *s, const char *begin)
{
	return !strncmp(s, begin, strlen(begin));
}

static bool ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), tail = strlen(end);

	return len >= tail && !strcmp(s + len - tail, end);
}

/* Files of cgroups that are written to for something else than to limit */
static bool is_limit(const char *file)
{
	if (starts_with(file, "cgroup."))
		return starts_with(file, "cgroup.max.");
	return strcmp(file, "memory.reclaim") && !ends_with(file, ".peak") &&
	       !ends_with(file, ".pressure");
}

/* NULL if it is of no interest */
static const char *name_of_write(const struct events *ev, const struct life_event *e)
{
	if (is_limit(e->file))
		return "limit";
	if (!strcmp(e->file, "cgroup.kill") && e->ret >= 0)
		return "killed";
	return ev->all ? "written" : NULL;
}

static void tell_written(struct trace *t, const struct life_event *e, uint64_t id,
			 const char *path)
{
	struct json_object *details = json_object_new_object();

	add_task(details, e);
	add_number(details, "cgroup_id", e->other);
	if (path)
		add_string(details, "cgroup", path);
	add_error(details, e->ret);
	add_string(details, "file", e->file);
	add_string(details, "value", e->value);
	tell(t, e->at, id, name_of_write(t->own, e), details);
}

struct above {
	struct trace *t;
	const struct life_event *e;
	const char *path;
};

/* Once each, though several may be shown as one */
static void tell_if_below(const void *node, VISIT visit, void *arg)
{
	struct known *k = *(struct known *const *)node, *shown;
	struct above *a = arg;
	const struct events *ev = a->t->own;

	if (visit != postorder && visit != leaf)
		return;
	if (!k->scope || (k->scope_id != a->e->other && !is_below(k->scope, a->path)) ||
	    k->id == a->e->id || !trace_wants(a->t, k->id))
		return;
	shown = find(ev, k->id);
	if (!shown)
		shown = k;
	if (shown->told == ev->nr_written)
		return;
	shown->told = ev->nr_written;
	tell_written(a->t, a->e, k->id, a->path);
}

/* To the cgroup of a container, or to one above it, which may be that of several */
static void written(struct trace *t, const struct life_event *e)
{
	struct events *ev = t->own;
	cleanup_free char *path = NULL;
	struct above above = { .t = t, .e = e };

	if (!name_of_write(ev, e))
		return;
	ev->nr_written++;
	path = cgroup_path_by_id(&ev->fs, e->other);
	above.path = path;
	if (trace_wants(t, e->id))
		tell_written(t, e, e->id, path);
	if (path)
		twalk_r(ev->known, tell_if_below, &above);
}

static void oom_kill(struct trace *t, const struct life_event *e)
{
	struct json_object *details = json_object_new_object();

	add_task(details, e);
	add_cgroup(t, details, e->other);
	tell_of(t, e, "oom_kill", details);
}

static int event(struct trace *t, const void *data, size_t size)
{
	const struct life_event *e = data;

	if (size < sizeof(*e))
		return 0;
	switch (e->kind) {
	case EVENT_CREATED:
		created(t, e);
		break;
	case EVENT_SET:
		set(t, e);
		break;
	case EVENT_JOINED:
		joined(t, e);
		break;
	case EVENT_INACTIVE:
		tell_of(t, e, "ended", nested(e));
		break;
	case EVENT_GONE:
		gone(t, e);
		break;
	case EVENT_FROZEN:
	case EVENT_THAWED:
		frozen(t, e);
		break;
	case EVENT_WRITTEN:
		written(t, e);
		break;
	case EVENT_OOM_KILL:
		oom_kill(t, e);
		break;
	}
	fflush(stdout);
	return 0;
}

/* --- what is told every second --- */

/* The kernel's own name for it, in small letters and without what all begin with */
static void enum_name(const struct btf *btf, const char *type, const char *prefix, uint32_t value,
		      char *buf, size_t size)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	const struct btf_type *found = id > 0 ? btf__type_by_id(btf, id) : NULL;

	snprintf(buf, size, "%u", value);
	for (int i = 0; found && i < btf_vlen(found); i++) {
		const struct btf_enum *e = btf_enum(found) + i;
		const char *name = btf__name_by_offset(btf, e->name_off);

		if ((uint32_t)e->val != value || !starts_with(name, prefix))
			continue;
		snprintf(buf, size, "%s", name + strlen(prefix));
		for (char *c = buf; *c; c++)
			*c = tolower(*c);
		return;
	}
}

static const char *type_name(uint32_t flag)
{
	for (size_t i = 0; i < NS_KINDS; i++)
		if ((uint32_t)ns_kinds[i].clone_flag == flag)
			return ns_kinds[i].name;
	return flag == CLONE_NEWMETRICS ? "metrics" : "?";
}

static const char *add_sum(struct trace *t, const struct trace_row *row,
			   struct json_object *details)
{
	const struct trace_key *key = &row->key;
	const struct events *ev = t->own;
	char name[32];

	add_number(details, "times", trace_count(&row->now));
	switch (key->kind) {
	case SUM_THROTTLED:
	case SUM_SLOWED:
		if (row->now.sum)
			add_number(details, "usec", row->now.sum / 1000);
		add_cgroup(t, details, key->other);
		return key->kind == SUM_SLOWED ? "slowed" : "throttled";
	case SUM_MEMORY:
		enum_name(ev->btf, "memcg_memory_event", "MEMCG_", key->sub, name, sizeof(name));
		add_string(details, "what", name);
		add_cgroup(t, details, key->other);
		return "memory";
	case SUM_TAKEN:
		add_number(details, "pages", row->now.bytes);
		add_cgroup(t, details, key->other);
		return "reclaimed";
	case SUM_PIDS:
		add_cgroup(t, details, key->other);
		return "pids_max";
	case SUM_DENIED:
		enum_name(ev->btf, "ns_denial", "NS_DENIED_", key->sub, name, sizeof(name));
		add_string(details, "type", type_name(DENIED_TYPE(key->other)));
		add_string(details, "reason", name);
		add_error(details, DENIED_RET(key->other));
		return "denied";
	default:
		snprintf(name, sizeof(name), "%u", key->sub);
		add_string(details, "capability",
			   key->sub < ARRAY_SIZE(capabilities) && capabilities[key->sub] ?
			   capabilities[key->sub] : name);
		return "incapable";
	}
}

static uint64_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int tick(struct trace *t)
{
	uint64_t now = monotonic();

	if (trace_harvest(t))
		return -1;
	for (size_t i = 0; i < t->nr_rows; i++) {
		const struct trace_row *row = &t->rows[i];
		struct json_object *details;
		const char *event;

		if (!trace_count(&row->now) && !row->now.sum)
			continue;
		details = json_object_new_object();
		event = add_sum(t, row, details);
		tell(t, now, row->key.id, event, details);
	}
	trace_rows_shown(t);
	forget_gone(t, now);
	fflush(stdout);
	return 0;
}

static const struct trace_tool tool = {
	.doc = "Tell what happens to containers, a line each, as it does, until "
	       "interrupted.\v"
	       "TIME is in seconds of CLOCK_MONOTONIC. What may happen often is told once "
	       "a second, with the number of times. 'cid ls' tells which containers there "
	       "are already.",
	.what = "events",
	.forgets = true,
	.options = options,
	.parse = parse,
	.list = list,
	.event = event,
	.tick = tick,
};

/* Events that a kernel may lack, and what tells of them */
static void leave_out_missing(const struct events *ev, const struct events_bpf *skel)
{
	const struct {
		struct bpf_program *program;
		const char *event;
	} optional[] = {
		{ skel->progs.written, "cgroup_file_write" },
		{ skel->progs.pids_max, "pids_max" },
		{ skel->progs.memory, "memcg_event" },
		/* Without these it lacks an argument. */
		{ skel->progs.oom_kill, "memcg_event" },
		{ skel->progs.slowed, "memcg_high_throttle" },
		{ skel->progs.taken, "memcg_reclaim" },
		{ skel->progs.throttle, "sched_cfs_throttle_tp" },
		{ skel->progs.throttled, "sched_cfs_throttle_task_tp" },
		{ skel->progs.unthrottled, "sched_cfs_unthrottle_tp" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(optional); i++) {
		cleanup_free char *name = xasprintf("btf_trace_%s", optional[i].event);

		if (btf__find_by_name_kind(ev->btf, name, BTF_KIND_TYPEDEF) > 0)
			continue;
		msg("this kernel has no event %s: nothing is told by it", optional[i].event);
		bpf_program__set_autoload(optional[i].program, false);
	}
}

static int watch(struct trace *t)
{
	struct events *ev = t->own;
	struct events_bpf *skel;
	int ret;

	ev->btf = btf__load_vmlinux_btf();
	if (!ev->btf) {
		msg("cannot read the kernel's types: %s", strerror(errno));
		return CID_FAIL;
	}
	skel = events_bpf__open();
	if (skel) {
		skel->rodata->config = t->config;
		skel->rodata->every_write = ev->all;
		bpf_program__set_autoload(skel->progs.incapable, ev->all);
		leave_out_missing(ev, skel);
	}
	ret = trace_run(t, skel ? skel->skeleton : NULL);
	events_bpf__destroy(skel);
	return ret;
}

/** cmd_events - cid events */
int cmd_events(int argc, char **argv)
{
	struct events ev = {};
	struct trace t = { .tool = &tool, .own = &ev };
	int ret = trace_begin(&t, argc, argv);

	if (!ret) {
		cgroup_find(&ev.fs);
		ret = watch(&t);
		tdestroy(ev.known, free_known);
		free(ev.late);
		btf__free(ev.btf);
		cgroup_fs_free(&ev.fs);
	}
	trace_end(&t);
	return ret;
}
