#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid-agent with crun and runc alone, with containers that no runtime tells of, and
# of what it refuses, as TAP. To be run as root, with crun, runc, cid, cid-runtime and jq.
set -euo pipefail

ABOUT="Tests cid-agent with OCI runtimes, and with the kernel alone"
NAME=agent
# shellcheck source=ust-provider/tests/agent.sh
. "$(dirname "$0")/agent.sh"

whole_life()
{
	local pid

	bundle sh -c 'exit 3'
	create "$1" "$1-life"
	pid=$(pid_of "$1" "$1-life")
	tell create ".id == \"$1-life\""
	same_identity create "$1-life" "$pid"
	same "$1" "$(value create "$1-life" runtime)"
	"$1" start "$1-life"
	tell start ".id == \"$1-life\""
	same "$pid" "$(value start "$1-life" pid)"
	tell exit ".id == \"$1-life\" and .status == 3 and .signal == null"
	"$1" delete "$1-life"
	tell remove ".id == \"$1-life\""
	same "create start exit remove" "$(life "$1-life")"
}

killed()
{
	bundle sleep 1000
	create crun victim
	crun start victim
	tell start '.id == "victim"'
	crun kill victim KILL
	tell exit '.id == "victim" and .status == null and .signal == 9'
}

never_started()
{
	bundle sleep 1000
	create crun still
	tell create '.id == "still"'
	crun delete --force still
	tell remove '.id == "still"'
	[[ $(life still) =~ ^create( exit)?\ remove$ ]]
}

paused()
{
	bundle sleep 1000
	create crun cold
	crun start cold
	tell start '.id == "cold"'
	crun pause cold
	tell pause '.id == "cold" and .state == "paused"'
	crun resume cold
	tell unpause '.id == "cold" and .state == "running"'
	crun kill cold KILL
	tell exit '.id == "cold"'
	same "create start pause unpause exit" "$(life cold)"
}

out_of_memory()
{
	local BUNDLE_EDIT='.linux.resources.memory = {limit: 16777216, swap: 16777216}'

	bundle sh -c 'head -c 64m /dev/zero | tail; exit 5'
	create crun hungry
	crun start hungry
	tell oom '.id == "hungry"'
	tell exit '.id == "hungry"'
}

by_its_hook()
{
	local BUNDLE_EDIT

	BUNDLE_EDIT='.hooks = {createRuntime: [{path: "'$HOOK'", args: ["hook", "createRuntime"]}],
		poststart: [{path: "'$HOOK'", args: ["hook", "poststart"]}],
		poststop: [{path: "'$HOOK'", args: ["hook", "poststop"]}]}'
	bundle sleep 1000
	create crun hooked
	tell create '.id == "hooked"'
	crun start hooked
	tell start '.id == "hooked"'
	same_identity start hooked "$(pid_of crun hooked)"
	crun kill hooked TERM
	crun delete --force hooked
	tell remove '.id == "hooked"'
	same "create start exit remove" "$(life hooked)"
}

slow_runtime()
{
	{ sleep 0.3; echo '{"id": "slow", "pid": 0}'; } | "$HOOK" createRuntime
	tell create '.id == "slow"'
	echo '{"id": "slow"}' | "$HOOK" poststop
	tell remove '.id == "slow"'
}

# Here is somebody who could still write.
silent_runtime()
{
	local pipe

	mkfifo "$TMP/silent"
	exec {pipe}<>"$TMP/silent"
	"$HOOK" createRuntime <"$TMP/silent"
	exec {pipe}>&-
}

# Nothing waits for an agent that isn't there.
hook_alone()
{
	[[ ! -e /run/cid-agent/hook ]]
	echo '{"id": "x", "pid": 1}' | "$HOOK" poststart
}

with_wrapper()
{
	bundle sleep 1000
	at_end delete crun wrapped
	cid-runtime create --bundle "$TMP/bundle" wrapped </dev/null >/dev/null 2>&1
	crun start wrapped
	tell start '.id == "wrapped"'
	same "$(id_of wrapped)" "$(value start wrapped container_id)"
	crun delete --force wrapped
	tell remove '.id == "wrapped"'
	same "create start exit remove" "$(life wrapped)"
	# and nothing under another name
	same 0 "$(grep -c metrics_ns "$TMP/events" || true)"
}

metrics_id()
{
	awk '$1 == "NSmetrics:" { print $2 }' "/proc/$1/status"
}

# Somebody has given it a metrics namespace, and no label: unshare does, if told the flag.
unlabelled()
{
	bundle sleep 1000
	at_end delete crun "$1"
	python3 -c 'import ctypes, os, sys
assert not ctypes.CDLL(None, use_errno=True).unshare(0x40)
os.execvp("crun", ["crun", "create", "--bundle", sys.argv[1], sys.argv[2]])' \
		"$TMP/bundle" "$1" </dev/null >/dev/null 2>&1
	crun start "$1"
	tell start ".id == \"$1\""
}

label_of()
{
	cid ls --json | jq -r --argjson id "$(value start "$1" container_id)" \
		'.[] | select(.id == $id) | .label'
}

gets_label()
{
	unlabelled unnamed
	same unnamed "$(label_of unnamed)"
}

no_label()
{
	start_agent --runtime oci --no-label
	unlabelled nameless
	same null "$(label_of nameless)"
}

# runc's ID may be anything that is a file's name; annotations may be anything.
hostile()
{
	local BUNDLE_EDIT
	BUNDLE_EDIT='.hooks = {createRuntime: [{path: "'$HOOK'", args: ["hook", "createRuntime"]}]} |
		.annotations = {"io.container.manager": "cri-o",
			"io.kubernetes.cri-o.Name": "\u00e9\n\"quoted\" \\ name",
			"io.kubernetes.cri-o.ImageName": ("x" * 4096)}'

	bundle sleep 1000
	create crun hostile
	tell create '.id == "hostile"'
	until_true named hostile
	jq -e -n '[inputs | select(.id == "hostile").image | length] | max == 255' "$TMP/events"
	printf '%s' '{"id": "a b\"c\n", "pid": 0}' | "$HOOK" createRuntime
	tell create '.id == "a b\"c\\x0a"'
	printf '%s' '{"id": "a b\"c\n"}' | "$HOOK" poststop
	tell remove '.id == "a b\"c\\x0a"'
	# What isn't JSON, is cut off, or has other types changes nothing.
	printf '{"id": ' | "$HOOK" createRuntime
	echo '{"id": 7, "pid": "x", "annotations": []}' | "$HOOK" poststart
	# the hook doesn't read for ever
	{ head -c 200000 /dev/zero || true; } | "$HOOK" poststart
	kill -0 "$AGENT_PID"
}

named()
{
	python3 - "$1" <<-'ASK' | grep -qF '\xc3\xa9\x0a"quoted" \\ name'
		import json, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect("/run/cid-agent/containers")
		for line in s.makefile():
		    c = json.loads(line)
		    if c["id"] == sys.argv[1]:
		        print(c["name"])
	ASK
}

started_again()
{
	bundle sleep 1000
	crun run --detach --bundle "$TMP/bundle" again </dev/null >/dev/null 2>&1
	at_end delete crun again
	tell start '.id == "again"'
	crun delete --force again
	tell remove '.id == "again"'
	crun run --detach --bundle "$TMP/bundle" again </dev/null >/dev/null 2>&1
	tell restart ".id == \"again\" and .restart_count == 1 and .pid == $(pid_of crun again)"
	same "$(jq -n '[inputs | select(.event == "start" and .id == "again")][0].pid' \
		"$TMP/events")" "$(value restart again previous_pid)"
	same "create start exit remove create start restart" "$(life again)"
}

user_lies()
{
	local id
	id=$(printf 'bad%061d' 1)

	# another's process, and none
	echo "{\"id\": \"$id\", \"pid\": $$}" | runuser -u user -- "$HOOK" createRuntime
	echo "{\"id\": \"$id\"}" | runuser -u user -- "$HOOK" createRuntime
	echo '{"id": "after", "pid": 0}' | "$HOOK" createRuntime
	tell create '.id == "after"'
	same "" "$(life "$id")"
}

cid_asks()
{
	local BUNDLE_EDIT
	BUNDLE_EDIT='.hooks = {createRuntime: [{path: "'$HOOK'", args: ["hook", "createRuntime"]}]} |
		.annotations = {"io.container.manager": "cri-o",
			"io.kubernetes.cri-o.Name": "pretty"}'

	bundle sleep 1000
	at_end delete crun plain-id
	cid-runtime create --bundle "$TMP/bundle" plain-id </dev/null >/dev/null 2>&1
	crun start plain-id
	tell start '.id == "plain-id"'
	same plain-id "$(cid ps pretty --json | jq -r '.[0].label')"
	cid ls | grep 'plain-id .*cri-o: pretty'
	same 'cri-o pretty' "$(cid ls --json |
		jq -r '.[] | select(.label == "plain-id") | .runtime + " " + .name')"
}

# When the agent looks, all is over.
agent_is_late()
{
	local i

	bundle true
	at_end kill -CONT "$AGENT_PID"
	kill -STOP "$AGENT_PID"
	for i in 1 2; do
		crun run --bundle "$TMP/bundle" "missed-$i" </dev/null >/dev/null 2>&1
	done
	kill -CONT "$AGENT_PID"
	tell remove '.id == "missed-2"'
	for i in 1 2; do
		same "create remove" "$(life "missed-$i")"
		same crun "$(value remove "missed-$i" runtime)"
	done
}

# The agent that comes after it tells of each that lives, and none twice.
killed_in_burst()
{
	local i starts=0

	start_agent --runtime oci
	bundle sleep 1000
	for ((i = 0; i < BURST; i++)); do
		at_end delete crun "alive-$i"
		crun run --detach --bundle "$TMP/bundle" "alive-$i" </dev/null >/dev/null 2>&1
		((i != BURST / 2)) || kill -KILL "$AGENT_PID"
	done
	wait "$AGENT_PID" || true
	cp "$TMP/events" "$TMP/events.first"
	start_agent --runtime oci
	cat "$TMP/events.first" "$TMP/events" >"$TMP/both"
	for ((i = 0; i < BURST; i++)); do
		told statedump_container ".id == \"alive-$i\" and .state == \"running\"" || {
			say "alive-$i isn't in the state"
			grep "\"alive-$i\"" "$TMP/both"
			return 1
		}
		starts=$((starts + $(grep -c "\"id\":\"alive-$i\".*\"event\":\"start\"" \
			"$TMP/both" || true)))
	done
	# It may have been killed when it had told of one, and not noted that yet.
	((starts <= BURST + 1))
}

of_cid_run()
{
	start alone
	tell start '.name == "alone"'
	same "$(id_of alone)" "$(value start alone container_id)"
	same metrics_ns "$(value start alone runtime)"
	stop_last
	tell remove '.name == "alone"'
	same "create start exit remove" "$(life alone)"
}

stop_last()
{
	kill -TERM "${STARTED[-1]}"
	wait "${STARTED[-1]}" || true
}

short_cid_run()
{
	cid run --label brief -- true
	tell remove '.name == "brief"'
	same "create start exit remove" "$(life brief)"
}

# A container of a runtime that nobody can ask, known by its cgroup
by_cgroup_alone()
{
	local id cgroup
	id=$(printf 'c0ffee%058d' 1)
	cgroup=$CGROUPS/docker-$id.scope

	mkdir "$cgroup"
	at_end rmdir "$cgroup"
	sh -c "echo 0 >'$cgroup/cgroup.procs'; exec unshare --pid --fork sleep 1000" &
	KILLED+=($!)
	tell start ".id == \"$id\""
	same docker "$(value start "$id" runtime)"
	same "/docker-$id.scope" "$(value start "$id" cgroup_path)"
	same 1 "$(value start "$id" vpid)"
	echo 1 >"$cgroup/cgroup.kill"
	tell exit ".id == \"$id\" and .signal == 9"
	rmdir_when_empty "$cgroup"
	tell remove ".id == \"$id\""
	same "create start exit remove" "$(life "$id")"
}

rmdir_when_empty()
{
	until_true grep -q 'populated 0' "$1/cgroup.events"
	rmdir "$1"
}

# Those there were before it are told of by the state dump only.
state_is_dumped()
{
	bundle sleep 1000
	create crun before
	crun start before
	start_agent --runtime oci
	told statedump_container '.id == "before" and .state == "running"'
	same "" "$(life before)"
	: >"$TMP/mark"
	kill -HUP "$AGENT_PID"
	until_true dumps 2
	crun delete --force before
	tell remove '.id == "before"'
	same "exit remove" "$(life before)"
}

dumps()
{
	(($(grep -c '"event":"statedump_end"' "$TMP/events") >= $1))
}

every_second()
{
	start_agent --runtime none --statedump-every 1
	until_true dumps 4
}

second_agent()
{
	fails "$AGENT" --runtime none 2>"$TMP/second"
	grep -q 'there is an agent already' "$TMP/second"
	same 1 "$(wc -l <"$TMP/second")"
	kill -0 "$AGENT_PID"
}

leaves_nothing()
{
	start_agent --runtime none
	kill -TERM "$AGENT_PID"
	wait "$AGENT_PID"
	STARTED=()
	[[ ! -e /sys/kernel/tracing/instances/cid-agent ]]
	[[ ! -e /run/cid-agent/hook && ! -e /run/cid-agent/containers ]]
}

# It comes to, with what there is; what has ended meanwhile is no more.
killed_agent()
{
	start_agent --runtime oci
	bundle sleep 1000
	create crun stays
	crun start stays
	tell start '.id == "stays"'
	kill -KILL "$AGENT_PID"
	wait "$AGENT_PID" || true
	start_agent --runtime oci
	told statedump_container '.id == "stays"'
	crun delete --force stays
	tell remove '.id == "stays"'
	same "exit remove" "$(life stays)"
}

# What has ended while there was no agent is told by the next one.
ended_meanwhile()
{
	start_agent --runtime oci
	bundle sleep 1000
	create crun meanwhile
	crun start meanwhile
	tell start '.id == "meanwhile"'
	kill -KILL "$AGENT_PID"
	wait "$AGENT_PID" || true
	crun delete --force meanwhile
	start_agent --runtime oci
	tell remove '.id == "meanwhile"'
	same "exit remove" "$(life meanwhile)"
}

says_what_is_missing()
{
	local want=1
	[[ ! -e /proc/self/ns/metrics ]] || want=0

	start_agent --runtime none
	same "$want" "$(grep -c '^cid-agent: this kernel has no metrics namespaces: ' "$TMP/messages")"
}

wrong_usage()
{
	local option

	for option in --runtime=nonesuch --runtime=docker=relative --statedump-every=0 \
			--statedump-every=x --nonesuch surplus; do
		fails "$AGENT" "$option" >"$TMP/out" 2>"$TMP/usage"
		same "" "$(cat "$TMP/out")"
		grep -q '^.*cid-agent: ' "$TMP/usage"
	done
	fails "$AGENT" --socket-dir /proc/nonesuch/x 2>"$TMP/usage"
	grep -q '^cid-agent: cannot make /proc/nonesuch/x: ' "$TMP/usage"
}

helped()
{
	"$AGENT" --help | grep -q -e --statedump-every
	"$AGENT" --version | grep -q '^cid-agent '
	"$HOOK" --help >/dev/null
}

answers()
{
	bundle sleep 1000
	create crun asked
	crun start asked
	tell start '.id == "asked"'
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect("/run/cid-agent/containers")
while data := s.recv(65536):
	sys.stdout.buffer.write(data)' >"$TMP/answer"
	jq -e -s 'any(.[]; .id == "asked" and .state == "running")' "$TMP/answer"
	same 600 "$(stat -c %a /run/cid-agent/containers)"
}

all_removed()
{
	(($(grep -c '"id":"burst-.*"event":"remove"' "$TMP/events") == BURST))
}

burst()
{
	local i pids=()

	bundle true
	for ((i = 0; i < BURST; i++)); do
		crun run --bundle "$TMP/bundle" "burst-$i" </dev/null >/dev/null 2>&1 &
		pids+=($!)
		((i % 8 != 7)) || wait "${pids[@]}"
	done
	wait "${pids[@]}"
	until_true all_removed
	for ((i = 0; i < BURST; i++)); do
		# One may be over before its state can be read.
		[[ $(life "burst-$i") =~ ^create( start exit)?\ remove$ ]] || {
			say "burst-$i: $(life "burst-$i")"
			return 1
		}
	done
}
BURST=${CID_AGENT_BURST:-20}

with_agent --runtime oci
claim "crun: create, start, exit with its status, and remove" whole_life crun
claim "runc: create, start, exit with its status, and remove" whole_life runc
claim "the signal that ended it is told" killed
claim "one that is never started has no start" never_started
claim "pause and unpause" paused
claim "a victim of its memory limit is told" out_of_memory
claim "one that is started again is linked to what it was" started_again
claim "with the runtime's wrapper it has a container ID, and is told once" with_wrapper
claim "a metrics namespace without a label gets the ID as its label" gets_label
claim "what cid run starts is told by its label" of_cid_run
claim "and so is one that is over before it can be looked at" short_cid_run
claim "hostile IDs and annotations are escaped, and break nothing" hostile
claim "who asks gets all containers" answers
claim "cid takes names from it" cid_asks
claim "a second agent is refused" second_agent
claim "a burst of containers is told of in order, with none missing" burst
claim "so is one that is over before the agent has looked" agent_is_late
end_agent
with_agent --runtime none
claim "a hook tells of containers of a runtime that isn't asked" by_its_hook
claim "a runtime may be slow to tell the hook" slow_runtime
claim "one that never tells it is not waited for" silent_runtime
claim "a user's word counts for the user's processes only" user_lies
claim "without a runtime to ask it is known by its cgroup" by_cgroup_alone
end_agent
claim "a hook without an agent is no error" hook_alone
claim "what there was before is dumped at the start and on SIGHUP" state_is_dumped
claim "the state is dumped every so often if asked" every_second
claim "with --no-label it gets none" no_label
claim "nothing is left of it when it ends" leaves_nothing
claim "one that was killed knows what there is when it is back" killed_agent
claim "and tells the end of what has ended meanwhile" ended_meanwhile
claim "one that is killed in a burst misses none that lives, and tells them once" \
	killed_in_burst
claim "it says if the kernel has no container IDs" says_what_is_missing
claim "wrong usage is refused" wrong_usage
claim "all help is there" helped
finish_agents
