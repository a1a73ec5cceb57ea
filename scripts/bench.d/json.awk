# SPDX-License-Identifier: GPL-2.0
# bench.json of the results of all variants: FILE is VARIANT.tsv, with a line
# each of name, unit and value.
BEGIN { FS = "\t"; print "[" }

FNR == 1 { variant = FILENAME; sub(/.*\//, "", variant); sub(/\.tsv$/, "", variant) }

{
	printf "%s  {\"name\": \"%s\", \"variant\": \"%s\", \"unit\": \"%s\", \"value\": %s}", sep, $1, variant, $2, $3
	sep = ",\n"
}

END { print "\n]" }
