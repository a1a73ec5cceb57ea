#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of the series on lttng-tools, as TAP: the contexts of containers, cgroups and
# namespaces are recorded with each event, and are what the kernel says elsewhere. To be
# run as root, with lttng-modules with the series, babeltrace2, cid, jq, perl, xmllint and
# either lttng-tools with the series, or its packages of scripts/lttng-tools in /share
# (LTTNG_PACKAGES names another folder), which are only unpacked then.
set -euo pipefail

ABOUT="Records the contexts of containers with lttng-tools that know them"
NAME=lttng
# shellcheck source=tools/lttng/tests/lttng.sh
. "$(dirname "$0")/lttng.sh"

PACKAGES=${LTTNG_PACKAGES:-/share}
TYPES="cgroup ipc mnt net pid user uts time"
CONTEXTS="container_id container_top_id cgroup_id"
for type in $TYPES; do
	CONTEXTS+=" ${type}_ns_id"
done

knows_them()
{
	# Not -q, which ends lttng by SIGPIPE.
	lttng add-context --list | grep -x container_id >/dev/null
}

refuses()
{
	fails lttng add-context --kernel --type=container_id >"$TMP/said" 2>&1
	cat "$TMP/said"
	grep -q 'Unknown context type container_id' "$TMP/said"
}

# Of the packages, unpacked: nothing of what is installed changes.
unpack()
{
	local root=$TMP/tools package libraries

	for package in lttng-tools liblttng-ctl0t64; do
		dpkg-deb -x "$PACKAGES/${package}"_*.deb "$root"
	done
	libraries=$(echo "$root"/usr/lib/*/lttng)
	export PATH=$root/usr/bin:$PATH
	export LD_LIBRARY_PATH=${libraries%/lttng}
	export LTTNG_CONSUMERD64_BIN=$libraries/libexec/lttng-consumerd
	export LTTNG_SESSION_CONFIG_XSD_PATH=$root/usr/share/xml/lttng
}

if ! knows_them; then
	if ! compgen -G "$PACKAGES/lttng-tools_*containers*.deb" >/dev/null; then
		echo "1..0 # SKIP lttng-tools without the series, and no packages in $PACKAGES"
		exit 4
	fi
	claim "lttng-tools without the series refuse the contexts" refuses
	unpack
fi

# ns_ids PID: of the eight types, as the kernel tells them of a task (NS_GET_ID)
ns_ids()
{
	local type

	for type in $TYPES; do
		perl -e '
			open(my $ns, "<", $ARGV[0]) or die "$ARGV[0]: $!";
			my $id = "\0" x 8;
			ioctl($ns, 0x8008b70d, $id) or die "NS_GET_ID: $!";
			print unpack("Q", $id), "\n";
		' "/proc/$1/ns/$type"
	done
}

cgroup_id()
{
	stat -c %i "$CGROUPS$(sed -n 's/^0:://p' "/proc/$1/cgroup")"
}

# What is to be recorded of a task: CONTEXTS, in their order
state_of()	# PID CONTAINER TOP
{
	echo "$2 $3 $(cgroup_id "$1") $(ns_ids "$1" | xargs)"
}

# A shell that forks, in a container in another one; sets SHELL_PID, ID and TOP.
start_nested()
{
	# shellcheck disable=SC2016	# it is expanded there
	cid run --label outer -- cid run --label inner -- \
		sh -c 'sleep 1000 & while :; do (:); sleep 0.2; done' &
	STARTED+=($!)
	until_true runs_sleep inner
	ID=$(id_of inner)
	TOP=$(id_of outer)
	SHELL_PID=$(cid ps inner --json |
		jq -e '.[] | select(.command == "sh") | .pid')
}

fork_here()
{
	local i

	for i in 1 2 3 4 5; do
		(:)
		sleep 0.2
	done
}

# told_of PID: the contexts of its forks, of which all must be the same
told_of()
{
	# shellcheck disable=SC2086
	fields sched_process_fork $CONTEXTS -- "f('parent_tid') == $1" | uniq
}

lists_them()
{
	local context

	lttng add-context --list >"$TMP/list"
	for context in $CONTEXTS; do
		grep -qx "$context" "$TMP/list"
	done
}

records_them()
{
	local inside me=$BASHPID

	start_nested
	inside=$(state_of "$SHELL_PID" "$ID" "$TOP")
	say "in the container: $inside"
	# that these tell the two apart
	fails same "$inside" "$(state_of "$me" 0 0)"
	record sched_process_fork -- fork_here
	same "$inside" "$(told_of "$SHELL_PID")"
	same "$(state_of "$me" 0 0)" "$(told_of "$me")"
}

# In its last sched_switch a task is in its container, cgroup and user namespace. It has
# left the others, but for that of its PID, which lasts until somebody has waited for it.
records_the_dead()
{
	local user

	start_nested
	user=$(ns_ids "$SHELL_PID" | sed -n 6p)
	record --filter "\$ctx.container_id == $ID" sched_switch -- sleep 1
	same "$ID $TOP $(cgroup_id "$SHELL_PID") $user 0 0 0 0 0 0" \
		"$(fields sched_switch container_id container_top_id cgroup_id user_ns_id \
			cgroup_ns_id ipc_ns_id mnt_ns_id net_ns_id uts_ns_id time_ns_id -- \
			"f('prev_comm') eq 'sh' && f('prev_state') & 0x30" | uniq)"
}

# types_of FILE: the contexts that XML tells of, as options of lttng name them
types_of()
{
	xmllint --xpath "//*[local-name() = 'context']/*[local-name() = 'type']/text()" "$1" |
		tr '[:upper:]' '[:lower:]' | xargs
}

tells_machines()
{
	local context types=()

	for context in $CONTEXTS; do
		types+=(--type="$context")
	done
	lttng -q create test --output="$TMP/ctf"
	lttng -q enable-event --kernel sched_process_fork
	lttng --mi xml add-context --kernel "${types[@]}" >"$TMP/mi"
	lttng -q destroy test
	same "$CONTEXTS" "$(types_of "$TMP/mi")"
	same true "$(xmllint --xpath "//*[local-name() = 'success']/text()" "$TMP/mi" |
		sort -u | xargs)"
}

# What lttng-tools have themselves of namespaces and users as well: their own schema
# refused it.
saves_and_loads()
{
	local context me=$BASHPID

	lttng -q create test --output="$TMP/ctf"
	lttng -q enable-event --kernel sched_process_fork
	for context in $CONTEXTS pid_ns time_ns uid vsgid; do
		lttng -q add-context --kernel -t "$context"
	done
	lttng -q save test --output-path="$TMP/saved"
	lttng -q destroy test
	same "$CONTEXTS pid_ns time_ns uid vsgid" "$(types_of "$TMP/saved/test.lttng")"
	lttng -q load test --input-path="$TMP/saved"
	lttng -q start test
	fork_here
	lttng -q stop test
	lttng -q destroy test
	decode "$TMP/ctf"
	rm -rf "$TMP/ctf" "$TMP/saved"
	same "$(state_of "$me" 0 0)" "$(told_of "$me")"
	same 0 "$(fields sched_process_fork uid -- "f('parent_tid') == $me" | uniq)"
}

# shellcheck disable=SC2119	# it takes options of its own
start_sessiond
claim "lttng-tools list the contexts" lists_them
claim "contexts are recorded, and are what the kernel says" records_them
claim "contexts of who dies" records_the_dead
claim "the machine interface tells of the contexts" tells_machines
claim "a session that is saved and loaded keeps the contexts" saves_and_loads
finish
