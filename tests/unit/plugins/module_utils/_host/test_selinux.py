# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SELinux says of ports. No kernel here has it: files and the answer of semanage(8) are as on Enterprise Linux."""

from __future__ import annotations

from typing import Callable, Dict, List, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import selinux
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.command import Outcome
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.selinux import port_type

pytestmark = pytest.mark.shows("selinux")
MakeRoot = Callable[[Dict[str, str]], str]

ENFORCING = {
    "sys/fs/selinux/enforce": "1",
    "proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
    "etc/selinux/config": "# how\nSELINUX=enforcing\nSELINUXTYPE=targeted\n",
    "var/lib/selinux/targeted/active/ports.local": "# This file is auto-generated\n"
    "portcon tcp 2526 system_u:object_r:smtp_port_t:s0\n"
    "portcon udp 2525 system_u:object_r:smtp_port_t:s0\n"
    "portcon tcp 7000-7009 system_u:object_r:afs3_port_t:s0\n",
}
LISTED = """\
SELinux Port Type              Proto    Port Number

amavisd_send_port_t            tcp      10025
http_cache_port_t              tcp      8080, 8118, 8123, 10001-10010
hi_reserved_port_t             tcp      512-1023
reserved_port_t                tcp      1-511
smtp_port_t                    tcp      25, 465, 587
unreserved_port_t              tcp      61001-65535, 1024-32767
unreserved_port_t              udp      61001-65535, 1024-32767
"""


@pytest.fixture(name="asked")
def _asked(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """What was run."""
    commands: List[str] = []

    def run(command: List[str], deadline: float) -> Outcome:
        commands.append(" ".join(command))
        return Outcome(commands[-1], 0, [line.strip() for line in LISTED.splitlines() if line])

    monkeypatch.setattr(selinux, "run", run)
    selinux._of_policy.cache_clear()
    return commands


@pytest.mark.parametrize(
    "port, kind",
    [
        (25, None),
        (587, None),
        (10025, None),  # which the policy lets the master have too
        (2525, "unreserved_port_t"),
        (2526, None),  # added by the administrator
        (7005, "afs3_port_t"),
        (10003, "http_cache_port_t"),  # the smaller range
        (600, "hi_reserved_port_t"),
        (40000, None),  # of those for clients
    ],
)
def test_the_type_of_a_port(make_root: MakeRoot, asked: List[str], port: int, kind: Optional[str]) -> None:
    assert port_type(port, make_root(ENFORCING)) == kind


def test_the_policy_is_asked_for_once_and_only_where_it_has_to_be(make_root: MakeRoot, asked: List[str]) -> None:
    root = make_root(ENFORCING)
    assert [port_type(port, root) for port in (25, 2526, 7000, 40000)] == [None, None, "afs3_port_t", None]
    assert asked == []
    assert {port_type(port, root) for port in (2525, 2527)} == {"unreserved_port_t"}
    assert asked == ["semanage port -l"]


@pytest.mark.parametrize("enforce", ["0", None])
def test_nothing_is_said_where_no_policy_is_enforced(
    make_root: MakeRoot, asked: List[str], enforce: Optional[str]
) -> None:
    files = dict(ENFORCING)
    del files["sys/fs/selinux/enforce"]
    assert port_type(2525, make_root({**files, **({"sys/fs/selinux/enforce": enforce} if enforce else {})})) is None
    assert asked == []


def test_nothing_is_said_where_nobody_can_tell(make_root: MakeRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    selinux._of_policy.cache_clear()
    monkeypatch.setattr(selinux, "run", lambda command, deadline: Outcome("semanage", 127, ["semanage: not found"]))
    assert port_type(2525, make_root(ENFORCING)) is None
    selinux._of_policy.cache_clear()
