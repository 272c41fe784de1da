# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of a page or a plugin is carried out, here or where `ELSEWHERE` says; what is none, `SHOWN` lists."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import batch
import pages
import pytest
import yaml
from mail_host import Commands, Sink, hosts
from pages import CHECKOUT, Example
from transcripts import Run

HERE = Path(__file__).resolve().parent
#: which other file carries an example out, by its page and how it begins
ELSEWHERE = {
    ("docs/first_ten_minutes.md", "ansible.cfg"): "tests/examples/transcripts.py",
    ("docs/first_ten_minutes.md", "hosts.yml"): "tests/examples/transcripts.py",
    ("docs/first_ten_minutes.md", "site.yml"): "tests/examples/transcripts.py",
    ("docs/first_ten_minutes.md", "ansible-galaxy"): "tests/package/conftest.py",
    ("docs/pipelines.md", ""): "tests/package/test_pipelines.py",
    ("docs/automation.md", "execution-environment.yml"): "tests/package/test_execution_environment.py",
    ("docs/automation.md", "ansible-builder"): "tests/package/test_execution_environment.py",
    ("docs/automation.md", "fleet/"): "tests/integration/test_automation.py",
    ("docs/automation.md", "ansible-runner"): "tests/integration/test_automation.py",
    ("docs/automation.md", "hosts.yml"): "tests/integration/test_automation.py",
    ("docs/automation.md", "local.yml"): "tests/integration/test_automation.py",
    ("docs/automation.md", "/etc/systemd"): "tests/integration/test_automation.py",
    ("docs/layouts/ad_hoc.md", "ansible mail"): "extensions/molecule/ad_hoc/converge.yml",
    ("docs/layouts/vip.md", "/etc/"): "extensions/molecule/vip/prepare.yml",
    ("docs/layouts/virtual_hosting.md", "/etc/postfix-shop"): "extensions/molecule/virtual_hosting/verify.yml",
    ("docs/layouts/renumbering.md", "sender_dependent"): "extensions/molecule/renumbering/verify.yml",
    ("docs/layouts/renumbering.md", "transport_maps"): "extensions/molecule/renumbering/verify.yml",
    ("docs/layouts/transports.md", "sender_dependent"): "extensions/molecule/transports/verify.yml",
    ("README.md", "[defaults]"): "tests/package/test_installed.py",
    ("README.md", "ansible-galaxy"): "tests/package/conftest.py",
    ("README.md", "requirements.yml"): "tests/package/test_execution_environment.py",
    ("plugins/modules/postfix_records.py", ""): "tests/unit/plugins/plugin_utils/dns_server.py",
}
#: what is not there to be carried out, and why
SHOWN = {
    ("docs/layouts/rollout.md", "mta1"): "output",
    ("docs/rollout.md", "batch"): "output",
    ("docs/rollout.md", "mta1"): "output",
    ("docs/rollout.md", "hooks/drain.yml"): "needs a load balancer",
    ("docs/plan.md", "mx2"): "output",
    ("docs/recovery.md", "mailfleet["): "a log",
    ("docs/recovery.md", "The change of"): "a message",
    ("docs/recovery.md", "fatal:"): "a message",
    ("docs/ledger.md", "[WARNING]"): "a message",
    ("docs/records.md", "{"): "data",
    ("docs/records.md", "state of the source"): "a message",
    ("docs/platforms.md", "semanage"): "needs SELinux",
    ("docs/reports.md", "jq"): "needs jq",
    ("docs/reports.md", "alert:"): "needs Prometheus",
}
#: tasks that are to find fault with what they are given
FAILS = (
    "Fail on serious findings before anything is changed",
    "Refuse hosts that leave the choice of the source address to the kernel",
    "Say why",
)
#: for those who have a checkout, with commands of make and of the lab
NOT_FOR_USERS = ("docs/development.md", "docs/decisions/")
EXAMPLES = [example for example in pages.all_examples() if not example.page.startswith(NOT_FOR_USERS)]


def way(example: Example) -> str:
    """How an example is carried out."""
    first = example.text.lstrip().split("\n", 1)[0]
    if example.kind == "console" or example.comment.startswith("<!-- lines of "):
        return "transcript"
    if batch.listed(SHOWN, example):
        return "shown"
    if batch.listed(ELSEWHERE, example):
        return "elsewhere"
    if example.page.startswith("docs/layouts/") and first == "mail:":
        return "molecule"
    if example.kind == "indented" and re.match(r"(git worktree|ansible-playbook) ", first):
        return "playbook"
    if "import_playbook:" in example.text or re.search(r"(?m)^mailfleet_", example.text):
        return "playbook"
    if example.kind in ("yaml", "EXAMPLES") or batch.is_ad_hoc(first) or first.startswith("# in group_vars/"):
        return "host"
    return "unknown"


BY_WAY = {each: [example for example in EXAMPLES if way(example) == each] for each in map(way, EXAMPLES)}
ON_HOST = [each for each in BY_WAY["host"] if not (batch.CHOSEN and batch.builds_on_a_change(each))]


def test_each_example_is_counted() -> None:
    """A block that nobody carries out has to be listed with the reason; what is listed has to be there."""
    print(Counter(map(way, EXAMPLES)), len(EXAMPLES))
    assert [batch.identity(example) for example in BY_WAY.get("unknown", [])] == []
    for table in (SHOWN, ELSEWHERE):
        idle = [key for key in table if not any(batch.listed({key: 0}, example) for example in EXAMPLES)]
        assert idle == []
    assert [path for path in ELSEWHERE.values() if not (CHECKOUT / path).exists()] == []


@pytest.mark.parametrize("example", BY_WAY["molecule"], ids=batch.identity)
def test_a_layout_is_that_of_its_scenario(example: Example) -> None:
    inventory = CHECKOUT / "extensions" / "molecule" / Path(example.page).stem / "inventory" / "mail.yml"
    assert yaml.safe_load(inventory.read_text(encoding="utf-8")) == yaml.safe_load(example.text)


# Calls of the playbooks: Ansible reads all of them in one process, with their variables.


def variables_of(words: str) -> dict[str, Any]:
    """The variables that -e gives, but for those from a file."""
    found: dict[str, Any] = {}
    for json_text, name, value in re.findall(r"-e (?:'(\{.*?\})'|(\w+)=(\S+))", words):
        found.update(json.loads(json_text) if json_text else {name: value})
    return found


def calls() -> list[dict[str, Any]]:
    """The playbooks that the examples call or import, each with its variables."""
    found: list[dict[str, Any]] = []
    for example in BY_WAY["playbook"]:
        if example.kind == "indented":
            lines = [line for line in batch.commands(example) if not line.startswith("git worktree ")]
            found += [{"import_playbook": line.split()[1], "vars": variables_of(line)} for line in lines]
            continue
        parsed = yaml.safe_load(example.text)
        found += [{"import_playbook": f"{batch.OURS}converge", "vars": parsed}] if isinstance(parsed, dict) else parsed
    return found


def test_the_playbooks_have_the_variables_that_are_given(tmp_path: Path, run: Run) -> None:
    known = {
        name
        for file in (CHECKOUT / "playbooks").rglob("*.yml")
        for name in re.findall(r"\bmailfleet_\w+", file.read_text(encoding="utf-8"))
    }
    given = calls()
    assert len(given) > 10
    assert {name for call in given for name in call.get("vars", {})} - known == set()
    commands = Commands(tmp_path)
    commands.write("calls.yml", json.dumps(given))
    commands.write("hosts.yml", "{}")
    done = commands.run("ansible-playbook --syntax-check calls.yml")
    assert done.returncode == 0, done.stdout


# On the host


ORDERED = {"out9": {"address": "192.0.2.9", "helo": "out9.example.net", "state": "planned"}}
GROUPS = {
    "mail": {"hosts": {"mx1": {}}, "vars": {"postfix_interfaces_sources_ordered": ORDERED}},
    "canary": {"hosts": {"mx1": {}}},
    "site_a": {"hosts": {"mx2": {}}},
}


#: what the host of the examples has beside what it has in the first ten minutes
MORE = """
ip link add out0 type veth peer name far0
ip link set out0 up
ip link set far0 up
for each in 192.0.2.11/24 192.0.2.12/24 192.0.2.20/24; do ip address add $each dev eth0; done
for each in 2001:db8::11 2001:db8::20; do ip address add $each/64 dev eth0 nodad; done
ip address add 198.51.100.7/24 dev out0
ip address add 10.1.0.10/24 dev eth1
ip address add fd00:1::10/64 dev eth1 nodad
ip route add default via 192.0.2.1
ip -6 route add default via 2001:db8::1
echo 192.0.2.1 mx.example.net >>/etc/hosts
cp -a /etc/postfix /root/postfix.stock
"""


def prepare() -> dict[str, Any]:
    """A play that makes what examples read: facts, reports, a plan."""
    report = {"result": "postfix", "json": "audit.json"}
    copies = "for name in monday tuesday slice-1; do cp audit.json $name.json; done"
    plan = {"base": "inventory", "proposal": "inventory", "groups": ["canary"], "json": "plan.json"}
    local = {"delegate_to": "localhost", "become": False, "run_once": True}
    tasks = [
        {"ansible.builtin.setup": {"gather_subset": ["!all", "network"]}},
        batch.ALL,
        {f"{batch.OURS}postfix_report": report, "run_once": True},
        {f"{batch.OURS}postfix_plan": plan, "run_once": True},
        {"ansible.builtin.shell": copies, **local},
    ]
    return {"name": "prepare", "hosts": "mail", "become": True, "gather_facts": False, "tasks": tasks}


@pytest.fixture(scope="session")
def outcomes(
    uninstalled: tuple[str, bool], mx1: hosts.Host, sink: Sink, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, Any]]]:
    """What each task of each example came to, by the name of the example."""
    mx1.run("sh", "-ec", MORE)
    commands = Commands(tmp_path_factory.mktemp("examples"))
    commands.write("hosts.yml", json.dumps(GROUPS))
    commands.write("inventory/hosts.yml", json.dumps(GROUPS))
    commands.write("master.cf", mx1.run("cat", "/etc/postfix/master.cf").stdout)
    plays = [prepare()]
    for example in ON_HOST:
        variables: dict[str, Any] = {}
        for other in ON_HOST:
            if other.page == example.page and other.kind == "yaml" and other is not example:
                parsed = yaml.safe_load(other.text)
                variables.update(parsed if isinstance(parsed, dict) and example.page == "docs/sources.md" else {})
        plays += batch.plays_of(example, variables)
    commands.write("plays.yml", json.dumps(plays, indent=1))
    file = commands.directory / "outcomes.jsonl"
    commands.env |= {
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
        "ANSIBLE_CALLBACKS_ENABLED": "outcomes",
        "OUTCOMES": str(file),
    }
    log = HERE.parent / "output" / "examples.log"
    log.parent.mkdir(exist_ok=True)
    commands.run(f"ansible-playbook plays.yml >{log} 2>&1")
    assert file.exists(), log.read_text(encoding="utf-8")
    found: dict[str, list[dict[str, Any]]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        outcome = json.loads(line)
        found.setdefault(outcome["play"], []).append(outcome)
    return found


@pytest.mark.parametrize("example", ON_HOST, ids=batch.identity)
def test_an_example_does_its_work(outcomes: dict[str, list[dict[str, Any]]], example: Example) -> None:
    came = outcomes.get(batch.identity(example), [])
    assert came, "it was not carried out"
    failed = {each["task"]: each["result"].get("msg") for each in came if each["state"] == "failed"}
    expected = {task for task in FAILS if task in example.text}
    assert failed.keys() == expected, failed


def families(view: dict[str, Any]) -> set[str]:
    """The families of the listeners of an outlook."""
    return {"ipv6" if ":" in each["address"] else "ipv4" for each in view["listeners"]}


@pytest.mark.parametrize("example", ON_HOST, ids=batch.identity)
def test_an_example_takes_no_family_away(outcomes: dict[str, list[dict[str, Any]]], example: Example) -> None:
    """Somebody who copies it still listens on IPv6 afterwards."""
    for each in outcomes.get(batch.identity(example), []):
        result = each["result"]
        for one in result.get("instances") or [result]:
            if isinstance(one, dict) and one.get("before") and one.get("after"):
                assert families(one["after"]) >= families(one["before"]), each["task"]
