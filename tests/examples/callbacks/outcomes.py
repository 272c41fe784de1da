# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what each play and each task came to as a line of JSON, to the file that OUTCOMES names."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "outcomes"

    play = ""

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self.play = play.get_name()
        self._write(task="", state="started", result={})

    def v2_runner_on_ok(self, result: Any) -> None:
        self._end("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._end("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._end("failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._end("skipped", result)

    def _end(self, state: str, result: Any) -> None:
        task = getattr(result, "task", None) or result._task
        answer = getattr(result, "result", None) or result._result
        self._write(task=task.get_name(), state=state, result=answer)

    def _write(self, **line: Any) -> None:
        with open(os.environ["OUTCOMES"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps({"play": self.play, **line}, default=str) + "\n")
