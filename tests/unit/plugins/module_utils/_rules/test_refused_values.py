# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Beside tests/conformance/cases/values.yml, which was observed on real ones."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.bounds import START, Bound, problem, read_bounds
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Accounts
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.program_bounds import PROGRAMS
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.refused_values import refused_values
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of

USERS = {"root": (0, 0), "postfix": (106, 113), "nobody": (65534, 65534), "alias": (106, 120), "mail": (8, 8)}
GROUPS = {"root": 0, "postfix": 113, "postdrop": 114, "drop2": 114, "mail": 8}


def first(table: Dict[str, Any], number: int) -> Optional[str]:
    return next(
        (name for name, value in table.items() if number in (value, value if table is GROUPS else value[0])), None
    )


ACCOUNTS = Accounts(USERS.get, GROUPS.get, lambda uid: first(USERS, uid), lambda gid: first(GROUPS, gid))


def refused(
    settings: Dict[str, str], hostname: Optional[str] = "mx.test", version: str = "3.7.11", **host: Any
) -> List:
    numbers = tuple(map(int, version.split(".")))
    return list(refused_values(Settings(settings, numbers, hostname), host_of("127.0.0.1/8", **host)))


def test_nothing_is_refused_of_the_defaults() -> None:
    assert refused({}) == []
    assert refused({}, hostname=None) == []
    assert refused({"myorigin": "$myhostname", "relayhost": "$mydomain"}, hostname=None) == []


@pytest.mark.parametrize("hostname", ["12345", "-mx", "mx..test", "mx_", "m" * 64])
def test_name_of_the_host(hostname: str) -> None:
    refuses = hostname != "mx_"
    assert [error.parameter for error in refused({}, hostname)] == ["myhostname"] * refuses
    assert refused({"myhostname": "mx.example.org"}, hostname) == []


def test_an_error_tells_what_is_wrong_with_a_name() -> None:
    (error,) = refused({"myhostname": "mx.example.org # outside"})
    assert "looks like a comment" in str(error)
    (error,) = refused({"myhostname": "mx.12"})
    assert (error.parameter, error.value) == ("mydomain", "12")
    assert "from myhostname" in str(error)


def test_what_depends_on_an_unknown_default_is_not_judged() -> None:
    assert refused({"line_length_limit": "$header_size_limit"}) == []
    assert refused({"myhostname": "mx.$mail_version"}) == []
    assert len(refused({"myhostname": "mx.$nosuch"})) == 1
    assert refused({"myhostname": "${nosuch?x}mx"}) == []
    assert refused({"myhostname": "${domain_to_ascii{m.test}}"}, version="3.11.7") == []
    assert refused({"max_idle": "${stress?10}${stress:100}s"}) == []
    assert len(refused({"max_idle": "x", "ipc_idle": "$max_idle"})) == 2


@pytest.mark.parametrize(
    "settings, parameters",
    [
        ({"mail_owner": "postfix", "setgid_group": "postdrop", "default_privs": "nobody"}, []),
        ({"mail_owner": "nosuch"}, ["mail_owner"]),
        ({"mail_owner": "root"}, ["mail_owner"]),
        ({"mail_owner": "nobody"}, ["mail_owner"]),
        ({"mail_owner": "alias"}, ["mail_owner"]),
        ({"default_privs": "postfix"}, ["default_privs"]),
        ({"default_privs": "root"}, ["default_privs"]),
        ({"default_privs": "mail"}, []),
        ({"default_privs": "mail", "setgid_group": "mail"}, ["default_privs"]),
        ({"setgid_group": "postfix"}, ["setgid_group"]),
        ({"setgid_group": "drop2"}, ["setgid_group"]),
        ({"setgid_group": "root"}, ["setgid_group"]),
        ({"setgid_group": ""}, ["setgid_group"]),
        ({"default_privs": "$nosuch"}, []),
    ],
)
def test_accounts(settings: Dict[str, str], parameters: List[str]) -> None:
    assert [error.parameter for error in refused(settings, accounts=ACCOUNTS)] == parameters


def test_accounts_that_nobody_can_look_up() -> None:
    assert refused({"mail_owner": "nosuch"}) == []


def test_origin_in_a_file() -> None:
    files = {"/etc/mailname": "mx.test", "/etc/empty": "", "/etc/two": "a b", "/plain": "/plain"}
    for path, words in (
        ("/etc/mailname", None),
        ("/etc/empty", "empty"),
        ("/etc/two", "a list"),
        ("/etc/nosuch", "cannot be read"),
        ("/plain", None),
    ):
        errors = refused({"myorigin": path}, origin_of=files.get)
        assert (words in str(errors[0])) if words else errors == []
        assert refused({"myorigin": path}) == []


@pytest.mark.parametrize(
    "word, version, is_read",
    [
        ("x", (3, 5), True),
        ("x@3.7", (3, 6, 99), False),
        ("x@3.7", (3, 7), True),
        ("x@3.7", (3, 12), True),
        ("x<3.6", (3, 5, 99), True),
        ("x<3.6", (3, 6), False),
        ("x@3.5.24,3.6.14,3.7", (3, 5, 23), False),
        ("x@3.5.24,3.6.14,3.7", (3, 5, 24), True),
        ("x@3.5.24,3.6.14,3.7", (3, 6, 13), False),
        ("x@3.5.24,3.6.14,3.7", (3, 8, 1), True),
    ],
)
def test_versions_of_a_table(word: str, version: tuple, is_read: bool) -> None:
    assert ("x" in read_bounds(f"every number 1: y {word}", version)["every"]) == is_read


@pytest.mark.parametrize("table", [START, PROGRAMS])
def test_each_entry_of_the_tables_is_read(table: str) -> None:
    newest = read_bounds(table, (3, 12))
    assert all(newest.values())
    kinds = {bound.kind for bounds in newest.values() for bound in bounds.values()}
    plain = {kind for kind in kinds if "|" not in kind and not kind.startswith("+")}
    assert plain <= {"yes_no", "number", "long", "time", "text", "raw"}
    assert not set("".join(name for bounds in newest.values() for name in bounds)) & set("@<,:")


@pytest.mark.parametrize(
    "bound, good, bad",
    [
        (Bound("number", 0, 0), ["0", "-5", " 7", "+7"], ["", "x", "7x", "7 ", "2147483648", "9" * 100]),
        (Bound("number", 5, 100), ["5", "100"], ["4", "101"]),
        (Bound("long", 0, 0), ["2147483648"], ["9223372036854775808"]),
        (Bound("time", 1, 0), ["1", "1s", "1sx", "2w", "3h"], ["0", "s", "", "1x", "1 s", "-1", "4000w"]),
        (Bound("time", 0, 0), ["0", "s", "h"], ["x"]),
        (Bound("text", 1, 0), ["x"], [""]),
        (Bound("text", 2, 2), ["xy"], ["", "x", "xyz"]),
        (Bound("text", 0, 0), ["", "x"], []),
        (Bound("any|ipv4", 0, 0), ["any", "IPv4"], ["", "ipv6"]),
        (Bound("|may", 0, 0), ["", "MAY"], ["none"]),
        (Bound("yes_no", 0, 0), ["yes", "No"], ["", "1"]),
    ],
)
def test_bounds(bound: Bound, good: List[str], bad: List[str]) -> None:
    assert [value for value in good if problem(bound, value)] == []
    assert [value for value in bad if not problem(bound, value)] == []
