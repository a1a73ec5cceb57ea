#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cid-runtime in front of the real runtimes, on a kernel with metrics
# namespaces.
# shellcheck disable=SC2317  # the checks are called through check
set -euo pipefail

usage() {
	cat <<'USAGE'
Usage: runtime.sh [--programs DIR]
Run containers of crun, runc, podman and docker through cid-runtime and compare
with the same containers run without it. Needs root, a kernel with metrics
namespaces, cgroup v2 on /sys/fs/cgroup, busybox-static, crun, runc and podman;
docker is tested where dockerd is installed. TAP on stdout.

Environment: CID_RUNTIME_CYCLES=N containers that come and go (3), CID_RUNTIME_ALL=1
for docker and rootless podman with both runtimes and not with one each;
CID_RUNTIME_CLAIMS=GLOB for the claims that match it.

  --programs DIR  where make left cid-runtime and tests/ns_info (default: the
                  directory above this script, then PATH)
USAGE
}

while (($#)); do
	case $1 in
	--help) usage; exit 0 ;;
	--programs) programs=$(realpath "$2"); shift 2 ;;
	*) usage >&2; exit 2 ;;
	esac
done

# shellcheck source=tools/container/runtime/tests/containers.sh
. "$(dirname "$0")/containers.sh"
LIMIT=/proc/sys/user/max_metrics_namespaces
limit=$(< "$LIMIT")
dockerd_pid=
test_user=
rootless=(crun)
docker=(runc)
if [[ -n ${CID_RUNTIME_ALL:-} ]]; then
	rootless=(crun runc)
	docker=(crun runc)
fi

cleanup() {
	set +e
	echo "$limit" > "$LIMIT"
	[[ -z $dockerd_pid ]] || { kill "$dockerd_pid"; wait "$dockerd_pid"; }
	# rootless podman leaves a process that holds its user namespace
	[[ -z $test_user ]] || { pkill -KILL -u "$test_user"; sleep 1; }
	[[ -z $test_user ]] || userdel -rf "$test_user"
	remove_containers
} > /dev/null 2>&1
trap cleanup EXIT

# A namespace may die a moment after its last process.
same_namespaces() {	# list before
	local try

	for try in {1..50}; do
		[[ $("$ns_info" --list) == "$1" ]] && return
		sleep 0.1
	done
	expect "namespaces after $try looks" "$("$ns_info" --list)" "$1"
}

#
# Checks
#
lifecycle() {
	local before pid id

	before=$("$ns_info" --list)
	bundle yes '' sleep 300
	create life
	wrapped state life | grep -q '"status": *"created"'
	pid=$(init_of life)
	expect label "$(info label "$pid")" life
	expect level "$(info level "$pid")" 1
	wrapped start life
	wrapped state life | grep -q '"status": *"running"'
	id=$(info id "$pid")
	expect 'ID of an exec' "$(wrapped exec life \
		grep NSmetrics: /proc/self/status)" $'NSmetrics:\t'"$id"
	wrapped kill life KILL
	await stopped life
	wrapped delete life
	same_namespaces "$before"
}

exec_same() {
	local rc=0 wrapped_rc=0 cmd='cat; echo out; echo err >&2; exit 9'

	bundle yes '' sleep 300
	create ex
	wrapped start ex
	echo in | unwrapped exec ex sh -c "$cmd" \
		> "$dir/out" 2> "$dir/err" || rc=$?
	echo in | wrapped exec ex sh -c "$cmd" \
		> "$dir/wout" 2> "$dir/werr" || wrapped_rc=$?
	remove ex
	expect 'exit code' "$wrapped_rc" "$rc"
	cmp "$dir/out" "$dir/wout"
	cmp "$dir/err" "$dir/werr"
}

exec_detached() {
	local pid

	bundle yes '' sleep 300
	create exd
	wrapped start exd
	wrapped exec --detach --pid-file "$dir/pid" exd sleep 300 \
		< /dev/null > /dev/null 2>&1
	pid=$(init_of exd)
	expect namespace "$(readlink "/proc/$(cat "$dir/pid")/ns/metrics")" \
		"$(readlink "/proc/$pid/ns/metrics")"
	remove exd
}

exec_unwrapped() {
	bundle yes '' sleep 300
	unwrapped create -b "$dir/b" plain < /dev/null > "$dir/log" 2>&1
	unwrapped start plain
	expect output "$(wrapped exec plain sh -c 'echo here')" here
	remove plain
}

run_same() {
	local rc=0 wrapped_rc=0

	bundle yes '' sh -c 'cat; echo out; echo err >&2; exit 7'
	echo in | unwrapped run -b "$dir/b" r1 \
		> "$dir/out" 2> "$dir/err" || rc=$?
	echo in | wrapped run -b "$dir/b" r2 \
		> "$dir/wout" 2> "$dir/werr" || wrapped_rc=$?
	expect 'exit code' "$wrapped_rc" "$rc"
	expect 'exit code' "$wrapped_rc" 7
	cmp "$dir/out" "$dir/wout"
	cmp "$dir/err" "$dir/werr"
}

run_same_pid() {
	local pid

	bundle yes '' sleep 300
	CID_RUNTIME=$real "$cid_runtime" --root "$dir/$real" run -b "$dir/b" \
		rp < /dev/null > /dev/null 2>&1 &
	pid=$!
	await running rp
	expect program "$(tr '\0' '\n' < "/proc/$pid/cmdline" | sed -n 1p)" \
		"$(command -v "$real")"
	expect label "$(info label "$(init_of rp)")" rp
	expect 'metrics namespace of the runtime' \
		"$(readlink "/proc/$pid/ns/metrics")" \
		"$(readlink "/proc/$(init_of rp)/ns/metrics")"
	remove rp
	wait "$pid" || true
}

annotations() {
	local pid

	bundle yes '"org.cid.label": "web 1", "org.cid.quota-cpus": "true",
		"org.cid.host-view": "true"' sleep 300
	create noted
	pid=$(init_of noted)
	expect label "$(info label "$pid")" 'web 1'
	expect flags "$(info flags "$pid")" 7
	remove noted
}

# Engines pass on those of an image, whose author is anyone.
annotations_ignored() {
	local pid

	bundle yes '"org.cid.label": "web 1", "org.cid.quota-cpus": "true",
		"org.cid.host-view": "true"' sleep 300
	CID_RUNTIME_CONFIG=/dev/null create unheeded
	pid=$(init_of unheeded)
	expect label "$(info label "$pid")" unheeded
	expect flags "$(info flags "$pid")" 1
	remove unheeded
}

long_id() {
	local id

	id=$(printf 'x%069d' 0)
	bundle yes '' sleep 300
	create "$id"
	expect label "$(info label "$(init_of "$id")")" "${id:0:64}"
	remove "$id"
}

auto_scope() {
	local pid

	bundle yes '' sleep 300
	create auto
	wrapped start auto
	pid=$(init_of auto)
	expect flags "$(info flags "$pid")" 1
	expect scope "$(info scope_id "$pid")" "$(cgroup_inode "$pid")"
	remove auto
}

explicit_scope() {
	local pid

	bundle no '' sleep 300
	create expl
	pid=$(init_of expl)
	expect label "$(info label "$pid")" expl
	expect flags "$(info flags "$pid")" 0
	expect scope "$(info scope_id "$pid")" "$(cgroup_inode "$pid")"
	remove expl
}

explicit_scope_run() {
	local pid rc=0

	bundle no '' sleep 300
	wrapped run --detach -b "$dir/b" expr < /dev/null > /dev/null 2>&1
	pid=$(init_of expr)
	expect scope "$(info scope_id "$pid")" "$(cgroup_inode "$pid")"
	remove expr
	bundle no '' sh -c 'exit 7'
	wrapped run -b "$dir/b" expr2 || rc=$?
	expect 'exit code' "$rc" 7
}

signals_reach_runtime() {
	local pid rc=0 tries

	# the shell empties the file only once the job has been forked
	rm -f "$dir/ready"
	# Its PID 1 ignores the signal until it has asked for it.
	bundle no '' sh -c \
		"trap 'exit 5' TERM; echo ready; while :; do sleep 1; done"
	CID_RUNTIME=$real "$cid_runtime" --root "$dir/$real" run -b "$dir/b" \
		sig < /dev/null > "$dir/ready" 2>&1 &
	pid=$!
	for ((tries = 0; tries < 1200; tries++)); do
		[[ ! -s $dir/ready ]] || break
		sleep 0.1
	done
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	remove sig
	expect 'exit code' "$rc" 5
}

failed_runtime() {
	local before rc wrapped_rc ns

	for ns in yes no; do
		rc=0
		wrapped_rc=0
		bundle "$ns" '' /bin/no-such-program
		before=$("$ns_info" --list; ls "$dir/b" /sys/fs/cgroup)
		unwrapped run -b "$dir/b" bad > "$dir/err" 2>&1 || rc=$?
		wrapped run -b "$dir/b" bad > "$dir/werr" 2>&1 || wrapped_rc=$?
		((rc != 0))
		expect 'exit code' "$wrapped_rc" "$rc"
		remove bad
		sleep 0.5
		expect 'what is left' \
			"$("$ns_info" --list; ls "$dir/b" /sys/fs/cgroup)" \
			"$before"
	done
}

missing_runtime() {
	local before rc=0

	bundle yes '' sleep 300
	before=$("$ns_info" --list; ls "$dir/b" /sys/fs/cgroup)
	CID_RUNTIME=/no/such/$real "$cid_runtime" create -b "$dir/b" gone \
		> "$dir/err" 2>&1 || rc=$?
	expect 'exit code' "$rc" 127
	expect 'what is left' \
		"$("$ns_info" --list; ls "$dir/b" /sys/fs/cgroup)" "$before"
}

# Where no metrics namespace may be made
without_room() {	# command...
	local rc=0

	echo 0 > "$LIMIT"
	"$@" || rc=$?
	echo "$limit" > "$LIMIT"
	return "$rc"
}

# A container without an ID is better than none,
no_namespace_left() {
	local out rc=0

	bundle yes '' grep NSmetrics: /proc/self/status
	out=$(without_room wrapped run -b "$dir/b" none 2> "$dir/err") || rc=$?
	expect 'exit code' "$rc" 0
	expect ID "$out" $'NSmetrics:\t0'
}

# unless it was required.
required_id() {
	local before rc=0

	bundle yes '' sleep 300
	before=$("$ns_info" --list; ls "$dir/b" /sys/fs/cgroup)
	CID_RUNTIME_REQUIRE=1 without_room wrapped create -b "$dir/b" none \
		< /dev/null > "$dir/err" 2>&1 || rc=$?
	expect 'exit code' "$rc" 125
	expect lines "$(wc -l < "$dir/err")" 1
	grep -q 'require=1 forbids that' "$dir/err"
	expect 'what is left' \
		"$("$ns_info" --list; ls "$dir/b" /sys/fs/cgroup)" "$before"
	CID_RUNTIME_REQUIRE=1 wrapped create -b "$dir/b" there \
		< /dev/null > "$dir/err" 2>&1
	expect label "$(info label "$(init_of there)")" there
	remove there
}

killed_exec() {	# id
	local rc=0

	# shellcheck disable=SC2016  # expanded inside
	wrapped exec "$1" /bin/sh -c 'kill -9 $$' || rc=$?
	expect 'exit code of a killed exec' "$rc" 137
}

# CID_RUNTIME_CYCLES containers, each killed at another moment of its life.
come_and_go() {
	local before cycle cycles=${CID_RUNTIME_CYCLES:-3} kinds=(yes no)

	before=$("$ns_info" --list; ls /sys/fs/cgroup)
	for ((cycle = 0; cycle < cycles; cycle++)); do
		bundle "${kinds[cycle % 2]}" '' sleep 300
		create "life$cycle"
		((cycle % 3 == 0)) || wrapped start "life$cycle"
		((cycle % 3 != 1)) || killed_exec "life$cycle"
		wrapped delete --force "life$cycle"
	done
	# the kernel takes them away when the last task has been reaped
	for ((cycle = 0; cycle < 100; cycle++)); do
		[[ $("$ns_info" --list; ls /sys/fs/cgroup) != "$before" ]] ||
			return 0
		sleep 0.2
	done
	expect 'what is left' "$("$ns_info" --list; ls /sys/fs/cgroup)" \
		"$before"
}

# Where the runtime cannot make one, the container runs without.
time_namespace() {
	local up host

	bundle yes '"org.cid.time": "true"' cat /proc/uptime
	host=$(sed 's/\..*//' /proc/uptime)
	up=$(wrapped run -b "$dir/b" timed | sed 's/\..*//')
	[[ -n $up ]]
	if grep -q timeOffsets "$dir/b/config.json"; then
		echo "uptime inside $up, outside $host"
		((host < 10 || up < 10))
	else
		expect runtime "$real" runc
	fi
	expect 'files in the bundle' "$(ls "$dir/b")" config.json
}

#
# Engines
#
# engine_container ENGINE RUNTIME: what podman and docker have in common
engine_container() {
	local id pid code=0

	"$@" import "$dir/rootfs.tar" cid-test > /dev/null
	id=$("$@" run -d --network none cid-test sleep 300)
	pid=$("$@" inspect -f '{{.State.Pid}}' "$id")
	expect label "$(info label "$pid")" "$id"
	# without rights it may have no cgroup of its own
	[[ $1 == rootless_podman ]] ||
		expect scope "$(info scope_id "$pid")" "$(cgroup_inode "$pid")"
	expect 'ID of an exec' "$("$@" exec "$id" \
		grep NSmetrics: /proc/self/status)" \
		$'NSmetrics:\t'"$(info id "$pid")"
	"$@" kill "$id" > /dev/null
	"$@" rm -f "$id" > /dev/null
	"$@" run --rm --network none cid-test sh -c 'exit 6' || code=$?
	expect 'exit code' "$code" 6
}

# A user of the test's own, with what a login makes
make_user() {
	test_user=cid-test-$$
	useradd -m "$test_user"
	install -d -m 700 -o "$test_user" "$dir/xdg"
	chmod 644 "$dir/rootfs.tar"
}

# The setting is in podman's own user namespace, which owns the new one.
rootless_podman() {	# runtime, arguments...
	runuser -u "$test_user" -- env -C / HOME="/home/$test_user" XDG_RUNTIME_DIR="$dir/xdg" \
		podman --storage-driver vfs --cgroup-manager cgroupfs \
		--runtime "$dir/cid-runtime-$1" "${@:2}"
}

docker_() {
	docker -H "unix://$dir/docker.sock" "$@"
}

start_dockerd() {
	cat > "$dir/daemon.json" <<JSON
{ "runtimes": { "cid-runc": { "path": "$dir/cid-runtime-runc" },
		"cid-crun": { "path": "$dir/cid-runtime-crun" } },
  "storage-driver": "vfs" }
JSON
	dockerd --config-file "$dir/daemon.json" \
		--host "unix://$dir/docker.sock" --data-root "$dir/docker" \
		--exec-root "$dir/docker-run" --pidfile "$dir/docker.pid" \
		--iptables=false --ip6tables=false --bridge=none \
		> "$dir/dockerd.log" 2>&1 &
	dockerd_pid=$!
	for _ in {1..120}; do
		docker_ info > /dev/null 2>&1 && return
		sleep 0.5
	done
	tail -n 20 "$dir/dockerd.log" | sed 's/^/# /'
}

docker_as() {	# runtime, arguments...
	local args=("${@:2}")

	[[ $2 != run ]] || args=(run --runtime "cid-$1" "${@:3}")
	docker_ "${args[@]}"
}

echo 'TAP version 13'
for real in crun runc; do
	check "$real: create, start, exec, kill and delete with an ID" lifecycle
	check "$real: exec has the runtime's exit code and stdio" exec_same
	check "$real: a detached exec is in the container's namespace" \
		exec_detached
	check "$real: exec in a container without an ID works" exec_unwrapped
	check "$real: run has the runtime's exit code and stdio" run_same
	check "$real: run becomes the runtime, in the namespace" run_same_pid
	check "$real: annotations give label and flags" annotations
	check "$real: annotations count only if configured" annotations_ignored
	check "$real: a long id is cut to a label" long_id
	check "$real: the scope is the container's cgroup" auto_scope
	check "$real: a scope without a cgroup namespace" explicit_scope
	check "$real: run sets a scope without a cgroup namespace" \
		explicit_scope_run
	check "$real: signals reach a runtime that is a child" \
		signals_reach_runtime
	check "$real: a runtime that fails leaves nothing" failed_runtime
	check "$real: a runtime that is missing leaves nothing" missing_runtime
	check "$real: without room for an ID it runs without" no_namespace_left
	check "$real: require=1 lets nothing run without" required_id
	check "$real: time namespace by annotation" time_namespace
	check "$real: podman run, exec and rm" engine_container podman_as "$real"
done
real=crun
check 'crun: containers come and go and leave nothing' come_and_go
make_user
for real in "${rootless[@]}"; do
	check "$real: rootless podman run, exec and rm" \
		engine_container rootless_podman "$real"
done
if command -v dockerd > /dev/null; then
	command -v docker > /dev/null || bail 'docker is not installed'
	for real in "${docker[@]}"; do
		! wanted "$real: docker run, exec and rm" || {
			start_dockerd
			break
		}
	done
	for real in "${docker[@]}"; do
		check "$real: docker run, exec and rm" \
			engine_container docker_as "$real"
	done
else
	for real in "${docker[@]}"; do
		skip "$real: docker run, exec and rm" 'dockerd is not installed'
	done
fi
echo "1..$nr"
((nr)) || { echo "# no claim matches '$CID_RUNTIME_CLAIMS'"; exit 1; }
exit "$failed"
