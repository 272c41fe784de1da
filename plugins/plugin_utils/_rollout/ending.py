# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The end of a rollout that did not come to its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import HostResult, records_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import printable, report_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.table import as_table
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.account import Account

_AT_WORK = (
    "The rollout ended while it was at work on this host, which completes or undoes by itself what was begun. "
    "Run the playbook again."
)


def ending(account: Account, results: Mapping[str, Any], check_mode: bool) -> list[str]:
    """Return the table of what was done and what was not reached.

    :param results: of the batch at work, by host: what the role returned, or None if it was at work
    """
    groups = account.groups()
    late = [
        HostResult(host, groups.get(host), results[host], None if results[host] is not None else _AT_WORK)
        for host in account.current
        if host in results
    ]
    records = [printable(record) for record in records_of(late, check_mode)]
    report = report_of(list(account.records(records)), "converge", "never")
    head = (
        f"The rollout did not come to its end. It was in batch {account.batch} of {account.batches}; "
        f"{account.done} of {account.hosts} hosts were done before."
    )
    return ["", head, "", *as_table(report), ""]
