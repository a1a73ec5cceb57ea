// SPDX-License-Identifier: GPL-2.0
/*
 * What many readers get, and what many scoped namespaces cost. Times are of the
 * guest's clock, in which an instruction is a nanosecond, and the only CPU's.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define NAME_SIZE	96
#define NS_PER_S	1000000000ULL

/* --- readers --- */

static const unsigned int crowds[] = { 1, 10, 50 };
static const char *const crowd_files[] = { "/proc/stat", "/proc/meminfo" };

struct crowd {
	const struct bench *b;
	unsigned int readers;
	unsigned long each;	/* reads of one of them */
	uint32_t *took;		/* each of all reads; shared with the readers */
};

static void print_of_crowd(const struct crowd *c, const char *what,
			   const char *unit, double value)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "%s, %u readers: %s", c->b->name,
		 c->readers, what);
	print_value(name, unit, value);
}

static void run_reader(const struct crowd *c, unsigned int nr, int go)
{
	uint32_t *took = c->took + nr * c->each;
	char byte;

	/* It ends for all of them at once. */
	if (read(go, &byte, 1))
		_exit(1);
	for (unsigned long i = 0; i < c->each; i++)
		took[i] = time_runs(c->b, 1);
	_exit(0);
}

static void start_readers(const struct crowd *c, int go[2])
{
	if (pipe(go))
		err(1, "pipe");
	for (unsigned int i = 0; i < c->readers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid)
			continue;
		close(go[1]);
		run_reader(c, i, go[0]);
	}
}

static void reap_readers(const struct crowd *c)
{
	int status;

	for (unsigned int i = 0; i < c->readers; i++)
		if (wait(&status) < 0 || status)
			errx(1, "a reader failed");
}

/* CPU time of readers that have ended */
static uint64_t readers_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_S +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ULL;
}

/* Idle time of the machine, wherever the caller is */
static uint64_t idle_ns(void)
{
	static const char *const paths[] = { "/proc/host/stat", "/proc/stat" };
	unsigned long long idle = 0, iowait = 0;
	FILE *f = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(paths) && !f; i++)
		f = fopen(paths[i], "r");
	if (!f || fscanf(f, "cpu %*u %*u %*u %llu %llu", &idle, &iowait) != 2)
		errx(1, "cannot tell how long the machine was idle");
	fclose(f);
	return (idle + iowait) * (NS_PER_S / sysconf(_SC_CLK_TCK));
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void measure_crowd(struct crowd *c)
{
	size_t reads = c->readers * c->each;
	uint64_t start, elapsed, used = readers_ns(), idle;
	int go[2];

	start_readers(c, go);
	idle = idle_ns();
	start = now();
	close(go[1]);
	reap_readers(c);
	elapsed = now() - start;
	idle = idle_ns() - idle;
	used = readers_ns() - used;
	close(go[0]);

	qsort(c->took, reads, sizeof(*c->took), by_size);
	print_of_crowd(c, "reads", "1/s",
		       (double)reads * NS_PER_S / elapsed);
	print_of_crowd(c, "p50", "us", c->took[reads / 2] / 1e3);
	print_of_crowd(c, "p99", "us", c->took[reads - reads / 100 - 1] / 1e3);
	print_of_crowd(c, "CPU time of others", "us a read",
		       used + idle > elapsed ? 0 :
		       (elapsed - used - idle) / 1e3 / reads);
}

void measure_readers(void)
{
	size_t size = 2 * loops() * sizeof(uint32_t);
	struct crowd c;

	c.took = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (c.took == MAP_FAILED)
		err(1, "mmap");
	for (size_t i = 0; i < ARRAY_SIZE(crowd_files); i++) {
		c.b = read_bench(crowd_files[i]);
		for (size_t j = 0; j < ARRAY_SIZE(crowds); j++) {
			c.readers = crowds[j];
			c.each = loops() / c.readers ?: 1;
			measure_crowd(&c);
		}
	}
	munmap(c.took, size);
}

/* --- namespaces --- */

#define MANY		CGROUPS "/bench-many"
#define MOST		1000
/* How long the sampler is watched: some of its periods, of 5 s */
#define WATCHED		(10 * NS_PER_S)
#define WAKE_NS		100000

static const unsigned int numbers[] = { 1, 100, MOST };
static const char *const many_files[] = {
	"/proc/stat", "/proc/meminfo", "/proc/loadavg", "/proc/uptime",
};

/* A process in a namespace and a cgroup of its own, that waits */
struct tenant {
	pid_t pid;
	int ns;
};

static struct tenant tenants[MOST];
static unsigned int nr_tenants;

static const char *cgroup_of(unsigned int nr)
{
	static char path[NAME_SIZE];

	snprintf(path, sizeof(path), MANY "/%u", nr);
	return path;
}

static void join(const char *cgroup)
{
	char path[NAME_SIZE + sizeof("/cgroup.procs")];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	put(path, "0");
}

static void be_tenant(unsigned int nr, int ready)
{
	join(cgroup_of(nr));
	if (unshare(CLONE_NEWMETRICS) || write(ready, "", 1) != 1)
		_exit(1);
	pause();
	_exit(1);
}

static void add_tenant(void)
{
	struct tenant *t = &tenants[nr_tenants];
	char path[NAME_SIZE], byte;
	int ready[2];

	if (mkdir(cgroup_of(nr_tenants), 0755) || pipe(ready))
		err(1, "%s", cgroup_of(nr_tenants));
	t->pid = fork();
	if (!t->pid)
		be_tenant(nr_tenants, ready[1]);
	close(ready[1]);
	if (t->pid < 0 || read(ready[0], &byte, 1) != 1)
		errx(1, "cannot make namespace %u", nr_tenants);
	close(ready[0]);
	snprintf(path, sizeof(path), "/proc/%d/ns/metrics", t->pid);
	t->ns = open(path, O_RDONLY | O_CLOEXEC);
	if (t->ns < 0)
		err(1, "%s", path);
	nr_tenants++;
}

static void scope_tenants(void)
{
	struct metrics_ns_set set = { .mask = NS_METRICS_SET_SCOPE };

	for (unsigned int i = 0; i < nr_tenants; i++) {
		set.scope_fd = open(cgroup_of(i), O_RDONLY | O_DIRECTORY);
		if (set.scope_fd < 0 ||
		    ioctl(tenants[i].ns, NS_METRICS_SET, &set))
			err(1, "scope of namespace %u", i);
		close(set.scope_fd);
	}
}

static void remove_tenants(void)
{
	while (nr_tenants) {
		struct tenant *t = &tenants[--nr_tenants];

		kill(t->pid, SIGKILL);
		waitpid(t->pid, NULL, 0);
		close(t->ns);
		/* What has ended may be left in it for a moment. */
		while (rmdir(cgroup_of(nr_tenants)) && errno == EBUSY)
			usleep(1000);
	}
}

static void print_of_many(const char *what, const char *unit, double value)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "%s, %u scoped namespaces", what,
		 nr_tenants);
	print_value(name, unit, value);
}

/* In the first of them, by a child, as nobody comes back from there */
static void measure_inside(void)
{
	pid_t pid = fork();

	if (pid) {
		reap(pid);
		return;
	}
	join(cgroup_of(0));
	if (setns(tenants[0].ns, CLONE_NEWMETRICS))
		err(1, "setns");
	for (size_t i = 0; i < ARRAY_SIZE(many_files); i++) {
		const struct bench *b = read_bench(many_files[i]);

		time_runs(b, loops() / 10 + 1);
		print_of_many(b->name, "instructions",
			      (double)time_runs(b, loops()) / loops());
	}
	exit(0);
}

/* Of the CPU time of WATCHED, what a process that wants all of it doesn't get */
static uint64_t spin(void)
{
	struct rusage before, after;
	uint64_t start = now(), elapsed, used;

	getrusage(RUSAGE_SELF, &before);
	do
		elapsed = now() - start;
	while (elapsed < WATCHED);
	getrusage(RUSAGE_SELF, &after);
	used = (after.ru_utime.tv_sec - before.ru_utime.tv_sec +
		after.ru_stime.tv_sec - before.ru_stime.tv_sec) * NS_PER_S +
	       (after.ru_utime.tv_usec - before.ru_utime.tv_usec +
		after.ru_stime.tv_usec - before.ru_stime.tv_usec) * 1000LL;
	return used > elapsed ? 0 : elapsed - used;
}

/* How late somebody comes who may interrupt everybody: the longest of WATCHED */
static uint64_t longest_wait(void)
{
	struct sched_param rt = { .sched_priority = 50 }, other = { 0 };
	uint64_t end = now() + WATCHED, due, late, most = 0;
	struct timespec step = { .tv_nsec = WAKE_NS };

	if (sched_setscheduler(0, SCHED_FIFO, &rt))
		err(1, "SCHED_FIFO");
	while (now() < end) {
		due = now() + WAKE_NS;
		nanosleep(&step, NULL);
		late = now() - due;
		most = late > most ? late : most;
	}
	sched_setscheduler(0, SCHED_OTHER, &other);
	return most;
}

static void measure_many(unsigned int nr)
{
	while (nr_tenants < nr)
		add_tenant();
	/* First what takes its time, so that what follows on a start is over then. */
	print_of_many("longest wait of a real-time task, before they have scopes",
		      "us", longest_wait() / 1e3);
	print_of_many("CPU time of the kernel, before they have scopes", "us a second",
		      spin() / (WATCHED / NS_PER_S) / 1e3);
	scope_tenants();
	measure_inside();
	print_of_many("longest wait of a real-time task", "us",
		      longest_wait() / 1e3);
	print_of_many("CPU time of the kernel", "us a second",
		      spin() / (WATCHED / NS_PER_S) / 1e3);
	remove_tenants();
}

void measure_namespaces(void)
{
	put(CGROUPS "/cgroup.subtree_control",
	    "+cpu +cpuset +io +memory +pids");
	if (mkdir(MANY, 0755))
		err(1, "%s", MANY);
	put(MANY "/cgroup.subtree_control", "+cpu +cpuset +io +memory +pids");
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		measure_many(numbers[i]);
	rmdir(MANY);
}
