#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# recipe.sh SUITE MIRROR SECURITY_MIRROR DIRECTORY [APT_OPTION...]
#
# Makes in DIRECTORY the root file system of a fresh Debian mail host: systemd, sshd, Python and Postfix as they are right after
# `apt install postfix`, answered "Internet Site". The cache of images is keyed by this file: change it, and they are built anew.
set -euo pipefail
suite=$1 mirror=$2 security=$3 directory=$4
shift 4

packages=(
    ca-certificates dbus iproute2 mount openssh-server postfix procps python3 systemd systemd-sysv
)
sources=("deb $mirror $suite main")
case $suite in
    bullseye | bookworm | trixie) sources+=("deb $mirror $suite-updates main" "deb $security $suite-security main") ;;
    forky | sid) ;; # nothing else yet
    *) echo "recipe.sh: no recipe for suite $suite: bullseye, bookworm, trixie, forky and sid have one" >&2 && exit 1 ;;
esac

options=()
for option in \
    'Acquire::Languages "none"' \
    'Acquire::Check-Valid-Until "false"' \
    'APT::Install-Recommends "false"' \
    "$@"; do # Valid-Until: mirrors of the past must do; these hosts never meet the world
    options+=("--aptopt=$option")
done
for pattern in exclude=/usr/share/man/* exclude=/usr/share/locale/* exclude=/usr/share/doc/* include=/usr/share/doc/*/copyright; do
    options+=("--dpkgopt=path-$pattern")
done

# Postfix's installation asks for the name of its host. The lab gives each host its own name in place of this one.
hostname=labimage.labdomain.example
hostname "${hostname%%.*}"
# shellcheck disable=SC2016  # $1 in the hooks is mmdebstrap's
before_installation='
    echo '"${hostname%%.*}"' >"$1/etc/hostname"
    printf "127.0.0.1\tlocalhost\n127.0.1.1\t%s\n::1\t\tlocalhost ip6-localhost ip6-loopback\n" \
        "'"$hostname ${hostname%%.*}"'" >"$1/etc/hosts"
    printf "postfix postfix/%s\n" "main_mailer_type select Internet Site" "mailname string '"$hostname"'" |
        chroot "$1" debconf-set-selections
'
# The package takes inet_protocols from the machine that builds the image, which need not have both families.
# The masked units have nothing to do in these hosts: huge pages cannot be mounted there, and there is nothing to fetch from.
# shellcheck disable=SC2016
after_installation='
    sed -i "s/^inet_protocols *=.*/inet_protocols = all/" "$1/etc/postfix/main.cf"
    for line in "inet_interfaces = all" "inet_protocols = all" "myhostname = '"$hostname"'"; do
        grep -qx "$line" "$1/etc/postfix/main.cf" || { echo "recipe.sh: main.cf has no line \"$line\"" >&2; exit 1; }
    done
    chroot "$1" systemctl --quiet mask dev-hugepages.mount apt-daily.timer apt-daily-upgrade.timer
    echo "# A host of the lab has no name server." >"$1/etc/resolv.conf"
    : >"$1/etc/machine-id"
    rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/log/*.log
'
DEBIAN_FRONTEND=noninteractive exec mmdebstrap --quiet --mode=root --variant=minbase --format=directory \
    --include="$(IFS=, && echo "${packages[*]}")" \
    --dpkgopt=force-unsafe-io "${options[@]}" \
    --essential-hook="$before_installation" --customize-hook="$after_installation" \
    "$suite" "$directory" "${sources[@]}"
