# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What queue files say, as cleanup(8) and qmgr(8) write them; a real queue is in tests/integration/test_sources.py."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import queue
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import Master, Process
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.queue import Message, messages, why_in_use
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import instance_of, write_stat

MAY = "may have messages in the queue: Postfix does not say by which transport they leave"


def record(kind: str, text: str) -> bytes:
    """Return a record of a queue file (global/rec_type.h)."""
    data, length, size = text.encode("utf-8", "surrogateescape"), len(text.encode("utf-8", "surrogateescape")), b""
    while True:
        size += bytes([length & 0x7F | (0x80 if length > 0x7F else 0)])
        length >>= 7
        if not length:
            return kind.encode() + size + data


def file_of(sender: str, *recipients: str, filter: str = "", more: str = "", header: str = "Subject: x") -> bytes:
    """Return a message: the envelope, the message, and what was found in its headers."""
    envelope = record("T", "1700000000") + record("S", sender)
    envelope += b"".join(record("R", recipient) for recipient in recipients)
    if filter:
        envelope += record("L", filter)
    message = record("M", "") + record("N", header) + record("N", "R not a recipient")
    behind = record("X", "") + (record("R", more) if more else b"") + record("E", "")
    # The first record says where the message begins and how long it is, in a record that always has the same length.
    begins = len(record("C", f"{0:15} {0:15} 0")) + len(envelope)
    return record("C", f"{len(message):15} {begins:15} 0") + envelope + message + behind


class Queue:
    """A queue directory, and a stand-in for trivial-rewrite(8)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.instance = instance_of(queue_directory=str(path))
        self.asked: List[Tuple[str, str]] = []
        (path / "private").mkdir()

    def put(self, name: str, content: bytes) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def answers(self, transports: Dict[str, bytes]) -> None:
        """Have an answer to each domain, whole records of attributes as they are sent."""
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(self.path / "private" / "rewrite"))
        server.listen()

        def serve() -> None:
            while True:
                connection = server.accept()[0]
                words = connection.recv(4096).split(b"\0")
                asked = dict(zip(words[::2], words[1::2]))
                sender, address = asked[b"sender"].decode(), asked[b"address"].decode()
                self.asked.append((sender, address))
                connection.sendall(transports[address.rpartition("@")[2]])
                connection.close()

        threading.Thread(target=serve, daemon=True).start()


def answer(transport: str) -> bytes:
    return f"flags\x000\0transport\0{transport}\0nexthop\0x\0recipient\0a@b\0flags\x004096\0\0".encode()


@pytest.fixture(name="spool")
def _spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    monkeypatch.setattr(queue, "find_master", lambda instance: None)
    return Queue(tmp_path)


def test_messages_are_read_with_their_envelope(spool: Queue) -> None:
    long = f"{'a' * 60}@{'b' * 100}.example"  # a length of two bytes
    spool.put("active/A1", file_of("me@a.example", "you@b.example", long))
    spool.put("deferred/B/B2", file_of("", "you@b.example", filter="scan:[127.0.0.1]:10025"))
    spool.put("hold/C3", file_of("me", "you@b.example", more="from-header@c.example"))
    spool.put("maildrop/D4", file_of("me", "not yet in the queue"))
    found = {os.path.basename(message.path): message for message in messages(str(spool.path))}
    assert found == {
        "A1": Message(str(spool.path / "active/A1"), "me@a.example", ["you@b.example", long], ""),
        "B2": Message(str(spool.path / "deferred/B/B2"), "", ["you@b.example"], "scan:[127.0.0.1]:10025"),
        "C3": Message(str(spool.path / "hold/C3"), "me", ["you@b.example", "from-header@c.example"], ""),
    }


@pytest.mark.parametrize(
    "content",
    [
        b"S\x85",  # the length is cut off
        b"S\xff\xff\xff\x7fx",  # as long as no record is
        record("C", "x y"),
        record("C", "7"),
    ],
)
def test_what_is_no_message_is_left_out(spool: Queue, content: bytes) -> None:
    spool.put("active/A1", content)
    spool.put("active/B2", file_of("me", "you@b.example"))
    assert [os.path.basename(message.path) for message in messages(str(spool.path))] == ["B2"]


def test_a_file_that_is_just_written_has_what_it_has(spool: Queue) -> None:
    spool.put("incoming/A1", record("S", "me"))
    assert list(messages(str(spool.path))) == [Message(str(spool.path / "incoming/A1"), "me", [], "")]


def test_no_more_than_so_many_are_looked_at(spool: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_MOST", 2)
    for number in range(4):
        spool.put(f"active/A{number}", file_of("me", "you@b.example"))
    assert len(list(messages(str(spool.path)))) == 2


def test_a_transport_is_in_use_by_what_trivial_rewrite_says(spool: Queue) -> None:
    spool.answers({"b.example": answer("out1"), "c.example": answer("smtp")})
    spool.put("active/A1", file_of("me@a.example", "one@c.example", "one@b.example", "two@b.example"))
    spool.put("active/A2", file_of("me@a.example", "three@b.example"))
    assert why_in_use(spool.instance, "out1") == "still has 2 messages in the queue"
    asked = sorted(address.partition("@")[2] for _sender, address in spool.asked)
    assert asked == ["b.example", "c.example"]  # each once
    assert why_in_use(spool.instance, "smtp") == "still has 1 message in the queue"
    assert why_in_use(spool.instance, "out2") is None


def test_a_filter_that_was_chosen_decides(spool: Queue) -> None:
    spool.put("active/A1", file_of("me", "you@b.example", filter="scan:[127.0.0.1]:10025"))
    assert why_in_use(spool.instance, "scan") == "still has 1 message in the queue"
    assert why_in_use(spool.instance, "out1") is None


@pytest.mark.parametrize(
    "said",
    [
        None,  # nobody listens
        b"",
        b"flags\x000\0",
        b"flags\x000\0recipient\0a@b\0\0",
    ],
)
def test_where_nobody_says_by_which_transport_any_message_is_a_reason(spool: Queue, said: Optional[bytes]) -> None:
    assert why_in_use(spool.instance, "out1") is None
    if said is not None:
        spool.answers({"b.example": said})
    spool.put("active/A1", file_of("me", "you@b.example"))
    assert why_in_use(spool.instance, "out1") == MAY


def test_what_a_process_is_delivering_leaves_by_its_transport(spool: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the tables say meanwhile: nobody is asked."""
    proc = spool.path / "proc"
    for pid, command in ((320, "master"), (321, "smtp -n out1 -t unix"), (322, "smtpd -n out1 -t inet"), (323, "x")):
        write_stat(proc, pid, command.split()[0], parent=320 if pid > 320 else 1)
        (proc / str(pid) / "cmdline").write_text(command.replace(" ", "\0") + "\0")
    (proc / "320" / "task" / "320").mkdir(parents=True)
    (proc / "320" / "task" / "320" / "children").write_text("321 322 323")
    (proc / "321" / "fd").mkdir()
    (proc / "321" / "fd" / "9").symlink_to("/var/spool/postfix/active/A1")
    master = Master(Process(320, "master", 1, 1), str(spool.path), {}, "boot", str(proc))
    monkeypatch.setattr(queue, "find_master", lambda instance: master)
    spool.put("incoming/A1", file_of("me", "you@b.example"))
    assert why_in_use(spool.instance, "out1") == "still has 1 message in the queue"
    (proc / "321" / "fd" / "9").unlink()
    assert why_in_use(spool.instance, "out1") == MAY
