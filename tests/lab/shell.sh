#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# shell.sh RELEASE: a root shell on a mail host of its own; the session in which this runs (make shell) takes it away afterwards.
set -euo pipefail
lab=$(dirname "${BASH_SOURCE[0]}")/mailfleet-lab

"$lab" network add mail 192.0.2.0/24 2001:db8::/64
"$lab" host add mx1 --suite "$1" --network mail:ip=192.0.2.10,ip6=2001:db8::10
cat >&2 <<END
mx1 is Debian $1 with Postfix as its package sets it up, and has 192.0.2.10 and 2001:db8::10. It goes when you leave it.
From another terminal in this checkout, as root:
  export MAILFLEET_LAB_ROOM=$MAILFLEET_LAB_ROOM ANSIBLE_COLLECTIONS_PATH=.venv/collections
  tests/lab/mailfleet-lab run .venv/bin/ansible -i "\$(tests/lab/mailfleet-lab inventory)" all -m mailfleet.postfix.postfix_interfaces_info
END
exec "$lab" ssh mx1
