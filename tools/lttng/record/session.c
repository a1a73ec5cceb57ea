// SPDX-License-Identifier: GPL-2.0
/* The session of LTTng in which is recorded */

#include <dlfcn.h>
#include <lttng/lttng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record.h"
#include "util.h"

/* How often a live trace's readers see what is new */
#define LIVE_USEC	1000000
/* For each CPU; a second of 20,000 switches with their contexts is some 2 MB. */
#define SUBBUF_SIZE	(1UL << 20)
#define NR_SUBBUFS	8

/*
 * LTTng has CTF 2 by default since 2.15, which a relay daemon before that doesn't take. The
 * headers that this is built with may be older, so these are its numbers.
 */
#define REFUSED_FORMAT	172	/* LTTNG_ERR_UNSUPPORTED_TRACE_FORMAT */
#define CTF_1_8		1	/* LTTNG_TRACE_FORMAT_CTF_1_8 */

/* Events that only lttng-modules with this project's series has, on its kernel */
#define OUR_EVENT	"lttng_statedump_container"

static const enum lttng_event_context_type contexts[] = {
	LTTNG_EVENT_CONTEXT_TID,
	LTTNG_EVENT_CONTEXT_PID,
	LTTNG_EVENT_CONTEXT_PROCNAME,
	LTTNG_EVENT_CONTEXT_VTID,
	LTTNG_EVENT_CONTEXT_PID_NS,
};

static struct lttng_domain kernel_domain = {
	.type = LTTNG_DOMAIN_KERNEL,
	.buf_type = LTTNG_BUFFER_GLOBAL,
};

static const char *why(int ret)
{
	return lttng_strerror(ret < 0 ? ret : -ret);
}

/* Loading is no error of ours if it fails: what is missing is told by its name. */
static void load_probes(void)
{
	static const char *const argv[] = {
		"modprobe", "-q", "-a", "lttng-probe-capability",
		"lttng-probe-cgroup", "lttng-probe-landlock",
		"lttng-probe-memcg", "lttng-probe-metrics-ns",
		"lttng-probe-namespace", "lttng-probe-oom",
		"lttng-probe-sched-cfs", "lttng-probe-task", NULL
	};
	pid_t pid;

	if (geteuid())
		return;
	pid = fork();
	if (!pid) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		execvp(argv[0], (char *const *)argv);
		execv("/sbin/modprobe", (char *const *)argv);
		_exit(1);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static int list_events(struct event_list *list)
{
	struct lttng_event *events = NULL;
	struct lttng_handle *handle;
	int nr;

	handle = lttng_create_handle("", &kernel_domain);
	if (!handle)
		return -LTTNG_ERR_NOMEM;
	nr = lttng_list_tracepoints(handle, &events);
	lttng_destroy_handle(handle);
	if (nr < 0)
		return nr;
	free(list->names);
	list->names = xcalloc(nr + 1, sizeof(*list->names));
	list->nr = nr;
	for (int i = 0; i < nr; i++)
		snprintf(list->names[i], sizeof(list->names[i]), "%s", events[i].name);
	free(events);
	return 0;
}

static void check_event(struct recording *rec, const char *name)
{
	if (event_list_has(&rec->known, name))
		return;
	for (size_t i = 0; i < rec->nr_missing; i++)
		if (!strcmp(rec->missing[i], name))
			return;
	rec->missing = xreallocarray(rec->missing, rec->nr_missing + 1,
				     sizeof(*rec->missing));
	rec->missing[rec->nr_missing++] = name;
}

/* What lttng-modules lacks is said, and the rest is recorded. */
static void find_missing(struct recording *rec, const struct profile *profile)
{
	for (size_t i = 0; i < profile->nr; i++)
		if (!profile->events[i].syscall)
			check_event(rec, profile->events[i].name);
}

bool session_is_alive(void)
{
	return lttng_session_daemon_alive() == 1;
}

/**
 * session_check - is there all that recording takes?
 * @rec: the recording; gets what lttng-modules has, and what it lacks
 *
 * Return: 0; -1, and says what is missing and how to get it.
 */
int session_check(struct recording *rec)
{
	int ret;

	if (!session_is_alive()) {
		msg("no lttng-sessiond can be reached: start it as root (lttng-sessiond --daemonize), and be root or in its group 'tracing'");
		return -1;
	}
	load_probes();
	ret = list_events(&rec->known);
	if (ret < 0 || !rec->known.nr) {
		msg("lttng-sessiond has no kernel tracer (%s): it has to be root's, and lttng-modules has to be installed for this kernel",
		    ret < 0 ? why(ret) : "no events");
		return -1;
	}
	if (rec->nr_names && !event_list_has(&rec->known, OUR_EVENT)) {
		msg("lttng-modules doesn't know containers: install it with the series of tools/lttng/modules, on a kernel with metrics namespaces");
		return -1;
	}
	/* LTTng's own state dump has the same pattern. */
	check_event(rec, OUR_EVENT);
	find_missing(rec, profile_always());
	for (size_t i = 0; i < rec->nr_profiles; i++)
		find_missing(rec, rec->profiles[i]);
	return 0;
}

static struct lttng_session_descriptor *describe(const struct recording *rec)
{
	if (rec->live)
		return lttng_session_descriptor_live_network_create(rec->session,
				rec->relay, NULL, LIVE_USEC);
	if (rec->relay)
		return lttng_session_descriptor_network_create(rec->session,
				rec->relay, NULL);
	return lttng_session_descriptor_local_create(rec->session, rec->output);
}

/* As older libraries lack the function, which needs no such thing there. */
static void set_old_format(struct lttng_session_descriptor *desc)
{
	int (*set)(struct lttng_session_descriptor *desc, int format);

	*(void **)&set = dlsym(RTLD_DEFAULT, "lttng_session_descriptor_set_trace_format");
	if (set)
		set(desc, CTF_1_8);
}

static int create(const struct recording *rec)
{
	struct lttng_session_descriptor *desc = describe(rec);
	enum lttng_error_code ret;

	if (!desc) {
		msg("'%s' is not the address of a relay daemon, such as net://host or net://host:5342:5343",
		    rec->relay ? rec->relay : rec->output);
		return -1;
	}
	if (rec->old_format)
		set_old_format(desc);
	ret = lttng_create_session_ext(desc);
	lttng_session_descriptor_destroy(desc);
	if (ret != LTTNG_OK) {
		msg("cannot make a session of LTTng for %s: %s",
		    rec->relay ? rec->relay : rec->output, why(ret));
		return -1;
	}
	return 0;
}

static int add_channel(struct lttng_handle *handle)
{
	struct lttng_channel *channel = lttng_channel_create(&kernel_domain);
	struct lttng_event_context ctx = {};
	int ret;

	if (!channel)
		return -LTTNG_ERR_NOMEM;
	snprintf(channel->name, sizeof(channel->name), "%s", CHANNEL);
	channel->attr.subbuf_size = SUBBUF_SIZE;
	channel->attr.num_subbuf = NR_SUBBUFS;
	ret = lttng_enable_channel(handle, channel);
	lttng_channel_destroy(channel);
	for (size_t i = 0; i < ARRAY_SIZE(contexts) && ret >= 0; i++) {
		ctx.ctx = contexts[i];
		ret = lttng_add_context(handle, &ctx, NULL, CHANNEL);
	}
	return ret;
}

/* Return: a new filter that lets the events of these containers pass */
static char *filter_of(const struct followed *ids, size_t nr, const char *other)
{
	char *filter = NULL;

	for (size_t i = 0; i < nr; i++) {
		char *longer = xasprintf("%s%s$ctx.container%s_id == %llu",
					 filter ? filter : "", filter ? " || " : "",
					 ids[i].top ? "_top" : "",
					 (unsigned long long)ids[i].id);

		free(filter);
		filter = longer;
	}
	if (filter && other) {
		char *both = xasprintf("(%s) && (%s)", other, filter);

		free(filter);
		return both;
	}
	return filter ? filter : other ? xstrdup(other) : NULL;
}

static int enable_event(struct lttng_handle *handle, const struct profile_event *ev,
			const struct followed *ids, size_t nr)
{
	cleanup_free char *filter = filter_of(ids, ev->of == OF_ALL ? 0 : nr, ev->filter);
	struct lttng_event *event = lttng_event_create();
	int ret;

	if (!event)
		return -LTTNG_ERR_NOMEM;
	event->type = ev->syscall ? LTTNG_EVENT_SYSCALL : LTTNG_EVENT_TRACEPOINT;
	event->loglevel_type = LTTNG_EVENT_LOGLEVEL_ALL;
	snprintf(event->name, sizeof(event->name), "%s", ev->name);
	ret = lttng_enable_event_with_exclusions(handle, event, CHANNEL, filter, 0, NULL);
	lttng_event_destroy(event);
	/* Two profiles may have the same one. */
	return ret == -LTTNG_ERR_KERN_EVENT_EXIST ? 0 : ret;
}

static int enable_profile(const struct recording *rec, struct lttng_handle *handle,
			  const struct profile *profile, const struct followed *ids,
			  size_t nr, bool of_all)
{
	for (size_t i = 0; i < profile->nr; i++) {
		const struct profile_event *ev = &profile->events[i];
		int ret;

		if (!ev->syscall && !event_list_has(&rec->known, ev->name))
			continue;
		if (ev->of == OF_ALL && !of_all)
			continue;
		ret = enable_event(handle, ev, ids, nr);
		if (ret < 0) {
			msg("cannot record %s: %s", ev->name, why(ret));
			return -1;
		}
	}
	return 0;
}

static int enable(struct recording *rec, const struct followed *ids, size_t nr, bool of_all)
{
	struct lttng_handle *handle = lttng_create_handle(rec->session, &kernel_domain);
	int ret = 0;

	if (!handle) {
		msg("out of memory");
		return -1;
	}
	for (size_t i = 0; i < rec->nr_profiles && !ret; i++)
		ret = enable_profile(rec, handle, rec->profiles[i], ids, nr, of_all);
	lttng_destroy_handle(handle);
	return ret;
}

/**
 * session_enable - record what the profiles have of further containers
 * @rec: the recording
 * @ids: the containers
 * @nr: how many
 *
 * Return: 0; -1, and says why.
 */
int session_enable(struct recording *rec, const struct followed *ids, size_t nr)
{
	return enable(rec, ids, nr, false);
}

/* Return: 0; -1, and says why; -REFUSED_FORMAT. */
static int set_up(struct recording *rec)
{
	/* Those that the user names may all be still to come. */
	static const struct followed nobody = { .id = INT64_MAX };
	struct lttng_handle *handle = lttng_create_handle(rec->session, &kernel_domain);
	int ret;

	if (!handle) {
		msg("out of memory");
		return -1;
	}
	ret = add_channel(handle);	/* which is when a relay daemon is called */
	if (!ret)
		ret = enable_profile(rec, handle, profile_always(), NULL, 0, true);
	else if (ret != -REFUSED_FORMAT)
		msg("cannot make a channel: %s", why(ret));
	lttng_destroy_handle(handle);
	if (ret < 0)
		return ret == -REFUSED_FORMAT ? ret : -1;
	if (rec->nr_names && !rec->nr_ids)
		return enable(rec, &nobody, 1, true);
	return enable(rec, rec->ids, rec->nr_ids, true);
}

/**
 * session_start - make the session and start it
 * @rec: the recording
 *
 * Return: 0; -1, and says why: nothing is left then.
 */
int session_start(struct recording *rec)
{
	int ret;

	if (create(rec))
		return -1;
	ret = set_up(rec);
	if (ret == -REFUSED_FORMAT && rec->relay && !rec->old_format) {
		msg("the relay daemon is too old for CTF 2: the trace is written as CTF 1.8");
		session_destroy(rec);
		rec->old_format = true;
		return session_start(rec);
	}
	if (ret == -REFUSED_FORMAT)
		msg("cannot make a channel: %s", why(ret));
	if (ret < 0)
		goto destroy;
	ret = lttng_start_tracing(rec->session);
	if (ret < 0) {
		msg("cannot start to record: %s", why(ret));
		goto destroy;
	}
	return 0;

destroy:
	session_destroy(rec);
	return -1;
}

/**
 * session_discarded - what has been lost so far
 * @rec: the recording
 * @discarded: gets the number of events for which no buffer was free
 * @lost: gets the number of packets that were overwritten
 *
 * Return: 0; -1 if that can't be had.
 */
int session_discarded(const struct recording *rec, uint64_t *discarded, uint64_t *lost)
{
	struct lttng_handle *handle = lttng_create_handle(rec->session, &kernel_domain);
	struct lttng_channel *channels = NULL;
	int nr, ret = -1;

	if (!handle)
		return -1;
	nr = lttng_list_channels(handle, &channels);
	if (nr == 1 && !lttng_channel_get_discarded_event_count(&channels[0], discarded) &&
	    !lttng_channel_get_lost_packet_count(&channels[0], lost))
		ret = 0;
	free(channels);
	lttng_destroy_handle(handle);
	return ret;
}

/**
 * session_stop - end the recording, whose session stays
 * @rec: the recording
 * @discarded: as session_discarded()
 * @lost: likewise
 *
 * All that was recorded is where it belongs then.
 *
 * Return: 0; -1, and says why.
 */
int session_stop(const struct recording *rec, uint64_t *discarded, uint64_t *lost)
{
	int ret = lttng_stop_tracing(rec->session);

	/* Somebody else may have been at it. */
	if (ret < 0 && ret != -LTTNG_ERR_TRACE_ALREADY_STOPPED) {
		msg("cannot stop: %s", why(ret));
		return -1;
	}
	if (session_discarded(rec, discarded, lost)) {
		msg("LTTng does not tell how many events were lost");
		return -1;
	}
	return 0;
}

/* The trace stays. */
void session_destroy(const struct recording *rec)
{
	int ret = lttng_destroy_session(rec->session);

	if (ret < 0 && ret != -LTTNG_ERR_SESS_NOT_FOUND)
		msg("session %s of LTTng stays, as it can't be destroyed: %s",
		    rec->session, why(ret));
}
