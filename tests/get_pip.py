# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In place of get-pip.py, which ansible-test fetches from a host of its own: pip from the package index, by the pip in ensurepip.

ansible-test finds it as ~/.ansible/test/cache/get_pip_VERSION.py and runs it in a bare virtual environment.
"""

from __future__ import annotations

import ensurepip
import glob
import os
import sys

# Where ensurepip keeps its wheel, and where Debian does.
PATTERNS = (
    os.path.join(os.path.dirname(ensurepip.__file__), "_bundled", "pip-*.whl"),
    "/usr/share/python-wheels/pip-*.whl",
)
# ansible-test says in GET_PIP which file it runs: .../get_pip_25_2.py
NAME = os.path.splitext(os.path.basename(os.environ["GET_PIP"]))[0]
VERSION = NAME.replace("get_pip_", "").replace("_", ".")

wheels = [wheel for pattern in PATTERNS for wheel in glob.glob(pattern)]
if not wheels:
    sys.exit("No pip wheel for {0}: looked for {1}".format(sys.executable, " and ".join(PATTERNS)))
sys.path.insert(0, sorted(wheels)[-1])

from pip._internal.cli.main import main  # noqa: E402

arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(main(["install", "-q", "pip==" + VERSION] + arguments))
