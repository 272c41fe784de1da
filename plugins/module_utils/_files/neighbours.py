# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Beside which services of master.cf a new one belongs, and what it has from them."""

from __future__ import annotations

from typing import Mapping, Optional, Sequence, Tuple

from .._base.address import parse_address
from .._base.errors import InputError
from .commented_out import belonging_end, commented_entries
from .endpoint import identity, split_endpoint
from .marked_blocks import free_place
from .master_cf import MasterCf, ServiceEntry
from .master_entry import Entry
from .service_change import ServiceChange

_PUBLIC_PORTS = ("25/inet", "465/inet", "587/inet")
_NEVER_CHROOTED = ("local", "pipe", "proxymap", "spawn", "virtual")  # master(5), "Chroot"


class Neighbours:
    """The services of a file, as a new one sees them."""

    def __init__(self, file: MasterCf, change: ServiceChange) -> None:
        self._file = file
        self._change = change
        self._local = _is_for_this_host(change.name, change.type, change.options)
        self._of_type = [entry for entry in file.entries if entry.service.type == change.type]
        self._commented = commented_entries(file.text, file.lines)

    @property
    def place(self) -> Tuple[int, Optional[Entry]]:
        """Where the new entry goes, and the entry like which it is aligned.

        That is behind the last of a group: those that run the same program for the same clients, from the best known
        on. If there is none, it is behind a commented-out one, else behind what is next like it.
        """
        kind, program = self._change.type, self._change.program
        of_program = [entry for entry in self._of_type if entry.service.command == program]
        kin = [entry for entry in of_program if self._is_alike(entry)]
        if not kin and not (self._local and of_program):
            for twin in reversed(self._commented):
                if (twin.type, twin.command) == (kind, program) and self._local == _is_for_this_host(
                    twin.name, kind, {}
                ):
                    like = self._of_type[-1].entry if self._of_type else None
                    return self._free(belonging_end(self._file.text, twin.end, twin.command)), like
            kin = [entry for entry in self._of_type if kind == "inet" and self._is_alike(entry)]
        last = self._last_of_group(kin or of_program or self._of_type)
        if not last:
            return len(self._file.text), None
        return self._free(belonging_end(self._file.text, last.entry.line.end, last.service.command)), last.entry

    def chroot(self, beside: Optional[Entry], default: str) -> str:
        """Return the field chroot that services with the program of the new one have.

        It is that of the service beside it, else of one for the same clients, of the same type, or of any, else of one
        that is commented out.
        """

        def nearness(entry: ServiceEntry) -> Tuple[bool, ...]:
            return entry.entry is beside, self._is_alike(entry), entry.service.type == self._change.type

        program = self._change.program
        active = [entry for entry in self._file.entries if entry.service.command == program]
        if active:
            return max(reversed(active), key=nearness).service.chroot
        commented = [twin for twin in self._commented if twin.command == program]
        if commented:
            return max(reversed(commented), key=lambda twin: twin.type == self._change.type).chroot
        return "n" if program in _NEVER_CHROOTED else default

    def _is_alike(self, entry: ServiceEntry) -> bool:
        """Return whether an entry is for the same clients as the new one: those of the world, or this host alone."""
        service = entry.service
        return _is_for_this_host(service.name, service.type, service.option_values) == self._local

    def _last_of_group(self, kin: Sequence[ServiceEntry]) -> Optional[ServiceEntry]:
        if not kin:
            return None
        kind = self._change.type
        usual = identity("smtp" if kind == "inet" else self._change.program or "", kind, self._file.port_of)
        first = next((entry for entry in kin if entry.identity == usual), kin[0])
        places = {entry.entry.line.start for entry in kin}
        last = first
        for entry in self._file.entries:
            if entry.entry.line.start < first.entry.line.start:
                continue
            if entry.entry.line.start in places:
                last = entry
            elif kind != "inet" or entry.service.type != "inet":
                break
        return last

    def _free(self, position: int) -> int:
        return free_place(self._file.text, self._file.lines, position)


def _is_for_this_host(name: str, type: str, options: Mapping[str, str]) -> bool:
    """Return whether only this host connects to a service: on loopback, or behind a content filter."""
    if type != "inet":
        return False
    try:
        host = split_endpoint(name)[0]
    except InputError:
        return False
    address = parse_address(host)
    if address:
        return address.is_loopback
    unfiltered = options.get("content_filter") == "" and identity(name, type) not in _PUBLIC_PORTS
    return host.lower().startswith("localhost") or unfiltered
