# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a check answers, and what the user sees of it."""

from __future__ import annotations

from typing import Dict, Iterable, List, Sequence, Tuple, TypeVar

from ..._base.records import NamedTuple
from ..._base.words import Severity

Fact = TypeVar("Fact")
Who = TypeVar("Who")

_MOST = 8  # names in one sentence


class Point(NamedTuple):
    """One answer of a check. Its code and severity are those of the check's row in the registry."""

    parameter: str
    #: one sentence of fact
    message: str
    #: one sentence of remedy
    remedy: str
    #: take the milder of the two severities that the registry has for the check
    mild: bool = False


class Finding(NamedTuple):
    """One thing worth knowing about a configuration, with what to do about it."""

    #: stable, for machines; the registry lists all of them
    code: str
    #: ``error``: mail is lost, stuck or refused; ``warning``: probably not what was meant; ``info``: easily forgotten
    severity: Severity
    parameter: str
    message: str
    remedy: str


def grouped(pairs: Iterable[Tuple[Fact, Who]]) -> Dict[Fact, List[Who]]:
    """Return for each fact all of whom it is true, each once, so that it is said once."""
    groups: Dict[Fact, Dict[Who, None]] = {}
    for fact, who in pairs:
        groups.setdefault(fact, {})[who] = None
    return {fact: list(group) for fact, group in groups.items()}


def listed(names: Sequence[str]) -> str:
    """Return names for a sentence; of very many the first ones, and how many there are."""
    return ", ".join(names[:_MOST]) + (f", ... ({len(names)} in all)" if len(names) > _MOST else "")
