# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Sources of others as git trees of one commit, on branch "base".

# root_commit DIRECTORY SECONDS <MESSAGE: the same source gives the same commit id;
# SECONDS is the time that it gets.
root_commit()
{
	local -x GIT_AUTHOR_NAME=base GIT_AUTHOR_EMAIL=base@localhost
	local -x GIT_COMMITTER_NAME=base GIT_COMMITTER_EMAIL=base@localhost
	local -x GIT_AUTHOR_DATE="$2 +0000" GIT_COMMITTER_DATE="$2 +0000"
	local id

	rm -rf "$1/.git"
	git -c init.defaultBranch=base init -q --template= "$1"
	git_settings "$1"
	# Threshold 1: all goes into one pack, a fifth of the loose files' size.
	git -C "$1" -c core.bigFileThreshold=1 add -A -f
	id=$(git -C "$1" commit-tree "$(git -C "$1" write-tree)")
	git -C "$1" update-ref refs/heads/base "$id"
}

# What the user's own git settings must not change in here.
git_settings()
{
	git -C "$1" config core.autocrlf false
	git -C "$1" config core.attributesFile /dev/null
	git -C "$1" config core.compression 1
	git -C "$1" config core.looseCompression 0
	git -C "$1" config core.untrackedCache true
	git -C "$1" config core.fileMode true
	git -C "$1" config gc.auto 0
}

# base_field TREE NAME: from the base's message, such as what it was made from
base_field()
{
	git -C "$1" log -1 --format=%b base -- 2>/dev/null |
		sed -n "s/^$2: //p" || true
}
