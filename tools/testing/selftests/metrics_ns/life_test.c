// SPDX-License-Identifier: GPL-2.0
/*
 * Lives of metrics namespaces, many and cut short at any point; and processes
 * of several users that create, join, read and kill without any order. What is
 * claimed is what is left then: nothing. The rest is for the kernel's own
 * checkers to say.
 *
 * METRICS_NS_CYCLES and METRICS_NS_SECONDS in the environment make it longer,
 * METRICS_NS_SEED repeats what a run has printed.
 */
#include <sys/mman.h>
#include <time.h>

#include "listns.h"
#include "scope.h"

#define CYCLES		200
#define SECONDS		20
#define AT_A_TIME	4
#define WORKERS		4
#define WAIT_MAX_S	120
/*
 * The slabs' own caches grow by about 1 MiB, in 100 cycles or in 5,000. A leak of
 * the smallest object that it could be, a cycle, is more in this many.
 */
#define LEAK_CYCLES	10000
#define LEAK_MIN_KB	1536
/* Hours, as far as the harness is concerned */
#define PATIENCE	(10 * 3600)

static long from_env(const char *name, long fallback)
{
	const char *value = getenv(name);

	return value && atol(value) > 0 ? atol(value) : fallback;
}

static void seed(struct __test_metadata *_metadata)
{
	long value = from_env("METRICS_NS_SEED", time(NULL) ^ getpid());

	TH_LOG("METRICS_NS_SEED=%ld", value);
	srand(value);
}

static int pick(int n)
{
	return rand() / (RAND_MAX / n + 1);
}

/* Metrics namespaces that there are, as far as the caller may see */
static int count_namespaces(void)
{
	struct ns_id_req req = {
		.size = NS_ID_REQ_SIZE_VER0,
		.ns_type = METRICS_NS,
	};
	__u64 ids[LISTED_MAX];
	int nr = 0;
	long n;

	while ((n = syscall(__NR_listns, &req, ids, LISTED_MAX, 0)) > 0) {
		nr += n;
		req.ns_id = ids[n - 1];
	}
	return nr;
}

/* They are freed by the last task's reaping, and that by whom? So: in time. */
static bool namespaces_become(int wanted)
{
	int i;

	for (i = 0; i < WAIT_MAX_S * 10; i++) {
		if (count_namespaces() == wanted)
			return true;
		usleep(100000);
	}
	return false;
}

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
		"/proc/self/status",
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
	long cycles = from_env("METRICS_NS_CYCLES", CYCLES), grown;
	int before = count_namespaces();

	seed(_metadata);
	ASSERT_LT(0, before);
	/* What is kept for later is there after the first ones. */
	ASSERT_TRUE(cycle(cycles / 10, self->a));
	EXPECT_TRUE(namespaces_become(before));
	grown = slab_unreclaimable_kb();
	ASSERT_TRUE(cycle(cycles, self->a));
	EXPECT_TRUE(namespaces_become(before)) {
		TH_LOG("%d namespaces, and not %d", count_namespaces(), before);
	}
	grown = slab_unreclaimable_kb() - grown;
	TH_LOG("%ld cycles, slab memory %+ld KiB", cycles, grown);
	if (cycles >= LEAK_CYCLES)
		EXPECT_GT(LEAK_MIN_KB, grown);
}

/* --- many at once --- */

/* What the workers of a test know of each other */
static struct {
	pid_t pids[WORKERS];
	long rounds[WORKERS];
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

static void look_at_somebody(void)
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
	tell_about(pid, -1);
	close(fd);
}

static void work_once(int worker)
{
	pid_t pid;

	switch (pick(4)) {
	case 0:
		join_somebody();
		break;
	case 1:
		look_at_somebody();
		break;
	case 2:
		read_something();
		break;
	case 3:
		pid = begin_life();
		__atomic_store_n(&board->pids[worker], pid, __ATOMIC_RELAXED);
		look_at_somebody();
		if (pid > 0)
			end_life(pid);
		break;
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* Every second one is a user with a user namespace, the others are root. */
static pid_t start_worker(int worker)
{
	int next = rand();
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srand(next);
	if (worker % 2 && (do_become_nobody(0, 0) || do_enter_user_ns(0, 0)))
		_exit(1);
	while (!__atomic_load_n(&board->stop, __ATOMIC_RELAXED)) {
		work_once(worker);
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
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, board);
	for (i = 0; i < WORKERS; i++) {
		pids[i] = start_worker(i);
		ASSERT_LT(0, pids[i]);
	}
	sleep(seconds);
	__atomic_store_n(&board->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < WORKERS; i++) {
		EXPECT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
		EXPECT_LT(0, board->rounds[i]);
		TH_LOG("worker %d: %ld rounds", i, board->rounds[i]);
	}
	EXPECT_TRUE(namespaces_become(before)) {
		TH_LOG("%d namespaces, and not %d", count_namespaces(), before);
	}
}

TEST_HARNESS_MAIN
