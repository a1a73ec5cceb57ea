#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid record, as TAP, with a sessiond and a relayd of LTTng. To be run as root,
# with lttng-tools, lttng-modules with the series, babeltrace2, cid, cid-record, jq, perl.
set -euo pipefail

ABOUT="Tests cid record"
NAME="cid record"
# shellcheck source=tools/lttng/tests/lttng.sh
. "$(dirname "$0")/lttng.sh"

sessions()
{
	lttng --mi xml list >"$TMP/sessions" || return
	grep -o '<session>' "$TMP/sessions" | wc -l
}

# says STATUS TEXT COMMAND...: it fails with that status, and one line that has the text
says()
{
	local want=$1 text=$2 status=0
	shift 2

	"$@" >/dev/null 2>"$TMP/messages" || status=$?
	same "$want" "$status"
	grep -F -- "$text" "$TMP/messages" || {
		cat "$TMP/messages"
		return 1
	}
}

# as cid's are: the first line says it, and that --help tells more
refuses_arguments()
{
	says 2 "there is no profile 'everything'" cid record -e everything
	says 2 "'never' is no time" cid record -d never
	says 2 "not to both" cid record -o "$TMP/x" --live
	says 2 "what is 'web'?" cid record web
	says 2 "'5x' is no time" cid record --rotate 5x
	says 2 "'-1' is no time" cid record --rotate=-1
	says 2 "a live trace has no chunks" cid record --rotate 5s --live
}

tells_what_is_missing()
{
	says 1 'no lttng-sessiond' cid record -d 1 -o "$TMP/none"
	same 1 "$(wc -l <"$TMP/messages")"
}

refuses_what_is_there()
{
	mkdir "$TMP/full"
	touch "$TMP/full/file"
	says 1 'no empty directory' cid record -o "$TMP/full"
	says 1 "there is no container '999999'" cid record -c 999999 -o "$TMP/new"
	says 1 'not the address' cid record --relay 'nonsense://' -d 1
	[[ ! -e $TMP/new ]]
	same 0 "$(sessions)"
}

# rename_in CONTAINER NAME...: a task there that calls itself so
rename_in()
{
	local container=$1
	shift

	# shellcheck disable=SC2016	# inside
	cid enter "$container" -- sh -c \
		'for name; do printf %s "$name" >/proc/self/comm; stat / >/dev/null; done' sh "$@"
}

# Each task that has made a system call, by its name
callers()
{
	sed -n '/ syscall_entry_/s/.* procname = "\([^"]*\)".*/\1/p' "$TMP/trace" |
		sort -u >"$TMP/names"
	cat "$TMP/names"
}

syscalls_of_one()
{
	start one
	start other
	begin -c one -e syscalls -o "$TMP/ctf-one"
	rename_in one inside
	rename_in other outside
	end
	grep -q '; 0 events lost$' "$TMP/result"
	decode "$TMP/ctf-one"
	callers
	grep -qx inside "$TMP/names"
	fails grep -qx outside "$TMP/names"
}

nested_too()
{
	cid run --label outer -- cid run --label middle -- cid run --label inner -- \
		sleep 1000 &
	STARTED+=($!)
	until_true runs_sleep inner
	begin -c outer -e syscalls -o "$TMP/ctf-outer"
	rename_in inner nested
	end
	decode "$TMP/ctf-outer"
	callers
	grep -qx nested "$TMP/names"
	# not the outermost one, so that each of those in it counts
	begin -c middle -e syscalls --json -o "$TMP/ctf-middle"
	rename_in inner nested
	end
	decode "$TMP/ctf-middle"
	callers
	grep -qx nested "$TMP/names"
	same "[$(id_of middle),$(id_of inner)]" "$(jq -c '.containers | sort' "$TMP/result")"
}

follows()
{
	begin -c late -e syscalls --json -o "$TMP/ctf-late"
	grep -q "there is no container 'late' yet" "$TMP/messages"
	start late
	until_true grep -q 'which has started' "$TMP/messages"
	rename_in late inside
	end
	same "[$(id_of late)]" "$(jq -c .containers "$TMP/result")"
	decode "$TMP/ctf-late"
	callers
	grep -qx inside "$TMP/names"
}

# What is in it from its first moment on counts as well, as does a label that LTTng's
# filters have no way to write.
follows_nested()
{
	begin -c 'my "web"' -e syscalls --json -o "$TMP/ctf-quoted"
	cid run --label 'my "web"' -- cid run --label inner -- sleep 1000 &
	STARTED+=($!)
	start 'my *web*'
	until_true runs_sleep inner
	until_true grep -q 'which has started' "$TMP/messages"
	rename_in inner inside
	end
	same "[$(id_of 'my "web"')]" "$(jq -c .containers "$TMP/result")"
	decode "$TMP/ctf-quoted"
	callers
	grep -qx inside "$TMP/names"
}

says_that_it_has_ended()
{
	begin -e denials -o "$TMP/ctf-killed"
	pkill -KILL -x lttng-sessiond
	fails wait "$RECORDER"
	grep -q 'lttng-sessiond has ended' "$TMP/messages"
}

ends_by()
{
	local signal

	for signal in INT TERM HUP; do
		begin -e denials -o "$TMP/ctf-$signal"
		(($(sessions) == 1))
		end "$signal"
		same 0 "$(sessions)"
		[[ -s $TMP/ctf-$signal/kernel/metadata ]]
	done
}

for_a_time()
{
	cid record -d 1.5 -e lifecycle -e cpu,denials --json -o "$TMP/ctf-time" >"$TMP/result"
	jq -e '.seconds >= 1.5 and .discarded_events == 0 and .lost_packets == 0 and
		.missing == [] and .profiles == ["lifecycle", "cpu", "denials"] and
		.output == "'"$TMP"'/ctf-time"' "$TMP/result"
	decode "$TMP/ctf-time"
	grep -q ' sched_switch: ' "$TMP/trace"
}

# For each profile there is something of it, and lttng-modules has all of it.
each_profile()
{
	local profile

	for profile in lifecycle cpu memory io net syscalls denials; do
		cid record -d 0.5 -e "$profile" --json -o "$TMP/ctf-$profile" >"$TMP/result"
		jq -e '.missing == []' "$TMP/result" || {
			say "$profile"
			jq -c .missing "$TMP/result"
			return 1
		}
	done
}

live()
{
	lttng-relayd --daemonize --output="$TMP/relayd" >/dev/null
	begin --live -e lifecycle
	until_true lttng_live_sees
	end
	grep -q 'net://localhost' "$TMP/result"
	pkill -x lttng-relayd
	same 0 "$(sessions)"
}

lttng_live_sees()
{
	local url

	url=$(babeltrace2 --input-format=lttng-live net://localhost |
		sed -n 's/^\(net:[^ ]*\).*/\1/p' | head -n 1)
	[[ $url ]]
	cid run --label seen -- true
	timeout 5 babeltrace2 --input-format=lttng-live "$url" >"$TMP/live" 2>/dev/null || true
	grep -q 'metrics_ns_set.*label = "seen"' "$TMP/live"
}

# Which container a slice of a CPU belongs to follows from the state at the beginning,
# and from forks and switches of namespaces since. The kernel says the same of each.
# shellcheck disable=SC2016	# it is for perl
SLICES='
	my (%in, %born, %model, %truth);
	my $slices = 0;
	my $initial = 9;	# METRICS_NS_INIT_ID
	# the first one is that of the contexts, if it has the same name there
	sub f { $_[0] =~ /[{,] $_[1] = (?:\( ")?([^ ,"]+)/ ? $1 : die "no $_[1]: $_[0]" }
	sub last_f { $_[0] =~ /.*[{,] $_[1] = ([^ ,]+)/ ? $1 : die "no $_[1]: $_[0]" }
	while (<>) {
		my ($cpu) = / cpu_id = ([0-9]+)/ or next;
		if (/ lttng_statedump_process_container: /) {
			$in{last_f($_, "tid")} = f($_, "container_id");
		} elsif (/ sched_process_fork: /) {
			my $child = f($_, "child_tid");
			$in{$child} = $in{f($_, "parent_tid")} // 0 unless delete $born{$child};
		} elsif (/ namespace_switch: / && f($_, "type") eq "metrics") {
			my $id = f($_, "new_id");
			my $pid = last_f($_, "pid");
			$in{$pid} = $id == $initial ? 0 : $id;
			# of a child, it is told before the fork
			$born{$pid} = 1 if $pid != f($_, "tid");
		} elsif (/ sched_switch: / && f($_, "prev_tid")) {
			my $tid = f($_, "prev_tid");
			if ($ARGV =~ /truth$/) {
				push @{$truth{$cpu}}, $tid;
				$slices++;
			} elsif (($in{$tid} // "?") eq $ENV{ID}) {
				push @{$model{$cpu}}, $tid;
			}
		}
	}
	# The truth began later and ended earlier, so it is a part; of a CPU, as the times of the
	# two are not the same, and so not the order of two CPUs.
	for my $cpu (sort keys %truth) {
		my $want = "@{$truth{$cpu}}";
		my $got = "@{$model{$cpu} // []}";
		die "CPU $cpu: $want\nis no part of $got\n" if index(" $got ", " $want ") < 0;
	}
	print "$slices slices\n";
	exit($slices < 12);'

# A child in a metrics namespace of its own, which is nested in the container
# shellcheck disable=SC2016	# it is for perl
CLONE3='
	my $args = pack("Q8", 0x40, 0, 0, 0, 17, 0, 0, 0);
	my $pid = syscall(435, $args, 64);
	die "clone3: $!" if $pid < 0;
	if (!$pid) {
		select undef, undef, undef, 0.05 for 1 .. 5;
		exit;
	}
	waitpid $pid, 0;'

slices()
{
	export ID

	start box
	ID=$(id_of box)
	begin -e cpu -o "$TMP/all"
	lttng -q create truth --output="$TMP/ctf-truth"
	lttng -q enable-channel --kernel ch --subbuf-size=1M --num-subbuf=8
	lttng -q enable-event --kernel -c ch sched_switch --filter "\$ctx.container_id == $ID"
	lttng -q start truth
	rename_in box a b c
	cid run --label second -- sh -c '(:); (:)'
	cid enter box -- perl -e "$CLONE3"
	rename_in box d e f
	lttng -q stop truth
	lttng -q destroy truth
	end
	decode "$TMP/ctf-truth"
	cp "$TMP/trace" "$TMP/truth"
	decode "$TMP/all"
	perl -e "$SLICES" "$TMP/trace" "$TMP/truth"
}

# --- chunks ---

# rotated N: chunk N has begun, with the state
rotated()
{
	grep -q "^cid: chunk $1 of the trace has begun, with the state" "$TMP/messages"
}

rotate_to()
{
	lttng rotate "cid-record-$RECORDER"
	until_true rotated "$1"
}

# chunk DIR N: where the Nth is, from 1 on
chunk()
{
	find "$1/archives" -mindepth 1 -maxdepth 1 | sort | sed -n "$2p"
}

# Of a chunk alone: its state dump says in which container a task is; what has changed since
# the chunk began is told, and undone for what was before. The truth is what the kernel has
# let pass by a filter, a moment after the same switch by the same clock. Prints how many
# slices of the container there are.
# shellcheck disable=SC2016	# it is for perl
CHUNK='
	my (%in, %born, %switches, %truth, @changes, $id, $dumped);
	my $initial = 9;	# METRICS_NS_INIT_ID
	sub f { $_[0] =~ /[{,] $_[1] = (?:\( ")?"?([^ ,"]+)/ ? $1 : die "no $_[1]: $_[0]" }
	sub last_f { $_[0] =~ /.*[{,] $_[1] = "?([^ ,"]+)/ ? $1 : die "no $_[1]: $_[0]" }
	sub container { $_[0] == $initial ? 0 : $_[0] }
	open(my $in, "<", $ARGV[0]) or die;
	my @lines = <$in>;
	for (@lines) {
		if (/ lttng_statedump_process_container: /) {
			$dumped = 1;
			$in{last_f($_, "tid")} = f($_, "container_id");
		} elsif (/ lttng_statedump_container: / && last_f($_, "label") eq "box") {
			$id = f($_, "container_id");
		} elsif (!$dumped && / sched_process_fork: | namespace_switch: .*"metrics"/) {
			push @changes, $_;
		}
	}
	die "there is no box in it\n" unless $id;
	for (reverse @changes) {
		if (/ sched_process_fork: /) {
			delete $in{f($_, "child_tid")};
		} else {
			$in{last_f($_, "pid")} = container(last_f($_, "old_id"));
		}
	}
	for (@lines) {
		my ($time, $cpu) = /^\[(\d+)\].* cpu_id = (\d+)/ or next;
		if (/ sched_process_fork: /) {
			my $child = f($_, "child_tid");
			$in{$child} = $in{f($_, "parent_tid")} // 0 unless delete $born{$child};
		} elsif (/ namespace_switch: / && f($_, "type") eq "metrics") {
			my $pid = last_f($_, "pid");
			$in{$pid} = container(last_f($_, "new_id"));
			$born{$pid} = 1 if $pid != f($_, "tid");
		} elsif (/ sched_switch: /) {
			my $tid = f($_, "prev_tid");
			push @{$switches{$cpu}}, [$time, $tid, $in{$tid} // "?"];
		}
	}
	open($in, "<", $ARGV[1]) or die;
	while (<$in>) {
		my ($time, $cpu) = /^\[(\d+)\].* cpu_id = (\d+)/ or next;
		push @{$truth{$cpu}}, [$time, f($_, "prev_tid")] if / sched_switch: /;
	}
	my $slices = 0;
	for my $cpu (keys %switches) {
		my @all = @{$switches{$cpu}};
		my @truth = grep { $_->[0] >= $all[0][0] } @{$truth{$cpu} // []};
		# the truth about the last one is maybe behind the end
		for my $i (0 .. $#all - 1) {
			my ($time, $tid, $got) = @{$all[$i]};
			my $is = @truth && $truth[0][0] < $all[$i + 1][0];
			die "the truth is about $truth[0][1]\n" if $is && $truth[0][1] != $tid;
			die "$time, CPU $cpu: $tid is in $got\n" if $is != ($got eq $id);
			next unless $is;
			shift @truth;
			$slices++;
		}
	}
	print "$slices slices of container $id\n";
	exit($slices < 12);'

# One that was there before the recording, and switches all the time
ticker_in()
{
	cid enter "$1" -- perl -e 'select undef, undef, undef, 0.02 while 1' &
	STARTED+=($!)
	until_true ticks_in "$1"
}

ticks_in()
{
	cid ps "$1" -n | grep -q perl
}

a_chunk_alone()
{
	start box
	ticker_in box
	begin -e cpu -o "$TMP/rotated"
	lttng -q create truth --output="$TMP/ctf-truth"
	lttng -q enable-channel --kernel ch --subbuf-size=1M --num-subbuf=8
	lttng -q enable-event --kernel -c ch sched_switch \
		--filter "\$ctx.container_id == $(id_of box)"
	lttng -q start truth
	rename_in box a b c
	rotate_to 2
	rename_in box d e f
	cid run --label second -- sh -c '(:); (:)'
	cid enter box -- perl -e "$CLONE3"
	rename_in box g h i
	rotate_to 3
	rename_in box j k l
	lttng -q stop truth
	lttng -q destroy truth
	end
	grep ' in 3 chunks in ' "$TMP/result"
	decode --clock-cycles "$TMP/ctf-truth"
	cp "$TMP/trace" "$TMP/truth"
	decode --clock-cycles "$(chunk "$TMP/rotated" 2)"
	perl -e "$CHUNK" "$TMP/trace" "$TMP/truth"
}

# has_state CHUNK: all of a dump, and the container is in it
has_state()
{
	decode "$1"
	grep -q ' lttng_statedump_container: .* label = "box"' "$TMP/trace"
	grep -q ' lttng_statedump_end: ' "$TMP/trace"
}

rotates_by_time()
{
	local i

	start box
	begin -e lifecycle --rotate 1s --json -o "$TMP/timed"
	until_true rotated 3
	end
	jq -e '.chunks >= 3 and .discarded_events == 0' "$TMP/result"
	for i in 1 2 3; do
		has_state "$(chunk "$TMP/timed" "$i")"
	done
}

rotates_by_size()
{
	start box
	begin -c box -e syscalls --rotate 1M -o "$TMP/sized"
	until_true writes_until rotated 2
	end
	has_state "$(chunk "$TMP/sized" 2)"
}

# One megabyte and some for each CPU, in events
writes_until()
{
	cid enter box -- dd if=/dev/zero of=/dev/null bs=1 count=20000 2>/dev/null
	"$@"
}

claim "one line says what is wrong with the arguments" refuses_arguments
claim "one line says that there is no sessiond" tells_what_is_missing

# shellcheck disable=SC2119
start_sessiond
claim "it overwrites nothing, and makes no session for nothing" refuses_what_is_there
claim "system calls of a container alone" syscalls_of_one
claim "what is nested in it as well" nested_too
claim "what starts later under that label" follows
claim "and what is in it from the beginning, whatever the label" follows_nested
claim "no session stays, whatever ends it" ends_by
claim "for a time, several profiles" for_a_time
claim "each profile has all its events" each_profile
claim "live, by a relay daemon" live
claim "each slice of a CPU can be attributed" slices
claim "each slice in a chunk, by that chunk alone" a_chunk_alone
claim "chunks by time, each with the state" rotates_by_time
claim "chunks by size, with the state" rotates_by_size
claim "it ends when the sessiond does, and says so" says_that_it_has_ended
finish
