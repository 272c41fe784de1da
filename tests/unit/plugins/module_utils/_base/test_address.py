# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
from typing import Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import (
    family,
    needs_scope,
    normal_form,
    parse_address,
    unbracket,
)
from hypothesis import example, given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "text, normal",
    [
        ("10.77.0.1", "10.77.0.1"),
        ("10.77.1", "10.77.0.1"),
        ("10.1", "10.0.0.1"),
        ("0x0a4d0001", "10.77.0.1"),
        ("0X0A.77.1", "10.77.0.1"),
        ("2130706433", "127.0.0.1"),
        ("10.99.0.001", "10.99.0.1"),
        ("010.077.000.001", "8.63.0.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("255.255.255.255", "255.255.255.255"),
        ("::1", "::1"),
        ("FD77:0:0::0001", "fd77::1"),
        ("fd77:0:1:0:0:1:0:0", "fd77:0:1::1:0:0"),
        ("::ffff:10.77.0.1", "::ffff:10.77.0.1"),
        ("::FFFF:a4d:1", "::ffff:10.77.0.1"),
        ("fe80::1", "fe80::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::1%2", "fe80::1"),
        ("ff02::1%eth0", "ff02::1"),
        ("fd77::1%2", "fd77::1"),
    ],
)
def test_addresses(text: str, normal: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert normal_form(address) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "10.77.0.256",
        "10.77.0.1.1",
        "10.77.0.1 ",
        " 10.77.0.1",
        "10.77.0.1\n",
        "10.77.0.1 x",
        "10..0.1",
        "10.",
        "09.0.0.1",
        "0x.0.0.1",
        "4294967296",
        "10.77.0.1/24",
        "10.77.0.1:25",
        "[::1]",
        "[10.77.0.1]",
        ":",
        ":::",
        "fd77::1::2",
        "1:2:3:4:5:6:7",
        "12345::1",
        "::ffff:10.77.0.01",
        "fd77::1%eth0",
        "10.77.0.1%eth0",
        "fe80::1%",
        "fe80::1%a%b",
        "fe80::1%a b",
        "::1%２",
        "fd77::1%²",
        "localhost",
        "é::1",
        "\0",
        "1" * 1000,
        "a" * 1000000 + ":",
    ],
)
def test_other_text(text: str) -> None:
    assert parse_address(text) is None


def numeric(text: str) -> Optional[str]:
    """Ask the C library, as Postfix does, without asking DNS."""
    try:
        answers = socket.getaddrinfo(text, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return str(answers[0][4][0]).partition("%")[0]


IPV4_PART = st.one_of(st.integers(0, 300).map(str), st.sampled_from(["00", "010", "08", "0x1f", "0x", "65536", "-1"]))
IPV6_PART = st.one_of(st.integers(0, 0x1FFFF).map("{:x}".format), st.sampled_from(["", "", "0001", "FFFF"]))


@given(
    st.one_of(
        st.text("0123456789abcdefxX.:", min_size=1, max_size=20),
        st.lists(IPV4_PART, min_size=1, max_size=5).map(".".join),
        st.lists(IPV6_PART, min_size=1, max_size=9).map(":".join),
        st.ip_addresses(v=6).map(str),
    )
)
@example("::1.2.3.4")
@example("::ffff:0:1")
@example("1.0x")
def test_agrees_with_the_c_library(text: str) -> None:
    address = parse_address(text)
    assert (None if address is None else normal_form(address)) == numeric(text)


@given(st.ip_addresses())
def test_normal_form_is_read_back(address) -> None:
    assert parse_address(normal_form(address)) == address
    assert parse_address(unbracket(f"[{normal_form(address)}]")) == address
    assert family(address) == f"ipv{address.version}"


@pytest.mark.parametrize(
    "token, stripped",
    [("[::1]", "::1"), ("::1", "::1"), ("[[::1]]", "[::1]"), ("[::1", "[::1"), ("::1]", "::1]"), ("[]", ""), ("", "")],
)
def test_unbracket(token: str, stripped: str) -> None:
    assert unbracket(token) == stripped


@pytest.mark.parametrize(
    "text, scoped",
    [
        ("fe80::1", True),
        ("ff02::1", True),
        ("ff01::1", True),
        ("ff05::1", False),
        ("fd77::1", False),
        ("169.254.1.1", False),
    ],
)
def test_needs_scope(text: str, scoped: bool) -> None:
    address = parse_address(text)
    assert address is not None
    assert needs_scope(address) is scoped
