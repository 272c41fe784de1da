# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""The sources of a host, joined from its variables; what chooses them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import gcd
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.options import PREFIX
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import NamedSource

VARIABLE = f"{PREFIX}sources"
#: what Postfix asks for last: the domain of an address, or for the null sender this
_PATTERN = "/^(@|<>)/ any"


def variables_of(names: Iterable[str]) -> list[str]:
    """Return those of some variables that have sources, in the order in which they are joined."""
    return sorted(name for name in names if name == VARIABLE or name.startswith(f"{VARIABLE}_"))


def joined(names: Iterable[str], value_of: Callable[[str], Any]) -> dict[str, dict[str, Any]]:
    """Return the sources of all variables that have some, by name: of a key that several set, the last one counts.

    :param names: of all variables
    :param value_of: returns the value of one
    :raises InputError: one of them is not a mapping of mappings
    """
    sources: dict[str, dict[str, Any]] = {}
    for variable in variables_of(names):
        value = value_of(variable)
        if value is None:
            continue
        if not isinstance(value, Mapping):
            raise InputError(variable, str(value), "is not a mapping", "Give {name: {address: …}}")
        for name, said in value.items():
            if not isinstance(said, Mapping):
                raise InputError(variable, str(name), "is not described by a mapping", "Give {address: …}")
            entry = sources.setdefault(str(name), {"origin": []})
            entry.update({str(key): each for key, each in said.items()})
            entry["origin"] = [*entry["origin"], variable]
    return sources


def maps_of(sources: Sequence[NamedSource], senders: Mapping[str, str], pattern_file: str = "") -> str:
    """Return the value of sender_dependent_default_transport_maps that chooses among active sources.

    Postfix asks all tables for the whole address before it asks any for ``@domain`` (mail_addr_find(3)). So behind
    others a table that has an answer to everything must not see whole addresses.

    :param senders: by sender address or ``@domain``, the name of the source that it always has
    :param pattern_file: a file on the host with the pattern by which that is done
    :raises InputError: a sender is given a source that there is not, or that is not active
    """
    if not re.fullmatch(r"(/[^\s{},=$]+)?", pattern_file):
        raise InputError("pattern_file", pattern_file, "is not a path", "Give an absolute path without blanks")
    active = [source for source in sources if source.state == "active"]
    names = [source.name for source in active]
    lines = []
    for sender, name in senders.items():
        if not re.fullmatch(r"[^\s{}=,]*@[^\s{}=,@]+", str(sender)):
            raise InputError("senders", str(sender), "is not a sender", "Write an address, or @ and a domain")
        if name not in names:
            remedy = f"Use {', '.join(names)}" if names else "Let the state of a source be active"
            raise InputError(f"senders of {sender}", str(name), "is not an active source", remedy)
        lines.append(f"{{{sender}={name}:}}")
    weighed = _weighed([source for source in active if source.weight])
    if lines and weighed:
        weighed = f"pipemap:{{regexp:{pattern_file or f'{{{{{_PATTERN}}}}}'}, {weighed}}}"
    return ", ".join(filter(None, [f"inline:{{{', '.join(lines)}}}" if lines else "", weighed]))


def _weighed(sources: Sequence[NamedSource]) -> str:
    """Return the table that chooses one of some sources by weight: it has each as often as its share wants it."""
    if len(sources) < 2:
        return "".join(f"static:{{{source.name}:}}" for source in sources)
    common = gcd(*(source.weight for source in sources))
    words = [f"{source.name}:" for source in sources for _time in range(source.weight // common)]
    return f"randmap:{{{', '.join(words)}}}"
