// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cid.h"
#include "util.h"

/* Who speaks, in messages */
const char *msg_program = "cid";

/* No file that cid reads whole is near this, unless it is an attack. */
#define READ_ALL_MAX (16U << 20)

void util_cleanup_free(void *p)
{
	free(*(void **)p);
}

void util_cleanup_close(int *fd)
{
	int err = errno;

	if (*fd >= 0)
		close(*fd);
	errno = err;
}

void util_cleanup_dir(DIR **dir)
{
	int err = errno;

	if (*dir)
		closedir(*dir);
	errno = err;
}

static void out_of_memory(void)
{
	fprintf(stderr, "%s: out of memory\n", msg_program);
	exit(CID_OWN_ERROR);
}

void *xcalloc(size_t nmemb, size_t size)
{
	void *p = calloc(nmemb, size);

	if (!p)
		out_of_memory();
	return p;
}

void *xreallocarray(void *p, size_t nmemb, size_t size)
{
	p = reallocarray(p, nmemb, size);
	if (!p)
		out_of_memory();
	return p;
}

char *xstrdup(const char *s)
{
	char *p = strdup(s);

	if (!p)
		out_of_memory();
	return p;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		out_of_memory();
	va_end(ap);
	return p;
}

/**
 * escape - make an untrusted string fit for a terminal
 * @s: anything
 *
 * Labels, names of processes and paths of cgroups are chosen by others. Only
 * printable ASCII goes out as it is: terminals act on control characters, and
 * Unicode's direction marks can make one name look like another. A backslash
 * is doubled, so that the text stays unambiguous.
 *
 * Return: a new string.
 */
char *escape(const char *s)
{
	char *res = xcalloc(strlen(s) + 1, 4);
	char *p = res;

	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '\\')
			p = stpcpy(p, "\\\\");
		else if (c >= 0x20 && c < 0x7f)
			*p++ = c;
		else
			p += sprintf(p, "\\x%02x", c);
	}
	return res;
}

/**
 * msg - say what is wrong, in one line on stderr
 * @fmt: as for printf(3)
 */
void msg(const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	cleanup_free char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		out_of_memory();
	va_end(ap);
	line = escape(text);
	fprintf(stderr, "%s: %s\n", msg_program, line);
}

static ssize_t read_full(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		len += n;
	}
	return len;
}

/**
 * read_file_at - read the beginning of a small file
 * @dirfd: as for openat(2)
 * @path: as for openat(2)
 * @buf: gets the text, terminated by a zero byte
 * @size: of @buf
 *
 * Return: length of the text; -1 and errno.
 */
int read_file_at(int dirfd, const char *path, char *buf, size_t size)
{
	cleanup_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -1;
	len = read_full(fd, buf, size - 1);
	if (len < 0)
		return -1;
	buf[len] = '\0';
	return len;
}

/**
 * read_all_len_at - read a file of any sensible size, text or not
 * @dirfd: as for openat(2)
 * @path: as for openat(2)
 * @res_len: gets the length
 *
 * Return: the content, and a zero byte behind it; NULL and errno.
 */
char *read_all_len_at(int dirfd, const char *path, size_t *res_len)
{
	cleanup_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	size_t size = 4096, len = 0;
	char *buf;

	if (fd < 0)
		return NULL;
	buf = xcalloc(1, size + 1);
	for (;;) {
		ssize_t n = read_full(fd, buf + len, size - len);

		if (n >= 0 && size >= READ_ALL_MAX)
			errno = EFBIG;
		if (n < 0 || size >= READ_ALL_MAX) {
			free(buf);
			return NULL;
		}
		len += n;
		if (len < size)
			break;
		size *= 2;
		buf = xreallocarray(buf, size + 1, 1);
	}
	buf[len] = '\0';
	*res_len = len;
	return buf;
}

/**
 * read_all_at - read a text file of any sensible size
 * @dirfd: as for openat(2)
 * @path: as for openat(2)
 *
 * Return: a new string; NULL and errno.
 */
char *read_all_at(int dirfd, const char *path)
{
	size_t len;

	return read_all_len_at(dirfd, path, &len);
}

/**
 * write_file_at - write a value to a file of the kernel's, in one write(2)
 * @dirfd: as for openat(2)
 * @path: as for openat(2)
 * @text: what to write
 *
 * Return: 0; -1 and errno.
 */
int write_file_at(int dirfd, const char *path, const char *text)
{
	cleanup_close int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

/**
 * has_word - is a word in a list that spaces or newlines separate?
 * @list: the list
 * @word: the word
 */
int has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (*list) {
		size_t n = strcspn(list, " \n");

		if (n == len && !strncmp(list, word, len))
			return 1;
		list += n;
		list += strspn(list, " \n");
	}
	return 0;
}

/**
 * parse_u64 - read a whole string as a decimal number
 * @s: digits and nothing else
 * @val: the number
 *
 * Return: 0; -1 and errno.
 */
int parse_u64(const char *s, uint64_t *val)
{
	char *end;

	if (!isdigit((unsigned char)*s)) {
		errno = EINVAL;
		return -1;
	}
	errno = 0;
	*val = strtoull(s, &end, 10);
	if (errno)
		return -1;
	if (*end) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

/**
 * parse_pid - read a whole string as a process ID
 * @s: digits and nothing else
 * @pid: the process ID, at least 1
 *
 * Return: 0; -1 and errno.
 */
int parse_pid(const char *s, pid_t *pid)
{
	uint64_t val;

	if (parse_u64(s, &val))
		return -1;
	if (!val || val > INT_MAX) {
		errno = ERANGE;
		return -1;
	}
	*pid = val;
	return 0;
}

/**
 * has_sys_admin - has the caller CAP_SYS_ADMIN in its own user namespace?
 *
 * Return: 1, 0; -1 and errno.
 */
int has_sys_admin(void)
{
	cleanup_free char *status = read_all_at(AT_FDCWD, "/proc/self/status");
	const char *line;

	if (!status)
		return -1;
	line = strstr(status, "\nCapEff:");
	if (!line)
		return 0;
	return strtoull(line + 8, NULL, 16) >> CAP_SYS_ADMIN & 1;
}
