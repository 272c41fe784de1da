#!/usr/bin/python
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_interfaces
short_description: Set the network addresses of a Postfix instance in main.cf and master.cf
description:
  - Makes main.cf and master.cf say on which addresses a Postfix instance receives mail and from which it sends, and
    changes nothing else in them.
  - Tells what has to follow before Postfix works by it, see RV(action). M(mailfleet.postfix.postfix_apply) then does
    that.
  - Everything is checked before anything is written. A bad value is one error that names the parameter, the value,
    the reason and the remedy, and changes nothing.
  - Reads the files itself, so it works, and repairs, where the present configuration is so broken that Postfix's own
    commands fail.
author:
  - The mailfleet.postfix authors (@mailfleet)
version_added: 0.1.0
extends_documentation_fragment:
  - ansible.builtin.files
  - mailfleet.postfix._attributes
  - mailfleet.postfix._attributes.files
  - mailfleet.postfix._instance
options:
  inet_interfaces:
    description:
      - The addresses that the instance receives mail on, V(all) alone, V(loopback-only) alone, or any number of
        addresses and host names. An empty string writes an empty value.
      - Services of master.cf with a host part do not use it. Where it names just one address of a family, other than
        loopback, the SMTP and LMTP clients send from that address too.
      - A change of the listeners takes effect after a stop and a start only.
    type: list
    elements: str
  inet_protocols:
    description: The protocol families that Postfix uses, V(all), V(ipv4), V(ipv6).
    type: list
    elements: str
  proxy_interfaces:
    description:
      - The addresses at which a proxy or an address translator receives mail for this instance. Postfix does not
        listen there, but knows them as its own.
    type: list
    elements: str
  smtp_bind_address:
    description:
      - The IPv4 address that the SMTP client sends from, with or without brackets (brackets from Postfix 3.7 on). An
        empty string writes an empty value. V(0.0.0.0) leaves the choice to the kernel, also where O(inet_interfaces)
        names just one address.
    type: str
  smtp_bind_address6:
    description: The IPv6 address that the SMTP client sends from, likewise. V(::) leaves the choice to the kernel.
    type: str
  smtp_bind_address_enforce:
    description:
      - Whether mail waits when it cannot leave from the addresses above, instead of leaving from any other. Postfix
        3.7 and later.
    type: bool
  lmtp_bind_address:
    description: The IPv4 address that the LMTP client sends from.
    type: str
  lmtp_bind_address6:
    description: The IPv6 address that the LMTP client sends from.
    type: str
  lmtp_bind_address_enforce:
    description: As O(smtp_bind_address_enforce), for the LMTP client. Postfix 3.7 and later.
    type: bool
  master_service_disable:
    description: Services that the master leaves out, each V(TYPE) or V(NAME/TYPE), V(!) before it for not.
    type: list
    elements: str
  unset:
    description: Parameters, of those above, to return to Postfix's default by removing them from main.cf.
    type: list
    elements: str
    default: []
  select:
    description:
      - Parameters, of those above, whose addresses are picked on the host from the addresses that it has. Each key is
        a parameter that takes addresses, each value a list of selectors as the filter
        P(mailfleet.postfix.select_addresses#filter) has them, for example V(10.0.0.0/8), V(interface:eth0),
        V(loopback), V(global), V(primary), each with V(!) before it for not.
      - Only addresses of a family that O(inet_protocols) enables, and that the parameter can take, are picked. A
        selector that matches nothing is an error.
      - A parameter is given either by its value or here.
    type: dict
    default: {}
  services:
    description: Services of master.cf. Of each only what is given changes.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The first field, such as V(smtp), V(192.0.2.1:submission) or V([2001:db8::1]:25). Spellings of the same
            endpoint are the same service.
        type: str
        required: true
      type:
        description: The service type.
        type: str
        choices: [inet, unix, unix-dgram, fifo, pass]
        default: inet
      state:
        description:
          - V(present) adds the service if there is none, and takes one that is commented out back.
          - V(disabled) comments it out in place, V(absent) removes it.
        type: str
        choices: [present, absent, disabled]
        default: present
      command:
        description:
          - The program and its arguments, without C(-o) options. Needed for a service that is not there yet. The
            options that the service has stay.
        type: str
      private:
        description: The field of that name, V(y), V(n) or V(-).
        type: str
      unprivileged:
        description: The field of that name, V(y), V(n) or V(-).
        type: str
      chroot:
        description: The field of that name, V(y), V(n) or V(-).
        type: str
      wakeup:
        description: The field of that name, in seconds, V(?) behind it for "only if used", or V(-).
        type: str
      process_limit:
        description: The field of that name, the most processes at a time, V(0) for no limit, or V(-).
        type: str
      options:
        description: C(-o) overrides to set, by parameter name. Others stay.
        type: dict
        default: {}
      unset_options:
        description: Names of C(-o) overrides to remove.
        type: list
        elements: str
        default: []
  unlisted_services:
    description:
      - What becomes of the services of type C(inet) that master.cf has beyond those in O(services).
      - V(keep) leaves them, V(report) lists them in RV(unlisted_services), V(disable) comments them out, V(remove)
        removes them.
    type: str
    choices: [keep, report, disable, remove]
    default: keep
  allow_absent_addresses:
    description:
      - Write addresses that no interface has now, such as those of a cluster that may be elsewhere.
      - Postfix, and each of its commands, fails as long as O(inet_interfaces) names an address that the host does not
        have. Endpoints of master.cf can have such an address where C(net.ipv4.ip_nonlocal_bind) is on.
    type: bool
    default: false
  allow_no_listener:
    description: Allow an edit after which an instance that had listeners has none.
    type: bool
    default: false
  backup:
    description: Keep a copy of each changed file beside it, with the date in its name.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Besides the two files, the difference shows the effective view, which is the own addresses, the listeners, the
        source addresses and the default of C(mynetworks), before and after, and what has to follow.
  platform:
    platforms: posix
notes:
  - A file that is changed gets a modification time of two seconds ago. Postfix's programs take a C(main.cf) that is
    younger for one that is still being written, and keep their clients waiting until it is not; a file that is replaced
    as a whole needs no such care.
seealso:
  - module: mailfleet.postfix.postfix_apply
  - module: mailfleet.postfix.postfix_interfaces_info
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
- name: A host that receives mail on two of its addresses
  mailfleet.postfix.postfix_interfaces:
    inet_interfaces: [127.0.0.1, 192.0.2.10, "2001:db8::10"]

- name: A null client
  mailfleet.postfix.postfix_interfaces:
    inet_interfaces: loopback-only

- name: The same variables for a thousand hosts, each with its own addresses
  mailfleet.postfix.postfix_interfaces:
    select:
      inet_interfaces: [loopback, 10.0.0.0/8]
      smtp_bind_address: ["interface:out0"]

- name: A firewall that receives inside and outside with different policies and keeps its loop detection
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

- name: A transport that sends from its own address
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
action:
  description:
    - What has to follow the change before Postfix works by it. V(none), V(reload), or V(restart) for a stop and a
      start.
    - It speaks of this change. Whether the running Postfix is behind for another reason, and what it needs then, is
      decided by M(mailfleet.postfix.postfix_apply).
  type: str
  returned: success
  sample: restart
reasons:
  description: Each difference that Postfix has to be told of.
  type: list
  elements: dict
  returned: success
  contains:
    parameter:
      description: The parameter, or the service as C(name/type).
      type: str
    before:
      description: Its effective value before, or for a service its fields; none if it was not there.
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
      description: The addresses that Postfix takes for its own.
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
      description: The default of C(mynetworks) that follows, or none where main.cf sets it.
      type: list
      elements: str
    error:
      description: Why Postfix would not run by these files, or none.
      type: str
after:
  description: The effective view after the change.
  type: dict
  returned: success
findings:
  description: >-
    What an expert would point out in the result, as the filter P(mailfleet.postfix.findings#filter) gives it.
  type: list
  elements: dict
  returned: success
unlisted_services:
  description: The services of type C(inet) beyond those given.
  type: list
  elements: str
  returned: O(unlisted_services) is not V(keep)
recovered:
  description: What was done about a change that an earlier run left half written.
  type: str
  returned: there was one
backup_files:
  description: The copies kept.
  type: list
  elements: str
  returned: changed and O(backup=true)
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.edit_files import Edited, edit
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.effective_view import effective_view, in_words
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import find_instance
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import TransactionError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import PARAMETERS
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.values import text_of

LISTS = ("interfaces", "protocols", "proxy", "match_list")


def argument_spec() -> dict[str, Any]:
    """The options: one for each parameter, by its kind, and those that are the module's own."""
    spec: dict[str, Any] = {}
    for name, known in PARAMETERS.items():
        if known.kind in LISTS:
            spec[name] = {"type": "list", "elements": "str"}
        else:
            spec[name] = {"type": "bool" if known.kind == "yes_no" else "str"}
    service = {
        "name": {"type": "str", "required": True},
        "type": {"type": "str", "choices": ["inet", "unix", "unix-dgram", "fifo", "pass"], "default": "inet"},
        "state": {"type": "str", "choices": ["present", "absent", "disabled"], "default": "present"},
        "command": {"type": "str"},
        "private": {"type": "str"},
        "unprivileged": {"type": "str"},
        "chroot": {"type": "str"},
        "wakeup": {"type": "str"},
        "process_limit": {"type": "str"},
        "options": {"type": "dict", "default": {}},
        "unset_options": {"type": "list", "elements": "str", "default": []},
    }
    spec.update(
        config_directory={"type": "path"},
        instance={"type": "str"},
        unset={"type": "list", "elements": "str", "default": []},
        select={"type": "dict", "default": {}},
        services={"type": "list", "elements": "dict", "default": [], "options": service},
        unlisted_services={"type": "str", "choices": ["keep", "report", "disable", "remove"], "default": "keep"},
        allow_absent_addresses={"type": "bool", "default": False},
        allow_no_listener={"type": "bool", "default": False},
        backup={"type": "bool", "default": False},
    )
    return spec


def wanted_of(params: dict[str, Any]) -> Wanted:
    """What the options ask for; an option that was not given asks for nothing."""
    return Wanted(
        values={name: params[name] for name in PARAMETERS if params[name] is not None},
        unset=params["unset"],
        select={
            name: [selectors] if isinstance(selectors, str) else selectors
            for name, selectors in params["select"].items()
        },
        services=[service_change(service) for service in params["services"]],
        unlisted_services=params["unlisted_services"],
        allow_absent_addresses=params["allow_absent_addresses"],
        allow_no_listener=params["allow_no_listener"],
    )


def service_change(service: dict[str, Any]) -> ServiceChange:
    """One entry of the option services; values are text whatever YAML has made of them."""
    options = {name: text_of(name, value) for name, value in service["options"].items()}
    return ServiceChange(**{**service, "options": options})


def result_of(edited: Edited, report_unlisted: bool) -> dict[str, Any]:
    """What the module returns, less what Ansible itself adds."""
    plan = edited.plan
    result: dict[str, Any] = {
        "changed": bool(edited.changed or edited.recovered),
        "action": plan.action,
        "reasons": [reason._asdict() for reason in plan.reasons],
        "before": effective_view(plan.before),
        "after": effective_view(plan.after),
        "findings": [finding._asdict() for finding in plan.findings],
    }
    if report_unlisted:
        result["unlisted_services"] = plan.unlisted
    if edited.recovered:
        result["recovered"] = edited.recovered
    return result


def diff_of(edited: Edited) -> list[dict[str, str]]:
    """Both files and the effective view, each where it changes."""
    plan, found = edited.plan, edited.found
    texts = [(path, found.main, plan.main) for path in edited.changed if path.endswith("main.cf")]
    texts += [(path, found.master, plan.master) for path in edited.changed if path.endswith("master.cf")]
    if edited.changed:
        needs = [f"needs a {one.action} for {one.parameter}: {one.why}\n" for one in plan.reasons]
        texts.append(
            (
                "effective view",
                in_words(effective_view(plan.before)),
                in_words(effective_view(plan.after)) + "".join(needs),
            )
        )
    return [
        {"before_header": name, "after_header": name, "before": printable(before), "after": printable(after)}
        for name, before, after in texts
    ]


def printable(text: str) -> str:
    """Bytes that are no UTF-8 cannot go into a module's answer."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def main() -> None:
    module = AnsibleModule(
        argument_spec(),
        supports_check_mode=True,
        add_file_common_args=True,
        mutually_exclusive=[["config_directory", "instance"]],
    )
    params = module.params
    backups: list[str] = []

    def keep_copies(paths: list[str]) -> None:
        if params["backup"]:
            backups.extend(module.backup_local(path) for path in paths)

    try:
        instance = find_instance(params["config_directory"], params["instance"])
        edited = edit(instance, wanted_of(params), module.check_mode, keep_copies)
    except InputError as error:
        module.fail_json(
            msg=str(error), parameter=error.parameter, value=error.value, reason=error.reason, remedy=error.remedy
        )
    except TransactionError as error:
        module.fail_json(msg=str(error))
    result = result_of(edited, params["unlisted_services"] != "keep")
    if backups:
        result["backup_files"] = backups
    diff = diff_of(edited)
    for name in ("main.cf", "master.cf"):
        attributes = module.load_file_common_arguments(params, path=f"{instance.config_directory}/{name}")
        result["changed"] = module.set_fs_attributes_if_different(attributes, result["changed"], diff=None)
    if module._diff:
        result["diff"] = diff
    module.exit_json(**result)


if __name__ == "__main__":
    main()
