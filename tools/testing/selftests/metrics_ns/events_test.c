// SPDX-License-Identifier: GPL-2.0
/*
 * What tracers are told of metrics namespaces: the events of all namespaces for
 * this type, and those that only this type has.
 */
#include <linux/perf_event.h>

#include "tracefs.h"

FIXTURE(events) {
	struct child a;
	char name[32];
	int instance, mount, root, cgroup;
	__u64 own;
};

static long events_on(FIXTURE_DATA(events) *self)
{
	long ret = write_file_at(self->instance, "events/namespace/enable",
				 "1");

	return ret ? ret : write_file_at(self->instance,
					 "events/metrics_ns/enable", "1");
}

static void events_clean_up(FIXTURE_DATA(events) *self)
{
	children_stop();
	if (self->root > 0)
		cgroup_remove(self->mount, self->name);
	write_file_at(self->instance, "events/enable", "0");
	instance_remove(self->instance, self->name);
}

static long events_make(FIXTURE_DATA(events) *self)
{
	self->mount = cgroup_open_mount();
	if (self->mount >= 0) {
		self->root = cgroup_make(self->mount, self->name);
		if (self->root < 0)
			return self->root;
		self->cgroup = cgroup_make(self->root, "c");
		if (self->cgroup < 0)
			return self->cgroup;
	}
	self->own = ns_id_of(getpid());
	return child_start(&self->a);
}

FIXTURE_SETUP(events)
{
	METRICS_NS_SETUP();
	NEEDS_ROOT();
	if (access(TRACEFS "/events/metrics_ns", F_OK))
		SKIP(return, "no events of metrics namespaces in " TRACEFS);
	snprintf(self->name, sizeof(self->name), "metrics_ns_ev%d", getpid());
	self->instance = instance_make(self->name);
	ASSERT_LE(0, self->instance);

	/* There is no teardown after a setup that fails. */
	EXPECT_EQ(0, events_make(self))
		events_clean_up(self);
}

FIXTURE_TEARDOWN(events)
{
	events_clean_up(self);
}

/* How many events are there that contain the text? -1 if they can't be read. */
__attribute__((format(printf, 2, 3)))
static int count(FIXTURE_DATA(events) *self, const char *format, ...)
{
	const char *at = instance_read(self->instance);
	char text[256];
	va_list args;
	int n = 0;

	if (!at)
		return -1;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	while ((at = strstr(at, text))) {
		at++;
		n++;
	}
	return n;
}

/* The same, when there is one, or some time later. */
__attribute__((format(printf, 2, 3)))
static int count_soon(FIXTURE_DATA(events) *self, const char *format, ...)
{
	int tries = TRIES, n;
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	while (!(n = count(self, "%s", text)) && tries--)
		usleep(TICK_US);
	return n;
}

/* Where the first event with the text is; -1 if there is none. */
static long position(FIXTURE_DATA(events) *self, const char *text)
{
	const char *trace = instance_read(self->instance);
	const char *at = trace ? strstr(trace, text) : NULL;

	return at ? at - trace : -1;
}

/* Switches of a task to another metrics namespace. */
static int switches(FIXTURE_DATA(events) *self, pid_t pid)
{
	return count(self, "namespace_switch: pid=%d tgid=%d type=metrics ",
		     pid, pid);
}

static int switched(FIXTURE_DATA(events) *self, pid_t pid, __u64 old, __u64 new)
{
	return count(self, "switch: pid=%d tgid=%d type=metrics old_id=%llu new_id=%llu\n",
		     pid, pid, old, new);
}

/* What setns(2) was told about one namespace. */
static int installs(FIXTURE_DATA(events) *self, pid_t pid, __u64 id, int ret)
{
	return count(self, "namespace_install: pid=%d ns_id=%llu type=metrics ret=%d\n",
		     pid, id, ret);
}

static int denials(FIXTURE_DATA(events) *self, pid_t pid, __u64 id,
		   const char *reason, int ret)
{
	return count(self, "namespace_denied: pid=%d type=metrics ns_id=%llu reason=%s ret=%d\n",
		     pid, id, reason, ret);
}

static long do_switch_on(long instance, long unused)
{
	return write_file_at(instance, "events/metrics_ns/enable", "1");
}

static __u64 user_ns_id_of(pid_t pid)
{
	int fd = open_proc(pid, "ns/user");
	__u64 id = ns_id(fd);

	close(fd);
	return id;
}

/* Its inode number, 0 if it can't be had. */
static __u64 ns_inum_of(pid_t pid)
{
	int fd = open_ns(pid);
	struct stat st;

	if (fstat(fd, &st))
		st.st_ino = 0;
	close(fd);
	return st.st_ino;
}

/* Nothing is recorded while the events are off, of what is otherwise. */
TEST_F(events, off)
{
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	ASSERT_EQ(0, ns_set_label(open_ns(self->a.pid), "web"));
	EXPECT_EQ(0, count(self, "namespace_"));
	EXPECT_EQ(0, count(self, "metrics_ns_"));

	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	ASSERT_EQ(0, ns_set_label(open_ns(self->a.pid), "web"));
	EXPECT_EQ(1, count(self, " namespace_create: "));
	EXPECT_EQ(1, count(self, " metrics_ns_create: "));
	EXPECT_EQ(1, count(self, " metrics_ns_set: "));
}

/* Nor can anybody but root switch them on, by a file with which root can. */
TEST_F(events, unprivileged)
{
	struct child b;

	ASSERT_EQ(0, child_start(&b));
	ASSERT_EQ(0, child_call(&b, do_become_nobody, 0, 0));
	EXPECT_EQ(-EACCES, child_call(&b, do_switch_on, self->instance, 0));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	EXPECT_EQ(0, count(self, " metrics_ns_create: "));

	ASSERT_EQ(0, do_switch_on(self->instance, 0));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	EXPECT_EQ(1, count(self, " metrics_ns_create: "));
}

/* A new namespace: with what all types have, and with what only this one has. */
TEST_F(events, create)
{
	__u64 id;

	if (self->mount < 0)
		SKIP(return, "no cgroup v2 hierarchy is mounted");
	ASSERT_EQ(0, cgroup_move(self->cgroup, self->a.pid));
	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	id = ns_id_of(self->a.pid);
	EXPECT_EQ(1, count(self,
			   " namespace_create: ns_id=%llu type=metrics inum=%llu owner_id=%llu parent_id=%llu level=1\n",
			   id, ns_inum_of(self->a.pid), user_ns_id_of(getpid()),
			   self->own));
	EXPECT_EQ(1, count(self,
			   " metrics_ns_create: id=%llu parent_id=%llu top_id=%llu level=1 cgroup_id=%llu pid=%d\n",
			   id, self->own, id, cgroup_id(self->cgroup),
			   self->a.pid));
	EXPECT_EQ(1, count(self, "namespace_switch: pid=%d tgid=%d type=metrics ",
			   self->a.pid, self->a.pid));
	EXPECT_EQ(1, count(self, "old_id=%llu new_id=%llu\n", self->own, id));
}

/* One in one: the parent is named, and so is the outermost. */
TEST_F(events, create_nested)
{
	__u64 outer, inner;

	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	outer = ns_id_of(self->a.pid);
	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	inner = ns_id_of(self->a.pid);
	EXPECT_EQ(1, count(self, "metrics_ns_create: id=%llu parent_id=%llu top_id=%llu level=2",
			   inner, outer, outer));
}

/* Its owner is the user namespace of its maker, its parent the maker's. */
TEST_F(events, create_owner)
{
	struct child user;
	__u64 outer;

	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_start_rootless(&user));
	outer = ns_id_of(user.pid);
	ASSERT_EQ(0, child_unshare(&user, CLONE_NEWMETRICS));
	EXPECT_EQ(1, count(self, "owner_id=%llu parent_id=%llu level=1\n",
			   user_ns_id_of(user.pid), self->own));
	EXPECT_EQ(1, count(self, "owner_id=%llu parent_id=%llu level=2\n",
			   user_ns_id_of(user.pid), outer));
}

/* clone3(2) makes one and has the child in it: that is told of the child. */
TEST_F(events, clone3)
{
	struct child b;
	__u64 id;

	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_clone(&b, CLONE_NEWMETRICS, 0));
	id = ns_id_of(b.pid);
	ASSERT_NE(self->own, id);
	EXPECT_EQ(1, count(self, "namespace_create: ns_id=%llu type=metrics ",
			   id));
	EXPECT_EQ(1, count(self, "metrics_ns_create: id=%llu parent_id=%llu top_id=%llu level=1",
			   id, self->own, id));
	EXPECT_EQ(1, switched(self, b.pid, self->own, id));
	EXPECT_EQ(1, switches(self, b.pid));
	EXPECT_EQ(0, switches(self, getpid()));
}

/* unshare(2) has its caller in it, once and in nothing else. */
TEST_F(events, unshare)
{
	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	EXPECT_EQ(1, switched(self, self->a.pid, self->own,
			      ns_id_of(self->a.pid)));
	EXPECT_EQ(1, count(self, "namespace_switch: pid=%d ", self->a.pid));
}

/* Who is born to a process inside is there without a switch. */
TEST_F(events, born_inside)
{
	long pid;

	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	pid = child_call(&self->a, do_fork, 0, 0);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, switches(self, pid));
	EXPECT_EQ(ns_id_of(self->a.pid), ns_id_of(pid));
	child_call(&self->a, do_reap, pid, 0);
}

/* What setns(2) of @a, into the namespace of @id, has to show. */
static void expect_entered(struct __test_metadata *_metadata,
			   FIXTURE_DATA(events) *self, __u64 id)
{
	pid_t pid = self->a.pid;

	EXPECT_EQ(1, installs(self, pid, id, 0));
	EXPECT_EQ(1, count(self, "namespace_install: pid=%d ", pid));
	EXPECT_EQ(1, switched(self, pid, self->own, id));
	EXPECT_EQ(1, count(self, "namespace_switch: pid=%d ", pid));
	EXPECT_EQ(0, count(self, " namespace_denied: "));
	EXPECT_LT(position(self, " namespace_install: "),
		  position(self, " namespace_switch: "));
}

/* setns(2) by the namespace's file is granted, and then switches. */
TEST_F(events, setns_nsfs)
{
	struct child b;
	int fd;

	ASSERT_EQ(0, child_clone(&b, CLONE_NEWMETRICS, 0));
	fd = open_ns(b.pid);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_start(&self->a));
	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_call(&self->a, do_setns, fd, CLONE_NEWMETRICS));
	expect_entered(_metadata, self, ns_id(fd));
}

/* So does setns(2) by a pidfd. */
TEST_F(events, setns_pidfd)
{
	struct child b;
	int fd;

	ASSERT_EQ(0, child_clone(&b, CLONE_NEWMETRICS, 0));
	fd = sys_pidfd_open(b.pid);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_start(&self->a));
	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_call(&self->a, do_setns, fd, CLONE_NEWMETRICS));
	expect_entered(_metadata, self, ns_id_of(b.pid));
}

static void expect_refused(struct __test_metadata *_metadata,
			   FIXTURE_DATA(events) *self, pid_t pid, __u64 id,
			   int ret)
{
	EXPECT_EQ(1, installs(self, pid, id, ret));
	EXPECT_EQ(1, count(self, " namespace_install: "));
	EXPECT_EQ(1, denials(self, pid, id, "install", ret));
	EXPECT_EQ(1, count(self, " namespace_denied: "));
	EXPECT_EQ(0, count(self, " namespace_switch: "));
}

/* Who lacks the capability is refused, and stays where he is. */
TEST_F(events, setns_unprivileged)
{
	struct child b, nobody;
	int fd;

	ASSERT_EQ(0, child_clone(&b, CLONE_NEWMETRICS, 0));
	fd = open_ns(b.pid);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_start_nobody(&nobody));
	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(-EPERM, child_call(&nobody, do_setns, fd, CLONE_NEWMETRICS));
	expect_refused(_metadata, self, nobody.pid, ns_id(fd), -EPERM);
}

/* So is who wants to get out, whatever his capabilities. */
TEST_F(events, setns_up)
{
	struct child b;
	int fd = open_ns(0);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_clone(&b, CLONE_NEWMETRICS, 0));
	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(-EINVAL, child_call(&b, do_setns, fd, CLONE_NEWMETRICS));
	expect_refused(_metadata, self, b.pid, self->own, -EINVAL);
}

/* It is in use from its beginning to the end of its last process. */
TEST_F(events, active)
{
	__u64 id;

	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	id = ns_id_of(self->a.pid);
	EXPECT_EQ(1, count(self, "namespace_active: ns_id=%llu type=metrics\n",
			   id));
	EXPECT_EQ(0, count(self, "namespace_inactive: ns_id=%llu ", id));
	child_stop(&self->a);
	EXPECT_EQ(1, count_soon(self, "namespace_inactive: ns_id=%llu type=metrics\n",
				id));
	EXPECT_EQ(1, count(self, "namespace_active: ns_id=%llu ", id));
}

/* An open file has it in use as well. */
TEST_F(events, active_by_file)
{
	__u64 id;
	int fd;

	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	fd = open_ns(self->a.pid);
	id = ns_id(fd);
	child_stop(&self->a);
	EXPECT_EQ(0, count(self, "namespace_inactive: ns_id=%llu ", id));
	close(fd);
	EXPECT_EQ(1, count_soon(self, "namespace_inactive: ns_id=%llu ", id));
}

/* Who exits leaves without a switch. */
TEST_F(events, exit)
{
	struct child b;
	__u64 id;

	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_clone(&b, CLONE_NEWMETRICS, 0));
	id = ns_id_of(b.pid);
	child_stop(&b);
	EXPECT_EQ(1, count_soon(self, "namespace_free: ns_id=%llu ", id));
	/* That of its birth. */
	EXPECT_EQ(1, switches(self, b.pid));
}

/* It is freed once, after the last process has gone. */
TEST_F(events, free)
{
	__u64 id;

	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	id = ns_id_of(self->a.pid);
	EXPECT_EQ(0, count(self, "namespace_free: ns_id=%llu ", id));
	child_stop(&self->a);
	EXPECT_EQ(1, count_soon(self, "namespace_free: ns_id=%llu type=metrics",
				id));
	EXPECT_EQ(1, count(self, "namespace_inactive: ns_id=%llu type=metrics",
			   id));
}

/* What one call sets is told once, with who has set it. */
TEST_F(events, set)
{
	struct metrics_ns_set arg = {
		.mask = NS_METRICS_SET_LABEL | NS_METRICS_SET_FLAGS,
		.flags = METRICS_NS_QUOTA_CPUS,
	};
	__u64 id;

	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	id = ns_id_of(self->a.pid);
	fill_label(&arg, "web");
	ASSERT_EQ(0, ns_set(open_ns(self->a.pid), &arg));
	EXPECT_EQ(1, count(self,
			   " metrics_ns_set: id=%llu set=label|flags cgroup_id=0 flags=quota_cpus owner_id=%llu setter_id=%llu uid=0 label=web\n",
			   id, user_ns_id_of(getpid()), self->own));
}

/* The user is the machine's number of whoever has set it, root inside or not. */
TEST_F(events, set_by_nobody)
{
	struct child user, b;
	int fd;

	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_start_rootless(&user));
	fd = open_ns(user.pid);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_start_nobody(&b));
	ASSERT_EQ(0, child_call(&b, do_set_flags_fd, fd,
				METRICS_NS_QUOTA_CPUS));
	EXPECT_EQ(1, count(self,
			   " metrics_ns_set: id=%llu set=flags cgroup_id=0 flags=quota_cpus owner_id=%llu setter_id=%llu uid=%d label=\n",
			   ns_id_of(user.pid), user_ns_id_of(user.pid),
			   self->own, NOBODY));
}

/* A label can't be taken for other fields, as nothing comes after it. */
TEST_F(events, label_is_last)
{
	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	ASSERT_EQ(0, ns_set_label(open_ns(self->a.pid), "a\" uid=1 \\"));
	EXPECT_EQ(1, count(self, " uid=0 label=a\" uid=1 \\\n"));
}

/* An explicit scope is told with its cgroup. */
TEST_F(events, scope)
{
	if (self->mount < 0)
		SKIP(return, "no cgroup v2 hierarchy is mounted");
	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	ASSERT_EQ(0, ns_set_scope(open_ns(self->a.pid), self->cgroup));
	EXPECT_EQ(1, count(self, "set=scope cgroup_id=%llu ",
			   cgroup_id(self->cgroup)));
}

/* So is an automatic one, when it is found. */
TEST_F(events, auto_scope)
{
	if (self->mount < 0)
		SKIP(return, "no cgroup v2 hierarchy is mounted");
	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	ASSERT_EQ(0, ns_set_flags(open_ns(self->a.pid), METRICS_NS_AUTO_SCOPE));
	EXPECT_EQ(0, count(self, "set=scope"));
	ASSERT_EQ(0, cgroup_move(self->cgroup, self->a.pid));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWCGROUP));
	EXPECT_EQ(1, count(self, "set=scope cgroup_id=%llu ",
			   cgroup_id(self->cgroup)));
}

/* A call that is refused sets nothing, and says who has refused. */
TEST_F(events, set_denied)
{
	__u64 id;

	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	id = ns_id_of(self->a.pid);
	ASSERT_EQ(-EPERM, child_call(&self->a, do_set_flags, self->a.pid,
				     METRICS_NS_QUOTA_CPUS));
	EXPECT_EQ(0, count(self, "metrics_ns_set: "));
	EXPECT_EQ(1, denials(self, self->a.pid, id, "set", -EPERM));
	EXPECT_EQ(1, count(self, " namespace_denied: "));
}

/* So does one whose cause is a missing capability, or a cgroup of others. */
TEST_F(events, set_denied_elsewhere)
{
	struct child b;
	__u64 id;
	int fd;

	if (self->mount < 0)
		SKIP(return, "no cgroup v2 hierarchy is mounted");
	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	id = ns_id_of(self->a.pid);
	ASSERT_EQ(0, child_start(&b));
	ASSERT_EQ(0, child_call(&b, do_drop_admin, 0, 0));
	ASSERT_EQ(-EPERM, child_call(&b, do_set_flags, self->a.pid, 0));
	EXPECT_EQ(1, denials(self, b.pid, id, "set", -EPERM));

	/* Its root may set it, but not give it a cgroup that isn't its own. */
	child_stop(&b);
	ASSERT_EQ(0, child_start_rootless(&self->a));
	id = ns_id_of(self->a.pid);
	fd = open_ns(self->a.pid);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_start_nobody(&b));
	ASSERT_EQ(-EPERM, child_call(&b, do_set_scope_fd, fd, self->cgroup));
	EXPECT_EQ(1, denials(self, b.pid, id, "set", -EPERM));
	EXPECT_EQ(0, count(self, " metrics_ns_set: "));
}

/* So does one that would nest too deep. */
TEST_F(events, level_denied)
{
	__u64 id;
	int i;

	ASSERT_EQ(0, events_on(self));
	for (i = 0; i < METRICS_NS_LEVELS; i++)
		ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	id = ns_id_of(self->a.pid);
	ASSERT_EQ(-ENOSPC, child_unshare(&self->a, CLONE_NEWMETRICS));
	EXPECT_EQ(1, denials(self, self->a.pid, id, "level", -ENOSPC));
}

/* And one beyond the limit of a user namespace, which is named. */
TEST_F(events, limit_denied)
{
	struct child user = {};

	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_start_rootless(&user));
	ASSERT_EQ(0, child_call(&user, do_limit, 0, 0));
	ASSERT_EQ(-ENOSPC, child_unshare(&user, CLONE_NEWMETRICS));
	EXPECT_EQ(1, denials(self, user.pid, user_ns_id_of(user.pid), "limit",
			     -ENOSPC));
	EXPECT_EQ(1, count(self, " namespace_denied: "));
}

/* That may be one around the caller's, which itself would allow more. */
TEST_F(events, limit_of_parent_denied)
{
	struct child user = {};
	__u64 outer;

	ASSERT_EQ(0, events_on(self));
	ASSERT_EQ(0, child_start_rootless(&user));
	outer = user_ns_id_of(user.pid);
	ASSERT_EQ(0, child_call(&user, do_limit, 0, 0));
	ASSERT_EQ(0, child_call(&user, do_enter_user_ns, 0, 0));
	ASSERT_NE(outer, user_ns_id_of(user.pid));
	ASSERT_EQ(-ENOSPC, child_unshare(&user, CLONE_NEWMETRICS));
	EXPECT_EQ(1, denials(self, user.pid, outer, "limit", -ENOSPC));
	EXPECT_EQ(1, count(self, " namespace_denied: "));
}

/* --- filters of any event, such as of namespace_create --- */

#define EVENT	"events/namespace/namespace_create/"

__attribute__((format(printf, 2, 3)))
static long set_filter(FIXTURE_DATA(events) *self, const char *format, ...)
{
	char filter[128];
	va_list args;

	va_start(args, format);
	vsnprintf(filter, sizeof(filter), format, args);
	va_end(args);
	return write_file_at(self->instance, EVENT "filter", filter);
}

/* A namespace that each of two tasks makes, one in a metrics namespace. */
static long two_events(FIXTURE_DATA(events) *self, struct child *b)
{
	long ret = write_file_at(self->instance, EVENT "enable", "1");

	if (!ret)
		ret = child_unshare(&self->a, CLONE_NEWUTS);
	return ret ? ret : child_unshare(b, CLONE_NEWUTS);
}

static int count_by(FIXTURE_DATA(events) *self, const struct child *c)
{
	return count(self, "-%d ", c->pid);
}

/* What happens in a metrics namespace can be told from everything else. */
TEST_F(events, filter)
{
	struct child b;

	ASSERT_EQ(0, child_start(&b));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	ASSERT_EQ(0, set_filter(self, "metrics_ns_id == %llu",
				ns_id_of(self->a.pid)));
	ASSERT_EQ(0, two_events(self, &b));
	EXPECT_EQ(1, count_by(self, &self->a));
	EXPECT_EQ(0, count_by(self, &b));
}

/* So can everything else. */
TEST_F(events, filter_others)
{
	struct child b;

	ASSERT_EQ(0, child_start(&b));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	ASSERT_EQ(0, set_filter(self, "metrics_ns_id != %llu",
				ns_id_of(self->a.pid)));
	ASSERT_EQ(0, two_events(self, &b));
	EXPECT_EQ(0, count_by(self, &self->a));
	EXPECT_EQ(1, count_by(self, &b));
}

/* The initial namespace is 0, as in a task. */
TEST_F(events, filter_initial)
{
	struct child b;

	if (self->own != METRICS_NS_INIT_ID)
		SKIP(return, "needs to be in the initial metrics namespace");
	ASSERT_EQ(0, child_start(&b));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	ASSERT_EQ(0, set_filter(self, "metrics_ns_id == 0"));
	ASSERT_EQ(0, two_events(self, &b));
	EXPECT_EQ(0, count_by(self, &self->a));
	EXPECT_EQ(1, count_by(self, &b));
}

/* A nested one is found by its outermost, and not by that one's own ID. */
TEST_F(events, filter_nested)
{
	struct child b;
	__u64 outer;

	ASSERT_EQ(0, child_start(&b));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	outer = ns_id_of(self->a.pid);
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	ASSERT_EQ(0, set_filter(self, "metrics_ns_id == %llu", outer));
	ASSERT_EQ(0, two_events(self, &b));
	EXPECT_EQ(0, count_by(self, &self->a));
	ASSERT_EQ(0, set_filter(self, "metrics_ns_top_id == %llu", outer));
	ASSERT_EQ(0, two_events(self, &b));
	EXPECT_EQ(1, count_by(self, &self->a));
	EXPECT_EQ(0, count_by(self, &b));
}

/* A counter of perf for the event, of all tasks on one CPU; or -errno. */
static long open_counter(FIXTURE_DATA(events) *self, int cpu,
			 const char *filter)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
	};
	char id[16];
	int fd;

	if (!read_file_at(self->instance, EVENT "id", id, sizeof(id)))
		return -ENOENT;
	attr.config = strtoull(id, NULL, 10);
	fd = syscall(__NR_perf_event_open, &attr, -1, cpu, -1,
		     PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 || !ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter))
		return or_errno(fd);
	close(fd);
	return -EINVAL;
}

/* Perf counts what the same filter lets through, and nothing else. */
TEST_F(events, filter_perf)
{
	__u64 counted, sum = 0;
	int fds[CPU_SETSIZE];
	char filter[64];
	struct child b;
	cpu_set_t set;
	int cpu;

	ASSERT_EQ(0, child_start(&b));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWMETRICS));
	snprintf(filter, sizeof(filter), "metrics_ns_id == %llu",
		 ns_id_of(self->a.pid));
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(set), &set));
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		fds[cpu] = open_counter(self, cpu, filter);
		ASSERT_LE(0, fds[cpu]);
	}
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWUTS));
	ASSERT_EQ(0, child_unshare(&self->a, CLONE_NEWUTS));
	ASSERT_EQ(0, child_unshare(&b, CLONE_NEWUTS));
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		ASSERT_EQ(sizeof(counted), read(fds[cpu], &counted,
						sizeof(counted)));
		sum += counted;
		close(fds[cpu]);
	}
	EXPECT_EQ(2, sum);
	EXPECT_EQ(-EINVAL, open_counter(self, 0, "metrics_ns_id > 1"));
}

/* IDs have no order, and are no text, nor what a histogram could be made of. */
TEST_F(events, filter_refused)
{
	EXPECT_EQ(-EINVAL, set_filter(self, "metrics_ns_id > 1"));
	EXPECT_EQ(-EINVAL, set_filter(self, "metrics_ns_id & 1"));
	EXPECT_EQ(-EINVAL, set_filter(self, "metrics_ns_top_id == \"web\""));
	EXPECT_EQ(-EINVAL, set_filter(self, "metrics_ns_id & CPUS{1}"));
	EXPECT_EQ(-EINVAL, write_file_at(self->instance, EVENT "trigger",
					 "hist:keys=metrics_ns_id"));
}

TEST_HARNESS_MAIN
