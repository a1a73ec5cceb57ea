#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid runqlat, as TAP, against what cgroups count. To be run as root, on a
# kernel with metrics namespaces; cid is taken from PATH. Needs jq.
set -euo pipefail

PERIOD=100000	# of cpu.max, in microseconds
TOOL=runqlat
LINKS=6
# shellcheck source=tools/container/tests/trace.sh
. "$(dirname "$0")/trace.sh"

throttled_as_cgroups_count()
{
	watch "$TMP/out"
	busy capped 3 --cpus 0.2
	watched
	same_throttling "$(of "$TMP/out" capped .throttled.sum_usec)"
	(($(of "$TMP/out" capped .throttled.sum_usec) > PERIOD))
}

not_throttled_without_limit()
{
	watch "$TMP/out"
	busy free 1
	watched
	same 0 "$(of "$TMP/out" free .throttled.count)"
	(($(of "$TMP/out" free .waiting.count) > 0))
}

# Two on one CPU: one waits while the other runs, so together they wait as long as
# any of them does. Others on that CPU let both wait.
waiting_as_cgroups_count()
{
	local some sum

	watch "$TMP/out"
	cid run --label pair --cpuset 1 -- \
		sh -c "$(loop 3) & $(loop 3); wait; exec sleep 1000" &
	STARTED+=($!)
	until_true runs_sleep pair
	watched
	sum=$(of "$TMP/out" pair .waiting.sum_usec)
	some=$(sed -n 's/^some.*total=//p' "$CGROUPS$(cgroup_of pair)/cpu.pressure")
	say "$sum us in all, $some us by at least one"
	((some > 500000 && sum > some * 3 / 4 && sum < some * 5 / 2))
}

histogram_adds_up()
{
	watch "$TMP/out"
	busy counted 1
	watched
	of "$TMP/out" counted '.waiting | .count == ([.histogram[].count] | add)'
	of "$TMP/out" counted \
		'.waiting | .sum_usec >= ([.histogram[] | .count * .from_usec] | add)'
	of "$TMP/out" counted '.waiting | .sum_usec <=
		([.histogram[] | .count * (.to_usec + 1)] | add)'
}

only_the_named()
{
	busy wanted 1
	busy other 1
	watch "$TMP/out" -c wanted
	cid enter wanted -- true
	cid enter other -- true
	watched
	same '["wanted"]' "$(jq -c '[.containers[].label]' "$TMP/out")"
}

label_of_the_dead()
{
	watch "$TMP/out"
	cid run --label shortlived -- true
	watched
	fails id_of shortlived
	(($(of "$TMP/out" shortlived .waiting.count) > 0))
}

nested_as_the_outermost()
{
	start outer
	watch "$TMP/out"
	cid enter outer -- cid run --label inner -- true
	watched
	same '["inner","outer"]' "$(jq -c '[.containers[].label] | sort' "$TMP/out")"
	watch "$TMP/out" --top
	cid enter outer -- cid run --label inner -- true
	watched
	same '["outer"]' "$(jq -c '[.containers[].label]' "$TMP/out")"
}

# Labels need not be unique.
same_label_as_one()
{
	local i

	watch "$TMP/out" --by-label
	for i in 1 2; do
		cid run --label twin -- true
	done
	cid run --label single -- true
	watched
	same '{"single":1,"twin":2}' "$(jq -cS \
		'[.containers[] | {(.label): (.ids | length)}] | add' "$TMP/out")"
	(($(of "$TMP/out" twin .waiting.count) > 0))
}

host_if_asked()
{
	watch "$TMP/out" --host
	sleep 0.2
	watched
	jq -e '[.containers[] | select(.id == 0)] | length == 1' "$TMP/out"
	watch "$TMP/out"
	sleep 0.2
	watched
	jq -e '[.containers[] | select(.id == 0)] | length == 0' "$TMP/out"
}

anew_each_interval()
{
	busy early 1
	refuses 2 "'0' is not a number of seconds" cid runqlat -i 0
	cid runqlat --json -i 1 -d 3.5 >"$TMP/out"
	same 4 "$(wc -l <"$TMP/out")"
	jq -e .time "$TMP/out"
}

as_text()
{
	cid runqlat -d 2 >"$TMP/out" &
	STARTED+=($!)
	until_true attached $!
	busy texted 1 --cpus 0.2
	wait "${STARTED[0]}"
	grep -E "^texted \\($(id_of texted)\\): waiting for a CPU, [0-9]+ times, [0-9.]+ ms in all$" "$TMP/out"
	grep -E "^ +[0-9]+ -> [0-9]+ +[0-9]+ +\\|\\*+ *\\|$" "$TMP/out"
}

claim "throttling as cpu.stat has it" throttled_as_cgroups_count
claim "nobody is throttled without a limit" not_throttled_without_limit
claim "waiting as cpu.pressure has it" waiting_as_cgroups_count
claim "the histogram adds up" histogram_adds_up
claim "-c: only the containers that are named" only_the_named
claim "the label of a container that is gone" label_of_the_dead
claim "--top: nested containers as the outermost" nested_as_the_outermost
claim "--by-label: containers of the same label as one" same_label_as_one
claim "--host: who is in no container" host_if_asked
claim "-i: begins anew each time" anew_each_interval
claim "text has a head and a histogram" as_text
claim "however it ends, nothing is left in the kernel" nothing_is_left
claim "arguments that can't be used are refused in a line" bad_arguments
finish
