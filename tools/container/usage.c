// SPDX-License-Identifier: GPL-2.0
/* What the containers have used, from their cgroups and network namespaces */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "usage.h"
#include "util.h"

#define UNKNOWN (-1.0)

static double key_value(int fd, const char *file, const char *key)
{
	uint64_t val;

	return cgroup_read_key(fd, file, key, &val) ? UNKNOWN : (double)val;
}

static double file_value(int fd, const char *file)
{
	uint64_t val;

	return cgroup_read_u64(fd, file, &val) ? UNKNOWN : (double)val;
}

/* Lines of a device and key=value pairs, to be summed over the devices */
static double io_sum(const char *text, const char *key)
{
	double sum = 0;
	const char *p = text;
	size_t len = strlen(key);

	while ((p = strstr(p, key))) {
		p += len;
		sum += strtoull(p, NULL, 10);
	}
	return sum;
}

static void read_io(struct usage *u, int fd)
{
	cleanup_free char *text = read_all_at(fd, "io.stat");

	if (!text)
		return;
	u->io_read = io_sum(text, " rbytes=");
	u->io_write = io_sum(text, " wbytes=");
}

static void read_cgroup(struct usage *u, const struct inventory *inv,
			const struct container *c)
{
	cleanup_close int fd = -1;
	uint64_t limit;

	if (!c->cgroup)
		return;
	fd = cgroup_open(&inv->fs, c->cgroup);
	if (fd < 0)
		return;
	u->cpu_usec = key_value(fd, "cpu.stat", "usage_usec");
	u->throttled_usec = key_value(fd, "cpu.stat", "throttled_usec");
	u->memory = file_value(fd, "memory.current");
	u->pids = file_value(fd, "pids.current");
	if (!cgroup_memory_limit(&inv->fs, c->cgroup, &limit))
		u->memory_limit = limit;
	read_io(u, fd);
}

/*
 * After two lines of titles, a line an interface: name, colon, eight numbers of
 * what was received, first the bytes, then the same of what was sent.
 */
static void sum_net(struct usage *u, const char *text)
{
	unsigned long long rx, tx;
	char name[32];

	u->net_rx = 0;
	u->net_tx = 0;
	for (const char *p = text; *p; p += *p == '\n') {
		if (sscanf(p, " %31[^: \n]: %llu %*u %*u %*u %*u %*u %*u %*u "
			   "%llu", name, &rx, &tx) == 3 && strcmp(name, "lo")) {
			u->net_rx += rx;
			u->net_tx += tx;
		}
		p += strcspn(p, "\n");
	}
}

static void read_net(struct usage *u, const struct inventory *inv,
		     const struct container *c, uint64_t host_net)
{
	const struct process *first = container_first(inv, c);
	cleanup_free char *text = NULL;
	cleanup_close int procfd = -1;
	uint64_t id;

	if (!first)
		return;
	procfd = proc_open(first->pid);
	if (procfd < 0 || nsinfo_id(procfd, "net", &id))
		return;
	u->net_host = id == host_net;
	if (u->net_host)
		return;
	text = read_all_at(procfd, "net/dev");
	if (text)
		sum_net(u, text);
}

/**
 * snapshot_take - note what the containers have used up to now
 * @snap: gets it; free it with snapshot_free()
 * @inv: the containers
 */
void snapshot_take(struct snapshot *snap, const struct inventory *inv)
{
	struct timespec ts;
	struct nsinfo host;

	nsinfo_read(0, &host);
	snap->usage = xcalloc(inv->nr + 1, sizeof(*snap->usage));
	snap->nr = inv->nr;
	for (size_t i = 0; i < inv->nr; i++) {
		const struct container *c = &inv->containers[i];
		struct usage *u = &snap->usage[i];

		*u = (struct usage){
			.has_id = c->has_id,
			.key = c->has_id ? c->info.id : c->ns_id,
			.cpu_usec = UNKNOWN, .throttled_usec = UNKNOWN,
			.memory = UNKNOWN, .memory_limit = UNKNOWN,
			.io_read = UNKNOWN, .io_write = UNKNOWN,
			.net_rx = UNKNOWN, .net_tx = UNKNOWN,
			.pids = UNKNOWN,
		};
		read_cgroup(u, inv, c);
		read_net(u, inv, c, host.id[NS_NET]);
	}
	clock_gettime(CLOCK_MONOTONIC, &ts);
	snap->when = ts.tv_sec + ts.tv_nsec / 1e9;
}

/** snapshot_free - free what snapshot_take() gave */
void snapshot_free(struct snapshot *snap)
{
	free(snap->usage);
	memset(snap, 0, sizeof(*snap));
}

/**
 * snapshot_find - find a container in another snapshot
 * @snap: the snapshot
 * @like: the container as it is in this one
 *
 * Return: what it used then; NULL if it wasn't there.
 */
const struct usage *snapshot_find(const struct snapshot *snap,
				  const struct usage *like)
{
	for (size_t i = 0; i < snap->nr; i++)
		if (snap->usage[i].has_id == like->has_id &&
		    snap->usage[i].key == like->key)
			return &snap->usage[i];
	return NULL;
}
