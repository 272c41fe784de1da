#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# supervisors.sh IMAGE DIRECTORY [APT_OPTION...]
#
# Makes in DIRECTORY a copy of an image with the other programs that start and supervise services in Debian, and busybox.
# systemd stays what boots the host: the tests start the others in namespaces where they are process 1.
set -euo pipefail
image=$1 directory=$2
shift 2

packages=(busybox s6 supervisor)
options=()
for option in 'Acquire::Languages=none' 'Acquire::Check-Valid-Until=false' 'APT::Install-Recommends=false' "$@"; do
    [[ $option == *=* ]] || option=$(sed -E 's/^(\S+) "(.*)"$/\1=\2/' <<<"$option")
    options+=(-o "$option")
done

cp --archive "$image" "$directory"
cp /etc/resolv.conf "$directory/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$directory/usr/sbin/policy-rc.d"
chmod 755 "$directory/usr/sbin/policy-rc.d"
mount -t proc proc "$directory/proc"
mount --bind /dev "$directory/dev"
chroot "$directory" apt-get "${options[@]}" --quiet update
DEBIAN_FRONTEND=noninteractive chroot "$directory" apt-get "${options[@]}" --quiet --yes install "${packages[@]}"
# Newer packages of OpenRC and runit are not to be installed beside systemd's, but their files get along with them.
# shellcheck disable=SC2016
chroot "$directory" sh -ec 'mkdir /tmp/more && cd /tmp/more && chown _apt . &&
    libraries=$(apt-cache depends openrc | sed -En "s/.* (lib(rc|einfo)[0-9a-z]*)$/\1/p") &&
    apt-get --quiet download openrc runit $libraries &&
    for package in *.deb; do dpkg-deb --fsys-tarfile "$package" | tar --keep-directory-symlink -x -C /; done &&
    ldconfig && rm -r "$PWD"'
chroot "$directory" systemctl --quiet disable supervisor.service
umount "$directory/proc" "$directory/dev"
cp --archive "$image/etc/resolv.conf" "$directory/etc/resolv.conf"
rm -rf "$directory/usr/sbin/policy-rc.d" "$directory"/var/lib/apt/lists/* "$directory"/var/cache/apt/{archives/*.deb,*.bin} "$directory"/var/log/*.log
