# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""worker.py: tries what it reads from its standard input, one JSON a line, in the copy of the checkout around it.

What pytest and hypothesis take to load is loaded once, and each trial is a fork of that; nothing of the collection is
loaded before, so that each trial loads the file that it is about. A line has the file, its text (null to leave it as it
is), the files of tests, and the limit in seconds for each. The answer is the exit code of pytest, -1 at the limit.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

import pytest

#: the answer where the tests never loaded the file that they are about, or another one of that name
NOT_LOADED = 99
for _name in ("hypothesis.extra", "yaml"):
    importlib.import_module(_name)
_MEMORY = 4 << 30


def _run(file: Path, arguments: list[str]) -> int:
    """Run tests in this process, and make sure that they were about this very file."""
    code = int(pytest.main(["-q", "-x", "-m", "not duration", *arguments]))
    if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        name = ".".join(file.with_suffix("").parts)
        module = sys.modules.get(f"ansible_collections.mailfleet.postfix.{name}")
        if module is None or Path(str(module.__file__)).resolve() != file.resolve():
            return NOT_LOADED
    return code


def _trial(file: Path, mutated: bool, arguments: list[str], limit: float) -> int:
    """Run tests in a fork, at most for so long."""
    child = os.fork()
    if child == 0:
        code = 3  # as of an internal error of pytest
        try:
            os.setsid()
            output = os.open("trial.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
            sys.dont_write_bytecode = mutated
            code = _run(file, arguments)
        finally:
            os._exit(code)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else pytest.ExitCode.TESTS_FAILED
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def _trials(file: Path, mutated: bool, tests: list[str], limit: float) -> int:
    """Run one file of tests after the other, until one fails."""
    code = 0
    for test in tests:
        code = _trial(file, mutated, [test], limit)
        if code:
            break
    return code


def main() -> None:
    for line in sys.stdin:
        trial = json.loads(line)
        file = Path(trial["file"])
        if trial["text"] is None:
            code = _trials(file, False, trial["tests"], trial["limit"])
        else:
            for compiled in file.parent.glob(f"__pycache__/{file.stem}.*"):
                compiled.unlink()
            original = file.read_bytes()
            file.write_text(trial["text"], encoding="utf-8")
            try:
                code = _trials(file, True, trial["tests"], trial["limit"])
            finally:
                file.write_bytes(original)
        print(code, flush=True)


if __name__ == "__main__":
    main()
