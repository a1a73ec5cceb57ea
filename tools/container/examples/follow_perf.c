// SPDX-License-Identifier: GPL-2.0
/*
 * follow-perf - follow containers with perf_event_open(2) and no library
 *
 * Build: make O=/tmp/examples; it needs nothing but the C library.
 * Run:   /tmp/examples/follow-perf, as root, until Ctrl-C.
 *
 * Each event has a ring buffer on each CPU. They are read one after the other,
 * so not in the order of time; containers.c says why nothing depends on it, and
 * why the events are on before the list is made. A CPU that is offline at the
 * start isn't followed when it comes.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../metricsns_abi.h"
#include "../util.h"
#include "containers.h"

#define RING_SIZE	(64U << 10)	/* a power of two, in pages */
#define RINGS_MAX	1024

/* In the order in which their rings are emptied: who is gone has no label any more. */
enum { CREATE, SET, FREE, NR_EVENTS };

static const char *const names[NR_EVENTS] = {
	"namespace/namespace_create",
	"metrics_ns/metrics_ns_set",
	"namespace/namespace_free",
};

static struct {
	struct perf_event_mmap_page *page;
	int event;
} rings[RINGS_MAX];
static struct pollfd fds[RINGS_MAX];
static int nr_rings;

/* Where fields are in the records of the running kernel */
static unsigned int id_at[NR_EVENTS], mask_at, label_at;

static unsigned int offset_of(const char *format, const char *field)
{
	const char *s = strstr(format, field);
	unsigned int offset;

	s = s ? strstr(s, "offset:") : NULL;
	if (!s || sscanf(s, "offset:%u", &offset) != 1)
		die("no field %s in the format of an event", field);
	return offset;
}

/* Return: the number of the event, which the running kernel has given it. */
static unsigned int read_format(int event)
{
	cleanup_free char *format = NULL;
	unsigned int config = 0;
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/tracing/events/%s/format",
		 names[event]);
	format = read_all_at(AT_FDCWD, path);
	if (!format)
		die("%s: %s", path, strerror(errno));
	if (sscanf(format, "name: %*s ID: %u", &config) != 1)
		die("%s: no ID in it", path);
	id_at[event] = offset_of(format, event == SET ? " id;" : " ns_id;");
	if (event == SET) {
		mask_at = offset_of(format, " mask;");
		label_at = offset_of(format, " label;");
	}
	return config;
}

/* It is off until the filter is on: what comes before would be unfiltered. */
static void open_ring(int event, unsigned int config, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = config,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.wakeup_events = 1,
		.disabled = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
			 PERF_FLAG_FD_CLOEXEC);
	char filter[32];
	void *page;

	if (fd < 0 && errno == ENODEV)
		return;
	if (fd < 0 || nr_rings == RINGS_MAX)
		die("cannot open %s: %s", names[event], strerror(errno));
	snprintf(filter, sizeof(filter), "type == %d", CLONE_NEWMETRICS);
	if (event != SET && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter))
		die("cannot filter %s: %s", names[event], strerror(errno));
	page = mmap(NULL, getpagesize() + RING_SIZE, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	if (page == MAP_FAILED || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
		die("cannot read %s: %s", names[event], strerror(errno));
	rings[nr_rings].page = page;
	rings[nr_rings].event = event;
	fds[nr_rings++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static __u32 u32_at(const char *record, unsigned int offset)
{
	__u32 val;

	memcpy(&val, record + offset, sizeof(val));
	return val;
}

/* A string is behind the fields, and its field tells where and how long. */
static void handle(int event, const char *record)
{
	__u64 id;

	memcpy(&id, record + id_at[event], sizeof(id));
	if (event == CREATE)
		container_created(id);
	else if (event == FREE)
		container_freed(id);
	else if (u32_at(record, mask_at) & NS_METRICS_SET_LABEL)
		container_labelled(id, record +
				   (u32_at(record, label_at) & 0xffff));
}

/* A record may go on at the beginning of the ring. */
static void copy_out(const struct perf_event_mmap_page *ring, __u64 at,
		     void *to, size_t size)
{
	const char *data = (const char *)ring + ring->data_offset;

	for (size_t i = 0; i < size; i++)
		((char *)to)[i] = data[(at + i) & (ring->data_size - 1)];
}

static void drain(struct perf_event_mmap_page *ring, int event)
{
	__u64 head = __atomic_load_n(&ring->data_head, __ATOMIC_ACQUIRE);
	__u64 tail = ring->data_tail;
	struct perf_event_header header;
	char buf[1 << 16];

	for (; tail < head; tail += header.size) {
		copy_out(ring, tail, &header, sizeof(header));
		copy_out(ring, tail, buf, header.size);
		if (header.type == PERF_RECORD_LOST)
			die("events were lost");
		/* The raw data is behind its length. */
		if (header.type == PERF_RECORD_SAMPLE)
			handle(event, buf + sizeof(header) + sizeof(__u32));
	}
	__atomic_store_n(&ring->data_tail, tail, __ATOMIC_RELEASE);
}

int main(void)
{
	stop_on_signals();
	for (int event = 0; event < NR_EVENTS; event++) {
		unsigned int config = read_format(event);

		for (int cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++)
			open_ring(event, config, cpu);
	}

	containers_list();
	while (!stopped) {
		if (poll(fds, nr_rings, 200) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		for (int i = 0; i < nr_rings; i++)
			drain(rings[i].page, rings[i].event);
	}
	return 0;
}
