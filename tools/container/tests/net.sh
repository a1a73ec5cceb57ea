#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid net, as TAP. To be run as root, on a
# kernel with metrics namespaces; cid is taken from PATH. Needs jq and python3.
set -euo pipefail

TOOL=net
LINKS=19
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

# Nothing leads there: it fails before there is a packet. The sum is right only if each
# counts once.
unreachable()
{
	watch "$TMP/out"
	unshare --net cid run --label nowhere -- python3 -c 'import socket
for address, times in ("192.0.2.1", 1), ("2001:db8::1", 2), ("::ffff:192.0.2.1", 4):
	for i in range(times):
		s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
		try: s.connect((address, 7001))
		except OSError: continue
		raise SystemExit(1)'
	watched
	same 7 "$(of_what nowhere connect .count)"
	same 7 "$(of_what nowhere connect .errors)"
}

# One that is accepted at once, on another CPU, counts as well.
many_connections()
{
	watch "$TMP/out"
	cid run --label many -- python3 -c 'import os, socket
s = socket.create_server(("127.0.0.1", 7004))
if os.fork():
	for i in range(300): s.accept()
	os.wait()
else:
	for i in range(300): socket.create_connection(("127.0.0.1", 7004))
	os._exit(0)'
	watched
	same 300 "$(of_what many accept .count)"
	same 300 "$(of_what many connect .count)"
	same 0 "$(of_what many connect .errors)"
}

# Each calls the other at once: two that connect, and none that accepts.
simultaneous()
{
	watch "$TMP/out"
	cid run --label both -- python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.connect(s.getsockname())
s.send(b"x")
assert s.recv(1) == b"x"'
	watched
	same 1 "$(of_what both connect .count)"
	same 0 "$(of_what both connect .errors)"
	same 0 "$(of_what both accept .count)"
}

# How long it has been there isn't known, and not guessed.
connected_before()
{
	cid run --label early -- python3 -c 'import os, socket, sys, time
s = socket.create_server(("127.0.0.1", 7006))
c = socket.create_connection(("127.0.0.1", 7006))
open(sys.argv[1] + "/early", "w").close()
while not os.path.exists(sys.argv[1] + "/go"): time.sleep(0.1)
s.accept()[0].send(b"x" * 7)' "$TMP" &
	STARTED+=($!)
	until_true test -e "$TMP/early"
	watch "$TMP/out"
	touch "$TMP/go"
	wait "${STARTED[0]}"
	watched
	same 7 "$(of_what early "tcp send" .bytes)"
	same 0 "$(of_what early accept .count)"
	same 0 "$(of_what early connect .count)"
}

looked_at()
{
	watch "$TMP/out"
	cid run --label peek -- python3 -c 'import socket
s = socket.create_server(("127.0.0.1", 7007))
c = socket.create_connection(("127.0.0.1", 7007))
a = s.accept()[0]
a.send(b"x" * 100)
for i in range(5): c.recv(10, socket.MSG_PEEK)
assert len(c.recv(1000)) == 100
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.1", 7007))
u.sendto(b"x" * 30, ("127.0.0.1", 7007))
u.recv(10, socket.MSG_PEEK)
assert len(u.recv(1000)) == 30'
	watched
	same 1 "$(of_what peek "tcp receive" .count)"
	same 100 "$(of_what peek "tcp receive" .bytes)"
	same 1 "$(of_what peek "udp receive" .count)"
	same 30 "$(of_what peek "udp receive" .bytes)"
}

# sendfile(2) and splice(2)
spliced()
{
	head -c 5000 /dev/zero >"$TMP/file"
	watch "$TMP/out"
	cid run --label spliced -- python3 -c 'import os, socket, sys
s = socket.create_server(("127.0.0.1", 7008))
c = socket.create_connection(("127.0.0.1", 7008))
a = s.accept()[0]
f = os.open(sys.argv[1], os.O_RDONLY)
assert os.sendfile(a.fileno(), f, 0, 5000) == 5000
a.close()
r, w = os.pipe()
n = 0
while n < 5000: n += len(os.read(r, os.splice(c.fileno(), w, 5000)))' "$TMP/file"
	watched
	same 5000 "$(of_what spliced "tcp send" .bytes)"
	same 5000 "$(of_what spliced "tcp receive" .bytes)"
}

# What a signal interrupts has not failed, nor what finds nothing yet; what is told that
# nobody is there has.
failing()
{
	watch "$TMP/out"
	cid run --label failing -- python3 -c 'import signal, socket
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.1", 7010))
signal.signal(signal.SIGALRM, lambda *args: u.sendto(b"x", ("127.0.0.1", 7010)))
signal.setitimer(signal.ITIMER_REAL, 0.3)
u.recv(10)
u.setblocking(False)
try: u.recv(10)
except BlockingIOError: pass
u.connect(("127.0.0.1", 7011))
u.send(b"x")
try: u.recv(10)
except ConnectionRefusedError: pass'
	watched
	same 4 "$(of_what failing "udp receive" .count)"
	same 1 "$(of_what failing "udp receive" .errors)"
	same 0 "$(of_what failing "udp send" .errors)"
}

datagrams()
{
	local address label

	watch "$TMP/out"
	for address in 127.0.0.1 ::1; do
		cid run --label "udp $address" -- python3 -c 'import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
a, b = (socket.socket(family, socket.SOCK_DGRAM) for i in range(2))
a.bind((sys.argv[1], 7002))
for i in range(10):
	b.sendto(b"x" * 100, (sys.argv[1], 7002))
	a.recv(1000)' $address
	done
	watched
	for label in "udp 127.0.0.1" "udp ::1"; do
		same 1000 "$(of_what "$label" "udp send" .bytes)"
		same 1000 "$(of_what "$label" "udp receive" .bytes)"
		same 10 "$(of_what "$label" "packets out" .count)"
		same 10 "$(of_what "$label" "packets in" .count)"
		same 0 "$(of_what "$label" "tcp send" .count)"
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

# A network of their own, with small packets, whose counters are those of the two
in_net()
{
	nsenter --net="/run/netns/cid_net" "$@"
}

# shellcheck disable=SC2317,SC2329	# called by a trap
no_net()
{
	stop_all
	ip netns del cid_net
}

dropped_twice()
{
	in_net nft list table ip cid_net | grep -qE 'counter packets ([2-9]|[1-9][0-9])'
}

# RetransSegs, the twelfth number
sent_again()
{
	in_net sed -nE 's/^Tcp: (-?[0-9]+ ){11}([0-9]+) .*/\2/p' /proc/net/snmp
}

retransmitted()
{
	ip netns add cid_net
	trap no_net EXIT
	in_net ip link set lo mtu 1500 up
	in_net nft -f - <<NFT
table ip cid_net {
	chain input {
		type filter hook input priority 0
		tcp dport 7000 ip length > 500 counter drop
	}
}
NFT
	watch "$TMP/out"
	rm -f "$TMP/ready"
	in_net cid run --label server -- python3 -c "$SERVER" "$TMP" 0 &
	STARTED+=($!)
	until_true test -e "$TMP/ready"
	in_net cid run --label client -- python3 -c "$CLIENT" 300 "$TMP" &
	STARTED+=($!)
	until_true dropped_twice
	in_net nft delete table ip cid_net
	wait "${STARTED[-1]}"	# the client
	wait "${STARTED[-2]}"	# the server
	watched
	say "$(sent_again) segments"
	(($(of_what client retransmit .count) > 0))
	same "$(sent_again)" "$(($(of_what client retransmit .count) +
		$(of_what server retransmit .count)))"
	(($(of_what client retransmit .bytes) > 1000))
	same 300000 "$(of_what server "tcp receive" .bytes)"
}

# Whoever sends through it has sent, and where it was made are the packets.
handed_on()
{
	start other
	watch "$TMP/out"
	cid run --label maker -- python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1] + "/pass")
s.listen()
a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for i in range(2))
a.bind(("127.0.0.1", 7003))
socket.send_fds(s.accept()[0], [b"x"], [b.fileno()])
assert a.recv(100) == b"end"' "$TMP" &
	STARTED+=($!)
	until_true test -S "$TMP/pass"
	cid enter other -- python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX)
while s.connect_ex(sys.argv[1] + "/pass"): time.sleep(0.1)
fd = socket.recv_fds(s, 1, 1)[1][0]
socket.socket(fileno=fd).sendto(b"end", ("127.0.0.1", 7003))' "$TMP"
	wait "${STARTED[-1]}"
	watched
	same 3 "$(of_what other "udp send" .bytes)"
	same 0 "$(of_what other "packets out" .count)"
	same 0 "$(of_what maker "udp send" .count)"
	same 1 "$(of_what maker "packets out" .count)"
	same 3 "$(of_what maker "udp receive" .bytes)"
	same 1 "$(of_what maker "packets in" .count)"
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
claim "connections that can't be made are errors" unreachable
claim "each connection that is accepted" many_connections
claim "both sides connect at once" simultaneous
claim "not those connected before" connected_before
claim "what is looked at counts when it is received" looked_at
claim "sendfile and splice" spliced
claim "what is an error and what is not" failing
claim "UDP: each datagram, of both IPs" datagrams
claim "UDP: an address of the other IP counts once" mapped
claim "what is sent again" retransmitted
claim "who sends and who has the socket" handed_on
claim "-c: only the containers that are named" only_the_named
claim "text is a table" as_text
claim "however it ends, nothing is left in the kernel" nothing_is_left
finish
