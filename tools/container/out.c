// SPDX-License-Identifier: GPL-2.0
/* Tables for people and JSON for programs */

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "util.h"

#define GROW_CELLS 64

/**
 * table_init - begin a table
 * @t: the table, to be freed with table_free()
 * @heads: titles of the columns, which must stay
 * @cols: number of columns
 */
void table_init(struct table *t, const char *const *heads, size_t cols)
{
	memset(t, 0, sizeof(*t));
	t->heads = heads;
	t->cols = cols;
}

/**
 * table_cell - append a cell, from left to right and from top to bottom
 * @t: the table
 * @fmt: as for printf(3); what comes out is escaped for a terminal
 */
void table_cell(struct table *t, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = xstrdup("?");
	va_end(ap);
	if (t->nr_cells % GROW_CELLS == 0)
		t->cells = xreallocarray(t->cells, t->nr_cells + GROW_CELLS,
					 sizeof(*t->cells));
	t->cells[t->nr_cells++] = escape(text);
}

static bool right_aligned(const struct table *t, size_t col)
{
	return t->heads[col][0] == '>';
}

static const char *title(const struct table *t, size_t col)
{
	return t->heads[col] + right_aligned(t, col);
}

static void set_widths(const struct table *t, bool header, size_t *widths)
{
	for (size_t i = 0; i < t->cols; i++)
		widths[i] = header ? strlen(title(t, i)) : 0;
	for (size_t i = 0, col = 0; i < t->nr_cells; i++, col++) {
		size_t len = strlen(t->cells[i]);

		if (col == t->cols)
			col = 0;
		if (len > widths[col])
			widths[col] = len;
	}
}

static char *format_row(const struct table *t, const char *const *cells,
			const size_t *widths)
{
	char *line = xstrdup("");

	for (size_t i = 0; i < t->cols; i++) {
		const char *cell = cells ? cells[i] : title(t, i);
		int width = widths[i];
		char *longer;

		longer = xasprintf("%s%s%*s", line, i ? "  " : "",
				   right_aligned(t, i) ? width : -width, cell);
		free(line);
		line = longer;
	}
	/* Blanks at the end of the line would wrap it on narrow terminals. */
	for (size_t len = strlen(line); len && line[len - 1] == ' '; len--)
		line[len - 1] = '\0';
	return line;
}

static void print_row(const struct table *t, const char *const *cells,
		      const size_t *widths, FILE *f, size_t max)
{
	cleanup_free char *line = format_row(t, cells, widths);

	if (max && strlen(line) > max)
		line[max] = '\0';
	fprintf(f, "%s\n", line);
}

/**
 * table_print - print a table
 * @t: the table
 * @header: with the titles?
 * @f: where to
 * @width: where to cut the lines off, 0: nowhere
 */
void table_print(const struct table *t, bool header, FILE *f, size_t width)
{
	cleanup_free size_t *widths = xcalloc(t->cols, sizeof(*widths));

	set_widths(t, header, widths);
	if (header)
		print_row(t, NULL, widths, f, width);
	for (size_t i = 0; i + t->cols <= t->nr_cells; i += t->cols)
		print_row(t, (const char *const *)t->cells + i, widths, f,
			  width);
}

/** table_free - free what the cells of a table hold */
void table_free(struct table *t)
{
	for (size_t i = 0; i < t->nr_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	t->cells = NULL;
	t->nr_cells = 0;
}

static int is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s > 0x7e)
			return 0;
	return 1;
}

/**
 * out_string - an untrusted string as JSON
 * @s: the string, or NULL
 *
 * JSON is UTF-8, names in the kernel are bytes: one that isn't plain ASCII is
 * written as it is in tables. json-c takes care of control characters.
 *
 * Return: a new object, NULL (JSON's null) for NULL.
 */
struct json_object *out_string(const char *s)
{
	cleanup_free char *escaped = NULL;

	if (!s)
		return NULL;
	if (is_ascii(s))
		return json_object_new_string(s);
	escaped = escape(s);
	return json_object_new_string(escaped);
}

/** out_u64_or_null - a number as JSON, or null if it isn't known */
struct json_object *out_u64_or_null(bool known, uint64_t val)
{
	return known ? json_object_new_uint64(val) : NULL;
}

const struct argp_option out_json_options[2] = {
	{ "json", 'j', NULL, 0, "print JSON", 0 },
	{ 0 }
};

error_t out_parse_json(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case 'j':
		*json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': no argument is expected", arg);
	}
	return ARGP_ERR_UNKNOWN;
}

static void print_json(struct json_object *obj, int flags)
{
	puts(json_object_to_json_string_ext(obj, flags |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(obj);
}

/** out_json - print an object to stdout, readable, and free it */
void out_json(struct json_object *obj)
{
	print_json(obj, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
}

/** out_json_line - print an object to stdout, in one line, and free it */
void out_json_line(struct json_object *obj)
{
	print_json(obj, JSON_C_TO_STRING_PLAIN);
}

/**
 * out_bytes - an amount of bytes for people
 * @buf: gets the text
 * @size: of @buf
 * @val: the amount
 */
void out_bytes(char *buf, size_t size, double val)
{
	static const char units[] = "BKMGTPE";
	size_t i = 0;

	while (val >= 1023.5 && units[i + 1]) {
		val /= 1024;
		i++;
	}
	snprintf(buf, size, i && val < 99.95 ? "%.1f%c" : "%.0f%c", val,
		 units[i]);
}
