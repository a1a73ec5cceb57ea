#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid net, as TAP. To be run as root, on a
# kernel with metrics namespaces; cid is taken from PATH. Needs jq and python3.
set -euo pipefail

TOOL=net
LINKS=13
# shellcheck source=tools/container/tests/trace.sh
. "$(dirname "$0")/trace.sh"

# of_what LABEL WHAT NUMBER: of that row of the container, 0 without
of_what()
{
	jq --arg label "$1" --arg what "$2" \
		"[.containers[] | select(.label == \$label) | .rows[] |
		  select(.what == \$what)] | .[0] | $3 // 0" "$TMP/out"
}

# A server that takes a connection, when it has been there for a while, and all that comes
# through it
SERVER='import os, socket, sys, time
s = socket.create_server(("127.0.0.1", 7000))
open(sys.argv[1] + "/ready", "w").close()
while float(sys.argv[2]) and not os.path.exists(sys.argv[1] + "/connected"): time.sleep(0.1)
time.sleep(float(sys.argv[2]))
c = s.accept()[0]
n = 0
while True:
	data = c.recv(65536)
	if not data: break
	n += len(data)
c.sendall(b"%8d" % n)
c.close()'

CLIENT='import socket, sys
c = socket.create_connection(("127.0.0.1", 7000))
open(sys.argv[2] + "/connected", "w").close()
for i in range(int(sys.argv[1])): c.sendall(b"x" * 1000)
c.shutdown(socket.SHUT_WR)
assert int(c.recv(100)) == 1000 * int(sys.argv[1])
c.close()'

# serve DELAY: in a container called server
serve()
{
	rm -f "$TMP/ready" "$TMP/connected"
	cid run --label server -- python3 -c "$SERVER" "$TMP" "$1" &
	STARTED+=($!)
	until_true test -e "$TMP/ready"
}

exchange()
{
	serve "$1"
	cid run --label client -- python3 -c "$CLIENT" 300 "$TMP"
	wait "${STARTED[-1]}"
}

each_byte()
{
	watch "$TMP/out"
	exchange 0
	watched
	same 300000 "$(of_what client "tcp send" .bytes)"
	same 300 "$(of_what client "tcp send" .count)"
	same 300000 "$(of_what server "tcp receive" .bytes)"
	same 8 "$(of_what server "tcp send" .bytes)"
	same 8 "$(of_what client "tcp receive" .bytes)"
	same 0 "$(of_what client "udp send" .count)"
}

# What one sends the other one receives, and all of it has a header.
each_packet()
{
	watch "$TMP/out"
	exchange 0
	watched
	# But for the last ones, for which the socket of the other side is gone.
	near "$(of_what client "packets out" .count)" \
		"$(of_what server "packets in" .count)" 3
	near "$(of_what server "packets out" .count)" \
		"$(of_what client "packets in" .count)" 3
	(($(of_what client "packets out" .bytes) >=
	  300000 + 40 * $(of_what client "packets out" .count)))
}

connections()
{
	watch "$TMP/out"
	exchange 0.5
	watched
	same 1 "$(of_what client connect .count)"
	same 0 "$(of_what client connect .errors)"
	(($(of_what client connect .sum_usec) > 0))
	same 1 "$(of_what server accept .count)"
	(($(of_what server accept .sum_usec) >= 500000))
	same 0 "$(of_what client accept .count)"
	same 0 "$(of_what server connect .count)"
}

refused()
{
	watch "$TMP/out"
	cid run --label refused -- python3 -c 'import socket
for i in range(3):
	try: socket.create_connection(("127.0.0.1", 7001))
	except ConnectionRefusedError: pass'
	watched
	same 3 "$(of_what refused connect .count)"
	same 3 "$(of_what refused connect .errors)"
}

datagrams()
{
	local address

	for address in 127.0.0.1 ::1; do
		watch "$TMP/out"
		cid run --label udp -- python3 -c 'import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
a, b = (socket.socket(family, socket.SOCK_DGRAM) for i in range(2))
a.bind((sys.argv[1], 7002))
for i in range(10):
	b.sendto(b"x" * 100, (sys.argv[1], 7002))
	a.recv(1000)' $address
		watched
		same 1000 "$(of_what udp "udp send" .bytes)"
		same 1000 "$(of_what udp "udp receive" .bytes)"
		same 10 "$(of_what udp "packets out" .count)"
		same 10 "$(of_what udp "packets in" .count)"
		same 0 "$(of_what udp "tcp send" .count)"
	done
}

# An address of IPv4 in a socket of IPv6
mapped()
{
	watch "$TMP/out"
	cid run --label mapped -- python3 -c 'import socket
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
a.bind(("127.0.0.1", 7002))
b = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
b.sendto(b"x" * 100, ("::ffff:127.0.0.1", 7002))'
	watched
	same 1 "$(of_what mapped "udp send" .count)"
	same 100 "$(of_what mapped "udp send" .bytes)"
}

# shellcheck disable=SC2317,SC2329	# called by a trap
pass_all()
{
	nft delete table ip cid_net 2>/dev/null || true
}

dropped_twice()
{
	nft list table ip cid_net | grep -qE 'counter packets ([2-9]|[1-9][0-9])'
}

retransmitted()
{
	watch "$TMP/out"
	serve 0
	nft -f - <<NFT
table ip cid_net {
	chain input {
		type filter hook input priority 0
		iif lo tcp dport 7000 ip length > 500 counter drop
	}
}
NFT
	trap 'pass_all; stop_all' EXIT
	cid run --label client -- python3 -c "$CLIENT" 1 "$TMP" &
	STARTED+=($!)
	until_true dropped_twice
	pass_all
	wait "${STARTED[-1]}"	# the client
	wait "${STARTED[-2]}"	# the server
	watched
	(($(of_what client retransmit .count) > 0))
	same 0 "$(of_what server retransmit .count)"
	same 1000 "$(of_what server "tcp receive" .bytes)"
}

# Whoever sends through it has sent, and where it was made are the packets.
handed_on()
{
	start other
	watch "$TMP/out"
	cid run --label maker -- python3 -c 'import os, socket, subprocess, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 7003))
s.set_inheritable(True)
print(os.getpid(), s.fileno(), flush=True)
while True:
	if s.recv(100) == b"end": break' >"$TMP/maker" &
	STARTED+=($!)
	until_true grep -q . "$TMP/maker"
	# shellcheck disable=SC2016	# of Python
	cid enter other -- python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"end", ("127.0.0.1", 7003))'
	wait "${STARTED[-1]}"
	watched
	same 3 "$(of_what other "udp send" .bytes)"
	same 3 "$(of_what maker "udp receive" .bytes)"
	same 1 "$(of_what maker "packets in" .count)"
	same 0 "$(of_what maker "packets out" .count)"
}

only_the_named()
{
	watch "$TMP/out" --host
	exchange 0
	watched
	same '["client","server"]' "$(jq -c \
		'[.containers[] | select(.id != 0) | .label] | sort' "$TMP/out")"
	start wanted
	watch "$TMP/out" -c wanted
	cid enter wanted -- python3 -c 'import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 7009))'
	exchange 0
	watched
	same '["wanted"]' "$(jq -c '[.containers[].label]' "$TMP/out")"
}

as_text()
{
	cid net >"$TMP/out" &
	WATCHER=$!
	STARTED+=("$WATCHER")
	until_true attached "$WATCHER"
	exchange 0
	watched
	grep -E '^client \([0-9]+\) +tcp send +300 +0 +300000 +0.000 +- +- +-$' "$TMP/out"
	grep -E '^client \([0-9]+\) +connect +1 +0 +0 +[0-9.]+ +[0-9.]+ +[0-9]+ +[0-9]+$' "$TMP/out"
}

ip link set lo up
claim "TCP: each byte and call" each_byte
claim "each packet" each_packet
claim "how long connections wait" connections
claim "refused connections are errors" refused
claim "UDP: each datagram, of both IPs" datagrams
claim "UDP: an address of the other IP counts once" mapped
claim "what is sent again" retransmitted
claim "who sends and who has the socket" handed_on
claim "-c: only the containers that are named" only_the_named
claim "text is a table" as_text
claim "however it ends, nothing is left in the kernel" nothing_is_left
finish
