# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of the module as fleets of any size return them: what the core says of such hosts, healthy and not.

By hand: PYTHONPATH=.venv/collections python tests/unit/plugins/plugin_utils/report_sample.py 40 build/report.html
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.effective_view import effective_view
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.survey import claims
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import findings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.named_sources import NamedSource
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._input import read_input
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.inventory import Held
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.read import read_records
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._records.world import World, world_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.page import as_html
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import HostResult, Record, records_of
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import Report, printable
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.report import report_of as report_of_records

OWN = {"mynetworks": "127.0.0.0/8, [::1]/128", "smtp_bind_address_enforce": "yes"}
TIME = datetime(2026, 11, 29, 4, 15, tzinfo=timezone.utc)
SITES = ("canary", "ams", "fra", "lhr", "sin")
MASTER = """\
smtp inet n - y - - smtpd
smtp unix - - y - - smtp
relay unix - - y - - smtp
lmtp unix - - y - - lmtp
"""


def addresses_of(*listed: tuple[str, str], **flags: Any) -> list[dict[str, Any]]:
    """Addresses as the module returns them, from pairs of interface and address with its prefix length."""
    usual = {"up": True, "tentative": False, "primary": True, "temporary": False, "deprecated": False, "dynamic": False}
    local = [("lo", "127.0.0.1/8"), ("lo", "::1/128")]
    found = []
    for interface, text in [*local, *listed]:
        address, _slash, length = text.partition("/")
        found.append({"address": address, "prefix_length": int(length), "interface": interface, **usual, **flags})
    return found


def view_of(settings: Mapping[str, str], addresses: Sequence[Mapping[str, Any]], master: str = MASTER) -> Any:
    """The effective view of a configuration on a host."""
    return effective_view(read_input(dict(settings), list(addresses), master, "3.7", None))


def part_of(
    settings: Mapping[str, str],
    addresses: Sequence[Mapping[str, Any]],
    master: str = MASTER,
    *,
    found: Mapping[str, str] | None = None,
    stopped: bool = False,
    name: str = "-",
) -> dict[str, Any]:
    """The result for one instance in check mode.

    :param settings: what the inventory says
    :param found: what main.cf says; by default the same
    """
    outlook = read_input(dict(settings), list(addresses), master, "3.7", None)
    after, after_findings = effective_view(outlook), [finding._asdict() for finding in findings(outlook)]
    before = after if found is None else view_of(found, addresses, master)
    directory = "/etc/postfix" if name == "-" else f"/etc/{name}"
    sockets = [
        {"address": one["address"], "port": one["port"], "state": "listening"} for one in after["listeners"] or ()
    ]
    action = "start" if stopped else "restart" if before["listeners"] != after["listeners"] else "none"
    if action == "none" and before != after:
        action = "reload"
    reasons = (
        [] if action == "none" else [{"parameter": "inet_interfaces", "action": action, "before": "", "after": ""}]
    )
    for reason in reasons:
        reason["why"] = "the master is stopped" if stopped else "the master opens its sockets only when it starts"
    return {
        "changed": action != "none" or before != after,
        "config_directory": directory,
        "instance": name,
        "files": [f"{directory}/main.cf"] if before != after else [],
        "action": action,
        "reasons": reasons,
        "before": before,
        "after": after,
        "findings": after_findings,
        "sockets": sockets,
        "claims": claims(outlook),
        "in_sync": action == "none",
        "unit": "postfix@-.service" if name == "-" else f"postfix@{name}.service",
    }


def _held(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The sockets that its master has now."""
    listeners = (part.get("before") or {}).get("listeners") or ()
    return [{"address": listener["address"], "port": listener["port"]} for listener in listeners]


def result_of(addresses: Sequence[Mapping[str, Any]], *parts: Mapping[str, Any], **survey: Any) -> dict[str, Any]:
    """The result of the module for a host."""
    listed = [
        {
            "instance": part["instance"],
            "config_directory": part["config_directory"],
            "sockets": None if part.get("action") == "start" else _held(part),
        }
        for part in parts
    ]
    whole = {"addresses": list(addresses), "version": "3.7.11", "instances": listed, "masters": [], **survey}
    return {"changed": any(part["changed"] for part in parts), "instances": list(parts), "survey": whole}


@lru_cache(maxsize=64)
def template(kind: str, defect: str) -> dict[str, Any]:
    """A host of a kind with a defect; its addresses are those of host number 0."""
    if kind == "relay":
        own = addresses_of(("ens3", "10.20.0.10/16"), ("ens4", "203.0.113.10/24"), ("ens4", "2001:db8:20::10/64"))
        inner = part_of(
            {"inet_interfaces": "127.0.0.1, ::1, 10.20.0.10", "smtp_bind_address": "10.20.0.10", **OWN},
            own,
            stopped=defect == "stopped",
        )
        outer = {"inet_interfaces": "203.0.113.10, 2001:db8:20::10", **OWN}
        wanted = {**outer, "smtp_bind_address": "203.0.113.10", "smtp_bind_address6": "2001:db8:20::10"}
        master = MASTER.replace("smtp inet", "25 inet").replace("smtpd\n", "smtpd\n587 inet n - y - - smtpd\n")
        there = {**outer, "smtp_bind_address": "10.20.0.10"} if defect == "edited" else None
        return result_of(own, inner, part_of(wanted, own, master, found=there, name="postfix-out"))
    if kind == "hosting":
        own = addresses_of(
            *(("eth0", f"198.51.100.{number}/24") for number in range(10, 26)), ("eth0", "2001:db8:30::10/64")
        )
        clients = "".join(
            f"out{number} unix - - y - - smtp -o smtp_bind_address=198.51.100.{number}\n" for number in (11, 12, 13)
        )
        wanted = {
            "inet_interfaces": "127.0.0.1, ::1, 198.51.100.10, 198.51.100.11, 198.51.100.12, 2001:db8:30::10",
            **OWN,
        }
        wanted.update(smtp_bind_address="198.51.100.10", smtp_bind_address6="2001:db8:30::10")
        there = {"inet_interfaces": "all", **OWN} if defect == "edited" else None
        part = part_of(wanted, own, MASTER + clients, found=there, stopped=defect == "stopped")
        return result_of(own, part)
    own = addresses_of(("eth0", "192.0.2.10/24"), ("eth0", "2001:db8:10::10/64"), ("eth1", "10.20.0.10/24"))
    wanted = {
        "inet_interfaces": "all",
        "smtp_bind_address": "192.0.2.10",
        "smtp_bind_address6": "2001:db8:10::10",
        **OWN,
    }
    master = MASTER + "submission inet n - y - - smtpd\n192.0.2.10:submissions inet n - y - - smtpd\n"
    there = (
        {"inet_interfaces": "loopback-only", "smtp_bind_address": "10.20.0.10", **OWN} if defect == "edited" else None
    )
    if defect == "finding":
        wanted = {"inet_interfaces": "all", "smtp_bind_address": "127.0.0.1"}
    return result_of(own, part_of(wanted, own, master, found=there, stopped=defect == "stopped"))


def _moved(value: Any, number: int) -> Any:
    """The same, on host number N: the last part of each address but loopback grows by it."""
    if isinstance(value, dict):
        return {key: _moved(each, number) for key, each in value.items()}
    if isinstance(value, list):
        return [_moved(each, number) for each in value]
    if isinstance(value, str) and number:
        high, low = divmod(number, 200)
        for old, new in (("192.0.2.", "185"), ("203.0.113.", "193"), ("198.51.100.", "212")):
            value = value.replace(old, f"{new}.{high}.{low}.")
        return value.replace("10.20.0.", f"10.{high + 100}.{low}.").replace("2001:db8:", f"2001:db8:{number:x}:")
    return value


def fleet(count: int, defects: bool = True) -> Iterator[HostResult]:
    """So many hosts of three kinds in five groups; the defects recur, rarer in larger fleets."""
    kinds = ("mx", "relay", "hosting")
    rate = 1 if count < 100 else 4
    for number in range(count):
        kind, site = kinds[number % 3], SITES[0] if number < 2 else SITES[1 + number % 4]
        name = f"{kind}{number + 1}.{site}.example.net"
        ill = number % (5 * rate) if defects and number > 1 else 0
        defect = {2: "edited", 3: "stopped" if number % 2 else "", 4: "finding" if kind == "mx" else ""}.get(ill, "")
        result = _moved(template(kind, defect), number)
        if defects and number % (11 * rate) == 7:
            result = {
                "unreachable": True,
                "msg": f"Failed to connect to the host via ssh: connect to host {name} port 22: No route to host",
            }
        elif defects and number % (13 * rate) == 9:
            absent = f"198.18.{number % 200}.99"
            refusal = {
                "parameter": "smtp_bind_address",
                "value": absent,
                "reason": "is not an address of the host",
                "remedy": "Use an address of the host, or allow_absent_addresses if it comes later",
            }
            message = "{parameter}: '{value}' {reason}. {remedy}.".format(**refusal)
            result = {"failed": True, "msg": message, **refusal, "survey": result["survey"]}
        elif defects and number == 12:
            stray = {
                "pid": 4711,
                "config_directory": "/etc/postfix-old",
                "sockets": [{"address": "0.0.0.0", "port": 2525}],
            }
            result["survey"] = {**result["survey"], "masters": [stray]}
        if "survey" in result:
            result["survey"] = {**result["survey"], "seconds": 0.4 + number % 7 / 10}
        yield HostResult(name, site, result)


def world(instances: Sequence[Mapping[str, Any]]) -> World:
    """What the world sees of the first address that each mx sends from: every third one has something wrong."""
    held, ptr, addresses, verdicts = [], {}, {}, {}
    for number, record in enumerate(record for record in instances if record["host"].startswith("mx")):
        address = next((each["address"] for each in record["claims"]["sources"]), None)
        if address is None or record["instance"] != "-":
            continue
        helo = record["host"].replace(".example", "-out.example")
        state = "draining" if number % 5 == 4 else "active"
        held.append(Held(record["host"], "-", None, NamedSource("out1", address=address, helo=helo, state=state)))
        ptr[address] = [] if number % 6 == 1 else [record["host"] if number % 3 == 2 else helo]
        addresses[helo] = ["198.51.100.7"] if number % 6 == 4 else [address]
        addresses[record["host"]] = [address]
        passes = {"result": "pass", "why": "matches ip4:192.0.2.0/24"}
        verdicts[address] = {"result": "softfail", "why": "matches ~all"} if number % 6 == 3 else passes
    spf = {"example.net": {"record": "v=spf1 ip4:192.0.2.0/24 ~all", "results": verdicts}}
    errors = ["news.example.net (TXT): SERVFAIL"]
    known = {"asked_at": "2026-11-29T04:10:00Z", "ptr": ptr, "addresses": addresses, "spf": spf, "errors": errors}
    return world_of(held, read_records(known), ["example.net"], instances)


def make_report(
    kind: str,
    hosts: Sequence[HostResult],
    check_mode: bool,
    fail_on: str = "error",
    time: datetime | None = None,
    look: Callable[[Sequence[Record]], World] | None = None,
) -> Report:
    """The report of a run over hosts that have returned these results."""
    records = [printable(record) for record in records_of(hosts, check_mode)]
    return report_of_records(records, kind, fail_on, time, look)


def report_of(count: int, seen: bool = True, **more: Any) -> Report:
    """The report of an audit of such a fleet."""
    hosts = list(fleet(count, **more))
    return make_report("audit", hosts, check_mode=True, time=TIME, look=world if seen else None)


if __name__ == "__main__":
    path = Path(sys.argv[2])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_html(report_of(int(sys.argv[1]))), encoding="utf-8")
