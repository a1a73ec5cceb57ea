// SPDX-License-Identifier: GPL-2.0
/*
 * Containers that start while it is recorded. LTTng itself tells of them: a trigger on
 * the kernel's events that a container has got a label, or is nested in another one.
 * What a container does in the moments before it is known isn't recorded but for what
 * is recorded of all tasks.
 */

#include <errno.h>
#include <lttng/lttng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "util.h"

static struct lttng_notification_channel *channel;
static struct recording *recording;
static struct lttng_trigger **triggers;
static size_t nr_triggers;

static int append_capture(struct lttng_condition *condition, const char *field)
{
	struct lttng_event_expr *expr = lttng_event_expr_event_payload_field_create(field);

	if (!expr)
		return -1;
	if (lttng_condition_event_rule_matches_append_capture_descriptor(condition, expr) !=
	    LTTNG_CONDITION_STATUS_OK) {
		lttng_event_expr_destroy(expr);
		return -1;
	}
	return 0;
}

static struct lttng_condition *condition_on(const char *event, const char *filter)
{
	struct lttng_event_rule *rule = lttng_event_rule_kernel_tracepoint_create();
	struct lttng_condition *condition = NULL;

	if (!rule)
		return NULL;
	if (lttng_event_rule_kernel_tracepoint_set_name_pattern(rule, event) ==
	    LTTNG_EVENT_RULE_STATUS_OK &&
	    lttng_event_rule_kernel_tracepoint_set_filter(rule, filter) ==
	    LTTNG_EVENT_RULE_STATUS_OK)
		condition = lttng_condition_event_rule_matches_create(rule);
	lttng_event_rule_destroy(rule);
	if (condition && append_capture(condition, "id")) {
		lttng_condition_destroy(condition);
		return NULL;
	}
	return condition;
}

static int register_trigger(struct lttng_condition *condition)
{
	struct lttng_action *action = lttng_action_notify_create();
	struct lttng_trigger *trigger = NULL;
	int ret = -1;

	if (action)
		trigger = lttng_trigger_create(condition, action);
	if (trigger && lttng_register_trigger_with_automatic_name(trigger) == LTTNG_OK) {
		triggers = xreallocarray(triggers, nr_triggers + 1, sizeof(*triggers));
		triggers[nr_triggers++] = trigger;
		ret = 0;
	} else {
		lttng_trigger_destroy(trigger);
	}
	lttng_action_destroy(action);
	return ret;
}

/* Tell of each such event by the container's ID. */
static int watch(const char *event, const char *filter)
{
	struct lttng_condition *condition = condition_on(event, filter);
	int ret = -1;

	if (!condition)
		return -1;
	if (!register_trigger(condition) &&
	    lttng_notification_channel_subscribe(channel, condition) ==
	    LTTNG_NOTIFICATION_CHANNEL_STATUS_OK)
		ret = 0;
	lttng_condition_destroy(condition);
	return ret;
}

/*
 * Return: a new string, a literal of a filter that @text matches, and little else: in one
 * of LTTng's nothing stands for a quotation mark, nor for the name that its scanner has
 * for escapes. '*' is any text. The label is compared before it is followed.
 */
static char *quoted(const char *text)
{
	char *res = xcalloc(strlen(text) * 2 + 3, 1), *end = res;

	*end++ = '"';
	for (; *text; text++) {
		if (*text == '"' || !strncmp(text, "ESCSEQ", 6)) {
			*end++ = '*';
			continue;
		}
		if (strchr("\\*", *text))
			*end++ = '\\';
		*end++ = *text;
	}
	*end = '"';
	return res;
}

static int watch_label(const char *label)
{
	cleanup_free char *literal = quoted(label);
	cleanup_free char *filter = xasprintf("label == %s", literal);

	return watch("metrics_ns_set", filter);
}

/* What is nested in an outermost container has that one's ID, and passes its filter. */
static int watch_nested(const struct followed *f)
{
	cleanup_free char *filter = NULL;

	if (f->top)
		return 0;
	filter = xasprintf("parent_id == %llu", (unsigned long long)f->id);
	return watch("metrics_ns_create", filter);
}

static int captured_id(struct lttng_notification *notification, uint64_t *id)
{
	const struct lttng_evaluation *evaluation;
	const struct lttng_event_field_value *values, *value;

	evaluation = lttng_notification_get_evaluation(notification);
	if (!evaluation ||
	    lttng_evaluation_event_rule_matches_get_captured_values(evaluation, &values) !=
	    LTTNG_EVALUATION_EVENT_RULE_MATCHES_STATUS_OK ||
	    lttng_event_field_value_array_get_element_at_index(values, 0, &value) !=
	    LTTNG_EVENT_FIELD_VALUE_STATUS_OK ||
	    lttng_event_field_value_unsigned_int_get_value(value, id) !=
	    LTTNG_EVENT_FIELD_VALUE_STATUS_OK)
		return -1;
	return 0;
}

/*
 * What was added from there on. Nested ones are looked for when it is listened for those
 * that are still to come, so that none is missed.
 */
static int take_in_from(size_t first)
{
	struct followed f;

	for (size_t i = first; i < recording->nr_ids; i++) {
		f = recording->ids[i];
		if (session_enable(recording, &f, 1) || watch_nested(&f)) {
			msg("container %llu has started and isn't recorded",
			    (unsigned long long)f.id);
			return -1;
		}
		if (!f.top)
			containers_take_in(recording, f.id);
		msg("recording container %llu, which has started", (unsigned long long)f.id);
	}
	return 0;
}

static void follow(uint64_t id)
{
	size_t before = recording->nr_ids;

	if (containers_has(recording, id))
		return;
	containers_take_in(recording, id);
	take_in_from(before);
}

/* For those of which it wasn't told. */
static int look_again(void)
{
	size_t before = recording->nr_ids;

	return containers_find(recording) || take_in_from(before) ? -1 : 0;
}

static void told(struct lttng_notification *notification)
{
	uint64_t id;

	if (!notification)
		look_again();
	else if (!captured_id(notification, &id))
		follow(id);
}

static struct listener listener = {
	.told = told,
	.lost = "lttng-sessiond doesn't tell of containers any longer: those that start from now on aren't recorded",
};

/**
 * follow_start - record what starts later under the names that the user gave, too
 * @rec: the recording, which has its session
 *
 * Return: 0; -1, and says why.
 */
int follow_start(struct recording *rec)
{
	int ret = 0;

	if (!rec->nr_names)
		return 0;
	recording = rec;
	channel = lttng_notification_channel_create(lttng_session_daemon_notification_endpoint);
	if (!channel) {
		msg("lttng-sessiond does not tell of events: containers that start later can't be followed");
		return -1;
	}
	for (size_t i = 0; i < rec->nr_labels && !ret; i++)
		ret = watch_label(rec->labels[i]);
	for (size_t i = 0; i < rec->nr_ids && !ret; i++)
		ret = watch_nested(&rec->ids[i]);
	listener.channel = channel;
	if (!ret)
		ret = listen_start(&listener);
	if (ret) {
		msg("containers that start later can't be followed: lttng-sessiond takes no trigger on metrics_ns_set");
		return -1;
	}
	/* For those that have started since it was looked, and before it was listened. */
	ctl_lock();
	rec->following = true;
	ret = look_again();
	ctl_unlock();
	return ret;
}

/** follow_stop - nothing more is asked for; listen_stop() comes before */
void follow_stop(void)
{
	ctl_lock();
	for (size_t i = 0; i < nr_triggers; i++) {
		lttng_unregister_trigger(triggers[i]);
		lttng_trigger_destroy(triggers[i]);
	}
	nr_triggers = 0;
	ctl_unlock();
}
