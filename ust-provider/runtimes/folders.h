/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_FOLDERS_H
#define CID_FOLDERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent.h"

struct folder;
struct folders;

/**
 * struct folders_ops - what is done with the folders of containers
 * @mask: inotify(7)'s events for @event
 * @found: there is such a folder, or still is: look into it
 * @event: something of @mask has happened to the file @name in it
 * @list: tell registry_list_seen() of it, with folder_source()
 * @gone: it isn't there any more, or (@removed is false) isn't watched; free its data. One that
 *	came and went unseen has had no @found
 */
struct folders_ops {
	uint32_t mask;
	void (*found)(struct folder *f);
	void (*event)(struct folder *f, const char *name, uint32_t mask);
	void (*list)(struct folder *f);
	void (*gone)(struct folder *f, bool removed);
};

struct folders *folders_watch(const char *runtime, const char *pattern,
			      const struct folders_ops *ops);
void folders_look(struct folders *in);
void folders_free(struct folders *in);

int folder_open(const struct folder *f);
const char *folder_name(const struct folder *f);
const char *folder_root_name(const struct folder *f);
const void *folder_source(const struct folder *f);
uid_t folder_uid(const struct folder *f);
bool folder_is_new(const struct folder *f);
void *folder_data(const struct folder *f);
void folder_set_data(struct folder *f, void *data);

#endif
