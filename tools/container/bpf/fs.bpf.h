/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Operations on files as programs see them: of a file system on top of another one, the
 * upper one's, and of a write that syncs, the write. To be completed by fs_done().
 */
#ifndef CID_FS_BPF_H
#define CID_FS_BPF_H

#include "trace.bpf.h"

#include "fs.h"

#define MAX_ERRNO	4095

const volatile bool every_type = false;

/* The outermost one of a task */
struct op {
	__u64 since;
	__u64 offset;
	__u64 frame;		/* where its arguments are on the stack; 0: none */
	__u64 arg;		/* the first of them */
};

TRACE_TASKS_OF(struct op) ops SEC(".maps");

static const struct op no_op;

/* Which are files for the kernel's own sake, and no more than a call of it */
static const __u64 pseudo[] = {
	0x9fa0,		/* proc */
	0x62656572,	/* sysfs */
	0x63677270,	/* cgroup2 */
	0x27e0eb,	/* cgroup */
	0x74726163,	/* tracefs */
	0x64626720,	/* debugfs */
	0x73636673,	/* securityfs */
	0x62656570,	/* configfs */
	0x50495045,	/* pipefs */
	0x534f434b,	/* sockfs */
	0x09041934,	/* anon_inodefs */
	0x6e736673,	/* nsfs */
	0x50494446,	/* pidfs */
	0x1cd1,		/* devpts */
	0xcafe4a11,	/* bpf */
	0x19800202,	/* mqueue */
	0x7655821,	/* resctrl */
	0xf97cff8c,	/* selinux */
	0xde5e81e4,	/* efivarfs */
};

static __always_inline bool is_counted(const struct file *file)
{
	__u64 magic;

	if (every_type)
		return true;
	magic = BPF_CORE_READ(file, f_inode, i_sb, s_magic);
	for (size_t i = 0; i < sizeof(pseudo) / sizeof(*pseudo); i++)
		if (magic == pseudo[i])
			return false;
	return true;
}

/* Names of types by their address, which is the key of what is counted */
static __always_inline struct file_system_type *type_of(const struct file *file)
{
	return BPF_CORE_READ(file, f_inode, i_sb, s_type);
}

/*
 * @file is NULL if it couldn't be opened; then @name is what it was to be, or NULL. @ret is
 * what the operation has returned.
 */
static __always_inline void fs_done(__u64 id, const struct op *op, __u32 kind, __u64 ns,
				    const struct file *file, const char *name, __s64 ret);

/*
 * Whether one that begins at @frame is part of that. Its end may have been missed, as the
 * kernel leaves out a program while it is preempted: then it isn't above on the stack, or
 * something else is where its arguments were.
 */
static __always_inline bool is_part_of(const struct op *op, __u64 frame)
{
	__u64 arg;

	return op->frame && frame < op->frame &&
	       !bpf_probe_read_kernel(&arg, sizeof(arg), (void *)op->frame) && arg == op->arg;
}

static __always_inline int begin(const __u64 *args, const loff_t *pos)
{
	struct op *op;

	if (!trace_wanted(trace_current()))
		return 0;
	op = trace_task_begin(&ops, bpf_get_current_task_btf(), &no_op);
	if (!op || is_part_of(op, (__u64)args))
		return 0;
	op->frame = (__u64)args;
	op->arg = args[0];
	op->offset = 0;
	if (pos)
		bpf_probe_read_kernel(&op->offset, sizeof(op->offset), pos);
	op->since = bpf_ktime_get_ns();
	return 0;
}

/* A function's arguments are at the same place at its beginning and at its end. */
static __always_inline int end(const __u64 *args, __u32 kind, const struct file *file,
			       const char *name, __s64 ret)
{
	struct op *op = trace_task(&ops, bpf_get_current_task_btf());
	__u64 id;

	/* It may have begun before it was watched, or be part of another. */
	if (!op || op->frame != (__u64)args)
		return 0;
	op->frame = 0;
	id = trace_current();
	if (trace_wanted(id) && (!file || is_counted(file)))
		fs_done(id, op, kind, bpf_ktime_get_ns() - op->since, file, name, ret);
	return 0;
}

/* NULL if there is none (any more) */
static __always_inline const struct file *file_of(unsigned int fd)
{
	struct task_struct *p = bpf_get_current_task_btf();
	struct fdtable *fdt = BPF_CORE_READ(p, files, fdt);
	struct file *file = NULL;

	if (fd < BPF_CORE_READ(fdt, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(fdt, fd) + fd);
	return file;
}

SEC("fexit/vfs_read")
int BPF_PROG(read_end, struct file *file, char *buf, size_t count, loff_t *pos, ssize_t ret)
{
	return end(ctx, FS_READ, file, NULL, ret);
}

SEC("fexit/vfs_readv")
int BPF_PROG(readv_end, struct file *file, void *vec, unsigned long len, loff_t *pos,
	     int flags, ssize_t ret)
{
	return end(ctx, FS_READ, file, NULL, ret);
}

SEC("fexit/vfs_write")
int BPF_PROG(write_end, struct file *file, char *buf, size_t count, loff_t *pos, ssize_t ret)
{
	return end(ctx, FS_WRITE, file, NULL, ret);
}

SEC("fexit/vfs_writev")
int BPF_PROG(writev_end, struct file *file, void *vec, unsigned long len, loff_t *pos,
	     int flags, ssize_t ret)
{
	return end(ctx, FS_WRITE, file, NULL, ret);
}

SEC("fexit/vfs_fsync_range")
int BPF_PROG(fsync_end, struct file *file, loff_t from, loff_t to, int datasync, int ret)
{
	return end(ctx, FS_FSYNC, file, NULL, ret);
}

/* fsync(2) and fdatasync(2), in which the compiler has put what they call. */
SEC("fexit/do_fsync")
int BPF_PROG(fsync_call_end, unsigned int fd, int datasync, int ret)
{
	return end(ctx, FS_FSYNC, file_of(fd), NULL, ret);
}

SEC("fexit/do_file_open")
int BPF_PROG(open_end, int dfd, struct filename *name, void *flags, struct file *file)
{
	__s64 ret = (__s64)file;

	if (ret < 0 && ret >= -MAX_ERRNO)
		return end(ctx, FS_OPEN, NULL, BPF_CORE_READ(name, name), ret);
	return end(ctx, FS_OPEN, file, NULL, 0);
}

SEC("fentry/vfs_read")
int BPF_PROG(read, struct file *file, char *buf, size_t count, loff_t *pos)
{
	return begin(ctx, pos);
}

SEC("fentry/vfs_readv")
int BPF_PROG(readv, struct file *file, void *vec, unsigned long len, loff_t *pos)
{
	return begin(ctx, pos);
}

SEC("fentry/vfs_write")
int BPF_PROG(write, struct file *file, char *buf, size_t count, loff_t *pos)
{
	return begin(ctx, pos);
}

SEC("fentry/vfs_writev")
int BPF_PROG(writev, struct file *file, void *vec, unsigned long len, loff_t *pos)
{
	return begin(ctx, pos);
}

SEC("fentry/vfs_fsync_range")
int BPF_PROG(fsync, struct file *file)
{
	return begin(ctx, NULL);
}

SEC("fentry/do_fsync")
int BPF_PROG(fsync_call, unsigned int fd)
{
	return begin(ctx, NULL);
}

SEC("fentry/do_file_open")
int BPF_PROG(open, int dfd, struct filename *name)
{
	return begin(ctx, NULL);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(exits, struct task_struct *p)
{
	trace_task_gone(&ops, p);
	return 0;
}

TRACE_FORGET_OLD_PIDS(ops)

#endif
