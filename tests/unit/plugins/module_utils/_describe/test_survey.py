# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The masters of a host that belong to none of its instances."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.survey import claims, stray_masters, survey
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    host_of,
    instance_in,
    outlook_of_texts,
    write_stat,
)
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.package import Place


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc in which this process is one of a pid namespace."""
    directory = tmp_path / "proc"
    write_process(directory, "self", tmp_path / "elsewhere", "")
    return directory


def write_process(proc: Path, pid: str, queue: Path, config: str, name: str = "master", namespace: str = "1") -> None:
    """Write what the kernel says of a process that works in a queue directory."""
    (proc / pid / "ns").mkdir(parents=True)
    (proc / pid / "ns" / "pid").symlink_to(f"pid:[{namespace}]")
    (proc / pid / "fd").mkdir()
    (proc / pid / "net").mkdir()
    for table in ("tcp", "tcp6"):
        (proc / pid / "net" / table).write_text("  sl  local_address\n")
    (proc / pid / "cwd").symlink_to(queue)
    (proc / pid / "root").symlink_to("/")
    (proc / pid / "status").write_text("Name:\tmaster\nUid:\t0\t0\t0\t0\n")
    (proc / pid / "environ").write_bytes(f"MAIL_CONFIG={config}\0".encode() if config else b"PATH=/bin\0")
    if pid.isdigit():
        write_stat(proc, int(pid), name)


def queue_in(path: Path) -> Path:
    for name in ("pid", "private", "public"):
        (path / name).mkdir(parents=True)
    return path


def test_a_master_that_belongs_to_no_instance(tmp_path: Path, proc: Path) -> None:
    instance = instance_in(tmp_path)
    write_process(proc, "10", queue_in(tmp_path / "spool"), instance.config_directory)
    assert list(stray_masters([instance], str(proc))) == []
    write_process(proc, "11", queue_in(tmp_path / "old"), "/etc/postfix-old")
    write_process(proc, "12", queue_in(tmp_path / "nameless"), "")
    assert list(stray_masters([instance], str(proc))) == [
        {"pid": 11, "config_directory": "/etc/postfix-old", "sockets": []},
        {"pid": 12, "config_directory": None, "sockets": []},
    ]


def test_other_programs_and_containers_are_left_out(tmp_path: Path, proc: Path) -> None:
    (tmp_path / "salt").mkdir()
    write_process(proc, "11", tmp_path / "salt", "")
    write_process(proc, "12", queue_in(tmp_path / "contained"), "/etc/postfix", namespace="2")
    write_process(proc, "13", queue_in(tmp_path / "other"), "/etc/postfix", name="qmgr")
    assert list(stray_masters([instance_in(tmp_path)], str(proc))) == []


def test_the_addresses_that_a_configuration_sets_whether_or_not_the_host_has_them() -> None:
    main = "inet_interfaces = all\nsmtp_bind_address = 198.51.100.7\ninet_protocols = ipv4\n"
    master = "smtp inet n - n - - smtpd\n192.0.2.9:2525 inet n - n - - smtpd\nsmtp unix - - n - - smtp\n"
    master += "out unix - - n - - smtp -o smtp_bind_address=192.0.2.1\n"
    host = host_of("127.0.0.1/8", "192.0.2.1/24")
    assert claims(outlook_of_texts(main, master, host)) == {
        "sources": [
            {"address": "198.51.100.7", "parameter": "smtp_bind_address"},
            {"address": "192.0.2.1", "parameter": "smtp_bind_address"},
        ],
        "listeners": ["192.0.2.9"],
    }
    master = "smtp inet n - n - - smtpd\nsmtp unix - - n - - smtp\n"
    alone = claims(outlook_of_texts("inet_interfaces = 192.0.2.1\n", master, host))
    assert {"address": "192.0.2.1", "parameter": "inet_interfaces"} in alone["sources"]
    assert alone["listeners"] == ["192.0.2.1"]
    assert claims(outlook_of_texts("inet_interfaces = a b $\n", "", host)) == {"sources": [], "listeners": []}


def test_instances_that_are_not_in_the_list_are_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path, monkeypatch)
    other = tmp_path / "srv"
    other.mkdir()
    (other / "main.cf").write_text("multi_instance_name = odd\n")
    told = survey(place.compiled, [str(place.etc), str(other), str(tmp_path / "nowhere")])
    assert [each["config_directory"] for each in told["instances"]] == [str(place.etc), str(other)]
    assert [each["created"] for each in told["instances"]] == [None, None]
    assert told["version"] == "3.7.11"
