# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages in the queue of an instance, and the transport that each is to leave by.

Which transport that is nobody has written down: it is what trivial-rewrite(8) answers now, unless a filter was chosen
when the message came in. But what a process of a transport is delivering, it delivers to the end, whatever the tables
say meanwhile. The queue files are read as qmgr(8) reads them (global/rec_type.h).
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import BinaryIO, Dict, Iterator, List, Optional, Set, Tuple

from .._base.records import NamedTuple
from .instance import Instance
from .master_process import Master, find_master, open_files
from .removed_services import service_of

QUEUES = ("incoming", "active", "deferred", "hold")
_SECONDS = 5.0
_MOST = 5000  # messages of one queue that are looked at
_LONGEST = 1 << 20  # bytes of one record


class Message(NamedTuple):
    """A message in a queue; ``filter`` is the transport and next hop that was chosen for all of it, or empty."""

    path: str
    sender: str
    recipients: List[str]
    filter: str


def messages(queue_directory: str) -> Iterator[Message]:
    """Yield the messages that are still to be delivered; one that has left meanwhile is left out."""
    for queue in QUEUES:
        number = 0
        for directory, _directories, names in os.walk(os.path.join(queue_directory, queue)):
            for name in names:
                number += 1
                if number > _MOST:
                    break
                path = os.path.join(directory, name)
                with suppress(OSError, ValueError), open(path, "rb") as stream:
                    yield _message(path, stream)


def why_in_use(instance: Instance, transport: str) -> Optional[str]:
    """Return why a transport cannot be removed: messages are to leave by it, or are leaving. None if none is.

    Where Postfix does not run, nobody knows by which transport a message leaves: then any message is a reason.

    A delivery is a reason, since the process of a service that is gone is ended (:mod:`_host.removed_services`). The
    message, which the receiver may have by then, would be delivered again.
    """
    master = find_master(instance)
    leaving = _leaving_by(transport, master) if master else ()
    number, known = 0, {}
    for message in messages(instance.queue_directory):
        if os.path.basename(message.path) in leaving:
            number += 1
            continue
        if message.filter:
            number += message.filter.partition(":")[0] == transport
            continue
        for recipient in message.recipients or [""]:
            key = (message.sender, recipient.rpartition("@")[2] or recipient)
            if key not in known:
                known[key] = _transport_of(instance.queue_directory, message.sender, recipient)
            if known[key] is None:
                return "may have messages in the queue: Postfix does not say by which transport they leave"
            if known[key] == transport:
                number += 1
                break
    return f"still has {number} message{'' if number == 1 else 's'} in the queue" if number else None


def _leaving_by(transport: str, master: Master) -> Set[str]:
    """Return the queue ids of the messages that processes of a transport are delivering.

    The directory of such a message says nothing: at a reload qmgr(8) moves it back to incoming.
    """
    found: Set[str] = set()
    for child in master.children():
        name, type = service_of(child, master) or ("", "")
        if name == transport and type != "inet":
            with suppress(OSError):  # it has ended meanwhile
                found.update(map(os.path.basename, open_files(child.pid, master.proc)))
    return found


def _transport_of(queue_directory: str, sender: str, recipient: str) -> Optional[str]:
    """Ask trivial-rewrite(8) for the transport of a message; None if it does not answer."""
    asked = (("request", "resolve"), ("sender", sender), ("address", recipient))
    query = b"".join(f"{name}\0{value}\0".encode("utf-8", "surrogateescape") for name, value in asked) + b"\0"
    answer = b""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_SECONDS)
            connection.connect(os.path.join(queue_directory, "private", "rewrite"))
            connection.sendall(query)
            while b"\0recipient\0" not in answer:
                more = connection.recv(4096)
                if not more:
                    return None
                answer += more
    except OSError:
        return None
    parts = answer.split(b"\0")
    if b"transport" not in parts[:-1]:
        return None
    return parts[parts.index(b"transport") + 1].decode("utf-8", "surrogateescape")


def _message(path: str, stream: BinaryIO) -> Message:
    """Read the envelope of a queue file.

    :raises ValueError: it is not one, or not whole yet
    """
    sender, filter, behind = "", "", 0
    recipients: Dict[str, None] = {}
    for envelope in (True, False):
        for kind, data in _records(stream):
            text = data.decode("utf-8", "surrogateescape")
            if kind == "C" and envelope:
                size, offset = text.split()[:2]
                behind = int(size) + int(offset)
            elif kind == "S":
                sender = text
            elif kind == "R":
                recipients[text] = None
            elif kind == "L":
                filter = text
            elif kind in "ME":
                break
        if not behind:
            break
        stream.seek(behind)  # what was found in the headers, after the message
    return Message(path, sender, list(recipients), filter)


def _records(stream: BinaryIO) -> Iterator[Tuple[str, bytes]]:
    """Yield the records of a queue file: a letter, the length in groups of seven bits, the data."""
    while True:
        kind = stream.read(1)
        if not kind:
            return
        length = shift = 0
        while True:
            byte = stream.read(1)
            if not byte:
                raise ValueError("cut off")
            length |= (byte[0] & 0x7F) << shift
            shift += 7
            if not byte[0] & 0x80:
                break
        if length > _LONGEST:
            raise ValueError("not a record")
        yield kind.decode("latin-1"), stream.read(length)
