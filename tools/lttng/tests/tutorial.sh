#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the tutorial as it is written, as TAP. To be run as root in a guest, whose /root it
# writes to; needs lttng-tools, lttng-modules with the series, babeltrace2, podman, cid,
# cid-runtime and ust-app.
set -euo pipefail

ABOUT="Runs the commands of tutorial.md, in the folder of this script, and compares their output"
NAME=tutorial
# shellcheck source=tools/lttng/tests/lttng.sh
. "$(dirname "$0")/lttng.sh"

PAGE=$(dirname "$0")/tutorial.md
# Of its commands, for both claims
OUT=$TMP/tutorial
# What the page starts
DAEMONS=(lttng-sessiond lttng-relayd)

# Commands are behind "# " in code, and go on behind "> ".
commands()
{
	sed -n 's/^    [#>] //p; s/^    >$//p' "$PAGE"
}

# The other lines of code, without what differs from one run to the next
output()
{
	sed -n '/^    [^#> ]/s/^    //p' "$PAGE" | without_numbers
}

# but for which event it is of three, and that none is lost
without_numbers()
{
	sed -E 's/\b[0-9a-f]{12,64}\b/ID/g; s/(seq = |; )([0-9]+)\b/\1\n\2\n/g' |
		sed -E '/^[0-9]$/!s/\b(0x)?[0-9][0-9a-f.:]*/N/g'
}

runs()
{
	commands >"$TMP/commands"
	(($(wc -l <"$TMP/commands") > 20))
	at_end rm -rf /root/traces /root/timeline /root/web /tmp/upper /tmp/work
	at_end leave_nothing
	bash -eu "$TMP/commands" >"$OUT" 2>&1 || {
		cat "$OUT"
		return 1
	}
	# all that the page has begun it has ended
	fails mountpoint -q /root/web
	until_true fails pgrep -x 'cid|cid-record|lttng-relayd|lttng-sessiond'
}

# However far it has come
leave_nothing()
{
	pkill -x 'cid|cid-record|lttng-relayd|lttng-sessiond' || true
	! podman container exists web || podman rm --force --time 0 web
	! mountpoint -q /root/web || umount /root/web
}

prints_what_it_says()
{
	output >"$TMP/want"
	(($(wc -l <"$TMP/want") > 8))
	without_numbers <"$OUT" >"$TMP/got"
	diff "$TMP/want" "$TMP/got"
}

claim "each command succeeds" runs
claim "what they print is what the page shows, but for numbers" prints_what_it_says
finish
