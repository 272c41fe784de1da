# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/first_ten_minutes.md and README.md show of a terminal, from a real run on a host of the lab.

``make transcripts`` writes it; ``test_transcripts.py`` holds it against another run. A block of the kind ``console``
has a command and its output, and is carried out. A comment above a block says which lines of the output it shows:
``<!-- lines: REGEX -->``, or in README.md ``<!-- lines of COMMAND: REGEX -->``.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import pages
from mail_host import Commands, Sink, add_host, wait_until

PAGE = pages.CHECKOUT / "docs" / "first_ten_minutes.md"
README = pages.CHECKOUT / "README.md"


class Run:
    """The commands of the page, carried out one after the other on a host as its package had set it up."""

    def __init__(self, commands: Commands, sink: Sink) -> None:
        self.commands, self.sink = commands, sink
        #: what each command said, in order; one that is there twice has two
        self.said: list[tuple[str, str]] = []
        #: the source address of the mail of step 6
        self.mail_from = ""
        for block in pages.of_page(PAGE):
            if block.kind in ("ini", "yaml"):
                commands.write(block.title, block.text)
            elif block.kind == "console":
                self._carry_out(command_of(block))

    def _carry_out(self, command: str) -> None:
        before = len(self.sink.sources)
        done = self.commands.run(command)
        if done.returncode:
            raise RuntimeError(f"{command}: exit {done.returncode}\n{done.stdout}")
        self.said.append((command, done.stdout))
        if "sendmail" in command:
            self.mail_from = wait_until(lambda: (self.sink.sources[before:] or [""])[0], 20, "the mail arriving")

    def block(self, block: pages.Example, number: int) -> str:
        """The text that a block should have; `number` counts the console blocks of the page."""
        named = re.match(r"<!-- lines of (?P<command>.*?): (?P<lines>.*) -->", block.comment)
        if named:
            output = next(output for command, output in self.said if command == named["command"])
            return shown(output, named["lines"], "")
        command, output = self.said[number]
        lines = re.match(r"<!-- lines: (.*) -->", block.comment)
        return f"$ {command}\n" + shown(output, lines[1] if lines else "", "…\n")


def command_of(block: pages.Example) -> str:
    """The command in the first line of a console block."""
    return block.text.split("\n", 1)[0].removeprefix("$ ")


def shown(output: str, lines: str, gap: str) -> str:
    """The lines of an output that match; `gap` stands for some that do not."""
    text, left_out = "", False
    for line in output.splitlines():
        if lines and not re.search(lines, line):
            left_out = True
        elif line or not lines:
            text += (gap if left_out else "") + line.rstrip() + "\n"
            left_out = False
    return (text + (gap if left_out else "")).rstrip("\n") + "\n" if text.strip() else ""


def same(text: str) -> str:
    """A text without what is different each time, or on each release."""
    text = re.sub(r"\d+\.\d s\b", "0.0 s", text)
    return re.sub(r"[ \t]+", " ", re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "TIME", text))


def written(page: Path, run: Run) -> str:
    """The text of a page with what the run has said."""
    text, number = page.read_text(encoding="utf-8"), 0
    for block in pages.of_page(page):
        if block.kind == "console" or block.comment.startswith("<!-- lines of "):
            text = text.replace(
                f"```{block.kind}\n{block.text}```", f"```{block.kind}\n{run.block(block, number)}```", 1
            )
            number += block.kind == "console"
    return text


def main(suite: str) -> None:
    """Write both pages anew."""
    add_host(suite)
    with tempfile.TemporaryDirectory() as directory, Sink("192.0.2.1") as sink:
        run = Run(Commands(Path(directory)), sink)
    for page in (PAGE, README):
        page.write_text(written(page, run), encoding="utf-8")
    print(f"Mail came from {run.mail_from}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
