// SPDX-License-Identifier: GPL-2.0
/* The metrics namespace's own kernel interface */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "metricsns.h"
#include "util.h"

#define LIST_CHUNK 256

const struct metricsns_flag metricsns_flags[3] = {
	{ METRICS_NS_AUTO_SCOPE, "auto-scope" },
	{ METRICS_NS_HOST_VIEW, "host-view" },
	{ METRICS_NS_QUOTA_CPUS, "quota-cpus" },
};

/** metricsns_supported - does the running kernel have metrics namespaces? */
int metricsns_supported(void)
{
	return !access("/proc/self/ns/metrics", F_OK);
}

/**
 * metricsns_require - say so if the running kernel has no metrics namespaces
 *
 * Return: 0; -1.
 */
int metricsns_require(void)
{
	if (metricsns_supported())
		return 0;
	if (access("/proc/self/ns", F_OK))
		msg("/proc/self/ns cannot be read: is /proc mounted?");
	else
		msg("this kernel has no metrics namespaces: boot one with "
		    "CONFIG_METRICS_NS ('cid check' tells what there is)");
	return -1;
}

/**
 * metricsns_open_id - open a metrics namespace by its ID
 * @id: the namespace's ID
 *
 * Works for a namespace without processes, too. To open any but the own one
 * takes CAP_SYS_ADMIN in the initial PID namespace.
 *
 * Return: a file descriptor; -1 and errno.
 */
int metricsns_open_id(uint64_t id)
{
	const struct nsfs_file_handle fh = {
		.ns_id = id,	/* type and inum: both or neither */
	};
	union {
		struct file_handle h;
		char space[sizeof(struct file_handle) + sizeof(fh)];
	} u = {};

	u.h.handle_bytes = sizeof(fh);
	u.h.handle_type = CID_FILEID_NSFS;
	memcpy(u.h.f_handle, &fh, sizeof(fh));
	return open_by_handle_at(FD_NSFS_ROOT, &u.h, O_RDONLY | O_CLOEXEC);
}

/**
 * metricsns_open_pid - open the metrics namespace of a process
 * @pid: the process, 0 for the caller
 *
 * Return: a file descriptor; -1 and errno.
 */
int metricsns_open_pid(pid_t pid)
{
	char path[64];

	if (!pid)
		return open("/proc/self/ns/metrics", O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/ns/metrics", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/**
 * metricsns_get - what a metrics namespace is
 * @fd: the namespace, the caller's own or one below it
 * @info: gets the answer
 *
 * Return: 0; -1 and errno.
 */
int metricsns_get(int fd, struct metrics_ns_info *info)
{
	memset(info, 0, sizeof(*info));
	return ioctl(fd, NS_METRICS_GET, info);
}

/**
 * metricsns_set - label, scope and flag a metrics namespace from outside
 * @fd: the namespace, one below the caller's own
 * @label: valid label, or NULL
 * @scope_fd: directory of a cgroup, or -1
 * @flags: METRICS_NS_*
 *
 * Return: 0; -1 and errno.
 */
int metricsns_set(int fd, const char *label, int scope_fd, uint32_t flags)
{
	struct metrics_ns_set set = {};

	if (label) {
		set.mask |= NS_METRICS_SET_LABEL;
		set.label_len = strnlen(label, sizeof(set.label));
		memcpy(set.label, label, set.label_len);
	}
	if (scope_fd >= 0) {
		set.mask |= NS_METRICS_SET_SCOPE;
		set.scope_fd = scope_fd;
	}
	if (flags) {
		set.mask |= NS_METRICS_SET_FLAGS;
		set.flags = flags;
	}
	if (!set.mask)
		return 0;
	return ioctl(fd, NS_METRICS_SET, &set);
}

/**
 * metricsns_list - the IDs of all metrics namespaces that the caller may see
 * @ids: gets a new array, in ascending order
 * @nr: gets its length
 *
 * Return: 0; -1 and errno.
 */
int metricsns_list(uint64_t **ids, size_t *nr)
{
	struct ns_id_req req = {
		.size = sizeof(req),
		.ns_type = CID_METRICS_NS_TYPE,
	};
	uint64_t *res = NULL;
	size_t len = 0;
	long n;

	do {
		res = xreallocarray(res, len + LIST_CHUNK, sizeof(*res));
		n = syscall(SYS_listns, &req, res + len, LIST_CHUNK, 0);
		/* None behind the last one of the previous chunk */
		if (n < 0 && errno == ENOENT && len)
			n = 0;
		if (n < 0) {
			free(res);
			return -1;
		}
		len += n;
		if (len)
			req.ns_id = res[len - 1];
	} while (n == LIST_CHUNK);

	*ids = res;
	*nr = len;
	return 0;
}

/** metricsns_label_valid - would the kernel take it as a label? */
int metricsns_label_valid(const char *label)
{
	size_t len = strlen(label);

	if (!len || len > NS_METRICS_LABEL_MAX)
		return 0;
	for (; *label; label++)
		if (*label < 0x20 || *label > 0x7e)
			return 0;
	return 1;
}

/**
 * metricsns_label - the label as a string
 * @info: from metricsns_get()
 * @buf: gets it, empty if there is none
 */
void metricsns_label(const struct metrics_ns_info *info,
		     char buf[NS_METRICS_LABEL_MAX + 1])
{
	size_t len = info->label_len;

	if (len > NS_METRICS_LABEL_MAX)
		len = NS_METRICS_LABEL_MAX;
	memcpy(buf, info->label, len);
	buf[len] = '\0';
}
