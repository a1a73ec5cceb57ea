# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153 # shared with the others
# patches/series and the patch files.

declare -a NAME=() FILES=() NOTE=() LINE=() FAULTS=()
declare -A OWNER=() HEADING=() NEEDS=() TOUCHES=()
TAIL=''

# fault TEXT: something wrong that does not keep us from looking further
fault()
{
	FAULTS+=("$*")
}

# Every fault, a line each; stop if there is one.
no_faults()
{
	((${#FAULTS[@]})) || return 0
	printf '%s\n' "${FAULTS[@]}" >&2
	exit 1
}

# part_of NAME: its letter, from the number's hundreds
part_of()
{
	local hundreds=$((10#${1:0:2}))

	((hundreds >= 1 && hundreds <= 26)) || return 1
	# shellcheck disable=SC2059
	printf "\\x$(printf %x $((64 + hundreds)))"
}

is_overlay()
{
	local dir

	[[ ! $1 =~ $NOT_OVERLAY ]] || return 1
	for dir in "${OVERLAY[@]}"; do
		[[ $1 != "$dir"/* ]] || return 0
	done
	return 1
}

# The overlay's folders, for a message
overlay_folders()
{
	local all

	printf -v all '%s/, ' "${OVERLAY[@]}"
	printf '%s' "${all%, }"
}

# The overlay files that are there, listed or not.
overlay_present()
{
	if git -C "$SRC" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git -C "$SRC" ls-files -co --exclude-standard -- "${OVERLAY[@]}"
	else
		(cd "$SRC" && find "${OVERLAY[@]}" -type f 2>/dev/null) || true
	fi | sort -u | while read -r path; do
		[[ ! -e $SRC/$path ]] || ! is_overlay "$path" || printf '%s\n' "$path"
	done
}

# manifest_line NUMBER TEXT NOTE
manifest_line()
{
	local -a words
	local path i=${#NAME[@]}

	read -ra words <<<"$2"
	if [[ ! ${words[0]} =~ ^[0-9]{4}-[a-z0-9][a-z0-9._-]*\.patch$ ]] ||
	   ! part_of "${words[0]}" >/dev/null; then
		fault "patches/series:$1: '${words[0]}' is not named NNNN-subsys-what.patch"
		return
	fi
	NAME[i]=${words[0]}
	FILES[i]=${words[*]:1}
	NOTE[i]=$3
	for path in "${words[@]:1}"; do
		if [[ ! $path =~ ^[A-Za-z0-9._/+-]+$ || $path == *..* ]] ||
		   ! is_overlay "$path"; then
			fault "patches/series:$1: $path is not an overlay file ($(overlay_folders))"
		elif [[ -n ${OWNER[$path]:-} ]]; then
			fault "patches/series:$1: $path is already in ${NAME[${OWNER[$path]}]}"
		else
			OWNER[$path]=$i
		fi
	done
}

# Read patches/series. A part's heading is "# part X: …" and the comments from
# there to its first patch; other comments belong to the patch below them.
manifest_read()
{
	local line text='' raw='' comment='' heading='' n=0

	NAME=() FILES=() NOTE=() LINE=() TAIL=''
	OWNER=() HEADING=() NEEDS=()
	[[ -f $SRC/patches/series ]] || die "patches/series not found"
	while IFS= read -r line || [[ -n $line ]]; do
		n=$((n + 1))
		if [[ $line =~ ^'# part '([A-Z])(:|$) ]]; then
			heading=${BASH_REMATCH[1]}
			HEADING[$heading]=$comment$line$'\n'
			comment=''
		elif [[ -n $heading && $line =~ ^[[:space:]]*(#|$) ]]; then
			[[ ! $line =~ ^'# needs: '([A-Z ]+)$ ]] ||
				NEEDS[$heading]=${BASH_REMATCH[1]}
			HEADING[$heading]+=$line$'\n'
		elif [[ $line =~ ^[[:space:]]*(#|$) ]]; then
			comment+=$line$'\n'
		elif [[ $line == *\\ ]]; then
			text+=${line%\\}' '
			raw+=$line$'\n'
		else
			LINE[${#NAME[@]}]=$raw$line
			manifest_line $n "$text$line" "$comment"
			text='' raw='' comment='' heading=''
		fi
	done <"$SRC/patches/series"
	[[ -z $text ]] || fault "patches/series:$n: ends in the middle of a line"
	TAIL=$comment
	needs_check
}

# A part stands on earlier ones only, so that needed_by() ends.
needs_check()
{
	local part letter

	for part in "${!NEEDS[@]}"; do
		for letter in ${NEEDS[$part]}; do
			[[ $letter < $part && -n ${HEADING[$letter]:-} ]] ||
				fault "patches/series: part $part needs part $letter, which is no earlier one"
		done
	done
}

# manifest_entry NAME FILE...: as it stands in patches/series
manifest_entry()
{
	local line="$*"

	if ((${#line} <= 80)); then
		printf '%s\n' "$line"
	else
		printf '%s' "$1"
		shift
		printf ' \\\n\t%s' "$@"
		printf '\n'
	fi
}

# patch_message FILE: the commit message
patch_message()
{
	sed '/^---$/,$d' "$1"
}

# patch_hooks FILE: the diff
patch_hooks()
{
	sed '1,/^---$/d' "$1"
}

# Which existing files each patch touches: TOUCHES[name].
patches_read()
{
	local -a present=()
	local name path i

	TOUCHES=()
	for i in "${!NAME[@]}"; do
		TOUCHES[${NAME[i]}]=''
		if [[ -f $SRC/patches/${NAME[i]} ]]; then
			present+=("$SRC/patches/${NAME[i]}")
		else
			fault "patches/${NAME[i]} is in patches/series but not there"
		fi
	done
	((${#present[@]})) || return 0
	while IFS=$'\t' read -r name path; do
		TOUCHES[$name]+="${TOUCHES[$name]:+ }$path"
	done < <(awk '
		FNR == 1 { diff = 0; name = FILENAME; sub(".*/", "", name) }
		/^---$/ { diff = 1 }
		diff && /^diff --git a\// { print name "\t" substr($4, 3) }
		' "${present[@]}")
}

series_list()
{
	local i subject
	local -a files touched

	manifest_read
	patches_read
	no_faults
	for i in "${!NAME[@]}"; do
		read -r subject <"$SRC/patches/${NAME[i]}" || true
		read -ra files <<<"${FILES[i]}"
		read -ra touched <<<"${TOUCHES[${NAME[i]}]}"
		printf '%s %s  %s  (%d new, %d touched)\n' \
			"$(part_of "${NAME[i]}")" "${NAME[i]:0:4}" \
			"$subject" ${#files[@]} ${#touched[@]}
	done
}
