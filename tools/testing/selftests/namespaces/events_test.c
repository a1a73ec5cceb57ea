// SPDX-License-Identifier: GPL-2.0
/*
 * The events of namespaces: that each part of a namespace's life and each
 * change of a task's namespaces is told once, of the right one, and nothing
 * else.
 *
 * NS_EVENTS_CYCLES, NS_EVENTS_NETS and NS_EVENTS_SEED set how many processes
 * the test of the balance makes, how many network namespaces at most, and the
 * seed of what they do.
 */
#include <linux/mount.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <time.h>

#include "events.h"

#define NOOP_PROGRAM	"/bin/true"
#define TEST_PROGRAM	"/usr/bin/test"

/* Seconds for what waits for the kernel: a test that is killed leaves things. */
#define SLOW		300

#define EVERY_NS	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | \
			 CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
			 CLONE_NEWNET | CLONE_NEWTIME)

/* --- each type of namespace --- */

struct type_case {
	const char *name;
	const char *link;	/* leads to what unshare(2) has made */
	long flag;
	bool nests;
};

/* What a test of one type is about. */
struct subject {
	struct child c;
	struct child other;
	pid_t fork;
	__u64 id;
	__u32 inum;
	__u64 own_id;
	__u64 user_id;
};

FIXTURE(type) {
	struct subject s;
};

FIXTURE_VARIANT(type) {
	struct type_case t;
};

FIXTURE_VARIANT_ADD(type, mnt) {
	.t = { "mnt", "mnt", CLONE_NEWNS, .nests = false },
};

FIXTURE_VARIANT_ADD(type, cgroup) {
	.t = { "cgroup", "cgroup", CLONE_NEWCGROUP, .nests = false },
};

FIXTURE_VARIANT_ADD(type, uts) {
	.t = { "uts", "uts", CLONE_NEWUTS, .nests = false },
};

FIXTURE_VARIANT_ADD(type, ipc) {
	.t = { "ipc", "ipc", CLONE_NEWIPC, .nests = false },
};

FIXTURE_VARIANT_ADD(type, user) {
	.t = { "user", "user", CLONE_NEWUSER, .nests = true },
};

FIXTURE_VARIANT_ADD(type, pid) {
	.t = { "pid", "pid_for_children", CLONE_NEWPID, .nests = true },
};

FIXTURE_VARIANT_ADD(type, net) {
	.t = { "net", "net", CLONE_NEWNET, .nests = false },
};

FIXTURE_VARIANT_ADD(type, time) {
	.t = { "time", "time_for_children", CLONE_NEWTIME, .nests = false },
};

FIXTURE_SETUP(type)
{
	const char *obstacle = trace_obstacle();

	if (obstacle)
		SKIP(return, "%s", obstacle);
	self->s.own_id = ns_id_of(0, variant->t.name);
	if (!self->s.own_id)
		SKIP(return, "kernel without %s namespaces", variant->t.name);
	self->s.user_id = ns_id_of(0, "user");
	if (!self->s.user_id)
		SKIP(return, "kernel without user namespaces");
	ASSERT_EQ(0, trace_setup());
}

FIXTURE_TEARDOWN(type)
{
	children_stop();
	trace_teardown();
}

/* Learn what the child has made. It needs a process for its pid namespace. */
static void find_made(struct __test_metadata *_metadata, struct subject *s,
		      const struct type_case *t)
{
	int fd;

	if (t->flag == CLONE_NEWPID) {
		s->fork = child_call(&s->c, do_fork, 0, 0);
		ASSERT_LT(0, s->fork);
	}
	fd = open_ns(s->c.pid, t->link);
	ASSERT_LE(0, fd);
	s->id = ns_id(fd);
	s->inum = ns_inum(fd);
	close(fd);
	ASSERT_NE(0ULL, s->id);
}

/* A child unshares. */
static void make(struct __test_metadata *_metadata, struct subject *s,
		 const struct type_case *t)
{
	ASSERT_EQ(0, child_start(&s->c));
	ASSERT_EQ(0, child_unshare(&s->c, t->flag));
	find_made(_metadata, s, t);
}

/* And goes, with the process that it has made. */
static void unmake(struct subject *s)
{
	if (s->fork)
		child_call(&s->c, do_reap, s->fork, 0);
	child_stop(&s->c);
}

static const char *re_made(const char *event, const struct subject *s,
			   const struct type_case *t)
{
	return re_life(event, s->id, t->name, s->inum, s->user_id,
		       t->nests ? s->own_id : 0, t->nests ? 1 : 0);
}

/* A namespace is told of when it is made, once and with all that it is. */
TEST_F(type, create)
{
	const struct type_case *t = &variant->t;
	struct subject *s = &self->s;

	make(_metadata, s, t);
	EXPECT_EVENTS(1, re_made("create", s, t));
	EXPECT_EVENTS(1, re_life_of("create", s->id));
	EXPECT_EVENTS(1, re_by(s->c.pid, "create"));
}

/* Its owner, and the parent of a user namespace, is that of its maker. */
TEST_F(type, owner)
{
	const struct type_case *t = &variant->t;
	struct subject *s = &self->s;
	bool user = t->flag == CLONE_NEWUSER;
	__u64 owner, parent;

	ASSERT_EQ(0, child_start(&s->c));
	ASSERT_EQ(0, child_enter_user_ns(&s->c));
	owner = ns_id_of(s->c.pid, "user");
	ASSERT_NE(s->user_id, owner);
	ASSERT_EQ(0, child_unshare(&s->c, t->flag));
	find_made(_metadata, s, t);
	parent = user ? owner : t->nests ? s->own_id : 0;
	EXPECT_EVENTS(1, re_life("create", s->id, t->name, s->inum,
				 owner, parent, user + t->nests));
}

/* It is in use from then on. */
TEST_F(type, active)
{
	const struct type_case *t = &variant->t;
	struct subject *s = &self->s;

	make(_metadata, s, t);
	EXPECT_EVENTS(1, re_activity("active", s->id, t->name));
	EXPECT_EVENTS(0, re_activity("inactive", s->id, NULL));
}

/* It gets out of use with its last process, and is freed, each once. */
TEST_F_TIMEOUT(type, end, SLOW)
{
	const struct type_case *t = &variant->t;
	struct subject *s = &self->s;

	make(_metadata, s, t);
	EXPECT_EVENTS(0, re_life_of("free", s->id));
	unmake(s);
	EXPECT_EVENTS_SOON(1, re_activity("inactive", s->id, t->name));
	EXPECT_EVENTS_SOON(1, re_made("free", s, t));
	EXPECT_EVENTS(1, re_activity("active", s->id, NULL));
	EXPECT_EVENTS(1, re_life_of("free", s->id));
}

/*
 * unshare(2) switches the caller, and nothing but what it asks for. A time
 * namespace is for children, and so nobody is in it yet.
 */
TEST_F(type, unshare)
{
	const struct type_case *t = &variant->t;
	struct subject *s = &self->s;
	int switches = t->flag != CLONE_NEWTIME;

	make(_metadata, s, t);
	EXPECT_EVENTS(switches, re_switch(s->c.pid, t->name, s->own_id, s->id));
	EXPECT_EVENTS(switches, re_any_switch(s->c.pid));
}

/* A process that is born in a new namespace switches from its creator's. */
TEST_F(type, clone)
{
	const struct type_case *t = &variant->t;
	struct subject *s = &self->s;
	__u64 id;

	ASSERT_EQ(0, child_clone(&s->c, t->flag, 0));
	id = ns_id_of(s->c.pid, t->name);
	ASSERT_NE(s->own_id, id);
	EXPECT_EVENTS(1, re_switch(s->c.pid, t->name, s->own_id, id));
	EXPECT_EVENTS(1, re_any_switch(s->c.pid));
	EXPECT_EVENTS(0, re_any_switch(getpid()));
}

/* What setns(2) of c into the namespace of other has to show. */
static void expect_entered(struct __test_metadata *_metadata,
			   struct subject *s, const struct type_case *t)
{
	struct trace_match install, entered;
	pid_t pid = s->c.pid;
	__u64 id = ns_id_of(s->other.pid, t->name);

	EXPECT_EVENTS(1, re_install(pid, id, t->name, 0));
	EXPECT_EVENTS(1, re_switch(pid, t->name, s->own_id, id));
	EXPECT_EVENTS(1, re_by(pid, "install"));
	EXPECT_EVENTS(1, re_any_switch(pid));
	EXPECT_EVENTS(0, re_any_denied(pid));
	install = trace_find(re_install(pid, id, t->name, 0));
	entered = trace_find(re_any_switch(pid));
	EXPECT_LT(install.line, entered.line);
}

/* setns(2) with a namespace's file is granted, and then switches. */
TEST_F(type, setns_nsfs)
{
	const struct type_case *t = &variant->t;
	struct subject *s = &self->s;
	int fd;

	ASSERT_EQ(0, child_clone(&s->other, t->flag, 0));
	fd = open_ns(s->other.pid, t->name);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_start(&s->c));
	ASSERT_EQ(0, child_call(&s->c, do_setns, fd, t->flag));
	expect_entered(_metadata, s, t);
}

/* So does setns(2) with a pidfd. */
TEST_F(type, setns_pidfd)
{
	const struct type_case *t = &variant->t;
	struct subject *s = &self->s;
	int fd;

	ASSERT_EQ(0, child_clone(&s->other, t->flag, 0));
	fd = syscall(__NR_pidfd_open, s->other.pid, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_start(&s->c));
	ASSERT_EQ(0, child_call(&s->c, do_setns, fd, t->flag));
	expect_entered(_metadata, s, t);
}

/* Who lacks the capability is refused, and stays where he is. */
TEST_F(type, setns_unprivileged)
{
	const struct type_case *t = &variant->t;
	struct subject *s = &self->s;
	__u64 id;
	int fd;

	ASSERT_EQ(0, child_clone(&s->other, t->flag, 0));
	fd = open_ns(s->other.pid, t->name);
	ASSERT_LE(0, fd);
	id = ns_id(fd);
	ASSERT_EQ(0, child_start(&s->c));
	ASSERT_EQ(0, child_call(&s->c, do_become_nobody, 0, 0));
	ASSERT_EQ(-EPERM, child_call(&s->c, do_setns, fd, t->flag));
	EXPECT_EVENTS(1, re_install(s->c.pid, id, t->name, -EPERM));
	EXPECT_EVENTS(1, re_by(s->c.pid, "install"));
	EXPECT_EVENTS(1, re_denied(s->c.pid, t->name, id, "install", -EPERM));
	EXPECT_EVENTS(1, re_any_denied(s->c.pid));
	EXPECT_EVENTS(0, re_any_switch(s->c.pid));
}

/* Who exits leaves without a switch. */
TEST_F_TIMEOUT(type, exit, SLOW)
{
	const struct type_case *t = &variant->t;
	struct subject *s = &self->s;

	ASSERT_EQ(0, child_clone(&s->c, t->flag, 0));
	s->id = ns_id_of(s->c.pid, t->name);
	child_stop(&s->c);
	EXPECT_EVENTS_SOON(1, re_life_of("free", s->id));
	/* That of its birth. */
	EXPECT_EVENTS(1, re_any_switch(s->c.pid));
}

/* A limit that is reached is told with the user namespace whose it is. */
TEST_F(type, limit)
{
	const struct type_case *t = &variant->t;
	struct subject *s = &self->s;
	__u64 owner;

	ASSERT_EQ(0, child_start(&s->c));
	ASSERT_EQ(0, child_enter_user_ns(&s->c));
	owner = ns_id_of(s->c.pid, "user");
	ASSERT_EQ(0, child_call(&s->c, do_limit, (long)t->name, 0));
	ASSERT_EQ(-ENOSPC, child_unshare(&s->c, t->flag));
	/* Several attempts may be made before the caller is refused. */
	EXPECT_EVENTS_AT_LEAST(1, re_denied(s->c.pid, t->name, owner, "limit",
					    -ENOSPC));
}

/* That may be one around the caller's, which itself would allow more. */
TEST_F(type, limit_of_parent)
{
	const struct type_case *t = &variant->t;
	struct subject *s = &self->s;
	int limit = t->flag == CLONE_NEWUSER;
	__u64 outer;

	ASSERT_EQ(0, child_start(&s->c));
	ASSERT_EQ(0, child_enter_user_ns(&s->c));
	outer = ns_id_of(s->c.pid, "user");
	ASSERT_EQ(0, child_call(&s->c, do_limit, (long)t->name, limit));
	ASSERT_EQ(0, child_enter_user_ns(&s->c));
	ASSERT_NE(outer, ns_id_of(s->c.pid, "user"));
	ASSERT_EQ(-ENOSPC, child_unshare(&s->c, t->flag));
	EXPECT_EVENTS_AT_LEAST(1, re_denied(s->c.pid, t->name, outer, "limit",
					    -ENOSPC));
}

/* --- whether anything is told --- */

FIXTURE(events) {
	struct child c;
	struct child other;
};

/* A type that isn't built in, or NULL. */
static const char *missing_type(void)
{
	static const char * const types[] = {
		"mnt", "cgroup", "uts", "ipc", "user", "pid", "net", "time",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (!ns_id_of(0, types[i]))
			return types[i];
	return NULL;
}

FIXTURE_SETUP(events)
{
	const char *obstacle = trace_obstacle();

	if (obstacle)
		SKIP(return, "%s", obstacle);
	if (missing_type())
		SKIP(return, "kernel without %s namespaces", missing_type());
	ASSERT_EQ(0, trace_setup());
}

FIXTURE_TEARDOWN(events)
{
	children_stop();
	trace_teardown();
}

/* Something of each event; nobody enters the user namespace that he is in. */
static void make_and_join(struct __test_metadata *_metadata, struct child *c,
			  struct child *other)
{
	int user = open_ns(0, "user"), fd;

	ASSERT_EQ(0, child_clone(c, CLONE_NEWUTS, 0));
	fd = open_ns(c->pid, "uts");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_start(other));
	ASSERT_EQ(0, child_call(other, do_setns, fd, CLONE_NEWUTS));
	ASSERT_EQ(-EINVAL, child_call(other, do_setns, user, CLONE_NEWUSER));
	ASSERT_EQ(0, child_unshare(other, EVERY_NS));
	close(user);
	close(fd);
	child_stop(c);
	child_stop(other);
}

/* With the events disabled nothing is recorded of what is otherwise. */
TEST_F(events, disabled)
{
	ASSERT_EQ(0, trace_enable(false));
	ASSERT_EQ(0, write_file(trace_path("trace"), ""));
	make_and_join(_metadata, &self->c, &self->other);
	EXPECT_EVENTS(0, " namespace_[a-z]+: ");

	ASSERT_EQ(0, trace_enable(true));
	make_and_join(_metadata, &self->c, &self->other);
	EXPECT_EVENTS(1, re_by(getpid(), "create"));
	EXPECT_EVENTS(8, re_by(self->other.pid, "create"));
	EXPECT_EVENTS(2, re_by(self->other.pid, "install"));
	EXPECT_EVENTS(1, re_by(self->other.pid, "denied"));
	EXPECT_EVENTS(1, re_switch(self->c.pid, "uts", ANY, ANY));
}

/* Who isn't root can't enable them, which leaves them as they are. */
TEST_F(events, unprivileged)
{
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "%s/" TRACE_EVENTS "/enable", trace_dir);
	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_start(&self->other));
	ASSERT_EQ(0, child_call(&self->c, do_write, (long)path, (long)"0"));
	ASSERT_EQ(0, child_call(&self->c, do_become_nobody, 0, 0));
	EXPECT_EQ(-EACCES, child_call(&self->c, do_write, (long)path,
				      (long)"1"));
	ASSERT_EQ(0, child_unshare(&self->other, CLONE_NEWUTS));
	EXPECT_EVENTS(0, re_by(self->other.pid, "create"));
	/* Root can, by the same file. */
	ASSERT_EQ(0, write_file(path, "1"));
	ASSERT_EQ(0, child_unshare(&self->other, CLONE_NEWUTS));
	EXPECT_EVENTS(1, re_by(self->other.pid, "create"));
}

/* --- which task is where --- */

/* The thread of a child does this, and returns its thread ID. */
static void *thread_main(void *flags)
{
	long ret = unshare((long)flags) ? -errno : gettid();

	return (void *)ret;
}

static long do_thread(long flags, long unused)
{
	pthread_t thread;
	void *ret;

	if (pthread_create(&thread, NULL, thread_main, (void *)flags))
		return -EAGAIN;
	if (pthread_join(thread, &ret))
		return -ESRCH;
	return (long)ret;
}

/* A process or thread that stays where its creator is doesn't switch. */
TEST_F(events, plain_clone)
{
	long pid, tid;

	ASSERT_EQ(0, child_start(&self->c));
	pid = child_call(&self->c, do_fork, 0, 0);
	tid = child_call(&self->c, do_thread, 0, 0);
	ASSERT_LT(0, pid);
	ASSERT_LT(0, tid);
	EXPECT_EVENTS(0, re_any_switch(self->c.pid));
	EXPECT_EVENTS(0, re_any_switch(pid));
	EXPECT_EVENTS(0, re_any_switch(tid));
}

/* A thread switches alone. */
TEST_F(events, thread)
{
	long tid;

	ASSERT_EQ(0, child_start(&self->c));
	tid = child_call(&self->c, do_thread, CLONE_NEWNS, 0);
	ASSERT_LT(0, tid);
	EXPECT_EVENTS(1, re_thread_switch(tid, self->c.pid, "mnt",
					  ns_id_of(0, "mnt"), ANY));
	EXPECT_EVENTS(0, re_any_switch(self->c.pid));
}

/* A switch that asks for all types is told once for each. */
TEST_F(events, every_type)
{
	ASSERT_EQ(0, child_clone(&self->c, EVERY_NS, 0));
	EXPECT_EVENTS(8, re_any_switch(self->c.pid));
	EXPECT_EVENTS(8, re_by(getpid(), "create"));
}

/* What clone(2) can ask for: one bit of the others means a signal to it. */
#define OLD_CLONE_NS	(EVERY_NS & ~CLONE_NEWTIME)

static int stay(void *unused)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (pause())
		;
	return 0;
}

/* The pid of a process that waits for its end; or -errno. */
static pid_t old_clone(long flags)
{
	static char stack[16384] __attribute__((aligned(16)));
	pid_t pid = clone(stay, stack + sizeof(stack), flags | SIGCHLD, NULL);

	if (pid > 0)
		child_register(pid);
	return or_errno(pid);
}

/* clone(2) tells the same as clone3(2). */
TEST_F(events, old_clone)
{
	static const char * const types[] = {
		"mnt", "cgroup", "uts", "ipc", "user", "pid", "net",
	};
	int i, n = ARRAY_SIZE(types);
	pid_t pid = old_clone(OLD_CLONE_NS);

	ASSERT_LT(0, pid);
	for (i = 0; i < n; i++)
		EXPECT_EVENTS(1, re_switch(pid, types[i],
					   ns_id_of(0, types[i]),
					   ns_id_of(pid, types[i])));
	EXPECT_EVENTS(n, re_any_switch(pid));
	EXPECT_EVENTS(n, re_by(getpid(), "create"));
}

/* Without a namespace to make it tells nothing. */
TEST_F(events, old_clone_plain)
{
	pid_t pid = old_clone(0);

	ASSERT_LT(0, pid);
	EXPECT_EVENTS(0, re_any_switch(pid));
	EXPECT_EVENTS(0, re_by(getpid(), "create"));
}

/* Another user doesn't mean another user namespace. */
TEST_F(events, setresuid)
{
	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_call(&self->c, do_become_nobody, 0, 0));
	EXPECT_EVENTS(0, re_any_switch(self->c.pid));
}

/* A pid namespace is its maker's for children; those don't switch then. */
TEST_F(events, fork_into_pid)
{
	long pid;

	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_unshare(&self->c, CLONE_NEWPID));
	pid = child_call(&self->c, do_fork, 0, 0);
	ASSERT_LT(0, pid);
	EXPECT_EVENTS(1, re_any_switch(self->c.pid));
	EXPECT_EVENTS(0, re_any_switch(pid));
}

/* --- time namespaces, which are entered late --- */

static long do_exec(long unused, long unused2)
{
	execl(NOOP_PROGRAM, NOOP_PROGRAM, NULL);
	return -errno;
}

/* Returns the pid of a process that had its parent's memory until its exec. */
static long do_vfork_exec(long unused, long unused2)
{
	int status = -1;
	pid_t pid = vfork();

	if (!pid) {
		execl(NOOP_PROGRAM, NOOP_PROGRAM, NULL);
		_exit(1);
	}
	if (pid > 0 && (waitpid(pid, &status, 0) != pid || status))
		return -EIO;
	return or_errno(pid);
}

/* A child makes a time namespace and isn't in it. */
static void make_time_ns(struct __test_metadata *_metadata, struct child *c,
			 __u64 *old, __u64 *new)
{
	*old = ns_id_of(0, "time");
	ASSERT_EQ(0, child_start(c));
	ASSERT_EQ(0, child_unshare(c, CLONE_NEWTIME));
	*new = ns_id_of(c->pid, "time_for_children");
	ASSERT_NE(*old, *new);
}

/* The next child is born in it. */
TEST_F(events, time_fork)
{
	__u64 old, id;
	long pid;

	make_time_ns(_metadata, &self->c, &old, &id);
	pid = child_call(&self->c, do_fork, 0, 0);
	ASSERT_LT(0, pid);
	EXPECT_EVENTS(1, re_switch(pid, "time", old, id));
	EXPECT_EVENTS(1, re_any_switch(pid));
	EXPECT_EVENTS(0, re_any_switch(self->c.pid));
}

/* Who made it enters it with an exec. */
TEST_F(events, time_exec)
{
	int status = -1;
	__u64 old, id;

	make_time_ns(_metadata, &self->c, &old, &id);
	ASSERT_EQ(-EPIPE, child_call(&self->c, do_exec, 0, 0));
	ASSERT_EQ(self->c.pid, waitpid(self->c.pid, &status, 0));
	ASSERT_EQ(0, status);
	EXPECT_EVENTS(1, re_switch(self->c.pid, "time", old, id));
	EXPECT_EVENTS(1, re_any_switch(self->c.pid));
}

/* A child that shares memory is born outside, and enters with its exec. */
TEST_F(events, time_vfork)
{
	__u64 old, id;
	long pid;

	make_time_ns(_metadata, &self->c, &old, &id);
	pid = child_call(&self->c, do_vfork_exec, 0, 0);
	ASSERT_LT(0, pid);
	EXPECT_EVENTS(1, re_switch(pid, "time", old, id));
	EXPECT_EVENTS(1, re_any_switch(pid));
	EXPECT_EVENTS(0, re_any_switch(self->c.pid));
}

/* --- exec with other credentials --- */

FIXTURE(set_uid) {
	struct child c;
	char path[PATH_LEN];
};

/* A copy of test(1) of another user's, which runs with his user ID. */
static long make_set_uid(const char *path)
{
	int from = open(TEST_PROGRAM, O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	ssize_t n;

	if (from < 0 || to < 0)
		return -errno;
	while ((n = sendfile(to, from, NULL, 1 << 20)) > 0)
		;
	/* The other way round, chown(2) would clear the bit. */
	if (n || fchown(to, NOBODY, NOBODY) || fchmod(to, 04755))
		return -errno;
	close(from);
	return or_errno(close(to));
}

FIXTURE_SETUP(set_uid)
{
	const char *obstacle = trace_obstacle();
	struct statvfs fs;

	if (!obstacle && access(TEST_PROGRAM, X_OK))
		obstacle = "no " TEST_PROGRAM;
	if (!obstacle && (statvfs("/var/tmp", &fs) || fs.f_flag & ST_NOSUID))
		obstacle = "/var/tmp is mounted with nosuid";
	if (obstacle)
		SKIP(return, "%s", obstacle);
	snprintf(self->path, sizeof(self->path), "/var/tmp/ns_events_%d",
		 getpid());
	ASSERT_EQ(0, trace_setup());
	/* There is no teardown after a setup that fails. */
	EXPECT_EQ(0, make_set_uid(self->path)) {
		unlink(self->path);
		trace_teardown();
	}
}

FIXTURE_TEARDOWN(set_uid)
{
	children_stop();
	unlink(self->path);
	trace_teardown();
}

/* Does the program that this becomes own itself? Then it exits with 0. */
static long do_exec_owns(long path, long unused)
{
	const char *self = (const char *)path;

	execl(self, self, "-O", self, NULL);
	return -errno;
}

static int exec_owns(struct child *c, const char *path)
{
	int status = -1;

	if (child_start(c) ||
	    child_call(c, do_exec_owns, (long)path, 0) != -EPIPE ||
	    waitpid(c->pid, &status, 0) != c->pid)
		return -1;
	return status;
}

/* An exec that gives another user ID doesn't change the user namespace. */
TEST_F(set_uid, exec)
{
	ASSERT_EQ(0, exec_owns(&self->c, self->path));
	EXPECT_EVENTS(0, re_any_switch(self->c.pid));
	EXPECT_EVENTS(0, re_by(self->c.pid, "[a-z]+"));
	/* Without the bit, the program sees that it isn't the owner. */
	ASSERT_EQ(0, chmod(self->path, 0755));
	EXPECT_NE(0, exec_owns(&self->c, self->path));
}

/* --- other ways to live --- */

/* A mount namespace that nobody is in; its file keeps it. */
static void expect_mnt_of_file(struct __test_metadata *_metadata, int fd)
{
	__u64 id = ns_id(fd);

	EXPECT_EVENTS(1, re_life("create", id, "mnt", ns_inum(fd),
				 ns_id_of(0, "user"), 0, 0));
	EXPECT_EVENTS(1, re_activity("active", id, "mnt"));
	EXPECT_EVENTS(0, re_any_switch(getpid()));
	close(fd);
	EXPECT_EVENTS_SOON(1, re_activity("inactive", id, "mnt"));
	EXPECT_EVENTS_SOON(1, re_life_of("free", id));
}

/* open_tree(2) can make one. */
TEST_F_TIMEOUT(events, open_tree, SLOW)
{
	int fd = syscall(__NR_open_tree, AT_FDCWD, "/",
			 OPEN_TREE_NAMESPACE | OPEN_TREE_CLOEXEC);

	if (fd < 0 && errno == EINVAL)
		SKIP(return, "kernel without OPEN_TREE_NAMESPACE");
	ASSERT_LE(0, fd);
	expect_mnt_of_file(_metadata, fd);
}

/* So can fsmount(2). */
TEST_F_TIMEOUT(events, fsmount, SLOW)
{
	int fs = syscall(__NR_fsopen, "tmpfs", FSOPEN_CLOEXEC), fd;

	ASSERT_LE(0, fs);
	ASSERT_EQ(0, syscall(__NR_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL,
			     0));
	fd = syscall(__NR_fsmount, fs, FSMOUNT_NAMESPACE | FSMOUNT_CLOEXEC, 0);
	if (fd < 0 && errno == EINVAL)
		SKIP(return, "kernel without FSMOUNT_NAMESPACE");
	ASSERT_LE(0, fd);
	close(fs);
	expect_mnt_of_file(_metadata, fd);
}

/* Mounts that are in no namespace yet are in one that nobody can list. */
TEST_F(events, anonymous)
{
	int fd = syscall(__NR_open_tree, AT_FDCWD, "/",
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EVENTS(0, re_by(getpid(), "[a-z]+"));
}

/* One without the mounts of another is told as any. */
TEST_F(events, empty_mnt)
{
	__u64 own = ns_id_of(0, "mnt"), id;
	long ret;

	ret = child_clone(&self->c, CLONE_EMPTY_MNTNS, 0);
	if (ret == -EINVAL)
		SKIP(return, "kernel without CLONE_EMPTY_MNTNS");
	ASSERT_EQ(0, ret);
	id = ns_id_of(self->c.pid, "mnt");
	EXPECT_EVENTS(1, re_life_of("create", id));
	EXPECT_EVENTS(1, re_switch(self->c.pid, "mnt", own, id));
	ASSERT_EQ(0, child_start(&self->other));
	ASSERT_EQ(0, child_unshare(&self->other, UNSHARE_EMPTY_MNTNS));
	id = ns_id_of(self->other.pid, "mnt");
	EXPECT_EVENTS(1, re_life_of("create", id));
	EXPECT_EVENTS(1, re_switch(self->other.pid, "mnt", own, id));
}

static long do_socket(long unused, long unused2)
{
	return or_errno(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

/* A copy of a child's file, or -errno. */
static int take_file(struct child *c, int fd)
{
	int pidfd = syscall(__NR_pidfd_open, c->pid, 0);
	int ret = or_errno(syscall(__NR_pidfd_getfd, pidfd, fd, 0));

	close(pidfd);
	return ret;
}

/* A network namespace that only a socket keeps can come into use again. */
TEST_F_TIMEOUT(events, resurrect, SLOW)
{
	int sock, fd;
	__u64 id;

	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_unshare(&self->c, CLONE_NEWNET));
	id = ns_id_of(self->c.pid, "net");
	sock = take_file(&self->c, child_call(&self->c, do_socket, 0, 0));
	ASSERT_LE(0, sock);
	child_stop(&self->c);
	EXPECT_EVENTS_SOON(1, re_activity("inactive", id, "net"));
	EXPECT_EVENTS(1, re_activity("active", id, "net"));

	fd = ioctl(sock, SIOCGSKNS);
	ASSERT_LE(0, fd);
	EXPECT_EQ(id, ns_id(fd));
	EXPECT_EVENTS(2, re_activity("active", id, "net"));
	EXPECT_EVENTS(0, re_life_of("free", id));
	close(fd);
	EXPECT_EVENTS_SOON(2, re_activity("inactive", id, "net"));
	close(sock);
	EXPECT_EVENTS_SOON(1, re_life_of("free", id));
	EXPECT_EVENTS(1, re_life_of("create", id));
}

/* A user namespace without a process is in use as long as what it owns is. */
TEST_F_TIMEOUT(events, owner_follows, SLOW)
{
	__u64 user, uts;
	int fd;

	ASSERT_EQ(0, child_clone(&self->c, CLONE_NEWUSER | CLONE_NEWUTS, 0));
	user = ns_id_of(self->c.pid, "user");
	uts = ns_id_of(self->c.pid, "uts");
	fd = open_ns(self->c.pid, "uts");
	ASSERT_LE(0, fd);
	child_stop(&self->c);
	EXPECT_EVENTS(0, re_activity("inactive", user, "user"));
	close(fd);
	EXPECT_EVENTS_SOON(1, re_activity("inactive", uts, "uts"));
	EXPECT_EVENTS_SOON(1, re_activity("inactive", user, "user"));
	EXPECT_EVENTS_SOON(1, re_life_of("free", user));
}

/* What a call has made before it fails is freed, and never was in use. */
TEST_F_TIMEOUT(events, undone, SLOW)
{
	struct trace_match made;
	__u64 user;

	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_enter_user_ns(&self->c));
	user = ns_id_of(self->c.pid, "user");
	ASSERT_EQ(0, child_call(&self->c, do_limit, (long)"net", 0));
	ASSERT_EQ(-ENOSPC, child_unshare(&self->c, CLONE_NEWUTS |
					 CLONE_NEWNET));
	made = trace_find(re_life("create", ANY, "uts", ANY, user, 0, 0));
	ASSERT_EQ(1, made.count);
	EXPECT_EVENTS_SOON(1, re_life_of("free", made.id));
	EXPECT_EVENTS(0, re_activity("active", made.id, NULL));
	EXPECT_EVENTS(0, re_life("create", ANY, "net", ANY, user, 0, 0));
	EXPECT_EVENTS(0, re_switch(self->c.pid, "uts", ANY, ANY));
}

/* --- denials --- */

/*
 * setns(2) enters all or nothing: the child, in a pid namespace of its own, may
 * enter the other one's uts namespace, but not the outer pid namespace.
 */
TEST_F(events, setns_refused)
{
	__u64 pid_id = ns_id_of(0, "pid"), uts_id;
	int fd;

	ASSERT_EQ(0, child_clone(&self->other, CLONE_NEWUTS, 0));
	uts_id = ns_id_of(self->other.pid, "uts");
	fd = syscall(__NR_pidfd_open, self->other.pid, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_clone(&self->c, CLONE_NEWPID, 0));
	ASSERT_EQ(-EINVAL, child_call(&self->c, do_setns, fd,
				      CLONE_NEWUTS | CLONE_NEWPID));
	EXPECT_EVENTS(1, re_install(self->c.pid, uts_id, "uts", 0));
	EXPECT_EVENTS(1, re_install(self->c.pid, pid_id, "pid", -EINVAL));
	EXPECT_EVENTS(2, re_by(self->c.pid, "install"));
	EXPECT_EVENTS(1, re_denied(self->c.pid, "pid", pid_id, "install",
				   -EINVAL));
	/* That of its birth. */
	EXPECT_EVENTS(1, re_any_switch(self->c.pid));
	EXPECT_EVENTS(1, re_switch(self->c.pid, "pid", ANY, ANY));
}

/* Nobody enters the user namespace that he is in. */
TEST_F(events, denied_install)
{
	__u64 id = ns_id_of(0, "user");
	int fd;

	fd = open_ns(0, "user");
	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(-EINVAL, child_call(&self->c, do_setns, fd, CLONE_NEWUSER));
	EXPECT_EVENTS(1, re_install(self->c.pid, id, "user", -EINVAL));
	EXPECT_EVENTS(1, re_denied(self->c.pid, "user", id, "install",
				   -EINVAL));
	EXPECT_EVENTS(1, re_any_denied(self->c.pid));
	EXPECT_EVENTS(0, re_any_switch(self->c.pid));
}

/* A missing capability is no rule of namespaces. */
TEST_F(events, capability)
{
	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_call(&self->c, do_become_nobody, 0, 0));
	ASSERT_EQ(-EPERM, child_unshare(&self->c, CLONE_NEWNS));
	EXPECT_EVENTS(0, re_any_denied(self->c.pid));
	EXPECT_EVENTS(0, re_by(self->c.pid, "create"));
}

#define DEEPEST_USER_NS	33
#define DEEPEST_PID_NS	32

static long do_nest_user(long levels, long unused)
{
	long ret = 0;

	while (!ret && levels--)
		ret = do_enter_user_ns(0, 0);
	return ret;
}

/* User namespaces are nested as deep as it goes and no deeper. */
TEST_F_TIMEOUT(events, denied_level_user, SLOW)
{
	__u64 id;

	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_call(&self->c, do_nest_user, DEEPEST_USER_NS, 0));
	id = ns_id_of(self->c.pid, "user");
	ASSERT_EQ(-ENOSPC, child_unshare(&self->c, CLONE_NEWUSER));
	EXPECT_EVENTS(1, re_life("create", id, "user", ANY, ANY, ANY,
				 DEEPEST_USER_NS));
	EXPECT_EVENTS(1, re_denied(self->c.pid, "user", id, "level", -ENOSPC));
	EXPECT_EVENTS(1, re_any_denied(self->c.pid));
	EXPECT_EVENTS(DEEPEST_USER_NS, re_by(self->c.pid, "create"));
}

/* What the innermost process sees. */
struct nested {
	__u64 id;
	long ret;
};

/* Each process makes a pid namespace for the next one. */
static long do_nest_pid(long levels, long out)
{
	int status = -1;
	pid_t pid;

	if (!levels) {
		struct nested nested = {
			.id = ns_id_of(0, "pid"),
			.ret = unshare(CLONE_NEWPID) ? -errno : 0,
		};

		return write(out, &nested, sizeof(nested)) != sizeof(nested);
	}
	if (unshare(CLONE_NEWPID))
		return -errno;
	pid = fork();
	if (!pid)
		_exit(do_nest_pid(levels - 1, out) ? 1 : 0);
	return pid < 0 || waitpid(pid, &status, 0) != pid || status ? -EIO : 0;
}

/* So are pid namespaces. */
TEST_F(events, denied_level_pid)
{
	struct nested nested = {};
	int out[2];

	ASSERT_EQ(0, pipe2(out, O_CLOEXEC));
	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_call(&self->c, do_nest_pid, DEEPEST_PID_NS,
				out[1]));
	ASSERT_EQ((ssize_t)sizeof(nested),
		  read(out[0], &nested, sizeof(nested)));
	EXPECT_EQ(-ENOSPC, nested.ret);
	EXPECT_EVENTS(1, re_life("create", nested.id, "pid", ANY, ANY, ANY,
				 DEEPEST_PID_NS));
	EXPECT_EVENTS(1, re_denied(ANY, "pid", nested.id, "level", -ENOSPC));
}

static long do_chroot(long path, long unused)
{
	return or_errno(chroot((const char *)path));
}

/* Who is in a chroot gets no user namespace. */
TEST_F(events, denied_chroot)
{
	__u64 id = ns_id_of(0, "user");

	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_call(&self->c, do_chroot, (long)"/proc", 0));
	ASSERT_EQ(-EPERM, child_unshare(&self->c, CLONE_NEWUSER));
	EXPECT_EVENTS(1, re_denied(self->c.pid, "user", id, "chroot", -EPERM));
	EXPECT_EVENTS(1, re_any_denied(self->c.pid));
}

static void expect_unmapped(struct __test_metadata *_metadata,
			    struct child *c)
{
	__u64 id = ns_id_of(c->pid, "user");

	ASSERT_EQ(-EPERM, child_unshare(c, CLONE_NEWUSER));
	EXPECT_EVENTS(1, re_denied(c->pid, "user", id, "unmapped", -EPERM));
	EXPECT_EVENTS(1, re_any_denied(c->pid));
}

/* Nor does who has no user ID in the user namespace that he is in. */
TEST_F(events, denied_unmapped_user)
{
	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_unshare(&self->c, CLONE_NEWUSER));
	expect_unmapped(_metadata, &self->c);
}

/* Nor who has no group ID there. */
TEST_F(events, denied_unmapped_group)
{
	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_unshare(&self->c, CLONE_NEWUSER));
	ASSERT_EQ(0, child_call(&self->c, do_write,
				(long)"/proc/self/uid_map", (long)"0 0 1"));
	expect_unmapped(_metadata, &self->c);
}

/* Let a process unshare that is born where the caller's children are. */
static long do_fork_unshare(long flags, long unused)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(unshare(flags) ? errno : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -EIO;
	return -WEXITSTATUS(status);
}

/*
 * A process may be in a pid namespace that a user namespace below its own owns:
 * setns(2) lets its parent have children there. It can't make another one
 * there, whose owner would be above the owner of its parent.
 */
TEST_F(events, denied_owner)
{
	__u64 id;
	int fd;

	ASSERT_EQ(0, child_clone(&self->other, CLONE_NEWUSER | CLONE_NEWPID, 0));
	fd = open_ns(self->other.pid, "pid");
	ASSERT_LE(0, fd);
	id = ns_id(fd);
	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_call(&self->c, do_setns, fd, CLONE_NEWPID));
	ASSERT_EQ(-EINVAL, child_call(&self->c, do_fork_unshare, CLONE_NEWPID,
				      0));
	EXPECT_EVENTS(1, re_denied(ANY, "pid", id, "owner", -EINVAL));
}

#define IPC_TURNS	100

/* Take an ipc namespace right after another process had one and is gone. */
static long do_ipc_in_turn(long unused, long unused2)
{
	long ret = do_fork_unshare(CLONE_NEWIPC, 0);

	return ret ? ret : or_errno(unshare(CLONE_NEWIPC));
}

/* How many ipc namespaces of an owner's were made, and how often refused? */
struct ipc_tally {
	int made;
	int refused;
};

static struct ipc_tally tally_ipc(__u64 owner)
{
	struct ipc_tally tally;

	tally.made = trace_count(re_life("create", ANY, "ipc", ANY, owner, 0,
					 0));
	tally.refused = trace_count(re_denied(ANY, "ipc", owner, "limit",
					      -ENOSPC));
	return tally;
}

/*
 * Who is to get an ipc namespace beyond the limit waits for those that are being
 * freed and tries again, so that the limit may give way. Each attempt that fails
 * has its event: both if another one succeeds, and if none does. Which of them it
 * is depends on how far the kernel has come, so that either is waited for.
 */
TEST_F_TIMEOUT(events, limit_gives_way, SLOW)
{
	struct ipc_tally before, after;
	int i, gave_way = 0, failed = 0;
	__u64 owner;
	long ret;

	ASSERT_EQ(0, child_start(&self->c));
	ASSERT_EQ(0, child_enter_user_ns(&self->c));
	owner = ns_id_of(self->c.pid, "user");
	ASSERT_EQ(0, child_call(&self->c, do_limit, (long)"ipc", 2));
	after = tally_ipc(owner);
	for (i = 0; i < IPC_TURNS && !gave_way; i++) {
		before = after;
		ret = child_call(&self->c, do_ipc_in_turn, 0, 0);
		after = tally_ipc(owner);
		if (ret) {
			ASSERT_EQ(-ENOSPC, ret);
			EXPECT_LT(before.refused, after.refused);
			EXPECT_GT(before.made + 2, after.made);
			failed++;
		} else {
			EXPECT_EQ(before.made + 2, after.made);
			gave_way += before.refused < after.refused;
		}
	}
	EXPECT_LT(0, gave_way);
	TH_LOG("gave way in turn %d, after %d that failed", i, failed);
}

/* --- delegation --- */

FIXTURE(delegation) {
	struct child c;
	__u64 id;
};

/* The hierarchy, and the test's cgroup there. */
static char cgroup_root[PATH_LEN / 4];
static char cgroup_dir[PATH_LEN / 2];

/* Mount point of a cgroup v2 hierarchy whose namespaces delegate. */
static bool find_delegating(void)
{
	char line[1024], type[64], options[256];
	bool found = false;
	FILE *mounts = fopen("/proc/self/mounts", "re");

	if (!mounts)
		return false;
	while (!found && fgets(line, sizeof(line), mounts))
		found = sscanf(line, "%*s %63s %63s %255s", cgroup_root,
			       type, options) == 3 &&
			!strcmp(type, "cgroup2") &&
			strstr(options, "nsdelegate");
	fclose(mounts);
	return found;
}

static long write_cgroup(const char *dir, const char *name, long value)
{
	char path[PATH_LEN], text[16];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(text, sizeof(text), "%ld", value);
	return write_file(path, text);
}

static long do_move(long dir, long unused)
{
	return write_cgroup((const char *)dir, "cgroup.procs", 0);
}

static long do_limit_cgroup(long value, long unused)
{
	return write_cgroup(cgroup_dir, "cgroup.max.descendants", value);
}

FIXTURE_SETUP(delegation)
{
	const char *obstacle = trace_obstacle();

	if (obstacle)
		SKIP(return, "%s", obstacle);
	if (!find_delegating())
		SKIP(return, "no cgroup v2 hierarchy with nsdelegate");
	ASSERT_EQ(0, trace_setup());
	snprintf(cgroup_dir, sizeof(cgroup_dir), "%s/ns_events_%d",
		 cgroup_root, getpid());
}

FIXTURE_TEARDOWN(delegation)
{
	children_stop();
	if (!remove_dir(cgroup_dir))
		fprintf(stderr, "# %s is left over\n", cgroup_dir);
	trace_teardown();
}

/* A child in a cgroup of its own, which is the root of its cgroup namespace. */
static void delegate(struct __test_metadata *_metadata, struct child *c,
		     __u64 *id)
{
	ASSERT_EQ(0, mkdir(cgroup_dir, 0755));
	ASSERT_EQ(0, child_start(c));
	ASSERT_EQ(0, write_cgroup(cgroup_dir, "cgroup.procs", c->pid));
	ASSERT_EQ(0, child_unshare(c, CLONE_NEWCGROUP));
	*id = ns_id_of(c->pid, "cgroup");
}

/* A limit of the delegated cgroup belongs to who delegates it. */
TEST_F(delegation, file)
{
	delegate(_metadata, &self->c, &self->id);
	ASSERT_EQ(0, do_limit_cgroup(200, 0));
	ASSERT_EQ(-EPERM, child_call(&self->c, do_limit_cgroup, 100, 0));
	EXPECT_EVENTS(1, re_denied(self->c.pid, "cgroup", self->id,
				   "delegation", -EPERM));
	EXPECT_EVENTS(1, re_any_denied(self->c.pid));
	EXPECT_EVENTS(0, re_any_denied(getpid()));
}

/* A process can't be moved out of it. */
TEST_F(delegation, move)
{
	delegate(_metadata, &self->c, &self->id);
	ASSERT_EQ(-ENOENT, child_call(&self->c, do_move, (long)cgroup_root,
				      0));
	EXPECT_EVENTS(1, re_denied(self->c.pid, "cgroup", self->id,
				   "delegation", -ENOENT));
	EXPECT_EVENTS(1, re_any_denied(self->c.pid));
}

static long do_clone_into(long dir, long unused)
{
	int fd = open((const char *)dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct child c;
	long ret;

	if (fd < 0)
		return -errno;
	ret = child_clone(&c, CLONE_INTO_CGROUP, fd);
	if (!ret)
		child_stop(&c);
	close(fd);
	return ret;
}

/* Nor can one be born outside. */
TEST_F(delegation, clone_into)
{
	delegate(_metadata, &self->c, &self->id);
	ASSERT_EQ(-ENOENT, child_call(&self->c, do_clone_into,
				      (long)cgroup_root, 0));
	EXPECT_EVENTS(1, re_denied(self->c.pid, "cgroup", self->id,
				   "delegation", -ENOENT));
	EXPECT_EVENTS(1, re_any_denied(self->c.pid));
}

/* What is delegated can be done without a denial. */
TEST_F(delegation, allowed)
{
	delegate(_metadata, &self->c, &self->id);
	ASSERT_EQ(0, child_call(&self->c, do_move, (long)cgroup_dir, 0));
	ASSERT_EQ(0, child_call(&self->c, do_clone_into, (long)cgroup_dir, 0));
	EXPECT_EVENTS(0, re_any_denied(self->c.pid));
}

/* --- balance --- */

#define LIVES		300
/* Hours, as far as the harness is concerned: for 10,000 of them, emulated */
#define PATIENCE	(10 * 3600)
#define LIVES_AT_ONCE	4
#define NETS		100
#define BUFFER_KB	"8192"

/* One namespace_create or namespace_free. */
struct record {
	__u64 id;
	__u32 inum;
	pid_t pid;
	bool create;
	bool mine;
};

/* A process and what it makes. */
struct life {
	pid_t pid;
	long flags;
	long made;	/* namespaces, or -errno; 0 if it was killed before */
	int seen;
	unsigned int seed;
};

struct balance {
	char text[65536];
	size_t len;
	struct record *records;
	size_t count;
	size_t room;
	struct life *lives;	/* LIVES_AT_ONCE of them, shared */
	unsigned int seed;
	long nets;		/* how many more may be made */
	bool metrics;		/* does the kernel have them? */
	__u64 first_id;
};

/* What is wrong, in the end. */
struct verdict {
	int created;
	int created_twice;
	int freed_twice;
	int freed_only;
	int alive;
	int reused;
};

static long number_from_env(const char *name, long otherwise)
{
	const char *value = getenv(name);

	return value ? strtol(value, NULL, 0) : otherwise;
}

static struct record *new_record(struct balance *b)
{
	if (b->count == b->room) {
		b->room = b->room ? 2 * b->room : 1024;
		b->records = realloc(b->records,
				     b->room * sizeof(*b->records));
		if (!b->records)
			abort();
	}
	memset(&b->records[b->count], 0, sizeof(*b->records));
	return &b->records[b->count++];
}

/* The pid is between "COMM-" and " [CPU]". */
static pid_t pid_of_line(const char *line)
{
	const char *p = strchr(line, '[');

	while (p && p > line && *p != '-')
		p--;
	return p ? atoi(p + 1) : 0;
}

static void parse_line(struct balance *b, const char *line)
{
	const char *create = strstr(line, " namespace_create: ");
	const char *event = create ?: strstr(line, " namespace_free: ");
	unsigned long long id;
	struct record *record;
	unsigned int inum;

	if (!event || sscanf(event, " %*s ns_id=%llu type=%*s inum=%u", &id,
			     &inum) != 2)
		return;
	record = new_record(b);
	record->id = id;
	record->inum = inum;
	record->pid = pid_of_line(line);
	record->create = create;
}

/* Take what has been recorded since the last time. */
static void drain(struct balance *b)
{
	char *line, *end;
	ssize_t n;

	while ((n = read(trace_pipe, b->text + b->len,
			 sizeof(b->text) - 1 - b->len)) > 0) {
		b->len += n;
		b->text[b->len] = 0;
		line = b->text;
		while ((end = strchr(line, '\n'))) {
			*end = 0;
			parse_line(b, line);
			line = end + 1;
		}
		b->len = strlen(line);
		memmove(b->text, line, b->len);
	}
}

static int random_below(unsigned int *seed, int n)
{
	return rand_r(seed) % n;
}

static long random_flags(struct balance *b)
{
	static const long types[] = {
		CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
		CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWTIME,
		CLONE_NEWMETRICS,
	};
	int bits = 1 + random_below(&b->seed, (1 << ARRAY_SIZE(types)) - 1);
	long flags = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (bits & 1 << i)
			flags |= types[i];
	if (!b->metrics)
		flags &= ~CLONE_NEWMETRICS;
	if (flags & CLONE_NEWNET && --b->nets < 0)
		flags &= ~CLONE_NEWNET;
	return flags ?: CLONE_NEWUTS;
}

/* Make namespaces, let perhaps a process be born there, and go soon. */
static void live(struct life *life)
{
	int types = __builtin_popcountl(life->flags);
	pid_t pid = -1;

	close(trace_pipe);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	life->made = unshare(life->flags) ? -errno : types;
	if (random_below(&life->seed, 2))
		pid = fork();
	usleep(random_below(&life->seed, 3000));
	_exit(!pid);
}

static void begin_life(struct balance *b, struct life *life)
{
	pid_t pid;

	memset(life, 0, sizeof(*life));
	life->flags = random_flags(b);
	life->seed = rand_r(&b->seed);
	/* The child has no business with it, as it is shared. */
	pid = fork();
	if (!pid)
		live(life);
	life->pid = pid;
}

/* Wait for a process, or kill it at any point. */
static void end_life(struct balance *b, struct life *life)
{
	/* It couldn't be made: expect_told() says so, and -1 is everybody. */
	if (life->pid <= 0)
		return;
	if (random_below(&b->seed, 2)) {
		usleep(random_below(&b->seed, 3000));
		kill(life->pid, SIGKILL);
	}
	waitpid(life->pid, NULL, 0);
}

/* Whose creations are these? All are recorded, as their makers are dead. */
static void claim(struct balance *b, size_t from, int lives)
{
	struct record *record;
	int i;

	for (record = b->records + from; record < b->records + b->count;
	     record++) {
		for (i = 0; i < lives; i++) {
			if (!record->create || record->pid != b->lives[i].pid)
				continue;
			record->mine = true;
			b->lives[i].seen++;
		}
	}
}

/* Each namespace that a process is known to have made was told. */
static void expect_told(struct __test_metadata *_metadata,
			const struct life *life)
{
	ASSERT_LT(0, life->pid);
	EXPECT_LE(0, life->made);
	EXPECT_LE(life->made, life->seen);
	EXPECT_GE(__builtin_popcountl(life->flags), life->seen);
}

static void run_lives(struct __test_metadata *_metadata, struct balance *b,
		      int lives)
{
	size_t from;
	int i;

	drain(b);
	from = b->count;
	for (i = 0; i < lives; i++)
		begin_life(b, &b->lives[i]);
	for (i = 0; i < lives; i++)
		end_life(b, &b->lives[i]);
	drain(b);
	claim(b, from, lives);
	for (i = 0; i < lives; i++)
		expect_told(_metadata, &b->lives[i]);
	/* Those that were born there and outlived their parents. */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static int by_id(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_inum(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	return x->inum < y->inum ? -1 : x->inum > y->inum ? 1 : by_id(a, b);
}

/* All records of one namespace; returns the end of them. */
static size_t judge_one(const struct balance *b, size_t i, struct verdict *v)
{
	__u64 id = b->records[i].id;
	int created = 0, freed = 0;
	bool mine = false;

	for (; i < b->count && b->records[i].id == id; i++) {
		if (b->records[i].create)
			created++;
		else
			freed++;
		mine |= b->records[i].mine;
	}
	v->created += created;
	v->created_twice += created > 1;
	v->freed_twice += freed > 1;
	/* It may have been there before. */
	v->freed_only += !created && id > b->first_id;
	/* Others may make some that stay. */
	v->alive += mine && !freed;
	return i;
}

static struct verdict judge(struct balance *b)
{
	struct record *r = b->records;
	struct verdict v = {};
	size_t i;

	qsort(r, b->count, sizeof(*r), by_inum);
	for (i = 1; i < b->count; i++)
		v.reused += r[i].inum == r[i - 1].inum &&
			    r[i].id != r[i - 1].id;
	qsort(r, b->count, sizeof(*r), by_id);
	for (i = 0; i < b->count;)
		i = judge_one(b, i, &v);
	return v;
}

static void open_balance(struct __test_metadata *_metadata, struct balance *b)
{
	ASSERT_EQ(0, write_file(trace_path("buffer_size_kb"), BUFFER_KB));
	trace_pipe = open(trace_path("trace_pipe"),
			  O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, trace_pipe);
	b->lives = mmap(NULL, LIVES_AT_ONCE * sizeof(*b->lives),
			PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			0);
	ASSERT_NE(MAP_FAILED, b->lives);
	/* Who is born to a process that is killed must not stay a zombie. */
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
}

static void expect_balance(struct __test_metadata *_metadata,
			   struct balance *b)
{
	struct verdict v = judge(b);
	int tries = TRIES;

	while (v.alive && tries--) {
		usleep(TICK_US);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		drain(b);
		v = judge(b);
	}
	EXPECT_EQ(0, v.alive);
	EXPECT_EQ(0, v.created_twice);
	EXPECT_EQ(0, v.freed_twice);
	EXPECT_EQ(0, v.freed_only);
	EXPECT_LT(0, v.reused);
	EXPECT_EQ(0, lost_events());
	TH_LOG("%d namespaces, an inode number was reused %d times",
	       v.created, v.reused);
}

/*
 * Every namespace that is made is freed once, however its processes come to
 * their end. No ID comes twice, while inode numbers do.
 */
TEST_F_TIMEOUT(events, balance, PATIENCE)
{
	long cycles = number_from_env("NS_EVENTS_CYCLES", LIVES);
	struct balance *b = calloc(1, sizeof(*b));

	ASSERT_NE(NULL, b);
	b->seed = number_from_env("NS_EVENTS_SEED", time(NULL));
	b->nets = number_from_env("NS_EVENTS_NETS", NETS);
	b->metrics = ns_id_of(getpid(), "metrics");
	TH_LOG("NS_EVENTS_CYCLES=%ld NS_EVENTS_SEED=%u", cycles, b->seed);
	ASSERT_EQ(0, child_clone(&self->c, CLONE_NEWUTS, 0));
	b->first_id = ns_id_of(self->c.pid, "uts");
	child_stop(&self->c);

	open_balance(_metadata, b);
	for (; cycles > 0; cycles -= LIVES_AT_ONCE)
		run_lives(_metadata, b, cycles < LIVES_AT_ONCE ? cycles :
			  LIVES_AT_ONCE);
	expect_balance(_metadata, b);
}

TEST_HARNESS_MAIN
