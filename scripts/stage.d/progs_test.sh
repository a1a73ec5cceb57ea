#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run the BPF tests of the series, and tell of each subtest as TAP: test_progs, the
# kernel's own runner, has a format of its own, and repeats the failures at its end.
set -u

test_progs 2>&1 | awk '
/^All error logs:/ { again = 1 }
!again && match($0, /:(OK|FAIL|SKIP)$/) && /^#[0-9]+\/[0-9]+ / {
	verdict = substr($0, RSTART + 1)
	name = substr($0, 1, RSTART - 1)
	sub(/^#[^ ]+ +/, "", name)
	sub("/", ": ", name)
	n++
	failed += verdict == "FAIL"
	printf "%s %d - %s%s\n", verdict == "FAIL" ? "not ok" : "ok", n, name,
		verdict == "SKIP" ? " # SKIP test_progs skips it" : ""
	fflush()
	next
}
{ print "# " $0 }
END {
	# It may have died in between.
	if (!/^Summary: / || !n)
		printf "not ok %d - test_progs: runs to its end\n", ++n
	print "1.." n
}'
exit "${PIPESTATUS[0]}"
