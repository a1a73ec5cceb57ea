// SPDX-License-Identifier: GPL-2.0
/*
 * The events of cgroups and of their limits: that who enters a cgroup, what is
 * written to its files, and each time that one of its limits comes to bear is
 * told once, of the right one, and nothing else.
 */
#include <dirent.h>
#include <glob.h>
#include <linux/capability.h>
#include <sys/swap.h>

#include "events.h"

#define KIB		1024L
#define MIB		(1024 * KIB)

/* Seconds for what waits for the kernel: a test that is killed leaves things. */
#define SLOW		300

#define RDMA_LINK	"events_test"

/* What any test may have. */
static void clean_up(void)
{
	children_stop();
	cg_remove_all();
	trace_teardown();
}

/* Why a test can't be, or NULL; it may need a controller. */
static const char *obstacle_to(const struct trace_spec *spec,
			       const char *controller)
{
	const char *obstacle = trace_spec_obstacle(spec);

	if (!obstacle)
		obstacle = cg_obstacle();
	if (!obstacle && controller)
		obstacle = cg_want(controller);
	return obstacle;
}

/* Who isn't root can't enable what the test listens to. */
static void expect_unprivileged(struct __test_metadata *_metadata)
{
	char path[PATH_LEN];
	struct child c;
	int i;

	/* The child has its copy of the path from its start. */
	for (i = 0; trace_spec->events[i]; i++) {
		snprintf(path, sizeof(path), "%s/%s/enable", trace_dir,
			 trace_spec->events[i]);
		ASSERT_EQ(0, child_start(&c));
		ASSERT_EQ(0, child_call(&c, do_write, (long)path, (long)"1"));
		ASSERT_EQ(0, child_call(&c, do_become_nobody, 0, 0));
		EXPECT_EQ(-EACCES, child_call(&c, do_write, (long)path,
					      (long)"1"));
		child_stop(&c);
	}
}

/* With a clock that counts time: before the first colon, after the last blank. */
static long long trace_time_us(const char *line)
{
	const char *time = strstr(line, ": ");
	long long s, us;

	while (time && time > line && time[-1] != ' ')
		time--;
	if (!time || sscanf(time, "%lld.%lld:", &s, &us) != 2)
		return -1;
	return s * USEC_PER_SEC + us;
}

/* --- who enters, and what is written --- */

static const char * const cgroup_events[] = {
	"events/cgroup/cgroup_attach_task",
	"events/cgroup/cgroup_file_write",
	"events/cgroup/cgroup_fork_into",
	"events/cgroup/pids_max",
	NULL,
};

static const struct trace_spec cgroup_trace = {
	.instance = "cgroup_events",
	.events = cgroup_events,
	.shown = "id=",
};

#define ANY_CGROUP_EVENT \
	" (cgroup_(fork_into|attach_task|file_write)|pids_max): "

FIXTURE(cgroup) {
	struct child c;
	struct tree t;
};

FIXTURE_SETUP(cgroup)
{
	const char *obstacle = obstacle_to(&cgroup_trace, NULL);

	if (obstacle)
		SKIP(return, "%s", obstacle);
	ASSERT_EQ(0, trace_start(&cgroup_trace));
	/* There is no teardown after a setup that fails. */
	EXPECT_EQ(0, cg_make_tree(&self->t))
		clean_up();
}

FIXTURE_TEARDOWN(cgroup)
{
	clean_up();
}

/* With the events disabled nothing is recorded. */
TEST_F(cgroup, disabled)
{
	ASSERT_EQ(0, trace_enable(false));
	ASSERT_EQ(0, write_file(trace_path("trace"), ""));
	ASSERT_EQ(0, child_clone(&self->c, CLONE_INTO_CGROUP,
				 cg_open_dir(&self->t.x)));
	ASSERT_EQ(3, cg_put(&self->t.x, "cgroup.max.depth", "100"));
	EXPECT_EVENTS(0, ANY_CGROUP_EVENT);
}

/* Who isn't root can't enable them. */
TEST_F(cgroup, unprivileged)
{
	expect_unprivileged(_metadata);
}

/* A process that is born in another cgroup enters it once, by its creator. */
TEST_F(cgroup, fork_into)
{
	ASSERT_EQ(0, child_clone(&self->c, CLONE_INTO_CGROUP,
				 cg_open_dir(&self->t.x)));
	EXPECT_EVENTS(1, re_fork_into(&self->t.x, self->c.pid));
	EXPECT_EVENTS(1, re_fork_into(NULL, self->c.pid));
	EXPECT_EVENTS(1, re_task(getpid(),
				 re_fork_into(&self->t.x, self->c.pid)));
	EXPECT_EVENTS(0, re_enter("attach_task", NULL, self->c.pid));
}

/* So does one that is born, in this way, where its creator is. */
TEST_F(cgroup, fork_into_own)
{
	int fd = cg_open_dir(&self->t.x);
	long pid;

	ASSERT_EQ(0, child_clone(&self->c, CLONE_INTO_CGROUP, fd));
	pid = child_call(&self->c, do_fork_into, fd, 0);
	ASSERT_LT(0, pid);
	EXPECT_EVENTS(1, re_fork_into(&self->t.x, pid));
	EXPECT_EVENTS(1, re_task(self->c.pid, re_fork_into(NULL, ANY)));
}

/* A plain fork leaves the child where its creator is. */
TEST_F(cgroup, plain_fork)
{
	long pid;

	ASSERT_EQ(0, cg_child_start(&self->c, &self->t.x));
	pid = child_call(&self->c, do_fork, 0, 0);
	ASSERT_LT(0, pid);
	EXPECT_EVENTS(0, re_fork_into(NULL, self->c.pid));
	EXPECT_EVENTS(0, re_fork_into(NULL, pid));
	EXPECT_EVENTS(0, re_fork_into(&self->t.x, ANY));
}

/* Who is moved there isn't born there. */
TEST_F(cgroup, attach)
{
	ASSERT_EQ(0, cg_child_start(&self->c, &self->t.x));
	EXPECT_EVENTS(1, re_enter("attach_task", &self->t.x, self->c.pid));
	EXPECT_EVENTS(0, re_fork_into(NULL, self->c.pid));
}

/* Nobody is born in a cgroup to which his creator may not write. */
TEST_F(cgroup, fork_into_unwritable)
{
	int fd = cg_open_dir(&self->t.x);

	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_call(&self->c, do_become_nobody, 0, 0));
	ASSERT_EQ(-EACCES, child_call(&self->c, do_fork_into, fd, 0));
	EXPECT_EVENTS(0, re_fork_into(&self->t.x, ANY));
}

/* Nor in one that is gone. */
TEST_F(cgroup, fork_into_removed)
{
	int fd = cg_open_dir(&self->t.b);

	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, rmdir(self->t.b.path));
	ASSERT_EQ(-ENOENT, child_call(&self->c, do_fork_into, fd, 0));
	EXPECT_EVENTS(0, re_fork_into(&self->t.b, ANY));
}

/* A write is told once, by who writes, with what he writes and gets. */
TEST_F(cgroup, write)
{
	static const char * const words[] = { "cgroup.max.depth", "17" };

	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(2, child_call(&self->c, do_put, (long)&self->t.a,
				(long)words));
	EXPECT_EVENTS(1, re_file_write(&self->t.a, "cgroup.max.depth", "17", 2));
	EXPECT_EVENTS(1, re_task(self->c.pid, re_any_write(NULL, NULL)));
	EXPECT_EVENTS(0, re_any_write(&self->t.x, NULL));
	EXPECT_EVENTS(0, re_any_write(&self->t.b, NULL));
}

/* So is each of several. */
TEST_F(cgroup, write_again)
{
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(2, cg_put(&self->t.b, "cgroup.max.depth", "17"));
	EXPECT_EVENTS(3, re_file_write(&self->t.b, "cgroup.max.depth", "17", 2));
	EXPECT_EVENTS(3, re_any_write(&self->t.b, NULL));
}

/* One that is refused has its errno. */
TEST_F(cgroup, write_refused)
{
	ASSERT_EQ(-EINVAL, cg_put(&self->t.b, "cgroup.max.depth", "nonsense"));
	EXPECT_EVENTS(1, re_file_write(&self->t.b, "cgroup.max.depth",
				       "nonsense", -EINVAL));
	EXPECT_EVENTS(1, re_any_write(&self->t.b, NULL));
}

/* Who can't open the file doesn't write. */
TEST_F(cgroup, write_unwritable)
{
	static const char * const words[] = { "cgroup.max.depth", "17" };

	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_call(&self->c, do_become_nobody, 0, 0));
	ASSERT_EQ(-EACCES, child_call(&self->c, do_put, (long)&self->t.b,
				      (long)words));
	EXPECT_EVENTS(0, re_any_write(&self->t.b, NULL));
}

/* The end of the line, as echo writes it, isn't part of the value. */
TEST_F(cgroup, write_newline)
{
	ASSERT_EQ(3, cg_put(&self->t.b, "cgroup.max.depth", "17\n"));
	EXPECT_EVENTS(1, re_file_write(&self->t.b, "cgroup.max.depth", "17", 3));
}

/* What could be taken for another line, or isn't text, is escaped. */
TEST_F(cgroup, write_escaped)
{
	ASSERT_EQ(-EINVAL, cg_put(&self->t.b, "cgroup.max.depth",
				  "a\" ret=1 \\\n\x01\x7f\x80\xff!"));
	EXPECT_EVENTS(1, re_file_write(&self->t.b, "cgroup.max.depth",
				       "a\\\" ret=1 \\\\\\n\\x01\\x7f\\x80\\xff!",
				       -EINVAL));
}

/* A long value is cut, which shows in the number of bytes. */
TEST_F(cgroup, write_long)
{
	char value[129], shown[128];

	memset(value, '0', sizeof(value));
	memset(shown, '0', sizeof(shown));
	value[128] = 0;
	shown[127] = 0;
	ASSERT_EQ(127, cg_put(&self->t.a, "cgroup.max.depth", shown));
	ASSERT_EQ(128, cg_put(&self->t.b, "cgroup.max.depth", value));
	EXPECT_EVENTS(1, re_file_write(&self->t.a, "cgroup.max.depth", shown,
				       127));
	EXPECT_EVENTS(1, re_file_write(&self->t.b, "cgroup.max.depth", shown,
				       128));
}

/* A limit of a delegated cgroup belongs to who delegates it. */
TEST_F(cgroup, write_delegated)
{
	static const char * const words[] = { "cgroup.max.depth", "17" };

	if (!cg_delegates)
		SKIP(return, "cgroup v2 is mounted without nsdelegate");
	ASSERT_EQ(0, cg_child_start(&self->c, &self->t.b));
	ASSERT_EQ(0, child_call(&self->c, do_unshare_cgroup, 0, 0));
	ASSERT_EQ(-EPERM, child_call(&self->c, do_put, (long)&self->t.b,
				     (long)words));
	EXPECT_EVENTS(1, re_file_write(&self->t.b, words[0], words[1], -EPERM));
	EXPECT_EVENTS(1, re_any_write(&self->t.b, words[0]));
}

/* --- pids.max --- */

FIXTURE(pids) {
	struct child c;
	struct tree t;
};

FIXTURE_SETUP(pids)
{
	const char *obstacle = obstacle_to(&cgroup_trace, "pids");

	if (obstacle)
		SKIP(return, "%s", obstacle);
	ASSERT_EQ(0, trace_start(&cgroup_trace));
	EXPECT_EQ(0, cg_make_tree(&self->t))
		clean_up();
}

FIXTURE_TEARDOWN(pids)
{
	clean_up();
}

/* With the events disabled nothing is recorded. */
TEST_F(pids, disabled)
{
	ASSERT_EQ(0, trace_enable(false));
	ASSERT_EQ(0, cg_child_start(&self->c, &self->t.x));
	ASSERT_EQ(1, cg_put(&self->t.x, "pids.max", "1"));
	ASSERT_EQ(-EAGAIN, child_call(&self->c, do_fork, 0, 0));
	EXPECT_EVENTS(0, re_pids_max(NULL, NULL));
}

/* The root's files are told as well: what there is to be below. */
TEST_F(pids, enable)
{
	EXPECT_EVENTS(1, re_file_write(&cg_root, "cgroup.subtree_control",
				       "+pids", 5));
	EXPECT_EVENTS(1, re_file_write(&self->t.a, "cgroup.subtree_control",
				       "+pids", 5));
}

/* A fork is refused by the limit of the cgroup, and not before that. */
TEST_F(pids, own)
{
	ASSERT_EQ(0, cg_child_start(&self->c, &self->t.x));
	ASSERT_EQ(1, cg_put(&self->t.x, "pids.max", "2"));
	ASSERT_LT(0, child_call(&self->c, do_fork, 0, 0));
	EXPECT_EVENTS(0, re_pids_max(NULL, NULL));
	ASSERT_EQ(-EAGAIN, child_call(&self->c, do_fork, 0, 0));
	EXPECT_EVENTS(1, re_pids_max(&self->t.x, &self->t.x));
	EXPECT_EVENTS(1, re_task(self->c.pid, re_pids_max(NULL, NULL)));
}

/* Or by that of an ancestor. */
TEST_F(pids, ancestor)
{
	ASSERT_EQ(0, cg_child_start(&self->c, &self->t.x));
	ASSERT_EQ(1, cg_put(&self->t.a, "pids.max", "1"));
	ASSERT_EQ(-EAGAIN, child_call(&self->c, do_fork, 0, 0));
	EXPECT_EVENTS(1, re_pids_max(&self->t.x, &self->t.a));
	EXPECT_EVENTS(1, re_task(self->c.pid, re_pids_max(NULL, NULL)));
}

/* Or by that of the cgroup where the process would have been born. */
TEST_F(pids, elsewhere)
{
	int fd = cg_open_dir(&self->t.x);

	ASSERT_EQ(0, cg_child_start(&self->c, &self->t.b));
	ASSERT_EQ(1, cg_put(&self->t.x, "pids.max", "0"));
	ASSERT_EQ(-EAGAIN, child_call(&self->c, do_fork_into, fd, 0));
	EXPECT_EVENTS(1, re_pids_max(&self->t.x, &self->t.x));
	EXPECT_EVENTS(0, re_fork_into(&self->t.x, ANY));
}

/* --- the files of every controller --- */

enum resource {
	NO_NAME, DISK, RDMA_DEVICE, MISC_RESOURCE, DMEM_REGION,
};

struct limit_case {
	const char *file;	/* a pattern: some have a size in their names */
	const char *value;
	enum resource of;	/* the value follows its name */
};

FIXTURE(limit) {
	struct group top, g;
	char *file;
	char value[128];
	bool has_device;
};

FIXTURE_VARIANT(limit) {
	struct limit_case l;
};

FIXTURE_VARIANT_ADD(limit, cpu_weight) {
	.l = { "cpu.weight", "200" },
};

FIXTURE_VARIANT_ADD(limit, cpu_max) {
	.l = { "cpu.max", "50000 200000" },
};

FIXTURE_VARIANT_ADD(limit, cpu_idle) {
	.l = { "cpu.idle", "1" },
};

FIXTURE_VARIANT_ADD(limit, cpuset_cpus) {
	.l = { "cpuset.cpus", "0" },
};

FIXTURE_VARIANT_ADD(limit, cpuset_mems) {
	.l = { "cpuset.mems", "0" },
};

FIXTURE_VARIANT_ADD(limit, memory_min) {
	.l = { "memory.min", "4K" },
};

FIXTURE_VARIANT_ADD(limit, memory_low) {
	.l = { "memory.low", "8K" },
};

FIXTURE_VARIANT_ADD(limit, memory_high) {
	.l = { "memory.high", "512M" },
};

FIXTURE_VARIANT_ADD(limit, memory_max) {
	.l = { "memory.max", "1G" },
};

FIXTURE_VARIANT_ADD(limit, memory_swap_high) {
	.l = { "memory.swap.high", "1M" },
};

FIXTURE_VARIANT_ADD(limit, memory_swap_max) {
	.l = { "memory.swap.max", "2M" },
};

FIXTURE_VARIANT_ADD(limit, memory_zswap_max) {
	.l = { "memory.zswap.max", "1M" },
};

FIXTURE_VARIANT_ADD(limit, memory_oom_group) {
	.l = { "memory.oom.group", "1" },
};

FIXTURE_VARIANT_ADD(limit, pids_max) {
	.l = { "pids.max", "100" },
};

FIXTURE_VARIANT_ADD(limit, io_max) {
	.l = { "io.max", "rbps=1048576 wiops=max", DISK },
};

FIXTURE_VARIANT_ADD(limit, io_weight) {
	.l = { "io.weight", "default 200" },
};

FIXTURE_VARIANT_ADD(limit, hugetlb_max) {
	.l = { "hugetlb.*B.max", "0" },
};

FIXTURE_VARIANT_ADD(limit, hugetlb_rsvd_max) {
	.l = { "hugetlb.*B.rsvd.max", "0" },
};

FIXTURE_VARIANT_ADD(limit, rdma_max) {
	.l = { "rdma.max", "hca_handle=2 hca_object=max", RDMA_DEVICE },
};

FIXTURE_VARIANT_ADD(limit, misc_max) {
	.l = { "misc.max", "1", MISC_RESOURCE },
};

FIXTURE_VARIANT_ADD(limit, dmem_min) {
	.l = { "dmem.min", "1M", DMEM_REGION },
};

FIXTURE_VARIANT_ADD(limit, dmem_low) {
	.l = { "dmem.low", "1M", DMEM_REGION },
};

FIXTURE_VARIANT_ADD(limit, dmem_max) {
	.l = { "dmem.max", "1M", DMEM_REGION },
};

/* "MAJOR:MINOR " of a disk; false if there is none. */
static bool find_disk(char *number, size_t size)
{
	char *disk, path[PATH_LEN];
	glob_t disks;
	ssize_t n;

	if (glob("/sys/block/*/device", 0, NULL, &disks))
		return false;
	disk = disks.gl_pathv[0];
	snprintf(path, sizeof(path), "%.*s/dev",
		 (int)(strrchr(disk, '/') - disk), disk);
	globfree(&disks);
	n = read_text(path, number, size);
	if (n <= 0)
		return false;
	number[n - 1] = ' ';
	return true;
}

/* The first word of a cgroup's file, and a space; false if there is none. */
static bool find_word(const struct group *g, const char *file, char *word,
		      size_t size)
{
	char text[PATH_LEN];
	int len;

	if (cg_read(g->path, file, text, sizeof(text)))
		return false;
	len = strcspn(text, "\n ");
	return len && snprintf(word, size, "%.*s ", len, text) < (int)size;
}

/* Name of one that has a limit, and a space; false if there is none. */
static bool find_resource(const struct group *g, enum resource kind,
			  char *name, size_t size)
{
	switch (kind) {
	case DISK:
		return find_disk(name, size);
	case RDMA_DEVICE:
		return find_word(g, "rdma.max", name, size);
	case MISC_RESOURCE:
		return find_word(&cg_root, "misc.capacity", name, size);
	case DMEM_REGION:
		return find_word(&cg_root, "dmem.capacity", name, size);
	default:
		name[0] = '\0';
		return true;
	}
}

/*
 * A machine without such a network card can have one of software; the other
 * resources are parts of processors and graphics cards.
 */
static bool add_rdma_device(void)
{
	return !system("rdma link add " RDMA_LINK " type rxe netdev lo");
}

static void remove_rdma_device(void)
{
	if (system("rdma link delete " RDMA_LINK))
		ksft_print_msg("%s stays\n", RDMA_LINK);
}

/* Name of the cgroup's file that a pattern means; or NULL. */
static char *find_file(const struct group *g, const char *pattern)
{
	char path[2 * PATH_LEN];
	char *file = NULL;
	glob_t files;

	snprintf(path, sizeof(path), "%s/%s", g->path, pattern);
	if (glob(path, 0, NULL, &files))
		return NULL;
	file = strdup(strrchr(files.gl_pathv[0], '/') + 1);
	globfree(&files);
	return file;
}

static long make_limited(FIXTURE_DATA(limit) *self)
{
	long ret = cg_want_all();

	if (!ret)
		ret = cg_make_top(&self->top);
	if (!ret)
		ret = cg_make(&self->g, &self->top, "g");
	return ret;
}

FIXTURE_SETUP(limit)
{
	const char *obstacle = obstacle_to(&cgroup_trace, NULL);

	if (obstacle)
		SKIP(return, "%s", obstacle);
	ASSERT_EQ(0, trace_start(&cgroup_trace));
	ASSERT_EQ(0, make_limited(self))
		clean_up();
	self->file = find_file(&self->g, variant->l.file);
	if (!self->file) {
		clean_up();
		SKIP(return, "there is no %s", variant->l.file);
	}
}

FIXTURE_TEARDOWN(limit)
{
	clean_up();
	if (self->has_device)
		remove_rdma_device();
	free(self->file);
}

/* A limit is told with its value. */
TEST_F(limit, write)
{
	const struct limit_case *l = &variant->l;
	char name[64];
	long len;

	if (l->of == RDMA_DEVICE &&
	    !find_resource(&self->g, l->of, name, sizeof(name)))
		self->has_device = add_rdma_device();
	if (!find_resource(&self->g, l->of, name, sizeof(name)))
		SKIP(return, "there is nothing that %s is a limit of", l->file);
	len = snprintf(self->value, sizeof(self->value), "%s%s", name,
		       l->value);
	ASSERT_EQ(len, cg_put(&self->g, self->file, self->value));
	EXPECT_EVENTS(1, re_file_write(&self->g, self->file, self->value, len));
	EXPECT_EVENTS(1, re_any_write(&self->g, NULL));
}

/* One that is refused is told with its error. */
TEST_F(limit, refused)
{
	long error = cg_put(&self->g, self->file, "nonsense");

	ASSERT_GT(0, error);
	EXPECT_EVENTS(1, re_file_write(&self->g, self->file, "nonsense",
				       error));
	EXPECT_EVENTS(1, re_any_write(&self->g, NULL));
}

FIXTURE(files) {
	struct group top, g;
};

FIXTURE_SETUP(files)
{
	const char *obstacle = obstacle_to(&cgroup_trace, NULL);

	if (obstacle)
		SKIP(return, "%s", obstacle);
	ASSERT_EQ(0, trace_start(&cgroup_trace));
	EXPECT_EQ(0, cg_want_all() || cg_make_top(&self->top) ||
		  cg_make(&self->g, &self->top, "g"))
		clean_up();
}

FIXTURE_TEARDOWN(files)
{
	clean_up();
}

/* The first line of what a file has, or what is sure to do no harm. */
static void harmless_value(const struct group *g, const char *file,
			   char *value, size_t size)
{
	if (cg_read(g->path, file, value, size))
		*value = 0;
	value[strcspn(value, "\n")] = 0;
	if (!*value)
		snprintf(value, size, "none");
}

static void expect_told(struct __test_metadata *_metadata,
			const struct group *g, const char *file)
{
	char value[100];
	long ret;

	harmless_value(g, file, value, sizeof(value));
	ret = cg_put(g, file, value);
	EXPECT_EVENTS(1, re_file_write(g, file, value, ret));
	EXPECT_EVENTS(1, re_any_write(g, file));
}

/* A file is its controller's, by its name up to the first dot. */
static void count_file(int *counts, const char *file)
{
	size_t len = strcspn(file, ".");
	int i;

	for (i = 0; cg_controllers[i]; i++)
		if (strlen(cg_controllers[i]) == len &&
		    !strncmp(cg_controllers[i], file, len))
			counts[i]++;
}

static void expect_each_controller(struct __test_metadata *_metadata,
				   const int *counts)
{
	int i;

	for (i = 0; cg_controllers[i]; i++) {
		EXPECT_LT(0, counts[i])
			TH_LOG("no file of %s", cg_controllers[i]);
	}
	EXPECT_LT(0, i);
}

/*
 * Whatever file of a cgroup can be written, that is told; and each controller
 * that there is has at least one.
 */
TEST_F_TIMEOUT(files, every, SLOW)
{
	DIR *dir = opendir(self->g.path);
	int counts[MAX_CONTROLLERS] = {};
	struct dirent *entry;
	int files = 0;
	struct stat st;

	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (fstatat(dirfd(dir), entry->d_name, &st, 0) ||
		    !S_ISREG(st.st_mode) || !(st.st_mode & 0200))
			continue;
		expect_told(_metadata, &self->g, entry->d_name);
		count_file(counts, entry->d_name);
		files++;
	}
	closedir(dir);
	expect_each_controller(_metadata, counts);
	EXPECT_EVENTS(files, re_any_write(&self->g, NULL));
	TH_LOG("%d files", files);
}

/* --- memory.events --- */

static const char * const memory_events[] = {
	"events/memcg/memcg_event",
	"events/memcg/memcg_high_throttle",
	"events/oom/mark_victim",
	NULL,
};

static const struct trace_spec memory_trace = {
	.instance = "cgroup_events",
	.events = memory_events,
	.shown = "memcg_id=",
};

/*
 *	top
 *	  p
 *	    a
 */
FIXTURE(memory) {
	struct child c, other;
	struct group top, p, a;
	char swap[PATH_LEN];
};

static long make_memory(FIXTURE_DATA(memory) *self)
{
	long ret = cg_make_top(&self->top);

	if (!ret)
		ret = cg_make(&self->p, &self->top, "p");
	if (!ret)
		ret = cg_make(&self->a, &self->p, "a");
	/* Only some of the tests are about swap, and there may be none. */
	if (!ret)
		cg_put(&self->top, "memory.swap.max", "0");
	return ret;
}

static void clean_up_memory(FIXTURE_DATA(memory) *self)
{
	children_stop();
	if (*self->swap) {
		swapoff(self->swap);
		unlink(self->swap);
	}
	clean_up();
}

FIXTURE_SETUP(memory)
{
	const char *obstacle = obstacle_to(&memory_trace, "memory");

	if (obstacle)
		SKIP(return, "%s", obstacle);
	ASSERT_EQ(0, trace_start(&memory_trace));
	EXPECT_EQ(0, make_memory(self))
		clean_up();
}

FIXTURE_TEARDOWN(memory)
{
	clean_up_memory(self);
}

/* Why a file can't be had for the test, or NULL. */
static const char *disk_file(off_t size, int *fd)
{
	static char reason[PATH_LEN];

	*fd = open_disk_file(size);
	if (*fd >= 0)
		return NULL;
	snprintf(reason, sizeof(reason), "no file of a disk in %s: %s",
		 TMP_DIR, strerror(-*fd));
	return reason;
}

/* There are events, as many as the cgroup has counted. */
static void expect_count(struct __test_metadata *_metadata,
			 const struct group *g, const char *event, long count)
{
	EXPECT_LT(0, count);
	EXPECT_EVENTS(count, re_memcg_event(g, event));
	EXPECT_EQ(0, lost_events());
}

static void expect_counted(struct __test_metadata *_metadata,
			   const struct group *g, const char *event)
{
	char key[32];

	snprintf(key, sizeof(key), "%s ", event);
	expect_count(_metadata, g, event,
		     cg_read_key_long(g->path, "memory.events.local", key));
}

/* Swap has a file of its own, and no counters that leave out what is below. */
static void expect_swap_counted(struct __test_metadata *_metadata,
				const struct group *g, const char *event)
{
	char key[32];

	snprintf(key, sizeof(key), "%s ", event + strlen("swap_"));
	expect_count(_metadata, g, event,
		     cg_read_key_long(g->path, "memory.swap.events", key));
}

/* Let a child have more memory than it may. It is killed, and gone then. */
static void overrun(struct __test_metadata *_metadata, struct child *c)
{
	ASSERT_EQ(-EPIPE, child_call(c, do_touch, 8 * MIB, 0));
	child_stop(c);
}

/* With the events disabled nothing is recorded. */
TEST_F_TIMEOUT(memory, disabled, SLOW)
{
	ASSERT_EQ(0, trace_enable(false));
	ASSERT_EQ(2, cg_put(&self->p, "memory.max", "4M"));
	ASSERT_EQ(0, cg_child_start(&self->c, &self->a));
	overrun(_metadata, &self->c);
	ASSERT_EQ(3, cg_put(&self->p, "memory.max", "max"));
	ASSERT_EQ(2, cg_put(&self->p, "memory.high", "4M"));
	ASSERT_EQ(0, cg_child_start(&self->other, &self->a));
	ASSERT_TRUE(child_begin(&self->other, do_touch, 64 * MIB, 0));
	EXPECT_LT(0, cg_read_key_long_poll(self->p.path, "memory.events.local",
					   "high ", 1, TRIES, TICK_US));
	child_stop(&self->other);
	EXPECT_LT(0, cg_read_key_long(self->p.path, "memory.events.local",
				      "max "));
	EXPECT_EVENTS(0, " (memcg_[a-z_]+|mark_victim): ");
}

/* Who isn't root can't enable them. */
TEST_F(memory, unprivileged)
{
	expect_unprivileged(_metadata);
}

/* Each time that memory.max is reached is told, also where pages give way. */
TEST_F_TIMEOUT(memory, max, SLOW)
{
	const char *obstacle;
	int fd;

	obstacle = disk_file(8 * MIB, &fd);
	if (obstacle)
		SKIP(return, "%s", obstacle);
	ASSERT_EQ(2, cg_put(&self->a, "memory.max", "4M"));
	ASSERT_EQ(0, cg_child_start(&self->c, &self->a));
	ASSERT_EQ(0, child_call(&self->c, do_read, fd, 8 * MIB));
	expect_counted(_metadata, &self->a, "max");
	EXPECT_EVENTS(0, re_memcg_event(&self->p, NULL));
	EXPECT_EVENTS(0, re_memcg_event(&self->a, "oom(_kill)?"));
}

/*
 * Where nothing gives way, the cgroup whose limit it is runs out of memory, and
 * the one of who is killed for that is another. Neither is told for the other.
 */
TEST_F_TIMEOUT(memory, oom, SLOW)
{
	ASSERT_EQ(2, cg_put(&self->p, "memory.max", "4M"));
	ASSERT_EQ(0, cg_child_start(&self->c, &self->a));
	overrun(_metadata, &self->c);
	expect_counted(_metadata, &self->p, "max");
	expect_counted(_metadata, &self->p, "oom");
	expect_counted(_metadata, &self->a, "oom_kill");
	EXPECT_EVENTS(0, re_memcg_event(&self->a, "max"));
	EXPECT_EVENTS(0, re_memcg_event(&self->a, "oom"));
	EXPECT_EVENTS(0, re_memcg_event(&self->p, "oom_kill"));
	EXPECT_EVENTS(0, re_memcg_event(&self->top, NULL));
}

/* The victim is told with its cgroup. */
TEST_F_TIMEOUT(memory, victim, SLOW)
{
	ASSERT_EQ(2, cg_put(&self->p, "memory.max", "4M"));
	ASSERT_EQ(0, cg_child_start(&self->c, &self->a));
	overrun(_metadata, &self->c);
	EXPECT_EVENTS(1, re_victim(self->c.pid, &self->a));
	EXPECT_EVENTS(1, re_victim(ANY, &self->a));
}

/*
 * With memory.oom.group that is everybody, and the group is told once. Who is
 * killed first is counted again with the others.
 */
TEST_F_TIMEOUT(memory, oom_group, SLOW)
{
	ASSERT_EQ(2, cg_put(&self->a, "memory.max", "4M"));
	ASSERT_EQ(1, cg_put(&self->a, "memory.oom.group", "1"));
	ASSERT_EQ(0, cg_child_start(&self->c, &self->a));
	ASSERT_EQ(0, cg_child_start(&self->other, &self->a));
	overrun(_metadata, &self->c);
	ASSERT_EQ(-EPIPE, child_end(&self->other));
	child_stop(&self->other);
	expect_counted(_metadata, &self->a, "oom_group_kill");
	expect_counted(_metadata, &self->a, "oom_kill");
	EXPECT_EVENTS(1, re_memcg_event(&self->a, "oom_group_kill"));
	EXPECT_EVENTS(1, re_victim(self->c.pid, &self->a));
	EXPECT_EVENTS(1, re_victim(self->other.pid, &self->a));
}

/* A cgroup that is too large is told, with what memory.high is. */
TEST_F_TIMEOUT(memory, high, SLOW)
{
	ASSERT_EQ(2, cg_put(&self->p, "memory.high", "4M"));
	ASSERT_EQ(0, cg_child_start(&self->c, &self->a));
	ASSERT_TRUE(child_begin(&self->c, do_touch, 64 * MIB, 0));
	EXPECT_LE(1, trace_wait(1, re_memcg_event(&self->p, "high")));
	/* It would sleep for minutes. */
	child_stop(&self->c);
	expect_counted(_metadata, &self->p, "high");
	EXPECT_EVENTS(0, re_memcg_event(&self->a, "high"));
}

/* A task that has to sleep for an ancestor's memory.high is told with its own. */
TEST_F_TIMEOUT(memory, high_throttle, SLOW)
{
	ASSERT_EQ(2, cg_put(&self->p, "memory.high", "4M"));
	ASSERT_EQ(0, cg_child_start(&self->c, &self->a));
	EXPECT_EVENTS(0, re_high_throttle(NULL));
	ASSERT_TRUE(child_begin(&self->c, do_touch, 64 * MIB, 0));
	EXPECT_LE(1, trace_wait(1, re_high_throttle(&self->a)));
	child_stop(&self->c);
	EXPECT_EVENTS_AT_LEAST(1, re_task(self->c.pid,
					  re_high_throttle(&self->a)));
	EXPECT_EVENTS(0, re_high_throttle(&self->p));
}

/* Memory that is to be spared and can't be. */
TEST_F_TIMEOUT(memory, low, SLOW)
{
	const char *obstacle;
	int fd;

	obstacle = disk_file(8 * MIB, &fd);
	if (obstacle)
		SKIP(return, "%s", obstacle);
	ASSERT_EQ(2, cg_put(&self->p, "memory.max", "4M"));
	ASSERT_EQ(3, cg_put(&self->a, "memory.low", "max"));
	ASSERT_EQ(0, cg_child_start(&self->c, &self->a));
	ASSERT_EQ(0, child_call(&self->c, do_read, fd, 8 * MIB));
	expect_counted(_metadata, &self->a, "low");
	EXPECT_EVENTS(0, re_memcg_event(&self->p, "low"));
}

/*
 * Memory that can't be had back quickly, as it has to be written first, makes
 * sockets have less for a second.
 */
TEST_F_TIMEOUT(memory, sock_throttled, SLOW)
{
	const char *obstacle;
	int fd, tries = TRIES;

	obstacle = disk_file(8 * MIB, &fd);
	if (obstacle)
		SKIP(return, "%s", obstacle);
	ASSERT_EQ(0, cg_child_start(&self->c, &self->a));
	ASSERT_EQ(0, child_call(&self->c, do_talk, MIB, 0));
	EXPECT_EVENTS(0, re_memcg_event(&self->a, "sock_throttled"));
	while (!trace_count(re_memcg_event(&self->a, "sock_throttled")) &&
	       tries--) {
		ASSERT_EQ(0, child_call(&self->c, do_overwrite, fd, 8 * MIB));
		ASSERT_EQ(2, cg_put(&self->a, "memory.high", "1M"));
		/* Else it would sleep. */
		ASSERT_EQ(3, cg_put(&self->a, "memory.high", "max"));
		ASSERT_EQ(0, child_call(&self->c, do_talk, MIB, 0));
	}
	/* What it has sent may still be on its way. */
	child_stop(&self->c);
	expect_counted(_metadata, &self->a, "sock_throttled");
	EXPECT_EVENTS(0, re_memcg_event(&self->p, "sock_throttled"));
}

/* --- swap --- */

#define SWAP_SIZE	(16 * MIB)

/* What mkswap(8) writes. */
static long make_swap(int fd)
{
	long page = getpagesize();
	__u32 header[] = { 1, SWAP_SIZE / page - 1, 0 };
	static const char magic[] = "SWAPSPACE2";
	const size_t len = sizeof(magic) - 1;

	if (posix_fallocate(fd, 0, SWAP_SIZE))
		return -ENOSPC;
	if (pwrite(fd, header, sizeof(header), 1024) != sizeof(header) ||
	    pwrite(fd, magic, len, page - len) != (ssize_t)len)
		return -EIO;
	return or_errno(fsync(fd));
}

/* On a file, which needs a name as long as it is used. */
static long make_swap_file(FIXTURE_DATA(memory) *self)
{
	long ret;
	int fd;

	snprintf(self->swap, sizeof(self->swap), "%s/cgroup_events_%d.swap",
		 TMP_DIR, getpid());
	fd = open(self->swap, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = make_swap(fd);
	close(fd);
	return ret ? ret : or_errno(swapon(self->swap, 0));
}

/* Why the test can't have swap, or NULL. */
static const char *add_swap(FIXTURE_DATA(memory) *self)
{
	static char reason[PATH_LEN];
	long ret;

	if (access("/proc/swaps", F_OK))
		return "kernel without swap";
	ret = make_swap_file(self);
	if (!ret)
		return NULL;
	snprintf(reason, sizeof(reason), "no swap on a file in %s: %s",
		 TMP_DIR, strerror(-ret));
	return reason;
}

/* A child with memory that can be swapped. */
static void have_swappable(struct __test_metadata *_metadata,
			   FIXTURE_DATA(memory) *self)
{
	ASSERT_EQ(3, cg_put(&self->top, "memory.swap.max", "max"));
	ASSERT_EQ(0, cg_child_start(&self->c, &self->a));
	ASSERT_EQ(0, child_call(&self->c, do_touch, 4 * MIB, 0));
}

/* memory.swap.max, which makes swapping fail. */
TEST_F_TIMEOUT(memory, swap_max, SLOW)
{
	const char *obstacle = add_swap(self);
	char limit[16];
	int kib;

	if (obstacle)
		SKIP(return, "%s", obstacle);
	have_swappable(_metadata, self);
	/* What fits exactly doesn't fail. */
	for (kib = 64; kib < 1024; kib += 4) {
		snprintf(limit, sizeof(limit), "%dK", kib);
		cg_put(&self->a, "memory.swap.max", limit);
		cg_put(&self->a, "memory.reclaim", "1M");
		if (trace_count(re_memcg_event(&self->a, "swap_max")))
			break;
	}
	expect_swap_counted(_metadata, &self->a, "swap_max");
	expect_swap_counted(_metadata, &self->a, "swap_fail");
	EXPECT_EVENTS(0, re_memcg_event(&self->p, "swap_(max|fail)"));
}

/* An ancestor's memory.swap.high, which lets the task sleep when it needs more. */
TEST_F_TIMEOUT(memory, swap_high, SLOW)
{
	const char *obstacle = add_swap(self);
	int tries = TRIES;

	if (obstacle)
		SKIP(return, "%s", obstacle);
	ASSERT_EQ(3, cg_put(&self->p, "memory.swap.high", "64K"));
	have_swappable(_metadata, self);
	while (cg_read_long(self->a.path, "memory.swap.current") < 128 * KIB &&
	       tries--)
		cg_put(&self->a, "memory.reclaim", "1M");
	EXPECT_EVENTS(0, re_memcg_event(NULL, "swap_high"));
	ASSERT_TRUE(child_begin(&self->c, do_touch, 64 * MIB, 0));
	EXPECT_LE(1, trace_wait(1, re_memcg_event(&self->p, "swap_high")));
	child_stop(&self->c);
	expect_swap_counted(_metadata, &self->p, "swap_high");
	EXPECT_EVENTS(0, re_memcg_event(&self->a, "swap_high"));
}

/* --- memory consolidation: whose pages make room for whom --- */

static const char * const reclaim_events[] = {
	"events/vmscan/memcg_reclaim",
	"events/vmscan/memcg_refault",
	NULL,
};

static const struct trace_spec reclaim_trace = {
	.instance = "cgroup_events",
	.events = reclaim_events,
	.shown = "_id=",
};

#define LRU_GEN		"/sys/kernel/mm/lru_gen/enabled"
#define MIN_FREE	"/proc/sys/vm/min_free_kbytes"

#define ROOM		"4M"
#define BUSY_SIZE	(3 * MIB)
#define IDLE_SIZE	(5 * MIB)
#define IDLE_TURNS	4

/* The first is always active, and the others one after the other. */
enum { BUSY, IDLE1, IDLE2, TENANTS };

struct tenant {
	struct group g;
	struct child c;
	int fd;
};

/*
 *	top
 *	  host		with a limit that has room for less than one idle file
 *	    a		BUSY
 *	    b		IDLE1
 *	    c		IDLE2
 */
FIXTURE(consolidation) {
	struct group top, host;
	struct tenant t[TENANTS];
	char lru_gen[16];
	char min_free[16];
};

FIXTURE_VARIANT(consolidation) {
	const char *lru_gen;
};

FIXTURE_VARIANT_ADD(consolidation, classic) {
	.lru_gen = "n",
};

FIXTURE_VARIANT_ADD(consolidation, multi_gen) {
	.lru_gen = "y",
};

static const char tenant_names[TENANTS][2] = { "a", "b", "c" };

/* What the events say: pages of the column's tenant, evicted by the row's. */
struct evictions {
	const FIXTURE_DATA(consolidation) *self;
	long pages[TENANTS][TENANTS];
	int strange;
};

/* Before there is anything on it. What it was is kept. */
static long choose_lru(FIXTURE_DATA(consolidation) *self, const char *choice)
{
	ssize_t n = read_text(LRU_GEN, self->lru_gen, sizeof(self->lru_gen));

	if (n <= 0) {
		*self->lru_gen = 0;
		return *choice == 'n' ? 0 : n;
	}
	return write_file(LRU_GEN, choice);
}

static long make_tenants(FIXTURE_DATA(consolidation) *self, const char *lru_gen)
{
	long ret = choose_lru(self, lru_gen);
	int i;

	if (!ret)
		ret = cg_make_top(&self->top);
	if (!ret)
		ret = cg_make(&self->host, &self->top, "host");
	for (i = 0; i < TENANTS && !ret; i++)
		ret = cg_make(&self->t[i].g, &self->host, tenant_names[i]);
	if (!ret && cg_put(&self->host, "memory.max", ROOM) < 0)
		ret = -EINVAL;
	cg_put(&self->host, "memory.swap.max", "0");
	for (i = 0; i < TENANTS && !ret; i++)
		ret = cg_child_start(&self->t[i].c, &self->t[i].g);
	return ret;
}

static void clean_up_tenants(FIXTURE_DATA(consolidation) *self)
{
	clean_up();
	if (*self->min_free)
		write_file(MIN_FREE, self->min_free);
	if (*self->lru_gen)
		write_file(LRU_GEN, self->lru_gen);
}

/* Why there isn't a file for each, or NULL. */
static const char *open_files(FIXTURE_DATA(consolidation) *self)
{
	const char *obstacle = NULL;
	int i;

	for (i = 0; i < TENANTS && !obstacle; i++)
		obstacle = disk_file(i == BUSY ? BUSY_SIZE : IDLE_SIZE,
				     &self->t[i].fd);
	return obstacle;
}

FIXTURE_SETUP(consolidation)
{
	const char *obstacle = obstacle_to(&reclaim_trace, "memory");

	if (!obstacle)
		obstacle = open_files(self);
	if (!obstacle && *variant->lru_gen == 'y' && access(LRU_GEN, F_OK))
		obstacle = "kernel without the multi-gen LRU";
	if (obstacle)
		SKIP(return, "%s", obstacle);
	ASSERT_EQ(0, trace_start(&reclaim_trace));
	EXPECT_EQ(0, make_tenants(self, variant->lru_gen))
		clean_up_tenants(self);
}

FIXTURE_TEARDOWN(consolidation)
{
	clean_up_tenants(self);
}

/*
 * Let a tenant read its file once, in several turns. In between, the busy one
 * reads all of its own, so that there is always somebody to take pages from.
 */
static void let_read(struct __test_metadata *_metadata, struct tenant *busy,
		     struct tenant *idle)
{
	int i;

	for (i = 0; i < IDLE_TURNS; i++) {
		ASSERT_EQ(0, child_call(&busy->c, do_reread, busy->fd,
					BUSY_SIZE));
		ASSERT_EQ(0, child_call(&idle->c, do_read, idle->fd,
					IDLE_SIZE / IDLE_TURNS));
	}
	ASSERT_EQ(0, child_call(&busy->c, do_reread, busy->fd, BUSY_SIZE));
}

static void remove_tenants(struct __test_metadata *_metadata,
			   FIXTURE_DATA(consolidation) *self)
{
	int i;

	for (i = 0; i < TENANTS; i++)
		ASSERT_TRUE(remove_dir(self->t[i].g.path));
	ASSERT_TRUE(remove_dir(self->host.path));
}

static void let_all_read(struct __test_metadata *_metadata,
			 FIXTURE_DATA(consolidation) *self)
{
	let_read(_metadata, &self->t[BUSY], &self->t[IDLE1]);
	let_read(_metadata, &self->t[BUSY], &self->t[IDLE2]);
}

static int tenant_by_id(const FIXTURE_DATA(consolidation) *self, __u64 id)
{
	int i;

	for (i = 0; i < TENANTS; i++)
		if (self->t[i].g.id == id)
			break;
	return i;
}

static int tenant_by_pid(const FIXTURE_DATA(consolidation) *self, pid_t pid)
{
	int i;

	for (i = 0; i < TENANTS; i++)
		if (self->t[i].c.pid == pid)
			break;
	return i;
}

/* For no other limit, and not for the machine, should any of them be evicted. */
static void add_eviction(const char *line, int number, void *arg)
{
	struct evictions *e = arg;
	__u64 target = trace_field(line, " target_id=");
	int by = tenant_by_pid(e->self, trace_pid(line));
	int of = tenant_by_id(e->self, trace_field(line, " victim_id="));

	if (of == TENANTS)
		return;
	if (by == TENANTS || target != e->self->host.id)
		e->strange++;
	else
		e->pages[by][of] += trace_field(line, " nr_reclaimed=");
}

static void print_evictions(const struct evictions *e)
{
	int by, of;

	fprintf(stderr, "# pages of:      a       b       c\n");
	for (by = 0; by < TENANTS; by++) {
		fprintf(stderr, "#   taken by %s", tenant_names[by]);
		for (of = 0; of < TENANTS; of++)
			fprintf(stderr, " %7ld", e->pages[by][of]);
		fprintf(stderr, "\n");
	}
}

/* The counters of memory.stat may lag behind, by seconds. */
static long stat_soon(const struct group *g, const char *key, long expected)
{
	return cg_read_key_long_poll(g->path, "memory.stat", key, expected,
				     100, DEFAULT_WAIT_INTERVAL_US);
}

/*
 * What one tenant reads makes pages of the others go, for the limit of the host
 * that they share: who, whose and how many add up to what the cgroups count.
 */
TEST_F_TIMEOUT(consolidation, reclaim, SLOW)
{
	const char *re = re_reclaim(NULL, NULL);
	struct evictions e = { .self = self };
	long stolen;
	int by, of;

	let_all_read(_metadata, self);
	ASSERT_TRUE(trace_each(re, add_eviction, &e));
	print_evictions(&e);
	EXPECT_EQ(0, e.strange)
		trace_dump(re);
	EXPECT_LT(0, e.pages[IDLE1][BUSY]);
	EXPECT_LT(0, e.pages[IDLE2][BUSY]);
	EXPECT_LT(0, e.pages[IDLE2][IDLE1]);
	for (of = 0; of < TENANTS; of++) {
		stolen = 0;
		for (by = 0; by < TENANTS; by++)
			stolen += e.pages[by][of];
		EXPECT_EQ(stolen, stat_soon(&self->t[of].g, "pgsteal ",
					    stolen));
	}
	EXPECT_EQ(0, lost_events());
}

/* What the events say of one tenant's pages that come back. */
struct refaults {
	const struct tenant *tenant;
	__u64 evictor;
	long pages;
	int strange;
};

static void add_refault(const char *line, int number, void *arg)
{
	struct refaults *r = arg;

	r->pages += trace_field(line, " nr_pages=");
	r->strange += (__u64)trace_field(line, " evictor_id=") != r->evictor ||
		      trace_pid(line) != r->tenant->c.pid;
}

/*
 * The busy one needs its pages again, of which it is told for whose limit they
 * had to go: the host's. The multi-gen LRU doesn't keep that.
 */
TEST_F_TIMEOUT(consolidation, refault, SLOW)
{
	struct tenant *busy = &self->t[BUSY];
	const char *re = re_refault(&busy->g, NULL);
	struct refaults r = { .tenant = busy, .evictor = self->host.id };

	if (*variant->lru_gen == 'y')
		r.evictor = 0;
	let_all_read(_metadata, self);
	ASSERT_TRUE(trace_each(re, add_refault, &r));
	EXPECT_EQ(0, r.strange)
		trace_dump(re);
	EXPECT_LT(0, r.pages);
	EXPECT_EQ(r.pages, stat_soon(&busy->g, "workingset_refault_file ",
				     r.pages));
	EXPECT_EQ(0, lost_events());
}

/* For how long a tenant was disturbed, in microseconds of one clock. */
struct disturbance {
	const FIXTURE_DATA(consolidation) *self;
	long long taken;	/* when others took the first of its pages */
	long long first;	/* when it needed the first one back */
	long long last;		/* and the last one */
	long long latest;	/* of all events up to now */
	long pages;
	int disordered;
	int strange;
};

static void add_disturbance(const char *line, int number, void *arg)
{
	struct disturbance *d = arg;
	const struct tenant *busy = &d->self->t[BUSY];
	int by = tenant_by_pid(d->self, trace_pid(line));
	long long now = trace_time_us(line);

	d->disordered += now < d->latest;
	d->latest = now;
	if (strstr(line, " memcg_refault: ")) {
		/* Before, they are pages that it has evicted itself. */
		if ((__u64)trace_field(line, " memcg_id=") != busy->g.id ||
		    !d->taken)
			return;
		d->first = d->first ?: now;
		d->last = now;
		d->pages += trace_field(line, " nr_pages=");
	} else if ((__u64)trace_field(line, " victim_id=") == busy->g.id &&
		   by != BUSY && trace_field(line, " nr_reclaimed=")) {
		d->taken = d->taken ?: now;
		d->strange += by == TENANTS;
	}
}

/*
 * From the events follows for how long the busy one was disturbed: from when
 * another one took the first of its pages to when it had the last one back. How
 * long that is isn't judged, but that it can be told. While it is alone it takes
 * its own pages only, and isn't disturbed.
 */
TEST_F_TIMEOUT(consolidation, disturbed, SLOW)
{
	static const char re[] = " memcg_(reclaim|refault): ";
	struct disturbance alone = { .self = self }, d = { .self = self };
	struct tenant *busy = &self->t[BUSY];

	ASSERT_EQ(0, write_file(trace_path("trace_clock"), "mono"));
	ASSERT_EQ(2, cg_put(&busy->g, "memory.max", "2M"));
	ASSERT_EQ(0, child_call(&busy->c, do_reread, busy->fd, BUSY_SIZE));
	ASSERT_EQ(0, child_call(&busy->c, do_reread, busy->fd, BUSY_SIZE));
	ASSERT_EQ(3, cg_put(&busy->g, "memory.max", "max"));
	ASSERT_TRUE(trace_each(re, add_disturbance, &alone));
	EXPECT_EVENTS_AT_LEAST(1, re_reclaim(&busy->g, &busy->g));
	EXPECT_EVENTS_AT_LEAST(1, re_refault(&busy->g, NULL));
	EXPECT_EQ(0, alone.taken);
	EXPECT_EQ(0, alone.pages);

	ASSERT_EQ(0, write_file(trace_path("trace"), ""));
	let_all_read(_metadata, self);
	ASSERT_TRUE(trace_each(re, add_disturbance, &d));
	EXPECT_EQ(0, d.disordered);
	EXPECT_EQ(0, d.strange);
	EXPECT_LT(0, d.taken);
	EXPECT_LE(d.taken, d.first);
	EXPECT_LT(d.first, d.last);
	EXPECT_LT(1, d.pages);
	EXPECT_EQ(0, lost_events());
	TH_LOG("disturbed for %lld us, had %ld pages back in the last %lld us",
	       d.last - d.taken, d.pages, d.last - d.first);
}

/* An evictor that is gone is told as none, and not as somebody else. */
TEST_F_TIMEOUT(consolidation, evictor_gone, SLOW)
{
	static const struct group none;
	struct tenant *idle = &self->t[IDLE1];
	long left = IDLE_SIZE;
	struct group late;
	struct child c;

	if (*variant->lru_gen == 'y')
		SKIP(return, "the multi-gen LRU keeps no evictor");
	let_read(_metadata, &self->t[BUSY], idle);
	/* One that is made later may be taken for the evictor. */
	ASSERT_EQ(0, cg_make(&late, &self->top, "late"));
	children_stop();
	remove_tenants(_metadata, self);
	ASSERT_EQ(0, cg_child_start(&c, &late));
	ASSERT_EQ(0, lseek(idle->fd, 0, SEEK_SET));
	/* It goes some time after its directory. */
	while (!trace_count(re_task(c.pid, re_refault(&late, &none))) && left) {
		ASSERT_EQ(0, child_call(&c, do_read, idle->fd, READ_SIZE));
		left -= READ_SIZE;
		usleep(TICK_US);
	}
	EXPECT_EVENTS_AT_LEAST(1, re_task(c.pid, re_refault(&late, &none)));
}

/* Who has a cgroup give pages away is told as who takes them. */
TEST_F_TIMEOUT(consolidation, proactive, SLOW)
{
	struct tenant *busy = &self->t[BUSY];
	int n;

	ASSERT_EQ(0, child_call(&busy->c, do_reread, busy->fd, BUSY_SIZE));
	EXPECT_EVENTS(0, re_task(getpid(), re_reclaim(NULL, NULL)));
	ASSERT_EQ(2, cg_put(&busy->g, "memory.reclaim", "1M"));
	n = trace_count(re_task(getpid(), re_reclaim(NULL, NULL)));
	EXPECT_LT(0, n);
	EXPECT_EVENTS(n, re_task(getpid(), re_reclaim(&busy->g, &busy->g)));
}

/*
 * Let kswapd find that too little memory is free. Below that are still 15 % of it
 * for who can't wait; low and high are 25 % and 50 % above.
 */
static long need_memory(FIXTURE_DATA(consolidation) *self)
{
	char kib[24];
	ssize_t n = read_text(MIN_FREE, self->min_free, sizeof(self->min_free));

	if (n <= 0) {
		*self->min_free = 0;
		return n ? n : -ENODATA;
	}
	snprintf(kib, sizeof(kib), "%ld",
		 cg_read_key_long("/proc", "meminfo", "MemFree:") / 20 * 17);
	return write_file(MIN_FREE, kib);
}

static long need_no_memory(FIXTURE_DATA(consolidation) *self)
{
	long ret = write_file(MIN_FREE, self->min_free);

	*self->min_free = 0;
	return ret;
}

/*
 * What is evicted because the machine needs memory, and not for a limit, is told
 * as the root's, then and when it comes back.
 */
TEST_F_TIMEOUT(consolidation, machine, SLOW)
{
	struct tenant *busy = &self->t[BUSY];
	struct group none = {};
	int tries = TRIES;
	struct child c;

	ASSERT_EQ(0, child_start(&c));
	ASSERT_EQ(0, child_call(&busy->c, do_reread, busy->fd, BUSY_SIZE));
	ASSERT_EQ(0, need_memory(self));
	/* Who takes some wakes kswapd. */
	while (!trace_count(re_reclaim(&cg_root, &busy->g)) && tries--) {
		ASSERT_EQ(0, child_call(&c, do_touch, 64 * KIB, 0));
		usleep(TICK_US);
	}
	ASSERT_EQ(0, need_no_memory(self));
	EXPECT_EVENTS_AT_LEAST(1, re_reclaim(&cg_root, &busy->g));
	ASSERT_EQ(0, child_call(&busy->c, do_reread, busy->fd, BUSY_SIZE));
	EXPECT_EVENTS_AT_LEAST(1, re_refault(&busy->g, *variant->lru_gen == 'y' ?
					     &none : &cg_root));
}

/* Who isn't root can't enable them. */
TEST_F(consolidation, unprivileged)
{
	expect_unprivileged(_metadata);
}

/* With the events disabled nothing is recorded. */
TEST_F_TIMEOUT(consolidation, disabled, SLOW)
{
	ASSERT_EQ(0, trace_enable(false));
	let_all_read(_metadata, self);
	EXPECT_LT(0, cg_read_key_long(self->host.path, "memory.events.local",
				      "max "));
	EXPECT_EVENTS(0, " memcg_(reclaim|refault): ");
}

/* --- capabilities --- */

static const char * const capability_events[] = {
	"events/capability/cap_capable",
	NULL,
};

static const struct trace_spec capability_trace = {
	.instance = "cgroup_events",
	.events = capability_events,
	.shown = " cap_capable: ",
};

FIXTURE(capability) {
	struct child c, other;
	__u64 id, other_id;
	int uts, other_uts;
};

/* The event is frequent, so it is only of the children. */
static long listen_to_children(FIXTURE_DATA(capability) *self)
{
	char pids[32];
	long ret;

	snprintf(pids, sizeof(pids), "%d %d", self->c.pid, self->other.pid);
	ret = write_file(trace_path("set_event_pid"), pids);
	return ret ? ret : write_file(trace_path("trace"), "");
}

static int open_uts(pid_t pid)
{
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "/proc/%d/ns/uts", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* One where the test is, and one in a user namespace of its own. */
static long start_children(FIXTURE_DATA(capability) *self)
{
	long ret;

	self->uts = open_uts(getpid());
	ret = child_clone(&self->other, CLONE_NEWUSER | CLONE_NEWUTS, 0);
	if (ret)
		return ret;
	self->other_uts = open_uts(self->other.pid);
	self->id = user_ns_id(getpid());
	self->other_id = user_ns_id(self->other.pid);
	ret = child_start(&self->c);
	return ret ? ret : listen_to_children(self);
}

/* The event is an old one. */
static bool has_ids(void)
{
	char format[4096];

	return read_text(TRACEFS "/events/capability/cap_capable/format",
			 format, sizeof(format)) > 0 &&
	       strstr(format, " target_ns_id;");
}

FIXTURE_SETUP(capability)
{
	const char *obstacle = trace_spec_obstacle(&capability_trace);

	if (!obstacle && !has_ids())
		obstacle = "kernel whose cap_capable has no IDs";
	if (!obstacle && !user_ns_id(getpid()))
		obstacle = "kernel without user namespaces";
	if (obstacle)
		SKIP(return, "%s", obstacle);
	ASSERT_EQ(0, trace_start(&capability_trace));
	EXPECT_EQ(0, start_children(self))
		clean_up();
}

FIXTURE_TEARDOWN(capability)
{
	clean_up();
}

/* With the event disabled nothing is recorded of what is otherwise. */
TEST_F(capability, disabled)
{
	ASSERT_EQ(0, trace_enable(false));
	ASSERT_EQ(0, child_call(&self->c, do_chroot, (long)"/", 0));
	EXPECT_EVENTS(0, " cap_capable: ");
	ASSERT_EQ(0, trace_enable(true));
	ASSERT_EQ(0, child_call(&self->c, do_chroot, (long)"/", 0));
	EXPECT_EVENTS(1, re_capable(CAP_SYS_CHROOT, 0, self->id, self->id));
}

/* Who isn't root can't enable it. */
TEST_F(capability, unprivileged)
{
	expect_unprivileged(_metadata);
}

/* What is granted is told with where the caller has it from. */
TEST_F(capability, granted)
{
	ASSERT_EQ(0, child_call(&self->c, do_chroot, (long)"/", 0));
	EXPECT_EVENTS(1, re_capable(CAP_SYS_CHROOT, 0, self->id, self->id));
	EXPECT_EVENTS(1, re_task(self->c.pid,
				 re_capable(CAP_SYS_CHROOT, 0, ANY, ANY)));
}

/* In a user namespace, that is from there. */
TEST_F(capability, granted_inside)
{
	ASSERT_NE(self->id, self->other_id);
	ASSERT_EQ(0, child_call(&self->other, do_chroot, (long)"/", 0));
	EXPECT_EVENTS(1, re_capable(CAP_SYS_CHROOT, 0, self->other_id,
				    self->other_id));
	EXPECT_EVENTS(0, re_capable(CAP_SYS_CHROOT, ANY, self->id, ANY));
}

/* Who has it outside has it inside, and has it from outside. */
TEST_F(capability, granted_from_outside)
{
	ASSERT_EQ(0, child_call(&self->c, do_setns, self->other_uts,
				CLONE_NEWUTS));
	EXPECT_EVENTS(1, re_capable(CAP_SYS_ADMIN, 0, self->other_id,
				    self->id));
}

/* What is refused is told with the namespace in question alone. */
TEST_F(capability, refused)
{
	ASSERT_EQ(0, child_call(&self->c, do_become_nobody, 0, 0));
	ASSERT_EQ(-EPERM, child_call(&self->c, do_chroot, (long)"/", 0));
	EXPECT_EVENTS(1, re_capable(CAP_SYS_CHROOT, -EPERM, self->id, 0));
	EXPECT_EVENTS(1, re_capable(CAP_SYS_CHROOT, ANY, ANY, ANY));
}

/* Who has it inside doesn't have it outside. */
TEST_F(capability, refused_outside)
{
	ASSERT_EQ(-EPERM, child_call(&self->other, do_setns, self->uts,
				     CLONE_NEWUTS));
	EXPECT_EVENTS(1, re_task(self->other.pid,
				 re_capable(CAP_SYS_ADMIN, -EPERM, self->id,
					    0)));
	EXPECT_EVENTS(0, re_task(self->other.pid,
				 re_capable(ANY, 0, self->id, ANY)));
}

/* --- bandwidth, by tracepoints that have no events of their own --- */

#define PROBES		"cgroup_events"
#define DYNAMIC_EVENTS	TRACEFS "/dynamic_events"
#define QUOTA_US	5000
#define PERIOD_US	100000
#define THROTTLES	5
#define MAX_CPUS	4096

static const char * const bandwidth_events[] = {
	"events/" PROBES "/throttle",
	"events/" PROBES "/unthrottle",
	"events/" PROBES "/throttle_task",
	NULL,
};

static const struct trace_spec bandwidth_trace = {
	.instance = "cgroup_events",
	.events = bandwidth_events,
	.shown = " cgroup_id=",
};

static const char * const probes[] = {
	"t:" PROBES "/throttle sched_cfs_throttle_tp cgroup_id cpu runtime_remaining quota period",
	"t:" PROBES "/unthrottle sched_cfs_unthrottle_tp cgroup_id cpu throttled",
	"t:" PROBES "/throttle_task sched_cfs_throttle_task_tp cgroup_id cpu pid=p->pid",
	NULL,
};

static const char * const no_probes[] = {
	"-:" PROBES "/throttle",
	"-:" PROBES "/unthrottle",
	"-:" PROBES "/throttle_task",
	NULL,
};

/* Of the tree, "a" is to have a quota. */
FIXTURE(bandwidth) {
	struct child c, other;
	struct tree t;
	bool *stop;
};

/* Why there are no probes of tracepoints with named arguments, or NULL. */
static const char *probes_obstacle(void)
{
	static char readme[65536];

	if (read_text(TRACEFS "/README", readme, sizeof(readme)) < 0)
		return "no " TRACEFS "/README";
	if (access(DYNAMIC_EVENTS, F_OK) ||
	    !strstr(readme, "<tracepoint> [<args>]"))
		return "kernel without tprobe events";
	if (!strstr(readme, "<argname>"))
		return "kernel without BTF arguments of probes";
	return NULL;
}

/* Does the kernel have it? That isn't told otherwise. */
static bool tracepoint_exists(const char *name)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], symbol[128];
	bool found = false;

	snprintf(symbol, sizeof(symbol), " __traceiter_%s\n", name);
	while (!found && file && fgets(line, sizeof(line), file))
		found = strstr(line, symbol);
	if (file)
		fclose(file);
	return found;
}

/* The file is appended to: to truncate it removes everybody's. */
static long write_probe(const char *probe)
{
	long ret = write_text(DYNAMIC_EVENTS, (char *)probe, strlen(probe));

	return ret < 0 ? ret : 0;
}

static void remove_probes(void)
{
	int i;

	for (i = 0; no_probes[i]; i++)
		write_probe(no_probes[i]);
}

static long add_probes(void)
{
	long ret = 0;
	int i;

	/* Of a run that was killed, some may be left. */
	remove_probes();
	for (i = 0; probes[i] && !ret; i++)
		ret = write_probe(probes[i]);
	if (ret)
		remove_probes();
	return ret;
}

static void stop_spinning(FIXTURE_DATA(bandwidth) *self)
{
	__atomic_store_n(self->stop, true, __ATOMIC_RELAXED);
}

static void clean_up_bandwidth(FIXTURE_DATA(bandwidth) *self)
{
	stop_spinning(self);
	clean_up();
	remove_probes();
}

FIXTURE_SETUP(bandwidth)
{
	const char *obstacle = tracefs_obstacle();
	long ret;

	if (!obstacle)
		obstacle = cg_obstacle();
	if (!obstacle)
		obstacle = cg_want("cpu");
	if (!obstacle)
		obstacle = probes_obstacle();
	if (obstacle)
		SKIP(return, "%s", obstacle);
	self->stop = mmap(NULL, sizeof(*self->stop), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->stop);
	ret = add_probes();
	if (ret && !tracepoint_exists("sched_cfs_throttle_tp"))
		SKIP(return, "kernel without sched_cfs_throttle_tp");
	ASSERT_EQ(0, ret);
	EXPECT_EQ(0, trace_start(&bandwidth_trace)) {
		remove_probes();
		return;
	}
	EXPECT_EQ(0, cg_make_tree(&self->t))
		clean_up_bandwidth(self);
}

FIXTURE_TEARDOWN(bandwidth)
{
	clean_up_bandwidth(self);
}

static long set_quota(const struct group *g)
{
	char value[32];

	snprintf(value, sizeof(value), "%d %d", QUOTA_US, PERIOD_US);
	return cg_put(g, "cpu.max", value) > 0 ? 0 : -EINVAL;
}

/* Let a child be throttled some times, and then go on without a quota. */
static void throttle(struct __test_metadata *_metadata,
		     FIXTURE_DATA(bandwidth) *self, const struct group *where)
{
	ASSERT_EQ(0, set_quota(&self->t.a));
	ASSERT_EQ(0, cg_child_start(&self->c, where));
	ASSERT_TRUE(child_begin(&self->c, do_spin, (long)self->stop, 0));
	EXPECT_LE(THROTTLES, trace_wait(THROTTLES, re_unthrottle(&self->t.a)));
	ASSERT_EQ(3, cg_put(&self->t.a, "cpu.max", "max"));
	stop_spinning(self);
	ASSERT_EQ(0, child_end(&self->c));
}

/* Who isn't root can't enable them. */
TEST_F(bandwidth, unprivileged)
{
	expect_unprivileged(_metadata);
}

/* A quota that is used up is told, with what it is. */
TEST_F_TIMEOUT(bandwidth, throttle, SLOW)
{
	int n;

	throttle(_metadata, self, &self->t.a);
	n = trace_count(re_throttle(&self->t.a, ANY, ANY));
	EXPECT_LE(THROTTLES, n);
	EXPECT_EVENTS(n, re_throttle(&self->t.a, QUOTA_US * NSEC_PER_USEC,
				     PERIOD_US * NSEC_PER_USEC));
}

/* What the lines said of each CPU, up to now. */
struct cpus {
	bool throttled[MAX_CPUS];
	long long since[MAX_CPUS];	/* in microseconds */
	long long us;			/* from each to the one that ends it */
	int pairs;
	int wrong;
};

static void add_throttle(const char *line, int number, void *arg)
{
	struct cpus *cpus = arg;
	long cpu = trace_field(line, " cpu=");
	bool throttled = strstr(line, " throttle: ");
	long long now = trace_time_us(line);

	if (cpu >= MAX_CPUS || cpus->throttled[cpu] == throttled) {
		cpus->wrong++;
		return;
	}
	cpus->throttled[cpu] = throttled;
	if (throttled) {
		cpus->since[cpu] = now;
	} else {
		cpus->us += now - cpus->since[cpu];
		cpus->pairs++;
	}
}

/* On each CPU, it is used up and given back in turn, and given back in the end. */
TEST_F_TIMEOUT(bandwidth, alternate, SLOW)
{
	struct cpus *cpus = calloc(1, sizeof(*cpus));

	ASSERT_NE(NULL, cpus);
	throttle(_metadata, self, &self->t.a);
	ASSERT_TRUE(trace_each(re_throttle_or_not(&self->t.a), add_throttle,
			       cpus));
	EXPECT_EQ(0, cpus->wrong)
		trace_dump(re_throttle_or_not(&self->t.a));
	EXPECT_NULL(memchr(cpus->throttled, true, sizeof(cpus->throttled)));
	EXPECT_EQ(0, lost_events());
	free(cpus);
}

static void add_time(const char *line, int number, void *arg)
{
	*(long long *)arg += trace_field(line, " throttled=");
}

/* The time in between adds up to what the cgroup counts. */
TEST_F_TIMEOUT(bandwidth, time, SLOW)
{
	long long ns = 0;

	throttle(_metadata, self, &self->t.a);
	ASSERT_TRUE(trace_each(re_unthrottle(&self->t.a), add_time, &ns));
	EXPECT_LT(0, ns);
	EXPECT_EQ(ns / NSEC_PER_USEC,
		  cg_read_key_long(self->t.a.path, "cpu.stat",
				   "throttled_usec "));
	EXPECT_EQ(0, lost_events());
}

/*
 * So does the time from each event to the one that ends it, but for how long
 * tasks take to stop: less than a period each.
 */
TEST_F_TIMEOUT(bandwidth, pairs, SLOW)
{
	struct cpus *cpus = calloc(1, sizeof(*cpus));
	long counted;

	ASSERT_NE(NULL, cpus);
	ASSERT_EQ(0, write_file(trace_path("trace_clock"), "mono"));
	throttle(_metadata, self, &self->t.a);
	ASSERT_TRUE(trace_each(re_throttle_or_not(&self->t.a), add_throttle,
			       cpus));
	counted = cg_read_key_long(self->t.a.path, "cpu.stat",
				   "throttled_usec ");
	TH_LOG("%d pairs, %lld us between them, %ld us counted", cpus->pairs,
	       cpus->us, counted);
	EXPECT_LE(THROTTLES, cpus->pairs);
	EXPECT_LT(0, counted);
	EXPECT_GT((long long)cpus->pairs * PERIOD_US,
		  llabs(cpus->us - counted));
	EXPECT_EQ(0, lost_events());
	free(cpus);
}

/* A task that stops for that is told, with its own cgroup. */
TEST_F_TIMEOUT(bandwidth, task, SLOW)
{
	throttle(_metadata, self, &self->t.x);
	EXPECT_EVENTS_AT_LEAST(1, re_throttle_task(&self->t.x, self->c.pid));
	EXPECT_EVENTS(0, re_throttle_task(&self->t.a, ANY));
	EXPECT_EVENTS(0, re_throttle(&self->t.x, ANY, ANY));
}

/* Where there is no quota, nobody is throttled. */
TEST_F_TIMEOUT(bandwidth, no_quota, SLOW)
{
	ASSERT_EQ(0, cg_child_start(&self->other, &self->t.b));
	ASSERT_TRUE(child_begin(&self->other, do_spin, (long)self->stop, 0));
	throttle(_metadata, self, &self->t.a);
	ASSERT_EQ(0, child_end(&self->other));
	EXPECT_EVENTS(0, re_throttle_or_not(&self->t.b));
	EXPECT_EVENTS(0, re_throttle_task(&self->t.b, ANY));
	EXPECT_EVENTS(0, re_throttle_task(NULL, self->other.pid));
}

/* With the events disabled nothing is recorded. */
TEST_F_TIMEOUT(bandwidth, disabled, SLOW)
{
	ASSERT_EQ(0, trace_enable(false));
	ASSERT_EQ(0, set_quota(&self->t.a));
	ASSERT_EQ(0, cg_child_start(&self->c, &self->t.a));
	ASSERT_TRUE(child_begin(&self->c, do_spin, (long)self->stop, 0));
	EXPECT_LT(0, cg_read_key_long_poll(self->t.a.path, "cpu.stat",
					   "nr_throttled ", THROTTLES, TRIES,
					   TICK_US));
	EXPECT_EVENTS(0, " cgroup_id=");
}

TEST_HARNESS_MAIN
