# SPDX-License-Identifier: GPL-2.0
# The output of in-guest as results, one a line: PROGRAM CASE VERDICT NAME. A case
# is its number in the program's TAP, or "exit" for the program itself; a verdict
# is pass, fail or skip.

function result(id, verdict, name) {
	print program, id, verdict, name
}

/^@begin / {
	program = $2
	split("", seen)
	next
}

/^@end / {
	verdict = $3 == 0 ? "pass" : $3 == 4 ? "skip" : "fail"
	result("exit", verdict, "status " $3)
	program = ""
	next
}

# The name stands before the directive or behind it; what else is there is a
# reason, which may hold numbers of the day.
program && /^(not )?ok [0-9]+/ {
	verdict = /^not / ? "fail" : "pass"
	sub(/^(not )?ok /, "")
	id = $1
	sub(/^[0-9]+ *(- )?/, "")
	if (match($0, /# *(SKIP|XFAIL|XPASS|TODO|error) */)) {
		if (substr($0, RSTART, RLENGTH) ~ /SKIP/)
			verdict = "skip"
		before = substr($0, 1, RSTART - 1)
		$0 = before != "" ? before : substr($0, RSTART + RLENGTH)
	}
	sub(/[ \t\r]+$/, "")
	if (seen[id]++)
		id = id "." seen[id]
	result(id, verdict, $0)
}

# The guest has stopped in the middle.
END {
	if (program != "")
		result("exit", "fail", "never ended")
}
