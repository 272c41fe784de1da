# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hundreds of sources cost on one host; tests/bench/in_sync.py measures the same of whole runs on a real one."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Plan, Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.effective_view import effective_view
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import (
    read_sources,
    services_of,
    source_findings,
)
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import BOOKWORM, host_of, plan_of
from ansible_collections.mailfleet.postfix.tests.unit.processor_time import costs

HOST = host_of("lo 127.0.0.1/8", *("eth0 10.9.%d.%d/16" % divmod(number, 250) for number in range(1, 301)))
MASTER = "smtp inet n - y - - smtpd\nsmtp unix - - y - - smtp\nrelay unix - - y - - smtp\nlmtp unix - - y - - lmtp\n"


class Fleet:
    """So many sources, among which the weights choose."""

    def __init__(self, count: int) -> None:
        self.mapping: Dict[str, Any] = {
            "out%d" % number: {"address": "10.9.%d.%d" % divmod(number, 250), "helo": "out%d.example.net" % number}
            for number in range(1, count + 1)
        }
        names = ", ".join("%s:" % name for name in self.mapping)
        self.main = "sender_dependent_default_transport_maps = randmap:{%s}\n" % names
        self.services = services_of(read_sources(self.mapping), HOST, BOOKWORM, "all", lambda name: None)
        self.edited = self.by_name(MASTER).master

    def by_name(self, master: str) -> Plan:
        return self._plan(master, Wanted({}, sources=read_sources(self.mapping)))

    def by_services(self, master: str) -> Plan:
        """What the same text costs whoever has asked for it."""
        return self._plan(master, Wanted({}, services=self.services))

    def _plan(self, master: str, wanted: Wanted) -> Plan:
        plan = plan_of(wanted, self.main, master, HOST)
        plan.findings  # noqa: B018  # only found when asked for
        effective_view(plan.after)
        source_findings(wanted.sources, plan.after)
        return plan


@pytest.mark.duration
@pytest.mark.parametrize("again", [False, True], ids=["a plan", "a run that changes nothing"])
def test_three_hundred_sources_cost_what_their_text_does(again: bool) -> None:
    few, many = Fleet(3), Fleet(300)
    assert many.edited.count(" smtp\n") == 302
    assert many.by_name(many.edited).master == many.edited == many.by_services(MASTER).master
    masters = [fleet.edited if again else MASTER for fleet in (few, many)]
    three, hundreds, text_of_three, text = costs(
        lambda: few.by_name(masters[0]),
        lambda: many.by_name(masters[1]),
        lambda: few.by_services(masters[0]),
        lambda: many.by_services(masters[1]),
    )
    assert hundreds < 1.5 * (three + text - text_of_three)


@pytest.mark.duration
def test_the_time_is_linear_in_the_number_of_sources() -> None:
    few, many = Fleet(30), Fleet(300)
    thirty, hundreds = costs(lambda: few.by_name(few.edited), lambda: many.by_name(many.edited))
    assert hundreds < 20 * thirty
