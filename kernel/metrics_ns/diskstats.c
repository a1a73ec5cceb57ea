// SPDX-License-Identifier: GPL-2.0
/*
 * Disks of a view: /proc/diskstats, stat in /sys/block, and what /proc/vmstat has of
 * them.
 *
 * The I/O controller keeps the requests and bytes of each disk that a cgroup or
 * one below it has used, since the cgroup was made. These disks are shown, with
 * these numbers. Partitions, merged requests, flushes, what is in flight and how
 * long anything took are kept of the disk alone, so there are no lines of
 * partitions, and the other numbers are 0. sysfs has a file for each disk and
 * partition, where what isn't counted, or wasn't used, is 0.
 *
 * Where the controller isn't enabled for the scope's cgroup, it is what the next
 * view further out shows, in the end the machine's. A removed cgroup has none.
 */

#include <linux/blkdev.h>
#include <linux/cgroup.h>
#include <linux/jiffies.h>
#include <linux/metrics_ns_view.h>
#include <linux/part_stat.h>
#include <linux/seq_file.h>

#include "../../block/blk-cgroup.h"
#include "internal.h"

static void read_iostat(struct blkcg_gq *blkg, struct blkg_iostat *stat)
{
	struct blkg_iostat_set *set = &blkg->iostat;
	unsigned int seq;

	do {
		seq = u64_stats_fetch_begin(&set->sync);
		*stat = set->cur;
	} while (u64_stats_fetch_retry(&set->sync, seq));
}

/* Has the cgroup used that disk? */
static bool find_iostat(struct cgroup_subsys_state *css, struct gendisk *disk,
			struct blkg_iostat *stat)
{
	struct blkcg_gq *blkg;

	guard(rcu)();
	blkg = blkg_lookup(css_to_blkcg(css), disk->queue);
	if (!blkg)
		return false;
	read_iostat(blkg, stat);
	return stat->ios[BLKG_IOSTAT_READ] || stat->ios[BLKG_IOSTAT_WRITE] ||
	       stat->ios[BLKG_IOSTAT_DISCARD];
}

static void add_delta(struct metrics_io *io, u64 sum)
{
	if (sum > io->last)
		io->total += sum - io->last;
	io->last = sum;
}

/*
 * The sum of the disks goes back when one of them goes, and a controller that was
 * enabled again has forgotten what was before; the totals keep what was there at
 * the last update.
 */
static void sum_up(struct metrics_scope *scope, struct cgroup_subsys_state *css)
{
	struct blkg_iostat stat;
	struct blkcg_gq *blkg;
	u64 in = 0, out = 0;

	scoped_guard(rcu) {
		hlist_for_each_entry_rcu(blkg, &css_to_blkcg(css)->blkg_list,
					 blkcg_node) {
			read_iostat(blkg, &stat);
			in += stat.bytes[BLKG_IOSTAT_READ];
			out += stat.bytes[BLKG_IOSTAT_WRITE];
		}
	}
	guard(spinlock)(&scope->lock);
	if (scope->io_serial != css->serial_nr) {
		scope->in.last = 0;
		scope->out.last = 0;
		scope->io_serial = css->serial_nr;
	}
	add_delta(&scope->in, in);
	add_delta(&scope->out, out);
}

/* At most once a tick, as for CPU times, and not by the same lock as the sampler */
static void update_io(struct metrics_scope *scope,
		      struct cgroup_subsys_state *css)
{
	u64 called = get_jiffies_64();

	if (READ_ONCE(scope->io_updated) == called)
		return;

	guard(mutex)(&scope->io_lock);
	if (scope->io_updated >= called)
		return;
	called = get_jiffies_64();
	css_rstat_flush(css);
	sum_up(scope, css);
	WRITE_ONCE(scope->io_updated, called);
}

/* Requests, of which none is known to be merged, sectors, and no time. */
static void show_requests(struct seq_file *m, const struct blkg_iostat *stat,
			  enum blkg_iostat_type type)
{
	seq_put_decimal_ull(m, " ", stat->ios[type]);
	seq_puts(m, " 0");
	seq_put_decimal_ull(m, " ", stat->bytes[type] >> SECTOR_SHIFT);
	seq_puts(m, " 0");
}

static void show_disk(struct seq_file *m, struct gendisk *disk,
		      const struct blkg_iostat *stat)
{
	seq_put_decimal_ull_width(m, "", MAJOR(disk_devt(disk)), 4);
	seq_put_decimal_ull_width(m, " ", MINOR(disk_devt(disk)), 7);
	seq_printf(m, " %s", disk->disk_name);
	show_requests(m, stat, BLKG_IOSTAT_READ);
	show_requests(m, stat, BLKG_IOSTAT_WRITE);
	/* In flight, time of I/O, weighted */
	seq_puts(m, " 0 0 0");
	show_requests(m, stat, BLKG_IOSTAT_DISCARD);
	/* Flushes, and their time */
	seq_puts(m, " 0 0\n");
}

/* As metrics_view_css(), but for css_put(): readers sleep. */
static struct cgroup_subsys_state *io_css(struct metrics_view *view)
{
	struct cgroup_subsys_state *css;

	guard(rcu)();
	css = metrics_view_css(view, io_cgrp_id);
	if (css)
		css_get(css);
	return css;
}

bool __metrics_ns_show_diskstats(struct seq_file *m, struct gendisk *disk)
{
	struct cgroup_subsys_state *css;
	struct metrics_view view;
	struct blkg_iostat stat;

	if (!metrics_view_of(m, &view))
		return false;
	css = io_css(&view);
	if (!css)
		return view.scope;

	update_io(view.scope, css);
	if (find_iostat(css, disk, &stat))
		show_disk(m, disk, &stat);
	css_put(css);
	return true;
}

void __metrics_ns_part_stat(struct block_device *bdev, struct disk_stats *stat,
			    unsigned int *inflight)
{
	struct cgroup_subsys_state *css;
	struct blkg_iostat io = {};
	struct metrics_view view;

	static_assert((int)STAT_READ == (int)BLKG_IOSTAT_READ &&
		      (int)STAT_WRITE == (int)BLKG_IOSTAT_WRITE &&
		      (int)STAT_DISCARD == (int)BLKG_IOSTAT_DISCARD);
	if (!metrics_view_current(&view))
		return;
	css = io_css(&view);
	if (!css && !view.scope)
		return;
	if (css) {
		update_io(view.scope, css);
		if (!bdev_is_partition(bdev))
			find_iostat(css, bdev->bd_disk, &io);
		css_put(css);
	}

	memset(stat, 0, sizeof(*stat));
	for (int i = 0; i < BLKG_IOSTAT_NR; i++) {
		stat->ios[i] = io.ios[i];
		stat->sectors[i] = io.bytes[i] >> SECTOR_SHIFT;
	}
	*inflight = 0;
}

/**
 * metrics_view_io - what has been read from disks, and written to them
 * @view: with a scope
 * @in: KiB read; left alone if the machine's are to be shown
 * @out: KiB written, likewise
 *
 * The sum of the disks; so with a disk on top of another it counts twice.
 */
void metrics_view_io(struct metrics_view view, unsigned long *in,
		     unsigned long *out)
{
	struct cgroup_subsys_state *css = io_css(&view);

	if (!view.scope)
		return;
	if (!css) {
		*in = 0;
		*out = 0;
		return;
	}
	update_io(view.scope, css);
	css_put(css);
	guard(spinlock)(&view.scope->lock);
	*in = view.scope->in.total >> 10;
	*out = view.scope->out.total >> 10;
}
