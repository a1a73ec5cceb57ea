/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Metrics namespaces: a name for a group of processes, and the control group
 * whose resources they see as the machine's. See kernel/metrics_ns/core.c.
 */
#ifndef _LINUX_METRICS_NS_H
#define _LINUX_METRICS_NS_H

#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/ns_common.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <uapi/linux/nsfs.h>

struct cgroup;
struct metrics_scope;
struct seq_file;
struct ucounts;
struct user_namespace;

/* Level of the deepest namespace; the initial one is level 0. */
#define METRICS_NS_MAX_LEVEL	32

/**
 * struct metrics_namespace - an identity and a view of the resources
 * @ns:			common part; @ns.ns_id is the metrics namespace ID
 * @user_ns:		owning user namespace, referenced
 * @ucounts:		whom the namespace is charged to
 * @parent:		namespace of the creator, referenced; NULL for the
 *			initial one
 * @top_id:		ID of the ancestor at level 1, its own at level 1, 0 in
 *			the initial namespace
 * @origin_cgroup_id:	cgroup v2 ID of the creator's cgroup at creation
 * @level:		number of ancestors, at most METRICS_NS_MAX_LEVEL
 * @id_node:		in the hash of kfuncs.c, protected by its lock
 * @lock:		serialises the setters of the members that follow
 * @set:		NS_METRICS_SET_* bits of the members that are set; stored
 *			with release semantics after them
 * @flags:		METRICS_NS_* flags, valid with NS_METRICS_SET_FLAGS
 * @label_len:		bytes in @label, valid with NS_METRICS_SET_LABEL
 * @label:		printable ASCII, not NUL-terminated
 * @scope_id:		cgroup v2 ID of the scope, of either kind, 0 without one
 * @scope:		set by NS_METRICS_SET, or NULL
 * @auto_scope:		exists once METRICS_NS_AUTO_SCOPE is set; its cgroup
 *			is filled in by the first suitable cgroup namespace
 *
 * Everything above @lock but @id_node is constant after creation. Everything
 * below is written under @lock, and each member at most once but @set, which
 * gains bits, and @scope_id, as an automatic scope may come before the other. So
 * readers need a reference on the namespace, or RCU, and an acquire load, but no
 * lock.
 *
 * A namespace holds a reference on its parent, so all ancestors of a namespace
 * that is referenced can be walked without a lock. It holds references on the
 * cgroups it is scoped to; such a reference keeps the struct cgroup and not its
 * controllers, so a scope doesn't keep a removed cgroup's memory charged.
 *
 * Freeing waits for a grace period, as concurrent walks of the namespace tree
 * and lookups by ID want it.
 */
struct metrics_namespace {
	struct ns_common		ns;
	struct user_namespace		*user_ns;
	struct ucounts			*ucounts;
	struct metrics_namespace	*parent;
	u64				top_id;
	u64				origin_cgroup_id;
	u32				level;
	struct hlist_node		id_node;
	struct mutex			lock;		/* of the setters */
	u32				set;
	u32				flags;
	u32				label_len;
	char				label[NS_METRICS_LABEL_MAX];
	u64				scope_id;
	struct metrics_scope		*scope;
	struct metrics_scope		*auto_scope;
};

extern struct metrics_namespace init_metrics_ns;

#ifdef CONFIG_METRICS_NS

static inline struct metrics_namespace *to_metrics_ns(struct ns_common *ns)
{
	return container_of(ns, struct metrics_namespace, ns);
}

void free_metrics_ns(struct metrics_namespace *ns);
struct metrics_namespace *copy_metrics_ns(u64 flags,
					  struct user_namespace *user_ns,
					  struct metrics_namespace *old_ns);

static inline struct metrics_namespace *
get_metrics_ns(struct metrics_namespace *ns)
{
	ns_ref_inc(ns);
	return ns;
}

static inline void put_metrics_ns(struct metrics_namespace *ns)
{
	if (ns_ref_put(ns))
		free_metrics_ns(ns);
}

bool metrics_ns_descends(const struct metrics_namespace *ns,
			 const struct metrics_namespace *ancestor);

/**
 * task_metrics_ns_id - metrics namespace ID of a task
 * @tsk: any task that can't be freed meanwhile
 *
 * Context: Any, NMI included. On a 32-bit machine the two halves may be of
 * different IDs while @tsk changes its namespace; the upper one is 0 for the
 * first 2^32 namespaces.
 * Return: The ID, 0 for the initial namespace. It stays after exit.
 */
static inline u64 task_metrics_ns_id(const struct task_struct *tsk)
{
	return READ_ONCE(tsk->metrics_ns_id);
}

/**
 * task_metrics_ns_top_id - ID of the outermost metrics namespace of a task
 * @tsk: any task that can't be freed meanwhile
 *
 * Context: As task_metrics_ns_id().
 * Return: The ID of the ancestor at level 1, or of the namespace itself if that is
 * at this level; 0 for the initial namespace. It stays after exit.
 */
static inline u64 task_metrics_ns_top_id(const struct task_struct *tsk)
{
	return READ_ONCE(tsk->metrics_ns_top_id);
}

/**
 * metrics_ns_cache_ids - note in a task which metrics namespace it is in
 * @tsk: the task, current or not yet running
 * @nsproxy: the namespaces that @tsk gets
 *
 * Context: Where @tsk->nsproxy is set, under task_lock() if others can see it.
 */
static inline void metrics_ns_cache_ids(struct task_struct *tsk,
					const struct nsproxy *nsproxy)
{
	const struct metrics_namespace *ns = nsproxy->metrics_ns;

	WRITE_ONCE(tsk->metrics_ns_id, ns->level ? ns->ns.ns_id : 0);
	WRITE_ONCE(tsk->metrics_ns_top_id, ns->top_id);
}

void proc_metrics_ns_status(struct seq_file *m, struct task_struct *tsk);
long metrics_ns_ioctl(struct ns_common *ns, unsigned int cmd,
		      unsigned long arg);
void metrics_ns_auto_scope(struct task_struct *tsk);

/**
 * metrics_ns_cgroup_ns_made - give an armed namespace its automatic scope
 * @flags: CLONE_* flags of the clone or unshare that succeeded
 * @tsk: the task that got the new namespaces, current or not yet running
 *
 * Context: Process context, may sleep; after @tsk has its namespaces and its
 * cgroup, and where nothing can fail any more.
 */
static inline void metrics_ns_cgroup_ns_made(u64 flags, struct task_struct *tsk)
{
	if (flags & CLONE_NEWCGROUP)
		metrics_ns_auto_scope(tsk);
}

#else /* !CONFIG_METRICS_NS */

static inline struct metrics_namespace *to_metrics_ns(struct ns_common *ns)
{
	return NULL;
}

static inline struct metrics_namespace *
copy_metrics_ns(u64 flags, struct user_namespace *user_ns,
		struct metrics_namespace *old_ns)
{
	if (flags & CLONE_NEWMETRICS)
		return ERR_PTR(-EINVAL);
	return old_ns;
}

static inline void put_metrics_ns(struct metrics_namespace *ns) { }

static inline u64 task_metrics_ns_id(const struct task_struct *tsk)
{
	return 0;
}

static inline u64 task_metrics_ns_top_id(const struct task_struct *tsk)
{
	return 0;
}

static inline void metrics_ns_cache_ids(struct task_struct *tsk,
					const struct nsproxy *nsproxy) { }
static inline void proc_metrics_ns_status(struct seq_file *m,
					  struct task_struct *tsk) { }

static inline long metrics_ns_ioctl(struct ns_common *ns, unsigned int cmd,
				    unsigned long arg)
{
	return -ENOTTY;
}

static inline void metrics_ns_cgroup_ns_made(u64 flags,
					     struct task_struct *tsk) { }

#endif /* CONFIG_METRICS_NS */
#endif /* _LINUX_METRICS_NS_H */
