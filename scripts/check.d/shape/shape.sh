#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Have the files of /proc that the view touches kept the base kernel's keys, order
# and format, where there is no scope? TAP; shape.sh --print shows the shape, for
# scripts/recordings to keep.
set -euo pipefail

# Numbers become N, so that what remains is the form. The value of a CPU's flags
# and names depends on the emulator; the CPUs' number on the guest.
shape()
{
	echo '== meminfo'
	sed -E 's/ +[0-9]+/ N/' /proc/meminfo
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
os.execv(sys.argv[1], sys.argv[1:])' "$0" --print
}

RECORDING=$(dirname "$0")/base.shape
if [[ ${1:-} == --print ]]; then
	shape
	exit
fi
echo 1..2
compare 1 'the initial namespace reads what the base kernel prints' shape
compare 2 'a namespace without a scope reads what the base kernel prints' unscoped
