// SPDX-License-Identifier: GPL-2.0
/* cid ls */

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent_names.h"
#include "cid.h"
#include "container.h"
#include "out.h"
#include "util.h"

struct ls {
	bool json;
	bool tree;
	bool no_header;
	struct json_object *agent;	/* what cid-agent knows, or NULL */
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "print JSON", 0 },
	{ "tree", 't', NULL, 0, "children below their parents", 0 },
	{ "no-header", 'n', NULL, 0, "no column titles", 0 },
	{ 0 }
};

static error_t parse_ls(int key, char *arg, struct argp_state *state)
{
	struct ls *ls = state->input;

	switch (key) {
	case 'j':
		ls->json = true;
		return 0;
	case 't':
		ls->tree = true;
		return 0;
	case 'n':
		ls->no_header = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': no argument is expected", arg);
	}
	return ARGP_ERR_UNKNOWN;
}

static int is_child(const struct container *c, const struct container *parent)
{
	return c->has_id && parent->has_id &&
	       c->info.parent_id == parent->info.id;
}

static int has_parent(const struct inventory *inv, const struct container *c)
{
	for (size_t i = 0; i < inv->nr; i++)
		if (is_child(c, &inv->containers[i]))
			return 1;
	return 0;
}

static void add_with_children(const struct inventory *inv, size_t index,
			      size_t *order, size_t *nr)
{
	order[(*nr)++] = index;
	for (size_t i = 0; i < inv->nr; i++)
		if (is_child(&inv->containers[i], &inv->containers[index]))
			add_with_children(inv, i, order, nr);
}

/* Those without an ID come last in either order: they are found last. */
static void make_order(const struct inventory *inv, bool tree, size_t *order)
{
	size_t nr = 0;

	for (size_t i = 0; i < inv->nr; i++) {
		if (!tree)
			order[nr++] = i;
		else if (!has_parent(inv, &inv->containers[i]))
			add_with_children(inv, i, order, &nr);
	}
}

static char *ns_list(const struct nsinfo *ns, const struct nsinfo *host)
{
	char *list = xstrdup("");

	for (int i = 0; i < NS_KINDS; i++) {
		cleanup_free char *id = NULL;
		char *longer;

		if (!ns->id[i])
			continue;
		if (ns->id[i] == host->id[i])
			id = xstrdup("host");
		else
			id = xasprintf("%llu", (unsigned long long)ns->id[i]);
		longer = xasprintf("%s%s%s=%s", list, *list ? " " : "",
				   ns_kinds[i].name, id);
		free(list);
		list = longer;
	}
	return list;
}

static void parent_cell(struct table *t, const struct container *c)
{
	if (!c->has_id || !c->info.parent_id)
		table_cell(t, "-");
	else if (c->info.parent_id == CID_METRICS_NS_INIT_ID)
		table_cell(t, "host");
	else
		table_cell(t, "%llu", (unsigned long long)c->info.parent_id);
}

static bool find_names(const struct ls *ls, const struct container *c,
		       const struct process *first, struct agent_names *names)
{
	return agent_find(ls->agent, c->has_id ? c->info.id : 0, first ? first->pid : 0,
			  names);
}

/* What its runtime calls it, and that it has no ID */
static char *note_of(const struct ls *ls, const struct container *c,
		     const struct process *first)
{
	const char *note = c->has_id ? "" : NO_ID_NOTE;
	struct agent_names names;

	if (!find_names(ls, c, first, &names))
		return xstrdup(note);
	return xasprintf("%s: %s%s%s", names.runtime, names.name, *note ? ", " : "", note);
}

static void container_row(struct table *t, const struct inventory *inv,
			  const struct container *c, const struct nsinfo *host,
			  const struct ls *ls)
{
	const struct process *first = container_first(inv, c);
	cleanup_free char *note = note_of(ls, c, first);
	cleanup_free char *list = NULL;
	struct nsinfo ns = {};

	if (first)
		nsinfo_read(first->pid, &ns);
	list = ns_list(&ns, host);
	if (ls->tree && c->has_id)
		table_cell(t, "%*s%llu", 2 * (int)(c->info.level - 1), "",
			   (unsigned long long)c->info.id);
	else if (c->has_id)
		table_cell(t, "%llu", (unsigned long long)c->info.id);
	else
		table_cell(t, "-");
	table_cell(t, "%s", *c->label ? c->label : "-");
	parent_cell(t, c);
	if (first)
		table_cell(t, "%d", first->pid);
	else
		table_cell(t, "-");
	table_cell(t, "%zu", c->nr_procs);
	table_cell(t, "%s", c->cgroup ? c->cgroup : "-");
	table_cell(t, "%s", *list ? list : "-");
	table_cell(t, "%s", note);
}

static void print_table(const struct inventory *inv, const size_t *order,
			const struct ls *ls)
{
	static const char *const heads[] = {
		"ID", "LABEL", "PARENT", ">PID", ">PROCS", "CGROUP",
		"NAMESPACES", "NOTE",
	};
	struct nsinfo host;
	struct table t;

	nsinfo_read(0, &host);
	table_init(&t, heads, ARRAY_SIZE(heads));
	for (size_t i = 0; i < inv->nr; i++)
		container_row(&t, inv, &inv->containers[order[i]], &host, ls);
	table_print(&t, !ls->no_header, stdout, 0);
	table_free(&t);
}

static struct json_object *flags_json(uint32_t flags)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < ARRAY_SIZE(metricsns_flags); i++)
		if (flags & metricsns_flags[i].bit)
			json_object_array_add(list, json_object_new_string(
						metricsns_flags[i].name));
	return list;
}

static struct json_object *ns_json(const struct nsinfo *ns,
				   const struct nsinfo *host)
{
	struct json_object *obj = json_object_new_object();

	for (int i = 0; i < NS_KINDS; i++) {
		struct json_object *one = json_object_new_object();

		json_object_object_add(one, "id",
				       out_u64_or_null(ns->id[i], ns->id[i]));
		json_object_object_add(one, "host",
				json_object_new_boolean(ns->id[i] &&
					ns->id[i] == host->id[i]));
		json_object_object_add(obj, ns_kinds[i].name, one);
	}
	return obj;
}

static struct json_object *scope_json(const struct container *c)
{
	struct json_object *obj;

	if (!c->info.scope_id)
		return NULL;
	obj = json_object_new_object();
	json_object_object_add(obj, "cgroup_id",
			       json_object_new_uint64(c->info.scope_id));
	json_object_object_add(obj, "path", out_string(c->scope));
	return obj;
}

static void info_json(struct json_object *obj, const struct container *c)
{
	json_object_object_add(obj, "parent",
			       out_u64_or_null(c->info.parent_id,
					       c->info.parent_id));
	json_object_object_add(obj, "top", out_u64_or_null(c->info.top_id,
							   c->info.top_id));
	json_object_object_add(obj, "level",
			       json_object_new_int64(c->info.level));
	json_object_object_add(obj, "flags", flags_json(c->info.flags));
	json_object_object_add(obj, "effective_flags",
			       flags_json(c->info.effective_flags));
	json_object_object_add(obj, "scope", scope_json(c));
}

static struct json_object *container_json(const struct inventory *inv,
					  const struct container *c,
					  const struct nsinfo *host,
					  const struct ls *ls)
{
	const struct process *first = container_first(inv, c);
	struct json_object *obj = json_object_new_object();
	struct agent_names names;
	struct nsinfo ns = {};

	if (first)
		nsinfo_read(first->pid, &ns);
	container_id_json(obj, c);
	if (c->has_id)
		info_json(obj, c);
	json_object_object_add(obj, "pid", first ?
			       json_object_new_int(first->pid) : NULL);
	json_object_object_add(obj, "processes",
			       json_object_new_uint64(c->nr_procs));
	json_object_object_add(obj, "cgroup", out_string(c->cgroup));
	json_object_object_add(obj, "namespaces", ns_json(&ns, host));
	if (!find_names(ls, c, first, &names))
		names = (struct agent_names){};
	json_object_object_add(obj, "runtime", out_string(names.runtime));
	json_object_object_add(obj, "name", out_string(names.name));
	return obj;
}

static void print_json(const struct inventory *inv, const size_t *order,
		       const struct ls *ls)
{
	struct json_object *list = json_object_new_array();
	struct nsinfo host;

	nsinfo_read(0, &host);
	for (size_t i = 0; i < inv->nr; i++)
		json_object_array_add(list, container_json(inv,
					&inv->containers[order[i]], &host, ls));
	out_json(list);
}

/** cmd_ls - cid ls */
int cmd_ls(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse_ls,
		.doc = "List the containers: those that have an ID, and the "
		       "processes in other pid or cgroup namespaces that have "
		       "none.\v"
		       "Namespaces are given by their ns_id, or as 'host' where "
		       "the caller is in the same. Where cid-agent runs, what the "
		       "runtime calls a container is in the note.",
	};
	struct inventory inv;
	struct ls ls = {};
	int ret = CID_FAIL;

	if (argp_parse(&argp, argc, argv, 0, NULL, &ls))
		return CID_USAGE;
	if (!inventory_load(&inv)) {
		cleanup_free size_t *order = xcalloc(inv.nr + 1,
						     sizeof(*order));

		make_order(&inv, ls.tree, order);
		ls.agent = agent_containers();
		if (ls.json)
			print_json(&inv, order, &ls);
		else
			print_table(&inv, order, &ls);
		json_object_put(ls.agent);
		inventory_say_partial(&inv);
		ret = CID_OK;
	}
	inventory_free(&inv);
	return ret;
}
