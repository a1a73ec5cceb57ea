// SPDX-License-Identifier: GPL-2.0
/* The kernel's side of short-bpf: an event to user space for each beginning and end. */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "short.h"

#define CLONE_NEWMETRICS 0x40

struct ns_common {
	__u64 ns_id;
	__u32 ns_type;
} __attribute__((preserve_access_index));

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} ring SEC(".maps");

static void tell(const struct ns_common *ns, __u32 begins)
{
	struct short_event e = { .id = ns->ns_id, .begins = begins };

	if (ns->ns_type == CLONE_NEWMETRICS)
		bpf_ringbuf_output(&ring, &e, sizeof(e), 0);
}

SEC("tp_btf/namespace_create")
int BPF_PROG(created, const struct ns_common *ns)
{
	tell(ns, 1);
	return 0;
}

SEC("tp_btf/namespace_free")
int BPF_PROG(freed, const struct ns_common *ns)
{
	tell(ns, 0);
	return 0;
}
