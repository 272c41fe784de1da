# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that come without a pause, and mail that does, to see what a stop and a start does to them."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

PAUSE = 0.01


class Visit(NamedTuple):
    """One connection: when it began, how long until the banner, and how it ended."""

    began: float
    took: float
    outcome: str


class _Threads:
    """A thread for each place, doing the same over and over until the block ends."""

    def __init__(self, places: Sequence[Any]) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(place,)) for place in places]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, place: Any) -> None:
        raise NotImplementedError


class Clients(_Threads):
    """Clients that connect to an address and port, wait for the banner, quit, and come again."""

    def __init__(self, *ends: tuple[str, int]) -> None:
        super().__init__(ends)
        self.visits: list[Visit] = []

    def _work(self, place: tuple[str, int]) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                with socket.create_connection(place, timeout=20) as connection:
                    outcome = "greeted" if connection.recv(200).startswith(b"220 ") else "ended before the banner"
                    took = time.monotonic() - began
                    with contextlib.suppress(OSError):
                        connection.sendall(b"QUIT\r\n")
                        connection.recv(200)
            except ConnectionRefusedError:
                outcome, took = "refused", 0.0
            except OSError as error:
                outcome, took = f"{place} before the banner: {error!r}", time.monotonic() - began
            self.visits.append(Visit(began, took, outcome))
            time.sleep(PAUSE)

    @property
    def outcomes(self) -> Counter[str]:
        """How many connections ended in which way."""
        return Counter(visit.outcome for visit in self.visits)

    @property
    def longest(self) -> float:
        """The longest time until a banner."""
        return max(visit.took for visit in self.visits)

    def refused(self, since: float) -> float:
        """For how long clients were not served, from the first to the last of them since a moment."""
        times = [visit.began for visit in self.visits if visit.began >= since and visit.outcome != "greeted"]
        return max(times) - min(times) if times else 0.0


class Mail(_Threads):
    """Messages with numbers, sent one after the other; what was not taken is sent again, as every mail server does."""

    def __init__(self, recipient: str, *addresses: str, pause: float = PAUSE) -> None:
        super().__init__(addresses)
        self.taken: set[str] = set()
        self._pause = pause
        self._recipient = recipient

    def _work(self, place: str) -> None:
        number = 0
        while not self._stop.is_set():
            name = f"{number}.{place}"
            try:
                with smtplib.SMTP(place, 25, "client.example", timeout=20) as server:
                    server.sendmail("", self._recipient, f"X-Number: {name}\n\ntest\n")
            except (OSError, smtplib.SMTPException):
                continue  # the same one again
            # A session that ends after this does not matter: it was taken.
            self.taken.add(name)
            number += 1
            time.sleep(self._pause)
