# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The set of findings: every check with its severity; its name is the code, its docstring the documented summary.

There is no finding beside these. The stock configuration has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Container, Iterator, List, Optional, Sequence

from ..._base.records import NamedTuple
from ..._base.words import Severity
from ..findings import families, fatal, files, lifetimes, mail_ways, sockets, sources, surroundings, versions
from ..outlook import Outlook
from .finding import Finding, Point

if TYPE_CHECKING:  # novermin: only type checkers read this branch
    from typing import Literal

    Needs = Literal["files", "outlook", "hostname", "change"]
else:
    Needs = str

SEVERITIES: Sequence[Severity] = ("error", "warning", "info")


class Rule(NamedTuple):
    """One finding: how it is found, and what it means."""

    check: Callable[..., Iterator[Point]]
    #: one, or two of which the check chooses: the graver first
    severities: Sequence[Severity]
    #: ``files``: nothing else; ``outlook``: that Postfix starts, or would if the host had all addresses; ``hostname``:
    #: that, and the addresses of myhostname, which DNS is asked for; ``change``: that, and the outlook before an edit,
    #: which the check gets first
    needs: Needs = "outlook"

    @property
    def code(self) -> str:
        """The name of the finding, which is that of its check."""
        return self.check.__name__

    @property
    def summary(self) -> str:
        """The line of the documentation: when this is found."""
        return (self.check.__doc__ or "").partition("\n")[0]


REGISTRY = (
    Rule(fatal.fatal, ["error"], needs="files"),
    Rule(fatal.absent_address, ["error", "warning"]),
    Rule(fatal.program_failure, ["error"]),
    Rule(sources.source_failure, ["error"]),
    Rule(files.bad_command_line, ["error", "warning"]),
    Rule(sources.wrong_family, ["error"]),
    Rule(sources.loopback_source, ["error"]),
    Rule(sockets.shared_socket, ["error"]),
    Rule(sockets.odd_port, ["error"]),
    Rule(sockets.forbidden_port, ["error"], needs="change"),
    Rule(sockets.postscreen_lacks_service, ["error", "info"]),
    Rule(sockets.intake_lacks_service, ["error"]),
    Rule(sockets.proxy_protocol_on_loopback, ["error", "warning"]),
    Rule(surroundings.bad_proxy_interfaces, ["error"]),
    Rule(mail_ways.unknown_transport, ["error"]),
    Rule(mail_ways.stranded_next_hop, ["error", "warning"]),
    Rule(sources.stranded_source_address, ["warning", "info"]),
    Rule(lifetimes.temporary_address, ["error", "warning"]),
    Rule(sockets.no_listener, ["warning"]),
    Rule(files.duplicate_parameter, ["warning", "info"], needs="files"),
    Rule(files.duplicate_service, ["warning"], needs="files"),
    Rule(files.misspelt_parameter, ["warning"], needs="files"),
    Rule(files.unknown_to_version, ["warning"], needs="files"),
    Rule(versions.unfamiliar_postfix, ["warning", "info"], needs="files"),
    Rule(sockets.endpoint_shadows_inet_interfaces, ["warning"]),
    Rule(files.ignored_bind_address, ["warning"]),
    Rule(files.ignored_on_server, ["warning"]),
    Rule(sources.implicit_source_address, ["warning", "info"]),
    Rule(sources.private_source_address, ["warning"]),
    Rule(mail_ways.bound_next_hop_on_loopback, ["warning"]),
    Rule(mail_ways.half_bound, ["warning", "info"]),
    Rule(surroundings.mynetworks_grows, ["error", "warning"], needs="change"),
    Rule(surroundings.mynetworks_default, ["warning", "info"]),
    Rule(surroundings.nat_without_proxy_interfaces, ["warning", "info"], needs="hostname"),
    Rule(sockets.endpoint_outside_inet_interfaces, ["info"]),
    Rule(sockets.proxy_protocol_for_all, ["info"]),
    Rule(lifetimes.deprecated_address, ["info"]),
    Rule(lifetimes.dynamic_address, ["info"]),
    Rule(families.half_dual_stack, ["info"]),
    Rule(families.loopback_of_one_family, ["info"]),
    Rule(sources.bind_address_not_enforced, ["info"]),
)


def findings(
    outlook: Outlook,
    ask_for_hostname: bool = True,
    before: Optional[Outlook] = None,
    codes: Container[str] = (),
) -> List[Finding]:
    """Return what is worth knowing about a configuration, gravest first.

    Where Postfix does not start, only what the files say is looked at beside the reason.

    :param ask_for_hostname: resolve myhostname where that tells something; slow while DNS does not answer
    :param before: what an edit has made the configuration from
    :param codes: to look for; none for all
    :raises InputError: for a host name whose addresses were not given, so that nothing can be told
    """
    usable, usable_before = _usable(outlook), before and _usable(before)
    answer: List[Finding] = []
    for rule in REGISTRY:
        views = [outlook if rule.needs == "files" else usable]
        if rule.needs == "change":
            views.insert(0, usable_before or before)
        if codes and rule.code not in codes:
            continue
        if None in views or (rule.needs == "hostname" and not ask_for_hostname):
            continue
        for point in rule.check(*views):
            severity = rule.severities[-1 if point.mild else 0]
            answer.append(Finding(rule.code, severity, point.parameter, point.message, point.remedy))
    return sorted(dict.fromkeys(answer), key=lambda finding: SEVERITIES.index(finding.severity))


def _usable(outlook: Outlook) -> Optional[Outlook]:
    """Return the outlook by which Postfix starts, or would if the host had all addresses; None if there is none."""
    return next((view for view in (outlook.strict, outlook.lenient) if view.failure is None), None)
