// SPDX-License-Identifier: GPL-2.0
/* NS_METRICS_SET: what is refused, who may, and that it is all or nothing. */
#include "metrics_ns.h"

/* The request of a program that was built for another size of the structure */
#define SET_OF_SIZE(size) _IOC(_IOC_WRITE, NSIO, _IOC_NR(NS_METRICS_SET), size)

struct larger_set {
	struct metrics_ns_set known;
	__u64 unknown;
};

/* --- what is refused for what it is --- */

FIXTURE(invalid) {
	struct child inside;
	int fd;
};

FIXTURE_SETUP(invalid)
{
	METRICS_NS_SETUP();
	ASSERT_EQ(0, child_start_ns(&self->inside));
	self->fd = open_ns(self->inside.pid);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(invalid)
{
	children_stop();
}

FIXTURE_VARIANT(invalid) {
	struct metrics_ns_set arg;
};

#define INVALID(name, ...) \
	FIXTURE_VARIANT_ADD(invalid, name) { .arg = { __VA_ARGS__ } }

/* Nothing is asked for. */
INVALID(no_mask, .mask = 0);
/* A mask bit that doesn't exist. */
INVALID(unknown_mask, .mask = 1U << 3);
/* The same beside one that does. */
INVALID(unknown_mask_too, .mask = NS_METRICS_SET_FLAGS | 1U << 31);
/* A flag that doesn't exist. */
INVALID(unknown_flag, .mask = NS_METRICS_SET_FLAGS, .flags = 1U << 3);
/* The same beside one that does. */
INVALID(unknown_flag_too, .mask = NS_METRICS_SET_FLAGS,
	.flags = METRICS_NS_HOST_VIEW | 1U << 31);
/* Members that aren't asked for must be zero. */
INVALID(stray_flags, .mask = NS_METRICS_SET_LABEL, .label_len = 1,
	.label = "a", .flags = METRICS_NS_HOST_VIEW);
INVALID(stray_scope, .mask = NS_METRICS_SET_FLAGS, .scope_fd = 1);
INVALID(stray_label_len, .mask = NS_METRICS_SET_FLAGS, .label_len = 1);
INVALID(stray_label, .mask = NS_METRICS_SET_FLAGS, .label = "a");
/* A label has 1 to 64 bytes. */
INVALID(label_empty, .mask = NS_METRICS_SET_LABEL);
INVALID(label_too_long, .mask = NS_METRICS_SET_LABEL,
	.label_len = NS_METRICS_LABEL_MAX + 1, .label = "a");
INVALID(label_far_too_long, .mask = NS_METRICS_SET_LABEL,
	.label_len = UINT32_MAX, .label = "a");
/* All of them are printable ASCII. */
INVALID(label_nul, .mask = NS_METRICS_SET_LABEL, .label_len = 3,
	.label = "a\0b");
INVALID(label_ends_with_nul, .mask = NS_METRICS_SET_LABEL, .label_len = 2,
	.label = "a");
INVALID(label_newline, .mask = NS_METRICS_SET_LABEL, .label_len = 2,
	.label = "a\n");
INVALID(label_escape, .mask = NS_METRICS_SET_LABEL, .label_len = 1,
	.label = "\x1b");
INVALID(label_1f, .mask = NS_METRICS_SET_LABEL, .label_len = 1,
	.label = "\x1f");
INVALID(label_7f, .mask = NS_METRICS_SET_LABEL, .label_len = 1,
	.label = "\x7f");
INVALID(label_80, .mask = NS_METRICS_SET_LABEL, .label_len = 1,
	.label = "\x80");
INVALID(label_ff, .mask = NS_METRICS_SET_LABEL, .label_len = 1,
	.label = "\xff");
/* What follows the label is zero. */
INVALID(label_with_tail, .mask = NS_METRICS_SET_LABEL, .label_len = 1,
	.label = "ab");
INVALID(label_with_far_tail, .mask = NS_METRICS_SET_LABEL, .label_len = 1,
	.label = { [0] = 'a', [NS_METRICS_LABEL_MAX - 1] = 'b' });

/* The variant's request is invalid. */
TEST_F(invalid, is_refused)
{
	EXPECT_EQ(-EINVAL, ns_set(self->fd, &variant->arg));
}

/* If it also asks for what is valid, that isn't done either. */
TEST_F(invalid, sets_nothing)
{
	struct metrics_ns_set arg = variant->arg;
	struct metrics_ns_info info;

	if (arg.mask && !(arg.mask & NS_METRICS_SET_FLAGS) && !arg.flags) {
		arg.mask |= NS_METRICS_SET_FLAGS;
		arg.flags = METRICS_NS_QUOTA_CPUS;
	} else if (arg.mask && !(arg.mask & NS_METRICS_SET_LABEL) &&
		   !arg.label_len && !arg.label[0]) {
		fill_label(&arg, "web-1");
	}
	EXPECT_EQ(-EINVAL, ns_set(self->fd, &arg));
	ASSERT_EQ(0, ns_get(self->fd, &info));
	EXPECT_EQ(0, info.flags);
	EXPECT_EQ(0, info.label_len);
	EXPECT_EQ(0, info.scope_id);
}

/* --- everything else --- */

/*
 *	where the test is
 *	  outer
 *	    inner
 *	  sibling
 */
FIXTURE(set) {
	struct child outer, inner, sibling, extra, rootless;
	int outer_fd, inner_fd;
	struct metrics_ns_info info;
};

FIXTURE_SETUP(set)
{
	METRICS_NS_SETUP();
	ASSERT_EQ(0, children_start_nested(&self->outer, &self->inner,
					   &self->outer_fd, &self->inner_fd));
	ASSERT_EQ(0, child_start_ns(&self->sibling));
}

FIXTURE_TEARDOWN(set)
{
	children_stop();
}

/* The shortest valid label is taken. */
TEST_F(set, label_of_1)
{
	EXPECT_EQ(0, ns_set_label(self->outer_fd, "a"));
}

/* Every printable character may be in a label. */
TEST_F(set, label_of_all_characters)
{
	struct metrics_ns_set first = { .mask = NS_METRICS_SET_LABEL };
	struct metrics_ns_set second = { .mask = NS_METRICS_SET_LABEL };
	int c;

	for (c = 0x20; c < 0x50; c++)
		first.label[first.label_len++] = c;
	for (; c < 0x7f; c++)
		second.label[second.label_len++] = c;
	EXPECT_EQ(0, ns_set(self->outer_fd, &first));
	EXPECT_EQ(0, ns_set(self->inner_fd, &second));
}

/* No flags at all can be set, too. */
TEST_F(set, flags_of_0)
{
	EXPECT_EQ(0, ns_set_flags(self->outer_fd, 0));
}

/* A label stays. */
TEST_F(set, label_only_once)
{
	ASSERT_EQ(0, ns_set_label(self->outer_fd, "web-1"));
	EXPECT_EQ(-EBUSY, ns_set_label(self->outer_fd, "web-2"));
}

/* Flags stay, even if none was set. */
TEST_F(set, flags_only_once)
{
	ASSERT_EQ(0, ns_set_flags(self->outer_fd, 0));
	EXPECT_EQ(-EBUSY, ns_set_flags(self->outer_fd, METRICS_NS_HOST_VIEW));
}

/* If one of two can't be set, the other isn't. */
TEST_F(set, all_or_nothing_label)
{
	struct metrics_ns_set arg = {
		.mask = NS_METRICS_SET_FLAGS,
		.flags = METRICS_NS_HOST_VIEW,
	};

	ASSERT_EQ(0, ns_set_flags(self->outer_fd, METRICS_NS_QUOTA_CPUS));
	fill_label(&arg, "web-1");
	ASSERT_EQ(-EBUSY, ns_set(self->outer_fd, &arg));
	ASSERT_EQ(0, ns_get(self->outer_fd, &self->info));
	EXPECT_EQ(0, self->info.label_len);
	EXPECT_EQ(METRICS_NS_QUOTA_CPUS, self->info.flags);
}

/* The same the other way round. */
TEST_F(set, all_or_nothing_flags)
{
	struct metrics_ns_set arg = {
		.mask = NS_METRICS_SET_FLAGS,
		.flags = METRICS_NS_HOST_VIEW,
	};

	ASSERT_EQ(0, ns_set_label(self->outer_fd, "web-1"));
	fill_label(&arg, "web-2");
	ASSERT_EQ(-EBUSY, ns_set(self->outer_fd, &arg));
	ASSERT_EQ(0, ns_get(self->outer_fd, &self->info));
	EXPECT_EQ(0, self->info.flags);
}

/* What failed with EBUSY can be set by itself. */
TEST_F(set, retry_after_busy)
{
	struct metrics_ns_set arg = { .mask = NS_METRICS_SET_FLAGS };

	ASSERT_EQ(0, ns_set_flags(self->outer_fd, 0));
	fill_label(&arg, "web-1");
	ASSERT_EQ(-EBUSY, ns_set(self->outer_fd, &arg));
	EXPECT_EQ(0, ns_set_label(self->outer_fd, "web-1"));
}

/* A bad scope lets nothing else be set. */
TEST_F(set, all_or_nothing_scope)
{
	struct metrics_ns_set arg = {
		.mask = NS_METRICS_SET_SCOPE,
		.scope_fd = -1,
	};

	fill_label(&arg, "web-1");
	ASSERT_EQ(-EBADF, ns_set(self->outer_fd, &arg));
	ASSERT_EQ(0, ns_get(self->outer_fd, &self->info));
	EXPECT_EQ(0, self->info.label_len);
}

/* Any ancestor may set, not just the parent. */
TEST_F(set, by_grandparent)
{
	EXPECT_EQ(0, ns_set_flags(self->inner_fd, 0));
}

/* A parent that is itself a container may set what it contains. */
TEST_F(set, by_parent_inside)
{
	EXPECT_EQ(0, child_call(&self->outer, do_set_flags, self->inner.pid, 0));
}

/* Whoever is inside may not. */
TEST_F(set, by_self_is_refused)
{
	EXPECT_EQ(-EPERM, child_call(&self->outer, do_set_flags, 0, 0));
}

/* A sibling may not. */
TEST_F(set, by_sibling_is_refused)
{
	EXPECT_EQ(-EPERM, child_call(&self->sibling, do_set_flags,
				     self->outer.pid, 0));
}

/* A namespace below may not. */
TEST_F(set, by_nested_is_refused)
{
	EXPECT_EQ(-EPERM, child_call(&self->inner, do_set_flags,
				     self->outer.pid, 0));
}

/* An ancestor's process without CAP_SYS_ADMIN may not. */
TEST_F(set, without_capability_is_refused)
{
	ASSERT_EQ(0, child_start(&self->extra));
	ASSERT_EQ(0, child_call(&self->extra, do_drop_admin, 0, 0));
	EXPECT_EQ(-EPERM, child_call(&self->extra, do_set_flags,
				     self->outer.pid, 0));
}

/* The capability has to be one over the owner. */
TEST_F(set, without_capability_over_owner_is_refused)
{
	ASSERT_EQ(0, child_start(&self->extra));
	ASSERT_EQ(0, child_call(&self->extra, do_enter_user_ns, 0, 0));
	EXPECT_EQ(-EPERM, child_call(&self->extra, do_set_flags_fd,
				     self->outer_fd, 0));
}

/* Who made the owning user namespace has it, without being root. */
TEST_F(set, by_creator_of_owner)
{
	int fd;

	NEEDS_ROOT();
	ASSERT_EQ(0, child_start_rootless(&self->rootless));
	fd = open_ns(self->rootless.pid);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, child_start_nobody(&self->extra));
	EXPECT_EQ(0, child_call(&self->extra, do_set_flags_fd, fd, 0));
}

/* A refused setting isn't half done. */
TEST_F(set, refused_sets_nothing)
{
	ASSERT_EQ(-EPERM, child_call(&self->outer, do_set_flags, 0,
				     METRICS_NS_HOST_VIEW));
	ASSERT_EQ(0, ns_get(self->outer_fd, &self->info));
	EXPECT_EQ(0, self->info.flags);
	EXPECT_EQ(0, ns_set_flags(self->outer_fd, 0));
}

/* The own namespace can't be set, even where there is nothing above. */
TEST_F(set, topmost_is_refused)
{
	EXPECT_EQ(-EPERM, do_set_flags(0, 0));
}

/* A file of another type of namespace is refused by set. */
TEST_F(set, other_type)
{
	EXPECT_EQ(-EINVAL, ns_set_flags(open_proc(0, "ns/uts"), 0));
}

/* Set from memory that isn't there. */
TEST_F(set, bad_pointer)
{
	EXPECT_EQ(-EFAULT, ns_set(self->outer_fd, NULL));
}

/* A later, larger structure is accepted if what is new in it isn't used. */
TEST_F(set, larger_with_zeroes)
{
	struct larger_set arg = { .known.mask = NS_METRICS_SET_FLAGS };

	EXPECT_EQ(0, or_errno(ioctl(self->outer_fd, SET_OF_SIZE(sizeof(arg)),
				    &arg)));
}

/* It is refused if what is new is used. */
TEST_F(set, larger_with_more)
{
	struct larger_set arg = {
		.known.mask = NS_METRICS_SET_FLAGS,
		.known.flags = METRICS_NS_QUOTA_CPUS,
		.unknown = 1,
	};

	EXPECT_EQ(-E2BIG, or_errno(ioctl(self->outer_fd,
					 SET_OF_SIZE(sizeof(arg)), &arg)));
	ASSERT_EQ(0, ns_get(self->outer_fd, &self->info));
	EXPECT_EQ(0, self->info.flags);
}

/* A structure smaller than the first one never existed. */
TEST_F(set, smaller)
{
	struct metrics_ns_set arg = { .mask = NS_METRICS_SET_FLAGS };

	EXPECT_EQ(-ENOTTY, or_errno(ioctl(self->outer_fd,
					  SET_OF_SIZE(sizeof(arg) - 4), &arg)));
}

TEST_HARNESS_MAIN
