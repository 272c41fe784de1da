# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On the host: gets it ready for a case, runs the module, and looks at what came of it.

    python3 /root/edits/driver.py UNIT

Requests come as lines of JSON, answers go the same way. Beside it are Ansible's module_utils and the collection. Each
run of a module is a process of its own, as by Ansible, but one that has Ansible loaded already.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from ansible.module_utils import basic
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import atomic_replace
from ansible_collections.mailfleet.postfix.plugins.modules import postfix_apply, postfix_interfaces
from holder import holder  # tests/holder.py

STOCK, CONFIG, STATE = Path("/root/postfix.stock"), Path("/etc/postfix"), Path("/var/lib/mailfleet.postfix")
NAMES = ("main.cf", "master.cf")
MODULES = {"postfix_interfaces": postfix_interfaces, "postfix_apply": postfix_apply}
#: what no run has to write again: what is compiled into Postfix, and the byte code
_CACHES = ("byte-code.", "built-in.json")
_ELSEWHERE = Path("/srv/mail")
_EDIT = {"proxy_interfaces": "203.0.113.9", "services": [{"name": "127.0.0.1:10099", "command": "smtpd"}]}


class Host:
    """This host."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.held: list[socket.socket] = []
        for name in ("vA", "vD"):
            if not Path("/sys/class/net", name).exists():
                _run("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}peer")
                _run("ip", "link", "set", f"{name}peer", "up")
            Path("/proc/sys/net/ipv6/conf", name, "addr_gen_mode").write_text("1")
            Path("/proc/sys/net/ipv6/conf", name, "accept_dad").write_text("1")
            Path("/proc/sys/net/ipv6/conf", name, "dad_transmits").write_text("1000")
            Path("/proc/sys/net/ipv6/conf", name, "use_tempaddr").write_text("2")

    def prepare(self, case: dict[str, Any]) -> None:
        """Make the host what the case says."""
        self.stop()
        for held in self.held:
            held.close()
        self.held = []
        shutil.rmtree(STATE, ignore_errors=True)
        self._become(case)
        for path in (CONFIG, _ELSEWHERE):
            if path.is_symlink():
                path.unlink()
            elif path.exists():
                shutil.rmtree(path)
        shutil.copytree(STOCK, CONFIG, symlinks=True)
        since = case["since"]
        if since != "never started":
            _write(case["earlier"])
            _run("systemctl", "start", self.unit, check=False)
            self._await_master()
        if "applied" in since:
            self.module("postfix_apply", {"timeout": 10}, False)
        if case["files"] != case["earlier"] or since == "never started":
            _write(case["files"])
        self._link(case["links"])
        if since == "stopped":
            self.stop()
        if "by us" in since:
            self.module("postfix_interfaces", _EDIT, False)
        if since == "interrupted":
            self.module("postfix_interfaces", _EDIT, False, interrupted=True)
        if "reloaded" in since:
            replaced = _children(_master())
            _run("systemctl", "reload", self.unit, check=False)
            self._await_master(replaced)
        if "restarted" in since:
            _run("systemctl", "restart", self.unit, check=False)
            self._await_master()
        self.held = [held for one in case["holders"] for held in holder(*one)]

    def _become(self, case: dict[str, Any]) -> None:
        lines = ["address flush dev eth0"]
        for name, addresses in case["interfaces"].items():
            lines += [f"address flush dev {name}", f"link set {name} up"]
            for address in addresses:
                nodad = " nodad" if ":" in address and address not in case["tentative"] else ""
                lines.append(f"address add {address} dev {name}{nodad}")
        lines += [f"link set {name} down" for name in case["down"]]
        _run("ip", "-force", "-batch", "-", input="\n".join(lines) + "\n", check=False, stderr=subprocess.DEVNULL)
        text = "".join(f"{address} {name}\n" for name, addresses in case["names"].items() for address in addresses)
        Path("/etc/hosts").write_text(text, encoding="ascii")

    @staticmethod
    def _link(links: dict[str, str]) -> None:
        _ELSEWHERE.mkdir(exist_ok=True)
        if "directory" in links:
            _replace_by_link(CONFIG, _ELSEWHERE / "postfix", links["directory"])
        for name in NAMES:
            if name in links:
                _replace_by_link(CONFIG / name, _ELSEWHERE / name, links[name])
        if "mode" in links:
            (CONFIG / "main.cf").resolve().chmod(int(links["mode"], 8))

    def stop(self) -> None:
        """Stop Postfix whatever its files say."""
        _run("systemctl", "kill", "--signal=SIGTERM", self.unit, check=False, stderr=subprocess.DEVNULL)
        for _time in range(100):
            master = _master()
            if not master:
                break
            with suppress(ProcessLookupError):
                os.kill(master, signal.SIGTERM if _time < 50 else signal.SIGKILL)
            time.sleep(0.05)
        _run("systemctl", "stop", self.unit, check=False)
        _run("systemctl", "reset-failed", check=False)

    @staticmethod
    def _await_master(replaced: Sequence[list[str]] = ()) -> None:
        """Wait until the master, if it comes up at all, has its first children, and others than those replaced."""
        for _time in range(100):
            children = _children(_master())
            if not _master() or (len(children) == 2 and not any(child in replaced for child in children)):
                break
            time.sleep(0.05)

    def module(self, name: str, options: dict[str, Any], check: bool, interrupted: bool = False) -> dict[str, Any]:
        """Run a module; return its answer.

        :param interrupted: kill it between the two files
        """
        internal = {"_ansible_check_mode": check, "_ansible_diff": True}
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": {**options, **internal}}).encode()
        basic._ANSIBLE_PROFILE = "legacy"
        with open("/root/edits/said", "wb+") as said:
            process = os.fork()
            if not process:
                status = 9
                try:
                    os.dup2(said.fileno(), 1)
                    os.dup2(said.fileno(), 2)
                    for held in self.held:  # or this process would be one of those that are in the way
                        held.close()
                    if interrupted:
                        _kill_at_second_file()
                    MODULES[name].main()
                except SystemExit:
                    atexit._run_exitfuncs()
                    sys.stdout.flush()
                    status = 0
                except BaseException:
                    traceback.print_exc()
                finally:
                    sys.stderr.flush()
                    os._exit(status)
            os.waitpid(process, 0)
            said.seek(0)
            text = said.read().decode("utf-8", "replace")
        try:
            answer: dict[str, Any] = json.loads(text.splitlines()[-1])
        except (IndexError, ValueError):
            return {"trouble": text[-3000:]}
        answer.pop("invocation", None)
        return answer

    @staticmethod
    def look() -> dict[str, Any]:
        """What a run could have changed."""
        master = _master()
        paths = (CONFIG, *(CONFIG / name for name in NAMES))
        return {
            "files": {name: _look_at(CONFIG / name) for name in NAMES},
            "links": [os.readlink(path) if path.is_symlink() else "" for path in paths],
            "names": sorted(path.name for path in CONFIG.iterdir()),
            "state": {
                str(path.relative_to(STATE)): path.read_text("utf-8", "surrogateescape")
                for path in sorted(STATE.rglob("*"))
                if path.is_file() and not path.name.startswith(_CACHES)
            },
            "master": _identity(master),
            "children": [child for child in _children(master) if child[0] == "qmgr"],  # pickup ends by itself, too
            "sockets": _sockets(master),
        }


def _run(*words: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, check=check, text=True, stdout=subprocess.DEVNULL, **options)


def _write(files: dict[str, str]) -> None:
    for name in ("main", "master"):
        path = CONFIG / f"{name}.cf"
        path.write_bytes(files[name].encode("utf-8", "surrogateescape"))
        old = time.time() - 100  # Postfix reads a main.cf again and again that is less than two seconds old
        os.utime(path, (old, old))


def _replace_by_link(path: Path, target: Path, how: str) -> None:
    target.parent.mkdir(exist_ok=True)
    path.rename(target)
    if how == "relative":
        path.symlink_to(os.path.relpath(target, path.parent.resolve()))
    elif how == "twice":
        between = target.with_name(f"{target.name}.link")
        between.symlink_to(target.name)
        path.symlink_to(between)
    else:
        path.symlink_to(target)


def _kill_at_second_file() -> None:
    put, done = atomic_replace.Replacement.put, []

    def instead(self: Any) -> None:
        if done:
            os._exit(9)
        put(self)
        done.append(self)

    atomic_replace.Replacement.put = instead


def _look_at(path: Path) -> dict[str, Any]:
    status = path.stat()
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    return {"text": text, "inode": status.st_ino, "mtime": status.st_mtime_ns, "mode": oct(status.st_mode)}


def _stat(pid: int | str) -> list[str]:
    """The fields of /proc/PID/stat from the third on; none if there is no such process."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _name(pid: int | str) -> str:
    try:
        return Path("/proc", str(pid), "comm").read_text().strip()
    except OSError:
        return ""


def _master() -> int:
    try:
        pid = int(Path("/var/spool/postfix/pid/master.pid").read_text())
    except (OSError, ValueError):
        return 0
    return pid if _name(pid) == "master" and _stat(pid)[:1] not in ([], ["Z"]) else 0


def _identity(pid: int) -> list[str]:
    status = _stat(pid) if pid else []
    return [str(pid), status[19]] if status else []


def _children(master: int) -> list[list[str]]:
    """The queue manager and the pickup daemon, which each reload replaces."""
    found = []
    for path in Path("/proc").iterdir() if master else ():
        if path.name.isdigit() and _name(path.name) in ("qmgr", "pickup"):
            status = _stat(path.name)
            if status and status[1] == str(master):
                found.append([_name(path.name), path.name, status[19]])
    return sorted(found)


def _sockets(master: int) -> list[str]:
    inodes = set()
    with suppress(OSError):  # it has ended
        for path in Path("/proc", str(master), "fd").iterdir() if master else ():
            with suppress(OSError):
                inodes.add(os.readlink(path))
    found = []
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path("/proc/self/net", name).read_text().splitlines()[1:]:
            place, state, inode = (line.split()[at] for at in (1, 3, 9))
            if state == "0A" and f"socket:[{inode}]" in inodes:
                address, port = place.split(":")
                words = [bytes.fromhex(address)[at : at + 4][::-1] for at in range(0, len(address) // 2, 4)]
                found.append(f"{socket.inet_ntop(family, b''.join(words))} {int(port, 16)}")
    return sorted(found)


def main() -> None:
    host = Host(sys.argv[1])
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "prepare":
                host.prepare(request["case"])
                answer: Any = {}
            elif request["do"] == "look":
                answer = host.look()
            else:
                answer = host.module("postfix_interfaces", request["options"], request["check"])
        except Exception:
            answer = {"trouble": traceback.format_exc()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
