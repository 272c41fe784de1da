# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examples as plays, all of which one run of ansible-playbook carries out on the host of the documentation.

In make test's share they run in check mode, without those that build on a change: a restart takes seconds.

What stands in an example for something that only the reader has, such as a token, is what the host has here; what an
example builds on is in `BEFORE`. A command (`ansible HOST -m MODULE -a OPTIONS`) is a task with the same options, which
Ansible reads by the same rules.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from typing import Any

import yaml
from pages import Example

OURS = "mailfleet.postfix."
Task = dict[str, Any]

#: both files as they were when the host came
RESET: Task = {
    "name": "Reset",
    "ansible.builtin.shell": "rm -rf /etc/postfix && cp -a /root/postfix.stock /etc/postfix",
}
ALL: Task = {"name": "Look", f"{OURS}postfix_interfaces_info": {"all_instances": True}, "register": "postfix"}
INFO: Task = {"name": "Look", f"{OURS}postfix_interfaces_info": {}, "register": "postfix"}
APPLY: Task = {"name": "Apply", f"{OURS}postfix_apply": {}}
CREATE: Task = {"name": "Create", f"{OURS}postfix_instance": {"name": "postfix-out"}}
REMOVE: Task = {"name": "Remove", f"{OURS}postfix_instance": {"name": "postfix-out", "state": "absent"}}
ROLE: Task = {"name": "Have the role", "ansible.builtin.import_role": {"name": f"{OURS}postfix_interfaces"}}


def waiting(number: int) -> Task:
    """A change that waits to be confirmed, and is another one than that of the number before."""
    interfaces = ["127.0.0.1", "::1", ("192.0.2.10", "192.0.2.20")[number % 2], "2001:db8::10"]
    options = {"inet_interfaces": interfaces, "apply": True, "confirm": 100}
    return {"name": "Change", f"{OURS}postfix_interfaces": options, "register": "change"}


#: tasks that an example builds on, by its page and how it begins
BEFORE: dict[tuple[str, str], list[Task]] = {
    ("plugins/modules/postfix_apply.py", ""): [CREATE, waiting(1)],
    ("plugins/filter/fleet_source_addresses.py", ""): [INFO],
    ("plugins/filter/gathered.py", ""): [ALL],
    ("plugins/modules/postfix_interfaces_info.py", ""): [APPLY],
    ("docs/layouts/multihomed_firewall.md", "Find out"): [
        {"name": "Draft", "ansible.builtin.command": "cp -a /etc/postfix /root/draft"}
    ],
    ("roles/postfix_interfaces/README.md", "Try the sockets from here"): [
        {**ROLE, "vars": {"postfix_interfaces_confirm": 100, "postfix_interfaces_inet_interfaces": "loopback-only"}}
    ],
    ("roles/postfix_interfaces/README.md", "postfix_interfaces_smtp_bind_address_enforce"): [CREATE],
}
#: tasks that put away what an example leaves
AFTER: dict[tuple[str, str], list[Task]] = {
    ("plugins/modules/postfix_apply.py", ""): [REMOVE],
    ("plugins/modules/postfix_interfaces.py", ""): [REMOVE],
    ("README.md", "Receive and send"): [REMOVE],
    ("roles/postfix_interfaces/README.md", "postfix_interfaces_smtp_bind_address_enforce"): [REMOVE],
}
#: what the host has for what only the reader has
PLACES = {
    "TOKEN": "{{ change.confirm.token }}",
    "2026-11-29T21:40:00Z": "{{ postfix.versions[-1].time }}",
}
#: make test's share
CHOSEN = "MAILFLEET_CHOSEN" in os.environ
HANDLERS: list[Task] = [
    {"name": "Reload Postfix", "ansible.builtin.command": "postfix reload"},
    {"name": "Restart Postfix", f"{OURS}postfix_apply": {}},
]


def identity(example: Example) -> str:
    """The name of an example."""
    return f"{example.page}:{example.line}"


def commands(example: Example) -> list[str]:
    """The lines of a block of commands, continued ones in one piece."""
    text = example.text.replace("\\\n", " ")
    return [re.sub(r"^\$ ", "", line.strip()) for line in text.splitlines() if line.strip()]


def is_ad_hoc(command: str) -> bool:
    """Whether a line calls ansible with a module of this collection."""
    return bool(re.match(r"ansible .* -m (mailfleet\.postfix\.)?postfix_", command))


def listed(for_examples: dict[tuple[str, str], Any], example: Example) -> list[Any]:
    """What is listed for an example."""
    return [
        value
        for (page, title), value in for_examples.items()
        if page == example.page and example.title.startswith(title)
    ]


def builds_on_a_change(example: Example) -> bool:
    """Whether an example makes no sense in check mode."""
    before = [task for tasks in listed(BEFORE, example) for task in tasks if task not in (ALL, INFO, APPLY)]
    return bool(before) or "/postfix_instance." in example.page or any(place in example.text for place in PLACES)


def plays_of(example: Example, variables: Task) -> Iterator[Task]:
    """The plays that carry out an example; `variables` are those that its page shows."""
    before = [task for tasks in listed(BEFORE, example) for task in tasks]
    if re.search(r"postfix_(interfaces|apply|instance)|lineinfile", example.text) and not CHOSEN:
        before.insert(0, RESET)
    if "T21:40:00Z" in example.text:
        before += [waiting(0), INFO]
    after = [task for tasks in listed(AFTER, example) for task in tasks]
    play: Task = {"hosts": "mail", "become": True, "ignore_errors": True, "check_mode": CHOSEN, "vars": variables}
    for parsed in _parsed(example):
        own = {**play, **parsed, "vars": {**play["vars"], **parsed.get("vars", {})}, "name": identity(example)}
        if "roles" not in own:
            own["handlers"] = HANDLERS
        own = {**own, "pre_tasks": before, "post_tasks": after, "gather_facts": False}
        yield json.loads(_in_place(json.dumps(own)))


def _in_place(text: str) -> str:
    for name, place in {**PLACES, "/tmp/base/inventory": "inventory"}.items():
        text = text.replace(name, json.dumps(place)[1:-1])
    return text


def _parsed(example: Example) -> list[Task]:
    """The plays of an example as it stands."""
    if example.kind == "indented" and is_ad_hoc(commands(example)[0]):
        tasks: list[Task] = []
        for number, command in enumerate(commands(example)):
            words = shlex.split(command)
            module = words[words.index("-m") + 1]
            if "TOKEN" in command:
                tasks.append(waiting(number))
            tasks.append(
                {
                    "name": command,
                    "check_mode": CHOSEN or "--check" in words,
                    "diff": "--diff" in words,
                    module if "." in module else OURS + module: words[words.index("-a") + 1] if "-a" in words else {},
                }
            )
        return [{"tasks": tasks}]
    parsed = yaml.safe_load(example.text)
    if isinstance(parsed, dict):  # variables of the role
        return [{"vars": parsed, "tasks": [{**ROLE, "check_mode": True}]}]
    return parsed if "hosts" in parsed[0] else [{"tasks": parsed}]
