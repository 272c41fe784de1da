# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services without which those that take mail take none, or none of it is delivered, and that master.cf may lack.

Without proxymap smtpd does not even greet, without rewrite it never answers MAIL, without cleanup never RCPT, and
without qmgr what is taken stays in the queue (tried on Postfix 3.7).
"""

from __future__ import annotations

import re
from typing import AbstractSet, Iterator, List, Optional, Sequence, Tuple

from .._base.errors import InputError
from .._files.service import Service
from .lack import Lack
from .settings import Settings

#: parameters with tables that smtpd opens; proxymap may be asked about the tables of others
_OF_OTHERS = r"(?:smtp|lmtp|postscreen|tlsproxy|proxy)_"
_WITH_TABLES = rf"(?!{_OF_OTHERS})(?:\w+_(?:maps|restrictions|domains|checks)|mynetworks|mydestination)\Z"
_PROXIED = r"(?:.*[\s,{=])?proxy:"

_TAKERS = ("pickup", "qmqpd", "smtpd")
_QUEUE = {"cleanup", "pickup", "qmgr", "rewrite"}
_Places = AbstractSet[Tuple[str, bool]]


def lacks(settings: Settings, services: Sequence[Service]) -> Iterator[Lack]:
    """Yield what the services that take mail need and master.cf does not have, in the order of master.cf.

    Nothing is lacking in a list of some services, as a user gives it: one that has hardly any of the queue.

    :param services: those that count
    """
    there = {(service.name, service.private == "n") for service in services if service.type in ("unix", "fifo")}
    if len({name for name, _is_public in there} & _QUEUE) < 2:
        return
    for service in services:
        program = service.program
        if program in _TAKERS:
            try:
                yield from _lacks_of(service, program, settings.with_options(service.option_values), there)
            except InputError:  # a value that does not expand, of which it dies
                continue


def _lacks_of(service: Service, program: str, process: Settings, there: _Places) -> Iterator[Lack]:
    def missing(parameter: str, default: str, kinds: List[bool]) -> Optional[str]:
        """Return the name of a service, if there is none of these kinds, which are public or private ones."""
        name = process.get_or(parameter, default)
        return None if any((name, is_public) in there for is_public in kinds) else name

    rewrite = missing("rewrite_service_name", "rewrite", [False])
    if rewrite:
        reason = f"takes mail, whose addresses {rewrite}/unix rewrites, and there is no such private service"
        yield Lack(service, f"{rewrite} unix - - n - - trivial-rewrite", reason)
    cleanup = missing("cleanup_service_name", "cleanup", [True])
    if cleanup and not process.get("smtpd_proxy_filter"):
        reason = f"takes mail, which it gives to {cleanup}/unix, and there is no such public service"
        yield Lack(service, f"{cleanup} unix n - n - 0 cleanup", reason)
    qmgr = missing("queue_service_name", "qmgr", [True, False])
    if qmgr:
        reason = f"takes mail, which {qmgr}/unix delivers, and there is no such service"
        yield Lack(service, f"{qmgr} unix n - n 300 1 qmgr", reason)
    proxymap = missing("proxymap_service_name", "proxymap", [False])
    parameter = _proxied(process) if proxymap and program == "smtpd" else None
    if parameter:
        reason = f"looks up {parameter} by {proxymap}/unix, and there is no such private service"
        yield Lack(service, f"{proxymap} unix - - n - - proxymap", reason)


def _proxied(process: Settings) -> Optional[str]:
    """Return a parameter with a table that smtpd has from proxymap; that is the default of one (postconf(5))."""
    if not process.is_set("local_recipient_maps"):
        return "local_recipient_maps"
    for name in sorted(process.names()):
        text = process.raw(name)
        has_tables = ("proxy:" in text or "$" in text) and re.match(_WITH_TABLES, name)
        if has_tables and re.match(_PROXIED, process.get(name), re.DOTALL):
            return name
    return None
