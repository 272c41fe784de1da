# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
from typing import Dict

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._files import command_line
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules import parameters, program_bounds, unfamiliar
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.bounds import START, read_bounds
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import findings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import (
    NEWEST,
    PARAMETERS,
    Version,
    dotted,
)
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of, outlook_of

NEXT: Version = (NEWEST[0], NEWEST[1] + 1, 0)
PROGRAMS = [*command_line.PROGRAMS, "master", "post-install", "postfix-script", "postfix-wrapper", "fsstone"]
HOST = host_of("127.0.0.1/8", "10.77.0.1/24")


def defaults_of(version: Version) -> Dict[str, str]:
    """What ``postconf -d`` of a Postfix prints that is as the tables have it."""
    tables = [*read_bounds(START, version).values(), *read_bounds(program_bounds.PROGRAMS, version).values()]
    names = {name for table in tables for name in table}
    own = {row.name: row.default for row in PARAMETERS.values() if version >= row.since}
    return {**dict.fromkeys(names, ""), "mynetworks": "127.0.0.0/8", **unfamiliar._COUNTED_ON, **own}


@pytest.mark.parametrize("version", [(3, 4, 13), (3, 5, 25), (3, 7, 11), NEXT])
def test_a_postfix_that_is_as_the_tables_have_it_is_familiar(version: Version) -> None:
    assert unfamiliar.unfamiliar(version, defaults_of(version), PROGRAMS) == []


@pytest.mark.parametrize(
    "change, words",
    [
        ({"smtp_bind_address_port": "0"}, "unknown parameter smtp_bind_address_port"),
        (
            {"inet_listen_backlog": "5", "relay_interfaces": ""},
            "unknown parameters inet_listen_backlog, relay_interfaces",
        ),
        ({"smtp_bind_address_enforce": "yes"}, "default of smtp_bind_address_enforce is yes, not no"),
        ({"inet_interfaces": "localhost"}, "default of inet_interfaces is localhost, not all"),
        ({"default_transport": ""}, "default of default_transport is empty, not smtp"),
        ({"proxy_interfaces": None}, "no parameter proxy_interfaces"),
        ({"fork_delay": None, "max_use": None}, "no parameters fork_delay, max_use"),
        ({"max_use": "unlimited"}, "defaults that were refused until now: max_use = unlimited"),
        ({"max_use": "$other", "a_new_parameter_of_another_kind": "x"}, None),
    ],
)
def test_what_is_otherwise_is_said(change: Dict[str, str], words: str) -> None:
    defaults = {name: value for name, value in {**defaults_of(NEXT), **change}.items() if value is not None}
    assert unfamiliar.unfamiliar(NEXT, defaults, PROGRAMS) == ([] if words is None else [words])


def test_a_program_of_which_nobody_knows_what_it_takes_is_said() -> None:
    answer = unfamiliar.unfamiliar(NEXT, defaults_of(NEXT), [*PROGRAMS, "quicd", "postfix-quic-script"])
    assert answer == ["unknown program quicd"]


def test_of_very_many_the_first_are_said() -> None:
    defaults = {**defaults_of(NEXT), **{f"inet_{letter}": "" for letter in "abcdefgh"}}
    assert unfamiliar.unfamiliar(NEXT, defaults, PROGRAMS) == [
        "unknown parameters inet_a, inet_b, inet_c, inet_d, inet_e and 3 more"
    ]


def found_of(version: str, *seen: str) -> list[tuple[str, ...]]:
    known = outlook_of({"mynetworks": "127.0.0.0/8"}, [], HOST, version=version)
    outlook = Outlook(known.configuration, known.host, known.resolve, unfamiliar=seen)
    return [tuple(one) for one in findings(outlook) if one.code == "unfamiliar_postfix"]


def test_all_of_it_is_one_finding() -> None:
    newest, following = dotted(NEWEST), dotted(NEXT)
    assert found_of(newest) == []
    assert found_of(f"{newest}.9") == []
    assert found_of(following) == [
        (
            *("unfamiliar_postfix", "info", "mail_version"),
            f"Postfix {following} is newer than {newest}, whose rules are used",
            "Look for a newer release of the collection",
        )
    ]
    assert found_of(following, "unknown program quicd", "no max_use")[0][1:4] == (
        *("warning", "mail_version"),
        f"Postfix {following} is newer than {newest}, whose rules are used: unknown program quicd; no max_use",
    )
    assert found_of("3.7.11", "unknown program quicd")[0][1:4] == (
        *("warning", "mail_version"),
        "Postfix 3.7.11 has what the rules of this collection do not know: unknown program quicd",
    )


def test_what_hosts_remember_is_of_these_tables() -> None:
    """After a change of the tables: count TABLES up, and write the new checksum here."""
    rows = [tuple(row) for row in PARAMETERS.values()]
    tables = (NEWEST, rows, START, program_bounds.PROGRAMS, sorted(command_line.PROGRAMS), unfamiliar._COUNTED_ON)
    checksum = hashlib.sha256(repr(tables).encode()).hexdigest()[:12]
    assert (parameters.TABLES, checksum) == (1, "5ad38fa5ebb3")
