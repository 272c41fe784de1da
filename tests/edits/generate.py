# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts in some state with what is wanted of them, by number: files, links, what runs, and the options of the module.

A case is a mapping of JSON. ``interfaces``, ``tentative``, ``down``, ``names`` and ``holders`` are those of
:mod:`tests.conformance.generate`; ``files`` are both texts before the edit; ``earlier`` are those that Postfix was
started by, and ``since`` says what happened then; ``links`` says what is a link; ``options`` are the module's.
"""

from __future__ import annotations

import random
from typing import Any

from ..conformance import generate as hosts
from ..conformance.generate import Host, text_of
from ..conformance.real import MASTER
from ..conformance.room import HOSTNAME
from ..differential.generate import files as nasty_files

BASE = """\
compatibility_level = 2
myhostname = host.lab.test
mydomain = lab.test
mydestination =
alias_maps =
"""
_MASTER = f"""\
{MASTER}relay unix - - n - - smtp
anvil unix - - n - 1 anvil
verify unix - - n - 1 verify
dnsblog unix - - n - 0 dnsblog
tlsproxy unix - - n - 0 tlsproxy
"""
#: what has happened since Postfix was started by the earlier files
SINCE = (
    *("nothing", "nothing", "nothing"),
    *("edited", "edited", "applied and edited", "applied and edited"),
    *("edited and reloaded", "applied, edited and reloaded"),
    *("edited by us", "applied and edited by us", "edited by us and restarted"),
    *("interrupted", "stopped", "stopped", "never started"),
)
# fmt: off
_SERVERS = ["smtpd", "smtpd", "smtpd", "smtpd -v", "postscreen", "qmqpd"]
_COMMANDS = [
    *_SERVERS, "smtp", "lmtp", "smtp flags=DORX", "smtp flags=Z", "lmtp flags=R -o", "smtpd word", "smtpd # x", "pipe",
    "pipe flags=R user=nobody argv=/bin/true ${recipient}", "spawn user=nobody {argv=/bin/cat a}", "smtpd -o a=b", "",
    "/usr/bin/x", "smtpd\nx",
]
_OPTIONS = [
    ("smtpd_banner", "a b"), ("smtpd_banner", "$myhostname ESMTP"), ("syslog_name", "postfix/$service_name"),
    ("smtpd_recipient_restrictions", "permit_sasl_authenticated, reject"), ("content_filter", ""),
    ("smtpd_tls_wrappermode", True), ("smtp_connect_timeout", 5), ("inet_interfaces", "all"), ("bad name", "x"),
    ("smtp_bind_addres", "10.77.0.1"), ("smtpd_upstream_proxy_protocol", "haproxy"), ("a", "{b"), ("b", "c\nd = e"),
    ("smtp_bind_address", None), ("smtp_bind_address6", None), ("lmtp_bind_address", None), ("inet_protocols", "ipv4"),
]
_SELECTORS = [
    "loopback", "global", "primary", "interface:vA", "interface:vD", "interface:eth9", "10.77.0.0/24", "fd77::/64",
    "192.0.2.0/24", "2001:db8::/32", "!loopback", "!10.77.0.2", "10.0.0.0/8", "0.0.0.0/0", "::/0", "nonsense",
]
_EMPTY = ["", [], "$myhostname", "all", ["all"], "loopback-only", "127.0.0.1, [::1]", ["127.0.0.1", "::1"]]
_GOOD_VALUES = [
    ("inet_protocols", ["all", "ipv4, ipv6", ["ipv6", "ipv4"]]), ("proxy_interfaces", ["203.0.113.5", []]),
    ("smtp_bind_address", ["0.0.0.0", ""]), ("smtp_bind_address6", ["::", ""]), ("lmtp_bind_address", ["127.0.0.1"]),
    ("smtp_bind_address_enforce", [True, False]), ("master_service_disable", [[], "2525/inet"]),
]
_COMMENTS = [
    "# BEGIN ANSIBLE MANAGED BLOCK", "# END ANSIBLE MANAGED BLOCK", "### START of it ###", "### END of it ###", "",
    "# mailfleet.postfix disabled the next line\n#2525 inet n - n - 1 smtpd", "    #-o a=b", "# prose", "\t#",
]
# fmt: on


def case(seed: int, number: int) -> dict[str, Any]:
    """The host and the edit of a number."""
    chance = random.Random(f"edits/{seed}/{number}")
    host = Host(chance)
    nasty, wild = chance.random() < 0.06, chance.random() < 0.35
    files = _nasty(seed, number) if nasty else _files(chance, host, wild)
    names = random.Random(f"edits/names/{seed}/{number}")
    if wild and names.random() < 0.15:  # of most of which Postfix dies
        main = files["main"].rstrip("\r\n")
        files = {**files, "main": f"{main}\nmyhostname = {names.choice(hosts.NAMES)}\n"}
    since = "never started" if nasty else chance.choice(SINCE)
    found = {
        "id": f"{seed}/{number}",
        "interfaces": hosts.passing(seed, number, host),
        "tentative": host.tentative,
        "down": host.down,
        "names": host.names,
        "holders": hosts.holders(seed, number, host) if chance.random() < 0.3 else [],
        "files": files,
        "earlier": files if since == "nothing" or chance.random() < 0.15 else _good_files(chance, host),
        "since": since,
        "links": _links(chance),
        "options": (_options if wild or nasty else _good_options)(chance, host, files["master"]),
    }
    if nasty:
        found["options"].pop("apply", None)
    return found


def _files(chance: random.Random, host: Host, wild: bool) -> dict[str, str]:
    main, servers = hosts.main_settings(host), hosts.server_lines(host)
    if not wild:
        main, servers = _quiet(chance, host), [line for line in servers if chance.random() < 0.15]
        servers += ["smtp inet n - n - - smtpd"] if chance.random() < 0.7 else []
    elif chance.random() < 0.6:  # else most hosts would be broken already
        main, servers = _quiet(chance, host), [line for line in servers if chance.random() < 0.4]
        servers += ["smtp inet n - n - - smtpd"] if chance.random() < 0.5 else []
    if chance.random() < (0.4 if wild else 0.1):
        servers += hosts.client_lines(host)
    if wild and chance.random() < 0.1:
        main.update(hosts.other_values(chance.randrange(1000), chance.randrange(1000)))
    if "unix" in main.get("master_service_disable", ""):  # nothing works then that Postfix needs
        del main["master_service_disable"]
    lines = BASE.splitlines() + text_of({name: main[name] for name in main if name not in ("mydomain",)}).split("\n")
    services = _MASTER.splitlines()
    twins = [f"#{line}" for line in servers if chance.random() < 0.3]
    for line in [*servers, *twins]:
        services.insert(chance.randint(0, len(services)), line)
    return {"main": _laid_out(chance, lines), "master": _laid_out(chance, services)}


def _quiet(chance: random.Random, host: Host) -> dict[str, str]:
    """Settings by which Postfix runs."""
    some = f"{host.some()}, {host.some()}"
    main = {"va": "1", "ve": "", "vh": HOSTNAME, "inet_interfaces": chance.choice(("all", "loopback-only", some))}
    if chance.random() < 0.3:
        main["inet_protocols"] = chance.choice(("all", "ipv4", "ipv4, ipv6"))
    if chance.random() < 0.3:
        main["mynetworks"] = "127.0.0.0/8 [::1]/128"
    return main


def _good_files(chance: random.Random, host: Host) -> dict[str, str]:
    """Files by which Postfix runs, as a rule."""
    places = [f"[{host.some()}]:{port} inet n - n - - smtpd" for port in ("2525", "587", "25")]
    servers = chance.sample(["smtp inet n - n - - smtpd", "2525 inet n - n - - smtpd", *places], chance.choice((1, 2)))
    return {
        "main": BASE + text_of(_quiet(chance, host)),
        "master": _MASTER + "".join(f"{line}\n" for line in servers),
    }


def _nasty(seed: int, number: int) -> dict[str, str]:
    main, master = nasty_files(seed, number)
    return {"main": main, "master": master}


def _laid_out(chance: random.Random, lines: list[str]) -> str:
    """The lines as people and programs leave them."""
    found: list[str] = []
    for line in lines:
        while chance.random() < 0.06:
            found += chance.choice(_COMMENTS).split("\n")
        found.append(line)
    newline = "\r\n" if chance.random() < 0.06 else "\n"
    text = newline.join(line for line in found if line or chance.random() < 0.5)
    if chance.random() < 0.05:
        text += f"{newline}# \udcff"
    return text + (newline if chance.random() < 0.85 else "")


def _links(chance: random.Random) -> dict[str, str]:
    """What is a link, and how it says where to; ``mode`` is that of main.cf."""
    found = {}
    for name in ("directory", "main.cf", "master.cf"):
        if chance.random() < 0.1:
            found[name] = chance.choice(("absolute", "relative", "twice"))
    if chance.random() < 0.1:
        found["mode"] = chance.choice(("0600", "0640", "0664"))
    return found


def _good_options(chance: random.Random, host: Host, master: str) -> dict[str, Any]:
    """What Postfix can run by, as a rule."""
    options: dict[str, Any] = {"timeout": 120}
    some = list(dict.fromkeys(host.some() for _address in range(chance.choice((1, 2, 3)))))
    if chance.random() < 0.5:
        options["inet_interfaces"] = chance.choice(("all", "loopback-only", some, ", ".join(some), some[:1]))
    elif chance.random() < 0.3:
        options["select"] = {
            "inet_interfaces": chance.sample(["loopback", "primary", "interface:vA", "127.0.0.0/8"], 2)
        }
    for name, values in _GOOD_VALUES:
        if chance.random() < 0.1:
            options[name] = chance.choice(values)
    if chance.random() < 0.2:
        options["unset"] = [name for name in chance.sample(hosts_parameters(), 2) if name not in options]
        options["unset"] = [name for name in options["unset"] if name not in options.get("select", ())]
    if chance.random() < 0.7:
        options["services"] = [_good_service(chance, host, master) for _service_ in range(chance.choice((1, 1, 2)))]
    if chance.random() < 0.1:
        options["unlisted_services"] = chance.choice(("report", "disable"))
    for name, share in (("allow_no_listener", 0.7), ("apply", 0.6), ("backup", 0.04)):
        if chance.random() < share:
            options[name] = True
    return options


def _good_service(chance: random.Random, host: Host, master: str) -> dict[str, Any]:
    there = [line.split()[0] for line in master.splitlines() if line[:1] not in "# \t" and " inet " in line]
    place = chance.choice(("2525", "587", "10026", f"[{host.some()}]:2525", f"[{host.some()}]:25"))
    name = chance.choice(there) if there and chance.random() < 0.5 else place
    service: dict[str, Any] = {"name": name, "command": "smtpd"}
    if chance.random() < 0.3:
        return {"name": name, "state": chance.choice(("absent", "disabled"))}
    if chance.random() < 0.25:
        options = {"smtp_bind_address": "0.0.0.0", "syslog_name": "postfix/out"}
        service = {"name": chance.choice(("out", "smtp")), "type": "unix", "command": "smtp", "options": options}
    elif chance.random() < 0.5:
        service["options"] = dict(chance.sample(_OPTIONS[:6], 1))
    if chance.random() < 0.2:
        service["process_limit"] = chance.choice(("5", "-"))
    return service


def _options(chance: random.Random, host: Host, master: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if chance.random() < 0.45:
        options["inet_interfaces"] = _addresses(chance, host)
    if chance.random() < 0.15:
        options["inet_protocols"] = chance.choice(("all", "ipv4", "ipv6", "ipv4, ipv6", ["ipv6", "ipv4"], "", "IPv4"))
    if chance.random() < 0.08:
        options["proxy_interfaces"] = chance.choice(("203.0.113.5", ["203.0.113.5", "2001:db8::5"], "", host.value()))
    if chance.random() < 0.2:
        options.update(hosts.bindings(host, ("smtp", "lmtp"), 0.3))
    if chance.random() < 0.06:
        options["master_service_disable"] = chance.choice(("inet", "2525/inet", [], "!smtp/inet, inet", "smtp.inet"))
    names = [*hosts_parameters(), "inet_interface", "mynetworks"]
    if chance.random() < 0.15:
        options["unset"] = chance.sample(names, chance.choice((1, 1, 2)))
    if chance.random() < 0.2:
        options["select"] = {
            chance.choice(names): chance.sample(_SELECTORS, chance.choice((1, 1, 2, 3)))
            for _parameter in range(chance.choice((1, 1, 2)))
        }
    if chance.random() < 0.65:
        options["services"] = [_service(chance, host, master) for _service_ in range(chance.choice((1, 1, 2, 3)))]
    if chance.random() < 0.15:
        options["unlisted_services"] = chance.choice(("report", "disable", "remove"))
    shares = {"allow_absent_addresses": 0.12, "allow_no_listener": 0.2, "apply": 0.55, "backup": 0.04}
    for name, share in shares.items():
        if chance.random() < share:
            options[name] = True
    options["timeout"] = 120  # a busy machine is no difference
    if chance.random() < 0.3:
        options["findings"] = chance.choice(("ignore", "fail"))
    if chance.random() < 0.03:
        options["mode"] = chance.choice(("0640", "u=rw,g=r,o="))
    return options


def hosts_parameters() -> list[str]:
    """The names of the parameters that are addresses, or tell of them."""
    return [
        "inet_interfaces", "inet_protocols", "proxy_interfaces", "smtp_bind_address", "smtp_bind_address6",
        "lmtp_bind_address", "smtp_bind_address_enforce",
    ]  # fmt: skip


def _addresses(chance: random.Random, host: Host) -> Any:
    form = chance.random()
    if form < 0.25:
        return chance.choice(_EMPTY)
    if form < 0.5:
        return list(dict.fromkeys(host.some() for _address in range(chance.choice((1, 1, 2, 3)))))
    return host.value(0.1)


def _service(chance: random.Random, host: Host, master: str) -> dict[str, Any]:
    """One entry of the option services: of a service that is there, or of another one."""
    there = [line.split()[:2] for line in master.splitlines() if line[:1] not in "# \t" and len(line.split()) > 7]
    form = chance.random()
    if form < 0.5 and there:
        name, kind = chance.choice(there)
    elif form < 0.85:
        name, kind = hosts.endpoint(host), "inet"
    else:
        name, kind = chance.choice(("out", "alt", "relay", "smtp", "lmtp", "new")), "unix"
    state = chance.choice(("present",) * 7 + ("absent", "disabled", "disabled"))
    service: dict[str, Any] = {"name": name, "state": state}
    if kind != "inet" or chance.random() < 0.2:
        service["type"] = kind
    if chance.random() < 0.7:
        good = _SERVERS if kind == "inet" else ["smtp", "lmtp"]
        service["command"] = chance.choice(good if chance.random() < 0.8 else _COMMANDS)
    for name, values in (("chroot", "yn-"), ("wakeup", ("-", "60", "x")), ("process_limit", ("-", "1", "5"))):
        if chance.random() < 0.12:
            service[name] = chance.choice(values)
    if chance.random() < 0.4:
        chosen = chance.sample(_OPTIONS, chance.choice((1, 1, 2)))
        service["options"] = {name: host.some() if value is None else value for name, value in chosen}
    if chance.random() < 0.2:
        service["unset_options"] = [name for name, _value in chance.sample(_OPTIONS, chance.choice((1, 2)))]
    return service
