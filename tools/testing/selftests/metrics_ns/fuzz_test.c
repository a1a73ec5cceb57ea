// SPDX-License-Identifier: GPL-2.0
/*
 * Random calls with random arguments, by processes of root and of users that are in a
 * scoped metrics namespace, while its cgroup changes. Whatever they do, they see no
 * more than the scope and not the machine, and they leave nothing. The rest is for
 * the kernel's own checkers to say.
 *
 * METRICS_NS_SECONDS in the environment is how long that goes on, METRICS_NS_SEED
 * repeats what a run has printed, as far as the processes don't depend on each other.
 */
#include <poll.h>
#include <sys/sendfile.h>

#include "listns.h"
#include "random.h"
#include "view.h"

#define WORKERS		4
#define OPS		50	/* at most */
#define LIFE_MS		20000
#define MEMORY		"64M"
#define MEMORY_KB	65536
/* File descriptors that they play with */
#define FIRST_FD	20
#define FDS		24

static const char * const paths[] = {
	"/proc/stat", "/proc/meminfo", "/proc/cpuinfo", "/proc/uptime",
	"/proc/loadavg", "/proc/vmstat", "/proc/swaps", "/proc/diskstats",
	"/proc/pressure/cpu", "/proc/pressure/memory", "/proc/pressure/io",
	"/proc/self/status", "/proc/self/cgroup", "/proc/self/ns/metrics",
	"/proc/self/ns/user", "/proc/self/ns/pid", "/proc/self/ns/mnt",
	"/proc/self/ns/cgroup", "/proc/self/ns/pid_for_children",
	"/proc/1/ns/metrics", "/proc/1/ns/user", "/proc/thread-self/ns/metrics",
	"/proc/host/stat", "/proc/host/meminfo", "/proc/host/pressure/cpu",
	"/proc/host", "/proc/self/fd", "/proc/self/ns", ONLINE,
};

static const char * const cgroup_files[] = {
	"cgroup.procs", "cgroup.subtree_control", "cgroup.freeze", "cpu.max",
	"cpu.pressure", "cpuset.cpus", "memory.high", "memory.reclaim",
	"memory.stat", "pids.max", "cgroup.kill", "memory.swap.max",
};

static const char * const texts[] = {
	"some 1 2000000", "full 500000 1000000", "some 0 0", "+cpu -memory", "0",
	"1", "max", "0-1", "50000 100000", "\n", "9223372036854775807",
};

static const unsigned long ns_flags[] = {
	CLONE_NEWMETRICS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWNET,
	CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWCGROUP, CLONE_NEWTIME, CLONE_FS,
	CLONE_FILES, CLONE_SYSVSEM,
};

static unsigned long pick_flags(void)
{
	unsigned long flags = 0;
	int i;

	for (i = pick(4); i; i--)
		flags |= ns_flags[pick(ARRAY_SIZE(ns_flags))];
	/* Rarely one of any other, but not what would take the test's own stack */
	if (!pick(16))
		flags |= (1UL << pick(32)) & ~(CLONE_VM | CLONE_VFORK | CLONE_SETTLS);
	return flags;
}

static int pick_fd(void)
{
	return FIRST_FD + pick(FDS);
}

static char garbage[65536];

static void *pick_buffer(size_t *len)
{
	size_t i;

	*len = pick(4) ? pick(256) : pick(sizeof(garbage));
	for (i = 0; i < *len && i < 512; i++)
		garbage[i] = pick(8) ? 0 : pick(256);
	return pick(32) ? garbage : (void *)(unsigned long)pick(4096);
}

static void keep(int fd)
{
	if (fd < 0)
		return;
	dup2(fd, pick_fd());
	close(fd);
}

static void op_open(int cgroup)
{
	static const int flags[] = {
		O_RDONLY, O_RDWR, O_WRONLY, O_PATH, O_RDONLY | O_NONBLOCK,
	};
	int how = flags[pick(ARRAY_SIZE(flags))] | O_CLOEXEC;

	if (pick(3))
		keep(open(paths[pick(ARRAY_SIZE(paths))], how));
	else
		keep(openat(cgroup, cgroup_files[pick(ARRAY_SIZE(cgroup_files))],
			    how));
}

static void op_io(void)
{
	struct pollfd p = { .fd = pick_fd(), .events = POLLPRI | POLLIN };
	const char *text = texts[pick(ARRAY_SIZE(texts))];
	size_t len;
	void *buf = pick_buffer(&len);

	switch (pick(8)) {
	case 0:
		lseek(pick_fd(), pick(2) ? pick(8192) : -1L << pick(63), pick(5));
		break;
	case 1:
		if (pread(pick_fd(), buf, len, pick(65536)) < 0)
			break;
		break;
	case 2:
		/* Not into all of these: the text is one that may be meant. */
		if (write(pick_fd(), text, strlen(text) + pick(2)) < 0)
			break;
		break;
	case 3:
		poll(&p, 1, pick(5));
		break;
	case 4:
		sendfile(pick_fd(), pick_fd(), NULL, pick(8192));
		break;
	case 5:
		keep(dup(pick_fd()));
		break;
	case 6:
		close(pick_fd());
		break;
	default:
		if (read(pick_fd(), buf, len) < 0)
			break;
	}
}

/* Those of namespaces with what they take, and any that may be beside them */
static void op_ioctl(int cgroup)
{
	struct metrics_ns_set set = { .mask = pick(16), .flags = pick(16) };
	struct metrics_ns_info info;
	size_t len;
	void *buf = pick_buffer(&len);

	switch (pick(5)) {
	case 0:
		fill_label(&set, texts[pick(ARRAY_SIZE(texts))]);
		set.mask = pick(8);
		set.scope_fd = pick(2) ? cgroup : pick_fd();
		ioctl(pick_fd(), NS_METRICS_SET, &set);
		break;
	case 1:
		ioctl(pick_fd(), NS_METRICS_GET, &info);
		break;
	case 2:
		keep(ioctl(pick_fd(), pick(2) ? NS_GET_PARENT : NS_GET_USERNS));
		break;
	default:
		/* Of each size that the call may claim, into no more than that */
		keep(ioctl(pick_fd(), _IOC(pick(4), 0xb7, pick(24), pick(1024)),
			   buf));
	}
}

static void op_clone(int cgroup)
{
	struct clone_args args = {
		.flags = pick_flags() & ~(unsigned long)(CLONE_FS | CLONE_FILES),
		.exit_signal = pick(4) ? SIGCHLD : pick(80),
		.cgroup = pick(2) ? cgroup : pick_fd(),
	};
	size_t size = pick(4) ? sizeof(args) : (size_t)pick(128);
	pid_t pid;

	if (!pick(3))
		args.flags |= CLONE_INTO_CGROUP;
	/* A thread would need a stack. */
	args.flags &= ~(__u64)(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD |
			       CLONE_VFORK | CLONE_PARENT | CLONE_SETTLS |
			       CLONE_PIDFD | CLONE_PARENT_SETTID |
			       CLONE_CHILD_SETTID);
	pid = syscall(__NR_clone3, &args, size);
	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, __WALL);
}

static void op_any(int cgroup)
{
	switch (pick(8)) {
	case 0:
		syscall(__NR_unshare, pick_flags());
		break;
	case 1:
		syscall(__NR_setns, pick_fd(), pick(4) ? 0 : pick_flags());
		break;
	case 2:
		op_clone(cgroup);
		break;
	case 3:
		op_ioctl(cgroup);
		break;
	case 4:
	case 5:
		op_open(cgroup);
		break;
	default:
		op_io();
	}
}

/* --- what may never be --- */

/* Exit codes that nothing else has */
enum verdict { FINE = 10, SAW_MEMORY, SAW_MACHINE, IS_HOST };

/* Where there is a /proc, as mount namespaces may be anything by now. */
static enum verdict judge(void)
{
	char buf[8192];
	long total;
	int fd;

	if (read_file_at(AT_FDCWD, "/proc/meminfo", buf, sizeof(buf))) {
		total = number(buf, "MemTotal");
		if (total > MEMORY_KB)
			return SAW_MEMORY;
	}
	fd = open("/proc/host/meminfo", O_RDONLY);
	if (fd >= 0)
		return SAW_MACHINE;
	fd = open("/proc/self/ns/metrics", O_RDONLY);
	if (fd >= 0 && ns_id(fd) == METRICS_NS_INIT_ID)
		return IS_HOST;
	if (fd >= 0)
		close(fd);
	return FINE;
}

/* What it has of the outside: enough to get there, if that could be. */
static void bring_along(int outer_ns, int cgroup)
{
	dup2(outer_ns, FIRST_FD);
	dup2(cgroup, FIRST_FD + 1);
	keep(open("/proc/1/ns/metrics", O_RDONLY));
	keep(open("/proc/1/ns/mnt", O_RDONLY));
	keep(open("/proc/1/ns/user", O_RDONLY));
}

static void live(int go, int outer_ns, int cgroup)
{
	char c;
	int i;

	if (read(go, &c, 1) != 1)
		_exit(0);
	bring_along(outer_ns, cgroup);
	for (i = pick(OPS); i; i--)
		op_any(cgroup);
	_exit(judge());
}

struct fuzz {
	int cgroup;
	int outer_ns;
	bool user;
};

/* Begin a life; whoever is outside scopes its namespace before it goes on. */
static pid_t begin(const struct fuzz *f, int *go)
{
	int pipes[2], next = rand(), ns, status;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pipes[1]);
		srand(next);
		if (f->user && (do_become_nobody(0, 0) ||
				do_enter_user_ns(0, 0)))
			_exit(0);
		if (unshare(CLONE_NEWMETRICS))
			_exit(0);
		raise(SIGSTOP);
		live(pipes[0], f->outer_ns, f->cgroup);
	}
	close(pipes[0]);
	if (pid < 0 || waitpid(pid, &status, WUNTRACED) != pid ||
	    !WIFSTOPPED(status)) {
		close(pipes[1]);
		return -1;
	}
	*go = pipes[1];
	ns = open_ns(pid);
	if (ns < 0 || ns_set_scope(ns, f->cgroup)) {
		close(*go);
		*go = -1;
	}
	if (pick(2))
		cgroup_move(f->cgroup, pid);
	if (ns >= 0)
		close(ns);
	kill(pid, SIGCONT);
	return pid;
}

/* Its verdict, if it came to one; it may be frozen, or killed by its cgroup. */
static int end(pid_t pid, int go)
{
	long until = now_ms(CLOCK_MONOTONIC) + LIFE_MS;
	int status = 0;

	if (go < 0 || write(go, "", 1) != 1) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(go);
		return -1;
	}
	close(go);
	while (!waitpid(pid, &status, WNOHANG)) {
		if (now_ms(CLOCK_MONOTONIC) > until)
			kill(pid, SIGKILL);
		usleep(1000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct {
	long lives[WORKERS];
	long judged[WORKERS];
	int verdicts[IS_HOST + 1];
	bool stop;
} *board;

static pid_t start_worker(int worker, const struct fuzz *fuzz)
{
	struct fuzz f = *fuzz;
	int next = rand(), go, verdict;
	pid_t pid = fork(), life;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Whom the scope's cgroup.kill ends doesn't read any more. */
	signal(SIGPIPE, SIG_IGN);
	srand(next);
	f.user = worker % 2;
	while (!__atomic_load_n(&board->stop, __ATOMIC_RELAXED)) {
		life = begin(&f, &go);
		if (life < 0)
			continue;
		board->lives[worker]++;
		verdict = end(life, go);
		if (verdict < FINE || verdict > IS_HOST)
			continue;
		board->judged[worker]++;
		__atomic_add_fetch(&board->verdicts[verdict], 1, __ATOMIC_RELAXED);
	}
	_exit(0);
}

/* The cgroup's limits and controllers come and go. */
static void disturb(FIXTURE_DATA(view) *self)
{
	static const char * const cpus[] = { "0", "0-1", "\n" };
	static const char * const quotas[] = { "20000", "max" };

	write_file_at(self->scope, "cgroup.freeze", "0");
	write_file_at(self->scope, "pids.max", "max");
	write_file_at(self->scope, "memory.high", "max");
	write_file_at(self->scope, "cpuset.cpus", cpus[pick(ARRAY_SIZE(cpus))]);
	write_file_at(self->scope, "cpu.max", quotas[pick(ARRAY_SIZE(quotas))]);
	switch_controller(self->outer, pick(2) ? '+' : '-', "pids");
	switch_controller(self->outer, pick(2) ? '+' : '-', "cpu");
	usleep(10000);
}

TEST_F_TIMEOUT(view, fuzz, PATIENCE)
{
	long seconds = from_env("METRICS_NS_SECONDS", SECONDS), until, judged = 0;
	struct fuzz fuzz = { .cgroup = self->scope };
	int i, status, before = count_namespaces();
	pid_t pids[WORKERS];

	seed(_metadata);
	ASSERT_LT(0, before);
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, board);
	/* An ancestor's limit, which nobody in the scope can reach */
	ASSERT_EQ(0, write_file_at(self->outer, "memory.max", MEMORY));
	fuzz.outer_ns = open_ns(getpid());
	ASSERT_LE(0, fuzz.outer_ns);
	for (i = 0; i < WORKERS; i++) {
		pids[i] = start_worker(i, &fuzz);
		ASSERT_LT(0, pids[i]);
	}
	until = now_ms(CLOCK_MONOTONIC) + seconds * 1000;
	while (now_ms(CLOCK_MONOTONIC) < until)
		disturb(self);
	__atomic_store_n(&board->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < WORKERS; i++) {
		EXPECT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
		EXPECT_LT(0, board->lives[i]);
		judged += board->judged[i];
		TH_LOG("%s: %ld lives, %ld to their end", i % 2 ? "user" : "root",
		       board->lives[i], board->judged[i]);
	}
	EXPECT_LT(0, judged);
	EXPECT_EQ(0, board->verdicts[SAW_MEMORY]);
	EXPECT_EQ(0, board->verdicts[SAW_MACHINE]);
	EXPECT_EQ(0, board->verdicts[IS_HOST]);
	close(fuzz.outer_ns);
	expect_namespaces(_metadata, before);
}

TEST_HARNESS_MAIN
