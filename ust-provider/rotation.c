// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions that rotate: each part of such a trace is to be read alone, so it has to have the
 * state. Nothing tells an application of a rotation, but LTTng's session daemon tells who
 * asks it by liblttng-ctl. That library has calls that wait; this is a shared object of its
 * own, with a thread a session, so the agent needs neither.
 */

#include <lttng/lttng.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS_MAX	16

struct session {
	char *name;
	pthread_t thread;
};

static void (*notify)(void);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct session sessions[SESSIONS_MAX];	/* under @lock */

static struct lttng_condition *rotation_of(const char *name)
{
	struct lttng_condition *condition = lttng_condition_session_rotation_ongoing_create();

	if (condition && lttng_condition_session_rotation_set_session_name(condition, name) !=
			 LTTNG_CONDITION_STATUS_OK) {
		lttng_condition_destroy(condition);
		return NULL;
	}
	return condition;
}

/* One that is registered already, by an agent before this one, serves as well. */
static struct lttng_trigger *tell_of(struct lttng_condition *condition)
{
	struct lttng_action *action = lttng_action_notify_create();
	struct lttng_trigger *trigger = action ? lttng_trigger_create(condition, action) : NULL;

	if (trigger)
		lttng_register_trigger_with_automatic_name(trigger);
	lttng_action_destroy(action);
	return trigger;
}

static struct lttng_notification_channel *subscribe(struct lttng_condition *condition)
{
	struct lttng_notification_channel *channel;

	channel = lttng_notification_channel_create(
			lttng_session_daemon_notification_endpoint);
	if (channel && lttng_notification_channel_subscribe(channel, condition) !=
		       LTTNG_NOTIFICATION_CHANNEL_STATUS_OK) {
		lttng_notification_channel_destroy(channel);
		return NULL;
	}
	return channel;
}

static void wait_for_rotations(struct lttng_notification_channel *channel)
{
	struct lttng_notification *notification;
	enum lttng_notification_channel_status status;

	for (;;) {
		status = lttng_notification_channel_get_next_notification(channel,
									  &notification);
		if (status != LTTNG_NOTIFICATION_CHANNEL_STATUS_OK &&
		    status != LTTNG_NOTIFICATION_CHANNEL_STATUS_NOTIFICATIONS_DROPPED)
			return;
		if (status == LTTNG_NOTIFICATION_CHANNEL_STATUS_OK)
			lttng_notification_destroy(notification);
		notify();
	}
}

/* Until the session daemon ends */
static void *watch_session(void *arg)
{
	struct session *session = arg;
	struct lttng_condition *condition = rotation_of(session->name);
	struct lttng_trigger *trigger = condition ? tell_of(condition) : NULL;
	struct lttng_notification_channel *channel = trigger ? subscribe(condition) : NULL;

	if (channel) {
		wait_for_rotations(channel);
		lttng_notification_channel_destroy(channel);
	}
	lttng_trigger_destroy(trigger);
	lttng_condition_destroy(condition);
	pthread_mutex_lock(&lock);
	free(session->name);
	session->name = NULL;
	pthread_mutex_unlock(&lock);
	return NULL;
}

/* @lock is held. */
static void begin(const char *name)
{
	struct session *slot = NULL;

	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		if (!sessions[i].name)
			slot = slot ? slot : &sessions[i];
		else if (!strcmp(sessions[i].name, name))
			return;
	}
	if (!slot)
		return;
	slot->name = strdup(name);
	if (!slot->name)
		return;
	if (pthread_create(&slot->thread, NULL, watch_session, slot)) {
		free(slot->name);
		slot->name = NULL;
		return;
	}
	pthread_detach(slot->thread);
}

static void *list_sessions(void *unused)
{
	struct lttng_session *list = NULL;
	int n = lttng_list_sessions(&list);

	(void)unused;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < n; i++)
		begin(list[i].name);
	pthread_mutex_unlock(&lock);
	free(list);
	return NULL;
}

/**
 * container_agent_sessions - there may be a session that isn't watched yet
 * @fn: called when one of them begins to rotate, on a thread of its own
 *
 * It returns at once. The first 16 sessions are watched. Signals are as the caller has them.
 */
void container_agent_sessions(void (*fn)(void))
{
	pthread_t thread;

	notify = fn;
	if (!pthread_create(&thread, NULL, list_sessions, NULL))
		pthread_detach(thread);
}
