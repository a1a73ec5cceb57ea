// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs a BPF program to name the namespace or the container of a task: by
 * kfunc, by the walk of pointers that tools do without it, and the cgroup ID, which
 * is the nearest that any kernel has. For a process in a metrics namespace with a
 * label, as far as the kernel has them.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "kfuncs.h"
#include "kfuncs.skel.h"

#define LABEL	"bench"

static const struct {
	const char *program;
	const char *name;
} kfuncs[] = {
	/* the first is what the others are compared with */
	{ "nothing", NULL },
	{ "cgroup_id", "bpf get_current_cgroup_id" },
	{ "walk", "bpf walk to pid_ns_for_children" },
	{ "pidns", "bpf get_current_pidns" },
	{ "ns_id", "bpf get_current_ns_id(net)" },
	{ "task_ns_id", "bpf task_ns_id(pid)" },
	{ "container", "bpf get_current_container_id" },
	{ "task_container", "bpf task_container_id" },
	{ "task_top", "bpf task_container_top_id" },
	{ "ancestor", "bpf container_ancestor_id" },
	{ "label", "bpf container_label" },
};

/* That a kernel lacks a kfunc is no error. */
static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* The namespace's ID, which is labelled by a child that stays outside. */
static uint64_t enter_labelled_namespace(void)
{
	struct metrics_ns_set set = {
		.mask = NS_METRICS_SET_LABEL,
		.label_len = strlen(LABEL),
		.label = LABEL,
	};
	uint64_t id = 0;
	int gate[2], fd;
	pid_t pid;
	char c;

	if (pipe(gate))
		err(1, "pipe");
	pid = fork();
	if (!pid) {
		char path[64];

		/* Or it would wait for itself where the parent gives up. */
		close(gate[1]);
		if (read(gate[0], &c, 1) != 1)
			_exit(1);
		snprintf(path, sizeof(path), "/proc/%d/ns/metrics", getppid());
		fd = open(path, O_RDONLY);
		_exit(fd < 0 || ioctl(fd, NS_METRICS_SET, &set));
	}
	/* A kernel without them measures what it has. */
	if (unshare(CLONE_NEWMETRICS)) {
		close(gate[1]);
		close(gate[0]);
		waitpid(pid, NULL, 0);
		return 0;
	}
	if (write(gate[1], "", 1) != 1)
		err(1, "pipe");
	reap(pid);
	close(gate[0]);
	close(gate[1]);
	fd = open("/proc/self/ns/metrics", O_RDONLY);
	if (fd < 0 || ioctl(fd, NS_GET_ID, &id))
		err(1, "/proc/self/ns/metrics");
	close(fd);
	return id;
}

static void run_program(const void *arg)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	const int *fd = arg;

	if (bpf_prog_test_run_opts(*fd, &opts))
		err(1, "BPF_PROG_TEST_RUN");
}

/* Ticks of one run; negative if this kernel can't load it. */
static double time_program(const char *name, uint64_t container_id)
{
	unsigned long runs = loops() / CALLS + 1;
	struct kfuncs *skel = kfuncs__open();
	struct bpf_program *prog;
	struct bench b = { .run = run_program };
	double ticks = -1;
	int fd;

	if (!skel)
		err(1, "kfuncs");
	skel->bss->container_id = container_id;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), name));
	if (!kfuncs__load(skel)) {
		prog = bpf_object__find_program_by_name(skel->obj, name);
		fd = bpf_program__fd(prog);
		b.arg = &fd;
		time_runs(&b, 10);
		ticks = (double)time_runs(&b, runs) / runs;
	}
	kfuncs__destroy(skel);
	return ticks;
}

static void measure_in_namespace(void)
{
	uint64_t id = enter_labelled_namespace();
	double nothing = time_program(kfuncs[0].program, id);
	double ticks;
	size_t i;

	if (nothing < 0)
		return;
	for (i = 1; i < ARRAY_SIZE(kfuncs); i++) {
		if (!chosen(kfuncs[i].name))
			continue;
		ticks = time_program(kfuncs[i].program, id);
		if (ticks >= 0)
			print_mean(kfuncs[i].name, (ticks - nothing) / CALLS);
	}
}

void measure_kfuncs(void)
{
	pid_t pid;

	libbpf_set_print(silent);
	fflush(NULL);
	pid = fork();
	if (pid) {
		reap(pid);
		return;
	}
	measure_in_namespace();
	exit(0);
}
