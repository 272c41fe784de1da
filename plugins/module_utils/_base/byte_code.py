# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The byte code of the core, kept from one run to the next.

Ansible sends the core as sources in a zip, which Python compiles on every run: most of what a run costs that finds
everything in line. The sources stay the truth: byte code is used for a source with the same SHA-256, and no other.
"""

from __future__ import annotations

import atexit
import marshal
import os
import stat
import sys
import zlib
from contextlib import suppress
from hashlib import sha256
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import MAGIC_NUMBER, spec_from_file_location
from types import CodeType
from typing import Any, Dict, Optional, Tuple

STATE_DIRECTORY = "/var/lib/mailfleet.postfix"

_CORE = __name__.rpartition("_base.")[0]
_PREFIX = "byte-code."
_LARGEST = 1 << 22  # bytes; the whole core has a fifth of it
_STORES = 3  # one for each version of Python that runs here


def only_owner_writes(status: os.stat_result) -> bool:
    """Return whether a file or directory is this user's, and nobody else may write to it."""
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


class ByteCode:
    """What finds the core for Python (importlib): its sources in the zip, their byte code in the store or compiled.

    The store is a file for each version of Python: a checksum, and by module the hash of its source and its byte code.
    One that is damaged, or that another user could have written, is not used. A run never fails for it.

    :param archive: what reads the zip (zipimport.zipimporter); without it everything is imported as ever
    :param directory: where the store is
    """

    def __init__(self, archive: Any, directory: str = STATE_DIRECTORY) -> None:
        self.archive = archive
        self.directory = directory
        self.path = f"{directory}/{_PREFIX}{sys.implementation.cache_tag}-{MAGIC_NUMBER.hex()}"
        self.stored = self._read() if archive else {}
        self.used: Dict[str, Tuple[bytes, bytes]] = {}

    @classmethod
    def use(cls) -> ByteCode:
        """Import the core by its byte code from here on, if it comes from a zip."""
        loader = globals().get("__loader__")
        byte_code = cls(loader if hasattr(loader, "archive") else None)
        if byte_code.archive:
            sys.meta_path.insert(0, byte_code)
        return byte_code

    def keep(self) -> None:
        """Keep what this run has compiled, at its end."""
        atexit.register(self.write)

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> Optional[ModuleSpec]:
        """Return how a module of the core is loaded; None for another one, or one that is not in the zip."""
        if name.startswith(_CORE):
            place = "/".join([self.archive.archive, *name.split(".")])
            for path, inside in ((f"{place}.py", None), (f"{place}/__init__.py", [place])):
                with suppress(OSError):
                    loader = _Loader(name, path, self.archive.get_data(path), self)
                    return spec_from_file_location(name, path, loader=loader, submodule_search_locations=inside)
        return None

    def code_of(self, name: str, source: bytes) -> CodeType:
        """Return the code of a module."""
        digest = sha256(source).digest()
        with suppress(KeyError, TypeError, ValueError, EOFError):
            known, packed = self.stored[name]
            code = marshal.loads(packed) if known == digest else None
            if isinstance(code, CodeType):
                self.used[name] = known, packed
                return code
        compiled: CodeType = compile(source, f"{name.replace('.', '/')}.py", "exec", dont_inherit=True, optimize=0)
        self.used[name] = digest, marshal.dumps(compiled)
        return compiled

    def write(self) -> None:
        """Replace the store if this run has compiled something; without a word where that cannot be done."""
        compiled = [name for name, entry in self.used.items() if self.stored.get(name) != entry]
        if not compiled:
            return
        # A source that has changed means another release. What else is stored may be of modules that are gone.
        others = {} if any(name in self.stored for name in compiled) else self.stored
        packed = marshal.dumps({**others, **self.used})
        if len(packed) >= _LARGEST:
            return
        new = f"{self.path}.{os.getpid()}"
        with suppress(OSError):
            with suppress(FileExistsError):
                os.mkdir(self.directory, 0o700)
            if not self._is_private():
                return
            try:
                with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as stream:
                    stream.write(zlib.crc32(packed).to_bytes(4, "big") + packed)
                os.rename(new, self.path)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(new)
            self._tidy()

    def _read(self) -> Dict[str, Any]:
        with suppress(OSError, TypeError, ValueError, EOFError):
            status = os.lstat(self.path)
            is_file = stat.S_ISREG(status.st_mode) and status.st_size <= _LARGEST
            if is_file and only_owner_writes(status) and self._is_private():
                with open(self.path, "rb") as stream:
                    content = memoryview(stream.read())
                if zlib.crc32(content[4:]).to_bytes(4, "big") == content[:4]:
                    stored = marshal.loads(content[4:])
                    return stored if isinstance(stored, dict) else {}
        return {}

    def _is_private(self) -> bool:
        status = os.lstat(self.directory)
        return stat.S_ISDIR(status.st_mode) and only_owner_writes(status)

    def _tidy(self) -> None:
        """Remove what other versions of Python, and runs that were killed, have left, but for the latest."""
        names = [name for name in os.listdir(self.directory) if name.startswith(_PREFIX)]
        paths = [os.path.join(self.directory, name) for name in names]
        for path in sorted(paths, key=os.path.getmtime)[:-_STORES]:
            os.unlink(path)


class _Loader(SourceFileLoader):
    """Loads one module of the zip; tracebacks get its source too."""

    def __init__(self, name: str, path: str, source: bytes, byte_code: ByteCode) -> None:
        super().__init__(name, path)
        self.source = source
        self.byte_code = byte_code

    def get_data(self, _path: Any) -> bytes:
        return self.source

    def get_code(self, fullname: str) -> CodeType:
        return self.byte_code.code_of(fullname, self.source)
