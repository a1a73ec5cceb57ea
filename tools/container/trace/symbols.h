/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_SYMBOLS_H
#define CID_SYMBOLS_H

#include <linux/bpf.h>
#include <stdint.h>
#include <sys/types.h>

struct symbols;

struct symbols *symbols_new(void);
void symbols_free(struct symbols *s);
void symbols_look_again(struct symbols *s);
void symbols_note_process(struct symbols *s, pid_t pid);
void symbols_note_new(struct symbols *s, pid_t pid);
const char *symbols_kernel(struct symbols *s, uint64_t ip);
char *symbols_user(struct symbols *s, pid_t pid, const struct bpf_stack_build_id *frame);

#endif
