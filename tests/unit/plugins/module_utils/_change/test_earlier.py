# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What counts as broken by a change, with servers that end each connection, on real sockets."""

from __future__ import annotations

import os
import socket
import threading
from typing import Dict, Iterator, List, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.earlier import Earlier
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.in_sync import Assessment
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.transaction import ConfigFiles
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.banner import Answer
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import Master, read_process
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    host_of,
    outlook_of,
    socket_at,
)


@pytest.fixture(name="port")
def _port() -> Iterator[int]:
    """A port of loopback where each connection is ended at once."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(10)

        def serve() -> None:
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def outlook(port: int, options: str = "", **values: str) -> Outlook:
    settings: Dict[str, str] = {"inet_protocols": "ipv4", "inet_interfaces": "127.0.0.1", **values}
    return outlook_of(settings, f"{port} inet n - y - - smtpd{options}\n", host_of("127.0.0.1/8"), "3.7")


@pytest.mark.parametrize(
    "after, on_disk, started, words",
    [
        ({}, {}, False, None),
        ({"proxy_interfaces": "192.0.2.1"}, {}, True, None),
        # By a reload the master does not start so soon what was mended.
        ({"proxy_interfaces": "192.0.2.1"}, {}, False, "does not answer"),
        # It may have died of what is written already.
        ({"proxy_interfaces": "192.0.2.1"}, {"proxy_interfaces": "192.0.2.1"}, True, "does not answer"),
        ({"options": " -o smtpd_banner=x"}, {}, True, "does not answer"),
    ],
)
def test_what_failed_before_is_not_broken_by_a_change(
    port: int, after: Dict[str, str], on_disk: Dict[str, str], started: bool, words: Optional[str]
) -> None:
    own = read_process(os.getpid())
    assert own
    at = socket_at("127.0.0.1", port)
    master = Master(own, "/", {"1": at}, "")
    before, becomes = outlook(port), outlook(port, **after)
    files = ConfigFiles("/etc/postfix", "", "")
    earlier = Earlier(Assessment(files, master, becomes, [], "restart", [], None, before))
    earlier.ask(becomes, outlook(port, **on_disk))
    earlier.settle()
    warnings: List[str] = []
    broken = earlier.judge_answers({at: Answer(problem="does not answer")}, becomes, started, warnings)
    if words:
        assert broken == f"The server at 127.0.0.1:{port} does not answer."
        assert warnings == []
    else:
        assert broken is None
        again = "It did not answer before the change either."
        assert warnings == [f"The server at 127.0.0.1:{port} does not answer. {again}"]


def test_what_is_slow_is_not_broken(port: int) -> None:
    after = outlook(port)
    earlier = Earlier(Assessment(ConfigFiles("/etc/postfix", "", ""), None, after, [], "start", []))
    warnings: List[str] = []
    answers = {socket_at("127.0.0.1", port): Answer(problem="takes its time", slow=True)}
    assert earlier.judge_answers(answers, after, True, warnings) is None
    assert warnings == [f"The server at 127.0.0.1:{port} takes its time."]
