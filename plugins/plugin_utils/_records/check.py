# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What is wrong with the records of a source address, as far as they are known. Pure: nothing is asked here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import is_private, parse_address
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.words import Severity
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.finding import Finding, listed
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import NamedSource

#: the codes, with when each is found; the first severity that is named is the usual one
CODES: Mapping[str, str] = {
    "no_ptr": "the address has no PTR record",
    "ptr_mismatch": "the PTR record names a host that does not have the address, or another one than the HELO name",
    "helo_does_not_resolve": "the HELO name has no address",
    "helo_mismatch": "the HELO name has other addresses than the one that it greets from",
    "not_in_spf": "SPF of an envelope sender's domain, or of the HELO name, does not let the address send",
}
#: what a verdict of SPF means for mail: a receiver may refuse it, or trust it less; it says nothing about temperror
_SPF: Mapping[str, Severity] = {
    "fail": "error",
    "permerror": "error",
    "softfail": "warning",
    "neutral": "warning",
    "none": "warning",
}


def check_address(
    source: NamedSource, address: str, records: Mapping[str, Any], domains: Sequence[str]
) -> Iterator[Finding]:
    """Yield what is wrong with the records of one address of a source, where they cover the question.

    Nothing is an error within a site.

    :param records: as :func:`read_records` returns them
    :param domains: those of envelope senders
    """
    parsed = parse_address(address)
    within = parsed is not None and is_private(parsed)
    for found in _wrong(source, address, records, domains):
        yield found._replace(severity="warning") if within else found


def refuse_unready(source: NamedSource, records: Mapping[str, Any]) -> None:
    """Refuse a source that is to be active, and whose records are not what it needs to send to others.

    Addresses that are selected on the host are not known here.

    :param records: as :func:`read_records` returns them; the domains are those that they name
    :raises InputError: SPF does not have it, or PTR does not name what it greets with, or that does not have it
    """
    if source.state != "active":
        return
    for address in source.addresses:
        parsed = parse_address(address)
        if parsed is None or is_private(parsed):
            continue
        found = list(check_address(source, address, records, records["domains"]))
        if found:
            lacks = "; ".join(dict.fromkeys(each.message for each in found))
            remedy = "; ".join(dict.fromkeys(each.remedy for each in found))
            raise InputError(
                f"state of the source {source.name}",
                source.state,
                f"needs other records in DNS: {lacks}",
                f"{remedy}; let the state be planned until then",
            )


def _wrong(source: NamedSource, address: str, records: Mapping[str, Any], domains: Sequence[str]) -> Iterator[Finding]:
    helo = name_of(source.helo)
    yield from _of_ptr(source, address, helo, records)
    yield from _of_helo(source, address, records)
    for domain in dict.fromkeys(map(_normal, domains)):
        yield from _of_spf(source, address, domain, records, domain)
    if helo is not None and helo not in map(_normal, domains):
        yield from _of_spf(source, address, helo, records, None)


def name_of(helo: str | None) -> str | None:
    """Return the name that DNS can be asked about for what a source greets with; None for an address."""
    return None if helo is None or parse_address(helo) or helo.startswith("[") else _normal(helo)


def _of_ptr(source: NamedSource, address: str, helo: str | None, records: Mapping[str, Any]) -> Iterator[Finding]:
    names = records.get("ptr", {}).get(address)
    if names is None:
        return
    if not names:
        wanted = f" that names {helo}" if helo else ""
        message = f"{address}, which {source.name} sends from, has no PTR record, so many receivers refuse its mail"
        yield Finding("no_ptr", "error", "address", message, f"Have a PTR record set{wanted}")
        return
    said = f"PTR of {address}, which {source.name} sends from, names {listed(names)}"
    addresses = records.get("addresses", {})
    known = [addresses[name] for name in names if name in addresses]
    if len(known) == len(names) and not any(address in found for found in known):
        other = _addresses(found for each in known for found in each)
        message = f"{said}, which {other}"
        right = (
            f"Have it name {helo}, and {helo} get the address" if helo else "Have it name a host that has the address"
        )
        yield Finding("ptr_mismatch", "error", "address", message, right)
    elif helo is not None and helo not in names:
        message = f"{said}, and it greets as {helo}"
        yield Finding(
            "ptr_mismatch", "warning", "helo", message, f"Have the PTR record name {helo}, or greet as it says"
        )


def _of_helo(source: NamedSource, address: str, records: Mapping[str, Any]) -> Iterator[Finding]:
    helo = name_of(source.helo)
    found = None if helo is None else records.get("addresses", {}).get(helo)
    if found is None or address in found:
        return
    if not found:
        message = f"{helo}, which {source.name} greets with, has no address, so many receivers refuse its mail"
        yield Finding("helo_does_not_resolve", "error", "helo", message, f"Have {helo} get the address {address}")
        return
    message = f"{helo}, which {source.name} greets with, has {listed(found)}, and not {address}, which it sends from"
    yield Finding("helo_mismatch", "warning", "helo", message, f"Have {helo} get the address {address}, too")


def _of_spf(
    source: NamedSource, address: str, domain: str, records: Mapping[str, Any], sender: str | None
) -> Iterator[Finding]:
    """Yield what SPF says against an address.

    :param sender: the domain of an envelope sender; None for a HELO name, which need not have a record
    """
    verdict = records.get("spf", {}).get(domain, {}).get("results", {}).get(address)
    if verdict is None or (sender is None and verdict["result"] in ("none", "neutral")):
        return
    severity = _SPF.get(verdict["result"])
    if severity is None:
        return
    why = f" ({verdict['why']})" if verdict["why"] else ""
    about = f"SPF of {domain}" if sender else f"SPF of {domain}, which {source.name} greets with,"
    message = f"{about} says {verdict['result']} of {address}, which {source.name} sends from{why}"
    family = "ip6" if ":" in address else "ip4"
    remedy = (
        f"Correct the record of {domain}"
        if verdict["result"] == "permerror"
        else (f"Add {family}:{address} to the record of {domain}")
    )
    yield Finding("not_in_spf", severity, "address" if sender else "helo", message, remedy)


def _addresses(found: Iterable[str]) -> str:
    names = sorted(set(found))
    return f"has {listed(names)}" if names else "has no address"


def _normal(name: str) -> str:
    return name.lower().rstrip(".")
