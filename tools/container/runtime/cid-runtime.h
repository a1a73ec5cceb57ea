/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cid-runtime: stands in front of an OCI runtime and gives each container a
 * metrics namespace.
 */
#ifndef CID_RUNTIME_H
#define CID_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Exit codes of the wrapper itself, those of env(1) and chroot(1). */
#define CID_EXIT_FAILED		125
#define CID_EXIT_NOEXEC		126
#define CID_EXIT_NOTFOUND	127

/* msg.c */
extern bool cid_debug;
void cid_log_to(const char *log, bool json);
void cid_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cid_die(int code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));
void *cid_alloc(size_t n, size_t size);

/* args.c */
enum cid_cmd {
	CID_CMD_OTHER,
	CID_CMD_CREATE,
	CID_CMD_RUN,
	CID_CMD_RESTORE,
	CID_CMD_EXEC,
};

/**
 * struct cid_args - what the wrapper understood of a runtime's command line
 * @cmd: the subcommand
 * @id: container id, NULL where it could not be told for certain
 * @bundle: bundle directory, "." by default
 * @config: name of the configuration file inside @bundle
 * @log: argument of --log, or NULL
 * @log_json: --log-format=json was given
 * @globals: the global options that a "state" call for the same container
 *           needs; the pointers are those of argv
 * @nr_globals: their number
 */
struct cid_args {
	enum cid_cmd cmd;
	const char *id;
	const char *bundle;
	const char *config;
	const char *log;
	bool log_json;
	char **globals;
	int nr_globals;
};

void cid_args_parse(struct cid_args *args, int argc, char **argv);

/* conf.c */
struct cid_conf {
	char *runtime;
	bool annotations;
	bool quota_cpus;
	bool host_view;
	bool require;
	bool time;
};

void cid_conf_load(struct cid_conf *conf);

/* bundle.c */

/**
 * struct cid_bundle - what config.json says to the wrapper
 * @found: config.json could be read; all else is empty if not
 * @path: its path
 * @label: annotation org.cid.label, or NULL. Annotations count only where the
 *         configuration says so: engines pass on those of an image
 * @new_cgroupns: the runtime makes a new cgroup namespace
 * @quota_cpus: annotation org.cid.quota-cpus, or the configured default
 * @host_view: annotation org.cid.host-view, or the configured default
 * @time: annotation org.cid.time, or the configured default
 */
struct cid_bundle {
	bool found;
	char *path;
	char *label;
	bool new_cgroupns;
	bool quota_cpus;
	bool host_view;
	bool time;
};

struct json_object;

void cid_bundle_load(struct cid_bundle *b, const struct cid_args *args,
		     const struct cid_conf *conf);
struct json_object *cid_json_read(const char *path);
struct json_object *cid_json_get(struct json_object *obj, const char *key,
				 int type);
struct json_object *cid_json_find_ns(struct json_object *root,
				     const char *type);

/* process.c */
char *cid_runtime_find(const char *argv0, const struct cid_conf *conf);
void cid_process_init(void);
void cid_exec(const char *runtime, char **argv) __attribute__((noreturn));
char *cid_capture(char *const argv[]);
pid_t cid_container_pid(const char *runtime, const struct cid_args *args);

/* ns.c */
int cid_ns_create(void);
int cid_ns_join(int fd);
bool cid_ns_is_own(int fd);

/* scope.c */
bool cid_scope_possible(void);
int cid_scope_run(const char *runtime, char **argv,
		  const struct cid_args *args, int ns_fd);

/* timens.c */
bool cid_time_request(const char *runtime, const struct cid_bundle *b);

#endif
