// SPDX-License-Identifier: GPL-2.0
/*
 * What the programs have counted, as rows. In the kernel counters only grow, and what
 * has come since the last look is added to a row, so that none is lost between
 * reading and resetting. What is about containers that are gone is taken out of the
 * kernel when its maps fill up.
 */

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "metricsns.h"
#include "trace.h"
#include "util.h"

/** trace_count - how often something was counted */
uint64_t trace_count(const struct trace_entry *e)
{
	uint64_t count = 0;

	for (size_t i = 0; i < TRACE_SLOTS; i++)
		count += e->slots[i];
	return count;
}

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_key(const void *a, const void *b)
{
	const struct trace_key *x = a, *y = b;
	int ret = compare(x->id, y->id);

	if (!ret)
		ret = compare(x->kind, y->kind);
	if (!ret)
		ret = compare(x->sub, y->sub);
	return ret ? ret : compare(x->other, y->other);
}

static struct trace_row *find_row(struct trace *t, size_t nr, const struct trace_key *key)
{
	/* The key is the first member of a row. */
	return nr ? bsearch(key, t->rows, nr, sizeof(*t->rows), by_key) : NULL;
}

static void add_difference(struct trace_row *row, const struct trace_entry *e)
{
	bool idle = true;

	for (size_t i = 0; i < TRACE_SLOTS; i++) {
		idle &= e->slots[i] == row->seen.slots[i];
		row->now.slots[i] += e->slots[i] - row->seen.slots[i];
	}
	idle &= e->sum == row->seen.sum && e->bytes == row->seen.bytes &&
		 e->errors == row->seen.errors;
	row->now.sum += e->sum - row->seen.sum;
	row->now.bytes += e->bytes - row->seen.bytes;
	row->now.errors += e->errors - row->seen.errors;
	row->seen = *e;
	row->idle = idle;
}

static void add_entries(struct trace *t, const struct trace_key *keys,
			const struct trace_entry *values, size_t nr)
{
	size_t old = t->nr_rows;

	for (size_t i = 0; i < nr; i++) {
		struct trace_row *row = find_row(t, old, &keys[i]);

		if (!row) {
			t->rows = xreallocarray(t->rows, t->nr_rows + 1, sizeof(*t->rows));
			row = &t->rows[t->nr_rows++];
			memset(row, 0, sizeof(*row));
			row->key = keys[i];
		}
		add_difference(row, &values[i]);
	}
	if (t->nr_rows > old)
		qsort(t->rows, t->nr_rows, sizeof(*t->rows), by_key);
}

static size_t nr_containers(const struct trace *t)
{
	size_t nr = 0;

	for (size_t i = 0; i < t->nr_rows; i++)
		nr += !i || t->rows[i].key.id != t->rows[i - 1].key.id;
	return nr;
}

static bool is_gone(uint64_t id)
{
	int fd = id ? metricsns_open_id(id) : -1;

	if (fd >= 0)
		close(fd);
	return id && fd < 0 && errno == ESTALE;
}

/* Labels of containers that are gone, until their rows have been shown */
struct trace_old_label {
	uint64_t id;
	struct trace_label label;
};

static void keep_label(struct trace *t, int labels, uint64_t id)
{
	struct trace_old_label *old;

	if (!is_gone(id))
		return;
	t->old_labels = xreallocarray(t->old_labels, t->nr_old_labels + 1, sizeof(*old));
	old = &t->old_labels[t->nr_old_labels];
	old->id = id;
	if (!bpf_map_lookup_elem(labels, &id, &old->label)) {
		t->nr_old_labels++;
		bpf_map_delete_elem(labels, &id);
	}
}

static const char *old_label(const struct trace *t, uint64_t id)
{
	for (size_t i = 0; i < t->nr_old_labels; i++)
		if (t->old_labels[i].id == id)
			return t->old_labels[i].label.text;
	return NULL;
}

/* 0 where the key's other part is something else */
static uint64_t other_container(const struct trace *t, const struct trace_key *key)
{
	return t->tool->kinds && t->tool->kinds[key->kind].by_other ? key->other : 0;
}

/*
 * Make room in the kernel: what hasn't changed for a while and is about a container that
 * is gone, or of a tool whose keys come and go. The rows stay until they have been shown.
 */
static void evict(struct trace *t, int entries)
{
	int labels = bpf_object__find_map_fd_by_name(t->obj, "labels");
	struct trace_entry last;

	for (size_t i = 0; i < t->nr_rows; i++) {
		struct trace_row *row = &t->rows[i];
		const struct trace_key *key = &row->key;

		if (!row->idle || !(t->tool->forgets || is_gone(key->id) ||
				    is_gone(other_container(t, key))))
			continue;
		if (!bpf_map_lookup_and_delete_elem(entries, key, &last))
			add_difference(row, &last);
		keep_label(t, labels, key->id);
		keep_label(t, labels, other_container(t, key));
		memset(&row->seen, 0, sizeof(row->seen));
	}
}

/**
 * trace_read_map - read a hash map as a whole
 * @fd: the map
 * @key_size: of its keys
 * @value_size: of its values
 * @max: how many entries there is room for; a map may have some more than its limit
 * @keys: gets them
 * @values: likewise
 *
 * Return: how many there are; -1 if it can't be read, which it says.
 */
long trace_read_map(int fd, size_t key_size, size_t value_size, size_t max, void *keys,
		    void *values)
{
	__u32 next, *from = NULL;
	size_t total = 0;

	while (total < max) {
		__u32 nr = max - total;
		int ret = bpf_map_lookup_batch(fd, from, &next,
					       (char *)keys + total * key_size,
					       (char *)values + total * value_size, &nr,
					       NULL);

		if (ret && ret != -ENOENT) {
			msg("cannot read what has been counted: %s", strerror(-ret));
			return -1;
		}
		total += nr;
		if (ret)
			break;
		from = &next;
	}
	return total;
}

/**
 * trace_harvest - add what has been counted since the last time to the rows
 * @t: with the map "entries"
 *
 * Return: 0; -1 if the map can't be read, which it says.
 */
int trace_harvest(struct trace *t)
{
	int fd = bpf_object__find_map_fd_by_name(t->obj, "entries");
	size_t max = t->opt.rows * 2;
	cleanup_free struct trace_key *keys = xcalloc(max, sizeof(*keys));
	cleanup_free struct trace_entry *values = xcalloc(max, sizeof(*values));
	long nr = trace_read_map(fd, sizeof(*keys), sizeof(*values), max, keys, values);

	if (nr < 0)
		return -1;
	add_entries(t, keys, values, nr);
	if (nr > t->opt.rows / 2 || nr_containers(t) > TRACE_CONTAINERS / 2)
		evict(t, fd);
	return 0;
}

/**
 * trace_trim_labels - make room for labels in the kernel
 * @t: of a tool that has no rows
 *
 * Those of containers that are gone are kept until what there is has been shown.
 */
void trace_trim_labels(struct trace *t)
{
	int fd = bpf_object__find_map_fd_by_name(t->obj, "labels");
	size_t max = TRACE_CONTAINERS * 2;
	cleanup_free __u64 *ids = xcalloc(max, sizeof(*ids));
	cleanup_free struct trace_label *labels = xcalloc(max, sizeof(*labels));
	long nr = trace_read_map(fd, sizeof(*ids), sizeof(*labels), max, ids, labels);

	for (long i = 0; nr > TRACE_CONTAINERS / 2 && i < nr; i++)
		keep_label(t, fd, ids[i]);
	/* Events are shown as they come. */
	if (t->tool->event)
		t->nr_old_labels = 0;
}

/**
 * trace_trim_filter - make room in the kernel for containers that are wanted
 * @t: any
 *
 * Those that are gone do nothing any more that could be counted, but for what is written
 * back later, of which all but the last some thousand are forgotten.
 */
void trace_trim_filter(struct trace *t)
{
	int fd = bpf_object__find_map_fd_by_name(t->obj, "filter");
	size_t max = TRACE_FILTERS * 2;
	cleanup_free __u64 *ids = t->nr_followed ? xcalloc(max, sizeof(*ids)) : NULL;
	cleanup_free uint8_t *values = ids ? xcalloc(max, sizeof(*values)) : NULL;
	long nr = ids ? trace_read_map(fd, sizeof(*ids), sizeof(*values), max, ids, values) : 0;

	for (long i = 0; nr > TRACE_FILTERS / 2 && i < nr; i++)
		if (is_gone(ids[i]))
			bpf_map_delete_elem(fd, &ids[i]);
}

/**
 * trace_label - the label of a container that has been counted
 * @t: with the map "labels"
 * @id: the container
 * @text: gets the label, empty if it has none
 *
 * Return: 0; -1 if it has none.
 */
int trace_label(struct trace *t, uint64_t id, char text[TRACE_LABEL])
{
	int labels = bpf_object__find_map_fd_by_name(t->obj, "labels");
	const char *old = old_label(t, id);
	struct metrics_ns_info info;
	int fd;

	if (!bpf_map_lookup_elem(labels, &id, text))
		return 0;
	snprintf(text, TRACE_LABEL, "%s", old ? old : "");
	if (old)
		return 0;
	fd = id && t->kernel.ids ? metricsns_open_id(id) : -1;
	if (fd < 0)
		return -1;
	if (!metricsns_get(fd, &info))
		metricsns_label(&info, text);
	close(fd);
	return text[0] ? 0 : -1;
}

/** trace_rows_shown - begin anew, after all has been shown */
void trace_rows_shown(struct trace *t)
{
	static const struct trace_entry nothing;
	size_t nr = 0;

	for (size_t i = 0; i < t->nr_rows; i++) {
		struct trace_row *row = &t->rows[i];

		memset(&row->now, 0, sizeof(row->now));
		/* Of those that were taken out of the kernel nothing is left. */
		if (memcmp(&row->seen, &nothing, sizeof(nothing)))
			t->rows[nr++] = *row;
	}
	t->nr_rows = nr;
	t->nr_old_labels = 0;
}

/** trace_rows_free - free the rows */
void trace_rows_free(struct trace *t)
{
	free(t->rows);
	free(t->old_labels);
}
