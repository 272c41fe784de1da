# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts of what the info module tells; all of it is asked of hosts in tests/integration."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.mailfleet.postfix.plugins.module_utils._change.versions import VERSIONS
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe import info
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import State
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings


def test_a_parameter_that_cannot_be_expanded_has_no_value() -> None:
    settings = Settings({"inet_interfaces": "$x", "smtp_bind_address": "${", "x": "all"}, (3, 7))
    told = {
        name: info._parameter(settings, name) for name in ("inet_interfaces", "inet_protocols", "smtp_bind_address")
    }
    assert told == {
        "inet_interfaces": {"value": "all", "set": "$x"},
        "inet_protocols": {"value": "all", "set": None},
        "smtp_bind_address": {"value": None, "set": "${"},
    }


def test_a_host_without_versions_has_none(tmp_path: Path) -> None:
    state = State("/etc/postfix", str(tmp_path))
    assert info._versions(state, ("", "")) == []
    os.makedirs(state.path(VERSIONS))
    assert info._versions(state, ("", "")) == []
