# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What every script needs. Sourced after `set -euo pipefail`.

# Byte-wise sorting and English messages, whoever runs it.
export LC_ALL=C

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# Everything generated lies in here.
# shellcheck disable=SC2034
BUILD=$(realpath -m "${BUILD_DIR:-$ROOT/build}")

msg()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
	msg "$@"
	exit 1
}

# need COMMAND PACKAGE: stop unless the command is there
need()
{
	[[ -n $(PATH=$PATH:/usr/sbin:/sbin type -P "$1") ]] || die "$1 not found: apt install $2"
}

# kernel_config SRC OUT MAKE-ARG... <WANTED: a configuration of tinyconfig and the
# options on stdin
kernel_config()
{
	local src=$1 out=$2
	shift 2

	mkdir -p "$out"
	cat >"$out/wanted.config"
	make -s -C "$src" O="$out" "$@" tinyconfig
	"$src/scripts/kconfig/merge_config.sh" -m -O "$out" "$out/.config" \
		"$out/wanted.config" >/dev/null
	make -s -C "$src" O="$out" "$@" olddefconfig
}

# config_lost OUT: the wanted options that did not take effect, as one that was
# renamed or lost a dependency vanishes in silence. Of two wishes the last one counts.
config_lost()
{
	local line

	while read -r line; do
		case $line in
		*=n) ! grep -q "^${line%=n}=[ym]" "$1/.config" || echo "$line" ;;
		*) grep -qxF "$line" "$1/.config" || echo "$line" ;;
		esac
	done < <(grep '^CONFIG_' "$1/wanted.config" | tac |
		LC_ALL=C sort -s -u -t= -k1,1)
}

# is_git PATH: the top of a work tree, or a bare repository
is_git()
{
	[[ -e $1/.git || ( -f $1/HEAD && -d $1/objects ) ]]
}

# work_tree NAME: build/linux-NAME, a work tree of build/linux for other commits
work_tree()
{
	[[ -d $BUILD/linux-$1 ]] && return
	git -C "$BUILD/linux" worktree prune
	git -C "$BUILD/linux" worktree add -q --detach "$BUILD/linux-$1" base
}
