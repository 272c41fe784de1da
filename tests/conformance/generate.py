# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and configurations by number: mixtures of all that the parameters and master.cf can say, right and wrong.

A task is a mapping of JSON: ``interfaces`` (addresses with prefix length and lifetimes), ``tentative`` and ``down``
among them, ``names`` (the hosts file), ``main`` and ``master`` (texts), and at most one of ``send`` (transports with
destinations), ``literals`` (is mail to that address for this host?), ``after`` (texts that a reload has to take up) and
``holders`` (sockets of other programs).
"""

from __future__ import annotations

import random
import re
from typing import Any

from .room import HOSTNAME, SINKS

_LINK_LOCAL = "fe80::5054:ff:fe12:3456"
# fmt: off
_FOUR = [
    "10.77.0.1/24", "10.77.0.2/24", "10.77.0.3/24", "10.77.0.150/24", "10.77.0.200/24", "10.77.5.5/16", "10.77.0.9/32",
]
_FOUR_D = ["192.0.2.1/24", "192.0.2.2/24", "172.16.5.9/16", "10.200.1.1/32", "203.0.113.77/29"]
_SIX = ["fd77::1/64", "fd77::2/64", "fd77::a:b/64", "2001:db8:1::7/64"]
_SIX_D = ["fd78::1/64", "2001:db8:2::1/128"]
_ABSENT = [
    "10.77.0.99", "fd77::99", "192.0.2.99", "127.0.0.3", "10.77.0.255", "224.0.0.1", "ff02::1", "255.255.255.255",
]
_WRONG = [
    "ALL", "all", "loopback-only", "Loopback-Only", "0.0.0.0", "::", "[::]", "*", "!10.77.0.1", "vA", "/etc/hosts",
    "hash:/etc/x", "10.77.0.0/24", "10.77.0.1/32", "10.77.0.1:25", "[10.77.0.1", "10.77.0.1]", "::ffff:10.77.0.1",
    "010.077.000.001", "10.77.0.1;10.77.0.2", "#", "IPv6:fd77::1", "[IPv6:fd77::1]", "nosuch.lab.test",
    "absent.lab.test",
    "'10.77.0.1'", "10.77.0.256", "1.2.3.4.5", "fd77::1%vA", "fd77::g", "{10.77.0.1}", "-", "a..b", "é",
]
_PROTOCOLS = [
    None, None, None, None, "all", "all", "ipv4", "ipv4", "ipv6", "ipv4, ipv6", "ipv6 ipv4", "all, ipv4", "", "$vp",
    "IPv4", "ipv4,bogus",
]
_PORTS = [
    "smtp", "smtp", "25", "2525", "2525", "submission", "587", "smtps", "submissions", "465", "urd", "02525",
    "10025", "10026",
]
_ODD_PORTS = [
    "0", "65536", "70000", "SMTP", "2525x", "25,26", "25/tcp", "nosuchport", "", "99999999999999999999999",
    "4294967295", "mail", "qmqp",
]
NAMES = [
    "mx.lab.test", "mx_1.lab.test", "mx", "1-1.lab.test", "mx.lab.test # outside", "", "/etc/mailname", "mx.lab.test.",
    "mx..test", "-mx.lab.test", "mx-.lab.test", "10.77.0.1", "[10.77.0.1]", "fd77::1", "*.lab.test", "mx lab", "12",
    "mx.12", "$mydomain", "mx.$mydomain", "mx.$nosuch", "m" * 63 + ".test", "m" * 64 + ".test",
    ("m" * 40 + ".") * 6 + "m" * 9, "é.test", "${",
]
_VALUES = [
    ("default_process_limit", ["1", "0", "-1", "10x", "", "+7", "2147483647", "2147483648"]),
    ("line_length_limit", ["512", "511", "2048 ", "1e3"]),
    ("max_idle", ["1", "0", "5x", "10sx", "s", "1 m", "1m", "3550w", "3551w"]),
    ("in_flow_delay", ["0", "10s", "11s", "1m", "-1"]),
    ("soft_bounce", ["yes", "NO", "", "true", "$ve", "${va?no}"]),
    ("service_throttle_time", ["1s", "0s"]),
    ("message_size_limit", ["-1", "0", "9223372036854775807", "9223372036854775808", "10M"]),
    ("delay_logging_resolution_limit", ["0", "6", "7"]),
    ("syslog_facility", ["mail", "local7", "local8", "Mail"]),
    ("compatibility_level", ["3.6", "2", "3.", "3.6.1", "x", "", "1"]),
    ("myorigin", ["$mydomain", "a b", "", "a,b"]),
    ("relayhost", [HOSTNAME, f"[{HOSTNAME}]", "$myhostname", "[10.77.0.100]"]),
    ("mynetworks_style", ["host", "subnet", "hosts", ""]),
    ("default_verp_delimiters", ["+=", "+", "==", "ab"]),
    ("import_environment", ["MAIL_CONFIG TZ=UTC", "MAIL_CONFIG, {TZ=UTC}", "MAIL_CONFIG {TZ=UTC", "=UTC"]),
    ("maillog_file", ["/tmp/mail.log", "mail.log"]),
    ("recipient_delimiter", ["+", "${", "$("]),
    ("queue_directory", [""]),
]
# fmt: on
_SMTPD = "n - n - - smtpd"
#: the programs that take requests, with the limit of processes that they need
_PROGRAMS = {
    **dict.fromkeys(("anvil", "pickup", "qmgr", "scache", "verify", "postlogd", "postscreen", "tlsmgr"), "1"),
    **dict.fromkeys(("bounce", "cleanup", "dnsblog", "flush", "tlsproxy"), "0"),
    **dict.fromkeys(("discard", "error", "local", "lmtp", "pipe", "qmqpd", "showq", "smtp", "smtpd"), "-"),
    **dict.fromkeys(("spawn", "trivial-rewrite", "virtual"), "-"),
}
# fmt: off
_DAEMON_OPTIONS = ["-m 5", "-m5 -o a=b", "-i 10 -D0", "-r 5", "-x", "-o", "-o a = b", "-o a=b, c", "-o a=b c -o d=e"]
_ARGUMENTS = [
    "flags=DORX", "flags=", "FLAGS=R", "flags=Z", "word", "-- word", "--", "# x", "user=nobody argv=/bin/true",
    "user=nobody", "argv=/bin/true", "flags=DRhu user=nobody argv=/bin/true -o x", "flags=R -o a=b", "{a b}",
    "user=nobody {argv=/bin/true} #", "flags=R flags=X", "flags=u user=nobody argv=/bin/true",
]
_COMMENTS = [
    "# BEGIN ANSIBLE MANAGED BLOCK", "# END ANSIBLE MANAGED BLOCK", "#smtp inet n - n - - smtpd", "#  -o a=b", "",
    "    #-o a=b", "# mailfleet.postfix disabled the next line\n#25 inet n - n - 1 postscreen", "# prose",
]
_CLIENT_WORDS = [
    "flags=DORX", "flags=", "Flags=R", "flags=Z", "flags=R word", "flags=R -o smtp_bind_address=10.77.0.1", "word",
    "-o smtp_bind_address=10.77.0.1 flags=X", "-o lmtp_bind_address=10.77.0.2 flags=DRX", "-o syslog_level=a, b",
    "-m 5 -o smtp_bind_address=10.77.0.1", "-- flags=O", "-x",
    "-o syslog_level=a\n  b\n  -o smtp_bind_address=10.77.0.1",
]
# fmt: on


class Host:
    """A random host, with the ways to write its addresses."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        six = chance.random() < 0.75
        lo = ["127.0.0.1/8", *(["::1/128"] if six and chance.random() < 0.95 else [])]
        if chance.random() < 0.1:
            lo.append(chance.choice(("127.0.0.2/8", "10.255.0.1/32")))
        here = chance.sample(_FOUR, chance.choice((0, 1, 1, 2, 2, 3, 4)))
        there = chance.sample(_FOUR_D, chance.choice((0, 0, 1, 2)))
        if six:
            here += chance.sample(_SIX, chance.choice((0, 1, 1, 2, 3)))
            here += [f"{_LINK_LOCAL}/64"] if chance.random() < 0.2 else []
            there += chance.sample(_SIX_D, chance.choice((0, 0, 1)))
        self.interfaces = {"lo": lo, "vA": here, "vD": there}
        self.tentative = [a for a in here if a.startswith(("fd77", "2001")) and chance.random() < 0.03]
        self.down = ["vD"] if there and chance.random() < 0.15 else []
        self.all = [address.partition("/")[0] for listed in self.interfaces.values() for address in listed]
        self.up = [a for a in self.all if not self.down or f"{a}/" not in "".join(f"{t} " for t in there)]
        self.names = {
            "localhost": ["127.0.0.1", "::1"],
            HOSTNAME: [self.some(), self.some()][: chance.choice((1, 1, 2))],
            "one.lab.test": [self.some()],
            "two.lab.test": [self.some(), self.some()],
            "absent.lab.test": ["10.77.0.99"],
            "Mixed": [self.some()],
        }

    def some(self) -> str:
        """An address of the host; most are not loopback."""
        return self.chance.choice(self.up[1:] or self.up) if self.chance.random() < 0.9 else self.up[0]

    def spelt(self, address: str) -> str:
        """Another way to write an address, that Postfix reads as the same."""
        chance = self.chance
        form = chance.random()
        if form < 0.55:
            return address
        if form < 0.8:
            return f"[{address}]"
        if ":" in address:
            if address.startswith("fe80"):
                return f"{address}%vA"
            return (
                address.upper() if form < 0.9 else address.replace("::", ":0:" if address.count(":") == 7 else "::0:")
            )
        a, b, c, d = map(int, address.split("."))
        number = (a << 24) + (b << 16) + (c << 8) + d
        return chance.choice(
            (f"0x{number:08x}", str(number), f"{a}.{b}.{(c << 8) + d}", f"{a}.0x{b:x}.{c}.{d}", address)
        )

    def named(self) -> str:
        return self.chance.choice(("one.lab.test", "two.lab.test", "ONE.lab.test", "mixed", "localhost", HOSTNAME))

    def value(self, trouble: float = 0.08) -> str:
        """A list as inet_interfaces has it."""
        chance = self.chance
        tokens = []
        for _token in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
            tokens.append(self.named() if chance.random() < 0.15 else self.spelt(self.some()))
        if chance.random() < 0.15:
            tokens.append(chance.choice(tokens))
        if chance.random() < trouble:
            tokens.insert(chance.randint(0, len(tokens)), chance.choice(_WRONG if chance.random() < 0.7 else _ABSENT))
        if chance.random() < 0.15:
            at = chance.randrange(len(tokens))
            tokens[at] = _reference(chance, tokens[at])
        text = chance.choice(("", "", "", ", ", " ,")) + tokens[0]
        for token in tokens[1:]:
            text += chance.choice((", ", ",", " ", "\t", " , ", ",,", "\n    ", ",\n# comment, all\n\n\t")) + token
        return text + chance.choice(("", "", "", ",", " ", "\r"))


def _reference(chance: random.Random, word: str) -> str:
    """An expression that comes to the word; va is 1 and ve is empty, vu is not there."""
    if re.search(r"[{}()$?:]", word):
        word = "10.77.0.1"
    return chance.choice(
        (
            f"${{va?{word}}}", f"${{va?{{{word}}}}}", f"${{vu:{word}}}", f"${{vu:{{{word}}}}}", f"${{ve?all}}{word}",
            f"$vu{word}",
            f"${{va?{{{word}}}:{{10.9.9.9}}}}", f"${{vu?{{10.9.9.9}}:{{{word}}}}}",
            f"${{{{$va}} == {{1}} ? {{{word}}} : {{x}}}}",
            f"${{{{$va}} > {{2}} ? {{x}} : {{{word}}}}}", f"$(ve){word}", "$myhostname", "${myhostname}", "$vh", "$vl",
        )
    )  # fmt: skip


def _interfaces(host: Host) -> str | None:
    form = host.chance.random()
    for limit, value in ((0.1, None), (0.22, "all"), (0.32, "loopback-only"), (0.37, ""), (0.4, "$vi")):
        if form < limit:
            return value
    return host.value()


def main_settings(host: Host) -> dict[str, str]:
    chance = host.chance
    main = {"myhostname": HOSTNAME, "mydomain": "lab.test", "va": "1", "ve": "", "vp": "ipv4", "vh": HOSTNAME}
    main["vl"] = f"{host.some()}, {host.some()}"
    main["vi"] = chance.choice(("all", "loopback-only", host.some(), "$vl"))
    main.update({name: value for name, value in (("inet_interfaces", _interfaces(host)),) if value is not None})
    protocols = chance.choice(_PROTOCOLS)
    if protocols is not None:
        main["inet_protocols"] = protocols
    if chance.random() < 0.12:
        main["proxy_interfaces"] = chance.choice(
            ("203.0.113.5", "203.0.113.5, [2001:db8::5]", "203.0.113.0/24", host.value())
        )
    for name, value in bindings(host, ("smtp", "lmtp") if chance.random() < 0.3 else ("smtp",), 0.25):
        main[name] = value
    if chance.random() < 0.1:
        main["master_service_disable"] = chance.choice(
            (
                "inet",
                "2525/inet",
                "25/inet",
                "smtp/inet",
                "!smtp/inet, inet",
                "INET",
                "unix",
                "smtp.inet",
                "smtp/unix, 2525/inet",
            )
        )
    if chance.random() < 0.04:
        main["known_tcp_ports"] = chance.choice(
            ("", "smtp=26", "lmtp=24, smtp=25, foo=bar=2727", "nosuchport=3000, smtps=x")
        )
    return main


def other_values(seed: int, number: int) -> dict[str, str]:
    """Settings that are not about addresses and that Postfix may die of; by a chance of their own."""
    chance = random.Random(f"conformance/values/{seed}/{number}")
    form = chance.random()
    if form < 0.06:
        return {chance.choice(("myhostname", "myhostname", "mydomain")): chance.choice(NAMES)}
    if form < 0.12:
        name, values = chance.choice(_VALUES)
        return {name: chance.choice(values)}
    return {}


def holders(seed: int, number: int, host: Host) -> list[tuple[str, int, bool, bool]]:
    """Sockets of other programs: address, port, whether for IPv6 alone, whether it listens. Has a chance of its own."""
    chance = random.Random(f"conformance/holders/{seed}/{number}")
    if chance.random() < 0.8:
        return []
    four = [address for address in host.up if ":" not in address]
    places = ["::", "::", "0.0.0.0", *host.up, *(f"::ffff:{address}" for address in four)]
    ports = (25, 25, 465, 587, 2525, 2525, 10025)
    return [
        (chance.choice(places), chance.choice(ports), chance.random() < 0.3, chance.random() < 0.85)
        for _holder in range(chance.choice((1, 2)))
    ]


def passing(seed: int, number: int, host: Host) -> dict[str, list[str]]:
    """The host's interfaces, sometimes with addresses that will not stay; by a chance of its own."""
    chance = random.Random(f"conformance/lifetimes/{seed}/{number}")
    interfaces = {name: list(listed) for name, listed in host.interfaces.items()}
    if chance.random() < 0.85:
        return interfaces
    for name in ("vA", "vD"):
        for at, address in enumerate(interfaces[name]):
            if address not in host.tentative and chance.random() < 0.5:
                lifetimes = ("valid_lft 3600 preferred_lft 1800", "valid_lft 3600 preferred_lft 0", "preferred_lft 0")
                interfaces[name][at] = f"{address} {chance.choice(lifetimes)}"
    if any(":" in address for address in interfaces["lo"]):  # the kernel makes a temporary one for it
        interfaces["vD"].append("2001:db8:3::1/64 mngtmpaddr valid_lft 7200 preferred_lft 3600")
    return interfaces


def bindings(host: Host, programs: tuple[str, ...], share: float) -> list[tuple[str, str]]:
    """Settings of the clients' source addresses."""
    chance = host.chance
    found = []
    for program in programs:
        for six in ("", "6"):
            if chance.random() < share:
                found.append((f"{program}_bind_address{six}", _source(host, six)))
        if chance.random() < share:
            found.append((f"{program}_bind_address_enforce", chance.choice(("yes", "yes", "no", "Yes", "", "true"))))
    return found


def _source(host: Host, six: str) -> str:
    chance = host.chance
    form = chance.random()
    fitting = [address for address in host.all if (":" in address) == bool(six)] or ["10.77.0.1"]
    if form < 0.6:
        return chance.choice(fitting)
    if form < 0.7:
        return host.spelt(chance.choice(fitting))
    if form < 0.76:
        return "::" if six else "0.0.0.0"
    if form < 0.8:
        return ""
    if form < 0.88:
        return chance.choice(_ABSENT)
    if form < 0.92:
        return host.some()
    return chance.choice(
        ("one.lab.test", "10.77.0.1, 10.77.0.2", "[10.77.0.1", "[]", "$vl", "all", "::ffff:10.77.0.1", "010.077.0.1")
    )


def endpoint(host: Host) -> str:
    chance = host.chance
    port = chance.choice(_PORTS) if chance.random() < 0.98 else chance.choice(_ODD_PORTS)
    form = chance.random()
    if form < 0.4:
        return port
    if form < 0.45:
        return f":{port}"
    if form < 0.7:
        address = host.some()
        text = chance.choice((address, f"[{address}]", f"[{address.upper()}]"))
        return f"{text}:{port}"
    if form < 0.76:
        return f"{chance.choice(('0.0.0.0', '[0.0.0.0]', '[::]', '::', '127.0.0.1', '[::1]', '127.0.0.9'))}:{port}"
    if form < 0.8:
        return f"[{chance.choice(('ipv6', 'IPv6'))}:{chance.choice(('fd77::1', '::1', '::'))}]:{port}"
    if form < 0.97:
        return f"{host.named()}:{port}"
    return f"{chance.choice(_WRONG if chance.random() < 0.7 else _ABSENT)}:{port}"


def server_lines(host: Host) -> list[str]:
    chance = host.chance
    lines = []
    for _service in range(chance.choice((0, 1, 1, 2, 2, 3, 4))):
        fields = _SMTPD
        if chance.random() < 0.03:
            fields = chance.choice(
                ("- - n - - smtpd", "y - n - - smtpd", "n - n 60? 5 smtpd", "n - n x - smtpd", "n - n - smtpd")
            )
        options = chance.choice(
            ("", "", " -o smtpd_banner=x", " -o inet_interfaces=10.77.0.1", " -o { smtpd_banner = a b }", " -v")
        )
        kind = "inet" if chance.random() < 0.99 else chance.choice(("INET", "tcp"))
        lines.append(f"{endpoint(host)} {kind} {fields}{options}")
    return lines


def client_lines(host: Host) -> list[str]:
    """More client services, and others instead of the stock ones."""
    chance = host.chance
    lines = []
    for _service in range(chance.choice((0, 1, 1, 2))):
        program = chance.choice(("smtp", "smtp", "lmtp"))
        name = chance.choice(("alt", "out", program))
        options = [
            f"-o {option}={value}" for option, value in bindings(host, (program,), 0.45) if not re.search(r"\s", value)
        ]
        if chance.random() < 0.25:
            options.append(
                "-o inet_interfaces=" + chance.choice(("all", "loopback-only", host.some(), "10.77.0.99", ""))
            )
        if chance.random() < 0.2:
            options.append("-o inet_protocols=" + chance.choice(("all", "ipv4", "ipv6", "bogus")))
        if chance.random() < 0.06:
            options.append(
                chance.choice(("-o smtp_bind_address =10.77.0.1", "# x", "-osmtp_bind_address=10.77.0.1", "-v", "-o"))
            )
        if chance.random() < 0.1:
            options.append(f"-o {{ {program}_bind_address = {host.some()} }}")
        lines.append(" ".join([f"{name} unix - - n - - {program}", *options]))
    return lines


def text_of(main: dict[str, str]) -> str:
    """The settings as main.cf."""
    return "".join(f"{name} = {value}\n" for name, value in main.items())


def _after(host: Host, main: dict[str, str], servers: list[str]) -> dict[str, str]:
    """The same files with some changes, so that a reload has something to do."""
    chance = host.chance
    main, servers = dict(main), list(servers)
    for _change in range(chance.choice((1, 1, 2))):
        form = chance.random()
        if form < 0.25:
            main["inet_interfaces"] = chance.choice(
                ("all", "loopback-only", host.some(), f"{host.some()} {host.some()}")
            )
        elif form < 0.35:
            main["inet_protocols"] = chance.choice(("all", "ipv4", "ipv6", "ipv4, ipv6"))
        elif form < 0.5 or not servers:
            servers.insert(chance.randint(0, len(servers)), f"{endpoint(host)} inet {_SMTPD}")
        elif form < 0.6:
            servers.pop(chance.randrange(len(servers)))
        elif form < 0.8:
            at = chance.randrange(len(servers))
            name, rest = servers[at].split(" ", 1)
            servers[at] = f"{_other_endpoint(host, name)} {rest}"
        elif form < 0.88:
            main["master_service_disable"] = chance.choice(("", "inet", "2525/inet", "smtp/inet"))
        elif form < 0.94:
            main["smtp_bind_address"] = host.some()
        else:
            chance.shuffle(servers)
    return {"main": text_of(main), "master": "".join(f"{line}\n" for line in servers)}


def _other_endpoint(host: Host, name: str) -> str:
    """Another spelling of an endpoint, or another place for the same port."""
    chance = host.chance
    front, colon, port = name.rpartition(":")
    port = (
        {"smtp": "25", "25": "smtp", "submission": "587", "2525": "02525"}.get(port, port)
        if chance.random() < 0.4
        else port
    )
    if chance.random() < 0.5:
        return f"{front}{colon}{port}"
    return chance.choice((port, f":{port}", f"[{host.some()}]:{port}", f"0.0.0.0:{port}", f"one.lab.test:{port}"))


def _programs(chance: random.Random) -> tuple[dict[str, str], list[str]]:
    """Services that run any of Postfix's programs, by name, with words that some of them take; and their entries."""
    programs, lines = {}, []
    for number, program in enumerate(chance.sample(sorted(_PROGRAMS), 6)):
        name, limit = f"p{number}", _PROGRAMS[program]
        kind = "unix-dgram" if program == "postlogd" else "unix"
        options = chance.choice(("", "", "-o syslog_level=x", "-o { syslog_level = x y }", *_DAEMON_OPTIONS))
        arguments = chance.choice(("", "", *_ARGUMENTS))
        private = "y" if program == "pipe" else "n"
        programs[name] = program
        lines.append(f"{name} {kind} {private} n n - {limit} {program} {options} {arguments}".rstrip())
    return programs, lines


def task(seed: int, number: int) -> dict[str, Any]:
    """The host and the configuration of a number."""
    chance = random.Random(f"conformance/{seed}/{number}")
    host = Host(chance)
    main, servers = {**main_settings(host), **other_values(seed, number)}, server_lines(host)
    form = chance.random()
    found: dict[str, Any] = {
        "id": f"{seed}/{number}",
        "interfaces": passing(seed, number, host),
        "tentative": host.tentative,
        "down": host.down,
        "names": host.names,
        "main": text_of(main),
        "patience": 0.8,
    }
    if form < 0.35:
        clients = client_lines(host)
        transports = ["smtp", "lmtp", *(line.split()[0] for line in clients)]
        places = [*SINKS, *SINKS, "127.0.0.1", "::1", *host.up]
        found["send"] = [(chance.choice(transports), chance.choice(places)) for _mail in range(4)]
        servers += clients
    elif form < 0.4:
        found["literals"] = [
            chance.choice((host.some(), "203.0.113.5", "2001:db8::5", "10.77.0.99")) for _mail in range(3)
        ]
        found["literals"] = list(dict.fromkeys(found["literals"]))
        main.pop("master_service_disable", None)
        found["main"] = text_of(main)
    elif form < 0.7:
        found["after"] = _after(host, main, servers)
    words = random.Random(f"conformance/words/{seed}/{number}")  # beside: the rest of a case stays what it was
    if "send" in found and words.random() < 0.5:
        program = words.choice(("smtp", "lmtp"))
        servers.append(f"words unix - - n - - {program} {words.choice(_CLIENT_WORDS)}")
        found["send"].append(("words", words.choice(places)))
    elif form >= 0.7 and words.random() < 0.3:
        found["programs"], entries = _programs(words)
        servers += entries
        main.pop("master_service_disable", None)
        found["main"] = text_of(main)
    if form >= 0.7:
        found["holders"] = holders(seed, number, host)
    if form >= 0.7 and servers and words.random() < 0.2:  # it listens all the same
        servers[0] += words.choice((" -o smtpd_banner=a, b -o c=d", " -o a = b", " word", "\n  -o a=b,\n  c"))
    lines = [text for line in servers for text in (*words.sample(_COMMENTS, words.choice((0, 0, 1, 2))), line)]
    found["master"] = "".join(f"{line}\n" for line in lines)
    return found
