// SPDX-License-Identifier: GPL-2.0
/* How long tasks have a CPU, each time: from one switch to the next. */

#include "trace.bpf.h"

#include "cpudist.h"

struct stint {
	__u64 since;		/* the task that runs has the CPU; 0: not known */
	__u64 counted;		/* in the sum, until then */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stint);
} stints SEC(".maps");

static __always_inline struct stint *this_stint(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&stints, &zero);
}

static __always_inline struct trace_entry *entry_of(struct task_struct *p)
{
	struct trace_key key = { .id = trace_container(p), .kind = CPUDIST_ON_CPU };

	return trace_wanted(key.id) ? trace_entry(&key) : NULL;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev,
	     struct task_struct *next, unsigned int prev_state)
{
	struct stint *s = this_stint();
	__u64 now = bpf_ktime_get_ns();
	struct trace_entry *e;

	if (!s)
		return 0;
	e = s->since && prev->pid ? entry_of(prev) : NULL;
	if (e) {
		trace_slot_add(e, now - s->since);
		__sync_fetch_and_add(&e->sum, now - s->counted);
	}
	s->since = now;
	s->counted = now;
	return 0;
}

/*
 * On each CPU, when it is looked at: a task that nobody interrupts counts, too. The
 * histogram has it when it is over.
 */
SEC("raw_tp")
int settle(void *ctx)
{
	struct task_struct *p = bpf_get_current_task_btf();
	struct stint *s = this_stint();
	__u64 now = bpf_ktime_get_ns();
	struct trace_entry *e;

	if (!s)
		return 0;
	e = s->since && p->pid ? entry_of(p) : NULL;
	if (e)
		__sync_fetch_and_add(&e->sum, now - s->counted);
	if (!s->since)
		s->since = now;
	s->counted = now;
	return 0;
}
