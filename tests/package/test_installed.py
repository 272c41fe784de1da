# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive, installed offline, is a working collection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).parents[2]
NAME = "mailfleet.postfix"
#: options that a module is not called without
REQUIRED = {"postfix_instance": {"name": "postfix-out"}}
#: modules that are all in their action plugins, manage no host, and are for the playbooks
OF_THE_CONTROL_NODE = ("postfix_records", "postfix_report", "postfix_rollout")
#: a module that is about sockets of other hosts and has no option in common with those that manage one
OF_NO_GROUP = "postfix_probe"


def names(folder: str) -> list[str]:
    """The plugins of a folder of the checkout."""
    return sorted(path.stem for path in (CHECKOUT / "plugins" / folder).glob("[!_]*.py"))


@pytest.fixture(scope="module")
def root(installed: Path) -> Path:
    return installed / "ansible_collections" / "mailfleet" / "postfix"


@pytest.mark.parametrize("kind,folder", [("module", "modules"), ("filter", "filter"), ("lookup", "lookup")])
def test_every_plugin_documents_itself(run: Any, installed: Path, root: Path, kind: str, folder: str) -> None:
    here = names(folder)
    assert here == sorted(path.stem for path in (root / "plugins" / folder).glob("[!_]*.py"))
    plugins = [f"{NAME}.{name}" for name in here]
    assert plugins, "the collection has none of this kind"
    documented = json.loads(
        run.ok("ansible-doc", "--type", kind, "--json", *plugins, ANSIBLE_COLLECTIONS_PATH=str(installed))
    )
    lacking = [
        (name, part)
        for name in plugins
        for part in ("doc", "examples", "return")
        if not documented.get(name, {}).get(part)
    ]
    assert lacking == []


def test_every_role_documents_itself(run: Any, installed: Path, root: Path) -> None:
    roles = [f"{NAME}.{path.name}" for path in (root / "roles").iterdir()]
    documented = json.loads(
        run.ok("ansible-doc", "--type", "role", "--json", *roles, ANSIBLE_COLLECTIONS_PATH=str(installed))
    )
    assert [name for name in roles if not documented[name]["entry_points"]["main"]["short_description"]] == []


def test_every_playbook_is_found_by_its_name(run: Any, installed: Path, root: Path) -> None:
    for playbook in sorted((root / "playbooks").glob("*.yml")):
        name = f"{NAME}.{playbook.stem}"
        listed = run.ok(
            "ansible-playbook", "-i", "localhost,", "--syntax-check", name, ANSIBLE_COLLECTIONS_PATH=str(installed)
        )
        assert name in listed or playbook.name in listed


def on_hosts() -> list[str]:
    """The modules that manage hosts."""
    return [name for name in names("modules") if name not in OF_THE_CONTROL_NODE]


def test_the_action_group_is_of_all_modules_for_hosts(run: Any, installed: Path, tmp_path: Path) -> None:
    """module_defaults for the group reach each module: an option that none has is refused by each."""
    for module in on_hosts():
        if module == OF_NO_GROUP:
            continue
        play = [
            {
                "hosts": "localhost",
                "connection": "local",
                "gather_facts": False,
                "module_defaults": {f"group/{NAME}.postfix": {"no_such_option": 1}},
                "tasks": [{f"{NAME}.{module}": REQUIRED.get(module, {})}],
            }
        ]
        (tmp_path / "play.yml").write_text(json.dumps(play), encoding="utf-8")
        done = run("ansible-playbook", str(tmp_path / "play.yml"), ANSIBLE_COLLECTIONS_PATH=str(installed))
        assert "no_such_option" in done.stdout + done.stderr, module
        assert done.returncode == 2, module


@pytest.mark.parametrize("module", on_hosts())
def test_the_short_ad_hoc_name_works_with_the_settings_of_the_readme(
    run: Any, installed: Path, root: Path, tmp_path: Path, module: str
) -> None:
    """With collections_path and library set, `-m postfix_interfaces` is our module and finds its module_utils.

    That it is ours shows in how it refuses an option that it does not have.
    """
    (tmp_path / "ansible.cfg").write_text(
        f"[defaults]\ncollections_path = {installed}\nlibrary = {root / 'plugins' / 'modules'}\n", encoding="utf-8"
    )
    options = " ".join(f"{name}={value}" for name, value in {**REQUIRED.get(module, {}), "no_such_option": 1}.items())
    done = run("ansible", "localhost", "-c", "local", "-m", module, "-a", options, cwd=tmp_path)
    assert f"Unsupported parameters for ({module}) module: no_such_option" in done.stdout + done.stderr


#: what the hosts of the examples of fleet_source_addresses have
FLEET = {
    "mta1": ["192.0.2.16", "2001:db8::16"],
    "mta2": ["192.0.2.17", "2001:db8::17", "192.0.2.19"],
    "mta3": ["192.0.2.18", "fd77::18"],
}


def test_the_examples_for_a_fleet_say_what_comes_out(run: Any, installed: Path, tmp_path: Path) -> None:
    """Ansible's own hostvars: variables of groups and hosts, templates in them, facts, and what a task registered."""
    name = f"{NAME}.fleet_source_addresses"
    where = {"ANSIBLE_COLLECTIONS_PATH": str(installed)}
    documented = json.loads(run.ok("ansible-doc", "--type", "filter", "--json", name, **where))
    examples = yaml.safe_load(documented[name]["examples"])
    facts = {
        "all_ipv4_addresses": "{{ have | select('search', '[.]') }}",
        "all_ipv6_addresses": "{{ have | select('search', ':') }}",
        "postfix": {
            "config_directory": "/etc/postfix",
            "addresses": "{{ have }}",
            "effective": {
                "source_addresses": "{{ {'smtp_bind_address': '192.0.2.100', 'inet_protocols': 'ipv4'}"
                f" | {NAME}.source_addresses(have + ['192.0.2.100']) }}}}"
            },
        },
    }
    hosts: dict[str, Any] = {host: {"have": have} for host, have in FLEET.items()}
    hosts["mta2"]["postfix_interfaces_select"] = {"smtp_bind_address": ["192.0.2.16/31"]}
    inventory = {
        "mail": {"hosts": hosts, "vars": {"postfix_interfaces_inet_interfaces": "{{ ['all'] }}"}},
        "web": {"hosts": {"www": {"postfix_interfaces_no_such": 1}}},
    }
    tasks = [{"ansible.builtin.set_fact": {**facts, "cacheable": True}}]
    tasks += [{**example, "run_once": True} for example in examples]
    play = [{"hosts": "mail", "connection": "local", "gather_facts": False, "tasks": tasks}]
    (tmp_path / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
    (tmp_path / "play.yml").write_text(json.dumps(play), encoding="utf-8")
    output = run.ok("ansible-playbook", "-i", str(tmp_path / "hosts.json"), str(tmp_path / "play.yml"), **where)
    answers = [json.loads(part.partition("\n}")[0] + "}") for part in output.split(" => ")[1:] if part[0] == "{"]
    both = ["192.0.2.16/31", "192.0.2.18"]
    assert [answer["msg"] for answer in answers] == [
        "v=spf1 ip4:192.0.2.16/31 ip4:192.0.2.18 ip6:2001:db8::16/127 -all",
        [*both, "2001:db8::16/127", "fd77::18"],
        ["192.0.2.100"],
        both,
        "All assertions passed",
    ]
