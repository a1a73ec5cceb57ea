// SPDX-License-Identifier: GPL-2.0
/* cid net */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "cgroup.h"
#include "cid.h"
#include "trace.h"
#include "util.h"

#include "bpf/net.h"
#include "net.skel.h"

static const char *const whats[NET_KINDS] = {
	[NET_TCP_SEND] = "tcp send",
	[NET_TCP_RECEIVE] = "tcp receive",
	[NET_UDP_SEND] = "udp send",
	[NET_UDP_RECEIVE] = "udp receive",
	[NET_CONNECT] = "connect",
	[NET_ACCEPT] = "accept",
	[NET_PACKETS_OUT] = "packets out",
	[NET_PACKETS_IN] = "packets in",
	[NET_RETRANSMIT] = "retransmit",
};

static const char *const heads[] = { "WHAT" };
static const char *const names[] = { "what" };

static void name(const struct trace_key *key, size_t head, char *buf, size_t size)
{
	(void)head;
	snprintf(buf, size, "%s", key->kind < NET_KINDS ? whats[key->kind] : "?");
}

/* The links are the skeleton's, which gives them up. */
static int attach(struct trace *t)
{
	struct net_bpf *skel = t->own;
	struct cgroup_fs fs;

	if (cgroup_find(&fs))
		return -1;
	cleanup_close int top = fs.path ? open(fs.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	cgroup_fs_free(&fs);
	if (top < 0)
		return -1;
	skel->links.packet_out = bpf_program__attach_cgroup(skel->progs.packet_out, top);
	skel->links.packet_in = bpf_program__attach_cgroup(skel->progs.packet_in, top);
	return skel->links.packet_out && skel->links.packet_in ? 0 : -1;
}

static const struct trace_tool tool = {
	.doc = "Tell what goes through the sockets of each container, and how long its "
	       "connections wait, until interrupted.\v"
	       "What is sent and received is told by call and by the task that calls; "
	       "packets and what is sent again by the container whose the socket is.",
	.what = "calls or packets",
	.bytes = true,
	.errors = true,
	.heads = heads,
	.nr_heads = ARRAY_SIZE(heads),
	.name = name,
	.names = names,
	.attach = attach,
};

/** cmd_net - cid net */
int cmd_net(int argc, char **argv)
{
	struct trace t = { .tool = &tool };
	int ret = trace_begin(&t, argc, argv);
	struct net_bpf *skel;

	if (!ret) {
		skel = net_bpf__open();
		if (skel)
			skel->rodata->config = t.config;
		t.own = skel;
		ret = trace_run(&t, skel ? skel->skeleton : NULL);
		net_bpf__destroy(skel);
	}
	trace_end(&t);
	return ret;
}
