# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases in cases/ as tasks for a real Postfix.

The unit tests hold the rules against what the cases say of the versions that they were observed on; here the rules are
held against a real Postfix of any version. What is left out says why.
"""

from __future__ import annotations

from typing import Any

from .reader import LINK_LOCAL, cases, load

#: what a change can be made of here: main.cf and master.cf; not a host's addresses, DNS, or a second instance
_CHANGE = {
    "inet_interfaces",
    "inet_protocols",
    "proxy_interfaces",
    "smtp_bind_address",
    "smtp_bind_address6",
    "master_service_disable",
    "master",
}


def tasks() -> list[dict[str, Any]]:
    """All of them."""
    found = [_plain(case) for name in ("own_addresses", "endpoints") for case in cases(name)]
    for case in cases("sources"):
        sends = [(seen["transport"], seen["to"]) for seen in case.observed["sources"]]
        found.append({**_plain(case), "send": sends})
    # Mail to a domain is left out: it needs DNS, and the rules say nothing of loops.
    for case in cases("loops"):
        literal = case.observed["recipient"].partition("@[")[2].rstrip("]").replace("IPv6:", "")
        if literal and case.observed["agent"] != "smtp":
            found.append({**_plain(case), "literals": [literal]})
    return found + _order() + _changes() + _expansions() + _values()


def _task(
    name: str, interfaces: dict[str, list[str]], names: dict[str, list[str]], main: str, master: str
) -> dict[str, Any]:
    # the interface beside lo is vA here, whatever it is called
    placed: dict[str, list[str]] = {"lo": interfaces.get("lo", [])}
    placed["vA"] = [address for key, listed in interfaces.items() if key not in ("lo", "vD") for address in listed]
    placed["vD"] = interfaces.get("vD", [])
    return {"id": name, "interfaces": placed, "names": names, "main": main, "master": master, "patience": 0.8}


def _plain(case: Any) -> dict[str, Any]:
    host = load("hosts")["hosts"][case.observed["host"]]
    return _task(case.id, host["interfaces"], case.names, case.main, case.master)


def _order() -> list[dict[str, Any]]:
    content = load("order")
    lo = [address for address in content["addresses"] if address.startswith(("127.", "::1/"))]
    interfaces = {"lo": lo, "vA": [address for address in content["addresses"] if address not in lo]}
    return [_task(case["id"], interfaces, {}, _lines(case["main"]), "") for case in content["cases"]]


def _changes() -> list[dict[str, Any]]:
    surroundings, found = load("hosts", LINK_LOCAL), []
    for case in load("changes", LINK_LOCAL)["cases"]:
        before, after = case["before"], case["after"]
        if not {*before, *after} <= _CHANGE:
            continue
        files = [
            {
                "main": _lines({name: value for name, value in state.items() if name != "master"}),
                "master": "".join(f"{line}\n" for line in state.get("master", [])),
            }
            for state in (before, after)
        ]
        interfaces = surroundings["hosts"][case["host"]]["interfaces"]
        task = _task(case["id"], interfaces, surroundings["names"], files[0]["main"], files[0]["master"])
        found.append({**task, "after": files[1]})
    return found


def _expansions() -> list[dict[str, Any]]:
    content = load("expansions")
    texts = [text for text, _value in content["values"]] + content["dies"]
    defined = {"va": "10.0.0.1", "vb": "$va b", "vc": "7", "ve": ""}
    interfaces = {"lo": ["127.0.0.1/8"]}
    found = []
    for number, text in enumerate(texts):
        task = _task(f"EX-{number}", interfaces, {}, _lines({**defined, "smtpd_banner": text}), "")
        found.append({**task, "expand": "smtpd_banner"})
    return found


def _values() -> list[dict[str, Any]]:
    content = load("values")
    interfaces = {"lo": ["127.0.0.1/8"]}
    return [
        _task(f"VA-{number}", interfaces, {}, _lines({"myhostname": "host.lab.test", **case["main"]}), "")
        for number, case in enumerate([*content["dies"], *content["lives"]])
        if "mynetworks" not in case["main"]  # real.py sees the own addresses in its default
    ]


def _lines(main: dict[str, str]) -> str:
    return "".join(f"{name} = {value}\n" for name, value in main.items())
