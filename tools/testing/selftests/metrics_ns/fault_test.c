// SPDX-License-Identifier: GPL-2.0
/*
 * What happens when the kernel has no memory: each operation is tried without a
 * failure, so that what it needs only once is there, then with its first
 * allocation failing, then with its second, until it has none left to fail. It
 * has to fail as a whole, or not to need that memory.
 *
 * fail-nth picks the allocation by its number, for one task, which make-it-fail
 * extends to all that come after it; the kernel's log says where that was, so a
 * test also says how many places in the functions of the metrics namespace have
 * failed. Needs CONFIG_FAILSLAB and debugfs.
 */
#include <linux/securebits.h>
#include <sys/resource.h>

#include "clone3.h"
#include "listns.h"
#include "scope.h"
#include "view.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"
/* By default only allocations that may not wait fail. */
#define IGNORE_GFP_WAIT	FAILSLAB "ignore-gfp-wait"
#define VERBOSE		FAILSLAB "verbose"
/* What is set besides, for a task that is told to fail: all of its allocations do. */
#define TASK_FILTER	FAILSLAB "task-filter"
#define PROBABILITY	FAILSLAB "probability"
#define TIMES		FAILSLAB "times"
#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define MAKE_IT_FAIL	"/proc/thread-self/make-it-fail"
#define NTH_MAX		200
/*
 * The checkers of a debug kernel allocate as well, not always the same, so the
 * number that an allocation has in a round isn't that of the next. A place that
 * has been passed over is looked for again.
 */
#define SWEEPS		8
/* For each allocation the log has to take a stack, at a serial line's speed. */
#define PATIENCE	300
#define SITES_MAX	64
#define SITE_LEN	64

/* Shared with the children: has the allocation been reached? */
static bool *fired;

/* Places where an allocation failed, as FUNCTION+OFFSET */
static char sites[SITES_MAX][SITE_LEN];
static int nr_sites;
static int kmsg;

static bool arm(int fd, unsigned int nth)
{
	char value[16];
	int len = snprintf(value, sizeof(value), "%u", nth);

	return pwrite(fd, value, len, 0) == len;
}

/* A child finds it by its address, so is forked when it is there. */
struct op {
	long (*fn)(long arg);
	long arg;
	/* For one that reads: is what it has read the scope's? */
	bool (*is_scopes)(const char *from);
	/* All allocations fail from the nth on. */
	bool to_the_end;
	/* What it may return for want of memory, beside -ENOMEM */
	long error;
};

/* For child_call(): what the operation returns if its nth allocation fails. */
static long do_failing(long nth, long arg)
{
	const struct op *op = (const struct op *)arg;
	int fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	int all = open(MAKE_IT_FAIL, O_RDWR | O_CLOEXEC);
	bool to_the_end = nth && op->to_the_end;
	char left[16] = "";
	long ret;

	*fired = false;
	/* The numbered one goes first: until it is reached, no other one fails. */
	if (fd < 0 || all < 0 || !arm(fd, nth) || (to_the_end && !arm(all, 1)))
		return -EIO;
	ret = op->fn(op->arg);
	if (to_the_end && !arm(all, 0))
		return -EIO;
	if (pread(fd, left, sizeof(left) - 1, 0) <= 0)
		return -EIO;
	*fired = !strcmp(left, "0\n");
	arm(fd, 0);
	close(fd);
	close(all);
	return ret;
}

/* --- where it failed --- */

static void add_site(const char *site, size_t len)
{
	int i;

	for (i = 0; i < nr_sites; i++)
		if (!strncmp(sites[i], site, len) && !sites[i][len])
			return;
	if (nr_sites < SITES_MAX && len < SITE_LEN)
		snprintf(sites[nr_sites++], SITE_LEN, "%.*s", (int)len, site);
}

/*
 * Is a line of a stack in a function, whose name may be followed by what the compiler
 * made of it? Then it is a site.
 */
static bool is_site(const char *function, const char *line)
{
	const char *p = strstr(line, function);

	/* A "?" marks what is on the stack and may not be a caller. */
	if (!p || !strchr("+.", p[strlen(function)]) || strstr(line, "? "))
		return false;
	while (p > line && p[-1] != ' ')
		p--;
	add_site(p, strcspn(p, "/\n"));
	return true;
}

/*
 * The stack of each failure is in the log. Its innermost line counts, as what calls it
 * may be one function or several, as the compiler likes.
 */
static void collect_sites(const char *function)
{
	bool looking = false;
	char line[8192];
	ssize_t len;

	for (;;) {
		len = read(kmsg, line, sizeof(line) - 1);
		if (len < 0 && errno == EPIPE)	/* overwritten meanwhile */
			continue;
		if (len <= 0)
			return;
		line[len] = 0;
		if (strstr(line, "FAULT_INJECTION"))
			looking = function;
		else if (looking)
			looking = !is_site(function, line);
	}
}

/* --- how often it can fail --- */

#define CONFIG		"/proc/config.gz"
#define DISKSTATS	"/proc/diskstats"
#define POSSIBLE	"/sys/devices/system/cpu/possible"

/*
 * Masks of CPUs are allocated only where they would be large. Negative: how the
 * kernel is configured isn't known.
 */
static int masks_allocated(void)
{
	int status;

	if (access(CONFIG, R_OK))
		return -1;
	status = system("zgrep -q ^CONFIG_CPUMASK_OFFSTACK=y " CONFIG);
	/* What fails to look has another status than what finds nothing. */
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		return -1;
	return !WEXITSTATUS(status);
}

#define NEEDS_CONFIG() do { \
	if (masks_allocated() < 0) \
		SKIP(return, "CONFIG_IKCONFIG_PROC or zgrep is missing"); \
} while (0)

/* What is kept of each of so many CPUs is within a page. */
#define FEW_CPUS	16

/*
 * A scope, two masks of CPUs, and an array of what is kept of each CPU. Each of
 * them is seen to fail but an array beyond a page: kvcalloc() doesn't log that,
 * and takes single pages instead.
 */
static int places_in_scope_alloc(void)
{
	bool cpus[CPUS_MAX];
	int places = masks_allocated() ? 3 : 1;

	return places + (parse_list(machine(POSSIBLE), cpus) <= FEW_CPUS);
}

/* --- operations --- */

static long op_unshare(long flags)
{
	return or_errno(unshare(flags));
}

/* Sharing memory, as copying it has more allocations than anything else. */
static long op_clone3(long flags)
{
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | flags,
		.exit_signal = SIGCHLD,
	};
	long pid = clone3_exit_vm(&args);

	if (pid < 0)
		return pid;
	return waitpid(pid, NULL, 0) == pid ? 0 : -errno;
}

static long op_setns(long fd)
{
	return or_errno(setns(fd, CLONE_NEWMETRICS));
}

static long op_open(long unused)
{
	int fd = open_ns(0);
	long ret;

	if (fd < 0)
		return -errno;
	ret = ns_id(fd) ? 0 : -errno;
	close(fd);
	return ret;
}

static long op_open_handle(long handle)
{
	int fd = open_handle((union handle *)handle);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static long op_pidfd(long pidfd)
{
	int fd = ioctl(pidfd, PIDFD_GET_METRICS_NAMESPACE, 0);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static long op_get(long fd)
{
	struct metrics_ns_info info = {};

	return ns_get(fd, &info);
}

struct set {
	int fd;
	struct metrics_ns_set arg;
};

static long op_set(long arg)
{
	const struct set *set = (const struct set *)arg;

	return ns_set(set->fd, &set->arg);
}

static long op_read(long path)
{
	return read_file_at(AT_FDCWD, (const char *)path, shared->text,
			    TEXT_MAX) ? 0 : -errno;
}

/* --- set-up --- */

/*
 * The kernel's switches, and what they are set to. Allocations fail at random last,
 * when it is only those of tasks that are told to fail.
 */
static const struct {
	const char *path;
	const char *value;
} switches[] = {
	{ IGNORE_GFP_WAIT, "N" },
	{ VERBOSE, "2" },
	{ TASK_FILTER, "Y" },
	{ TIMES, "-1" },
	{ PROBABILITY, "100" },
};

#define SWITCHES	ARRAY_SIZE(switches)

/* What they were. */
struct failslab {
	char values[SWITCHES][16];
};

static void restore_failslab(const struct failslab *was)
{
	int i;

	for (i = SWITCHES - 1; i >= 0; i--)
		write_file_at(AT_FDCWD, switches[i].path, was->values[i]);
}

static bool set_failslab(struct failslab *was)
{
	size_t i;

	for (i = 0; i < SWITCHES; i++)
		if (!read_file_at(AT_FDCWD, switches[i].path, was->values[i],
				  sizeof(was->values[i])))
			return false;
	for (i = 0; i < SWITCHES; i++) {
		if (write_file_at(AT_FDCWD, switches[i].path,
				  switches[i].value)) {
			restore_failslab(was);
			return false;
		}
	}
	return true;
}

/* Returns NULL, or why allocations can't be made to fail and nothing is set. */
static const char *fault_set_up(struct failslab *was)
{
	if (access(FAIL_NTH, W_OK))
		return "kernel without CONFIG_FAULT_INJECTION";
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	fired = mmap(NULL, sizeof(*fired), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (kmsg < 0 || fired == MAP_FAILED)
		return "no /dev/kmsg";
	lseek(kmsg, 0, SEEK_END);
	if (access(FAILSLAB, X_OK))
		return "no " FAILSLAB ": no CONFIG_FAILSLAB or no debugfs";
	return set_failslab(was) ? NULL : "failslab can't be set";
}

FIXTURE(fault) {
	FIXTURE_DATA(scope) scope;
	struct failslab was;
};

FIXTURE_SETUP(fault)
{
	const char *why = fault_set_up(&self->was);

	if (why)
		SKIP(return, "%s", why);
	scope_setup(_metadata, &self->scope, NULL);
	if (_metadata->exit_code)
		restore_failslab(&self->was);
}

FIXTURE_TEARDOWN(fault)
{
	restore_failslab(&self->was);
	scope_teardown(_metadata, &self->scope, NULL);
}

/* --- the tests --- */

/*
 * One round: fail allocation @nth of @op in @c. Whatever the operation is, it has
 * one error for want of memory.
 */
static long fail_nth_of(struct __test_metadata *_metadata, struct child *c,
			int nth, const struct op *op, const char *function)
{
	long ret = child_call(c, do_failing, nth, (long)op);

	collect_sites(function);
	/* Without a failure it succeeds; with one, it may have done without. */
	EXPECT_TRUE(!ret || (*fired && (ret == -ENOMEM || ret == op->error))) {
		TH_LOG("%ld with allocation %d failing", ret, nth);
	}
	EXPECT_TRUE(ret || !op->is_scopes || op->is_scopes(shared->text)) {
		TH_LOG("with allocation %d failing: %s", nth, shared->text);
	}
	return ret;
}

/* Is there another sweep to make, after @done, to see @wanted places fail? */
static bool another_sweep(int done, int wanted)
{
	*fired = true;
	return !done || (done < SWEEPS && nr_sites < wanted);
}

static void expect_sites(struct __test_metadata *_metadata, int wanted)
{
	EXPECT_LE(wanted, nr_sites) {
		while (nr_sites)
			TH_LOG("failed at %s", sites[--nr_sites]);
	}
}

/* --- making a namespace --- */

/* Namespaces have the lowest number that is free, counted from here. */
#define INUM_FIRST	0xF0000000U
/*
 * Of so many numbers the kernel keeps which are free. For the first ones of them it
 * needs no memory.
 */
#define INUM_CHUNK	1024
#define INUM_IN_VALUE	(8 * sizeof(long) - 1)

/* Be somebody else in the effective user ID alone, with all capabilities. */
static long do_become_uncounted(long unused, long unused2)
{
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP))
		return -errno;
	if (setresuid(-1, NOBODY - 1, -1))
		return -errno;
	return after_new_creds();
}

/*
 * Make namespaces, which last as the child does, until the next number is one for which
 * the kernel needs memory.
 */
static long do_take_numbers(long unused, long unused2)
{
	struct rlimit files = { 2 * INUM_CHUNK, 2 * INUM_CHUNK };
	struct stat st;
	int i, fd;

	if (setrlimit(RLIMIT_NOFILE, &files))
		return -errno;
	for (i = 0; i < INUM_CHUNK + INUM_CHUNK / 2; i++) {
		if (unshare(CLONE_NEWUTS))
			return -errno;
		fd = open_proc(0, "ns/uts");
		if (fd < 0 || fstat(fd, &st))
			return -errno;
		if ((st.st_ino - INUM_FIRST + 1) % INUM_CHUNK == INUM_IN_VALUE)
			return 0;
	}
	return -ERANGE;
}

FIXTURE(fault_create) {
	FIXTURE_DATA(fault) fault;
	struct child taker;
};

FIXTURE_VARIANT(fault_create) {
	bool to_the_end;
	/* What is done beforehand: by the one that makes it, and by another one */
	child_fn prepare, take;
	long error;
	/* Places where allocations fail */
	int places;
};

FIXTURE_VARIANT_ADD(fault_create, one) {
	.places = 1,
};

FIXTURE_VARIANT_ADD(fault_create, all_after) {
	.to_the_end = true,
	.places = 1,
};

/* Whose namespaces haven't been counted yet, and the count fails as at its limit. */
FIXTURE_VARIANT_ADD(fault_create, count) {
	.prepare = do_become_uncounted,
	.error = -ENOSPC,
	.places = 2,
};

/* The kernel tries that twice, the first time without waiting. */
FIXTURE_VARIANT_ADD(fault_create, number) {
	.to_the_end = true,
	.take = do_take_numbers,
	.places = 2,
};

FIXTURE_SETUP(fault_create)
{
	fault_setup(_metadata, &self->fault, NULL);
}

FIXTURE_TEARDOWN(fault_create)
{
	fault_teardown(_metadata, &self->fault, NULL);
}

/* A sweep over its allocations, each time by a process of its own */
static void create_failing(struct __test_metadata *_metadata,
			   const FIXTURE_VARIANT(fault_create) *variant)
{
	const struct op op = {
		.fn = op_unshare,
		.arg = CLONE_NEWMETRICS,
		.to_the_end = variant->to_the_end,
		.error = variant->error,
	};
	__u64 before = ns_id_of(0);
	struct child c;
	long ret;
	int nth;

	/* If it succeeds, it has taken the number. */
	for (nth = !!variant->take; *fired && nth < NTH_MAX; nth++) {
		ASSERT_EQ(0, child_start(&c));
		if (variant->prepare)
			ASSERT_EQ(0, child_call(&c, variant->prepare, 0, 0));
		ret = fail_nth_of(_metadata, &c, nth, &op, "metrics_ns");
		EXPECT_EQ(!!ret, ns_id_of(c.pid) == before);
		child_stop(&c);
	}
	EXPECT_FALSE(*fired);
}

TEST_F_TIMEOUT(fault_create, is_all_or_nothing, PATIENCE)
{
	int namespaces = count_namespaces(), sweep;

	for (sweep = 0; another_sweep(sweep, variant->places); sweep++) {
		if (variant->take) {
			ASSERT_EQ(0, child_start(&self->taker));
			ASSERT_EQ(0, child_call(&self->taker, variant->take,
						0, 0));
		}
		create_failing(_metadata, variant);
		if (variant->take)
			child_stop(&self->taker);
	}
	expect_sites(_metadata, variant->places);
	expect_namespaces(_metadata, namespaces);
}

TEST_F_TIMEOUT(fault, clone3, PATIENCE)
{
	const struct op op = { op_clone3, CLONE_NEWMETRICS };
	struct child c;
	int nth;

	NEEDS_CLONE3_EXIT_VM();
	ASSERT_EQ(0, child_start(&c));
	*fired = true;
	/*
	 * What the other parts of clone make of it isn't up to us; nor how many
	 * allocations they have, so that ours may be left out now and then. It
	 * is the same one as in unshare(2).
	 */
	for (nth = 0; *fired && nth < NTH_MAX; nth++) {
		long ret = child_call(&c, do_failing, nth, (long)&op);

		EXPECT_TRUE(!ret || (*fired && (ret == -ENOMEM ||
						ret == -EAGAIN))) {
			TH_LOG("%ld with allocation %d failing", ret, nth);
		}
	}
	EXPECT_FALSE(*fired);
}

/* One try on a namespace of its own: all is set, or nothing */
static void set_failing_once(struct __test_metadata *_metadata, int nth,
			     struct set *set)
{
	const struct op op = { op_set, (long)set };
	struct metrics_ns_info info;
	struct child setter, c;
	long ret;

	ASSERT_EQ(0, child_start_ns(&c));
	set->fd = open_ns(c.pid);
	ASSERT_LE(0, set->fd);
	ASSERT_EQ(0, child_start(&setter));
	ret = fail_nth_of(_metadata, &setter, nth, &op, "metrics_scope_alloc");
	info = get(set->fd);
	EXPECT_EQ(ret ? 0 : set->arg.flags, info.flags);
	EXPECT_EQ(ret ? 0 : set->arg.label_len, info.label_len);
	if (set->arg.mask & NS_METRICS_SET_SCOPE)
		EXPECT_EQ(ret, !info.scope_id ? -ENOMEM : 0);
	close(set->fd);
	child_stop(&setter);
	child_stop(&c);
}

static void set_failing(struct __test_metadata *_metadata, struct set *set,
			int wanted)
{
	int sweep, nth;

	for (sweep = 0; another_sweep(sweep, wanted); sweep++) {
		for (nth = 0; *fired && nth < NTH_MAX; nth++)
			set_failing_once(_metadata, nth, set);
		EXPECT_FALSE(*fired);
	}
	expect_sites(_metadata, wanted);
}

TEST_F_TIMEOUT(fault, set, PATIENCE)
{
	struct set set = {
		.arg = {
			.mask = NS_METRICS_SET_SCOPE | NS_METRICS_SET_FLAGS,
			.flags = METRICS_NS_QUOTA_CPUS,
			.scope_fd = self->scope.a,
		},
	};

	NEEDS_CONFIG();
	fill_label(&set.arg, "failing");
	set_failing(_metadata, &set, places_in_scope_alloc());
}

TEST_F_TIMEOUT(fault, set_auto, PATIENCE)
{
	struct set set = {
		.arg = {
			.mask = NS_METRICS_SET_FLAGS,
			.flags = METRICS_NS_AUTO_SCOPE,
		},
	};

	NEEDS_CONFIG();
	set_failing(_metadata, &set, places_in_scope_alloc());
}

/* The scope was allocated when it was armed: what fails is not the scope. */
TEST_F_TIMEOUT(fault, auto_scope, PATIENCE)
{
	const struct op op = { op_unshare, CLONE_NEWCGROUP };
	struct child c;
	int fd, nth;
	long ret;

	*fired = true;
	for (nth = 0; *fired && nth < NTH_MAX; nth++) {
		ASSERT_EQ(0, child_start_ns(&c));
		fd = open_ns(c.pid);
		ASSERT_EQ(0, ns_set_flags(fd, METRICS_NS_AUTO_SCOPE));
		ASSERT_EQ(0, cgroup_move(self->scope.a, c.pid));
		ret = fail_nth_of(_metadata, &c, nth, &op, NULL);
		EXPECT_EQ(ret ? 0 : cgroup_id(self->scope.a), get(fd).scope_id);
		close(fd);
		child_stop(&c);
	}
	EXPECT_FALSE(*fired);
}

/* An operation that leaves nothing behind: until none is left to fail. */
static void keep_failing(struct __test_metadata *_metadata, struct child *c,
			 const struct op *op, const char *function, int wanted)
{
	int sweep, nth;

	for (sweep = 0; another_sweep(sweep, wanted); sweep++) {
		for (nth = 0; *fired && nth < NTH_MAX; nth++)
			fail_nth_of(_metadata, c, nth, op, function);
		EXPECT_FALSE(*fired);
	}
	expect_sites(_metadata, wanted);
}

TEST_F_TIMEOUT(fault, setns, PATIENCE)
{
	const struct op op = { op_setns, self->scope.inner_fd };
	struct child c;
	long ret;
	int nth;

	*fired = true;
	for (nth = 0; *fired && nth < NTH_MAX; nth++) {
		ASSERT_EQ(0, child_start(&c));
		ret = fail_nth_of(_metadata, &c, nth, &op, NULL);
		EXPECT_EQ(ret ? ns_id_of(0) : ns_id(self->scope.inner_fd),
			  ns_id_of(c.pid));
		child_stop(&c);
	}
	EXPECT_FALSE(*fired);
}

TEST_F_TIMEOUT(fault, open, PATIENCE)
{
	const struct op op = { op_open, 0 };
	struct child c;

	ASSERT_EQ(0, child_start_inside(&c, self->scope.outer_fd));
	keep_failing(_metadata, &c, &op, NULL, 0);
}

TEST_F_TIMEOUT(fault, open_handle, PATIENCE)
{
	union handle handle;
	const struct op op = { op_open_handle, (long)&handle };
	struct child c;

	ASSERT_EQ(0, handle_of(self->scope.inner_fd, &handle));
	/* Only now, so that it has the handle. */
	ASSERT_EQ(0, child_start(&c));
	keep_failing(_metadata, &c, &op, NULL, 0);
}

TEST_F_TIMEOUT(fault, pidfd, PATIENCE)
{
	int pidfd = sys_pidfd_open(self->scope.inner.pid);
	const struct op op = { op_pidfd, pidfd };
	struct child c;

	ASSERT_LE(0, pidfd);
	ASSERT_EQ(0, child_start(&c));
	keep_failing(_metadata, &c, &op, NULL, 0);
}

TEST_F_TIMEOUT(fault, get, PATIENCE)
{
	const struct op op = { op_get, self->scope.inner_fd };
	struct child c;

	ASSERT_EQ(0, child_start(&c));
	keep_failing(_metadata, &c, &op, NULL, 0);
}

/* --- reading the view --- */

FIXTURE(fault_read) {
	FIXTURE_DATA(view) view;
	struct failslab was;
	bool io_enabled;	/* the controller wasn't, in the root */
};

FIXTURE_VARIANT(fault_read) {
	const char *path;
	bool (*is_scopes)(const char *from);
	const char *function;	/* where the view allocates, or NULL */
	bool mask;		/* it is a mask of CPUs */
};

FIXTURE_SETUP(fault_read)
{
	const char *why = fault_set_up(&self->was);

	if (why)
		SKIP(return, "%s", why);
	view_setup(_metadata, &self->view, NULL);
	if (_metadata->exit_code)
		restore_failslab(&self->was);
}

FIXTURE_TEARDOWN(fault_read)
{
	restore_failslab(&self->was);
	view_teardown(_metadata, &self->view, NULL);
	if (self->io_enabled)
		switch_controller(self->view.root, '-', "io");
}

/* Without it the scope is shown the machine's disks. */
static bool enable_io(FIXTURE_DATA(fault_read) *self)
{
	FIXTURE_DATA(view) *v = &self->view;

	self->io_enabled = !cgroup_lists(v->root, CONTROLLERS, "io") &&
			   !switch_controller(v->root, '+', "io");
	return !switch_controller(v->outer, '+', "io");
}

/* The scope has that memory and CPU 0. */
#define SCOPE_MEMORY	"64M"
#define SCOPE_MEMORY_KB	(64 * 1024)
/* Uptime in seconds when it became the scope */
static double scoped_at;

static bool only_cpu_0(const char *from, const char *format)
{
	bool cpus[CPUS_MAX];

	return parse_lines(from, format, cpus) == 1 && cpus[0];
}

static bool stat_is_scopes(const char *from)
{
	return only_cpu_0(from, "cpu%d");
}

static bool cpuinfo_is_scopes(const char *from)
{
	return only_cpu_0(from, "processor : %d");
}

static bool online_is_scopes(const char *from)
{
	return !strcmp(from, "0\n");
}

static bool meminfo_is_scopes(const char *from)
{
	return number(from, "MemTotal") == SCOPE_MEMORY_KB;
}

/* A CPU can't have been idle for longer; both are rounded. */
static bool uptime_is_scopes(const char *from)
{
	double uptime, idle;

	return sscanf(from, "%lf %lf", &uptime, &idle) == 2 &&
	       idle <= uptime - scoped_at + 0.02;
}

/* No task is in it. */
static bool loadavg_is_scopes(const char *from)
{
	unsigned int running, all;

	return sscanf(from, "%*s %*s %*s %u/%u", &running, &all) == 2 &&
	       !running && !all;
}

/* Nor does it have any memory. */
static bool vmstat_is_scopes(const char *from)
{
	return !number(from, "pgfault") &&
	       number(from, "nr_free_pages") == SCOPE_MEMORY_KB * 1024 / getpagesize();
}

/* No task of it has used a disk. */
static bool diskstats_is_scopes(const char *from)
{
	return !*from;
}

/* Nor has it ever waited. */
static bool pressure_is_scopes(const char *from)
{
	const char *total = strstr(from, "total=");

	return !strncmp(from, "some avg10=0.00 ", 16) && total &&
	       !atol(total + strlen("total="));
}

#define READ_VARIANT(file, name, allocating, allocates_mask) \
	FIXTURE_VARIANT_ADD(fault_read, name) { \
		.path = file, \
		.is_scopes = name##_is_scopes, \
		.function = allocating, \
		.mask = allocates_mask, \
	}

READ_VARIANT("/proc/stat", stat, "__metrics_ns_show_stat", true);
READ_VARIANT("/proc/meminfo", meminfo, NULL, false);
READ_VARIANT("/proc/uptime", uptime, NULL, false);
READ_VARIANT("/proc/loadavg", loadavg, NULL, false);
READ_VARIANT("/proc/vmstat", vmstat, NULL, false);
READ_VARIANT("/proc/cpuinfo", cpuinfo, "show", false);
READ_VARIANT(ONLINE, online, "__metrics_ns_show_cpus", true);
READ_VARIANT(DISKSTATS, diskstats, NULL, false);

FIXTURE_VARIANT_ADD(fault_read, pressure_cpu) {
	.path = "/proc/pressure/cpu",
	.is_scopes = pressure_is_scopes,
};

FIXTURE_VARIANT_ADD(fault_read, pressure_io) {
	.path = "/proc/pressure/io",
	.is_scopes = pressure_is_scopes,
};

/* What is read is the scope's: the machine's doesn't stand in for it. */
TEST_F_TIMEOUT(fault_read, is_all_or_nothing, PATIENCE)
{
	FIXTURE_DATA(view) *v = &self->view;
	const struct op op = {
		op_read, (long)variant->path, variant->is_scopes
	};
	struct child c;

	NEEDS_TWO_CPUS();
	if ((variant->is_scopes == loadavg_is_scopes ||
	     variant->is_scopes == pressure_is_scopes) && !has_pressure(v))
		SKIP(return, NO_PRESSURE);
	/* Each may be left out of a kernel. */
	if (access(variant->path, F_OK))
		SKIP(return, "no %s", variant->path);
	if (variant->is_scopes == diskstats_is_scopes && !enable_io(self))
		SKIP(return, "no I/O controller in cgroup v2");
	if (variant->mask)
		NEEDS_CONFIG();
	ASSERT_EQ(0, write_file_at(v->scope, "memory.max", SCOPE_MEMORY));
	ASSERT_EQ(0, write_file_at(v->scope, "cpuset.cpus", "0"));
	scoped_at = strtod(machine("/proc/uptime"), NULL);
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	if (variant->is_scopes(machine(variant->path)))
		SKIP(return, "%s of the machine is no other", variant->path);
	ASSERT_EQ(0, child_start_inside(&c, v->ns));
	keep_failing(_metadata, &c, &op, variant->function,
		     variant->function &&
		     (!variant->mask || masks_allocated()));
}

TEST_HARNESS_MAIN
