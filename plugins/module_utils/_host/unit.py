# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module util is PRIVATE to the collection: it can change at any time.

"""What stops, starts and reloads an instance: its systemd unit, or postfix(1) itself.

Exit codes are returned to be shown, and prove nothing: ``systemctl start postfix`` succeeds on Debian 12 whatever
becomes of Postfix, and ``postfix reload`` when the master dies a second later. Look at the master.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import Callable, Iterator, List, NamedTuple, Optional

from .installed import command_environment
from .instance import DEFAULT_NAME, Instance
from .master_process import Master

_UNIT_DIRECTORIES = (
    "etc/systemd/system",
    "run/systemd/system",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
)
_GENERATED = re.compile(r"(?m)^ExecStart=.*postmulti.*%i")  # Debian up to 12, and Ubuntu's of that time
_READ_MASTER = ("-o", "mynetworks=", "-M")  # the default of mynetworks needs addresses that may be absent
_CONFIGURE = "/usr/lib/postfix/configure-instance.sh"  # of Debian up to 12
_CHECKED = "quick-start"  # postfix-script removes it, and starts without checks
_LEAN = "/run/systemd/system/{}.d/mailfleet-lean-start.conf"
_TIDYING = 10.0  # seconds, also where the deadline has passed
_GRACE = 5.0  # seconds that postfix-script waits for a stop before it uses force


class Outcome(NamedTuple):
    """What a command said, and its exit status; None when it was ended because it took too long."""

    command: str
    status: Optional[int]
    words: List[str]


class ServiceControl(NamedTuple):
    """The means to stop, start and reload one instance; ``unit`` is None where there is no systemd unit for it."""

    instance: Instance
    unit: Optional[str]

    def prepare(self, deadline: float) -> Outcome:
        """Do before a stop what then takes no time while the instance is down; returns what ``postfix check`` says.

        A start checks the queue directory, as ``postfix check`` does, unless a file there says that this was done.
        All deadlines are by time.monotonic().
        """
        if self.unit:  # else systemd refuses a unit that was started too often in a short time
            run(["systemctl", "reset-failed", self.unit], deadline)
        else:
            self._configure(deadline)
        return run([self.instance.postfix, "-c", self.instance.config_directory, "check"], deadline)

    @contextmanager
    def lean_starts(self, deadline: float) -> Iterator[None]:
        """Do now what the unit of Debian up to 12 does before each start, and not in the starts within this context.

        Copying all certificates takes a second on Debian 11, in which there would be no mail service.
        """
        try:
            if self._only_configures(deadline):
                self._configure(deadline)
                path = _LEAN.format(self.unit)
                with suppress(OSError):
                    os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
                    with open(path, "w", encoding="ascii") as stream:
                        stream.write("[Service]\nExecStartPre=\n")
                    run(["systemctl", "daemon-reload"], deadline)
            yield
        finally:
            self.tidy()

    def tidy(self) -> None:
        """Let the unit start as it is meant to, also where a run was killed that had changed that."""
        path = _LEAN.format(self.unit)
        if self.unit and os.path.lexists(path):
            with suppress(OSError):
                os.unlink(path)
                os.rmdir(os.path.dirname(path))  # unless somebody else has put something there
            run(["systemctl", "daemon-reload"], time.monotonic() + _TIDYING)

    def _only_configures(self, deadline: float) -> bool:
        """Whether all that the unit does before a start is what :meth:`_configure` does."""
        if not self.is_generated() or not os.access(_CONFIGURE, os.X_OK):
            return False
        told = run(["systemctl", "show", "--property=ExecStartPre", str(self.unit)], deadline)
        return [word.partition(" ;")[0] for word in told.words] == [f"ExecStartPre={{ path={_CONFIGURE}"]

    def start(self, deadline: float, checked: bool = False, watch: Callable[[], None] = lambda: None) -> Outcome:
        """Start the instance.

        :param checked: whether :meth:`prepare` has just found no fault
        :param watch: called again and again meanwhile
        """
        done = os.path.join(self.instance.queue_directory, _CHECKED)
        try:
            if checked:
                with suppress(OSError):
                    os.close(os.open(done, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644))
            if self.unit:
                return run(["systemctl", "start", self.unit], deadline, watch)
            if not checked:
                self._configure(deadline)
            return run([self.instance.postfix, "-c", self.instance.config_directory, "start"], deadline, watch)
        finally:
            if checked:
                with suppress(OSError):
                    os.unlink(done)

    def _configure(self, deadline: float) -> None:
        """What Debian's unit and init script do before each start: copy what programs need in their chroot."""
        if self.instance.name and os.access(_CONFIGURE, os.X_OK):
            run([_CONFIGURE, self.instance.name], deadline)

    def reload(self, deadline: float) -> Outcome:
        """Make the master read its files again.

        Not through systemd, which would reload all other instances along with the default one (ReloadPropagatedFrom).
        """
        return run([self.instance.postfix, "-c", self.instance.config_directory, "reload"], deadline)

    def stop(self, master: Master, deadline: float, watch: Callable[[], None] = lambda: None) -> List[Outcome]:
        """Stop the instance, however broken its configuration is; returns what was tried, the last of which worked.

        ``postfix stop`` refuses when main.cf names an absent address. Then the master gets the signals that it would
        have got: SIGTERM, upon which it ends its children and itself, and SIGKILL to all of them after 5 s.

        :param watch: called again and again while a command runs
        """
        with _in_a_hurry(master):
            return self._stop(master, deadline, watch)

    def _stop(self, master: Master, deadline: float, watch: Callable[[], None]) -> List[Outcome]:
        tried = []
        if self.unit and unit_of(master) == self.unit:
            # Otherwise systemd stops all other instances along with the default one (PartOf).
            tried.append(run(["systemctl", "stop", "--job-mode=ignore-requirements", self.unit], deadline, watch))
        if not _gone(master, tried):
            tried.append(run([self.instance.postfix, "-c", self.instance.config_directory, "stop"], deadline, watch))
        if _gone(master, tried):
            return tried
        for number in (signal.SIGTERM, signal.SIGKILL):
            tried.append(_signal(master, number))
            if _gone(master, tried):
                break
        if self.unit:  # let systemd notice that its unit has ended
            tried.append(run(["systemctl", "stop", "--job-mode=ignore-requirements", self.unit], deadline))
        return tried

    def refusal(self, deadline: float) -> Optional[str]:
        """Why Postfix's programs do not accept the files, if they don't; asked without touching anything.

        postmap(1) reads main.cf as they all do, and postconf(1) master.cf. What only shows at the sockets is not seen.
        """
        directory = ["-c", self.instance.config_directory]
        for command in (
            ["postmap", *directory, "-q", "x", "texthash:/dev/null"],
            ["postconf", *directory, *_READ_MASTER],
        ):
            command[0] = os.path.join(self.instance.command_directory, command[0])
            fatal = [line for line in run(command, deadline).words if "fatal: " in line]
            if fatal:
                return fatal[-1]
        return None

    def is_outside(self, master: Optional[Master]) -> bool:
        """Whether a master runs that somebody has started by hand, although there is a unit for it."""
        return master is not None and self.unit is not None and unit_of(master) != self.unit

    def is_generated(self, root: str = "/") -> bool:
        """Whether the unit comes from the generator of Debian up to 12, which knows all instances."""
        return self.unit is not None and _GENERATED.search(_unit_text(self.unit, root) or "") is not None

    def is_masked(self, root: str = "/") -> bool:
        """Whether the administrator forbade to start the unit."""
        return self.unit is not None and _unit_text(self.unit, root) == ""


def find_service(instance: Instance, master: Optional[Master] = None, root: str = "/") -> ServiceControl:
    """Find out what runs an instance.

    Debian up to 12 runs each instance in ``postfix@NAME.service``, where the default instance has the name ``-`` and
    ``postfix.service`` does nothing; Debian 13 the default one in ``postfix.service`` and that of ``/etc/postfix-NAME``
    in ``postfix@NAME.service``; others only know ``postfix.service``. A unit of the administrator's own is recognised
    when the master runs in it.

    :param master: the running one, if any
    """
    if not os.path.isdir(os.path.join(root, "run/systemd/system")):
        return ServiceControl(instance, None)
    running = unit_of(master) if master else None
    if running and re.search(r"(?m)^Exec\w+=.*post(fix|multi)", _unit_text(running, root) or ""):
        return ServiceControl(instance, running)
    return ServiceControl(instance, _usual_unit(instance, root))


def unit_of(master: Master) -> Optional[str]:
    """The systemd service that a master runs in; None when somebody started it by hand (proc(5), /proc/PID/cgroup)."""
    try:
        with open(f"{master.proc}/{master.process.pid}/cgroup", encoding="utf-8", errors="replace") as stream:
            paths = [line.rstrip("\n").split(":", 2)[2] for line in stream if re.match(r"(0:|\d+:name=systemd):", line)]
    except OSError:
        return None
    units = [part for path in paths for part in path.split("/") if part.endswith(".service")]
    return units[-1] if units else None


def run(command: List[str], deadline: float, watch: Callable[[], None] = lambda: None) -> Outcome:
    """Run a command until it ends, with a terminal for its output, calling ``watch`` again and again meanwhile.

    Before 3.8, postfix(1) and postlog(1) say what is wrong only to a terminal. Only the command itself is waited for:
    ``postfix reload`` leaves a process in the background that keeps the terminal open.
    """
    shown = " ".join(command)
    environment = command_environment()
    environment.update(SYSTEMD_COLORS="0", SYSTEMD_PAGER="cat", TERM="dumb")
    try:
        ours, theirs = os.openpty()
    except OSError:  # a container without terminals
        ours, theirs = os.pipe()
    output = b""
    try:
        try:
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function  # the core has no AnsibleModule
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,  # the terminal shall not become theirs: closing it would send SIGHUP
            )
        except OSError as error:
            # Python 3.7 puts the path into strerror.
            return Outcome(shown, 127, [f"{command[0]}: {os.strerror(error.errno or 0)}"])
        finally:
            os.close(theirs)
        while process.poll() is None and time.monotonic() < deadline:
            output += _available(ours, 0.01)
            watch()
        if process.poll() is None:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGTERM)
            return Outcome(shown, None, [*_lines(output), f"{shown}: took too long and was ended"])
        rest = _available(ours, 0.0)
        while rest:
            output += rest
            rest = _available(ours, 0.0) if time.monotonic() < deadline else b""
        return Outcome(shown, process.returncode, _lines(output))
    finally:
        os.close(ours)


def _available(descriptor: int, wait: float) -> bytes:
    """What can be read within so many seconds."""
    if select.select([descriptor], [], [], wait)[0]:
        try:
            return os.read(descriptor, 65536)
        except OSError:  # nobody has the terminal open any more
            time.sleep(wait)
    return b""


def _lines(output: bytes) -> List[str]:
    return [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]


def _gone(master: Master, tried: List[Outcome]) -> bool:
    """Whether the master has ended; given a moment to do so if what was tried last claims to have worked."""
    patience = 0.0
    if tried and tried[-1].status == 0:
        patience = _GRACE if tried[-1].command.startswith("kill") else 0.5
    deadline = time.monotonic() + patience
    while master.is_alive():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return True


@contextmanager
def _in_a_hurry(master: Master) -> Iterator[None]:
    """Let a master end at once, however busy the host is.

    postfix-script looks right after its signal whether the master is gone, and then only once a second.
    """
    pid, usual = master.process.pid, None
    with suppress(OSError):  # not allowed in this container
        usual = os.getpriority(os.PRIO_PROCESS, pid)
        os.setpriority(os.PRIO_PROCESS, pid, -20)
    try:
        yield
    finally:
        if usual is not None and master.is_alive():
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, pid, usual)


def _signal(master: Master, number: signal.Signals) -> Outcome:
    pid = master.process.pid
    command, status = f"kill -{number.name} {pid}", 0
    try:
        if number == signal.SIGKILL and os.getpgid(pid) == pid:  # it cannot end its children itself
            os.killpg(pid, number)
        elif master.is_alive():
            os.kill(pid, number)
    except OSError:
        status = 1
    return Outcome(command, status, [])


def _usual_unit(instance: Instance, root: str) -> Optional[str]:
    template = _unit_text("postfix@.service", root) or ""
    if _GENERATED.search(template):
        return f"postfix@{instance.name}.service" if instance.name else None
    if instance.name == DEFAULT_NAME:
        return None if _unit_text("postfix.service", root) is None else "postfix.service"
    directory = re.search(r"(?m)^Environment=\"?MAIL_CONFIG=([^%\s\"]+)%I\"?\s*$", template)
    if directory and instance.config_directory.startswith(directory.group(1)):
        return f"postfix@{_escaped(instance.config_directory[len(directory.group(1)) :])}.service"
    return None


def _unit_text(unit: str, root: str) -> Optional[str]:
    """The text of a unit file or of its template; None if there is none, empty if it is masked."""
    names = [unit, re.sub(r"@.*\.", "@.", unit)]
    for name in names:
        for directory in _UNIT_DIRECTORIES:
            try:
                with open(os.path.join(root, directory, name), encoding="utf-8", errors="replace") as stream:
                    return stream.read()
            except OSError:
                continue
    return None


def _escaped(text: str) -> str:
    """A name as it stands in a unit's name (systemd.unit(5), "String escaping for inclusion in unit names")."""
    result = ""
    for index, byte in enumerate(text.encode("utf-8", "surrogateescape")):
        character = chr(byte)
        plain = character.isalnum() if byte < 128 else False
        if character == "/":
            result += "-"
        elif plain or character in ":_" or (character == "." and index):
            result += character
        else:
            result += f"\\x{byte:02x}"
    return result
