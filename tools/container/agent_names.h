/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_AGENT_NAMES_H
#define CID_AGENT_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct json_object;

/* What its runtime calls a container: by its ID, if it has no name */
struct agent_names {
	const char *runtime;
	const char *name;
};

struct json_object *agent_containers(void);
const char *agent_id_of_name(struct json_object *list, const char *name);
bool agent_find(struct json_object *list, uint64_t container_id, pid_t pid,
		struct agent_names *names);

#endif
