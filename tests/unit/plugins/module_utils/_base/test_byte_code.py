# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import marshal
import os
import subprocess
import sys
import zipimport
import zlib
from hashlib import sha256
from importlib.util import module_from_spec
from io import BytesIO
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base import byte_code, keep_byte_code
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.byte_code import ByteCode
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.keep_byte_code import keep

CORE = "ansible_collections.mailfleet.postfix.plugins.module_utils"
SOURCES = {"_base/one.py": "A = 1\n", "_rules/two.py": "A = 2\n", "_rules/__init__.py": ""}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


class Payload:
    """A zip with modules of the core as Ansible sends it, and the directory that its byte code is kept in."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state = directory / "state"
        self.number = 0
        self.compiled: List[str] = []

    def run(self, sources: Optional[Dict[str, str]] = None, write: bool = True, method: int = ZIP_DEFLATED) -> ByteCode:
        """Import all modules of a zip as one run does; ``compiled`` tells which of them had to be compiled."""
        sources = SOURCES if sources is None else sources
        self.number += 1  # zipimport remembers what it has read of a zip by its path
        path = self.directory / f"{self.number}.zip"
        with ZipFile(str(path), "w", method) as archive:
            for name, text in sources.items():
                archive.writestr(f"{CORE.replace('.', '/')}/{name}", text)
        run = ByteCode(zipimport.zipimporter(str(path)), str(self.state))
        self.compiled.clear()
        for name, text in sources.items():
            dotted = name[: -len(".py")].replace("/__init__", "").replace("/", ".")
            assert self.value(run, dotted) == (text.rpartition("= ")[2].strip() or None)
        if write:
            keep(run)
        return run

    def value(self, run: ByteCode, name: str) -> Any:
        spec = run.find_spec(f"{CORE}.{name}")
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        value = getattr(module, "A", None)
        return value if value is None else str(value)

    @property
    def store(self) -> Path:
        """The file that the byte code is in."""
        (path,) = self.state.iterdir()
        return path

    @property
    def stored(self) -> Any:
        """What is in it, by module."""
        return marshal.loads(self.store.read_bytes()[4:])


@pytest.fixture
def payload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Payload:
    """What a host has been sent."""
    made = Payload(tmp_path)

    def counted(source: bytes, filename: str, *arguments: Any, **options: Any) -> Any:
        made.compiled.append(filename[len(CORE) + 1 :])
        return compile(source, filename, *arguments, **options)

    monkeypatch.setattr(byte_code, "compile", counted, raising=False)
    return made


def sealed(content: object) -> bytes:
    """A store with a checksum that is right."""
    packed = marshal.dumps(content)
    return zlib.crc32(packed).to_bytes(4, "big") + packed


def test_what_one_run_has_compiled_the_next_does_not(payload: Payload) -> None:
    payload.run()
    assert sorted(payload.compiled) == ["_base/one.py", "_rules/__init__.py", "_rules/two.py"]
    assert payload.state.stat().st_mode & 0o777 == 0o700
    assert payload.store.stat().st_mode & 0o777 == 0o600
    before = payload.store.stat()
    payload.run()
    assert payload.compiled == []
    assert payload.store.stat() == before  # not written again


def test_modules_that_another_run_has_not_loaded_are_kept(payload: Payload) -> None:
    payload.run({"_base/one.py": "A = 1\n"})
    payload.run({"_rules/two.py": "A = 2\n"})
    assert payload.compiled == ["_rules/two.py"]
    payload.run({"_base/one.py": "A = 1\n", "_rules/two.py": "A = 2\n"})
    assert payload.compiled == []


def test_the_source_that_was_sent_decides(payload: Payload) -> None:
    payload.run()
    payload.run({**SOURCES, "_base/one.py": "A = 3\n"})  # which also checks the value
    assert payload.compiled == ["_base/one.py"]
    payload.run({**SOURCES, "_base/one.py": "A = 3\n"})
    assert payload.compiled == []


def test_modules_of_another_release_are_dropped(payload: Payload) -> None:
    payload.run()
    payload.run({"_base/one.py": "A = 3\n"})
    assert set(payload.stored) == {f"{CORE}._base.one"}


def test_byte_code_of_another_source_is_not_used_under_the_hash_of_this_one(payload: Payload) -> None:
    payload.run()
    name = f"{CORE}._base.one"
    stored = payload.stored
    payload.store.write_bytes(sealed({**stored, name: (sha256(b"A = 9\n").digest(), stored[name][1])}))
    payload.run()
    assert payload.compiled == ["_base/one.py"]


def test_another_compression_of_a_source_counts_as_another_source(payload: Payload) -> None:
    for method in (ZIP_STORED, ZIP_DEFLATED):
        payload.run(method=method)
        assert len(payload.compiled) == 3
        payload.run(method=method)
        assert payload.compiled == []


def test_a_zip_that_is_written_otherwise_is_left_to_python(payload: Payload) -> None:
    """One that says how large a file is after the file only, as a zip for a pipe does."""

    class Pipe(BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    pipe = Pipe()
    with ZipFile(pipe, "w", ZIP_DEFLATED) as archive:
        archive.writestr(f"{CORE.replace('.', '/')}/_base/one.py", "A = 1\n")
    path = payload.directory / "pipe.zip"
    path.write_bytes(pipe.getvalue())
    run = ByteCode(zipimport.zipimporter(str(path)), str(payload.state))
    assert run.find_spec(f"{CORE}._base.one") is None


def truncated(content: bytes) -> List[bytes]:
    return [content[:length] for length in (0, 1, 4, 5, len(content) // 2, len(content) - 1)]


def flipped(content: bytes) -> List[bytes]:
    places = range(0, len(content), 7)
    return [content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :] for at in places]


def foreign(content: bytes) -> List[bytes]:
    stored = marshal.loads(content[4:])
    digest = {name: entry[0] for name, entry in stored.items()}
    return [
        sealed(other)
        for other in (
            None,
            [],
            dict.fromkeys(stored),
            {name: (digest[name],) for name in stored},
            {name: (digest[name], None) for name in stored},
            {name: (digest[name], b"") for name in stored},
            {name: (digest[name], b"c") for name in stored},
            {name: (digest[name], marshal.dumps("A = 4")) for name in stored},
            {name.encode(): entry for name, entry in stored.items()},
        )
    ]


@pytest.mark.parametrize("damage", [truncated, flipped, foreign])
def test_a_damaged_store_is_replaced(payload: Payload, damage: Callable[[bytes], List[bytes]]) -> None:
    payload.run()
    good = payload.store.read_bytes()
    for content in damage(good):
        payload.store.write_bytes(content)
        payload.run()
        assert len(payload.compiled) == 3
        payload.run()
        assert payload.compiled == []


def refuses(payload: Payload) -> None:
    """What is in the store is not used, and what is in its place is left alone."""
    names = sorted(os.listdir(str(payload.state)))
    payload.run()
    assert len(payload.compiled) == 3
    assert sorted(os.listdir(str(payload.state))) == names


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_directory_that_others_can_write_to_is_not_used(payload: Payload, mode: int) -> None:
    payload.run()
    payload.state.chmod(mode)
    before = payload.store.stat()
    refuses(payload)
    assert payload.store.stat() == before


@needs_root
def test_a_directory_of_another_user_is_not_used(payload: Payload) -> None:
    payload.run()
    os.chown(str(payload.state), 12345, 0)
    refuses(payload)


def test_another_user_does_not_use_the_directory(payload: Payload, monkeypatch: pytest.MonkeyPatch) -> None:
    payload.run()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    refuses(payload)


def test_a_link_to_a_directory_is_not_used(payload: Payload) -> None:
    payload.run()
    payload.state.rename(payload.directory / "elsewhere")
    payload.state.symlink_to("elsewhere")
    refuses(payload)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_can_write_to_is_replaced(payload: Payload, mode: int) -> None:
    payload.run()
    payload.store.chmod(mode)
    payload.run()
    assert len(payload.compiled) == 3
    assert payload.store.stat().st_mode & 0o777 == 0o600
    payload.run()
    assert payload.compiled == []


@needs_root
def test_a_file_of_another_user_is_replaced(payload: Payload) -> None:
    payload.run()
    os.chown(str(payload.store), 12345, 0)
    payload.run()
    assert len(payload.compiled) == 3
    payload.run()
    assert payload.compiled == []


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_what_is_not_a_file_is_not_read(payload: Payload, make: Callable[[str], None]) -> None:
    payload.run()
    path = str(payload.store)
    os.unlink(path)
    make(path)
    payload.run()
    assert len(payload.compiled) == 3


@pytest.mark.parametrize(
    "place, name, value", [(byte_code, "MAGIC_NUMBER", b"other"), (sys.implementation, "cache_tag", "pypy399")]
)
def test_each_version_of_python_has_its_own(
    payload: Payload, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, value: Any
) -> None:
    payload.run()
    with monkeypatch.context() as context:
        context.setattr(place, name, value)
        payload.run()
        assert len(payload.compiled) == 3
        payload.run()
        assert payload.compiled == []
    payload.run()
    assert payload.compiled == []
    assert len(list(payload.state.iterdir())) == 2


def test_stores_that_nobody_uses_any_more_are_removed(payload: Payload) -> None:
    payload.state.mkdir(mode=0o700)
    others = ["byte-code.cpython-37-1", "byte-code.cpython-38-1", "byte-code.cpython-39-1", "byte-code.cpython-39-1.99"]
    for number, name in enumerate([*others, "built-in.json"]):
        path = payload.state / name
        path.write_text("x")
        os.utime(str(path), (number, number))
    payload.run()
    left = {path.name for path in payload.state.iterdir()}
    assert left == {*others[2:], "built-in.json", os.path.basename(payload.run().path)}


def test_a_store_has_a_largest_size(payload: Payload, monkeypatch: pytest.MonkeyPatch) -> None:
    payload.run()
    size = payload.store.stat().st_size
    for module in (byte_code, keep_byte_code):
        monkeypatch.setattr(module, "LARGEST", size - 1)
    payload.run()
    assert len(payload.compiled) == 3  # too large to be read
    assert payload.store.stat().st_size == size
    payload.run({"_base/one.py": "A = 5\n"})
    assert payload.store.stat().st_size < size


def fails(*_arguments: object, **_options: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("call", ["open", "rename", "mkdir", "lstat"])
def test_a_run_says_nothing_where_the_store_cannot_be_written(
    payload: Payload, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    with monkeypatch.context() as context:
        context.setattr(os, call, fails)
        payload.run()
    assert not payload.state.exists() or not list(payload.state.iterdir())
    payload.run()
    before = payload.store.read_bytes()
    with monkeypatch.context() as context:
        context.setattr(os, call, fails)
        payload.run({"_base/one.py": "A = 6\n"})
    assert payload.store.read_bytes() == before or call == "mkdir"


def test_a_full_disk_leaves_the_store_as_it_was(payload: Payload, monkeypatch: pytest.MonkeyPatch) -> None:
    payload.run()
    before = payload.store.read_bytes()
    monkeypatch.setattr(keep_byte_code, "open", lambda *_arguments: fails(), raising=False)
    payload.run({"_base/one.py": "A = 7\n"})
    monkeypatch.undo()
    assert payload.store.read_bytes() == before


def test_a_directory_that_cannot_be_made_is_nothing_to_speak_of(payload: Payload) -> None:
    payload.state.write_text("a file")
    payload.run()
    assert payload.state.read_text() == "a file"
    payload.state = payload.directory / "is/not/there"
    payload.run()
    assert not payload.state.exists()


def test_several_runs_at_once_leave_a_good_store(payload: Payload) -> None:
    payload.run(write=False)
    children = []
    for number in range(4):
        child = os.fork()
        if not child:
            status = 1
            try:
                for turn in range(40):
                    name = f"_base/m{(number + turn) % 5}.py"
                    payload.number = 1000 * (number + 1) + turn
                    payload.run({**SOURCES, name: f"A = {turn % 3}\n"})
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert payload.store.name.startswith("byte-code.")  # and nothing beside it
    assert f"{CORE}._rules.two" in payload.stored
    payload.run()
    assert payload.compiled == []


def test_other_modules_are_left_to_python(payload: Payload) -> None:
    run = payload.run()
    assert run.find_spec(f"{CORE}._rules.missing") is None
    assert run.find_spec("ansible.module_utils.basic") is None
    assert run.find_spec("os") is None


@pytest.fixture
def core(tmp_path: Path) -> Path:
    """A zip with the whole core in it, which uses a directory of this test."""
    source = Path(byte_code.__file__).parents[1]
    path = tmp_path / "payload.zip"
    packages = set()
    with ZipFile(str(path), "w") as archive:
        for file in source.rglob("*.py"):
            text = file.read_text(encoding="utf-8").replace("/var/lib/mailfleet.postfix", str(tmp_path / "state"))
            place = Path(CORE.replace(".", "/")) / file.relative_to(source)
            packages.update(str(package / "__init__.py") for package in place.parents if package.name)
            archive.writestr(str(place), text)
        for package in packages:
            archive.writestr(package, "")
    return path


def python(path: Path, *statements: str) -> "subprocess.CompletedProcess[str]":
    """Run statements on the core in a zip, as a module does."""
    start = [f"from {CORE}._base.byte_code import ByteCode", "byte_code = ByteCode.use()"]
    return subprocess.run(
        [sys.executable, "-c", "\n".join([*start, *statements])],
        env={"PYTHONPATH": str(path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        check=False,
    )


def test_a_module_keeps_byte_code_at_its_end_if_it_says_so(core: Path, tmp_path: Path) -> None:
    work = [
        f"from {CORE}._change import apply",
        "print(byte_code.used.items() <= byte_code.stored.items(), len(byte_code.used) > 30)",
    ]
    assert python(core, *work).stdout == "False True\n"
    assert not (tmp_path / "state").exists()  # it was in check mode
    ended = python(core, *work, "byte_code.keep()", "raise SystemExit(3)")
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "False True\n", "")
    assert python(core, *work).stdout == "True True\n"


def test_a_traceback_shows_the_source(core: Path) -> None:
    for _turn in range(2):
        work = [f"from {CORE}._rules.values import validate", "byte_code.keep()", "import traceback"]
        work += ["try: validate('inet_interfaces', '10.77.0.0/16', (3, 7))", "except Exception: traceback.print_exc()"]
        said = python(core, *work).stderr
        assert f'File "{CORE.replace(".", "/")}/_rules/values.py", line' in said
        assert "raise InputError(" in said


def test_what_is_no_zip_is_imported_as_ever() -> None:
    before = list(sys.meta_path)
    run = ByteCode.use()
    assert sys.meta_path == before
    keep(run)
    assert (run.stored, run.used) == ({}, {})
