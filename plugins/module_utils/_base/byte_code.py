# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The byte code of the core, kept from one run to the next; :mod:`_base.keep_byte_code` writes it.

Ansible sends the core as sources in a zip, which Python compiles on every run: most of what a run costs that finds
everything in line. The sources stay the truth: byte code is used for what was sent with the same SHA-256, and no other.
The hash is that of a source as it is in the zip, compressed, so that it need not even be unpacked.

This is the one module of the core that is compiled on every run, so it is short.
"""

from __future__ import annotations

import gc
import marshal
import os
import struct
import sys
import zlib
from contextlib import suppress
from hashlib import sha256
from importlib.machinery import ModuleSpec
from importlib.util import MAGIC_NUMBER
from types import CodeType, ModuleType
from typing import Any, Dict, Optional, Tuple, cast

STATE_DIRECTORY = "/var/lib/mailfleet.postfix"
PREFIX = "byte-code."  # of the name of a store
LARGEST = 1 << 22  # bytes of a store; that of the whole core has a quarter of it

_CORE = __name__.rpartition("_base.")[0]
_HEADER = struct.Struct("<6xH2s8xI4xHH")  # of a file in a zip: flags, method, size, length of its name and of the rest
_MARK, _SIZE_FOLLOWS = b"PK\3\4", 8


def only_owner_writes(status: os.stat_result) -> bool:
    """Return whether a file or directory is this user's, and nobody else may write to it; false for a link."""
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


class ByteCode:
    """What finds and loads the core (importlib): its sources in the zip, their byte code in the store or compiled.

    The store is a file for each version of Python: a checksum, and by module the hash of its source and its byte code.
    One that is damaged, or that another user could have written, is not used. A run never fails for it.

    :param archive: what reads the zip (zipimport.zipimporter); without it everything is imported as ever
    :param directory: where the store is
    """

    def __init__(self, archive: Any, directory: str = STATE_DIRECTORY) -> None:
        self.archive = archive
        self.directory = directory
        self.path = f"{directory}/{PREFIX}{sys.implementation.cache_tag}-{MAGIC_NUMBER.hex()}"
        self.sent = _members(archive.archive) if archive else {}
        self.stored = self._read() if archive else {}
        self.used: Dict[str, Tuple[bytes, bytes]] = {}

    @classmethod
    def use(cls) -> ByteCode:
        """Import the core by its byte code from here on, if it comes from a zip."""
        loader = globals().get("__loader__")
        byte_code = cls(loader if hasattr(loader, "archive") else None)
        if byte_code.archive:
            gc.freeze()  # else Python looks again and again at all that Ansible has loaded, in case it can be freed
            sys.meta_path.insert(0, byte_code)
        return byte_code

    def keep(self) -> None:
        """Keep what this run has compiled, at its end."""
        from .keep_byte_code import keep_at_end

        keep_at_end(self)

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> Optional[ModuleSpec]:
        """Return how a module of the core is loaded; None for another one, or one that was not sent."""
        if name.startswith(_CORE):
            place = name.replace(".", "/")
            for path, inside in ((f"{place}.py", None), (f"{place}/__init__.py", [f"{self.archive.archive}/{place}"])):
                if path in self.sent:
                    spec = ModuleSpec(name, cast(Any, self), origin=f"{self.archive.archive}/{path}", loader_state=path)
                    spec.submodule_search_locations = inside
                    return spec
        return None

    def create_module(self, _spec: ModuleSpec) -> Optional[ModuleType]:
        """Leave it to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the code of a module in it."""
        spec: Any = module.__spec__
        exec(self.code_of(spec.name, spec.loader_state), vars(module))

    def get_source(self, name: str) -> str:
        """Return the source of a module, for tracebacks."""
        spec = self.find_spec(name)
        return str(self.archive.get_data(spec.origin), "utf-8") if spec else ""

    def code_of(self, name: str, path: str) -> CodeType:
        """Return the code of a module.

        :param path: where it is in the zip
        """
        digest = sha256(self.sent[path]).digest()
        with suppress(KeyError, TypeError, ValueError, EOFError):
            known, packed = self.stored[name]
            code = marshal.loads(packed) if known == digest else None
            if isinstance(code, CodeType):
                self.used[name] = known, packed
                return code
        source = self.archive.get_data(f"{self.archive.archive}/{path}")
        compiled: CodeType = compile(source, path, "exec", dont_inherit=True, optimize=0)
        self.used[name] = digest, marshal.dumps(compiled)
        return compiled

    def _read(self) -> Dict[str, Any]:
        with suppress(OSError, TypeError, ValueError, EOFError):
            status = os.lstat(self.path)
            is_ours = only_owner_writes(os.lstat(self.directory)) and only_owner_writes(status)
            if is_ours and 4 < status.st_size <= LARGEST:  # what is not a file has no size
                with open(self.path, "rb") as stream:
                    content = memoryview(stream.read())
                if zlib.crc32(content[4:]) == int.from_bytes(content[:4], "big"):
                    stored = marshal.loads(content[4:])
                    return stored if isinstance(stored, dict) else {}
        return {}


def _members(path: str) -> Dict[str, bytes]:
    """Return the files in a zip by their paths: how each is compressed (two bytes), and what it is then."""
    with open(path, "rb") as stream:
        content = stream.read()
    members: Dict[str, bytes] = {}
    at = 0
    while content.startswith(_MARK, at):
        flags, method, size, name, extra = _HEADER.unpack_from(content, at)
        if flags & _SIZE_FOLLOWS:  # Ansible writes no such zip
            break
        start = at + _HEADER.size + name + extra
        members[str(content[start - extra - name : start - extra], "utf-8")] = method + content[start : start + size]
        at = start + size
    return members
