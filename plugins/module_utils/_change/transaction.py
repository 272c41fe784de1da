# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""main.cf and master.cf as one commit, whose previous version is kept until it is confirmed.

A journal in a directory private to root says what the two files were and what they become. It is on the disk before
the first file is replaced, and which of its versions the files are tells how far the writer got. So there is no state
to keep in step with them, and a crash at any instant leaves something that the next run understands:

* all files as before: nothing had been written, the edit is forgotten;
* one as before, one new: the edit is completed;
* all new: the edit is whole, and waits to be confirmed or rolled back;
* anything else: somebody edited them since, that edit wins, the journal is dropped.

A rollback is a commit whose new version is the original one. A file that no version of the journal changes does not
count.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, suppress
from typing import ContextManager, List, NamedTuple, Optional, Tuple

from .._files.lines import decode_config, encode_config
from .._host.store import STATE_DIRECTORY, FileChanged, State, TransactionError
from .atomic_replace import Replacement

__all__ = ["ConfigFiles", "FileChanged", "Pending", "STATE_DIRECTORY", "TransactionError", "Transactions", "read_files"]

NAMES = ("main.cf", "master.cf")
_JOURNAL = "transaction.json"
_REJECTED = "rejected"
_FORMAT = 1

Texts = Tuple[str, ...]
"""The texts of the files, in the order of NAMES."""


class ConfigFiles(NamedTuple):
    """Both files as they were when read; the times are those of main.cf and master.cf, in ns since the epoch."""

    config_directory: str
    main: str
    master: str
    mtimes: Tuple[int, ...] = (0, 0)
    ctimes: Tuple[int, ...] = (0, 0)

    @property
    def texts(self) -> Texts:
        return (self.main, self.master)


class Pending(NamedTuple):
    """A commit that was not confirmed yet.

    ``progress`` is "done" when the files are its outcome, "half" and "none" when it was interrupted, "overtaken" when
    somebody edited the files since. ``original`` is what a rollback would restore, ``settled`` what the files are after
    :meth:`Transactions.recover`, ``since`` when the first unconfirmed commit was made, in s since the epoch.
    """

    progress: str
    original: ConfigFiles
    settled: ConfigFiles
    since: float


class _Journal(NamedTuple):
    """The files when last confirmed, with their mtimes if they are known; just before the commit; and after it."""

    original: Texts
    found: Texts
    new: Texts
    mtimes: Tuple[int, ...]
    since: float

    def about(self, now: Texts) -> _Journal:
        """The same for files that are ``now``: one that no version changes is what it is now in all of them."""
        versions = (self.original, self.found, self.new)
        concerned = [len(set(texts)) > 1 for texts in zip(*versions)]
        original, found, new = (
            tuple(text if mine else as_is for text, mine, as_is in zip(texts, concerned, now)) for texts in versions
        )
        return self._replace(original=original, found=found, new=new)

    def progress(self, now: Texts) -> str:
        if now == self.new:
            return "done"
        if now == self.found:
            return "none"
        whole = all(text in (found, new) for text, found, new in zip(now, self.found, self.new))
        return "half" if whole else "overtaken"


def read_files(config_directory: str) -> ConfigFiles:
    """Read both files.

    :raises TransactionError: one of them cannot be read
    """
    texts: List[str] = []
    status: List[os.stat_result] = []
    for name in NAMES:
        path = os.path.join(config_directory, name)
        try:
            with open(path, "rb") as stream:
                status.append(os.fstat(stream.fileno()))
                texts.append(decode_config(stream.read()))
        except OSError as error:
            raise TransactionError(f"{path} cannot be read: {error.strerror}.") from error
    mtimes = tuple(each.st_mtime_ns for each in status)
    return ConfigFiles(config_directory, texts[0], texts[1], mtimes, tuple(each.st_ctime_ns for each in status))


class Transactions:
    """The commits to one configuration directory.

    :param config_directory: where main.cf and master.cf are; either may be a symbolic link, which stays one
    :param state_directory: where the journals of all instances are kept
    :param time_limit: how many seconds to wait for another run of this collection, or for postconf
    """

    def __init__(self, config_directory: str, state_directory: str = STATE_DIRECTORY, time_limit: float = 10.0) -> None:
        self.config_directory = config_directory
        self.state = State(config_directory, state_directory)
        self.time_limit = time_limit

    def locked(self) -> ContextManager[None]:
        """Keep other runs of this collection away from the instance. The methods below do it themselves."""
        return self.state.locked(self.time_limit)

    def commit(self, found: ConfigFiles, main: str, master: str) -> None:
        """Make the files say ``main`` and ``master``; a file that says so already is not touched.

        :param found: what :func:`read_files` returned, which the new texts were made from
        :raises FileChanged: a file is not what was found; read again, and retry
        :raises TransactionError: it could not be done; the message says what the files are now
        """
        new = (main, master)
        if new == found.texts:
            return
        with self.locked():
            self.recover()
            earlier = self._journal(found.texts)
            if earlier:  # not confirmed yet: what was good before it stays the version to go back to
                journal = earlier._replace(found=found.texts, new=new)
            else:
                journal = _Journal(found.texts, found.texts, new, found.mtimes, time.time())
            self._carry_out(journal, found)

    def adopt(self, verified: Texts) -> None:
        """Make an edit of somebody else's one that can be rolled back, unless there is a commit that can.

        :param verified: the files that Postfix has proved to work by
        """
        with self.locked():
            now = read_files(self.config_directory)
            if now.texts != verified and self._journal(now.texts) is None:
                self._save(_Journal(verified, now.texts, now.texts, (), time.time()))

    def pending(self) -> Optional[Pending]:
        """The commit that waits to be confirmed, or to be completed, if there is one. Writes nothing."""
        now = read_files(self.config_directory)
        journal = self._journal(now.texts)
        if journal is None or journal.original == now.texts:
            return None
        progress = journal.progress(now.texts)
        settled = journal.new if progress == "half" else now.texts
        return Pending(
            progress=progress,
            original=now._replace(main=journal.original[0], master=journal.original[1]),
            settled=now._replace(main=settled[0], master=settled[1]),
            since=journal.since,
        )

    def recover(self) -> Optional[str]:
        """Complete or forget what an interrupted run left behind; says in a sentence what was done, if anything.

        :raises TransactionError: it cannot be completed
        """
        if not os.path.lexists(self.state.path(_JOURNAL)):
            return None
        with self.locked():
            now = read_files(self.config_directory)
            journal = self._journal(now.texts)
            if journal is None:
                return None
            progress = journal.progress(now.texts)
            if progress == "half":
                self._replace_files(now, journal.new, journal.mtimes if journal.new == journal.original else None)
                self._settle(journal)
                return "An earlier run was interrupted between the two configuration files; its edit was completed."
            if progress == "none":
                self._settle(journal._replace(new=now.texts))
                return "The edit of an earlier run is not in the files: it was interrupted or undone, and is forgotten."
            if progress == "overtaken":
                self.state.remove(_JOURNAL)
                return (
                    f"The files in {self.config_directory} were edited by somebody else after an earlier run that was "
                    "not confirmed; they stay as they are, and the version from before that run is forgotten."
                )
            if journal.new == journal.original:  # a rollback that was interrupted at its very end
                self._settle(journal)
            return None

    def confirm(self) -> None:
        """The files proved good: the version before them is not needed any more."""
        if os.path.lexists(self.state.path(_JOURNAL)):
            with self.locked():
                self.state.remove(_JOURNAL)

    def rollback(self) -> List[str]:
        """Go back to the version that was confirmed last; returns the paths of the files that were restored.

        None are where there is nothing to go back to: no commit is pending, or somebody edited the files since.
        A restored file gets its modification time of then, if that is known, which is the truth about its content. What
        it was before is kept in :attr:`rejected`, because it may be somebody's handiwork.
        """
        with self.locked():
            self.recover()
            now = read_files(self.config_directory)
            journal = self._journal(now.texts)
            if journal is None:
                return []
            for name, text, old in zip(NAMES, now.texts, journal.original):
                if text != old:
                    with suppress(TransactionError):
                        self.state.keep(os.path.join(_REJECTED, name), encode_config(text))
            self._carry_out(journal._replace(found=now.texts, new=journal.original), now, journal.mtimes)
            return [path for path, text, old in zip(self._paths(), now.texts, journal.original) if text != old]

    @property
    def rejected(self) -> str:
        """The directory with what rollbacks have replaced, the last version of each file."""
        return self.state.path(_REJECTED)

    def _paths(self) -> List[str]:
        return [os.path.join(self.config_directory, name) for name in NAMES]

    def _journal(self, now: Texts) -> Optional[_Journal]:
        data = self.state.load(_JOURNAL)
        if data is None:
            return None
        try:
            if data["format"] != _FORMAT:
                raise ValueError
            original, found, new, mtimes = (tuple(data[key]) for key in ("original", "found", "new", "mtimes"))
            return _Journal(original, found, new, mtimes, float(data["since"])).about(now)
        except (KeyError, TypeError, ValueError) as error:
            reason = "is not a journal of this version of the collection. Look at the files, then remove it."
            raise TransactionError(f"{self.state.path(_JOURNAL)} {reason}") from error

    def _carry_out(self, journal: _Journal, now: ConfigFiles, mtimes: Optional[Tuple[int, ...]] = None) -> None:
        """Make the files the journal's new version, or leave them as they are."""
        try:
            self._replace_files(now, journal.new, mtimes, journal)
        except BaseException as error:
            try:
                self._undo(journal, now)
            except TransactionError as second:
                state = f"{error} What was done cannot be undone: {second} The next run completes it."
                raise TransactionError(state) from error
            raise
        with suppress(TransactionError):  # the files are what they are to be, and the next run finds that out
            self._settle(journal)

    def _undo(self, journal: _Journal, now: ConfigFiles) -> None:
        left = read_files(self.config_directory)
        if journal.progress(left.texts) in ("half", "done"):
            self._replace_files(left, now.texts, now.mtimes)
        saved = self._journal(now.texts)
        if saved and saved.new == journal.new:  # that is: it failed after the journal was written
            self._settle(journal._replace(new=now.texts))

    def _replace_files(
        self,
        now: ConfigFiles,
        wanted: Texts,
        mtimes: Optional[Tuple[int, ...]] = None,
        journal: Optional[_Journal] = None,
    ) -> None:
        deadline = time.monotonic() + self.time_limit
        with ExitStack() as stack:
            replacements = [
                (stack.enter_context(Replacement(path, deadline)), index)
                for index, path in enumerate(self._paths())
                if now.texts[index] != wanted[index]
            ]
            for path, old, text in zip(self._paths(), now.texts, read_files(self.config_directory).texts):
                if old != text:
                    raise FileChanged(f"{path} was changed by somebody else since it was read; nothing was written.")
            for replacement, index in replacements:
                replacement.prepare(encode_config(wanted[index]), mtimes[index] if mtimes else None)
            if journal:  # from here on the next run knows what was meant
                self._save(journal)
            for replacement, _index in replacements:
                replacement.put()

    def _settle(self, journal: _Journal) -> None:
        """The files are the journal's new version: it is kept as long as there is another one to go back to."""
        if journal.new == journal.original:
            self.state.remove(_JOURNAL)
        elif journal.new == journal.found:
            self._save(journal)

    def _save(self, journal: _Journal) -> None:
        self.state.save(_JOURNAL, {"format": _FORMAT, **journal._asdict()})
