/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a process in a scoped metrics namespace is shown in place of the
 * machine's values. See kernel/metrics_ns/view.c.
 *
 * Each hook costs a static branch while no namespace on the machine has a
 * scope, and then tells by its return value whether it has shown something.
 */
#ifndef _LINUX_METRICS_NS_VIEW_H
#define _LINUX_METRICS_NS_VIEW_H

#include <linux/jump_label_ratelimit.h>
#include <linux/psi.h>
#include <linux/types.h>

struct block_device;
struct cpumask;
struct cred;
struct disk_stats;
struct gendisk;
struct metrics_namespace;
struct seq_file;
struct seq_operations;
struct sysinfo;

/* The operations of /proc/cpuinfo, defined by the architecture */
extern const struct seq_operations cpuinfo_op;

#ifdef CONFIG_METRICS_NS

extern struct static_key_false_deferred metrics_view_key;
extern const struct seq_operations metrics_ns_cpuinfo_op;

int __metrics_ns_show_stat(struct seq_file *m);
u64 __metrics_ns_idle(struct seq_file *m, u64 idle);
ssize_t __metrics_ns_show_cpus(const struct cpumask *map, char *buf);
bool __metrics_ns_show_loadavg(struct seq_file *m);
void __metrics_ns_sysinfo(struct sysinfo *info);

static inline bool metrics_view_exists(void)
{
	return static_branch_unlikely(&metrics_view_key.key);
}

/**
 * metrics_ns_show_stat - /proc/stat of a scoped namespace
 * @m: where to print
 *
 * Return: 0 if current has a scoped view, which has been printed; -ENOMEM; 1 if
 * the machine is to be shown.
 */
static inline int metrics_ns_show_stat(struct seq_file *m)
{
	return metrics_view_exists() ? __metrics_ns_show_stat(m) : 1;
}

/**
 * metrics_ns_idle - idle time of the CPUs that current is shown
 * @m: the file that shows it
 * @idle: the machine's, in ns
 *
 * Return: The time in ns, summed over the CPUs; @idle without a scope.
 */
static inline u64 metrics_ns_idle(struct seq_file *m, u64 idle)
{
	return metrics_view_exists() ? __metrics_ns_idle(m, idle) : idle;
}

/**
 * metrics_ns_show_cpus - a CPU list in sysfs as current is to see it
 * @map: the machine's mask; any but the online mask is left alone
 * @buf: sysfs buffer
 *
 * Return: Bytes printed; 0 if the machine's list is to be shown; -ENOMEM.
 */
static inline ssize_t metrics_ns_show_cpus(const struct cpumask *map, char *buf)
{
	return metrics_view_exists() ? __metrics_ns_show_cpus(map, buf) : 0;
}

/**
 * metrics_ns_show_loadavg - /proc/loadavg of a scoped namespace
 * @m: where to print
 *
 * Return: true if current has a scoped view, which has been printed.
 */
static inline bool metrics_ns_show_loadavg(struct seq_file *m)
{
	return metrics_view_exists() && __metrics_ns_show_loadavg(m);
}

/**
 * metrics_ns_sysinfo - put what current is shown into a sysinfo
 * @info: holds the machine's values, memory in pages
 */
static inline void metrics_ns_sysinfo(struct sysinfo *info)
{
	if (metrics_view_exists())
		__metrics_ns_sysinfo(info);
}

#else /* !CONFIG_METRICS_NS */

#define metrics_ns_cpuinfo_op	cpuinfo_op

static inline int metrics_ns_show_stat(struct seq_file *m)
{
	return 1;
}

static inline u64 metrics_ns_idle(struct seq_file *m, u64 idle)
{
	return idle;
}

static inline ssize_t metrics_ns_show_cpus(const struct cpumask *map, char *buf)
{
	return 0;
}

static inline bool metrics_ns_show_loadavg(struct seq_file *m)
{
	return false;
}

static inline void metrics_ns_sysinfo(struct sysinfo *info) { }

#endif /* CONFIG_METRICS_NS */

#if defined(CONFIG_METRICS_NS) && defined(CONFIG_MEMCG)

bool __metrics_ns_show_meminfo(struct seq_file *m);
bool __metrics_ns_show_swaps(struct seq_file *m, bool first);
void __metrics_ns_vmstat(struct seq_file *m, unsigned long *events);

/**
 * metrics_ns_show_meminfo - /proc/meminfo of a scoped namespace
 * @m: where to print
 *
 * Return: true if current has a scoped view, which has been printed.
 */
static inline bool metrics_ns_show_meminfo(struct seq_file *m)
{
	return metrics_view_exists() && __metrics_ns_show_meminfo(m);
}

/**
 * metrics_ns_show_swaps - /proc/swaps of a scoped namespace
 * @m: where to print
 * @first: a first line, with the header, is due
 *
 * Return: true if current has a scoped view. What there is to be shown has been
 * printed as the first line.
 */
static inline bool metrics_ns_show_swaps(struct seq_file *m, bool first)
{
	return metrics_view_exists() && __metrics_ns_show_swaps(m, first);
}

/**
 * metrics_ns_vmstat - put what current is shown into the items of /proc/vmstat
 * @m: the file, whose private data are the machine's, as vmstat_text[] has them
 * @events: the first of them that is an event
 */
static inline void metrics_ns_vmstat(struct seq_file *m, unsigned long *events)
{
	if (metrics_view_exists())
		__metrics_ns_vmstat(m, events);
}

#else

static inline bool metrics_ns_show_meminfo(struct seq_file *m)
{
	return false;
}

static inline bool metrics_ns_show_swaps(struct seq_file *m, bool first)
{
	return false;
}

static inline void metrics_ns_vmstat(struct seq_file *m, unsigned long *events) { }

#endif /* CONFIG_METRICS_NS && CONFIG_MEMCG */

#if defined(CONFIG_METRICS_NS) && defined(CONFIG_BLK_CGROUP)

bool __metrics_ns_show_diskstats(struct seq_file *m, struct gendisk *disk);
void __metrics_ns_part_stat(struct block_device *bdev, struct disk_stats *stat,
			    unsigned int *inflight);

/**
 * metrics_ns_show_diskstats - a disk in /proc/diskstats of a scoped namespace
 * @m: where to print
 * @disk: the disk
 *
 * Return: true if current has a scoped view. What there is to be shown of @disk has
 * been printed.
 */
static inline bool metrics_ns_show_diskstats(struct seq_file *m,
					     struct gendisk *disk)
{
	return metrics_view_exists() && __metrics_ns_show_diskstats(m, disk);
}

/**
 * metrics_ns_part_stat - a disk or partition in sysfs as current is to see it
 * @bdev: the disk or partition
 * @stat: holds the machine's values
 * @inflight: likewise
 */
static inline void metrics_ns_part_stat(struct block_device *bdev,
					struct disk_stats *stat,
					unsigned int *inflight)
{
	if (metrics_view_exists())
		__metrics_ns_part_stat(bdev, stat, inflight);
}

#else

static inline bool metrics_ns_show_diskstats(struct seq_file *m,
					     struct gendisk *disk)
{
	return false;
}

static inline void metrics_ns_part_stat(struct block_device *bdev,
					struct disk_stats *stat,
					unsigned int *inflight) { }

#endif /* CONFIG_METRICS_NS && CONFIG_BLK_CGROUP */

#ifdef CONFIG_PSI

#ifdef CONFIG_METRICS_NS

struct psi_group *__metrics_ns_psi(struct seq_file *m);
struct metrics_namespace *__metrics_ns_psi_pin(void);
bool __metrics_ns_psi_privileged(const struct cred *cred);

/**
 * metrics_ns_psi - whose pressure current is shown
 * @m: the file that shows it
 *
 * Return: The scope's group, valid until current changes its namespace;
 * psi_system without a scope.
 */
static inline struct psi_group *metrics_ns_psi(struct seq_file *m)
{
	return metrics_view_exists() ? __metrics_ns_psi(m) : &psi_system;
}

/**
 * metrics_ns_psi_pin - keep what metrics_ns_psi() has returned
 *
 * Return: A namespace to put when the group is used no longer, or NULL.
 */
static inline struct metrics_namespace *metrics_ns_psi_pin(void)
{
	return metrics_view_exists() ? __metrics_ns_psi_pin() : NULL;
}

/**
 * metrics_ns_psi_privileged - do capabilities count for what current is shown?
 * @cred: who has them
 *
 * The root of a container has all of them, in its user namespace.
 */
static inline bool metrics_ns_psi_privileged(const struct cred *cred)
{
	return !metrics_view_exists() || __metrics_ns_psi_privileged(cred);
}

#else

static inline struct psi_group *metrics_ns_psi(struct seq_file *m)
{
	return &psi_system;
}

static inline struct metrics_namespace *metrics_ns_psi_pin(void)
{
	return NULL;
}

static inline bool metrics_ns_psi_privileged(const struct cred *cred)
{
	return true;
}

#endif /* CONFIG_METRICS_NS */
#endif /* CONFIG_PSI */
#endif /* _LINUX_METRICS_NS_VIEW_H */
