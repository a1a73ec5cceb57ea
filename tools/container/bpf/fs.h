/* SPDX-License-Identifier: GPL-2.0 */
/* What cid fsdist and cid fsslower tell of operations on files */
#ifndef CID_FS_H
#define CID_FS_H

#define FS_TYPES	64
#define FS_TYPE_NAME	32
#define FS_FILE_NAME	64

enum fs_kind {
	FS_READ,
	FS_WRITE,
	FS_OPEN,
	FS_FSYNC,
	FS_KINDS,
};

struct fs_type_name {
	char text[FS_TYPE_NAME];
};

struct fs_event {
	__u64 id;		/* of the container, 0 for the host */
	__u64 since;		/* CLOCK_MONOTONIC, ns */
	__u64 ns;
	__u64 offset;
	__s64 ret;		/* bytes, or a negative errno */
	__u32 pid;
	__u32 kind;
	char comm[16];
	char type[FS_TYPE_NAME];
	char file[FS_FILE_NAME];
};

#endif
