#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of the series on lttng-modules, as TAP: events of each group are recorded when
# they happen, decoded by babeltrace2 and compared with what the kernel says elsewhere;
# the others are only looked for. To be run as root, with lttng-tools, lttng-modules with the series, babeltrace2, cid, jq, perl.
set -euo pipefail

ABOUT="Records the events of lttng-modules that this project adds"
NAME=lttng
# shellcheck source=tools/lttng/tests/lttng.sh
. "$(dirname "$0")/lttng.sh"

PROBES=capability,cgroup,landlock,memcg,metrics-ns,namespace,oom,sched-cfs,task

# shellcheck disable=SC2317,SC2329	# called by a trap
clean_up_cgroups()
{
	local cgroup

	for cgroup in "$CGROUPS"/lttng-*-"$$"; do
		[[ ! -d $cgroup ]] || rmdir "$cgroup" || true
	done
	end_daemons
}
trap clean_up_cgroups EXIT

# record [EVENT | --filter FILTER EVENT]... -- COMMAND...: what is recorded while the
# command runs, as text, a line an event, in $TMP/trace. Contexts are in CONTEXTS.
record()
{
	local filter=() context

	# of a claim that has failed
	lttng -n destroy --all >/dev/null || true
	lttng -q create test --output="$TMP/ctf"
	lttng -q enable-channel --kernel channel --subbuf-size=1M --num-subbuf=8
	while [[ $1 != -- ]]; do
		if [[ $1 == --filter ]]; then
			filter=(--filter "$2")
			shift 2
			continue
		fi
		lttng -q enable-event --kernel -c channel "$1" "${filter[@]}"
		shift
	done
	shift
	for context in ${CONTEXTS:-}; do
		lttng -q add-context --kernel -c channel -t "$context"
	done
	lttng -q start test
	"$@"
	lttng -q stop test
	lttng -q destroy test
	decode "$TMP/ctf"
	rm -rf "$TMP/ctf"
}

# fields EVENT FIELD... [-- PERL]: of each such event, a line with these fields, of those
# for which the expression holds; there, f("FIELD") is a field.
fields()
{
	local event=$1 names=() condition=1
	shift

	while (($#)) && [[ $1 != -- ]]; do
		names+=("$1")
		shift
	done
	(($# < 2)) || condition=$2
	EVENT=$event NAMES="${names[*]}" perl -ne '
		our $line = $_;
		sub f {
			my $name = shift;
			# an enumeration has its label, then what that stands for
			return $1 if $line =~ /[{,] \Q$name\E = \( "([^"]*)"/;
			return $1 if $line =~ /[{,] \Q$name\E = "((?:[^"\\]|\\.)*)"/;
			return $1 if $line =~ /[{,] \Q$name\E = ([^ ,]+)/;
			return undef;
		}
		next unless / \Q$ENV{EVENT}\E: /;
		next unless '"$condition"';
		print join(" ", map { f($_) // "no_$_" } split / /, $ENV{NAMES}), "\n";
	' "$TMP/trace"
}

# one EVENT FIELD... -- PERL: the same of the only such event
one()
{
	local found

	found=$(fields "$@")
	[[ $found && $found != *$'\n'* ]] || {
		echo "# ${*}: '$found' of:" >&2
		grep -F " $1: " "$TMP/trace" | head -5 >&2
		return 1
	}
	echo "$found"
}

make_cgroup()
{
	CGROUP=$CGROUPS/lttng-$1-$$
	mkdir "$CGROUP"
	CGROUP_ID=$(stat -c %i "$CGROUP")
}

# in_cgroup CGROUP COMMAND...
in_cgroup()
{
	local cgroup=$1
	shift

	(
		echo "$BASHPID" >"$cgroup/cgroup.procs"
		exec "$@"
	)
}

write_to()
{
	echo "$1" >"$2"
}

# --- the events ---

NEW_EVENTS="
	capability_cap_capable
	cgroup_mkdir cgroup_rmdir cgroup_release cgroup_rename cgroup_freeze
	cgroup_unfreeze cgroup_attach_task cgroup_transfer_tasks
	cgroup_notify_populated cgroup_notify_frozen cgroup_setup_root
	cgroup_destroy_root cgroup_remount cgroup_rstat_locked cgroup_rstat_unlock
	cgroup_rstat_lock_contended
	cgroup_fork_into cgroup_file_write cgroup_pids_max
	landlock_deny_access_fs landlock_deny_access_net landlock_deny_ptrace
	memcg_flush_stats memcg_event memcg_high_throttle memcg_reclaim memcg_refault
	metrics_ns_create metrics_ns_set
	namespace_create namespace_free namespace_active namespace_inactive
	namespace_switch namespace_install namespace_denied
	oom_mark_victim oom_score_adj_update oom_wake_reaper
	sched_cfs_throttle sched_cfs_unthrottle sched_cfs_throttle_task
	task_newtask task_rename task_prctl_unknown
	lttng_statedump_cgroup lttng_statedump_process_cgroup
	lttng_statedump_namespace lttng_statedump_container
	lttng_statedump_process_container
"

are_listed()
{
	local event missing=0

	lttng --no-sessiond --mi xml list --kernel >"$TMP/list"
	for event in $NEW_EVENTS; do
		grep -q "<name>$event</name>" "$TMP/list" || {
			say "no $event"
			missing=1
		}
	done
	((!missing))
}

modules_say_so()
{
	modinfo lttng-tracer | grep '^extra_version_patch'
}

start_and_end()
{
	start box
	ID=$(id_of box)
	INUM=$(stat -L -c %i "/proc/$(sleeper_of box)/ns/metrics")
	stop_all
	# A namespace ends when the kernel gets round to it.
	until_true fails id_of box
	sleep 1
}

namespace_life()
{
	record 'namespace_*' 'metrics_ns_*' -- start_and_end
	same "metrics $INUM 1" "$(one namespace_create type inum level -- "f('ns_id') == $ID")"
	same "metrics" "$(one namespace_free type -- "f('ns_id') == $ID")"
	same "metrics" "$(fields namespace_active type -- "f('ns_id') == $ID" | uniq)"
	same "metrics" "$(fields namespace_inactive type -- "f('ns_id') == $ID" | uniq)"
	# of each type that the container has: mnt, pid and so on
	(($(fields namespace_create type | sort -u | wc -l) >= 5))
	same metrics "$(fields namespace_switch type -- "f('new_id') == $ID" | uniq)"
}

metrics_ns_life()
{
	local scope

	record 'metrics_ns_*' -- start_and_end
	same "$ID 1" "$(one metrics_ns_create top_id level -- "f('id') == $ID")"
	same box "$(one metrics_ns_set label -- "f('id') == $ID && f('label') ne ''")"
	scope=$(fields metrics_ns_set cgroup_id -- "f('id') == $ID && f('cgroup_id')" | head -n 1)
	((scope > 0))
}

entered()
{
	nsenter --uts=/proc/1/ns/uts true
}

installed()
{
	record namespace_install -- entered
	# UTS_NS_INIT_ID
	same 2 "$(one namespace_install ns_id -- "f('type') eq 'uts' && f('ret') == 0")"
}

refuse_limit()
{
	local was status=0

	was=$(cat /proc/sys/user/max_uts_namespaces)
	echo 0 >/proc/sys/user/max_uts_namespaces
	unshare --uts true || status=$?
	echo "$was" >/proc/sys/user/max_uts_namespaces
	((status))
}

denied()
{
	record namespace_denied -- refuse_limit
	same 'limit -28' "$(one namespace_denied reason ret -- "f('type') eq 'uts'")"
}

# How many cgroups are removed, and not yet released
dying()
{
	sed -n 's/^nr_dying_descendants //p' "$CGROUPS/cgroup.stat"
}

no_more_dying_than()
{
	(($(dying) <= $1))
}

# One that was never used is released soon.
make_and_release()
{
	local before

	before=$(dying)
	make_cgroup unused
	rmdir "$CGROUP"
	until_true no_more_dying_than "$before"
	sleep 0.5
}

make_and_remove()
{
	make_cgroup life
	write_to 10M "$CGROUP/memory.max"
	fails write_to 'much "quoted"' "$CGROUP/memory.max" 2>/dev/null
	in_cgroup "$CGROUP" true
	echo 1 >"$CGROUP/cgroup.freeze"
	echo 0 >"$CGROUP/cgroup.freeze"
	rmdir "$CGROUP"
}

cgroup_life()
{
	local root name

	record 'cgroup_*' -- make_and_release
	same "${CGROUP#"$CGROUPS"}" "$(one cgroup_release path -- "f('id') == $CGROUP_ID")"

	record 'cgroup_*' -- make_and_remove
	root=$(stat -c %i "$CGROUPS")
	name=${CGROUP#"$CGROUPS"}
	same "$root 1 $name" "$(one cgroup_mkdir parent_id level path -- "f('id') == $CGROUP_ID")"
	same "$name" "$(one cgroup_rmdir path -- "f('id') == $CGROUP_ID")"
	same "$name" "$(one cgroup_attach_task dst_path -- "f('dst_id') == $CGROUP_ID")"
	same "$name" "$(one cgroup_freeze path -- "f('id') == $CGROUP_ID")"
	same "$name" "$(one cgroup_unfreeze path -- "f('id') == $CGROUP_ID")"
	same '1 0' "$(fields cgroup_notify_populated val -- "f('id') == $CGROUP_ID" | xargs)"
}

cgroup_writes()
{
	record cgroup_file_write -- make_and_remove
	same '10M 4' "$(one cgroup_file_write value ret -- \
		"f('id') == $CGROUP_ID && f('file') eq 'memory.max' && f('ret') > 0")"
	same '-22' "$(one cgroup_file_write ret -- \
		"f('id') == $CGROUP_ID && f('file') eq 'memory.max' && f('ret') < 0")"
	# as it was written, whatever it is
	grep -qF 'value = "much \"quoted\""' "$TMP/trace"
}

# clone3(2) with CLONE_INTO_CGROUP
born_in()
{
	perl -e '
		open(my $dir, "<", $ARGV[0]) or die;	# perl opens directories, too
		my $args = pack("Q11", 1 << 33, 0, 0, 0, 17, 0, 0, 0, 0, 0, fileno $dir);
		my $pid = syscall(435, $args, 88);
		die "clone3: $!" if $pid < 0;
		exec "true" unless $pid;
		waitpid $pid, 0;
		print "$pid\n";
	' "$1" >"$TMP/pid"
}

forks_into()
{
	make_cgroup born
	record cgroup_fork_into -- born_in "$CGROUP"
	same "${CGROUP#"$CGROUPS"} $(cat "$TMP/pid")" \
		"$(one cgroup_fork_into dst_path pid -- "f('dst_id') == $CGROUP_ID")"
}

fork_too_often()
{
	make_cgroup pids
	echo 1 >"$CGROUP/pids.max"
	fails in_cgroup "$CGROUP" sh -c 'true | true' 2>/dev/null
}

forks_refused()
{
	record cgroup_pids_max -- fork_too_often
	same "$CGROUP_ID" "$(fields cgroup_pids_max limit_id -- "f('id') == $CGROUP_ID" | uniq)"
}

need_too_much()
{
	make_cgroup memory
	echo 16M >"$CGROUP/memory.max"
	echo 0 >"$CGROUP/memory.swap.max" || true
	fails in_cgroup "$CGROUP" tail /dev/zero 2>/dev/null
}

out_of_memory()
{
	local kills

	record 'memcg_event' 'memcg_reclaim' 'oom_*' -- need_too_much
	kills=$(sed -n 's/^oom_kill //p' "$CGROUP/memory.events.local")
	same "$kills" "$(fields memcg_event event -- \
		"f('memcg_id') == $CGROUP_ID && f('event') eq 'oom_kill'" | wc -l)"
	same tail "$(one oom_mark_victim comm -- "f('memcg_id') == $CGROUP_ID")"
}

need_all_of_high()
{
	make_cgroup high
	echo 4M >"$CGROUP/memory.high"
	# Each page more takes longer.
	in_cgroup "$CGROUP" timeout 5 python3 -c 'x = bytearray(12 << 20)' || true
}

slowed_down()
{
	record 'memcg_*' -- need_all_of_high
	(($(fields memcg_event event -- \
		"f('memcg_id') == $CGROUP_ID && f('event') eq 'high'" | wc -l) >= 1))
	(($(one_of memcg_high_throttle penalty_us "$CGROUP_ID") > 0))
}

# one_of EVENT FIELD MEMCG: of the first one
one_of()
{
	fields "$1" "$2" -- "f('memcg_id') == $3" | head -n 1 | grep .
}

use_all_of_a_quota()
{
	make_cgroup cpu
	echo "10000 100000" >"$CGROUP/cpu.max"
	in_cgroup "$CGROUP" timeout 2 sh -c 'while :; do :; done' || true
}

throttled()
{
	local times

	record 'sched_cfs_*' -- use_all_of_a_quota
	times=$(sed -n 's/^nr_throttled //p' "$CGROUP/cpu.stat")
	fields sched_cfs_throttle quota period -- "f('cgroup_id') == $CGROUP_ID" | uniq |
		tee "$TMP/quota"
	same '10000000 100000000' "$(cat "$TMP/quota")"
	# It is told for each CPU when it begins, and counted for each period that it lasts.
	say "$times periods"
	((times > 0))
	(($(fields sched_cfs_throttle cpu -- "f('cgroup_id') == $CGROUP_ID" | wc -l) >= 1))
	(($(fields sched_cfs_unthrottle cpu -- "f('cgroup_id') == $CGROUP_ID" | wc -l) >= 1))
	(($(fields sched_cfs_throttle_task tid -- "f('cgroup_id') == $CGROUP_ID" | wc -l) >= 1))
}

lack_a_capability()
{
	fails setpriv --reuid 65534 --inh-caps=-all chroot / true 2>/dev/null
}

capabilities()
{
	CONTEXTS=procname record capability_cap_capable -- lack_a_capability
	same '-1 0' "$(fields capability_cap_capable ret capable_ns_id -- \
		"f('cap') eq 'CAP_SYS_CHROOT' && f('procname') eq 'chroot'" | uniq)"
	# the initial user namespace's
	same 3 "$(fields capability_cap_capable target_ns_id -- \
		"f('cap') eq 'CAP_SYS_CHROOT' && f('procname') eq 'chroot'" | uniq)"
}

break_a_landlock()
{
	fails setpriv --landlock-access fs:make-reg touch "$TMP/forbidden"
}

landlocked()
{
	record 'landlock_*' -- break_a_landlock
	same "$TMP" "$(one landlock_deny_access_fs pathname)"
}

tasks()
{
	record 'task_*' -- sh -c '(:); (:)'
	same 2 "$(fields task_newtask pid -- "f('comm') eq 'sh'" | wc -l)"
}

# --- contexts ---

# fork_in CONTAINER: three forks in the container, and three here. Inside it is called
# sh as well: what tells them apart is the context alone.
fork_in()
{
	cid enter "$1" -- sh -c '(:); (:); (:)'
	sh -c '(:); (:); (:)'
}

# of_sh FILTER: what passes of the forks of sh
of_sh()
{
	record --filter "$1 && \$ctx.procname == \"sh\"" task_newtask -- "${@:2}"
	fields task_newtask pid | wc -l
}

filters_container_id()
{
	local id

	start box
	id=$(id_of box)
	same 3 "$(of_sh "\$ctx.container_id == $id" fork_in "$id")"
	same 3 "$(of_sh "\$ctx.container_id == 0" fork_in "$id")"
}

filters_container_top_id()
{
	local top inner

	cid run --label outer -- cid run --label inner -- sleep 1000 &
	STARTED+=($!)
	until_true runs_sleep inner
	top=$(id_of outer)
	inner=$(id_of inner)
	same 3 "$(of_sh "\$ctx.container_top_id == $top" fork_in "$inner")"
	same 0 "$(of_sh "\$ctx.container_id == $top" fork_in "$inner")"
}

fork_in_cgroup()
{
	in_cgroup "$CGROUP" sh -c '(:); (:); (:)'
	sh -c '(:); (:); (:)'
}

filters_cgroup_id()
{
	make_cgroup filter
	same 3 "$(of_sh "\$ctx.cgroup_id == $CGROUP_ID" fork_in_cgroup)"
	same 0 "$(of_sh "\$ctx.cgroup_id == 1$CGROUP_ID" fork_in_cgroup)"
}

# The ns_id of each type in a container, as the state dump has it for the inode number
filters_namespaces()
{
	local pid type id inum forks

	start box
	pid=$(sleeper_of box)
	record lttng_statedump_namespace -- true
	cp "$TMP/trace" "$TMP/namespaces"
	for type in cgroup ipc mnt net pid time user uts; do
		inum=$(stat -L -c %i "/proc/$pid/ns/$type")
		cp "$TMP/namespaces" "$TMP/trace"
		id=$(one lttng_statedump_namespace ns_id -- \
			"f('type') eq '$type' && f('inum') == $inum")
		# what it shares with the host is here, too
		forks=3
		[[ $inum != "$(stat -L -c %i "/proc/self/ns/$type")" ]] || forks=6
		same $forks "$(of_sh "\$ctx.${type}_ns_id == $id" fork_in box)"
		same 0 "$(of_sh "\$ctx.${type}_ns_id == 1$id" fork_in box)"
	done
}

# A dying task (EXIT_ZOMBIE or EXIT_DEAD) has lost its namespaces by then.
names_the_dead()
{
	local id

	start box
	id=$(id_of box)
	record --filter "\$ctx.container_id == $id" sched_switch -- fork_in "$id"
	(($(fields sched_switch prev_tid -- "f('prev_comm') eq 'sh' && f('prev_state') & 0x30" | wc -l) >= 3))
}

# --- the state dump ---

dumps_cgroups()
{
	make_cgroup dump
	echo 32M >"$CGROUP/memory.max"
	record lttng_statedump_cgroup -- true
	same "${CGROUP#"$CGROUPS"} 33554432 18446744073709551615" \
		"$(one lttng_statedump_cgroup path memory_max memory_high -- "f('id') == $CGROUP_ID")"
	fields lttng_statedump_cgroup id -- "f('online')" | sort >"$TMP/told"
	find "$CGROUPS" -type d -printf '%i\n' | sort >"$TMP/there"
	diff "$TMP/there" "$TMP/told"
}

# listns(2): the IDs of all that are in use
listns()
{
	perl -e '
		my $room = "\0" x 8192;
		my $request = pack("LLQLLQ", 32, 0, 0, 0, 0, 0);
		my $nr = syscall(470, $request, $room, 1024, 0);
		die "listns: $!" if $nr < 0;
		print "$_\n" for unpack("Q$nr", $room);
	'
}

dumps_namespaces()
{
	start box
	record lttng_statedump_namespace -- true
	fields lttng_statedump_namespace ns_id -- "f('active')" | sort >"$TMP/told"
	listns | sort >"$TMP/there"
	diff "$TMP/there" "$TMP/told"
}

dumps_containers()
{
	local outer inner pid

	cid run --label outer -- cid run --label inner -- sleep 1000 &
	STARTED+=($!)
	until_true runs_sleep inner
	outer=$(id_of outer)
	inner=$(id_of inner)
	pid=$(sleeper_of inner)
	record 'lttng_statedump_*' -- true
	same "outer 0 $outer 1" "$(one lttng_statedump_container label parent_id top_id level -- \
		"f('container_id') == $outer")"
	same "inner $outer $outer 2" "$(one lttng_statedump_container label parent_id top_id level -- \
		"f('container_id') == $inner")"
	same "$inner $outer" "$(one lttng_statedump_process_container container_id container_top_id -- \
		"f('tid') == $pid")"
	same "$(stat -c %i "$CGROUPS$(sed -n 's/^0:://p' "/proc/$pid/cgroup")")" \
		"$(one lttng_statedump_process_cgroup cgroup_id -- "f('tid') == $pid")"
	same "$(cid ls --json | jq -r '.[] | select(.label == "outer") | .scope.cgroup_id // 0')" \
		"$(fields lttng_statedump_container scope_id -- "f('container_id') == $outer")"
	# each thread has both, and each process of upstream's is among them
	fields lttng_statedump_process_state tid | sort -u >"$TMP/upstream"
	fields lttng_statedump_process_cgroup tid | sort -u >"$TMP/ours"
	(($(comm -23 "$TMP/upstream" "$TMP/ours" | wc -l) <= 2))
}

regenerate()
{
	lttng -q regenerate statedump
}

dumps_again()
{
	record lttng_statedump_container lttng_statedump_cgroup -- regenerate
	same 2 "$(fields lttng_statedump_cgroup path -- "f('level') == 0" | wc -l)"
}

echo "+memory +pids +cpu" >"$CGROUPS/cgroup.subtree_control"
start_sessiond --extra-kmod-probes="$PROBES"
claim "each event is there" are_listed
claim "the modules say that they are patched" modules_say_so
claim "the life of namespaces" namespace_life
claim "the life of containers" metrics_ns_life
claim "namespaces that are entered" installed
claim "namespaces that are denied" denied
claim "the life of cgroups" cgroup_life
claim "what is written to cgroups" cgroup_writes
claim "tasks that begin in another cgroup" forks_into
claim "forks that pids.max refuses" forks_refused
claim "a cgroup without memory, and its victim" out_of_memory
claim "a cgroup above memory.high" slowed_down
claim "a cgroup at cpu.max" throttled
claim "capabilities that are lacking" capabilities
claim "what Landlock denies" landlocked
claim "new tasks" tasks
claim "a filter by container_id" filters_container_id
claim "a filter by container_top_id has what is nested" filters_container_top_id
claim "a filter by cgroup_id" filters_cgroup_id
claim "filters by the ID of each type of namespace" filters_namespaces
claim "container_id is right for who dies" names_the_dead
claim "the state dump has each cgroup, and its limits" dumps_cgroups
claim "the state dump has each namespace" dumps_namespaces
claim "the state dump has containers, and who is in them" dumps_containers
claim "the state dump can be had again" dumps_again
finish
