#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of the examples, as TAP. To be run as root, on a kernel with the events;
# the examples and cid are taken from PATH. Needs jq and util-linux.
set -euo pipefail

ABOUT="Tests the examples"
NAME="cid examples"
EXAMPLES=(follow-bpf follow-tracefs follow-perf)
SHORT=(short-bpf short-tracefs)
INSTANCES=/sys/kernel/tracing/instances
# shellcheck source=tools/container/tests/claim.sh
. "$(dirname "$0")/claim.sh"

# told COMMAND...: until the example has said so; in vain also if it ends before
# it is told to
told()
{
	until_true said_or_ended "$@"
	"$@" || {
		say "the example said, in vain for: $*"
		cat "$TMP/out" "$TMP/err"
		return 1
	}
}

said_or_ended()
{
	"$@" || ! kill -0 "$FOLLOWER"
}

# Without job control a job in the background ignores SIGINT.
follow()
{
	env --default-signal=INT "$1" >"$TMP/out" 2>"$TMP/err" &
	FOLLOWER=$!
	KILLED+=("$FOLLOWER")
}

# stop: the example has to end by itself, in good order and without a word
stop()
{
	local status=0

	kill -INT "$FOLLOWER"
	wait "$FOLLOWER" || status=$?
	same 0 "$status"
	same "" "$(cat "$TMP/err")"
}

has_line()
{
	grep -qE "$1" "$TMP/out"
}

# times N REGEX: that many lines of the output match
times()
{
	same "$1" "$(grep -cE "$2" "$TMP/out")" || {
		say "times: $2"
		cat "$TMP/out"
		return 1
	}
}

# One that is there when the example starts and one that comes later: each is
# told once, by the kernel's ID and with its label, and so is its end.
before_and_after()
{
	local one two

	start "before"
	one=$(id_of "before")
	follow "$1"
	told has_line "^there id=$one "
	start "after"
	two=$(id_of "after")
	told has_line "^(new|label) +id=$two label=after$"
	kill -TERM "${STARTED[@]}"
	told has_line "^gone +id=$one "
	told has_line "^gone +id=$two "
	stop
	times 1 "^there id=$one label=before$"
	times 1 "^(there|new) +id=$one "
	times 1 "^(there|new) +id=$two "
	times 1 "^gone +id=$one label=before$"
	times 1 "^gone +id=$two label=after$"
}

# ids REGEX: of the lines that match, sorted
ids()
{
	sed -nE "s/^($1) +id=([0-9]+) .*/\\2/p" "$TMP/out" | sort
}

# Containers come and go until there is a file "enough". Of each that begins
# when the list is out already, the ID is kept: it has to be told.
make_many()
{
	local id listed

	while [[ ! -e $TMP/enough ]]; do
		listed=$(grep '^there ' "$TMP/out" || true)
		# shellcheck disable=SC2016
		id=$(cid run --no-time -- awk '/^NSmetrics:/ { print $2 }' \
			/proc/self/status)
		[[ -z $listed ]] || echo "$id" >>"$TMP/made"
	done
}

amid_enough()
{
	(($(wc -l <"$TMP/made") >= 8))
}

# Each that had to be told was, and each that was told has ended.
all_told()
{
	awk 'NR == FNR { due[$1]; next }
	     $1 == "there" || $1 == "new" { delete due[substr($2, 4)]; n++ }
	     $1 == "gone" { n-- }
	     END {
		for (id in due)
			exit 1
		exit n != 0
	     }' "$TMP/made" "$TMP/out"
}

# Started amid containers that come and go: each is told once, and its end too.
amid_many()
{
	rm -f "$TMP/enough"
	: >"$TMP/out"
	: >"$TMP/made"
	start "before"
	make_many &
	STARTED+=($!)
	make_many &
	STARTED+=($!)
	follow "$1"
	told amid_enough
	touch "$TMP/enough"
	wait "${STARTED[@]:1}"
	kill -TERM "${STARTED[0]}"
	told all_told
	stop
	same "" "$(ids 'there|new' | uniq -d)"
	same "" "$(ids gone | uniq -d)"
}

# What a container runs, by its ID and the host's number of the process
exec_told()
{
	local id pid

	start "before"
	follow follow-bpf
	told has_line '^there '
	start "exec"
	id=$(id_of "exec")
	pid=$(sleeper_of "exec")
	told has_line "^exec +id=$id pid=$pid comm=sleep$"
	stop
	times 1 "^exec +id=$id pid=$pid comm=sleep$"
}

no_instance_left()
{
	follow follow-tracefs
	told test -d "$INSTANCES/follow-$FOLLOWER"
	stop
	same "" "$(find "$INSTANCES" -name "follow-$FOLLOWER")"
	follow short-tracefs
	told test -d "$INSTANCES/short-$FOLLOWER"
	kill -TERM "$FOLLOWER"
	wait "$FOLLOWER" || true
	same "" "$(find "$INSTANCES" -name "short-$FOLLOWER")"
}

# What begins before all is attached is not told.
short_tells_both()
{
	local id

	follow "$1"
	until_true begins_and_ends_told
	id=$(cat "$TMP/id")
	times 1 "^namespace_create $id$"
	times 1 "^namespace_free $id$"
	kill -INT "$FOLLOWER"
	wait "$FOLLOWER" || true
	same "" "$(cat "$TMP/err")"
}

begins_and_ends_told()
{
	local id

	# shellcheck disable=SC2016
	id=$(cid run --no-time -- awk '/^NSmetrics:/ { print $2 }' /proc/self/status)
	echo "$id" >"$TMP/id"
	for _ in {1..10}; do
		! has_line "^namespace_create $id$" || ! has_line "^namespace_free $id$" ||
			return 0
		sleep 0.1
	done
	return 1
}

# It counts each from when all CPUs are counted.
short_counts()
{
	local before

	follow short-perf
	until_true one_more_counted
	# what has been counted is printed ten times a second
	sleep 1
	before=$(tail -n 1 "$TMP/out")
	cid run --no-time -- true
	until_true has_line "^$((before + 1))$"
	kill -INT "$FOLLOWER"
	wait "$FOLLOWER" || true
	same "" "$(cat "$TMP/err")"
}

one_more_counted()
{
	cid run --no-time -- true
	[[ -s $TMP/out ]]
}

# Who may not see all events is told so, in one line.
unprivileged()
{
	local status=0

	setpriv --reuid 65534 --regid 65534 --clear-groups "$1" \
		>"$TMP/out" 2>"$TMP/err" || status=$?
	same 1 "$status"
	same "" "$(cat "$TMP/out")"
	same 1 "$(grep -c "^$1: " "$TMP/err")"
	same 1 "$(wc -l <"$TMP/err")"
}

for example in "${EXAMPLES[@]}"; do
	claim "$example: one that is there and one that comes, once each" \
		before_and_after "$example"
	claim "$example: started amid many, none is missed or told twice" \
		amid_many "$example"
	claim "$example: one line and exit status 1 without privilege" \
		unprivileged "$example"
done
for example in "${SHORT[@]}"; do
	claim "$example: the beginning and the end of a container" \
		short_tells_both "$example"
done
claim "short-perf: counts one more for a container that begins" short_counts
for example in "${SHORT[@]}" short-perf; do
	claim "$example: one line and exit status 1 without privilege" \
		unprivileged "$example"
done
claim "follow-bpf: what a container runs, by its ID" exec_told
claim "with libtracefs, no instance is left behind" no_instance_left

finish
