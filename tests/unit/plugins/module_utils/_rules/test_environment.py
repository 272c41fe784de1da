# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.environment import has_imported

# tests/conformance/kept.py shows on real masters what they give to their programs.
IMPORTED = [
    ("", {}),
    ("MAIL_CONFIG MAIL_DEBUG TZ", {"TZ": "UTC"}),
    ("TZ LANG=C", {"LANG": "C"}),
    ("TZ,LANG=C,\n  EMPTY=", {"LANG": "C", "EMPTY": ""}),
    ("{ WORDS = one, two } {LANG=C}", {"LANG": "C", "WORDS": "one, two"}),
    ("BRACES={x y}", {"BRACES": "{x y}"}),
    ("LANG=C LANG=de_DE", {"LANG": "de_DE"}),
    ("MAIL_LOGTAG=other POSTLOG_SERVICE=x", {"MAIL_LOGTAG": "postfix"}),
]


@pytest.mark.parametrize("value, environment", IMPORTED)
def test_what_a_program_has_then(value: str, environment: dict[str, str]) -> None:
    assert has_imported(value, {"PATH": "/bin", **environment})


@pytest.mark.parametrize("value", [value for value, environment in IMPORTED if "LANG" in environment])
def test_what_it_lacks_else(value: str) -> None:
    assert not has_imported(value, {"LANG": "fr_FR"})
    assert not has_imported(value, {})
