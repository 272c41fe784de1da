# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What import_environment(5) gives a master when it starts, and so all programs that this starts."""

from __future__ import annotations

from typing import Iterator, Mapping, Tuple

from .._base.words import words_outside_braces
from .._files.entry_words import unbraced

#: What the master itself sets, whatever it has imported (mail_params_init(), maillog_client_init()).
_OF_THE_MASTER = ("MAIL_", "POSTLOG_")


def has_imported(value: str, environment: Mapping[str, str]) -> bool:
    """Return whether an environment has each ``name=value`` of import_environment; names alone leave it open.

    :param environment: of a program that the master has started
    """
    assigned = {name: text for name, text, _problem in _settings(value) if not name.startswith(_OF_THE_MASTER)}
    return all(environment.get(name) == text for name, text in assigned.items())  # the last one counts


def problem(value: str) -> str:
    """Return of what the master dies in import_environment; an empty text if of nothing."""
    return next((found for _name, _text, found in _settings(value) if found), "")


def _settings(value: str) -> Iterator[Tuple[str, str, str]]:
    """Yield name and value of each word that sets one, and what is wrong with it (clean_env() in util/clean_env.c)."""
    for word in words_outside_braces(value, ", \t\r\n"):
        text, found = unbraced(word)
        name, sign, text = (part.strip() for part in text.partition("="))
        if sign and not found:
            found = "a value without a name" if not name else "a name with a blank" if len(name.split()) > 1 else ""
        if sign or found:
            yield name, text, found
