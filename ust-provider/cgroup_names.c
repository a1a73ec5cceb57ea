// SPDX-License-Identifier: GPL-2.0
/*
 * Which container a cgroup belongs to, by its name alone. It is what is left where a
 * runtime can't be asked: it has no socket, doesn't answer, or nobody knows of it. The
 * kernel's events have such a path, and a container has its cgroup before its runtime
 * tells of it.
 *
 * Not told apart: a second cgroup of LXC's, which is lxc.payload.NAME-1 as that of a
 * container with that name is, and a virtual machine of systemd-vmspawn's from a
 * container. Left alone: paths that somebody chose freely (cgroupsPath, --cgroup-parent
 * with the cgroupfs manager).
 */

#include <stdint.h>
#include <string.h>

#include "agent.h"

#define HEX_ID		64
#define POD_UID_MAX	64
#define SLICE		".slice"
#define POD_COLON	SLICE ":cri-containerd:"
/* No container is so far down, and who makes such paths wants to cost. */
#define DEPTH_MAX	32

enum where {
	ANYWHERE,
	AT_TOP,		/* below the root, or a session or the service manager of a user */
	IN_POD,		/* right below a pod */
};

/*
 * A form is compared with whole names. In each name of it may be one of
 *   %h  64 hexadecimal digits
 *   %n  a name: anything
 *   %e  a name that systemd has escaped
 *   %u  a pod's UID
 * and the last of them is the ID. The first form that fits counts; without a runtime it
 * says that this isn't a container's, and that nothing below is.
 */
struct pattern {
	const char *form;
	const char *runtime;
	const char *family;
	enum where where;
};

static const struct pattern patterns[] = {
	{ "docker-%h.scope", "docker", "oci", ANYWHERE },
	{ "docker/%h", "docker", "oci", ANYWHERE },
	/* The monitor is beside the container, and belongs to the host. */
	{ "libpod-conmon-%h.scope", NULL, NULL, ANYWHERE },
	{ "libpod-%h.scope", "podman", "oci", ANYWHERE },
	{ "libpod-%h", "podman", "oci", ANYWHERE },
	{ "libpod-payload-%h", "podman", "oci", ANYWHERE },
	{ "cri-containerd-%h.scope", "containerd", "oci", ANYWHERE },
	{ "nerdctl-%h.scope", "containerd", "oci", ANYWHERE },
	{ "default/%h", "containerd", "oci", AT_TOP },
	/* docker's by cri-dockerd has no other name than containerd's, which is rare. */
	{ "%h", "containerd", "oci", IN_POD },
	{ "crio-conmon-%h.scope", NULL, NULL, ANYWHERE },
	{ "crio-conmon-%h", NULL, NULL, ANYWHERE },
	{ "crio-%h.scope", "cri-o", "oci", ANYWHERE },
	{ "crio-%h", "cri-o", "oci", ANYWHERE },
	/* Their defaults with systemd; otherwise it is what config.json says. */
	{ "crun-%n.scope", "crun", "oci", ANYWHERE },
	{ "runc-%n.scope", "runc", "oci", ANYWHERE },
	{ "lxc.monitor.%n", NULL, NULL, ANYWHERE },
	{ "lxc.payload.%n", "lxc", "lxc", ANYWHERE },
	{ "lxc.payload/%n", "lxc", "lxc", AT_TOP },
	{ "lxc/%n", "lxc", "lxc", AT_TOP },
	/* As for the service: the newer nspawn's own process is in that. */
	{ "machine.slice/machine-%e.scope/supervisor", NULL, NULL, ANYWHERE },
	{ "machine.slice/machine-%e.scope", "nspawn", "nspawn", ANYWHERE },
	{ "systemd-nspawn@%e.service/payload", "nspawn", "nspawn", ANYWHERE },
};

/* A pod has nothing of its own but containers. */
static const char *const pods[] = {
	"kubepods/pod%u",
	"kubepods/burstable/pod%u",
	"kubepods/besteffort/pod%u",
	"kubepods-pod%u.slice",
	"kubepods-burstable-pod%u.slice",
	"kubepods-besteffort-pod%u.slice",
};

struct span {
	const char *s;
	size_t len;
};

typedef const char *next_fn(const char *p, struct span *part);

static const char *next_part(const char *p, struct span *part)
{
	*part = (struct span){ p, strcspn(p, "/") };
	p += part->len;
	return *p ? p + 1 : p;
}

/*
 * Where the kubelet goes by systemd and containerd doesn't, one name is made of
 * SLICE:cri-containerd:ID; the slice is the pod.
 */
static const char *next_part_of_pod(const char *p, struct span *part)
{
	const char *next = next_part(p, part);
	const char *colon = memmem(p, part->len, POD_COLON, strlen(POD_COLON));

	if (!colon)
		return next;
	part->len = colon + strlen(SLICE) - p;
	return colon + strlen(POD_COLON);
}

static bool is_hex_id(struct span id)
{
	return id.len == HEX_ID && strspn(id.s, "0123456789abcdef") >= HEX_ID;
}

static bool is_pod_uid(struct span id)
{
	return id.len <= POD_UID_MAX && strspn(id.s, "0123456789abcdef-_") >= id.len;
}

/* Others may make a path of it. */
static bool is_name(struct span id)
{
	return id.len <= ID_MAX && !(id.len <= 2 && !memcmp(id.s, "..", id.len));
}

static bool is_class(char class, struct span id)
{
	switch (class) {
	case 'h':
		return is_hex_id(id);
	case 'u':
		return is_pod_uid(id);
	default:
		return is_name(id);
	}
}

static bool part_fits(struct span form, struct span part, struct span *id, char *class)
{
	const char *mark = memchr(form.s, '%', form.len);
	size_t before, after;

	if (!mark)
		return form.len == part.len && !memcmp(form.s, part.s, part.len);
	before = mark - form.s;
	after = form.len - before - 2;
	if (part.len <= before + after || memcmp(form.s, part.s, before) ||
	    memcmp(mark + 2, part.s + part.len - after, after))
		return false;
	*id = (struct span){ part.s + before, part.len - before - after };
	*class = mark[1];
	return is_class(*class, *id);
}

/* Where the rest of @path begins, or NULL if its beginning isn't of that form */
static const char *form_fits(const char *form, const char *path, next_fn *next,
			     struct span *id, struct span *last, char *class)
{
	while (*form) {
		struct span want;

		form = next_part(form, &want);
		path = next(path, last);
		if (!part_fits(want, *last, id, class))
			return NULL;
	}
	return path;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What the \xHH at @s stands for; -1 if it isn't one */
static int escaped_char(const char *s, size_t left)
{
	int hi, lo;

	if (left < 4 || s[1] != 'x')
		return -1;
	hi = hex_digit(s[2]);
	lo = hex_digit(s[3]);
	return hi < 0 || lo < 0 ? -1 : hi << 4 | lo;
}

static bool is_machine_char(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

/* libvirt's virtual machines, qemu-NUMBER-NAME, are machines of machined as well. */
static bool is_libvirt_qemu(const char *name)
{
	size_t nr;

	if (strncmp(name, "qemu-", 5))
		return false;
	nr = strspn(name + 5, "0123456789");
	return nr && (name[5 + nr] == '-' || !name[5 + nr]);
}

/*
 * A slash is a minus once escaped, and a minus \x2d; names of machines have no slash, so
 * what has is somebody else's scope. Those of a service have nothing to escape, and a
 * plain minus.
 */
static bool copy_unescaped(char *to, struct span from, bool plain_minus)
{
	size_t n = 0;

	for (size_t i = 0; i < from.len; i++) {
		int c = (unsigned char)from.s[i];

		if (c == '-' && !plain_minus)
			return false;
		if (c == '\\') {
			c = escaped_char(from.s + i, from.len - i);
			i += 3;
		}
		if (!is_machine_char(c) || n == ID_MAX)
			return false;
		to[n++] = c;
	}
	to[n] = '\0';
	return !is_libvirt_qemu(to);
}

static bool copy_id(char *to, struct span id, char class, const char *form)
{
	if (class == 'e')
		return copy_unescaped(to, id, strchr(form, '@'));
	memcpy(to, id.s, id.len);
	to[id.len] = '\0';
	return true;
}

/*
 * Root makes cgroups down to user-UID.slice, and the user those below it: whatever is
 * written there is said of this user's containers. What isn't a number there is root's.
 */
static bool find_owner(const char **path, const char **top, uid_t *uid)
{
	static const char prefix[] = "user.slice/user-";
	struct span part;
	const char *p = *path, *next;
	uint64_t val = 0;
	size_t nr;

	*top = p;
	*uid = 0;
	if (strncmp(p, prefix, strlen(prefix)))
		return true;
	p += strlen(prefix);
	nr = strspn(p, "0123456789");
	next = next_part(p, &part);
	if (!nr || part.len != nr + strlen(SLICE) || memcmp(p + nr, SLICE, strlen(SLICE)))
		return true;
	for (size_t i = 0; i < nr && val < UINT32_MAX; i++)
		val = val * 10 + (p[i] - '0');
	if (val >= UINT32_MAX)
		return false;
	*uid = val;
	*path = next;
	*top = next_part(next, &part);
	return true;
}

/* The slices of a kubelet with --cgroup-root have that one's name before kubepods. */
static const char *skip_pod(const char *p, char pod[ID_MAX + 1])
{
	struct span part, id;
	const char *inner;
	char class;

	next_part(p, &part);
	inner = memmem(part.s, part.len, "-kubepods-", strlen("-kubepods-"));
	if (inner)
		p = inner + 1;
	for (size_t i = 0; i < ARRAY_SIZE(pods); i++) {
		const char *rest = form_fits(pods[i], p, next_part_of_pod, &id, &part,
					     &class);

		if (!rest)
			continue;
		copy_id(pod, id, class, pods[i]);
		/* A minus in a slice's name would make it another slice's child. */
		for (char *c = pod; *c; c++)
			if (*c == '_')
				*c = '-';
		return rest;
	}
	return NULL;
}

static const struct pattern *find_pattern(const char *p, bool top, bool in_pod,
					  struct cgroup_guess *guess, const char *path)
{
	struct span id, last;
	char class;

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		const struct pattern *pat = &patterns[i];

		if ((pat->where == AT_TOP && !top) || (pat->where == IN_POD && !in_pod))
			continue;
		if (!form_fits(pat->form, p, next_part, &id, &last, &class))
			continue;
		if (!copy_id(guess->id, id, class, pat->form))
			continue;
		guess->len = last.s + last.len - path;
		return pat;
	}
	return NULL;
}

/**
 * name_of_cgroup - which container, by the name of its cgroup?
 * @path: below the mount point, with its leading slash
 * @guess: gets the answer
 *
 * The outermost container counts: what is below it is that container's own word.
 *
 * Return: whether it is a container's cgroup, or below one.
 */
bool name_of_cgroup(const char *path, struct cgroup_guess *guess)
{
	const struct pattern *pat = NULL;
	const char *p = path + 1, *top;
	bool in_pod = false;

	*guess = (struct cgroup_guess){};
	if (*path != '/' || !find_owner(&p, &top, &guess->uid))
		return false;
	for (int depth = 0; *p && !pat && depth < DEPTH_MAX; depth++) {
		const char *rest = NULL;
		struct span part;

		pat = find_pattern(p, p == top, in_pod, guess, path);
		if (!pat)
			rest = skip_pod(p, guess->pod);
		in_pod = rest;
		p = rest ? rest : next_part(p, &part);
	}
	if (!pat || !pat->runtime) {
		*guess = (struct cgroup_guess){};
		return false;
	}
	guess->runtime = pat->runtime;
	guess->family = pat->family;
	return true;
}
