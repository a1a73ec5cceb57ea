// SPDX-License-Identifier: GPL-2.0
/*
 * The OCI hook. A runtime waits for it with each container that starts, so it tells the
 * agent and is gone: nothing here waits for the agent, or fails for the lack of one.
 *
 * It takes its place from nobody: the runtime's environment may be a user's.
 */

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#ifndef HOOK_SOCKET
#define HOOK_SOCKET	"/run/cid-agent/hook"
#endif
#define VERSION		"1.0"
#define HEADER		"cid-agent 1 "
#define KIND_MAX	32
#define STATE_MAX	65536
/*
 * The runtime writes the state and closes the pipe at once, unless it has to wait for a
 * CPU, which takes what it takes. One that never does is not waited for.
 */
#define WAIT_MS		2000

static const char help[] =
	"Usage: cid-agent-hook KIND\n"
	"Send KIND and the container's state, from stdin, to cid-agent.\n"
	"An OCI runtime runs it: KIND is a stage, as createRuntime, poststart or poststop.\n";
static const char version[] = "cid-agent-hook " VERSION "\n";
static const char usage[] =
	"usage: cid-agent-hook KIND < STATE (KIND: at most 32 letters)\n";

static char state[STATE_MAX], rest[4096];

/* Buffered streams alone would take half of the program. */
static int say(int fd, const char *text, int status)
{
	ssize_t n = write(fd, text, strlen(text));

	return n < 0 && !status ? 1 : status;
}

static int is_kind(const char *s)
{
	size_t len;

	for (len = 0; s[len]; len++) {
		char c = s[len] | 0x20;

		if (c < 'a' || c > 'z' || len == KIND_MAX)
			return 0;
	}
	return len != 0;
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000L + ts.tv_nsec / 1000000;
}

/*
 * To its end, as far as that comes in time. What is too much is read all the same: a
 * runtime that can't write it all may take that for a failure of the hook.
 */
static size_t read_state(void)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	long end = now_ms() + WAIT_MS, left = WAIT_MS;
	size_t len = 0;

	while (left > 0) {
		int full = len == sizeof(state);
		int ready = poll(&pfd, 1, left);
		ssize_t n = -1;

		if (ready > 0)
			n = read(STDIN_FILENO, full ? rest : state + len,
				 full ? sizeof(rest) : sizeof(state) - len);
		if (!ready || !n || (n < 0 && errno != EINTR && errno != EAGAIN))
			break;
		if (n > 0 && !full)
			len += n;
		left = end - now_ms();
	}
	return len;
}

/* All that can go wrong is that nobody hears of it, and the agent looks for itself too. */
static void send_state(const char *kind, size_t len)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = HOOK_SOCKET };
	struct iovec iov[] = {
		{ (void *)HEADER, strlen(HEADER) },
		{ (void *)kind, strlen(kind) },
		{ (void *)"\n", 1 },
		{ state, len },
	};
	struct msghdr msg = {
		.msg_name = &addr,
		.msg_namelen = sizeof(addr),
		.msg_iov = iov,
		.msg_iovlen = sizeof(iov) / sizeof(iov[0]),
	};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int main(int argc, char **argv)
{
	struct termios tty;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return say(STDOUT_FILENO, help, 0);
	if (argc == 2 && !strcmp(argv[1], "--version"))
		return say(STDOUT_FILENO, version, 0);
	if (argc != 2 || !is_kind(argv[1]) || !tcgetattr(STDIN_FILENO, &tty))
		return say(STDERR_FILENO, usage, 2);
	send_state(argv[1], read_state());
	return 0;
}
