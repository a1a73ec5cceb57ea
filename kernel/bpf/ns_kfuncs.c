// SPDX-License-Identifier: GPL-2.0
/*
 * kfuncs that name the namespaces of a task.
 *
 * They answer with the namespace ID, as NS_GET_ID and listns(2) give it, which
 * is never reused; not with the inode number of /proc/PID/ns, which is given to
 * the next namespace as soon as this one is gone.
 *
 * Why nothing here takes a lock: the nsproxy of a task and its credentials are
 * changed by the task alone, so under a program that runs in its context, or
 * in an interrupt of it, what current has stays. The nsproxy of another task
 * can't be read without task_lock(), so it isn't asked for. A task's struct pid
 * and its credentials are freed after a grace period, and hold their namespace
 * until then. The task itself has to be held by somebody: a pointer that is only
 * under RCU may be one that was left behind in a task that is gone, such as its
 * real_parent, and a task that has been freed has no credentials.
 */

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/ipc_namespace.h>
#include <linux/metrics_ns.h>
#include <linux/mnt_namespace.h>
#include <linux/ns_common.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/time_namespace.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>
#include <net/net_namespace.h>

/* A thread that has been released still is in the namespace of its process. */
static u64 pid_ns_id(const struct task_struct *tsk)
{
	struct pid *pid;

	guard(rcu)();
	pid = READ_ONCE(tsk->thread_pid);
	if (!pid)
		pid = READ_ONCE(tsk->signal->pids[PIDTYPE_TGID]);
	return pid ? ns_of_pid(pid)->ns.ns_id : 0;
}

static u64 user_ns_id(const struct task_struct *tsk)
{
	guard(rcu)();
	return __task_cred(tsk)->user_ns->ns.ns_id;
}

/* As NS_GET_ID has it: the task's field is 0 in the initial namespace. */
static u64 metrics_ns_id(const struct task_struct *tsk)
{
	if (!IS_ENABLED(CONFIG_METRICS_NS))
		return 0;
	return task_metrics_ns_id(tsk) ?: METRICS_NS_INIT_ID;
}

/* Types that aren't built in are NULL, as all are once current is exiting. */
static u64 nsproxy_ns_id(const struct nsproxy *nsproxy, u32 type)
{
	if (!nsproxy)
		return 0;

	switch (type) {
	case CLONE_NEWNS:
		return nsproxy->mnt_ns ? from_mnt_ns(nsproxy->mnt_ns)->ns_id : 0;
	case CLONE_NEWUTS:
		return nsproxy->uts_ns ? nsproxy->uts_ns->ns.ns_id : 0;
	case CLONE_NEWIPC:
		return nsproxy->ipc_ns ? nsproxy->ipc_ns->ns.ns_id : 0;
	case CLONE_NEWNET:
		return nsproxy->net_ns ? nsproxy->net_ns->ns.ns_id : 0;
	case CLONE_NEWCGROUP:
		return nsproxy->cgroup_ns ? nsproxy->cgroup_ns->ns.ns_id : 0;
	case CLONE_NEWTIME:
		return nsproxy->time_ns ? nsproxy->time_ns->ns.ns_id : 0;
	}
	return 0;
}

__bpf_kfunc_start_defs();

/**
 * bpf_get_current_pidns - the PID namespace of the current task
 *
 * That is the one it lives in and not the one that its children will get: they
 * differ after unshare(CLONE_NEWPID) and after setns(2).
 *
 * Context: Any, NMI included.
 * Return: The namespace ID; 0 for a process that has been released, which is
 * so at the last context switch of one whose parent doesn't wait for it.
 */
__bpf_kfunc u64 bpf_get_current_pidns(void)
{
	return pid_ns_id(current);
}

/**
 * bpf_get_current_ns_id - a namespace of the current task
 * @type: one of CLONE_NEW*
 *
 * For CLONE_NEWPID and CLONE_NEWTIME the one that it is in, not the one that
 * its children will be in; for CLONE_NEWUSER that of its real credentials, as
 * in /proc/PID/ns/user.
 *
 * Context: Any, NMI included.
 * Return: The namespace ID. 0 if @type is none or isn't built in. While the
 * task exits, 0 as soon as it has left the namespace: CLONE_NEWPID as
 * bpf_get_current_pidns(), CLONE_NEWUSER and CLONE_NEWMETRICS never, the others
 * early.
 */
__bpf_kfunc u64 bpf_get_current_ns_id(u32 type)
{
	switch (type) {
	case CLONE_NEWPID:
		return pid_ns_id(current);
	case CLONE_NEWUSER:
		return user_ns_id(current);
	case CLONE_NEWMETRICS:
		return metrics_ns_id(current);
	}
	return nsproxy_ns_id(current->nsproxy, type);
}

/**
 * bpf_task_ns_id - a namespace of any task
 * @task: the task
 * @type: CLONE_NEWPID, CLONE_NEWUSER or CLONE_NEWMETRICS; what else a task has
 *	is readable by itself alone
 *
 * A task that is only being made, in the hook task_alloc of LSMs, answers as its
 * creator; for CLONE_NEWUSER, as what it will be.
 *
 * Context: Any, NMI included.
 * Return: The namespace ID, or 0: @type is another one, or CLONE_NEWPID and
 * @task has been released, by whoever waited for it or by itself. A thread that
 * has been answers as long as its process hasn't.
 */
__bpf_kfunc u64 bpf_task_ns_id(struct task_struct *task, u32 type)
{
	switch (type) {
	case CLONE_NEWPID:
		return pid_ns_id(task);
	case CLONE_NEWUSER:
		return user_ns_id(task);
	case CLONE_NEWMETRICS:
		return metrics_ns_id(task);
	}
	return 0;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(ns_kfunc_ids)
BTF_ID_FLAGS(func, bpf_get_current_pidns)
BTF_ID_FLAGS(func, bpf_get_current_ns_id)
BTF_ID_FLAGS(func, bpf_task_ns_id, KF_PERFMON)
BTF_KFUNCS_END(ns_kfunc_ids)

static const struct btf_kfunc_id_set ns_kfunc_set = {
	.owner	= THIS_MODULE,
	.set	= &ns_kfunc_ids,
};

static int __init ns_kfuncs_init(void)
{
	/* For programs of every type. */
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_UNSPEC, &ns_kfunc_set);
}
late_initcall(ns_kfuncs_init);
