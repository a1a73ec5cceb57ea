# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153 # shared with the others
# Packages of Debian's archive, by an apt of our own: without root, and without
# touching the system's. Sourced after KERNEL, with SUITE set.

APT=$BUILD/apt/$SUITE

apt_conf()
{
	local valid=

	# An old snapshot is signed as any other, but says that it is old.
	[[ $MIRROR != *snapshot.debian.org* ]] || valid=check-valid-until=no
	[[ -f $KEYRING ]] ||
		die "$KEYRING not found: apt install debian-archive-keyring"
	mkdir -p "$APT"/{lists,cache/archives}/partial "$APT"/{deb,etc}
	: >"$APT/status"
	printf 'deb [signed-by=%s %s] %s %s main\n' "$KEYRING" "$valid" \
		"$MIRROR" "$SUITE" >"$APT/etc/sources.list"
	# Read after the system's own settings, whose proxy stays in force and
	# whose hooks must not run.
	cat >"$APT/etc/apt.conf" <<CONF
Dir::State "$APT";
Dir::State::status "$APT/status";
Dir::State::lists "$APT/lists";
Dir::Cache "$APT/cache";
Dir::Etc::sourcelist "$APT/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "2";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONF
}

apt_run()
{
	"$1" -c "$APT/etc/apt.conf" -q "${@:2}"
}

apt_update()
{
	msg "reading the package list of $SUITE"
	apt_run apt-get update >"$APT/log" 2>&1 ||
		die "cannot read $MIRROR ($(apt_error)): check the network or MIRROR$OTHERWISE"
}

# The last complaint of apt, as one line.
apt_error()
{
	grep '^[EW]:' "$APT/log" | head -n 1 || tail -n 1 "$APT/log"
}

# apt_field PACKAGE VERSION FIELD: empty if that is not on offer
apt_field()
{
	apt_run apt-cache show "$1=$2" 2>/dev/null |
		sed -n "s/^$3: //p" | head -n 1
}

# apt_offers REGEX: newest first, "package version" of each package of that name that
# the archive offers
apt_offers()
{
	apt_run apt-cache dumpavail |
		awk -v name="^$1\$" '
			$1 == "Package:" { package = $2 }
			$1 == "Version:" && package ~ name {
				print package, $2
			}' | sort -u -k 2,2Vr
}

deb_is_whole()	# FILE SIZE SHA256
{
	[[ -f $1 && $(stat -c %s "$1") == "$2" ]] &&
		sha256sum --status -c - <<<"$3  $1"
}

# fetch PACKAGE VERSION: sets DEB, a verified file; 1 if it cannot be had
fetch()
{
	local size sum

	size=$(apt_field "$1" "$2" Size)
	sum=$(apt_field "$1" "$2" SHA256)
	[[ -n $size && -n $sum ]] || return 1
	DEB=$APT/deb/$1_${2//:/%3a}_$(apt_field "$1" "$2" Architecture).deb
	deb_is_whole "$DEB" "$size" "$sum" && return
	# A shorter file is what an interrupted run has left: apt goes on there.
	if [[ -e $DEB && $(stat -c %s "$DEB") -ge $size ]]; then
		msg "${DEB##*/} is damaged: fetching it again"
		rm "$DEB"
	fi
	msg "fetching $1 $2 ($((size / 1000000)) MB)"
	if ! apt_download "$1=$2"; then
		grep -q 'Hash Sum mismatch' "$APT/log" || return 1
		msg "what an interrupted run has left is damaged: fetching all of it"
		rm -f "$DEB"
		apt_download "$1=$2" || return 1
	fi
	deb_is_whole "$DEB" "$size" "$sum" ||
		die "${DEB##*/} does not match the archive's sha256: run it again"
}

apt_download()
{
	(cd "$APT/deb" && apt_run apt-get download "$1") >"$APT/log" 2>&1
}
