// SPDX-License-Identifier: GPL-2.0
/* Which operations on files take longer than a limit. */

#include "fs.bpf.h"

#define RING	(1 << 20)

const volatile __u64 min_ns;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING);
} events SEC(".maps");

static __always_inline void name_file(struct fs_event *e, const struct file *file,
				      const char *name)
{
	struct file_system_type *type;

	e->type[0] = '\0';
	if (!file) {
		bpf_probe_read_kernel_str(e->file, sizeof(e->file), name);
		return;
	}
	type = type_of(file);
	bpf_probe_read_kernel_str(e->type, sizeof(e->type), BPF_CORE_READ(type, name));
	bpf_probe_read_kernel_str(e->file, sizeof(e->file),
				  BPF_CORE_READ(file, f_path.dentry, d_name.name));
}

static __always_inline void fs_done(__u64 id, const struct op *op, __u32 kind, __u64 ns,
				    const struct file *file, const char *name, __s64 ret)
{
	struct fs_event *e;

	if (ns < min_ns)
		return;
	trace_note_label(id);
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		trace_lose();
		return;
	}
	e->id = id;
	e->since = op->since;
	e->ns = ns;
	e->offset = op->offset;
	e->ret = ret;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->kind = kind;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	name_file(e, file, name);
	bpf_ringbuf_submit(e, 0);
}
