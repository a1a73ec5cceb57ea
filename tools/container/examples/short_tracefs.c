// SPDX-License-Identifier: GPL-2.0
/* short-tracefs - print the beginning and the end of containers, by libtracefs */
#include <signal.h>
#include <stdio.h>
#include <tracefs.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	stopped = sig;
}

static int print(struct tep_event *event, struct tep_record *record, int cpu, void *unused)
{
	unsigned long long id;

	(void)cpu, (void)unused;
	if (!tep_get_field_val(NULL, event, "ns_id", record, &id, 1))
		printf("%s %llu\n", event->name, id);
	return fflush(stdout);
}

int main(void)
{
	const char *systems[] = { "namespace", NULL };
	struct tep_handle *tep = tracefs_local_events_system(NULL, systems);
	struct tracefs_instance *in;
	char name[32];

	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	snprintf(name, sizeof(name), "short-%d", getpid());
	in = tracefs_instance_create(name);
	/* 0x40 is CLONE_NEWMETRICS: there are namespaces of all types. */
	if (!tep || !in || tracefs_instance_file_write(in, "events/namespace/filter", "type == 0x40") < 0 ||
	    tracefs_event_enable(in, "namespace", "namespace_[cf]r.*"))
		perror("short-tracefs: cannot enable the events"), stopped = 1;
	while (!stopped && !tracefs_iterate_raw_events(tep, in, NULL, 0, print, NULL))
		usleep(100000);
	return tracefs_instance_destroy(in) || stopped == 1;
}
