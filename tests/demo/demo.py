# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's main job on a real Postfix host; a step that does not show what it says ends the demo."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lab"))

from mailfleet_lab import hosts, networks

HERE = Path(__file__).resolve().parent
# The address goes while Postfix is stopped: between the validation and the start.
TAKE_AWAY = """\
[Service]
ExecStopPost=+/usr/sbin/ip address delete 10.1.0.11/24 dev eth0
"""


def step(title: str, shows: str) -> None:
    """Announce a step, with what it shows in a line."""
    print(f"\n\n=== {title}\n    {shows}\n", flush=True)


def play(*argv: str, show: bool = True) -> str:
    """Run an ansible command as it would be typed, and show it with what it says."""
    print("$ " + shlex.join(argv), flush=True)
    inventories = ["--inventory", str(hosts.write_inventory()), "--inventory", "mail.yml"]
    done = subprocess.Popen(
        [argv[0], *inventories, *argv[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=HERE
    )
    said = []
    assert done.stdout is not None
    for line in done.stdout:
        said.append(line)
        if show:
            print("  " + line, end="", flush=True)
    done.wait()
    return "".join(said)


def expect(holds: bool, what: str) -> None:
    """End the demo unless this holds."""
    if not holds:
        sys.exit(f"\nThe demo failed: {what}")
    print(f"  --> {what}", flush=True)


def sockets(host: hosts.Host) -> str:
    """What the master of the host listens on, as the kernel says it."""
    return " ".join(sorted(f"[{address}]:{port}" for address, port in host.listeners()))


def files(host: hosts.Host) -> str:
    """Both files to the byte and to the inode."""
    paths = [f"/etc/postfix/{name}" for name in ("main.cf", "master.cf")]
    return host.run("sha256sum", *paths).stdout + host.run("stat", "--format=%n %i %y", *paths).stdout


def banner(host: hosts.Host) -> str:
    """What the server says to who comes to the host's address on port 25, from another machine."""
    import socket

    with socket.create_connection((host.address, 25), timeout=10) as connection:
        return connection.recv(200).decode().strip()


def main() -> None:
    step("A host", "A Debian 13 host with Postfix as its package sets it up: it listens everywhere.")
    networks.add_network("mail", "10.1.0.0/24", "fd00:1::/64")
    (host,) = hosts.add_hosts(
        ("mx1", "trixie", [networks.Attachment("mail", ("10.1.0.10", "10.1.0.11", "fd00:1::10"))])
    )
    print(f"  sockets of the master: {sockets(host)}")
    expect(host.listeners() == {("0.0.0.0", 25), ("::", 25)}, "Postfix listens on all addresses")

    step("The inventory", "What the operator writes: addresses by prefix, one source address, one endpoint.")
    print((HERE / "mail.yml").read_text())

    step("--check --diff", "What would change in the files, and what Postfix would then do; nothing is touched.")
    before = files(host)
    said = play("ansible-playbook", "site.yml", "--check", "--diff")
    expect(
        "+inet_interfaces = 127.0.0.1, ::1, 10.1.0.10, 10.1.0.11, fd00:1::10" in said,
        "the edit is shown, with the host's own addresses",
    )
    expect(files(host) == before, "both files are what they were, to the byte and to the inode")

    step(
        "Converge",
        "The files are edited, Postfix is stopped and started since the listeners move, the sockets are verified.",
    )
    said = play("ansible-playbook", "site.yml")
    print(f"  sockets of the master: {sockets(host)}")
    wanted = {(address, 25) for address in ("127.0.0.1", "::1", "10.1.0.10", "10.1.0.11", "fd00:1::10")} | {
        ("10.1.0.10", 587)
    }
    expect(host.listeners() == wanted, "the sockets are those that the inventory asks for")
    expect(banner(host).startswith("220 "), f"another machine is greeted: {banner(host)}")

    step("The second run", "Nothing changes, nothing is restarted.")
    pid = host.run("cat", "/var/spool/postfix/pid/master.pid").stdout
    said = play("ansible-playbook", "site.yml")
    expect("changed=0" in said and "failed=0" in said, "changed=0")
    expect(host.run("cat", "/var/spool/postfix/pid/master.pid").stdout == pid, "the same master runs")

    step(
        "An edit by hand",
        "Somebody edits main.cf and does not restart: the info module finds the drift, the role ends it.",
    )
    host.run("postconf", "-e", "inet_interfaces = loopback-only")
    said = play("ansible-playbook", "drift.yml")
    expect("needs a restart" in said and "failed=1" in said, "the files and the running master differ")
    play("ansible-playbook", "site.yml", "--diff")
    expect(host.listeners() == wanted, "the sockets are those that the inventory asks for")

    step("A bad value", "The short ad-hoc form, with a network where an address belongs: one error, nothing changed.")
    before = files(host)
    said = play("ansible", "mail", "-m", "postfix_interfaces", "-a", "inet_interfaces=10.1.0.0/24")
    expect("FAILED" in said and "10.1.0.0/24" in said, "the value is refused, with the reason and the remedy")
    expect(files(host) == before, "both files are what they were, to the byte and to the inode")

    step(
        "A start that fails",
        "The address goes away while Postfix is stopped: the previous files come back, Postfix runs by them.",
    )
    play("ansible", "mail", "-m", "postfix_interfaces", "-a", "inet_interfaces=loopback-only", show=False)
    play("ansible", "mail", "-m", "postfix_apply", show=False)
    expect(host.listeners() >= {("127.0.0.1", 25), ("::1", 25)}, "Postfix listens on loopback")
    before = files(host)
    drop_in = "/etc/systemd/system/postfix.service.d/take-away.conf"
    host.run("install", "-D", "/dev/stdin", drop_in, input=TAKE_AWAY, stdin=None)
    host.run("systemctl", "daemon-reload")
    said = play("ansible-playbook", "site.yml")
    host.run("rm", drop_in)
    host.run("systemctl", "daemon-reload")
    print(f"  sockets of the master: {sockets(host)}")
    expect("failed=1" in said, "the play says that it failed, what came back and what runs")
    expect(files(host).split("\n")[:2] == before.split("\n")[:2], "both files are what they were")
    expect(host.listeners() >= {("127.0.0.1", 25), ("::1", 25)}, "Postfix runs by them")
    print("\n\nThe demo showed all that it says.")


if __name__ == "__main__":
    main()
