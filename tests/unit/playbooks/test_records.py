# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the inventory by a name server to the audit: Ansible runs both playbooks, and a real server answers.

The hosts are this one, each with a Python that only writes down that it was asked, and says that all is in line.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dns")
pytest.importorskip("spf")

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.check import CODES
from ansible_collections.mailfleet.postfix.tests.unit.plugins.plugin_utils.dns_server import serving

PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"
TREE = next(path for path in map(Path, sys.path) if (path / "ansible_collections" / "mailfleet").exists())
COMMAND = shutil.which("ansible-playbook", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
pytestmark = [pytest.mark.one_python, pytest.mark.skipif(COMMAND is None, reason="without ansible-playbook")]

ZONE = {
    "10.2.0.192.in-addr.arpa": {"PTR": ["out1.example.net."]},
    "out1.example.net": {"A": ["192.0.2.10"]},
    "out2.example.net": {"A": ["192.0.2.99"]},
    "example.net": {"TXT": ['"v=spf1 ip4:192.0.2.10 ~all"']},
}
INVENTORY = {
    "mail": {
        "hosts": {
            "mx1": {
                "domain": "example.net",
                "postfix_interfaces_sources": {"out1": {"address": "192.0.2.10", "helo": "out1.{{ domain }}"}},
                "postfix_interfaces_sources_old": "{{ {'old': {'address': '192.0.2.9', 'state': 'retired'}} }}",
            },
            "mx2": {
                "postfix_interfaces_sources": {
                    "out2": {"address": "192.0.2.11", "helo": "out2.example.net", "state": "draining"},
                    "picked": {"select": ["global"], "helo": "out2.example.net"},
                    "next": {"address": "192.0.2.12", "helo": "next.example.net", "state": "planned"},
                },
            },
            "mx3": {"of_nobody": "{{ undefined_variable }}"},
        }
    }
}
CLIENT = {"transport": "picked/unix", "program": "smtp", "ipv6": None}
PICKED = {"address": "192.0.2.13", "origin": "picked/unix: smtp_bind_address", "failure": None}
SENDS = [{**CLIENT, "ipv4": PICKED}]
VIEW = {"listeners": [], "source_addresses": SENDS, "own_addresses": [], "mynetworks": [], "error": None}
PART = {"instance": "-", "config_directory": "/etc/postfix", "changed": False, "action": "none", "in_sync": True}
ANSWER = {
    "changed": False,
    "instances": [{**PART, "before": {**VIEW, "error": None}, "after": {**VIEW, "error": None}}],
}


@pytest.fixture(name="fleet")
def _fleet(tmp_path: Path) -> Path:
    """A directory with the inventory."""
    (tmp_path / "hosts.json").write_text(json.dumps(INVENTORY))
    (tmp_path / "answer.json").write_text(json.dumps(ANSWER))
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\ncat >/dev/null\necho asked >>{tmp_path}/touched\ncat {tmp_path}/answer.json\n")
    python.chmod(0o755)
    (tmp_path / "group_vars").mkdir()
    of_all = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": str(python)}
    (tmp_path / "group_vars" / "all.json").write_text(json.dumps(of_all))
    return tmp_path


def play(fleet: Path, name: str, variables: Mapping[str, Any]) -> "subprocess.CompletedProcess[str]":
    """Run a playbook."""
    command = [str(COMMAND), "-i", "hosts.json", str(PLAYBOOKS / f"{name}.yml"), "-e", json.dumps(variables)]
    environment = {"HOME": str(fleet), "LC_ALL": "C.UTF-8", "ANSIBLE_COLLECTIONS_PATH": str(TREE), "COLUMNS": "300"}
    environment.update({each: os.environ[each] for each in ("PATH", "PYTHONPATH") if each in os.environ})
    return subprocess.run(
        command,
        cwd=fleet,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_from_the_inventory_to_the_audit(fleet: Path) -> None:
    with serving(ZONE) as server:
        asked = {"mailfleet_records": "kept/records.json", "mailfleet_domains": ["example.net"]}
        done = play(fleet, "records", {**asked, "mailfleet_nameservers": [f"127.0.0.1:{server.port}"]})
        assert done.returncode == 0, done.stdout + done.stderr
        assert set(server.asked.values()) == {1}
    assert not (fleet / "touched").exists(), "a host was asked"
    assert "left out: picked of mx2" in done.stdout
    records = json.loads((fleet / "kept" / "records.json").read_text())
    assert records["ptr"] == {"192.0.2.10": ["out1.example.net"], "192.0.2.11": [], "192.0.2.12": []}
    assert records["addresses"]["next.example.net"] == []
    assert {each: said["result"] for each, said in records["spf"]["example.net"]["results"].items()} == {
        "192.0.2.10": "pass",
        "192.0.2.11": "softfail",
        "192.0.2.12": "softfail",
    }
    assert records["asked_at"].endswith("Z")

    reports = {"mailfleet_report_json": "audit.json", "mailfleet_report_html": "audit.html"}
    done = play(fleet, "audit", {"mailfleet_records": "kept/records.json", **reports})
    assert done.returncode == 2, done.stdout + done.stderr
    report = json.loads((fleet / "audit.json").read_text())
    assert [(seen["host"], seen["source"], seen["address"], seen["codes"]) for seen in report["sources"]] == [
        ("mx1", "out1", "192.0.2.10", []),
        ("mx2", "out2", "192.0.2.11", ["helo_mismatch", "no_ptr", "not_in_spf"]),
        ("mx2", "picked", "192.0.2.13", ["helo_mismatch"]),
    ]
    assert report["records"] == {"asked_at": records["asked_at"], "domains": ["example.net"], "errors": []}
    assert report["sources"][0]["spf"]["example.net"] == {"result": "pass", "why": "matches ip4:192.0.2.10"}
    found = {(finding["code"], finding["severity"], finding["places"][0]["host"]) for finding in report["findings"]}
    assert {each for each in found if each[0] in CODES} == {
        ("no_ptr", "error", "mx2"),
        ("helo_mismatch", "warning", "mx2"),
        ("not_in_spf", "warning", "mx2"),
    }
    failing = done.stdout.rpartition("TASK [Fail if the host")[2]
    assert "192.0.2.11, which out2 of mx2 sends from, has no PTR record" in failing
    assert "mx1" not in failing.partition("PLAY RECAP")[0]


@pytest.mark.parametrize("given", ["mailfleet_records", "postfix_interfaces_records"])
def test_a_rollout_refuses_an_active_source_that_dns_does_not_favour(fleet: Path, given: str) -> None:
    instances = [{}, {"instance": "postfix-out", "sources": {"own": {"address": "192.0.2.20"}}}]
    (fleet / "host_vars").mkdir()
    (fleet / "host_vars/mx3.json").write_text(json.dumps({"postfix_interfaces_instances": instances}))
    said = {"192.0.2.10": "fail", "192.0.2.11": "fail", "192.0.2.12": "fail"}  # of which mx2 has none that is active
    records = {"spf": {"example.net": {"results": said}}, "ptr": {"192.0.2.20": []}}
    if given == "mailfleet_records":
        (fleet / "records.json").write_text(json.dumps(records))
    variables = {"mailfleet_records": "records.json"} if given == "mailfleet_records" else {given: records}
    reports = {"mailfleet_report_json": "run.json", "mailfleet_confirm": 0, "mailfleet_serial": "100%"}
    done = play(fleet, "converge", {**variables, **reports})
    assert done.returncode == 2, done.stdout + done.stderr
    found = {each["host"]: each for each in json.loads((fleet / "run.json").read_text())["instances"]}
    assert {host: each["status"] == "refused" for host, each in found.items()} == {
        "mx1": True,
        "mx2": False,
        "mx3": True,
    }
    assert (
        "state of the source out1: 'active' needs other records in DNS: SPF of example.net says fail"
        in (found["mx1"]["problem"])
    )
    assert "Add ip4:192.0.2.10 to the record of example.net; let the state be planned" in found["mx1"]["problem"]
    assert "state of the source own: 'active' needs other records in DNS: 192.0.2.20" in found["mx3"]["problem"]
    assert (fleet / "touched").read_text().count("asked") == 1, "a host was asked that is refused"


def test_records_that_an_operator_writes(fleet: Path) -> None:
    records = {"ptr": {"192.0.2.10": ["elsewhere.example.net"]}, "addresses": {"elsewhere.example.net": ["192.0.2.1"]}}
    done = play(fleet, "audit", {"mailfleet_records": records, "mailfleet_fail_on": "never"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "names elsewhere.example.net, which has 192.0.2.1" in done.stdout


@pytest.mark.parametrize(
    "playbook, variables, message",
    [
        ("audit", {"mailfleet_records": "nowhere.json"}, "'nowhere.json' cannot be read: No such file"),
        ("audit", {"mailfleet_records": {}, "mailfleet_domains": ["a b"]}, "'a b' is not a name in DNS"),
        ("records", {"mailfleet_records": "/proc/x"}, "The records cannot be written"),
        ("records", {"postfix_interfaces_sources": 7}, "mx1: postfix_interfaces_sources: '7' is not a mapping"),
    ],
)
def test_what_is_refused(fleet: Path, playbook: str, variables: dict[str, Any], message: str) -> None:
    nobody = {"mailfleet_nameservers": ["127.0.0.1:1"], "mailfleet_records_timeout": 0.2}
    done = play(fleet, playbook, {"mailfleet_records": "x", **nobody, **variables})
    assert done.returncode == 2
    assert message in done.stdout + done.stderr
    assert not (fleet / "x").exists()
