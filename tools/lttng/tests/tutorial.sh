#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the tutorial as it is written, as TAP. To be run as root in a guest, whose /root it
# writes to; needs lttng-tools, lttng-modules with the series, babeltrace2, podman, cid,
# cid-runtime and ust-app.
set -euo pipefail

ABOUT="Runs the commands of tutorial.md, in the folder of this script, and compares their output"
NAME=tutorial
# shellcheck source=tools/lttng/tests/lttng.sh
. "$(dirname "$0")/lttng.sh"

PAGE=$(dirname "$0")/tutorial.md
# shellcheck source=tools/lttng/tests/page.sh
. "$(dirname "$0")/page.sh"
# What the page starts
DAEMONS=(lttng-sessiond lttng-relayd)

has_ended()
{
	fails mountpoint -q /root/web
	until_true fails pgrep -x 'cid|cid-record|lttng-relayd|lttng-sessiond'
}

# However far it has come
leave_nothing()
{
	pkill -x 'cid|cid-record|lttng-relayd|lttng-sessiond' || true
	! podman container exists web || podman rm --force --time 0 web
	! mountpoint -q /root/web || umount /root/web
	rm -rf /root/traces /root/timeline /root/web /tmp/upper /tmp/work
}

check_page
finish
