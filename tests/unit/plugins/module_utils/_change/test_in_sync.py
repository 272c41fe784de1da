# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, Dict, FrozenSet, List, Optional, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.sockets import Socket
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.in_sync import Assessment, assess, remember
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.transaction import ConfigFiles, Pending
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.master_process import Master, read_process
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import State
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.reload_or_restart import sockets_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import mapping_resolver
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    host_of,
    instance_of,
    untouched,
    write_stat,
)

HOST = host_of("127.0.0.1/8", "::1/128", "10.0.0.1/24", "10.0.0.2/24", "fd00::1/64")

SMTP = "smtp inet n - y - - smtpd\n"
SUBMISSION = "587 inet n - y - - smtpd\n"
ONE = "10.0.0.1:25 inet n - y - - smtpd\n"
TWO = "10.0.0.2:25 inet n - y - - smtpd\n"
NAMED = "mail.test:25 inet n - y - - smtpd\n"
REST = "qmgr unix n - n 300 1 qmgr\nsmtp unix - - y - - smtp\n"
ALL = "inet_interfaces = all\n"
LOOPBACK = "inet_interfaces = loopback-only\n"
ADDRESS = "inet_interfaces = 10.0.0.1\n"
BOTH = "inet_interfaces = 10.0.0.1, 10.0.0.2\n"
V4 = "inet_protocols = ipv4\n"
PORT = ALL + "known_tcp_ports = smtp=25, tcpmail=2526\n"
TCPMAIL = "2526 inet n - y - - smtpd\n"


class Case:
    """An instance whose master runs by some files, and has read them at a known time."""

    rest = REST

    def __init__(self, path: Path, main: str, master: str, version: Tuple[int, ...] = (3, 7, 11)) -> None:
        self.path = path
        self.instance = instance_of(version=version, queue_directory=str(path))
        self.state = State("/etc/postfix", str(path / "state"))
        self.resolve: Dict[str, Any] = {"mail.test": ["10.0.0.1"]}
        self.host = HOST
        self.files = self.texts(main, master, age=100)
        self.started(ago=50)
        promised = self.look(self.files, None).promised
        assert promised is not None
        self.sockets: FrozenSet[Socket] = sockets_of(promised)

    def texts(self, main: str, master: str, age: float = 0) -> ConfigFiles:
        at = int((time.time() - age) * 1e9)
        return ConfigFiles("/etc/postfix", main, master + self.rest, (at, at), (at - 10**9, at - 10**9))

    def started(self, ago: float) -> None:
        """The master and its children run since so many seconds."""
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        for pid, name, parent in ((320, "master", 1), (321, "qmgr", 320), (322, "pickup", 320)):
            ticks = 1 if name == "master" else int((now - ago) * 100)
            write_stat(self.path / "proc", pid, name, parent, ticks)

    @property
    def master(self) -> Master:
        process = read_process(320, str(self.path / "proc"))
        assert process is not None
        held = {str(number): at for number, at in enumerate(sorted(self.sockets))}
        return Master(process, self.instance.queue_directory, held, "boot", str(self.path / "proc"))

    def look(self, files: ConfigFiles, master: Optional[Master], pending: Optional[Pending] = None) -> Assessment:
        resolve = mapping_resolver(self.resolve)
        return assess(self.instance, files, master, self.host, resolve, self.state, pending)

    def known(self, how: str) -> None:
        """Let it be known what the master has read."""
        if how in ("started", "reloaded"):
            found = self.look(self.files, self.master)
            assert found.in_sync, found
            remember(found, self.master, how == "started", self.state)

    def then(self, main: str, master: str, how: str = "started") -> Assessment:
        """The files are changed; what does the master need?"""
        self.known(how)
        after = self.texts(main, master)
        pending = Pending("done", self.files, after, time.time()) if how == "pending" else None
        return self.look(after, self.master, pending)


KNOWN = ["started", "reloaded", "pending"]

# Before and after (main.cf and inet services), and the action that is enough: section by section of postconf(5) and
# master(8), each tried on real Postfix.
ENOUGH: List[Tuple[str, str, str, str, str, str]] = [
    ("other addresses, bare service", ALL, SMTP, ADDRESS, SMTP, "restart"),
    ("one address more", ADDRESS, SMTP, BOTH, SMTP, "restart"),
    ("one address less", BOTH, SMTP, ADDRESS, SMTP, "restart"),
    ("other addresses, endpoints only", ALL, ONE, ADDRESS, ONE, "reload"),
    ("same addresses in other words", BOTH, SMTP, "inet_interfaces = [10.0.0.2]\t10.0.0.1\n", SMTP, "none"),
    ("a protocol less", ALL, SMTP, ALL + V4, SMTP, "restart"),
    ("a protocol less, endpoints only", ALL, ONE, ALL + V4, ONE, "restart"),
    ("a protocol more", ALL + V4, SMTP, ALL, SMTP, "restart"),
    ("protocols in other words", ALL, SMTP, ALL + "inet_protocols = ipv4, ipv6\n", SMTP, "none"),
    ("a source address", ALL, SMTP, ALL + "smtp_bind_address = 10.0.0.1\n", SMTP, "reload"),
    ("a proxy address", ALL, SMTP, ALL + "proxy_interfaces = 1.2.3.4\n", SMTP, "reload"),
    ("an option", ALL, SMTP, ALL, SMTP + "  -o x=y\n", "reload"),
    ("a new endpoint", ADDRESS, SMTP, ADDRESS, SMTP + TWO, "reload"),
    ("an endpoint less", ADDRESS, SMTP + TWO, ADDRESS, SMTP, "reload"),
    ("another endpoint on the same port", ALL, ONE, ALL, TWO, "reload"),
    ("a new service beside a bare one", BOTH, SMTP, BOTH, SMTP + SUBMISSION, "reload"),
    ("bare to endpoint", ALL, SMTP, ALL, ONE, "reload"),
    ("endpoint to bare beside a bare one", ALL, SUBMISSION + ONE, ALL, SUBMISSION + SMTP, "reload"),
    ("another name of one service", ALL, SMTP, ALL, SMTP.replace("smtp ", "25 "), "none"),
    ("a port of known_tcp_ports by its number", PORT, "tcpmail inet n - y - - smtpd\n", PORT, TCPMAIL, "none"),
    ("a service disabled", ALL, SMTP + ONE, ALL + "master_service_disable = 10.0.0.1:25/inet\n", SMTP + ONE, "reload"),
    ("any other parameter", ALL, SMTP, ALL + "smtpd_banner = x\n", SMTP, "reload"),
    ("its data", ALL, SMTP, ALL + "data_directory = /var/lib/other\n", SMTP, "restart"),
    ("its environment", ALL, SMTP, ALL + "import_environment = TZ LANG=C\n", SMTP, "restart"),
    ("who may look at the queue", ALL, SMTP, ALL + "authorized_mailq_users = root\n", SMTP, "none"),
    ("comments and layout", ALL, SMTP, "# x\n" + ALL.replace("=", "  = "), "# y\n\n" + SMTP.replace(" ", "\t"), "none"),
]


@pytest.mark.parametrize("how", KNOWN)
@pytest.mark.parametrize("case", ENOUGH, ids=[case[0] for case in ENOUGH])
def test_the_action_that_is_enough(tmp_path: Path, case: Tuple[str, str, str, str, str, str], how: str) -> None:
    _title, main, master, new_main, new_master, action = case
    found = Case(tmp_path, main, master).then(new_main, new_master, how)
    assert found.action == action, found.reasons
    assert bool(found.reasons) == (action != "none")
    assert found.in_sync == (action == "none")


# Without knowing what the master has read, only a reload that is sure to be enough is chosen.
UNKNOWN = {
    "one address less": "restart",
    "same addresses in other words": "reload",
    "a protocol less, endpoints only": "reload",
    "protocols in other words": "reload",
    "an endpoint less": "restart",
    "a service disabled": "restart",
    "a new service beside a bare one": "restart",
    "endpoint to bare beside a bare one": "restart",
    "another name of one service": "reload",
    "a port of known_tcp_ports by its number": "reload",
    "comments and layout": "reload",
    "its data": "reload",
    "its environment": "reload",
    "who may look at the queue": "reload",
}


@pytest.mark.parametrize("case", ENOUGH, ids=[case[0] for case in ENOUGH])
def test_the_action_where_it_is_not_known_what_the_master_has_read(
    tmp_path: Path, case: Tuple[str, str, str, str, str, str]
) -> None:
    title, main, master, new_main, new_master, action = case
    found = Case(tmp_path, main, master).then(new_main, new_master, "unknown")
    assert found.action == UNKNOWN.get(title, action), found.reasons


def test_no_master_needs_a_start(tmp_path: Path) -> None:
    case = Case(tmp_path, ALL, SMTP)
    found = case.look(case.files, None)
    assert (found.action, found.reasons[0].parameter) == ("start", "master")


@pytest.mark.parametrize("running", [True, False])
def test_files_that_cannot_be_run_by_are_not_in_sync(tmp_path: Path, running: bool) -> None:
    case = Case(tmp_path, ALL, SMTP)
    found = case.look(case.texts("inet_interfaces = 10.9.9.9\n", SMTP), case.master if running else None)
    assert found.promised is None
    assert "10.9.9.9" in str(found.error)
    assert not found.in_sync


def test_sockets_that_differ_without_a_change_of_the_files_need_a_restart(tmp_path: Path) -> None:
    case = Case(tmp_path, LOOPBACK, SMTP)
    case.known("started")
    case.host = host_of("127.0.0.1/8", "10.0.0.1/24")
    found = case.look(case.files, case.master)
    assert found.action == "restart"
    assert found.reasons[0].before == "127.0.0.1:25, [::1]:25"
    assert found.reasons[0].after == "127.0.0.1:25"


def test_an_endpoint_s_name_that_resolves_elsewhere_needs_a_restart(tmp_path: Path) -> None:
    case = Case(tmp_path, ALL, NAMED)
    case.known("started")
    case.resolve["mail.test"] = ["10.0.0.2"]
    assert case.look(case.files, case.master).action == "restart"


@pytest.mark.parametrize("master, new_master", [(SMTP, ONE), (ONE, SUBMISSION + ONE + SMTP)])
@pytest.mark.parametrize("how", [*KNOWN, "unknown"])
def test_before_3_6_what_overlaps_needs_a_restart(tmp_path: Path, master: str, new_master: str, how: str) -> None:
    main = ADDRESS if new_master != ONE else ALL
    if new_master != ONE:
        new_master = new_master.replace(ONE, "")  # from 10.0.0.1:25 to smtp on 10.0.0.1
    found = Case(tmp_path, main, master, (3, 5, 25)).then(main, new_master, how)
    assert found.action == "restart", found.reasons


@pytest.mark.parametrize("how, action", [("started", "reload"), ("reloaded", "restart"), ("pending", "restart")])
def test_the_first_bare_service_needs_a_restart_unless_it_is_known_what_the_master_cached(
    tmp_path: Path, how: str, action: str
) -> None:
    assert Case(tmp_path, ADDRESS, TWO).then(ADDRESS, TWO + SUBMISSION, how).action == action


def test_the_first_bare_service_after_a_reload_with_other_addresses_needs_a_restart(tmp_path: Path) -> None:
    case = Case(tmp_path, ALL, ONE)
    found = case.then(ADDRESS, ONE, "started")
    assert found.action == "reload"
    case.started(ago=0)
    remember(found, case.master, False, case.state)
    assert case.look(case.texts(ADDRESS, ONE + SUBMISSION), case.master).action == "restart"


def test_the_first_bare_service_of_a_master_on_all_addresses_needs_a_reload(tmp_path: Path) -> None:
    case = Case(tmp_path, ALL, ONE)
    found = case.then(ALL, TWO, "started")
    case.sockets = sockets_of(found.promised or ())
    remember(found, case.master, False, case.state)  # the record comes from the disk
    assert case.look(case.texts(ALL, TWO + SUBMISSION), case.master).action == "reload"


def test_a_reload_lets_a_master_without_own_addresses_work_them_out(tmp_path: Path) -> None:
    case = Case(tmp_path, "inet_interfaces =\n", ONE)
    found = case.then(ADDRESS, ONE, "started")
    assert found.action == "reload"
    remember(found, case.master, False, case.state)
    assert case.look(case.texts(ADDRESS, ONE + SUBMISSION), case.master).action == "reload"
    assert case.look(case.texts(BOTH, ONE + SUBMISSION), case.master).action == "restart"


@pytest.mark.parametrize("how", KNOWN)
def test_what_somebody_else_reloaded_since_needs_no_reload(tmp_path: Path, how: str) -> None:
    case = Case(tmp_path, ALL, SMTP)
    case.known(how)
    after = case.texts(ALL + "smtpd_banner = x\n", SMTP, age=20)
    pending = Pending("done", case.files, after, time.time()) if how == "pending" else None
    assert case.look(after, case.master, pending).action == "reload"
    case.started(ago=10)
    assert case.look(after, case.master, pending).action == "none"


def test_a_reload_by_somebody_else_does_not_replace_a_restart(tmp_path: Path) -> None:
    case = Case(tmp_path, ALL, ONE)
    case.known("started")
    after = case.texts(ALL + V4, ONE, age=20)
    case.started(ago=10)
    assert case.look(after, case.master).action == "restart"


@pytest.mark.parametrize("age, action", [(100, "none"), (20, "reload")])
def test_without_a_record_the_times_tell_whether_a_reload_is_pending(tmp_path: Path, age: float, action: str) -> None:
    case = Case(tmp_path, ALL, SMTP)
    assert case.look(case.texts(ALL, SMTP, age), case.master).action == action


def test_the_record_of_another_master_does_not_count(tmp_path: Path) -> None:
    case = Case(tmp_path, ALL, SMTP)
    case.known("started")
    other = case.master._replace(boot="another")
    assert case.look(case.texts(ALL, SMTP), other).record is None
    assert case.look(case.texts(ALL, SMTP), case.master).record is not None


def test_what_is_known_is_not_written_again(tmp_path: Path) -> None:
    case = Case(tmp_path, ALL, SMTP)
    case.known("started")
    record = next((tmp_path / "state").rglob("running.json"))
    before = untouched(record)
    case.known("reloaded")
    assert untouched(record) == before
    case.files = case.texts(ALL + "# x\n", SMTP)
    case.known("reloaded")
    assert untouched(record) != before


def test_a_master_in_another_queue_directory_needs_a_restart(tmp_path: Path) -> None:
    case = Case(tmp_path, ALL, SMTP)
    found = case.look(case.files, case.master._replace(queue_directory="/var/spool/old"))
    assert found.action == "restart"
    assert found.reasons[0].parameter == "queue_directory"


@pytest.mark.parametrize("how", [*KNOWN, "unknown"])
@pytest.mark.parametrize("locked, action", [("old", "restart"), ("postfix", "none")])
def test_a_master_in_another_data_directory_needs_a_restart(tmp_path: Path, locked: str, action: str, how: str) -> None:
    case = Case(tmp_path, ALL, SMTP)
    case.known(how)
    descriptors = tmp_path / "proc/320/fd"
    descriptors.mkdir()
    (descriptors / "10").symlink_to("/var/spool/postfix/pid/master.pid")
    (descriptors / "11").symlink_to(f"/var/lib/{locked}/master.lock")
    after = case.texts(ALL + "data_directory = /var/lib/postfix\n", SMTP, age=80)
    case.started(ago=10)
    pending = Pending("done", case.files, after, time.time()) if how == "pending" else None
    found = case.look(after, case.master, pending)
    assert (found.action, [each.parameter for each in found.reasons]) == (
        action,
        ["data_directory"] * (action != "none"),
    )


@pytest.mark.parametrize("given, action", [("LANG=C", "none"), ("LANG=de_DE", "restart"), (None, "none")])
def test_an_environment_that_only_a_start_imports(tmp_path: Path, given: Optional[str], action: str) -> None:
    """Somebody has set it and reloaded, before this collection ever came to the host."""
    case = Case(tmp_path, ALL, SMTP)
    if given:
        (tmp_path / "proc/322/environ").write_text(f"MAIL_CONFIG=/etc/postfix\0{given}\0")
    after = case.texts(ALL + "import_environment = MAIL_CONFIG, TZ, LANG=C\n", SMTP, age=80)
    found = case.look(after, case.master)
    assert found.action == action
    assert [each.parameter for each in found.reasons] == ["import_environment"] * (action != "none")


# A clock that is set, and what somebody else reloads -----------------------------------------------------------------


def set_ahead(case: Case, seconds: float) -> None:
    """Let the clock have been set ahead since the master started, so that what was written then seems to be older."""
    (case.path / "pid").mkdir()
    pid_file = case.path / "pid/master.pid"
    pid_file.write_text("320\n")
    then = case.master.process.started - seconds
    os.utime(pid_file, (then, then))


@pytest.mark.parametrize("age", [-3600, 0, 3600])
def test_the_record_stands_whatever_the_clock_was_when_the_file_was_edited(tmp_path: Path, age: float) -> None:
    case = Case(tmp_path, ALL, SMTP)
    case.known("started")
    edited = case.texts(ALL + "smtpd_banner = x\n", SMTP, age)
    assert case.look(edited, case.master).action == "reload"
    same = case.texts(ALL, SMTP, age)
    assert case.look(same, case.master).action == "none"


def test_what_somebody_reloaded_in_between_is_not_taken_for_what_the_record_has(tmp_path: Path) -> None:
    case = Case(tmp_path, ALL, SMTP)
    case.known("started")
    case.started(ago=10)  # by other files, which are gone again
    found = case.look(case.texts(ALL, SMTP, age=5), case.master)
    assert (found.action, found.reasons[0].parameter) == ("reload", "main.cf and master.cf")
    case.started(ago=2)
    found = case.look(case.texts(ALL, SMTP, age=5), case.master)
    assert found.in_sync
    remember(found, case.master, False, case.state)
    assert case.look(case.texts(ALL, SMTP, age=0), case.master).in_sync


@pytest.mark.parametrize("name, pid", [("qmgr", 321), ("pickup", 322)])
def test_a_single_process_that_was_replaced_is_no_reload(tmp_path: Path, name: str, pid: int) -> None:
    case = Case(tmp_path, ALL, SMTP)
    case.known("started")
    write_stat(case.path / "proc", pid, name, 320, int(time.clock_gettime(time.CLOCK_BOOTTIME) * 100))
    edited = case.texts(ALL + "smtpd_banner = x\n", SMTP, age=3600)
    assert case.look(edited, case.master).action == "reload"
    same = case.look(case.texts(ALL, SMTP), case.master)
    assert same.in_sync
    record = next((tmp_path / "state").rglob("running.json"))
    before = untouched(record)
    remember(same, case.master, False, case.state)
    assert untouched(record) == before


@pytest.mark.parametrize("how", ["unknown", "reloaded"])
@pytest.mark.parametrize("seconds, action", [(0, "none"), (3600, "reload"), (-3600, "none")])
def test_times_prove_nothing_after_the_clock_was_set_ahead(
    tmp_path: Path, seconds: float, action: str, how: str
) -> None:
    """The reload came before the edit, which seems to be older because the clock was set in between."""
    case = Case(tmp_path, ALL, SMTP)
    case.known(how)
    set_ahead(case, seconds)
    edited = case.texts(ALL + "smtpd_banner = x\n", SMTP, age=80)
    case.started(ago=10)
    found = case.look(edited, case.master)
    assert found.action == action, found.reasons
    # After the reload that follows there is no more doubt.
    case.started(ago=0)
    remember(found, case.master, False, case.state)
    assert case.look(edited, case.master).in_sync


def test_without_processes_that_tell_the_record_stands(tmp_path: Path) -> None:
    case = Case(tmp_path, ALL, SMTP)
    case.rest = ""
    case.files = case.texts(ALL, SMTP, age=1e9)  # before the master's own start
    for pid, name in ((321, "smtpd"), (322, "cleanup")):
        write_stat(case.path / "proc", pid, name, 320, 1)
    case.known("started")
    assert case.look(case.texts(ALL, SMTP), case.master).in_sync
    assert case.look(case.texts(ALL + "smtpd_banner = x\n", SMTP, age=3600), case.master).action == "reload"


def test_a_record_of_an_earlier_version_has_no_processes(tmp_path: Path) -> None:
    case = Case(tmp_path, ALL, SMTP)
    case.known("started")
    record = next((tmp_path / "state").rglob("running.json"))
    data = json.loads(record.read_text())
    assert len(data.pop("readers")) == 2
    record.write_text(json.dumps(data))
    assert case.look(case.texts(ALL, SMTP, age=80), case.master).in_sync
    assert case.look(case.texts(ALL + "smtpd_banner = x\n", SMTP, age=0), case.master).action == "reload"


def test_values_of_other_parameters_are_not_shown(tmp_path: Path) -> None:
    found = Case(tmp_path, ALL, SMTP).then(ALL + "secret_of_mine = 123456\n", SMTP)
    assert found.reasons[0].parameter == "secret_of_mine"
    assert "123456" not in str(found.reasons)
