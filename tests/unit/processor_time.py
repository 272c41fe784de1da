# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long work takes, told so that a slow or busy machine is no defect.

What is measured is processor time, of the fastest of some turns. A bound in seconds is one of the machine on which the
bounds were set: what a machine takes for `_yardstick` tells how its seconds compare.
"""

from __future__ import absolute_import, annotations, division, print_function

import gc
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator, List

#: what `_yardstick` takes where the bounds were set, in seconds
_USUAL = 0.07


def costs(*works: Callable[[], object], turns: int = 7) -> List[float]:
    """Return the processor time in seconds of the fastest of some turns of each, which are taken in turns."""
    best = [float("inf")] * len(works)
    with _without_what_is_not_theirs():
        for _turn in range(turns):
            for number, work in enumerate(works):
                start = time.process_time()
                work()
                best[number] = min(best[number], time.process_time() - start)
    return best


def within(seconds: float, work: Callable[[], Any]) -> Any:
    """Return what the work returns; a turn of it has to take less than so many seconds, two more are allowed."""
    took = []
    for _turn in range(3):
        before = _speed()
        with _without_what_is_not_theirs():
            start = time.process_time()
            answer = work()
            took.append((time.process_time() - start) / max(1.0, before, _speed()))
        if took[-1] < seconds:
            return answer
    raise AssertionError(f"took {', '.join(f'{each:.3f}' for each in took)} s of processor time, not {seconds} s")


def _speed() -> float:
    """Return what this machine takes for what takes a second where the bounds were set."""
    return costs(_yardstick, turns=3)[0] / _USUAL


def _yardstick() -> int:
    """What the core does most: texts, lists and a mapping of them."""
    words = {}
    for number in range(60000):
        word = "10.%d.%d.%d" % (number >> 16, number >> 8 & 255, number & 255)
        words[word] = [part.strip() for part in word.split(".")]
    return len(sorted(words))


@contextmanager
def _without_what_is_not_theirs() -> Iterator[None]:
    """Keep the collector of garbage from the objects of all other tests, which no run of ours has beside it."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
