# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153 # shared with the others
# What build/linux holds. Refs beside its branches base and series:
# refs/series/applied is what apply or refresh last made, refs/series/pending
# what an interrupted apply was about to, refs/series/source the files it came
# from.

t()
{
	git -C "$TREE" "$@"
}

t_id()
{
	t rev-parse --verify --quiet "$1" || true
}

# Uncommitted changes, untracked files included, a path a line.
edited()
{
	local entry

	while IFS= read -r -d '' entry; do
		printf '%s\n' "${entry:3}"
	done < <(t status --porcelain -z --untracked-files=all --no-renames)
}

# same_in TREEISH PATH: is it in the work tree as it is in TREEISH?
same_in()
{
	local there

	there=$(t_id "$1:$2")
	if [[ ! -e $TREE/$2 ]]; then
		[[ -z $there ]]
	else
		[[ $there == "$(t hash-object --no-filters "$TREE/$2")" ]]
	fi
}

# edits_but TREEISH...: uncommitted changes, less what is as in one of these
edits_but()
{
	local path tree

	while read -r path; do
		for tree; do
			[[ -n $(t_id "$tree") ]] || continue
			! same_in "$tree" "$path" || continue 2
		done
		printf '%s\n' "$path"
	done < <(edited)
}

# Something that git itself has under way there: no time to interfere.
unfinished()
{
	local gitdir

	gitdir=$(t rev-parse --absolute-git-dir)
	if [[ -d $gitdir/rebase-merge || -d $gitdir/rebase-apply ]]; then
		echo "a rebase"
	elif [[ -e $gitdir/MERGE_HEAD || -e $gitdir/CHERRY_PICK_HEAD ]]; then
		echo "a merge or cherry-pick"
	fi
}

# unsaved [TREEISH...]: what would be lost, in a few words; empty if nothing
unsaved()
{
	local branch ref tip
	local -a edits
	local words=()

	branch=$(t symbolic-ref --quiet --short HEAD || echo 'no branch')
	case $branch in
	base | series) ;;
	*) words+=("$branch checked out instead of series") ;;
	esac
	tip=$(t_id refs/heads/series)
	for ref in refs/heads/base refs/series/applied refs/series/pending; do
		[[ $tip != "$(t_id $ref)" ]] || tip=''
	done
	[[ -z $tip ]] || words+=("commits on series")
	[[ $(t_id refs/heads/base) == "$(t rev-list --max-parents=0 base)" ]] ||
		words+=("commits on base")
	mapfile -t edits < <(edits_but "$@")
	((${#edits[@]} == 0)) ||
		words+=("${#edits[@]} edited files (${edits[*]:0:3}$( ((${#edits[@]} < 4)) || echo ' …'))")
	((${#words[@]} == 0)) || printf '%s\n' "${words[*]/%/,}" | sed 's/,$//'
}

series_saved()
{
	local what

	need_tree
	what=$(unfinished)$(unsaved HEAD)
	[[ -z $what ]] || die "$TREE has $what"
}
