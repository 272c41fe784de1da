# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts, and processes beside a run, as they are not meant to be: limits, umasks, networks, other people's programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fleet import FILES, STATE, WILDCARDS, MailHost
from mailfleet_lab.system import wait_until

MANY = 1100
OPEN = f"find /run/systemd/system {STATE} /etc/postfix -perm -2 ! -type l 2>&-; sleep 0.02"

# What chattr(1) does, which not every host has: FS_IOC_SETFLAGS of ioctl_iflags(2).
FLAGS = """python3 -c 'import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], 0), 0x40086602, struct.pack("l", int(sys.argv[2])))' """


def done(result: dict[str, Any], action: str) -> bool:
    """Whether a run did what was wanted."""
    assert (result.get("in_sync"), result.get("action")) == (True, action), result
    return True


@contextmanager
def meanwhile(host: MailHost, script: str) -> Iterator[None]:
    """A script that runs on the host, over and over, in this context."""
    loop = f"echo $$ >/root/meanwhile; while :; do {script}; done"
    host.run("sh", "-c", f"setsid sh -c '{loop}' >/root/said 2>&1 </dev/null &")
    try:
        yield
    finally:
        host.run("sh", "-c", 'read -r pid </root/meanwhile; kill -- "-$pid"')


@pytest.mark.parametrize(
    "before",
    [
        "umask 0777; ulimit -n 32; unset LANG; export LC_ALL=tr_TR.ISO-8859-9",
        "umask 0; ulimit -S -n 20; ulimit -v 200000; export LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0",
    ],
    ids=["nothing-allowed", "everything-allowed"],
)
def test_limits_umask_and_locale(host: MailHost, before: str):
    host.write("/root/python", f'#!/bin/sh\n{before}\nexec /usr/bin/python3 "$@"\n')
    host.run("chmod", "755", "/root/python")
    modes = host.run("stat", "--format=%n %a %U:%G", *FILES).stdout
    with meanwhile(host, OPEN):
        arguments = ("-e", "ansible_python_interpreter=/root/python")
        result = host.module("postfix_interfaces", *arguments, inet_interfaces=host.ipv4, apply="true")
    assert done(result, "restart")
    assert host.sockets() == {(host.ipv4, 25)}
    assert host.run("stat", "--format=%n %a %U:%G", *FILES).stdout == modes
    assert host.run("cat", "/root/said").stdout == ""
    assert host.run("sh", "-c", f"find {STATE} -printf '%m\\n' | sort -u").stdout.split() == ["600", "700"]


def test_many_addresses(host: MailHost):
    """More than the 1,024 files that systemd lets a master have open when it starts, and than select(2) knows."""
    addresses = [f"10.50.{number // 250}.{number % 250 + 1}" for number in range(MANY)]
    text = f"answer = bring({{'inet_interfaces': {addresses!r}}}, check_mode=CHECK)"

    def change(verb: str) -> None:
        batch = "".join(f"address {verb} {address}/32 dev lo\n" for address in addresses)
        host.run("ip", "-batch", "-", input=batch, stdin=None)

    assert done(host.bring(), "none")
    before, master = host.files(), host.master()
    change("add")
    try:
        for check_mode in (True, False):
            lack = host.core(text.replace("CHECK", str(check_mode)))
            assert f"would open {MANY} sockets, and may have 1024 files open" in lack["msg"], lack
        assert (host.files(), host.master()) == (before, master)
        host.write(f"/etc/systemd/system/{host.unit}.d/files.conf", "[Service]\nLimitNOFILE=4096\n")
        host.run("systemctl", "daemon-reload")
        predicted, result, again = (host.core(text.replace("CHECK", check)) for check in ("True", "False", "False"))
        assert done(result, "restart")
        assert done(again, "none")
        assert predicted["interruption"] == result["interruption"] == ("none" if host.shares_ports else "brief")
        assert host.sockets() == {(address, 25) for address in addresses}
        assert done(host.bring({"inet_interfaces": "all"}), "restart")
    finally:
        change("delete")


def test_a_network_of_its_own(host: MailHost):
    """By the unit; or by hand, which a restart by the unit would end."""
    host.shell(
        "ip netns add mail; ip -n mail link set lo up; ip -n mail link add in0 type veth peer name in1\n"
        "for link in in0 in1; do ip -n mail link set $link up; done; ip -n mail address add 10.9.0.2/24 dev in0"
    )
    try:
        drop_in = f"/etc/systemd/system/{host.unit}.d/network.conf"
        host.write(drop_in, "[Service]\nNetworkNamespacePath=/run/netns/mail\n")
        host.run("systemctl", "daemon-reload")
        host.run("systemctl", "restart", host.unit)
        assert host.sockets() == set()
        assert done(host.bring(), "none")
        described = host.module("postfix_interfaces_info")
        assert "10.9.0.2" in {one["address"] for one in described["addresses"]}
        assert host.ipv4 not in {one["address"] for one in described["addresses"]}
        assert f"{host.ipv4}' is on no interface" in host.bring({"inet_interfaces": host.ipv4})["msg"]
        assert done(host.bring({"inet_interfaces": "10.9.0.2"}), "restart")
        host.run("systemctl", "stop", host.unit)
        assert done(host.bring({"inet_interfaces": "10.9.0.2"}), "start")
        listening = host.run("ip", "netns", "exec", "mail", "ss", "-Hltn").stdout
        assert [line.split()[3] for line in listening.splitlines()] == ["10.9.0.2:25"]
        # As somebody does it by hand: `postfix start` goes to systemctl on Debian 13 where it sees systemd.
        host.run("systemctl", "stop", host.unit)
        host.run("rm", drop_in)
        host.run("systemctl", "daemon-reload")
        host.run(
            "ip", "netns", "exec", "mail", "unshare", "-m", "sh", "-c", "mount -t tmpfs x /run/systemd; postfix start"
        )
        assert done(host.bring(), "none")
        master = host.master()
        for check_mode in (True, False):
            text = f"answer = bring({{'inet_interfaces': 'all'}}, check_mode={check_mode})"
            assert "in a network namespace of its own" in host.core(text)["msg"]
        assert host.master() == master
        host.run("kill", master)
    finally:
        host.run("ip", "netns", "delete", "mail")


def test_a_user_s_process_that_looks_like_the_master(host: MailHost):
    host.shell(
        "cp /bin/sleep /tmp/master; cd /var/spool/postfix; setsid setpriv --reuid=1 --clear-groups env "
        "MAIL_CONFIG=/etc/postfix /tmp/master 600 >/dev/null 2>&1 </dev/null & sleep 0.2"
    )
    user = host.run("pgrep", "-x", "-u", "1", "master").stdout
    assert done(host.bring(), "none")
    host.terminate()
    host.run("rm", "-f", "/var/spool/postfix/pid/master.pid")
    assert done(host.bring(), "start")
    assert host.run("pgrep", "-x", "-u", "1", "master").stdout == user
    host.run("kill", user.strip())


def test_a_master_that_was_stopped_by_a_signal(host: MailHost):
    """SIGSTOP, as by a debugger or a freezer: it reads no files, and ends only by force."""
    assert done(host.bring(), "none")
    host.run("kill", "-STOP", host.master())
    result = host.bring(services=[{"name": "2525", "command": "smtpd"}])
    assert done(result, "restart")
    assert host.sockets() == {(address, port) for address, _port in WILDCARDS for port in (25, 2525)}
    assert host.banner(host.ipv4).startswith("220 ")


def test_others_who_reload_restart_and_edit_meanwhile(host: MailHost):
    """As certbot's hook, the package's own scripts and postconf do."""
    version = host.run("dpkg-query", "--show", "--showformat=${Version}", "postfix").stdout
    hook = "systemctl reload postfix; sleep 0.3; postconf -e smtpd_banner=mine; "
    package = f"/var/lib/dpkg/info/postfix.postinst configure {version}"
    dpkg = "export DEBIAN_FRONTEND=noninteractive DPKG_MAINTSCRIPT_NAME=postinst DPKG_MAINTSCRIPT_PACKAGE=postfix"
    with meanwhile(host, f"{dpkg}; {hook} {package}; sleep 5"):
        for wanted in ([host.ipv4], "all"):
            host.bring({"inet_interfaces": wanted})
    host.run("pkill", "-f", "postfix.postinst", check=False)
    assert host.bring({"inet_interfaces": "all"})["in_sync"]
    assert done(host.bring({"inet_interfaces": "all"}), "none")
    assert host.sockets() == WILDCARDS
    assert host.banner(host.ipv4) == "220 mine"
    assert host.shell("ls /etc/postfix /run/systemd/system | grep -E 'tmp|service.d' || true") == ""


def test_somebody_restarts_postfix_while_it_is_verified(host: MailHost):
    assert done(host.bring(), "none")
    text = f"""
def ask(*arguments, original=restart.ask):
    restart.ask = original
    os.system("systemctl restart --no-block {host.unit}; sleep 0.3")
    return original(*arguments)
restart.ask = ask
answer = bring({{"inet_interfaces": {host.ipv4!r}}})"""
    assert done(host.core(text), "restart")
    assert host.sockets() == {(host.ipv4, 25)}
    assert done(host.bring(), "none")


@pytest.mark.parametrize("stage", ["prepare", "stop"])
def test_a_host_that_loses_power_in_mid_run(host: MailHost, stage: str):
    assert done(host.bring(), "none")
    host.run("rm", "-f", "/root/there")
    services = [{"name": "2525", "command": "smtpd"}]
    text = f"""
def wait(*arguments, original=unit.ServiceControl.{stage}, **options):
    original(*arguments, **options)
    open("/root/there", "w").close()
    time.sleep(600)
unit.ServiceControl.{stage} = wait
bring({{"inet_interfaces": {host.ipv4!r}}}, {services!r})"""
    run = host.start_core(text)
    wait_until(lambda: not host.run("test", "-e", "/root/there", check=False).returncode, 30, "the run getting there")
    host.host.cut_power()
    run.communicate()
    host.host.boot()
    host.host.wait()
    promised = {(host.ipv4, 25), (host.ipv4, 2525)}
    wait_until(lambda: host.sockets() == promised, 10, "Postfix starting")
    assert done(host.bring({"inet_interfaces": host.ipv4}, services=services), "none")
    host.run("sysctl", "--quiet", "--write", "net.ipv4.tcp_migrate_req=0")  # as a boot does, but not in the lab


def test_files_that_cannot_be_written(host: MailHost):
    assert done(host.bring(), "none")
    before, master = host.files(), host.master()
    wanted = {"inet_interfaces": host.ipv4}
    fill = f"mount -t tmpfs -o size=16k,mode=700 none {STATE}; head -c 32768 /dev/zero >{STATE}/full || true"
    for obstacle, end, words, early in (
        (FLAGS + "/etc/postfix/main.cf 16", FLAGS + "/etc/postfix/main.cf 0", "main.cf is immutable", True),
        (FLAGS + "/etc/postfix 16", FLAGS + "/etc/postfix 0", "/etc/postfix is immutable", True),
        (
            "mount --bind /etc/postfix /etc/postfix; mount -o remount,bind,ro /etc/postfix",
            "umount /etc/postfix",
            "main.cf cannot be replaced: Read-only file system",
            True,
        ),
        (fill, f"umount {STATE}", "No space left on device", False),
    ):
        host.shell(obstacle)
        try:
            predicted, failed = (
                host.core(f"answer = bring({wanted!r}, check_mode={check})") for check in (True, False)
            )
        finally:
            host.shell(end)
        assert words in failed["msg"], failed
        assert (predicted.get("msg") == failed["msg"]) == early, predicted
        assert (host.files(), host.master()) == (before, master)
    assert host.sockets() == WILDCARDS


def test_a_unit_that_forbids_a_family(host: MailHost):
    """Postfix warns that it has no IPv6, and runs. What its files promise cannot be, so nothing is stopped for it."""
    drop_in = "[Service]\nRestrictAddressFamilies=~AF_INET6\n"
    host.write(f"/etc/systemd/system/{host.unit}.d/families.conf", drop_in)
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", host.unit)
    wait_until(lambda: host.sockets() == {("0.0.0.0", 25)}, 10, "Postfix starting")
    master = host.master()
    for check_mode in (True, False):
        refused = host.core(f"answer = bring(check_mode={check_mode})")
        assert f"{host.unit} forbids AF_INET6" in refused["msg"], refused
    assert host.master() == master
    assert host.bring({"inet_protocols": "ipv4"})["in_sync"]
    assert done(host.bring(), "none")


def test_an_instance_without_a_unit_outlives_the_unit_that_starts_it(host: MailHost):
    """As a timer with ansible-pull does."""
    host.shell(
        "rm -rf /srv/other; mkdir /srv/other; cp -a /etc/postfix /srv/other/etc\n"
        "cp -a /var/spool/postfix /srv/other/spool; cp -a /var/lib/postfix /srv/other/data\n"
        "rm -f /srv/other/spool/pid/* /srv/other/data/master.lock\n"
        "postconf -c /srv/other/etc -e queue_directory=/srv/other/spool data_directory=/srv/other/data\n"
        "postconf -c /srv/other/etc -e inet_interfaces=127.0.0.1\n"
        "postconf -e alternate_config_directories=/srv/other/etc\n"
        "sed -i 's/^smtp .*inet/2599 inet/' /srv/other/etc/master.cf"
    )
    try:
        unit = ("systemd-run", "--quiet", "--pipe", "--wait", "--collect")
        text = "answer = apply.apply(find_instance('/srv/other/etc'))"
        result = host.core(text, before=unit)
        assert done(result, "start")
        assert result["unit"] is None
        assert ("127.0.0.1", 2599) in host.sockets()
        assert done(host.core(text), "none")
    finally:
        host.shell("kill $(cat /srv/other/spool/pid/master.pid); rm -rf /srv/other")
