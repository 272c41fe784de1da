# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run can set, item by item: a parameter of main.cf, or what one entry of master.cf says."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

from .._base.records import NamedTuple
from .._base.words import HIDDEN, outline
from .._files.endpoint import identity
from .._files.main_cf import MainCf
from .._files.master_cf import MasterCf
from .._files.service import FIELD_VALUES
from .._rules.parameters import PARAMETERS
from .journal import Texts

ENTRY, COMMAND, OPTION = "entry", "command", "-o "
"""Parts of a service: whether it is there, its command, and what the names of its options begin with."""


class Item(NamedTuple):
    """One thing that can be set: a parameter; or of a service, by its identity, its entry or a part of that."""

    parameter: str
    service: str = ""
    part: str = ""

    @property
    def title(self) -> str:
        """How people call it."""
        if not self.service:
            return self.parameter
        return f"the service {self.service}" if self.part == ENTRY else f"{self.part} of the service {self.service}"

    @property
    def option(self) -> str:
        """The parameter that it sets: in main.cf, or with ``-o``; empty for other parts of a service."""
        return self.part[len(OPTION) :] if self.part.startswith(OPTION) else "" if self.service else self.parameter


Value = Tuple[str, ...]
Items = Dict[Item, Value]
"""What two files say; an item that is not there is not set. Each line that sets a parameter has a value of its own."""


def items_of(texts: Texts) -> Items:
    """Return what main.cf and master.cf say of what a run can set."""
    main, master = MainCf(texts[0]), MasterCf(texts[1])
    found: Items = {}
    for name in PARAMETERS:
        values = main.all_values(name)
        if values:
            found[Item(name)] = tuple(" ".join(value.split()) for value in values)
    for service in master.services():
        name = identity(service.name, service.type)
        entry = Item("services", name, ENTRY)
        found[entry] = (*found.get(entry, ()), service.title)
        for field in FIELD_VALUES:
            found[Item("services", name, field)] = (getattr(service, field),)
        found[Item("services", name, COMMAND)] = (service.command, *service.arguments, *service.invalid)
        for option, value in service.option_values.items():
            found[Item("services", name, OPTION + option)] = (value,)
    return found


def changed_items(before: Items, after: Items) -> List[Item]:
    """Return what is not the same; of an entry that appears or disappears, only that."""
    every = [item for item in dict.fromkeys((*before, *after)) if before.get(item) != after.get(item)]
    whole = {item.service for item in every if item.part == ENTRY and (item not in before or item not in after)}
    return [item for item in every if item.part in ("", ENTRY) or item.service not in whole]


def shown(item: Item, value: Optional[Sequence[str]]) -> Optional[str]:
    """Return a value as a result can show it: what may be a password is hidden. None where nothing is set."""
    if value is None:
        return None
    if item.part == COMMAND:
        return outline(" ".join(value))
    if item.part.startswith(OPTION) and item.option not in PARAMETERS:
        return HIDDEN
    return value[-1]
