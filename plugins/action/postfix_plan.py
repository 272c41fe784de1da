# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control node's part of the module postfix_plan, which is all of it."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import mapping_resolver
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.fleet import (
    NAMES,
    Settings,
    read_inventory,
    report_of_plan,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.foresee import Foreseer, read_stock
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.known import Known, Records, read_audit
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.side import Side
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.answer import OPTIONS, answer_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import FAIL_ON, Report
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.batches import batches
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.controls import read_controls

_MOST = 20  # hosts that the task that fails names


class ActionModule(ActionBase):
    """Foresee what one inventory does to hosts that go by another one, without a connection to any host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write the files that are asked for, and return the table and why hosts fail."""
        super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(  # type: ignore[no-untyped-call]
            {
                "base": {"type": "path", "required": True},
                "proposal": {"type": "path", "required": True},
                "groups": {"type": "raw", "default": ["mail"]},
                "playbook_directory": {"type": "str"},
                "addresses": {"type": "str"},
                "audit": {"type": "path"},
                "names": {"type": "raw", "default": {}},
                "version": {"type": "str"},
                "stock": {"type": "path"},
                "confirm": {"type": "raw"},
                "fail_on": {"type": "str", "choices": list(FAIL_ON), "default": "error"},
                "fail_on_unknown": {"type": "bool", "default": False},
                "only_new": {"type": "bool", "default": False},
                **OPTIONS,
            }
        )
        usual = gc.get_threshold()
        gc.set_threshold(100_000, 50, 1000)  # most of what a large fleet takes stays, and would be looked through often
        try:
            report = self._report(options)
            failures = report.failures()
            answer = answer_of(report, options, failures)
        except InputError as error:
            raise AnsibleActionFail(str(error)) from error
        finally:
            gc.set_threshold(*usual)
        return {**answer, "difference": report.difference, "verdict": _verdict(failures)}

    def _report(self, options: Mapping[str, Any]) -> Report:
        """Return the plan.

        :raises InputError: one of the options is not what it is to be, or an inventory cannot be read
        """
        audit = read_audit(options["audit"]) if options["audit"] else {}
        known = Known(options["addresses"], options["version"], audit)
        resolve = mapping_resolver(options["names"], NAMES)
        foreseer = Foreseer(resolve, read_stock(options["stock"]) if options["stock"] else None)
        parsed: dict[Any, Any] = {}
        proposal = self._side("proposal", options, parsed)
        batches(options["groups"], proposal.groups)
        largest = max(len(proposal.groups[group]) for group in options["groups"])
        confirm = read_controls({"confirm": options["confirm"]}, largest, "", None, largest).confirm
        asked = read_inventory(proposal, options["groups"], known, Records())
        settings = Settings(
            options["groups"],
            known,
            foreseer,
            confirm,
            options["fail_on"],
            options["only_new"],
            options["fail_on_unknown"],
        )
        del proposal  # only what was asked is needed of it
        base = read_inventory(self._side("base", options, parsed), options["groups"], known)
        parsed.clear()
        return report_of_plan(base, asked, settings)

    def _side(self, name: str, options: Mapping[str, Any], parsed: dict[Any, Any]) -> Side:
        secrets = self._loader._vault.secrets  # the only place where Ansible keeps them
        return Side(f"mailfleet_{name}", options[name], secrets, options["playbook_directory"], parsed)


def _verdict(failures: Mapping[str, str]) -> str | None:
    """Return why the playbook fails, in one text; None if it does not."""
    if not failures:
        return None
    told = [f"{host}: {why}" for host, why in list(failures.items())[:_MOST]]
    more = [f"and {len(failures) - _MOST} more"] if len(failures) > _MOST else []
    number = "1 host fails" if len(failures) == 1 else f"{len(failures)} hosts fail"
    return f"{number}. {' '.join([*told, *more])}"
