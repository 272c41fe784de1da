# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of generated files, with a check that in our own eyes nothing else changes."""

from __future__ import annotations

import random
from typing import Dict, List, Optional, Tuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.command_line import arguments_taken
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.commented_out import commented_entries
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.endpoint import identity
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.lines import logical_lines
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.marked_blocks import marked_blocks
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf_edit import MasterCfEditor
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service import TYPES, Service
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange

from .generate import OPTIONS, PARAMETERS

VALUES = ("all", "", "127.0.0.1, [::1]", "$myhostname  x", "a #b", "é \udcff", "x\ty", "${a?{b c}:{d}}")
SERVICES = [
    ("smtp", "inet"), ("25", "inet"), ("relay", "unix"), ("[::1]:2525", "inet"), ("smtp-out", "unix"), ("new", "pass")
]  # fmt: skip
COMMANDS = (None, None, "smtpd", "smtp -v", "pipe flags=R argv=/bin/x a", "spawn {argv=a b}")


def edited(seed: int, number: int, main: str, master: str) -> Tuple[str, str, List[str]]:
    """Both files after some edits, and what those changed beyond what they were asked to."""
    chance = random.Random(f"edit/{seed}/{number}")
    wrong: List[str] = []
    main_cf, master_cf = MainCf(main), MasterCfEditor(master)
    for _edit in range(chance.randint(1, 3)):
        name, value = chance.choice(PARAMETERS), chance.choice(VALUES)
        expected = dict(main_cf.values())
        if chance.random() < 0.25:
            main_cf.unset(name)
            expected.pop(name, None)
        else:
            main_cf.set(name, value)
            expected[name] = main_cf.values()[name]
            if expected[name].split() != value.split():
                wrong.append(f"set {name} to {value!r}, reads {expected[name]!r}")
        if main_cf.values() != expected:
            wrong.append(f"{name} = {value!r} changed more: {main_cf.values()!r} instead of {expected!r}")
        change = _change(chance, master_cf)
        others = _others(master_cf, change)
        before = master_cf.text
        try:
            master_cf.put(change)
        except InputError:
            if master_cf.text != before:
                wrong.append(f"{change} was refused, and changed the file")
            continue  # an open brace, and arguments that it would swallow; or words that would be lost
        wrong += _misplaced(before, master_cf, change) + _lost(before, master_cf.text, change)
        if _others(master_cf, change) != others:
            wrong.append(f"{change} changed more: {_others(master_cf, change)} instead of {others}")
        wrong += _missing(master_cf, change)
    wrong += _not_undone(chance, master_cf.text)
    return main_cf.text, master_cf.text, wrong


def _misplaced(before: str, master_cf: MasterCfEditor, change: ServiceChange) -> List[str]:
    """Whether a new entry is in a block of another tool."""
    wanted = identity(change.name, change.type)
    there = [*MasterCfEditor(before).services(), *commented_entries(before, logical_lines(before))]
    if change.state != "present" or wanted in [identity(one.name, one.type) for one in there]:
        return []
    lines = [entry.entry.line for entry in master_cf.entries if entry.identity == wanted]
    blocks = marked_blocks(master_cf.text)
    return [f"{change} is in a block" for line in lines for start, end in blocks if start < line.start < end]


def _lost(before: str, after: str, change: ServiceChange) -> List[str]:
    """Whether words are gone that the program of a service does not take, and that nobody asked to remove."""
    if change.state != "present":
        return []
    wanted, lost = identity(change.name, change.type), []
    for service in MasterCfEditor(before).effective():
        if identity(service.name, service.type) == wanted:
            taken = arguments_taken(service.command, [word for word in service.arguments if word[:1] != "-"])
            words = [word for word in service.arguments if word[:1] != "-"][taken:]
            kept = _found(MasterCfEditor(after), change.name, change.type)
            now = kept.arguments if kept else ()
            lost = [word for word in words if now.count(word) < service.arguments.count(word)]
    return [f"{change} lost {word!r}" for word in lost]


def _not_undone(chance: random.Random, text: str) -> List[str]:
    """Whether one of the services does not come back as it was when it has been disabled."""
    master_cf = MasterCfEditor(text)
    services = [service for service in master_cf.services() if service.type in TYPES]
    if not services or len(master_cf.effective()) < len(master_cf.services()):
        return []
    service = chance.choice(services)
    master_cf.disable(service.name, service.type)
    gone = _found(master_cf, service.name, service.type) is None
    master_cf.put(ServiceChange(service.name, service.type))
    return [] if gone and master_cf.text == text else [f"{service} is disabled, and comes back otherwise"]


def _change(chance: random.Random, master_cf: MasterCfEditor) -> ServiceChange:
    name, kind = chance.choice(SERVICES)
    options = {option: chance.choice(VALUES) for option in chance.sample(OPTIONS, chance.randint(0, 2))}
    unset = [option for option in chance.sample(OPTIONS, chance.randint(0, 2)) if option not in options]
    command = chance.choice(COMMANDS)
    state = chance.choice(("present", "present", "present", "absent", "disabled"))
    change = ServiceChange(name, kind, state, command, options=options, unset_options=unset)
    for field, values in (("chroot", "yn-"), ("wakeup", ("-", "60", "1000?")), ("process_limit", ("-", "5", "12345"))):
        if chance.random() < 0.3:
            change = change._replace(**{field: chance.choice(values)})
    if command is None and state == "present" and not _found(master_cf, name, kind):
        change = change._replace(command="smtpd")
    return change


def _found(master_cf: MasterCfEditor, name: str, kind: str) -> Optional[Service]:
    same = [one for one in master_cf.effective() if identity(one.name, one.type) == identity(name, kind)]
    return same[-1] if same else None


def _others(master_cf: MasterCfEditor, change: ServiceChange) -> List[str]:
    wanted = identity(change.name, change.type)
    return [
        str(service._replace(line=0))
        for service in master_cf.services()
        if identity(service.name, service.type) != wanted
    ]


def _missing(master_cf: MasterCfEditor, change: ServiceChange) -> List[str]:
    service = _found(master_cf, change.name, change.type)
    if change.state != "present":
        return [f"{change} is still there: {service}"] if service else []
    if service is None:
        return [f"{change} did nothing"]
    got: Dict[str, object] = {name: getattr(service, name) for name in change.fields}
    got.update({name: service.option_values.get(name) for name in change.options})
    got.update({name: service.option_values.get(name) for name in change.unset_options})
    wanted: Dict[str, object] = dict(change.fields)
    wanted.update(change.options)
    wanted.update(dict.fromkeys(change.unset_options))
    missing = [f"{change}: {name} is {got[name]!r}" for name in wanted if got[name] != wanted[name]]
    if change.command is not None and _command(service) != change.command.split():
        missing.append(f"{change}: the command is {_command(service)}")
    return missing


def _command(service: Service) -> List[str]:
    words = [service.command] + [f"{{{word}}}" if " " in word else word for word in service.arguments]
    return " ".join(words).split()
