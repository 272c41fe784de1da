# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries of lists that get lost between groups and hosts: the rule, and where Ansible's inventories set variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.shadowed import Override, entries_of, shadowed
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._plan.variable_sources import VariableSources
from ansible_collections.mailfleet.postfix.tests.unit.processor_time import within

SERVICES = "postfix_interfaces_services"
SMTP, SUBMISSION = {"name": "smtp"}, {"name": "submission", "command": "smtpd"}


def override(lower: Any, upper: Any, variable: str = SERVICES, host: str = "mta3", source: str = "mail") -> Override:
    return Override(host, variable, f"group_vars/{source}.yml", lower, f"host_vars/{host}.yml", upper)


def test_a_lost_entry_is_named() -> None:
    (finding,) = shadowed([override([SMTP, SUBMISSION], [SMTP])])
    assert finding == {
        "code": "shadowed_list_entry",
        "severity": "warning",
        "parameter": "services",
        "message": "host_vars/mta3.yml replaces postfix_interfaces_services of group_vars/mail.yml: "
        "submission/inet is not in it",
        "remedy": "Repeat it in host_vars/mta3.yml if it is to stay, since Ansible does not merge lists",
        "places": [{"host": "mta3", "instance": None}],
        "new": True,
    }


@pytest.mark.parametrize(
    "variable, lower, upper, lost",
    [
        ("services", [SMTP, SUBMISSION], [SMTP, SUBMISSION], []),
        ("services", [SMTP, SUBMISSION], [{"name": "25"}, {"name": ":587", "state": "absent"}], []),
        ("services", [{"name": "bulk", "type": "unix"}], [{"name": "bulk"}], ["bulk/unix is"]),
        ("services", [{"name": "[2001:DB8::1]:25"}], [{"name": "[2001:db8:0::1]:smtp"}], []),
        ("services", [SMTP, SUBMISSION], None, ["smtp/inet and submission/inet are"]),
        ("services", [SMTP], [], ["smtp/inet is"]),
        ("services", [SMTP], {"name": "smtp"}, ["smtp/inet is"]),
        ("instances", [{"instance": "postfix-out"}, {}], [{}], ["postfix-out is"]),
        ("instances", [{"instance": "a"}, {}], [{"instance": "a"}], ["the default instance is"]),
        ("instances", [{"config_directory": "/etc/postfix-out"}], [], ["/etc/postfix-out is"]),
        ("inet_interfaces", ["127.0.0.1", "::1"], ["127.1", "0::1"], []),
        ("inet_interfaces", ["127.0.0.1", "[2001:DB8::1]"], "127.0.0.1, 2001:db8::1", []),
        ("inet_interfaces", ["127.0.0.1", "192.0.2.1"], ["192.0.2.1"], ["127.0.0.1 is"]),
        ("inet_interfaces", ["127.0.0.1", "192.0.2.1"], "all", []),
        ("inet_interfaces", ["127.0.0.1", "192.0.2.1"], ["loopback-only"], []),
        ("inet_interfaces", ["all"], ["192.0.2.1"], []),
        ("inet_protocols", ["ipv4", "ipv6"], ["ipv4"], ["ipv6 is"]),
        ("unset", ["smtp_bind_address", "inet_interfaces"], ["inet_interfaces"], ["smtp_bind_address is"]),
        ("unset", "smtp_bind_address, inet_interfaces", ["inet_interfaces"], ["smtp_bind_address is"]),
        ("select", {"inet_interfaces": ["loopback"], "smtp_bind_address": "x"}, {"smtp_bind_address": "y"},
         ["inet_interfaces is"]),
        ("services", [SMTP], True, []),
        ("services", [["x"], 25, "a\nb"], [], ['["x"], 25 and a b are']),
        ("services", [{"name": f"10{n}"} for n in range(20)], [], ["and 12 others are"]),
    ],
)  # fmt: skip
def test_what_counts_as_the_same(variable: str, lower: Any, upper: Any, lost: list[str]) -> None:
    found = shadowed([override(lower, upper, f"postfix_interfaces_{variable}")])
    assert len(found) == len(lost)
    for finding, words in zip(found, lost, strict=True):
        assert words in finding["message"]
        assert "\n" not in finding["message"]
        assert finding["parameter"] == variable


def test_hosts_with_the_same_loss_are_one_finding() -> None:
    by_group = [
        Override(f"mta{number}", SERVICES, "group_vars/mail.yml", [SMTP, SUBMISSION], "group_vars/site.yml", [SMTP])
        for number in range(1, 5)
    ]
    (finding,) = shadowed(by_group)
    assert [place["host"] for place in finding["places"]] == ["mta1", "mta2", "mta3", "mta4"]
    old, new = sorted(shadowed(by_group, by_group[:2]), key=lambda each: each["new"])
    assert [place["host"] for place in old["places"]] == ["mta1", "mta2"]
    assert [place["host"] for place in new["places"]] == ["mta3", "mta4"]


def test_an_entry_that_was_lost_before_is_not_new() -> None:
    base = [override([SMTP, SUBMISSION], [SMTP])]
    assert [each["new"] for each in shadowed(base, base)] == [False]
    moved = [override([SMTP, SUBMISSION], [SMTP], source="mail/services")]
    assert [each["new"] for each in shadowed(moved, base)] == [False], "however its file is called"
    new, old = shadowed([override([SMTP, SUBMISSION, {"name": "465"}], [SMTP])], base)
    assert (new["new"], old["new"]) == (True, False)
    assert "465/inet is not in it" in new["message"]
    assert shadowed([], base) == []


def test_an_entry_that_several_places_have_is_told_once() -> None:
    everybody = override([SMTP, SUBMISSION, {"name": "465"}], [SMTP], source="all")
    (first, second) = sorted(
        shadowed([everybody, override([SMTP, SUBMISSION], [SMTP])]), key=lambda each: each["message"]
    )
    assert "of group_vars/all.yml: 465/inet is" in first["message"]
    assert "of group_vars/mail.yml: submission/inet is" in second["message"]


def test_entries_of_a_value_that_is_none() -> None:
    assert entries_of(SERVICES, 5) is None
    assert entries_of(SERVICES, "") == {}


# ---- where variables come from ----


def write(root: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return root


def sources_of(*paths: Path, **more: Any) -> tuple[VariableSources, VariableManager, InventoryManager]:
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(path) for path in paths])
    return VariableSources(inventory, loader, **more), VariableManager(loader=loader, inventory=inventory), inventory


def services(*names: str, **also: Any) -> dict[str, Any]:
    return {SERVICES: [{"name": name} for name in names], **also}


HOSTS = {
    "all": {
        "vars": services("1"),
        "children": {
            "mail": {
                "vars": services("3"),
                "children": {
                    "site": {"vars": services("4"), "hosts": {"mta1": services("5"), "mta2": None, "x": None}}
                },
            },
            "zone": {"hosts": {"mta1": None}, "vars": {"ansible_group_priority": 5, **services("7")}},
        },
    }
}


@pytest.mark.parametrize("is_directory", [False, True], ids=["file", "directory"])
def test_the_order_is_that_of_ansible(tmp_path: Path, is_directory: bool) -> None:
    """The last place is where the value comes from that Ansible uses, whichever of the places there are."""
    files: dict[str, Any] = {
        "group_vars/all.yml": services("a"),
        "group_vars/mail/b.yaml": services("c"),
        "group_vars/mail/a/deeper": services("b"),
        "group_vars/mail/.hidden.yml": services("hidden"),
        "group_vars/site.json": services("d"),
        "group_vars/zone": services("e"),
        "group_vars/other.yml": services("nobody"),
        "host_vars/mta1.yml": services("f"),
        "host_vars/mta2/x.yml": services("g"),
        "host_vars/mta11.yml": services("another host"),
    }
    inventory = write(tmp_path / "inventory", {"hosts.yml": HOSTS, **files})
    source = inventory if is_directory else inventory / "hosts.yml"
    found, manager, known = sources_of(source)
    itself = "the inventory" if is_directory else "hosts.yml"
    assert [place for place, _variables in found.layers("mta1")] == [
        f"the group all in {itself}",
        f"the group mail in {itself}",
        f"the group zone in {itself}",
        f"the group site in {itself}",
        "group_vars/all.yml",
        "group_vars/mail/a/deeper",
        "group_vars/mail/b.yaml",
        "group_vars/zone",
        "group_vars/site.json",
        f"the host mta1 in {itself}",
        "host_vars/mta1.yml",
    ]
    for host in ("mta1", "mta2", "x"):
        assert found.layers(host)[-1][1][SERVICES] == manager.get_vars(host=known.get_host(host))[SERVICES]


def test_each_place_counts_over_those_before_it(tmp_path: Path) -> None:
    """Whatever of the places an inventory has, the last of them is what Ansible uses."""
    files = {
        "group_vars/all.yml": services("a"),
        "group_vars/mail.yml": services("b"),
        "group_vars/zone/x.yml": services("c"),
        "group_vars/zone/y.yml": services("d"),
        "group_vars/site.yml": services("e"),
        "host_vars/mta1.yml": services("f"),
    }
    for number in range(len(files) + 1):
        some = dict(list(files.items())[:number])
        inventory = write(tmp_path / str(number), {"hosts.yml": HOSTS, **some})
        found, manager, known = sources_of(inventory / "hosts.yml")
        for host in ("mta1", "mta2", "x"):
            layers = found.layers(host)
            assert layers[-1][1][SERVICES] == manager.get_vars(host=known.get_host(host))[SERVICES]
            assert len(layers) == len({place for place, _variables in layers})


def test_what_is_lost_in_an_inventory(tmp_path: Path) -> None:
    inventory = write(
        tmp_path,
        {
            "hosts.yml": {"mail": {"hosts": {"mta1": None, "mta3": None, "mta4": {SERVICES: []}}}},
            "group_vars/mail.yml": services("smtp", "submission", "{{ more }}"),
            "host_vars/mta3.yml": services("smtp"),
        },
    )
    found, _manager, known = sources_of(inventory / "hosts.yml")
    first, second = shadowed(found.overrides(each.name for each in known.get_hosts()))
    replaced = f"replaces {SERVICES} of group_vars/mail.yml:"
    assert first["message"] == f"host_vars/mta3.yml {replaced} submission/inet is not in it"
    assert second["message"] == f"the host mta4 in hosts.yml {replaced} smtp/inet and submission/inet are not in it"


def test_a_template_is_asked_for_or_left_out(tmp_path: Path) -> None:
    inventory = write(
        tmp_path,
        {
            "hosts.ini": "[mail]\nmta1\n",
            "group_vars/mail.yml": services("smtp", "submission"),
            "host_vars/mta1.yml": yaml.safe_dump({SERVICES: "{{ own + [{'name': 'smtp'}] }}"}),
        },
    )
    found, _manager, _known = sources_of(inventory / "hosts.ini")
    assert list(found.overrides(["mta1"])) == []
    asked = []

    def value_of(host: str, variable: str) -> Any:
        asked.append((host, variable))
        return [SMTP]

    (finding,) = shadowed(found.overrides(["mta1"], value_of))
    assert "submission/inet is not in it" in finding["message"]
    assert asked == [("mta1", SERVICES)]


def test_several_inventories_and_a_playbook(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "one/hosts.ini": "[mail]\nmta1\n",
            "one/group_vars/mail.yml": services("1"),
            "two/hosts.ini": "[mail]\nmta1\n",
            "two/group_vars/all.yml": services("2"),
            "two/group_vars/mail.yml": services("3"),
            "one/host_vars/mta1.yml": {"other": 1},
            "plays/group_vars/mail.yml": services("4"),
        },
    )
    paths = [tmp_path / name / "hosts.ini" for name in ("one", "two")]
    found, manager, known = sources_of(*paths)
    assert [place for place, _value in found.layers("mta1")] == [
        "two/group_vars/all.yml",
        "one/group_vars/mail.yml",
        "two/group_vars/mail.yml",
    ]
    assert manager.get_vars(host=known.get_host("mta1"))[SERVICES] == [{"name": "3"}]
    found, _manager, _known = sources_of(*paths, root=str(tmp_path / "one"), playbook_directory=str(tmp_path / "plays"))
    assert [place for place, _value in found.layers("mta1")][-1] == "../plays/group_vars/mail.yml"


def test_names_that_are_paths_and_unknown_hosts(tmp_path: Path) -> None:
    write(tmp_path, {"hosts.ini": "a/b\n/etc\n", "host_vars/a/b.yml": services("1")})
    found, _manager, _known = sources_of(tmp_path / "hosts.ini")
    assert [place for place, _value in found.layers("a/b")] == ["host_vars/a/b.yml"]
    assert found.layers("/etc") == found.layers("unknown") == list(found.overrides(["unknown"])) == []


def test_what_ansible_reads_afterwards_is_still_a_template(tmp_path: Path) -> None:
    """The loader keeps what it has read, with what Ansible notes about it."""
    from ansible.template import Templar

    write(tmp_path, {"hosts.ini": "mta1\n", "host_vars/mta1.yml": 'x: "{{ 1 + 1 }}"\n' + f"{SERVICES}: []\n"})
    found, manager, known = sources_of(tmp_path / "hosts.ini")
    found.layers("mta1")
    variables = manager.get_vars(host=known.get_host("mta1"))
    assert int(Templar(loader=manager._loader, variables=variables).template(variables["x"])) == 2


@pytest.mark.duration
def test_hosts_without_variables_cost_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"mta{number}" for number in range(10_000)]
    hosts = {"mail": {"children": {"site": {"hosts": dict.fromkeys(names)}}}}
    write(
        tmp_path,
        {
            "hosts.json": hosts,
            "group_vars/mail.yml": services("smtp", "submission"),
            "group_vars/site.yml": services("smtp"),
            "host_vars/mta77.yml": services("submission"),
        },
    )
    found, _manager, _known = sources_of(tmp_path / "hosts.json")
    looked: list[str] = []
    search = DataLoader.find_vars_files
    monkeypatch.setattr(
        DataLoader, "find_vars_files", lambda *args, **more: looked.append(args[2]) or search(*args, **more)
    )
    overrides = within(1, lambda: list(shadowed(found.overrides(names))))
    group, host = sorted(overrides, key=lambda each: -len(each["places"]))
    assert sorted(set(looked)) == ["all", "mail", "mta77", "site"]
    assert len(group["places"]) == 9_999
    assert host["message"].startswith("host_vars/mta77.yml replaces")
