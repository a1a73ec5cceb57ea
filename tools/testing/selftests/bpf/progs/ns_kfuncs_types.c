// SPDX-License-Identifier: GPL-2.0
/* One program of each type that calls the kfuncs: every type may. */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "ns_kfuncs.h"

char _license[] SEC("license") = "GPL";

u64 bpf_get_current_pidns(void) __ksym __weak;
u64 bpf_get_current_ns_id(u32 type) __ksym __weak;
u64 bpf_get_current_container_id(void) __ksym __weak;
u64 bpf_container_ancestor_id(u64 id, u32 level) __ksym __weak;
int bpf_container_label(u64 id, char *buf, u32 buf__sz) __ksym __weak;

int watched;
u64 pid_ns, net_ns, container_id, ancestor_id;
int label_len;

/* There is no bpf_get_current_pid_tgid() in all types. */
static __always_inline void answer_always(void)
{
	char label[8];

	pid_ns = bpf_get_current_pidns();
	net_ns = bpf_get_current_ns_id(CLONE_NEWNET);
	if (!bpf_ksym_exists(bpf_get_current_container_id))
		return;
	container_id = bpf_get_current_container_id();
	ancestor_id = bpf_container_ancestor_id(container_id, 1);
	label_len = bpf_container_label(container_id, label, sizeof(label));
}

static __always_inline void answer(void)
{
	if (watched && (u32)bpf_get_current_pid_tgid() != watched)
		return;
	answer_always();
}

#define PROG(sec, name, how, ret) \
	SEC(sec) int name(void *ctx) { how(); return ret; }

/* Attached, and run by the watched task. */
PROG("ksyscall/getppid", of_kprobe, answer, 0)
PROG("kretsyscall/getppid", of_kretprobe, answer, 0)
PROG("tracepoint/syscalls/sys_enter_getppid", of_tracepoint, answer, 0)
PROG("raw_tracepoint/sys_enter", of_raw_tracepoint, answer, 0)
PROG("tp_btf/sys_enter", of_tp_btf, answer, 0)
PROG("fentry/bpf_fentry_test1", of_fentry, answer, 0)
PROG("fexit/bpf_fentry_test1", of_fexit, answer, 0)
PROG("lsm/file_open", of_lsm, answer, 0)
PROG("lsm.s/file_open", of_lsm_sleepable, answer, 0)

/* Run by BPF_PROG_TEST_RUN. */
PROG("syscall", of_syscall, answer, 0)
PROG("xdp", of_xdp, answer_always, 2)
PROG("tc", of_tc, answer_always, 0)
PROG("socket", of_socket, answer_always, 0)
PROG("cgroup_skb/egress", of_cgroup_skb, answer_always, 1)
PROG("flow_dissector", of_flow_dissector, answer_always, 0)

/* Only loaded. */
PROG("perf_event", of_perf_event, answer, 0)
PROG("fmod_ret/bpf_modify_return_test", of_fmod_ret, answer, 0)
PROG("raw_tracepoint.w/sys_enter", of_raw_tracepoint_writable, answer, 0)
PROG("iter/task", of_iter, answer, 0)
PROG("uprobe", of_uprobe, answer, 0)
PROG("action", of_action, answer_always, 0)
PROG("cgroup/dev", of_cgroup_device, answer_always, 1)
PROG("cgroup/sysctl", of_cgroup_sysctl, answer_always, 1)
PROG("cgroup/sock", of_cgroup_sock, answer_always, 1)
PROG("cgroup/connect4", of_cgroup_sock_addr, answer_always, 1)
PROG("cgroup/getsockopt", of_cgroup_sockopt, answer_always, 1)
PROG("sockops", of_sock_ops, answer_always, 1)
PROG("sk_lookup", of_sk_lookup, answer_always, 1)
PROG("sk_reuseport", of_sk_reuseport, answer_always, 1)
PROG("sk_skb", of_sk_skb, answer_always, 1)
PROG("sk_msg", of_sk_msg, answer_always, 1)
PROG("lwt_in", of_lwt_in, answer_always, 0)
PROG("lwt_out", of_lwt_out, answer_always, 0)
PROG("lwt_xmit", of_lwt_xmit, answer_always, 0)
PROG("netfilter", of_netfilter, answer_always, 1)

SEC("struct_ops")
u32 BPF_PROG(of_struct_ops, struct sock *sk)
{
	answer_always();
	return 2;
}

SEC("struct_ops")
void BPF_PROG(cong_avoid, struct sock *sk, u32 ack, u32 acked)
{
}

SEC("struct_ops")
u32 BPF_PROG(undo_cwnd, struct sock *sk)
{
	return 2;
}

SEC(".struct_ops")
struct tcp_congestion_ops ns_kfuncs_cong = {
	.ssthresh	= (void *)of_struct_ops,
	.cong_avoid	= (void *)cong_avoid,
	.undo_cwnd	= (void *)undo_cwnd,
	.name		= "bpf_ns_kfuncs",
};
