# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.mailfleet.postfix.tests.mutation.equivalent import Equivalents
from ansible_collections.mailfleet.postfix.tests.mutation.mutants import mutants_of

TEXT = '''\
"""Not changed."""

LIMIT = 3
Numbers = List[int]


class Few:
    @property
    def few(self) -> int:
        """Return some number."""
        if len(self.all) < LIMIT:
            raise ValueError("there are not enough")
        return LIMIT
'''


def test_mutants_are_the_file_with_one_thing_changed() -> None:
    mutants = mutants_of("few.py", TEXT)
    assert {(mutant.line, mutant.scope, mutant.before, mutant.after) for mutant in mutants} == {
        (3, "", "LIMIT = 3", "LIMIT = 4"),
        (3, "", "LIMIT = 3", "LIMIT = None"),
        (11, "Few.few", "if len(self.all) < LIMIT:", "if len(self.all) <= LIMIT:"),
        (12, "Few.few", 'raise ValueError("there are not enough")', "raise ValueError(None)"),
    }
    for mutant in mutants:
        pairs = zip(TEXT.splitlines(), mutant.text.splitlines(), strict=True)
        changed = [(before.strip(), after.strip()) for before, after in pairs if before != after]
        assert changed == [(mutant.before, mutant.after)]


def test_what_is_called_equivalent_has_to_be_a_mutant() -> None:
    mutants = mutants_of("few.py", TEXT)
    (chosen,) = [mutant for mutant in mutants if mutant.after == "LIMIT = 4"]
    named = Equivalents({chosen.identity: "for a test"})
    assert chosen in named
    assert named.stale(mutants) == []
    gone = Equivalents({("few.py", "", "LIMIT = 2", "LIMIT = 3"): "for a test"})
    assert gone.stale(mutants) == ["few.py, : 0 mutants make 'LIMIT = 3' of 'LIMIT = 2'"]
    assert gone.stale(mutants_of("other.py", TEXT)) == []
