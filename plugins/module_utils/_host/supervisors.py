# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What starts and stops an instance where systemd does not: OpenRC, runit, s6, supervisord, or a container's engine.

It is found from the processes above the running master and from its cgroup, not from what is installed. Who supervises
a master starts it again as soon as it ends, so it alone may stop and start it; a signal to the master comes after it
was told to leave it down. ``postfix start-fg`` makes that needed: its shell ends upon SIGTERM, and the master stays.

To support another one, write a class with what it does differently, and list it in :data:`SUPERVISORS`. Hosts on which
systemd runs Postfix do not load this.
"""

from __future__ import annotations

from typing import List, Optional, Tuple, Type

from .container import Container
from .instance import Instance
from .master_process import PROC, Master, Process, read_process
from .openrc import OpenRC
from .supervised_directories import S6, Runit
from .supervisor import Around, Supervisor, program_of
from .supervisord import Supervisord

SUPERVISORS: Tuple[Type[Supervisor], ...] = (Runit, S6, Supervisord, OpenRC)
"""What can be above a master. A container counts where none of these is."""


def find_supervisor(
    instance: Instance, master: Optional[Master], proc: str = PROC, root: str = "/"
) -> Optional[Supervisor]:
    """Return what runs an instance, where systemd does not; None where nobody does, and postfix(1) starts it.

    :param master: the running one, if any
    """
    chain: List[Process] = []
    process = master.process if master else None
    while process:
        for kind in SUPERVISORS if chain else ():  # the nearest one counts
            if program_of(process, proc) in kind.watchers:
                found = kind.above(instance, process, chain, proc)
                if found:
                    return found
        chain.append(process)
        process = read_process(process.parent, proc)
    around = Around([name for kind in SUPERVISORS for name in kind.watchers], proc, root)
    for kind in SUPERVISORS:
        found = kind.known(instance, master.process if master else None, around)
        if found:
            return found
    return Container.above(instance, chain[-1], chain, proc) if chain else None
