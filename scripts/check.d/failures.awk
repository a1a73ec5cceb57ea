# SPDX-License-Identifier: GPL-2.0
# The failures of a TAP file with some of what is said of them, as a log may be all that
# is kept of a run: awk -f failures.awk FILE. The kselftest harness says it before the
# result, what was expected first of all, and the scripts after it.

BEGIN {
	BEFORE = 20
	AFTER = 12
}

/^not ok / {
	for (i = 0; i < n && i < BEFORE; i++)
		print said[i]
	print
	left = AFTER
	n = 0
	next
}

/^ok / {
	left = n = 0
}

/^#/ && left {
	left--
	print substr($0, 1, 300)
	next
}

/^#/ {
	said[n++] = substr($0, 1, 300)
}
