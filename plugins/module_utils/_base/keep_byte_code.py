# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write down the byte code of the core for the runs that follow (see :mod:`_base.byte_code`)."""

from __future__ import annotations

import atexit
import marshal
import os
import zlib
from contextlib import suppress

from .byte_code import LARGEST, PREFIX, ByteCode, only_owner_writes

_STORES = 3  # one for each version of Python that runs here


def keep_at_end(byte_code: ByteCode) -> None:
    """Keep what this run will have compiled until its end."""
    atexit.register(keep, byte_code)


def keep(byte_code: ByteCode) -> None:
    """Replace the store if this run has compiled something; without a word where that cannot be done."""
    stored, used = byte_code.stored, byte_code.used
    compiled = [name for name, entry in used.items() if stored.get(name) != entry]
    if not compiled:
        return
    # A source that has changed means another release. What else is stored may be of modules that are gone.
    content = marshal.dumps(used if any(name in stored for name in compiled) else {**stored, **used})
    if len(content) < LARGEST:
        with suppress(OSError):
            _replace(byte_code.directory, byte_code.path, zlib.crc32(content).to_bytes(4, "big") + content)


def _replace(directory: str, path: str, content: bytes) -> None:
    with suppress(FileExistsError):
        os.mkdir(directory, 0o700)
    if not only_owner_writes(os.lstat(directory)):
        return
    new = f"{path}.{os.getpid()}"
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as stream:
            stream.write(content)
        os.rename(new, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(new)
    # Of what other versions of Python, and runs that were killed, have left, the latest may still be in use.
    paths = [os.path.join(directory, name) for name in os.listdir(directory) if name.startswith(PREFIX)]
    for old in sorted(paths, key=os.path.getmtime)[:-_STORES]:
        os.unlink(old)
