// SPDX-License-Identifier: GPL-2.0
/* cid profile */

#include <bpf/bpf.h>
#include <errno.h>
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

struct profile {
	struct profile_bpf *skel;
	struct symbols *symbols;
	struct bpf_link **links;	/* one a CPU */
	int nr_links;
	struct profile_row {
		struct profile_key key;
		uint64_t seen;
		uint64_t now;		/* more than was shown */
	} *rows;
	size_t nr_rows;
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

/* --- counts --- */

static int by_key(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct profile_key));
}

static void add_count(struct profile *p, size_t old, const struct profile_key *key,
		      uint64_t count)
{
	/* The key is the first member of a row. */
	struct profile_row *row = old ? bsearch(key, p->rows, old, sizeof(*p->rows),
						by_key) : NULL;

	if (!row) {
		p->rows = xreallocarray(p->rows, p->nr_rows + 1, sizeof(*p->rows));
		row = &p->rows[p->nr_rows++];
		*row = (struct profile_row){ .key = *key };
		/* Before it is gone, and its files' names with it. */
		symbols_note_process(p->symbols, key->pid);
	}
	row->now += count - row->seen;
	row->seen = count;
}

static int tick(struct trace *t)
{
	struct profile *p = t->own;
	size_t max = PROFILE_STACKS * 2, old = p->nr_rows;
	cleanup_free struct profile_key *keys = xcalloc(max, sizeof(*keys));
	cleanup_free uint64_t *counts = xcalloc(max, sizeof(*counts));
	long nr = trace_read_map(bpf_map__fd(p->skel->maps.counts), sizeof(*keys),
				 sizeof(*counts), max, keys, counts);

	if (nr < 0)
		return -1;
	symbols_look_again(p->symbols);
	for (long i = 0; i < nr; i++)
		add_count(p, old, &keys[i], counts[i]);
	if (p->nr_rows)
		qsort(p->rows, p->nr_rows, sizeof(*p->rows), by_key);
	return 0;
}

/* --- stacks --- */

static void push(struct stack *s, char *frame)
{
	s->frames[s->nr++] = frame;
}

/* The kernel has them with what was called last in front. */
static void push_user(struct profile *p, const struct profile_key *key, struct stack *s)
{
	struct bpf_stack_build_id frames[PROFILE_DEPTH] = {};
	int nr = 0;

	if (key->user < 0) {
		/* None, but for a collision in the map */
		if (key->user == -EEXIST)
			push(s, xstrdup("[stack lost]"));
		return;
	}
	if (bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.user_stacks), &key->user, frames))
		return;
	while (nr < PROFILE_DEPTH && frames[nr].status != BPF_STACK_BUILD_ID_EMPTY)
		nr++;
	while (nr--)
		push(s, symbols_user(p->symbols, key->pid, &frames[nr]));
}

static void push_kernel(struct profile *p, const struct profile_key *key, struct stack *s)
{
	uint64_t ips[PROFILE_DEPTH] = {};
	int nr = 0;

	if (key->kernel < 0) {
		if (key->kernel == -EEXIST)
			push(s, xstrdup("[stack lost]_[k]"));
		return;
	}
	if (bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.kernel_stacks), &key->kernel, ips))
		return;
	while (nr < PROFILE_DEPTH && ips[nr])
		nr++;
	while (nr--) {
		const char *name = symbols_kernel(p->symbols, ips[nr]);

		push(s, xasprintf("%s_[k]", name ? name : "[unknown]"));
	}
}

static void make_stack(struct trace *t, const struct profile_key *key, struct stack *s)
{
	struct profile *p = t->own;
	char label[TRACE_LABEL];

	s->nr = 0;
	push(s, t->opt.by_label && !trace_label(t, key->id, label) ?
	     xstrdup(label) : trace_title(t, key->id));
	push(s, xasprintf("%.*s", PROFILE_COMM, key->comm));
	push_user(p, key, s);
	push_kernel(p, key, s);
}

static void free_stack(struct stack *s)
{
	while (s->nr)
		free(s->frames[--s->nr]);
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

/* The first frame is the container, which has the stacks. */
static void add_stack_json(void *arg, const struct flame *const *frames, size_t nr,
			   uint64_t count)
{
	struct json_object *stacks = arg, *obj = json_object_new_object();
	struct json_object *list = json_object_new_array();

	for (size_t i = 1; i < nr; i++)
		json_object_array_add(list, out_string(frames[i]->name));
	json_object_object_add(obj, "frames", list);
	json_object_object_add(obj, "count", json_object_new_uint64(count));
	json_object_array_add(stacks, obj);
}

static void add_flames(struct trace *t, const struct profile_row *row, struct flame *root)
{
	struct stack s;

	if (!row->now)
		return;
	make_stack(t, &row->key, &s);
	flame_add(root, s.frames, s.nr, row->now);
	free_stack(&s);
}

static struct json_object *container_json(struct trace *t, uint64_t id,
					  const struct flame *root)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *stacks = json_object_new_array();

	trace_title_json(t, id, obj);
	flame_walk(root, add_stack_json, stacks);
	json_object_object_add(obj, "stacks", stacks);
	return obj;
}

/* The rows of a container follow each other. */
static void print_json(struct trace *t)
{
	struct profile *p = t->own;
	struct json_object *obj = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct flame root = {};

	for (size_t i = 0; i < p->nr_rows; i++) {
		const struct profile_row *row = &p->rows[i];

		add_flames(t, row, &root);
		if (i + 1 < p->nr_rows && row[1].key.id == row->key.id)
			continue;
		if (root.count)
			json_object_array_add(list, container_json(t, row->key.id, &root));
		flame_free(&root);
		root = (struct flame){};
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

	for (size_t i = 0; i < p->nr_rows; i++)
		add_flames(t, &p->rows[i], &root);
	if (p->svg)
		flame_print(&root, "CPU time by container", stdout);
	else
		flame_walk(&root, print_folded, NULL);
	flame_free(&root);
}

static int show(struct trace *t)
{
	struct profile *p = t->own;

	if (t->opt.json) {
		print_json(t);
	} else {
		if (t->shown)
			putchar('\n');
		print_flames(t);
		t->shown = true;
	}
	for (size_t i = 0; i < p->nr_rows; i++)
		p->rows[i].now = 0;
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

/** cmd_profile - cid profile */
int cmd_profile(int argc, char **argv)
{
	struct profile p = { .frequency = FREQUENCY, .users = true, .kernels = true };
	struct trace t = { .tool = &tool, .own = &p };
	int ret = trace_begin(&t, argc, argv);

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
	free(p.links);
	free(p.rows);
	trace_end(&t);
	return ret;
}
