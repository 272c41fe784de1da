# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pickle
import typing
from pathlib import Path
from typing import Any, Optional, Sequence

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base import records

CORE = Path(records.__file__).parents[1]


class Ours(records.NamedTuple):
    """What it is."""

    name: str
    #: with a default
    ports: Sequence[int] = ()
    parent: Optional[Ours] = None

    @property
    def first(self) -> Optional[int]:
        return self.ports[0] if self.ports else None

    @classmethod
    def of(cls, text: str) -> Ours:
        return cls(text, [len(text)])

    def __str__(self) -> str:
        return f"<{self.name}>"


class Theirs(typing.NamedTuple):
    """What it is."""

    name: str
    #: with a default
    ports: Sequence[int] = ()
    parent: Optional[Theirs] = None

    @property
    def first(self) -> Optional[int]:
        return self.ports[0] if self.ports else None

    @classmethod
    def of(cls, text: str) -> Theirs:
        return cls(text, [len(text)])

    def __str__(self) -> str:
        return f"<{self.name}>"


@pytest.mark.parametrize("arguments", [("a",), ("a", [1, 2]), ("a", (), None)])
def test_it_is_what_typing_makes(arguments: Any) -> None:
    ours, theirs = Ours(*arguments), Theirs(*arguments)
    assert ours == theirs
    assert isinstance(ours, tuple)
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert str(ours) == "<a>"
    assert (ours.first, ours._asdict(), ours._replace(name="b")) == (
        theirs.first,
        theirs._asdict(),
        theirs._replace(name="b"),
    )
    assert Ours.of("abc") == Theirs.of("abc") == ("abc", [3], None)
    assert pickle.loads(pickle.dumps(ours)) == ours
    for name in ("__module__", "__doc__", "_fields", "_field_defaults"):
        assert getattr(Ours, name) == getattr(Theirs, name), name
    assert (Ours.__name__, Ours.__qualname__) == ("Ours", "Ours")
    assert list(Ours.__annotations__) == list(Theirs.__annotations__)


def test_what_is_missing_or_too_much_is_an_error() -> None:
    with pytest.raises(TypeError):
        Ours()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Ours("a", other=1)  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        Ours("a").other = 1  # type: ignore[attr-defined]


def test_the_core_uses_no_other() -> None:
    others = [
        f"{path.relative_to(CORE)}: {line}"
        for path in sorted(CORE.rglob("*.py"))
        if path.name != "records.py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(("from typing import", "from collections import", "    NamedTuple,"))
        and "amed" in line.lower()
    ]
    assert others == []
