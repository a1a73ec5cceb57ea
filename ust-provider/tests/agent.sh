#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the tests of cid-agent have in common, to be sourced by them with NAME and ABOUT
# set: an agent whose events are in $TMP/events, and containers of real runtimes.
# shellcheck disable=SC2034	# the variables are those of who sources this

# shellcheck source=tools/container/tests/claim.sh
. "$(dirname "$0")/../cid/claim.sh"

PREFIX=$(dirname "$(dirname "$(command -v cid)")")
AGENT=${CID_AGENT:-$PREFIX/sbin/cid-agent}
HOOK=$PREFIX/libexec/cid-agent-hook
CGROUPS=/sys/fs/cgroup

AGENT_PID=
# What an agent of another test has told is nothing to go on from.
rm -f /run/cid-agent/journal

# With CID_VALGRIND set, the agent runs in Valgrind, which tells what it finds where the
# sanitizers do: see below.
VALGRIND=()
if [[ ${CID_VALGRIND:-} ]]; then
	cat >"$TMP/suppressions" <<'SUPPRESSIONS'
{
   LTTng-UST never frees what it has registered
   Memcheck:Leak
   ...
   obj:*/liblttng-ust*
}
SUPPRESSIONS
	# glibc would unload the libraries before they are named in what is found.
	VALGRIND=(valgrind -q --leak-check=full "--show-leak-kinds=definite,indirect"
		--run-libc-freeres=no "--suppressions=$TMP/suppressions"
		"--log-file=$TMP/finding.%p")
fi

run_agent()
{
	# What the one before has told would be taken for this one's, as a shell in the
	# background may be late.
	: >"$TMP/events"
	"${VALGRIND[@]}" "$AGENT" --json "$@" >"$TMP/events" 2>"$TMP/messages" &
	AGENT_PID=$!
}

has_started()
{
	until_true told statedump_end true || {
		cat "$TMP/messages"
		return 1
	}
}

# start_agent OPTION...: until the claim ends; it has told of what there was.
start_agent()
{
	run_agent "$@"
	STARTED+=("$AGENT_PID")
	has_started
}

# with_agent OPTION...: for the claims that follow, until end_agent
with_agent()
{
	run_agent "$@"
	has_started || true
}

end_agent()
{
	[[ -z $AGENT_PID ]] || kill "$AGENT_PID" 2>/dev/null || true
	[[ -z $AGENT_PID ]] || wait "$AGENT_PID" 2>/dev/null || true
	AGENT_PID=
}
trap 'end_agent; clean_up' EXIT

# An agent that has sanitizers writes there what they find. What stops it, such as a leak at
# its end, is a finding.
export ASAN_OPTIONS=log_path=$TMP/finding UBSAN_OPTIONS=log_path=$TMP/finding:print_stacktrace=1

no_findings()
{
	local found

	# Valgrind has a file for each agent, the sanitizers one for each fault.
	[[ -z ${CID_VALGRIND:-} ]] || compgen -G "$TMP/finding.*" >/dev/null
	# Of new system calls Valgrind says that it doesn't know them, in lines with dashes.
	found=$(find "$TMP" -maxdepth 1 -name 'finding.*' -exec sed '/^--[0-9]*-- /d' {} +)
	[[ ! $found ]] || {
		say "$found"
		return 1
	}
}

# The last word is that of the sanitizers of CID_AGENT=FILE, and of Valgrind.
finish_agents()
{
	end_agent
	[[ -z ${CID_AGENT:-} ]] || claim "the sanitizers find no fault" no_findings
	[[ -z ${CID_VALGRIND:-} ]] || claim "Valgrind finds no fault" no_findings
	finish
}

# told EVENT FILTER: has there been such an event? The last line may not be whole yet. All are
# read, as sed would end by SIGPIPE otherwise.
told()
{
	sed '$!b; /}$/!d' "$TMP/events" |
		jq -e -n --arg event "$1" \
			"[inputs | select(.event == \$event and ($2))] != []" >/dev/null
}

# tell EVENT FILTER: wait until there is one
tell()
{
	until_true told "$@" || {
		say "no event $1 with $2 in:"
		jq -c '[.event, .runtime, .id, .name, .state, .pid, .status]' "$TMP/events"
		cat "$TMP/messages"
		return 1
	}
}

# value EVENT ID FIELD: of the last such event of a container, by its ID or name
value()
{
	jq -n -r --arg event "$1" --arg id "$2" --arg field "$3" \
		'last(inputs | select(.event == $event and (.id == $id or .name == $id))) |
		 .[$field]' "$TMP/events"
}

# life ID: its events, but those of the state dump, on one line
life()
{
	jq -n -r --arg id "$1" '[inputs | select((.id == $id or .name == $id) and
		(.event | startswith("statedump") | not)) | .event] | join(" ")' "$TMP/events"
}

rootfs()
{
	local applet

	[[ ! -d $TMP/rootfs ]] || return 0
	mkdir -p "$TMP/rootfs"/{bin,proc,sys,dev,tmp}
	cp "$(command -v busybox)" "$TMP/rootfs/bin/busybox"
	for applet in sh sleep true head tail cat; do
		ln -s busybox "$TMP/rootfs/bin/$applet"
	done
	tar -C "$TMP/rootfs" -cf "$TMP/rootfs.tar" .
	chmod 755 "$TMP" "$TMP/rootfs"
}

# bundle COMMAND...: $TMP/bundle, a container with namespaces of its own but the network
bundle()
{
	local args
	args=$(printf '%s\n' "$@" | jq -R . | jq -cs .)

	rootfs
	mkdir -p "$TMP/bundle"
	(cd "$TMP/bundle" && rm -f config.json && crun spec)
	# shellcheck disable=SC2016
	jq --arg root "$TMP/rootfs" --argjson args "$args" '
		.root = {path: $root, readonly: true} |
		.process.args = $args | .process.terminal = false |
		.linux.namespaces |= map(select(.type != "network"))
		'"${BUNDLE_EDIT:+| $BUNDLE_EDIT}" "$TMP/bundle/config.json" \
		>"$TMP/config.new"
	mv "$TMP/config.new" "$TMP/bundle/config.json"
}

# create RUNTIME ID: without a file behind it the container would keep the caller's pipe open
create()
{
	at_end delete "$1" "$2"
	"$1" create --bundle "$TMP/bundle" "$2" </dev/null >"$TMP/create.log" 2>&1 || {
		cat "$TMP/create.log"
		return 1
	}
}

delete()
{
	"$1" delete --force "$2" >/dev/null 2>&1
}

# pid_of RUNTIME ID
pid_of()
{
	"$1" state "$2" | jq .pid
}

# inum PID TYPE: of a namespace
inum()
{
	stat -L -c %i "/proc/$1/ns/$2"
}

cgroup_path()
{
	sed -n 's/^0:://p' "/proc/$1/cgroup"
}

# reload EVENT ID: the identity in an event is that of the process, by the kernel
same_identity()
{
	local event=$1 id=$2 pid=$3 type

	same "$pid" "$(value "$event" "$id" pid)"
	same 1 "$(value "$event" "$id" vpid)"
	for type in pid mnt net user; do
		same "$(inum "$pid" "$type")" "$(value "$event" "$id" "${type}_ns")"
	done
	same "$(stat -c %i "$CGROUPS$(value "$event" "$id" cgroup_path)")" \
		"$(value "$event" "$id" cgroup_id)"
	same "$(cat /proc/sys/kernel/random/boot_id)" "$(value "$event" "$id" boot_id)"
	same "$(hostname)" "$(value "$event" "$id" hostname)"
}
