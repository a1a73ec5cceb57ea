// SPDX-License-Identifier: GPL-2.0
/*
 * A program for each way to name what the current task is in, which does so CALLS
 * times: what one takes more than "nothing", divided by that, is what a call costs.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "kfuncs.h"

#define CLONE_NEWPID	0x20000000
#define CLONE_NEWNET	0x40000000

char _license[] SEC("license") = "GPL";

/* Of the kernel's types, what the walk needs. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct pid_namespace *pid_ns_for_children;
};

struct task_struct {
	struct nsproxy *nsproxy;
};
#pragma clang attribute pop

__u64 bpf_get_current_pidns(void) __ksym __weak;
__u64 bpf_get_current_ns_id(__u32 type) __ksym __weak;
__u64 bpf_task_ns_id(struct task_struct *task, __u32 type) __ksym __weak;
__u64 bpf_get_current_container_id(void) __ksym __weak;
__u64 bpf_task_container_id(struct task_struct *task) __ksym __weak;
__u64 bpf_task_container_top_id(struct task_struct *task) __ksym __weak;
__u64 bpf_container_ancestor_id(__u64 id, __u32 level) __ksym __weak;
int bpf_container_label(__u64 id, char *buf, __u32 buf__sz) __ksym __weak;

__u64 result;
__u64 container_id;

#define PROG(name, setup, call)						\
	SEC("raw_tp") int name(void *ctx)				\
	{								\
		int i;							\
		setup;							\
									\
		for (i = 0; i < CALLS; i++)				\
			__sync_fetch_and_add(&result, (call));		\
		return 0;						\
	}

PROG(nothing, , i)
PROG(cgroup_id, , bpf_get_current_cgroup_id())
PROG(walk, struct task_struct *task = (void *)bpf_get_current_task(),
     BPF_CORE_READ(task, nsproxy, pid_ns_for_children, ns.inum))
PROG(pidns, , bpf_get_current_pidns())
PROG(ns_id, , bpf_get_current_ns_id(CLONE_NEWNET))
PROG(task_ns_id, struct task_struct *task = bpf_get_current_task_btf(),
     bpf_task_ns_id(task, CLONE_NEWPID))
PROG(container, , bpf_get_current_container_id())
PROG(task_container, struct task_struct *task = bpf_get_current_task_btf(),
     bpf_task_container_id(task))
PROG(task_top, struct task_struct *task = bpf_get_current_task_btf(),
     bpf_task_container_top_id(task))
PROG(ancestor, , bpf_container_ancestor_id(container_id, 1))
PROG(label, char buf[72] = {}, bpf_container_label(container_id, buf, sizeof(buf)))
