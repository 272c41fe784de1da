# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from pathlib import Path
from typing import Dict, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import Instance
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.log import LogMark
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import Master, Process
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.unit import find_service, run, unit_of

# What decides in the units of the releases.
OLD_WRAPPER = "[Service]\nType=oneshot\nExecStart=/bin/true\nExecReload=/bin/true\n"
OLD_TEMPLATE = (
    "[Service]\nExecStartPre=/usr/lib/postfix/configure-instance.sh %i\nExecStart=/usr/sbin/postmulti -i %i -p start\n"
)
NEW_MAIN = "[Service]\nEnvironment=MAIL_CONFIG=/etc/postfix\nExecStart=postfix debian-systemd-start\n"
NEW_TEMPLATE = "[Service]\nEnvironment=MAIL_CONFIG=/etc/postfix-%I\nExecStart=postfix debian-systemd-start\n"
FEDORA = "[Service]\nExecStart=/usr/sbin/postfix start\n"

DEBIAN_12 = {"lib/systemd/system/postfix.service": OLD_WRAPPER, "lib/systemd/system/postfix@.service": OLD_TEMPLATE}
DEBIAN_13 = {
    "usr/lib/systemd/system/postfix.service": NEW_MAIN,
    "usr/lib/systemd/system/postfix@.service": NEW_TEMPLATE,
}
RHEL = {"usr/lib/systemd/system/postfix.service": FEDORA}


def instance(directory: str, name: str) -> Instance:
    return Instance(directory, name, "/var/spool/postfix", "/var/lib/postfix", "/usr/lib", "/usr/sbin", (3, 7, 11))


DEFAULT = instance("/etc/postfix", "-")
OUT = instance("/etc/postfix-out", "postfix-out")
DASHED = instance("/etc/postfix-out-1", "out")
ELSEWHERE = instance("/srv/mail", "mail")
NAMELESS = instance("/srv/mail", "")


def root(path: Path, files: Dict[str, str], systemd: bool = True) -> str:
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    if systemd:
        (path / "run/systemd/system").mkdir(parents=True)
    return str(path)


@pytest.mark.parametrize(
    "files, found, unit",
    [
        (DEBIAN_12, DEFAULT, "postfix@-.service"),
        (DEBIAN_12, OUT, "postfix@postfix-out.service"),
        (DEBIAN_12, NAMELESS, None),
        (DEBIAN_13, DEFAULT, "postfix.service"),
        (DEBIAN_13, OUT, "postfix@out.service"),
        (DEBIAN_13, DASHED, r"postfix@out\x2d1.service"),
        (DEBIAN_13, ELSEWHERE, None),
        (RHEL, DEFAULT, "postfix.service"),
        (RHEL, OUT, None),
        ({}, DEFAULT, None),
    ],
)
def test_the_unit_of_an_instance(tmp_path: Path, files: Dict[str, str], found: Instance, unit: Optional[str]) -> None:
    assert find_service(found, root=root(tmp_path, files)).unit == unit


def test_without_systemd_there_is_no_unit(tmp_path: Path) -> None:
    assert find_service(DEFAULT, root=root(tmp_path, DEBIAN_12, systemd=False)).unit is None


def test_the_administrator_s_unit_file_counts_before_the_package_s(tmp_path: Path) -> None:
    files = {**DEBIAN_12, "etc/systemd/system/postfix@.service": NEW_TEMPLATE}
    assert find_service(DEFAULT, root=root(tmp_path, files)).unit == "postfix.service"


def test_a_masked_unit_is_recognised(tmp_path: Path) -> None:
    top = root(tmp_path, DEBIAN_12)
    service = find_service(DEFAULT, root=top)
    assert not service.is_masked(top)
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    (tmp_path / "etc/systemd/system/postfix@-.service").symlink_to("/dev/null")
    assert service.is_masked(top)


def master_in(path: Path, cgroup: str) -> Master:
    (path / "proc/7").mkdir(parents=True)
    (path / "proc/7/cgroup").write_text(cgroup)
    return Master(Process(7, "master", 1, 1), "/var/spool/postfix", {}, "", str(path / "proc"))


@pytest.mark.parametrize(
    "cgroup, unit",
    [
        ("0::/system.slice/system-postfix.slice/postfix@-.service\n", "postfix@-.service"),
        ("0::/system.slice/postfix.service\n", "postfix.service"),
        ("9:name=systemd:/system.slice/postfix.service\n8:pids:/other.service\n", "postfix.service"),
        ("0::/machine.slice/pod.service/system.slice/postfix.service\n", "postfix.service"),
        ("0::/user.slice/user-0.slice/session-3.scope\n", None),
        ("0::/\n", None),
    ],
)
def test_the_unit_that_a_master_runs_in(tmp_path: Path, cgroup: str, unit: Optional[str]) -> None:
    assert unit_of(master_in(tmp_path, cgroup)) == unit


@pytest.mark.parametrize(
    "running, text, unit",
    [
        ("mta.service", "[Service]\nExecStart=/usr/sbin/postfix -c /srv/mail start\n", "mta.service"),
        ("mta.service", "[Service]\nExecStart=/usr/sbin/postmulti -i mail -p start\n", "mta.service"),
        ("cron.service", "[Unit]\nAfter=postfix.service\n[Service]\nExecStart=/usr/sbin/cron -f\n", None),
    ],
)
def test_a_unit_of_the_administrator_s_own(tmp_path: Path, running: str, text: str, unit: Optional[str]) -> None:
    top = root(tmp_path, {**RHEL, f"etc/systemd/system/{running}": text})
    master = master_in(tmp_path, f"0::/system.slice/{running}\n")
    assert find_service(ELSEWHERE, master, top).unit == unit


# Commands ----------------------------------------------------------------------------------------------------------


def soon() -> float:
    return time.monotonic() + 10


def test_a_command_speaks_to_a_terminal() -> None:
    outcome = run(["sh", "-c", "test -t 1 && test -t 2 && echo yes; echo 'fatal: x' >&2; exit 3"], soon())
    assert (outcome.status, outcome.words) == (3, ["yes", "fatal: x"])


def test_much_output_does_not_block() -> None:
    outcome = run(["sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"], soon())
    assert (outcome.status, outcome.words[-1]) == (0, "line 19999")


@pytest.mark.duration
def test_who_stays_in_the_background_is_not_waited_for() -> None:
    begin = time.monotonic()
    outcome = run(["sh", "-c", "echo started; (trap '' HUP; sleep 3) &"], soon())
    assert (outcome.status, outcome.words) == (0, ["started"])
    assert time.monotonic() - begin < 2


@pytest.mark.duration
def test_a_command_that_takes_too_long_is_ended() -> None:
    begin = time.monotonic()
    outcome = run(["sh", "-c", "echo begun; sleep 30"], time.monotonic() + 0.3)
    assert outcome.status is None
    assert outcome.words[0] == "begun"
    assert "took too long" in outcome.words[-1]
    assert time.monotonic() - begin < 5


def test_a_command_that_is_not_there() -> None:
    outcome = run(["/nonexistent/postfix", "start"], soon())
    assert (outcome.status, outcome.words) == (127, ["/nonexistent/postfix: No such file or directory"])


def test_the_output_of_a_command_is_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("MAIL_CONFIG", "/etc/other")
    assert run(["sh", "-c", "echo $LC_ALL$MAIL_CONFIG"], soon()).words == ["C"]


# What Postfix said -------------------------------------------------------------------------------------------------

LOG = """\
Nov 22 11:08:51 mx postfix/postfix-script[628]: stopping the Postfix mail system
Nov 22 11:08:52 mx postfix/smtpd[630]: warning: hostname x does not resolve
Nov 22 11:08:52 mx postfix-out/master[631]: fatal: of another instance
Nov 22 11:08:52 mx sshd[632]: fatal: of another program
Nov 22 11:08:52 mx postfix/master[711]: fatal: bind 10.0.0.9 port 25: Cannot assign requested address
Nov 22 11:08:52 mx postfix/master[711]: fatal: bind 10.0.0.9 port 25: Cannot assign requested address
Nov 22 11:08:52 mx postmulti[712]: fatal: no such instance
Nov 22 11:08:52 mx postfix[713]: postfix: fatal: parameter inet_interfaces: no local interface found for 10.0.0.9
"""


def test_the_complaints_since_a_mark(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text("Nov 21 11:08:52 mx postfix/master[71]: fatal: of yesterday\n")
    mark = LogMark("postfix", str(log))
    with open(log, "a") as stream:
        stream.write(LOG)
    assert mark.words(journal=False) == [
        "postfix/master: fatal: bind 10.0.0.9 port 25: Cannot assign requested address",
        "postmulti: fatal: no such instance",
        "postfix: fatal: parameter inet_interfaces: no local interface found for 10.0.0.9",
    ]


def test_warnings_are_better_than_nothing(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    mark = LogMark("postfix", str(log))
    log.write_text("".join(LOG.splitlines(keepends=True)[:4]))
    assert mark.words(journal=False) == ["postfix/smtpd: warning: hostname x does not resolve"]


def test_a_log_that_was_rotated_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text("x" * 10000)
    mark = LogMark("postfix-out", str(log))
    log.write_text(LOG)
    assert mark.words(journal=False)[0] == "postfix-out/master: fatal: of another instance"
