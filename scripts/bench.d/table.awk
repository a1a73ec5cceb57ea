# SPDX-License-Identifier: GPL-2.0
# A table of the results of all variants: base as it is, the others as what they
# add to it, and what was aimed at. Events have one of their own, as they are.
BEGIN { FS = "\t" }

FNR == 1 {
	variant = FILENAME
	sub(/.*\//, "", variant)
	sub(/\.tsv$/, "", variant)
	variants[++nr_variants] = variant
}

{
	if (!($1 in unit)) {
		names[++nr_names] = $1
		unit[$1] = $2
	}
	value[$1, variant] = $3
	has[$1, variant] = 1
	shown[is_event($1), variant] = 1
}

function is_event(name) { return name ~ /^event / }

function percent(name, variant) {
	return 100 * (value[name, variant] / value[name, "base"] - 1)
}

function cell(name, variant) {
	if (!((name, variant) in has))
		return "-"
	if (variant == "base" || !((name, "base") in has) || !value[name, "base"])
		return sprintf("%.0f", value[name, variant])
	if (unit[name] == "bytes")
		return sprintf("%+d", value[name, variant] - value[name, "base"])
	return sprintf("%+.2f %%", percent(name, variant))
}

function abs(x) { return x < 0 ? -x : x }

# aim(WHAT, GOT, LIMIT): percent, at most LIMIT
function aim(what, got, limit) {
	printf "  %-6s  %-44s  %+.2f %%, aim %+.2f %%\n", got <= limit ? "met" : "MISSED", what, got, limit
}

# A kfunc against what any kernel has, and what tools do without it
function versus(name,   v, cgroup, walk, got) {
	cgroup = "bpf get_current_cgroup_id"
	walk = "bpf walk to pid_ns_for_children"
	for (v = 1; v <= nr_variants; v++) {
		if (!((name, variants[v]) in has) || !((cgroup, variants[v]) in has) ||
		    !((walk, variants[v]) in has))
			continue
		got = value[name, variants[v]] / value[cgroup, variants[v]]
		printf "  %-6s  %-44s  %.2f of get_current_cgroup_id, aim 1.20; %.2f of the walk, aim 1.00\n", got <= 1.2 && value[name, variants[v]] <= value[walk, variants[v]] ? "met" : "MISSED", variants[v] ": " name, got, value[name, variants[v]] / value[walk, variants[v]]
	}
}

# The others are to be cheaper than what they replace.
function cheaper(name,   v, walk, got) {
	walk = "bpf walk to pid_ns_for_children"
	for (v = 1; v <= nr_variants; v++) {
		if (!((name, variants[v]) in has) || !((walk, variants[v]) in has))
			continue
		got = value[name, variants[v]] / value[walk, variants[v]]
		printf "  %-6s  %-44s  %.2f of the walk, aim 1.00\n", got <= 1 ? "met" : "MISSED", variants[v] ": " name, got
	}
}

# What the view costs: opening a file is charged to a cgroup without it as well
function in_cgroup(name,   base) {
	base = known(name, "base-cgroup") ? "base-cgroup" : "base"
	return 100 * (value[name, "scoped"] / value[name, base] - 1)
}

# What layout may change: here, or on average
function floor(name,   here, mean) {
	here = known(name, "floor") ? abs(percent(name, "floor")) : 0
	mean = nr_floor ? sum / nr_floor : 0
	return here > mean ? here : mean
}

function known(name, variant) {
	return (name, variant) in has && (name, "base") in has
}

function row(name, events,   v) {
	printf "%-34s", events ? substr(name, 7) : name
	for (v = 1; v <= nr_variants; v++)
		if ((events, variants[v]) in shown)
			printf " %12s", name == "" ? variants[v] : cell(name, variants[v])
	printf "%s\n", name == "" ? "" : "  " unit[name]
}

function table(events,   n) {
	row("", events)
	for (n = 1; n <= nr_names; n++)
		if (is_event(names[n]) == events)
			row(names[n], events)
}

END {
	for (v = 1; v <= nr_variants; v++)
		for (events = 0; events <= 1; events++)
			any[events] += (events, variants[v]) in shown
	if (any[0])
		table(0)

	for (n = 1; n <= nr_names; n++)
		if (unit[names[n]] == "instructions" && known(names[n], "floor")) {
			d = abs(percent(names[n], "floor"))
			most = d > most ? d : most
			sum += d
			nr_floor++
		}
	if (nr_floor)
		printf "\nfloor: layout alone changes a figure by %.2f %% on average, %.2f %% at most\n", sum / nr_floor, most

	if (any[1]) {
		print "\nan event that is on:"
		table(1)
	}

	print "\naims:"
	nr_hot = split("fork+exit+wait|vfork+execve+exit+wait|pipe round trip", hot, "|")
	for (i = 1; i <= nr_hot; i++) {
		if (known(hot[i], "idle"))
			aim("on and unused: " hot[i], percent(hot[i], "idle"), 0.1)
		if (known(hot[i], "off"))
			aim("off: " hot[i], percent(hot[i], "off"), floor(hot[i]))
	}
	# What has events that are off, of namespaces and of cgroups
	nr_traced = split("sched_yield round trip|cgroup attach|mmap+touch 64 pages+munmap|pread 32 pages, reclaiming|setns(uts)|fork+unshare(uts)+exit+wait", traced, "|")
	for (i = 1; i <= nr_traced; i++)
		if (known(traced[i], "off"))
			aim("events off: " traced[i], percent(traced[i], "off"),
			    0.1 + floor(traced[i]))
	for (n = 1; n <= nr_names; n++)
		if (names[n] ~ /^(read |sysinfo)/ && names[n] !~ /status$/ &&
		    known(names[n], "scoped"))
			aim("scoped: " names[n], in_cgroup(names[n]), 30)
	nr_kfuncs = split("pidns|container_id", kfunc, "|")
	for (i = 1; i <= nr_kfuncs; i++)
		versus("bpf get_current_" kfunc[i])
	nr_kfuncs = split("get_current_ns_id(net)|task_ns_id(pid)|task_container_id|task_container_top_id", kfunc, "|")
	for (i = 1; i <= nr_kfuncs; i++)
		cheaper("bpf " kfunc[i])
	size["sizeof(struct task_struct)"] = 16
	size["sizeof(struct nsproxy)"] = 8
	for (name in size)
		if (known(name, "idle")) {
			d = value[name, "idle"] - value[name, "base"]
			printf "  %-6s  %-44s  %+d bytes, aim %+d\n", d <= size[name] ? "met" : "MISSED", name, d, size[name]
		}
}
