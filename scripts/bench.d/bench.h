/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the benchmark share.
 */
#ifndef BENCH_H
#define BENCH_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../tools/container/metricsns_abi.h"

#define CGROUPS		"/sys/fs/cgroup"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

struct bench {
	const char *name;
	void (*run)(const void *arg);
	const void *arg;
	/* false: this kernel cannot, so there is no line */
	bool (*possible)(const void *arg);
	/* puts its process where no other measurement should be, if not NULL */
	void (*prepare)(void);
	/* it sleeps: only what its thread takes of a CPU counts */
	bool sleeps;
	/* makes ready for one run, and isn't timed, if not NULL */
	void (*ready)(void);
};

struct ns {
	int flag;
	const char *path;
};

#define NS(flag, name)	(&(const struct ns){ flag, "/proc/self/ns/" name })

/* bench.c */
bool is_native(void);
bool chosen(const char *name);
unsigned long loops(void);
uint64_t now(void);
void print_value(const char *name, const char *unit, double value);
void print_mean(const char *name, double mean);
const struct bench *read_bench(const char *file);
uint64_t time_runs(const struct bench *b, unsigned long n);
void measure_where_prepared(const struct bench *b,
			    void (*how)(const struct bench *b));
void reap(pid_t pid);
void put(const char *path, const char *text);
void prepare_yield(void);
void run_yield(const void *arg);
bool ns_there(const void *arg);
void run_setns(const void *arg);

/* cgroups.c */
bool cgroups_there(const void *arg);
bool memory_there(const void *arg);
bool pids_there(const void *arg);
bool pids_and_ns_there(const void *arg);
bool loop_there(const void *arg);
bool swap_there(const void *arg);
void put_back(void);
void prepare_attach(void);
void run_attach(const void *arg);
void prepare_swap(void);
void prepare_disk(void);
void prepare_limit(void);
void run_limit(const void *arg);
void prepare_high(void);
bool cpu_there(const void *arg);
void prepare_quota(void);
void ready_quota(void);
void run_quota(const void *arg);
void prepare_memory(void);
void run_touch(const void *arg);
void prepare_reclaim(void);
void run_reclaim(const void *arg);
void prepare_protected(void);
void run_protected(const void *arg);
void prepare_clone(void);
void run_clone(const void *arg);
void prepare_full(void);
void run_clone_refused(const void *arg);
void prepare_mkdir(void);
void run_mkdir(const void *arg);

/* kfuncs.c */
void measure_kfuncs(void);

/* events.c */
void measure_events(void);

/* view.c */
void measure_readers(void);
void measure_namespaces(void);

#endif
