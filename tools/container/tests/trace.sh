#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the tests of the commands of cid that watch by BPF have in common, to be sourced
# by them with TOOL, the command, and LINKS, how many programs it attaches, set.

ABOUT="Tests cid $TOOL"
NAME="cid $TOOL"
export CGROUPS=/sys/fs/cgroup
# shellcheck source=tools/container/tests/claim.sh
. "$(dirname "$0")/claim.sh"

# busy LABEL SEC OPTION...: a container that is busy for that time, and then still
# there, so that its cgroup can be read
busy()
{
	local label=$1 seconds=$2
	shift 2

	cid run --label "$label" "$@" -- sh -c "$(loop "$seconds"); exec sleep 1000" &
	STARTED+=($!)
	until_true runs_sleep "$label"
}

loop()
{
	echo "timeout $1 sh -c 'while :; do :; done'"
}

# Its programs are attached: it has a link for each; and it knows what there is: it waits,
# in poll(2) or ppoll(2).
attached()
{
	(($(cat /proc/"$1"/fdinfo/* 2>/dev/null | grep -c '^link_id:') >= LINKS)) &&
		grep -qE '^(7|271) ' "/proc/$1/syscall"
}

# watch FILE OPTION...: starts to watch; its PID is WATCHER
watch()
{
	local file=$1
	shift

	cid "$TOOL" --json "$@" >"$file" &
	WATCHER=$!
	STARTED+=("$WATCHER")
	until_true attached "$WATCHER"
}

# watch_next LABEL: that label, of which the container that had it is gone
watch_next()
{
	start "$1"
	watch "$TMP/out" -c "$1"
	kill "${STARTED[0]}"
	wait "${STARTED[0]}" || true
	until_true fails id_of "$1"
}

watched()
{
	kill -INT "$WATCHER"
	wait "$WATCHER"
}

cgroup_of()
{
	cid ls --json | jq -er --arg label "$1" \
		'.[] | select(.label == $label) | .cgroup'
}

# stat_of LABEL NAME: what its cgroup has counted in cpu.stat
stat_of()
{
	sed -n "s/^$2 //p" "$CGROUPS$(cgroup_of "$1")/cpu.stat"
}

# same_throttling USEC: as cpu.stat of the container "capped" has it, but for a period of
# cpu.max at each end, and for what passes each time until the task leaves its CPU, which
# it does when it returns from the kernel
same_throttling()
{
	local usec

	usec=$(stat_of capped throttled_usec)
	near "$1" "$usec" $((200000 + usec / 5))
}

# of FILE LABEL WHAT: of the only object there, of the container
of()
{
	jq -e --arg label "$2" \
		".containers[] | select(.label == \$label) | $3" "$1"
}

# near NUMBER OTHER DIFFERENCE
near()
{
	say "$1 and $2"
	(($1 - $2 <= $3 && $2 - $1 <= $3))
}

# How a command ends, and how it refuses, is trace.c's: it is tested once for each way in
# which programs are attached, and for each of the two ways in which results come.
nr_programs()
{
	perl -e '
		# BPF_PROG_GET_NEXT_ID by bpf(2)
		for (my $n = 0, my $id = 0;; $n++) {
			my $attr = pack("LLL", $id, 0, 0);
			syscall(321, 11, $attr, length($attr)) && do {
				print "$n\n";
				exit;
			};
			$id = (unpack("LLL", $attr))[1];
		}'
}

as_before()
{
	[[ $(nr_programs) == "$1" ]]
}

nothing_is_left()
{
	local before signal
	before=$(nr_programs)

	for signal in INT TERM KILL; do
		watch "$TMP/out"
		(($(nr_programs) > before))
		kill "-$signal" "$WATCHER"
		wait "$WATCHER" || [[ $signal == KILL ]]
		until_true as_before "$before"
	done
}

refuses()
{
	local want=$1 text=$2 got=0
	shift 2

	"$@" >"$TMP/out" 2>"$TMP/err" || got=$?
	same "$want" "$got"
	same 0 "$(wc -c <"$TMP/out")"
	grep -F -- "$text" "$TMP/err"
}

bad_arguments()
{
	refuses 1 "there is no container 'nobody'" cid "$TOOL" -d 1 -c nobody
	refuses 2 "'soon' is not a number of seconds" cid "$TOOL" -d soon
	refuses 2 "'0' is not a number of seconds" cid "$TOOL" -d 0
	refuses 2 "'more': no argument is expected" cid "$TOOL" more
	refuses 1 "run it as root" setpriv --reuid 65534 --clear-groups \
		"$(command -v cid)" "$TOOL" -d 1
}
