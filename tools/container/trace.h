/* SPDX-License-Identifier: GPL-2.0 */
/* What the commands that watch by BPF share: which kernel this is, and for how long. */
#ifndef CID_TRACE_H
#define CID_TRACE_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json_object;

/* Options that all of them have */
struct trace_options {
	char **names;		/* of the containers; none: all */
	size_t nr_names;
	double interval;	/* seconds; 0: one look, at the end */
	double duration;	/* seconds; 0: until a signal */
	bool by_top;
	bool host;
	bool json;
};

extern const struct argp_child trace_argp_child[2];
void trace_options_free(struct trace_options *opt);

/* What this kernel has for them */
struct trace_kernel {
	bool ids;		/* bpf_task_container_id() */
	bool throttling;	/* sched_cfs_throttle_task and its like */
};

int trace_open(struct trace_kernel *kernel);
int trace_resolve(const struct trace_options *opt, uint64_t *ids, size_t max);
int trace_loop(const struct trace_options *opt, int (*show)(void *arg), void *arg);

void trace_histogram(FILE *f, const uint64_t *slots, size_t nr);
struct json_object *trace_histogram_json(const uint64_t *slots, size_t nr);

#endif
