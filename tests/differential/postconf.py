# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the real postconf of a Postfix says about many configuration directories."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

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
    for key, (main, master) in pairs.items():
        (cases / key).mkdir()
        for name, text in (("main.cf", main), ("master.cf", master)):
            path = cases / key / name
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
            os.utime(path, (0, 0))  # postconf reads a file again and again that is less than two seconds old
    each = ["xargs", f"--max-procs={os.cpu_count() or 1}", "--max-args=10", "/bin/sh", "-c", _SCRIPT]
    with PostfixTree(tree, scratch / "tree") as entered:
        entered.mount("cases", "--bind", str(cases))
        entered.run(*each, " ".join(_QUESTIONS.values()), input="\n".join(pairs), text=True, check=True)
    return {key: {question: _answer(cases / key, option) for question, option in _QUESTIONS.items()} for key in pairs}


def _answer(case: Path, option: str) -> Answer:
    out, err = [(case / f"{name}{option}").read_bytes().decode("utf-8", "surrogateescape") for name in ("out", "err")]
    return Answer(int((case / f"rc{option}").read_text(encoding="ascii")), out, err)


def lines(text: str) -> List[str]:
    """Lines end at a newline and nowhere else."""
    return text.split("\n")[:-1] if text.endswith("\n") else [line for line in text.split("\n") if line]
