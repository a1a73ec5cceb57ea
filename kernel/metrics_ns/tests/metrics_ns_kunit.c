// SPDX-License-Identifier: GPL-2.0
/* KUnit tests of what the metrics namespace computes. */

#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/page_counter.h>
#include <linux/sched/loadavg.h>
#include <linux/string.h>

#include "../internal.h"

static void label_case(struct kunit *test, const char *text, u32 len, bool ok)
{
	char label[NS_METRICS_LABEL_MAX] = {};

	memcpy(label, text, min(strlen(text), sizeof(label)));
	KUNIT_EXPECT_EQ_MSG(test, metrics_label_valid(label, len), ok,
			    "\"%s\", %u bytes", text, len);
}

/* A label is 1 to 64 bytes of printable ASCII. */
static void label_test(struct kunit *test)
{
	static const char max[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

	label_case(test, "web", 3, true);
	label_case(test, " ~", 2, true);
	label_case(test, max, NS_METRICS_LABEL_MAX, true);
	label_case(test, max, NS_METRICS_LABEL_MAX + 1, false);
	label_case(test, "", 0, false);
	label_case(test, "a\nb", 3, false);
	label_case(test, "a\x1f", 2, false);
	label_case(test, "a\x7f", 2, false);
	label_case(test, "\xc3\xa9", 2, false);
}

/* Bytes after the label are zero, and none in it is. */
static void label_padding_test(struct kunit *test)
{
	label_case(test, "web", 2, false);
	label_case(test, "web", 4, false);
}

/* The host view needs the consent of every scoped ancestor. */
static void fold_host_view_test(struct kunit *test)
{
	struct metrics_scope scope;
	struct metrics_view machine = {};
	struct metrics_view with = {
		.scope = &scope, .flags = METRICS_NS_HOST_VIEW,
	};
	struct metrics_view without = { .scope = &scope };
	u32 flag = METRICS_NS_HOST_VIEW;

	KUNIT_EXPECT_EQ(test, metrics_view_fold_flags(&machine, flag), flag);
	KUNIT_EXPECT_EQ(test, metrics_view_fold_flags(&with, flag), flag);
	KUNIT_EXPECT_EQ(test, metrics_view_fold_flags(&without, flag), 0U);
	KUNIT_EXPECT_EQ(test, metrics_view_fold_flags(&with, 0), 0U);
}

/* A list cut to the quota stays cut for what is nested. */
static void fold_quota_cpus_test(struct kunit *test)
{
	struct metrics_scope scope;
	struct metrics_view with = {
		.scope = &scope, .flags = METRICS_NS_QUOTA_CPUS,
	};
	struct metrics_view without = { .scope = &scope };
	u32 flag = METRICS_NS_QUOTA_CPUS;

	KUNIT_EXPECT_EQ(test, metrics_view_fold_flags(&with, 0), flag);
	KUNIT_EXPECT_EQ(test, metrics_view_fold_flags(&without, flag), flag);
	KUNIT_EXPECT_EQ(test, metrics_view_fold_flags(&without, 0), 0U);
}

/* How a namespace was armed is nobody else's. */
static void fold_auto_scope_test(struct kunit *test)
{
	struct metrics_view machine = {};

	KUNIT_EXPECT_EQ(test,
			metrics_view_fold_flags(&machine,
						METRICS_NS_AUTO_SCOPE), 0U);
}

/* A quota keeps as many CPUs busy as it is, rounded up. */
static void quota_cpus_test(struct kunit *test)
{
	s64 one = 1 << 20;

	KUNIT_EXPECT_EQ(test, metrics_quota_cpus(-1), UINT_MAX);
	KUNIT_EXPECT_EQ(test, metrics_quota_cpus(0), 1U);
	KUNIT_EXPECT_EQ(test, metrics_quota_cpus(1), 1U);
	KUNIT_EXPECT_EQ(test, metrics_quota_cpus(one), 1U);
	KUNIT_EXPECT_EQ(test, metrics_quota_cpus(one + 1), 2U);
	KUNIT_EXPECT_EQ(test, metrics_quota_cpus(5 * one / 2), 3U);
	KUNIT_EXPECT_EQ(test, metrics_quota_cpus(64 * one), 64U);
}

/* 1000 pages, 700 of them available, narrowed by a limit of @max */
static void narrow_case(struct kunit *test, unsigned long max,
			unsigned long usage, unsigned long reclaimable,
			unsigned long want_total, unsigned long want_available)
{
	unsigned long total = 1000, available = 700;

	metrics_mem_narrow(&total, &available, max, usage, reclaimable);
	KUNIT_EXPECT_EQ_MSG(test, total, want_total, "max %lu", max);
	KUNIT_EXPECT_EQ_MSG(test, available, want_available,
			    "max %lu, usage %lu, reclaimable %lu", max, usage,
			    reclaimable);
}

/* A limit narrows the total, and what is available by what is used for good. */
static void mem_narrow_test(struct kunit *test)
{
	narrow_case(test, 500, 100, 0, 500, 400);
	narrow_case(test, 500, 100, 60, 500, 460);
	narrow_case(test, 500, 100, 100, 500, 500);
	narrow_case(test, 500, 500, 0, 500, 0);
	narrow_case(test, 0, 0, 0, 0, 0);
}

/* It never widens: neither without a limit nor with one that is larger. */
static void mem_narrow_wide_test(struct kunit *test)
{
	narrow_case(test, PAGE_COUNTER_MAX, 900, 0, 1000, 700);
	narrow_case(test, 5000, 0, 0, 1000, 700);
	narrow_case(test, 5000, 4800, 0, 1000, 200);
}

/* Amounts are read at different moments, and a limit may be set below the usage. */
static void mem_narrow_racy_test(struct kunit *test)
{
	narrow_case(test, 500, 100, 900, 500, 500);
	narrow_case(test, 500, 800, 0, 500, 0);
	narrow_case(test, 500, 800, 400, 500, 100);
}

/* Of a cgroup and its ancestors the tightest counts, in whatever order. */
static void mem_narrow_walk_test(struct kunit *test)
{
	static const unsigned long max[] = { 600, 400, PAGE_COUNTER_MAX, 500 };
	static const unsigned long usage[] = { 10, 20, 30, 450 };
	unsigned long total, available;

	for (int first = 0; first < ARRAY_SIZE(max); first++) {
		total = 1000;
		available = 700;
		for (int i = 0; i < ARRAY_SIZE(max); i++) {
			int at = (first + i) % ARRAY_SIZE(max);

			metrics_mem_narrow(&total, &available, max[at],
					   usage[at], 0);
		}
		KUNIT_EXPECT_EQ(test, total, 400UL);
		KUNIT_EXPECT_EQ(test, available, 50UL);
	}
}

static struct cgroup_base_stat used(u64 user, u64 nice, u64 system)
{
	return (struct cgroup_base_stat) {
		.cputime = { .utime = user + nice, .stime = system },
		.ntime = nice,
	};
}

/* Idle time is what is left of the capacity; nice time isn't user time. */
static void fold_cputime_test(struct kunit *test)
{
	struct cgroup_base_stat u = used(30, 20, 10);
	struct metrics_cputime time = {};

	time.capacity += 100;
	metrics_cputime_fold(&time, &u, 0);
	KUNIT_EXPECT_EQ(test, time.user, 30ULL);
	KUNIT_EXPECT_EQ(test, time.nice, 20ULL);
	KUNIT_EXPECT_EQ(test, time.system, 10ULL);
	KUNIT_EXPECT_EQ(test, time.idle, 40ULL);
}

/* What is stolen was wanted, so it isn't idle. */
static void fold_steal_test(struct kunit *test)
{
	struct cgroup_base_stat u = used(10, 0, 0);
	struct metrics_cputime time = {};

	time.capacity += 100;
	metrics_cputime_fold(&time, &u, 60);
	KUNIT_EXPECT_EQ(test, time.steal, 60ULL);
	KUNIT_EXPECT_EQ(test, time.idle, 30ULL);
	time.capacity += 100;
	metrics_cputime_fold(&time, &u, 0);
	KUNIT_EXPECT_EQ(test, time.steal, 60ULL);
	KUNIT_EXPECT_EQ(test, time.idle, 130ULL);
}

/* What is used meanwhile isn't stolen, however much was idle before. */
static void steal_test(struct kunit *test)
{
	struct metrics_stolen last = {};

	KUNIT_EXPECT_EQ(test, metrics_steal(&last, 100, 0, 0), 0ULL);
	KUNIT_EXPECT_EQ(test, metrics_steal(&last, 200, 100, 100), 0ULL);
	KUNIT_EXPECT_EQ(test, metrics_steal(&last, 300, 130, 200), 70ULL);
	KUNIT_EXPECT_EQ(test, metrics_steal(&last, 400, 130, 230), 30ULL);
}

/* Nothing is counted twice that was ahead of its time, and nothing is huge. */
static void steal_goes_back_test(struct kunit *test)
{
	struct metrics_stolen last = {};

	KUNIT_EXPECT_EQ(test, metrics_steal(&last, 100, 10, 50), 50ULL);
	KUNIT_EXPECT_EQ(test, metrics_steal(&last, 200, 5, 40), 0ULL);
	KUNIT_EXPECT_EQ(test, metrics_steal(&last, 300, 20, 60), 10ULL);
	KUNIT_EXPECT_EQ(test, metrics_steal(&last, 300, 20, 100), 0ULL);
}

/* Usage on a CPU that isn't shown any more doesn't take idle time back. */
static void idle_monotonic_test(struct kunit *test)
{
	struct cgroup_base_stat u = used(10, 0, 0);
	struct metrics_cputime time = {};

	time.capacity += 100;
	metrics_cputime_fold(&time, &u, 0);
	KUNIT_EXPECT_EQ(test, time.idle, 90ULL);
	u = used(120, 0, 0);
	time.capacity += 100;
	metrics_cputime_fold(&time, &u, 0);
	KUNIT_EXPECT_EQ(test, time.idle, 90ULL);
	time.capacity += 100;
	metrics_cputime_fold(&time, &u, 0);
	KUNIT_EXPECT_EQ(test, time.idle, 180ULL);
}

/* Nice time that was counted before its user time is no huge user time. */
static void nice_ahead_test(struct kunit *test)
{
	struct cgroup_base_stat u = used(0, 20, 0);
	struct metrics_cputime time = {};

	u.ntime += 4;
	time.capacity += 100;
	metrics_cputime_fold(&time, &u, 0);
	KUNIT_EXPECT_EQ(test, time.user, 0ULL);
	KUNIT_EXPECT_EQ(test, time.nice, 20ULL);
}

/* Usage beyond all capacity leaves no idle time, and not 2^64 of it. */
static void idle_underflow_test(struct kunit *test)
{
	struct cgroup_base_stat u = used(500, 0, 500);
	struct metrics_cputime time = {};

	time.capacity += 100;
	metrics_cputime_fold(&time, &u, 0);
	KUNIT_EXPECT_EQ(test, time.idle, 0ULL);
}

/* The worked example in cputime.c: four CPUs, then one, then four. */
static void capacity_example_test(struct kunit *test)
{
	struct metrics_cputime time = {};
	struct cgroup_base_stat u;

	u = used(10, 0, 0);
	time.capacity += 4 * 10;
	metrics_cputime_fold(&time, &u, 0);
	KUNIT_EXPECT_EQ(test, time.idle, 30ULL);
	u = used(20, 0, 0);
	time.capacity += 1 * 10;
	metrics_cputime_fold(&time, &u, 0);
	KUNIT_EXPECT_EQ(test, time.idle, 30ULL);
	u = used(30, 0, 0);
	time.capacity += 4 * 10;
	metrics_cputime_fold(&time, &u, 0);
	KUNIT_EXPECT_EQ(test, time.idle, 60ULL);
}

/* Only the CPUs of a mask are shown. */
static void filter_by(struct kunit *test, const struct cpumask *mask,
		      const char *in, const char *want)
{
	size_t len = strlen(in);
	char *buf;

	buf = kunit_kzalloc(test, len + 1, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, buf);
	memcpy(buf, in, len);
	buf[metrics_cpuinfo_filter(buf, len, mask)] = '\0';
	KUNIT_EXPECT_STREQ(test, buf, want);
}

static void filter_case(struct kunit *test, const char *in, const char *want)
{
	filter_by(test, cpumask_of(0), in, want);
}

/* The blocks of CPUs that aren't shown go, as x86 and arm64 print them. */
static void cpuinfo_filter_test(struct kunit *test)
{
	filter_case(test,
		    "processor\t: 0\nflags\t: fpu\n\nprocessor\t: 1\nflags\t: fpu\n\n",
		    "processor\t: 0\nflags\t: fpu\n\n");
	filter_case(test, "processor\t: 1\nflags\t: fpu\n\n", "");
	filter_case(test, "processor\t: 99999999999\nx\t: 1\n\n", "");
	/* A kernel for one CPU would leave out any other by its number alone. */
	filter_by(test, cpu_none_mask, "processor\t: 0\nflags\t: fpu\n\n", "");
}

/* What belongs to no CPU stays. */
static void cpuinfo_filter_rest_test(struct kunit *test)
{
	filter_case(test,
		    "processor\t: 1\ncpu\t: POWER9\n\nplatform\t: pSeries\n",
		    "platform\t: pSeries\n");
	filter_case(test, "processor 1: version = FF\n",
		    "processor 1: version = FF\n");
	filter_case(test, "processors\t: 1\n", "processors\t: 1\n");
	filter_case(test, "", "");
}

/* A sampler that comes late now and then misses no period and counts none twice. */
static void load_periods_test(struct kunit *test)
{
	unsigned long now = -3UL, begun = now, due = now + LOAD_FREQ;
	unsigned int n = 0;

	KUNIT_EXPECT_EQ(test, metrics_load_periods(&due, now), 0U);
	KUNIT_EXPECT_EQ(test, metrics_load_periods(&due, now + LOAD_FREQ - 1), 0U);
	for (int i = 0; i < 10000; i++) {
		now += LOAD_FREQ + i % 7;
		n += metrics_load_periods(&due, now);
		KUNIT_ASSERT_EQ(test, n, (now - begun) / LOAD_FREQ);
	}
	now += 100 * LOAD_FREQ;
	KUNIT_EXPECT_EQ(test, metrics_load_periods(&due, now), 100U);
}

static struct kunit_case metrics_ns_cases[] = {
	KUNIT_CASE(label_test),
	KUNIT_CASE(label_padding_test),
	KUNIT_CASE(fold_host_view_test),
	KUNIT_CASE(fold_quota_cpus_test),
	KUNIT_CASE(fold_auto_scope_test),
	KUNIT_CASE(quota_cpus_test),
	KUNIT_CASE(mem_narrow_test),
	KUNIT_CASE(mem_narrow_wide_test),
	KUNIT_CASE(mem_narrow_racy_test),
	KUNIT_CASE(mem_narrow_walk_test),
	KUNIT_CASE(fold_cputime_test),
	KUNIT_CASE(fold_steal_test),
	KUNIT_CASE(steal_test),
	KUNIT_CASE(steal_goes_back_test),
	KUNIT_CASE(idle_monotonic_test),
	KUNIT_CASE(nice_ahead_test),
	KUNIT_CASE(idle_underflow_test),
	KUNIT_CASE(capacity_example_test),
	KUNIT_CASE(load_periods_test),
	KUNIT_CASE(cpuinfo_filter_test),
	KUNIT_CASE(cpuinfo_filter_rest_test),
	{}
};

static struct kunit_suite metrics_ns_suite = {
	.name = "metrics_ns",
	.test_cases = metrics_ns_cases,
};

kunit_test_suites(&metrics_ns_suite);

MODULE_DESCRIPTION("KUnit tests of the metrics namespace");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_LICENSE("GPL");
