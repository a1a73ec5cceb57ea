#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid cpudist, as TAP, against what cgroups count. To be run as root, on a
# kernel with metrics namespaces; cid is taken from PATH. Needs jq.
set -euo pipefail

TOOL=cpudist
LINKS=1
# shellcheck source=tools/container/tests/trace.sh
. "$(dirname "$0")/trace.sh"

as_much_as_cgroups_count()
{
	local sum usage

	watch "$TMP/out"
	busy counted 2
	watched
	sum=$(of "$TMP/out" counted .on_cpu.sum_usec)
	usage=$(stat_of counted usage_usec)
	near "$sum" "$usage" $((usage / 10 + 50000))
	((sum > 1000000))
}

limited()
{
	watch "$TMP/out"
	busy capped 3 --cpus 0.2
	watched
	near "$(of "$TMP/out" capped .on_cpu.sum_usec)" "$(stat_of capped usage_usec)" 200000
}

# It has its CPU the whole time: all but some of it comes before any switch.
never_switched()
{
	cid run --label alone --cpuset 1 -- sh -c 'while :; do :; done' &
	STARTED+=($!)
	until_true id_of alone
	cid cpudist --json -c alone -i 1 -d 3.5 >"$TMP/out"
	same 4 "$(wc -l <"$TMP/out")"
	jq -se 'all(.[:3][]; .containers[0].on_cpu.sum_usec > 300000)' "$TMP/out"
}

as_often_as_it_comes()
{
	start box
	watch "$TMP/out" -c box
	# 50 sleeps are 50 times off the CPU, and more times on it.
	cid enter box -- python3 -c 'import time
for i in range(50): time.sleep(0.002)'
	watched
	(($(of "$TMP/out" box .on_cpu.count) > 50))
	of "$TMP/out" box \
		'.on_cpu | .count == ([.histogram[].count] | add)'
	of "$TMP/out" box \
		'.on_cpu | .sum_usec >= ([.histogram[] | .count * .from_usec] | add)'
}

not_the_idle()
{
	start idle
	watch "$TMP/out"
	busy other 1
	watched
	same '["other"]' "$(jq -c '[.containers[].label]' "$TMP/out")"
}

claim "as much CPU time as cpu.stat has" as_much_as_cgroups_count
claim "as much under a limit" limited
claim "who is never switched from counts as well" never_switched
claim "a count for each time" as_often_as_it_comes
claim "nobody who sleeps" not_the_idle
finish
