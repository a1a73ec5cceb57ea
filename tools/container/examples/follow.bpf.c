// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's side of follow-bpf: the life of containers, and what they run.
 *
 * Of the kernel's types, only the fields that are read are declared. libbpf
 * looks for them by name in the BTF of the running kernel and puts the offsets
 * in (CO-RE), so this is built without a kernel, for all of them.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "follow.h"

#define CLONE_NEWMETRICS 0x40
#define NS_METRICS_SET_LABEL 1

struct ns_common {
	__u64 ns_id;
	__u32 ns_type;
} __attribute__((preserve_access_index));

struct metrics_namespace {
	struct ns_common ns;
	char label[64];		/* behind the label, zeroes */
} __attribute__((preserve_access_index));

struct task_struct {
	int tgid;
	__u64 metrics_ns_id;
} __attribute__((preserve_access_index));

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

__u64 lost;	/* events that found the ring full */

static struct follow_event *begin(__u64 id, enum follow_what what)
{
	struct follow_event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	if (e)
		*e = (struct follow_event){ .id = id, .what = what };
	else
		__sync_fetch_and_add(&lost, 1);
	return e;
}

SEC("tp_btf/metrics_ns_create")
int BPF_PROG(created, const struct metrics_namespace *ns)
{
	struct follow_event *e = begin(ns->ns.ns_id, FOLLOW_CREATED);

	if (e)
		bpf_ringbuf_submit(e, 0);
	return 0;
}

/* This one is of namespaces of any type. */
SEC("tp_btf/namespace_free")
int BPF_PROG(freed, const struct ns_common *ns)
{
	struct follow_event *e = ns->ns_type == CLONE_NEWMETRICS ?
				 begin(ns->ns_id, FOLLOW_FREED) : NULL;

	if (e)
		bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp_btf/metrics_ns_set")
int BPF_PROG(labelled, const struct metrics_namespace *ns, __u32 mask)
{
	struct follow_event *e = mask & NS_METRICS_SET_LABEL ?
				 begin(ns->ns.ns_id, FOLLOW_LABELLED) : NULL;

	if (!e)
		return 0;
	bpf_probe_read_kernel(e->text, sizeof(ns->label), ns->label);
	bpf_ringbuf_submit(e, 0);
	return 0;
}

/* The container that a task is in stands in the task: 0 for the host's own. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(exec, struct task_struct *task)
{
	struct follow_event *e = task->metrics_ns_id ?
				 begin(task->metrics_ns_id, FOLLOW_EXEC) : NULL;

	if (!e)
		return 0;
	e->pid = task->tgid;
	bpf_get_current_comm(e->text, sizeof(e->text));
	bpf_ringbuf_submit(e, 0);
	return 0;
}
