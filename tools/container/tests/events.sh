#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid events, as TAP. To be run as root, on a kernel with metrics namespaces;
# cid and cid-runtime are taken from PATH. Needs jq, python3, crun and setpriv.
set -euo pipefail

TOOL=events
LINKS=19
# shellcheck source=tools/container/tests/trace.sh
. "$(dirname "$0")/trace.sh"

# lines LABEL FILTER: how many lines of the container there are for which it holds
lines()
{
	jq -s --arg label "$1" "[.[] | select(.label == \$label) | select($2)] | length" \
		"$TMP/out"
}

# told LABEL FILTER: there is one, by now
told()
{
	(($(lines "$1" "$2") > 0))
}

# sum LABEL EVENT FIELD: of all its lines
sum()
{
	jq -s --arg label "$1" --arg event "$2" \
		"[.[] | select(.label == \$label and .event == \$event) | .$3 // 0] | add // 0" \
		"$TMP/out"
}

# names ID: the events of the container, in their order
names()
{
	jq -sc --argjson id "$1" '[.[] | select(.id == $id) | .event]' "$TMP/out"
}

whole_life()
{
	local id

	watch "$TMP/out"
	start whole
	id=$(id_of whole)
	cid enter whole -- true
	stop_started
	until_true told whole '.event == "gone"'
	watched
	same '["created","started","scoped","labelled","joined","ended","gone"]' \
		"$(names "$id")"
	# "cid enter" leaves nothing that would have to be joined again.
	jq -se --argjson id "$id" '[.[] | select(.id == $id)] |
		(.[0] | .parent_id == 0 and .comm == "cid") and
		(.[3] | .as == "whole" and .uid == 0) and
		(.[4] | .from_id == 0 and .comm == "cid") and
		([.[].at_usec] | . == sort) and
		(.[-1].lifetime_usec - (.[-1].at_usec - .[0].at_usec) | fabs) <= 1' "$TMP/out"
}

# The container that was started last ends, and not whoever watches it
stop_started()
{
	kill -TERM "${STARTED[-1]}"
	wait "${STARTED[-1]}" || true
	unset 'STARTED[-1]'
}

scope_is_its_cgroup()
{
	watch "$TMP/out"
	start scoped
	watched
	same 1 "$(lines scoped ".event == \"scoped\" and .cgroup == \"$(cgroup_of scoped)\"
		and .cgroup_id == $(stat -c %i "$CGROUPS$(cgroup_of scoped)")")"
}

# that was there before
frozen()
{
	local cgroup

	start cold
	cgroup=$CGROUPS$(cgroup_of cold)
	watch "$TMP/out"
	echo 1 >"$cgroup/cgroup.freeze"
	until_true told cold '.event == "frozen"'
	echo 0 >"$cgroup/cgroup.freeze"
	until_true told cold '.event == "thawed"'
	watched
	same '["frozen","thawed"]' "$(names "$(id_of cold)")"
}

frozen_from_above()
{
	above cold
	watch "$TMP/out"
	echo 1 >"$ABOVE/cgroup.freeze"
	until_true told cold '.event == "frozen"'
	echo 0 >"$ABOVE/cgroup.freeze"
	until_true told cold '.event == "thawed"'
	watched
	same 1 "$(lines cold '.event == "frozen"')"
}

# above LABEL...: containers in a cgroup, ABOVE, that isn't theirs
above()
{
	local label

	ABOVE=$CGROUPS/above-$BASHPID
	mkdir "$ABOVE"
	trap 'stop_all; rmdir "$ABOVE"/*/ "$ABOVE" || true' EXIT
	echo "+cpu +memory +pids" >"$CGROUPS/cgroup.subtree_control"
	echo "+cpu +memory +pids" >"$ABOVE/cgroup.subtree_control"
	for label in "$@"; do
		mkdir "$ABOVE/$label"
		start "$label" --scope "${ABOVE#"$CGROUPS"}/$label"
	done
}

write()
{
	echo "$1" >"$2"
}

limits()
{
	local cgroup

	start limited
	cgroup=$CGROUPS$(cgroup_of limited)
	watch "$TMP/out"
	echo 512M >"$cgroup/memory.max"
	echo "50000 100000" >"$cgroup/cpu.max"
	fails write much "$cgroup/memory.high"
	echo 1M >"$cgroup/memory.reclaim" || true
	cid enter limited -- true		# writes cgroup.procs
	watched
	same '["memory.max=512M",null,"cpu.max=50000 100000",null,"memory.high=much","EINVAL"]' \
		"$(jq -sc '[.[] | select(.label == "limited" and .event == "limit") |
			.file + "=" + .value, .error]' "$TMP/out")"
	same 0 "$(lines limited '.event == "written"')"
}

limits_from_above()
{
	above one two
	watch "$TMP/out"
	echo 1G >"$ABOVE/memory.max"
	watched
	for label in one two; do
		same 1 "$(lines "$label" ".event == \"limit\" and .value == \"1G\" and
			.cgroup == \"${ABOVE#"$CGROUPS"}\" and .file == \"memory.max\"")"
	done
	watch "$TMP/out" -c two
	echo 2G >"$ABOVE/memory.max"
	echo 1G >"$ABOVE/one/memory.max"
	watched
	same 1 "$(jq -s length "$TMP/out")"
	same 1 "$(lines two '.value == "2G"')"
}

# Who shares a cgroup shares its limits.
limits_of_two()
{
	above shared
	start guest --scope "${ABOVE#"$CGROUPS"}/shared"
	watch "$TMP/out"
	echo 1G >"$ABOVE/shared/memory.max"
	watched
	for label in shared guest; do
		same 1 "$(lines "$label" '.event == "limit" and .value == "1G"')"
	done
}

# Nested ones have their cgroups in those of the outer ones.
limits_at_the_top()
{
	local label

	above one two
	for label in one two; do
		cid enter "$label" -- cid run --label "in $label" -- sleep 1000 &
		STARTED+=($!)
		until_true runs_sleep "in $label"
	done
	watch "$TMP/out" --top
	echo 1G >"$ABOVE/memory.max"
	watched
	same '["one","two"]' "$(jq -sc '[.[] | select(.event == "limit") | .label] | sort' \
		"$TMP/out")"
}

ended()
{
	! kill -0 "$1"
}

# Who writes without end can't keep it from ending, nor hide that something was lost.
flooded()
{
	start flood
	cid events --json >"$TMP/out" 2>"$TMP/err" &
	WATCHER=$!
	STARTED+=("$WATCHER")
	until_true attached "$WATCHER"
	python3 -c 'import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY)
while True:
	try: os.pwrite(fd, b"x", 0)
	except OSError: pass' "$CGROUPS$(cgroup_of flood)/memory.max" &
	STARTED+=($!)
	cid run --label heard -- sleep 2
	kill -INT "$WATCHER"
	# What is in its buffer by then is told, which takes a debug kernel minutes.
	wait "$WATCHER"
	told flood '.event == "limit" and .error == "EINVAL"'
	told heard '.event == "started"' || grep 'events were not counted' "$TMP/err"
}

of_the_host()
{
	mkdir "$CGROUPS/host-$$"
	watch "$TMP/out" --host
	echo 1 >"$CGROUPS/host-$$/cgroup.max.depth"
	watched
	rmdir "$CGROUPS/host-$$"
	same 1 "$(jq -s '[.[] | select(.id == 0 and .event == "limit" and
		.file == "cgroup.max.depth")] | length' "$TMP/out")"
}

every_write()
{
	start writer
	watch "$TMP/out" --all
	cid enter writer -- true
	echo 1 >"$CGROUPS$(cgroup_of writer)/cgroup.kill"
	watched
	(($(lines writer '.event == "written" and .file == "cgroup.procs"') >= 1))
	same 1 "$(lines writer '.event == "killed" and .error == null')"
}

out_of_memory()
{
	watch "$TMP/out"
	cid run --label hungry --memory 32M -- tail /dev/zero || true
	until_true told hungry '.event == "gone"'
	watched
	same 1 "$(lines hungry '.event == "oom_kill" and .comm == "tail"')"
	told hungry '.event == "memory" and .what == "oom" and .times > 0'
	told hungry '.event == "memory" and .what == "max" and .times > 0'
	same "$(jq -s '[.[] | select(.event == "oom_kill") | .pid] | length' "$TMP/out")" \
		"$(sum hungry memory 'times * (if .what == "oom_kill" then 1 else 0 end)')"
}

too_many_processes()
{
	start full
	echo 4 >"$CGROUPS$(cgroup_of full)/pids.max"
	watch "$TMP/out"
	cid enter full -- sh -c 'for i in 1 2 3 4 5; do sleep 1 & done' || true
	until_true told full '.event == "pids_max"'
	watched
	same "$(sed -n 's/^max //p' "$CGROUPS$(cgroup_of full)/pids.events")" \
		"$(sum full pids_max times)"
}

# once a second, and no more often
# Besides, there is a line at the end.
once_a_second()
{
	jq -es --arg label "$1" --arg event "$2" \
		'[.[] | select(.label == $label and .event == $event) | .at_usec] |
		 length <= (last - first) / 1e6 + 2' "$TMP/out"
}

throttled()
{
	watch "$TMP/out"
	busy capped 3 --cpus 0.2
	watched
	same_throttling "$(sum capped throttled usec)"
	same 0 "$(lines capped ".event == \"throttled\" and
		.cgroup != \"$(cgroup_of capped)\"")"
	(($(sum capped throttled times) > 5))
	once_a_second capped throttled
}

throttled_from_above()
{
	above below
	watch "$TMP/out"
	echo "10000 100000" >"$ABOVE/cpu.max"
	cid enter below -- sh -c "$(loop 1)" || true
	watched
	told below ".event == \"throttled\" and .cgroup == \"${ABOVE#"$CGROUPS"}\" and .times > 0"
}

# All at once: who takes a page at a time, slowly, is let through.
slowed()
{
	start heavy
	echo 8M >"$CGROUPS$(cgroup_of heavy)/memory.high"
	watch "$TMP/out"
	cid enter heavy -- timeout 5 dd if=/dev/zero of=/dev/null bs=64M count=1 || true
	watched
	told heavy '.event == "slowed" and .usec > 0 and .times > 0'
	told heavy '.event == "memory" and .what == "high"'
}

# What one reads is evicted when another one needs room below the same limit.
taken_by_a_neighbour()
{
	local file

	above victim taker
	for file in victim taker; do
		head -c 24M /dev/urandom >"$HOME/$file"
	done
	sync "$HOME/victim" "$HOME/taker"
	echo 3 >/proc/sys/vm/drop_caches
	echo 40M >"$ABOVE/memory.max"
	watch "$TMP/out"
	cid enter victim -- cat "$HOME/victim" >/dev/null
	cid enter taker -- cat "$HOME/taker" >/dev/null
	watched
	rm "$HOME/victim" "$HOME/taker"
	(($(sum victim reclaimed pages) > 0))
	same 0 "$(lines victim ".event == \"reclaimed\" and .cgroup != null and
		.cgroup != \"${ABOVE#"$CGROUPS"}\"")"
}

# Each that is refused counts.
denied()
{
	start refused
	watch "$TMP/out"
	cid enter refused -- setpriv --bounding-set -sys_admin python3 -c 'import os
fd = os.open("/proc/self/ns/uts", os.O_RDONLY)
for i in range(7):
	try: os.setns(fd, os.CLONE_NEWUTS)
	except PermissionError: continue
	raise SystemExit(1)'
	watched
	same 7 "$(sum refused denied times)"
	same 1 "$(lines refused '.event == "denied" and .type == "uts" and
		.reason == "install" and .error == "EPERM"')"
	same 0 "$(lines refused '.event == "incapable"')"
}

incapable()
{
	LINKS=20
	start weak
	watch "$TMP/out" --all
	cid enter weak -- setpriv --reuid 65534 --clear-groups --bounding-set -all \
		sh -c 'echo x >/proc/sys/kernel/hostname' || true
	cid enter weak -- setpriv --reuid 65534 --clear-groups chroot / || true
	watched
	told weak '.event == "incapable" and .capability == "cap_sys_chroot"'
}

only_the_named()
{
	start wanted
	watch "$TMP/out" -c wanted
	cid run --label other -- true
	cid enter wanted -- true
	watched
	same '[["wanted","joined"]]' "$(jq -sc '[.[] | [.label, .event]]' "$TMP/out")"
}

# What happens to it, and what is written to its cgroup
followed()
{
	watch_next web
	start web
	echo 64M >"$CGROUPS$(cgroup_of web)/memory.max"
	until_true told web '.event == "limit" and .value == "64M"'
	watched
	same 1 "$(lines web '.event == "labelled" and .id == '"$(id_of web)")"
}

nested()
{
	local outer

	start outer
	outer=$(id_of outer)
	watch "$TMP/out" --top -c outer
	cid enter outer -- cid run --label inner -- true
	until_true told outer '.event == "gone"'
	watched
	same 1 "$(lines outer '.event == "created" and .nested_id > .id and
		.parent_id == .id')"
	same 1 "$(lines outer '.event == "labelled" and .as == "inner"')"
	same 1 "$(lines outer '.event == "gone" and .nested_id > .id')"
	same "[$outer]" "$(jq -sc '[.[].id] | unique' "$TMP/out")"
}

all_gone()
{
	(($(jq -s '[.[] | select(.event == "gone")] | length' "$TMP/out") == $1))
}

# Nobody waits for its label before it is told of.
many()
{
	watch "$TMP/out"
	for i in {1..20}; do
		cid run --label "many $i" -- true
	done
	until_true all_gone 20
	watched
	for event in created started ended gone; do
		same 20 "$(jq -s --arg event $event \
			'[.[] | select(.event == $event) | .id] | unique | length' "$TMP/out")"
	done
}

# An OCI runtime, through the wrapper
runtime()
{
	local id bundle=$TMP/bundle

	mkdir -p "$bundle/rootfs/bin"
	cp "$(command -v busybox)" "$bundle/rootfs/bin"
	(cd "$bundle" && crun spec)
	jq '.process.args = ["/bin/busybox", "sleep", "1000"] | .process.terminal = false |
		.linux.cgroupsPath = "/cid-events-job"' \
		"$bundle/config.json" >"$TMP/config"
	mv "$TMP/config" "$bundle/config.json"
	watch "$TMP/out"
	cid-runtime create --bundle "$bundle" job
	id=$(id_of job)
	cid-runtime start job
	cid-runtime pause job
	cid-runtime resume job
	cid-runtime update --memory 67108864 job
	cid-runtime exec job /bin/busybox true
	cid-runtime kill job KILL
	until_true cid-runtime delete job
	until_true told job '.event == "gone"'
	watched
	same '["created","started","flagged","labelled","joined","scoped","frozen","thawed","limit","joined","ended","gone"]' \
		"$(jq -sc --argjson id "$id" '[.[] | select(.id == $id) |
			select(.event != "denied" and .event != "memory" and .event != "killed") |
			select(.file // "memory.max" == "memory.max") | .event]' "$TMP/out")"
}

as_text()
{
	local cgroup

	cid events >"$TMP/out" &
	WATCHER=$!
	STARTED+=("$WATCHER")
	until_true attached "$WATCHER"
	start texted
	cgroup=$(cgroup_of texted)
	printf 'a\eb "c' >"$CGROUPS$cgroup/memory.max" || true
	watched
	grep -E '^TIME +CONTAINER +EVENT +DETAILS$' "$TMP/out"
	# Who tells of it may know its label already.
	grep -E '^[0-9]+\.[0-9]{6} +([0-9]+|texted \([0-9]+\)) +created +parent_id=0 pid=[0-9]+ comm=cid$' "$TMP/out"
	grep -E "^[0-9.]+ +texted \([0-9]+\) +scoped +pid=[0-9]+ comm=cid uid=0 cgroup_id=[0-9]+ cgroup=$cgroup\$" \
		"$TMP/out"
	grep -F 'error=EINVAL file=memory.max value=a\x1bb "c' "$TMP/out"
	same 0 "$(LC_ALL=C grep -c '[^ -~]' "$TMP/out" || true)"
}

claim "a whole life, in its order" whole_life
claim "the scope is its cgroup" scope_is_its_cgroup
claim "frozen and thawed" frozen
claim "frozen and thawed from above, once" frozen_from_above
claim "its limits, and what is no limit" limits
claim "limits of a cgroup above are those of all below" limits_from_above
claim "limits of a cgroup that two share" limits_of_two
claim "--top: a limit above is told once of each" limits_at_the_top
claim "one that writes without end" flooded
claim "--host: cgroups that are nobody's" of_the_host
claim "--all: whatever is written" every_write
claim "out of memory: who is killed" out_of_memory
claim "forks that are refused" too_many_processes
claim "throttled, as cpu.stat has it" throttled
claim "throttled by a limit above" throttled_from_above
claim "slowed down at memory.high" slowed
claim "memory that a neighbour takes" taken_by_a_neighbour
claim "what namespaces deny" denied
claim "--all: what takes a capability" incapable
claim "-c: only the containers that are named" only_the_named
claim "-c LABEL: who gets it later, too" followed
claim "--top: nested ones as the outermost" nested
claim "each of many" many
claim "from an OCI runtime's container" runtime
claim "text, whatever is written" as_text
claim "however it ends, nothing is left in the kernel" nothing_is_left
finish
