# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""main.cf and master.cf as one commit, whose previous version is kept until it is confirmed.

A journal says what the two files were and what they become. It is on the disk before the first file is replaced, and
which of its versions the files are tells how far the writer got, so that a crash at any instant leaves something that
the next run understands:

* both files as before: nothing had been written, the edit is forgotten;
* one as before, one new: the edit is completed;
* both new: the edit is whole, and waits to be confirmed or rolled back;
* anything else: somebody edited them since, that edit wins, the journal is dropped.

A rollback is a commit whose new version is the original one.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, suppress
from typing import Callable, ContextManager, List, Optional, Tuple

from .._base.records import NamedTuple
from .._files.lines import decode_config, encode_config
from .._host.store import STATE_DIRECTORY, FileChanged, State, TransactionError, explained, read_regular
from .journal import Journal, Texts

NAMES = ("main.cf", "master.cf")
_REJECTED = "rejected"


class ConfigFiles(NamedTuple):
    """Both files as they were when read; the times are those of main.cf and master.cf, in ns since the epoch."""

    config_directory: str
    main: str
    master: str
    mtimes: Tuple[int, ...] = (0, 0)
    ctimes: Tuple[int, ...] = (0, 0)

    @property
    def texts(self) -> Texts:
        """The texts, in the order of NAMES."""
        return (self.main, self.master)

    def with_texts(self, texts: Texts) -> ConfigFiles:
        """Return the same files with other texts."""
        return self._replace(main=texts[0], master=texts[1])


class Pending(NamedTuple):
    """A commit that was not confirmed yet.

    ``progress`` is that of :meth:`Journal.progress`. ``original`` is what a rollback would restore, ``settled`` what
    the files are after :meth:`Transactions.recover`, ``since`` when the first unconfirmed commit was made, in s since
    the epoch.
    """

    progress: str
    original: ConfigFiles
    settled: ConfigFiles
    since: float


def read_files(config_directory: str, suffix: str = "") -> ConfigFiles:
    """Read both files.

    :param suffix: what follows their names
    :raises TransactionError: one of them cannot be read
    """
    texts: List[str] = []
    status: List[os.stat_result] = []
    for name in NAMES:
        path = os.path.join(config_directory, name + suffix)
        with explained(f"{path} cannot be read"):
            content, found = read_regular(path)
        status.append(found)
        texts.append(decode_config(content))
    mtimes, ctimes = zip(*((each.st_mtime_ns, each.st_ctime_ns) for each in status))
    return ConfigFiles(config_directory, texts[0], texts[1], mtimes, ctimes)


class Transactions:
    """The commits to one configuration directory.

    :param config_directory: where main.cf and master.cf are; either may be a symbolic link, which stays one
    :param time_limit: seconds to wait for another run of this collection, or for postconf
    :param ledger: whether commits are written down in the ledger; not before Postfix starts at boot, when only versions
        come back that are in there
    """

    def __init__(
        self,
        config_directory: str,
        state_directory: str = STATE_DIRECTORY,
        time_limit: float = 10.0,
        ledger: bool = True,
    ) -> None:
        self.config_directory = config_directory
        self.state = State(config_directory, state_directory)
        self.time_limit = time_limit
        #: who makes the commits, as far as that is known
        self.who = ""
        #: what the files of the next commit would be without this collection, where the present ones would be other
        self.becomes: Optional[Texts] = None
        self._ledger = ledger

    def locked(self) -> ContextManager[None]:
        """Keep other runs of this collection away from the instance. The methods below do it themselves."""
        return self.state.locked(self.time_limit)

    def commit(self, source: ConfigFiles, main: str, master: str, original: Optional[Texts] = None) -> None:
        """Make the files say ``main`` and ``master``; a file that says so already is not touched.

        :param source: what :func:`read_files` returned, and the new texts were made from
        :param original: what they would be without this collection, where that is not what the ledger says
        :raises FileChanged: a file is not what it was then
        :raises TransactionError: it could not be done; the message says what the files are now
        """
        before, new = source.texts, (main, master)
        if new == before:
            return
        with self.locked():
            self.recover()
            # One that is not confirmed yet keeps its original version as the one to go back to.
            earlier = Journal.load(self.state, before) or Journal(before, before, new, source.mtimes, time.time())
            self._carry_out(earlier._replace(before=before, new=new), source, original=original)

    def amend(self, edit: Callable[[str], str]) -> None:
        """Edit main.cf, and the version of it that a rollback would restore: the edit stays in any case.

        It must be nothing that a running Postfix looks at.

        :raises TransactionError: it could not be done, and the files are as they were
        """
        with self.locked():
            for attempt in (1, 2, 3):
                self.recover()
                current = read_files(self.config_directory)
                new = (edit(current.main), current.master)
                earlier = Journal.load(self.state, current.texts)
                try:
                    if earlier is None:
                        self._replace_files(current, new)
                    else:
                        original = (edit(earlier.original[0]), earlier.original[1])
                        self._carry_out(earlier._replace(original=original, before=current.texts, new=new), current)
                    return
                except FileChanged:
                    if attempt == 3:
                        raise
                except BaseException:
                    if earlier is not None:
                        with suppress(TransactionError):
                            earlier.save(self.state)
                    raise

    def adopt(self, verified: Texts) -> None:
        """Make an edit of somebody else's one that can be rolled back, unless there is a commit that can.

        :param verified: the files that Postfix has proved to work by
        """
        from .listing import with_list_of  # most runs adopt nothing

        with self.locked():
            current = read_files(self.config_directory)
            original = (with_list_of(verified[0], current.main), verified[1])  # Postfix has not looked at that
            if current.texts != original and Journal.load(self.state, current.texts) is None:
                Journal(original, current.texts, current.texts, (), time.time()).save(self.state)

    def pending(self) -> Optional[Pending]:
        """Return the commit that waits to be confirmed, or to be completed, if there is one. Writes nothing."""
        current = read_files(self.config_directory)
        journal = Journal.load(self.state, current.texts)
        if journal is None or journal.original == current.texts:
            return None
        progress = journal.progress(current.texts)
        settled = journal.new if progress == "half" else current.texts
        return Pending(progress, current.with_texts(journal.original), current.with_texts(settled), journal.since)

    def recover(self) -> Optional[str]:
        """Complete or forget what an interrupted run left behind; return in a sentence what was done, if anything.

        :raises TransactionError: it cannot be completed
        """
        if not Journal.exists(self.state):
            return None
        with self.locked():
            current = read_files(self.config_directory)
            journal = Journal.load(self.state, current.texts)
            if journal is None:
                return None
            progress = journal.progress(current.texts)
            if progress == "half":
                self._replace_files(current, journal.new, journal.mtimes if journal.new == journal.original else None)
                journal.settle(self.state)
                return "An earlier run was interrupted between the two configuration files; its edit was completed."
            if progress == "none":
                journal._replace(new=current.texts).settle(self.state)
                return "The edit of an earlier run is not in the files: it was interrupted or undone, and is forgotten."
            if progress == "overtaken":
                Journal.remove(self.state)
                return (
                    f"The files in {self.config_directory} were edited by somebody else after an earlier run that was "
                    "not confirmed; they stay as they are, and the version from before that run is forgotten."
                )
            if journal.new == journal.original:  # a rollback that was interrupted at its very end
                journal.settle(self.state)
            return None

    def confirm(self) -> None:
        """Forget the previous version of the files: Postfix works by the present one."""
        if Journal.exists(self.state):
            with self.locked():
                Journal.remove(self.state)

    def rollback(self) -> List[str]:
        """Go back to the version that was confirmed last; return the paths of the files that were restored.

        There are none if no commit is pending, or if somebody edited the files since. A restored file gets the
        modification time that belongs to its content, if that is known. What it was before is kept in
        :attr:`rejected`, because somebody may have written it by hand.
        """
        with self.locked():
            self.recover()
            current = read_files(self.config_directory)
            journal = Journal.load(self.state, current.texts)
            if journal is None:
                return []
            versions = zip(NAMES, current.texts, journal.original)
            changed = {name: text for name, text, original in versions if text != original}
            for name, text in changed.items():
                with suppress(TransactionError):
                    self.state.keep(os.path.join(_REJECTED, name), encode_config(text))
            self._carry_out(journal._replace(before=current.texts, new=journal.original), current, journal.mtimes)
            return [os.path.join(self.config_directory, name) for name in changed]

    @property
    def rejected(self) -> str:
        """The directory with what rollbacks have replaced, the last version of each file."""
        return self.state.path(_REJECTED)

    def _carry_out(
        self,
        journal: Journal,
        current: ConfigFiles,
        mtimes: Optional[Tuple[int, ...]] = None,
        original: Optional[Texts] = None,
    ) -> None:
        """Make the files the journal's new version, or leave them as they are."""
        try:
            self._replace_files(current, journal.new, mtimes, journal, original)
        except BaseException as error:
            try:
                self._undo(journal, current)
            except TransactionError as second:
                message = f"{error} What was done cannot be undone: {second} The next run completes it."
                raise TransactionError(message) from error
            raise
        with suppress(TransactionError):  # the files are what they are to be, and the next run finds that out
            journal.settle(self.state)

    def _undo(self, journal: Journal, current: ConfigFiles) -> None:
        """Put back what a commit that failed has replaced.

        :param current: the files before the commit
        """
        left = read_files(self.config_directory)
        if journal.progress(left.texts) in ("half", "done"):
            self._replace_files(left, current.texts, current.mtimes)
        saved = Journal.load(self.state, current.texts)
        if saved and saved.new == journal.new:  # it failed after the journal was written
            journal._replace(new=current.texts).settle(self.state)

    def _replace_files(
        self,
        current: ConfigFiles,
        wanted: Texts,
        mtimes: Optional[Tuple[int, ...]] = None,
        journal: Optional[Journal] = None,
        original: Optional[Texts] = None,
    ) -> None:
        """Replace each file that differs, all of them locked meanwhile.

        :param current: the files as they are
        :param mtimes: the modification times that they get, if those are known
        :param journal: what to save once everything is ready for the first file to be replaced
        :param original: what the ledger then says of the files
        """
        from .atomic_replace import Replacement  # most runs replace nothing

        deadline = time.monotonic() + self.time_limit
        paths = [os.path.join(self.config_directory, name) for name in NAMES]
        with ExitStack() as stack:
            replacements = [
                (stack.enter_context(Replacement(path, deadline)), index)
                for index, path in enumerate(paths)
                if current.texts[index] != wanted[index]
            ]
            for path, expected, text in zip(paths, current.texts, read_files(self.config_directory).texts):
                if text != expected:
                    raise FileChanged(f"{path} was changed by somebody else since it was read; nothing was written.")
            for replacement, index in replacements:
                replacement.prepare(encode_config(wanted[index]), mtimes[index] if mtimes else None)
            if journal and self._ledger:
                from .ledger import record

                versions = (current.texts, current.mtimes, wanted, journal.original)
                record(self.state, *versions, original, self.who, self.becomes)
            if journal:  # from here on the next run knows what was meant
                journal.save(self.state)
            for replacement, _index in replacements:
                replacement.put()
