// SPDX-License-Identifier: GPL-2.0
/* short-bpf - print the beginning and the end of containers, by libbpf */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include "short.h"
#include "short.skel.h"

static int print(void *unused, void *data, size_t size)
{
	const struct short_event *e = data;

	(void)unused, (void)size;
	printf("namespace_%s %llu\n", e->begins ? "create" : "free", e->id);
	return fflush(stdout);
}

int main(void)
{
	struct short_bpf *skel;
	struct ring_buffer *ring;
	int ret;

	libbpf_set_print(NULL);
	skel = short_bpf__open_and_load();
	if (!skel || short_bpf__attach(skel)) {
		perror("short-bpf: cannot load the programs");
		return 1;
	}
	ring = ring_buffer__new(bpf_map__fd(skel->maps.ring), print, NULL, NULL);
	if (!ring) {
		perror("short-bpf: cannot map the ring buffer");
		return 1;
	}
	do
		ret = ring_buffer__poll(ring, -1);
	while (ret >= 0 || ret == -EINTR);
	return 1;
}
