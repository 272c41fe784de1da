# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stop, start and reload an instance, by its systemd unit, by what else supervises it, or by postfix(1).

The exit status of these commands proves nothing: on Debian 12 ``systemctl start postfix`` succeeds whether or not
Postfix comes up, and ``postfix reload`` when the master dies a second later. So callers have to look at the master.
"""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Callable, Iterator, List, Optional

from .._base.records import NamedTuple
from .command import Outcome, run
from .discreet import discreet
from .instance import Instance
from .master_process import Master, processes, read_process, runs_by
from .platform import before_start, is_generated, is_shared, package_unit, unit_text
from .quick_restart import give_back, is_as_packaged, is_quick, quicken
from .unit_properties import unit_properties

if TYPE_CHECKING:
    from .supervisor import Supervisor

_DEFAULT_MYNETWORKS = ("-o", "mynetworks=")  # in place of a default that needs addresses, which may be absent
_CHECKED = "quick-start"  # a file that tells postfix-script to start without checks; it removes the file
_OURS = b"mailfleet.postfix\n"  # in such a file; one that `postfix quick-stop` makes is empty
_BOOTED = "/run/systemd/system"  # exists where systemd runs (sd_booted(3))
_NOT_FOUND = 127  # the exit status of a command that is not there
_GRACE = 5.0  # seconds that postfix-script waits for a stop before it uses force


class ServiceControl(NamedTuple):
    """The means to stop, start and reload one instance.

    ``unit`` is None where there is no systemd unit for it, and ``supervisor`` where nothing else supervises it either.
    All deadlines are by time.monotonic().
    """

    instance: Instance
    unit: Optional[str]
    supervisor: Optional[Supervisor] = None

    @property
    def kind(self) -> Optional[str]:
        """What stops and starts it, as results say it; None for postfix(1)."""
        return "systemd" if self.unit else self.supervisor.kind if self.supervisor else None

    @property
    def has_journal(self) -> bool:
        """Whether what Postfix logs can be in a systemd journal."""
        return os.path.isdir(_BOOTED)

    def prepare(self, deadline: float) -> Outcome:
        """Do before a stop what would otherwise prolong the time between stop and start; :meth:`tidy` undoes it.

        All that the unit runs before a start is run now, and then left out of the start (:mod:`_host.quick_restart`).

        :returns: what ``postfix check`` says, or the command of the package that prepares a start and has failed
        """
        self._forget_failures(deadline)
        packaged = self.unit is not None and is_as_packaged(self.unit, self.instance, deadline)
        if packaged or not self.unit:
            prepared = self._run_before_start(deadline)
            if packaged and prepared and prepared.status != 0:  # then systemd would not start the unit either
                return prepared
        checked = self._postfix("check", deadline)
        if packaged and checked.status == 0:
            quicken(str(self.unit), self.instance, deadline)
        return checked

    def tidy(self) -> None:
        """Undo what :meth:`prepare` and :meth:`start` did for a moment, also where an earlier run was killed then."""
        if self.unit:
            give_back(self.unit)
        mark = os.path.join(self.instance.queue_directory, _CHECKED)
        with suppress(OSError):
            if os.lstat(mark).st_size == len(_OURS):
                os.unlink(mark)

    def start(self, deadline: float, checked: bool = False, watch: Callable[[], None] = lambda: None) -> Outcome:
        """Start the instance.

        :param checked: whether :meth:`prepare` has just found no fault
        :param watch: called again and again meanwhile
        """
        if is_quick(self.unit):
            return self._start_unit(str(self.unit), deadline, watch)
        if not checked:
            self._forget_failures(deadline)
        mark = os.path.join(self.instance.queue_directory, _CHECKED)
        try:
            if checked:
                with suppress(OSError):
                    descriptor = os.open(mark, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
                    with open(descriptor, "wb") as stream:
                        stream.write(_OURS)
            if self.unit:
                return self._start_unit(self.unit, deadline, watch)
            if not checked:
                self._run_before_start(deadline)
            if self.supervisor:
                return self.supervisor.start(deadline, watch)
            return self._start_to_stay(deadline, watch)
        finally:
            if checked:
                with suppress(OSError):
                    os.unlink(mark)

    def reload(self, deadline: float) -> Outcome:
        """Make the master read its files again.

        This does not use systemd, which would reload all other instances along with the default one
        (ReloadPropagatedFrom).
        """
        return self._postfix("reload", deadline)

    def stop(self, master: Master, deadline: float, watch: Callable[[], None] = lambda: None) -> List[Outcome]:
        """Stop the instance, even if its configuration is broken.

        The master gets the signals that ``postfix stop`` sends: SIGTERM, upon which it ends its children and itself,
        and SIGKILL to all of them after 5 s. That command itself refuses when main.cf names an absent address.

        :param watch: called again and again while a command runs
        :returns: what was tried; the last attempt worked if the master is gone
        """
        with _highest_priority(master):
            return self._stop(master, deadline, watch)

    def forbids_stop(self) -> Optional[str]:
        """Return in sentences why the instance cannot be stopped and started again from here; None if it can."""
        return self.supervisor.forbids() if self.supervisor else None

    def refusal(self, deadline: float, config_directory: str = "") -> Optional[str]:
        """Return why Postfix's programs do not accept the files, or None; nothing is changed.

        postmap(1) reads main.cf as all programs do, and postconf(1) reads master.cf. What only shows when sockets are
        opened is not seen.

        :param config_directory: where the files are, if not in the instance's
        """
        directory = ["-c", config_directory or self.instance.config_directory]
        for program, arguments in (
            ("postmap", [*directory, "-q", "x", "texthash:/dev/null"]),
            ("postconf", [*directory, *_DEFAULT_MYNETWORKS, "-M"]),
        ):
            command = [os.path.join(self.instance.command_directory, program), *arguments]
            fatal = [line for line in run(command, deadline).words if "fatal: " in line]
            if fatal:
                return discreet(fatal)[-1]
        return None

    def is_outside(self, master: Optional[Master]) -> bool:
        """Return whether a master runs that somebody has started by hand although there is a unit for it."""
        return master is not None and self.unit is not None and unit_of(master) != self.unit

    def is_generated(self) -> bool:
        """Return whether a generator makes the unit, from the instances that the default main.cf lists."""
        return self.unit is not None and is_generated(self.unit)

    def is_masked(self, root: str = "/") -> bool:
        """Return whether the administrator forbids that the unit is started."""
        return self.unit is not None and unit_text(self.unit, root) == ""

    def forbids(self, family: str, deadline: float) -> Optional[str]:
        """Return the name of a family if the unit allows no sockets of it (systemd.exec(5)), None if it allows them."""
        if self.unit is None:
            return None
        value = dict(unit_properties(self.unit, ["RestrictAddressFamilies"], deadline)).get(
            "RestrictAddressFamilies", ""
        )
        name = "AF_INET6" if family == "ipv6" else "AF_INET"
        return name if value and (name in value.strip("~").split()) == value.startswith("~") else None

    def _postfix(self, action: str, deadline: float, watch: Callable[[], None] = lambda: None) -> Outcome:
        return run([self.instance.postfix, "-c", self.instance.config_directory, action], deadline, watch)

    def _start_to_stay(self, deadline: float, watch: Callable[[], None]) -> Outcome:
        """Start what has no unit, in a scope of its own: systemd ends what else a unit has started when the unit ends.

        So it does for a timer that runs ansible-pull, and for sessions with KillUserProcesses (logind.conf(5)).
        """
        if os.path.isdir(_BOOTED):
            # INVOCATION_ID is in the environment of a scope (see command_environment).
            scope = ["systemd-run", "--quiet", "--scope", "--slice=system.slice", "env", "-u", "INVOCATION_ID"]
            command = [*scope, self.instance.postfix, "-c", self.instance.config_directory, "start"]
            outcome = run(command, deadline, watch)
            if outcome.status != _NOT_FOUND:
                return outcome
        return self._postfix("start", deadline, watch)

    def _forget_failures(self, deadline: float) -> None:
        """Let systemd start a unit again that has failed, or was started, too often in a short time."""
        if self.unit:
            run(["systemctl", "reset-failed", self.unit], deadline)

    def _run_before_start(self, deadline: float) -> Optional[Outcome]:
        command = before_start(self.instance)
        return run(command, deadline) if command else None

    def _stop(self, master: Master, deadline: float, watch: Callable[[], None]) -> List[Outcome]:
        def watch_end() -> None:
            watch()
            if not master.is_alive():
                _end_pause(self.instance)
                _end_unborn(master)

        tried = []
        if self.unit and unit_of(master) == self.unit and not is_quick(self.unit):
            tried.append(self._stop_unit(self.unit, deadline, watch_end))
        elif self.supervisor:
            tried.append(self.supervisor.stop(deadline, watch_end))
            if not self.supervisor.leaves_down(tried[-1]):  # it would start again what is ended by others
                return tried
        if _is_gone(master, tried, patient=not self.supervisor):
            return tried
        for number in (signal.SIGTERM, signal.SIGKILL):
            tried.append(_signal(master, number))
            if _is_gone(master, tried):
                watch_end()
                break
        if self.unit:  # lets systemd notice that its unit has ended
            tried.append(self._stop_unit(self.unit, deadline))
        return tried

    @staticmethod
    def _start_unit(unit: str, deadline: float, watch: Callable[[], None]) -> Outcome:
        least = deadline - time.monotonic()
        outcome = run(["systemctl", "start", unit], deadline, watch)
        if outcome.status is None:
            from .unit_jobs import finished  # seldom

            return finished(unit, outcome, least, watch)
        return outcome

    @staticmethod
    def _stop_unit(unit: str, deadline: float, watch: Callable[[], None] = lambda: None) -> Outcome:
        # Without this job mode, systemd stops all other instances along with the default one (PartOf).
        outcome = run(["systemctl", "stop", "--job-mode=ignore-requirements", unit], deadline, watch)
        if outcome.status is None:
            from .unit_jobs import explained  # seldom

            return explained(unit, outcome)
        return outcome


def _end_pause(instance: Instance) -> None:
    """End the ``sleep 1`` after which postfix-script looks again whether the master has ended, which it has.

    It looks right after its signal, when a master on a busy host has not ended yet, and then only once a second.
    """
    for process in processes("sleep"):
        parent = read_process(process.parent)
        with suppress(OSError):
            if parent and parent.name == "postfix-script" and runs_by(parent, instance):
                os.kill(process.pid, signal.SIGTERM)


def _end_unborn(master: Master) -> None:
    """End the children that a master had forked and that had not become another program yet when it ended.

    They have the master's own handler of SIGTERM, which fails in them and takes a second to. Until then they keep the
    master's sockets open, and systemd waits for them.
    """
    for process in processes(master.process.name):
        with suppress(OSError):
            if os.getpgid(process.pid) == master.process.pid:
                os.kill(process.pid, signal.SIGKILL)


def find_service(instance: Instance, master: Optional[Master] = None, root: str = "/") -> ServiceControl:
    """Find out what runs an instance: a unit of the administrator's own if the master runs in it, or the package's.

    Where systemd does not run it, whoever else does so is found.

    :param master: the running one, if any
    """
    has_systemd = os.path.isdir(os.path.join(root, "run/systemd/system"))
    if not has_systemd or (master and master.process.parent != 1):
        from .supervisors import find_supervisor  # few hosts have another one

        supervisor = find_supervisor(instance, master, root=root)
        if supervisor or not has_systemd:
            return ServiceControl(instance, None, supervisor)
    unit = unit_of(master) if master else None
    if unit and is_shared(unit, root) and not instance.is_default:
        return ServiceControl(instance, None)
    if unit and re.search(r"(?m)^Exec\w+=.*post(fix|multi)", unit_text(unit, root) or ""):
        return ServiceControl(instance, unit)
    return ServiceControl(instance, package_unit(instance, root))


def unit_of(master: Master) -> Optional[str]:
    """Return the systemd service that a master runs in (/proc/PID/cgroup); None if somebody started it by hand."""
    try:
        with open(f"{master.proc}/{master.process.pid}/cgroup", encoding="utf-8", errors="replace") as stream:
            lines = [line.rstrip("\n").split(":", 2) for line in stream]
    except OSError:
        return None
    paths = [path for _number, controllers, path in lines if controllers in ("", "name=systemd")]
    units = [part for path in paths for part in path.split("/") if part.endswith(".service")]
    return units[-1] if units else None


def _is_gone(master: Master, tried: List[Outcome], patient: bool = True) -> bool:
    """Return whether the master has ended; it gets a moment if the last attempt says that it worked."""
    patience = 0.0
    if patient and tried and tried[-1].status == 0:
        patience = _GRACE if tried[-1].command.startswith("kill") else 0.5
    deadline = time.monotonic() + patience
    while master.is_alive():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.002)
    return True


@contextmanager
def _highest_priority(master: Master) -> Iterator[None]:
    """Let a master end without delay, however busy the host is.

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
        if number == signal.SIGKILL and os.getpgid(pid) == pid:  # then it cannot end its children itself
            os.killpg(pid, number)
        elif master.is_alive():
            os.kill(pid, number)
    except OSError:
        status = 1
    return Outcome(command, status, [])
