# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""The parameters of this family as data, a configuration as Postfix reads it, and the check of a wanted value."""

from __future__ import annotations

import re
from typing import Any, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Tuple

from .._base.address import family, normal_form, parse_address, unbracket
from .._base.errors import InputError
from .expansion import expand
from .interface_list import KEYWORDS, check_tokens, octal_reading, split_tokens

Version = Tuple[int, ...]
NEWEST: Version = (3, 12)


class Parameter(NamedTuple):
    """What is known about one main.cf parameter (postconf(5))."""

    name: str
    #: "interfaces", "protocols", "proxy", "address4", "address6", "yes_no" or "match_list"
    kind: str
    #: the first Postfix that has it
    since: Version
    default: str
    #: what a change of its effect needs: "restart" or "reload"
    change: str
    summary: str


PARAMETERS: Dict[str, Parameter] = {
    row[0]: Parameter(*row)
    for row in (
        ("inet_interfaces", "interfaces", (2, 0), "all", "restart", "the addresses that Postfix receives mail on"),
        ("inet_protocols", "protocols", (2, 2), "all", "restart", "the address families that Postfix uses"),
        ("proxy_interfaces", "proxy", (2, 0), "", "reload", "the addresses by which the world reaches this host"),
        ("smtp_bind_address", "address4", (2, 0), "", "reload", "the IPv4 source address of the SMTP client"),
        ("smtp_bind_address6", "address6", (2, 2), "", "reload", "the IPv6 source address of the SMTP client"),
        ("smtp_bind_address_enforce", "yes_no", (3, 7), "no", "reload", "send no mail when it cannot be used"),
        ("lmtp_bind_address", "address4", (2, 3), "", "reload", "the IPv4 source address of the LMTP client"),
        ("lmtp_bind_address6", "address6", (2, 3), "", "reload", "the IPv6 source address of the LMTP client"),
        ("lmtp_bind_address_enforce", "yes_no", (3, 7), "no", "reload", "send no mail when it cannot be used"),
        ("master_service_disable", "match_list", (2, 6), "", "reload", "the services that the master leaves out"),
    )
}

#: Postfix before this one does not understand brackets in smtp_bind_address and its like.
BRACKETS_SINCE = (3, 7)
_PROTOCOLS = {"all": frozenset(("ipv4", "ipv6")), "ipv4": frozenset(("ipv4",)), "ipv6": frozenset(("ipv6",))}
_LISTS = ("interfaces", "proxy", "protocols", "match_list")
_PARTS = re.compile(r"([ \t\r\n,]+|[{}()])")
_SERVICE_TYPES = ("inet", "unix", "unix-dgram", "fifo", "pass")
_WORDS = re.compile(r"[ \t\r\n,]+")
_CONTINUATION = re.compile(r"\r?\n(?=[ \t])")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_DEEPEST = 20  # lists in lists; nobody means more
_SPACE = " \t\r\n\v\f"


def parse_version(text: str) -> Version:
    """Read a version such as ``3.7`` or ``3.12-20260821``; a newer one than the newest known is fine.

    :raises InputError: when it is none
    """
    match = re.match(r"([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,9}))?(?:[-+~ ].*)?\Z", text.strip())
    if match is None:
        raise InputError("version", text, "is not a version of Postfix", 'write "3.7" or "3.7.11", in quotes')
    return tuple(int(part) for part in match.groups() if part is not None)


def text_of(name: str, value: Any, level: int = 0) -> str:
    """Return a value as the text that Postfix would read: lists are joined by commas, booleans are yes and no.

    :raises InputError: for a value that is no text, such as a mapping or null, or has a line break
    """
    if isinstance(value, (list, tuple)):
        if level > _DEEPEST:
            raise InputError(name, value, "is a list nested too deeply", "Give text or a list of texts")
        return ", ".join(text for text in (text_of(name, item, level + 1) for item in value) if text)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (str, int)):
        kind = "null" if value is None else f"a {type(value).__name__}"
        raise InputError(name, value, f"is {kind}", "Give text or a list of texts")
    if isinstance(value, int) and abs(value) >> 64:
        raise InputError(name, value, "is a number that Postfix has no use for", "Give text or a smaller number")
    text = str(value).strip(_SPACE)
    if "\n" in text:
        text = _CONTINUATION.sub("", text)
        if "\n" in text:
            raise InputError(name, text, "has a line break", "Write the value in one line, or give a list")
    return text


class Settings:
    """A main.cf as Postfix reads it: values with ``$`` references replaced, and Postfix's defaults for the rest."""

    def __init__(self, values: Mapping[str, Any], version: Version = NEWEST, hostname: Optional[str] = None) -> None:
        """Take raw values by parameter name; raises InputError for one that is no text and no list.

        :param version: of the Postfix that reads them
        :param hostname: what gethostname(2) returns on the host, for the default of $myhostname
        """
        self._texts = {name: text_of(name, value) for name, value in values.items()}
        self.version = version
        self.hostname = hostname
        self._expanded: Dict[str, str] = {}
        self._deriving_mydomain = False

    def with_options(self, options: Mapping[str, str]) -> Settings:
        """Return the settings of a service whose master.cf line has these ``-o`` options."""
        if not options:
            return self
        process = Settings(options, self.version, self.hostname)
        process._texts = {**self._texts, **process._texts}
        return process

    def is_set(self, name: str) -> bool:
        """Tell whether main.cf sets the parameter, to whatever value."""
        return name in self._texts

    def refers_to(self, name: str) -> bool:
        """Tell whether another value has a reference to the name, so that it is a parameter of the user's own."""
        pattern = re.compile(rf"\$[({{]?\s*{re.escape(name)}(?![A-Za-z0-9_])")
        return any("$" in text and pattern.search(text) for text in self._texts.values())

    def names(self) -> FrozenSet[str]:
        """Return the names that main.cf sets."""
        return frozenset(self._texts)

    def raw(self, name: str) -> str:
        """Return the text of main.cf, or the default, unexpanded."""
        text = self._lookup(name)
        return "" if text is None else text

    def get(self, name: str) -> str:
        """Return the effective value: the default where main.cf says nothing, or this Postfix has no such parameter.

        :raises InputError: where Postfix would end with a macro processing error
        """
        if name not in self._expanded:
            known = PARAMETERS.get(name)
            if known is not None and (name not in self._texts or self.version < known.since):
                return known.default
            self._expanded[name] = expand(self.raw(name), self._lookup, name)
        return self._expanded[name]

    def yes_no(self, name: str) -> bool:
        """Return a boolean parameter's value.

        :raises InputError: for text other than yes and no, with which the program that reads it ends
        """
        return _yes_no(name, self.get(name))

    def _lookup(self, name: str) -> Optional[str]:
        if name in self._texts:
            return self._texts[name]
        known = PARAMETERS.get(name)
        if known is not None:
            return known.default
        if name == "myorigin":
            return "$myhostname"
        if name == "myhostname":
            return self._default_myhostname()
        if name == "mydomain":
            return self._default_mydomain()
        return None

    def _default_mydomain(self) -> str:
        if self._deriving_mydomain:
            value, reason = self._texts["myhostname"], "needs $mydomain, which is not set and would come from it"
            raise InputError("myhostname", value, reason, "Set mydomain")
        self._deriving_mydomain = True
        try:
            return self.get("myhostname").partition(".")[2] or "localdomain"
        finally:
            self._deriving_mydomain = False

    def _default_myhostname(self) -> str:
        if not self.hostname:
            raise InputError(
                "myhostname", "$myhostname", "is not set, and the name of the host is not known", "Set myhostname"
            )
        if "." in self.hostname:
            return self.hostname
        return f"{self.hostname}.{self._texts.get('mydomain') or 'localdomain'}"


def validate(name: str, value: Any, version: Version = NEWEST) -> str:
    """Check a wanted value of one of PARAMETERS and return the text to write: lists joined by ``, ``, text as given.

    This is about the value alone. Whether the host has the addresses is for :func:`own_addresses` to say, of all wanted
    settings together. References such as ``$myhostname`` are allowed and left alone.

    :raises InputError: for a value that Postfix would die of, or that could mean something else than it seems
    """
    known = PARAMETERS[name]
    if version < known.since:
        raise InputError(
            name,
            value,
            f"needs Postfix {_dotted(known.since)}, this host has {_dotted(version)}, which would ignore it",
            "Leave the parameter out on this host",
        )
    for item in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(item, str) and _CONTROL.search(item.strip(_SPACE)):
            raise InputError(name, item, "has a line break or a control character", "Write the value in one line")
    text = text_of(name, value)
    if "$" in text:
        expand(text, lambda _name: "", name)
    _CHECKS[known.kind](name, text, version)
    return text


def equivalent(name: str, one: str, other: str, version: Version = NEWEST) -> bool:
    """Tell whether two values of a parameter mean the same, so that another spelling is not a change.

    Order, repetition, blanks, brackets and the spelling of addresses do not matter where they do not matter to Postfix.
    Values with ``$`` references are only the same when their words are, in their order.
    """
    one, other = one.strip(_SPACE), other.strip(_SPACE)
    if one == other:
        return True
    known = PARAMETERS.get(name)
    if known is None:
        return False
    if "$" in one or "$" in other:
        return known.kind in _LISTS and _outer_words(one) == _outer_words(other)
    return bool(_meaning(known.kind, one, version) == _meaning(known.kind, other, version))


def _outer_words(text: str) -> List[str]:
    """Split a list at the separators that are not within a reference."""
    words: List[List[str]] = [[]]
    level = 0
    for part in _PARTS.split(text):
        if not level and part and part[0] in " \t\r\n,":
            words.append([])
            continue
        level = max(0, level + (part in ("{", "(")) - (part in ("}", ")")))
        words[-1].append(part)
    return [word for word in map("".join, words) if word]


def protocols_of(text: str, name: str = "inet_protocols") -> FrozenSet[str]:
    """Return the families that a value of inet_protocols names (postconf(5), inet_protocols; words are lower case).

    :raises InputError: for a word that Postfix does not know, of which all its programs die
    """
    if text in _PROTOCOLS:
        return _PROTOCOLS[text]
    families: FrozenSet[str] = frozenset()
    for word in _WORDS.split(text):
        if word in _PROTOCOLS:
            families |= _PROTOCOLS[word]
        elif word:
            hint = f"Write {word.lower()}" if word.lower() in _PROTOCOLS else "Write all, ipv4, ipv6, or ipv4 and ipv6"
            raise InputError(name, word, "is not a protocol that Postfix knows", hint)
    return families


def _literals(text: str) -> List[str]:
    """Return the words that are no references, each once; none where a reference may contain blanks."""
    words = [] if "${" in text or "$(" in text else split_tokens(text)
    return [token for token in dict.fromkeys(words) if "$" not in token]


def _check_interfaces(name: str, text: str, version: Version) -> None:
    if text in KEYWORDS and name == "inet_interfaces":
        return
    tokens = _literals(text)
    check_tokens(name, tokens)
    for token in tokens:
        address = parse_address(unbracket(token))
        if address is not None and address.is_unspecified and name == "inet_interfaces":
            raise InputError(name, token, "is a wildcard and no interface has it", "Write all")
        _refuse_octal(name, token)


def _refuse_octal(name: str, token: str) -> None:
    octal = octal_reading(unbracket(token))
    if octal is not None:
        raise InputError(name, token, f"is {octal} for Postfix, since leading zeros mean octal", "Drop the zeros")


def _check_protocols(name: str, text: str, version: Version) -> None:
    if "$" not in text:
        protocols_of(text, name)


def _check_address(name: str, text: str, version: Version) -> None:
    if not text or "$" in text:
        return
    wanted = "ipv6" if name.endswith("6") else "ipv4"
    example = "fd77::1" if wanted == "ipv6" else "10.77.0.1"
    literal = unbracket(text)
    if len(_WORDS.split(text)) > 1:
        raise InputError(name, text, "is a list, Postfix takes one address here", "Give one address")
    if text in KEYWORDS:
        raise InputError(name, text, "is a word of inet_interfaces only", f"Write an address such as {example}")
    check_tokens(name, [text])
    address = parse_address(literal)
    if address is None:
        raise InputError(
            name, text, "is a host name, Postfix takes an address here", f"Write an address such as {example}"
        )
    if literal != text and version < BRACKETS_SINCE:
        raise InputError(
            name, text, f"has brackets, which Postfix understands since {_dotted(BRACKETS_SINCE)}", f"Write {literal}"
        )
    if family(address) != wanted:
        other = name[:-1] if wanted == "ipv6" else name + "6"
        raise InputError(
            name, text, f"is an address of the family {family(address)}, {wanted} belongs here", f"Set {other} to it"
        )
    _refuse_octal(name, text)


def _yes_no(name: str, text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise InputError(name, text, "is neither yes nor no", "Write yes or no")
    return text.lower() == "yes"


def _check_yes_no(name: str, text: str, version: Version) -> None:
    if "$" not in text:
        _yes_no(name, text)


def _check_match_list(name: str, text: str, version: Version) -> None:
    for token in _literals(_WORDS.sub(" ", text)):
        # before Postfix 2.11 name and type were separated by a dot, which still works
        kind = token.lstrip("!").rpartition("/" if "/" in token else ".")[2]
        if kind.lower() not in _SERVICE_TYPES:
            raise InputError(
                name,
                token,
                "is neither a service type nor name/type",
                "Write inet, or 2525/inet, or !smtp/inet",
            )


_CHECKS = {
    "interfaces": _check_interfaces,
    "proxy": _check_interfaces,
    "protocols": _check_protocols,
    "address4": _check_address,
    "address6": _check_address,
    "yes_no": _check_yes_no,
    "match_list": _check_match_list,
}


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
        return [word.lower() for word in _WORDS.split(text) if word]
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


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))
