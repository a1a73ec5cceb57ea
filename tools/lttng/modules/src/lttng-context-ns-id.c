/* SPDX-License-Identifier: (GPL-2.0-only or LGPL-2.1-only)
 *
 * lttng-context-ns-id.c
 *
 * LTTng contexts of the current task's namespaces by their ns_id, which isn't reused in
 * a boot. The inode number, which the contexts without "_id" have, is that of another
 * namespace soon after its own is gone.
 *
 * All are 0 where the task has no namespaces any more, on its way out, but for the user
 * namespace, which is that of its credentials, and the PID namespace, which a task has
 * until somebody has waited for it.
 */

#include <linux/module.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/ipc_namespace.h>
#include <linux/ns_common.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/time_namespace.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>
#include <net/net_namespace.h>
#include <lttng/events.h>
#include <lttng/events-internal.h>
#include <ringbuffer/frontend_types.h>
#include <wrapper/vmalloc.h>
#include <lttng/tracer.h>

#ifndef LTTNG_MNT_NS_MISSING_HEADER
#include <../fs/mount.h>
#endif

/*
 * As documented in 'linux/nsproxy.h' namespaces access rules, no precautions should be
 * taken when accessing the current task's namespaces, just dereference the pointers.
 */
#define NSPROXY_NS_ID(_type)							\
static									\
uint64_t _type##_id(void)							\
{										\
	return current->nsproxy ? current->nsproxy->_type->ns.ns_id : 0;	\
}

#ifdef CONFIG_CGROUPS
NSPROXY_NS_ID(cgroup_ns)
#endif
#ifdef CONFIG_NET_NS
NSPROXY_NS_ID(net_ns)
#endif
#ifdef CONFIG_IPC_NS
NSPROXY_NS_ID(ipc_ns)
#endif
#ifdef CONFIG_TIME_NS
NSPROXY_NS_ID(time_ns)
#endif
#ifdef CONFIG_UTS_NS
NSPROXY_NS_ID(uts_ns)
#endif
#ifndef LTTNG_MNT_NS_MISSING_HEADER
NSPROXY_NS_ID(mnt_ns)
#endif

/* Not that of nsproxy, which is the one that children will be in */
static
uint64_t pid_ns_id(void)
{
	struct pid_namespace *ns = task_active_pid_ns(current);

	return ns ? ns->ns.ns_id : 0;
}

static
uint64_t user_ns_id(void)
{
	return current_user_ns()->ns.ns_id;
}

struct ns_id_getter {
	uint32_t type;	/* enum lttng_kernel_abi_context_type */
	uint64_t (*get)(void);
};

static
size_t ns_id_get_size(void *priv, struct lttng_kernel_probe_ctx *probe_ctx, size_t offset)
{
	size_t size = 0;

	size += lib_ring_buffer_align(offset, lttng_alignof(uint64_t));
	size += sizeof(uint64_t);
	return size;
}

static
void ns_id_record(void *priv, struct lttng_kernel_probe_ctx *probe_ctx,
		struct lttng_kernel_ring_buffer_ctx *ctx,
		struct lttng_kernel_channel_buffer *chan)
{
	const struct ns_id_getter *getter = priv;
	uint64_t id = getter->get();

	chan->ops->event_write(ctx, &id, sizeof(id), lttng_alignof(id));
}

static
void ns_id_get_value(void *priv,
		struct lttng_kernel_probe_ctx *lttng_probe_ctx,
		struct lttng_ctx_value *value)
{
	const struct ns_id_getter *getter = priv;

	value->u.s64 = getter->get();
}

#define NS_ID_FIELD(_type, _name)					\
	lttng_kernel_static_ctx_field(					\
		lttng_kernel_static_event_field(#_name,			\
			lttng_kernel_static_type_integer_from_type(uint64_t, __BYTE_ORDER, 10), \
			false, false),					\
		ns_id_get_size,						\
		ns_id_record,						\
		ns_id_get_value,					\
		NULL, (&(struct ns_id_getter) {				\
			.type = LTTNG_KERNEL_ABI_CONTEXT_##_type##_NS_ID, \
			.get = _name,					\
		}))

static const struct lttng_kernel_ctx_field *ctx_fields[] = {
#ifdef CONFIG_CGROUPS
	NS_ID_FIELD(CGROUP, cgroup_ns_id),
#endif
#ifdef CONFIG_IPC_NS
	NS_ID_FIELD(IPC, ipc_ns_id),
#endif
#ifndef LTTNG_MNT_NS_MISSING_HEADER
	NS_ID_FIELD(MNT, mnt_ns_id),
#endif
#ifdef CONFIG_NET_NS
	NS_ID_FIELD(NET, net_ns_id),
#endif
	NS_ID_FIELD(PID, pid_ns_id),
#ifdef CONFIG_TIME_NS
	NS_ID_FIELD(TIME, time_ns_id),
#endif
	NS_ID_FIELD(USER, user_ns_id),
#ifdef CONFIG_UTS_NS
	NS_ID_FIELD(UTS, uts_ns_id),
#endif
};

static
int add_to_ctx(struct lttng_kernel_ctx **ctx, const struct lttng_kernel_ctx_field *field)
{
	if (lttng_kernel_find_context(*ctx, field->event_field->name))
		return -EEXIST;
	return lttng_kernel_context_append(ctx, field);
}

/**
 * lttng_add_ns_ids_to_ctx - add the contexts of all types of namespaces
 * @ctx: where to
 *
 * Return: 0, or a negative errno; those before the one that failed are there then.
 */
int lttng_add_ns_ids_to_ctx(struct lttng_kernel_ctx **ctx)
{
	int i, ret = 0;

	for (i = 0; i < ARRAY_SIZE(ctx_fields) && !ret; i++)
		ret = add_to_ctx(ctx, ctx_fields[i]);
	wrapper_vmalloc_sync_mappings();
	return ret;
}
EXPORT_SYMBOL_GPL(lttng_add_ns_ids_to_ctx);

/**
 * lttng_add_ns_id_to_ctx - add the context of one type of namespaces
 * @ctx: where to
 * @type: which, of enum lttng_kernel_abi_context_type
 *
 * Return: 0, -ENOSYS if the kernel has no such namespaces, or another negative errno.
 */
int lttng_add_ns_id_to_ctx(struct lttng_kernel_ctx **ctx, uint32_t type)
{
	int i, ret = -ENOSYS;

	for (i = 0; i < ARRAY_SIZE(ctx_fields); i++) {
		const struct ns_id_getter *getter = ctx_fields[i]->priv;

		if (getter->type == type) {
			ret = add_to_ctx(ctx, ctx_fields[i]);
			break;
		}
	}
	wrapper_vmalloc_sync_mappings();
	return ret;
}
EXPORT_SYMBOL_GPL(lttng_add_ns_id_to_ctx);
