# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs of main.cf and master.cf as nasty as they come, each the same for the same seed and number.

Left out is only what postconf itself reads differently from the daemons (named tests in tests/unit hold our reading of
those): -o with letters before or after it that hold another o, -o{name=value}, braces in the first eight fields, a bare
dash among the options.
"""

from __future__ import annotations

import random
from typing import List, Sequence, Tuple

# fmt: off
PARAMETERS = [
    "inet_interfaces", "inet_protocols", "proxy_interfaces", "smtp_bind_address", "smtp_bind_address6", "mydestination",
    "relayhost", "smtpd_banner", "alias_maps", "biff", "foo", "foo_bar", "my-own", "x9", "transport_maps",
]
WORDS = [
    "all", "loopback-only", "127.0.0.1", "[::1]", "::1,", "10.0.0.0/8", "$myhostname,", "${x?{a}:{b}}", "a=b", "=",
    "==", "#", "#x", "x#y", "{a", "b}", "}", "{", "é", "\udcff",
    "hash:/etc/aliases", "$mail_name", "ESMTP", "'q'", '"q"',
    "\\", "a\\", ",", ";", "\x01", "\x0b\x0b", "\u00a0", "\u2028", "\x7f",
]
BLANKS = [" ", " ", " ", "  ", "\t", " \t ", "\r", "\x0b", "\x0c", "   "]
PLAIN_BLANKS = [" ", " ", "  ", "\t", "       ", " \t"]
EMPTY = ["", "", " ", "\t", "\r", "  \x0b"]
COMMENTS = [
    "# text", "#", "#name = value", "  # indented", "\t#", "#smtp inet n - n - - smtpd", "#  -o a=b", "##",
    "# \x01\udcfe",
    "    #-o a=b", "#-o a=b", "#relay unix - - y - - smtp\n#  -o smtp_bind_address=x", "#25 inet n - y - 1 postscreen",
    "# mailfleet.postfix disabled the next 2 lines\n#smtp inet n - y - - smtpd\n#  -o content_filter=x",
    "#inet_interfaces = x\n#    y",
    "# BEGIN ANSIBLE MANAGED BLOCK", "# END ANSIBLE MANAGED BLOCK", "### START of it ###", "### END of it ###",
]
NAMES = [
    "smtp", "25", ":25", "smtps", "submission", "10.0.0.1:25", "[10.0.0.1]:smtp", "[::1]:2525", "::1:25",
    "[ipv6:::1]:25", "mail.example:587", "relay", "smtp-out", "pickup", "127.0.0.1:10025", "a-b_c.d", "é",
]
TYPES = ["inet", "inet", "inet", "unix", "unix", "unix", "unix-dgram", "fifo", "pass"]
COMMANDS = ["smtpd", "smtpd", "smtp", "lmtp", "pipe", "cleanup", "spawn", "/usr/bin/x", "é"]
OPTIONS = [
    "smtpd_banner", "smtp_bind_address", "inet_interfaces", "content_filter", "my-own", "smtpd_client_restrictions",
    "foo", "syslog_name",
]
VALUES = [
    "", "x", "1.2.3.4", "$mua_client,reject", "${a?{b}:{c}}/$d", "a=b", "=", "#x", "{a b}", "é", "\udcff", "\x01", "}",
    "-o", "\x0b", "{a", "permit_tls_all, reject", "a,\n  b,\n  c",
]
ARGUMENTS = [
    "flags=DRXhu", "user=vmail", "argv=/bin/x", "{argv=/bin/x a b}", "{ a }", "${recipient}", "-f", "#", "x{y z}w", "}",
    "a}", "{a", "flags=DORX", "flags=Z", "word",
]
# fmt: on


def files(seed: int, number: int) -> Tuple[str, str]:
    """The main.cf and the master.cf of a number."""
    chance = random.Random(f"{seed}/{number}")
    return main_cf(chance), master_cf(chance)


def main_cf(chance: random.Random) -> str:
    lines: List[str] = []
    if chance.random() < 0.1:
        lines += _noise(chance) + [" " + chance.choice(WORDS) + " = stray"]
    for _setting in range(chance.randint(0, 12)):
        lines += _noise(chance)
        name = chance.choice(PARAMETERS)
        equals = chance.choice(("=", " = ", " = ", " =", "= ", "\t=\t", " \x0b= "))
        lines.append(name + equals + _words(chance, WORDS, BLANKS, 4))
        while chance.random() < 0.3:
            lines += _noise(chance)
            text = _words(chance, WORDS, BLANKS, 3)
            lines.append(chance.choice(BLANKS) + text)
        if chance.random() < 0.02:
            lines[-1] += "\0" + chance.choice(WORDS)
        if chance.random() < 0.01:
            lines.append(chance.choice(("no equals", "= no name", "two words = x", "x", "\0", "a\0b = c")))
    return _file(chance, lines)


def master_cf(chance: random.Random) -> str:
    lines: List[str] = []
    if chance.random() < 0.1:
        lines += _noise(chance) + [" smtp inet n - n - - smtpd"]
    for _entry in range(chance.randint(0, 8)):
        lines += _noise(chance)
        kind = chance.choice(TYPES)
        fields = [chance.choice(NAMES), kind, "n" if kind == "inet" else chance.choice("-yn")]
        fields += [chance.choice("-yn"), chance.choice("-yn"), chance.choice(("-", "60", "1000?", "0"))]
        fields += [chance.choice(("-", "0", "1", "100")), chance.choice(COMMANDS)]
        if chance.random() < 0.02:
            fields[chance.randrange(1, 7)] = chance.choice(("x", "yy", "INET", "-1", "1?", "-?", "tcp"))
        if chance.random() < 0.01:
            del fields[chance.randrange(8)]
        blanks = PLAIN_BLANKS if chance.random() < 0.9 else ("\n ", " ", "\n# x\n\t", "\r\n ")
        words = fields[0]
        for field in fields[1:]:
            words += chance.choice(blanks) + field
        words += _options(chance) + _arguments(chance)
        if chance.random() < 0.02:
            words += "\0 -o x=y"
        lines += words.split("\n")
    return _file(chance, lines)


def _options(chance: random.Random) -> str:
    text = ""
    while chance.random() < 0.6:
        text += _gap(chance)
        name, value = chance.choice(OPTIONS), chance.choice(VALUES)
        form = chance.random()
        if form < 0.55:
            text += "-o" + chance.choice((" ", "  ", "\t", "\n  ")) + f"{name}={value}"
        elif form < 0.8:
            inner = chance.choice(("{ %s = %s }", "{%s=%s}", "{ %s =%s}", "{\t%s = %s x  y }", "{ %s\n = %s }"))
            text += "-o " + inner % (name, value if value != "}" else "")
        elif form < 0.88:
            text += f"-oxyz_{chance.choice('abc')}={value}" if value not in ("-o", "{a") else "-v"
        elif form < 0.97:
            text += chance.choice(("-v", "-D", "-vv", "-vo x=y"))
        else:
            text += chance.choice(("-o", "-o x", "-o =x", "-o { x }", "-o {a=b}c", "-o {a=b", "--", "-o a =b", "-o {}"))
    return text


def _arguments(chance: random.Random) -> str:
    text = ""
    if chance.random() < 0.4:
        for _word in range(chance.randint(1, 4)):
            text += _gap(chance) + chance.choice(ARGUMENTS)
    return text


def _gap(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return chance.choice(PLAIN_BLANKS)
    return "\n" + "".join(line + "\n" for line in _noise(chance)) + chance.choice(("  ", "\t", "    ", " "))


def _noise(chance: random.Random) -> List[str]:
    lines = []
    while chance.random() < 0.25:
        lines += chance.choice(COMMENTS if chance.random() < 0.7 else EMPTY).split("\n")
    return lines


def _words(chance: random.Random, words: Sequence[str], blanks: Sequence[str], most: int) -> str:
    text = ""
    for _word in range(chance.randint(0, most)):
        text += chance.choice(words) + chance.choice(blanks)
    return text


def _file(chance: random.Random, lines: List[str]) -> str:
    lines += _noise(chance)
    newline = "\r\n" if chance.random() < 0.1 else "\n"
    return newline.join(lines) + (newline if chance.random() < 0.85 else "")
