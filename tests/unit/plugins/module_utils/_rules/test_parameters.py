# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import parse_version


@pytest.mark.parametrize(
    "text, version",
    [
        ("3.7", (3, 7)),
        ("3.7.11", (3, 7, 11)),
        ("3.12-20260821", (3, 12)),
        (" 3.10.13-0+deb13u1 ", (3, 10, 13)),
        ("4.0", (4, 0)),
    ],
)
def test_version(text: str, version: tuple) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["", "3", "three", "3.", "3.7.11.2", "v3.7", "3.7\n3.8", "3.7x"])
def test_other_version(text: str) -> None:
    with pytest.raises(InputError, match="not a version"):
        parse_version(text)
