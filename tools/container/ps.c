// SPDX-License-Identifier: GPL-2.0
/* cid ps */

#include <argp.h>
#include <stdlib.h>

#include "cid.h"
#include "container.h"
#include "out.h"
#include "util.h"

struct ps {
	const char *name;
	bool json;
	bool no_header;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "print JSON", 0 },
	{ "no-header", 'n', NULL, 0, "no column titles", 0 },
	{ 0 }
};

static error_t parse_ps(int key, char *arg, struct argp_state *state)
{
	struct ps *ps = state->input;

	switch (key) {
	case 'j':
		ps->json = true;
		return 0;
	case 'n':
		ps->no_header = true;
		return 0;
	case ARGP_KEY_ARG:
		if (ps->name)
			argp_error(state, "'%s': one container can be given",
				   arg);
		ps->name = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static bool shown(const struct process *p, long only)
{
	return p->container != NO_CONTAINER &&
	       (only < 0 || p->container == only);
}

static void print_table(const struct inventory *inv, long only, bool header)
{
	static const char *const heads[] = {
		"ID", "LABEL", ">PID", ">INSIDE", "STATE", "COMMAND", "NOTE",
	};
	struct table t;

	table_init(&t, heads, ARRAY_SIZE(heads));
	for (size_t i = 0; i < inv->nr_procs; i++) {
		const struct process *p = &inv->procs[i];
		const struct container *c;

		if (!shown(p, only))
			continue;
		c = &inv->containers[p->container];
		container_id_cells(&t, c);
		table_cell(&t, "%d", p->pid);
		table_cell(&t, "%d", process_inner_pid(inv, p));
		table_cell(&t, "%c", p->state);
		table_cell(&t, "%s", p->comm);
		table_cell(&t, "%s", c->has_id ? "" : NO_ID_NOTE);
	}
	table_print(&t, header, stdout, 0);
	table_free(&t);
}

static struct json_object *process_json(const struct inventory *inv,
					const struct process *p)
{
	struct json_object *obj = json_object_new_object();
	const char state[] = { p->state, '\0' };

	container_id_json(obj, &inv->containers[p->container]);
	json_object_object_add(obj, "pid", json_object_new_int(p->pid));
	json_object_object_add(obj, "inner_pid",
			json_object_new_int(process_inner_pid(inv, p)));
	json_object_object_add(obj, "state", json_object_new_string(state));
	json_object_object_add(obj, "command", out_string(p->comm));
	return obj;
}

static void print_json(const struct inventory *inv, long only)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < inv->nr_procs; i++)
		if (shown(&inv->procs[i], only))
			json_object_array_add(list,
					process_json(inv, &inv->procs[i]));
	out_json(list);
}

static int show(const struct ps *ps, const struct inventory *inv)
{
	long only = -1;

	if (ps->name) {
		only = inventory_find(inv, ps->name);
		if (only < 0)
			return CID_FAIL;
	}
	if (ps->json)
		print_json(inv, only);
	else
		print_table(inv, only, !ps->no_header);
	inventory_say_partial(inv);
	return CID_OK;
}

/** cmd_ps - cid ps */
int cmd_ps(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse_ps,
		.args_doc = "[CONTAINER]",
		.doc = "List the processes of all containers, or of one: its "
		       "ID, its label, a name that podman or docker knows, "
		       "or the beginning of its label.\v"
		       "PID is the process's number for the caller, INSIDE the "
		       "one that it has in its container.",
	};
	struct inventory inv;
	struct ps ps = {};
	int ret = CID_FAIL;

	if (argp_parse(&argp, argc, argv, 0, NULL, &ps))
		return CID_USAGE;
	if (!inventory_load(&inv))
		ret = show(&ps, &inv);
	inventory_free(&inv);
	return ret;
}
