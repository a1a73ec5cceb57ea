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
#include "slabs.h"

#define CYCLES		200
/* The stress goes on for so long where not all has happened in its time. */
#define MORE_S		300
#define LIVES		4	/* at a time */
#define WORKERS		4
/* That many objects of a cache that stay are a leak: of 200 lives, of every 20th. */
#define LEAKED		10

/* How far a life has come; a namespace that clone3(2) makes is there from the first. */
enum stage { BORN, CREATED, LIVING, OVER, STAGES };

/* What is done to namespaces, and how often that was */
enum op {
	KILLED,		/* at each stage */
	KILLED_SCOPED = KILLED + STAGES,
	UNSHARED,
	JOINED,
	NOT_JOINED,
	LABELED,
	FLAGGED,
	SCOPED,
	NOT_SCOPED,
	MOVED,
	READ,
	CONTAINED,
	OPS,
};

static const char *const ops[OPS] = {
	[KILLED + BORN]		= "killed at its birth",
	[KILLED + CREATED]	= "killed with its namespace",
	[KILLED + LIVING]	= "killed in the middle of its life",
	[KILLED + OVER]		= "killed at its end",
	[KILLED_SCOPED]		= "killed with a scope",
	[UNSHARED]		= "unshared",
	[JOINED]		= "joined",
	[NOT_JOINED]		= "not allowed to join",
	[LABELED]		= "given a label",
	[FLAGGED]		= "given flags",
	[SCOPED]		= "given a scope",
	[NOT_SCOPED]		= "not allowed to give a scope",
	[MOVED]			= "moved to a cgroup",
	[READ]			= "read",
	[CONTAINED]		= "given both scopes",
};

#define ALWAYS	(1 << (KILLED + BORN) | 1 << (KILLED + CREATED) | \
		 1 << (KILLED + LIVING) | 1 << (KILLED + OVER) | \
		 1 << UNSHARED | 1 << LABELED | 1 << FLAGGED | 1 << READ)
/* No cgroup is delegated to the users, who have no rights over each other. */
#define ROOT	(ALWAYS | 1 << JOINED | 1 << SCOPED | 1 << MOVED | \
		 1 << KILLED_SCOPED)
#define USER	(ALWAYS | 1 << JOINED | 1 << NOT_JOINED | 1 << NOT_SCOPED)
#define NEVER	(1 << SCOPED | 1 << MOVED | 1 << CONTAINED)

struct tally {
	long of[OPS];
};

struct life {
	pid_t pid;
	enum stage stage;
	bool scoped;
};

/* What the processes of a test know of each other */
static struct {
	struct life lives[LIVES];
	long rounds[WORKERS];
	struct tally tallies[2];	/* of root and of the users */
	bool stop;
} *board;

static void make_board(struct __test_metadata *_metadata)
{
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, board);
}

static void count(struct tally *tally, enum op op)
{
	__atomic_add_fetch(&tally->of[op], 1, __ATOMIC_RELAXED);
}

static bool has_done(const struct tally *tally, unsigned int wanted)
{
	int i;

	for (i = 0; i < OPS; i++) {
		if ((wanted & (1 << i)) &&
		    !__atomic_load_n(&tally->of[i], __ATOMIC_RELAXED))
			return false;
	}
	return true;
}

static void expect_done(struct __test_metadata *_metadata, const char *who,
			const struct tally *tally, unsigned int wanted)
{
	int i;

	for (i = 0; i < OPS; i++) {
		TH_LOG("%s: %s %ld times", who, ops[i], tally->of[i]);
		if (wanted & (1 << i))
			EXPECT_LT(0, tally->of[i]);
	}
}

/* --- one life --- */

static const unsigned long companions[] = {
	0, CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC,
	CLONE_NEWCGROUP, CLONE_NEWTIME, CLONE_NEWNET,
	CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWCGROUP,
};

static void read_something(struct tally *tally)
{
	static const char *const files[] = {
		"/proc/stat", "/proc/meminfo", "/proc/uptime", "/proc/cpuinfo",
		"/proc/loadavg", "/proc/pressure/io", "/proc/diskstats",
		"/proc/swaps", "/proc/vmstat", "/proc/self/status",
	};
	char buf[65536];

	if (read_file_at(AT_FDCWD, files[pick(ARRAY_SIZE(files))], buf,
			 sizeof(buf)))
		count(tally, READ);
}

static void reach(struct life *life, enum stage stage)
{
	__atomic_store_n(&life->stage, stage, __ATOMIC_RELAXED);
}

static bool has_reached(const struct life *life, enum stage stage)
{
	return __atomic_load_n(&life->stage, __ATOMIC_RELAXED) >= stage;
}

static void unshare_counted(unsigned long flags, struct tally *tally)
{
	if (!unshare(flags))
		count(tally, UNSHARED);
}

/* Whatever fails, it may: it is what it leaves that counts. */
static void live(struct life *life, struct tally *tally)
{
	int i;

	for (i = pick(6); i; i--) {
		switch (pick(4)) {
		case 0:
			unshare_counted(CLONE_NEWMETRICS, tally);
			break;
		case 1:
			if (!fork()) {
				unshare_counted(CLONE_NEWMETRICS, tally);
				_exit(0);
			}
			break;
		case 2:
			unshare(companions[pick(ARRAY_SIZE(companions))] &
				~CLONE_NEWTIME);
			break;
		case 3:
			read_something(tally);
			break;
		}
		reach(life, LIVING);
	}
	reach(life, OVER);
	if (pick(2))
		pause();
	_exit(0);
}

static bool begin_life(struct life *life, struct tally *tally)
{
	unsigned long flags = CLONE_NEWMETRICS;
	struct clone_args args = { .exit_signal = SIGCHLD };
	int next = rand();
	pid_t pid;

	flags |= companions[pick(ARRAY_SIZE(companions))];
	args.flags = pick(2) ? flags : 0;
	*life = (struct life){};
	pid = sys_clone3(&args);
	if (pid) {
		__atomic_store_n(&life->pid, pid > 0 ? pid : 0,
				 __ATOMIC_RELAXED);
		return pid > 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srand(next);
	if (!args.flags)
		unshare_counted(flags, tally);
	reach(life, CREATED);
	live(life, tally);
	return true;
}

static void give_scope(struct life *life, pid_t pid, int fd, int cgroup_fd,
		       struct tally *tally)
{
	long ret = set_scope_and_flags(fd, cgroup_fd, pick(8));

	if (!ret) {
		/* Unless another life has begun in its place. */
		if (__atomic_load_n(&life->pid, __ATOMIC_RELAXED) == pid)
			__atomic_store_n(&life->scoped, true, __ATOMIC_RELAXED);
		count(tally, SCOPED);
	} else if (ret == -EPERM) {
		count(tally, NOT_SCOPED);
	}
}

/* From outside, while it may be anywhere in its life */
static void tell_about(struct life *life, int cgroup_fd, struct tally *tally)
{
	pid_t pid = __atomic_load_n(&life->pid, __ATOMIC_RELAXED);
	int fd = pid > 0 ? open_ns(pid) : -1;

	if (fd < 0)
		return;
	/* It may not have one of its own yet. */
	if (ns_id(fd) != ns_id_of(0)) {
		switch (pick(4)) {
		case 0:
			if (!ns_set_label(fd, "short-lived"))
				count(tally, LABELED);
			break;
		case 1:
			give_scope(life, pid, fd, cgroup_fd, tally);
			break;
		case 2:
			if (!ns_set_flags(fd, METRICS_NS_AUTO_SCOPE))
				count(tally, FLAGGED);
			break;
		case 3:
			if (!cgroup_move(cgroup_fd, pid))
				count(tally, MOVED);
			break;
		}
	}
	close(fd);
}

/* Not reaped here: whoever does that makes the PID another one's. */
static bool is_over(pid_t pid)
{
	siginfo_t info = {};

	return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) ||
	       info.si_pid;
}

/*
 * At its birth or later, as chance has it. A life always comes to its end, however
 * slow the machine is.
 */
static void end_life(struct life *life, struct tally *tally)
{
	enum stage stage = pick(STAGES);

	while (!has_reached(life, stage) && !is_over(life->pid))
		sched_yield();
	if (stage != BORN && pick(2))
		usleep(pick(3000));
	/* Half of them end by themselves. */
	if (!is_over(life->pid)) {
		count(tally, KILLED + life->stage);
		if (life->scoped)
			count(tally, KILLED_SCOPED);
	}
	kill(life->pid, SIGKILL);
	waitpid(life->pid, NULL, 0);
	__atomic_store_n(&life->pid, 0, __ATOMIC_RELAXED);
}

/* So many lives, and more if chance has left something out */
static bool cycle(long nr, int cgroup_fd, unsigned int wanted)
{
	struct tally *tally = &board->tallies[0];
	long i;

	for (i = 0; i < nr || (i < 20 * nr && !has_done(tally, wanted)); i++) {
		struct life *life = &board->lives[i % LIVES];

		if (life->pid)
			end_life(life, tally);
		if (!begin_life(life, tally))
			return false;
		switch (pick(4)) {
		case 0:
		case 1:
			tell_about(life, cgroup_fd, tally);
			break;
		case 2:
			end_life(life, tally);
			break;
		}
	}
	for (i = 0; i < LIVES; i++)
		if (board->lives[i].pid)
			end_life(&board->lives[i], tally);
	return true;
}

/* After many lives that ended anyhow, there are as many namespaces as before. */
TEST_F_TIMEOUT(scope, lives_leave_nothing, PATIENCE)
{
	int before = count_namespaces();

	seed(_metadata);
	ASSERT_LT(0, before);
	make_board(_metadata);
	ASSERT_TRUE(cycle(CYCLES, self->a, ROOT & ~(1 << JOINED)));
	expect_namespaces(_metadata, before);
	expect_done(_metadata, "root", &board->tallies[0], ROOT & ~(1 << JOINED));
}

/* And no more objects in the kernel's memory. */
TEST_F_TIMEOUT(scope, lives_leak_nothing, PATIENCE)
{
	long cycles = from_env("METRICS_NS_CYCLES", CYCLES);
	int namespaces = count_namespaces();
	struct slabs before, after;

	NEEDS_SLABS();
	seed(_metadata);
	make_board(_metadata);
	/* What is kept for later is there after the first ones. */
	ASSERT_TRUE(cycle(CYCLES, self->a, 0));
	expect_namespaces(_metadata, namespaces);
	if (!slabs_settle(&before))
		SKIP(return, "others allocate and free all the time");
	ASSERT_TRUE(cycle(cycles, self->a, 0));
	EXPECT_TRUE(slabs_return(&before, &after, LEAKED));
	log_grown(_metadata, &before, &after);
	TH_LOG("%ld lives, %d caches", cycles, before.nr);
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

static struct life *somebody(void)
{
	return &board->lives[pick(WORKERS)];
}

static void join(pid_t pid, struct tally *tally)
{
	int fd = open_ns(pid);

	/* Somebody may be gone meanwhile, which is no refusal. */
	if (fd >= 0 ? !setns(fd, CLONE_NEWMETRICS) : false)
		count(tally, JOINED);
	else if (errno == EPERM || errno == EACCES)
		count(tally, NOT_JOINED);
	read_something(tally);
}

static void join_somebody(struct tally *tally)
{
	pid_t pid = __atomic_load_n(&somebody()->pid, __ATOMIC_RELAXED);
	static pid_t joining;

	if (joining > 0)
		waitpid(joining, NULL, 0);
	joining = pid > 0 ? fork() : 0;
	if (pid <= 0 || joining)
		return;
	join(pid, tally);
	_exit(0);
}

static void look_at(struct life *life, int cgroup_fd, struct tally *tally)
{
	pid_t pid = __atomic_load_n(&life->pid, __ATOMIC_RELAXED);
	struct metrics_ns_info info = {};
	int fd;

	if (pid <= 0)
		return;
	status_id(pid);
	fd = open_ns(pid);
	if (fd < 0)
		return;
	ns_get(fd, &info);
	tell_about(life, cgroup_fd, tally);
	close(fd);
}

/* Only root can: no cgroup is delegated to the users. */
static void run_container(int cgroup_fd, struct tally *tally)
{
	struct child c;

	if (child_start(&c))
		return;
	if (!contain(&c, cgroup_fd))
		count(tally, CONTAINED);
	child_stop(&c);
}

/* Each worker has a life that the others know, until it begins another one. */
static void work_once(struct life *own, int cgroup_fd, struct tally *tally)
{
	switch (pick(5)) {
	case 0:
		join_somebody(tally);
		break;
	case 1:
		look_at(somebody(), cgroup_fd, tally);
		break;
	case 2:
		read_something(tally);
		break;
	case 3:
		if (own->pid > 0)
			end_life(own, tally);
		if (!begin_life(own, tally))
			break;
		if (pick(3))
			look_at(own, cgroup_fd, tally);
		else
			end_life(own, tally);
		break;
	case 4:
		run_container(cgroup_fd, tally);
		break;
	}
}

/* Every second one is a user with a user namespace, the others are root. */
static bool is_user(int worker)
{
	return worker % 2;
}

static pid_t start_worker(int worker, int cgroup_fd)
{
	struct tally *tally = &board->tallies[is_user(worker)];
	struct life *own = &board->lives[worker];
	int next = rand();
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	srand(next);
	if (is_user(worker) && (do_become_nobody(0, 0) || do_enter_user_ns(0, 0)))
		_exit(1);
	run_container(cgroup_fd, tally);
	while (!__atomic_load_n(&board->stop, __ATOMIC_RELAXED)) {
		work_once(own, cgroup_fd, tally);
		board->rounds[worker]++;
	}
	if (own->pid > 0)
		end_life(own, tally);
	while (waitpid(-1, NULL, 0) > 0)
		;
	_exit(0);
}

/* A slow machine does little in a given time, so that chance may leave something out. */
static void let_them_work(long seconds)
{
	long until = now_ms(CLOCK_MONOTONIC) + seconds * 1000;
	long limit = until + MORE_S * 1000;
	long now;

	do {
		usleep(100000);
		now = now_ms(CLOCK_MONOTONIC);
	} while (now < until ||
		 (now < limit && !(has_done(&board->tallies[0], ROOT | 1 << CONTAINED) &&
				   has_done(&board->tallies[1], USER))));
	__atomic_store_n(&board->stop, true, __ATOMIC_RELAXED);
}

/* Root and users create, join, read, set and kill at once, and nothing stays. */
TEST_F_TIMEOUT(scope, stress_leaves_nothing, PATIENCE)
{
	long seconds = from_env("METRICS_NS_SECONDS", SECONDS);
	int before = count_namespaces(), i, status;
	pid_t pids[WORKERS];

	seed(_metadata);
	ASSERT_LT(0, before);
	make_board(_metadata);
	for (i = 0; i < WORKERS; i++) {
		pids[i] = start_worker(i, self->a);
		ASSERT_LT(0, pids[i]);
	}
	let_them_work(seconds);
	for (i = 0; i < WORKERS; i++) {
		EXPECT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
		EXPECT_LT(0, board->rounds[i]);
		TH_LOG("worker %d: %ld rounds", i, board->rounds[i]);
	}
	expect_done(_metadata, "root", &board->tallies[0], ROOT | 1 << CONTAINED);
	expect_done(_metadata, "users", &board->tallies[1], USER);
	for (i = 0; i < OPS; i++)
		if (NEVER & (1 << i))
			EXPECT_EQ(0, board->tallies[1].of[i]);
	expect_namespaces(_metadata, before);
}

TEST_HARNESS_MAIN
