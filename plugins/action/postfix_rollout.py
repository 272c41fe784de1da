# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control node's part of the module postfix_rollout, which is all of it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from ansible.constants import DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]  # as all of Ansible's settings
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.answer import OPTIONS, answer_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.failing import keep
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import (
    HostResult,
    Record,
    count_of_hosts,
    records_of,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import printable, report_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.table import batch_lines
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.account import Account
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.batches import groups_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.controls import Controls, read_controls

_DROPPED = "Ansible has dropped the host, as it, or what a hook delegates to, could not be reached."


class ActionModule(ActionBase):
    """Keep the account of a rollout, without a connection to any host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Do one step for all hosts of a part of a batch, or for all of the rollout."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        _validated, options = self.validate_argument_spec(  # type: ignore[no-untyped-call]
            {
                "step": {"type": "str", "choices": ["begin", "record", "close"], "required": True},
                "groups": {"type": "list", "elements": "str", "default": []},
                "sizes": {"type": "list", "elements": "int", "default": []},
                "parts": {"type": "list", "elements": "int", "default": []},
                "controls": {"type": "dict", "default": {}},
                "result": {"type": "str"},
                "problem": {"type": "str"},
                "complete": {"type": "bool", "default": False},
                **OPTIONS,
            }
        )
        account = Account(DEFAULT_LOCAL_TMP)
        if options["step"] == "begin":
            return {"changed": False, **self._begin(account, options, variables)}
        controls = Controls(**options["controls"])
        if options["step"] == "record":
            return {"changed": False, **self._record(account, controls, options, variables)}
        return _close(account, controls, options)

    def _begin(self, account: Account, options: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        groups = groups_of(options["groups"], variables["groups"])
        hosts = {host: groups[host] for host in variables["ansible_play_hosts_all"]}
        try:
            controls = read_controls(
                options["controls"],
                len(hosts),
                _directory(variables),
                self._loader.load_from_file,
                max(options["parts"] or options["sizes"], default=1),
            )
        except InputError as error:
            raise AnsibleActionFail(str(error)) from error
        if not account.is_open:
            account.open(hosts, options["sizes"], options["parts"])
        elif controls.pause and account.is_over and not self._task.check_mode:
            time.sleep(controls.pause)
        begun = account.begin(variables["ansible_play_batch"])
        what = f": {count_of_hosts(account.size)} of {', '.join(begun)}; " if begun else " goes on: "
        return {"controls": controls._asdict(), "lines": [f"{_place(account)}{what}{_progress(account)}"]}

    def _record(
        self, account: Account, controls: Controls, options: Mapping[str, Any], variables: Mapping[str, Any]
    ) -> dict[str, Any]:
        there = set(variables["ansible_play_hosts"])
        groups, hostvars = groups_of(options["groups"], variables["groups"]), variables["hostvars"]
        results = []
        for host in account.current:
            known = hostvars.raw_get(host)
            result, problem = known.get(options["result"]), known.get(options["problem"])
            if host not in there and result and not result.get("skipped"):
                problem = _DROPPED
            elif host not in there:
                result = {"unreachable": True, "msg": _DROPPED}
            results.append(HostResult(host, groups.get(host), result, problem))
        if not options["complete"] and _is_unfinished(controls, results):
            return {"unfinished": True, "stop": False, "lines": []}
        records: list[Record] = [printable(record) for record in records_of(results, self._task.check_mode)]
        account.record(records, controls, self._task.check_mode)
        if account.ends:
            keep(DEFAULT_LOCAL_TMP, account.failures(controls), teller=variables["inventory_hostname"])
        head = [f"{_place(account)} is over: {_progress(account)}"] if account.is_over else []
        lines = [*head, *(f"  {line}" for line in batch_lines(records))]
        left = account.hosts - account.done
        if account.stopped and left:
            untouched = f"{count_of_hosts(left)} of later batches {'is' if left == 1 else 'are'} not touched"
            lines.append(f"The rollout stops here; {untouched}.")
        return {"unfinished": False, "stop": account.stopped, "lines": lines}


def _close(account: Account, controls: Controls, options: Mapping[str, Any]) -> dict[str, Any]:
    report = report_of(list(account.records()), "converge", "never")
    skipped = [f"skipped, as they could not be reached: {', '.join(account.skipped)}"] if account.skipped else []
    answer = answer_of(report, options, account.failures(controls), skipped)
    account.close()
    return answer


def _is_unfinished(controls: Controls, results: list[HostResult]) -> bool:
    """Return whether hosts of the part have tasks besides the role: a hook, or a change that is to be confirmed."""
    hooks = controls.before or controls.after
    return bool(hooks) or any(each.result and each.result.get("confirm") for each in results)


def _directory(variables: Mapping[str, Any]) -> str:
    """Return where relative paths of hooks start: the directory of the first inventory, or the present one."""
    for source in variables.get("ansible_inventory_sources") or ():
        if os.path.exists(source):
            return str(os.path.realpath(source if os.path.isdir(source) else os.path.dirname(source)))
    return os.getcwd()


def _place(account: Account) -> str:
    return f"batch {account.batch} of {account.batches}"


def _progress(account: Account) -> str:
    skipped = f", {len(account.skipped)} skipped" if account.skipped else ""
    return f"{account.done} of {count_of_hosts(account.hosts)} done, {len(account.problems)} failed{skipped}"
