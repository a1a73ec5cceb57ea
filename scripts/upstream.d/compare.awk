# SPDX-License-Identifier: GPL-2.0
# Compare results with the recorded ones, as TAP: awk -f compare.awk
# part=varying FILE part=base FILE part=new FILE. `programs` are those that ran, in
# their order, `guest` is the guest's exit status, and OTHER in the environment is what
# of their origin is another than that of the recorded ones.

function program_of(id) {
	sub(/ .*/, "", id)
	return id
}

# What remains of a line behind PROGRAM CASE: its verdict and name.
function text(line) {
	sub(/^[^ ]+ [^ ]+ /, "", line)
	return line
}

function same(id, verdict) {
	# A program's exit status follows from its cases.
	if (!(id in varying))
		return is["base", id] == is["new", id] ||
		       (id ~ / exit$/ && program_of(id) in varies)
	verdict = said("new", id)
	sub(/ .*/, "", verdict)
	return index("," varying[id] ",", "," verdict ",")
}

BEGIN {
	count = split(programs, list, " ")
	for (i in list)
		ran[list[i]]
}

/^#/ || !($1 in ran) { next }
{ id = $1 " " $2 }
part == "varying" { varying[id] = is["base", id] = $3; varies[$1]++ }
part == "base" { is["base", id] = text($0) }
part == "new" { is["new", id] = text($0); ended[$1] }
part != "new" { recorded[$1] }
!known[id]++ { ids[++n] = id }

END {
	for (i = 1; i <= n; i++)
		compare(ids[i])
	print "1.." count + 1
	for (i = 1; i <= count; i++)
		report(i, list[i])
	result(i, !guest, "guest: no report from the kernel, clean power-off")
	if (failed && ENVIRON["OTHER"] != "")
		print "# recorded with another one of these: run scripts/upstream record\n" \
		      ENVIRON["OTHER"]
	exit failed > 0
}

function compare(id) {
	if (same(id))
		return
	diagnosis[program_of(id)] = diagnosis[program_of(id)] "#   " id \
		": base: " said("base", id) "; here: " said("new", id) "\n"
}

function said(part, id) {
	return is[part, id] == "" ? "missing" : is[part, id]
}

function result(number, ok, name) {
	printf "%sok %d - upstream %s\n", ok ? "" : "not ", number, name
	failed += !ok
}

function report(number, program) {
	if (!(program in recorded))
		diagnosis[program] = "#   not recorded: run scripts/upstream record\n"
	else if (!(program in ended))
		diagnosis[program] = "#   it did not run\n"
	result(number, !(program in diagnosis),
	       program ": same results as the base kernel")
	if (program in varies)
		print "#   " varies[program] " of its cases vary on the base"
	if (program in diagnosis)
		printf "%s", diagnosis[program]
}
