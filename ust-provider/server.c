// SPDX-License-Identifier: GPL-2.0
/*
 * Who connects to the socket "containers" gets all containers, a line of JSON each, and
 * then the end of file. It is root's: names and images are nobody else's business.
 */

#include <errno.h>
#include <json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "registry.h"
#include "sources.h"

#define SOCKET_NAME	"containers"
/* Each has an answer in memory until it has read it. */
#define CLIENTS_MAX	8
#define WAKEUPS_MAX	100	/* a second */
#define CLIENT_USEC	10000000

struct client {
	int fd;
	char *text;
	size_t size, done;
	sd_event_source *writable, *late;
};

static int listener = -1;
static sd_event_source *incoming;
static struct client *clients[CLIENTS_MAX];

static void drop(struct client *client)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (clients[i] == client)
			clients[i] = NULL;
	sd_event_source_disable_unref(client->writable);
	sd_event_source_disable_unref(client->late);
	close(client->fd);
	free(client->text);
	free(client);
}

static int write_on(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct client *client = data;
	ssize_t n;

	(void)source;
	(void)events;
	n = send(fd, client->text + client->done, client->size - client->done,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0)
		client->done += n;
	if (n < 0 || client->done == client->size)
		drop(client);
	return 0;
}

static int is_too_slow(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	drop(data);
	return 0;
}

static void print_container(const struct container *c, void *data)
{
	struct json_object *obj = container_json(c);

	fprintf(data, "%s\n",
		json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN |
					       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(obj);
}

static struct client **free_slot(void)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (!clients[i])
			return &clients[i];
	return NULL;
}

/* Return: a client with its answer; NULL if there is no memory. */
static struct client *new_client(int fd)
{
	struct client *client = xcalloc(1, sizeof(*client));
	FILE *f = open_memstream(&client->text, &client->size);

	client->fd = fd;
	if (!f)
		return client;
	registry_each(print_container, f);
	fclose(f);
	return client;
}

static int accept_one(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct client **slot = free_slot();
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)events;
	(void)data;
	if (peer < 0)
		return 0;
	if (!slot) {
		close(peer);
		return 0;
	}
	*slot = new_client(peer);
	if (!(*slot)->size ||
	    sd_event_add_io(loop, &(*slot)->writable, peer, POLLOUT, write_on, *slot) < 0 ||
	    sd_event_add_time_relative(loop, &(*slot)->late, CLOCK_MONOTONIC, CLIENT_USEC, 0,
				       is_too_slow, *slot) < 0)
		drop(*slot);
	return 0;
}

/**
 * socket_in - make a socket in a folder
 * @dirfd: the folder
 * @name: of the socket; one that is there is replaced
 * @type: SOCK_STREAM or SOCK_DGRAM
 * @mode: of the socket
 *
 * Return: a file descriptor; -1 and errno.
 */
int socket_in(int dirfd, const char *name, int type, mode_t mode)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int ret;

	if (fd < 0)
		return -1;
	/* A path of any length, by the folder that is open */
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", dirfd, name);
	unlinkat(dirfd, name, 0);
	mask = umask(0777 & ~mode);
	ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (!ret)
		return fd;
	close(fd);
	return -1;
}

/**
 * server_start - answer who asks for the containers
 * @dirfd: the folder for the socket
 *
 * Return: 0; -1 and errno.
 */
int server_start(int dirfd)
{
	listener = socket_in(dirfd, SOCKET_NAME, SOCK_STREAM, 0600);
	if (listener < 0)
		return -1;
	if (listen(listener, CLIENTS_MAX) ||
	    sd_event_add_io(loop, &incoming, listener, POLLIN, accept_one, NULL) < 0)
		return -1;
	/* Without a free file descriptor the listener stays readable. */
	sd_event_source_set_ratelimit(incoming, 1000000, WAKEUPS_MAX);
	return 0;
}

void server_stop(int dirfd)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (clients[i])
			drop(clients[i]);
	incoming = sd_event_source_disable_unref(incoming);
	if (listener >= 0)
		close(listener);
	unlinkat(dirfd, SOCKET_NAME, 0);
}
