# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that cannot run the lab is told so at once, in sentences."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from command_line import Lab
from mailfleet_lab import LabError, needs


def test_this_machine_is_good_enough(lab: Lab) -> None:
    assert lab("check") == "This machine can run the lab.\n"
    assert lab("install") == "Nothing to install.\n"


def test_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert needs.obstacles() == ["The lab makes network, mount and process namespaces: run it as root."]
    with pytest.raises(LabError, match="run it as root"):
        needs.require()


@pytest.mark.parametrize(
    "capability, what", [("sys_admin", "namespaces (unshare: unshare failed"), ("net_admin", "network bridges")]
)
def test_where_root_lacks_something(lab: Lab, capability: str, what: str) -> None:
    weak = ["setpriv", f"--bounding-set=-{capability}", f"--inh-caps=-{capability}"]
    for verb in ("check", "up"):
        result = subprocess.run([*weak, *lab.argv(verb)], capture_output=True, text=True, check=False)
        assert result.returncode == 1
        assert f"Root does not get {what}" in result.stdout + result.stderr
        assert (result.stdout + result.stderr).count("\n") == 1


def test_where_packages_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "PACKAGES", {"mount": "mount", "no-such": "no-such-program", "file": "/no/such"})
    assert needs.missing_packages() == ["file", "no-such"]
    with pytest.raises(LabError, match="file, no-such are missing: run `tests/lab/mailfleet-lab install`"):
        needs.require()
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, **more: None if name == "apt-get" else which(name, **more))
    (sentence,) = needs.obstacles()
    assert sentence.startswith("The packages file, no-such and apt-get to install them are missing")
