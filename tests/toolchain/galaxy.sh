#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# galaxy.sh ARCHIVE: what Galaxy says of an archive when it is uploaded, by galaxy-importer. Fails on errors and on warnings.
# It has a virtual environment of its own: it wants an older attrs than nox does.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

venv=$PWD/.venv/galaxy
wanted=$(sha256sum <tests/requirements-galaxy.txt)
if [ "$(cat "$venv/.stamp" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$venv"
    "$(readlink -f .venv/bin/python)" -m venv "$venv"
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --requirement tests/requirements-galaxy.txt
    echo "$wanted" >"$venv/.stamp"
fi
archive=$(readlink -f "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" # it writes its result to where it is started
status=0
PATH=$venv/bin:$PATH GALAXY_IMPORTER_REQUIRE_V1_OR_GREATER=${REQUIRE_V1:-false} \
    "$venv/bin/python" -m galaxy_importer.main "$archive" >log 2>&1 || status=$?
grep -E '^(ERROR|WARNING|Traceback)' log && status=1
if [ $status != 0 ]; then
    tail -n 20 log >&2
    exit 1
fi
tail -n 1 log
