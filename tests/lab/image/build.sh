#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# build.sh, read by el.sh and local.sh: see there.
#
# Makes a host of an image of recipe.sh without Debian's Postfix, and with one that is built from source, in the directories, with the stock
# main.cf and with the unit of another family of systems. The sources are those of the suite's own source package, without Debian's patches,
# or those in the directory MAILFLEET_LAB_SOURCE, of any version. The compiler is installed in a copy of the image in memory, which is gone
# afterwards; the caller has a mount namespace of its own.
# shellcheck disable=SC2154  # which el.sh and local.sh set
set -euo pipefail
base=$1 directory=$2 source=${MAILFLEET_LAB_SOURCE:--} here=${0%.sh} # apt's options are in the image already

umask 022
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
work=/mnt # seen by nobody else

# The build, in a copy of the host in memory.
mount -t tmpfs -o mode=755 tmpfs "$work"
mkdir "$work"/{upper,work,root}
mount -t overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/work" overlay "$work/root"
root=$work/root
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
rm -f "$root/etc/resolv.conf"
cp /etc/resolv.conf "$root/etc/resolv.conf"
sed 's/^deb /deb-src /' "$base/etc/apt/sources.list" >"$root/etc/apt/sources.list.d/sources.list"
packages=(gcc libc6-dev libdb-dev libicu-dev libsasl2-dev libssl-dev m4 make patch pkg-config xz-utils)
chroot "$root" apt-get -qq update
chroot "$root" apt-get -qq install --no-install-recommends "${packages[@]}"

mkdir "$root/source" "$root/built"
if [[ $source == - ]]; then # apt verifies checksums and signatures
    chroot "$root" sh -c 'cd /source && apt-get -qq source --download-only postfix && rm -- *.debian.* *.dsc'
    tar --extract --directory="$root/source" --strip-components=1 --no-same-owner --file="$(ls "$root"/source/postfix_*.orig.tar.*z)"
else
    cp --recursive --no-target-directory "$source" "$root/source"
fi

# Versions before 3.8 do not know the closefrom(3) of a new C library, and have variables in several files; old ones know no new Linux.
uses=(-DUSE_TLS -DUSE_SASL_AUTH -DUSE_CYRUS_SASL -I/usr/include/sasl -DNO_NIS -fcommon)
if grep -qw closefrom "$root/usr/include/unistd.h"; then
    uses+=(-DHAS_CLOSEFROM)
fi
# shellcheck disable=SC2016
printf '#!/bin/sh\ncase $1 in -r) echo 5.10.0 ;; *) exec /bin/uname "$@" ;; esac\n' >"$root/usr/local/bin/uname"
chmod 755 "$root/usr/local/bin/uname"
for step in \
    "makefiles shared=yes dynamicmaps=yes DEBUG= $(printf '%q ' "CCARGS=${uses[*]}" "AUXLIBS=-lssl -lcrypto -lsasl2" "${settings[@]}")" \
    "--jobs=$(nproc)" \
    "non-interactive-package install_root=/built"; do
    chroot "$root" sh -c "cd /source && nice -n 10 make --silent $step"
done

# The host, without what the package had brought: its generator of units, its init script, its hooks, its configuration.
cp --archive --no-target-directory "$base" "$directory"
mount -t proc proc "$directory/proc"
trap 'umount "$directory/proc"' EXIT
accounts=$(grep '^postfix:' "$directory/etc/passwd")
groups=$(grep -E '^(postfix|postdrop):' "$directory/etc/group")
chroot "$directory" dpkg --purge --force-depends postfix postfix-lmdb postfix-cdb 2>/dev/null
rm -rf "$directory"/etc/postfix* "$directory"/{etc,run}/systemd/system/{,*/}postfix*
put_back() {
    while read -r line; do
        grep -qxF "$line" "$1" || echo "$line" >>"$1"
    done
}
put_back "$directory/etc/passwd" <<<"$accounts"
put_back "$directory/etc/group" <<<"$groups"

cp --archive --remove-destination --no-target-directory "$root/built" "$directory"
cp --recursive --no-target-directory "$here" "$directory"
for line in "${main_cf[@]}"; do
    name=${line%% *}
    sed -i "/^$name *=/d" "$directory$config/main.cf"
    echo "$line" >>"$directory$config/main.cf"
done
for link in "${links[@]}"; do ln -s "${link##*/}.postfix" "$directory$link"; done
chroot "$directory" postfix set-permissions
chroot "$directory" newaliases
chroot "$directory" systemctl --quiet enable postfix.service
umount "$directory/proc"
trap - EXIT
