// SPDX-License-Identifier: GPL-2.0
/*
 * kfuncs that name metrics namespaces, "containers" to BPF programs, against what
 * NS_GET_ID and NS_METRICS_SET have.
 */

#define _GNU_SOURCE
#include <sched.h>

#include "cap_helpers.h"
#include "ns_helpers.h"
#include "metrics_ns_kfuncs.h"
#include "metrics_ns_kfuncs.skel.h"
#include "metrics_ns_kfuncs_fail.skel.h"

#define TRIES		1000
#define BUCKET_BITS	12	/* of the hash by ID */
#define LABEL		"web-1"

enum order {
	TRIGGER = 't',
	NEST = 'n',
	SPIN = 's',
	UNSHARE = 'u',
	JOIN = 'j',		/* the namespace of join_pid */
};

static pid_t join_pid;

static bool nest(void)
{
	return !unshare(CLONE_NEWMETRICS) && fork_for_life(trigger_slowly);
}

static bool join(void)
{
	int fd = syscall(SYS_pidfd_open, join_pid, 0);
	bool ok = fd >= 0 && !setns(fd, CLONE_NEWMETRICS);

	close(fd);
	return ok;
}

static bool obey(char order)
{
	switch (order) {
	case TRIGGER:
		return syscall(SYS_getppid) >= 0;
	case NEST:
		return nest();
	case SPIN:
		return spin();
	case UNSHARE:
		return !unshare(CLONE_NEWMETRICS);
	case JOIN:
		return join();
	}
	return false;
}

static bool set_label(pid_t pid, const char *label)
{
	struct metrics_ns_set set = { .mask = NS_METRICS_SET_LABEL };
	char path[64];
	int fd, ret;

	set.label_len = strlen(label);
	memcpy(set.label, label, set.label_len);
	snprintf(path, sizeof(path), "/proc/%d/ns/metrics", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (!ASSERT_OK_FD(fd, "open namespace"))
		return false;
	ret = ioctl(fd, NS_METRICS_SET, &set);
	close(fd);
	return ASSERT_OK(ret, "set label");
}

static void watch(struct metrics_ns_kfuncs *skel, pid_t pid)
{
	/* In this order: programs run all the time. */
	skel->bss->watched = 0;
	memset(&skel->bss->at_syscall, 0, sizeof(struct task_answer));
	memset(&skel->bss->at_wakeup, 0, sizeof(struct task_answer));
	memset(&skel->bss->at_switch_to, 0, sizeof(struct task_answer));
	memset(&skel->bss->at_last_switch, 0, sizeof(struct task_answer));
	memset(&skel->bss->at_free, 0, sizeof(struct task_answer));
	memset(&skel->bss->of_pid, 0, sizeof(struct task_answer));
	skel->bss->watched = pid;
}

static bool look_up(struct metrics_ns_kfuncs *skel, __u64 id, __u32 level,
		    __u32 size)
{
	struct lookup *l = &skel->bss->lookup;

	memset(l, 0, sizeof(*l));
	/* What isn't written must stay. */
	memset(l->label, '#', sizeof(l->label) - 1);
	l->id = id;
	l->level = level;
	l->size = size;
	return ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.by_id),
						NULL), "run by_id");
}

/* In the initial namespace there is no container, and yet a namespace. */
static void test_initial(struct metrics_ns_kfuncs *skel)
{
	struct child c;

	if (!child_start(&c, 0, obey))
		return;
	watch(skel, c.pid);
	if (!child_do(&c, TRIGGER))
		goto out;
	ASSERT_EQ(skel->bss->at_syscall.seen, 1, "seen");
	ASSERT_EQ(skel->bss->current_id, 0, "current");
	ASSERT_EQ(skel->bss->at_syscall.id, 0, "task");
	ASSERT_EQ(skel->bss->at_syscall.top_id, 0, "top");
	ASSERT_EQ(skel->bss->current_ns_id, METRICS_NS_INIT_ID, "namespace");
	ASSERT_EQ(skel->bss->task_ns_id, METRICS_NS_INIT_ID, "task's namespace");
out:
	child_reap(&c);
}

static void test_current(struct metrics_ns_kfuncs *skel)
{
	struct child c;
	__u64 id;

	if (!child_start(&c, CLONE_NEWMETRICS, obey))
		return;
	id = ns_id(c.pid, "metrics");
	watch(skel, c.pid);
	if (!child_do(&c, TRIGGER))
		goto out;
	ASSERT_GT(id, METRICS_NS_INIT_ID, "ID");
	ASSERT_EQ(skel->bss->current_id, id, "current");
	ASSERT_EQ(skel->bss->at_syscall.id, id, "task");
	ASSERT_EQ(skel->bss->at_syscall.top_id, id, "top");
	ASSERT_EQ(skel->bss->current_ns_id, id, "namespace");
	ASSERT_EQ(skel->bss->task_ns_id, id, "task's namespace");
	ASSERT_TRUE(ns_listed(id, CLONE_NEWMETRICS), "listns");
out:
	child_reap(&c);
}

static void check_current(struct metrics_ns_kfuncs *skel, struct child *c)
{
	__u64 id = ns_id(c->pid, "metrics");

	watch(skel, c->pid);
	if (!child_do(c, TRIGGER))
		return;
	ASSERT_GT(id, METRICS_NS_INIT_ID, "ID");
	ASSERT_EQ(skel->bss->current_id, id, "current");
	ASSERT_EQ(skel->bss->at_syscall.id, id, "task");
	ASSERT_EQ(skel->bss->current_ns_id, id, "namespace");
}

/* Who makes one is in it at once. */
static void test_unshared(struct metrics_ns_kfuncs *skel)
{
	struct child c;

	if (!child_start(&c, 0, obey))
		return;
	if (child_do(&c, UNSHARE))
		check_current(skel, &c);
	child_reap(&c);
}

/* And who enters one that there is. */
static void test_setns(struct metrics_ns_kfuncs *skel)
{
	struct child c, other;

	if (!child_start(&c, CLONE_NEWMETRICS, obey))
		return;
	join_pid = c.pid;
	if (!child_start(&other, 0, obey))
		goto out;
	if (child_do(&other, JOIN)) {
		ASSERT_EQ(ns_id(other.pid, "metrics"), ns_id(c.pid, "metrics"),
			  "joined");
		check_current(skel, &other);
	}
	child_reap(&other);
out:
	child_reap(&c);
}

/* Another task: the one that is woken, and the one that is switched to. */
static void test_wakeup(struct metrics_ns_kfuncs *skel)
{
	struct child c;
	__u64 id;
	int i;

	if (!child_start(&c, CLONE_NEWMETRICS, obey))
		return;
	id = ns_id(c.pid, "metrics");
	watch(skel, c.pid);
	for (i = 0; i < TRIES && !READ_ONCE(skel->bss->at_wakeup.seen); i++)
		if (!child_do(&c, TRIGGER))
			goto out;
	if (wait_until_seen(&skel->bss->at_wakeup.seen, "wakeup"))
		ASSERT_EQ(skel->bss->at_wakeup.id, id, "wakee");
	if (wait_until_seen(&skel->bss->at_switch_to.seen, "switch"))
		ASSERT_EQ(skel->bss->at_switch_to.id, id, "next");
out:
	child_reap(&c);
}

static void test_kernel_thread(struct metrics_ns_kfuncs *skel)
{
	watch(skel, 2);
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.by_pid),
					 NULL), "run by_pid");
	ASSERT_EQ(skel->bss->of_pid.seen, 1, "kthreadd");
	ASSERT_EQ(skel->bss->of_pid.id, 0, "kthreadd");
}

static void check_dead(const struct task_answer *a, __u64 id, const char *when)
{
	if (!wait_until_seen(&a->seen, when))
		return;
	ASSERT_EQ(a->id, id, when);
	ASSERT_EQ(a->top_id, id, when);
}

/* The ID outlasts everything else that a task has. */
static void test_exit(struct metrics_ns_kfuncs *skel)
{
	siginfo_t info;
	struct child c;
	__u64 id;

	if (!child_start(&c, CLONE_NEWMETRICS, obey))
		return;
	id = ns_id(c.pid, "metrics");
	watch(skel, c.pid);
	child_end(&c);
	if (!ASSERT_OK(waitid(P_PID, c.pid, &info, WEXITED | WNOWAIT), "wait"))
		goto out;
	check_dead(&skel->bss->at_last_switch, id, "last switch");
	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.by_pid),
					 NULL), "run by_pid");
	check_dead(&skel->bss->of_pid, id, "zombie");
	waitpid(c.pid, NULL, 0);
	c.pid = -1;
	check_dead(&skel->bss->at_free, id, "free");
out:
	child_reap(&c);
}

/* Though it is released before its last switch. */
static void test_exit_unwaited(struct metrics_ns_kfuncs *skel)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	struct child c;
	__u64 id;

	if (!ASSERT_OK(sigaction(SIGCHLD, &ignore, &old), "sigaction"))
		return;
	if (child_start(&c, CLONE_NEWMETRICS, obey)) {
		id = ns_id(c.pid, "metrics");
		watch(skel, c.pid);
		child_end(&c);
		check_dead(&skel->bss->at_last_switch, id, "last switch");
		check_dead(&skel->bss->at_free, id, "free");
	}
	sigaction(SIGCHLD, &old, NULL);
}

static void test_ancestor(struct metrics_ns_kfuncs *skel)
{
	const struct lookup *l = &skel->bss->lookup;
	__u64 outer, middle, inner;
	struct child c;
	pid_t pid;

	if (!child_start(&c, CLONE_NEWMETRICS, obey))
		return;
	outer = ns_id(c.pid, "metrics");
	if (!child_do(&c, NEST))
		goto out;
	middle = ns_id(c.pid, "metrics");
	pid = child_of(c.pid);
	inner = ns_id(pid, "metrics");
	if (!ASSERT_GT(middle, outer, "nested") || !ASSERT_EQ(inner, middle, "inherited"))
		goto out;
	watch(skel, pid);
	if (wait_until_seen(&skel->bss->at_syscall.seen, "system call")) {
		ASSERT_EQ(skel->bss->at_syscall.id, inner, "inner");
		ASSERT_EQ(skel->bss->at_syscall.top_id, outer, "top");
	}
	if (look_up(skel, inner, 1, 4))
		ASSERT_EQ(l->ancestor_id, outer, "level 1");
	if (look_up(skel, inner, 2, 4))
		ASSERT_EQ(l->ancestor_id, inner, "own level");
	if (look_up(skel, inner, 0, 4))
		ASSERT_EQ(l->ancestor_id, 0, "level 0");
	if (look_up(skel, inner, 3, 4))
		ASSERT_EQ(l->ancestor_id, 0, "deeper");
	if (look_up(skel, outer, 2, 4))
		ASSERT_EQ(l->ancestor_id, 0, "deeper than the outer one");
	if (look_up(skel, inner, ~0U, 4))
		ASSERT_EQ(l->ancestor_id, 0, "no level");
out:
	child_reap(&c);
}

/* No ID, that of the initial namespace, and one of another type. */
static void test_unknown(struct metrics_ns_kfuncs *skel)
{
	__u64 ids[] = { 0, METRICS_NS_INIT_ID, ns_id(getpid(), "pid"), ~0ULL };
	const struct lookup *l = &skel->bss->lookup;
	int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		if (!look_up(skel, ids[i], 1, LABEL_SIZE))
			return;
		ASSERT_EQ(l->ancestor_id, 0, "ancestor");
		ASSERT_EQ(l->ret, -ENOENT, "label");
		ASSERT_EQ(l->label[0], 0, "empty");
		ASSERT_EQ(l->label[1], '#', "nothing else is written");
	}
}

/* Of what is gone nothing is said, and nothing that is freed is read. */
static void test_freed(struct metrics_ns_kfuncs *skel)
{
	const struct lookup *l = &skel->bss->lookup;
	struct child c;
	__u64 id;
	int ms;

	if (!child_start(&c, CLONE_NEWMETRICS, obey))
		return;
	id = ns_id(c.pid, "metrics");
	if (!set_label(c.pid, LABEL) || !look_up(skel, id, 1, LABEL_SIZE))
		goto out;
	ASSERT_EQ(l->ancestor_id, id, "ancestor");
	child_reap(&c);
	for (ms = 0; ms < PATIENCE; ms++) {
		if (!look_up(skel, id, 1, LABEL_SIZE) || l->ret == -ENOENT)
			break;
		usleep(1000);
	}
	ASSERT_EQ(l->ret, -ENOENT, "label");
	ASSERT_EQ(l->ancestor_id, 0, "ancestor");
out:
	child_reap(&c);
}

static void test_label(struct metrics_ns_kfuncs *skel)
{
	const struct lookup *l = &skel->bss->lookup;
	struct child c;
	__u64 id;

	if (!child_start(&c, CLONE_NEWMETRICS, obey))
		return;
	id = ns_id(c.pid, "metrics");
	if (!look_up(skel, id, 1, LABEL_SIZE))
		goto out;
	ASSERT_EQ(l->ret, -ENODATA, "no label");
	ASSERT_EQ(l->label[0], 0, "empty");
	ASSERT_EQ(l->label[1], '#', "nothing else is written");

	if (!set_label(c.pid, LABEL) || !look_up(skel, id, 1, LABEL_SIZE))
		goto out;
	ASSERT_EQ(l->ret, strlen(LABEL), "length");
	ASSERT_STREQ(l->label, LABEL, "label");
	ASSERT_EQ(l->label[strlen(LABEL) + 1], '#', "nothing else is written");

	if (!look_up(skel, id, 1, 8))
		goto out;
	ASSERT_EQ(l->ret, strlen(LABEL), "length, with room for a bit more");
	if (!look_up(skel, id, 1, 4))
		goto out;
	ASSERT_EQ(l->ret, -E2BIG, "no room");
	ASSERT_STREQ(l->label, "web", "what fits");
	ASSERT_EQ(l->label[4], '#', "nothing beyond the buffer is written");
out:
	child_reap(&c);
}

static void test_longest_label(struct metrics_ns_kfuncs *skel)
{
	const struct lookup *l = &skel->bss->lookup;
	char label[NS_METRICS_LABEL_MAX + 1] = {};
	struct child c;

	memset(label, 'x', NS_METRICS_LABEL_MAX);
	if (!child_start(&c, CLONE_NEWMETRICS, obey))
		return;
	if (set_label(c.pid, label) &&
	    look_up(skel, ns_id(c.pid, "metrics"), 1, LABEL_SIZE)) {
		ASSERT_EQ(l->ret, NS_METRICS_LABEL_MAX, "length");
		ASSERT_STREQ(l->label, label, "label");
	}
	child_reap(&c);
}

/* A lookup in the interrupt that takes a sample. */
static void test_sample(struct metrics_ns_kfuncs *skel)
{
	struct lookup *l = &skel->bss->lookup_in_sample;
	struct bpf_link *link = NULL;
	struct child c;

	if (!child_start(&c, CLONE_NEWMETRICS, obey))
		return;
	if (!set_label(c.pid, LABEL))
		goto out;
	l->level = 1;
	l->size = LABEL_SIZE;
	watch(skel, c.pid);
	link = sample_task(skel->progs.sample, c.pid);
	if (!link || !child_do(&c, SPIN) || !wait_until_seen(&l->seen, "sample"))
		goto out;
	ASSERT_EQ(l->id, ns_id(c.pid, "metrics"), "ID");
	ASSERT_EQ(l->ancestor_id, l->id, "ancestor");
	ASSERT_STREQ(l->label, LABEL, "label");
out:
	bpf_link__destroy(link);
	child_reap(&c);
}

static pid_t start_idle(void)
{
	struct clone_args args = {
		.flags = CLONE_NEWMETRICS,
		.exit_signal = SIGCHLD,
	};
	pid_t pid = syscall(__NR_clone3, &args, sizeof(args));

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* Of the hash by ID: hash_64() in include/linux/hash.h */
static unsigned int bucket(__u64 id)
{
	return id * 0x61C8864680B583EBull >> (64 - BUCKET_BITS);
}

/* Namespaces of all types get their IDs in turn. Let those pass that don't fit. */
static bool pass_ids_until(unsigned int wanted)
{
	int status, tries = 4 << BUCKET_BITS;
	pid_t pid = fork();

	if (pid)
		return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
	do {
		if (unshare(CLONE_NEWUTS) || !tries--)
			_exit(1);
	} while (bucket(ns_id(getpid(), "uts") + 1) != wanted);
	_exit(0);
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Two in a bucket are told apart. */
static void test_bucket(struct metrics_ns_kfuncs *skel)
{
	pid_t first = start_idle(), second = -1;
	__u64 ids[2] = {};
	int i, tries = 16;

	if (!ASSERT_GT(first, 0, "first"))
		return;
	ids[0] = ns_id(first, "metrics");
	/* Somebody else may take the ID. */
	while (tries-- && ASSERT_TRUE(pass_ids_until(bucket(ids[0])), "pass")) {
		second = start_idle();
		if (!ASSERT_GT(second, 0, "second"))
			break;
		ids[1] = ns_id(second, "metrics");
		if (bucket(ids[1]) == bucket(ids[0]))
			break;
		stop(second);
		second = -1;
	}
	if (ASSERT_EQ(bucket(ids[1]), bucket(ids[0]), "bucket"))
		for (i = 0; i < 2; i++)
			if (look_up(skel, ids[i], 1, 4))
				ASSERT_EQ(skel->bss->lookup.ancestor_id, ids[i],
					  "found");
	stop(first);
	if (second > 0)
		stop(second);
}

/* Who has no more than CAP_BPF asks for itself alone. */
static void load_as(const char *prog, int err)
{
	struct metrics_ns_kfuncs_fail *skel = metrics_ns_kfuncs_fail__open();
	struct bpf_program *p;

	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_object__for_each_program(p, skel->obj)
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), prog));
	ASSERT_EQ(metrics_ns_kfuncs_fail__load(skel), err, prog);
	metrics_ns_kfuncs_fail__destroy(skel);
}

static void test_unprivileged(struct metrics_ns_kfuncs *skel)
{
	__u64 old;

	if (!ASSERT_OK(cap_disable_effective(1ULL << CAP_PERFMON |
					     1ULL << CAP_SYS_ADMIN, &old),
		       "drop"))
		return;
	load_as("current_id_unprivileged", 0);
	load_as("container_label_unprivileged", -EPERM);
	load_as("container_ancestor_id_unprivileged", -EPERM);
	load_as("task_container_id_unprivileged", -EPERM);
	load_as("task_ns_id_unprivileged", -EPERM);
	ASSERT_OK(cap_enable_effective(old, NULL), "take back");
}

static const struct {
	const char *name;
	void (*test)(struct metrics_ns_kfuncs *skel);
} claims[] = {
	{ "task: initial namespace", test_initial },
	{ "task: current", test_current },
	{ "task: after unshare", test_unshared },
	{ "task: after setns", test_setns },
	{ "task: wakee and next", test_wakeup },
	{ "task: kernel thread", test_kernel_thread },
	{ "task: exit, zombie, free", test_exit },
	{ "task: exit, nobody waits", test_exit_unwaited },
	{ "lookup: ancestor", test_ancestor },
	{ "lookup: unknown ID", test_unknown },
	{ "lookup: freed", test_freed },
	{ "lookup: label", test_label },
	{ "lookup: longest label", test_longest_label },
	{ "lookup: in a sample", test_sample },
	{ "lookup: two in a bucket", test_bucket },
	{ "unprivileged", test_unprivileged },
};

static void run(void (*test)(struct metrics_ns_kfuncs *skel))
{
	struct metrics_ns_kfuncs *skel = metrics_ns_kfuncs__open();

	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	skel->bss->trigger_nr = SYS_getppid;
	if (!ASSERT_OK(metrics_ns_kfuncs__load(skel), "load"))
		goto out;
	/* Attached by those who want it, to a task. */
	bpf_program__set_autoattach(skel->progs.sample, false);
	if (ASSERT_OK(metrics_ns_kfuncs__attach(skel), "attach"))
		test(skel);
out:
	metrics_ns_kfuncs__destroy(skel);
}

void test_metrics_ns_kfuncs(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(claims); i++)
		if (test__start_subtest(claims[i].name))
			run(claims[i].test);
	RUN_TESTS(metrics_ns_kfuncs_fail);
}
