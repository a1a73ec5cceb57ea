/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_FUZZ_H
#define CID_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "../sources.h"

/* What all fuzzers have: each includes the file that it is for, for its static functions. */

/* More than any input of libFuzzer's becomes */
#define FUZZ_TEXT_MAX	(1U << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifndef FUZZ_FAMILY
#define FUZZ_FAMILY	FAMILY_OCI
#endif

#define check(is_true)		\
	do {			\
		if (!(is_true))	\
			abort();	\
	} while (0)

/* The bytes and a zero, in a place of just that size, for the sanitizer to see one more */
static inline char *text_of(const void *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		exit(EXIT_FAILURE);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/*
 * Inputs are lines, of which the first byte chooses what the rest is.
 *
 * Return: the rest, for free(); NULL at the end of the input.
 */
static inline char *next_line(const uint8_t **data, size_t *size, char *choice, size_t *len)
{
	const uint8_t *newline;
	size_t n = *size;
	char *rest;

	if (!n)
		return NULL;
	newline = memchr(*data, '\n', n);
	if (newline)
		n = newline - *data;
	*choice = n ? **data : '\n';
	*len = n ? n - 1 : 0;
	rest = text_of(*data + (n ? 1 : 0), *len);
	n += newline ? 1 : 0;
	*data += n;
	*size -= n;
	return rest;
}

static inline void check_text(const char *text, size_t max)
{
	check(!text || strlen(text) <= max);
}

static inline void check_report(const struct report *r)
{
	check(r->what <= REPORT_REMOVE && r->state <= STATE_REMOVED);
	check(r->rank <= RANK_ENGINE);
	check(r->what != REPORT_SEEN || r->state != STATE_NONE);
	check(r->family && !strcmp(r->family, FUZZ_FAMILY));
	/* A hook may come from any OCI runtime. */
	check((!r->runtime || *r->runtime) && r->id);
	check(r->pid >= 0 && r->status >= -1 && r->status <= 0xffff && r->restarts >= -1);
	check_text(r->id, FUZZ_TEXT_MAX);
	check_text(r->old_id, FUZZ_TEXT_MAX);
	check_text(r->name, FUZZ_TEXT_MAX);
	check_text(r->image, FUZZ_TEXT_MAX);
	check_text(r->pod, FUZZ_TEXT_MAX);
	check_text(r->labels, LABELS_MAX);
	check_text(r->folder, FUZZ_TEXT_MAX);
	check_text(r->cgroup, FUZZ_TEXT_MAX);
}

#endif
