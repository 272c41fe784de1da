# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control node's part of the module postfix_report, which is all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible.constants import DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]  # as all of Ansible's settings
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.answer import OPTIONS, answer_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.failing import keep
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import HostResult, Record
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import FAIL_ON, make_report
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.batches import groups_of

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
            {
                "kind": {"type": "str", "default": "audit"},
                "result": {"type": "str", "required": True},
                "hosts": {"type": "list", "elements": "str"},
                "groups": {"type": "list", "elements": "str", "default": []},
                "foretold": {"type": "bool", "default": True},
                "records": {"type": "raw"},
                "domains": {"type": "list", "elements": "str"},
                "fail_on": {"type": "str", "choices": list(FAIL_ON), "default": "error"},
                **OPTIONS,
            }
        )
        results = _results(options, variables)
        try:
            look = _look(options, variables, [known.host for known in results])
        except InputError as error:
            raise AnsibleActionFail(str(error)) from error
        report = make_report(options["kind"], results, options["foretold"], options["fail_on"], look=look)
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


def _results(options: Mapping[str, Any], variables: Mapping[str, Any]) -> list[HostResult]:
    """Return what each host has in the variable, as it was registered: nothing in it is taken for a template."""
    hostvars, groups = variables["hostvars"], groups_of(options["groups"], variables["groups"])
    hosts = options["hosts"] or variables["ansible_play_hosts_all"]
    return [HostResult(host, groups.get(host), hostvars.raw_get(host).get(options["result"])) for host in hosts]
