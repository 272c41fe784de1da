# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restart of ours leaves of a unit what systemd's own leaves, and respects a unit that somebody changed."""

from __future__ import annotations

import pytest
from fleet import MailHost
from test_instances import both  # noqa: F401  # pylint: disable=unused-import  # a fixture

# What a master is and may, but for numbers that each start gives anew. Of what is in its environment it keeps what
# import_environment says, which a child shows.
MASTER = r"""read -r pid <SPOOL/pid/master.pid
for child in $(cat /proc/$pid/task/$pid/children); do
grep -qx qmgr /proc/$child/comm && tr '\0' '\n' </proc/$child/environ | sort; done
tr '\0' '\n' </proc/$pid/environ | grep -E '^(PATH|MAIL_|[a-z])'
grep -E '^(Umask|Groups|NoNewPrivs|Seccomp|Cap.*|Sig(Blk|Ign|Cgt)):' /proc/$pid/status
cat /proc/$pid/limits /proc/$pid/cgroup /proc/$pid/oom_score_adj
tr '\0' ' ' </proc/$pid/cmdline
readlink /proc/$pid/cwd /proc/$pid/exe /proc/$pid/fd/0 /proc/$pid/fd/1 /proc/$pid/fd/2
cut -d' ' -f4,19 /proc/$pid/stat
sort /proc/$pid/mounts"""
UNIT = "ActiveState,SubState,Result,Type,ExecStartPre,ExecStart,ExecStop,DropInPaths,NeedDaemonReload,Environment"


def state(host: MailHost, unit: str, spool: str) -> set[str]:
    """What there is to see of a unit and its master; not when commands ran."""
    # A reload of systemd forgets when the commands of a unit that is active ran.
    shown = host.shell(f"systemctl show --property={UNIT} {unit} | sed 's/ ; start_time=.*//' | sort")
    master = host.shell(MASTER.replace("SPOOL", spool))
    main = host.shell(
        f"main=$(systemctl show --property=MainPID --value {unit}); read -r pid <{spool}/pid/master.pid\n"
        'test "$main" = "$pid" && echo right || echo "$main"'
    )
    return {*shown.splitlines(), *master.splitlines(), main.strip()}


def by_administrator(host: MailHost, unit: str) -> None:
    """What an administrator does with a unit, which has to work."""
    for action in ("reload", "restart", "stop", "start"):
        host.run("systemctl", "--job-mode=ignore-requirements", action, unit)
    assert host.runs(unit)


def test_a_restart_leaves_what_systemd_s_own_leaves(host: MailHost):
    host.run("systemctl", "restart", host.unit)
    usual = state(host, host.unit, host.spool)
    for wanted in (host.ipv4, "all"):
        before = host.master()
        result = host.bring({"inet_interfaces": wanted})
        assert (result["action"], result["in_sync"], result["unit"]) == ("restart", True, host.unit), result
        assert host.master() != before
        assert state(host, host.unit, host.spool) ^ usual == set()
        left = f"find /run/systemd/system {host.spool} -maxdepth 1 -name 'postfix*.d' -o -name '*quick*'"
        assert not host.shell(left)
        by_administrator(host, host.unit)
        assert state(host, host.unit, host.spool) == usual


def test_a_restart_of_one_instance_leaves_the_other_one_alone(both: MailHost):  # noqa: F811
    host = both
    both_spools = host.spool, host.other_spool
    # Where one unit starts both, as on Enterprise Linux, it is that of the default instance.
    spools = {unit: spool for unit, spool in zip((host.unit, host.other_unit), both_spools, strict=True) if unit}
    for unit in spools:
        host.run("systemctl", "--job-mode=ignore-requirements", "restart", unit)
    usual = {unit: state(host, unit, spool) for unit, spool in spools.items()}

    def masters() -> list[str]:
        return [host.run("cat", f"{spool}/pid/master.pid").stdout for spool in both_spools]

    first = masters()
    result = host.bring({"inet_interfaces": [host.ipv4]})
    assert (result["action"], result["in_sync"]) == ("restart", True), result
    second = masters()
    assert (second[0] != first[0], second[1]) == (True, first[1])
    result = host.bring({"inet_interfaces": [host.ipv4_b]}, instance="postfix-out")
    assert (result["action"], result["in_sync"], result["unit"]) == ("restart", True, host.other_unit or None), result
    third = masters()
    assert (third[0], third[1] != second[1]) == (second[0], True)
    assert {unit: state(host, unit, spool) for unit, spool in spools.items()} == usual
    by_administrator(host, host.other_unit or host.unit)


def test_a_unit_that_the_administrator_changed_keeps_its_own_way(host: MailHost):
    host.write(
        f"/etc/systemd/system/{host.unit}.d/local.conf",
        "[Service]\nExecStartPre=+/usr/bin/touch /root/before-start\nExecStop=+/usr/bin/touch /root/stopping\n",
    )
    host.run("systemctl", "daemon-reload")
    result = host.bring({"inet_interfaces": host.ipv4})
    assert (result["action"], result["in_sync"], result["unit"]) == ("restart", True, host.unit), result
    assert host.sockets() == {(host.ipv4, 25)}
    host.shell("rm /root/before-start /root/stopping")
    assert host.runs(host.unit)
    by_administrator(host, host.unit)


def test_what_the_package_refuses_to_start_is_refused_before_the_stop(host: MailHost):
    """Debian up to 12: configure-instance.sh does not start a host that takes mail for debian.org to be its own."""
    if host.unit == "postfix.service":
        pytest.skip("later packages run postfix check only")
    assert host.bring()["in_sync"]
    master = host.master()
    host.edit("myorigin", "debian.org")
    host.edit("inet_interfaces", host.ipv4)
    failed = host.bring()
    assert "refusing to start" in failed["msg"], failed
    assert (host.master(), host.runs(host.unit)) == (master, True)
