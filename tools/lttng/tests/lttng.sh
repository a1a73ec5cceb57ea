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
