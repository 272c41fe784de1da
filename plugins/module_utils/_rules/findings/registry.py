# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The set of findings: every check with its severity and its line of the documentation; its name is the code.

There is no finding beside these. The stock configuration has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Iterator, List, NamedTuple, Sequence

from ..._base.words import Severity
from ..findings import families, fatal, files, mynetworks, options, proxies, sockets, sources
from ..outlook import Outlook
from .finding import Finding, Point

if TYPE_CHECKING:  # novermin: only type checkers read this branch
    from typing import Literal

    Needs = Literal["files", "outlook", "hostname"]
else:
    Needs = str

SEVERITIES: Sequence[Severity] = ("error", "warning", "info")


class Rule(NamedTuple):
    """One finding: how it is found, and what it means."""

    check: Callable[[Outlook], Iterator[Point]]
    #: one, or two of which the check chooses: the graver first
    severities: Sequence[Severity]
    #: the line of the documentation: when this is found
    summary: str
    #: ``files``: nothing else; ``outlook``: that Postfix starts, or would if the host had all addresses; ``hostname``:
    #: that, and the addresses of myhostname, which DNS is asked for
    needs: Needs = "outlook"

    @property
    def code(self) -> str:
        """The name of the finding, which is that of its check."""
        return self.check.__name__


REGISTRY = (
    Rule(fatal.fatal, ["error"], "Postfix does not start with this configuration.", needs="files"),
    Rule(fatal.absent_address, ["error", "warning"], "An address to listen on or to send from is not on the host."),
    Rule(sources.source_failure, ["error"], "A client service cannot send any mail over one address family."),
    Rule(sources.wrong_family, ["error"], "The source address for IPv4 is an IPv6 address, or the other way round."),
    Rule(sources.loopback_source, ["error"], "The source address of mail to other hosts is a loopback address."),
    Rule(sockets.shared_socket, ["error"], "Two services listen on the same address and port."),
    Rule(sockets.odd_port, ["error"], "A service has a port that does not exist."),
    Rule(proxies.bad_proxy_interfaces, ["error"], "Postfix starts, and fails later because of proxy_interfaces."),
    Rule(sockets.no_listener, ["warning"], "Postfix listens on no network socket."),
    Rule(files.duplicate_parameter, ["warning"], "main.cf sets a parameter more than once.", needs="files"),
    Rule(files.duplicate_service, ["warning"], "master.cf has a service more than once.", needs="files"),
    Rule(files.misspelt_parameter, ["warning"], "A name is not a parameter of Postfix, but nearly one.", needs="files"),
    Rule(
        files.unknown_to_version,
        ["warning"],
        "A parameter is set that this version of Postfix does not have yet.",
        needs="files",
    ),
    Rule(
        sockets.endpoint_shadows_inet_interfaces,
        ["warning"],
        "A service on one address takes connections away from one that listens on all addresses.",
    ),
    Rule(
        options.ignored_bind_address,
        ["warning"],
        "A service has a source address as an option, which its program does not read.",
    ),
    Rule(
        options.ignored_on_server,
        ["warning"],
        "A listening service has inet_interfaces or inet_protocols as an option, which does not change its sockets.",
    ),
    Rule(
        sources.implicit_source_address,
        ["warning", "info"],
        "Mail leaves from an address only because inet_interfaces has no other of its family.",
    ),
    Rule(
        sources.private_source_address,
        ["warning"],
        "Mail to all hosts leaves from a private address, though the host has a public one.",
    ),
    Rule(
        mynetworks.mynetworks_default,
        ["warning", "info"],
        "mynetworks is not set, and because of inet_interfaces its default lacks networks of the host.",
    ),
    Rule(
        proxies.nat_without_proxy_interfaces,
        ["warning"],
        "The host is behind NAT or a proxy, and its public address is not in proxy_interfaces.",
        needs="hostname",
    ),
    Rule(
        sockets.endpoint_outside_inet_interfaces,
        ["info"],
        "A service listens on an address that inet_interfaces does not name.",
    ),
    Rule(
        families.half_dual_stack,
        ["info"],
        "One of IPv4 and IPv6 is configured, and the other, which the host has too, is not.",
    ),
    Rule(
        sources.bind_address_not_enforced,
        ["info"],
        "Mail would leave from another address if the host lost the source address.",
    ),
)


def findings(outlook: Outlook, ask_for_hostname: bool = True) -> List[Finding]:
    """Return what is worth knowing about a configuration, gravest first.

    Where Postfix does not start, only what the files say is looked at beside the reason.

    :param ask_for_hostname: resolve myhostname where that tells something; slow while DNS does not answer
    :raises InputError: for a host name whose addresses were not given, so that nothing can be told
    """
    usable = next((view for view in (outlook.strict, outlook.lenient) if view.failure is None), None)
    answer: List[Finding] = []
    for rule in REGISTRY:
        view = outlook if rule.needs == "files" else usable
        if view is None or (rule.needs == "hostname" and not ask_for_hostname):
            continue
        for point in rule.check(view):
            severity = rule.severities[-1 if point.mild else 0]
            answer.append(Finding(rule.code, severity, point.parameter, point.message, point.remedy))
    return sorted(dict.fromkeys(answer), key=lambda finding: SEVERITIES.index(finding.severity))
