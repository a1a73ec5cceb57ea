#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid fsslower, as TAP. To be run as root, on a
# kernel with metrics namespaces; cid is taken from PATH. Needs jq and python3.
set -euo pipefail

TOOL=fsslower
LINKS=16
# shellcheck source=tools/container/tests/trace.sh
. "$(dirname "$0")/trace.sh"

# lines LABEL WHAT: of the lines of the container, those for which it holds
lines()
{
	jq -s --arg label "$1" "[.[] | select(.label == \$label) | select($2)] | length" \
		"$TMP/out"
}

# With a disk that is made slow: a limit of I/O that dd must wait for
slow_write()
{
	local disk cgroup

	disk=$(lsblk -dno MAJ:MIN "$(findmnt -no SOURCE /)" | tr -d ' ')
	start slow
	cgroup=$CGROUPS$(cgroup_of slow)
	echo +io >"$(dirname "$cgroup")/cgroup.subtree_control"
	echo "$disk wbps=1048576" >"$cgroup/io.max"
	cid enter slow -- dd if=/dev/zero of="$HOME/slow" bs=64k count=8 oflag=direct
	rm "$HOME/slow"
}

slow_ones()
{
	watch "$TMP/out" -m 20
	slow_write
	watched
	# 512 KiB take half a second, of which the first may pass.
	(($(lines slow '.operation == "write" and .file == "slow" and
		.filesystem == "ext4" and .bytes == 65536 and .usec >= 20000') >= 4))
	(($(lines slow '.usec < 20000') == 0))
	jq -se '[.[] | select(.file == "slow" and .operation == "write")] |
		all(.comm == "dd" and .error == 0 and .offset % 65536 == 0)' "$TMP/out"
}

quick_ones()
{
	watch "$TMP/out" -m 100000
	slow_write
	watched
	same 0 "$(wc -c <"$TMP/out")"
}

all_of_them()
{
	watch "$TMP/out" -m 0
	cid run --label quick -- dd if=/dev/zero of="$HOME/quick" bs=1k count=10
	watched
	rm "$HOME/quick"
	same 10 "$(lines quick '.operation == "write" and .file == "quick"')"
	same '[0,1024,2048,3072,4096,5120,6144,7168,8192,9216]' "$(jq -sc \
		'[.[] | select(.file == "quick" and .operation == "write") | .offset]' \
		"$TMP/out")"
}

failed()
{
	watch "$TMP/out" -m 0
	cid run --label failing -- cat /nowhere || true
	watched
	same 1 "$(lines failing '.operation == "open" and .file == "/nowhere" and
		.error == 2 and .filesystem == null')"
}

only_the_named()
{
	start wanted
	watch "$TMP/out" -m 0 -c wanted
	cid enter wanted -- cat /etc/passwd
	cid run --label other -- cat /etc/passwd
	watched
	same '["wanted"]' "$(jq -sc '[.[].label] | unique' "$TMP/out")"
}

hostile_names()
{
	local name=$'a\e[31m\nb'

	cid fsslower -m 0 >"$TMP/out" &
	WATCHER=$!
	STARTED+=("$WATCHER")
	until_true attached "$WATCHER"
	cid run --label texted -- dd if=/dev/zero "of=$HOME/$name" bs=1k count=1
	watched
	rm "$HOME/$name"
	grep -E '^TIME +CONTAINER +COMM ' "$TMP/out"
	grep -E '^[0-9.]+ +texted \([0-9]+\) +dd +[0-9]+ +write +ext4 +0 +1024 +[0-9.]+ a\\x1b\[31m\\x0ab$' \
		"$TMP/out"
	same 0 "$(LC_ALL=C grep -c '[^ -~]' "$TMP/out" || true)"
}

bad_options()
{
	refuses 2 "'soon' is not a number of milliseconds" cid fsslower -m soon
	refuses 2 "'-1' is not a number of milliseconds" cid fsslower -m -1
}

claim "what takes long" slow_ones
claim "nothing that doesn't" quick_ones
claim "-m 0: all, with their offsets" all_of_them
claim "what fails, with its error" failed
claim "-c: only the containers that are named" only_the_named
claim "text, whatever the names" hostile_names
claim "its own options are checked" bad_options
claim "however it ends, nothing is left in the kernel" nothing_is_left
claim "arguments that can't be used are refused in a line" bad_arguments
finish
