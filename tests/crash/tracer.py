# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a piece of Python in a process of its own, and kills it at a system call, or makes the call fail.

By ptrace(2), as strace does it, but from a fork of this interpreter, so that a run costs milliseconds. A process that
is killed when it enters a call has not carried it out; having carried it out and having entered the next one is the
same to the file system. So to be killed at each entry is to be killed everywhere.
"""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import signal
import struct
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

# The calls that Python's file functions make on x86_64, and where their path or descriptor is among the arguments.
# On other machines calls have numbers instead of names; a call can be made to fail on x86_64 only.
_TABLE = """
    0 read f0, 1 write f0, 2 open p0, 3 close f0, 4 stat p0, 5 fstat f0, 6 lstat p0, 8 lseek f0, 9 mmap, 10 mprotect,
    11 munmap, 12 brk, 13 rt_sigaction, 16 ioctl f0, 25 mremap, 28 madvise, 72 fcntl f0, 73 flock f0, 74 fsync f0,
    77 ftruncate f0, 82 rename p1, 83 mkdir p0, 87 unlink p0, 89 readlink p0, 90 chmod p0, 91 fchmod f0, 93 fchown f0,
    107 geteuid, 188 setxattr p0, 190 fsetxattr f0, 191 getxattr p0, 193 fgetxattr f0, 194 listxattr p0,
    196 flistxattr f0, 197 removexattr p0, 199 fremovexattr f0, 217 getdents64 f0, 257 openat p1, 258 mkdirat p1,
    262 newfstatat p1, 263 unlinkat p1, 264 renameat p3, 267 readlinkat p1, 280 utimensat f0, 332 statx p1
"""
_CALLS = {int(row.split()[0]): row.split()[1:] for row in _TABLE.split(",")}
MEMORY = {"mmap", "mprotect", "munmap", "brk", "mremap", "madvise"}
"""What Python asks of the kernel when it needs room: not about files, and not the same in each run."""

_WRITING = {"write", "fsync", "ftruncate", "rename", "mkdir", "unlink", "chmod", "fchmod", "fchown", "utimensat"}
_WRITING |= {"setxattr", "fsetxattr", "removexattr", "fremovexattr", "mkdirat", "unlinkat", "renameat"}

KILL = -1
"""What a plan answers for a call at which the process is to be killed."""

killed: Counter[str] = Counter()
failed: Counter[str] = Counter()
"""How many processes were killed at, or saw an error from, which call; of all runs of this interpreter."""

X86_64 = platform.machine() == "x86_64"

_TRACEME, _PEEKUSER, _POKEUSER, _CONT, _SYSCALL = 0, 3, 6, 7, 24
_SETOPTIONS, _GET_SYSCALL_INFO = 0x4200, 0x420E
_TRACESYSGOOD, _EXITKILL = 1, 0x100000
_RAX, _ORIG_RAX = 80, 120
_ENTRY = 1
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class Call(NamedTuple):
    """A system call on its way: its name, the file that it is about, and the how manieth such call of the run it is."""

    name: str
    path: str
    occurrence: int
    flags: int = 0

    @property
    def writes(self) -> bool:
        """Whether it can change anything on a disk."""
        return (
            self.name in _WRITING or self.name == "openat" and bool(self.flags & (os.O_CREAT | os.O_RDWR | os.O_WRONLY))
        )


class Run(NamedTuple):
    """What became of a run: its calls, and what it said at its end; nothing if it was killed, or became a program."""

    calls: list[Call]
    said: str | None


def run(work: Callable[[], str], plan: Callable[[Call], int | None] = lambda call: None) -> Run:
    """Carry out `work` in a fork of this process.

    :param plan: is asked at each system call from the beginning to the end of `work` and answers with KILL, with the
        errno(3) that the call is to fail with, or None to let it pass
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said = "?"
        gc.disable()  # it would write to all the memory that is shared with the parent
        try:
            _ptrace(_TRACEME, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            said = work()
        except BaseException as error:  # the fork must not go on as a second pytest
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(writer, said.encode())
            os._exit(0)
    try:
        calls = _follow(child, writer, plan)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    finally:
        os.close(writer)
        with open(reader, encoding="utf-8") as pipe:
            said = pipe.read()
    return Run(calls, said or None)


def _follow(child: int, writer: int, plan: Callable[[Call], int | None]) -> list[Call]:
    calls: list[Call] = []
    seen: Counter[tuple[str, str]] = Counter()
    error = 0
    _wait(child)
    _ptrace(_SETOPTIONS, child, 0, _TRACESYSGOOD | _EXITKILL)
    while True:
        _ptrace(_SYSCALL, child)
        if not _wait(child):
            return calls
        operation, number, arguments = _call(child)
        if operation != _ENTRY:
            if error:
                _ptrace(_POKEUSER, child, _RAX, -error)
                error = 0
            continue
        call = _describe(child, number, arguments, seen)
        if call.name in ("write", "1", "64") and arguments[0] == writer:
            _ptrace(_CONT, child)
            _wait(child)
            return calls
        calls.append(call)
        error = plan(call) or 0
        if error == KILL:
            killed[call.name] += 1
            os.kill(child, signal.SIGKILL)
            _wait(child)
            return calls
        if error:
            failed[call.name] += 1
            if call.name != "close":  # close(2): it closes, whatever it says
                _ptrace(_POKEUSER, child, _ORIG_RAX, -1)  # no such call: the kernel does nothing


def _describe(child: int, syscall: int, arguments: tuple[int, ...], seen: Counter[tuple[str, str]]) -> Call:
    name, *subject = _CALLS.get(syscall, [str(syscall)]) if X86_64 else [str(syscall)]
    path = ""
    for kind, index in subject:
        path = _string(child, arguments[int(index)]) if kind == "p" else ""
        path = path or _file(child, arguments[0])  # fstat(2) is newfstatat(fd, "")
    seen[name, path] += 1
    return Call(name, path, seen[name, path], arguments[2] if name == "openat" else 0)


def _file(child: int, descriptor: int) -> str:
    try:
        path = os.readlink(f"/proc/{child}/fd/{descriptor & 0xFFFFFFFF}")
        path = path.replace(f"/proc/{child}/", "/proc/self/")  # the same in each run
    except OSError:
        return ""
    return path if path.startswith("/") else path.partition("[")[0]  # socket:[number]


def _string(child: int, address: int) -> str:
    if not address:
        return ""
    with open(f"/proc/{child}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        return os.fsdecode(memory.read(4096).partition(b"\0")[0])


def _call(child: int) -> tuple[int, int, tuple[int, ...]]:
    info = ctypes.create_string_buffer(88)
    _ptrace(_GET_SYSCALL_INFO, child, len(info), ctypes.addressof(info))
    operation, number, *arguments = struct.unpack_from("=B3x4x8x8xq6q", info.raw)
    return operation, number, tuple(arguments)


def _wait(child: int) -> bool:
    """Wait until it stops at a call, or is no more."""
    while True:
        _pid, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            return False
        stopped = os.WSTOPSIG(status)
        if stopped in (signal.SIGTRAP | 0x80, signal.SIGSTOP):
            return True
        _ptrace(_SYSCALL, child, 0, 0 if stopped == signal.SIGTRAP else stopped)  # execve(2) traps


def _ptrace(request: int, pid: int, address: Any = 0, data: Any = 0) -> int:
    ctypes.set_errno(0)
    result: int = _libc.ptrace(request, pid, address, data)
    if ctypes.get_errno():
        raise OSError(ctypes.get_errno(), f"ptrace({request}): {os.strerror(ctypes.get_errno())}")
    return result
