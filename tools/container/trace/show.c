// SPDX-License-Identifier: GPL-2.0
/* What has been counted, as text and as JSON */

#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "out.h"
#include "trace.h"
#include "util.h"

#define STARS	40	/* of the most frequent */

/* The rows of a container, or of all with its label */
struct group {
	uint64_t *ids;
	size_t nr_ids;
	struct trace_row *rows;
	size_t nr_rows;
};

struct groups {
	struct group *list;
	size_t nr;
};

/** trace_lost - how much was not counted so far, for want of memory */
uint64_t trace_lost(const struct trace *t)
{
	uint64_t lost = 0;
	__u32 zero = 0;

	bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(t->obj, "losses"), &zero,
			    &lost);
	return lost;
}

/**
 * trace_missed - how often the kernel has left out a program so far
 * @t: that has begun to count
 *
 * It runs none again on a CPU on which it hasn't ended (bpf_prog_get_recursion_context()):
 * what tasks do while another one is preempted in the program there is missed. Some of it
 * may be what wouldn't have been counted.
 */
uint64_t trace_missed(const struct trace *t)
{
	struct bpf_program *prog;
	uint64_t missed = 0;

	bpf_object__for_each_program(prog, t->obj) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		if (!bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			missed += info.recursion_misses;
	}
	return missed;
}

/**
 * trace_title - a container for people
 * @t: that has counted it
 * @id: the container; 0 for the host
 *
 * Return: a new string.
 */
char *trace_title(struct trace *t, uint64_t id)
{
	cleanup_free char *label = NULL;
	char text[TRACE_LABEL];

	if (!id)
		return xstrdup("host");
	if (!t->kernel.ids)
		return xasprintf("pid namespace %llu", (unsigned long long)id);
	if (trace_label(t, id, text))
		return xasprintf("%llu", (unsigned long long)id);
	label = escape(text);
	return xasprintf("%s (%llu)", label, (unsigned long long)id);
}

static struct json_object *label_json(struct trace *t, uint64_t id)
{
	char text[TRACE_LABEL];

	return trace_label(t, id, text) ? NULL : out_string(text);
}

/**
 * trace_title_json - a container for programs: its ID and its label
 * @t: that has counted it
 * @id: the container; 0 for the host
 * @obj: gets them
 */
void trace_title_json(struct trace *t, uint64_t id, struct json_object *obj)
{
	json_object_object_add(obj, t->kernel.ids ? "id" : "pidns_inum",
			       json_object_new_uint64(id));
	json_object_object_add(obj, "label", label_json(t, id));
}

/* --- groups --- */

static bool same_label(struct trace *t, uint64_t a, uint64_t b)
{
	char x[TRACE_LABEL], y[TRACE_LABEL];

	return !trace_label(t, a, x) && !trace_label(t, b, y) && !strcmp(x, y);
}

static struct group *find_group(struct trace *t, struct groups *gs, uint64_t id)
{
	for (size_t i = gs->nr; i--;) {
		struct group *g = &gs->list[i];

		if (g->ids[g->nr_ids - 1] == id)
			return g;
		if (t->opt.by_label && same_label(t, g->ids[0], id))
			return g;
		/* The rows are in the order of the IDs. */
		if (!t->opt.by_label)
			break;
	}
	return NULL;
}

static struct group *add_group(struct groups *gs)
{
	gs->list = xreallocarray(gs->list, gs->nr + 1, sizeof(*gs->list));
	memset(&gs->list[gs->nr], 0, sizeof(*gs->list));
	return &gs->list[gs->nr++];
}

static bool same_other(struct trace *t, uint64_t a, uint64_t b)
{
	return a == b || (t->opt.by_label && same_label(t, a, b));
}

static bool same_but_container(struct trace *t, const struct trace_key *a,
			       const struct trace_key *b)
{
	return a->kind == b->kind && a->sub == b->sub && same_other(t, a->other, b->other);
}

static void add_entry(struct trace_entry *to, const struct trace_entry *e)
{
	for (size_t i = 0; i < TRACE_SLOTS; i++)
		to->slots[i] += e->slots[i];
	to->sum += e->sum;
	to->bytes += e->bytes;
	to->errors += e->errors;
}

static void add_row(struct trace *t, struct group *g, const struct trace_row *row)
{
	if (!g->nr_ids || g->ids[g->nr_ids - 1] != row->key.id) {
		g->ids = xreallocarray(g->ids, g->nr_ids + 1, sizeof(*g->ids));
		g->ids[g->nr_ids++] = row->key.id;
	}
	for (size_t i = 0; t->opt.by_label && i < g->nr_rows; i++) {
		if (same_but_container(t, &g->rows[i].key, &row->key)) {
			add_entry(&g->rows[i].now, &row->now);
			return;
		}
	}
	g->rows = xreallocarray(g->rows, g->nr_rows + 1, sizeof(*g->rows));
	g->rows[g->nr_rows++] = *row;
}

static bool is_empty(const struct trace_entry *e)
{
	return !trace_count(e) && !e->sum && !e->bytes && !e->errors;
}

static void make_groups(struct trace *t, struct groups *gs)
{
	for (size_t i = 0; i < t->nr_rows; i++) {
		struct group *g;

		if (is_empty(&t->rows[i].now))
			continue;
		g = find_group(t, gs, t->rows[i].key.id);
		add_row(t, g ? g : add_group(gs), &t->rows[i]);
	}
}

static void free_groups(struct groups *gs)
{
	for (size_t i = 0; i < gs->nr; i++) {
		free(gs->list[i].ids);
		free(gs->list[i].rows);
	}
	free(gs->list);
}

static char *group_title(struct trace *t, const struct group *g)
{
	cleanup_free char *title = NULL;
	char text[TRACE_LABEL];

	if (g->nr_ids == 1)
		return trace_title(t, g->ids[0]);
	trace_label(t, g->ids[0], text);
	title = escape(text);
	return xasprintf("%s (%zu containers)", title, g->nr_ids);
}

/**
 * trace_titles_json - containers that are shown as one, for programs
 * @t: that has counted them
 * @list: their IDs
 * @nr: how many; one, but for --by-label
 * @obj: gets them, and their label
 */
void trace_titles_json(struct trace *t, const uint64_t *list, size_t nr,
		       struct json_object *obj)
{
	struct json_object *ids;

	if (!t->opt.by_label) {
		trace_title_json(t, list[0], obj);
		return;
	}
	ids = json_object_new_array();
	for (size_t i = 0; i < nr; i++)
		json_object_array_add(ids, json_object_new_uint64(list[i]));
	json_object_object_add(obj, "ids", ids);
	json_object_object_add(obj, "label", label_json(t, list[0]));
}

/* --- an entry --- */

static void print_stars(uint64_t count, uint64_t most)
{
	int stars = most ? STARS * count / most : 0;

	printf("|%.*s%*s|\n", stars, "****************************************",
	       STARS - stars, "");
}

static void print_histogram(const struct trace_entry *e)
{
	size_t first = TRACE_SLOTS, last = 0;
	uint64_t most = 0;

	for (size_t i = 0; i < TRACE_SLOTS; i++) {
		if (e->slots[i] && first == TRACE_SLOTS)
			first = i;
		if (e->slots[i])
			last = i;
		if (e->slots[i] > most)
			most = e->slots[i];
	}
	printf("  %21s    %-10s distribution\n", "microseconds", "count");
	for (size_t i = first; i <= last; i++) {
		printf("  %10llu -> %-10llu %-10llu ", i ? 1ULL << i : 0,
		       (2ULL << i) - 1, (unsigned long long)e->slots[i]);
		print_stars(e->slots[i], most);
	}
}

static struct json_object *histogram_json(const struct trace_entry *e)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < TRACE_SLOTS; i++) {
		struct json_object *obj;

		if (!e->slots[i])
			continue;
		obj = json_object_new_object();
		json_object_object_add(obj, "from_usec",
				       json_object_new_int64(i ? 1LL << i : 0));
		json_object_object_add(obj, "to_usec",
				       json_object_new_int64((2LL << i) - 1));
		json_object_object_add(obj, "count",
				       json_object_new_uint64(e->slots[i]));
		json_object_array_add(list, obj);
	}
	return list;
}

static void entry_json(const struct trace *t, const struct trace_entry *e,
		       struct json_object *obj)
{
	json_object_object_add(obj, "count", json_object_new_uint64(trace_count(e)));
	if (t->tool->errors)
		json_object_object_add(obj, "errors", json_object_new_uint64(e->errors));
	if (t->tool->bytes)
		json_object_object_add(obj, "bytes", json_object_new_uint64(e->bytes));
	json_object_object_add(obj, "sum_usec", json_object_new_uint64(e->sum / 1000));
	json_object_object_add(obj, "histogram", histogram_json(e));
}

/* --- few kinds, each with its histogram --- */

static void sum_of_kind(const struct group *g, size_t kind, struct trace_entry *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < g->nr_rows; i++)
		if (g->rows[i].key.kind == kind)
			add_entry(sum, &g->rows[i].now);
}

/* With --by-label, of all that have its label */
static char *other_title(struct trace *t, uint64_t id)
{
	char text[TRACE_LABEL];

	/* A label may be what the host is called. */
	return t->opt.by_label && !trace_label(t, id, text) && strcmp(text, "host") ?
	       escape(text) : trace_title(t, id);
}

static void print_others(struct trace *t, const struct group *g, size_t kind)
{
	for (size_t i = 0; i < g->nr_rows; i++) {
		const struct trace_row *row = &g->rows[i];
		cleanup_free char *title = NULL;

		if (row->key.kind != kind)
			continue;
		title = other_title(t, row->key.other);
		printf("  by %s: %llu times, %.3f ms\n", title,
		       (unsigned long long)trace_count(&row->now), row->now.sum / 1e6);
	}
}

static void print_kind(struct trace *t, const struct group *g, const char *title,
		       size_t kind)
{
	struct trace_entry sum;

	sum_of_kind(g, kind, &sum);
	if (is_empty(&sum))
		return;
	printf("%s: %s, %llu times, %.3f ms in all", title, t->tool->kinds[kind].text,
	       (unsigned long long)trace_count(&sum), sum.sum / 1e6);
	if (t->tool->bytes)
		printf(", %llu bytes", (unsigned long long)sum.bytes);
	if (t->tool->errors && sum.errors)
		printf(", %llu errors", (unsigned long long)sum.errors);
	putchar('\n');
	if (t->tool->kinds[kind].by_other)
		print_others(t, g, kind);
	if (trace_count(&sum))
		print_histogram(&sum);
	putchar('\n');
}

static void print_kinds(struct trace *t, const struct groups *gs)
{
	if (t->shown && gs->nr)
		printf("--\n");
	for (size_t i = 0; i < gs->nr; i++) {
		cleanup_free char *title = group_title(t, &gs->list[i]);

		for (size_t kind = 0; kind < t->tool->nr_kinds; kind++)
			print_kind(t, &gs->list[i], title, kind);
	}
	t->shown |= gs->nr;
}

static struct json_object *others_json(struct trace *t, const struct group *g,
				       size_t kind)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < g->nr_rows; i++) {
		const struct trace_row *row = &g->rows[i];
		struct json_object *obj;
		char text[TRACE_LABEL];

		if (row->key.kind != kind)
			continue;
		obj = json_object_new_object();
		if (t->opt.by_label && row->key.other && !trace_label(t, row->key.other, text))
			json_object_object_add(obj, "label", out_string(text));
		else
			trace_title_json(t, row->key.other, obj);
		json_object_object_add(obj, "count",
				       json_object_new_uint64(trace_count(&row->now)));
		json_object_object_add(obj, "sum_usec",
				       json_object_new_uint64(row->now.sum / 1000));
		json_object_array_add(list, obj);
	}
	return list;
}

static void kinds_json(struct trace *t, const struct group *g, struct json_object *obj)
{
	for (size_t i = 0; i < t->tool->nr_kinds; i++) {
		const struct trace_kind *kind = &t->tool->kinds[i];
		struct json_object *one = NULL;
		struct trace_entry sum;

		if (!kind->unknown) {
			one = json_object_new_object();
			sum_of_kind(g, i, &sum);
			entry_json(t, &sum, one);
			if (kind->by_other)
				json_object_object_add(one, "by", others_json(t, g, i));
		}
		json_object_object_add(obj, kind->key, one);
	}
}

/* --- many kinds, in a table --- */

static int most_time_first(const void *a, const void *b)
{
	const struct trace_row *x = a, *y = b;

	if (x->now.sum != y->now.sum)
		return x->now.sum < y->now.sum ? 1 : -1;
	return x->key.kind < y->key.kind ? -1 : x->key.kind > y->key.kind;
}

/* The end of the slot in which PERCENT of all are reached */
static uint64_t percentile(const struct trace_entry *e, unsigned int percent)
{
	uint64_t count = trace_count(e), sum = 0;
	size_t i = 0;

	for (; i < TRACE_SLOTS - 1; i++) {
		sum += e->slots[i];
		if (sum * 100 >= count * percent)
			break;
	}
	return (2ULL << i) - 1;
}

static void add_cells(struct trace *t, struct table *table, const char *title,
		      const struct trace_row *row)
{
	const struct trace_entry *e = &row->now;
	uint64_t count = trace_count(e);
	char name[128];

	table_cell(table, "%s", title);
	for (size_t i = 0; i < t->tool->nr_heads; i++) {
		t->tool->name(&row->key, i, name, sizeof(name));
		table_cell(table, "%s", name);
	}
	table_cell(table, "%llu", (unsigned long long)count);
	if (t->tool->errors)
		table_cell(table, "%llu", (unsigned long long)e->errors);
	if (t->tool->bytes)
		table_cell(table, "%llu", (unsigned long long)e->bytes);
	table_cell(table, "%.3f", e->sum / 1e6);
	if (count && e->sum) {
		table_cell(table, "%.1f", e->sum / 1e3 / count);
		table_cell(table, "%llu", (unsigned long long)percentile(e, 50));
		table_cell(table, "%llu", (unsigned long long)percentile(e, 99));
	} else {
		for (int i = 0; i < 3; i++)
			table_cell(table, "-");
	}
}

static void print_table(struct trace *t, const struct groups *gs)
{
	const char *heads[16] = { "CONTAINER" };
	struct table table;
	size_t nr = 1;

	for (size_t i = 0; i < t->tool->nr_heads; i++)
		heads[nr++] = t->tool->heads[i];
	heads[nr++] = ">COUNT";
	if (t->tool->errors)
		heads[nr++] = ">ERRORS";
	if (t->tool->bytes)
		heads[nr++] = ">BYTES";
	heads[nr++] = ">TOTAL_MS";
	heads[nr++] = ">MEAN_US";
	heads[nr++] = ">P50_US";
	heads[nr++] = ">P99_US";
	table_init(&table, heads, nr);
	for (size_t i = 0; i < gs->nr; i++) {
		struct group *g = &gs->list[i];
		cleanup_free char *title = group_title(t, g);

		qsort(g->rows, g->nr_rows, sizeof(*g->rows), most_time_first);
		for (size_t j = 0; j < g->nr_rows; j++)
			add_cells(t, &table, title, &g->rows[j]);
	}
	if (t->shown)
		putchar('\n');
	table_print(&table, true, stdout, 0);
	table_free(&table);
	t->shown = true;
}

static struct json_object *rows_json(struct trace *t, struct group *g)
{
	struct json_object *list = json_object_new_array();
	char name[128];

	qsort(g->rows, g->nr_rows, sizeof(*g->rows), most_time_first);
	for (size_t i = 0; i < g->nr_rows; i++) {
		struct json_object *obj = json_object_new_object();

		for (size_t j = 0; j < t->tool->nr_heads; j++) {
			t->tool->name(&g->rows[i].key, j, name, sizeof(name));
			json_object_object_add(obj, t->tool->names[j], out_string(name));
		}
		entry_json(t, &g->rows[i].now, obj);
		json_object_array_add(list, obj);
	}
	return list;
}

/* --- all --- */

static void print_json(struct trace *t, const struct groups *gs)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < gs->nr; i++) {
		struct json_object *one = json_object_new_object();

		trace_titles_json(t, gs->list[i].ids, gs->list[i].nr_ids, one);
		if (t->tool->kinds)
			kinds_json(t, &gs->list[i], one);
		else
			json_object_object_add(one, "rows", rows_json(t, &gs->list[i]));
		json_object_array_add(list, one);
	}
	json_object_object_add(obj, "time", json_object_new_int64(time(NULL)));
	json_object_object_add(obj, "lost", json_object_new_uint64(trace_lost(t)));
	json_object_object_add(obj, "missed", json_object_new_uint64(trace_missed(t)));
	json_object_object_add(obj, "containers", list);
	out_json_line(obj);
}

/**
 * trace_show - show what has come since the last time
 * @t: whose tool has kinds or names
 *
 * Return: 0.
 */
int trace_show(struct trace *t)
{
	struct groups gs = {};

	make_groups(t, &gs);
	if (t->opt.json)
		print_json(t, &gs);
	else if (t->tool->kinds)
		print_kinds(t, &gs);
	else
		print_table(t, &gs);
	free_groups(&gs);
	trace_rows_shown(t);
	return 0;
}
