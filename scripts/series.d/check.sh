# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153 # shared with the others
# Everything that can be said of the series without a compiler.

MAX_HUNK=12	# code lines that a hunk may add to an existing .c file
MAX_PART=15	# patches in a part: what lists take at a time
MAX_SUBJECT=75

# Debian's own change, which the series must not lean on.
DEBIAN_PATCH=$ROOT/scripts/series.d/debian-userns-clone.patch

series_check()
{
	local whole

	(($# == 0)) || die "check takes no arguments: see --help"
	need_tree
	manifest_read
	patches_read
	check_files
	whole=$((${#FAULTS[@]} == 0))
	check_order
	check_text
	check_budget
	if ((whole)); then
		check_applies
	fi
	no_faults
	msg "${#NAME[@]} patches, ${#OWNER[@]} overlay files: no findings"
}

# A hunk that fails on the base is not reported for the other bases again.
check_applies()
{
	local before=${#FAULTS[@]}

	compute_start "$TREE/.git" base
	((${#FAULTS[@]} == before)) || return 0
	base_index work
	trial work '' "${!NAME[@]}"
	((${#FAULTS[@]} == before)) || return 0
	check_drift
	[[ $PROJECT != linux ]] || check_pristine
	check_parts
}

check_order()
{
	local name letter last=''
	local -A count=()

	for name in "${NAME[@]}"; do
		[[ ${name:0:4} > ${last:0:4} ]] ||
			fault "patches/series: $name stands behind $last: numbers go up"
		last=$name
		letter=$(part_of "$name")
		count[$letter]=$((${count[$letter]:-0} + 1))
	done
	for letter in "${!count[@]}"; do
		((count[$letter] <= MAX_PART)) ||
			fault "part $letter has ${count[$letter]} patches: at most $MAX_PART"
	done
}

# Patches and overlay files that no line names.
check_files()
{
	local path
	local -A listed=()

	for path in "${NAME[@]}"; do
		listed[$path]=1
	done
	while read -r path; do
		[[ -n ${listed[$path]:-} ]] ||
			fault "patches/$path is not in patches/series"
	done < <(find "$SRC/patches" -maxdepth 1 -name '*.patch' -printf '%f\n')
	while read -r path; do
		[[ -n ${OWNER[$path]:-} ]] ||
			fault "$path is in no line of patches/series"
	done < <(overlay_present)
	for path in "${!OWNER[@]}"; do
		[[ -f $SRC/$path ]] ||
			fault "$path is in patches/series (${NAME[${OWNER[$path]}]}) but not there"
	done
}

check_text()
{
	local name

	for name in "${NAME[@]}"; do
		[[ -f $SRC/patches/$name ]] || continue
		check_message "$name" < <(patch_message "$SRC/patches/$name")
		# without its first line, git takes a diff for part of the text
		! awk '/^--- a\// && last !~ /^(diff --git|deleted|old|new|similarity) ?/ {
			bad = 1
		} { last = $0 } END { exit !bad }' "$SRC/patches/$name" ||
			fault "patches/$name: a diff without its line 'diff --git'"
	done
}

check_message()	# NAME
{
	local -a lines
	local subject text
	local what="patches/$1"

	mapfile -t lines
	subject=${lines[0]:-}
	text=$(printf '%s\n' "${lines[@]:1}")
	[[ $subject =~ ^[a-z][A-Za-z0-9_/,.+-]*(' '[A-Za-z0-9_/]+)*:' '[A-Za-z_].*[^.[:space:]]$ ]] ||
		fault "$what: subject '$subject' is not 'subsys: do something'"
	[[ ! ${subject,,} =~ :' '(add|fix|mak|us|mov|remov|chang|introduc|report|show|call|allow|export|implement|support)(s|es|ed|ing)' ' ]] ||
		fault "$what: subject '$subject' is not in the imperative"
	((${#subject} <= MAX_SUBJECT)) ||
		fault "$what: subject has ${#subject} characters: at most $MAX_SUBJECT"
	[[ -z ${lines[1]:-} ]] || fault "$what: no empty line after the subject"
	grep -qv '^\([A-Z][a-z-]*-by: .*\)\?$' <<<"$text" ||
		fault "$what: no text below the subject"
	grep -q '^Assisted-by: [^ ]' <<<"$text" ||
		fault "$what: no Assisted-by:"
	! grep -qi '^\(signed-off\|reported\)-by:' <<<"$text" ||
		fault "$what: has a Signed-off-by: or Reported-by:, which only the sender can give"
	! grep -q '^diff --git ' <<<"$text" ||
		fault "$what: no line '---' above the diff"
}

# Hooks are thin: no #if in a .c file of the base but in tables that have one
# a namespace type already, and few lines a hunk.
check_budget()
{
	local -a files=()
	local name
	local tables=$SRC/patches/ifdef-tables

	[[ -f $tables ]] || tables=/dev/null
	while read -r name; do
		fault "patches/ifdef-tables: '$name' does not say why: PATH # reason"
	done < <(grep -v '^\(#.*\|[^ ]* *# *[^ ].*\)\?$' "$tables")
	for name in "${NAME[@]}"; do
		[[ ! -f $SRC/patches/$name ]] || files+=("$SRC/patches/$name")
	done
	((${#files[@]})) || return 0
	while read -r name; do
		fault "$name"
	done < <(printf '%s\n' "${!OWNER[@]}" | awk -v max=$MAX_HUNK -v tables="$tables" '
		function end_hunk() {
			if (hunk && added > max)
				print where ": hunk " hunk " adds " added \
				      " code lines to " path ": at most " max
			hunk = ""; added = 0
		}
		FILENAME == "-" { overlay[$0] = 1; next }
		FILENAME == tables { table[$1] = 1; next }
		FNR == 1 {
			end_hunk(); diff = 0
			where = FILENAME; sub(".*/", "patches/", where)
		}
		/^---$/ { diff = 1 }
		!diff { next }
		/^diff --git / {
			end_hunk(); path = substr($4, 3)
			hook = path ~ /[.]c$/ && path !~ /^tools\// &&
			       !(path in overlay)
		}
		/^@@ / { end_hunk(); if (hook) hunk = $3; next }
		!hunk || !/^[+]/ { next }
		(/^[+][ \t]*#[ \t]*(if|ifdef|ifndef|elif)[ \t(]/ ||
		 /^[+].*IS_ENABLED\(CONFIG_METRICS_NS/) && !(path in table) {
			print where ": " path ": new " substr($0, 2) \
			      ": use a stub in the header (or patches/ifdef-tables)"
		}
		# Neither blank nor comment.
		!/^[+][ \t]*$/ && !/^[+][ \t]*(\/\*|\*|\/\/)/ { added++ }
		END { end_hunk() }
		' - "$tables" "${files[@]}")
}

# Debian's kernel differs from kernel.org's where we have hooks.
check_pristine()
{
	local -a changed

	if ! t grep -q unprivileged_userns_clone base -- kernel/fork.c; then
		msg "the base has no unprivileged_userns_clone: no second base to apply to"
		return
	fi
	mapfile -t changed < <(awk '/^diff --git/ { print substr($4, 3) }' "$DEBIAN_PATCH")
	base_index pristine
	t ls-tree base -- "${changed[@]}" | g pristine update-index --add --index-info
	if ! apply_quietly pristine "scripts/series.d/${DEBIAN_PATCH##*/} (undone on the base)" \
			-R <"$DEBIAN_PATCH"; then
		return
	fi
	trial pristine "on kernel.org's source" "${!NAME[@]}"
}

# Each part alone, on what it says it needs.
check_parts()
{
	local letter
	local -a lines

	for letter in $(parts); do
		mapfile -t lines < <(part_lines "$(needed_by "$letter")$letter")
		base_index part
		trial part "part $letter alone" "${lines[@]}"
	done
}

# The parts there are.
parts()
{
	local name

	for name in "${NAME[@]}"; do
		part_of "$name"
		echo
	done | sort -u
}

# needed_by PART: the parts it stands on, and those they stand on
needed_by()
{
	local letter all=''

	for letter in ${NEEDS[$1]:-}; do
		all+=$(needed_by "$letter")$letter
	done
	printf '%s' "$all"
}

# part_lines LETTERS: the lines of these parts
part_lines()
{
	local i

	for i in "${!NAME[@]}"; do
		[[ $1 != *"$(part_of "${NAME[i]}")"* ]] || printf '%s\n' "$i"
	done
}

# Does build/linux hold the same?
check_drift()
{
	local want what

	if [[ -z $(t_id refs/heads/series) ]]; then
		fault "build/$PROJECT has no branch series: $SERIES apply"
		return
	fi
	want=$(FAULTS=() && commits refs/series/wanted "${!NAME[@]}") || exit 1
	what=$(unfinished)$(unsaved HEAD "$want")
	if [[ -n $what ]]; then
		fault "build/$PROJECT has what patches/ lacks: $what: $SERIES refresh"
	elif [[ $(content "$want") != "$(content series)" ]]; then
		fault "patches/ or overlay have changed since build/$PROJECT was made: $SERIES apply"
	fi
}

# Whoever made the commits, and when.
content()
{
	t log --format='%T%n%B' "base..$1"
}
