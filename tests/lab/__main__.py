# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start the lab's command line: ``python3 tests/lab VERB ...``."""

from __future__ import annotations

import sys

from mailfleet_lab.cli import main

sys.exit(main())
