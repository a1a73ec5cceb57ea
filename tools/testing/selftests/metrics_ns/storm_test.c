// SPDX-License-Identifier: GPL-2.0
/*
 * Every file of the view under a crowd of threads, while all that it depends on comes
 * and goes: limits, CPUs and cpusets, controllers, the scope, its processes, and at
 * last the scope's cgroup and the namespace. Each file can be read at any time, and
 * what is read has its form; the rest is for the kernel's own checkers to say.
 *
 * METRICS_NS_SECONDS in the environment is how long that goes on, METRICS_NS_READERS
 * how many threads read, and METRICS_NS_SEED repeats what the test does to them.
 */
#include "listns.h"
#include "random.h"
#include "view.h"

#define READERS		200
#define STACK		(64 * 1024)
/* A cgroup and a namespace last for so long, and the latter a while without the former. */
#define LIFE_MS		4000
#define AFTERLIFE_MS	500
#define PAUSE_US	10000
/* A kind of change that was refused so often is said to be refused. */
#define REFUSALS	20

#define DIGITS		"0123456789"

/*
 * What a file begins with: a word, or one of some characters. Some are made anew for
 * each piece that is read of them, so that pieces may be of different texts.
 */
static const struct file {
	const char *path;
	const char *word;
	const char *one_of;
	bool in_one;
	bool may_be_empty;
} files[] = {
	{ "/proc/stat", "cpu  " },
	{ "/proc/meminfo", "MemTotal:" },
	{ "/proc/cpuinfo", "processor\t: " },
	{ "/proc/uptime", "", DIGITS },
	{ "/proc/loadavg", "", DIGITS },
	{ "/proc/vmstat", "nr_free_pages " },
	{ "/proc/swaps", "Filename" },
	{ "/proc/diskstats", " ", .may_be_empty = true },
	{ "/proc/pressure/cpu", "some avg10=" },
	{ "/proc/pressure/io", "some avg10=" },
	{ "/proc/pressure/memory", "some avg10=" },
	{ ONLINE, "", DIGITS, .in_one = true },
};

#define FILES		ARRAY_SIZE(files)

enum fault {
	NOT_OPENED	= 1,
	NOT_READ	= 2,
	EMPTY		= 4,
	BAD_START	= 8,
	BAD_END		= 16,
	BAD_BYTE	= 32,
	NO_SYSINFO	= 64,
};

/* Shared with the readers */
static struct {
	bool stop;
	struct {
		long reads;
		int faults;
		int error;	/* of the last time it couldn't be opened or read */
		char start[16];	/* of the last text that had a fault */
	} files[FILES];
} *board;

/* A file as far as it has been read */
struct reading {
	size_t len;
	char start[sizeof(board->files->start)];
	char last;
	bool zeros;
};

static void add_piece(struct reading *r, const char *piece, size_t n)
{
	size_t i;

	for (i = 0; i < n && r->len + i < sizeof(r->start) - 1; i++)
		r->start[r->len + i] = piece[i];
	r->len += n;
	r->last = piece[n - 1];
	r->zeros |= !!memchr(piece, 0, n);
}

static int judge(const struct file *file, const struct reading *r)
{
	int fault = 0;

	if (!r->len)
		return file->may_be_empty ? 0 : EMPTY;
	if (strncmp(r->start, file->word, strlen(file->word)) ||
	    (file->one_of && !strchr(file->one_of, r->start[0])))
		fault |= BAD_START;
	if (r->last != '\n')
		fault |= BAD_END;
	return r->zeros ? fault | BAD_BYTE : fault;
}

static int read_pieces(const struct file *file, size_t size, struct reading *r)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC);
	char piece[4096];
	ssize_t n;

	if (fd < 0)
		return NOT_OPENED;
	if (file->in_one)
		size = sizeof(piece);
	while ((n = read(fd, piece, size)) > 0)
		add_piece(r, piece, n);
	close(fd);
	return n ? NOT_READ : judge(file, r);
}

static void note(size_t i, int fault, const struct reading *r)
{
	if (fault & (NOT_OPENED | NOT_READ))
		board->files[i].error = errno;
	else
		memcpy(board->files[i].start, r->start, sizeof(r->start));
	__atomic_or_fetch(&board->files[i].faults, fault, __ATOMIC_RELAXED);
}

static void *reader(void *number)
{
	static const size_t sizes[] = { 16, 64, 1021, 4096 };
	unsigned int chance = (long)number;
	size_t i = (long)number % FILES;
	struct sysinfo info;
	int fault;

	/* In turn, as a slow machine may read each but a few times. */
	for (; !__atomic_load_n(&board->stop, __ATOMIC_RELAXED);
	     i = (i + 1) % FILES) {
		struct reading r = {};

		fault = read_pieces(&files[i],
				    sizes[rand_r(&chance) % ARRAY_SIZE(sizes)],
				    &r);
		if (sysinfo(&info) || info.freeram > info.totalram)
			fault |= NO_SYSINFO;
		if (fault)
			note(i, fault, &r);
		__atomic_add_fetch(&board->files[i].reads, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Read with so many threads until the board says stop. */
static long do_crowd(long readers, long unused)
{
	pthread_t *threads = calloc(readers, sizeof(*threads));
	pthread_attr_t attr;
	long i, ret = 0;

	if (!threads)
		return -ENOMEM;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (i = 0; i < readers; i++) {
		ret = -pthread_create(&threads[i], &attr, reader, (void *)i);
		if (ret)
			break;
	}
	while (i--)
		pthread_join(threads[i], NULL);
	free(threads);
	return ret;
}

/* What changes; the last only where a CPU can be unplugged. */
enum change {
	CPUSET, QUOTA, MEMORY, OUTER_MEMORY, CONTROLLER, FLAGS, PLACE, CPU, CHANGES,
};

FIXTURE(storm) {
	FIXTURE_DATA(view) view;
	struct child crowd;
	int ns;
	int sibling;
	bool plugs;
	long tries[CHANGES];
	long changes[CHANGES];	/* those that were taken */
};

FIXTURE_SETUP(storm)
{
	view_set_up(_metadata, &self->view);
	self->plugs = !access(CPU1, W_OK);
}

FIXTURE_TEARDOWN(storm)
{
	children_stop();
	if (self->plugs)
		plug(true);
	view_clean_up(&self->view);
}

/* Change one of all that the view depends on, which may be refused at that time. */
static long change(FIXTURE_DATA(storm) *self, enum change what)
{
	FIXTURE_DATA(view) *v = &self->view;
	static const char * const cpus[] = { "0", "1", "0-1", "\n" };
	static const char * const quotas[] = { "20000", "50000", "150000", "max" };
	static const char * const memory[] = { "64M", "128M", "max" };

	switch (what) {
	case CPUSET:
		return write_file_at(v->scope, "cpuset.cpus",
				     cpus[pick(ARRAY_SIZE(cpus))]);
	case QUOTA:
		return write_file_at(v->scope, "cpu.max",
				     quotas[pick(ARRAY_SIZE(quotas))]);
	case MEMORY:
		return write_file_at(v->scope, "memory.max",
				     memory[pick(ARRAY_SIZE(memory))]);
	case OUTER_MEMORY:
		return write_file_at(v->outer, "memory.max",
				     memory[pick(ARRAY_SIZE(memory))]);
	case CONTROLLER:
		return switch_controller(v->outer, pick(2) ? '+' : '-',
					 controllers[pick(NR_CONTROLLERS)]);
	case FLAGS:
		return ns_set_flags(self->ns,
				    pick(2) ? METRICS_NS_QUOTA_CPUS : 0);
	case PLACE:
		return cgroup_move(pick(2) ? v->scope : self->sibling,
				   self->crowd.pid);
	case CPU:
		return plug(pick(2));
	default:
		return -EINVAL;
	}
}

static int kinds(const FIXTURE_DATA(storm) *self)
{
	return self->plugs ? CHANGES : CPU;
}

/* A slow machine makes few changes in a given time, so that chance may leave one out. */
static bool has_tried_all(const FIXTURE_DATA(storm) *self)
{
	int i;

	for (i = 0; i < kinds(self); i++) {
		if (!self->changes[i] && self->tries[i] < REFUSALS)
			return false;
	}
	return true;
}

static void disturb_for(FIXTURE_DATA(storm) *self, long ms)
{
	long until = now_ms(CLOCK_MONOTONIC) + ms;
	enum change what;

	while (now_ms(CLOCK_MONOTONIC) < until) {
		what = pick(kinds(self));
		self->tries[what]++;
		if (!change(self, what))
			self->changes[what]++;
		usleep(PAUSE_US);
	}
}

static void live(struct __test_metadata *_metadata, FIXTURE_DATA(storm) *self,
		 long readers)
{
	FIXTURE_DATA(view) *v = &self->view;
	unsigned int unused = 0;

	__atomic_store_n(&board->stop, false, __ATOMIC_RELAXED);
	ASSERT_EQ(0, enable_controllers(v->outer, &unused));
	ASSERT_EQ(0, child_start_ns(&self->crowd));
	self->ns = open_ns(self->crowd.pid);
	ASSERT_LE(0, self->ns);
	/* It begins with the machine, and has its scope under way. */
	ASSERT_TRUE(child_begin(&self->crowd, do_crowd, readers, 0));
	ASSERT_EQ(0, ns_set_scope(self->ns, v->scope));
	disturb_for(self, LIFE_MS);

	/* One of its name comes in place of the cgroup, and isn't the scope. */
	ASSERT_EQ(0, cgroup_move(self->sibling, self->crowd.pid));
	ASSERT_EQ(0, unlinkat(v->outer, "scope", AT_REMOVEDIR));
	close(v->scope);
	v->scope = cgroup_make(v->outer, "scope");
	ASSERT_LE(0, v->scope);
	disturb_for(self, AFTERLIFE_MS);

	__atomic_store_n(&board->stop, true, __ATOMIC_RELAXED);
	EXPECT_EQ(0, child_end(&self->crowd));
	child_stop(&self->crowd);
	close(self->ns);
}

TEST_F_TIMEOUT(storm, files, PATIENCE)
{
	long seconds = from_env("METRICS_NS_SECONDS", SECONDS), until, lives = 0;
	long readers = from_env("METRICS_NS_READERS", READERS);
	int before = count_namespaces();
	size_t i;

	seed(_metadata);
	ASSERT_LT(0, before);
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, board);
	self->sibling = cgroup_make(self->view.outer, "sibling");
	ASSERT_LE(0, self->sibling);
	until = now_ms(CLOCK_MONOTONIC) + seconds * 1000;
	while (now_ms(CLOCK_MONOTONIC) < until || !has_tried_all(self)) {
		live(_metadata, self, readers);
		lives++;
	}
	TH_LOG("%ld readers in each of %ld lives%s", readers, lives,
	       self->plugs ? "" : "; CPU 1 can't be unplugged");
	for (i = 0; i < kinds(self); i++) {
		EXPECT_LT(0, self->changes[i]) {
			TH_LOG("change %zu was refused %ld times", i,
			       self->tries[i]);
		}
	}
	for (i = 0; i < FILES; i++) {
		EXPECT_LT(0, board->files[i].reads);
		EXPECT_EQ(0, board->files[i].faults) {
			TH_LOG("%s: error %d, or it begins \"%s\"",
			       files[i].path, board->files[i].error,
			       board->files[i].start);
		}
		TH_LOG("%s: %ld reads", files[i].path, board->files[i].reads);
	}
	munmap(board, sizeof(*board));
	expect_namespaces(_metadata, before);
}

TEST_HARNESS_MAIN
