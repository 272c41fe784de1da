# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import random
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, List

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.edit_files import Edited, edit
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.transaction import Transactions
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import (
    ConfigDir,
    instance_of,
)

#: random ones, from as many seeds; make coverage has more
HISTORIES = int(os.environ.get("MAILFLEET_HISTORIES", "10"))
MAIN = """\
# The addresses.
inet_interfaces = all
#inet_interfaces = $myhostname

relayhost = [192.0.2.1]
smtp_bind_address6 = ::1
"""
MASTER = """\
# ==========
smtp      inet  n       -       y       -       -       smtpd
  -o message_size_limit=0
#smtps     inet  n       -       y       -       -       smtpd
#  -o smtpd_tls_wrappermode=yes
smtp      unix  -       -       y       -       -       smtp
relay     unix  -       -       y       -       -       smtp
  -o syslog_name=postfix/relay
lmtp      unix  -       -       y       -       -       lmtp"""  # no newline at its end


class Host(ConfigDir):
    """A configuration directory, edited by this collection and by hand."""

    def run(self, wanted: Wanted, **options: Any) -> Edited:
        done = edit(instance_of(str(self.config)), wanted, state_directory=str(self.state), **options)
        if not options:
            Transactions(str(self.config), str(self.state)).confirm()
        return done

    def back(self, **values: Any) -> Edited:
        """Ask for nothing but these parameters, and have the rest restored."""
        return self.run(Wanted(values, abandoned="restore"))

    @property
    def texts(self) -> List[str]:
        return [self.main.read_text(), self.master.read_text()]

    def by_hand(self, old: str, new: str) -> None:
        for path in (self.main, self.master):
            text = path.read_text()
            if old in text:
                path.write_text(text.replace(old, new, 1))
                return
        raise AssertionError(f"{old!r} is in no file")


@pytest.fixture(name="host")
def _host(tmp_path: Path) -> Host:
    return Host(tmp_path, MAIN, MASTER)


def states(edited: Edited) -> Dict[str, str]:
    return {f"{note['service']} {note['part'] or note['parameter']}".strip(): note["state"] for note in edited.ledger}


SUBMISSION = ServiceChange("submission", command="smtpd", options={"syslog_name": "submission", "a": "b"})
EDITS = {
    "a value": Wanted({"inet_interfaces": ["loopback-only"]}),
    "a new parameter": Wanted({"inet_protocols": ["ipv4"]}),
    "a parameter less": Wanted({}, unset=["smtp_bind_address6"]),
    "several": Wanted({"inet_interfaces": "127.0.0.1", "smtp_bind_address": "127.0.0.1"}, unset=["smtp_bind_address6"]),
    "a new service": Wanted({}, services=[SUBMISSION]),
    "a service uncommented": Wanted({}, services=[ServiceChange("smtps", options={"a": "b"})]),
    "a service less": Wanted({}, services=[ServiceChange("relay", "unix", "absent")]),
    "a service disabled": Wanted({}, services=[ServiceChange("relay", "unix", "disabled")]),
    "options": Wanted(
        {},
        services=[
            ServiceChange("smtp", options={"message_size_limit": "1"}, chroot="n"),
            ServiceChange("relay", "unix", options={"smtp_bind_address": "127.0.0.1"}, unset_options=["syslog_name"]),
        ],
    ),
    "the last service": Wanted({}, services=[ServiceChange("lmtp", "unix", "absent")]),
    "a service at the end": Wanted({}, services=[ServiceChange("zoo", "unix", command="lmtp")]),
    "unlisted services": Wanted({}, services=[SUBMISSION], unlisted_services="remove"),
}


@pytest.mark.parametrize("wanted", EDITS.values(), ids=EDITS)
def test_what_nothing_asks_for_any_more_is_restored_byte_for_byte(host: Host, wanted: Wanted) -> None:
    assert host.run(wanted).changed
    done = host.back()
    assert done.changed
    assert set(states(done).values()) == {"restored"}
    assert host.texts == [MAIN, MASTER]
    again = host.back()
    assert not again.changed
    assert not again.ledger


@pytest.mark.parametrize("mode", ["report", "keep"])
def test_it_stays_unless_that_is_asked_for(host: Host, mode: str) -> None:
    host.run(EDITS["several"])
    before = host.texts
    done = host.run(Wanted({"inet_interfaces": "127.0.0.1"}, abandoned=mode))
    assert host.texts == before
    assert not done.changed
    assert states(done) == {"smtp_bind_address": "abandoned", "smtp_bind_address6": "abandoned"}
    assert [note for note in done.ledger if note["parameter"] == "smtp_bind_address6"][0]["first"] == "::1"


def test_only_what_nothing_asks_for_is_restored(host: Host) -> None:
    host.run(EDITS["several"])
    done = host.back(inet_interfaces="127.0.0.1")
    assert host.texts == [MAIN.replace("all", "127.0.0.1", 1), MASTER]
    assert set(states(done)) == {"smtp_bind_address", "smtp_bind_address6"}


def test_one_option_of_a_service_is_restored(host: Host) -> None:
    host.run(Wanted({}, services=[SUBMISSION]))
    less = SUBMISSION._replace(options={"syslog_name": "submission"})
    done = host.run(Wanted({}, services=[less], abandoned="restore"))
    assert states(done) == {"587/inet -o a": "restored"}
    assert "-o a=b" not in host.texts[1]
    assert "syslog_name=submission" in host.texts[1]


HAND = {
    "a comment": ("# The addresses.", "# The addresses of this host.\n# By hand."),
    "another parameter": ("relayhost = [192.0.2.1]", "relayhost = [192.0.2.2]"),
    "a parameter less": ("relayhost = [192.0.2.1]\n", ""),
    "another service": (
        "smtp      unix  -",
        "mine      unix  -       n       n       -       -       pipe\nsmtp      unix  -",
    ),
    "an option": ("  -o message_size_limit=0\n", "  -o message_size_limit=0\n  -o hand=1\n"),
    "at the beginning": ("# ==========\n", "# hand\n# ==========\n"),
}


@pytest.mark.parametrize("hand", HAND.values(), ids=HAND)
@pytest.mark.parametrize("wanted", EDITS.values(), ids=EDITS)
def test_what_others_edit_stays(host: Host, wanted: Wanted, hand: Any) -> None:
    host.run(wanted)
    if hand[0] not in "".join(host.texts):
        pytest.skip("it is about what this edit has changed")
    host.by_hand(*hand)
    host.back()
    text = "\0".join([MAIN, MASTER])
    assert "\0".join(host.texts) == text.replace(*hand)


def test_what_others_have_made_of_ours_stays_where_nothing_asks_for_it(host: Host) -> None:
    host.run(Wanted({"inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4"}))
    host.by_hand("inet_interfaces = 127.0.0.1", "inet_interfaces = loopback-only")
    done = host.back()
    assert states(done) == {"inet_protocols": "restored", "inet_interfaces": "changed_by_hand"}
    assert host.texts == [MAIN.replace("= all", "= loopback-only"), MASTER]
    assert not host.back().changed


def test_what_is_wanted_counts_more_and_what_was_there_first_is_known(host: Host) -> None:
    host.run(Wanted({"inet_interfaces": "127.0.0.1"}))
    host.by_hand("inet_interfaces = 127.0.0.1", "inet_interfaces = loopback-only")
    done = host.run(Wanted({"inet_interfaces": "127.0.0.1"}))
    (note,) = done.ledger
    assert (note["state"], note["last"], note["found"]) == ("overruled", "127.0.0.1", "loopback-only")
    assert "inet_interfaces = 127.0.0.1" in host.texts[0]
    host.back()
    assert host.texts == [MAIN, MASTER]


def test_the_fields_of_one_entry_are_told_apart(host: Host) -> None:
    host.run(Wanted({}, services=[ServiceChange("smtp", chroot="n", options={"message_size_limit": "1"})]))
    host.by_hand("n       -       -       smtpd", "n       -       7       smtpd")
    host.by_hand("message_size_limit=1", "message_size_limit=2")
    done = host.back()
    assert states(done) == {"25/inet chroot": "restored", "25/inet -o message_size_limit": "changed_by_hand"}
    assert "y       -       7       smtpd\n  -o message_size_limit=2\n" in host.texts[1]


def test_a_service_of_ours_that_others_have_edited_stays(host: Host) -> None:
    host.run(EDITS["a new service"])
    host.by_hand("  -o a=b", "  -o a=b\n  -o hand=1")
    done = host.back()
    assert "hand=1" in host.texts[1]
    assert "-o a=b" in host.texts[1]
    assert "restored" not in states(done).values()


def test_an_original_by_which_postfix_could_not_run_is_not_restored(tmp_path: Path) -> None:
    host = Host(tmp_path, "inet_interfaces = 192.0.2.9\n", MASTER)
    host.run(Wanted({"inet_interfaces": "127.0.0.1"}))
    with pytest.raises(InputError, match="192.0.2.9"):
        host.back()
    assert states(host.run(Wanted({}))) == {"inet_interfaces": "abandoned"}


def test_check_mode_foretells_it_and_writes_nothing(host: Host) -> None:
    host.run(EDITS["several"])
    before = host.texts, sorted(path.name for path in host.state.rglob("*"))
    foretold = host.run(Wanted({}, abandoned="restore"), check_mode=True)
    assert (host.texts, sorted(path.name for path in host.state.rglob("*"))) == before
    done = host.back()
    assert (foretold.planned.texts, foretold.ledger) == (done.planned.texts, done.ledger)


@pytest.mark.parametrize("mode", ["report", "restore", "keep"])
@pytest.mark.parametrize("wanted", EDITS.values(), ids=EDITS)
def test_what_a_change_keeps_of_the_ledger_is_what_the_next_run_would_find_there(
    host: Host, wanted: Wanted, mode: str
) -> None:
    host.run(EDITS["several"])
    host.by_hand("smtp_bind_address = 127.0.0.1", "smtp_bind_address =")
    host.run(wanted._replace(abandoned=mode))
    kept = host.run(wanted._replace(abandoned=mode), check_mode=True)
    for path in host.state.rglob("ledger-read.json"):
        path.unlink()
    found = host.run(wanted._replace(abandoned=mode), check_mode=True)
    assert (kept.ledger, kept.planned.texts) == (found.ledger, found.planned.texts)
    assert (found.is_news, kept.is_news) == (True, False)


def test_a_lost_state_undoes_nothing(host: Host) -> None:
    host.run(EDITS["several"])
    for path in host.state.rglob("ledger*"):
        path.unlink()
    before = host.texts
    assert not host.back().changed
    assert host.texts == before


@pytest.mark.parametrize("content", ["", "{}", '{"format": 99}', '{"format": 1, "files": [], "settings": {}}', "[1]"])
def test_a_ledger_that_cannot_be_read_undoes_nothing(host: Host, content: str) -> None:
    host.run(EDITS["several"])
    for path in host.state.rglob("ledger.json"):
        path.write_text(content)
    before = host.texts
    assert not host.back().changed
    assert host.texts == before
    host.run(EDITS["a value"])  # and a new one is begun
    host.back()
    assert host.texts == before


def test_files_from_a_backup_are_taken_as_they_are(host: Host) -> None:
    host.run(EDITS["several"])
    second = host.texts
    host.run(EDITS["a new service"])
    host.main.write_text(MAIN), host.master.write_text(MASTER)
    assert not host.back().changed  # from before the first run
    host.main.write_text(second[0]), host.master.write_text(second[1])
    host.back()
    assert host.texts[1] == MASTER


def test_a_rollback_is_no_edit_of_somebody_else(host: Host) -> None:
    host.run(EDITS["a value"])
    edit(instance_of(str(host.config)), EDITS["several"], state_directory=str(host.state))
    Transactions(str(host.config), str(host.state)).rollback()
    done = host.run(EDITS["a value"], check_mode=True)
    assert not done.changed
    assert not done.ledger
    host.back()
    assert host.texts == [MAIN, MASTER]


def test_nothing_of_others_is_in_the_ledger(host: Host) -> None:
    host.by_hand("relayhost = [192.0.2.1]", "relayhost = [192.0.2.1]\nsmtp_sasl_password_maps = inline:{ sesame }")
    host.by_hand("message_size_limit=0", "mypassword=sesame")
    host.run(EDITS["several"])
    host.run(EDITS["a new service"])
    (ledger,) = host.state.rglob("ledger.json")
    assert "sesame" not in ledger.read_text()


def test_who_has_set_something_and_when_is_told(host: Host) -> None:
    edit(instance_of(str(host.config)), EDITS["several"], state_directory=str(host.state), who="alice")
    notes = {note["parameter"]: note for note in host.run(Wanted({})).ledger}
    assert notes["smtp_bind_address"]["set_by"] == "alice"
    assert notes["smtp_bind_address"]["set_at"].endswith("Z")


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_after_any_history_nothing_is_left_of_it(tmp_path: Path, seed: int) -> None:
    """Random inventories, with edits by hand in between: after all is abandoned, only what others have done is left."""
    chance = random.Random(seed)
    host = Host(tmp_path, MAIN, MASTER)
    expected = [MAIN, MASTER]
    for number in range(30):
        if chance.random() < 0.3:
            at = chance.choice(["relayhost = [192.0.2.1]\n", "# ==========\n", "# The addresses.\n"])
            hand = f"# hand {number}\n" if "#" in at else f"hand_{number} = yes\n"
            host.by_hand(at, at + hand)
            expected = [text.replace(at, at + hand, 1) for text in expected]
        chosen = chance.sample([edit for name, edit in EDITS.items() if name != "unlisted services"], 3)
        values = {name: value for each in chosen for name, value in each.values.items()}
        unset = {name for each in chosen for name in each.unset if name not in values}
        services = {(one.name, one.type): one for each in chosen for one in each.services}
        mode = chance.choice(["report", "restore", "keep"])
        wanted = Wanted(values, list(unset), services=list(services.values()), abandoned=mode)
        if mode == "restore":
            host.run(wanted)
        else:
            with suppress(InputError):  # it is about a service that an earlier one has removed
                host.run(wanted)
    host.back()
    assert host.texts == expected
