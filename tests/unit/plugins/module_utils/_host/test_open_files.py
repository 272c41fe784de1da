# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import resource
from typing import List, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import unit_properties
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.command import Outcome
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.open_files import lack_of_files
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of, outlook_of

ADDRESSES = [f"10.1.{number // 250}.{number % 250 + 1}" for number in range(1100)]
SMTP = "smtp inet n - y - - smtpd\n"
PICKUP = "pickup unix n - y 60 1 pickup\n"


@pytest.fixture(name="outlook", scope="module", params=[SMTP + PICKUP, PICKUP + SMTP], ids=["first", "second"])
def _outlook(request: pytest.FixtureRequest) -> Outlook:
    settings = {"inet_interfaces": ", ".join(ADDRESSES), "inet_protocols": "ipv4"}
    return outlook_of(settings, request.param, host_of(*(f"{address}/32" for address in ADDRESSES)), "3.7")


@pytest.mark.parametrize(
    "said, at_first, later",
    [
        (["LimitNOFILE=524288", "LimitNOFILESoft=1024"], "may have 1024 files", None),
        (["LimitNOFILE=4096", "LimitNOFILESoft=4096"], None, None),
        (["LimitNOFILE=1024", "LimitNOFILESoft=1024"], "may have 1024 files", "may have 1024 files"),
        (["LimitNOFILE=infinity", "LimitNOFILESoft=infinity"], None, None),
        ([], None, None),
    ],
)
def test_the_limits_of_a_unit(
    outlook: Outlook, monkeypatch: pytest.MonkeyPatch, said: List[str], at_first: Optional[str], later: Optional[str]
) -> None:
    """The soft limit counts for the sockets of the first service only: afterwards the master raises it."""
    monkeypatch.setattr(unit_properties, "run", lambda command, deadline: Outcome("", 0, said))
    expected = at_first if outlook.services[0].type == "inet" else later
    lack = lack_of_files(outlook.listeners, outlook.services, "postfix.service")
    assert (expected is None) == (lack is None)
    if lack:
        assert expected in lack
        assert lack.startswith("The master would open 1100 sockets")
        assert lack.endswith("Set LimitNOFILE=3224 in postfix.service.")


def test_the_limits_of_this_process(outlook: Outlook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda what: (4096, resource.RLIM_INFINITY))
    assert lack_of_files(outlook.listeners, outlook.services, None) is None
    monkeypatch.setattr(resource, "getrlimit", lambda what: (1024, 1024))
    assert "ulimit -n" in (lack_of_files(outlook.listeners, outlook.services, None) or "")
    assert lack_of_files([], outlook.services, None) is None
