// SPDX-License-Identifier: GPL-2.0
/*
 * Runtimes keep what they know in files, and those of rootless ones belong to users who
 * may write anything there, while cid-agent reads them as root. So paths are walked a
 * folder at a time and never over a symbolic link; below a folder of a user's, all has to
 * be that user's or root's and on the same mount, as a user may mount a FUSE that hangs;
 * and JSON is measured before it is parsed, as each brace costs a hundred times its size.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "statefile.h"
#include "util.h"

#define JSON_DEPTH	32

/* What json-c allocates, rounded up: an object's table, and a member with its key */
#define BRACE_COST	1000
#define COMMA_COST	180
#define BUDGET_ROOT	(256U << 20)
#define BUDGET_USER	(64U << 20)

static int path_open(int dirfd, const char *name, uint64_t resolve)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | resolve,
	};

	return syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
}

/* What a file system says without asking others: a server may hang. */
static int owner_of(int fd, uid_t *owner)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_UID, &st))
		return -1;
	*owner = st.stx_uid;
	return 0;
}

/**
 * folder_below - open a folder by its name, for nothing but to look below it
 * @dirfd: the folder above
 * @name: one component
 * @uid: whose @dirfd is; gets whose the new one is, where that was 0
 *
 * Return: a file descriptor; -1 and errno, EPERM: it is somebody else's.
 */
int folder_below(int dirfd, const char *name, uid_t *uid)
{
	int fd = path_open(dirfd, name, *uid ? RESOLVE_NO_XDEV : 0);
	uid_t owner;

	if (fd < 0)
		return -1;
	if (owner_of(fd, &owner)) {
		util_cleanup_close(&fd);
		return -1;
	}
	if (*uid && owner && owner != *uid) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	if (!*uid)
		*uid = owner;
	return fd;
}

/**
 * folder_walk - open a folder by its path, in the same way
 * @path: absolute
 * @uid: gets whose it is: of the first folder on the way that isn't root's
 *
 * Return: a file descriptor; -1 and errno.
 */
int folder_walk(const char *path, uid_t *uid)
{
	cleanup_free char *copy = xstrdup(path);
	int fd = path_open(AT_FDCWD, "/", 0);
	char *name, *save = NULL;

	*uid = 0;
	for (name = strtok_r(copy, "/", &save); name && fd >= 0;
	     name = strtok_r(NULL, "/", &save)) {
		cleanup_close int above = fd;

		if (!strcmp(name, "..")) {
			errno = EINVAL;
			return -1;
		}
		fd = folder_below(above, name, uid);
	}
	return fd;
}

/**
 * file_stamp_at - has a file changed since?
 * @dirfd: its folder
 * @name: its name
 * @stamp: gets what tells
 *
 * Nothing is opened, so that whoever watches the folder isn't woken.
 *
 * Return: whether it is there, and a regular file.
 */
bool file_stamp_at(int dirfd, const char *name, struct file_stamp *stamp)
{
	struct stat st;

	*stamp = (struct file_stamp){ 0 };
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return false;
	stamp->dev = st.st_dev;
	stamp->ino = st.st_ino;
	stamp->size = st.st_size;
	stamp->sec = st.st_mtim.tv_sec;
	stamp->nsec = st.st_mtim.tv_nsec;
	return true;
}

bool file_stamp_same(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->sec == b->sec && a->nsec == b->nsec;
}

/* O_NONBLOCK is for FIFOs, and for a lease that the owner has taken on the file. */
static int file_open(int dirfd, const char *name, size_t max, uid_t uid, size_t *size)
{
	struct open_how how = {
		.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_BENEATH,
	};
	int fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
	struct stat st;

	if (fd < 0)
		return -1;
	errno = EINVAL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
		errno = EPERM;
		if (!st.st_uid || st.st_uid == uid)
			errno = (uint64_t)st.st_size > max ? EFBIG : 0;
	}
	if (errno)
		util_cleanup_close(&fd);
	if (errno)
		return -1;
	*size = st.st_size;
	return fd;
}

/**
 * file_text - read a small file that may be hostile
 * @dirfd: its folder
 * @name: its name
 * @max: bytes; a larger one isn't read
 * @uid: whose it may be other than root's
 *
 * Return: a new string; NULL and errno.
 */
char *file_text(int dirfd, const char *name, size_t max, uid_t uid)
{
	size_t size, len = 0;
	cleanup_close int fd = file_open(dirfd, name, max, uid, &size);
	char *text;

	if (fd < 0)
		return NULL;
	text = xcalloc(size + 1, 1);
	while (len < size) {
		ssize_t n = read(fd, text + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(text);
			return NULL;
		}
		if (!n)
			break;
		len += n;
	}
	return text;
}

/* Braces and commas within strings count as well, which makes it more, never less. */
static bool fits_budget(const char *text, size_t len, size_t budget)
{
	uint64_t cost = 2 * (uint64_t)len;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '{' || text[i] == '[')
			cost += BRACE_COST;
		else if (text[i] == ',')
			cost += COMMA_COST;
	}
	return cost <= budget;
}

/**
 * json_of_text - parse JSON that may be hostile
 * @text: the JSON
 * @len: of it
 * @budget: bytes of memory that it may take
 *
 * Return: for json_object_put(); NULL.
 */
struct json_object *json_of_text(const char *text, size_t len, size_t budget)
{
	struct json_object *obj = NULL;
	struct json_tokener *tok;

	if (!fits_budget(text, len, budget))
		return NULL;
	tok = json_tokener_new_ex(JSON_DEPTH);
	if (!tok)
		return NULL;
	/* Not strictly: what crun gives a hook with an annotation of several lines isn't. */
	obj = json_tokener_parse_ex(tok, text, len);
	json_tokener_free(tok);
	return obj;
}

/**
 * json_of_file - parse a file that may be hostile
 * @dirfd: its folder
 * @name: its name
 * @max: bytes of the file
 * @uid: whose it may be other than root's
 *
 * Return: for json_object_put(); NULL.
 */
struct json_object *json_of_file(int dirfd, const char *name, size_t max, uid_t uid)
{
	cleanup_free char *text = file_text(dirfd, name, max, uid);

	if (!text)
		return NULL;
	return json_of_text(text, strlen(text), uid ? BUDGET_USER : BUDGET_ROOT);
}

/**
 * json_member - a member of an object, if it is of the type
 * @obj: of any type, or NULL
 * @key: its name
 * @type: what it has to be
 */
struct json_object *json_member(struct json_object *obj, const char *key,
				enum json_type type)
{
	struct json_object *val;

	if (!json_object_is_type(obj, json_type_object) ||
	    !json_object_object_get_ex(obj, key, &val) ||
	    !json_object_is_type(val, type))
		return NULL;
	return val;
}

/**
 * json_string - a member that is a string and not an empty one
 * @obj: of any type, or NULL
 * @key: its name
 */
const char *json_string(struct json_object *obj, const char *key)
{
	struct json_object *val = json_member(obj, key, json_type_string);
	const char *s = val ? json_object_get_string(val) : NULL;

	return s && *s ? s : NULL;
}

/**
 * json_int - a member that is a number, and a small one
 * @obj: of any type, or NULL
 * @key: its name
 * @min: the least that it may be
 * @res: gets it
 */
bool json_int(struct json_object *obj, const char *key, int min, int *res)
{
	struct json_object *val = json_member(obj, key, json_type_int);
	int64_t n;

	if (!val)
		return false;
	n = json_object_get_int64(val);
	if (n < min || n > INT_MAX)
		return false;
	*res = n;
	return true;
}
