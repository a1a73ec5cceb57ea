// SPDX-License-Identifier: GPL-2.0
/* Messages: one line on stderr, and in the log that the engine reads. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../util.h"
#include "cid-runtime.h"

#define MSG_MAX		1024

bool cid_debug;

static const char *log_path;
static bool log_is_json;

/**
 * cid_log_to() - also write a fatal message where the runtime would log it
 * @log: argument of the runtime's --log, or NULL
 * @json: whether the runtime was asked for JSON lines
 *
 * Engines show what they find there and drop a failed runtime's stderr.
 */
void cid_log_to(const char *log, bool json)
{
	const char *path = log;

	if (path && !strncmp(path, "file:", 5))
		path += 5;
	else if (path && path[0] != '/' && strchr(path, ':'))
		path = NULL;	/* crun's journald: and syslog: */
	log_path = path;
	log_is_json = json;
}

/* Returns a new string; @text is printable ASCII already. */
static char *quote(const char *text)
{
	char *res = xcalloc(strlen(text) + 1, 2);
	char *p = res;

	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			*p++ = '\\';
		*p++ = *text;
	}
	return res;
}

static void write_log(const char *text)
{
	cleanup_free char *quoted = quote(text);
	time_t now = time(NULL);
	char when[32];
	struct tm tm;
	int fd;

	fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return;		/* the message is on stderr */
	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	dprintf(fd, log_is_json ?
		"{\"level\":\"error\",\"msg\":\"%s\",\"time\":\"%s\"}\n" :
		"level=error msg=\"%s\" time=\"%s\"\n", quoted, when);
	close(fd);
}

static void say(bool fatal, const char *fmt, va_list ap)
{
	cleanup_free char *text = NULL;
	char raw[MSG_MAX];

	/* Command lines and config.json come from users. */
	vsnprintf(raw, sizeof(raw), fmt, ap);
	text = escape(raw);
	fprintf(stderr, "cid-runtime: %s\n", text);
	if (fatal && log_path)
		write_log(text);
}

/**
 * cid_note() - tell something that does not stop the container
 * @fmt: printf format, without newline
 *
 * Silent unless debugging: the wrapper's stderr is the container's.
 */
void cid_note(const char *fmt, ...)
{
	va_list ap;

	if (!cid_debug)
		return;
	va_start(ap, fmt);
	say(false, fmt, ap);
	va_end(ap);
}

/**
 * cid_die() - print why, and exit
 * @code: exit code
 * @fmt: printf format, without newline
 */
void cid_die(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(true, fmt, ap);
	va_end(ap);
	exit(code);
}

/**
 * cid_alloc() - calloc() that does not fail
 * @n: number of elements
 * @size: size of one
 */
void *cid_alloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		cid_die(CID_EXIT_FAILED, "out of memory");
	return p;
}
