# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nobody has asked for; that hosts are told of it, tests/integration/test_ledger.py shows."""

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.items import ENTRY, OPTION, Item
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.ownership import is_ours

SMTP = Item("services", "25/inet", ENTRY)
BANNER = Item("services", "25/inet", f"{OPTION}smtpd_banner")


@pytest.mark.parametrize("ours, expected", [([], False), ([SMTP], True), ([BANNER], True)])
def test_an_entry_that_anything_was_set_of_was_asked_for(ours: "list[Item]", expected: bool) -> None:
    assert is_ours(SMTP, [item.title for item in ours]) == expected
    assert not is_ours(Item("services", "125/inet", ENTRY), [item.title for item in ours])


def test_an_option_was_asked_for_itself() -> None:
    assert is_ours(BANNER, [BANNER.title])
    assert not is_ours(BANNER, [SMTP.title])
