# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts without systemd: on a host of the lab, a system of its own with another first process.

It has namespaces for its processes and its mounts, and the addresses of the host. Of systemd,
of the journal and of what else the host runs nothing is to be seen in it.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fleet import STATE, MailHost
from mailfleet_lab.system import wait_until

OPENRC_SCRIPT = """#!/sbin/openrc-run
# As Gentoo and Alpine have it: a link postfix.NAME is for the instance in /etc/postfix.NAME.
extra_started_commands="reload"
case $RC_SVCNAME in
postfix) directory=/etc/postfix ;;
*) directory=/etc/postfix.${RC_SVCNAME#*.} ;;
esac
depend() { provide mta; }
start() { ebegin "Starting postfix ($directory)"; postfix -c $directory start >/dev/null 2>&1; eend $?; }
stop() { ebegin "Stopping postfix ($directory)"; postfix -c $directory stop >/dev/null 2>&1; eend $?; }
reload() { ebegin "Reloading postfix ($directory)"; postfix -c $directory reload >/dev/null 2>&1; eend $?; }
"""
SUPERVISORD = """[supervisord]
nodaemon=true
logfile=/run/supervisord.log
pidfile=/run/supervisord.pid
[unix_http_server]
file=/run/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix:///run/supervisor.sock
[program:mail]
command=/usr/sbin/postfix start-fg
startretries=1
"""
RUN = "#!/bin/sh\nexec postfix start-fg\n"
#: what each system starts with after these
PREPARE = """mount -t proc proc /proc
mount -t tmpfs none /run
mkdir -p /run/lock /run/shm
"""


#: of each program that busybox has, its own takes the place
BUSYBOX = """for name in $(busybox --list); do for directory in /usr/bin /usr/sbin /bin /sbin; do
    test ! -f $directory/$name || busybox mount --bind /bin/busybox $directory/$name
done; done
for name in /usr/bin/ss /usr/bin/lsns /usr/bin/findmnt; do busybox mount --bind /bin/false $name; done
"""
READ_ONLY = """for place in /etc /tmp /var/log /var/spool/postfix PLACES; do mount --bind $place $place; done
mount -o remount,bind,ro /
"""
UNABLE = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]


@dataclass(frozen=True)
class System:
    """A system whose first process is not systemd."""

    #: what its first process does in the end
    init: str
    #: what is done before, with the mounts that it has made for itself
    prepare: str = ""
    #: files, by their path
    files: dict[str, str] = field(default_factory=dict)
    #: a command that says whether the supervisor takes Postfix to run, and what it says then
    state: str = "true"
    up: str = ""
    #: a command by which an administrator stops Postfix
    stop: str = "postfix stop"
    #: what results say
    supervisor: str | None = None


SYSTEMS = {
    "openrc": System(
        "exec openrc-init",
        "rm -rf /etc/runlevels && mkdir -p /etc/runlevels/sysinit /etc/runlevels/boot /etc/runlevels/default\n"
        "ln -s /etc/init.d/postfix /etc/runlevels/default/postfix",
        {"/etc/init.d/postfix": OPENRC_SCRIPT},
        "rc-service postfix status",
        "status: started",
        "rc-service postfix stop",
        "openrc",
    ),
    "runit": System(
        "exec runsvdir -P /srv/service",
        "",
        {"/srv/service/postfix/run": RUN},
        "sv status /srv/service/postfix",
        "run: ",
        "sv stop /srv/service/postfix",
        "runit",
    ),
    "runit-master": System(
        "exec runsvdir -P /srv/service",
        "",
        {"/srv/service/postfix/run": "#!/bin/sh\nexec $(postconf -h daemon_directory)/master -d\n"},
        "sv status /srv/service/postfix",
        "run: ",
        "sv stop /srv/service/postfix",
        "runit",
    ),
    "s6": System(
        "exec s6-svscan /srv/s6",
        "",
        {"/srv/s6/postfix/run": RUN},
        "s6-svstat /srv/s6/postfix",
        "up ",
        "s6-svc -wd -d /srv/s6/postfix",
        "s6",
    ),
    "supervisord": System(
        "exec supervisord -c /srv/supervisord.conf",
        "",
        {"/srv/supervisord.conf": SUPERVISORD},
        "supervisorctl -c /srv/supervisord.conf status mail",
        "RUNNING",
        "supervisorctl -c /srv/supervisord.conf stop mail",
        "supervisord",
    ),
    "container": System("exec postfix start-fg", supervisor="container"),
    "container-shell": System("postfix start-fg", supervisor="container"),
    "none": System("postfix start; exec sleep infinity"),
}


class Elsewhere(MailHost):
    """Such a system on a host of the lab, where systemd does not run Postfix."""

    system: System
    process = ""

    def reset(self) -> None:
        """Everything as the package had set it up, with Postfix not running."""
        self.end()
        self.run("systemctl", "stop", "postfix.service", "postfix@-.service", check=False)
        self.run("systemctl", "mask", "--runtime", "postfix.service", "postfix@-.service")
        self.run("rm", "-rf", STATE, "/srv/service", "/srv/s6", "/etc/postfix.out", "/var/spool/postfix.out")
        self.run("sh", "-c", "rm -rf /etc/postfix && cp -a /root/postfix.stock /etc/postfix")
        self.give_addresses()

    def end(self) -> None:
        """End the system, with all that runs in it."""
        if self.process:
            self.run("kill", "-KILL", self.process, check=False)
            wait_until(lambda: not self.is_up(), 10, "the system ending")
            self.process = ""

    def is_up(self) -> bool:
        """Whether the system runs."""
        return (
            not self.run("test", "-e", f"/proc/{self.process}/root", check=False).returncode if self.process else False
        )

    def begin(self, system: System) -> None:
        """Start a system, and wait until Postfix runs there."""
        self.reset()
        for path, text in system.files.items():
            self.write(path, text)
            self.run("chmod", "755", path)
        self.boot(system)

    def boot(self, system: System) -> None:
        """Start a system by the files that are there, and wait until Postfix runs there."""
        self.system = system
        self.write("/root/init", f"{PREPARE}{system.prepare}\n{system.init}\n")
        # Its first process is the child of unshare, which is seen by its number on the host.
        start = "setsid unshare --fork --pid --mount --kill-child sh -e /root/init >/root/console 2>&1 </dev/null &"
        self.run("sh", "-c", f"{start} echo $! >/root/unshare")

        def child() -> str:
            return self.run("sh", "-c", "cat /proc/$(cat /root/unshare)/task/*/children", check=False).stdout.strip()

        self.process = wait_until(child, 10, "a system")
        wait_until(self.is_supervised, 60, "Postfix starting")  # supervisord calls a second of it STARTING

    def _view(self, systemd: bool) -> list[str]:
        return ["nsenter", "--mount", "--pid", f"--target={self.process}", "--"]

    def state(self) -> str:
        """What the supervisor says of Postfix."""
        return self.run(*self._view(True), "sh", "-c", f"{self.system.state} 2>&1", check=False).stdout.strip()

    def is_supervised(self) -> bool:
        """Whether the supervisor takes Postfix to run, which it does."""
        return self.system.up in self.state() and bool(self.sockets())


@contextmanager
def system_on(host: Elsewhere, system: System) -> Iterator[Elsewhere]:
    """Have a system run on a host in this context."""
    try:
        host.begin(system)
        yield host
    finally:
        with contextlib.suppress(subprocess.SubprocessError):
            host.end()


def result_of(answer: dict[str, Any]) -> tuple[Any, ...]:
    """What became of a run that did not go back."""
    assert not answer.get("rolled_back"), answer
    return answer.get("action"), answer.get("in_sync"), answer.get("supervisor")
