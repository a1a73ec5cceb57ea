// SPDX-License-Identifier: GPL-2.0
/* cid self */

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "cgroup.h"
#include "cid.h"
#include "metricsns.h"
#include "out.h"
#include "util.h"

static int own_info(struct metrics_ns_info *info)
{
	cleanup_close int fd = -1;

	if (metricsns_require())
		return -1;
	fd = metricsns_open_pid(0);
	if (fd >= 0 && !metricsns_get(fd, info))
		return 0;
	msg("cannot read the own metrics namespace: %m");
	return -1;
}

static char *scope_path(uint64_t id)
{
	struct cgroup_fs fs;
	char *path;

	if (!id || cgroup_find(&fs))
		return NULL;
	path = cgroup_path_by_id(&fs, id);
	cgroup_fs_free(&fs);
	return path;
}

static void print_text(const struct metrics_ns_info *info, const char *label,
		       const char *path)
{
	cleanup_free char *escaped = path ? escape(path) : NULL;

	if (info->level)
		printf("id: %llu\n", (unsigned long long)info->id);
	else
		printf("id: host\n");
	printf("label: %s\n", *label ? label : "-");
	printf("level: %u\n", info->level);
	if (!info->scope_id)
		printf("scope: -\n");
	else
		printf("scope: %s (cgroup %llu)\n",
		       escaped ? escaped : "outside what can be seen here",
		       (unsigned long long)info->scope_id);
}

static void print_json(const struct metrics_ns_info *info, const char *label,
		       const char *path)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *scope = NULL;

	if (info->scope_id) {
		scope = json_object_new_object();
		json_object_object_add(scope, "cgroup_id",
				       json_object_new_uint64(info->scope_id));
		json_object_object_add(scope, "path", out_string(path));
	}
	json_object_object_add(obj, "id",
			       out_u64_or_null(info->level, info->id));
	json_object_object_add(obj, "label", out_string(*label ? label : NULL));
	json_object_object_add(obj, "host",
			       json_object_new_boolean(!info->level));
	json_object_object_add(obj, "level",
			       json_object_new_int64(info->level));
	json_object_object_add(obj, "scope", scope);
	out_json(obj);
}

/** cmd_self - cid self */
int cmd_self(int argc, char **argv)
{
	static const struct argp argp = {
		.options = out_json_options,
		.parser = out_parse_json,
		.doc = "Tell the ID, the label, the nesting level and the scope "
		       "of the container that the caller is in.",
	};
	char label[NS_METRICS_LABEL_MAX + 1];
	cleanup_free char *path = NULL;
	struct metrics_ns_info info;
	bool json = false;

	if (argp_parse(&argp, argc, argv, 0, NULL, &json))
		return CID_USAGE;
	if (own_info(&info))
		return CID_FAIL;
	metricsns_label(&info, label);
	path = scope_path(info.scope_id);
	if (json)
		print_json(&info, label, path);
	else
		print_text(&info, label, path);
	return CID_OK;
}
