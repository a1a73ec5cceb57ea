/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_STATEFILE_H
#define CID_STATEFILE_H

#include <json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Which content a file had when it was read; all 0: none */
struct file_stamp {
	uint64_t dev;
	uint64_t ino;
	uint64_t size;
	int64_t sec;
	int64_t nsec;
};

int folder_below(int dirfd, const char *name, uid_t *uid);
int folder_walk(const char *path, uid_t *uid);

bool file_stamp_at(int dirfd, const char *name, struct file_stamp *stamp);
bool file_stamp_same(const struct file_stamp *a, const struct file_stamp *b);

char *file_text(int dirfd, const char *name, size_t max, uid_t uid);
struct json_object *json_of_text(const char *text, size_t len, size_t budget);
struct json_object *json_of_file(int dirfd, const char *name, size_t max, uid_t uid);

const char *json_string(struct json_object *obj, const char *key);
struct json_object *json_member(struct json_object *obj, const char *key,
				enum json_type type);
bool json_int(struct json_object *obj, const char *key, int min, int *res);

#endif
