# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # accel, icount, onethread: the options
# Which QEMU emulates the guests. Sourced by scripts/guest.

# shellcheck disable=SC2034	# of apt.sh
SUITE=$QEMU_SUITE OTHERWISE=
# shellcheck source=scripts/tree.d/apt.sh
. "$ROOT/scripts/tree.d/apt.sh"

# Before 8.1, QEMU's threads could go on running an instruction that another
# CPU had patched: one boot in some 40 ended in "Oops: int3" at a jump label,
# and tracing patches far more than a boot does. (Fixed by QEMU's "accel/tcg:
# Always lock pages before translation".)
QEMU_FIT=801

# qemu_version PROGRAM...: such as 1000 for 10.0; 1 if it doesn't run
qemu_version() {
	local said
	said=$("$@" --version 2>&1) && [[ $said =~ version\ ([0-9]+)\.([0-9]+) ]] ||
		return 1
	echo $((BASH_REMATCH[1] * 100 + BASH_REMATCH[2]))
}

use_unpacked() { # directory
	qemu_command=("$1/usr/bin/qemu-system-x86_64" -L "$1/usr/share/qemu")
}

# Run in a subshell: what fails here ends it, after one line.
fetch_qemu() {
	local new=$CACHE/qemu.new package version
	apt_conf
	apt_update
	rm -rf "$new"
	mkdir "$new" || die "cannot make $new: see the message above"
	for package in qemu-system-x86 qemu-system-data; do
		read -r _ version < <(apt_offers "$package") ||
			die "$MIRROR $SUITE has no $package"
		fetch "$package" "$version" ||
			die "cannot fetch $package $version from $MIRROR ($(apt_error))"
		dpkg-deb -x "$DEB" "$new" || die "cannot unpack $DEB"
		rm "$DEB"
	done
	use_unpacked "$new"
	((QEMU_FIT <= $(qemu_version "${qemu_command[@]}" || echo 0))) ||
		die "qemu-system-x86 $version of $SUITE doesn't run here: $("${qemu_command[@]}" --version 2>&1 | head -n 1)"
	echo "$QEMU_SUITE" > "$new/suite"
	rm -rf "$CACHE/qemu"
	mv "$new" "$CACHE/qemu"
}

has_newer_qemu() {
	[[ $(cat "$CACHE/qemu/suite" 2> /dev/null) == "$QEMU_SUITE" ]]
}

# A newer QEMU that Debian has for the same system: it takes some 30 % less time, and
# its threads can be trusted. 1 if there is none; what couldn't be fetched is tried again on
# another day.
ensure_newer_qemu() {
	local lock
	# shellcheck source=/dev/null
	[[ $(. /etc/os-release && echo "${VERSION_CODENAME:-}") == "${QEMU_SUITE%-backports}" ]] ||
		return
	mkdir -p "$CACHE"
	need flock util-linux
	exec {lock}> "$CACHE/qemu.lock"
	flock -n "$lock" || {
		msg "waiting for who fetches QEMU"
		flock "$lock"
	}
	if ! has_newer_qemu && [[ -z $(find "$CACHE/qemu.none" -mmin -1440 2> /dev/null) ]]; then
		(fetch_qemu {lock}>&-) &
		builder=$!
		wait "$builder" || {
			msg "using the system's QEMU, which is slower (to try again today: rm $CACHE/qemu.none)"
			touch "$CACHE/qemu.none"
		}
		builder=
	fi
	exec {lock}>&-
	has_newer_qemu
}

# Sets qemu_command, and what it is. Before anything is run with it.
look_at_qemu() {
	qemu_command=("${QEMU:-qemu-system-x86_64}")
	qemu_is=$(qemu_version "${qemu_command[@]}") ||
		die "cannot read the version of ${qemu_command[0]}"
}

# Sets qemu_threads for $accel, and qemu_command if there is a better one. What counts instructions has one thread,
# and gains nothing by another version than the one of recorded figures: from 7.2 to 10.0 a
# fork costs 0.2 % more.
choose_qemu() {
	if [[ -z ${QEMU:-} && $accel == tcg && $icount == no ]] &&
		((qemu_is < QEMU_FIT)) && ensure_newer_qemu; then
		use_unpacked "$CACHE/qemu"
		qemu_is=$QEMU_FIT
	fi
	qemu_threads=single
	[[ $onethread == yes ]] || ((qemu_is < QEMU_FIT)) || qemu_threads=multi
}
