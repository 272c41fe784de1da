# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes to read the files and to compute an edit, against what was promised: make bench."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from ansible_collections.mailfleet.postfix.plugins.module_utils._change.plan import Wanted, make_plan
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.main_cf import MainCf
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.master_cf_edit import MasterCfEditor
from ansible_collections.mailfleet.postfix.plugins.module_utils._files.service_change import ServiceChange
from ansible_collections.mailfleet.postfix.plugins.module_utils._host.surroundings import Surroundings
from ansible_collections.mailfleet.postfix.plugins.plugin_utils._host_input import host_from_input, mapping_resolver

STOCK = Path(__file__).parents[1] / "unit/plugins/module_utils/_files/stock"


def milliseconds(work: Callable[..., None], *texts: str, turns: int = 15) -> float:
    """The processor time of the fastest of some turns."""
    best = float("inf")
    for _turn in range(turns):
        start = time.process_time()
        work(*texts)
        best = min(best, time.process_time() - start)
    return best * 1000


def main_cf(lines: int) -> str:
    """A main.cf of a number of lines, half of them comments and empty lines."""
    return "".join(f"# Comment {n}\nparameter_{n} = value {n},\n    more $of_it\n\n" for n in range(lines // 4))


def master_cf(lines: int) -> str:
    """A master.cf of a number of lines."""
    entry = "127.0.0.1:{0} inet n - y - - smtpd\n  -o a=b{0}\n# c\n  -o {{ c = d e }}\n"
    return "".join(entry.format(n + 1) for n in range(lines // 4))


def edit_both(main: str, master: str) -> None:
    edit_main(main)
    edit_master(master)


def edit_main(text: str) -> None:
    main = MainCf(text)
    main.set("inet_interfaces", "127.0.0.1")


def edit_master(text: str) -> None:
    master = MasterCfEditor(text)
    master.put(ServiceChange("127.0.0.1:7", command="smtpd", options={"a": "x"}))


def plan(main: str, master: str) -> None:
    """All that the module works out: the edit, the effective view before and after, reasons and findings."""
    around = Surroundings(host_from_input(["127.0.0.1/8", "::1/128", "192.0.2.1/24"]), (3, 7, 11), mapping_resolver({}))
    change = ServiceChange("smtp", options={"smtpd_banner": "x"})
    make_plan(Wanted({"inet_interfaces": ["loopback-only"]}, services=[change]), main, master, around)


def main() -> int:
    stock_main, stock_master = [(STOCK / name).read_text(encoding="utf-8") for name in ("main.cf", "master.cf")]
    both = milliseconds(edit_both, stock_main, stock_master)
    small, large = [milliseconds(edit_main, main_cf(lines)) for lines in (2000, 20000)]
    short, long = [milliseconds(edit_master, master_cf(lines)) for lines in (400, 4000)]
    results = [
        ("both stock files, read and edited once", both, 5, "ms"),
        ("a main.cf of 2,000 lines, read and edited once", small, 10, "ms"),
        ("a main.cf of 20,000 lines against one of 2,000", large / small, 12, "times as long"),
        ("a master.cf of 4,000 lines against one of 400", long / short, 12, "times as long"),
    ]
    for what, value, limit, unit in results:
        print(f"{'ok  ' if value <= limit else 'SLOW'} {what}: {value:.1f} {unit} (at most {limit})")
    for what, text in (("both stock files", stock_main), ("a main.cf of 2,000 lines", main_cf(2000))):
        print(f"     {what}, the whole plan of the module: {milliseconds(plan, text, stock_master):.1f} ms")
    return int(any(value > limit for _what, value, limit, _unit in results))


if __name__ == "__main__":
    sys.exit(main())
