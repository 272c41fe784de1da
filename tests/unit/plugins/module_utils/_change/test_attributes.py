# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extended attributes where there can be none; that those that there are stay, tests/crash/test_metadata.py shows."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import atomic_replace


def test_a_file_system_without_attributes_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(number: int) -> None:
        def listed(file: object) -> list:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "listxattr", listed)

    refuse(errno.ENOTSUP)
    assert atomic_replace._attributes(str(tmp_path)) == {}
    refuse(errno.EIO)
    with pytest.raises(OSError, match="Input/output error"):
        atomic_replace._attributes(str(tmp_path))
