// SPDX-License-Identifier: GPL-2.0
/*
 * lttng-many - for the tests of the state dump: as many control groups, namespaces and tasks
 * as they want, which a shell in an emulated guest would take minutes for
 *
 * usage: lttng-many DIR CGROUPS NAMESPACES TASKS
 *
 * DIR is a cgroup, in which it makes the others, eight in each. A fifth of the tasks are
 * processes, each in another one of them, and a tenth of these is in a container of its own;
 * the others are their threads. The namespaces are kept by file descriptors. When all of it
 * is there it prints "ready"; it ends by SIGTERM, and takes all away.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN		8	/* of a cgroup */
#define TASKS			5	/* of a process */
#define PER_CONTAINER		10	/* processes, of which one is in a container */
#define STACK			16384

#define CLONE_NEWMETRICS	0x40ULL
#define CLONE_INTO_CGROUP_	0x200000000ULL

/* Of clone3(2), as far as it is used: an older libc has none. */
struct args {
	unsigned long long flags, pidfd, child_tid, parent_tid, exit_signal, stack,
			   stack_size, tls, set_tid, set_tid_size, cgroup;
};

static const char *dir;
static long nr_cgroups, made_cgroups;
static pid_t *processes;
static long nr_processes;

static void die(const char *what)
{
	fprintf(stderr, "lttng-many: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long number(const char *arg)
{
	char *end;
	long val = strtol(arg, &end, 10);

	if (end == arg || *end || val < 0 || val > 1000000) {
		errno = EINVAL;
		die(arg);
	}
	return val;
}

/* Parents have lower numbers. */
static void path_of(long i, char *path, size_t size)
{
	char above[4096];

	if (i < CHILDREN)
		snprintf(above, sizeof(above), "%s", dir);
	else
		path_of(i / CHILDREN - 1, above, sizeof(above));
	if (snprintf(path, size, "%s/%ld", above, i) >= (int)size) {
		errno = ENAMETOOLONG;
		die(dir);
	}
}

static void make_cgroups(void)
{
	char path[4096];

	for (; made_cgroups < nr_cgroups; made_cgroups++) {
		path_of(made_cgroups, path, sizeof(path));
		if (mkdir(path, 0755))
			die(path);
	}
}

/* One after the other, as it was made: thousands that want a CPU at once are a stall. */
static void take_away(void)
{
	char path[4096];

	while (nr_processes--) {
		kill(processes[nr_processes], SIGKILL);
		while (waitpid(processes[nr_processes], NULL, 0) < 0 && errno == EINTR)
			;
	}
	while (made_cgroups--) {
		path_of(made_cgroups, path, sizeof(path));
		if (rmdir(path))
			perror(path);
	}
}

static void *rest(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

/* A process and its threads; what they wait for is to be killed. */
static void be_tasks(long nr, int ready)
{
	pthread_attr_t attr;
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	while (--nr > 0)
		if (pthread_create(&thread, &attr, rest, NULL))
			_exit(1);
	if (write(ready, "", 1) != 1)
		_exit(1);
	close(ready);
	rest(NULL);
}

static void make_process(long nr, int ready)
{
	long i = nr_processes;
	struct args args = { .flags = CLONE_INTO_CGROUP_, .exit_signal = SIGCHLD };
	char path[4096];
	long pid;
	int fd;

	if (nr_cgroups)
		path_of(i % nr_cgroups, path, sizeof(path));
	else
		snprintf(path, sizeof(path), "%s", dir);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	args.cgroup = fd;
	if (i % PER_CONTAINER == 0)
		args.flags |= CLONE_NEWMETRICS;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		die("clone3");
	if (!pid) {
		close(fd);
		be_tasks(nr, ready);
	}
	close(fd);
	processes[nr_processes++] = pid;
}

static void make_tasks(long nr)
{
	int fds[2];
	char buf;

	processes = calloc(nr / TASKS + 1, sizeof(*processes));
	if (!processes)
		die("tasks");
	for (; nr > 0; nr -= TASKS) {
		if (pipe2(fds, O_CLOEXEC))
			die("pipe");
		make_process(nr < TASKS ? nr : TASKS, fds[1]);
		close(fds[1]);
		if (read(fds[0], &buf, 1) != 1)
			die("a process has failed");
		close(fds[0]);
	}
}

/* The last one of each type is that of this process as well. */
static void make_namespaces(long nr)
{
	struct rlimit limit = { .rlim_cur = nr + 64, .rlim_max = nr + 64 };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("RLIMIT_NOFILE");
	for (long i = 0; i < nr; i++) {
		bool uts = i % 2;

		if (unshare(uts ? CLONE_NEWUTS : CLONE_NEWCGROUP))
			die("unshare");
		if (open(uts ? "/proc/self/ns/uts" : "/proc/self/ns/cgroup",
			 O_RDONLY | O_CLOEXEC) < 0)
			die("/proc/self/ns");
	}
}

int main(int argc, char **argv)
{
	sigset_t ends;
	int sig;

	if (argc != 5) {
		fputs("usage: lttng-many DIR CGROUPS NAMESPACES TASKS\n", stderr);
		return 2;
	}
	dir = argv[1];
	nr_cgroups = number(argv[2]);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	atexit(take_away);
	make_cgroups();
	make_tasks(number(argv[4]));	/* which don't get the descriptors */
	make_namespaces(number(argv[3]));
	puts("ready");
	fflush(stdout);
	sigwait(&ends, &sig);
	return 0;
}
