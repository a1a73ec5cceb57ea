// SPDX-License-Identifier: GPL-2.0
/*
 * How long requests of block devices take. Who hands one to the device is often a kernel
 * thread; whose it is, its cgroup says, to which a writeback belongs as well, or else who
 * has submitted what it was made for. Flushes have no request of their own, as one serves
 * several, so of these it is what was submitted that is timed.
 */

#include "cgroups.bpf.h"

#include "bio.h"

#define REQ_OP_MASK		0xff
#define REQ_OP_READ		0
#define REQ_OP_WRITE		1
#define REQ_OP_FLUSH		2
#define REQ_OP_ZONE_APPEND	7
#define REQ_OP_DRV_IN		34	/* it and what follows: commands of the device's own */

const volatile bool queued = false;	/* since it was made, not since it was issued */

struct bio_state {
	__u64 id;	/* the container's whose task has submitted it */
	__u64 since;	/* of one that does nothing but flush */
	__u64 held;	/* it has been submitted, and not queued yet */
};

/* Nobody tells when one isn't needed any more; who uses it again says so here. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, BIO_BIOS);
	__type(key, __u64);
	__type(value, struct bio_state);
} bios SEC(".maps");

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

/* --- what is submitted --- */

static __always_inline __u64 container_of_its_cgroup(struct bio *bio)
{
	struct cgroup *cgrp = BPF_CORE_READ(bio, bi_blkg, blkcg, css.cgroup);

	return container_of_cgroup(cgroup_id_of(cgrp));
}

static __always_inline bool is_flush(struct bio *bio)
{
	__u32 flag = 1U << bpf_core_enum_value(enum req_flag_bits, __REQ_PREFLUSH);

	return BPF_CORE_READ(bio, bi_opf) & flag && !BPF_CORE_READ(bio, bi_iter.bi_size);
}

static __always_inline int note(struct bio *bio, const struct bio_state *state, bool needed)
{
	__u64 key = (__u64)bio;

	if (!needed)
		bpf_map_delete_elem(&bios, &key);
	else if (bpf_map_update_elem(&bios, &key, state, BPF_ANY))
		trace_lose();
	return 0;
}

static __always_inline int queued_for(struct bio *bio, __u64 submitter)
{
	__u64 id = container_of_its_cgroup(bio);
	struct bio_state state = { .id = id ? id : submitter };

	if (is_flush(bio) && trace_wanted(state.id))
		state.since = bpf_ktime_get_ns();
	/* The cgroup can be asked again. */
	return note(bio, &state, state.since || state.id != id);
}

/* It may be held back by a limit, and queued by a kernel thread then. */
SEC("fentry/submit_bio")
int BPF_PROG(submit, struct bio *bio)
{
	struct bio_state state = { .id = trace_current(), .held = 1 };

	return note(bio, &state, state.id);
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(queue, struct bio *bio)
{
	__u64 key = (__u64)bio;
	struct bio_state *state = bpf_map_lookup_elem(&bios, &key);

	return queued_for(bio, state && state->held ? state->id : trace_current());
}

/* What is too large for the device: one is for the first part, before the rest. */
SEC("tp_btf/block_split")
int BPF_PROG(split, struct bio *bio)
{
	__u64 rest = (__u64)BPF_CORE_READ(bio, bi_private);
	struct bio_state *state = bpf_map_lookup_elem(&bios, &rest);

	return queued_for(bio, state ? state->id : 0);
}

/* Its request ends without having been issued, as another one has flushed for it. */
static __always_inline void flushed(struct request *rq, int error)
{
	struct trace_key what = { .kind = BIO_OTHER };
	struct bio *bio = BPF_CORE_READ(rq, bio);
	__u64 key = (__u64)bio;
	struct bio_state *state = bpf_map_lookup_elem(&bios, &key);
	struct trace_entry *e;

	if (!state || !state->since || !is_flush(bio))
		return;
	what.id = state->id;
	e = trace_entry(&what);
	if (e) {
		if (error)
			__sync_fetch_and_add(&e->errors, 1);
		trace_add(e, bpf_ktime_get_ns() - state->since);
	}
	bpf_map_delete_elem(&bios, &key);
}

/* --- what the device is given --- */

static __always_inline __u32 op_of(struct request *rq)
{
	return BPF_CORE_READ(rq, cmd_flags) & REQ_OP_MASK;
}

static __always_inline __u64 container_of_request(struct request *rq)
{
	struct bio *bio = BPF_CORE_READ(rq, bio);
	__u64 key = (__u64)bio, id;
	struct bio_state *state;

	/* Nobody has submitted anything: it is who gives the command. */
	if (op_of(rq) >= REQ_OP_DRV_IN)
		return trace_current();
	id = bio ? container_of_its_cgroup(bio) : 0;
	if (id)
		return id;
	state = bpf_map_lookup_elem(&bios, &key);
	return state ? state->id : 0;
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(issue, struct request *rq)
{
	struct request_state state = {};
	__u64 key = (__u64)rq;

	state.id = container_of_request(rq);
	/* Somebody else's end may have been missed. */
	if (op_of(rq) == REQ_OP_FLUSH || !trace_wanted(state.id)) {
		bpf_map_delete_elem(&requests, &key);
		return 0;
	}
	if (queued)
		state.since = BPF_CORE_READ(rq, start_time_ns);
	if (!state.since)
		state.since = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&requests, &key, &state, BPF_ANY))
		trace_lose();
	return 0;
}

/* It is issued again, after the device was busy, or may become part of another. */
SEC("tp_btf/block_rq_requeue")
int BPF_PROG(requeue, struct request *rq)
{
	__u64 key = (__u64)rq;

	bpf_map_delete_elem(&requests, &key);
	return 0;
}

static __always_inline __u32 kind_of(struct request *rq)
{
	switch (op_of(rq)) {
	case REQ_OP_READ:
		return BIO_READ;
	case REQ_OP_WRITE:
	case REQ_OP_ZONE_APPEND:
		return BIO_WRITE;
	}
	return BIO_OTHER;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(complete, struct request *rq, int error, unsigned int bytes)
{
	/* There may be more of it to come. */
	bool last = BPF_CORE_READ(rq, __data_len) <= bytes;
	__u64 key = (__u64)rq, now = bpf_ktime_get_ns();
	struct trace_key what = { .kind = kind_of(rq) };
	struct request_state *state;
	struct trace_entry *e;

	state = bpf_map_lookup_elem(&requests, &key);
	if (!state) {
		flushed(rq, error);
		return 0;
	}
	what.id = state->id;
	e = trace_entry(&what);
	if (e)
		__sync_fetch_and_add(error ? &e->errors : &e->bytes, error ? 1 : bytes);
	if (e && last)
		trace_add(e, now - state->since);
	if (last) {
		bpf_map_delete_elem(&requests, &key);
		key = (__u64)BPF_CORE_READ(rq, bio);
		bpf_map_delete_elem(&bios, &key);
	}
	return 0;
}
