# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody is told who makes one of the usual mistakes: in a play, as YAML has it, and before anything changes."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from fleet import FILES, PLAYS, MailHost

VARIABLE = "postfix_interfaces_"
LISTED = f"{VARIABLE}inet_interfaces"
SERVICES = f"{VARIABLE}services"
SPEC = "Validation of arguments failed:"

#: the variable as YAML has it, and all that the message has to have
MISTAKES = (
    # names and kinds
    (f"{VARIABLE}inet_interface: all", "is not a variable of the role", f"Write {LISTED}; the role has "),
    (f"{SERVICES}: smtp", SPEC, SERVICES, "dictionary requested"),
    (f"{SERVICES}: [{{command: smtpd}}]", "missing required arguments: name", "services"),
    (f'{SERVICES}: [{{name: "2525", cmd: smtpd}}]', "services.cmd", "Supported parameters include: chroot"),
    (f'{SERVICES}: [{{name: "2525", command: smtpd, state: removed}}]', "present, absent, disabled, got: removed"),
    (f"{VARIABLE}instances: {{name: out}}", SPEC, "postfix_interfaces_instances", "list"),
    (f"{VARIABLE}instance: nobody", "instance: 'nobody' is not the name of an instance", "Use one of -"),
    (f"{VARIABLE}timeout: soon", SPEC, "timeout", "cannot be converted to an int"),
    (f"{VARIABLE}timeout: -1", "timeout: '-1.0' is not a number of seconds from 1 to 86400"),
    (f"{VARIABLE}abandoned: remove", SPEC, "abandoned", "report, restore, keep"),
    (f"{VARIABLE}unset: [smtp_bind_addr]", "unset: 'smtp_bind_addr' is not a parameter", "smtp_bind_address6"),
    # what YAML and Jinja make of it
    (f"{LISTED}: yes", "inet_interfaces: 'True' is what YAML makes of yes", "List addresses"),
    (f"{LISTED}: 25", "inet_interfaces: '25' is 0.0.0.25 for Postfix", "Write all four numbers"),
    (f"{LISTED}: {{ipv4: 10.1.1.10}}", SPEC, "inet_interfaces"),
    (f'{LISTED}: "{{{{ no_such_variable }}}}"', "no_such_variable", "is undefined"),
    (f"{LISTED}: \"{{{{ hostvars['nobody'].address }}}}\"", "nobody"),
    (f'{LISTED}: ""', "inet_interfaces: '' is no address at all", "List an address"),
    (f'{LISTED}: ", ,"', "inet_interfaces: '' is no address at all"),
    (f"{LISTED}: \"'ADDRESS'\"", "has quotes or braces", "Leave them out"),
    # what is not an address of this host
    (f"{LISTED}: 198.51.100.7", "'198.51.100.7' is on no interface of the host", "the host has 127.0.0.1, ADDRESS"),
    (f"{LISTED}: 010.1.1.10", "'010.1.1.10' is 8.1.1.10 for Postfix, since leading zeros mean octal", "Drop the zeros"),
    (f"{LISTED}: mx.nowhere.invalid", "is not a host name that this host can resolve", "or correct the name"),
    (f"{LISTED}: NETWORK", "is a network, but Postfix takes single addresses", "choose them with select"),
    (f"{LISTED}: eth0", "'eth0' is the name of an interface", "use select with interface:eth0"),
    (f"{LISTED}: ADDRESS:25", "has a port, which belongs to master.cf", "Write ADDRESS here"),
    (f'{LISTED}: "127.0.0.1;ADDRESS"', "has a semicolon", "Separate them by a comma"),
    (f'{LISTED}: "all # everything"', "looks like a comment"),
    (f"{VARIABLE}smtp_bind_address: ADDRESS:25", "smtp_bind_address: 'ADDRESS:25' has a port"),
    (f'{VARIABLE}smtp_bind_address: "ADDRESS 127.0.0.1"', "is a list, but Postfix takes one address here"),
    (f'{VARIABLE}smtp_bind_address: "::1"', "of the family ipv6", "Set smtp_bind_address6 to it"),
    (f"{VARIABLE}smtp_bind_address6: ADDRESS", "of the family ipv4", "Set smtp_bind_address to it"),
    (f'{VARIABLE}smtp_bind_address6: "2001:db8:::1"', "'2001:db8:::1' has three colons in a row", "Write two"),
    (f"{VARIABLE}inet_protocols: ipv5", "'ipv5' is not a protocol that Postfix knows", "Write all, ipv4, ipv6"),
    (f"{VARIABLE}inet_protocols: 4", "inet_protocols: '4' is not a protocol"),
    # services and sources
    (f'{SERVICES}: [{{name: "ADDRESS:70000", command: smtpd}}]', "has a port that does not exist", "from 1 to 65535"),
    (f'{SERVICES}: [{{name: "2525"}}]', "2525/inet", "command"),
    (f'{SERVICES}: [{{name: "2525", command: smtpd, options: {{smtpd_banner: "x\\ny"}}}}]', "smtpd_banner: ", "break"),
    (f"{VARIABLE}sources: [{{address: ADDRESS}}]", SPEC, "sources"),
    (f"{VARIABLE}sources: {{out1: {{helo: x.example}}}}", "address of the source out1: '' is missing"),
    (f"{VARIABLE}sources: {{out1: {{address: ADDRESS, state: on}}}}", "state of the source out1", "Use planned"),
)  # fmt: skip

PARTS = 4  # of which make test's share has one, with some mistakes of each kind
TASK = """
    - block:
        - ansible.builtin.include_role:
            name: mailfleet.postfix.postfix_interfaces
          vars:
            {variable}
        - ansible.builtin.debug:
            msg: nothing is wrong
      rescue:
        - ansible.builtin.debug:
            msg: "{{{{ ansible_failed_result.msg }}}}"
"""


@pytest.mark.parametrize("part", range(PARTS))
def test_each_mistake_is_explained(host: MailHost, part: int) -> None:
    mistakes = MISTAKES[part::PARTS]
    before = host.run("cat", *FILES).stdout

    def filled(text: str) -> str:
        return text.replace("ADDRESS", host.ipv4).replace("NETWORK", f"{host.ipv4}/24")

    tasks = "".join(TASK.format(variable=filled(variable)) for variable, *_words in mistakes)
    with tempfile.NamedTemporaryFile("w", suffix=".yml", dir=PLAYS) as file:
        file.write(f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")
        file.flush()
        said = host.play(Path(file.name).stem).messages
    told = list(zip(mistakes, said, strict=True))
    unclear = {variable: text for (variable, *words), text in told if any(filled(word) not in text for word in words)}
    assert not unclear, json.dumps(unclear, indent=1)
    assert host.run("cat", *FILES).stdout == before
