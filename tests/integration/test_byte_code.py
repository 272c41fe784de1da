# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The byte code that a module keeps on its host is used by the next run, and by none that has other sources.

A run that compiles one of our modules replaces the file; so a file that stays shows that it was all that was loaded.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fleet import STATE, MailHost

TREE = Path(__file__).resolve().parents[2]
MODULES = ("postfix_interfaces", "postfix_apply", "postfix_interfaces_info")


def stores(host: MailHost) -> list[str]:
    """Inode, time, size, owner and mode of the files that byte code is kept in."""
    script = f"cd {STATE} 2>/dev/null && stat --format='%i %y %s %U %a %n' byte-code.* 2>/dev/null || true"
    return host.run("sh", "-c", script).stdout.splitlines()


def run_all(host: MailHost, check_mode: bool = False) -> None:
    tasks = ({f"mailfleet.postfix.{name}": {}, "check_mode": check_mode} for name in MODULES)
    for answer in host.tasks(*tasks):
        assert not answer["failed"]
        assert not answer["changed"]


def test_the_second_run_compiles_nothing(host: MailHost):
    run_all(host, check_mode=True)
    assert stores(host) == []
    run_all(host)
    before = stores(host)
    assert len(before) == 1
    assert " root 600 byte-code.cpython-3" in before[0]
    run_all(host)
    assert stores(host) == before
    host.run("sh", "-c", f"truncate --size=-1 {STATE}/byte-code.*")
    run_all(host, check_mode=True)
    assert stores(host) != before  # check mode has left it as damaged as it was
    run_all(host)
    renewed = stores(host)
    run_all(host)
    assert stores(host) == renewed


def test_a_host_that_is_only_looked_at(host: MailHost):
    """What the next look would find out again is kept too; nothing is kept in check mode."""
    host.module("mailfleet.postfix.postfix_interfaces_info", "--check")
    assert host.run("test", "-e", STATE, check=False).returncode
    host.module("mailfleet.postfix.postfix_interfaces_info")
    kept = host.run("ls", STATE).stdout.split()
    assert kept[0] == "built-in.json"
    assert [name.partition(".")[0] for name in kept[1:]] == ["byte-code"]


def test_a_changed_source_is_not_served_stale(host: MailHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run_all(host)
    ours = host.module("mailfleet.postfix.postfix_interfaces_info")
    before = stores(host)

    other = tmp_path / "ansible_collections" / "mailfleet" / "postfix"
    for name in ("plugins", "meta"):
        shutil.copytree(TREE / name, other / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TREE / "galaxy.yml", other)
    changed = other / "plugins/module_utils/_describe/info.py"
    text = changed.read_text(encoding="utf-8")
    assert '"instance": instance.name,' in text
    changed.write_text(text.replace('"instance": instance.name,', '"instance": "another",'), encoding="utf-8")
    with monkeypatch.context() as context:
        context.setenv("ANSIBLE_COLLECTIONS_PATH", str(tmp_path))
        for _turn in range(2):
            assert host.module("mailfleet.postfix.postfix_interfaces_info") == {**ours, "instance": "another"}
    assert stores(host) != before
    for _turn in range(2):
        assert host.module("mailfleet.postfix.postfix_interfaces_info") == ours


def test_a_store_that_others_could_write_is_not_used(host: MailHost):
    run_all(host)
    ours = host.module("mailfleet.postfix.postfix_interfaces_info")
    host.run("sh", "-c", f"printf x >{STATE}/poison && mv {STATE}/poison {STATE}/byte-code.*; chmod 777 {STATE}")
    before = stores(host)
    assert host.module("mailfleet.postfix.postfix_interfaces_info") == ours
    assert stores(host) == before


def test_a_read_only_disk_is_nothing_to_speak_of(host: MailHost):
    ours = host.module("mailfleet.postfix.postfix_interfaces_info")
    host.run("sh", "-c", f"rm -f {STATE}/byte-code.*; mount -t tmpfs -o ro,mode=700 none {STATE}")
    try:
        assert host.module("mailfleet.postfix.postfix_interfaces_info") == ours
        assert stores(host) == []
    finally:
        host.run("umount", STATE)
    assert host.module("mailfleet.postfix.postfix_interfaces_info") == ours
    assert len(stores(host)) == 1
