# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutants that do what the original does, or nothing else that matters, each with the reason: equivalent.yml."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import yaml

from .mutants import Mutant

KEPT = Path(__file__).with_name("equivalent.yml")


class Equivalents:
    """What equivalent.yml has."""

    def __init__(self, reasons: dict[tuple[str, str, str, str], str]) -> None:
        self.reasons = reasons

    @classmethod
    def read(cls) -> Equivalents:
        """Read the file: files with functions with a list of lines as they are, as they could be, and the reason."""
        reasons: dict[tuple[str, str, str, str], str] = {}
        for file, scopes in (yaml.safe_load(KEPT.read_text(encoding="utf-8")) or {}).items():
            for scope, groups in scopes.items():
                for group in groups:
                    for after in group["equivalent"]:
                        reasons[file, scope, group["line"].rstrip("\n"), after.rstrip("\n")] = group["why"]
        return cls(reasons)

    def __contains__(self, mutant: Mutant) -> bool:
        return mutant.identity in self.reasons

    def stale(self, mutants: Iterable[Mutant]) -> list[str]:
        """Say which of those about the files of these mutants are none of them, or more than one."""
        times = Counter(mutant.identity for mutant in mutants)
        files = {identity[0] for identity in times}
        return [
            f"{identity[0]}, {identity[1]}: {times[identity]} mutants make {identity[3]!r} of {identity[2]!r}"
            for identity in self.reasons
            if identity[0] in files and times[identity] != 1
        ]
