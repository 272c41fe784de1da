#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# needs.sh TARGET: says at once what `make TARGET` needs and this machine lacks, before any work is done.
set -uo pipefail

missing=()
if [ "$(id -u)" != 0 ]; then
    missing+=("It needs root, for network namespaces and mounts: try sudo make $1.")
elif python3 -c '' 2>/dev/null; then
    # What the test hosts need of the machine, the lab itself knows.
    obstacles=$(python3 "$(dirname "${BASH_SOURCE[0]}")/../lab" check) || mapfile -t -O "${#missing[@]}" missing <<<"$obstacles"
fi
command -v apt-get >/dev/null || missing+=("It needs apt-get, to install what the test hosts are made of: use a Debian or Ubuntu machine.")
free=$(df --output=avail -k . | tail -n 1)
[ "$free" -ge 4194304 ] || missing+=("It needs 4 GiB of free disk space here; there are $((free / 1048576)).")

[ ${#missing[@]} -eq 0 ] && exit 0
echo "make $1 cannot work here:" >&2
printf '  - %s\n' "${missing[@]}" >&2
exit 1
