// SPDX-License-Identifier: GPL-2.0
/*
 * follow-bpf - follow containers with libbpf: their life and what they run
 *
 * Build: make O=/tmp/examples; it needs libbpf-dev, bpftool and clang.
 * Run:   /tmp/examples/follow-bpf, as root, until Ctrl-C.
 *
 * All CPUs have one ring buffer, so events come in the order in which they
 * happened. The programs are attached before the list is made: see
 * containers.c.
 */

#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "containers.h"
#include "follow.h"
#include "follow.skel.h"

/* The name of a program is chosen by others, and terminals act on anything. */
static void tell_exec(const struct follow_event *e)
{
	printf("exec  id=%llu pid=%u comm=", (unsigned long long)e->id,
	       e->pid);
	for (const char *s = e->text; *s; s++)
		putchar(isprint((unsigned char)*s) ? *s : '?');
	putchar('\n');
}

static int handle(void *unused, void *data, size_t size)
{
	const struct follow_event *e = data;

	(void)unused;
	(void)size;
	switch (e->what) {
	case FOLLOW_CREATED:
		container_created(e->id);
		break;
	case FOLLOW_LABELLED:
		container_labelled(e->id, e->text);
		break;
	case FOLLOW_FREED:
		container_freed(e->id);
		break;
	case FOLLOW_EXEC:
		tell_exec(e);
		break;
	}
	return 0;
}

int main(void)
{
	struct follow_bpf *skel;
	struct ring_buffer *ring;
	int ret;

	stop_on_signals();
	libbpf_set_print(NULL);
	skel = follow_bpf__open_and_load();
	if (!skel && errno == ESRCH)
		die("this kernel has no events of namespaces");
	if (!skel)
		die("cannot load the programs: %s", strerror(errno));
	if (follow_bpf__attach(skel))
		die("cannot attach the programs: %s", strerror(errno));
	ring = ring_buffer__new(bpf_map__fd(skel->maps.ring), handle, NULL,
				NULL);
	if (!ring)
		die("cannot map the ring buffer: %s", strerror(errno));

	containers_list();
	while (!stopped) {
		ret = ring_buffer__poll(ring, 200);
		if (ret < 0 && ret != -EINTR)
			die("cannot read the events: %s", strerror(-ret));
		if (skel->bss->lost)
			die("events were lost");
	}
	ring_buffer__free(ring);
	follow_bpf__destroy(skel);
	return 0;
}
