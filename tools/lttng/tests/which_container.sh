#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the tutorial of cid-agent as it is written, as TAP. To be run as root in a guest, whose
# /root it writes to; needs lttng-tools, lttng-modules, babeltrace2, podman and cid-agent.
set -euo pipefail

ABOUT="Runs the commands of which-container.md, in the folder of this script, and compares
their output"
NAME="which container"
# shellcheck source=tools/lttng/tests/lttng.sh
. "$(dirname "$0")/lttng.sh"

PAGE=$(dirname "$0")/which-container.md
# shellcheck source=tools/lttng/tests/page.sh
. "$(dirname "$0")/page.sh"
# What the page starts
DAEMONS=(lttng-sessiond)

has_ended()
{
	until_true fails pgrep -x 'cid-agent|lttng-sessiond'
}

leave_nothing()
{
	pkill -x 'cid-agent|lttng-sessiond' || true
	podman rm --force --time 0 --ignore shop stock
	podman rmi --force --ignore tools
	rm -rf /root/image /root/yesterday /root/text /root/id /root/help /root/messages
}

check_page
finish
