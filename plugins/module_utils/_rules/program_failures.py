# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services whose program dies when it starts, while the master lives: of a value that only this program reads, or of
one of its own ``-o`` options. Source addresses of clients, which have errors of their own, are not looked at.
"""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Sequence

from .._base.errors import InputError
from .._files.service import Service
from .bounds import read_bounds
from .host import Host
from .own_addresses import Resolver, own_addresses
from .parameters import PARAMETERS
from .program_bounds import PROGRAMS
from .refused_values import out_of_bounds, refused_values
from .settings import Settings
from .source_addresses import client_of

#: by program, the parameter whose value has to be as large as message_size_limit, and its default
_MAILBOX_LIMITS = {"local": ("mailbox_size_limit", 51200000), "virtual": ("virtual_mailbox_limit", 51200000)}
_MESSAGE_LIMIT = 10240000


class Failure(NamedTuple):
    """A service, and what its program dies of."""

    service: Service
    error: InputError


def program_failures(
    settings: Settings, services: Sequence[Service], host: Host, resolve: Resolver, allow_absent: bool
) -> Iterator[Failure]:
    """Yield each service that cannot run, in the order of master.cf, once for each value.

    :param services: those that count
    """
    bounds = read_bounds(PROGRAMS, settings.version)
    for service in services:
        program = service.command.rpartition("/")[2]
        options = service.option_values
        process = settings.with_options(options)
        errors = list(refused_values(process, host)) if options else []
        of_program = bounds.get(program, {})
        errors += out_of_bounds(process, {name: of_program[name] for name in of_program.keys() - PARAMETERS.keys()})
        if not client_of(service) and not options.keys().isdisjoint(("inet_interfaces", "inet_protocols")):
            errors += _bad_addresses(process, host, resolve, allow_absent)
        if program in _MAILBOX_LIMITS:
            errors += _small_mailboxes(process, *_MAILBOX_LIMITS[program])
        for error in errors:
            yield Failure(service, error)


def _bad_addresses(process: Settings, host: Host, resolve: Resolver, allow_absent: bool) -> List[InputError]:
    try:
        own_addresses(process, host, resolve, allow_absent)
    except InputError as error:
        return [error]
    return []


def _small_mailboxes(process: Settings, parameter: str, default: int) -> Iterator[InputError]:
    """Look whether a mailbox may be as large as one message; 0 is no limit."""
    limits = []
    for name, usual in ((parameter, default), ("message_size_limit", _MESSAGE_LIMIT)):
        try:
            text = process.certain(name) if process.is_set(name) else str(usual)
            limits.append(int(text or ""))
        except ValueError:  # an InputError too: out of bounds
            return
    mailbox, message = limits
    if mailbox > 0 and (message <= 0 or mailbox < message):
        reason = f"is less than message_size_limit ({message or 'unlimited'})"
        yield InputError(parameter, mailbox, reason, "Write 0 for no limit, or lower message_size_limit")
