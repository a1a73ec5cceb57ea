// SPDX-License-Identifier: GPL-2.0
/*
 * Cgroup events: what is computed only while somebody listens.
 */

#include <linux/string.h>

#include "cgroup-internal.h"

#include <trace/events/cgroup.h>

/**
 * cgroup_trace_file_write - write to a file of a cgroup, and trace that
 * @cgrp: whose file it is
 * @of: the file, by whoever has it open
 * @buf: what is written, with a NUL behind it
 * @nbytes: how much that is
 * @off: where in the file
 *
 * What is traced is taken before: a handler takes the text apart, and one that
 * gives up the active reference of kernfs returns without one to the cgroup.
 *
 * Context: Process context.
 * Return: what the writer gets.
 */
ssize_t cgroup_trace_file_write(struct cgroup *cgrp,
				struct kernfs_open_file *of, char *buf,
				size_t nbytes, loff_t off)
{
	char file[CGROUP_FILE_NAME_MAX];
	char value[CGROUP_TRACE_VALUE_MAX];
	int root = cgrp->root->hierarchy_id;
	u64 id = cgroup_id(cgrp);
	ssize_t ret;

	strscpy(value, skip_spaces(buf));
	ret = __cgroup_file_write(of, buf, nbytes, off);
	kernfs_name(of->kn, file, sizeof(file));
	trace_cgroup_file_write(root, id, file, strim(value), ret);
	return ret;
}
