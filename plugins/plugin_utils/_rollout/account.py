# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin util is PRIVATE to the collection: it can change at any time.

"""What a rollout has done so far, in files on the control node that go with the run.

Each batch is a run of its own in Ansible, and each part of a large one, whose variables would have to be read again for
all hosts before it. The records of a part are added to a file instead, which only the end of the rollout reads, so that
each part costs what its own hosts cost.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.kept import KeptRecords
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._report.records import (
    Record,
    by_host,
    count_of_hosts,
    empty_record,
    prefix_of,
)
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.batches import part_at
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._rollout.controls import Controls

#: in Ansible's own directory for the files of one run
NAME = "mailfleet-rollout"


class Account:
    """The account of one rollout."""

    def __init__(self, temporary: str) -> None:
        """Read what there is.

        :param temporary: Ansible's directory for the files of this run
        """
        self._directory = os.path.join(temporary, NAME)
        self._records = KeptRecords(os.path.join(self._directory, "records.jsonl"))
        self._state: dict[str, Any] = self._read("state.json") or {}

    def open(self, hosts: Mapping[str, str], sizes: Sequence[int], parts: Sequence[int] | None = None) -> None:
        """Begin the account of a rollout; that of an earlier one of this run of Ansible is thrown away.

        :param hosts: all hosts with their groups, in the order of the rollout
        :param sizes: how many hosts each batch has
        :param parts: how many hosts each part of these batches has; without them, each batch is one
        """
        shutil.rmtree(self._directory, ignore_errors=True)
        os.mkdir(self._directory, 0o700)
        self._write("hosts.json", dict(hosts))
        self._state = {"sizes": list(sizes), "parts": list(parts or sizes), "batch": 0, "done": 0}
        self._state.update(problems={}, skipped={}, current=[], over=True, stop=False, stopped=False)

    @property
    def is_open(self) -> bool:
        """Whether a rollout has begun whose end was not told yet."""
        return bool(self._state)

    @property
    def batch(self) -> int:
        """The number of the batch that is at work, from 1."""
        return int(self._state["batch"])

    @property
    def batches(self) -> int:
        """How many batches there are."""
        return len(self._state["sizes"])

    @property
    def done(self) -> int:
        """How many hosts the batches before had."""
        return int(self._state["done"])

    @property
    def hosts(self) -> int:
        """How many hosts there are in all batches."""
        return int(sum(self._state["sizes"]))

    @property
    def current(self) -> list[str]:
        """The hosts of the batch that is at work; none between two batches."""
        return list(self._state["current"])

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with each host that failed, by its name."""
        return dict(self._state["problems"])

    @property
    def skipped(self) -> dict[str, str]:
        """The hosts that could not be reached and were skipped, and what Ansible said."""
        return dict(self._state["skipped"])

    @property
    def size(self) -> int:
        """How many hosts the batch has that is at work."""
        return int(self._state["sizes"][self.batch - 1])

    @property
    def is_over(self) -> bool:
        """Whether the part at work is the last one of its batch; or that was, between two parts."""
        return bool(self._state["over"])

    @property
    def ends(self) -> bool:
        """Whether this was the last batch, of all of them or as the rollout stops."""
        return self.stopped or (self.is_over and self.batch == self.batches and not self.current)

    @property
    def stopped(self) -> bool:
        """Whether the rollout ends with this batch because of hosts with a problem."""
        return bool(self._state["stopped"])

    def begin(self, hosts: Iterable[str]) -> list[str] | None:
        """Note that the next part begins; return the groups of its batch if this begins with it."""
        current, groups = list(hosts), self.groups()
        place = list(groups).index(current[0])
        before = self.batch
        batch, start, end = part_at(place, self._state["sizes"])
        _part, _start, end_of_part = part_at(place, self._state["parts"])
        self._state.update(batch=batch, current=current, over=end_of_part == end)
        self._save()
        return None if batch == before else list(dict.fromkeys(list(groups.values())[start:end]))

    def record(self, records: Sequence[Record], controls: Controls, check_mode: bool = False) -> None:
        """Note what became of the hosts of the part, and decide at the end of its batch whether the rollout stops here.

        :param check_mode: whether they only said what they would do, so that a difference is no problem
        """
        bad = ("unreachable", "refused") if check_mode else ("unreachable", "refused", "drift")
        problems, skipped = self._state["problems"], self._state["skipped"]
        stop = bool(self._state["stop"])
        self._records.add(records)
        for record in records:
            text = f"{prefix_of(record)}{record['problem']}"
            if record["status"] == "unreachable" and controls.unreachable == "skip":
                skipped[record["host"]] = text
            elif record["status"] in bad:
                said = problems.get(record["host"])
                problems[record["host"]] = f"{said} {text}" if said and record["problem"] not in said else said or text
                stop = stop or record["status"] == "unreachable"
        self._state["done"] += len(self.current)
        self._state.update(current=[], stop=stop, stopped=self.is_over and (stop or len(problems) > controls.max_fail))
        self._save()

    def failures(self, controls: Controls) -> dict[str, str]:
        """Return why each host fails that does, and what to do about it."""
        left = self.hosts - self.done
        untouched = f" {count_of_hosts(left)} of later batches {'was' if left == 1 else 'were'} not touched."
        remedy = f" Correct this and run the playbook again.{untouched if left else ''}"
        skipped = {} if controls.allow_unreachable else self.skipped
        said = {**{host: f"Skipped: {text}" for host, text in skipped.items()}, **self.problems}
        return {host: f"{text.rstrip('.')}.{remedy}" for host, text in said.items()}

    def records(self, late: Iterable[Record] = ()) -> Iterator[Record]:
        """Yield the records of all hosts in the order of the rollout; those that were not reached are left alone.

        :param late: records of a batch that has not come to its end
        """
        found = by_host((*self._records, *late))
        for host, group in self.groups().items():
            left_alone = {**empty_record(), "host": host, "group": group, "status": "untouched"}
            yield from found.get(host) or [left_alone]

    def groups(self) -> dict[str, str]:
        """Return all hosts with their groups, in the order of the rollout."""
        return dict(self._read("hosts.json") or {})

    def close(self) -> None:
        """Drop the account, as the end of the rollout was told."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self._state = {}

    def _save(self) -> None:
        self._write("state.json", self._state)

    def _read(self, name: str) -> Any:
        try:
            with open(os.path.join(self._directory, name), encoding="ascii") as stream:
                return json.load(stream)
        except FileNotFoundError:
            return None

    def _write(self, name: str, data: Any) -> None:
        path = os.path.join(self._directory, name)
        with open(f"{path}.new", "w", encoding="ascii") as stream:
            json.dump(data, stream)
        os.replace(f"{path}.new", path)
