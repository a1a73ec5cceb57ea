// SPDX-License-Identifier: GPL-2.0
/*
 * What containers there are, and which process is in which. Metrics namespaces
 * come from listns(2), which also knows those without a process; the members
 * come from /proc/PID/status, which needs no file descriptor a process.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "container.h"
#include "out.h"
#include "util.h"

/* A process that is gone, or that hidepid= keeps from the caller */
static bool nothing_to_see(int err)
{
	return err == ENOENT || err == ESRCH || err == EPERM || err == EACCES;
}

static const char *status_field(const char *status, const char *name)
{
	const char *p = strstr(status, name);

	return p ? p + strlen(name) : NULL;
}

static void parse_nspid(struct process *p, const char *s)
{
	char *end;

	for (; s && p->nr_nspid < MAX_PID_LEVELS; s = end) {
		long val = strtol(s, &end, 10);

		if (end == s)
			return;
		p->nspid[p->nr_nspid++] = val;
		if (*end == '\n')
			return;
	}
}

/* The kernel writes newlines and backslashes of a name with a backslash. */
static void parse_name(struct process *p, const char *s)
{
	char *to = p->comm, *end = p->comm + sizeof(p->comm) - 1;

	for (; *s && *s != '\n' && to < end; s++) {
		if (*s != '\\' || !s[1])
			*to++ = *s;
		else if (*++s == 'n')
			*to++ = '\n';
		else
			*to++ = *s;
	}
	*to = '\0';
}

static void parse_status(struct process *p, const char *status)
{
	const char *s = strstr(status, "Name:\t");

	if (s == status)
		parse_name(p, s + strlen("Name:\t"));
	s = status_field(status, "\nState:\t");
	p->state = s ? *s : '?';
	parse_nspid(p, status_field(status, "\nNSpid:\t"));
	s = status_field(status, "\nNSmetrics:\t");
	if (s)
		p->metrics_id = strtoull(s, NULL, 10);
}

/* Its depth tells so before any file of it is opened. */
static void find_pidns(struct inventory *inv, struct process *p)
{
	cleanup_close int procfd = proc_open(p->pid);

	if (procfd >= 0 && !nsinfo_id(procfd, "pid", &p->ns_id)) {
		if (p->ns_id == inv->own_pidns)
			p->ns_id = 0;
		return;
	}
	/* A zombie has no such link either, and nothing to show. */
	if (errno == EACCES || errno == EPERM) {
		p->unreadable = true;
		inv->nr_unreadable++;
	}
}

static void ns_link(int proc, const char *pid, const char *kind,
		    char link[NS_LINK_SIZE])
{
	char path[300];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/ns/%s", pid, kind);
	len = readlinkat(proc, path, link, NS_LINK_SIZE - 1);
	link[len < 0 ? 0 : len] = '\0';
}

/*
 * One that has the host's pid namespace (docker's --pid=host) has a cgroup
 * namespace still, other than the caller's and the host's. While both are there,
 * their inode numbers differ, and reading the link opens no file, which spares
 * all of the host's processes that.
 */
static void find_cgroupns(const struct inventory *inv, struct process *p,
			  int proc, const char *name)
{
	char link[NS_LINK_SIZE];
	cleanup_close int procfd = -1;

	ns_link(proc, name, "cgroup", link);
	if (!*link || !*inv->own_cgroupns || !strcmp(link, inv->own_cgroupns))
		return;
	procfd = proc_open(p->pid);
	if (procfd < 0 || nsinfo_id(procfd, "cgroup", &p->ns_id))
		return;
	p->by_cgroupns = p->ns_id != CID_CGROUP_NS_INIT_ID &&
			 p->ns_id != inv->own_cgroupns_id;
	if (!p->by_cgroupns)
		p->ns_id = 0;
}

static int load_process(struct inventory *inv, int proc, const char *name,
			int own_depth)
{
	cleanup_free char *status = NULL;
	struct process *p;
	char path[300];
	pid_t pid;

	if (parse_pid(name, &pid))
		return 0;
	snprintf(path, sizeof(path), "%s/status", name);
	/* Its groups alone may take hundreds of kilobytes. */
	status = read_all_at(proc, path);
	if (!status)
		return nothing_to_see(errno) ? 0 : -1;
	if (inv->nr_procs % 256 == 0)
		inv->procs = xreallocarray(inv->procs, inv->nr_procs + 256,
					   sizeof(*inv->procs));
	p = &inv->procs[inv->nr_procs++];
	*p = (struct process){ .pid = pid, .container = NO_CONTAINER };
	parse_status(p, status);
	/* Without an ID it may still be in a container that nobody wrapped. */
	if (!p->metrics_id && p->nr_nspid > own_depth)
		find_pidns(inv, p);
	else if (!p->metrics_id)
		find_cgroupns(inv, p, proc, name);
	return 0;
}

static int own_depth(void)
{
	cleanup_free char *status = NULL;
	struct process self = {};

	status = read_all_at(AT_FDCWD, "/proc/self/status");
	if (!status)
		return -1;
	parse_status(&self, status);
	return self.nr_nspid;
}

static int by_pid(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static int load_processes(struct inventory *inv)
{
	cleanup_dir DIR *dir = opendir("/proc");
	int depth = own_depth();
	struct dirent *de;

	if (!dir || depth < 0)
		return -1;
	ns_link(dirfd(dir), "self", "cgroup", inv->own_cgroupns);
	while ((de = readdir(dir)))
		if (load_process(inv, dirfd(dir), de->d_name, depth))
			return -1;
	if (inv->nr_procs)
		qsort(inv->procs, inv->nr_procs, sizeof(*inv->procs), by_pid);
	return 0;
}

static struct container *add_container(struct inventory *inv)
{
	struct container *c;

	if (inv->nr % 64 == 0)
		inv->containers = xreallocarray(inv->containers, inv->nr + 64,
						sizeof(*inv->containers));
	c = &inv->containers[inv->nr++];
	*c = (struct container){ .first = -1 };
	return c;
}

/*
 * Whoever has the capability in the user namespace that a metrics namespace
 * belongs to gives it its label. EPERM: that isn't even below the caller's.
 */
static bool is_foreign(const struct inventory *inv, int fd)
{
	cleanup_close int owner = ioctl(fd, NS_GET_USERNS);
	uint64_t id;

	if (!inv->own_userns)
		return false;
	return owner < 0 || nsinfo_id_of_fd(owner, &id) ||
	       id != inv->own_userns;
}

/* Gone meanwhile, the initial one or none of the caller's: not an error */
static long add_by_fd(struct inventory *inv, int fd)
{
	struct metrics_ns_info info;
	struct container *c;

	if (metricsns_get(fd, &info) || !info.level)
		return NO_CONTAINER;
	c = add_container(inv);
	c->has_id = true;
	c->info = info;
	c->foreign = is_foreign(inv, fd);
	metricsns_label(&info, c->label);
	if (info.scope_id)
		c->scope = cgroup_path_by_id(&inv->fs, info.scope_id);
	return inv->nr - 1;
}

static int load_listed(struct inventory *inv)
{
	cleanup_free uint64_t *ids = NULL;
	size_t nr;

	if (metricsns_list(&ids, &nr))
		return -1;
	for (size_t i = 0; i < nr; i++) {
		cleanup_close int fd = -1;

		if (ids[i] == CID_METRICS_NS_INIT_ID)
			continue;
		fd = metricsns_open_id(ids[i]);
		if (fd >= 0)
			add_by_fd(inv, fd);
	}
	return 0;
}

static long find_by_id(const struct inventory *inv, uint64_t id)
{
	for (size_t i = 0; i < inv->nr; i++)
		if (inv->containers[i].has_id &&
		    inv->containers[i].info.id == id)
			return i;
	return NO_CONTAINER;
}

static long find_by_ns(const struct inventory *inv, uint64_t id)
{
	for (size_t i = 0; i < inv->nr; i++)
		if (!inv->containers[i].has_id &&
		    inv->containers[i].ns_id == id)
			return i;
	return NO_CONTAINER;
}

/* What listns(2) keeps from the unprivileged, a process of it may open. */
static long container_of_id(struct inventory *inv, const struct process *p)
{
	long index = find_by_id(inv, p->metrics_id);
	cleanup_close int fd = -1;

	if (index != NO_CONTAINER)
		return index;
	fd = metricsns_open_pid(p->pid);
	if (fd < 0)
		return NO_CONTAINER;
	index = add_by_fd(inv, fd);
	if (index != NO_CONTAINER &&
	    inv->containers[index].info.id != p->metrics_id) {
		/* It has moved since its status was read. */
		free(inv->containers[index].scope);
		inv->nr--;
		return find_by_id(inv, p->metrics_id);
	}
	return index;
}

static long container_of_ns(struct inventory *inv, const struct process *p)
{
	long index = find_by_ns(inv, p->ns_id);
	struct container *c;

	if (index != NO_CONTAINER)
		return index;
	c = add_container(inv);
	c->ns_id = p->ns_id;
	c->by_cgroupns = p->by_cgroupns;
	return inv->nr - 1;
}

/*
 * The first process is the one whose namespaces and cgroup stand for the
 * container: its init, else the one closest to the host, else the oldest
 * number. One that is already dead has neither.
 */
static int first_rank(const struct process *p)
{
	int inner = p->nr_nspid ? p->nspid[p->nr_nspid - 1] : 0;
	int rank = p->nr_nspid;

	if (inner != 1)
		rank += MAX_PID_LEVELS + 1;
	if (p->state == 'Z' || p->state == 'X')
		rank += 2 * (MAX_PID_LEVELS + 1);
	return rank;
}

static void join(struct inventory *inv, struct process *p, long index)
{
	struct container *c = &inv->containers[index];

	p->container = index;
	if (c->first < 0 ||
	    first_rank(p) < first_rank(&inv->procs[c->first]))
		c->first = p - inv->procs;
	c->nr_procs++;
}

static void assign_processes(struct inventory *inv)
{
	for (size_t i = 0; i < inv->nr_procs; i++) {
		struct process *p = &inv->procs[i];
		long index = NO_CONTAINER;

		if (p->metrics_id)
			index = container_of_id(inv, p);
		else if (p->ns_id)
			index = container_of_ns(inv, p);
		if (index != NO_CONTAINER)
			join(inv, p, index);
	}
}

/* Cut @a down to the path of the closest cgroup that has both below it. */
static void common_ancestor(char *a, const char *b)
{
	size_t same = 0, i;

	for (i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i] == '/')
			same = i;
	if ((!a[i] || a[i] == '/') && (!b[i] || b[i] == '/'))
		same = i;
	a[same ? same : 1] = '\0';
}

static void merge_cgroup(struct container *c, const struct process *p)
{
	cleanup_free char *path = cgroup_of_pid(p->pid);

	if (!path)
		return;
	if (c->cgroup)
		common_ancestor(c->cgroup, path);
	else
		c->cgroup = xstrdup(path);
}

/*
 * The scope is the cgroup of a container; without one it is where its first
 * process is. Nobody has named the first process of one without an ID, and
 * there may be a whole system in it, so there the members decide together.
 */
static void find_cgroups(struct inventory *inv)
{
	for (size_t i = 0; i < inv->nr; i++) {
		struct container *c = &inv->containers[i];

		if (c->scope)
			c->cgroup = xstrdup(c->scope);
		else if (c->has_id && c->first >= 0)
			merge_cgroup(c, &inv->procs[c->first]);
	}
	for (size_t i = 0; i < inv->nr_procs; i++) {
		struct process *p = &inv->procs[i];

		if (p->container != NO_CONTAINER && p->ns_id)
			merge_cgroup(&inv->containers[p->container], p);
	}
}

/**
 * inventory_load - find the containers and the processes
 * @inv: gets them; free it with inventory_free(), whatever is returned
 *
 * It says itself what goes wrong.
 *
 * Return: 0; -1.
 */
int inventory_load(struct inventory *inv)
{
	cleanup_close int self = proc_open(0);

	memset(inv, 0, sizeof(*inv));
	if (metricsns_require())
		return -1;
	if (cgroup_find(&inv->fs)) {
		msg("cannot read /proc/self/mountinfo: %m");
		return -1;
	}
	if (self < 0 || nsinfo_id(self, "pid", &inv->own_pidns) ||
	    (nsinfo_id(self, "user", &inv->own_userns) && errno != ENOENT)) {
		msg("cannot tell the own pid and user namespace: %m");
		return -1;
	}
	if (nsinfo_id(self, "cgroup", &inv->own_cgroupns_id))
		inv->own_cgroupns_id = 0;
	if (load_listed(inv)) {
		msg("cannot list the metrics namespaces: listns: %m");
		return -1;
	}
	if (load_processes(inv)) {
		msg("cannot read the processes in /proc: %m");
		return -1;
	}
	assign_processes(inv);
	find_cgroups(inv);
	return 0;
}

/** inventory_free - free what inventory_load() gave */
void inventory_free(struct inventory *inv)
{
	for (size_t i = 0; i < inv->nr; i++) {
		free(inv->containers[i].scope);
		free(inv->containers[i].cgroup);
	}
	free(inv->containers);
	free(inv->procs);
	cgroup_fs_free(&inv->fs);
	memset(inv, 0, sizeof(*inv));
}

/* In a user namespace of one's own a capability doesn't count for others. */
static int has_host_sys_admin(void)
{
	struct nsinfo own;

	nsinfo_read(0, &own);
	return own.id[NS_USER] == CID_USER_NS_INIT_ID && has_sys_admin() == 1;
}

/** inventory_say_partial - warn if the caller may not see all there is */
void inventory_say_partial(const struct inventory *inv)
{
	if (!has_host_sys_admin())
		msg("without CAP_SYS_ADMIN on the host only containers with "
		    "readable processes are shown");
	else if (inv->nr_unreadable)
		msg("%zu processes in other pid namespaces may not be read and "
		    "are left out", inv->nr_unreadable);
}

/**
 * inventory_process - look up a process
 * @inv: from inventory_load()
 * @pid: in the caller's pid namespace
 *
 * Return: the process; NULL if there is none.
 */
const struct process *inventory_process(const struct inventory *inv, pid_t pid)
{
	const struct process key = { .pid = pid };

	if (!inv->nr_procs)
		return NULL;
	return bsearch(&key, inv->procs, inv->nr_procs, sizeof(key), by_pid);
}

/**
 * container_first - the process that stands for a container
 * @inv: from inventory_load()
 * @c: the container
 *
 * Return: the process; NULL if the container has none.
 */
const struct process *container_first(const struct inventory *inv,
				      const struct container *c)
{
	return c->first < 0 ? NULL : &inv->procs[c->first];
}

/**
 * process_inner_pid - the number that a process has inside its container
 * @inv: from inventory_load()
 * @p: the process
 *
 * That is, in the pid namespace of the container's first process: deeper ones
 * belong to what runs in the container.
 *
 * Return: the number; outside of containers, the innermost one.
 */
int process_inner_pid(const struct inventory *inv, const struct process *p)
{
	int level = p->nr_nspid;

	if (p->container != NO_CONTAINER) {
		long first = inv->containers[p->container].first;
		int limit = inv->procs[first].nr_nspid;

		if (limit && limit < level)
			level = limit;
	}
	return level ? p->nspid[level - 1] : p->pid;
}

/**
 * container_id_cells - the two cells that name a container
 * @t: gets them: the ID and the label
 * @c: the container, NULL for the host
 */
void container_id_cells(struct table *t, const struct container *c)
{
	if (!c)
		table_cell(t, "host");
	else if (c->has_id)
		table_cell(t, "%llu", (unsigned long long)c->info.id);
	else
		table_cell(t, "-");
	table_cell(t, "%s", c && *c->label ? c->label : "-");
}

/**
 * container_id_json - the members that name a container
 * @obj: gets them
 * @c: the container, NULL for the host
 */
void container_id_json(struct json_object *obj, const struct container *c)
{
	json_object_object_add(obj, "id",
			       out_u64_or_null(c && c->has_id,
					       c ? c->info.id : 0));
	json_object_object_add(obj, "label",
			       out_string(c && *c->label ? c->label : NULL));
	json_object_object_add(obj, "host", json_object_new_boolean(!c));
	if (c && !c->has_id) {
		json_object_object_add(obj, c->by_cgroupns ? "cgroupns" : "pidns",
				       json_object_new_uint64(c->ns_id));
		json_object_object_add(obj, "note", out_string(NO_ID_NOTE));
	}
}
