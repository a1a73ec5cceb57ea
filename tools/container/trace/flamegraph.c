// SPDX-License-Identifier: GPL-2.0
/*
 * Flame graphs, as Brendan Gregg has described them ("The Flame Graph", ACM Queue
 * 14(2), 2016): a box a function, on top of what has called it, as wide as its part
 * of the samples. The order from left to right is that of the names.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flamegraph.h"
#include "util.h"

#define WIDTH		1200.0
#define MARGIN		10.0
#define ROW		16
#define HEAD		40
#define LETTER		6.6	/* how wide one is */
#define NARROWEST	0.2	/* what is drawn at all, in pixels */
#define MAX_DEPTH	256

static struct flame *call_of(struct flame *f, const char *name)
{
	struct flame *c;

	for (size_t i = 0; i < f->nr_calls; i++)
		if (!strcmp(f->calls[i].name, name))
			return &f->calls[i];
	f->calls = xreallocarray(f->calls, f->nr_calls + 1, sizeof(*f->calls));
	c = &f->calls[f->nr_calls++];
	*c = (struct flame){ .name = xstrdup(name) };
	return c;
}

/**
 * flame_add - add samples of a stack
 * @root: a zeroed struct, or one that has some
 * @frames: names, from the root on; what is deeper than can be drawn is left out
 * @nr: how many
 * @count: of samples
 */
void flame_add(struct flame *root, char *const *frames, size_t nr, uint64_t count)
{
	root->count += count;
	for (size_t i = 0; i < nr && i < MAX_DEPTH; i++) {
		root = call_of(root, frames[i]);
		root->count += count;
	}
}

/**
 * flame_merge - add the samples of another one
 * @to: gets them
 * @from: has them; its name doesn't matter
 */
void flame_merge(struct flame *to, const struct flame *from)
{
	to->count += from->count;
	for (size_t i = 0; i < from->nr_calls; i++)
		flame_merge(call_of(to, from->calls[i].name), &from->calls[i]);
}

/**
 * flame_graft - add the samples of another one as what a frame has called
 * @to: gets them, below its root
 * @name: of the frame, which may be there
 * @from: has them
 */
void flame_graft(struct flame *to, const char *name, const struct flame *from)
{
	to->count += from->count;
	flame_merge(call_of(to, name), from);
}

struct walk {
	void (*stack)(void *arg, const struct flame *const *frames, size_t nr,
		      uint64_t count);
	void *arg;
	const struct flame *frames[MAX_DEPTH];
};

static void walk(struct walk *w, const struct flame *f, size_t depth)
{
	uint64_t own = f->count;

	for (size_t i = 0; i < f->nr_calls; i++) {
		own -= f->calls[i].count;
		w->frames[depth] = &f->calls[i];
		walk(w, &f->calls[i], depth + 1);
	}
	if (own && depth)
		w->stack(w->arg, w->frames, depth, own);
}

/**
 * flame_walk - go through the stacks
 * @root: what was added
 * @stack: called for each that samples end in, with its frames, from the root on,
 *	and the number of samples
 * @arg: for @stack
 */
void flame_walk(const struct flame *root,
		void (*stack)(void *arg, const struct flame *const *frames, size_t nr,
			      uint64_t count),
		void *arg)
{
	struct walk w = { .stack = stack, .arg = arg };

	walk(&w, root, 0);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct flame *)a)->name, ((const struct flame *)b)->name);
}

static void sort(struct flame *f)
{
	if (f->nr_calls)
		qsort(f->calls, f->nr_calls, sizeof(*f->calls), by_name);
	for (size_t i = 0; i < f->nr_calls; i++)
		sort(&f->calls[i]);
}

static size_t depth_of(const struct flame *f)
{
	size_t most = 0;

	for (size_t i = 0; i < f->nr_calls; i++) {
		size_t depth = depth_of(&f->calls[i]);

		if (depth > most)
			most = depth;
	}
	return most + 1;
}

/* Names are anybody's choice. */
static void print_text(FILE *f, const char *s, size_t max)
{
	cleanup_free char *escaped = escape(s);

	for (size_t i = 0; i < max && escaped[i]; i++) {
		switch (escaped[i]) {
		case '<': fputs("&lt;", f); break;
		case '>': fputs("&gt;", f); break;
		case '&': fputs("&amp;", f); break;
		case '"': fputs("&quot;", f); break;
		default: fputc(escaped[i], f);
		}
	}
}

/* The same name has the same colour, of those that flames have. */
static void print_colour(FILE *f, const char *name)
{
	unsigned int hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (unsigned char)*name;
	fprintf(f, "rgb(%u,%u,%u)", 205 + hash % 50, 80 + hash / 50 % 150,
		hash / 7500 % 55);
}

static void print_box(FILE *f, const struct flame *box, const struct flame *root,
		      double x, double y, double width)
{
	size_t letters = width > 4 ? (width - 4) / LETTER : 0;

	fputs("<g><title>", f);
	print_text(f, box->name, SIZE_MAX);
	fprintf(f, " (%llu samples, %.2f %%)</title>",
		(unsigned long long)box->count, 100.0 * box->count / root->count);
	fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"",
		x, y, width, ROW - 1);
	print_colour(f, box->name);
	fputs("\" rx=\"1\"/>", f);
	if (letters >= 3) {
		fprintf(f, "<text x=\"%.1f\" y=\"%.1f\">", x + 3, y + ROW - 5);
		print_text(f, box->name, letters);
		fputs("</text>", f);
	}
	fputs("</g>\n", f);
}

static void print_calls(FILE *f, const struct flame *box, const struct flame *root,
			double x, double y)
{
	double scale = (WIDTH - 2 * MARGIN) / root->count;

	for (size_t i = 0; i < box->nr_calls; i++) {
		const struct flame *c = &box->calls[i];
		double width = c->count * scale;

		if (width >= NARROWEST) {
			print_box(f, c, root, x, y, width);
			print_calls(f, c, root, x, y - ROW);
		}
		x += width;
	}
}

/**
 * flame_print - print it as an SVG image
 * @root: what was added; is sorted
 * @title: its title
 * @f: where to
 */
void flame_print(struct flame *root, const char *title, FILE *f)
{
	size_t height = HEAD + depth_of(root) * ROW + MARGIN;

	sort(root);
	fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%zu\" "
		"viewBox=\"0 0 %.0f %zu\" font-family=\"monospace\" font-size=\"11\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#f8f8f8\"/>\n"
		"<text x=\"%.0f\" y=\"24\" text-anchor=\"middle\" font-size=\"15\">",
		WIDTH, height, WIDTH, height, WIDTH / 2);
	print_text(f, title, SIZE_MAX);
	fputs("</text>\n", f);
	if (root->count)
		print_calls(f, root, root, MARGIN, height - MARGIN - ROW);
	fputs("</svg>\n", f);
}

/** flame_free - free what was added */
void flame_free(struct flame *root)
{
	for (size_t i = 0; i < root->nr_calls; i++) {
		flame_free(&root->calls[i]);
		free(root->calls[i].name);
	}
	free(root->calls);
}
