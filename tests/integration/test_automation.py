# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else than a terminal runs Ansible, as docs/automation.md has it: ansible-runner, ansible-pull, and Mitogen."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import ansible
import ansible_mitogen
import pytest
from fleet import PLAYS, WILDCARDS, MailHost, Sink
from mailfleet_lab.system import wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
GUIDE = (CHECKOUT / "docs" / "automation.md").read_text(encoding="utf-8")
LOOPBACK = {("127.0.0.1", 25), ("::1", 25)}
#: the Pythons that this ansible-core says it runs on, among other things
CLASSIFIERS = metadata("ansible-core").get_all("Classifier") or []


def block(name: str) -> str:
    """A file of the guide, which begins with its name."""
    (found,) = re.findall(rf"^```\w+\n(# {re.escape(name)}\n.*?)^```", GUIDE, re.M | re.S)
    return found


# ansible-runner


def runner(host: MailHost, path: Path, playbook: str, **variables: Any) -> Counter[str]:
    """Run a playbook under ansible-runner on the host, which the inventory has twice, and count the events of each."""
    known = json.loads(Path(host._inventory()[1]).read_text())["all"]
    address = known["children"][host.host.suite]["hosts"][host.name]
    twice = {"fleet": {"hosts": {"first": address, "second": address}, "vars": known["vars"]}}
    for name, content in (
        ("inventory/hosts.json", twice),
        ("env/extravars", {"mailfleet_groups": ["fleet"], **variables}),
        ("env/envvars", {"ANSIBLE_CONFIG": str(PLAYS / "ansible.cfg")}),
    ):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(json.dumps(content))
    command = ["ansible-runner", "run", str(path), "--playbook", f"mailfleet.postfix.{playbook}", "--ident", playbook]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(file.read_text()) for file in (path / "artifacts" / playbook / "job_events").glob("*.json")]
    return Counter(event["event_data"]["host"] for event in events if event.get("event_data", {}).get("host"))


def test_ansible_runner(host: MailHost, tmp_path: Path):
    wanted = {"postfix_interfaces_inet_interfaces": "loopback-only"}
    runner(host, tmp_path, "converge", **wanted, mailfleet_serial=1)
    assert host.sockets() == LOOPBACK
    before, master = host.files(), host.master()
    events = runner(host, tmp_path, "audit", **wanted)
    assert events["second"] <= 4, events  # the first host has those of the report, too
    assert (host.files(), host.master()) == (before, master)


# ansible-pull


def install_ansible(host: MailHost) -> None:
    """Put ansible-core and the collection on the host, where the guide has them."""
    site = Path(ansible.__file__).parents[1]
    target = host.host.root / "opt" / "ansible"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    names = ("ansible", "ansible_core-*", "jinja2*", "markupsafe*", "yaml", "packaging*", "resolvelib*")
    parts = [part for name in names for part in site.glob(name)]
    subprocess.run(["cp", "-a", "-t", str(target), *map(str, parts)], check=True)
    collection = host.host.root / "usr/share/ansible/collections/ansible_collections/mailfleet/postfix"
    for name in ("meta", "plugins", "roles", "playbooks"):
        copied = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / name, collection / name, ignore=copied, dirs_exist_ok=True)
    for name, module in (("ansible", "adhoc"), ("ansible-playbook", "playbook"), ("ansible-pull", "pull")):
        text = f"import sys\nsys.path.insert(0, '/opt/ansible')\nfrom ansible.cli.{module} import main\nmain()\n"
        program(host, f"/opt/ansible/bin/{name}", f"#!/usr/bin/python3\n{text}")


def install_git(host: MailHost) -> None:
    """Put this machine's git on the host, with all the libraries that it was built for."""
    git = Path(str(shutil.which("git")))
    linked = subprocess.run(["ldd", str(git)], capture_output=True, text=True, check=True).stdout
    libraries = re.findall(r"(/\S+) \(0x", linked)
    (loader,) = [name for name in libraries if "/ld-linux" in name]
    target = host.host.root / "opt" / "git"
    target.mkdir(parents=True, exist_ok=True)
    for name in (git, *libraries):
        shutil.copy(name, target)
    command = f"/opt/git/{Path(loader).name} --library-path /opt/git /opt/git/git"
    program(host, "/usr/local/bin/git", f'#!/bin/sh\nexec {command} "$@"\n')
    program(host, "/usr/local/bin/git-upload-pack", f'#!/bin/sh\nexec {command} upload-pack "$@"\n')


def program(host: MailHost, path: str, text: str) -> None:
    host.write(path, text)
    host.run("chmod", "755", path)


def commit(host: MailHost, **files: str) -> None:
    """Commit files to the repository that the host pulls."""
    for name, text in files.items():
        host.write(f"/srv/mail.git/{name}.yml", text)
    identity = "-c user.name=operator -c user.email=operator@example"
    host.shell(f"cd /srv/mail.git; git init -q; git add .; git {identity} commit -qm change")


def pull(host: MailHost) -> bool:
    """Start the service, and wait for it as a timer does."""
    return host.run("systemctl", "start", "mail-pull.service", check=False).returncode == 0


def said(host: MailHost) -> str:
    return host.run("journalctl", "--output=cat", "--unit=mail-pull.service").stdout


def test_ansible_pull(host: MailHost):
    python = host.run("python3", "-c", "import sys; print(*sys.version_info[:2], sep='.')").stdout.strip()
    if f"Programming Language :: Python :: {python}" not in CLASSIFIERS:
        pytest.skip(f"this ansible-core does not run on the host's Python {python}")
    install_ansible(host)
    install_git(host)
    inventory = block("hosts.yml").replace("mta1:", f"{host.name}:").replace("10.0.0.0/8", f"{host.ipv4}/32")
    inventory = inventory.replace("fd00::/8", f"{host.ipv6}/128")
    commit(host, hosts=inventory, local=block("local.yml"))
    for unit in ("mail-pull.service", "mail-pull.timer"):
        path = f"/etc/systemd/system/{unit}"
        host.write(path, block(path).replace("https://git.example/mail.git", "/srv/mail.git"))
    host.run("systemctl", "daemon-reload")
    try:
        assert pull(host), said(host)
        assert host.sockets() == LOOPBACK | {(host.ipv4, 25), (host.ipv6, 25)}, said(host)
        master = host.master()
        commit(host, hosts=inventory.replace(f"loopback, {host.ipv4}/32", "no-such"))
        assert not pull(host)
        assert "no-such" in said(host)
        assert host.master() == master
        host.run("systemctl", "start", "mail-pull.timer")
        shown = host.run("systemctl", "show", "mail-pull.timer", "--property=RandomizedDelayUSec,ActiveState").stdout
        assert set(shown.split()) == {"RandomizedDelayUSec=50min", "ActiveState=active"}
    finally:
        host.run("systemctl", "stop", "mail-pull.timer", check=False)
        host.run("sh", "-c", "rm -rf /etc/systemd/system/mail-pull.* /srv/mail.git /var/lib/mail-pull /opt/ansible")


# Mitogen


@pytest.fixture(name="mitogen")
def _mitogen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible's settings in this test are those of a user of Mitogen."""
    strategies = Path(ansible_mitogen.__file__).parent / "plugins" / "strategy"
    monkeypatch.setenv("ANSIBLE_STRATEGY_PLUGINS", str(strategies))
    monkeypatch.setenv("ANSIBLE_STRATEGY", "mitogen_linear")
    monkeypatch.setenv("ANSIBLE_HOST_KEY_CHECKING", "false")


@pytest.mark.usefixtures("mitogen")
def test_mitogen(host: MailHost):
    change = {"mailfleet.postfix.postfix_interfaces": {"inet_interfaces": "loopback-only", "apply": True}}
    parent, info, predicted, done, again = host.tasks(
        {"ansible.builtin.command": {"argv": ["sh", "-c", "tr '\\0' ' ' </proc/$PPID/cmdline"]}},
        {"mailfleet.postfix.postfix_interfaces_info": {}},
        {**change, "check_mode": True},
        change,
        change,
    )
    assert "mitogen" in parent["stdout"], parent
    assert info["in_sync"]
    assert predicted["action"] == done["action"] == "restart"
    assert (again["action"], again["changed"]) == ("none", False)
    assert host.sockets() == LOOPBACK
    # A run that is killed while Postfix is down is finished on the host.
    master = host.master()
    run = host.start_play("role", postfix_interfaces_inet_interfaces="all")
    wait_until(lambda: host.run("test", "-e", f"/proc/{master}", check=False).returncode, 100, "Postfix stopping")
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    wait_until(lambda: host.sockets() == WILDCARDS and not host.is_at_work(), 30, "the run being finished")
    played = host.play("role", postfix_interfaces_inet_interfaces="all")
    assert (played.changed, played.failed) == (0, 0), played.said


# What hosts really do


def test_the_source_addresses_of_results_are_those_that_a_receiver_sees(host: MailHost, sink: Sink):
    host.module("postfix_interfaces", smtp_bind_address=host.ipv4_b, inet_protocols="ipv4", apply="true")
    expression = "{{ hostvars | mailfleet.postfix.fleet_source_addresses([inventory_hostname], results='found') }}"
    *_results, shown = host.tasks(
        {"mailfleet.postfix.postfix_interfaces_info": {"all_instances": True}},
        {"ansible.builtin.set_fact": {"found": "{{ result_0 }}"}},
        {"ansible.builtin.debug": {"msg": expression}},
    )
    assert shown["msg"] == [sink.source_of_mail(host, f"who@[{host.room[0]}]")] == [host.ipv4_b]
