# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel is asked, against iproute2. This needs root: it makes a network namespace, and fails without."""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._host import addresses as addresses_module
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.addresses import (
    NETLINK_HEADER,
    netlink_dump,
    read_host,
)

# the collections tree that this file was imported from has the core, whichever Python runs the tests
TREE = next(str(path) for path in map(Path, sys.path) if (path / "ansible_collections" / "mailfleet").exists())

SET_UP = """
set -e
ip link set lo up
ip link add vA type veth peer name vB
ip link set vA up
ip link set vB up
ip link add vC type veth peer name vD
ip link set vC up
for address in 10.77.0.1/24 10.77.0.2/24 10.88.0.1/16; do ip address add $address broadcast + dev vA; done
ip address add 10.99.0.1 peer 10.99.0.9/32 dev vB
ip address add fd77::1/64 dev vA nodad
ip address add fd77::2/64 dev vA nodad
ip address add 10.66.0.1/24 dev vD
ip link set vD up
ip link set vD down
echo 100 > /proc/sys/net/ipv6/conf/vC/dad_transmits
ip address add fd66::1/64 dev vC  # stays tentative
"""

# The kernel adds a temporary address beside one with mngtmpaddr.
LIFETIMES = """
echo 2 > /proc/sys/net/ipv6/conf/vA/use_tempaddr
echo 0 > /proc/sys/net/ipv6/conf/vA/accept_dad
ip -6 address add 2001:db8::1/64 dev vA mngtmpaddr valid_lft 7200 preferred_lft 3600 nodad
ip -6 address add 2001:db8::8/64 dev vA valid_lft 600 preferred_lft 0 nodad
ip -6 address add 2001:db8::9/64 dev vA preferred_lft 0 nodad
ip address add 10.77.0.5/24 dev vA valid_lft 3600 preferred_lft 1800
ip address add 10.77.0.6/24 dev vA valid_lft 3600 preferred_lft 0
ip -6 route add default dev vA
ip route add default dev vA
for name in vA vB; do
    while ip -6 address show dev $name tentative | grep -q inet6; do sleep 0.05; done
done
"""

READ = """
import json, sys
sys.path.insert(0, TREE)
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.addresses import read_host
host = read_host()
print(json.dumps({
    "addresses": [
        (str(known.address), known.prefix_length, known.interface, known.up, known.tentative, known.primary,
         known.temporary, known.deprecated, known.dynamic)
        for known in host.addresses
    ],
    "kernel": [str(host.kernel_source(family)) for family in ("ipv4", "ipv6")],
    "families": sorted(host.families), "nonlocal_bind": sorted(host.nonlocal_bind), "hostname": host.hostname,
}))
"""


def in_namespace(script: str) -> str:
    """Run a shell script in a network namespace of its own."""
    if os.geteuid():
        pytest.fail("this test makes a network namespace and needs root: run it as root")
    command = ["unshare", "--net", "--mount", "bash", "-c", "mount -t sysfs sysfs /sys\n" + script]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_and_ask(set_up: str) -> Any:
    """Return what the core reads after a set-up, what iproute2 tells before and after that, and the host name."""
    read = READ.replace("TREE", repr(TREE))
    show = "ip -json address show\n"
    script = f"{set_up}\n{show}{sys.executable} - <<'E'\n{read}\nE\n{show}hostname\n"
    before, told, after, hostname, *_rest = in_namespace(script).split("\n")
    return json.loads(told), [json.loads(before), json.loads(after)], hostname


def listed(links: Any) -> List[Any]:
    """What iproute2 tells, as the core should read it."""
    entries = [
        (
            entry["local"],
            entry["prefixlen"],
            link["ifname"],
            "UP" in link["flags"],
            bool(entry.get("tentative")),
            not (entry.get("secondary") or entry.get("temporary")),
            bool(entry.get("temporary")),
            bool(entry.get("deprecated")),
            bool(entry.get("dynamic")),
        )
        for link in links
        for entry in link["addr_info"]
    ]
    # the kernel lists IPv4 of all interfaces first; within a family both list alike
    return sorted(entries, key=lambda entry: ":" in entry[0])


def test_agrees_with_iproute2() -> None:
    for _turn in range(10):
        told, seen, hostname = read_and_ask(SET_UP + LIFETIMES)
        before, after = map(listed, seen)
        if before == after:  # else the kernel has changed one of them meanwhile
            break
    found = [tuple(entry) for entry in told["addresses"]]
    assert found == before == after
    assert ("10.77.0.2", 24, "vA", True, False, False, False, False, False) in found
    assert ("10.99.0.1", 32, "vB", True, False, True, False, False, False) in found
    assert ("10.66.0.1", 24, "vD", False, False, True, False, False, False) in found
    assert ("fd66::1", 64, "vC", True, True, True, False, False, False) in found
    assert ("10.77.0.5", 24, "vA", True, False, False, False, False, True) in found
    assert ("2001:db8::1", 64, "vA", True, False, True, False, False, True) in found
    assert ("2001:db8::9", 64, "vA", True, False, True, False, True, False) in found
    (temporary,) = [entry[0] for entry in found if entry[6]]
    assert told["kernel"] == ["10.77.0.1", temporary]
    assert told["families"] == ["ipv4", "ipv6"]
    assert told["nonlocal_bind"] == []
    assert told["hostname"] == hostname


CANDIDATES = """
    0.0.0.0 0.1.2.3 127.0.0.1 127.9.9.9 127.255.255.255 10.77.0.1 10.77.0.2 10.77.0.0 10.77.0.255 10.77.0.9
    10.88.255.255 10.99.0.1 10.99.0.9 10.66.0.1 10.66.0.255 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 169.254.1.1
    :: ::1 fd77::1 fd77::2 fd66::1 fd77:: fd77::9 fe80::1 ff02::1 ff05::1 ff0e::1 ::ffff:10.77.0.1 ::10.77.0.1
    2001:db8::1
"""

BIND = """
import json, sys
from ipaddress import ip_address
sys.path.insert(0, TREE)
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.bindable import bind_problem
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.host import Host
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.addresses import read_host
asked = read_host()
told = Host(asked.addresses)
answers = {}
for text in CANDIDATES.split():
    address = ip_address(text)
    answers[text] = (bind_problem(address, asked), bind_problem(address, told), asked.bindable(address))
print(json.dumps(answers))
"""


def test_bind_rule_agrees_with_the_kernel() -> None:
    bind = BIND.replace("TREE", repr(TREE)).replace("CANDIDATES", repr(CANDIDATES))
    told = in_namespace(f"{SET_UP}\n{sys.executable} - <<'E'\n{bind}\nE\n")
    for text, (asked, computed, kernel) in json.loads(told).items():
        assert (asked is None, computed is None) == (kernel, kernel), text


def test_addresses_that_only_the_kernel_knows() -> None:
    bind = BIND.replace("TREE", repr(TREE)).replace("CANDIDATES", "'192.0.2.1 10.66.0.1'")
    told = in_namespace(
        "ip link set lo up\nip route add local 192.0.2.0/24 dev lo\nip link add vA type veth peer name vB\n"
        f"ip address add 10.66.0.1/24 dev vA\n{sys.executable} - <<'E'\n{bind}\nE\n"
    )
    answers = json.loads(told)
    assert answers["192.0.2.1"][0] is None
    assert "no interface" in answers["192.0.2.1"][1]
    assert answers["10.66.0.1"] == [None, None, True]  # an interface that was never up


def test_sysctls() -> None:
    told, _links, _hostname = read_and_ask(
        "ip link set lo up; sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv4.ip_nonlocal_bind=1"
    )
    assert [entry[0] for entry in told["addresses"]] == ["127.0.0.1"]
    assert told["families"] == ["ipv4", "ipv6"]
    assert told["nonlocal_bind"] == ["ipv4"]


def test_kernel_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def without_ipv6(kind: int, *arguments: Any) -> Any:
        if kind == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(kind, *arguments)

    monkeypatch.setattr(socket, "socket", without_ipv6)
    host = read_host()
    assert host.families == {"ipv4"}
    assert host.bindable is not None
    assert host.bindable(ip_address("127.0.0.1"))
    assert not host.bindable(ip_address("::1"))


class Kernel:
    """A netlink socket that answers with what it is told to."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)

    def sendto(self, data: bytes, to: Any) -> None:
        self.asked = data

    def recv(self, size: int) -> bytes:
        return self.answers.pop(0)


def message(kind: int, body: bytes = b"", sequence: int = 22) -> bytes:
    return NETLINK_HEADER.pack(NETLINK_HEADER.size + len(body), kind, 0, sequence, 0) + body


def test_answers_of_the_kernel_are_those_to_the_question() -> None:
    first = message(20, b"abcd") + message(20, b"late", 7) + message(21, b"else")
    kernel = Kernel(first, message(20, b"efgh"), message(3))
    assert list(netlink_dump(kernel, 22, 20)) == [b"abcd", b"efgh"]  # type: ignore[arg-type]
    refusal = Kernel(message(2, (-errno.EPERM).to_bytes(4, "little", signed=True)))
    with pytest.raises(PermissionError):
        list(netlink_dump(refusal, 22, 20))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "kind, attributes, expected",
    [
        (socket.AF_INET, {1: "10.0.0.1"}, "10.0.0.1"),
        (socket.AF_INET, {1: "10.0.0.1", 2: "10.0.0.2"}, "10.0.0.2"),  # of a link from point to point
        (socket.AF_INET6, {1: "fd77::1"}, "fd77::1"),
        (socket.AF_INET, {}, None),
        (socket.AF_INET, {1: "0.0.0.0"}, None),
        (socket.AF_UNIX, {1: "10.0.0.1"}, None),
    ],
)
def test_an_address_as_the_kernel_tells_it(kind: int, attributes: Dict[int, str], expected: Optional[str]) -> None:
    body = struct.pack("=BBBBI", kind, 24, 0x80, 0, 7)
    for number, text in attributes.items():
        packed = ip_address(text).packed
        body += struct.pack("=HH", 4 + len(packed), number) + packed
    body += struct.pack("=HH", 3, 1)  # shorter than it can be
    found = addresses_module._host_address(body, {7: ("eth0", True)})
    assert (found and (str(found.address), found.interface, found.up)) == (expected and (expected, "eth0", True))


def test_many_addresses() -> None:
    told, _links, _hostname = read_and_ask(
        "ip link set lo up\n"
        "for a in $(seq 2000); do echo address add 10.7.$((a / 250)).$((a % 250 + 1))/32 dev lo; done | ip -batch -\n"
    )
    assert len(told["addresses"]) == 2002
