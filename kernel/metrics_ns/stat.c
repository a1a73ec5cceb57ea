// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/stat of a view.
 *
 * Lines, fields and their order are those of fs/proc/stat.c. What no cgroup
 * keeps is 0: iowait, irq, softirq and guest time, and the counts of interrupts,
 * softirqs and context switches. Interrupt time that hits a task is part of its
 * cgroup's system time. A true value of the others would cost a counter on a hot
 * path in every cgroup. Forks are counted by PID namespace.
 */

#include <linux/interrupt.h>
#include <linux/irqnr.h>
#include <linux/kernel_stat.h>
#include <linux/metrics_ns_view.h>
#include <linux/pid_namespace.h>
#include <linux/sched/cputime.h>
#include <linux/sched/stat.h>
#include <linux/seq_file.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>

#include "internal.h"

static void show_zeroes(struct seq_file *m, unsigned int n)
{
	while (n--)
		seq_write(m, " 0", 2);
}

static void show_times(struct seq_file *m, const struct metrics_cputime *time)
{
	seq_put_decimal_ull(m, " ", nsec_to_clock_t(time->user));
	seq_put_decimal_ull(m, " ", nsec_to_clock_t(time->nice));
	seq_put_decimal_ull(m, " ", nsec_to_clock_t(time->system));
	seq_put_decimal_ull(m, " ", nsec_to_clock_t(time->idle));
	/* iowait, irq, softirq */
	show_zeroes(m, 3);
	seq_put_decimal_ull(m, " ", nsec_to_clock_t(time->steal));
	/* guest, guest_nice */
	show_zeroes(m, 2);
	seq_putc(m, '\n');
}

/* As the last PID in /proc/loadavg, it is that of the reader's PID namespace. */
static unsigned long forks(void)
{
	const struct pid_namespace *ns = task_active_pid_ns(current);

	return ns->level ? READ_ONCE(ns->total_forks) : total_forks;
}

/* By one mask: another reader may meanwhile see that the CPUs have changed. */
static int show_cpus(struct seq_file *m, const struct metrics_view *view)
{
	struct metrics_cputime time;
	cpumask_var_t shown;
	int cpu;

	if (!alloc_cpumask_var(&shown, GFP_KERNEL))
		return -ENOMEM;
	metrics_scope_shown(view->scope, shown);

	metrics_scope_cputime(view->scope, &time);
	seq_puts(m, "cpu ");
	show_times(m, &time);

	for_each_cpu(cpu, shown) {
		metrics_scope_cputime_cpu(view->scope, view->flags, cpu, shown,
					  &time);
		seq_printf(m, "cpu%d", cpu);
		show_times(m, &time);
	}
	free_cpumask_var(shown);
	return 0;
}

int __metrics_ns_show_stat(struct seq_file *m)
{
	unsigned int running, iowait;
	struct timespec64 boottime;
	struct metrics_view view;
	int ret;

	if (!metrics_view_of(m, &view))
		return 1;

	getboottime64(&boottime);
	timens_sub_boottime(&boottime);

	metrics_scope_update(view.scope);
	ret = show_cpus(m, &view);
	if (ret)
		return ret;
	metrics_view_tasks(&view, &running, &iowait);

	seq_puts(m, "intr");
	show_zeroes(m, 1 + irq_get_nr_irqs());
	seq_printf(m,
		   "\nctxt 0\n"
		   "btime %llu\n"
		   "processes %lu\n"
		   "procs_running %u\n"
		   "procs_blocked %u\n",
		   (unsigned long long)boottime.tv_sec,
		   forks(),
		   running,
		   iowait);
	seq_puts(m, "softirq");
	show_zeroes(m, 1 + NR_SOFTIRQS);
	seq_putc(m, '\n');
	return 0;
}
