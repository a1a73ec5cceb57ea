// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/cpuinfo of a view: the machine's file without the CPUs that aren't
 * shown.
 *
 * Every architecture has its own iterator and its own text; some print all CPUs
 * in one record. What they share is the text of a CPU: lines of "key : value"
 * that begin with the CPU's number as "processor" and end with an empty line.
 * So the text is filtered, once for all. What isn't in such a block, such as
 * the platform's description at the end, stays. The architectures that number
 * no "processor" (alpha, sparc, xtensa) or write the number in another way (arc,
 * s390) show the machine. The number of openrisc is the core's; it is taken for
 * the CPU's.
 */

#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/ctype.h>
#include <linux/metrics_ns_view.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

#define PROCESSOR	"processor"
#define PASSES		10

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The CPU number if the line is "processor<blanks>: N", else -1. */
static int processor_number(const char *line, size_t len)
{
	size_t i = strlen(PROCESSOR);
	unsigned int cpu = 0;

	if (len <= i || memcmp(line, PROCESSOR, i))
		return -1;
	while (i < len && is_blank(line[i]))
		i++;
	if (i >= len || line[i++] != ':')
		return -1;
	while (i < len && is_blank(line[i]))
		i++;
	if (i >= len || !isdigit(line[i]))
		return -1;
	for (; i < len && isdigit(line[i]); i++)
		cpu = min(cpu * 10 + line[i] - '0', nr_cpu_ids);
	return cpu;
}

/**
 * metrics_cpuinfo_filter - take the CPUs that aren't shown out of a text
 * @buf: the text, of whole lines; shortened in place
 * @len: its length
 * @mask: the CPUs that are shown
 *
 * Return: The new length.
 */
size_t metrics_cpuinfo_filter(char *buf, size_t len, const struct cpumask *mask)
{
	const char *line = buf, *end = buf + len;
	char *out = buf;
	bool keep = true;

	while (line < end) {
		const char *eol = memchr(line, '\n', end - line);
		const char *next = eol ? eol + 1 : end;
		int cpu = processor_number(line, next - line);

		if (cpu >= 0)
			keep = cpu < nr_cpu_ids && cpumask_test_cpu(cpu, mask);
		if (keep) {
			memmove(out, line, next - line);
			out += next - line;
		}
		if (*line == '\n')
			keep = true;
		line = next;
	}
	return out - buf;
}
EXPORT_SYMBOL_IF_KUNIT(metrics_cpuinfo_filter);

/**
 * struct cpuinfo_pass - which CPUs one pass over the file shows
 * @scope: whose CPUs @mask holds, NULL before the first; not dereferenced
 * @shown: some text has been left
 * @nr: how many passes before this one have left nothing
 * @mask: the CPUs
 *
 * All records of a pass are filtered by one mask: if each was by the CPUs of its
 * own moment, a cpuset that changes meanwhile could leave none of them. If the
 * only CPU goes offline before its turn, none is left either: then a pass with
 * the CPUs of that moment follows, up to PASSES times, as the filter may leave
 * nothing of a text whatever the mask is. Text that belongs to no CPU, which
 * some architectures have at the beginning or the end, counts as shown.
 *
 * Made by the first reader in a scoped namespace, and protected by seq_file::lock.
 */
struct cpuinfo_pass {
	const struct metrics_scope	*scope;
	bool				shown;
	int				nr;
	unsigned long			mask[];
};

static void pass_begin(struct cpuinfo_pass *pass)
{
	pass->scope = NULL;
	pass->shown = false;
	pass->nr = 0;
}

/* Return: The pass, with the CPUs to show; NULL without memory. */
static struct cpuinfo_pass *pass_of(struct seq_file *m,
				    const struct metrics_view *view)
{
	struct cpuinfo_pass *pass = m->private;

	if (!pass) {
		pass = kzalloc(sizeof(*pass) + cpumask_size(), GFP_KERNEL);
		if (!pass)
			return NULL;
		/* Another reader may have had some of it, without a scope. */
		pass->shown = m->index > 0;
		m->private = pass;
	}
	if (pass->scope != view->scope) {
		metrics_scope_cpus(view->scope->cgrp, view->flags,
				   to_cpumask(pass->mask));
		pass->scope = view->scope;
	}
	return pass;
}

static int filter_from(struct seq_file *m, size_t from,
		       const struct metrics_view *view)
{
	struct cpuinfo_pass *pass;

	/* Didn't fit: seq_file asks again with a larger buffer. */
	if (seq_has_overflowed(m))
		return 0;
	pass = pass_of(m, view);
	if (!pass)
		return -ENOMEM;
	m->count = from + metrics_cpuinfo_filter(m->buf + from,
						 m->count - from,
						 to_cpumask(pass->mask));
	pass->shown |= m->count > from;
	return 0;
}

/* At the end of a pass that has left nothing, begin another one. */
static void *not_empty(struct seq_file *m, void *v, loff_t *pos)
{
	struct cpuinfo_pass *pass = m->private;

	if (v || !pass || !pass->scope || pass->shown || pass->nr == PASSES)
		return v;
	pass->nr++;
	pass->scope = NULL;
	/* Some architectures lock in start and unlock in stop. */
	cpuinfo_op.stop(m, v);
	*pos = 0;
	return cpuinfo_op.start(m, pos);
}

static void *start(struct seq_file *m, loff_t *pos)
{
	struct cpuinfo_pass *pass = m->private;

	if (pass && !*pos)
		pass_begin(pass);
	return not_empty(m, cpuinfo_op.start(m, pos), pos);
}

static void *next(struct seq_file *m, void *v, loff_t *pos)
{
	return not_empty(m, cpuinfo_op.next(m, v, pos), pos);
}

static void stop(struct seq_file *m, void *v)
{
	cpuinfo_op.stop(m, v);
}

static int show(struct seq_file *m, void *v)
{
	struct cpuinfo_pass *pass = m->private;
	struct metrics_view view;
	size_t from = m->count;
	int ret;

	ret = cpuinfo_op.show(m, v);
	if (ret)
		return ret;
	if (metrics_view_exists() && metrics_view_of(m, &view))
		return filter_from(m, from, &view);
	/* A pass can begin with one reader and go on with another. */
	if (pass)
		pass->shown = true;
	return 0;
}

/*
 * cpuinfo_op, filtered for a reader in a scoped namespace. seq_file::private,
 * which no architecture uses, is a struct cpuinfo_pass or NULL.
 */
const struct seq_operations metrics_ns_cpuinfo_op = {
	.start	= start,
	.next	= next,
	.stop	= stop,
	.show	= show,
};
