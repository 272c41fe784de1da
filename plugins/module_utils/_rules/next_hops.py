# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where parameters send mail, and what else they connect to: transports, next hops, filters, milters, policy services.

Only what stands in main.cf and in the options of services counts; tables of their own are not looked up, nor are names.
"""

from __future__ import annotations

import re
from typing import FrozenSet, Iterator, List, Optional, Sequence, Tuple

from .._base.address import Address, parse_address
from .._base.errors import InputError
from .._base.records import NamedTuple
from .._base.words import words_outside_braces
from .._files.service import Service
from .host import Host
from .own_addresses import enabled_families
from .settings import Settings
from .source_addresses import client_of

_MAIL = r"(?:address_verify_)?"
#: parameters whose value is ``transport:nexthop``, or only one of the two
_TRANSPORT = rf"(?:content_filter|{_MAIL}(?:default|local|relay|virtual)_transport|(?:mailbox|fallback)_transport)\Z"
#: parameters whose tables give such a value
_TRANSPORT_MAPS = rf"(?:{_MAIL}(?:sender_dependent_default_)?|mailbox_|fallback_)transport_maps\Z"
#: parameters of next hops without a transport, to which mail goes by default_transport
_RELAY_HOST = rf"{_MAIL}(?:sender_dependent_)?relayhost(?:_maps)?\Z"
#: parameters of next hops that only some mail goes to
_FALLBACK = r"(?:smtp_|lmtp_)?fallback_relay\Z"
#: parameters of other next hops without a transport
_OTHERS = ("smtpd_proxy_filter", "default_filter_nexthop")
#: tables that are written out in main.cf
_INLINE = r"(?:(static|randmap|inline|pipemap):|(regexp|pcre):(?=\{))"
_WRITTEN_OUT = r"(?:static|randmap|inline):|(?:regexp|pcre|cidr):\{"
#: an item of a table of regular expressions (Postfix 3.7 and later): ``/pattern/flags result``
_BY_PATTERN = r"!?([^\w\s])(?:\\.|(?!\1).)*\1\w*\s+(.*)"
_FILTER_ACTION = r"\bFILTER\s+([^\s,}]+)"

_SEPARATORS = r"[\s,{}=]+"
_LOCALHOST = r"(?:localhost(?:[46]|\.localdomain)?|ip6-localhost)"
_ADDRESS = rf"(\[(?:(?:[Ii][Pp][Vv]6:)?[0-9A-Fa-f:.]+|{_LOCALHOST})\]|[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}|{_LOCALHOST})"
_HOP = rf"(?:([\w.-]+):)?(?:inet:)?{_ADDRESS}(?::[\w-]*)?\Z"
_CONNECTION = rf"()(?:[\w.-]+:)?(?:inet|tcp):{_ADDRESS}(?::.*)?\Z"
_NAME = r"[\w.-]+\Z"


class NextHop(NamedTuple):
    """An address, or localhost, that a parameter names to connect to."""

    parameter: str
    #: main.cf, or name and type of the service whose options set it
    place: str
    #: the word of the value
    word: str
    #: None for localhost
    address: Optional[Address]
    #: the name of the transport that takes mail there; empty where a server connects, or nobody knows
    transport: str
    #: that the one who connects uses
    families: FrozenSet[str]

    @property
    def is_loopback(self) -> bool:
        return self.address is None or self.address.is_loopback

    @property
    def is_fallback(self) -> bool:
        """Whether mail goes there only where it cannot go elsewhere."""
        return re.match(_FALLBACK, self.parameter) is not None

    def __str__(self) -> str:
        return f"{self.parameter} in {self.place} names {self.word}"


class Transport(NamedTuple):
    """A transport that a parameter names."""

    parameter: str
    place: str
    name: str


def next_hops(settings: Settings, services: Sequence[Service], host: Host) -> Iterator[NextHop]:
    """Yield the addresses that main.cf names, then those in options of services, each in the order of the values.

    :param services: those that count
    """
    by_name = {service.name: service for service in services if service.type == "unix"}
    clients = {name: service for name, service in by_name.items() if client_of(service)}
    for process, names, place in _places(settings, services):
        try:
            of_process = enabled_families(process, host)
        except InputError:  # the process dies
            continue
        for name in names:
            for word, literal, transport in _addresses(process, name):
                families = of_process
                is_own = transport in word  # not the default for a relay host, which other transports may have too
                if is_own and transport in by_name and transport not in clients:  # error, whose next hop is a text
                    continue
                if transport in clients:
                    try:
                        families = enabled_families(settings.with_options(clients[transport].option_values), host)
                    except InputError:
                        continue
                bare = literal.strip("[]")
                address = parse_address(bare[5:] if bare[:5].lower() == "ipv6:" else bare)
                if address is not None or re.match(rf"{_LOCALHOST}\Z", bare):
                    yield NextHop(name, place, word, address, transport, families)


def transports(settings: Settings, services: Sequence[Service]) -> Iterator[Transport]:
    """Yield the transports that main.cf names, then those in options of services.

    :param services: those that count
    """
    for process, names, place in _places(settings, services):
        for name in names:
            try:
                value = process.get(name)
            except InputError:
                continue
            results = [action.group(1) for action in re.finditer(_FILTER_ACTION, value)]
            if re.match(_TRANSPORT, name):
                results.append(value)
            elif re.match(_TRANSPORT_MAPS, name):
                results += _inline_results(value)
            for result in results:
                transport = result.partition(":")[0].strip()
                if re.match(_NAME, transport) and transport != "DUNNO":
                    yield Transport(name, place, transport)


def is_written_out(word: str) -> bool:
    """Return whether a word of a list of tables is one whose results stand in main.cf."""
    return re.match(_WRITTEN_OUT, word) is not None


def default_transports(settings: Settings) -> List[Tuple[str, str]]:
    """Return the parameters for mail to other hosts, each with the name of its transport."""
    answer = []
    for parameter, default in (("default_transport", "smtp"), ("relay_transport", "relay")):
        try:
            value = settings.get_or(parameter, default)
        except InputError:
            continue
        answer.append((parameter, value.partition(":")[0].strip()))
    return answer


def _places(settings: Settings, services: Sequence[Service]) -> Iterator[Tuple[Settings, List[str], str]]:
    """Yield main.cf, then each service with options: the settings, the parameters that are set there, and the place."""
    yield settings, sorted(settings.names()), "main.cf"
    for service in services:
        options = service.option_values
        if options:
            yield settings.with_options(options), list(options), service.title


def _addresses(process: Settings, name: str) -> Iterator[Tuple[str, str, str]]:
    """Yield each word with an address of a parameter, the address as it is written, and the transport for it."""
    has_transport = re.match(_TRANSPORT, name) is not None or re.match(_TRANSPORT_MAPS, name) is not None
    is_relay_host = re.match(_RELAY_HOST, name) is not None
    is_hop = has_transport or is_relay_host or re.match(_FALLBACK, name) is not None or name in _OTHERS
    if not is_hop and not re.search("inet:|tcp:|FILTER", process.raw(name)):
        return
    try:
        value = process.get(name)
    except InputError:
        return
    is_filter = not is_hop and "FILTER" in value
    for word in re.split(_SEPARATORS, value):
        match = re.match(_HOP if is_hop or is_filter else _CONNECTION, word)
        if match is not None:
            transport = (match.group(1) or "") if has_transport or is_filter else ""
            if is_relay_host:
                transport = dict(default_transports(process)).get("default_transport", "")
            yield word, match.group(2), transport


def _inline_results(value: str) -> Iterator[str]:
    """Yield what tables in a value give: ``static:x``, ``randmap:{x, y}``, ``inline:{a=x}`` and ``pcre:{{/a/ x}}``."""
    inside = 0  # where a table within another one ends
    for match in re.finditer(_INLINE, value):
        if match.start() < inside:
            continue
        text = value[match.end() :]
        content = _in_braces(text)
        if content is None:
            yield re.split(r"[\s,}]", text, maxsplit=1)[0]
        elif match.group(1) == "pipemap":  # its last table gives the result
            inside = match.end() + len(content) + 2
            yield from _inline_results(([""] + list(_items(content)))[-1])
        elif match.group(1) == "static":
            yield content
        else:
            for item in _items(content):
                by_pattern = re.match(_BY_PATTERN, item) if match.group(2) else None
                if by_pattern:
                    yield by_pattern.group(2)
                elif not match.group(2):
                    yield item.partition("=")[2].strip() if match.group(1) == "inline" else item


def _in_braces(text: str) -> Optional[str]:
    """Return what is between a brace with which a text begins and its partner; None where there is none."""
    depth = 0
    for at, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if not depth:
            return text[1:at] if at else None
    return None


def _items(content: str) -> Iterator[str]:
    """Yield the items of a list, separated by commas or blanks that are not in braces; those around an item go."""
    for item in words_outside_braces(content, " \t\n,"):
        yield (_in_braces(item) or item).strip()
