// SPDX-License-Identifier: GPL-2.0
/*
 * Whether somebody listens at a unix socket, without connecting to it, which may start who
 * does. /proc/net/unix would tell, too, but of all sockets, and with names in which anybody
 * can have a newline: so it is asked for by sock_diag(7), the listening ones only.
 */

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent.h"
#include "listening.h"

#define TCP_LISTEN	10	/* the state, of unix sockets as well: include/net/tcp_states.h */
#define KERNEL_MINOR	20	/* bits of a device number, in the kernel */
#define BUFFER_SIZE	32768

/* @is_there: @ino and @dev are of the path, as far as the kernel tells them */
struct wanted {
	const char *path;
	bool is_there;
	uint32_t ino, dev;
};

static int ask(void)
{
	const struct {
		struct nlmsghdr hdr;
		struct unix_diag_req req;
	} msg = {
		.hdr = {
			.nlmsg_len = sizeof(msg),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.req = {
			.sdiag_family = AF_UNIX,
			.udiag_states = 1 << TCP_LISTEN,
			.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_UID,
		},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd >= 0 && send(fd, &msg, sizeof(msg), 0) == sizeof(msg))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Its name may be of any bytes; that of an abstract one begins with a zero byte. */
static bool has_name(const struct rtattr *name, const char *path)
{
	size_t len = name ? RTA_PAYLOAD(name) : 0;
	const char *text = name ? RTA_DATA(name) : NULL;

	/* the kernel's own length has the zero byte at the end */
	return len && strnlen(text, len) == strlen(path) &&
	       !memcmp(text, path, strlen(path));
}

/*
 * Where the path can be seen it is that very file. Where it can't, as it is in the mount
 * namespace of a snap, it is the name that root has given it.
 */
static bool is_wanted(const struct nlmsghdr *hdr, const struct wanted *wanted)
{
	const struct unix_diag_msg *msg = NLMSG_DATA(hdr);
	int len = hdr->nlmsg_len - NLMSG_LENGTH(sizeof(*msg));
	const struct rtattr *attrs[UNIX_DIAG_MAX + 1] = {};
	const struct unix_diag_vfs *vfs;

	for (const struct rtattr *a = (const void *)(msg + 1); RTA_OK(a, len);
	     a = RTA_NEXT(a, len))
		if (a->rta_type <= UNIX_DIAG_MAX)
			attrs[a->rta_type] = a;
	if (!attrs[UNIX_DIAG_UID] || *(uint32_t *)RTA_DATA(attrs[UNIX_DIAG_UID]))
		return false;
	if (!wanted->is_there)
		return has_name(attrs[UNIX_DIAG_NAME], wanted->path);
	vfs = attrs[UNIX_DIAG_VFS] ? RTA_DATA(attrs[UNIX_DIAG_VFS]) : NULL;
	return vfs && vfs->udiag_vfs_ino == wanted->ino && vfs->udiag_vfs_dev == wanted->dev;
}

/* Said once, as it stays so */
static void cannot_ask(int err)
{
	static bool said;

	if (!said)
		msg("cannot ask who listens at unix sockets: %s; what systemd would start isn't asked",
		    strerror(err));
	said = true;
}

/* Return: 1, 0; -1: that is all. */
static int look_through(const void *buf, ssize_t len, const struct wanted *wanted)
{
	for (const struct nlmsghdr *hdr = buf; NLMSG_OK(hdr, len); hdr = NLMSG_NEXT(hdr, len)) {
		if (hdr->nlmsg_type == NLMSG_ERROR)
			cannot_ask(-((const struct nlmsgerr *)NLMSG_DATA(hdr))->error);
		if (hdr->nlmsg_type == NLMSG_DONE || hdr->nlmsg_type == NLMSG_ERROR)
			return -1;
		if (hdr->nlmsg_type == SOCK_DIAG_BY_FAMILY && is_wanted(hdr, wanted))
			return 1;
	}
	return 0;
}

/**
 * is_listened_at - does a process of root listen at a unix socket of this network namespace?
 * @path: absolute
 *
 * Return: false also if the kernel doesn't tell (CONFIG_UNIX_DIAG), which is said once.
 */
bool is_listened_at(const char *path)
{
	_Alignas(struct nlmsghdr) static char buf[BUFFER_SIZE];
	struct wanted wanted = { .path = path };
	cleanup_close int fd = ask();
	struct stat st;
	int found = 0;
	ssize_t len;

	if (fd < 0) {
		cannot_ask(errno);
		return false;
	}
	if (!stat(path, &st)) {
		wanted.is_there = true;
		wanted.ino = st.st_ino;
		wanted.dev = major(st.st_dev) << KERNEL_MINOR | minor(st.st_dev);
	}
	while (!found && (len = recv(fd, buf, sizeof(buf), 0)) > 0)
		found = look_through(buf, len, &wanted);
	return found > 0;
}
