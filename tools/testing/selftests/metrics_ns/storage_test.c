// SPDX-License-Identifier: GPL-2.0
/*
 * Disks, swap space and /proc/vmstat in a scoped metrics namespace, against the
 * files of the cgroup that the numbers come from.
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "view.h"

/* Where a file is on a disk, and swap space may be */
#define DISK_DIR	"/var/tmp"
#define SWAP_SIZE	(16 * MIB)
#define IO_SIZE		(1 * MIB)

#define DISKSTATS	"/proc/diskstats"
#define SWAPS		"/proc/swaps"
#define VMSTAT		"/proc/vmstat"

static char io_text[TEXT_MAX];

/* Is this a file system that passes each direct write on to its disk? */
static bool on_disk(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && (fs.f_type == EXT4_SUPER_MAGIC ||
				     fs.f_type == XFS_SUPER_MAGIC);
}

/* A file without a name, on a disk, to be written directly; or -errno */
static int open_disk_file(void)
{
	int fd = open(DISK_DIR, O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);

	if (fd >= 0 && !on_disk(fd)) {
		close(fd);
		fd = -1;
		errno = EMEDIUMTYPE;
	}
	return or_errno(fd);
}

static void *io_buffer(void)
{
	void *p = mmap(NULL, IO_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Write a file and read it back. */
static long do_io(long fd, long unused)
{
	void *p = io_buffer();

	if (!p || pwrite(fd, p, IO_SIZE, 0) != IO_SIZE || fsync(fd) ||
	    pread(fd, p, IO_SIZE, 0) != IO_SIZE)
		return -EIO;
	munmap(p, IO_SIZE);
	return 0;
}

/* A number of a disk in the io.stat of a cgroup; 0 if it isn't there */
static long long io_stat(int cgroup, dev_t disk, const char *key)
{
	char dev[32], *line, *field;

	if (!read_file_at(cgroup, "io.stat", io_text, TEXT_MAX))
		return -1;
	snprintf(dev, sizeof(dev), "%u:%u ", major(disk), minor(disk));
	for (line = io_text; strncmp(line, dev, strlen(dev));) {
		line = strchr(line, '\n');
		if (!line || !*++line)
			return 0;
	}
	*strchrnul(line, '\n') = 0;
	field = strstr(line, key);
	return field ? strtoll(field + strlen(key), NULL, 10) : 0;
}

/* A line of /proc/diskstats by its disk, NULL if there is none */
static const char *disk_line(const char *from, dev_t disk)
{
	unsigned int maj, min;

	for (; from && *from; from = next_line(from))
		if (sscanf(from, "%u %u", &maj, &min) == 2 &&
		    makedev(maj, min) == disk)
			return from;
	return NULL;
}

/* A column after the disk's name, from 1; -1 if there is none */
static long long disk_column(const char *line, int col)
{
	long long value = -1;
	int skip;

	if (!line || sscanf(line, "%*u %*u %*s%n", &skip) == EOF)
		return -1;
	for (line += skip; col--; line += skip)
		if (*line != ' ' || sscanf(line, "%lld%n", &value, &skip) != 1)
			return -1;
	return value;
}

#define STAT_NUMBERS	17

/* The numbers of a disk's stat in sysfs, -1 for those that aren't there */
static const long long *numbers_of(const char *from)
{
	static long long numbers[STAT_NUMBERS];
	char *end;
	int i;

	for (i = 0; i < STAT_NUMBERS; i++, from = end) {
		numbers[i] = strtoll(from, &end, 10);
		if (end == from)
			numbers[i] = -1;
	}
	return numbers;
}

/* With the I/O controller, and a file on a disk */
FIXTURE(disk) {
	FIXTURE_DATA(view) view;
	bool enabled;	/* the controller wasn't, in the root */
	int fd;
};

static void disk_clean_up(struct __test_metadata *_metadata,
			  FIXTURE_DATA(disk) *self)
{
	close(self->fd);
	view_teardown(_metadata, &self->view, NULL);
	if (self->enabled)
		switch_controller(self->view.root, '-', "io");
}

FIXTURE_SETUP(disk)
{
	FIXTURE_DATA(view) *v = &self->view;

	view_setup(_metadata, v, NULL);
	if (_metadata->exit_code)
		return;
	self->fd = open_disk_file();
	self->enabled = !cgroup_lists(v->root, CONTROLLERS, "io");
	if (self->fd >= 0 && !switch_controller(v->root, '+', "io") &&
	    !switch_controller(v->outer, '+', "io"))
		return;
	disk_clean_up(_metadata, self);
	if (self->fd < 0)
		SKIP(return, "%s is on no disk: %s", DISK_DIR,
		     strerror(-self->fd));
	SKIP(return, "no I/O controller in cgroup v2");
}

FIXTURE_TEARDOWN(disk)
{
	disk_clean_up(_metadata, self);
}

/* Let a process in a cgroup write to the disk and read from it. */
static long use_disk(FIXTURE_DATA(disk) *self, int cgroup)
{
	struct child c;
	long ret;

	ret = child_start(&c);
	if (!ret)
		ret = child_call(&c, do_join_cgroup, cgroup, 0);
	if (!ret)
		ret = child_call(&c, do_io, self->fd, 0);
	/* A tick, as statistics are flushed once a tick */
	usleep(20000);
	return ret;
}

/*
 * The disk of a cgroup's io.stat. A file's st_dev may be a partition's; and where
 * disks are stacked there are several. Returns 0 if there isn't just one.
 */
static dev_t only_disk(int cgroup)
{
	unsigned int maj, min;

	if (!read_file_at(cgroup, "io.stat", io_text, TEXT_MAX) ||
	    *next_line(io_text) || sscanf(io_text, "%u:%u", &maj, &min) != 2)
		return 0;
	return makedev(maj, min);
}

#define NEEDS_ONE(disk) do { \
	if (!(disk)) \
		SKIP(return, "%s is on several disks", DISK_DIR); \
} while (0)

/* The disk that the scope uses is shown with the numbers of io.stat. */
TEST_F(disk, shown)
{
	static const struct {
		const char *key;
		int col;
		int unit;
	} numbers[] = {
		{ "rios=", 1, 1 }, { "rbytes=", 3, 512 },
		{ "wios=", 5, 1 }, { "wbytes=", 7, 512 },
		{ "dios=", 12, 1 }, { "dbytes=", 14, 512 },
	};
	FIXTURE_DATA(view) *v = &self->view;
	const char *line, *want;
	dev_t disk;
	size_t i;

	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_EQ(0, use_disk(self, v->scope));
	disk = only_disk(v->scope);
	NEEDS_ONE(disk);

	line = disk_line(view(&v->c, DISKSTATS), disk);
	ASSERT_NE(NULL, line);
	EXPECT_EQ(&shared->text[0], line);
	EXPECT_STREQ("", next_line(line));
	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		EXPECT_EQ(io_stat(v->scope, disk, numbers[i].key),
			  disk_column(line, numbers[i].col) * numbers[i].unit);
	EXPECT_LE(IO_SIZE / 512, disk_column(line, 3));
	EXPECT_LE(IO_SIZE / 512, disk_column(line, 7));

	/* It is as the machine's: so long, and by that name. */
	want = disk_line(machine(DISKSTATS), disk);
	ASSERT_NE(NULL, want);
	EXPECT_EQ(strcspn(want, "abcdefghijklmnopqrstuvwxyz"),
		  strcspn(line, "abcdefghijklmnopqrstuvwxyz"));
	EXPECT_EQ(0, disk_column(line, 17));
	EXPECT_EQ(-1, disk_column(line, 18));
	EXPECT_LE(0, disk_column(want, 17));
	EXPECT_EQ(-1, disk_column(want, 18));
	EXPECT_LT(disk_column(line, 1), disk_column(want, 1));
}

/* So it is in sysfs, where every disk has its file. */
TEST_F(disk, in_sysfs)
{
	FIXTURE_DATA(view) *v = &self->view;
	static char path[64];
	struct child c;
	dev_t disk;

	ASSERT_EQ(0, use_disk(self, v->scope));
	disk = only_disk(v->scope);
	NEEDS_ONE(disk);
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/stat", major(disk),
		 minor(disk));
	/* One who knows the path */
	ASSERT_EQ(0, child_start_inside(&c, v->ns));
	ASSERT_NE(NULL, view(&c, path));
	EXPECT_LT(io_stat(v->scope, disk, "rios="), numbers_of(shared->text)[0]);
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_NE(NULL, view(&c, path));
	EXPECT_EQ(io_stat(v->scope, disk, "rios="), numbers_of(shared->text)[0]);
	EXPECT_EQ(io_stat(v->scope, disk, "rbytes=") / 512,
		  numbers_of(shared->text)[2]);
	EXPECT_EQ(io_stat(v->scope, disk, "wios="), numbers_of(shared->text)[4]);
	EXPECT_EQ(0, numbers_of(shared->text)[3]);
	EXPECT_EQ(0, numbers_of(shared->text)[8]);
	EXPECT_EQ(0, numbers_of(shared->text)[16]);
}

/* A disk that the scope hasn't used has a file of zeroes. */
TEST_F(disk, unused_in_sysfs)
{
	FIXTURE_DATA(view) *v = &self->view;
	int other = cgroup_make(v->outer, "other"), i;
	static char path[64];
	struct child c;
	dev_t disk;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, use_disk(self, other));
	disk = only_disk(other);
	NEEDS_ONE(disk);
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/stat", major(disk),
		 minor(disk));
	ASSERT_EQ(0, child_start_inside(&c, v->ns));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_NE(NULL, view(&c, path));
	for (i = 0; i < STAT_NUMBERS; i++)
		EXPECT_EQ(0, numbers_of(shared->text)[i]);
}

/* What others do to a disk is none of the scope's. */
TEST_F(disk, of_others)
{
	FIXTURE_DATA(view) *v = &self->view;
	int other = cgroup_make(v->outer, "other");

	ASSERT_LE(0, other);
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_EQ(0, use_disk(self, other));
	EXPECT_STREQ("", view(&v->c, DISKSTATS));
}

/* What is done below is. */
TEST_F(disk, of_child)
{
	FIXTURE_DATA(view) *v = &self->view;
	int below;

	ASSERT_EQ(0, switch_controller(v->scope, '+', "io"));
	below = cgroup_make(v->scope, "below");
	ASSERT_LE(0, below);
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_EQ(0, use_disk(self, below));
	EXPECT_STRNE("", view(&v->c, DISKSTATS));
}

/* Without a scope they are the machine's, and without the controller. */
TEST_F(disk, of_the_machine)
{
	FIXTURE_DATA(view) *v = &self->view;
	const char *want;

	want = machine(DISKSTATS);
	ASSERT_NE(NULL, want);
	ASSERT_NE(NULL, view(&v->c, DISKSTATS));
	EXPECT_TRUE(same_lines(want, shared->text, "abcdefghijklmnopqrstuvwxyz"));
	ASSERT_EQ(0, switch_controller(v->outer, '-', "io"));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_NE(NULL, view(&v->c, DISKSTATS));
	EXPECT_TRUE(same_lines(want, shared->text, "abcdefghijklmnopqrstuvwxyz"));
}

/* Disks that only others have used stand beside the view. */
TEST_F(disk, beside_the_view)
{
	FIXTURE_DATA(view) *v = &self->view;

	ASSERT_EQ(0, ns_set_flags(v->ns, METRICS_NS_HOST_VIEW));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	EXPECT_STREQ("", view(&v->c, DISKSTATS));
	ASSERT_NE(NULL, view(&v->c, "/proc/host/diskstats"));
	EXPECT_TRUE(same_lines(machine(DISKSTATS), shared->text,
			       "abcdefghijklmnopqrstuvwxyz"));
}

/* A removed cgroup has none. */
TEST_F(disk, of_removed_cgroup)
{
	FIXTURE_DATA(view) *v = &self->view;

	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_EQ(0, unlinkat(v->outer, "scope", AT_REMOVEDIR));
	EXPECT_STREQ("", view(&v->c, DISKSTATS));
}

/* The controller comes after the scope: from then on they are the scope's. */
TEST_F(disk, enabled_later)
{
	FIXTURE_DATA(view) *v = &self->view;
	dev_t disk;

	ASSERT_EQ(0, switch_controller(v->outer, '-', "io"));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_STRNE("", view(&v->c, DISKSTATS));
	ASSERT_EQ(0, switch_controller(v->outer, '+', "io"));
	EXPECT_STREQ("", view(&v->c, DISKSTATS));
	ASSERT_EQ(0, use_disk(self, v->scope));
	disk = only_disk(v->scope);
	NEEDS_ONE(disk);
	EXPECT_NE(NULL, disk_line(view(&v->c, DISKSTATS), disk));
}

#define DISK_READERS	50
/* Each has to see the numbers grow that often, for no longer than that. */
#define DISK_GROWTH	3
#define DISK_READ_MS	60000

/* Reads, read sectors, writes, written sectors in place of those before; or a fault */
static int check_disk(dev_t disk, long long *last, int *grown)
{
	const char *from = machine(DISKSTATS), *line;
	int i, fault = 0;
	long long now;

	line = disk_line(from, disk);
	if (!line)
		return UNREADABLE;
	*grown += disk_column(line, 3) > last[1];
	for (i = 0; i < 4; i++) {
		now = disk_column(line, 2 * i + 1);
		if (now < last[i])
			fault |= WENT_BACK;
		last[i] = now;
	}
	return fault;
}

static int read_disk_often(long disk)
{
	long until = now_ms(CLOCK_MONOTONIC) + DISK_READ_MS;
	int grown = -1, fault = 0;
	long long last[4] = {};

	while (!fault && grown < DISK_GROWTH) {
		fault = check_disk(disk, last, &grown);
		if (grown < DISK_GROWTH && now_ms(CLOCK_MONOTONIC) > until)
			fault |= STOOD_STILL;
	}
	return fault;
}

static long do_read_disk(long disk, long unused)
{
	return read_by_many(DISK_READERS, read_disk_often, disk);
}

/* For none of many readers the numbers go back while the disk is used. */
TEST_F_TIMEOUT(disk, many_readers, 300)
{
	FIXTURE_DATA(view) *v = &self->view;
	struct pollfd pfd = { .fd = v->c.reply, .events = POLLIN };
	struct child user;
	dev_t disk;

	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_EQ(0, use_disk(self, v->scope));
	disk = only_disk(v->scope);
	NEEDS_ONE(disk);
	ASSERT_EQ(0, child_start(&user));
	ASSERT_EQ(0, child_call(&user, do_join_cgroup, v->scope, 0));
	ASSERT_TRUE(child_begin(&v->c, do_read_disk, disk, 0));
	/* Until the last of them, however late it has begun, has seen enough. */
	do {
		ASSERT_EQ(0, child_call(&user, do_io, self->fd, 0));
	} while (!poll(&pfd, 1, 100));
	EXPECT_EQ(0, child_end(&v->c));
}

/* pgpgin and pgpgout are the sums; they stay when the controller is switched off. */
TEST_F(disk, vmstat)
{
	FIXTURE_DATA(view) *v = &self->view;
	long in, out;
	dev_t disk;

	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_EQ(0, use_disk(self, v->scope));
	disk = only_disk(v->scope);
	NEEDS_ONE(disk);
	ASSERT_NE(NULL, view(&v->c, VMSTAT));
	in = number(shared->text, "pgpgin");
	out = number(shared->text, "pgpgout");
	EXPECT_LE(IO_SIZE / 1024, in);
	EXPECT_LE(IO_SIZE / 1024, out);
	EXPECT_EQ(io_stat(v->scope, disk, "rbytes=") / 1024, in);
	EXPECT_EQ(io_stat(v->scope, disk, "wbytes=") / 1024, out);

	/* It begins again, and goes on. */
	ASSERT_EQ(0, switch_controller(v->outer, '-', "io"));
	ASSERT_EQ(0, switch_controller(v->outer, '+', "io"));
	usleep(20000);
	ASSERT_NE(NULL, view(&v->c, VMSTAT));
	EXPECT_EQ(in, number(shared->text, "pgpgin"));
	ASSERT_EQ(0, use_disk(self, v->scope));
	ASSERT_NE(NULL, view(&v->c, VMSTAT));
	EXPECT_EQ(in + io_stat(v->scope, disk, "rbytes=") / 1024,
		  number(shared->text, "pgpgin"));
	EXPECT_EQ(out + io_stat(v->scope, disk, "wbytes=") / 1024,
		  number(shared->text, "pgpgout"));
}

/* The counters of memory.stat stand in vmstat under their names. */
static void expect_same(struct __test_metadata *_metadata,
			FIXTURE_DATA(view) *v, const char * const *keys, int n)
{
	int i, tries = TRIES;

	/* What is pending is flushed after two seconds, if not before. */
	do {
		usleep(TICK_US);
		ASSERT_NE(NULL, view(&v->c, VMSTAT));
		ASSERT_TRUE(read_file_at(v->scope, "memory.stat", text, TEXT_MAX));
	} while ((number(text, keys[0]) <= 0 ||
		  number(text, keys[0]) != number(shared->text, keys[0])) &&
		 tries--);
	for (i = 0; i < n; i++) {
		EXPECT_LT(0, number(text, keys[i])) {
			TH_LOG("%s", keys[i]);
		}
		EXPECT_EQ(number(text, keys[i]), number(shared->text, keys[i])) {
			TH_LOG("%s", keys[i]);
		}
	}
}

TEST_F(view, vmstat)
{
	static const char * const keys[] = { "pgfault" };
	struct child c;

	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_EQ(0, child_start(&c));
	ASSERT_EQ(0, child_call(&c, do_join_cgroup, self->scope, 0));
	ASSERT_EQ(0, child_call(&c, do_allocate, 8 * MIB, 0));
	expect_same(_metadata, self, keys, 1);
	EXPECT_LE(labs(number(text, "anon") / getpagesize() -
		       number(shared->text, "nr_anon_pages")),
		  MIB / getpagesize());
	EXPECT_EQ(0, number(shared->text, "pgfree"));
	EXPECT_EQ(0, number(shared->text, "nr_mlock"));
}

/* Its lines are those of the machine, and so are its thresholds. */
TEST_F(view, vmstat_lines)
{
	const char *want = machine(VMSTAT);

	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_NE(NULL, view(&self->c, VMSTAT));
	EXPECT_TRUE(same_lines(want, shared->text, " "));
	EXPECT_EQ(number(want, "nr_memmap_boot_pages"),
		  number(shared->text, "nr_memmap_boot_pages"));
	EXPECT_LT(0, number(shared->text, "nr_dirty_threshold"));
}

/* nr_free_pages is MemFree. */
TEST_F(view, vmstat_free)
{
	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "64M"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_NE(NULL, view(&self->c, VMSTAT));
	EXPECT_EQ(64 * MIB / getpagesize(), number(shared->text, "nr_free_pages"));
}

/* A kill for want of memory is counted. */
TEST_F(view, vmstat_oom_kill)
{
	struct child c;

	ASSERT_EQ(0, write_file_at(self->scope, "memory.max", "8M"));
	ASSERT_EQ(0, write_file_at(self->scope, "memory.swap.max", "0"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	ASSERT_NE(NULL, view(&self->c, VMSTAT));
	EXPECT_EQ(0, number(shared->text, "oom_kill"));
	ASSERT_EQ(0, child_start(&c));
	ASSERT_EQ(0, child_call(&c, do_join_cgroup, self->scope, 0));
	EXPECT_EQ(-EPIPE, child_call(&c, do_allocate, 32 * MIB, 0));
	ASSERT_NE(NULL, view(&self->c, VMSTAT));
	EXPECT_EQ(1, number(shared->text, "oom_kill"));
}

/* Without the controller it is the machine's; a removed cgroup has nothing. */
TEST_F(view, vmstat_without_cgroup)
{
	long before;

	ASSERT_EQ(0, switch_controller(self->outer, '-', "memory"));
	ASSERT_EQ(0, ns_set_scope(self->ns, self->scope));
	before = number(machine(VMSTAT), "pgfault");
	ASSERT_NE(NULL, view(&self->c, VMSTAT));
	EXPECT_LE(before, number(shared->text, "pgfault"));
	ASSERT_EQ(0, unlinkat(self->outer, "scope", AT_REMOVEDIR));
	ASSERT_NE(NULL, view(&self->c, VMSTAT));
	EXPECT_EQ(0, number(shared->text, "pgfault"));
}

/* Pages that are alike in every byte aren't written to swap space. */
static long do_allocate_random(long bytes, long unused)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long at;

	if (p == MAP_FAILED)
		return -errno;
	for (at = 0; at < bytes; at += 64)
		p[at] = at / 64 + at / 4096 + 1;
	return 0;
}

/* Swap space of the machine, on a disk */
FIXTURE(swap) {
	FIXTURE_DATA(view) view;
	char path[64];
};

/* What mkswap does, SWAP_SIZE of it */
static long make_swap(const char *path)
{
	long page = getpagesize();
	char *p = calloc(1, page);
	__u32 *header = (__u32 *)(p + 1024);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	long ret = -EMEDIUMTYPE, at;

	if (!p || fd < 0) {
		free(p);
		return fd < 0 ? -errno : -ENOMEM;
	}
	if (on_disk(fd)) {
		ret = 0;
		for (at = 0; !ret && at < SWAP_SIZE; at += page)
			ret = pwrite(fd, p, page, at) == page ? 0 : -EIO;
		header[0] = 1;				/* version */
		header[1] = SWAP_SIZE / page - 1;	/* last page */
		memcpy(p + page - 10, "SWAPSPACE2", 10);
		if (!ret && (pwrite(fd, p, page, 0) != page || fsync(fd)))
			ret = -EIO;
	}
	close(fd);
	free(p);
	return ret ? ret : or_errno(swapon(path, 0));
}

FIXTURE_SETUP(swap)
{
	long ret;

	if (access(SWAPS, F_OK))
		SKIP(return, "no swap space");
	view_setup(_metadata, &self->view, NULL);
	if (_metadata->exit_code)
		return;
	snprintf(self->path, sizeof(self->path), DISK_DIR "/swap-%d", getpid());
	ret = make_swap(self->path);
	if (!ret)
		return;
	unlink(self->path);
	view_teardown(_metadata, &self->view, NULL);
	if (ret == -EMEDIUMTYPE)
		SKIP(return, "no swap space in %s: %s", DISK_DIR, strerror(-ret));
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(swap)
{
	view_teardown(_metadata, &self->view, NULL);
	EXPECT_EQ(0, swapoff(self->path));
	EXPECT_EQ(0, unlink(self->path));
}

#define HEADER "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

/* The one line has what the scope may use, and has used. */
TEST_F(swap, line)
{
	FIXTURE_DATA(view) *v = &self->view;
	struct child c;
	const char *line;
	long used;

	ASSERT_EQ(0, write_file_at(v->scope, "memory.max", "16M"));
	ASSERT_EQ(0, write_file_at(v->outer, "memory.swap.max", "12M"));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	EXPECT_STREQ(HEADER "none                                    virtual\t\t12288\t\t0\t\t0\n",
		     view(&v->c, SWAPS));

	ASSERT_EQ(0, child_start(&c));
	ASSERT_EQ(0, child_call(&c, do_join_cgroup, v->scope, 0));
	ASSERT_EQ(0, child_call(&c, do_allocate_random, 22 * MIB, 0));
	ASSERT_NE(NULL, view(&v->c, SWAPS));
	ASSERT_TRUE(read_file_at(v->scope, "memory.swap.current", text, TEXT_MAX));
	line = strstr(shared->text, "virtual\t\t12288\t\t");
	ASSERT_NE(NULL, line);
	used = strtol(line + strlen("virtual\t\t12288\t\t"), NULL, 10);
	EXPECT_LE(4 * 1024, used);
	EXPECT_EQ(strtol(text, NULL, 10) / 1024, used);
	EXPECT_STREQ("", next_line(next_line(shared->text)));

	/* As in /proc/meminfo */
	EXPECT_EQ(12288, kib(&v->c, "SwapTotal"));
	EXPECT_EQ(12288 - used, kib(&v->c, "SwapFree"));
}

/* Swapping and reclaim are in vmstat as they are in memory.stat. */
TEST_F(swap, vmstat)
{
	static const char * const keys[] = {
		"pgscan_direct", "pgsteal_direct", "pswpout", "pgfault",
	};
	FIXTURE_DATA(view) *v = &self->view;
	struct child c;

	ASSERT_EQ(0, write_file_at(v->scope, "memory.max", "16M"));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_EQ(0, child_start(&c));
	ASSERT_EQ(0, child_call(&c, do_join_cgroup, v->scope, 0));
	ASSERT_EQ(0, child_call(&c, do_allocate_random, 22 * MIB, 0));
	expect_same(_metadata, v, keys, sizeof(keys) / sizeof(*keys));
}

/* Who may not swap has no swap space. */
TEST_F(swap, none)
{
	FIXTURE_DATA(view) *v = &self->view;

	ASSERT_EQ(0, write_file_at(v->scope, "memory.swap.max", "0"));
	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	EXPECT_STREQ(HEADER, view(&v->c, SWAPS));
}

/* While memory.swap.max changes, a reader sees the one or the other, and all fit. */
TEST_F_TIMEOUT(swap, max_changes, 120)
{
	FIXTURE_DATA(view) *v = &self->view;
	bool seen[2] = {};
	long total;
	int i;

	ASSERT_EQ(0, ns_set_scope(v->ns, v->scope));
	ASSERT_TRUE(start_flipping(v->scope, "memory.swap.max", "4M", "12M"));
	for (i = 0; go_on(i, seen); i++) {
		ASSERT_NE(NULL, view(&v->c, "/proc/meminfo"));
		total = number(shared->text, "SwapTotal");
		ASSERT_TRUE(total == 4 * 1024 || total == 12 * 1024) {
			TH_LOG("SwapTotal %ld", total);
		}
		ASSERT_EQ(total, number(shared->text, "SwapFree"));
		ASSERT_NE(NULL, view(&v->c, SWAPS));
		ASSERT_TRUE(strstr(shared->text, "virtual\t\t4096\t\t0") ||
			    strstr(shared->text, "virtual\t\t12288\t\t0")) {
			TH_LOG("%s", shared->text);
		}
		seen[total == 12 * 1024] = true;
	}
	EXPECT_TRUE(seen[0] && seen[1]);
	expect_flipping(_metadata);
}

/* Without a scope it is the machine's. */
TEST_F(swap, unscoped)
{
	EXPECT_NE(NULL, strstr(view(&self->view.c, SWAPS), self->path));
	EXPECT_EQ(0, ns_set_scope(self->view.ns, self->view.scope));
	EXPECT_EQ(NULL, strstr(view(&self->view.c, SWAPS), self->path));
}

TEST_HARNESS_MAIN
