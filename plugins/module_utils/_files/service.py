# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service of master.cf, what the master makes of it, and when two entries are one service."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Sequence, Tuple

from .._base.records import NamedTuple
from .._base.words import is_number
from .endpoint import PortLookup, identity, known_port

TYPES = ("inet", "unix", "unix-dgram", "fifo", "pass")
_YES_OR_NO = ("private", "unprivileged", "chroot")
_TOO_MANY = 2200000000  # of about this and more atoi(3) makes a negative number, of which the master dies


def _is_wakeup(value: str) -> bool:
    return value == "-" or is_number(value[:-1] if value[-1:] == "?" else value)


def _is_process_limit(value: str) -> bool:
    return value == "-" or is_number(value) and int(value.lstrip("0")[:11] or "0") < _TOO_MANY


#: by field, whether the master accepts a value
FIELD_VALUES: Dict[str, Callable[[str], bool]] = {
    **dict.fromkeys(_YES_OR_NO, ("y", "n", "-").__contains__),
    "wakeup": _is_wakeup,
    "process_limit": _is_process_limit,
}
FIELD_REMEDIES = {
    **dict.fromkeys(_YES_OR_NO, "Use y, n or -"),
    "wakeup": "Use a number of seconds, with or without ? behind it, or -",
    "process_limit": "Use a number or -",
}


class Service(NamedTuple):
    """A service, every field as its entry in master.cf has it.

    :ivar arguments: the words after the command but ``-o`` settings, without the braces around them
    :ivar options: the ``-o`` settings in their order; of a name that is there twice the last one counts
    :ivar line: where the entry starts in the file, 0 for a service that is not from a file
    :ivar invalid: what follows a ``-o`` and is not ``name=value``; the service's processes die of it
    """

    name: str
    type: str
    private: str
    unprivileged: str
    chroot: str
    wakeup: str
    process_limit: str
    command: str
    arguments: Tuple[str, ...] = ()
    options: Tuple[Tuple[str, str], ...] = ()
    line: int = 0
    invalid: Tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Return the name and type, by which results and findings name a service or transport."""
        return f"{self.name}/{self.type}"

    @property
    def program(self) -> str:
        """Return the name of the program, wherever master.cf says that it is."""
        return self.command.rpartition("/")[2]

    @property
    def option_values(self) -> Dict[str, str]:
        """Return the effective value of each ``-o`` setting."""
        return dict(self.options)

    @property
    def meaning(self) -> Tuple[Any, ...]:
        """Return what is equal for two entries between which the master sees no difference.

        A dash is the default (master(5)): ``y`` for private and unprivileged, 0 for wakeup; that of chroot depends on
        compatibility_level, that of process_limit is default_process_limit. The order of the options does not matter.
        """
        return (
            self.private.replace("-", "y"),
            self.unprivileged.replace("-", "y"),
            self.chroot,
            self.wakeup.replace("-", "0"),
            self.process_limit,
            self.command,
            self.arguments,
            tuple(sorted(self.option_values.items())),
            self.invalid,
        )


FIELDS = Service._fields[:8]  # those of an entry


def service_key(service: Service, lookup: PortLookup = known_port) -> str:
    """Return what is equal for the entries of which only the last counts.

    A public and a private service of one name are two (master(5)).
    """
    public = service.type != "inet" and service.private == "n"
    return identity(service.name, service.type, lookup) + ("/public" if public else "")


def last_of_each(services: Sequence[Service], lookup: PortLookup = known_port) -> List[Service]:
    """Return the entries that count, in their order: of several for one service the last."""
    last = {service_key(service, lookup): index for index, service in enumerate(services)}
    return [services[index] for index in sorted(last.values())]
