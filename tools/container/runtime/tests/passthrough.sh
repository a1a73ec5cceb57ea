#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The wrapper on any kernel, without root: it must be as if it were not there.
# shellcheck disable=SC2317  # the checks are called through report
set -euo pipefail

usage() {
	cat <<'EOF'
Usage: passthrough.sh [CID_RUNTIME]
Check what cid-runtime does where it has nothing to add: the same output and
exit code as the runtime behind it, and clear errors of its own. TAP on stdout.
EOF
}

case ${1-} in
--help) usage; exit 0 ;;
'') set -- "$(command -v cid-runtime)" ;;
esac

wrapper=$(realpath "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
touch "$dir/conf"
export CID_RUNTIME_CONFIG=$dir/conf
unset CID_RUNTIME CID_RUNTIME_DEBUG CID_RUNTIME_REQUIRE
nr=0
failed=0

report() {	# claim, command...
	local claim=$1 word='not ok'

	shift
	nr=$((nr + 1))
	if "$@"; then word=ok; else failed=1; fi
	echo "$word $nr - cid-runtime pass-through: $claim"
}

# A runtime that tells all it was given.
cat > "$dir/fake" <<'EOF'
#!/bin/bash
printf 'pid %s\n' "$$"
printf 'arg %s\n' "$@"
printf 'env %s\n' "${FROM_ENGINE-}"
ls /proc/self/fd
cat
echo complaint >&2
exit 42
EOF
chmod +x "$dir/fake"

same_as_unwrapped() {	# arguments...
	local rc=0 wrapped_rc=0

	echo data | FROM_ENGINE=yes "$dir/fake" "$@" 7</dev/null \
		> "$dir/out" 2> "$dir/err" || rc=$?
	echo data | FROM_ENGINE=yes CID_RUNTIME=$dir/fake "$wrapper" "$@" \
		7</dev/null > "$dir/wout" 2> "$dir/werr" || wrapped_rc=$?
	sed -i '/^pid /d' "$dir/out" "$dir/wout"
	[[ $rc == 42 && $wrapped_rc == 42 ]] &&
		cmp -s "$dir/out" "$dir/wout" && cmp -s "$dir/err" "$dir/werr"
}

same_pid() {
	local pid

	CID_RUNTIME=$dir/fake "$wrapper" start c1 < /dev/null \
		> "$dir/out" 2> /dev/null &
	pid=$!
	wait "$pid" || true
	grep -qx "pid $pid" "$dir/out"
}

# exit code, text on stderr, then NAME=VALUE... words...
fails_with() {
	local want=$1 text=$2 rc=0

	shift 2
	env "$@" > "$dir/out" 2> "$dir/err" < /dev/null || rc=$?
	[[ $rc == "$want" && ! -s $dir/out ]] &&
		[[ $(wc -l < "$dir/err") == 1 ]] && grep -qF "$text" "$dir/err"
}

config_error() {	# text, line of configuration
	echo "$2" > "$dir/bad.conf"
	fails_with 125 "$1" CID_RUNTIME_CONFIG="$dir/bad.conf" \
		CID_RUNTIME="$dir/fake" "$wrapper" state c1
}

bad_label() {	# JSON string
	mkdir -p "$dir/bundle"
	echo "{\"annotations\":{\"org.cid.label\":$1}}" \
		> "$dir/bundle/config.json"
	fails_with 125 'annotation org.cid.label' CID_RUNTIME="$dir/fake" \
		CID_RUNTIME_ANNOTATIONS=1 "$wrapper" create -b "$dir/bundle" c1
}

logs_for_engine() {
	rm -f "$dir/log"
	fails_with 127 'not found' CID_RUNTIME='no"such' "$wrapper" \
		--log "$dir/log" --log-format json create c1 &&
		grep -q '"level":"error","msg":"runtime no\\"such not' "$dir/log"
}

leaves_nothing() {
	local before

	before=$(cd "$dir" && echo *)
	CID_RUNTIME=/nonexistent "$wrapper" create -b "$dir" c1 \
		2> /dev/null || true
	[[ $(cd "$dir" && echo *) == "$before" ]]
}

like_real() {	# runtime, arguments...
	local rc=0 wrapped_rc=0 real=$1

	shift
	"$real" "$@" > "$dir/out" 2> "$dir/err" || rc=$?
	CID_RUNTIME=$real "$wrapper" "$@" > "$dir/wout" 2> "$dir/werr" ||
		wrapped_rc=$?
	# runc's messages carry the time of day
	sed -i 's/^time="[^"]*"//' "$dir/err" "$dir/werr"
	[[ $rc == "$wrapped_rc" ]] && cmp -s "$dir/out" "$dir/wout" &&
		cmp -s "$dir/err" "$dir/werr"
}

echo 'TAP version 13'
for args in 'state c1' '--version' 'features' 'delete --force c1' \
	'--root /r kill c1 KILL' 'create -b /nonexistent c1' 'run c1' \
	'exec -t c1 sh -c create' 'restore c1' 'create'; do
	# shellcheck disable=SC2086
	report "\"$args\" as without it" same_as_unwrapped $args
done
report 'same pid' same_pid
report 'missing runtime: 127' \
	fails_with 127 'not found' CID_RUNTIME=/nonexistent "$wrapper" state c1
report 'no runtime in PATH: 127' \
	fails_with 127 'neither crun nor runc' PATH=/nonexistent "$wrapper" state c1
report 'runtime that is no program: 126' \
	fails_with 126 'not a program' CID_RUNTIME="$dir/conf" "$wrapper" state c1
report 'itself as runtime: refused' \
	fails_with 127 'itself' CID_RUNTIME="$wrapper" "$wrapper" state c1
report 'unknown key: refused' config_error 'unknown key' 'colour = blue'
report 'bad truth value: refused' config_error 'truth value' 'require = maybe'
report 'control bytes are escaped' config_error '\x1b[1m' $'\e[1m = 1'
report 'a backslash is doubled' config_error 'a\\b' 'a\b = 1'
report 'label of 65 bytes: refused' bad_label "\"$(printf '%065d' 0)\""
report 'empty label: refused' bad_label '""'
report 'label with a newline: refused' bad_label '"a\nb"'
report 'errors reach the log that engines read' logs_for_engine
report 'missing runtime leaves nothing behind' leaves_nothing

for real in crun runc; do
	if ! command -v "$real" > /dev/null; then
		nr=$((nr + 1))
		echo "ok $nr - cid-runtime pass-through: $real # SKIP not installed"
		continue
	fi
	report "$real --version" like_real "$real" --version
	report "$real state of an unknown id" like_real "$real" state no-such
	report "$real exec in an unknown id" like_real "$real" exec no-such true
	report "$real create without a bundle" \
		like_real "$real" create -b /nonexistent no-such
done
echo "1..$nr"
exit "$failed"
