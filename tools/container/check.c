// SPDX-License-Identifier: GPL-2.0
/* cid check */

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "cid.h"
#include "metricsns.h"
#include "nsinfo.h"
#include "out.h"
#include "util.h"

struct feature {
	char *name;
	bool there;
	char *detail;
};

struct report {
	struct feature *features;
	size_t nr;
};

static void add(struct report *r, const char *name, bool there,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void add(struct report *r, const char *name, bool there,
		const char *fmt, ...)
{
	char detail[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	r->features = xreallocarray(r->features, r->nr + 1,
				    sizeof(*r->features));
	r->features[r->nr++] = (struct feature){
		.name = xstrdup(name),
		.there = there,
		.detail = xstrdup(detail),
	};
}

/* @ret: of a system call that tries the feature */
static void add_try(struct report *r, const char *name, long ret)
{
	if (ret < 0)
		add(r, name, false, "%s", strerror(errno));
	else
		add(r, name, true, "%s", "");
}

static void check_metrics_limit(struct report *r)
{
	char buf[32];

	if (read_file_at(AT_FDCWD, "/proc/sys/user/max_metrics_namespaces", buf,
			 sizeof(buf)) < 0) {
		add(r, "limit allows them", false, "%s", strerror(errno));
		return;
	}
	buf[strcspn(buf, "\n")] = '\0';
	add(r, "limit allows them", strcmp(buf, "0"),
	    "user.max_metrics_namespaces = %s", buf);
}

static void check_status_line(struct report *r)
{
	cleanup_free char *status = read_all_at(AT_FDCWD, "/proc/self/status");

	add(r, "NSmetrics in /proc/PID/status",
	    status && strstr(status, "\nNSmetrics:"), "%s", "");
}

static long try_pidfd(void)
{
	cleanup_close int pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	cleanup_close int fd = -1;

	if (pidfd < 0)
		return -1;
	fd = ioctl(pidfd, PIDFD_GET_METRICS_NAMESPACE, 0);
	return fd < 0 ? -1 : 0;
}

static long try_list(void)
{
	cleanup_free uint64_t *ids = NULL;
	size_t nr;

	return metricsns_list(&ids, &nr);
}

static long try_handle(uint64_t id)
{
	cleanup_close int fd = metricsns_open_id(id);

	return fd < 0 ? -1 : 0;
}

static void check_metrics(struct report *r)
{
	cleanup_close int fd = metricsns_open_pid(0);
	struct metrics_ns_info info;
	uint64_t id = 0;

	if (fd < 0) {
		add(r, "metrics namespaces", false,
		    "boot a kernel with CONFIG_METRICS_NS");
		return;
	}
	add(r, "metrics namespaces", true, "%s", "");
	add_try(r, "NS_METRICS_GET", metricsns_get(fd, &info));
	add_try(r, "NS_GET_ID", nsinfo_id_of_fd(fd, &id));
	add_try(r, "opening by ID", try_handle(id));
	add_try(r, "listns(2)", try_list());
	add_try(r, "opening by pidfd", try_pidfd());
	check_status_line(r);
	check_metrics_limit(r);
	add(r, "/proc/host", !access("/proc/host", F_OK), "%s", "");
}

static void check_other_ns(struct report *r)
{
	for (int i = 0; i < NS_KINDS; i++) {
		char path[48], name[48];

		snprintf(path, sizeof(path), "/proc/self/ns/%s",
			 ns_kinds[i].name);
		snprintf(name, sizeof(name), "%s namespaces", ns_kinds[i].name);
		add(r, name, !access(path, F_OK), "%s", "");
	}
}

static void check_cgroup(struct report *r)
{
	struct cgroup_fs fs;

	if (cgroup_find(&fs)) {
		add(r, "cgroup v2", false, "%s", strerror(errno));
		return;
	}
	if (!cgroup_has_view(&fs))
		add(r, "cgroup v2", false, "%s, so there is no view: containers "
		    "show the machine's numbers",
		    fs.legacy ? "the controllers are on cgroup v1" :
		    fs.path ? "there are no controllers" : "not mounted");
	else
		add(r, "cgroup v2", true, "%s", fs.path);
	for (size_t i = 0; i < ARRAY_SIZE(cgroup_controllers); i++) {
		const char *ctrl = cgroup_controllers[i];
		char name[48];

		snprintf(name, sizeof(name), "cgroup controller %s", ctrl);
		add(r, name, has_word(fs.controllers, ctrl), "%s", "");
	}
	cgroup_fs_free(&fs);
}

static void check_kfuncs(struct report *r)
{
	static const char kfunc[] = "bpf_get_current_container_id";
	size_t len;
	cleanup_free char *btf = read_all_len_at(AT_FDCWD,
						 "/sys/kernel/btf/vmlinux",
						 &len);

	if (!btf)
		add(r, "BPF kfuncs", false, "/sys/kernel/btf/vmlinux: %s",
		    strerror(errno));
	else
		add(r, "BPF kfuncs", memmem(btf, len, kfunc, sizeof(kfunc)),
		    "%s", kfunc);
}

static void check_rest(struct report *r)
{
	add(r, "pressure stall information", !access("/proc/pressure", F_OK),
	    "%s", "");
	check_kfuncs(r);
	add(r, "CAP_SYS_ADMIN", has_sys_admin() == 1,
	    "to make containers and to see all of them");
}

static void print_table(const struct report *r)
{
	static const char *const heads[] = { "FEATURE", "THERE", "DETAIL" };
	struct table t;

	table_init(&t, heads, ARRAY_SIZE(heads));
	for (size_t i = 0; i < r->nr; i++) {
		table_cell(&t, "%s", r->features[i].name);
		table_cell(&t, "%s", r->features[i].there ? "yes" : "no");
		table_cell(&t, "%s", r->features[i].detail);
	}
	table_print(&t, true, stdout, 0);
	table_free(&t);
}

static void print_json(const struct report *r)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < r->nr; i++) {
		const struct feature *f = &r->features[i];
		struct json_object *obj = json_object_new_object();

		json_object_object_add(obj, "feature", out_string(f->name));
		json_object_object_add(obj, "there",
				       json_object_new_boolean(f->there));
		json_object_object_add(obj, "detail",
				       out_string(*f->detail ? f->detail :
						  NULL));
		json_object_array_add(list, obj);
	}
	out_json(list);
}

/** cmd_check - cid check */
int cmd_check(int argc, char **argv)
{
	static const struct argp argp = {
		.options = out_json_options,
		.parser = out_parse_json,
		.doc = "Tell what this kernel offers, feature by feature.\v"
		       "Exit code: 1 if there are no metrics namespaces.",
	};
	struct report r = {};
	bool json = false;

	if (argp_parse(&argp, argc, argv, 0, NULL, &json))
		return CID_USAGE;
	check_metrics(&r);
	check_other_ns(&r);
	check_cgroup(&r);
	check_rest(&r);
	if (json)
		print_json(&r);
	else
		print_table(&r);
	for (size_t i = 0; i < r.nr; i++) {
		free(r.features[i].name);
		free(r.features[i].detail);
	}
	free(r.features);
	return metricsns_supported() ? CID_OK : CID_FAIL;
}
