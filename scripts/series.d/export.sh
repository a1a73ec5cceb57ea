# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153 # shared with the others
# Mails, as git format-patch writes them.

OUT=$BUILD/series
[[ $PROJECT == linux ]] || OUT+=/$PROJECT

series_export()
{
	local linux=${LINUX:-} part=${PART:-} version=${V:-} rfc=${RFC:-} letter
	local -a lines

	while (($#)); do
		case $1 in
		--linux | --part | -v)
			(($# > 1)) || die "$1 needs a value: see --help"
			case $1 in
			--linux) linux=$2 ;;
			--part) part=$2 ;;
			-v) version=$2 ;;
			esac
			shift
			;;
		--rfc) rfc=1 ;;
		*) die "export: unknown argument '$1': see --help" ;;
		esac
		shift
	done
	[[ -z $version || $version =~ ^[1-9][0-9]*$ ]] || die "version '$version': needs a number"
	git -C "$ROOT" -c user.useConfigOnly=true var GIT_AUTHOR_IDENT >/dev/null 2>&1 ||
		die "no name to send as: git config --global user.name 'You' and user.email you@example.org"
	manifest_read
	patches_read
	no_faults
	[[ -z $part || " $(parts | tr '\n' ' ')" == *" $part "* ]] ||
		die "no part '$part': there are $(parts | tr '\n' ' ')"
	SHOW_HUNKS=true
	export_repository "$linux"
	base_index work
	mapfile -t lines < <(part_lines "$(for letter in ${part:-$(parts)}; do
		printf '%s' "$(needed_by "$letter")$letter"
	done)")
	trial work '' "${lines[@]}"
	no_faults
	for letter in ${part:-$(parts)}; do
		export_part "$letter" "$version" "$rfc"
	done
}

# export_unversioned PATH: a directory or a tarball; becomes TREE
export_unversioned()
{
	[[ $PROJECT == linux ]] || die "--linux $1 is not a git tree"
	BUILD_DIR=$OUT/base LINUX=$1 "$ROOT/scripts/tree" || exit 1
	TREE=$OUT/base/linux
}

# A repository of our own that only borrows the objects of the user's tree;
# sets BASE, GITDIR and OFFICIAL, the commit for --base.
export_repository()
{
	local objects shallow who

	if [[ -z $1 ]]; then
		need_tree
	elif ! is_git "$1"; then
		export_unversioned "$1"
		set -- ''
	fi
	local from=${1:-$TREE}
	objects=$(git -C "$from" rev-parse --git-path objects 2>/dev/null) ||
		die "LINUX=$from is not a git tree"
	GITDIR=$TMP/export.git
	git init -q --bare --template= "$GITDIR"
	(cd "$from" && realpath "$objects") >"$GITDIR/objects/info/alternates"
	# The cover letter's sender is who the patches are from.
	who=$(identity)
	g none config user.name "${who% <*}"
	g none config user.email "$(tr -d '<>' <<<"<${who##*<}")"
	OFFICIAL=''
	if [[ -n $1 ]]; then
		BASE=$(git -C "$from" rev-parse --verify 'HEAD^{commit}') || die "LINUX=$from has no commit"
		OFFICIAL=$BASE
		shallow=$(cd "$from" && realpath "$(git rev-parse --git-path shallow)")
		[[ ! -f $shallow ]] || cp "$shallow" "$GITDIR/shallow"
	else
		BASE=$(t_id refs/heads/base)
	fi
	compute_start "$GITDIR" "$BASE"
	no_faults
}

export_part()	# PART VERSION RFC
{
	local out=$OUT/part-${1,,} below='' tip cover=$SRC/patches/cover-$1.txt
	local -a lines options=(--cover-letter --cover-from-description=subject
		--no-signoff --quiet --src-prefix=a/ --dst-prefix=b/
		--output-directory "$out" "${MAIL[@]}")

	[[ -f $cover ]] || die "patches/cover-$1.txt not found: the cover letter, title in the first line"
	mapfile -t lines < <(part_lines "$(needed_by "$1")")
	below=$BASE
	((${#lines[@]} == 0)) || below=$(commits refs/heads/below "${lines[@]}") || exit 1
	mapfile -t lines < <(part_lines "$(needed_by "$1")$1")
	tip=$(commits refs/heads/part "${lines[@]}") || exit 1

	g none config branch.part.description "$(cover_text "$cover")"
	[[ -z $2 ]] || options+=("-v$2")
	[[ -z $3 ]] || options+=(--rfc)
	[[ -z $OFFICIAL ]] || options+=("--base=$OFFICIAL")
	rm -rf "$out"
	mkdir -p "$out"
	g none format-patch "${options[@]}" "$below..part"
	export_recipients "$out"
	msg "part $1: $out, $(g none rev-list --count "$below..$tip") patches and a cover letter on ${OFFICIAL:-$(t log -1 --format=%s base)}"
}

# Whom MAINTAINERS names for what the patches touch; who has changed it lately is
# not asked, as the base has no history.
export_recipients()	# DIRECTORY
{
	local -a mails

	if [[ $RECIPIENTS ]]; then
		echo "$RECIPIENTS" >"$1/recipients"
		return
	fi
	g none show "$BASE:MAINTAINERS" >"$TMP/MAINTAINERS"
	mapfile -t mails < <(find "$1" -name '*.patch' ! -name '*0000-cover-letter.patch')
	(cd "$TREE" && scripts/get_maintainer.pl --no-git --no-git-fallback \
		--mpath="$TMP/MAINTAINERS" --no-rolestats "${mails[@]}") \
		>"$1/recipients" 2>/dev/null ||
		die "scripts/get_maintainer.pl failed in $TREE"
}

# Without a commit that others have, the base is named in words.
cover_text()
{
	local title

	{
		read -r title
		printf '%s\n\n' "$title"
		sed '1{/^$/d}'
		[[ -n $OFFICIAL ]] ||
			printf '\nBased on %s.\n' "$(t log -1 --format=%s base)"
	} <"$1"
}
