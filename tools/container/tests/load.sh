#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# All commands of cid that watch, at once, while containers full of tasks begin and end, as
# TAP. To be run as root, on a kernel with metrics namespaces; cid is taken from PATH.
# Needs jq. CID_LOAD_CONTAINERS is how many (10), each with ten tasks; CID_LOAD_SECONDS for
# how long (3).
set -euo pipefail

TOOL=watching
LINKS=1	# at least; it makes all before it waits
CONTAINERS=${CID_LOAD_CONTAINERS:-10}
TASKS=10	# in each
CALLS=10000	# of each task that does one thing only
SECONDS_OF_LOAD=${CID_LOAD_SECONDS:-3}
COUNTING=(runqlat cpudist offcpu bio fsdist syscalls net profile)
# shellcheck source=tools/container/tests/trace.sh
. "$(dirname "$0")/trace.sh"

# Each task runs a program that is gone at once, again and again, for as long as it takes.
load()
{
	local i pids=()

	for ((i = 0; i < CONTAINERS; i++)); do
		# shellcheck disable=SC2016	# expanded inside
		cid run --label "load$i" -- sh -c '
			for i in $(seq "$1"); do
				timeout "$2" sh -c "while :; do /bin/true; done" &
			done
			wait' sh "$TASKS" "$SECONDS_OF_LOAD" &
		pids+=($!)
		STARTED+=($!)
	done
	wait "${pids[@]}"
}

# begin TOOL OPTION...: and wait until it watches
begin()
{
	cid "$1" --json "${@:2}" >"$TMP/$1" 2>"$TMP/$1.err" &
	WATCHERS+=($!)
	STARTED+=($!)
	until_true attached "$!"
}

# One after another: where the kernel checks itself, to load programs while others watch
# the loader takes minutes.
watch_all()
{
	local tool

	WATCHERS=()
	for tool in "${COUNTING[@]}"; do
		begin "$tool"
	done
	begin fsslower -m 1000
	begin events
}

# losses FILE KIND: what the command has said in it to be lost or missed, in all
losses()
{
	local of='were not counted'

	[[ $2 == lost ]] || of='were missed'
	sed -n "/$of/s/^[^0-9]* \([0-9]*\) .*/\1/p" "$1" | awk '{ sum += $1 } END { print sum + 0 }'
}

# What could not be counted is said, and nothing else.
says_losses()
{
	local kind

	for kind in lost missed; do
		same "$(jq ".$kind // 0" "$TMP/$1")" "$(losses "$TMP/$1.err" "$kind")"
	done
	same 0 "$(grep -cv 'were not counted\|were missed' "$TMP/$1.err")"
}

# Each says of all containers what it has counted, and what it has not.
all_is_told()
{
	local before tool told

	before=$(nr_programs)
	watch_all
	load
	kill -INT "${WATCHERS[@]}"
	wait "${WATCHERS[@]}"
	for tool in runqlat cpudist offcpu fsdist syscalls profile; do
		say "$tool: $(jq -c '[.lost, .missed, (.containers | length)]' "$TMP/$tool")"
		told=$(jq '[.containers[].label | select(. != null) |
			select(startswith("load"))] | unique | length' "$TMP/$tool")
		# Where the kernel checks itself, profile loses most of its samples.
		if [[ $(jq '(.lost // 0) + (.missed // 0)' "$TMP/$tool") == 0 ]]; then
			same "$CONTAINERS" "$told"
		else
			((told <= CONTAINERS))
		fi
	done
	for tool in created labelled scoped started; do
		told=$(jq -s --arg event "$tool" '[.[] | select(.event == $event) | .id] |
			unique | length' "$TMP/events")
		say "events: $tool: $told; $(cat "$TMP/events.err")"
		((told <= CONTAINERS))
		((told + $(losses "$TMP/events.err" lost) +
			$(losses "$TMP/events.err" missed) >= CONTAINERS))
	done
	for tool in "${COUNTING[@]}"; do
		says_losses "$tool"
	done
	until_true as_before "$before"
}

# each_of TOOL ROW CODE: what perl does CALLS times in containers of 8 tasks a CPU, is
# counted in that row, or said to be missed
each_of()
{
	local tool=$1 row=$2 code=$3 i pids=() counted not

	WATCHERS=()
	begin "$tool"
	for ((i = 0; i < $(nproc) * 8; i++)); do
		cid run --label calls -- perl -e "$code for 1 .. $CALLS" &
		pids+=($!)
		STARTED+=($!)
	done
	wait "${pids[@]}"
	kill -INT "${WATCHERS[@]}"
	wait "${WATCHERS[@]}"
	counted=$(jq "[.containers[] | select(.label == \"calls\").rows[] |
		select($row).count] | add" "$TMP/$tool")
	not=$(jq '.lost + .missed' "$TMP/$tool")
	say "$counted were counted, $not were not"
	((counted <= i * CALLS))
	((counted + not >= i * CALLS))
	says_losses "$tool"
}

each_call()
{
	each_of syscalls '.syscall == "getppid"' 'syscall(110)'
}

# Of a file system that the container's programs aren't on
each_read()
{
	local file
	file=$(mktemp -p /dev/shm)
	# shellcheck disable=SC2064	# of this one
	trap "rm '$file'; stop_all" EXIT

	each_of fsdist '.filesystem == "tmpfs" and .operation == "read"' \
		"BEGIN { open(FILE, '$file') } sysread(FILE, \$byte, 1)"
}

killed()
{
	local before

	before=$(nr_programs)
	watch_all
	load &
	sleep 2
	kill -KILL "${WATCHERS[@]}"
	wait "${WATCHERS[@]}" || true
	wait $!
	until_true as_before "$before"
}

claim "$CONTAINERS containers with $((CONTAINERS * TASKS)) tasks: all is counted, or said to be lost" all_is_told
claim "each system call is counted, or said to be missed" each_call
claim "each read is counted, or said to be missed" each_read
claim "killed under load they leave nothing in the kernel" killed
finish
