#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each event of namespaces and of limits, from containers of the real runtimes.
# shellcheck disable=SC2317  # the checks are called through check
set -euo pipefail

usage() {
	cat <<'USAGE'
Usage: events.sh [--programs DIR]
Run containers of crun, runc and podman through cid-runtime and see that what
happens to them is told by the events of the kernel, with the IDs and pids of the
container. Needs root, a kernel with metrics namespaces and the events, cgroup v2
on /sys/fs/cgroup, a disk below /var/tmp, busybox-static, crun, runc and podman.
TAP on stdout.

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

# What there is to be seen: each event that the series adds, or adds a field to
EVENTS=(
	namespace_create namespace_free namespace_active namespace_inactive
	namespace_switch namespace_install namespace_denied
	metrics_ns_create metrics_ns_set
	cgroup_fork_into cgroup_file_write pids_max
	memcg_event memcg_high_throttle memcg_reclaim memcg_refault
	mark_victim cap_capable
	throttle unthrottle throttle_task
)
TYPES=(pid mnt uts ipc cgroup metrics)

tracefs=/sys/kernel/tracing
trace=$tracefs/instances/cid-test-$$
# pages that can be evicted without swap need a disk
disk=$(mktemp -d /var/tmp/cid-test-XXXXXX)

cleanup() {
	set +e
	remove_containers
	trace_stop
	remove_probes
	rm -rf "$disk"
} > /dev/null 2>&1
trap cleanup EXIT

#
# What the kernel tells, in a tracefs instance of our own
#

# The scheduler's tracepoints have no events but those that are made of them.
add_probes() {
	local name

	for name in 'throttle sched_cfs_throttle_tp cgroup_id quota period' \
			'unthrottle sched_cfs_unthrottle_tp cgroup_id throttled' \
			'throttle_task sched_cfs_throttle_task_tp cgroup_id pid=p->pid'; do
		echo "t:cid_test/$name" >> "$tracefs/dynamic_events" || return 1
	done
}

remove_probes() {
	local name

	for name in throttle unthrottle throttle_task; do
		echo "-:cid_test/$name" >> "$tracefs/dynamic_events"
	done
}

trace_make() {
	trace_stop	# of a check that has failed
	mkdir "$trace"
	# of what is asked for on each path, only what was refused is news
	echo 'ret != 0' > "$trace/events/capability/cap_capable/filter"
}

trace_start() {
	local event

	trace_make
	for event in namespace metrics_ns cgroup/cgroup_{mkdir,rmdir} \
			cgroup/cgroup_{attach_task,fork_into,file_write} \
			cgroup/{cgroup_notify_frozen,pids_max} \
			memcg/memcg_{event,high_throttle} \
			vmscan/memcg_{reclaim,refault} oom/mark_victim \
			capability/cap_capable cid_test; do
		echo 1 > "$trace/events/$event/enable"
	done
}

trace_stop() {
	[[ -d $trace ]] || return 0
	echo 0 > "$trace/events/enable"
	rmdir "$trace"
}

# Namespaces that have a beginning and no end yet
unfreed() {
	comm -23 \
		<(sed -n 's/.* namespace_create: \(ns_id=[0-9]*\) .*/\1/p' \
			"$trace/trace" | sort) \
		<(sed -n 's/.* namespace_free: \(ns_id=[0-9]*\) .*/\1/p' \
			"$trace/trace" | sort)
}

# Many are freed by a kworker.
all_freed() {
	local try

	for try in {1..100}; do
		[[ -n $(unfreed) ]] || return 0
		sleep 0.1
	done
	expect "namespaces that are left after $try looks" "$(unfreed)" ''
}

told() {	# regular expression
	grep -Eq " $1" "$trace/trace"
}

# Looks up to as many times: of a container that goes on by itself, an event comes when
# it does. What has been seen isn't looked for again, as a buffer that is full loses it.
looked() {	# times, what, regular expression...
	local times=$1 what=$2 re try

	shift 2
	for re; do
		for ((try = 0; try < times; try++)); do
			if told "$re"; then
				re=${re%%:*}
				echo "${re##* }" >> "$dir/seen"
				continue 2
			fi
			sleep 0.1
		done
		echo "$what: no event like: $re"
		grep -v '^#' "$trace/trace" | tail -n 40
		return 1
	done
}

happens() {	# what, regular expression...
	looked 300 "$@"
}

happened() {	# what, regular expression...
	looked 1 "$@"
}

by() {	# pid, regular expression: of the event whose task it is
	echo ".*-$1 +\\[[0-9]+\\] .* $2"
}

# ID of a namespace that a process is in, and that was made while tracing
ns_id() {	# pid, type
	local inum

	inum=$(stat -Lc %i "/proc/$1/ns/$2")
	sed -n "s/.* namespace_create: ns_id=\\([0-9]*\\) type=$2 inum=$inum .*/\\1/p" \
		"$trace/trace" | tail -n 1
}

# The cgroups that were made for a container: an expression for their IDs
cgroups_of() {	# id
	sed -n "s/.* cgroup_mkdir: root=0 \\(id=[0-9]*\\) .*$1.*/\\1/p" \
		"$trace/trace" | paste -sd '|'
}

#
# Checks
#

# With the events off, a container leaves no trace.
nothing_told() {
	trace_make
	bundle yes '' sleep 300
	create quiet
	wrapped start quiet
	wrapped exec quiet sh -c 'exit 0'
	wrapped delete --force quiet
	expect 'events that are off' "$(grep -v '^#' "$trace/trace")" ''
	trace_stop
}

# From beginning to end, of the namespaces whose IDs are in the caller's ids
lives_happened() {	# type...
	local type

	for type; do
		happened "its $type namespace" \
			"namespace_create: ns_id=${ids[$type]} type=$type " \
			"namespace_active: ns_id=${ids[$type]} type=$type$" \
			"namespace_switch: .* type=$type .* new_id=${ids[$type]}$" \
			"namespace_inactive: ns_id=${ids[$type]} type=$type$" \
			"namespace_free: ns_id=${ids[$type]} type=$type "
	done
}

# From its creation to its end, each state of a container has its event.
life_in_events() {
	local id=life-$real pid ns cgroup type
	local -A ids=()

	trace_start
	bundle yes '' sleep 300
	create "$id"
	wrapped start "$id"
	pid=$(init_of "$id")
	ns=$(info id "$pid")
	cgroup=$(cgroup_inode "$pid")
	for type in "${TYPES[@]}"; do
		ids[$type]=$(ns_id "$pid" "$type")
	done
	wrapped update --memory 67108864 "$id"
	wrapped pause "$id"
	wrapped resume "$id"
	wrapped kill "$id" KILL
	await stopped "$id"
	wrapped delete "$id"
	all_freed
	happened created "metrics_ns_create: id=$ns "
	happened labelled "metrics_ns_set: id=$ns set=label.* label=$id$"
	happened scoped "metrics_ns_set: id=$ns set=scope cgroup_id=$cgroup "
	lives_happened "${TYPES[@]}"
	expect 'its metrics namespace' "${ids[metrics]}" "$ns"
	happened 'limit changed' \
		"cgroup_file_write: root=0 id=$cgroup file=memory.max ret=8 value=67108864$"
	happened 'frozen and thawed' \
		"cgroup_notify_frozen: root=0 id=$cgroup .* val=1$" \
		"cgroup_notify_frozen: root=0 id=$cgroup .* val=0$"
	happened gone "cgroup_rmdir: root=0 id=$cgroup "
	trace_stop
}

# What a container has where it asks for more, by a command that does it all
run_in_events() {
	local id=run-$real pid type types=(net user)
	local map='[ { "containerID": 0, "hostID": 0, "size": 65536 } ]'
	local namespaces=', { "type": "network" }, { "type": "user" }'
	local mappings="\"uidMappings\": $map, \"gidMappings\": $map,"
	local -A ids=()

	# runc has learnt that later than trixie's
	if [[ $real == crun ]]; then
		namespaces+=', { "type": "time" }'
		types+=(time)
	fi
	trace_start
	bundle yes '' sleep 300
	wrapped run --detach -b "$dir/b" "$id" < /dev/null > /dev/null 2>&1
	pid=$(init_of "$id")
	for type in "${types[@]}"; do
		ids[$type]=$(ns_id "$pid" "$type")
	done
	wrapped delete --force "$id"
	all_freed
	lives_happened "${types[@]}"
	trace_stop
}

# crun has its child born in the cgroup: its clone3(2) has CLONE_INTO_CGROUP. runc
# 1.1 has it moved, by a write to cgroup.procs; a later one may be like crun.
in_cgroup() {	# pid, cgroup
	case $real in
	crun) happened 'born in its cgroup' \
		"cgroup_fork_into: dst_root=0 dst_id=$2 .* pid=$1 " ;;
	runc) happened 'in its cgroup' \
		"cgroup_(attach_task|fork_into): dst_root=0 dst_id=$2 .* pid=$1 " ;;
	esac
}

first_in_events() {
	local id=first-$real pid

	trace_start
	bundle yes '' sleep 300
	create "$id"
	pid=$(init_of "$id")
	# what runc moves is the parent of that
	[[ $real == crun ]] || pid='[0-9]+'
	in_cgroup "$pid" "$(cgroup_inode "$(init_of "$id")")"
	remove "$id"
	trace_stop
}

# The process of the runtime that enters a container's namespaces. What it becomes
# is its child, as nobody changes his own pid namespace.
joiner_of() {	# pid
	sed -n "s/.* namespace_install: pid=\\([0-9]*\\) ns_id=$(ns_id "$1" pid) type=pid ret=0$/\\1/p" \
		"$trace/trace"
}

# Who joins a container is granted each of its namespaces, and then is in it.
joined() {	# pid of who is in there, and hasn't made its namespaces
	local joiner type ns

	joiner=$(joiner_of "$1")
	expect 'who entered its pid namespace' "$(wc -w <<< "$joiner")" 1
	for type in "${TYPES[@]}"; do
		ns=$(ns_id "$1" "$type")
		# what enters the metrics namespace becomes the runtime
		[[ $type != metrics ]] || joiner='[0-9]+'
		happened "enters the $type namespace" \
			"namespace_install: pid=$joiner ns_id=$ns type=$type ret=0$" \
			"namespace_switch: pid=$joiner tgid=$joiner type=$type old_id=[0-9]+ new_id=$ns$"
	done
}

exec_in_events() {
	local id=exec-$real pid

	trace_start
	bundle yes '' sleep 300
	create "$id"
	wrapped start "$id"
	wrapped exec --detach --pid-file "$dir/pid" "$id" sleep 300 \
		< /dev/null > /dev/null 2>&1
	pid=$(cat "$dir/pid")
	joined "$pid"
	[[ $real != crun ]] || pid=$(joiner_of "$pid")
	in_cgroup "$pid" "$(cgroup_inode "$(init_of "$id")")"
	remove "$id"
	trace_stop
}

# A process that makes more of them than it may
bomb='bomb() { bomb | bomb & }; bomb; sleep 300'

bomb_in_events() {
	local id=bomb-$real cgroup

	trace_start
	resources='{ "pids": { "limit": 8 } }' bundle yes '' sh -c "$bomb"
	create "$id"
	cgroup=$(cgroup_inode "$(init_of "$id")")
	wrapped start "$id"
	happens 'no more processes' "pids_max: root=0 id=$cgroup limit_id=$cgroup$"
	remove "$id"
	trace_stop
}

oom_in_events() {
	local id=oom-$real cgroup pid

	trace_start
	resources='{ "memory": { "limit": 16777216, "swap": 16777216 } }' \
		bundle yes '' tail /dev/zero
	create "$id"
	pid=$(init_of "$id")
	cgroup=$(cgroup_inode "$pid")
	wrapped start "$id"
	await stopped "$id"
	happened 'out of memory' \
		"$(by "$pid" "memcg_event: memcg_id=$cgroup event=max$")" \
		"$(by "$pid" "memcg_event: memcg_id=$cgroup event=oom$")" \
		"memcg_event: memcg_id=$cgroup event=oom_kill$" \
		"mark_victim: pid=$pid .* memcg_id=$cgroup$"
	remove "$id"
	trace_stop
}

#
# podman
#
podman_run() {	# option or argument...
	rm -f "$dir/cid"	# of a check that has failed
	podman_as crun run --cidfile "$dir/cid" --network none "$@" > /dev/null
}

podman_end() {
	podman_as crun rm -f -t 0 "$(cat "$dir/cid")" > /dev/null
	trace_stop
}

podman_fails() {	# argument...
	local code=0

	podman_as crun "$@" || code=$?
	((code))
}

podman_pid() {
	podman_as crun inspect -f '{{.State.Pid}}' "$(cat "$dir/cid")"
}

podman_image() {
	podman_as crun import "$dir/rootfs.tar" cid-test > /dev/null
}

podman_exec() {
	local pid

	trace_start
	podman_run -d cid-test sleep 300
	podman_as crun exec -d "$(cat "$dir/cid")" sleep 299 > /dev/null
	pid=$(pgrep -xf 'sleep 299')
	joined "$pid"
	in_cgroup "$(joiner_of "$pid")" "$(cgroup_inode "$pid")"
	podman_end
}

podman_update() {
	local cgroup

	trace_start
	podman_run -d --memory 64m cid-test sleep 300
	cgroup=$(cgroup_inode "$(podman_pid)")
	podman_as crun update --memory 48m "$(cat "$dir/cid")" > /dev/null
	happened 'limit set and changed' \
		"cgroup_file_write: root=0 id=$cgroup file=memory.max ret=8 value=67108864$" \
		"cgroup_file_write: root=0 id=$cgroup file=memory.max ret=8 value=50331648$"
	podman_end
}

podman_bomb() {
	local cgroup

	trace_start
	podman_run -d --pids-limit 8 cid-test sh -c "sleep 1; $bomb"
	cgroup=$(cgroup_inode "$(podman_pid)")
	happens 'no more processes' "pids_max: root=0 id=$cgroup limit_id=$cgroup$"
	podman_end
}

podman_oom() {
	local code=0

	trace_start
	podman_run --memory 16m --memory-swap 16m cid-test tail /dev/zero || code=$?
	expect 'exit code of tail' "$code" 137
	happened 'out of memory' \
		"memcg_event: memcg_($(cgroups_of "$(cat "$dir/cid")")) event=oom$" \
		"mark_victim: .* memcg_($(cgroups_of "$(cat "$dir/cid")"))$"
	podman_end
}

# A process that reads a file again and again, for which there is no room, evicts
# what it needs next.
podman_evicts() {
	local cgroup

	trace_start
	truncate -s 24M "$disk/file"
	podman_run -d --memory 16m --memory-swap 16m -v "$disk:/tmp" cid-test \
		sh -c 'while :; do cat /tmp/file; done > /dev/null'
	cgroup=$(cgroup_inode "$(podman_pid)")
	happens 'pages go and come back' \
		"memcg_event: memcg_id=$cgroup event=max$" \
		"memcg_reclaim: target_id=$cgroup victim_id=$cgroup .* nr_reclaimed=[1-9][0-9]* .* type=file$" \
		"memcg_refault: memcg_id=$cgroup evictor_id=($cgroup|0) .* type=file .*"
	podman_end
}

podman_high() {
	local cgroup pid

	trace_start
	podman_run -d --cgroup-conf memory.high=8388608 cid-test \
		sh -c 'sleep 1; exec tail /dev/zero'
	pid=$(podman_pid)
	cgroup=$(cgroup_inode "$pid")
	happens 'slowed down' \
		"memcg_event: memcg_id=$cgroup event=high$" \
		"$(by "$pid" "memcg_high_throttle: memcg_id=$cgroup penalty_us=[1-9][0-9]*$")"
	podman_end
}

podman_throttled() {
	local cgroup pid

	trace_start
	podman_run -d --cpus 0.2 cid-test sh -c 'sleep 1; while :; do :; done'
	pid=$(podman_pid)
	cgroup=$(cgroup_inode "$pid")
	happens 'throttled' \
		"throttle: .* cgroup_id=$cgroup quota=20000000 period=100000000$" \
		"throttle_task: .* cgroup_id=$cgroup pid=$pid$" \
		"unthrottle: .* cgroup_id=$cgroup throttled=[1-9][0-9]*$"
	podman_end
}

# In a user namespace of its own, the container may set a limit for itself.
podman_denied_limit() {
	local user

	trace_start
	podman_run -d --privileged --uidmap 0:100000:65536 \
		--gidmap 0:100000:65536 cid-test sleep 300
	user=$(ns_id "$(podman_pid)" user)
	podman_fails exec --privileged "$(cat "$dir/cid")" sh -c \
		'echo 0 > /proc/sys/user/max_uts_namespaces; unshare -u true'
	happened 'no more namespaces' \
		"namespace_denied: pid=[0-9]+ type=uts ns_id=$user reason=limit ret=-28$"
	podman_end
}

# Without CAP_SYS_ADMIN, which a container doesn't have, it enters nothing. Its
# seccomp filter would refuse that already, which no event tells.
podman_denied_setns() {
	local init user uts

	trace_start
	podman_run -d --security-opt seccomp=unconfined \
		--uidmap 0:100000:65536 --gidmap 0:100000:65536 \
		cid-test sleep 300
	init=$(podman_pid)
	user=$(ns_id "$init" user)
	uts=$(ns_id "$init" uts)
	podman_fails exec "$(cat "$dir/cid")" nsenter -t 1 -u true
	happened 'setns(2) refused' \
		"namespace_install: pid=[0-9]+ ns_id=$uts type=uts ret=-1$" \
		"namespace_denied: pid=[0-9]+ type=uts ns_id=$uts reason=install ret=-1$"
	# CAP_SYS_ADMIN
	happened 'capability missing' \
		"cap_capable: .* cap 21, ret -1, target_ns_id $user, capable_ns_id 0$"
	podman_end
}

# An event that none of the above has seen, or that the list lacks
all_seen() {
	local event path

	expect 'events that were not seen' "$(comm -23 \
		<(printf '%s\n' "${EVENTS[@]}" | sort) \
		<(sort -u "$dir/seen"))" ''
	for path in "$tracefs"/events/{namespace,metrics_ns}/*/; do
		event=$(basename "$path")
		[[ " ${EVENTS[*]} " == *" $event "* ]] || {
			echo "$event isn't listed"
			return 1
		}
	done
}

for applet in nsenter unshare true; do
	ln -sf busybox "$dir/rootfs/bin/$applet"
done
tar -C "$dir/rootfs" -cf "$dir/rootfs.tar" .
remove_probes 2> /dev/null || true	# of a run that was killed
add_probes || bail 'no probe events of tracepoints: CONFIG_FPROBE_EVENTS'

echo 'TAP version 13'
for real in crun runc; do
	check "$real: events that are off tell nothing" nothing_told
	check "$real: the life of a container, as events" life_in_events
	check "$real: run, with network, user and time namespaces" run_in_events
	check "$real: how its first process comes into its cgroup" first_in_events
	check "$real: who joins a container, as events" exec_in_events
	check "$real: a fork bomb meets its limit, as events" bomb_in_events
	check "$real: a container out of memory, as events" oom_in_events
done
real=crun
check 'podman: the image can be had' podman_image
check 'podman: who joins a container, as events' podman_exec
check 'podman: a changed limit, as events' podman_update
check 'podman: a fork bomb meets its limit, as events' podman_bomb
check 'podman: a container out of memory, as events' podman_oom
check 'podman: pages go and come back, as events' podman_evicts
check 'podman: a container over memory.high, as events' podman_high
check 'podman: a container without CPU time, as events' podman_throttled
check 'podman: a limit of namespaces, as an event' podman_denied_limit
check 'podman: setns(2) without the capability, as events' podman_denied_setns
check 'each event has been seen from a container' all_seen
echo "1..$nr"
exit "$failed"
