// SPDX-License-Identifier: GPL-2.0
/*
 * Lives of metrics namespaces, many and cut short at any point; and processes
 * of several users that create, join, read and kill without any order. What is
 * claimed is what is left then: nothing. The rest is for the kernel's own
 * checkers to say.
 *
 * METRICS_NS_CYCLES in the environment is for how many lives to look for leaks,
 * METRICS_NS_SECONDS how long the processes go on, and METRICS_NS_SEED repeats
 * what a run has printed.
 */
#include <sys/mman.h>

#include "listns.h"
#include "random.h"
#include "scope.h"

#define CYCLES		200
#define AT_A_TIME	4
#define WORKERS		4
/*
 * The slabs' own caches grow by about 1 MiB, in 100 cycles or in 5,000. A leak of
 * the smallest object that it could be, a cycle, is more in this many.
 */
#define LEAK_CYCLES	10000
#define LEAK_MIN_KB	1536

static long slab_unreclaimable_kb(void)
{
	char buf[8192];
	const char *p;

	if (!read_file_at(AT_FDCWD, "/proc/meminfo", buf, sizeof(buf)))
		return 0;
	p = strstr(buf, "\nSUnreclaim:");
	return p ? atol(p + strlen("\nSUnreclaim:")) : 0;
}

/* --- one life --- */

static const unsigned long companions[] = {
	0, CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC,
	CLONE_NEWCGROUP, CLONE_NEWTIME, CLONE_NEWNET,
	CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWCGROUP,
};

static void read_something(void)
{
	static const char *const files[] = {
		"/proc/stat", "/proc/meminfo", "/proc/uptime", "/proc/cpuinfo",
		"/proc/loadavg", "/proc/pressure/io", "/proc/diskstats",
		"/proc/swaps", "/proc/vmstat", "/proc/self/status",
	};
	char buf[65536];

	read_file_at(AT_FDCWD, files[pick(ARRAY_SIZE(files))], buf,
		     sizeof(buf));
}

/* Whatever fails, it may: it is what it leaves that counts. */
static void live(void)
{
	int i;

	for (i = pick(6); i; i--) {
		switch (pick(4)) {
		case 0:
			unshare(CLONE_NEWMETRICS);
			break;
		case 1:
			if (!fork()) {
				unshare(CLONE_NEWMETRICS);
				_exit(0);
			}
			break;
		case 2:
			unshare(companions[pick(ARRAY_SIZE(companions))] &
				~CLONE_NEWTIME);
			break;
		case 3:
			read_something();
			break;
		}
	}
	if (pick(2))
		pause();
	_exit(0);
}

static pid_t begin_life(void)
{
	unsigned long flags = CLONE_NEWMETRICS;
	struct clone_args args = { .exit_signal = SIGCHLD };
	int next = rand();
	pid_t pid;

	flags |= companions[pick(ARRAY_SIZE(companions))];
	args.flags = pick(2) ? flags : 0;
	pid = sys_clone3(&args);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srand(next);
	if (!args.flags)
		unshare(flags);
	live();
	return 0;
}

/* From outside, while it may be anywhere in its life */
static void tell_about(pid_t pid, int cgroup_fd)
{
	int fd = open_ns(pid);

	if (fd < 0)
		return;
	switch (pick(4)) {
	case 0:
		ns_set_label(fd, "short-lived");
		break;
	case 1:
		set_scope_and_flags(fd, cgroup_fd, pick(8));
		break;
	case 2:
		ns_set_flags(fd, METRICS_NS_AUTO_SCOPE);
		break;
	case 3:
		cgroup_move(cgroup_fd, pid);
		break;
	}
	close(fd);
}

static void end_life(pid_t pid)
{
	usleep(pick(3000));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool cycle(long nr, int cgroup_fd)
{
	pid_t pids[AT_A_TIME] = {};
	long i;

	for (i = 0; i < nr; i++) {
		pid_t *pid = &pids[i % AT_A_TIME];

		if (*pid)
			end_life(*pid);
		*pid = begin_life();
		if (*pid < 0)
			return false;
		if (pick(2))
			tell_about(*pid, cgroup_fd);
	}
	for (i = 0; i < AT_A_TIME; i++)
		if (pids[i] > 0)
			end_life(pids[i]);
	return true;
}

/* After many lives that ended anyhow, there are as many namespaces as before. */
TEST_F_TIMEOUT(scope, lives_leave_nothing, PATIENCE)
{
	int before = count_namespaces();

	seed(_metadata);
	ASSERT_LT(0, before);
	ASSERT_TRUE(cycle(CYCLES, self->a));
	expect_namespaces(_metadata, before);
}

/* After very many there is as much memory in use as after the first ones. */
TEST_F_TIMEOUT(scope, lives_leak_nothing, PATIENCE)
{
	long cycles = from_env("METRICS_NS_CYCLES", 0), grown;
	int before = count_namespaces();

	if (cycles < LEAK_CYCLES)
		SKIP(return, "takes hours; wants METRICS_NS_CYCLES=%d or more",
		     LEAK_CYCLES);
	seed(_metadata);
	ASSERT_LT(0, before);
	/* What is kept for later is there after the first ones. */
	ASSERT_TRUE(cycle(cycles / 10, self->a));
	expect_namespaces(_metadata, before);
	grown = slab_unreclaimable_kb();
	ASSERT_LT(0, grown);
	ASSERT_TRUE(cycle(cycles, self->a));
	expect_namespaces(_metadata, before);
	grown = slab_unreclaimable_kb() - grown;
	TH_LOG("%ld cycles, slab memory %+ld KiB", cycles, grown);
	EXPECT_GT(LEAK_MIN_KB, grown);
}

/* --- containers --- */

/* Make a cgroup namespace in a cgroup. */
static long do_new_cgroup_ns_in(long cgroup_fd, long unused)
{
	long pid = do_clone3_into(cgroup_fd, CLONE_NEWCGROUP);

	if (pid < 0)
		return pid;
	return waitpid(pid, NULL, 0) == pid ? 0 : -errno;
}

static long scope_both(struct child *c, int ns_fd, int cgroup_fd)
{
	long ret = ns_set_flags(ns_fd, METRICS_NS_AUTO_SCOPE);

	if (!ret)
		ret = child_call(c, do_new_cgroup_ns_in, cgroup_fd, 0);
	if (ret)
		return ret;
	if (get(ns_fd).scope_id != cgroup_id(cgroup_fd))
		return -ESTALE;
	return ns_set_scope(ns_fd, cgroup_fd);
}

/*
 * Put a child into a namespace of its own, below the one where it is, which gets
 * an automatic scope as a container's does, and then an explicit one.
 */
static long contain(struct child *c, int cgroup_fd)
{
	long ret = child_unshare(c, CLONE_NEWMETRICS);
	int fd;

	if (ret)
		return ret;
	fd = open_ns(c->pid);
	if (fd < 0)
		return -errno;
	ret = scope_both(c, fd, cgroup_fd);
	close(fd);
	return ret;
}

#define CLOSERS		8
#define LEVELS		12
#define HOGS		2
/* Within that the kernel samples all scopes twice: each LOAD_FREQ, or 5 s. */
#define SAMPLED_MS	12000

static long do_close(long fd, long unused)
{
	return or_errno(close(fd));
}

static long do_run_on(long cpu, long policy)
{
	struct sched_param param = {};
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) ||
	    sched_setscheduler(0, policy, &param))
		return -errno;
	return 0;
}

static long do_hog(long ms, long unused)
{
	long end = now_ms(CLOCK_MONOTONIC) + ms;

	while (now_ms(CLOCK_MONOTONIC) < end)
		;
	return 0;
}

/*
 * Start a child that runs when nobody else wants to, and has the last file of a
 * namespace that is at the end of a chain of them. Returns that file.
 */
static long start_closer(struct child *closer, FIXTURE_DATA(scope) *self,
			 int cpu)
{
	struct child c;
	long ret = child_start_inside(&c, self->outer_fd);
	int i;

	for (i = 0; !ret && i < LEVELS; i++)
		ret = contain(&c, self->ax);
	if (!ret)
		ret = child_start(closer);
	if (!ret)
		ret = child_call(closer, do_run_on, cpu, SCHED_IDLE);
	if (ret)
		return ret;
	ret = child_call(closer, do_open_ns, c.pid, 0);
	child_stop(&c);
	return ret;
}

static long start_hog(struct child *hog, int cpu)
{
	long ret = child_start(hog);

	if (!ret)
		ret = child_call(hog, do_run_on, cpu, SCHED_OTHER);
	if (!ret && !child_begin(hog, do_hog, SAMPLED_MS, 0))
		ret = -EPIPE;
	return ret;
}

/*
 * Namespaces with both scopes, below one that is scoped, too, end while scopes are
 * sampled, which comes upon none that is gone. They end slowly, so that there is
 * time for that at each point.
 */
TEST_F_TIMEOUT(scope, both_scopes_end, PATIENCE)
{
	int before = count_namespaces(), cpu = sched_getcpu(), i;
	struct child closers[CLOSERS], hogs[HOGS];
	long fds[CLOSERS];

	ASSERT_LT(0, before);
	ASSERT_EQ(0, ns_set_scope(self->outer_fd, self->a));
	for (i = 0; i < CLOSERS; i++) {
		fds[i] = start_closer(&closers[i], self, cpu);
		ASSERT_LE(0, fds[i]);
	}
	ASSERT_LE(before + CLOSERS, count_namespaces());
	for (i = 0; i < HOGS; i++)
		ASSERT_EQ(0, start_hog(&hogs[i], cpu));
	for (i = 0; i < CLOSERS; i++)
		ASSERT_TRUE(child_begin(&closers[i], do_close, fds[i], 0));
	for (i = 0; i < CLOSERS; i++)
		EXPECT_EQ(0, child_end(&closers[i]));
	expect_namespaces(_metadata, before);
}

/* --- many at once --- */

/* What the workers of a test know of each other */
static struct {
	pid_t pids[WORKERS];
	long rounds[WORKERS];
	long containers[WORKERS];
	bool stop;
} *board;

static void join_somebody(void)
{
	pid_t pid = __atomic_load_n(&board->pids[pick(WORKERS)],
				    __ATOMIC_RELAXED);
	int fd;

	if (!pid || fork())
		return;
	fd = open_ns(pid);
	if (fd >= 0)
		setns(fd, CLONE_NEWMETRICS);
	read_something();
	_exit(0);
}

static void look_at_somebody(int cgroup_fd)
{
	pid_t pid = __atomic_load_n(&board->pids[pick(WORKERS)],
				    __ATOMIC_RELAXED);
	struct metrics_ns_info info = {};
	int fd;

	if (!pid)
		return;
	status_id(pid);
	fd = open_ns(pid);
	if (fd < 0)
		return;
	ns_get(fd, &info);
	tell_about(pid, cgroup_fd);
	close(fd);
}

/* Only root can: no cgroup is delegated to the users. */
static void run_container(int worker, int cgroup_fd)
{
	struct child c;

	if (child_start(&c))
		return;
	if (!contain(&c, cgroup_fd))
		board->containers[worker]++;
	child_stop(&c);
}

static void work_once(int worker, int cgroup_fd)
{
	pid_t pid;

	switch (pick(5)) {
	case 0:
		join_somebody();
		break;
	case 1:
		look_at_somebody(cgroup_fd);
		break;
	case 2:
		read_something();
		break;
	case 3:
		pid = begin_life();
		__atomic_store_n(&board->pids[worker], pid, __ATOMIC_RELAXED);
		look_at_somebody(cgroup_fd);
		if (pid > 0)
			end_life(pid);
		break;
	case 4:
		run_container(worker, cgroup_fd);
		break;
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* Every second one is a user with a user namespace, the others are root. */
static bool is_user(int worker)
{
	return worker % 2;
}

static pid_t start_worker(int worker, int cgroup_fd)
{
	int next = rand();
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srand(next);
	if (is_user(worker) && (do_become_nobody(0, 0) || do_enter_user_ns(0, 0)))
		_exit(1);
	run_container(worker, cgroup_fd);
	while (!__atomic_load_n(&board->stop, __ATOMIC_RELAXED)) {
		work_once(worker, cgroup_fd);
		board->rounds[worker]++;
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	_exit(0);
}

/* Root and users create, join, read, set and kill at once, and nothing stays. */
TEST_F_TIMEOUT(scope, stress_leaves_nothing, PATIENCE)
{
	long seconds = from_env("METRICS_NS_SECONDS", SECONDS);
	int before = count_namespaces(), i, status;
	pid_t pids[WORKERS];

	seed(_metadata);
	ASSERT_LT(0, before);
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, board);
	for (i = 0; i < WORKERS; i++) {
		pids[i] = start_worker(i, self->a);
		ASSERT_LT(0, pids[i]);
	}
	sleep(seconds);
	__atomic_store_n(&board->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < WORKERS; i++) {
		EXPECT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
		EXPECT_LT(0, board->rounds[i]);
		EXPECT_EQ(is_user(i), !board->containers[i]);
		TH_LOG("worker %d: %ld rounds", i, board->rounds[i]);
	}
	expect_namespaces(_metadata, before);
}

TEST_HARNESS_MAIN
