# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""DNS, asked on the control node: what it says about source addresses and the names that they greet with.

Nothing else of the collection asks DNS about them. What came of it is plain data, as the file that it is kept in.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import normal_form, parse_address
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.words import shown_time
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.check import name_of

if TYPE_CHECKING:
    from dns.resolver import Resolver

_THREADS = 16  # questions at once: a server that is silent costs each of them the whole timeout
_PORT = 53


class Question(NamedTuple):
    """A source address, and the name that it greets with; None if that is not known."""

    address: str
    helo: str | None


class UnansweredError(Exception):
    """DNS has not answered a question; the text says what it said instead."""


class Answers:
    """The answers of DNS, each asked for once."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known: dict[tuple[str, str], list[Any] | UnansweredError] = {}
        self.errors: set[str] = set()
        self._heard = False  # whether anybody has answered anything
        self._silences = 0

    def of(self, name: str, kind: str) -> list[Any]:
        """Return the records of a name; none if it has none of this kind or does not exist.

        :param kind: A, AAAA and PTR are texts, TXT tuples of bytes, MX tuples of preference and name
        :raises UnansweredError: DNS has not answered, now or when it was asked before
        """
        key = name.lower().rstrip("."), kind
        if key not in self._known:
            try:
                self._known[key] = self._ask(*key)
            except UnansweredError as error:
                self._known[key] = error
                self.errors.add(f"{key[0]} ({kind}): {error}")
        known = self._known[key]
        if isinstance(known, UnansweredError):
            raise known
        return list(known)

    def at_once(self, questions: Iterable[tuple[str, str]]) -> None:
        """Ask many questions side by side, whose answers are wanted later."""

        def ask(question: tuple[str, str]) -> None:
            with suppress(UnansweredError):  # it is among the errors
                self.of(*question)

        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(ask, dict.fromkeys(questions)))

    def addresses(self, name: str) -> list[str] | None:
        """Return the addresses of a name, IPv4 first; None if DNS has not answered."""
        try:
            found = [parse_address(text) for kind in ("A", "AAAA") for text in self.of(name, kind)]
        except UnansweredError:
            return None
        ordered = sorted({address for address in found if address}, key=lambda each: (each.version, int(each)))
        return [normal_form(address) for address in ordered]

    def names(self, address: str) -> list[str] | None:
        """Return the names that the PTR records of an address have; None if DNS has not answered."""
        try:
            return sorted({str(name).lower() for name in self.of(reverse(address), "PTR")})
        except UnansweredError:
            return None

    def _ask(self, name: str, kind: str) -> list[Any]:
        import dns.exception
        import dns.name
        import dns.resolver

        if self._silences >= _THREADS and not self._heard:
            raise UnansweredError("not asked, as no name server answers")
        try:
            found = self._resolver.resolve(dns.name.from_text(name), kind, raise_on_no_answer=False, search=False)
            self._heard = True
        except dns.resolver.NXDOMAIN:
            self._heard = True
            return []
        except (dns.resolver.NoNameservers, dns.resolver.LifetimeTimeout) as error:
            self._silences += isinstance(error, dns.resolver.LifetimeTimeout)
            raise UnansweredError(_said(error.kwargs.get("errors") or ())) from error
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.BadEscape):
            return []  # no such name can exist
        except (dns.exception.DNSException, OSError) as error:
            raise UnansweredError(" ".join(str(error).split()) or type(error).__name__) from error
        return [_value(record, kind) for record in found.rrset or ()]


def resolver_of(nameservers: Sequence[str], timeout: float) -> Resolver:
    """Return a resolver.

    :param nameservers: addresses, each with a port where it is not 53; those of this machine if there are none
    :param timeout: seconds for one question, over all servers and tries
    :raises InputError: what is needed is not installed, or there is no name server
    """
    try:
        import dns.nameserver
        import dns.resolver
    except ImportError as error:
        raise missing("dnspython", error) from error
    if timeout <= 0:
        raise InputError("timeout", timeout, "is not a time to wait", "Give a number of seconds")
    try:
        resolver = dns.resolver.Resolver(configure=not nameservers)
    except dns.resolver.NoResolverConfiguration as error:
        reason = f"are not known on this machine ({' '.join(str(error).split())})"
        raise InputError("nameservers", "name servers", reason, "Name them in mailfleet_nameservers") from error
    if nameservers:
        servers = [dns.nameserver.Do53Nameserver(address, port) for address, port in map(_server, nameservers)]
        resolver.nameservers = list(servers)
    resolver.lifetime, resolver.timeout = timeout, timeout / 2
    return resolver


def ask(
    questions: Iterable[Question], domains: Iterable[str], resolver: Resolver, time: datetime | None = None
) -> dict[str, Any]:
    """Return what DNS says about source addresses, each question asked once.

    :param domains: those of envelope senders, for which all addresses send
    """
    from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.spf import Spf

    answers, spf = Answers(resolver), Spf()
    helos: dict[str, set[str]] = {}
    for question in questions:
        helos.setdefault(question.address, set())
        helo = name_of(question.helo)
        if helo is not None:
            helos[question.address].add(helo)
    addresses = sorted(helos, key=lambda text: (ipaddress.ip_address(text).version, ipaddress.ip_address(text)))
    senders = sorted({domain.lower().rstrip(".") for domain in domains})
    greeted = sorted({helo for names in helos.values() for helo in names})
    answers.at_once(
        [*((reverse(each), "PTR") for each in addresses), *((each, "TXT") for each in [*senders, *greeted])]
    )
    ptr = {address: names for address in addresses for names in [answers.names(address)] if names is not None}
    names = sorted({*greeted, *(name for found in ptr.values() for name in found)})
    answers.at_once((name, kind) for name in names for kind in ("A", "AAAA"))
    about: dict[str, Any] = {}
    for domain in sorted({*senders, *greeted}):
        concerned = addresses if domain in senders else [each for each in addresses if domain in helos[each]]
        verdicts = spf.verdicts(answers, domain, {each: min(helos[each], default=None) for each in concerned})
        if verdicts is not None:
            about[domain] = verdicts
    return {
        "asked_at": shown_time((time or datetime.now(timezone.utc)).timestamp()),
        "domains": senders,
        "ptr": ptr,
        "addresses": {name: found for name in names for found in [answers.addresses(name)] if found is not None},
        "spf": about,
        "errors": sorted(answers.errors),
    }


def reverse(address: str) -> str:
    """Return the name that has the PTR records of an address."""
    return ipaddress.ip_address(address).reverse_pointer


def missing(package: str, error: ImportError) -> InputError:
    """Return the error for a Python package that is not there."""
    reason = f"cannot be imported on the control node ({error})"
    remedy = f"Install it for the Python that runs Ansible: {sys.executable} -m pip install {package}"
    return InputError("postfix_records", package, reason, remedy)


def _server(text: str) -> tuple[str, int]:
    host, port = text, str(_PORT)
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        port = rest[1:] if rest[:1] == ":" else port if bracket and not rest else ""
    elif text.count(":") == 1:
        host, _colon, port = text.partition(":")
    address = parse_address(host)
    if address is None or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        remedy = "Give an address, with a port such as 192.0.2.53:5353 or [2001:db8::53]:5353 where it is not 53"
        raise InputError("nameservers", text, "is not the address of a name server", remedy)
    return normal_form(address), int(port)


def _said(errors: Sequence[Sequence[Any]]) -> str:
    """Return what the servers said instead of an answer, without what differs from one try to the next."""
    words = {each[3] if isinstance(each[3], str) else _word(each[3]) for each in errors}
    return ", ".join(sorted(words)) or "no answer"


def _word(error: Any) -> str:
    import dns.exception

    if isinstance(error, dns.exception.Timeout):
        return "no answer"
    return " ".join(str(error).split()) or type(error).__name__


def _value(record: Any, kind: str) -> Any:
    if kind == "TXT":
        return tuple(record.strings)
    if kind == "MX":
        return record.preference, record.exchange.to_text(omit_final_dot=True)
    return record.target.to_text(omit_final_dot=True) if kind == "PTR" else record.address


def one_line(text: str) -> str:
    """Return a text from DNS with its control characters written out."""
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)


def shown_record(strings: Sequence[bytes]) -> str:
    """Return a TXT record as text in one line."""
    return one_line(b"".join(strings).decode("ascii", "backslashreplace"))
