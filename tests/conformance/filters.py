# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases through the filters that users call, many in one process of ansible-playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf

from .predict import Prediction, main_of, master_of

_HERE = Path(__file__).resolve().parent


def question(task: dict[str, Any], version: str, addresses: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What the filters are given; None for a main.cf that no mapping of settings stands for."""
    main = MainCf(main_of(task))
    if main.fatal() is not None:
        return None
    settings, services = main.values(), master_of(task)
    return {
        "settings": settings,
        "services": services,
        "version": version,
        "addresses": addresses,
        "names": task["names"],
    }


def through_filters(questions: list[dict[str, Any]], scratch: Path) -> list[tuple[Prediction, Any]]:
    """Ask them all; return for each what the first three filters say, and what findings says."""
    files = {name: scratch / f"{name}.json" for name in ("questions", "answers")}
    files["questions"].write_text(json.dumps(questions), encoding="utf-8")
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        "--inventory=localhost,",
        str(_HERE / "filters.yml"),
    ]
    command += [f"--extra-vars={name}={path}" for name, path in files.items()]
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": os.environ["PYTHONPATH"],
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    with (scratch / "log").open("w+", encoding="utf-8") as log:
        if subprocess.run(command, env=environment, stdout=log, stderr=log, check=False).returncode:
            log.seek(0)
            raise RuntimeError("ansible-playbook failed:\n" + log.read()[-3000:])
    results = json.loads(files["answers"].read_text(encoding="utf-8"))
    columns = [results[name] for name in ("own_addresses", "listeners", "source_addresses", "findings")]
    return [(Prediction(*row[:3]), row[3]) for row in zip(*columns, strict=True)]
