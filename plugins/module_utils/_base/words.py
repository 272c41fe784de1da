# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words that several rooms use, as types for mypy; at run time each is a plain ``str``. A bound; how text is split."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, List

if TYPE_CHECKING:  # novermin: only type checkers read this branch
    from typing import Literal

    Action = Literal["none", "reload", "restart", "start"]
    Severity = Literal["error", "warning", "info"]
else:
    Action = Severity = str

# Regular expressions would do as well, but each takes as long to compile as a small module to load.

LONGEST = 86400
"""How many seconds an option may be at most that says how long something is waited for."""

HIDDEN = "(not shown)"
"""What stands for a text that may hold a password."""


def hidden(value: object, before: object) -> str:
    """Return what stands for a value, which tells whether it is another one than before."""
    return HIDDEN if value == before else "(not shown, changed)"


def looks_secret(text: str) -> bool:
    """Return whether a name with its value looks like a password, although it was asked for."""
    marks = ("passw", "passphrase", "secret", "token", "credential", "apikey", "api_key", "_pw", "static:", "inline:")
    return any(mark in text.lower() for mark in marks)


def outline(text: str) -> str:
    """Return how a line of a file begins, without what may be a value in it: its first word, up to a ``=``."""
    words = text.split(None, 1)
    if not words or "=" in words[0]:
        return text.strip().partition("=")[0] + ("= ..." if words else "")
    return f"{words[0]} ..." if len(words) > 1 else HIDDEN


def shown_time(seconds: float) -> str:
    """Return a time, in s since the epoch, for people and machines: as RFC 3339 has it, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def is_number(text: str) -> bool:
    """Return whether a text is made of ASCII digits."""
    return text.isascii() and text.isdigit()


def consists_of(text: str, characters: str) -> bool:
    """Return whether a text is made of these characters, and has one."""
    return bool(text) and not text.strip(characters)


def words_between(text: str, separators: str) -> List[str]:
    """Return the words between characters that separate them."""
    first = separators[0]
    for separator in separators[1:]:
        text = text.replace(separator, first)
    return [word for word in text.split(first) if word]


def words_outside_braces(text: str, separators: str) -> List[str]:
    """Return the words between characters that separate them where they are not in braces.

    By mystrtokq() in util/mystrtok.c, so a brace that closes nothing is a character like any other.
    """
    level, words = 0, [""]
    for letter in text:
        if letter in separators and not level:
            words.append("")
            continue
        words[-1] += letter
        level += 1 if letter == "{" else -1 if letter == "}" and level else 0
    return [word for word in words if word]
