/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Of the kernel's types, what the programs read. The compiler notes the names
 * of the fields, and libbpf puts in the offsets of the running kernel (CO-RE).
 * So nothing of a built kernel is needed here, and the order doesn't matter.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __s64 loff_t;
typedef __s64 ssize_t;

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)

struct ns_common {
	__u64 ns_id;
	__u32 ns_type;
	unsigned int inum;
};

struct user_namespace {
	struct ns_common ns;
};

struct metrics_namespace {
	struct ns_common ns;
	struct user_namespace *user_ns;
	struct metrics_namespace *parent;
	__u64 top_id;
	__u64 origin_cgroup_id;
	__u32 level;
	__u32 flags;
	__u32 label_len;
	char label[64];
};

struct thread_info {
	__u32 status;
};

struct task_struct {
	struct thread_info thread_info;
	int pid;
	int tgid;
	unsigned int flags;
	unsigned int __state;
	unsigned long jobctl;
	unsigned int in_iowait:1;
	unsigned int frozen:1;
	char comm[16];
	struct task_group *sched_task_group;
	struct nsproxy *nsproxy;
	struct files_struct *files;
};

struct file_system_type {
	const char *name;
};

struct super_block {
	unsigned long s_magic;
	struct file_system_type *s_type;
};

struct inode {
	struct super_block *i_sb;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct inode *f_inode;
	struct path f_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct filename {
	const char *name;
};

struct pt_regs {
	unsigned long orig_ax;
};

struct pt_regs___arm64 {
	int syscallno;
};

struct pid_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct pid_namespace *pid_ns_for_children;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
	struct cgroup_subsys_state self;
};

struct blkcg {
	struct cgroup_subsys_state css;
};

struct blkcg_gq {
	struct blkcg *blkcg;
};

struct bvec_iter {
	unsigned int bi_size;
};

struct bio {
	unsigned int bi_opf;
	struct bvec_iter bi_iter;
	void *bi_private;
	struct blkcg_gq *bi_blkg;
};

struct request {
	unsigned int cmd_flags;
	unsigned int __data_len;
	__u64 start_time_ns;
	struct bio *bio;
};

struct sk_buff {
	unsigned int len;
	char cb[48];
};

struct tcp_skb_cb {
	__u16 tcp_gso_segs;
};

struct socket;

struct sock_common {
	unsigned short skc_family;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	struct sock_cgroup_data sk_cgrp_data;
};

struct task_group {
	struct cgroup_subsys_state css;
	struct task_group *parent;
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
};

struct lruvec {
	unsigned long flags;
};

struct mem_cgroup_per_node {
	struct mem_cgroup *memcg;
	struct lruvec lruvec;
};

struct shrinker;
struct shrink_control;
struct cred;

#pragma clang attribute pop

/* Their values are the running kernel's, too. */
enum ns_denial {
	NS_DENIED_INSTALL,
};

enum req_flag_bits {
	__REQ_PREFLUSH,
};

enum memcg_memory_event {
	MEMCG_HIGH,
	MEMCG_MAX,
	MEMCG_OOM,
};

#endif
