# SPDX-License-Identifier: GPL-2.0
# Merge the output of check.d/in-guest into one TAP stream, where each test's
# name says its component and its claim. A test program counts as a test of its
# own if it ends wrongly: crashed, or with fewer results than it announced.

function result(ok, name, rest) {
	n++
	printf "%sok %d - %s [%s]%s\n", ok ? "" : "not ", n, name, kernel, rest
	fflush()
}

function component(file) {
	sub(/\/.*/, "", file)
	return file
}

function unfinished() {
	if (file != "")
		result(0, file ": runs to its end", " # the guest stopped")
}

/^@begin / {
	unfinished()
	file = $2
	seen = failed = 0
	planned = -1
	next
}

/^@end / {
	status = $3
	if (planned >= 0 && seen != planned)
		result(0, file ": runs to its end", \
		       " # " seen " of " planned " results")
	else if (!seen && status == 4)
		result(1, file ": runs", " # SKIP " last)
	else if (!seen)
		result(0, file ": gives results", " # exit status " status)
	else if (status && !failed)
		result(0, file ": exits with 0", " # exit status " status)
	if ($4 != "")
		print "# " file ": " $4 " s"
	file = ""
	next
}

# KUnit's cases are one level down in its suite.
{ sub(/^    (    )?/, "") }

/^1\.\.[0-9]+/ {
	split($1, plan, /\.\./)
	if (file !~ /kunit$/)
		planned = plan[2]
	if (/SKIP/)
		last = substr($0, index($0, "SKIP") + 5)
	next
}

/^(not )?ok [0-9]+/ {
	ok = !/^not /
	name = $0
	sub(/^(not )?ok [0-9]+ *-? */, "", name)
	rest = ""
	if (match(name, / *# *(SKIP|TODO|XFAIL).*/)) {
		rest = " #" substr(name, RSTART + index(substr(name, RSTART), "#"))
		name = substr(name, 1, RSTART - 1)
	}
	seen++
	if (!ok)
		failed++
	test = file
	sub(/\.sh$/, "", test)
	sub(/_test$/, "", test)
	# Names that carry their component already stay as they are.
	if (name !~ "^" component(file) "[ :]")
		name = test ": " name
	result(ok, name, rest)
	next
}

!NF { next }

{
	if (/^# SKIP/ || /SKIP/)
		last = $0
	print (/^#/ ? $0 : "# " $0)
	fflush()
}

END { unfinished() }
