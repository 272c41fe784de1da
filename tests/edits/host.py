# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that cases are tried on, through a process there that runs the module."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ansible

from ..json_lines import ask
from .compare import Runs

_REPOSITORY = Path(__file__).resolve().parents[2]
_LONGEST = 400.0  # seconds for one request


class TrialHost:
    """The driver on a host, as a context manager.

    :param root: the host's file system
    :param command: how a command starts that runs on the host
    :param unit: what runs Postfix there
    """

    def __init__(self, root: Path, command: Sequence[str], unit: str) -> None:
        self._place, self._command, self._unit = root / "root/edits", list(command), unit

    def __enter__(self) -> TrialHost:
        shutil.rmtree(self._place, ignore_errors=True)
        library = Path(ansible.__file__).parent
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(library / "module_utils", self._place / "ansible/module_utils", ignore=skip)
        (self._place / "ansible/__init__.py").touch()  # as in what Ansible sends
        shutil.copy(library / "release.py", self._place / "ansible")
        collection = self._place / "ansible_collections/mailfleet/postfix/plugins"
        for name in ("modules", "module_utils"):
            shutil.copytree(_REPOSITORY / "plugins" / name, collection / name, ignore=skip)
        for file in (Path(__file__).with_name("driver.py"), _REPOSITORY / "tests/holder.py"):
            shutil.copy(file, self._place)
        self._driver = subprocess.Popen(
            [*self._command, "python3", "/root/edits/driver.py", self._unit],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(self, *_unused: object) -> None:
        self._driver.kill()
        self._driver.communicate()

    def try_out(self, case: dict[str, Any]) -> Runs:
        """Get the host ready, and run the module in check mode, for real, and for real again."""
        self._ask(do="prepare", case=case)
        seen = [self._ask(do="look")]
        for check in (True, False, False):
            seen.append(self._ask(do="run", options=case["options"], check=check))
            seen.append(self._ask(do="look"))
        return Runs(*seen)

    def _ask(self, **request: Any) -> dict[str, Any]:
        answer = ask(self._driver, request, str(request), _LONGEST)
        if request["do"] != "run" and "trouble" in answer:
            raise RuntimeError(answer["trouble"])
        return answer
