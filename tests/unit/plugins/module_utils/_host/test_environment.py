# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import resource
from typing import List, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.environment import require_linux
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.more_files import more_files

INFINITE = resource.RLIM_INFINITY


def test_only_linux_is_managed() -> None:
    require_linux("linux")
    require_linux()
    with pytest.raises(InputError, match="host: 'freebsd14' is not managed"):
        require_linux("freebsd14")


@pytest.mark.parametrize(
    "limits, expected",
    [
        ((100, 1000), [(150, 1000), (100, 1000)]),
        ((100, 120), [(120, 120), (100, 120)]),
        ((100, INFINITE), [(150, INFINITE), (100, INFINITE)]),
        ((INFINITE, INFINITE), [(INFINITE, INFINITE)]),
    ],
)
def test_more_files_as_far_as_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch, limits: Tuple[int, int], expected: List[Tuple[int, int]]
) -> None:
    said: List[Tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda which, values: said.append(values))
    with more_files(50):
        assert said == expected[:-1]
    assert said == expected
