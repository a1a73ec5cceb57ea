// SPDX-License-Identifier: GPL-2.0
/*
 * Traces in chunks, of which each is to be read alone. The kernel tells its state when a
 * session starts and when it is asked to. LTTng tells that a rotation has begun when all that
 * is still to come belongs to the new chunk: then it is asked.
 */

#include <lttng/lttng.h>

#include "record.h"
#include "util.h"

static struct lttng_notification_channel *channel;
static struct lttng_trigger *trigger;
static struct recording *recording;	/* with ctl_lock() held */

/* Somebody else may have stopped the session: it tells its state when it starts again. */
static void dump_state(void)
{
	int ret = lttng_regenerate_statedump(recording->session);

	if (ret == -LTTNG_ERR_SESSION_NOT_STARTED)
		return;
	recording->nr_rotations++;
	if (ret < 0)
		msg("chunk %u of the trace lacks the state: %s", recording->nr_rotations + 1,
		    lttng_strerror(ret));
	else
		msg("chunk %u of the trace has begun, with the state",
		    recording->nr_rotations + 1);
}

/* Of some rotations it may not have told: one dump does for all of them. */
static void told(struct lttng_notification *unused)
{
	(void)unused;
	dump_state();
}

static struct listener listener = {
	.told = told,
	.lost = "lttng-sessiond doesn't tell of rotations any longer: chunks lack the state from now on",
};

static int watch(const struct lttng_condition *condition)
{
	struct lttng_action *action = lttng_action_notify_create();
	int ret = -1;

	if (action)
		trigger = lttng_trigger_create((struct lttng_condition *)condition, action);
	lttng_action_destroy(action);
	if (trigger && lttng_register_trigger_with_automatic_name(trigger) != LTTNG_OK) {
		lttng_trigger_destroy(trigger);
		trigger = NULL;
	}
	channel = lttng_notification_channel_create(lttng_session_daemon_notification_endpoint);
	if (trigger && channel &&
	    lttng_notification_channel_subscribe(channel, condition) ==
	    LTTNG_NOTIFICATION_CHANNEL_STATUS_OK)
		ret = 0;
	return ret;
}

static int listen(struct recording *rec)
{
	struct lttng_condition *condition = lttng_condition_session_rotation_ongoing_create();
	int ret = -1;

	if (condition &&
	    lttng_condition_session_rotation_set_session_name(condition, rec->session) ==
	    LTTNG_CONDITION_STATUS_OK)
		ret = watch(condition);
	lttng_condition_destroy(condition);
	listener.channel = channel;
	return ret ? ret : listen_start(&listener);
}

static int add_schedule(const struct recording *rec)
{
	struct lttng_rotation_schedule *schedule;
	enum lttng_rotation_status status = LTTNG_ROTATION_STATUS_ERROR;

	if (rec->rotate_usec)
		schedule = lttng_rotation_schedule_periodic_create();
	else
		schedule = lttng_rotation_schedule_size_threshold_create();
	if (!schedule)
		return -1;
	if (rec->rotate_usec)
		status = lttng_rotation_schedule_periodic_set_period(schedule,
								     rec->rotate_usec);
	else
		status = lttng_rotation_schedule_size_threshold_set_threshold(schedule,
									      rec->rotate_bytes);
	if (status == LTTNG_ROTATION_STATUS_OK)
		status = lttng_session_add_rotation_schedule(rec->session, schedule);
	lttng_rotation_schedule_destroy(schedule);
	return status == LTTNG_ROTATION_STATUS_OK ? 0 : -1;
}

/**
 * rotate_start - have the trace rotated as the user wants, and the state in each chunk
 * @rec: the recording, which has its session
 *
 * It may be somebody else who has it rotated, such as by lttng-rotate(1): then it is recorded
 * also if LTTng doesn't tell of that. A live session can't be rotated.
 *
 * Return: 0; -1, and says why.
 */
int rotate_start(struct recording *rec)
{
	bool wanted = rec->rotate_usec || rec->rotate_bytes;
	int ret;

	if (rec->live)
		return 0;
	ctl_lock();
	recording = rec;
	ret = listen(rec);
	if (ret)
		msg("lttng-sessiond does not tell of rotations: no chunk would have the state");
	else if (wanted && add_schedule(rec)) {
		ret = -1;
		msg("LTTng does not rotate the trace: it needs another time or size");
	}
	ctl_unlock();
	return ret && wanted ? -1 : 0;
}

/**
 * rotate_forget - rotations of the session are not told any more
 *
 * The session has to be gone: lttng-sessiond 2.13 keeps a trigger that isn't registered any
 * longer in the list of the session that it is for, and ends with a fault when that rotates,
 * as it does for the last time when it is destroyed.
 */
void rotate_forget(void)
{
	ctl_lock();
	if (trigger) {
		lttng_unregister_trigger(trigger);
		lttng_trigger_destroy(trigger);
		trigger = NULL;
	}
	ctl_unlock();
}
