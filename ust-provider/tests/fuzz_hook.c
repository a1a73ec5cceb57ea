// SPDX-License-Identifier: GPL-2.0
/*
 * Each user may send datagrams to the hooks' socket: none makes a report that is none, and
 * a user's tells of the user's processes only.
 */

#include "../runtimes/statefile.c"
#include "../hook.c"
#include "fuzz.h"

sd_event *loop;

static unsigned int reports, looks;
static uid_t sender;

int socket_in(int dirfd, const char *name, int type, mode_t mode)
{
	(void)dirfd;
	(void)name;
	(void)type;
	(void)mode;
	return -1;
}

void runtimes_look_soon(void)
{
	looks++;
}

bool identity_belongs_to(pid_t pid, uid_t uid)
{
	return !uid || pid % 2;
}

void registry_report(const struct report *r)
{
	reports++;
	check_report(r);
	check(r->uid == sender);
	if (r->what == REPORT_REMOVE)
		check(!r->pid);
	else
		check(!sender || (r->pid && identity_belongs_to(r->pid, sender)));
	check(r->rank == (r->runtime ? RANK_ENGINE : RANK_OCI));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Without a zero behind it, as one that fills the buffer has none */
	char *text = malloc(size ? size : 1);

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	for (sender = 0; sender <= 1000; sender += 1000) {
		reports = 0;
		looks = 0;
		datagram(text, size, sender);
		check(reports <= 1 && looks <= 1 && (sender ? !looks : looks >= reports));
	}
	free(text);
	return 0;
}
