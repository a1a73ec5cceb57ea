// SPDX-License-Identifier: GPL-2.0
/* Wherever the ID of a metrics namespace is shown, it is the same one. */
#include "listns.h"

#ifndef NSFS_FILE_HANDLE_SIZE_VER0
struct nsfs_file_handle {
	__u64 ns_id;
	__u32 ns_type;
	__u32 ns_inum;
};
#endif

static int listed(__u64 id)
{
	return listed_of(id, 0);
}

static ino_t inum_of(pid_t pid)
{
	struct stat st;
	int fd = open_ns(pid);

	if (fd < 0 || fstat(fd, &st))
		return 0;
	close(fd);
	return st.st_ino;
}

static bool in_initial_ns(void)
{
	return inum_of(0) == METRICS_NS_INIT_INO;
}

#define NEEDS_INITIAL_NS() do { \
	if (!in_initial_ns()) \
		SKIP(return, "not in the initial metrics namespace"); \
} while (0)

/* What the handles tested from a child look like; set before it is forked. */
static union handle shared_handle;

static long do_open_handle(long unused, long unused2)
{
	return open_handle(&shared_handle);
}

static long do_close_namespaces(long unused, long unused2)
{
	char path[PROC_PATH_MAX], target[16];
	int fd;

	for (fd = 3; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		memset(target, 0, sizeof(target));
		if (readlink(path, target, sizeof(target) - 1) > 0 &&
		    !strncmp(target, "metrics:", strlen("metrics:")))
			close(fd);
	}
	return 0;
}

static __u64 parent_id_of(pid_t pid)
{
	struct metrics_ns_info info = {};
	int fd = open_ns(pid);
	long ret = ns_get(fd, &info);

	close(fd);
	return ret ? 0 : info.parent_id;
}

static long do_listed(long id, long unused)
{
	return listed(id);
}

static long do_pidfd_ns(long pidfd, long unused)
{
	return or_errno(ioctl(pidfd, PIDFD_GET_METRICS_NAMESPACE, 0));
}

FIXTURE(ids) {
	struct child a, b;
	__u64 id;
	int fd;
};

FIXTURE_SETUP(ids)
{
	METRICS_NS_SETUP();
	ASSERT_EQ(0, child_start_ns(&self->a));
	self->fd = open_ns(self->a.pid);
	ASSERT_LE(0, self->fd);
	self->id = ns_id(self->fd);
	ASSERT_LT(0, self->id);
}

FIXTURE_TEARDOWN(ids)
{
	children_stop();
}

/* The link in /proc names the type and the inode number. */
TEST_F(ids, link_text)
{
	char path[PROC_PATH_MAX], link[64] = "", want[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/metrics", self->a.pid);
	snprintf(want, sizeof(want), "metrics:[%lu]", inum_of(self->a.pid));
	ASSERT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ(want, link);
}

/* NS_GET_NSTYPE gives the flag that makes one. */
TEST_F(ids, type)
{
	EXPECT_EQ(CLONE_NEWMETRICS, ioctl(self->fd, NS_GET_NSTYPE));
}

/* NS_GET_USERNS gives the user namespace of the creator. */
TEST_F(ids, owner)
{
	int own = open_proc(0, "ns/user");
	int owner = ioctl(self->fd, NS_GET_USERNS);
	struct stat a, b;

	ASSERT_LE(0, owner);
	ASSERT_EQ(0, fstat(own, &a));
	ASSERT_EQ(0, fstat(owner, &b));
	EXPECT_EQ(a.st_ino, b.st_ino);
}

/* NS_GET_USERNS gives the new user namespace if both were made at once. */
TEST_F(ids, owner_is_new_user_ns)
{
	struct stat a, b;
	int user, owner;

	ASSERT_EQ(0, child_start(&self->b));
	ASSERT_EQ(0, child_unshare(&self->b, CLONE_NEWUSER | CLONE_NEWMETRICS));
	user = open_proc(self->b.pid, "ns/user");
	owner = ioctl(open_ns(self->b.pid), NS_GET_USERNS);
	ASSERT_LE(0, owner);
	ASSERT_EQ(0, fstat(user, &a));
	ASSERT_EQ(0, fstat(owner, &b));
	EXPECT_EQ(a.st_ino, b.st_ino);
}

/* The status file has the ID. */
TEST_F(ids, status)
{
	EXPECT_EQ(self->id, status_id(self->a.pid));
}

/* In the status file the line follows NSsid. */
TEST_F(ids, status_place)
{
	char buf[8192];
	const char *line = status_field(0, "NSsid", buf, sizeof(buf));

	if (!line)
		SKIP(return, "kernel without CONFIG_PID_NS");
	line = strchr(line, '\n');
	ASSERT_NE(NULL, line);
	EXPECT_EQ(0, strncmp(line + 1, "NSmetrics:\t", 11));
}

/* Who may not read the links of a process reads 0. */
TEST_F(ids, status_of_foreign_process)
{
	NEEDS_ROOT();
	ASSERT_EQ(0, child_start(&self->b));
	ASSERT_EQ(self->id, child_call(&self->b, do_status_id, self->a.pid, 0));
	ASSERT_EQ(0, child_call(&self->b, do_become_nobody, 0, 0));
	EXPECT_EQ(0, child_call(&self->b, do_status_id, self->a.pid, 0));
}

/* A process inside sees its own ID. */
TEST_F(ids, status_of_self)
{
	EXPECT_EQ(self->id, child_call(&self->a, do_status_id, 0, 0));
}

/* NS_METRICS_GET has the ID. */
TEST_F(ids, metrics_get)
{
	struct metrics_ns_info info = {};

	ASSERT_EQ(0, ns_get(self->fd, &info));
	EXPECT_EQ(self->id, info.id);
}

/* The file descriptor from a pidfd is that of the namespace. */
TEST_F(ids, pidfd)
{
	int pidfd = sys_pidfd_open(self->a.pid);
	int fd;

	ASSERT_LE(0, pidfd);
	fd = do_pidfd_ns(pidfd, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(self->id, ns_id(fd));
}

/* A pidfd gives it only to whom /proc would give it. */
TEST_F(ids, pidfd_of_foreign_process)
{
	int pidfd = sys_pidfd_open(self->a.pid);

	NEEDS_ROOT();
	ASSERT_LE(0, pidfd);
	ASSERT_EQ(0, child_start(&self->b));
	ASSERT_EQ(0, child_call(&self->b, do_become_nobody, 0, 0));
	EXPECT_EQ(-EACCES, child_call(&self->b, do_pidfd_ns, pidfd, 0));
}

/* A file handle has ID, type and inode number. */
TEST_F(ids, handle_content)
{
	struct nsfs_file_handle content;
	union handle handle;

	ASSERT_EQ(0, handle_of(self->fd, &handle));
	memcpy(&content, handle.head.f_handle, sizeof(content));
	EXPECT_EQ(self->id, content.ns_id);
	EXPECT_EQ(CLONE_NEWMETRICS, content.ns_type);
	EXPECT_EQ(inum_of(self->a.pid), content.ns_inum);
}

/* A file handle of the own namespace opens it. */
TEST_F(ids, handle_of_own)
{
	union handle handle;
	long fd;

	ASSERT_EQ(0, handle_of(open_ns(0), &handle));
	fd = open_handle(&handle);
	ASSERT_LE(0, fd);
	EXPECT_EQ(ns_id_of(0), ns_id(fd));
}

/* A file handle of another namespace opens it for the machine's root. */
TEST_F(ids, handle_of_other)
{
	union handle handle;
	long fd;

	NEEDS_ROOT();
	ASSERT_EQ(0, handle_of(self->fd, &handle));
	fd = open_handle(&handle);
	ASSERT_LE(0, fd);
	EXPECT_EQ(self->id, ns_id(fd));
}

/* A user who guesses the ID of a foreign namespace can't open it. */
TEST_F(ids, forged_handle)
{
	struct nsfs_file_handle content = { .ns_id = self->id };

	NEEDS_ROOT();
	/* The lookup wants no type and no inode number with the ID. */
	ASSERT_EQ(0, handle_of(self->fd, &shared_handle));
	memcpy(shared_handle.head.f_handle, &content, sizeof(content));
	ASSERT_EQ(0, child_start(&self->b));
	ASSERT_LE(0, child_call(&self->b, do_open_handle, 0, 0));
	ASSERT_EQ(0, child_call(&self->b, do_become_nobody, 0, 0));
	ASSERT_EQ(0, child_call(&self->b, do_enter_user_ns, 0, 0));
	/* The system call hides the EPERM. */
	EXPECT_EQ(-ESTALE, child_call(&self->b, do_open_handle, 0, 0));
}

/* A file handle of a namespace that is gone opens nothing. */
TEST_F(ids, handle_of_dead)
{
	union handle handle;

	NEEDS_ROOT();
	ASSERT_EQ(0, handle_of(self->fd, &handle));
	close(self->fd);
	child_stop(&self->a);
	EXPECT_EQ(-ESTALE, open_handle(&handle));
}

/* listns(2) lists it. */
TEST_F(ids, listns)
{
	NEEDS_ROOT();
	EXPECT_EQ(1, listed(self->id));
}

/* listns(2) lists it with what the caller's user namespace owns. */
TEST_F(ids, listns_of_owner)
{
	NEEDS_ROOT();
	EXPECT_EQ(1, listed_of(self->id, LISTNS_CURRENT_USER));
}

/* listns(2) lists the own one for everybody. */
TEST_F(ids, listns_of_own)
{
	if (as_root)
		ASSERT_EQ(0, child_call(&self->a, do_become_nobody, 0, 0));
	EXPECT_EQ(1, child_call(&self->a, do_listed, self->id, 0));
}

/* listns(2) hides it from who could do nothing with it. */
TEST_F(ids, listns_of_foreign_process)
{
	NEEDS_ROOT();
	ASSERT_EQ(0, child_start(&self->b));
	ASSERT_EQ(1, child_call(&self->b, do_listed, self->id, 0));
	ASSERT_EQ(0, child_call(&self->b, do_become_nobody, 0, 0));
	EXPECT_EQ(0, child_call(&self->b, do_listed, self->id, 0));
}

/* listns(2) lists it no longer once its last process is gone. */
TEST_F(ids, listns_after_the_end)
{
	NEEDS_ROOT();
	ASSERT_EQ(1, listed(self->id));
	close(self->fd);
	child_stop(&self->a);
	EXPECT_EQ(0, listed(self->id));
}

/* A file descriptor keeps it in the list. */
TEST_F(ids, listns_with_fd)
{
	NEEDS_ROOT();
	child_stop(&self->a);
	EXPECT_EQ(1, listed(self->id));
}

/* A namespace below keeps it, but not in the list: nobody is in it. */
TEST_F(ids, listns_with_nested)
{
	NEEDS_ROOT();
	ASSERT_EQ(0, child_start_nested(&self->b, &self->a));
	/* It has inherited the test's files, which would count. */
	ASSERT_EQ(0, child_call(&self->b, do_close_namespaces, 0, 0));
	close(self->fd);
	child_stop(&self->a);
	EXPECT_EQ(0, listed(self->id));
	EXPECT_EQ(self->id, parent_id_of(self->b.pid));
}

/* The initial namespace has a fixed inode number. */
TEST_F(ids, initial_inum)
{
	char link[64] = "", want[64];

	NEEDS_INITIAL_NS();
	snprintf(want, sizeof(want), "metrics:[%u]", METRICS_NS_INIT_INO);
	ASSERT_LT(0, readlink("/proc/self/ns/metrics", link, sizeof(link) - 1));
	EXPECT_STREQ(want, link);
}

/* The initial namespace has a fixed ID. */
TEST_F(ids, initial_id)
{
	NEEDS_INITIAL_NS();
	EXPECT_EQ(METRICS_NS_INIT_ID, ns_id_of(0));
}

/* In the status file the ID of the initial namespace is 0. */
TEST_F(ids, initial_status)
{
	NEEDS_INITIAL_NS();
	EXPECT_EQ(0, status_id(0));
}

/* The IDs of others are above all that are fixed. */
TEST_F(ids, above_fixed_ones)
{
	EXPECT_LT(METRICS_NS_INIT_ID, self->id);
}

TEST_HARNESS_MAIN
