#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# el.sh IMAGE DIRECTORY [APT_OPTION...]
#
# Makes in DIRECTORY a copy of an image with a Postfix that is built from source, in the layout of Enterprise Linux (build.sh).
# shellcheck disable=SC2034  # build.sh uses these
settings=(
    config_directory=/etc/postfix
    meta_directory=/etc/postfix
    daemon_directory=/usr/libexec/postfix
    command_directory=/usr/sbin
    queue_directory=/var/spool/postfix
    data_directory=/var/lib/postfix
    shlib_directory=/usr/lib64/postfix
    sendmail_path=/usr/sbin/sendmail.postfix
    newaliases_path=/usr/bin/newaliases.postfix
    mailq_path=/usr/bin/mailq.postfix
    manpage_directory=/usr/share/man
    html_directory=no
    readme_directory=no
)
config=/etc/postfix
links=(/usr/sbin/sendmail /usr/bin/newaliases /usr/bin/mailq) # which /etc/alternatives has there
main_cf=("inet_interfaces = localhost" "inet_protocols = all" "alias_maps = hash:/etc/aliases" "alias_database = hash:/etc/aliases")

# shellcheck source=tests/lab/image/build.sh
. "$(dirname "$(readlink -f "$0")")/build.sh"
