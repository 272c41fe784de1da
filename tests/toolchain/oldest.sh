#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# oldest.sh [PYTEST-ARGUMENT...]: the core's unit tests on the oldest Python that it promises to run on, or the next one found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

found=
for minor in 7 8 9 10; do
    for python in "python3.$minor" "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor".*/bin/python3; do
        if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            found=$python
            break 2
        fi
    done
done
leave_out() {
    echo "LEFT OUT: $1"
    [ -z "${LEFT_OUT:-}" ] || echo "$1" >>"$LEFT_OUT"
}
if [ -z "$found" ]; then
    leave_out "the core's unit tests on Python 3.7 to 3.10: no such Python here (vermin and ruff still checked its sources for 3.7)"
    exit 0
fi
[ "$minor" = 7 ] || leave_out "the core's unit tests on Python 3.7: the oldest Python here is 3.$minor"

venv=$PWD/.venv/oldest
wanted="$("$found" -V) $(sha256sum <tests/requirements-oldest.txt)"
if [ "$(cat "$venv/.stamp" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$venv"
    "$found" -m venv "$venv"
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --requirement tests/requirements-oldest.txt
    echo "$wanted" >"$venv/.stamp"
fi
# What one Python is enough to show, make unit has shown.
HYPOTHESIS_PROFILE=few exec "$venv/bin/python" -m pytest -q --numprocesses=2 -m "not duration and (not one_python or every_python)" \
    "$@" tests/unit/plugins/module_utils
