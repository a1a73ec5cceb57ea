#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Have the files of /proc that the view touches kept the base kernel's keys, order
# and format, where there is no scope? TAP; shape.sh --print shows the shape, for
# scripts/recordings to keep.
set -euo pipefail

# Numbers become N, so that what remains is the form: one that is padded, N and the column
# in which it ends. The value of a CPU's flags and names depends on the emulator; the CPUs'
# number on the guest.
shape()
{
	local file

	echo '== meminfo'
	awk 'match($0, / +[0-9]+/) {
		print substr($0, 1, RSTART - 1) " N@" RSTART + RLENGTH - 1 \
			substr($0, RSTART + RLENGTH)
	}' /proc/meminfo
	echo '== stat'
	sed -E 's/^cpu[0-9]+/cpuN/; s/ [0-9]+/ N/g; /^intr/s/( N)+/ N.../' \
		/proc/stat | uniq
	echo '== uptime'
	sed -E 's/[0-9]+\.[0-9]{2}\b/N.NN/g' /proc/uptime
	echo '== cpuinfo'
	sed -E 's/(:).*/\1/' /proc/cpuinfo | awk '
		/^processor/ && n++ { exit }
		{ print }'
	echo '== online'
	sed -E 's/[0-9]+/N/g' /sys/devices/system/cpu/online
	echo '== loadavg'
	sed -E 's/[0-9]+\.[0-9]{2}\b/N.NN/g; s/\b[0-9]+/N/g' /proc/loadavg
	echo '== swaps'
	sed -E 's/\b[0-9]+/N/g; s/\t/<tab>/g' /proc/swaps
	echo '== vmstat'
	sed -E 's/ [0-9]+/ N/' /proc/vmstat
	echo '== diskstats'
	awk 'match($0, /^ *[0-9]+/) {
		major = RLENGTH
		match($0, /^ *[0-9]+ +[0-9]+/)
		rest = substr($0, RLENGTH + 1)
		gsub(/ [0-9]+/, " N", rest)
		print "N@" major " N@" RLENGTH rest
	}' /proc/diskstats
	for file in /proc/pressure/*; do
		echo "== ${file#/proc/}"
		sed -E 's/[0-9]+\.[0-9]{2}\b/N.NN/g; s/total=[0-9]+/total=N/' "$file"
	done
}

# With a swap, so that its line is there to see
swap_on()
{
	trap 'swapoff "$SWAP" || true; rm -f "$SWAP"' EXIT
	dd if=/dev/zero of="$SWAP" bs=1M count=1 status=none
	chmod 600 "$SWAP"
	mkswap -q "$SWAP"
	swapon "$SWAP"
}

# compare NUMBER NAME COMMAND...: the command's output against the recording
compare()
{
	local number=$1 name=$2 diff
	shift 2

	if diff=$(diff -u "$RECORDING" <("$@")); then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		printf '# %s\n' "${diff//$'\n'/$'\n'# }"
	fi
}

unscoped()
{
	python3 -c 'import os, sys
os.unshare(0x40)
os.execv(sys.argv[1], sys.argv[1:])' "$0" --print-only
}

RECORDING=$(dirname "$0")/base.shape
SWAP=/var/tmp/shape.swap
case ${1:-} in
--print-only) shape; exit ;;
--print) swap_on; shape; exit ;;
esac
swap_on
echo 1..2
compare 1 'the initial namespace reads what the base kernel prints' shape
name='a namespace without a scope reads what the base kernel prints'
if [[ -e /proc/self/ns/metrics ]]; then
	compare 2 "$name" unscoped
else
	echo "ok 2 - $name # SKIP kernel without CONFIG_METRICS_NS"
fi
