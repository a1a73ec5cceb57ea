// SPDX-License-Identifier: GPL-2.0
/*
 * What a metrics namespace is told about itself: NS_METRICS_SET and
 * NS_METRICS_GET on its file descriptor.
 *
 * The label is the word of whoever starts the container, so it must not be the
 * word of who is in it: the setter has to stand outside, in a strict ancestor,
 * and needs CAP_SYS_ADMIN in the user namespace that owns the target. Neither a
 * process inside, nor a sibling, nor a namespace nested in it passes. What is
 * set stays, as a consumer that has seen it will not look again.
 */

#include <kunit/visibility.h>
#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/cleanup.h>
#include <linux/cred.h>
#include <linux/metrics_ns.h>
#include <linux/uaccess.h>
#include <trace/events/metrics_ns.h>
#include <trace/events/namespace.h>

#include "internal.h"

#define SET_MASK (NS_METRICS_SET_LABEL | NS_METRICS_SET_SCOPE | \
		  NS_METRICS_SET_FLAGS)
#define ALL_FLAGS (METRICS_NS_AUTO_SCOPE | METRICS_NS_HOST_VIEW | \
		   METRICS_NS_QUOTA_CPUS)

/**
 * metrics_label_valid - may this be a label?
 * @label: NS_METRICS_LABEL_MAX bytes
 * @len: how many of them are meant
 *
 * Return: true for 1 to NS_METRICS_LABEL_MAX bytes of printable ASCII followed
 * by zeroes.
 */
bool metrics_label_valid(const char *label, u32 len)
{
	u32 i;

	if (!len || len > NS_METRICS_LABEL_MAX)
		return false;
	for (i = 0; i < len; i++)
		if (label[i] < 0x20 || label[i] > 0x7e)
			return false;
	return !memchr_inv(label + len, 0, NS_METRICS_LABEL_MAX - len);
}
EXPORT_SYMBOL_IF_KUNIT(metrics_label_valid);

/* A member that isn't asked for must be zero, to be of use later. */
static bool set_args_valid(const struct metrics_ns_set *arg)
{
	if (!arg->mask || (arg->mask & ~SET_MASK) || (arg->flags & ~ALL_FLAGS))
		return false;
	if (!(arg->mask & NS_METRICS_SET_FLAGS) && arg->flags)
		return false;
	if (!(arg->mask & NS_METRICS_SET_SCOPE) && arg->scope_fd)
		return false;
	if (arg->mask & NS_METRICS_SET_LABEL)
		return metrics_label_valid(arg->label, arg->label_len);
	return !arg->label_len &&
	       !memchr_inv(arg->label, 0, sizeof(arg->label));
}

static bool may_set(const struct metrics_namespace *ns)
{
	const struct metrics_namespace *own = current->nsproxy->metrics_ns;

	return ns != own && metrics_ns_descends(ns, own) &&
	       ns_capable(ns->user_ns, CAP_SYS_ADMIN);
}

/*
 * What is nested can't see more than what is around it, and who is around
 * everything must be allowed to see everything.
 */
static bool may_grant(u32 flags)
{
	struct metrics_view view;

	if (!(flags & METRICS_NS_HOST_VIEW))
		return true;
	metrics_ns_resolve(current->nsproxy->metrics_ns, &view);
	return view.scope ? view.flags & METRICS_NS_HOST_VIEW :
			    capable(CAP_SYS_ADMIN);
}

/*
 * Nothing fails here: all that is asked for is set, or nothing. @set is last
 * and so publishes the label and the flags.
 */
static void set_commit(struct metrics_namespace *ns,
		       const struct metrics_ns_set *arg,
		       struct metrics_scope *scope,
		       struct metrics_scope *auto_scope)
{
	lockdep_assert_held(&ns->lock);

	if (arg->mask & NS_METRICS_SET_LABEL) {
		memcpy(ns->label, arg->label, arg->label_len);
		ns->label_len = arg->label_len;
	}
	if (arg->mask & NS_METRICS_SET_FLAGS)
		WRITE_ONCE(ns->flags, arg->flags);
	if (scope) {
		/* Pairs with own_scope(). */
		smp_store_release(&ns->scope, scope);
		WRITE_ONCE(ns->scope_id, cgroup_id(scope->cgrp));
		metrics_scope_sample_start(scope);
		metrics_scope_sample_stop(ns->auto_scope);
	}
	if (auto_scope) {
		/* Pairs with own_scope(), metrics_ns_auto_scope(). */
		smp_store_release(&ns->auto_scope, auto_scope);
	}
	/* Pairs with metrics_ns_get(). */
	smp_store_release(&ns->set, ns->set | arg->mask);
	trace_metrics_ns_set(ns, arg->mask, scope ? cgroup_id(scope->cgrp) : 0);
}

static struct metrics_scope *make_scope(const struct metrics_namespace *ns,
					const struct metrics_ns_set *arg)
{
	struct metrics_scope *scope;
	struct cgroup *cgrp;
	int ret;

	cgrp = metrics_scope_cgroup_from_fd(arg->scope_fd);
	if (IS_ERR(cgrp))
		return ERR_CAST(cgrp);
	ret = -EPERM;
	if (!metrics_scope_allowed(ns, cgrp))
		goto out_cgroup;
	ret = -ENOMEM;
	scope = metrics_scope_alloc();
	if (!scope)
		goto out_cgroup;
	metrics_scope_attach(scope, ns, cgrp, arg->flags);
	return scope;

out_cgroup:
	cgroup_put(cgrp);
	return ERR_PTR(ret);
}

static int metrics_ns_set(struct metrics_namespace *ns,
			  const struct metrics_ns_set *arg)
{
	struct metrics_scope *scope = NULL;
	struct metrics_scope *auto_scope = NULL;

	if (!set_args_valid(arg))
		return -EINVAL;
	if (!may_set(ns) || !may_grant(arg->flags))
		return -EPERM;

	guard(mutex)(&ns->lock);
	if (ns->set & arg->mask)
		return -EBUSY;

	if (arg->mask & NS_METRICS_SET_SCOPE) {
		scope = make_scope(ns, arg);
		if (IS_ERR(scope))
			return PTR_ERR(scope);
	} else if ((arg->flags & METRICS_NS_AUTO_SCOPE) && !ns->scope) {
		auto_scope = metrics_scope_alloc();
		if (!auto_scope)
			return -ENOMEM;
	}
	set_commit(ns, arg, scope, auto_scope);
	return 0;
}

/* IDs above the caller's own namespace are no business of a container. */
static u64 visible_id(const struct metrics_namespace *ns,
		      const struct metrics_namespace *own)
{
	return ns && metrics_ns_descends(ns, own) ? ns->ns.ns_id : 0;
}

static const struct metrics_namespace *
top_ancestor(const struct metrics_namespace *ns)
{
	while (ns->level > 1)
		ns = ns->parent;
	return ns->level ? ns : NULL;
}

static int metrics_ns_get(const struct metrics_namespace *ns,
			  struct metrics_ns_info *info)
{
	const struct metrics_namespace *own = current->nsproxy->metrics_ns;
	struct metrics_view view;
	u32 set;

	if (!metrics_ns_descends(ns, own))
		return -EPERM;

	info->level = ns->level;
	info->id = ns->ns.ns_id;
	info->parent_id = visible_id(ns->parent, own);
	info->top_id = visible_id(top_ancestor(ns), own);

	metrics_ns_resolve(ns, &view);
	info->effective_flags = view.flags;
	info->scope_id = READ_ONCE(ns->scope_id);

	/* Pairs with set_commit(). */
	set = smp_load_acquire(&ns->set);
	if (set & NS_METRICS_SET_FLAGS)
		info->flags = ns->flags;
	if (set & NS_METRICS_SET_LABEL) {
		info->label_len = ns->label_len;
		memcpy(info->label, ns->label, ns->label_len);
	}
	return 0;
}

static void trace_denied(const struct metrics_namespace *ns, int ret)
{
	if (ret == -EPERM)
		trace_namespace_denied(CLONE_NEWMETRICS, ns->ns.ns_id,
				       NS_DENIED_SET, ret);
}

static long ioctl_set(struct metrics_namespace *ns, void __user *uarg,
		      size_t usize)
{
	struct metrics_ns_set arg;
	int ret;

	ret = copy_struct_from_user(&arg, sizeof(arg), uarg, usize);
	if (ret)
		return ret;
	ret = metrics_ns_set(ns, &arg);
	trace_denied(ns, ret);
	return ret;
}

static long ioctl_get(const struct metrics_namespace *ns, void __user *uarg,
		      size_t usize)
{
	struct metrics_ns_info info = {};
	int ret;

	ret = metrics_ns_get(ns, &info);
	if (ret)
		return ret;
	info.size = min(usize, sizeof(info));
	return copy_struct_to_user(uarg, usize, &info, sizeof(info), NULL);
}

/**
 * metrics_ns_ioctl - NS_METRICS_SET and NS_METRICS_GET
 * @nsc: namespace of the file descriptor, of any type
 * @cmd: the ioctl; its size is the size of the caller's structure
 * @arg: pointer to that structure
 *
 * Both structures grow at their end: a larger one than the kernel knows is
 * accepted if its unknown tail is zero (set), or gets a zeroed tail (get). nsfs
 * refuses one that is smaller than the first version.
 *
 * Return: 0, or
 * -EINVAL for another type of namespace, unknown bits, members that should be
 * zero, and a bad label;
 * -E2BIG for an unknown tail that isn't zero;
 * -EPERM if the caller isn't in a strict ancestor (set) or in the namespace or
 * an ancestor (get), lacks the capability, may not write to the scope's cgroup,
 * names a scope outside the one in force, or grants a host view without having
 * it;
 * -EBUSY if a member is set already;
 * -EBADF and -ENOENT for the scope's file descriptor; -ENOMEM; -EFAULT.
 */
long metrics_ns_ioctl(struct ns_common *nsc, unsigned int cmd,
		      unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	if (nsc->ns_type != CLONE_NEWMETRICS)
		return -EINVAL;

	switch (_IOC_NR(cmd)) {
	case _IOC_NR(NS_METRICS_SET):
		return ioctl_set(to_metrics_ns(nsc), uarg, _IOC_SIZE(cmd));
	case _IOC_NR(NS_METRICS_GET):
		return ioctl_get(to_metrics_ns(nsc), uarg, _IOC_SIZE(cmd));
	}
	return -ENOTTY;
}
