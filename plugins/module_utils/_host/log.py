# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Postfix logged about a failure: in the systemd journal, in a file of syslog, or in that of maillog_file.

Only the log says why the master cannot start.
"""

from __future__ import annotations

import os
import re
import time
from typing import Dict, List, Optional

from .command import run
from .discreet import discreet
from .master_process import Master
from .platform import LOG_FILES, STANDARD_OUTPUT

_TAIL = 256 * 1024  # bytes of a log file that are read at most
_KEEP = 8  # messages that are shown at most
_BEFORE = 90  # seconds; the master gives a program that stays broken up again after each throttle_time (60 s)
COMPLAINT = re.compile(r"(fatal|panic|error|warning): ")


class LogMark:
    """A place in the logs, from which later messages are read.

    :param tag: the instance's syslog_name
    :param maillog_file: the file to which the instance logs instead of syslog (postconf(5)), or empty
    :param master: the running one, if any: what it logs to its standard output can be read if that is a file
    :ivar elsewhere: where it logs to if that cannot be read here, in words; else empty
    """

    def __init__(self, tag: str, maillog_file: str = "", master: Optional[Master] = None) -> None:
        self.tag = tag
        self.elsewhere = ""
        if maillog_file == STANDARD_OUTPUT:
            maillog_file = _standard_output(master)
            if not maillog_file:
                self.elsewhere = "the standard output of its master, which only who runs that can read"
        self.since = time.time()
        self.files: Dict[str, int] = {}
        for path in (maillog_file, *LOG_FILES):
            try:
                self.files[path] = os.stat(path).st_size
            except OSError:
                self.files[path] = 0
        self.files.pop("", None)

    def words(self, journal: bool) -> List[str]:
        """Return the last errors since the mark, oldest first, each once; the last warnings if there are no errors.

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
        complaints = [text for text in map(self._own, lines) if text and COMPLAINT.search(text)]
        errors = [text for text in complaints if "warning: " not in text]
        if not complaints and self.elsewhere:
            return [f"Postfix logs to {self.elsewhere}."]
        return discreet(dict.fromkeys(errors or complaints))[-_KEEP:]

    def throttled(self, journal: bool) -> List[str]:
        """Return the programs that the master has given up since the mark (throttle_time), and had not shortly before.

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
        return sorted(set(map(self._given_up, later)) - set(map(self._given_up, earlier)) - {""})

    def _given_up(self, line: str) -> str:
        """Return the program that a line says the master has given up; empty if it says something else."""
        match = re.search(r": warning: (\S+): bad command startup -- throttling", line)
        return os.path.basename(match.group(1)) if match and self._own(line) else ""

    def _own(self, line: str) -> str:
        """Return the message of a program of this instance; empty if the line is from another program.

        A command that dies before it knows the instance's name logs under its own name, such as ``postmulti``.
        """
        match = re.search(rf"(?:^|\s)({re.escape(self.tag)}/[\w/.-]+|post[a-z]+)\[\d+\]: (.*)", line)
        if match is None:
            return ""
        program, text = match.groups()
        prefix = program.rpartition("/")[2] + ": "
        return f"{program}: {text[len(prefix) :] if text.startswith(prefix) else text}"


def _standard_output(master: Optional[Master]) -> str:
    """Return the file that is the standard output of a master; empty if it is a pipe, or cannot be looked at."""
    try:
        path = os.readlink(f"{master.proc}/{master.process.pid}/fd/1") if master else ""
    except OSError:
        return ""
    return path if os.path.isfile(path) else ""


def _older(line: str, since: float) -> bool:
    stamp = re.match(r"(\d{9,}\.\d+) ", line)
    return bool(stamp and float(stamp.group(1)) < since - 0.001)


def _added(path: str, size: int, until: Optional[int] = None) -> List[str]:
    """Return the lines that were added to a file since it had a size; all lines if it is shorter now.

    :param until: the size up to which to read
    """
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
