/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the programs and the test of kfuncs that name namespaces. */
#ifndef __NS_KFUNCS_H
#define __NS_KFUNCS_H

#ifndef CLONE_NEWNS
#define CLONE_NEWTIME	0x00000080
#define CLONE_NEWNS	0x00020000
#define CLONE_NEWCGROUP	0x02000000
#define CLONE_NEWUTS	0x04000000
#define CLONE_NEWIPC	0x08000000
#define CLONE_NEWUSER	0x10000000
#define CLONE_NEWPID	0x20000000
#define CLONE_NEWNET	0x40000000
#endif

enum ns_index {
	NS_MNT,
	NS_UTS,
	NS_IPC,
	NS_USER,
	NS_PID,
	NS_NET,
	NS_CGROUP,
	NS_TIME,
	NS_NONE,	/* no type at all */
	NR_NS_INDEX,
};

/**
 * struct ns_answer - what was said of the watched task, the last time
 * @pid_ns: its PID namespace
 * @user_ns: its user namespace
 * @other: its network namespace, which is readable of current only
 * @walk: nsproxy->pid_ns_for_children->ns.inum, which tools use without kfuncs
 * @seen: how many times
 */
struct ns_answer {
	__u64 pid_ns;
	__u64 user_ns;
	__u64 other;
	__u32 walk;
	__u32 seen;
};

#endif /* __NS_KFUNCS_H */
