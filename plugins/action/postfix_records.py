# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control node's part of the module postfix_records, which is all of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.ask import Question, ask, resolver_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.inventory import (
    addresses_by_facts,
    sources_by_variables,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.read import name_in_dns
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.files import replace

_MOST = 8  # lines of a kind


class ActionModule(ActionBase):
    """Ask DNS about the source addresses of the inventory, without a connection to any host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write what DNS says, and return it."""
        super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(  # type: ignore[no-untyped-call]
            {
                "path": {"type": "path", "required": True},
                "hosts": {"type": "list", "elements": "str"},
                "domains": {"type": "list", "elements": "str", "default": []},
                "nameservers": {"type": "list", "elements": "str", "default": []},
                "timeout": {"type": "float", "default": 5},
            }
        )
        variables = task_vars or {}
        try:
            resolver = resolver_of(options["nameservers"], options["timeout"])
            domains = [name_in_dns("domains", domain) for domain in options["domains"]]
            questions, left_out = _questions(options["hosts"] or variables["ansible_play_hosts_all"], variables)
            records = ask(questions, domains, resolver)
        except InputError as error:
            raise AnsibleActionFail(str(error)) from error
        try:
            content = json.dumps(records, ensure_ascii=False, indent=2) + "\n"
            path = replace(options["path"], content.encode("utf-8", "replace"))
        except OSError as error:
            raise AnsibleActionFail(f"The records cannot be written: {error}") from error
        asked = f"asked DNS about {len({question.address for question in questions})} addresses"
        about = f" and {len(records['domains'])} domains of envelope senders"
        lines = [*_few("not answered", records["errors"]), *_few("left out", left_out)]
        lines += [f"{asked}{about}", f"records: {path}"]
        return {"changed": False, "path": path, "records": records, "left_out": left_out, "lines": lines}


def _few(word: str, entries: list[str]) -> list[str]:
    """Return the first entries as lines, and how many more there are."""
    more = [f"{word}: {len(entries) - _MOST} more"] if len(entries) > _MOST else []
    return [*(f"{word}: {entry}" for entry in entries[:_MOST]), *more]


def _questions(hosts: list[str], variables: Mapping[str, Any]) -> tuple[list[Question], list[str]]:
    """Return what to ask of the sources that are not retired, and why not of some.

    :raises InputError: for sources that the role would refuse
    """
    hostvars = variables["hostvars"]
    questions, left_out = [], []
    for held in sources_by_variables(hosts, hostvars):
        if held.source.state == "retired":
            continue
        try:
            facts = hostvars[held.host].get("ansible_facts") if held.source.select else None
            addresses = addresses_by_facts(held, facts or {})
        except InputError as error:
            left_out.append(f"{held.source.name} of {held.host}, whose addresses are selected on the host: {error}")
            continue
        questions += [Question(address, held.source.helo) for address in addresses]
    return questions, left_out
