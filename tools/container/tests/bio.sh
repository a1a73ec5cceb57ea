#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid bio, as TAP, against io.stat. To be run as root, on a
# kernel with metrics namespaces; cid is taken from PATH. Needs jq and python3.
set -euo pipefail

TOOL=bio
LINKS=9
# shellcheck source=tools/container/tests/trace.sh
. "$(dirname "$0")/trace.sh"

FILE=$(mktemp -d -p /var/tmp)/file
at_end rm -r "$(dirname "$FILE")"
DISK=$(lsblk -dno MAJ:MIN "$(findmnt -no SOURCE /)" | tr -d ' ')

# io_of LABEL NAME: what its cgroup has counted in io.stat
io_of()
{
	grep -h "^$DISK " "$CGROUPS$(cgroup_of "$1")/io.stat" | grep -o "$2=[0-9]*" |
		cut -d= -f2
}

# box LABEL: a container whose I/O is counted, and whose file will be its own: what is written
# to one that was another's is written back for that one
box()
{
	rm -f "$FILE"
	start "$1"
	echo "+io +memory" >"$(dirname "$CGROUPS$(cgroup_of "$1")")/cgroup.subtree_control"
}

direct()
{
	local name before=()

	box direct
	watch "$TMP/out"
	for name in wbytes wios rbytes rios; do
		before+=("$(io_of direct $name || true)")
	done
	cid enter direct -- dd if=/dev/zero of="$FILE" bs=64k count=16 oflag=direct
	cid enter direct -- dd if="$FILE" of=/dev/null bs=64k iflag=direct
	watched
	same $((16 * 65536)) "$(of "$TMP/out" direct .write.bytes)"
	(($(of "$TMP/out" direct .read.bytes) >= 16 * 65536))
	same $(($(io_of direct wbytes) - before[0])) "$(of "$TMP/out" direct .write.bytes)"
	same $(($(io_of direct wios) - before[1])) "$(of "$TMP/out" direct .write.count)"
	same $(($(io_of direct rbytes) - before[2])) "$(of "$TMP/out" direct .read.bytes)"
	same $(($(io_of direct rios) - before[3])) "$(of "$TMP/out" direct .read.count)"
	same 0 "$(of "$TMP/out" direct .write.errors)"
}

# The kernel's own threads write it back when somebody else syncs.
written_back()
{
	box behind
	watch "$TMP/out"
	cid enter behind -- dd if=/dev/zero of="$FILE" bs=64k count=64
	sync -f "$FILE"
	watched
	same "$(io_of behind wbytes)" "$(of "$TMP/out" behind .write.bytes)"
	(($(of "$TMP/out" behind .write.bytes) >= 64 * 65536))
}

in_a_cgroup_below()
{
	local cgroup

	box outer
	cgroup=$CGROUPS$(cgroup_of outer)
	watch "$TMP/out"
	mkdir "$cgroup/below"
	at_end rmdir "$cgroup/below"
	# shellcheck disable=SC2016	# expanded inside
	cid enter outer -- sh -c 'echo $$ >"$1/cgroup.procs" &&
		exec dd if=/dev/zero of="$2" bs=64k count=16 oflag=direct' \
		sh "$CGROUPS/below" "$FILE"	# which is the container's own there
	watched
	(($(of "$TMP/out" outer .write.bytes) >= 16 * 65536))
}

# One that there was before it was watched
in_one_from_before()
{
	local cgroup

	box outer
	cgroup=$CGROUPS$(cgroup_of outer)
	mkdir "$cgroup/below"
	at_end rmdir "$cgroup/below"
	dd if=/dev/zero of="$FILE" bs=64k count=16
	watch "$TMP/out"
	# A host's process in it, which is the container's load all the same
	sh -c 'echo $$ >"$1/cgroup.procs" &&
		exec dd if=/dev/zero of="$2" bs=64k count=16 oflag=direct conv=notrunc' \
		sh "$cgroup/below" "$FILE"
	watched
	# but for that the io controller isn't on below: it is the container's cgroup's
	(($(of "$TMP/out" outer .write.bytes) >= 16 * 65536))
}

only_the_named()
{
	box wanted
	box other
	watch "$TMP/out" -c wanted
	cid enter wanted -- dd if=/dev/zero of="$FILE" bs=64k count=4 oflag=direct
	cid enter other -- dd if=/dev/zero of="$FILE" bs=64k count=4 oflag=direct
	watched
	same '["wanted"]' "$(jq -c '[.containers[].label]' "$TMP/out")"
}

hosts()
{
	watch "$TMP/out" --host
	dd if=/dev/zero of="$FILE" bs=64k count=4 oflag=direct
	watched
	jq -e '.containers[] | select(.id == 0) | .write.bytes >= 4 * 65536' "$TMP/out"
}

# Its cgroup doesn't have the io controller, so it is who submits, and not who issues: with
# two at a time, one often issues what the other has submitted.
by_who_submits()
{
	local file own cgroup=$CGROUPS/bio-bare

	for file in bare host; do
		dd if=/dev/zero of="$FILE-$file" bs=64k count=64
	done
	sync
	at_end rmdir "$cgroup/box" "$cgroup"
	mkdir -p "$cgroup/box"
	start bare --scope /bio-bare/box
	fails grep -w io "$cgroup/box/cgroup.controllers"
	watch "$TMP/out" --host
	cid enter bare -- dd if=/dev/zero of="$FILE-bare" bs=64k count=64 oflag=direct \
		conv=notrunc &
	STARTED+=($!)
	dd if=/dev/zero of="$FILE-host" bs=64k count=64 oflag=direct conv=notrunc
	wait "${STARTED[-1]}"
	watched
	same $((64 * 65536)) "$(of "$TMP/out" bare .write.bytes)"
	own=$(jq -e '.containers[] | select(.id == 0) | .write.bytes' "$TMP/out")
	((own >= 64 * 65536))
}

# The disk is asked to flush for it, and for nobody else.
a_flush()
{
	local dev

	truncate -s 1M "$TMP/disk"
	dev=$(losetup --show -f "$TMP/disk")
	at_end losetup -d "$dev"
	box flusher
	watch "$TMP/out"
	for _ in 1 2 3; do
		cid enter flusher -- dd if=/dev/zero of="$dev" bs=4k count=1 oflag=direct \
			conv=fsync
	done
	watched
	(($(of "$TMP/out" flusher .other.count) >= 3))
	of "$TMP/out" flusher '.other.sum_usec > 0 and .other.bytes == 0'
}

flushes()
{
	box syncs
	watch "$TMP/out"
	cid enter syncs -- dd if=/dev/zero of="$FILE" bs=4k count=1 conv=fsync
	watched
	of "$TMP/out" syncs '.write.count > 0 and .write.sum_usec > 0'
	of "$TMP/out" syncs '.write | .count == ([.histogram[].count] | add)'
}

# Eight requests that come at once, for a disk that takes 200 ms for each and has one at a
# time: the second one waits for 200 ms, the third for 400. A quarter of that is asked for.
AT_ONCE='import mmap, os, sys, threading
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_DIRECT)
page, ready = mmap.mmap(-1, 4096), threading.Barrier(8)
def write(n):
	ready.wait()
	os.pwrite(fd, page, n * 1048576)
threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
for t in threads: t.start()
for t in threads: t.join()'

slow_disk()
{
	local dir=/sys/kernel/config/nullb/slow

	modprobe null_blk nr_devices=0
	at_end rmmod null_blk
	at_end rmdir "$dir"
	mkdir "$dir"
	echo 2 >"$dir/irqmode"	# a timer
	echo 200000000 >"$dir/completion_nsec"
	echo 1 >"$dir/hw_queue_depth"
	echo 1 >"$dir/submit_queues"
	echo 1 >"$dir/power"
	# Without one, a request is made when it can be issued.
	echo mq-deadline >/sys/block/slow/queue/scheduler
	echo 16 >/sys/block/slow/queue/nr_requests
}

with_the_queue()
{
	local first with without

	slow_disk
	box slow
	watch "$TMP/queue" -Q
	first=$WATCHER
	watch "$TMP/out"
	cid enter slow -- python3 -c "$AT_ONCE" /dev/slow
	watched
	WATCHER=$first
	watched
	same 8 "$(of "$TMP/out" slow .write.count)"
	same 8 "$(of "$TMP/queue" slow .write.count)"
	without=$(of "$TMP/out" slow .write.sum_usec)
	with=$(of "$TMP/queue" slow .write.sum_usec)
	say "$without us, $with us with the queue"
	((without >= 8 * 200000))
	((with >= without + 28 * 200000 / 4))
}

# What a limit holds back isn't the disk's doing, and isn't counted as such: 1 MiB at 512 KiB/s
# is with the container for a second more than with the disk.
held_back()
{
	local cgroup

	box held
	cgroup=$CGROUPS$(cgroup_of held)
	dd if=/dev/zero of="$FILE" bs=64k count=16
	sync -f "$FILE"
	echo "$DISK wbps=524288" >"$cgroup/io.max"
	watch "$TMP/out"
	# shellcheck disable=SC2016	# expanded inside
	cid enter held -- perl -MTime::HiRes=time -e '$t = time;
		system(@ARGV) && die; print int(1e6 * (time - $t)), "\n"' \
		dd if=/dev/zero of="$FILE" bs=64k count=16 oflag=direct conv=notrunc >"$TMP/usec"
	watched
	same $((16 * 65536)) "$(of "$TMP/out" held .write.bytes)"
	(($(of "$TMP/out" held .write.sum_usec) + 1000000 <= $(cat "$TMP/usec")))
}

as_text()
{
	box texted
	cid bio >"$TMP/out" &
	WATCHER=$!
	STARTED+=("$WATCHER")
	until_true attached "$WATCHER"
	cid enter texted -- dd if=/dev/zero of="$FILE" bs=64k count=4 oflag=direct
	watched
	grep -E '^texted \([0-9]+\): writes, 4 times, [0-9.]+ ms in all, 262144 bytes$' "$TMP/out"
}

claim "as io.stat has it" direct
claim "what is written back by others" written_back
claim "of a cgroup below" in_a_cgroup_below
claim "of a cgroup that was there before, by a process of the host" in_one_from_before
claim "-c: only the containers that are named" only_the_named
claim "--host: who is in no container" hosts
claim "without the io controller, by who submits" by_who_submits
claim "a sync" flushes
claim "a flush" a_flush
claim "-Q: with the time in the queue of a slow disk" with_the_queue
claim "what io.max holds back is counted when the disk has it" held_back
claim "as text" as_text
finish
