// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel calls a container. A process may end while it is read, and its number be
 * given to another one: who is read has been opened before, by a pidfd, and must live after
 * that.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "metricsns.h"
#include "registry.h"

/* Of <linux/pidfd.h>, for build hosts whose headers are older than it */
#define AGENT_PIDFD_INFO_EXIT	(1ULL << 3)

struct agent_pidfd_info {
	uint64_t mask;
	uint64_t cgroupid;
	uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
};

/* In field 9 of /proc/PID/stat, since it is there; of Linux's include/linux/sched.h */
#define PF_FORKNOEXEC		0x40

#define AGENT_PIDFD_GET_INFO	_IOWR(0xff, 11, struct agent_pidfd_info)

/* systemd in a container is in init.scope. */
#define INIT_DEPTH	3

static struct cgroup_fs cgroups;

/**
 * identity_init - find where the cgroups are
 *
 * Return: 0; -1, and it says why.
 */
int identity_init(void)
{
	if (cgroup_find(&cgroups)) {
		msg("cannot read /proc/self/mountinfo: %m");
		return -1;
	}
	if (!cgroups.path)
		msg("there is no cgroup v2 hierarchy: containers have no cgroup in the events");
	if (!metricsns_supported())
		msg("this kernel has no metrics namespaces: containers have no container_id, and are known by their namespaces and cgroups");
	return 0;
}

void identity_exit(void)
{
	cgroup_fs_free(&cgroups);
}

void identity_free(struct identity *ident)
{
	free(ident->cgroup_path);
	free(ident->cgroup_text);
	memset(ident, 0, sizeof(*ident));
}

/**
 * identity_open_pid - open a process, to be watched
 * @pid: the process, in the agent's own pid namespace
 *
 * Return: a pidfd; -1 and errno.
 */
int identity_open_pid(pid_t pid)
{
	return syscall(SYS_pidfd_open, pid, 0);
}

/**
 * identity_belongs_to - is a process one of a user's containers?
 * @pid: the process
 * @uid: the user; root's word counts for any process
 *
 * A user may say that any process is its container's init. Rootless runtimes make a user
 * namespace for each, so the user must own that which the process is in. To be the
 * process's owner isn't enough: root's containers have processes of users.
 */
bool identity_belongs_to(pid_t pid, uid_t uid)
{
	char path[32];
	uid_t owner = -1;

	if (!uid)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && !ioctl(fd, NS_GET_OWNER_UID, &owner) && owner == uid;
}

/*
 * A zombie, or one that somebody is about to take away (X), which no pidfd tells of yet:
 * the last field but zero of its line
 */
static int status_in_proc(pid_t pid)
{
	char path[32], line[1024], *field;
	int n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file_at(AT_FDCWD, path, line, sizeof(line)) < 0)
		return -1;
	field = strrchr(line, ')');
	if (!field || field[1] != ' ' || (field[2] != 'Z' && field[2] != 'X'))
		return -1;
	/* 52nd field, exit_code; the state is the third */
	for (n = 2; field && n < 52; n++)
		field = strchr(field + 1, ' ');
	return field ? atoi(field + 1) : -1;
}

static int status_in_pidfd(int pidfd)
{
	struct agent_pidfd_info info = { .mask = AGENT_PIDFD_INFO_EXIT };

	return !ioctl(pidfd, AGENT_PIDFD_GET_INFO, &info) &&
	       info.mask & AGENT_PIDFD_INFO_EXIT ? info.exit_code : -1;
}

/**
 * identity_exit_status - how a process has ended
 * @pidfd: of it
 * @pid: of it
 *
 * Linux 6.15 and later tell it of who has been waited for, once release_task() has begun
 * (kernel/exit.c); before that there is a zombie, or one that is dead but in the table, of
 * which root may read it. It may be waited for in between.
 *
 * Return: as of waitpid(2); -1 if it can't be known any more.
 */
int identity_exit_status(int pidfd, pid_t pid)
{
	int status = status_in_pidfd(pidfd);

	if (status == -1)
		status = status_in_proc(pid);
	return status == -1 ? status_in_pidfd(pidfd) : status;
}

static void read_namespace(int procfd, enum ns_kind kind, struct identity *ident)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "ns/%s", ns_kinds[kind].name);
	cleanup_close int fd = openat(procfd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st))
		return;
	ident->ns_inum[kind] = st.st_ino;
	if (nsinfo_id_of_fd(fd, &ident->ns_id[kind]))
		ident->ns_id[kind] = 0;
}

/* The innermost number in "NSpid:	1200	1" */
static pid_t inner_pid(int procfd)
{
	cleanup_free char *status = read_all_at(procfd, "status");
	char *line = status ? strstr(status, "\nNSpid:") : NULL;
	char *last;

	if (!line)
		return 0;
	line++;
	line[strcspn(line, "\n")] = '\0';
	last = strrchr(line, '\t');
	return last ? atoi(last + 1) : 0;
}

/**
 * identity_set_cgroup - which cgroup it is
 * @ident: gets it
 * @path: below the mount point; may be one that the container has made
 */
void identity_set_cgroup(struct identity *ident, const char *path)
{
	struct cgroup_guess guess;

	free(ident->cgroup_path);
	free(ident->cgroup_text);
	ident->cgroup_path = xstrdup(path);
	/* The init of a system makes cgroups below that of its container, for itself, too. */
	if (name_of_cgroup(path, &guess))
		ident->cgroup_path[guess.len] = '\0';
	ident->cgroup_text = escape_bounded(ident->cgroup_path, PATH_MAX_BYTES);
	ident->cgroup_id = identity_of_cgroup(ident->cgroup_path);
}

static void read_cgroup(int procfd, struct identity *ident)
{
	cleanup_free char *path = cgroup_of_proc(procfd);

	if (path)
		identity_set_cgroup(ident, path);
}

/**
 * identity_of_cgroup - the kernel's ID of a cgroup
 * @path: below the mount point
 *
 * Return: the ID; 0 if it is gone.
 */
uint64_t identity_of_cgroup(const char *path)
{
	cleanup_close int fd = cgroup_open(&cgroups, path);
	struct stat st;

	return fd < 0 || fstat(fd, &st) ? 0 : st.st_ino;
}

/**
 * identity_read - what the kernel calls the container of an init
 * @pid: the init
 * @pidfd: of it, from identity_open_pid()
 * @ident: gets the answer, to be freed with identity_free() in any case
 *
 * Return: 0; -1 if the init has ended.
 */
int identity_read(pid_t pid, int pidfd, struct identity *ident)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	cleanup_close int procfd = proc_open(pid);

	memset(ident, 0, sizeof(*ident));
	if (procfd < 0)
		return -1;
	ident->pid = pid;
	ident->vpid = inner_pid(procfd);
	for (int i = 0; i < NS_KINDS; i++)
		read_namespace(procfd, i, ident);
	if (nsinfo_id(procfd, "metrics", &ident->container_id) ||
	    ident->container_id == CID_METRICS_NS_INIT_ID)
		ident->container_id = 0;
	read_cgroup(procfd, ident);
	return poll(&pfd, 1, 0) ? -1 : 0;
}

/* Return: whether @pid is the first of a pid namespace. */
static bool is_init(pid_t pid)
{
	cleanup_close int procfd = proc_open(pid);

	return procfd >= 0 && inner_pid(procfd) == 1;
}

/* The first process of a pid namespace that is in a cgroup; @any gets one that is in there */
static pid_t init_in(int dirfd, pid_t *any)
{
	cleanup_free char *text = read_all_at(dirfd, "cgroup.procs");
	char *line, *save;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		pid_t pid = atoi(line);

		if (pid > 0 && is_init(pid))
			return pid;
		if (pid > 0 && !*any)
			*any = pid;
	}
	return 0;
}

/* nspawn itself is beside what it runs. */
static bool may_have_init(const struct dirent *de)
{
	return de->d_type == DT_DIR && *de->d_name != '.' && strcmp(de->d_name, "supervisor");
}

static pid_t init_below(int fd, unsigned int depth, pid_t *any)
{
	pid_t pid = init_in(fd, any);
	cleanup_dir DIR *dir = NULL;
	struct dirent *de;
	int copy;

	if (pid || !depth)
		return pid;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir && copy >= 0)
		close(copy);
	while (dir && !pid && (de = readdir(dir))) {
		cleanup_close int child = -1;

		if (!may_have_init(de))
			continue;
		child = openat(fd, de->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (child >= 0)
			pid = init_below(child, depth - 1, any);
	}
	return pid;
}

/**
 * identity_init_of_cgroup - who is the init of a container that is known by its cgroup?
 * @path: the cgroup, below the mount point; also those below it are looked at
 *
 * Return: the PID of the first process of a pid namespace, or, if it has none of its own, of
 * any process; 0 if nobody is in there.
 */
pid_t identity_init_of_cgroup(const char *path)
{
	cleanup_close int fd = cgroup_open(&cgroups, path);
	pid_t any = 0, pid;

	if (fd < 0)
		return 0;
	pid = init_below(fd, INIT_DEPTH, &any);
	return pid ? pid : any;
}

/**
 * identity_has_program - has a process executed a program since it was forked?
 * @pid: the process
 *
 * Return: false, if it is still what has forked it; true, also if that can't be known.
 */
bool identity_has_program(pid_t pid)
{
	cleanup_free char *path = xasprintf("/proc/%d/stat", pid);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned int flags;
	char buf[512], *end;
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	buf[n < 0 ? 0 : n] = '\0';
	/* its name may be anything */
	end = strrchr(buf, ')');
	return !end || sscanf(end, ") %*c %*d %*d %*d %*d %*d %u", &flags) != 1 ||
	       !(flags & PF_FORKNOEXEC);
}

/**
 * identity_label - tell the kernel which container a metrics namespace is
 * @c: it has a container ID
 *
 * So who traces the kernel alone knows it as well, with no agent. A label is given once;
 * that of the runtime's wrapper, which comes before anyone can ask, stays.
 *
 * Return: whether it has got the label.
 */
bool identity_label(const struct container *c)
{
	struct metrics_ns_info info;
	static bool said;

	if (!metricsns_label_valid(c->id))
		return false;
	cleanup_close int fd = metricsns_open_pid(c->ident.pid);

	if (fd < 0 || metricsns_get(fd, &info) || info.label_len ||
	    info.id != c->ident.container_id)
		return false;
	if (!metricsns_set(fd, c->id, -1, 0))
		return true;
	/* EBUSY: somebody else was faster. */
	if (errno != EBUSY && !said) {
		msg("cannot label metrics namespaces: %m");
		said = true;
	}
	return false;
}

/**
 * identity_cgroup_root - where the cgroups are
 *
 * Return: the mount point; NULL without cgroup v2.
 */
const char *identity_cgroup_root(void)
{
	return cgroups.path;
}
