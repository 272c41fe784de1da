# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

BEFORE = """
import os, signal, sys, time
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.keeper import Keeper
def finish(begun):
    with open("/proc/self/cmdline") as stream:
        name = stream.read().strip("\\0")
    with open("finished.new", "w") as stream:
        stream.write("%s %s %s" % (begun, name, os.getsid(0) == os.getpid()))
    os.rename("finished.new", "finished")
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):  # who runs the tests may ignore them, as nohup does
    signal.signal(number, signal.SIG_DFL)
keeper = Keeper(finish)
"""


def run(script: str, path: Path, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", BEFORE + textwrap.dedent(script)]
    return subprocess.Popen(
        command, cwd=path, env=environment, stdout=stdout, universal_newlines=True, start_new_session=True
    )


def finished(path: Path) -> str:
    end = time.monotonic() + 20
    while not (path / "finished").exists() and time.monotonic() < end:
        time.sleep(0.01)
    return (path / "finished").read_text()


@pytest.mark.parametrize("begun", [True, False])
def test_it_finishes_what_a_process_that_is_killed_has_begun(tmp_path: Path, begun: bool) -> None:
    script = "keeper.begin()\n" if begun else ""
    assert run(f"{script}os.kill(os.getpid(), signal.SIGKILL)", tmp_path).wait(20) == -signal.SIGKILL
    assert finished(tmp_path) == f"{begun} mailfleet keeper True"


def test_it_outlives_all_of_the_process_group(tmp_path: Path) -> None:
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP):
        script = f"keeper.begin()\nos.killpg(os.getpgid(0), {int(number)})\ntime.sleep(20)"
        assert run(script, tmp_path).wait(20) == -number
        assert finished(tmp_path).startswith("True ")
        (tmp_path / "finished").unlink()


def test_it_finishes_what_a_process_leaves_to_it(tmp_path: Path) -> None:
    assert run("keeper.begin()\nkeeper.leave()", tmp_path).wait(20) == 0
    assert finished(tmp_path).startswith("True ")


def test_once_dismissed_it_is_gone(tmp_path: Path) -> None:
    script = """
        keeper.begin()
        keeper.dismiss()
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            print("gone")
    """
    assert run(script, tmp_path, subprocess.PIPE).communicate(timeout=20)[0] == "gone\n"
    assert not (tmp_path / "finished").exists()


def test_nobody_waits_for_its_output(tmp_path: Path) -> None:
    """As sshd does for that of a module, until nobody can write any more."""
    script = """
        keeper.dismiss()
        def finish(begun):
            time.sleep(5)
        keeper = Keeper(finish)
        keeper.begin()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    process = run(script, tmp_path, subprocess.PIPE)
    process.wait(20)
    began = time.monotonic()
    process.communicate(timeout=20)
    assert time.monotonic() - began < 4
