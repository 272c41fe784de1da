# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from typing import List, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.lines import (
    Edit,
    Word,
    changed_words,
    checked_value,
    decode_config,
    edit_line,
    encode_config,
    insert_line,
    line_problems,
    logical_lines,
    newline_of,
    remove_line,
)
from hypothesis import given
from hypothesis import strategies as st

FRAGMENTS = ["a", "b = c", " ", "\t", "\n", "\r\n", "#", "# x", "=", "\0", "\x0b", "\x0c", "{", "}", "é"]
TEXTS = st.lists(st.sampled_from([*FRAGMENTS, "\u2028", "\x85", "\udcff"]), max_size=40).map("".join)


@given(st.binary())
def test_any_bytes_survive_decoding(data: bytes) -> None:
    assert encode_config(decode_config(data)) == data


@pytest.mark.parametrize(
    "text, expected",
    [
        ("abc def", [(1, "abc def")]),
        ("abc\n", [(1, "abc")]),
        ("\nabc\n", [(2, "abc")]),
        (" \nabc\n", [(2, "abc")]),
        ("#abc\ndef", [(2, "def")]),
        (" #abc\ndef\n", [(2, "def")]),
        ("abc\n def\n", [(1, "abc def")]),
        ("abc\n #def\n ghi", [(1, "abc ghi")]),
        ("abc\n#def\n ghi", [(1, "abc ghi")]),
        ("abc\n\n  ghi", [(1, "abc  ghi")]),
        ("abc\n \n ghi", [(1, "abc ghi")]),
        ("abc\n\n#x\n\tghi\ndef", [(1, "abc\tghi"), (5, "def")]),
        ("abc\n#def\n", [(1, "abc")]),
        ("abc\n ", [(1, "abc")]),
        ("abc\r\n\r\n def\r\n", [(1, "abc\r def\r")]),
        ("abc\n\x0bdef\n\x0cghi\n\rjkl\n", [(1, "abc\x0bdef\x0cghi\rjkl")]),
        ("abc\n\xa0def\n\x85ghi\n", [(1, "abc"), (2, "\xa0def"), (3, "\x85ghi")]),
        ("abc\u2028def\x0b#\n", [(1, "abc\u2028def\x0b#")]),
        ("abc #def\n", [(1, "abc #def")]),
        ("abc\0def\n ghi\n", [(1, "abc\0def ghi")]),
        ("", []),
        ("\n\n", []),
        ("# only", []),
    ],
)
def test_logical_lines_are_those_of_postfix(text: str, expected: List[Tuple[int, str]]) -> None:
    assert [(line.number, line.text) for line in logical_lines(text)] == expected
    assert not any(line.stray for line in logical_lines(text))


def test_a_first_line_that_starts_with_white_space_is_dropped_with_what_continues_it() -> None:
    stray, kept = logical_lines("# x\n  abc\n def\nghi\n")
    assert (stray.stray, stray.number, stray.text) == (True, 2, "  abc def")
    assert (kept.stray, kept.text) == (False, "ghi")
    [problem] = line_problems(stray, "main.cf")
    assert (problem.line, problem.severity) == (2, "warning")
    assert problem.message == (
        "main.cf: 'abc ...' starts with white space, and Postfix ignores it (line 2; Postfix: logical line must not "
        "start with whitespace). Remove the white space before it, or the line."
    )


def test_text_ends_at_a_nul_byte() -> None:
    [line] = logical_lines("a = b\0c\n d\n")
    assert line.effective == "a = b"
    [problem] = line_problems(line, "main.cf")
    assert "Postfix: text after null byte is ignored" in problem.message


@given(TEXTS)
def test_pieces_and_gaps_make_up_the_file(text: str) -> None:
    lines = logical_lines(text)
    assert all(one.end <= two.start for one, two in zip(lines, lines[1:]))
    for line in lines:
        assert "".join(text[piece.start : piece.end] for piece in line.pieces) == line.text
        assert text[line.start : line.end].startswith(line.text[: line.pieces[0].end - line.pieces[0].start])
        assert text[: line.start].count("\n") == line.number - 1
        assert edit_line(text, line, []) == text
    gaps = text
    for line in reversed(lines):
        gaps = gaps[: line.start] + gaps[line.end :]
    assert not logical_lines(gaps)


def test_an_edit_over_several_lines_keeps_the_comments_between_them() -> None:
    text = "x\na = b c\n# one\n  d e\n\n  f g\n# two\ny\n"
    line = logical_lines(text)[1]
    start, end = line.text.index("c"), line.text.index("g")
    edited = edit_line(text, line, [Edit(start, end, "new")])
    assert edited == "x\na = b new\n# one\n\n  g\n# two\ny\n"


def test_a_line_that_an_edit_leaves_blank_disappears() -> None:
    text = "a = b\r\n # why\r\n  c\r\n  d"
    line = logical_lines(text)[0]
    gone = [line.deletion(line.text.index(letter), line.text.index(letter) + 1) for letter in "cd"]
    assert edit_line(text, line, gone) == "a = b\r\n # why\r\n"


def test_deletions_side_by_side_take_nothing_else() -> None:
    text = "a = b\n  c d\0e\n"
    line = logical_lines(text)[0]
    gone = [line.deletion(line.text.index(letter), line.text.index(letter) + 1) for letter in "cd"]
    assert edit_line(text, line, gone) == "a = b\n  \0e\n"


def test_text_that_an_edit_would_turn_into_a_comment_moves_to_the_line_before() -> None:
    text = "a = b\r\n  c #d e\r\n  f\r\n"
    line = logical_lines(text)[0]
    at = line.text.index("c")
    assert edit_line(text, line, [line.deletion(at, at + 1)]) == "a = b #d e\r\n  f\r\n"


def test_deleting_a_word_takes_the_blanks_before_it_or_keeps_the_indentation() -> None:
    text = "a = b  c d\n\te f\n"
    line = logical_lines(text)[0]
    for letter, expected in [("c", "a = b d\n\te f\n"), ("d", "a = b  c\n\te f\n"), ("e", "a = b  c d\n\tf\n")]:
        at = line.text.index(letter)
        assert edit_line(text, line, [line.deletion(at, at + 1)]) == expected


@pytest.mark.parametrize(
    "new, expected",
    [
        ("b c d", "a = b\n  c # d\n"),
        ("b x # d", "a = b\n  x # d\n"),
        ("b # d", "a = b # d\n"),
        ("b c # d e", "a = b\n  c # d e\n"),
        ("x b c # d", "a = x b\n  c # d\n"),
        ("", "a =\n"),
        ("x", "a = x\n"),
    ],
)
def test_words_that_stay_keep_their_place(new: str, expected: str) -> None:
    text = "a = b\n  c # d\n"
    line = logical_lines(text)[0]
    old = [Word(line.text.index(word), line.text.index(word) + 1, word) for word in "bc#d"]
    words = [Word(match.start(), match.end(), match.group()) for match in re.finditer(r"\S+", new)]
    edited = edit_line(text, line, changed_words(line, old, words, new, 3))
    assert logical_lines(edited)[0].text.split()[2:] == new.split()
    if new != "b c d":
        assert edited == expected


def test_a_line_is_inserted_in_the_file_s_own_line_ending() -> None:
    assert insert_line("a\r\nb\r\n", 3, "new") == "a\r\nnew\r\nb\r\n"
    assert insert_line("a\nb", 3, "new") == "a\nb\nnew\n"
    assert insert_line("a\r\nb", 4, "new") == "a\r\nb\r\nnew\r\n"
    assert insert_line("a", 1, "new") == "a\nnew\n"
    assert insert_line("", 0, "new") == "new\n"
    assert newline_of("\n\r\n", 1) == "\n"


def test_removing_a_line_keeps_the_comments_inside() -> None:
    text = "x\na\n# keep\n\n# drop\n b\n# behind\ny"
    line = logical_lines(text)[1]
    assert remove_line(text, line, lambda comment: "drop" not in comment) == "x\n# keep\n\n# behind\ny"


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "\x7f", "a\x0bb", "#a", "  # a", "a\n", "\ud800"])
def test_a_value_that_could_be_more_than_a_value_is_refused(value: str) -> None:
    with pytest.raises(InputError) as caught:
        checked_value("relayhost", value)
    assert caught.value.parameter == "relayhost"


@pytest.mark.parametrize("value", ["", "a", "a b\tc", "a # b", "é", "\udcff", "=", "{"])
def test_other_values_are_taken_as_they_are(value: str) -> None:
    assert checked_value("relayhost", f" {value}\t") == value
