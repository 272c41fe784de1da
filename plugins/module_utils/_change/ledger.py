# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger of an instance: what its files would be if this collection had never edited them.

For each file it has the version that was written last, and the original version: what was found at the first edit, with
all that others have edited since. What the two have in common is only kept as hashes: nothing of what others have
written is in here. It is written before the files are, so whichever of the versions before and after a commit they are,
after a crash too, they are found in here. An edit of anybody else is what makes them neither.
"""

from __future__ import annotations

import hashlib
import os
import time
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .._base.records import NamedTuple
from .._files.lines import encode_config
from .._files.pieces import KeyOf, Piece, Pieces, carried_over, parameter_of, pieces, service_of
from .._host.store import LEDGER, State, TransactionError
from .items import changed_items, items_of
from .journal import Texts

_FORMAT = 1
_KEYS: Tuple[KeyOf, ...] = (parameter_of, service_of)  # of main.cf and master.cf
_UNKNOWN = "\0"  # begins what was there and is not any more: its text was not kept


class Version(NamedTuple):
    """One version of a file: the hashes of its pieces, and whether the last one has a newline."""

    hashes: Tuple[str, ...]
    ended: bool


class Point(NamedTuple):
    """A version that was written, or found before that, and the original version that belongs to it."""

    written: Version
    original: Version


class File(NamedTuple):
    """What the ledger has of one file: versions, the latest last, and the texts of what only one of a pair has."""

    points: List[Point]
    texts: Dict[str, str]
    key_of: KeyOf

    def point_of(self, version: Pieces) -> Optional[Point]:
        """Return the point of a version that was written."""
        wanted = _version(version)
        return next((point for point in reversed(self.points) if point.written == wanted), None)

    def read(self, version: Version, beside: Pieces) -> Pieces:
        """Return a version, as far as its texts are known or are in another one."""
        known = {_hash(piece.text): piece for piece in beside.all}
        for each in version.hashes:
            if each in self.texts:
                text = self.texts[each]
                known[each] = pieces(text, self.key_of).all[0] if text else Piece("")
        return Pieces([known.get(each) or Piece(_UNKNOWN + each) for each in version.hashes], version.ended)


class Setting(NamedTuple):
    """When an item was set last, in s since the epoch, and by whom, as far as that is known."""

    at: float
    who: str


class Ledger:
    """The ledger of an instance, read against its present files.

    :ivar found: the present files
    :ivar written: what this collection has written last
    :ivar original: the original versions that belong to that
    :ivar settings: by the title of an item, when it was set
    """

    def __init__(
        self, found: Texts, files: Sequence[File], settings: Dict[str, Setting], went_back: Sequence[bool]
    ) -> None:
        self._files = files
        self.found = [pieces(text, file.key_of) for text, file in zip(found, files)]
        points = [
            known and file.point_of(version) or file.points[-1]
            for file, version, known in zip(files, self.found, went_back)
        ]
        versions = list(zip(files, points, self.found))
        self.written = [file.read(point.written, found) for file, point, found in versions]
        self.original = [file.read(point.original, found) for file, point, found in versions]
        self.settings = settings

    @classmethod
    def load(cls, state: State, found: Texts, mtimes: Sequence[int]) -> Optional[Ledger]:
        """Return the ledger; None if there is none, or none that this version of the collection can read.

        :param found: the present files
        :param mtimes: when each of them was written, in ns since the epoch
        """
        try:
            data = state.load(LEDGER)
            if data is None or data["format"] != _FORMAT:
                return None
            files = [_file(data["files"][index], key_of) for index, key_of in enumerate(_KEYS)]
            settings = {title: Setting(float(at), str(who)) for title, (at, who) in data["settings"].items()}
            # Who writes an earlier version by hand has edited the file. A rollback gives it the time that it had.
            written = os.stat(state.path(LEDGER)).st_mtime_ns
            went_back = [mtime <= written or _went_back_at_boot(state, written) for mtime in mtimes]
            return cls(found, files, settings, went_back)
        except (TransactionError, OSError, KeyError, TypeError, ValueError, AttributeError, IndexError):
            return None

    def originals(self, theirs: Sequence[Sequence[str]] = ((), ())) -> Texts:
        """Return the original versions with what others have edited since.

        :param theirs: for each file, the keys of what this collection has edited too, and where theirs counts
        """
        versions = zip(self.original, self.written, self.found, theirs)
        return tuple(_known(carried_over(*version)).text for version in versions)

    def original_of(self, index: int, text: str) -> Optional[str]:
        """Return the original version that belongs to one of the versions of a file that are in here."""
        file = self._files[index]
        version = pieces(text, file.key_of)
        point = file.point_of(version)
        return _known(file.read(point.original, version)).text if point else None


def record(
    state: State,
    before: Texts,
    mtimes: Sequence[int],
    new: Texts,
    earlier: Texts,
    original: Optional[Texts] = None,
    who: str = "",
    becomes: Optional[Texts] = None,
) -> None:
    """Write down what a commit is about to do.

    :param before: the present files
    :param mtimes: when each of them was written
    :param earlier: the version that a rollback would restore
    :param original: the original version of the present files; None where it is to be found in the ledger
    :param becomes: the original version of the new files, where it is another one
    :raises TransactionError: that cannot be written
    """
    ledger = Ledger.load(state, before, mtimes)
    known = original or (ledger.originals() if ledger else before)
    files = []
    for index, versions in enumerate(zip(earlier, before, new)):
        points: Dict[str, str] = {}
        for text in versions:
            found = ledger.original_of(index, text) if ledger and not (original and text == before[index]) else None
            points[text] = known[index] if found is None or (original and text == new[index]) else found
        if becomes:
            points[new[index]] = becomes[index]
        files.append(_as_data(points, _KEYS[index]))
    settings = dict(ledger.settings) if ledger else {}
    made = Setting(time.time(), who)
    settings.update({item.title: made for item in changed_items(items_of(before), items_of(new))})
    differing = {item.title for item in changed_items(items_of(becomes or known), items_of(new))}
    state.save(
        LEDGER,
        {
            "format": _FORMAT,
            "files": files,
            "settings": {title: setting for title, setting in settings.items() if title in differing},
        },
    )


def _as_data(points: Mapping[str, str], key_of: KeyOf) -> Dict[str, Any]:
    """Return some versions of a file, each with its original version, as they are saved."""
    texts: Dict[str, str] = {}
    saved = []
    for pair in points.items():
        parts = [pieces(text, key_of) for text in pair]
        versions = [_version(part) for part in parts]
        for part, own, other in zip(parts, versions, reversed(versions)):
            alone = set(own.hashes).difference(other.hashes)
            texts.update({each: piece.text for each, piece in zip(own.hashes, part.all) if each in alone})
        saved.append(versions)
    return {"texts": texts, "points": saved}


def _file(data: Mapping[str, Any], key_of: KeyOf) -> File:
    points = []
    for versions in data["points"]:
        written, original = (Version(tuple(hashes), bool(ended)) for hashes, ended in versions)
        points.append(Point(written, original))
    return File(points, dict(data["texts"]), key_of)


def _went_back_at_boot(state: State, since: int) -> bool:
    """Return whether a change was undone since a time (in ns since the epoch) that nobody had confirmed."""
    from .window import Record  # only where somebody else has written a file

    ended = Record.load(State(None, state.base)).ended
    return ended is not None and ended.outcome == "undone" and ended.at * 1e9 > since


def _version(version: Pieces) -> Version:
    return Version(tuple(_hash(piece.text) for piece in version.all), version.ended)


def _known(version: Pieces) -> Pieces:
    """Return a version without what somebody has removed since."""
    return version._replace(all=[piece for piece in version.all if not piece.text.startswith(_UNKNOWN)])


def _hash(text: str) -> str:
    return hashlib.sha256(encode_config(text)).hexdigest()[:24]
