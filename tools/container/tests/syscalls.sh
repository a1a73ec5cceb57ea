#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid syscalls, as TAP. To be run as root, on a
# kernel with metrics namespaces; cid is taken from PATH. Needs jq and python3.
set -euo pipefail

TOOL=syscalls
LINKS=4
# shellcheck source=tools/container/tests/trace.sh
. "$(dirname "$0")/trace.sh"

# of_call LABEL SYSCALL WHAT: of that row of the container, null without
of_call()
{
	jq --arg label "$1" --arg call "$2" \
		"[.containers[] | select(.label == \$label) | .rows[] |
		  select(.syscall == \$call)] | .[0] | $3" "$TMP/out"
}

each()
{
	watch "$TMP/out"
	cid run --label caller -- python3 -c 'import os
for i in range(1234): os.getppid()'
	watched
	same 1234 "$(of_call caller getppid .count)"
	same 0 "$(of_call caller getppid .errors)"
	same 1234 "$(of_call caller getppid '[.histogram[].count] | add')"
	same 0 "$(jq .lost "$TMP/out")"
}

errors()
{
	watch "$TMP/out"
	cid run --label failing -- python3 -c 'import os
for i in range(7):
	try: os.rmdir("/nowhere")
	except OSError: pass'
	watched
	same 7 "$(of_call failing rmdir .count)"
	same 7 "$(of_call failing rmdir .errors)"
}

# An address that is large isn't an error.
no_errors()
{
	watch "$TMP/out"
	cid run --label mapping -- true
	watched
	(($(of_call mapping mmap .count) > 0))
	same 0 "$(of_call mapping mmap .errors)"
}

as_long_as_it_takes()
{
	watch "$TMP/out"
	cid run --label sleeper -- sleep 1
	watched
	same 1 "$(of_call sleeper clock_nanosleep .count)"
	(($(of_call sleeper clock_nanosleep .sum_usec) >= 1000000))
}

# The container's python3 waits in read(2).
reads()
{
	local pid
	pid=$(cid ps "$1" --json | jq '.[] | select(.command == "python3").pid')

	grep -q '^0 ' "/proc/$pid/syscall"
}

# What it had been doing before isn't known, and not guessed.
begun_before()
{
	mkfifo "$TMP/fifo"
	exec 9<>"$TMP/fifo"
	cid run --label early -- python3 -c 'import os
os.read(0, 1)
os._exit(0)' <"$TMP/fifo" &
	STARTED+=($!)
	until_true reads early
	watch "$TMP/out"
	echo >&9
	wait "${STARTED[0]}"
	watched
	same null "$(of_call early read .)"
}

interrupted()
{
	watch "$TMP/out"
	cid run --label signals -- python3 -c 'import os, signal, time
signal.signal(signal.SIGALRM, lambda *args: None)
signal.setitimer(signal.ITIMER_REAL, 0.2)
time.sleep(0.5)'
	watched
	# once by the signal, and once again for the rest of it
	same 2 "$(of_call signals clock_nanosleep .count)"
	same 0 "$(of_call signals clock_nanosleep .errors)"
	same 0 "$(of_call signals rt_sigreturn .errors)"
}

no_return()
{
	watch "$TMP/out"
	cid run --label exits -- true
	watched
	same null "$(of_call exits exit_group .)"
	# cid's own, of which the last is true's
	(($(of_call exits execve '.count - .errors') >= 1))
}

# One that is started anew has another ID, and one that somebody else calls so isn't meant.
followed()
{
	watch_next web
	cid run --label web -- python3 -c 'import os
for i in range(77): os.getppid()'
	cid run --label other -- python3 -c 'import os
for i in range(88): os.getppid()'
	unshare --user --map-root-user cid run --label web -- python3 -c 'import os
for i in range(99): os.getppid()'
	watched
	same '[77]' "$(jq -c '[.containers[].rows[] | select(.syscall == "getppid").count]' \
		"$TMP/out")"
}

# Who gives an ID means this one.
not_followed()
{
	start web
	watch "$TMP/out" -c "$(id_of web)"
	cid run --label web -- python3 -c 'import os; os.getppid()'
	watched
	same null "$(of_call web getppid .)"
}

# What finds no room is said to be lost; and there is room again when those are gone that it
# was taken by.
few_rows()
{
	watch "$TMP/out" --rows 16 -i 1 2>"$TMP/err"
	cid run --label many -- python3 -c pass
	until_true grep -E '[1-9][0-9]* calls were not counted, for want of memory' \
		"$TMP/err"
	until_true later_is_counted
	watched
	(($(tail -n 1 "$TMP/out" | jq .lost) > 0))
	(($(jq -s '[.[].containers[] | select(.label == "many").rows | length] | max' \
		"$TMP/out") >= 8))
}

later_is_counted()
{
	cid run --label later -- true
	sleep 1
	jq -es '[.[].containers[] | select(.label == "later")] | length > 0' "$TMP/out"
}

# A program of 32 bits that calls getpid, which is 20 there, 321 times
COMPAT='import os, struct, sys
code = bytes.fromhex("bb41010000" "b814000000" "cd80" "4b" "75f6"
	"b801000000" "31db" "cd80")
base, at = 0x8048000, 84
size = at + len(code)
elf = b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<HHIIIIIHHHHHH",
	2, 3, 1, base + at, 52, 0, 0, 52, 32, 1, 0, 0, 0)
elf += struct.pack("<IIIIIIII", 1, 0, base, base, size, size, 5, 4096)
with open(sys.argv[1], "wb") as f: f.write(elf + code)
os.chmod(sys.argv[1], 0o755)'

of_32_bits()
{
	python3 -c "$COMPAT" "$TMP/compat"
	watch "$TMP/out"
	cid run --label compat -- "$TMP/compat"
	watched
	same 321 "$(of_call compat 32-bit:20 .count)"
	same 0 "$(of_call compat 32-bit:20 .errors)"
	same null "$(of_call compat 32-bit:1 .)"	# exit
}

# The thread has the PID of the first one then.
executed_by_thread()
{
	local label

	watch "$TMP/out"
	cid run --label first -- python3 -c 'import os
os.execv("/bin/true", ["true"])'
	cid run --label thread -- python3 -c 'import _thread, os, time
_thread.start_new_thread(os.execv, ("/bin/true", ["true"]))
time.sleep(1000)'
	watched
	for label in first thread; do
		same 2 "$(of_call $label execve '.count - .errors')"
	done
}

only_the_named()
{
	start wanted
	watch "$TMP/out" -c wanted
	cid enter wanted -- true
	cid run --label other -- true
	watched
	same '["wanted"]' "$(jq -c '[.containers[].label]' "$TMP/out")"
}

as_text()
{
	cid syscalls >"$TMP/out" &
	WATCHER=$!
	STARTED+=("$WATCHER")
	until_true attached "$WATCHER"
	cid run --label texted -- python3 -c 'import os
for i in range(99): os.getppid()'
	watched
	grep -E '^CONTAINER +SYSCALL +COUNT +ERRORS +TOTAL_MS +MEAN_US +P50_US +P99_US$' "$TMP/out"
	grep -E '^texted \([0-9]+\) +getppid +99 +0 ' "$TMP/out"
}

claim "each call" each
claim "each that fails" errors
claim "a large result is no error" no_errors
claim "as long as it takes" as_long_as_it_takes
claim "not those begun before" begun_before
claim "a signal is no error" interrupted
claim "calls that don't return" no_return
claim "programs of 32 bits" of_32_bits
claim "a program that a thread executes" executed_by_thread
claim "-c: only the containers that are named" only_the_named
claim "-c LABEL: also who gets it later, but for a user namespace's own" followed
claim "-c ID: this one only" not_followed
claim "--rows: what finds no room is said, and room is made" few_rows
claim "text is a table" as_text
finish
