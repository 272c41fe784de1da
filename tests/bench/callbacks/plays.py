# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints how long each play took: a line `PLAY name seconds`."""

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "plays"

    name = ""

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._end()
        self.name, self.began = play.get_name(), time.monotonic()

    def v2_playbook_on_stats(self, _stats: Any) -> None:
        self._end()

    def _end(self) -> None:
        if self.name:
            print(f"PLAY {self.name} {time.monotonic() - self.began:.4f}", flush=True)
