// SPDX-License-Identifier: GPL-2.0
/* How long operations on files take, by file system. */

#include "fs.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FS_TYPES);
	__type(key, __u64);
	__type(value, struct fs_type_name);
} types SEC(".maps");

static __always_inline void note_type(__u64 type)
{
	struct fs_type_name name = {};

	if (bpf_map_lookup_elem(&types, &type))
		return;
	bpf_probe_read_kernel_str(name.text, sizeof(name.text),
				  BPF_CORE_READ((struct file_system_type *)type, name));
	bpf_map_update_elem(&types, &type, &name, BPF_NOEXIST);
}

static __always_inline void fs_done(__u64 id, const struct op *op, __u32 kind, __u64 ns,
				    const struct file *file, const char *name, __s64 ret)
{
	struct trace_key key = { .id = id, .kind = kind };
	struct trace_entry *e;

	if (file) {
		key.other = (__u64)type_of(file);
		note_type(key.other);
	}
	e = trace_entry(&key);
	if (!e)
		return;
	trace_add(e, ns);
	if (ret < 0)
		__sync_fetch_and_add(&e->errors, 1);
	else
		__sync_fetch_and_add(&e->bytes, ret);
}
