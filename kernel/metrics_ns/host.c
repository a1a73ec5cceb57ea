// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/host: the machine, for who is shown a view and may see more.
 *
 * Its files are those of /proc in another directory, with the same operations but
 * for opening and writing. What shows a view asks metrics_view_of(), which finds by
 * the directory that none is wanted. What follows another namespace, such as the
 * time since the boot and the last PID, does so here, too.
 *
 * In a scoped namespace it takes METRICS_NS_HOST_VIEW in force. Elsewhere there is
 * nothing in it that isn't in /proc; but files there may be masked, by a container
 * runtime or for a service, and a second name for them mustn't be a way round that.
 * So it takes the capability to mount another /proc. Who may open is settled when a
 * file is opened: a file that is passed on stays readable.
 */

#include <linux/capability.h>
#include <linux/init.h>
#include <linux/metrics_ns.h>
#include <linux/metrics_ns_view.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "../../fs/proc/internal.h"
#include "internal.h"

/**
 * struct host_file - a file of /proc/host
 * @dir: its directory in /proc, or NULL
 * @name: its name
 * @machine: the operations of that file in /proc
 * @ops: those in /proc/host
 */
struct host_file {
	const char		*dir;
	const char		*name;
	const struct proc_ops	*machine;
	struct proc_ops		ops;
};

static struct host_file host_files[] __ro_after_init = {
	{ .name = "cpuinfo" },
	{ .name = "diskstats" },
	{ .name = "loadavg" },
	{ .name = "meminfo" },
	{ .name = "stat" },
	{ .name = "swaps" },
	{ .name = "uptime" },
	{ .name = "vmstat" },
	{ .dir = "pressure", .name = "cpu" },
	{ .dir = "pressure", .name = "io" },
	{ .dir = "pressure", .name = "irq" },
	{ .dir = "pressure", .name = "memory" },
};

static struct proc_dir_entry *host_dir __ro_after_init;
static struct proc_dir_entry *host_pressure_dir __ro_after_init;

static bool is_host_file(const struct file *file)
{
	const struct proc_dir_entry *dir = PDE(file_inode(file))->parent;

	return dir == host_dir || dir == host_pressure_dir;
}

/**
 * metrics_view_of - find what current is to be shown in a file of /proc
 * @m: the file
 * @view: filled in if there is a view
 *
 * Return: false if it is the machine.
 */
bool metrics_view_of(const struct seq_file *m, struct metrics_view *view)
{
	return metrics_view_current(view) && !is_host_file(m->file);
}

static bool may_open(void)
{
	struct metrics_view view;

	if (metrics_view_exists() && metrics_view_current(&view))
		return view.flags & METRICS_NS_HOST_VIEW;
	return capable(CAP_SYS_ADMIN);
}

static int host_open(struct inode *inode, struct file *file)
{
	const struct host_file *host;

	if (!may_open())
		return -EACCES;
	host = container_of_const(PDE(inode)->proc_ops, struct host_file, ops);
	return host->machine->proc_open(inode, file);
}

/* Entries of /proc that aren't there aren't here, either. */
static void __init host_add(struct host_file *host,
			    struct proc_dir_entry *machine,
			    struct proc_dir_entry *dir)
{
	struct proc_dir_entry *pde;

	if (!machine)
		return;
	pde = proc_create_reg(host->name, 0444, &dir, NULL);
	if (!pde)
		return;
	host->machine = machine->proc_ops;
	host->ops = *machine->proc_ops;
	host->ops.proc_open = host_open;
	/* Those that can be written to are polled for what was written. */
	if (host->ops.proc_write)
		host->ops.proc_poll = NULL;
	host->ops.proc_write = NULL;
	pde->proc_ops = &host->ops;
	pde->seq_ops = machine->seq_ops;
	pde->state_size = machine->state_size;
	proc_register(dir, pde);
}

static int __init host_init(void)
{
	struct proc_dir_entry *pressure = proc_find(&proc_root, "pressure");

	host_dir = proc_mkdir("host", NULL);
	if (!host_dir)
		return -ENOMEM;
	if (pressure)
		host_pressure_dir = proc_mkdir("pressure", host_dir);

	for (size_t i = 0; i < ARRAY_SIZE(host_files); i++) {
		struct host_file *host = &host_files[i];

		if (!host->dir)
			host_add(host, proc_find(&proc_root, host->name),
				 host_dir);
		else if (host_pressure_dir)
			host_add(host, proc_find(pressure, host->name),
				 host_pressure_dir);
	}
	return 0;
}
late_initcall(host_init);
