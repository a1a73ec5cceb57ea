// SPDX-License-Identifier: GPL-2.0
/*
 * What operations cost: a line each of name, unit and mean, with tabs. Under
 * QEMU's -icount shift=0 a tick of the time stamp counter is an instruction, and
 * the figures are the same from run to run; elsewhere they are nanoseconds.
 *
 * Linked statically: it may be the only program there is.
 */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define OWN_CGROUP	CGROUPS "/bench"

static struct {
	unsigned long loops;
	const char *pattern;
	bool native;
	bool cgroup;		/* in a cgroup of its own */
	bool namespace;		/* in a metrics namespace of its own */
	bool scope;		/* that has this cgroup for its scope */
	bool events;		/* what the events cost, instead */
	bool readers;		/* what many readers get, instead */
	bool namespaces;	/* what many scopes cost, instead */
	const char *root;	/* where the files are read, NULL: / */
	char *start;		/* what a start of this program costs, instead */
	const char *stdin;	/* what it gets by a pipe, NULL: nothing */
} opt = { .loops = 10000, .pattern = "*" };

static uint64_t read_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

uint64_t now(void)
{
	return opt.native ? read_clock(CLOCK_MONOTONIC) : __builtin_ia32_rdtsc();
}

/* --- processes --- */

void reap(pid_t pid)
{
	int status;

	if (pid < 0)
		err(1, "fork");
	if (waitpid(pid, &status, 0) != pid || status)
		errx(1, "a child failed");
}

static void run_fork(const void *arg)
{
	pid_t pid = fork();

	(void)arg;
	if (!pid)
		_exit(0);
	reap(pid);
}

/* Its first process, as the namespace ends with that */
static void prepare_pid_ns(void)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		err(1, "unshare(CLONE_NEWPID)");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid)
		return;
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	exit(status ? 1 : 0);
}

static void *thread(void *arg)
{
	return arg;
}

static void run_thread(const void *arg)
{
	pthread_t t;

	(void)arg;
	if (pthread_create(&t, NULL, thread, NULL) || pthread_join(t, NULL))
		errx(1, "cannot create a thread");
}

static void run_exec(const void *arg)
{
	static char *const argv[] = { "bench", NULL };
	static char *const envp[] = { "BENCH_EXIT=1", NULL };
	pid_t pid = vfork();

	(void)arg;
	if (!pid) {
		execve("/proc/self/exe", argv, envp);
		_exit(1);
	}
	reap(pid);
}

/* --- a program, as OCI runtimes start a hook: with a pipe that has something in it --- */

static char input[4096], *start_argv[8];
static ssize_t input_len;
static int start_stdin = -1;

static void ready_start(void)
{
	int fds[2];

	close(start_stdin);
	if (pipe2(fds, O_CLOEXEC) || write(fds[1], input, input_len) != input_len)
		err(1, "pipe");
	close(fds[1]);
	start_stdin = fds[0];
}

static void run_start(const void *arg)
{
	static char *const envp[] = { NULL };
	pid_t pid = vfork();

	(void)arg;
	if (!pid) {
		dup2(start_stdin, STDIN_FILENO);
		execve(start_argv[0], start_argv, envp);
		_exit(127);
	}
	reap(pid);
}

static void prepare_start(void)
{
	char *word = strtok(opt.start, " ");
	int fd;

	for (size_t i = 0; word && i < ARRAY_SIZE(start_argv) - 1; i++) {
		start_argv[i] = word;
		word = strtok(NULL, " ");
	}
	if (!opt.stdin)
		return;
	fd = open(opt.stdin, O_RDONLY | O_CLOEXEC);
	input_len = read(fd, input, sizeof(input));
	if (input_len < 0)
		err(1, "%s", opt.stdin);
	close(fd);
}

static int ping[2], pong[2];

static void start_pong(void)
{
	char c;

	if (pipe(ping) || pipe(pong))
		err(1, "pipe");
	if (fork())
		return;
	close(ping[1]);
	close(pong[0]);
	while (read(ping[0], &c, 1) == 1)
		if (write(pong[1], &c, 1) != 1)
			break;
	_exit(0);
}

static void run_pipe(const void *arg)
{
	char c = 0;

	(void)arg;
	if (!ping[1])
		start_pong();
	if (write(ping[1], &c, 1) != 1 || read(pong[0], &c, 1) != 1)
		err(1, "pipe");
}

static void stay_on_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "sched_setaffinity");
}

void prepare_yield(void)
{
	pid_t pid;

	stay_on_this_cpu();
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		sched_yield();
}

/* Nobody sleeps and nobody is woken: two switches and nothing else */
void run_yield(const void *arg)
{
	(void)arg;
	sched_yield();
}

/* --- namespaces --- */

/* Known to the kernel, and not forbidden here */
bool ns_there(const void *arg)
{
	const struct ns *ns = arg;
	int status;
	pid_t pid;

	if (access(ns->path, F_OK))
		return false;
	pid = fork();
	if (!pid)
		_exit(unshare(ns->flag) ? 1 : 0);
	return waitpid(pid, &status, 0) == pid && !status;
}

/* In a child: some types can be nested only so deep, or only once a process */
static void run_unshare(const void *arg)
{
	const struct ns *ns = arg;
	pid_t pid = fork();

	if (!pid)
		_exit(unshare(ns->flag) ? 1 : 0);
	reap(pid);
}

void run_setns(const void *arg)
{
	const struct ns *ns = arg;
	static int fds[2] = { -1, -1 };
	static int turn;

	if (fds[0] < 0) {
		fds[0] = open(ns->path, O_RDONLY);
		if (unshare(ns->flag))
			err(1, "unshare");
		fds[1] = open(ns->path, O_RDONLY);
	}
	if (setns(fds[turn], ns->flag))
		err(1, "setns");
	turn = !turn;
}

/* From a sibling's namespace downwards only, so by a child each */
static void run_setns_metrics(const void *arg)
{
	static int fd = -1;
	int sv[2];
	pid_t pid;
	char c;

	(void)arg;
	if (fd < 0) {
		char path[64];

		if (pipe(sv))
			err(1, "pipe");
		pid = fork();
		if (!pid) {
			if (unshare(CLONE_NEWMETRICS) || write(sv[1], "", 1) != 1)
				_exit(1);
			pause();
		}
		close(sv[1]);
		if (read(sv[0], &c, 1) != 1)
			errx(1, "cannot make a metrics namespace");
		snprintf(path, sizeof(path), "/proc/%d/ns/metrics", pid);
		fd = open(path, O_RDONLY);
		kill(pid, 9);
		waitpid(pid, NULL, 0);
		close(sv[0]);
	}
	pid = fork();
	if (!pid)
		_exit(setns(fd, CLONE_NEWMETRICS) ? 1 : 0);
	reap(pid);
}

/* --- what the view covers --- */

/* No work where the files are read at their own place */
static const char *in_root(const char *file)
{
	static const char *last;
	static char path[256];

	if (!opt.root)
		return file;
	if (file != last) {
		snprintf(path, sizeof(path), "%s%s", opt.root, file);
		last = file;
	}
	return path;
}

static bool file_there(const void *arg)
{
	return !access(in_root(arg), R_OK);
}

static void run_read(const void *arg)
{
	static char buf[1 << 16];
	int fd = open(in_root(arg), O_RDONLY);
	ssize_t n;

	if (fd < 0)
		err(1, "%s", in_root(arg));
	do
		n = read(fd, buf, sizeof(buf));
	while (n > 0);
	if (n < 0)
		err(1, "%s", in_root(arg));
	close(fd);
}

static void run_sysinfo(const void *arg)
{
	struct sysinfo info;

	(void)arg;
	sysinfo(&info);
}

#define UNSHARE(name, flag) \
	{ "fork+unshare(" name ")+exit+wait", run_unshare, NS(flag, name), \
	  ns_there, NULL }
#define READ(path) { "read " path, run_read, path, file_there, NULL }
#define READ_WITH(path, what, possible, prepare) \
	{ "read " path ", with " what, run_read, path, possible, prepare }

static const struct bench benches[] = {
	{ "fork+exit+wait", run_fork, NULL, NULL, NULL },
	{ "fork+exit+wait in a PID namespace", run_fork,
	  NS(CLONE_NEWPID, "pid"), ns_there, prepare_pid_ns },
	{ "thread create+exit+join", run_thread, NULL, NULL, NULL },
	{ "vfork+execve+exit+wait", run_exec, NULL, NULL, NULL },
	{ "pipe round trip", run_pipe, NULL, NULL, NULL },
	{ "setns(uts)", run_setns, NS(CLONE_NEWUTS, "uts"), ns_there, NULL },
	{ "fork+setns(metrics)+exit+wait", run_setns_metrics,
	  NS(CLONE_NEWMETRICS, "metrics"), ns_there, NULL },
	UNSHARE("uts", CLONE_NEWUTS),
	UNSHARE("ipc", CLONE_NEWIPC),
	UNSHARE("mnt", CLONE_NEWNS),
	UNSHARE("pid", CLONE_NEWPID),
	UNSHARE("net", CLONE_NEWNET),
	UNSHARE("user", CLONE_NEWUSER),
	UNSHARE("cgroup", CLONE_NEWCGROUP),
	UNSHARE("time", CLONE_NEWTIME),
	UNSHARE("metrics", CLONE_NEWMETRICS),
	READ("/proc/stat"),
	READ("/proc/meminfo"),
	READ("/proc/uptime"),
	READ("/proc/cpuinfo"),
	READ("/proc/loadavg"),
	READ("/proc/swaps"),
	READ_WITH("/proc/swaps", "swap", swap_there, prepare_swap),
	READ("/proc/vmstat"),
	READ("/proc/diskstats"),
	READ_WITH("/proc/diskstats", "I/O", loop_there, prepare_disk),
	READ("/proc/pressure/cpu"),
	READ("/proc/pressure/io"),
	READ("/proc/pressure/memory"),
	READ("/proc/pressure/irq"),
	READ("/proc/host/stat"),
	READ("/proc/host/meminfo"),
	READ("/proc/host/uptime"),
	READ("/proc/host/cpuinfo"),
	READ("/proc/host/loadavg"),
	READ("/proc/host/swaps"),
	READ("/proc/host/vmstat"),
	READ("/proc/host/diskstats"),
	READ("/proc/host/pressure/cpu"),
	READ("/proc/host/pressure/io"),
	READ("/proc/host/pressure/memory"),
	READ("/proc/self/status"),
	READ("/sys/devices/system/cpu/online"),
	{ "sysinfo", run_sysinfo, NULL, NULL, NULL },
	{ "sched_yield round trip", run_yield, NULL, NULL, prepare_yield },
	{ "cgroup attach", run_attach, NULL, cgroups_there, prepare_attach },
	{ "clone3(into cgroup)+exit+wait", run_clone, NULL, cgroups_there,
	  prepare_clone },
	{ "write memory.max", run_limit, NULL, memory_there, prepare_limit },
	{ "mmap+touch 64 pages+munmap", run_touch, NULL, memory_there,
	  prepare_memory },
	{ "pread 32 pages, reclaiming", run_reclaim, NULL, loop_there,
	  prepare_reclaim },
};

bool is_native(void)
{
	return opt.native;
}

bool chosen(const char *name)
{
	return !fnmatch(opt.pattern, name, 0);
}

unsigned long loops(void)
{
	return opt.loops;
}

static uint64_t now_for(const struct bench *b)
{
	return b->sleeps ? read_clock(CLOCK_THREAD_CPUTIME_ID) : now();
}

uint64_t time_runs(const struct bench *b, unsigned long n)
{
	uint64_t start, sum = 0;
	unsigned long i;

	for (i = 0; b->ready && i < n; i++) {
		b->ready();
		start = now_for(b);
		b->run(b->arg);
		sum += now_for(b) - start;
	}
	start = now_for(b);
	for (; i < n; i++)
		b->run(b->arg);
	return sum + now_for(b) - start;
}

void print_value(const char *name, const char *unit, double value)
{
	printf("%s\t%s\t%.1f\n", name, unit, value);
	fflush(stdout);
}

void print_mean(const char *name, double mean)
{
	print_value(name, opt.native ? "ns" : "instructions", mean);
}

const struct bench *read_bench(const char *file)
{
	for (size_t i = 0; i < ARRAY_SIZE(benches); i++)
		if (benches[i].run == run_read && !benches[i].prepare &&
		    !strcmp(benches[i].arg, file))
			return &benches[i];
	errx(1, "%s isn't among the files", file);
}

static void measure(const struct bench *b)
{
	time_runs(b, opt.loops / 10 + 1);
	print_mean(b->name, (double)time_runs(b, opt.loops) / opt.loops);
}

void measure_where_prepared(const struct bench *b,
			    void (*how)(const struct bench *b))
{
	pid_t pid;

	if (!b->prepare) {
		how(b);
		return;
	}
	pid = fork();
	if (!pid) {
		b->prepare();
		how(b);
		exit(0);
	}
	reap(pid);
	put_back();
}

static void measure_start(void)
{
	const struct bench start = { .name = "start", .run = run_start, .ready = ready_start };

	prepare_start();
	measure(&start);
}

static void measure_operations(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(benches); i++) {
		const struct bench *b = &benches[i];

		if (chosen(b->name) && (!b->possible || b->possible(b->arg)))
			measure_where_prepared(b, measure);
	}
}

/* --- where it runs --- */

void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(1, "%s", path);
	close(fd);
}

static void enter_cgroup(void)
{
	put(CGROUPS "/cgroup.subtree_control", "+cpu +cpuset +io +memory +pids");
	if (mkdir(OWN_CGROUP, 0755) && errno != EEXIST)
		err(1, "%s", OWN_CGROUP);
	put(OWN_CGROUP "/memory.max", "256M");
	put(OWN_CGROUP "/cgroup.procs", "0");
}

/* The namespace's maker is outside, as who gives it its scope has to be. */
static void enter_namespace(int tell, int listen)
{
	char c = 0;

	if (unshare(CLONE_NEWMETRICS))
		err(1, "unshare(CLONE_NEWMETRICS)");
	if (write(tell, &c, 1) != 1 || read(listen, &c, 1) != 1)
		exit(1);
}

static void give_scope(pid_t pid)
{
	struct metrics_ns_set set = {
		.mask = NS_METRICS_SET_SCOPE | NS_METRICS_SET_FLAGS,
		.flags = METRICS_NS_HOST_VIEW,
	};
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/metrics", pid);
	fd = open(path, O_RDONLY);
	set.scope_fd = open(OWN_CGROUP, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || ioctl(fd, NS_METRICS_SET, &set))
		err(1, "NS_METRICS_SET");
	close(set.scope_fd);
	close(fd);
}

/* Returns in a child where there is a namespace to make. */
static void enter(void)
{
	int up[2], down[2], status;
	pid_t pid;
	char c;

	if (opt.cgroup)
		enter_cgroup();
	if (!opt.namespace)
		return;
	if (pipe(up) || pipe(down))
		err(1, "pipe");
	pid = fork();
	if (!pid) {
		enter_namespace(up[1], down[0]);
		return;
	}
	if (read(up[0], &c, 1) != 1)
		exit(1);
	if (opt.scope)
		give_scope(pid);
	if (write(down[1], &c, 1) != 1 || waitpid(pid, &status, 0) != pid)
		exit(1);
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static const struct argp_option options[] = {
	{ "loops", 'l', "N", 0, "mean of N (10000)", 0 },
	{ "only", 'o', "GLOB", 0, "only benchmarks whose name matches", 0 },
	{ "native", 'n', NULL, 0, "nanoseconds, on real hardware", 0 },
	{ "in", 'i', "PLACE", 0, "cgroup: in a cgroup of its own; namespace: "
	  "in a metrics namespace as well; scope: with the cgroup for its "
	  "scope", 0 },
	{ "root", 'R', "DIR", 0, "read the files below DIR", 0 },
	{ "events", 'e', NULL, 0, "what events cost that are on, instead", 0 },
	{ "readers", 'r', NULL, 0, "what many readers get, instead", 0 },
	{ "namespaces", 'm', NULL, 0, "what many scoped namespaces cost, "
	  "instead", 0 },
	{ "start", 's', "COMMAND", 0, "what a start of COMMAND costs, instead: a path, and "
	  "words", 0 },
	{ "stdin", 'f', "FILE", 0, "what COMMAND gets by a pipe", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	char *end;

	switch (key) {
	case 'l':
		opt.loops = strtoul(arg, &end, 10);
		if (*end || !opt.loops)
			argp_error(state, "--loops: '%s' is no number", arg);
		return 0;
	case 'o':
		opt.pattern = arg;
		return 0;
	case 'n':
		opt.native = true;
		return 0;
	case 'R':
		opt.root = arg;
		return 0;
	case 'e':
		opt.events = true;
		return 0;
	case 'r':
		opt.readers = true;
		return 0;
	case 'm':
		opt.namespaces = true;
		return 0;
	case 's':
		opt.start = arg;
		return 0;
	case 'f':
		opt.stdin = arg;
		return 0;
	case 'i':
		opt.scope = !strcmp(arg, "scope");
		opt.namespace = opt.scope || !strcmp(arg, "namespace");
		opt.cgroup = opt.namespace || !strcmp(arg, "cgroup");
		if (!opt.cgroup)
			argp_error(state, "--in: there is no '%s'", arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "What operations of the kernel cost",
	};

	if (getenv("BENCH_EXIT"))
		return 0;
	if (argp_parse(&argp, argc, argv, 0, NULL, NULL))
		return 1;
	enter();
	if (opt.events) {
		measure_events();
	} else if (opt.readers) {
		measure_readers();
	} else if (opt.namespaces) {
		measure_namespaces();
	} else if (opt.start) {
		measure_start();
	} else {
		measure_operations();
		measure_kfuncs();
	}
	/* ends the other side of the pipes */
	close(ping[1]);
	return 0;
}
