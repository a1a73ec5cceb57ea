// SPDX-License-Identifier: GPL-2.0
/*
 * What OCI hooks send: cid-agent-hook passes the state that it gets from the runtime on,
 * as one datagram, and doesn't wait. A datagram may be lost; it makes known at once what the
 * other sources find out as well, and tells of containers whose runtime has no other way.
 */

#include <errno.h>
#include <json.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "registry.h"
#include "runtimes/statefile.h"

#define SOCKET_NAME	"hook"
#define HEADER		"cid-agent 1 "
#define DATAGRAM_MAX	(128U << 10)
#define JSON_BUDGET	(4U << 20)
/* Before others have their turn */
#define BATCH		64
#define WAKEUPS_MAX	200	/* a second */

/* Those that run in the container's namespaces have its own PID of itself: they aren't here. */
struct kind {
	const char *name;
	enum report_what what;
};

static const struct kind kinds[] = {
	{ "prestart",		REPORT_CREATE },
	{ "createRuntime",	REPORT_CREATE },
	{ "poststart",		REPORT_START },
	{ "poststop",		REPORT_REMOVE },
};

static int sock = -1;
static sd_event_source *incoming;
static char *buffer;

static pid_t pid_of(struct json_object *state)
{
	int64_t pid = json_object_get_int64(json_member(state, "pid", json_type_int));

	return pid > 0 && pid <= INT32_MAX ? pid : 0;
}

/* The engine, where it leaves a note */
static void name_engine(struct report *r, struct json_object *notes)
{
	const char *manager = json_string(notes, "io.container.manager");

	if (manager && !strcmp(manager, "libpod"))
		r->runtime = "podman";
	else if (manager && !strcmp(manager, "cri-o"))
		r->runtime = "cri-o";
	else
		return;
	r->rank = RANK_ENGINE;
	r->name = json_string(notes, "io.kubernetes.cri-o.Name") ?:
		  json_string(notes, "io.kubernetes.container.name");
	r->image = json_string(notes, "io.kubernetes.cri-o.ImageName");
	r->pod = json_string(notes, "io.kubernetes.pod.name");
}

static void report_state(const struct kind *kind, struct json_object *state, uid_t sender)
{
	struct report r = {
		.what = kind->what,
		.rank = RANK_OCI,
		.family = FAMILY_OCI,
		.uid = sender,
		REPORT_INIT,
	};
	struct json_object *notes = json_member(state, "annotations", json_type_object);

	r.id = json_string(state, "id");
	if (!r.id)
		return;
	r.pid = kind->what == REPORT_REMOVE ? 0 : pid_of(state);
	/* A user can make up any number of containers that have no process. */
	if (sender && kind->what != REPORT_REMOVE &&
	    (!r.pid || !identity_belongs_to(r.pid, sender)))
		return;
	if (kind->what != REPORT_REMOVE)
		name_engine(&r, notes);
	registry_report(&r);
}

static const struct kind *kind_of(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].name) == len && !strncmp(kinds[i].name, name, len))
			return &kinds[i];
	return NULL;
}

/* One that is cut off or isn't understood tells that something has happened, still. */
static void datagram(const char *text, size_t len, uid_t sender)
{
	const char *newline = memchr(text, '\n', len);
	size_t header = strlen(HEADER);
	const struct kind *kind;
	struct json_object *state;

	if (!newline || (size_t)(newline - text) < header || memcmp(text, HEADER, header))
		return;
	kind = kind_of(text + header, newline - text - header);
	state = json_of_text(newline + 1, text + len - newline - 1, JSON_BUDGET);
	if (kind)
		report_state(kind, state, sender);
	json_object_put(state);
	/* What users' runtimes do is seen in their folders. */
	if (!sender)
		runtimes_look_soon();
}

static ssize_t receive(int fd, uid_t *sender)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { .iov_base = buffer, .iov_len = DATAGRAM_MAX };
	struct msghdr hdr = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *cmsg = n < 0 ? NULL : CMSG_FIRSTHDR(&hdr);
	struct ucred cred;

	if (n < 0)
		return -1;
	if (!cmsg || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_CREDENTIALS)
		return 0;
	memcpy(&cred, CMSG_DATA(cmsg), sizeof(cred));
	*sender = cred.uid;
	return n;
}

static int datagrams(sd_event_source *source, int fd, uint32_t events, void *data)
{
	uid_t sender;
	ssize_t n;

	(void)source;
	(void)events;
	(void)data;
	for (int i = 0; i < BATCH && (n = receive(fd, &sender)) >= 0; i++)
		if (n)
			datagram(buffer, n, sender);
	return 0;
}

/**
 * hook_start - listen to the hooks
 * @dirfd: the folder for the socket, to which each user may send
 *
 * Return: 0; -1 and errno.
 */
int hook_start(int dirfd)
{
	int on = 1, size = 4 << 20;

	sock = socket_in(dirfd, SOCKET_NAME, SOCK_DGRAM, 0666);
	if (sock < 0)
		return -1;
	buffer = xcalloc(1, DATAGRAM_MAX);
	/* Room for a burst; where it isn't granted there is less. */
	if (setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) ||
	    sd_event_add_io(loop, &incoming, sock, POLLIN, datagrams, NULL) < 0)
		return -1;
	/* Whoever floods it doesn't keep the loop from the rest. */
	sd_event_source_set_ratelimit(incoming, 1000000, WAKEUPS_MAX);
	return 0;
}

void hook_stop(int dirfd)
{
	incoming = sd_event_source_disable_unref(incoming);
	if (sock >= 0)
		close(sock);
	free(buffer);
	unlinkat(dirfd, SOCKET_NAME, 0);
}
