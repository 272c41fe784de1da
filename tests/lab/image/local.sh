#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# local.sh IMAGE DIRECTORY [APT_OPTION...]
#
# Makes in DIRECTORY a copy of an image with a Postfix that is built from source, with everything below /usr/local (build.sh).
# shellcheck disable=SC2034  # build.sh uses these
settings=(
    config_directory=/usr/local/etc/postfix
    meta_directory=/usr/local/libexec/postfix
    daemon_directory=/usr/local/libexec/postfix
    command_directory=/usr/local/sbin
    queue_directory=/usr/local/var/spool/postfix
    data_directory=/usr/local/var/lib/postfix
    shlib_directory=/usr/local/lib/postfix
    sendmail_path=/usr/local/sbin/sendmail
    newaliases_path=/usr/local/bin/newaliases
    mailq_path=/usr/local/bin/mailq
    manpage_directory=/usr/local/share/man
    html_directory=no
    readme_directory=no
)
config=/usr/local/etc/postfix
links=()
main_cf=("inet_protocols = all") # as its authors have it; the installation takes it from the machine that builds

# shellcheck source=tests/lab/image/build.sh
. "$(dirname "$(readlink -f "$0")")/build.sh"
