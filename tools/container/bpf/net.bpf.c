// SPDX-License-Identifier: GPL-2.0
/* What goes through sockets, and how long connections wait. */

#include "cgroups.bpf.h"

#include "net.h"

#define AF_INET		2
#define IPPROTO_TCP	6
#define EAGAIN		11
/* From here to the next one the program doesn't see them, as in cid syscalls. */
#define ERESTARTSYS	512
#define ERESTART_RESTARTBLOCK	516
#define MSG_PEEK	0x2
#define MSG_ERRQUEUE	0x2000
#define TCP_ESTABLISHED	1
#define TCP_SYN_SENT	2
#define TCP_SYN_RECV	3
#define TCP_CLOSE	7

/* A connection that isn't yet one, or that nobody has accepted */
struct connection {
	__u64 since;
	__u64 id;	/* of who connects */
	__u64 connects;	/* else it is to be accepted */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NET_SOCKETS);
	__type(key, __u64);
	__type(value, struct connection);
} connections SEC(".maps");

static __always_inline struct trace_entry *entry_of(__u64 id, __u32 kind)
{
	struct trace_key key = { .id = id, .kind = kind };

	return trace_wanted(id) ? trace_entry(&key) : NULL;
}

static __always_inline bool is_error(__s64 ret)
{
	return ret < 0 && ret != -EAGAIN &&
	       (ret > -ERESTARTSYS || ret < -ERESTART_RESTARTBLOCK);
}

/* Without a time: each is as often as it is counted. */
static __always_inline void count(__u64 id, __u32 kind, __u64 times, __s64 bytes)
{
	struct trace_entry *e = entry_of(id, kind);

	if (!e)
		return;
	__sync_fetch_and_add(&e->slots[0], times);
	if (bytes >= 0)
		__sync_fetch_and_add(&e->bytes, bytes);
	else if (is_error(bytes))
		__sync_fetch_and_add(&e->errors, 1);
}

/* What is looked at comes again, and errors that are fetched are no data. */
static __always_inline void received(__u32 kind, int flags, __s64 bytes)
{
	if (!(flags & (MSG_PEEK | MSG_ERRQUEUE)))
		count(trace_current(), kind, 1, bytes);
}

/* Where a socket was made, which is another place after it was handed on. */
static __always_inline __u64 container_of_socket(const struct sock *sk)
{
	return container_of_cgroup(BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id));
}

/* --- calls --- */

SEC("fexit/tcp_sendmsg")
int BPF_PROG(tcp_send, struct sock *sk, void *msg, size_t size, int ret)
{
	count(trace_current(), NET_TCP_SEND, 1, ret);
	return 0;
}

SEC("fexit/tcp_recvmsg")
int BPF_PROG(tcp_receive, struct sock *sk, void *msg, size_t len, int flags, int ret)
{
	received(NET_TCP_RECEIVE, flags, ret);
	return 0;
}

/* That of splice(2); what sends for it is tcp_sendmsg() as well. */
SEC("fexit/tcp_splice_read")
int BPF_PROG(tcp_splice, struct socket *sock, loff_t *pos, void *pipe, size_t len,
	     unsigned int flags, ssize_t ret)
{
	count(trace_current(), NET_TCP_RECEIVE, 1, ret);
	return 0;
}

SEC("fexit/udp_sendmsg")
int BPF_PROG(udp_send, struct sock *sk, void *msg, size_t len, int ret)
{
	/* That of IPv6 calls it for addresses of IPv4, and is counted. */
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
		count(trace_current(), NET_UDP_SEND, 1, ret);
	return 0;
}

SEC("fexit/udp_recvmsg")
int BPF_PROG(udp_receive, struct sock *sk, void *msg, size_t len, int flags, int ret)
{
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
		received(NET_UDP_RECEIVE, flags, ret);
	return 0;
}

SEC("fexit/udpv6_sendmsg")
int BPF_PROG(udpv6_send, struct sock *sk, void *msg, size_t len, int ret)
{
	count(trace_current(), NET_UDP_SEND, 1, ret);
	return 0;
}

SEC("fexit/udpv6_recvmsg")
int BPF_PROG(udpv6_receive, struct sock *sk, void *msg, size_t len, int flags, int ret)
{
	received(NET_UDP_RECEIVE, flags, ret);
	return 0;
}

/* --- connections --- */

static __always_inline void begin(__u64 sk, __u64 id, bool connects)
{
	struct connection c = {
		.since = bpf_ktime_get_ns(),
		.id = id,
		.connects = connects,
	};

	if (bpf_map_update_elem(&connections, &sk, &c, BPF_ANY))
		trace_lose();
}

/* Some fail before there is a packet. */
static __always_inline void connects(const struct sock *sk)
{
	__u64 id = trace_current();

	if (trace_wanted(id))
		begin((__u64)sk, id, true);
}

static __always_inline void connected(__u64 sk, bool failed)
{
	struct connection *c = bpf_map_lookup_elem(&connections, &sk);
	struct trace_entry *e;

	if (!c || !c->connects)
		return;
	e = entry_of(c->id, NET_CONNECT);
	if (e)
		trace_add(e, bpf_ktime_get_ns() - c->since);
	if (e && failed)
		__sync_fetch_and_add(&e->errors, 1);
	bpf_map_delete_elem(&connections, &sk);
}

SEC("fentry/tcp_v4_connect")
int BPF_PROG(connects_v4, struct sock *sk)
{
	connects(sk);
	return 0;
}

/* That calls the other one for addresses of IPv4, which begins anew. */
SEC("fentry/tcp_v6_connect")
int BPF_PROG(connects_v6, struct sock *sk)
{
	connects(sk);
	return 0;
}

/* Nothing is left to be counted if it has failed later than the state was set. */
SEC("fexit/tcp_v4_connect")
int BPF_PROG(connected_v4, struct sock *sk, void *addr, int len, int ret)
{
	if (ret < 0)
		connected((__u64)sk, true);
	return 0;
}

SEC("fexit/tcp_v6_connect")
int BPF_PROG(connected_v6, struct sock *sk, void *addr, int len, int ret)
{
	if (ret < 0)
		connected((__u64)sk, true);
	return 0;
}

/*
 * A socket that is to be accepted begins in TCP_SYN_RECV, and may be accepted before
 * it is TCP_ESTABLISHED. One that connects gets there when both sides connect at once.
 */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(set_state, const struct sock *sk, const int from, const int to)
{
	__u64 key = (__u64)sk;

	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	if (to == TCP_SYN_RECV && from != TCP_SYN_SENT)
		begin(key, 0, false);	/* whose, who accepts it tells */
	else if (from == TCP_SYN_SENT || from == TCP_SYN_RECV)
		if (to != TCP_SYN_RECV)
			connected(key, to != TCP_ESTABLISHED);
	if (to == TCP_CLOSE)
		bpf_map_delete_elem(&connections, &key);
	return 0;
}

SEC("fexit/inet_csk_accept")
int BPF_PROG(accepted, struct sock *sk, void *arg, struct sock *ret)
{
	__u64 key = (__u64)ret;
	struct connection *c = ret ? bpf_map_lookup_elem(&connections, &key) : NULL;
	struct trace_entry *e;

	if (!c || c->connects)
		return 0;
	e = entry_of(trace_current(), NET_ACCEPT);
	if (e)
		trace_add(e, bpf_ktime_get_ns() - c->since);
	bpf_map_delete_elem(&connections, &key);
	return 0;
}

/* An attempt that fails is made again, and comes again. */
SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retransmit, const struct sock *sk, const struct sk_buff *skb, int err)
{
	const struct tcp_skb_cb *cb = (const struct tcp_skb_cb *)&skb->cb;

	if (!err)
		count(container_of_socket(sk), NET_RETRANSMIT,
		      BPF_CORE_READ(cb, tcp_gso_segs), BPF_CORE_READ(skb, len));
	return 0;
}

/* --- packets --- */

static __always_inline int packet(struct __sk_buff *skb, __u32 kind)
{
	__u32 segments = skb->gso_segs;

	count(container_of_cgroup(bpf_skb_cgroup_id(skb)), kind, segments ? segments : 1,
	      skb->len);
	return 1;	/* let it pass */
}

SEC("cgroup_skb/egress")
int packet_out(struct __sk_buff *skb)
{
	return packet(skb, NET_PACKETS_OUT);
}

SEC("cgroup_skb/ingress")
int packet_in(struct __sk_buff *skb)
{
	return packet(skb, NET_PACKETS_IN);
}
