# SPDX-License-Identifier: GPL-2.0
# Number the results of all parts through and count them: awk -f summary.awk skips
# FILE... A skip that the list skips doesn't have is a failure. Exit status: 1 if
# there is one, or nothing at all.

# A line of the list, as a regular expression
FNR == NR {
	if (/^#/ || !NF)
		next
	gsub(/[][\\.^$+?(){}|]/, "\\\\&")
	gsub(/\*/, ".*")
	allowed[$0]
	next
}

function may_skip(test, re) {
	sub(/^ok [0-9]+ - /, "", test)
	for (re in allowed)
		if (test ~ "^" re "$")
			return 1
	return 0
}

/^ok .*# SKIP/ && !may_skip($0) {
	sub(/^ok/, "not ok")
	sub(/# SKIP/, "# skipped, which scripts/check.d/skips has not:")
}

/^(not )?ok / {
	n++
	sub(/ok [0-9]+/, "ok " n)
	if (/^ok .*# SKIP/)
		skipped++
	else if (/^ok/)
		passed++
	else
		failed++
}

/^(not )?ok |^#/ { print }

END {
	print "1.." n + 0
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit !(n && !failed)
}
