# SPDX-License-Identifier: GPL-2.0
# Of the results of all variants, what the view costs: beside the kernel's own files and
# lxcfs's, for many readers, and with many namespaces; and what was aimed at.
BEGIN { FS = "\t" }

FNR == 1 {
	variant = FILENAME
	sub(/.*\//, "", variant)
	sub(/\.tsv$/, "", variant)
}

!(variant ~ /^(base-cgroup|beside|lxcfs|many|idle)$/) { next }

{
	value[variant, $1] = $3
	unit[$1] = $2
	if (!(($1) in seen)) {
		seen[$1] = 1
		names[++nr_names] = $1
	}
}

function has(v, name) { return (v, name) in value }

function number(v, name) {
	return has(v, name) ? sprintf("%.0f", value[v, name]) : "-"
}

function aim(ok, text) { aims = aims sprintf("  %-6s  %s\n", ok ? "met" : "MISSED", text) }

function files(   i, name, times, least, head) {
	for (i = 1; i <= nr_names; i++) {
		name = names[i]
		if (name !~ /^read [^ ,]+$/ || !has("lxcfs", name) || !has("beside", name))
			continue
		if (!head++)
			printf "\n%-34s %12s %12s %12s %10s\n", "what a read takes, in instructions", "no view", "in a view", "lxcfs", "times"
		times = value["lxcfs", name] / value["beside", name]
		printf "%-34s %12s %12s %12s %10.1f\n", name, number("base-cgroup", name), number("beside", name), number("lxcfs", name), times
		least = name ~ /cpuinfo$/ ? 8 : 20
		aim(times >= least, sprintf("%s: %.1f times cheaper than lxcfs, aim %d", name, times, least))
	}
}

function readers(   i, name, head) {
	for (i = 1; i <= nr_names; i++) {
		name = names[i]
		if (name !~ / readers: / || !has("beside", name))
			continue
		if (!head++)
			printf "\n%-50s %12s %12s\n", "readers at a time", "in a view", "lxcfs"
		printf "%-50s %12.1f %12.1f  %s\n", name, value["beside", name], value["lxcfs", name], unit[name]
	}
	for (i = 1; i <= nr_names; i++)
		if (names[i] ~ /^daemon: /)
			printf "%-50s %12s %12s  %s\n", names[i], "-", value["lxcfs", names[i]], unit[names[i]]
}

# The same with so many namespaces
function of_many(name, nr) {
	sub(/, [0-9]+ scoped/, ", " nr " scoped", name)
	return value["many", name]
}

function many(   i, name, one, most, d, head, bytes, work) {
	for (i = 1; i <= nr_names; i++) {
		name = names[i]
		if (name !~ /, 1 scoped namespaces$/ || !has("many", name))
			continue
		if (!head++)
			printf "\n%-62s %10s %10s %10s\n", "scoped namespaces", 1, 100, 1000
		one = of_many(name, 1)
		most = of_many(name, 1000)
		sub(/, 1 scoped namespaces$/, "", name)
		printf "%-62s %10.1f %10.1f %10.1f  %s\n", name, one, of_many(names[i], 100), most, unit[names[i]]
		if (name ~ /^read /) {
			d = 100 * (most / one - 1)
			aim(d <= 10 && d >= -10, sprintf("%s: %+.1f %% with 1000 instead of 1, aim 10 %%", name, d))
		} else if (name ~ /^longest wait of a real-time task$/) {
			aim(most <= 1000, sprintf("no CPU held for more than 1 ms: %.0f us, aim 1000", most))
		}
	}
	work = "CPU time of the kernel, 1000 scoped namespaces"
	if (has("many", work)) {
		d = value["many", work] - value["many", "CPU time of the kernel, before they have scopes, 1000 scoped namespaces"]
		printf "all work of the kernel, sampling included, takes %.0f instructions more a namespace, CPU and 5 s\n", d * 5 * 1000 / 1000
	}
	bytes = value["idle", "sizeof(struct metrics_namespace)"] + value["idle", "sizeof(struct metrics_scope)"]
	if (bytes)
		aim(bytes <= 1024, sprintf("a namespace with its scope: %d bytes, aim 1024", bytes))
}

END {
	files()
	readers()
	many()
	if (aims)
		printf "\naims of the view:\n%s", aims
}
