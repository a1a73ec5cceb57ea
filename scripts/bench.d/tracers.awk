# SPDX-License-Identifier: GPL-2.0
# Of the results of all variants, what LTTng and cid-agent take; and what was aimed at.
BEGIN { FS = "\t" }

FNR == 1 {
	variant = FILENAME
	sub(/.*\//, "", variant)
	sub(/\.tsv$/, "", variant)
}

variant !~ /^(lttng|agent)$/ { next }

!shown[variant]++ {
	printf "\n%-64s %14s\n", variant == "lttng" ? "what an event of LTTng takes" : "what cid-agent takes", ""
}

{
	value[$1] = $3
	printf "%-64s %14.0f  %s\n", $1, $3, $2
}

function aim(ok, text) { printf "  %-6s  %s\n", ok ? "met" : "MISSED", text }

# at_most(NAME, FACTOR, OTHER)
function at_most(name, factor, other) {
	if ((name in value) && (other in value))
		aim(value[name] <= factor * value[other], sprintf("%s: %.2f of \"%s\", aim %.2f", name, value[name] / value[other], other, factor))
}

# A session says how large its ring buffers are, and its daemons have the same pages.
function memory(with,   name, buffers) {
	name = "agent: memory" with
	if (!(name in value))
		return
	buffers = value[name ", of LTTng's buffers"]
	aim(value[name] - buffers < 16384, sprintf("%s, 1000 containers: %d KiB beside %d of LTTng's buffers, aim 16384", name, value[name] - buffers, buffers))
}

END {
	if (!length(value))
		exit
	print ""
	e = "lttng sched_switch: "
	# Other tasks run as well: 20 instructions are what one figure differs from the next.
	if ((e "not traced") in value)
		aim(value[e "not traced"] <= 20, sprintf("%snot traced: %.1f instructions, aim 0 +- 20", e, value[e "not traced"]))
	at_most(e "container_id", 1, e "pid_ns")
	at_most(e "a filter of container_id that matches", 1, e "a filter of pid_ns that matches")
	at_most(e "a filter of container_id that does not", 0.5, e "no context")
	at_most("agent: start of cid-agent-hook", 1.5, "agent: start of /bin/true")
	at_most("no agent: start of cid-agent-hook", 1.5, "no agent: start of /bin/true")
	memory("")
	memory(", docker answers and LTTng records")
	name = "agent: 10 s at rest, 1000 containers"
	if (name in value)
		aim(value[name] == 0, sprintf("%s: %d instructions, aim 0", name, value[name]))
}
