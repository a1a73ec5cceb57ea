#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid-agent with LTTng: what a session records of it, as TAP. To be run as root, with
# crun, cid, jq, lttng-tools, liblttng-ust and babeltrace2.
set -euo pipefail

ABOUT="Tests what LTTng records of cid-agent"
NAME="agent, lttng"
# shellcheck source=ust-provider/tests/agent.sh
. "$(dirname "$0")/agent.sh"
# shellcheck source=tools/lttng/tests/lttng.sh
. "$(dirname "$0")/../lttng/lttng.sh"
trap 'end_agent; end_daemons' EXIT

# session: one that records all of the agent
session()
{
	lttng -q create agent --output="$TMP/trace-$1"
	at_end lttng -q destroy agent
	lttng -q enable-event --userspace "container_agent:*,ust_container_statedump:*"
	lttng -q start
}

# recorded DIR EVENT TEXT...: there is such an event, and it has each text
recorded()
{
	local lines text

	lines=$(grep -F " $1: " "$TMP/trace") || {
		say "no $1"
		return 1
	}
	shift
	for text; do
		lines=$(grep -F -- "$text" <<<"$lines") || {
			say "no $text"
			cat "$TMP/trace"
			return 1
		}
	done
}

finish_session()
{
	lttng -q stop
	decode "$TMP/trace-$1"
}

number_of()
{
	grep -c -F " $1: " "$TMP/trace" || true
}

running()
{
	bundle sleep 1000
	create crun "$1"
	crun start "$1"
	until_true told start ".id == \"$1\""
}

at_its_start()
{
	local pid

	start_agent --runtime oci
	running seen
	pid=$(pid_of crun seen)
	session start
	until_true dumps 2
	finish_session start
	recorded container_agent:statedump_start 'containers = 1'
	recorded container_agent:statedump_container 'runtime = "crun"' 'id = "seen"' \
		'( "running" : container = 2 )' "pid = $pid" "pid_ns = $(inum "$pid" pid)"
	recorded container_agent:statedump_end 'containers = 1'
	recorded ust_container_statedump:lttng_statedump_container \
		'container_name = "seen"' 'container_type = "crun"' \
		"pid_ns = $(inum "$pid" pid)"
}

dumps()
{
	(($(grep -c '"event":"statedump_end"' "$TMP/events") >= $1))
}

regenerated()
{
	start_agent --runtime oci
	running again
	session again
	until_true dumps 2
	lttng -q regenerate statedump
	until_true dumps 3
	finish_session again
	same 2 "$(number_of container_agent:statedump_container)"
}

life_is_recorded()
{
	start_agent --runtime oci
	session life
	bundle sh -c 'exit 7'
	create crun lived
	# Its process, before there is none any more
	tell create '.id == "lived"'
	crun start lived
	tell exit '.id == "lived"'
	crun delete lived
	tell remove '.id == "lived"'
	finish_session life
	recorded container_agent:create 'id = "lived"'
	recorded container_agent:start 'id = "lived"' 'vpid = 1'
	recorded container_agent:exit 'id = "lived"' 'status = 7, signal = -1'
	recorded container_agent:remove 'id = "lived"'
}

# Each part of a trace that rotates can be read alone.
each_part_has_it()
{
	local part before

	start_agent --runtime oci
	running parts
	before=$(told_of_rotations)
	session parts
	until_true dumps 2
	until_true more_are_told "$before"
	# It says what it is to be told of after that.
	sleep 2
	lttng -q rotate
	until_true dumps 3
	lttng -q rotate
	until_true dumps 4
	lttng -q destroy
	for part in "$TMP/trace-parts/archives"/*; do
		decode "$part"
		recorded container_agent:statedump_container 'id = "parts"'
	done
	say "$(find "$TMP/trace-parts/archives" -mindepth 1 -maxdepth 1 | wc -l) parts"
}

# How many the session daemon has to tell: itself, and then the agent. What for, 'lttng
# list-triggers' would tell, but it aborts at such triggers.
told_of_rotations()
{
	grep -c ' 03 .*/sessiond-notification$' /proc/net/unix || true
}

more_are_told()
{
	(($(told_of_rotations) > $1))
}

# The session daemon comes later than the agent, as it does when a host boots.
sessiond_is_late()
{
	pkill -x lttng-sessiond
	until_true fails pgrep -x lttng-sessiond
	start_agent --runtime oci
	running early
	start_sessiond --no-kernel
	session late
	until_true dumps 2
	finish_session late
	recorded container_agent:statedump_container 'id = "early"'
}

# A machine that has no LTTng
without_lttng()
{
	cp "$AGENT" "$TMP/cid-agent"
	AGENT=$TMP/cid-agent start_agent --runtime oci
	grep -q '^cid-agent: no tracepoints for LTTng: ' "$TMP/messages"
	running plain
}

start_sessiond --no-kernel
claim "a session that starts has the state" at_its_start
claim "and has it again by 'lttng regenerate statedump'" regenerated
claim "and so has each part of one that rotates" each_part_has_it
claim "a container's life is recorded" life_is_recorded
claim "a session daemon may start after the agent" sessiond_is_late
claim "without LTTng there are no tracepoints, and all the rest" without_lttng
finish_agents
