# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Postfix says, without the values and the lines of its files that it quotes: they may hold passwords.

Postfix quotes lines that it cannot read, and values that it warns of (util/dict.c, util/readlline.c,
master/master_ent.c, postconf/postconf_unused.c), each of its programs again.
"""

from __future__ import annotations

import re
from typing import Iterable, List, Match

from .._base.words import HIDDEN
from .._rules.parameters import PARAMETERS

#: ``: name=value`` at the end of a message
_SETTING = r"(: )([A-Za-z0-9_.-]+)( ?= ?)(\S.*)\Z"
#: a line of a file at the end of a message, or a text in quotes
_QUOTED = r'(?<=name: )".*"|(?<=whitespace: )".*"|(?<=field: )".*"|"[^"]*"'
#: what in quotes is only a word
_NAME = r'"[A-Za-z0-9_./-]*"\Z'
#: a word of a command line, and a table whose name is its content
_WORD = (
    r"(?<=unexpected command-line argument: )\S.*|(?<=unknown attribute name: )\S.*|\b(?<=static:)\S+|(?<=inline:)\{.*"
)


def discreet(lines: Iterable[str]) -> List[str]:
    """Return lines that Postfix has printed or logged without what may be a password."""
    return [_discreet(line) for line in lines]


def _discreet(line: str) -> str:
    match = re.search(_SETTING, line)
    if match:
        name = match.group(2)
        return line if name in PARAMETERS else line[: match.start(4)] + HIDDEN
    return re.sub(_WORD, HIDDEN, re.sub(_QUOTED, _unquoted, line))


def _unquoted(match: Match[str]) -> str:
    """Return a quoted text, or what stands for it."""
    is_line = match.string[: match.start()].endswith(("name: ", "whitespace: ", "field: "))
    return match.group() if not is_line and re.match(_NAME, match.group()) else f'"{HIDDEN}"'
