/* SPDX-License-Identifier: GPL-2.0 */
/* What tests of namespaces need: processes in some, and what /proc says of them. */
#ifndef __NS_HELPERS_H
#define __NS_HELPERS_H

#include <dirent.h>
#include <linux/nsfs.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "test_progs.h"

#ifndef __NR_listns
#define __NR_listns	470
#endif

#define PATIENCE	(30 * 1000)	/* ms, for what is sure to come */

/* By the kernel's own account; 0 if it can't be had. */
static inline __u64 ns_id(pid_t pid, const char *name)
{
	char path[64];
	__u64 id = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (ioctl(fd, NS_GET_ID, &id))
		id = 0;
	close(fd);
	return id;
}

/* Does listns(2) list it, of that type? */
static inline bool ns_listed(__u64 id, __u32 type)
{
	struct ns_id_req req = {
		.size = NS_ID_REQ_SIZE_VER0,
		.ns_id = id - 1,
		.ns_type = type,
	};
	__u64 first = 0;

	return syscall(__NR_listns, &req, &first, 1, 0) == 1 && first == id;
}

static inline __u32 ns_inum(pid_t pid, const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	return stat(path, &st) ? 0 : st.st_ino;
}

/* A process that does what each byte tells it, and ends with the pipe. */
struct child {
	pid_t pid;
	int request;
	int reply;
};

static inline void child_serve(int request, int reply, bool (*obey)(char order))
{
	char order;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(request, &order, 1) == 1) {
		char ok = obey(order);

		if (write(reply, &ok, 1) != 1)
			break;
	}
	_exit(0);
}

static inline bool child_start(struct child *c, __u64 flags,
			       bool (*obey)(char order))
{
	struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };
	int request[2], reply[2];

	c->pid = -1;
	if (!ASSERT_OK(pipe2(request, O_CLOEXEC), "pipe"))
		return false;
	if (!ASSERT_OK(pipe2(reply, O_CLOEXEC), "pipe")) {
		close(request[0]);
		close(request[1]);
		return false;
	}
	fflush(NULL);
	c->pid = syscall(__NR_clone3, &args, sizeof(args));
	if (!c->pid) {
		close(request[1]);
		close(reply[0]);
		child_serve(request[0], reply[1], obey);
	}
	close(request[0]);
	close(reply[1]);
	c->request = request[1];
	c->reply = reply[0];
	if (ASSERT_GT(c->pid, 0, "clone3"))
		return true;
	close(c->request);
	close(c->reply);
	return false;
}

static inline bool child_do(struct child *c, char order)
{
	char ok = 0;

	return ASSERT_EQ(write(c->request, &order, 1), 1, "ask the child") &&
	       ASSERT_EQ(read(c->reply, &ok, 1), 1, "the child's reply") &&
	       ASSERT_TRUE(ok, "what the child did");
}

/*
 * A process that does nothing else until its parent dies. By the time it is told of,
 * it is sure to die then, too: one that stays would hold the output open.
 */
static inline bool fork_for_life(int (*fn)(void))
{
	int ready[2];
	bool ok;
	pid_t pid;
	char c;

	if (pipe2(ready, O_CLOEXEC))
		return false;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		/* Fails if the parent was dead before. */
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		close(ready[1]);
		for (;;)
			fn();
	}
	close(ready[1]);
	ok = pid > 0 && read(ready[0], &c, 1) == 1;
	close(ready[0]);
	return ok;
}

/* What the programs watch, again and again */
static inline int trigger_slowly(void)
{
	syscall(SYS_getppid);
	return usleep(1000);
}

/* Let it exit, but don't wait for that. */
static inline void child_end(struct child *c)
{
	close(c->request);
	close(c->reply);
	c->request = -1;
	c->reply = -1;
}

static inline void child_reap(struct child *c)
{
	if (c->pid <= 0)
		return;
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, __WALL);
	if (c->request >= 0)
		child_end(c);
	c->pid = -1;
}

static inline pid_t child_of(pid_t parent)
{
	pid_t child = -1, ppid;
	struct dirent *entry;
	char path[300];
	FILE *f;
	DIR *dir = opendir("/proc");

	while (dir && child < 0 && (entry = readdir(dir))) {
		if (!atoi(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%*d (%*[^)]) %*c %d", &ppid) == 1 && ppid == parent)
			child = atoi(entry->d_name);
		fclose(f);
	}
	if (dir)
		closedir(dir);
	return child;
}

static inline bool wait_until_seen(const __u32 *seen, const char *what)
{
	int ms;

	for (ms = 0; ms < PATIENCE && !READ_ONCE(*seen); ms++)
		usleep(1000);
	return ASSERT_GT(READ_ONCE(*seen), 0, what);
}

/* Be on a CPU for a while. */
static inline bool spin(void)
{
	unsigned long i;

	for (i = 0; i < 200 * 1000 * 1000; i++)
		asm volatile("");
	return true;
}

/* Run a program in the interrupts that sample a task while it is on a CPU. */
static inline struct bpf_link *sample_task(struct bpf_program *prog, pid_t pid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.size = sizeof(attr),
		.sample_period = 1000 * 1000,
	};
	struct bpf_link *link;
	int fd;

	fd = syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (!ASSERT_OK_FD(fd, "perf_event_open"))
		return NULL;
	link = bpf_program__attach_perf_event(prog, fd);
	if (!ASSERT_OK_PTR(link, "attach_perf_event")) {
		close(fd);
		return NULL;
	}
	return link;
}

#endif /* __NS_HELPERS_H */
