# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The control node's part of the modules that run on hosts: their result gets a line for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible import context
from ansible.module_utils import basic
from ansible.plugins.action.normal import ActionModule as Normal
from ansible.release import __version__
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._in_a_line import brief, in_a_line

_LEAST = (3, 7)  # of what the core is written for


class Presented(Normal):
    """Run the module as Ansible runs all others, and say in ``msg`` what came of it.

    By ``ansible -m`` nobody can register the result, and Ansible prints all of it. So only what is said in few words is
    left, unless details are asked for with ``-v``.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result with ``msg``."""
        result: dict[str, Any] = super().run(tmp, task_vars)  # type: ignore[no-untyped-call]
        cause = why_not_run(result)
        if cause:
            return {**result, "msg": cause}
        if "changed" not in result or result.get("skipped") or "ansible_job_id" in result:
            return result
        if not result.get("failed") and "msg" not in result:
            result["msg"] = in_a_line(result, bool(self._task.check_mode))
        return brief(result) if _is_ad_hoc() and "only" not in self._task.args else result


def why_not_run(result: Mapping[str, Any]) -> str | None:
    """Return in words that the host's Python cannot run a module, where it is that; Ansible shows a traceback only."""
    said = f"{result.get('module_stderr', '')} {result.get('module_stdout', '')}"
    if not result.get("failed") or not said.strip():
        return None
    if "\nSyntaxError: " in said:
        known = getattr(basic, "_PY_MIN", None)  # not a version before ansible-core 2.17
        least = ".".join(map(str, max(_LEAST, known) if isinstance(known, tuple) else _LEAST))
        needed = f"this collection with ansible-core {__version__} needs Python {least} there"
        remedy = "Install a newer one, such as python3.9, and set ansible_python_interpreter to its path"
        return f"The Python of the host is too old: {needed}. {remedy}."
    if result.get("rc") == 127 and re.search(r"python\S*: (command )?not found|No such file or directory", said):
        return (
            "There is no Python where Ansible looks for it. Install one, or set ansible_python_interpreter to its path."
        )
    return None


def _is_ad_hoc() -> bool:
    given = context.CLIARGS
    return bool(given.get("module_name")) and not given.get("verbosity")
