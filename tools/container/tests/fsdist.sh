#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid fsdist, as TAP. To be run as root, on a
# kernel with metrics namespaces; cid is taken from PATH. Needs jq and python3.
set -euo pipefail

TOOL=fsdist
LINKS=16
# shellcheck source=tools/container/tests/trace.sh
. "$(dirname "$0")/trace.sh"

# of_row LABEL FILESYSTEM OPERATION WHAT: of that row of the container, null without
of_row()
{
	jq --arg label "$1" --arg fs "$2" --arg op "$3" \
		"[.containers[] | select(.label == \$label) | .rows[] |
		  select(.filesystem == \$fs and .operation == \$op)] | .[0] | $4" \
		"$TMP/out"
}

# write LABEL DIRECTORY: a hundred times 4 KiB, synced once, and read again
write()
{
	cid run --label "$1" -- sh -c "dd if=/dev/zero of='$2/file' bs=4k count=100 \
		conv=fsync status=none && dd if='$2/file' of=/dev/null bs=4k status=none"
	rm "$2/file"
}

# has LABEL FILESYSTEM: what write() does, and nothing more but reads: dd and what the
# loader reads of libraries are on another file system, or aren't this large
has()
{
	same 100 "$(of_row "$1" "$2" write .count)"
	same 409600 "$(of_row "$1" "$2" write .bytes)"
	same 0 "$(of_row "$1" "$2" write .errors)"
	same 1 "$(of_row "$1" "$2" fsync .count)"
	(($(of_row "$1" "$2" read .count) >= 100))
	(($(of_row "$1" "$2" read .bytes) >= 409600))
}

of_tmpfs()
{
	mkdir "$TMP/tmpfs"
	mount -t tmpfs none "$TMP/tmpfs"
	watch "$TMP/out"
	write one "$TMP/tmpfs" || true
	watched
	umount "$TMP/tmpfs"
	has one tmpfs
	# Both of dd, and a last read that finds the end
	same 2 "$(of_row one tmpfs open .count)"
	same 101 "$(of_row one tmpfs read .count)"
	same null "$(of_row one ext4 write .)"
}

# The guest's disk
of_ext4()
{
	same ext2/ext3 "$(stat -f -c %T "$HOME")"
	watch "$TMP/out"
	write two "$HOME"
	watched
	has two ext4
}

# Below it is a tmpfs, whose part isn't told again.
of_overlay()
{
	mkdir "$TMP/below"
	mount -t tmpfs none "$TMP/below"
	mkdir "$TMP/below/lower" "$TMP/below/upper" "$TMP/below/work" "$TMP/below/all"
	mount -t overlay -o "lowerdir=$TMP/below/lower,upperdir=$TMP/below/upper" \
		-o "workdir=$TMP/below/work" none "$TMP/below/all"
	watch "$TMP/out"
	write three "$TMP/below/all" || true
	watched
	umount "$TMP/below/all" "$TMP/below"
	has three overlay
	same null "$(of_row three tmpfs write .)"
	same null "$(of_row three tmpfs fsync .)"
}

failed()
{
	watch "$TMP/out"
	cid run --label failing -- python3 -c 'import os
for i in range(7):
	try: os.open("/nowhere", os.O_RDONLY)
	except OSError: pass
fd = os.open("'"$HOME"'", os.O_RDONLY)
try: os.read(fd, 10)
except OSError: pass'
	watched
	# and what else python3 looks for in vain
	(($(of_row failing - open .errors) >= 7))
	same "$(of_row failing - open .errors)" "$(of_row failing - open .count)"
	same 1 "$(of_row failing ext4 read .errors)"
}

vectors()
{
	watch "$TMP/out"
	cid run --label vector -- python3 -c 'import os
fd = os.open("'"$HOME"'/vector", os.O_RDWR | os.O_CREAT)
os.writev(fd, [b"x" * 1000, b"y" * 24])
os.pwrite(fd, b"z", 0)
os.preadv(fd, [bytearray(512), bytearray(512)], 0)'
	watched
	rm "$HOME/vector"
	same 2 "$(of_row vector ext4 write .count)"
	same 1025 "$(of_row vector ext4 write .bytes)"
}

files_only()
{
	watch "$TMP/out"
	cid run --label pipes -- sh -c 'echo hello | cat /proc/self/status - >/dev/null'
	watched
	same null "$(of_row pipes proc read .)"
	same null "$(of_row pipes pipefs read .)"
	watch "$TMP/out" --all
	cid run --label pipes -- sh -c 'echo hello | cat /proc/self/status - >/dev/null'
	watched
	(($(of_row pipes proc read .count) > 0))
	same 6 "$(of_row pipes pipefs write .bytes)"
}

only_the_named()
{
	start wanted
	watch "$TMP/out" -c wanted
	cid enter wanted -- cat /etc/passwd
	cid run --label other -- cat /etc/passwd
	watched
	same '["wanted"]' "$(jq -c '[.containers[].label]' "$TMP/out")"
	(($(of_row wanted ext4 read .bytes) > 0))
}

# A write that syncs takes as long as the disk does.
as_long_as_it_takes()
{
	watch "$TMP/out"
	cid run --label slow -- sh -c "dd if=/dev/zero of='$HOME/file' bs=4k count=8 oflag=sync"
	watched
	rm "$HOME/file"
	same 8 "$(of_row slow ext4 write .count)"
	same null "$(of_row slow ext4 fsync .)"
	jq -e '[.containers[].rows[]] | all(.sum_usec >=
		([.histogram[] | .count * .from_usec] | add))' "$TMP/out"
}

as_text()
{
	cid fsdist >"$TMP/out" &
	WATCHER=$!
	STARTED+=("$WATCHER")
	until_true attached "$WATCHER"
	write texted "$HOME"
	watched
	grep -E '^CONTAINER +FILESYSTEM +OPERATION +COUNT +ERRORS +BYTES +TOTAL_MS +MEAN_US +P50_US +P99_US$' "$TMP/out"
	grep -E '^texted \([0-9]+\) +ext4 +write +100 +0 +409600 +[0-9.]+ +[0-9.]+ +[0-9]+ +[0-9]+$' "$TMP/out"
}

claim "tmpfs: each operation and byte" of_tmpfs
claim "ext4: each operation and byte" of_ext4
claim "overlay: each once, and not what is below" of_overlay
claim "what fails is counted as an error" failed
claim "vectors, and at an offset" vectors
claim "--all: of pipes and proc as well" files_only
claim "-c: only the containers that are named" only_the_named
claim "a write that syncs is one operation" as_long_as_it_takes
claim "text is a table" as_text
finish
