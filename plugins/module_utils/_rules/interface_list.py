# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of inet_interfaces and proxy_interfaces: how Postfix splits them, and what is wrong with one.

Both have one grammar (postconf(5)): addresses, with or without brackets, and host names, separated by blanks or commas.
For all else Postfix says "host not found", which does not tell people what is wrong; :func:`check_tokens` does.
"""

from __future__ import annotations

import re
from typing import List, Sequence, Tuple

from .._base.address import parse_address, prefix_length, unbracket
from .._base.errors import InputError
from .._base.words import consists_of, words_between

KEYWORDS = ("all", "loopback-only")
_FROM_YAML = ("True", "False", "None")

_HOST_NAME = r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?\Z"
_NUMBERS = "0123456789."
_LIST_THEM = "List single addresses, or choose them with select"


def split_tokens(text: str) -> List[str]:
    """Return the words of a value."""
    return words_between(text, " \t,")


def is_host_name(token: str) -> bool:
    """Return whether a word can be a host name: letters, digits, hyphens, underscores and dots, but not only digits."""
    return len(token) <= 255 and bool(re.match(_HOST_NAME, token)) and not consists_of(token, _NUMBERS)


def another_address(remedy: str) -> str:
    """Return a remedy for the only word of inet_interfaces, without which no service could listen."""
    return remedy.replace("Take it out", "List another address").replace("take it out", "list another address")


def refuse_octal(parameter: str, token: str) -> None:
    """Raise an InputError for an IPv4 address with leading zeros that does not mean what people read."""
    literal = unbracket(token)
    address = parse_address(literal) if consists_of(literal, _NUMBERS) and literal.count(".") == 3 else None
    plain = ".".join(part.lstrip("0") or "0" for part in literal.split("."))
    if address is not None and str(address) != plain:
        reason = f"is {address} for Postfix, since leading zeros mean octal"
        raise InputError(parameter, token, reason, "Drop the zeros")


def refuse_short(parameter: str, token: str) -> None:
    """Raise an InputError for fewer than four numbers, which the C library takes for an IPv4 address all the same."""
    literal = unbracket(token)
    if consists_of(literal, _NUMBERS) and literal.count(".") < 3:
        reason = f"is {parse_address(literal)} for Postfix, which is on no interface of the host"
        raise InputError(parameter, token, reason, "Write all four numbers of the address")


def check_tokens(parameter: str, tokens: Sequence[str]) -> None:
    """Refuse words that can be neither an address nor a host name.

    :raises InputError: for the first of them, or the first that looks like a comment, since that explains the others
    """
    comments = [token for token in tokens if "#" in token]
    for token in comments or tokens:
        literal = unbracket(token)
        reason, remedy = ("", "") if parse_address(literal) else _explain(parameter, token, literal)
        if reason:
            raise InputError(parameter, token, reason, remedy)


def _explain(parameter: str, token: str, literal: str) -> Tuple[str, str]:
    """Return why a word can be neither an address nor a host name, and the remedy; nothing where it can."""
    if token in KEYWORDS:
        if parameter != "inet_interfaces":
            return "is a word of inet_interfaces only", "List addresses or host names"
        return "is a keyword, which must stand alone", f"Write {token} alone, or list addresses without it"
    if token.lower() in KEYWORDS:
        return "is not in lower case, so Postfix takes it for a host name", f"Write {token.lower()}"
    if token in _FROM_YAML:
        return "is what YAML makes of yes, no, on, off or null without quotes", "List addresses or host names"
    if "#" in token:
        return "looks like a comment, which main.cf has only on lines of their own", "Take it out of the value"
    if ";" in token:
        return "has a semicolon, which does not separate addresses", "Separate them by a comma or a blank"
    if token.startswith("!"):
        return "excludes an address, which Postfix cannot do here", _LIST_THEM
    if "*" in token:
        return "is a pattern, but Postfix takes single addresses", "Write all, or list single addresses"
    if literal.lower().startswith("ipv6:"):
        return "has the prefix IPv6:, which belongs to master.cf", f"Write {literal[5:]}"
    text, _slash, length = literal.partition("/")
    address = parse_address(unbracket(text))
    if address is not None and prefix_length(length, address) is not None:
        return "is a network, but Postfix takes single addresses", _LIST_THEM
    if "/" in token:
        return "is a file or a table, which Postfix does not read here", _LIST_THEM
    if ":::" in token:
        return "has three colons in a row", "Write two"
    host, colon, port = token.rpartition(":")
    if colon and port and (parse_address(unbracket(host)) or is_host_name(unbracket(host))):
        return "has a port, which belongs to master.cf", f"Write {host} here, and {token} as a service of type inet"
    if token[0] in "\"'{" or token[-1] in "\"'}":
        return "has quotes or braces", "Leave them out"
    if (token[0] == "[") != (token[-1] == "]"):
        return "has a bracket without its partner", "Write both brackets or none"
    text, percent, _scope = literal.partition("%")
    if percent and parse_address(text) is not None:
        return "has a zone, which only link-local addresses have", f"Write {text}"
    if ":" in literal:
        return "is not an IPv6 address", "Write an address such as fd77::1"
    if consists_of(literal, _NUMBERS):
        return "is not an IPv4 address", "Write an address such as 10.77.0.1"
    if not is_host_name(literal):
        return "is neither an address nor a host name", _LIST_THEM
    return "", ""
