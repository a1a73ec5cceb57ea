#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of the series on lttng-modules, as TAP: events of each group are recorded when
# they happen, decoded by babeltrace2 and compared with what the kernel says elsewhere; two
# that nothing here can cause are only looked for. To be run as root, with lttng-tools,
# lttng-modules with the series, babeltrace2, cid, jq, perl, iproute2 and python3.
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

# Those that are only looked for, as nothing here can cause them:
# - cgroup_transfer_tasks is for a cpuset of version 1 without CPUs (CPUSETS_V1);
# - oom_skip_task_reaping takes a victim whose mmap_lock somebody holds for two seconds.
NEW_EVENTS="
	capability_cap_capable
	cgroup_mkdir cgroup_rmdir cgroup_release cgroup_rename cgroup_freeze
	cgroup_unfreeze cgroup_attach_task cgroup_transfer_tasks
	cgroup_notify_populated cgroup_notify_frozen cgroup_setup_root
	cgroup_destroy_root cgroup_remount cgroup_rstat_locked cgroup_rstat_unlock
	cgroup_rstat_lock_contended
	cgroup_fork_into cgroup_file_write cgroup_pids_max
	landlock_create_ruleset landlock_free_ruleset
	landlock_add_rule_path_beneath landlock_add_rule_net_port
	landlock_create_domain landlock_enforce_domain landlock_free_domain
	landlock_check_rule_inode landlock_check_rule_net_port
	landlock_deny_access_fs landlock_deny_access_net landlock_deny_ptrace
	landlock_deny_scope_signal landlock_deny_scope_abstract_unix_socket
	memcg_mod_state memcg_mod_lruvec_state memcg_count_events
	memcg_flush_stats memcg_event memcg_high_throttle memcg_reclaim memcg_refault
	metrics_ns_create metrics_ns_set
	namespace_create namespace_free namespace_active namespace_inactive
	namespace_switch namespace_install namespace_denied
	oom_mark_victim oom_score_adj_update oom_reclaim_retry_zone oom_compact_retry
	oom_wake_reaper oom_start_task_reaping oom_finish_task_reaping
	oom_skip_task_reaping
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

# --- hierarchies of version 1 ---

mount_hierarchy()
{
	mkdir "$TMP/v1"
	mount -t cgroup -o "none,name=lttng$$" lttng "$TMP/v1"
	at_end rmdir "$TMP/v1"
	at_end umount "$TMP/v1"
	ROOT=$(sed -n "s/^\([0-9]*\):name=lttng$$:.*/\1/p" /proc/self/cgroup)
}

use_hierarchy()
{
	mount_hierarchy
	mount -o "remount,none,name=lttng$$,release_agent=/bin/true" "$TMP/v1"
	mkdir "$TMP/v1/before"
	V1_ID=$(stat -c %i "$TMP/v1/before")
	mv "$TMP/v1/before" "$TMP/v1/after"
	echo "$BASHPID" >"$TMP/v1/after/cgroup.procs"
	echo "$BASHPID" >"$TMP/v1/cgroup.procs"
	rmdir "$TMP/v1/after"
	umount "$TMP/v1"
	until_true fails grep -q "name=lttng$$" /proc/self/cgroup
}

# shellcheck disable=SC2153	# ROOT is set there
hierarchy_life()
{
	local event

	record 'cgroup_*' -- use_hierarchy
	for event in setup_root remount destroy_root; do
		same "$ROOT 0x0" "$(one cgroup_$event root ss_mask -- "f('name') eq 'lttng$$'")"
	done
	same "$ROOT 1 /before" "$(one cgroup_mkdir root level path -- "f('id') == $V1_ID")"
	same "$ROOT 1 /after" "$(one cgroup_rename root level path -- "f('id') == $V1_ID")"
	same "$ROOT 1 /after $BASHPID" \
		"$(one cgroup_attach_task dst_root dst_level dst_path pid -- "f('dst_id') == $V1_ID")"
	same "$ROOT 1 /after" "$(one cgroup_rmdir root level path -- "f('id') == $V1_ID")"
}

# --- and of version 2 ---

freeze_and_thaw()
{
	make_cgroup frozen
	(
		echo "$BASHPID" >"$CGROUP/cgroup.procs"
		exec sleep 1000
	) &
	STARTED+=($!)
	until_true grep -q '^populated 1' "$CGROUP/cgroup.events"
	echo 1 >"$CGROUP/cgroup.freeze"
	until_true grep -q '^frozen 1' "$CGROUP/cgroup.events"
	echo 0 >"$CGROUP/cgroup.freeze"
	until_true grep -q '^frozen 0' "$CGROUP/cgroup.events"
}

frozen()
{
	record 'cgroup_*' -- freeze_and_thaw
	# each time that cgroup.events may have changed
	same '1 0' "$(fields cgroup_notify_frozen val -- "f('id') == $CGROUP_ID" | uniq | xargs)"
	same "0 1 ${CGROUP#"$CGROUPS"}" \
		"$(fields cgroup_notify_frozen root level path -- "f('id') == $CGROUP_ID" | uniq)"
}

read_statistics()
{
	cat "$1" >/dev/null
}

# It is taken for the CPUs one after the other, and then for the whole.
statistics_lock()
{
	local cpus event

	make_cgroup rstat
	in_cgroup "$CGROUP" true
	record 'cgroup_rstat_*' -- read_statistics "$CGROUP/cpu.stat"
	cpus="-1 $(seq 0 $(($(nproc --all) - 1)) | xargs)"
	for event in locked unlock; do
		same "$cpus" "$(fields cgroup_rstat_$event cpu -- "f('id') == $CGROUP_ID" |
			sort -n | uniq | xargs)"
		same '0 1' "$(fields cgroup_rstat_$event root level -- "f('id') == $CGROUP_ID" |
			sort -u)"
	done
	same 0 "$(fields cgroup_rstat_unlock contended | sort -u)"
}

# shellcheck disable=SC2016	# it is for perl
READ_LONG='
	for (1 .. 4000) {
		open(my $in, "<", $ARGV[0]) or die;
		sysread $in, my $text, 4096;
	}'

contend()
{
	local i pids=()

	for ((i = 0; i < 2 * $(nproc); i++)); do
		perl -e "$READ_LONG" "$CGROUP/cpu.stat" &
		pids+=($!)
	done
	wait "${pids[@]}"
}

# What a task that had to wait does next is to get it, and to say so.
statistics_contended()
{
	make_cgroup contended
	CONTEXTS=tid record cgroup_rstat_lock_contended cgroup_rstat_locked -- contend
	perl -ne '
		next unless / cgroup_rstat_(lock_contended|locked): .* \{ tid = (\d+) \}, \{ (.*) \}/;
		my ($event, $tid, $what) = ($1, $2, $3);
		my $contended = $what =~ s/, contended = (\d+)// && $1;
		if ($event eq "lock_contended") {
			$waits{$tid} = $what;
			$nr++;
			die "not contended: $_" unless $contended;
		} elsif (my $want = delete $waits{$tid}) {
			die "$want, and then $_" unless $contended && $want eq $what;
		} else {
			die "nobody has waited: $_" if $contended;
		}
		END { print "waited for ", $nr // 0, " times\n"; $? ||= !$nr }' "$TMP/trace"
	grep -q " cgroup_rstat_lock_contended: .* id = $CGROUP_ID," "$TMP/trace"
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

# A victim that can't die: who traces it has it stop in exit(2), with its memory. The reaper
# says in the kernel's log what it has done.
# shellcheck disable=SC2016	# it is for perl
DIE_SLOWLY='
	my $pid = fork // die;
	if (!$pid) {
		open(my $procs, ">", "$ARGV[0]/cgroup.procs") or die;
		syswrite $procs, $$;
		syscall(101, 0, 0, 0, 0);		# PTRACE_TRACEME
		kill "STOP", $$;
		my $memory = "x" x $ARGV[1];		# not when it is compiled
		exit;
	}
	waitpid $pid, 0;
	syscall(101, 0x4200, $pid, 0, 0x40);		# PTRACE_SETOPTIONS, PTRACE_O_TRACEEXIT
	syscall(101, 7, $pid, 0, 0);			# PTRACE_CONT
	waitpid $pid, 0;
	print "$pid\n";
	for (1 .. 600) {
		last if `dmesg` =~ /oom_reaper: reaped process $pid /;
		select undef, undef, undef, 0.1;
	}
	kill "KILL", $pid;
	syscall(101, 7, $pid, 0, 0);
	waitpid $pid, 0;'

die_slowly()
{
	make_cgroup reaped
	echo 16M >"$CGROUP/memory.max"
	echo 0 >"$CGROUP/memory.swap.max" || true
	perl -e "$DIE_SLOWLY" "$CGROUP" $((64 << 20)) >"$TMP/pid"
}

reaped()
{
	local pid event

	record 'oom_*' -- die_slowly
	pid=$(cat "$TMP/pid")
	same "$pid perl 0 0 $CGROUP_ID" \
		"$(one oom_mark_victim pid comm uid oom_score_adj memcg_id)"
	# "Killed process PID (perl) total-vm:NkB, anon-rss:NkB, file-rss:NkB, shmem-rss:NkB, UID:N
	# pgtables:NkB oom_score_adj:N"
	dmesg | grep "Killed process $pid (perl)" | tail -n 1 |
		sed 's/.*(perl)//; s/[^0-9]\+/ /g; s/^ //' | tee "$TMP/killed"
	one oom_mark_victim total_vm anon_rss file_rss shmem_rss uid pgtables oom_score_adj |
		tee "$TMP/told"
	# The event has what the CPUs have told of, which is 32 pages each behind what there is.
	paste -d' ' "$TMP/killed" "$TMP/told" | awk -v off=$((32 * $(nproc) * 4)) '{
		for (i = 1; i <= 7; i++)
			if ($i - $(i + 7) > off || $(i + 7) - $i > off ||
			    (i % 4 == 1 || i > 4) && $i != $(i + 7))
				exit 1
	}'
	for event in wake_reaper start_task_reaping finish_task_reaping; do
		same "$pid" "$(one oom_$event pid)"
	done
}

scored()
{
	# shellcheck disable=SC2016	# there
	record oom_score_adj_update -- sh -c 'echo $$; echo 321 >/proc/$$/oom_score_adj' \
		>"$TMP/pid"
	same "$(head -n 1 "$TMP/pid") sh 321" "$(one oom_score_adj_update pid comm oom_score_adj)"
}

# More huge pages than there is memory for: the allocator tries hard, and kills nobody.
want_huge_pages()
{
	grep MemTotal /proc/meminfo | tee "$TMP/meminfo"
	echo 1000000 >/proc/sys/vm/nr_hugepages
	cat /proc/sys/vm/nr_hugepages
	echo 0 >/proc/sys/vm/nr_hugepages
}

tries_again()
{
	record oom_reclaim_retry_zone oom_compact_retry -- want_huge_pages
	# of the pages of the allocator, 2 MiB are 512
	same 9 "$(fields oom_reclaim_retry_zone order -- "f('order') >= 9" | sort -u)"
	same 0 "$(fields oom_reclaim_retry_zone node -- "f('order') == 9" | sort -u)"
	fields oom_reclaim_retry_zone zone_idx min_wmark -- "f('order') == 9" | sort -u >"$TMP/told"
	awk '/^Node/ { zone = $4 } / min / { print zone, $2 }' /proc/zoneinfo | sort >"$TMP/there"
	same "" "$(comm -23 "$TMP/told" "$TMP/there")"
	fields oom_reclaim_retry_zone reclaimable available -- "f('order') == 9" |
		awk '$1 > $2 { exit 1 }'
	same 0 "$(fields oom_reclaim_retry_zone reclaimable available -- \
		"f('wmark_check') && f('available') < f('min_wmark')" | wc -l)"
	same 9 "$(fields oom_compact_retry order -- "f('order') >= 9" | sort -u)"
	fields oom_compact_retry priority result max_retries ret -- "f('order') == 9" |
		sort | uniq -c
	same "" "$(fields oom_compact_retry priority -- "f('order') == 9" |
		grep -vxE 'COMPACT_PRIO_(SYNC_FULL|SYNC_LIGHT|ASYNC)' || true)"
}

# --- the counters of memory cgroups ---

# Memory of several kinds, of which a part stays: 4 MiB of a file in memory
use_memory()
{
	make_cgroup counted
	in_cgroup "$CGROUP" dd if=/dev/zero of="$TMP/shm/file" bs=64k count=64
}

# stat_of NAME: in memory.stat of the cgroup
stat_of()
{
	sed -n "s/^$1 //p" "$CGROUP/memory.stat" | grep .
}

# sums EVENT: for each item the sum of all that was counted for the cgroup
sums()
{
	fields "$1" item val -- "f('id') == $CGROUP_ID" |
		awk '{ sum[$1] += $2 } END { for (item in sum) print item, sum[item] }' |
		tee "$TMP/sums"
}

# has_sum EVENT WANT: which item it is depends on the kernel's version
has_sum()
{
	sums "$1"
	grep -q " $2\$" "$TMP/sums"
}

mount_shm()
{
	mkdir "$TMP/shm"
	at_end rmdir "$TMP/shm"
	mount -t tmpfs tmpfs "$TMP/shm"
	at_end umount "$TMP/shm"
}

counters()
{
	local shmem

	mount_shm
	record memcg_mod_state memcg_mod_lruvec_state memcg_count_events -- use_memory
	# what it prints may be in memory, too
	shmem=$(stat_of shmem)
	((shmem >= 4194304))
	has_sum memcg_mod_lruvec_state $((shmem / $(getconf PAGESIZE)))
	has_sum memcg_mod_state $(($(stat_of kernel) / $(getconf PAGESIZE)))
	has_sum memcg_count_events "$(stat_of pgfault)"
}

# The kernel collects the statistics of all every two seconds, whatever there is.
look_twice()
{
	local pages=$((64 * $(nproc)))

	make_cgroup flushed
	in_cgroup "$CGROUP" dd if=/dev/zero of="$TMP/shm/file" bs=4k count=$((pages * 4))
	read_statistics "$CGROUP/memory.stat"
	read_statistics "$CGROUP/memory.stat"
	sleep 5
}

flushed()
{
	local root

	mount_shm
	record memcg_flush_stats -- look_twice
	same 2 "$(fields memcg_flush_stats force -- "f('id') == $CGROUP_ID && !f('force')" | wc -l)"
	root=$(stat -c %i "$CGROUPS")
	same 1 "$(fields memcg_flush_stats force -- "f('id') == $root" | sort -u)"
	# MEMCG_CHARGE_BATCH for each CPU
	fields memcg_flush_stats stats_updates needs_flush |
		awk -v cpus="$(nproc)" '($1 > 64 * cpus) != $2 { print; exit 1 }'
}

# Twice what its cgroup may have of a file
read_too_much()
{
	make_cgroup small
	echo 8M >"$CGROUP/memory.max"
	in_cgroup "$CGROUP" cat "$TMP_FILE" "$TMP_FILE" >/dev/null
}

sum_of()
{
	fields "$@" | awk '{ sum += $1 } END { print sum + 0 }'
}

evicted()
{
	local evictor

	TMP_FILE=$(mktemp /var/tmp/lttng-XXXXXX)
	at_end rm "$TMP_FILE"
	dd if=/dev/urandom of="$TMP_FILE" bs=64k count=256 conv=fsync
	echo 1 >/proc/sys/vm/drop_caches
	record memcg_reclaim memcg_refault -- read_too_much
	same "$(stat_of pgscan)" "$(sum_of memcg_reclaim nr_scanned -- "f('target_id') == $CGROUP_ID")"
	same "$(stat_of pgsteal)" \
		"$(sum_of memcg_reclaim nr_reclaimed -- "f('target_id') == $CGROUP_ID")"
	same "$CGROUP_ID 0 1" "$(fields memcg_reclaim victim_id nid file -- \
		"f('target_id') == $CGROUP_ID && f('file')" | sort -u)"
	same 0 "$(fields memcg_reclaim priority -- "f('priority') < 0 || f('priority') > 12" | wc -l)"
	same "$(stat_of workingset_refault_file)" \
		"$(sum_of memcg_refault nr_pages -- "f('memcg_id') == $CGROUP_ID && f('file')")"
	(($(stat_of workingset_refault_file) > 0))
	evictor=$CGROUP_ID
	! grep -qs '0x0*[1-9a-f]' /sys/kernel/mm/lru_gen/enabled || evictor=0
	same "$evictor 0" "$(fields memcg_refault evictor_id nid -- "f('memcg_id') == $CGROUP_ID" |
		sort -u)"
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

# A process outside of a domain, and one in it that does something of each kind, which the
# domain grants or denies. It prints of whom the events have to be.
# shellcheck disable=SC2016	# it is for perl
LANDLOCK='
	use Socket;
	my ($dir, $name) = @ARGV;
	sub port { pack_sockaddr_in($_[0], inet_aton("127.0.0.1")) }
	socket(my $listener, AF_UNIX, SOCK_STREAM, 0) or die;
	bind($listener, pack_sockaddr_un("\0$name")) && listen($listener, 1) or die;
	$SIG{USR1} = "IGNORE";
	my $outside = $$;
	my $pid = fork // die;
	if ($pid) {
		waitpid $pid, 0;
		print "$outside $pid\n";
		exit $?;
	}
	# FS_READ_FILE and FS_MAKE_REG; NET_BIND_TCP and NET_CONNECT_TCP; both scopes
	my $attr = pack("Q3", 0x104, 3, 3);
	my $ruleset = syscall(444, $attr, 24, 0);
	die "landlock_create_ruleset: $!" if $ruleset < 0;
	opendir(my $beneath, $dir) or die;
	my $rule = pack("Ql", 4, fileno $beneath);
	!syscall(445, $ruleset, 1, $rule, 0) or die "landlock_add_rule: $!";
	$rule = pack("QQ", 1, 8080);
	!syscall(445, $ruleset, 2, $rule, 0) or die "landlock_add_rule: $!";
	!syscall(157, 38, 1, 0, 0, 0) or die;		# PR_SET_NO_NEW_PRIVS
	!syscall(446, $ruleset, 0) or die "landlock_restrict_self: $!";
	open(my $in, "<", "$dir/there") or die "may not read: $!";
	open(my $out, ">", "$dir/new") and die "may make a file";
	socket(my $sock, AF_INET, SOCK_STREAM, 0) or die;
	bind($sock, port(8081)) and die "may bind";
	bind($sock, port(8080)) or die "may not bind: $!";
	syscall(101, 16, $outside, 0, 0) == -1 or die "may trace";	# PTRACE_ATTACH
	kill("USR1", $outside) and die "may send signals";
	socket(my $peer, AF_UNIX, SOCK_STREAM, 0) or die;
	connect($peer, pack_sockaddr_un("\0$name")) and die "may connect";'

# The denials are counted until the domain is freed, by a kworker.
use_landlock()
{
	mkdir "$TMP/landlock"
	touch "$TMP/landlock/there"
	ip link set lo up
	perl -e "$LANDLOCK" "$TMP/landlock" name >"$TMP/pid"
	sleep 1
}

# kernel_dev PATH: as it has it inside
kernel_dev()
{
	echo $((($(stat -c %Hd "$1") << 20) | $(stat -c %Ld "$1")))
}

landlock_life()
{
	local ruleset domain ino dev outside inside want

	CONTEXTS=pid record 'landlock_*' -- use_landlock
	read -r outside inside <"$TMP/pid"
	ino=$(stat -c %i "$TMP/landlock")
	dev=$(kernel_dev "$TMP/landlock")
	ruleset=$(one landlock_create_ruleset ruleset_id -- "f('pid') == $inside")
	same '0 0x104 0x3 0x3' "$(one landlock_create_ruleset \
		ruleset_version handled_fs handled_net scoped -- "f('pid') == $inside")"
	want="$ruleset 1 0x0 $dev $ino $TMP/landlock"
	same "$want" "$(one landlock_add_rule_path_beneath \
		ruleset_id ruleset_version flags dev ino pathname)"
	# and what the ruleset doesn't handle
	((($(one landlock_add_rule_path_beneath access_rights) & 0x104) == 4))
	same "$ruleset 2 0x0 8080" \
		"$(one landlock_add_rule_net_port ruleset_id ruleset_version flags port)"
	((($(one landlock_add_rule_net_port access_rights) & 3) == 1))
	domain=$(one landlock_create_domain domain_id)
	same "0x0 $ruleset 2" "$(one landlock_create_domain parent_id ruleset_id ruleset_version)"
	same "$domain 1 1 1" \
		"$(one landlock_enforce_domain domain_id complete process_wide no_new_privs)"
	same "$ruleset 2" "$(one landlock_free_ruleset ruleset_id ruleset_version)"

	same "$domain 0x4 $dev" "$(fields landlock_check_rule_inode domain_id access_request dev -- \
		"f('ino') == $ino && f('access_request') eq '0x4'" | sort -u)"
	grep " landlock_check_rule_inode: .* ino = $ino, .*grants = \[ \[0\] = 0x4 \]" "$TMP/trace"
	same "$domain 0x1 8080" \
		"$(one landlock_check_rule_net_port domain_id access_request port)"
	grep ' landlock_check_rule_net_port: .*grants = \[ \[0\] = 0x1 \]' "$TMP/trace"

	same "$domain 1 1 fs_access 0x100 $dev $ino $TMP/landlock" \
		"$(one landlock_deny_access_fs domain_id same_exec logged blockers_type \
			blockers_access dev ino pathname)"
	same "$domain 1 1 net_access 0x1 2 8081" \
		"$(one landlock_deny_access_net domain_id same_exec logged blockers_type \
			blockers_access socket_family port)"
	same "$domain 1 1 0x0 $outside perl $inside" \
		"$(one landlock_deny_ptrace domain_id same_exec logged tracee_domain_id \
			tracee_pid tracee_comm tracer_pid)"
	same "$domain 1 1 0x0 $outside perl 10" \
		"$(one landlock_deny_scope_signal domain_id same_exec logged target_domain_id \
			target_pid target_comm signal)"
	same "$domain 1 1 0x0 $outside" \
		"$(one landlock_deny_scope_abstract_unix_socket domain_id same_exec logged \
			peer_domain_id peer_pid)"
	# "name"
	grep -F 'sun_path = [ [0] = 0x6E, [1] = 0x61, [2] = 0x6D, [3] = 0x65 ]' "$TMP/trace"
	same "$domain 5" "$(one landlock_free_domain domain_id denials)"
}

# shellcheck disable=SC2016	# there
names()
{
	record task_rename -- sh -c 'echo $$
		echo "a name that is longer" >/proc/$$/comm' >"$TMP/pid"
	same "$(head -n 1 "$TMP/pid") sh 0" \
		"$(one task_rename pid oldcomm oom_score_adj -- "f('newcomm') eq 'a name that is '")"
}

ask_for_nothing()
{
	perl -e 'syscall(157, 12345, 1, 22, 333, 4444) == -1 or die'
}

unknown_prctl()
{
	record task_prctl_unknown -- ask_for_nothing
	same '12345 1 22 333 4444' "$(one task_prctl_unknown option arg2 arg3 arg4 arg5)"
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

# --- the ring buffer ---

# What a stream answers, once while its session is there and once when it has gone. The
# consumer daemon meets this by chance only; the requests are those of lttng/abi.h.
ask_streams()
{
	python3 - <<-'END'
	import ctypes, fcntl, os, struct

	SESSION, START, STREAM, FLUSH, FLUSH_EMPTY = 0xF645, 0xF656, 0xF662, 0xF60C, 0xF60F
	METADATA, CHANNEL, STREAM_ID = 0x4140F654, 0x4140F655, 0x8008F625
	FLUSH_OR_POPULATE = 0xC01AF613
	packet = ctypes.create_string_buffer(1 << 16)

	# the stream's ID, if a packet was made, and its magic number and UUID
	def answers():
	    stream_id, = struct.unpack("Q", fcntl.ioctl(data, STREAM_ID, bytes(8)))
	    fcntl.ioctl(data, FLUSH_EMPTY)
	    where = struct.pack("=QQQBB", ctypes.addressof(packet), 0, 0, 0, 0)
	    made = fcntl.ioctl(data, FLUSH_OR_POPULATE, where)[-1]
	    return f"{stream_id} {made} {packet.raw[:20].hex()}"

	session = fcntl.ioctl(os.open("/proc/lttng", os.O_RDWR), SESSION)
	buffers = bytearray(struct.pack("=QQIIIi288x", 4096, 4, 0, 0, 1, 0))
	channels = [fcntl.ioctl(session, what, buffers) for what in (CHANNEL, CHANNEL, METADATA)]
	data, metadata = (fcntl.ioctl(channel, STREAM) for channel in channels[1:])
	fcntl.ioctl(session, START)
	print(answers())
	for fd in channels + [session]:
	    os.close(fd)
	print(answers())
	fcntl.ioctl(metadata, FLUSH)
	END
}

outlive_their_session()
{
	local answers

	answers=$(ask_streams)
	[[ $answers == "1 1 c11ffcc1"* ]]
	same "${answers%$'\n'*}" "${answers#*$'\n'}"
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
claim "the life of a hierarchy of version 1" hierarchy_life
claim "cgroups that are frozen" frozen
claim "the lock of a cgroup's statistics" statistics_lock
claim "and who has to wait for it" statistics_contended
claim "what is written to cgroups" cgroup_writes
claim "tasks that begin in another cgroup" forks_into
claim "forks that pids.max refuses" forks_refused
claim "a cgroup without memory, and its victim" out_of_memory
claim "a victim that the OOM reaper has to help" reaped
claim "another oom_score_adj" scored
claim "an allocation that is tried again" tries_again
claim "the counters of a memory cgroup" counters
claim "and when they are collected" flushed
claim "pages that are evicted, and come back" evicted
claim "a cgroup above memory.high" slowed_down
claim "a cgroup at cpu.max" throttled
claim "capabilities that are lacking" capabilities
claim "what Landlock denies" landlocked
claim "rulesets of Landlock, and all that their domains deny" landlock_life
claim "new tasks" tasks
claim "tasks that get another name" names
claim "a prctl(2) that there is not" unknown_prctl
claim "a filter by container_id" filters_container_id
claim "a filter by container_top_id has what is nested" filters_container_top_id
claim "a filter by cgroup_id" filters_cgroup_id
claim "filters by the ID of each type of namespace" filters_namespaces
claim "container_id is right for who dies" names_the_dead
claim "the state dump has each cgroup, and its limits" dumps_cgroups
claim "the state dump has each namespace" dumps_namespaces
claim "the state dump has containers, and who is in them" dumps_containers
claim "the state dump can be had again" dumps_again
claim "streams that outlive their session" outlive_their_session
finish
