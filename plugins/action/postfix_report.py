# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control node's part of the module postfix_report, which is all of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible.constants import DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]  # as all of Ansible's settings
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.answer import OPTIONS, answer_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.failing import keep
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.kept import KeptRecords
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import (
    HostResult,
    Record,
    by_host,
    records_of,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import FAIL_ON, printable, report_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.batches import groups_of, part_at

#: in Ansible's own directory for the files of one run
_NAME = "mailfleet-report.jsonl"

if TYPE_CHECKING:
    from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.world import World


class ActionModule(ActionBase):
    """Make the report from the results that the play has registered, without a connection to any host."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write the files that are asked for, and return the table and why hosts fail."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        _validated, options = self.validate_argument_spec(  # type: ignore[no-untyped-call]
            mutually_exclusive=[("hosts", "parts")],
            argument_spec={
                "kind": {"type": "str", "default": "audit"},
                "result": {"type": "str", "required": True},
                "hosts": {"type": "list", "elements": "str"},
                "parts": {"type": "list", "elements": "int"},
                "groups": {"type": "list", "elements": "str", "default": []},
                "foretold": {"type": "bool", "default": True},
                "records": {"type": "raw"},
                "domains": {"type": "list", "elements": "str"},
                "fail_on": {"type": "str", "choices": list(FAIL_ON), "default": "error"},
                **OPTIONS,
            },
        )
        hosts = options["hosts"] or list(variables["ansible_play_hosts_all"])
        try:
            records = _of_parts(hosts, options, variables) if options["parts"] else _records(hosts, options, variables)
            look = None if records is None else _look(options, variables, hosts)
        except InputError as error:
            raise AnsibleActionFail(str(error)) from error
        if records is None:
            return {"changed": False}
        report = report_of(records, options["kind"], options["fail_on"], look=look)
        failures = report.failures()
        keep(DEFAULT_LOCAL_TMP, failures)
        return answer_of(report, options, failures)


def _look(
    options: Mapping[str, Any], variables: Mapping[str, Any], hosts: Sequence[str]
) -> Callable[[Sequence[Record]], World] | None:
    """Return what tells what the world sees of the hosts; None where nothing is given that is known of DNS.

    :raises InputError: that, or the sources of a host, cannot be meant
    """
    if options["records"] is None or options["records"] == "":
        return None
    from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.inventory import sources_by_variables
    from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.read import name_in_dns, read_records
    from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.world import world_of

    records = read_records(options["records"])
    given = options["domains"]
    domains = records["domains"] if given is None else [name_in_dns("mailfleet_domains", each) for each in given]
    held = sources_by_variables(hosts, variables["hostvars"])
    return lambda instances: world_of(held, records, list(dict.fromkeys(domains)), instances)


def _of_parts(hosts: list[str], options: Mapping[str, Any], variables: Mapping[str, Any]) -> list[Record] | None:
    """Keep the records of this part of the hosts, and return those of all with the last part."""
    place = hosts.index(variables["ansible_play_batch"][0])
    _number, start, end = part_at(place, options["parts"])
    path = os.path.join(DEFAULT_LOCAL_TMP, _NAME)
    if not start and os.path.exists(path):  # of another play that did not come to its end
        os.unlink(path)
    kept = KeptRecords(path)
    kept.add(_records(hosts[start:end], options, variables))
    if end < len(hosts):
        return None
    known = by_host(kept)
    os.unlink(path)
    groups = groups_of(options["groups"], variables["groups"])
    left_alone = records_of([HostResult(host, groups.get(host), None) for host in hosts if host not in known])
    known.update(by_host(left_alone))
    return [record for host in hosts for record in known[host]]


def _records(hosts: list[str], options: Mapping[str, Any], variables: Mapping[str, Any]) -> list[Record]:
    """Return the records of what hosts have in the variable, as registered: nothing in it is taken for a template."""
    hostvars, groups = variables["hostvars"], groups_of(options["groups"], variables["groups"])
    results = [HostResult(host, groups.get(host), hostvars.raw_get(host).get(options["result"])) for host in hosts]
    return [printable(record) for record in records_of(results, options["foretold"])]
