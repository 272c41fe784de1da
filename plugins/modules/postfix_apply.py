#!/usr/bin/python
# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_apply
short_description: Bring a running Postfix in line with main.cf and master.cf
description:
  - Compares what the master of a Postfix instance has read, and the sockets that it has, with what C(main.cf) and
    C(master.cf) say now. Then does the least that brings Postfix in line with its files, which is nothing, a reload,
    a stop and a start, or a start.
  - Decides by the state of the running master and not by what an earlier task changed. If a play died between the
    edit and the restart, the next run completes it.
  - Before it touches a running master, it checks that Postfix can run with these files on this host. Afterwards it
    verifies that the master has exactly the sockets that the files call for, that each SMTP server answers with its
    banner, that the queue manager stays alive, and that the master can still run every program that it could run
    before.
  - Does not take what is slow for broken. A server that has not answered in time, because it waits for a name server
    for example, gives a warning as long as a process lives that has the connection. So does a server or another program
    that has not changed and failed before, too.
  - With Postfix 3.6 or later on Linux 5.14 or later, a stop and a start does not refuse any client. This module opens
    sockets of its own that keep clients waiting in the meantime, and the kernel hands the clients over to the new
    master. For this it sets C(net.ipv4.tcp_migrate_req) for a moment and then restores it. RV(interruption) says
    whether that was possible.
  - If the files cannot be applied, or Postfix does not work with them, it restores the last version of both files that
    was applied, brings Postfix up with it, and fails. The message says what happened, what was restored and what runs
    now. An edit made by somebody else is undone only if Postfix did not work with it and an earlier run knows what the
    running master had read before. The version that did not work is kept in C(/var/lib/mailfleet.postfix).
  - A run that ends early does not leave Postfix stopped. While it changes something, SIGHUP, SIGINT and SIGTERM wait
    until it has done its work or has gone back; then it ends as it would have. So a lost connection or Ctrl-C does no
    harm. Before a stop, it starts a process that finishes its work if it is killed all the same. That process is in a
    session of its own, with systemd in a transient scope (C(mailfleet-PID.scope)). It says in the mail log what it
    does (as C(mailfleet)), and ends together with the run.
author:
  - The mailfleet.postfix authors (@mailfleet)
version_added: 1.0.0
extends_documentation_fragment:
  - mailfleet.postfix._attributes
  - mailfleet.postfix._attributes.actiongroup_postfix
  - mailfleet.postfix._instance
options:
  all_instances:
    description:
      - Bring every enabled instance of the host in line, the default instance first and then those that it lists in
        C(multi_instance_directories), and return the result of each in RV(instances).
      - If an instance fails, the others are still tried. The module fails after that.
      - Mutually exclusive with O(config_directory) and O(instance).
    type: bool
    default: false
  timeout:
    description:
      - How many seconds the action and its verification may take, and how many seconds to wait for another run of
        this collection on the same instance. A rollback gets the same time again.
      - However long a stop took, the start gets at least 15 seconds. A start that systemd has not begun yet, because it
        still runs C(ExecStopPost) of the unit for example, is waited for, up to two minutes.
    type: float
    default: 30
  confirm:
    description:
      - How many seconds somebody has to confirm the change. Otherwise the host goes back to the previous files by
        itself, as described at O(mailfleet.postfix.postfix_interfaces#module:confirm).
      - The previous files are those that were applied last. If this collection has never applied any, they are not
        known, and nothing needs a confirmation.
    type: int
    default: 0
  to:
    description:
      - Bring an earlier version of C(main.cf) and C(master.cf) back, both as a whole and as one change, and apply it.
        Like any other change it is verified and goes back if Postfix does not work by it, and O(confirm) applies to it.
      - V(previous) is the newest version that is kept and is not what the files say now. So it undoes the last change,
        whoever has made it, and V(previous) again brings that back. To go back further, use a time.
      - Otherwise the time of a version, as RV(mailfleet.postfix.postfix_interfaces_info#module:versions) lists them. If
        the files are that version, they stay.
      - What is replaced is kept as a version itself, also what somebody has edited by hand since the last one was
        kept. Then there is a warning.
      - A version by which Postfix would not work now is refused before anything is changed, for example because the
        host does not have an address any more.
      - What C(main.cf) says of the list of instances stays as it is. An instance that was created since is not removed.
      - V(previous) is refused if the last change has gone back by itself (RV(undone)) and no run has told so yet.
      - Mutually exclusive with O(all_instances), because each instance has versions of its own.
    type: str
  keep_versions:
    description:
      - How many versions to keep, as described at O(mailfleet.postfix.postfix_interfaces#module:keep_versions).
      - With O(to) at least two are kept this time.
    type: int
  confirmed:
    description:
      - Keep the change of this token, which RV(confirm) of the run that has made it has. Does nothing else.
      - An error if the change does not wait for that, or not any more. It says what became of it.
      - Confirming it again is no error.
    type: str
  rejected:
    description:
      - Take the change of this token back now, without waiting until its time is over. Does nothing else.
      - For what has found that the change cannot be used.
    type: str
attributes:
  check_mode:
    details:
      - Also fails where a real run would fail.
  diff_mode:
    support: partial
    details:
      - With O(to), the difference shows both files and the effective view, as with
        M(mailfleet.postfix.postfix_interfaces). What may be a password is not shown.
      - Without it, the module does not change any file that it could show.
notes:
  - Needs root. In a container it also needs the capability C(SYS_PTRACE); without it the master's sockets cannot be
    seen.
  - Uses the systemd unit of the instance if there is one. For the default instance this is C(postfix@-.service) on
    Debian up to 12, and C(postfix.service) elsewhere. The units of other instances are not stopped or reloaded.
  - Where OpenRC, runit, s6 or supervisord runs the instance, it stops and starts it through that. Where nothing does,
    it uses C(postfix -c) with the configuration directory. A container that was started for Postfix is never stopped.
  - While it stops and starts the unit of a Debian package, a drop-in in C(/run/systemd/system) makes the unit run the
    master itself, so that clients wait for some tenths of a second only. What the unit runs before a start is run
    before the stop, and C(postfix-script) logs nothing about either. A unit that runs other commands keeps them.
  - After an action it connects to the SMTP servers from this host, so their log shows a client that says C(QUIT).
  - If somebody else has just edited C(main.cf), it waits up to two seconds before a reload or a stop, because Postfix's
    programs start slowly until the file is two seconds old.
  - Remembers what the master has read in C(/var/lib/mailfleet.postfix), which only root can read.
seealso:
  - module: mailfleet.postfix.postfix_interfaces
  - module: mailfleet.postfix.postfix_interfaces_info
  - module: mailfleet.postfix.postfix_probe
  - name: master(8)
    description: The master process, and what a reload does.
    link: https://www.postfix.org/master.8.html
  - name: postfix(1)
    description: The command that starts, stops and reloads Postfix.
    link: https://www.postfix.org/postfix.1.html
"""

EXAMPLES = r"""
- name: Bring the default instance in line with its files
  mailfleet.postfix.postfix_apply:

- name: Bring another instance in line
  mailfleet.postfix.postfix_apply:
    instance: postfix-out

- name: Keep a change that was made with confirm
  mailfleet.postfix.postfix_apply:
    confirmed: "{{ change.confirm.token }}"

- name: Undo the last change
  mailfleet.postfix.postfix_apply:
    to: previous

- name: Bring the files of another day back, unless nobody confirms within two minutes that they can be used
  mailfleet.postfix.postfix_apply:
    to: "2026-11-29T21:40:00Z"
    confirm: 120

- name: Set the addresses and apply them
  block:
    - name: Receive on loopback and on one address of each family
      mailfleet.postfix.postfix_interfaces:
        inet_interfaces: [127.0.0.1, "::1", 192.0.2.10, "2001:db8::10"]

    - name: Apply it
      mailfleet.postfix.postfix_apply:
"""

RETURN = r"""
msg:
  description: In one line, where Postfix listens and sends from, what was done, and why; or what is wrong.
  type: str
  returned: always
confirm:
  description: As in RV(mailfleet.postfix.postfix_interfaces#module:confirm).
  type: dict
  returned: always
undone:
  description: As in RV(mailfleet.postfix.postfix_interfaces#module:undone); with O(rejected), what was done.
  type: dict
  returned: always
confirmed:
  description: The configuration directories whose change is kept. Empty if it was confirmed before.
  type: list
  elements: str
  returned: O(confirmed) is given
version:
  description: The time of the version that was brought back, or in check mode would be.
  type: str
  returned: O(to) is given
  sample: "2026-11-29T21:40:00Z"
replaced:
  description:
    - The time of the version that the files were before. Null if nothing was replaced, and in check mode if it is not
      kept yet.
  type: str
  returned: O(to) is given
files:
  description: The paths of the files that were changed, or in check mode would be.
  type: list
  elements: str
  returned: O(to) is given
  sample: [/etc/postfix/main.cf]
instances:
  description:
    - The result for each instance, with the keys below and C(config_directory), C(instance) and C(failed).
    - Without O(all_instances) the keys below describe the one instance.
  type: list
  elements: dict
  returned: O(all_instances=true)
action:
  description:
    - What was needed and was done. V(none), V(reload), V(restart) for a stop and a start, or V(start).
    - If the files could not be applied, what they would have needed, as far as that is known.
  type: str
  returned: neither O(confirmed) nor O(rejected) is given
  sample: restart
reasons:
  description: Why the action was needed.
  type: list
  elements: dict
  returned: neither O(confirmed) nor O(rejected) is given
  contains:
    parameter:
      description:
        - The parameter, or the service as C(name/type), that differs from what the master has read. V(listeners) if
          only the sockets differ, V(master) if no master is running.
      type: str
    before:
      description: >-
        Its value as the master has read it. Null for parameters that this collection does not manage, since their
        values may be secret.
      type: str
    after:
      description: Its value now. Null in the same cases.
      type: str
    action:
      description: What this difference needs, V(reload), V(restart) or V(start).
      type: str
    why:
      description: Why it needs that.
      type: str
interruption:
  description:
    - V(none) if no client was refused. Either nothing was done, or Postfix was reloaded, or it was not running and was
      started, or the clients waited for the new master.
    - V(brief) if clients could be refused, or cut off before the banner, between the stop and the start.
    - In check mode, what a real run would cause.
  type: str
  returned: neither O(confirmed) nor O(rejected) is given
  sample: none
interruption_cause:
  description: Why clients could be refused. Null if RV(interruption=none).
  type: str
  returned: neither O(confirmed) nor O(rejected) is given
  sample: Postfix does not share its ports before 3.6
sockets:
  description:
    - The sockets that the files call for, and those that the master has at the end. In check mode, as they would be.
    - After a rollback, the sockets that the restored files call for.
  type: list
  elements: dict
  returned: neither O(confirmed) nor O(rejected) is given
  contains:
    address:
      description: The address. V(0.0.0.0) or V(::) stands for all addresses of a family.
      type: str
    port:
      description: The port.
      type: int
    state:
      description: >-
        V(listening), V(missing) if the files call for the socket and the master does not have it, or V(unexpected) if
        the master has it and the files do not call for it.
      type: str
  sample:
    - address: 192.0.2.10
      port: 25
      state: listening
answers:
  description:
    - What a client sees at each socket that an SMTP server listens on, asked after the last action. Empty if there was
      no action.
    - Servers that begin with TLS or that wait for a proxy are not asked.
  type: list
  elements: dict
  returned: neither O(confirmed) nor O(rejected) is given
  contains:
    address:
      description: The address of the socket.
      type: str
    port:
      description: The port of the socket.
      type: int
    banner:
      description: >-
        The first line of the answer. Null if there was no answer, or if it was not possible to connect from this host.
      type: str
    problem:
      description: What was wrong with the answer. Null if nothing was wrong.
      type: str
    slow:
      description: >-
        Whether the problem is that there was no answer in time, although a process lives that has the connection, or
        all processes of the service have other clients.
      type: bool
  sample:
    - address: 192.0.2.10
      port: 25
      banner: 220 mx.example.net ESMTP Postfix
      problem:
      slow: false
in_sync:
  description:
    - Whether the running Postfix is in line with its files at the end, also after a rollback.
    - In check mode, whether it is in line now.
  type: bool
  returned: neither O(confirmed) nor O(rejected) is given
rolled_back:
  description: Whether the previous version of the files was restored.
  type: bool
  returned: neither O(confirmed) nor O(rejected) is given
restored:
  description: The paths of the files that were restored.
  type: list
  elements: str
  returned: neither O(confirmed) nor O(rejected) is given
  sample: [/etc/postfix/main.cf]
messages:
  description: What Postfix and its commands said when something went wrong, from their output and from the log.
  type: list
  elements: str
  returned: neither O(confirmed) nor O(rejected) is given
  sample:
    - "postfix/master: fatal: bind 192.0.2.10 port 25: Cannot assign requested address"
unit:
  description: The systemd unit that runs the instance. Null if there is none.
  type: str
  returned: neither O(confirmed) nor O(rejected) is given
  sample: postfix@-.service
supervisor:
  description:
    - What stops and starts the instance, as found from the processes above the running master and from its cgroup.
      V(systemd), V(openrc), V(runit), V(s6) or V(supervisord); null for C(postfix start) and C(postfix stop).
    - V(container) if it is the container itself that was started to run Postfix. Such an instance can only be reloaded;
      what needs a restart is an error that says to restart the container.
  type: str
  returned: neither O(confirmed) nor O(rejected) is given
  sample: systemd
outside_unit:
  description:
    - Whether at the end Postfix runs outside of its systemd unit, because somebody started it by hand. systemd then
      considers it stopped, and does not stop it when the host shuts down.
    - A stop and a start brings Postfix back into its unit, but is not done for that reason alone.
  type: bool
  returned: neither O(confirmed) nor O(rejected) is given
recovered:
  description: >-
    What was done about files that an earlier run left half replaced or unconfirmed. Null if there were none.
  type: str
  returned: neither O(confirmed) nor O(rejected) is given
"""

from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailfleet.postfix.plugins.module_utils._base.byte_code import ByteCode

byte_code = ByteCode.use()  # what is imported from here on is not compiled again

from ansible_collections.mailfleet.postfix.plugins.module_utils._base.errors import InputError
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.apply import apply, apply_all
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.report import ApplyError
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.environment import require_linux, take_usual_umask
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.installed import built_in
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.instance import find_instance
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import TransactionError


def argument_spec() -> dict[str, Any]:
    return {
        "all_instances": {"type": "bool", "default": False},
        "config_directory": {"type": "path"},
        "instance": {"type": "str"},
        "timeout": {"type": "float", "default": 30},
        "confirm": {"type": "int", "default": 0},
        "to": {"type": "str"},
        "keep_versions": {"type": "int"},
        "confirmed": {"type": "str"},
        "rejected": {"type": "str"},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec(),
        supports_check_mode=True,
        mutually_exclusive=[
            ["all_instances", "config_directory", "instance", "confirmed", "rejected"],
            ["all_instances", "to", "confirmed", "rejected"],
        ],
    )
    params = module.params
    try:
        require_linux()
        take_usual_umask()
        if not module.check_mode:
            byte_code.keep()
        if params["confirmed"] is not None or params["rejected"] is not None:
            module.exit_json(**settled(module))
        compiled = built_in(remember=not module.check_mode, compare_tables=True)
        options = {name: params[name] for name in ("confirm", "keep_versions")}
        if params["all_instances"]:
            result = apply_all(params["timeout"], module.check_mode, compiled=compiled, **options)
        else:
            instance = find_instance(params["config_directory"], params["instance"], compiled)
            if params["to"] is not None:
                options.update(to=params["to"], tell=partial(describe, module._diff))
            result = apply(instance, params["timeout"], module.check_mode, **options)
    except ApplyError as error:
        warn(module, error.result)
        module.fail_json(msg=str(error), **error.result)
    except InputError as error:
        module.fail_json(msg=str(error), **error.parts)
    except TransactionError as error:
        module.fail_json(msg=str(error))
    except OSError as error:  # of the host, such as a limit or a full disk
        module.fail_json(msg=f"The host does not allow it: {error}.")
    warn(module, result)
    for one in result.get("instances", [result]):
        if one.get("outside_unit"):
            module.warn(f"Postfix runs outside of {one['unit']}, so systemd considers it stopped.")
    module.exit_json(**result)


def describe(diff: bool, member: Any) -> dict[str, Any]:
    """Return what there is to tell of the version that an instance was brought back to."""
    from ansible_collections.mailfleet.postfix.plugins.module_utils._describe.outcome import of_version

    return of_version(diff, member)


def settled(module: AnsibleModule) -> dict[str, Any]:
    """Confirm a change, or have it go back; return the result.

    :raises InputError: the change does not wait for that
    :raises ApplyError: it could not go back
    """
    token = module.params["confirmed"]
    if token is not None:
        from ansible_collections.mailfleet.postfix.plugins.module_utils._change.window import confirm

        return {"changed": False, "confirmed": confirm(token, module.check_mode), "confirm": None, "undone": None}
    from ansible_collections.mailfleet.postfix.plugins.module_utils._change.unconfirmed import reject

    undone = reject(module.params["rejected"], module.check_mode)
    return {"changed": True, "confirm": None, "undone": undone}


def warn(module: AnsibleModule, result: dict[str, Any]) -> None:
    """Give Ansible the warnings of a result, and of those of several instances in it."""
    for one in [result, *result.get("instances", ())]:
        for text in one.pop("warnings", ()):
            module.warn(text)


if __name__ == "__main__":
    main()
