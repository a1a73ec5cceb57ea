#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid-agent with the engines: podman, also rootless, docker, containerd, LXC and
# systemd-nspawn, as TAP. To be run as root, with these, cid and jq. There is no registry: images are imported.
set -euo pipefail

ABOUT="Tests cid-agent with podman, docker, containerd, LXC and systemd-nspawn"
NAME="agent"
# shellcheck source=ust-provider/tests/agent.sh
. "$(dirname "$0")/agent.sh"

ENGINE_USER=user

# --- podman ---

podman_()
{
	podman --cgroup-manager cgroupfs --storage-driver vfs --root /var/tmp/agent-podman \
		--runroot "$TMP/podman-run" "$@"
}

image()
{
	rootfs
	"$1" import "$TMP/rootfs.tar" agent-test >/dev/null
}

podman_life()
{
	local id

	at_end rm -rf /var/tmp/agent-podman
	image podman_
	at_end podman_ rm -a -f -t 0
	id=$(podman_ run -d --name web --network none --label tier=front agent-test \
		busybox sleep 1000)
	tell start ".id == \"$id\""
	same podman "$(value start "$id" runtime)"
	same web "$(value start "$id" name)"
	same localhost/agent-test:latest "$(value start "$id" image)"
	same_identity start "$id" "$(podman_ inspect -f '{{.State.Pid}}' web)"
	podman_ pause web
	tell pause '.name == "web"'
	podman_ unpause web
	tell unpause '.name == "web"'
	podman_ kill -s KILL web
	tell exit '.name == "web" and .signal == 9'
	podman_ start web
	tell restart '.name == "web" and .restart_count == 1'
	podman_ rm -f -t 0 web
	tell remove '.name == "web"'
	same "create start pause unpause exit start restart exit remove" "$(life "$id")"
}

rootless_podman()
{
	runuser -u "$ENGINE_USER" -- env -C / HOME="/home/$ENGINE_USER" \
		XDG_RUNTIME_DIR="/run/user/$(id -u "$ENGINE_USER")" \
		podman --storage-driver vfs --cgroup-manager cgroupfs "$@"
}

rootless_life()
{
	local id uid
	uid=$(id -u "$ENGINE_USER")

	mkdir -p "/run/user/$uid"
	chown "$ENGINE_USER:" "/run/user/$uid"
	at_end rootless_podman system reset --force
	rootfs
	chmod 644 "$TMP/rootfs.tar"
	image rootless_podman
	id=$(rootless_podman run -d --name own --network none agent-test busybox sleep 1000)
	tell start ".id == \"$id\""
	same "$uid" "$(value start "$id" uid)"
	same own "$(value start "$id" name)"
	same_identity start "$id" "$(rootless_podman inspect -f '{{.State.Pid}}' own)"
	rootless_podman rm -f -t 0 own
	tell remove '.name == "own"'
	same "create start exit remove" "$(life "$id")"
}

# --- docker ---

docker_()
{
	docker -H "unix://$TMP/docker.sock" "$@"
}

# As on Debian: one that dockerd starts by itself has 15 s for that.
start_containerd_of_docker()
{
	mkdir -p "$TMP/docker-containerd"
	containerd --config /dev/null --root /var/tmp/agent-docker/containerd \
		--state "$TMP/docker-containerd" \
		--address "$TMP/docker-containerd.sock" >"$TMP/docker-containerd.log" 2>&1 &
	STARTED+=($!)
	until_true ctr -a "$TMP/docker-containerd.sock" version
}

start_dockerd()
{
	echo '{ "storage-driver": "vfs" }' >"$TMP/daemon.json"
	dockerd --config-file "$TMP/daemon.json" --host "unix://$TMP/docker.sock" \
		--containerd "$TMP/docker-containerd.sock" \
		--data-root /var/tmp/agent-docker --exec-root "$TMP/docker-run" \
		--pidfile "$TMP/docker.pid" --iptables=false --ip6tables=false \
		--bridge=none >"$TMP/dockerd.log" 2>&1 &
	DOCKERD=$!
	STARTED+=("$DOCKERD")
	until_true docker_ info || {
		tail -n 20 "$TMP/dockerd.log"
		return 1
	}
}

docker_run()
{
	docker_ run -d --network none --name "$@"
}

docker_life()
{
	local id

	at_end rm -rf /var/tmp/agent-docker
	start_containerd_of_docker
	start_dockerd
	image docker_
	id=$(docker_run web --label tier=front --label "a,b=c" agent-test busybox sleep 1000)
	tell start ".id == \"$id\""
	same docker "$(value start "$id" runtime)"
	same web "$(value start "$id" name)"
	same agent-test "$(value start "$id" image)"
	same 'a\,b=c,tier=front' "$(value start "$id" labels)"
	same_identity start "$id" "$(docker_ inspect -f '{{.State.Pid}}' web)"
	docker_ pause web >/dev/null
	tell pause '.name == "web"'
	docker_ unpause web >/dev/null
	tell unpause '.name == "web"'
	docker_ rename web shop
	tell rename '.name == "shop" and .old_name == "web"'
	docker_ kill -s KILL shop >/dev/null
	tell exit '.name == "shop" and .signal == 9'
	docker_ start shop >/dev/null
	tell restart '.name == "shop" and .restart_count == 1 and .previous_pid != .pid'
	docker_ rm -f shop >/dev/null
	tell remove '.name == "shop"'
	same "create start pause unpause rename exit start restart exit remove" "$(life "$id")"
	daemon_comes_back
}

# The engine ends and starts again; said once, and nothing is missed.
daemon_comes_back()
{
	local id

	docker_run steady agent-test busybox sleep 1000 >/dev/null
	tell start '.name == "steady"'
	kill "$DOCKERD"
	wait "$DOCKERD" || true
	start_dockerd
	id=$(docker_run later agent-test busybox sleep 1000)
	tell start ".id == \"$id\" and .name == \"later\""
	docker_ rm -f later >/dev/null
	tell remove '.name == "later"'
	same "create start exit remove" "$(life "$id")"
	# what doesn't work is said once, until it works again
	grep -q ': docker (.*) works again$' "$TMP/messages"
	awk '/docker \(/ { bad = !bad; if (bad != /is tried again$/) exit 1 }' "$TMP/messages"
}

# --- containerd ---

containerd_life()
{
	rootfs
	mkdir -p "$TMP/containerd"
	containerd --config /dev/null --root /var/tmp/agent-containerd --state "$TMP/containerd" \
		--address "$TMP/containerd.sock" >"$TMP/containerd.log" 2>&1 &
	STARTED+=($!)
	at_end rm -rf /var/tmp/agent-containerd
	until_true ctr -a "$TMP/containerd.sock" version
	ctr -a "$TMP/containerd.sock" run --detach --rootfs "$TMP/rootfs" task \
		/bin/busybox sleep 1000
	tell start '.id == "task"'
	same containerd "$(value start task runtime)"
	ctr -a "$TMP/containerd.sock" task kill --signal KILL task
	tell exit '.id == "task" and .signal == 9'
	ctr -a "$TMP/containerd.sock" task delete task || true
	tell remove '.id == "task"'
	same "create start exit remove" "$(life task)"
}

# --- LXC ---

lxc_life()
{
	local dir=/var/lib/lxc/box

	rootfs
	mkdir -p "$dir"
	at_end rm -rf "$dir"
	cat >"$dir/config" <<-CONFIG
		lxc.uts.name = box
		lxc.rootfs.path = dir:$TMP/rootfs
		lxc.net.0.type = empty
		lxc.mount.auto = proc:mixed sys:mixed
		lxc.init.cmd = /bin/busybox sleep 1000
		lxc.apparmor.profile = unconfined
	CONFIG
	at_end lxc-stop -n box -k
	lxc-start -n box -l debug -o "$TMP/lxc.log" || {
		tail -n 20 "$TMP/lxc.log"
		return 1
	}
	tell start '.id == "box"'
	same lxc "$(value start box runtime)"
	same_identity start box "$(lxc-info -n box -p -H)"
	lxc-stop -n box -k
	tell exit '.id == "box"'
	rm -rf "$dir"
	tell remove '.id == "box"'
	same "create start exit remove" "$(life box)"
}

# --- systemd-nspawn ---

# machined and nspawn as they are, but for a unit that PID 1 would have made
nspawn_life()
{
	local scope=$CGROUPS/machine.slice/box.scope root=$TMP/nspawn

	rootfs
	cp -a "$TMP/rootfs" "$root"
	mkdir -p "$root"/{etc,usr,run,var,root} /run/dbus
	echo ID=box >"$root/etc/os-release"
	mkdir -p "$scope"
	at_end rmdir "$scope" "${scope%/*}"
	at_end until_true grep -q 'populated 0' "$scope/cgroup.events"
	dbus-daemon --system --nofork --nopidfile &
	STARTED+=($!)
	until_true test -S /run/dbus/system_bus_socket
	/usr/lib/systemd/systemd-machined &
	STARTED+=($!)
	until_true machined_answers
	(
		echo "$BASHPID" >"$scope/cgroup.procs"
		exec systemd-nspawn --quiet --register=yes --keep-unit --machine=box \
			--directory="$root" --resolv-conf=off --timezone=off \
			--link-journal=no /bin/sleep 1000
	) &
	STARTED+=($!)
	tell start '.id == "box" and .runtime == "nspawn"'
	same "$root" "$(value start box image)"
	same_identity start box "$(cat "$scope/payload/cgroup.procs")"
	kill -KILL "$(value start box pid)"
	tell exit '.id == "box" and .runtime == "nspawn" and .signal == 9'
	tell remove '.id == "box" and .runtime == "nspawn"'
	find "$scope" -mindepth 1 -depth -type d -exec rmdir {} +
}

machined_answers()
{
	dbus-send --system --print-reply --dest=org.freedesktop.machine1 \
		/org/freedesktop/machine1 org.freedesktop.machine1.Manager.ListMachines
}

with_agent --runtime oci --runtime lxc --runtime machined --runtime "docker=$TMP/docker.sock" \
	--runtime "containerd=$TMP/containerd/io.containerd.runtime.v2.task/*"
claim "podman: a container's life, its name and image" podman_life
claim "rootless podman: the same, with its owner" rootless_life
claim "docker: a container's life, its name, image and labels; dockerd may end and come back" \
	docker_life
claim "containerd: a container's life" containerd_life
claim "LXC: a container's life" lxc_life
claim "systemd-nspawn: a container's life" nspawn_life
finish_agents
