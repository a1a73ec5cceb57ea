// SPDX-License-Identifier: GPL-2.0
/*
 * cid run. Three processes: cid itself stays outside, as only who stands there
 * can label and scope a metrics namespace; it forks one that makes the
 * namespaces and goes; that one leaves a sibling, the init inside, which has
 * the command as its child.
 */

#include <argp.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "cid.h"
#include "clocks.h"
#include "job.h"
#include "metricsns.h"
#include "util.h"

#define CPU_PERIOD_US	100000
#define CPUS_MIN	0.01	/* the kernel's least quota, 1 ms */
#define CPUS_MAX	100000

enum {
	OPT_QUOTA_CPUS = 256,
	OPT_HOST_VIEW,
	OPT_NO_TIME,
};

struct run {
	const char *label;
	struct cgroup_limits limits;
	const char *scope;
	uint32_t flags;
	bool no_time;
	char **argv;

	struct cgroup_fs fs;
	struct cgroup_own own;
	int cgroup_fd;		/* the container's, -1: none */
	const char *cgroup;	/* its path below the mount point */
	sigset_t mask;
};

static const struct argp_option options[] = {
	{ "label", 'l', "LABEL", 0,
	  "name of the container: 1 to 64 printable ASCII characters", 0 },
	{ "memory", 'm', "SIZE", 0, "memory limit; suffix K, M, G or T", 0 },
	{ "cpus", 'c', "N", 0, "CPU time limit in CPUs, such as 1.5", 0 },
	{ "cpuset", 's', "LIST", 0, "CPUs to run on, such as 0-2,4", 0 },
	{ "scope", 'S', "CGROUP", 0,
	  "run in this cgroup (path below the cgroup2 mount) instead of a new "
	  "one", 0 },
	{ "quota-cpus", OPT_QUOTA_CPUS, NULL, 0,
	  "show no more CPUs than the CPU time limit is worth", 0 },
	{ "host-view", OPT_HOST_VIEW, NULL, 0,
	  "let it read the machine's values in /proc/host", 0 },
	{ "no-time", OPT_NO_TIME, NULL, 0,
	  "no time namespace: the uptime is the host's", 0 },
	{ 0 }
};

static int parse_memory(const char *s, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	size_t len = strspn(s, "0123456789");
	char digits[24];
	int shift = 0;

	if (!len || len >= sizeof(digits) || strlen(s) > len + 1)
		return -1;
	memcpy(digits, s, len);
	digits[len] = '\0';
	if (s[len]) {
		unit = s[len] == ' ' ? NULL : strchr(units, s[len] & ~0x20);
		if (!unit)
			return -1;
		shift = 10 * (unit - units + 1);
	}
	if (parse_u64(digits, bytes) || *bytes > UINT64_MAX >> shift)
		return -1;
	*bytes <<= shift;
	return *bytes < (uint64_t)sysconf(_SC_PAGESIZE) ? -1 : 0;
}

static int parse_cpus(const char *s, char *buf, size_t size)
{
	double cpus;
	char *end;

	if (!*s || strspn(s, "0123456789.") != strlen(s))
		return -1;
	cpus = strtod(s, &end);
	if (*end || cpus < CPUS_MIN || cpus > CPUS_MAX)
		return -1;
	snprintf(buf, size, "%ld %d", (long)(cpus * CPU_PERIOD_US + 0.5),
		 CPU_PERIOD_US);
	return 0;
}

static void parse_limit(int key, const char *arg, struct argp_state *state)
{
	struct run *r = state->input;

	switch (key) {
	case 'm':
		if (parse_memory(arg, &r->limits.memory))
			argp_error(state, "--memory: '%s' is not a size of at "
				   "least a page, such as 64M", arg);
		break;
	case 'c':
		if (parse_cpus(arg, r->limits.cpu_max,
			       sizeof(r->limits.cpu_max)))
			argp_error(state, "--cpus: '%s' is not a number of "
				   "CPUs of at least 0.01, such as 1.5", arg);
		break;
	case 's':
		if (!*arg || strspn(arg, "0123456789,-") != strlen(arg))
			argp_error(state, "--cpuset: '%s' is not a list of "
				   "CPUs, such as 0-2,4", arg);
		r->limits.cpuset = arg;
		break;
	}
}

static bool limited(const struct run *r)
{
	return r->limits.memory || r->limits.cpu_max[0] || r->limits.cpuset;
}

static error_t parse_run(int key, char *arg, struct argp_state *state)
{
	struct run *r = state->input;

	switch (key) {
	case 'l':
		if (!metricsns_label_valid(arg))
			argp_error(state, "--label: a label is 1 to %d "
				   "printable ASCII characters",
				   NS_METRICS_LABEL_MAX);
		r->label = arg;
		return 0;
	case 'm':
	case 'c':
	case 's':
		parse_limit(key, arg, state);
		return 0;
	case 'S':
		r->scope = arg;
		return 0;
	case OPT_QUOTA_CPUS:
		r->flags |= METRICS_NS_QUOTA_CPUS;
		return 0;
	case OPT_HOST_VIEW:
		r->flags |= METRICS_NS_HOST_VIEW;
		return 0;
	case OPT_NO_TIME:
		r->no_time = true;
		return 0;
	case ARGP_KEY_ARG:
		r->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		if (!r->argv)
			argp_error(state, "there is no command to run");
		if (r->scope && limited(r))
			argp_error(state, "limits are for a new cgroup, so "
				   "they don't go with --scope");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static void fail(const char *what) __attribute__((noreturn));

/* For the processes inside; cid itself has to clean up. */
static void fail(const char *what)
{
	msg("%s: %m", what);
	_exit(CID_OWN_ERROR);
}

/* Its parent says why. */
static void wait_for_word(int sock)
{
	int val;

	if (job_recv(sock, &val))
		_exit(CID_OWN_ERROR);
}

/* For the children of the caller, whose time begins now */
static void reset_clocks(void)
{
	struct timespec mono, boot;
	cleanup_free char *text = NULL;

	if (clocks_restart(CLOCK_MONOTONIC, &mono) ||
	    clocks_restart(CLOCK_BOOTTIME, &boot))
		fail("cannot tell the offsets of the clocks");
	text = xasprintf("monotonic %lld %ld\nboottime %lld %ld\n",
			 (long long)mono.tv_sec, mono.tv_nsec,
			 (long long)boot.tv_sec, boot.tv_nsec);
	if (write_file_at(-1, "/proc/self/timens_offsets", text))
		fail("cannot set the clocks of the time namespace");
}

static void make_namespaces(const struct run *r)
{
	int flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC |
		    CLONE_NEWCGROUP;

	if (unshare(flags))
		fail("cannot make pid, mount, ipc and cgroup namespaces");
	if (r->no_time)
		return;
	if (unshare(CLONE_NEWTIME))
		fail("cannot make a time namespace (--no-time does without)");
	reset_clocks();
}

/*
 * The container's cgroup takes the place of the whole hierarchy, as it does for
 * /proc/PID/cgroup. A bind mount, because the kernel refuses to mount a
 * hierarchy anew over itself.
 */
static void mount_own_cgroup(const struct run *r)
{
	cleanup_free char *path = NULL;

	if (r->cgroup_fd < 0)
		return;
	path = xasprintf("%s/%s", r->fs.path, r->cgroup);
	if (mount(path, r->fs.path, NULL, MS_BIND, NULL))
		fail("cannot mount the cgroup of its own");
}

static void mount_own_view(const struct run *r)
{
	/* The host's later mounts come in, the container's don't go out. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		fail("cannot keep mounts apart from the host's");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL))
		fail("cannot mount a /proc of its own");
	mount_own_cgroup(r);
}

static void container_init(const struct run *r, int sock)
	__attribute__((noreturn));

static void container_init(const struct run *r, int sock)
{
	pid_t pid;

	/* If cid is killed, so is the container. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "cid-init");
	wait_for_word(sock);
	mount_own_view(r);
	pid = fork();
	if (pid < 0)
		fail("cannot fork");
	if (!pid)
		job_exec(r->argv, &r->mask);
	_exit(job_wait(pid));
}

static void prepare_inside(const struct run *r, int sock)
	__attribute__((noreturn));

static void prepare_inside(const struct run *r, int sock)
{
	pid_t pid;

	if (unshare(CLONE_NEWMETRICS))
		fail(errno == ENOSPC ?
		     "cannot make a metrics namespace: user.max_metrics_namespaces "
		     "or the 32 levels are used up" :
		     "cannot make a metrics namespace");
	if (job_send(sock, 0))
		_exit(CID_OWN_ERROR);
	wait_for_word(sock);
	make_namespaces(r);
	pid = job_fork_sibling();
	if (pid < 0)
		fail("cannot fork");
	if (!pid)
		container_init(r, sock);
	_exit(job_send(sock, pid) ? CID_OWN_ERROR : 0);
}

static int identify(const struct run *r, pid_t pid)
{
	cleanup_close int fd = metricsns_open_pid(pid);

	if (fd < 0) {
		msg("cannot open the new metrics namespace: %m");
		return -1;
	}
	if (metricsns_set(fd, r->label, r->cgroup_fd, r->flags)) {
		msg("cannot set label, scope and flags of the metrics "
		    "namespace: %m");
		return -1;
	}
	if (r->cgroup_fd >= 0 && cgroup_enter(r->cgroup_fd, pid)) {
		msg("cannot enter the cgroup '%s': %m", r->cgroup);
		return -1;
	}
	return 0;
}

/* Between the namespaces' being made and the command's start */
static int hand_over(const struct run *r, int sock, pid_t helper, pid_t *init)
{
	int word, pid;

	if (job_recv(sock, &word) || identify(r, helper) || job_send(sock, 0) ||
	    job_recv(sock, &pid))
		return -1;
	*init = pid;
	return 0;
}

static int run_inside(const struct run *r)
{
	pid_t helper, init = 0;
	int sv[2], ret;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv)) {
		msg("cannot make a socket pair: %m");
		return CID_OWN_ERROR;
	}
	helper = fork();
	if (!helper) {
		close(sv[0]);
		prepare_inside(r, sv[1]);
	}
	close(sv[1]);
	if (helper < 0) {
		msg("cannot fork: %m");
		close(sv[0]);
		return CID_OWN_ERROR;
	}
	ret = hand_over(r, sv[0], helper, &init);
	if (!ret)
		ret = job_send(sv[0], 0);
	/* The end of the socket is the end of whoever waits there. */
	close(sv[0]);
	job_reap_helper(helper);
	if (init)
		return job_wait(init);
	return CID_OWN_ERROR;
}

static int check_caller(void)
{
	if (metricsns_require())
		return -1;
	if (has_sys_admin() == 1)
		return 0;
	msg("to make a container takes CAP_SYS_ADMIN: run cid as root");
	return -1;
}

static int open_scope(struct run *r)
{
	r->cgroup = r->scope;
	r->cgroup_fd = cgroup_open(&r->fs, r->scope);
	if (r->cgroup_fd >= 0)
		return 0;
	msg("--scope: cannot open the cgroup '%s': %m", r->scope);
	return -1;
}

static int find_cgroup(struct run *r)
{
	if (cgroup_find(&r->fs)) {
		msg("cannot read /proc/self/mountinfo: %m");
		return -1;
	}
	if (r->scope)
		return open_scope(r);
	if (!cgroup_has_view(&r->fs)) {
		msg("no cgroup v2 with controllers: the container %s",
		    limited(r) ? "cannot be limited" :
		    "has an ID, but shows the machine's numbers");
		return limited(r) ? -1 : 0;
	}
	if (cgroup_create(&r->fs, r->label, &r->limits, &r->own))
		return -1;
	r->cgroup = r->own.path;
	r->cgroup_fd = r->own.fd;
	return 0;
}

/** cmd_run - cid run */
int cmd_run(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse_run,
		.args_doc = "[--] COMMAND [ARG...]",
		.doc = "Run a command in a new container, with a cgroup of its "
		       "own, and exit as it does.\v"
		       "Exit code: the command's; 128+N if signal N killed it; "
		       "125: cid failed; 126: the command cannot be executed; "
		       "127: there is no such command.",
	};
	struct run r = {
		.own = { .parent_fd = -1, .fd = -1 },
		.cgroup_fd = -1,
	};
	int ret = CID_OWN_ERROR;

	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &r))
		return CID_OWN_ERROR;
	if (check_caller())
		return CID_OWN_ERROR;
	/* From here on no signal but KILL leaves anything behind. */
	job_block_signals(&r.mask);
	if (!find_cgroup(&r))
		ret = run_inside(&r);
	if (cgroup_remove(&r.own) && !ret)
		ret = CID_OWN_ERROR;
	if (r.scope && r.cgroup_fd >= 0)
		close(r.cgroup_fd);
	cgroup_fs_free(&r.fs);
	return ret;
}
