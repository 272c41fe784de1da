# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told without a regular expression, because that takes long to compile, is what one would tell."""

from __future__ import annotations

import re

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import parse_address
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.words import (
    consists_of,
    is_number,
    words_between,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service import FIELD_VALUES
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import parse_version
from hypothesis import example, given
from hypothesis.strategies import text

PATTERNS = {
    **dict.fromkeys(("private", "unprivileged", "chroot"), r"[yn-]\Z"),
    "wakeup": r"(?:-|[0-9]+\??)\Z",
    "process_limit": r"(?:-|0*(?:[0-9]{1,9}|1[0-9]{9}|2[01][0-9]{8}))\Z",
}
IPV4 = r"[0-9][0-9A-Fa-fxX.]*\Z"
IPV6 = r"([0-9A-Fa-f:.]+)(?:%(?:[0-9]+|([^\s%]+)))?\Z"


@given(text(alphabet="0129²٣ -\n"))
def test_is_number(value: str) -> None:
    assert is_number(value) == bool(re.match(r"[0-9]+\Z", value))


@given(text(alphabet="0.x\n "))
def test_consists_of(value: str) -> None:
    assert consists_of(value, "0.") == bool(re.match(r"[0.]+\Z", value))


@given(text(alphabet="ab ,\t\n\v\u00a0"))
def test_words_between(value: str) -> None:
    assert words_between(value, " \t,") == [word for word in re.split(r"[ \t,]+", value) if word]


@given(text(alphabet="yn-?0129\n"))
@example("2199999999")
@example("2200000000")
@example("00002199999999")
@example("19999999999")
@example("9" * 5000)
def test_values_of_fields(value: str) -> None:
    assert set(FIELD_VALUES) == set(PATTERNS)
    for name, pattern in PATTERNS.items():
        assert FIELD_VALUES[name](value) == bool(re.match(pattern, value)), name


@given(text(alphabet="3.70-+~ x\n"))
@example("3.7.11")
@example("3.12-20260821")
@example("3.7.0123456789")
@example("12345.7")
@example("3.7-a\nb")
def test_what_looks_like_a_version(value: str) -> None:
    match = re.match(r"([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,9}))?(?:[-+~ ].*)?\Z", value.strip())
    expected = tuple(int(number) for number in match.groups() if number is not None) if match else None
    try:
        found = parse_version(value)
    except InputError:
        found = None
    assert found == expected


@given(text(alphabet="127.x0f:%eh \n\x00²"))
@example("fe80::1%eth0")
@example("fe80::1%\u2003")
@example("fe80::1%e%0")
@example("fe80::1%")
@example("fd77::1%2")
@example("fd77::1%²")
def test_what_looks_like_an_address(value: str) -> None:
    if parse_address(value) is not None:
        assert re.match(IPV6 if ":" in value else IPV4, value)
    for literal in ("fe80::1", "fd77::1"):
        match = re.match(IPV6, f"{literal}%{value}")
        allowed = match is not None and (match.group(2) is None or literal == "fe80::1")
        assert (parse_address(f"{literal}%{value}") is not None) == allowed
