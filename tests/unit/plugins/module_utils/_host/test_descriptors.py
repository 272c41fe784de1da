# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import resource
from typing import List, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import descriptors
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.descriptors import make_room


@pytest.fixture(name="limits")
def _limits(monkeypatch: pytest.MonkeyPatch) -> List[Tuple[int, int]]:
    """The limits of a process that has 10 files open, and those that it has asked for."""
    limits = [(100, 200)]
    monkeypatch.setattr(descriptors.os, "listdir", lambda path: ["x"] * 10)
    monkeypatch.setattr(resource, "getrlimit", lambda what: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda what, wanted: limits.append(wanted))
    return limits


def test_there_is_room(limits: List[Tuple[int, int]]) -> None:
    assert make_room(58) == 58
    assert limits == [(100, 200)]


def test_the_soft_limit_is_raised(limits: List[Tuple[int, int]]) -> None:
    assert make_room(59) == 59
    assert limits[-1] == (101, 200)


def test_the_hard_limit_stays(limits: List[Tuple[int, int]]) -> None:
    assert make_room(1000) == 158
    assert limits[-1] == (200, 200)


def test_there_is_hardly_any_room(limits: List[Tuple[int, int]]) -> None:
    limits[0] = (16, 16)
    assert make_room(50) == 1


def test_without_limits(limits: List[Tuple[int, int]]) -> None:
    limits[0] = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    assert make_room(1 << 20) == 1 << 20
    assert len(limits) == 1
