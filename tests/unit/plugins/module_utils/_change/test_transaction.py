# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import itertools
import json
import os
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, Callable, Iterator, List, Tuple

import pytest
from ansible_collections.mailfleet.postfix.plugins.module_utils._change.transaction import (
    ConfigFiles,
    Transactions,
    read_files,
)
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.store import FileChanged, TransactionError
from ansible_collections.mailfleet.postfix.tests.unit.plugins.module_utils.builders import ConfigDir, untouched

OLD = ("inet_interfaces = all\n", "smtp inet n - y - - smtpd\n")
NEW = ("inet_interfaces = loopback-only\n", "smtp inet n - y - - smtpd\n  -o x=y\n")
NEWER = ("inet_interfaces = 127.0.0.1\n", "smtp inet n - y - - smtpd\n  -o x=z\n")
ODD = ("x = \udcff caf\u00e9\r\n\ty", "no newline at the end")


@pytest.fixture(name="host")
def _host(tmp_path: Path) -> ConfigDir:
    return ConfigDir(tmp_path, *OLD)


def test_both_files_say_what_was_committed(host: ConfigDir) -> None:
    host.commit(*NEW)
    assert host.texts == NEW
    assert host.leftovers == []


def test_bytes_that_are_no_utf_8_survive(host: ConfigDir) -> None:
    host.commit(*ODD)
    assert host.main.read_bytes() == b"x = \xff caf\xc3\xa9\r\n\ty"
    host.commit(*NEW)
    host.transactions.confirm()
    host.write(*ODD)
    host.commit(*NEW)
    host.transactions.rollback()
    assert host.texts == ODD


def test_a_commit_that_changes_nothing_leaves_no_trace(host: ConfigDir) -> None:
    before = untouched(host.config)
    host.commit(*OLD)
    assert untouched(host.config) == before
    assert not host.state.exists()


def test_an_unchanged_file_is_not_touched(host: ConfigDir) -> None:
    before = untouched(host.master)
    host.commit(NEW[0], OLD[1])
    assert untouched(host.master) == before


def test_the_state_is_private(host: ConfigDir) -> None:
    host.commit(*NEW)
    for path in [host.state, *host.state.rglob("*")]:
        assert not path.stat().st_mode & 0o077, path


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_state_directory_that_others_can_write_to_is_refused(host: ConfigDir, mode: int) -> None:
    host.state.mkdir()
    host.state.chmod(mode)
    with pytest.raises(TransactionError, match="only its owner may write"):
        host.commit(*NEW)
    assert host.texts == OLD


def test_directories_do_not_share_a_state(tmp_path: Path) -> None:
    names = ["etc/postfix", "etc/postfix-a", "etc/postfix/a", "etc/postfix%2Da", "etc-postfix"]
    directories = {Transactions(str(tmp_path / name), str(tmp_path)).state.directory for name in names}
    assert len(directories) == len(names)
    (tmp_path / "link").symlink_to(tmp_path / "etc" / "postfix")
    assert Transactions(str(tmp_path / "link"), str(tmp_path)).state.directory in directories


# Confirm and roll back ---------------------------------------------------------------------------------------------


def test_pending_until_confirmed(host: ConfigDir) -> None:
    assert host.transactions.pending() is None
    host.commit(*NEW)
    pending = host.transactions.pending()
    assert pending is not None
    assert (pending.progress, pending.original.texts, pending.settled.texts) == ("done", OLD, NEW)
    assert abs(pending.since - time.time()) < 60
    host.transactions.confirm()
    assert host.transactions.pending() is None
    assert host.transactions.rollback() == []
    assert host.texts == NEW


def test_no_program_of_postfix_waits_for_a_new_version_to_come_of_age(host: ConfigDir) -> None:
    host.commit(*NEW)
    # What dict_load_file_xt asks of main.cf before it believes that it has read the whole of it.
    assert int(host.main.stat().st_mtime) < int(time.time()) - 1
    assert abs(host.main.stat().st_ctime - time.time()) < 60


def test_rollback_restores_both_files_with_their_times(host: ConfigDir) -> None:
    os.utime(host.main, (1000, 1000))
    os.utime(host.master, (2000, 2000))
    host.commit(*NEW)
    assert host.main.stat().st_mtime > 2000
    assert host.transactions.rollback() == [str(host.main), str(host.master)]
    assert host.texts == OLD
    assert (host.main.stat().st_mtime, host.master.stat().st_mtime) == (1000, 2000)
    assert host.transactions.pending() is None
    assert host.transactions.rollback() == []


def test_rollback_touches_only_what_was_changed(host: ConfigDir) -> None:
    host.commit(NEW[0], OLD[1])
    before = untouched(host.master)
    assert host.transactions.rollback() == [str(host.main)]
    assert untouched(host.master) == before


def test_the_version_from_before_the_first_unconfirmed_commit_stays_the_one_to_go_back_to(
    host: ConfigDir,
) -> None:
    os.utime(host.main, (1000, 1000))
    host.commit(*NEW)
    host.commit(*NEWER)
    host.commit(NEW[0], NEWER[1])
    assert host.transactions.rollback() == [str(host.main), str(host.master)]
    assert host.texts == OLD
    assert host.main.stat().st_mtime == 1000


def test_committing_the_original_again_ends_the_transaction(host: ConfigDir) -> None:
    host.commit(*NEW)
    host.commit(*OLD)
    assert host.transactions.pending() is None
    host.commit(*NEWER)
    host.transactions.rollback()
    assert host.texts == OLD


LISTED = "multi_instance_directories = /etc/postfix-out\n"


def listed(main: str) -> str:
    """What is amended: the list of instances."""
    return main + LISTED


@pytest.mark.parametrize("pending", [False, True])
def test_an_amendment_stays_whatever_becomes_of_a_commit(host: ConfigDir, pending: bool) -> None:
    if pending:
        host.commit(*NEW)
    host.transactions.amend(listed)
    assert host.texts == (listed((NEW if pending else OLD)[0]), (NEW if pending else OLD)[1])
    assert bool(host.transactions.pending()) == pending
    host.commit(*NEWER)
    host.transactions.amend(listed)
    assert host.texts == (listed(NEWER[0]), NEWER[1])
    host.transactions.rollback()
    assert host.texts == (listed(listed(OLD[0])), OLD[1])
    assert host.transactions.pending() is None
    assert host.leftovers == []


def test_an_amendment_that_makes_the_files_what_they_were_ends_the_transaction(host: ConfigDir) -> None:
    host.commit(*NEW)
    host.transactions.amend(lambda main: OLD[0])
    assert host.transactions.pending() is not None  # the other file
    host.commit(OLD[0], OLD[1])
    assert host.transactions.pending() is None


@pytest.mark.parametrize("pending", [False, True])
def test_an_amendment_that_fails_changes_nothing(
    host: ConfigDir, pending: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = OLD
    if pending:
        host.commit(*NEW)
        before = NEW

    def fail(old: str, new: str) -> None:
        if new.endswith("main.cf"):
            raise PermissionError(1, "Operation not permitted")
        os.replace(old, new)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", fail)
        with pytest.raises(TransactionError, match="main.cf cannot be replaced: Operation not permitted"):
            host.transactions.amend(listed)
    assert host.texts == before
    assert host.leftovers == []
    host.transactions.rollback()
    assert host.texts == OLD


def test_an_amendment_is_of_the_files_that_somebody_else_has_just_written(host: ConfigDir) -> None:
    def edit(main: str) -> str:
        if "new" not in main:
            host.write("x = new\n", OLD[1])
        return listed(main)

    host.transactions.amend(edit)
    assert host.texts == (listed("x = new\n"), OLD[1])


def test_a_rollback_of_an_edit_of_somebody_else_leaves_the_list_of_instances(host: ConfigDir) -> None:
    host.write(listed(NEW[0]), NEW[1])
    host.transactions.adopt(OLD)
    host.transactions.rollback()
    assert host.texts == (listed(OLD[0]), OLD[1])
    host.transactions.adopt(OLD)  # there is no other difference
    assert host.transactions.pending() is None


def test_the_edit_of_somebody_else_wins(host: ConfigDir) -> None:
    host.commit(*NEW)
    host.main.write_text("edited\n")
    pending = host.transactions.pending()
    assert pending is not None
    assert (pending.progress, pending.settled.main) == ("overtaken", "edited\n")
    said = host.transactions.recover()
    assert said is not None
    assert "edited by somebody else" in said
    assert host.texts == ("edited\n", NEW[1])
    assert host.transactions.pending() is None
    host.commit(*NEWER)
    host.transactions.rollback()
    assert host.texts == ("edited\n", NEW[1])


def test_an_edit_of_the_file_that_no_commit_concerned_stays_and_does_not_end_the_transaction(
    host: ConfigDir,
) -> None:
    host.commit(NEW[0], OLD[1])
    host.master.write_text("edited\n")
    assert host.transactions.recover() is None
    host.commit(NEWER[0], "edited\n")
    assert host.transactions.rollback() == [str(host.main)]
    assert host.texts == (OLD[0], "edited\n")


# Concurrency -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 1])
def test_a_file_that_changed_since_it_was_read_is_not_overwritten(host: ConfigDir, index: int) -> None:
    found = read_files(str(host.config))
    path = (host.main, host.master)[index]
    path.write_text("somebody else\n")
    after = host.texts
    with pytest.raises(FileChanged, match=f"{path} was changed by somebody else"):
        host.transactions.commit(found, *NEW)
    assert host.texts == after
    assert host.leftovers == []
    assert host.transactions.pending() is None


@pytest.mark.parametrize("name", ["main.cf", "master.cf"])
def test_a_lock_of_postconf_is_respected_for_a_limited_time(host: ConfigDir, name: str) -> None:
    with open(host.config / (name + ".tmp"), "w") as lock:
        os.chmod(lock.fileno(), 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TransactionError, match=rf"{name}\.tmp is locked by .*process {os.getpid()}"):
            host.commit(*NEW)
    assert host.texts == OLD
    host.commit(*NEW)
    assert host.leftovers == []


def test_who_waits_for_the_lock_starts_over_when_the_file_was_replaced_meanwhile(host: ConfigDir) -> None:
    # What postconf -e does, holding the lock for a while.
    script = """
        import fcntl, os, sys, time
        tmp = sys.argv[1] + ".tmp"
        with open(tmp, "w") as out:
            os.chmod(tmp, 0o600)
            fcntl.flock(out, fcntl.LOCK_EX)
            print("locked", flush=True)
            time.sleep(0.3)
            out.write("by postconf\\n")
            out.flush()
            os.rename(tmp, sys.argv[1])
    """
    found = read_files(str(host.config))
    command = [sys.executable, "-c", textwrap.dedent(script), str(host.main)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(FileChanged):
            Transactions(str(host.config), str(host.state), time_limit=60).commit(found, *NEW)
    assert host.texts == ("by postconf\n", OLD[1])


def test_two_runs_do_not_overlap(host: ConfigDir) -> None:
    with host.transactions.locked(), pytest.raises(TransactionError, match="locked by"):
        host.commit(*NEW)


@pytest.mark.parametrize("leave", ["mode", "link", "content"])
def test_what_a_crashed_editor_left_behind_does_no_harm(host: ConfigDir, leave: str) -> None:
    temporary = host.config / "main.cf.tmp"
    if leave == "link":  # a crash of the whole machine in the middle of rename(2)
        os.link(host.main, temporary)
    else:
        temporary.write_text("half of a fi")
        temporary.chmod(0o644 if leave == "mode" else 0o600)
    host.commit(*NEW)
    assert host.texts == NEW
    assert host.leftovers == []


def test_a_symbolic_link_in_place_of_the_temporary_file_is_not_followed(host: ConfigDir, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (host.config / "main.cf.tmp").symlink_to(victim)
    with pytest.raises(TransactionError, match=r"main\.cf\.tmp cannot be locked"):
        host.commit(*NEW)
    assert victim.read_text() == "precious"
    assert host.texts == OLD


# What stays --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o600, 0o664])
def test_mode_and_owner_stay(host: ConfigDir, mode: int) -> None:
    host.main.chmod(mode)
    if os.geteuid() == 0:
        os.chown(host.main, 12, 34)
    before = host.main.stat()
    host.commit(*NEW)
    host.transactions.rollback()
    after = host.main.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_extended_attributes_stay(host: ConfigDir) -> None:
    try:
        os.setxattr(host.main, "user.note", b"keep me")
    except OSError as error:
        pytest.fail(f"this file system has no extended attributes: {error}")
    host.commit(*NEW)
    assert os.getxattr(host.main, "user.note") == b"keep me"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may set a context")
def test_the_context_of_selinux_stays_on_both_files(host: ConfigDir) -> None:
    """No kernel here has SELinux: to it a context is an attribute like others."""
    contexts = {host.main: b"system_u:object_r:postfix_etc_t:s0\0", host.master: b"unconfined_u:object_r:etc_t:s0\0"}
    for path, context in contexts.items():
        os.setxattr(path, "security.selinux", context)
    host.commit(*NEW)
    assert {path: os.getxattr(path, "security.selinux") for path in contexts} == contexts
    host.transactions.rollback()
    assert {path: os.getxattr(path, "security.selinux") for path in contexts} == contexts


def test_a_default_acl_of_the_directory_does_not_spread(host: ConfigDir) -> None:
    # entries of <tag, permissions, id>: user::rwx, user:12:rwx, group::r-x, mask::rwx, other::r-x
    entries = [(1, 7, -1), (2, 7, 12), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
    acl = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + bits.to_bytes(2, "little") + (who & 0xFFFFFFFF).to_bytes(4, "little")
        for tag, bits, who in entries
    )
    before = stat.S_IMODE(host.main.stat().st_mode)
    os.setxattr(host.config, "system.posix_acl_default", acl)
    host.commit(*NEW)
    assert "system.posix_acl_access" not in os.listxattr(host.main)
    assert stat.S_IMODE(host.main.stat().st_mode) == before
    os.setxattr(host.main, "system.posix_acl_access", acl)
    before = stat.S_IMODE(host.main.stat().st_mode)
    host.commit(*NEWER)
    assert os.getxattr(host.main, "system.posix_acl_access") == acl
    assert stat.S_IMODE(host.main.stat().st_mode) == before


def test_a_symbolic_link_stays_one(host: ConfigDir, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target = elsewhere / "shared.cf"
    host.main.rename(target)
    host.main.symlink_to("../../elsewhere/shared.cf")
    host.commit(*NEW)
    assert host.main.is_symlink()
    assert target.read_text() == NEW[0]
    assert os.listdir(elsewhere) == ["shared.cf"]
    assert host.leftovers == []
    host.transactions.rollback()
    assert target.read_text() == OLD[0]


def _through_links(tmp_path: Path, layout: str, config: Path) -> Path:
    """Return another path of the configuration directory."""
    if layout == "the directory":
        (tmp_path / "postfix").symlink_to(config)
        return tmp_path / "postfix"
    if layout == "a directory above":
        (tmp_path / "srv").symlink_to(config.parent)
        return tmp_path / "srv" / "postfix"
    if layout == "several":
        (tmp_path / "one").symlink_to("etc")
        (tmp_path / "two").symlink_to(tmp_path / "one" / "postfix")
        (tmp_path / "three").symlink_to("two")
        return tmp_path / "one" / ".." / "three"
    # the directory and the files in it
    shared = tmp_path / "shared"
    shared.mkdir()
    for name in ("main.cf", "master.cf"):
        (config / name).rename(shared / name)
        (config / name).symlink_to(tmp_path / "again" / name)
    (tmp_path / "again").symlink_to("shared")
    (tmp_path / "postfix").symlink_to(config)
    return tmp_path / "postfix"


@pytest.mark.parametrize("layout", ["the directory", "a directory above", "several", "files too"])
def test_any_part_of_the_path_may_be_a_link(host: ConfigDir, tmp_path: Path, layout: str) -> None:
    path = _through_links(tmp_path, layout, host.config)
    transactions = Transactions(str(path), str(host.state), time_limit=0.2)
    links = {link: os.readlink(link) for link in [*tmp_path.iterdir(), *host.config.iterdir()] if link.is_symlink()}
    transactions.commit(read_files(str(path)), *NEW)
    assert host.texts == NEW
    transactions.rollback()
    assert host.texts == OLD
    assert host.leftovers == []
    assert {link: os.readlink(link) for link in links} == links
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("layout", ["the directory", "a directory above", "several", "files too"])
def test_postconf_is_kept_out_by_whatever_path_it_goes(host: ConfigDir, tmp_path: Path, layout: str) -> None:
    path = _through_links(tmp_path, layout, host.config)
    transactions = Transactions(str(path), str(host.state), time_limit=0.2)
    for directory in (path, host.config):
        with open(directory / "main.cf.tmp", "w") as lock:
            os.chmod(lock.fileno(), 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(TransactionError, match="locked by"):
                transactions.commit(read_files(str(path)), *NEW)


def test_postconf_is_kept_out_while_a_symbolic_link_is_followed(host: ConfigDir, tmp_path: Path) -> None:
    host.main.rename(tmp_path / "target.cf")
    host.main.symlink_to(tmp_path / "target.cf")
    with open(host.config / "main.cf.tmp", "w") as lock:
        os.chmod(lock.fileno(), 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TransactionError, match="locked by"):
            host.commit(*NEW)


# Failures and crashes ----------------------------------------------------------------------------------------------


def test_a_missing_file_is_said(host: ConfigDir) -> None:
    host.master.unlink()
    with pytest.raises(TransactionError, match=r"master\.cf cannot be read: No such file"):
        read_files(str(host.config))


def test_a_damaged_journal_is_said(host: ConfigDir) -> None:
    host.commit(*NEW)
    journal = next(host.state.rglob("*.json"))
    for damaged in ("", "[]", "{}", json.dumps({"format": 99})):
        journal.write_text(damaged)
        with pytest.raises(TransactionError, match=str(journal)):
            host.transactions.pending()
        with pytest.raises(TransactionError, match=str(journal)):
            host.commit(*NEWER)
        assert host.texts == NEW


WRITING = ["open", "write", "fsync", "fchmod", "fchown", "rename", "unlink", "ftruncate", "close"]
WRITING += ["setxattr", "removexattr", "utime", "makedirs", "mkdir"]


class Injector:
    """Makes the n-th of the calls that change something report a failure, after it has done its work."""

    def __init__(self, at: int) -> None:
        self.left = at

    def install(self) -> None:
        for name in WRITING:
            setattr(os, name, self.wrap(getattr(os, name)))

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            self.left -= 1
            result = call(*arguments, **options)
            if self.left == 0:
                raise OSError(28, "No space left on device")
            return result

        return wrapped


def in_child(run: Callable[[], None], injector: Injector) -> bool:
    """Run in a child process under the injector; False when it was never reached."""
    child = os.fork()
    if child == 0:
        status = 3
        try:
            injector.install()
            run()
        except (TransactionError, OSError):
            pass
        else:
            status = 0
        finally:
            os._exit(status if injector.left <= 0 else 4)
    return os.WEXITSTATUS(os.waitpid(child, 0)[1]) != 4


def hosts(tmp_path: Path, texts: Tuple[str, str] = OLD) -> Iterator[ConfigDir]:
    for number in itertools.count():
        yield ConfigDir(tmp_path / str(number), *texts)


def prepared(host: ConfigDir, chain: str) -> Callable[[], Any]:
    """Bring a host to where a writer starts, and return what that writer does."""
    if chain == "commit":
        return lambda: host.commit(*NEW)
    host.commit(*NEW)
    if chain == "second commit":
        return lambda: host.commit(*NEWER)
    return host.transactions.rollback


@pytest.mark.one_python
@pytest.mark.parametrize("chain", ["commit", "second commit", "rollback"])
def test_whatever_call_fails_although_it_worked_the_files_are_whole_and_the_next_run_is_well(
    tmp_path: Path, chain: str
) -> None:
    """Calls that fail and do nothing, and writers that are killed at one, are in tests/crash."""
    before = OLD if chain == "commit" else NEW
    wanted = {"commit": NEW, "second commit": NEWER, "rollback": OLD}[chain]
    points = 0
    for number, host in enumerate(hosts(tmp_path), 1):
        run = prepared(host, chain)
        if not in_child(run, Injector(number)):
            break
        points += 1
        assert host.texts in (before, wanted)
        pending = host.transactions.pending()
        expected = pending.settled.texts if pending else host.texts
        host.transactions.recover()
        assert host.texts == expected
        assert host.texts in (before, wanted)
        after_recovery = host.transactions.pending()
        if host.texts != OLD:  # whatever happened, there is still something to go back to
            assert after_recovery is not None
            assert after_recovery.progress == "done"
            assert after_recovery.original.texts == OLD
        host.commit(*NEWER)
        assert host.texts == NEWER
        assert host.transactions.rollback() == [str(host.main), str(host.master)]
        assert host.texts == OLD
        assert host.leftovers == []
    assert points > 20


def test_a_failure_between_the_files_is_undone_at_once(host: ConfigDir) -> None:
    renamed = os.rename
    calls: List[str] = []

    def rename(source: str, target: str) -> None:
        calls.append(os.path.basename(target))
        if calls.count("master.cf") == 1 and calls[-1] == "master.cf":
            raise OSError(30, "Read-only file system")
        renamed(source, target)

    before = host.main.stat()
    os.rename = rename  # type: ignore[assignment]
    try:
        with pytest.raises(TransactionError, match=r"master\.cf cannot be replaced: Read-only"):
            host.commit(*NEW)
    finally:
        os.rename = renamed
    assert calls == ["ledger.json", "transaction.json", "main.cf", "master.cf", "main.cf"]
    assert host.texts == OLD
    assert host.main.stat().st_mtime_ns == before.st_mtime_ns
    assert host.transactions.pending() is None
    assert host.leftovers == []


def test_read_files_tells_the_times(host: ConfigDir) -> None:
    found = read_files(str(host.config))
    assert isinstance(found, ConfigFiles)
    assert found.mtimes == (host.main.stat().st_mtime_ns, host.master.stat().st_mtime_ns)
    assert found.ctimes == (host.main.stat().st_ctime_ns, host.master.stat().st_ctime_ns)
