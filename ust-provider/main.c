// SPDX-License-Identifier: GPL-2.0
/*
 * cid-agent - tells tracers of the life of containers, whatever runtime they have
 *
 * The kernel has IDs for containers, and their runtimes have names. The agent brings the two
 * together in events of LTTng-UST, so that a trace of the kernel can be read by names after
 * the containers are gone.
 */

#include <argp.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "cid.h"
#include "registry.h"
#include "sources.h"

#define PROVIDER	"libcid-agent-ust.so"
#define CONTROL		"libcid-agent-ctl.so"
#define SOCKET_DIR	"/run/cid-agent"
/* So long after the start all runtimes that answer at all have told what there is. */
#define SETTLE_USEC	2000000

sd_event *loop;

struct options {
	bool json, no_lttng, no_label;
	const char *socket_dir;
	uint64_t every;		/* seconds, 0: never */
};

static struct options opts = { .socket_dir = SOCKET_DIR };
static struct machine this_machine;
const struct machine *machine = &this_machine;
static int dump_fd = -1;

enum { OPT_NO_LTTNG = 256, OPT_NO_LABEL, OPT_SOCKET_DIR, OPT_EVERY };

const char *argp_program_version = "cid-agent " CID_VERSION;

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Write each event as a line of JSON to stdout, too", 0 },
	{ "runtime", 'r', "NAME[=PLACE]", 0,
	  "Ask this runtime (docker, podman, oci, containerd, lxc, incus, lxd, machined, or none); may be given several times. Default: all but podman, whose files are read instead, where they usually are", 0 },
	{ "statedump-every", OPT_EVERY, "SECONDS", 0,
	  "Tell of all containers every so often, too", 0 },
	{ "no-label", OPT_NO_LABEL, NULL, 0,
	  "Don't label metrics namespaces that have no label", 0 },
	{ "no-lttng", OPT_NO_LTTNG, NULL, 0, "Make no events for LTTng", 0 },
	{ "socket-dir", OPT_SOCKET_DIR, "DIR", 0,
	  "Where its sockets are (default: " SOCKET_DIR ")", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'j':
		opts.json = true;
		break;
	case 'r':
		if (runtimes_choose(arg))
			argp_error(state, "'%s' is no runtime that is known: NAME or NAME=/PLACE, see --help",
				   arg);
		break;
	case OPT_EVERY:
		if (parse_u64(arg, &opts.every) || !opts.every || opts.every > 86400)
			argp_error(state, "'%s' is no number of seconds from 1 to 86400", arg);
		break;
	case OPT_NO_LTTNG:
		opts.no_lttng = true;
		break;
	case OPT_NO_LABEL:
		opts.no_label = true;
		break;
	case OPT_SOCKET_DIR:
		opts.socket_dir = arg;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is too much: there are options only", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Tell tracers of the life of containers, by their names and by the kernel's IDs: as events of LTTng-UST, container_agent:*.\v"
	       "SIGHUP has all runtimes asked again, and the state told. See cid-agent(8).",
};

static void read_machine(void)
{
	if (read_file_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", this_machine.boot_id,
			 sizeof(this_machine.boot_id)) < 0)
		this_machine.boot_id[0] = '\0';
	this_machine.boot_id[strcspn(this_machine.boot_id, "\n")] = '\0';
	gethostname(this_machine.hostname, sizeof(this_machine.hostname) - 1);
}

/*
 * Return: the folder of the sockets, locked for as long as this process lives; -1 if that
 * can't be had, and it says why.
 */
static int take_folder(const char *path)
{
	int dirfd, lock;

	if (mkdir(path, 0755) && errno != EEXIST) {
		msg("cannot make %s: %m; give another folder by --socket-dir", path);
		return -1;
	}
	dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	lock = dirfd < 0 ? -1 : openat(dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				       0600);
	if (lock < 0) {
		msg("cannot use %s: %m; give another folder by --socket-dir", path);
		return -1;
	}
	if (flock(lock, LOCK_EX | LOCK_NB)) {
		msg("%s is in use: there is an agent already; stop it first", path);
		return -1;
	}
	return dirfd;
}

/* Called by a thread of LTTng's */
static void ask_for_statedump(void)
{
	const uint64_t one = 1;

	if (write(dump_fd, &one, sizeof(one)) < 0)
		return;	/* it has been asked for 2^64 times */
}

/* Where it is installed: PREFIX/sbin/cid-agent; or where it was built, beside it */
static char *find_object(const char *name)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *path, *slash;

	self[len < 0 ? 0 : len] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return xstrdup(name);
	*slash = '\0';
	path = xasprintf("%s/../lib/cid-agent/%s", self, name);
	if (!access(path, F_OK))
		return path;
	free(path);
	return xasprintf("%s/%s", self, name);
}

/*
 * For the sessions, of which there is one now. Without liblttng-ctl, or the right to use it,
 * parts of a trace that rotates lack the state.
 */
static void watch_sessions(void)
{
	static void (*sessions)(void (*fn)(void));
	static bool tried;

	if (!tried) {
		cleanup_free char *path = find_object(CONTROL);
		void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

		if (handle)
			*(void **)&sessions = dlsym(handle, "container_agent_sessions");
		tried = true;
	}
	if (sessions)
		sessions(ask_for_statedump);
}

static void load_provider(void)
{
	cleanup_free char *path = find_object(PROVIDER);

	emit_ust_load(path, ask_for_statedump);
}

static int want_statedump(sd_event_source *source, int fd, uint32_t events, void *data)
{
	uint64_t times;

	(void)source;
	(void)events;
	(void)data;
	if (read(fd, &times, sizeof(times)) != sizeof(times))
		return 0;
	emit_statedump();
	watch_sessions();
	return 0;
}

static int every_so_often(sd_event_source *source, uint64_t usec, void *data)
{
	(void)data;
	emit_statedump();
	sd_event_source_set_time(source, usec + opts.every * 1000000);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static int settled(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	(void)data;
	registry_settled();
	emit_statedump();
	return 0;
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	(void)source;
	(void)info;
	(void)data;
	emit_statedump();
	runtimes_look();
	return 0;
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	(void)source;
	(void)info;
	(void)data;
	return sd_event_exit(loop, 0);
}

/* Before there are threads, which would have the signals otherwise */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int make_loop(void)
{
	int ret = sd_event_default(&loop);

	dump_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ret < 0)
		errno = -ret;
	if (ret < 0 || dump_fd < 0 ||
	    sd_event_add_io(loop, NULL, dump_fd, EPOLLIN, want_statedump, NULL) < 0 ||
	    sd_event_add_signal(loop, NULL, SIGHUP, on_hangup, NULL) < 0 ||
	    sd_event_add_signal(loop, NULL, SIGINT, on_end, NULL) < 0 ||
	    sd_event_add_signal(loop, NULL, SIGTERM, on_end, NULL) < 0)
		return -1;
	sd_event_set_watchdog(loop, true);
	return 0;
}

/* From when all have been asked */
static bool start_timers(void)
{
	return sd_event_add_time_relative(loop, NULL, CLOCK_MONOTONIC, SETTLE_USEC, 0, settled,
					  NULL) >= 0 &&
	       (!opts.every ||
		sd_event_add_time_relative(loop, NULL, CLOCK_MONOTONIC, opts.every * 1000000,
					   0, every_so_often, NULL) >= 0);
}

/* A file descriptor a container */
static void raise_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Return: whether all that needs the folder works; else it says why. */
static bool start_sockets(int dirfd)
{
	if (!hook_start(dirfd) && !server_start(dirfd))
		return true;
	msg("cannot make the sockets in %s: %m", opts.socket_dir);
	return false;
}

static int run(int dirfd)
{
	int ret = CID_FAIL;

	life_start(!opts.no_label);
	journal_start(dirfd);
	if (opts.json)
		emit_json_to(STDOUT_FILENO);
	if (start_sockets(dirfd)) {
		kernel_start();
		runtimes_start();
		sd_notify(false, "READY=1");
		ret = start_timers() && sd_event_loop(loop) >= 0 ? CID_OK : CID_FAIL;
		sd_notify(false, "STOPPING=1");
	}
	runtimes_stop();
	kernel_stop();
	server_stop(dirfd);
	hook_stop(dirfd);
	journal_stop();
	registry_stop();
	return ret;
}

int main(int argc, char **argv)
{
	int dirfd, ret;

	msg_program = "cid-agent";
	argp_err_exit_status = CID_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, NULL))
		return CID_USAGE;
	block_signals();
	raise_limit();
	read_machine();
	dirfd = take_folder(opts.socket_dir);
	if (dirfd < 0 || identity_init())
		return CID_FAIL;
	if (make_loop()) {
		msg("cannot wait for events: %m");
		return CID_FAIL;
	}
	if (!opts.no_lttng)
		load_provider();
	ret = run(dirfd);
	identity_exit();
	sd_event_unref(loop);
	return ret;
}
