# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In place of get-pip.py, which ansible-test fetches from a host of its own: pip from the package index.

The pip that this Python's ensurepip carries installs the one that is wanted.
ansible-test finds it as ~/.ansible/test/cache/get_pip_VERSION.py and runs it in a bare virtual environment.
"""

from __future__ import annotations

import ensurepip
import glob
import os
import sys

# ansible-test says in GET_PIP which file it runs: .../get_pip_25_2.py
NAME = os.path.splitext(os.path.basename(os.environ["GET_PIP"]))[0]
VERSION = NAME.replace("get_pip_", "").replace("_", ".")

# Where ensurepip keeps its wheel; and where Debian does, whose ensurepip has none.
BUNDLED = os.path.join(os.path.dirname(ensurepip.__file__), "_bundled", "pip-*.whl")
wheels = glob.glob(BUNDLED) or glob.glob("/usr/share/python-wheels/pip-*.whl")
if not wheels:
    sys.exit("No pip wheel for {0}: is its venv module complete?".format(sys.executable))
sys.path.insert(0, sorted(wheels)[-1])

from pip._internal.cli.main import main

arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(main(["install", "-q", "pip==" + VERSION] + arguments))
