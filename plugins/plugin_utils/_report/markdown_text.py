# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""Values and sentences of others as Markdown in a forge's comment: nothing in them is markup, a link or a mention.

Whatever could be one stands in a code span, where neither GitHub nor GitLab looks for any. All of it stays in its line
and its cell. By the specification of GitHub Flavored Markdown (https://github.github.com/gfm/), 4.10 and 6.3.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_LONGEST = 300  # characters of one value
_MOST_WORDS = 120
#: a word that is prose, with the punctuation around it; what looks like a commit or a ticket becomes a link
_WORD = r"([(\"']*)(.*?)([)\"'.,;:?!]*)"
_PROSE = r"[A-Za-z]+(?:['-][A-Za-z]+)*|(?:IPv|ipv)[46]|[0-9]{1,6}|="
_REFERENCE = r"[0-9a-f]{7,}|[A-Za-z]+-[0-9]+"


def code(value: object) -> str:
    """Return a value as a code span, for any place in a line or a table."""
    text = " ".join(_printable(str(value)).split())
    if not text:
        return "(empty)"
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1]}\u2026"
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if text[0] == "`" or text[-1] == "`" else ""
    # The bar ends a cell unless there is an odd number of backslashes before it.
    text = re.sub(r"(\\*)\|", lambda match: rf"{match[1]}{match[1]}\|", text)
    return f"{fence}{space}{text}{space}{fence}"


def prose(sentence: str) -> str:
    """Return a sentence in which each word that is not plain is a code span."""
    words = _printable(sentence).split()
    if len(words) > _MOST_WORDS:
        words = [*words[:_MOST_WORDS], "\u2026"]
    return " ".join(map(_word, words))


def listed(values: Sequence[str], most: int) -> str:
    """Return values as code spans: the first of them, and how many more there are; nothing for none."""
    shown = " ".join(map(code, values[:most]))
    return shown if len(values) <= most else f"{shown} and {len(values) - most} more"


def _word(word: str) -> str:
    match = re.fullmatch(_WORD, word)
    before, core, after = match.groups() if match else ("", word, "")
    if len(word) == 1:
        return word if word in "(\"').,;:?!=\u2026" or word.isascii() and word.isalnum() else code(word)
    if not core:
        return code(word)
    is_plain = re.fullmatch(_PROSE, core) and not re.fullmatch(_REFERENCE, core)
    return word if is_plain else f"{before}{code(core)}{after}"


def _printable(text: str) -> str:
    """Return the text with a mark for each character that is not seen, or that turns what follows around."""
    return "".join(letter if letter.isprintable() or letter.isspace() else "\ufffd" for letter in text)
