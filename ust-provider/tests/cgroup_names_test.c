// SPDX-License-Identifier: GPL-2.0
/*
 * Names of cgroups as runtimes make them, and some that only look like it. TAP on stdout.
 */

#include <stdio.h>
#include <string.h>

#include "../agent.h"

#define H	"4f5c9e0d8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d"
#define H2	"9687bac58d5c4d1606aa46af33d1a21c1d1652e0ac9fb3fc0fc86e3495f42869"
#define H63	"f5c9e0d8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d"
#define UUID	"1ee2d6ca-7bd5-4d4c-93f9-2ab5d4a1c7e0"
#define UUID_	"1ee2d6ca_7bd5_4d4c_93f9_2ab5d4a1c7e0"
#define STATIC	"0f8c9ab7d1ea5c1b6d8e6a9d0c2f4b73"
#define USER	"/user.slice/user-1000.slice/user@1000.service"

#define S10	"0123456789"
#define S50	S10 S10 S10 S10 S10
#define S250	S50 S50 S50 S50 S50
#define S255	S250 "01234"

/* @own: the container's own cgroup and @below: what is below that; NULL: none's */
struct name_case {
	const char *own;
	const char *below;
	const char *runtime;
	const char *family;
	const char *id;
	uid_t uid;
	const char *pod;
};

#define NOT(path)	{ .below = path }

static const struct name_case cases[] = {
	/* docker: systemd, cgroupfs, rootless, a parent of one's own */
	{ "/system.slice/docker-" H ".scope", "", "docker", "oci", H, 0, "" },
	{ "/system.slice/docker-" H ".scope", "/init.scope", "docker", "oci", H, 0, "" },
	{ "/docker/" H, "", "docker", "oci", H, 0, "" },
	{ "/docker/" H, "/docker/" H2, "docker", "oci", H, 0, "" },
	{ "/build.slice/docker-" H ".scope", "", "docker", "oci", H, 0, "" },
	{ USER "/user.slice/docker-" H ".scope", "", "docker", "oci", H, 1000, "" },
	NOT("/system.slice/docker.service"),
	NOT("/system.slice/docker.socket"),
	NOT("/docker"),
	NOT("/docker/"),
	NOT("/docker/buildkit/f7cz2dcvofncbdwtfbqpxcxda"),
	NOT("/system.slice/docker-" H63 ".scope"),
	NOT("/system.slice/docker-0" H ".scope"),
	NOT("/system.slice/docker-" H ".scope2"),
	NOT("/system.slice/docker-" H),
	NOT("/docker/" H " (deleted)"),
	NOT("/docker/4F5C9E0D8A7B6C5D4E3F2A1B0C9D8E7F6A5B4C3D2E1F0A9B8C7D6E5F4A3B2C1D"),
	NOT("/Docker/" H),
	/* podman of root: systemd, with crun's child, in a pod, cgroupfs, --cgroups=split */
	{ "/machine.slice/libpod-" H ".scope", "", "podman", "oci", H, 0, "" },
	{ "/machine.slice/libpod-" H ".scope", "/container", "podman", "oci", H, 0, "" },
	{ "/machine.slice/machine-libpod_pod_" H2 ".slice/libpod-" H ".scope", "/container",
	  "podman", "oci", H, 0, "" },
	{ "/libpod_parent/libpod-" H, "", "podman", "oci", H, 0, "" },
	{ "/libpod_parent/" H2 "/libpod-" H, "", "podman", "oci", H, 0, "" },
	{ "/system.slice/nginx.service/libpod-payload-" H2, "", "podman", "oci", H2, 0, "" },
	NOT("/machine.slice"),
	NOT("/machine.slice/libpod-conmon-" H ".scope"),
	NOT("/machine.slice/libpod-conmon-" H ".scope/docker/" H),
	NOT("/machine.slice/machine-libpod_pod_" H2 ".slice"),
	NOT("/libpod_parent"),
	NOT("/libpod_parent/conmon"),
	NOT("/libpod_parent/" H2),
	NOT("/system.slice/nginx.service"),
	NOT("/system.slice/nginx.service/runtime"),
	/* podman of a user */
	{ USER "/user.slice/libpod-" H ".scope", "/container", "podman", "oci", H, 1000, "" },
	{ USER "/user.slice/user-libpod_pod_" H2 ".slice/libpod-" H ".scope", "", "podman",
	  "oci", H, 1000, "" },
	{ USER "/app.slice/pihole.service/libpod-payload-" H, "", "podman", "oci", H, 1000, "" },
	{ "/user.slice/user-1000.slice/session-3.scope/libpod_parent/libpod-" H, "", "podman",
	  "oci", H, 1000, "" },
	{ "/user.slice/user-0.slice/session-1.scope/libpod_parent/libpod-" H, "", "podman",
	  "oci", H, 0, "" },
	{ "/user.slice/user-libpod_pod_" H2 ".slice/libpod-" H ".scope", "", "podman", "oci",
	  H, 0, "" },
	NOT(USER "/user.slice/libpod-conmon-" H ".scope"),
	NOT(USER "/user.slice/podman-1234.scope"),
	NOT(USER "/app.slice"),
	NOT(USER "/init.scope"),
	/* kubelet and containerd: systemd, cgroupfs, one of each */
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UUID_ ".slice"
	  "/cri-containerd-" H ".scope", "", "containerd", "oci", H, 0, UUID },
	{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UUID_ ".slice"
	  "/cri-containerd-" H ".scope", "/a/b", "containerd", "oci", H, 0, UUID },
	{ "/kubepods.slice/kubepods-pod" UUID_ ".slice/cri-containerd-" H ".scope", "",
	  "containerd", "oci", H, 0, UUID },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" STATIC ".slice"
	  "/cri-containerd-" H ".scope", "", "containerd", "oci", H, 0, STATIC },
	{ "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice"
	  "/kubelet-kubepods-burstable-pod" UUID_ ".slice/cri-containerd-" H ".scope", "",
	  "containerd", "oci", H, 0, UUID },
	{ "/kubepods/burstable/pod" UUID "/" H, "", "containerd", "oci", H, 0, UUID },
	{ "/kubepods/besteffort/pod" UUID "/" H, "/sub", "containerd", "oci", H, 0, UUID },
	{ "/kubepods/pod" UUID "/" H, "", "containerd", "oci", H, 0, UUID },
	{ "/kubelet/kubepods/pod" UUID "/" H, "", "containerd", "oci", H, 0, UUID },
	{ "/system.slice/containerd.service/kubepods-besteffort-pod" UUID_
	  ".slice:cri-containerd:" H, "", "containerd", "oci", H, 0, UUID },
	{ "/kubepods-pod" UUID_ ".slice:cri-containerd:" H, "/x", "containerd", "oci", H, 0,
	  UUID },
	{ "/kubepods.slice/kubepods-pod" UUID_ ".slice/docker-" H ".scope", "", "docker",
	  "oci", H, 0, UUID },
	NOT("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UUID_ ".slice"),
	NOT("/kubepods/burstable/pod" UUID),
	NOT("/kubepods/burstable/pod" UUID "/sub/" H),
	NOT("/kubepods/burstable/pod" UUID "/" H63),
	NOT("/kubepods/burstable/" H),
	NOT("/kubepods/burstable/podX/" H),
	NOT("/kubepods/pod/" H),
	NOT("/kubepods/guaranteed/pod" UUID "/" H),
	NOT("/mykubepods-pod" UUID_ ".slice/" H),
	NOT("/kubepods"),
	NOT("/" H),
	NOT("/a.slice:cri-containerd:" H),
	NOT("/kubepods-pod" UUID_ ".slice:cri-containerd:"),
	NOT("/docker-" H ".scope:cri-containerd:" H),
	NOT("/system.slice/containerd.service"),
	NOT("/system.slice/kubelet.service"),
	NOT("/podruntime.slice/runtime"),
	/* kind: a node is a container, with pods of its own */
	{ "/system.slice/docker-" H ".scope", "/kubelet.slice/kubelet-kubepods.slice"
	  "/kubelet-kubepods-pod" UUID_ ".slice/cri-containerd-" H2 ".scope", "docker", "oci",
	  H, 0, "" },
	/* kubelet and CRI-O: systemd, with crun's child, cgroupfs */
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UUID_ ".slice"
	  "/crio-" H ".scope", "", "cri-o", "oci", H, 0, UUID },
	{ "/kubepods.slice/kubepods-pod" UUID_ ".slice/crio-" H ".scope", "/container",
	  "cri-o", "oci", H, 0, UUID },
	{ "/kubepods/besteffort/pod" UUID "/crio-" H, "", "cri-o", "oci", H, 0, UUID },
	{ "/pod_123-456/crio-" H, "", "cri-o", "oci", H, 0, "" },
	NOT("/kubepods.slice/kubepods-pod" UUID_ ".slice/crio-conmon-" H ".scope"),
	NOT("/kubepods/besteffort/pod" UUID "/crio-conmon-" H),
	NOT("/system.slice/crio-conmon-" H ".scope"),
	NOT("/system.slice/crio.service"),
	/* nerdctl: systemd, cgroupfs, rootless */
	{ "/system.slice/nerdctl-" H ".scope", "", "containerd", "oci", H, 0, "" },
	{ "/default/" H, "", "containerd", "oci", H, 0, "" },
	{ USER "/user.slice/nerdctl-" H ".scope", "", "containerd", "oci", H, 1000, "" },
	NOT("/system.slice/default/" H),
	NOT("/default/redis"),
	NOT("/buildkit/f7cz2dcvofncbdwtfbqpxcxda"),
	NOT("/system.slice/buildkit.service"),
	/* crun and runc of their own: only systemd's names say so */
	{ "/system.slice/crun-web.scope", "", "crun", "oci", "web", 0, "" },
	{ "/system.slice/crun-web.scope", "/container", "crun", "oci", "web", 0, "" },
	{ "/system.slice/runc-a.b-c.scope", "", "runc", "oci", "a.b-c", 0, "" },
	{ USER "/user.slice/crun-web.scope", "", "crun", "oci", "web", 1000, "" },
	{ USER "/user.slice/runc-web.scope", "", "runc", "oci", "web", 1000, "" },
	{ "/system.slice/crun-a.scope.scope", "", "crun", "oci", "a.scope", 0, "" },
	NOT("/web"),
	NOT("/demo/web"),
	NOT("/system.slice/crun-.scope"),
	NOT("/system.slice/crun-..scope"),
	NOT("/system.slice/crun-...scope"),
	NOT("/system.slice/crun-web.service"),
	NOT("/system.slice/run-r0f2d8e.scope"),
	NOT("/system.slice/crun-" S255 "5.scope"),
	/* LXC, LXD, Incus: since 4.0, 3.1, before that, Proxmox, of a user */
	{ "/lxc.payload.web", "", "lxc", "lxc", "web", 0, "" },
	{ "/lxc.payload.web", "/system.slice/ssh.service", "lxc", "lxc", "web", 0, "" },
	{ "/lxc.payload.web", "/system.slice/docker-" H ".scope", "lxc", "lxc", "web", 0, "" },
	{ "/lxc.payload.project_web", "/init.scope", "lxc", "lxc", "project_web", 0, "" },
	{ "/lxc.payload/web", "/init.scope", "lxc", "lxc", "web", 0, "" },
	{ "/lxc/web", "/init.scope", "lxc", "lxc", "web", 0, "" },
	{ "/lxc/100", "/ns/init.scope", "lxc", "lxc", "100", 0, "" },
	{ "/lxc/" H, "", "lxc", "lxc", H, 0, "" },
	{ USER "/lxc.payload.c1", "", "lxc", "lxc", "c1", 1000, "" },
	{ "/user.slice/user-1000.slice/session-2.scope/lxc/c1", "", "lxc", "lxc", "c1", 1000,
	  "" },
	{ "/user.slice/user-1000.slice/session-2.scope/lxc.payload.c1", "/init.scope", "lxc",
	  "lxc", "c1", 1000, "" },
	{ "/lxc.payload." S255, "", "lxc", "lxc", S255, 0, "" },
	{ "/lxc.payload.a-kubepods-pod1.slice:cri-containerd:" H, "", "lxc", "lxc",
	  "a-kubepods-pod1.slice:cri-containerd:" H, 0, "" },
	NOT("/lxc.payload." S255 "5"),
	NOT("/lxc.monitor.web"),
	NOT("/lxc.monitor.web/lxc.payload.web"),
	NOT("/lxc.monitor/web"),
	NOT("/lxc.pivot"),
	NOT("/lxc.payload."),
	NOT("/lxc.payload"),
	NOT("/lxc"),
	NOT("/lxc/"),
	NOT("/lxc/.."),
	NOT("/lxc/."),
	NOT("/system.slice/lxc/web"),
	NOT("/system.slice/lxc-net.service"),
	NOT("/system.slice/snap.lxd.daemon.service"),
	/* systemd-nspawn: by hand, as a service; libvirt's containers */
	{ "/machine.slice/machine-web.scope", "", "nspawn", "nspawn", "web", 0, "" },
	{ "/machine.slice/machine-web.scope", "/payload/init.scope", "nspawn", "nspawn",
	  "web", 0, "" },
	{ "/machine.slice/machine-my\\x2dweb_1.a.scope", "/payload", "nspawn", "nspawn",
	  "my-web_1.a", 0, "" },
	{ "/machine.slice/systemd-nspawn@web.service/payload", "", "nspawn", "nspawn",
	  "web", 0, "" },
	{ "/machine.slice/systemd-nspawn@my-web.service/payload", "/system.slice", "nspawn",
	  "nspawn", "my-web", 0, "" },
	{ "/machine.slice/systemd-nspawn@my\\x2dweb.service/payload", "", "nspawn",
	  "nspawn", "my-web", 0, "" },
	{ "/machine.slice/machine-lxc\\x2d123\\x2dweb.scope", "", "nspawn", "nspawn",
	  "lxc-123-web", 0, "" },
	{ "/machine.slice/machine-qemu\\x2dbuild.scope", "", "nspawn", "nspawn",
	  "qemu-build", 0, "" },
	NOT("/machine.slice/machine-web.scope/supervisor"),
	NOT("/machine.slice/systemd-nspawn@web.service"),
	NOT("/machine.slice/systemd-nspawn@web.service/supervisor"),
	NOT("/machine.slice/systemd-vmspawn@web.service"),
	NOT("/machine.slice/machine-qemu\\x2d1\\x2ddebian12.scope/libvirt/emulator"),
	NOT("/machine.slice/machine-qemu\\x2d1.scope"),
	NOT("/machine.slice/machine-a-b.scope"),
	NOT("/machine.slice/machine-a\\x2fb.scope"),
	NOT("/machine.slice/machine-a\\x00b.scope"),
	NOT("/machine.slice/machine-a\\x.scope"),
	NOT("/machine.slice/machine-a\\x2.scope"),
	NOT("/machine.slice/machine-a\\"),
	NOT("/machine.slice/machine-a\\x2d"),
	NOT("/machine.slice/machine-a\\x2D.scope"),
	NOT("/machine.slice/machine-\\xzz.scope"),
	NOT("/machine.slice/machine-a\nb.scope"),
	NOT("/machine.slice/machine-\xff\xfe.scope"),
	NOT("/machine.slice/machine-.scope"),
	NOT("/machine.slice/machine-" S255 "5.scope"),
	NOT("/system.slice/machine-web.scope"),
	/* whose: what users name user-0.slice is theirs */
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/user-0.slice/docker/" H, "",
	  "docker", "oci", H, 1000, "" },
	{ "/user.slice/user-4294967294.slice/user@4294967294.service/docker/" H, "", "docker",
	  "oci", H, 4294967294U, "" },
	{ "/a/user.slice/user-1000.slice/docker/" H, "", "docker", "oci", H, 0, "" },
	{ "/user.slice/docker-" H ".scope", "", "docker", "oci", H, 0, "" },
	{ "/user.slice/user-1000.slicex/docker-" H ".scope", "", "docker", "oci", H, 0, "" },
	NOT("/user.slice/user-4294967295.slice/docker/" H),
	NOT("/user.slice/user-4294967296.slice/docker/" H),
	NOT("/user.slice/user-18446744073709551616.slice/docker/" H),
	NOT("/user.slice/user-99999999999999999999999999999999.slice/docker/" H),
	NOT("/user.slice/user-1000.slice"),
	NOT("/user.slice/user-1000.slice/user@1000.service"),
	NOT("/user.slice/user-1000.slice/session-2.scope"),
	/* what else there is, and what nobody should write */
	{ "/lxc.payload.a\nb", "", "lxc", "lxc", "a\nb", 0, "" },
	{ "/lxc.payload.\xc3\x28\xff", "", "lxc", "lxc", "\xc3\x28\xff", 0, "" },
	{ "//docker/" H, "", "docker", "oci", H, 0, "" },
	{ "/docker/" H, "/", "docker", "oci", H, 0, "" },
	NOT(""),
	NOT("/"),
	NOT("docker/" H),
	NOT("/../docker"),
	NOT("/init.scope"),
	NOT("/system.slice/systemd-journald.service"),
	NOT("/docker\n/" H),
	NOT("/%h"),
	NOT("/docker/%h"),
	NOT("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29"
	    "/30/31/32/docker/" H),
};

static void print_path(const char *path)
{
	for (; *path; path++)
		putchar(*path > 0x20 && *path < 0x7f && *path != '#' ? *path : '?');
	putchar('\n');
}

static bool none(const struct cgroup_guess *g)
{
	return !g->runtime && !g->family && !*g->id && !g->len && !*g->pod;
}

static bool as_wanted(const struct name_case *c, const struct cgroup_guess *g)
{
	return !strcmp(g->runtime, c->runtime) && !strcmp(g->family, c->family) &&
	       !strcmp(g->id, c->id) && !strcmp(g->pod, c->pod) && g->uid == c->uid &&
	       g->len == strlen(c->own);
}

static int run(const struct name_case *c, int nr)
{
	char path[1024];
	struct cgroup_guess g;
	bool is, ok;

	snprintf(path, sizeof(path), "%s%s", c->own ? c->own : "", c->below);
	memset(&g, 0xff, sizeof(g));
	is = name_of_cgroup(path, &g);
	ok = is == !!c->own && (is ? as_wanted(c, &g) : none(&g));
	printf("%sok %d - cgroup names: ", ok ? "" : "not ", nr);
	print_path(path);
	if (!ok && is)
		printf("# %s (%s) of %u, pod %s, %zu bytes\n", g.runtime, g.family, g.uid,
		       *g.pod ? g.pod : "(none)", g.len);
	return !ok;
}

/* The longest path that the kernel gives, in names as long and as short as there are */
static int run_long(const char *name, int nr)
{
	static char path[4097];
	struct cgroup_guess g;
	size_t len = 0;
	bool ok;

	while (len + 1 + strlen(name) < sizeof(path))
		len += sprintf(path + len, "/%s", name);
	ok = !name_of_cgroup(path, &g) && none(&g);
	printf("%sok %d - cgroup names: %zu bytes of %.20s\n", ok ? "" : "not ", nr, len, name);
	return !ok;
}

int main(void)
{
	static const char *const names[] = { "a", S255, "kubepods", "crun-", "\\x2d", "lxc." };
	int n = ARRAY_SIZE(cases), failed = 0;

	printf("TAP version 13\n1..%d\n", n + (int)ARRAY_SIZE(names));
	for (int i = 0; i < n; i++)
		failed += run(&cases[i], i + 1);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		failed += run_long(names[i], n + i + 1);
	return failed != 0;
}
