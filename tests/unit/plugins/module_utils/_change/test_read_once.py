# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan asks each rule once for what is and once for what will be, and each name once.

Each file is read as it is, and once more after each edit of it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Callable, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import Address, parse_address
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.effective_view import effective_view
from ansible_collections.mailfleet.postfix.plugins.module_utils._files import main_cf, master_cf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules import mynetworks, outlook, source_addresses
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of, plan_of

HOST = host_of("127.0.0.1/8", "10.77.0.1/24", "10.77.0.2/24", "::1/128")
MAIN = "inet_interfaces = mx.test\n"
MASTER = "smtp inet n - n - - smtpd\n587 inet n - n - - smtpd\nsmtp unix - - n - - smtp\nlmtp unix - - n - - lmtp\n"


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted({"inet_interfaces": ["mx.test", "127.0.0.1"]}),
        Wanted({"inet_interfaces": "mx.test"}),
        Wanted({"inet_protocols": "ipv4"}, services=[ServiceChange("587", options={"smtpd_tls_wrappermode": "yes"})]),
        Wanted({"proxy_interfaces": "mx.test", "smtp_bind_address": "10.77.0.1"}),
    ],
    ids=["inet_interfaces", "no change", "a service too", "source and proxy"],
)
def test_each_once(wanted: Wanted, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter = Counter()

    def counted(room: Any, name: str, rule: Callable[..., Any]) -> None:
        def call(*arguments: Any, **more: Any) -> Any:
            calls[f"{room.__name__.rpartition('.')[2]}.{name}"] += 1
            return rule(*arguments, **more)

        monkeypatch.setattr(room, name, call)

    for name in ("own_addresses", "proxy_addresses", "listeners"):
        counted(outlook, name, getattr(outlook, name))
    # These two are imported where they are asked.
    counted(source_addresses, "source_addresses", source_addresses.source_addresses)
    counted(mynetworks, "default_mynetworks", mynetworks.default_mynetworks)
    counted(main_cf, "logical_lines", main_cf.logical_lines)
    counted(master_cf, "logical_lines", master_cf.logical_lines)
    names: List[str] = []

    def resolve(name: str) -> List[Address]:
        names.append(name)
        address = parse_address("10.77.0.1")
        return [address] if address else []

    plan = plan_of(wanted, MAIN, MASTER, HOST, names=resolve)
    assert effective_view(plan.before)["error"] is None
    assert effective_view(plan.after)["error"] is None
    edits = len(wanted.values) or 1
    assert calls.pop("main_cf.logical_lines") <= 1 + edits, calls
    assert max(calls.values()) <= 2, calls
    assert names == ["mx.test"]
