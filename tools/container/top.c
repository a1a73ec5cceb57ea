// SPDX-License-Identifier: GPL-2.0
/* cid top */

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cid.h"
#include "container.h"
#include "out.h"
#include "screen.h"
#include "usage.h"
#include "util.h"

#define DEFAULT_DELAY	2.0
#define MIN_DELAY	0.1
#define MAX_DELAY	86400.0
#define FIRST_DELAY	1.0	/* rates need two looks; not to wait long */

struct top {
	double delay;
	uint64_t refreshes;	/* 0: without end */
	bool batch;
	bool json;
};

/* One refresh */
struct frame {
	const struct inventory *inv;
	const struct snapshot *prev;
	const struct snapshot *cur;
};

/* A container over the time of one refresh; -1: not known */
struct rates {
	double cpu;		/* percent of one CPU */
	double throttled;	/* percent of the time */
	double io_read;		/* bytes a second, as are those below */
	double io_write;
	double net_rx;
	double net_tx;
};

static const struct argp_option options[] = {
	{ "batch", 'b', NULL, 0, "print one table after the other", 0 },
	{ "iterations", 'n', "N", 0, "end after N refreshes", 0 },
	{ "delay", 'd', "SEC", 0, "seconds between refreshes, 2 by default",
	  0 },
	{ "json", 'j', NULL, 0, "print an object, in one line, a refresh", 0 },
	{ 0 }
};

static int parse_delay(const char *s, double *delay)
{
	char *end;

	if (!*s || strspn(s, "0123456789.") != strlen(s))
		return -1;
	*delay = strtod(s, &end);
	return *end || *delay < MIN_DELAY || *delay > MAX_DELAY ? -1 : 0;
}

static error_t parse_top(int key, char *arg, struct argp_state *state)
{
	struct top *top = state->input;

	switch (key) {
	case 'b':
		top->batch = true;
		return 0;
	case 'n':
		if (parse_u64(arg, &top->refreshes) || !top->refreshes)
			argp_error(state, "-n: '%s' is not a number of "
				   "refreshes", arg);
		return 0;
	case 'd':
		if (parse_delay(arg, &top->delay))
			argp_error(state, "-d: '%s' is not a number of seconds "
				   "from 0.1 to 86400", arg);
		return 0;
	case 'j':
		top->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': no argument is expected", arg);
	}
	return ARGP_ERR_UNKNOWN;
}

static double rate(double prev, double cur, double seconds)
{
	if (prev < 0 || cur < 0 || seconds <= 0)
		return -1;
	/* The first process can have moved to another network or cgroup. */
	return cur < prev ? 0 : (cur - prev) / seconds;
}

static void get_rates(const struct frame *f, const struct usage *cur,
		      struct rates *r)
{
	const struct usage *prev = snapshot_find(f->prev, cur);
	double sec = f->cur->when - f->prev->when;
	double cpu_sec = sec * 1e4;	/* from microseconds to percent */

	*r = (struct rates){ -1, -1, -1, -1, -1, -1 };
	if (!prev)
		return;
	r->cpu = rate(prev->cpu_usec, cur->cpu_usec, cpu_sec);
	r->throttled = rate(prev->throttled_usec, cur->throttled_usec, cpu_sec);
	r->io_read = rate(prev->io_read, cur->io_read, sec);
	r->io_write = rate(prev->io_write, cur->io_write, sec);
	r->net_rx = rate(prev->net_rx, cur->net_rx, sec);
	r->net_tx = rate(prev->net_tx, cur->net_tx, sec);
}

static void percent_cell(struct table *t, double val)
{
	if (val < 0)
		table_cell(t, "-");
	else
		table_cell(t, "%.1f", val);
}

static void bytes_cell(struct table *t, double val)
{
	char buf[32];

	out_bytes(buf, sizeof(buf), val);
	table_cell(t, "%s", val < 0 ? "-" : buf);
}

static void usage_row(struct table *t, const struct frame *f, size_t index)
{
	const struct container *c = &f->inv->containers[index];
	const struct usage *u = &f->cur->usage[index];
	struct rates r;

	get_rates(f, u, &r);
	container_id_cells(t, c);
	percent_cell(t, r.cpu);
	percent_cell(t, r.throttled);
	bytes_cell(t, u->memory);
	bytes_cell(t, u->memory_limit);
	bytes_cell(t, r.io_read);
	bytes_cell(t, r.io_write);
	if (u->net_host) {
		table_cell(t, "host");
		table_cell(t, "host");
	} else {
		bytes_cell(t, r.net_rx);
		bytes_cell(t, r.net_tx);
	}
	if (u->pids < 0)
		table_cell(t, "-");
	else
		table_cell(t, "%.0f", u->pids);
	table_cell(t, "%s", c->has_id ? "" : NO_ID_NOTE);
}

static void write_table(const struct frame *f, FILE *out, size_t width)
{
	static const char *const heads[] = {
		"ID", "LABEL", ">CPU%", ">THR%", ">MEM", ">LIMIT", ">READ/s",
		">WRITE/s", ">RX/s", ">TX/s", ">PIDS", "NOTE",
	};
	struct table t;

	table_init(&t, heads, ARRAY_SIZE(heads));
	for (size_t i = 0; i < f->inv->nr; i++)
		usage_row(&t, f, i);
	table_print(&t, true, out, width);
	table_free(&t);
}

static void add_number(struct json_object *obj, const char *key, double val)
{
	json_object_object_add(obj, key, val < 0 ? NULL :
			       json_object_new_double(val));
}

static void add_whole(struct json_object *obj, const char *key, double val)
{
	json_object_object_add(obj, key, out_u64_or_null(val >= 0, val));
}

static struct json_object *usage_json(const struct frame *f, size_t index)
{
	const struct usage *u = &f->cur->usage[index];
	struct json_object *obj = json_object_new_object();
	struct rates r;

	get_rates(f, u, &r);
	container_id_json(obj, &f->inv->containers[index]);
	add_number(obj, "cpu_percent", r.cpu);
	add_number(obj, "throttled_percent", r.throttled);
	add_whole(obj, "memory_bytes", u->memory);
	add_whole(obj, "memory_limit_bytes", u->memory_limit);
	add_number(obj, "io_read_bytes_per_second", r.io_read);
	add_number(obj, "io_write_bytes_per_second", r.io_write);
	json_object_object_add(obj, "net_host",
			       json_object_new_boolean(u->net_host));
	add_number(obj, "net_rx_bytes_per_second", r.net_rx);
	add_number(obj, "net_tx_bytes_per_second", r.net_tx);
	add_whole(obj, "pids", u->pids);
	return obj;
}

static void print_json(const struct frame *f)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < f->inv->nr; i++)
		json_object_array_add(list, usage_json(f, i));
	json_object_object_add(obj, "time", json_object_new_int64(time(NULL)));
	add_number(obj, "seconds", f->cur->when - f->prev->when);
	json_object_object_add(obj, "containers", list);
	out_json_line(obj);
	fflush(stdout);
}

static void print_batch(const struct frame *f, bool first)
{
	if (!first)
		putchar('\n');
	write_table(f, stdout, 0);
	fflush(stdout);
}

static void draw(const struct frame *f, double delay)
{
	size_t rows, cols, size;
	char *text = NULL;
	FILE *mem = open_memstream(&text, &size);

	if (!mem)
		return;
	screen_size(&rows, &cols);
	fprintf(mem, "cid top: %zu containers, every %g s, q quits\n\n",
		f->inv->nr, delay);
	write_table(f, mem, cols);
	fclose(mem);
	screen_show(text);
	free(text);
}

static void show(const struct top *top, const struct frame *f, bool first)
{
	if (top->json)
		print_json(f);
	else if (top->batch)
		print_batch(f, first);
	else
		draw(f, top->delay);
}

static bool pause_for(const struct top *top, double seconds)
{
	struct timespec ts = { .tv_sec = seconds };

	if (!top->batch)
		return screen_pause(seconds);
	ts.tv_nsec = (seconds - ts.tv_sec) * 1e9;
	nanosleep(&ts, NULL);
	return true;
}

static int look(struct inventory *inv, struct snapshot *snap)
{
	if (inventory_load(inv)) {
		inventory_free(inv);
		return -1;
	}
	snapshot_take(snap, inv);
	return 0;
}

static int refresh(const struct top *top, struct snapshot *prev, bool first)
{
	struct snapshot cur;
	struct inventory inv;
	struct frame f = { .inv = &inv, .prev = prev, .cur = &cur };

	if (look(&inv, &cur))
		return -1;
	show(top, &f, first);
	inventory_free(&inv);
	snapshot_free(prev);
	*prev = cur;
	return 0;
}

static int refresh_all(const struct top *top)
{
	double delay = top->delay < FIRST_DELAY ? top->delay : FIRST_DELAY;
	struct snapshot prev = {};
	struct inventory inv;
	int ret = 0;

	if (look(&inv, &prev))
		return CID_FAIL;
	inventory_free(&inv);
	for (uint64_t i = 0; !ret; i++) {
		if (top->refreshes && i == top->refreshes)
			break;
		if (!pause_for(top, delay) || ferror(stdout))
			break;
		ret = refresh(top, &prev, !i);
		delay = top->delay;
	}
	snapshot_free(&prev);
	return ret ? CID_FAIL : CID_OK;
}

/** cmd_top - cid top */
int cmd_top(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse_top,
		.doc = "Show what the containers use, live; q quits. Without a "
		       "terminal, as with -b.\v"
		       "CPU% is percent of one CPU; THR% how much of the time "
		       "the CPU limit held threads back, which can be more "
		       "than 100 on several CPUs. 'host' stands for a network "
		       "that is the host's.",
	};
	struct top top = { .delay = DEFAULT_DELAY };
	int ret;

	if (argp_parse(&argp, argc, argv, 0, NULL, &top))
		return CID_USAGE;
	if (metricsns_require())
		return CID_FAIL;
	if (top.json || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		top.batch = true;
	if (!top.batch && screen_open()) {
		msg("cannot use the terminal: %m");
		return CID_FAIL;
	}
	ret = refresh_all(&top);
	screen_close();
	return ret;
}
