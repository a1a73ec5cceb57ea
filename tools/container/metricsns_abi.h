/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel interface that cid uses, for build hosts whose system headers are
 * older than it. What the system headers have is taken from there.
 */
#ifndef CID_METRICSNS_ABI_H
#define CID_METRICSNS_ABI_H

#include <linux/ioctl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <sys/syscall.h>

#ifndef CLONE_NEWMETRICS
#define CLONE_NEWMETRICS 0x00000040
#endif

/* <linux/nsfs.h> has these as enumerators, which #ifdef can't see. */
#define CID_METRICS_NS_TYPE	(1U << 6)
#define CID_METRICS_NS_INIT_ID	9ULL
#define CID_USER_NS_INIT_ID	3ULL
#define CID_CGROUP_NS_INIT_ID	5ULL

#ifndef SYS_listns
#define SYS_listns 470
#endif

#ifndef NS_ID_REQ_SIZE_VER0
struct ns_id_req {
	__u32 size;
	__u32 spare;
	__u64 ns_id;
	struct /* listns */ {
		__u32 ns_type;
		__u32 spare2;
		__u64 user_ns_id;
	};
};
#endif

#ifndef NSFS_FILE_HANDLE_SIZE_VER0
struct nsfs_file_handle {
	__u64 ns_id;
	__u32 ns_type;
	__u32 ns_inum;
};
#endif

#ifndef NS_GET_ID
#define NS_GET_ID _IOR(NSIO, 13, __u64)
#endif

#ifndef NS_METRICS_LABEL_MAX
#define NS_METRICS_LABEL_MAX	64

#define NS_METRICS_SET_LABEL	(1U << 0)
#define NS_METRICS_SET_SCOPE	(1U << 1)
#define NS_METRICS_SET_FLAGS	(1U << 2)

#define METRICS_NS_AUTO_SCOPE	(1U << 0)
#define METRICS_NS_HOST_VIEW	(1U << 1)
#define METRICS_NS_QUOTA_CPUS	(1U << 2)

struct metrics_ns_set {
	__u32 mask;
	__u32 flags;
	__s32 scope_fd;
	__u32 label_len;
	char  label[NS_METRICS_LABEL_MAX];
};

struct metrics_ns_info {
	__u32 size;
	__u32 level;
	__u64 id;
	__u64 parent_id;
	__u64 top_id;
	__u64 scope_id;
	__u32 flags;
	__u32 effective_flags;
	__u32 label_len;
	__u32 spare;
	char  label[NS_METRICS_LABEL_MAX];
};

#define NS_METRICS_SET	_IOW(NSIO, 14, struct metrics_ns_set)
#define NS_METRICS_GET	_IOR(NSIO, 15, struct metrics_ns_info)
#endif

#ifndef PIDFD_GET_METRICS_NAMESPACE
#define PIDFD_GET_METRICS_NAMESPACE _IO(0xFF, 12)
#endif

#ifndef FD_NSFS_ROOT
#define FD_NSFS_ROOT	-10003
#endif

/* Kernel-internal names of file handle types; the numbers are ABI. */
#define CID_FILEID_NSFS		0xf1
#define CID_FILEID_KERNFS	0xfe

#endif
