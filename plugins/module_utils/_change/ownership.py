# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose each setting is: ours and still wanted, ours and abandoned, changed by hand, or never ours.

Nothing is remembered of what was wanted. What the files would be without this collection is in the ledger, and an edit
of that by what is wanted now shows what an edit of the present files leaves behind.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Set

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._base.words import shown_time
from .._files.master_cf_edit import MasterCfEditor
from .._files.pieces import differing
from .._files.service import FIELD_VALUES
from .._files.service_change import ServiceChange
from .._host.store import State
from .._host.surroundings import Surroundings
from .items import COMMAND, ENTRY, OPTION, Item, Items, changed_items, items_of, shown
from .journal import Texts
from .ledger import Ledger, Setting
from .plan import Plan, Wanted, edited_texts, make_plan
from .transaction import ConfigFiles

ABANDONED, RESTORED, BY_HAND, OVERRULED, UNKNOWN = "abandoned", "restored", "changed_by_hand", "overruled", "unknown"


class Note(NamedTuple):
    """What is to be told of one item.

    ``state`` is ``abandoned``, ``restored``, ``changed_by_hand`` (and that stays), ``overruled`` (changed by hand, and
    set again), or ``unknown`` (never ours, and nothing asks for it). ``first`` is what it would be without this
    collection, ``last`` what that has set, ``found`` what it was before this run; None where it is not set.
    """

    item: Item
    state: str
    first: Optional[Sequence[str]]
    last: Optional[Sequence[str]]
    found: Optional[Sequence[str]]
    setting: Optional[Setting]

    def as_data(self) -> Dict[str, Any]:
        """Return it as the modules return it, and as it can be saved; what may be a password is hidden."""
        values = {name: shown(self.item, getattr(self, name)) for name in ("first", "last", "found")}
        at = shown_time(self.setting.at) if self.setting else None
        who = self.setting.who if self.setting and self.setting.who else None
        return {**self.item._asdict(), "state": self.state, **values, "set_at": at, "set_by": who}


class Settled(NamedTuple):
    """A plan that minds the ledger, the original version of the files that it starts from, and what is to be told."""

    plan: Plan
    original: Optional[Texts]
    notes: List[Note]


def settle(wanted: Wanted, files: ConfigFiles, around: Surroundings, state: State) -> Settled:
    """Plan an edit that restores what is ours and nothing asks for any more, if that is wanted, or that leaves it.

    :param files: the present files
    :raises InputError: what is wanted is wrong in itself, or Postfix could not run by the edited files
    """
    texts = files.texts
    ledger = Ledger.load(state, texts, files.mtimes)
    if ledger is None:
        return Settled(make_plan(wanted, texts[0], texts[1], around), None, [])
    around = around._replace(why_in_use=lru_cache(maxsize=None)(around.why_in_use))  # it reads the whole queue
    found, written = items_of(texts), items_of(tuple(version.text for version in ledger.written))
    original = _original(ledger, wanted, around, found, written)
    plan = make_plan(wanted, texts[0], texts[1], around, original if wanted.abandoned == "restore" else None)
    planned, settings = items_of((plan.main, plan.master)), ledger.settings
    notes = of_nobody(wanted, texts, plan, original, around, written, settings)
    first = items_of(original)
    for item in changed_items(written, found):
        if is_ours(item, settings):
            kind = BY_HAND if planned.get(item) == found.get(item) else OVERRULED
            values = first.get(item), written.get(item), found.get(item)
            notes.append(Note(item, kind, *values, settings.get(item.title)))
    return Settled(plan, original, notes)


def of_nobody(
    wanted: Wanted,
    texts: Texts,
    plan: Plan,
    original: Texts,
    around: Surroundings,
    written: Optional[Items] = None,
    settings: Mapping[str, Setting] = MappingProxyType({}),
) -> List[Note]:
    """Return what nothing asks for any more, which a run restores or leaves.

    :param texts: the files before the run, for which this is the plan
    :param original: what they would be without this collection
    :param written: what this collection has written last; by default these files
    :param settings: by the title of an item, when it was set
    """
    restore, result = wanted.abandoned == "restore", (plan.main, plan.master)
    try:
        otherwise = edited_texts(wanted, texts if restore else original, around)
    except InputError:  # it is about parts of a service that only one of the two versions has
        otherwise = texts if restore else result
    if otherwise == result:  # as a rule
        return []
    found, planned, edited = items_of(texts), items_of(result), items_of(otherwise)
    last = found if written is None else written
    without, state = (planned, RESTORED) if restore else (edited, ABANDONED)
    return [
        Note(item, state, without.get(item), last.get(item), found.get(item), settings.get(item.title))
        for item in changed_items(planned, edited)
    ]


def is_ours(item: Item, settings: Collection[str]) -> bool:
    """Return whether this collection has set an item, or for the entry of a service any part of it.

    An entry that has disappeared since had such parts, and one that is not as the package has it may be so by them.

    :param settings: the titles of the items that it has set
    """
    if item.part == ENTRY:
        return any(title.endswith(item.title) for title in settings)
    return item.title in settings


def _original(ledger: Ledger, wanted: Wanted, around: Surroundings, found: Items, written: Items) -> Texts:
    """Return the original version of the present files: with what others have edited since they were written.

    Where they have edited what is ours, what is wanted counts. Where nothing is wanted, theirs does, and stays.
    """
    both = [
        sorted(set(differing(first, last)).intersection(differing(last, now)))
        for first, last, now in zip(ledger.original, ledger.written, ledger.found)
    ]
    if not any(both):
        return ledger.originals()
    first = items_of(tuple(version.text for version in ledger.original))
    edits = _Edits(ledger, both, first, written, found)
    ours, theirs = edits.applied(set()), edits.applied(edits.disputed)
    try:
        results = [items_of(edited_texts(wanted, texts, around)) for texts in (ours, theirs)]
    except InputError:  # what is wanted is about something that is only there by theirs
        return theirs
    free = {item for item in edits.disputed if results[0].get(item) != results[1].get(item)}
    return edits.applied(free)


class _Edits:
    """What others have edited of that which is ours: whole pieces, or parts of an entry of master.cf.

    :ivar disputed: what differs in all three versions: the original, the one that was written, and the present one
    """

    def __init__(
        self, ledger: Ledger, both: Sequence[Sequence[str]], first: Items, written: Items, found: Items
    ) -> None:
        self.ledger, self.found = ledger, found
        self.parts: Dict[str, List[Item]] = {}  # by service, where only fields and options were edited
        for service in both[1]:
            edited = [item for item in changed_items(written, found) if item.service == service]
            there = [len(items.get(Item("services", service, ENTRY), ())) for items in (first, written, found)]
            if there == [1, 1, 1] and not any(item.part in (ENTRY, COMMAND) for item in edited):
                self.parts[service] = edited
        self.whole = [both[0], [service for service in both[1] if service not in self.parts]]
        items = [item for item in dict.fromkeys((*first, *written, *found)) if self._is_whole(item)]
        self.disputed: Set[Item] = set(items)
        self.undisputed: Set[Item] = set()
        for item in (item for edited in self.parts.values() for item in edited):
            same = first.get(item) == written.get(item)
            (self.undisputed if same else self.disputed).add(item)

    def _is_whole(self, item: Item) -> bool:
        return item.service in self.whole[1] if item.service else item.parameter in self.whole[0]

    def applied(self, theirs: Set[Item]) -> Texts:
        """Return the original version with these items, of those that are disputed, as others have edited them."""
        keys = [
            [key for key in self.whole[0] if any(item.parameter == key for item in theirs if not item.service)],
            [key for key in self.whole[1] if any(item.service == key for item in theirs)],
        ]
        main, master = self.ledger.originals(keys)
        editor = MasterCfEditor(master)
        for service, edited in self.parts.items():
            chosen = [item for item in edited if item in theirs or item in self.undisputed]
            try:
                editor.put(_change(service, chosen, self.found))
            except InputError:  # it is not as a run could write it
                continue
        return main, editor.text


def _change(service: str, items: Sequence[Item], values: Items) -> ServiceChange:
    """Return the change that gives parts of a service these values."""
    name, _slash, type = service.rpartition("/")
    fields = {item.part: values[item][0] for item in items if item.part in FIELD_VALUES and item in values}
    options = {item.option: values[item][0] for item in items if item.part.startswith(OPTION) and item in values}
    gone = [item.option for item in items if item.part.startswith(OPTION) and item not in values]
    return ServiceChange(name, type, **fields, options=options, unset_options=gone)
