// SPDX-License-Identifier: GPL-2.0
/*
 * How long requests of block devices take. Who hands one to the device is often a kernel
 * thread; whose it is, its cgroup says, to which a writeback belongs as well.
 */

#include "cgroups.bpf.h"

#include "bio.h"

#define REQ_OP_MASK	0xff
#define REQ_OP_READ	0
#define REQ_OP_WRITE	1

const volatile bool queued = false;	/* since it was made, not since it was issued */

struct request_state {
	__u64 since;
	__u64 id;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BIO_REQUESTS);
	__type(key, __u64);
	__type(value, struct request_state);
} requests SEC(".maps");

static __always_inline __u64 container_of_request(struct request *rq)
{
	struct bio *bio = BPF_CORE_READ(rq, bio);
	__u64 id = 0;

	if (bio)
		id = container_of_cgroup(BPF_CORE_READ(bio, bi_blkg, blkcg, css.cgroup,
						       kn, id));
	/* A container without a scope; a kernel thread is in none. */
	return id ? id : trace_current();
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(issue, struct request *rq)
{
	struct request_state state = {};
	__u64 key = (__u64)rq;

	state.id = container_of_request(rq);
	if (!trace_wanted(state.id))
		return 0;
	if (queued)
		state.since = BPF_CORE_READ(rq, start_time_ns);
	if (!state.since)
		state.since = bpf_ktime_get_ns();
	/* It may be issued again, after the device was busy. */
	if (bpf_map_update_elem(&requests, &key, &state, BPF_ANY))
		trace_lose();
	return 0;
}

static __always_inline __u32 kind_of(struct request *rq)
{
	switch (BPF_CORE_READ(rq, cmd_flags) & REQ_OP_MASK) {
	case REQ_OP_READ:
		return BIO_READ;
	case REQ_OP_WRITE:
		return BIO_WRITE;
	}
	return BIO_OTHER;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(complete, struct request *rq, int error, unsigned int bytes)
{
	__u64 key = (__u64)rq, now = bpf_ktime_get_ns();
	struct trace_key what = { .kind = kind_of(rq) };
	struct request_state *state;
	struct trace_entry *e;

	state = bpf_map_lookup_elem(&requests, &key);
	if (!state)
		return 0;
	what.id = state->id;
	e = trace_entry(&what);
	if (!e)
		goto out;
	__sync_fetch_and_add(&e->bytes, bytes);
	if (error)
		__sync_fetch_and_add(&e->errors, 1);
	/* There may be more of it to come. */
	if (BPF_CORE_READ(rq, __data_len) > bytes)
		return 0;
	trace_add(e, now - state->since);
out:
	bpf_map_delete_elem(&requests, &key);
	return 0;
}
