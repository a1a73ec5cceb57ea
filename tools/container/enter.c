// SPDX-License-Identifier: GPL-2.0
/* cid enter */

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cid.h"
#include "container.h"
#include "job.h"
#include "util.h"

#define MAX_JOINED (NS_KINDS + 1)

struct joined {
	const char *name;
	int clone_flag;
	int fd;
	bool done;
};

struct enter {
	const char *name;
	char **argv;

	struct joined ns[MAX_JOINED];
	size_t nr;
	bool new_user;
	int cgroup_fd;		/* -1: there is no cgroup2 */
	char *cgroup;
	sigset_t mask;
};

static error_t parse_enter(int key, char *arg, struct argp_state *state)
{
	struct enter *e = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (!e->name) {
			e->name = arg;
			return 0;
		}
		e->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		if (!e->argv)
			argp_error(state, "a container and a command have to "
				   "be given");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static int same_file(int fd, const char *path)
{
	struct stat a, b;

	return !fstat(fd, &a) && !stat(path, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Not to be joined where the caller is in it already: setns might refuse. */
static int open_ns(struct enter *e, int procfd, const char *name, int flag)
{
	char path[32], own[48];
	int fd;

	snprintf(path, sizeof(path), "ns/%s", name);
	snprintf(own, sizeof(own), "/proc/self/ns/%s", name);
	fd = openat(procfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		/* A kind that this kernel is built without */
		return access(own, F_OK) ? 0 : -1;
	if (same_file(fd, own)) {
		close(fd);
		return 0;
	}
	e->ns[e->nr++] = (struct joined){
		.name = name, .clone_flag = flag, .fd = fd,
	};
	return 0;
}

static int open_namespaces(struct enter *e, int procfd)
{
	/*
	 * The user namespace first: where it gives the rights for the others,
	 * they are needed by then.
	 */
	static const enum ns_kind order[] = {
		NS_CGROUP, NS_IPC, NS_UTS, NS_NET, NS_PID, NS_TIME, NS_MNT,
	};

	if (open_ns(e, procfd, "user", CLONE_NEWUSER))
		return -1;
	e->new_user = e->nr;
	if (open_ns(e, procfd, "metrics", CLONE_NEWMETRICS))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (open_ns(e, procfd, ns_kinds[order[i]].name,
			    ns_kinds[order[i]].clone_flag))
			return -1;
	return 0;
}

/*
 * Through @procfd this is one process, but not for sure the one that was found:
 * its number may be another's since.
 */
static int still_in(int procfd, uint64_t id)
{
	uint64_t now;

	return !nsinfo_id(procfd, "metrics", &now) && now == id;
}

/* What enters a frozen cgroup doesn't come back until it is thawed. */
static int refuse_frozen(const struct enter *e, const struct container *c)
{
	uint64_t frozen;

	if (cgroup_read_key(e->cgroup_fd, "cgroup.events", "frozen", &frozen) ||
	    !frozen)
		return 0;
	msg("container %llu is paused: thaw it first",
	    (unsigned long long)c->info.id);
	return -1;
}

static int open_container(struct enter *e, const struct inventory *inv,
			  const struct container *c)
{
	const struct process *first = container_first(inv, c);
	cleanup_close int procfd = -1;

	if (!first) {
		msg("container %llu has no process to join",
		    (unsigned long long)c->info.id);
		return -1;
	}
	procfd = proc_open(first->pid);
	if (procfd < 0 || open_namespaces(e, procfd)) {
		msg("cannot open the namespaces of process %d: %m",
		    first->pid);
		return -1;
	}
	if (inv->fs.path) {
		e->cgroup = cgroup_of_proc(procfd);
		e->cgroup_fd = e->cgroup ? cgroup_open(&inv->fs, e->cgroup) :
					   -1;
		if (e->cgroup_fd < 0) {
			msg("cannot open the cgroup of process %d: %m",
			    first->pid);
			return -1;
		}
		if (refuse_frozen(e, c))
			return -1;
	}
	if (!still_in(procfd, c->info.id)) {
		msg("process %d is gone from container %llu: try again",
		    first->pid, (unsigned long long)c->info.id);
		return -1;
	}
	return 0;
}

static void fail(const char *what) __attribute__((noreturn));

static void fail(const char *what)
{
	msg("%s: %m", what);
	_exit(CID_OWN_ERROR);
}

static int join_all(struct enter *e, bool with_user, bool last_try)
{
	int left = 0;

	for (size_t i = 0; i < e->nr; i++) {
		struct joined *ns = &e->ns[i];

		if (ns->done || (ns->clone_flag == CLONE_NEWUSER && !with_user))
			continue;
		ns->done = !setns(ns->fd, ns->clone_flag);
		if (ns->done)
			continue;
		if (last_try) {
			msg("cannot join the %s namespace: %m", ns->name);
			_exit(CID_OWN_ERROR);
		}
		left++;
	}
	return left;
}

/*
 * The user namespace can be what gives the right to join the others, or what
 * takes it away. So first those that can be joined without it, then it, then
 * the rest.
 */
static void join_namespaces(struct enter *e)
{
	if (e->new_user) {
		join_all(e, false, false);
		join_all(e, true, true);
	} else {
		join_all(e, false, true);
	}
}

/* Be somebody in the user namespace; whoever one was, isn't mapped in it. */
static void become_root_inside(void)
{
	/* A user namespace may deny setgroups, its own way to be safe. */
	if (setgroups(0, NULL) && errno != EPERM)
		fail("cannot drop the supplementary groups");
	if (setgid(0) || setuid(0))
		fail("cannot become root in the user namespace");
}

/*
 * From the pid namespace on, root inside may look at this process, which must
 * not lead to the files that the caller has open. Changes of user undo it.
 */
static void hide(void)
{
	prctl(PR_SET_DUMPABLE, 0);
}

static void close_targets(struct enter *e)
{
	for (size_t i = 0; i < e->nr; i++)
		close(e->ns[i].fd);
	if (e->cgroup_fd >= 0)
		close(e->cgroup_fd);
	free(e->cgroup);
}

static void become_command(struct enter *e, int sock) __attribute__((noreturn));

static void become_command(struct enter *e, int sock)
{
	if (e->new_user) {
		become_root_inside();
		hide();
	}
	/* A change of user undoes this as well. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Fails if cid was killed before. */
	if (job_recv(sock, &(int){ 0 }))
		_exit(CID_OWN_ERROR);
	job_exec(e->argv, &e->mask);
}

static void go_inside(struct enter *e, int sock) __attribute__((noreturn));

static void go_inside(struct enter *e, int sock)
{
	pid_t pid;

	/* Before any namespace: inside, the path to the cgroup may be closed */
	if (e->cgroup_fd >= 0 && cgroup_enter(e->cgroup_fd, 0)) {
		msg("cannot enter the cgroup '%s': %m", e->cgroup);
		_exit(CID_OWN_ERROR);
	}
	/* The groups are the caller's; an unprivileged one keeps its own. */
	if (e->new_user && setgroups(0, NULL) && errno != EPERM)
		fail("cannot drop the supplementary groups");
	join_namespaces(e);
	hide();
	close_targets(e);
	pid = job_fork_sibling();
	if (pid < 0)
		fail("cannot fork");
	if (!pid)
		become_command(e, sock);
	_exit(job_send(sock, pid) ? CID_OWN_ERROR : 0);
}

static int run_inside(struct enter *e)
{
	int sv[2], pid = 0, ret;
	pid_t helper;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv)) {
		msg("cannot make a socket pair: %m");
		return CID_OWN_ERROR;
	}
	job_block_signals(&e->mask);
	helper = fork();
	if (!helper) {
		close(sv[0]);
		go_inside(e, sv[1]);
	}
	close(sv[1]);
	if (helper < 0)
		msg("cannot fork: %m");
	ret = helper < 0 || job_recv(sv[0], &pid) || job_send(sv[0], 0);
	close(sv[0]);
	if (helper > 0)
		job_reap_helper(helper);
	return ret && !pid ? CID_OWN_ERROR : job_wait(pid);
}

static int enter(struct enter *e, const struct inventory *inv)
{
	long index = inventory_find(inv, e->name);
	int ret = CID_OWN_ERROR;

	if (index >= 0 && !open_container(e, inv, &inv->containers[index]))
		ret = run_inside(e);
	close_targets(e);
	return ret;
}

/** cmd_enter - cid enter */
int cmd_enter(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse_enter,
		.args_doc = "CONTAINER [--] COMMAND [ARG...]",
		.doc = "Run a command in all namespaces and in the cgroup of an "
		       "existing container, and exit as it does. CONTAINER is "
		       "an ID, a label, a name that podman or docker knows, "
		       "or the beginning of a label.\v"
		       "The command has the caller's capabilities, security "
		       "module context and seccomp filter, not the "
		       "container's.\n\n"
		       "Exit code: the command's; 128+N if signal N killed it; "
		       "125: cid failed; 126: the command cannot be executed; "
		       "127: there is no such command.",
	};
	struct enter e = { .cgroup_fd = -1 };
	struct inventory inv;
	int ret = CID_OWN_ERROR;

	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &e))
		return CID_OWN_ERROR;
	if (!inventory_load(&inv))
		ret = enter(&e, &inv);
	inventory_free(&inv);
	return ret;
}
