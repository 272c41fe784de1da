# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last versions of both files of an instance that are kept, so that one of them can be brought back.

When that is done says :mod:`_change.keep_version`. Each is a file of the state, with a name of its own for good: the
time when it was first kept. Coming back to a version makes no second one of the same texts, but the newest one of the
old.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional

from .._base.records import NamedTuple
from .._base.words import shown_time
from .._files.lines import encode_config
from .._host.store import STATE_DIRECTORY, VERSIONS, State, TransactionError, explained, read_regular
from .journal import Texts

if TYPE_CHECKING:
    from .transaction import ConfigFiles
    from .window import Part

USUAL = 5
"""How many are kept if nobody has ever said so."""
LARGEST = 4 << 20
"""How many bytes all versions of an instance may have."""

_FORMAT = 1
_NUMBER = "versions.json"  # of the state of the instance: how many are to be kept
_NAME = r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)\.json"


class Version(NamedTuple):
    """One version of both files."""

    #: when it was first kept, in s since the epoch; no two have the same
    time: int
    #: when it has become the newest one, the last time; a clock that was set makes no difference to ``order``
    last: float
    order: int
    #: whether Postfix was found to work by it
    verified: bool
    texts: Texts
    #: what they would be without this collection, as the ledger had it; None where it said nothing
    original: Optional[Texts] = None
    #: bytes that it takes
    size: int = 0

    @property
    def shown(self) -> str:
        """The time, which is the name of the version."""
        return shown_time(self.time)

    @property
    def path(self) -> str:
        """Its file, as the state has it."""
        return os.path.join(VERSIONS, f"{self.shown}.json")

    def on_top_of(self, files: Texts) -> Texts:
        """Return its texts, but for what main.cf says of other instances: that stays what it is in these files."""
        return _with_list(self.texts, files)

    def original_on_top_of(self, files: Texts) -> Optional[Texts]:
        """Return the same of its original version."""
        return _with_list(self.original, files) if self.original else None

    @property
    def content(self) -> bytes:
        """What the file says."""
        data = {"format": _FORMAT, "time": self.time, "last": self.last, "order": self.order}
        texts = dict(zip(("main", "master"), self.texts))
        return json.dumps({**data, "verified": self.verified, **texts, "original": self.original}).encode("ascii")


class Versions:
    """The versions of one instance.

    :param state: of the instance; who writes holds its lock
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self._known: Optional[List[Version]] = None

    @property
    def known(self) -> List[Version]:
        """The versions, newest first; what is damaged, or not from here, is none."""
        if self._known is None:
            names = self._names()
            self._known = [version for version in map(self._read, names) if version]
            # Two have the same order where one could not be read when the other was kept.
            self._known.sort(key=lambda version: (version.order, version.last), reverse=True)
        return self._known

    @property
    def number(self) -> int:
        """How many are to be kept, as a run was told last."""
        with suppress(TransactionError):
            number = (self.state.load(_NUMBER) or {}).get("number")
            if isinstance(number, int) and number >= 0:
                return number
        return USUAL

    @property
    def damaged(self) -> List[str]:
        """The times of those that cannot be read."""
        known = [version.shown for version in self.known]
        return [shown for shown in (name.rpartition(".")[0] for name in self._names()) if shown not in known]

    def of(self, files: Texts) -> Optional[Version]:
        """Return the version that files have, if there is one."""
        exact = next((version for version in self.known if version.texts == files), None)
        return exact or next((version for version in self.known if version.on_top_of(files) == files), None)

    def original_of(self, texts: Texts, found: ConfigFiles) -> Optional[Texts]:
        """Return what files would be without this collection; None where the ledger does not know.

        :param found: the present files, by which the ledger is read
        """
        from .ledger import Ledger  # who only lists versions needs none

        ledger = Ledger.load(self.state, found.texts, found.mtimes)
        if ledger is None:
            return None
        present = ledger.originals() if texts == found.texts else ()
        known = [ledger.original_of(index, text) for index, text in enumerate(texts)]
        originals = [present[index] if text is None and present else text for index, text in enumerate(known)]
        return tuple(text for text in originals if text is not None) if None not in originals else None

    def keep(self, texts: Texts, verified: bool, original: Optional[Texts] = None) -> None:
        """Make a version of texts the newest one, or a new one of them; not if it is too large.

        :param verified: whether Postfix was found to work by them; else that stays what it was
        :param original: what they would be without this collection; None where that is not known, or as before
        :raises TransactionError: it cannot be written
        """
        newest, version = next(iter(self.known), None), self.of(texts)
        if version and version is newest and version.texts == texts and (version.verified or not verified):
            return
        now = time.time()
        if version is None:
            version = Version(self._free(int(now)), now, 0, False, texts)
        others = [one for one in self.known if one is not version]
        order = 1 + max((one.order for one in others), default=0)
        verified = version.verified or verified
        original = original or version.original
        version = version._replace(last=now, order=order, verified=verified, texts=texts, original=original)
        version = version._replace(size=len(version.content))
        if version.size <= LARGEST:
            self.state.keep(version.path, version.content)
            self._known = [version, *others]

    def trim(self, number: Optional[int] = None, least: int = 0) -> None:
        """Remove the oldest versions beyond a number, or beyond the bytes that all may have.

        :param number: how many are kept from now on; None for as many as before
        :param least: how many are kept this time all the same
        :raises TransactionError: one cannot be removed, or the number not be written down
        """
        if number is not None and number != self.number:
            self.state.save(_NUMBER, {"format": _FORMAT, "number": number})
        left: List[Version] = []
        size = 0
        for version in list(self.known):
            size += version.size
            if len(left) < max(self.number, least) and size <= LARGEST:
                left.append(version)
            else:
                self.state.remove(version.path)
        self._known = left
        rest = self._names(r"\.new")  # of a run that was killed
        for name in rest if left else rest + self._names():  # what is damaged can have passwords too
            self.state.remove(os.path.join(VERSIONS, name))
        if not left:
            with suppress(OSError):
                os.rmdir(self.state.path(VERSIONS))

    def _names(self, more: str = "") -> List[str]:
        with explained(f"{self.state.path(VERSIONS)} cannot be read"), suppress(FileNotFoundError, NotADirectoryError):
            return sorted(name for name in os.listdir(self.state.path(VERSIONS)) if re.match(rf"{_NAME}{more}\Z", name))
        return []

    def _read(self, name: str) -> Optional[Version]:
        path = self.state.path(os.path.join(VERSIONS, name))
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            if os.stat(path).st_size > LARGEST:
                return None
            content = read_regular(path)[0]
            data = json.loads(content.decode("ascii"))
            texts = (data["main"], data["master"])
            original = tuple(data["original"]) if data["original"] else None
            is_whole = all(isinstance(encode_config(text), bytes) for text in (*texts, *(original or texts)))
            times, order, verified = (
                (int(data["time"]), float(data["last"])),
                int(data["order"]),
                bool(data["verified"]),
            )
            version = Version(*times, order, verified, texts, original, len(content))
            if is_whole and data["format"] == _FORMAT and len(original or texts) == len(texts):
                return version if os.path.basename(version.path) == name else None
        return None

    def _free(self, seconds: int) -> int:
        """Return a time that no version has, nor anything else of that name."""
        while os.path.lexists(self.state.path(Version(seconds, 0, 0, False, ("", "")).path)):
            seconds += 1
        return seconds


def _with_list(texts: Texts, files: Texts) -> Texts:
    from .listing import with_list_of

    return (with_list_of(texts[0], files[0]), texts[1])


def keep_new(parts: Iterable[Part], base: str = STATE_DIRECTORY) -> None:
    """Keep what was confirmed from outside; it stays confirmed if that cannot be done."""
    from .transaction import read_files

    for part in parts:
        versions = Versions(State(part.directory, base))
        with suppress(TransactionError, OSError):
            if versions.number and os.path.isdir(part.directory):  # it may have been removed since
                versions.keep(part.new, True, versions.original_of(part.new, read_files(part.directory)))
                versions.trim()


def listed(state: State, files: Texts) -> List[Dict[str, Any]]:
    """Return the versions of an instance as modules do.

    :param files: what its files are now
    """
    versions = Versions(state)
    current = versions.of(files)
    return [
        {
            "time": version.shown,
            "last": shown_time(version.last),
            "size": version.size,
            "current": version is current,
            "verified": version.verified,
        }
        for version in versions.known
    ]
