#!/usr/bin/env bash
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The demo, in a room of its own that goes when the demo ends. `make demo` has made .venv before.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
lab=../lab/mailfleet-lab
"$lab" install
"$lab" image trixie
PATH=$PWD/../../.venv/bin:$PATH exec "$lab" --room "demo-$$" session python3 demo.py
