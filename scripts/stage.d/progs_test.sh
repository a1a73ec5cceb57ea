#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run the BPF tests of the series, and tell of each subtest as TAP: test_progs, the
# kernel's own runner, has a format of its own, and repeats the failures at its end.
# What it says goes to a file: a pipe lasts as long as any process that it has left.
set -u

said=$(mktemp) || exit 1
trap 'rm -f "$said"' EXIT
test_progs >"$said" 2>&1
status=$?
# Its children's children end with them, but soon, not at once.
for ((i = 0; i < 100; i++)); do
	left=$(pgrep -x test_progs | xargs)
	[[ $left ]] || break
	sleep 0.1
done
awk -v left="$left" '
/^All error logs:/ { again = 1 }
!again && match($0, /:(OK|FAIL|SKIP)$/) && /^#[0-9]+\/[0-9]+ / {
	verdict = substr($0, RSTART + 1)
	name = substr($0, 1, RSTART - 1)
	sub(/^#[^ ]+ +/, "", name)
	sub("/", ": ", name)
	n++
	printf "%s %d - %s%s\n", verdict == "FAIL" ? "not ok" : "ok", n, name,
		verdict == "SKIP" ? " # SKIP test_progs skips it" : ""
	next
}
{ print "# " $0 }
END {
	# It may have died in between.
	if (!/^Summary: / || !n)
		printf "not ok %d - test_progs: runs to its end\n", ++n
	if (left)
		print "# still there: " left
	printf "%s %d - test_progs: leaves no process behind\n", left ? "not ok" : "ok",
		++n
	print "1.." n
}' "$said"
exit "$status"
