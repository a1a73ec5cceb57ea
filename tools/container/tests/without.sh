#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid and cid-runtime on a kernel without metrics namespaces, as TAP. To be run as
# root, with cgroup v2; needs jq, busybox-static and crun.
set -euo pipefail

ABOUT="Tests what cid and cid-runtime do on a kernel without metrics namespaces"
NAME="cid without"
# shellcheck source=tools/container/tests/claim.sh
. "$(dirname "$0")/claim.sh"

if [[ -e /proc/self/ns/metrics ]]; then
	echo "ok 1 - $NAME: all of it # SKIP this kernel has metrics namespaces"
	echo 1..1
	exit
fi

# The end of what all commands say that can't do anything here
NONE=": boot one with CONFIG_METRICS_NS ('cid check' tells what there is)"

# refused COMMAND...: with one line that says so
refused()
{
	fails timeout 30 "$@" >"$TMP/out" 2>"$TMP/err"
	cat "$TMP/out" "$TMP/err"
	same 1 "$(grep -c . "$TMP/err")"
	same 1 "$(grep -cF -- "$NONE" "$TMP/err")"
	[[ ! -s $TMP/out ]]
}

commands()
{
	local command

	for command in ls ps top events cpudist offcpu profile bio fsdist \
			fsslower net syscalls self; do
		refused cid "$command"
	done
	refused cid of 1
	refused cid enter web -- true
	refused cid ls --json
}

# The one that has something to go by; and a line about what else this kernel lacks
runqlat()
{
	local lines=1

	unshare --fork --pid --kill-child sh -c 'while :; do sleep 0.1; done' &
	KILLED+=($!)
	cid runqlat -d 3 >"$TMP/out" 2>"$TMP/err"
	cat "$TMP/out" "$TMP/err"
	grep -q 'no container IDs: by the PID namespace' "$TMP/err"
	if ! grep -q __traceiter_sched_cfs_throttle_task_tp /proc/kallsyms; then
		lines=2
		grep -q "doesn't tell who is throttled" "$TMP/err"
	fi
	same "$lines" "$(grep -c . "$TMP/err")"
	grep -q '^pid namespace 40265' "$TMP/out"
}

runqlat_json()
{
	unshare --fork --pid --kill-child sh -c 'while :; do sleep 0.1; done' &
	KILLED+=($!)
	cid runqlat --json -d 3 >"$TMP/out" 2>"$TMP/err"
	cat "$TMP/out"
	jq -e '.containers[] | select(.pidns_inum > 4000000000) | .waiting.count > 0' "$TMP/out"
	grep -q __traceiter_sched_cfs_throttle_task_tp /proc/kallsyms ||
		jq -e '[.containers[].throttled] | unique == [null]' "$TMP/out"
}

# What takes an ID isn't guessed at.
runqlat_by_id()
{
	local option

	for option in "-c web" --top --by-label; do
		# shellcheck disable=SC2086	# two words
		fails timeout 30 cid runqlat $option >"$TMP/out" 2>"$TMP/err"
		cat "$TMP/err"
		same 1 "$(grep -c . "$TMP/err")"
		grep -q "so -c, --top and --by-label can't be used" "$TMP/err"
	done
}

# A cgroup would be left, or the command have run outside of any container.
run()
{
	local before

	before=$(find /sys/fs/cgroup -type d | sort)
	refused cid run --memory 64M -- touch "$TMP/ran"
	[[ ! -e $TMP/ran ]]
	same "$before" "$(find /sys/fs/cgroup -type d | sort)"
}

check()
{
	fails cid check >"$TMP/out"
	grep -q 'metrics namespaces *no *boot a kernel with CONFIG_METRICS_NS' "$TMP/out"
	fails cid check --json >"$TMP/json"
	jq -e '.[0] | .feature == "metrics namespaces" and (.there | not)' "$TMP/json"
	jq -e 'any(.feature == "cgroup v2" and .there)' "$TMP/json"
}

bundle()
{
	[[ ! -d $TMP/b ]] || return 0
	mkdir -p "$TMP/b/rootfs/bin"
	cp /bin/busybox "$TMP/b/rootfs/bin/sh"
	(cd "$TMP/b" && crun spec)
	jq '.process.terminal = false |
		.process.args = ["sh", "-c", "echo inside; exit 7"]' \
		"$TMP/b/config.json" >"$TMP/b/new"
	mv "$TMP/b/new" "$TMP/b/config.json"
}

# exits CODE COMMAND...
exits()
{
	local want=$1 got=0
	shift

	"$@" </dev/null >"$TMP/out" 2>"$TMP/err" || got=$?
	cat "$TMP/out" "$TMP/err"
	same "$want" "$got"
}

runtime()
{
	bundle
	exits 7 cid-runtime run --bundle "$TMP/b" without
	same inside "$(<"$TMP/out")"
	[[ ! -s $TMP/err ]]
	same '' "$(crun list -q)"
}

runtime_required()
{
	bundle
	CID_RUNTIME_REQUIRE=1 exits 125 cid-runtime run --bundle "$TMP/b" without
	[[ ! -s $TMP/out ]]
	grep -q 'require=1 forbids that' "$TMP/err"
	same '' "$(crun list -q)"
}

claim "each command says so with a line" commands
claim "runqlat goes by PID namespaces, and says so" runqlat
claim "runqlat --json: likewise" runqlat_json
claim "runqlat: no ID, label or nesting without IDs" runqlat_by_id
claim "run does nothing, and leaves nothing" run
claim "check tells what is missing, and what is there" check
claim "cid-runtime lets a container run as it would without it" runtime
claim "cid-runtime refuses it where an ID is required" runtime_required
finish
