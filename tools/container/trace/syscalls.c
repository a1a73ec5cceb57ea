// SPDX-License-Identifier: GPL-2.0
/* cid syscalls */

#include <stdio.h>
#include <sys/syscall.h>

#include "cid.h"
#include "trace.h"
#include "util.h"

#include "bpf/syscalls.h"
#include "syscalls.skel.h"

/* Made from the header that has the numbers */
static const char *const syscall_names[] = {
#include "syscall_names.h"
};

static const char *const heads[] = { "SYSCALL" };
static const char *const names[] = { "syscall" };

static void name(const struct trace_key *key, size_t head, char *buf, size_t size)
{
	(void)head;
	if (key->sub == SYSCALLS_COMPAT)
		snprintf(buf, size, "32-bit:%u", key->kind);
	else if (key->kind < ARRAY_SIZE(syscall_names) && syscall_names[key->kind])
		snprintf(buf, size, "%s", syscall_names[key->kind]);
	else
		snprintf(buf, size, "%u", key->kind);
}

static const struct trace_tool tool = {
	.doc = "Tell which system calls the tasks of each container make, how long they "
	       "take and how many fail, until interrupted.\v"
	       "A call that this program has no name for, or of a 32-bit program, is told "
	       "by its number.",
	.what = "calls",
	.errors = true,
	.heads = heads,
	.nr_heads = ARRAY_SIZE(heads),
	.name = name,
	.names = names,
};

/** cmd_syscalls - cid syscalls */
int cmd_syscalls(int argc, char **argv)
{
	struct trace t = { .tool = &tool };
	int ret = trace_begin(&t, argc, argv);
	struct syscalls_bpf *skel;

	if (!ret) {
		skel = syscalls_bpf__open();
		if (skel) {
			skel->rodata->config = t.config;
			skel->rodata->sigreturn = SYS_rt_sigreturn;
		}
		ret = trace_run(&t, skel ? skel->skeleton : NULL);
		syscalls_bpf__destroy(skel);
	}
	trace_end(&t);
	return ret;
}
