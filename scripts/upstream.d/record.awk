# SPDX-License-Identifier: GPL-2.0
# The results of several runs, a file each: what is the same in all of them goes to
# stdout, the cases that vary to the file `varying`, which keeps what it names.

function known_cases(line, words) {
	while ((getline line <varying) > 0) {
		split(line, words, " ")
		if (line ~ /^#/ || line == "")
			head = head line "\n"
		else
			reason[words[1] " " words[2]] = line
	}
	close(varying)
}

# A program's exit status follows from its cases.
function cases_vary(exit_id, id) {
	sub(/exit$/, "", exit_id)
	for (id in first)
		if (index(id, exit_id) == 1 && id !~ / exit$/ &&
		    (id in reason || id in differs || count[id] != runs))
			return 1
	return 0
}

function verdicts(id, list) {
	if ((id, "fail") in saw)
		list = list ",fail"
	if (count[id] != runs)
		list = list ",missing"
	if ((id, "pass") in saw)
		list = list ",pass"
	if ((id, "skip") in saw)
		list = list ",skip"
	return substr(list, 2)
}

BEGIN { known_cases() }

FNR == 1 { runs++ }

{
	id = $1 " " $2
	count[id]++
	if (!(id in first))
		first[id] = $0
	else if (first[id] != $0)
		differs[id] = 1
	saw[id, $3]
}

END {
	printf "%s", head >varying
	close(varying)
	sort = "sort -k1,1 -k2,2n >>'" varying "'"
	print "# SPDX-License-Identifier: GPL-2.0"
	print "# What scripts/upstream record wrote: PROGRAM CASE VERDICT NAME, of"
	print ENVIRON["ORIGIN"]
	fflush()
	for (id in reason)
		print reason[id] | sort
	for (id in first) {
		if (id in reason)
			continue
		if (!(id in differs) && count[id] == runs)
			print first[id] | "sort -k1,1 -k2,2n"
		else if (id !~ / exit$/ || !cases_vary(id))
			print id, verdicts(id), "reason unknown" | sort
	}
}
