# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of the parameters: how one becomes text, whether one can be set, and whether two mean the same."""

from __future__ import annotations

import re
from typing import Any, FrozenSet, List

from .._base.address import family, normal_form, parse_address, unbracket
from .._base.errors import InputError
from .._base.words import words_between
from .._files.service import TYPES
from .expansion import expand
from .interface_list import KEYWORDS, check_tokens, refuse_octal, split_tokens
from .parameters import BRACKETS_SINCE, PARAMETERS, Version, dotted, for_family

_PROTOCOLS = {"all": frozenset(("ipv4", "ipv6")), "ipv4": frozenset(("ipv4",)), "ipv6": frozenset(("ipv6",))}
_GIVE_TEXT = "Give text or a list of texts"
_PROTOCOLS_REMEDY = "Write all, ipv4, ipv6, or ipv4 and ipv6"
_LIST_KINDS = ("interfaces", "proxy", "protocols", "match_list")
_SEPARATORS = " \t\r\n,"
_SEPARATOR_OR_BRACKET = r"([ \t\r\n,]+|[{}()])"
_CONTROL = r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]"
_DEEPEST = 20  # lists in lists; nobody means more
_SPACE = " \t\r\n\v\f"


def text_of(name: str, value: Any, level: int = 0) -> str:
    """Return a value as the text that Postfix would read: lists are joined by commas, booleans are yes and no.

    :raises InputError: for a value that cannot be text, such as a mapping, or that has a line break
    """
    if isinstance(value, (list, tuple)):
        if level > _DEEPEST:
            raise InputError(name, value, "is a list nested too deeply", _GIVE_TEXT)
        return ", ".join(text for text in (text_of(name, item, level + 1) for item in value) if text)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (str, int)):
        kind = "null" if value is None else f"a {type(value).__name__}"
        raise InputError(name, value, f"is {kind}", _GIVE_TEXT)
    if isinstance(value, int) and abs(value) >> 64:
        raise InputError(name, value, "is a number that Postfix has no use for", "Give text or a smaller number")
    text = str(value).strip(_SPACE)
    if "\n" in text:
        text = re.sub(r"\r?\n(?=[ \t])", "", text)  # a continuation line
        if "\n" in text:
            raise InputError(name, text, "has a line break", "Write the value on one line, or give a list")
    return text


def boolean(name: str, text: str) -> bool:
    """Return the value of a boolean parameter.

    :raises InputError: for text with which the program that reads it ends
    """
    if text.lower() not in ("yes", "no"):
        raise InputError(name, text, "is neither yes nor no", "Write yes or no")
    return text.lower() == "yes"


def split_words(text: str) -> List[str]:
    """Return the words of a value of any parameter but those of interfaces: see :func:`split_tokens`."""
    return words_between(text, _SEPARATORS)


def protocols_of(text: str, name: str = "inet_protocols") -> FrozenSet[str]:
    """Return the families that a value of inet_protocols names (postconf(5)).

    :raises InputError: for a word that Postfix does not know, of which all its programs die
    """
    families: FrozenSet[str] = frozenset()
    for word in split_words(text):
        if word not in _PROTOCOLS:
            remedy = f"Write {word.lower()}" if word.lower() in _PROTOCOLS else _PROTOCOLS_REMEDY
            raise InputError(name, word, "is not a protocol that Postfix knows", remedy)
        families |= _PROTOCOLS[word]
    return families


def validate(name: str, value: Any, version: Version) -> str:
    """Check a wanted value of one of PARAMETERS and return the text to write: see :func:`text_of`.

    Whether the host has the addresses is for :func:`own_addresses` to say. References such as ``$myhostname`` are left
    alone.

    :raises InputError: for a value that Postfix would die of, or that could mean something else than it seems
    """
    parameter = PARAMETERS[name]
    if version < parameter.since:
        reason = f"needs Postfix {dotted(parameter.since)}; this host has {dotted(version)}, which would ignore it"
        raise InputError(name, value, reason, "Leave the parameter out on this host")
    for item in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(item, str) and not item.isprintable() and re.search(_CONTROL, item.strip(_SPACE)):
            raise InputError(name, item, "has a line break or a control character", "Write the value on one line")
    text = text_of(name, value)
    if "$" in text:
        expand(text, lambda _name: "", name)
    if parameter.kind in ("interfaces", "proxy"):
        _check_interfaces(name, text)
    elif parameter.kind == "match_list":
        _check_match_list(name, text)
    elif "$" in text:
        return text
    elif parameter.kind == "protocols":
        protocols_of(text, name)
    elif parameter.kind == "yes_no":
        boolean(name, text)
    elif text:
        _check_address(name, text, version)
    return text


def equivalent(name: str, one: str, other: str, version: Version) -> bool:
    """Return whether two values of a parameter mean the same, so that another spelling is not a change.

    Order, repetition, blanks, brackets and the spelling of addresses do not matter where they do not matter to Postfix.
    Values with ``$`` references are only the same when their words are, in their order.
    """
    one, other = one.strip(_SPACE), other.strip(_SPACE)
    if one == other:
        return True
    if name not in PARAMETERS:
        return False
    kind = PARAMETERS[name].kind
    if "$" in one or "$" in other:
        return kind in _LIST_KINDS and _outer_words(one) == _outer_words(other)
    return bool(_meaning(kind, one, version) == _meaning(kind, other, version))


def _outer_words(text: str) -> List[str]:
    """Split a list at the separators that are not within a reference."""
    words: List[List[str]] = [[]]
    level = 0
    for part in re.split(_SEPARATOR_OR_BRACKET, text):
        if not level and part and part[0] in _SEPARATORS:
            words.append([])
            continue
        level = max(0, level + (part in ("{", "(")) - (part in ("}", ")")))
        words[-1].append(part)
    return [word for word in map("".join, words) if word]


def _meaning(kind: str, text: str, version: Version) -> Any:
    """Return something that is equal for values of one meaning."""
    if kind == "protocols":
        try:
            return protocols_of(text)
        except InputError:
            return text
    if kind == "yes_no":
        return text.lower()
    if kind == "match_list":
        return split_words(text.lower())
    if kind in ("address4", "address6"):
        literal = unbracket(text) if version >= BRACKETS_SINCE else text
        address = parse_address(literal)
        return (normal_form(address), literal.partition("%")[2]) if address is not None else text
    return text if text in KEYWORDS else frozenset(map(_meaning_of_token, frozenset(split_tokens(text))))


def _meaning_of_token(token: str) -> str:
    literal = unbracket(token)
    address = parse_address(literal)
    if address is not None:
        return normal_form(address)
    return token if token.lower() in KEYWORDS else literal.lower()


def _words_without_references(text: str) -> List[str]:
    """Return the words that are not references, each once; none where a reference may contain blanks."""
    words = [] if "${" in text or "$(" in text else split_tokens(text)
    return [word for word in dict.fromkeys(words) if "$" not in word]


def _check_interfaces(name: str, text: str) -> None:
    is_own = name == "inet_interfaces"
    if text in KEYWORDS and is_own:
        return
    tokens = _words_without_references(text)
    check_tokens(name, tokens)
    for token in tokens:
        address = parse_address(unbracket(token))
        if address is not None and address.is_unspecified and is_own:
            raise InputError(name, token, "is a wildcard, which no interface has as its address", "Write all")
        refuse_octal(name, token)


def _check_address(name: str, text: str, version: Version) -> None:
    wanted = "ipv6" if name.endswith("6") else "ipv4"
    write_address = f"Write an address such as {'fd77::1' if wanted == 'ipv6' else '10.77.0.1'}"
    literal = unbracket(text)
    if any(separator in text for separator in _SEPARATORS):
        raise InputError(name, text, "is a list, but Postfix takes one address here", "Give one address")
    if text in KEYWORDS:
        raise InputError(name, text, "is a word of inet_interfaces only", write_address)
    check_tokens(name, [text])
    address = parse_address(literal)
    if address is None:
        raise InputError(name, text, "is a host name, but Postfix takes an address here", write_address)
    if literal != text and version < BRACKETS_SINCE:
        reason = f"has brackets, which Postfix understands since {dotted(BRACKETS_SINCE)}"
        raise InputError(name, text, reason, f"Write {literal}")
    if family(address) != wanted:
        reason = f"is an address of the family {family(address)}, but one of {wanted} belongs here"
        raise InputError(name, text, reason, f"Set {for_family(name, family(address))} to it")
    refuse_octal(name, text)


def _check_match_list(name: str, text: str) -> None:
    for word in _words_without_references(" ".join(split_words(text))):
        # before Postfix 2.11 name and type were separated by a dot, which still works
        kind = word.lstrip("!").rpartition("/" if "/" in word else ".")[2]
        if kind.lower() not in TYPES:
            remedy = "Write inet, or 2525/inet, or !smtp/inet"
            raise InputError(name, word, "is neither a service type nor name/type", remedy)
