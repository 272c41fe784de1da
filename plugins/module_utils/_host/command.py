# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run commands of Postfix and of the system."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from contextlib import suppress
from typing import Callable, List, Optional

from .._base.records import NamedTuple
from .environment import command_environment


class Outcome(NamedTuple):
    """What became of a command: the lines that it printed, and its exit status.

    If it took too long, the status is None, and the last line says what it waited for.
    """

    command: str
    status: Optional[int]
    words: List[str]

    @property
    def end(self) -> str:
        """How it ended, in words."""
        return self.words[-1] if self.status is None else f"{self.command} ended with exit status {self.status}"


def run(command: List[str], deadline: float, watch: Callable[[], None] = lambda: None) -> Outcome:
    """Run a command with a terminal for its output, and wait until it ends.

    Before 3.8, postfix(1) and postlog(1) print what is wrong only to a terminal. Only the command itself is waited for:
    ``postfix reload`` leaves a process in the background that keeps the terminal open.

    :param deadline: when to end the command, by time.monotonic()
    :param watch: called again and again while the command runs
    """
    shown = " ".join(command)
    environment = command_environment()
    environment.update(SYSTEMD_COLORS="0", SYSTEMD_PAGER="cat", TERM="dumb")
    try:
        ours, theirs = os.openpty()
    except OSError:  # a container without terminals
        ours, theirs = os.pipe()
    output, began = b"", time.monotonic()
    try:
        try:
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function  # the core has no AnsibleModule
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,  # else the terminal would become theirs, and closing it would send SIGHUP
            )
        except OSError as error:
            # Python 3.7 puts the path into strerror.
            return Outcome(shown, 127, [f"{command[0]}: {os.strerror(error.errno or 0)}"])
        finally:
            os.close(theirs)
        while process.poll() is None and time.monotonic() < deadline:
            output += _available(ours, 0.01)
            watch()
        if process.poll() is None:
            from .waiting import in_words  # seldom

            waits = in_words(process.pid)
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGTERM)
            took = f"{shown} took too long and was ended after {time.monotonic() - began:.0f} s"
            return Outcome(shown, None, [*_lines(output), f"{took}{waits and f', while it waited for {waits}'}"])
        rest = _available(ours, 0.0)
        while rest:
            output += rest
            rest = _available(ours, 0.0) if time.monotonic() < deadline else b""
        return Outcome(shown, process.returncode, _lines(output))
    finally:
        os.close(ours)


def _available(descriptor: int, seconds: float) -> bytes:
    """Return what can be read within a time."""
    poll = select.poll()  # select(2) takes no descriptor above 1023
    poll.register(descriptor, select.POLLIN)
    if poll.poll(seconds * 1000):
        try:
            return os.read(descriptor, 65536)
        except OSError:  # nobody has the terminal open any more
            time.sleep(seconds)
    return b""


def _lines(output: bytes) -> List[str]:
    return [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
