#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of the examples, as TAP. To be run as root, on a kernel with the events;
# the examples and cid are taken from PATH. Needs jq and util-linux.
set -euo pipefail

usage()
{
	cat <<USAGE
usage: examples.sh [--help] [PATTERN]

Tests the examples and prints TAP; with PATTERN (a glob) only those whose claim
matches. Exit status: 1 if a test failed.
USAGE
}

case ${1:-} in
-h | --help) usage; exit 0 ;;
esac
PATTERN=${1:-*}
EXAMPLES=(follow-bpf follow-tracefs follow-perf)
INSTANCES=/sys/kernel/tracing/instances
TMP=$(mktemp -d)
COUNT=0
FAILED=0
STARTED=()
FOLLOWER=

# shellcheck disable=SC2317,SC2329	# called by a trap
clean_up()
{
	stop_all
	rm -rf "$TMP"
}
trap clean_up EXIT

stop_all()
{
	local pid

	for pid in "${STARTED[@]}" $FOLLOWER; do
		kill -TERM "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	STARTED=()
	FOLLOWER=
}

say()
{
	echo "# $*"
}

# Run one test, a function, by itself; it fails with the first command that does.
claim()
{
	local text=$1 status=0
	shift

	# shellcheck disable=SC2053
	[[ $text == $PATTERN ]] || return 0
	COUNT=$((COUNT + 1))
	set +e
	(
		trap stop_all EXIT
		set -e
		"$@"
	) >"$TMP/log" 2>&1 </dev/null
	status=$?
	set -e
	if ((status == 0)); then
		echo "ok $COUNT - cid-examples: $text"
	else
		FAILED=$((FAILED + 1))
		echo "not ok $COUNT - cid-examples: $text"
		# awk ends a last line that has no end
		awk '{ print "# " $0 }' "$TMP/log"
	fi
}

# same WANT GOT
same()
{
	[[ $1 == "$2" ]] || {
		say "'$2' instead of '$1'"
		return 1
	}
}

# Also in vain if the example ends before it is told to
until_true()
{
	local i

	for ((i = 0; i < 300; i++)); do
		! "$@" >/dev/null 2>&1 || return 0
		[[ -z $FOLLOWER ]] || kill -0 "$FOLLOWER" || break
		sleep 0.1
	done
	say "waited in vain for: $*"
	cat "$TMP/out" "$TMP/err"
	return 1
}

id_of()
{
	cid ls --json | jq -e --arg label "$1" \
		'.[] | select(.label == $label) | .id'
}

runs_sleep()
{
	cid ps "$1" -n | grep -q sleep
}

# start LABEL: a container that sleeps
start()
{
	cid run --label "$1" -- sleep 1000 &
	STARTED+=($!)
	until_true runs_sleep "$1"
}

# Without job control a job in the background ignores SIGINT.
follow()
{
	env --default-signal=INT "$1" >"$TMP/out" 2>"$TMP/err" &
	FOLLOWER=$!
}

# stop: the example has to end by itself, in good order and without a word
stop()
{
	local status=0

	kill -INT "$FOLLOWER"
	wait "$FOLLOWER" || status=$?
	FOLLOWER=
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
	until_true has_line "^there id=$one "
	start "after"
	two=$(id_of "after")
	until_true has_line "^(new|label) +id=$two label=after$"
	kill -TERM "${STARTED[@]}"
	until_true has_line "^gone +id=$one "
	until_true has_line "^gone +id=$two "
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
	until_true amid_enough
	touch "$TMP/enough"
	wait "${STARTED[@]:1}"
	kill -TERM "${STARTED[0]}"
	until_true all_told
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
	until_true has_line '^there '
	start "exec"
	id=$(id_of "exec")
	pid=$(cid ps "exec" --json |
		jq -e '.[] | select(.command == "sleep") | .pid')
	until_true has_line "^exec +id=$id pid=$pid comm=sleep$"
	stop
	times 1 "^exec +id=$id pid=$pid comm=sleep$"
}

no_instance_left()
{
	follow follow-tracefs
	until_true test -d "$INSTANCES/follow-$FOLLOWER"
	stop
	same "" "$(find "$INSTANCES" -name 'follow-*')"
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
claim "follow-bpf: what a container runs, by its ID" exec_told
claim "follow-tracefs: no instance is left behind" no_instance_left

echo "1..$COUNT"
((FAILED == 0))
