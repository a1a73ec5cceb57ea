#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests that a container can tell from its own /proc why it is slow, as TAP: held
# back by its limit, short of CPUs that others use, or neither. To be run as root, on
# a kernel with the series and with cgroup v2; cid is taken from PATH.
# shellcheck disable=SC2016	# scripts of the container
set -euo pipefail

ABOUT="Runs one busy process in containers that are slow for different reasons, each with
what it reads in its own /proc, which it prints"
NAME=diagnosis
# shellcheck source=tools/container/tests/claim.sh
. "$(dirname "$0")/claim.sh"

export LC_ALL=C

# What share of the time, in percent, a busy process made of it: used, stolen, idle,
# in which somebody waited for a CPU; and what of the machine's CPUs was used, where
# it may see that.
LOOK='
stat() { awk "/^cpu / { print \$2 + \$3 + \$4, \$9, \$5 }" $1/stat; }
waited() { awk "/^some/ { sub(/.*total=/, \"\"); print }" /proc/pressure/cpu; }
set -- $(stat /proc) $(waited) $(stat /proc/host 2>/dev/null || echo 0 0 0)
( while :; do :; done ) & busy=$!
sleep 5
set -- $* $(stat /proc) $(waited) $(stat /proc/host 2>/dev/null || echo 0 0 0)
kill $busy
echo $* | awk "{
	used = \$8 - \$1; steal = \$9 - \$2; idle = \$10 - \$3
	wait = (\$11 - \$4) / 10000
	all = used + steal + idle
	host = \$12 - \$5; host_all = host + \$13 - \$6 + \$14 - \$7
	printf \"used %d steal %d idle %d waiting %d\", 100 * used / all,
		100 * steal / all, 100 * idle / all, 100 * wait / all
	if (host_all)
		printf \" host %d\", 100 * host / host_all
	print \"\"
}"'

# look OPTION...: what a container with one CPU sees
look()
{
	cid run --label slow --cpuset 0 "$@" -- sh -c "$LOOK" >"$TMP/seen"
	cat "$TMP/seen"
}

# between LOW NAME HIGH
between()
{
	local value

	value=$(awk -v name="$2" '{ for (i = 1; i < NF; i += 2)
		if ($i == name) print $(i + 1) }' "$TMP/seen")
	((value >= $1 && value <= $3)) || {
		say "$2 is $value, and not within $1 and $3"
		return 1
	}
}

# Others who keep all CPUs busy
noise()
{
	cid run --label noise -- sh -c '
		i=0
		while [ $i -lt $(($(nproc) * 2)) ]; do
			while :; do :; done &
			i=$((i + 1))
		done
		wait' &
	STARTED+=($!)
	until_true eval 'cid ps noise -n | grep -q sh'
}

# There is CPU time, and the container has it.
neither()
{
	look
	between 70 used 100
	between 0 steal 5
	between 0 waiting 25
}

# The machine is idle, and the container's limit is why it isn't faster.
limit()
{
	look --cpus 0.25
	between 40 steal 100
	between 0 idle 30
	between 40 waiting 100
}

# Nothing is stolen, but it waits: it has no limit to raise.
shares()
{
	noise
	look
	between 0 steal 5
	between 20 used 80
	between 20 waiting 100
}

# The same, told by the machine's own numbers
neighbours()
{
	noise
	look --host-view
	between 90 host 100
	between 20 used 80
}

# With a limit on an idle machine they say the opposite.
no_neighbours()
{
	look --host-view --cpus 0.25
	between 0 host 60
	between 40 steal 100
}

claim "with CPU time to be had, it is used" neither
claim "a limit shows as steal time and pressure" limit
claim "a full machine shows as pressure without steal time" shares
claim "/proc/host tells that others use it" neighbours
claim "/proc/host tells that nobody else does" no_neighbours
finish
