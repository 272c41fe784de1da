#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# run.sh [PYTEST-ARGUMENT...]: the unit tests, and which branches of the core they take. What is left is told, and the
# test fails where that is too much; see branches.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export ROOT=$PWD MAILFLEET_HISTORIES=40
settings=--rcfile=$PWD/tests/coverage/settings.ini
rm -rf build/coverage
mkdir -p build/coverage
status=0
# Those of playbooks run Ansible, which runs the core from an archive.
coverage run "$settings" -m pytest -q --numprocesses=2 -m "not duration" --ignore=tests/unit/playbooks "$@" tests/unit || status=$?
coverage combine "$settings" --quiet
coverage json "$settings" --quiet -o build/coverage/branches.json
python tests/coverage/branches.py build/coverage/branches.json || status=$?
exit "$status"
