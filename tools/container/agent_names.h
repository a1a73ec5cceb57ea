/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_AGENT_NAMES_H
#define CID_AGENT_NAMES_H

#include <stdint.h>
#include <sys/types.h>

struct json_object;

struct json_object *agent_containers(void);
const char *agent_id_of_name(struct json_object *list, const char *name);
char *agent_note(struct json_object *list, uint64_t container_id, pid_t pid);

#endif
