// SPDX-License-Identifier: GPL-2.0
/*
 * kfuncs that name the namespaces of a task, against what NS_GET_ID says of the
 * links in /proc, and beside the walk of pointers which they replace.
 */

#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>

#include "ns_helpers.h"
#include "ns_kfuncs.h"
#include "ns_kfuncs.skel.h"
#include "ns_kfuncs_fail.skel.h"
#include "ns_kfuncs_types.skel.h"

#define TRIES		1000

#ifndef CLONE_NEWMETRICS
#define CLONE_NEWMETRICS	0x00000040
#endif

#define PID_NS_INIT_INUM	0xeffffffcU

static const __u32 type_flags[] = {
	[NS_MNT] = CLONE_NEWNS, [NS_UTS] = CLONE_NEWUTS, [NS_IPC] = CLONE_NEWIPC,
	[NS_USER] = CLONE_NEWUSER, [NS_PID] = CLONE_NEWPID, [NS_NET] = CLONE_NEWNET,
	[NS_CGROUP] = CLONE_NEWCGROUP, [NS_TIME] = CLONE_NEWTIME,
};

static const char * const type_names[] = {
	[NS_MNT] = "mnt", [NS_UTS] = "uts", [NS_IPC] = "ipc",
	[NS_USER] = "user", [NS_PID] = "pid", [NS_NET] = "net",
	[NS_CGROUP] = "cgroup", [NS_TIME] = "time",
};

enum order {
	TRIGGER = 't',
	UNSHARE_PID = 'u',	/* and a process that makes the namespace live */
	NEST = 'n',		/* a process in a namespace below */
	SPIN = 's',
	START_THREAD = 'T',
	END_THREAD = 'e',
};

static int thread_pipe[2];

static void *wait_in_thread(void *arg)
{
	char c;

	if (read(thread_pipe[0], &c, 1) != 1)
		return arg;
	/* Not back to libc, which would tell the process in ways of its own. */
	syscall(SYS_exit, 0);
	return NULL;
}

static bool start_thread(void)
{
	pthread_t thread;

	return !pipe(thread_pipe) &&
	       !pthread_create(&thread, NULL, wait_in_thread, NULL);
}

static bool start_in_new_pid_ns(int (*fn)(void))
{
	return !unshare(CLONE_NEWPID) && fork_for_life(fn);
}

static bool have_containers(void)
{
	return !access("/proc/self/ns/metrics", F_OK);
}

/* What the programs watch. */
static bool trigger(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd >= 0 && syscall(SYS_getppid) >= 0;
}

static bool obey(char order)
{
	switch (order) {
	case TRIGGER:
		return trigger();
	case UNSHARE_PID:
		return start_in_new_pid_ns(pause);
	case NEST:
		return start_in_new_pid_ns(trigger_slowly);
	case SPIN:
		return spin();
	case START_THREAD:
		return start_thread();
	case END_THREAD:
		return write(thread_pipe[1], "", 1) == 1;
	}
	return false;
}

static void watch(struct ns_kfuncs *skel, pid_t pid)
{
	/* In this order: programs run all the time. */
	skel->bss->watched = 0;
	memset(&skel->bss->at_syscall, 0, sizeof(struct ns_answer));
	memset(&skel->bss->at_wakeup, 0, sizeof(struct ns_answer));
	memset(&skel->bss->at_switch_to, 0, sizeof(struct ns_answer));
	memset(&skel->bss->at_last_switch, 0, sizeof(struct ns_answer));
	memset(&skel->bss->at_free, 0, sizeof(struct ns_answer));
	memset(&skel->bss->at_sample, 0, sizeof(struct ns_answer));
	memset(&skel->bss->of_pid, 0, sizeof(struct ns_answer));
	skel->bss->watched = pid;
}

/* Every type, as the task itself is seen in its own context. */
static void test_current(struct ns_kfuncs *skel)
{
	struct child c;
	int i;

	if (!child_start(&c, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
			     CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
			     CLONE_NEWCGROUP | CLONE_NEWTIME, obey))
		return;
	watch(skel, c.pid);
	if (!child_do(&c, TRIGGER))
		goto out;
	for (i = 0; i < NS_NONE; i++) {
		__u64 id = ns_id(c.pid, type_names[i]);

		ASSERT_NEQ(id, ns_id(getpid(), type_names[i]), type_names[i]);
		ASSERT_EQ(skel->bss->current_ids[i], id, type_names[i]);
		ASSERT_TRUE(ns_listed(id, type_flags[i]), "listns");
	}
	ASSERT_EQ(skel->bss->current_ids[NS_NONE], 0, "no type");
	ASSERT_EQ(skel->bss->at_syscall.pid_ns, ns_id(c.pid, "pid"), "pidns");
	ASSERT_EQ(skel->bss->at_syscall.walk, ns_inum(c.pid, "pid"), "walk");
out:
	child_reap(&c);
}

/* The namespace that the task is in, not the one of its future children. */
static void test_unshared(struct ns_kfuncs *skel)
{
	struct child c;

	if (!child_start(&c, 0, obey))
		return;
	if (!child_do(&c, UNSHARE_PID))
		goto out;
	watch(skel, c.pid);
	if (!child_do(&c, TRIGGER))
		goto out;
	ASSERT_EQ(skel->bss->at_syscall.pid_ns, ns_id(c.pid, "pid"), "current");
	ASSERT_NEQ(skel->bss->at_syscall.walk, ns_inum(c.pid, "pid"), "walk");
	ASSERT_EQ(skel->bss->at_syscall.walk,
		  ns_inum(c.pid, "pid_for_children"), "walk to the children's");
	if (!ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.by_pid),
					      NULL), "run by_pid"))
		goto out;
	ASSERT_EQ(skel->bss->of_pid.pid_ns, ns_id(c.pid, "pid"), "task");
out:
	child_reap(&c);
}

/* The same after setns(2): here of the test itself, which then comes back. */
static void test_setns(struct ns_kfuncs *skel)
{
	int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	int pidfd = -1;
	struct child c;

	if (!ASSERT_OK_FD(own, "own namespace"))
		return;
	if (!child_start(&c, CLONE_NEWPID, obey))
		goto out;
	pidfd = syscall(SYS_pidfd_open, c.pid, 0);
	if (!ASSERT_OK_FD(pidfd, "pidfd") ||
	    !ASSERT_OK(setns(pidfd, CLONE_NEWPID), "setns"))
		goto out;
	watch(skel, syscall(SYS_gettid));
	syscall(SYS_getppid);
	ASSERT_EQ(skel->bss->at_syscall.pid_ns, ns_id(getpid(), "pid"), "current");
	ASSERT_EQ(skel->bss->at_syscall.walk, ns_inum(c.pid, "pid"), "walk");
	ASSERT_OK(setns(own, CLONE_NEWPID), "back");
out:
	if (pidfd >= 0)
		close(pidfd);
	close(own);
	child_reap(&c);
}

/* Of a namespace in a namespace, the inner one. */
static void test_nested(struct ns_kfuncs *skel)
{
	struct child c;
	pid_t inner;

	if (!child_start(&c, CLONE_NEWPID, obey))
		return;
	if (!child_do(&c, NEST))
		goto out;
	inner = child_of(c.pid);
	watch(skel, inner);
	if (!ASSERT_GT(inner, 0, "inner process") ||
	    !wait_until_seen(&skel->bss->at_syscall.seen, "system call"))
		goto out;
	ASSERT_NEQ(ns_id(inner, "pid"), ns_id(c.pid, "pid"), "nested");
	ASSERT_EQ(skel->bss->at_syscall.pid_ns, ns_id(inner, "pid"), "inner");
	ASSERT_EQ(skel->bss->at_syscall.walk, ns_inum(inner, "pid"), "walk");
out:
	child_reap(&c);
}

/* Another task: the one that is woken, and the one that is switched to. */
static void test_wakeup(struct ns_kfuncs *skel)
{
	const struct ns_answer *a = &skel->bss->at_wakeup;
	struct child c;
	int i;

	if (!child_start(&c, CLONE_NEWUSER | CLONE_NEWPID, obey))
		return;
	watch(skel, c.pid);
	for (i = 0; i < TRIES && !READ_ONCE(a->seen); i++)
		if (!child_do(&c, TRIGGER))
			goto out;
	if (!wait_until_seen(&a->seen, "wakeup"))
		goto out;
	ASSERT_EQ(a->pid_ns, ns_id(c.pid, "pid"), "pid of the wakee");
	ASSERT_EQ(a->user_ns, ns_id(c.pid, "user"), "user of the wakee");
	ASSERT_EQ(a->other, 0, "another task's nsproxy isn't read");
	ASSERT_EQ(a->walk, ns_inum(c.pid, "pid"), "walk");

	a = &skel->bss->at_switch_to;
	if (!wait_until_seen(&a->seen, "switch"))
		goto out;
	ASSERT_EQ(a->pid_ns, ns_id(c.pid, "pid"), "pid of the next");
	ASSERT_EQ(a->user_ns, ns_id(c.pid, "user"), "user of the next");
	ASSERT_EQ(a->walk, ns_inum(c.pid, "pid"), "walk");
out:
	child_reap(&c);
}

static void test_kernel_thread(struct ns_kfuncs *skel)
{
	watch(skel, 2);
	if (!ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.by_pid),
					      NULL), "run by_pid"))
		return;
	ASSERT_EQ(skel->bss->of_pid.pid_ns, PID_NS_INIT_ID, "kthreadd");
	ASSERT_EQ(skel->bss->of_pid.user_ns, USER_NS_INIT_ID, "kthreadd");
	ASSERT_EQ(skel->bss->of_pid.walk, PID_NS_INIT_INUM, "walk");
}

/*
 * A process that is waited for: it has its namespaces as a zombie, so at its last
 * context switch as well. Without the kfuncs there is nothing to be walked to.
 */
static void test_exit(struct ns_kfuncs *skel)
{
	__u64 pid_ns, user_ns;
	siginfo_t info;
	struct child c;

	if (!child_start(&c, CLONE_NEWUSER | CLONE_NEWPID, obey))
		return;
	pid_ns = ns_id(c.pid, "pid");
	user_ns = ns_id(c.pid, "user");
	watch(skel, c.pid);
	child_end(&c);
	if (!ASSERT_OK(waitid(P_PID, c.pid, &info, WEXITED | WNOWAIT), "wait"))
		goto out;
	if (!wait_until_seen(&skel->bss->at_last_switch.seen, "last switch"))
		goto out;
	ASSERT_EQ(skel->bss->at_last_switch.pid_ns, pid_ns, "last switch: pid");
	ASSERT_EQ(skel->bss->at_last_switch.user_ns, user_ns, "last switch: user");
	ASSERT_EQ(skel->bss->at_last_switch.walk, 0, "last switch: walk");

	ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.by_pid),
					 NULL), "run by_pid");
	ASSERT_EQ(skel->bss->of_pid.seen, 1, "zombie");
	ASSERT_EQ(skel->bss->of_pid.pid_ns, pid_ns, "zombie: pid");
	ASSERT_EQ(skel->bss->of_pid.user_ns, user_ns, "zombie: user");
	ASSERT_EQ(skel->bss->of_pid.walk, 0, "zombie: walk");

	waitpid(c.pid, NULL, 0);
	c.pid = -1;
	if (!wait_until_seen(&skel->bss->at_free.seen, "free"))
		return;
	ASSERT_EQ(skel->bss->at_free.pid_ns, 0, "free: pid");
	ASSERT_EQ(skel->bss->at_free.user_ns, user_ns, "free: user");
	ASSERT_EQ(skel->bss->at_free.walk, 0, "free: walk");
out:
	child_reap(&c);
}

/* A process that nobody waits for has lost its PID before it switches. */
static void test_exit_unwaited(struct ns_kfuncs *skel)
{
	const struct ns_answer *a = &skel->bss->at_last_switch;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	__u64 user_ns;
	struct child c;

	if (!ASSERT_OK(sigaction(SIGCHLD, &ignore, &old), "sigaction"))
		return;
	if (!child_start(&c, CLONE_NEWUSER | CLONE_NEWPID, obey))
		goto out;
	user_ns = ns_id(c.pid, "user");
	watch(skel, c.pid);
	child_end(&c);
	if (wait_until_seen(&a->seen, "last switch")) {
		ASSERT_EQ(a->pid_ns, 0, "pid");
		ASSERT_EQ(a->user_ns, user_ns, "user");
		ASSERT_EQ(a->walk, 0, "walk");
		c.pid = -1;
	}
	child_reap(&c);
out:
	sigaction(SIGCHLD, &old, NULL);
}

static pid_t thread_of(pid_t pid)
{
	struct dirent *entry;
	pid_t tid = -1;
	char path[32];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		if (atoi(entry->d_name) && atoi(entry->d_name) != pid)
			tid = atoi(entry->d_name);
	closedir(dir);
	return tid;
}

/* A thread is released at once, but its process is still there. */
static void test_exit_of_thread(struct ns_kfuncs *skel)
{
	const struct ns_answer *a = &skel->bss->at_last_switch;
	struct child c;

	if (!child_start(&c, CLONE_NEWUSER | CLONE_NEWPID, obey))
		return;
	if (!child_do(&c, START_THREAD))
		goto out;
	watch(skel, thread_of(c.pid));
	if (!ASSERT_GT(skel->bss->watched, 0, "thread") ||
	    !child_do(&c, END_THREAD) || !wait_until_seen(&a->seen, "last switch"))
		goto out;
	ASSERT_EQ(a->pid_ns, ns_id(c.pid, "pid"), "pid");
	ASSERT_EQ(a->user_ns, ns_id(c.pid, "user"), "user");
	ASSERT_EQ(a->walk, 0, "walk");
out:
	child_reap(&c);
}

/* In the interrupt that takes a sample. */
static void test_sample(struct ns_kfuncs *skel)
{
	const struct ns_answer *a = &skel->bss->at_sample;
	struct bpf_link *link = NULL;
	struct child c;

	if (!child_start(&c, CLONE_NEWUSER | CLONE_NEWPID, obey))
		return;
	watch(skel, c.pid);
	link = sample_task(skel->progs.sample, c.pid);
	if (!link || !child_do(&c, SPIN) || !wait_until_seen(&a->seen, "sample"))
		goto out;
	ASSERT_EQ(a->pid_ns, ns_id(c.pid, "pid"), "pid");
	ASSERT_EQ(a->user_ns, ns_id(c.pid, "user"), "user");
	ASSERT_EQ(a->other, ns_id(c.pid, "net"), "net");
	ASSERT_EQ(a->walk, ns_inum(c.pid, "pid"), "walk");
out:
	bpf_link__destroy(link);
	child_reap(&c);
}

struct life {
	__u64 id;
	__u32 walk;
};

/* The namespace of a short-lived process, by the kfunc and by the walk. */
static bool live(struct ns_kfuncs *skel, struct life *life)
{
	struct child c;
	bool ok;

	if (!child_start(&c, CLONE_NEWPID, obey))
		return false;
	watch(skel, c.pid);
	ok = child_do(&c, TRIGGER);
	life->id = skel->bss->at_syscall.pid_ns;
	life->walk = skel->bss->at_syscall.walk;
	child_reap(&c);
	return ok;
}

/* The walk ends in a number that the next namespace gets, the ID is unique. */
static void test_reuse(struct ns_kfuncs *skel)
{
	struct life first, next = {};
	int i;

	if (!live(skel, &first))
		return;
	for (i = 0; i < TRIES && next.walk != first.walk; i++) {
		if (!live(skel, &next))
			return;
		if (!ASSERT_GT(next.id, first.id, "ID"))
			return;
	}
	ASSERT_EQ(next.walk, first.walk, "inode number is reused");
}

static void run_kfuncs(void (*test)(struct ns_kfuncs *skel))
{
	struct ns_kfuncs *skel = ns_kfuncs__open();

	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	skel->bss->trigger_nr = SYS_getppid;
	if (!ASSERT_OK(ns_kfuncs__load(skel), "load"))
		goto out;
	/* Attached by those who want it, to a task. */
	bpf_program__set_autoattach(skel->progs.sample, false);
	if (ASSERT_OK(ns_kfuncs__attach(skel), "attach"))
		test(skel);
out:
	ns_kfuncs__destroy(skel);
}

enum how {
	LOAD,		/* that it may be loaded is all that is shown */
	TEST_RUN,	/* run by the test, by BPF_PROG_TEST_RUN */
	ATTACH,		/* run by what a process in other namespaces does */
};

static const struct {
	const char *name;
	enum how how;
} types[] = {
	{ "of_kprobe", ATTACH },
	{ "of_kretprobe", ATTACH },
	{ "of_tracepoint", ATTACH },
	{ "of_raw_tracepoint", ATTACH },
	{ "of_tp_btf", ATTACH },
	{ "of_lsm", ATTACH },
	{ "of_lsm_sleepable", ATTACH },
	{ "of_fentry", TEST_RUN },
	{ "of_fexit", TEST_RUN },
	{ "of_syscall", TEST_RUN },
	{ "of_xdp", TEST_RUN },
	{ "of_tc", TEST_RUN },
	{ "of_socket", TEST_RUN },
	{ "of_cgroup_skb", TEST_RUN },
	{ "of_flow_dissector", TEST_RUN },
	{ "of_perf_event", LOAD },
	{ "of_fmod_ret", LOAD },
	{ "of_raw_tracepoint_writable", LOAD },
	{ "of_iter", LOAD },
	{ "of_uprobe", LOAD },
	{ "of_action", LOAD },
	{ "of_cgroup_device", LOAD },
	{ "of_cgroup_sysctl", LOAD },
	{ "of_cgroup_sock", LOAD },
	{ "of_cgroup_sock_addr", LOAD },
	{ "of_cgroup_sockopt", LOAD },
	{ "of_sock_ops", LOAD },
	{ "of_sk_lookup", LOAD },
	{ "of_sk_reuseport", LOAD },
	{ "of_sk_skb", LOAD },
	{ "of_sk_msg", LOAD },
	{ "of_lwt_in", LOAD },
	{ "of_lwt_out", LOAD },
	{ "of_lwt_xmit", LOAD },
	{ "of_netfilter", LOAD },
	{ "of_struct_ops", LOAD },
};

/* The test isn't in a container, and whoever is has no label. */
static void check_container(struct ns_kfuncs_types *skel, pid_t pid)
{
	__u64 id = ns_id(pid, "metrics");

	if (pid == getpid())
		id = 0;
	ASSERT_EQ(skel->bss->container_id, id, "container");
	ASSERT_EQ(skel->bss->ancestor_id, id, "ancestor");
	ASSERT_EQ(skel->bss->label_len, id ? -ENODATA : -ENOENT, "label");
}

static void check_type(struct ns_kfuncs_types *skel, pid_t pid)
{
	ASSERT_EQ(skel->bss->pid_ns, ns_id(pid, "pid"), "pid");
	ASSERT_EQ(skel->bss->net_ns, ns_id(pid, "net"), "net");
	if (have_containers())
		check_container(skel, pid);
}

static void run_by_child(struct ns_kfuncs_types *skel, struct bpf_program *prog)
{
	struct bpf_link *link = NULL;
	struct child c;

	if (!child_start(&c, CLONE_NEWPID | CLONE_NEWNET |
			 (have_containers() ? CLONE_NEWMETRICS : 0), obey))
		return;
	skel->bss->watched = c.pid;
	link = bpf_program__attach(prog);
	if (ASSERT_OK_PTR(link, "attach") && child_do(&c, TRIGGER))
		check_type(skel, c.pid);
	bpf_link__destroy(link);
	child_reap(&c);
}

static void run_by_test(struct ns_kfuncs_types *skel, struct bpf_program *prog)
{
	enum bpf_prog_type type = bpf_program__type(prog);
	char packet[64] = { [12] = 0x08, [14] = 0x45 };
	struct bpf_link *link = NULL;

	LIBBPF_OPTS(bpf_test_run_opts, opts);

	skel->bss->watched = syscall(SYS_gettid);
	if (type == BPF_PROG_TYPE_TRACING) {
		link = bpf_program__attach(prog);
		if (!ASSERT_OK_PTR(link, "attach"))
			return;
	} else if (type != BPF_PROG_TYPE_SYSCALL) {
		opts.data_in = packet;
		opts.data_size_in = sizeof(packet);
	}
	if (ASSERT_OK(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), "run"))
		check_type(skel, getpid());
	bpf_link__destroy(link);
}

static void test_type(const char *name, enum how how)
{
	struct ns_kfuncs_types *skel = ns_kfuncs_types__open();
	struct bpf_program *prog;
	bool is_struct_ops;

	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, false);
	prog = bpf_object__find_program_by_name(skel->obj, name);
	if (!ASSERT_OK_PTR(prog, "find"))
		goto out;
	bpf_program__set_autoload(prog, true);

	is_struct_ops = bpf_program__type(prog) == BPF_PROG_TYPE_STRUCT_OPS;
	bpf_map__set_autocreate(skel->maps.ns_kfuncs_cong, is_struct_ops);
	bpf_program__set_autoload(skel->progs.cong_avoid, is_struct_ops);
	bpf_program__set_autoload(skel->progs.undo_cwnd, is_struct_ops);

	if (!ASSERT_OK(ns_kfuncs_types__load(skel), "load"))
		goto out;
	if (how == ATTACH)
		run_by_child(skel, prog);
	else if (how == TEST_RUN)
		run_by_test(skel, prog);
out:
	ns_kfuncs_types__destroy(skel);
}

static const struct {
	const char *name;
	void (*test)(struct ns_kfuncs *skel);
} claims[] = {
	{ "current: every type", test_current },
	{ "current: after unshare", test_unshared },
	{ "current: after setns", test_setns },
	{ "current: nested", test_nested },
	{ "current: in a sample", test_sample },
	{ "current: IDs aren't reused", test_reuse },
	{ "task: wakee and next", test_wakeup },
	{ "task: kernel thread", test_kernel_thread },
	{ "task: exit, zombie, free", test_exit },
	{ "task: exit, nobody waits", test_exit_unwaited },
	{ "task: exit of a thread", test_exit_of_thread },
};

void test_ns_kfuncs(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(claims); i++)
		if (test__start_subtest(claims[i].name))
			run_kfuncs(claims[i].test);
	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (test__start_subtest(types[i].name))
			test_type(types[i].name, types[i].how);
	RUN_TESTS(ns_kfuncs_fail);
}
