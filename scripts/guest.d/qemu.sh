# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # accel and icount are the options
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

newer_qemu() { # directory
	printf '%s\n' "$1/usr/bin/qemu-system-x86_64" -L "$1/usr/share/qemu"
}

# Run in a subshell: what fails here ends it, after one line.
fetch_qemu() {
	local new=$CACHE/qemu.new package version command
	apt_conf
	apt_update
	rm -rf "$new"
	mkdir "$new"
	for package in qemu-system-x86 qemu-system-data; do
		read -r _ version < <(apt_offers "$package") ||
			die "$MIRROR $SUITE has no $package"
		fetch "$package" "$version" ||
			die "cannot fetch $package $version from $MIRROR ($(apt_error))"
		dpkg-deb -x "$DEB" "$new" || die "cannot unpack $DEB"
		rm "$DEB"
	done
	mapfile -t command < <(newer_qemu "$new")
	((QEMU_FIT <= $(qemu_version "${command[@]}" || echo 0))) ||
		die "qemu-system-x86 $version of $SUITE doesn't run here: $("${command[@]}" --version 2>&1 | head -n 1)"
	mv "$new" "$CACHE/qemu"
}

# The system's own QEMU, unless it is too old and Debian has a newer one for the same
# system. That is half as fast again, and its threads can be trusted. Without one
# there is a second try on another day.
ensure_newer_qemu() {
	local lock today
	# shellcheck source=/dev/null
	[[ $(. /etc/os-release && echo "${VERSION_CODENAME:-}") == "${QEMU_SUITE%-backports}" ]] ||
		return
	mkdir -p "$CACHE"
	need flock util-linux
	exec {lock}> "$CACHE/qemu.lock"
	flock "$lock"
	today=$(date +%F)
	if [[ ! -d $CACHE/qemu && $(cat "$CACHE/qemu.none" 2> /dev/null) != "$today" ]]; then
		(fetch_qemu {lock}>&-) || {
			msg "the system's QEMU is taken, which is slower"
			echo "$today" > "$CACHE/qemu.none"
		}
	fi
	exec {lock}>&-
	[[ -d $CACHE/qemu ]]
}

# Sets qemu_command and qemu_threads for $accel. What counts instructions has one thread,
# and gains nothing by another version than the one of recorded figures: from 7.2 to 10.0 a
# fork costs 0.2 % more.
choose_qemu() {
	local version
	qemu_command=("${QEMU:-qemu-system-x86_64}")
	version=$(qemu_version "${qemu_command[@]}") ||
		die "cannot read the version of ${qemu_command[0]}"
	if [[ -z ${QEMU:-} && $accel == tcg && $icount == no ]] &&
		((version < QEMU_FIT)) && ensure_newer_qemu; then
		mapfile -t qemu_command < <(newer_qemu "$CACHE/qemu")
		version=$QEMU_FIT
	fi
	qemu_threads=multi
	((version >= QEMU_FIT)) || qemu_threads=single
}
