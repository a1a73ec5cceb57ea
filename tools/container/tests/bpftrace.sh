#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of what the documents say of bpftrace, as TAP. To be run as root, on a kernel with
# metrics namespaces; cid is taken from PATH. Needs bpftrace and jq.
set -euo pipefail

ABOUT="Tests bpftrace with containers"
NAME=bpftrace
# shellcheck source=tools/container/tests/claim.sh
. "$(dirname "$0")/claim.sh"

# watch PROGRAM: starts it; its PID is WATCHER. It says when it is attached.
watch()
{
	bpftrace -e "$1 BEGIN { printf(\"attached\\n\"); }" >"$TMP/out" 2>&1 &
	WATCHER=$!
	STARTED+=("$WATCHER")
	until_true grep -q attached "$TMP/out"
}

watched()
{
	kill -INT "$WATCHER"
	wait "$WATCHER"
}

# As in Documentation/trace/following-containers.rst
follows()
{
	local id

	watch 'tracepoint:metrics_ns:metrics_ns_create {
		printf("%s makes %llu in %llu\n", comm, args.id, args.parent_id);
	}
	tracepoint:namespace:namespace_free /args.type == 0x40/ {
		printf("%llu is gone\n", args.ns_id);
	}
	rawtracepoint:sched_cfs_throttle_tp { @throttled[arg0] = count(); }'
	cid run --label followed --cpus 0.1 -- sh -c \
		'timeout 1 sh -c "while :; do :; done"; exec sleep 1000' &
	STARTED+=($!)
	until_true runs_sleep followed
	id=$(id_of followed)
	kill "${STARTED[-1]}"
	wait "${STARTED[-1]}" || true
	until_true grep -qx "$id is gone" "$TMP/out"
	watched
	grep -qx "cid makes $id in 9" "$TMP/out"
	grep -qE '^@throttled\[[0-9]+\]: [0-9]+$' "$TMP/out"
}

# A field of the task: of the one that calls, of another one, and as a filter.
by_container()
{
	local id

	start counted
	id=$(id_of counted)
	watch 'tracepoint:raw_syscalls:sys_enter { @calls[curtask->metrics_ns_id] = count(); }'
	cid enter counted -- true
	watched
	grep -qE "^@calls\[$id\]: [1-9]" "$TMP/out"
	grep -qE '^@calls\[0\]: [1-9]' "$TMP/out"
}

of_another_task()
{
	local id

	start woken
	id=$(id_of woken)
	watch 'rawtracepoint:sched_wakeup {
		@woken[((struct task_struct *)arg0)->metrics_ns_id] = count(); }'
	cid enter woken -- sleep 0.1
	watched
	grep -qE "^@woken\[$id\]: [1-9]" "$TMP/out"
}

as_a_filter()
{
	local id

	start one
	start two
	id=$(id_of one)
	watch "tracepoint:syscalls:sys_enter_execve /curtask->metrics_ns_id == $id/ {
		printf(\"%s runs %s\\n\", comm, str(args.filename)); }"
	cid enter one -- sh -c 'exec /bin/true'
	cid enter two -- sh -c 'exec /bin/false' || true
	watched
	grep -q 'runs /bin/true' "$TMP/out"
	# "!" alone would not end a test
	same 0 "$(grep -c 'runs /bin/false' "$TMP/out" || true)"
}

claim "follows containers by their events" follows
claim "counts by container" by_container
claim "counts by the container of another task" of_another_task
claim "filters by container" as_a_filter
finish
