#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid offcpu, as TAP, with a container for each reason. To be run as root, on a
# kernel with metrics namespaces; cid is taken from PATH. Needs jq and python3.
set -euo pipefail

TOOL=offcpu
LINKS=8
# shellcheck source=tools/container/tests/trace.sh
. "$(dirname "$0")/trace.sh"

sum_of()
{
	of "$TMP/out" "$1" ".$2.sum_usec"
}

sleeping()
{
	watch "$TMP/out"
	cid run --label sleeper -- sleep 1
	watched
	(($(sum_of sleeper sleep) >= 1000000))
	same 0 "$(sum_of sleeper throttled)"
	same 0 "$(sum_of sleeper lock)"
}

LOCKING='import _thread, time
lock = _thread.allocate_lock()
lock.acquire()
_thread.start_new_thread(lambda: (time.sleep(1), lock.release()), ())
lock.acquire()'

locked()
{
	watch "$TMP/out"
	cid run --label locked -- python3 -c "$LOCKING"
	watched
	(($(sum_of locked lock) >= 900000))
	(($(sum_of locked sleep) >= 1000000))
}

# Each write waits for the disk, unless that is done before the task is off its CPU.
for_the_disk()
{
	watch "$TMP/out"
	cid run --label writer -- dd if=/dev/zero of="$HOME/offcpu" bs=64k count=64 \
		oflag=direct
	watched
	rm "$HOME/offcpu"
	(($(of "$TMP/out" writer .io.count) >= 4))
}

for_data()
{
	mkfifo "$TMP/fifo"
	watch "$TMP/out"
	# Who opens it waits as well, for the other side.
	cid run --label reader -- cat "$TMP/fifo" &
	STARTED+=($!)
	until_true id_of reader
	{
		sleep 1
		echo
	} >"$TMP/fifo"
	wait "${STARTED[-1]}"
	watched
	(($(sum_of reader wait) >= 1000000))
	same 0 "$(sum_of reader sleep)"
}

frozen()
{
	local cgroup

	start box
	cgroup=$CGROUPS$(cgroup_of box)
	watch "$TMP/out"
	echo 1 >"$cgroup/cgroup.freeze"
	until_true grep -q '^frozen 1' "$cgroup/cgroup.events"
	sleep 1
	echo 0 >"$cgroup/cgroup.freeze"
	until_true grep -q '^frozen 0' "$cgroup/cgroup.events"
	watched
	(($(sum_of box stopped) >= 1000000))
}

# A parent waits until its child executes a program: nobody has frozen it.
vforks()
{
	watch "$TMP/out"
	cid run --label parent -- python3 -c 'import os
for i in range(20):
	os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)'
	watched
	same 0 "$(of "$TMP/out" parent .stopped.count)"
	(($(of "$TMP/out" parent .wait.count) >= 20))
}

stopped()
{
	start box
	watch "$TMP/out"
	kill -STOP "$(sleeper_of box)"
	sleep 1
	kill -CONT "$(sleeper_of box)"
	watched
	(($(sum_of box stopped) >= 900000))
}

preempted_by_whom()
{
	local by

	watch "$TMP/out"
	cid run --label one --cpuset 1 -- timeout 3 sh -c 'while :; do :; done' &
	STARTED+=($!)
	cid run --label two --cpuset 1 -- timeout 3 sh -c 'while :; do :; done' || true
	wait "${STARTED[-1]}" || true
	watched
	by=$(of "$TMP/out" one \
		'[.preempted.by[] | select(.label == "two") | .sum_usec] | add')
	say "$by us by two, of $(sum_of one preempted)"
	((by > 500000 && by * 2 > $(sum_of one preempted)))
	of "$TMP/out" one '.preempted | .count == ([.by[].count] | add)'
}

throttled_as_cgroups_count()
{
	watch "$TMP/out"
	busy capped 3 --cpus 0.2
	watched
	same_throttling "$(sum_of capped throttled)"
	(($(sum_of capped throttled) > 100000))
	# Who stops at its limit hasn't lost its CPU to anybody.
	(($(of "$TMP/out" capped .runqueue.count) * 2 >
	  $(of "$TMP/out" capped .throttled.count)))
}

# From its first moment to its last it has a CPU or a reason.
all_of_its_time()
{
	local before after own cpu off

	start box
	watch "$TMP/out" -c box
	before=$(date +%s%N)
	cid enter box -- python3 -c 'import time
begin = time.monotonic()
time.sleep(0.5)
while time.process_time() < 0.5: pass
open("'"$TMP/own"'", "w").write("%d %d\n" % ((time.monotonic() - begin) * 1e6,
	time.process_time() * 1e6))'
	after=$(date +%s%N)
	watched
	same 0 "$(jq .lost "$TMP/out")"
	read -r own cpu <"$TMP/own"
	off=$(of "$TMP/out" box '[.[] | objects | .sum_usec] | add')
	say "$off us off, $cpu us on a CPU, of $own to $(((after - before) / 1000))"
	((off + cpu >= own && off + cpu <= (after - before) / 1000 + 50000))
}

as_text()
{
	cid offcpu >"$TMP/out" &
	WATCHER=$!
	STARTED+=("$WATCHER")
	until_true attached "$WATCHER"
	cid run --label texted -- sleep 0.1
	watched
	grep -E '^texted \([0-9]+\): sleeping, 1 times, 1[0-9]{2}\.[0-9]{3} ms in all$' "$TMP/out"
}

claim "sleep: until a time" sleeping
claim "lock: a futex" locked
claim "io: the disk" for_the_disk
claim "wait: data from others" for_data
claim "stopped: the freezer of cgroups" frozen
claim "stopped: by a signal" stopped
claim "stopped: not for a vfork" vforks
claim "preempted: by which container" preempted_by_whom
claim "throttled: as cpu.stat has it" throttled_as_cgroups_count
claim "with the time on CPUs it is all of the time" all_of_its_time
claim "as text" as_text
finish
