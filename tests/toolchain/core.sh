#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# core.sh RELEASE...: print for each release of ansible-core, such as 2.16, the directory with its programs; they are installed into
# .venv/cores on the newest Python that runs them. Nothing is printed for a release that no Python here runs, and what was left out is said.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

for release in "$@"; do
    venv=$PWD/.venv/cores/$release
    if [ ! -x "$venv/bin/ansible-playbook" ]; then
        rm -rf "$venv"
        for minor in 12 13 14 11 10; do  # the first runs all releases that are supported
            python=python3.$minor
            "$python" -c 'import ensurepip, venv' 2>/dev/null || continue
            "$python" -m venv "$venv"
            # What does not run on this Python is not offered to it by pip.
            "$venv/bin/python" -m pip install -qq --disable-pip-version-check "ansible-core==$release.*" netaddr 2>/dev/null && break
            rm -rf "$venv"
        done
    fi
    if [ -d "$venv" ]; then
        echo "$venv/bin"
    else
        echo "ansible-core $release: no Python here that runs it" >>"${LEFT_OUT:-/dev/stderr}"
    fi
done
