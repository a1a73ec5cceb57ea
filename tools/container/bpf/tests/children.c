// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "children.h"
#include "harness.h"
#include "nsinfo.h"
#include "util.h"

#define MAX_CHILDREN	8
#define MAX_GROUPS	8

static struct child children[MAX_CHILDREN];
static size_t nr_children;
static struct group groups[MAX_GROUPS];
static size_t nr_groups;

static void child_main(child_fn *fn, void *arg, int result)
{
	long ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ret = fn(arg);
	if (write(result, &ret, sizeof(ret)) != sizeof(ret))
		_exit(EXIT_FAILURE);
	close(result);
	for (;;)
		pause();
}

/**
 * child_start - have a process do something, and then wait to be killed
 * @c: gets the process
 * @g: the cgroup that it begins in, or NULL
 * @fn: what it does
 * @arg: for @fn
 *
 * Return: 0; -1 and errno.
 */
int child_start(struct child *c, const struct group *g, child_fn *fn, void *arg)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	int pipefd[2];

	if (nr_children == MAX_CHILDREN || pipe2(pipefd, O_CLOEXEC))
		return -1;
	if (g) {
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = g->fd;
	}
	fflush(stdout);
	c->pid = syscall(SYS_clone3, &args, sizeof(args));
	if (!c->pid)
		child_main(fn, arg, pipefd[1]);
	close(pipefd[1]);
	c->result = pipefd[0];
	if (c->pid < 0) {
		close(c->result);
		return -1;
	}
	children[nr_children++] = *c;
	return 0;
}

/**
 * child_result - wait until a child has done what it has to
 * @c: from child_start()
 *
 * Return: what its function returned; -ECHILD if it was killed before.
 */
long child_result(struct child *c)
{
	ssize_t n;
	long ret;

	do {
		n = read(c->result, &ret, sizeof(ret));
	} while (n < 0 && errno == EINTR);
	return n == sizeof(ret) ? ret : -ECHILD;
}

/**
 * child_do - child_start() and child_result()
 *
 * Return: what the function returned; if that is a negative errno, the test has
 * failed.
 */
long child_do(struct child *c, const struct group *g, child_fn *fn, void *arg)
{
	long ret;

	if (child_start(c, g, fn, arg))
		ret = -errno;
	else
		ret = child_result(c);
	check(ret >= 0, "child: %s", strerror(-ret));
	return ret;
}

/**
 * child_stop - kill a child
 * @c: from child_start()
 */
void child_stop(struct child *c)
{
	for (size_t i = 0; i < nr_children; i++) {
		if (children[i].pid != c->pid)
			continue;
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
		close(c->result);
		children[i] = children[--nr_children];
		return;
	}
}

/** children_stop - kill all children that there are */
void children_stop(void)
{
	while (nr_children) {
		struct child last = children[nr_children - 1];

		child_stop(&last);
	}
}

/**
 * ns_id_of - the ns_id of one of a process's namespaces
 * @pid: the process, 0 for the caller
 * @name: as in /proc/PID/ns
 *
 * Return: the ns_id; 0, and the test has failed.
 */
uint64_t ns_id_of(pid_t pid, const char *name)
{
	cleanup_close int procfd = proc_open(pid);
	uint64_t id;

	if (!check(procfd >= 0 && !nsinfo_id(procfd, name, &id),
		   "%s namespace of %d: %s", name, pid, strerror(errno)))
		return 0;
	return id;
}

static int group_make_at(struct group *g, const char *dir, const char *name)
{
	struct stat st;

	if (nr_groups == MAX_GROUPS ||
	    snprintf(g->path, sizeof(g->path), "%s/%s", dir, name) >=
	    (int)sizeof(g->path))
		return -1;
	if (mkdir(g->path, 0755))
		return -1;
	g->fd = open(g->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	groups[nr_groups++] = *g;
	if (g->fd < 0 || fstat(g->fd, &st))
		return -1;
	g->id = st.st_ino;
	return 0;
}

/**
 * group_make - make a cgroup
 * @g: gets it
 * @parent: where
 * @name: its name
 *
 * Return: 0; -1, and the test has failed.
 */
int group_make(struct group *g, const struct group *parent, const char *name)
{
	return check(!group_make_at(g, parent->path, name), "cgroup %s: %s",
		     name, strerror(errno)) ? 0 : -1;
}

/**
 * group_write - write to a file of a cgroup
 * @g: the cgroup
 * @file: the file
 * @value: what to write
 *
 * Return: 0; -1, and the test has failed.
 */
int group_write(const struct group *g, const char *file, const char *value)
{
	return check(!write_file_at(g->fd, file, value), "%s to %s: %s", value,
		     file, strerror(errno)) ? 0 : -1;
}

/**
 * group_top - make a cgroup whose children have what the tests need
 * @top: gets it
 *
 * Return: NULL, or why that can't be.
 */
const char *group_top(struct group *top)
{
	struct cgroup_fs fs;
	const char *why = NULL;
	char name[32];

	snprintf(name, sizeof(name), "bpf-test-%d", getpid());
	if (cgroup_find(&fs) || !fs.path)
		return "no cgroup v2 hierarchy is mounted";
	if (group_make_at(top, fs.path, name))
		why = "no cgroup can be made";
	else if (write_file_at(top->fd, "cgroup.subtree_control",
			       "+cpu +memory +pids"))
		why = "the controllers cpu, memory and pids aren't all there";
	cgroup_fs_free(&fs);
	return why;
}

/* A process that is dead may be in its cgroup a moment longer. */
static void group_remove(const struct group *g)
{
	int i;

	if (g->fd >= 0)
		close(g->fd);
	for (i = 0; rmdir(g->path) && errno == EBUSY && i < TRIES; i++)
		usleep(TICK_US);
}

/** groups_remove - remove all cgroups that were made */
void groups_remove(void)
{
	while (nr_groups)
		group_remove(&groups[--nr_groups]);
}
