/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the metrics namespace share with each other alone. */
#ifndef _METRICS_NS_INTERNAL_H
#define _METRICS_NS_INTERNAL_H

#include <linux/cgroup.h>
#include <linux/cpumask_types.h>
#include <linux/list.h>
#include <linux/metrics_ns.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>

struct seq_file;
struct sysinfo;

/**
 * struct metrics_cputime - times of one CPU or of all, in ns
 * @user: in user space, niced tasks excluded
 * @nice: in user space, of niced tasks
 * @system: in the kernel
 * @idle: what is left of @capacity; never decreases
 * @steal: in which a quota held a task back
 * @capacity: how long the CPU was there to be used
 */
struct metrics_cputime {
	u64	user;
	u64	nice;
	u64	system;
	u64	idle;
	u64	steal;
	u64	capacity;
};

/**
 * struct metrics_stolen - what metrics_steal() was told last, in ns
 * @capacity: how long the CPU was there to be used
 * @busy: what was used of it
 * @throttled: for how long it was denied
 */
struct metrics_stolen {
	u64	capacity;
	u64	busy;
	u64	throttled;
};

/**
 * struct metrics_cpu - what a scope keeps of one possible CPU
 * @base: the cgroup's times when it became the scope
 * @last: state of metrics_steal(), protected by metrics_scope::update_lock
 * @prev: state of cputime_adjust()
 * @time: what to show, since then
 */
struct metrics_cpu {
	struct cgroup_base_stat	base;
	struct metrics_stolen	last;
	struct prev_cputime	prev;
	struct metrics_cputime	time;
};

/**
 * struct metrics_io - a sum over the disks, in bytes
 * @total: what to show; never decreases
 * @last: the sum at the last update, of the disks that were there then
 */
struct metrics_io {
	u64	total;
	u64	last;
};

/**
 * struct metrics_scope - a cgroup as the view of a metrics namespace
 * @cgrp: the referenced cgroup v2 cgroup; NULL in an automatic scope that has
 *	not fired. Stored once with release semantics.
 * @ns: the namespace that owns the scope and frees it with itself
 * @entry: in the list of scopes that are sampled, see view.c
 * @update_lock: held by whoever brings the times up to date
 * @updated: when the last update began, in jiffies; written under @update_lock
 * @stamp: until when capacity is counted, in ns; protected by @update_lock
 * @cpu_serial: of the state of the CPU controller, protected by @update_lock; 0 if
 *	the cgroup has none
 * @next: scratch mask, protected by @update_lock
 * @io_lock: held by whoever brings the statistics of disks up to date
 * @io_updated: when that last began, in jiffies; written under @io_lock
 * @io_serial: of the state of the I/O controller that @in and @out are from,
 *	protected by @io_lock
 * @load: load averages as the machine's avenrun[], written by the sampler alone
 * @lock: protects the members below for readers; written under @update_lock too
 * @shown: the CPUs shown
 * @total: times of all CPUs together
 * @cpus: nr_cpu_ids of them
 * @in: what was read from disks; written under @io_lock, not @update_lock
 * @out: what was written to them, likewise
 */
struct metrics_scope {
	struct cgroup			*cgrp;
	const struct metrics_namespace	*ns;
	struct list_head		entry;
	struct mutex			update_lock;	/* bringing up to date */
	u64				updated;
	u64				stamp;
	u64				cpu_serial;
	cpumask_var_t			next;
	struct mutex			io_lock;	/* the same, of disks */
	u64				io_updated;
	u64				io_serial;
	unsigned long			load[3];
	spinlock_t			lock;		/* what readers see */
	cpumask_var_t			shown;
	struct metrics_cputime		total;
	struct metrics_cpu		*cpus;
	struct metrics_io		in;
	struct metrics_io		out;
};

/**
 * struct metrics_view - what is in force in a namespace, at one moment
 * @ns: the namespace whose scope is in force, the namespace itself or an
 *	ancestor; NULL: none, the machine is shown
 * @scope: the scope in force, NULL with @ns
 * @flags: METRICS_NS_HOST_VIEW and METRICS_NS_QUOTA_CPUS as in force
 *
 * Holds no references: valid as long as the caller holds one on the namespace
 * that it was resolved for.
 */
struct metrics_view {
	const struct metrics_namespace	*ns;
	struct metrics_scope		*scope;
	u32				flags;
};

/* kfuncs.c */
#ifdef CONFIG_BPF_SYSCALL
void metrics_ns_hash(struct metrics_namespace *ns);
void metrics_ns_unhash(struct metrics_namespace *ns);
#else
static inline void metrics_ns_hash(struct metrics_namespace *ns) { }
static inline void metrics_ns_unhash(struct metrics_namespace *ns) { }
#endif

bool metrics_label_valid(const char *label, u32 len);

/**
 * metrics_mem_narrow - take a cgroup's limit into account
 * @total: how large the memory is
 * @available: what of it can be had without swapping
 * @max: the cgroup's limit
 * @usage: what counts against it
 * @reclaimable: what of that can be dropped; more than @usage where that is older
 *
 * All in pages.
 */
static inline void metrics_mem_narrow(unsigned long *total,
				      unsigned long *available,
				      unsigned long max, unsigned long usage,
				      unsigned long reclaimable)
{
	unsigned long used = usage - min(usage, reclaimable);

	*total = min(*total, max);
	*available = min(*available, max - min(max, used));
}

struct metrics_scope *metrics_scope_alloc(void);
void metrics_scope_attach(struct metrics_scope *scope,
			  const struct metrics_namespace *ns,
			  struct cgroup *cgrp, u32 flags);
void metrics_scope_free(struct metrics_scope *scope);
struct cgroup *metrics_scope_cgroup_from_fd(int fd);
bool metrics_scope_allowed(const struct metrics_namespace *ns,
			   struct cgroup *cgrp);
void metrics_ns_resolve(const struct metrics_namespace *ns,
			struct metrics_view *view);
u32 metrics_view_fold_flags(const struct metrics_view *outer, u32 flags);

/* view.c */
bool metrics_view_current(struct metrics_view *view);
struct cgroup_subsys_state *metrics_own_css(struct cgroup *cgrp, int id);
struct cgroup_subsys_state *metrics_view_css(struct metrics_view *view, int id);
void metrics_scope_sample_start(struct metrics_scope *scope);
void metrics_scope_sample_stop(struct metrics_scope *scope);

/* host.c */
bool metrics_view_of(const struct seq_file *m, struct metrics_view *view);

/* cpus.c */
unsigned int metrics_quota_cpus(s64 ratio);
void metrics_scope_cpus(struct cgroup *cgrp, u32 flags, struct cpumask *mask);

/* cputime.c */
u64 metrics_steal(struct metrics_stolen *last, u64 capacity, u64 busy,
		  u64 throttled);
void metrics_cputime_fold(struct metrics_cputime *time,
			  const struct cgroup_base_stat *used, u64 stolen);
void metrics_scope_baseline(struct metrics_scope *scope, struct cgroup *cgrp,
			    u32 flags);
void metrics_scope_sample(struct metrics_scope *scope);
void metrics_scope_update(struct metrics_scope *scope);
void metrics_scope_shown(struct metrics_scope *scope, struct cpumask *mask);
void metrics_scope_cputime(struct metrics_scope *scope,
			   struct metrics_cputime *time);
void metrics_scope_cputime_cpu(struct metrics_scope *scope, u32 flags, int cpu,
			       const struct cpumask *shown,
			       struct metrics_cputime *time);

/* load.c */
void metrics_view_tasks(const struct metrics_view *view, unsigned int *running,
			unsigned int *iowait);
unsigned int metrics_load_periods(unsigned long *due, unsigned long now);
void metrics_scope_sample_load(struct metrics_scope *scope,
			       unsigned int periods);
void metrics_view_sysinfo_load(const struct metrics_view *view,
			       struct sysinfo *info);

/* diskstats.c */
#ifdef CONFIG_BLK_CGROUP
void metrics_view_io(struct metrics_view view, unsigned long *in,
		     unsigned long *out);
#else
static inline void metrics_view_io(struct metrics_view view, unsigned long *in,
				   unsigned long *out) { }
#endif

/* meminfo.c */
#ifdef CONFIG_MEMCG
void metrics_view_sysinfo_memory(const struct metrics_view *view,
				 struct sysinfo *info);
#else
static inline void metrics_view_sysinfo_memory(const struct metrics_view *view,
					       struct sysinfo *info) { }
#endif

/* cpuinfo.c */
size_t metrics_cpuinfo_filter(char *buf, size_t len,
			      const struct cpumask *mask);

#endif /* _METRICS_NS_INTERNAL_H */
