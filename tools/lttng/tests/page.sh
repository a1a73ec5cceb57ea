#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the tests of pages with commands have in common, to be sourced by them after
# lttng.sh, with PAGE set, and with leave_nothing and has_ended: undo what the page does, however
# far it has come; is nothing left of it?

# Of its commands, for both claims
OUT=$TMP/output

# Commands are behind "# " in code, and go on behind "> ".
commands()
{
	sed -n 's/^    [#>] //p; s/^    >$//p' "$PAGE"
}

# The other lines of code, without what differs from one run to the next
output()
{
	sed -n '/^    [^#> ]/s/^    //p' "$PAGE" | without_numbers
}

# but for which event it is of three, and that none is lost
without_numbers()
{
	sed -E 's/\b[0-9a-f]{12,64}\b/ID/g; s/(seq = |; )([0-9]+)\b/\1\n\2\n/g' |
		sed -E '/^[0-9]$/!s/\b(0x)?[0-9][0-9a-f.:]*/N/g'
}

runs()
{
	commands >"$TMP/commands"
	(($(wc -l <"$TMP/commands") > 20))
	at_end leave_nothing
	bash -eu "$TMP/commands" >"$OUT" 2>&1 || {
		cat "$OUT"
		return 1
	}
	# all that the page has begun it has ended
	has_ended
}

prints_what_it_says()
{
	output >"$TMP/want"
	(($(wc -l <"$TMP/want") > 5))
	without_numbers <"$OUT" >"$TMP/got"
	diff "$TMP/want" "$TMP/got"
}

check_page()
{
	claim "each command succeeds" runs
	claim "what they print is what the page shows, but for numbers" prints_what_it_says
}
