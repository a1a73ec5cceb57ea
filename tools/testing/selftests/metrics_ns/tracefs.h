/* SPDX-License-Identifier: GPL-2.0 */
/* An instance of the tracer, for events that only one test listens to. */
#ifndef __SELFTESTS_METRICS_NS_TRACEFS_H
#define __SELFTESTS_METRICS_NS_TRACEFS_H

#include "metrics_ns.h"

#define TRACEFS		"/sys/kernel/tracing"
#define TRACE_MAX	(256 * 1024)

/* Returns its directory, or -errno. */
static inline int instance_make(const char *name)
{
	char path[CGROUP_PATH_MAX];

	snprintf(path, sizeof(path), TRACEFS "/instances/%s", name);
	if (mkdir(path, 0700))
		return -errno;
	return or_errno(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static inline void instance_remove(int instance, const char *name)
{
	char path[CGROUP_PATH_MAX];

	close(instance);
	snprintf(path, sizeof(path), TRACEFS "/instances/%s", name);
	rmdir(path);
}

/* What has been recorded so far, up to the next call; NULL on failure. */
static inline const char *instance_read(int instance)
{
	static char trace[TRACE_MAX];

	return read_file_at(instance, "trace", trace, sizeof(trace)) ? trace :
								       NULL;
}

#endif /* __SELFTESTS_METRICS_NS_TRACEFS_H */
