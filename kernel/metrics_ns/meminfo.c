// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a view: /proc/meminfo, /proc/swaps, /proc/vmstat and sysinfo(2).
 *
 * Limits are those of the scope's effective memory cgroup and all its
 * ancestors: the tightest one counts, and the machine's size is one of them.
 * Limits below the scope don't count. Amounts are those of the scope's own
 * memory cgroup and nobody else's: where the memory controller isn't enabled for
 * the scope they are those of the next view further out, in the end the
 * machine's, and for a removed cgroup they are 0.
 *
 * MemAvailable is the least of the machine's and, for the scope and each
 * ancestor with a limit, what is left of the limit once the file cache and the
 * reclaimable slab have been dropped. memory.min and memory.low are not taken
 * into account: they say what is reclaimed first, not what can be had.
 *
 * Lines, order and units are those of fs/proc/meminfo.c. What isn't counted per
 * cgroup is the machine's if it is a property of it (CommitLimit, VmallocTotal,
 * huge pages), and if it is an amount in use (Buffers, Mlocked, Balloon) 0 where
 * amounts are a cgroup's.
 */

#include <linux/blkdev.h>
#include <linux/cgroup.h>
#include <linux/cma.h>
#include <linux/hugetlb.h>
#include <linux/memblock.h>
#include <linux/memcontrol.h>
#include <linux/metrics_ns_view.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/page_counter.h>
#include <linux/percpu.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/swap.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>
#include <linux/zswap.h>

#include "internal.h"

/**
 * struct mem_view - the memory that a view shows, in pages
 * @memcg: whose amounts are shown, alive in the RCU read section that it was found
 *	in, or until mem_view_put(); NULL with @zero, and where they are the machine's
 * @zero: the scope's cgroup is removed
 * @total: RAM
 * @free: RAM not in use
 * @available: RAM that can be had without swapping, if that was asked for
 * @swap_total: swap space
 * @swap_free: swap space not in use
 */
struct mem_view {
	struct mem_cgroup	*memcg;
	bool			zero;
	unsigned long		total;
	unsigned long		free;
	unsigned long		available;
	unsigned long		swap_total;
	unsigned long		swap_free;
};

/* Find whose amounts to show: the scope's, or those of the next view out. */
static void find_amounts(struct metrics_view view, struct mem_view *mem)
{
	struct cgroup_subsys_state *css;

	css = metrics_view_css(&view, memory_cgrp_id);
	mem->memcg = mem_cgroup_from_css(css);
	mem->zero = !css && view.scope;
}

/* An item of memory.stat in pages; bytes wouldn't fit a long everywhere. */
static unsigned long memcg_pages(struct mem_cgroup *memcg, int item)
{
	unsigned long value = memcg_page_state(memcg, item);

	switch (item) {
	case MEMCG_PERCPU_B:
	case MEMCG_ZSWAP_B:
	case NR_SLAB_RECLAIMABLE_B:
	case NR_SLAB_UNRECLAIMABLE_B:
		return value >> PAGE_SHIFT;
	case NR_KERNEL_STACK_KB:
		return value >> (PAGE_SHIFT - 10);
	default:
		return value;
	}
}

/* In pages; @machine is what to show where there is no cgroup to ask. */
static unsigned long amount(const struct mem_view *mem, int item,
			    unsigned long machine)
{
	if (mem->memcg)
		return memcg_pages(mem->memcg, item);
	return mem->zero ? 0 : machine;
}

/* What no cgroup counts. */
static unsigned long machine_amount(const struct mem_view *mem,
				    unsigned long machine)
{
	return mem->memcg || mem->zero ? 0 : machine;
}

static unsigned long machine_node_amount(const struct mem_view *mem,
					 enum node_stat_item item)
{
	return machine_amount(mem, global_node_page_state_pages(item));
}

static unsigned long node_amount(const struct mem_view *mem,
				 enum node_stat_item item)
{
	return amount(mem, item, global_node_page_state_pages(item));
}

static unsigned long swapcache_amount(const struct mem_view *mem)
{
#ifdef CONFIG_SWAP
	return node_amount(mem, NR_SWAPCACHE);
#else
	return 0;
#endif
}

static unsigned long memcg_reclaimable(struct mem_cgroup *memcg)
{
	return memcg_pages(memcg, NR_ACTIVE_FILE) +
	       memcg_pages(memcg, NR_INACTIVE_FILE) +
	       memcg_pages(memcg, NR_SLAB_RECLAIMABLE_B);
}

/* The nearest one that is there to stay, unlike that of cgroup_e_css() */
static struct mem_cgroup *limited_memcg(struct cgroup *cgrp)
{
	struct cgroup_subsys_state *css;

	for (; cgrp; cgrp = cgroup_parent(cgrp)) {
		css = metrics_own_css(cgrp, memory_cgrp_id);
		if (css)
			return mem_cgroup_from_css(css);
	}
	return NULL;
}

static void apply_limits(struct mem_view *mem, struct cgroup *cgrp,
			 bool available)
{
	struct mem_cgroup *memcg = limited_memcg(cgrp);
	unsigned long max;

	for (; memcg && !mem_cgroup_is_root(memcg);
	     memcg = parent_mem_cgroup(memcg)) {
		max = READ_ONCE(memcg->swap.max);
		mem->swap_total = min(mem->swap_total, max);

		max = READ_ONCE(memcg->memory.max);
		if (max != PAGE_COUNTER_MAX)
			metrics_mem_narrow(&mem->total, &mem->available, max,
					   page_counter_read(&memcg->memory),
					   available ?
					   memcg_reclaimable(memcg) : 0);
	}
}

static void apply_usage(struct mem_view *mem, const struct sysinfo *machine)
{
	unsigned long usage, swap;

	if (mem->memcg) {
		usage = page_counter_read(&mem->memcg->memory);
		swap = page_counter_read(&mem->memcg->swap);
	} else if (mem->zero) {
		usage = 0;
		swap = 0;
	} else {
		usage = machine->totalram - machine->freeram;
		swap = machine->totalswap - machine->freeswap;
	}

	mem->free = mem->total - min(mem->total, usage);
	if (mem->total == machine->totalram)
		mem->free = min(mem->free, machine->freeram);
	mem->swap_free = mem->swap_total - min(mem->swap_total, swap);
	if (mem->swap_total == machine->totalswap)
		mem->swap_free = min(mem->swap_free, machine->freeswap);
}

/*
 * In an RCU read section. @machine holds the machine's values, in pages. MemAvailable
 * takes most of the time; without @available it isn't worked out.
 */
static void mem_view_find(struct mem_view *mem, const struct metrics_view *view,
			  const struct sysinfo *machine, bool available)
{
	mem->total = machine->totalram;
	mem->available = available ? si_mem_available() : 0;
	mem->swap_total = machine->totalswap;

	find_amounts(*view, mem);
	apply_limits(mem, view->scope->cgrp, available);
	mem->total = max(mem->total, 1UL);
	mem->available = min(mem->available, mem->total);
	apply_usage(mem, machine);
}

static void flush_stats(struct cgroup *cgrp)
{
	struct cgroup_subsys_state *css;

	css = cgroup_get_e_css(cgrp, &memory_cgrp_subsys);
	mem_cgroup_flush_stats(mem_cgroup_from_css(css));
	css_put(css);
}

/* As mem_view_find(), for a reader that may sleep */
static bool mem_view_get(struct mem_view *mem, const struct metrics_view *view,
			 const struct sysinfo *machine, bool available)
{
	if (mem_cgroup_disabled())
		return false;

	flush_stats(view->scope->cgrp);
	guard(rcu)();
	mem_view_find(mem, view, machine, available);
	if (mem->memcg)
		css_get(&mem->memcg->css);
	return true;
}

static void mem_view_put(struct mem_view *mem)
{
	if (mem->memcg)
		css_put(&mem->memcg->css);
}

/* What a file is to show, for mem_view_put(); false if it is the machine. */
static bool mem_view_of(const struct seq_file *m, struct metrics_view *view,
			struct mem_view *mem, bool available)
{
	struct sysinfo machine;

	if (!metrics_view_of(m, view))
		return false;
	si_meminfo(&machine);
	si_swapinfo(&machine);
	return mem_view_get(mem, view, &machine, available);
}

static void show_kb(struct seq_file *m, const char *s, unsigned long pages)
{
	seq_put_decimal_ull_width(m, s, pages << (PAGE_SHIFT - 10), 8);
	seq_write(m, " kB\n", 4);
}

static void show_sizes(struct seq_file *m, const struct mem_view *mem)
{
	unsigned long swapcache = swapcache_amount(mem);
	unsigned long buffers = machine_amount(mem, nr_blockdev_pages());
	unsigned long file = node_amount(mem, NR_FILE_PAGES);

	show_kb(m, "MemTotal:       ", mem->total);
	show_kb(m, "MemFree:        ", mem->free);
	show_kb(m, "MemAvailable:   ", mem->available);
	show_kb(m, "Buffers:        ", buffers);
	show_kb(m, "Cached:         ", file - min(file, swapcache + buffers));
	show_kb(m, "SwapCached:     ", swapcache);
}

static void show_lru(struct seq_file *m, const struct mem_view *mem)
{
	unsigned long active_anon = node_amount(mem, NR_ACTIVE_ANON);
	unsigned long inactive_anon = node_amount(mem, NR_INACTIVE_ANON);
	unsigned long active_file = node_amount(mem, NR_ACTIVE_FILE);
	unsigned long inactive_file = node_amount(mem, NR_INACTIVE_FILE);

	show_kb(m, "Active:         ", active_anon + active_file);
	show_kb(m, "Inactive:       ", inactive_anon + inactive_file);
	show_kb(m, "Active(anon):   ", active_anon);
	show_kb(m, "Inactive(anon): ", inactive_anon);
	show_kb(m, "Active(file):   ", active_file);
	show_kb(m, "Inactive(file): ", inactive_file);
	show_kb(m, "Unevictable:    ", node_amount(mem, NR_UNEVICTABLE));
	show_kb(m, "Mlocked:        ",
		machine_amount(mem, global_zone_page_state(NR_MLOCK)));
}

/* Only 32-bit kernels have high memory, and only these kernels lines of it. */
static void show_highmem(struct seq_file *m, const struct mem_view *mem)
{
#ifdef CONFIG_HIGHMEM
	show_kb(m, "HighTotal:      ", 0);
	show_kb(m, "HighFree:       ", 0);
	show_kb(m, "LowTotal:       ", mem->total);
	show_kb(m, "LowFree:        ", mem->free);
#endif
#ifndef CONFIG_MMU
	show_kb(m, "MmapCopy:       ", 0);
#endif
}

static void show_swap(struct seq_file *m, const struct mem_view *mem)
{
	show_kb(m, "SwapTotal:      ", mem->swap_total);
	show_kb(m, "SwapFree:       ", mem->swap_free);
#ifdef CONFIG_ZSWAP
	show_kb(m, "Zswap:          ",
		amount(mem, MEMCG_ZSWAP_B, zswap_total_pages()));
	show_kb(m, "Zswapped:       ",
		amount(mem, MEMCG_ZSWAPPED,
		       atomic_long_read(&zswap_stored_pages)));
#endif
}

static void show_slab(struct seq_file *m, const struct mem_view *mem)
{
	unsigned long reclaimable = node_amount(mem, NR_SLAB_RECLAIMABLE_B);
	unsigned long unreclaim = node_amount(mem, NR_SLAB_UNRECLAIMABLE_B);

	show_kb(m, "KReclaimable:   ", reclaimable +
		machine_node_amount(mem, NR_KERNEL_MISC_RECLAIMABLE));
	show_kb(m, "Slab:           ", reclaimable + unreclaim);
	show_kb(m, "SReclaimable:   ", reclaimable);
	show_kb(m, "SUnreclaim:     ", unreclaim);
}

static void show_use(struct seq_file *m, const struct mem_view *mem)
{
	show_kb(m, "Dirty:          ", node_amount(mem, NR_FILE_DIRTY));
	show_kb(m, "Writeback:      ", node_amount(mem, NR_WRITEBACK));
	show_kb(m, "AnonPages:      ", node_amount(mem, NR_ANON_MAPPED));
	show_kb(m, "Mapped:         ", node_amount(mem, NR_FILE_MAPPED));
	show_kb(m, "Shmem:          ", node_amount(mem, NR_SHMEM));
	show_slab(m, mem);
	show_kb(m, "KernelStack:    ",
		amount(mem, NR_KERNEL_STACK_KB,
		       global_node_page_state(NR_KERNEL_STACK_KB) >>
		       (PAGE_SHIFT - 10)));
#ifdef CONFIG_SHADOW_CALL_STACK
	show_kb(m, "ShadowCallStack:",
		machine_amount(mem, global_node_page_state(NR_KERNEL_SCS_KB) >>
			       (PAGE_SHIFT - 10)));
#endif
	show_kb(m, "PageTables:     ", node_amount(mem, NR_PAGETABLE));
	show_kb(m, "SecPageTables:  ",
		node_amount(mem, NR_SECONDARY_PAGETABLE));
}

static void show_machine(struct seq_file *m, const struct mem_view *mem)
{
	show_kb(m, "NFS_Unstable:   ", 0);
	show_kb(m, "Bounce:         ", 0);
	show_kb(m, "WritebackTmp:   ", 0);
	show_kb(m, "CommitLimit:    ", vm_commit_limit());
	show_kb(m, "Committed_AS:   ", vm_memory_committed());
	show_kb(m, "VmallocTotal:   ",
		(unsigned long)VMALLOC_TOTAL >> PAGE_SHIFT);
	show_kb(m, "VmallocUsed:    ", node_amount(mem, NR_VMALLOC));
	show_kb(m, "VmallocChunk:   ", 0);
	show_kb(m, "Percpu:         ",
		amount(mem, MEMCG_PERCPU_B, pcpu_nr_pages()));
	memtest_report_meminfo(m);
#ifdef CONFIG_MEMORY_FAILURE
	seq_printf(m, "HardwareCorrupted: %5lu kB\n",
		   atomic_long_read(&num_poisoned_pages) << (PAGE_SHIFT - 10));
#endif
}

static void show_thp(struct seq_file *m, const struct mem_view *mem)
{
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	show_kb(m, "AnonHugePages:  ", node_amount(mem, NR_ANON_THPS));
	show_kb(m, "ShmemHugePages: ", node_amount(mem, NR_SHMEM_THPS));
	show_kb(m, "ShmemPmdMapped: ",
		machine_node_amount(mem, NR_SHMEM_PMDMAPPED));
	show_kb(m, "FileHugePages:  ", node_amount(mem, NR_FILE_THPS));
	show_kb(m, "FilePmdMapped:  ",
		machine_node_amount(mem, NR_FILE_PMDMAPPED));
#endif
}

static void show_devices(struct seq_file *m, const struct mem_view *mem)
{
#ifdef CONFIG_CMA
	show_kb(m, "CmaTotal:       ", machine_amount(mem, totalcma_pages));
	show_kb(m, "CmaFree:        ",
		machine_amount(mem, global_zone_page_state(NR_FREE_CMA_PAGES)));
#endif
#ifdef CONFIG_UNACCEPTED_MEMORY
	show_kb(m, "Unaccepted:     ",
		machine_amount(mem, global_zone_page_state(NR_UNACCEPTED)));
#endif
	show_kb(m, "Balloon:        ",
		machine_node_amount(mem, NR_BALLOON_PAGES));
	show_kb(m, "GPUActive:      ", machine_node_amount(mem, NR_GPU_ACTIVE));
	show_kb(m, "GPUReclaim:     ",
		machine_node_amount(mem, NR_GPU_RECLAIM));
}

bool __metrics_ns_show_meminfo(struct seq_file *m)
{
	struct metrics_view view;
	struct mem_view mem;

	if (!mem_view_of(m, &view, &mem, true))
		return false;

	show_sizes(m, &mem);
	show_lru(m, &mem);
	show_highmem(m, &mem);
	show_swap(m, &mem);
	show_use(m, &mem);
	show_machine(m, &mem);
	show_thp(m, &mem);
	show_devices(m, &mem);
	hugetlb_report_meminfo(m);
	arch_report_meminfo(m);

	mem_view_put(&mem);
	return true;
}

/*
 * A cgroup has a right to swap space but no swap device, so the line names none,
 * as that of lxcfs, which programs have met before.
 */
static void show_swap_line(struct seq_file *m, const struct mem_view *mem)
{
	unsigned long size = mem->swap_total << (PAGE_SHIFT - 10);
	unsigned long used = (mem->swap_total - mem->swap_free) <<
			     (PAGE_SHIFT - 10);

	seq_printf(m, "%-40svirtual\t\t%lu\t%s%lu\t%s%d\n", "none",
		   size, size < 10000000 ? "\t" : "",
		   used, used < 10000000 ? "\t" : "", 0);
}

bool __metrics_ns_show_swaps(struct seq_file *m, bool first)
{
	struct metrics_view view;
	struct mem_view mem;

	if (!first)
		return !mem_cgroup_disabled() && metrics_view_of(m, &view);
	if (!mem_view_of(m, &view, &mem, false))
		return false;

	seq_puts(m, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	if (mem.swap_total)
		show_swap_line(m, &mem);
	mem_view_put(&mem);
	return true;
}

/* What a zone counts, as far as a cgroup knows it */
static void show_zone_items(unsigned long *items, const struct mem_view *mem)
{
	for (int i = 0; i < NR_LRU_LISTS; i++)
		items[NR_ZONE_LRU_BASE + i] = node_amount(mem, NR_LRU_BASE + i);
	items[NR_ZONE_WRITE_PENDING] = node_amount(mem, NR_FILE_DIRTY) +
				       node_amount(mem, NR_WRITEBACK);
}

/* In the units of vmstat_start() */
static void show_node_items(unsigned long *items, const struct mem_view *mem)
{
	for (int i = 0; i < NR_VM_NODE_STAT_ITEMS; i++) {
		items[i] = 0;
		if (!mem->memcg || !memcg_stat_item_valid(i))
			continue;
		items[i] = memcg_page_state(mem->memcg, i);
		if (vmstat_item_in_bytes(i))
			items[i] >>= PAGE_SHIFT;
		if (vmstat_item_print_in_thp(i))
			items[i] /= HPAGE_PMD_NR;
	}
}

/* The cgroup's pgpgin and pgpgout are something else, as is its oom_kill. */
static void show_events(unsigned long *events, const struct mem_view *mem,
			const struct metrics_view *view)
{
#ifdef CONFIG_VM_EVENT_COUNTERS
	unsigned long in = events[PGPGIN], out = events[PGPGOUT];

	for (int i = 0; i < NR_VM_EVENT_ITEMS; i++)
		events[i] = mem->memcg && memcg_vm_event_item_valid(i) ?
			    memcg_events(mem->memcg, i) : 0;
	if (mem->memcg)
		events[OOM_KILL] =
			atomic_long_read(&mem->memcg->memory_events[MEMCG_OOM_KILL]);
	metrics_view_io(*view, &in, &out);
	events[PGPGIN] = in;
	events[PGPGOUT] = out;
#endif
}

void __metrics_ns_vmstat(struct seq_file *m, unsigned long *events)
{
	unsigned long *nodes = events - NR_VM_STAT_ITEMS - NR_VM_NODE_STAT_ITEMS;
	unsigned long *items = m->private;
	struct metrics_view view;
	struct mem_view mem;

	if (!mem_view_of(m, &view, &mem, false))
		return;
	if (mem.memcg || mem.zero) {
		memset(items, 0, (nodes - items) * sizeof(*items));
		show_zone_items(items, &mem);
		show_node_items(nodes, &mem);
		show_events(events, &mem, &view);
	}
	items[NR_FREE_PAGES] = mem.free;
	mem_view_put(&mem);
}

/**
 * metrics_view_sysinfo_memory - put the memory of a view into a sysinfo
 * @view: with a scope
 * @info: holds the machine's values, in pages
 *
 * Nothing is flushed here: shared memory may be as old as statistics of cgroups
 * become, about two seconds.
 *
 * Context: RCU read section.
 */
void metrics_view_sysinfo_memory(const struct metrics_view *view,
				 struct sysinfo *info)
{
	struct mem_view mem __uninitialized;

	if (mem_cgroup_disabled())
		return;

	mem_view_find(&mem, view, info, false);
	info->totalram = mem.total;
	info->freeram = mem.free;
	info->sharedram = node_amount(&mem, NR_SHMEM);
	info->bufferram = machine_amount(&mem, info->bufferram);
	info->totalswap = mem.swap_total;
	info->freeswap = mem.swap_free;
	info->totalhigh = 0;
	info->freehigh = 0;
}
