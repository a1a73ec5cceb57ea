// SPDX-License-Identifier: GPL-2.0
/* cid fsdist */

#include <bpf/bpf.h>
#include <stdio.h>

#include "cid.h"
#include "fs.h"
#include "trace.h"
#include "util.h"

#include "fsdist.skel.h"

static const char *const heads[] = { "FILESYSTEM", "OPERATION" };
static const char *const names[] = { "filesystem", "operation" };

static const struct fsdist_bpf *loaded;

static void name(const struct trace_key *key, size_t head, char *buf, size_t size)
{
	struct fs_type_name type;

	if (head == 1)
		snprintf(buf, size, "%s", fs_kinds[key->kind]);
	else if (!key->other)
		snprintf(buf, size, "-");
	else if (bpf_map_lookup_elem(bpf_map__fd(loaded->maps.types), &key->other, &type))
		snprintf(buf, size, "?");
	else
		snprintf(buf, size, "%s", type.text);
}

static void prepare(const struct trace *t, struct fsdist_bpf *skel)
{
	const struct fs_args *args = t->own;
	bool fsync = fs_sees_fsync();

	skel->rodata->config = t->config;
	skel->rodata->every_type = args->every_type;
	bpf_program__set_autoload(skel->progs.fsync_call, fsync);
	bpf_program__set_autoload(skel->progs.fsync_call_end, fsync);
}

static const struct trace_tool tool = {
	.doc = "Tell how long operations on files take each container, by file system, "
	       "until interrupted.\v"
	       "A file that couldn't be opened has \"-\" for its file system.",
	.what = "operations",
	.options = fs_options,
	.parse = fs_parse,
	.bytes = true,
	.errors = true,
	.heads = heads,
	.nr_heads = ARRAY_SIZE(heads),
	.name = name,
	.names = names,
};

/** cmd_fsdist - cid fsdist */
int cmd_fsdist(int argc, char **argv)
{
	struct fs_args args = {};
	struct trace t = { .tool = &tool, .own = &args };
	int ret = trace_begin(&t, argc, argv);
	struct fsdist_bpf *skel;

	if (!ret) {
		skel = fsdist_bpf__open();
		if (skel)
			prepare(&t, skel);
		loaded = skel;
		ret = trace_run(&t, skel ? skel->skeleton : NULL);
		fsdist_bpf__destroy(skel);
	}
	trace_end(&t);
	return ret;
}
