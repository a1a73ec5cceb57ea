#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of what programs in a container make of its /proc, as TAP. To be run as
# root, on a kernel with the series and with cgroup v2; cid is taken from PATH. Needs
# jq, procps, htop, sysstat, util-linux, busybox, python3 with psutil, Node.js and podman.
# shellcheck disable=SC2016	# expressions of awk
set -euo pipefail

ABOUT="Runs programs that read /proc in a container that is smaller than the machine, and
compares what they print with the container"
NAME=consumers
# shellcheck source=tools/container/tests/claim.sh
. "$(dirname "$0")/claim.sh"

export LC_ALL=C
TOTAL=131072	# KiB

# inside COMMAND...: in a container of 128 MiB with CPU 0, its output kept
inside()
{
	cid run --label consumer --memory 128M --cpuset 0 -- "$@" >"$TMP/out"
	cat "$TMP/out"
}

# field REGEX AWK-EXPRESSION: of the first line of the output that matches
field()
{
	awk "\$0 ~ /$1/ { print $2; exit }" "$TMP/out"
}

# within LOW VALUE HIGH
within()
{
	awk -v l="$1" -v v="$2" -v h="$3" \
		'BEGIN { exit !(v + 0 == v && l <= v && v <= h) }' || {
		say "'$2' isn't within $1 and $3"
		return 1
	}
}

# --- memory ---

# free_shown COMMAND...: used was negative, and available 0, in other systems
free_shown()
{
	inside "$@"
	same "$TOTAL" "$(field '^Mem:' '$2')"
	within 1 "$(field '^Mem:' '$3')" $((TOTAL / 2))
	within $((TOTAL / 2)) "$(field '^Mem:' '$4')" "$TOTAL"
	within $((TOTAL / 2)) "$(field '^Mem:' '$7')" "$TOTAL"
	within 0 "$(field '^Swap:' '$2')" \
		"$(awk '$1 == "SwapTotal:" { print $2 }' /proc/meminfo)"
}

sysinfo_of_32_bits()
{
	inside sysinfo32
	same "$TOTAL" "$(field . '$1')"
	within $((TOTAL / 2)) "$(field . '$2')" "$TOTAL"
	same 2 "$(field . '$3')"
}

vmstat_sums()
{
	inside vmstat -s
	same "$TOTAL" "$(field 'total memory' '$1')"
	within 1 "$(field 'used memory' '$1')" $((TOTAL / 2))
	same 0 "$(field 'context switches' '$1')"
	# cid-init, the shell or program, and what that starts
	within 1 "$(field ' forks' '$1')" 100
}

swapon_shows()
{
	inside swapon --show=NAME,SIZE --noheadings --bytes
	if [[ -s $TMP/out ]]; then
		same none "$(field . '$1')"
	fi
}

# --- CPUs ---

cpu_counts()
{
	inside sh -c 'echo $(nproc) $(getconf _NPROCESSORS_ONLN) \
		$(getconf _NPROCESSORS_CONF) \
		$(grep -c ^processor /proc/cpuinfo)'
	same "1 1 $(getconf _NPROCESSORS_CONF) 1" "$(cat "$TMP/out")"
}

lscpu_lists()
{
	inside lscpu
	same 0 "$(field '^On-line CPU' '$NF')"
	same "$(getconf _NPROCESSORS_CONF)" "$(field '^CPU\(s\):' '$NF')"
}

python_counts()
{
	inside python3 -c 'import os
print(os.cpu_count(), len(os.sched_getaffinity(0)), *os.getloadavg())'
	same "1 1" "$(field . '$1 " " $2')"
	within 0 "$(field . '$3')" 10
}

# musl counts what may be used, glibc what is online: both are told the same here.
c_libraries()
{
	local conf
	conf=$(getconf _NPROCESSORS_CONF)

	inside counts
	same "1 $conf 1 1 $TOTAL" "$(field . '$1 " " $2 " " $3 " " $4 " " $5')"
	within 0 "$(field . '$6')" 10
	inside counts-musl
	same "1 1 1 1 $TOTAL" "$(field . '$1 " " $2 " " $3 " " $4 " " $5')"
	within 0 "$(field . '$6')" 10
}

psutil_counts()
{
	inside python3 -c 'import psutil
m = psutil.virtual_memory()
print(psutil.cpu_count(), len(psutil.Process().cpu_affinity()), m.total // 1024,
	m.available // 1024, m.percent, len(psutil.cpu_times(percpu=True)),
	psutil.swap_memory().total, len(psutil.pids()), psutil.getloadavg()[0])'
	same "1 1 $TOTAL" "$(field . '$1 " " $2 " " $3')"
	within $((TOTAL / 4)) "$(field . '$4')" "$TOTAL"
	within 1 "$(field . '$5')" 75
	same 1 "$(field . '$6')"
	within 2 "$(field . '$8')" 4
	within 0 "$(field . '$9')" 10
}

node_counts()
{
	inside node -e 'const os = require("os");
console.log(os.cpus().length, os.availableParallelism(), os.totalmem() / 1024,
	os.freemem() / 1024, os.loadavg()[0], os.uptime())'
	same "1 1 $TOTAL" "$(field . '$1 " " $2 " " $3')"
	within $((TOTAL / 8)) "$(field . '$4')" "$TOTAL"
	within 0 "$(field . '$5')" 10
	within 0 "$(field . '$6')" 600
}

# runtime.NumCPU() of Go, which podman is written in: what may be used
go_counts()
{
	inside podman info --format '{{.Host.CPUs}} {{.Host.MemTotal}}'
	same "1 $((TOTAL * 1024))" "$(tail -1 "$TMP/out")"
}

# Nobody is shown a CPU that isn't to be had.
binds_to_each()
{
	inside python3 -c 'import os
names = open("/sys/devices/system/cpu/online").read().strip()
for part in names.split(","):
	first, _, last = part.partition("-")
	for cpu in range(int(first), int(last or first) + 1):
		os.sched_setaffinity(0, [cpu])
print(names)'
	same 0 "$(cat "$TMP/out")"
}

# Its lines are "all" and CPU 0, and each adds up to all of the time.
mpstat_adds_up()
{
	inside mpstat -P ALL 1 1
	same "all 0" "$(awk '/^Average:/ && $2 != "CPU" { print $2 }' "$TMP/out" |
		xargs)"
	awk '/^Average:/ && $2 != "CPU" {
		for (i = sum = 0; i < NF - 2; i++)
			sum += $(i + 3)
		if (sum < 98 || sum > 102)
			exit 1
	}' "$TMP/out"
}

# What is busy for 4 seconds, or would be
HELD_BACK='i=0; end=$(($(date +%s) + 4)); while [ $(date +%s) -lt $end ]; do i=$((i + 1)); done'

# Time that the quota takes is stolen, in whatever shows it.
steal_shown()
{
	cid run --label held --cpus 0.2 --cpuset 0 -- \
		sh -c "($HELD_BACK) & mpstat 3 1; wait" >"$TMP/out"
	cat "$TMP/out"
	within 30 "$(field '^Average: .*all' '$9')" 100
	within 0 "$(field '^Average: .*all' '$12')" 60

	cid run --label held --cpus 0.2 --cpuset 0 -- \
		sh -c "($HELD_BACK) & vmstat 3 2; wait" >"$TMP/out"
	cat "$TMP/out"
	within 30 "$(awk 'END { print $17 }' "$TMP/out")" 100
}

# --- load and processes ---

# uptime_shown COMMAND...: of a time namespace, so it began with the container
uptime_shown()
{
	inside "$@"
	same up "$(field 'load average' '$2')"
	within 0 "$(field 'load average' '$3')" 1
	within 0 "$(field 'load average' 'substr($(NF - 2), 1, 4)')" 10
}

# Its processes alone, none of whom starts in the future or before it
ps_ages()
{
	local lines
	inside ps -eo pid,etimes,pcpu,comm --no-headers
	lines=$(wc -l <"$TMP/out")
	within 2 "$lines" 4
	same 1 "$(field . '$1')"
	awk '$2 < 0 || $2 > 60 || $3 > 1000 { exit 1 }' "$TMP/out"
}

# A process that is busy isn't shown to have 0.0 %.
ps_busy()
{
	inside sh -c "($HELD_BACK) & sleep 2; ps -o pcpu= \$!; wait"
	within 5 "$(field . '$1')" 110
}

top_shows()
{
	inside top -bn1
	same 128.0 "$(field '^MiB Mem' '$4')"
	within 2 "$(field '^Tasks:' '$2')" 4
	within 0 "$(field '^top -' 'substr($(NF - 2), 1, 4)')" 10
	inside busybox top -bn1
	within 1 "$(field '^Mem:' '$2 + 0')" "$TOTAL"
	same "$TOTAL" "$(field '^Mem:' '$2 + $4')"
}

# On a terminal, as it has no other mode; and an uptime of no second is none to it
htop_shows()
{
	inside sh -c 'sleep 2; { sleep 3; printf q; } |
		TERM=xterm script -qec "stty cols 120 rows 30; htop -C" /dev/null' |
		sed 's/\x1b[[(][0-9;?]*[a-zA-Z]//g' >"$TMP/screen"
	cat "$TMP/screen"
	grep -q '/128M' "$TMP/screen"
	grep -q '1\[ *offline' "$TMP/screen"
	grep -q 'Uptime: 00:00:0' "$TMP/screen"
}

queue_shown()
{
	inside sar -q 1 1
	within 0 "$(field '^Average:' '$2')" 4
	within 2 "$(field '^Average:' '$3')" 10
	same 0 "$(field '^Average:' '$7')"
}

# --- disks and more ---

# The disk that a directory is on, by its name
disk_of()
{
	local dev

	dev=$(stat -c %d "$1")
	basename "$(readlink -f "/sys/dev/block/$((dev >> 8)):$((dev & 255))")"
}

# written DISK: sectors, as the machine has it
written()
{
	awk -v d="$1" '$3 == d { print $10 }' /proc/diskstats
}

write_on()
{
	while :; do
		dd if=/dev/zero of="$1" bs=64k count=16 oflag=direct \
			conv=notrunc status=none
	done
}

# Without any I/O in the interval there is nothing of it, whoever else does some.
iostat_of_others()
{
	local disk before file=/var/tmp/consumers.$$

	disk=$(disk_of /var/tmp)
	write_on "$file" &
	STARTED+=($!)
	before=$(written "$disk")
	inside iostat -dxyz 1 1
	(($(written "$disk") > before))
	same 0 "$(grep -c "^$disk " "$TMP/out" || true)"
	stop_all
	rm -f "$file"
}

# What is read from disk inside shows.
iostat_of_its_own()
{
	local disk file=/var/tmp/consumers.$$

	disk=$(disk_of /var/tmp)
	dd if=/dev/zero of="$file" bs=64k count=16 conv=fsync status=none
	inside sh -c "dd if=$file of=/dev/null bs=64k iflag=direct status=none
		iostat -dx; vmstat -d"
	rm "$file"
	# rkB/s is since the boot of its time namespace, so of an hour at most
	within 0.2 "$(field "^$disk .*[.]" '$3')" 1000000
	within 2048 "$(awk -v d="$disk" '$1 == d && NF == 11 { print $4 }' "$TMP/out")" \
		1000000
}

paging_shown()
{
	inside sar -B 1 1
	within 0 "$(field '^Average:' '$4')" 100000
	same 0.00 "$(field '^Average:' '$6')"
}

# The rest of "Linux performance analysis in 60 seconds" runs to its end.
sixty_seconds()
{
	inside sh -ec 'uptime; dmesg | tail -1; vmstat 1 1; mpstat -P ALL 1 1
		pidstat 1 1; iostat -xz 1 1; free -m; sar -n DEV 1 1
		sar -n TCP,ETCP 1 1; top -bn1 | head -5'
	grep -q 'lo .*0.00' "$TMP/out"
	same 128 "$(field '^Mem:' '$2')"
}

# --- the machine beside it ---

machine_beside()
{
	cid run --label beside --memory 128M --host-view -- sh -c \
		'for f in /proc/meminfo /proc/host/meminfo; do
			awk "/MemTotal/ { print \$2 }" $f; done' >"$TMP/out"
	same "$TOTAL $(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)" \
		"$(xargs <"$TMP/out")"
}

machine_hidden()
{
	local status=0

	cid run --memory 128M -- cat /proc/host/meminfo >"$TMP/out" || status=$?
	same 1 "$status"
	same '' "$(cat "$TMP/out")"
}

claim "free shows the container's memory" free_shown free -k
claim "busybox's free, which asks sysinfo, shows the same" \
	free_shown busybox free
claim "a 32-bit program gets the same" sysinfo_of_32_bits
claim "vmstat -s shows its memory and its forks" vmstat_sums
claim "swapon shows no device of the machine" swapon_shows
claim "nproc, getconf and cpuinfo count one CPU, and all that may be" cpu_counts
claim "lscpu lists one CPU as online" lscpu_lists
claim "Python counts one CPU and gets a load" python_counts
claim "glibc and musl count one CPU, and the container's memory" c_libraries
claim "psutil has its CPU, memory and processes" psutil_counts
claim "Node.js has its CPU, memory and uptime" node_counts
claim "a program in Go has one CPU, and the container's memory" go_counts
claim "each CPU that is shown can be bound to" binds_to_each
claim "mpstat has one CPU, which adds up to 100 %" mpstat_adds_up
claim "mpstat and vmstat show as stolen what the quota takes" steal_shown
claim "uptime begins with the container" uptime_shown uptime
claim "busybox's uptime begins with the container" uptime_shown busybox uptime
claim "w begins with the container" uptime_shown w
claim "ps shows ages that fit the container's" ps_ages
claim "ps shows how busy a process is" ps_busy
claim "top shows its memory, tasks and load" top_shows
claim "htop shows its memory and uptime, and the other CPU as offline" htop_shows
claim "sar -q shows its run queue and tasks" queue_shown
claim "iostat doesn't show what others do" iostat_of_others
claim "iostat and vmstat -d show what it does itself" iostat_of_its_own
claim "sar -B shows its page faults" paging_shown
claim "the analysis in 60 seconds can be done inside" sixty_seconds
claim "with --host-view the machine stands beside it" machine_beside
claim "without, it can't be seen" machine_hidden
finish
