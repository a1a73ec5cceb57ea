#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of what takes a container for a machine, and takes its time to start, as TAP. To be
# run as root, on a kernel with the series and with cgroup v2; cid is taken from PATH. Needs
# a JVM, and systemd, podman and overlayfs.
# shellcheck disable=SC2016	# expressions of awk
set -euo pipefail

ABOUT="Runs a JVM, and systemd as init, in a container that is smaller than the machine"
NAME=systems
# shellcheck source=tools/container/tests/claim.sh
. "$(dirname "$0")/claim.sh"

# Java asks the cgroup, or without that the mask and sysinfo(2); the heap is half of what is so little.
java_counts()
{
	local option java=(/usr/lib/jvm/*/bin/java)

	for option in + -; do
		cid run --memory 128M --cpuset 0 -- "${java[0]}" \
			"-XX:${option}UseContainerSupport" -Xlog:gc+init -version >"$TMP/out"
		grep -E 'CPUs: [0-9]+ total, 1 available' "$TMP/out"
		grep -E "Memory: 128M" "$TMP/out"
		grep -E "Heap Max Capacity: 64M" "$TMP/out"
	done
}

podman_in()
{
	podman --root "$TMP/podman" --runroot "$TMP/podman-run" --storage-driver vfs \
		--cgroup-manager cgroupfs --events-backend none --runtime "$(type -P cid-runtime)" "$@"
}

system_is_up()
{
	[[ $(podman_in exec init systemctl is-system-running) == @(running|degraded) ]]
}

# It is started by podman, for which it takes care of cgroups below its own. What is given in
# percent is of its memory.
systemd_is_init()
{
	copy_of / "$TMP/system"
	# what podman has started cleans up as well, and may not have ended
	at_end until_true rm -rf "$TMP/podman" "$TMP/podman-run"
	at_end podman_in rm --force --time 0 init
	podman_in run --detach --name init --systemd always --network none --memory 256m \
		--cpuset-cpus 0 --rootfs "$TMP/system/root" /usr/lib/systemd/systemd \
		--unit=basic.target
	# It takes its time where CPUs are emulated.
	until_true system_is_up || until_true system_is_up
	same systemd "$(podman_in exec init cat /proc/1/comm)"
	podman_in exec init systemd-run --unit half -p MemoryMax=50% sleep 1000
	same $((128 << 20)) "$(podman_in exec init systemctl show -P MemoryMax half)"
	same 1 "$(podman_in exec init nproc)"
	same $((256 << 10)) "$(podman_in exec init awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)"
}

claim "Java has its CPU and memory" java_counts
claim "systemd runs as init of a container, and has its memory" systemd_is_init
finish
