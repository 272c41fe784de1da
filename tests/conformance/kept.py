# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real master keeps over a reload, what it takes up then, and what the rules say of both."""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.environment import has_imported
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import parse_version
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.reload_or_restart import (
    other_parameters,
    strongest,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input, mapping_resolver

from .predict import outlook_of
from .real import MAIN, MASTER
from .room import HOSTNAME

_SMTP = "smtp inet n - - - - smtpd\n"
_LOGGED = _SMTP + "postlog unix-dgram n - n - 1 postlogd\n"
_ELSEWHERE = "25 inet n - - - - smtpd\n10.77.0.1:2525 inet n - n - - smtpd\n"
_MODE = ("mode of /var/log/one",)
_ENVIRONMENT = "MAIL_CONFIG, PATH EMPTY= { WORDS = one, two } {LIKE=x} LAB={y}"


class Parameter(NamedTuple):
    """One parameter that a change is about."""

    name: str
    before: str | None
    after: str | None
    #: what of an observation shows its value
    shows: tuple[str, ...]
    #: what else of it only a start takes up, and is not worth one
    aside: str = ""


class Change(NamedTuple):
    """A change of several parameters, each of which shows somewhere else."""

    name: str
    parameters: tuple[Parameter, ...]
    before: str = _SMTP
    after: str = _SMTP
    since: tuple[int, ...] = ()


CHANGES = (
    Change(
        "various",
        (
            Parameter("import_environment", None, _ENVIRONMENT, ("environment",)),
            Parameter("data_directory", "/data", "/other", ("lock",)),
            Parameter("tcp_windowsize", "20000", "30000", ("window",)),
            Parameter("default_process_limit", "100", "1", ("arguments",), aside="backlog"),
            Parameter("smtpd_banner", "old", "new", ("greeting",)),
            Parameter("syslog_name", "old", "new", ("server log", "master log")),
        ),
    ),
    Change("programs", (Parameter("daemon_directory", None, "/programs", ("master",)),)),
    Change(
        "level",
        (
            Parameter("compatibility_level", "2", "0", ("arguments",)),
            Parameter("smtpd_relay_restrictions", "reject", "reject", ()),
        ),
    ),
    Change("facility", (Parameter("syslog_facility", "mail", "local5", ("server log", "master log")),)),
    Change("instance", (Parameter("multi_instance_name", None, "other", ("server log", "master log")),)),
    Change(
        "window of new sockets",
        (Parameter("tcp_windowsize", None, "30000", ("window",)),),
        before="10.77.0.1:25 inet n - n - - smtpd\n",
        since=(3, 6),  # before that a reload dies of a new socket on the same address
    ),
    *(
        Change(name, (Parameter("maillog_file", *values, ("server log", "master log")), *more), _LOGGED, _LOGGED)
        for name, values, more in (
            ("log to a file", (None, "/var/log/one"), (Parameter("maillog_file_permissions", None, "0644", _MODE),)),
            ("log to another file", ("/var/log/one", "/var/log/two"), ()),
            ("log to syslog", ("/var/log/one", None), ()),
        )
    ),
)

#: services that serve several clients at once, and for long; those of every task are among them
LASTING = """\
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
verify unix - - n - 1 verify
"""
_SOCKETS = {program: f"private/{program}" for program in ("anvil", "proxymap", "scache", "tlsmgr", "verify")}
_SOCKETS["trivial-rewrite"] = "private/rewrite"


def tasks(version: str) -> list[dict[str, Any]]:
    """The changes, as tasks for a Postfix of a version."""
    here = {"lo": ["127.0.0.1/8"], "vA": ["10.77.0.1/24"], "vD": []}
    common = {"interfaces": here, "names": {}, "patience": 2.0}
    found = [
        {
            **common,
            "id": f"kept: {change.name}",
            "main": _main(change, after=False),
            "master": change.before,
            "keeps": {"main": _main(change, after=True), "master": change.after},
        }
        for change in CHANGES
        if change.since <= parse_version(version)
    ]
    lasting = {"id": "kept: programs that last", "main": "", "master": _SMTP + LASTING, "survive": _SOCKETS}
    return [*found, {**common, **lasting}]


def _main(change: Change, after: bool) -> str:
    values = {one.name: one.after if after else one.before for one in change.parameters}
    return "".join(f"{name} = {value}\n" for name, value in values.items() if value is not None)


def differences(task: dict[str, Any], answer: dict[str, Any]) -> list[str]:
    """What of a change is not as the rules say."""
    if "trouble" in answer:
        return [f"the runner had trouble: {answer['trouble']}"]
    if "survive" in task:
        lasting, left = answer["survivors"]
        return [f"{', '.join(left)} of {', '.join(lasting)} were not replaced by a reload"] if left else []
    before, reloaded, started = answer["kept"]
    host = Host(host_from_input(answer["addresses"]).addresses, hostname=HOSTNAME)
    texts = (task["main"], task["master"]), (task["keeps"]["main"], task["keeps"]["master"])
    older, newer = (
        outlook_of(MAIN + main, MASTER + master, answer["version"], host, mapping_resolver({}))
        for main, master in texts
    )
    reasons = other_parameters(older, newer)
    found = []
    (change,) = (one for one in CHANGES if task["id"] == f"kept: {one.name}")
    for parameter in change.parameters:
        action = strongest(reason for reason in reasons if reason.parameter == parameter.name)
        for name in parameter.shows:
            seen = before.get(name), reloaded.get(name), started.get(name)
            if seen[0] == seen[2]:
                found.append(f"{name} does not show {parameter.name}: {seen[0]}")
            elif seen[1] != seen[{"reload": 2, "restart": 0}[action]]:
                found.append(f"{parameter.name} needs a {action}, we say, but its {name} was {seen}")
        if parameter.aside and not before[parameter.aside] == reloaded[parameter.aside] != started[parameter.aside]:
            found.append(f"{parameter.aside} is not kept")
    if change.name == "various" and [has_imported(_ENVIRONMENT, _mapping(one)) for one in (reloaded, started)] != [
        False,
        True,
    ]:
        found.append(f"what import_environment gives is read from {started['environment']} differently")
    return found


def _mapping(seen: dict[str, Any]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in seen["environment"])
