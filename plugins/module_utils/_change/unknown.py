# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What files have of this family that nobody has asked for: source addresses, endpoints and client transports.

What a new instance of the package has is none of these.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Sequence

from .._base.errors import InputError
from .._files.endpoint import identity
from .._files.service import Service
from .._host.installed import built_in
from .._host.stock import stock_services
from .._host.store import State
from .._rules.parameters import PARAMETERS
from .._rules.source_addresses import CLIENTS
from .items import ENTRY, OPTION, Item, items_of, shown
from .ledger import Ledger
from .ownership import UNKNOWN, Note, is_ours
from .plan import Plan, Wanted
from .transaction import ConfigFiles


def unknown(plan: Plan, files: ConfigFiles, state: State) -> List[Dict[str, Any]]:
    """Return what the files will have that is neither wanted, nor ours, nor in the stock files, as notes.

    :param files: the present ones
    :raises InputError: there is something, and ``wanted.unknown`` is "fail"
    """
    wanted = plan.wanted
    ledger = Ledger.load(state, files.texts, files.mtimes)
    ours = ledger.settings if ledger else {}
    values = items_of((plan.main, plan.master))
    candidates = _candidates(wanted, plan.after.services)
    found = [item for item in candidates if item in values and not is_ours(item, ours)]
    if found and wanted.unknown == "fail":
        item, others = found[0], len(found) - 1
        reason = "is on the host, and nobody has asked for it"
        reason += f"; the same is true of {others} other{'s' if others > 1 else ''}" if others else ""
        remedy = "Ask for it, remove it by hand, or set unknown to report or ignore"
        raise InputError(item.title, shown(item, values[item]), reason, remedy)
    return [Note(item, UNKNOWN, None, None, values[item], None).as_data() for item in found]


def _candidates(wanted: Wanted, services: Sequence[Service]) -> Iterator[Item]:
    """Yield the items of this family that nothing wanted is about."""
    sources = [name for name, parameter in PARAMETERS.items() if parameter.kind.startswith("address")]
    for name in sources:
        if name not in (*wanted.values, *wanted.select, *wanted.unset):
            yield Item(name)
    stock = {_meaning(service) for service in stock_services(built_in())}
    changes = {identity(change.name, change.type): change for change in wanted.services}
    for service in services:
        name = identity(service.name, service.type)
        change = changes.get(name)
        if change is None and _meaning(service) not in stock:
            is_listed = service.type != "inet" or wanted.unlisted_services == "keep"  # else that option tells
            if service.type == "inet" and is_listed or service.command in CLIENTS:
                yield Item("services", name, ENTRY)
                continue
        for option in service.option_values:
            if option in sources and not (change and option in (*change.options, *change.unset_options)):
                yield Item("services", name, OPTION + option)


def _meaning(service: Service) -> object:
    """Return what is equal for services that do the same, in a chroot or not."""
    return service.name, service.type, service._replace(chroot="-").meaning
