# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""What Postfix itself said about a failure, from wherever this host keeps it.

The master says why it cannot start only in the log: the systemd journal, a syslog file, or the file of maillog_file.
"""

from __future__ import annotations

import os
import re
import time
from typing import Dict, List, Optional

from .unit import run

_FILES = ("/var/log/mail.log", "/var/log/maillog", "/var/log/syslog", "/var/log/messages")
_TAIL = 256 * 1024  # bytes of a log file that are looked at, at most
_KEEP = 8
_BEFORE = 90  # seconds: a program that stays broken is given up again every throttle_time (60 s)
COMPLAINT = re.compile(r"(fatal|panic|error|warning): ")


class LogMark:
    """A place in the logs, to tell later what was logged since.

    :param tag: the instance's syslog_name
    :param maillog_file: where the instance logs instead of syslog (postconf(5)), or empty
    """

    def __init__(self, tag: str, maillog_file: str = "") -> None:
        self.tag = tag
        self.since = time.time()
        self.files: Dict[str, int] = {}
        for path in (maillog_file, *_FILES):
            try:
                self.files[path] = os.stat(path).st_size
            except OSError:
                self.files[path] = 0
        self.files.pop("", None)

    def words(self, journal: bool) -> List[str]:
        """The last fatal errors and errors since, oldest first, each once; warnings if there are none.

        :param journal: whether this host has a systemd journal
        """
        lines: List[str] = []
        for path, size in self.files.items():
            lines += _added(path, size)
        if journal:
            since = f"--since=@{int(self.since)}"
            deadline = time.monotonic() + 5
            lines += run(["journalctl", "--no-pager", "-q", "-o", "short-unix", since], deadline).words
            lines = [line for line in lines if not _older(line, self.since)]
        found = [text for text in map(self._own, lines) if text and COMPLAINT.search(text)]
        severe = [text for text in found if "warning: " not in text] or found
        return list(dict.fromkeys(severe))[-_KEEP:]

    def throttled(self, journal: bool) -> List[str]:
        """The programs that the master gave up for a while (throttle_time) since, and had not in the time before.

        :param journal: whether this host has a systemd journal
        """
        earlier: List[str] = []
        later: List[str] = []
        for path, size in self.files.items():
            earlier += _added(path, max(size - _TAIL, 0), size)
            later += _added(path, size)
        if journal:
            command = ["journalctl", "--no-pager", "-q", "-o", "short-unix", "-t", f"{self.tag}/master"]
            lines = run([*command, f"--since=@{int(self.since - _BEFORE)}"], time.monotonic() + 5).words
            later += [line for line in lines if not _older(line, self.since)]
            earlier += [line for line in lines if _older(line, self.since)]
        known = set(map(self._given_up, earlier))
        return sorted(set(map(self._given_up, later)) - known - {""})

    def _given_up(self, line: str) -> str:
        match = re.search(r": warning: (\S+): bad command startup -- throttling", line)
        return os.path.basename(match.group(1)) if match and self._own(line) else ""

    def _own(self, line: str) -> str:
        """What a program of this instance logged; empty if somebody else did.

        A command that dies before it knows the instance's name logs by its own, such as ``postmulti`` or ``postfix``.
        """
        match = re.search(rf"(?:^|\s)({re.escape(self.tag)}/[\w/.-]+|post[a-z]+)\[\d+\]: (.*)", line)
        if match is None:
            return ""
        program, text = match.groups()
        itself = program.rpartition("/")[2] + ": "
        return f"{program}: {text[len(itself) :] if text.startswith(itself) else text}"


def _older(line: str, since: float) -> bool:
    stamp = re.match(r"(\d{9,}\.\d+) ", line)
    return bool(stamp and float(stamp.group(1)) < since - 0.001)


def _added(path: str, size: int, until: Optional[int] = None) -> List[str]:
    """The lines that a file has got since it had a size; all of it when it was replaced by a shorter one."""
    try:
        with open(path, "rb") as stream:
            end = os.fstat(stream.fileno()).st_size
            if until is not None and until <= end:
                end = until
            start = max(size if end >= size else 0, end - _TAIL)
            stream.seek(start)
            return stream.read(end - start).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
