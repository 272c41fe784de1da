# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet with a past is taken over from an installed archive: gather writes beside the inventory, and audit agrees.

By the gathered files the audit is green on every host that was healthy, and names exactly those that were not.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from conftest import CHOSEN, SUITES
from mailfleet_lab import hosts, networks
from mailfleet_lab.system import wait_until

CHECKOUT = Path(__file__).parents[2]
SECOND = """
postmulti -e init
postmulti -I {name} -e create
postmulti -i {name} -e enable
postconf -c /etc/{name} inet_interfaces={b} inet_protocols=all master_service_disable=
systemctl daemon-reload
case {suite} in
    bullseye | bookworm) systemctl start postfix@{name}.service ;;
    *) systemctl enable --now postfix@second.service ;;
esac
"""


class Kind(NamedTuple):
    """A past, as a shell script; what gather says of it, if anything; what audit says, if the host is not healthy."""

    script: str
    told: str | None = None
    audited: str | None = None


KINDS = {
    "stock": Kind(""),
    "spelling": Kind(
        "postconf -X inet_interfaces\n"
        "printf 'inet_interfaces = ${{{{$x}} == {{}} ? {{{a}}} : {{all}}}},\\n\\t [127.0.0.1]\\n'"
        " >>/etc/postfix/main.cf"
    ),
    "second": Kind(
        f"postconf inet_interfaces=127.0.0.1,{{a}}\nsystemctl restart postfix\n{SECOND}", "is the only ipv4 address"
    ),
    "stopped": Kind("systemctl stop postfix", "Postfix does not run", "Postfix needs: start"),
    "endpoints": Kind(
        "postconf -M '{b}:submission/inet={b}:submission inet n - n - - smtpd -o {{ smtpd_banner=a b }}'\n"
        "postconf -M 127.0.0.1:10025/inet='127.0.0.1:10025 inet n - n - 5 smtpd'\n"
        "postconf -M out/unix='out unix - - n - - smtp -o smtp_bind_address={b}'"
    ),
    "twice": Kind(
        "printf 'inet_protocols = ipv4\\ninet_protocols = all\\n' >>/etc/postfix/main.cf",
        "more than once",
        "main.cf differs",
    ),
    "edited": Kind(
        "systemctl restart postfix\npostconf inet_interfaces=127.0.0.1", "needs a restart", "Postfix needs: restart"
    ),
    "moved": Kind("postconf -M# smtp/inet\npostconf -M 2525/inet='2525 inet n - n - - smtpd'"),
    "linked": Kind("mv /etc/postfix/main.cf /srv/main.cf\nln -s /srv/main.cf /etc/postfix/main.cf"),
    "absent": Kind(
        "systemctl restart postfix\nprintf 'inet_interfaces = 192.0.2.77\\n' >>/etc/postfix/main.cf",
        "192.0.2.77",
        "192.0.2.77",
    ),
    "loopback": Kind("postconf inet_interfaces=loopback-only inet_protocols=ipv4"),
    "without": Kind("mv /usr/sbin/postconf /usr/sbin/postconf.away", "nothing is known", "postconf"),
    "older": Kind("postconf smtp_bind_address={b} smtp_bind_address6={b6}"),
    "broken": Kind(
        "systemctl restart postfix\nprintf 'smtp inet n\\n' >>/etc/postfix/master.cf", "error: master.cf", "master.cf"
    ),
}
CHOSEN_KINDS = dict(list(KINDS.items())[::4]) if CHOSEN else KINDS
AS_LEFT = ("stopped", "edited", "absent", "broken")  # not started again by the past that they were given


@pytest.fixture(params=SUITES)
def past(request: pytest.FixtureRequest) -> Iterator[dict[str, hosts.Host]]:
    """A host for each kind of past, by kind."""
    network, number = f"past{SUITES.index(request.param)}", SUITES.index(request.param)
    prefixes = (f"10.8.{number}.", f"fd00:8{number}::")
    networks.add_network(network, f"{prefixes[0]}0/24", f"{prefixes[1]}/64")
    wanted = []
    for number, kind in enumerate(CHOSEN_KINDS, 10):
        addresses = tuple(f"{prefix}{last}" for prefix in prefixes for last in (number, number + 100))
        wanted.append((f"{kind}-{request.param}", request.param, [networks.Attachment(network, addresses)]))
    added = hosts.add_hosts(*wanted)
    yield dict(zip(CHOSEN_KINDS, added, strict=True))
    for host in added:
        host.remove()
    networks.remove_network(network)


def have_a_past(kind: str, host: hosts.Host) -> None:
    a, b, _a6, b6 = host.attachments[0].addresses
    script = CHOSEN_KINDS[kind].script.format(a=a, b=b, b6=b6, name="postfix-second", suite=host.suite)
    host.run("sh", "-ec", script)
    if kind not in AS_LEFT and kind != "without":
        host.run("systemctl", "restart", "postfix")
    if kind == "second":
        wait_until(lambda: b in host.run("ss", "-lnt").stdout, 10, "the second instance starting")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the archive is installed, as a user installs it."""
    build, place = tmp_path_factory.mktemp("build"), tmp_path_factory.mktemp("installed")
    subprocess.run(["ansible-galaxy", "collection", "build", "--output-path", build, CHECKOUT], check=True)
    (archive,) = build.iterdir()
    install = [
        "ansible-galaxy",
        "collection",
        "install",
        "--offline",
        "--no-deps",
        "--collections-path",
        place,
        archive,
    ]
    subprocess.run(install, check=True)
    return place


def files_of(directory: Path) -> list[Path]:
    """The files below a directory, apart from byte code."""
    return sorted(path for path in directory.rglob("*") if path.is_file() and path.suffix != ".pyc")


def test_a_fleet_with_a_past(past: dict[str, hosts.Host], installed: Path, tmp_path: Path) -> None:
    for kind, host in past.items():
        have_a_past(kind, host)
    inventory, elsewhere = tmp_path / "inventory", tmp_path / "elsewhere"
    inventory.mkdir()
    elsewhere.mkdir()
    shutil.copy(hosts.write_inventory(), inventory / "hosts.json")
    names = {kind: host.name for kind, host in past.items()}
    groups = {"pair": {"hosts": dict.fromkeys([names["stock"], names["endpoints"]])}}
    groups["others"] = {"hosts": dict.fromkeys(set(names.values()) - set(groups["pair"]["hosts"]))}
    (inventory / "groups.yml").write_text(yaml.safe_dump(groups), encoding="utf-8")
    shipped = files_of(installed)

    def play(name: str) -> subprocess.CompletedProcess[str]:
        command = ["ansible-playbook", "--inventory", inventory, f"mailfleet.postfix.{name}"]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(installed), "ANSIBLE_NOCOLOR": "1"}
        command += ["--extra-vars", '{"mailfleet_groups": ["pair", "others"]}']
        done = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
        print(done.stdout + done.stderr)
        return done

    gathered = play("gather")
    known = {kind: name for kind, name in names.items() if kind != "without"}
    assert gathered.returncode == (2 if "without" in names else 0)
    for kind, name in names.items():
        file = inventory / "host_vars" / name / "postfix_interfaces.yml"
        assert file.exists() == (kind in known)
        assert (str(file) in gathered.stdout) == file.exists()
        notes = [line for line in gathered.stdout.splitlines() if line.strip().startswith(f'"{name}: ')]
        told = CHOSEN_KINDS[kind].told
        assert any(told in note for note in notes) if told else not notes, kind
    common = inventory / "group_vars" / "pair" / "postfix_interfaces.yml"
    assert str(common) in gathered.stdout
    assert yaml.safe_load(common.read_text(encoding="utf-8"))["postfix_interfaces_inet_interfaces"] == "all"
    assert files_of(installed) == shipped
    assert not list(elsewhere.iterdir())
    if "second" in names:
        variables = yaml.safe_load((inventory / "host_vars" / names["second"] / "postfix_interfaces.yml").read_text())
        entries = variables["postfix_interfaces_instances"]
        assert [(one["instance"], one.get("state")) for one in entries] == [("-", None), ("postfix-second", "present")]

    audited = play("audit")
    said = {
        kind: [line for line in audited.stdout.splitlines() if re.match(rf"(fatal|failed): \[{name}\]", line)]
        for kind, name in names.items()
    }
    assert {kind for kind in said if said[kind]} == {kind for kind, one in CHOSEN_KINDS.items() if one.audited}
    for kind, lines in said.items():
        assert not lines or any(str(CHOSEN_KINDS[kind].audited) in line for line in lines), kind
