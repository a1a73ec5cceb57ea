// SPDX-License-Identifier: GPL-2.0
/*
 * cid-runtime: called as an OCI runtime, it puts the real one into a metrics
 * namespace of the container, then becomes it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../metricsns.h"
#include "cid-runtime.h"

static const char help[] =
"Usage: cid-runtime [RUNTIME OPTIONS] COMMAND [ARGUMENTS]\n"
"Stand in front of an OCI runtime (crun or runc) and give each container a\n"
"metrics namespace: the container ID, its label and its own view of /proc.\n"
"\n"
"create, run and restore make the namespace, exec joins the container's; all\n"
"else goes to the runtime as it is. Only --cid-help, as the first argument,\n"
"is the wrapper's own option.\n"
"\n"
"Configuration: /etc/cid-runtime.conf, lines of KEY = VALUE (environment):\n"
"  runtime     path or name of the real runtime      (CID_RUNTIME)\n"
"  annotations heed the bundle's annotations         (CID_RUNTIME_ANNOTATIONS)\n"
"  quota_cpus  narrow the CPU list to the CPU quota  (CID_RUNTIME_QUOTA_CPUS)\n"
"  host_view   let it read the machine in /proc/host (CID_RUNTIME_HOST_VIEW)\n"
"  time        ask for a time namespace              (CID_RUNTIME_TIME)\n"
"  require     no container without a container ID   (CID_RUNTIME_REQUIRE)\n"
"CID_RUNTIME_CONFIG names another file, CID_RUNTIME_DEBUG=1 explains on\n"
"stderr. Called as cid-runtime-crun or cid-runtime-runc it stands for that.\n"
"\n"
"Annotations in config.json, with annotations = 1: org.cid.label,\n"
"org.cid.quota-cpus, org.cid.host-view, org.cid.time. An image's author can set\n"
"them too.\n"
"\n"
"Exit codes of its own: 125 it failed, 126 the runtime cannot be executed,\n"
"127 there is no runtime. See cid-runtime(8).\n";

/* A container without an ID is better than none, unless it was required. */
static void no_identity(const struct cid_conf *conf, const char *why)
{
	if (conf->require)
		cid_die(CID_EXIT_FAILED,
			"no container ID: %s; require=1 forbids that", why);
	cid_note("no container ID: %s", why);
}

static int identify(int fd, const struct cid_args *args,
		    const struct cid_bundle *b)
{
	char id[NS_METRICS_LABEL_MAX + 1];
	const char *label = b->label;
	uint32_t flags = 0;

	if (!label) {
		snprintf(id, sizeof(id), "%s", args->id);
		label = id;
	}
	if (!metricsns_label_valid(label)) {
		cid_note("no label: %s is not printable ASCII", label);
		label = NULL;
	}
	if (b->new_cgroupns)
		flags |= METRICS_NS_AUTO_SCOPE;
	if (b->quota_cpus)
		flags |= METRICS_NS_QUOTA_CPUS;
	if (b->host_view)
		flags |= METRICS_NS_HOST_VIEW;
	return metricsns_set(fd, label, -1, flags) ? -errno : 0;
}

/* Returns the new namespace, or -1: the container goes without. */
static int make_namespace(const struct cid_args *args,
			  const struct cid_bundle *b,
			  const struct cid_conf *conf)
{
	int err, fd;

	if (!args->id) {
		no_identity(conf, "no container id in the command line");
		return -1;
	}
	fd = cid_ns_create();
	err = fd < 0 ? fd : identify(fd, args, b);
	if (!err)
		return fd;
	no_identity(conf, strerror(-err));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int do_create(const char *runtime, char **argv,
		     const struct cid_args *args, const struct cid_conf *conf)
{
	struct cid_bundle b;
	int err, fd;

	cid_bundle_load(&b, args, conf);
	fd = make_namespace(args, &b, conf);
	if (b.time && !cid_time_request(runtime, &b))
		cid_note("no time namespace for %s", b.path);
	if (fd >= 0 && b.found && !b.new_cgroupns && cid_scope_possible())
		return cid_scope_run(runtime, argv, args, fd);
	err = fd >= 0 ? cid_ns_join(fd) : 0;
	if (err)
		no_identity(conf, strerror(-err));
	cid_exec(runtime, argv);
}

static void do_exec(const char *runtime, char **argv,
		    const struct cid_args *args, const struct cid_conf *conf)
{
	struct stat st;
	int err = 0, fd;
	pid_t pid;

	if (stat("/proc/self/ns/metrics", &st))
		cid_exec(runtime, argv);
	if (!args->id) {
		no_identity(conf, "the container's id is not certain");
		cid_exec(runtime, argv);
	}
	pid = cid_container_pid(runtime, args);
	fd = pid ? metricsns_open_pid(pid) : -1;
	/* without a process it is the runtime that complains */
	if (fd >= 0 && !cid_ns_is_own(fd))
		err = cid_ns_join(fd);
	else if (fd < 0 && pid && errno != ENOENT)
		err = -errno;
	if (err)
		no_identity(conf, strerror(-err));
	cid_exec(runtime, argv);
}

int main(int argc, char **argv)
{
	const char *debug = getenv("CID_RUNTIME_DEBUG");
	struct cid_args args;
	struct cid_conf conf;
	char *runtime;

	if (argc > 1 && !strcmp(argv[1], "--cid-help")) {
		fputs(help, stdout);
		return fflush(stdout) ? CID_EXIT_FAILED : 0;
	}
	cid_debug = debug && *debug && strcmp(debug, "0");
	cid_process_init();
	cid_args_parse(&args, argc, argv);
	cid_log_to(args.log, args.log_json);
	cid_conf_load(&conf);
	runtime = cid_runtime_find(argc ? argv[0] : "", &conf);
	switch (args.cmd) {
	case CID_CMD_CREATE:
	case CID_CMD_RUN:
	case CID_CMD_RESTORE:
		return do_create(runtime, argv, &args, &conf);
	case CID_CMD_EXEC:
		do_exec(runtime, argv, &args, &conf);
		break;
	case CID_CMD_OTHER:
		break;
	}
	cid_exec(runtime, argv);
}
