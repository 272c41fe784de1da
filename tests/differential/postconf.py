# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the real postconf of a Postfix says about many configuration directories."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._change.transaction import (
    NAMES,
    Transactions,
    read_files,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.lines import encode_config

from ..postfix_tree import PostfixTree

# -o mynetworks=: a default of mynetworks would be computed from inet_interfaces, and die of most of ours.
_QUESTIONS = {"main": "-n", "entries": "-M", "fields": "-F", "options": "-P"}
_SCRIPT = """
questions=$0
for name; do
    case=/cases/$name
    for question in $questions; do
        postconf -c "$case" -o mynetworks= "$question" >"$case/out$question" 2>"$case/err$question" </dev/null
        echo $? >"$case/rc$question"
    done
done
"""


class Answer(NamedTuple):
    """What postconf printed."""

    rc: int
    out: str
    err: str


def ask(tree: Path, pairs: Dict[str, Tuple[str, str]], scratch: Path) -> Dict[str, Dict[str, Answer]]:
    """The answers of the Postfix in `tree` about pairs of files, by the pair's key and by question.

    :param scratch: an empty directory
    """
    cases = scratch / "cases"
    cases.mkdir()
    for number, (key, texts) in enumerate(pairs.items()):
        if number % 3:
            (cases / key).mkdir()
            write(cases / key, texts)
        else:
            write_through_link(cases, key, texts, scratch / "state")
        for name in NAMES:
            os.utime(cases / key / name, (0, 0))  # postconf reads a file again and again that is less than 2 s old
    each = ["xargs", f"--max-procs={os.cpu_count() or 1}", "--max-args=10", "/bin/sh", "-c", _SCRIPT]
    with PostfixTree(tree, scratch / "tree") as entered:
        entered.mount("cases", "--bind", str(cases))
        entered.run(*each, " ".join(_QUESTIONS.values()), input="\n".join(pairs), text=True, check=True)
    return {key: {question: _answer(cases / key, option) for question, option in _QUESTIONS.items()} for key in pairs}


def write(directory: Path, texts: Tuple[str, str]) -> None:
    """Write both files as an administrator does."""
    for name, text in zip(NAMES, texts, strict=True):
        (directory / name).write_bytes(encode_config(text))


def write_through_link(cases: Path, key: str, texts: Tuple[str, str], state: Path) -> None:
    """Write both files as the module does, in a directory that is reached by a link."""
    real = cases / f"{key}.real"
    real.mkdir()
    write(real, ("", ""))
    (cases / key).symlink_to(real.name)
    directory = str(cases / key)
    Transactions(directory, str(state), time_limit=1).commit(read_files(directory), *texts)


def _answer(case: Path, option: str) -> Answer:
    out, err = [(case / f"{name}{option}").read_bytes().decode("utf-8", "surrogateescape") for name in ("out", "err")]
    return Answer(int((case / f"rc{option}").read_text(encoding="ascii")), out, err)


def lines(text: str) -> List[str]:
    """Lines end at a newline and nowhere else."""
    return text.split("\n")[:-1] if text.endswith("\n") else [line for line in text.split("\n") if line]
