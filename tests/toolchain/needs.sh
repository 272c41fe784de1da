#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# needs.sh TARGET: says at once what `make TARGET` needs and this machine lacks, before any work is done.
set -uo pipefail

missing=()
if [ "$(id -u)" != 0 ]; then
    missing+=("root, for network namespaces and mounts (try: sudo make $1)")
elif ! unshare --mount --net --pid --uts --ipc --fork --propagation private -- \
    sh -c 'mount -t tmpfs none /mnt && mkdir /mnt/l /mnt/u /mnt/w /mnt/m && mount -t overlay -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w none /mnt/m' \
    >/dev/null 2>&1; then
    missing+=("namespaces and overlay mounts, which this kernel or container refuses even to root (in a container: --privileged)")
fi
command -v apt-get >/dev/null || missing+=("apt-get: a Debian or Ubuntu machine, to install what the test hosts are made of")
free=$(df --output=avail -k . | tail -n 1)
[ "$free" -ge 4194304 ] || missing+=("4 GiB of free disk space here, not $((free / 1048576)) GiB")

[ ${#missing[@]} -eq 0 ] && exit 0
echo "make $1 needs what this machine does not have:" >&2
printf '  - %s\n' "${missing[@]}" >&2
exit 1
