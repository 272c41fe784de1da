# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the programs of Postfix take on their command line, and what they die of there.

From the source: getopt(3) in master/single_server.c and its kin reads the options, and the first other word ends them;
what follows are the arguments, which each program reads by itself (smtp/smtp.c, pipe/pipe.c, spawn/spawn.c; in the
others "unexpected command-line argument"). A program dies as it starts, or of its first request; the master does not.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from .._base.records import NamedTuple
from .entry_words import FLAG_VALUES, takes_next
from .service import Service

_OPTIONS = "cdDi:lm:n:o:s:t:uvVz"
_FLAGS_SINCE = (3, 5)  # flags= of smtp(8) and lmtp(8)
_WRITE_OPTION = "Write -o name=value, or -o { name = value }"


class Grammar(NamedTuple):
    """What one program takes.

    :ivar options: letters, as getopt(3) has them
    :ivar attributes: the arguments ``name=value``: name, and the letters that the value may have if not all;
        ``argv`` is the last, whatever follows is its own
    :ivar required: attributes without which the program dies
    :ivar ignores: whether it goes on by itself where it has arguments
    """

    options: str
    attributes: Mapping[str, str] = MappingProxyType({})
    required: Sequence[str] = ()
    ignores: bool = False


_SINGLE, _MULTI, _DGRAM = _OPTIONS + "Sr:", _OPTIONS + "S", _OPTIONS
_ANY = ""
_CLIENT = Grammar(_SINGLE, {"flags": "DORX"})
_PIPE = dict.fromkeys(("user", "directory", "chroot", "eol", "null_sender", "size", "argv"), _ANY)
_GRAMMARS: Dict[str, Grammar] = {
    **dict.fromkeys(("anvil", "nqmgr", "oqmgr", "pickup", "proxymap", "qmgr", "scache"), Grammar(_MULTI)),
    **dict.fromkeys(("tlsmgr", "trivial-rewrite", "verify"), Grammar(_MULTI)),
    **dict.fromkeys(("bounce", "cleanup", "discard", "dnsblog", "error", "flush", "local"), Grammar(_SINGLE)),
    **dict.fromkeys(("qmqpd", "showq", "smtpd", "tlsproxy", "virtual"), Grammar(_SINGLE)),
    **dict.fromkeys(("nbdb_reindexd", "postscreen"), Grammar(_SINGLE, ignores=True)),
    "postlogd": Grammar(_DGRAM),
    "smtp": _CLIENT,
    "lmtp": _CLIENT,
    "pipe": Grammar(_SINGLE, {"flags": "BDFORX.>hqu", **_PIPE}, required=("user", "argv")),
    "spawn": Grammar(_SINGLE, {"user": _ANY, "argv": _ANY}, required=("user", "argv")),
}

#: the programs of which it is known what they take
PROGRAMS = frozenset(_GRAMMARS)


class BadCommandLine(NamedTuple):
    """Why a program does not work by its entry in master.cf.

    :ivar reason: goes behind the name of the program
    :ivar word: the first word that it does not take; empty where one is missing
    :ivar ignored: whether it works, but without that word and those behind it
    """

    reason: str
    remedy: str
    word: str = ""
    ignored: bool = False


def bad_command_line(service: Service, version: Tuple[int, ...]) -> Optional[BadCommandLine]:
    """Return what the program of a service dies of in its entry, or ignores there; None where all is well.

    Nothing is known of programs that are not Postfix's own.
    """
    program = service.program
    grammar = _GRAMMARS.get(program)
    if grammar is None:
        return None
    if grammar is _CLIENT and version < _FLAGS_SINCE:
        grammar = Grammar(_SINGLE)
    words = service.arguments
    wrong, index = _read_options(words, grammar.options)
    arguments = words[index:]
    if service.invalid or wrong == "-o":
        name, equals, _value = " ".join([*service.invalid[:1], *arguments[:1]]).partition("=")
        setting = " ".join(["-o", *name.split()[:1], *equals])
        return BadCommandLine(f"dies of {setting}, which is not a setting", _WRITE_OPTION, setting)
    if wrong:
        return BadCommandLine(f"dies of the option {wrong}", "Remove it", wrong)
    strays = arguments[_attributes(grammar, arguments) :]
    if not strays:
        return _bad_attributes(grammar, arguments)
    consequence = "ignores it and what follows" if grammar.ignores else "dies of it"
    if strays[0].startswith("-o"):
        reason, remedy = f"has an option behind its arguments, and {consequence}", "Write options before arguments"
    elif strays == arguments and service.options and strays[0][:1] != "#" and not arguments_taken(program, strays):
        name = service.options[-1][0]
        reason = f"has text behind -o {name} that is not part of the value, and {consequence}"
        remedy = f"Put name and value in braces, as in -o {{ {name} = ... }}, or remove that text"
    else:
        name, equals, _value = strays[0].partition("=")
        which = "takes no argument '#'" if name[:1] == "#" else f"takes no argument {name}="
        if not equals and name[:1] != "#":
            which = "has an argument that it does not take"
        reason, remedy = f"{which}, and {consequence}", "Remove it"
    return BadCommandLine(reason, remedy, strays[0], grammar.ignores)


def arguments_taken(program: str, words: Sequence[str]) -> int:
    """Return how many of the words behind the options a program takes, in the newest version."""
    grammar = _GRAMMARS.get(program.rpartition("/")[2])
    start = 1 if words and words[0] == "--" else 0
    return len(words) if grammar is None else start + _attributes(grammar, words[start:])


def _read_options(words: Sequence[str], known: str) -> Tuple[str, int]:
    """Return the first option that is wrong, and where the arguments begin. Settings by ``-o`` are not among them."""
    index = 0
    while index < len(words) and words[index][:1] == "-" and words[index] not in ("-", "--"):
        flag = words[index]
        index += 1
        for letter in flag[1:]:
            if letter not in known or letter in ":o":
                return f"-{letter}", index
            if letter in FLAG_VALUES:
                break
        if takes_next(flag):
            if index == len(words):
                return flag, index
            index += 1
    return "", index + (words[index : index + 1] == ("--",))


def _attributes(grammar: Grammar, words: Sequence[str]) -> int:
    """Return how many words from the first on are attributes of a program, or its command."""
    for index, word in enumerate(words):
        name, equals, _value = word.partition("=")
        if not equals or name.lower() not in grammar.attributes:
            return index
        if name.lower() == "argv":
            break
    return len(words)


def _bad_attributes(grammar: Grammar, words: Sequence[str]) -> Optional[BadCommandLine]:
    """Return what is wrong with arguments that are attributes."""
    given: List[str] = []
    for word in words:
        name, _equals, value = word.partition("=")
        given.append(name.lower())
        if given[-1] == "argv":
            break
        letters = grammar.attributes[given[-1]]
        unknown = [letter for letter in value if letters and letter not in letters]
        if unknown:
            reason = f"does not know the flag {unknown[0]!r}, and dies of it"
            return BadCommandLine(reason, f"Use flags among {letters}", word)
    for name in grammar.required:
        if name not in given:
            return BadCommandLine(f"has no {name}=, and dies of that", f"Add {name}=")
    return None
