# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What starts and stops an instance where systemd does not: OpenRC, runit, s6, supervisord, or a container's engine.

It is found from the processes above the running master and from its cgroup, not from what is installed. Who supervises
a master starts it again as soon as it ends, so it alone may stop and start it; a signal to the master comes after it
was told to leave it down. ``postfix start-fg`` makes that needed: its shell ends upon SIGTERM, and the master stays.

To support another one, write a class with what it does differently, and list it in :data:`SUPERVISORS`. Hosts on which
systemd runs Postfix do not load this.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from glob import glob
from typing import Callable, Iterator, List, Optional, Sequence, Set, Tuple, Type

from .command import Outcome, run
from .instance import Instance
from .master_process import COMM, PROC, Master, Process, all_pids, find_master, read_process

INITS = ("systemd", "init", "openrc-init", "runit", "runsvdir", "s6-svscan", "s6-linux-init", "supervisord", "finit")
"""Programs that run on as process 1 whatever ends; what else is process 1, a container was started for."""

_ANSWER = 10.0  # seconds that supervisorctl(1) gets to tell something
_PATIENCE = 5  # seconds that a supervisor waits for the end of what it has told to end
_INTERPRETER = r"(python|pypy)[\d.]*\Z"
_POSTFIX = r"\bpost(fix|multi)\b|/master\b"  # what a script says that runs Postfix
_SHELLS = ("sh", "bash", "dash", "ash", "busybox")
_SCRIPT = 1 << 16  # characters of a script that are read
_SUPERVISORD = "etc/supervisor/supervisord.conf"
_OPENRC = "run/openrc"  # where OpenRC keeps account

Watch = Callable[[], None]


class Around:
    """A system, and the programs of :data:`SUPERVISORS` that run on it."""

    def __init__(self, proc: str, root: str) -> None:
        self.proc, self.root = proc, root
        self._found: Optional[List[Tuple[str, Process]]] = None

    def running(self, programs: Sequence[str]) -> List[Process]:
        """Return the processes that run these programs."""
        if self._found is None:
            names = [name[:COMM] for kind in SUPERVISORS for name in kind.watchers]
            all_processes = (read_process(pid, self.proc) for pid in all_pids(self.proc))
            found = [one for one in all_processes if one and (one.name in names or re.match(_INTERPRETER, one.name))]
            self._found = [(_program(one, self.proc), one) for one in found]
        return [process for program, process in self._found if program in programs]


class Supervisor:
    """What runs an instance.

    :param service: what it calls the instance: a name or a directory
    :param process: the process of it that watches over the master, if it has one
    """

    #: as results say it
    kind = ""
    #: the programs of it that have a master below them
    watchers: Tuple[str, ...] = ()

    def __init__(self, instance: Instance, service: str, process: Optional[Process] = None, proc: str = PROC) -> None:
        self.instance, self.service, self.process, self.proc = instance, service, process, proc

    @classmethod
    def above(cls, instance: Instance, process: Process, chain: Sequence[Process], proc: str) -> Optional[Supervisor]:
        """Return the one whose process is above a master; None if it runs something else that has started the master.

        :param chain: the master, its parent, and so on up to below that process
        """
        return None

    @classmethod
    def known(cls, instance: Instance, master: Optional[Process], around: Around) -> Optional[Supervisor]:
        """Return the one that is there to run an instance, although it has no process above a master of it."""
        return None

    def stop(self, deadline: float, watch: Watch) -> Outcome:
        """Have the master stopped, and left down."""
        raise NotImplementedError

    def start(self, deadline: float, watch: Watch) -> Outcome:
        """Have the master started, and wait until it works, or what was to become one has ended."""
        before = self._children()
        outcome = self.begin(deadline, watch)
        begun: Set[int] = set()
        while outcome.status == 0 and not self._works() and time.monotonic() < deadline:
            now = self._children() - before
            if begun - now:
                break
            begun |= now
            watch()
            time.sleep(0.01)
        return outcome

    def _works(self) -> bool:
        """Return whether there is a master with children; ``master -t``, which only looks for one, has none."""
        master = find_master(self.instance, self.proc)
        return bool(master and master.children())

    def _children(self) -> Set[int]:
        """Return what the process of it that watches over the master has started, and that still runs."""
        if self.process is None:
            return set()
        running = (read_process(pid, self.proc) for pid in all_pids(self.proc))
        return {one.pid for one in running if one and one.parent == self.process.pid}

    def begin(self, deadline: float, watch: Watch) -> Outcome:
        """Have the master started."""
        raise NotImplementedError

    def leaves_down(self, outcome: Outcome) -> bool:
        """Return whether a master that is still there after :meth:`stop` will not be started again when it ends."""
        return outcome.status == 0

    def forbids(self) -> Optional[str]:
        """Return in sentences why the master cannot be stopped and started from here; None if it can."""
        return None

    def at_boot(self, wanted: bool) -> List[Tuple[str, List[str]]]:
        """Return what has the instance started when the host boots, or no more: a sentence and a command each."""
        return []


class _OfDirectories(Supervisor):
    """One that has a process for each service, in the directory of that, with a script ``run`` in it."""

    @classmethod
    def above(cls, instance: Instance, process: Process, chain: Sequence[Process], proc: str) -> Optional[Supervisor]:
        directory = _working_directory(process, proc)
        is_its_own = chain[0].parent == process.pid or re.search(_POSTFIX, _script_in(directory))
        return cls(instance, directory, process, proc) if directory and is_its_own else None

    @classmethod
    def known(cls, instance: Instance, master: Optional[Process], around: Around) -> Optional[Supervisor]:
        for process in around.running(cls.watchers):
            directory = _working_directory(process, around.proc)
            if runs(_script_in(directory), instance):
                return cls(instance, directory, process, around.proc)
        return None

    def _tool(self, name: str) -> str:
        """Return the path of a program that is installed beside the supervisor's own."""
        with suppress(OSError):
            directory = os.path.dirname(os.readlink(f"{self.proc}/{self.process.pid}/exe")) if self.process else ""
            path = os.path.join(directory, name)
            return path if os.access(path, os.X_OK) else name
        return name


class Runit(_OfDirectories):
    """runit: sv(8)."""

    kind = "runit"
    watchers = ("runsv",)

    def stop(self, deadline: float, watch: Watch) -> Outcome:
        return run([self._tool("sv"), "-w", str(_PATIENCE), "stop", self.service], deadline, watch)

    def begin(self, deadline: float, watch: Watch) -> Outcome:
        return run([self._tool("sv"), "-w", str(_PATIENCE), "start", self.service], deadline, watch)

    def leaves_down(self, outcome: Outcome) -> bool:
        return outcome.status == 0 or any(line.startswith("timeout: ") for line in outcome.words)


class S6(_OfDirectories):
    """s6, also below s6-rc and s6-overlay: s6-svc."""

    kind = "s6"
    watchers = ("s6-supervise",)

    def stop(self, deadline: float, watch: Watch) -> Outcome:
        return self._control(["-wd", "-d"], deadline, watch)

    def begin(self, deadline: float, watch: Watch) -> Outcome:
        return self._control(["-wu", "-u"], deadline, watch)

    def leaves_down(self, outcome: Outcome) -> bool:
        return outcome.status in (0, 99)  # 99: it was told, and the end was not awaited

    def _control(self, action: List[str], deadline: float, watch: Watch) -> Outcome:
        return run([self._tool("s6-svc"), "-T", str(_PATIENCE * 1000), *action, self.service], deadline, watch)


class Supervisord(Supervisor):
    """supervisord: supervisorctl(1), which knows the programs by their processes."""

    kind = "supervisord"
    watchers = ("supervisord",)

    @classmethod
    def above(cls, instance: Instance, process: Process, chain: Sequence[Process], proc: str) -> Optional[Supervisor]:
        here = cls(instance, "", process, proc)
        status = here._control("status", time.monotonic() + _ANSWER)
        for line in status.words:
            running = re.match(r"(\S+)\s+RUNNING\s+pid (\d+)", line)
            if running and int(running.group(2)) in [one.pid for one in chain]:
                here.service = running.group(1)
                return here
        # Where it is process 1, what others have started in the background becomes its child too.
        mute = here._control("pid", time.monotonic() + _ANSWER).status != 0
        return here if mute and not is_in_background(chain[0], proc) else None

    @classmethod
    def known(cls, instance: Instance, master: Optional[Process], around: Around) -> Optional[Supervisor]:
        for process in around.running(cls.watchers):
            here = cls(instance, "", process, around.proc)
            for name, command in _programs(here._configuration or os.path.join(around.root, _SUPERVISORD)):
                if runs(command, instance):
                    here.service = name
                    return here
        return None

    def stop(self, deadline: float, watch: Watch) -> Outcome:
        return self._control(f"stop {self.service}", deadline, watch)

    def begin(self, deadline: float, watch: Watch) -> Outcome:
        outcome = self._control(f"start {self.service}", deadline, watch)
        if any("already started" in line for line in outcome.words):  # it pauses between attempts that fail
            self.stop(deadline, watch)
            outcome = self._control(f"start {self.service}", deadline, watch)
        return outcome

    def leaves_down(self, outcome: Outcome) -> bool:
        return outcome.status == 0 or any("not running" in line for line in outcome.words)

    def forbids(self) -> Optional[str]:
        if self.service:
            return None
        sections = "unix_http_server, rpcinterface:supervisor and supervisorctl"
        remedy = f"Give its configuration the sections {sections}."
        return f"supervisord runs Postfix, and supervisorctl(1) cannot tell it to stop and start that. {remedy}"

    @property
    def _configuration(self) -> str:
        """The path of the configuration that it was given; empty if it has found that by itself."""
        named = re.search(
            r"\0(?:-c\0?|--configuration[=\0])([^\0]+)", "\0".join(_command_line(self.process, self.proc))
        )
        return os.path.join(_working_directory(self.process, self.proc), named.group(1)) if named else ""

    def _control(self, action: str, deadline: float, watch: Watch = lambda: None) -> Outcome:
        paths = [word for word in _command_line(self.process, self.proc) if os.path.basename(word) in self.watchers]
        tool = os.path.join(os.path.dirname(paths[0]) if paths else "", "supervisorctl")
        where = ["-c", self._configuration] if self._configuration else []
        return run([tool, *where, *action.split()], deadline, watch)


class OpenRC(Supervisor):
    """OpenRC: rc-service(8). It keeps account of which services are started, and has a cgroup for each."""

    kind = "openrc"
    watchers = ("supervise-daemon",)

    @classmethod
    def above(cls, instance: Instance, process: Process, chain: Sequence[Process], proc: str) -> Optional[Supervisor]:
        name = "".join(_command_line(process, proc)[1:2])
        return cls(instance, name, process, proc) if _runs_openrc("/") and _openrc_script(name, "/") else None

    @classmethod
    def known(cls, instance: Instance, master: Optional[Process], around: Around) -> Optional[Supervisor]:
        """Return the service by its cgroup, or by its link: postfix.out has /etc/postfix.out."""
        if not _runs_openrc(around.root):
            return None
        usual = "postfix" if instance.is_default else os.path.basename(instance.config_directory)
        for name in [*_openrc_cgroups(master, around.proc), usual]:
            if _openrc_script(name, around.root):
                return cls(instance, name, None, around.proc)
        return None

    def stop(self, deadline: float, watch: Watch) -> Outcome:
        return self._control("stop", deadline, watch)

    def begin(self, deadline: float, watch: Watch) -> Outcome:
        if os.path.lexists(f"/{_OPENRC}/started/{self.service}"):  # and yet it does not run: its stop has failed
            self._control("zap", deadline, watch)
        return self._control("start", deadline, watch)

    def leaves_down(self, outcome: Outcome) -> bool:
        return outcome.status == 0 or self.process is None

    def at_boot(self, wanted: bool) -> List[Tuple[str, List[str]]]:
        levels = "/etc/runlevels"
        there = any(os.path.lexists(os.path.join(levels, level, self.service)) for level in os.listdir(levels))
        if there == wanted:
            return []
        if wanted:
            return [(f"{self.service} is in the runlevel default", ["rc-update", "add", self.service, "default"])]
        return [(f"{self.service} is in no runlevel", ["rc-update", "--all", "del", self.service])]

    def _control(self, action: str, deadline: float, watch: Watch) -> Outcome:
        # What needs a mail server is not stopped along with it.
        return run(["rc-service", self.service, "--nodeps", action], deadline, watch)


class Container(Supervisor):
    """A container that was started for Postfix, and ends when the master ends."""

    kind = "container"

    @classmethod
    def above(cls, instance: Instance, process: Process, chain: Sequence[Process], proc: str) -> Optional[Supervisor]:
        if process.pid != 1 or _program(process, proc) in INITS or is_in_background(chain[0], proc):
            return None
        # What somebody has started by hand is below process 1 too, in the end, or becomes its child.
        between = [os.path.basename("".join(_command_line(one, proc)[:1])) for one in chain[1:-1]]
        is_by_script = bool(between) and set(between) <= set(_SHELLS)  # that of postfix start-fg is one
        if chain[0] == process or is_by_script or _same_output(chain[0], process, proc):
            return cls(instance, "", process, proc)
        return None

    def stop(self, deadline: float, watch: Watch) -> Outcome:
        return Outcome("a stop from here", 1, [self.forbids()])

    def begin(self, deadline: float, watch: Watch) -> Outcome:
        return Outcome("a start from here", 1, [self.forbids()])

    def forbids(self) -> str:
        ends = "Postfix is what this container runs, so the container would end with it, and cannot start it again."
        return f"{ends} Restart the container; to edit the files for that, set apply to false."


SUPERVISORS: Tuple[Type[Supervisor], ...] = (Runit, S6, Supervisord, OpenRC)
"""What can be above a master. A container counts where none of these is."""


def find_supervisor(
    instance: Instance, master: Optional[Master], proc: str = PROC, root: str = "/"
) -> Optional[Supervisor]:
    """Return what runs an instance, where systemd does not; None where nobody does, and postfix(1) starts it.

    :param master: the running one, if any
    """
    chain: List[Process] = []
    process = master.process if master else None
    while process:
        for kind in SUPERVISORS if chain else ():  # the nearest one counts
            if _program(process, proc) in kind.watchers:
                found = kind.above(instance, process, chain, proc)
                if found:
                    return found
        chain.append(process)
        process = read_process(process.parent, proc)
    around = Around(proc, root)
    for kind in SUPERVISORS:
        found = kind.known(instance, master.process if master else None, around)
        if found:
            return found
    return Container.above(instance, chain[-1], chain, proc) if chain else None


def runs(text: str, instance: Instance) -> bool:
    """Return whether a script or a command runs Postfix by the directory of an instance."""
    text = re.sub(r"(?m)^\s*#.*", "", text)
    if not re.search(_POSTFIX, text):
        return False
    directories = re.findall(r"(?:\s-c\s*|MAIL_CONFIG=)[\"']?(/[^\s\"';]+)", text)
    names = re.findall(r"\s-i\s*[\"']?([\w.-]+)", text) if "postmulti" in text else []
    if directories or names:
        same = [os.path.realpath(path) == os.path.realpath(instance.config_directory) for path in directories]
        return any(same) or instance.name in names
    return instance.is_default


def is_in_background(master: Process, proc: str = PROC) -> bool:
    """Return whether a master was started by ``postfix start``, which does not wait for its end (master(8), -w)."""
    return "-w" in _command_line(master, proc)[1:]


def _same_output(one: Process, other: Process, proc: str) -> bool:
    """Return whether two processes have the same standard output: what a container writes goes to its engine."""
    try:
        return os.path.samefile(f"{proc}/{one.pid}/fd/1", f"{proc}/{other.pid}/fd/1")
    except OSError:
        return False


def _program(process: Process, proc: str) -> str:
    """Return the name of what a process runs, which the kernel cuts: that of the script, where it is one."""
    words = _command_line(process, proc)
    interpreted = bool(words) and re.match(_INTERPRETER, os.path.basename(words[0])) is not None
    path = next((word for word in words[1:] if not word.startswith("-")), "") if interpreted else "".join(words[:1])
    name = os.path.basename(path)
    return name if name[: len(process.name)] == process.name or interpreted else process.name


def _command_line(process: Optional[Process], proc: str) -> List[str]:
    with suppress(OSError):
        if process:
            with open(f"{proc}/{process.pid}/cmdline", encoding="utf-8", errors="surrogateescape") as stream:
                return stream.read().rstrip("\0").split("\0")
    return []


def _working_directory(process: Optional[Process], proc: str) -> str:
    """Return the working directory of a process; empty if this one may not look at it."""
    with suppress(OSError):
        return os.readlink(f"{proc}/{process.pid}/cwd") if process else ""
    return ""


def _script_in(directory: str) -> str:
    """Return the script that runs the service of a directory; empty if it cannot be read."""
    with suppress(OSError), open(os.path.join(directory, "run"), encoding="utf-8", errors="replace") as stream:
        return stream.read(_SCRIPT)
    return ""


def _programs(path: str) -> Iterator[Tuple[str, str]]:
    """Yield the programs of a configuration of supervisord: the name of each, with its group, and its command."""
    from configparser import Error, RawConfigParser  # long to load

    parser = RawConfigParser(strict=False, inline_comment_prefixes=(";",))
    with suppress(Error, OSError):
        parser.read(path)
        for pattern in parser.get("include", "files", fallback="").split():
            parser.read(sorted(glob(os.path.join(os.path.dirname(path), pattern))))
    members = {
        name.strip(): section[len("group:") :]
        for section in parser.sections()
        if section.startswith("group:")
        for name in parser.get(section, "programs", fallback="").split(",")
    }
    for section in parser.sections():
        kind, _colon, name = section.partition(":")
        if kind == "program":
            full = f"{members[name]}:{name}" if name in members else name
            yield (
                full,
                f"{parser.get(section, 'environment', fallback='')} {parser.get(section, 'command', fallback='')}",
            )


def _runs_openrc(root: str) -> bool:
    """Return whether OpenRC has started this system; it is installed on others too."""
    return os.path.exists(os.path.join(root, _OPENRC, "softlevel"))


def _openrc_script(name: str, root: str) -> bool:
    """Return whether a service of OpenRC runs Postfix; of other init scripts it keeps no account."""
    with suppress(OSError), open(os.path.join(root, "etc/init.d", name), encoding="utf-8", errors="replace") as stream:
        text = stream.read(_SCRIPT)
        return bool(re.match(r"#!.*(openrc-run|runscript)", text) and re.search(_POSTFIX, text))
    return False


def _openrc_cgroups(master: Optional[Process], proc: str) -> List[str]:
    """Return the services in whose cgroups a master is: /openrc.NAME, or /NAME of the hierarchy of OpenRC."""
    path = f"{proc}/{master.pid}/cgroup" if master else os.devnull
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as stream:
        return re.findall(r"(?m)(?::name=openrc:/|::.*/openrc\.)([^/\s]+)", stream.read())
    return []
