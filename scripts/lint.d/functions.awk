# SPDX-License-Identifier: GPL-2.0
# A C file with nothing in it but what a diff shows of it, each line in its place:
# git diff -U0 -W OLD NEW -- FILE | awk -f functions.awk - FILE. With -W that is the functions
# that were changed. Of conditions around them nothing stays: all of it is read.

NR == FNR && /^@@/ {
	split($3, at, ",")
	first = substr(at[1], 2) + 0
	for (i = 0; i < (at[2] == "" ? 1 : at[2]); i++)
		kept[first + i]
}

NR == FNR { next }

{ line[FNR] = $0 }

/^[ \t]*#[ \t]*if/ { condition[++depth] = "" }

/^[ \t]*#[ \t]*(if|el|endif)/ {
	condition[depth] = condition[depth] " " FNR
	partly[depth] += FNR in kept
}

/^[ \t]*#[ \t]*endif/ {
	n = split(condition[depth], part, " ")
	for (i = 1; partly[depth] && i <= n; i++)
		keep_whole(part[i])
	partly[depth--] = 0
}

END {
	for (i = 1; i <= FNR; i++)
		print i in kept ? line[i] : ""
}

function keep_whole(i) {
	do
		kept[i]
	while (line[i++] ~ /\\$/)
}
