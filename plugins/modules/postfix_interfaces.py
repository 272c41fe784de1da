#!/usr/bin/python
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_interfaces
short_description: Set the network addresses of a Postfix instance in main.cf and master.cf
description:
  - Edits main.cf and master.cf so that a Postfix instance receives mail on the given addresses and sends from the given
    addresses, and changes nothing else in these files.
  - With O(apply=true) it also brings the running Postfix in line with its files, verifies that it works by them, and
    goes back to the previous version if it does not. That is what M(mailfleet.postfix.postfix_apply) does. Without it,
    RV(action) says whether Postfix has to be reloaded or restarted for the change to take effect.
  - With O(instances) it does that for several instances of a host. All of them are planned before the first is changed,
    and all that was changed goes back if one of them fails.
  - Checks everything before it writes anything. A bad value is an error that names the parameter, the value, the reason
    and the remedy, and then nothing is changed.
  - Reads the files without Postfix's own commands. So it can also repair a configuration that is so broken that these
    commands fail.
author:
  - The mailfleet.postfix authors (@mailfleet)
version_added: 1.0.0
extends_documentation_fragment:
  - ansible.builtin.backup
  - ansible.builtin.files
  - mailfleet.postfix._attributes
  - mailfleet.postfix._attributes.files
  - mailfleet.postfix._instance
  - mailfleet.postfix._parameters
  - mailfleet.postfix._services
options:
  apply:
    description:
      - Whether to bring the running Postfix in line with its files, too, with a reload, a stop and a start, or a start,
        whichever is needed. This is also done if there is nothing to edit, but Postfix is not in line with its files.
      - If Postfix cannot run with the new files, or does not work with them, the last version that was applied is
        restored, Postfix is brought up with it, and the module fails.
      - Needs root, and in a container the capability C(SYS_PTRACE). Without them, nothing is edited either.
    type: bool
    default: false
  confirm:
    description:
      - With O(apply=true), how many seconds somebody has to confirm a change with
        O(mailfleet.postfix.postfix_apply#module:confirmed). Without that the host goes back to its previous files by
        itself, whatever becomes of the control node or of the network. V(0) means that a change needs no confirmation.
      - For what the host cannot see by itself, such as a firewall that drops a new address.
        M(mailfleet.postfix.postfix_probe) looks for that from elsewhere.
      - A run that changes no files needs no confirmation. Neither does it confirm, or prolong, a change that waits for
        one. If another change is made in the meantime, RV(confirm.token) is a new one, for both changes, and what the
        files were before the first of them is what the host goes back to. A run with other settings and without
        O(confirm), or an edit by hand, ends that, and nothing is undone.
      - All instances of the host that wait for a confirmation go back together. Each is verified, as after any change.
        Instances that were created are removed again. If they have messages, they only stop listening. Those that
        were removed stay removed.
      - If the host goes down in the meantime, it comes up with the previous files. With systemd, the unit
        C(mailfleet-unconfirmed.service) exists until the change is confirmed. It brings them back before Postfix
        starts. Without systemd, the next run does that.
    type: int
    default: 0
  keep_versions:
    description:
      - With O(apply=true), how many versions of both files to keep on the host for each instance, so that
        O(mailfleet.postfix.postfix_apply#module:to) can bring one of them back. The present one is among them.
      - A version is kept when Postfix was found to work by it, and with O(confirm) when it is confirmed. What the files
        were before a change is kept, too. Once there is a version, so are edits by others by which Postfix works.
      - All versions of an instance have at most 4 MiB, and the oldest ones go first. A version that is larger is not
        kept. If a version cannot be kept, for example because the disk is full, that is a warning.
      - Without this option as many as the last run was told are kept, or 5 if none was told anything. V(0) keeps none
        and removes those that there are.
      - Only root can read them, because the files may hold passwords.
    type: int
  instances:
    description:
      - One entry for each instance that is to be edited. Its keys are the options of this module for one instance, from
        O(config_directory) to O(timeout), and those below. What an entry does not say is taken from the options beside
        this one. A key that is null asks for nothing, even if there is such an option.
      - C(state) is C(present) to create the instance of the name C(instance) if it does not exist, to enable it, and to
        let it listen. It is C(absent) to stop and remove it, which is refused while there are messages in its queue.
        Without C(state) the instance must exist.
      - C(group) is the C(multi_instance_group) of an instance that is created.
      - All instances are planned before the first is changed, also those that have to be created. If one fails,
        everything that this run has changed goes back. Instances that take addresses from each other take turns, and
        those that exchange addresses are stopped together.
    type: list
    elements: dict
  timeout:
    description:
      - With O(apply=true), how many seconds the action on an instance and its verification may take, and how many
        seconds to wait for another run of this collection on the same instance. A rollback gets the same time again.
    type: float
    default: 30
  findings:
    description:
      - What to do with findings of the severities C(error) and C(warning). V(show) shows them as warnings. V(ignore)
        only returns them in RV(findings). V(fail) shows them, and refuses a change whose result has a finding of
        severity C(error).
    type: str
    choices: [show, ignore, fail]
    default: show
  sources:
    description:
      - Source addresses by name. Each is a transport of that name in master.cf, an SMTP client that sends from these
        addresses and greets with this name. The stock clients that it covers send from them too.
      - A source with addresses of one family only does not send by the other one, as that would be from another
        address.
      - V(address) and V(address6) are its addresses. V(select) is a list of selectors that pick them on the host,
        instead.
      - V(helo) is the name that it greets with (C(smtp_helo_name)).
      - V(transports) are those of the stock clients V(smtp), V(relay) and V(lmtp) that send from it too.
      - V(enforce) is whether mail waits if it cannot leave from these addresses (C(smtp_bind_address_enforce)). By
        default it does, where Postfix has that, since 3.7.
      - V(state) is V(active) by default, for which the host needs to have the addresses, and neither tentative,
        temporary nor deprecated ones. V(planned) is for one that the host need not have yet, and for which nothing is
        written. V(draining) is for one that gets no new mail and delivers what it has, which is for the filter
        P(mailfleet.postfix.source_maps#filter) to arrange. V(retired) removes it, which is refused while messages are
        to leave by it.
      - V(weight), from 0 to 100 and by default 1, is its share of the mail in that filter. V(notes) are for people.
    type: dict
  abandoned:
    description:
      - What to do with settings that this module has made, and that nothing asks for any more. Everything that a run
        does not ask for counts. So taking a variable out of the inventory undoes it, if each run asks for all that is
        wanted, as the role does.
      - V(report) leaves them, returns them in RV(ledger), and shows them with the findings. V(keep) only returns them.
      - V(restore) makes the files what they would be if this collection had never edited them, with what is asked for
        now. What somebody else has edited since stays. It is part of the same change as everything else, so check mode
        and C(--diff) show it, and it goes back with the rest if Postfix does not work by it.
      - An instance that O(instances) does not name any more stays. C(state=absent) removes it.
    type: str
    choices: [report, restore, keep]
    default: report
  unknown:
    description:
      - What to do with what the files have of this family although this module has never set it, and nothing asks for
        it. These are source addresses, endpoints and client transports that the stock files do not have.
      - V(report) returns them in RV(ledger) and shows them with the findings. V(fail) refuses to go on, before anything
        is changed.
      - By default V(report) with O(survey=true), and V(ignore) without.
    type: str
    choices: [ignore, report, fail]
  requested_by:
    description:
      - For whom the run is made. It is told with what was set. By default it is who has become root with sudo.
    type: str
  survey:
    description:
      - Whether to return RV(survey) too, what the whole host has. The playbooks need it for what only a look across
        hosts shows.
    type: bool
    default: false
  host:
    description: How to call this host in these warnings. By default they use the name that the host itself has.
    type: str
  role_variables:
    description:
      - The names of the role's variables that are set. A name that the role does not have is an error, because it would
        have no effect. Only the role P(mailfleet.postfix.postfix_interfaces#role) needs this.
    type: list
    elements: str
    default: []
  unset:
    description: Which of the parameters that this module sets to remove from main.cf, so that Postfix uses its default.
    type: list
    elements: str
    default: []
  select:
    description:
      - Parameters whose addresses are picked on the host from the addresses that it has. Each key is a
        parameter that takes addresses. Each value is a list of selectors, as described for the filter
        P(mailfleet.postfix.select_addresses#filter), for example V(10.0.0.0/8), V(interface:eth0), V(loopback),
        V(global) or V(primary). A V(!) in front of a selector excludes what it matches.
      - Only addresses of a family that O(inet_protocols) enables, and that the parameter can take, are picked. A
        selector that matches nothing is an error.
      - Give a parameter either its value or an entry here, not both.
    type: dict
    default: {}
  unlisted_services:
    description:
      - What to do with services of type C(inet) in master.cf that O(services) does not list.
      - V(keep) leaves them, V(report) leaves them and lists them in RV(unlisted_services), V(disable) comments them
        out, V(remove) removes them.
    type: str
    choices: [keep, report, disable, remove]
    default: keep
  allow_absent_addresses:
    description:
      - Allow addresses that no interface has now, such as those of a cluster that may be on another host.
      - Postfix and each of its commands fail as long as O(inet_interfaces) names an address that the host does not
        have. Endpoints in master.cf can use such an address if C(net.ipv4.ip_nonlocal_bind) is on.
    type: bool
    default: false
  allow_no_listener:
    description: Allow a change that takes the last listener away from an instance that has listeners now.
    type: bool
    default: false
attributes:
  diff_mode:
    support: full
    details:
      - Besides the two files, the difference shows the effective view before and after, and whether a reload or a
        restart is needed. The effective view is Postfix's own addresses, the listeners, the source addresses and the
        default of C(mynetworks).
      - In the difference, comments, arguments, and values that are not of this family are not shown, because they may
        be passwords. Options in O(services) are shown unless they look like passwords.
notes:
  - The values in O(services[].options) that are not of this family, and the arguments of O(services[].command), are
    neither logged on the host nor part of the C(invocation).
seealso:
  - module: mailfleet.postfix.postfix_apply
  - module: mailfleet.postfix.postfix_interfaces_info
  - module: mailfleet.postfix.postfix_probe
  - plugin: mailfleet.postfix.select_addresses
    plugin_type: filter
  - name: postconf(5)
    description: The parameters.
    link: https://www.postfix.org/postconf.5.html
  - name: master(5)
    description: The services.
    link: https://www.postfix.org/master.5.html
"""

EXAMPLES = r"""
- name: Receive mail on loopback only (127.0.0.1 and ::1), and bring the running Postfix in line
  mailfleet.postfix.postfix_interfaces:
    inet_interfaces: loopback-only
    apply: true

- name: Give each of two instances addresses of its own, or change nothing if one of them fails
  mailfleet.postfix.postfix_interfaces:
    apply: true
    instances:
      - inet_interfaces: [127.0.0.1, "::1", 192.0.2.10, "2001:db8::10"]
      - instance: postfix-out
        state: present
        inet_protocols: all
        inet_interfaces: [192.0.2.20, "2001:db8::20"]

- name: Receive on other addresses, unless nobody confirms within two minutes that it can be used
  mailfleet.postfix.postfix_interfaces:
    inet_interfaces: [127.0.0.1, "::1", 192.0.2.11, "2001:db8::11"]
    apply: true
    confirm: 120

- name: Receive mail on loopback and on one address of each family; no other address gets a socket
  mailfleet.postfix.postfix_interfaces:
    inet_interfaces: [127.0.0.1, "::1", 192.0.2.10, "2001:db8::10"]

- name: Set up a null client
  mailfleet.postfix.postfix_interfaces:
    inet_interfaces: loopback-only

- name: Use the same values for many hosts, each with its own addresses
  mailfleet.postfix.postfix_interfaces:
    select:
      inet_interfaces: [loopback, 10.0.0.0/8, "fd00::/8"]
      smtp_bind_address: ["interface:out0"]

- name: Receive inside and outside with different policies, and keep loop detection
  mailfleet.postfix.postfix_interfaces:
    inet_interfaces: all
    services:
      - name: smtp
        state: disabled
      - name: 10.1.0.10:smtp
        command: smtpd
        options:
          smtpd_client_restrictions: permit_mynetworks, reject
      - name: 192.0.2.10:smtp
        command: smtpd
      - name: "[2001:db8::10]:smtp"
        command: smtpd

- name: Add a transport that sends from its own address
  mailfleet.postfix.postfix_interfaces:
    services:
      - name: smtp-bulk
        type: unix
        command: smtp
        options:
          smtp_bind_address: 192.0.2.20
          smtp_helo_name: bulk.example.com
"""

RETURN = r"""
msg:
  description: In one line, where Postfix listens and sends from, what was done, and why; or what is wrong.
  type: str
  returned: always
instances:
  description:
    - The result for each instance, in the order of O(instances), with the keys below.
    - Without O(instances) the keys below describe the one instance.
  type: list
  elements: dict
  returned: O(instances) is given
config_directory:
  description: The directory of the instance's configuration files.
  type: str
  returned: success
  sample: /etc/postfix
instance:
  description: The name of the instance, V(-) for the default instance.
  type: str
  returned: success
  sample: "-"
files:
  description: The paths of the files that were changed, or in check mode would be.
  type: list
  elements: str
  returned: success
  sample: [/etc/postfix/main.cf]
action:
  description:
    - What Postfix needs for the change to take effect. V(none), V(reload), or V(restart) for a stop and a start.
    - With O(apply=true), what the running Postfix needed, and in check mode will need, also V(start).
    - Without it, this is only about this change. The running Postfix may also be out of line with its files for another
      reason; M(mailfleet.postfix.postfix_apply) finds out what it needs then.
    - With O(instances) there is also the strongest action of all instances.
  type: str
  returned: success
  sample: restart
reasons:
  description: Each difference that needs a reload or a restart.
  type: list
  elements: dict
  returned: success
  contains:
    parameter:
      description: The parameter, or the service as C(name/type).
      type: str
    before:
      description:
        - Its effective value before the change, or the fields of a service. Null if it did not exist.
        - Options of a service that are not of this family, and arguments, are not shown.
      type: str
    after:
      description: The same after the change.
      type: str
    action:
      description: What this difference needs, V(reload) or V(restart).
      type: str
    why:
      description: Why it needs that.
      type: str
before:
  description: The effective view before the change.
  type: dict
  returned: success
  contains:
    own_addresses:
      description: The addresses that Postfix considers its own.
      type: list
      elements: str
    listeners:
      description: The sockets that the master opens, as the filter P(mailfleet.postfix.listeners#filter) gives them.
      type: list
      elements: dict
    source_addresses:
      description: >-
        The address that each client service sends from, as the filter P(mailfleet.postfix.source_addresses#filter)
        gives them.
      type: list
      elements: dict
    mynetworks:
      description: The default value of C(mynetworks). Null if main.cf sets C(mynetworks).
      type: list
      elements: str
    error:
      description: Why Postfix would not run with these files. Null if it would.
      type: str
after:
  description: The effective view after the change.
  type: dict
  returned: success
findings:
  description: >-
    What to look at in the new configuration, as the filter P(mailfleet.postfix.findings#filter) returns it, and what
    RV(ledger) says, with the codes C(abandoned_setting), C(changed_by_hand) and C(unknown_setting).
  type: list
  elements: dict
  returned: success
ledger:
  description:
    - The settings that are not simply what is asked for. A setting is a parameter of main.cf, or an entry of master.cf
      or a part of one.
  type: list
  elements: dict
  returned: success
  contains:
    parameter:
      description: The parameter of main.cf, or V(services).
      type: str
    service:
      description: The service of master.cf, as port or name, and type. Empty for a parameter of main.cf.
      type: str
      sample: 587/inet
    part:
      description:
        - V(entry) for the whole entry of the service; V(command), the name of a field, or the option with V(-o) before
          it.
      type: str
      sample: -o smtp_bind_address
    state:
      description:
        - V(abandoned) if this module has set it, nothing asks for it any more, and it stays; V(restored) if it went
          back.
        - V(overruled) if this module has set it, somebody has changed it since, and it is set again.
          V(changed_by_hand) if somebody has changed it and nothing asks for it, so that it stays.
        - V(unknown) if this module has never set it, and nothing asks for it. See O(unknown).
      type: str
    first:
      description: What it would be without this collection. Null if it would not be set.
      type: str
    last:
      description: What this module has set. Null if it has removed it.
      type: str
    found:
      description: What it was before this run. Null if it was not set.
      type: str
    set_at:
      description: When it was set.
      type: str
      sample: "2026-11-29T21:40:00Z"
    set_by:
      description: For whom it was set, as O(requested_by) says. Null if that is not known.
      type: str
abandoned_instances:
  description:
    - The names of instances that this module has created, and that O(instances) does not name.
  type: list
  elements: str
  returned: O(instances) is given
unlisted_services:
  description: The services of type C(inet) in master.cf that O(services) does not list.
  type: list
  elements: str
  returned: O(unlisted_services) is not V(keep)
recovered:
  description: What was done about a change that an earlier run left half written.
  type: str
  returned: an earlier run was interrupted
interruption:
  description: As in RV(mailfleet.postfix.postfix_apply#module:interruption).
  type: str
  returned: O(apply=true)
  sample: none
interruption_cause:
  description: As in RV(mailfleet.postfix.postfix_apply#module:interruption_cause).
  type: str
  returned: O(apply=true)
sockets:
  description: As in RV(mailfleet.postfix.postfix_apply#module:sockets).
  type: list
  elements: dict
  returned: O(apply=true)
answers:
  description: As in RV(mailfleet.postfix.postfix_apply#module:answers).
  type: list
  elements: dict
  returned: O(apply=true)
in_sync:
  description:
    - Whether the running Postfix is in line with its files at the end, also after a rollback.
    - In check mode, whether it is in line with the files as they will be.
  type: bool
  returned: O(apply=true)
rolled_back:
  description: Whether the previous version of the files was restored.
  type: bool
  returned: O(apply=true)
restored:
  description: The paths of the files that were restored.
  type: list
  elements: str
  returned: O(apply=true)
messages:
  description: What Postfix and its commands said when something went wrong, from their output and from the log.
  type: list
  elements: str
  returned: O(apply=true)
unit:
  description: The systemd unit that runs the instance. Null if there is none.
  type: str
  returned: O(apply=true), or the entry has a C(state)
  sample: postfix@-.service
supervisor:
  description: As in RV(mailfleet.postfix.postfix_apply#module:supervisor).
  type: str
  returned: O(apply=true)
outside_unit:
  description: As in RV(mailfleet.postfix.postfix_apply#module:outside_unit).
  type: bool
  returned: O(apply=true)
steps:
  description: What was done to create or remove the instance, or in check mode would be done, as sentences.
  type: list
  elements: str
  returned: the entry has a C(state)
  sample: [The instance postfix-out is created]
exists:
  description: Whether the instance exists at the end. In check mode it is also false if it would be created.
  type: bool
  returned: the entry has a C(state)
left:
  description: Directories of a removed instance that are still there.
  type: list
  elements: str
  returned: the entry has a C(state)
claims:
  description:
    - The addresses that the instance is told to use by its files as they will be, whether or not the host has them.
  type: dict
  returned: O(survey=true)
  contains:
    sources:
      description: The source addresses, each with C(address) and the C(parameter) that sets it.
      type: list
      elements: dict
    listeners:
      description: The addresses that it is to listen on, apart from wildcards.
      type: list
      elements: str
confirm:
  description:
    - The change that waits to be confirmed, by this run or an earlier one. Null if there is none, and in check mode.
  type: dict
  returned: O(apply=true)
  contains:
    token:
      description: What O(mailfleet.postfix.postfix_apply#module:confirmed) takes.
      type: str
    seconds:
      description: How many seconds are left.
      type: int
    sockets:
      description:
        - The sockets of the instances that were changed, as O(mailfleet.postfix.postfix_probe#module:sockets) takes
          them. For a wildcard, all addresses of the host that others can use, with the wildcard in C(any_of).
      type: list
      elements: dict
    sources:
      description:
        - The addresses that the clients of these instances are told to send from, each with C(instance) and
          C(address).
      type: list
      elements: dict
  sample:
    token: 2f1c0a9be5d34c77
    seconds: 120
    sockets:
      - instance: "-"
        address: 192.0.2.10
        port: 25
        expect: greeting
        any_of:
    sources: []
undone:
  description:
    - What became of the last change that nobody has confirmed. Null if there is none. The first run after it also
      warns.
  type: dict
  returned: O(apply=true)
  contains:
    token:
      description: The token that it had.
      type: str
    outcome:
      description:
        - V(undone); V(failed) if the host could not go back, and so has not; or V(overtaken) if the files stay, because
          somebody has edited them since.
      type: str
    message:
      description: What happened, and what runs since.
      type: str
    changed_at:
      description: When the change was made.
      type: str
    ended_at:
      description: When it was undone, or when it was found that it cannot be.
      type: str
survey:
  description:
    - What the host has beside the instances that were asked for; also when the module fails. Without Postfix there is
      only C(seconds).
  type: dict
  returned: O(survey=true)
  contains:
    seconds:
      description: How long the module has taken, without the connection.
      type: float
    version:
      description: The version of Postfix.
      type: str
    addresses:
      description: The addresses of the host, as in RV(mailfleet.postfix.postfix_interfaces_info#module:addresses).
      type: list
      elements: dict
    instances:
      description:
        - The default instance, those that it lists, and those that were asked for, each with C(instance),
          C(config_directory) and C(sockets), which are those that its master has now, also in check mode. Null if it
          does not run.
      type: list
      elements: dict
    masters:
      description:
        - The running masters of Postfix that belong to no instance, each with C(pid), C(sockets) and
          C(config_directory), which is null if it is not known.
        - Those of containers are not included.
      type: list
      elements: dict
backup_files:
  description: The paths of the backup copies.
  type: list
  elements: str
  returned: changed and O(backup=true)
"""

import os
import time
from typing import Any, List, NoReturn, Optional, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.byte_code import ByteCode

byte_code = ByteCode.use()  # what is imported from here on is not compiled again

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.words import shown_time
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.apply import check_confirm, check_versions
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.member import Member
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.report import ApplyError, confirmation
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.wish import together_of
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe import options, outcome
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.environment import require_linux, take_usual_umask
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.installed import BuiltIn, built_in
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import (
    TransactionError,
    created_instances,
)

MUTUALLY_EXCLUSIVE = [["config_directory", "instance"]]


class Module(AnsibleModule):
    """The module, which neither logs nor returns option values that may be passwords, whatever becomes of it."""

    began = time.monotonic()

    def _log_invocation(self) -> None:  # AnsibleModule has no other way to say what goes to the log of the host
        params = self.params
        self.params = options.discreet(params)
        try:
            super()._log_invocation()  # type: ignore[no-untyped-call]
        finally:
            self.params = params

    def exit_json(self, **kwargs: Any) -> NoReturn:
        super().exit_json(invocation={"module_args": options.discreet(self.params)}, **kwargs)

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        super().fail_json(msg, invocation={"module_args": options.discreet(self.params)}, **kwargs)


def main() -> None:
    module = Module(  # type: ignore[no-untyped-call]
        options.argument_spec(),
        supports_check_mode=True,
        add_file_common_args=True,
        mutually_exclusive=MUTUALLY_EXCLUSIVE,
    )
    try:
        require_linux()
        take_usual_umask()
        if not module.check_mode:
            byte_code.keep()
        carry_out(module)
    except InputError as error:
        module.fail_json(msg=str(error), **error.parts, **surveyed(module, []))
    except TransactionError as error:
        module.fail_json(msg=str(error), **surveyed(module, []))
    except OSError as error:  # of the host, such as a limit or a full disk
        module.fail_json(msg=f"The host does not allow it: {error}.", **surveyed(module, []))


def surveyed(
    module: AnsibleModule, results: list[dict[str, Any]], compiled: Optional[BuiltIn] = None
) -> dict[str, Any]:
    """Return what the host has besides, if that was asked for and can be found out.

    :param results: those of the instances
    :param compiled: what :func:`built_in` returns, where it was asked already
    """
    if not module.params["survey"]:
        return {}
    seconds = {"seconds": round(time.monotonic() - Module.began, 3)}
    from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.survey import survey

    try:
        found = survey(compiled or built_in(), [one["config_directory"] for one in results])
    except (InputError, OSError):  # no Postfix, or no right to look: what the module did says it
        found = {}
    return {"survey": {**found, **seconds}}


def carry_out(module: AnsibleModule) -> None:
    """Do what the options ask for, and end the module.

    :raises InputError: something asked for is wrong; nothing was changed
    :raises TransactionError: a file cannot be read, locked or written; nothing was changed
    """
    params = module.params
    host = params["host"] or os.uname().nodename
    options.refuse_unknown(params["role_variables"])
    entries = entries_of(module)
    backups: dict[Member, list[str]] = {}

    def keep_copies(member: Member, paths: list[str]) -> None:
        if entries[asked.parts.index(member)]["backup"]:
            backups[member] = [module.backup_local(path) for path in paths]

    confirm = refuse_unapplied(params)
    check_versions(params["keep_versions"])
    who = discreet_name(params["requested_by"] or os.environ.get("SUDO_USER", ""))
    wishes = [options.wish_of(entry)._replace(who=who) for entry in entries]
    compiled = built_in(remember=not module.check_mode, compare_tables=True)
    asked = together_of(wishes, compiled, params["apply"], module.check_mode, keep_copies)
    asked.together.refuse_errors = params["findings"] == "fail"
    asked.together.confirm, asked.together.keep_versions = confirm, params["keep_versions"]
    refuse_attributes(module, [part.directory for part in asked.parts if isinstance(part, Member) and part.exists])
    failure = None
    try:
        asked.together.carry_out()
    except ApplyError as error:
        failure = str(error)
    results = []
    if params["survey"]:
        from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.survey import claims
    for part, entry in zip(asked.parts, entries):
        unlisted = entry["unlisted_services"] not in (None, "keep")
        result = outcome.result_of(part, params["apply"], unlisted, failed=failure is not None)
        if isinstance(part, Member):
            if params["survey"] and part.edited:
                result["claims"] = claims(part.edited.plan.after)
            if part in backups:
                result["backup_files"] = backups[part]
            if part.exists and not failure:
                set_attributes(module, part.directory, result)
        results.append(result)
    for result in results:
        for text in result.pop("warnings", ()):
            module.warn(f"{host}: {text}")
    answer = results[0] if params["instances"] is None else outcome.together_as_result(results)
    if params["instances"] is not None:
        answer["abandoned_instances"] = abandoned_instances(module, host, asked.parts)
    answer.update(surveyed(module, results, compiled))
    if params["apply"]:
        answer.update(confirmation(module.check_mode))
        for text in answer.pop("warnings"):
            module.warn(f"{host}: {text}")
    if failure:
        module.fail_json(msg=failure, **answer)
    if module._diff:
        answer["diff"] = [each for part, one in zip(asked.parts, results) for each in outcome.diff_of(part, one)]
    if params["findings"] != "ignore":
        for name, finding in outcome.findings_of(asked.parts):
            module.warn(outcome.warning_of(host, name, finding))
    module.exit_json(**answer)


def abandoned_instances(module: AnsibleModule, host: str, parts: Sequence[Any]) -> list[str]:
    """Return the instances that this collection has created and that the run is not about, and warn of them."""
    named = [part.directory for part in parts]
    left = [one for one in created_instances() if one["directory"] not in named]
    if module.params["abandoned"] == "report":
        for one in left:
            who = f" for {one['who']}" if one["who"] else ""
            made = f"has the instance {one['name']}, which this collection has created on {shown_time(one['at'])}{who}"
            remedy = "List it in instances, with state absent if it is to go"
            module.warn(f"{host} {made}, and nothing asks for it any more. {remedy}. [abandoned_instance]")
    return [one["name"] for one in left]


def discreet_name(who: str) -> str:
    """Return who asks for something so that it can be told in one line."""
    return "".join(character for character in who if character.isprintable())[:80]


def refuse_unapplied(params: dict[str, Any]) -> int:
    """Return the seconds in which a change has to be confirmed.

    :raises InputError: nothing that could be confirmed is asked for
    """
    seconds: int = params["confirm"]
    check_confirm(seconds)
    if seconds and not params["apply"]:
        reason = "needs apply=true, because an edit alone has no effect that could be confirmed"
        raise InputError("confirm", seconds, reason, "Set apply=true, or leave confirm out")
    return seconds


def entries_of(module: AnsibleModule) -> list[dict[str, Any]]:
    """Return the options for each instance; without the option instances there is one."""
    params = module.params
    if params["instances"] is None:
        return [options.entry_of(params, {})]
    spec, entries = options.entry_options(), []
    validator = ArgumentSpecValidator(spec, mutually_exclusive=MUTUALLY_EXCLUSIVE)
    for number, entry in enumerate(params["instances"], start=1):
        nothing = {name: None for name, value in entry.items() if value is None and name in spec}
        checked = validator.validate({name: value for name, value in entry.items() if name not in nothing})
        if checked.error_messages:
            unknown = "unsupported parameters: " if checked.unsupported_parameters else ""
            module.fail_json(msg=f"instances: entry {number}: {unknown}{' '.join(checked.error_messages)}")
        given = {name: value for name, value in checked.validated_parameters.items() if name in entry}
        entries.append(options.entry_of(params, {**given, **nothing}))
    return entries


def refuse_attributes(module: AnsibleModule, directories: List[str]) -> None:
    """End the module if the attributes asked for cannot be, such as an owner that does not exist; change nothing."""
    check_mode, module.check_mode = module.check_mode, True
    try:
        for directory in directories:
            set_attributes(module, directory, {"changed": False})
    except (ValueError, OverflowError) as error:  # a NUL, or a number that is too large
        module.fail_json(msg=f"owner, group, mode or attributes cannot be set: {error}.")
    finally:
        module.check_mode = check_mode


def set_attributes(module: AnsibleModule, directory: str, result: dict[str, Any]) -> None:
    """Give both files of an instance the owner, group, mode and so on that are asked for."""
    for name in ("main.cf", "master.cf"):
        attributes = module.load_file_common_arguments(module.params, path=f"{directory}/{name}")
        result["changed"] = module.set_fs_attributes_if_different(attributes, result["changed"], diff=None)


if __name__ == "__main__":
    main()
