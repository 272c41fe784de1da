# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nobody has asked for; that hosts are told of it, tests/integration/test_ledger.py shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import unknown as module
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.items import ENTRY, OPTION, Item
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.ownership import is_ours
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.transaction import read_files
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.installed import BuiltIn
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import State
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import ConfigDir, host_of, plan_of

HOST = host_of("127.0.0.1/8", "10.77.0.1/24")
STOCK = "smtp inet n - y - - smtpd\npickup unix n - y 60 1 pickup\nsmtp unix - - y - - smtp\n"
MORE = """\
587 inet n - n - - smtpd
bulk unix - - n - - smtp -o smtp_bind_address=10.77.0.1
other unix - n n - - pipe user=x argv=/bin/y
pickup unix n - n 60 1 pickup -o smtp_bind_address=10.77.0.1
"""
SOURCE = f"{OPTION}smtp_bind_address"
OF_PICKUP = f"{SOURCE} of the service pickup/unix"
SMTP = Item("services", "25/inet", ENTRY)
BANNER = Item("services", "25/inet", f"{OPTION}smtpd_banner")


@pytest.mark.parametrize("ours, expected", [([], False), ([SMTP], True), ([BANNER], True)])
def test_an_entry_that_anything_was_set_of_was_asked_for(ours: "list[Item]", expected: bool) -> None:
    assert is_ours(SMTP, [item.title for item in ours]) == expected
    assert not is_ours(Item("services", "125/inet", ENTRY), [item.title for item in ours])


def test_an_option_was_asked_for_itself() -> None:
    assert is_ours(BANNER, [BANNER.title])
    assert not is_ours(BANNER, [SMTP.title])


def found(path: Path, monkeypatch: pytest.MonkeyPatch, master: str, wanted: Wanted) -> List[str]:
    """Return what nobody has asked for, by its titles."""
    (path / "meta").mkdir()
    (path / "meta" / "master.cf.proto").write_text(STOCK)
    monkeypatch.setattr(module, "built_in", lambda: BuiltIn("3.7.11", {"meta_directory": str(path / "meta")}))
    main = "inet_interfaces = all\nsmtp_bind_address = 10.77.0.1\n"
    here = ConfigDir(path, main, master)
    notes = module.unknown(plan_of(wanted, main, master, HOST), read_files(str(here.config)), State(None, str(path)))
    assert all(note["state"] == "unknown" for note in notes)
    return [Item(note["parameter"], note["service"], note["part"]).title for note in notes]


@pytest.mark.parametrize(
    "master, wanted, expected",
    [
        (STOCK.replace(" y ", " n "), {}, ["smtp_bind_address"]),  # what the package has, in a chroot or not
        (STOCK, {"values": {"smtp_bind_address": "10.77.0.1"}}, []),
        (STOCK, {"unset": ["smtp_bind_address"]}, []),
        (
            STOCK + MORE,
            {"unset": ["smtp_bind_address"]},
            ["the service 587/inet", "the service bulk/unix", OF_PICKUP],
        ),
        (
            STOCK + MORE,
            {
                "unset": ["smtp_bind_address"],
                "unlisted_services": "report",
                "services": [
                    ServiceChange("bulk", "unix", command="smtp"),
                    ServiceChange("pickup", "unix", options={"smtp_bind_address": "10.77.0.1"}),
                ],
            },
            [f"{SOURCE} of the service bulk/unix"],
        ),
    ],
)
def test_what_nobody_has_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, master: str, wanted: Any, expected: List[str]
) -> None:
    told = found(tmp_path, monkeypatch, master, Wanted(**{"values": {}, **wanted}))
    assert told == expected


@pytest.mark.parametrize(
    "master, others",
    [
        (STOCK, ""),
        (STOCK + MORE.partition("\n")[0] + "\n", "; the same is true of 1 other"),
        (STOCK + MORE, "; the same is true of 3 others"),
    ],
)
def test_it_is_refused_where_that_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, master: str, others: str
) -> None:
    with pytest.raises(InputError) as caught:
        found(tmp_path, monkeypatch, master, Wanted({}, unknown="fail"))
    assert str(caught.value) == (
        f"smtp_bind_address: '10.77.0.1' is on the host, and nobody has asked for it{others}. "
        "Ask for it, remove it by hand, or set unknown to report or ignore."
    )
