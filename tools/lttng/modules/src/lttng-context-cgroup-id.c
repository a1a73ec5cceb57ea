/* SPDX-License-Identifier: (GPL-2.0-only or LGPL-2.1-only)
 *
 * lttng-context-cgroup-id.c
 *
 * LTTng control group context: the ID of the current task's cgroup in the default
 * (v2) hierarchy, which is the inode number of its directory. Where the controllers
 * are in v1 hierarchies, this one says little of limits.
 */

#include <linux/module.h>
#include <lttng/kernel-version.h>

#if (LTTNG_LINUX_VERSION_CODE >= LTTNG_KERNEL_VERSION(5,5,0))

#include <linux/cgroup.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <lttng/events.h>
#include <lttng/events-internal.h>
#include <ringbuffer/frontend_types.h>
#include <wrapper/vmalloc.h>
#include <lttng/tracer.h>

/* A task keeps its css_set until it is freed, so that this is right after exit as well. */
static
uint64_t current_cgroup_id(void)
{
	uint64_t id;

	rcu_read_lock();
	id = cgroup_id(task_dfl_cgroup(current));
	rcu_read_unlock();
	return id;
}

static
size_t cgroup_id_get_size(void *priv, struct lttng_kernel_probe_ctx *probe_ctx, size_t offset)
{
	size_t size = 0;

	size += lib_ring_buffer_align(offset, lttng_alignof(uint64_t));
	size += sizeof(uint64_t);
	return size;
}

static
void cgroup_id_record(void *priv, struct lttng_kernel_probe_ctx *probe_ctx,
		struct lttng_kernel_ring_buffer_ctx *ctx,
		struct lttng_kernel_channel_buffer *chan)
{
	uint64_t id = current_cgroup_id();

	chan->ops->event_write(ctx, &id, sizeof(id), lttng_alignof(id));
}

static
void cgroup_id_get_value(void *priv,
		struct lttng_kernel_probe_ctx *lttng_probe_ctx,
		struct lttng_ctx_value *value)
{
	value->u.s64 = current_cgroup_id();
}

static const struct lttng_kernel_ctx_field *ctx_field = lttng_kernel_static_ctx_field(
	lttng_kernel_static_event_field("cgroup_id",
		lttng_kernel_static_type_integer_from_type(uint64_t, __BYTE_ORDER, 10),
		false, false),
	cgroup_id_get_size,
	cgroup_id_record,
	cgroup_id_get_value,
	NULL, NULL);

int lttng_add_cgroup_id_to_ctx(struct lttng_kernel_ctx **ctx)
{
	int ret;

	if (lttng_kernel_find_context(*ctx, ctx_field->event_field->name))
		return -EEXIST;
	ret = lttng_kernel_context_append(ctx, ctx_field);
	wrapper_vmalloc_sync_mappings();
	return ret;
}
EXPORT_SYMBOL_GPL(lttng_add_cgroup_id_to_ctx);

#endif
