# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of a real host: what each state looks like in its reports, and how much it says while it runs."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
from fleet import OTHER, PLAYS, MailHost, wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((CHECKOUT / "docs" / "report.schema.json").read_text(encoding="utf-8"))


class Audit:
    """What an audit of a host said, and what it wrote."""

    def __init__(self, host: MailHost, path: Path, *arguments: str, playbook: str = "audit", **variables: Any) -> None:
        files = {
            f"mailfleet_report_{name}": f"out/report.{name}"
            for name in ("json", "junit", "csv", "prometheus", "html", "markdown")
        }
        options = {"mailfleet_groups": [host.host.suite], "postfix_interfaces_findings": "ignore", **files, **variables}
        command = ["ansible-playbook", *host._inventory(), f"mailfleet.postfix.{playbook}", "-e", json.dumps(options)]
        environment = {
            **host._environment(),
            "ANSIBLE_CONFIG": str(PLAYS / "ansible.cfg"),
            "ANSIBLE_CALLBACK_PLUGINS": str(PLAYS / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "events",
            "EVENTS": str(path / "events"),
        }
        done = subprocess.run(
            [*command, *arguments], cwd=path, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        self.code, self.said = done.returncode, done.stdout + done.stderr
        self.path = path / "out"
        assert self.path.is_dir(), self.said
        self.data = json.loads((self.path / "report.json").read_text(encoding="utf-8"))
        jsonschema.validate(self.data, SCHEMA, jsonschema.Draft202012Validator)
        self.record = self.data["instances"][0]
        self.codes = {each["code"] for each in [*self.record["findings"], *self.data["findings"]]}
        self.events = Counter((path / "events").read_text(encoding="utf-8").split())


def test_an_audit_tells_the_states_apart_and_writes_where_the_operator_stands(host: MailHost, tmp_path: Path):
    files, master = host.files(), host.master()
    audit = Audit(host, tmp_path)
    assert (audit.code, audit.record["status"]) == (0, "ok"), audit.said
    assert (audit.record["host"], audit.record["group"], audit.record["instance"]) == (host.name, host.host.suite, "-")
    assert host.ipv4 in [each["address"] for each in audit.record["addresses"]]
    assert {(each["address"], each["port"]) for each in audit.record["sockets"]} == host.sockets()
    assert sorted(each.name for each in audit.path.iterdir()) == [
        f"report.{name}" for name in ("csv", "html", "json", "junit", "markdown", "prometheus")
    ]
    (row,) = csv.DictReader((audit.path / "report.csv").read_text(encoding="utf-8").splitlines())
    assert (row["status"], row["listeners"]) == ("ok", "0.0.0.0:25 [::]:25")
    (case,) = ElementTree.parse(audit.path / "report.junit").getroot().iter("testcase")
    assert case.get("name") == f"{host.name} is as the inventory says"
    assert case.find("failure") is None
    # A host that is in line: one task for the module and one for the verdict; the first one has those of the run, too.
    of_the_run = 4
    assert audit.events[host.name] - of_the_run <= 4, audit.events

    wanted = {"postfix_interfaces_inet_interfaces": "loopback-only"}
    audit = Audit(host, tmp_path, **wanted)
    assert (audit.code, audit.record["status"]) == (2, "drift"), audit.said
    assert (audit.record["files_differ"], audit.record["master_differs"]) == (True, False)
    assert "main.cf differs from the inventory" in audit.said
    assert "Run mailfleet.postfix.converge" in audit.said

    host.edit("inet_interfaces", "loopback-only")
    audit = Audit(host, tmp_path, **wanted)
    assert (audit.record["files_differ"], audit.record["master_differs"]) == (False, True)
    assert audit.record["action"] == "restart"
    host.edit("inet_interfaces", "all")

    absent = {"postfix_interfaces_smtp_bind_address": "203.0.113.99"}
    audit = Audit(host, tmp_path, **absent)
    assert (audit.code, audit.record["status"], audit.record["refusal"]["value"]) == (2, "refused", "203.0.113.99")
    assert "absent_inventory_address" in audit.codes
    audit = Audit(host, tmp_path, **absent, postfix_interfaces_allow_absent_addresses=True)
    assert "unowned_source_address" in audit.codes

    audit = Audit(host, tmp_path, ansible_port=1)
    assert (audit.code, audit.record["status"]) == (2, "unreachable"), audit.said
    assert (host.contents(), host.master()) == (contents_of(files), master)


def contents_of(files: str) -> str:
    """The first half of what MailHost.files() says: the contents, without what a change there and back leaves."""
    return "".join(f"{line}\n" for line in files.splitlines()[:2])


def test_what_the_inventory_does_not_name_is_found(host: MailHost, tmp_path: Path):
    listed = {
        "postfix_interfaces_services": [{"name": "smtp", "command": "smtpd"}],
        "postfix_interfaces_unlisted_services": "report",
    }
    audit = Audit(host, tmp_path, **listed)
    assert (audit.code, audit.record["status"], audit.codes) == (0, "ok", set()), audit.said
    entry = "2525 inet n - y - - smtpd\n"
    host.write("/etc/postfix/master.cf", host.run("cat", "/etc/postfix/master.cf").stdout + entry)
    host.run("postfix", "reload")
    wait_until(lambda: ("0.0.0.0", 2525) in host.sockets(), 10, "the endpoint opening")
    audit = Audit(host, tmp_path, **listed)
    assert (audit.code, audit.record["status"]) == (0, "finding"), audit.said
    assert audit.codes == {"unlisted_service"}
    assert Audit(host, tmp_path, **listed, mailfleet_fail_on="warning").code == 2

    # A master by a directory that no instance has, as a forgotten trial leaves it.
    start = f"""cp -a /etc/postfix {OTHER} && mkdir -p /var/spool/postfix-out /var/lib/postfix-out
        chown postfix: /var/lib/postfix-out
        postconf -c {OTHER} -e queue_directory=/var/spool/postfix-out data_directory=/var/lib/postfix-out \\
            multi_instance_name=postfix-out inet_interfaces={host.ipv4_b} master_service_disable=2525/inet
        postconf -c {OTHER} -F smtp/inet/chroot=n
        postconf -e alternate_config_directories={OTHER} inet_interfaces={host.ipv4}
        postfix stop; postfix start; postfix -c {OTHER} start"""
    host.run("sh", "-c", start)
    try:
        wait_until(lambda: (host.ipv4_b, 25) in host.host.listeners(), 10, "the second master starting")
        audit = Audit(host, tmp_path)
        assert "stray_master" in audit.codes, audit.data
        assert audit.code == 2
        (finding,) = (each for each in audit.record["findings"] if each["code"] == "stray_master")
        assert f"by {OTHER}, with {host.ipv4_b}:25" in finding["message"]
        assert finding["message"] in audit.said
    finally:
        host.run("postfix", "-c", OTHER, "stop", check=False)


def test_converge_writes_the_same_reports(host: MailHost, tmp_path: Path):
    wanted = {"postfix_interfaces_inet_interfaces": "loopback-only"}
    run = Audit(host, tmp_path, playbook="converge", **wanted)
    assert (run.code, run.record["status"], run.record["action"]) == (0, "changed", "restart"), run.said
    assert {(each["address"], each["port"]) for each in run.record["sockets"]} == host.sockets()
    assert {each["state"] for each in run.record["sockets"]} == {"listening"}
    run = Audit(host, tmp_path, playbook="converge", **wanted)
    assert (run.code, run.record["status"]) == (0, "ok"), run.said
    assert "files as before" in run.said
    assert os.path.getsize(run.path / "report.html") > 20_000
