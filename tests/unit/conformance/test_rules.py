# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules against everything that was observed on a real Postfix, on every version that it was observed on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.address import normal_form
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf import MasterCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf_edit import MasterCfEditor
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service import Service
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.configuration import Configuration, port_lookup
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.expansion import expand
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.findings.registry import findings
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.outlook import Outlook
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.own_addresses import own_addresses
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import parse_version
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.settings import Settings
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input, mapping_resolver
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._stock_services import STOCK_SERVICES
from ansible_collections.mailfleet.postfix.tests.conformance.reader import Case, cases, load

SERVICES_FILE = {"smtp": 25, "smtps": 465, "submission": 587, "urd": 465}


def per_version(name: str, chosen: Callable[[Case], bool] = lambda case: True) -> Any:
    """Return a parametrization: every case of a file on every version that it was observed on."""
    found = filter(chosen, cases(name))
    pairs = [pytest.param(case, version, id=f"{case.id}-{version}") for case in found for version in case.versions]
    assert pairs
    return pytest.mark.parametrize("case, version", pairs)


def broken(case: Case) -> bool:
    """Tell whether a file has lines that Postfix refuses whatever they are about."""
    problems = MainCf(case.main).problems() + MasterCfEditor(case.master).problems()
    return any(problem.severity == "error" for problem in problems)


def outlook_of(case: Case, version: str, *services: Service) -> Outlook:
    settings = Settings(MainCf(case.main).values(), parse_version(version), "host.lab.test")
    ports = port_lookup(settings, SERVICES_FILE.get)
    configuration = Configuration(settings, [*services, *MasterCf(case.master, ports).services()], ports)
    return Outlook(configuration, host_from_input(case.addresses), mapping_resolver(case.names))


def sockets_of(case: Case, version: str) -> list[str]:
    return sorted(str(listener.socket) for listener in outlook_of(case, version).listeners)


@per_version("own_addresses")
def test_own_addresses(case: Case, version: str) -> None:
    def own() -> list[str]:
        return sorted(map(normal_form, outlook_of(case, version).own_addresses))

    if case.observed.get("dies") == "every program" and not broken(case):
        with pytest.raises(InputError):
            own()
    elif "own" in case.observed:
        assert own() == sorted(case.observed["own"])


@per_version("own_addresses")
def test_sockets_by_inet_interfaces(case: Case, version: str) -> None:
    check_sockets(case, version)


@per_version("endpoints")
def test_sockets_by_master_cf(case: Case, version: str) -> None:
    check_sockets(case, version)


def check_sockets(case: Case, version: str) -> None:
    if "sockets" in case.observed:
        assert sockets_of(case, version) == sorted(case.observed["sockets"])
    elif not broken(case):
        assert case.observed["dies"]
        with pytest.raises(InputError):
            sockets_of(case, version)


@per_version("sources")
def test_sources(case: Case, version: str) -> None:
    by_transport = {client.transport: client for client in outlook_of(case, version, *STOCK_SERVICES).clients}
    kernel = load("hosts")["hosts"][case.observed["host"]]["kernel_sources"]
    for observed in case.observed["sources"]:
        client = by_transport[f"{observed['transport']}/unix"]
        source = client.ipv6 if ":" in observed["to"] else client.ipv4
        if source is None or source.failure:
            assert observed["from"] is None, source
        else:
            assert (source.address or kernel[observed["to"]]) == observed["from"], source


@per_version("loops", lambda case: "@[" in case.observed["recipient"])
def test_literal_recipients(case: Case, version: str) -> None:
    """Mail to an own address, or one of proxy_interfaces, is local; a bad proxy_interfaces stops it."""
    literal = case.observed["recipient"].partition("@")[2][1:-1].replace("IPv6:", "")
    outlook = outlook_of(case, version)
    mine = [normal_form(address) for address in outlook.own_addresses]
    if "session stalls" in case.observed["result"]:
        with pytest.raises(InputError):
            outlook.proxy_addresses  # noqa: B018
    else:
        local = literal in mine or literal in map(normal_form, proxies(outlook))
        assert local == (case.observed["agent"] == "discard")


def proxies(outlook: Outlook) -> list[Any]:
    try:
        return outlook.proxy_addresses
    except InputError:  # found late: only when the address is not an own one
        return []


@pytest.mark.parametrize("stock", load("stock"), ids=lambda stock: stock["version"])
@pytest.mark.parametrize("inet_interfaces", ["all", "loopback-only"])
@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1/8", "198.51.100.7/24", "::1/128", "2001:db8::7/64", "fe80::7/64"],
        ["127.0.0.1/8", "10.77.0.1/24", "10.77.0.2/24", "192.0.2.1/24"],
        ["127.0.0.1/8"],
    ],
    ids=["usual", "many", "none"],
)
def test_nothing_to_point_out_about_the_stock(stock: Any, inet_interfaces: str, addresses: list[str]) -> None:
    settings = Settings({**stock["main"], "inet_interfaces": inet_interfaces}, parse_version(stock["version"]), "host")
    services = MasterCfEditor("".join(f"{line}\n" for line in stock["master"])).services()
    assert len(services) == len(stock["master"])
    outlook = Outlook(Configuration(settings, services), host_from_input(addresses), mapping_resolver({}))
    assert findings(outlook) == []


ORDER = load("order")


@pytest.mark.parametrize(
    "case, version",
    [(case, version) for case in ORDER["cases"] for version in case.get("tried_on", ORDER["tried_on"])],
    ids=lambda value: value["id"] if isinstance(value, dict) else value,
)
def test_order(case: dict[str, Any], version: str) -> None:
    host = host_from_input(sorted(ORDER["addresses"], key=lambda address: ":" in address))
    settings = Settings(case["main"], parse_version(version))
    found = own_addresses(settings, host, mapping_resolver({}), allow_absent=False)
    assert list(map(normal_form, found)) == case["own"]


EXPANSIONS = load("expansions")
DEFINED = {"va": "10.0.0.1", "vb": "$va b", "vc": "7", "ve": ""}


@pytest.mark.parametrize("text, value", EXPANSIONS["values"])
def test_expansion(text: str, value: str) -> None:
    assert expand(text, DEFINED.get) == value


@pytest.mark.parametrize("text", EXPANSIONS["dies"])
def test_expansion_that_dies(text: str) -> None:
    with pytest.raises(InputError):
        expand(text, DEFINED.get)


VALUES = load("values")
MINIMUM = {"compatibility_level": "2", "myhostname": "host.lab.test"}


@pytest.mark.parametrize(
    "case, version, dies",
    [
        pytest.param(case["main"], version, kind == "dies", id=f"{case['main']}-{version}")
        for kind in ("dies", "lives")
        for case in VALUES[kind]
        for version in case.get("tried_on", VALUES["tried_on"])
    ],
)
def test_values(case: dict[str, str], version: str, dies: bool) -> None:
    main = "".join(f"{name} = {value}\n" for name, value in {**MINIMUM, **case}.items())
    configuration = Configuration.from_texts(main, "", parse_version(version), "host.lab.test")
    outlook = Outlook(configuration, host_from_input(["127.0.0.1/8"]), mapping_resolver({}))
    assert outlook.runs != dies
    assert ("fatal" in [finding.code for finding in findings(outlook)]) == dies
