# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The TCP connections of this network namespace that their server has not answered yet, as sock_diag(7) tells."""

from __future__ import annotations

import socket
import struct
from typing import Iterator, Tuple

from .._base.records import NamedTuple
from .._base.sockets import Socket
from .addresses import netlink_attributes
from .listening import sock_diag

_MESSAGE = struct.Struct("=xBxxHH16s16s28xI")  # struct inet_diag_msg: state, ports, addresses, inode
_INFO, _SEGMENTS_SENT = 2, 156  # INET_DIAG_INFO, and where tcpi_data_segs_out is in struct tcp_info, since Linux 4.6
_ESTABLISHED, _SYN_RECEIVED, _NEW_SYN_RECEIVED = 1, 3, 12  # the kernel's include/net/tcp_states.h


class Unanswered(NamedTuple):
    """A connection that its server has sent nothing on: ``shaken`` once its handshake is complete, ``accepted`` later.

    ``client`` is address and port of the other end.
    """

    place: Socket
    client: Tuple[str, int]
    shaken: bool
    accepted: bool


def unanswered() -> Iterator[Unanswered]:
    """Yield the connections without an answer.

    :raises OSError: this kernel cannot tell
    """
    for family, name, size in ((socket.AF_INET, "ipv4", 4), (socket.AF_INET6, "ipv6", 16)):
        for body in sock_diag(family, (_ESTABLISHED, _NEW_SYN_RECEIVED), 1 << (_INFO - 1)):
            state, port, client_port, local, remote, inode = _MESSAGE.unpack_from(body)
            shaken = state != _SYN_RECEIVED
            if shaken:
                info = netlink_attributes(body, _MESSAGE.size).get(_INFO, b"")
                if len(info) < _SEGMENTS_SENT + 4 or struct.unpack_from("=I", info, _SEGMENTS_SENT)[0]:
                    continue
            place = Socket(socket.inet_ntop(family, local[:size]), socket.ntohs(port), name)
            client = socket.inet_ntop(family, remote[:size]), socket.ntohs(client_port)
            yield Unanswered(place, client, shaken, accepted=bool(inode))
