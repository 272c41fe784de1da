#!/bin/sh
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Years of work by hand: parameters in several places, comments within values, odd spacing, no newline at the end.
set -eu
cd /etc/postfix

sed -i -e '1i # Do not touch! -- the postmaster, 2009' -e 's/^inet_interfaces = .*/inet_interfaces = localhost/' main.cf
# shellcheck disable=SC2016  # $myhostname is Postfix's
{
    printf 'smtpd_recipient_restrictions =\n\tpermit_mynetworks,\n# for the old office\n\n  reject_unauth_destination\n'
    printf 'inet_interfaces=\t$myhostname,\n# and this one\n\t10.1.0.31   \n\n'
    printf 'smtpd_banner=$myhostname ESMTP\tgrown'
} >>main.cf

# shellcheck disable=SC2016
{
    printf '# our backup of 2011\n#smtp inet n - n - - smtpd\n'
    printf '2525   inet n  -\ty - - smtpd\n  -o smtpd_banner=${myhostname}_2525\n# -o x=y\n'
} >>master.cf

sed -i 's/^127.0.1.1/10.1.0.31/' /etc/hosts
