# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks under settings that would change what they do, and with what one mistypes.

Ansible runs them for real. The hosts are this one, each with a Python that only writes down that it was asked, and
answers what the module would: changed, or failed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"
TREE = next(path for path in map(Path, sys.path) if (path / "ansible_collections" / "mailfleet").exists())
COMMAND = shutil.which("ansible-playbook", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
pytestmark = [pytest.mark.one_python, pytest.mark.skipif(COMMAND is None, reason="without ansible-playbook")]

GROUPS = ["canary", "site_a", "site_b"]
INVENTORY = {
    "mail": {
        "children": {
            "canary": {"hosts": {"c1": None}},
            "site_a": {"hosts": {"a1": None, "a2": None}},
            "site_b": {"hosts": {"b1": None, "b2": None}},
            "empty": {},
            "both": {"hosts": {"a1": None, "b1": None}},
        }
    }
}
PYTHON = """#!/bin/sh
cat >/dev/null
echo HOST >>TOUCHED
sleep NAP
case " $FAILING " in *" HOST "*) echo '{"failed": true, "msg": "cannot be applied"}'; exit 1;; esac
cat ANSWER
"""
ANSWER = {"instance": "-", "changed": True, "files": ["x"], "action": "restart", "in_sync": True}
HOSTILE = {
    "ANSIBLE_ANY_ERRORS_FATAL": "true",
    "ANSIBLE_FORKS": "1",
    "ANSIBLE_GATHERING": "implicit",
    "ANSIBLE_HASH_BEHAVIOUR": "merge",
    "ANSIBLE_JINJA2_NATIVE": "true",
    "ANSIBLE_TASK_TIMEOUT": "1",
    "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
    "ANSIBLE_FORCE_HANDLERS": "true",
}


class Played(NamedTuple):
    """How a play ended, what it said, and which hosts it has touched, in their order."""

    status: int
    said: str
    touched: list[str]

    def table(self) -> dict[str, str]:
        """What the table at the end says of each host."""
        lines = re.findall(r'^ +"(\w+) +(\w+) +(.*?)",?$', self.said.rpartition("TASK [Show a table")[2], re.M)
        return {host: re.sub(" +", " ", told) for host, _group, told in lines}


@pytest.fixture(name="fleet")
def _fleet(tmp_path: Path) -> Path:
    """A directory with the inventory."""
    (tmp_path / "hosts.json").write_text(json.dumps(INVENTORY))
    variables = {
        "ansible_connection": "local",
        "ansible_become": False,
        "ansible_python_interpreter": f"{tmp_path}/python-{{{{ inventory_hostname }}}}",
    }
    (tmp_path / "answer.json").write_text(json.dumps({"changed": True, "instances": [ANSWER]}))
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.json").write_text(json.dumps(variables))
    for host in ("c1", "a1", "a2", "b1", "b2"):
        text = PYTHON.replace("HOST", host).replace("TOUCHED", f"{tmp_path}/touched")
        text = text.replace("ANSWER", f"{tmp_path}/answer.json")
        path = tmp_path / f"python-{host}"
        path.write_text(text.replace("NAP", "2" if host == "c1" else "0"))
        path.chmod(0o755)
    return tmp_path


def play(fleet: Path, name: str, groups: object, *arguments: str, **environment: str) -> Played:
    """Run a playbook over groups."""
    variables = json.dumps({"mailfleet_groups": groups, "mailfleet_directory": str(fleet / "gathered")})
    done = subprocess.run(
        [str(COMMAND), "-i", str(fleet / "hosts.json"), str(PLAYBOOKS / f"{name}.yml"), "-e", variables, *arguments],
        cwd=fleet,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(fleet),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(TREE),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    touched = fleet / "touched"
    return Played(done.returncode, done.stdout, touched.read_text().split() if touched.exists() else [])


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_a_rollout_stops_at_the_group_that_fails(fleet: Path, strategy: str) -> None:
    played = play(fleet, "converge", GROUPS, FAILING="a1", ANSIBLE_STRATEGY=strategy, **HOSTILE)
    assert played.status != 0
    assert played.touched == ["c1", "a1", "a2"], played.said
    changed = "(default) files changed restart"
    assert played.table() == {
        "c1": changed,
        "a1": "FAILED: cannot be applied",
        "a2": changed,
        "b1": "left alone",
        "b2": "left alone",
    }


def test_an_audit_is_of_all_hosts(fleet: Path) -> None:
    played = play(fleet, "audit", GROUPS, FAILING="c1", ANSIBLE_STRATEGY="free", **HOSTILE)
    assert played.status != 0
    assert sorted(played.touched) == ["a1", "a2", "b1", "b2", "c1"], played.said
    assert played.table()["c1"] == "FAILED: cannot be applied"
    assert played.table()["b2"] == "(default) files differ restart"


@pytest.mark.parametrize(
    "name, groups, arguments, words",
    [
        ("converge", "canary", (), "'canary' is not a list"),
        ("converge", ["canary", "site_b"], ("--limit", "a1"), "no host that --limit leaves"),
        ("audit", ["canary", "site-a"], (), "'site-a' is not a group of the inventory, which has both, canary, empty"),
        ("gather", ["canary", "a1"], (), "'a1' is a host and not a group"),
    ],
)
def test_what_is_mistyped_ends_before_any_host(
    fleet: Path, name: str, groups: object, arguments: Sequence[str], words: str
) -> None:
    played = play(fleet, name, groups, *arguments)
    assert played.status != 0
    assert words in played.said
    assert played.touched == []


def test_a_limit_from_a_file(fleet: Path) -> None:
    """As Ansible writes it for hosts that have failed. A group is still one batch."""
    (fleet / "retry").write_text("a1\na2\nb1\n")
    played = play(fleet, "converge", GROUPS, "--limit", f"@{fleet}/retry", FAILING="a1")
    assert played.status != 0
    assert sorted(played.touched) == ["a1", "a2"], played.said
    assert set(played.table()) == {"a1", "a2", "b1"}
