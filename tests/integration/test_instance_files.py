# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances are created and removed on files as they come, and nothing else of the files changes."""

from __future__ import annotations

from typing import Any

from fleet import OTHER, STATE, MailHost

CORE = """
import stat, subprocess
from ansible_collections.mailfleet.postfix.plugins.module_utils._change import creation, instances, secondary

def sh(script):
    done = subprocess.run(["sh", "-ec", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout if done.returncode == 0 else f"{script} failed: {done.stdout}"

def attempt(what, *arguments, **options):
    try:
        return what(*arguments, **options)._asdict()
    except (InputError, transaction.TransactionError) as error:
        return {"msg": str(error)}

def chain(path):
    \"\"\"A path, and all that its links lead to, with what belongs to each.\"\"\"
    status = os.lstat(path)
    names = os.listxattr(path, follow_symlinks=False)
    values = {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in names}
    found = [[path, status.st_uid, status.st_gid, status.st_mode, values]]
    return found + (chain(os.path.join(os.path.dirname(path), os.readlink(path))) if os.path.islink(path) else [])

def seen(path):
    with open(path, "rb") as file:
        return {"text": file.read().decode("latin-1"), "chain": chain(path), "directory": chain(os.path.dirname(path))}
"""
INIT = ["multi_instance_wrapper = ${command_directory}/postmulti -p --", "multi_instance_enable = yes"]
HERE = f"multi_instance_directories = {OTHER}"

ACL = """python3 -c "
import os, struct
entries = (1, 6, 2**32 - 1), (2, 4, 12), (4, 0, 2**32 - 1), (16, 4, 2**32 - 1), (32, 0, 2**32 - 1)
acl = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *entry) for entry in entries)
os.setxattr('main.cf', 'system.posix_acl_access', acl)
os.setxattr('main.cf', 'trusted.note', b'mine')"
"""

# What is done to main.cf and its directory before.
SHAPES = {
    "without a newline at the end, by a chain of relative links": "truncate -s -1 main.cf;"
    "tail -c 1 main.cf | grep -q l; mkdir /etc/mail.d; mv main.cf /etc/mail.d/real;"
    "ln -s ../mail.d/next main.cf; ln -s real /etc/mail.d/next;"
    "chgrp postfix main.cf; chmod 0640 main.cf",
    "with a continuation line at the end, in a directory by a link": "printf 'relay_domains = a\\n  b' >>main.cf;"
    "mkdir /etc/mail.d; mv /etc/postfix /etc/mail.d/; ln -s mail.d/postfix /etc/postfix",
    "with CRLF, by an absolute link, with an ACL": "sed -i 's/$/\\r/' main.cf;"
    f"mkdir /etc/mail.d; mv main.cf /etc/mail.d/real; ln -s /etc/mail.d/real main.cf; {ACL}",
    "with a comment at the end, owned by somebody else": f"printf '# inet_protocols = ipv4' >>main.cf; {ACL}"
    "chown postfix:adm main.cf; chmod 0600 main.cf",
}
FRESH = "rm -rf /etc/postfix /etc/mail.d; cp -a /root/postfix.stock /etc/postfix; cd /etc/postfix; "


def lines(seen: dict[str, Any]) -> list[str]:
    return [line.rstrip("\r") for line in seen["text"].rstrip("\n").split("\n")]


def test_a_default_main_cf_of_any_shape(host: MailHost):
    master = host.master()
    text = f"{CORE}answer = []\nfor shape in {list(SHAPES.values())!r}:\n"
    text += f"    made = sh({FRESH!r} + shape)\n"
    text += "    before = seen('/etc/postfix/main.cf')\n"
    text += "    created = attempt(instances.create, 'postfix-out', 'others')\n"
    text += "    after = seen('/etc/postfix/main.cf')\n"
    text += "    listed = sh('postmulti -l; postconf -h inet_protocols')\n"
    text += "    again = attempt(instances.create, 'postfix-out')\n"
    text += "    removed = attempt(instances.remove, 'postfix-out')\n"
    text += "    answer.append([made, before, created, after, listed, again, removed, seen('/etc/postfix/main.cf')])\n"
    for shape, result in zip(SHAPES, host.core(text), strict=True):
        made, before, created, after, listed, again, removed, end = result
        assert not made, (shape, made)
        assert created.get("exists"), (shape, created)
        assert listed.split("\n")[1].split() == ["postfix-out", "others", "y", OTHER], (shape, listed)
        assert listed.split("\n")[2:] == ["all", ""], (shape, listed)
        assert again["steps"] == [], (shape, again)
        assert removed["steps"], (shape, removed)
        assert lines(after) == [*lines(before), *INIT, HERE], shape
        assert lines(end) == [*lines(before), *INIT], shape
        assert ("\r\n" in before["text"]) == ("yes\r\n" in end["text"]), shape
        for version in (after, end):
            assert (version["chain"], version["directory"]) == (before["chain"], before["directory"]), shape
    host.run("rm", "-rf", "/etc/mail.d")
    assert host.master() == master


def test_a_new_instance_is_what_postmulti_makes(host: MailHost):
    look = "for part in /etc /var/spool /var/lib; do (cd $part/{0}; find . -printf '%p %U %G %m %y\\n' | sort); done; "
    look += "postconf -c /etc/{0} -n | grep -v /spool; postconf -c /etc/{0} -M | md5sum; postfix -c /etc/{0} check"
    host.shell("postmulti -e init; postmulti -I postfix-ref -e create; postmulti -i postfix-ref -e enable")
    host.shell("printf '%s' \"$(cat /etc/postfix/main.cf)\" >main.cf; cat main.cf >/etc/postfix/main.cf; rm main.cf")
    text = f"{CORE}answer = [attempt(instances.create, 'postfix-out'), sh({look.format('postfix-ref')!r}), "
    text += f"sh({look.format('postfix-out')!r}), sh('postmulti -l')]"
    created, reference, ours, listed = host.core(text)
    assert created["exists"], created
    assert ours.replace("postfix-out", "postfix-ref") == reference
    assert "./private postfix" not in reference
    assert [line.split()[0] for line in listed.splitlines()] == ["-", "postfix-ref", "postfix-out"]
    host.shell("postmulti -i postfix-ref -e disable; postmulti -i postfix-ref -e destroy")


def test_the_files_of_others_stay(host: MailHost):
    """A list over several lines, a secondary main.cf by a link, and files that cannot be replaced."""
    spread = "multi_instance_directories =\\n  # the first\\n  /etc/postfix-a,\\n  # and more\\n  /etc/gone"
    text = f"""{CORE}
secondary.Secondary.command = staticmethod(lambda *command: None)
answer = [attempt(instances.create, 'postfix-a')]
sh("cd /etc/postfix; grep -v ^multi_instance_d main.cf >new; printf '{spread}' >>new; cat new >main.cf; rm new")
answer.append(seen("/etc/postfix/main.cf")["text"])
answer.append(attempt(instances.create, "postfix-out"))
answer.append(seen("/etc/postfix/main.cf")["text"])
sh("cd {OTHER}; postconf -c . -e multi_instance_enable=no; mv main.cf real; ln -s real main.cf; truncate -s -1 real")
sh({f"cd {OTHER}; {ACL}"!r})
answer += [seen("{OTHER}/main.cf"), attempt(instances.create, "postfix-out"), seen("{OTHER}/main.cf")]
sh("mount --bind /etc/postfix/main.cf /etc/postfix/main.cf")
before = seen("/etc/postfix/main.cf")
answer.append([attempt(instances.remove, "postfix-out", check_mode=check) for check in (True, False)])
answer.append([attempt(instances.create, "postfix-b", check_mode=check) for check in (True, False)])
answer += [seen("/etc/postfix/main.cf") == before, sh("umount /etc/postfix/main.cf; ls {OTHER}; ls -d /etc/postfix-?")]
sh("cd {OTHER}; rm main.cf; cp -a real main.cf; mount --bind main.cf main.cf")
before = seen("/etc/postfix/main.cf")
answer.append(attempt(instances.remove, "postfix-out"))
answer += [seen("/etc/postfix/main.cf") == before, sh("cd {OTHER}; ls; umount main.cf; rm main.cf; ln -s real main.cf")]
answer += [attempt(instances.remove, "postfix-out"), seen("/etc/postfix/main.cf")["text"], sh("ls {OTHER}")]
"""
    answer = host.core(text)
    first, spread, second, both, linked, enabled, link = answer[:7]
    assert first["exists"], first
    assert second["exists"], second
    assert both == spread.replace("/etc/gone", f"/etc/gone {OTHER}")
    assert enabled["steps"][0] == "The instance postfix-out is enabled", enabled
    assert link["text"] == linked["text"].replace("multi_instance_enable = no", "multi_instance_enable = yes")
    assert link["chain"] == linked["chain"]
    removals, creations, same, left = answer[7:11]
    for result in removals + creations:
        assert "/etc/postfix/main.cf is mounted by itself" in result["msg"], result
    assert same
    assert left.split() == ["main.cf", "master.cf", "real", "/etc/postfix-a"], left
    failed, same, left = answer[11:14]
    assert f"{OTHER}/main.cf cannot be removed: Device or resource busy" in failed["msg"], failed
    assert same
    assert left.split() == ["main.cf", "master.cf", "real"], left
    removed, text, left = answer[14:]
    assert removed["left"], removed
    assert text == spread
    assert left.split() == ["real"]
    host.shell("rm -rf /etc/postfix-a /var/spool/postfix-a /var/lib/postfix-a")


KILLS = """
secondary.Secondary.command = staticmethod(lambda *command: None)
creation.remove_files = secondary.remove_files
def killed(where, name, what, number=1):
    # in a process that is killed after a call
    child = os.fork()
    if child == 0:
        original, counted = getattr(where, name), []
        def instead(*arguments, **options):
            original(*arguments, **options)
            counted.append(1)
            if len(counted) == number:
                os.kill(os.getpid(), signal.SIGKILL)
        setattr(where, name, instead)
        try:
            what("postfix-out")
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]
stock = seen("/etc/postfix/main.cf")["text"]
def fail(*command):
    raise transaction.TransactionError("It fails.")
works, secondary.Secondary.command = secondary.Secondary.command, staticmethod(fail)
failed = attempt(instances.create, "postfix-out")
answer = [[failed, seen("/etc/postfix/main.cf")["text"] == stock, sh("ls -d /etc/postfix-* {state} || true")]]
secondary.Secondary.command = staticmethod(works)
for where, name, number in (
    (secondary.State, "save", 1), (creation, "make", 1), (secondary.Transactions, "amend", 1),
    (creation.Creation, "command", 1),
):
    status = killed(where, name, instances.create, number)
    created = attempt(instances.create, "postfix-out")
    answer.append([name, status, created, sh("postmulti -l; cat /etc/postfix/main.cf"), sh(f"ls {state}")])
    attempt(instances.remove, "postfix-out")
    sh("rm -rf /var/spool/postfix-out /var/lib/postfix-out")
for where, name in (
    (secondary.State, "save"), (secondary.Transactions, "amend"), (secondary, "remove_files"),
    (secondary, "remove_directories"),
):
    for again in (instances.remove, instances.create):
        attempt(instances.create, "postfix-out")
        status = killed(where, name, instances.remove)
        there = attempt(instances.remove, "postfix-out", check_mode=True)
        done = attempt(again, "postfix-out")
        answer.append([name, status, there, done, sh("postmulti -l; ls -d /etc/postfix-*; ls {state} || true")])
attempt(instances.remove, "postfix-out")
answer.append(seen("/etc/postfix/main.cf")["text"].replace(stock, ""))
"""


def test_a_run_that_fails_is_undone_and_one_that_is_killed_is_completed_by_the_next(host: MailHost):
    (failed, same, left), *answer = host.core(CORE + KILLS.replace("{state}", f"{STATE}/etc-postfix%2Dout"))
    assert failed["msg"] == "It fails. What was made of the instance is removed again.", failed
    assert same
    assert left.count("No such file") == 2, left
    for name, status, created, listed, state in answer[:4]:
        assert status == 9, name
        assert created.get("exists"), (name, created)
        assert listed.count(OTHER) == 2, (name, listed)
        assert "creating.json" not in state, name
    for name, status, there, done, left in answer[4:-1]:
        assert status == 9, name
        assert there["steps"] == ["The instance postfix-out is removed"], (name, there)
        assert "msg" not in done, (name, done)
        assert left.count(OTHER) == (2 if done["exists"] else 0), (name, left)
        assert "removing.json" not in left, (name, left)
    assert answer[-1].split("\n") == [*INIT, ""]
