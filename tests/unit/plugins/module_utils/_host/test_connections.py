# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import time
from typing import List, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import Socket
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.connections import Unanswered, unanswered


@pytest.fixture(name="_kernel_tells", autouse=True)
def _kernel_tells() -> None:
    try:
        list(unanswered())
    except OSError:
        pytest.skip("this kernel does not tell")


@pytest.mark.parametrize("family, address", [("ipv4", "127.0.0.1"), ("ipv6", "::1")])
def test_who_waits_for_an_answer(family: str, address: str) -> None:
    kind = socket.AF_INET if family == "ipv4" else socket.AF_INET6
    with socket.socket(kind) as listener, socket.socket(kind) as client:
        listener.bind((address, 0))
        listener.listen(1)
        place = Socket(address, listener.getsockname()[1], family)

        def those(expected: int) -> List[Unanswered]:
            end = time.monotonic() + 60
            while True:
                found = [one for one in unanswered() if one.place == place]
                if len(found) == expected or time.monotonic() > end:
                    return found

        client.connect((address, place.port))
        end: Tuple[str, int] = client.getsockname()[:2]
        assert those(1) == [Unanswered(place, end, shaken=True, accepted=False)]
        with listener.accept()[0] as accepted:
            assert those(1) == [Unanswered(place, end, shaken=True, accepted=True)]
            accepted.sendall(b"220")
            assert those(0) == []


def test_a_handshake_that_is_not_complete() -> None:
    with socket.socket() as listener, socket.socket() as client:
        listener.bind(("127.0.0.1", 0))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 10)  # until the client says something
        listener.listen(1)
        client.connect(listener.getsockname())
        place = Socket(*listener.getsockname(), "ipv4")
        (found,) = [one for one in unanswered() if one.place == place]
        assert found == Unanswered(place, client.getsockname(), shaken=False, accepted=False)
