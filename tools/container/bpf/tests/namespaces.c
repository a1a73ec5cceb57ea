// SPDX-License-Identifier: GPL-2.0
/* The life of namespaces, who is in which, and what was refused */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include <linux/capability.h>

#include "cgroup.h"
#include "children.h"
#include "harness.h"
#include "metricsns.h"
#include "nsinfo.h"
#include "util.h"

#define LABEL	"bpf \"test\""

static long do_unshare(void *flags)
{
	return unshare((long)flags) ? -errno : 0;
}

static long unshare_in(struct child *c, long flags)
{
	return child_do(c, NULL, do_unshare, (void *)flags);
}

static __u64 inum_of(pid_t pid, const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	return check(!stat(path, &st), "%s: %s", path, strerror(errno)) ?
	       st.st_ino : 0;
}

/* A new namespace: ns_id, type and inode number are those of user space. */
static void create(void)
{
	struct child c;

	if (unshare_in(&c, CLONE_NEWUTS))
		return;
	expect(NAMESPACE_CREATE, c.pid, ns_id_of(c.pid, "uts"), CLONE_NEWUTS,
	       inum_of(c.pid, "uts"));
}

/* A program without types reads the same. */
static void create_raw(void)
{
	struct child c;

	if (unshare_in(&c, CLONE_NEWUTS))
		return;
	expect(NAMESPACE_CREATE_RAW, c.pid, ns_id_of(c.pid, "uts"),
	       CLONE_NEWUTS, inum_of(c.pid, "uts"));
}

/* A program that is detached sees nothing. */
static void create_detached(void)
{
	struct child c;

	events_detach();
	if (unshare_in(&c, CLONE_NEWUTS))
		return;
	check(!find(NAMESPACE_CREATE, c.pid, ANY), "there is an event");
}

/* The end of it, whoever frees it. */
static void free_(void)
{
	struct child c;
	__u64 id;

	if (unshare_in(&c, CLONE_NEWUTS))
		return;
	id = ns_id_of(c.pid, "uts");
	check(!find(NAMESPACE_FREE, ANY_PID, id), "it is freed while in use");
	child_stop(&c);
	expect(NAMESPACE_FREE, ANY_PID, id, CLONE_NEWUTS);
}

/* It comes into use by the task that makes it. */
static void active(void)
{
	struct child c;

	if (unshare_in(&c, CLONE_NEWNET))
		return;
	expect(NAMESPACE_ACTIVE, c.pid, ns_id_of(c.pid, "net"), CLONE_NEWNET);
}

/* It gets out of use when the last process has gone. */
static void inactive(void)
{
	struct child c;
	__u64 id;

	if (unshare_in(&c, CLONE_NEWNET))
		return;
	id = ns_id_of(c.pid, "net");
	check(!find(NAMESPACE_INACTIVE, ANY_PID, id), "it is still in use");
	child_stop(&c);
	expect(NAMESPACE_INACTIVE, ANY_PID, id, CLONE_NEWNET);
}

/* Which task, and where it was and is. */
static void switch_(void)
{
	struct child c;

	if (unshare_in(&c, CLONE_NEWUTS))
		return;
	expect(NAMESPACE_SWITCH, c.pid, c.pid, c.pid, CLONE_NEWUTS,
	       ns_id_of(0, "uts"), ns_id_of(c.pid, "uts"));
}

static long do_setns(void *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || setns(fd, 0) ? -errno : 0;
}

/* What setns(2) is told when it may enter. */
static void install(void)
{
	struct child owner, guest;
	char path[64];

	if (unshare_in(&owner, CLONE_NEWUTS))
		return;
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", owner.pid);
	if (child_do(&guest, NULL, do_setns, path))
		return;
	expect(NAMESPACE_INSTALL, guest.pid, ns_id_of(owner.pid, "uts"),
	       CLONE_NEWUTS, 0);
}

/* Nobody may enter the user namespace that he is in. */
static long do_setns_refused(void *unused)
{
	long ret = do_setns("/proc/self/ns/user");

	(void)unused;
	return ret == -EINVAL ? 0 : -EPROTO;
}

/* And when it may not: the errno is the caller's. */
static void install_refused(void)
{
	struct child c;

	if (child_do(&c, NULL, do_setns_refused, NULL))
		return;
	expect(NAMESPACE_INSTALL, c.pid, ns_id_of(c.pid, "user"),
	       CLONE_NEWUSER, -EINVAL);
}

/* Which rule refused it: the reason is the enum's, by its name. */
static void denied(void)
{
	struct child c;

	if (child_do(&c, NULL, do_setns_refused, NULL))
		return;
	expect(NAMESPACE_DENIED, c.pid, CLONE_NEWUSER, ns_id_of(c.pid, "user"),
	       true, -EINVAL);
}

/* The cgroup of the caller, as the kernel numbers it. */
static __u64 own_cgroup_id(void)
{
	cleanup_free char *path = cgroup_of_pid(getpid());
	struct cgroup_fs fs;
	struct stat st = {};
	int fd = -1;

	if (!cgroup_find(&fs) && fs.path && path)
		fd = cgroup_open(&fs, path);
	check(fd >= 0 && !fstat(fd, &st), "the own cgroup: %s",
	      strerror(errno));
	if (fd >= 0)
		close(fd);
	cgroup_fs_free(&fs);
	return st.st_ino;
}

/* What only a metrics namespace has: it is the outermost of its own. */
static void metrics_create(void)
{
	struct child c;
	__u64 id;

	if (unshare_in(&c, CLONE_NEWMETRICS))
		return;
	id = ns_id_of(c.pid, "metrics");
	expect(METRICS_NS_CREATE, c.pid, id, ns_id_of(0, "metrics"), id, 1,
	       own_cgroup_id());
}

/* What it is told: the label comes as it is, in its whole length. */
static void metrics_set(void)
{
	const struct event *e;
	struct child c;
	int fd;

	if (unshare_in(&c, CLONE_NEWMETRICS))
		return;
	fd = metricsns_open_pid(c.pid);
	check(!metricsns_set(fd, LABEL, -1, 0), "NS_METRICS_SET: %s",
	      strerror(errno));
	close(fd);
	e = expect(METRICS_NS_SET, getpid(), ns_id_of(c.pid, "metrics"),
		   NS_METRICS_SET_LABEL, 0, strlen(LABEL));
	check(!e || !strcmp(e->text, LABEL), "the label is %s",
	      e ? e->text : "");
}

/* In a user namespace of one's own, one may name it, and set no clock. */
static long do_use_capabilities(void *unused)
{
	struct timex tx = { .modes = ADJ_TICK, .tick = 10000 };

	(void)unused;
	if (unshare(CLONE_NEWUSER | CLONE_NEWUTS) || sethostname("bpf", 3))
		return -errno;
	return adjtimex(&tx) < 0 && errno == EPERM ? 0 : -EPROTO;
}

/* A capability that counts: for which namespace, and in which one it is had. */
static void capable(void)
{
	struct child c;
	__u64 id;

	if (child_do(&c, NULL, do_use_capabilities, NULL))
		return;
	id = ns_id_of(c.pid, "user");
	expect(CAP_CAPABLE, c.pid, id, id, CAP_SYS_ADMIN, 0);
}

/* One that doesn't: for which namespace, and in none. */
static void incapable(void)
{
	struct child c;

	if (child_do(&c, NULL, do_use_capabilities, NULL))
		return;
	expect(CAP_CAPABLE, c.pid, ns_id_of(0, "user"), 0, CAP_SYS_TIME,
	       -EPERM);
}

const struct test namespace_tests[] = {
	{ "namespace_create", "ns_id, type and inode number", create },
	{ "namespace_create", "nothing once it is detached", create_detached },
	{ "namespace_create_raw", "the same without types", create_raw },
	{ "namespace_free", "ns_id and type", free_ },
	{ "namespace_active", "ns_id and type", active },
	{ "namespace_inactive", "ns_id and type", inactive },
	{ "namespace_switch", "task, old and new ns_id", switch_ },
	{ "namespace_install", "ns_id and 0", install },
	{ "namespace_install", "ns_id and errno", install_refused },
	{ "namespace_denied", "ns_id, reason and errno", denied },
	{ "metrics_ns_create", "ID, parent, top, level, cgroup",
	  metrics_create },
	{ "metrics_ns_set", "ID and label", metrics_set },
	{ "cap_capable", "both ns_ids if it is had", capable },
	{ "cap_capable", "one ns_id if it is refused", incapable },
	{ 0 }
};
