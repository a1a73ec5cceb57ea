/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CID_UTIL_H
#define CID_UTIL_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define cleanup_free __attribute__((cleanup(util_cleanup_free)))
#define cleanup_close __attribute__((cleanup(util_cleanup_close)))
#define cleanup_dir __attribute__((cleanup(util_cleanup_dir)))

void util_cleanup_free(void *p);
void util_cleanup_close(int *fd);
void util_cleanup_dir(DIR **dir);

extern const char *msg_program;
void msg(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void *xcalloc(size_t nmemb, size_t size);
void *xreallocarray(void *p, size_t nmemb, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

char *escape(const char *s);

int read_file_at(int dirfd, const char *path, char *buf, size_t size);
char *read_all_len_at(int dirfd, const char *path, size_t *res_len);
char *read_all_at(int dirfd, const char *path);
int write_file_at(int dirfd, const char *path, const char *text);
int has_word(const char *list, const char *word);

int parse_u64(const char *s, uint64_t *val);
int parse_pid(const char *s, pid_t *pid);

int has_sys_admin(void);

#endif
