// SPDX-License-Identifier: GPL-2.0
/* cid-record - record what containers do with LTTng, by their names */

#include <argp.h>
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cid.h"
#include "out.h"
#include "record.h"
#include "signals.h"
#include "util.h"

enum long_option {
	OPT_RELAY = 0x100,
	OPT_LIVE,
	OPT_ROTATE,
};

const char *argp_program_version = "cid-record " CID_VERSION;

static const struct argp_option options[] = {
	{ "container", 'c', "NAME", 0,
	  "Only what this container does and what is nested in it; may be given again: an ID, a label, or the name by which its runtime knows it. One that starts later under that label is recorded as well", 0 },
	{ "events", 'e', "PROFILE[,...]", 0,
	  "What to record; may be given again. Without, lifecycle", 0 },
	{ "output", 'o', "DIR", 0,
	  "Where the trace goes: a new directory. Without, cid-trace-TIME in this one", 0 },
	{ "relay", OPT_RELAY, "URL", 0,
	  "Send the trace to an lttng-relayd instead, such as net://host", 0 },
	{ "live", OPT_LIVE, NULL, 0,
	  "Let readers see it while it is recorded; without --relay, by the relayd of this machine", 0 },
	{ "rotate", OPT_ROTATE, "PERIOD|SIZE", 0,
	  "Begin a new chunk of the trace after each 30s, 5m or 1h, or with each 64M or 1G: each has the state, and can be read alone", 0 },
	{ "duration", 'd', "SEC", 0, "End after that time; without, at Ctrl-C", 0 },
	{ "json", 'j', NULL, 0, "In the end, tell in JSON what was recorded", 0 },
	{}
};

static void add_profiles(struct recording *rec, const char *arg, struct argp_state *state)
{
	cleanup_free char *list = xstrdup(arg);
	char *rest = list, *name;

	while ((name = strsep(&rest, ","))) {
		const struct profile *profile = profile_find(name);

		if (!profile)
			argp_error(state, "there is no profile '%s'", name);
		rec->profiles = xreallocarray(rec->profiles, rec->nr_profiles + 1,
					      sizeof(*rec->profiles));
		rec->profiles[rec->nr_profiles++] = profile;
	}
}

static double seconds(const char *arg, struct argp_state *state)
{
	char *end;
	double val;

	errno = 0;
	val = strtod(arg, &end);
	if (errno || end == arg || *end || !(val > 0) || val > 1e9)
		argp_error(state, "'%s' is no time in seconds", arg);
	return val;
}

/* As lttng enable-rotation has --timer and --size */
static void set_rotation(struct recording *rec, const char *arg, struct argp_state *state)
{
	static const struct {
		const char *name;
		double usec, bytes;
	} units[] = {
		{ "", .usec = 1e6 }, { "s", .usec = 1e6 }, { "m", .usec = 60e6 },
		{ "h", .usec = 3600e6 }, { "K", .bytes = 1UL << 10 },
		{ "M", .bytes = 1UL << 20 }, { "G", .bytes = 1UL << 30 },
	};
	char *end;
	double val;

	errno = 0;
	val = strtod(arg, &end);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (errno || end == arg || !(val > 0) || val > 1e9 || strcmp(end, units[i].name))
			continue;
		rec->rotate_usec = val * units[i].usec;
		rec->rotate_bytes = val * units[i].bytes;
	}
	if (!rec->rotate_usec && !rec->rotate_bytes)
		argp_error(state, "'%s' is no time, such as 30s or 5m, and no size, such as 64M",
			   arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct recording *rec = state->input;

	switch (key) {
	case 'c':
		rec->names = xreallocarray(rec->names, rec->nr_names + 1, sizeof(*rec->names));
		rec->names[rec->nr_names++] = arg;
		return 0;
	case 'e':
		add_profiles(rec, arg, state);
		return 0;
	case 'o':
		rec->output = arg;
		return 0;
	case OPT_RELAY:
		rec->relay = arg;
		return 0;
	case OPT_LIVE:
		rec->live = true;
		return 0;
	case 'j':
		rec->json = true;
		return 0;
	case OPT_ROTATE:
		set_rotation(rec, arg, state);
		return 0;
	case 'd':
		rec->duration = seconds(arg, state);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "what is '%s'?", arg);
		return 0;
	case ARGP_KEY_END:
		if (rec->output && (rec->relay || rec->live))
			argp_error(state, "a trace goes to a directory or to a relay daemon, not to both");
		if (rec->live && (rec->rotate_usec || rec->rotate_bytes))
			argp_error(state, "a live trace has no chunks: --live and --rotate don't go together");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* The profiles come from the table, so that they can't differ. */
static char *help_filter(int key, const char *text, void *input)
{
	char *buf = NULL;
	size_t size;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&buf, &size);
	if (!f)
		return NULL;
	fputs("Profiles:\n", f);
	for (size_t i = 0; i < nr_profiles; i++)
		fprintf(f, "  %-10s %s\n", profiles[i].name, profiles[i].summary);
	fputs("\nNeeds lttng-sessiond, and lttng-modules with the series of tools/lttng/modules.", f);
	fclose(f);
	return buf;
}

static bool is_empty(const char *path)
{
	cleanup_dir DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return false;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			return false;
	return true;
}

/* The daemon has another working directory, and must not write into what is there. */
static int choose_output(struct recording *rec)
{
	cleanup_free char *cwd = NULL;
	char stamp[64];
	time_t now = time(NULL);
	struct tm tm;
	struct stat st;

	if (rec->relay)
		return 0;
	if (rec->live) {
		rec->relay = "net://localhost";
		return 0;
	}
	if (!rec->output) {
		strftime(stamp, sizeof(stamp), "cid-trace-%Y%m%d-%H%M%S",
			 localtime_r(&now, &tm));
		rec->output = stamp;
	}
	cwd = getcwd(NULL, 0);
	if (!cwd) {
		msg("the working directory is gone: %m");
		return -1;
	}
	rec->output = *rec->output == '/' ? xstrdup(rec->output) :
		      xasprintf("%s/%s", cwd, rec->output);
	if (!stat(rec->output, &st) && !is_empty(rec->output)) {
		msg("%s is there already and is no empty directory: name a new one", rec->output);
		return -1;
	}
	return 0;
}

static uint64_t bytes;

static int add_size(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	if (type == FTW_F)
		bytes += st->st_size;
	return 0;
}

static uint64_t size_of(const char *path)
{
	bytes = 0;
	nftw(path, add_size, 16, FTW_PHYS);
	return bytes;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void show_progress(const struct recording *rec, double seconds_so_far)
{
	uint64_t discarded, lost;
	char size[32] = "";
	int ret;

	ctl_lock();
	ret = session_discarded(rec, &discarded, &lost);
	ctl_unlock();
	if (ret)
		return;
	if (rec->output)
		out_bytes(size, sizeof(size), size_of(rec->output));
	fprintf(stderr, "\r%.0f s%s%s, %llu events lost \033[K", seconds_so_far,
		*size ? ", " : "", size, (unsigned long long)(discarded + lost));
}

static bool sessiond_is_alive(void)
{
	bool alive;

	ctl_lock();
	alive = session_is_alive();
	ctl_unlock();
	return alive;
}

/* Return: the time for which it was recorded, negative if that was ended for it */
static double wait_for_the_end(const struct recording *rec)
{
	bool terminal = isatty(STDERR_FILENO);
	double start = now(), left;
	struct timespec timeout;
	siginfo_t info;
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGQUIT);
	for (;;) {
		left = rec->duration ? start + rec->duration - now() : 1;
		if (left <= 0)
			break;
		if (left > 1)
			left = 1;
		timeout.tv_sec = left;
		timeout.tv_nsec = (left - floor(left)) * 1e9;
		if (sigtimedwait(&ends, &info, &timeout) > 0)
			break;
		if (!sessiond_is_alive()) {
			msg("lttng-sessiond has ended: the trace may lack what came last");
			return -1;
		}
		if (terminal)
			show_progress(rec, now() - start);
	}
	if (terminal)
		fputs("\r\033[K", stderr);
	return now() - start;
}

static void say_missing(const struct recording *rec)
{
	for (size_t i = 0; i < rec->nr_missing; i++)
		msg("lttng-modules has no %s here: it isn't recorded", rec->missing[i]);
}

static void say_result(const struct recording *rec, double time, uint64_t discarded,
		       uint64_t lost)
{
	cleanup_free char *where = escape(rec->output ? rec->output : rec->relay);
	char size[32] = "", chunks[32] = "";

	if (rec->output)
		out_bytes(size, sizeof(size), size_of(rec->output));
	if (rec->nr_rotations)
		snprintf(chunks, sizeof(chunks), " in %u chunks", rec->nr_rotations + 1);
	printf("recorded %.1f s%s%s%s in %s, session %s; %llu events lost\n",
	       time, *size ? ", " : "", size, chunks, where, rec->session,
	       (unsigned long long)(discarded + lost));
}

static struct json_object *strings(const char *const *list, size_t nr)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < nr; i++)
		json_object_array_add(array, out_string(list[i]));
	return array;
}

static void print_result(const struct recording *rec, double time, uint64_t discarded,
			 uint64_t lost)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *containers = json_object_new_array();
	struct json_object *events = json_object_new_array();

	json_object_object_add(obj, "session", out_string(rec->session));
	json_object_object_add(obj, "output", rec->output ? out_string(rec->output) : NULL);
	json_object_object_add(obj, "relay", rec->relay ? out_string(rec->relay) : NULL);
	json_object_object_add(obj, "seconds", json_object_new_double(time));
	json_object_object_add(obj, "discarded_events", json_object_new_uint64(discarded));
	json_object_object_add(obj, "lost_packets", json_object_new_uint64(lost));
	json_object_object_add(obj, "chunks", json_object_new_uint64(rec->nr_rotations + 1));
	for (size_t i = 0; i < rec->nr_profiles; i++)
		json_object_array_add(events, out_string(rec->profiles[i]->name));
	json_object_object_add(obj, "profiles", events);
	json_object_object_add(obj, "missing", strings(rec->missing, rec->nr_missing));
	for (size_t i = 0; i < rec->nr_ids; i++)
		json_object_array_add(containers, json_object_new_uint64(rec->ids[i].id));
	json_object_object_add(obj, "containers", containers);
	out_json(obj);
}

static int record(struct recording *rec)
{
	uint64_t discarded = 0, lost = 0;
	double time;
	int ret = CID_OK;

	if (session_start(rec))
		return CID_FAIL;
	if (follow_start(rec) || rotate_start(rec))
		ret = CID_FAIL;
	say_missing(rec);
	if (ret == CID_OK) {
		if (rec->duration)
			msg("recording for %g s", rec->duration);
		else
			msg("recording until Ctrl-C");
		time = wait_for_the_end(rec);
		if (time < 0)
			return CID_FAIL;
	}
	listen_stop();
	follow_stop();
	if (session_stop(rec, &discarded, &lost))
		ret = CID_FAIL;
	session_destroy(rec);
	rotate_forget();
	if (ret == CID_OK && rec->json)
		print_result(rec, time, discarded, lost);
	else if (ret == CID_OK)
		say_result(rec, time, discarded, lost);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Record what containers do with LTTng.\v",
		.help_filter = help_filter,
	};
	struct recording rec = {};
	sigset_t ends;
	int ret;

	argp_err_exit_status = CID_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, &rec))
		return CID_USAGE;
	if (!rec.nr_profiles)
		add_profiles(&rec, "lifecycle", NULL);
	rec.session = xasprintf("cid-record-%d", getpid());

	if (session_check(&rec) || choose_output(&rec) || containers_find(&rec))
		return CID_FAIL;
	/* From here on a signal is waited for, so that no session is left behind. */
	signals_that_end(&ends);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	ret = record(&rec);
	if (fflush(stdout) || ferror(stdout)) {
		msg("cannot write the result: %m");
		return CID_FAIL;
	}
	return ret;
}
