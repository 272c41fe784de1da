# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role's variables say of an instance, and that applying them changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.role_variables import of_instances, variables
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf import MasterCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf_edit import MasterCfEditor
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import find_instances
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import host_of, plan_of
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.package import NAME, Place

FILES = Path(__file__).parents[1] / "_files/stock"
HOST = host_of("127.0.0.1/8", "10.77.0.1/24", "::1/128")
MAIN = """\
myhostname = mx.test
inet_interfaces = $myhostname,
    127.0.0.1
inet_protocols = ipv4
inet_protocols = all
smtp_bind_address = [10.77.0.1]
smtp_bind_address_enforce = ${{$x} == {} ? {yes} : {no}}
relayhost = x
"""
MASTER = """\
smtp      inet  n       -       y       -       -       smtpd -v
  -o { smtpd_banner = a b  c }
#submission inet n - y - - smtpd
127.0.0.1:10025 inet n - n 60? 5 spawn {argv=/bin/x a b}
smtp unix - - y - - smtp
out unix - - n - - smtp -o smtp_bind_address=10.77.0.1
  -o smtp_bind_address=127.0.0.1
pickup unix n - y 60 1 pickup
"""
MASTER_CLIENTS = "smtp unix - - y - - smtp\npickup unix n - y 60 1 pickup\n"


def described(main: str, master: str, version: tuple[int, ...] = (3, 7, 11)) -> dict[str, object]:
    return variables(MainCf(main), MasterCfEditor(master), version)


def test_all_that_is_set() -> None:
    assert described(MAIN, MASTER) == {
        "postfix_interfaces_inet_interfaces": "$myhostname,    127.0.0.1",
        "postfix_interfaces_inet_protocols": "all",
        "postfix_interfaces_smtp_bind_address": "[10.77.0.1]",
        "postfix_interfaces_smtp_bind_address_enforce": "${{$x} == {} ? {yes} : {no}}",
        "postfix_interfaces_services": [
            {
                "name": "smtp", "type": "inet", "command": "smtpd -v", "private": "n", "unprivileged": "-",
                "chroot": "y",
                "wakeup": "-", "process_limit": "-", "options": {"smtpd_banner": "a b  c"},
            },
            {
                "name": "127.0.0.1:10025", "type": "inet", "command": "spawn {argv=/bin/x a b}", "private": "n",
                "unprivileged": "-", "chroot": "n", "wakeup": "60?", "process_limit": "5",
            },
            {
                "name": "out", "type": "unix", "command": "smtp", "private": "-", "unprivileged": "-", "chroot": "n",
                "wakeup": "-", "process_limit": "-", "options": {"smtp_bind_address": "127.0.0.1"},
            },
        ],
    }  # fmt: skip


def wanted(found: dict[str, object]) -> Wanted:
    values = {name.replace("postfix_interfaces_", ""): value for name, value in found.items()}
    services = [ServiceChange(**one) for one in values.pop("services", [])]  # type: ignore[attr-defined]
    return Wanted(values, services=services)


@pytest.mark.parametrize("files", ["own", "stock"])
def test_applying_them_changes_nothing(files: str) -> None:
    main, master = MAIN.replace("inet_protocols = ipv4\n", ""), MASTER
    if files == "stock":
        main, master = [(FILES / name).read_text(encoding="utf-8") for name in ("main.cf", "master.cf")]
    plan = plan_of(wanted(described(main, master)), main, master, HOST, names={"mx.test": "10.77.0.1"})
    assert (plan.main, plan.master, plan.reasons) == (main, master, [])


def test_what_the_role_would_refuse_is_left_out() -> None:
    assert described("smtp_bind_address_enforce = yes\n", "", (3, 5, 25)) == {}
    assert described("inet_interfaces = 10.0.0.0/8\n", "") == {}
    assert described("", "2525 inet n - n - - smtpd -o x\n2526 inet - - n - - smtpd\n") == {}
    assert described("", "2525 inet n - n - - smtpd -o x=y, z -o a=b\nout unix - - n - - smtp -o x=y flags=Z\n") == {}


def test_flags_of_a_client_are_part_of_its_command() -> None:
    master = "deliver unix - - n - - lmtp -o lmtp_bind_address=10.77.0.1 flags=DORX\n"
    found = described("", master)
    [service] = found["postfix_interfaces_services"]  # type: ignore[attr-defined]
    assert (service["command"], service["options"]) == ("lmtp flags=DORX", {"lmtp_bind_address": "10.77.0.1"})
    plan = plan_of(wanted(found), "", MASTER + master, HOST, names={"mx.test": "10.77.0.1"})
    assert (plan.main, plan.master, plan.reasons) == ("", MASTER + master, [])


def test_what_is_as_shipped_is_left_out() -> None:
    shipped = MasterCf("smtp inet n - y - - smtpd\nout unix - - n - - smtp -o x=y\nqmqp inet n - n - - qmqpd\n")
    stock = shipped.effective()
    same = shipped.text.replace("smtp inet n - y - -", "smtp inet n y y 0 -")
    assert variables(MainCf(""), MasterCfEditor(same), (3, 7, 11), stock) == {}
    other = "smtp inet n - n - - smtpd\nout unix - - n - - smtp -o x=z\n#qmqp inet n - n - - qmqpd\n"
    found = variables(MainCf(""), MasterCfEditor(other), (3, 7, 11), stock)
    services = found["postfix_interfaces_services"]
    assert [one["name"] for one in services] == ["smtp", "out", "qmqp"]
    assert services[-1] == {"name": "qmqp", "type": "inet", "state": "disabled"}
    plan = plan_of(wanted(found), "", other + MASTER_CLIENTS, HOST, names={"mx.test": "10.77.0.1"})
    assert (plan.main, plan.master, plan.reasons) == ("", other + MASTER_CLIENTS, [])


def test_what_looks_like_a_password_is_left_out_and_stays() -> None:
    master = "smtp inet n - y - - smtpd -o a_password=x -o y=z\n10 inet n - n - - spawn user=x argv=/bin/x --token=y\n"
    first, second = described("", master)["postfix_interfaces_services"]  # type: ignore[misc]
    assert first["options"] == {"y": "z"}
    assert "command" not in second
    services = [ServiceChange(**each) for each in (first, second)]
    assert plan_of(Wanted({}, services=services), "inet_interfaces = all\n", master, HOST).master == master


def test_instances_are_told_so_that_the_role_creates_them_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for one that it could not make as it is: that is told by its directory."""
    place = Place(tmp_path, monkeypatch)
    alone = {"variables": {"postfix_interfaces_inet_interfaces": "all"}, "group": ""}
    assert of_instances(find_instances(place.compiled), [alone], place.compiled) == alone["variables"]
    place.create(group="mta")
    odd = tmp_path / "srv" / "odd"
    odd.mkdir(parents=True)
    (odd / "main.cf").write_text("multi_instance_name = odd\nmulti_instance_enable = yes\n")
    place.main.write_text(place.main.read_text().replace(str(place.new), f"{place.new} {odd}"))
    instances = find_instances(place.compiled)
    assert [instance.name for instance in instances] == ["-", NAME, "odd"]
    described = [{**alone, "group": group} for group in ("", "mta", "")]
    entries = of_instances(instances, described, place.compiled)["postfix_interfaces_instances"]
    assert entries == [
        {"instance": "-", "inet_interfaces": "all"},
        {"instance": NAME, "state": "present", "group": "mta", "inet_interfaces": "all"},
        {"config_directory": str(odd), "inet_interfaces": "all"},
    ]
    described[1]["group"] = ""
    entries = of_instances(instances, described, place.compiled)["postfix_interfaces_instances"]
    assert entries[1] == {"instance": NAME, "state": "present", "inet_interfaces": "all"}
    main = place.new / "main.cf"
    main.write_text(main.read_text().replace("multi_instance_enable = yes", "multi_instance_enable = no"))
    entries = of_instances(instances, described, place.compiled)["postfix_interfaces_instances"]
    assert entries[1] == {"config_directory": str(place.new), "inet_interfaces": "all"}
