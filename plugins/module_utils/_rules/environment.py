# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What import_environment(5) gives a master when it starts, and so all programs that this starts."""

from __future__ import annotations

from typing import Dict, Iterator, Mapping

from .._files.entry_words import unbraced

#: What the master itself sets, whatever it has imported (mail_params_init(), maillog_client_init()).
_OF_THE_MASTER = ("MAIL_", "POSTLOG_")


def has_imported(value: str, environment: Mapping[str, str]) -> bool:
    """Return whether an environment has each ``name=value`` of import_environment; names alone leave it open.

    :param environment: of a program that the master has started
    """
    return all(environment.get(name) == wanted for name, wanted in _assigned(value).items())


def _assigned(value: str) -> Dict[str, str]:
    """Return what is set to a value; the last one counts (clean_env() in util/clean_env.c)."""
    pairs = (word.partition("=") for word in _words(value))
    assigned = {name.strip(): text.strip() for name, sign, text in pairs if sign}
    return {name: text for name, text in assigned.items() if not name.startswith(_OF_THE_MASTER)}


def _words(value: str) -> Iterator[str]:
    """Yield the words; commas and blanks inside of braces part none (mail_parm_split() in global/mail_parm_split.c)."""
    level, word = 0, ""
    for letter in f"{value} ":
        if letter in ", \t\r\n" and not level:
            if word:
                yield unbraced(word)[0]
            word = ""
            continue
        word += letter
        level += 1 if letter == "{" else -1 if letter == "}" and level else 0
