# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A project like this one, but small, for the tests of scripts/series and scripts/tree.
# Sourced with ROOT and TMP set.

# Where the real ones are
# shellcheck disable=SC2034	# of who sources this
{
	REAL_LINUX=$(realpath -m "${BUILD_DIR:-$ROOT/build}")/linux
	REAL_MIRROR=${MIRROR:-}
	REAL_KEYRING=${KEYRING:-}
}

# The user's own settings of git decide nothing here, and no mail is sent as him.
export GIT_CONFIG_GLOBAL=$TMP/gitconfig GIT_CONFIG_NOSYSTEM=1
unset LINUX PART V RFC MIRROR KEYRING BUILD_DIR "${!GIT_AUTHOR_@}" "${!GIT_COMMITTER_@}"
: >"$GIT_CONFIG_GLOBAL"

# small_linux DIRECTORY VERSION: what scripts take for Linux. Of the real one it has what
# they read or run: where Debian changed it, and whom mails go to.
small_linux()
{
	local name version

	IFS=. read -ra version <<<"$2"
	mkdir -p "$1"/{Documentation,arch,drivers,fs,include/linux,init,ipc,kernel,lib,scripts}
	printf 'VERSION = %s\nPATCHLEVEL = %s\nSUBLEVEL = %s\nEXTRAVERSION =\n' \
		"${version[@]}" >"$1/Makefile"
	for name in COPYING CREDITS Kbuild README; do
		echo "$name" >"$1/$name"
	done
	printf '%s\n' '*.o' '/*' >"$1/.gitignore"
	cat >"$1/MAINTAINERS" <<-'TEXT'
		List of maintainers

		THE REST
		M:	Some One <some.one@example.org>
		L:	list@example.org
		S:	Maintained
		F:	*
		F:	*/
	TEXT
	for name in kernel/{fork,sysctl,user_namespace}.c scripts/get_maintainer.pl; do
		git -C "$REAL_LINUX" show "base:$name" >"$1/$name"
	done
	# kernel.org's has none of Debian's changes.
	grep -q unprivileged_userns_clone "$1/kernel/fork.c" ||
		(cd "$1" && git apply "$ROOT/scripts/series.d/debian-userns-clone.patch")
	chmod +x "$1/scripts/get_maintainer.pl"
	printf 'obj-y += fork.o\nobj-y += exit.o\n' >"$1/kernel/Makefile"
	printf '/* %s */\n' {a..p} >"$1/kernel/exit.c"
}

# small_project DIRECTORY: the scripts, and nothing yet for them to work on
small_project()
{
	mkdir -p "$1/patches"
	cp -R "$ROOT/scripts" "$ROOT/KERNEL" "$1"
	echo build >"$1/.gitignore"
}

# message SUBJECT: of a commit that has all it needs
message()
{
	printf '%s\n\nIt was missing.\n\nAssisted-by: LLM\n' "$1"
}
