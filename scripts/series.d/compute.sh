# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153 # shared with the others
# From patches/ and the overlay to commits.
#
# Everything is worked out in indexes that hold only the files concerned, some
# hundred instead of 90,000, and git fast-import puts the result on top of the
# base: the whole series takes about a second.

GITDIR=''	# where objects are read and written
BASE=''		# the commit that all this goes on top of
SHOW_HUNKS=false	# with a finding: those that don't apply

# g INDEX COMMAND...: git without a work tree
g()
{
	GIT_INDEX_FILE=$TMP/$1 git -C "$TMP" --git-dir="$GITDIR" \
		--work-tree="$TMP" --literal-pathspecs "${@:2}"
}

# compute_start GITDIR BASE: the parts of the base that the series touches
compute_start()
{
	local -a paths=()
	local path

	GITDIR=$1
	BASE=$2
	for path in "${TOUCHES[@]}"; do
		# shellcheck disable=SC2206
		paths+=($path)
	done
	paths+=("${!OWNER[@]}")
	: >"$TMP/base.list"
	((${#paths[@]} == 0)) ||
		g none ls-tree -r "$BASE" -- "${paths[@]}" >"$TMP/base.list"
	while IFS=$'\t' read -r _ path; do
		[[ -z ${OWNER[$path]:-} ]] ||
			fault "$path is an overlay file but exists in the base"
	done <"$TMP/base.list"
	overlay_blobs
	overlay_introduced
}

# overlay.list: the overlay files as they stand here, that is, after the last
# patch.
overlay_blobs()
{
	local -a modes=() present=()
	local path sha i=0

	while read -r path; do
		if [[ -L $SRC/$path || ! -f $SRC/$path ]]; then
			fault "$path is in patches/series but is not a file here"
			continue
		fi
		present+=("$path")
		if [[ -x $SRC/$path ]]; then
			modes+=(100755)
		else
			modes+=(100644)
		fi
	done < <(printf '%s\n' "${!OWNER[@]}" | sort | sed '/^$/d')
	: >"$TMP/overlay.list"
	((${#present[@]})) || return 0
	while read -r sha; do
		printf '%s blob %s\t%s\n' "${modes[i]}" "$sha" "${present[i]}"
		i=$((i + 1))
	done < <(printf "$SRC/%s\n" "${present[@]}" |
		g none hash-object -w --no-filters --stdin-paths) \
		>"$TMP/overlay.list"
}

# overlay_touched I: the overlay files that patch I changes
overlay_touched()
{
	local path

	for path in ${TOUCHES[${NAME[$1]}]}; do
		[[ -z ${OWNER[$path]:-} ]] || printf '%s\n' "$path"
	done
}

# Index "intro": the overlay files as first introduced, which is what is here
# without what later patches add to them.
overlay_introduced()
{
	local -a paths only
	local i path

	rm -f "$TMP/intro"
	g intro update-index --add --index-info <"$TMP/overlay.list"
	for ((i = ${#NAME[@]} - 1; i >= 0; i--)); do
		mapfile -t paths < <(overlay_touched "$i")
		((${#paths[@]})) || continue
		only=()
		for path in "${paths[@]}"; do
			[[ ${OWNER[$path]} -lt $i ]] ||
				fault "patches/${NAME[i]}: changes $path, which is introduced here or later"
			only+=("--include=$path")
		done
		apply_quietly intro "patches/${NAME[i]} (undone on the overlay)" \
			-R "${only[@]}" \
			< <(patch_hooks "$SRC/patches/${NAME[i]}") || true
	done
	g intro ls-files -s >"$TMP/intro.list"
}

# apply_quietly INDEX WHAT [OPTION...]: a diff from stdin; git apply knows no
# fuzz
apply_quietly()
{
	local line

	g "$1" apply --cached --whitespace=nowarn "${@:3}" - \
		2>"$TMP/apply.err" && return
	while read -r line; do
		case $line in
		'error: '*'patch failed: '*)
			fault "$2: hunk does not apply: ${line#*patch failed: }"
			;;
		'error: '*': patch does not apply') ;;
		*)
			fault "$2: ${line#error: }"
			;;
		esac
	done <"$TMP/apply.err"
	return 1
}

# base_index INDEX: the touched files of the base
base_index()
{
	rm -f "$TMP/$1"
	g "$1" update-index --add --index-info <"$TMP/base.list"
}

# introduce INDEX I: the overlay files of line I
introduce()
{
	local -A want=()
	local mode sha stage path

	[[ -n ${FILES[$2]} ]] || return 0
	for path in ${FILES[$2]}; do
		want[$path]=1
	done
	while read -r mode sha stage path; do
		[[ -z ${want[$path]:-} ]] || printf '%s %s %s\t%s\n' \
			"$mode" "$sha" "$stage" "$path"
	done <"$TMP/intro.list" | g "$1" update-index --add --index-info
}

# step INDEX I WHAT: what line I does
step()
{
	introduce "$1" "$2"
	[[ -n ${TOUCHES[${NAME[$2]}]} ]] || return 0
	patch_hooks "$SRC/patches/${NAME[$2]}" >"$TMP/hooks"
	g "$1" apply --cached --whitespace=nowarn "$TMP/hooks" 2>/dev/null ||
		one_by_one "$1" "patches/${NAME[$2]}${3:+ ($3)}"
}

# one_by_one INDEX WHAT: git apply names one hunk and takes none. So each of $TMP/hooks
# by itself: all that don't apply are told, and later patches find what does.
one_by_one()
{
	local before=${#FAULTS[@]} hunk

	if grep -qE '^(rename|copy|new file|deleted file|old mode|GIT binary|Binary) ' \
			"$TMP/hooks"; then
		apply_quietly "$1" "$2" <"$TMP/hooks"
		return
	fi
	rm -f "$TMP"/hunk.*
	awk -v out="$TMP/hunk." '
		/^diff --git / { head = ""; hunks = 0 }
		/^@@ / {
			hunks++
			file = out sprintf("%04d", ++n)
			printf "%s", head >file
		}
		!hunks { head = head $0 "\n"; next }
		{ print >file }' "$TMP/hooks"
	for hunk in "$TMP"/hunk.*; do
		apply_quietly "$1" "$2" <"$hunk" || ! $SHOW_HUNKS ||
			FAULTS[-1]+=$'\n'$(sed '1,/^+++ /d; s/^/    /' "$hunk")
	done
	((${#FAULTS[@]} > before)) || fault "$2: does not apply"
	return 1
}

# trial INDEX WHAT I...: do these lines apply to that index?
trial()
{
	local i

	for i in "${@:3}"; do
		step "$1" "$i" "$2" || true
	done
}

# The project's user, or nobody in particular.
identity()
{
	local who

	who=$(git -C "$ROOT" -c user.useConfigOnly=true var GIT_AUTHOR_IDENT \
		2>/dev/null) || who='series <series@localhost> 0 +0000'
	printf '%s\n' "${who% * *}"
}

# commits REF I...: these lines on top of BASE as REF. Same content, same ids:
# the dates follow the base's.
commits()
{
	local ref=$1 who date i message

	shift
	who=$(identity)
	date=$(g none log -1 --format=%ct "$BASE")
	base_index work
	{
		printf 'reset %s\nfrom %s\n\n' "$ref" "$BASE"
		for i; do
			step work "$i" '' || continue
			message=$(patch_message "$SRC/patches/${NAME[i]}")
			date=$((date + 60))
			printf 'commit %s\nauthor %s %s +0000\ncommitter %s %s +0000\n' \
				"$ref" "$who" "$date" "$who" "$date"
			printf 'data %d\n%s\n\n' $((${#message} + 1)) "$message"
			changes "$i"
		done
	} >"$TMP/stream"
	no_faults
	import <"$TMP/stream"
	g none rev-parse --verify --quiet "$ref"
}

# Loose objects that exist are not written again; packs would pile up.
import()
{
	g none -c fastimport.unpackLimit=1000000 fast-import --quiet --force ||
		die "git fast-import failed: see the message above"
}

# changes I: as fast-import wants it
changes()
{
	local -A left=()
	local mode sha stage path

	for path in ${FILES[$1]} ${TOUCHES[${NAME[$1]}]}; do
		left[$path]=1
	done
	((${#left[@]})) || return 0
	while read -r mode sha stage path; do
		[[ $stage == 0 ]] || die "$path: unmerged"
		printf 'M %s %s %s\n' "$mode" "$sha" "$path"
		unset "left[$path]"
	done < <(g work ls-files -s -- "${!left[@]}")
	for path in "${!left[@]}"; do
		printf 'D %s\n' "$path"
	done
}

# A tree object with everything read from here: what refresh compares with.
snapshot()
{
	local name

	rm -f "$TMP/source"
	{
		cat "$TMP/overlay.list"
		for name in series "${NAME[@]}"; do
			printf '100644 blob %s\tpatches/%s\n' \
				"$(g none hash-object -w --no-filters "$SRC/patches/$name")" \
				"$name"
		done
	} | g source update-index --add --index-info
	g source write-tree
}

# need_tree: build/PROJECT with its branch base
need_tree()
{
	git -C "$TREE" rev-parse --verify --quiet refs/heads/base >/dev/null ||
		die "$TREE is not there: run $MAKER"
}

series_try()
{
	local gitdir

	(($# == 1)) || die "try needs a tree: see --help"
	gitdir=$(git -C "$1" rev-parse --absolute-git-dir) ||
		die "$1 is not a git tree"
	manifest_read
	patches_read
	no_faults
	compute_start "$gitdir" base
	no_faults
	base_index work
	trial work '' "${!NAME[@]}"
	no_faults
}
