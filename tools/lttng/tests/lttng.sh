#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the tests with LTTng have in common, to be sourced by them with NAME and ABOUT
# set: a sessiond and, maybe, a relayd, that end with the test.

# shellcheck source=tools/container/tests/claim.sh
. "$(dirname "$0")/../cid/claim.sh"

export CGROUPS=/sys/fs/cgroup
# Those that were not there before the test
DAEMONS=()

start_sessiond()
{
	lttng-sessiond --daemonize "$@" >"$TMP/sessiond" 2>&1 || {
		echo "Bail out! lttng-sessiond did not start: $(tail -n 1 "$TMP/sessiond")"
		exit 1
	}
	DAEMONS=(lttng-sessiond lttng-relayd)
}

# shellcheck disable=SC2317,SC2329	# called by a trap
end_daemons()
{
	local end=$((SECONDS + 30)) name

	((!${#DAEMONS[@]})) || lttng -n destroy --all >/dev/null 2>&1 || true
	for name in "${DAEMONS[@]}"; do
		pkill -x "$name" || continue
		while pgrep -x "$name" >/dev/null && ((SECONDS < end)); do
			sleep 0.1
		done
	done
	clean_up
}
trap end_daemons EXIT

# decode ARGUMENT...: as text, a line an event, in $TMP/trace. The warnings of
# babeltrace2 tell of events that were lost.
decode()
{
	babeltrace2 "$@" >"$TMP/trace" 2>"$TMP/warnings"
	[[ ! -s $TMP/warnings ]] || {
		cat "$TMP/warnings"
		return 1
	}
}

# record [EVENT | --filter FILTER EVENT]... -- COMMAND...: what is recorded while the
# command runs, as text, a line an event, in $TMP/trace. Contexts are in CONTEXTS.
record()
{
	local filter=() context

	# of a claim that has failed
	lttng -n destroy --all >/dev/null || true
	lttng -q create test --output="$TMP/ctf"
	lttng -q enable-channel --kernel channel --subbuf-size=1M --num-subbuf=8
	while [[ $1 != -- ]]; do
		if [[ $1 == --filter ]]; then
			filter=(--filter "$2")
			shift 2
			continue
		fi
		lttng -q enable-event --kernel -c channel "$1" "${filter[@]}"
		shift
	done
	shift
	for context in ${CONTEXTS:-}; do
		lttng -q add-context --kernel -c channel -t "$context"
	done
	lttng -q start test
	"$@"
	lttng -q stop test
	lttng -q destroy test
	decode "$TMP/ctf"
	rm -rf "$TMP/ctf"
}

# fields EVENT FIELD... [-- PERL]: of each such event, a line with these fields, of those
# for which the expression holds; there, f("FIELD") is a field.
fields()
{
	local event=$1 names=() condition=1
	shift

	while (($#)) && [[ $1 != -- ]]; do
		names+=("$1")
		shift
	done
	(($# < 2)) || condition=$2
	EVENT=$event NAMES="${names[*]}" perl -ne '
		our $line = $_;
		sub f {
			my $name = shift;
			# an enumeration has its label, then what that stands for
			return $1 if $line =~ /[{,] \Q$name\E = \( "([^"]*)"/;
			return $1 if $line =~ /[{,] \Q$name\E = "((?:[^"\\]|\\.)*)"/;
			return $1 if $line =~ /[{,] \Q$name\E = ([^ ,]+)/;
			return undef;
		}
		next unless / \Q$ENV{EVENT}\E: /;
		next unless '"$condition"';
		print join(" ", map { f($_) // "no_$_" } split / /, $ENV{NAMES}), "\n";
	' "$TMP/trace"
}

# one EVENT FIELD... -- PERL: the same of the only such event
one()
{
	local found

	found=$(fields "$@")
	[[ $found && $found != *$'\n'* ]] || {
		echo "# ${*}: '$found' of:" >&2
		grep -F " $1: " "$TMP/trace" | head -5 >&2
		return 1
	}
	echo "$found"
}

# begin OPTION...: cid record in the background, which records; its PID is RECORDER
begin()
{
	cid record "$@" >"$TMP/result" 2>"$TMP/messages" &
	RECORDER=$!
	STARTED+=("$RECORDER")
	until_true says_recording || {
		cat "$TMP/messages"
		return 1
	}
}

says_recording()
{
	grep -q '^cid: recording until' "$TMP/messages"
}

end()
{
	kill -"${1:-INT}" "$RECORDER"
	wait "$RECORDER" || {
		cat "$TMP/messages"
		return 1
	}
	cat "$TMP/result"
}
