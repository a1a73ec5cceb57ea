// SPDX-License-Identifier: GPL-2.0
/*
 * Which ID every kind of task has: threads that the kernel makes for a process,
 * processes that share memory, and, by probes in the kernel, tasks that are
 * just being woken or are about to disappear.
 */
#include <linux/io_uring.h>
#include <linux/vhost.h>
#include <sys/mman.h>
#include <time.h>

#include "scope.h"
#include "tracefs.h"

#define STACK_SIZE	65536

/* --- threads of a process --- */

/* ID of a thread's metrics namespace by its link, 0 on failure. */
static __u64 thread_ns_id(pid_t pid, long tid)
{
	char name[PROC_PATH_MAX / 2];
	__u64 id;
	int fd;

	snprintf(name, sizeof(name), "task/%ld/ns/metrics", tid);
	fd = open_proc(pid, name);
	if (fd < 0)
		return 0;
	id = ns_id(fd);
	close(fd);
	return id;
}

/* The first entry of a directory of tasks whose name begins so, or 0. */
static long find_task(const char *dir, const char *comm)
{
	char path[PROC_PATH_MAX + 16], buf[64];
	struct dirent *entry;
	DIR *tasks = opendir(dir);
	long tid = 0;

	while (tasks && !tid && (entry = readdir(tasks))) {
		if (atol(entry->d_name) <= 0)
			continue;
		snprintf(path, sizeof(path), "%s/%ld/comm", dir,
			 atol(entry->d_name));
		if (read_file_at(AT_FDCWD, path, buf, sizeof(buf)) &&
		    !strncmp(buf, comm, strlen(comm)))
			tid = atol(entry->d_name);
	}
	if (tasks)
		closedir(tasks);
	return tid;
}

/* The kernel starts its threads when it comes to it. */
static long wait_for_task(const char *dir, const char *comm)
{
	int tries = TRIES;
	long tid;

	while (!(tid = find_task(dir, comm)) && tries--)
		usleep(TICK_US);
	return tid;
}

static long wait_for_thread(pid_t pid, const char *comm)
{
	char dir[PROC_PATH_MAX];

	snprintf(dir, sizeof(dir), "/proc/%d/task", pid);
	return wait_for_task(dir, comm);
}

/* --- io_uring --- */

static int sys_io_uring_setup(unsigned int entries, struct io_uring_params *p)
{
	return syscall(__NR_io_uring_setup, entries, p);
}

static void *map_ring(int ring, size_t size, off_t offset)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, ring, offset);
}

/* Submit one request for a worker. */
static long submit(int ring, struct io_uring_params *p,
		   const struct io_uring_sqe *sqe)
{
	struct io_uring_sqe *sqes;
	unsigned int *array;
	char *sq;

	sq = map_ring(ring, p->sq_off.array + p->sq_entries * sizeof(*array),
		      IORING_OFF_SQ_RING);
	sqes = map_ring(ring, p->sq_entries * sizeof(*sqes), IORING_OFF_SQES);
	if (sq == MAP_FAILED || sqes == MAP_FAILED)
		return -errno;
	*sqes = *sqe;
	array = (unsigned int *)(sq + p->sq_off.array);
	array[0] = 0;
	__atomic_store_n((unsigned int *)(sq + p->sq_off.tail), 1,
			 __ATOMIC_RELEASE);
	return or_errno(syscall(__NR_io_uring_enter, ring, 1, 0, 0, NULL, 0));
}

/* Ask for a splice(2) from an empty pipe: the worker waits there. */
static long do_io_worker(long unused, long unused2)
{
	struct io_uring_params params = {};
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_SPLICE,
		.flags = IOSQE_ASYNC,
		.off = -1,
		.splice_off_in = -1,
		.len = 1,
	};
	int ring = sys_io_uring_setup(1, &params);
	int in[2], out[2];

	if (ring < 0 || pipe(in) || pipe(out))
		return -errno;
	sqe.splice_fd_in = in[0];
	sqe.fd = out[1];
	return submit(ring, &params, &sqe);
}

static long do_sqpoll(long unused, long unused2)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL };

	return or_errno(sys_io_uring_setup(1, &params));
}

/* This file is there with CONFIG_IO_URING. */
#define IO_URING_DISABLED	"/proc/sys/kernel/io_uring_disabled"

#define NEEDS_IO_URING() do { \
	char disabled[16]; \
\
	if (!read_file_at(AT_FDCWD, IO_URING_DISABLED, disabled, \
			  sizeof(disabled))) \
		SKIP(return, "kernel without CONFIG_IO_URING"); \
	if (atoi(disabled)) \
		SKIP(return, "kernel.io_uring_disabled is set"); \
} while (0)

FIXTURE(task) {
	struct child a, b;
	__u64 id;
};

FIXTURE_SETUP(task)
{
	METRICS_NS_SETUP();
	ASSERT_EQ(0, child_start_ns(&self->a));
	self->id = ns_id_of(self->a.pid);
	ASSERT_LT(0, self->id);
}

FIXTURE_TEARDOWN(task)
{
	children_stop();
}

static void expect_thread_in_ns(struct __test_metadata *_metadata,
				FIXTURE_DATA(task) *self, const char *name)
{
	long tid = wait_for_thread(self->a.pid, name);

	ASSERT_LT(0, tid);
	EXPECT_EQ(self->id, thread_status_id(self->a.pid, tid));
	EXPECT_EQ(self->id, thread_ns_id(self->a.pid, tid));
}

/* A worker of io_uring is in the namespace of the process that it works for. */
TEST_F(task, io_uring_worker)
{
	NEEDS_IO_URING();
	ASSERT_EQ(1, child_call(&self->a, do_io_worker, 0, 0));
	expect_thread_in_ns(_metadata, self, "iou-wrk-");
}

/* So is the thread that looks for submissions. */
TEST_F(task, io_uring_sqpoll)
{
	NEEDS_IO_URING();
	ASSERT_LE(0, child_call(&self->a, do_sqpoll, 0, 0));
	expect_thread_in_ns(_metadata, self, "iou-sqp-");
}

/* It is a thread as any other: the process can't leave it behind. */
TEST_F(task, io_uring_pins)
{
	NEEDS_IO_URING();
	ASSERT_LE(0, child_call(&self->a, do_sqpoll, 0, 0));
	ASSERT_LT(0, wait_for_thread(self->a.pid, "iou-sqp-"));
	EXPECT_EQ(-EINVAL, child_unshare(&self->a, CLONE_NEWMETRICS));
}

/* --- vhost --- */

#define VHOST_NET	"/dev/vhost-net"

static void load_vhost_net(void)
{
	pid_t pid = fork();

	if (!pid) {
		execlp("modprobe", "modprobe", "-q", "vhost_net", NULL);
		_exit(1);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* Make a worker: a thread of the process or one of the kernel's own. */
static long do_vhost(long kernel_thread, long unused)
{
	int fd = open(VHOST_NET, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
#ifdef VHOST_SET_FORK_FROM_OWNER
	__u8 mode = kernel_thread ? VHOST_FORK_OWNER_KTHREAD :
				    VHOST_FORK_OWNER_TASK;

	if (ioctl(fd, VHOST_SET_FORK_FROM_OWNER, &mode) && kernel_thread)
		return -EOPNOTSUPP;
#else
	if (kernel_thread)
		return -EOPNOTSUPP;
#endif
	return or_errno(ioctl(fd, VHOST_SET_OWNER));
}

#define NEEDS_VHOST() do { \
	NEEDS_ROOT(); \
	if (access(VHOST_NET, F_OK)) \
		load_vhost_net(); \
	if (access(VHOST_NET, F_OK)) \
		SKIP(return, "no " VHOST_NET ": needs CONFIG_VHOST_NET"); \
} while (0)

/* A worker of vhost is in the namespace of the process that it works for. */
TEST_F(task, vhost_worker)
{
	NEEDS_VHOST();
	ASSERT_EQ(0, child_call(&self->a, do_vhost, 0, 0));
	expect_thread_in_ns(_metadata, self, "vhost-");
}

/* Made a kernel thread, it is in the initial one as all these are. */
TEST_F(task, vhost_kernel_thread)
{
	char comm[32];
	long ret, pid;

	NEEDS_VHOST();
	ret = child_call(&self->a, do_vhost, 1, 0);
	if (ret == -EOPNOTSUPP)
		SKIP(return, "needs CONFIG_VHOST_ENABLE_FORK_OWNER_CONTROL");
	ASSERT_EQ(0, ret);
	snprintf(comm, sizeof(comm), "vhost-%d\n", self->a.pid);
	pid = wait_for_task("/proc", comm);
	ASSERT_LT(0, pid);
	EXPECT_EQ(0, status_id(pid));
}

/* --- processes that share memory --- */

static long do_vfork(long unused, long unused2)
{
	long seen = -EIO;
	int out[2];
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return -errno;
	pid = vfork();
	/* The caller waits, so that nobody else uses the stack. */
	if (!pid) {
		long id = status_id(0);

		_exit(write(out[1], &id, sizeof(id)) < 0);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		return -errno;
	if (read(out[0], &seen, sizeof(seen)) != sizeof(seen))
		return -EIO;
	return seen;
}

/* A child of vfork(2) has its parent's ID. */
TEST_F(task, vfork)
{
	EXPECT_EQ(self->id, child_call(&self->a, do_vfork, 0, 0));
}

static int thread_main(void *unused)
{
	while (pause())
		;
	return 0;
}

/* What a process with its parent's memory is to do, and what came of it. */
struct vm_clone {
	long unshare;
	bool with_thread;
	long tid;
	int done;
};

static int vm_clone_main(void *arg)
{
	static char stack[STACK_SIZE] __attribute__((aligned(16)));
	struct vm_clone *vm = arg;
	long ret = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (vm->unshare)
		ret = or_errno(unshare(vm->unshare));
	if (!ret && vm->with_thread)
		vm->tid = clone(thread_main, stack + sizeof(stack), CLONE_VM |
				CLONE_SIGHAND | CLONE_THREAD, NULL);
	if (write(vm->done, &ret, sizeof(ret)) != sizeof(ret))
		_exit(1);
	return thread_main(NULL);
}

static struct vm_clone vm_clone;

/* Start one. The caller does nothing until it is done, as they share errno. */
static long do_vm_clone(long unshare_flags, long with_thread)
{
	static char stack[STACK_SIZE] __attribute__((aligned(16)));
	int done[2];
	long ret;
	pid_t pid;

	if (pipe2(done, O_CLOEXEC))
		return -errno;
	vm_clone.unshare = unshare_flags;
	vm_clone.with_thread = with_thread;
	vm_clone.done = done[1];
	pid = clone(vm_clone_main, stack + sizeof(stack), CLONE_VM | SIGCHLD,
		    &vm_clone);
	if (pid < 0)
		return -errno;
	close(done[1]);
	if (read(done[0], &ret, sizeof(ret)) != sizeof(ret))
		return -EIO;
	return ret ? ret : pid;
}

static long do_vm_clone_tid(long unused, long unused2)
{
	return vm_clone.tid;
}

/* A process with its parent's memory has its parent's ID. */
TEST_F(task, vm_clone_inherits)
{
	long pid = child_call(&self->a, do_vm_clone, 0, 0);

	ASSERT_LT(0, pid);
	EXPECT_EQ(self->id, status_id(pid));
	EXPECT_EQ(self->id, ns_id_of(pid));
}

/* It is no thread, and so may unshare. */
TEST_F(task, vm_clone_unshares)
{
	long pid = child_call(&self->a, do_vm_clone, CLONE_NEWMETRICS, 0);

	ASSERT_LT(0, pid);
	EXPECT_LT(self->id, status_id(pid));
	EXPECT_EQ(ns_id_of(pid), status_id(pid));
}

/* Its parent stays where it is then. */
TEST_F(task, vm_clone_unshares_alone)
{
	ASSERT_LT(0, child_call(&self->a, do_vm_clone, CLONE_NEWMETRICS, 0));
	EXPECT_EQ(self->id, status_id(self->a.pid));
	EXPECT_EQ(self->id, ns_id_of(self->a.pid));
}

/* Its threads are where it is, and not where its memory's first owner is. */
TEST_F(task, vm_clone_thread)
{
	long pid = child_call(&self->a, do_vm_clone, CLONE_NEWMETRICS, 1);
	long tid;

	ASSERT_LT(0, pid);
	tid = child_call(&self->a, do_vm_clone_tid, 0, 0);
	ASSERT_LT(0, tid);
	EXPECT_LT(self->id, thread_status_id(pid, tid));
	EXPECT_EQ(ns_id_of(pid), thread_status_id(pid, tid));
	EXPECT_EQ(ns_id_of(pid), thread_ns_id(pid, tid));
}

/* --- execve(2) and clone3(2) --- */

static void *exec_pause(void *unused)
{
	execl("/proc/self/exe", "task_test", "--pause", NULL);
	return NULL;
}

/* Let a thread that isn't the first one execute: it becomes the process. */
static long do_thread_execs(long unused, long unused2)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, exec_pause, NULL))
		return -EAGAIN;
	pthread_join(thread, NULL);
	return -ENOEXEC;
}

/* A thread that executes keeps the ID, and gets the process's PID. */
TEST_F(task, thread_execs)
{
	/* The pipes are closed by a successful execve(2). */
	ASSERT_EQ(-EPIPE, child_call(&self->a, do_thread_execs, 0, 0));
	EXPECT_EQ(self->id, status_id(self->a.pid));
	EXPECT_EQ(self->id, ns_id_of(self->a.pid));
}

/* clone3(2) takes a new namespace and a cgroup at once. */
TEST_F(scope, clone3_into_cgroup)
{
	char path[PROC_PATH_MAX], buf[512];

	ASSERT_EQ(0, child_clone(&self->extra, CLONE_NEWMETRICS |
				 CLONE_INTO_CGROUP, self->ax));
	EXPECT_LT(ns_id(self->inner_fd), status_id(self->extra.pid));
	snprintf(path, sizeof(path), "/proc/%d/cgroup", self->extra.pid);
	ASSERT_TRUE(read_file_at(AT_FDCWD, path, buf, sizeof(buf)));
	EXPECT_NE(NULL, strstr(buf, "/a/x\n"));
}

/* That cgroup is no scope: nobody has set one. */
TEST_F(scope, clone3_into_cgroup_is_no_scope)
{
	ASSERT_EQ(0, child_clone(&self->extra, CLONE_NEWMETRICS |
				 CLONE_INTO_CGROUP, self->ax));
	EXPECT_EQ(0, get(open_ns(self->extra.pid)).scope_id);
}

static long do_limit_to_one(long unused, long unused2)
{
	return write_file_at(AT_FDCWD,
			     "/proc/sys/user/max_metrics_namespaces", "1");
}

/* One that fails for the cgroup's sake leaves no namespace that counts. */
TEST_F(scope, clone3_into_cgroup_fails)
{
	ASSERT_EQ(0, unlinkat(self->root, "b", AT_REMOVEDIR));
	ASSERT_EQ(0, child_start(&self->extra));
	ASSERT_EQ(0, child_call(&self->extra, do_enter_user_ns, 0, 0));
	ASSERT_EQ(0, child_call(&self->extra, do_limit_to_one, 0, 0));
	ASSERT_EQ(-ENOENT, child_call(&self->extra, do_clone3_into, self->b,
				      CLONE_NEWMETRICS));
	EXPECT_EQ(0, child_unshare(&self->extra, CLONE_NEWMETRICS));
}

/* --- never again --- */

/*
 * Each process nests as deep as it goes, which is quicker than a process for
 * each namespace. All of them are gone when it ends.
 */
#define NESTED		(METRICS_NS_LEVELS - 1)
#define NAMESPACES	10000
#define ROUNDS		((NAMESPACES + NESTED - 1) / NESTED)

struct seen {
	__u64 id;
	ino_t inum;
};

static long nest_and_note(struct seen *seen)
{
	struct stat st;
	int i, fd;

	for (i = 0; i < NESTED; i++) {
		if (unshare(CLONE_NEWMETRICS))
			return -errno;
		fd = open_ns(0);
		if (fd < 0 || fstat(fd, &st))
			return -errno;
		seen[i].id = ns_id(fd);
		seen[i].inum = st.st_ino;
		close(fd);
	}
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int compare_inums(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return x->inum < y->inum ? -1 : x->inum > y->inum;
}

static int note_rounds(struct seen *seen)
{
	int i, status;
	pid_t pid;

	for (i = 0; i < ROUNDS; i++) {
		pid = fork();
		if (!pid)
			_exit(!!nest_and_note(seen + i * NESTED));
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			return 0;
	}
	return i * NESTED;
}

/* Of ten thousand namespaces no two have had the same ID. Inode numbers do. */
TEST_F_TIMEOUT(task, ids_of_thousands, 600)
{
	size_t size = ROUNDS * NESTED * sizeof(struct seen);
	int i, n, ids = 0, inums = 0;
	struct seen *seen;

	seen = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, seen);
	n = note_rounds(seen);
	ASSERT_LE(NAMESPACES, n);
	TH_LOG("%d namespaces", n);

	qsort(seen, n, sizeof(*seen), compare_ids);
	EXPECT_LT(self->id, seen[0].id);
	for (i = 1; i < n; i++)
		ids += seen[i].id == seen[i - 1].id;
	EXPECT_EQ(0, ids);

	qsort(seen, n, sizeof(*seen), compare_inums);
	for (i = 1; i < n; i++)
		inums += seen[i].inum == seen[i - 1].inum;
	EXPECT_LT(0, inums);
}

/* --- by probes in the kernel: task_struct::metrics_ns_id --- */

/* task_struct::__state of a task that is never scheduled again */
#define TASK_DEAD	0x80

/*
 * An instance of the tracer with one event of the test's own, which tells of a
 * task: its IDs, whatever else it has left, and the ID of the one running.
 */
FIXTURE(trace) {
	struct child outer, inner;
	char name[32];
	int tracefs, instance;
};

FIXTURE_SETUP(trace)
{
	METRICS_NS_SETUP();
	NEEDS_ROOT();
	self->tracefs = open(TRACEFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (self->tracefs < 0 ||
	    faccessat(self->tracefs, "kprobe_events", W_OK, 0))
		SKIP(return, "no kprobe events in " TRACEFS);
	ASSERT_EQ(0, child_start_ns(&self->outer));
	ASSERT_EQ(0, child_start_nested(&self->inner, &self->outer));

	snprintf(self->name, sizeof(self->name), "metrics_ns_%d", getpid());
	self->instance = instance_make(self->name);
	ASSERT_LE(0, self->instance);
}

static long change_probes(FIXTURE_DATA(trace) *self, const char *line)
{
	return write_file_flags_at(self->tracefs, "kprobe_events", O_APPEND,
				   line);
}

static long remove_probe(FIXTURE_DATA(trace) *self)
{
	char line[PROC_PATH_MAX];

	snprintf(line, sizeof(line), "-:%s/probe", self->name);
	return change_probes(self, line);
}

static long set_event(FIXTURE_DATA(trace) *self, const char *file,
		      const char *value)
{
	char path[PROC_PATH_MAX];

	snprintf(path, sizeof(path), "events/%s/probe/%s", self->name, file);
	return write_file_at(self->instance, path, value);
}

FIXTURE_TEARDOWN(trace)
{
	set_event(self, "enable", "0");
	children_stop();
	instance_remove(self->instance, self->name);
	remove_probe(self);
}

/* Add what an event tells of the task that the function calls @task. */
static void add_members(char *line, size_t size, const char *task)
{
	static const char * const members[] = {
		"pid:s32", "metrics_ns_id:u64", "metrics_ns_top_id:u64",
		"__state:u32", "nsproxy:u64",
	};
	size_t i, len = strlen(line);

	for (i = 0; i < sizeof(members) / sizeof(*members); i++)
		len += snprintf(line + len, size - len, " %.*s=%s->%s",
				(int)strcspn(members[i], ":"), members[i],
				task, members[i]);
}

/* Probe the function @where for its argument @task, if that has the PID. */
static long put_probe(FIXTURE_DATA(trace) *self, const char *where,
		      const char *task, pid_t pid)
{
	char line[512], filter[32];
	long ret;

	snprintf(line, sizeof(line), "p:%s/probe %s by=%s", self->name, where,
		 "(task_struct)($current)->metrics_ns_id:u64");
	add_members(line, sizeof(line), task);
	ret = change_probes(self, line);
	snprintf(filter, sizeof(filter), "pid == %d", pid);
	if (!ret)
		ret = set_event(self, "filter", filter);
	return ret ? ret : set_event(self, "enable", "1");
}

/*
 * Can the function be probed for what every kernel has of a task? The IDs have
 * to be there then.
 */
static bool can_probe(FIXTURE_DATA(trace) *self, const char *where,
		      const char *task)
{
	char line[256];

	snprintf(line, sizeof(line), "p:%s/probe %s by=%s pid=%s->pid:s32",
		 self->name, where, "(task_struct)($current)->pid:s32", task);
	if (change_probes(self, line))
		return false;
	remove_probe(self);
	return true;
}

#define NEEDS_PROBE(...) do { \
	if (!can_probe(__VA_ARGS__)) \
		SKIP(return, "no probe events by BTF, or no CONFIG_PSI"); \
} while (0)

/* A member of an event's line, -1 if there is none. */
static long long member(const char *line, const char *name)
{
	const char *value = strstr(line, name);

	return value ? strtoll(value + strlen(name), NULL, 10) : -1;
}

/* Wait for an event of the task, of those in one state if @state isn't 0. */
static const char *wait_for_event(FIXTURE_DATA(trace) *self, long state)
{
	int tries = TRIES;
	const char *line;

	while (tries--) {
		line = instance_read(self->instance);
		if (!line)
			return NULL;
		line = strstr(line, ") by=");
		while (line && state && member(line, " __state=") != state)
			line = strstr(line + 1, ") by=");
		if (line)
			return line;
		usleep(TICK_US);
	}
	return NULL;
}

/*
 * The scheduler calls this for both tasks of a switch right before the event
 * sched_switch, if there is accounting of pressure.
 */
#define AT_SWITCH	"psi_task_switch"
/* This one has the events sched_waking and sched_wakeup. */
#define AT_WAKEUP	"try_to_wake_up"

/*
 * At its last switch a task has its IDs, though no namespace any more.
 *
 * The time is for making the instance, during which the tracer takes a signal
 * that kills for a fault.
 */
TEST_F_TIMEOUT(trace, dying, 120)
{
	__u64 id = ns_id_of(self->inner.pid), top = ns_id_of(self->outer.pid);
	const char *event;

	NEEDS_PROBE(self, AT_SWITCH, "prev");
	ASSERT_EQ(0, put_probe(self, AT_SWITCH, "prev", self->inner.pid));
	child_stop(&self->inner);
	event = wait_for_event(self, TASK_DEAD);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(0, member(event, " nsproxy="));
	EXPECT_EQ(id, member(event, " metrics_ns_id="));
	EXPECT_EQ(top, member(event, " metrics_ns_top_id="));
}

/* Let the inner one run, and find its IDs in the event; the event. */
static const char *expect_event_of_inner(struct __test_metadata *_metadata,
					 FIXTURE_DATA(trace) *self)
{
	const char *event;

	ASSERT_LT(0, child_call(&self->inner, do_get_id, 0, 0));
	event = wait_for_event(self, 0);
	ASSERT_NE(NULL, event);
	EXPECT_EQ(ns_id_of(self->inner.pid), member(event, " metrics_ns_id="));
	EXPECT_EQ(ns_id_of(self->outer.pid),
		  member(event, " metrics_ns_top_id="));
	return event;
}

/* When a task is switched to, the IDs are there for whoever is told. */
TEST_F_TIMEOUT(trace, switched_to, 120)
{
	NEEDS_PROBE(self, AT_SWITCH, "next");
	ASSERT_EQ(0, put_probe(self, AT_SWITCH, "next", self->inner.pid));
	expect_event_of_inner(_metadata, self);
}

/* A task is woken from outside: it has its own IDs and not the waker's. */
TEST_F_TIMEOUT(trace, wakee, 120)
{
	const char *event;

	NEEDS_PROBE(self, AT_WAKEUP, "p");
	ASSERT_EQ(0, put_probe(self, AT_WAKEUP, "p", self->inner.pid));
	event = expect_event_of_inner(_metadata, self);
	EXPECT_EQ(status_id(0), member(event, " by="));
}

/* thread_execs executes this program with --pause. */
int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--pause")) {
		pause();
		return 0;
	}
	return test_harness_run(argc, argv);
}
