// SPDX-License-Identifier: GPL-2.0
/*
 * systemd-nspawn has no daemon and no list of its own: it tells systemd-machined, as
 * libvirt's LXC driver does. machined runs only while there are machines, so it must not
 * be asked into being: the bus tells when it comes, and no call starts it.
 *
 * D-Bus keeps the order of what one sender says. So an answer is reported when it comes:
 * kept until a listing is complete, it would bring back what a signal has removed since.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "agent.h"
#include "place.h"

#define FAMILY		"nspawn"
#define BUS_NAME	"org.freedesktop.DBus"
#define BUS_PATH	"/org/freedesktop/DBus"
#define MACHINED	"org.freedesktop.machine1"
#define MACHINED_PATH	"/org/freedesktop/machine1"
#define MANAGER		"org.freedesktop.machine1.Manager"
#define ANSWER_USEC	(10 * 1000000ULL)
/* A socket is there a little before somebody listens at it. */
#define SETTLE_USEC	100000
#define MACHINES_MAX	4096
#define cleanup_message __attribute__((cleanup(unref_message)))

/* What has been told of: virtual machines are in machined's signals as well. */
struct machine {
	char *name;
	const char *runtime;
	unsigned int generation;	/* of the listing that had it last */
};

struct watch {
	char *place;
	char *who;
	struct health health;
	sd_bus *bus;
	bool dead;			/* the bus has gone, and is to be dropped */
	bool said;			/* what is wrong: the rest of it needs no words */
	sd_event_source *timer;
	struct awaited awaited;
	struct machine *machines;
	size_t nr_machines;
	unsigned int generation;
	bool listing;			/* it was asked for, or is under way */
	bool begun;			/* the registry knows of it */
	bool complete;			/* so far */
	bool again;
	unsigned int pending;		/* answers that the listing waits for */
};

/* One machine's properties were asked for. */
struct ask {
	struct watch *w;
	bool listed;
	char name[];
};

struct properties {
	uint32_t leader;
	const char *class;
	const char *service;
	const char *root;
};

static void list_machines(struct watch *w);
static void wait_for_place(struct watch *w);
static int on_timer(sd_event_source *s, uint64_t usec, void *userdata);

static void unref_message(sd_bus_message **m)
{
	sd_bus_message_unref(*m);
}

static void arm(struct watch *w, uint64_t usec)
{
	w->timer = sd_event_source_unref(w->timer);
	if (sd_event_add_time_relative(loop, &w->timer, CLOCK_MONOTONIC, usec, 0,
				       on_timer, w) < 0)
		msg("%s: no timer, so it isn't tried again", w->who);
}

static void bad(struct watch *w, const char *what, const char *why)
{
	if (w->said)
		return;
	w->said = true;
	health_bad(&w->health, "%s: %s", what, why);
	arm(w, health_retry_usec(&w->health));
}

static void failed(struct watch *w, const char *what, int err)
{
	bad(w, what, strerror(-err));
}

static void good(struct watch *w)
{
	w->said = false;
	w->timer = sd_event_source_disable_unref(w->timer);
	health_good(&w->health);
}

/* --- what has been told of --- */

static struct machine *find_machine(struct watch *w, const char *name)
{
	for (size_t i = 0; i < w->nr_machines; i++)
		if (!strcmp(w->machines[i].name, name))
			return &w->machines[i];
	return NULL;
}

static void forget_machine(struct watch *w, struct machine *m)
{
	free(m->name);
	*m = w->machines[--w->nr_machines];
}

/* False: there are too many. */
static bool keep_machine(struct watch *w, const char *name, const char *runtime)
{
	struct machine *m = find_machine(w, name);

	if (!m && w->nr_machines == MACHINES_MAX)
		return false;
	if (!m) {
		w->machines = xreallocarray(w->machines, w->nr_machines + 1, sizeof(*m));
		m = &w->machines[w->nr_machines++];
		m->name = xstrdup(name);
	}
	m->runtime = runtime;
	m->generation = w->generation;
	return true;
}

static void forget_unseen(struct watch *w)
{
	for (size_t i = w->nr_machines; i--;)
		if (w->machines[i].generation != w->generation)
			forget_machine(w, &w->machines[i]);
}

/* --- calls --- */

/* @ask, if any, is freed when the answer has come, or can't any more. */
static int call(struct watch *w, sd_bus_message *m, sd_bus_message_handler_t done,
		struct ask *ask)
{
	sd_bus_slot *slot = NULL;
	int r;

	r = sd_bus_message_set_auto_start(m, false);
	if (r >= 0)
		r = sd_bus_call_async(w->bus, &slot, m, done, ask ? (void *)ask : w,
				      ANSWER_USEC);
	if (r < 0) {
		free(ask);
		return r;
	}
	if (ask)
		sd_bus_slot_set_destroy_callback(slot, free);
	sd_bus_slot_set_floating(slot, true);
	sd_bus_slot_unref(slot);
	return 0;
}

static bool is_error(sd_bus_message *m, const char *const *names)
{
	for (; *names; names++)
		if (sd_bus_message_is_method_error(m, *names))
			return true;
	return false;
}

/* machined ends when there are no machines, at any time. */
static bool nobody_there(sd_bus_message *m)
{
	static const char *const names[] = {
		SD_BUS_ERROR_NAME_HAS_NO_OWNER, SD_BUS_ERROR_SERVICE_UNKNOWN, NULL
	};

	return is_error(m, names);
}

static bool machine_is_gone(sd_bus_message *m)
{
	static const char *const names[] = {
		SD_BUS_ERROR_UNKNOWN_OBJECT, MACHINED ".NoSuchMachine", NULL
	};

	return is_error(m, names) || nobody_there(m);
}

/* The bus's own end says more than the failure of the calls that it takes along. */
static void answered_badly(struct watch *w, const char *what, sd_bus_message *m)
{
	const sd_bus_error *e = sd_bus_message_get_error(m);

	if (sd_bus_is_open(w->bus) <= 0)
		return;
	bad(w, what, e && e->message ? e->message : e && e->name ? e->name : "an error");
}

/* --- one machine --- */

static int read_string(sd_bus_message *m, const char **to)
{
	char type;
	const char *contents;
	int r = sd_bus_message_peek_type(m, &type, &contents);

	if (r < 0)
		return r;
	if (type != 'v' || !contents || strcmp(contents, "s"))
		return -EBADMSG;
	return sd_bus_message_read(m, "v", "s", to);
}

static int read_leader(sd_bus_message *m, uint32_t *to)
{
	char type;
	const char *contents;
	int r = sd_bus_message_peek_type(m, &type, &contents);

	if (r < 0)
		return r;
	if (type != 'v' || !contents || strcmp(contents, "u"))
		return -EBADMSG;
	return sd_bus_message_read(m, "v", "u", to);
}

static int read_property(sd_bus_message *m, struct properties *p)
{
	const char *key;
	int r = sd_bus_message_read(m, "s", &key);

	if (r < 0)
		return r;
	if (!strcmp(key, "Leader"))
		return read_leader(m, &p->leader);
	if (!strcmp(key, "Class"))
		return read_string(m, &p->class);
	if (!strcmp(key, "Service"))
		return read_string(m, &p->service);
	if (!strcmp(key, "RootDirectory"))
		return read_string(m, &p->root);
	return sd_bus_message_skip(m, "v");
}

static int read_properties(sd_bus_message *m, struct properties *p)
{
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0) {
		r = sd_bus_message_enter_container(m, 'e', "sv");
		if (r <= 0)
			return r;
		r = read_property(m, p);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r;
}

static const char *runtime_of_service(const char *service)
{
	if (service && !strcmp(service, "systemd-nspawn"))
		return "nspawn";
	if (service && !strcmp(service, "libvirt-lxc"))
		return "libvirt-lxc";
	return "machined";
}

static void report_machine(struct watch *w, const char *name, const struct properties *p)
{
	struct report r = {
		REPORT_INIT,
		.what = REPORT_SEEN,
		.state = STATE_RUNNING,
		.rank = RANK_ENGINE,
		.family = FAMILY,
		.runtime = runtime_of_service(p->service),
		.id = name,
		.name = name,
		.image = p->root && *p->root ? p->root : NULL,
		.pid = p->leader <= INT_MAX ? p->leader : 0,
	};

	if (!p->class || strcmp(p->class, "container"))
		return;
	if (!keep_machine(w, name, r.runtime))
		w->complete = false;
	else if (w->begun)
		registry_list_seen(w, &r);
	else
		registry_report(&r);
}

static void end_listing(struct watch *w)
{
	bool again = w->again;

	w->listing = false;
	w->again = false;
	if (w->begun) {
		w->begun = false;
		registry_list_end(w, w->complete);
		if (w->complete) {
			forget_unseen(w);
			good(w);
		}
	}
	if (again)
		list_machines(w);
}

static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	struct ask *ask = userdata;
	struct watch *w = ask->w;
	struct properties p = { 0 };
	int r = 0;

	(void)unused;
	if (!sd_bus_message_is_method_error(m, NULL)) {
		r = read_properties(m, &p);
		if (r < 0)
			failed(w, "properties of a machine", r);
		else
			report_machine(w, ask->name, &p);
	} else if (!machine_is_gone(m)) {
		answered_badly(w, "properties of a machine", m);
		r = -EIO;
	}
	if (ask->listed && r < 0)
		w->complete = false;
	if (ask->listed && !--w->pending)
		end_listing(w);
	return 0;
}

static int ask_machine(struct watch *w, const char *name, const char *path, bool listed)
{
	cleanup_message sd_bus_message *m = NULL;
	size_t size = strlen(name) + 1;
	struct ask *ask;
	int r;

	if (size == 1 || size > ID_MAX + 1)
		return -EBADMSG;
	r = sd_bus_message_new_method_call(w->bus, &m, MACHINED, path,
					   "org.freedesktop.DBus.Properties", "GetAll");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", MACHINED ".Machine");
	if (r < 0)
		return r;
	ask = xcalloc(1, sizeof(*ask) + size);
	ask->w = w;
	ask->listed = listed;
	memcpy(ask->name, name, size);
	r = call(w, m, on_properties, ask);
	if (r >= 0)
		w->pending += listed;
	return r;
}

/* --- all of them --- */

static int ask_all(struct watch *w, sd_bus_message *m)
{
	const char *name, *class, *path;
	size_t n = 0;
	int r = sd_bus_message_enter_container(m, 'a', "(ssso)");

	while (r >= 0) {
		r = sd_bus_message_read(m, "(ssso)", &name, &class, NULL, &path);
		if (r <= 0)
			return r;
		if (strcmp(class, "container"))
			continue;
		if (n++ == MACHINES_MAX)
			return -E2BIG;
		r = ask_machine(w, name, path, true);
	}
	return r;
}

static int on_machines(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	struct watch *w = userdata;
	int r;

	(void)unused;
	if (sd_bus_message_is_method_error(m, NULL)) {
		if (nobody_there(m))
			good(w);
		else
			answered_badly(w, "the list of machines", m);
		end_listing(w);
		return 0;
	}
	w->begun = true;
	w->complete = true;
	w->generation++;
	registry_list_begin(w);
	r = ask_all(w, m);
	if (r < 0) {
		w->complete = false;
		failed(w, "the list of machines", r);
	}
	if (!w->pending)
		end_listing(w);
	return 0;
}

static void list_machines(struct watch *w)
{
	cleanup_message sd_bus_message *m = NULL;
	int r;

	if (!w->bus || w->dead)
		return;
	if (w->listing) {
		w->again = true;
		return;
	}
	r = sd_bus_message_new_method_call(w->bus, &m, MACHINED, MACHINED_PATH, MANAGER,
					   "ListMachines");
	if (r >= 0)
		r = call(w, m, on_machines, NULL);
	if (r < 0)
		failed(w, "the list of machines", r);
	else
		w->listing = true;
}

/* --- signals --- */

static int on_new(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	struct watch *w = userdata;
	const char *name, *path;
	int r = sd_bus_message_read(m, "so", &name, &path);

	(void)unused;
	if (r >= 0)
		r = ask_machine(w, name, path, false);
	if (r < 0)
		failed(w, "a new machine", r);
	return 0;
}

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	struct watch *w = userdata;
	struct report r = {
		REPORT_INIT,
		.what = REPORT_EXIT,
		.rank = RANK_ENGINE,
		.family = FAMILY,
	};
	struct machine *machine;
	const char *name;
	int ret = sd_bus_message_read(m, "so", &name, NULL);

	(void)unused;
	if (ret < 0) {
		failed(w, "a machine's end", ret);
		return 0;
	}
	machine = find_machine(w, name);
	if (!machine)
		return 0;
	r.runtime = machine->runtime;
	r.id = machine->name;
	r.name = machine->name;
	registry_report(&r);
	r.what = REPORT_REMOVE;
	registry_report(&r);
	forget_machine(w, machine);
	return 0;
}

/*
 * When machined goes it has no machines, or is started anew and still has them: what it
 * says when it is back is all there is to know.
 */
static int on_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	const char *owner;

	(void)unused;
	if (sd_bus_message_read(m, "sss", NULL, NULL, &owner) >= 0 && *owner)
		list_machines(userdata);
	return 0;
}

/* The bus can't be dropped from in here. */
static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	struct watch *w = userdata;

	(void)m;
	(void)unused;
	w->dead = true;
	if (access(w->place, F_OK)) {
		arm(w, SETTLE_USEC);
		return 0;
	}
	bad(w, "the bus", "it has ended the connection");
	wait_for_place(w);
	return 0;
}

/* --- the bus --- */

static int add_match(struct watch *w, const char *member, sd_bus_message_handler_t then)
{
	return sd_bus_match_signal_async(w->bus, NULL, MACHINED, MACHINED_PATH, MANAGER,
					 member, then, NULL, w);
}

static int add_matches(struct watch *w)
{
	int r = sd_bus_match_signal_async(w->bus, NULL, BUS_NAME ".Local", NULL,
					  BUS_NAME ".Local", "Disconnected",
					  on_disconnected, NULL, w);

	if (r >= 0)
		r = sd_bus_add_match_async(w->bus, NULL,
					   "type='signal',sender='" BUS_NAME "',"
					   "interface='" BUS_NAME "',"
					   "member='NameOwnerChanged',"
					   "arg0='" MACHINED "'",
					   on_owner_changed, NULL, w);
	if (r >= 0)
		r = add_match(w, "MachineNew", on_new);
	if (r >= 0)
		r = add_match(w, "MachineRemoved", on_removed);
	return r;
}

/* Not by an address, which the bus would take apart, and resolve */
static int connect_socket(const char *place)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int res;

	if (fd < 0)
		return -errno;
	if (strlen(place) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, place);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	res = fd;
	fd = -1;
	return res;
}

static int start_bus(struct watch *w)
{
	int fd, r = sd_bus_new(&w->bus);

	if (r < 0)
		return r;
	fd = connect_socket(w->place);
	if (fd < 0)
		return fd;
	r = sd_bus_set_fd(w->bus, fd, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	r = sd_bus_set_bus_client(w->bus, true);
	if (r >= 0)
		r = sd_bus_set_method_call_timeout(w->bus, ANSWER_USEC);
	if (r >= 0)
		r = sd_bus_start(w->bus);
	if (r >= 0)
		r = sd_bus_attach_event(w->bus, loop, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = add_matches(w);
	return r;
}

static void drop_bus(struct watch *w)
{
	w->again = false;
	w->complete = false;
	end_listing(w);
	w->pending = 0;
	if (w->bus) {
		sd_bus_detach_event(w->bus);
		w->bus = sd_bus_close_unref(w->bus);
	}
	w->dead = false;
}

/* sd-bus gives a bus more time to authenticate than this. */
static void start_over(struct watch *w)
{
	int r;

	drop_bus(w);
	if (access(w->place, F_OK)) {
		wait_for_place(w);
		return;
	}
	place_forget(&w->awaited);
	r = start_bus(w);
	if (r < 0) {
		drop_bus(w);
		failed(w, "connecting", r);
		wait_for_place(w);
		return;
	}
	arm(w, ANSWER_USEC);
	list_machines(w);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct watch *w = userdata;

	(void)s;
	(void)usec;
	w->timer = sd_event_source_unref(w->timer);
	w->said = false;
	if (!w->bus || w->dead) {
		start_over(w);
	} else if (sd_bus_is_ready(w->bus) <= 0) {
		drop_bus(w);
		bad(w, "the bus", "no answer");
		wait_for_place(w);
	} else if (!w->listing) {
		list_machines(w);
	}
	return 0;
}

static void may_have_come(void *data)
{
	arm(data, SETTLE_USEC);
}

static void wait_for_place(struct watch *w)
{
	int r = place_await(&w->awaited, w->place, may_have_come, w);

	if (r < 0)
		failed(w, "waiting for it to appear", r);
	else if (r && !w->timer)
		arm(w, SETTLE_USEC);
}

static void *machined_start(const char *place)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->place = xstrdup(place);
	w->who = xasprintf("machined (%s)", place);
	w->health.who = w->who;
	start_over(w);
	return w;
}

static void machined_look(void *watch)
{
	list_machines(watch);
}

static void machined_stop(void *watch)
{
	struct watch *w = watch;

	drop_bus(w);
	place_forget(&w->awaited);
	sd_event_source_disable_unref(w->timer);
	registry_forget_source(w);
	while (w->nr_machines)
		forget_machine(w, &w->machines[0]);
	free(w->machines);
	free(w->who);
	free(w->place);
	free(w);
}

static const char *const machined_places[] = { "/run/dbus/system_bus_socket", NULL };

const struct runtime runtime_machined = {
	.name = "machined",
	.places = machined_places,
	.start = machined_start,
	.look = machined_look,
	.stop = machined_stop,
};
