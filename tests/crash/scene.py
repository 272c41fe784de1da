# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration directory and its state, what writers do there, and what has to hold whatever happened to them."""

from __future__ import annotations

import codecs
import json
import os
import shutil
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar
from unittest import mock

from ansible_collections.mailfleet.postfix.plugins.module_utils._change import edit_files, in_sync
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import (
    Plan,
    Wanted,
    make_plan,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.transaction import (
    NAMES,
    Transactions,
    read_files,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.lines import decode_config
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import master_process, replaceable
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import Instance
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.names import system_resolver
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import TransactionError
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.surroundings import Surroundings
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input

Texts = tuple[str, ...]
Each = TypeVar("Each")
CHOSEN = "MAILFLEET_CHOSEN" in os.environ


def some(items: Sequence[Each], code: int = 0) -> Sequence[Each]:
    """What make test has of the calls or states that a test is about: each third one, others for another code."""
    return items[code % 3 :: 3] if CHOSEN else items


_MAIN = "# caf\udce9\ninet_interfaces = {}\n"
_MASTER = "smtp      inet  n       -       y       -       -       smtpd\n{}"


def texts(value: str) -> Texts:
    """Both files after the edit to `value`."""
    return _MAIN.format(value), _MASTER.format(f"  -o inet_interfaces={value}\n")


# What is imported when it is needed, so that each writer makes the same calls.
LATE = (in_sync, replaceable, codecs.lookup("ascii"))

OLD: Texts = (_MAIN.format("all"), _MASTER.format(""))
FIRST, SECOND = "loopback-only", "127.0.0.1"
NEW, NEWER = texts(FIRST), texts(SECOND)

_HOST = host_from_input(["127.0.0.1/8", "::1/128", "192.0.2.1/24"])


def _around(version: tuple[int, ...], _unfamiliar: object = ()) -> Surroundings:
    return Surroundings(_HOST, version, system_resolver())


_THEN = 1_000_000_000  # when the files were written, in s since the epoch
_ACL = (1, 6, -1), (2, 6, 12), (4, 4, -1), (16, 6, -1), (32, 0, -1)  # user::rw-, user:12:rw-, group::r--, mask::rw-


class Node(NamedTuple):
    """A file, directory or link of a scene, as far as it matters."""

    kind: int
    mode: int
    owner: tuple[int, int]
    content: bytes
    attributes: tuple[tuple[str, bytes], ...]
    mtime: int


Tree = dict[str, Node]


class Scene:
    """A directory ``etc`` with both files, ``state`` once there is one, and ``shared`` for the target of a link."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.config = directory / "etc"
        self.state = directory / "state"
        self.config.mkdir(exist_ok=True)  # it may be a mount point
        (directory / "shared").mkdir()
        for name, text in zip(("main.cf", "master.cf"), OLD, strict=True):
            path = self.config / name
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
            path.chmod(0o644)
            os.utime(path, (_THEN, _THEN))

    def arrange(self, layout: str) -> None:
        """Make main.cf what careful people make it: "private", a "link", or leave it "plain"."""
        path = self.config / "main.cf"
        if layout == "private":
            os.chown(path, 12, 34)
            os.setxattr(path, "trusted.note", b"mine")  # user.note is for newer kernels, in memory
            os.setxattr(path, "security.selinux", b"system_u:object_r:postfix_etc_t:s0\0")
            os.setxattr(path, "system.posix_acl_access", acl(*_ACL))
        elif layout == "link":
            shutil.move(path, self.directory / "shared" / "site.cf")
            path.symlink_to("../shared/site.cf")

    # What writers do ------------------------------------------------------------------------------------------------

    @property
    def transactions(self) -> Transactions:
        return Transactions(str(self.config), str(self.state), time_limit=0.2)

    def edit(self, value: str) -> Callable[[], str]:
        """What postfix_interfaces does once it knows its instance and its host: recover, read, plan, commit."""
        directory = str(self.config)
        instance = Instance(directory, "-", "/queue", "/data", "/commands", (3, 7, 11))
        service = ServiceChange("smtp", options={"inet_interfaces": value})
        wanted = Wanted({"inet_interfaces": [value]}, services=[service])

        def writer() -> str:
            with (
                mock.patch.multiple(edit_files, surroundings=_around, make_plan=_planned),
                mock.patch.object(master_process, "find_master", return_value=None),  # which processes there are varies
            ):
                return _said(lambda: edit_files.edit(instance, wanted, state_directory=str(self.state)))

        return writer

    def rollback(self) -> str:
        """What postfix_apply does when Postfix does not come up."""
        return _said(self.transactions.rollback)

    def confirm(self) -> str:
        """What postfix_apply does when it does."""
        return _said(self.transactions.confirm)

    # What is there --------------------------------------------------------------------------------------------------

    @property
    def texts(self) -> Texts:
        return read_files(str(self.config)).texts

    @property
    def metadata(self) -> list[tuple[object, ...]]:
        """All of the files but content and times."""
        tree = self.capture()
        return [
            (path, node.kind, node.mode, node.owner, node.attributes)
            for path, node in sorted(tree.items())
            if path.endswith(".cf") and not path.startswith("state/")
        ]

    @property
    def leftovers(self) -> list[str]:
        """What there is besides the files, the lock, the journal, the ledger and what the last rollback replaced."""
        own = {"etc", "shared", "state", "etc/main.cf", "etc/master.cf", "shared/site.cf"}
        lasting = (
            "lock",
            "transaction.json",
            "ledger.json",
            "ledger-read.json",
            "rejected/main.cf",
            "rejected/master.cf",
        )
        return sorted(
            path
            for path, node in self.capture().items()
            if path not in own
            and not (path.startswith("state/") and (stat.S_ISDIR(node.kind) or path.endswith(lasting)))
        )

    def capture(self) -> Tree:
        """Everything, to put it back later."""
        tree: Tree = {}
        for path in sorted(self.directory.rglob("*")):
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                content = os.fsencode(os.readlink(path))
            else:
                content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
            attributes = sorted((name, os.getxattr(path, name, follow_symlinks=False)) for name in listxattr(path))
            tree[str(path.relative_to(self.directory))] = Node(
                stat.S_IFMT(status.st_mode),
                stat.S_IMODE(status.st_mode),
                (status.st_uid, status.st_gid),
                content,
                tuple(attributes),
                status.st_mtime_ns,
            )
        return tree

    def restore(self, tree: Tree) -> None:
        """Put back what :meth:`capture` returned."""
        for entry in os.scandir(self.directory):
            shutil.rmtree(entry.path)
        for name, node in tree.items():
            path = self.directory / name
            if stat.S_ISLNK(node.kind):
                path.symlink_to(os.fsdecode(node.content))
                continue
            if stat.S_ISDIR(node.kind):
                path.mkdir()
            else:
                path.write_bytes(node.content)
            if node.owner != (os.geteuid(), os.getegid()):
                os.chown(path, *node.owner)
            path.chmod(node.mode)
            for attribute, value in node.attributes:
                os.setxattr(path, attribute, value)
            if stat.S_ISREG(node.kind):
                os.utime(path, ns=(node.mtime, node.mtime))


def signature(tree: Tree) -> str:
    """The same for two trees that differ in nothing but times."""
    seen = []
    for path, node in sorted(tree.items()):
        content: object = node.content
        if path.endswith("transaction.json"):
            content = sorted((key, value) for key, value in json.loads(node.content).items() if key != "since")
        seen.append((path, node.kind, node.mode, node.owner, content, node.attributes))
    return repr(seen)


def listxattr(path: Path) -> list[str]:
    return os.listxattr(path, follow_symlinks=False)


def acl(*entries: tuple[int, int, int]) -> bytes:
    """An ACL as an extended attribute (linux/posix_acl_xattr.h), from entries of tag, permissions and id (acl(5))."""
    fields = [
        tag.to_bytes(2, "little") + bits.to_bytes(2, "little") + (who & 0xFFFFFFFF).to_bytes(4, "little")
        for tag, bits, who in entries
    ]
    return (2).to_bytes(4, "little") + b"".join(fields)


_plans: dict[tuple[str, ...], Plan] = {}


def _planned(wanted: Wanted, main: str, master: str, around: Surroundings) -> Plan:
    """What make_plan says, which is pure: a thousand writers need not work it out a thousand times."""
    key = (str(wanted), main, master)
    if key not in _plans:
        _plans[key] = make_plan(wanted, main, master, around)
    return _plans[key]


def _said(work: Callable[[], object]) -> str:
    try:
        work()
    except TransactionError as error:
        return f"error: {error}"
    return "ok"


def check_whole(scene: Scene, versions: list[Texts], metadata: object) -> None:
    """Each file is one of its versions, and has all that belongs to it; one kept by a rollback is whole as well."""
    for index, text in enumerate(scene.texts):
        assert text in [version[index] for version in versions]
        for kept in scene.state.glob(f"*/rejected/{NAMES[index]}"):
            assert decode_config(kept.read_bytes()) in [version[index] for version in (OLD, NEW, NEWER)]
    assert scene.metadata == metadata


def check_next_run(scene: Scene, value: str, metadata: object) -> None:
    """The next run finds no lock and makes both files what is wanted; what was there at first can be restored."""
    assert scene.edit(value)() == "ok"
    assert scene.texts == texts(value)
    assert scene.metadata == metadata
    # A run that has nothing to write does not look for the one new version of each file that a killed one may leave.
    assert all(path.endswith((".cf.tmp", ".json.new", ".cf.new")) for path in scene.leftovers)
    pending = scene.transactions.pending()
    assert pending is not None
    assert (pending.progress, pending.original.texts) == ("done", OLD)
    assert scene.rollback() == "ok"
    assert scene.texts == OLD
    assert scene.metadata == metadata
    assert {int(path.stat().st_mtime) for path in scene.config.glob("*.cf")} == {_THEN}
    assert scene.leftovers == []
    assert scene.transactions.pending() is None
