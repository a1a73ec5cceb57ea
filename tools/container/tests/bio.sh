#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid bio, as TAP, against io.stat. To be run as root, on a
# kernel with metrics namespaces; cid is taken from PATH. Needs jq and python3.
set -euo pipefail

TOOL=bio
LINKS=9
# shellcheck source=tools/container/tests/trace.sh
. "$(dirname "$0")/trace.sh"

FILE=$HOME/bio
DISK=$(lsblk -dno MAJ:MIN "$(findmnt -no SOURCE /)" | tr -d ' ')

# io_of LABEL NAME: what its cgroup has counted in io.stat
io_of()
{
	grep -h "^$DISK " "$CGROUPS$(cgroup_of "$1")/io.stat" | grep -o "$2=[0-9]*" |
		cut -d= -f2
}

# box LABEL: a container whose I/O is counted
box()
{
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
	rm "$FILE"
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
	rm "$FILE"
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
	# shellcheck disable=SC2016	# expanded inside
	cid enter outer -- sh -c 'echo $$ >"$1/cgroup.procs" &&
		exec dd if=/dev/zero of="$2" bs=64k count=16 oflag=direct' \
		sh "$CGROUPS/below" "$FILE"	# which is the container's own there
	rmdir "$cgroup/below"
	watched
	rm "$FILE"
	(($(of "$TMP/out" outer .write.bytes) >= 16 * 65536))
}

# One that there was before it was watched
in_one_from_before()
{
	local cgroup

	box outer
	cgroup=$CGROUPS$(cgroup_of outer)
	mkdir "$cgroup/below"
	dd if=/dev/zero of="$FILE" bs=64k count=16
	watch "$TMP/out"
	# A host's process in it, which is the container's load all the same
	sh -c 'echo $$ >"$1/cgroup.procs" &&
		exec dd if=/dev/zero of="$2" bs=64k count=16 oflag=direct conv=notrunc' \
		sh "$cgroup/below" "$FILE"
	rmdir "$cgroup/below"
	watched
	rm "$FILE"
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
	rm "$FILE"
	same '["wanted"]' "$(jq -c '[.containers[].label]' "$TMP/out")"
}

hosts()
{
	watch "$TMP/out" --host
	dd if=/dev/zero of="$FILE" bs=64k count=4 oflag=direct
	watched
	rm "$FILE"
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
	rm "$FILE-bare" "$FILE-host"
	stop_all
	rmdir "$cgroup/box" "$cgroup"
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
	box flusher
	watch "$TMP/out"
	for _ in 1 2 3; do
		cid enter flusher -- dd if=/dev/zero of="$dev" bs=4k count=1 oflag=direct \
			conv=fsync
	done
	watched
	losetup -d "$dev"
	(($(of "$TMP/out" flusher .other.count) >= 3))
	of "$TMP/out" flusher '.other.sum_usec > 0 and .other.bytes == 0'
}

flushes()
{
	box syncs
	watch "$TMP/out"
	cid enter syncs -- dd if=/dev/zero of="$FILE" bs=4k count=1 conv=fsync
	watched
	rm "$FILE"
	of "$TMP/out" syncs '.write.count > 0 and .write.sum_usec > 0'
	of "$TMP/out" syncs '.write | .count == ([.histogram[].count] | add)'
}

as_long_with_the_queue()
{
	box slow
	watch "$TMP/out" -Q
	cid enter slow -- dd if=/dev/zero of="$FILE" bs=64k count=8 oflag=direct
	watched
	rm "$FILE"
	same 8 "$(of "$TMP/out" slow .write.count)"
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
	rm "$FILE"
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
claim "-Q: each as often" as_long_with_the_queue
claim "as text" as_text
finish
