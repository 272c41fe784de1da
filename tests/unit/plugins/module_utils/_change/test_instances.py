# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is refused before anything is asked of Postfix; what it does then, tests/integration/test_instances.py has."""

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.instances import create, remove


@pytest.mark.parametrize(
    "name", ["", "-", "x", "postfix-", "postfix-..", "postfix-a/b", "postfix-a\n", "postfix-٢", "postfix-" + "a" * 250]
)
def test_what_is_no_name_of_an_instance(name: str) -> None:
    for change in (create, remove):
        with pytest.raises(InputError, match="name: .* is not the name of a secondary instance"):
            change(name, check_mode=True)


@pytest.mark.parametrize("group", ["a b", "a\nrelayhost = x", "#x", "$x", "-x", "\0", "٢"])
def test_what_is_no_name_of_a_group(group: str) -> None:
    with pytest.raises(InputError, match="group: .* is not the name of a group"):
        create("postfix-a", group, check_mode=True)
