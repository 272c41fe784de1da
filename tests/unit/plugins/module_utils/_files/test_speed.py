# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten times the lines take some ten times as long, not a hundred times. What they take exactly, `make bench` tells."""

from __future__ import annotations

from typing import Callable

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf_edit import MasterCfEditor
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of, plan_of
from ansible_collections.mailfleet.postfix.tests.unit.processor_time import costs

HOST = host_of("127.0.0.1/8", "::1/128")
CHANGE = ServiceChange("127.0.0.1:7", command="smtpd", options={"a": "x"})


def main_cf(lines: int) -> str:
    parts = ["# Comment {0}\nparameter_{0} = value {0},\n    more $of_it\n\n".format(n) for n in range(lines // 4)]
    return "".join(parts)


def master_cf(lines: int) -> str:
    entry = "127.0.0.1:{0} inet n - y - - smtpd\n  -o a=b{0}\n# c\n  -o {{ c = d e }}\n"
    return "".join(entry.format(n + 1) for n in range(lines // 4))


def edit_main(lines: int) -> Callable[[], object]:
    text = main_cf(lines)
    return lambda: MainCf(text).set("inet_interfaces", "127.0.0.1")


def edit_master(lines: int) -> Callable[[], object]:
    text = master_cf(lines)
    return lambda: MasterCfEditor(text).put(CHANGE)


def report_main(lines: int) -> Callable[[], object]:
    text = main_cf(lines)
    return lambda: MainCf(text).problems()


def report_master(lines: int) -> Callable[[], object]:
    text = master_cf(lines)
    return lambda: MasterCfEditor(text).problems()


def plan(lines: int) -> Callable[[], object]:
    main, master = main_cf(lines), master_cf(lines // 4)
    wanted = Wanted({"inet_interfaces": ["loopback-only"]}, services=[CHANGE])
    return lambda: plan_of(wanted, main, master, HOST)


@pytest.mark.duration
@pytest.mark.parametrize("work", [edit_main, edit_master, report_main, report_master, plan])
def test_the_time_is_linear_in_the_size(work: Callable[[int], Callable[[], object]]) -> None:
    few, many = costs(work(400), work(4000))
    assert many < 30 * few
