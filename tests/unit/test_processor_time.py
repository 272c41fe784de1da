# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bound of processor time can fail, and is one of seconds on a machine as fast as the usual one."""

from __future__ import absolute_import, annotations, division, print_function

from typing import List

import pytest
from ansible_collections.mailfleet.postfix.tests.unit import processor_time
from ansible_collections.mailfleet.postfix.tests.unit.processor_time import costs, within


def busy(number: int = 300000) -> int:
    return sum(range(number))


def test_what_is_slow_each_time_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor_time, "_speed", lambda: 1.0)
    turns: List[int] = []
    with pytest.raises(AssertionError, match=r"took [\d., ]+ s of processor time, not 0.0001 s"):
        within(0.0001, lambda: turns.append(busy()))
    assert len(turns) == 3


def test_one_quick_turn_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor_time, "_speed", lambda: 1.0)
    assert within(5, busy) == busy()


@pytest.mark.parametrize("speed, passes", [(0.001, False), (1.0, False), (10000.0, True)])
def test_only_a_slow_machine_gets_more(speed: float, passes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor_time, "_speed", lambda: speed)
    if passes:
        within(0.0001, busy)
    else:
        with pytest.raises(AssertionError):
            within(0.0001, busy)


def test_ten_times_the_work_costs_more() -> None:
    few, many = costs(lambda: busy(10000), lambda: busy(1000000), turns=3)
    assert many > few
