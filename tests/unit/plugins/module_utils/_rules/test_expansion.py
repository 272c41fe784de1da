# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.expansion import expand
from ansible_collections.mailfleet.postfix.tests.unit.processor_time import within

VALUES = {"a": "1.2.3.4", "b": "$a, 5", "empty": "", "circle": "x$circle", "two": "$two2", "two2": "$two", "n": "10"}


@pytest.mark.parametrize(
    "text, value",
    [
        ("", ""),
        ("plain {text} (here)", "plain {text} (here)"),
        ("$a", "1.2.3.4"),
        ("${a}", "1.2.3.4"),
        ("$(a)", "1.2.3.4"),
        ("${ a }", "1.2.3.4"),
        ("$b", "1.2.3.4, 5"),
        ("$a.5", "1.2.3.4.5"),
        ("<$nosuch>", "<>"),
        ("$$a", "$a"),
        ("$$$a", "$1.2.3.4"),
        ("${a?yes}", "yes"),
        ("${a?<$a>}", "<1.2.3.4>"),
        ("${empty?yes}", ""),
        ("${nosuch?yes}", ""),
        ("${nosuch:no}", "no"),
        ("${empty:no}", "no"),
        ("${a:no}", ""),
        ("${a?{yes}:{no}}", "yes"),
        ("${empty?{yes}:{no}}", "no"),
        ("${a ? {yes} : {no} }", "yes"),
        ("${empty?{yes} : {$a}}", "1.2.3.4"),
        ("${a?yes:no}", "yes:no"),
        ("${a??foo:{b}ar}", "?foo:{b}ar"),
        ("${{$a} == {1.2.3.4}}", "true"),
        ("${{$a} == {1.2.3.4}?{yes}:{no}}", "yes"),
        ("${{$a} != {1.2.3.4} ? {yes} : {no}}", "no"),
        ("${{$n} > {9} ? {number} : {text}}", "number"),
        ("${{x$n} > {x9} ? {number} : {text}}", "text"),
        ("${{$n} <= {010} ? {same}}", "same"),
    ],
)
def test_values(text: str, value: str) -> None:
    assert expand(text, VALUES.get) == value


@pytest.mark.parametrize(
    "text, reason",
    [
        ("${a", "not closed"),
        ("$(a", "not closed"),
        ("${a?{b}", "not closed"),
        ("$", "without a name"),
        ("a $ b", "without a name"),
        ("${}", "without a name"),
        ("${a-b}", "in the name of a parameter"),
        ("${a{x}}", "function"),
        ("${a?{b} x}", "after the first choice"),
        ("${a?{b}:{c} x}", "after the last choice"),
        ("${{a} = {b}}", "where one of"),
        ("${{a}}", "where one of|after the operator"),
        ("${{a} == b}", "after the operator"),
        ("${{a} == {b} x}", "after a comparison"),
        ("$circle", "refers to itself"),
        ("$two", "refers to itself"),
        ("${{9999999999999999999} > {1}}", "too large"),
    ],
)
def test_errors(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        expand(text, VALUES.get, "inet_interfaces")
    assert (caught.value.parameter, caught.value.value) == ("inet_interfaces", text)


def test_unused_choices_may_be_wrong() -> None:
    assert expand("${a?{x}:{${a-b}}}", VALUES.get) == "x"


@pytest.mark.parametrize(
    "text, values, reason",
    [
        ("$v0", {"v0": "$v1$v1", **{f"v{n}": f"$v{n + 1}$v{n + 1}" for n in range(1, 30)}}, "too many references"),
        ("$v0", {"v0": "$v1" * 3000, "v1": "y" * 5000}, "expands to more text"),
        ("${a?{" * 90 + "x" * 1000000 + "}}" * 90, {"a": "1"}, "too much text in braces"),
    ],
    ids=["many", "long", "deep"],
)
def test_limits(text: str, values: dict, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        expand(text, values.get)
    assert reason in caught.value.reason


@pytest.mark.duration
@pytest.mark.parametrize(
    "text, values",
    [
        ("$v0", {f"v{n}": f"$v{n + 1}$v{n + 1}" for n in range(60)}),
        ("$v0", {"v0": "x" * 1000 + "$v1" * 5000, "v1": "y" * 5000}),
        ("${{" * 300000, {}),
        ("${a?" + "{" * 500000, {}),
        ("${a?{" * 90 + "x" * 1000000 + "}}" * 90, {"a": "1"}),
        ("$a" * 500000, {"a": "1"}),
        ("{" * 1000000 + "$a", {"a": "1"}),
    ],
    ids=["doubling", "large", "comparisons", "braces", "deep", "many", "text"],
)
def test_hostile_text_is_answered_quickly(text: str, values: dict) -> None:
    def answered() -> str:
        try:
            return expand(text, values.get)
        except InputError as error:
            return str(error)

    answer = within(1, answered)
    assert len(answer) < 5 * 1024 * 1024
