/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_FLAMEGRAPH_H
#define CID_FLAMEGRAPH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A frame and what it has called, or been above of, in how many samples */
struct flame {
	char *name;
	uint64_t count;
	struct flame *calls;
	size_t nr_calls;
};

void flame_add(struct flame *root, char *const *frames, size_t nr, uint64_t count);
void flame_merge(struct flame *to, const struct flame *from);
void flame_graft(struct flame *to, const char *name, const struct flame *from);
void flame_walk(const struct flame *root,
		void (*stack)(void *arg, const struct flame *const *frames, size_t nr,
			      uint64_t count),
		void *arg);
void flame_print(struct flame *root, const char *title, FILE *f);
void flame_free(struct flame *root);

#endif
