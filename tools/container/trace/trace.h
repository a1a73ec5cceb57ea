/* SPDX-License-Identifier: GPL-2.0 */
/* What the commands that watch by BPF share */
#ifndef CID_TRACE_H
#define CID_TRACE_H

#include <argp.h>
#include <bpf/libbpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/trace.h"

struct json_object;
struct trace;

/* Options that all of them have */
struct trace_options {
	char **names;		/* of the containers; none: all */
	size_t nr_names;
	double interval;	/* seconds; 0: one look, at the end */
	double duration;	/* seconds; 0: until a signal */
	unsigned int rows;	/* that the kernel holds */
	bool by_top;
	bool by_label;
	bool host;
	bool json;
};

/* What this kernel has for them */
struct trace_kernel {
	bool ids;		/* bpf_task_container_id() */
	bool throttling;	/* sched_cfs_throttle_task and its like */
};

/* A row of what has been counted since it was shown the last time */
struct trace_row {
	struct trace_key key;
	struct trace_entry seen;	/* in the kernel, the last time */
	struct trace_entry now;		/* more than was shown */
	bool idle;			/* as often as the time before */
};

/* A kind of a tool that has few of them: each is in each container's JSON. */
struct trace_kind {
	const char *key;	/* in JSON */
	const char *text;
	bool by_other;		/* key.other is that of another container */
	bool unknown;		/* this kernel can't tell */
};

/* What makes a command of it */
struct trace_tool {
	const char *doc;
	const char *what;	/* was lost, in the plural, if some was */
	const struct argp_option *options;
	error_t (*parse)(int key, char *arg, struct argp_state *state, struct trace *t);
	bool falls_back;	/* does without container IDs */
	bool forgets;		/* keys come and go while the container lives */
	bool bytes;		/* trace_entry.bytes and .errors mean something */
	bool errors;

	/* Programs that aren't attached by their sections alone; 0, or -1 and errno */
	int (*attach)(struct trace *t);
	void (*detach)(struct trace *t);	/* may come twice, and without attach */

	/* What there is already, when its programs are attached; says what goes wrong */
	int (*list)(struct trace *t);

	/* Counts what is still going on, before each look */
	int (*settle)(struct trace *t);

	/* Either kinds, each with a histogram, */
	struct trace_kind *kinds;
	size_t nr_kinds;
	/* or a table of rows, which these call by name */
	const char *const *heads;	/* of the name's columns */
	size_t nr_heads;
	void (*name)(const struct trace_key *key, size_t head, char *buf, size_t size);
	const char *const *names;	/* the same for JSON */

	/* or its own way to show, every interval and at the end; each second: */
	int (*show)(struct trace *t);
	int (*tick)(struct trace *t);
	/* and what comes through a ring buffer with the name "events" */
	int (*event)(struct trace *t, const void *data, size_t size);
};

struct trace {
	const struct trace_tool *tool;
	void *own;			/* the tool's */
	struct trace_options opt;
	struct trace_kernel kernel;
	struct trace_config config;
	uint64_t filter[TRACE_NAMES];	/* of opt.names */
	struct trace_followed followed[TRACE_NAMES];
	size_t nr_followed;
	struct bpf_object *obj;
	struct trace_row *rows;		/* in the order of their keys */
	size_t nr_rows;
	struct trace_old_label *old_labels;
	size_t nr_old_labels;
	uint64_t lost;			/* as was said last */
	uint64_t missed;		/* likewise */
	unsigned int nr_events;		/* of this round */
	bool shown;
};

int trace_begin(struct trace *t, int argc, char **argv);
int trace_run(struct trace *t, struct bpf_object_skeleton *skel);
void trace_end(struct trace *t);
bool trace_wants(const struct trace *t, uint64_t id);

/* cgroups.c */
int trace_fill_cgroups(struct trace *t);
void trace_claim_cgroups(struct trace *t, const char *path, uint64_t id);

/* table.c */
long trace_read_map(int fd, size_t key_size, size_t value_size, size_t max, void *keys,
		    void *values);
int trace_harvest(struct trace *t);
void trace_trim_labels(struct trace *t);
void trace_trim_filter(struct trace *t);
int trace_label(struct trace *t, uint64_t id, char text[TRACE_LABEL]);
uint64_t trace_count(const struct trace_entry *e);
void trace_rows_shown(struct trace *t);
void trace_rows_free(struct trace *t);

/* show.c */
int trace_show(struct trace *t);
char *trace_title(struct trace *t, uint64_t id);
void trace_title_json(struct trace *t, uint64_t id, struct json_object *obj);
void trace_titles_json(struct trace *t, const uint64_t *list, size_t nr,
		       struct json_object *obj);
uint64_t trace_lost(const struct trace *t);
uint64_t trace_missed(const struct trace *t);

#endif
