#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests of cid-agent with Incus, as TAP. To be run as root, with incusd, cid, jq and python3.
# The image is made here; there is no network, and no AppArmor is needed.
set -euo pipefail

ABOUT="Tests cid-agent with Incus"
NAME="agent"
# shellcheck source=ust-provider/tests/agent.sh
. "$(dirname "$0")/agent.sh"

export INCUS_DIR=/var/tmp/agent-incus
INCUSD=$(PATH=$PATH:/usr/libexec/incus type -P incusd)
DAEMON=

# --- incusd ---

start_incusd()
{
	mkdir -p "$INCUS_DIR"
	INCUS_SECURITY_APPARMOR=false "$INCUSD" --logfile "$TMP/incusd.log" \
		>/dev/null 2>&1 &
	DAEMON=$!
	"$INCUSD" waitready --timeout=300 || {
		tail -n 20 "$TMP/incusd.log"
		return 1
	}
}

kill_incusd()
{
	kill -KILL "$DAEMON"
	wait "$DAEMON" || true
	DAEMON=
}

set_up_incus()
{
	incus admin init --preseed <<-PRESEED
		storage_pools:
		- name: default
		  driver: dir
		profiles:
		- name: default
		  devices:
		    root: { path: /, pool: default, type: disk }
	PRESEED
}

# As small as an image can be: its init waits to be told to end
make_image()
{
	rootfs
	mkdir -p "$TMP/rootfs/sbin"
	printf '%s\n' '#!/bin/sh' 'trap "exit 0" PWR' 'while sleep 1; do :; done' \
		>"$TMP/rootfs/sbin/init"
	chmod 755 "$TMP/rootfs/sbin/init"
	printf '%s\n' "architecture: $(uname -m)" "creation_date: 1" \
		"properties: { description: agent test }" >"$TMP/metadata.yaml"
	tar -C "$TMP" -cf "$TMP/image.tar" metadata.yaml rootfs
	incus image import "$TMP/image.tar" --alias agent-test
}

# shellcheck disable=SC2317,SC2329	# called by a trap
end_incus()
{
	local dir name

	for name in c1 c2 steady "c1 --project shop"; do
		# shellcheck disable=SC2086	# of one there may be more words
		incus delete -f $name || true
	done
	[[ -z $DAEMON ]] || kill_incusd
	for dir in guestapi shmounts devices; do
		! mountpoint -q "$INCUS_DIR/$dir" || umount -l "$INCUS_DIR/$dir"
	done
	rm -rf "$INCUS_DIR"
}

pid_in()
{
	incus query "/1.0/instances/$1/state?project=${2:-default}" | jq .pid
}

# --- claims ---

# listen SOCKET...: at all of them, and tell by SOCKET.asked who is asked at the first
listen()
{
	python3 - "$@" <<-'PROGRAM' &
		import os, socket, sys, time
		def listen(path):
		    s = socket.socket(socket.AF_UNIX)
		    s.bind(path + ".new")
		    s.listen()
		    os.rename(path + ".new", path)
		    return s
		others = [listen(path) for path in sys.argv[2:]]
		listen(sys.argv[1]).accept()
		open(sys.argv[1] + ".asked", "w")
		time.sleep(1000)
	PROGRAM
	STARTED+=($!)
	until_true test -S "$1"
}

# The socket as systemd has it, which would start Incus, and with the other one that it has
# when it runs
idle_one()
{
	listen "$TMP/idle/unix.socket"
	listen "$TMP/used/unix.socket" "$TMP/used/guestapi/sock"
	until_true is_asked_there
	# both are looked at within a second
	sleep 2
	fails test -e "$TMP/idle/unix.socket.asked"
}

is_asked_there()
{
	kill -HUP "$AGENT_PID"
	test -e "$TMP/used/unix.socket.asked"
}

# said WORDS: how often the agent has said so of this Incus
said()
{
	grep -c "incus ($INCUS_DIR/.*$1\$" "$TMP/messages" || true
}

said_more()
{
	(($(said "$1") > $2))
}

life_of_one()
{
	local init

	at_end end_incus
	start_incusd
	set_up_incus
	make_image
	incus launch agent-test c1 -c user.tier=front -c boot.autostart=false
	tell start '.id == "c1" and .runtime == "incus"'
	same c1 "$(value create c1 name)"
	same "agent test" "$(value create c1 image)"
	same user.tier=front "$(value create c1 labels)"
	init=$(pid_in c1)
	same_identity start c1 "$init"
	same /lxc.payload.c1 "$(value start c1 cgroup_path)"
	incus pause c1
	tell pause '.id == "c1"'
	incus start c1
	tell unpause '.id == "c1"'
	incus restart -f c1
	tell restart ".id == \"c1\" and .previous_pid == $init"
	same_identity restart c1 "$(pid_in c1)"
	incus stop c1
	tell exit '.id == "c1" and .status == 0'
	incus rename c1 c2
	tell rename '.id == "c2" and .name == "c2" and .old_name == "c1" and .old_id == "c1"'
	same "create start pause unpause exit start restart exit" "$(life c1)"
	incus start c2
	tell restart '.id == "c2" and .restart_count == 2'
	same_identity restart c2 "$(pid_in c2)"
	in_a_project
	comes_back
	incus delete -f c2
	tell remove '.id == "c2"'
	same "rename start restart exit remove" "$(life c2)"
}

# LXC has the project in its name, and its users don't.
in_a_project()
{
	incus project create shop -c features.images=false -c features.profiles=false
	incus launch agent-test c1 --project shop -c boot.autostart=false
	tell start '.id == "shop_c1"'
	same c1 "$(value start shop_c1 name)"
	same project=shop "$(value start shop_c1 labels)"
	same_identity start shop_c1 "$(pid_in c1 shop)"
	same /lxc.payload.shop_c1 "$(value start shop_c1 cgroup_path)"
	incus delete -f c1 --project shop
	tell remove '.id == "shop_c1"'
	same "create start exit remove" "$(life shop_c1)"
}

# Containers go on while their daemon doesn't.
comes_back()
{
	local init bad good
	init=$(pid_in c2)
	bad=$(said 'it is tried again')
	good=$(said 'works again')

	kill_incusd
	until_true said_more 'it is tried again' "$bad"
	start_incusd
	same "$init" "$(pid_in c2)"
	incus init agent-test steady
	tell create '.id == "steady"'
	until_true said_more 'works again' "$good"
	same rename "$(life c2 | sed 's/ start restart$//')"
	incus delete steady
	tell remove '.id == "steady"'
	same "create remove" "$(life steady)"
}

mkdir -p "$TMP/idle" "$TMP/used/guestapi"
# The agent's next try may be a minute away.
CID_WAIT=${CID_WAIT:-180}
with_agent --runtime "incus=$INCUS_DIR/unix.socket" --runtime "incus=$TMP/idle/unix.socket" \
	--runtime "incus=$TMP/used/unix.socket"
claim "Incus: one that nobody has started is not asked" idle_one
claim "Incus: a container's life, also in a project; incusd may be killed and come back" \
	life_of_one
finish_agents
