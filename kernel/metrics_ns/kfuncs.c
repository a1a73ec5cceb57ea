// SPDX-License-Identifier: GPL-2.0
/*
 * Metrics namespaces as BPF programs see them.
 *
 * "Container" in the names of the kfuncs is the metrics namespace other than
 * the initial one: who writes such a program looks for containers.
 *
 * The ID of a task is a field of it, so that is one load for any task, in any
 * context. What else there is to know hangs on the namespace, and is looked up
 * by ID in a hash of its own: the tree of namespaces is read under a seqcount
 * whose writers leave interrupts on, so a lookup from an interrupt of one of
 * them would never end. Here readers take nothing but RCU, and find a
 * namespace from its creation until it is freed.
 */

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/hashtable.h>
#include <linux/metrics_ns.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "internal.h"

/*
 * IDs are given in turn, so chains are of one length: with 4096 of them, 25 at
 * 100,000 namespaces. It isn't an rhashtable, in which a lookup may have to wait
 * for a writer that it interrupts.
 */
static DEFINE_HASHTABLE(id_hash, 12);
static DEFINE_SPINLOCK(id_hash_lock);

/**
 * metrics_ns_hash - let a new namespace be found by its ID
 * @ns: the namespace, complete but for what NS_METRICS_SET sets
 *
 * Context: Process context.
 */
void metrics_ns_hash(struct metrics_namespace *ns)
{
	guard(spinlock)(&id_hash_lock);
	hash_add_rcu(id_hash, &ns->id_node, ns->ns.ns_id);
}

/**
 * metrics_ns_unhash - the end of what metrics_ns_hash() began
 * @ns: the namespace, which is freed after a grace period, as is its parent
 *
 * Context: Process context.
 */
void metrics_ns_unhash(struct metrics_namespace *ns)
{
	guard(spinlock)(&id_hash_lock);
	hash_del_rcu(&ns->id_node);
}

static const struct metrics_namespace *find_by_id(u64 id)
{
	const struct metrics_namespace *ns;

	hash_for_each_possible_rcu(id_hash, ns, id_node, id)
		if (ns->ns.ns_id == id)
			return ns;
	return NULL;
}

__bpf_kfunc_start_defs();

/**
 * bpf_get_current_container_id - the metrics namespace of the current task
 *
 * Context: Any, NMI included.
 * Return: The namespace ID, 0 in the initial namespace. It stays after exit.
 */
__bpf_kfunc u64 bpf_get_current_container_id(void)
{
	return task_metrics_ns_id(current);
}

/**
 * bpf_task_container_id - the metrics namespace of any task
 * @task: the task
 *
 * Context: Any, NMI included.
 * Return: The namespace ID, 0 for the initial namespace. It stays after exit,
 * until @task is freed.
 */
__bpf_kfunc u64 bpf_task_container_id(struct task_struct *task)
{
	return task_metrics_ns_id(task);
}

/**
 * bpf_task_container_top_id - the outermost metrics namespace of any task
 * @task: the task
 *
 * Context: Any, NMI included.
 * Return: The ID of the ancestor at level 1, or of the namespace itself if it is
 * at this level; 0 for the initial namespace. It stays after exit, until @task
 * is freed.
 */
__bpf_kfunc u64 bpf_task_container_top_id(struct task_struct *task)
{
	return task_metrics_ns_top_id(task);
}

/**
 * bpf_container_ancestor_id - an ancestor of a metrics namespace
 * @id: the namespace ID
 * @level: level of the ancestor, as NS_METRICS_GET gives it: 1 for the outermost
 *
 * A task is in namespace C of level L or in one nested in it if and only if this
 * answers C for the task's ID and L.
 *
 * Context: Any, NMI included.
 * Return: The ancestor's ID; @id if @level is its own. 0 if @level is 0 or deeper
 * than that, or if there is no such namespace (any more: one may be gone before
 * its last task is).
 */
__bpf_kfunc u64 bpf_container_ancestor_id(u64 id, u32 level)
{
	const struct metrics_namespace *ns;

	guard(rcu)();
	ns = find_by_id(id);
	if (!ns || !level || level > ns->level)
		return 0;
	while (ns->level > level)
		ns = ns->parent;
	return ns->ns.ns_id;
}

/**
 * bpf_container_label - the label of a metrics namespace
 * @id: the namespace ID
 * @buf: where to put it, NUL-terminated
 * @buf__sz: size of @buf; NS_METRICS_LABEL_MAX + 1 bytes hold any label
 *
 * A label is set once and never changes.
 *
 * Context: Any, NMI included.
 * Return: The length without the NUL; -E2BIG: what fits is in @buf; or, with an
 * empty string in @buf, -ENODATA: there is no label, or -ENOENT: there is no such
 * namespace (any more).
 */
__bpf_kfunc int bpf_container_label(u64 id, char *buf, u32 buf__sz)
{
	const struct metrics_namespace *ns;
	u32 len;

	if (!buf__sz)
		return -E2BIG;
	buf[0] = '\0';

	guard(rcu)();
	ns = find_by_id(id);
	if (!ns)
		return -ENOENT;
	/* Pairs with the release in set_commit(), after the label. */
	if (!(smp_load_acquire(&ns->set) & NS_METRICS_SET_LABEL))
		return -ENODATA;
	len = min(ns->label_len, buf__sz - 1);
	memcpy(buf, ns->label, len);
	buf[len] = '\0';
	return len == ns->label_len ? len : -E2BIG;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(metrics_ns_kfunc_ids)
BTF_ID_FLAGS(func, bpf_get_current_container_id)
BTF_ID_FLAGS(func, bpf_task_container_id, KF_RCU | KF_PERFMON)
BTF_ID_FLAGS(func, bpf_task_container_top_id, KF_RCU | KF_PERFMON)
BTF_ID_FLAGS(func, bpf_container_ancestor_id, KF_PERFMON)
BTF_ID_FLAGS(func, bpf_container_label, KF_PERFMON)
BTF_KFUNCS_END(metrics_ns_kfunc_ids)

static const struct btf_kfunc_id_set metrics_ns_kfunc_set = {
	.owner	= THIS_MODULE,
	.set	= &metrics_ns_kfunc_ids,
};

static int __init metrics_ns_kfuncs_init(void)
{
	/* For programs of every type. */
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_UNSPEC,
					 &metrics_ns_kfunc_set);
}
late_initcall(metrics_ns_kfuncs_init);
