// SPDX-License-Identifier: GPL-2.0
/*
 * follow-tracefs - follow containers with libtracefs and libtraceevent
 *
 * Build: make O=/tmp/examples; it needs libtracefs-dev and libtraceevent-dev.
 * Run:   /tmp/examples/follow-tracefs, as root, until Ctrl-C.
 *
 * An instance has buffers of its own, so nobody else's tracing is disturbed.
 * The library merges those of the CPUs by time, as far as it has read them.
 * They are recording before the list is made: see containers.c.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs.h>
#include <unistd.h>

#include "../metricsns_abi.h"
#include "containers.h"

static struct tracefs_instance *instance;

static void remove_instance(void)
{
	tracefs_instance_destroy(instance);
	tracefs_instance_free(instance);
}

static unsigned long long number(struct tep_event *event,
				 struct tep_record *record, const char *field)
{
	unsigned long long val;

	if (tep_get_field_val(NULL, event, field, record, &val, 0))
		die("%s has no %s", event->name, field);
	return val;
}

static int handle(struct tep_event *event, struct tep_record *record, int cpu,
		  void *unused)
{
	const char *label;
	int size;

	(void)unused;
	if (record->missed_events)
		die("events of CPU %d were lost", cpu);
	if (!strcmp(event->name, "namespace_create"))
		container_created(number(event, record, "ns_id"));
	if (!strcmp(event->name, "namespace_free"))
		container_freed(number(event, record, "ns_id"));
	if (strcmp(event->name, "metrics_ns_set") ||
	    !(number(event, record, "mask") & NS_METRICS_SET_LABEL))
		return 0;
	label = tep_get_field_raw(NULL, event, "label", record, &size, 0);
	if (label)
		container_labelled(number(event, record, "id"), label);
	return 0;
}

static void make_instance(void)
{
	char name[32], filter[32];

	snprintf(name, sizeof(name), "follow-%d", getpid());
	snprintf(filter, sizeof(filter), "type == %d", CLONE_NEWMETRICS);
	instance = tracefs_instance_create(name);
	if (!instance)
		die("cannot make an instance in tracefs: %s", strerror(errno));
	atexit(remove_instance);
	if (tracefs_instance_file_write(instance, "events/namespace/filter",
					filter) < 0 ||
	    tracefs_event_enable(instance, "namespace", NULL) ||
	    tracefs_event_enable(instance, "metrics_ns", NULL))
		die("cannot enable the events: %s", strerror(errno));
}

int main(void)
{
	const char *systems[] = { "namespace", "metrics_ns", NULL };
	struct tep_handle *tep;

	stop_on_signals();
	make_instance();
	tep = tracefs_local_events_system(NULL, systems);
	if (!tep)
		die("cannot read the formats of the events: %s",
		    strerror(errno));

	containers_list();
	while (!stopped) {
		if (tracefs_iterate_raw_events(tep, instance, NULL, 0, handle,
					       NULL))
			die("cannot read the events: %s", strerror(errno));
		usleep(100000);
	}
	tep_free(tep);
	return 0;
}
