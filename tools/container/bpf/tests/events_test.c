// SPDX-License-Identifier: GPL-2.0
/*
 * What BPF reads of the events: each is made to happen, and the IDs that a
 * program reads are compared with those that user space knows. TAP on stdout.
 */

#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"
#include "metricsns.h"

#define EXIT_SKIP	4	/* as of kselftests */

static int say_as_comment(enum libbpf_print_level level, const char *fmt,
			  va_list args)
{
	if (level > LIBBPF_WARN)
		return 0;
	printf("# ");
	return vprintf(fmt, args);
}

static const char *cannot_run(void)
{
	if (geteuid())
		return "loading BPF programs takes root";
	if (!metricsns_supported())
		return "the kernel has no metrics namespaces";
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return "the kernel has no BTF";
	return NULL;
}

int main(void)
{
	const char *why = cannot_run();

	if (why) {
		printf("1..0 # SKIP %s\n", why);
		return EXIT_SKIP;
	}
	libbpf_set_print(say_as_comment);
	why = harness_start();
	if (why) {
		printf("1..1\nnot ok 1 - bpf: the programs load: %s\n", why);
		return EXIT_FAILURE;
	}
	harness_run(namespace_tests);
	harness_run(resource_tests);
	libbpf_set_print(NULL);
	harness_run(verifier_tests);
	return harness_end();
}
