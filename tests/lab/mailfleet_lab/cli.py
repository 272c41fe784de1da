# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the lab. A verb is a function, its docstring the help; exit code 0, 1 for no, 2 for bad usage."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from typing import Callable

from . import hosts, images, keeper, needs
from .networks import Attachment, add_network, remove_network
from .rooms import Room, leftovers
from .system import LAB, LabError

Verb = Callable[[argparse.Namespace], int]


def _check(_arguments: argparse.Namespace) -> int:
    """Say what this machine lacks; exit code 1 if that cannot be installed."""
    problems = needs.obstacles()
    packages = needs.missing_packages()
    print("\n".join(problems) if problems else "This machine can run the lab.")
    if packages and not problems:
        print(f"To be installed first (`tests/lab/mailfleet-lab install`): {', '.join(packages)}.")
    return 1 if problems else 0


def _install(_arguments: argparse.Namespace) -> int:
    """Install the packages that the lab needs, those that are missing."""
    packages = needs.install()
    print(f"Installed {', '.join(packages)}." if packages else "Nothing to install.")
    return 0


def _image(arguments: argparse.Namespace) -> int:
    """Build the images of suites, or find them in the cache; prints where they are."""
    for image in images.ensure_images(arguments.suites):
        print(image.root)
    return 0


def _up(arguments: argparse.Namespace) -> int:
    """Bring the room up."""
    room = Room(arguments.room)
    room.up(owner=arguments.owner)
    print(f"Room {room.name} is up.")
    return 0


def _down(arguments: argparse.Namespace) -> int:
    """Take the room down, and clear what killed rooms left."""
    room = Room(arguments.room)
    room.down()
    print(f"Room {room.name} is down.")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    """Run a command in the room."""
    command = Room(arguments.room).command(arguments.command)
    os.execvp(command[0], command)


def _session(arguments: argparse.Namespace) -> int:
    """Bring a room up, run a command in it, take it down whatever happens. Without --room it has a name of its own.

    The exit code is the command's; 1 where the command did well and something of the room is still there.
    """
    signal.signal(signal.SIGTERM, lambda *_unused: sys.exit(143))
    with Room(arguments.room or f"session-{os.getpid()}") as room:
        try:
            code = subprocess.run(room.command(arguments.command), check=False).returncode
        except KeyboardInterrupt:
            return 130
    found = leftovers(room.name)
    if found:
        print("Left behind:", *found, sep="\n", file=sys.stderr)
    return (code if code >= 0 else 128 - code) or int(bool(found))


def _status(arguments: argparse.Namespace) -> int:
    """Show the room's hosts; exit code 1 if it is down."""
    if not Room.here() and not Room(arguments.room).is_up():
        print(f"Room {Room(arguments.room).name} is down.")
        return 1
    return _inside(_status_inside)(arguments)


def _status_inside(_arguments: argparse.Namespace) -> int:
    print(f"Room {Room.require_here().name} is up.")
    for host in hosts.all_hosts():
        addresses = (address for attachment in host.attachments for address in attachment.addresses)
        print(host.name, host.suite, "on" if host.is_on() else "off", *addresses, sep="\t")
    return 0


def _leftovers(arguments: argparse.Namespace) -> int:
    """Show what there is of rooms (with --room, of one) on this machine; exit code 1 if there is anything."""
    found = leftovers(arguments.room)
    print("\n".join(found) if found else "Nothing is left.")
    return 1 if found else 0


def _network_add(arguments: argparse.Namespace) -> int:
    """Add a network to the room, which has the first address of each subnet."""
    add_network(arguments.name, *arguments.subnets)
    return 0


def _network_rm(arguments: argparse.Namespace) -> int:
    """Remove a network, if it is there."""
    remove_network(arguments.name)
    return 0


def _host_add(arguments: argparse.Namespace) -> int:
    """Add a host to the room and wait until it has started."""
    host = (arguments.name, arguments.suite, arguments.network)
    hosts.add_hosts(host, domain=arguments.domain, wait=not arguments.no_wait)
    return 0


def _host_wait(arguments: argparse.Namespace) -> int:
    """Wait until hosts have started."""
    for name in arguments.names:
        hosts.find_host(name).wait()
    return 0


def _host_cut(arguments: argparse.Namespace) -> int:
    """Cut the power of hosts; their files stay."""
    for name in arguments.names:
        hosts.find_host(name).cut_power()
    return 0


def _host_boot(arguments: argparse.Namespace) -> int:
    """Switch hosts on that are off, and wait until they have started."""
    for name in arguments.names:
        hosts.find_host(name).boot()
    return _host_wait(arguments)


def _host_rm(arguments: argparse.Namespace) -> int:
    """Take hosts out of the room, those that are there."""
    for host in hosts.all_hosts():
        if host.name in arguments.names:
            host.remove()
    return 0


def _exec(arguments: argparse.Namespace) -> int:
    """Run a command on a host, whatever its network does."""
    host = hosts.find_host(arguments.name)
    return host.run(*arguments.command, check=False, capture_output=False, stdin=None).returncode


def _ssh(arguments: argparse.Namespace) -> int:
    """Log in to a host, or run a command there, by ssh."""
    config = Room.require_here().state / "ssh_config"
    os.execvp("ssh", ["ssh", "-F", str(config), hosts.find_host(arguments.name).address, *arguments.command])


def _inventory(_arguments: argparse.Namespace) -> int:
    """Write Ansible's inventory of the room's hosts and print its path."""
    print(hosts.write_inventory())
    return 0


def _inside(verb: Verb) -> Verb:
    """The verb, carried out inside of the room wherever it is called."""

    def enter(arguments: argparse.Namespace) -> int:
        if not Room.here():
            command = Room(arguments.room).command([sys.executable, str(LAB), *sys.argv[1:]])
            os.execvp(command[0], command)
        return verb(arguments)

    enter.__doc__ = verb.__doc__
    return enter


def _attachment(text: str) -> Attachment:
    """NETWORK:ip=ADDRESS,ip6=ADDRESS,interface=NAME; addresses any number of times."""
    network, _colon, rest = text.partition(":")
    addresses = []
    interface = "eth0"
    for part in rest.split(","):
        key, _equals, value = part.partition("=")
        if key in ("ip", "ip6") and value:
            addresses.append(value)
        elif key == "interface" and value:
            interface = value
        else:
            raise argparse.ArgumentTypeError(f"{text!r} is not NETWORK:ip=ADDRESS,ip6=ADDRESS,interface=NAME")
    return Attachment(network, tuple(addresses), interface)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mailfleet-lab", description="Real mail hosts in a sealed room.")
    parser.add_argument("--room", metavar="NAME", help='the room (MAILFLEET_LAB_ROOM, or "default")')
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    network = verbs.add_parser("network", help="Handle networks of the room.").add_subparsers(required=True)
    host = verbs.add_parser("host", help="Handle hosts of the room.").add_subparsers(required=True)

    def add(verb: Verb, name: str, *, to: argparse._SubParsersAction = verbs) -> argparse.ArgumentParser:  # type: ignore[type-arg]
        new: argparse.ArgumentParser = to.add_parser(name, help=verb.__doc__, description=verb.__doc__)
        new.set_defaults(function=verb)
        return new

    add(_check, "check")
    add(_install, "install")
    add(_image, "image").add_argument("suites", nargs="+", metavar="SUITE")
    owner = "the room goes down when this process ends"
    add(_up, "up").add_argument("--owner", type=int, metavar="PID", help=owner)
    add(_down, "down")
    add(_status, "status")
    add(_leftovers, "leftovers")
    for verb, name in ((_run, "run"), (_session, "session")):
        add(verb, name).add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")

    new = add(_inside(_network_add), "add", to=network)
    new.add_argument("name", metavar="NAME")
    new.add_argument("subnets", nargs="+", metavar="SUBNET")

    add(_inside(_network_rm), "rm", to=network).add_argument("name", metavar="NAME")

    new = add(_inside(_host_add), "add", to=host)
    new.add_argument("name", metavar="NAME")
    new.add_argument("--suite", required=True)
    form = "NETWORK:ip=ADDRESS,ip6=ADDRESS"
    new.add_argument("--network", required=True, action="append", type=_attachment, metavar=form)
    new.add_argument("--domain", default="example")
    new.add_argument("--no-wait", action="store_true", help="do not wait; `host wait` does")
    for verb, name in ((_host_wait, "wait"), (_host_cut, "cut"), (_host_boot, "boot"), (_host_rm, "rm")):
        add(_inside(verb), name, to=host).add_argument("names", nargs="+", metavar="NAME")

    for verb, name in ((_exec, "exec"), (_ssh, "ssh")):
        new = add(_inside(verb), name)
        new.add_argument("name", metavar="HOST")
        new.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    add(_inside(_inventory), "inventory")
    return parser


def main() -> int:
    """Carry out the command line."""
    try:
        if sys.argv[1:2] == ["_keep"]:  # the processes of a room, which rooms.py starts
            keeper.keep(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
            return 0
        if sys.argv[1:2] == ["_init"]:
            keeper.init(sys.argv[2], int(sys.argv[3]))
        parser = _parser()
        arguments = parser.parse_args()
        command = getattr(arguments, "command", None)
        if command is not None:
            arguments.command = command[1:] if command[:1] == ["--"] else command
            if not arguments.command and arguments.function in (_run, _session):
                parser.error("no command given")
        return int(arguments.function(arguments))
    except LabError as problem:
        print(f"mailfleet-lab: {problem}", file=sys.stderr)
        return 1
