#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid, as TAP. To be run as root, on a kernel with metrics namespaces
# and with cgroup v2; cid is taken from PATH. Needs jq and util-linux.
set -euo pipefail

ABOUT="Tests cid"
NAME=cid
CGROUPS=/sys/fs/cgroup
# shellcheck source=tools/container/tests/claim.sh
. "$(dirname "$0")/claim.sh"

# Runtimes that know nobody, so that no test waits for a real one
mkdir "$TMP/bin"
for name in podman docker; do
	printf '#!/bin/sh\nexit 1\n' >"$TMP/bin/$name"
	chmod 755 "$TMP/bin/$name"
done
REAL_PATH=$PATH
PATH=$TMP/bin:$PATH

# status CODE COMMAND...: the command has to exit with it
status()
{
	local want=$1 got=0
	shift

	"$@" || got=$?
	((got == want)) || {
		say "$*: exit code $got instead of $want"
		return 1
	}
}

# differ ONE OTHER
differ()
{
	[[ $1 != "$2" ]] || {
		say "both are '$1'"
		return 1
	}
}

# contains TEXT PATTERN
contains()
{
	[[ $1 == *"$2"* ]] || {
		say "no '$2' in: $1"
		return 1
	}
}

# refused CODE WORD COMMAND...: with this code, one line or argp's two on stderr
# that has the word, and nothing on stdout
refused()
{
	local want=$1 word=$2 err
	shift 2

	status "$want" "$@" >"$TMP/out" 2>"$TMP/err"
	err=$(cat "$TMP/err")
	contains "$err" "$word"
	same "" "$(cat "$TMP/out")"
	(($(wc -l <"$TMP/err") <= 2))
}

# For the shells inside
export -f until_true say

no_cgroups()
{
	local left

	left=$(find "$CGROUPS" -type d -name 'cid-*')
	same "" "$left"
}

### run

exit_code()
{
	status 7 cid run -- sh -c 'exit 7'
	status 0 cid run true
}

exit_signal()
{
	# shellcheck disable=SC2016
	status 137 cid run -- sh -c 'kill -KILL $$'
}

not_found()
{
	refused 127 nonesuch cid run -- nonesuch
	no_cgroups
}

not_executable()
{
	refused 126 /etc/passwd cid run -- /etc/passwd
	no_cgroups
}

bad_label()
{
	refused 125 label cid run --label '' -- true
	refused 125 label cid run --label "$(printf '%065d' 0)" -- true
	refused 125 label cid run --label $'a\tb' -- true
	refused 125 label cid run --label 'é' -- true
	no_cgroups
}

long_label()
{
	local label
	label=$(printf '%064d' 0)

	same "label: $label" "$(cid run --label "$label" -- cid self |
				grep label)"
}

bad_memory()
{
	local size

	for size in '' 0 1 x 5X 1.5G -1 64MB 99999999999999999999 \
			99999999999T; do
		refused 125 memory cid run --memory "$size" -- true
	done
	no_cgroups
}

bad_cpus()
{
	local cpus

	for cpus in '' 0 -1 x 1,5 nan inf 1e3 0.001 1.2.3; do
		refused 125 cpus cid run --cpus "$cpus" -- true
	done
	no_cgroups
}

bad_cpuset()
{
	refused 125 cpuset cid run --cpuset a-b -- true
	refused 125 cpuset.cpus cid run --cpuset 3-1 -- true
	no_cgroups
}

bad_usage()
{
	refused 125 command cid run
	refused 125 unrecognized cid run --nonesuch -- true
	refused 125 --scope cid run --scope / --memory 64M -- true
}

limits_set()
{
	start limits --memory 64M --cpus 0.5 --cpuset 0
	local dir
	dir=$CGROUPS$(cid ls --json | jq -r '.[] |
		select(.label == "limits") | .cgroup')

	same 67108864 "$(cat "$dir/memory.max")"
	same "50000 100000" "$(cat "$dir/cpu.max")"
	same 0 "$(cat "$dir/cpuset.cpus")"
}

own_view()
{
	same "MemTotal: 65536 kB" "$(cid run --memory 64M -- \
		grep MemTotal /proc/meminfo | tr -s ' ')"
}

own_pids()
{
	# shellcheck disable=SC2016
	same "2 1" "$(cid run -- sh -c 'echo $$ $PPID')"
	same 0::/ "$(cid run -- cat /proc/self/cgroup)"
}

own_time()
{
	local up
	up=$(cid run -- sh -c 'cut -d. -f1 /proc/uptime')

	((up < 5 || up * 2 < $(cut -d. -f1 /proc/uptime)))
	# shellcheck disable=SC2016
	same "$(readlink /proc/self/ns/time)" \
		"$(cid run --no-time -- readlink /proc/self/ns/time)"
}

# Offsets are the machine's, in a container as well.
nested_time()
{
	local up
	up=$(cid run -- sh -c 'cid run -- cut -d. -f1 /proc/uptime')

	((up < 5 || up * 2 < $(cut -d. -f1 /proc/uptime)))
}

own_namespaces()
{
	local kind inside

	for kind in metrics pid mnt ipc cgroup time; do
		inside=$(cid run -- readlink "/proc/self/ns/$kind")
		differ "$inside" "$(readlink "/proc/self/ns/$kind")"
	done
	for kind in net uts user; do
		same "$(readlink "/proc/self/ns/$kind")" \
			"$(cid run -- readlink "/proc/self/ns/$kind")"
	done
}

mounts_stay_inside()
{
	cid run -- mount -t tmpfs cid-test "$TMP/bin"
	fails grep cid-test /proc/self/mountinfo
}

scope_given()
{
	mkdir "$CGROUPS/cidtest"
	local path
	path=$(cid run --label scoped --scope /cidtest -- \
		cid ls --json | jq -r '.[0].scope.cgroup_id') || true
	same "$(stat -c %i "$CGROUPS/cidtest")" "$path"
	[[ -d $CGROUPS/cidtest ]]
	rmdir "$CGROUPS/cidtest"
}

scope_missing()
{
	refused 125 nonesuch cid run --scope /nonesuch -- true
}

flags_shown()
{
	start flags --host-view --quota-cpus --cpus 1
	same '["host-view","quota-cpus"]' "$(cid ls --json | jq -c '.[] |
		select(.label == "flags") | .effective_flags')"
}

# ended_by SIGNAL: cid would end with the same code, but leave the cgroup
ended_by()
{
	start ended
	kill -"$1" "${STARTED[0]}"
	status $((128 + $(kill -l "$1"))) wait "${STARTED[0]}"
	STARTED=()
	no_cgroups
}

# Its alarm survives in what a process becomes.
caller_alarm()
{
	status 142 timeout 60 perl -e 'alarm 3; exec @ARGV' \
		cid run -- sleep 1000
	no_cgroups
}

own_mask()
{
	# shellcheck disable=SC2016
	same "$(grep SigBlk /proc/self/status)" \
		"$(cid run -- grep SigBlk /proc/self/status)"
}

trap_inside()
{
	cid run --label trap -- sh -c 'trap "exit 33" USR1; sleep 1000 & wait' &
	local pid=$!
	until_true runs_sleep trap
	kill -USR1 $pid
	status 33 wait $pid
	no_cgroups
}

orphans_die()
{
	cid run --label orphans -- bash -ec 'setsid sleep 4321 >&- 2>&- &
		until_true pgrep -fx "sleep 4321"; exit 0'
	fails pgrep -fx 'sleep 4321'
	no_cgroups
}

inner_cgroups()
{
	cid run -- bash -ec "mkdir -p $CGROUPS/a/b
		(echo 0 >$CGROUPS/a/b/cgroup.procs; exec sleep 1000) &
		until_true grep . $CGROUPS/a/b/cgroup.procs"
	no_cgroups
}

killed_cid()
{
	start killed
	local pid
	pid=$(sleeper_of killed)

	kill -KILL "${STARTED[0]}"
	wait "${STARTED[0]}" || true
	STARTED=()
	# shellcheck disable=SC2317,SC2329
	gone()
	{
		[[ ! -e /proc/$pid ]]
	}
	until_true gone
	# Nobody was left to do it.
	find "$CGROUPS" -type d -name 'cid-*killed' -exec rmdir {} +
}

terminal()
{
	command -v script
	status 0 script -qec "cid run -- sh -c 'test -t 0 && test -t 1'" \
		/dev/null
}

# interrupted PERL: with a Ctrl-C, while it runs a program that begins like this.
# The shell around gets the Ctrl-C as well, and would end.
interrupted()
{
	cat >"$TMP/inside" <<-INSIDE
	$1
	\$| = 1;
	\$SIG{INT} = sub { print "caught\n" };
	print "ready\n";
	sleep 1 until -e "$TMP/typed";
	exit 42;
	INSIDE
	cat >"$TMP/outside" <<-OUTSIDE
	trap : INT
	cid run -- perl $TMP/inside >$TMP/told
	echo \$? >$TMP/code
	OUTSIDE
	rm -f "$TMP"/{typed,told,code}
	(
		until_true grep ready "$TMP/told"
		printf '\003'
		sleep 2
		echo >"$TMP/typed"
		until_true test -s "$TMP/code"
	) | script -qec "exec sh $TMP/outside" /dev/null
	same 42 "$(cat "$TMP/code")"
	no_cgroups
}

control_c()
{
	interrupted ""
	same $'ready\ncaught' "$(cat "$TMP/told")"
}

# Twice a signal can be one, so this is about a command that gets none.
control_c_behind()
{
	interrupted "setpgrp;"
	same ready "$(cat "$TMP/told")"
}

nested()
{
	start outer
	cid enter outer -- cid run --label inner -- sleep 1000 &
	STARTED+=($!)
	until_true runs_sleep inner
	same "$(id_of outer)" "$(cid ls --json | jq '.[] |
		select(.label == "inner") | .parent')"
	contains "$(cid ls --tree -n)" "  $(id_of inner)  inner"
	# What a container sees ends with itself.
	same '["inner"]' "$(cid enter inner -- cid ls --json |
		jq -c '[.[] | .label]')"
}

nested_limit()
{
	refused 125 "internal processes" cid run -- \
		cid run --memory 32M -- true
}

unprivileged_run()
{
	refused 125 CAP_SYS_ADMIN setpriv --reuid 65534 --clear-groups \
		--inh-caps=-all cid run -- true
}

### ls, ps, of

listed()
{
	start listed
	local row
	row=$(cid ls -n | grep listed)

	same "$(id_of listed)" "${row%% *}"
	contains "$row" " host "
	contains "$row" "net=host"
	contains "$row" "user=host"
	fails contains "$row" "pid=host"
	contains "$(cid ls | head -1)" "ID"
}

json_parses()
{
	start json
	cid ls --json | jq -e 'map(select(.label == "json"))[0] |
		.id > 0 and .level == 1 and .processes == 2 and
		.namespaces.net.host and (.namespaces.pid.host | not)'
	cid ps --json | jq -e 'length >= 2'
	cid of --json $$ | jq -e '.[0].host and .[0].id == null'
	cid self --json | jq -e '.host and .level == 0'
	cid check --json | jq -e '.[0].there'
}

unwrapped()
{
	unshare --fork --pid --kill-child sleep 1000 &
	KILLED+=($!)
	until_true sh -c 'cid ls | grep -q "no container ID"'
	local pid
	pid=$(cid ls --json | jq -e '.[] | select(.id == null) | .pid')

	contains "$(cid of -n "$pid")" "no container ID"
	cid of --json "$pid" | jq -e '(.[0].host | not) and .[0].pidns > 0 and
		.[0].inner_pid == 1'
}

# As --pid=host makes it. Another mount namespace, as services have, is none.
unwrapped_host_pids()
{
	unshare --fork --mount --kill-child sleep 1001 &
	KILLED+=($!)
	until_true pgrep -x -f 'sleep 1001'
	same 0 "$(cid ls --json | jq 'map(select(.id == null)) | length')"
	mkdir /sys/fs/cgroup/unwrapped
	sh -c 'echo 0 >/sys/fs/cgroup/unwrapped/cgroup.procs
		exec unshare --cgroup --net sleep 1002' &
	KILLED+=($!)
	until_true pgrep -x -f 'sleep 1002'
	local pid
	pid=$(pgrep -x -f 'sleep 1002')

	cid ls --json | jq -e --argjson pid "$pid" 'map(select(.id == null)) |
		length == 1 and (.[0] | .pid == $pid and .processes == 1 and
		.cgroup == "/unwrapped" and .cgroupns > 0 and
		.namespaces.pid.host and (.namespaces.net.host | not))'
	contains "$(cid of -n "$pid")" "no container ID"
	# seen from another such container, the host is none
	same "[$pid]" "$(unshare --cgroup cid ls --json |
		jq -c 'map(select(.id == null) | .pid)')"
	stop_all
	rmdir /sys/fs/cgroup/unwrapped
}

# As on a machine that has cgroup v1, or none
without_cgroup2()
{
	start cgroupless
	local id
	id=$(id_of cgroupless)

	# shellcheck disable=SC2016	# expanded there
	unshare --mount bash -euc 'umount -R -l /sys/fs/cgroup
		export id=$1
		cid ls --json | jq -e "any(.id == (env.id | tonumber))"
		cid ps "$1" | grep -q sleep
		cid check --json >"$2"
		jq -e "any(.feature == \"cgroup v2\" and (.there | not))" "$2"
		! cid run --memory 64M -- touch "$2.ran" 2>"$2.err"
		[[ ! -e $2.ran && $(wc -l <"$2.err") == 1 ]]
		grep -q "cgroup" "$2.err"
		cid run -- true' bash "$id" "$TMP/cgroupless"
}

ps_numbers()
{
	start numbers
	local pid
	pid=$(sleeper_of numbers)

	same "$pid 2" "$(cid ps --json numbers | jq -r '.[] |
		select(.command == "sleep") | "\(.pid) \(.inner_pid)"')"
	same sleep "$(cat "/proc/$pid/comm")"
}

of_both_ways()
{
	start both
	local pid
	pid=$(sleeper_of both)

	same "$(id_of both) both 2" "$(cid of --json "$pid" |
		jq -r '.[0] | "\(.id) \(.label) \(.inner_pid)"')"
	same "$pid" "$(cid of --json --container both --pid 2 |
		jq '.[0].pid')"
}

of_unknown()
{
	start unknown
	status 1 cid of 4194303
	contains "$(cid of $$ 4194303 || true)" host
	refused 1 77 cid of --container unknown --pid 77
	refused 2 "process ID" cid of abc
	refused 2 PID cid of
	refused 2 together cid of --pid 1
}

of_hidden()
{
	start hidden
	local pid out
	pid=$(sleeper_of hidden)

	out=$(setpriv --reuid 65534 --clear-groups --inh-caps=-all \
		cid of -n "$pid" || true)
	contains "$out" "may not be read"
}

names()
{
	start same-one
	start same-two
	local id one
	one=$(id_of same-one)
	id=$(id_of same-two)
	cid run --label "$one" -- sleep 1000 &
	STARTED+=($!)
	until_true id_of "$one"

	same same-two "$(cid ps "$id" --json | jq -r '.[0].label')"
	same same-two "$(cid ps same-t --json | jq -r '.[0].label')"
	same same-one "$(cid ps "$one" --json | jq -r '.[0].label')"
	refused 1 "several" cid ps same-
	refused 1 "no container" cid ps nonesuch
	refused 1 "no container" cid ps ''
}

# Neither an ID nor a label, of digits, has this beginning for its name.
numbers()
{
	start 987654321
	local id
	id=$(id_of 987654321)

	refused 1 "no container" cid ps 98765432
	((id < 10)) || refused 1 "no container" cid ps "${id%?}"
	same 987654321 "$(cid ps 987654321 --json | jq -r '.[0].label')"
	start 123456789012abcdef
	refused 1 "no container" cid ps 12345678901
	same 123456789012abcdef "$(cid ps 123456789012 --json | jq -r '.[0].label')"
}

# In a user namespace of its own, whose root may label what it starts
start_foreign()
{
	unshare --user --map-root-user cid run --label foreign -- sleep 1000 &
	STARTED+=($!)
	until_true sh -c 'cid ls | grep -q foreign'
}

foreign_label()
{
	start_foreign
	refused 1 "another user namespace" cid ps foreign
	refused 1 "no container" cid ps forei
	same foreign "$(cid ps "$(id_of foreign)" --json | jq -r '.[0].label')"
}

runtime_name()
{
	local label
	label=$(printf 'beef%060d' 0)

	cat >"$TMP/bin/podman" <<-PODMAN
	#!/bin/sh
	echo '[{"Id":"other","Names":["x"]},{"Id":"$label","Names":["pod"]}]'
	PODMAN
	cat >"$TMP/bin/docker" <<-DOCKER
	#!/bin/sh
	echo '{"ID":"other","Names":"x"}'
	echo '{"ID":"$label","Names":"y,dock"}'
	DOCKER
	start "$label"
	same "$label" "$(cid ps pod --json | jq -r '.[0].label')"
	same "$label" "$(cid ps dock --json | jq -r '.[0].label')"
	refused 1 "no container" cid ps dockx
	printf '#!/bin/sh\necho "[{"\n' >"$TMP/bin/podman"
	same "$label" "$(cid ps dock --json | jq -r '.[0].label')"
}

# Without the wrapper it has no ID, but a cgroup; with it, podman's name finds it.
podman_itself()
{
	local -x PATH=$REAL_PATH
	local id pid wrapper
	wrapper=$(command -v cid-runtime)
	trap 'stop_all; PATH=$REAL_PATH; podman rm -f -t 0 cid-plain cid-named
		podman rmi cid-test' EXIT

	mkdir -p "$TMP/image/bin"
	cp "$(command -v busybox)" "$TMP/image/bin/"
	tar -C "$TMP/image" -c . | podman import - cid-test >/dev/null
	podman run -d --name cid-plain --network none cid-test \
		busybox sleep 1000 >/dev/null
	podman --runtime "$wrapper" run -d --name cid-named --network none cid-test \
		busybox sleep 1000 >/dev/null
	pid=$(podman inspect -f '{{.State.Pid}}' cid-plain)
	id=$(podman inspect -f '{{.Id}}' cid-named)

	cid ls --json | jq -e --argjson pid "$pid" 'any(.[]; .id == null and
		.pid == $pid and (.cgroup | test("libpod")))'
	same "$id" "$(cid ps --json cid-named | jq -r '.[0].label')"
}

runtime_hangs()
{
	printf '#!/bin/sh\nexec sleep 100\n' >"$TMP/bin/podman"
	status 1 timeout 60 cid ps nonesuch
	printf '#!/bin/sh\nexit 1\n' >"$TMP/bin/podman"
}

escaped()
{
	cid run --label escape -- bash -c \
		'printf "a\033[2Jb\\\\" >/proc/self/comm; sleep 1000; :' &
	STARTED+=($!)
	until_true runs_sleep escape
	contains "$(cid ps escape)" "a\\x1b[2Jb\\\\"
	cid ps escape --json | jq -e 'any(.[]; .command == "a\u001b[2Jb\\")'
	fails grep -q $'\033' <(cid ps escape)
}

listed_unprivileged()
{
	start secret
	setpriv --reuid 65534 --clear-groups --inh-caps=-all \
		cid ls >"$TMP/out" 2>"$TMP/err"
	fails contains "$(cat "$TMP/out")" secret
	contains "$(cat "$TMP/err")" "CAP_SYS_ADMIN"
}

listed_hidden()
{
	local level

	for level in 1 2; do
		# shellcheck disable=SC2016
		unshare --mount sh -ec 'mount -t proc -o hidepid=$0 proc /proc
			setpriv --reuid 65534 --clear-groups --inh-caps=-all \
			cid ls' $level
	done
}

### enter

entered()
{
	start entered
	local pid kind
	pid=$(sleeper_of entered)

	status 9 cid enter entered -- sh -c 'exit 9'
	status 127 cid enter entered -- nonesuch
	for kind in metrics pid mnt ipc cgroup time net uts user; do
		same "$(readlink "/proc/$pid/ns/$kind")" \
			"$(cid enter entered -- readlink "/proc/self/ns/$kind")"
	done
	same 0::/ "$(cid enter entered -- cat /proc/self/cgroup)"
	same "id: $(id_of entered)" "$(cid enter entered cid self | head -1)"
}

entered_userns()
{
	cid run --label userns -- unshare --user --map-root-user --net \
		sleep 1000 &
	STARTED+=($!)
	until_true runs_sleep userns
	# The first process stays in the user namespace of the host.
	same "$(readlink /proc/self/ns/user)" \
		"$(cid enter userns -- readlink /proc/self/ns/user)"
}

entered_foreign()
{
	start_foreign
	local id pid
	id=$(id_of foreign)

	# shellcheck disable=SC2016
	same "0 0" "$(setpriv --groups 0,4242 cid enter "$id" -- \
		sh -c 'echo "$(id -u) $(id -G)"')"
	cid enter "$id" -- sleep 2000 &
	pid=$!
	STARTED+=("$pid")
	until_true pgrep -fx 'sleep 2000'
	kill -KILL "$pid"
	until_true fails pgrep -fx 'sleep 2000'
}

enter_paused()
{
	start paused
	local group
	group=$CGROUPS$(cid ls --json | jq -r '.[] |
		select(.label == "paused") | .cgroup')

	echo 1 >"$group/cgroup.freeze"
	until_true grep -q 'frozen 1' "$group/cgroup.events"
	refused 125 paused cid enter paused -- true
	echo 0 >"$group/cgroup.freeze"
	until_true grep -q 'frozen 0' "$group/cgroup.events"
	cid enter paused -- true
}

enter_unknown()
{
	refused 125 nonesuch cid enter nonesuch -- true
	refused 125 command cid enter nonesuch
}

### top, self, check, the rest

top_batch()
{
	start top --memory 64M
	local out
	out=$(cid top -b -n 2 -d 0.2)

	same 2 "$(grep -c LIMIT <<<"$out")"
	contains "$out" 64.0M
	same 3 "$(cid top --json -n 3 -d 0.2 | jq -s length)"
}

# top_of LABEL FILTER: what jq makes of its line
top_of()
{
	cid top --json -n 2 -d 2 | tail -1 |
		jq -e --arg label "$1" ".containers[] | select(.label == \$label) | $2"
}

top_numbers()
{
	cid run --label busy --cpus 0.2 -- sh -c 'while :; do :; done' &
	STARTED+=($!)
	until_true sh -c 'cid ls | grep -q busy'
	top_of busy '.cpu_percent > 5 and .cpu_percent < 45 and
		.throttled_percent > 10 and .pids == 2 and .net_host'
}

top_io()
{
	local file
	file=$(mktemp -p /var/tmp)
	# shellcheck disable=SC2064	# it is local
	trap "stop_all; rm -f '$file'" EXIT

	cid run --label writer -- sh -c "while :; do
		dd if=/dev/zero of=$file bs=1M count=2 conv=fsync 2>/dev/null; done" &
	STARTED+=($!)
	until_true sh -c 'cid ls | grep -q writer'
	top_of writer '.io_write_bytes_per_second > 100000'
}

# It sleeps, so what is shown is soon what its cgroup has before and after.
memory_agrees()
{
	local before shown

	before=$(<"$1/memory.current")
	shown=$(top_of quiet .memory_bytes)
	say "before $before, shown $shown, after $(<"$1/memory.current")"
	((before == shown && before == $(<"$1/memory.current")))
}

top_memory()
{
	start quiet
	until_true memory_agrees "$CGROUPS$(cid ls --json |
		jq -r '.[] | select(.label == "quiet") | .cgroup')"
}

# Sends, when told to, datagrams of 1000 bytes and of headers of 42: three into
# one end of a cable and out of the other, two to nobody, and one to itself.
net_inside()
{
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
	ip link set lo up
	ip link add cable0 type veth peer name cable1
	ip link add nobody type dummy
	ip addr add 192.0.2.1/25 dev cable0
	ip addr add 192.0.2.129/25 dev nobody
	ip link set cable0 up
	ip link set cable1 up
	ip link set nobody up
	ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev cable0
	echo >"$TMP/ready"
	until_true test -e "$TMP/go"
	for to in 2 2 2 130 130 129; do
		printf %01000d 0 >/dev/udp/192.0.2.$to/9
	done
	echo >"$TMP/sent"
	sleep 1000
}

# frames NUMBER: has top written as many?
frames()
{
	(($(wc -l <"$TMP/top") >= $1))
}

# The sums of all refreshes are what there was between the first look and the
# last one, however long that took.
top_net()
{
	local nr
	export -f net_inside
	export TMP

	unshare --net cid run --label net -- bash -ec net_inside &
	STARTED+=($!)
	until_true test -e "$TMP/ready"
	cid top --json -d 0.3 >"$TMP/top" &
	STARTED+=($!)
	until_true frames 1
	echo >"$TMP/go"
	until_true test -e "$TMP/sent"
	nr=$(wc -l <"$TMP/top")
	until_true frames $((nr + 2))
	same "false 3126 5210" "$(head -n $((nr + 2)) "$TMP/top" | jq -sr '
		[.[] | .seconds as $s | .containers[] |
		 select(.label == "net") | .net_rx_bytes_per_second *= $s |
		 .net_tx_bytes_per_second *= $s] |
		"\(any(.[]; .net_host)) " +
		"\(map(.net_rx_bytes_per_second) | add | round) " +
		"\(map(.net_tx_bytes_per_second) | add | round)"')"
}

top_usage()
{
	refused 2 refreshes cid top -n 0
	refused 2 seconds cid top -d 0
	refused 2 seconds cid top -d x
}

top_quits()
{
	command -v script
	start quits
	local out
	out=$( (sleep 2; printf q; sleep 1) |
		status 0 script -qec "cid top" /dev/null)
	contains "$out" quits
	contains "$out" $'\033[?1049l'
}

self_told()
{
	same "id: host" "$(cid self | head -1)"
	# shellcheck disable=SC2016
	same "self 1" "$(cid run --label self -- cid self --json |
		jq -r '"\(.label) \(.level)"')"
}

check_told()
{
	cid check | grep -E '^metrics namespaces +yes'
	status 0 cid check
}

write_error()
{
	status 1 cid check >/dev/full
	status 1 cid ls --json >/dev/full
}

helped()
{
	local command

	for command in run ls ps top of enter self check; do
		status 0 cid "$command" --help
		contains "$(cid --help)" "  $command"
	done
	contains "$(cid --version)" "cid "
	refused 2 nonesuch cid nonesuch
	status 2 cid
}

command -v cid >/dev/null || {
	echo "Bail out! cid isn't in PATH"
	exit 1
}

claim "run exits with the command's code" exit_code
claim "run exits with 128 and the signal" exit_signal
claim "run exits with 127 if there is no such command" not_found
claim "run exits with 126 if it cannot be executed" not_executable
claim "run refuses a bad label" bad_label
claim "run takes a label of 64 characters" long_label
claim "run refuses a bad memory size" bad_memory
claim "run refuses a bad number of CPUs" bad_cpus
claim "run refuses a bad CPU list and leaves no cgroup" bad_cpuset
claim "run refuses wrong usage with 125" bad_usage
claim "run sets the limits" limits_set
claim "run's container sees its own memory" own_view
claim "run's container has PIDs and a cgroup root of its own" own_pids
claim "run's container has an uptime of its own but for --no-time" own_time
claim "a container in a container has one as well" nested_time
claim "run makes these namespaces and no others" own_namespaces
claim "run keeps mounts inside" mounts_stay_inside
claim "run takes an existing cgroup and leaves it" scope_given
claim "run says that a cgroup is missing" scope_missing
claim "run sets the flags" flags_shown
claim "run forwards SIGTERM and leaves no cgroup" ended_by TERM
claim "run forwards SIGALRM and leaves no cgroup" ended_by ALRM
claim "run forwards a real-time signal and leaves no cgroup" ended_by RTMIN
claim "run passes on an alarm that its caller has set" caller_alarm
claim "run gives the command its caller's signal mask" own_mask
claim "run lets the command handle a signal" trap_inside
claim "run ends what the command leaves running" orphans_die
claim "run removes cgroups that the container made" inner_cgroups
claim "run's container ends if cid is killed" killed_cid
claim "run gives the command the terminal" terminal
claim "run's command gets a Ctrl-C" control_c
claim "run doesn't forward a Ctrl-C, which all in the foreground get" \
	control_c_behind
claim "containers nest, and see nothing above" nested
claim "run tells why a nested limit cannot be" nested_limit
claim "run tells the unprivileged what is missing" unprivileged_run
claim "ls shows ID, parent and namespaces" listed
claim "every JSON parses and agrees" json_parses
claim "a container that nobody wrapped isn't the host" unwrapped
claim "without cgroup v2 containers are there, but no limits" without_cgroup2
claim "nor is one with the host's pid namespace, by its cgroup namespace" unwrapped_host_pids
claim "ps shows both numbers of a process" ps_numbers
claim "of finds the number inside and the one outside" of_both_ways
claim "of fails for a process that isn't there" of_unknown
claim "of doesn't take what may not be read for the host" of_hidden
claim "a name is an ID, a label or a beginning that only one has" names
claim "a number is taken for the beginning of one only if it has 12 digits" numbers
claim "a label that another user namespace gave is no name" foreign_label
claim "a name can be podman's or docker's" runtime_name
claim "podman's containers are listed without an ID, and named with one" podman_itself
claim "a runtime that hangs doesn't hang cid" runtime_hangs
claim "names of processes are escaped" escaped
claim "ls tells the unprivileged that there may be more" listed_unprivileged
claim "ls goes on where hidepid hides processes" listed_hidden
claim "enter joins all namespaces and the cgroup" entered
claim "enter follows the first process" entered_userns
claim "enter becomes root of another user namespace, and ends with cid" \
	entered_foreign
claim "enter refuses a paused container" enter_paused
claim "enter says that there is no such container" enter_unknown
claim "top prints tables and JSON" top_batch
claim "top tells CPU use and throttling" top_numbers
claim "top tells what is written to disk" top_io
claim "top tells the memory that its cgroup has" top_memory
claim "top tells what went over a network of its own" top_net
claim "top refuses wrong usage" top_usage
claim "top quits on q and gives the screen back" top_quits
claim "self tells ID, label and level" self_told
claim "check tells what there is" check_told
claim "an output that cannot be written is an error" write_error
claim "all help is there" helped
PATH=$REAL_PATH
claim "nothing is left in the cgroups" no_cgroups

finish
