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
	command -v "$1" >/dev/null || die "$1 not found: apt install $2"
}
