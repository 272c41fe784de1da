# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What a task that makes a report takes and returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.files import FORMATS, write
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.table import as_table

#: the options that say where to write it, by format
OPTIONS = {name: {"type": "path"} for name in FORMATS}


def answer_of(
    report: Report, options: Mapping[str, Any], failures: Mapping[str, str], more: Sequence[str] = ()
) -> dict[str, Any]:
    """Write a report in the formats that are asked for, and return what the task returns.

    :param failures: why each host fails that does
    :param more: lines below the table
    :raises AnsibleActionFail: a file cannot be written
    """
    try:
        paths = {name: write(report, name, options[name]) for name in FORMATS if options[name]}
    except OSError as error:
        raise AnsibleActionFail(f"The report cannot be written: {error}") from error
    return {
        "changed": False,
        "paths": paths,
        "table": [*as_table(report), *more, *(f"{name}: {path}" for name, path in paths.items())],
        "summary": report.summary(),
        "findings": report.fleet,
        "failures": failures,
    }
