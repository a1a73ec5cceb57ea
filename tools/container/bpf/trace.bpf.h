/* SPDX-License-Identifier: GPL-2.0 */
/* What the programs that count per container share. */
#ifndef CID_TRACE_BPF_H
#define CID_TRACE_BPF_H

#include "kernel.h"

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "trace.h"

#define PID_NS_INIT_INO	0xeffffffcU
#define TRACE_SET_LABEL	1	/* NS_METRICS_SET_LABEL */

char _license[] SEC("license") = "GPL";

__u64 bpf_get_current_container_id(void) __ksym __weak;
__u64 bpf_task_container_id(struct task_struct *task) __ksym __weak;
__u64 bpf_task_container_top_id(struct task_struct *task) __ksym __weak;
int bpf_container_label(__u64 id, char *buf, __u32 buf__sz) __ksym __weak;

const volatile struct trace_config config = { .ids = 1, .all = 1 };

/* How much was not counted, for want of memory */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} losses SEC(".maps");

/*
 * Hash maps and no LRU ones: what is full is said to be, and loses nothing else. They are
 * allocated beforehand: the kernel's allocator for BPF begins with one object a CPU and
 * gets more once interrupts are on again, so that of two new keys in one switch of tasks
 * the second would be lost.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TRACE_ENTRIES);
	__type(key, struct trace_key);
	__type(value, struct trace_entry);
} entries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TRACE_CONTAINERS);
	__type(key, __u64);
	__type(value, struct trace_label);
} labels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TRACE_FILTERS);
	__type(key, __u64);
	__type(value, __u8);
} filter SEC(".maps");

/* Labels of containers that are wanted, whoever gets them; with the parent's ID */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TRACE_NAMES);
	__type(key, struct trace_label);
	__type(value, __u64);
} followed SEC(".maps");

/*
 * State of tasks, by their PID. Task storage would do as well, but is allocated where it
 * is asked for, which fails now and then where nothing may be waited for.
 */
#define TRACE_TASKS_OF(_type)				\
	struct {					\
		__uint(type, BPF_MAP_TYPE_HASH);	\
		__uint(max_entries, TRACE_TASKS);	\
		__type(key, __u32);			\
		__type(value, _type);			\
	}

static __always_inline void *trace_task(void *tasks, struct task_struct *p)
{
	__u32 pid = p->pid;

	return bpf_map_lookup_elem(tasks, &pid);
}

static __always_inline void trace_task_gone(void *tasks, struct task_struct *p)
{
	__u32 pid = p->pid;

	bpf_map_delete_elem(tasks, &pid);
}

/*
 * A thread that executes a program takes the PID of the first one, and nobody has its own
 * any more.
 */
#define TRACE_FORGET_OLD_PIDS(_tasks)						\
SEC("tp_btf/sched_process_exec")						\
int BPF_PROG(forget_old_pid, struct task_struct *p, int old_pid)		\
{										\
	if (old_pid != p->pid)							\
		bpf_map_delete_elem(&_tasks, &old_pid);				\
	return 0;								\
}

/* It is large for a stack. */
static const struct trace_entry trace_nothing;

static __always_inline void trace_lose(void)
{
	__u32 zero = 0;
	__u64 *lost = bpf_map_lookup_elem(&losses, &zero);

	if (lost)
		__sync_fetch_and_add(lost, 1);
}

/* The state that a task has, or begins with; NULL, and that is counted, without memory. */
static __always_inline void *trace_task_begin(void *tasks, struct task_struct *p,
					      const void *nothing)
{
	__u32 pid = p->pid;
	void *state = bpf_map_lookup_elem(tasks, &pid);

	if (!state) {
		bpf_map_update_elem(tasks, &pid, nothing, BPF_NOEXIST);
		state = bpf_map_lookup_elem(tasks, &pid);
	}
	if (!state)
		trace_lose();
	return state;
}

static __always_inline __u64 trace_container(struct task_struct *p)
{
	if (!config.ids) {
		__u32 inum = BPF_CORE_READ(p, nsproxy, pid_ns_for_children, ns.inum);

		return inum == PID_NS_INIT_INO ? 0 : inum;
	}
	return config.by_top ? bpf_task_container_top_id(p) : bpf_task_container_id(p);
}

static __always_inline __u64 trace_current(void)
{
	if (config.ids && !config.by_top)
		return bpf_get_current_container_id();
	return trace_container(bpf_get_current_task_btf());
}

static __always_inline bool trace_wanted(__u64 id)
{
	if (!id)
		return config.host;
	return config.all || bpf_map_lookup_elem(&filter, &id);
}

/*
 * A container that is started anew gets another ID, and the same label. Who has a user
 * namespace of his own can give any label, so that one means nothing here; and what is
 * nested in a container is another one, whatever it is called.
 */
SEC("?tp_btf/metrics_ns_set")
int BPF_PROG(follow, const struct metrics_namespace *ns, __u32 mask)
{
	struct trace_label label = {};
	__u64 id = ns->ns.ns_id, *parent;
	__u8 one = 1;

	if (!(mask & TRACE_SET_LABEL) ||
	    (config.user_ns && ns->user_ns->ns.ns_id != config.user_ns))
		return 0;
	bpf_probe_read_kernel(label.text, sizeof(ns->label), ns->label);
	parent = bpf_map_lookup_elem(&followed, &label);
	if (!parent || (*parent && *parent != ns->parent->ns.ns_id))
		return 0;
	if (bpf_map_update_elem(&filter, &id, &one, BPF_ANY))
		trace_lose();
	return 0;
}

/*
 * While the container is there: whoever shows it may come too late. It gets its
 * label when its first process has run for a while. Return: it has got one.
 */
static __always_inline bool trace_note_label(__u64 id)
{
	struct trace_label label = {};

	if (!id || !config.ids)
		return true;
	if (bpf_map_lookup_elem(&labels, &id))
		return true;
	return bpf_container_label(id, label.text, sizeof(label.text)) > 0 &&
	       !bpf_map_update_elem(&labels, &id, &label, BPF_ANY);
}

/* Where to count; NULL, and that is counted, without memory. */
static __always_inline struct trace_entry *trace_entry(const struct trace_key *key)
{
	struct trace_entry *e = bpf_map_lookup_elem(&entries, key);

	if (!e) {
		bpf_map_update_elem(&entries, key, &trace_nothing, BPF_NOEXIST);
		e = bpf_map_lookup_elem(&entries, key);
	}
	if (!e)
		trace_lose();
	else if (!e->labelled)
		e->labelled = trace_note_label(key->id);
	return e;
}

/* The power of two that is not more, of what is not 0 */
static __always_inline __u32 trace_log2(__u64 v)
{
	__u32 log = 0;

	for (int step = 32; step; step >>= 1) {
		if (v >> step) {
			v >>= step;
			log += step;
		}
	}
	return log;
}

static __always_inline __u32 trace_slot(__u64 ns)
{
	__u32 slot = trace_log2(ns / 1000 | 1);

	return slot < TRACE_SLOTS ? slot : TRACE_SLOTS - 1;
}

static __always_inline void trace_slot_add(struct trace_entry *e, __u64 ns)
{
	/* The verifier doesn't see a bound that has been through a branch. */
	__sync_fetch_and_add(&e->slots[trace_slot(ns) & (TRACE_SLOTS - 1)], 1);
}

static __always_inline void trace_add(struct trace_entry *e, __u64 ns)
{
	trace_slot_add(e, ns);
	__sync_fetch_and_add(&e->sum, ns);
}

/* The most frequent case: a time, under a key that is made of these */
static __always_inline void trace_time(__u64 id, __u32 kind, __u64 ns)
{
	struct trace_key key = { .id = id, .kind = kind };
	struct trace_entry *e = trace_entry(&key);

	if (e)
		trace_add(e, ns);
}

#endif
