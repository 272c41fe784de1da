# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import ip_address

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import is_private


@pytest.mark.parametrize(
    "text, expected",
    [
        ("10.0.0.0", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("192.168.1.1", True),
        ("100.64.0.1", True),
        ("100.128.0.0", False),
        ("198.51.100.7", False),
        ("127.0.0.1", False),
        ("fd77::1", True),
        ("fe80::1", False),
        ("2001:db8::7", False),
    ],
)
def test_is_private(text: str, expected: bool) -> None:
    assert is_private(ip_address(text)) is expected
