// SPDX-License-Identifier: GPL-2.0
/* What LTTng tells of while it records, each by a thread */

#include <lttng/lttng.h>
#include <pthread.h>

#include "record.h"
#include "util.h"

/*
 * Of the session, of what is followed, and of liblttng-ctl but for the channels of
 * notifications: it has one connection for all threads.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool ending;	/* under @lock */

void ctl_lock(void)
{
	pthread_mutex_lock(&lock);
}

void ctl_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

/* Return: whether there is more to be told. */
static bool take(struct listener *l, enum lttng_notification_channel_status status,
		 struct lttng_notification *notification)
{
	switch (status) {
	case LTTNG_NOTIFICATION_CHANNEL_STATUS_INTERRUPTED:
		return true;
	case LTTNG_NOTIFICATION_CHANNEL_STATUS_OK:
		if (!ending)
			l->told(notification);
		lttng_notification_destroy(notification);
		return !ending;
	case LTTNG_NOTIFICATION_CHANNEL_STATUS_NOTIFICATIONS_DROPPED:
		if (!ending)
			l->told(NULL);
		return !ending;
	default:
		if (!ending)
			msg("%s", l->lost);
		return false;
	}
}

static void *run(void *arg)
{
	struct listener *l = arg;
	bool more = true;

	while (more) {
		struct lttng_notification *notification = NULL;
		enum lttng_notification_channel_status status;

		status = lttng_notification_channel_get_next_notification(l->channel,
									  &notification);
		ctl_lock();
		more = take(l, status, notification);
		ctl_unlock();
	}
	return NULL;
}

/**
 * listen_start - have a listener told of what its channel has
 * @l: it stays until the process ends
 *
 * Return: 0; an error number.
 */
int listen_start(struct listener *l)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, run, l);
}

/**
 * listen_stop - no listener is told of anything any more
 *
 * The threads end with the process: they wait for what may never come.
 */
void listen_stop(void)
{
	ctl_lock();
	ending = true;
	ctl_unlock();
}
