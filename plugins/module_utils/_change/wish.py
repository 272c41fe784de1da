# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run is asked for, an entry for each instance, and the members of the run that this makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, List, Optional, Sequence, Tuple, Type, TypeVar, Union

from .._base.errors import InputError
from .._base.records import NamedTuple
from .._host.installed import BuiltIn
from .._host.instance import Instance, find_instance
from .._host.network import enter_network_of
from .._host.store import STATE_DIRECTORY
from .._host.surroundings import surroundings
from .._rules.parameters import parse_version
from .apply import check_timeout
from .edit_files import Edit
from .member import Member
from .plan import Wanted
from .run import Run
from .together import Together
from .transaction import Transactions

if TYPE_CHECKING:
    from .creation import Creation
    from .secondary import Secondary

_Kind = TypeVar("_Kind", bound="Secondary")


class Wish(NamedTuple):
    """What is wanted of one instance.

    ``state`` is "present" where it is to be created if necessary, "absent" where it is to be removed, None where it has
    to exist. ``group`` is the multi_instance_group of one that is created.
    """

    config_directory: Optional[str]
    instance: Optional[str]
    wanted: Wanted
    state: Optional[str] = None
    group: Optional[str] = None
    timeout: float = 30.0
    #: who asks for it, for the ledger
    who: str = ""


class Asked(NamedTuple):
    """A run, and for each wish its member, or the removal of its instance."""

    together: Together
    parts: List[Union[Member, Secondary]]


def together_of(
    wishes: Sequence[Wish],
    compiled: BuiltIn,
    apply: bool,
    check_mode: bool,
    before_commit: Callable[[Member, List[str]], None] = lambda member, paths: None,
    state_directory: str = STATE_DIRECTORY,
) -> Asked:
    """Return the run that does what is wished; it goes on in the network namespace of the instances.

    :raises InputError: a wish is for an instance that does not exist, or that cannot
    :raises TransactionError: this process may not enter that network namespace
    """
    default: Optional[Transactions] = None
    if any(wish.state for wish in wishes):
        default = Transactions(find_instance(compiled=compiled).config_directory, state_directory)
    named: List[Union[Secondary, Tuple[Optional[Creation], Instance]]] = []
    for wish in wishes:
        check_timeout(wish.timeout)
        if default and wish.state:
            from .creation import Creation  # most runs neither create nor remove any
            from .secondary import Secondary

            if wish.state == "absent":
                named.append(_named(Secondary, wish, check_mode, state_directory, default, compiled))
            else:
                created = _named(Creation, wish, check_mode, state_directory, default, compiled)
                created.who = wish.who
                named.append((created, created.find() or created.planned))
        else:
            named.append((None, find_instance(wish.config_directory, wish.instance, compiled)))
    enter_network_of([one[1] for one in named if isinstance(one, tuple)])
    around = surroundings(parse_version(compiled.version), compiled.unfamiliar)
    parts: List[Union[Member, Secondary]] = []
    for wish, one in zip(wishes, named):
        if not isinstance(one, tuple):
            parts.append(one)
            continue
        creation, instance = one
        run = Run(instance, wish.timeout, state_directory, around)
        if default and instance.is_default:
            run.transactions = default  # its lock is that of the list of instances too
        run.transactions.who = wish.who
        parts.append(Member(run, Edit(instance, wish.wanted, run.transactions, around), creation))
    members = [one for one in parts if isinstance(one, Member)]
    removed = [one for one in parts if not isinstance(one, Member)]
    return Asked(Together(members, removed, apply, check_mode, before_commit, state_directory), parts)


def _named(
    kind: Type[_Kind], wish: Wish, check_mode: bool, state_directory: str, default: Transactions, compiled: BuiltIn
) -> _Kind:
    refuse_directory(wish.config_directory)
    return kind(wish.instance or "", wish.group, check_mode, state_directory, default, compiled, "instance")


def refuse_directory(directory: Optional[str]) -> None:
    """Refuse a directory for an instance that is created or removed.

    :raises InputError: one is given
    """
    if directory:
        remedy = "Give its name in instance; its directory is beside that of the default instance"
        raise InputError("config_directory", directory, "cannot be given together with state", remedy)
