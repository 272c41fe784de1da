# Copyright (c) 2026 The mailfleet.postfix authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an instance could do before a run touched it: what fails now as it failed then is no reason to go back.

One address of each service that stays as it is gets asked for its banner while the old master still serves, beside what
else precedes a stop. A quick host does not wait for that.
"""

from __future__ import annotations

import os
import re
import time
from typing import Dict, List, Mapping, Optional, Sequence, Set

from .._base.errors import InputError
from .._base.sockets import Socket, ipv4_first
from .._files.service import Service, service_key
from .._host.banner import PROVEN, Answer, Endpoint, Visits, endpoints
from .._host.log import LogMark
from .._host.master_process import COMM
from .._rules.outlook import Outlook
from .in_sync import Assessment

_AT_ONCE = 8  # services that are asked at the same time, while other things go on
_PATIENCE = 2.0  # seconds for what has not answered yet: what dies of its configuration has died by then


class Earlier:
    """What the running master of an instance can do, and the services that it can do it with.

    :param assessment: of the instance, before it is touched
    """

    def __init__(self, assessment: Assessment) -> None:
        self._before, self._master = assessment.before, assessment.master
        self._services = _services(assessment.before) if assessment.before else {}
        children = self._master.children() if self._master else []
        self._programs = {child.name for child in children if time.time() - child.started > PROVEN}
        self._asked: Dict[str, Endpoint] = {}
        self._visits: Optional[Visits] = None
        self._answers: Dict[str, Answer] = {}

    def ask(self, after: Outlook, on_disk: Outlook) -> None:
        """Begin to ask the services that stay as they are.

        A server that starts now reads main.cf as it is now; so nobody is asked who could die of a change there.

        :param on_disk: what the files say now
        """
        if self._before is None or self._master is None or self._visits or not self._before.runs:
            return
        if self._changed(self._before, on_disk):
            return
        try:
            known = endpoints(self._before)
        except InputError:  # the rules do not understand what it runs by
            known = []
        for endpoint in known:
            if endpoint.at in self._master.sockets and self._is_unchanged(endpoint.service, after):
                self._asked.setdefault(endpoint.service, endpoint)
        self._visits = Visits(list(self._asked.values()), _AT_ONCE)

    def settle(self) -> None:
        """Take the answers, at the latest before the master is stopped."""
        if self._visits and self._master and not self._answers:
            found = self._visits.answers(self._master, time.monotonic() + _PATIENCE)
            self._answers = {service: found[endpoint.at] for service, endpoint in self._asked.items()}

    def _is_unchanged(self, service: str, after: Outlook) -> bool:
        """Return whether master.cf says the same of a service as before."""
        was, becomes = self._services.get(service), _services(after).get(service)
        return was is not None and becomes is not None and was.meaning == becomes.meaning

    def judge_answers(
        self, answers: Mapping[Socket, Answer], after: Outlook, started: bool, warnings: List[str]
    ) -> Optional[str]:
        """Return the first answer in words that shows that a server is broken by a change; None if there is none.

        After a reload it can be one that a change of main.cf has mended: the master does not start it for a while.

        :param started: whether the master was started, and not only told to read its files again
        :param warnings: gets what is slow, or as broken as before
        """
        mended = not started and self._before is not None and bool(self._changed(self._before, after))
        asked = {endpoint.at: endpoint for endpoint in endpoints(after)}
        for place in ipv4_first(answers):
            problem = answers[place].problem
            if problem:
                before = self._failed(asked[place], after) and not mended
                if not before and not answers[place].slow:
                    return f"The server at {place} {problem}."
                again = " It did not answer before the change either." if before else ""
                warnings.append(f"The server at {place} {problem}.{again}")
        return None

    def judge_programs(self, log: LogMark, journal: bool, after: Outlook, warnings: List[str]) -> Optional[str]:
        """Return in words what the master cannot run any more because of a change; None if there is nothing.

        :param journal: whether this host has a systemd journal
        :param warnings: gets what it cannot run although nothing has changed
        """
        throttled = log.throttled(journal)
        if not throttled:
            return None
        complaints = log.words(journal)
        still = {endpoint.program for endpoint in endpoints(after) if self._failed(endpoint, after)}
        failed = [name for name in throttled if name not in still and self._could_run(name, after, complaints)]
        if failed:
            ran = all(program[:COMM] in self._programs for program in failed)
            return f"The master cannot run {' and '.join(failed)}{', and could before' if ran else ''}."
        warnings.append(f"The master cannot run {' and '.join(throttled)}, by what was not changed. The log says why.")
        return None

    def _failed(self, endpoint: Endpoint, after: Outlook) -> bool:
        """Return whether a server that stays as it is gave no good answer before."""
        answer = self._answers.get(endpoint.service)
        return answer is not None and answer.problem is not None and self._is_unchanged(endpoint.service, after)

    def _could_run(self, program: str, after: Outlook, complaints: Sequence[str]) -> bool:
        """Return whether it must be because of a change that the master cannot run a program.

        That is so where a process of it lived before, and where it is not known that what it is run by is as before.
        A stopped instance of which nothing is known has not changed.

        :param complaints: what Postfix has logged since
        """
        if program[:COMM] in self._programs:
            return True
        if self._before is None:
            return self._master is not None
        names = self._changed(self._before, after)
        for line in complaints:
            if f"/{program}: " in line and names.intersection(re.findall(r"\w+", line)):
                return True
        now = _services(after)
        using = [key for key, service in now.items() if os.path.basename(service.command) == program]
        return not using or not all(self._is_unchanged(key, after) for key in using)

    @staticmethod
    def _changed(before: Outlook, after: Outlook) -> Set[str]:
        """Return the parameters of main.cf that differ."""
        names = before.settings.names() | after.settings.names()
        return {name for name in names if before.settings.raw(name) != after.settings.raw(name)}


def _services(outlook: Outlook) -> Dict[str, Service]:
    port_of = outlook.configuration.port_of
    services: List[Service] = list(outlook.configuration.services)
    return {service_key(service, port_of): service for service in services}
