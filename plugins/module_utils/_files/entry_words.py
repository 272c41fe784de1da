# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of an entry of master.cf, as the master and the daemons read them."""

from __future__ import annotations

import re
from functools import reduce
from typing import Iterator, Tuple

from .lines import WHITE

BLANKS = " \t\r\n"
"""What is between the words."""

FLAG_VALUES = "imnrst"
"""The options of the daemons that take a value beside ``-o``: the rest of their word, or the next one."""

_SETTING = rf"-[^o{FLAG_VALUES}]*o"
_TOKEN = re.compile(rf"([{BLANKS}]+)|([{{}}])|[^{BLANKS}{{}}]+")


def split_words(text: str, start: int = 0) -> Iterator[Tuple[int, int]]:
    """Yield start and end of each word; braces protect the blanks inside them, and an open one lasts to the end."""
    level = 0
    begin = -1
    for match in _TOKEN.finditer(text, start):
        blanks, brace = match.groups()
        if not blanks or level:
            if begin < 0:
                begin = match.start()
            level = _level(level, brace)
        elif begin >= 0:
            yield begin, match.start()
            begin = -1
    if begin >= 0:
        yield begin, len(text)


def _level(level: int, brace: str) -> int:
    """Return how many braces are open behind a brace; one that closes nothing does not count."""
    return level + 1 if brace == "{" else level - 1 if brace and level else level


def open_braces(text: str) -> int:
    """Return how many braces are open at the end of a text."""
    return reduce(_level, re.findall("[{}]", text), 0)


def unbraced(word: str) -> Tuple[str, str]:
    """Return a word without the braces around it, and what the master says of wrong ones."""
    if word[:1] != "{":
        return word, ""
    level = 0
    for match in re.finditer("[{}]", word):
        level += 1 if match.group() == "{" else -1
        if not level:
            problem = "syntax error after '}'" if match.end() < len(word) else ""
            return word[1 : match.start()].strip(WHITE), problem
    return word[1:].strip(WHITE), "missing '}'"


def setting_letter(word: str) -> int:
    """Return where the ``o`` of ``-o`` is in a word with a dash, which may have other letters before it; else -1."""
    match = re.match(_SETTING, word)
    return match.end() - 1 if match else -1


def takes_next(flag: str) -> bool:
    """Return whether the next word is the value of the last option in a word such as ``-vm``."""
    at = next((at for at, letter in enumerate(flag) if letter in FLAG_VALUES), len(flag))
    return at == len(flag) - 1


def needs_braces(value: str) -> bool:
    """Return whether a value would be more than one word without braces around it."""
    return len(list(split_words("x" + value))) > 1


def option_text(name: str, value: str) -> str:
    """Return ``name=value``, or ``{ name = value }`` where there are blanks in it."""
    return f"{{ {name} = {value} }}" if needs_braces(value) else f"{name}={value}"
