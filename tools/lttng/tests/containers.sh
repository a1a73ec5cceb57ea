#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of applications that trace themselves, in containers of crun, together with the host's
# trace of the kernel, as TAP. To be run as root, with lttng-tools, lttng-modules with the
# series, babeltrace2, crun, cid, cid-record, cid-runtime, ust-app, jq and perl. /dev/vdb
# may be the disk of another Debian, whose LTTng is tried as well.
set -euo pipefail

ABOUT="Tests applications in containers and the kernel in one trace"
NAME="lttng containers"
# shellcheck source=tools/lttng/tests/lttng.sh
. "$(dirname "$0")/lttng.sh"

EVENTS=100
RELAYED=$TMP/relayed

# bundle NAME LOWER MOUNTS COMMAND: of a container that has the host's network, where the
# relay daemon is
bundle()
{
	local dir=$TMP/$1

	rm -rf "$dir"
	copy_of "$2" "$dir"
	mkdir -p "$dir/root/stage"
	(cd "$dir" && crun spec)
	jq --arg command "$4" --argjson mounts "$3" '
		.process.args = ["sh", "-euc", $command] | .process.terminal = false |
		.process.capabilities[] += ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_SETGID",
					    "CAP_SETUID"] |
		.process.env += ["HOME=/root"] | .root = {path: "root", readonly: false} |
		.linux.namespaces |= map(select(.type != "network")) |
		.mounts += [{destination: "/stage", type: "bind", source: "/stage",
			     options: ["bind", "ro"]}] + $mounts' \
		"$dir/config.json" >"$dir/config.new"
	mv "$dir/config.new" "$dir/config.json"
}

# run NAME: and wait for its end
run()
{
	cid-runtime run --bundle "$TMP/$1" "$1"
}

# An application, and who records it, in the container; its session has the relay daemon
# write it where the host's trace is.
# shellcheck disable=SC2016	# it is expanded there
OWN_SESSIOND='
	lttng-sessiond --no-kernel --daemonize
	lttng -q create "$NAME" --set-url=net://127.0.0.1 $FORMAT ||
		lttng -q create "$NAME" --set-url=net://127.0.0.1
	lttng -q enable-event --userspace "ust_app:*"
	lttng -q add-context --userspace --type vpid --type vtid --type pid_ns --type mnt_ns
	lttng -q start
	/stage/bin/ust-app "$NAME" "$EVENTS"
	lttng -q stop
	lttng -q destroy
	lttng --version'

start_relayd()
{
	rm -rf "$RELAYED"
	mkdir "$RELAYED"
	lttng-relayd --daemonize --output="$RELAYED" >/dev/null
	at_end until_true fails pgrep -x lttng-relayd
	at_end pkill -x lttng-relayd
}

# Of whom is each event of an application? It tells its thread by the number that this has in
# its PID namespace, and that namespace by its inode number; the kernel's events tell which
# thread this is, in which container, and how that one is labelled. Prints "COUNT NAME LABEL":
# how many events an application of that name has had in a container of that label.
# shellcheck disable=SC2016	# it is for perl
ATTRIBUTE='
	my (%in, %born, %tid, %label, %count, $last);
	sub f { $_[0] =~ /[{,] $_[1] = (?:\( ")?([^ ,"]+)/ ? $1 : die "no $_[1]: $_[0]" }
	sub last_f { $_[0] =~ /.*[{,] $_[1] = (?:\( ")?"?([^ ,"]+)/ ? $1 : die "no $_[1]: $_[0]" }
	sub seconds { my ($h, $m, $s) = split /:/, shift; $h * 3600 + $m * 60 + $s }
	while (<>) {
		my ($time) = /^\[([0-9:.]+)\]/ or next;
		die "not in the order of time: $_" if defined $last && seconds($time) < $last;
		$last = seconds($time);
		if (/ lttng_statedump_process_container: /) {
			$in{last_f($_, "tid")} = f($_, "container_id");
		} elsif (/ lttng_statedump_container: /) {
			$label{last_f($_, "id")} = last_f($_, "label");
		} elsif (/ metrics_ns_set: /) {
			$label{last_f($_, "id")} = last_f($_, "label") unless / label = ""/;
		} elsif (/ sched_process_fork: /) {
			my ($child) = f($_, "child_tid");
			# the one of the host first, that of its own namespace last
			my @vtids = / vtids = \[ (.*?) \], child_pid/ ? $1 =~ /= ([0-9]+)/g : ();
			$in{$child} = $in{f($_, "parent_tid")} // 0 unless delete $born{$child};
			$tid{f($_, "child_ns_inum") . " " . $vtids[-1]} = $child;
		} elsif (/ namespace_switch: / && f($_, "type") eq "metrics") {
			my $pid = last_f($_, "pid");
			$in{$pid} = last_f($_, "new_id");
			$born{$pid} = 1 if $pid != f($_, "tid");
		} elsif (/ ust_app:work: /) {
			my $tid = $tid{f($_, "pid_ns") . " " . f($_, "vtid")} //
				  die "whose is this: $_";
			$count{last_f($_, "name") . " " . $label{$in{$tid}}}++;
		}
	}
	print "$count{$_} $_\n" for sort keys %count;'

attributed()
{
	decode "$RELAYED"
	perl -e "$ATTRIBUTE" "$TMP/trace" >"$TMP/attributed"
	cat "$TMP/attributed"
}

# each_in_its_own LOWER [FORMAT]: two containers whose sessiond is their own
each_in_its_own()
{
	local name

	start_relayd
	begin -e lifecycle --relay net://127.0.0.1
	for name in first second; do
		bundle "$name" "$1" '[]' "NAME=$name EVENTS=$EVENTS FORMAT=${2:-}
			$OWN_SESSIOND"
		run "$name" >"$TMP/$name.out" 2>&1 || {
			cat "$TMP/$name.out"
			return 1
		}
		tail -n 1 "$TMP/$name.out"
	done
	end INT
	attributed
	same "$EVENTS first first
$EVENTS second second" "$(cat "$TMP/attributed")"
}

# They have the host's socket, and are recorded by its sessiond.
by_the_hosts_sessiond()
{
	local name

	start_relayd
	begin -e lifecycle --relay net://127.0.0.1
	lttng -q create apps --set-url=net://127.0.0.1
	at_end lttng -q destroy apps
	lttng -q enable-event --userspace "ust_app:*"
	lttng -q add-context --userspace --type vpid --type vtid --type pid_ns --type mnt_ns
	lttng -q start apps
	for name in first second; do
		bundle "$name" "$1" '[{"destination": "/run/lttng", "type": "bind",
			"source": "/run/lttng", "options": ["rbind"]}]' \
			"/stage/bin/ust-app $name $EVENTS"
		run "$name"
	done
	lttng -q stop apps
	end INT
	attributed
	same "$EVENTS first first
$EVENTS second second" "$(cat "$TMP/attributed")"
}

# A session of 2.16 has CTF 2, which a relay daemon of 2.13 doesn't take, unless the format is
# asked for; 2.13 knows no other one, and so has no such option.
other_debian()
{
	mkdir "$TMP/other"
	mount -o ro /dev/vdb "$TMP/other"
	at_end umount "$TMP/other"
	each_in_its_own "$TMP/other" --trace-format=ctf-1.8
	say "here $(lttng --version), there $(chroot "$TMP/other" lttng --version)"
	fails same "$(lttng --version)" "$(chroot "$TMP/other" lttng --version)"
}

# Its relay daemon, which writes where the host sees it
start_other_relayd()
{
	copy_of "$TMP/other" "$TMP/relay"
	mount --bind /dev "$TMP/relay/root/dev"
	at_end umount "$TMP/relay/root/dev"
	mkdir -p "$TMP/relay/root/relayed"
	chroot "$TMP/relay/root" lttng-relayd --daemonize --output=/relayed >/dev/null
	at_end until_true fails pgrep -x lttng-relayd
	at_end pkill -x lttng-relayd
}

# minor VERSION: of "lttng (LTTng Trace Control) 2.13.15 - Nordicite", 13
minor()
{
	sed -n 's/.* 2\.\([0-9]*\)\..*/\1/p' <<<"$1"
}

# What CTF 2 is too new for is told so, and gets CTF 1.8; nobody else is told anything.
relayed_to_another()
{
	local here there

	mkdir -p "$TMP/other"
	mount -o ro /dev/vdb "$TMP/other"
	at_end umount "$TMP/other"
	start_other_relayd
	here=$(minor "$(lttng --version)")
	there=$(minor "$(chroot "$TMP/other" lttng --version)")
	say "here 2.$here, there 2.$there"
	begin -e lifecycle --relay net://127.0.0.1
	cid run --label relayed -- true
	end INT
	cat "$TMP/messages"
	if ((here >= 15 && there < 15)); then
		same 1 "$(grep -c 'too old for CTF 2: the trace is written as CTF 1.8' \
			"$TMP/messages")"
	else
		fails grep 'CTF' "$TMP/messages"
	fi
	decode "$TMP/relay/root/relayed"
	grep -q ' metrics_ns_set: .* label = "relayed"' "$TMP/trace"
}

# shellcheck disable=SC2119
start_sessiond
claim "each event of an application is that of its container" each_in_its_own /
claim "and when they are recorded by the sessiond of the host" by_the_hosts_sessiond /
if [[ -b /dev/vdb ]]; then
	claim "and with the LTTng of another Debian in there" other_debian
	claim "cid record suits the relay daemon of another Debian" relayed_to_another
else
	COUNT=$((COUNT + 1))
	echo "ok $COUNT - $NAME: another Debian # SKIP none on /dev/vdb"
fi
finish
