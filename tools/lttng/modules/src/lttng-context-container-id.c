/* SPDX-License-Identifier: (GPL-2.0-only or LGPL-2.1-only)
 *
 * lttng-context-container-id.c
 *
 * LTTng container contexts: the ns_id of the current task's metrics namespace, which is
 * the container's ID and isn't reused in a boot, and that of the outermost container
 * around it, so that one filter takes in what is nested. 0 outside of containers. The
 * task keeps both until it is freed, so that they are right in the last sched_switch.
 */

#include <linux/module.h>
#include <linux/metrics_ns.h>
#include <linux/sched.h>
#include <lttng/events.h>
#include <lttng/events-internal.h>
#include <ringbuffer/frontend_types.h>
#include <wrapper/vmalloc.h>
#include <lttng/tracer.h>

static
size_t container_id_get_size(void *priv, struct lttng_kernel_probe_ctx *probe_ctx, size_t offset)
{
	size_t size = 0;

	size += lib_ring_buffer_align(offset, lttng_alignof(uint64_t));
	size += sizeof(uint64_t);
	return size;
}

static
void container_id_record(void *priv, struct lttng_kernel_probe_ctx *probe_ctx,
		struct lttng_kernel_ring_buffer_ctx *ctx,
		struct lttng_kernel_channel_buffer *chan)
{
	uint64_t id = task_metrics_ns_id(current);

	chan->ops->event_write(ctx, &id, sizeof(id), lttng_alignof(id));
}

static
void container_id_get_value(void *priv,
		struct lttng_kernel_probe_ctx *lttng_probe_ctx,
		struct lttng_ctx_value *value)
{
	value->u.s64 = task_metrics_ns_id(current);
}

static
void container_top_id_record(void *priv, struct lttng_kernel_probe_ctx *probe_ctx,
		struct lttng_kernel_ring_buffer_ctx *ctx,
		struct lttng_kernel_channel_buffer *chan)
{
	uint64_t id = task_metrics_ns_top_id(current);

	chan->ops->event_write(ctx, &id, sizeof(id), lttng_alignof(id));
}

static
void container_top_id_get_value(void *priv,
		struct lttng_kernel_probe_ctx *lttng_probe_ctx,
		struct lttng_ctx_value *value)
{
	value->u.s64 = task_metrics_ns_top_id(current);
}

static const struct lttng_kernel_ctx_field *ctx_field = lttng_kernel_static_ctx_field(
	lttng_kernel_static_event_field("container_id",
		lttng_kernel_static_type_integer_from_type(uint64_t, __BYTE_ORDER, 10),
		false, false),
	container_id_get_size,
	container_id_record,
	container_id_get_value,
	NULL, NULL);

static const struct lttng_kernel_ctx_field *ctx_top_field = lttng_kernel_static_ctx_field(
	lttng_kernel_static_event_field("container_top_id",
		lttng_kernel_static_type_integer_from_type(uint64_t, __BYTE_ORDER, 10),
		false, false),
	container_id_get_size,
	container_top_id_record,
	container_top_id_get_value,
	NULL, NULL);

static
int add_to_ctx(struct lttng_kernel_ctx **ctx, const struct lttng_kernel_ctx_field *field)
{
	int ret;

	if (lttng_kernel_find_context(*ctx, field->event_field->name))
		return -EEXIST;
	ret = lttng_kernel_context_append(ctx, field);
	wrapper_vmalloc_sync_mappings();
	return ret;
}

int lttng_add_container_id_to_ctx(struct lttng_kernel_ctx **ctx)
{
	return add_to_ctx(ctx, ctx_field);
}
EXPORT_SYMBOL_GPL(lttng_add_container_id_to_ctx);

int lttng_add_container_top_id_to_ctx(struct lttng_kernel_ctx **ctx)
{
	return add_to_ctx(ctx, ctx_top_field);
}
EXPORT_SYMBOL_GPL(lttng_add_container_top_id_to_ctx);
