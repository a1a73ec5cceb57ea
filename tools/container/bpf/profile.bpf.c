// SPDX-License-Identifier: GPL-2.0
/* In which stack each CPU is found, many times a second, while a container has it. */

#include "trace.bpf.h"

#include "profile.h"

const volatile bool users = true;	/* stacks */
const volatile bool kernels = true;

/*
 * Two of each: one is counted in while the other is read and emptied, so that there is
 * room however many stacks there are in the end.
 */
#define COUNTS_OF(_name)					\
	struct {						\
		__uint(type, BPF_MAP_TYPE_HASH);		\
		__uint(max_entries, PROFILE_STACKS);		\
		__type(key, struct profile_key);		\
		__type(value, __u64);				\
	} _name SEC(".maps")

/* By the files that the code is from, as processes may be gone when they are named */
#define USER_STACKS_OF(_name)					\
	struct {						\
		__uint(type, BPF_MAP_TYPE_STACK_TRACE);		\
		__uint(map_flags, BPF_F_STACK_BUILD_ID);	\
		__uint(max_entries, PROFILE_STACKS);		\
		__uint(key_size, sizeof(__u32));		\
		__uint(value_size, PROFILE_DEPTH *		\
		       sizeof(struct bpf_stack_build_id));	\
	} _name SEC(".maps")

#define KERNEL_STACKS_OF(_name)					\
	struct {						\
		__uint(type, BPF_MAP_TYPE_STACK_TRACE);		\
		__uint(max_entries, PROFILE_STACKS);		\
		__uint(key_size, sizeof(__u32));		\
		__uint(value_size, PROFILE_DEPTH * sizeof(__u64)); \
	} _name SEC(".maps")

COUNTS_OF(counts_a);
COUNTS_OF(counts_b);
USER_STACKS_OF(user_stacks_a);
USER_STACKS_OF(user_stacks_b);
KERNEL_STACKS_OF(kernel_stacks_a);
KERNEL_STACKS_OF(kernel_stacks_b);

bool in_b = false;	/* is counted now */

static __always_inline void count(void *counts, const struct profile_key *key)
{
	__u64 *n = bpf_map_lookup_elem(counts, key), zero = 0;

	if (!n) {
		bpf_map_update_elem(counts, key, &zero, BPF_NOEXIST);
		n = bpf_map_lookup_elem(counts, key);
	}
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		trace_lose();
}

static __always_inline void sample_in(void *ctx, struct profile_key *key, void *counts,
				      void *user_stacks, void *kernel_stacks)
{
	if (users)
		key->user = bpf_get_stackid(ctx, user_stacks, BPF_F_USER_STACK);
	if (kernels)
		key->kernel = bpf_get_stackid(ctx, kernel_stacks, 0);
	count(counts, key);
}

SEC("perf_event")
int sample(void *ctx)
{
	struct profile_key key = { .user = -1, .kernel = -1 };

	key.pid = bpf_get_current_pid_tgid() >> 32;
	if (!key.pid)
		return 0;	/* idle */
	key.id = trace_current();
	if (!trace_wanted(key.id))
		return 0;
	trace_note_label(key.id);
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	if (in_b)
		sample_in(ctx, &key, &counts_b, &user_stacks_b, &kernel_stacks_b);
	else
		sample_in(ctx, &key, &counts_a, &user_stacks_a, &kernel_stacks_a);
	return 0;
}
