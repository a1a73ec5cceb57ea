#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Containers of the real runtimes, through cid-runtime and without it, and TAP: what
# the tests on a kernel with metrics namespaces share. To be sourced by them, with
# programs set where --programs was given.
# shellcheck disable=SC2034	# the variables are those of who sources this

programs=${programs:-$(dirname "$(dirname "$(realpath "$0")")")}

bail() {
	echo "Bail out! $1"
	exit 1
}

((EUID == 0)) || bail 'run it as root'
[[ -e /proc/self/ns/metrics ]] || bail 'this kernel has no metrics namespaces'
[[ $(stat -fc %T /sys/fs/cgroup) == cgroup2fs ]] ||
	bail 'no cgroup v2 on /sys/fs/cgroup'
for tool in crun runc podman busybox; do
	command -v "$tool" > /dev/null || bail "$tool is not installed"
done
cid_runtime=$programs/cid-runtime
ns_info=$programs/tests/ns_info
[[ -f $cid_runtime && -x $cid_runtime ]] || cid_runtime=$(command -v cid-runtime) ||
	bail 'cid-runtime not found; see --programs'
[[ -x $ns_info ]] || ns_info=$(command -v ns_info) ||
	bail 'ns_info not found; see --programs'

dir=$(mktemp -d)
chmod 755 "$dir"
echo 'annotations = 1' > "$dir/conf"
export CID_RUNTIME_CONFIG=$dir/conf
unset CID_RUNTIME CID_RUNTIME_DEBUG CID_RUNTIME_REQUIRE
nr=0
failed=0
seq=0

# What a check leaves that has failed would take CPU time and events from the next.
end_containers() {
	local real id

	for real in crun runc; do
		for id in $("$real" --root "$dir/$real" list -q); do
			"$real" --root "$dir/$real" delete --force "$id"
		done
		[[ ! -d $dir/podman ]] || podman_as "$real" rm --all --force --time 0
	done
} > /dev/null 2>&1

# To be called by the EXIT trap.
remove_containers() {
	end_containers
	rm -rf "$dir"
	rmdir /sys/fs/cgroup/cid-test
}

result() {	# word, claim, remark
	nr=$((nr + 1))
	[[ $1 == ok ]] || failed=1
	echo "$1 $nr - cid-runtime $2"
}

# Those that CID_RUNTIME_CLAIMS doesn't match are left out.
wanted() {	# claim
	# shellcheck disable=SC2053
	[[ $1 == ${CID_RUNTIME_CLAIMS:-*} ]]
}

# Each check is a function of its own; its stderr becomes the diagnosis.
check() {	# claim, command...
	local claim=$1 rc

	wanted "$claim" || return 0
	shift
	# in a condition, set -e would not count
	set +e
	( set -e; "$@" ) > "$dir/diagnosis" 2>&1
	rc=$?
	set -e
	if ((rc == 0)); then
		result ok "$claim"
	else
		result 'not ok' "$claim"
		sed 's/^/# /' "$dir/diagnosis"
		end_containers || true
	fi
}

skip() {	# claim, reason
	! wanted "$1" || result ok "$1 # SKIP $2"
}

expect() {	# what, got, want
	[[ $2 == "$3" ]] && return
	echo "$1: got \"$2\", want \"$3\""
	return 1
}

#
# Bundles and containers of the runtime under test, $real
#
mkdir -p "$dir/rootfs"/{bin,proc,sys,dev,tmp}
cp "$(command -v busybox)" "$dir/rootfs/bin/busybox"
for applet in sh cat sleep grep tail; do
	ln -s busybox "$dir/rootfs/bin/$applet"
done
tar -C "$dir/rootfs" -cf "$dir/rootfs.tar" .

# Makes bundle $dir/b; arguments: cgroup namespace (yes, no), annotations as
# JSON members, then the command. $resources is a JSON object of limits.
bundle() {
	local cgroupns='' notes=$2 args=''

	[[ $1 == no ]] || cgroupns=', { "type": "cgroup" }'
	shift 2
	for word; do
		args+=${args:+, }\"$word\"
	done
	seq=$((seq + 1))
	mkdir -p "$dir/b"
	cat > "$dir/b/config.json" <<JSON
{
	"ociVersion": "1.0.0",
	"process": { "terminal": false, "user": { "uid": 0, "gid": 0 },
		"args": [ $args ], "env": [ "PATH=/bin" ], "cwd": "/" },
	"root": { "path": "$dir/rootfs", "readonly": true },
	"hostname": "cid-test",
	"annotations": { $notes },
	"mounts": [
		{ "destination": "/proc", "type": "proc", "source": "proc" },
		{ "destination": "/dev", "type": "tmpfs", "source": "tmpfs" } ],
	"linux": {
		"cgroupsPath": "/cid-test/$real-$seq",
		${mappings:-}
		"resources": ${resources:-{\}},
		"namespaces": [ { "type": "pid" }, { "type": "ipc" },
			{ "type": "uts" }, { "type": "mount" }$cgroupns${namespaces:-} ]
	}
}
JSON
}

unwrapped() {
	"$real" --root "$dir/$real" "$@"
}

wrapped() {
	CID_RUNTIME=$real "$cid_runtime" --root "$dir/$real" "$@"
}

# Without a file behind it the container would keep the caller's pipe open.
create() {
	wrapped create --bundle "$dir/b" "$1" \
		< /dev/null > "$dir/create.log" 2>&1 || {
		cat "$dir/create.log"
		return 1
	}
}

init_of() {
	unwrapped state "$1" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p'
}

info() {	# field, pid
	"$ns_info" "$2" | sed -n "s/^$1=//p"
}

cgroup_inode() {	# pid
	stat -c %i "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")"
}

remove() {
	unwrapped delete --force "$1" > /dev/null 2>&1 || true
}

# A container gets into a state when it does, and not at once.
await() {	# state id
	local try

	for try in {1..300}; do
		unwrapped state "$2" 2> /dev/null |
			grep -q "\"status\": *\"$1\"" && return
		sleep 0.1
	done
	expect "state after $try looks" "$(unwrapped state "$2" 2>&1)" "$1"
}

#
# Engines
#
# By name: engines do not hand their environment to every call of a runtime.
for real in crun runc; do
	ln -s "$cid_runtime" "$dir/cid-runtime-$real"
done

podman_as() {	# runtime, arguments...
	local real=$1

	shift
	podman --storage-driver vfs --root "$dir/podman" \
		--runroot "$dir/podman-run" --cgroup-manager cgroupfs \
		--runtime "$dir/cid-runtime-$real" "$@"
}
