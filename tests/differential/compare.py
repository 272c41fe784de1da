# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where our reading of a pair of files and postconf's differ."""

from __future__ import annotations

import re
from typing import Dict, List, Set, Tuple

from ansible_collections.mailfleet.postfix.plugins.module_utils._files.lines import Problem, logical_lines
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf_edit import MasterCfEditor
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_entry import Entry
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service import FIELDS

from .postconf import Answer, lines

# What keeps postconf from reading the files; everything else that we call an error kills the master or a daemon later.
FATAL_MAIN = ("missing attribute name", "missing '=' after attribute name")
FATAL_MASTER = ("bad field count", *(f"invalid {name} " for name in FIELDS[1:7]))
# A wakeup time that postconf lets through: the master dies of it.
NOT_FATAL = ('invalid wakeup field "-?"', 'invalid wakeup field "?"')
_MANGLED = re.compile(r"(?:[^ -~]|\?)+")
_BLANKS = re.compile(r"[ \t\r\n]+")


class _All(tuple):  # type: ignore[type-arg]
    """The names of all parameters."""

    def __contains__(self, name: object) -> bool:
        return True


def disagreements(main: str, master: str, answers: Dict[str, Answer]) -> List[str]:
    """One sentence for each difference."""
    found = []
    our_main, our_master = MainCf(main), MasterCfEditor(master)
    fatal = [line for line in lines(answers["main"].err) if ": fatal: " in line]
    expected = [p for p in our_main.problems() if p.severity == "error" and _said(p).startswith(FATAL_MAIN)]
    expected_master = [p for p in our_master.problems() if _said(p).startswith(FATAL_MASTER)]
    expected_master = [p for p in expected_master if not _said(p).startswith(NOT_FATAL)]
    if fatal or expected or expected_master:
        if not fatal:
            found.append(f"we see {expected + expected_master}, postconf nothing")
        elif not expected and not expected_master:
            found.append(f"postconf: {fatal[0]}; we: {our_main.problems()} {our_master.problems()}")
        elif not any(_same(fatal[0], problem) for problem in expected or expected_master):
            found.append(f"postconf: {fatal[0]}; we: {(expected or expected_master)[0]}")
        return found
    printed, unused = _printed(answers["main"])
    values = {name: value for name, value in our_main.values().items() if name != "mynetworks"}
    used = {name: _blanks(value) for name, value in values.items() if mangled(name) not in unused}
    found += _compare("parameter", used, printed)
    rest = {mangled(name): mangled(value) for name, value in values.items() if name not in used}
    found += _compare("unused parameter", rest, unused)
    found += _compare("main.cf warning", _warnings(our_main.problems(_All())), _warned(answers["main"]))
    entries = [Entry(line) for line in logical_lines(master) if not line.stray]
    found += _compare("entry", {str(n): _entry(e) for n, e in enumerate(entries)}, _numbered(answers["entries"]))
    found += _compare("field", _fields(entries), set(lines(answers["fields"].out)))
    found += _compare("option", _options(entries), set(lines(answers["options"].out)))
    found += _compare("master.cf warning", _word_problems(entries), _word_warnings(answers["entries"]))
    return found


def _said(problem: Problem) -> str:
    """What Postfix says, by our words."""
    match = re.search(r"\(line \d+; Postfix: (.*)\)\. [A-Z]", problem.message, re.S)
    return match.group(1) if match else ""


def _same(fatal: str, problem: Problem) -> bool:
    number = re.search(r"line (\d+)", fatal)
    reason = _said(problem).split(":")[0].split('"')[0]
    return reason in fatal and (number is None or int(number.group(1)) == problem.line)


def _compare(what: str, ours: object, theirs: object) -> List[str]:
    if ours == theirs:
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = [key for key in list(ours) + list(theirs) if ours.get(key) != theirs.get(key)]
        return [f"{what} {key!r}: we {ours.get(key)!r}, postconf {theirs.get(key)!r}" for key in sorted(set(keys))]
    assert isinstance(ours, set)
    assert isinstance(theirs, set)
    differences = [f"{what}: only we {text!r}" for text in ours - theirs]
    return differences + [f"{what}: only postconf {text!r}" for text in theirs - ours]


def mangled(text: str) -> str:
    """A text as a warning shows it: question marks for what is not printable."""
    return _MANGLED.sub("?", text)


def _blanks(text: str) -> str:
    return _BLANKS.sub(" ", text).strip(" ")


def _printed(answer: Answer) -> Tuple[Dict[str, str], Dict[str, str]]:
    """The parameters that postconf -n prints, and those that it warns of because nothing uses them."""
    found, unused = {}, {}
    for line in lines(answer.out):
        name, _equals, value = line.partition(" =")
        found[name] = value[1:]
    for line in lines(answer.err):
        match = re.match(r"postconf: warning: /cases/[^/]*/main\.cf: unused parameter: ([^=]*)=(.*)\Z", line, re.S)
        if match:
            unused[mangled(match.group(1))] = mangled(match.group(2))
    found.pop("mynetworks", None)
    found.pop("config_directory", None)
    return found, unused


def _warnings(problems: List[Problem]) -> Set[Tuple[int, str]]:
    found = set()
    for problem in problems:
        if _said(problem).startswith("overriding"):
            found.add((problem.line, mangled(_said(problem))))
        elif _said(problem).startswith("logical line must"):
            found.add((0, mangled(_said(problem))[: len("logical line must not start with whitespace")]))
    return found


def _warned(answer: Answer) -> Set[Tuple[int, str]]:
    found = set()
    for line in lines(answer.err):
        match = re.match(r"postconf: warning: /cases/[^/]*/main\.cf, line (\d+): (overriding.*)\Z", line, re.S)
        if match:
            found.add((int(match.group(1)), mangled(match.group(2))))
        match = re.match(r"postconf: warning: /cases/[^/]*/main\.cf: (logical line must.*)\Z", line, re.S)
        if match:
            found.add((0, mangled(match.group(1))[: len("logical line must not start with whitespace")]))
    return found


def _words(entry: Entry) -> str:
    """The words after the command, as postconf -M and -F print them: the first after the options never with braces."""
    words: List[Tuple[int, str]] = [(word.start, word.value) for word in entry.flags]
    for option in entry.options:
        text = entry.text[option.start : option.end]
        words.append((option.start, "-o " + _grouped(f"{option.name}={option.value}" if text[0] == "{" else text)))
    words += [(word.start, "-o " + _grouped(word.value)) for word in entry.invalid]
    words += [(word.start, _grouped(word.value) if index else word.value) for index, word in enumerate(entry.rest)]
    return "".join(" " + text for _start, text in sorted(words))


def _grouped(text: str) -> str:
    return f"{{{text}}}" if _BLANKS.search(text) else text


def _entry(entry: Entry) -> str:
    return " ".join(word.value for word in entry.fields) + _words(entry)


def _numbered(answer: Answer) -> Dict[str, str]:
    found = {}
    for number, line in enumerate(lines(answer.out)):
        match = re.match(r"((?:\S+ +){7}\S+)(.*)\Z", line, re.S)
        found[str(number)] = re.sub(" +", " ", match.group(1)) + match.group(2) if match else line
    return found


def _fields(entries: List[Entry]) -> Set[str]:
    found = set()
    for entry in entries:
        label = f"{entry.fields[0].value}/{entry.fields[1].value}/"
        for field, word in zip(FIELDS, entry.fields, strict=True):
            label_field = "service" if field == "name" else field
            found.add(f"{label}{label_field} = {word.value}" + (_words(entry) if field == "command" else ""))
    return found


def _options(entries: List[Entry]) -> Set[str]:
    values: Dict[Tuple[str, str], str] = {}
    for entry in entries:
        label = f"{entry.fields[0].value}/{entry.fields[1].value}"
        for option in entry.options:
            values[label, option.name] = option.value
    return {_blanks(f"{label}/{name} = {value}") for (label, name), value in values.items()}


def _word_problems(entries: List[Entry]) -> Set[str]:
    found = set()
    for entry in entries:
        for problem in entry.problems:
            if _said(problem).startswith(("missing '}'", "syntax error")):
                found.add(_said(problem))
    return found


def _word_warnings(answer: Answer) -> Set[str]:
    found = set()
    for line in lines(answer.err):
        match = re.match(r"postconf: warning: master\.cf: ((missing '}'|syntax error after).*)\Z", line, re.S)
        if match:
            found.add(match.group(1).partition(' in "')[0])
    return found
