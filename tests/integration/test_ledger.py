# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory does not say any more goes back: files, sockets and sources, and only what others have done stays.

MAILFLEET_COMMITS says how many commits the random history has, MAILFLEET_SEED from what it is generated.
"""

from __future__ import annotations

import os
import random
from typing import Any

from fleet import FILES, STATE, WILDCARDS, MailHost, Sink

COMMITS = int(os.environ.get("MAILFLEET_COMMITS", "8"))
SEED = int(os.environ.get("MAILFLEET_SEED", "1"))
LEDGER = f"{STATE}/etc-postfix/ledger.json"


def texts(host: MailHost) -> list[str]:
    return [host.run("cat", path).stdout for path in FILES]


def bring(host: MailHost, wanted: dict[str, Any], **options: Any) -> dict[str, Any]:
    services = wanted.get("services", [])
    return host.bring({name: wanted[name] for name in wanted if name != "services"}, services=services, **options)


def states(result: dict[str, Any]) -> dict[str, str]:
    return {
        f"{note['service']} {note['part'] or note['parameter']}".strip(): note["state"] for note in result["ledger"]
    }


def endpoint(host: MailHost, port: int, **more: Any) -> dict[str, Any]:
    return {"name": f"[{host.ipv4}]:{port}", "command": "smtpd", "options": {}, **more}


def commits(host: MailHost, chance: random.Random) -> dict[str, Any]:
    """An inventory: what one commit asks for."""
    wanted: dict[str, Any] = {}
    if chance.random() < 0.5:
        wanted["inet_interfaces"] = chance.choice([["127.0.0.1", host.ipv4], "loopback-only", "all", host.ipv4_b])
    if chance.random() < 0.3:
        wanted["inet_protocols"] = chance.choice(["ipv4", "all", ["ipv4", "ipv6"]])
    if chance.random() < 0.4:
        wanted["smtp_bind_address"] = chance.choice([host.ipv4, host.ipv4_b])
    if chance.random() < 0.2 and host.host.suite != "bullseye":  # Postfix 3.5 does not have it
        wanted["smtp_bind_address_enforce"] = True
    if chance.random() < 0.2:
        wanted["unset"] = ["inet_interfaces"] if "inet_interfaces" not in wanted else ["lmtp_bind_address"]
    services = []
    if chance.random() < 0.5:
        services.append(endpoint(host, 2525, options=chance.choice([{}, {"smtpd_banner": "$myhostname x"}])))
    if chance.random() < 0.3:
        services.append({"name": "submission", "command": "smtpd", "options": {"syslog_name": "postfix/submission"}})
    if chance.random() < 0.3:
        services.append({"name": "relay", "type": "unix", "options": {"smtp_bind_address": host.ipv4_b}})
    if chance.random() < 0.3:
        services.append({"name": "retry", "type": "unix", "state": chance.choice(["disabled", "absent"])})
    if chance.random() < 0.3:
        state = {"state": "disabled"} if chance.random() < 0.2 else {"process_limit": chance.choice(["5", "20"])}
        services.append({"name": "smtp", **state})
    return {**wanted, "services": services, "allow_no_listener": True}


def by_hand(host: MailHost, chance: random.Random, number: int, expected: list[str]) -> list[str]:
    """Edit a file as somebody does beside the collection; returns what both files were in the beginning, with that."""
    if chance.random() < 0.5:
        index, path, anchor = 0, FILES[0], next(line for line in expected[0].splitlines(True) if line[:8] == "mydestin")
        line = chance.choice([f"# by hand {number}\n", f"hand_{number} = yes\n"])
    else:
        index, path, anchor = 1, FILES[1], next(line for line in expected[1].splitlines(True) if line[:6] == "pickup")
        line = chance.choice(
            [f"# by hand {number}\n", f"hand{number} unix - n n - - pipe\n  flags=R user=nobody argv=/bin/true\n"]
        )
    text = host.run("cat", path).stdout
    assert text.count(anchor) == 1
    host.write(path, text.replace(anchor, line + anchor))
    expected = list(expected)
    expected[index] = expected[index].replace(anchor, line + anchor)
    return expected


def test_after_any_history_of_inventories_only_what_others_have_done_is_left(host: MailHost) -> None:
    chance = random.Random(f"{SEED}/{host.name}")
    expected, history = texts(host), [commits(host, chance)]
    for number in range(COMMITS):
        if chance.random() < 0.3:
            expected = by_hand(host, chance, number, expected)
        is_revert = len(history) > 1 and chance.random() < 0.4
        history.append(history[-2] if is_revert else commits(host, chance))
        wanted = {**history[-1], "abandoned": chance.choice(["restore", "restore", "report", "keep"])}
        foretold = bring(host, wanted, check_mode=True)
        done = bring(host, wanted)
        assert ("msg" in foretold, foretold.get("changed")) == ("msg" in done, done.get("changed")), (
            wanted,
            foretold,
            done,
        )
        if "msg" not in done:
            assert (foretold["action"], foretold["ledger"]) == (done["action"], done["ledger"]), wanted
            again = bring(host, wanted)
            assert (again["changed"], again["action"]) == (False, "none"), (wanted, again)
        else:  # what a run of another mode has left is not there for this one
            assert "no command is given" in done["msg"], done["msg"]
    done = bring(host, {"abandoned": "restore"})
    assert "msg" not in done, done
    assert texts(host) == expected
    assert host.sockets() == WILDCARDS


def test_a_git_revert_and_a_run_of_the_role_undo_a_change(host: MailHost, sink: Sink) -> None:
    before = texts(host)
    variables = {
        "postfix_interfaces_inet_interfaces": ["127.0.0.1", host.ipv4],
        "postfix_interfaces_smtp_bind_address": host.ipv4_b,
        "postfix_interfaces_services": [endpoint(host, 2525)],
    }
    assert host.play("role", **variables).failed == 0
    assert host.sockets() == {("127.0.0.1", 25), (host.ipv4, 25), (host.ipv4, 2525)}
    assert sink.source_of_mail(host, f"user@[{host.room[0]}]") == host.ipv4_b

    told = host.play("role")
    assert (told.changed, told.failed) == (0, 0), told.said
    words = " ".join(told.said.split())
    assert "smtp_bind_address is" in words
    assert "[abandoned_setting]" in words
    assert "it would not be set" in words

    foretold = host.play("role", "--check", "--diff", postfix_interfaces_abandoned="restore")
    assert (foretold.changed, foretold.failed) == (1, 0)
    assert f"-smtp_bind_address = {host.ipv4_b}" in foretold.said
    assert "needs a restart" in foretold.said
    undone = host.play("role", postfix_interfaces_abandoned="restore")
    assert (undone.changed, undone.failed) == (1, 0), undone.said
    assert texts(host) == before
    assert host.sockets() == WILDCARDS
    assert sink.source_of_mail(host, f"user@[{host.room[0]}]") == host.ipv4
    assert host.play("role", postfix_interfaces_abandoned="restore").changed == 0


def test_an_edit_by_hand_is_told_with_both_values(host: MailHost) -> None:
    wanted = {"inet_interfaces": ["127.0.0.1", host.ipv4]}
    bring(host, wanted)
    host.edit("inet_interfaces", "loopback-only")
    done = bring(host, wanted)
    (note,) = done["ledger"]
    assert (note["state"], note["last"], note["found"]) == ("overruled", f"127.0.0.1, {host.ipv4}", "loopback-only")
    assert host.sockets() == {("127.0.0.1", 25), (host.ipv4, 25)}
    host.edit("inet_interfaces", "loopback-only")
    done = bring(host, {"abandoned": "restore"})
    assert states(done) == {"inet_interfaces": "changed_by_hand"}
    assert host.sockets() == {("127.0.0.1", 25), ("::1", 25)}


def test_what_cannot_be_started_leaves_the_ledger_as_it_was(host: MailHost) -> None:
    before = texts(host)
    bring(host, {"smtp_bind_address": host.ipv4})
    host.shell(f"mkdir -p /etc/systemd/system/{host.unit}.d")
    host.write(
        f"/etc/systemd/system/{host.unit}.d/fails.conf",
        "[Service]\nExecStartPre=/bin/sh -c 'grep -q loopback-only /etc/postfix/main.cf && exit 1 || exit 0'\n",
    )
    host.run("systemctl", "daemon-reload")
    failed = bring(host, {"smtp_bind_address": host.ipv4, "inet_interfaces": "loopback-only"})
    assert "msg" in failed
    assert host.sockets() == WILDCARDS
    assert bring(host, {"smtp_bind_address": host.ipv4})["ledger"] == []
    assert "msg" not in bring(host, {"abandoned": "restore"})
    assert texts(host) == before


def test_a_run_that_is_killed_between_the_files_is_completed_as_ours(host: MailHost) -> None:
    before = texts(host)
    wanted = {"smtp_bind_address": host.ipv4, "services": [{"name": "relay", "type": "unix", "options": {"a": "b"}}]}
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    host.core(
        "put, puts = atomic_replace.Replacement.put, []\n"
        f"def killed(self):\n    put(self)\n    {kill}\n"
        "atomic_replace.Replacement.put = killed\n"
        f"answer = bring_all([{{**{wanted!r}}}], apply=False)"
    )
    assert texts(host) != before
    done = bring(host, {"abandoned": "restore"})
    assert set(states(done).values()) == {"restored"}, done
    assert texts(host) == before


def test_a_change_that_nobody_confirms_leaves_the_ledger_as_it_was(host: MailHost) -> None:
    before = texts(host)
    bring(host, {"smtp_bind_address": host.ipv4})
    begun = bring(host, {"smtp_bind_address": host.ipv4, "inet_interfaces": "loopback-only"}, confirm=600)
    rejected = host.module("postfix_apply", rejected=begun["confirm"]["token"])
    assert rejected["undone"]["outcome"] == "undone", rejected
    assert bring(host, {"smtp_bind_address": host.ipv4})["ledger"] == []
    bring(host, {"abandoned": "restore"})
    assert texts(host) == before


def test_a_lost_state_directory_undoes_nothing(host: MailHost) -> None:
    bring(host, {"inet_interfaces": "loopback-only"})
    host.run("rm", "-rf", STATE)
    changed = texts(host)
    done = bring(host, {"abandoned": "restore"})
    assert not done["changed"]
    assert texts(host) == changed


def test_what_nobody_has_asked_for_is_told_or_refused(host: MailHost) -> None:
    assert bring(host, {"unknown": "report"})["ledger"] == []  # the stock files have nothing of the kind
    host.write(FILES[1], texts(host)[1] + "2626 inet n - y - - smtpd\nout unix - - y - - smtp\n")
    host.edit("smtp_bind_address", host.ipv4)
    told = bring(host, {"unknown": "report"})
    assert states(told) == {"smtp_bind_address": "unknown", "2626/inet entry": "unknown", "out/unix entry": "unknown"}
    before = texts(host)
    refused = bring(host, {"unknown": "fail", "inet_interfaces": "loopback-only"})
    assert "nobody has asked for it" in refused["msg"]
    assert texts(host) == before
    mine = [{"name": "2626"}, {"name": "out", "type": "unix"}]
    asked = {"unknown": "report", "smtp_bind_address": host.ipv4, "services": mine}
    assert bring(host, asked)["ledger"] == []


def test_an_instance_that_was_created_and_is_not_listed_any_more_is_told_and_stays(host: MailHost) -> None:
    entries = [{}, {"instance": "postfix-out", "state": "present", "inet_interfaces": host.ipv4_b}]
    first = {"inet_interfaces": ["127.0.0.1", host.ipv4]}
    made = host.play("role", postfix_interfaces_instances=[first, entries[1]])
    assert made.failed == 0, made.said
    told = host.play("role", postfix_interfaces_instances=[first])
    words = " ".join(told.said.split())
    assert "postfix-out" in words
    assert "[abandoned_instance]" in words
    assert (host.ipv4_b, 25) in host.sockets()
    gone = host.play("role", postfix_interfaces_instances=[first, {"instance": "postfix-out", "state": "absent"}])
    assert gone.failed == 0
    assert "abandoned_instance" not in host.play("role", postfix_interfaces_instances=[first]).said
