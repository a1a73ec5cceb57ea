#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid profile, as TAP. To be run as root, on a kernel with metrics namespaces;
# cid is taken from PATH. Needs jq, python3 and xmllint.
set -euo pipefail

TOOL=profile
LINKS=$(getconf _NPROCESSORS_ONLN)	# one a CPU
PYTHON=$(readlink -f "$(command -v python3)")
EVAL=_PyEval_EvalFrameDefault	# where an interpreter of Python is all the time
# shellcheck source=tools/container/tests/trace.sh
. "$(dirname "$0")/trace.sh"

# spin LABEL SEC [OPTION...]: a container with a process that uses so much CPU time
spin()
{
	local label=$1 seconds=$2
	shift 2

	cid run --label "$label" "$@" -- "$PYTHON" -c "$(spinning "$seconds")"
}

spinning()
{
	echo "import os, signal
signal.signal(signal.SIGVTALRM, lambda *args: os._exit(0))
signal.setitimer(signal.ITIMER_VIRTUAL, $1)
while True: pass"
}

# samples FILE LABEL [FILTER]: of the stacks for which it holds
samples()
{
	jq -e --arg label "$2" "[.containers[] | select(.label == \$label) |
		.stacks[] | select(${3:-true}) | .count] | add // 0" "$1"
}

in_python()
{
	watch "$TMP/out"
	spin python 1
	watched
	# All but the beginning and the end of it, and the kernel's part
	(($(samples "$TMP/out" python ".frames | index(\"$EVAL\")") * 2 >
	  $(samples "$TMP/out" python)))
}

in_the_kernel()
{
	local where='(.frames | any(test("^(read_iter_zero|read_zero)_\\[k\\]$")))'

	watch "$TMP/out"
	cid run --label zeroes -- timeout 2 dd if=/dev/zero of=/dev/null bs=1M || true
	watched
	(($(samples "$TMP/out" zeroes "$where") * 2 > $(samples "$TMP/out" zeroes)))
	same 0 "$(samples "$TMP/out" zeroes "$where and .frames[0] != \"dd\"")"
}

# The clock ticks in CPU time, so many times a second.
as_much_as_cgroups_count()
{
	local count usage

	watch "$TMP/out" -F 100
	cid run --label counted -- sh -c "'$PYTHON' -c '$(spinning 2)'; exec sleep 1000" &
	STARTED+=($!)
	until_true runs_sleep counted
	watched
	count=$(samples "$TMP/out" counted)
	usage=$(stat_of counted usage_usec)
	say "$count samples, $usage us"
	((count * 10000 > usage / 2 && count * 10000 < usage * 2))
}

not_the_idle()
{
	start idle
	watch "$TMP/out"
	sleep 1
	spin busy 0.5
	watched
	same '["busy"]' "$(jq -c '[.containers[].label]' "$TMP/out")"
}

only_the_named()
{
	start wanted
	watch "$TMP/out" -c wanted
	cid enter wanted -- "$PYTHON" -c "$(spinning 1)"
	spin other 1
	watched
	same '["wanted"]' "$(jq -c '[.containers[].label]' "$TMP/out")"
}

# A path means another file there: nothing but the mapping leads to this one.
files_of_its_own()
{
	watch "$TMP/out"
	# shellcheck disable=SC2016	# expanded inside
	cid run --label own -- unshare -m sh -c 'mount -t tmpfs none /mnt &&
		cp "$1" /mnt/other && exec /mnt/other -c "$2"' sh "$PYTHON" "$(spinning 2)"
	watched
	(($(samples "$TMP/out" own \
		".frames | index(\"other\") == 0 and index(\"$EVAL\")") > 0))
}

# It has been seen before, in a process that is gone as well.
gone_before_it_is_named()
{
	local i

	watch "$TMP/out" -F 500
	spin first 2
	for ((i = 0; i < 5; i++)); do
		spin short 0.1
	done
	watched
	(($(samples "$TMP/out" short ".frames | index(\"$EVAL\")") > 0))
}

users_only()
{
	watch "$TMP/out" -U
	spin user 1
	watched
	(($(samples "$TMP/out" user) > 0))
	same 0 "$(samples "$TMP/out" user '.frames | any(endswith("_[k]"))')"
}

kernels_only()
{
	watch "$TMP/out" -K
	cid run --label zeroes -- timeout 1 dd if=/dev/zero of=/dev/null bs=1M || true
	watched
	(($(samples "$TMP/out" zeroes) > 0))
	same 0 "$(samples "$TMP/out" zeroes \
		'.frames[1:] | any(endswith("_[k]") | not)')"
}

watch_as_text()
{
	cid profile "$@" >"$TMP/out" &
	WATCHER=$!
	STARTED+=("$WATCHER")
	until_true attached "$WATCHER"
}

hostile()
{
	cp "$PYTHON" "$TMP/a;b <&\"é"
	cid run --label '<&;>' -- "$TMP/a;b <&\"é" -c "$(spinning 1)"
}

folded()
{
	watch_as_text
	hostile
	watched
	grep -E "^<&,> \\([0-9]+\\);a,b <&\"[^;]*(;[^;]+)* [1-9][0-9]*$" "$TMP/out"
	same 0 "$(LC_ALL=C grep -c '[^ -~]' "$TMP/out" || true)"
}

an_image()
{
	watch_as_text --svg
	hostile
	spin plain 1
	watched
	xmllint --noout "$TMP/out"
	(($(grep -c '<rect ' "$TMP/out") > 3))
	grep -E "<title>$EVAL \\([0-9]+ samples, [0-9.]+ %\\)</title>" "$TMP/out"
	grep -F '<title>&lt;&amp;;&gt; (' "$TMP/out"
}

label_as_one()
{
	watch_as_text --by-label
	spin twin 0.5
	spin twin 0.5
	watched
	grep -E "^twin;$(basename "$PYTHON");" "$TMP/out"
	fails grep -E '^twin \(' "$TMP/out"
}

host_if_asked()
{
	watch "$TMP/out" --host
	"$PYTHON" -c "$(spinning 1)"
	watched
	jq -e '[.containers[] | select(.id == 0)] | length == 1' "$TMP/out"
	watch "$TMP/out"
	"$PYTHON" -c "$(spinning 1)"
	watched
	same 0 "$(jq -e '.containers | length' "$TMP/out")"
}

bad_options()
{
	refuses 2 "'0' is not a frequency" cid profile -F 0
	refuses 2 "'1001' is not a frequency" cid profile -F 1001
	refuses 2 "-U and -K exclude each other" cid profile -U -K
	refuses 2 "--svg is one image" cid profile --svg -j
}

claim "the function of a program that is busy" in_python
claim "the function of the kernel" in_the_kernel
claim "as many samples as cpu.stat has time" as_much_as_cgroups_count
claim "nobody who is idle" not_the_idle
claim "-c: only the containers that are named" only_the_named
claim "names of files that only the container has" files_of_its_own
claim "names in processes that are gone" gone_before_it_is_named
claim "-U: no stack of the kernel" users_only
claim "-K: no stack of user space" kernels_only
claim "folded stacks, whatever the names" folded
claim "--svg: an image, whatever the names" an_image
claim "--by-label: one root for the same label" label_as_one
claim "--host: who is in no container" host_if_asked
claim "however it ends, nothing is left in the kernel" nothing_is_left
claim "so are its own options" bad_options
finish
