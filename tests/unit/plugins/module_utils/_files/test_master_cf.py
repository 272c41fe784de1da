# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.command_line import bad_command_line
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.endpoint import PortLookup, identity, known_port
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.lines import logical_lines
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf import MasterCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf_edit import MasterCfEditor
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_entry import Entry
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service import TYPES, Service
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.tests.unit.processor_time import within
from hypothesis import assume, given
from hypothesis import strategies as st


def stock(name: str) -> str:
    """A file laid out like the one that Debian installs."""
    return (Path(__file__).parent / "stock" / name).read_text(encoding="utf-8")


SMTP = "smtp      inet  n       -       y       -       -       smtpd\n"

FRAGMENTS = [
    "smtp inet n - y - - smtpd",
    "smtp\tinet\tn\t-\tn\t-\t-\tsmtpd",
    "25 inet n - - - 0 smtpd -v",
    "[::1]:2525 inet  n       -       n       -       -       smtpd",
    "relay     unix  -       -       y       -       -       smtp\n        -o syslog_name=${a?{b c}:{d}}/$e",
    "relay unix n - - - - lmtp",
    "pipe unix - n n - - pipe\n  flags=R user=x argv=/bin/x\n  ${a} b",
    "spawn unix - n n - 0 spawn user=x argv={/bin/x a}",
    "short inet n",
    "bad tcp n - - - - smtpd",
    "\n",
    "\n",
    "\r\n",
    "\n\n",
    "\n# prose about it\n",
    "\n  # indented\n",
    "\n#  -o commented=x\n",
    "\n#smtps inet n - y - - smtpd\n#  -o a=b\n#     prose\n#  -o c=d\n",
    "\n#smtp inet n - y - - smtpd\n#  -o content_filter=x\n",
    "\n#25 inet n - y - 1 postscreen\n",
    "\n#relay unix - - y - - smtp\n    #-o a=b\n",
    "\n# mailfleet.postfix disabled the next 2 lines\n#smtp inet n - y - - smtpd\n#\t-o a=b\n",
    "\n# BEGIN x\n",
    "\n# END x\n",
    "\n  -o smtpd_banner=x",
    " -o a=b -o c=d",
    " -oa=b",
    "\n\t-o { smtpd_banner = x y }",
    " -o\n  a=b",
    " -vo a=b",
    " -o {a=b",
    " -o stray =x",
    " #late",
    "\0",
    "\x0b",
    "é\udcff",
]
FILES = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)
SERVICES = st.sampled_from(
    [("smtp", "inet"), (":25", "inet"), ("::1:2525", "inet"), ("relay", "unix"), ("new", "pass")]
)
OPTION_NAMES = st.sampled_from(["a", "c", "smtpd_banner", "syslog_name"])
OPTION_VALUES = st.sampled_from(["", "x", "x y", "$a,b", "${a?{b c}:{d}}", "a=b", "{x}", "é", "-o z=1", "x\ty", "x #y"])
# A file with one entry at least that the test is about.
ABOUT = st.sampled_from(FRAGMENTS[:6]).flatmap(
    lambda entry: st.tuples(
        st.tuples(FILES, FILES).map(lambda around: f"{around[0]}\n{entry}\n{around[1]}"),
        st.just((entry.split()[0], entry.split()[1])),
    )
)
CHANGES = st.builds(
    lambda service, **rest: ServiceChange(*service, **rest),
    SERVICES,
    command=st.sampled_from([None, "smtpd", "smtpd -v", "pipe -v flags=R argv=x {y z}", "spawn user=x"]),
    chroot=st.sampled_from([None, "y", "n", "-"]),
    wakeup=st.sampled_from([None, "-", "60", "1000?"]),
    process_limit=st.sampled_from([None, "-", "5", "123456789"]),
    options=st.dictionaries(OPTION_NAMES, OPTION_VALUES, max_size=2),
)


def put(text: str, name: str, type: str = "inet", **change: Any) -> str:
    master_cf = MasterCfEditor(text)
    master_cf.put(ServiceChange(name, type, **change))
    return master_cf.text


def without_line(services: List[Service]) -> List[Service]:
    return [service._replace(line=0) for service in services]


def find(
    master_cf: MasterCfEditor, name: str, type: str = "inet", lookup: PortLookup = known_port
) -> Optional[Service]:
    """The service that counts, in whatever spelling of its name."""
    wanted = identity(name, type, lookup)
    same = [one for one in master_cf.effective() if identity(one.name, one.type, lookup) == wanted]
    return same[-1] if same else None


def others(master_cf: MasterCfEditor, change: ServiceChange) -> List[Service]:
    wanted = identity(change.name, change.type)
    return without_line([one for one in master_cf.services() if identity(one.name, one.type) != wanted])


def duplicates(master_cf: MasterCfEditor) -> List[int]:
    """The lines of the entries that do not count."""
    counting = master_cf.effective()
    return [service.line for service in master_cf.services() if service not in counting]


def stray(text: str) -> bool:
    """Whether the program of an entry has an argument there that it does not take."""
    bad = [bad_command_line(service, (3, 12)) for service in MasterCf(text).services()]
    return any(each and each.word for each in bad)


def swallows(text: str) -> bool:
    """Whether an open brace among the options of an entry makes the rest of it one word."""
    return any(Entry(line).swallows for line in logical_lines(text))


# --- reading


@given(st.one_of(FILES, st.text()))
def test_an_unedited_file_is_printed_as_it_was_read(text: str) -> None:
    master_cf = MasterCfEditor(text)
    master_cf.services()
    master_cf.problems()
    assert master_cf.text == text


@pytest.mark.parametrize(
    "words, arguments, options",
    [
        ("smtpd", (), ()),
        ("smtpd -v -o a=b", ("-v",), (("a", "b"),)),
        ("smtpd\n  -o a=b\n# x\n\n\t-o c=d", (), (("a", "b"), ("c", "d"))),
        ("smtpd -o a= -o b==", (), (("a", ""), ("b", "="))),
        ("smtpd -oa=b", (), (("a", "b"),)),
        ("smtpd -vo a=b -Do c=d", ("-v", "-D"), (("a", "b"), ("c", "d"))),
        ("smtpd -voa=b", ("-v",), (("a", "b"),)),
        ("smtpd -o { a = b  c }", (), (("a", "b  c"),)),
        ("smtpd -o {a=b}", (), (("a", "b"),)),
        ("smtpd -o {\ta\n = b\n c\t}", (), (("a", "b c"),)),
        ("smtpd -o { a = {b} {c} }", (), (("a", "{b} {c}"),)),
        ("smtpd -o a=${b?{c d}:{e}}/f -o g=h", (), (("a", "${b?{c d}:{e}}/f"), ("g", "h"))),
        ("smtpd -o a=b} -o c=d", (), (("a", "b}"), ("c", "d"))),
        ("smtpd -o\n  a=b", (), (("a", "b"),)),
        ("smtpd -o a=b -o a=c", (), (("a", "b"), ("a", "c"))),
        ("pipe flags=R -o a=b", ("flags=R", "-o", "a=b"), ()),
        ("pipe -o a=b flags=R {argv=x y}", ("flags=R", "argv=x y"), (("a", "b"),)),
        ("pipe -- -o a=b", ("--", "-o", "a=b"), ()),
        ("pipe - -o a=b", ("-", "-o", "a=b"), ()),
        ("smtpd -o a =b -o c=d", ("=b", "-o", "c=d"), ()),
        ("smtpd -o a=b # c", ("#", "c"), (("a", "b"),)),
        ("smtpd -o a=b\0 -o c=d", (), (("a", "b"),)),
        ("smtpd -o a=b\x0b-o", (), (("a", "b\x0b-o"),)),
        ("smtpd -o a=b\r\n  -o c=d\r", (), (("a", "b"), ("c", "d"))),
        ("smtpd -o {a=b -o c=d", (), (("a", "b -o c=d"),)),
        ("smtpd -o {a=b}x -o c=d", (), (("a", "b"), ("c", "d"))),
        # The daemons take the rest of the word; postconf splits at every further o, and takes braces off.
        ("smtpd -omyhostname=foo", (), (("myhostname", "foo"),)),
        ("smtpd -o{a=b}", (), (("{a", "b}"),)),
    ],
)
def test_the_words_of_a_command(words: str, arguments: Tuple[str, ...], options: Tuple[Tuple[str, str], ...]) -> None:
    [service] = MasterCfEditor(f"smtp inet n - y - - {words}\n").services()
    assert (service.command, service.arguments, service.options) == (words.split()[0], arguments, options)


def test_fields_are_those_in_the_file() -> None:
    [service] = MasterCfEditor("# x\n[::1]:25\tinet\n n - y\n# y\n 60? 0\n smtpd\n").services()
    assert service == Service("[::1]:25", "inet", "n", "-", "y", "60?", "0", "smtpd", line=2)


@pytest.mark.parametrize(
    "text, problems",
    [
        (SMTP, []),
        (
            " " + SMTP,
            [
                (
                    "warning: master.cf: 'smtp ...' starts with white space, and Postfix "
                    "ignores it (line 1; Postfix: logical line must not start with whitespace). Remove the white space "
                    "before it, or the line."
                ),
            ],
        ),
        (
            "smtp inet n - y - smtpd",
            [
                (
                    "error: services: 'smtp ...' ends before the field command (line 1; Postfix: bad "
                    'field count: missing "command" field). Write all eight fields, or '
                    "remove the line."
                ),
            ],
        ),
        (
            "smtp inet - - y - - smtpd",
            [
                (
                    "error: private of smtp/inet: '-' makes an inet service private (line 1; Postfix: inet service "
                    "cannot be private). Write n."
                ),
            ],
        ),
        (
            "smtp INET n - y - - smtpd",
            [
                (
                    "error: type of smtp/INET: 'INET' is not a service type (line 1; Postfix: invalid type field "
                    '"INET": bad transport type). Use inet, unix, unix-dgram, fifo, pass.'
                ),
            ],
        ),
        (
            "smtp unix Y - y - - smtpd",
            [
                (
                    "error: private of smtp/unix: 'Y' is not a value of this field (line 1; Postfix: invalid "
                    'private field "Y"). Use y, n or -.'
                ),
            ],
        ),
        (
            "smtp inet n - y - x smtpd",
            [
                (
                    "error: process_limit of smtp/inet: 'x' is not a value of this field (line 1; Postfix: invalid "
                    'process_limit field "x"). Use a number or -.'
                ),
            ],
        ),
        (
            "smtp inet n - y -? - smtpd",
            [
                (
                    "error: wakeup of smtp/inet: '-?' is not a value of this field (line 1; Postfix: invalid wakeup "
                    'field "-?"). Use a number of seconds, with or without ? behind it, or -.'
                ),
            ],
        ),
        (
            "smtp inet n - y ? - smtpd",
            [
                (
                    "error: wakeup of smtp/inet: '?' is not a value of this field (line 1; Postfix: invalid wakeup "
                    'field "?"). Use a number of seconds, with or without ? behind it, or -.'
                ),
            ],
        ),
        (
            "10.0.0.1 inet n - y - - smtpd",
            [
                (
                    "error: name of 10.0.0.1/inet: '10.0.0.1' is not an endpoint: garbage after numerical service "
                    "(line 1). Write port, host:port or [address]:port."
                ),
            ],
        ),
        (
            "SMTP inet n - y - - smtpd",
            [
                (
                    "error: name of SMTP/inet: 'SMTP' is not a known port: Servname not supported for ai_socktype "
                    "(line 1). Write its number."
                ),
            ],
        ),
        (
            "65536 inet n - y - - smtpd",
            [
                (
                    "warning: name of 65536/inet: '65536' has a port that does not exist, and so the system chooses "
                    "one (line 1). Use a port from 1 to 65535."
                ),
            ],
        ),
        (
            "smtp inet n - y - - smtpd -o {a=b",
            [
                (
                    "error: services: 'smtp/inet' has a brace that is not closed (line 1; Postfix: missing '}'). "
                    "Close the brace."
                ),
            ],
        ),
        (
            "smtp inet n - y - - smtpd -o {a=b}c",
            [
                (
                    "error: services: 'smtp/inet' has text directly after a closing brace (line 1; Postfix: syntax "
                    "error after '}'). Write a blank after the brace."
                ),
            ],
        ),
        (
            "smtp inet n - y - - smtpd x {a",
            [
                (
                    "error: services: 'smtp/inet' has a brace that is not closed "
                    "(line 1; Postfix: missing '}'). Close the brace."
                ),
            ],
        ),
        (
            "smtp inet n - y - - smtpd -o a =b",
            [
                (
                    "error: smtp/inet: '-o a' is not a setting (line 1; Postfix: invalid \"-o a\" option value: "
                    "missing '=' after attribute name). Write -o name=value, or -o { name = value }."
                ),
            ],
        ),
        (
            "smtp inet n - y - - smtpd -o",
            [
                (
                    "error: smtp/inet: '-o' is not followed by name=value (line 1; Postfix: option \"-o\" requires "
                    "name=value). Write -o name=value, or -o { name = value }."
                ),
            ],
        ),
        (
            "smtp inet n - y - - smtpd -o{a=b}",
            [
                (
                    "warning: smtp/inet: '-o{' has a brace that the daemon takes for text (line 1). Write a "
                    "blank before the brace."
                ),
            ],
        ),
        (
            "smtp inet n - y - - smtpd # x",
            [
                (
                    "warning: smtp/inet: '#' is an argument, although it looks like a comment (line 1). Write "
                    "comments on lines of their own."
                ),
            ],
        ),
        (
            "smtp inet n - y - - smtpd -o a=b -o a=c",
            [
                (
                    "warning: smtp/inet: '-o a' is set more than once, and only the last one counts (line 1). Keep "
                    "one of them."
                ),
            ],
        ),
        (
            "smtp\n inet n - y - - smtpd",
            [
                (
                    "warning: services: 'smtp/inet' has its name and its type on two lines, and so postconf refuses "
                    "to edit the file (line 1). Join the lines."
                ),
            ],
        ),
        (
            "smtp inet n - y - - smtpd\0 x",
            [
                (
                    "warning: master.cf: 'smtp ...' has a null byte, and Postfix ignores the "
                    "text after it (line 1; Postfix: text after null byte is ignored). Remove the null byte."
                ),
            ],
        ),
        (
            SMTP + "\n25 inet n - - - - smtpd",
            [
                (
                    "warning: services: 'smtp/inet' is replaced by the entry in line 3 (line 1; Postfix: duplicate "
                    'master.cf entry for service "smtp"). Keep one entry.'
                ),
            ],
        ),
        ("a unix n - - - - x\na unix - - - - - x\n", []),
    ],
)
def test_what_postfix_would_complain_about(text: str, problems: List[str]) -> None:
    assert [f"{problem.severity}: {problem.message}" for problem in MasterCf(text).problems()] == problems


def test_the_last_entry_of_one_identity_counts() -> None:
    master_cf = MasterCfEditor(
        "smtp inet n - y - - smtpd\n10.0.0.1:25 inet n - n - - smtpd\n:25 inet n - - - - smtpd -v\n"
    )
    assert [service.line for service in master_cf.services()] == [1, 2, 3]
    assert [service.line for service in master_cf.effective()] == [2, 3]
    found = find(master_cf, "25")
    assert found is not None
    assert (found.name, found.line) == (":25", 3)
    assert find(master_cf, "25", "unix") is None
    assert duplicates(master_cf) == [1]


def test_ports_are_known_by_the_lookup_that_is_given() -> None:
    text = "urd inet n - - - - smtpd\n465 inet n - - - - smtpd\n"
    assert len(MasterCfEditor(text).effective()) == 2
    assert len(MasterCfEditor(text, {"urd": 465}.get).effective()) == 1
    assert find(MasterCfEditor(text, {"urd": 465}.get), "urd", lookup={"urd": 465}.get) is not None


def test_unlisted_services_are_those_of_no_given_identity() -> None:
    master_cf = MasterCfEditor(
        SMTP + "[::1]:25 inet n - - - - smtpd\n2525 inet n - - - - smtpd\nx unix - - - - - smtp\n"
    )
    assert [one.name for one in master_cf.unlisted([("25", "inet"), ("2525", "unix")])] == ["[::1]:25", "2525"]


def test_meaning_ignores_what_makes_no_difference() -> None:
    [one] = MasterCfEditor("a unix - - y - - smtp -v -o a=b -o c=d\n").services()
    [two] = MasterCfEditor("a  unix y y y 0 -\n  smtp -o c=x -o c=d -v -o { a = b }\n").services()
    [three] = MasterCfEditor("a  unix y y y 0 -\n  smtp -v -o c=d -o { a = b x }\n").services()
    assert one.meaning == two.meaning != three.meaning


# --- editing one entry


@pytest.mark.parametrize(
    "before, change, after",
    [
        # One field: the columns stay where they are.
        ("", {"chroot": "n"}, "smtp      inet  n       -       n       -       -       smtpd\n"),
        ("", {"wakeup": "1000?"}, "smtp      inet  n       -       y       1000?   -       smtpd\n"),
        ("", {"process_limit": "123456789"}, "smtp      inet  n       -       y       -       123456789 smtpd\n"),
        ("smtp\tinet\tn\t-\ty\t-\t-\tsmtpd\n", {"process_limit": "100"}, "smtp\tinet\tn\t-\ty\t-\t100\tsmtpd\n"),
        ("smtp inet n - y - 100 smtpd", {"process_limit": "-"}, "smtp inet n - y - -   smtpd"),
        ("smtp inet n - y\n  - 100\n  smtpd\n", {"process_limit": "-"}, "smtp inet n - y\n  - -\n  smtpd\n"),
        ("", {"chroot": "y", "private": "n", "command": "smtpd"}, SMTP),
        # The command: words that stay keep their place.
        ("", {"command": "postscreen"}, "smtp      inet  n       -       y       -       -       postscreen\n"),
        ("smtp inet n - y - - smtpd -v -o a=b\n", {"command": "smtpd"}, "smtp inet n - y - - smtpd -o a=b\n"),
        ("smtp inet n - y - - smtpd\n  -o a=b\n", {"command": "smtpd -v"}, "smtp inet n - y - - smtpd -v\n  -o a=b\n"),
        ("smtp inet n - y - - smtpd -vo a=b\n", {"command": "smtpd"}, "smtp inet n - y - - smtpd -o a=b\n"),
        ("smtp inet n - y - - smtpd -o\n", {"command": "smtpd"}, "smtp inet n - y - - smtpd\n"),
        ("smtp inet n - y - - smtpd -vorx\n", {"command": "smtpd"}, "smtp inet n - y - - smtpd -orx\n"),
        ("smtp inet n - y - - smtpd -vo\n", {"command": "smtpd"}, "smtp inet n - y - - smtpd\n"),
        (
            "smtp inet n - y - - pipe\n  # flags\n  flags=R user=x\n  argv=a b c\n",
            {"command": "pipe flags=R user=x argv=a x c"},
            "smtp inet n - y - - pipe\n  # flags\n  flags=R user=x\n  argv=a x c\n",
        ),
        ("smtp inet n - y - - x -o a=b\n", {"command": "x -v y z"}, "smtp inet n - y - - x -v -o a=b y z\n"),
        ("smtp inet n - y - - x {a b}\n", {"command": "x  {a b}"}, "smtp inet n - y - - x {a b}\n"),
        ("smtp inet n - y - - x { a b }\n", {"command": "x {a c}"}, "smtp inet n - y - - x {a c}\n"),
        # An option that is there: its value alone.
        ("smtp inet n - y - - x -o a=b -o c=d\n", {"options": {"a": "x"}}, "smtp inet n - y - - x -o a=x -o c=d\n"),
        ("smtp inet n - y - - x -o a=b\n", {"options": {"a": "b"}}, "smtp inet n - y - - x -o a=b\n"),
        ("smtp inet n - y - - x -o a=\n", {"options": {"a": "b"}}, "smtp inet n - y - - x -o a=b\n"),
        ("smtp inet n - y - - x -o a=b\n", {"options": {"a": ""}}, "smtp inet n - y - - x -o a=\n"),
        ("smtp inet n - y - - x -oa=b -v\n", {"options": {"a": "x"}}, "smtp inet n - y - - x -oa=x -v\n"),
        ("smtp inet n - y - - x -oa=b -v\n", {"options": {"a": "x y"}}, "smtp inet n - y - - x -o { a = x y } -v\n"),
        ("smtp inet n - y - - x -o a=b\n", {"options": {"a": "x y"}}, "smtp inet n - y - - x -o { a = x y }\n"),
        ("smtp inet n - y - - x -o { a = b c }\n", {"options": {"a": "x"}}, "smtp inet n - y - - x -o { a = x }\n"),
        ("smtp inet n - y - - x -o { a = }\n", {"options": {"a": "x"}}, "smtp inet n - y - - x -o { a = x }\n"),
        ("smtp inet n - y - - x -o {a=}\n", {"options": {"a": "x"}}, "smtp inet n - y - - x -o {a=x}\n"),
        (
            "smtp inet n - y - - x -o { a = b\n  # y\n c}\n",
            {"options": {"a": "x"}},
            "smtp inet n - y - - x -o { a = x\n  # y\n }\n",
        ),
        ("smtp inet n - y - - x -o {a=b\n", {"options": {"a": "x"}}, "smtp inet n - y - - x -o a=x\n"),
        ("smtp inet n - y - - x -o {a=b}c\n", {"options": {"a": "x"}}, "smtp inet n - y - - x -o a=x\n"),
        (
            "smtp inet n - y - - x -o a=1 -o b=2 -o a=3\n",
            {"options": {"a": "4"}},
            "smtp inet n - y - - x -o b=2 -o a=4\n",
        ),
        (
            "smtp inet n - y - - x -o a=b",
            {"options": {"a": "${x?{y z}:{}}"}},
            "smtp inet n - y - - x -o a=${x?{y z}:{}}",
        ),
        # A new option: in the layout of the entry.
        ("", {"options": {"a": "b"}}, SMTP + "  -o a=b\n"),
        ("smtp inet n - y - - x -o c=d\n", {"options": {"a": "b c"}}, "smtp inet n - y - - x -o c=d -o { a = b c }\n"),
        ("smtp inet n - y - - x\n\t-o c=d\n", {"options": {"a": "b"}}, "smtp inet n - y - - x\n\t-o c=d\n\t-o a=b\n"),
        (
            "smtp inet n - y - - x\r\n -o c=d\r\n",
            {"options": {"a": "b"}},
            "smtp inet n - y - - x\r\n -o c=d\r\n -o a=b\r\n",
        ),
        ("smtp inet n - y - - x", {"options": {"a": "b"}}, "smtp inet n - y - - x\n  -o a=b"),
        (
            "smtp inet n - y - - x\n  -o c=d -o e=f\n",
            {"options": {"a": "b"}},
            "smtp inet n - y - - x\n  -o c=d -o e=f -o a=b\n",
        ),
        ("smtp inet n - y - - x\n  flags=R\n", {"options": {"a": "b"}}, "smtp inet n - y - - x\n  -o a=b\n  flags=R\n"),
        ("smtp inet n - y - - x flags=R\n", {"options": {"a": "b"}}, "smtp inet n - y - - x -o a=b flags=R\n"),
        (
            "smtp inet n - y - - x -o bad flags=R\n",
            {"options": {"a": "b"}},
            "smtp inet n - y - - x -o bad -o a=b flags=R\n",
        ),
        (
            "smtp inet n - y - - x\n  -o c=d\n# why e\n  -o e=f\n# end\n",
            {"options": {"a": "b", "c": "x"}},
            "smtp inet n - y - - x\n  -o c=x\n# why e\n  -o e=f\n  -o a=b\n# end\n",
        ),
        ("smtp inet n - y - - x -o {b=c y\n", {"options": {"a": "b"}}, "smtp inet n - y - - x -o a=b -o {b=c y\n"),
        ("smtp inet n - y - - x -o b={c y\n", {"options": {"a": "b"}}, "smtp inet n - y - - x -o a=b -o b={c y\n"),
        ("smtp inet n - y - - x {a b\n", {"command": "x {a b}"}, "smtp inet n - y - - x {a b}\n"),
        (
            "smtp inet n - y - - x -o {b=c y\n",
            {"options": {"b": "c"}, "command": "x y"},
            "smtp inet n - y - - x -o b=c y\n",
        ),
        # An "o" in a value is the letter of an option to postconf, where the value's own is not apart.
        ("smtp inet n - y - - x -voa=b y\n", {"options": {"a": "no"}}, "smtp inet n - y - - x -vo a=no y\n"),
        ("smtp inet n - y - - x -oa=b\n", {"options": {"a": "{-o c=d}"}}, "smtp inet n - y - - x -o a={-o c=d}\n"),
        ("smtp inet n - y - - x -oa=b\n", {"options": {"a": "c"}}, "smtp inet n - y - - x -oa=c\n"),
        # An option less: with its line, if it had one.
        ("smtp inet n - y - - x\n  -o a=b\n  -o c=d\n", {"unset_options": ["a"]}, "smtp inet n - y - - x\n  -o c=d\n"),
        ("smtp inet n - y - - x\n  # why\n  -o a=b\n", {"unset_options": ["a"]}, "smtp inet n - y - - x\n  # why\n"),
        ("smtp inet n - y - - x -o a=b -o c=d y\n", {"unset_options": ["a", "c"]}, "smtp inet n - y - - x y\n"),
        ("smtp inet n - y - - x -o a=b -v -o a=c\n", {"unset_options": ["a"]}, "smtp inet n - y - - x -v\n"),
        ("smtp inet n - y - - x -vo a=b y\n", {"unset_options": ["a"]}, "smtp inet n - y - - x -v y\n"),
        ("smtp inet n - y - - x -voa=b y\n", {"unset_options": ["a"]}, "smtp inet n - y - - x -v y\n"),
        ("smtp inet n - y - - x -o\n  a=b y\n", {"unset_options": ["a"]}, "smtp inet n - y - - x\n  y\n"),
        ("smtp inet n - y - - x -o\n  a=b\n", {"unset_options": ["a"]}, "smtp inet n - y - - x\n"),
        ("smtp inet n - y - - x\n  -o a=b #y\n", {"unset_options": ["a"]}, "smtp inet n - y - - x #y\n"),
        ("smtp inet n - y - - x\n", {"unset_options": ["a"]}, "smtp inet n - y - - x\n"),
        # The place of an option that goes is the place of the one that comes.
        (
            "smtp inet n - y - - x\n\t-o a=b\n",
            {"options": {"c": "d"}, "unset_options": ["a"]},
            "smtp inet n - y - - x\n\t-o c=d\n",
        ),
        # Duplicates: one is left, where the effective one was.
        (
            "25 inet n - - - - x\n# a\n" + SMTP + "# b\n" + SMTP + "# c\n",
            {"options": {"a": "b"}},
            "# a\n# b\n" + SMTP + "  -o a=b\n# c\n",
        ),
        ("25 inet n - - - - x\n# a\n" + SMTP, {"chroot": "y"}, "# a\n" + SMTP),
    ],
)  # fmt: skip
def test_an_edit_is_the_least_one(before: str, change: Dict[str, Any], after: str) -> None:
    assert put(before or SMTP, "smtp", **change) == after
    surrounded = f"# x\na unix - - - - - y\n\n{before or SMTP}"
    assert put(surrounded, ":25", **change) == f"# x\na unix - - - - - y\n\n{after}"


def test_an_open_brace_that_would_swallow_the_arguments_is_an_error() -> None:
    text = "smtp inet n - y - - x -o {b=c y\n"
    master_cf = MasterCfEditor(text)
    with pytest.raises(InputError, match="command of smtp/inet: 'x ...' would be swallowed by a brace"):
        master_cf.put(ServiceChange("smtp", command="x y", chroot="n", options={"c": "d"}))
    assert master_cf.text == text


SUBMISSION = "submission inet n - y - - smtpd"
LOOSE = (
    f"{SUBMISSION}\n  -o syslog_name=postfix/submission\n"
    "  -o smtpd_recipient_restrictions=permit_sasl_authenticated, reject\n"
    "  -o milter_macro_daemon_name=ORIGINATING\n"
)


@pytest.mark.parametrize(
    "text",
    [
        LOOSE,
        f"{SUBMISSION} -o smtpd_banner=a b -o c=d",
        f"{SUBMISSION} -o smtpd_banner=a b -o e=f g\n",
        f"{SUBMISSION} -o smtpd_banner = a -o c=d\n",
        f"{SUBMISSION} # why\n  -o c=d\n",
        f"{SUBMISSION}\n  -o smtpd_banner=a\n  b\n# c\n  -o d=e\n",
        f"{SUBMISSION} word\n",
        "submission inet n - y - - postscreen -o a=b c -o d=e\n",
        "submission inet n - y - - smtp flags=R -o a=b\n",
        "submission inet n - y - - pipe -o a=b c flags=R argv=x\n",
    ],
)
@pytest.mark.parametrize("flags", ["", " -v"])
def test_no_command_drops_what_is_not_an_argument(text: str, flags: str) -> None:
    master_cf = MasterCfEditor(f"{SMTP}{text}")
    program = master_cf.services()[1].command
    with pytest.raises(InputError) as caught:
        master_cf.put(ServiceChange("submission", command=program + flags, chroot="n", options={"syslog_name": "x"}))
    assert "in braces, as in -o { name = value }" in caught.value.remedy
    assert master_cf.text == f"{SMTP}{text}"


@pytest.mark.parametrize(
    "text, change, expected",
    [
        (LOOSE, {"chroot": "n"}, LOOSE.replace(" y ", " n ")),
        (LOOSE, {"options": {"syslog_name": "x"}}, LOOSE.replace("postfix/submission", "x")),
        (
            LOOSE,
            {"options": {"a": "b"}},
            LOOSE.replace("  -o smtpd_rec", "  -o a=b\n  -o smtpd_rec"),
        ),
        (
            f"{SUBMISSION}\n# why\n  -o a=b c\n",
            {"options": {"d": "e"}},
            f"{SUBMISSION}\n  -o d=e\n# why\n  -o a=b c\n",
        ),
        (f"{SUBMISSION} -o a=b c\n", {"options": {"d": "e"}}, f"{SUBMISSION} -o d=e -o a=b c\n"),
        (f"{SUBMISSION} -o a = b\n", {"options": {"d": "e"}}, f"{SUBMISSION} -o d=e -o a = b\n"),
    ],
)
def test_what_is_not_an_argument_stays_where_it_is(text: str, change: Dict[str, Any], expected: str) -> None:
    assert put(text, "submission", **change) == expected


@pytest.mark.parametrize(
    "text, options, expected",
    [
        (
            LOOSE,
            {"smtpd_recipient_restrictions": "permit_sasl_authenticated, reject"},
            LOOSE.replace("smtpd_rec", "{ smtpd_rec").replace("ions=", "ions = ").replace("reject", "reject }"),
        ),
        (
            f"{SUBMISSION}\n  -o a=b,\n    c,\n# why\n    d\n  -o e=f g\n  -o h=i\n",
            {"a": "b, c, d", "e": "f  g", "h": "j"},
            f"{SUBMISSION}\n  -o {{ a = b, c, d }}\n# why\n  -o {{ e = f  g }}\n  -o h=j\n",
        ),
        (f"{SUBMISSION} -oa=b c -o d=e\n", {"a": "b c"}, f"{SUBMISSION} -o {{ a = b c }} -o d=e\n"),
        (f"{SUBMISSION} -o a = b -o c=d\n", {"a": "b"}, f"{SUBMISSION} -o a=b -o c=d\n"),
        (
            "submission inet n - y - - pipe -o a=b c flags=R user=y argv=x -o y\n",
            {"a": "b c"},
            "submission inet n - y - - pipe -o { a = b c } flags=R user=y argv=x -o y\n",
        ),
    ],
)
def test_a_value_that_is_given_as_it_was_meant_gets_its_braces(
    text: str, options: Dict[str, str], expected: str
) -> None:
    assert put(text, "submission", options=options) == expected
    assert put(expected, "submission", options=options) == expected


def test_arguments_that_a_program_takes_are_replaced() -> None:
    text = "x unix - - - - - lmtp -o a=b flags=DRX\n"
    assert put(text, "x", "unix", command="lmtp flags=R") == text.replace("DRX", "R")
    assert put(text, "x", "unix", command="lmtp") == text.replace(" flags=DRX", "")


def test_public_and_private_services_of_one_name_are_two() -> None:
    text = "a unix n - - - - x\na unix - - - - - x\n"
    assert put(text, "a", "unix", options={"b": "c"}) == text + "  -o b=c\n"
    assert put(text, "a", "unix", state="absent") == ""


@given(FILES, CHANGES)
def test_a_change_changes_its_service_and_no_other(text: str, change: ServiceChange) -> None:
    before, after = MasterCfEditor(text), MasterCfEditor(text)
    assume(change.command or find(before, change.name, change.type))
    assume(not (change.command and (swallows(text) or stray(text))))
    after.put(change)
    assert others(after, change) == others(before, change)
    service = find(after, change.name, change.type)
    assert service is not None
    assert {name: getattr(service, name) for name in change.fields} == change.fields
    assert {name: service.option_values.get(name) for name in change.options} == change.options
    if change.command:
        words = [service.command] + [f"{{{word}}}" if " " in word else word for word in service.arguments]
        assert " ".join(words) == change.command
    old = find(before, change.name, change.type)
    if old:
        kept = {name: value for name, value in old.option_values.items() if name not in change.options}
        assert {name: service.option_values.get(name) for name in kept} == kept
        unchanged = {"name", "private", "unprivileged", "chroot", "wakeup", "process_limit"} - set(change.fields)
        assert [getattr(service, name) for name in unchanged] == [getattr(old, name) for name in unchanged]
        assert change.command or (service.command, service.arguments) == (old.command, old.arguments)
    assert MasterCfEditor(after.text).services() == after.services()
    again = MasterCfEditor(after.text)
    again.put(change)
    assert again.text == after.text


@given(ABOUT, CHANGES)
def test_comments_stay_whatever_changes(about: Tuple[str, Tuple[str, str]], change: ServiceChange) -> None:
    text, (name, kind) = about
    master_cf = MasterCfEditor(text)
    assume(not duplicates(master_cf) and not swallows(text) and not (change.command and stray(text)))
    master_cf.put(change._replace(name=name, type=kind))
    assert [line for line in master_cf.text.split("\n") if line.lstrip(" \t\v").startswith("#")] == [
        line for line in text.split("\n") if line.lstrip(" \t\v").startswith("#")
    ]


def test_new_options_go_behind_the_others_in_their_order() -> None:
    new = {"e": "5", "c": "3", "f": "6 7"}
    assert put(f"{SMTP}\t-o c=d\n", "smtp", options=new) == f"{SMTP}\t-o c=3\n\t-o e=5\n\t-o {{ f = 6 7 }}\n"
    assert put("smtp inet n - y - - x y\n", "smtp", options=new) == (
        "smtp inet n - y - - x -o e=5 -o c=3 -o { f = 6 7 } y\n"
    )


@given(ABOUT, OPTION_NAMES, OPTION_VALUES)
def test_setting_an_option_and_setting_it_back_reads_the_same(
    about: Tuple[str, Tuple[str, str]], name: str, value: str
) -> None:
    text, service = about
    before = MasterCfEditor(text)
    old = find(before, *service)
    assert old is not None
    assume(not duplicates(before) and len(old.option_values) == len(old.options))
    after = MasterCfEditor(text)
    after.put(ServiceChange(*service, options={name: value}))
    previous = old.option_values.get(name)
    if previous is None:
        after.put(ServiceChange(*service, unset_options=[name]))
        assert after.text in (text, text + "\n", text + "\r\n")  # a missing final newline is not missed
    elif previous.isprintable() and previous.count("{") == previous.count("}"):
        after.put(ServiceChange(*service, options={name: previous}))
        assert without_line(after.services()) == without_line(before.services())


@given(FILES, SERVICES)
def test_what_is_disabled_or_absent_is_gone_and_nothing_else(text: str, service: Tuple[str, str]) -> None:
    for state in ("absent", "disabled"):
        change = ServiceChange(*service, state=state)
        before, after = MasterCfEditor(text), MasterCfEditor(text)
        after.put(change)
        assert find(after, *service) is None
        assert others(after, change) == others(before, change)
        again = MasterCfEditor(after.text)
        again.put(change)
        assert again.text == after.text
        if find(before, *service) is None:
            assert after.text == text


@given(ABOUT)
def test_a_disabled_service_comes_back_byte_for_byte(about: Tuple[str, Tuple[str, str]]) -> None:
    text, service = about
    master_cf = MasterCfEditor(text)
    old = find(master_cf, *service)
    assert old is not None
    assume(not duplicates(master_cf))
    for change in (
        ServiceChange(*service),
        ServiceChange(*service, command=old.command if re.match(r"[\w/]+\Z", old.command, re.ASCII) else None),
        ServiceChange(service[0].replace("smtp", "25"), service[1]),
    ):
        master_cf.disable(*service)
        assert find(master_cf, *service) is None
        if change.command is None or command_of(old) == change.command:
            master_cf.put(change)
            assert master_cf.text == text
        else:
            master_cf.put(ServiceChange(*service))


def command_of(service: Service) -> str:
    return " ".join([service.command, *service.arguments])


@given(FILES, st.randoms(use_true_random=False))
def test_services_that_are_disabled_come_back_in_any_order(text: str, chance: random.Random) -> None:
    master_cf = MasterCfEditor(text)
    assume(not duplicates(master_cf))
    services = [(service.name, service.type) for service in master_cf.effective() if service.type in TYPES]
    chance.shuffle(services)
    for service in services:
        master_cf.disable(*service)
    assert not [service for service in master_cf.effective() if service.type in TYPES]
    chance.shuffle(services)
    for service in services:
        master_cf.put(ServiceChange(*service))
    assert master_cf.text == text


# --- commented-out entries


def test_disabled_prefixes_each_line_and_present_takes_it_away() -> None:
    text = (
        "#a inet n - - - - x\n"
        "smtp inet n - y - - smtpd\n  -o a=b\n# why c\n  # or so\n\n  -o c=d\n"
        "#       -o commented=x\n#     prose\n#  -o too=y\n\n# other\nx unix - - - - - x\n"
    )
    disabled = (
        "#a inet n - - - - x\n"
        "#smtp inet n - y - - smtpd\n#  -o a=b\n## why c\n#  # or so\n#\n#  -o c=d\n"
        "##       -o commented=x\n#     prose\n##  -o too=y\n\n# other\nx unix - - - - - x\n"
    )
    assert put(text, "smtp", state="disabled") == disabled
    assert put(disabled, "25") == text
    assert put(disabled, "smtp", state="disabled") == disabled


def test_an_entry_goes_with_its_commented_out_options_and_no_others() -> None:
    text = (
        "#a inet n - - - - x\n"
        "smtp inet n - y - - smtpd\n  # why\n  -o a=b\n#  -o was=here\n  -o c=d\n"
        "#  -o so=was\n#     this\n#  -o too=was\n"
        "#  b inet n - - - - x\n#  -o of=b\n"
    )
    assert put(text, "smtp", state="absent") == "#a inet n - - - - x\n  # why\n#  b inet n - - - - x\n#  -o of=b\n"


def test_prose_with_dashes_and_paths_is_no_part_of_a_twin() -> None:
    text = "#smtp inet n - y - - smtpd\n#  -v\n#   - for clients\n#   /etc/x tells\n#   -o as well\n#  -o a=b\n"
    expected = "smtp inet n - y - - smtpd\n  -v\n#   - for clients\n#   /etc/x tells\n#   -o as well\n  -o a=b\n"
    assert put(text, "smtp") == expected
    assert put(expected, "smtp", state="disabled") == text


def test_what_would_not_come_back_as_it_was_gets_a_mark() -> None:
    text = "x unix - n n - - pipe\n  flags=R argv=/bin/x\n  # why\n  word\ny unix - - - - - y\n"
    disabled = put(text, "x", "unix", state="disabled")
    assert disabled == (
        "# mailfleet.postfix disabled the next 4 lines\n"
        "#x unix - n n - - pipe\n#  flags=R argv=/bin/x\n#  # why\n#  word\ny unix - - - - - y\n"
    )
    assert put(disabled, "x", "unix") == text


@pytest.mark.parametrize(
    "text",
    [
        # Older twins above and below, bare and with options, by another name, of another program.
        "#smtp inet n - y - - smtpd\nsmtp inet n - y - 1 postscreen\n",
        "smtp inet n - y - 1 postscreen\n#smtp inet n - y - - smtpd\n#  -o a=b\n",
        "#smtp inet n - y - - smtpd\nsmtp inet n - y - - smtpd\n  -o content_filter=lmtp:[127.0.0.1]:10024\n",
        "smtp inet n - y - - smtpd -o content_filter=x\n\n\n#smtp inet n - - - - smtpd\n",
        "#25 inet n - y - - smtpd\n:smtp inet n - n - - smtpd\n\t-o a=b\n",
        "#smtp inet n - y - - smtpd\n#smtp inet n - y - - smtpd -v\nsmtp inet n - n - - smtpd",
        "# BEGIN x\nsmtp inet n - y - - smtpd -v\n# END x\n#smtp inet n - y - - smtpd\n",
        # What would read as something else behind a "#".
        "smtp\n inet n - y - - smtpd\n",
        "smtp inet n - y - - smtpd\n   text\n# x\n\n  -o a=b\n",
        "smtp inet n - y - - smtpd\r\n#smtp inet n - y - - smtpd\r\n",
        "smtp inet n - y - - {smtpd}\n",
        "smtp inet n - y - - smtpd\0 x\n\x0b-o\n",
        "smtp inet n - y - - smtpd -o a=b, c\n  -o d=e\n#  -o f=g\n    #-o h=i\n",
    ],
)
def test_what_was_disabled_comes_back_whatever_twins_there_are(text: str) -> None:
    for before in (text, f"a unix - - - - - b\n{text}", f"# x\n\n{text}"):
        for name in ("smtp", "25", ":25", ":smtp"):
            disabled = put(before, name, state="disabled")
            assert MasterCfEditor(disabled).effective() == MasterCfEditor(before).effective()[:-1]
            assert put(disabled, "smtp", state="disabled") == disabled
            assert put(disabled, name) == before
            program = MasterCfEditor(before).services()[-1].command
            if program.isalpha() and not MasterCf(before).services()[-1].arguments:
                change = {"chroot": "y", "command": program}
                assert put(disabled, name, **change) == put(before, name, **change)


def test_the_entry_that_was_disabled_last_comes_back_first() -> None:
    text = "#smtp inet n - y - - smtpd\nsmtp inet n - y - - smtpd -v\n"
    first = put(text, "smtp", state="disabled")
    second = put(first, "smtp", command="postscreen")
    assert second.startswith("smtp      inet  n       -       y       -       -       postscreen\n" + text[:1]) or (
        "postscreen" in second
    )
    both = put(second, "smtp", state="disabled")
    assert "(2)" in both
    assert put(both, "smtp") == second
    assert put(put(second, "smtp", state="absent"), "smtp") == text


def test_a_mark_counts_only_before_the_lines_that_it_was_made_for() -> None:
    disabled = "# mailfleet.postfix disabled the next 2 lines\n#smtp inet n - y - - smtpd\n#  -o a=b\n"
    assert put(disabled, "smtp") == "smtp inet n - y - - smtpd\n  -o a=b\n"
    # Somebody has taken a line out, has uncommented one, or has put one between.
    for changed in (
        disabled.replace("#  -o a=b\n", ""),
        disabled.replace("lines\n", "lines\n\n"),
        disabled.replace("2 lines", "9 lines"),
    ):
        twin = changed.replace("#smtp", "smtp").replace("#  -o", "  -o")
        assert put(changed, "smtp") == twin
    assert put(disabled.replace("#  -o", "  -o"), "smtp", command="smtpd").count("\nsmtp ") == 1


def test_a_public_and_a_private_service_are_disabled_and_come_back_together() -> None:
    text = "a unix n - - - - x\nb unix - - - - - x\na unix - - - - - x\n  -o c=d\n"
    disabled = put(text, "a", "unix", state="disabled")
    assert [service.name for service in MasterCf(disabled).services()] == ["b"]
    assert put(disabled, "a", "unix") == text


def test_what_earlier_versions_have_disabled_comes_back_as_before() -> None:
    disabled = "#x unix - n n - - pipe  flags=R argv=/bin/x  word\n  # why\ny unix - - - - - y\n"
    [x, _y] = MasterCfEditor(put(disabled, "x", "unix")).services()
    assert x.arguments == ("flags=R", "argv=/bin/x", "word")


def test_an_entry_that_came_back_goes_again_when_the_change_fails() -> None:
    text = "#smtp inet n - y - - x -o {b=c y\n"
    master_cf = MasterCfEditor(text)
    with pytest.raises(InputError):
        master_cf.put(ServiceChange("smtp", command="x y"))
    assert (master_cf.text, master_cf.services()) == (text, [])


@pytest.mark.parametrize("commented", ["#", "# ", "#\t"])
def test_a_commented_out_twin_comes_back_and_then_the_change_applies(commented: str) -> None:
    text = f"{commented}smtp inet n - y - - smtpd\n#  -o a=b\n#     prose\n#  -o c=d\n#  prose\nx unix - - - - - x\n"
    expected = "smtp inet n - n - - smtpd\n  -o a=x\n#     prose\n  -o c=d\n#  prose\nx unix - - - - - x\n"
    assert put(text, "25", chroot="n", options={"a": "x"}) == expected


@pytest.mark.parametrize(
    "change, back",
    [
        ({"name": "smtp"}, 1),
        ({"name": "smtp", "command": "postscreen"}, 0),
        ({"name": ":25"}, 2),
        ({"name": "25"}, 1),
        ({"name": "25", "command": "smtpd"}, 1),
    ],
)
def test_of_several_twins_the_likeliest_comes_back(change: Dict[str, Any], back: int) -> None:
    lines = ["smtp inet n - - - 1 postscreen", "smtp inet n - n - - smtpd", ":25 inet n - y - - smtpd"]
    text = "".join(f"#{line}\n" for line in lines)
    new = put(text, **change).split("\n")
    assert [index for index, line in enumerate(new) if line[:1] != "#"] == [back, 3]


@pytest.mark.parametrize(
    "text",
    [
        "# smtp inet is the service that n - y - - smtpd\n",
        "#service type  private unpriv  chroot  wakeup  maxproc command + args\n",
        "#smtp inet - - x - - smtpd\n",
        "#smtp inet n - y - smtpd\n",
        "##smtp inet n - y - - smtpd\n",
        "  #smtp inet n - y - - smtpd\n",
        "#smtp unix n - y - - smtpd\n",
        "#smtp inet n - y - - postscreen\n",
        "x unix - - - - - x\n#smtp inet n - y - - smtpd\n  -o inside=x\n",
        "#smtp inet n - y - - smtpd\n  dropped\n",
        "#smtp inet n - y - - smtpd flags=x\n#  maybe an argument\n",
    ],
)
def test_what_may_be_prose_is_no_twin(text: str) -> None:
    new = put(text, "smtp", command="smtpd")
    assert "\n" + text in "\n" + new or new == text.replace("\n", f"\n{new.split(chr(10))[1]}\n", 1)
    assert len([line for line in new.split("\n") if line.startswith("smtp ")]) == 1
    assert sum(map(len, new.split("\n"))) > sum(map(len, text.split("\n")))


def test_a_stock_entry_comes_back_without_the_prose_in_it() -> None:
    text = stock("master.cf")
    master_cf = MasterCfEditor(text)
    master_cf.put(ServiceChange("submission", command="smtpd"))
    service = find(master_cf, "587")
    assert service is not None
    assert len(service.option_values) == 11
    assert service.option_values["milter_macro_daemon_name"] == "ORIGINATING"
    assert service.arguments == ()
    assert master_cf.problems() == []
    changed = [line for line in master_cf.text.split("\n") if line not in text.split("\n")]
    assert len(changed) == 12
    assert all(line.startswith(("submission inet", "  -o ")) for line in changed)
    master_cf.disable("submission")
    assert master_cf.text == text


@pytest.mark.parametrize("service", MasterCf(stock("master.cf")).services(), ids=lambda one: f"{one.name}/{one.type}")
def test_every_stock_service_can_be_disabled_and_brought_back(service: Service) -> None:
    master_cf = MasterCfEditor(stock("master.cf"))
    master_cf.disable(service.name, service.type)
    assert find(master_cf, service.name, service.type) is None
    master_cf.put(ServiceChange(service.name, service.type))
    assert master_cf.text == stock("master.cf")


@pytest.mark.parametrize(
    "service, type, program, arguments",
    [
        ("smtps", "inet", "smtpd", ()),
        ("127.0.0.1:587", "inet", "smtpd", ()),
        ("smtp", "inet", "postscreen", ()),  # the only one, once the active entry is gone
        ("cyrus", "unix", "pipe", ("flags=DRX", "user=cyrus", "argv=/cyrus/bin/deliver", "-e", "-r", "${sender}")),
        ("mailman", "unix", "pipe", ("flags=FRX", "user=list", "argv=/usr/lib/mailman/bin/postfix-to-mailman.py")),
    ],
)
def test_stock_entries_that_are_commented_out_come_back(
    service: str, type: str, program: str, arguments: Tuple[str, ...]
) -> None:
    master_cf = MasterCfEditor(stock("master.cf"))
    master_cf.remove(service, type)
    lines = master_cf.text.count("\n")
    master_cf.put(ServiceChange(service, type))
    found = find(master_cf, service, type)
    assert found is not None
    assert (found.command, found.arguments[: len(arguments)]) == (program, arguments)
    assert master_cf.text.count("\n") == lines
    assert master_cf.problems() == []


# --- new entries


@pytest.mark.parametrize(
    "text, change, expected",
    [
        ("", {}, "2525      inet  n       -       n       -       -       smtpd\n"),
        ("#x", {}, "#x\n2525      inet  n       -       n       -       -       smtpd\n"),
        (
            SMTP + "#smtp      inet  n       -       y       -       1       postscreen\nx unix - - - - - x\n",
            {"chroot": "y", "process_limit": "10"},
            SMTP + "2525      inet  n       -       y       -       10      smtpd\n"
            "#smtp      inet  n       -       y       -       1       postscreen\nx unix - - - - - x\n",
        ),
        (
            "smtp\tinet\tn\t-\ty\t-\t-\tsmtpd\r\n#  -o a=b\r\nx unix - - - - - x\r\n",
            {"options": {"a": "b", "c": "d e"}},
            (
                "smtp\tinet\tn\t-\ty\t-\t-\tsmtpd\r\n#  -o a=b\r\n2525\tinet\tn\t-\ty\t-\t-\tsmtpd\r\n"
                "  -o a=b\r\n  -o { c = d e }\r\nx unix - - - - - x\r\n"
            ),
        ),
        (
            "1 inet n - n - - other\n#2 inet n - n - - smtpd\n#  -o a=b\n# prose\nx unix - - - - - x\n",
            {"command": "smtpd -v"},
            (
                "1 inet n - n - - other\n#2 inet n - n - - smtpd\n#  -o a=b\n"
                "2525 inet n - n - - smtpd -v\n# prose\nx unix - - - - - x\n"
            ),
        ),
        ("1 inet n - n - - other\n\n", {}, "1 inet n - n - - other\n2525 inet n - n - - smtpd\n\n"),
        ("  dropped\n", {}, "  dropped\n2525      inet  n       -       n       -       -       smtpd\n"),
    ],
)
def test_a_new_entry_goes_beside_its_like(text: str, change: Dict[str, Any], expected: str) -> None:
    assert put(text, "2525", **{"command": "smtpd", **change}) == expected


SUBMISSION_ENTRY = (
    "submission inet n       -       y       -       -       smtpd\n  -o syslog_name=postfix/submission\n"
)
REINJECTION = "127.0.0.1:10025 inet n  -       n       -       -       smtpd\n  -o content_filter=\n"
NEW = "2525      inet  n       -       y       -       -       smtpd\n"
UNIX = "pickup    unix  n       -       y       60      1       pickup\n"


@pytest.mark.parametrize(
    "text",
    [
        SMTP + "@" + UNIX + REINJECTION,
        SMTP + SUBMISSION_ENTRY + "@" + UNIX + REINJECTION,
        SMTP + "@" + REINJECTION + UNIX,
        REINJECTION + SMTP + "@" + UNIX,
        SMTP + REINJECTION + SUBMISSION_ENTRY + "@" + UNIX,
        SMTP + "628 inet n - n - - qmqpd\n" + SUBMISSION_ENTRY + "@628:628 inet n - n - - qmqpd\n" + UNIX,
        SMTP + "@" + UNIX + REINJECTION.replace("127.0.0.1", "localhost"),
        SMTP + "@" + UNIX + REINJECTION.replace("127.0.0.1", "[::1]"),
        SMTP + "@" + UNIX + REINJECTION.replace("127.0.0.1:", ""),
        SMTP + "@" + UNIX + "10.0.0.1:2526 inet n - n - - smtpd\n",
        SMTP.replace("smtpd", "postscreen").replace("-       post", "1       post")
        + "@"
        + UNIX
        + REINJECTION
        + "smtpd     pass  -       -       y       -       -       smtpd\n",
        "10.0.0.1:smtp inet n   -       y       -       -       smtpd\n@" + UNIX + REINJECTION,
        "#submission inet n -   y       -       -       smtpd\n#  -o a=b\n@"
        + UNIX
        + REINJECTION.replace("n       -       -", "y       -       -"),
    ],
)
def test_a_new_service_goes_beside_those_for_the_world(text: str) -> None:
    new = put(text.replace("@", ""), "2525", command="smtpd")
    [line] = [line for line in new.split("\n") if line.startswith("2525")]
    assert " ".join(line.split()) == " ".join(NEW.split())
    assert new == text.replace("@", line + "\n")


@pytest.mark.parametrize(
    "text",
    [
        SMTP + UNIX + REINJECTION + "@",
        SMTP + REINJECTION + "@" + SUBMISSION_ENTRY + UNIX,
        SMTP + "@" + UNIX,
        SMTP + "@#127.0.0.1:submission inet n - y - - smtpd\n#submission inet n - y - - smtpd\n" + UNIX,
    ],
)
def test_a_service_for_this_host_goes_beside_its_like(text: str) -> None:
    new = put(text.replace("@", ""), "127.0.0.1:10026", command="smtpd")
    [line] = [line for line in new.split("\n") if line.startswith("127.0.0.1:10026")]
    assert new == text.replace("@", line + "\n")


def test_a_new_client_goes_beside_the_usual_one() -> None:
    text = UNIX + "smtp unix - - y - - smtp\nrelay unix - - y - - smtp\n  -o a=b\n@error unix - - y - - error\n"
    text += "amavis unix - - n - 2 smtp\n"
    new = put(text.replace("@", ""), "out", "unix", command="smtp")
    assert new == text.replace("@", "out   unix - - y - - smtp\n")


@pytest.mark.parametrize(
    "text, chroot",
    [
        ("", "n"),
        ("smtp inet n - y - - smtpd\n", "y"),
        ("smtp inet n - n - - smtpd\n", "n"),
        ("smtp inet n - - - - smtpd\n", "-"),
        # That of the service beside it, else of the same type, else of any, else of one that is commented out.
        ("smtp inet n - y - - smtpd\nx unix - - - - - y\n127.0.0.1:10025 inet n - n - - smtpd\n", "y"),
        ("smtp inet n - n - - smtpd\nsmtpd pass - - y - - smtpd\n", "n"),
        ("smtp inet n - n - 1 postscreen\nsmtpd pass - - y - - smtpd\n", "y"),
        ("smtp inet n - n - 1 postscreen\n#submission inet n - y - - smtpd\n", "y"),
        ("smtp inet n - n - 1 postscreen\n#smtpd pass - - y - - smtpd\n", "y"),
        ("smtp inet n - y - 1 postscreen\nx unix - y y - - y\n", "n"),
        ("25 inet n - n - - smtpd\nsmtp inet n - y - - smtpd\n", "y"),
    ],
)
def test_a_new_service_has_the_chroot_of_its_like(text: str, chroot: str) -> None:
    service = find(MasterCfEditor(put(text, "2525", command="smtpd")), "2525")
    assert service is not None
    assert service.chroot == chroot
    given = find(MasterCfEditor(put(text, "2525", command="smtpd", chroot="n")), "2525")
    assert given is not None
    assert given.chroot == "n"


def test_a_new_service_without_its_like_has_the_default_of_postfix() -> None:
    master_cf = MasterCfEditor("smtp inet n - n - - smtpd\n", chroot="y")
    master_cf.put(ServiceChange("x", "unix", command="lmtp"))
    master_cf.put(ServiceChange("2525", command="smtpd"))
    master_cf.put(ServiceChange("y", "unix", command="pipe user=x argv=y"))  # cannot work in a chroot
    assert {service.name: service.chroot for service in master_cf.services()} == {
        "smtp": "n",
        "2525": "n",
        "x": "y",
        "y": "n",
    }


@pytest.mark.parametrize(
    "behind",
    [
        "@",
        "@\n",
        "    #-o a=b\n@",
        "  -o c=d\n    #-o a=b\n@",
        "#-o a=b\n@",
        "# -o a=b\n@",
        "    # for old clients:\n    #-o a=b\n@",
        "# for old clients:\n#-o a=b\n@",
        "#  -o a=b\n#     prose\n#  -o c=d\n@",
        "  -o c=d\n\n    #-o a=b\n@",
        "  # why c\n  -o c=d\n  # and no more\n@",
        "  # and no more\n@# prose of the next\n",
        "@# prose of the next\n",
        "    #-o a=b\n  # indented prose\n@# prose of the next\n",
        "    #-o a=b\n@# prose of the next\n#\n# more\n",
        "@\n# prose of the next\n#-o not=ours\n",
        "#-o a=b\n@#465 inet n - y - - smtpd\n#  -o c=d\n",
        "#-o a=b\n@##465 inet n - y - - smtpd\n##  -o c=d\n",
        "@# mailfleet.postfix disabled the next 2 lines\n#465 inet n - y\n#  - - smtpd\n",
        "@\n    # a heading\n\n",
    ],
)
def test_comments_stay_with_their_service(behind: str) -> None:
    for after in ("", "x unix - - - - - y\n"):
        if behind.endswith(("@", "@\n", "next\n")) or after:
            text = SMTP + behind + after
            assert put(text.replace("@", ""), "2525", command="smtpd") == text.replace("@", NEW)


def test_comments_of_a_service_go_with_it() -> None:
    text = SMTP + "587 inet n - y - - smtpd\n  -o a=b\n  #-o c=d\n  -o e=f\n    #-o g=h\n# -o i=j\n" + UNIX
    assert put(text, "587", state="absent") == SMTP + UNIX
    text = text.replace("# -o i=j\n", "# for old clients:\n#-o i=j\n# prose\n")
    assert put(text, "587", state="absent") == SMTP + "# for old clients:\n# prose\n" + UNIX


def test_a_new_entry_with_options_and_arguments_has_them_in_their_order() -> None:
    change = {"command": "pipe -v  flags=R\targv=x {a  b}", "options": {"a": "b"}}
    expected = "x         unix  -       -       n       -       -       pipe -v\n  -o a=b\n  flags=R argv=x {a  b}\n"
    assert put("", "x", "unix", **change) == expected
    [service] = MasterCfEditor(expected).services()
    assert service.arguments == ("-v", "flags=R", "argv=x", "a  b")
    assert put("", "x", "unix", command="pipe -v flags=R").endswith(" pipe -v flags=R\n")


def test_a_new_entry_needs_a_command() -> None:
    with pytest.raises(InputError, match="2525/inet' is not in master.cf, and no command is given"):
        put(SMTP, "2525")


# --- nothing smuggled


@pytest.mark.parametrize(
    "change",
    [
        {"name": "2525 inet n - - - - x\n26"},
        {"name": "#2525"},
        {"name": ""},
        {"name": "25 25"},
        {"name": "0"},
        {"name": "65536"},
        {"name": "2525x"},
        {"name": "nosuch"},
        {"name": "a=b:25"},
        {"name": "*:25"},
        {"name": "x\n", "type": "unix"},
        {"name": "x y", "type": "unix"},
        {"name": "#x", "type": "unix"},
        {"name": "-o", "type": "unix"},
        {"name": "a=b", "type": "unix"},
        {"name": "{x", "type": "unix"},
        {"name": "", "type": "unix"},
        {"name": "x/y", "type": "unix"},
        {"type": "tcp"},
        {"type": "INET"},
        {"state": "enabled"},
        {"private": "y"},
        {"private": "-"},
        {"chroot": "yes"},
        {"chroot": "n\n"},
        {"unprivileged": ""},
        {"wakeup": "?"},
        {"wakeup": "60 100"},
        {"process_limit": "-1"},
        {"process_limit": "1\nx inet n - - - - x"},
        {"process_limit": "2147483648"},
        {"wakeup": "9" * 5000 + "?"},
        {"name": "\ud800", "type": "unix"},
        {"name": "\udce4"},
        {"name": "25\0"},
        {"name": "²"},
        {"name": "1.1.1." + "1" * 5000 + ":25"},
        {"command": "smtpd {-o a=b}"},
        {"command": "smtpd -v {-oa=b}"},
        {"command": "smtpd -m 5 -o a=b"},
        {"command": "smtpd -m 5 { -vo a=b }"},
        {"command": ""},
        {"command": " "},
        {"command": "smtpd\nx inet n - - - - x"},
        {"command": "smtpd -o a=b"},
        {"command": "smtpd -v -oa=b"},
        {"command": "smtpd -vo a=b"},
        {"command": "smtpd # x"},
        {"command": "# smtpd"},
        {"command": "-v"},
        {"command": "{smtpd}"},
        {"command": "pipe {a"},
        {"command": "pipe a}"},
        {"command": "pipe {a}b"},
        {"command": "pipe a\0"},
        {"options": {"a": "b\nx inet n - - - - x"}},
        {"options": {"a": "b\n  -o c=d"}},
        {"options": {"a": "b\r"}},
        {"options": {"a": 5}},
        {"options": {"a": True}},
        {"options": {"a": "#b"}},
        {"options": {"a": "b }"}},
        {"options": {"a": "{ b"}},
        {"options": {"a": "} -o c=d {"}},
        {"options": {"a b": "c"}},
        {"options": {"a=b": "c"}},
        {"options": {"": "c"}},
        {"options": {"-o": "c"}},
        {"options": {"a\n": "c"}},
        {"options": {"a": "b"}, "unset_options": ["a"]},
        {"unset_options": ["a b"]},
    ],
)
@pytest.mark.parametrize("text", ["", SMTP, "2525 inet n - - - - smtpd -o a=b\n"])
def test_nothing_can_be_smuggled_in(text: str, change: Dict[str, Any]) -> None:
    master_cf = MasterCfEditor(text)
    with pytest.raises(InputError) as caught:
        master_cf.put(ServiceChange(**{"name": "2525", "command": "smtpd", **change}))
    assert caught.value.reason
    assert caught.value.remedy
    assert master_cf.text == text


@given(st.text(max_size=20), st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_whatever_is_given_makes_one_entry_or_an_error(name: str, command: str, option: str, value: str) -> None:
    master_cf = MasterCfEditor(SMTP + "x unix - - - - - x\n")
    before = master_cf.services()
    try:
        master_cf.put(ServiceChange(name, "unix", command=command, options={option: value}))
    except InputError:
        assert master_cf.services() == before
        return
    [new] = [service for service in master_cf.services() if (service.name, service.type) == (name, "unix")]
    assert len(master_cf.services()) == 3 - (name == "x")
    assert new.options == ((option, value.strip(" \t")),)


# --- speed


@pytest.mark.duration
def test_many_options_and_many_services_take_no_more_than_their_number() -> None:
    options = {f"a{number}": "b" for number in range(5000)}
    names = [str(number) for number in range(1, 5000)]
    text = "".join(f"{name} inet n - n - - smtpd\n" for name in names)

    def edited() -> str:
        assert put(put(SMTP, "smtp", options=options), "smtp", options=options).count("-o") == 5000
        master_cf = MasterCfEditor(text)
        for name in names:
            master_cf.put(ServiceChange(name, command="smtpd"))
        return master_cf.text

    assert within(5, edited) == text


@pytest.mark.duration
def test_reading_both_stock_files_and_one_edit_take_no_time() -> None:
    from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf

    main, master = stock("main.cf"), stock("master.cf")

    def run() -> None:
        main_cf, master_cf = MainCf(main), MasterCfEditor(master)
        main_cf.set("inet_interfaces", "127.0.0.1")
        master_cf.put(ServiceChange("smtp", options={"a": "b"}))

    run()  # what is read the first time stays read
    within(0.005, run)
