/* SPDX-License-Identifier: GPL-2.0 */
/* What cid fsdist and cid fsslower share */
#ifndef CID_TRACE_FS_H
#define CID_TRACE_FS_H

#include <argp.h>
#include <linux/types.h>
#include <stdbool.h>

#include "bpf/fs.h"

struct trace;

struct fs_args {
	bool every_type;
	double min_ms;
};

extern const char *const fs_kinds[FS_KINDS];
extern const struct argp_option fs_options[];
bool fs_sees_fsync(void);
error_t fs_parse(int key, char *arg, struct argp_state *state, struct trace *t);

#endif
