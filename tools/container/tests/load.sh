#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# All commands of cid that watch, at once, while containers full of tasks begin and end, as
# TAP. To be run as root, on a kernel with metrics namespaces; cid is taken from PATH.
# Needs jq. CID_LOAD_CONTAINERS is how many (10), each with ten tasks; CID_LOAD_SECONDS for
# how long (3).
set -euo pipefail

TOOL=watching
CONTAINERS=${CID_LOAD_CONTAINERS:-10}
TASKS=10	# in each
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

has_links()
{
	grep -qs '^link_id:' /proc/"$1"/fdinfo/*
}

watch_all()
{
	local tool

	WATCHERS=()
	for tool in "${COUNTING[@]}"; do
		cid "$tool" --json >"$TMP/$tool" 2>"$TMP/$tool.err" &
		WATCHERS+=($!)
	done
	cid fsslower --json -m 1000 >"$TMP/fsslower" 2>"$TMP/fsslower.err" &
	WATCHERS+=($!)
	cid events --json >"$TMP/events" 2>"$TMP/events.err" &
	WATCHERS+=($!)
	STARTED+=("${WATCHERS[@]}")
	for tool in "${WATCHERS[@]}"; do
		until_true has_links "$tool"
	done
	# all of its links
	sleep 2
}

# Each says of all containers what it has counted, and what it has not.
all_is_told()
{
	local before tool

	before=$(nr_programs)
	watch_all
	load
	kill -INT "${WATCHERS[@]}"
	wait "${WATCHERS[@]}"
	for tool in runqlat cpudist offcpu fsdist syscalls profile; do
		say "$tool: $(jq -c '[.lost, (.containers | length)]' "$TMP/$tool")"
		same "$CONTAINERS" "$(jq '[.containers[].label | select(. != null) |
			select(startswith("load"))] | unique | length' "$TMP/$tool")"
	done
	same 0 "$(wc -c <"$TMP/events.err")"
	for tool in created labelled scoped started; do
		same "$CONTAINERS" "$(jq -s --arg event "$tool" '[.[] |
			select(.event == $event) | .id] | unique | length' "$TMP/events")"
	done
	for tool in "${COUNTING[@]}"; do
		if (($(jq .lost "$TMP/$tool"))); then
			grep -q 'were not counted, for want of memory' "$TMP/$tool.err"
		else
			same 0 "$(wc -c <"$TMP/$tool.err")"
		fi
	done
	until_true as_before "$before"
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
claim "killed under load they leave nothing in the kernel" killed
finish
