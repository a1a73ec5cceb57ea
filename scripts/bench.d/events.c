// SPDX-License-Identifier: GPL-2.0
/*
 * What an event costs while it is on: an operation that it is part of is timed
 * without it and with it, in turns, and the difference is divided by the number
 * of events. That is what tracefs has counted: no operation is taken at its word.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define TRACEFS		"/sys/kernel/tracing"

/* off, on, on, off, ...: what changes slowly is the same for both. Even. */
#define TURNS		10

/* --- operations that nothing but their event is measured by --- */

static void run_unshare_here(const void *arg)
{
	const struct ns *ns = arg;

	if (unshare(ns->flag))
		err(1, "unshare");
}

/* Nobody enters the user namespace that he is in. */
static void run_setns_refused(const void *arg)
{
	const struct ns *ns = arg;
	static int fd = -1;

	if (fd < 0)
		fd = open(ns->path, O_RDONLY | O_CLOEXEC);
	if (!setns(fd, ns->flag) || errno != EINVAL)
		errx(1, "setns() was not refused");
}

static pid_t clone_metrics(int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_NEWMETRICS | CLONE_PIDFD,
		.pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}

/* Once in the life of a namespace, by who is outside */
static void run_label(const void *arg)
{
	struct metrics_ns_set set = {
		.mask = NS_METRICS_SET_LABEL,
		.label_len = 5,
		.label = "bench",
	};
	int fd, pidfd;
	pid_t pid = clone_metrics(&pidfd);

	(void)arg;
	if (!pid) {
		pause();
		_exit(1);
	}
	if (pid < 0)
		err(1, "clone3");
	fd = ioctl(pidfd, PIDFD_GET_METRICS_NAMESPACE, 0);
	if (fd < 0 || ioctl(fd, NS_METRICS_SET, &set))
		err(1, "NS_METRICS_SET");
	close(fd);
	close(pidfd);
	kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid)
		err(1, "waitpid");
}

#define METRICS	NS(CLONE_NEWMETRICS, "metrics")
#define USER	NS(CLONE_NEWUSER, "user")
#define UTS	NS(CLONE_NEWUTS, "uts")

/* A bare tracepoint is recorded by an event that is made for it. */
#define BARE_EVENT	"bench/sched_cfs_unthrottle"
#define BARE		"t:" BARE_EVENT " sched_cfs_unthrottle_tp cgroup_id cpu throttled"

/* Named as in tracefs. What base has as well is there to compare with. */
static const struct bench events[] = {
	{ "namespace/namespace_create", run_unshare_here, UTS, ns_there, NULL },
	{ "namespace/namespace_free", run_unshare_here, UTS, ns_there, NULL },
	{ "namespace/namespace_active", run_unshare_here, UTS, ns_there, NULL },
	{ "namespace/namespace_inactive", run_unshare_here, UTS, ns_there,
	  NULL },
	{ "namespace/namespace_switch", run_setns, UTS, ns_there, NULL },
	{ "namespace/namespace_install", run_setns, UTS, ns_there, NULL },
	{ "namespace/namespace_denied", run_setns_refused, USER, ns_there,
	  NULL },
	{ "metrics_ns/metrics_ns_create", run_clone_refused, METRICS,
	  pids_and_ns_there, prepare_full },
	{ "metrics_ns/metrics_ns_set", run_label, METRICS, ns_there, NULL },
	{ "cgroup/cgroup_file_write", run_limit, NULL, memory_there,
	  prepare_limit },
	{ "cgroup/cgroup_fork_into", run_clone, NULL, cgroups_there,
	  prepare_clone },
	{ "cgroup/pids_max", run_clone_refused, NULL, pids_there,
	  prepare_full },
	{ "memcg/memcg_event", run_protected, NULL, loop_there,
	  prepare_protected },
	{ "memcg/memcg_high_throttle", run_touch, NULL, memory_there,
	  prepare_high, true },
	{ BARE_EVENT, run_quota, NULL, cpu_there, prepare_quota, false,
	  ready_quota },
	{ "vmscan/memcg_reclaim", run_protected, NULL, loop_there,
	  prepare_protected },
	{ "vmscan/memcg_refault", run_protected, NULL, loop_there,
	  prepare_protected },
	{ "vmscan/mm_vmscan_lru_shrink_inactive", run_protected, NULL,
	  loop_there, prepare_protected },
	{ "cgroup/cgroup_mkdir", run_mkdir, NULL, cgroups_there,
	  prepare_mkdir },
	{ "cgroup/cgroup_attach_task", run_attach, NULL, cgroups_there,
	  prepare_attach },
	{ "sched/sched_switch", run_yield, NULL, NULL, prepare_yield },
	{ "capability/cap_capable", run_setns, UTS, ns_there, NULL },
};

/* --- tracefs --- */

static void name_of(const struct bench *event, char *name, size_t size)
{
	snprintf(name, size, "event %s", strchr(event->name, '/') + 1);
}

static void enable_path(const struct bench *event, char *path, size_t size)
{
	snprintf(path, size, TRACEFS "/events/%s/enable", event->name);
}

static bool event_there(const struct bench *event)
{
	char path[128];

	enable_path(event, path, sizeof(path));
	return !access(path, W_OK) &&
	       (!event->possible || event->possible(event->arg));
}

/*
 * So small that it is full, and overwritten, before anything is timed. As soon
 * as an event is on, the names of tasks are recorded at each context switch,
 * which is no part of what it costs.
 */
static void prepare_buffer(void)
{
	int fd = open(TRACEFS "/dynamic_events", O_WRONLY | O_APPEND | O_CLOEXEC);

	put(TRACEFS "/buffer_size_kb", "16");
	put(TRACEFS "/options/overwrite", "1");
	put(TRACEFS "/options/record-cmd", "0");
	/* not where there is no such tracepoint */
	if (fd >= 0 && write(fd, BARE, strlen(BARE)) < 0 && errno != ENOENT)
		err(1, BARE_EVENT);
	close(fd);
}

/* Those that were overwritten too */
static unsigned long long recorded(void)
{
	static const char format[] =
		"# entries-in-buffer/entries-written: %*u/%llu";
	unsigned long long n;
	char line[256];
	FILE *f = fopen(TRACEFS "/trace", "r");

	if (!f)
		err(1, TRACEFS "/trace");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, format, &n) == 1) {
			fclose(f);
			return n;
		}
	errx(1, TRACEFS "/trace: no number of entries");
}

/* --- times --- */

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/*
 * Of the middle half: an interrupt or the work of an earlier operation costs more
 * than an event, and hits few.
 */
static double mean(uint64_t *times, size_t n)
{
	uint64_t sum = 0;

	qsort(times, n, sizeof(*times), compare);
	for (size_t i = n / 4; i < n - n / 4; i++)
		sum += times[i];
	return (double)sum / (n - n / 4 * 2);
}

static void time_each(const struct bench *event, bool enabled,
		      uint64_t *times, size_t n)
{
	char path[128];

	enable_path(event, path, sizeof(path));
	put(path, enabled ? "1" : "0");
	for (size_t i = 0; i < n; i++)
		times[i] = time_runs(event, 1);
}

static void measure_event(const struct bench *event)
{
	/* What waits takes long. */
	unsigned long total = event->sleeps || event->ready ? loops() / 10 + 1 : loops();
	size_t n = (total + TURNS - 1) / TURNS, all = TURNS * n;
	uint64_t *off = calloc(all, sizeof(*off));
	uint64_t *on = calloc(all, sizeof(*on));
	unsigned long long count;
	char name[64];

	if (!off || !on)
		err(1, "calloc");
	time_runs(event, n);
	count = recorded();
	for (size_t i = 0; i < TURNS; i++)
		for (int k = 0; k < 2; k++) {
			bool enabled = (i + k) % 2;

			time_each(event, enabled, (enabled ? on : off) + i * n,
				  n);
		}
	count = recorded() - count;
	if (!count)
		errx(1, "%s has not happened", event->name);
	name_of(event, name, sizeof(name));
	print_mean(name, (mean(on, all) - mean(off, all)) * all / count);
	free(off);
	free(on);
}

void measure_events(void)
{
	char name[64];

	prepare_buffer();
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		name_of(&events[i], name, sizeof(name));
		if (chosen(name) && event_there(&events[i]))
			measure_where_prepared(&events[i], measure_event);
	}
}
