#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the tests that are scripts have in common, to be sourced by them with NAME, with
# which each result begins, and ABOUT set: what they do, for --help. PATTERN, which may be
# the argument, or CID_CLAIMS, chooses claims.

# Once, though two that a test sources ask for it
! declare -F claim >/dev/null || return 0

case ${1:-} in
-h | --help)
	cat <<USAGE
usage: ${0##*/} [--help] [PATTERN]

$ABOUT. Prints TAP; with PATTERN (a glob)
only of those whose claim matches. Exit status: 1 if a test failed, or none matches.
Environment: CID_CLAIMS, as PATTERN; CID_WAIT, how long to wait for what has to come, in
seconds (60)
USAGE
	exit
	;;
esac
PATTERN=${1:-${CID_CLAIMS:-*}}

TMP=$(mktemp -d)
COUNT=0
FAILED=0
STARTED=()
KILLED=()
UNDO=()

# at_end COMMAND...: when what was started has been stopped, however the claim ends
at_end()
{
	UNDO+=("$(printf '%q ' "$@")")
}

# shellcheck disable=SC2317,SC2329	# called by a trap
clean_up()
{
	stop_all
	rm -rf "$TMP"
}
trap clean_up EXIT

stop_all()
{
	local pid i

	for pid in "${STARTED[@]}"; do
		kill -TERM "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	# unshare(1), for one, blocks SIGTERM while it waits; others tidy up.
	for pid in "${KILLED[@]}"; do
		for ((i = 0; i < 20; i++)); do
			kill -TERM "$pid" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	for ((i = ${#UNDO[@]} - 1; i >= 0; i--)); do
		eval "${UNDO[i]}" || true
	done
	STARTED=()
	KILLED=()
	UNDO=()
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
		UNDO=()
		set -e
		"$@"
	) >"$TMP/log" 2>&1 </dev/null
	status=$?
	set -e
	if ((status == 0)); then
		echo "ok $COUNT - $NAME: $text"
	else
		FAILED=$((FAILED + 1))
		echo "not ok $COUNT - $NAME: $text"
		# awk ends a last line that has no end
		awk '{ print "# " $0 }' "$TMP/log"
	fi
}

# copy_of LOWER DIR: DIR/root, which has what LOWER has, and what is written there beside it;
# until the claim ends
copy_of()
{
	mkdir -p "$2"/{upper,work,root}
	mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" overlay "$2/root"
	at_end umount "$2/root"
}

# same WANT GOT
same()
{
	[[ $1 == "$2" ]] || {
		say "'$2' instead of '$1'"
		return 1
	}
}

# fails COMMAND...: "!" alone would not end a test
fails()
{
	! "$@" || {
		say "$* succeeded"
		return 1
	}
}

until_true()
{
	local end=$((SECONDS + ${CID_WAIT:-60}))

	while ((SECONDS < end)); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	say "waited in vain for: $*"
	return 1
}

runs_sleep()
{
	cid ps "$1" -n | grep -q sleep
}

# start LABEL OPTION...: a container that sleeps
start()
{
	local label=$1
	shift

	cid run --label "$label" "$@" -- sleep 1000 &
	STARTED+=($!)
	until_true runs_sleep "$label"
}

id_of()
{
	cid ls --json | jq -e --arg label "$1" \
		'.[] | select(.label == $label) | .id'
}

sleeper_of()
{
	cid ps "$1" --json | jq -e '.[] | select(.command == "sleep") | .pid'
}

# The plan, and the exit status
finish()
{
	echo "1..$COUNT"
	((COUNT)) || say "no claim matches '$PATTERN'"
	((COUNT && !FAILED))
}
