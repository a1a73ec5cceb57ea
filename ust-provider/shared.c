// SPDX-License-Identifier: GPL-2.0
/* What the sources have in common */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent.h"

#define RETRY_USEC	1000000ULL
#define RETRY_DOUBLINGS	6	/* 64 seconds, of which a minute is used */
#define RETRY_MAX_USEC	60000000ULL

uint64_t loop_usec(void)
{
	uint64_t usec = 0;

	sd_event_now(loop, CLOCK_MONOTONIC, &usec);
	return usec;
}

uint64_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
}

/* Where an escaped text may be cut, at @max or before it: not within a "\\" or "\xNN" */
static size_t cut_before(const char *text, size_t max)
{
	size_t i = 0, len;

	while (text[i]) {
		len = text[i] != '\\' ? 1 : text[i + 1] == 'x' ? 4 : 2;
		if (i + len > max)
			break;
		i += len;
	}
	return i;
}

/**
 * escape_bounded - make an untrusted string fit for an event
 * @text: anything
 * @max: bytes that are kept of what escape() makes of it
 *
 * Return: a new string.
 */
char *escape_bounded(const char *text, size_t max)
{
	char *res = escape(text);

	res[cut_before(res, max)] = '\0';
	return res;
}

void health_good(struct health *h)
{
	if (h->bad)
		msg("%s works again", h->who);
	h->bad = false;
	h->fails = 0;
}

void health_bad(struct health *h, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	h->fails++;
	if (h->bad)
		return;
	h->bad = true;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	msg("%s: %s; it is tried again", h->who, text ?: "out of memory");
}

uint64_t health_retry_usec(const struct health *h)
{
	unsigned int n = h->fails ? h->fails - 1 : 0;
	uint64_t usec = RETRY_USEC << (n < RETRY_DOUBLINGS ? n : RETRY_DOUBLINGS);

	return usec < RETRY_MAX_USEC ? usec : RETRY_MAX_USEC;
}

/* @end has room for twice the text. */
static char *add_quoted(char *end, const char *text)
{
	cleanup_free char *escaped = escape(text);

	for (const char *p = escaped; *p; p++) {
		if (strchr(",=", *p))
			*end++ = '\\';
		*end++ = *p;
	}
	return end;
}

bool labels_add(char labels[LABELS_MAX + 1], const char *key, const char *value)
{
	size_t len = strlen(labels), size = 8 * (strlen(key) + strlen(value)) + 3;
	cleanup_free char *pair = xcalloc(1, size);
	char *end = pair;

	if (len)
		*end++ = ',';
	end = add_quoted(end, key);
	*end++ = '=';
	add_quoted(end, value);
	if (len + strlen(pair) > LABELS_MAX)
		return false;
	strcpy(labels + len, pair);
	return true;
}
