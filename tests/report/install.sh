#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs Debian's chromium if it is missing. Where that is not possible the tests skip themselves, and say why.
set -uo pipefail

command -v chromium >/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "report: chromium is missing, and to install it needs root and apt-get" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
# A foreign source that does not answer fails the update, but need not concern us: the installation tells.
"${apt[@]}" update >/dev/null 2>&1
"${apt[@]}" install --yes --no-install-recommends chromium >/dev/null || echo "report: apt-get cannot install chromium" >&2
exit 0
