# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The control node's part of the modules that run on hosts: their result gets a line for people."""

from __future__ import annotations

from typing import Any

from ansible import context
from ansible.plugins.action.normal import ActionModule as Normal
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._in_a_line import brief, in_a_line


class Presented(Normal):
    """Run the module as Ansible runs all others, and say in ``msg`` what came of it.

    By ``ansible -m`` nobody can register the result, and Ansible prints all of it. So only what is said in few words is
    left, unless details are asked for with ``-v``.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result with ``msg``."""
        result: dict[str, Any] = super().run(tmp, task_vars)  # type: ignore[no-untyped-call]
        if "changed" not in result or result.get("skipped") or "ansible_job_id" in result:
            return result
        if not result.get("failed") and "msg" not in result:
            result["msg"] = in_a_line(result, bool(self._task.check_mode))
        return brief(result) if _is_ad_hoc() and "only" not in self._task.args else result


def _is_ad_hoc() -> bool:
    given = context.CLIARGS
    return bool(given.get("module_name")) and not given.get("verbosity")
