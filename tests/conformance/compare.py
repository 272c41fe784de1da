# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real Postfix did against what the rules, or the filters, said that it would do."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

from .predict import Prediction
from .room import SINKS

#: what programs say as they die of their command line
_OF_A_COMMAND_LINE = re.compile(
    'unexpected command-line argument|unknown attribute name|invalid option|invalid "-o|unknown flags?[:=]'
    "|missing (?:user|argv)="
)
#: what they say of a value of main.cf, which they may look at before that
_OF_A_VALUE = "bad (?:boolean|numerical|time|string length) configuration"


def disagreements(task: dict[str, Any], answer: dict[str, Any], said: Prediction) -> list[str]:
    """One sentence for each."""
    if "trouble" in answer:
        return [f"the runner had trouble: {answer['trouble']}"]
    if "expanded" in answer:
        return _expanded(answer, said)
    found = _own(answer, said) + _sockets(answer, said)
    if "sources" in answer:
        found += _sources(task, answer, said)
    if "literals" in answer:
        found += _literals(task, answer, said)
    if "programs" in answer and said.dying:
        found += _programs(task, answer, said)
    if "reload" in answer and said.promised is not None:
        found += _reload(answer, said)
    return found


def _expanded(answer: dict[str, Any], said: Prediction) -> list[str]:
    ours = said.expansion_error or repr(said.expanded)
    if bool(answer["expansion_dies"]) != bool(said.expansion_error):
        return [f"postconf -x: {answer['expansion_dies'] or answer['expanded']!r}, we say {ours}"]
    same = said.expansion_error or answer["expanded"].split() == str(said.expanded).split()
    return [] if same else [f"postconf -x prints {answer['expanded']!r}, we say {ours}"]


def _own(answer: dict[str, Any], said: Prediction) -> list[str]:
    if isinstance(said.own, str):
        # postconf reads nothing but the addresses; of other values only the other programs die, so also the master
        return (
            []
            if answer["fatal"] or answer["dies"]
            else [f"we say that all programs die ({said.own}), they have {answer['own']}"]
        )
    if answer["fatal"]:
        return [f"every program dies of {answer['fatal']!r}, we say {said.own}"]
    return [] if said.own == answer["own"] else [f"own addresses are {answer['own']}, we say {said.own}"]


def _sockets(answer: dict[str, Any], said: Prediction) -> list[str]:
    if isinstance(said.listeners, str):
        return [] if answer["dies"] else [f"we say that the master dies ({said.listeners}), it has {answer['sockets']}"]
    promised = sockets_of(said.listeners)
    conflict = answer.get("conflict")
    if conflict:
        return [] if "in use" in (answer["dies"] or "") else [f"we say {conflict}, the sockets are {answer['sockets']}"]
    if answer["dies"]:
        return [f"the master dies of {answer['dies']!r}, we say {promised}"]
    return [] if _same(promised, answer["sockets"]) else [f"the sockets are {answer['sockets']}, we say {promised}"]


def sockets_of(listeners: list[dict[str, Any]]) -> list[str]:
    """Listeners as real.py shows sockets."""
    shown = (f"[{one['address']}]" if one["family"] == "ipv6" else one["address"] for one in listeners)
    return sorted(f"{address}:{one['port']}" for address, one in zip(shown, listeners, strict=True))


def _same(promised: list[str], have: list[str]) -> bool:
    """Port 0 stands for any that the system chose."""
    fixed = [socket for socket in promised if not socket.endswith(":0")]
    rest = list(have)
    for socket in fixed:
        if socket not in rest:
            return False
        rest.remove(socket)
    chosen = sorted(socket.rpartition(":")[0] for socket in promised if socket.endswith(":0"))
    return chosen == sorted(socket.rpartition(":")[0] for socket in rest)


def _sources(task: dict[str, Any], answer: dict[str, Any], said: Prediction) -> list[str]:
    if isinstance(said.sources, str):
        return [f"we say that all programs die ({said.sources}), mail was sent"]
    here = {known["address"]: not known["tentative"] for known in answer["addresses"]}
    clients = {entry["transport"]: entry for entry in said.sources}
    found = []
    for (transport, to), seen in zip(task["send"], answer["sources"], strict=True):
        entry = clients.get(f"{transport}/unix")
        source = entry and entry["ipv6" if ":" in to else "ipv4"]
        wanted = _wanted(source, to, seen["kernel"], here)
        if wanted != seen["from"]:
            got = seen["from"] or f"nowhere ({seen['said'].strip()})"
            found.append(
                f"{transport} sends to {to} from {got}, we say {source}; the kernel's choice is {seen['kernel']}"
            )
    return found


def _wanted(source: dict[str, Any] | None, to: str, kernel: str | None, here: dict[str, bool]) -> str | None:
    """From where the mail should come; None where it cannot leave, or nobody is there to take it.

    :param here: the host's addresses, each with whether the kernel takes connections to it: not while it is tentative
    """
    if source is None or source["failure"] or kernel is None:
        return None
    if not here.get(to, to in SINKS or to.startswith("127.")):  # such as ::1 on a host that does not have it
        return None
    if source["address"] is None:
        unusable = ip_address(kernel).is_unspecified or (ip_address(kernel).is_loopback and to not in here)
        return None if unusable else kernel
    # The kernel lets nothing leave the host from a loopback address.
    if ip_address(source["address"]).is_loopback and to not in here:
        return None
    return str(source["address"])


def _literals(task: dict[str, Any], answer: dict[str, Any], said: Prediction) -> list[str]:
    found = []
    own = said.own if not isinstance(said.own, str) else []
    dead = isinstance(said.proxies, str) and not all(address in own for address in task["literals"])
    for address, result in zip(task["literals"], answer["literals"], strict=True):
        wanted = "self" if address in (*own, *(said.proxies if isinstance(said.proxies, list) else ())) else "other"
        # Mail that trivial-rewrite dies of holds up what is beside it.
        if result != ("nothing" if dead else wanted) and not (dead and result == wanted):
            found.append(f"mail to [{address}] is for {result}, we say {'nobody' if dead else wanted}")
    return found


def _programs(task: dict[str, Any], answer: dict[str, Any], said: Prediction) -> list[str]:
    found = []
    for (name, program), fatal, dying in zip(task["programs"].items(), answer["programs"], said.dying, strict=True):
        if re.match(_OF_A_VALUE, fatal):  # it did not come to its command line
            continue
        if dying != bool(_OF_A_COMMAND_LINE.match(fatal)):
            found.append(f"{program} of {name} says {fatal!r}, we say that it {'dies' if dying else 'works'}")
    return found


def _reload(answer: dict[str, Any], said: Prediction) -> list[str]:
    assert said.promised is not None
    assert not isinstance(said.listeners, str)
    promised, real = sockets_of(said.promised), answer["reload"]
    done = not real["dies"] and _same(promised, real["sockets"])
    got = real["dies"] or real["sockets"]
    if said.action in ("none", "reload"):
        return [] if done else [f"after a reload: {got}; we say that {said.action} is enough for {promised}"]
    # inet_protocols is more than sockets: the children follow a reload, the master does not.
    if done and "inet_protocols" not in said.restarting:
        return [f"a reload is enough for {promised}, we say {said.action} because of {', '.join(said.restarting)}"]
    return []
