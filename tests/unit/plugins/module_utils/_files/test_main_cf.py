# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Dict, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf
from hypothesis import assume, given
from hypothesis import strategies as st

# What a main.cf can be made of, so that a few of them together are nasty.
FRAGMENTS = [
    "inet_interfaces = all\n",
    "inet_interfaces=127.0.0.1\n",
    "inet_interfaces =\n",
    "smtp_bind_address = \r\n",
    "mynetworks = 127.0.0.0/8,\n",
    "a = b c\n",
    "name",
    "=",
    " value",
    "  10.0.0.0/8 #x\n",
    "\t# inside\n",
    "#inet_interfaces = all\n",
    "# smtp_bind_address = 1.2.3.4\n#   more\n",
    "\n",
    " \n",
    "\r\n",
    "\0",
    "\x0b",
    "é\udcff",
    "\u2028",
]
FILES = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)
NAMES = st.sampled_from(["inet_interfaces", "inet_protocols", "smtp_bind_address", "mynetworks", "a", "name"])
WORDS = st.sampled_from(["all", "127.0.0.1,", "[::1]", "$a", "x #y", "#x", "", "é", "=", "\t"])
VALUES = st.lists(WORDS, max_size=4).map(lambda words: " ".join(words).strip(" \t"))


def edit(text: str, **values: str) -> str:
    main_cf = MainCf(text)
    for name, value in values.items():
        main_cf.set(name, value)
    return main_cf.text


@given(FILES)
def test_an_unedited_file_is_printed_as_it_was_read(text: str) -> None:
    main_cf = MainCf(text)
    main_cf.values()
    main_cf.problems()
    assert main_cf.text == text


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert MainCf(text).text == text


@given(FILES, NAMES, VALUES)
def test_setting_a_parameter_sets_it_and_no_other(text: str, name: str, value: str) -> None:
    assume(not value.startswith("#"))
    before = MainCf(text)
    after = MainCf(text)
    after.set(name, value)
    read = after.get(name)
    assert read is not None
    assert read == value or read.split() == value.split()
    assert {**after.values(), name: ""} == {**before.values(), name: ""}
    assert len([one for one in after.duplicates() if one == name]) == 0
    assert _other_problems(after, name) == _other_problems(before, name)
    again = MainCf(after.text)
    assert again.values() == after.values()
    again.set(name, value)
    assert again.text == after.text


def _other_problems(main_cf: MainCf, name: str) -> List[str]:
    """The problems of other parameters, without line ends and line numbers, which an edit may change."""
    others = [problem for problem in main_cf.problems() if name not in problem.message]
    messages = [problem.message.replace(f"(line {problem.line}", "") for problem in others]
    return [message.replace("\r", "").replace("\\r", "") for message in messages]


@given(FILES, NAMES, VALUES)
def test_an_edit_touches_nothing_but_the_lines_of_its_parameter(text: str, name: str, value: str) -> None:
    assume(not value.startswith("#"))
    main_cf = MainCf(text)
    known = main_cf.get(name) is not None
    main_cf.set(name, value)
    old, new = text.split("\n"), main_cf.text.split("\n")
    if not known:
        place = next(index for index, line in enumerate(new) if line.startswith(f"{name} ="))
        del new[place]
        # A missing final newline is not missed.
        assert new in (old, [*old, ""], [*old[:-1], old[-1] + "\r", ""])
        return
    for line in old:
        if not _is_part_of(text, name, line):
            assert line in new


def _is_part_of(text: str, name: str, line: str) -> bool:
    settings = MainCf(text)._settings[name]
    return any(text[piece.start : piece.end] == line for setting in settings for piece in setting.line.pieces)


@given(FILES, NAMES, VALUES)
def test_an_edit_can_be_undone(text: str, name: str, value: str) -> None:
    assume(not value.startswith("#"))
    before = MainCf(text)
    old = before.get(name)
    assume(not before.duplicates())
    after = MainCf(text)
    after.set(name, value)
    if old is None:
        after.unset(name)
        assert after.text in (text, text + "\n", text + "\r\n")  # a missing final newline is not missed
        return
    assume(not old.startswith("#") and not set(old) & set("\x0b\r"))
    after.set(name, old)
    assert after.values()[name].split() == old.split()
    assert {**after.values(), name: ""} == {**before.values(), name: ""}


@given(st.sampled_from(["a = {}\n", "a={}\nb = c", "a\t=  {}\r\n", "# x\na = {}\n# y\n\nb=c\n"]), VALUES, VALUES)
def test_undoing_the_edit_of_a_value_on_one_line_gives_the_same_bytes(layout: str, old: str, new: str) -> None:
    assume(not old.startswith("#") and not new.startswith("#"))
    assume(bool(old) or layout != "a={}\nb = c")
    text = layout.format(old)
    assert edit(edit(text, a=new), a=old) == text


@given(FILES, NAMES)
def test_unsetting_removes_every_occurrence_and_keeps_every_comment(text: str, name: str) -> None:
    main_cf = MainCf(text)
    expected = {key: value for key, value in main_cf.values().items() if key != name}
    main_cf.unset(name)
    assert main_cf.values() == expected
    assert _comments(main_cf.text) == _comments(text)
    main_cf.unset(name)
    assert main_cf.values() == expected


def _comments(text: str) -> List[str]:
    return [line for line in text.split("\n") if line.lstrip(" \t\v\f\r").startswith("#")]


@pytest.mark.parametrize(
    "text, values",
    [
        ("a = b\n", {"a": "b"}),
        ("a=b", {"a": "b"}),
        ("a\t =\t b \t\r\n", {"a": "b"}),
        ("a =\n", {"a": ""}),
        ("a = b\na = c\n", {"a": "c"}),
        ("a = b\n  c\n", {"a": "b  c"}),
        ("a = b\n# x\n\n\tc\n", {"a": "b\tc"}),
        ("a =\n   b\n", {"a": "b"}),
        ("a\n = b\n", {"a": "b"}),
        ("a = b # c\n", {"a": "b # c"}),
        ("a = b = c\n", {"a": "b = c"}),
        (" a = b\nc = d\n", {"c": "d"}),
        ("a = b\0c\n d\n", {"a": "b"}),
        ("no equals\n= no name\na b = c\nx = y\n", {"x": "y"}),
        ("\ufeffa = b\n", {"\ufeffa": "b"}),
        ("a = \xa0b\xa0\n", {"a": "\xa0b\xa0"}),
        ("a-b.c = d\n", {"a-b.c": "d"}),
        ("a = b\r\n\r\n c\r\n", {"a": "b\r c"}),
    ],
)
def test_values_are_read_as_postfix_reads_them(text: str, values: Dict[str, str]) -> None:
    assert MainCf(text).values() == values


@pytest.mark.parametrize(
    "text, problems",
    [
        (
            "a = b\na = c\n",
            [
                (
                    "warning: a: 'c' replaces an earlier value (line 2; Postfix: overriding earlier entry: a=b). "
                    "Keep one line."
                ),
            ],
        ),
        (
            "a = b\na = b\n",
            [
                "warning: a: 'b' is set to the same value again (line 2). Keep one line.",
            ],
        ),
        (
            "a = b\n\nno equals\n x\n",
            [
                (
                    "error: main.cf: 'no ...' is not a setting (line 3; Postfix: missing '=' after attribute "
                    "name). Write name = value, or remove the line."
                ),
            ],
        ),
        (
            "two words = c\n",
            [
                (
                    "error: main.cf: 'two ...' is not a setting (line 1; Postfix: missing '=' after attribute "
                    "name). Write name = value, or remove the line."
                ),
            ],
        ),
        (
            "= c\n",
            [
                (
                    "error: main.cf: '= ...' is not a setting (line 1; Postfix: missing attribute name). Write "
                    "name = value, or remove the line."
                ),
            ],
        ),
        (
            "\0= c\n",
            [
                (
                    "error: main.cf: '' is not a setting (line 1; Postfix: missing attribute name). Write name "
                    "= value, or remove the line."
                ),
                (
                    "warning: main.cf: '\\x00= ...' has a null byte, and Postfix ignores the text after it (line 1; "
                    "Postfix: text after null byte is ignored). Remove the null byte."
                ),
            ],
        ),
        ("# fine\na = b\n", []),
    ],
)
def test_what_postfix_would_complain_about(text: str, problems: List[str]) -> None:
    assert [f"{problem.severity}: {problem.message}" for problem in MainCf(text).problems(["a"])] == problems


def test_a_value_that_may_be_a_password_is_not_shown() -> None:
    messages = [problem.message for problem in MainCf("  x = hunter1\na = hunter2\na = hunter3\nhunter4\n").problems()]
    assert len(messages) == 3
    assert "hunter" not in "".join(messages)


@pytest.mark.parametrize(
    "text, value, expected",
    [
        ("a = b\n", "c", "a = c\n"),
        ("a=b\n", "c d", "a=c d\n"),
        ("a\t=  b  \r\nx = y", "c", "a\t=  c  \r\nx = y"),
        ("a =\n", "c", "a = c\n"),
        ("a =\r\n", "c", "a = c\r\n"),
        ("a = \n", "c", "a = c\n"),
        ("a=\n", "c", "a=c\n"),
        ("a = b", "", "a = "),
        ("a = b\n", "b", "a = b\n"),
        ("a =\n    b\n", "c", "a =\n    c\n"),
        ("a =\n    b\n", "", "a =\n"),
        ("a =\n  # why\n    b\n# end\n", "", "a =\n  # why\n# end\n"),
        ("a = b, c,\n  # why d\n  d,\n  e\n", "b, c, d, e", "a = b, c,\n  # why d\n  d,\n  e\n"),
        ("a = b, c,\n  # why d\n  d,\n  e\n", "b, x, d, e", "a = b, x,\n  # why d\n  d,\n  e\n"),
        ("a = b, c,\n  # why d\n  d,\n  e\n", "b, c, e", "a = b, c,\n  # why d\n  e\n"),
        ("a = b, c,\n  # why d\n  d,\n  e\n", "b, c, d, e, f", None),
        ("a = b,\r\n  c\r\n", "x", "a = x\r\n"),
        ("a = b, c,\n  d\n", "b,  c,", "a = b,  c,\n"),
        ("a = b,\n  c\n", "b, #c", "a = b, #c\n"),
        ("a = 1\nb = 2\na = 3\n", "4", "b = 2\na = 4\n"),
        ("a = 1\n# one\n  2\nb = 2\na = 3\n", "3", "# one\nb = 2\na = 3\n"),
        ("a = b\0c\n", "d", "a = d\0c\n"),
    ],
)
def test_setting_a_parameter_that_is_there(text: str, value: str, expected: str) -> None:
    if expected is None:
        expected = "a = b, c,\n  # why d\n  d,\n  e, f\n"
    assert edit(text, a=value) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "inet_interfaces = all\n"),
        ("a = b", "a = b\ninet_interfaces = all\n"),
        ("a = b\r\n", "a = b\r\ninet_interfaces = all\r\n"),
        ("#inet_interfaces = x\n\nb = c\n", "#inet_interfaces = x\ninet_interfaces = all\n\nb = c\n"),
        ("# inet_interfaces=x\nb = c\n", "# inet_interfaces=x\ninet_interfaces = all\nb = c\n"),
        ("#inet_interfaces = x\n#inet_interfaces = y\n# z\n", "#inet_interfaces = x\n#inet_interfaces = y\n@# z\n"),
        ("#inet_interfaces = x,\n#    y\n# z\n", "#inet_interfaces = x,\n#    y\n@# z\n"),
        ("#inet_interfaces = x", "#inet_interfaces = x\n@"),
        ("inet_protocols = all\n\nb = c\n", "inet_protocols = all\n@\nb = c\n"),
        ("mynetworks = 1,\n# x\n 2\n# y\nb = c\n", "mynetworks = 1,\n# x\n 2\n@# y\nb = c\n"),
        ("mynetworks = 1\ninet_protocols = x\nb = c\n", "mynetworks = 1\ninet_protocols = x\n@b = c\n"),
        # Inside a value and before dropped text a new line would swallow what follows.
        ("b = 1\n#inet_interfaces = x\n  2\nc = 3\n", "b = 1\n#inet_interfaces = x\n  2\nc = 3\n@"),
        ("#inet_interfaces = x\n  dropped\nc = 3\n", "#inet_interfaces = x\n  dropped\nc = 3\n@"),
    ],
)
def test_a_new_parameter_goes_where_a_person_would_put_it(text: str, expected: str) -> None:
    assert edit(text, inet_interfaces="all") == expected.replace("@", "inet_interfaces = all\n")


@pytest.mark.parametrize(
    "text",
    [
        "inet_interfaces = all\n#inet_interfaces = $myhostname\n#inet_interfaces = $myhostname, localhost\n@# x\n",
        "inet_interfaces = all\n# inet_interfaces=$myhostname,\n#    localhost\n@\nb = c\n",
        "inet_interfaces = all\n# or one of these:\n#inet_interfaces = x\n# and\n    #inet_interfaces = y\n@# z\n",
        "inet_interfaces =\n  all\n##inet_interfaces = x\n@",
        "inet_interfaces = all\n@\n#inet_interfaces = in another paragraph\n",
        "inet_interfaces = all\n@# prose about the next\n#inet_protocols = ipv4\n",
        "#inet_interfaces = x\n\ninet_interfaces = all\n@b = c\n",
    ],
)
def test_examples_stay_with_their_parameter(text: str) -> None:
    assert edit(text.replace("@", ""), smtp_bind_address="1.2.3.4") == text.replace(
        "@", "smtp_bind_address = 1.2.3.4\n"
    )


def test_a_new_parameter_goes_behind_all_of_its_examples() -> None:
    text = "#smtp_bind_address = 1.1.1.1\n# or\n#smtp_bind_address = 2.2.2.2\n@#\n#smtp_bind_address = 3.3.3.3\na = b\n"
    assert edit(text.replace("@", ""), smtp_bind_address="1.2.3.4") == text.replace(
        "@", "smtp_bind_address = 1.2.3.4\n"
    )


def test_siblings_that_are_new_together_stand_together() -> None:
    text = "inet_interfaces = all\nb = c\n"
    expected = "inet_interfaces = all\nsmtp_bind_address = 1.2.3.4\nsmtp_bind_address6 = ::1\nb = c\n"
    assert edit(text, smtp_bind_address="1.2.3.4", smtp_bind_address6="::1") == expected
    assert edit(text, smtp_bind_address6="::1") == "inet_interfaces = all\nsmtp_bind_address6 = ::1\nb = c\n"
    assert edit("", inet_protocols="") == "inet_protocols =\n"


@pytest.mark.parametrize("name", ["", "a b", "a=b", "#a", "a\n", "-a", "a\nb"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    main_cf = MainCf("x = y\n")
    with pytest.raises(InputError):
        main_cf.set(name, "1")
    assert main_cf.text == "x = y\n"


@pytest.mark.parametrize("text", ["", "a = b\n", "a = b\n  c\n"])
@pytest.mark.parametrize("value", ["x\nsmtp_bind_address = 1.2.3.4", "x\r", "x\0", "# x", "#", "x\x0by", "x\n"])
def test_no_value_can_add_a_line(text: str, value: str) -> None:
    main_cf = MainCf(text)
    with pytest.raises(InputError) as caught:
        main_cf.set("a", value)
    assert caught.value.parameter == "a"
    assert main_cf.text == text


def test_duplicates_are_told_by_name() -> None:
    assert MainCf("a = 1\nb = 2\n\na = 3\n").duplicates() == ["a"]
