# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user wants of one service of master.cf, and the checks that it changes nothing else there."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._base.words import HIDDEN, is_number, outline
from .endpoint import PortLookup, port_number, split_endpoint
from .entry_words import split_words, takes_next, unbraced
from .lines import Word, check_encoding, checked_value, is_parameter_name
from .service import FIELD_REMEDIES, FIELD_VALUES, TYPES

STATES = ("present", "absent", "disabled")

_PROGRAM = r"[A-Za-z0-9_./][A-Za-z0-9_./+-]*\Z"
_SERVICE_NAME = r"[^\x00-\x20\x7f#={}/-][^\x00-\x20\x7f={}/]*\Z"
_DIGITS = 9  # of more, the master can make a negative number, of which it dies


class ServiceChange(NamedTuple):
    """What is wanted of one service; what is None, or not in it, stays as it is.

    :ivar command: the program and its arguments as master.cf writes them, but without ``-o``
    :ivar unset_options: ``-o`` settings to remove
    """

    name: str
    type: str = "inet"
    state: str = "present"
    command: Optional[str] = None
    private: Optional[str] = None
    unprivileged: Optional[str] = None
    chroot: Optional[str] = None
    wakeup: Optional[str] = None
    process_limit: Optional[str] = None
    options: Mapping[str, str] = MappingProxyType({})
    unset_options: Sequence[str] = ()

    @property
    def fields(self) -> Dict[str, str]:
        """Return the other fields that are given."""
        return {name: getattr(self, name) for name in FIELD_VALUES if getattr(self, name) is not None}

    @property
    def program(self) -> Optional[str]:
        """Return the first word of the command."""
        return command_words(self.command)[0][0].value if self.command else None


def command_words(command: str) -> Tuple[List[Word], List[Word]]:
    """Return the program with the flags after it and their values, and the words after those."""
    words = [Word(start, end, unbraced(command[start:end])[0]) for start, end in split_words(command)]
    count = 1
    while count < len(words) and command[words[count].start] == "-" and words[count].value not in ("-", "--"):
        count += 1 + takes_next(words[count].value)
    return words[:count], words[count:]


def check_change(change: ServiceChange) -> None:
    """Refuse a change that could add a line, a service or an option, or that the master could not read."""
    label = f"{change.name}/{change.type}"
    if change.state not in STATES:
        raise InputError(f"state of {label}", change.state, "is not a state", f"Use {', '.join(STATES)}")
    if change.type not in TYPES:
        raise InputError(f"type of {label}", change.type, "is not a service type", f"Use {', '.join(TYPES)}")
    for name, value in change.fields.items():
        if not FIELD_VALUES[name](value):
            raise InputError(f"{name} of {label}", value, "is not a value of this field", FIELD_REMEDIES[name])
        if len(value.rstrip("?").lstrip("0")) > _DIGITS:
            raise InputError(f"{name} of {label}", value, "is larger than Postfix can count", "Use a smaller number")
    if change.type == "inet" and change.private not in (None, "n"):
        raise InputError(f"private of {label}", change.private, "makes an inet service private", "Write n")
    if change.command is not None:
        _check_command(f"command of {label}", change.command)
    for name in [*change.options, *change.unset_options]:
        if not is_parameter_name(name):
            raise InputError(f"options of {label}", name, "is not the name of a parameter", "Use letters, digits and _")
    for name, value in change.options.items():
        option = f"option {name} of {label}"
        if not isinstance(value, str):
            raise InputError(option, value, "is not text", "Put it in quotes")
        _check_text(option, value)
        if not _balanced(value):
            raise InputError(option, HIDDEN, "has braces that do not match", "Close every brace")
        if name in change.unset_options:
            remedy = "Give it in options or in unset_options"
            raise InputError(f"options of {label}", name, "is to be set and unset at once", remedy)


def check_name(change: ServiceChange, lookup: PortLookup) -> None:
    """Refuse a name for a new entry that the master or postconf could not work with."""
    name, label = change.name, f"name of {change.name}/{change.type}"
    check_encoding(label, name)
    if change.type == "inet":
        port = split_endpoint(name, label)[1]
        if not re.match(_SERVICE_NAME, name):
            raise InputError(label, name, "has characters that an endpoint cannot have", "Write [address]:port")
        number = port_number(port, lookup, label)
        if not number or is_number(port) and port.lstrip("0") != str(number):
            raise InputError(label, name, "has a port that does not exist", "Use a port from 1 to 65535")
    elif not re.match(_SERVICE_NAME, name):
        raise InputError(label, name, "is not the name of a service", "Use letters, digits, - and _")


def _check_command(label: str, command: str) -> None:
    _check_text(label, command)
    words = [command[start:end] for start, end in split_words(command.strip(" \t"))]
    if not words or not re.match(_PROGRAM, words[0]):
        remedy = "Write the program and its arguments"
        raise InputError(label, outline(command), "does not start with the name of a program", remedy)
    for number, word in enumerate(words, start=1):
        if unbraced(word)[1] or not _balanced(word):
            reason = f"has braces that do not match in its word {number}"
            raise InputError(label, outline(command), reason, "Close every brace")
        if word[0] == "#":
            raise InputError(
                label, outline(command), "has a comment, which Postfix would take for an argument", "Leave it out"
            )
    after_flag = False
    for word in (unbraced(word)[0] for word in words[1:]):
        # The daemons see no braces, and take the word behind a flag such as -m for its argument.
        if word[:1] != "-" and not after_flag or word in ("-", "--"):
            break
        after_flag = word[:1] == "-"
        if after_flag and "o" in word[1:]:
            raise InputError(label, outline(command), "has -o settings in it", "Give them as options")


def _check_text(label: str, text: str) -> None:
    """Refuse a text that Postfix would not read back, without saying it: it may hold a password."""
    try:
        checked_value(label, text)
    except InputError as error:
        raise InputError(label, HIDDEN, error.reason, error.remedy) from None


def _balanced(text: str) -> bool:
    level = 0
    for brace in re.findall("[{}]", text):
        level += 1 if brace == "{" else -1
        if level < 0:
            return False
    return not level
