# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153 # shared with the others
# build/linux -> patches/ and overlay
#
# The commits of branch series, with the uncommitted edits folded in, are
# written out as the files that they stand for. Before anything in the project
# changes, these are applied and must give what build/linux holds. Then a file
# that changed in build/linux since the last apply is taken over, one that
# changed in the project only is kept, and one that changed in both is merged.

declare -a CHAIN=()	# the commits, oldest first
declare -A CHANGED=()	# commit -> what it changes, as git diff-tree --raw
declare -A FOLD=()		# edited path -> the index in CHAIN that gets the edit
declare -A CALLED=()	# commit -> patch name
declare -A CALLED_OLD=()	# the same, as last applied
declare -A TEXT=()		# commit -> its patch, as a blob
declare -a OLD_CHAIN=() NEW_NAME=() NEW_FILES=()

series_refresh()
{
	local part='' into='' force=false tip work old='' new pure commit
	local -a files=()

	while (($#)); do
		case $1 in
		--part | --into)
			(($# > 1)) || die "$1 needs a value: see --help"
			if [[ $1 == --part ]]; then part=$2; else into=$2; fi
			shift
			;;
		--force) force=true ;;
		-*) die "refresh: unknown option '$1': see --help" ;;
		*) files+=("$1") ;;
		esac
		shift
	done
	[[ -z $part || $part =~ ^[A-Z]$ ]] || die "--part $part: a part is one letter, A to Z"
	[[ -z $into || $into =~ ^[0-9]{4}$ ]] || die "--into $into: needs a patch number, as 0401"
	[[ -n $into || ${#files[@]} == 0 ]] || die "refresh: files are for --into: see --help"
	may_refresh
	manifest_read
	GITDIR=$TREE/.git
	BASE=$(t_id refs/heads/base)

	work=$(work_tree)
	old_names
	chain series
	new_names "$part"
	fold_edits "$work" "$into" "${files[@]}"
	tip=$(folded "$work")
	if [[ $tip != "$(t_id series)" ]]; then
		rename_chain "$tip"
	fi
	new=$(written_out "$tip") || exit 1
	pure=$(proved "$new" "$work") || exit 1

	old=$(t_id refs/series/applied)
	if [[ -n $old ]]; then
		chain "$old"
		for commit in "${CHAIN[@]}"; do
			CALLED[$commit]=${CALLED_OLD[$commit]}
		done
		old=$(written_out "$old") || exit 1
	else
		old=$(g none mktree </dev/null)
	fi
	take_over "$old" "$new" "$force"
	t reset --quiet "$pure"
	t update-ref refs/series/applied "$pure"
	t update-ref refs/series/source "$new"
	[[ -z $(edited) ]] || die "build/$PROJECT differs from what was taken over: $(edited | head -n 3)"
	after_refresh "$pure"
}

may_refresh()
{
	need_tree
	[[ -z $(unfinished) ]] || die "$TREE has $(unfinished) under way: finish or abort it"
	[[ $(t symbolic-ref --quiet HEAD) == refs/heads/series ]] ||
		die "$TREE is not on its branch series: git -C $TREE checkout series"
	t merge-base --is-ancestor base series ||
		die "$TREE: series is not on top of base: git rebase base series"
	[[ -z $(t rev-list --merges base..series) ]] ||
		die "$TREE: series holds a merge: git rebase base series"
	[[ $(t rev-list --count base..series) != 0 ]] ||
		die "$TREE has no commit on series yet: commit your work there first, a commit a patch"
}

# The whole work tree as a tree object; the user's index stays as it is.
work_tree()
{
	cp "$TREE/.git/index" "$TMP/worktree"
	GIT_INDEX_FILE=$TMP/worktree t add -A
	GIT_INDEX_FILE=$TMP/worktree t write-tree
}

raw_diff()
{
	t diff-tree -r --raw --no-renames --no-abbrev "$@"
}

subject_of()
{
	t log -1 --format=%s "$1"
}

# chain TIP: fills CHAIN and CHANGED
chain()
{
	local line commit=''

	CHAIN=()
	while IFS= read -r line; do
		if [[ $line == :* ]]; then
			CHANGED[$commit]+=${CHANGED[$commit]:+$'\n'}$line
		else
			commit=$line
			CHAIN+=("$commit")
			CHANGED[$commit]=''
		fi
	done < <(t rev-list --reverse "$BASE..$1" | raw_diff --stdin --always)
}

# What apply made its commits from: a line of the manifest each, in order.
old_names()
{
	local i
	local -a names

	OLD_CHAIN=()
	[[ -n $(t_id refs/series/applied) && -n $(t_id refs/series/source) ]] ||
		return 0
	chain refs/series/applied
	OLD_CHAIN=("${CHAIN[@]}")
	mapfile -t names < <(t cat-file blob refs/series/source:patches/series |
		grep -o '^[0-9]\{4\}-[^ ]*\.patch')
	for i in "${!CHAIN[@]}"; do
		CALLED_OLD[${CHAIN[i]}]=${names[i]}
	done
}

# The name that each commit of CHAIN had: by its subject, else (reworded) by the
# files that it changes. The others are new. Numbers go up from first to last.
new_names()
{
	local -A named=() used=() last=()
	local commit name subject letter number before=''

	for name in "${NAME[@]}"; do
		[[ -f $HERE/patches/$name ]] || continue
		read -r subject <"$HERE/patches/$name" || true
		named[$subject]=$name
	done
	for commit in "${OLD_CHAIN[@]}"; do
		named[$(subject_of "$commit")]=${CALLED_OLD[$commit]}
	done
	for commit in "${CHAIN[@]}"; do
		subject=$(subject_of "$commit")
		[[ -z ${used[$subject]:-} ]] || die "two commits are called '$subject': one patch each, squash or rename"
		used[$subject]=1
		name=${named[$subject]:-}
		CALLED[$commit]=$name
		[[ -z $name ]] || used[$name]=1
	done
	for commit in "${CHAIN[@]}"; do
		subject=$(subject_of "$commit")
		name=${CALLED[$commit]:-$(reworded "$commit" "${!used[@]}")}
		[[ -n $name ]] || name=$(first_name "$subject" "$1")
		used[$name]=1
		letter=$(part_of "$name")
		[[ ! $letter < $before ]] || die "'$subject' of part $letter stands behind part $before: reorder the commits"
		before=$letter
		number=$((10#${name:0:4}))
		((number > ${last[$letter]:-${number:0:-2}00})) ||
			number=$((${last[$letter]:-${number:0:-2}00} + 1))
		last[$letter]=$number
		CALLED[$commit]=$(printf '%04d' "$number")${name:4}
	done
}

# reworded COMMIT USED...: the one unused name whose commit changed these files
reworded()
{
	local commit found=''
	local -A used=()

	for commit in "${@:2}"; do
		used[$commit]=1
	done
	for commit in "${OLD_CHAIN[@]}"; do
		[[ -z ${used[${CALLED_OLD[$commit]}]:-} &&
		   $(paths_of "$commit") == "$(paths_of "$1")" ]] || continue
		[[ -z $found ]] || return 0
		found=${CALLED_OLD[$commit]}
	done
	printf '%s' "$found"
}

paths_of()
{
	cut -f 2- <<<"${CHANGED[$1]}"
}

first_name()	# SUBJECT PART
{
	[[ -n $2 ]] || die "new commit '$1': say which part it belongs to with --part X"
	printf '%02d00-%s.patch' $(($(printf %d "'$2") - 64)) "$(slug "$1")"
}

slug()
{
	tr '[:upper:]' '[:lower:]' <<<"$1" |
		sed 's/[^a-z0-9_]\+/-/g; s/^-*//; s/^\(.\{1,48\}\)\(-.*\)\?$/\1/; s/-$//'
}

# fold_edits WORK INTO FILE...: which commit gets which uncommitted edit
fold_edits()
{
	local meta path k owner status target=''
	local -A asked=() touched=() made=()

	for path in "${@:3}"; do asked[$path]=1; done
	for k in "${!CHAIN[@]}"; do
		[[ -z $2 || ${CALLED[${CHAIN[k]}]} != "$2"-* ]] || target=$k
		while IFS=$'\t' read -r meta path; do
			[[ -n $path ]] || continue
			touched[$path]+="${touched[$path]:+ }$k"
			[[ $meta != *' A' ]] || made[$path]=$k
		done <<<"${CHANGED[${CHAIN[k]}]}"
	done
	[[ -z $2 || -n $target ]] || die "--into $2: no such patch"

	while IFS=$'\t' read -r meta path; do
		status=${meta##* }
		owner=${made[$path]:-${touched[$path]:-}}
		if [[ -n ${asked[$path]:-} ]]; then
			owner=$target
			unset "asked[$path]"
		elif [[ $status == A ]]; then
			owner=$target
			is_overlay "$path" || fault "$path: new files lie in $(overlay_folders) only"
		elif [[ -z $owner || $owner == *' '* ]]; then
			owner=$target
		fi
		[[ -n $owner ]] || fault "$path: edited, and not exactly one patch touches it: commit it, or say --into NNNN $path"
		FOLD[$path]=$owner
	done < <(raw_diff HEAD "$1")
	for path in "${!asked[@]}"; do
		fault "$path: given after --into, but has no uncommitted edit"
	done
	no_faults
}

# folded WORK: CHAIN with the edits in, as a new chain; its tip
folded()
{
	local k path
	local -A there

	if ((${#FOLD[@]} == 0)); then
		t_id series
		return
	fi
	{
		printf 'reset refs/series/folded\nfrom %s\n\n' "$BASE"
		for k in "${!CHAIN[@]}"; do
			there=()
			copy_commit "$k"
			while IFS=$'\t' read -r _ path; do
				[[ -n $path ]] || continue
				there[$path]=1
			done <<<"${CHANGED[${CHAIN[k]}]}"
			for path in "${!FOLD[@]}"; do
				[[ ${FOLD[$path]} != "$k" ]] || there[$path]=1
			done
			for path in "${!there[@]}"; do
				file_at "$1" "$k" "$path"
			done
		done
	} >"$TMP/folded"
	no_faults
	import <"$TMP/folded"
	[[ $(t rev-parse 'refs/series/folded^{tree}') == "$1" ]] ||
		die "the edits cannot be folded in: commit them in $TREE, then refresh"
	t_id refs/series/folded
}

copy_commit()	# INDEX
{
	local message

	message=$(t log -1 --format=%B "${CHAIN[$1]}")
	printf 'commit refs/series/folded\ncommitter series <series@localhost> 0 +0000\n'
	printf 'data %d\n%s\n\n' $((${#message} + 1)) "$message"
}

# file_at WORK INDEX PATH: the path after that commit, as fast-import wants it.
# An edit that goes into an early patch is merged into all that follow.
file_at()
{
	local commit=${CHAIN[$2]} entry edit mode sha

	entry=$(t ls-tree "$commit" -- "$3")
	edit=$(t ls-tree "$1" -- "$3")
	if [[ -n ${FOLD[$3]:-} && $2 -ge ${FOLD[$3]} ]]; then
		if [[ -z $edit || -z $entry ||
		      ${entry#* * } == "$(t ls-tree HEAD -- "$3" | cut -d ' ' -f 3-)" ]]; then
			entry=$edit
		else
			t cat-file blob "$commit:$3" >"$TMP/ours"
			t cat-file blob "HEAD:$3" >"$TMP/was"
			t cat-file blob "$1:$3" >"$TMP/edit"
			git merge-file -q "$TMP/ours" "$TMP/was" "$TMP/edit" ||
				fault "$3: the edit does not fit into ${CALLED[$commit]}: give a later patch with --into NNNN $3, or commit it and rebase"
			entry="${edit%% *} blob $(t hash-object -w --no-filters "$TMP/ours")"
		fi
	fi
	if [[ -n $entry ]]; then
		read -r mode _ sha _ <<<"$entry"
		printf 'M %s %s %s\n' "$mode" "$sha" "$3"
	else
		printf 'D %s\n' "$3"
	fi
}

# The folded chain has the same names.
rename_chain()	# TIP
{
	local -a before=("${CHAIN[@]}")
	local k

	chain "$1"
	for k in "${!CHAIN[@]}"; do
		CALLED[${CHAIN[k]}]=${CALLED[${before[k]}]}
	done
}

# written_out TIP: a tree object of the files that CHAIN stands for
written_out()
{
	local commit meta path k
	local -a listing=() hooks fresh overlay=()
	local -A made=()

	for k in "${!CHAIN[@]}"; do
		commit=${CHAIN[k]}
		fresh=() hooks=()
		while IFS=$'\t' read -r meta path; do
			[[ -n $path ]] || continue
			if [[ $meta == *' A' ]] && is_overlay "$path"; then
				fresh+=("$path")
				made[$path]=1
			elif [[ $meta == *' A' ]]; then
				fault "'$(subject_of "$commit")' adds $path: new files lie in $(overlay_folders) only"
			elif [[ $meta == *' D' && -n ${made[$path]:-} ]]; then
				fault "'$(subject_of "$commit")' removes $path, which an earlier patch adds: squash the two"
			else
				hooks+=("$path")
			fi
		done <<<"${CHANGED[$commit]}"
		patch_blob "$commit" "${hooks[@]}"
		listing+=("100644 blob ${TEXT[$commit]}"$'\t'"patches/${CALLED[$commit]}")
		NEW_NAME[k]=${CALLED[$commit]}
		NEW_FILES[k]=${fresh[*]}
		overlay+=("${fresh[@]}")
	done
	no_faults
	listing+=("100644 blob $(manifest_text | t hash-object -w --stdin)"$'\t'patches/series)
	rm -f "$TMP/out"
	{
		printf '%s\n' "${listing[@]}"
		((${#overlay[@]} == 0)) || t ls-tree -r "$1" -- "${overlay[@]}"
	} | g out update-index --add --index-info
	g out write-tree
}

# patch_blob COMMIT HOOK...: without blob ids, which would change with every
# base
patch_blob()
{
	TEXT[$1]=$({
		t log -1 --format=%B "$1" | git stripspace
		if (($# > 1)); then
			echo ---
			t diff-tree -p --no-ext-diff --no-textconv --no-renames \
				--no-color --diff-algorithm=default -U3 \
				--src-prefix=a/ --dst-prefix=b/ "$1^" "$1" -- "${@:2}" |
				sed '/^index [0-9a-f]*\.\.[0-9a-f]*\( [0-7]*\)\?$/d'
		fi
	} | t hash-object -w --stdin)
}

# The manifest for NEW_NAME and NEW_FILES, with the comments of the present one
# and its lines where they say the same.
manifest_text()
{
	local -A was=()
	local i part='' letter old

	for i in "${!NAME[@]}"; do
		was[${NAME[i]:4}]=$i
	done
	for i in "${!NEW_NAME[@]}"; do
		letter=$(part_of "${NEW_NAME[i]}")
		headings "$part" "$letter"
		part=$letter
		old=${was[${NEW_NAME[i]:4}]:-}
		[[ -z $old ]] || printf '%s' "${NOTE[old]}"
		if [[ -n $old && ${NAME[old]} == "${NEW_NAME[i]}" &&
		      $(words "${FILES[old]}") == "$(words "${NEW_FILES[i]}")" ]]; then
			printf '%s\n' "${LINE[old]}"
		else
			# shellcheck disable=SC2086
			manifest_entry "${NEW_NAME[i]}" ${NEW_FILES[i]}
		fi
	done
	headings "$part" Z
	printf '%s' "$TAIL"
}

# headings AFTER UPTO: also of the parts that have no patch yet
headings()
{
	local letter

	for letter in {A..Z}; do
		[[ ! $letter > $1 || $letter > $2 ]] ||
			printf '%s' "${HEADING[$letter]:-}"
	done
}

# Whatever their order.
words()
{
	tr ' ' '\n' <<<"$1" | sort
}

# proved NEW WORK: applying NEW must give WORK; the commit
proved()
{
	local got

	mkdir "$TMP/proof"
	rm -f "$TMP/proof.index"
	g proof.index read-tree "$1"
	g proof.index checkout-index --all --prefix="$TMP/proof/"
	SRC=$TMP/proof
	manifest_read
	patches_read
	no_faults
	compute_start "$TREE/.git" base
	no_faults
	got=$(commits refs/series/wanted "${!NAME[@]}") || exit 1
	[[ $(t rev-parse "$got^{tree}") == "$2" ]] ||
		die "refresh gives another tree than build/$PROJECT holds (nothing is written): $(t diff --name-only "$got" "$2" | head -n 3 | tr '\n' ' ')"
	printf '%s\n' "$got"
}

# take_over OLD NEW FORCE: into the project what changed between these trees
take_over()
{
	local source meta path
	local -a todo=()

	source=$(t_id refs/series/source)
	while IFS=$'\t' read -r meta path; do
		if [[ $(here "$path") == "$(there "$2" "$path")" ]]; then
			continue
		elif [[ $3 == true || $(here "$path") == "$(there "${source:-$1}" "$path")" ]]; then
			todo+=("$path")
		elif merged "$1" "$2" "$path"; then
			todo+=("$path")
		else
			fault "$path was changed here and in build/$PROJECT: --force takes build/$PROJECT's"
		fi
	done < <(raw_diff "$1" "$2")
	no_faults
	for path in "${todo[@]}"; do
		write_file "$2" "$path"
	done
}

# Mode and content of a path in the project, and in a tree.
here()
{
	local mode=100644

	[[ -f $HERE/$1 ]] || return 0
	[[ ! -x $HERE/$1 ]] || mode=100755
	printf '%s %s\n' $mode "$(t hash-object --no-filters "$HERE/$1")"
}

there()	# TREE PATH
{
	t ls-tree "$1" -- "$2" | sed 's/^\([0-9]*\) blob \([0-9a-f]*\).*/\1 \2/'
}

# merged OLD NEW PATH: both changed; leaves the merge in $TMP/merged/PATH
merged()
{
	local tree

	[[ -f $HERE/$3 && -n $(t_id "$1:$3") && -n $(t_id "$2:$3") ]] || return
	mkdir -p "$TMP/merged/${3%/*}"
	cp "$HERE/$3" "$TMP/merged/$3"
	for tree in "$1" "$2"; do
		t cat-file blob "$tree:$3" >"$TMP/$tree"
	done
	git merge-file -q "$TMP/merged/$3" "$TMP/$1" "$TMP/$2" && return
	rm "$TMP/merged/$3"
	return 1
}

write_file()	# NEW PATH
{
	if [[ -z $(t_id "$1:$2") ]]; then
		rm -f "$HERE/$2"
		msg "removed $2"
		return
	fi
	mkdir -p "$HERE/${2%/*}"
	if [[ -f $TMP/merged/$2 ]]; then
		cat "$TMP/merged/$2" >"$HERE/$2"
		msg "merged $2"
	else
		t cat-file blob "$1:$2" >"$HERE/$2"
		msg "wrote $2"
	fi
	if [[ $(there "$1" "$2") == 100755* ]]; then
		chmod +x "$HERE/$2"
	else
		chmod -x "$HERE/$2"
	fi
}

# What is in the project must now be what is in build/linux, except for what
# was changed in the project only.
after_refresh()	# PURE
{
	local want

	SRC=$HERE
	manifest_read
	patches_read
	no_faults
	compute_start "$TREE/.git" base
	no_faults
	want=$(commits refs/series/wanted "${!NAME[@]}") || exit 1
	if [[ $want == "$1" ]]; then
		t update-ref refs/series/source "$(snapshot)"
		msg "patches/ and overlay give exactly what build/$PROJECT holds (${#NAME[@]} patches)"
		return
	fi
	msg "build/$PROJECT's work is taken over; changed in the project only, and to be had there with $SERIES apply:"
	t diff --name-only "$1" "$want" | sed 's/^/  /' >&2
}
