/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_OUT_H
#define CID_OUT_H

#include <argp.h>
#include <json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A table whose columns are as wide as what is in them */
struct table {
	const char *const *heads;	/* a leading '>' aligns to the right */
	size_t cols;
	char **cells;			/* row by row */
	size_t nr_cells;
};

void table_init(struct table *t, const char *const *heads, size_t cols);
void table_cell(struct table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void table_print(const struct table *t, bool header, FILE *f, size_t width);
void table_free(struct table *t);

struct json_object *out_string(const char *s);
struct json_object *out_u64_or_null(bool known, uint64_t val);
void out_json(struct json_object *obj);
void out_json_line(struct json_object *obj);

/* For a command whose only option is --json; the parser's input is a bool. */
extern const struct argp_option out_json_options[2];
error_t out_parse_json(int key, char *arg, struct argp_state *state);

void out_bytes(char *buf, size_t size, double val);

#endif
