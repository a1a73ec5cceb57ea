/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_STORAGE_H
#define CID_STORAGE_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * struct storage_info - what an engine has noted of a container
 * @runtime: a literal: which engine
 * @name: or NULL
 * @image: or NULL
 * @pod: or NULL
 * @folder: of the container, until it is removed
 */
struct storage_info {
	const char *runtime;
	char *name;
	char *image;
	char *pod;
	char *folder;
};

bool storage_lookup(const char *bundle, const char *id, uid_t uid,
		    struct storage_info *info);
void storage_info_clear(struct storage_info *info);

#endif
