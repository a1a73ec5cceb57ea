#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of what the documents say of perf, as TAP. To be run as root, on a kernel with
# metrics namespaces; cid is taken from PATH. Needs perf and jq.
set -euo pipefail

ABOUT="Tests perf with containers"
NAME=perf
# shellcheck source=tools/container/tests/claim.sh
. "$(dirname "$0")/claim.sh"

# A file of its own, and no cache of what was executed in the user's home
export HOME=$TMP

# record OPTION...: starts to; its PID is RECORDER. It says when the events are on.
record()
{
	rm -f "$TMP/ctl" "$TMP/ack"
	mkfifo "$TMP/ctl" "$TMP/ack"
	exec 8<>"$TMP/ctl" 9<>"$TMP/ack"
	perf record -q -N -a -D -1 --control "fifo:$TMP/ctl,$TMP/ack" -o "$TMP/data" "$@" &
	RECORDER=$!
	STARTED+=("$RECORDER")
	echo enable >&8
	timeout 60 grep -q -m 1 ack <&9
}

# recorded FIELDS: ends, and prints what there is
recorded()
{
	kill -INT "$RECORDER"
	wait "$RECORDER" || true
	perf script -i "$TMP/data" -F "$1" >"$TMP/out"
}

# As in Documentation/trace/following-containers.rst
follows()
{
	local id instance=/sys/kernel/tracing/instances/perf-test

	# It is freed when nobody looks at it any more: who sees that before perf ends
	mkdir "$instance"
	at_end rmdir "$instance"
	echo 1 >"$instance/events/namespace/namespace_free/enable"
	record -e namespace:namespace_free --filter 'type == 0x40' \
		-e metrics_ns:metrics_ns_create,metrics_ns:metrics_ns_set
	start followed
	id=$(id_of followed)
	kill "${STARTED[-1]}"
	wait "${STARTED[-1]}" || true
	until_true grep -q " ns_id=$id " "$instance/trace"
	recorded comm,pid,time,event,trace
	grep -E " metrics_ns:metrics_ns_create: +id=$id parent_id=9 top_id=$id level=1 " "$TMP/out"
	grep -E " metrics_ns:metrics_ns_set: +id=$id .* label=followed$" "$TMP/out"
	grep -E " namespace:namespace_free: +ns_id=$id type=metrics " "$TMP/out"
	fails grep -E ' namespace:namespace_free: .* type=(pid|mnt|uts|ipc|net)' "$TMP/out"
}

# As in Documentation/trace/events-namespace.rst: of what tasks of one container do
filters()
{
	local id

	start wanted
	start other
	id=$(id_of wanted)
	record -e syscalls:sys_enter_getppid --filter "metrics_ns_top_id == $id"
	cid enter wanted -- perl -e 'getppid for 1 .. 12'
	cid enter other -- perl -e 'getppid for 1 .. 34'
	perl -e 'getppid for 1 .. 56'
	recorded comm,event
	same 12 "$(grep -c 'syscalls:sys_enter_getppid' "$TMP/out")"
}

claim "follows containers by their events" follows
claim "any event, of one container only" filters
finish
