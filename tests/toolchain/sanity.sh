#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# sanity.sh: the default sessions of noxfile.py, two at a time; each prints what it said when it is done. Each has a home of its own,
# since what ansible-test keeps there is for one at a time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

session() {
    local home=$PWD/.nox/$1.home name
    mkdir -p "$home"
    for name in .cache .config .pip; do
        [ ! -e "$HOME/$name" ] || ln -sfn "$HOME/$name" "$home/$name"
    done
    HOME=$home nox --reuse-venv=yes --session "$1" >"$home/log" 2>&1 || { cat "$home/log"; return 1; }
    cat "$home/log"
}
export -f session

nox --list | sed -n 's/^\* \(\S*\).*/\1/p' | xargs --max-procs=2 -I{} bash -euo pipefail -c 'session {}'
