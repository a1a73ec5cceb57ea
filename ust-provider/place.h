/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_AGENT_PLACE_H
#define CID_AGENT_PLACE_H

#include <limits.h>

#include "agent.h"

/* A socket or a folder that isn't there yet; all 0: none is awaited */
struct awaited {
	char name[NAME_MAX + 1];	/* in the folder that is watched; "": any */
	void (*fn)(void *data);
	void *data;
	sd_event_source *source;
};

int place_await(struct awaited *a, const char *place, void (*fn)(void *data), void *data);
int place_await_change(struct awaited *a, const char *place, void (*fn)(void *data),
		       void *data);
void place_forget(struct awaited *a);

#endif
