#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of the state dump where there is much to tell of, as TAP: what it has of cgroups,
# namespaces, containers and tasks is compared with what the kernel says elsewhere. To be run
# as root, with lttng-tools, lttng-modules with the series, babeltrace2, cid, lttng-many, jq
# and perl. Environment: LTTNG_TASKS, LTTNG_CGROUPS, LTTNG_NAMESPACES, how many there are;
# LTTNG_SUBBUF, the size of a sub-buffer.
set -euo pipefail

ABOUT="Tests the state dump with thousands of tasks, cgroups and namespaces"
NAME="lttng statedump"
# shellcheck source=tools/lttng/tests/lttng.sh
. "$(dirname "$0")/lttng.sh"

# Those that the state dump is made for; a guest that is emulated takes a minute or two.
TASKS=${LTTNG_TASKS:-5000}
CGROUPS_WANTED=${LTTNG_CGROUPS:-1000}
NAMESPACES=${LTTNG_NAMESPACES:-1000}
# As cid record has them
SUBBUF=${LTTNG_SUBBUF:-1M}
NR_SUBBUFS=8

MANY=$CGROUPS/lttng-many-$$
MAKER=
# What was in the kernel's log before
MARK="lttng-statedump-$$"

# shellcheck disable=SC2317,SC2329	# called by a trap
take_away()
{
	end_daemons
	if [[ $MAKER ]]; then
		kill "$MAKER" 2>/dev/null || true
		wait "$MAKER" || true
	fi
	# if that has not
	[[ ! -d $MANY ]] || find "$MANY" -depth -type d -exec rmdir {} +
}
trap take_away EXIT

bail_out()
{
	echo "Bail out! $*"
	exit 1
}

all_are_there()
{
	grep -q '^ready$' "$TMP/many" || fails kill -0 "$MAKER"
}

make_many()
{
	mkdir "$MANY"
	lttng-many "$MANY" "$CGROUPS_WANTED" "$NAMESPACES" "$TASKS" >"$TMP/many" 2>&1 &
	MAKER=$!
	for ((i = 0; i < 10; i++)); do
		! until_true all_are_there >/dev/null || break
	done
	grep -q '^ready$' "$TMP/many" || bail_out "lttng-many: $(tail -n 1 "$TMP/many")"
}

# listns(2): the IDs of all that are in use
listns()
{
	perl -e '
		my $max = 100000;
		my $room = "\0" x ($max * 8);
		my $request = pack("LLQLLQ", 32, 0, 0, 0, 0, 0);
		my $nr = syscall(470, $request, $room, $max, 0);
		die "listns: $!" if $nr < 0;
		print "$_\n" for unpack("Q$nr", $room);
	'
}

# What the kernel says elsewhere, in files NAME.$1: of cgroups "ID PARENT LEVEL PATH"; of
# threads "TID CGROUP"; of processes "TID INUM", of their metrics namespace.
look()
{
	find "$CGROUPS" -type d -printf '%i /%P\n' | perl -ne '
		my ($id, $path) = /(\d+) (.*)/;
		$id{$path} = $id;
		my $above = $path =~ s:/[^/]*$::r || "/";
		my $level = $path eq "/" ? 0 : $path =~ tr:/::;
		print "$id ", $level ? $id{$above} : 0, " $level $path\n";' |
		sort >"$TMP/cgroup.$1"
	find "$CGROUPS" -name cgroup.threads -exec grep -H . {} + | CGROUPS=$CGROUPS perl -ne '
		my ($dir, $tid) = m,(.*)/cgroup.threads:(\d+), or next;
		$id{$dir} //= (stat $dir)[1];
		print "$tid $id{$dir}\n";' | sort >"$TMP/process_cgroup.$1"
	find /proc/[0-9]*/ns/metrics -printf '%p %l\n' 2>/dev/null |
		sed -n 's:^/proc/\([0-9]*\)/ns/metrics metrics.\[\([0-9]*\)\]$:\1 \2:p' |
		sort >"$TMP/process_container.$1"
	listns | sort >"$TMP/namespace.$1"
	# what is there all the time
	[[ $1 != after ]] || for name in cgroup process_cgroup process_container namespace; do
		comm -12 "$TMP/$name.before" "$TMP/$name.after" >"$TMP/$name"
	done
}

milliseconds()
{
	local begin=${EPOCHREALTIME/[.,]/}

	"$@"
	echo $(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
}

# The dump at the start of the session and another one, as files dump.1 and dump.2
take_dumps()
{
	local first again

	echo "$MARK" >/dev/kmsg
	lttng -q create statedump --output="$TMP/ctf"
	lttng -q enable-channel --kernel channel --subbuf-size="$SUBBUF" --num-subbuf="$NR_SUBBUFS"
	lttng -q enable-event --kernel -c channel 'lttng_statedump_*'
	look before
	first=$(milliseconds lttng -q start statedump)
	again=$(milliseconds lttng -q regenerate statedump)
	look after
	lttng -q stop statedump
	lttng --mi xml list statedump >"$TMP/list"
	lttng -q destroy statedump
	say "$(wc -l <"$TMP/process_cgroup") threads, $(wc -l <"$TMP/cgroup") cgroups," \
		"$(wc -l <"$TMP/namespace") namespaces"
	say "$NR_SUBBUFS sub-buffers of $SUBBUF for each CPU," \
		"$(du -sh "$TMP/ctf" | cut -f1) of trace;" \
		"with the session's start $first ms, again $again ms"
	babeltrace2 "$TMP/ctf" 2>"$TMP/warnings" | DUMP=$TMP/dump perl -ne '
		open($out, ">", "$ENV{DUMP}." . ++$nr) or die if / lttng_statedump_start: /;
		print $out $_ if $out;
		close $out, undef $out if / lttng_statedump_end: /;' || true
	rm -rf "$TMP/ctf"
}

# told DUMP EVENT FIELD...: of each such event in a dump, a line with these fields
told()
{
	EVENT=lttng_statedump_$2 FIELDS=${*:3} perl -ne '
		BEGIN {
			@field = map { qr/[{,] $_ = (?:\( )?"?((?<=")[^"]*|[^ ,"]+)/ }
				 split / /, $ENV{FIELDS};
		}
		next unless / $ENV{EVENT}: /;
		my $line = $_;
		print join(" ", map { $line =~ $_ ? $1 : die "$line" } @field), "\n";
		' "$TMP/dump.$1" | sort
}

# each_once DUMP NAME: what is all the time there is in told.NAME, and nothing of that
# twice, by its first field. What came or went meanwhile may be.
each_once()
{
	[[ -s $TMP/$2 ]]
	comm -23 "$TMP/$2" "$TMP/told" >"$TMP/missing"
	cut -d' ' -f1 "$TMP/told" | uniq -d >"$TMP/twice"
	head -n 5 "$TMP/missing" "$TMP/twice"
	[[ ! -s $TMP/missing && ! -s $TMP/twice ]]
}

cgroups_are_told()
{
	(($(grep -c "/${MANY##*/}/" "$TMP/cgroup") == CGROUPS_WANTED))
	told "$1" cgroup id parent_id level path >"$TMP/told"
	each_once "$1" cgroup
}

namespaces_are_told()
{
	(($(wc -l <"$TMP/namespace") >= NAMESPACES))
	told "$1" namespace ns_id >"$TMP/told"
	each_once "$1" namespace
}

threads_are_told()
{
	(($(wc -l <"$TMP/process_cgroup") >= TASKS))
	told "$1" process_cgroup tid cgroup_id >"$TMP/told"
	each_once "$1" process_cgroup
}

# Of a container the kernel tells elsewhere by the inode number of its namespace.
containers_are_told()
{
	(($(cut -d' ' -f2 "$TMP/process_container" | sort -u | wc -l) > TASKS / 50))
	told "$1" namespace type ns_id inum >"$TMP/namespaces"
	told "$1" process_container tid container_id | NAMESPACES=$TMP/namespaces perl -ne '
		BEGIN {
			open(my $in, "<", $ENV{NAMESPACES}) or die;
			/^metrics (\d+) (\d+)$/ and $inum{$1} = $2 while <$in>;
			# the lowest ID is the host'\''s, of which an event has 0
			my ($host) = sort { $a <=> $b } keys %inum;
			$inum{0} = $inum{$host};
		}
		my ($tid, $id) = split;
		print "$tid $inum{$id}\n";' | sort >"$TMP/told"
	each_once "$1" process_container
	# and each one itself
	told "$1" container container_id >"$TMP/told"
	sed -n 's/^metrics \([0-9]*\) .*/\1/p' "$TMP/namespaces" | sort -n | tail -n +2 |
		sort >"$TMP/containers"
	diff "$TMP/containers" "$TMP/told"
}

# They end what was begun: a dump that gives up has no end.
dumps_are_whole()
{
	same 2 "$(find "$TMP" -name 'dump.[0-9]*' | wc -l)"
	for dump in 1 2; do
		tail -n 1 "$TMP/dump.$dump" | grep -q ' lttng_statedump_end: '
	done
}

nothing_is_lost()
{
	local said='<(discarded_events|lost_packets)>'

	cat "$TMP/warnings"
	[[ ! -s $TMP/warnings ]]
	grep -Eo "${said}0<" "$TMP/list"
	fails grep -Eo "${said}[1-9][0-9]*" "$TMP/list"
}

nobody_complains()
{
	dmesg | sed "1,/$MARK/d" >"$TMP/dmesg"
	fails grep -E 'stall|lockup|hung|blocked for more|BUG|WARNING' "$TMP/dmesg"
	# the mark was there, or it would be empty whatever happened
	dmesg | grep "$MARK"
}

# shellcheck disable=SC2119
start_sessiond
make_many
take_dumps >"$TMP/took" 2>&1 || {
	sed 's/^/# /' "$TMP/took"
	bail_out "no state dump could be recorded"
}
cat "$TMP/took"
claim "a dump at the start and one more have an end" dumps_are_whole
for dump in 1 2; do
	claim "dump $dump has each cgroup once, with its parent and path" cgroups_are_told "$dump"
	claim "dump $dump has each namespace once" namespaces_are_told "$dump"
	claim "dump $dump has each thread once, with its cgroup" threads_are_told "$dump"
	claim "dump $dump has each container, and who is in it" containers_are_told "$dump"
done
claim "nothing is lost" nothing_is_lost
claim "the kernel complains of no stall" nobody_complains
finish
