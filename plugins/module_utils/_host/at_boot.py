# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A unit that runs a part of the core once, when the host boots, before Postfix starts; and that part, kept for it.

Without systemd there is no such unit, and the next run does what it would have done.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from io import BytesIO
from typing import Any, Dict, Iterable

from .command import run
from .store import State, TransactionError, put_file, sync_directory
from .unit_properties import unit_properties

UNITS = "/etc/systemd/system"
NAME = "mailfleet-unconfirmed.service"

_CODE = "at-boot.zip"
_BOOTED = "/run/systemd/system"  # exists where systemd runs (sd_booted(3))
_CORE = __name__.rpartition("_host.")[0]
_UNIT = """\
[Unit]
Description=Take back a change of Postfix's files that was not confirmed before the host went down
Before={before}
RequiresMountsFor={mounts}
ConditionPathExists={code}

[Service]
Type=oneshot
ExecStart={python} -I -B {quoted_code}
TimeoutStartSec=90
"""


def keep(state: State, main: str, needed: Iterable[str], before: Iterable[str], mounts: Iterable[str]) -> None:
    """Have a part of the core run when the host boots.

    :param state: where its code is kept; its directory is what its function ``main`` is called with
    :param main: the module of the core that has this function
    :param needed: the other modules that it needs
    :param before: the units that are not to start until it has ended
    :param mounts: the directories that it needs
    """
    if not os.path.isdir(_BOOTED):
        return
    from .quick_restart import quoted  # not what runs at boot

    code = state.path(_CODE)
    state.keep(_CODE, _packed(main, [main, *needed], state.directory))
    text = _UNIT.format(
        before=" ".join(dict.fromkeys(["postfix.service", *before])),
        mounts=" ".join(quoted(path) for path in dict.fromkeys([state.directory, *mounts])),
        code=quoted(code)[1:-1],
        python=quoted(sys.executable, "$"),
        quoted_code=quoted(code, "$"),
    )
    with suppress(OSError):  # a read-only system: the next run does it
        put_file(os.path.join(UNITS, NAME), text.encode("utf-8", "surrogateescape"), 0o644)
        wanted_by = os.path.dirname(_link())
        os.makedirs(wanted_by, 0o755, exist_ok=True)
        with suppress(FileExistsError):
            os.symlink(f"../{NAME}", _link())
        sync_directory(wanted_by)


def forget(state: State) -> None:
    """Remove the unit and its code."""
    unit, was_there = os.path.join(UNITS, NAME), False
    for path in (_link(), unit):
        with suppress(OSError):
            os.unlink(path)
            sync_directory(os.path.dirname(path))
            was_there = True
    with suppress(TransactionError):
        state.remove(_CODE)
    if was_there and os.path.isdir(_BOOTED):
        until = time.monotonic() + 10
        # Whoever has had systemd read its files since, as a restart of ours does, has made it known.
        if dict(unit_properties(NAME, ["LoadState"], until)).get("LoadState") not in (None, "not-found"):
            run(["systemctl", "daemon-reload"], until)


def _link() -> str:
    return os.path.join(UNITS, "multi-user.target.wants", NAME)


def _packed(main: str, modules: Iterable[str], argument: str) -> bytes:
    """Return a zip that Python runs (zipapp), with the sources of modules of the core."""
    import zipfile  # long to load

    files: Dict[str, str] = {"__main__.py": f"from {_CORE}{main} import main\n\nmain({argument!r})\n"}
    for name in modules:
        package = ""
        for part in f"{_CORE}{name}".split(".")[:-1]:
            package += f"{part}/"
            files[f"{package}__init__.py"] = ""
        files[f"{_CORE}{name}.".replace(".", "/")[:-1] + ".py"] = _source(f"{_CORE}{name}")
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return packed.getvalue()


def _source(name: str) -> str:
    """Return the source of a module that this run has loaded, from wherever that was."""
    __import__(name)
    module: Any = sys.modules[name]
    return str(module.__spec__.loader.get_source(name))
