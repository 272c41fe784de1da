# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Systems on which not systemd starts and stops Postfix, but OpenRC, runit, s6, supervisord or a container."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from conftest import SUITES
from fleet import WILDCARDS
from mailfleet_lab import hosts, networks
from mailfleet_lab.system import wait_until
from supervised import BUSYBOX, READ_ONLY, SUPERVISORD, SYSTEMS, UNABLE, Elsewhere, System, result_of, system_on
from test_failures import HOOKS

RESTARTED = [name for name, system in SYSTEMS.items() if system.supervisor != "container"]


@pytest.fixture(name="place", scope="session", params=SUITES)
def _place(request: pytest.FixtureRequest) -> Elsewhere:
    """A host of the lab that has the supervisors' packages, and Debian's Postfix."""
    suite, number = request.param.partition("_")[0], 100 + SUITES.index(request.param)
    networks.add_network(f"mail{number}", f"10.1.{number}.0/24", f"fd00:{number}::/64")
    addresses = [f"{prefix}{last}" for prefix in (f"10.1.{number}.", f"fd00:{number}::") for last in (10, 11)]
    attached = [networks.Attachment(f"mail{number}", tuple(addresses))]
    (host,) = hosts.add_hosts((f"supervised{number}", f"{suite}_supervisors", attached))
    return Elsewhere(host, f"10.1.{number}.1", f"fd00:{number}::1")


@pytest.fixture(name="supervised", params=RESTARTED)
def _supervised(place: Elsewhere, request: pytest.FixtureRequest) -> Iterator[Elsewhere]:
    with system_on(place, SYSTEMS[request.param]) as host:
        yield host


def test_an_edit_that_needs_a_restart(supervised: Elsewhere):
    host = supervised
    assert host.is_supervised(), host.state()
    before = host.master()
    result = host.bring({"inet_interfaces": host.ipv4})
    assert result_of(result) == ("restart", True, host.system.supervisor), result
    assert host.sockets() == {(host.ipv4, 25)}
    assert host.banner(host.ipv4).startswith("220 ")
    assert host.master() != before
    assert host.is_supervised(), host.state()
    second = host.bring({"inet_interfaces": host.ipv4})
    assert (second["changed"], *result_of(second)) == (False, "none", True, host.system.supervisor), second


def test_a_start_that_fails_goes_back(supervised: Elsewhere):
    host = supervised
    host.edit("maillog_file", "/var/log/mail.log")  # no syslog daemon runs there
    assert host.bring()["in_sync"]
    before, address = host.contents(), f"{host.ipv4_b}/24 dev eth0"
    vanish = f"{HOOKS}\nhook('stop', 'ip address delete {address}')"
    failed = host.core(f"{vanish}\nanswer = bring({{'inet_interfaces': '{host.ipv4_b}'}})")
    assert failed["msg"].endswith("Postfix runs and listens on 0.0.0.0:25, [::]:25."), failed
    assert (failed["rolled_back"], failed["supervisor"]) == (True, host.system.supervisor), failed["msg"]
    assert f"no local interface found for {host.ipv4_b}" in " ".join(failed["messages"]), failed
    assert host.contents() == before
    assert host.sockets() == WILDCARDS
    assert host.banner(host.ipv4).startswith("220 ")
    # supervisord says STARTING for a second (startsecs) of what it has started again by itself.
    wait_until(host.is_supervised, 10, "Postfix being supervised again")


def test_one_that_was_stopped_is_started(supervised: Elsewhere):
    """After a stop by runit, s6 or supervisord the master stays: only the shell of postfix start-fg has ended."""
    host = supervised
    host.shell(host.system.stop)
    stays = bool(host.sockets())
    result = host.bring({"inet_interfaces": host.ipv4})
    assert result_of(result) == ("restart" if stays else "start", True, host.system.supervisor), result
    assert host.sockets() == {(host.ipv4, 25)}
    assert host.is_supervised(), host.state()


@pytest.mark.parametrize("name", ["container", "container-shell"])
def test_a_container_is_never_stopped(place: Elsewhere, name: str):
    with system_on(place, SYSTEMS[name]) as host:
        before, master = host.contents(), host.master()
        for check_mode in (True, False):
            failed = host.bring({"inet_interfaces": host.ipv4}, check_mode=check_mode)
            assert "Restart the container; to edit the files for that, set apply to false." in failed["msg"], failed
            assert failed["supervisor"] == "container"
        assert (host.contents(), host.master(), host.is_up()) == (before, master, True)
        result = host.bring({"smtp_bind_address": host.ipv4})
        assert result_of(result) == ("reload", True, "container"), result
        # As the remedy says.
        (edited,) = host.core(f"answer = bring_all([{{'inet_interfaces': '{host.ipv4}'}}], apply=False)")["instances"]
        assert edited["changed"], edited
        host.end()
        host.boot(SYSTEMS[name])
        assert host.sockets() == {(host.ipv4, 25)}
        result = host.bring({"inet_interfaces": host.ipv4})
        assert (result["changed"], *result_of(result)) == (False, "none", True, "container"), result


@pytest.mark.shows("runit")
def test_by_ansible(place: Elsewhere):
    with system_on(place, SYSTEMS["runit"]) as host:
        enter = "nsenter --mount --pid --target=" + host.process
        host.write("/root/python", f'#!/bin/sh\nexec {enter} -- /usr/bin/python3 "$@"\n')
        host.run("chmod", "755", "/root/python")
        there = ("-e", "ansible_python_interpreter=/root/python")
        result = host.module("postfix_interfaces", *there, inet_interfaces=host.ipv4, apply="true")
        assert result_of(result) == ("restart", True, "runit"), result
        assert host.module("postfix_interfaces_info", *there)["supervisor"] == "runit"
        assert host.is_supervised(), host.state()


@pytest.mark.shows("supervisord")
def test_a_supervisord_that_cannot_be_told_anything(place: Elsewhere):
    mute = SUPERVISORD.replace("[unix_http_server]\nfile=/run/supervisor.sock\n", "")
    system = replace(SYSTEMS["supervisord"], files={"/srv/supervisord.conf": mute}, state="true", up="")
    with system_on(place, system) as host:
        before, master = host.contents(), host.master()
        failed = host.bring({"inet_interfaces": host.ipv4})
        assert "supervisorctl(1) cannot tell it to stop and start that" in failed["msg"], failed
        assert (host.contents(), host.master()) == (before, master)


@pytest.mark.shows("runit")
def test_a_service_that_starts_it_in_the_background(place: Elsewhere):
    files = {"/srv/service/shell/run": "#!/bin/sh\npostfix start\nexec sleep infinity\n"}
    with system_on(place, System(SYSTEMS["runit"].init, files=files)) as host:
        result = host.bring({"inet_interfaces": host.ipv4})
        assert host.sockets() == {(host.ipv4, 25)}
        assert result_of(result) == ("restart", True, "runit"), result
        assert "run: " in host.shell("sv status /srv/service/shell")


@pytest.mark.shows("openrc")
def test_another_instance_of_openrc(place: Elsewhere):
    with system_on(place, SYSTEMS["openrc"]) as host:
        host.shell(
            "cp -a /etc/postfix /etc/postfix.out; mkdir -p /var/spool/postfix.out /var/lib/postfix.out\n"
            "chown postfix: /var/lib/postfix.out; cd /etc/postfix.out\n"
            "postconf -c . -e queue_directory=/var/spool/postfix.out data_directory=/var/lib/postfix.out \\\n"
            f"multi_instance_name=postfix-out inet_interfaces={host.ipv4_b} multi_instance_enable=yes\n"
            f"postconf -e multi_instance_directories=/etc/postfix.out inet_interfaces={host.ipv4}\n"
            "ln -s postfix /etc/init.d/postfix.out; rc-service postfix restart; rc-service postfix.out start"
        )
        assert host.sockets() == {(host.ipv4, 25), (host.ipv4_b, 25)}
        first = host.master()
        result = host.bring({"inet_interfaces": host.ipv6_b}, instance="postfix-out")
        assert result_of(result) == ("restart", True, "openrc"), result
        assert host.sockets() == {(host.ipv4, 25), (host.ipv6_b, 25)}
        assert host.master() == first
        assert "status: started" in host.shell("rc-service postfix.out status")
        host.shell("rc-service postfix.out stop")
        assert host.sockets() == {(host.ipv4, 25)}
        host.shell("rm /etc/init.d/postfix.out")


def restarts(host: Elsewhere, supervisor: str | None) -> None:
    """Have the host make a change that needs a restart, and look at it."""
    result = host.bring({"inet_interfaces": host.ipv4})
    assert result_of(result) == ("restart", True, supervisor), result
    assert host.sockets() == {(host.ipv4, 25)}
    assert host.banner(host.ipv4).startswith("220 ")
    assert host.is_supervised(), host.state()


@pytest.mark.shows("busybox")
@pytest.mark.parametrize("name", ["none", "runit", "openrc"])
def test_busybox_in_place_of_all_that_it_has(place: Elsewhere, name: str):
    system = SYSTEMS[name]
    with system_on(place, replace(system, prepare=f"{system.prepare}\n{BUSYBOX}")) as host:
        assert "BusyBox" in host.shell("find --help 2>&1")
        restarts(host, system.supervisor)


@pytest.mark.shows("read_only_root")
def test_a_root_that_is_read_only(place: Elsewhere):
    system = SYSTEMS["runit"]
    prepare = READ_ONLY.replace("PLACES", "/var/lib /srv/service")
    with system_on(place, replace(system, prepare=prepare)) as host:
        assert host.run(*host._view(True), "touch", "/root/x", check=False).returncode
        restarts(host, system.supervisor)


@pytest.mark.shows("read_only_root")
def test_a_root_with_no_place_for_what_is_remembered(place: Elsewhere):
    system = SYSTEMS["runit"]
    prepare = READ_ONLY.replace("PLACES", "/var/lib/postfix /srv/service")
    with system_on(place, replace(system, prepare=prepare)) as host:
        before, master = host.contents(), host.master()
        failed = host.bring({"inet_interfaces": host.ipv4})
        assert "/var/lib/mailfleet.postfix" in failed["msg"], failed
        assert "Read-only file system" in failed["msg"], failed
        assert (host.contents(), host.master()) == (before, master)


@pytest.mark.shows("container")
def test_a_container_that_allows_little(place: Elsewhere):
    """As podman makes one: files mounted one by one, and no SYS_PTRACE."""
    mounts = "for file in main.cf master.cf; do mount --bind /etc/postfix/$file /etc/postfix/$file; done"
    system = System(f"exec {' '.join(UNABLE)} postfix start-fg", mounts)
    with system_on(place, system) as host:
        before, master = host.contents(), host.master()
        text = f"answer = bring({{'smtp_bind_address': '{host.ipv4}'}})"
        failed = host.core(text)
        assert "Mount its directory instead of the file." in failed["msg"], failed
        failed = host.core(text, before=UNABLE)
        assert "in a container with the capability SYS_PTRACE" in failed["msg"], failed
        assert (host.contents(), host.master(), host.is_up()) == (before, master, True)
