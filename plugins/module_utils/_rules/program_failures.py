# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services whose program dies when it starts, while the master lives: of a value that only this program reads, of one
of its own ``-o`` options, or of its columns in master.cf. Source addresses of clients have errors of their own.
"""

from __future__ import annotations

from typing import AbstractSet, Dict, Iterator, List, Sequence

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._files.service import Service
from .bounds import read_bounds
from .host import Host
from .own_addresses import Resolver, own_addresses
from .parameters import PARAMETERS
from .program_bounds import PROGRAMS
from .refused_values import out_of_bounds, refused_values
from .settings import Settings
from .source_addresses import CLIENTS, client_of

#: by program, the process limit without which it does not start (CA_MAIL_SERVER_SOLITARY and _UNLIMITED in the sources)
_PROCESS_LIMITS = {
    **dict.fromkeys(("anvil", "nqmgr", "oqmgr", "pickup", "postlogd", "postscreen", "qmgr"), 1),
    **dict.fromkeys(("scache", "tlsmgr", "verify", "nbdb_reindexd"), 1),
    **dict.fromkeys(("bounce", "cleanup", "dnsblog", "flush", "tlsproxy"), 0),
}
#: programs that do not start without the rights of root (CA_MAIL_SERVER_PRIVILEGED)
_PRIVILEGED = ("local", "pipe", "spawn", "virtual", "nbdb_reindexd")

#: types of tables that several processes can write to; for others each process needs a table of its own
_SHARED_TABLES = ("proxy:", "lmdb:", "memcache:")
_WRAPPER = "smtpd_tls_wrappermode"
_CACHE_TYPE_SINCE = (3, 11)  # has default_cache_db_type, whose default depends on how Postfix was built

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
    caches: Dict[str, str] = {}  # by table, the service that writes to it
    for service in services:
        program = service.program
        options = service.option_values
        process = settings.with_options(options)
        errors = list(refused_values(process, host)) if options else []
        of_program = bounds.get(program, {})
        unused = _unused(program, process)
        errors += out_of_bounds(process, {name: of_program[name] for name in of_program.keys() - unused})
        if not client_of(service) and not options.keys().isdisjoint(("inet_interfaces", "inet_protocols")):
            errors += _bad_addresses(process, host, resolve, allow_absent)
        errors += _bad_columns(service, program, settings)
        if program == "postscreen":
            errors += _taken_cache(service, process, caches)
        if client_of(service):
            errors += _no_passwords(process, program)
        if program in _MAILBOX_LIMITS:
            errors += _small_mailboxes(process, *_MAILBOX_LIMITS[program])
        for error in errors:
            yield Failure(service, error)


def _unused(program: str, process: Settings) -> AbstractSet[str]:
    """Return the parameters about which others tell, or whose value a program never looks at."""
    try:
        if program == "smtpd" and process.is_set(_WRAPPER) and process.yes_no(_WRAPPER):
            return PARAMETERS.keys() | {"smtpd_tls_security_level"}
        if program in CLIENTS and _without_dns(process, program):
            return PARAMETERS.keys() | {f"{program}_host_lookup"}
    except InputError:
        pass
    return PARAMETERS.keys()


def _without_dns(process: Settings, program: str) -> bool:
    level = process.get(f"{program}_dns_support_level").lower()
    disabled = process.is_set("disable_dns_lookups") and process.yes_no("disable_dns_lookups")
    return level == "disabled" or (not level and disabled)


def _no_passwords(process: Settings, program: str) -> Iterator[InputError]:
    """Look whether a client that has to log in has a table to take the password from (smtp_sasl_initialize())."""
    switch, table = f"{program}_sasl_auth_enable", f"{program}_sasl_password_maps"
    try:
        if process.is_set(switch) and process.yes_no(switch) and not process.raw(table):
            remedy = f"Set {table}, or write no"
            yield InputError(switch, process.get(switch), f"needs {table}, which is empty", remedy)
    except InputError:  # told already
        return


def _bad_columns(service: Service, program: str, settings: Settings) -> Iterator[InputError]:
    name = service.title
    wanted = _PROCESS_LIMITS.get(program)
    limit = service.process_limit
    if wanted is not None and limit == "-":
        try:
            limit = settings.get("default_process_limit") or "100"
        except InputError:
            return
    if wanted is not None and limit.isdigit() and int(limit) != wanted:
        reason = f"has the process limit {limit}, and {program} starts with {wanted} only"
        yield InputError("services", name, reason, f"Set its process limit to {wanted}")
    if program in _PRIVILEGED and service.unprivileged != "n":
        reason = f"is unprivileged, and {program} needs the rights of root"
        yield InputError("services", name, reason, "Write n in the column unprivileged")


def _taken_cache(service: Service, process: Settings, caches: Dict[str, str]) -> Iterator[InputError]:
    """Look whether an earlier postscreen has locked the table of this one."""
    name, of_type = "postscreen_cache_map", "default_cache_db_type"
    try:
        if process.is_set(name):
            table = process.certain(name)
            table = process.raw(name) if table is None else table  # one text is one table, whatever it comes to
        elif process.version < _CACHE_TYPE_SINCE or process.is_set(of_type):
            kind = "btree" if process.version < _CACHE_TYPE_SINCE else process.certain(of_type)
            table = f"{kind}:$data_directory/postscreen_cache"
        else:
            return
    except InputError:
        return
    if not table or table.startswith(_SHARED_TABLES):
        return
    first = caches.setdefault(table, service.title)
    if first != service.title:
        reason = f"is the cache of the service {first} too, and only one postscreen can have it"
        remedy = f"Write proxy:{table} for all of them (with proxywrite in master.cf), or give each a cache of its own"
        yield InputError(name, table, reason, remedy)


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
