# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The generator and the comparison of the conformance tests, without a Postfix: can they find anything?"""

from __future__ import annotations

from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import REGISTRY
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import NEWEST
from ansible_collections.mailfleet.postfix.tests.conformance import kept
from ansible_collections.mailfleet.postfix.tests.conformance.__main__ import newer
from ansible_collections.mailfleet.postfix.tests.conformance.compare import disagreements, sockets_of
from ansible_collections.mailfleet.postfix.tests.conformance.effects import EFFECTS, NOT_PROVOKED
from ansible_collections.mailfleet.postfix.tests.conformance.generate import task
from ansible_collections.mailfleet.postfix.tests.conformance.predict import predict

TASKS = [task(1, number) for number in range(400)]
NEXT = f"{NEWEST[0]}.{NEWEST[1] + 1}.2"


def addresses_of(one: dict[str, Any]) -> list[dict[str, Any]]:
    """What a host would have, in an order of its own."""
    placed = [(text, name) for name, listed in one["interfaces"].items() for text in listed]
    return [
        {
            "address": text.partition("/")[0],
            "prefix_length": int(text.partition("/")[2].split()[0]),
            "deprecated": "preferred_lft 0" in text,
            "interface": name,
            "up": name not in one["down"],
            "tentative": text in one["tentative"],
        }
        for text, name in sorted(placed, key=lambda place: ":" in place[0])
    ]


def test_a_number_is_one_case_for_ever() -> None:
    assert task(1, 7) == task(1, 7)
    assert task(1, 7) != task(1, 8)
    assert task(1, 7) != task(2, 7)


def test_cases_are_of_all_kinds() -> None:
    said = [predict(one, "3.7.11", addresses_of(one)) for one in TASKS]
    fatal = sum(isinstance(prediction.listeners, str) for prediction in said)
    assert 0.1 < fatal / len(TASKS) < 0.5
    actions = {prediction.action for prediction in said}
    assert actions == {None, "none", "reload", "restart"}
    sources = [
        source for one in said if isinstance(one.sources, list) for entry in one.sources for source in entry.items()
    ]
    origins = {source["origin"] for key, source in sources if key in ("ipv4", "ipv6") and source}
    assert {"kernel", "inet_interfaces", "smtp_bind_address", "-o smtp_bind_address6", "-o inet_interfaces"} <= origins


def test_an_older_version_is_another_answer() -> None:
    older, newer_ = [[predict(one, version, addresses_of(one)) for one in TASKS] for version in ("3.5.25", "3.11.7")]
    assert sum(one != other for one, other in zip(older, newer_, strict=True)) > 20


def test_a_version_that_nobody_knows_yet_gets_the_newest_rules_and_a_note() -> None:
    for one in TASKS[:100]:
        assert predict(one, NEXT, addresses_of(one)) == predict(one, ".".join(map(str, NEWEST)), addresses_of(one))
    assert NEXT in newer(NEXT)
    assert newer("3.11.7") == newer("3.12-20260821") == ""


def test_each_difference_is_a_disagreement() -> None:
    one = {**TASKS[0], "main": "inet_interfaces = 10.77.0.1, 10.77.0.2\n", "master": "25 inet n - n - - smtpd\n"}
    one = {
        **one,
        "interfaces": {"lo": [], "vA": ["10.77.0.1/24", "10.77.0.2/24"], "vD": []},
        "send": [("smtp", "10.77.0.100")],
    }
    said = predict(one, "3.7.11", addresses_of(one))
    assert not isinstance(said.listeners, str)
    sources = [{"from": "10.77.0.1", "kernel": "10.77.0.1", "said": "sent"}]
    answer = {
        "fatal": "",
        "dies": None,
        "own": said.own,
        "sockets": sockets_of(said.listeners),
        "sources": sources,
        "addresses": addresses_of(one),
    }
    assert disagreements(one, answer, said) == []
    wrong: list[dict[str, Any]] = [
        {"own": ["10.77.0.2", "10.77.0.1"]},
        {"fatal": "host not found"},
        {"dies": "bind"},
        {"sockets": ["10.77.0.1:25"]},
        {"sockets": [*answer["sockets"], "10.77.0.3:25"]},
        {"sources": [{**sources[0], "from": "10.77.0.2"}]},
        {"sources": [{**sources[0], "from": None}]},
        {"trouble": "no room"},
    ]
    for change in wrong:
        assert len(disagreements(one, {**answer, **change}, said)) == 1, change
    reloading = said._replace(action="reload", promised=said.listeners)
    for reload in ({"dies": "bind", "sockets": None}, {"dies": None, "sockets": []}):
        assert len(disagreements(one, {**answer, "reload": reload}, reloading)) == 1
    done = {"dies": None, "sockets": answer["sockets"]}
    assert disagreements(one, {**answer, "reload": done}, reloading) == []
    needless = reloading._replace(action="restart", restarting=("inet_interfaces",))
    assert len(disagreements(one, {**answer, "reload": done}, needless)) == 1


def test_each_finding_is_provoked() -> None:
    provoked = {effect.code for effect in EFFECTS}
    assert not provoked & NOT_PROVOKED
    assert provoked | NOT_PROVOKED == {rule.code for rule in REGISTRY}


def test_what_is_kept_over_a_reload_is_compared_with_the_rules() -> None:
    by_name = {one["id"]: one for one in kept.tasks("3.7.11")}
    assert len(by_name) == len(kept.CHANGES) + 1
    assert len(kept.tasks("3.5.25")) < len(by_name)
    task = by_name["kept: programs"]
    answer: dict[str, Any] = {"version": "3.7.11", "addresses": ["10.77.0.1/24"]}
    old, new = {"master": "old", "environment": []}, {"master": "new", "environment": []}
    assert kept.differences(task, {**answer, "kept": [old, old, new]}) == []
    (taken_up,) = kept.differences(task, {**answer, "kept": [old, new, new]})
    assert "daemon_directory needs a restart, we say" in taken_up
    (hidden,) = kept.differences(task, {**answer, "kept": [old, old, old]})
    assert "does not show" in hidden
    task = by_name["kept: facility"]
    old, new = ({"server log": one, "master log": one, "environment": []} for one in ("old", "new"))
    assert kept.differences(task, {**answer, "kept": [old, new, new]}) == []
    assert len(kept.differences(task, {**answer, "kept": [old, old, new]})) == 2
    (left,) = kept.differences(by_name["kept: programs that last"], {"survivors": [["anvil", "verify"], ["verify"]]})
    assert left.startswith("verify of anvil, verify")
