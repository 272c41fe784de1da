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
  - Reports in RV(action) whether Postfix has to be reloaded or restarted for the change to take effect.
    M(mailfleet.postfix.postfix_apply) does that.
  - Checks everything before it writes anything. A bad value is an error that names the parameter, the value, the reason
    and the remedy, and then nothing is changed.
  - Reads the files without Postfix's own commands. So it can also repair a configuration that is so broken that these
    commands fail.
author:
  - The mailfleet.postfix authors (@mailfleet)
version_added: 0.1.0
extends_documentation_fragment:
  - ansible.builtin.backup
  - ansible.builtin.files
  - mailfleet.postfix._attributes
  - mailfleet.postfix._attributes.files
  - mailfleet.postfix._instance
  - mailfleet.postfix._parameters
  - mailfleet.postfix._services
options:
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
- name: Receive mail on two addresses and on loopback
  mailfleet.postfix.postfix_interfaces:
    inet_interfaces: [127.0.0.1, 192.0.2.10, "2001:db8::10"]

- name: Set up a null client
  mailfleet.postfix.postfix_interfaces:
    inet_interfaces: loopback-only

- name: Use the same values for many hosts, each with its own addresses
  mailfleet.postfix.postfix_interfaces:
    select:
      inet_interfaces: [loopback, 10.0.0.0/8]
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
action:
  description:
    - What Postfix needs for the change to take effect. V(none), V(reload), or V(restart) for a stop and a start.
    - This is only about this change. The running Postfix may also be out of line with its files for another reason;
      M(mailfleet.postfix.postfix_apply) finds out what it needs then.
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
      description: Its effective value before the change, or the fields of a service. Null if it did not exist.
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
    What to look at in the new configuration, as the filter P(mailfleet.postfix.findings#filter) returns it.
  type: list
  elements: dict
  returned: success
unlisted_services:
  description: The services of type C(inet) in master.cf that O(services) does not list.
  type: list
  elements: str
  returned: O(unlisted_services) is not V(keep)
recovered:
  description: What was done about a change that an earlier run left half written.
  type: str
  returned: an earlier run was interrupted
backup_files:
  description: The paths of the backup copies.
  type: list
  elements: str
  returned: changed and O(backup=true)
"""

import os
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.edit_files import Edited, edit
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Wanted
from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.effective_view import effective_view, in_words
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service import FIELD_VALUES, TYPES
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import STATES, ServiceChange
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import find_instance
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import TransactionError
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.parameters import PARAMETERS
from ansible_collections.mailfleet.postfix.plugins.module_utils._rules.values import text_of

LIST = {"type": "list", "elements": "str"}
LIST_KINDS = ("interfaces", "protocols", "proxy", "match_list")


def argument_spec() -> dict[str, Any]:
    """Return the options: one for each parameter, by its kind, and those of the module itself."""
    spec: dict[str, Any] = {
        name: LIST if parameter.kind in LIST_KINDS else {"type": "bool" if parameter.kind == "yes_no" else "str"}
        for name, parameter in PARAMETERS.items()
    }
    service = {
        "name": {"type": "str", "required": True},
        "type": {"type": "str", "choices": list(TYPES), "default": "inet"},
        "state": {"type": "str", "choices": list(STATES), "default": "present"},
        "command": {"type": "str"},
        **{name: {"type": "str"} for name in FIELD_VALUES},
        "options": {"type": "dict", "default": {}},
        "unset_options": {**LIST, "default": []},
    }
    spec.update(
        config_directory={"type": "path"},
        instance={"type": "str"},
        unset={**LIST, "default": []},
        select={"type": "dict", "default": {}},
        services={"type": "list", "elements": "dict", "default": [], "options": service},
        unlisted_services={"type": "str", "choices": ["keep", "report", "disable", "remove"], "default": "keep"},
        allow_absent_addresses={"type": "bool", "default": False},
        allow_no_listener={"type": "bool", "default": False},
        backup={"type": "bool", "default": False},
    )
    return spec


def wanted_of(params: dict[str, Any]) -> Wanted:
    """Return what the options ask for; an option that was not given asks for nothing."""
    select = params["select"].items()
    return Wanted(
        values={name: params[name] for name in PARAMETERS if params[name] is not None},
        unset=params["unset"],
        select={name: [selectors] if isinstance(selectors, str) else selectors for name, selectors in select},
        services=[service_change(service) for service in params["services"]],
        unlisted_services=params["unlisted_services"],
        allow_absent_addresses=params["allow_absent_addresses"],
        allow_no_listener=params["allow_no_listener"],
    )


def service_change(service: dict[str, Any]) -> ServiceChange:
    """Convert one entry of the option services; values become text, whatever YAML made of them."""
    options = {name: text_of(name, value) for name, value in service["options"].items()}
    return ServiceChange(**{**service, "options": options})


def result_of(edited: Edited, report_unlisted: bool) -> dict[str, Any]:
    """Return the result of the module, without what Ansible itself adds."""
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


def diff_of(edited: Edited, views: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the difference of both files and of the effective view, each only if it changes.

    :param views: the effective views by ``before`` and ``after``, as the module returns them
    """
    plan, found = edited.plan, edited.found
    versions = {"main.cf": (found.main, plan.main), "master.cf": (found.master, plan.master)}
    texts = [(path, *versions[os.path.basename(path)]) for path in edited.changed]
    if texts:
        needs = "".join(f"needs a {reason.action} for {reason.parameter}: {reason.why}\n" for reason in plan.reasons)
        texts.append(("effective view", in_words(views["before"]), in_words(views["after"]) + needs))
    return [
        {"before_header": name, "after_header": name, "before": printable(before), "after": printable(after)}
        for name, before, after in texts
    ]


def printable(text: str) -> str:
    """Replace bytes that are not UTF-8, since a module cannot return them."""
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
        module.fail_json(msg=str(error), **error.parts)
    except TransactionError as error:
        module.fail_json(msg=str(error))
    result = result_of(edited, params["unlisted_services"] != "keep")
    if backups:
        result["backup_files"] = backups
    for name in ("main.cf", "master.cf"):
        attributes = module.load_file_common_arguments(params, path=f"{instance.config_directory}/{name}")
        result["changed"] = module.set_fs_attributes_if_different(attributes, result["changed"], diff=None)
    if module._diff:
        result["diff"] = diff_of(edited, result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
