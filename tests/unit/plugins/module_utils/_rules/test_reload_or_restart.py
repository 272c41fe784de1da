# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each kind of change needs, by version, in the words of the table in the guide."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import in_words
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.reload_or_restart import (
    ACTIONS,
    RULES,
    Reason,
    by_sockets,
    other_parameters,
    reason,
    reload_or_restart,
    strongest,
)
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    host_of,
    outlook_of,
    outlook_of_texts,
    socket_at,
)

GUIDE = Path(__file__).parents[5] / "docs/concepts.md"
HOST = host_of("127.0.0.1/8", "10.77.0.1/24", "10.77.0.2/24", "::1/128", "fd77::1/64")
BARE = "smtp inet n - n - - smtpd\n"
NAMED = "10.77.0.1:smtp inet n - n - - smtpd\n"
OTHER = "2525 inet n - n - - smtpd\n"
OPTION = "smtp inet n - n - - smtpd -o smtpd_banner=x\n"


def changed(before: tuple[str, str], after: tuple[str, str], version: tuple[int, ...]) -> list[Reason]:
    older, newer = (outlook_of_texts(*texts, HOST, ".".join(map(str, version))) for texts in (before, after))
    return reload_or_restart(older, newer) + other_parameters(older, newer)


EXAMPLES = [
    ("broken", ("inet_interfaces = 10.9.9.9\n", BARE), ("inet_interfaces = all\n", BARE), (3, 7)),
    ("protocols", ("inet_protocols = all\n", BARE), ("inet_protocols = ipv4\n", BARE), (3, 7)),
    ("protocols", ("inet_protocols = ipv4\n", NAMED), ("", NAMED), (3, 5)),
    ("interfaces", ("", BARE), ("inet_interfaces = 10.77.0.1\n", BARE), (3, 7)),
    ("cached", ("", NAMED), ("inet_interfaces = 10.77.0.1\n", NAMED + OTHER), (3, 7)),
    ("own_addresses", ("", NAMED), ("inet_interfaces = 10.77.0.1\n", NAMED), (3, 7)),
    ("parameter", ("", BARE), ("proxy_interfaces = 203.0.113.5\n", BARE), (3, 7)),
    ("parameter", ("", BARE), ("smtp_bind_address = 10.77.0.1\n", BARE), (3, 7)),
    ("parameter", ("", BARE), ("smtp_bind_address_enforce = yes\n", BARE), (3, 7)),
    ("fields", ("", BARE), ("", OPTION), (3, 7)),
    ("added", ("", BARE), ("", BARE + OTHER), (3, 5)),
    ("removed", ("", BARE + OTHER), ("", BARE), (3, 5)),
    ("overlap", ("", BARE), ("", NAMED), (3, 5, 25)),
    ("overlap", ("", NAMED), ("", BARE), (3, 5, 25)),
    ("overlap_shared", ("", BARE), ("", NAMED), (3, 6)),
    ("overlap_shared", ("", NAMED), ("", BARE), (3, 12)),
    ("at_start", ("", BARE), ("queue_directory = /srv/queue\n", BARE), (3, 7)),
    ("at_start", ("data_directory = /srv/data\n", BARE), ("", BARE), (3, 7)),
    ("environment", ("", BARE), ("import_environment = TZ LANG=C\n", BARE), (3, 7)),
    ("program", ("", BARE), ("daemon_directory = /opt/postfix\n", BARE), (3, 7)),
    ("window", ("", BARE), ("tcp_windowsize = 65535\n", BARE), (3, 7)),
]


@pytest.mark.parametrize("name, before, after, version", EXAMPLES)
def test_each_rule(name: str, before: tuple[str, str], after: tuple[str, str], version: tuple[int, ...]) -> None:
    found = changed(before, after, version)
    rule = RULES[name]
    assert strongest(found) == rule.action
    assert any(reason.action == rule.action and reason.why.startswith(rule.why) for reason in found), found
    assert rule.since <= version
    assert not rule.until or version < rule.until


FIELDS = "n - n - - smtpd"
SECRET = "x unix - n n 60 1 pipe flags=R user=x argv=/bin/y -p secret -o a=b\n"


@pytest.mark.parametrize(
    "before, after, version, told",
    [
        (("", NAMED), ("inet_interfaces = 10.77.0.1\n", NAMED), (3, 7), [("inet_interfaces", "all", "10.77.0.1")]),
        (("", BARE), ("smtp_bind_address_enforce = yes\n", BARE), (3, 7), [("smtp_bind_address_enforce", "no", "yes")]),
        (("", BARE), ("", BARE + OTHER), (3, 7), [("2525/inet", None, FIELDS)]),
        (("", BARE + OTHER), ("", BARE), (3, 7), [("2525/inet", FIELDS, None)]),
        (
            ("", BARE),
            ("", NAMED),
            (3, 5),
            [("smtp/inet", FIELDS, None), ("10.77.0.1:smtp/inet", None, FIELDS)],
        ),
        (("", BARE), ("queue_directory = /srv/queue\n", BARE), (3, 7), [("queue_directory", None, None)]),
        (("", BARE), ("relayhost = mx\n", BARE), (3, 7), [("relayhost", None, None)]),
        (
            ("", BARE + SECRET),
            ("", BARE + SECRET.replace("secret", "other")),
            (3, 7),
            [("x/unix", "- n n 60 1 pipe (not shown)", "- n n 60 1 pipe (not shown, changed)")],
        ),
        (
            ("", OPTION),
            ("", OPTION.replace("=x", "=y").rstrip() + " -o inet_interfaces=all -o broken\n"),
            (3, 7),
            [
                (
                    "smtp/inet",
                    f"{FIELDS} -o {{ smtpd_banner = (not shown) }}",
                    (
                        f"{FIELDS} -o {{ smtpd_banner = (not shown, changed) }} -o {{ inet_interfaces = all }} "
                        "-o (not shown)"
                    ),
                )
            ],
        ),
    ],
)
def test_what_is_told(before: tuple[str, str], after: tuple[str, str], version: tuple[int, ...], told: list) -> None:
    assert [reason[:3] for reason in changed(before, after, version)] == told


def test_every_rule_has_an_example() -> None:
    assert {name for name, *_rest in EXAMPLES} == {name for name, rule in RULES.items() if rule.change} | {"broken"}


def test_what_only_the_running_master_shows() -> None:
    needs = {name: rule.action for name, rule in RULES.items() if not rule.change}
    assert needs == {
        "broken": "restart",
        "services": "reload",
        "unread": "reload",
        "died": "restart",
        "exchanged": "restart",
        "stopped": "start",
    }
    assert ACTIONS == ("none", "reload", "restart", "start")
    for rule in RULES.values():
        assert rule.why
        assert rule.change == rule.change.strip()  # a text for each
        assert rule.two_steps == rule.two_steps.strip()
        assert rule.action in ACTIONS
    assert [name for name, rule in RULES.items() if rule.two_steps] == ["overlap"]


@pytest.mark.parametrize("name", ["protocols", "interfaces", "cached", "own_addresses"])
def test_the_parameter_itself_says_why(name: str) -> None:
    """Whatever follows from it for listeners is not told once more."""
    _name, before, after, version = next(example for example in EXAMPLES if example[0] == name)
    parameter, old, new = ("inet_protocols", "all", "ipv4") if name == "protocols" else ("inet_interfaces", "all", None)
    found = changed(before, after, version)
    assert found[0] == reason(parameter, name, old, new or "10.77.0.1")
    assert [each.parameter for each in found[1:]] == (["2525/inet"] if name == "cached" else [])


def test_a_service_has_moved_where_one_of_its_sockets_has() -> None:
    before, after = (f"inet_interfaces = {first}, fd77::1\n" for first in ("10.77.0.1", "10.77.0.2"))
    (found,) = changed((before, BARE), (after, BARE), (3, 7))
    assert found == reason("inet_interfaces", "interfaces", "10.77.0.1, fd77::1", "10.77.0.2, fd77::1")


def test_families_are_the_reason_of_inet_protocols_only() -> None:
    after = ("inet_protocols = ipv4\ninet_interfaces = 10.77.0.1\n", NAMED)
    assert changed(("", NAMED), after, (3, 7)) == [
        reason("inet_interfaces", "own_addresses", "all", "10.77.0.1"),
        reason("inet_protocols", "protocols", "all", "ipv4"),
    ]
    host = Host(HOST.addresses[:3], frozenset(["ipv4"]))
    only = [outlook_of({"inet_protocols": value}, NAMED, host) for value in ("all", "ipv4")]
    assert reload_or_restart(*only) == [reason("inet_protocols", "parameter", "all", "ipv4")]


def test_services_are_the_same_by_the_ports_of_the_host() -> None:
    """Before 3.6, where the new service cannot be opened beside the old one."""
    before, after = (
        outlook_of({}, master, HOST, "3.5.25", port_of={"mail": 25}.get)
        for master in ("10.77.0.1:25 inet n - n - - smtpd\n", "mail inet n - n - - smtpd\n")
    )
    assert [each.action for each in reload_or_restart(before, after)] == ["reload", "restart"]


def test_services_of_files_by_which_postfix_does_not_run_are_compared_all_the_same() -> None:
    found = changed(("master_service_disable = ${\n", BARE), ("", BARE + OTHER), (3, 7))
    assert "2525/inet" in [each.parameter for each in found]
    assert {each.action for each in found} == {"restart"}


def test_a_directory_that_cannot_be_told_is_another_one() -> None:
    broken, well = (outlook_of_texts(f"queue_directory = {text}\n", BARE, HOST) for text in ("${", "/srv"))
    assert other_parameters(broken, well) == other_parameters(well, broken) == [reason("queue_directory", "at_start")]
    assert other_parameters(broken, broken) == []


def test_a_name_that_comes_to_another_address_needs_a_restart() -> None:
    master = "mail.test:25 inet n - n - - smtpd\n"
    before, after = (outlook_of({}, master, HOST, names={"mail.test": place}) for place in ("10.77.0.1", "10.77.0.2"))
    assert reload_or_restart(before, after) == [reason("listeners", "interfaces", "10.77.0.1:25", "10.77.0.2:25")]
    assert reload_or_restart(before, before) == []


def test_a_new_service_gets_what_a_name_in_inet_interfaces_came_to() -> None:
    settings = {"inet_interfaces": "mail.test"}
    before = outlook_of(settings, NAMED, HOST, names={"mail.test": "10.77.0.1"})
    after = outlook_of(settings, NAMED + OTHER, HOST, names={"mail.test": "10.77.0.2"})
    added = reason("2525/inet", "added", None, FIELDS)
    assert reload_or_restart(before, after) == [added, reason("inet_interfaces", "cached")]


ONE, TWO, IPV6 = socket_at("10.77.0.1"), socket_at("10.77.0.2"), socket_at("fd77::1")
NEW = "10.77.0.2:2525 inet n - n - - smtpd\n"


@pytest.mark.parametrize(
    "master, version, held, rule",
    [
        (BARE, "3.7", [ONE], ""),
        (BARE, "3.7", [TWO], "interfaces"),
        (BARE + NEW, "3.7", [ONE], "services"),
        (NAMED + NEW, "3.7", [ONE, TWO], "services"),
        (NAMED, "3.7", [socket_at("0.0.0.0")], "services"),
        (NAMED, "3.5", [socket_at("0.0.0.0")], "interfaces"),  # where the new one collides
        (NAMED, "3.6", [socket_at("0.0.0.0")], "services"),
        (NAMED, "3.5", [TWO], "services"),
        (BARE, "3.7", [ONE, TWO], "interfaces"),  # of the same port: perhaps of that service
        (BARE, "3.7", [ONE, socket_at("10.77.0.1", 2525)], "services"),
        (NAMED, "3.7", [ONE, IPV6], "interfaces"),  # of a family that is off
        ("mail.test:25 inet n - n - - smtpd\n", "3.7", [TWO], "interfaces"),
    ],
)
def test_what_the_sockets_tell(master: str, version: str, held: list, rule: str) -> None:
    settings = {"inet_interfaces": "10.77.0.1", "inet_protocols": "ipv4"}
    after = outlook_of(settings, master, HOST, version, names={"mail.test": "10.77.0.1"})
    now, wanted = in_words(held), in_words(listener.socket for listener in after.listeners)
    expected = [reason("listeners", rule, now, wanted)] if rule else []
    assert by_sockets(after, frozenset(held), read_since=True) == expected
    unread = expected or [reason("main.cf and master.cf", "unread")]
    assert by_sockets(after, frozenset(held), read_since=False) == unread


@pytest.mark.parametrize(
    "before, after",
    [
        (("", BARE), ("export_environment = TZ LANG=C\n", BARE)),
        (("", BARE), ("default_process_limit = 500\n", BARE)),
        (("", BARE), ("maillog_file = /var/log/postfix.log\n", BARE)),
        (("", BARE), ("syslog_name = mx\n", BARE)),
        (("", NAMED), ("tcp_windowsize = 65535\n", OTHER)),  # a new service has a new socket
    ],
)
def test_what_a_reload_is_enough_for(before: tuple[str, str], after: tuple[str, str]) -> None:
    assert strongest(changed(before, after, (3, 7))) == "reload"


def test_what_comes_from_another_parameter() -> None:
    text = "import_environment = TZ LANG=$lang\nsyslog_name = $multi_instance_group\nlang = C\n"
    (environment, lang) = changed((text, BARE), (f"{text}lang = de\n", BARE), (3, 7))
    assert (environment.parameter, environment.action) == ("import_environment", "restart")
    assert (lang.parameter, lang.action) == ("lang", "reload")
    assert strongest(changed((text, BARE), (f"{text}multi_instance_group = x\n", BARE), (3, 7))) == "reload"


@pytest.mark.parametrize("name", ["alternate_config_directories", "authorized_mailq_users", "multi_instance_group"])
def test_what_only_commands_read_needs_nothing(name: str) -> None:
    assert changed(("", BARE), (f"{name} = x\n", BARE), (3, 7)) == []


@pytest.mark.parametrize(
    "before, after",
    [
        (("inet_interfaces = 10.77.0.1, 10.77.0.2\n", BARE), ("inet_interfaces=[10.77.0.2]\t10.77.1\n", BARE)),
        (("inet_protocols = all\n", BARE), ("inet_protocols = ipv6, ipv4\n", BARE)),
        (("", BARE), ("# all\ninet_interfaces = all\n", f"# x\n\n{BARE}")),
        (("", BARE), ("", BARE.replace("smtp inet", "25 inet"))),
        (("", OPTION), ("", OPTION.replace(" -o", "\n   -o"))),
        (("smtp_bind_address = 10.77.0.1\n", ""), ("smtp_bind_address = [10.77.0.1]\n", "")),
    ],
)
def test_text_alone_needs_nothing(before: tuple[str, str], after: tuple[str, str]) -> None:
    assert changed(before, after, (3, 7)) == []
    assert changed(after, before, (3, 7)) == []


@pytest.mark.parametrize(
    "before, after, action",
    [
        (("inet_interfaces = 10.77.0.1\n", NAMED), ("inet_interfaces = all\n", NAMED + OTHER), "restart"),
        (("inet_interfaces = 10.77.0.1\n", OTHER), ("inet_interfaces = 10.77.0.2\n", BARE), "restart"),
        (("inet_interfaces = 10.77.0.1\n", OTHER), ("inet_interfaces = 10.77.0.1, 10.77.1\n", BARE), "reload"),
        (("inet_interfaces =\n", NAMED), ("inet_interfaces = 10.77.0.2\n", NAMED + OTHER), "reload"),
        (("inet_interfaces =\n", NAMED), ("inet_interfaces = all\n", NAMED + OTHER), "restart"),
        (("inet_interfaces = all\n", OTHER), ("inet_interfaces = 10.77.0.1\n", NAMED), "reload"),
    ],
)
def test_a_new_service_without_a_host_gets_what_the_master_has_cached(
    before: tuple[str, str], after: tuple[str, str], action: str
) -> None:
    assert strongest(changed(before, after, (3, 7))) == action


def test_what_did_not_work_before_needs_a_start_whatever_is_changed() -> None:
    (reason,) = changed(("", BARE + "10.9.9.9:587 inet n - n - - smtpd\n"), ("", BARE), (3, 7))
    assert (reason.action, "10.9.9.9" in reason.why) == ("restart", True)


def test_without_a_stop_in_two_steps() -> None:
    """Before 3.6: what takes a stop at once is two reloads, one after the other."""
    (_removed, added) = sorted(changed(("", BARE), ("", NAMED), (3, 5)), key=lambda reason: reason.before is None)
    assert (added.action, "two steps" in added.why) == ("restart", True)
    steps = [changed(("", BARE + OTHER), ("", OTHER), (3, 5)), changed(("", OTHER), ("", OTHER + NAMED), (3, 5))]
    assert [[reason.action for reason in step] for step in steps] == [["reload"], ["reload"]]


def test_the_guide_has_each_rule() -> None:
    rows = [row.split(" | ") for row in GUIDE.read_text(encoding="utf-8").splitlines() if row.startswith("| ")]
    table = {row[0][2:]: row[1] for row in rows if len(row) == 3}
    words = {"restart": "stop and start", "reload": "reload"}
    for rule in RULES.values():
        if not rule.change:  # what only the running master shows
            continue
        needs = table[rule.change]
        if rule.since:
            assert f"{words[rule.action]} from {rule.since[0]}.{rule.since[1]} on" in needs
        elif rule.until:
            assert f"{words[rule.action]} before" in needs
            assert rule.two_steps in needs
        else:
            assert needs == words[rule.action]
