// SPDX-License-Identifier: GPL-2.0
/* cid profile */

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cid.h"
#include "flamegraph.h"
#include "out.h"
#include "symbols.h"
#include "trace.h"
#include "util.h"

#include "bpf/profile.h"
#include "profile.skel.h"

#define FREQUENCY	49	/* Hz; not in step with what happens every 10 ms */
#define MAX_FREQUENCY	1000
#define MAX_FRAMES	(2 * PROFILE_DEPTH + 2)

enum { OPT_SVG = 512 };

/* What has been counted of a container, and not shown yet */
struct owner {
	uint64_t id;
	struct flame root;
};

/* The maps of a set */
struct set {
	int counts, users, kernels;
};

struct profile {
	struct profile_bpf *skel;
	struct symbols *symbols;
	struct bpf_link **links;	/* one a CPU */
	int nr_links;
	struct owner *owners;
	size_t nr_owners;
	int frequency;
	bool svg;
	bool users, kernels;
};

/* A stack, from the container on */
struct stack {
	char *frames[MAX_FRAMES];
	size_t nr;
};

static const struct argp_option options[] = {
	{ "frequency", 'F', "HZ", 0, "look HZ times a second at each CPU (49)", 0 },
	{ "user", 'U', NULL, 0, "stacks of user space only", 0 },
	{ "kernel", 'K', NULL, 0, "stacks of the kernel only", 0 },
	{ "svg", OPT_SVG, NULL, 0, "print a flame graph, an SVG image", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state, struct trace *t)
{
	struct profile *p = t->own;
	uint64_t hz;

	switch (key) {
	case 'F':
		if (parse_u64(arg, &hz) || !hz || hz > MAX_FREQUENCY)
			argp_error(state, "-F: '%s' is not a frequency from 1 to %d", arg,
				   MAX_FREQUENCY);
		p->frequency = hz;
		return 0;
	case 'U':
		p->kernels = false;
		return 0;
	case 'K':
		p->users = false;
		return 0;
	case OPT_SVG:
		p->svg = true;
		return 0;
	case ARGP_KEY_END:
		if (!p->users && !p->kernels)
			argp_error(state, "-U and -K exclude each other");
		if (p->svg && (t->opt.json || t->opt.interval))
			argp_error(state, "--svg is one image: -j and -i go without it");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* --- sampling --- */

static int open_clock(const struct profile *p, int cpu)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.freq = 1,
		.sample_freq = p->frequency,
	};

	return syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Return: 1 if it is attached, 0 if the CPU is offline, negative on error. */
static int attach_to_cpu(struct profile *p, int cpu)
{
	int fd = open_clock(p, cpu);
	struct bpf_link *link;

	if (fd < 0)
		return errno == ENODEV ? 0 : -1;
	/* The link closes it. */
	link = bpf_program__attach_perf_event(p->skel->progs.sample, fd);
	if (!link) {
		close(fd);
		return -1;
	}
	p->links[p->nr_links++] = link;
	return 1;
}

static int attach(struct trace *t)
{
	struct profile *p = t->own;
	int nr = libbpf_num_possible_cpus();

	if (nr < 0)
		return -1;
	p->links = xcalloc(nr, sizeof(*p->links));
	for (int cpu = 0; cpu < nr; cpu++)
		if (attach_to_cpu(p, cpu) < 0)
			return -1;
	return 0;
}

static void detach(struct trace *t)
{
	struct profile *p = t->own;

	for (int i = 0; i < p->nr_links; i++)
		bpf_link__destroy(p->links[i]);
	p->nr_links = 0;
}

/* --- stacks --- */

static void push(struct stack *s, char *frame)
{
	s->frames[s->nr++] = frame;
}

/* The kernel has them with what was called last in front. */
static void push_user(struct profile *p, const struct set *set,
		      const struct profile_key *key, struct stack *s)
{
	struct bpf_stack_build_id frames[PROFILE_DEPTH] = {};
	int nr = 0;

	if (key->user < 0) {
		/* None, but for a collision in the map */
		if (key->user == -EEXIST)
			push(s, xstrdup("[stack lost]"));
		return;
	}
	if (bpf_map_lookup_elem(set->users, &key->user, frames))
		return;
	while (nr < PROFILE_DEPTH && frames[nr].status != BPF_STACK_BUILD_ID_EMPTY)
		nr++;
	while (nr--)
		push(s, symbols_user(p->symbols, key->pid, &frames[nr]));
}

static void push_kernel(struct profile *p, const struct set *set,
			const struct profile_key *key, struct stack *s)
{
	uint64_t ips[PROFILE_DEPTH] = {};
	int nr = 0;

	if (key->kernel < 0) {
		if (key->kernel == -EEXIST)
			push(s, xstrdup("[stack lost]_[k]"));
		return;
	}
	if (bpf_map_lookup_elem(set->kernels, &key->kernel, ips))
		return;
	while (nr < PROFILE_DEPTH && ips[nr])
		nr++;
	while (nr--) {
		const char *name = symbols_kernel(p->symbols, ips[nr]);

		push(s, xasprintf("%s_[k]", name ? name : "[unknown]"));
	}
}

static void free_stack(struct stack *s)
{
	while (s->nr)
		free(s->frames[--s->nr]);
}

/* --- counts --- */

static struct set set_of(const struct profile *p, bool b)
{
	const struct profile_bpf *skel = p->skel;

	return (struct set){
		.counts = bpf_map__fd(b ? skel->maps.counts_b : skel->maps.counts_a),
		.users = bpf_map__fd(b ? skel->maps.user_stacks_b :
				     skel->maps.user_stacks_a),
		.kernels = bpf_map__fd(b ? skel->maps.kernel_stacks_b :
				       skel->maps.kernel_stacks_a),
	};
}

static struct owner *owner_of(struct profile *p, uint64_t id)
{
	struct owner *o;

	for (size_t i = 0; i < p->nr_owners; i++)
		if (p->owners[i].id == id)
			return &p->owners[i];
	p->owners = xreallocarray(p->owners, p->nr_owners + 1, sizeof(*p->owners));
	o = &p->owners[p->nr_owners++];
	*o = (struct owner){ .id = id };
	return o;
}

static void add_samples(struct profile *p, const struct set *set,
			const struct profile_key *key, uint64_t count)
{
	struct stack s = {};

	push(&s, xasprintf("%.*s", PROFILE_COMM, key->comm));
	push_user(p, set, key, &s);
	push_kernel(p, set, key, &s);
	flame_add(&owner_of(p, key->id)->root, s.frames, s.nr, count);
	free_stack(&s);
}

/* Return: how many; -1 if they can't be read, which it says. */
static long read_counts(const struct set *set, struct profile_key *keys, uint64_t *counts)
{
	return trace_read_map(set->counts, sizeof(*keys), sizeof(*counts),
			      PROFILE_STACKS * 2, keys, counts);
}

/* Before they are gone, and their files' names with them */
static void note_processes(struct profile *p, const struct profile_key *keys, long nr)
{
	for (long i = 0; i < nr; i++)
		symbols_note_process(p->symbols, keys[i].pid);
}

static void empty_stacks(int map)
{
	__u32 id;

	while (!bpf_map_get_next_key(map, NULL, &id) && !bpf_map_delete_elem(map, &id))
		;
}

/* Several have a stack in common, so none goes before all have been named. */
static void take_samples(struct profile *p, const struct set *set,
			 const struct profile_key *keys, const uint64_t *counts, long nr)
{
	for (long i = 0; i < nr; i++) {
		/* It may have been seen only since the last look. */
		symbols_note_new(p->symbols, keys[i].pid);
		add_samples(p, set, &keys[i], counts[i]);
	}
	for (long i = 0; i < nr; i++)
		bpf_map_delete_elem(set->counts, &keys[i]);
	empty_stacks(set->users);
	empty_stacks(set->kernels);
}

/*
 * The set that was left the last time, when a program may still have been at it, is
 * emptied now, and then is the one to count in.
 */
static int tick(struct trace *t)
{
	struct profile *p = t->own;
	cleanup_free struct profile_key *keys = xcalloc(PROFILE_STACKS * 2, sizeof(*keys));
	cleanup_free uint64_t *counts = xcalloc(PROFILE_STACKS * 2, sizeof(*counts));
	struct set now = set_of(p, p->skel->bss->in_b);
	struct set left = set_of(p, !p->skel->bss->in_b);
	long nr = read_counts(&now, keys, counts);

	if (nr < 0)
		return -1;
	symbols_look_again(p->symbols);
	note_processes(p, keys, nr);
	nr = read_counts(&left, keys, counts);
	if (nr < 0)
		return -1;
	take_samples(p, &left, keys, counts, nr);
	p->skel->bss->in_b = !p->skel->bss->in_b;
	return 0;
}

/* --- output --- */

/* Names may have what separates them here. */
static void print_folded_frame(const char *frame)
{
	cleanup_free char *text = escape(frame);

	for (char *c = text; *c; c++)
		putchar(*c == ';' ? ',' : *c);
}

static void print_folded(void *arg, const struct flame *const *frames, size_t nr,
			 uint64_t count)
{
	(void)arg;
	for (size_t i = 0; i < nr; i++) {
		if (i)
			putchar(';');
		print_folded_frame(frames[i]->name);
	}
	printf(" %llu\n", (unsigned long long)count);
}

static void add_stack_json(void *arg, const struct flame *const *frames, size_t nr,
			   uint64_t count)
{
	struct json_object *stacks = arg, *obj = json_object_new_object();
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < nr; i++)
		json_object_array_add(list, out_string(frames[i]->name));
	json_object_object_add(obj, "frames", list);
	json_object_object_add(obj, "count", json_object_new_uint64(count));
	json_object_array_add(stacks, obj);
}

/* The first frame of each stack: whose it is */
static char *title_of(struct trace *t, const struct owner *o)
{
	cleanup_free char *title = trace_title(t, o->id);
	char label[TRACE_LABEL];

	/* A label may be what the host is called. */
	if (!t->opt.by_label || trace_label(t, o->id, label) || !strcmp(label, "host"))
		return xstrdup(title);
	return xstrdup(label);
}

static void gather(struct trace *t, struct flame *all)
{
	struct profile *p = t->own;

	for (size_t i = 0; i < p->nr_owners; i++) {
		cleanup_free char *title = title_of(t, &p->owners[i]);

		flame_graft(all, title, &p->owners[i].root);
	}
}

/* Labels are compared as labels: one may look like an ID. */
static char *group_of(struct trace *t, const struct owner *o)
{
	char label[TRACE_LABEL];

	if (t->opt.by_label && o->id && !trace_label(t, o->id, label))
		return xasprintf("label %s", label);
	return xasprintf("id %020llu", (unsigned long long)o->id);
}

/* Those of a label follow each other then. */
static int by_group(const void *a, const void *b, void *arg)
{
	cleanup_free char *x = group_of(arg, a), *y = group_of(arg, b);
	uint64_t i = ((const struct owner *)a)->id, j = ((const struct owner *)b)->id;
	int ret = strcmp(x, y);

	return ret ? ret : (i > j) - (i < j);
}

static bool same_group(struct trace *t, const struct owner *a, const struct owner *b)
{
	cleanup_free char *x = group_of(t, a), *y = group_of(t, b);

	return !strcmp(x, y);
}

/* From @owners on, those that are shown as one */
static size_t nr_alike(struct trace *t, const struct owner *owners, size_t max)
{
	size_t nr = 1;

	while (nr < max && same_group(t, owners, &owners[nr]))
		nr++;
	return nr;
}

static struct json_object *owners_json(struct trace *t, const struct owner *owners,
				       size_t nr)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *stacks = json_object_new_array();
	struct flame root = {};
	uint64_t ids[nr];

	for (size_t i = 0; i < nr; i++) {
		ids[i] = owners[i].id;
		flame_merge(&root, &owners[i].root);
	}
	trace_titles_json(t, ids, nr, obj);
	flame_walk(&root, add_stack_json, stacks);
	json_object_object_add(obj, "stacks", stacks);
	flame_free(&root);
	return obj;
}

static void print_json(struct trace *t)
{
	struct profile *p = t->own;
	struct json_object *obj = json_object_new_object();
	struct json_object *list = json_object_new_array();

	if (p->nr_owners)
		qsort_r(p->owners, p->nr_owners, sizeof(*p->owners), by_group, t);
	for (size_t i = 0, nr; i < p->nr_owners; i += nr) {
		nr = nr_alike(t, &p->owners[i], p->nr_owners - i);
		json_object_array_add(list, owners_json(t, &p->owners[i], nr));
	}
	json_object_object_add(obj, "time", json_object_new_int64(time(NULL)));
	json_object_object_add(obj, "lost", json_object_new_uint64(trace_lost(t)));
	json_object_object_add(obj, "containers", list);
	out_json_line(obj);
}

static void print_flames(struct trace *t)
{
	struct profile *p = t->own;
	struct flame root = {};

	gather(t, &root);
	if (p->svg)
		flame_print(&root, "CPU time by container", stdout);
	else
		flame_walk(&root, print_folded, NULL);
	flame_free(&root);
}

static void forget_shown(struct profile *p)
{
	while (p->nr_owners)
		flame_free(&p->owners[--p->nr_owners].root);
}

static int show(struct trace *t)
{
	struct profile *p = t->own;

	/* Nothing is counted any more: of what there is, the set in use is left. */
	if (!p->nr_links && tick(t))
		return -1;
	if (t->opt.json) {
		print_json(t);
	} else {
		if (t->shown)
			putchar('\n');
		print_flames(t);
		t->shown = true;
	}
	forget_shown(p);
	trace_rows_shown(t);
	return 0;
}

static const struct trace_tool tool = {
	.doc = "Tell in which code the tasks of each container use the CPUs, until "
	       "interrupted, as folded stacks or as a flame graph.\v"
	       "A line is a stack, from the container's name and the process's on to "
	       "the function that the CPU was found in, and how often it was. Functions "
	       "of the kernel end with _[k].",
	.what = "samples",
	.options = options,
	.parse = parse,
	.attach = attach,
	.detach = detach,
	.show = show,
	.tick = tick,
};

/* The kernel's limit falls by itself where sampling has been too much for a CPU. */
static int check_frequency(const struct profile *p)
{
	static const char path[] = "/proc/sys/kernel/perf_event_max_sample_rate";
	cleanup_free char *text = read_all_at(AT_FDCWD, path);
	int most = text ? atoi(text) : 0;

	if (!most || p->frequency <= most)
		return CID_OK;
	msg("-F %d: this kernel allows %d times a second at most; see %s", p->frequency,
	    most, path);
	return CID_FAIL;
}

/** cmd_profile - cid profile */
int cmd_profile(int argc, char **argv)
{
	struct profile p = { .frequency = FREQUENCY, .users = true, .kernels = true };
	struct trace t = { .tool = &tool, .own = &p };
	int ret = trace_begin(&t, argc, argv);

	if (!ret)
		ret = check_frequency(&p);
	if (!ret) {
		p.symbols = symbols_new();
		p.skel = profile_bpf__open();
		if (p.skel) {
			p.skel->rodata->config = t.config;
			p.skel->rodata->users = p.users;
			p.skel->rodata->kernels = p.kernels;
		}
		ret = trace_run(&t, p.skel ? p.skel->skeleton : NULL);
		profile_bpf__destroy(p.skel);
		symbols_free(p.symbols);
	}
	forget_shown(&p);
	free(p.owners);
	free(p.links);
	trace_end(&t);
	return ret;
}
