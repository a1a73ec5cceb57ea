// SPDX-License-Identifier: GPL-2.0
/* NS_METRICS_GET: what it tells, and to whom. */
#include "metrics_ns.h"

#define ALL_FLAGS	(METRICS_NS_AUTO_SCOPE | METRICS_NS_HOST_VIEW | \
			 METRICS_NS_QUOTA_CPUS)

/* The request of a program that was built for another size of the structure */
#define GET_OF_SIZE(size) _IOC(_IOC_READ, NSIO, _IOC_NR(NS_METRICS_GET), size)

struct larger_info {
	struct metrics_ns_info known;
	__u64 unknown;
};

/*
 *	where the test is
 *	  outer
 *	    inner
 *	  sibling
 */
FIXTURE(get) {
	struct child outer, inner, sibling;
	int outer_fd, inner_fd;
	struct metrics_ns_info info;
};

FIXTURE_SETUP(get)
{
	METRICS_NS_SETUP();
	ASSERT_EQ(0, children_start_nested(&self->outer, &self->inner,
					   &self->outer_fd, &self->inner_fd));
	ASSERT_EQ(0, child_start_ns(&self->sibling));
}

FIXTURE_TEARDOWN(get)
{
	children_stop();
}

enum what { LEVEL, PARENT_ID, TOP_ID };

/* A member of NS_METRICS_GET's result for a process's namespace. */
static long do_get(long pid, long what)
{
	struct metrics_ns_info info;
	int fd = open_ns(pid);
	long ret;

	if (fd < 0)
		return -errno;
	ret = ns_get(fd, &info);
	close(fd);
	if (ret)
		return ret;
	switch (what) {
	case LEVEL:
		return info.level;
	case PARENT_ID:
		return info.parent_id;
	default:
		return info.top_id;
	}
}

/* A file of another type of namespace is refused by get. */
TEST_F(get, other_type)
{
	EXPECT_EQ(-EINVAL, ns_get(open_proc(0, "ns/uts"), &self->info));
}

/* Get to memory that isn't there. */
TEST_F(get, bad_pointer)
{
	EXPECT_EQ(-EFAULT, ns_get(self->outer_fd, NULL));
}

/* Get into a larger structure fills the unknown rest with zeroes. */
TEST_F(get, larger)
{
	struct larger_info info;

	memset(&info, 0xff, sizeof(info));
	ASSERT_EQ(0, ioctl(self->outer_fd, GET_OF_SIZE(sizeof(info)), &info));
	EXPECT_EQ(0, info.unknown);
}

/* Get says how much it has filled in. */
TEST_F(get, larger_size)
{
	struct larger_info info;

	ASSERT_EQ(0, ioctl(self->outer_fd, GET_OF_SIZE(sizeof(info)), &info));
	EXPECT_EQ(sizeof(info.known), info.known.size);
}

/* Get into a structure smaller than the first one. */
TEST_F(get, smaller)
{
	unsigned int request = GET_OF_SIZE(sizeof(self->info) - 8);

	EXPECT_EQ(-ENOTTY, or_errno(ioctl(self->outer_fd, request,
					  &self->info)));
}

/* What nobody has set is zero. */
TEST_F(get, unset)
{
	static const char no_label[NS_METRICS_LABEL_MAX] = "";

	memset(&self->info, 0xff, sizeof(self->info));
	ASSERT_EQ(0, ns_get(self->outer_fd, &self->info));
	EXPECT_EQ(0, self->info.scope_id);
	EXPECT_EQ(0, self->info.flags);
	EXPECT_EQ(0, self->info.effective_flags);
	EXPECT_EQ(0, self->info.label_len);
	EXPECT_EQ(0, self->info.spare);
	EXPECT_EQ(0, memcmp(self->info.label, no_label, sizeof(no_label)));
}

/* Levels count from where the machine's first process is. */
TEST_F(get, level)
{
	long own = do_get(0, LEVEL);

	ASSERT_LE(0, own);
	EXPECT_EQ(own + 1, do_get(self->outer.pid, LEVEL));
	EXPECT_EQ(own + 2, do_get(self->inner.pid, LEVEL));
}

/* The parent's ID is the parent's ID. */
TEST_F(get, parent_id)
{
	EXPECT_EQ(ns_id(self->outer_fd), do_get(self->inner.pid, PARENT_ID));
}

/* A namespace right below the caller's has the caller's as its parent. */
TEST_F(get, parent_id_own)
{
	EXPECT_EQ(ns_id_of(0), do_get(self->outer.pid, PARENT_ID));
}

/* Who is inside isn't told the ID of the parent. */
TEST_F(get, parent_id_outside)
{
	EXPECT_EQ(0, child_call(&self->outer, do_get, 0, PARENT_ID));
}

/* The topmost ancestor is the one at level 1. */
TEST_F(get, top_id)
{
	if (do_get(0, LEVEL))
		SKIP(return, "not in the initial metrics namespace");
	EXPECT_EQ(ns_id(self->outer_fd), do_get(self->inner.pid, TOP_ID));
}

/* At level 1 it is the namespace itself. */
TEST_F(get, top_id_of_top)
{
	if (do_get(0, LEVEL))
		SKIP(return, "not in the initial metrics namespace");
	EXPECT_EQ(ns_id(self->outer_fd), do_get(self->outer.pid, TOP_ID));
}

/* The initial namespace has none. */
TEST_F(get, top_id_of_initial)
{
	if (do_get(0, LEVEL))
		SKIP(return, "not in the initial metrics namespace");
	EXPECT_EQ(0, do_get(0, TOP_ID));
}

/* Who is deeper isn't told it. */
TEST_F(get, top_id_outside)
{
	EXPECT_EQ(0, child_call(&self->inner, do_get, 0, TOP_ID));
}

/* Get works from inside. */
TEST_F(get, own)
{
	EXPECT_LT(0, child_call(&self->outer, do_get, 0, LEVEL));
}

/* Get works for what is below. */
TEST_F(get, nested)
{
	EXPECT_LT(0, child_call(&self->outer, do_get, self->inner.pid, LEVEL));
}

/* Get needs no capability: what it tells isn't secret to who may open it. */
TEST_F(get, without_capability)
{
	ASSERT_EQ(0, child_call(&self->outer, do_drop_admin, 0, 0));
	EXPECT_LT(0, child_call(&self->outer, do_get, 0, LEVEL));
}

/* Get of a sibling is refused. */
TEST_F(get, sibling_is_refused)
{
	EXPECT_EQ(-EPERM, child_call(&self->outer, do_get, self->sibling.pid,
				     LEVEL));
}

/* Get of an ancestor is refused. */
TEST_F(get, ancestor_is_refused)
{
	EXPECT_EQ(-EPERM, child_call(&self->inner, do_get, self->outer.pid,
				     LEVEL));
}

/* Flags say something about a view: without a scope none is in force. */
TEST_F(get, flags_need_scope)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, ALL_FLAGS));
	ASSERT_EQ(0, ns_get(self->outer_fd, &self->info));
	EXPECT_EQ(0, self->info.effective_flags);
}

/* Settings aren't handed down. */
TEST_F(get, not_inherited)
{
	ASSERT_EQ(0, ns_set_label(self->outer_fd, "web-1"));
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, ALL_FLAGS));
	ASSERT_EQ(0, ns_get(self->inner_fd, &self->info));
	EXPECT_EQ(0, self->info.label_len);
	EXPECT_EQ(0, self->info.flags);
}

/* The longest valid label comes back as it is. */
TEST_F(get, label_of_64)
{
	struct metrics_ns_set arg = {
		.mask = NS_METRICS_SET_LABEL,
		.label_len = NS_METRICS_LABEL_MAX,
	};

	memset(arg.label, 'x', sizeof(arg.label));
	ASSERT_EQ(0, ns_set(self->outer_fd, &arg));
	ASSERT_EQ(0, ns_get(self->outer_fd, &self->info));
	EXPECT_EQ(NS_METRICS_LABEL_MAX, self->info.label_len);
	EXPECT_EQ(0, memcmp(arg.label, self->info.label, sizeof(arg.label)));
}

/* Label and flags set by one call come back as they are. */
TEST_F(get, label_and_flags)
{
	struct metrics_ns_set arg = {
		.mask = NS_METRICS_SET_FLAGS,
		.flags = ALL_FLAGS,
	};

	fill_label(&arg, "web-1");
	ASSERT_EQ(0, ns_set(self->outer_fd, &arg));
	ASSERT_EQ(0, ns_get(self->outer_fd, &self->info));
	EXPECT_EQ(ALL_FLAGS, self->info.flags);
	EXPECT_EQ(5, self->info.label_len);
	EXPECT_EQ(0, memcmp(arg.label, self->info.label, sizeof(arg.label)));
}

/* Set by two calls, the same. */
TEST_F(get, label_then_flags)
{
	ASSERT_EQ(0, ns_set_label(self->outer_fd, "web-1"));
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_HOST_VIEW));
	ASSERT_EQ(0, ns_get(self->outer_fd, &self->info));
	EXPECT_EQ(METRICS_NS_HOST_VIEW, self->info.flags);
	EXPECT_EQ(5, self->info.label_len);
}

TEST_HARNESS_MAIN
