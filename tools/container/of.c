// SPDX-License-Identifier: GPL-2.0
/* cid of */

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cid.h"
#include "container.h"
#include "out.h"
#include "util.h"

struct of {
	pid_t *pids;
	int nr_pids;
	const char *container;
	pid_t inner;
	bool json;
	bool no_header;
};

/* The rows of the answer, in the order of the arguments */
struct answer {
	const struct process **procs;
	size_t nr;
};

static const struct argp_option options[] = {
	{ "container", 'c', "NAME", 0,
	  "find the process with number N (--pid) inside this container", 0 },
	{ "pid", 'p', "N", 0, "number inside the container", 0 },
	{ "json", 'j', NULL, 0, "print JSON", 0 },
	{ "no-header", 'n', NULL, 0, "no column titles", 0 },
	{ 0 }
};

static pid_t pid_arg(const char *arg, struct argp_state *state)
{
	pid_t pid = 0;

	if (parse_pid(arg, &pid))
		argp_error(state, "'%s' is not a process ID", arg);
	return pid;
}

static void check_args(const struct of *of, struct argp_state *state)
{
	if (!of->container != !of->inner)
		argp_error(state, "--container and --pid go together");
	if (of->container && of->nr_pids)
		argp_error(state, "give PIDs, or --container and --pid");
	if (!of->container && !of->nr_pids)
		argp_error(state, "there is no PID");
}

static error_t parse_of(int key, char *arg, struct argp_state *state)
{
	struct of *of = state->input;

	switch (key) {
	case 'c':
		of->container = arg;
		return 0;
	case 'p':
		of->inner = pid_arg(arg, state);
		return 0;
	case 'j':
		of->json = true;
		return 0;
	case 'n':
		of->no_header = true;
		return 0;
	case ARGP_KEY_ARG:
		of->pids = xreallocarray(of->pids, of->nr_pids + 1,
					 sizeof(*of->pids));
		of->pids[of->nr_pids++] = pid_arg(arg, state);
		return 0;
	case ARGP_KEY_END:
		check_args(of, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/*
 * The kernel shows 0 for a process whose namespaces the caller may not read;
 * that isn't to be taken for the host.
 */
static bool is_hidden(const struct process *p)
{
	char path[64], buf[64];

	if (p->container != NO_CONTAINER)
		return false;
	if (p->unreadable || p->metrics_id)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/ns/metrics", p->pid);
	return readlink(path, buf, sizeof(buf)) < 0 &&
	       (errno == EACCES || errno == EPERM);
}

static const struct container *container_of_process(const struct inventory *inv,
						    const struct process *p)
{
	return p->container == NO_CONTAINER ? NULL :
					      &inv->containers[p->container];
}

static void process_row(struct table *t, const struct inventory *inv,
			const struct process *p)
{
	const struct container *c = container_of_process(inv, p);
	bool hidden = is_hidden(p);

	table_cell(t, "%d", p->pid);
	if (hidden) {
		table_cell(t, "?");
		table_cell(t, "-");
	} else {
		container_id_cells(t, c);
	}
	table_cell(t, "%d", process_inner_pid(inv, p));
	table_cell(t, "%s", p->comm);
	table_cell(t, "%s", hidden ? "may not be read" :
		   c && !c->has_id ? NO_ID_NOTE : "");
}

static void print_table(const struct inventory *inv, const struct answer *a,
			bool header)
{
	static const char *const heads[] = {
		">PID", "ID", "LABEL", ">INSIDE", "COMMAND", "NOTE",
	};
	struct table t;

	table_init(&t, heads, ARRAY_SIZE(heads));
	for (size_t i = 0; i < a->nr; i++)
		process_row(&t, inv, a->procs[i]);
	table_print(&t, header && a->nr, stdout, 0);
	table_free(&t);
}

static struct json_object *process_json(const struct inventory *inv,
					const struct process *p)
{
	const struct container *c = container_of_process(inv, p);
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "pid", json_object_new_int(p->pid));
	container_id_json(obj, c);
	if (is_hidden(p)) {
		json_object_object_add(obj, "host", NULL);
		json_object_object_add(obj, "note",
				       out_string("may not be read"));
	}
	json_object_object_add(obj, "inner_pid",
			json_object_new_int(process_inner_pid(inv, p)));
	json_object_object_add(obj, "command", out_string(p->comm));
	return obj;
}

static void print_json(const struct inventory *inv, const struct answer *a)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < a->nr; i++)
		json_object_array_add(list, process_json(inv, a->procs[i]));
	out_json(list);
}

static int find_pids(const struct of *of, const struct inventory *inv,
		     struct answer *a)
{
	int ret = CID_OK;

	for (int i = 0; i < of->nr_pids; i++) {
		const struct process *p = inventory_process(inv, of->pids[i]);

		if (p) {
			a->procs[a->nr++] = p;
		} else {
			msg("there is no process %d", of->pids[i]);
			ret = CID_FAIL;
		}
	}
	return ret;
}

static int find_inner(const struct of *of, const struct inventory *inv,
		      struct answer *a)
{
	long index = inventory_find(inv, of->container);

	if (index < 0)
		return CID_FAIL;
	for (size_t i = 0; i < inv->nr_procs; i++) {
		const struct process *p = &inv->procs[i];

		if (p->container == index &&
		    process_inner_pid(inv, p) == of->inner) {
			a->procs[a->nr++] = p;
			return CID_OK;
		}
	}
	msg("there is no process %d in container '%s'", of->inner,
	    of->container);
	return CID_FAIL;
}

static int show(const struct of *of, const struct inventory *inv)
{
	cleanup_free const struct process **procs =
		xcalloc(of->nr_pids + 1, sizeof(*procs));
	struct answer a = { .procs = procs };
	int ret;

	if (of->container)
		ret = find_inner(of, inv, &a);
	else
		ret = find_pids(of, inv, &a);
	if (of->json)
		print_json(inv, &a);
	else
		print_table(inv, &a, !of->no_header);
	return ret;
}

/** cmd_of - cid of */
int cmd_of(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse_of,
		.args_doc = "PID...\n--container NAME --pid N",
		.doc = "Tell the container of processes and their number "
		       "inside; or find a process by the number that it has "
		       "inside a container.\v"
		       "Exit code: 1 if one of the processes isn't found.",
	};
	struct inventory inv;
	struct of of = {};
	int ret = CID_FAIL;

	if (argp_parse(&argp, argc, argv, 0, NULL, &of))
		return CID_USAGE;
	if (!inventory_load(&inv))
		ret = show(&of, &inv);
	inventory_free(&inv);
	free(of.pids);
	return ret;
}
